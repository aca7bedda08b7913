//! Finds readable text in all memory, as strings(1) does in a file.
//!
//! Goes through the same sources in the same order as [`super::search`], so
//! shared memory is looked at once and strings across page, run and mapping
//! borders come whole and once.

use std::ops::ControlFlow;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Progress;
use super::found::Place;
use super::pattern::{Encoding, Hit, Matchers};
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

/// Bytes of a piece of work: much more than the longest string, so that little is read twice.
const PIECE: u64 = 1 << 20;

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
            // One byte more than the longest was taken where text goes on.
            let cut = place.bytes.len() > LONGEST;
            if cut {
                let keep = boundary(&place.bytes, place.encoding);
                place.bytes.truncate(keep);
            }
            found(Found { place, cut })
        })
    }
}

/// Where a text that is too long can be cut without harm to a character.
fn boundary(bytes: &[u8], encoding: Encoding) -> usize {
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

/// What strings(1) takes for text.
fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~')
}

/// Gives every run of ASCII text that begins before `to`.
fn ascii(hay: &[u8], to: usize, minimum: usize, put: &mut dyn FnMut(usize, usize)) {
    let mut at = 0_usize;
    while at < to {
        // Where the last of the least characters is no text, none of those before it begins a string.
        let Some(least) = hay.get(at..at.saturating_add(minimum)) else { return };
        if let Some(bad) = least.iter().rposition(|b| !is_text(*b)) {
            at = at.saturating_add(bad).saturating_add(1);
            continue;
        }
        let rest = hay.get(at.saturating_add(minimum)..).unwrap_or_default();
        let more = rest.iter().position(|b| !is_text(*b)).unwrap_or(rest.len());
        let end = at.saturating_add(minimum).saturating_add(more);
        put(at, end);
        at = end.saturating_add(1);
    }
}

/// Length of the character that the bytes begin with, if it is text; 0 if not.
fn character(bytes: &[u8]) -> usize {
    let Some(&first) = bytes.first() else { return 0 };
    if first < 0x80 {
        return usize::from(is_text(first));
    }
    let len = match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return 0,
    };
    let c = bytes.get(..len).and_then(|b| std::str::from_utf8(b).ok()).and_then(|s| s.chars().next());
    if c.is_some_and(|c| !c.is_control()) { len } else { 0 }
}

/// Gives every run of UTF-8 text that begins before `to`.
fn utf8(hay: &[u8], to: usize, minimum: usize, put: &mut dyn FnMut(usize, usize)) {
    let mut at = 0_usize;
    while at < to {
        let start = at;
        let mut count = 0_usize;
        loop {
            let len = character(hay.get(at..).unwrap_or_default());
            if len == 0 {
                break;
            }
            at = at.saturating_add(len);
            count = count.saturating_add(1);
        }
        if count >= minimum {
            put(start, at);
        }
        at = at.saturating_add(1);
    }
}

/// Gives every run of UTF-16 text that begins before `to`; the high byte is the first or the second.
fn utf16(hay: &[u8], to: usize, minimum: usize, low: usize, put: &mut dyn FnMut(usize, usize)) {
    let is_unit = |at: usize| match (hay.get(at), hay.get(at.saturating_add(1))) {
        (Some(a), Some(b)) => {
            let (low, high) = if low == 0 { (*a, *b) } else { (*b, *a) };
            high == 0 && (is_text(low) || low >= 0xa0)
        }
        _ => false,
    };
    let mut at = 0_usize;
    while at < to {
        let start = at;
        while is_unit(at) {
            at = at.saturating_add(2);
        }
        if at.saturating_sub(start) / 2 >= minimum {
            put(start, at);
        }
        // A unit that was none may hide another that begins at its second byte.
        at = if at == start { at.saturating_add(1) } else { at };
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
