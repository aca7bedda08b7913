//! Finds patterns in the memory of all processes, and in everything else that is held.
//!
//! Private memory is scanned process by process, each shared segment once
//! for all who map it, and then pipes, queues, deleted files, memfds, tmpfs
//! trees, changed files and logs. Matches across page, run and mapping
//! borders are found, and found once. The order is fixed: processes as in
//! the process table, then segments, then the rest; addresses ascend.

use std::collections::HashMap;
use std::ops::{ControlFlow, Range};
use std::sync::{Arc, Mutex, PoisonError};

pub use super::found::Match;
use super::parallel::{self, Progress};
pub use super::pattern::{Encoding, Pattern, Syntax};
use super::pattern::{Hit, Matchers};
use super::scan::{self, DataSource, Job, Pieces, SegmentSource, Source, SpaceSource};
pub use super::scope::Scope;
pub use super::sources::SourceKind;
use super::sources::{self, Holding, SharedSegment};
use super::strings::Finder;
use crate::error::{Error, Result, Warning};
use crate::memory::{AddressSpace, Layer, Span, Stretch};
use crate::model::{Checkpoint, Mapping, Text};

/// Bytes on each side of a match that are given with it, unless set otherwise.
pub const CONTEXT: usize = 32;

/// A search, ready to run on any checkpoint.
#[derive(Debug)]
pub struct Search {
    patterns: Vec<Pattern>,
    matchers: Finder,
    scope: Scope,
    context: usize,
    progress: Arc<Progress>,
}

impl Search {
    /// Compiles patterns.
    ///
    /// # Errors
    ///
    /// When a pattern is empty, a regular expression or hexadecimal is not well formed, or there are too many.
    pub fn new(patterns: Vec<Pattern>) -> Result<Self> {
        let matchers = Finder::Patterns(Matchers::new(&patterns)?);
        Ok(Self { patterns, context: CONTEXT, ..Self::of(matchers) })
    }

    pub(super) fn of(matchers: Finder) -> Self {
        Self { patterns: Vec::new(), matchers, scope: Scope::default(), context: 0, progress: Arc::default() }
    }

    /// Returns the patterns in their order.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// Restricts the search.
    #[must_use]
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// Sets how many bytes on each side come with a match.
    #[must_use]
    pub fn context(mut self, bytes: usize) -> Self {
        self.context = bytes;
        self
    }

    /// Returns how far the search has come, and the way to cancel it.
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Calls `found` for every match, until it breaks off or there are no more.
    ///
    /// What could not be read becomes a warning of the checkpoint.
    ///
    /// # Errors
    ///
    /// When a process that was asked for does not exist.
    pub fn run(
        &self,
        checkpoint: &Checkpoint,
        found: &mut dyn FnMut(Match) -> ControlFlow<()>,
    ) -> Result<()> {
        for pid in &self.scope.pids {
            checkpoint.task(*pid)?;
        }
        let run = Run { search: self, checkpoint, cache: Mutex::new(HashMap::new()) };
        let everything = self.scope.is_everything();
        let mut mappers = Vec::new();
        if run.processes(&mut mappers, found).is_break() {
            return Ok(());
        }
        if run.segments(&mappers, everything, found).is_break() || !everything {
            return Ok(());
        }
        let _ = run.holdings(found);
        Ok(())
    }
}

/// A mapping of a shared segment.
struct Mapper {
    mapping: Arc<Mapping>,
    /// Name of the segment's page map.
    image: String,
    /// Offset of the mapping's first byte in the segment.
    offset: u64,
    /// Where something may lie over the segment: private copies, guards.
    covered: Option<Arc<SpaceSource>>,
}

/// A hit with an address.
struct Found {
    address: u64,
    len: u32,
    needle: u32,
    /// The bytes, if the worker kept them.
    bytes: Vec<u8>,
}

/// What a worker gives back.
struct Done<T> {
    of: T,
    found: Vec<Found>,
    errors: Vec<Error>,
}

/// Buffers of a worker.
#[derive(Default)]
struct Scratch {
    window: Vec<u8>,
    hits: Vec<Hit>,
}

struct Run<'r> {
    search: &'r Search,
    checkpoint: &'r Checkpoint,
    /// Mappings that were shown, by process and start.
    cache: Mutex<HashMap<(u32, u64), Arc<Mapping>>>,
}

impl Run<'_> {
    /// Looks through the pieces of a job.
    fn work<T, S: Source + ?Sized>(
        &self,
        scratch: &mut Scratch,
        job: Job<T>,
        source: impl Fn(&T) -> &S,
    ) -> Done<T> {
        let mut done = Done { of: job.of, found: Vec::new(), errors: Vec::new() };
        let source = source(&done.of);
        if self.search.progress.is_cancelled() {
            return done;
        }
        for piece in &job.pieces {
            let readable = scan::fill(source, piece, &mut scratch.window);
            done.errors.extend(readable.error);
            let relative = |address: u64| usize::try_from(address.saturating_sub(piece.window)).unwrap_or(0);
            let (from, to) = (relative(piece.start), relative(piece.end));
            for range in readable.ranges {
                let Some(hay) = scratch.window.get(..range.end) else { continue };
                // What was left of a damaged window has no bytes before its range.
                let (hay, shift) = if range.start == 0 {
                    (hay, 0)
                } else {
                    (hay.get(range.start..).unwrap_or(&[]), range.start)
                };
                let (from, to) = (from.saturating_sub(shift), to.saturating_sub(shift).min(hay.len()));
                if from >= to {
                    continue;
                }
                scratch.hits.clear();
                self.search.matchers.find(hay, from, to, &mut scratch.hits);
                for hit in &scratch.hits {
                    let address = piece.window.saturating_add(shift as u64).saturating_add(hit.start as u64);
                    if is_own(source, address, address.saturating_add(u64::from(hit.len))) {
                        let bytes = hay.get(hit.start..).and_then(|h| h.get(..hit.len as usize));
                        let bytes = bytes.filter(|_| self.search.matchers.keeps_bytes());
                        let bytes = bytes.map(<[u8]>::to_vec).unwrap_or_default();
                        done.found.push(Found { address, len: hit.len, needle: hit.needle, bytes });
                    }
                }
            }
            self.search.progress.add(piece.end.saturating_sub(piece.start));
        }
        done
    }

    fn warn(&self, errors: &[Error]) {
        for e in errors {
            self.checkpoint.images().warnings.push(Warning::from(e));
        }
    }

    /// Searches private memory, and gathers who maps shared segments.
    fn processes(
        &self,
        mappers: &mut Vec<Mapper>,
        found: &mut dyn FnMut(Match) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let gathered = Mutex::new(Vec::new());
        let scope = &self.search.scope;
        let pids: Vec<u32> = self.checkpoint.pids().into_iter().filter(|p| scope.has_pid(*p)).collect();
        let reach = self.search.matchers.reach();
        let jobs = pids
            .into_iter()
            .filter_map(|pid| self.space(pid, &gathered))
            .flat_map(|source| scan::jobs(Arc::clone(&source), Pieces::new(source, reach)));
        let mut ends = Ends::default();
        let flow = parallel::ordered(
            jobs,
            |scratch: &mut Scratch, job| self.work(scratch, job, |s: &Arc<SpaceSource>| s.as_ref()),
            |done| {
                self.warn(&done.errors);
                let space = &done.of.space;
                ends.source(space.pid().into());
                for hit in done.found {
                    if ends.is_new(&hit) {
                        found(self.in_space(space, &hit))?;
                    }
                }
                self.go_on()
            },
        );
        *mappers = gathered.into_inner().unwrap_or_else(PoisonError::into_inner);
        flow
    }

    fn go_on(&self) -> ControlFlow<()> {
        if self.search.progress.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn space(&self, pid: u32, gathered: &Mutex<Vec<Mapper>>) -> Option<Arc<SpaceSource>> {
        // The dead have no memory; what else is wrong was said in a warning.
        let space = Arc::new(self.checkpoint.memory(pid).ok()?);
        let selected = self.search.scope.ranges(&space);
        let source = Arc::new(SpaceSource { space: Arc::clone(&space), selected });
        let mut list = gathered.lock().unwrap_or_else(PoisonError::into_inner);
        for (region, store, offset) in space.shared() {
            if !self.search.scope.has_mapping(&region.mapping) {
                continue;
            }
            list.push(Mapper {
                mapping: Arc::new(region.mapping.clone()),
                image: store.name.to_string(),
                offset,
                covered: (region.is_private() || !space.guards().is_empty()).then(|| Arc::clone(&source)),
            });
        }
        Some(source)
    }

    /// Searches shared segments, each once.
    fn segments(
        &self,
        mappers: &[Mapper],
        everything: bool,
        found: &mut dyn FnMut(Match) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut by_image: HashMap<&str, Vec<&Mapper>> = HashMap::new();
        for mapper in mappers {
            by_image.entry(&mapper.image).or_default().push(mapper);
        }
        let reach = self.search.matchers.reach();
        let jobs = sources::segments(self.checkpoint)
            .into_iter()
            .filter(|s| everything || by_image.contains_key(s.image.as_str()))
            .map(|segment| {
                let source =
                    Arc::new(SegmentSource { store: Arc::clone(&segment.store), size: segment.size });
                (Arc::new(segment), source)
            })
            .flat_map(|(segment, source)| {
                scan::jobs((segment, Arc::clone(&source)), Pieces::new(source, reach))
            });
        let mut ends = Ends::default();
        parallel::ordered(
            jobs,
            |scratch: &mut Scratch, job| {
                self.work(scratch, job, |s: &(Arc<SharedSegment>, Arc<SegmentSource>)| s.1.as_ref())
            },
            |done| {
                self.warn(&done.errors);
                let (segment, source) = &done.of;
                ends.source(Arc::as_ptr(segment) as u64);
                let mappers = by_image.get(segment.image.as_str()).map_or(&[][..], Vec::as_slice);
                for hit in done.found {
                    if !ends.is_new(&hit) {
                        continue;
                    }
                    let mut listed = false;
                    for mapper in mappers {
                        if let Some(address) = self.mapped_at(mapper, &hit) {
                            listed = true;
                            let mut m = self.in_segment(segment, source, &hit);
                            m.pid = Some(mapper.mapping.pid);
                            m.source = SourceKind::Memory;
                            m.address = address;
                            m.mapping = Some(Arc::clone(&mapper.mapping));
                            found(m)?;
                        }
                    }
                    if !listed && everything {
                        found(self.in_segment(segment, source, &hit))?;
                    }
                }
                self.go_on()
            },
        )
    }

    /// Where a mapping shows a hit of its segment, if it shows all of it.
    fn mapped_at(&self, mapper: &Mapper, hit: &Found) -> Option<u64> {
        let inside = hit.address.checked_sub(mapper.offset)?;
        let start = mapper.mapping.start.checked_add(inside)?;
        let end = start.checked_add(u64::from(hit.len))?;
        let uncovered = mapper.covered.as_ref().is_none_or(|s| s.space.is_shared(start, end));
        (end <= mapper.mapping.end && uncovered && self.search.scope.has_addresses(start, end))
            .then_some(start)
    }

    /// Searches everything else.
    fn holdings(&self, found: &mut dyn FnMut(Match) -> ControlFlow<()>) -> ControlFlow<()> {
        let mut list: Vec<Arc<Holding>> = Vec::new();
        sources::holdings(self.checkpoint, &mut |holding| list.push(Arc::new(holding)));
        let reach = self.search.matchers.reach();
        let jobs = list.into_iter().enumerate().flat_map(|(number, holding)| {
            let source = Arc::new(DataSource(holding.data.clone()));
            scan::jobs((number, holding, Arc::clone(&source)), Pieces::new(source, reach))
        });
        let mut ends = Ends::default();
        parallel::ordered(
            jobs,
            |scratch: &mut Scratch, job| {
                self.work(scratch, job, |s: &(usize, Arc<Holding>, Arc<DataSource>)| s.2.as_ref())
            },
            |done| {
                let (number, holding, source) = &done.of;
                for e in done.errors {
                    self.warn(&[e.in_member(holding.member.as_bytes())]);
                }
                ends.source(*number as u64);
                for hit in done.found {
                    if ends.is_new(&hit) {
                        let mut m = self.blank(&hit, holding.kind);
                        m.member = Some(holding.member.clone());
                        m.object.clone_from(&holding.object);
                        self.surround(&mut m, source.as_ref(), &hit);
                        found(m)?;
                    }
                }
                self.go_on()
            },
        )
    }

    fn blank(&self, hit: &Found, source: SourceKind) -> Match {
        let (number, encoding) = self.search.matchers.needle(hit.needle);
        Match {
            pid: None,
            source,
            segment: None,
            segment_offset: None,
            layer: None,
            member: None,
            object: None,
            address: hit.address,
            pattern_number: number,
            pattern: Text::new(self.search.patterns.get(number).map_or_else(Vec::new, |p| p.text.clone())),
            encoding,
            bytes: Vec::new(),
            before: Vec::new(),
            after: Vec::new(),
            mapping: None,
        }
    }

    fn in_space(&self, space: &Arc<AddressSpace>, hit: &Found) -> Match {
        let mut m = self.blank(hit, SourceKind::Memory);
        m.pid = Some(space.pid());
        if let Span::Bytes(layer) = space.span(hit.address).0 {
            m.layer = Some(layer);
            // A supplied file is no member.
            let origin = space.origin(hit.address).filter(|_| layer != Layer::Rootfs);
            m.member = origin.map(|(member, _)| Text::from(member));
        }
        m.mapping = space.region(hit.address).map(|region| {
            let key = (space.pid(), region.mapping.start);
            let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
            if cache.len() > 10_000 {
                cache.clear();
            }
            Arc::clone(cache.entry(key).or_insert_with(|| Arc::new(region.mapping.clone())))
        });
        if self.search.matchers.keeps_bytes() {
            m.bytes.clone_from(&hit.bytes);
            return m;
        }
        let whole = std::iter::once(0..u64::MAX).collect();
        let source = SpaceSource { space: Arc::clone(space), selected: whole };
        self.surround(&mut m, &source, hit);
        m
    }

    fn in_segment(&self, segment: &SharedSegment, source: &SegmentSource, hit: &Found) -> Match {
        let mut m = self.blank(hit, segment.kind);
        m.segment = Some(segment.id());
        m.segment_offset = Some(hit.address);
        m.layer = Some(Layer::Shared);
        m.object.clone_from(&segment.object);
        m.member = segment.store.origin_of(hit.address).map(|(member, _)| Text::from(member));
        self.surround(&mut m, source, hit);
        m
    }

    /// Reads the match and what is around it.
    fn surround<S: Source + ?Sized>(&self, m: &mut Match, source: &S, hit: &Found) {
        if self.search.matchers.keeps_bytes() {
            m.bytes.clone_from(&hit.bytes);
            return;
        }
        let start = hit.address;
        let end = start.saturating_add(u64::from(hit.len));
        let context = self.search.context as u64;
        let around = known_around(source, start..end, context);
        m.bytes = read(source, start..end);
        m.before = read(source, around.start..start);
        m.after = read(source, end..around.end);
    }
}

fn read<S: Source + ?Sized>(source: &S, range: Range<u64>) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(0)];
    if bytes.is_empty() || source.read(range.start, &mut bytes).is_err() {
        bytes.clear();
    }
    bytes
}

/// Widens a range by up to `context` bytes on each side, as far as bytes are known.
fn known_around<S: Source + ?Sized>(source: &S, range: Range<u64>, context: u64) -> Range<u64> {
    let mut first = range.start.saturating_sub(context);
    let mut at = first;
    while at < range.start {
        match source.stretch(at) {
            None => return range,
            Some((stretch, end)) => {
                let end = end.max(at.saturating_add(1));
                if stretch == Stretch::Hole {
                    first = end.min(range.start);
                }
                at = end;
            }
        }
    }
    let goal = range.end.saturating_add(context);
    let mut last = range.end;
    while last < goal {
        match source.stretch(last) {
            None | Some((Stretch::Hole, _)) => break,
            Some((_, end)) => last = end.max(last.saturating_add(1)).min(goal),
        }
    }
    first..last
}

/// False for a match of zeros alone that are not stored, or one inside a segment that is searched by itself.
pub(crate) fn is_own<S: Source + ?Sized>(source: &S, start: u64, end: u64) -> bool {
    let mut at = start;
    loop {
        match source.stretch(at) {
            Some((Stretch::Elsewhere, to)) if at == start && to >= end => return false,
            Some((Stretch::Zero, to)) if to >= end => return false,
            Some((Stretch::Zero, to)) if to > at => at = to,
            _ => return true,
        }
    }
}

/// Keeps a match that begins inside the one before it from being found in the next piece.
#[derive(Default)]
struct Ends {
    source: Option<u64>,
    by_needle: HashMap<u32, u64>,
}

impl Ends {
    fn source(&mut self, id: u64) {
        if self.source != Some(id) {
            self.source = Some(id);
            self.by_needle.clear();
        }
    }

    fn is_new(&mut self, hit: &Found) -> bool {
        let end = self.by_needle.entry(hit.needle).or_default();
        if hit.address < *end {
            return false;
        }
        *end = hit.address.saturating_add(u64::from(hit.len));
        true
    }
}
