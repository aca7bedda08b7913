//! An address space: mappings over layers of stored pages.

use std::ops::Range;
use std::sync::Arc;

use super::store::{PageStore, Place, Tally};
use crate::archive::Data;
use crate::error::{Error, Result};
use crate::model::{Mapping, MappingKind};

/// Where the bytes at an address come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layer {
    /// Pages of this dump that belong to the process alone.
    Dump,
    /// Pages of a parent dump, that many steps back.
    Parent(u32),
    /// A segment of shared memory (System V, memfd, anonymous).
    Shared,
    /// Anonymous memory that was never written: zeros, though not stored.
    Zero,
    /// A deleted file that CRIU kept with the dump: an unchanged page of it.
    DeletedFile,
    /// A file that the container had changed, from the engine's copy: an unchanged page of it.
    RootfsDiff,
    /// A file of the root file system that the analyst supplied: an unchanged page of it.
    ///
    /// It is not part of the evidence. Size and build-id were compared where CRIU recorded them.
    Rootfs,
}

impl Layer {
    /// Returns the name that JSON uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dump => "dump",
            Self::Parent(_) => "parent",
            Self::Shared => "shared",
            Self::Zero => "zero",
            Self::DeletedFile => "deleted-file",
            Self::RootfsDiff => "rootfs-diff",
            Self::Rootfs => "rootfs",
        }
    }
}

/// Why the evidence does not hold the byte at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Hole {
    /// No mapping covers the address.
    Unmapped,
    /// A clean page of a mapped file: CRIU leaves it to the file system.
    File,
    /// Kernel data or a droppable, guarded or ring area that CRIU never dumps.
    NeverDumped,
    /// The page was left to a lazy-pages daemon.
    Lazy,
    /// The page is in a parent dump that was not given.
    MissingParent,
    /// The page map of the process or segment is missing or damaged.
    NoPageMap,
    /// The pages image is missing or ends before the page.
    Truncated,
}

impl Hole {
    /// Returns the reason in words.
    pub fn description(self) -> &'static str {
        match self {
            Self::Unmapped => "not mapped",
            Self::File => "an unchanged page of a mapped file, which CRIU does not dump",
            Self::NeverDumped => "an area that CRIU never dumps",
            Self::Lazy => "left to a lazy-pages daemon",
            Self::MissingParent => "in a parent dump that is not here",
            Self::NoPageMap => "its page map is missing or damaged",
            Self::Truncated => "cut off: its pages image is missing or ends before it",
        }
    }
}

/// What answers for a range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Span {
    /// The bytes can be read.
    Bytes(Layer),
    /// They cannot.
    Hole(Hole),
}

/// The outcome of [`AddressSpace::read`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read {
    /// Bytes that were read, from the start of the buffer.
    pub bytes: usize,
    /// What stopped the read before the buffer was full.
    pub hole: Option<Hole>,
}

/// How many pages of a mapping come from where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PageCounts {
    /// From this dump.
    pub dumped: u64,
    /// From a parent dump.
    pub parent: u64,
    /// Not stored and known to be zero.
    pub zero: u64,
    /// To be read from the mapped file.
    pub file: u64,
    /// Nowhere in the evidence.
    pub absent: u64,
}

/// How a scan of all memory treats a range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stretch {
    /// To be scanned.
    Stored,
    /// Zeros that are not stored: they can only begin or end a match.
    Zero,
    /// Part of a segment that is scanned by itself, once for all who map it.
    Elsewhere,
    /// Unknown bytes: nothing matches across them.
    Hole,
}

/// What lies behind the private pages of a mapping.
#[derive(Debug, Clone)]
pub(crate) enum Backing {
    /// Zeros.
    Zero,
    /// A file that the evidence does not hold.
    File,
    /// A file whose contents are at hand; the mapping's first byte is this far into it.
    Contents(Arc<Contents>, u64),
    /// A shared segment; the mapping's first byte is this far into it.
    Shared(Option<Arc<PageStore>>, u64),
    /// Nothing that can be read.
    Never,
}

/// What a mapped file held.
#[derive(Debug)]
pub(crate) struct Contents {
    pub layer: Layer,
    /// The member, or the supplied file.
    pub name: String,
    pub data: Data,
}

/// One mapping of an address space.
#[derive(Debug, Clone)]
pub struct Region {
    /// The mapping.
    pub mapping: Mapping,
    /// Whether the process has pages of its own there.
    pub(crate) private: bool,
    pub(crate) backing: Backing,
}

impl Region {
    /// Returns true if the process can have pages of its own there.
    pub fn is_private(&self) -> bool {
        self.private
    }

    /// Returns true if it shows a segment whose page map is missing.
    pub(crate) fn lacks_segment(&self) -> bool {
        matches!(self.backing, Backing::Shared(None, _))
    }
}

/// The memory of one process.
#[derive(Debug)]
pub struct AddressSpace {
    pid: u32,
    page: u64,
    /// Sorted, without guard entries.
    regions: Vec<Region>,
    /// Guard ranges, sorted; they lie over regions.
    guards: Vec<Region>,
    /// Mappings that begin within another, or end before they begin: no kernel has such.
    impossible: Vec<Region>,
    own: Option<Arc<PageStore>>,
}

impl AddressSpace {
    pub(crate) fn new(pid: u32, page: u64, regions: Vec<Region>, own: Option<Arc<PageStore>>) -> Self {
        let (guards, mut regions): (Vec<Region>, Vec<Region>) =
            regions.into_iter().partition(|r| r.mapping.kind == MappingKind::Guard);
        let mut guards = guards;
        guards.sort_by_key(|g| (g.mapping.end, g.mapping.start));
        regions.sort_by_key(|r| r.mapping.start);
        // With them every page could be counted and searched once for each mapping.
        let mut end = 0;
        let (regions, impossible) = regions.into_iter().partition(|r| {
            let possible = r.mapping.start >= end && r.mapping.start < r.mapping.end;
            if possible {
                end = r.mapping.end;
            }
            possible
        });
        Self { pid, page: page.max(1), regions, guards, impossible, own }
    }

    /// Returns the process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Returns the page size in bytes.
    pub fn page_size(&self) -> u64 {
        self.page
    }

    /// Returns the mappings in address order, without guard ranges.
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// Returns the guard ranges, which lie over mappings.
    pub fn guards(&self) -> &[Region] {
        &self.guards
    }

    /// Returns the mappings that begin within another, or end before they begin.
    ///
    /// No kernel has such; nothing is read by them.
    pub fn impossible(&self) -> &[Region] {
        &self.impossible
    }

    /// Returns the mapping that holds `address`.
    pub fn region(&self, address: u64) -> Option<&Region> {
        let next = self.regions.partition_point(|r| r.mapping.start <= address);
        next.checked_sub(1).and_then(|i| self.regions.get(i)).filter(|r| address < r.mapping.end)
    }

    /// Counts the stored pages that the process's own page map announces; `None` without one.
    pub(crate) fn tally(&self) -> Option<Tally> {
        self.own.as_ref().map(|own| own.tally())
    }

    /// Returns how many bytes of these ranges were left to a lazy-pages daemon.
    pub(crate) fn lazy_bytes(&self, ranges: &[Range<u64>]) -> u64 {
        let stores = self.own.iter().chain(self.shared().map(|(_, store, _)| store));
        if stores.into_iter().all(|store| store.tally().lazy == 0) {
            return 0;
        }
        let mut bytes = 0_u64;
        for range in ranges {
            let mut at = range.start;
            while at < range.end {
                let (span, end) = self.span(at);
                let end = end.min(range.end).max(at.saturating_add(1));
                if span == Span::Hole(Hole::Lazy) {
                    bytes = bytes.saturating_add(end.saturating_sub(at));
                }
                at = end;
            }
        }
        bytes
    }

    /// Returns true if the evidence holds every byte of a range, without reading any.
    pub(crate) fn holds(&self, range: Range<u64>) -> bool {
        let mut at = range.start;
        while at < range.end {
            match self.span(at) {
                (Span::Hole(_), _) => return false,
                (Span::Bytes(_), end) => at = end.max(at.saturating_add(1)),
            }
        }
        true
    }

    /// Says what answers for `address`, and up to which address (exclusive) the same holds.
    pub fn span(&self, address: u64) -> (Span, u64) {
        let (place, end) = self.resolve(address);
        (place.span(), end)
    }

    /// Reads from `address` on until the buffer is full or a byte is not in the evidence.
    ///
    /// # Errors
    ///
    /// When a pages image is shorter than its map, damaged, or cannot be read.
    pub fn read(&self, address: u64, buf: &mut [u8]) -> Result<Read> {
        let mut done = 0_usize;
        while let Some(rest) = buf.get_mut(done..) {
            if rest.is_empty() {
                break;
            }
            let Some(at) = address.checked_add(done as u64) else {
                return Ok(Read { bytes: done, hole: Some(Hole::Unmapped) });
            };
            let (place, end) = self.resolve(at);
            let n = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX).min(rest.len()).max(1);
            let Some(part) = rest.get_mut(..n) else { break };
            match place {
                Resolved::Stored(place, shift) => Self::read_place(place, at.wrapping_sub(shift), part)
                    .map_err(|e| e.in_member(format!("memory of process {}", self.pid)))?,
                Resolved::Contents(contents, inside) => read_contents(contents, inside, part)?,
                Resolved::Zero => part.fill(0),
                Resolved::Hole(hole) => return Ok(Read { bytes: done, hole: Some(hole) }),
            }
            done = done.saturating_add(n);
        }
        Ok(Read { bytes: done, hole: None })
    }

    fn read_place(place: Place<'_>, at: u64, buf: &mut [u8]) -> Result<()> {
        match place {
            Place::Stored { store, run, .. } => store.read(&run, at, buf),
            Place::MissingParent | Place::Lazy | Place::Truncated | Place::Lost => {
                Err(Error::new(crate::ErrorKind::NotFound, "the page is not in the evidence"))
            }
        }
    }

    /// Counts where the pages of a mapping come from.
    pub fn page_counts(&self, region: &Region) -> PageCounts {
        if let Some(counts) = self.shared_counts(region) {
            return counts;
        }
        let mut counts = PageCounts::default();
        let end = region.mapping.end;
        let mut at = region.mapping.start;
        while at < end {
            crate::meter::step();
            let (place, next) = self.resolve_in(region, at);
            let next = next.min(end).max(at.saturating_add(1));
            let pages = next.saturating_sub(at).div_ceil(self.page);
            let slot = match place.span() {
                Span::Bytes(Layer::Dump | Layer::Shared) => &mut counts.dumped,
                Span::Bytes(Layer::Parent(_)) => &mut counts.parent,
                Span::Bytes(Layer::Zero) => &mut counts.zero,
                Span::Hole(Hole::File) | Span::Bytes(_) => &mut counts.file,
                Span::Hole(_) => &mut counts.absent,
            };
            *slot = slot.saturating_add(pages);
            at = next;
        }
        counts
    }

    /// Counts the pages of a shared mapping without going through them: many may map one large segment.
    fn shared_counts(&self, region: &Region) -> Option<PageCounts> {
        let Backing::Shared(Some(store), offset) = &region.backing else { return None };
        let (start, end) = (region.mapping.start, region.mapping.end);
        let guard = self.guards.get(self.guards.partition_point(|g| g.mapping.end <= start));
        if region.private || guard.is_some_and(|g| g.mapping.start < end) {
            return None;
        }
        let tally = store.map.tally(*offset, offset.checked_add(end.checked_sub(start)?)?)?;
        let pages = end.saturating_sub(start).div_ceil(self.page);
        let known = tally.present.saturating_add(tally.absent);
        Some(PageCounts {
            dumped: tally.present,
            zero: pages.saturating_sub(known),
            absent: tally.absent,
            ..PageCounts::default()
        })
    }

    /// Says which member of the archive holds the byte at `address`, and where in it.
    ///
    /// For [`Layer::Rootfs`] it is the supplied file, for [`Layer::DeletedFile`] and
    /// [`Layer::RootfsDiff`] the offset is the one in the file. `None` for zeros, holes, and pages that are stored compressed.
    pub fn origin(&self, address: u64) -> Option<(String, u64)> {
        match self.resolve(address) {
            (Resolved::Stored(Place::Stored { store, run, .. }, shift), _) => {
                store.origin(&run, address.wrapping_sub(shift))
            }
            (Resolved::Contents(contents, inside), _) => Some((contents.name.clone(), inside)),
            _ => None,
        }
    }

    /// Returns the shared segments that are mapped, each with the mapping and its offset in the segment.
    pub(crate) fn shared(&self) -> impl Iterator<Item = (&Region, &Arc<PageStore>, u64)> {
        self.regions.iter().filter_map(|r| match &r.backing {
            Backing::Shared(Some(store), offset) => Some((r, store, *offset)),
            _ => None,
        })
    }

    /// Returns true if `start..end` is read from the segment behind its mapping, and nothing lies over it.
    pub(crate) fn is_shared(&self, start: u64, end: u64) -> bool {
        matches!(self.stretch(start), (Stretch::Elsewhere, limit) if end <= limit)
    }

    /// Says how a scan treats the bytes at `address`, and to which address the same holds.
    pub(crate) fn stretch(&self, address: u64) -> (Stretch, u64) {
        let Some(region) = self.region(address) else { return (Stretch::Hole, self.resolve(address).1) };
        let (own, limit) = self.private_at(region, address);
        let stretch = match (own, &region.backing) {
            (Some(Resolved::Stored(Place::Stored { store, run, .. }, _)), _) => {
                return store.stored(&run, address, limit);
            }
            (Some(Resolved::Stored(..)), _) => Stretch::Stored,
            (Some(_), _) | (None, Backing::File | Backing::Never | Backing::Shared(None, _)) => Stretch::Hole,
            (None, Backing::Contents(contents, offset)) => {
                let (resolved, end) = contents_at(region, contents, *offset, self.page, address, limit);
                let held = matches!(resolved, Resolved::Contents(..));
                return (if held { Stretch::Stored } else { Stretch::Hole }, end);
            }
            (None, Backing::Zero) => Stretch::Zero,
            (None, Backing::Shared(Some(_), _)) => Stretch::Elsewhere,
        };
        (stretch, limit)
    }

    fn resolve(&self, address: u64) -> (Resolved<'_>, u64) {
        if let Some(region) = self.region(address) {
            self.resolve_in(region, address)
        } else {
            let next = self.regions.partition_point(|r| r.mapping.start <= address);
            let end = self.regions.get(next).map_or(u64::MAX, |r| r.mapping.start);
            (Resolved::Hole(Hole::Unmapped), end)
        }
    }

    /// Says what the process has of its own at `address`: guards and private pages.
    ///
    /// `None` leaves the answer to what backs the mapping.
    fn private_at<'s>(&'s self, region: &'s Region, address: u64) -> (Option<Resolved<'s>>, u64) {
        let mut limit = region.mapping.end;
        let guard = self.guards.partition_point(|g| g.mapping.end <= address);
        if let Some(guard) = self.guards.get(guard) {
            if guard.mapping.start <= address {
                return (Some(Resolved::Hole(Hole::NeverDumped)), guard.mapping.end.min(limit));
            }
            limit = limit.min(guard.mapping.start);
        }
        if region.private {
            let Some(own) = &self.own else { return (Some(Resolved::Hole(Hole::NoPageMap)), limit) };
            let (place, end) = own.place(address, limit);
            let resolved = match place {
                Some(Place::Lazy) => Some(Resolved::Hole(Hole::Lazy)),
                Some(Place::Truncated) => Some(Resolved::Hole(Hole::Truncated)),
                Some(Place::Lost) => Some(Resolved::Hole(Hole::NoPageMap)),
                Some(Place::MissingParent) => Some(Resolved::Hole(Hole::MissingParent)),
                Some(place @ Place::Stored { .. }) => Some(Resolved::Stored(place, 0)),
                None => None,
            };
            return (resolved, end);
        }
        (None, limit)
    }

    fn resolve_in<'s>(&'s self, region: &'s Region, address: u64) -> (Resolved<'s>, u64) {
        let limit = match self.private_at(region, address) {
            (Some(resolved), end) => return (resolved, end),
            (None, limit) => limit,
        };
        match &region.backing {
            Backing::Zero => (Resolved::Zero, limit),
            Backing::File => (Resolved::Hole(Hole::File), limit),
            Backing::Contents(contents, offset) => {
                contents_at(region, contents, *offset, self.page, address, limit)
            }
            Backing::Never => (Resolved::Hole(Hole::NeverDumped), limit),
            Backing::Shared(None, _) => (Resolved::Hole(Hole::NoPageMap), limit),
            Backing::Shared(Some(store), offset) => {
                // Addresses of the segment's page map are offsets in the segment.
                let shift = region.mapping.start.wrapping_sub(*offset);
                let inside = address.wrapping_sub(shift);
                let inside_limit = inside.saturating_add(limit.saturating_sub(address));
                let (place, end) = store.place(inside, inside_limit);
                let end = end.wrapping_add(shift).min(limit);
                let resolved = match place {
                    None => Resolved::Zero,
                    Some(Place::Lazy) => Resolved::Hole(Hole::Lazy),
                    Some(Place::Truncated) => Resolved::Hole(Hole::Truncated),
                    Some(Place::Lost) => Resolved::Hole(Hole::NoPageMap),
                    Some(Place::MissingParent) => Resolved::Hole(Hole::MissingParent),
                    Some(place @ Place::Stored { .. }) => Resolved::Stored(place, shift),
                };
                (resolved, end)
            }
        }
    }
}

/// Says what the contents of a mapped file give at `address`: bytes, up to the end of the page
/// that the file ends in.
fn contents_at<'s>(
    region: &Region,
    contents: &'s Contents,
    offset: u64,
    page: u64,
    address: u64,
    limit: u64,
) -> (Resolved<'s>, u64) {
    let inside = address.saturating_sub(region.mapping.start).saturating_add(offset);
    let pages = contents.data.len().div_ceil(page).saturating_mul(page);
    if inside >= pages {
        return (Resolved::Hole(Hole::File), limit);
    }
    let end = address.saturating_add(pages.saturating_sub(inside)).min(limit);
    (Resolved::Contents(contents, inside), end)
}

/// Reads from a mapped file; the rest of its last page is zeros.
fn read_contents(contents: &Contents, inside: u64, buf: &mut [u8]) -> Result<()> {
    let there = contents.data.len().saturating_sub(inside);
    let n = usize::try_from(there).unwrap_or(usize::MAX).min(buf.len());
    let (bytes, zeros) = buf.split_at_mut(n);
    zeros.fill(0);
    contents.data.read_exact_at(inside, bytes).map_err(|e| e.in_member(&contents.name))
}

enum Resolved<'s> {
    /// Stored; the second field is what to subtract from an address for the store's own.
    Stored(Place<'s>, u64),
    /// In a mapped file, so far into it.
    Contents(&'s Contents, u64),
    Zero,
    Hole(Hole),
}

impl Resolved<'_> {
    fn span(&self) -> Span {
        match self {
            Self::Stored(Place::Stored { depth, .. }, _) if *depth > 0 => Span::Bytes(Layer::Parent(*depth)),
            Self::Stored(_, 0) => Span::Bytes(Layer::Dump),
            Self::Stored(..) => Span::Bytes(Layer::Shared),
            Self::Contents(contents, _) => Span::Bytes(contents.layer),
            Self::Zero => Span::Bytes(Layer::Zero),
            Self::Hole(hole) => Span::Hole(*hole),
        }
    }
}
