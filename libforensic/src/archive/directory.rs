//! A directory on disk as an archive.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::index::Index;
use super::storage::Store;
use super::{Data, Extent, Member, MemberKind};
use crate::error::{Error, ErrorKind, Result, Warning};
use crate::limits::Limits;

/// How many entries are looked at for a sign of a checkpoint.
const PROBED: usize = 8192;
/// How many levels are looked at: `checkpoint/pstree.img` and, one directory up, `TOP/config.dump` are on the second.
const PROBED_LEVELS: usize = 2;
/// How deep directories may lie in each other; engines make four levels.
const LEVELS: usize = 8;
/// How images begin of which a dump has many; a stray one in some directory makes no checkpoint of the one above.
const IMAGES: [&str; 9] =
    ["core-", "mm-", "pagemap-", "pages-", "ids-", "fs-", "fdinfo-", "mountpoints-", "tmpfs-"];
/// Names that a checkpoint, an image made from one, or a pod's checkpoint has.
const MARKS: [&str; 10] = [
    "pstree.img",
    "inventory.img",
    "files.img",
    "config.dump",
    "spec.dump",
    "stats-dump",
    "oci-layout",
    "manifest.json",
    "checkpoint-manifest.json",
    "pod.options",
];

/// Refuses a large or deep directory that shows no sign of a checkpoint, such as `/`, before it is walked.
///
/// The entries near the top are looked at first. A directory with few of them
/// passes in any case: what it holds is said better by those who look into it.
fn probe(root: &Path) -> Result<()> {
    let refuse = || {
        let what = format!(
            "no CRIU image and no engine's metadata in the upper {PROBED_LEVELS} levels of {} (looked at no more than {PROBED} entries); name the directory that holds pstree.img or config.dump",
            root.display()
        );
        Err(Error::new(ErrorKind::NotACheckpoint, what))
    };
    let mut todo = std::collections::VecDeque::from([PathBuf::new()]);
    let mut seen = 0_usize;
    let mut deeper = false;
    while let Some(relative) = todo.pop_front() {
        // What cannot be read is said by the walk.
        let Ok(entries) = std::fs::read_dir(root.join(&relative)) else { continue };
        let level = relative.components().count().saturating_add(1);
        for entry in entries.filter_map(std::result::Result::ok) {
            let name = entry.file_name();
            let text = name.to_string_lossy();
            if MARKS.contains(&text.as_ref())
                || (level == 1
                    && text.ends_with(".img")
                    && IMAGES.iter().any(|start| text.starts_with(start)))
            {
                return Ok(());
            }
            seen = seen.saturating_add(1);
            if seen > PROBED {
                return refuse();
            }
            if entry.file_type().is_ok_and(|t| t.is_dir()) {
                if level < PROBED_LEVELS {
                    todo.push_back(relative.join(&name));
                } else {
                    deeper = true;
                }
            }
        }
    }
    if deeper { refuse() } else { Ok(()) }
}

/// Lists a directory tree. Symbolic links are listed and never followed.
pub(super) fn index(root: &Path, limits: &Limits) -> Result<Index> {
    let mut index = Index::default();
    probe(root)?;
    let mut todo = vec![PathBuf::new()];
    while let Some(relative) = todo.pop() {
        if relative.components().count() >= LEVELS {
            index.warnings.push(
                Warning::new(format!("directories deeper than {LEVELS} levels are not read"))
                    .in_member(bytes_of(&relative)),
            );
            continue;
        }
        let path = root.join(&relative);
        let entries = match std::fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(e) if relative.as_os_str().is_empty() => {
                return Err(Error::io(format!("read the directory {}", path.display()), e));
            }
            Err(e) => {
                index.warnings.push(
                    Warning::new(format!("the directory cannot be read: {e}")).in_member(bytes_of(&relative)),
                );
                continue;
            }
        };
        let mut names: Vec<_> = Vec::new();
        for entry in entries {
            match entry {
                Ok(entry) => names.push(entry.file_name()),
                Err(e) => index
                    .warnings
                    .push(Warning::new(format!("reading the directory: {e}")).in_member(bytes_of(&relative))),
            }
        }
        names.sort();
        for name in names {
            let relative = relative.join(name);
            if index.members.len() as u64 >= limits.members {
                index.warnings.push(
                    Warning::new(format!("more than {} members; the rest is not read", limits.members))
                        .in_member(bytes_of(&relative)),
                );
                index.cut = true;
                return Ok(index);
            }
            match member(root, &relative) {
                Ok(member) => {
                    if member.kind == MemberKind::Directory {
                        todo.push(relative);
                    }
                    index.members.push(member);
                }
                Err(e) => index.warnings.push(Warning::new(e.to_string()).in_member(bytes_of(&relative))),
            }
        }
    }
    Ok(index)
}

fn member(root: &Path, relative: &Path) -> std::io::Result<Member> {
    let path = root.join(relative);
    let meta = std::fs::symlink_metadata(&path)?;
    let kind = if meta.is_file() {
        MemberKind::File
    } else if meta.is_dir() {
        MemberKind::Directory
    } else if meta.is_symlink() {
        MemberKind::Symlink
    } else {
        MemberKind::Other
    };
    let link = if kind == MemberKind::Symlink { Some(bytes_of(&std::fs::read_link(&path)?)) } else { None };
    let size = if kind == MemberKind::File { meta.len() } else { 0 };
    let (mode, uid, gid) = owner(&meta);
    let mtime = meta
        .modified()
        .ok()
        .and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok())
        .and_then(|d| i64::try_from(d.as_secs()).ok());
    Ok(Member {
        name: bytes_of(relative),
        kind,
        size,
        available: size,
        mode,
        uid,
        gid,
        mtime,
        link,
        offset: None,
        extent: if kind == MemberKind::File { Extent::Path(relative.to_path_buf()) } else { Extent::None },
        derived: false,
    })
}

/// Opens a file of the directory; a link that took its place meanwhile is refused.
pub(super) fn open(root: &Path, relative: &Path) -> Result<Data> {
    let path = root.join(relative);
    let io = |e| Error::io(format!("open {}", path.display()), e);
    let meta = std::fs::symlink_metadata(&path).map_err(io)?;
    if !meta.is_file() {
        return Err(Error::new(ErrorKind::NotFound, "no longer a regular file"));
    }
    let file = File::open(&path).map_err(io)?;
    let len = file.metadata().map_err(io)?.len();
    Ok(Data::whole(Arc::new(Store::File(file)), 0, len))
}

#[cfg(unix)]
fn owner(meta: &std::fs::Metadata) -> (Option<u32>, Option<u64>, Option<u64>) {
    use std::os::unix::fs::MetadataExt;
    (Some(meta.mode()), Some(u64::from(meta.uid())), Some(u64::from(meta.gid())))
}

#[cfg(not(unix))]
fn owner(_: &std::fs::Metadata) -> (Option<u32>, Option<u64>, Option<u64>) {
    (None, None, None)
}

#[cfg(unix)]
fn bytes_of(path: &Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt;
    path.as_os_str().as_bytes().to_vec()
}

#[cfg(not(unix))]
fn bytes_of(path: &Path) -> Vec<u8> {
    path.to_string_lossy().replace('\\', "/").into_bytes()
}
