//! Cuts memory into pieces for a scan.
//!
//! A scan goes through each source (an address space, a shared segment, a
//! file) once, in address order, in pieces that fit the processor's cache.
//! A piece owns a range of addresses: whatever *begins* there is found in
//! that piece and in no other. Its window reaches further, so that a match
//! may go on past the piece; and it starts a little earlier, so that word
//! borders and line starts are seen.
//!
//! Memory that was never written is not read: of the zeros before and behind
//! stored pages the window takes in only as much as a match may need. Pages
//! of shared segments are scanned once, as a source of their own; an address
//! space looks at them only where a match may cross into or out of them.

use std::ops::Range;
use std::sync::Arc;

use crate::archive::Data;
use crate::error::Result;
use crate::memory::store::PageStore;
use crate::memory::{AddressSpace, Read, Stretch};

/// Something that is scanned.
pub(crate) trait Source: Send + Sync {
    /// Says how to treat `at` and up to which address the same holds; `None` behind the end.
    fn stretch(&self, at: u64) -> Option<(Stretch, u64)>;
    /// Fills `buf` from `at` on; the range holds no [`Stretch::Hole`].
    fn read(&self, at: u64, buf: &mut [u8]) -> Result<()>;
}

/// The memory of a process, or those ranges of it that were asked for.
pub(crate) struct SpaceSource {
    pub space: Arc<AddressSpace>,
    /// Sorted, not touching each other.
    pub selected: Vec<Range<u64>>,
}

impl Source for SpaceSource {
    fn stretch(&self, at: u64) -> Option<(Stretch, u64)> {
        let i = self.selected.partition_point(|r| r.end <= at);
        let range = self.selected.get(i)?;
        if at < range.start {
            return Some((Stretch::Hole, range.start));
        }
        let (stretch, end) = self.space.stretch(at);
        Some((stretch, end.min(range.end)))
    }

    fn read(&self, at: u64, buf: &mut [u8]) -> Result<()> {
        match self.space.read(at, buf)? {
            Read { hole: None, .. } => Ok(()),
            Read { hole: Some(hole), bytes } => {
                Err(crate::Error::new(crate::ErrorKind::NotFound, hole.description())
                    .at(at.saturating_add(bytes as u64)))
            }
        }
    }
}

/// A shared segment; addresses are offsets in it.
pub(crate) struct SegmentSource {
    pub store: Arc<PageStore>,
    pub size: u64,
}

impl Source for SegmentSource {
    fn stretch(&self, at: u64) -> Option<(Stretch, u64)> {
        (at < self.size).then(|| self.store.stretch(at, self.size))
    }

    fn read(&self, at: u64, buf: &mut [u8]) -> Result<()> {
        self.store.read_at(at, buf)
    }
}

/// The bytes of a file, a pipe or a queue; addresses are offsets.
pub(crate) struct DataSource(pub Data);

impl Source for DataSource {
    fn stretch(&self, at: u64) -> Option<(Stretch, u64)> {
        if at >= self.0.len() {
            return None;
        }
        Some(match self.0.run_at(at) {
            Some(run) if run.logical <= at => (Stretch::Stored, run.logical.saturating_add(run.len)),
            Some(run) => (Stretch::Zero, run.logical),
            None => (Stretch::Zero, self.0.len()),
        })
    }

    fn read(&self, at: u64, buf: &mut [u8]) -> Result<()> {
        self.0.read_exact_at(at, buf)
    }
}

/// How far a match may reach.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach {
    /// Bytes behind the piece that a match which begins in it may take.
    pub overlap: u64,
    /// Of bytes that were never written, how many a match may begin or end with.
    pub zeros: u64,
    /// Bytes before the piece that are only looked at.
    pub context: u64,
    /// Bytes of a piece.
    pub piece: u64,
}

/// Zeros between stored pages up to this length are read like stored ones: two pages.
const SMALL_GAP: u64 = 8192;

/// A part of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Where the window starts.
    pub window: u64,
    /// What begins from here …
    pub start: u64,
    /// … to here (exclusive) belongs to this piece.
    pub end: u64,
    /// Where the window ends.
    pub limit: u64,
}

impl Piece {
    pub(crate) fn len(&self) -> u64 {
        self.limit.saturating_sub(self.window)
    }
}

/// The pieces of one source in address order.
pub(crate) struct Pieces<S: ?Sized> {
    source: Arc<S>,
    reach: Reach,
    at: u64,
    /// Where the known bytes around `at` begin.
    area: u64,
    /// What the last stretch was, if it touches `at`.
    last: Stretch,
    /// Up to where bytes belong to pieces already.
    owned: u64,
}

impl<S: Source + ?Sized> Pieces<S> {
    pub(crate) fn new(source: Arc<S>, reach: Reach) -> Self {
        Self { source, reach, at: 0, area: 0, last: Stretch::Hole, owned: 0 }
    }

    /// Goes on from `from` through known bytes, as far as a match may reach.
    fn known(&self, from: u64) -> u64 {
        let goal = from.saturating_add(self.reach.overlap);
        let mut at = from;
        while at < goal {
            match self.source.stretch(at) {
                None | Some((Stretch::Hole, _)) => return at,
                Some((Stretch::Zero, end)) if end.saturating_sub(at) > SMALL_GAP.max(self.reach.zeros) => {
                    return goal.min(at.saturating_add(self.reach.zeros));
                }
                Some((_, end)) => at = end.max(at.saturating_add(1)),
            }
        }
        goal
    }

    fn piece(&self, start: u64, end: u64) -> Piece {
        Piece {
            window: start.saturating_sub(self.reach.context).max(self.area).min(start),
            start,
            end,
            limit: self.known(end),
        }
    }
}

impl<S: Source + ?Sized> Iterator for Pieces<S> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        loop {
            let (stretch, end) = self.source.stretch(self.at)?;
            let end = end.max(self.at.checked_add(1)?);
            let at = self.at;
            match stretch {
                Stretch::Hole => {
                    self.at = end;
                    self.area = end;
                    self.last = Stretch::Hole;
                }
                Stretch::Zero | Stretch::Elsewhere => {
                    // A match may begin in the stretch before and end in this one; behind
                    // stored bytes it belongs to their piece.
                    let border = match (self.last, stretch) {
                        (Stretch::Elsewhere, Stretch::Elsewhere) => self.reach.overlap,
                        (Stretch::Elsewhere, Stretch::Zero) | (Stretch::Zero, Stretch::Elsewhere) => {
                            self.reach.overlap.min(self.reach.zeros)
                        }
                        _ => 0,
                    };
                    let start = at.saturating_sub(border).max(self.area).max(self.owned);
                    self.at = end;
                    self.last = stretch;
                    if start < at {
                        self.owned = at;
                        return Some(self.piece(start, at));
                    }
                }
                Stretch::Stored => {
                    let lead = match self.last {
                        Stretch::Zero => self.reach.zeros.min(self.reach.overlap),
                        Stretch::Elsewhere => self.reach.overlap,
                        Stretch::Stored | Stretch::Hole => 0,
                    };
                    let start = at.saturating_sub(lead).max(self.area).max(self.owned).min(at);
                    let goal = at.saturating_add(self.reach.piece);
                    let mut to = end;
                    while to < goal {
                        match self.source.stretch(to) {
                            Some((Stretch::Stored, end)) => {
                                to = end.max(to.saturating_add(1));
                            }
                            Some((Stretch::Zero, end))
                                if end.saturating_sub(to) <= SMALL_GAP.max(self.reach.zeros)
                                    && matches!(self.source.stretch(end), Some((Stretch::Stored, _))) =>
                            {
                                to = end;
                            }
                            _ => break,
                        }
                    }
                    let to = to.min(goal).max(at.saturating_add(1));
                    self.at = to;
                    self.last = Stretch::Stored;
                    self.owned = to;
                    return Some(self.piece(start, to));
                }
            }
        }
    }
}

/// What a worker does at once.
pub(crate) struct Job<T> {
    /// What the pieces are of.
    pub of: T,
    pub pieces: Vec<Piece>,
}

/// Most pieces of a job.
const JOB_PIECES: usize = 1024;

/// Gathers the pieces of one source into jobs of about `most` bytes, as they are asked for.
pub(crate) fn jobs<T: Clone>(
    of: T,
    most: u64,
    mut pieces: impl Iterator<Item = Piece>,
) -> impl Iterator<Item = Job<T>> {
    std::iter::from_fn(move || {
        let mut bytes = 0_u64;
        let mut list = Vec::new();
        while bytes < most && list.len() < JOB_PIECES {
            let Some(piece) = pieces.next() else { break };
            bytes = bytes.saturating_add(piece.len());
            list.push(piece);
        }
        (!list.is_empty()).then(|| Job { of: of.clone(), pieces: list })
    })
}

/// A window that could not be read as a whole: its readable parts, page by page.
pub(crate) struct Readable {
    /// Bytes of the window; those that could not be read are not in `ranges`.
    pub ranges: Vec<Range<usize>>,
    /// Why the first unreadable page could not be read.
    pub error: Option<crate::Error>,
}

/// Step of a second attempt on a damaged window, in bytes; a power of two.
const STEP: usize = 4096;

/// Reads the window of a piece into `buf`.
pub(crate) fn fill<S: Source + ?Sized>(source: &S, piece: &Piece, buf: &mut Vec<u8>) -> Readable {
    let Ok(len) = usize::try_from(piece.len()) else {
        return Readable { ranges: Vec::new(), error: None };
    };
    // Every byte is overwritten below: growing is all that costs.
    if buf.len() < len {
        buf.resize(len, 0);
    } else {
        buf.truncate(len);
    }
    if source.read(piece.window, buf).is_ok() {
        return Readable { ranges: std::iter::once(0..len).collect(), error: None };
    }
    let mut readable = Readable { ranges: Vec::new(), error: None };
    let mut from = 0_usize;
    while from < len {
        let address = piece.window.saturating_add(from as u64);
        // To the next multiple of the step, so that a bad page costs only itself.
        let to_border =
            STEP.saturating_sub(usize::try_from(address & (STEP as u64).saturating_sub(1)).unwrap_or(0));
        let to = from.saturating_add(to_border.max(1)).min(len);
        let Some(part) = buf.get_mut(from..to) else { break };
        match source.read(address, part) {
            Ok(()) => match readable.ranges.last_mut() {
                Some(last) if last.end == from => last.end = to,
                _ => readable.ranges.push(from..to),
            },
            Err(e) => readable.error = readable.error.or(Some(e)),
        }
        from = to;
    }
    readable
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)] // no evidence here
mod tests {
    use super::*;
    use crate::analysis::pattern::{Matchers, Pattern};

    /// Bytes at addresses from 0, in stretches.
    struct Fake {
        bytes: Vec<u8>,
        stretches: Vec<(Stretch, u64)>,
    }

    impl Source for Fake {
        fn stretch(&self, at: u64) -> Option<(Stretch, u64)> {
            self.stretches.iter().find(|s| at < s.1).copied()
        }

        fn read(&self, at: u64, buf: &mut [u8]) -> Result<()> {
            let at = usize::try_from(at).unwrap();
            let mut from = at as u64;
            while from < (at + buf.len()) as u64 {
                let (stretch, end) = self.stretch(from).unwrap();
                assert_ne!(stretch, Stretch::Hole, "a hole at {from} was read");
                from = end;
            }
            buf.copy_from_slice(&self.bytes[at..at + buf.len()]);
            Ok(())
        }
    }

    fn random(state: &mut u64, below: u64) -> u64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state % below
    }

    /// Memory of few different bytes, so that matches abound, cut into stretches anywhere.
    fn fake(state: &mut u64) -> Fake {
        let mut fake = Fake { bytes: Vec::new(), stretches: Vec::new() };
        for _ in 0..20 {
            let stretch = match random(state, 5) {
                0 => Stretch::Hole,
                1 => Stretch::Zero,
                2 => Stretch::Elsewhere,
                _ => Stretch::Stored,
            };
            for _ in 0..=random(state, 30) {
                let byte = if stretch == Stretch::Zero {
                    0
                } else {
                    b"ab\0"[usize::try_from(random(state, 3)).unwrap()]
                };
                fake.bytes.push(byte);
            }
            fake.stretches.push((stretch, fake.bytes.len() as u64));
        }
        fake
    }

    /// Every place where the literal is, without cleverness.
    fn expected(fake: &Fake, literal: &[u8]) -> Vec<u64> {
        let kind = |at: usize| fake.stretch(at as u64).unwrap();
        (0..fake.bytes.len().saturating_sub(literal.len() - 1))
            .filter(|at| fake.bytes[*at..].starts_with(literal))
            .filter(|at| {
                let inside = *at..*at + literal.len();
                let whole = kind(*at).1 >= inside.end as u64;
                inside.clone().all(|i| kind(i).0 != Stretch::Hole)
                    && !inside.clone().all(|i| kind(i).0 == Stretch::Zero)
                    && !(whole && kind(*at).0 == Stretch::Elsewhere)
            })
            .map(|at| at as u64)
            .collect()
    }

    #[test]
    fn whatever_the_borders_each_match_is_found_once() {
        // None of these can overlap itself, so that all are to be found.
        let literals: [&[u8]; 6] = [b"a", b"ab", b"b\0", b"\0\0a", b"aab\0ab", b"ba\0\0\0\0\0\0"];
        let mut state = 0x5eed;
        for round in 0..2000 {
            let fake = Arc::new(fake(&mut state));
            for literal in literals {
                let matchers = Matchers::new(&[Pattern::literal(literal)]).unwrap();
                let mut reach = matchers.reach();
                reach.piece = 1 + random(&mut state, 40);
                let mut found = Vec::new();
                let mut window = Vec::new();
                for piece in Pieces::new(Arc::clone(&fake), reach) {
                    let readable = fill(fake.as_ref(), &piece, &mut window);
                    assert!(readable.error.is_none());
                    let mut hits = Vec::new();
                    let relative = |at: u64| usize::try_from(at - piece.window).unwrap();
                    matchers.find(&window, relative(piece.start), relative(piece.end), &mut hits);
                    found.extend(hits.iter().map(|h| piece.window + h.start as u64).filter(|at| {
                        crate::analysis::sweep::is_own(fake.as_ref(), *at, at + literal.len() as u64)
                    }));
                }
                assert_eq!(
                    found,
                    expected(&fake, literal),
                    "round {round}, {literal:?}, {:?}",
                    fake.stretches
                );
            }
        }
    }

    #[test]
    fn many_literals_are_found_as_each_alone() {
        let mut state = 0xfeed;
        let literals: Vec<&[u8]> = vec![b"a", b"ab", b"b\0", b"\0\0a", b"aab", b"b\0a", b"bab", b"\0ab"];
        let many = Matchers::new(&literals.iter().map(|l| Pattern::literal(*l)).collect::<Vec<_>>()).unwrap();
        for _ in 0..200 {
            let hay = fake(&mut state).bytes;
            let mut hits = Vec::new();
            many.find(&hay, 0, hay.len(), &mut hits);
            for (number, literal) in literals.iter().enumerate() {
                let got: Vec<usize> =
                    hits.iter().filter(|h| h.needle as usize == number).map(|h| h.start).collect();
                let want: Vec<usize> = memchr::memmem::find_iter(&hay, literal).collect();
                // Alone, those that overlap themselves are counted without overlap.
                assert!(want.iter().all(|w| got.contains(w)), "{literal:?} in {hay:?}");
            }
        }
    }
}
