//! What the evidence holds besides the memory of processes.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::archive::{Archive, Data, Member, MemberKind};
use crate::error::{Result, Warning};
use crate::image::{Kind, Records, number_in, proto};
use crate::memory::store::PageStore;
use crate::model::files::kind as file_kind;
use crate::model::{Checkpoint, Remap, Text};

/// Where bytes were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SourceKind {
    /// Memory that a process has mapped.
    Memory,
    /// A segment of shared memory, where no process maps it.
    SharedMemory,
    /// A file made by `memfd_create(2)`, where no process maps it.
    Memfd,
    /// Bytes in a pipe or a named pipe that nobody has read yet.
    Pipe,
    /// Bytes in a socket's queue.
    SocketQueue,
    /// A System V message queue.
    MessageQueue,
    /// Keys and values of a BPF map.
    BpfMap,
    /// A file without a name that was still open or mapped.
    DeletedFile,
    /// A file of a tmpfs.
    Tmpfs,
    /// A file that the container changed.
    RootfsDiff,
    /// A file of a volume that the engine exported.
    Volume,
    /// A log of the container, or of the checkpoint.
    Log,
    /// The file that a process runs, copied by a triage.
    Executable,
}

impl SourceKind {
    /// Returns the name that JSON and tables use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::SharedMemory => "shared-memory",
            Self::Memfd => "memfd",
            Self::Pipe => "pipe",
            Self::SocketQueue => "socket-queue",
            Self::MessageQueue => "message-queue",
            Self::BpfMap => "bpf-map",
            Self::DeletedFile => "deleted-file",
            Self::Tmpfs => "tmpfs",
            Self::RootfsDiff => "rootfs-diff",
            Self::Volume => "volume",
            Self::Log => "log",
            Self::Executable => "executable",
        }
    }
}

/// Shared memory, as a whole.
#[derive(Debug, Clone)]
pub(crate) struct SharedSegment {
    pub kind: SourceKind,
    /// Name of the page map image, such as `pagemap-shmem-1615.img`.
    pub image: String,
    /// What the segment is called, as in /proc/PID/maps.
    pub object: Option<Text>,
    pub store: Arc<PageStore>,
    pub size: u64,
}

impl SharedSegment {
    /// Returns true if none of its contents are known, for want of a page map.
    pub(crate) fn is_lost(&self) -> bool {
        self.store.is_unknown()
    }

    /// What tells the segment from others, in answers.
    pub(crate) fn id(&self) -> String {
        segment_id(&self.image)
    }
}

/// `shmem-1615` of `pagemap-shmem-1615.img`.
pub(crate) fn segment_id(image: &str) -> String {
    let name = image.strip_prefix("pagemap-").unwrap_or(image);
    name.strip_suffix(".img").unwrap_or(name).to_owned()
}

/// Returns all shared memory of the dump, with what should be in it and is not if that is asked for.
pub(crate) fn segments(checkpoint: &Checkpoint, with_lost: bool) -> Vec<SharedSegment> {
    let images = checkpoint.images();
    let mut memfds: HashMap<u32, proto::MemfdInodeEntry> = HashMap::new();
    if images.find("memfd.img").is_some() {
        for (_, entry) in images.all::<proto::MemfdInodeEntry>("memfd.img").unwrap_or_default() {
            memfds.insert(entry.shmid.unwrap_or(0), entry);
        }
    }
    let mut names: Vec<(u32, String)> = images
        .starting_with("pagemap-shmem-")
        .filter_map(|m| {
            let name = std::str::from_utf8(m.base_name()).ok()?;
            let id = name.strip_prefix("pagemap-shmem-")?.strip_suffix(".img")?.parse().ok()?;
            Some((id, name.to_owned()))
        })
        .collect();
    names.sort();
    names.dedup();
    let stored = names.into_iter().filter_map(|(id, image)| Some((id, image, checkpoint.shared(id)?)));
    let lost = if with_lost { checkpoint.lost_segments() } else { BTreeSet::new() };
    let lost = lost.into_iter().map(|id| {
        let image = format!("pagemap-shmem-{id}.img");
        let store = PageStore::unknown(images, &image, checkpoint.page_size());
        (id, image, store)
    });
    let mut list = Vec::new();
    for (id, image, store) in stored.chain(lost) {
        let stored = store.end();
        let (kind, object, size) = match memfds.get(&id) {
            Some(m) => {
                let name = m.name.clone().unwrap_or_default();
                if name == b"/dev/zero" {
                    (SourceKind::SharedMemory, Some(Text::new(name)), m.size)
                } else {
                    let mut path = b"/memfd:".to_vec();
                    path.extend_from_slice(&name);
                    (SourceKind::Memfd, Some(Text::new(path)), m.size)
                }
            }
            None => match checkpoint.segments().size(id) {
                Some(size) => (SourceKind::SharedMemory, Some(checkpoint.segments().name(id)), Some(size)),
                None => (SourceKind::SharedMemory, None, None),
            },
        };
        list.push(SharedSegment { kind, image, object, store, size: size.unwrap_or(0).max(stored) });
    }
    list
}

/// A file, pipe or queue outside the memory of processes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Holding {
    /// What it is.
    pub kind: SourceKind,
    /// The member of the archive that holds it.
    pub member: Text,
    /// What the bytes belong to: a path, `pipe 7`, `socket 12`.
    pub object: Option<Text>,
    /// The bytes.
    pub data: Data,
}

/// Something outside the memory of processes.
pub(crate) enum Held<'m> {
    /// It has bytes; where it is a file of a tar inside the archive, that tar's member.
    Bytes(Holding, Option<&'m Member>),
    /// A member of such a tar without any: a directory, a link, an empty file.
    Entry { kind: SourceKind, member: Text, object: Text, entry: &'m Member },
    /// Something that should be in the evidence, and is not.
    Lost { kind: SourceKind, member: Text, object: Text, what: &'static str },
}

/// Calls `each` for everything but shared memory that has bytes, in a fixed order.
///
/// What cannot be read becomes a warning of the checkpoint.
pub fn holdings(checkpoint: &Checkpoint, each: &mut dyn FnMut(Holding)) {
    everything(checkpoint, &mut |held| {
        if let Held::Bytes(holding, _) = held {
            each(holding);
        }
    });
}

/// As [`holdings`], also for what has no bytes.
pub(crate) fn everything(checkpoint: &Checkpoint, each: &mut dyn FnMut(Held<'_>)) {
    checkpoint.miss_tmpfs();
    let images = checkpoint.images();
    let prefix = images.prefix().to_vec();
    for lost in checkpoint.lost_pipes() {
        each(Held::Lost {
            kind: SourceKind::Pipe,
            member: Text::from(format!("{}{}", String::from_utf8_lossy(&prefix), lost.image())),
            object: Text::from(format!("{} {}", if lost.fifo { "fifo" } else { "pipe" }, lost.id)),
            what: "the image has no record of it, or is missing",
        });
    }
    let ghosts = ghost_paths(checkpoint);
    let archive = checkpoint.archive();
    let looked_at = |m: &&Member| {
        rank(&prefix, m) != Rank::None && m.kind != MemberKind::Directory && !images.is_irregular(m)
    };
    let mut members: Vec<&Member> = archive.members().iter().filter(looked_at).collect();
    members.sort_by(|a, b| rank(&prefix, a).cmp(&rank(&prefix, b)).then_with(|| a.name.cmp(&b.name)));
    for member in members {
        // Of members with one name the last counts, as everywhere.
        if archive.member(&member.name).is_none_or(|m| !std::ptr::eq(m, member)) {
            continue;
        }
        let base = String::from_utf8_lossy(member.base_name()).into_owned();
        let result = match rank(&prefix, member) {
            Rank::Queue(kind) => queues(checkpoint, member, kind, each),
            Rank::Ghost => {
                let id = base.strip_prefix("ghost-file-").and_then(|n| n.strip_suffix(".img"));
                let id = id.and_then(|n| u32::from_str_radix(n, 16).ok());
                let object = id.and_then(|id| ghosts.get(&id).cloned());
                ghost(checkpoint, member, object, each)
            }
            Rank::Tree(kind) => tree(checkpoint, member, kind, each),
            Rank::Log => archive.data(member).map(|data| {
                let member = Text::new(member.name.clone());
                each(Held::Bytes(Holding { kind: SourceKind::Log, member, object: None, data }, None));
            }),
            Rank::Executable => archive.data(member).map(|data| {
                let object = checkpoint.executable_of(member.base_name());
                let member = Text::new(member.name.clone());
                each(Held::Bytes(Holding { kind: SourceKind::Executable, member, object, data }, None));
            }),
            Rank::None => Ok(()),
        };
        if let Err(e) = result {
            images.warnings.push(Warning::from(&e));
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Queue(Kind),
    Ghost,
    Tree(SourceKind),
    Log,
    Executable,
    None,
}

/// What a member holds, and its place in the order of answers.
fn rank(prefix: &[u8], member: &Member) -> Rank {
    let name = member.name.as_slice();
    let base = member.base_name();
    if let Some(image) = name.strip_prefix(prefix)
        && !image.contains(&b'/')
    {
        let found = match image {
            b"pipes-data.img" => Some(Kind::PipesData),
            b"fifo-data.img" => Some(Kind::FifoData),
            b"sk-queues.img" => Some(Kind::SkQueues),
            b"bpfmap-data.img" => Some(Kind::BpfmapData),
            _ if image.starts_with(b"tcp-stream-") => Some(Kind::TcpStream),
            _ if image.starts_with(b"ipcns-msg-") => Some(Kind::IpcnsMsg),
            _ => None,
        };
        if let Some(kind) = found {
            return Rank::Queue(kind);
        }
        if image.starts_with(b"ghost-file-") {
            return Rank::Ghost;
        }
        if image.starts_with(b"tmpfs-") && image.ends_with(b".img") {
            return Rank::Tree(SourceKind::Tmpfs);
        }
    }
    if !name.contains(&b'/') {
        match base {
            b"devshm-checkpoint.tar" => return Rank::Tree(SourceKind::Tmpfs),
            b"rootfs-diff.tar" => return Rank::Tree(SourceKind::RootfsDiff),
            _ => {}
        }
    }
    if name.starts_with(b"volumes/") && base.ends_with(b".tar") {
        return Rank::Tree(SourceKind::Volume);
    }
    if name.starts_with(b"triage/exe/") {
        return Rank::Executable;
    }
    if base.ends_with(b".log") { Rank::Log } else { Rank::None }
}

/// Paths of deleted files by the number of their ghost image.
fn ghost_paths(checkpoint: &Checkpoint) -> HashMap<u32, Text> {
    let mut paths = HashMap::new();
    let images = checkpoint.images();
    let has_ghosts = images.starting_with("ghost-file-").next().is_some();
    if !has_ghosts && images.find("remap-fpath.img").is_none() {
        return paths;
    }
    let files = checkpoint.files();
    files.say_remaps_missing();
    for id in files.of_kind(file_kind::REG) {
        if let Some(Remap::Ghost(ghost)) = files.remap(id)
            && let Some((path, _)) = files.path(id)
        {
            let name = format!("ghost-file-{ghost:x}.img");
            if images.find(&name).is_none() {
                images.warn(&name, None, "the image of a deleted file is missing");
            }
            paths.entry(ghost).or_insert(path);
        }
    }
    paths
}

/// Hands out the bytes that follow the records of an image.
fn queues(
    checkpoint: &Checkpoint,
    member: &Member,
    kind: Kind,
    each: &mut dyn FnMut(Held<'_>),
) -> Result<()> {
    let data = checkpoint.archive().data(member)?;
    data.dense()?;
    let warn = |e: &crate::image::Error| {
        let warning = Warning::new(e.to_string()).in_member(&member.name).at(e.offset());
        checkpoint.images().warnings.push(warning);
    };
    let mut records = match Records::new(Some(kind), data.reader()) {
        Ok(records) => records,
        Err(e) => {
            warn(&e);
            return Ok(());
        }
    };
    let mut put = |kind: SourceKind, object: String, start: u64, len: u64| {
        let len = len.min(data.len().saturating_sub(start));
        if len > 0
            && let Some(data) = data.slice(start, len, len, None)
        {
            let member = Text::new(member.name.clone());
            each(Held::Bytes(Holding { kind, member, object: Some(Text::from(object)), data }, None));
        }
    };
    let base = member.display_name().into_owned();
    let stem = base.rsplit('/').next().unwrap_or_default().trim_end_matches(".img").to_owned();
    let mut body = Vec::new();
    let mut messages = 0_u64;
    while let Some(frame) = records.next_frame(&mut body) {
        let frame = match frame {
            Ok(frame) => frame,
            Err(e) => {
                warn(&e);
                break;
            }
        };
        let start = records.offset();
        let len = frame.payload.len.unwrap_or(0);
        let number = |field| number(&body, field);
        match kind {
            Kind::PipesData => put(SourceKind::Pipe, format!("pipe {}", number(1)), start, len),
            Kind::FifoData => put(SourceKind::Pipe, format!("fifo {}", number(1)), start, len),
            Kind::SkQueues => put(SourceKind::SocketQueue, format!("socket file {}", number(1)), start, len),
            Kind::TcpStream => {
                let first = frame.payload.first.min(len);
                put(SourceKind::SocketQueue, format!("{stem} received"), start, first);
                let second = start.saturating_add(first);
                put(SourceKind::SocketQueue, format!("{stem} to send"), second, len.saturating_sub(first));
            }
            Kind::BpfmapData => put(SourceKind::BpfMap, format!("bpf map {}", number(1)), start, len),
            _ => {
                messages = messages.saturating_add(1);
                put(SourceKind::MessageQueue, format!("{stem} record {messages}"), start, len);
            }
        }
    }
    Ok(())
}

/// Hands out the contents of a deleted file.
fn ghost(
    checkpoint: &Checkpoint,
    member: &Member,
    object: Option<Text>,
    each: &mut dyn FnMut(Held<'_>),
) -> Result<()> {
    if let Some(data) = checkpoint.images().ghost_contents(member)? {
        let member = Text::new(member.name.clone());
        each(Held::Bytes(Holding { kind: SourceKind::DeletedFile, member, object, data }, None));
    }
    Ok(())
}

/// Hands out the files of a tar inside the archive.
fn tree(
    checkpoint: &Checkpoint,
    member: &Member,
    kind: SourceKind,
    each: &mut dyn FnMut(Held<'_>),
) -> Result<()> {
    let nested = checkpoint.archive().nested(member)?;
    let root = tree_root(checkpoint, member);
    for file in nested.members() {
        // Of members with one name the last counts, as everywhere.
        if nested.member(&file.name).is_none_or(|m| !std::ptr::eq(m, file)) {
            continue;
        }
        let object = Text::new(joined(&root, &file.name));
        let outer = Text::new(member.name.clone());
        if file.kind != MemberKind::File || file.available == 0 {
            each(Held::Entry { kind, member: outer, object, entry: file });
            continue;
        }
        match nested.data(file) {
            Ok(data) => {
                let holding = Holding { kind, member: outer, object: Some(object), data };
                each(Held::Bytes(holding, Some(file)));
            }
            Err(e) => checkpoint.images().warnings.push(Warning::from(&e)),
        }
    }
    warn_nested(checkpoint, member, &nested);
    Ok(())
}

/// Passes on what is wrong with a tar inside the archive.
pub(crate) fn warn_nested(checkpoint: &Checkpoint, member: &Member, nested: &Archive) {
    for mut warning in nested.warnings() {
        warning.what = match warning.member.take() {
            Some(inside) => format!("{inside}: {}", warning.what),
            None => warning.what,
        };
        checkpoint.images().warnings.push(warning.in_member(&member.name));
    }
}

/// Where in the container the files of a tar belong.
pub(crate) fn tree_root(checkpoint: &Checkpoint, member: &Member) -> Vec<u8> {
    let base = String::from_utf8_lossy(member.base_name()).into_owned();
    if base == "devshm-checkpoint.tar" {
        return b"/dev/shm".to_vec();
    }
    let Some(number) = base.strip_prefix("tmpfs-") else { return Vec::new() };
    let by_device = number.strip_prefix("dev-");
    let number: Option<u32> = by_device.unwrap_or(number).split('.').next().and_then(|n| n.parse().ok());
    checkpoint
        .mounts()
        .iter()
        .find(|m| {
            number.is_some()
                && if by_device.is_some() { m.raw.root_dev == number } else { m.raw.mnt_id == number }
        })
        .and_then(|m| m.mountpoint.as_ref())
        .map(|m| m.as_bytes().strip_suffix(b"/").unwrap_or(m.as_bytes()).to_vec())
        .unwrap_or_default()
}

/// A field of a message that says how many bytes follow it; such a message was looked at already.
fn number(body: &[u8], field: u32) -> u64 {
    number_in(body, field).ok().flatten().unwrap_or(0)
}

fn joined(root: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = root.to_vec();
    path.push(b'/');
    path.extend_from_slice(name);
    path
}
