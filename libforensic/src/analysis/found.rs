//! What a search gives out.

use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::pattern::Encoding;
use super::sources::SourceKind;
use crate::memory::Layer;
use crate::model::text::{base64, put_text};
use crate::model::{Hex, Mapping, Text};

/// One place where a pattern was found.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Match {
    /// The process, for mapped memory.
    pub pid: Option<u32>,
    /// What the bytes are part of.
    pub source: SourceKind,
    /// Equal for matches in the same shared memory.
    pub segment: Option<String>,
    /// Offset in that shared memory, in bytes.
    pub segment_offset: Option<u64>,
    /// Where the first byte of memory came from.
    pub layer: Option<Layer>,
    /// Member of the archive that holds the first byte.
    pub member: Option<Text>,
    /// What the bytes belong to besides a process: a path, a pipe, a queue.
    pub object: Option<Text>,
    /// Virtual address, or offset in the source.
    pub address: u64,
    /// Number of the pattern, from 0.
    pub pattern_number: usize,
    /// The pattern as it was given.
    pub pattern: Text,
    /// How the text is encoded.
    pub encoding: Encoding,
    /// Whether a regular expression might match more than was looked at, 64 KiB and up to 1 MiB more.
    pub cut: bool,
    /// The bytes that match.
    pub bytes: Vec<u8>,
    /// Bytes before the match, as far as the evidence has them.
    pub before: Vec<u8>,
    /// Bytes behind it.
    pub after: Vec<u8>,
    /// The mapping that holds the first byte.
    pub mapping: Option<Arc<Mapping>>,
}

impl Match {
    /// Returns the matching bytes as text.
    pub fn text(&self) -> String {
        self.encoding.decode(&self.bytes)
    }
}

impl Serialize for Match {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("pid", &self.pid)?;
        map.serialize_entry("source", self.source.as_str())?;
        map.serialize_entry("segment", &self.segment)?;
        map.serialize_entry("layer", &self.layer.map(Layer::as_str))?;
        put_text(&mut map, "member", self.member.as_ref())?;
        put_text(&mut map, "object", self.object.as_ref())?;
        map.serialize_entry("address", &Hex(self.address))?;
        map.serialize_entry("lengthBytes", &self.bytes.len())?;
        put_text(&mut map, "pattern", Some(&self.pattern))?;
        map.serialize_entry("encoding", self.encoding.as_str())?;
        map.serialize_entry("text", &self.text())?;
        if self.encoding == Encoding::Bytes && std::str::from_utf8(&self.bytes).is_err() {
            map.serialize_entry("textBase64", &base64(&self.bytes))?;
        }
        map.serialize_entry("cut", &self.cut)?;
        if self.before.is_empty() && self.after.is_empty() {
            map.serialize_entry("contextBase64", &())?;
            map.serialize_entry("contextAddress", &())?;
        } else {
            let context = [self.before.as_slice(), &self.bytes, &self.after].concat();
            map.serialize_entry("contextBase64", &base64(&context))?;
            let start = self.address.saturating_sub(self.before.len() as u64);
            map.serialize_entry("contextAddress", &Hex(start))?;
        }
        map.serialize_entry("mapping", &self.mapping.as_deref().map(Place))?;
        map.end()
    }
}

/// What a match says about its mapping.
pub(super) struct Place<'m>(pub &'m Mapping);

impl Serialize for Place<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("start", &Hex(self.0.start))?;
        map.serialize_entry("end", &Hex(self.0.end))?;
        map.serialize_entry("perms", &self.0.perms)?;
        map.serialize_entry("kind", self.0.kind.as_str())?;
        put_text(&mut map, "path", self.0.path.as_ref())?;
        map.end()
    }
}
