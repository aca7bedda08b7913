//! Reads what an image file starts with.

use super::error::{Error, ErrorKind, Result};
use super::kind::{Header, Kind};

/// The first word of current images.
pub(crate) const COMMON_MAGIC: u32 = 0x5456_4319;
/// The first word of current images that are not part of a dump proper.
pub(crate) const SERVICE_MAGIC: u32 = 0x5510_5940;

/// The order of the bytes in magic numbers and sizes: that of the dumping machine.
///
/// Numbers inside messages have protobuf's own order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ByteOrder {
    /// Least significant byte first; every machine CRIU runs on but IBM Z.
    #[default]
    Little,
    /// Most significant byte first.
    Big,
}

impl ByteOrder {
    pub(crate) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            ByteOrder::Little => u32::from_le_bytes(bytes),
            ByteOrder::Big => u32::from_be_bytes(bytes),
        }
    }

    pub(crate) fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            ByteOrder::Little => u16::from_le_bytes(bytes),
            ByteOrder::Big => u16::from_be_bytes(bytes),
        }
    }

    pub(crate) fn u32_bytes(self, value: u32) -> [u8; 4] {
        match self {
            ByteOrder::Little => value.to_le_bytes(),
            ByteOrder::Big => value.to_be_bytes(),
        }
    }

    pub(crate) fn u16_bytes(self, value: u16) -> [u8; 2] {
        match self {
            ByteOrder::Little => value.to_le_bytes(),
            ByteOrder::Big => value.to_be_bytes(),
        }
    }
}

/// The word in front of an image's own magic number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Prefix {
    /// None: an inventory, or an image of CRIU 1.5 or older.
    None,
    /// The common one, `0x54564319`.
    Common,
    /// The service one, `0x55105940`.
    Service,
}

/// What an image file starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileHeader {
    /// The kind of image, by its magic number.
    pub kind: Kind,
    /// The order of the bytes in magic numbers and sizes.
    pub order: ByteOrder,
    /// The word in front of the kind's own number.
    pub prefix: Prefix,
}

impl FileHeader {
    /// Recognises an image by its first eight bytes (four are enough for some).
    ///
    /// With a `hint`, kinds that share a magic number are told apart.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Truncated`] if there are too few bytes,
    /// [`ErrorKind::UnknownMagic`] if they are not CRIU's, and
    /// [`ErrorKind::WrongKind`] if they are those of another kind than the hint's.
    pub fn parse(hint: Option<Kind>, bytes: &[u8]) -> Result<Self> {
        let first: [u8; 4] = word(bytes, 0)?;
        for order in [ByteOrder::Little, ByteOrder::Big] {
            let value = order.u32(first);
            let (prefix, magic, offset) = match value {
                COMMON_MAGIC => (Prefix::Common, order.u32(word(bytes, 4)?), 4),
                SERVICE_MAGIC => (Prefix::Service, order.u32(word(bytes, 4)?), 4),
                _ => (Prefix::None, value, 0),
            };
            let Some(kind) = Kind::from_magic(magic) else {
                if prefix == Prefix::None {
                    continue;
                }
                return Err(Error::new(
                    ErrorKind::UnknownMagic,
                    offset,
                    format!("no image has the magic number {magic:#010x}"),
                ));
            };
            let kind = match hint {
                None => kind,
                Some(hint) if hint.info().magic == Some(magic) => hint,
                Some(hint) => {
                    return Err(Error::new(
                        ErrorKind::WrongKind,
                        offset,
                        format!("the magic number is that of {kind}, not of {hint}"),
                    ));
                }
            };
            return Ok(Self { kind, order, prefix });
        }
        Err(Error::new(
            ErrorKind::UnknownMagic,
            0,
            format!("no image has the magic number {:#010x}", u32::from_le_bytes(first)),
        ))
    }

    /// Says whether an image that starts with these four bytes has a second magic number.
    pub(crate) fn has_prefix(start: &[u8]) -> bool {
        word(start, 0).is_ok_and(|word| {
            [ByteOrder::Little, ByteOrder::Big]
                .iter()
                .any(|order| matches!(order.u32(word), COMMON_MAGIC | SERVICE_MAGIC))
        })
    }

    /// Gives the length of the header in bytes.
    pub fn len(&self) -> u64 {
        match (self.kind.info().header, self.prefix) {
            (Header::Raw, _) => 0,
            (Header::Length64, _) | (_, Prefix::Common | Prefix::Service) => 8,
            (_, Prefix::None) => 4,
        }
    }

    /// Says whether the header is empty, as that of a raw image is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives the prefix that current CRIU writes for the kind.
    pub(crate) fn usual_prefix(kind: Kind) -> Prefix {
        match kind.info().header {
            Header::Common => Prefix::Common,
            Header::Service => Prefix::Service,
            Header::SpecificOnly | Header::Raw | Header::Length64 => Prefix::None,
        }
    }
}

fn word(bytes: &[u8], at: usize) -> Result<[u8; 4]> {
    at.checked_add(4).and_then(|end| bytes.get(at..end)).and_then(|slice| slice.try_into().ok()).ok_or_else(
        || Error::new(ErrorKind::Truncated, bytes.len() as u64, "the file ends within its magic number"),
    )
}
