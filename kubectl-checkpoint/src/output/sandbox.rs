//! A directory that evidence is written to, and nothing else is.
//!
//! Every component of a path is opened below the one before it without
//! following links, and every file is made new: what evidence calls itself
//! can lead neither out of the directory nor through a link in it.
//!
//! A file has `.part` behind its name until it is complete: whatever ends the
//! program, what has its own name is whole.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};

/// How often a name is changed because another file has it.
const ATTEMPTS: u32 = 10_000;

/// A directory that is written to.
#[derive(Debug)]
pub struct Sandbox {
    path: PathBuf,
    root: Directory,
    /// Whether files that were there before are replaced.
    force: bool,
    /// Whether everything in the directory was made here.
    own: bool,
    /// Paths made so far, in lower case: some file systems do not tell the cases apart.
    made: HashSet<String>,
    /// Paths of files that are not complete, and what the files are called until then.
    parts: HashMap<String, String>,
}

impl Sandbox {
    /// Makes the directory, or takes it if it is empty; with `force` also if it is not.
    ///
    /// # Errors
    ///
    /// When it cannot be made, is no directory, or holds files.
    pub fn fresh(path: &Path, force: bool) -> anyhow::Result<Self> {
        match std::fs::create_dir(path) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                let mut entries = std::fs::read_dir(path)
                    .with_context(|| format!("read the directory {}", path.display()))?;
                if !force && entries.next().is_some() {
                    bail!(
                        "{} is not empty; give another directory, or --force to write into it",
                        path.display()
                    );
                }
            }
            Err(e) => return Err(e).with_context(|| format!("make the directory {}", path.display())),
        }
        Ok(Self { own: !force, ..Self::existing(path, force)? })
    }

    /// Takes a directory as it is.
    ///
    /// # Errors
    ///
    /// When it is no directory.
    pub fn existing(path: &Path, force: bool) -> anyhow::Result<Self> {
        let root = Directory::open(path).with_context(|| format!("open the directory {}", path.display()))?;
        Ok(Self {
            path: path.to_path_buf(),
            root,
            force,
            own: false,
            made: HashSet::new(),
            parts: HashMap::new(),
        })
    }

    /// Returns the path of the directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a file for writing; returns its path inside the directory, with `/` between components.
    ///
    /// It gets its name when [`Sandbox::complete`] is called with the path.
    ///
    /// The components must be safe already ([`super::component`]). Where two
    /// things would have one name, the second gets a number.
    ///
    /// # Errors
    ///
    /// When a file is there that was not made here, and in all ways that files fail.
    pub fn file(&mut self, components: &[&str]) -> anyhow::Result<(File, String)> {
        let Some((name, directories)) = components.split_last() else { bail!("a file needs a name") };
        let mut directory = self.root.again()?;
        let mut path = String::new();
        for component in directories {
            let (below, name) =
                self.below(&directory, component).with_context(|| self.shown(&path, component))?;
            directory = below;
            path.push_str(&name);
            path.push('/');
        }
        let file = self.place(&directory, &path, name).with_context(|| self.shown(&path, name))?;
        path.push_str(&file.1);
        Ok((file.0, path))
    }

    /// Gives a file that was made here its name.
    ///
    /// # Errors
    ///
    /// When another file has come to have that name, or the file cannot be renamed.
    pub fn complete(&mut self, path: &str) -> anyhow::Result<()> {
        let Some(part) = self.parts.remove(path) else { return Ok(()) };
        let (directory, name) = self.way(path)?;
        // What is there is replaced only where that was asked for, and at once: half a file is never seen.
        directory.rename(&part, name, self.force).with_context(|| self.shown("", path))
    }

    /// Removes a file that was made here, because it is not complete.
    pub fn discard(&mut self, path: &str) {
        let part = self.parts.remove(path);
        let Ok((directory, name)) = self.way(path) else { return };
        let _ = directory.remove(part.as_deref().unwrap_or(name));
        self.made.remove(&path.to_lowercase());
    }

    /// Goes to the directory of a path that was made here.
    fn way<'p>(&self, path: &'p str) -> io::Result<(Directory, &'p str)> {
        let mut directory = self.root.again()?;
        let mut rest = path;
        while let Some((first, more)) = rest.split_once('/') {
            directory = directory.enter(first)?;
            rest = more;
        }
        Ok((directory, rest))
    }

    fn shown(&self, path: &str, name: &str) -> String {
        format!("write {}", self.path.join(path).join(name).display())
    }

    /// Enters a directory, which is made if need be; a file of that name made here gives way.
    fn below(&self, directory: &Directory, name: &str) -> io::Result<(Directory, String)> {
        for attempt in 1..ATTEMPTS {
            let name = numbered(name, attempt);
            match directory.make(&name) {
                Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
                _ => {}
            }
            match directory.enter(&name) {
                Ok(below) => return Ok((below, name)),
                Err(e) if e.kind() == io::ErrorKind::NotADirectory && self.own => {}
                Err(e) => return Err(e),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    fn place(&mut self, directory: &Directory, path: &str, name: &str) -> anyhow::Result<(File, String)> {
        for attempt in 1..ATTEMPTS {
            let name = numbered(name, attempt);
            let key = format!("{path}{name}").to_lowercase();
            if self.made.contains(&key) {
                continue;
            }
            if let Some(kind) = directory.kind(&name)? {
                if self.own {
                    continue;
                }
                if !self.force {
                    bail!("the file exists; give another name, or --force to replace it");
                }
                // A directory is not removed, and neither is what is in it.
                if matches!(kind, Kind::Directory) {
                    continue;
                }
            }
            let (file, part) = self.part(directory, path, &name)?;
            self.made.insert(key);
            self.parts.insert(format!("{path}{name}"), part);
            return Ok((file, name));
        }
        bail!("more than {ATTEMPTS} files have this name")
    }

    /// Makes the file that will have that name.
    fn part(&mut self, directory: &Directory, path: &str, name: &str) -> anyhow::Result<(File, String)> {
        for attempt in 1..ATTEMPTS {
            let part = numbered(&format!("{name}{PART}"), attempt);
            let key = format!("{path}{part}").to_lowercase();
            if self.made.contains(&key) {
                continue;
            }
            let mut made = directory.create(&part);
            if self.force && made.as_ref().is_err_and(|e| e.kind() == io::ErrorKind::AlreadyExists) {
                // Left by a run that was ended.
                let _ = directory.remove(&part);
                made = directory.create(&part);
            }
            match made {
                Ok(file) => return Ok((file, part)),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e.into()),
            }
        }
        bail!("more than {ATTEMPTS} files have this name")
    }
}

/// What stands behind the name of a file that is not complete.
const PART: &str = ".part";

/// What has a name.
enum Kind {
    Directory,
    Other,
}

fn numbered(name: &str, attempt: u32) -> String {
    if attempt == 1 { name.to_owned() } else { format!("{name}~{attempt}") }
}

/// An open directory.
#[cfg(unix)]
#[derive(Debug)]
struct Directory(std::os::fd::OwnedFd);

#[cfg(unix)]
impl Directory {
    fn open(path: &Path) -> io::Result<Self> {
        use rustix::fs::{Mode, OFlags};
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::open(path, flags, Mode::empty())?))
    }

    fn again(&self) -> io::Result<Self> {
        Ok(Self(self.0.try_clone()?))
    }

    fn make(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::mkdirat(&self.0, name, rustix::fs::Mode::RWXU)?)
    }

    fn enter(&self, name: &str) -> io::Result<Self> {
        use rustix::fs::{Mode, OFlags};
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::openat(&self.0, name, flags, Mode::empty())?))
    }

    fn create(&self, name: &str) -> io::Result<File> {
        use rustix::fs::{Mode, OFlags};
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        // Nobody else may read it, and nothing out of evidence is ever executable.
        Ok(File::from(rustix::fs::openat(&self.0, name, flags, Mode::RUSR | Mode::WUSR)?))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.0, name, rustix::fs::AtFlags::empty())?)
    }

    /// Says what has a name; a link is not followed.
    fn kind(&self, name: &str) -> io::Result<Option<Kind>> {
        use rustix::fs::{AtFlags, FileType};
        match rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode).is_dir() => Ok(Some(Kind::Directory)),
            Ok(_) => Ok(Some(Kind::Other)),
            Err(rustix::io::Errno::NOENT) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    fn rename(&self, from: &str, to: &str, replace: bool) -> io::Result<()> {
        if replace {
            return Ok(rustix::fs::renameat(&self.0, from, &self.0, to)?);
        }
        // A second name is refused where there is one already, as a rename is not.
        match rustix::fs::linkat(&self.0, from, &self.0, to, rustix::fs::AtFlags::empty()) {
            Ok(()) => self.remove(from),
            Err(rustix::io::Errno::EXIST) => Err(io::ErrorKind::AlreadyExists.into()),
            // Some file systems have no second names.
            Err(_) if self.kind(to)?.is_none() => Ok(rustix::fs::renameat(&self.0, from, &self.0, to)?),
            Err(e) => Err(e.into()),
        }
    }
}

/// A directory by its path: other systems have no calls that take an open one.
#[cfg(not(unix))]
#[derive(Debug)]
struct Directory(PathBuf);

#[cfg(not(unix))]
impl Directory {
    fn open(path: &Path) -> io::Result<Self> {
        if !std::fs::metadata(path)?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self(path.to_path_buf()))
    }

    fn again(&self) -> io::Result<Self> {
        Ok(Self(self.0.clone()))
    }

    fn make(&self, name: &str) -> io::Result<()> {
        std::fs::create_dir(self.0.join(name))
    }

    fn enter(&self, name: &str) -> io::Result<Self> {
        let path = self.0.join(name);
        if !std::fs::symlink_metadata(&path)?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self(path))
    }

    fn create(&self, name: &str) -> io::Result<File> {
        std::fs::OpenOptions::new().write(true).create_new(true).open(self.0.join(name))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.0.join(name))
    }

    fn kind(&self, name: &str) -> io::Result<Option<Kind>> {
        match std::fs::symlink_metadata(self.0.join(name)) {
            Ok(meta) if meta.is_dir() => Ok(Some(Kind::Directory)),
            Ok(_) => Ok(Some(Kind::Other)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn rename(&self, from: &str, to: &str, replace: bool) -> io::Result<()> {
        if !replace && self.kind(to)?.is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        std::fs::rename(self.0.join(from), self.0.join(to))
    }
}

/// Blocks of zeros of this size are left out of the file.
const BLOCK: usize = 4096;

/// Writes a file with holes where there are zeros, and hashes it on the way.
#[derive(Debug)]
pub struct SparseFile {
    file: File,
    at: u64,
    /// Where the file really stands.
    position: u64,
    hash: Sha256,
}

impl SparseFile {
    /// Takes an empty file.
    pub fn new(file: File) -> Self {
        Self { file, at: 0, position: 0, hash: Sha256::new() }
    }

    /// Appends bytes.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        let mut from = 0;
        while from < bytes.len() {
            let is_zero = |block: &[u8]| block.iter().all(|b| *b == 0);
            let blocks = |bytes: &[u8], zero: bool| {
                bytes.chunks(BLOCK).take_while(|b| is_zero(b) == zero).map(<[u8]>::len).sum::<usize>()
            };
            let zeros = blocks(&bytes[from..], true);
            self.at += zeros as u64;
            from += zeros;
            let stored = blocks(&bytes[from..], false);
            if stored > 0 {
                if self.position != self.at {
                    self.file.seek(SeekFrom::Start(self.at))?;
                }
                self.file.write_all(&bytes[from..from + stored])?;
                self.at += stored as u64;
                self.position = self.at;
                from += stored;
            }
        }
        Ok(())
    }

    /// Leaves out bytes, which read as zeros.
    pub fn skip(&mut self, mut bytes: u64) {
        static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
        self.at += bytes;
        while bytes > 0 {
            let n = usize::try_from(bytes).unwrap_or(usize::MAX).min(ZEROS.len());
            self.hash.update(&ZEROS[..n]);
            bytes -= n as u64;
        }
    }

    /// Ends the file; returns its size and the hash of what reading it gives.
    ///
    /// # Errors
    ///
    /// When the file cannot have that size.
    pub fn finish(self) -> io::Result<(u64, String)> {
        self.file.set_len(self.at)?;
        let mut hash = String::with_capacity(64);
        for byte in self.hash.finalize() {
            use std::fmt::Write as _;
            let _ = write!(hash, "{byte:02x}");
        }
        Ok((self.at, hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(sandbox: &mut Sandbox, components: &[&str]) -> anyhow::Result<String> {
        let (mut file, path) = sandbox.file(components)?;
        file.write_all(b"new")?;
        sandbox.complete(&path)?;
        Ok(path)
    }

    #[test]
    fn names_that_are_taken_get_numbers() {
        let directory = tempfile::tempdir().unwrap();
        let mut sandbox = Sandbox::fresh(&directory.path().join("out"), false).unwrap();
        assert_eq!(put(&mut sandbox, &["a", "b"]).unwrap(), "a/b");
        assert_eq!(put(&mut sandbox, &["a", "b"]).unwrap(), "a/b~2");
        assert_eq!(put(&mut sandbox, &["a", "B"]).unwrap(), "a/B~3");
        assert_eq!(put(&mut sandbox, &["a", "b", "c"]).unwrap(), "a/b~3/c");
        assert_eq!(put(&mut sandbox, &["a"]).unwrap(), "a~2");
        sandbox.discard("a/b");
        assert!(!directory.path().join("out/a/b").exists());
    }

    #[test]
    fn what_was_there_before_stays() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("old"), "old").unwrap();
        assert!(Sandbox::fresh(directory.path(), false).is_err());
        let mut sandbox = Sandbox::existing(directory.path(), false).unwrap();
        assert!(put(&mut sandbox, &["old"]).is_err());
        assert_eq!(std::fs::read(directory.path().join("old")).unwrap(), b"old");
        let mut sandbox = Sandbox::fresh(directory.path(), true).unwrap();
        assert_eq!(put(&mut sandbox, &["old"]).unwrap(), "old");
        assert_eq!(std::fs::read(directory.path().join("old")).unwrap(), b"new");
    }

    #[test]
    fn what_is_not_complete_has_no_name() {
        let directory = tempfile::tempdir().unwrap();
        let names = || {
            let mut list: Vec<_> =
                std::fs::read_dir(directory.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
            list.sort();
            list
        };
        std::fs::write(directory.path().join("a"), "old").unwrap();
        let mut sandbox = Sandbox::existing(directory.path(), true).unwrap();
        let (mut file, path) = sandbox.file(&["a"]).unwrap();
        file.write_all(b"half").unwrap();
        assert_eq!(names(), ["a", "a.part"]);
        assert_eq!(std::fs::read(directory.path().join("a")).unwrap(), b"old");
        // The program ends here; the next run takes the name again.
        drop(sandbox);
        let mut sandbox = Sandbox::existing(directory.path(), true).unwrap();
        assert_eq!(put(&mut sandbox, &["a"]).unwrap(), path);
        assert_eq!(names(), ["a"]);
        assert_eq!(std::fs::read(directory.path().join("a")).unwrap(), b"new");
        let (_, path) = sandbox.file(&["b"]).unwrap();
        sandbox.discard(&path);
        assert_eq!(names(), ["a"]);
        // A file that came to have the name in the meantime stays.
        let mut sandbox = Sandbox::existing(directory.path(), false).unwrap();
        let (_, path) = sandbox.file(&["c"]).unwrap();
        std::fs::write(directory.path().join("c"), "theirs").unwrap();
        assert!(sandbox.complete(&path).is_err());
        assert_eq!(std::fs::read(directory.path().join("c")).unwrap(), b"theirs");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        use std::os::unix::fs::symlink;
        let directory = tempfile::tempdir().unwrap();
        let (inside, outside) = (directory.path().join("in"), directory.path().join("out"));
        std::fs::create_dir(&inside).unwrap();
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("victim"), "old").unwrap();
        symlink(&outside, inside.join("directory")).unwrap();
        symlink(outside.join("victim"), inside.join("file")).unwrap();
        let mut sandbox = Sandbox::fresh(&inside, true).unwrap();
        assert!(put(&mut sandbox, &["directory", "planted"]).is_err());
        assert!(!outside.join("planted").exists());
        // The link itself is replaced.
        assert_eq!(put(&mut sandbox, &["file"]).unwrap(), "file");
        assert_eq!(std::fs::read(outside.join("victim")).unwrap(), b"old");
        assert!(std::fs::symlink_metadata(inside.join("file")).unwrap().is_file());
    }

    #[test]
    fn holes_are_not_stored() {
        let directory = tempfile::tempdir().unwrap();
        let mut sandbox = Sandbox::fresh(&directory.path().join("out"), false).unwrap();
        let (file, name) = sandbox.file(&["sparse"]).unwrap();
        let mut sparse = SparseFile::new(file);
        sparse.write(b"head").unwrap();
        sparse.skip(10 << 20);
        sparse.write(&[0; 10_000]).unwrap();
        sparse.write(b"tail").unwrap();
        sparse.skip(1 << 20);
        let (size, hash) = sparse.finish().unwrap();
        sandbox.complete(&name).unwrap();
        let path = directory.path().join("out/sparse");
        let bytes = std::fs::read(&path).unwrap();
        let mut want = b"head".to_vec();
        want.resize(4 + (10 << 20) + 10_000, 0);
        want.extend_from_slice(b"tail");
        want.resize(want.len() + (1 << 20), 0);
        assert!(bytes == want);
        assert_eq!(size, want.len() as u64);
        let mut expected = String::new();
        for byte in Sha256::digest(&want) {
            use std::fmt::Write as _;
            write!(expected, "{byte:02x}").unwrap();
        }
        assert_eq!(hash, expected);
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            assert!(std::fs::metadata(&path).unwrap().blocks() * 512 < 1 << 20);
        }
    }
}
