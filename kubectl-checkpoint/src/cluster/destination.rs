//! Where the archive goes at home: a file that has its name only when it is
//! whole and verified.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};

use super::text;
use super::transfer::Mismatch;
use crate::sealed;

/// What DEST means, settled before anything in the cluster is touched.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Destination {
    /// Standard output.
    Stdout,
    /// A directory; the name is the archive's own.
    Directory(PathBuf),
    /// A file.
    File(PathBuf),
}

impl Destination {
    /// Reads DEST and makes sure that it can be written to.
    ///
    /// # Errors
    ///
    /// When it exists already, or its directory is missing or read-only.
    pub fn settle(dest: Option<&Path>, force: bool) -> Result<Self> {
        let destination = match dest {
            None => Self::Directory(PathBuf::from(".")),
            Some(path) if path == Path::new("-") => Self::Stdout,
            Some(path) if path.is_dir() => Self::Directory(path.to_owned()),
            Some(path) => Self::File(path.to_owned()),
        };
        match &destination {
            Self::Stdout => {}
            Self::Directory(directory) => probe(directory)?,
            Self::File(path) => {
                if path.as_os_str().as_encoded_bytes().ends_with(b"/") || path.file_name().is_none() {
                    bail!("the directory {} does not exist", path.display());
                }
                probe(parent(path))?;
                refuse_existing(path, force)?;
            }
        }
        Ok(destination)
    }

    /// Returns the file for an archive of that name on the node, whose name
    /// here ends in `suffix` unless it was given; `None` is standard output.
    pub fn file_for(&self, archive: &str, suffix: &str) -> Option<PathBuf> {
        match self {
            Self::Stdout => None,
            Self::File(path) => Some(path.clone()),
            Self::Directory(directory) => {
                let name = local_name(archive) + suffix;
                if directory == Path::new(".") {
                    return Some(PathBuf::from(name));
                }
                Some(directory.join(name))
            }
        }
    }
}

/// What a file of an interrupted download ends with.
pub(super) const PART: &str = ".part";

/// Makes a file name of a path on the node: colons trouble other systems and
/// tools that take `HOST:FILE`, anything unexpected becomes an underscore.
pub(super) fn local_name(archive: &str) -> String {
    let name = archive.rsplit('/').next().unwrap_or(archive);
    let clean: String = name
        .chars()
        .map(|c| match c {
            ':' => '-',
            c if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+') => c,
            _ => '_',
        })
        .collect();
    if clean.starts_with("checkpoint-") { clean } else { format!("checkpoint-{clean}") }
}

/// Returns the directory of a file, "." where the path names none.
pub(super) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Appends to a file name.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn refuse_existing(path: &Path, force: bool) -> Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot look at {}", path.display())),
        Ok(found) if force && found.is_file() => Ok(()),
        Ok(found) if found.is_file() => {
            bail!("{} exists; give another DEST, or --force to replace it", path.display())
        }
        Ok(_) => bail!("{} exists and is not a regular file", path.display()),
    }
}

/// Writes and removes a file: permissions, read-only and full disks are not
/// known otherwise, and a freeze is not repeated lightly.
fn probe(directory: &Path) -> Result<()> {
    let path = directory.join(format!(".kubectl-checkpoint-{}.probe", std::process::id()));
    let written = private().create_new(true).open(&path).and_then(|mut file| {
        file.write_all(b"x")?;
        file.flush()
    });
    if !matches!(&written, Err(error) if error.kind() == io::ErrorKind::AlreadyExists) {
        let _ = fs::remove_file(&path);
    }
    written.with_context(|| format!("cannot write to the directory {}", directory.display()))
}

/// Makes sure that the file system of `dest` has room for so many bytes more.
///
/// # Errors
///
/// When it has not. Where it does not say, it is tried.
pub(super) fn room_for(dest: &Path, bytes: u64) -> Result<()> {
    if let Some(free) = free_space(parent(dest)).filter(|free| *free < bytes) {
        bail!(
            "there is no room for {}: {} free, {} needed",
            dest.display(),
            text::bytes(free),
            text::bytes(bytes)
        );
    }
    Ok(())
}

#[cfg(unix)]
fn free_space(directory: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(directory).ok()?;
    found.f_bavail.checked_mul(found.f_frsize)
}

#[cfg(not(unix))]
fn free_space(_directory: &Path) -> Option<u64> {
    None
}

/// Options of a file only its owner may read.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}

/// `DEST.part`: removed when dropped, unless it was kept or finished.
#[derive(Debug)]
pub struct PartFile {
    path: PathBuf,
    dest: PathBuf,
    force: bool,
    keep: bool,
    /// Whether the user wants to have it even if it is wrong.
    asked_for: bool,
    /// Whether it is encrypted, which cannot be gone on with: who began it
    /// could not read it either.
    sealed: bool,
    done: bool,
}

impl PartFile {
    /// Makes `DEST.part`, readable by its owner only. Never follows a link and
    /// never reuses what is there: a part of another archive is no beginning.
    ///
    /// # Errors
    ///
    /// When DEST or `DEST.part` exists, or the file cannot be made.
    pub fn create(dest: &Path, force: bool, keep: bool) -> Result<(Self, File)> {
        refuse_existing(dest, force)?;
        let path = with_suffix(dest, PART);
        if force && fs::symlink_metadata(&path).is_ok_and(|found| found.is_file()) {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        let file = private().read(true).create_new(true).open(&path).map_err(|error| {
            if error.kind() == io::ErrorKind::AlreadyExists {
                anyhow!(
                    "{} exists, from a download that ended early or still runs; continue it with `kubectl checkpoint pull`, remove it, or give --force",
                    path.display()
                )
            } else {
                anyhow!("cannot make {}: {error}", path.display())
            }
        })?;
        lock(&path, &file)?;
        let part =
            Self { path, dest: dest.to_owned(), force, keep, asked_for: keep, sealed: false, done: false };
        Ok((part, file))
    }

    /// Says that the file is encrypted.
    #[must_use]
    pub fn sealed(mut self, sealed: bool) -> Self {
        self.sealed = sealed;
        self
    }

    /// Makes `DEST.part` for an encrypted download, in place of one of a
    /// download that ended early: none can be continued.
    ///
    /// # Errors
    ///
    /// When DEST exists, or there is a plain part.
    pub fn anew(dest: &Path, force: bool) -> Result<(Self, File)> {
        refuse_existing(dest, force)?;
        let path = with_suffix(dest, PART);
        if fs::symlink_metadata(&path).is_ok_and(|found| found.is_file()) {
            let is_empty = fs::metadata(&path).is_ok_and(|found| found.len() == 0);
            if !force && !is_empty && !sealed::is_sealed(&path).unwrap_or(false) {
                bail!(
                    "{} is a part that is not encrypted; continue it without --encrypt-to, remove it, or give --force",
                    path.display()
                );
            }
            let file = File::open(&path).with_context(|| format!("cannot open {}", path.display()))?;
            lock(&path, &file)?;
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        let (part, file) = Self::create(dest, force, false)?;
        Ok((part.sealed(true), file))
    }

    /// Opens `DEST.part` to go on after its end; makes it where there is none.
    /// It stays when dropped, unless it is empty.
    ///
    /// # Errors
    ///
    /// When DEST exists, or `DEST.part` is not a file of the user's that nobody else writes.
    pub fn resume(dest: &Path, force: bool) -> Result<(Self, File)> {
        let path = with_suffix(dest, PART);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_file() => {}
            Ok(_) => bail!("{} exists and is not a regular file", path.display()),
            Err(_) => {
                let (mut part, file) = Self::create(dest, force, true)?;
                part.asked_for = false;
                return Ok((part, file));
            }
        }
        refuse_existing(dest, force)?;
        let mut options = private();
        options.read(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.custom_flags(i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits())?);
        }
        let file = options.open(&path).with_context(|| format!("cannot open {}", path.display()))?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            // Whoever made it: memory of a container is in it.
            file.set_permissions(fs::Permissions::from_mode(0o600))
                .with_context(|| format!("cannot keep {} from others", path.display()))?;
        }
        lock(&path, &file)?;
        if sealed::is_sealed(&path).unwrap_or(false) {
            bail!(
                "{} is of an encrypted download, which cannot be continued; give --encrypt-to again to begin anew, or remove it",
                path.display()
            );
        }
        Ok((
            Self {
                path,
                dest: dest.to_owned(),
                force,
                keep: true,
                asked_for: false,
                sealed: false,
                done: false,
            },
            file,
        ))
    }

    /// Decides what becomes of the file after an error, and says it: what can
    /// be continued stays, what is wrong goes.
    pub(super) fn settle(&mut self, error: &anyhow::Error, node: &str, archive: &str) -> String {
        self.settle_by(error, &text::escape(&format!("{node}/{archive}")))
    }

    /// The same on the node itself.
    pub(super) fn settle_local(&mut self, error: &anyhow::Error, archive: &str) -> String {
        self.settle_by(error, &format!("--local {}", text::escape(archive)))
    }

    fn settle_by(&mut self, error: &anyhow::Error, archive: &str) -> String {
        if error.is::<Mismatch>() {
            let wanted = self.keep && self.asked_for;
            self.keep = wanted;
            return if wanted {
                format!("{} is kept; it is wrong", self.path.display())
            } else {
                format!("{} is removed", self.path.display())
            };
        }
        if self.sealed {
            self.keep = self.asked_for;
            return format!(
                "what arrived is encrypted and cannot be continued: {} is {}\n  begin anew:  kubectl checkpoint pull {} {} --encrypt-to RECIPIENT",
                self.path.display(),
                if self.keep { "kept as it is" } else { "removed" },
                archive,
                self.dest.display()
            );
        }
        self.keep = true;
        format!(
            "{} is kept; it is not whole\n  go on:  kubectl checkpoint pull {} {}",
            self.path.display(),
            archive,
            self.dest.display()
        )
    }

    /// Gives the file, synced already, its final name. Nothing that appeared
    /// there meanwhile is overwritten unless that was asked for.
    ///
    /// # Errors
    ///
    /// When the name is taken or the file system refuses.
    pub fn finish(mut self) -> Result<()> {
        let dest = self.dest.clone();
        let named = if self.force {
            fs::rename(&self.path, &dest)
        } else {
            // Unlike rename, a link never replaces.
            match fs::hard_link(&self.path, &dest) {
                Ok(()) => fs::remove_file(&self.path),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
                // File systems without hard links.
                Err(_) if fs::symlink_metadata(&dest).is_err() => fs::rename(&self.path, &dest),
                Err(error) => Err(error),
            }
        };
        named.map_err(|error| {
            (self.keep, self.asked_for) = (true, true);
            anyhow!(
                "cannot give {} its name {}: {error}; it is whole and verified, rename it by hand",
                self.path.display(),
                dest.display()
            )
        })?;
        self.done = true;
        sync_directory(parent(&dest));
        Ok(())
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let empty = fs::symlink_metadata(&self.path).is_ok_and(|found| found.len() == 0);
        if !self.keep || (empty && !self.asked_for) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Keeps two downloads from writing to one file. Where the file system knows
/// no locks there is none.
fn lock(path: &Path, file: &File) -> Result<()> {
    if matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock)) {
        bail!("{} is being written by another download", path.display());
    }
    Ok(())
}

/// Makes a rename last. Some file systems cannot; the data is safe by then.
pub(super) fn sync_directory(directory: &Path) {
    if let Ok(directory) = File::open(directory) {
        let _ = directory.sync_all();
    }
}

/// Whether a file of that name can be an archive of the kubelet's making.
pub(super) fn is_archive_name(name: &str) -> bool {
    // The kubelet writes it so, and nodes' file systems tell case apart.
    name.starts_with("checkpoint-") && name.strip_suffix(".tar").is_some()
}

/// Checks the path of an archive that the kubelet named and splits it into
/// directory and name.
///
/// # Errors
///
/// When it is not the absolute path of a checkpoint archive: the directory
/// becomes a hostPath, and a kubelet is not to choose that freely.
pub fn split_node_path(path: &str) -> Result<(&str, &str)> {
    let bad = || {
        anyhow!("the kubelet named {:?}, which is not the path of a checkpoint archive", text::escape(path))
    };
    let (directory, name) = path.rsplit_once('/').ok_or_else(bad)?;
    let clean = directory.starts_with('/')
        && !path.chars().any(char::is_control)
        && directory.split('/').skip(1).all(|part| !part.is_empty() && part != "." && part != "..");
    if !clean || !is_archive_name(name) {
        return Err(bad());
    }
    Ok((directory, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_fit_for_any_system() {
        assert_eq!(
            local_name("/var/lib/kubelet/checkpoints/checkpoint-a_b-c-2026-11-23T17:23:57+01:00.tar"),
            "checkpoint-a_b-c-2026-11-23T17-23-57+01-00.tar"
        );
        assert_eq!(local_name("/x/..\u{1b}[2J"), "checkpoint-..__2J");
    }

    #[test]
    fn only_paths_of_archives_are_taken_from_the_kubelet() {
        let good = "/var/lib/kubelet/checkpoints/checkpoint-a_b-c-2026-11-23T17:23:57Z.tar";
        let (directory, name) = split_node_path(good).unwrap();
        assert_eq!(directory, "/var/lib/kubelet/checkpoints");
        assert!(name.starts_with("checkpoint-a_b-c"));
        for bad in [
            "/etc/shadow",
            "checkpoint-x.tar",
            "/checkpoint-x.tar",
            "relative/checkpoint-x.tar",
            "/a/../etc/checkpoint-x.tar",
            "/a//b/checkpoint-x.tar",
            "/a/checkpoint-x.tar\n",
            "/a\u{1b}/checkpoint-x.tar",
            "/a/checkpoint-x.tar.gz",
        ] {
            assert!(split_node_path(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_part_goes_away_unless_it_is_finished_or_kept() {
        let dir = tempfile::tempdir().unwrap();
        let dest = dir.path().join("a.tar");
        let part = dir.path().join("a.tar.part");
        let (file, _) = PartFile::create(&dest, false, false).unwrap();
        assert!(part.exists());
        drop(file);
        assert!(!part.exists());
        let (file, _) = PartFile::create(&dest, false, true).unwrap();
        drop(file);
        assert!(part.exists());
        let said = PartFile::create(&dest, false, false).unwrap_err().to_string();
        assert!(said.contains("--force"), "{said}");
        let (file, mut handle) = PartFile::create(&dest, true, false).unwrap();
        handle.write_all(b"whole").unwrap();
        file.finish().unwrap();
        assert!(!part.exists());
        assert_eq!(fs::read(&dest).unwrap(), b"whole");
    }

    #[test]
    fn nothing_is_overwritten_even_if_it_appears_late() {
        let dir = tempfile::tempdir().unwrap();
        let dest = dir.path().join("a.tar");
        let (file, _) = PartFile::create(&dest, false, false).unwrap();
        fs::write(&dest, "other").unwrap();
        assert!(file.finish().is_err());
        assert_eq!(fs::read(&dest).unwrap(), b"other");
        assert!(dir.path().join("a.tar.part").exists(), "the whole part stays");
    }

    #[cfg(unix)]
    #[test]
    fn files_are_private_and_links_are_not_followed() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let dir = tempfile::tempdir().unwrap();
        let dest = dir.path().join("a.tar");
        let victim = dir.path().join("victim");
        fs::write(&victim, "v").unwrap();
        symlink(&victim, dir.path().join("a.tar.part")).unwrap();
        assert!(PartFile::create(&dest, true, false).is_err());
        assert_eq!(fs::read(&victim).unwrap(), b"v");
        fs::remove_file(dir.path().join("a.tar.part")).unwrap();
        let (file, _) = PartFile::create(&dest, false, false).unwrap();
        file.finish().unwrap();
        let mode = fs::metadata(&dest).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn destinations_are_settled_before_anything_else() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.tar");
        assert_eq!(Destination::settle(Some(&file), false).unwrap(), Destination::File(file.clone()));
        fs::write(&file, "").unwrap();
        assert!(Destination::settle(Some(&file), false).is_err());
        assert!(Destination::settle(Some(&file), true).is_ok());
        let there = Destination::settle(Some(dir.path()), false).unwrap();
        assert_eq!(there.file_for("/c/checkpoint-a:b.tar", ""), Some(dir.path().join("checkpoint-a-b.tar")));
        assert_eq!(Destination::settle(Some(Path::new("-")), false).unwrap(), Destination::Stdout);
        for missing in ["nosuch/", "nosuch/x.tar"] {
            assert!(Destination::settle(Some(&dir.path().join(missing)), false).is_err());
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "probes are gone");
    }
}
