//! Walks the headers of a tar file.
//!
//! The walker does not interpret names and reads no contents: it hands out
//! one [`Entry`] after the other and is told to go past its data. It works
//! on anything that can be read forward ([`Input`]); where the input can
//! seek, going past data costs nothing.
//!
//! The header fields are decoded by the `tar` crate; the walk is our own,
//! because evidence needs the position of every byte, sparse maps of all
//! four flavours, and a way on after a damaged header.

use std::io;

use tar::{EntryType, GnuExtSparseHeader, Header, PaxExtensions};

use super::input::Input;
use super::{Compression, Data, compression};
use crate::error::{Error, ErrorKind, Result, Warning, Warnings};
use crate::limits::Limits;

/// Size of a tar block in bytes.
pub(crate) const BLOCK: u64 = 512;
pub(crate) const BLOCK_LEN: usize = 512;

/// GNU tar and others pad the end of an archive with zeros to a record of 20 blocks.
const RECORD: u64 = 20 * BLOCK;

/// What a tar entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MemberKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link; never followed.
    Symlink,
    /// A hard link to another member.
    Hardlink,
    /// A named pipe, a device node or anything else without contents.
    Other,
}

/// A header with everything that extended headers said about it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub name: Vec<u8>,
    pub link: Option<Vec<u8>>,
    pub kind: MemberKind,
    /// Logical size, holes included.
    pub size: u64,
    /// Bytes that stand in the archive.
    pub stored: u64,
    /// (logical offset, length) of the stored runs of a sparse file.
    pub sparse: Option<Vec<(u64, u64)>>,
    pub mode: Option<u32>,
    pub uid: Option<u64>,
    pub gid: Option<u64>,
    /// Seconds since the epoch.
    pub mtime: Option<i64>,
    /// Where the stored bytes begin.
    pub data_offset: u64,
}

/// How the walk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Two zero blocks, or one at the end of the input.
    Marked,
    /// The input ended where a header could have been.
    Unmarked,
}

/// Iterates over the entries of a tar stream.
pub(crate) struct Walker<'l, I> {
    input: I,
    limits: &'l Limits,
    pending: u64,
    entries: u64,
    pub warnings: Warnings,
    end: Option<End>,
}

#[derive(Default)]
struct Extended {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    mtime: Option<i64>,
    uid: Option<u64>,
    gid: Option<u64>,
    /// The real name of a sparse member, whose `path` is a made-up one.
    sparse_name: Option<Vec<u8>>,
    sparse_major: Option<u64>,
    sparse_size: Option<u64>,
    sparse_map: Vec<(u64, u64)>,
    sparse_offset: Option<u64>,
    sparse: bool,
}

impl<'l, I: Input> Walker<'l, I> {
    pub(crate) fn new(input: I, limits: &'l Limits) -> Self {
        Self { input, limits, pending: 0, entries: 0, warnings: Warnings::default(), end: None }
    }

    /// Returns the input, for reading the current entry's data.
    pub(crate) fn input(&mut self) -> &mut I {
        &mut self.input
    }

    /// Says that `n` bytes of the current entry's data were read by the caller.
    pub(crate) fn consumed(&mut self, n: u64) {
        self.pending = self.pending.saturating_sub(n);
    }

    /// Takes the current entry to end after `n` more bytes, whatever its header said.
    pub(crate) fn shorten(&mut self, n: u64) {
        self.pending = n;
    }

    /// Returns how the walk ended, once [`Walker::next`] returned `None`.
    pub(crate) fn end(&self) -> Option<End> {
        self.end
    }

    /// Goes past the current entry's data and returns the next entry.
    pub(crate) fn next(&mut self) -> Result<Option<Entry>> {
        if self.end.is_some() {
            return Ok(None);
        }
        let mut extended = Extended::default();
        loop {
            self.skip_pending()?;
            let header_offset = self.input.position();
            let Some(header) = self.next_header()? else { return Ok(None) };
            let raw_size = header.entry_size().unwrap_or(0);
            self.pending = padded(raw_size);
            let entry_type = header.entry_type();
            if entry_type.is_gnu_longname() {
                let name = self.small(raw_size, header_offset)?;
                extended.name = name.map(trim_nul).or(extended.name);
            } else if entry_type.is_gnu_longlink() {
                let link = self.small(raw_size, header_offset)?;
                extended.link = link.map(trim_nul).or(extended.link);
            } else if entry_type.is_pax_local_extensions() {
                let data = self.small(raw_size, header_offset)?.unwrap_or_default();
                self.pax(&data, &mut extended, header_offset);
            } else if entry_type.is_pax_global_extensions() {
                // Global headers only carry comments in practice (git's commit id).
            } else {
                self.entries = self.entries.saturating_add(1);
                if self.entries > self.limits.members {
                    return Err(Error::new(
                        ErrorKind::LimitExceeded,
                        format!("more than {} members", self.limits.members),
                    )
                    .at(header_offset));
                }
                return self.entry(&header, extended, header_offset).map(Some);
            }
        }
    }

    fn skip_pending(&mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        if pending > 0 {
            let at = self.input.position();
            let went = self.input.skip(pending).map_err(|e| Error::io("read", e).at(at))?;
            if went < pending {
                // The caller sees the short member; here it is only the end.
                self.end = Some(End::Unmarked);
            }
        }
        Ok(())
    }

    /// Reads the next valid header, over damaged ones; `None` is the end.
    fn next_header(&mut self) -> Result<Option<Header>> {
        if self.end.is_some() {
            return Ok(None);
        }
        let mut zeros = 0_u32;
        let mut damaged_from = None;
        loop {
            crate::meter::step();
            let at = self.input.position();
            let mut header = Header::new_old();
            let got = self.fill(header.as_mut_bytes())?;
            if got == 0 {
                self.end = Some(if zeros > 0 { End::Marked } else { End::Unmarked });
                if let Some(from) = damaged_from {
                    self.damage(from, at);
                }
                return Ok(None);
            }
            if got < BLOCK_LEN {
                if at == 0 {
                    return Err(foreign(header.as_bytes().get(..got).unwrap_or(&[])));
                }
                self.warnings.push(Warning::new("the archive ends inside a header").at(at));
                self.end = Some(End::Unmarked);
                return Ok(None);
            }
            if header.as_bytes().iter().all(|b| *b == 0) {
                zeros = zeros.saturating_add(1);
                if zeros == 2 {
                    if let Some(from) = damaged_from {
                        self.damage(from, at);
                    }
                    self.end = Some(End::Marked);
                    return Ok(None);
                }
                continue;
            }
            if checksum_matches(&header) {
                if zeros > 0 {
                    self.warnings.push(Warning::new("a block of zeros stands between two members").at(at));
                }
                if let Some(from) = damaged_from {
                    self.damage(from, at);
                }
                return Ok(Some(header));
            }
            zeros = 0;
            if self.entries == 0 && damaged_from.is_none() && at == 0 {
                return Err(foreign(header.as_bytes()));
            }
            damaged_from.get_or_insert(at);
        }
    }

    fn damage(&mut self, from: u64, to: u64) {
        self.warnings.push(
            Warning::new(format!(
                "no valid header here; {} bytes were skipped, members in them are lost",
                to.saturating_sub(from)
            ))
            .at(from),
        );
    }

    /// Reads the data of an extended header; `None` where its size cannot be true.
    fn small(&mut self, size: u64, at: u64) -> Result<Option<Vec<u8>>> {
        if size > self.limits.name_bytes {
            // What follows is looked through for the next header.
            self.pending = 0;
            let what = format!(
                "an extended header of {size} bytes is over the limit of {} and ignored; names and sizes it gave are lost",
                self.limits.name_bytes
            );
            self.warnings.push(Warning::new(what).at(at));
            return Ok(None);
        }
        let mut data = vec![0; usize::try_from(size).unwrap_or(0)];
        let got = self.fill(&mut data)?;
        if got < data.len() {
            self.warnings.push(Warning::new("the archive ends inside an extended header").at(at));
            self.end = Some(End::Unmarked);
        }
        data.truncate(got);
        self.pending = self.pending.saturating_sub(got as u64);
        Ok(Some(data))
    }

    fn fill(&mut self, mut buf: &mut [u8]) -> Result<usize> {
        let mut got = 0_usize;
        while !buf.is_empty() {
            let at = self.input.position();
            let n = self.input.read(buf).map_err(|e| Error::io("read", e).at(at))?;
            if n == 0 {
                break;
            }
            got = got.saturating_add(n);
            buf = buf.get_mut(n..).unwrap_or(&mut []);
        }
        Ok(got)
    }

    fn pax(&mut self, data: &[u8], extended: &mut Extended, at: u64) {
        for extension in PaxExtensions::new(data) {
            let Ok(extension) = extension else {
                self.warnings.push(Warning::new("a record of an extended header is malformed").at(at));
                continue;
            };
            let key = extension.key_bytes();
            let value = extension.value_bytes();
            let number = || std::str::from_utf8(value).ok().and_then(|v| v.trim().parse::<u64>().ok());
            match key {
                b"path" => extended.name = Some(value.to_vec()),
                b"linkpath" => extended.link = Some(value.to_vec()),
                b"size" => extended.size = number(),
                b"uid" => extended.uid = number(),
                b"gid" => extended.gid = number(),
                b"mtime" => {
                    extended.mtime = std::str::from_utf8(value)
                        .ok()
                        .and_then(|v| v.split('.').next())
                        .and_then(|v| v.parse().ok());
                }
                b"GNU.sparse.major" => {
                    extended.sparse = true;
                    extended.sparse_major = number();
                }
                b"GNU.sparse.name" => {
                    extended.sparse = true;
                    extended.sparse_name = Some(value.to_vec());
                }
                b"GNU.sparse.size" | b"GNU.sparse.realsize" => {
                    extended.sparse = true;
                    extended.sparse_size = number();
                }
                b"GNU.sparse.offset" => extended.sparse_offset = number(),
                b"GNU.sparse.numbytes" => {
                    if let (Some(offset), Some(len)) = (extended.sparse_offset.take(), number()) {
                        self.push_run(&mut extended.sparse_map, offset, len);
                    }
                }
                b"GNU.sparse.map" => {
                    extended.sparse = true;
                    let numbers: Vec<u64> = std::str::from_utf8(value)
                        .unwrap_or("")
                        .split(',')
                        .map_while(|n| n.trim().parse().ok())
                        .collect();
                    for pair in numbers.chunks_exact(2) {
                        if let [offset, len] = pair {
                            self.push_run(&mut extended.sparse_map, *offset, *len);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn push_run(&mut self, map: &mut Vec<(u64, u64)>, offset: u64, len: u64) {
        if map.len() as u64 >= self.limits.sparse_segments {
            self.too_many_runs();
            return;
        }
        map.push((offset, len));
    }

    fn too_many_runs(&self) {
        self.warnings.push(Warning::new(format!(
            "a sparse member has more than {} runs; the rest is lost",
            self.limits.sparse_segments
        )));
    }

    fn entry(&mut self, header: &Header, extended: Extended, header_offset: u64) -> Result<Entry> {
        let entry_type = header.entry_type();
        let kind = match entry_type {
            EntryType::Directory => MemberKind::Directory,
            EntryType::Symlink => MemberKind::Symlink,
            EntryType::Link => MemberKind::Hardlink,
            EntryType::Char | EntryType::Block | EntryType::Fifo => MemberKind::Other,
            // Unknown types are to be treated as files (POSIX).
            _ => MemberKind::File,
        };
        let mut name =
            extended.sparse_name.or(extended.name).unwrap_or_else(|| header.path_bytes().into_owned());
        // Very old writers mark directories by a trailing slash only.
        let kind =
            if kind == MemberKind::File && name.ends_with(b"/") { MemberKind::Directory } else { kind };
        if name.len() as u64 > self.limits.name_bytes {
            let what =
                format!("a name of {} bytes is cut at the limit of {}", name.len(), self.limits.name_bytes);
            self.warnings.push(Warning::new(what).at(header_offset));
            name.truncate(usize::try_from(self.limits.name_bytes).unwrap_or(usize::MAX));
        }
        let mut size = extended.size.unwrap_or_else(|| header.entry_size().unwrap_or(0));
        if header.entry_size().is_err() && extended.size.is_none() {
            self.warnings
                .push(Warning::new("the size field is not a number").in_member(&name).at(header_offset));
        }
        // Links and devices carry no data, whatever their size field says.
        if !matches!(kind, MemberKind::File) {
            if size > 0 && kind != MemberKind::Directory && extended.size.is_none() {
                size = 0;
            }
            if kind != MemberKind::File {
                size = 0;
            }
        }
        self.pending = padded(size);
        let mut stored = size;
        let mut sparse = None;
        if entry_type.is_gnu_sparse() {
            let (runs, real) = self.gnu_sparse(header)?;
            sparse = Some(runs);
            size = real;
        } else if extended.sparse && kind == MemberKind::File {
            let mut runs = extended.sparse_map;
            if extended.sparse_major == Some(1) {
                let (map, used) = self.pax_sparse_1(header_offset)?;
                runs = map;
                stored = stored.saturating_sub(used);
            }
            size = extended.sparse_size.unwrap_or(stored);
            sparse = Some(runs);
        }
        if let Some(runs) = &mut sparse {
            self.check_runs(runs, stored, size, &name, header_offset);
        }
        Ok(Entry {
            link: extended.link.or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned)),
            kind,
            size,
            stored,
            sparse,
            mode: header.mode().ok(),
            uid: extended.uid.or_else(|| header.uid().ok()),
            gid: extended.gid.or_else(|| header.gid().ok()),
            mtime: extended.mtime.or_else(|| header.mtime().ok().and_then(|t| i64::try_from(t).ok())),
            data_offset: self.input.position(),
            name,
        })
    }

    /// Sparse map in the header and in extension blocks behind it (old GNU format).
    fn gnu_sparse(&mut self, header: &Header) -> Result<(Vec<(u64, u64)>, u64)> {
        let mut runs = Vec::new();
        let Some(gnu) = header.as_gnu() else { return Ok((runs, 0)) };
        let real = gnu.real_size().unwrap_or(0);
        for s in gnu.sparse.iter().filter(|s| !s.is_empty()) {
            if let (Ok(offset), Ok(len)) = (s.offset(), s.length()) {
                self.push_run(&mut runs, offset, len);
            }
        }
        let mut more = gnu.is_extended();
        while more {
            let mut block = GnuExtSparseHeader::new();
            let got = self.fill(block.as_mut_bytes())?;
            if got < BLOCK_LEN {
                self.end = Some(End::Unmarked);
                break;
            }
            for s in block.sparse().iter().filter(|s| !s.is_empty()) {
                if let (Ok(offset), Ok(len)) = (s.offset(), s.length()) {
                    self.push_run(&mut runs, offset, len);
                }
            }
            more = block.is_extended();
            if more && runs.len() as u64 >= self.limits.sparse_segments {
                self.too_many_runs();
                break;
            }
        }
        Ok((runs, real))
    }

    /// Sparse map as decimal lines in front of the data (PAX 1.0).
    fn pax_sparse_1(&mut self, at: u64) -> Result<(Vec<(u64, u64)>, u64)> {
        let mut used = 0_u64;
        let mut line = Vec::new();
        let mut numbers: Vec<u64> = Vec::new();
        let mut count = None::<u64>;
        let mut block = [0_u8; BLOCK_LEN];
        'blocks: loop {
            if used.saturating_add(BLOCK) > self.pending {
                break;
            }
            if self.fill(&mut block)? < block.len() {
                break;
            }
            used = used.saturating_add(BLOCK);
            for b in block {
                if b == b'\n' {
                    let n = std::str::from_utf8(&line).ok().and_then(|l| l.parse::<u64>().ok());
                    line.clear();
                    let Some(n) = n else {
                        self.warnings.push(Warning::new("the map of a sparse member is malformed").at(at));
                        break 'blocks;
                    };
                    match count {
                        None => {
                            if n > self.limits.sparse_segments {
                                self.too_many_runs();
                            }
                            count = Some(n.min(self.limits.sparse_segments));
                        }
                        Some(_) => numbers.push(n),
                    }
                    if count.is_some_and(|c| numbers.len() as u64 >= c.saturating_mul(2)) {
                        break 'blocks;
                    }
                } else if line.len() < 24 {
                    line.push(b);
                }
            }
        }
        self.pending = self.pending.saturating_sub(used);
        let runs = numbers
            .chunks_exact(2)
            .filter_map(|p| match p {
                [offset, len] => Some((*offset, *len)),
                _ => None,
            })
            .collect();
        Ok((runs, used))
    }

    /// Keeps only runs that are in order, inside the file and backed by stored bytes.
    fn check_runs(&mut self, runs: &mut Vec<(u64, u64)>, stored: u64, size: u64, name: &[u8], at: u64) {
        let before = runs.len();
        let mut end = 0_u64;
        let mut used = 0_u64;
        let mut valid = 0_usize;
        for (offset, len) in runs.iter() {
            let run_end = offset.checked_add(*len);
            let now_used = used.checked_add(*len);
            match (run_end, now_used) {
                (Some(e), Some(u)) if *offset >= end && e <= size && u <= stored => {
                    end = e;
                    used = u;
                    valid = valid.saturating_add(1);
                }
                _ => break,
            }
        }
        runs.truncate(valid);
        if valid < before {
            self.warnings.push(
                Warning::new(format!(
                    "{} of {before} runs of the sparse map are impossible and read as zeros",
                    before.saturating_sub(valid)
                ))
                .in_member(name)
                .at(at),
            );
        }
    }
}

/// Says whether bytes after the end mark are more than padding.
///
/// Container runtimes open the archive without truncating it: a shorter new
/// archive keeps the tail of an older, longer one.
pub(crate) fn trailing(input: &mut impl Input) -> io::Result<Option<(u64, u64)>> {
    let at = input.position();
    let mut block = [0_u8; BLOCK_LEN];
    let mut total = 0_u64;
    let mut zeros = true;
    while total < RECORD {
        let n = input.read(&mut block)?;
        if n == 0 {
            break;
        }
        total = total.saturating_add(n as u64);
        zeros = zeros && block.get(..n).unwrap_or(&[]).iter().all(|b| *b == 0);
    }
    match input.left() {
        Some(left) => total = total.saturating_add(left),
        None => total = total.saturating_add(input.skip(u64::MAX)?),
    }
    Ok(if total == 0 || (zeros && total < RECORD) { None } else { Some((at, total)) })
}

/// What the first block of something that is no tar is.
fn foreign(head: &[u8]) -> Error {
    match compression::sniff(head) {
        Ok(Compression::None) => {
            Error::new(ErrorKind::UnknownFormat, "not a tar archive: the first block is no header")
        }
        Ok(inner) => Error::new(
            ErrorKind::UnsupportedFormat,
            format!(
                "compressed twice: there is {name} inside; unpack the outer layer on the way in: {tool} -dc FILE | kubectl checkpoint … -",
                name = inner.as_str(),
                tool = if inner == Compression::Zstd { "zstd or gzip" } else { "gzip or zstd" },
            ),
        ),
        Err(e) => e,
    }
}

/// Looks behind a header whose size cannot be true for the place where the archive goes on.
///
/// `data` is everything behind that header. A real archive that was cut off
/// ends within its last member, which may be memory with a piece of a tar in
/// it: a header found there is taken for the archive's own only if it leads to
/// the end mark, or if the size given is one that no file has. `budget` bounds
/// the headers that are followed. Returns the distance to the header in bytes.
pub(crate) fn resume(data: &Data, size: u64, name: &[u8], budget: &mut u64) -> io::Result<Option<u64>> {
    let mut chunk = vec![0_u8; usize::try_from(data.len().min(256 << 10)).unwrap_or(0)];
    let mut at = 0_u64;
    let mut tried = 0_u32;
    if name.ends_with(b".tar") && data.read_at(0, &mut chunk)? > BLOCK_LEN {
        // The member's own headers are not the archive's.
        if chunk.get(..BLOCK_LEN).is_some_and(looks_like_ustar) {
            match follow(data, 0, budget)? {
                Chain::Ends(end) => at = end,
                Chain::Breaks | Chain::Overruns(_) => return Ok(None),
            }
        }
    }
    let closed = {
        let mut tail = [1_u8; 2 * BLOCK_LEN];
        let got = data.read_at(data.len().saturating_sub(2 * BLOCK), &mut tail)?;
        tail.get(..got).is_some_and(|t| t.iter().all(|b| *b == 0))
    };
    loop {
        let got = data.read_at(at, &mut chunk)?;
        if got < BLOCK_LEN {
            return Ok(None);
        }
        for block in chunk.get(..got).unwrap_or(&[]).chunks_exact(BLOCK_LEN) {
            crate::meter::step();
            if looks_like_ustar(block) {
                if size > LARGEST_FILE {
                    return Ok(Some(at));
                }
                match follow(data, at, budget)? {
                    // A tar within the member has more of the member behind its end.
                    Chain::Ends(end) if data.len().saturating_sub(end) <= RECORD => return Ok(Some(at)),
                    // Another size that is not true, in an archive that has its end mark:
                    // a tar within the member would not go beyond it.
                    Chain::Overruns(end) if closed && end > size => return Ok(Some(at)),
                    Chain::Ends(_) | Chain::Overruns(_) | Chain::Breaks => tried = tried.saturating_add(1),
                }
                if tried >= RESUME_TRIES {
                    return Ok(None);
                }
            }
            at = at.saturating_add(BLOCK);
        }
    }
}

/// No file is larger: offsets in files are signed numbers of 64 bits.
const LARGEST_FILE: u64 = i64::MAX as u64;
/// How many headers are tried as the place where a damaged archive goes on.
const RESUME_TRIES: u32 = 16;
/// How many headers are followed in all to find such places.
pub(crate) const RESUME_BUDGET: u64 = 4_000_000;

/// Where a row of headers leads.
enum Chain {
    /// To a block of zeros, that far from the start of the data.
    Ends(u64),
    /// Into something that is no header.
    Breaks,
    /// Behind the end, to that distance from the start of the data.
    Overruns(u64),
}

fn follow(data: &Data, at: u64, budget: &mut u64) -> io::Result<Chain> {
    let mut position = at;
    let mut block = [0_u8; BLOCK_LEN];
    loop {
        if data.read_at(position, &mut block)? < BLOCK_LEN {
            return Ok(Chain::Overruns(position));
        }
        if block.iter().all(|b| *b == 0) {
            return Ok(Chain::Ends(position));
        }
        let header = Header::from_byte_slice(&block);
        if !checksum_matches(header) || *budget == 0 {
            return Ok(Chain::Breaks);
        }
        crate::meter::step();
        *budget = budget.saturating_sub(1);
        let bare = matches!(
            header.entry_type(),
            EntryType::Directory
                | EntryType::Symlink
                | EntryType::Link
                | EntryType::Char
                | EntryType::Block
                | EntryType::Fifo
        );
        let size = if bare { 0 } else { header.entry_size().unwrap_or(0) };
        position = position.saturating_add(BLOCK).saturating_add(padded(size));
    }
}

/// Returns true if the block is a header of POSIX tar or GNU tar.
pub(crate) fn looks_like_ustar(block: &[u8]) -> bool {
    block.get(257..262) == Some(b"ustar") && looks_like_tar(block)
}

/// Returns true if the block begins like a tar header.
pub(crate) fn looks_like_tar(block: &[u8]) -> bool {
    let Ok(bytes) = <&[u8; BLOCK_LEN]>::try_from(block) else { return false };
    let header = Header::from_byte_slice(bytes);
    block.iter().any(|b| *b != 0) && checksum_matches(header)
}

fn checksum_matches(header: &Header) -> bool {
    let bytes = header.as_bytes();
    let sum = |signed: bool| -> i64 {
        bytes
            .iter()
            .enumerate()
            .map(|(i, b)| match i {
                148..156 => 32,
                // Some historic writers summed signed characters.
                _ if signed => i64::from(b.cast_signed()),
                _ => i64::from(*b),
            })
            .sum()
    };
    header.cksum().is_ok_and(|c| i64::from(c) == sum(false) || i64::from(c) == sum(true))
}

fn padded(size: u64) -> u64 {
    size.div_ceil(BLOCK).saturating_mul(BLOCK)
}

fn trim_nul(mut name: Vec<u8>) -> Vec<u8> {
    while name.last() == Some(&0) {
        name.pop();
    }
    name
}
