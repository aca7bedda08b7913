//! Everything with bytes that the evidence holds besides the memory of processes.
//!
//! Shared memory and memfds, pipes, queues, deleted files, trees of memory
//! file systems, what the container changed in its root file system, volumes
//! and logs – as objects with their attributes, and their contents for
//! reading by position. Nothing is written here: names are given as the
//! evidence has them, and it is for the caller to make safe ones of them.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::scan::{DataSource, SegmentSource, Source};
pub use super::sources::SourceKind;
use super::sources::{self, Held, SharedSegment};
use crate::archive::{Member, MemberKind};
use crate::error::{Error, ErrorKind, Result, Warning};
use crate::memory::Stretch;
use crate::model::{Checkpoint, Text};

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ObjectKind {
    /// Bytes: a file, a pipe's contents, a segment of memory.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A hard link to another file of the same tree.
    Hardlink,
    /// A device, a named pipe, a socket.
    Special,
    /// A mark that a lower layer's file of that name is gone.
    Whiteout,
    /// A mark that nothing of a lower layer's directory of that name is left.
    Opaque,
    /// A file that the container deleted, as the engine's list says.
    Deleted,
}

impl ObjectKind {
    /// Returns the name that JSON and tables use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Symlink => "symlink",
            Self::Hardlink => "hardlink",
            Self::Special => "special",
            Self::Whiteout => "whiteout",
            Self::Opaque => "opaque",
            Self::Deleted => "deleted",
        }
    }
}

/// One thing that the evidence holds.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Object {
    /// Where it was found.
    pub source: SourceKind,
    /// What it is.
    pub kind: ObjectKind,
    /// The member of the archive that holds it.
    pub member: Text,
    /// What it is called: a path in the container, `pipe 7`, `socket file 12`.
    pub name: Option<Text>,
    /// Where it lies in its tree, for members of tars.
    pub path: Option<Text>,
    /// Permission and type bits.
    pub mode: Option<u32>,
    /// Owner.
    pub uid: Option<u64>,
    /// Group.
    pub gid: Option<u64>,
    /// Last change (RFC 3339).
    pub modified: Option<String>,
    /// Where a link points to.
    pub link: Option<Text>,
    /// Size in bytes as the evidence gives it, holes included.
    pub size: Option<u64>,
    /// The bytes; `None` for what has none.
    pub contents: Option<Contents>,
    /// Why the evidence does not hold the bytes, if it should.
    pub lost: Option<&'static str>,
}

/// The bytes of an object, read by position.
#[derive(Clone)]
pub struct Contents {
    source: Arc<dyn Source>,
    len: u64,
}

impl std::fmt::Debug for Contents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contents").field("len", &self.len).finish_non_exhaustive()
    }
}

/// What a range of an object's bytes is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Extent {
    /// Stored in the evidence.
    Stored,
    /// Zeros that are not stored: a hole of a sparse file, memory that was never written.
    Zero,
    /// Not in the evidence.
    Missing,
}

impl Contents {
    fn of_data(data: crate::archive::Data) -> Self {
        let len = data.len();
        Self { source: Arc::new(DataSource(data)), len }
    }

    fn of_segment(segment: &SharedSegment) -> Self {
        let source = SegmentSource { store: Arc::clone(&segment.store), size: segment.size };
        Self { source: Arc::new(source), len: segment.size }
    }

    /// Returns the number of bytes, holes included.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Returns true if there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Says what the bytes at `at` are, and up to where (exclusive) the same holds; `None` at the end.
    pub fn extent(&self, at: u64) -> Option<(Extent, u64)> {
        if at >= self.len {
            return None;
        }
        let (stretch, end) = self.source.stretch(at)?;
        let extent = match stretch {
            Stretch::Stored | Stretch::Elsewhere => Extent::Stored,
            Stretch::Zero => Extent::Zero,
            Stretch::Hole => Extent::Missing,
        };
        Some((extent, end.min(self.len).max(at.saturating_add(1))))
    }

    /// Fills `buf` from `at` on.
    ///
    /// # Errors
    ///
    /// When bytes are missing, damaged, or cannot be read.
    pub fn read_exact_at(&self, at: u64, buf: &mut [u8]) -> Result<()> {
        self.source.read(at, buf)
    }
}

/// Calls `each` for every object until it breaks off, in a fixed order.
///
/// Shared memory comes first, then pipes and queues, deleted files, trees,
/// and logs; the files that the engine's list calls deleted come last. What
/// cannot be read becomes a warning of the checkpoint.
pub fn objects(checkpoint: &Checkpoint, each: &mut dyn FnMut(Object) -> ControlFlow<()>) {
    let mut go_on = true;
    let mut put = |object: Object| {
        if go_on {
            go_on = each(object).is_continue();
        }
        go_on
    };
    for segment in sources::segments(checkpoint, true) {
        let object = Object {
            name: segment.object.clone(),
            size: Some(segment.size),
            contents: (!segment.is_lost()).then(|| Contents::of_segment(&segment)),
            lost: segment.is_lost().then_some("its page map is missing or damaged"),
            ..blank(segment.kind, ObjectKind::File, Text::from(segment.image.as_str()))
        };
        if !put(object) {
            return;
        }
    }
    sources::everything(checkpoint, &mut |held| {
        put(match held {
            Held::Bytes(holding, None) => {
                let mut object = blank(holding.kind, ObjectKind::File, holding.member);
                object.name = holding.object;
                object.size = Some(holding.data.len());
                object.contents = Some(Contents::of_data(holding.data));
                if holding.kind == SourceKind::DeletedFile {
                    of_ghost(checkpoint, &mut object);
                }
                object
            }
            Held::Bytes(holding, Some(entry)) => Object {
                name: holding.object,
                contents: Some(Contents::of_data(holding.data)),
                ..of_entry(blank(holding.kind, ObjectKind::File, holding.member), entry)
            },
            Held::Lost { kind, member, object, what } => {
                Object { name: Some(object), lost: Some(what), ..blank(kind, ObjectKind::File, member) }
            }
            Held::Entry { kind, member, object, entry } => {
                let mut found =
                    Object { name: Some(object), ..of_entry(blank(kind, ObjectKind::File, member), entry) };
                whiteout(&mut found, entry);
                if found.kind == ObjectKind::File {
                    found.contents = Some(Contents::of_data(crate::archive::Data::empty()));
                }
                found
            }
        });
    });
    for name in deleted(checkpoint) {
        let object = Object {
            name: Some(Text::from(name)),
            ..blank(SourceKind::RootfsDiff, ObjectKind::Deleted, Text::from(DELETED))
        };
        if !put(object) {
            return;
        }
    }
}

fn blank(source: SourceKind, kind: ObjectKind, member: Text) -> Object {
    Object {
        source,
        kind,
        member,
        name: None,
        path: None,
        mode: None,
        uid: None,
        gid: None,
        modified: None,
        link: None,
        size: None,
        contents: None,
        lost: None,
    }
}

fn of_entry(object: Object, entry: &Member) -> Object {
    Object {
        kind: match entry.kind {
            MemberKind::File => ObjectKind::File,
            MemberKind::Directory => ObjectKind::Directory,
            MemberKind::Symlink => ObjectKind::Symlink,
            MemberKind::Hardlink => ObjectKind::Hardlink,
            MemberKind::Other => ObjectKind::Special,
        },
        path: Some(Text::new(entry.name.clone())),
        mode: entry.mode,
        uid: entry.uid,
        gid: entry.gid,
        modified: entry.mtime.and_then(crate::model::rfc3339),
        link: entry.link.clone().map(Text::new),
        size: (entry.kind == MemberKind::File).then_some(entry.size),
        ..object
    }
}

/// Recognises the marks of an OCI layer: empty files with names of their own.
fn whiteout(object: &mut Object, entry: &Member) {
    let Some(hidden) = entry.base_name().strip_prefix(b".wh.") else { return };
    if object.source != SourceKind::RootfsDiff || object.kind != ObjectKind::File || entry.size > 0 {
        return;
    }
    let mut path = b"/".to_vec();
    path.extend_from_slice(entry.directory());
    if hidden == b".wh..opq" {
        object.kind = ObjectKind::Opaque;
    } else {
        object.kind = ObjectKind::Whiteout;
        if !entry.directory().is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(hidden);
    }
    object.name = Some(Text::new(path));
    object.size = None;
}

/// Adds what CRIU recorded of a deleted file.
fn of_ghost(checkpoint: &Checkpoint, object: &mut Object) {
    let name = object.member.to_lossy().into_owned();
    let number = name.rsplit('/').next().and_then(|n| n.strip_prefix("ghost-file-")?.strip_suffix(".img"));
    let Some(ghost) =
        number.and_then(|n| u32::from_str_radix(n, 16).ok()).and_then(|id| checkpoint.ghost(id))
    else {
        return;
    };
    object.mode = ghost.mode;
    object.uid = ghost.uid.map(u64::from);
    object.gid = ghost.gid.map(u64::from);
    object.modified = ghost.modified;
    object.kind = match ghost.mode.map(|m| m & 0o170_000) {
        None | Some(0o100_000) => return,
        Some(0o040_000) => ObjectKind::Directory,
        Some(0o120_000) => ObjectKind::Symlink,
        Some(_) => ObjectKind::Special,
    };
    object.link = ghost.link;
    object.size = None;
    object.contents = None;
}

/// Podman's and CRI-O's list of files that the container deleted.
const DELETED: &str = "deleted.files";

fn deleted(checkpoint: &Checkpoint) -> Vec<String> {
    let archive = checkpoint.archive();
    let Some(member) = archive.member(DELETED.as_bytes()) else { return Vec::new() };
    let parsed = archive.read(member).and_then(|bytes| {
        serde_json::from_slice(&bytes).map_err(|e| {
            Error::new(ErrorKind::Corrupt, "the list of deleted files").in_member(DELETED).with_source(e)
        })
    });
    match parsed {
        Ok(list) => list,
        Err(e) => {
            checkpoint.images().warnings.push(Warning::from(&e));
            Vec::new()
        }
    }
}
