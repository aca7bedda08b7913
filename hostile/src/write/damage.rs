//! Each way in which an image is damaged on its way, or on purpose.

use crate::Dice;

/// A kind of damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// No bytes at all.
    Empty,
    /// The end is missing.
    Cut,
    /// Other bytes stand behind the end.
    Tail,
    /// A block of the disk is zeros.
    Hole,
    /// The magic number is another image's.
    Magic,
    /// A magic number or size has its bytes in the other order.
    Order,
    /// The size of a record is larger than what is left.
    Large,
    /// The size of a record is a little too small.
    Small,
    /// Two records have changed places.
    Swapped,
    /// The records are in reverse order.
    Reversed,
    /// A record is there twice.
    Twice,
    /// The first record is missing.
    Headless,
    /// Line ends were changed on the way.
    LineEnds,
    /// Bytes that are not ASCII went through a conversion to UTF-8.
    Text,
    /// A bit is wrong.
    Bit,
}

/// All of them.
pub const DAMAGE: [Damage; 15] = [
    Damage::Empty,
    Damage::Cut,
    Damage::Tail,
    Damage::Hole,
    Damage::Magic,
    Damage::Order,
    Damage::Large,
    Damage::Small,
    Damage::Swapped,
    Damage::Reversed,
    Damage::Twice,
    Damage::Headless,
    Damage::LineEnds,
    Damage::Text,
    Damage::Bit,
];

impl Damage {
    /// Damages an image.
    pub fn put(self, image: &mut Vec<u8>, dice: &mut Dice) {
        let at = dice.below(image.len());
        match self {
            Self::Empty => image.clear(),
            Self::Cut => image.truncate(at),
            Self::Tail => image.extend((0..dice.below(5000)).map(|n| (n * 7) as u8)),
            Self::Hole => {
                let start = at / 512 * 512;
                let end = (start + 512).min(image.len());
                image[start..end].fill(0);
            }
            Self::Magic => {
                let end = image.len().min(8);
                let start = end.min(4);
                image[start..end].copy_from_slice(&[0x20, 0x28, 0x49, 0x57][..end - start]);
            }
            Self::Order => {
                let words = image.len() / 4;
                let word = dice.below(words.min(4)) * 4;
                if let Some(word) = image.get_mut(word..word + 4) {
                    word.reverse();
                }
            }
            Self::Large | Self::Small => {
                let (start, records, _) = split(image);
                let before = dice.below(records.len());
                let at: usize = start + records.iter().take(before).map(Vec::len).sum::<usize>();
                if let Some(size) = image.get_mut(at..at + 4) {
                    let old = u32::from_le_bytes([size[0], size[1], size[2], size[3]]);
                    let new =
                        if self == Self::Large { old.wrapping_add(1 << 20) } else { old.wrapping_sub(1) };
                    size.copy_from_slice(&new.to_le_bytes());
                }
            }
            Self::Swapped | Self::Reversed | Self::Twice | Self::Headless => {
                let (start, mut records, tail) = split(image);
                if records.is_empty() {
                    return;
                }
                let (one, other) = (dice.below(records.len()), dice.below(records.len()));
                match self {
                    Self::Swapped => records.swap(one, other),
                    Self::Reversed => records.reverse(),
                    Self::Twice => records.insert(other, records[one].clone()),
                    _ => drop(records.remove(0)),
                }
                image.truncate(start);
                image.extend(records.concat());
                image.extend(tail);
            }
            Self::LineEnds => {
                *image = image
                    .iter()
                    .flat_map(|b| if *b == b'\n' { vec![b'\r', b'\n'] } else { vec![*b] })
                    .collect();
            }
            Self::Text => *image = String::from_utf8_lossy(image).into_owned().into_bytes(),
            Self::Bit => {
                if let Some(byte) = image.get_mut(at) {
                    *byte ^= 1 << dice.below(8);
                }
            }
        }
    }
}

/// Where the records of an image begin, the records with their sizes, and what is behind them.
pub fn split(image: &[u8]) -> (usize, Vec<Vec<u8>>, Vec<u8>) {
    let two = image.starts_with(&[0x19, 0x43, 0x56, 0x54]) || image.starts_with(&[0x40, 0x59, 0x10, 0x55]);
    let start = if two { 8 } else { 4 }.min(image.len());
    let mut records = Vec::new();
    let mut at = start;
    while let Some(size) = image.get(at..at + 4).and_then(|s| s.try_into().ok()).map(u32::from_le_bytes) {
        let end = at + 4 + size as usize;
        let Some(record) = image.get(at..end) else { break };
        records.push(record.to_vec());
        at = end;
    }
    (start, records, image[at..].to_vec())
}
