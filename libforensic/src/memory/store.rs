//! A page map together with the pages image it describes.

use std::sync::{Arc, Mutex, PoisonError};

use super::pagemap::{ADRIFT, Builder, MISSING, PARENT, PRESENT, PageMap, Run};
use super::space::Stretch;
use crate::archive::Member;
use crate::error::{Error, ErrorKind, Result, Warning};
use crate::image::Pagemap;
use crate::model::Images;

/// How long a chain of parent dumps may be.
const PARENTS: u32 = 64;
/// Largest uncompressed block of compressed pages, in bytes (CRIU's own limit is 4 MiB).
const BLOCK_BYTES: u64 = 16 << 20;

/// How many bytes of zeros that are not stored a scan passes over.
const ZEROS_BYTES: u64 = 1 << 20;
/// How many blocks are looked at ahead.
const BLOCKS_AHEAD: usize = 4096;

/// Where a block is, its stored size and its length, and its bytes.
type LastBlock = ((u64, u32, u64), Arc<Vec<u8>>);

/// The stored pages of one process or one shared segment.
#[derive(Debug)]
pub(crate) struct PageStore {
    images: Arc<Images>,
    /// Name of the page map image, which tells one store from another.
    pub(crate) name: Box<str>,
    pub(crate) map: PageMap,
    /// Index of the pages image in the archive.
    pages: Option<usize>,
    parent: Option<Arc<PageStore>>,
    /// The block decompressed last: neighbouring reads hit it.
    last: Mutex<Option<LastBlock>>,
}

impl PageStore {
    /// Loads `pagemap-….img` of that name; `None` if there is no such image.
    pub(crate) fn load(images: &Arc<Images>, name: &str, page: u64) -> Option<Arc<Self>> {
        Self::load_at(images, name, page, 0)
    }

    fn load_at(images: &Arc<Images>, name: &str, page: u64, depth: u32) -> Option<Arc<Self>> {
        let reader = images.open(name)?;
        let runs = match Pagemap::new(reader) {
            Ok(runs) => runs,
            Err(e) => {
                images.warn(name, Some(e.offset()), &e.to_string());
                return None;
            }
        };
        let pages_id = runs.pages_id();
        let index = pages_id.and_then(|id| images.position(&format!("pages-{id}.img")));
        let member = index.and_then(|i| images.archive.members().get(i));
        let available = member.map_or(0, |m| m.available);
        let mut builder = Builder::new(page, available);
        let mut present = false;
        let mut parented = false;
        for run in runs {
            match run {
                Ok(run) => {
                    present |= run.flags.present();
                    parented |= run.flags.in_parent() && !run.flags.present();
                    builder.push(&run);
                }
                Err(e) => {
                    images.warn(name, Some(e.offset()), &e.to_string());
                    builder.lose(None);
                }
            }
        }
        if let Some(member) = member.filter(|m| !m.is_truncated()) {
            builder = Self::settle(images, name, member, builder);
        }
        if present && member.is_none() {
            let what = match pages_id {
                Some(id) => {
                    format!("the pages image pages-{id}.img is missing: no page of this map can be read")
                }
                None => {
                    "without its head the pages image is unknown: no page of this map can be read".to_owned()
                }
            };
            images.warn(name, None, &what);
        }
        let (map, warnings) = builder.finish();
        for w in warnings {
            images.warn(name, None, &w.what);
        }
        let parent = if parented && depth < PARENTS {
            let parent = images.parent();
            if parent.is_none() {
                images.warn(name, None, "pages are in a parent dump that is not here; give it with --parent");
            }
            let found = parent.as_ref().and_then(|p| Self::load_at(p, name, page, depth.saturating_add(1)));
            if parent.is_some() && found.is_none() {
                let what = "pages are in a parent dump, and the parent at hand has no such map: is it the right one?";
                images.warn(name, None, what);
            }
            found
        } else {
            if parented {
                let what =
                    format!("more than {PARENTS} parent dumps, or a circle of them: the rest is not read");
                images.warn(name, None, &what);
            }
            None
        };
        Some(Arc::new(Self {
            images: Arc::clone(images),
            name: name.into(),
            map,
            pages: index,
            parent,
            last: Mutex::new(None),
        }))
    }

    /// A store of which nothing but its name is known: its page map is missing.
    pub(crate) fn unknown(images: &Arc<Images>, name: &str, page: u64) -> Arc<Self> {
        Arc::new(Self {
            images: Arc::clone(images),
            name: name.into(),
            map: PageMap::unknown(page),
            pages: None,
            parent: None,
            last: Mutex::new(None),
        })
    }

    /// Returns true if nothing but the name is known.
    pub(crate) fn is_unknown(&self) -> bool {
        self.pages.is_none() && self.map.has_gaps() && self.map.runs().next().is_none()
    }

    /// Compares a page map with its pages image: what is left of that belongs to entries that are lost.
    ///
    /// CRIU writes what the map announces, and nothing else (criu/page-xfer.c).
    fn settle(images: &Images, name: &str, member: &Member, builder: Builder) -> Builder {
        let (lost, announced) = builder.account();
        let Some(left) = member.size.checked_sub(announced).filter(|left| *left > 0) else { return builder };
        images.warnings.push(surplus(member, announced));
        if lost == 0 {
            return builder.with_gaps_anywhere();
        }
        let mut again = Builder::new(builder.page(), member.available).with_lost((lost == 1).then_some(left));
        // The entries behind a lost one stand so much further on: with one lost it is known how much.
        let Some(runs) = images.open(name).and_then(|reader| Pagemap::new(reader).ok()) else {
            return builder;
        };
        for run in runs {
            match run {
                Ok(run) => again.push(&run),
                Err(_) => again.lose(None),
            }
        }
        again
    }

    fn member(&self) -> Option<&Member> {
        self.pages.and_then(|i| self.images.archive.members().get(i))
    }

    /// Returns the address behind the last page of the map.
    pub(crate) fn end(&self) -> u64 {
        self.map.end()
    }

    /// Counts the pages that the map announces, without reading any.
    pub(crate) fn tally(&self) -> Tally {
        let mut tally = Tally { broken: u64::from(self.map.has_gaps()), ..Tally::default() };
        for run in self.map.runs() {
            let end = run.end(self.map.page);
            let mut at = run.start;
            while at < end {
                let (place, next) = self.place(at, end);
                let next = next.clamp(at.saturating_add(1), end);
                let pages = next.saturating_sub(at).div_ceil(self.map.page);
                let sum = match place {
                    Some(Place::Stored { .. }) => &mut tally.stored,
                    Some(Place::Lazy) => &mut tally.lazy,
                    Some(Place::Truncated) => &mut tally.truncated,
                    Some(Place::MissingParent) => &mut tally.parent,
                    Some(Place::Lost) => &mut tally.lost,
                    None => break,
                };
                *sum = sum.saturating_add(pages);
                at = next;
            }
        }
        tally
    }

    /// Says how a scan treats the bytes at `address`, and to which address the same holds.
    pub(crate) fn stretch(&self, address: u64, limit: u64) -> (Stretch, u64) {
        match self.place(address, limit) {
            (Some(Place::Stored { store, run, .. }), end) => store.stored(&run, address, end),
            (Some(_), end) => (Stretch::Hole, end),
            (None, end) => (Stretch::Zero, end),
        }
    }

    /// Says how a scan treats stored pages of a run: blocks without bytes are a kind of hole.
    ///
    /// A block that takes one byte in the page map may stand for megabytes of zeros.
    pub(crate) fn stored(&self, run: &Run, address: u64, limit: u64) -> (Stretch, u64) {
        let blocks = run.blocks.checked_sub(1).and_then(|i| self.map.blocks.get(usize::try_from(i).ok()?));
        let Some(blocks) = blocks else { return (Stretch::Stored, limit) };
        let size = u64::from(blocks.pages).saturating_mul(self.map.page);
        let inside = address.saturating_sub(run.start);
        let first = inside.checked_div(size).unwrap_or(0);
        let sizes = usize::try_from(first).ok().and_then(|i| blocks.sizes.get(i..)).unwrap_or(&[]);
        let end = |count: usize| {
            let behind = first.saturating_add(count as u64).saturating_mul(size);
            run.start.saturating_add(behind).min(limit).max(address.saturating_add(1))
        };
        let few = usize::try_from(ZEROS_BYTES.div_ceil(size.max(1))).unwrap_or(usize::MAX);
        let ahead = sizes.get(..BLOCKS_AHEAD).unwrap_or(sizes);
        let mut zeros = 0_usize;
        for (at, stored) in ahead.iter().enumerate() {
            crate::meter::step();
            if *stored == 0 {
                zeros = zeros.saturating_add(1);
                let before = at.saturating_add(1).saturating_sub(zeros);
                if zeros >= few && before > 0 {
                    return (Stretch::Stored, end(before));
                }
            } else if zeros >= few {
                return (Stretch::Zero, end(zeros));
            } else {
                zeros = 0;
            }
        }
        if zeros >= few {
            return (Stretch::Zero, end(zeros));
        }
        (Stretch::Stored, if ahead.len() < sizes.len() { end(ahead.len()) } else { limit })
    }

    /// Reads from `address` on; what the map does not cover reads as zeros.
    pub(crate) fn read_at(&self, address: u64, buf: &mut [u8]) -> Result<()> {
        let mut done = 0_usize;
        while let Some(rest) = buf.get_mut(done..).filter(|r| !r.is_empty()) {
            let at = address.saturating_add(done as u64);
            let (place, end) = self.place(at, at.saturating_add(rest.len() as u64));
            let n = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX).min(rest.len()).max(1);
            let Some(part) = rest.get_mut(..n) else { break };
            match place {
                Some(Place::Stored { store, run, .. }) => store.read(&run, at, part)?,
                Some(_) => {
                    return Err(Error::new(ErrorKind::NotFound, "the page is not in the evidence")
                        .in_member(self.name.as_bytes()));
                }
                None => part.fill(0),
            }
            done = done.saturating_add(n);
        }
        Ok(())
    }

    /// Says which member holds the byte at `address` of a run, and where in it.
    pub(crate) fn origin(&self, run: &Run, address: u64) -> Option<(String, u64)> {
        let member = self.member()?;
        let inside = address.checked_sub(run.start)?;
        (run.blocks == 0).then(|| (member.display_name().into_owned(), run.offset.saturating_add(inside)))
    }

    /// Says which member holds the byte at `address`, and where in it.
    pub(crate) fn origin_of(&self, address: u64) -> Option<(String, u64)> {
        match self.place(address, u64::MAX).0 {
            Some(Place::Stored { store, run, .. }) => store.origin(&run, address),
            _ => None,
        }
    }

    /// Says what becomes of `address`, and to which address the same holds.
    ///
    /// `None` in [`Place`]'s stead means that no run covers the address.
    pub(crate) fn place(&self, address: u64, limit: u64) -> (Option<Place<'_>>, u64) {
        let (current, next) = self.map.find(address);
        let Some(run) = current else {
            let (lost, end) = self.map.lost(address, next.map_or(limit, |n| n.min(limit)));
            return (lost.then_some(Place::Lost), end);
        };
        let end = run.end(self.map.page).min(limit);
        if run.flags & PRESENT != 0 {
            return (Some(Place::Stored { store: self, run, depth: 0 }), end);
        }
        if run.flags & MISSING != 0 {
            return (Some(Place::Truncated), end);
        }
        if run.flags & ADRIFT != 0 {
            return (Some(Place::Lost), end);
        }
        if run.flags & PARENT != 0 {
            let Some(parent) = &self.parent else { return (Some(Place::MissingParent), end) };
            return match parent.place(address, end) {
                (Some(Place::Stored { store, run, depth }), end) => {
                    (Some(Place::Stored { store, run, depth: depth.saturating_add(1) }), end)
                }
                (None, end) => (Some(Place::MissingParent), end),
                (place, end) => (place, end),
            };
        }
        (Some(Place::Lazy), end)
    }

    /// Reads stored pages of one run; `buf` must not go beyond it.
    pub(crate) fn read(&self, run: &Run, address: u64, buf: &mut [u8]) -> Result<()> {
        let member =
            self.member().ok_or_else(|| Error::new(ErrorKind::NotFound, "the pages image is missing"))?;
        let inside = address.saturating_sub(run.start);
        if run.blocks != 0 {
            return self.read_blocks(member, run, inside, buf);
        }
        let mut at = run.offset.saturating_add(inside);
        let mut rest = buf;
        while !rest.is_empty() {
            let n = self.images.archive.read_at(member, at, rest)?;
            if n == 0 {
                return Err(Error::new(ErrorKind::Truncated, "the pages image ends too early")
                    .in_member(&member.name)
                    .at(at));
            }
            at = at.saturating_add(n as u64);
            rest = rest.get_mut(n..).unwrap_or(&mut []);
        }
        Ok(())
    }

    fn read_blocks(&self, member: &Member, run: &Run, mut inside: u64, buf: &mut [u8]) -> Result<()> {
        let bad = |what: &str| Error::new(ErrorKind::Corrupt, what.to_owned()).in_member(&member.name);
        let blocks = usize::try_from(run.blocks)
            .ok()
            .and_then(|i| i.checked_sub(1))
            .and_then(|i| self.map.blocks.get(i))
            .ok_or_else(|| bad("no such blocks"))?;
        let page = self.map.page;
        let block_bytes = u64::from(blocks.pages).saturating_mul(page);
        let run_bytes = u64::from(run.pages).saturating_mul(page);
        let mut rest = buf;
        while !rest.is_empty() {
            let number = inside.checked_div(block_bytes).unwrap_or(0);
            let start = number.saturating_mul(block_bytes);
            let length = block_bytes.min(run_bytes.saturating_sub(start));
            let index = usize::try_from(number).map_err(|_| bad("too many blocks"))?;
            crate::meter::step();
            let (offset, stored) = blocks.locate(index).ok_or_else(|| bad("no such block"))?;
            let at = run.offset.saturating_add(offset);
            let skip = usize::try_from(inside.saturating_sub(start)).map_err(|_| bad("block too large"))?;
            let whole = usize::try_from(length).ok().filter(|n| skip == 0 && *n > 0 && *n <= rest.len());
            let n = if let Some(to) = whole.and_then(|n| rest.get_mut(..n)) {
                // All of it is wanted: it goes where it belongs, and threads do not wait for each other.
                self.block_into(member, at, stored, to)?;
                to.len()
            } else {
                let block = self.cached(member, at, stored, length)?;
                let part = block.get(skip..).unwrap_or(&[]);
                let n = part.len().min(rest.len());
                if let (Some(to), Some(from)) = (rest.get_mut(..n), part.get(..n)) {
                    to.copy_from_slice(from);
                }
                n
            };
            if n == 0 {
                return Err(bad("a compressed block is shorter than its pages").at(at));
            }
            inside = inside.saturating_add(n as u64);
            rest = rest.get_mut(n..).unwrap_or(&mut []);
        }
        Ok(())
    }

    /// Decompresses a block of which a part is wanted; the next read often wants the rest.
    fn cached(&self, member: &Member, at: u64, stored: u32, length: u64) -> Result<Arc<Vec<u8>>> {
        let key = (at, stored, length);
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, block)) = last.filter(|(known, _)| *known == key) {
            return Ok(block);
        }
        if length > BLOCK_BYTES {
            return Err(Error::new(ErrorKind::Corrupt, format!("a block of {length} bytes"))
                .in_member(&member.name)
                .at(at));
        }
        let mut block = vec![0; usize::try_from(length).unwrap_or(0)];
        self.block_into(member, at, stored, &mut block)?;
        let block = Arc::new(block);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((key, Arc::clone(&block)));
        Ok(block)
    }

    /// Decompresses one block: 0 is zeros, the full length is as it is, else LZ4 without a frame.
    fn block_into(&self, member: &Member, at: u64, stored: u32, out: &mut [u8]) -> Result<()> {
        let bad = |what: String| Error::new(ErrorKind::Corrupt, what).in_member(&member.name).at(at);
        let length = out.len();
        let packed_len = usize::try_from(stored).unwrap_or(usize::MAX);
        if length as u64 > BLOCK_BYTES || packed_len > length {
            return Err(bad(format!("a block of {stored} stored bytes for {length}")));
        }
        if packed_len == 0 {
            out.fill(0);
            return Ok(());
        }
        let data = self.images.archive.data(member)?;
        if packed_len == length {
            return data.read_exact_at(at, out).map_err(|e| e.in_member(&member.name));
        }
        let mut packed = vec![0; packed_len];
        data.read_exact_at(at, &mut packed).map_err(|e| e.in_member(&member.name))?;
        match lz4_flex::block::decompress_into(&packed, out) {
            Ok(n) if n == length => Ok(()),
            Ok(n) => Err(bad(format!("a compressed block gives {n} bytes and not {length}"))),
            Err(e) => Err(bad("a compressed block is damaged".to_owned()).with_source(e)),
        }
    }
}

/// How many of the pages that page maps announce are where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// In a pages image that is at hand.
    pub stored: u64,
    /// Left to a lazy-pages daemon.
    pub lazy: u64,
    /// In a pages image that is missing or ends before them.
    pub truncated: u64,
    /// In a parent dump that is not at hand.
    pub parent: u64,
    /// Somewhere in a pages image, behind those of an entry that cannot be read.
    pub lost: u64,
    /// Page maps of which entries are lost.
    pub broken: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.stored = self.stored.saturating_add(other.stored);
        self.lazy = self.lazy.saturating_add(other.lazy);
        self.truncated = self.truncated.saturating_add(other.truncated);
        self.parent = self.parent.saturating_add(other.parent);
        self.lost = self.lost.saturating_add(other.lost);
        self.broken = self.broken.saturating_add(other.broken);
    }
}

/// What a page map says about an address.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'s> {
    /// The bytes are in a pages image, `depth` parents up.
    Stored { store: &'s PageStore, run: Run, depth: u32 },
    /// They should be in a parent dump that is not here or has them not.
    MissingParent,
    /// They were left to a lazy-pages daemon.
    Lazy,
    /// The pages image ends before them, or is missing.
    Truncated,
    /// The entry that would tell is lost, or the page map as a whole.
    Lost,
}

/// Says that a pages image holds more than its page map says.
pub(crate) fn surplus(member: &Member, announced: u64) -> Warning {
    let size = member.size;
    let what = format!("{size} bytes, and its page map says {announced}: the rest belongs to no page");
    Warning::new(what).in_member(&member.name)
}
