//! How much memory processes have, and what of it the evidence holds.

use std::collections::HashSet;
use std::hash::BuildHasher;

use serde::Serialize;

use crate::error::{Result, Warning};
use crate::memory::{AddressSpace, Layer, PageCounts, Span, Stretch};
use crate::model::Checkpoint;

/// The memory of a process, in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Memory {
    /// The process; nothing for the sum of all.
    pub pid: Option<u32>,
    /// All mappings.
    pub mapped_bytes: u64,
    /// From this dump; shared memory counts for each process that maps it.
    pub dumped_bytes: u64,
    /// From parent dumps.
    pub parent_bytes: u64,
    /// Not stored and known to be zero.
    pub zero_bytes: u64,
    /// To be read from mapped files.
    pub file_bytes: u64,
    /// Nowhere in the evidence.
    pub absent_bytes: u64,
    /// Of what the process has to itself, in pages equal to one seen before, also in another process.
    pub duplicate_bytes: u64,
    /// In segments that processes can share.
    pub shared_bytes: u64,
}

impl Memory {
    /// Adds another process.
    pub fn add(&mut self, other: &Self) {
        for (sum, n) in [
            (&mut self.mapped_bytes, other.mapped_bytes),
            (&mut self.dumped_bytes, other.dumped_bytes),
            (&mut self.parent_bytes, other.parent_bytes),
            (&mut self.zero_bytes, other.zero_bytes),
            (&mut self.file_bytes, other.file_bytes),
            (&mut self.absent_bytes, other.absent_bytes),
            (&mut self.duplicate_bytes, other.duplicate_bytes),
            (&mut self.shared_bytes, other.shared_bytes),
        ] {
            *sum = sum.saturating_add(n);
        }
    }
}

/// Pages that are compared at most: their hashes take half a gigabyte.
const PAGES: usize = 1 << 25;

/// Bytes that are read at once.
const CHUNK: usize = 1 << 20;

/// Goes through processes and remembers the pages it saw.
#[derive(Debug, Default)]
pub struct Overview {
    /// Hashes with a key that evidence cannot know, so that it cannot bring about equal ones.
    seen: HashSet<u64>,
}

impl Overview {
    /// Measures a process; pages that cannot be read become a warning of the checkpoint.
    ///
    /// # Errors
    ///
    /// When the process has no memory in the evidence.
    pub fn process(&mut self, checkpoint: &Checkpoint, pid: u32) -> Result<Memory> {
        let space = checkpoint.memory(pid)?;
        let whole: Vec<_> = space.regions().iter().map(|r| r.mapping.start..r.mapping.end).collect();
        checkpoint.warn_of_lazy_pages(&space, &whole);
        let mut memory = Memory { pid: Some(pid), ..Memory::default() };
        let bytes = |pages: u64| pages.saturating_mul(space.page_size());
        for region in space.regions() {
            let PageCounts { dumped, parent, zero, file, absent } = space.page_counts(region);
            let (start, end) = (region.mapping.start, region.mapping.end);
            let mut one = Memory {
                pid: None,
                mapped_bytes: end.saturating_sub(start),
                dumped_bytes: bytes(dumped),
                parent_bytes: bytes(parent),
                zero_bytes: bytes(zero),
                file_bytes: bytes(file),
                absent_bytes: bytes(absent),
                ..Memory::default()
            };
            let mut at = start;
            while at < end {
                let (stretch, next) = space.stretch(at);
                let next = next.min(end).max(at.saturating_add(1));
                match stretch {
                    Stretch::Elsewhere => {
                        one.shared_bytes = one.shared_bytes.saturating_add(next.saturating_sub(at));
                    }
                    // Pages of mapped files are not the process's own.
                    Stretch::Stored if !is_own(&space, at) => {}
                    Stretch::Stored => match self.duplicates(&space, at, next) {
                        Ok(n) => one.duplicate_bytes = one.duplicate_bytes.saturating_add(n),
                        Err(e) => checkpoint.images().warnings.push(Warning::from(&e)),
                    },
                    Stretch::Zero | Stretch::Hole => {}
                }
                at = next;
            }
            memory.add(&one);
        }
        Ok(memory)
    }

    /// Counts the bytes of pages seen before.
    fn duplicates(&mut self, space: &AddressSpace, start: u64, end: u64) -> Result<u64> {
        let page = usize::try_from(space.page_size()).unwrap_or(CHUNK).clamp(1, CHUNK);
        let mut buf = vec![0; usize::try_from(end.saturating_sub(start)).unwrap_or(CHUNK).min(CHUNK)];
        let mut duplicate = 0_u64;
        let mut at = start;
        while at < end {
            let n = usize::try_from(end.saturating_sub(at)).unwrap_or(CHUNK).min(buf.len());
            let Some(part) = buf.get_mut(..n) else { break };
            let read = space.read(at, part)?;
            for bytes in part.get(..read.bytes).unwrap_or_default().chunks_exact(page) {
                let hash = self.seen.hasher().hash_one(bytes);
                if self.seen.contains(&hash) {
                    duplicate = duplicate.saturating_add(bytes.len() as u64);
                } else if self.seen.len() < PAGES {
                    self.seen.insert(hash);
                }
            }
            if read.bytes < n {
                break;
            }
            at = at.saturating_add(n as u64);
        }
        Ok(duplicate)
    }
}

fn is_own(space: &AddressSpace, at: u64) -> bool {
    matches!(space.span(at).0, Span::Bytes(Layer::Dump | Layer::Parent(_)))
}
