//! Bytes at rest: files, spools and buffers, read by position.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, OnceLock};

use crate::error::{Error, ErrorKind, Result};

/// Something that holds bytes and can be read at any position.
#[derive(Debug)]
pub(crate) enum Store {
    /// A file of the evidence, or an unlinked spool.
    File(File),
    /// Bytes in memory.
    Bytes(Vec<u8>),
    /// Bytes of many small members, set once all are there.
    Shared(OnceLock<Vec<u8>>),
}

impl Store {
    /// Reads up to `buf.len()` bytes at `offset`; 0 is the end.
    pub(crate) fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file_read_at(file, offset, buf),
            Self::Bytes(bytes) => Ok(copy_from(bytes, offset, buf)),
            Self::Shared(bytes) => Ok(bytes.get().map_or(0, |bytes| copy_from(bytes, offset, buf))),
        }
    }
}

fn copy_from(bytes: &[u8], offset: u64, buf: &mut [u8]) -> usize {
    let rest = usize::try_from(offset).ok().and_then(|o| bytes.get(o..)).unwrap_or(&[]);
    let n = rest.len().min(buf.len());
    if let (Some(to), Some(from)) = (buf.get_mut(..n), rest.get(..n)) {
        to.copy_from_slice(from);
    }
    n
}

#[cfg(unix)]
fn file_read_at(file: &File, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buf, offset)
}

#[cfg(windows)]
fn file_read_at(file: &File, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buf, offset)
}

/// Most bytes of holes in what is read from the first byte to the last.
const HOLES: u64 = 64 << 20;

/// One run of stored bytes of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Where the run begins in the member.
    pub logical: u64,
    /// Where the run begins in the store.
    pub physical: u64,
    /// Length of the run in bytes.
    pub len: u64,
}

/// The bytes of one member, read by position.
///
/// Holes of sparse members read as zeros. A handle is cheap to clone and
/// can be used from several threads.
#[derive(Debug, Clone)]
pub struct Data {
    store: Arc<Store>,
    segments: Segments,
    len: u64,
}

#[derive(Debug, Clone)]
enum Segments {
    /// All bytes in one run that begins here.
    Whole(u64),
    /// Sorted, not overlapping. A slice of its own length would make every member larger.
    Sparse(Arc<Vec<Segment>>),
}

impl Data {
    pub(crate) fn whole(store: Arc<Store>, physical: u64, len: u64) -> Self {
        Self { store, segments: Segments::Whole(physical), len }
    }

    /// No bytes.
    pub(crate) fn empty() -> Self {
        Self::whole(Arc::new(Store::Bytes(Vec::new())), 0, 0)
    }

    /// Opens a file of the file system.
    pub(crate) fn of_file(path: &std::path::Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        Ok(Self::whole(Arc::new(Store::File(file)), 0, len))
    }

    pub(crate) fn sparse(store: Arc<Store>, segments: Arc<Vec<Segment>>, len: u64) -> Self {
        Self { store, segments: Segments::Sparse(segments), len }
    }

    /// Returns a range of the bytes, or a sparse file laid over a range.
    ///
    /// `None` where `self` is sparse and the range is not inside one run.
    pub(crate) fn slice(
        &self,
        start: u64,
        stored: u64,
        size: u64,
        runs: Option<&[(u64, u64)]>,
    ) -> Option<Self> {
        let physical = match &self.segments {
            Segments::Whole(physical) => physical.checked_add(start)?,
            Segments::Sparse(segments) => {
                let i = segments.partition_point(|s| s.logical <= start).checked_sub(1)?;
                let s = segments.get(i)?;
                let inside = start.checked_sub(s.logical)?;
                if inside.checked_add(stored)? > s.len {
                    return None;
                }
                s.physical.checked_add(inside)?
            }
        };
        Some(match runs {
            None => Self::whole(Arc::clone(&self.store), physical, size),
            Some(runs) => {
                let segments = super::index::segments(runs, physical, stored);
                Self::sparse(Arc::clone(&self.store), segments, size)
            }
        })
    }

    /// Returns the first `n` stored bytes, without the holes of a sparse member.
    pub(crate) fn first(&self, n: u64) -> Option<Self> {
        let physical = match &self.segments {
            Segments::Whole(physical) => *physical,
            Segments::Sparse(segments) => segments.first()?.physical,
        };
        Some(Self::whole(Arc::clone(&self.store), physical, n))
    }

    /// Returns a file of `size` bytes made of runs of these bytes; the rest of it is zeros.
    ///
    /// The `physical` of a run counts from the first of these bytes. `None`
    /// where these bytes are themselves sparse.
    pub(crate) fn compose(&self, runs: &[Segment], size: u64) -> Option<Self> {
        let Segments::Whole(base) = self.segments else { return None };
        let mut list: Vec<Segment> = Vec::with_capacity(runs.len());
        for run in runs {
            let there = self.len.saturating_sub(run.physical);
            let len = run.len.min(there).min(size.saturating_sub(run.logical));
            // Runs must be sorted and must not overlap; of overlapping ones the first counts.
            let free = list.last().is_none_or(|l| l.logical.saturating_add(l.len) <= run.logical);
            if len > 0 && free {
                let physical = base.checked_add(run.physical)?;
                list.push(Segment { logical: run.logical, physical, len });
            }
        }
        Some(Self::sparse(Arc::clone(&self.store), Arc::new(list), size))
    }

    /// Returns the run of stored bytes that holds `offset`, or else the next one.
    pub(crate) fn run_at(&self, offset: u64) -> Option<Segment> {
        match &self.segments {
            Segments::Whole(physical) => {
                (offset < self.len).then_some(Segment { logical: 0, physical: *physical, len: self.len })
            }
            Segments::Sparse(list) => {
                let i = list.partition_point(|s| s.logical.saturating_add(s.len) <= offset);
                list.get(i).copied()
            }
        }
    }

    /// Returns the length in bytes, holes included.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Returns true if there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the runs of stored bytes, sorted; what lies between them is zeros.
    pub fn segments(&self) -> Vec<Segment> {
        match &self.segments {
            Segments::Whole(physical) if self.len > 0 => {
                vec![Segment { logical: 0, physical: *physical, len: self.len }]
            }
            Segments::Whole(_) => Vec::new(),
            Segments::Sparse(s) => s.to_vec(),
        }
    }

    /// Reads up to `buf.len()` bytes at `offset`; fewer only at the end or where a run ends.
    ///
    /// # Errors
    ///
    /// When the operating system fails, or the store is shorter than its index says.
    pub fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.len.saturating_sub(offset);
        let want = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
        let Some(buf) = buf.get_mut(..want) else { return Ok(0) };
        if buf.is_empty() {
            return Ok(0);
        }
        match &self.segments {
            Segments::Whole(physical) => {
                let at = physical.checked_add(offset).ok_or(io::ErrorKind::InvalidInput)?;
                stored(&self.store, at, buf)
            }
            Segments::Sparse(segments) => {
                let next = segments.partition_point(|s| s.logical <= offset);
                let current = next.checked_sub(1).and_then(|i| segments.get(i));
                if let Some(s) = current {
                    let inside = offset.saturating_sub(s.logical);
                    if inside < s.len {
                        let n = usize::try_from(s.len.saturating_sub(inside))
                            .unwrap_or(usize::MAX)
                            .min(buf.len());
                        let at = s.physical.checked_add(inside).ok_or(io::ErrorKind::InvalidInput)?;
                        return match buf.get_mut(..n) {
                            Some(buf) => stored(&self.store, at, buf),
                            None => Ok(0),
                        };
                    }
                }
                let hole = segments.get(next).map_or(u64::MAX, |s| s.logical.saturating_sub(offset));
                let n = usize::try_from(hole).unwrap_or(usize::MAX).min(buf.len());
                if let Some(buf) = buf.get_mut(..n) {
                    buf.fill(0);
                }
                Ok(n)
            }
        }
    }

    /// Fills `buf` from `offset` on.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Truncated`] when there are not enough bytes, [`ErrorKind::Io`] when a read fails.
    pub fn read_exact_at(&self, mut offset: u64, mut buf: &mut [u8]) -> Result<()> {
        while !buf.is_empty() {
            let n = match self.read_at(offset, buf) {
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(Error::io("read", e).at(offset)),
            };
            if n == 0 {
                return Err(Error::new(
                    ErrorKind::Truncated,
                    format!("need {} more bytes, have 0", buf.len()),
                )
                .at(offset));
            }
            offset = offset.saturating_add(n as u64);
            buf = buf.get_mut(n..).unwrap_or(&mut []);
        }
        Ok(())
    }

    /// Returns these bytes where they can be read from the first to the last: not a file of holes.
    ///
    /// A sparse member of a few bytes may say that it is exabytes long.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::LimitExceeded`] when more than 64 MiB of it are holes.
    pub fn dense(&self) -> Result<&Self> {
        let Segments::Sparse(list) = &self.segments else { return Ok(self) };
        let stored = list.iter().fold(0_u64, |sum, segment| sum.saturating_add(segment.len));
        let holes = self.len.saturating_sub(stored);
        if holes > HOLES {
            let what = format!(
                "{holes} of {} bytes are holes of a sparse file, more than the limit of {HOLES}",
                self.len
            );
            return Err(Error::new(ErrorKind::LimitExceeded, what));
        }
        Ok(self)
    }

    /// Returns a reader that starts at the first byte.
    pub fn reader(&self) -> DataReader {
        DataReader { data: self.clone(), position: 0 }
    }

    /// Returns all bytes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::LimitExceeded`] when there are more than `limit`, else as [`Data::read_exact_at`].
    pub fn to_vec(&self, limit: u64) -> Result<Vec<u8>> {
        self.dense()?;
        if self.len > limit {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("{} bytes are more than the limit of {limit} for decoding in memory", self.len),
            ));
        }
        let len = usize::try_from(self.len)
            .map_err(|_| Error::new(ErrorKind::LimitExceeded, "larger than this machine's memory"))?;
        let mut out = Vec::new();
        // A size comes from a header that an attacker may have written: for a
        // stored run it was checked against the file, a sparse one may be all holes.
        out.try_reserve_exact(len)
            .map_err(|e| Error::new(ErrorKind::LimitExceeded, format!("{len} bytes")).with_source(e))?;
        out.resize(len, 0);
        self.read_exact_at(0, &mut out)?;
        Ok(out)
    }
}

fn stored(store: &Store, at: u64, buf: &mut [u8]) -> io::Result<usize> {
    store.read_at(at, buf)
}

/// A sequential, seekable reader over [`Data`].
#[derive(Debug, Clone)]
pub struct DataReader {
    data: Data,
    position: u64,
}

impl Read for DataReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.data.read_at(self.position, buf)?;
        self.position = self.position.saturating_add(n as u64);
        Ok(n)
    }
}

impl Seek for DataReader {
    fn seek(&mut self, pos: SeekFrom) -> io::Result<u64> {
        let target = match pos {
            SeekFrom::Start(n) => Some(n),
            SeekFrom::End(n) => self.data.len.checked_add_signed(n),
            SeekFrom::Current(n) => self.position.checked_add_signed(n),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
