//! Turns images into JSON documents and back.
//!
//! The documents are those of crit, the tool that comes with CRIU, character for
//! character, in its plain form as in its pretty one:
//!
//! ```
//! use libforensic::image::crit::{self, Options};
//!
//! let image: &[u8] = &[
//!     0x19, 0x43, 0x56, 0x54, 0x30, 0x30, 0x27, 0x50, // the magic numbers of pstree.img
//!     10, 0, 0, 0, 8, 1, 16, 0, 24, 1, 32, 1, 40, 1,
//! ];
//! let mut json = Vec::new();
//! let report = crit::decode(None, image, &mut json, &Options::default())?;
//! assert_eq!(
//!     String::from_utf8_lossy(&json),
//!     r#"{"magic": "PSTREE", "entries": [{"pid": 1, "ppid": 0, "pgid": 1, "sid": 1, "threads": [1]}]}"#
//! );
//! assert_eq!(report.records, 1);
//!
//! let mut again = Vec::new();
//! crit::encode(json.as_slice(), &mut again, &Options::default())?;
//! assert_eq!(again, image);
//! # Ok::<(), libforensic::image::Error>(())
//! ```
//!
//! # What crit has no words for
//!
//! Every image comes back byte for byte from its document. Where crit's form
//! cannot say what the image has, members whose names start with `_` are added;
//! crit ignores them.
//!
//! | member | where | what |
//! | --- | --- | --- |
//! | `_bytes` | a message | exact bytes, in base64, of texts that are not UTF-8, by their names |
//! | `_unknown` | a message | fields this library does not know: `field`, `wire`, `value` |
//! | `_raw` | an entry | the message in base64, if its fields are not in the usual order and form |
//! | `_error` | an entry, the document | what is damaged |
//! | `_padding` | an entry | bytes behind the payload, if they are not the usual zeros |
//! | `_short` | an entry | how many bytes of the payload the file lacks |
//! | `_header` | the document | byte order and first magic number, if not the usual ones |
//! | `_tail` | the document | what could not be split into records, in base64 |
//!
//! When encoding, `_raw`, `_bytes` and `_padding` win over what they stand beside:
//! remove them after changing it.
//!
//! # Where crit is wrong
//!
//! By default, names of task states are CRIU's (crit exchanges two of them),
//! System V segments whose contents are elsewhere are not followed by other
//! segments' records taken for contents, numbers without a name in an
//! enumeration stay, and kinds that crit cannot read are read.
//! [`Options::crit_compat`] does what crit does, as far as crit does anything.

mod decode;
mod encode;
mod json;
mod message;
mod names;
mod text;

pub use decode::decode;
pub(super) use decode::inspect;
pub use encode::encode;

use super::error::Error;
use super::kind::Kind;

const BYTES_KEY: &str = "_bytes";
const UNKNOWN_KEY: &str = "_unknown";
const RAW_KEY: &str = "_raw";
const ERROR_KEY: &str = "_error";
const PADDING_KEY: &str = "_padding";
const SHORT_KEY: &str = "_short";
const HEADER_KEY: &str = "_header";
const TAIL_KEY: &str = "_tail";

/// How documents are written and read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Writes one value a line, and numbers as addresses, flags and names.
    /// Reading accepts both forms whatever this says.
    pub pretty: bool,
    /// Does as crit does even where crit is wrong, and adds nothing to its documents.
    pub crit_compat: bool,
    /// When encoding, passes over members that are nothing of the image's, as crit does.
    /// Without it, and without `crit_compat`, they are refused: a mistyped name
    /// would otherwise give an image without the field, and no word about it.
    pub lenient: bool,
}

/// What was decoded.
#[derive(Debug)]
#[non_exhaustive]
pub struct Report {
    /// The kind of image.
    pub kind: Kind,
    /// Entries written.
    pub records: u64,
    /// Fields, at any depth, that this library does not know.
    pub unknown_fields: u64,
    /// Damaged places.
    pub damaged: u64,
    /// The first damage.
    pub first_error: Option<Error>,
}

/// Gives the name that a document has for a kind.
fn document_name(kind: Kind) -> &'static str {
    let info = kind.info();
    if info.magic_name.is_empty() { info.name } else { info.magic_name }
}
