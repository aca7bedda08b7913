//! Reads which pages of memory a dump holds.

use std::io::Read;

use super::error::{Error, ErrorKind, Result};
use super::header::FileHeader;
use super::kind::Kind;
use super::records::Records;
use super::wire::{Wire, WireError, WireValue, number_in};

/// Says where the contents of pages are.
///
/// Values are those of `PE_*` in CRIU's `criu/include/pagemap.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PageFlags(u32);

impl PageFlags {
    const PARENT: u32 = 1;
    const LAZY: u32 = 2;
    const PRESENT: u32 = 4;
    const ALIGNED: u32 = 8;

    /// Gives all bits, those without a meaning here included.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// Says whether the contents are in the parent dump.
    pub fn in_parent(self) -> bool {
        self.0 & Self::PARENT != 0
    }

    /// Says whether the pages may be fetched while the process runs again.
    pub fn lazy(self) -> bool {
        self.0 & Self::LAZY != 0
    }

    /// Says whether the contents are in this dump's pages image.
    ///
    /// Runs without this flag take no room in that image.
    pub fn present(self) -> bool {
        self.0 & Self::PRESENT != 0
    }

    /// Says whether compressed contents begin at the next multiple of the page size.
    pub fn aligned(self) -> bool {
        self.0 & Self::ALIGNED != 0
    }
}

/// Pages that follow one another in memory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PageRun {
    /// Where the record starts in the pagemap, in bytes.
    pub offset: u64,
    /// Address of the first page in bytes; in the map of a shared segment, offset from its start.
    pub vaddr: u64,
    /// Number of pages.
    pub pages: u64,
    /// Where their contents are.
    pub flags: PageFlags,
    /// How they are compressed, if they are.
    pub compressed: Option<Compressed>,
}

impl PageRun {
    /// Says where the run ends in the pages image if those before it end at byte `at`.
    ///
    /// ```
    /// use libforensic::image::PageRun;
    ///
    /// // Without a flag nothing of it is there.
    /// let run = PageRun { pages: 3, ..PageRun::default() };
    /// assert_eq!(run.end_in_pages(4096, 4096), 4096);
    /// ```
    pub fn end_in_pages(&self, at: u64, page_bytes: u64) -> u64 {
        if !self.flags.present() || self.pages == 0 {
            return at;
        }
        let page = page_bytes.max(1);
        let start = if self.flags.aligned() { at.div_ceil(page).saturating_mul(page) } else { at };
        let len = match &self.compressed {
            None => self.pages.saturating_mul(page),
            Some(c) => c.sizes.iter().fold(0_u64, |n, s| n.saturating_add(u64::from(*s))),
        };
        start.saturating_add(len)
    }
}

/// How the pages of a run are compressed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Compressed {
    /// Bytes of each block in the pages image; see [`lz4::decode_block`](super::lz4::decode_block).
    pub sizes: Vec<u32>,
    /// Bytes of the whole run in the pages image, as the writer counted them.
    pub total: Option<u64>,
    /// Pages in a block before compression, at least one; the last block may have fewer.
    pub block_pages: u32,
}

/// Iterates over the runs of a pagemap.
///
/// The ways of old and new versions are made one: the count of pages is that of
/// `nr_pages`, or without one that of `compat_nr_pages`, where CRIU 4.2 writes 0;
/// without flags, before CRIU 3.5, pages are present unless they are in the parent.
///
/// A damaged record is an error in its place, and the runs behind it follow.
/// Runs are taken as they are: they may overlap, or end beyond the address space.
///
/// ```
/// use libforensic::image::Pagemap;
///
/// let image: &[u8] = &[
///     0x19, 0x43, 0x56, 0x54, 0x25, 0x40, 0x08, 0x56, // the magic numbers of a pagemap
///     2, 0, 0, 0, 8, 1, // pages_id 1
///     8, 0, 0, 0, 8, 0x80, 0x20, 16, 0, 32, 4, 40, // vaddr 0x1000 … and one byte short
/// ];
/// let mut runs = Pagemap::new(image)?;
/// assert_eq!(runs.pages_id(), Some(1));
/// assert!(runs.next().unwrap().is_err());
/// # Ok::<(), libforensic::image::Error>(())
/// ```
#[derive(Debug)]
pub struct Pagemap<R> {
    records: Records<R>,
    pages_id: Option<u32>,
    body: Vec<u8>,
}

impl<R: Read> Pagemap<R> {
    /// Reads a pagemap's header and its first record.
    ///
    /// # Errors
    ///
    /// Those of [`FileHeader::parse`]; [`ErrorKind::Truncated`] without a first record.
    pub fn new(source: R) -> Result<Self> {
        let mut records = Records::new(Some(Kind::Pagemap), source)?;
        let mut body = Vec::new();
        let head = records.next_frame(&mut body).unwrap_or_else(|| {
            let what = "the pagemap has no first record";
            Err(Error::new(ErrorKind::Truncated, 0, what))
        })?;
        let pages_id = number_in(&body, 1)
            .map_err(|error| damaged(head.offset, "pagemap_head", error))?
            .and_then(|id| u32::try_from(id).ok());
        Ok(Self { records, pages_id, body })
    }

    /// Gives the number in the name of the pages image.
    pub fn pages_id(&self) -> Option<u32> {
        self.pages_id
    }

    /// Gives what the file starts with.
    pub fn header(&self) -> FileHeader {
        self.records.header()
    }
}

impl<R: Read> Iterator for Pagemap<R> {
    type Item = Result<PageRun>;

    fn next(&mut self) -> Option<Self::Item> {
        let frame = match self.records.next_frame(&mut self.body)? {
            Ok(frame) => frame,
            Err(error) => return Some(Err(error)),
        };
        Some(run(frame.offset, &self.body).map_err(|error| damaged(frame.offset, "pagemap_entry", error)))
    }
}

fn damaged(offset: u64, message: &str, error: WireError) -> Error {
    let what = format!("{message}: {}", error.as_str());
    Error::new(ErrorKind::Damaged, offset, what)
}

#[allow(clippy::cast_possible_truncation)] // protobuf takes the low half of a 32-bit field
fn run(offset: u64, body: &[u8]) -> Result<PageRun, WireError> {
    let mut run = PageRun { offset, ..PageRun::default() };
    let mut old_count = 0;
    let mut new_count = None;
    let mut in_parent = false;
    let mut flags = None;
    let mut compressed = Compressed::default();
    for field in Wire::new(body) {
        let field = field?;
        match (field.number, field.value) {
            (1, WireValue::Varint(value)) => run.vaddr = value,
            (2, WireValue::Varint(value)) => old_count = u64::from(value as u32),
            (3, WireValue::Varint(value)) => in_parent = value != 0,
            (4, WireValue::Varint(value)) => flags = Some(value as u32),
            (5, WireValue::Varint(value)) => new_count = Some(value),
            (6, WireValue::Varint(value)) => compressed.sizes.push(value as u32),
            (6, WireValue::Bytes(packed)) => {
                let mut packed = Wire::new(packed);
                while !packed.is_empty() {
                    compressed.sizes.push(packed.varint()?.0 as u32);
                }
            }
            (7, WireValue::Varint(value)) => compressed.total = Some(value),
            (8, WireValue::Varint(value)) => compressed.block_pages = value as u32,
            (1..=8, _) => return Err(WireError::Mismatch),
            _ => {}
        }
    }
    run.pages = new_count.unwrap_or(old_count);
    run.flags = PageFlags(if in_parent {
        flags.unwrap_or(0) | PageFlags::PARENT
    } else {
        flags.unwrap_or(PageFlags::PRESENT)
    });
    if compressed != Compressed::default() {
        compressed.block_pages = compressed.block_pages.max(1);
        run.compressed = Some(compressed);
    }
    Ok(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags_of(body: &[u8]) -> (u64, u32) {
        let run = run(0, body).unwrap();
        (run.pages, run.flags.bits())
    }

    #[test]
    fn old_and_new_forms() {
        // vaddr, then the counts and flags of four generations of writers.
        assert_eq!(flags_of(&[8, 1, 16, 7]), (7, 4));
        assert_eq!(flags_of(&[8, 1, 16, 7, 24, 1]), (7, 1));
        assert_eq!(flags_of(&[8, 1, 16, 7, 24, 0]), (7, 4));
        assert_eq!(flags_of(&[8, 1, 16, 7, 32, 6]), (7, 6));
        assert_eq!(flags_of(&[8, 1, 16, 0, 32, 2, 40, 9]), (9, 2));
        assert_eq!(flags_of(&[8, 1, 16, 7, 24, 1, 32, 2]), (7, 3));
    }

    #[test]
    fn compressed_blocks() {
        let packed = run(0, &[8, 1, 32, 12, 40, 3, 50, 4, 0, 0x80, 0x20, 9, 56, 11]).unwrap();
        let compressed = packed.compressed.unwrap();
        assert!(packed.flags.aligned());
        assert_eq!(compressed.sizes, [0, 4096, 9]);
        assert_eq!((compressed.total, compressed.block_pages), (Some(11), 1));
        let single = run(0, &[8, 1, 40, 3, 48, 5, 64, 16]).unwrap();
        let compressed = single.compressed.unwrap();
        assert_eq!((compressed.sizes.as_slice(), compressed.block_pages), ([5].as_slice(), 16));
        assert_eq!(run(0, &[50, 1, 0x80]).unwrap_err(), WireError::Short);
    }
}
