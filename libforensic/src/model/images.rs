//! The CRIU images of an archive, by name, with warnings for what is damaged.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use prost::{Message, Name};

use crate::archive::{Archive, DataReader, Member, MemberKind};
use crate::error::{Warning, Warnings};
use crate::image;

/// Finds and decodes CRIU images inside an [`Archive`].
#[derive(Debug)]
pub(crate) struct Images {
    pub(crate) archive: Arc<Archive>,
    /// Directory of the images inside the archive with a trailing slash, or empty.
    prefix: Vec<u8>,
    pub(crate) warnings: Warnings,
    parent: OnceLock<Option<Arc<Images>>>,
    /// Bytes of images read and records of files decoded so far.
    #[cfg(test)]
    pub(crate) steps: [std::sync::atomic::AtomicU64; 2],
}

impl Images {
    fn new(archive: Arc<Archive>, prefix: Vec<u8>) -> Self {
        Self {
            archive,
            prefix,
            warnings: Warnings::default(),
            parent: OnceLock::new(),
            #[cfg(test)]
            steps: Default::default(),
        }
    }

    /// Looks for the directory that holds the images; `None` if no CRIU image is there.
    pub(crate) fn locate(archive: Arc<Archive>) -> (Self, bool) {
        let prefix = find_prefix(&archive);
        let found = prefix.is_some();
        (Self::new(archive, prefix.unwrap_or_else(|| b"checkpoint/".to_vec())), found)
    }

    /// Says which other dumps are in the archive: each directory that has a process table of its own
    /// and is no parent of this dump.
    pub(crate) fn say_others(&self) {
        let directory = |m: &Member| match m.directory() {
            b"" => Vec::new(),
            directory => [directory, b"/"].concat(),
        };
        let members = self.archive.members().iter();
        let mut others: BTreeSet<Vec<u8>> = members
            .filter(|m| m.kind == MemberKind::File && m.base_name() == b"pstree.img")
            .map(directory)
            .collect();
        let mut prefix = self.prefix.clone();
        while others.remove(&prefix) {
            let parent = self.archive.member(&[prefix.as_slice(), b"parent"].concat());
            let target = parent.and_then(|m| m.link.as_deref()).and_then(|t| resolve_link(&prefix, t));
            let Some(target) = target.filter(|t| !t.is_empty()) else { break };
            prefix = [target.as_slice(), b"/"].concat();
        }
        for other in others {
            let name = |directory: &[u8]| match directory {
                b"" => "the top directory".to_owned(),
                directory => format!("{:?}", String::from_utf8_lossy(directory)),
            };
            let what = format!(
                "there is another dump in {}; only that in {} is looked at: open the other by itself",
                name(&other),
                name(&self.prefix)
            );
            self.warnings.push(Warning::new(what));
        }
    }

    /// Returns the directory of the images, with a trailing slash, or nothing.
    pub(crate) fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// Returns the member that holds the image of that file name.
    pub(crate) fn find(&self, name: &str) -> Option<&Member> {
        let mut full = self.prefix.clone();
        full.extend_from_slice(name.as_bytes());
        self.archive.member(&full).map(|m| self.archive.resolved(m))
    }

    /// Returns true if contents of deleted files are among the images.
    pub(crate) fn has_ghosts(&self) -> bool {
        self.archive.starting_with(&[self.prefix.as_slice(), b"ghost-file-"].concat()).next().is_some()
    }

    /// Returns the place of an image in the archive's list of members.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        let mut full = self.prefix.clone();
        full.extend_from_slice(name.as_bytes());
        let at = self.archive.position(&full)?;
        match self.archive.members().get(at) {
            Some(m) if m.kind == MemberKind::Hardlink => {
                self.archive.position(&self.archive.resolved(m).name)
            }
            _ => Some(at),
        }
    }

    /// Returns a reader of an image, or `None` if there is none or it cannot be read (with a warning).
    pub(crate) fn open(&self, name: &str) -> Option<std::io::BufReader<DataReader>> {
        let member = self.find(name)?;
        match self.archive.data(member).and_then(|data| Ok(data.dense()?.reader())) {
            Ok(reader) => Some(std::io::BufReader::with_capacity(64 << 10, reader)),
            Err(e) => {
                self.warnings.push(Warning::from(&e.in_member(&member.name)));
                None
            }
        }
    }

    /// Returns the members of the image directory whose base name begins so.
    ///
    /// A link or device of such a name becomes a warning.
    pub(crate) fn starting_with(&self, start: &str) -> impl Iterator<Item = &Member> + use<'_> {
        let len = self.prefix.len();
        let start = [self.prefix.as_slice(), start.as_bytes()].concat();
        self.archive.starting_with(&start).filter(move |m| {
            m.kind != MemberKind::Directory
                && !m.name.get(len..).unwrap_or_default().contains(&b'/')
                && !self.is_irregular(m)
        })
    }

    /// Returns true, and says so in a warning, if a member that is expected to be a file is none.
    pub(crate) fn is_irregular(&self, member: &Member) -> bool {
        let Some(what) = self.archive.irregular(member) else { return false };
        self.warnings.push(Warning::new(what).in_member(&member.name));
        true
    }

    /// Returns the images called `PREFIXnumber.img` with their numbers, in the order of these.
    pub(crate) fn numbered(&self, prefix: &str) -> Vec<(u32, String)> {
        let mut found: Vec<(u32, String)> = self
            .starting_with(prefix)
            .filter_map(|m| {
                let name = std::str::from_utf8(m.base_name()).ok()?;
                let number = name.strip_prefix(prefix)?.strip_suffix(".img")?.parse().ok()?;
                Some((number, name.to_owned()))
            })
            .collect();
        found.sort();
        found
    }

    /// Returns the bytes of an image, or `None` if there is none or it cannot be read (with a warning).
    pub(crate) fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let member = self.find(name)?;
        if self.is_irregular(member) {
            return None;
        }
        match self.archive.read(member) {
            Ok(bytes) => {
                #[cfg(test)]
                self.count(0, bytes.len() as u64);
                Some(bytes)
            }
            Err(e) => {
                self.warnings.push(Warning::from(&e));
                None
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn count(&self, which: usize, steps: u64) {
        self.steps[which].fetch_add(steps, std::sync::atomic::Ordering::Relaxed);
    }

    /// Decodes all records of an image; what is damaged becomes a warning.
    ///
    /// `None` means that there is no such image, an empty list that it has no records.
    pub(crate) fn all<M: Message + Name + Default>(&self, name: &str) -> Option<Vec<(u64, M)>> {
        let bytes = self.bytes(name)?;
        Some(self.decode(name, &bytes))
    }

    /// Decodes all records of image bytes.
    pub(crate) fn decode<M: Message + Name + Default>(&self, name: &str, bytes: &[u8]) -> Vec<(u64, M)> {
        // An image of another kind under this name has no records of this type:
        // without a word it would look like an empty one.
        let kind = image::Kind::from_file_name(name.as_bytes()).map(|(kind, _)| kind);
        let limits = image::Limits { record: self.archive.limits().record_bytes, ..image::Limits::default() };
        let (records, errors) = image::read_all_as::<M>(kind, bytes, limits);
        for e in errors {
            self.warn(name, Some(e.offset()), &e.to_string());
        }
        records
    }

    /// Decodes the first record of an image that should have one.
    pub(crate) fn one<M: Message + Name + Default>(&self, name: &str) -> Option<M> {
        let mut records = self.all::<M>(name)?;
        if records.is_empty() {
            self.warn(name, None, "the image holds no readable record");
            return None;
        }
        Some(records.swap_remove(0).1)
    }

    /// As [`Images::one`], but says nothing when the image is missing.
    pub(crate) fn optional<M: Message + Name + Default>(&self, name: &str) -> Option<M> {
        self.find(name)?;
        self.one(name)
    }

    /// As [`Images::one`], and says so when the image is missing.
    pub(crate) fn required<M: Message + Name + Default>(&self, name: &str) -> Option<M> {
        if self.find(name).is_none() {
            self.warn(name, None, "the image is missing");
            return None;
        }
        self.one(name)
    }

    /// Decodes the first record of an image, and says nothing if that cannot be: for what only helps to judge.
    pub(crate) fn peek<M: Message + Name + Default>(&self, name: &str) -> Option<M> {
        let member = self.find(name)?;
        if self.archive.irregular(member).is_some() {
            return None;
        }
        let bytes = self.archive.read(member).ok()?;
        #[cfg(test)]
        self.count(0, bytes.len() as u64);
        let kind = image::Kind::from_file_name(name.as_bytes()).map(|(kind, _)| kind);
        let limits = image::Limits { record: self.archive.limits().record_bytes, ..image::Limits::default() };
        let (records, _) = image::read_all_as::<M>(kind, &bytes, limits);
        records.into_iter().next().map(|(_, record)| record)
    }

    pub(crate) fn warn(&self, name: &str, offset: Option<u64>, what: &str) {
        let mut full = self.prefix.clone();
        full.extend_from_slice(name.as_bytes());
        let mut warning = Warning::new(what).in_member(full);
        warning.offset = offset;
        self.warnings.push(warning);
    }
}

/// `checkpoint/` in all engines' archives, the top in a bare directory, anything in others.
fn find_prefix(archive: &Archive) -> Option<Vec<u8>> {
    const MARKS: [&[u8]; 4] = [b"pstree.img", b"inventory.img", b"files.img", b"core-1.img"];
    for prefix in [b"checkpoint/".as_slice(), b""] {
        for mark in MARKS {
            let mut name = prefix.to_vec();
            name.extend_from_slice(mark);
            if archive.member(&name).is_some() {
                return Some(prefix.to_vec());
            }
        }
    }
    // Podman's pre-checkpoint/, an archive with a top directory, a pod's container directory.
    let found = MARKS.iter().find_map(|mark| {
        archive
            .members()
            .iter()
            .filter(|m| m.kind == MemberKind::File && m.base_name() == *mark)
            .min_by_key(|m| (m.name.len(), m.name.as_slice()))
    })?;
    let mut prefix = found.directory().to_vec();
    prefix.push(b'/');
    Some(prefix)
}

/// Largest file that can be a symbolic link written out, in bytes.
const LINK_FILE_BYTES: u64 = 4096;
/// How far up a `parent` link may lead out of the evidence directory.
const PARENT_STEPS_UP: usize = 2;

impl Images {
    /// Returns the images of the parent dump that the `parent` link names, if they are here.
    ///
    /// An incremental dump holds a symbolic link `parent`. In a directory it
    /// leads to a directory beside it; in an archive it can only lead to
    /// members of the same archive (Podman's `pre-checkpoint`).
    pub(crate) fn parent(self: &Arc<Self>) -> Option<Arc<Self>> {
        self.parent.get_or_init(|| self.find_parent()).clone()
    }

    /// Returns the parent if it was looked for already.
    pub(crate) fn loaded_parent(&self) -> Option<&Arc<Self>> {
        self.parent.get().and_then(Option::as_ref)
    }

    /// Takes these images for the parent dump, whatever the link says.
    pub(crate) fn set_parent(&self, parent: Arc<Self>) {
        let _ = self.parent.set(Some(parent));
    }

    fn find_parent(&self) -> Option<Arc<Self>> {
        let link = self.find("parent")?;
        let target = match link.kind {
            MemberKind::Symlink => link.link.clone()?,
            // Copies by way of git or ZIP turn symbolic links into small files that hold the target.
            MemberKind::File if link.size <= LINK_FILE_BYTES => {
                let bytes = self.archive.read(link).ok()?;
                bytes.strip_suffix(b"\n").unwrap_or(&bytes).to_vec()
            }
            _ => return None,
        };
        if let Some(inside) = resolve_link(&self.prefix, &target) {
            let mut prefix = inside;
            if !prefix.is_empty() {
                prefix.push(b'/');
            }
            if self
                .archive
                .members()
                .iter()
                .any(|m| m.name.starts_with(&prefix) && m.base_name().starts_with(b"pagemap-"))
                && prefix != self.prefix
            {
                return Some(Arc::new(Self::new(Arc::clone(&self.archive), prefix)));
            }
        }
        if self.archive.format() != crate::archive::Format::Directory {
            self.warn("parent", None, "the parent dump is not in this archive");
            return None;
        }
        match self.open_parent(&target) {
            Ok(images) => Some(images),
            Err(what) => {
                self.warn("parent", None, &what);
                None
            }
        }
    }

    fn open_parent(&self, target: &[u8]) -> Result<Arc<Self>, String> {
        let target =
            std::str::from_utf8(target).map_err(|_| "the link to the parent dump is not UTF-8".to_owned())?;
        let up = target.split('/').filter(|p| *p == "..").count();
        if target.starts_with('/') || up > PARENT_STEPS_UP {
            return Err("the link to the parent dump leads away from the evidence and is not followed; give it with --parent".to_owned());
        }
        let prefix = String::from_utf8_lossy(&self.prefix).into_owned();
        let mut path = self.archive.path().join(prefix);
        for part in target.split('/').filter(|part| !part.is_empty() && *part != ".") {
            path.push(part);
            // The first link is CRIU's own; another one was made by someone else.
            if part != ".." && std::fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink()) {
                return Err(format!(
                    "the link to the parent dump leads over another link, {part:?}, and is not followed; give it with --parent"
                ));
            }
        }
        let archive = Archive::open(&path).map_err(|e| format!("the parent dump: {e}"))?;
        let (images, found) = Self::locate(Arc::new(archive));
        // A parent made by pre-dump holds page maps and an inventory only.
        if !found && images.starting_with("pagemap-").next().is_none() {
            return Err("the parent directory holds no page maps".to_owned());
        }
        Ok(Arc::new(images))
    }
}

/// Resolves a relative link from a directory of the archive; `None` if it leads out.
fn resolve_link(prefix: &[u8], target: &[u8]) -> Option<Vec<u8>> {
    if target.starts_with(b"/") {
        return None;
    }
    let mut parts: Vec<&[u8]> = prefix.split(|b| *b == b'/').filter(|p| !p.is_empty()).collect();
    for part in target.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join(&b'/'))
}
