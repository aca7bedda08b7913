//! Says of one file of a dump how much of it can be read.

use std::io::Read;

use super::crit;
use super::error::{Error, ErrorKind};
use super::kind::{FileArg, Kind};
use super::records::Records;

/// How much of a file can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ImageStatus {
    /// All of it, as records.
    Decoded,
    /// Its kind is known; it has no records to decode.
    Known,
    /// It is not an image of CRIU's.
    Unknown,
    /// A part of it cannot be read.
    Damaged,
}

impl ImageStatus {
    /// Names the status in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            ImageStatus::Decoded => "decoded",
            ImageStatus::Known => "known",
            ImageStatus::Unknown => "unknown",
            ImageStatus::Damaged => "damaged",
        }
    }
}

/// What is known about one file of a dump.
#[derive(Debug)]
#[non_exhaustive]
pub struct ImageSummary {
    /// How much of the file can be read.
    pub status: ImageStatus,
    /// The kind of image, if it is one.
    pub kind: Option<Kind>,
    /// The numbers in the file's name.
    pub argument: Option<FileArg>,
    /// Records in the file, a head included, messages within message queues not;
    /// nothing for kinds without records.
    pub records: Option<u64>,
    /// Fields, at any depth, that this library does not know.
    pub unknown_fields: u64,
    /// Damaged places.
    pub damaged: u64,
    /// The first damage.
    pub first_error: Option<Error>,
}

/// Reads a file of a dump and says how much of it can be read.
///
/// The name, whose directories are ignored, tells the kind; without a known one
/// the magic number does. Every record is looked at, none is kept.
///
/// ```
/// use libforensic::image::{self, ImageStatus};
///
/// let summary = image::summarise(b"pages-1.img", &[0; 4096][..]);
/// assert_eq!(summary.status, ImageStatus::Known);
/// assert_eq!(summary.records, None);
/// ```
pub fn summarise(name: &[u8], source: impl Read) -> ImageSummary {
    let (kind, argument) = match Kind::from_file_name(name) {
        Some((kind, argument)) => (Some(kind), argument),
        None => (None, None),
    };
    let mut summary = ImageSummary {
        status: ImageStatus::Known,
        kind,
        argument,
        records: None,
        unknown_fields: 0,
        damaged: 0,
        first_error: None,
    };
    if kind.is_some_and(|kind| !kind.info().is_framed()) {
        return summary;
    }
    let records = match Records::new(kind, source) {
        Ok(records) => records,
        Err(error) => {
            let unknown =
                kind.is_none() && matches!(error.kind(), ErrorKind::UnknownMagic | ErrorKind::Truncated);
            if unknown {
                summary.status = ImageStatus::Unknown;
            } else {
                summary.status = ImageStatus::Damaged;
                summary.damaged = 1;
                summary.first_error = Some(error);
            }
            return summary;
        }
    };
    let report = crit::inspect(records);
    summary.kind = Some(report.kind);
    summary.records = Some(report.records);
    summary.unknown_fields = report.unknown_fields;
    summary.damaged = report.damaged;
    summary.status = if report.damaged == 0 { ImageStatus::Decoded } else { ImageStatus::Damaged };
    summary.first_error = report.first_error;
    summary
}
