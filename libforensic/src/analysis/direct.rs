//! Looks for literals where the bytes are, instead of copying them into a window first.
//!
//! Most memory lies in a pages image as it is: that part of the file is mapped
//! and searched run by run. What crosses a border between runs, or between
//! stored pages and zeros, is looked for in small windows around the borders.

use std::ops::Range;

use super::pattern::Hit;
use super::scan::{Piece, Source};
use crate::archive::Data;
use crate::memory::Stretch;

/// Longest literal that is looked for in this way, in bytes.
const LONGEST: u64 = 4096;
/// More of a file than this, or than twice what is looked for, is not mapped at once.
const SPARSE: u64 = 256 << 10;

/// Bytes of a source that lie in a file as they are.
pub(crate) struct Stored {
    pub data: Data,
    /// Where in `data`.
    pub offset: u64,
    /// Up to which address, exclusive.
    pub end: u64,
}

/// Finds what begins in the first so many bytes.
type Find<'f> = &'f dyn Fn(&[u8], usize, &mut Vec<Hit>);
/// Takes a hit with the bytes it was found in, and the address of the first of them.
type Take<'f> = &'f mut dyn FnMut(&[u8], u64, &Hit);

/// A run in a part of a file.
struct Run {
    addresses: Range<u64>,
    /// Where in the file.
    offset: u64,
}

/// Gives `found` every hit that begins in the piece: the bytes it was found in, their address, the hit.
///
/// `find` looks through bytes for what begins in the first so many of them.
/// Returns false where the bytes must be looked at in another way, before
/// anything was found.
pub(super) fn search<S: Source + ?Sized>(
    source: &S,
    piece: &Piece,
    longest: u64,
    find: Find<'_>,
    hits: &mut Vec<Hit>,
    found: Take<'_>,
) -> bool {
    if longest > LONGEST {
        return false;
    }
    let Some((runs, data)) = runs(source, piece) else { return false };
    let Some(first) = runs.iter().map(|r| r.offset).min() else { return false };
    let behind = |r: &Run| r.offset.saturating_add(r.addresses.end.saturating_sub(r.addresses.start));
    let last = runs.iter().map(behind).max().unwrap_or(first);
    let wanted: u64 = runs.iter().map(|r| r.addresses.end.saturating_sub(r.addresses.start)).sum();
    let len = last.saturating_sub(first);
    if len > wanted.saturating_mul(2).max(SPARSE) {
        return false;
    }
    let Some(mapped) = usize::try_from(len).ok().and_then(|len| data.mapped(first, len)) else {
        return false;
    };
    let around = longest.saturating_sub(1);
    // Read before anything is given out: what cannot be read is for the other way to say.
    let Some(windows) = windows(source, piece, &runs, around) else { return false };
    let mut windows = windows.into_iter().peekable();
    for run in &runs {
        // Hits come in the order of addresses.
        while let Some((address, bytes)) = windows.next_if(|w| w.0 < run.addresses.start) {
            in_window(&runs, address, &bytes, piece, find, hits, found);
        }
        let from = usize::try_from(run.offset.saturating_sub(first)).unwrap_or(usize::MAX);
        let len = usize::try_from(run.addresses.end.saturating_sub(run.addresses.start)).unwrap_or(0);
        let hay = mapped.bytes().get(from..).and_then(|rest| rest.get(..len)).unwrap_or_default();
        hits.clear();
        find(hay, hay.len(), hits);
        for hit in hits.iter() {
            found(hay, run.addresses.start, hit);
        }
    }
    for (address, bytes) in windows {
        in_window(&runs, address, &bytes, piece, find, hits, found);
    }
    true
}

/// The stored runs of a piece, if all of them are in one file.
fn runs<S: Source + ?Sized>(source: &S, piece: &Piece) -> Option<(Vec<Run>, Data)> {
    let mut runs: Vec<Run> = Vec::new();
    let mut file: Option<Data> = None;
    let mut at = piece.start;
    while at < piece.end {
        let (stretch, end) = source.stretch(at)?;
        let end = end.max(at.saturating_add(1)).min(piece.end);
        match stretch {
            Stretch::Zero => {}
            Stretch::Stored => {
                let mut from = at;
                while from < end {
                    let stored = source.stored(from)?;
                    let to = stored.end.min(end);
                    if to <= from || file.as_ref().is_some_and(|f| !f.is_same(&stored.data)) {
                        return None;
                    }
                    match runs.last_mut() {
                        Some(last)
                            if last.addresses.end == from
                                && last.offset.saturating_add(
                                    last.addresses.end.saturating_sub(last.addresses.start),
                                ) == stored.offset =>
                        {
                            last.addresses.end = to;
                        }
                        _ => runs.push(Run { addresses: from..to, offset: stored.offset }),
                    }
                    file = Some(stored.data);
                    from = to;
                }
            }
            Stretch::Elsewhere | Stretch::Hole => return None,
        }
        at = end;
    }
    Some((runs, file?))
}

/// The bytes around every border that something may cross which begins in the piece.
fn windows<S: Source + ?Sized>(
    source: &S,
    piece: &Piece,
    runs: &[Run],
    around: u64,
) -> Option<Vec<(u64, Vec<u8>)>> {
    let mut ranges: Vec<Range<u64>> = Vec::new();
    if around == 0 {
        return Some(Vec::new());
    }
    for border in runs.iter().flat_map(|r| [r.addresses.start, r.addresses.end]) {
        let start = border.saturating_sub(around).max(piece.start);
        let end = border.saturating_add(around).min(piece.limit);
        // Nothing that begins here crosses a border at the start of the piece.
        if start >= border || end <= border {
            continue;
        }
        match ranges.last_mut() {
            Some(last) if start <= last.end => last.end = last.end.max(end),
            _ => ranges.push(start..end),
        }
    }
    let read = |range: Range<u64>| {
        let mut bytes = vec![0; usize::try_from(range.end.saturating_sub(range.start)).ok()?];
        source.read(range.start, &mut bytes).ok()?;
        Some((range.start, bytes))
    };
    ranges.into_iter().map(read).collect()
}

fn in_window(
    runs: &[Run],
    address: u64,
    bytes: &[u8],
    piece: &Piece,
    find: Find<'_>,
    hits: &mut Vec<Hit>,
    found: Take<'_>,
) {
    hits.clear();
    let own = usize::try_from(piece.end.saturating_sub(address)).unwrap_or(usize::MAX).min(bytes.len());
    find(bytes, own, hits);
    for hit in hits.iter() {
        let start = address.saturating_add(hit.start as u64);
        let end = start.saturating_add(u64::from(hit.len));
        let next = runs.partition_point(|r| r.addresses.end <= start);
        // What lies in one run was found there.
        let inside = runs.get(next).is_some_and(|r| r.addresses.start <= start && end <= r.addresses.end);
        if !inside {
            found(bytes, address, hit);
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)] // no evidence here
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::analysis::pattern::{Matchers, Pattern};
    use crate::analysis::scan::Pieces;
    use crate::error::Result;

    /// Bytes in stretches; those that are stored are in a file, in another order.
    struct Fake {
        bytes: Vec<u8>,
        /// What it is, its end, and where in the file.
        stretches: Vec<(Stretch, u64, u64)>,
        file: Data,
    }

    impl Source for Fake {
        fn stretch(&self, at: u64) -> Option<(Stretch, u64)> {
            self.stretches.iter().find(|s| at < s.1).map(|s| (s.0, s.1))
        }

        fn read(&self, at: u64, buf: &mut [u8]) -> Result<()> {
            let at = usize::try_from(at).unwrap();
            buf.copy_from_slice(&self.bytes[at..at + buf.len()]);
            Ok(())
        }

        fn stored(&self, at: u64) -> Option<Stored> {
            let i = self.stretches.iter().position(|s| at < s.1)?;
            let start = if i == 0 { 0 } else { self.stretches[i - 1].1 };
            let (_, end, offset) = self.stretches[i];
            Some(Stored { data: self.file.clone(), offset: offset + at - start, end })
        }
    }

    fn random(state: &mut u64, below: u64) -> u64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state % below
    }

    fn fake(state: &mut u64, directory: &std::path::Path) -> Fake {
        let mut bytes = Vec::new();
        let mut stretches: Vec<(Stretch, u64, u64)> = Vec::new();
        for _ in 0..20 {
            let stretch = [Stretch::Stored, Stretch::Stored, Stretch::Zero, Stretch::Hole]
                [usize::try_from(random(state, 4)).unwrap()];
            for _ in 0..=random(state, 40) {
                let stored = b"ab\0"[usize::try_from(random(state, 3)).unwrap()];
                bytes.push(if stretch == Stretch::Stored { stored } else { 0 });
            }
            stretches.push((stretch, bytes.len() as u64, 0));
        }
        // Every second run is in the file behind all the others.
        let mut file = Vec::new();
        for odd in [0, 1] {
            for i in (odd..stretches.len()).step_by(2) {
                let start = if i == 0 { 0 } else { stretches[i - 1].1 };
                stretches[i].2 = file.len() as u64;
                let range = usize::try_from(start).unwrap()..usize::try_from(stretches[i].1).unwrap();
                file.extend_from_slice(&bytes[range]);
            }
        }
        let path = directory.join("pages");
        std::fs::write(&path, file).unwrap();
        Fake { bytes, stretches, file: Data::of_file(&path).unwrap() }
    }

    #[test]
    fn it_finds_what_is_found_in_windows() {
        let directory = tempfile::tempdir().unwrap();
        let mut state = 0x5eed;
        let mut direct = 0;
        for _ in 0..400 {
            let fake = Arc::new(fake(&mut state, directory.path()));
            for literals in [&[b"ab".as_slice()][..], &[b"b\0"], &[b"aab\0b"], &[b"ab", b"b\0\0", b"\0\0aab"]]
            {
                let patterns: Vec<_> = literals.iter().map(|l| Pattern::literal(*l)).collect();
                let matchers = Matchers::new(&patterns).unwrap();
                let longest = matchers.simple().unwrap();
                let mut reach = matchers.reach();
                reach.piece = 1 + random(&mut state, 60);
                for piece in Pieces::new(Arc::clone(&fake), reach) {
                    let range = usize::try_from(piece.window).unwrap()..usize::try_from(piece.limit).unwrap();
                    let relative = |at: u64| usize::try_from(at - piece.window).unwrap();
                    let mut hits = Vec::new();
                    matchers.find(&fake.bytes[range], relative(piece.start), relative(piece.end), &mut hits);
                    let mut expected: Vec<_> =
                        hits.iter().map(|h| (piece.window + h.start as u64, h.len, h.needle)).collect();
                    // Zeros that are not stored are not matched by themselves.
                    expected
                        .retain(|h| crate::analysis::sweep::is_own(fake.as_ref(), h.0, h.0 + u64::from(h.1)));
                    let find = |hay: &[u8], to: usize, hits: &mut Vec<Hit>| matchers.find(hay, 0, to, hits);
                    let mut got = Vec::new();
                    let done =
                        search(fake.as_ref(), &piece, longest, &find, &mut hits, &mut |hay, base, hit| {
                            let own = &hay[hit.start..hit.start + hit.len as usize];
                            assert_eq!(own, literals[hit.needle as usize]);
                            got.push((base + hit.start as u64, hit.len, hit.needle));
                        });
                    if !done {
                        continue;
                    }
                    direct += 1;
                    got.retain(|h| crate::analysis::sweep::is_own(fake.as_ref(), h.0, h.0 + u64::from(h.1)));
                    got.sort_unstable();
                    expected.sort_unstable();
                    assert_eq!(got, expected, "{literals:?} {piece:?} {:?}", fake.stretches);
                }
            }
        }
        assert!(direct > 1000 || cfg!(not(target_os = "linux")), "{direct}");
    }

    #[test]
    fn literals_that_overlap_themselves_are_left_to_windows() {
        let simple = |literal: &str| Matchers::new(&[Pattern::literal(literal)]).unwrap().simple();
        assert_eq!(simple("password"), Some(8));
        assert_eq!(simple("x"), Some(1));
        assert_eq!(simple("abab"), None);
        assert_eq!(simple("test"), None);
    }
}
