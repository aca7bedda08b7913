//! Decodes and encodes the images of a dump made by CRIU.
//!
//! An image is a file that starts with one or two magic numbers and goes on with
//! records: a length of four bytes, a protobuf message and, for some kinds, bytes
//! that the message tells the length of. Other files of a dump have no such
//! structure, such as the pages of memory or the output of `ip route save`.
//!
//! - [`Kind`] is the table of all kinds of images: names, magic numbers, messages.
//! - [`Records`] splits an image into [`Record`]s, [`Image`] holds all of a small one.
//! - [`proto`] has a struct for every message; [`read_all`] decodes one type of them.
//! - [`Pagemap`] reads which pages a dump holds, [`lz4`] decompresses them.
//! - [`crit`] turns any image into JSON and back, [`summarise`] only looks at it.
//! - [`schema`] describes messages to code that handles any of them.
//!
//! Images are evidence and may be made to harm their reader. A damaged record
//! costs that record, and memory is bounded by [`Limits`] and the image's size.
//!
//! ```no_run
//! use libforensic::image::{self, proto::PstreeEntry};
//!
//! let bytes = std::fs::read("checkpoint/pstree.img")?;
//! let (processes, errors) = image::read_all::<PstreeEntry>(&bytes);
//! for (offset, process) in processes {
//!     println!("{offset:#x}: pid {:?}", process.pid);
//! }
//! for error in errors {
//!     eprintln!("{error}");
//! }
//! # Ok::<(), std::io::Error>(())
//! ```

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

pub mod crit;
mod error;
mod header;
mod kind;
pub mod lz4;
mod pagemap;
#[rustfmt::skip]
#[allow(clippy::all, clippy::pedantic, missing_docs, rustdoc::all)]
pub mod proto;
mod records;
pub mod schema;
mod summary;
mod wire;
mod writer;

pub use error::{Error, ErrorKind, Result};
pub use header::{ByteOrder, FileHeader, Prefix};
pub use kind::{Argument, Cardinality, FileArg, Header, Kind, KindInfo, PayloadRule, Status, kinds};
pub use pagemap::{Compressed, PageFlags, PageRun, Pagemap};
pub(crate) use records::decode_bounded;
pub use records::{Limits, Payload, Record, Records};
pub use summary::{ImageStatus, ImageSummary, summarise};
pub(crate) use wire::number_in;
pub use writer::Writer;

/// An image that was read whole.
#[derive(Debug)]
pub struct Image {
    /// What the file starts with, and its kind.
    pub header: FileHeader,
    /// The records that could be read.
    pub records: Vec<Record>,
    /// Why the records end before the file does, if they do.
    pub error: Option<Error>,
}

impl Image {
    /// Reads all records of an image.
    ///
    /// The `hint`, usually from the file's name, is needed for plugins' images
    /// and tells apart kinds that share a magic number.
    ///
    /// # Errors
    ///
    /// Those of [`Records::new`]. Damage behind the header is not an error.
    pub fn parse(hint: Option<Kind>, bytes: &[u8]) -> Result<Self> {
        let iterator = Records::new(hint, bytes)?;
        let header = iterator.header();
        let mut records = Vec::new();
        let mut error = None;
        for record in iterator {
            match record {
                Ok(record) => records.push(record),
                Err(found) => error = Some(found),
            }
        }
        Ok(Self { header, records, error })
    }
}

/// Decodes all messages of one type in an image, each with its offset in bytes.
///
/// Of an image with two types of messages, such as a pagemap, those of the
/// other type are left out. What could not be read is in the second list.
/// For plugins' images, which have no magic number, use [`Records`] with a hint.
///
/// See the [module](self) for an example.
pub fn read_all<M>(bytes: &[u8]) -> (Vec<(u64, M)>, Vec<Error>)
where
    M: prost::Message + prost::Name + Default,
{
    read_all_as(None, bytes, Limits::default())
}

/// As [`read_all`], of an image that should be of this kind, with limits.
pub(crate) fn read_all_as<M>(hint: Option<Kind>, bytes: &[u8], limits: Limits) -> (Vec<(u64, M)>, Vec<Error>)
where
    M: prost::Message + prost::Name + Default,
{
    let mut messages = Vec::new();
    let mut errors = Vec::new();
    let mut records = match Records::with_buffer(hint, bytes, bytes.len()) {
        Ok(records) => records.without_payloads().with_limits(limits),
        Err(error) => return (messages, vec![error]),
    };
    // One buffer for all: an image may hold a million records of a few bytes.
    let mut body = Vec::new();
    while let Some(frame) = records.next_frame(&mut body) {
        let decoded = match frame {
            Ok(frame) if frame.message.name != M::NAME => continue,
            Ok(frame) => decode_bounded(&body, frame.message, frame.offset).map(|m| (frame.offset, m)),
            Err(error) => Err(error),
        };
        match decoded {
            Ok(message) => messages.push(message),
            Err(error) => errors.push(error),
        }
    }
    (messages, errors)
}
