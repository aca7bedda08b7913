//! Open files: CRIU's file table and the descriptors that point into it.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use prost::Message;

use super::images::Images;
use super::text::Text;
use crate::image::schema::{self, Message as Schema};
use crate::image::{Kind, Records, decode_bounded, proto};

/// CRIU's file types (`fd_types` in fdinfo.proto).
pub(crate) mod kind {
    pub(crate) const REG: i32 = 1;
    pub(crate) const PIPE: i32 = 2;
    pub(crate) const FIFO: i32 = 3;
    pub(crate) const INETSK: i32 = 4;
    pub(crate) const UNIXSK: i32 = 5;
    pub(crate) const EVENTFD: i32 = 6;
    pub(crate) const EVENTPOLL: i32 = 7;
    pub(crate) const INOTIFY: i32 = 8;
    pub(crate) const SIGNALFD: i32 = 9;
    pub(crate) const PACKETSK: i32 = 10;
    pub(crate) const TTY: i32 = 11;
    pub(crate) const FANOTIFY: i32 = 12;
    pub(crate) const NETLINKSK: i32 = 13;
    pub(crate) const NS: i32 = 14;
    pub(crate) const TUNF: i32 = 15;
    pub(crate) const EXT: i32 = 16;
    pub(crate) const TIMERFD: i32 = 17;
    pub(crate) const MEMFD: i32 = 18;
    pub(crate) const BPFMAP: i32 = 19;
    pub(crate) const PIDFD: i32 = 20;
}

/// How a path that no longer leads to its file was kept (`remap_type` in remap-file-path.proto).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Remap {
    /// CRIU made a hard link on the file system; the id is that link's file entry.
    Linked(u32),
    /// The contents are in the ghost image of that id.
    Ghost(u32),
    /// A file of /proc of a process that had ended; the id is its pid.
    Procfs(u32),
}

/// All open files of a dump, found by type and id.
///
/// Records stay encoded until they are asked for: a dump with a million
/// descriptors holds a million of them.
#[derive(Debug)]
pub(crate) struct Files {
    bytes: Vec<u8>,
    /// Body ranges of files.img by type and id, sorted.
    index: Vec<(u64, Range<usize>)>,
    /// Describes a record of files.img.
    entry: &'static Schema,
    /// Records of the images that CRIU wrote before 3.4, by (type, id).
    legacy: HashMap<(i32, u32), Arc<proto::FileEntry>>,
    remaps: HashMap<u32, Remap>,
    /// Whether there is no image of files at all.
    missing: bool,
    memfds: OnceLock<HashMap<u64, proto::MemfdInodeEntry>>,
    images: Arc<Images>,
}

/// The two fields that say which file a record is about; the rest is skipped.
#[derive(Clone, PartialEq, Message)]
struct FileHead {
    #[prost(int32, optional, tag = "1")]
    kind: Option<i32>,
    #[prost(uint32, optional, tag = "2")]
    id: Option<u32>,
}

/// Orders files by type, and those of one type by id.
pub(super) fn key(kind: i32, id: u32) -> u64 {
    u64::from(kind.cast_unsigned()) << 32 | u64::from(id)
}

fn index_file(images: &Images, offset: u64, body: &[u8], index: &mut Vec<(u64, Range<usize>)>) {
    match FileHead::decode(body) {
        Ok(head) => {
            let key = key(head.kind.unwrap_or(0), head.id.unwrap_or(0));
            // The body stands behind its length of four bytes.
            let start = usize::try_from(offset).ok().and_then(|o| o.checked_add(4));
            let range = start.and_then(|start| Some(start..start.checked_add(body.len())?));
            index.extend(range.map(|range| (key, range)));
        }
        Err(e) => images.warn("files.img", Some(offset), &e.to_string()),
    }
}

impl Files {
    pub(crate) fn load(images: &Arc<Images>) -> Self {
        let mut files = Self {
            bytes: Vec::new(),
            index: Vec::new(),
            entry: &schema::messages::FILE_ENTRY,
            legacy: HashMap::new(),
            remaps: HashMap::new(),
            missing: false,
            memfds: OnceLock::new(),
            images: Arc::clone(images),
        };
        if let Some(bytes) = images.bytes("files.img") {
            let mut index = Vec::new();
            match Records::new(Some(Kind::Files), bytes.as_slice()) {
                Ok(mut records) => {
                    // One buffer for all records.
                    let mut body = Vec::new();
                    while let Some(frame) = records.next_frame(&mut body) {
                        match frame {
                            Ok(frame) => index_file(images, frame.offset, &body, &mut index),
                            Err(e) => images.warn("files.img", Some(e.offset()), &e.to_string()),
                        }
                    }
                }
                Err(e) => images.warn("files.img", Some(e.offset()), &e.to_string()),
            }
            // Of two records with one id the first counts: the sort keeps their order.
            index.sort_by_key(|(key, _)| *key);
            index.dedup_by_key(|(key, _)| *key);
            files.index = index;
            files.bytes = bytes;
        } else {
            files.load_legacy();
            files.missing = files.legacy.is_empty() && images.find("files.img").is_none();
        }
        files.load_remaps();
        files
    }

    /// Before CRIU 3.4 every file type had an image of its own.
    fn load_legacy(&mut self) {
        macro_rules! legacy {
            ($name:literal, $kind:expr, $field:ident, $message:ty) => {
                for (_, record) in self.images.all::<$message>($name).unwrap_or_default() {
                    let id = record.id.unwrap_or(0);
                    let entry = proto::FileEntry {
                        r#type: Some($kind),
                        id: Some(id),
                        $field: Some(Box::new(record)),
                        ..proto::FileEntry::default()
                    };
                    self.legacy.insert(($kind, id), Arc::new(entry));
                }
            };
        }
        legacy!("reg-files.img", kind::REG, reg, proto::RegFileEntry);
        legacy!("pipes.img", kind::PIPE, pipe, proto::PipeEntry);
        legacy!("fifo.img", kind::FIFO, fifo, proto::FifoEntry);
        legacy!("inetsk.img", kind::INETSK, isk, proto::InetSkEntry);
        legacy!("unixsk.img", kind::UNIXSK, usk, proto::UnixSkEntry);
        legacy!("packetsk.img", kind::PACKETSK, psk, proto::PacketSockEntry);
        legacy!("netlinksk.img", kind::NETLINKSK, nlsk, proto::NetlinkSkEntry);
        legacy!("eventfd.img", kind::EVENTFD, efd, proto::EventfdFileEntry);
        legacy!("eventpoll.img", kind::EVENTPOLL, epfd, proto::EventpollFileEntry);
        legacy!("signalfd.img", kind::SIGNALFD, sgfd, proto::SignalfdEntry);
        legacy!("timerfd.img", kind::TIMERFD, tfd, proto::TimerfdEntry);
        legacy!("inotify.img", kind::INOTIFY, ify, proto::InotifyFileEntry);
        legacy!("fanotify.img", kind::FANOTIFY, ffy, proto::FanotifyFileEntry);
        legacy!("tty.img", kind::TTY, tty, proto::TtyFileEntry);
        legacy!("ns-files.img", kind::NS, nsf, proto::NsFileEntry);
        legacy!("tunfile.img", kind::TUNF, tunf, proto::TunfileEntry);
        legacy!("ext-files.img", kind::EXT, ext, proto::ExtFileEntry);
        // Watches of epoll and inotify descriptors once had images of their own.
        for (_, watch) in self.images.all::<proto::EventpollTfdEntry>("eventpoll-tfd.img").unwrap_or_default()
        {
            if let Some(entry) = self.legacy.get_mut(&(kind::EVENTPOLL, watch.id.unwrap_or(0)))
                && let Some(epoll) = Arc::make_mut(entry).epfd.as_mut()
            {
                epoll.tfd.push(watch);
            }
        }
        for (_, watch) in self.images.all::<proto::InotifyWdEntry>("inotify-wd.img").unwrap_or_default() {
            if let Some(entry) = self.legacy.get_mut(&(kind::INOTIFY, watch.id.unwrap_or(0)))
                && let Some(inotify) = Arc::make_mut(entry).ify.as_mut()
            {
                inotify.wd.push(watch);
            }
        }
        for (_, mark) in self.images.all::<proto::FanotifyMarkEntry>("fanotify-mark.img").unwrap_or_default()
        {
            if let Some(entry) = self.legacy.get_mut(&(kind::FANOTIFY, mark.id.unwrap_or(0)))
                && let Some(fanotify) = Arc::make_mut(entry).ffy.as_mut()
            {
                fanotify.mark.push(mark);
            }
        }
    }

    fn load_remaps(&mut self) {
        if self.images.find("remap-fpath.img").is_none() && self.images.has_ghosts() {
            let what = "the image is missing, and there are contents of deleted files: which files were deleted is not known";
            self.images.warn("remap-fpath.img", None, what);
        }
        for (_, entry) in self.images.all::<proto::RemapFilePathEntry>("remap-fpath.img").unwrap_or_default()
        {
            let id = entry.remap_id.unwrap_or(0);
            let remap = match entry.remap_type {
                Some(0) => Remap::Linked(id),
                Some(1) => Remap::Ghost(id),
                Some(2) => Remap::Procfs(id),
                Some(other) => {
                    self.images.warn("remap-fpath.img", None, &format!("unknown kind of remap {other}"));
                    continue;
                }
                // Before there was a type, the top bit marked ghosts.
                None if id & 0x8000_0000 != 0 => Remap::Ghost(id & 0x7fff_ffff),
                None => Remap::Linked(id),
            };
            self.remaps.insert(entry.orig_id.unwrap_or(0), remap);
        }
    }

    /// Returns true if there is no image of files at all.
    pub(crate) fn is_missing(&self) -> bool {
        self.missing
    }

    /// Says that the image is missing, if it is: only who asks for files lacks it.
    fn say_missing(&self) {
        if self.missing {
            let what = "the image is missing: which files and sockets were open, and which files were mapped, \
                        is not known";
            self.images.warn("files.img", None, what);
        }
    }

    /// Returns the record of a file.
    pub(crate) fn get(&self, kind: i32, id: u32) -> Option<Arc<proto::FileEntry>> {
        self.say_missing();
        if !self.legacy.is_empty() {
            return self.legacy.get(&(kind, id)).cloned();
        }
        let at = self.index.binary_search_by_key(&key(kind, id), |(key, _)| *key).ok()?;
        let body = self.bytes.get(self.index.get(at)?.1.clone())?;
        #[cfg(test)]
        self.images.count(1, 1);
        match decode_bounded::<proto::FileEntry>(body, self.entry, 0) {
            Ok(entry) => Some(Arc::new(entry)),
            Err(e) => {
                self.images.warn("files.img", None, &format!("the record of file {id}: {e}"));
                None
            }
        }
    }

    /// Returns every file of one type, sorted by id.
    pub(crate) fn of_kind(&self, kind: i32) -> Vec<u32> {
        self.say_missing();
        let first = self.index.partition_point(|(k, _)| *k < key(kind, 0));
        let end = self.index.partition_point(|(k, _)| *k <= key(kind, u32::MAX));
        let range = self.index.get(first..end).unwrap_or_default();
        // The low half of a key is the id.
        let current = range.iter().filter_map(|(k, _)| u32::try_from(k & u64::from(u32::MAX)).ok());
        let legacy = self.legacy.keys().filter(|k| k.0 == kind).map(|k| k.1);
        let mut ids: Vec<u32> = current.chain(legacy).collect();
        ids.sort_unstable();
        ids
    }

    /// Returns a regular file's record.
    pub(crate) fn regular(&self, id: u32) -> Option<proto::RegFileEntry> {
        let entry = self.get(kind::REG, id)?;
        Arc::unwrap_or_clone(entry).reg.map(|reg| *reg)
    }

    /// Returns the path of a regular file, and whether it no longer leads to the file.
    pub(crate) fn path(&self, id: u32) -> Option<(Text, bool)> {
        let reg = self.regular(id)?;
        Some((Text::new(reg.name.unwrap_or_default()), self.remaps.contains_key(&id)))
    }

    /// Returns what became of a file whose path no longer leads to it.
    pub(crate) fn remap(&self, id: u32) -> Option<Remap> {
        self.remaps.get(&id).copied()
    }

    /// Returns the memfd behind a file entry of that type.
    pub(crate) fn memfd(&self, id: u32) -> Option<(Arc<proto::FileEntry>, Option<proto::MemfdInodeEntry>)> {
        let entry = self.get(kind::MEMFD, id)?;
        let inode = entry.memfd.as_ref().and_then(|m| m.inode_id);
        let inode = inode.and_then(|i| self.memfd_inode(u64::from(i)));
        Some((entry, inode))
    }

    fn memfd_inode(&self, inode: u64) -> Option<proto::MemfdInodeEntry> {
        let inodes = self.memfds.get_or_init(|| {
            if self.images.find("memfd.img").is_none() {
                let what = "the image is missing: names, sizes and contents of memfds are not known";
                self.images.warn("memfd.img", None, what);
            }
            self.images
                .all::<proto::MemfdInodeEntry>("memfd.img")
                .unwrap_or_default()
                .into_iter()
                .map(|(_, e)| (e.inode_id.unwrap_or(0), e))
                .collect()
        });
        inodes.get(&inode).cloned()
    }
}
