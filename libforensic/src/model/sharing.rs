//! Who holds the same open file.

use std::ops::ControlFlow;

use serde::Serialize;

use super::files::key;
use super::{Checkpoint, FileDescriptor, Holder};
use crate::image::proto;
use crate::parallel::ordered;

/// Most holders of one file that are named.
const NAMED: usize = 16;

/// Rows that are looked at first for the end of those of one file.
const NEAR: usize = 8;

/// Other descriptors with the same open file description: position and flags are common to all.
///
/// They come about by fork(2), dup(2), or passing over a Unix socket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct FileSharing {
    /// Descriptors that hold the file, this one included.
    pub holders: usize,
    /// The first of the others.
    pub others: Vec<Holder>,
    /// Whether the process has it under another number, too (dup).
    pub duplicate: bool,
    /// Whether the parent process has it: inherited, or given to the parent.
    pub with_parent: bool,
}

/// All descriptors of all processes, sorted by file.
#[derive(Debug, Default)]
pub(super) struct HolderTable {
    /// (type and id, process, descriptor)
    rows: Vec<(u64, u32, u32)>,
}

impl HolderTable {
    fn of(&self, key: u64) -> &[(u64, u32, u32)] {
        let start = self.rows.partition_point(|r| r.0 < key);
        let rest = self.rows.get(start..).unwrap_or_default();
        // Few descriptors share a file: look near by before the whole table is halved again.
        let near = rest.get(..NEAR).unwrap_or(rest);
        let end = if near.last().is_some_and(|r| r.0 == key) {
            rest.partition_point(|r| r.0 <= key)
        } else {
            near.partition_point(|r| r.0 <= key)
        };
        rest.get(..end).unwrap_or_default()
    }
}

impl Checkpoint {
    pub(super) fn holders(&self) -> &HolderTable {
        self.cache.holders.get_or_init(|| {
            let mut rows = Vec::new();
            let _ = ordered(
                self.pids().into_iter(),
                |(): &mut (), pid| {
                    let table = self.fd_table(pid).ok().flatten().unwrap_or_default();
                    let row = |e: &proto::FdinfoEntry| {
                        (key(e.r#type.unwrap_or(0), e.id.unwrap_or(0)), pid, e.fd.unwrap_or(0))
                    };
                    table.iter().map(|(_, e)| row(e)).collect::<Vec<_>>()
                },
                |some| {
                    rows.extend(some);
                    ControlFlow::Continue(())
                },
            );
            rows.sort_unstable();
            HolderTable { rows }
        })
    }

    pub(super) fn sharing_of(&self, f: &FileDescriptor, parent: u32) -> FileSharing {
        let rows = self.holders().of(key(f.raw.r#type.unwrap_or(0), f.file_id));
        let others = rows.iter().filter(|r| (r.1, r.2) != (f.pid, f.fd));
        // Rows of one file are sorted by process: a file that everybody holds costs no more than two searches.
        let has = |pid: u32| rows.get(rows.partition_point(|r| r.1 < pid)).is_some_and(|r| r.1 == pid);
        let own =
            rows.partition_point(|r| r.1 <= f.pid).saturating_sub(rows.partition_point(|r| r.1 < f.pid));
        FileSharing {
            holders: rows.len(),
            others: others.take(NAMED).map(|r| Holder { pid: r.1, fd: r.2 }).collect(),
            duplicate: own > 1,
            with_parent: parent != 0 && parent != f.pid && has(parent),
        }
    }
}
