//! File locks.

use std::collections::HashMap;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::Checkpoint;
use crate::image::proto;

/// A lock that a process held on a file (criu/file-lock.c).
///
/// A lock of an open file description (`flock`, `ofd`) belongs to every
/// descriptor that shares it; CRIU names one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileLock {
    /// The process.
    pub pid: u32,
    /// Its descriptor.
    pub fd: u32,
    /// `posix` (fcntl), `flock`, `ofd` or `lease`; `None` for an unknown number.
    pub kind: Option<&'static str>,
    /// `read`, `write` or `unlock`.
    pub mode: Option<&'static str>,
    /// A lease that is being taken away.
    pub breaking: bool,
    /// First byte.
    pub start: Option<i64>,
    /// Number of bytes; `None` is to the end of the file.
    pub length: Option<i64>,
}

impl FileLock {
    fn new(entry: &proto::FileLockEntry) -> Option<Self> {
        let kind = entry.flag.unwrap_or(0);
        let mode = entry.r#type.unwrap_or(0);
        Some(Self {
            pid: u32::try_from(entry.pid?).ok()?,
            fd: u32::try_from(entry.fd?).ok()?,
            kind: [(1, "posix"), (2, "flock"), (4, "ofd"), (8, "lease")]
                .iter()
                .find(|k| kind & k.0 != 0)
                .map(|k| k.1),
            mode: match mode & 3 {
                0 => Some("read"),
                1 => Some("write"),
                2 => Some("unlock"),
                _ => None,
            },
            breaking: kind & 8 != 0 && mode & 4 != 0,
            start: entry.start,
            length: entry.len.filter(|l| *l != 0),
        })
    }
}

impl Serialize for FileLock {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &self.kind)?;
        map.serialize_entry("mode", &self.mode)?;
        map.serialize_entry("startBytes", &self.start)?;
        map.serialize_entry("lengthBytes", &self.length)?;
        if self.breaking {
            map.serialize_entry("breaking", &true)?;
        }
        map.end()
    }
}

impl Checkpoint {
    fn lock_table(&self) -> &HashMap<(u32, u32), Vec<FileLock>> {
        self.cache.locks.get_or_init(|| {
            let mut table: HashMap<(u32, u32), Vec<FileLock>> = HashMap::new();
            for (offset, entry) in
                self.images.all::<proto::FileLockEntry>("filelocks.img").unwrap_or_default()
            {
                match FileLock::new(&entry) {
                    Some(lock) => table.entry((lock.pid, lock.fd)).or_default().push(lock),
                    None => self.images.warn(
                        "filelocks.img",
                        Some(offset),
                        "a lock names no process or no descriptor",
                    ),
                }
            }
            table
        })
    }

    /// Returns the locks that are recorded for one descriptor.
    pub fn locks(&self, pid: u32, fd: u32) -> &[FileLock] {
        self.lock_table().get(&(pid, fd)).map(Vec::as_slice).unwrap_or_default()
    }
}
