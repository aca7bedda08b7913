//! Which pages are stored, and where: a page map as a sorted, compact table.

use crate::error::Warning;
use crate::image::PageRun;

/// The pages are in the parent dump (`PE_PARENT`, criu/include/pagemap.h).
pub(crate) const PARENT: u8 = 1;
/// The pages may be served by a lazy-pages daemon (`PE_LAZY`).
pub(crate) const LAZY: u8 = 2;
/// The pages are in this dump's pages image (`PE_PRESENT`).
pub(crate) const PRESENT: u8 = 4;

/// The pages should be in this dump's pages image, which ends before them or is missing.
pub(crate) const MISSING: u8 = 0x80;

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
    pub(crate) fn push(&mut self, entry: &PageRun) {
        let page = self.map.page;
        if entry.pages == 0 {
            return;
        }
        let flags = u8::try_from(entry.flags.bits() & u32::from(PARENT | LAZY | PRESENT)).unwrap_or(0);
        let present = entry.flags.present();
        let mut pages = entry.pages;
        let mut missing = 0_u64;
        let mut blocks = 0_u32;
        if present && entry.flags.aligned() {
            self.offset = self.offset.div_ceil(page).saturating_mul(page);
        }
        let offset = self.offset;
        match &entry.compressed {
            _ if !present => {}
            None => {
                self.offset = offset.saturating_add(pages.saturating_mul(page));
                let there = self.available.saturating_sub(offset).checked_div(page).unwrap_or(0);
                if pages > there {
                    let what = format!("{pages} pages are announced and {there} are left in the pages image");
                    self.warn(entry, &what);
                    missing = pages.saturating_sub(there);
                    pages = there;
                }
            }
            Some(compressed) => {
                let sum = compressed.sizes.iter().fold(0_u64, |n, s| n.saturating_add(u64::from(*s)));
                if let Some(total) = compressed.total.filter(|total| *total != sum) {
                    self.warn(
                        entry,
                        &format!("the sizes of the compressed blocks sum up to {sum}, not to {total}"),
                    );
                }
                self.offset = offset.saturating_add(sum);
                self.map.blocks.push(Blocks::new(compressed.sizes.clone(), compressed.block_pages));
                blocks = u32::try_from(self.map.blocks.len()).unwrap_or(0);
                let count = compressed.sizes.len() as u64;
                let covered = count.saturating_mul(u64::from(compressed.block_pages.max(1)));
                missing = pages.saturating_sub(covered);
                pages = pages.min(covered);
            }
        }
        if !entry.vaddr.is_multiple_of(page) {
            self.warn(entry, "the address is not a multiple of the page size");
        }
        let run = Run { start: entry.vaddr, offset, pages: 0, flags, blocks };
        let start = self.add(entry, run, pages);
        self.add(entry, Run { start, flags: MISSING, blocks: 0, ..run }, missing);
    }

    /// Adds a run of `pages` pages, as many of them as an address space can hold; returns its end.
    fn add(&mut self, entry: &PageRun, run: Run, pages: u64) -> u64 {
        if pages == 0 {
            return run.start;
        }
        let page = self.map.page;
        // The last address belongs to no page that Linux maps, so the end can always be written.
        let room = (u64::MAX).saturating_sub(run.start).checked_div(page).unwrap_or(0);
        let fits = u32::try_from(pages.min(room)).unwrap_or(u32::MAX);
        if u64::from(fits) < pages {
            self.warn(entry, &format!("{pages} pages cannot be; {fits} are taken"));
        }
        let run = Run { pages: fits, ..run };
        if fits > 0 {
            if self.map.runs.last().is_some_and(|last| last.end(page) > run.start) {
                self.sorted = false;
            }
            self.map.runs.push(run);
        }
        run.end(page)
    }

    fn warn(&mut self, entry: &PageRun, what: &str) {
        if self.warnings.len() < 100 {
            self.warnings.push(Warning::new(format!("page map entry at {:#x}: {what}", entry.vaddr)));
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
