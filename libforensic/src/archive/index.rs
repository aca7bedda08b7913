//! Builds the index of a tar: by seeking, or in one pass over a stream.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::input::{Input, SeekInput, StreamInput};
use super::storage::Store;
use super::tar::{self, End, Entry, Walker};
use super::{Data, Extent, Keep, Member, MemberKind, OpenOptions, Retention, Segment, normalise};
use crate::error::{Error, ErrorKind, Result, Warning, Warnings};
use crate::limits::Limits;

/// What a pass over an archive gives.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub members: Vec<Member>,
    pub warnings: Warnings,
    /// Whether the archive ends before its end mark.
    pub cut: bool,
    /// Whether a header was found behind the entry that is pushed next, whose size was not true.
    pub resumed: bool,
    /// Whether a member that was passed over is cut and holds what may be more of the archive.
    pub look_again: bool,
}

/// Indexes a plain tar by reading its headers.
pub(super) fn seekable(data: &Data, limits: &Limits) -> Result<Index> {
    let mut index = Index::default();
    walk(&mut index, data, 0, limits)?;
    Ok(index)
}

/// Adds what stands in `data`, which begins at byte `base` of the archive.
fn walk(index: &mut Index, data: &Data, base: u64, limits: &Limits) -> Result<()> {
    let mut walker = Walker::new(SeekInput::new(data.clone(), base), limits);
    let mut budget = tar::RESUME_BUDGET;
    loop {
        match walker.next() {
            Ok(Some(entry)) => {
                let start = entry.data_offset.saturating_sub(base);
                let left = data.len().saturating_sub(start);
                let mut stored = entry.stored.min(left);
                if entry.stored > left
                    && entry.kind == MemberKind::File
                    && let Some(rest) = data.slice(start, left, left, None)
                    && let Ok(Some(at)) = tar::resume(&rest, entry.stored, &entry.name, &mut budget)
                {
                    stored = at;
                    walker.shorten(at);
                    index.resumed(&entry, left, at);
                }
                let placed = place_in(data, start, &entry, stored);
                let extent = match placed {
                    Some(data) if entry.kind == MemberKind::File => Extent::Stored(data),
                    _ => Extent::None,
                };
                index.push(entry, stored, extent);
            }
            Ok(None) => break,
            Err(e) => {
                index.ended(e)?;
                break;
            }
        }
    }
    finish(index, &mut walker);
    Ok(())
}

/// The data of an entry inside `outer`, which may itself be a range of a file.
fn place_in(outer: &Data, start: u64, entry: &Entry, stored: u64) -> Option<Data> {
    outer.slice(
        start,
        stored,
        entry.size.min(if entry.sparse.is_some() { u64::MAX } else { stored }),
        entry.sparse.as_deref(),
    )
}

/// Indexes a tar in one pass; see [`Retention`] for what stays.
pub(super) fn stream(
    reader: impl Read,
    options: &OpenOptions,
    retention: &mut dyn Retention,
    keep_all: bool,
) -> Result<Index> {
    let limits = &options.limits;
    let mut index = Index::default();
    let mut walker = Walker::new(StreamInput::new(reader), limits);
    let mut spool = Spool::new(options);
    let mut pool = Pool::default();
    let mut resident = 0_u64;
    let mut budget = tar::RESUME_BUDGET;
    loop {
        let entry = match walker.next() {
            Ok(Some(entry)) => entry,
            Ok(None) => break,
            Err(e) => {
                index.ended(e)?;
                break;
            }
        };
        if entry.kind != MemberKind::File {
            index.push(entry, 0, Extent::None);
            continue;
        }
        let name = normalise(&entry.name);
        let fits = resident.saturating_add(entry.stored) <= limits.resident_bytes;
        let small = entry.stored <= limits.small_member_bytes && fits;
        let mut headers = false;
        let keep = if small || keep_all { Keep::All } else { retention.large(&name, entry.size) };
        let outcome = match keep {
            Keep::All if small => {
                let mut bytes = Vec::new();
                let outcome = take(&mut walker, entry.stored, &mut bytes);
                resident = resident.saturating_add(bytes.len() as u64);
                if entry.sparse.is_none() && outcome.error.is_none() {
                    retention.small(&name, &bytes);
                }
                let got = bytes.len() as u64;
                let extent = if got == entry.stored && outcome.error.is_none() {
                    let (store, start) = pool.put(bytes);
                    extent_of(store, start, got, &entry)
                } else {
                    // What may stand behind it is looked for in it.
                    extent_of(Arc::new(Store::Bytes(bytes)), 0, got, &entry)
                };
                outcome.with(extent)
            }
            Keep::All => spool.take(&mut walker, &entry)?,
            Keep::Nothing => take_ranges(&mut walker, entry.stored, Vec::new(), limits, &mut headers),
            Keep::Ranges(_) if entry.sparse.is_some() => {
                take_ranges(&mut walker, entry.stored, Vec::new(), limits, &mut headers)
            }
            Keep::Ranges(ranges) => take_ranges(&mut walker, entry.stored, ranges, limits, &mut headers),
        };
        let Outcome { mut extent, mut got, error } = outcome;
        let mut rest = None;
        if got < entry.stored
            && let Extent::Stored(kept) = &extent
            && let Some(kept) = kept.first(got)
            && let Ok(Some(at)) = tar::resume(&kept, entry.stored, &entry.name, &mut budget)
        {
            index.resumed(&entry, got, at);
            rest = kept.slice(at, got.saturating_sub(at), got.saturating_sub(at), None);
            extent = place_in(&kept, 0, &entry, at).map_or(Extent::None, Extent::Stored);
            got = at;
        }
        index.look_again |= headers && got < entry.stored;
        let base = entry.data_offset.saturating_add(got);
        index.push(entry, got, extent);
        if let Some(rest) = rest {
            index.warnings.take_from(&walker.warnings);
            walk(&mut index, &rest, base, limits)?;
            if let Some(e) = error {
                index.broken(&e);
            }
            return Ok(index);
        }
        if let Some(e) = error {
            index.warnings.take_from(&walker.warnings);
            index.broken(&e);
            return Ok(index);
        }
    }
    finish(&mut index, &mut walker);
    Ok(index)
}

/// Second pass: puts the members that the first one left out into the spool.
pub(super) fn spool(
    reader: impl Read,
    options: &OpenOptions,
    members: &[Member],
) -> Result<HashMap<usize, Data>> {
    let mut walker = Walker::new(StreamInput::new(reader), &options.limits);
    let mut spool = Spool::new(options);
    let mut found = HashMap::new();
    let mut at = 0_usize;
    let last = members.iter().rposition(|m| matches!(m.extent, Extent::Skipped(_)));
    // What is wrong with the stream was said after the first pass; take what comes before it.
    while let Ok(Some(entry)) = walker.next() {
        if normalise(&entry.name).is_empty() {
            continue;
        }
        if let Some(member) = members.get(at)
            && matches!(member.extent, Extent::Skipped(_))
        {
            let outcome = spool.take(&mut walker, &entry)?;
            if let Extent::Stored(data) = outcome.extent {
                found.insert(at, data);
            }
            if outcome.error.is_some() {
                break;
            }
        }
        if Some(at) == last {
            break;
        }
        at = at.saturating_add(1);
    }
    Ok(found)
}

impl Index {
    fn push(&mut self, entry: Entry, got: u64, extent: Extent) {
        let mut name = normalise(&entry.name);
        if name.is_empty() {
            return;
        }
        name.shrink_to_fit();
        // For sparse members `got` counts stored bytes.
        let available =
            if entry.sparse.is_some() && got >= entry.stored { entry.size } else { got.min(entry.size) };
        let resumed = std::mem::take(&mut self.resumed);
        if entry.kind == MemberKind::File && got < entry.stored && !resumed {
            self.warnings.push(
                Warning::new(format!(
                    "the archive is cut off here: {got} of {} bytes are there",
                    entry.stored
                ))
                .in_member(&name)
                .at(entry.data_offset),
            );
        }
        self.members.push(Member {
            name,
            kind: entry.kind,
            size: entry.size,
            available,
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            mtime: entry.mtime,
            link: entry.link.filter(|_| matches!(entry.kind, MemberKind::Symlink | MemberKind::Hardlink)),
            offset: Some(entry.data_offset),
            extent,
            derived: false,
        });
    }

    /// Says that the size of an entry was not true and that the archive goes on behind it.
    fn resumed(&mut self, entry: &Entry, left: u64, at: u64) {
        self.resumed = true;
        self.warnings.push(
            Warning::new(format!(
                "the header gives the member {} bytes, and the archive has {left} more: the size is not true; the member is taken to end after {at}, where the next header stands",
                entry.stored
            ))
            .in_member(normalise(&entry.name))
            .at(entry.data_offset),
        );
    }

    /// An error in the walk ends the index; before the first member it ends the opening.
    fn ended(&mut self, e: Error) -> Result<()> {
        if self.members.is_empty() {
            return Err(e);
        }
        self.broken(&e);
        Ok(())
    }

    fn broken(&mut self, e: &Error) {
        self.cut = true;
        let mut warning = Warning::from(e);
        warning.what = format!("the rest of the archive cannot be read: {}", warning.what);
        self.warnings.push(warning);
    }
}

fn finish<I: Input>(index: &mut Index, walker: &mut Walker<'_, I>) {
    index.warnings.take_from(&walker.warnings);
    let truncated = index.members.last().is_some_and(Member::is_truncated);
    index.cut = index.cut || (walker.end() == Some(End::Unmarked));
    match walker.end() {
        Some(End::Marked) => match tar::trailing(walker.input()) {
            Ok(Some((at, n))) => index.warnings.push(
                Warning::new(format!(
                    "{n} bytes stand behind the end of the archive: the tail of an older, longer file that was written over, or appended data"
                ))
                .at(at),
            ),
            Ok(None) => {}
            Err(e) => index.broken(&Error::io("read", e).at(walker.input().position())),
        },
        Some(End::Unmarked) if !truncated => {
            let at = walker.input().position();
            index.warnings.push(
                Warning::new("the archive has no end mark: it may have been cut off between two members").at(at),
            );
        }
        _ => {}
    }
}

/// Puts small members into stores that they share: a million of them cost no million of stores.
#[derive(Default)]
struct Pool {
    store: Option<Arc<Store>>,
    bytes: Vec<u8>,
}

impl Pool {
    /// Largest member that shares a store, in bytes.
    const SMALL: usize = 16 << 10;
    /// How many bytes a shared store has room for.
    const ROOM: usize = 256 << 10;

    /// Takes the bytes of a member and says where they are, once the pool is dropped.
    fn put(&mut self, bytes: Vec<u8>) -> (Arc<Store>, u64) {
        if bytes.len() > Self::SMALL {
            return (Arc::new(Store::Bytes(bytes)), 0);
        }
        if self.bytes.len().saturating_add(bytes.len()) > Self::ROOM {
            self.close();
        }
        let store = self.store.get_or_insert_with(|| Arc::new(Store::Shared(OnceLock::new())));
        let start = self.bytes.len() as u64;
        self.bytes.extend_from_slice(&bytes);
        (Arc::clone(store), start)
    }

    fn close(&mut self) {
        if let Some(store) = self.store.take()
            && let Store::Shared(bytes) = &*store
        {
            // Nobody else sets it.
            let _ = bytes.set(std::mem::take(&mut self.bytes));
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.close();
    }
}

struct Outcome {
    extent: Extent,
    got: u64,
    error: Option<Error>,
}

impl Outcome {
    fn with(mut self, extent: Extent) -> Self {
        self.extent = extent;
        self
    }
}

/// Copies the entry's stored bytes, as many as there are.
fn take<I: Input>(walker: &mut Walker<'_, I>, stored: u64, out: &mut impl Write) -> Outcome {
    let mut outcome = Outcome { extent: Extent::None, got: 0, error: None };
    let mut buf = vec![0; usize::try_from(stored.min(256 << 10)).unwrap_or(0).max(1)];
    while outcome.got < stored {
        let left = stored.saturating_sub(outcome.got);
        let want = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
        let Some(chunk) = buf.get_mut(..want) else { break };
        let at = walker.input().position();
        match walker.input().read(chunk) {
            Ok(0) => break,
            Ok(n) => {
                walker.consumed(n as u64);
                outcome.got = outcome.got.saturating_add(n as u64);
                if let Err(e) = out.write_all(chunk.get(..n).unwrap_or(&[])) {
                    outcome.error = Some(Error::io("write to the spool", e));
                    return outcome;
                }
            }
            Err(e) => {
                outcome.error = Some(Error::io("read", e).at(at));
                return outcome;
            }
        }
    }
    outcome
}

fn take_ranges<I: Input>(
    walker: &mut Walker<'_, I>,
    stored: u64,
    mut ranges: Vec<Range<u64>>,
    limits: &Limits,
    seen: &mut bool,
) -> Outcome {
    ranges.sort_by_key(|r| r.start);
    let mut kept: Vec<(u64, Vec<u8>)> = Vec::new();
    let mut at = 0_u64;
    let mut budget = limits.resident_bytes;
    let mut error = None;
    for range in ranges {
        let start = range.start.max(at);
        let end = range.end.min(stored);
        if start >= end || end.saturating_sub(start) > budget {
            continue;
        }
        budget = budget.saturating_sub(end.saturating_sub(start));
        let gap = start.saturating_sub(at);
        match walker.input().skip(gap) {
            Ok(went) => {
                walker.consumed(went);
                at = at.saturating_add(went);
                if went < gap {
                    break;
                }
            }
            Err(e) => {
                error = Some(Error::io("read", e));
                break;
            }
        }
        let mut bytes = Vec::new();
        let outcome = take(walker, end.saturating_sub(start), &mut bytes);
        at = at.saturating_add(outcome.got);
        kept.push((start, bytes));
        if outcome.error.is_some() {
            error = outcome.error;
            break;
        }
    }
    if error.is_none() {
        let outcome = pass_over(walker, stored.saturating_sub(at), seen);
        at = at.saturating_add(outcome.got);
        error = outcome.error;
    }
    Outcome { extent: Extent::Skipped(kept.into()), got: at, error }
}

/// Goes past `n` bytes of the entry's data; `seen` becomes true if one of its blocks is a tar header.
fn pass_over<I: Input>(walker: &mut Walker<'_, I>, n: u64, seen: &mut bool) -> Outcome {
    take(walker, n, &mut Watch { seen, block: Vec::with_capacity(tar::BLOCK_LEN) })
}

/// Takes bytes to nowhere and looks for tar headers at multiples of a block.
struct Watch<'s> {
    seen: &'s mut bool,
    block: Vec<u8>,
}

impl Write for Watch<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if *self.seen {
            return Ok(buf.len());
        }
        let mut rest = buf;
        if !self.block.is_empty() {
            let (head, tail) =
                rest.split_at((tar::BLOCK_LEN.saturating_sub(self.block.len())).min(rest.len()));
            self.block.extend_from_slice(head);
            rest = tail;
            if self.block.len() < tar::BLOCK_LEN {
                return Ok(buf.len());
            }
            *self.seen |= tar::looks_like_ustar(&self.block);
            self.block.clear();
        }
        let blocks = rest.chunks_exact(tar::BLOCK_LEN);
        self.block.extend_from_slice(blocks.remainder());
        for block in blocks {
            *self.seen |= tar::looks_like_ustar(block);
        }
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An unlinked file that takes large members.
struct Spool<'o> {
    options: &'o OpenOptions,
    file: Option<(File, Arc<Store>)>,
    end: u64,
}

impl<'o> Spool<'o> {
    fn new(options: &'o OpenOptions) -> Self {
        Self { options, file: None, end: 0 }
    }

    fn take<I: Input>(&mut self, walker: &mut Walker<'_, I>, entry: &Entry) -> Result<Outcome> {
        if self.file.is_none() {
            let made = self.create().map_err(|e| Error::io("create the spool for unpacked members", e))?;
            self.file = Some(made);
        }
        let Some((file, store)) = &mut self.file else {
            return Err(Error::new(ErrorKind::Io, "no spool"));
        };
        let start = self.end;
        let mut outcome = take(walker, entry.stored, file);
        if let Some(e) = &outcome.error
            && e.to_string().starts_with("write")
        {
            // A full disk is our trouble, not the evidence's.
            return Err(Error::new(
                ErrorKind::Io,
                format!(
                    "{e}; the spool is in the temporary directory (TMPDIR), which needs room for the unpacked archive"
                ),
            ));
        }
        self.end = self.end.saturating_add(outcome.got);
        outcome.extent = extent_of(Arc::clone(store), start, outcome.got, entry);
        Ok(outcome)
    }

    fn create(&self) -> io::Result<(File, Arc<Store>)> {
        let file = match &self.options.spool_directory {
            Some(directory) => tempfile::tempfile_in(directory)?,
            None => tempfile::tempfile()?,
        };
        let reader = file.try_clone()?;
        Ok((file, Arc::new(Store::File(reader))))
    }
}

/// Maps the stored bytes at `start` to the member's logical ones.
fn extent_of(store: Arc<Store>, start: u64, got: u64, entry: &Entry) -> Extent {
    Extent::Stored(match &entry.sparse {
        None => Data::whole(store, start, got),
        Some(runs) => Data::sparse(store, segments(runs, start, got), entry.size),
    })
}

/// Lays the runs of a sparse member over `got` stored bytes that begin at `start`.
pub(super) fn segments(runs: &[(u64, u64)], start: u64, got: u64) -> Arc<Vec<Segment>> {
    let mut used = 0_u64;
    let mut list = Vec::with_capacity(runs.len());
    for (logical, len) in runs {
        let len = (*len).min(got.saturating_sub(used));
        if len > 0 {
            list.push(Segment { logical: *logical, physical: start.saturating_add(used), len });
        }
        used = used.saturating_add(len);
    }
    Arc::new(list)
}
