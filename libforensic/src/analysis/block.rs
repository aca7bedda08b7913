//! Strings many at a time, for whoever writes them out.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::found::Place;
use super::pattern::{Encoding, Hit};
use super::sources::SourceKind;
use super::strings::whole;
use crate::memory::Layer;
use crate::model::text::put_text;
use crate::model::{Mapping, Text};

/// Strings of which all but address, length, encoding and text is the same.
///
/// It is what [`super::strings::Strings::render`] hands out; the fields mean
/// what they mean in [`super::search::Match`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Block<'b> {
    /// The process, for mapped memory.
    pub pid: Option<u32>,
    /// What the bytes are part of.
    pub source: SourceKind,
    /// Equal for strings in the same shared memory.
    pub segment: Option<&'b str>,
    /// Where the bytes came from.
    pub layer: Option<Layer>,
    /// Member of the archive that holds them.
    pub member: Option<&'b Text>,
    /// What they belong to besides a process.
    pub object: Option<&'b Text>,
    /// The mapping that holds them.
    pub mapping: Option<&'b Mapping>,
    pub(super) bytes: Bytes<'b>,
}

/// The bytes of a block, and where strings are in them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bytes<'b> {
    pub(super) hay: &'b [u8],
    /// Address of the first byte.
    pub(super) base: u64,
    pub(super) hits: &'b [Hit],
    pub(super) encodings: &'b [Encoding],
}

/// One string of a [`Block`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'b> {
    /// Virtual address, or offset in the source.
    pub address: u64,
    /// How it is encoded.
    pub encoding: Encoding,
    /// Its bytes.
    pub bytes: &'b [u8],
    /// Whether the text goes on behind [`super::strings::LONGEST`] bytes.
    pub cut: bool,
}

impl<'b> Block<'b> {
    /// A block of which nothing is known yet but the kind of its source.
    pub(super) fn new(source: SourceKind, bytes: Bytes<'b>) -> Self {
        Self {
            pid: None,
            source,
            segment: None,
            layer: None,
            member: None,
            object: None,
            mapping: None,
            bytes,
        }
    }

    /// Returns the strings in address order.
    pub fn lines(&self) -> impl Iterator<Item = Line<'b>> + use<'b> {
        let Bytes { hay, base, hits, encodings } = self.bytes;
        hits.iter().map(move |hit| {
            let encoding = usize::try_from(hit.needle).ok().and_then(|n| encodings.get(n)).copied();
            let encoding = encoding.unwrap_or(Encoding::Ascii);
            let taken = hay.get(hit.start..hit.start.saturating_add(hit.len as usize)).unwrap_or_default();
            let keep = whole(taken, encoding);
            let bytes = taken.get(..keep).unwrap_or(taken);
            let cut = keep < taken.len();
            Line { address: base.wrapping_add(hit.start as u64), encoding, bytes, cut }
        })
    }

    /// Returns what the JSON of each string begins with, as an object of its own.
    pub fn head(&self) -> impl Serialize + '_ {
        Head(self)
    }

    /// Returns what the JSON of each string ends with, as an object of its own.
    pub fn tail(&self) -> impl Serialize + '_ {
        Tail(self.mapping)
    }
}

struct Head<'h, 'b>(&'h Block<'b>);

impl Serialize for Head<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let b = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("pid", &b.pid)?;
        map.serialize_entry("source", b.source.as_str())?;
        map.serialize_entry("segment", &b.segment)?;
        map.serialize_entry("layer", &b.layer.map(Layer::as_str))?;
        put_text(&mut map, "member", b.member)?;
        put_text(&mut map, "object", b.object)?;
        map.end()
    }
}

struct Tail<'m>(Option<&'m Mapping>);

impl Serialize for Tail<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("mapping", &self.0.map(Place))?;
        map.end()
    }
}
