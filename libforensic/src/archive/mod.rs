//! Where bytes are: an archive as an index of members.
//!
//! An [`Archive`] is a tar file (plain, gzip or zstd), a directory, or a tar
//! on a stream. Encrypted ones are opened by a [`Decrypt`]. Opening a plain tar reads headers only and seeks over the
//! contents, so it costs as much for 10 GiB of memory pages as for 10 MiB.
//! A compressed archive is read through once: small members stay in memory,
//! large ones are passed over unless the caller's [`Retention`] wants them,
//! and come into an unlinked spool file when they are asked for later.
//! Nothing is ever extracted to a named file.
//!
//! This layer knows nothing of CRIU.
//!
//! ```
//! # fn main() -> libforensic::Result<()> {
//! let archive = libforensic::archive::Archive::open("../examples/evidence/simple.tar")?;
//! let member = archive.member(b"config.dump").expect("podman writes one");
//! let json = archive.read(member)?;
//! assert!(json.starts_with(b"{"));
//! # Ok(())
//! # }
//! ```
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod cache;
mod compression;
mod directory;
mod index;
mod input;
mod oci;
mod sealed;
mod storage;
pub(crate) mod tar;

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

pub use compression::Compression;
pub(crate) use compression::not_criu;
pub use oci::Annotations;
pub use sealed::{Decrypt, is_encrypted};
pub use storage::{Data, DataReader, Segment};
pub use tar::MemberKind;

use crate::error::{Error, ErrorKind, Result, Warning, Warnings};
use crate::limits::Limits;
use storage::Store;

/// What kind of container the members came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// A tar file.
    Tar,
    /// A directory with the same content, or of CRIU images.
    Directory,
    /// An OCI or Docker image made from a checkpoint: the members are those of its layers.
    OciImage,
}

impl Format {
    /// Returns a stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tar => "tar",
            Self::Directory => "directory",
            Self::OciImage => "oci-image",
        }
    }
}

/// One member of an archive.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Member {
    /// The name without leading `./` and `/` and without a trailing slash; any bytes.
    pub name: Vec<u8>,
    /// What the member is.
    pub kind: MemberKind,
    /// Size in bytes as the header gives it, holes included.
    pub size: u64,
    /// Bytes that are really there; less than `size` when the archive is cut off.
    pub available: u64,
    /// Permission and type bits, as far as the header has them.
    pub mode: Option<u32>,
    /// Numeric owner.
    pub uid: Option<u64>,
    /// Numeric group.
    pub gid: Option<u64>,
    /// Modification time in seconds since the epoch.
    pub mtime: Option<i64>,
    /// Where a link points to; never followed.
    pub link: Option<Vec<u8>>,
    /// Where the contents begin in the (unpacked) archive, in bytes.
    pub offset: Option<u64>,
    extent: Extent,
    derived: bool,
}

impl Member {
    /// Returns true if the member is not in the archive, but was made here from others that are.
    pub fn is_derived(&self) -> bool {
        self.derived
    }

    /// Returns the name as text; bytes that are not UTF-8 become U+FFFD.
    pub fn display_name(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.name)
    }

    /// Returns the part of the name after the last slash.
    pub fn base_name(&self) -> &[u8] {
        self.name.rsplit(|b| *b == b'/').next().unwrap_or(&self.name)
    }

    /// Returns the part of the name before the last slash, empty at the top.
    pub fn directory(&self) -> &[u8] {
        let len = self.name.len().saturating_sub(self.base_name().len()).saturating_sub(1);
        self.name.get(..len).unwrap_or(&[])
    }

    /// Returns true if the archive ends before the member does.
    pub fn is_truncated(&self) -> bool {
        self.available < self.size
    }
}

#[derive(Debug, Clone)]
enum Extent {
    None,
    Stored(Data),
    /// A file of a directory archive, relative to its root.
    Path(PathBuf),
    /// Passed over while streaming; parts that were kept.
    Skipped(Arc<[(u64, Vec<u8>)]>),
}

/// What to keep of a large member of a compressed archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keep {
    /// Everything, in the spool if it is large.
    All,
    /// Nothing now; a later read unpacks the archive again.
    Nothing,
    /// These byte ranges, in memory.
    Ranges(Vec<Range<u64>>),
}

/// Decides, while a compressed archive streams by, what is kept of its large members.
pub trait Retention {
    /// Sees every small member's contents in archive order.
    fn small(&mut self, name: &[u8], data: &[u8]);
    /// Is asked about every large member.
    fn large(&mut self, name: &[u8], size: u64) -> Keep;
}

/// Keeps everything: one pass over the archive, pages in the spool.
#[derive(Debug, Default, Clone, Copy)]
pub struct KeepAll;

impl Retention for KeepAll {
    fn small(&mut self, _: &[u8], _: &[u8]) {}
    fn large(&mut self, _: &[u8], _: u64) -> Keep {
        Keep::All
    }
}

/// How an archive is opened.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct OpenOptions {
    /// What the archive may cost.
    pub limits: Limits,
    /// Where the spool of a compressed archive goes; the system's temporary directory by default.
    pub spool_directory: Option<PathBuf>,
    /// Where the unpacked form of compressed archives is kept for the next time; nowhere by default.
    ///
    /// The directory is made if it is not there, and must be the user's own.
    pub cache_directory: Option<PathBuf>,
    /// Counts the bytes of a compressed archive that were read, for whoever shows progress.
    pub progress: Option<Arc<AtomicU64>>,
    /// Opens an archive that is encrypted; without it such an archive is refused.
    pub decrypt: Option<Arc<dyn Decrypt>>,
}

/// An index of members, and the way to their bytes.
///
/// It can be shared between threads.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    format: Format,
    compression: Compression,
    bytes: Option<u64>,
    members: Vec<Member>,
    /// Members sorted by name, and those of one name by place. There are fewer than 2³² ([`Limits::members`]).
    by_name: Vec<u32>,
    cut: bool,
    annotations: Annotations,
    options: OpenOptions,
    source: Source,
    spool: OnceLock<Result<HashMap<usize, Data>, String>>,
    warnings: Warnings,
    notes: Vec<String>,
}

/// What a second pass reads from.
#[derive(Debug)]
enum Source {
    /// Everything is indexed; there is no second pass.
    Random,
    /// A compressed stream that can be read again.
    Compressed(Data),
    Directory(PathBuf),
}

impl Archive {
    /// Opens a file, a directory, or standard input for `-`.
    ///
    /// # Errors
    ///
    /// When there is no such file, or it is of no known format. Damage further
    /// in is not an error: see [`Archive::warnings`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, OpenOptions::default(), &mut KeepAll)
    }

    /// Opens like [`Archive::open`], with limits and a say in what is kept of compressed archives.
    ///
    /// # Errors
    ///
    /// As [`Archive::open`].
    pub fn open_with(
        path: impl AsRef<Path>,
        options: OpenOptions,
        retention: &mut dyn Retention,
    ) -> Result<Self> {
        let path = path.as_ref();
        if path.as_os_str() == "-" {
            return Self::from_reader(std::io::stdin(), path, options);
        }
        let open = |e| Error::io(format!("open {}", path.display()), e);
        let meta = std::fs::metadata(path).map_err(open)?;
        if meta.is_dir() {
            return Self::from_directory(path, options);
        }
        let file = File::open(path).map_err(open)?;
        if !meta.is_file() {
            // A fifo or a device, such as the shell's <(zcat …).
            return Self::from_reader(file, path, options);
        }
        let data = Data::whole(Arc::new(Store::File(file)), 0, meta.len());
        let mut notes = Vec::new();
        if let Some(directory) = options.cache_directory.clone() {
            let head = beginning(&mut data.reader())?;
            let compression = if is_encrypted(&head) {
                // Its owner wants no plain copy of it on a disk.
                notes.push("an encrypted archive is not kept in the cache".to_owned());
                Compression::None
            } else {
                compression::sniff(&head)?
            };
            if compression != Compression::None {
                match cache::open(&directory, &data, &meta, path, compression, &options)? {
                    Ok(cached) => {
                        let index = index::seekable(&cached.data, &options.limits)?;
                        let bytes = Some(meta.len());
                        let archive = Self::assemble(
                            path,
                            Format::Tar,
                            compression,
                            bytes,
                            index,
                            options,
                            Source::Random,
                        );
                        return Self { notes: cached.notes, ..archive }.into_image();
                    }
                    Err(why) => notes.push(format!("the archive is not kept in the cache: {why}")),
                }
            }
        }
        let archive = Self::from_data(data, path, options, retention)?;
        Ok(Self { notes, ..archive })
    }

    /// Returns the first bytes of a file, decrypted and unpacked if need be; fewer if there are no more.
    ///
    /// # Errors
    ///
    /// When it is no regular file, cannot be read or decrypted, or is of no known format.
    pub fn head(path: impl AsRef<Path>, bytes: usize, options: &OpenOptions) -> Result<Vec<u8>> {
        let path = path.as_ref();
        let open = |e| Error::io(format!("open {}", path.display()), e);
        let data = Data::of_file(path).map_err(open)?;
        let mut plain: Box<dyn Read + Send + '_> = Box::new(data.reader());
        let mut head = beginning(&mut data.reader())?;
        if is_encrypted(&head) {
            plain = sealed::reader(plain, options)?;
            head = beginning(&mut sealed::reader(Box::new(data.reader()), options)?)?;
        }
        let notes = compression::Notes::default();
        let mut stream = compression::decoder(compression::sniff(&head)?, plain, &options.limits, &notes)?;
        head.resize(bytes, 0);
        let got = read_up_to(&mut stream, &mut head).map_err(|e| Error::io("read", e))?;
        head.truncate(got);
        Ok(head)
    }

    /// Opens a root file system: a tar, an OCI layout or archive, or a Docker archive.
    ///
    /// The layers of an image are applied one over the other. Of an image for
    /// several machines the one for `architecture` (as in `amd64`) is taken.
    ///
    /// # Errors
    ///
    /// As [`Archive::open`]; when it is not clear which image is meant.
    pub fn open_root(
        path: impl AsRef<Path>,
        options: OpenOptions,
        architecture: Option<&str>,
    ) -> Result<Self> {
        let path = path.as_ref();
        let open = |e| Error::io(format!("open {}", path.display()), e);
        let archive = if std::fs::metadata(path).map_err(open)?.is_dir() {
            Self::list_directory(path, options)?
        } else {
            let data = Data::of_file(path).map_err(open)?;
            Self::index(data, path, options, &mut KeepAll)?
        };
        oci::flatten(archive, architecture)
    }

    /// Reads an archive from a stream, which is read once and to its end.
    ///
    /// `name` is what [`Archive::path`] returns.
    ///
    /// # Errors
    ///
    /// As [`Archive::open`].
    pub fn from_reader(
        mut reader: impl Read + Send,
        name: impl AsRef<Path>,
        options: OpenOptions,
    ) -> Result<Self> {
        let mut head = vec![0; 512];
        let got = read_up_to(&mut reader, &mut head).map_err(|e| Error::io("read", e))?;
        head.truncate(got);
        if is_encrypted(&head) {
            let sealed = Box::new(std::io::Cursor::new(head).chain(reader));
            let plain = sealed::reader(sealed, &options)?;
            // What is inside is not opened a second time.
            return Self::from_reader(plain, name, OpenOptions { decrypt: None, ..options });
        }
        let compression = compression::sniff(&head)?;
        let notes = compression::Notes::default();
        let whole = std::io::Cursor::new(head).chain(reader);
        let stream = compression::decoder(compression, whole, &options.limits, &notes)?;
        let index = index::stream(stream, &options, &mut KeepAll, true)?;
        let archive =
            Self::assemble(name.as_ref(), Format::Tar, compression, None, index, options, Source::Random);
        archive.take_notes(&notes);
        archive.into_image()
    }

    fn from_data(
        data: Data,
        path: &Path,
        options: OpenOptions,
        retention: &mut dyn Retention,
    ) -> Result<Self> {
        Self::index(data, path, options, retention)?.into_image()
    }

    /// Opens a member that is itself a tar, such as `rootfs-diff.tar`; it is never taken for an image.
    ///
    /// # Errors
    ///
    /// As [`Archive::open`].
    pub fn nested(&self, member: &Member) -> Result<Self> {
        let data = self.data(member)?;
        let name = member.display_name().into_owned();
        Self::index(data, Path::new(&name), self.options.clone(), &mut KeepAll)
            .map_err(|e| e.in_member(&member.name))
    }

    /// Opens what lies below a directory of this archive as an archive of its own.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if nothing lies there; as [`Archive::data`] where a compressed archive has to
    /// be unpacked once more.
    pub fn below(&self, directory: &[u8]) -> Result<Self> {
        let mut prefix = normalise(directory);
        prefix.push(b'/');
        let mut index = index::Index::default();
        for member in self.members.iter().filter(|m| m.name.starts_with(&prefix)) {
            let mut inner = member.clone();
            inner.name = member.name.get(prefix.len()..).unwrap_or_default().to_vec();
            if matches!(member.kind, MemberKind::File | MemberKind::Hardlink) {
                inner.extent = Extent::Stored(self.data(member)?);
                // The link's target has another name now, or lies outside.
                inner.kind = MemberKind::File;
            }
            index.members.push(inner);
        }
        let name = String::from_utf8_lossy(directory).into_owned();
        if index.members.is_empty() {
            return Err(Error::new(ErrorKind::NotFound, format!("the archive has no directory {name:?}")));
        }
        let path = self.path.join(name);
        let options = self.options.clone();
        Self::assemble(&path, Format::Tar, Compression::None, None, index, options, Source::Random)
            .into_image()
    }

    /// Opens a member that is itself an archive of a checkpoint, or an image that was made from one.
    ///
    /// # Errors
    ///
    /// As [`Archive::open`].
    pub fn inner(&self, member: &Member) -> Result<Self> {
        let data = self.data(member)?;
        let path = self.path.join(member.display_name().as_ref());
        Self::index(data, &path, self.options.clone(), &mut KeepAll)
            .and_then(Self::into_image)
            .map_err(|e| e.in_member(&member.name))
    }

    fn index(data: Data, path: &Path, options: OpenOptions, retention: &mut dyn Retention) -> Result<Self> {
        let head = beginning(&mut data.reader())?;
        if is_encrypted(&head) {
            let counted = Counted { inner: data.reader(), count: options.progress.clone() };
            let (plain, broken) = sealed::spool(Box::new(counted), &options)?;
            // Progress was that of the file; what is inside is not opened a second time.
            let options = OpenOptions { decrypt: None, progress: None, ..options };
            let archive = Self::index(plain, path, options, retention)?;
            if let Some(warning) = broken {
                archive.warnings.push(warning);
            }
            return Ok(archive);
        }
        let compression = compression::sniff(&head)?;
        let bytes = Some(data.len());
        if compression == Compression::None {
            let index = index::seekable(&data, &options.limits)?;
            return Ok(Self::assemble(path, Format::Tar, compression, bytes, index, options, Source::Random));
        }
        let notes = compression::Notes::default();
        let counted = Counted { inner: data.reader(), count: options.progress.clone() };
        let stream = compression::decoder(compression, counted, &options.limits, &notes)?;
        let mut index = index::stream(stream, &options, retention, false)
            .map_err(|e| Self::unpacked_foreign(&data, compression, &options).unwrap_or(e))?;
        if index.look_again {
            // The size of a member that was passed over is not true: with the
            // bytes at hand the walk can go on behind it.
            notes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clear();
            let stream = compression::decoder(compression, data.reader(), &options.limits, &notes)?;
            index = index::stream(stream, &options, &mut KeepAll, true)?;
        }
        let source = Source::Compressed(data);
        let archive = Self::assemble(path, Format::Tar, compression, bytes, index, options, source);
        archive.take_notes(&notes);
        Ok(archive)
    }

    /// Says what a compressed file holds that is no tar, if it is known.
    fn unpacked_foreign(data: &Data, compression: Compression, options: &OpenOptions) -> Option<Error> {
        let notes = compression::Notes::default();
        let mut stream = compression::decoder(compression, data.reader(), &options.limits, &notes).ok()?;
        let mut head = vec![0; 512];
        let got = read_up_to(&mut stream, &mut head).ok()?;
        let name = compression::not_criu(head.get(..got)?)?;
        Some(Error::new(ErrorKind::UnsupportedFormat, format!("this is {name} ({})", compression.as_str())))
    }

    fn from_directory(path: &Path, options: OpenOptions) -> Result<Self> {
        Self::list_directory(path, options)?.into_image()
    }

    fn list_directory(path: &Path, options: OpenOptions) -> Result<Self> {
        let index = directory::index(path, &options.limits)?;
        let source = Source::Directory(path.to_path_buf());
        let bytes = index.members.iter().fold(0_u64, |n, m| n.saturating_add(m.size));
        Ok(Self::assemble(path, Format::Directory, Compression::None, Some(bytes), index, options, source))
    }

    fn into_image(self) -> Result<Self> {
        oci::resolve(self)
    }

    fn assemble(
        path: &Path,
        format: Format,
        compression: Compression,
        bytes: Option<u64>,
        mut index: index::Index,
        options: OpenOptions,
        source: Source,
    ) -> Self {
        let warnings = index.warnings;
        index.members.shrink_to_fit();
        let at = |i: &u32| usize::try_from(*i).ok().and_then(|i| index.members.get(i));
        let name_of = |i: &u32| at(i).map_or(&[][..], |m| m.name.as_slice());
        let mut by_name: Vec<u32> = (0..u32::try_from(index.members.len()).unwrap_or(u32::MAX)).collect();
        by_name.sort_unstable_by(|a, b| name_of(a).cmp(name_of(b)).then(a.cmp(b)));
        for pair in by_name.windows(2) {
            if let [first, second] = pair
                && name_of(first) == name_of(second)
                && at(second).is_some_and(|m| m.kind == MemberKind::File)
            {
                // tar's rule: the last one counts.
                warnings.push(
                    Warning::new("the name occurs more than once; the last member is taken")
                        .in_member(name_of(second)),
                );
            }
        }
        Self {
            path: path.to_path_buf(),
            format,
            compression,
            bytes,
            cut: index.cut,
            members: index.members,
            by_name,
            annotations: Annotations::default(),
            options,
            source,
            spool: OnceLock::new(),
            warnings,
            notes: Vec::new(),
        }
    }

    fn take_notes(&self, notes: &compression::Notes) {
        let mut notes = notes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for warning in notes.drain(..) {
            self.warnings.push(warning);
        }
    }

    /// Returns the path the archive was opened by, `-` for standard input.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what the members came in.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Returns how the archive is compressed.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// Returns the size of the archive file (the sum of the files of a directory) in bytes.
    pub fn bytes(&self) -> Option<u64> {
        self.bytes
    }

    /// Returns the limits the archive was opened with.
    pub fn limits(&self) -> &Limits {
        &self.options.limits
    }

    /// Returns the annotations of the image that the checkpoint was packed in, if it was.
    pub fn annotations(&self) -> &Annotations {
        &self.annotations
    }

    /// Adds members that were made from others. One of that name in the archive itself counts more.
    pub(crate) fn derive(&mut self, made: impl IntoIterator<Item = (Vec<u8>, Vec<u8>)>) {
        let mut members = Vec::new();
        for (name, bytes) in made {
            if self.member(&name).is_some() {
                let what = "a triage holds no such image: this one is read as it is";
                self.warnings.push(Warning::new(what).in_member(&name));
                continue;
            }
            let size = bytes.len() as u64;
            members.push(Member {
                name,
                kind: MemberKind::File,
                size,
                available: size,
                mode: None,
                uid: None,
                gid: None,
                mtime: None,
                link: None,
                offset: None,
                extent: Extent::Stored(Data::whole(Arc::new(Store::Bytes(bytes)), 0, size)),
                derived: true,
            });
        }
        let place = |members: &[Member]| u32::try_from(members.len()).unwrap_or(u32::MAX);
        let first = place(&self.members);
        self.members.extend(members);
        self.by_name.extend(first..place(&self.members));
        let members = &self.members;
        let at = |i: &u32| usize::try_from(*i).ok().and_then(|i| members.get(i));
        let name = |i: &u32| at(i).map_or(&[][..], |member| member.name.as_slice());
        // Stable: members of one name stay in their order.
        self.by_name.sort_by(|a, b| name(a).cmp(name(b)));
    }

    /// Returns all members in the order of the archive.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Returns the member of that name; the last one where several have it.
    pub fn member(&self, name: &[u8]) -> Option<&Member> {
        self.position(name).and_then(|i| self.members.get(i))
    }

    /// Returns where in [`Archive::members`] the member of that name is.
    pub fn position(&self, name: &[u8]) -> Option<usize> {
        let name_of = |i: &u32| self.at(*i).map_or(&[][..], |m| m.name.as_slice());
        let behind = self.by_name.partition_point(|i| name_of(i) <= name);
        let last = behind.checked_sub(1).and_then(|at| self.by_name.get(at))?;
        (name_of(last) == name).then_some(usize::try_from(*last).ok()).flatten()
    }

    /// Returns the members whose names begin so, in the order of the archive.
    pub(crate) fn starting_with(&self, start: &[u8]) -> impl Iterator<Item = &Member> + use<'_> {
        let name_of = |i: &u32| self.at(*i).map_or(&[][..], |m| m.name.as_slice());
        let first = self.by_name.partition_point(|i| name_of(i) < start);
        let rest = self.by_name.get(first..).unwrap_or_default();
        let mut found: Vec<u32> =
            rest.iter().copied().take_while(|i| name_of(i).starts_with(start)).collect();
        crate::meter::many(found.len() as u64);
        found.sort_unstable();
        found.into_iter().filter_map(|i| self.at(i))
    }

    fn at(&self, index: u32) -> Option<&Member> {
        usize::try_from(index).ok().and_then(|i| self.members.get(i))
    }

    /// Returns true if the archive ends before its end mark, or cannot be read to its end.
    pub fn is_cut_off(&self) -> bool {
        self.cut
    }

    /// Returns what could not be read so far, and oddities of the archive.
    pub fn warnings(&self) -> Vec<Warning> {
        self.warnings.to_vec()
    }

    /// Returns what happened to the cache, where there is one; none of it concerns the evidence.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Returns the bytes of a member for reading by position.
    ///
    /// For large members of a compressed archive the first call unpacks the
    /// archive once more, into the spool.
    ///
    /// # Errors
    ///
    /// When the member has no contents, is gone, or the spool cannot be written.
    pub fn data(&self, member: &Member) -> Result<Data> {
        match &member.extent {
            Extent::Stored(data) => Ok(data.clone()),
            Extent::Path(relative) => {
                directory::open(&self.path_of_root(), relative).map_err(|e| e.in_member(&member.name))
            }
            Extent::Skipped(_) => self.spooled(member),
            Extent::None => {
                if member.kind == MemberKind::Hardlink {
                    if let Some(target) = member.link.as_deref().and_then(|l| self.member(&normalise(l)))
                        && target.kind == MemberKind::File
                    {
                        return self.data(target);
                    }
                    return Err(Error::new(
                        ErrorKind::NotFound,
                        "the target of the hard link is not in the archive",
                    )
                    .in_member(&member.name));
                }
                Err(Error::new(ErrorKind::NotFound, "the member has no contents").in_member(&member.name))
            }
        }
    }

    /// Returns the member whose contents this one has: itself, or of a hard link the file it leads to.
    pub fn resolved<'a>(&'a self, member: &'a Member) -> &'a Member {
        let target = member.link.as_deref().filter(|_| member.kind == MemberKind::Hardlink);
        let target = target.and_then(|link| self.member(&normalise(link)));
        target.filter(|t| t.kind == MemberKind::File).unwrap_or(member)
    }

    /// Says why a member has no contents that are read; `None` for files, and hard links to files.
    ///
    /// Symbolic links are never followed: what they lead to is for the evidence to say.
    pub fn irregular(&self, member: &Member) -> Option<String> {
        let target = || member.link.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        match self.resolved(member).kind {
            MemberKind::File => None,
            MemberKind::Directory => Some("is a directory, not a regular file: it is not read".to_owned()),
            MemberKind::Symlink => {
                Some(format!("is a symbolic link to {:?}, which is not followed: it is not read", target()))
            }
            MemberKind::Hardlink => Some(format!(
                "is a hard link to {:?}, which is no file of the archive: it is not read",
                target()
            )),
            MemberKind::Other => {
                Some("is a named pipe, a device or the like, not a regular file: it is not read".to_owned())
            }
        }
    }

    /// Returns all bytes of a member, at most [`Limits::member_bytes`].
    ///
    /// # Errors
    ///
    /// As [`Archive::data`]; when the member is too large.
    pub fn read(&self, member: &Member) -> Result<Vec<u8>> {
        self.data(member)?.to_vec(self.options.limits.member_bytes).map_err(|e| e.in_member(&member.name))
    }

    /// Reads from a member by position, from kept ranges if possible.
    ///
    /// Returns the number of bytes read, 0 at the end.
    ///
    /// # Errors
    ///
    /// As [`Archive::data`]; when a read fails.
    pub fn read_at(&self, member: &Member, offset: u64, buf: &mut [u8]) -> Result<usize> {
        if let Extent::Skipped(kept) = &member.extent {
            for (start, bytes) in kept.iter() {
                let Some(inside) = offset.checked_sub(*start) else { continue };
                let Some(rest) = usize::try_from(inside).ok().and_then(|i| bytes.get(i..)) else { continue };
                let n = rest.len().min(buf.len());
                if n == 0 {
                    continue;
                }
                if let (Some(to), Some(from)) = (buf.get_mut(..n), rest.get(..n)) {
                    to.copy_from_slice(from);
                }
                return Ok(n);
            }
        }
        self.data(member)?
            .read_at(offset, buf)
            .map_err(|e| Error::io("read", e).in_member(&member.name).at(offset))
    }

    fn path_of_root(&self) -> PathBuf {
        match &self.source {
            Source::Directory(root) => root.clone(),
            Source::Random | Source::Compressed(_) => self.path.clone(),
        }
    }

    /// Unpacks all members that the first pass left out, once.
    fn spooled(&self, member: &Member) -> Result<Data> {
        let spooled = self.spool.get_or_init(|| self.fill_spool().map_err(|e| e.to_string()));
        let spooled =
            spooled.as_ref().map_err(|e| Error::new(ErrorKind::Io, e.clone()).in_member(&member.name))?;
        // Of members with one name the one further back has the larger offset.
        let key = (member.name.as_slice(), member.offset);
        let found = self.by_name.binary_search_by(|i| {
            self.at(*i).map_or((&[][..], None), |m| (m.name.as_slice(), m.offset)).cmp(&key)
        });
        let index = found.ok().and_then(|at| self.by_name.get(at)).and_then(|i| usize::try_from(*i).ok());
        index.and_then(|i| spooled.get(&i)).cloned().ok_or_else(|| {
            Error::new(ErrorKind::Truncated, "the archive is cut off before this member")
                .in_member(&member.name)
        })
    }

    fn fill_spool(&self) -> Result<HashMap<usize, Data>> {
        let Source::Compressed(data) = &self.source else { return Ok(HashMap::new()) };
        let notes = compression::Notes::default();
        let stream = compression::decoder(self.compression, data.reader(), &self.options.limits, &notes)?;
        index::spool(stream, &self.options, &self.members)
    }
}

/// Reads as much as tells what a file is.
fn beginning(reader: &mut impl Read) -> Result<Vec<u8>> {
    let mut head = vec![0; 512];
    let got = read_up_to(reader, &mut head).map_err(|e| Error::io("read", e))?;
    head.truncate(got);
    Ok(head)
}

/// Counts what is read.
struct Counted<R> {
    inner: R,
    count: Option<Arc<AtomicU64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buf)?;
        if let Some(count) = &self.count {
            count.fetch_add(n as u64, Ordering::Relaxed);
        }
        Ok(n)
    }
}

/// Takes leading `./` and `/` and trailing slashes off a member name.
pub(crate) fn normalise(name: &[u8]) -> Vec<u8> {
    let mut rest = name;
    loop {
        if let Some(r) = rest.strip_prefix(b"./") {
            rest = r;
        } else if let Some(r) = rest.strip_prefix(b"/") {
            rest = r;
        } else {
            break;
        }
    }
    while let Some(r) = rest.strip_suffix(b"/") {
        rest = r;
    }
    if rest == b"." { Vec::new() } else { rest.to_vec() }
}

fn read_up_to(reader: &mut impl Read, buf: &mut [u8]) -> std::io::Result<usize> {
    let mut got = 0_usize;
    while let Some(rest) = buf.get_mut(got..) {
        if rest.is_empty() {
            break;
        }
        match reader.read(rest) {
            Ok(0) => break,
            Ok(n) => got = got.saturating_add(n),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(got)
}
