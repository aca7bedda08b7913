//! Which pages are stored, and where: a page map as a sorted, compact table.

use crate::error::Warning;
use crate::image::{self, proto};

/// The pages are in the parent dump (`PE_PARENT`, criu/include/pagemap.h).
pub(crate) const PARENT: u8 = 1;
/// The pages may be served by a lazy-pages daemon (`PE_LAZY`).
pub(crate) const LAZY: u8 = 2;
/// The pages are in this dump's pages image (`PE_PRESENT`).
pub(crate) const PRESENT: u8 = 4;

/// A run of pages with one fate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    /// First address (or offset in a shared segment), in bytes.
    pub start: u64,
    /// Where the bytes begin in the pages image; of no meaning without `PRESENT`.
    pub offset: u64,
    /// Number of pages.
    pub pages: u32,
    /// `PARENT`, `LAZY`, `PRESENT`.
    pub flags: u8,
    /// Index + 1 of the run's blocks in the block table; 0 for pages that are stored as they are.
    pub blocks: u32,
}

impl Run {
    pub(crate) fn end(&self, page: u64) -> u64 {
        self.start.saturating_add(u64::from(self.pages).saturating_mul(page))
    }
}

/// Compressed blocks of one run.
#[derive(Debug, Clone)]
pub(crate) struct Blocks {
    /// Stored size of each block in bytes: 0 for zeros, the full size for a block stored as it is.
    pub sizes: Box<[u32]>,
    /// Offset of every [`Blocks::STRIDE`]th block from the run's first stored byte.
    starts: Box<[u64]>,
    /// Uncompressed pages of a block; the last may be shorter.
    pub pages: u32,
}

impl Blocks {
    /// How many blocks share one entry of the sparse offset index.
    const STRIDE: usize = 64;

    pub(crate) fn new(sizes: Vec<u32>, pages: u32) -> Self {
        let mut starts = Vec::with_capacity(sizes.len().div_ceil(Self::STRIDE));
        let mut at = 0_u64;
        for (i, size) in sizes.iter().enumerate() {
            if i.is_multiple_of(Self::STRIDE) {
                starts.push(at);
            }
            at = at.saturating_add(u64::from(*size));
        }
        Self { sizes: sizes.into(), starts: starts.into(), pages: pages.max(1) }
    }

    /// Returns the offset of a block from the run's first stored byte, and its stored size.
    pub(crate) fn locate(&self, block: usize) -> Option<(u64, u32)> {
        let size = *self.sizes.get(block)?;
        let slot = block.checked_div(Self::STRIDE)?;
        let first = slot.checked_mul(Self::STRIDE)?;
        let before = self.sizes.get(first..block)?.iter().fold(0_u64, |n, s| n.saturating_add(u64::from(*s)));
        Some((self.starts.get(slot)?.saturating_add(before), size))
    }
}

/// A page map, ready for lookups.
#[derive(Debug, Default)]
pub(crate) struct PageMap {
    runs: Vec<Run>,
    pub(crate) blocks: Vec<Blocks>,
    /// Page size in bytes.
    pub(crate) page: u64,
}

impl PageMap {
    /// Returns the run that holds `address`, or else the next one behind it.
    pub(crate) fn find(&self, address: u64) -> (Option<&Run>, Option<&Run>) {
        let next = self.runs.partition_point(|r| r.start <= address);
        let current =
            next.checked_sub(1).and_then(|i| self.runs.get(i)).filter(|r| address < r.end(self.page));
        (current, self.runs.get(next))
    }

    /// Returns the address behind the last page.
    pub(crate) fn end(&self) -> u64 {
        self.runs.last().map_or(0, |r| r.end(self.page))
    }

    /// Returns the runs that touch `start..end`.
    pub(crate) fn overlapping(&self, start: u64, end: u64) -> impl Iterator<Item = &Run> {
        let first = self.runs.partition_point(|r| r.end(self.page) <= start);
        self.runs.get(first..).unwrap_or(&[]).iter().take_while(move |r| r.start < end)
    }
}

/// One record of a page map, normalised.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entry {
    pub start: u64,
    pub pages: u64,
    pub flags: u8,
    /// Stored sizes of compressed blocks; empty for pages stored as they are.
    pub compressed: Vec<u32>,
    /// Total stored bytes of the compressed blocks.
    pub compressed_total: u64,
    /// Pages of a compressed block, 0 for one.
    pub region_pages: u32,
    /// The payload starts at the next page boundary of the pages image.
    pub aligned: bool,
}

/// Builds a [`PageMap`] from records in file order.
pub(crate) struct Builder {
    map: PageMap,
    offset: u64,
    /// Size of the pages image, which bounds what can be present.
    available: u64,
    pub(crate) warnings: Vec<Warning>,
    sorted: bool,
}

impl Builder {
    pub(crate) fn new(page: u64, available: u64) -> Self {
        Self {
            map: PageMap { page: page.max(1), ..PageMap::default() },
            offset: 0,
            available,
            warnings: Vec::new(),
            sorted: true,
        }
    }

    /// Adds a record. Impossible parts of it become warnings.
    pub(crate) fn push(&mut self, entry: &Entry) {
        let page = self.map.page;
        if entry.pages == 0 {
            return;
        }
        let present = entry.flags & PRESENT != 0;
        let mut pages = entry.pages;
        let mut blocks = 0_u32;
        if present && entry.aligned {
            self.offset = self.offset.div_ceil(page).saturating_mul(page);
        }
        let offset = self.offset;
        if present {
            let stored = if entry.compressed.is_empty() {
                pages.saturating_mul(page)
            } else {
                let sum = entry.compressed.iter().fold(0_u64, |n, s| n.saturating_add(u64::from(*s)));
                if entry.compressed_total != 0 && entry.compressed_total != sum {
                    self.warn(
                        entry,
                        &format!(
                            "the sizes of the compressed blocks sum up to {sum}, not to {}",
                            entry.compressed_total
                        ),
                    );
                }
                sum
            };
            self.offset = offset.saturating_add(stored);
            if entry.compressed.is_empty() {
                let there = self.available.saturating_sub(offset).checked_div(page).unwrap_or(0);
                if pages > there {
                    self.warn(
                        entry,
                        &format!("{pages} pages are announced and {there} are left in the pages image"),
                    );
                    pages = there;
                }
            } else {
                self.map.blocks.push(Blocks::new(entry.compressed.clone(), entry.region_pages));
                blocks = u32::try_from(self.map.blocks.len()).unwrap_or(0);
                let covered =
                    (entry.compressed.len() as u64).saturating_mul(u64::from(entry.region_pages.max(1)));
                pages = pages.min(covered);
            }
        }
        if pages == 0 {
            return;
        }
        if !entry.start.is_multiple_of(page) {
            self.warn(entry, "the address is not a multiple of the page size");
        }
        let pages = u32::try_from(pages).unwrap_or_else(|_| {
            self.warn(entry, &format!("{pages} pages cannot be"));
            u32::MAX
        });
        let run = Run { start: entry.start, offset, pages, flags: entry.flags, blocks };
        if entry.start.checked_add(u64::from(pages).saturating_mul(page).saturating_sub(1)).is_none() {
            self.warn(entry, "the pages go beyond the end of the address space");
            return;
        }
        if self.map.runs.last().is_some_and(|last| last.end(page) > run.start) {
            self.sorted = false;
        }
        self.map.runs.push(run);
    }

    fn warn(&mut self, entry: &Entry, what: &str) {
        if self.warnings.len() < 100 {
            self.warnings.push(Warning::new(format!("page map entry at {:#x}: {what}", entry.start)));
        }
    }

    /// Sorts if need be and returns the map.
    pub(crate) fn finish(mut self) -> (PageMap, Vec<Warning>) {
        if !self.sorted {
            self.warnings.push(Warning::new("the page map is not sorted or overlaps itself; of overlapping entries the earlier address counts"));
            self.map.runs.sort_by_key(|r| r.start);
            let page = self.map.page;
            let mut end = 0_u64;
            self.map.runs.retain(|r| {
                let keep = r.start >= end;
                if keep {
                    end = r.end(page);
                }
                keep
            });
        }
        self.map.runs.shrink_to_fit();
        (self.map, self.warnings)
    }
}

/// Reads a page map image: the number of its pages image, and its records in the builder's terms.
pub(crate) fn entries(bytes: &[u8]) -> (Option<u32>, Vec<Entry>, Vec<image::Error>) {
    let (heads, mut errors) = image::read_all::<proto::PagemapHead>(bytes);
    let (records, more) = image::read_all::<proto::PagemapEntry>(bytes);
    errors.extend(more);
    errors.dedup_by_key(|e| e.offset());
    let entries = records.into_iter().map(|(_, e)| normalise(&e)).collect();
    (heads.first().and_then(|(_, h)| h.pages_id), entries, errors)
}

/// CRIU 4.2 writes the count to field 5 and 0 to field 2, older ones only field 2;
/// before 3.5 there were no flags but `in_parent`.
fn normalise(e: &proto::PagemapEntry) -> Entry {
    let pages = e.nr_pages.unwrap_or_else(|| u64::from(e.compat_nr_pages.unwrap_or(0)));
    let flags = match e.flags {
        Some(flags) => u8::try_from(flags & 0xf).unwrap_or(0),
        None if e.in_parent == Some(true) => PARENT,
        None => PRESENT,
    };
    Entry { start: e.vaddr.unwrap_or(0), pages, flags: flags & (PARENT | LAZY | PRESENT), ..Entry::default() }
}
