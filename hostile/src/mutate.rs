//! Changes evidence, by a seed.

use crate::write::{Member, tar};

/// A small generator of numbers (xorshift64*): the same everywhere.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Starts from a seed; neighbouring ones give unlike numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Gives the next number.
    pub fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Gives a number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from((self.roll() >> 11) % end.max(1) as u64).unwrap_or(0)
    }
}

/// Numbers at which programs break.
const EDGES: [u64; 12] = [
    0,
    1,
    0x7f,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    0x1_0000_0001,
    0x7fff_ffff_ffff_ffff,
    0xffff_ffff_ffff_f000,
    u64::MAX,
];

/// Changes some bytes.
pub fn bytes(data: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..=dice.below(6) {
        if data.is_empty() {
            return;
        }
        let at = dice.below(data.len());
        match dice.below(9) {
            0 => data[at] ^= 1 << dice.below(8),
            1 => data[at] = dice.roll() as u8,
            2 => data[at] = [0, 0xff, 0x7f, 0x80][dice.below(4)],
            3 => {
                let end = (at + 1 + dice.below(9)).min(data.len());
                data[at..end].fill(0xff);
            }
            4 => {
                // A piece of another place, such as another record.
                let from = dice.below(data.len());
                let len = dice.below(64).min(data.len() - from).min(data.len() - at);
                data.copy_within(from..from + len, at);
            }
            5 => {
                let edge = EDGES[dice.below(EDGES.len())].to_le_bytes();
                let len = [1, 2, 4, 8][dice.below(4)].min(data.len() - at);
                data[at..at + len].copy_from_slice(&edge[..len]);
            }
            6 => {
                // A number of protobuf's, longer or shorter than the one that was there.
                let mut varint = Vec::new();
                let mut left = EDGES[dice.below(EDGES.len())];
                while left > 127 {
                    varint.push((left % 128) as u8 + 128);
                    left /= 128;
                }
                varint.push(left as u8);
                let end = (at + dice.below(4)).min(data.len());
                data.splice(at..end, varint);
            }
            7 => {
                let end = (at + dice.below(32)).min(data.len());
                let piece = data[at..end].to_vec();
                if dice.below(2) == 0 {
                    data.splice(at..at, piece);
                } else {
                    data.drain(at..end);
                }
            }
            _ => {
                if dice.below(16) == 0 {
                    data.truncate(at);
                }
            }
        }
    }
}

/// Swaps, repeats or drops records of an image; the rest stays as it was.
pub fn records(image: &mut Vec<u8>, dice: &mut Dice) {
    let start =
        if image.starts_with(&[0x19, 0x43, 0x56, 0x54]) || image.starts_with(&[0x40, 0x59, 0x10, 0x55]) {
            8
        } else {
            4
        };
    let mut found = Vec::new();
    let mut at = start;
    while let Some(size) = image.get(at..at + 4).and_then(|s| s.try_into().ok()).map(u32::from_le_bytes) {
        let end = at + 4 + size as usize;
        if end > image.len() {
            break;
        }
        found.push(image[at..end].to_vec());
        at = end;
    }
    if found.is_empty() {
        return;
    }
    let tail = image[at..].to_vec();
    let (one, other) = (dice.below(found.len()), dice.below(found.len()));
    match dice.below(3) {
        0 => found.swap(one, other),
        1 => found.insert(other, found[one].clone()),
        _ => drop(found.remove(one)),
    }
    image.truncate(start);
    image.extend(found.concat());
    image.extend(tail);
}

/// Changes an archive that is given as its members, and writes it.
pub fn archive(members: &[Member], dice: &mut Dice) -> Vec<u8> {
    let mut members = members.to_vec();
    for _ in 0..=dice.below(3) {
        let (one, other) = (dice.below(members.len()), dice.below(members.len()));
        match dice.below(12) {
            0 => members.swap(one, other),
            1 => members.push(members[one].clone()),
            2 if members.len() > 2 => drop(members.remove(one)),
            3 => {
                let data = members[other].data.clone();
                members[one].data = data;
            }
            4 => members[one].flag = *b"0123456gxLKSVDM7".get(dice.below(16)).unwrap_or(&b'0'),
            5 => {
                let edge = EDGES[dice.below(EDGES.len())];
                members[one] = members[one].clone().claiming(edge);
            }
            6 | 7 => records(&mut members[one].data, dice),
            _ => bytes(&mut members[one].data, dice),
        }
    }
    let mut out = tar(&members);
    if dice.below(8) == 0 {
        bytes(&mut out, dice);
    }
    if dice.below(32) == 0 {
        let at = dice.below(out.len());
        out.truncate(at);
    }
    out
}
