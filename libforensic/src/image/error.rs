use std::fmt;
use std::io;

/// A thing that is wrong with an image, and where.
#[derive(Debug, thiserror::Error)]
#[error("offset {offset:#x}: {what}")]
pub struct Error {
    kind: ErrorKind,
    offset: u64,
    what: String,
    #[source]
    source: Option<io::Error>,
}

/// Tells apart what can be wrong with an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Reading the bytes failed.
    Io,
    /// The file does not start with a magic number of CRIU's.
    UnknownMagic,
    /// The file starts with the magic number of a different kind of image.
    WrongKind,
    /// The file ends within a header, a record or a payload.
    Truncated,
    /// A record's bytes are not a protobuf message of the expected type.
    Damaged,
    /// A record or payload exceeds the limit on its size, or messages nest too deep.
    Limit,
    /// The kind of image has no records.
    NoRecords,
    /// The JSON given to the encoder is not a document this codec makes.
    Json,
    /// Compressed pages do not decompress to their size.
    Compression,
}

impl ErrorKind {
    /// Names the kind in lower case, for machines.
    pub const fn as_str(self) -> &'static str {
        match self {
            ErrorKind::Io => "io",
            ErrorKind::UnknownMagic => "unknown-magic",
            ErrorKind::WrongKind => "wrong-kind",
            ErrorKind::Truncated => "truncated",
            ErrorKind::Damaged => "damaged",
            ErrorKind::Limit => "limit",
            ErrorKind::NoRecords => "no-records",
            ErrorKind::Json => "json",
            ErrorKind::Compression => "compression",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, offset: u64, what: impl Into<String>) -> Self {
        Self { kind, offset, what: what.into(), source: None }
    }

    pub(crate) fn io(offset: u64, source: io::Error) -> Self {
        Self { kind: ErrorKind::Io, offset, what: source.to_string(), source: Some(source) }
    }

    /// Tells what sort of error this is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Gives the offset in the image, in bytes, of what could not be read.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Says what was being read and what was wrong with it.
    pub fn what(&self) -> &str {
        &self.what
    }
}

/// The result of reading an image.
pub type Result<T, E = Error> = std::result::Result<T, E>;
