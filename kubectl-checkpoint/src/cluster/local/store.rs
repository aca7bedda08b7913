//! The kubelet's directory of checkpoints, on the node itself.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

use anyhow::{Context as _, Result, anyhow, bail};
use jiff::Timestamp;

use super::explain_permission;
use crate::cluster::args::LocalArgs;
use crate::cluster::destination::is_archive_name;
use crate::cluster::stored::{Stored, origin};
use crate::cluster::text;

/// Where a tar archive says that it is one.
const TAR_MARK: (u64, &[u8; 5]) = (257, b"ustar");

/// The directory.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
}

/// One archive of it, open: what is looked at is what is read and removed.
#[derive(Debug)]
pub(super) struct Archive {
    name: String,
    file: File,
}

impl Archive {
    /// Reads it from its beginning.
    pub(super) fn reader(&self) -> io::Result<File> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    }

    /// How long it is.
    pub(super) fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }
}

impl Store {
    /// Finds the directory below the kubelet's root.
    ///
    /// # Errors
    ///
    /// When it is not there, or may not be read.
    pub(super) fn open(args: &LocalArgs) -> Result<Self> {
        let path = args.kubelet_root.join("checkpoints");
        match fs::read_dir(&path) {
            Ok(_) => Ok(Self { path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => bail!(
                "there is no directory {}: this is not a node on which a checkpoint was made, or its kubelet has another root\n  \
                 try:   --kubelet-root DIR (the kubelet's --root-dir)",
                path.display()
            ),
            Err(error) => Err(explain_permission(&error, &format!("cannot read {}", path.display()))),
        }
    }

    /// The directory, for messages.
    pub(super) fn shown(&self) -> String {
        text::escape(&self.path.display().to_string())
    }

    /// The path of an archive, for messages and records.
    pub(super) fn path_of(&self, name: &str) -> String {
        self.path.join(name).display().to_string()
    }

    /// Returns the archives by name, and how many names cannot be shown.
    ///
    /// # Errors
    ///
    /// When the directory cannot be read.
    pub(super) fn list(&self, node: &str) -> Result<(Vec<Stored>, usize)> {
        let what = || format!("cannot read {}", self.path.display());
        let (mut found, mut strange) = (Vec::new(), 0);
        for entry in fs::read_dir(&self.path).with_context(what)? {
            let entry = entry.with_context(what)?;
            // Of the entry itself: a link is not followed.
            let Ok(about) = fs::symlink_metadata(entry.path()) else { continue };
            let name = entry.file_name().into_string();
            let begins = |name: &str| name.starts_with("checkpoint-");
            match name {
                Ok(name) if is_archive_name(&name) && !name.chars().any(char::is_control) => {
                    if !about.is_file() {
                        continue;
                    }
                    let (pod, namespace, container) = origin(&name);
                    let modified = about.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
                    found.push(Stored {
                        node: node.to_owned(),
                        node_path: self.path_of(&name),
                        name,
                        namespace,
                        pod,
                        container,
                        size_bytes: Some(about.len()),
                        // To the second, as through a collector.
                        modified: modified
                            .and_then(|time| Timestamp::from_second(time.as_second()).ok())
                            .map(|time| time.to_string()),
                    });
                }
                Ok(name) => strange += usize::from(about.is_file() && begins(&name)),
                Err(name) => strange += usize::from(about.is_file() && begins(&name.to_string_lossy())),
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok((found, strange))
    }

    /// Opens an archive for reading; follows no link and waits for no pipe.
    ///
    /// # Errors
    ///
    /// When it is not there, or no regular file.
    pub(super) fn archive(&self, name: &str) -> Result<Archive> {
        let path = self.path.join(name);
        let shown = text::escape(&path.display().to_string());
        let mut options = fs::OpenOptions::new();
        options.read(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
            options.custom_flags(i32::try_from(flags.bits())?);
        }
        if fs::symlink_metadata(&path).is_ok_and(|found| !found.is_file()) {
            bail!("{shown} is not a regular file, and nothing else is touched");
        }
        let file = options
            .open(&path)
            .map_err(|error| explain_permission(&error, &format!("cannot open {shown}")))?;
        if !file.metadata().with_context(|| format!("cannot look at {shown}"))?.is_file() {
            bail!("{shown} is not a regular file, and nothing else is touched");
        }
        Ok(Archive { name: name.to_owned(), file })
    }

    /// Removes an archive, if its name still stands for what was opened, and it
    /// begins as a tar does or is empty. A partial archive begins so as well.
    ///
    /// # Errors
    ///
    /// When it is anything else, or cannot be removed.
    pub(super) fn remove(&self, archive: Archive) -> Result<()> {
        let path = self.path.join(&archive.name);
        let shown = text::escape(&path.display().to_string());
        let about = archive.file.metadata().with_context(|| format!("cannot look at {shown}"))?;
        if about.len() > 0 {
            let mut mark = Vec::new();
            let mut file = archive.file;
            file.seek(SeekFrom::Start(TAR_MARK.0))?;
            file.take(TAR_MARK.1.len() as u64).read_to_end(&mut mark)?;
            if mark != TAR_MARK.1 {
                bail!("{shown} is not a tar archive, and nothing else is removed");
            }
        }
        let now = fs::symlink_metadata(&path).map_err(|error| anyhow!("cannot look at {shown}: {error}"))?;
        if !is_same(&about, &now) {
            bail!("{shown} is another file than it was a moment ago; it was not removed");
        }
        fs::remove_file(&path).map_err(|error| explain_permission(&error, &format!("cannot remove {shown}")))
    }
}

#[cfg(unix)]
fn is_same(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    other.is_file() && (one.dev(), one.ino(), one.len()) == (other.dev(), other.ino(), other.len())
}

#[cfg(not(unix))]
fn is_same(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    other.is_file() && one.len() == other.len()
}
