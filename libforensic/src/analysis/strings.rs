//! Finds readable text in all memory, as strings(1) does in a file.
//!
//! Goes through the same sources in the same order as [`super::search`], so
//! shared memory is looked at once and strings across page, run and mapping
//! borders come whole and once.

use std::ops::ControlFlow;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Progress;
use super::block::Block;
use super::found::Place;
use super::pattern::{Encoding, Hit, Matchers};
use super::runs::{ascii, utf8, utf16};
use super::scan::Reach;
use super::scope::Scope;
use super::search::{Match, Search};
use crate::error::Result;
use crate::memory::Layer;
use crate::model::text::put_text;
use crate::model::{Checkpoint, Hex};

/// Shortest string in characters, unless set otherwise; what strings(1) takes.
pub const MINIMUM: usize = 4;

/// Longest string in bytes; of a longer one the beginning is given, marked as cut.
pub const LONGEST: usize = 64 << 10;

/// Bytes of a piece of work: half a second-level cache, and not too much to keep of what is found in it.
const PIECE: u64 = 128 << 10;

/// Bytes before a piece that tell whether text goes on from there: more than any character has.
const BEFORE: u64 = 8;

/// Readable text in the evidence.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Found {
    /// Where it is, and its bytes.
    pub place: Match,
    /// Whether the text goes on behind [`LONGEST`] bytes.
    pub cut: bool,
}

impl Serialize for Found {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let m = &self.place;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("pid", &m.pid)?;
        map.serialize_entry("source", m.source.as_str())?;
        map.serialize_entry("segment", &m.segment)?;
        map.serialize_entry("layer", &m.layer.map(Layer::as_str))?;
        put_text(&mut map, "member", m.member.as_ref())?;
        put_text(&mut map, "object", m.object.as_ref())?;
        map.serialize_entry("address", &Hex(m.address))?;
        map.serialize_entry("lengthBytes", &m.bytes.len())?;
        map.serialize_entry("encoding", m.encoding.as_str())?;
        map.serialize_entry("text", &m.text())?;
        map.serialize_entry("cut", &self.cut)?;
        map.serialize_entry("mapping", &m.mapping.as_deref().map(Place))?;
        map.end()
    }
}

/// A hunt for readable text, ready to run on any checkpoint.
#[derive(Debug)]
pub struct Strings(Search);

impl Strings {
    /// Looks for text of at least `minimum` characters in these encodings; each is listed by itself.
    ///
    /// UTF-16 takes the characters of Latin-1 only: of the others too much that is no text would pass.
    pub fn new(minimum: usize, encodings: &[Encoding]) -> Self {
        let minimum = minimum.clamp(1, LONGEST / 4);
        Self(Search::of(Finder::Texts(minimum, encodings.to_vec())))
    }

    /// Restricts where to look.
    #[must_use]
    pub fn scope(self, scope: Scope) -> Self {
        Self(self.0.scope(scope))
    }

    /// Returns how far it has come, and the way to cancel it.
    pub fn progress(&self) -> Arc<Progress> {
        self.0.progress()
    }

    /// Calls `found` for every string, until it breaks off or there are no more.
    ///
    /// # Errors
    ///
    /// When a process that was asked for does not exist.
    pub fn run(
        &self,
        checkpoint: &Checkpoint,
        found: &mut dyn FnMut(Found) -> ControlFlow<()>,
    ) -> Result<()> {
        self.0.run(checkpoint, &mut |mut place| {
            let keep = whole(&place.bytes, place.encoding);
            let cut = keep < place.bytes.len();
            place.bytes.truncate(keep);
            found(Found { place, cut })
        })
    }

    /// Writes every string as text of the caller's making, which is far faster than [`Strings::run`].
    ///
    /// `render` is called by several threads and appends what it makes of a
    /// [`Block`] to its buffer; `out` gets that in the order of
    /// [`Strings::run`]. Memory is bounded by what is made of a piece of
    /// 128 KiB, some times over.
    ///
    /// # Errors
    ///
    /// When a process that was asked for does not exist.
    pub fn render(
        &self,
        checkpoint: &Checkpoint,
        render: &(dyn Fn(&Block<'_>, &mut Vec<u8>) + Sync),
        out: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<()> {
        self.0.render(checkpoint, render, out)
    }
}

/// How much of the bytes that were taken is given out: one more than the longest is taken where text
/// goes on, and a text is cut without harm to a character.
pub(super) fn whole(bytes: &[u8], encoding: Encoding) -> usize {
    if bytes.len() <= LONGEST {
        return bytes.len();
    }
    let mut keep = LONGEST;
    if encoding == Encoding::Utf8 {
        while keep > 0 && bytes.get(keep).is_some_and(|b| b & 0xc0 == 0x80) {
            keep = keep.saturating_sub(1);
        }
    }
    keep
}

/// What a search looks for.
#[derive(Debug)]
pub(crate) enum Finder {
    Patterns(Matchers),
    /// Text of at least so many characters.
    Texts(usize, Vec<Encoding>),
}

impl Finder {
    pub(crate) fn reach(&self) -> Reach {
        match self {
            Self::Patterns(m) => m.reach(),
            // One character more than the longest string, to know whether it ends.
            Self::Texts(..) => Reach {
                overlap: (LONGEST as u64).saturating_add(BEFORE),
                zeros: 1,
                context: BEFORE,
                piece: PIECE,
            },
        }
    }

    /// Bytes behind a piece that are read at first; more only if what was found goes on there.
    pub(crate) fn near(&self) -> u64 {
        match self {
            Self::Patterns(_) => u64::MAX,
            Self::Texts(minimum, _) => (*minimum as u64).saturating_mul(4).max(4096),
        }
    }

    /// The encodings by the numbers that hits have.
    pub(crate) fn encodings(&self) -> Vec<Encoding> {
        match self {
            Self::Patterns(_) => Vec::new(),
            Self::Texts(_, encodings) => encodings.clone(),
        }
    }

    /// Bytes of a job.
    pub(crate) fn job(&self) -> u64 {
        match self {
            Self::Patterns(_) => 1 << 20,
            Self::Texts(..) => PIECE,
        }
    }

    /// Number of the pattern, and its encoding.
    pub(crate) fn needle(&self, needle: u32) -> (usize, Encoding) {
        match self {
            Self::Patterns(m) => m.needle(needle).map_or((0, Encoding::Bytes), |n| (n.pattern, n.encoding)),
            Self::Texts(_, encodings) => {
                let encoding = usize::try_from(needle).ok().and_then(|n| encodings.get(n));
                (0, encoding.copied().unwrap_or(Encoding::Ascii))
            }
        }
    }

    /// Finds what begins in `from..to`.
    pub(crate) fn find(&self, hay: &[u8], from: usize, to: usize, hits: &mut Vec<Hit>) {
        match self {
            Self::Patterns(m) => m.find(hay, from, to, hits),
            Self::Texts(minimum, encodings) => {
                let first = hits.len();
                for (encoding, needle) in encodings.iter().zip(0_u32..) {
                    let mut put = |start: usize, end: usize| {
                        let len = end.saturating_sub(start).min(LONGEST.saturating_add(1));
                        if start >= from
                            && let Ok(len) = u32::try_from(len)
                        {
                            hits.push(Hit { start, len, needle });
                        }
                    };
                    match encoding {
                        Encoding::Ascii | Encoding::Bytes => ascii(hay, to, *minimum, &mut put),
                        Encoding::Utf8 => utf8(hay, to, *minimum, &mut put),
                        Encoding::Utf16Le => utf16(hay, to, *minimum, 0, &mut put),
                        Encoding::Utf16Be => utf16(hay, to, *minimum, 1, &mut put),
                    }
                }
                if encodings.len() > 1 {
                    hits.get_mut(first..).unwrap_or_default().sort_by_key(|h| (h.start, h.needle));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(hay: &[u8], from: usize, to: usize, encoding: Encoding) -> Vec<(usize, u32)> {
        let mut hits = Vec::new();
        Finder::Texts(4, vec![encoding]).find(hay, from, to, &mut hits);
        hits.iter().map(|h| (h.start, h.len)).collect()
    }

    #[test]
    fn text_is_what_strings_takes_for_it() {
        let hay = b"\0abc\0abcd\x7fa\tb \x80long enough";
        assert_eq!(found(hay, 0, hay.len(), Encoding::Ascii), [(5, 4), (10, 4), (15, 11)]);
        // What began before the piece, or begins behind it, is another piece's.
        assert_eq!(found(hay, 6, 14, Encoding::Ascii), [(10, 4)]);
    }

    #[test]
    fn other_encodings() {
        let hay = "\0Grüße, 世界\u{85}\0".as_bytes();
        assert_eq!(found(hay, 0, hay.len(), Encoding::Utf8), [(1, 15)]);
        assert_eq!(found(b"\x01a\0b\0c\0\xe4\0\x01\0", 0, 11, Encoding::Utf16Le), [(1, 8)]);
        assert_eq!(found(b"\x01\0a\0b\0c\0d\x01\0", 0, 11, Encoding::Utf16Be), [(1, 8)]);
    }

    #[test]
    fn a_text_too_long_is_taken_to_one_byte_more() {
        let hay = vec![b'x'; LONGEST * 2];
        assert_eq!(found(&hay, 0, 10, Encoding::Ascii), [(0, u32::try_from(LONGEST + 1).unwrap())]);
        assert_eq!(found(&hay, 5, 10, Encoding::Ascii), []);
    }
}
