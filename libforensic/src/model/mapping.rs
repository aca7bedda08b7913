//! Memory mappings as /proc/PID/maps shows them.

use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::files::Files;
use super::sysv::Segments;
use super::text::{Hex, Text, put_text};
use crate::image::proto;
use crate::memory::PageCounts;

/// Bits of `vma_entry.status` (criu/include/image.h).
pub(crate) mod status {
    pub(crate) const STACK: u32 = 1 << 1;
    pub(crate) const VSYSCALL: u32 = 1 << 2;
    pub(crate) const VDSO: u32 = 1 << 3;
    pub(crate) const HEAP: u32 = 1 << 5;
    pub(crate) const FILE_PRIVATE: u32 = 1 << 6;
    pub(crate) const FILE_SHARED: u32 = 1 << 7;
    pub(crate) const ANON_SHARED: u32 = 1 << 8;
    pub(crate) const SYSVIPC: u32 = 1 << 10;
    pub(crate) const SOCKET: u32 = 1 << 11;
    pub(crate) const VVAR: u32 = 1 << 12;
    pub(crate) const AIORING: u32 = 1 << 13;
    pub(crate) const MEMFD: u32 = 1 << 14;
    pub(crate) const GUARD: u32 = 1 << 16;
    pub(crate) const UPROBES: u32 = 1 << 17;
    pub(crate) const PLUGIN: u32 = 1 << 27;
}

const MAP_SHARED: u32 = 1;
const MAP_DROPPABLE: u32 = 8;
const MAP_GROWSDOWN: u32 = 0x100;

/// What a mapping is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MappingKind {
    /// Private anonymous memory.
    Anonymous,
    /// A mapped file.
    File,
    /// The heap, grown by brk(2).
    Heap,
    /// The main thread's stack.
    Stack,
    /// Code that the kernel provides.
    Vdso,
    /// Data that the kernel provides.
    Vvar,
    /// The legacy page for fast system calls.
    Vsyscall,
    /// A segment of System V shared memory.
    Sysv,
    /// A file made by `memfd_create(2)`.
    Memfd,
    /// Shared anonymous memory.
    SharedAnonymous,
    /// The ring of an asynchronous I/O context.
    Aio,
    /// The ring of a packet socket.
    Socket,
    /// A range in which any access is fatal (`MADV_GUARD_INSTALL`); it lies over another mapping.
    Guard,
    /// The kernel's area for user-space probes.
    Uprobes,
}

impl MappingKind {
    /// Returns the name that JSON and tables use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::File => "file",
            Self::Heap => "heap",
            Self::Stack => "stack",
            Self::Vdso => "vdso",
            Self::Vvar => "vvar",
            Self::Vsyscall => "vsyscall",
            Self::Sysv => "sysv",
            Self::Memfd => "memfd",
            Self::SharedAnonymous => "shared-anonymous",
            Self::Aio => "aio",
            Self::Socket => "socket",
            Self::Guard => "guard",
            Self::Uprobes => "uprobes",
        }
    }
}

/// One memory mapping of one process.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Mapping {
    /// The process.
    pub pid: u32,
    /// First address.
    pub start: u64,
    /// The address behind the last one.
    pub end: u64,
    /// Protection and sharing as in /proc/PID/maps, for example `r-xp`.
    pub perms: String,
    /// Offset in the mapped object in bytes.
    pub offset: u64,
    /// What the mapping is called in /proc/PID/maps, without ` (deleted)`.
    pub path: Option<Text>,
    /// Whether the path no longer leads to the file; `None` where that has no meaning.
    pub deleted: Option<bool>,
    /// What the mapping is.
    pub kind: MappingKind,
    /// How many pages come from where.
    pub pages: PageCounts,
    /// The record it was made from.
    pub raw: Arc<proto::VmaEntry>,
}

impl Mapping {
    /// Interprets one record. Page counts are filled in by the address space.
    pub(crate) fn from_entry(
        pid: u32,
        vma: &proto::VmaEntry,
        stack: Option<u64>,
        files: &Files,
        segments: &Segments,
    ) -> Self {
        let status = vma.status.unwrap_or(0);
        let flags = vma.flags.unwrap_or(0);
        let start = vma.start.unwrap_or(0);
        let end = vma.end.unwrap_or(0).max(start);
        let shmid = vma.shmid.unwrap_or(0) & u64::from(u32::MAX);
        let id = u32::try_from(shmid).unwrap_or(0);
        let is = |bit: u32| status & bit != 0;
        let mut path = None;
        let mut deleted = None;
        let named = |name: &str| Some(Text::from(name));
        let kind = if is(status::GUARD) {
            MappingKind::Guard
        } else if is(status::UPROBES) {
            path = named("[uprobes]");
            MappingKind::Uprobes
        } else if is(status::VSYSCALL) {
            path = named("[vsyscall]");
            MappingKind::Vsyscall
        } else if is(status::VDSO) {
            path = named("[vdso]");
            MappingKind::Vdso
        } else if is(status::VVAR) {
            path = named("[vvar]");
            MappingKind::Vvar
        } else if is(status::AIORING) {
            path = named("/[aio]");
            MappingKind::Aio
        } else if is(status::SOCKET) {
            path = named("socket:");
            MappingKind::Socket
        } else if is(status::SYSVIPC) {
            path = Some(segments.name(id));
            MappingKind::Sysv
        } else if is(status::MEMFD) {
            let name = files.memfd(id).and_then(|(_, inode)| inode).and_then(|i| i.name);
            match name {
                // Shared anonymous memory is a memfd of that name since CRIU 3.14.
                Some(name) if name == b"/dev/zero" => {
                    path = named("/dev/zero");
                    MappingKind::SharedAnonymous
                }
                Some(name) => {
                    path = Some(memfd_path(&name));
                    MappingKind::Memfd
                }
                None => MappingKind::Memfd,
            }
        } else if is(status::FILE_PRIVATE | status::FILE_SHARED) || is(status::PLUGIN) {
            if let Some((name, gone)) = files.path(id) {
                path = Some(name);
                deleted = Some(gone);
            }
            MappingKind::File
        } else if is(status::ANON_SHARED) {
            path = named("/dev/zero");
            MappingKind::SharedAnonymous
        } else if is(status::HEAP) {
            path = named("[heap]");
            MappingKind::Heap
        } else if is(status::STACK)
            || (flags & MAP_GROWSDOWN != 0 && stack.is_none_or(|s| start <= s && s <= end))
        {
            path = named("[stack]");
            MappingKind::Stack
        } else {
            MappingKind::Anonymous
        };
        Self {
            pid,
            start,
            end,
            perms: perms(vma.prot.unwrap_or(0), flags),
            offset: vma.pgoff.unwrap_or(0),
            path,
            deleted,
            kind,
            pages: PageCounts::default(),
            raw: Arc::new(*vma),
        }
    }

    /// Returns the size in bytes.
    pub fn size(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// Returns true for memory that the kernel may drop, which CRIU never dumps.
    pub(crate) fn is_droppable(&self) -> bool {
        self.raw.flags.unwrap_or(0) & MAP_DROPPABLE != 0
    }

    /// Returns true if the mapping is shared with other processes.
    pub fn is_shared(&self) -> bool {
        self.raw.flags.unwrap_or(0) & MAP_SHARED != 0
    }
}

/// `/memfd:NAME`, as /proc shows it.
pub(crate) fn memfd_path(name: &[u8]) -> Text {
    let mut path = b"/memfd:".to_vec();
    path.extend_from_slice(name);
    Text::new(path)
}

fn perms(prot: u32, flags: u32) -> String {
    let bit = |mask: u32, c: char| if prot & mask != 0 { c } else { '-' };
    let shared = if flags & MAP_SHARED != 0 { 's' } else { 'p' };
    [bit(1, 'r'), bit(2, 'w'), bit(4, 'x'), shared].iter().collect()
}

impl Serialize for Mapping {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("pid", &self.pid)?;
        map.serialize_entry("start", &Hex(self.start))?;
        map.serialize_entry("end", &Hex(self.end))?;
        map.serialize_entry("perms", &self.perms)?;
        map.serialize_entry("offset", &Hex(self.offset))?;
        put_text(&mut map, "path", self.path.as_ref())?;
        map.serialize_entry("deleted", &self.deleted)?;
        map.serialize_entry("kind", self.kind.as_str())?;
        map.serialize_entry("sizeBytes", &self.size())?;
        map.serialize_entry("pages", &self.pages)?;
        map.end()
    }
}
