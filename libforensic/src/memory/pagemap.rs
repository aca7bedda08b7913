//! Which pages are stored, and where: a page map as a sorted, compact table.

use std::ops::Range;
use std::sync::OnceLock;

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
/// An entry before it cannot be read, so that it is not known where in the pages image they are.
pub(crate) const ADRIFT: u8 = 0x20;

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

/// A run in 16 bytes: page maps of millions of them exist.
#[derive(Debug, Clone, Copy)]
struct Slim {
    /// The address, and the flags in its low bits, which are zero in addresses of pages.
    start: u64,
    /// Index of the first page in the pages image; with [`EXTRA`] that of the run in `extra`.
    place: u32,
    pages: u32,
}

/// The run does not fit into 16 bytes.
const EXTRA: u8 = 0x40;
/// Most places of a page map where entries may be lost; behind the last of them nothing is known.
const GAPS: usize = 16;
/// Bits of an address that are zero for every page.
const LOW: u64 = 0xfff;

/// How many pages have which fate.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    /// In this dump.
    pub present: u64,
    /// In the parent dump.
    pub parent: u64,
    /// Nowhere.
    pub absent: u64,
}

impl Tally {
    fn slot(&mut self, run: &Run) -> &mut u64 {
        match run.flags {
            flags if flags & PRESENT != 0 => &mut self.present,
            flags if flags & MISSING == 0 && flags & PARENT != 0 => &mut self.parent,
            _ => &mut self.absent,
        }
    }

    fn add(&mut self, run: &Run, pages: u64) {
        let slot = self.slot(run);
        *slot = slot.saturating_add(pages);
    }

    fn take(&mut self, run: &Run, pages: u64) {
        let slot = self.slot(run);
        *slot = slot.saturating_sub(pages);
    }

    fn less(&self, other: &Self) -> Self {
        Self {
            present: self.present.saturating_sub(other.present),
            parent: self.parent.saturating_sub(other.parent),
            absent: self.absent.saturating_sub(other.absent),
        }
    }
}

/// A page map, ready for lookups.
#[derive(Debug, Default)]
pub(crate) struct PageMap {
    /// Pages of all runs before each, for [`PageMap::tally`].
    tallies: OnceLock<Box<[Tally]>>,
    runs: Vec<Slim>,
    /// Compressed runs, and those at odd places.
    extra: Vec<Run>,
    pub(crate) blocks: Vec<Blocks>,
    /// Ranges in which entries are lost: pages that no run covers may have been stored.
    gaps: Vec<Range<u64>>,
    /// Page size in bytes.
    pub(crate) page: u64,
}

impl PageMap {
    /// A map of which nothing is known.
    pub(crate) fn unknown(page: u64) -> Self {
        Self { page: page.max(1), gaps: std::iter::once(0..u64::MAX).collect(), ..Self::default() }
    }

    /// Returns true if entries of it are lost.
    pub(crate) fn has_gaps(&self) -> bool {
        !self.gaps.is_empty()
    }

    /// Says whether an entry may be lost that covered `address`, and up to where the same holds.
    pub(crate) fn lost(&self, address: u64, limit: u64) -> (bool, u64) {
        for gap in &self.gaps {
            if address < gap.start {
                return (false, limit.min(gap.start));
            }
            if address < gap.end {
                return (true, limit.min(gap.end));
            }
        }
        (false, limit)
    }

    /// Returns the run that holds `address`, and the start of the next one behind it.
    pub(crate) fn find(&self, address: u64) -> (Option<Run>, Option<u64>) {
        let next = self.runs.partition_point(|r| start(&self.extra, *r) <= address);
        let current = next.checked_sub(1).and_then(|i| self.runs.get(i)).map(|r| self.whole(*r));
        let current = current.filter(|r| address < r.end(self.page));
        (current, self.runs.get(next).map(|r| start(&self.extra, *r)))
    }

    /// Returns the address behind the last page.
    pub(crate) fn end(&self) -> u64 {
        self.runs.last().map_or(0, |r| self.whole(*r).end(self.page))
    }

    /// Returns the runs that touch `start..end`.
    pub(crate) fn overlapping(&self, start: u64, end: u64) -> impl Iterator<Item = Run> {
        let first = self.runs.partition_point(|r| self.whole(*r).end(self.page) <= start);
        let runs = self.runs.get(first..).unwrap_or(&[]).iter();
        runs.map(|r| self.whole(*r)).take_while(move |r| r.start < end)
    }

    /// Returns all runs in the order of their addresses.
    pub(crate) fn runs(&self) -> impl Iterator<Item = Run> {
        self.runs.iter().map(|r| self.whole(*r))
    }

    /// Counts the pages of `start..end`; `None` where some are left to a parent, which knows more.
    pub(crate) fn tally(&self, start: u64, end: u64) -> Option<Tally> {
        let tallies = self.tallies.get_or_init(|| {
            let mut sum = Tally::default();
            let mut all = Vec::with_capacity(self.runs.len().saturating_add(1));
            for run in &self.runs {
                crate::meter::step();
                all.push(sum);
                let run = self.whole(*run);
                sum.add(&run, u64::from(run.pages));
            }
            all.push(sum);
            all.into()
        });
        let first = self.runs.partition_point(|r| self.whole(*r).end(self.page) <= start);
        let behind = self.runs.partition_point(|r| self::start(&self.extra, *r) < end);
        if first >= behind {
            return Some(Tally::default());
        }
        let mut sum = tallies.get(behind)?.less(tallies.get(first)?);
        // Of the first and the last run only a part may be in it.
        let pages = |bytes: u64| bytes.checked_div(self.page).unwrap_or(0);
        let run = self.whole(*self.runs.get(first)?);
        sum.take(&run, pages(start.saturating_sub(run.start)));
        let run = self.whole(*self.runs.get(behind.checked_sub(1)?)?);
        sum.take(&run, pages(run.end(self.page).saturating_sub(end)));
        (sum.parent == 0).then_some(sum)
    }

    fn whole(&self, slim: Slim) -> Run {
        let flags = u8::try_from(slim.start & 0xff).unwrap_or(0);
        if flags & EXTRA != 0 {
            let extra = usize::try_from(slim.place).ok().and_then(|i| self.extra.get(i));
            return extra.copied().unwrap_or(Run { start: 0, offset: 0, pages: 0, flags: 0, blocks: 0 });
        }
        Run {
            start: slim.start & !LOW,
            offset: u64::from(slim.place).saturating_mul(self.page),
            pages: slim.pages,
            flags,
            blocks: 0,
        }
    }

    /// Adds a run behind the others, or to the last one where it goes on from it.
    fn push(&mut self, run: Run) {
        let place = run.offset.checked_div(self.page).and_then(|p| u32::try_from(p).ok());
        let fits = run.blocks == 0 && run.start & LOW == 0 && run.offset.is_multiple_of(self.page);
        if let (true, Some(place)) = (fits, place) {
            let start = run.start | u64::from(run.flags);
            if let Some(last) = self.runs.last_mut()
                && last.start & 0xff == u64::from(run.flags)
                && (last.start & !LOW).checked_add(u64::from(last.pages).saturating_mul(self.page))
                    == Some(run.start)
                && (run.flags & PRESENT == 0 || last.place.checked_add(last.pages) == Some(place))
                && let Some(pages) = last.pages.checked_add(run.pages)
            {
                last.pages = pages;
                return;
            }
            self.runs.push(Slim { start, place, pages: run.pages });
            return;
        }
        let Ok(place) = u32::try_from(self.extra.len()) else { return };
        self.extra.push(run);
        self.runs.push(Slim { start: (run.start & !LOW) | u64::from(EXTRA), place, pages: run.pages });
    }

    /// Sorts the runs; of those that overlap the one at the lower address stays.
    fn sort(&mut self) {
        let extra = &self.extra;
        self.runs.sort_by_key(|r| start(extra, *r));
        let mut end = 0_u64;
        let page = self.page;
        self.runs.retain(|r| {
            let first = start(extra, *r);
            let keep = first >= end;
            if keep {
                end = first.saturating_add(u64::from(r.pages).saturating_mul(page));
            }
            keep
        });
    }
}

fn start(extra: &[Run], slim: Slim) -> u64 {
    if slim.start & u64::from(EXTRA) == 0 {
        return slim.start & !LOW;
    }
    usize::try_from(slim.place).ok().and_then(|i| extra.get(i)).map_or(0, |r| r.start)
}

/// Builds a [`PageMap`] from records in file order.
pub(crate) struct Builder {
    map: PageMap,
    offset: u64,
    /// Size of the pages image, which bounds what can be present.
    available: u64,
    pub(crate) warnings: Vec<Warning>,
    /// How many warnings there are besides.
    more: u64,
    sorted: bool,
    /// How many entries cannot be read.
    lost: u32,
    /// How many entries are of no page, which loses nothing if all of the pages image has an entry.
    empty: u32,
    /// How many bytes of the pages image belong to the first of both; `None` if that is not known.
    lost_bytes: Option<u64>,
}

impl Builder {
    pub(crate) fn new(page: u64, available: u64) -> Self {
        Self {
            map: PageMap { page: page.max(1), ..PageMap::default() },
            offset: 0,
            available,
            warnings: Vec::new(),
            more: 0,
            sorted: true,
            lost: 0,
            empty: 0,
            lost_bytes: Some(0),
        }
    }

    /// Takes so many bytes of the pages image for those of the one entry that cannot be read.
    ///
    /// Where there are several, nobody knows how many belong to which.
    pub(crate) fn with_lost(self, lost_bytes: Option<u64>) -> Self {
        Self { lost_bytes, ..self }
    }

    /// Returns the page size in bytes.
    pub(crate) fn page(&self) -> u64 {
        self.map.page
    }

    /// Returns how many entries cannot be read, and where the pages of the others end in the pages image.
    pub(crate) fn account(&self) -> (u32, u64) {
        (self.lost.saturating_add(self.empty), self.offset)
    }

    /// Notes that an entry is lost: at an address, or behind the last one.
    pub(crate) fn lose(&mut self, at: Option<u64>) {
        if self.lost == 0 {
            self.offset = self.offset.saturating_add(self.lost_bytes.unwrap_or(0));
        }
        self.lost = self.lost.saturating_add(1);
        let start = at.unwrap_or_else(|| self.map.end());
        let gaps = &mut self.map.gaps;
        if gaps.len() < GAPS && gaps.last().is_none_or(|g| g.end <= start) {
            gaps.push(start..u64::MAX);
        }
    }

    /// Notes that entries are lost and nothing tells where.
    pub(crate) fn with_gaps_anywhere(mut self) -> Self {
        self.map.gaps = std::iter::once(0..u64::MAX).collect();
        self
    }

    /// Adds a record. Impossible parts of it become warnings.
    pub(crate) fn push(&mut self, entry: &PageRun) {
        crate::meter::step();
        let page = self.map.page;
        if entry.pages == 0 {
            match self.lost_bytes {
                _ if !entry.flags.present() => {}
                Some(0) => self.empty = self.empty.saturating_add(1),
                _ => self.lose(Some(entry.vaddr)),
            }
            return;
        }
        if self.map.gaps.len() < GAPS
            && let Some(gap) = self.map.gaps.last_mut()
            && gap.end == u64::MAX
            && entry.vaddr >= gap.start
        {
            gap.end = entry.vaddr;
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
        let adrift = present && self.lost > 0 && self.lost_bytes.is_none();
        let run = if adrift { Run { flags: ADRIFT, blocks: 0, ..run } } else { run };
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
            if self.map.end() > run.start {
                self.sorted = false;
            }
            self.map.push(run);
        }
        run.end(page)
    }

    fn warn(&mut self, entry: &PageRun, what: &str) {
        if self.warnings.len() < 100 {
            self.warnings.push(Warning::new(format!("page map entry at {:#x}: {what}", entry.vaddr)));
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    /// Sorts if need be and returns the map.
    pub(crate) fn finish(mut self) -> (PageMap, Vec<Warning>) {
        if self.more > 0 {
            let what = format!("{} more entries of the page map are impossible", self.more);
            self.warnings.push(Warning::new(what));
        }
        if !self.sorted {
            self.warnings.push(Warning::new("the page map is not sorted or overlaps itself; of overlapping entries the earlier address counts"));
            self.map.sort();
        }
        self.map.runs.shrink_to_fit();
        (self.map, self.warnings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: u64 = 4096;

    fn run(start: u64, offset: u64, pages: u32) -> Run {
        Run { start, offset, pages, flags: PRESENT, blocks: 0 }
    }

    #[test]
    fn four_million_runs_take_64_mebibytes() {
        assert_eq!(size_of::<Slim>() << 22, 64 << 20);
    }

    #[test]
    fn runs_come_back_as_they_were() {
        let mut map = PageMap { page: PAGE, ..PageMap::default() };
        let runs = [
            run(0x1000, 0, 3),
            // An odd address, an odd offset, one beyond 16 TiB, a compressed run.
            run(0x8123, 0x3000, 1),
            run(0xa000, 0x4001, 1),
            run(0xc000, 1 << 60, 1),
            Run { blocks: 7, ..run(0xe000, 0x5000, 2) },
            Run { flags: PARENT | LAZY, ..run(0x1_1000, 0, 5) },
            run(0xffff_ffff_ff60_0000, 0x6000, 1),
        ];
        for r in runs {
            map.push(r);
        }
        for (i, r) in runs.iter().enumerate() {
            for inside in [r.start, r.end(PAGE) - 1] {
                let (found, next) = map.find(inside);
                let found = found.unwrap();
                assert_eq!(found.start, r.start);
                assert_eq!((found.pages, found.flags, found.blocks), (r.pages, r.flags, r.blocks));
                assert!(r.flags & PRESENT == 0 || found.offset == r.offset);
                assert_eq!(next, runs.get(i + 1).map(|n| n.start));
            }
            assert_eq!(map.find(r.end(PAGE)).0, None);
        }
    }

    #[test]
    fn a_tally_is_what_going_through_gives() {
        let mut map = PageMap { page: PAGE, ..PageMap::default() };
        let mut page = 0;
        for n in 0..40_u32 {
            let flags = [PRESENT, LAZY, MISSING, PRESENT | LAZY][n as usize % 4];
            let pages = 1 + n % 5;
            map.push(Run { flags, ..run(page * PAGE, page * PAGE, pages) });
            page += u64::from(pages) + u64::from(n % 3);
        }
        for start in 0..page + 3 {
            for end in [start, start + 1, start + 7, page, page + 9].into_iter().filter(|end| *end >= start) {
                let mut expected = Tally::default();
                for at in start..end {
                    if let Some(run) = map.find(at * PAGE).0 {
                        expected.add(&run, 1);
                    }
                }
                assert_eq!(map.tally(start * PAGE, end * PAGE), Some(expected), "{start}..{end}");
            }
        }
        map.push(Run { flags: PARENT, ..run(page * 2 * PAGE, 0, 1) });
        map.tallies = OnceLock::new();
        assert_eq!(map.tally(0, u64::MAX), None);
    }

    #[test]
    fn runs_that_go_on_are_one() {
        let mut map = PageMap { page: PAGE, ..PageMap::default() };
        map.push(run(0x1000, 0, 1));
        map.push(run(0x2000, 0x1000, 1));
        map.push(run(0x3000, 0x7000, 1));
        assert_eq!(map.runs.len(), 2);
        assert_eq!(map.find(0x2fff).0, Some(run(0x1000, 0, 2)));
    }
}
