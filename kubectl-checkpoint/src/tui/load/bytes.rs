//! Bytes of memory and of files: what there is, reading, searching, writing out.

use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::ops::{ControlFlow, Range};
use std::path::Path;

use anyhow::{Context as _, anyhow};
use libforensic::Checkpoint;
use libforensic::analysis::extract::{Contents, Extent, objects};
use libforensic::analysis::search::Search;
use libforensic::analysis::sources::{SourceKind, holdings};
use libforensic::archive::Data;
use libforensic::memory::{AddressSpace, Layer, Span};

use super::super::hex::{Hex, Needle, PAGE, Page, Provenance, Region};
use super::super::message::{Bytes, Cancel};
use super::super::place::{Place, Source};
use super::super::theme::Role;
use super::{elf, of, text};
use crate::evidence::memory::chunk;
use crate::output::escape_bytes;

/// Makes the view of bytes, without any of them.
pub(super) fn open(checkpoint: &Checkpoint, place: &Place) -> anyhow::Result<Hex> {
    let big_endian = checkpoint.architecture().is_some_and(libforensic::model::Architecture::is_big_endian);
    if let Some(source) = &place.source {
        let data = data(checkpoint, source)?;
        let name = match source {
            Source::Member(member) => escape_bytes(member).into_owned(),
            Source::Holding { member, object } => {
                format!("{} in {}", escape_bytes(object), escape_bytes(member))
            }
        };
        let region = Region { range: 0..data.len(), name: name.clone(), perms: "file".to_owned() };
        let regions = if data.len() == 0 { Vec::new() } else { vec![region] };
        return Ok(Hex { title: name, regions, big_endian, ..Hex::default() });
    }
    let pid = place.pid.context("hex shows the memory of a process: choose one")?;
    let space = checkpoint.memory(pid)?;
    let mut regions: Vec<Region> = Vec::new();
    for region in space.regions() {
        let m = &region.mapping;
        // Mappings that overlap exist in forged images only; the first counts.
        let start = regions.last().map_or(m.start, |r| r.range.end.max(m.start));
        if start >= m.end {
            continue;
        }
        let path = m.path.as_ref().map_or_else(|| m.kind.as_str().to_owned(), text);
        regions.push(Region { range: start..m.end, name: path, perms: m.perms.clone() });
    }
    let process = checkpoint.process(pid)?;
    // The code of the program is a better beginning than the lowest address.
    let start = process.layout.as_ref().and_then(|l| l.code_start).map(|a| a.0);
    let first = regions.first().map_or(0, |r| r.range.start);
    let cursor = start.filter(|a| regions.iter().any(|r| r.range.contains(a))).unwrap_or(first);
    Ok(Hex {
        title: format!("memory of {}", of(checkpoint, Some(pid))),
        regions,
        big_endian,
        cursor,
        names: super::names::names(&process),
        ..Hex::default()
    })
}

/// Bytes that are not the memory of a process.
pub(super) enum Body {
    File(Data),
    /// Shared memory or a memfd, of which pages may be missing.
    Segment(Contents),
}

impl Body {
    fn len(&self) -> u64 {
        match self {
            Self::File(data) => data.len(),
            Self::Segment(contents) => contents.len(),
        }
    }

    /// Fills the buffer as far as the evidence has the bytes; says which it has, where that is not all.
    fn read(&self, at: u64, buf: &mut [u8]) -> anyhow::Result<Option<Vec<bool>>> {
        let contents = match self {
            Self::File(data) => return Ok(data.read_exact_at(at, buf).map(|()| None)?),
            Self::Segment(contents) => contents,
        };
        let mut known = vec![true; buf.len()];
        let mut done = 0;
        while done < buf.len() {
            let here = at.saturating_add(done as u64);
            let Some((extent, end)) = contents.extent(here) else { break };
            let n = usize::try_from(end.saturating_sub(here)).unwrap_or(usize::MAX).min(buf.len() - done);
            let part = &mut buf[done..done + n];
            if extent == Extent::Missing || contents.read_exact_at(here, part).is_err() {
                part.fill(0);
                known[done..done + n].fill(false);
            }
            done += n.max(1);
        }
        Ok(if known.contains(&false) { Some(known) } else { None })
    }

    /// Who answers for the bytes of a page, and up to where in it.
    fn spans(&self, start: u64, len: u64) -> Vec<(u64, Provenance)> {
        let Self::Segment(contents) = self else {
            return vec![(PAGE, Provenance { letter: ' ', role: Role::Dim, why: String::new() })];
        };
        let mut spans = Vec::new();
        let mut at = start;
        while at < start.saturating_add(len) && spans.len() < 64 {
            let Some((extent, end)) = contents.extent(at) else { break };
            let (letter, role, why) = match extent {
                Extent::Stored => ('S', Role::Shared, "from a shared segment"),
                Extent::Zero => ('0', Role::Dim, "never written: zeros that are not stored"),
                Extent::Missing => ('?', Role::Absent, "not in the evidence"),
            };
            spans.push((end - start, Provenance { letter, role, why: why.to_owned() }));
            at = end;
        }
        spans
    }

    /// The bytes in order; what the evidence does not have reads as zeros.
    pub(super) fn reader(&self) -> Box<dyn std::io::Read + '_> {
        match self {
            Self::File(data) => Box::new(data.reader()),
            Self::Segment(_) => Box::new(Stream { body: self, at: 0 }),
        }
    }
}

/// Reads a body from its beginning to its end.
struct Stream<'b> {
    body: &'b Body,
    at: u64,
}

impl std::io::Read for Stream<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let left = usize::try_from(self.body.len().saturating_sub(self.at)).unwrap_or(usize::MAX);
        let n = left.min(buf.len()).min(1 << 16);
        self.body.read(self.at, &mut buf[..n]).map_err(std::io::Error::other)?;
        self.at += n as u64;
        Ok(n)
    }
}

/// Finds bytes that are not memory.
pub(super) fn data(checkpoint: &Checkpoint, source: &Source) -> anyhow::Result<Body> {
    let archive = checkpoint.archive();
    match source {
        Source::Member(name) => {
            let member = archive
                .member(name)
                .with_context(|| format!("the archive has no member {}", escape_bytes(name)))?;
            Ok(Body::File(archive.data(member)?))
        }
        Source::Holding { member, object } => {
            if let Some(contents) = segment(checkpoint, member, object) {
                return Ok(Body::Segment(contents));
            }
            let mut found = None;
            holdings(checkpoint, &mut |h| {
                let same = h.member.as_bytes() == member
                    && h.object.as_ref().is_some_and(|o| o.as_bytes() == object);
                if same && found.is_none() {
                    found = Some(h.data);
                }
            });
            found.map(Body::File).ok_or_else(|| {
                anyhow!("{} in {} is empty, or could not be read", escape_bytes(object), escape_bytes(member))
            })
        }
    }
}

/// Finds shared memory by the name of its page map.
fn segment(checkpoint: &Checkpoint, member: &[u8], object: &[u8]) -> Option<Contents> {
    if !is_segment(member) {
        return None;
    }
    let mut found = None;
    objects(checkpoint, &mut |o| {
        // They come first.
        if !matches!(o.source, SourceKind::SharedMemory | SourceKind::Memfd) {
            return ControlFlow::Break(());
        }
        let name = o.name.as_ref().map(libforensic::model::Text::as_bytes).unwrap_or_default();
        if o.member.as_bytes() == member && (object.is_empty() || name == object) {
            found = o.contents;
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    found
}

/// Whether a member is the page map of shared memory.
pub(super) fn is_segment(member: &[u8]) -> bool {
    member.starts_with(b"pagemap-shmem-")
}

fn provenance(span: Span) -> Provenance {
    let (letter, role, why) = match span {
        Span::Bytes(Layer::Dump) => ('D', Role::Good, "from this dump".to_owned()),
        Span::Bytes(Layer::Parent(n)) => ('P', Role::Stack, format!("from a parent dump, {n} back")),
        Span::Bytes(Layer::Shared) => ('S', Role::Shared, "from a shared segment".to_owned()),
        Span::Bytes(Layer::Zero) => ('0', Role::Dim, "never written: zeros that are not stored".to_owned()),
        Span::Hole(libforensic::memory::Hole::File) => {
            ('f', Role::Dim, libforensic::memory::Hole::File.description().to_owned())
        }
        Span::Hole(hole) => ('?', Role::Absent, hole.description().to_owned()),
        Span::Bytes(_) => ('+', Role::Good, "from another layer".to_owned()),
    };
    Provenance { letter, role, why }
}

/// Reads pages.
pub(crate) fn read(checkpoint: &Checkpoint, from: &Bytes, pages: &[u64]) -> anyhow::Result<Vec<(u64, Page)>> {
    let mut read = Vec::with_capacity(pages.len());
    match from {
        Bytes::Memory(pid) => {
            let space = checkpoint.memory(*pid)?;
            for page in pages {
                read.push((*page, memory_page(&space, *page)));
            }
        }
        Bytes::Source(source) => {
            let data = data(checkpoint, source)?;
            for start in pages {
                let len = data.len().saturating_sub(*start).min(PAGE);
                let mut bytes = vec![0; usize::try_from(len)?];
                let (known, why) = match data.read(*start, &mut bytes) {
                    Ok(known) => (known, None),
                    Err(e) => (Some(vec![false; bytes.len()]), Some(e.to_string())),
                };
                let spans = match why {
                    None => data.spans(*start, len),
                    Some(why) => {
                        let why = crate::output::escape(&why).into_owned();
                        vec![(PAGE, Provenance { letter: '?', role: Role::Absent, why })]
                    }
                };
                let fields = if *start == 0 { elf::fields(&bytes, 0) } else { Vec::new() };
                read.push((*start, Page { bytes, known, spans, origin: None, fields }));
            }
        }
    }
    Ok(read)
}

fn memory_page(space: &AddressSpace, start: u64) -> Page {
    let mut bytes = vec![0; 4096];
    let (known, _) = chunk(space, start, &mut bytes);
    let mut spans = Vec::new();
    let end = start.saturating_add(PAGE);
    let mut at = start;
    while at < end && spans.len() < 64 {
        let (span, next) = space.span(at);
        let next = next.clamp(at.saturating_add(1), end);
        spans.push((next - start, provenance(span)));
        at = next;
    }
    // A program or library begins where its mapping begins.
    let begins = space.region(start).is_some_and(|r| r.mapping.start == start);
    let fields = if begins && known.is_none() { elf::fields(&bytes, start) } else { Vec::new() };
    Page { bytes, known, spans, origin: space.origin(start), fields }
}

/// Bytes that are searched at once.
const STEP: u64 = 1 << 20;

/// Searches for bytes from an address on, or back from it.
pub(crate) fn find(
    checkpoint: &Checkpoint,
    from: &Bytes,
    needle: &Needle,
    start: u64,
    forward: bool,
    cancel: &Cancel,
) -> anyhow::Result<Option<u64>> {
    match from {
        Bytes::Memory(pid) => {
            let query = super::super::update::query_of(needle, *pid);
            let mut scope = super::memory::scope(Some(*pid));
            scope.range = Some(if forward { start..u64::MAX } else { 0..start });
            let search = Search::new(vec![super::search::pattern(&query)])?.scope(scope).context(0);
            cancel.watch(&search.progress());
            let mut found: Option<u64> = None;
            search.run(checkpoint, &mut |m| {
                // Shared memory comes after private memory, so the nearest is looked for.
                found = Some(match found {
                    None => m.address,
                    Some(best) if forward => best.min(m.address),
                    Some(best) => best.max(m.address),
                });
                if cancel.is_stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })?;
            Ok(found.filter(|_| !cancel.is_stopped()))
        }
        Bytes::Source(source) => find_in(&data(checkpoint, source)?, &needle.bytes, start, forward, cancel),
    }
}

fn find_in(
    data: &Body,
    needle: &[u8],
    start: u64,
    forward: bool,
    cancel: &Cancel,
) -> anyhow::Result<Option<u64>> {
    let overlap = (needle.len() as u64).saturating_sub(1);
    let steps = data.len().div_ceil(STEP);
    let numbers: Vec<u64> =
        if forward { (start / STEP..steps).collect() } else { (0..=start / STEP).rev().collect() };
    for number in numbers {
        if cancel.is_stopped() {
            return Ok(None);
        }
        let at = number * STEP;
        let len = data.len().saturating_sub(at).min(STEP + overlap);
        let mut bytes = vec![0; usize::try_from(len)?];
        let known = data.read(at, &mut bytes)?;
        let is_known = |i: usize| known.as_ref().is_none_or(|k| k[i..i + needle.len()].iter().all(|k| *k));
        let hits = bytes.windows(needle.len().max(1)).enumerate();
        let hits = hits.filter(|(i, w)| *w == needle && is_known(*i));
        let mut hits =
            hits.map(|(i, _)| at + i as u64).filter(|a| if forward { *a >= start } else { *a < start });
        let hit = if forward { hits.next() } else { hits.next_back() };
        if hit.is_some() {
            return Ok(hit);
        }
    }
    Ok(None)
}

/// Writes bytes of the evidence to a new file; says how many there were, and how many were not known.
pub(crate) fn write(
    checkpoint: &Checkpoint,
    from: &Bytes,
    range: Range<u64>,
    path: &Path,
) -> anyhow::Result<String> {
    let shown = || path.display().to_string();
    let file = OpenOptions::new().write(true).create_new(true).open(path).with_context(shown)?;
    let mut out = BufWriter::new(file);
    let mut buf = vec![0; 1 << 18];
    let mut missing = 0_u64;
    let mut at = range.start;
    let space = match from {
        Bytes::Memory(pid) => Some(checkpoint.memory(*pid)?),
        Bytes::Source(_) => None,
    };
    let data = match from {
        Bytes::Source(source) => Some(data(checkpoint, source)?),
        Bytes::Memory(_) => None,
    };
    while at < range.end {
        let n = usize::try_from(range.end - at).unwrap_or(buf.len()).min(buf.len());
        let part = &mut buf[..n];
        if let Some(space) = &space {
            if let (Some(known), _) = chunk(space, at, part) {
                missing += known.iter().filter(|k| !**k).count() as u64;
            }
        } else if let Some(data) = &data
            && let Some(known) = data.read(at, part)?
        {
            missing += known.iter().filter(|k| !**k).count() as u64;
        }
        out.write_all(part).with_context(shown)?;
        at += n as u64;
    }
    out.flush().with_context(shown)?;
    let gap = if missing == 0 {
        String::new()
    } else {
        format!("; {missing} of them are not in the evidence and were written as zeros")
    };
    Ok(format!("wrote {} bytes to {}{gap}", range.end - range.start, crate::output::escape(&shown())))
}
