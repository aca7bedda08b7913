//! A root file system that the analyst supplies: a directory, a tar, or an image.

use std::path::{Path, PathBuf};

use crate::archive::{Archive, Data, MemberKind, OpenOptions};
use crate::error::{Error, ErrorKind, Result, Warning};

/// How many symbolic links lead to a file at most, as in Linux.
const LINKS: u32 = 40;

/// Files by the paths that the container had for them.
#[derive(Debug)]
pub(super) struct RootFileSystem {
    path: PathBuf,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Directory,
    Archive(Box<Archive>),
}

/// What a path leads to.
enum Found {
    Nothing,
    Link(Vec<u8>),
    Other,
}

impl RootFileSystem {
    /// Opens a directory, a tar (compressed or not), or an OCI or Docker image of that architecture.
    pub(super) fn open(path: &Path, options: OpenOptions, architecture: Option<&str>) -> Result<Self> {
        let meta = std::fs::metadata(path).map_err(|e| Error::io(format!("open {}", path.display()), e))?;
        let is_layout = meta.is_dir() && path.join("index.json").is_file() && path.join("blobs").is_dir();
        let source = if meta.is_dir() && !is_layout {
            Source::Directory
        } else {
            Source::Archive(Box::new(Archive::open_root(path, options, architecture)?))
        };
        Ok(Self { path: path.to_path_buf(), source })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what is wrong with it.
    pub(super) fn warnings(&self) -> Vec<Warning> {
        match &self.source {
            Source::Directory => Vec::new(),
            Source::Archive(archive) => {
                let say = |w: Warning| Warning::new(format!("{}: {w}", self.path.display()));
                archive.warnings().into_iter().map(say).collect()
            }
        }
    }

    /// Returns the contents of a regular file; `None` if there is no such file.
    ///
    /// Links are followed inside the file system and never lead out of it.
    pub(super) fn file(&self, path: &[u8]) -> Option<Result<Data>> {
        let mut todo: Vec<Vec<u8>> = split(path);
        let mut at: Vec<Vec<u8>> = Vec::new();
        let mut links = 0_u32;
        while let Some(name) = todo.pop() {
            if name == b".." {
                at.pop();
                continue;
            }
            at.push(name);
            match self.look(&at.join(&b'/')) {
                Found::Nothing => return None,
                Found::Other => {}
                Found::Link(target) => {
                    links = links.saturating_add(1);
                    if links > LINKS {
                        return None;
                    }
                    at.pop();
                    if target.starts_with(b"/") {
                        at.clear();
                    }
                    todo.extend(split(&target));
                }
            }
        }
        self.open_at(&at.join(&b'/'))
    }

    fn look(&self, path: &[u8]) -> Found {
        match &self.source {
            Source::Archive(archive) => match archive.member(path) {
                Some(member) if member.kind == MemberKind::Symlink => {
                    member.link.clone().map_or(Found::Nothing, Found::Link)
                }
                // Layers need not list directories.
                _ => Found::Other,
            },
            Source::Directory => {
                let Some(full) = self.below(path) else { return Found::Nothing };
                match std::fs::symlink_metadata(&full) {
                    Ok(meta) if meta.is_symlink() => match std::fs::read_link(&full) {
                        Ok(target) => Found::Link(target.as_os_str().as_encoded_bytes().to_vec()),
                        Err(_) => Found::Nothing,
                    },
                    Ok(_) => Found::Other,
                    Err(_) => Found::Nothing,
                }
            }
        }
    }

    fn below(&self, path: &[u8]) -> Option<PathBuf> {
        #[cfg(unix)]
        let relative = {
            use std::os::unix::ffi::OsStrExt as _;
            Some(std::ffi::OsStr::from_bytes(path))
        };
        #[cfg(not(unix))]
        let relative = std::str::from_utf8(path).ok();
        Some(self.path.join(relative?))
    }

    fn open_at(&self, path: &[u8]) -> Option<Result<Data>> {
        match &self.source {
            Source::Archive(archive) => {
                let member = archive.member(path)?;
                matches!(member.kind, MemberKind::File | MemberKind::Hardlink).then(|| archive.data(member))
            }
            Source::Directory => {
                let full = self.below(path)?;
                let is_file = std::fs::symlink_metadata(&full).is_ok_and(|m| m.is_file());
                is_file.then(|| {
                    Data::of_file(&full).map_err(|e| {
                        let what = format!("open {}", full.display());
                        Error::new(ErrorKind::Io, what).with_source(e)
                    })
                })
            }
        }
    }
}

/// The components of a path, the last first.
fn split(path: &[u8]) -> Vec<Vec<u8>> {
    let parts = path.split(|b| *b == b'/').filter(|p| !p.is_empty() && *p != b".");
    parts.rev().map(<[u8]>::to_vec).collect()
}
