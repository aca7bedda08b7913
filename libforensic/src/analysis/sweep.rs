//! Runs a search: through all memory on all cores, and in a fixed order to whoever listens.

use std::collections::HashMap;
use std::ops::{ControlFlow, Range};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use super::block::{Block, Bytes};
use super::pattern::{Encoding, Hit, REGEX_REACH};
use super::scan::{self, DataSource, Job, Piece, Pieces, SegmentSource, Source, SpaceSource};
use super::search::{Match, Search};
use super::sources::{self, Holding, SharedSegment, SourceKind};
use crate::error::{Error, Warning};
use crate::memory::{AddressSpace, Layer, Span, Stretch};
use crate::model::{Checkpoint, Mapping, Text};
use crate::parallel;

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
    /// Whether it may go on behind the window.
    cut: bool,
    /// Where [`Done::kept`] has its bytes with all their context.
    kept: Option<u32>,
}

/// What a worker gives back.
struct Done<T> {
    of: T,
    found: Vec<Found>,
    /// What was found, and what is around it, one after the other.
    kept: Vec<u8>,
    /// What was made of what was found, where that is done at once.
    text: Vec<u8>,
    errors: Vec<Error>,
}

impl<T> Done<T> {
    /// Bytes that wait with it for their turn.
    fn waiting(&self) -> usize {
        self.text.len()
    }
}

/// Most bytes that a worker keeps of one job; what is found beyond them is read again when it is listed.
const KEPT: usize = 2 << 20;

/// Where matches go.
pub(super) enum Sink<'f> {
    /// To a listener, one after the other.
    List(&'f mut dyn FnMut(Match) -> ControlFlow<()>),
    /// Nowhere: they are only counted, by the number of their pattern.
    Count(&'f mut [u64]),
    /// As text that the workers make of them.
    Text(&'f mut dyn FnMut(&[u8]) -> ControlFlow<()>),
}

/// Makes text of what was found in one place.
pub(super) type Render<'r> = &'r (dyn Fn(&Block<'_>, &mut Vec<u8>) + Sync);

/// Bytes of text that may wait for the text before it.
const TEXT_AHEAD: usize = 4 << 20;

/// Bytes that a buffer for text has at first, and up to which it is used again.
const TEXT_BUFFER: usize = 256 << 10;
const TEXT_KEPT: usize = 4 << 20;

/// More bytes than a character has.
const CHARACTER: usize = 4;

/// A readable part of a window.
struct Part<'w> {
    hay: &'w [u8],
    /// Address of its first byte.
    base: u64,
    /// What begins from here to there belongs to the piece.
    from: usize,
    to: usize,
}

impl<'w> Part<'w> {
    /// `None` where nothing of the part belongs to the piece.
    fn of(window: &'w [u8], piece: &Piece, range: Range<usize>) -> Option<Self> {
        let base = piece.window.saturating_add(range.start as u64);
        // What was left of a damaged window has no bytes before its range.
        let hay = window.get(range)?;
        let relative = |address: u64| usize::try_from(address.saturating_sub(base)).unwrap_or(0);
        let (from, to) = (relative(piece.start), relative(piece.end).min(hay.len()));
        (from < to).then_some(Self { hay, base, from, to })
    }
}

/// Buffers of a worker.
#[derive(Default)]
struct Scratch {
    window: Vec<u8>,
    hits: Vec<Hit>,
}

/// A search under way on one checkpoint.
pub(super) struct Sweep<'r> {
    search: &'r Search,
    checkpoint: &'r Checkpoint,
    /// Whether matches are only counted.
    counting: bool,
    render: Option<Render<'r>>,
    encodings: Vec<Encoding>,
    /// Buffers for text that were written out.
    spare: Mutex<Vec<Vec<u8>>>,
    /// Mappings that were shown, by process and start.
    cache: Mutex<HashMap<(u32, u64), Arc<Mapping>>>,
}

impl<'r> Sweep<'r> {
    pub(super) fn new(search: &'r Search, checkpoint: &'r Checkpoint) -> Self {
        Self {
            search,
            checkpoint,
            counting: false,
            render: None,
            encodings: search.matchers.encodings(),
            spare: Mutex::default(),
            cache: Mutex::default(),
        }
    }

    /// Makes text of what is found, in the threads that find it.
    pub(super) fn rendering(mut self, render: Render<'r>) -> Self {
        self.render = Some(render);
        self
    }

    /// Goes through everything the search is meant for.
    pub(super) fn run(mut self, sink: &mut Sink<'_>) {
        self.counting = matches!(sink, Sink::Count(_));
        let everything = self.search.scope.is_everything();
        let mut mappers = Vec::new();
        if self.processes(&mut mappers, sink).is_break() {
            return;
        }
        if self.segments(&mappers, everything, sink).is_break() || !everything {
            return;
        }
        let _ = self.holdings(sink);
    }

    /// Looks through the pieces of a job; `press` makes text of what was found in a window.
    fn work<T, S: Source + ?Sized>(
        &self,
        scratch: &mut Scratch,
        job: Job<T>,
        source: impl Fn(&T) -> &S,
        press: impl Fn(&T, &Bytes<'_>, Render<'_>, &mut Vec<u8>),
    ) -> Done<T> {
        let text = self
            .render
            .map_or_else(Vec::new, |_| self.spare().pop().unwrap_or_else(|| Vec::with_capacity(TEXT_BUFFER)));
        let mut done = Done { of: job.of, found: Vec::new(), kept: Vec::new(), text, errors: Vec::new() };
        if self.search.progress.is_cancelled() {
            return done;
        }
        for piece in &job.pieces {
            self.piece(scratch, &mut done, *piece, &source, &press);
            self.search.progress.add(piece.end.saturating_sub(piece.start));
        }
        done
    }

    fn piece<T, S: Source + ?Sized>(
        &self,
        scratch: &mut Scratch,
        done: &mut Done<T>,
        piece: Piece,
        source: &impl Fn(&T) -> &S,
        press: &impl Fn(&T, &Bytes<'_>, Render<'_>, &mut Vec<u8>),
    ) {
        // Few strings go on far behind the piece: that much is read only for those that do.
        let near = piece.end.saturating_add(self.search.matchers.near());
        let mut window = Piece { limit: piece.limit.min(near), ..piece };
        let Done { of, found, kept, text, errors } = done;
        let (source, reach) = (source(of), self.search.matchers.reach());
        let begin = (text.len(), found.len());
        loop {
            let readable = scan::fill(source, &window, &mut scratch.window);
            let mut goes_on = false;
            for range in readable.ranges {
                let end = range.end;
                let Some(part) = Part::of(&scratch.window, &window, range) else { continue };
                scratch.hits.clear();
                self.search.matchers.find(part.hay, part.from, part.to, &mut scratch.hits);
                let reaches = |h: &Hit| {
                    h.start.saturating_add(h.len as usize).saturating_add(CHARACTER) >= part.hay.len()
                };
                if window.limit < piece.limit
                    && end == scratch.window.len()
                    && scratch.hits.iter().any(reaches)
                {
                    goes_on = true;
                    break;
                }
                if let Some(render) = self.render {
                    let (hits, encodings) = (scratch.hits.as_slice(), self.encodings.as_slice());
                    let bytes = Bytes { hay: part.hay, base: part.base, hits, encodings };
                    press(of, &bytes, render, text);
                    continue;
                }
                for hit in &scratch.hits {
                    let address = part.base.saturating_add(hit.start as u64);
                    if is_own(source, address, address.saturating_add(u64::from(hit.len))) {
                        let kept = if self.counting { None } else { self.keep(kept, part.hay, hit) };
                        // A regular expression might have taken more, had there been more to take.
                        let end = hit.start.saturating_add(hit.len as usize);
                        let cut = end == part.hay.len()
                            && reach.overlap >= REGEX_REACH
                            && u64::from(hit.len) >= reach.overlap
                            && is_known(source, part.base.saturating_add(end as u64));
                        found.push(Found { address, len: hit.len, needle: hit.needle, cut, kept });
                    }
                }
            }
            if goes_on {
                text.truncate(begin.0);
                found.truncate(begin.1);
                window.limit = piece.limit;
                continue;
            }
            errors.extend(readable.error);
            return;
        }
    }

    fn spare(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the bytes of a hit, if the window has all of its context and there is room.
    fn keep(&self, kept: &mut Vec<u8>, hay: &[u8], hit: &Hit) -> Option<u32> {
        let context = self.search.context;
        let first = hit.start.checked_sub(context)?;
        let end = hit.start.checked_add(hit.len as usize)?.checked_add(context)?;
        let bytes = hay.get(first..end)?;
        let at = kept.len();
        if at.saturating_add(bytes.len()) > KEPT {
            return None;
        }
        kept.extend_from_slice(bytes);
        u32::try_from(at).ok()
    }

    fn warn(&self, errors: &[Error]) {
        for e in errors {
            self.checkpoint.images().warnings.push(Warning::from(e));
        }
    }

    /// Searches private memory, and gathers who maps shared segments.
    fn processes(&self, mappers: &mut Vec<Mapper>, sink: &mut Sink<'_>) -> ControlFlow<()> {
        let gathered = Mutex::new(Vec::new());
        let scope = &self.search.scope;
        let pids: Vec<u32> = self.checkpoint.pids().into_iter().filter(|p| scope.has_pid(*p)).collect();
        let (reach, most) = (self.search.matchers.reach(), self.search.matchers.job());
        let jobs = pids
            .into_iter()
            .filter_map(|pid| self.space(pid, &gathered))
            .flat_map(|source| scan::jobs(Arc::clone(&source), most, Pieces::new(source, reach)));
        let mut ends = Ends::default();
        let flow = parallel::ordered_within(
            TEXT_AHEAD,
            jobs,
            |scratch: &mut Scratch, job| {
                let press = |s: &Arc<SpaceSource>, bytes: &Bytes<'_>, render: Render<'_>, out: &mut _| {
                    Self::press_space(s, bytes, render, out);
                };
                self.work(scratch, job, |s: &Arc<SpaceSource>| s.as_ref(), press)
            },
            Done::waiting,
            |done| {
                self.warn(&done.errors);
                self.text(sink, done.text)?;
                let space = &done.of.space;
                ends.source(space.pid().into());
                for hit in done.found {
                    if ends.is_new(&hit) {
                        self.give(sink, &hit, || self.in_space(space, &hit, &done.kept))?;
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
        self.checkpoint.warn_of_lazy_pages(&space, &selected);
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
    fn segments(&self, mappers: &[Mapper], everything: bool, sink: &mut Sink<'_>) -> ControlFlow<()> {
        let mut by_image: HashMap<&str, Vec<&Mapper>> = HashMap::new();
        for mapper in mappers {
            by_image.entry(&mapper.image).or_default().push(mapper);
        }
        let (reach, most) = (self.search.matchers.reach(), self.search.matchers.job());
        let jobs = sources::segments(self.checkpoint, everything)
            .into_iter()
            .filter(|s| everything || by_image.contains_key(s.image.as_str()))
            .map(|segment| {
                let source =
                    Arc::new(SegmentSource { store: Arc::clone(&segment.store), size: segment.size });
                (Arc::new(segment), source)
            })
            .flat_map(|(segment, source)| {
                scan::jobs((segment, Arc::clone(&source)), most, Pieces::new(source, reach))
            });
        let mut ends = Ends::default();
        parallel::ordered_within(
            TEXT_AHEAD,
            jobs,
            |scratch: &mut Scratch, job| {
                type Of = (Arc<SharedSegment>, Arc<SegmentSource>);
                let press = |of: &Of, bytes: &Bytes<'_>, render: Render<'_>, out: &mut _| {
                    let mappers = by_image.get(of.0.image.as_str()).map_or(&[][..], Vec::as_slice);
                    self.press_segment(&of.0, mappers, everything, bytes, render, out);
                };
                self.work(scratch, job, |s: &Of| s.1.as_ref(), press)
            },
            Done::waiting,
            |done| {
                self.warn(&done.errors);
                self.text(sink, done.text)?;
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
                            self.give(sink, &hit, || {
                                let mut m = self.in_segment(segment, source, &hit, &done.kept);
                                m.pid = Some(mapper.mapping.pid);
                                m.source = SourceKind::Memory;
                                m.address = address;
                                m.mapping = Some(Arc::clone(&mapper.mapping));
                                m
                            })?;
                        }
                    }
                    if !listed && everything {
                        self.give(sink, &hit, || self.in_segment(segment, source, &hit, &done.kept))?;
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
    fn holdings(&self, sink: &mut Sink<'_>) -> ControlFlow<()> {
        let mut list: Vec<Arc<Holding>> = Vec::new();
        sources::holdings(self.checkpoint, &mut |holding| list.push(Arc::new(holding)));
        let (reach, most) = (self.search.matchers.reach(), self.search.matchers.job());
        let jobs = list.into_iter().enumerate().flat_map(|(number, holding)| {
            let source = Arc::new(DataSource(holding.data.clone()));
            scan::jobs((number, holding, Arc::clone(&source)), most, Pieces::new(source, reach))
        });
        let mut ends = Ends::default();
        parallel::ordered_within(
            TEXT_AHEAD,
            jobs,
            |scratch: &mut Scratch, job| {
                type Of = (usize, Arc<Holding>, Arc<DataSource>);
                let press = |of: &Of, bytes: &Bytes<'_>, render: Render<'_>, out: &mut _| {
                    let mut block = Block::new(of.1.kind, *bytes);
                    block.member = Some(&of.1.member);
                    block.object = of.1.object.as_ref();
                    render(&block, out);
                };
                self.work(scratch, job, |s: &Of| s.2.as_ref(), press)
            },
            Done::waiting,
            |done| {
                let (number, holding, source) = &done.of;
                self.text(sink, done.text)?;
                for e in done.errors {
                    self.warn(&[e.in_member(holding.member.as_bytes())]);
                }
                ends.source(*number as u64);
                for hit in done.found {
                    if ends.is_new(&hit) {
                        self.give(sink, &hit, || {
                            let mut m = self.blank(&hit, holding.kind);
                            m.member = Some(holding.member.clone());
                            m.object.clone_from(&holding.object);
                            self.surround(&mut m, source.as_ref(), &hit, &done.kept);
                            m
                        })?;
                    }
                }
                self.go_on()
            },
        )
    }

    /// Writes what a worker made of its job.
    fn text(&self, sink: &mut Sink<'_>, mut text: Vec<u8>) -> ControlFlow<()> {
        let Sink::Text(out) = sink else { return ControlFlow::Continue(()) };
        let flow = if text.is_empty() { ControlFlow::Continue(()) } else { out(&text) };
        if text.capacity() <= TEXT_KEPT {
            text.clear();
            self.spare().push(text);
        }
        flow
    }

    /// Makes text of what was found in memory of a process.
    fn press_space(source: &SpaceSource, bytes: &Bytes<'_>, render: Render<'_>, out: &mut Vec<u8>) {
        let space = &source.space;
        let mut hits = bytes.hits;
        while let Some(first) = hits.first() {
            let address = bytes.base.saturating_add(first.start as u64);
            let end = address.saturating_add(u64::from(first.len));
            let (stretch, stretch_end) = source.stretch(address).unwrap_or((Stretch::Stored, u64::MAX));
            let (span, span_end) = space.span(address);
            let region = space.region(address);
            let mut limit = stretch_end.min(span_end);
            limit = region.map_or(limit, |r| limit.min(r.mapping.end));
            // Of shared memory only what crosses a border is found here.
            let own = stretch != Stretch::Elsewhere || end > stretch_end;
            let alone = stretch == Stretch::Elsewhere && own;
            let here = |h: &Hit| bytes.base.saturating_add(h.start as u64) < limit;
            let count = if alone { 1 } else { hits.partition_point(here).max(1) };
            let (these, rest) = hits.split_at_checked(count).unwrap_or((hits, &[]));
            let before = hits;
            hits = rest;
            if !own {
                // One of them may cross the border.
                let crosses = |h: &Hit| {
                    let start = bytes.base.saturating_add(h.start as u64);
                    start.saturating_add(u64::from(h.len)) > stretch_end
                };
                let crossing = before.iter().position(crosses).unwrap_or(before.len());
                hits = before.get(crossing.max(1)..).unwrap_or_default();
                continue;
            }
            let mut block = Block::new(SourceKind::Memory, Bytes { hits: these, ..*bytes });
            block.pid = Some(space.pid());
            let mut member = None;
            if let Span::Bytes(layer) = span {
                block.layer = Some(layer);
                // A supplied file is no member.
                let origin = space.origin(address).filter(|_| layer != Layer::Rootfs);
                member = origin.map(|(member, _)| Text::from(member));
            }
            block.member = member.as_ref();
            block.mapping = region.map(|r| &r.mapping);
            render(&block, out);
        }
    }

    /// Makes text of what was found in shared memory, for each who maps it.
    fn press_segment(
        &self,
        segment: &SharedSegment,
        mappers: &[&Mapper],
        everything: bool,
        bytes: &Bytes<'_>,
        render: Render<'_>,
        out: &mut Vec<u8>,
    ) {
        let id = segment.id();
        for hit in bytes.hits {
            let address = bytes.base.saturating_add(hit.start as u64);
            let found = Found { address, len: hit.len, needle: hit.needle, cut: false, kept: None };
            let member = segment.store.origin_of(address).map(|(member, _)| Text::from(member));
            let one = Bytes { hits: std::slice::from_ref(hit), ..*bytes };
            let mut block = Block::new(segment.kind, one);
            block.segment = Some(&id);
            block.layer = Some(Layer::Shared);
            block.object = segment.object.as_ref();
            block.member = member.as_ref();
            let mut listed = false;
            for mapper in mappers {
                if let Some(mapped) = self.mapped_at(mapper, &found) {
                    listed = true;
                    block.pid = Some(mapper.mapping.pid);
                    block.source = SourceKind::Memory;
                    block.mapping = Some(&mapper.mapping);
                    block.bytes.base = mapped.wrapping_sub(hit.start as u64);
                    render(&block, out);
                }
            }
            if !listed && everything {
                render(&block, out);
            }
        }
    }

    /// Lists or counts a match.
    fn give(&self, sink: &mut Sink<'_>, hit: &Found, full: impl FnOnce() -> Match) -> ControlFlow<()> {
        if hit.cut {
            self.search.cut.fetch_add(1, Ordering::Relaxed);
        }
        match sink {
            Sink::List(found) => found(full()),
            // Text was made where it was found.
            Sink::Text(_) => ControlFlow::Continue(()),
            Sink::Count(counts) => {
                let (number, _) = self.search.matchers.needle(hit.needle);
                if let Some(count) = counts.get_mut(number) {
                    *count = count.saturating_add(1);
                }
                ControlFlow::Continue(())
            }
        }
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
            cut: hit.cut,
            bytes: Vec::new(),
            before: Vec::new(),
            after: Vec::new(),
            mapping: None,
        }
    }

    fn in_space(&self, space: &Arc<AddressSpace>, hit: &Found, kept: &[u8]) -> Match {
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
        if !self.kept(&mut m, hit, kept) {
            let whole = std::iter::once(0..u64::MAX).collect();
            let source = SpaceSource { space: Arc::clone(space), selected: whole };
            self.read_around(&mut m, &source, hit);
        }
        m
    }

    fn in_segment(&self, segment: &SharedSegment, source: &SegmentSource, hit: &Found, kept: &[u8]) -> Match {
        let mut m = self.blank(hit, segment.kind);
        m.segment = Some(segment.id());
        m.segment_offset = Some(hit.address);
        m.layer = Some(Layer::Shared);
        m.object.clone_from(&segment.object);
        m.member = segment.store.origin_of(hit.address).map(|(member, _)| Text::from(member));
        self.surround(&mut m, source, hit, kept);
        m
    }

    /// Adds the bytes of the match and what is around them, as the worker kept them or read again.
    fn surround<S: Source + ?Sized>(&self, m: &mut Match, source: &S, hit: &Found, kept: &[u8]) {
        if !self.kept(m, hit, kept) {
            self.read_around(m, source, hit);
        }
    }

    /// Adds the bytes that the worker kept, if it did.
    fn kept(&self, m: &mut Match, hit: &Found, kept: &[u8]) -> bool {
        let (context, len) = (self.search.context, hit.len as usize);
        let all = hit.kept.and_then(|at| kept.get(at as usize..));
        if let Some((before, rest)) = all.and_then(|all| all.split_at_checked(context))
            && let Some((bytes, rest)) = rest.split_at_checked(len)
            && let Some(after) = rest.get(..context)
        {
            m.before = before.to_vec();
            m.bytes = bytes.to_vec();
            m.after = after.to_vec();
            return true;
        }
        false
    }

    /// Reads the match and what is around it.
    fn read_around<S: Source + ?Sized>(&self, m: &mut Match, source: &S, hit: &Found) {
        let start = hit.address;
        let end = start.saturating_add(u64::from(hit.len));
        let around = known_around(source, start..end, self.search.context as u64);
        m.bytes = read(source, start..end);
        m.before = read(source, around.start..start);
        m.after = read(source, end..around.end);
    }
}

fn is_known<S: Source + ?Sized>(source: &S, at: u64) -> bool {
    !matches!(source.stretch(at), None | Some((Stretch::Hole, _)))
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
        // What a cut match might have taken is not lost: the next piece lists it.
        *end = if hit.cut { 0 } else { hit.address.saturating_add(u64::from(hit.len)) };
        true
    }
}
