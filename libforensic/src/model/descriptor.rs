//! File descriptors as /proc/PID/fd and /proc/PID/fdinfo show them.

use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};

use super::files::{Files, kind};
use super::lock::FileLock;
use super::mapping::memfd_path;
use super::names;
use super::sharing::FileSharing;
use super::text::{Hex, Text, base64, put_text};
use crate::image::proto;

const O_CLOEXEC: u32 = 0o200_0000;

/// What a descriptor refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DescriptorKind {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A device node that is no terminal.
    Device,
    /// A pipe without a name.
    Pipe,
    /// A named pipe.
    Fifo,
    /// An IPv4 or IPv6 socket.
    Inet,
    /// A Unix domain socket.
    Unix,
    /// A netlink socket.
    Netlink,
    /// A packet socket.
    Packet,
    /// eventfd(2).
    Eventfd,
    /// epoll(7).
    Epoll,
    /// signalfd(2).
    Signalfd,
    /// `timerfd_create(2)`.
    Timerfd,
    /// inotify(7).
    Inotify,
    /// fanotify(7).
    Fanotify,
    /// `memfd_create(2)`.
    Memfd,
    /// A terminal.
    Tty,
    /// A namespace file.
    Namespace,
    /// A BPF map.
    Bpfmap,
    /// `pidfd_open(2)`.
    Pidfd,
    /// A TUN or TAP device.
    Tun,
    /// Something that a CRIU plugin keeps.
    External,
}

impl DescriptorKind {
    /// Returns the name that JSON and tables use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Regular => "regular",
            Self::Directory => "directory",
            Self::Device => "device",
            Self::Pipe => "pipe",
            Self::Fifo => "fifo",
            Self::Inet => "inet",
            Self::Unix => "unix",
            Self::Netlink => "netlink",
            Self::Packet => "packet",
            Self::Eventfd => "eventfd",
            Self::Epoll => "epoll",
            Self::Signalfd => "signalfd",
            Self::Timerfd => "timerfd",
            Self::Inotify => "inotify",
            Self::Fanotify => "fanotify",
            Self::Memfd => "memfd",
            Self::Tty => "tty",
            Self::Namespace => "namespace",
            Self::Bpfmap => "bpfmap",
            Self::Pidfd => "pidfd",
            Self::Tun => "tun",
            Self::External => "external",
        }
    }
}

/// One descriptor of one process. Absent facts are `None`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FileDescriptor {
    /// The process.
    pub pid: u32,
    /// The number.
    pub fd: u32,
    /// What it refers to; `None` when its record is missing.
    pub kind: Option<DescriptorKind>,
    /// What readlink(2) on /proc/PID/fd/N showed, without ` (deleted)`.
    pub target: Option<Text>,
    /// Path in the file system, where it has one.
    pub path: Option<Text>,
    /// Whether the path no longer leads to the file; `None` without a path.
    pub deleted: Option<bool>,
    /// Inode number, where CRIU keeps it.
    pub inode: Option<u64>,
    /// File position in bytes.
    pub position: Option<u64>,
    /// Open flags (`O_…` of the dumping architecture), close-on-exec included.
    pub flags: Option<u32>,
    /// Whether execve(2) closes it.
    pub close_on_exec: bool,
    /// Equal for descriptors that share one open file description.
    pub file_id: u32,
    /// Mount the path was opened through.
    pub mount_id: Option<i32>,
    /// Size of the file in bytes.
    pub size: Option<u64>,
    /// Type and permission bits of what has a path.
    pub mode: Option<u32>,
    /// What there is to say about this kind of descriptor only.
    pub details: Map<String, Value>,
    /// Who else holds the open file.
    pub sharing: Option<FileSharing>,
    /// Locks that CRIU recorded for this descriptor.
    pub locks: Vec<FileLock>,
    /// Descriptors of the same process whose epoll watches this one.
    pub watched_by: Vec<u32>,
    /// The descriptor's record.
    pub raw: Arc<proto::FdinfoEntry>,
    /// The open file's record.
    pub raw_file: Option<Arc<proto::FileEntry>>,
}

/// Unread bytes of a pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PipeQueue {
    pub bytes: u64,
    pub capacity: Option<u64>,
}

impl FileDescriptor {
    pub(crate) fn new(
        pid: u32,
        entry: proto::FdinfoEntry,
        files: &Files,
        queue: impl Fn(u32) -> Option<PipeQueue>,
    ) -> Self {
        let id = entry.id.unwrap_or(0);
        let close_on_exec = entry.flags.unwrap_or(0) & 1 != 0;
        let file = files.get(entry.r#type.unwrap_or(0), id);
        let mut fd = Self {
            pid,
            fd: entry.fd.unwrap_or(0),
            kind: None,
            target: None,
            path: None,
            deleted: None,
            inode: None,
            position: None,
            flags: None,
            close_on_exec,
            file_id: id,
            mount_id: None,
            size: None,
            mode: None,
            details: Map::new(),
            sharing: None,
            locks: Vec::new(),
            watched_by: Vec::new(),
            raw: Arc::new(entry),
            raw_file: None,
        };
        if let Some(file) = &file {
            fd.interpret(file, files, queue);
        }
        fd.raw_file = file;
        if let Some(flags) = &mut fd.flags
            && close_on_exec
        {
            *flags |= O_CLOEXEC;
        }
        fd
    }

    fn interpret(
        &mut self,
        file: &proto::FileEntry,
        files: &Files,
        queue: impl Fn(u32) -> Option<PipeQueue>,
    ) {
        let id = self.file_id;
        match file.r#type.unwrap_or(0) {
            kind::REG => {
                if let Some(reg) = &file.reg {
                    self.regular(reg);
                    self.set_path(files, id, reg);
                }
            }
            kind::PIPE => {
                self.kind = Some(DescriptorKind::Pipe);
                if let Some(pipe) = &file.pipe {
                    self.pipe(pipe.pipe_id, pipe.flags, queue);
                    self.target = pipe.pipe_id.map(|i| format!("pipe:[{i}]").into());
                    self.flags = pipe.flags;
                }
            }
            kind::FIFO => {
                self.kind = Some(DescriptorKind::Fifo);
                if let Some(fifo) = &file.fifo {
                    // Before CRIU 3.6 the path stood in the regular file of the same id.
                    let regular = fifo.regf_id.unwrap_or(id);
                    if let Some(reg) = files.regular(regular) {
                        self.regular(&reg);
                        self.set_path(files, regular, &reg);
                        self.kind = Some(DescriptorKind::Fifo);
                        self.size = None;
                        self.position = None;
                    }
                    self.pipe(fifo.pipe_id, None, queue);
                }
            }
            kind::TTY => {
                self.kind = Some(DescriptorKind::Tty);
                if let Some(tty) = &file.tty {
                    let regular = tty.regf_id.unwrap_or(id);
                    if let Some(reg) = files.regular(regular) {
                        self.regular(&reg);
                        self.set_path(files, regular, &reg);
                        self.kind = Some(DescriptorKind::Tty);
                        self.size = None;
                        self.position = None;
                    }
                    self.flags = tty.flags.or(self.flags);
                    self.detail("ttyInfoId", tty.tty_info_id);
                }
            }
            kind::INETSK => {
                self.kind = Some(DescriptorKind::Inet);
                self.socket(file.isk.as_ref().map(|s| (s.ino, s.flags)));
            }
            kind::UNIXSK => {
                self.kind = Some(DescriptorKind::Unix);
                self.socket(file.usk.as_ref().map(|s| (s.ino, s.flags)));
            }
            kind::NETLINKSK => {
                self.kind = Some(DescriptorKind::Netlink);
                self.socket(file.nlsk.as_ref().map(|s| (s.ino, s.flags)));
            }
            kind::PACKETSK => {
                // CRIU keeps no inode number of packet sockets.
                self.kind = Some(DescriptorKind::Packet);
                self.flags = file.psk.as_ref().and_then(|s| s.flags);
            }
            kind::MEMFD => self.memfd(files, id),
            kind::NS => self.namespace(file.nsf.as_deref()),
            kind::TUNF => {
                self.kind = Some(DescriptorKind::Tun);
                // The device node's record has the same id.
                if let Some(reg) = files.regular(id) {
                    self.regular(&reg);
                    self.set_path(files, id, &reg);
                    self.kind = Some(DescriptorKind::Tun);
                }
                if let Some(tun) = &file.tunf {
                    self.text_detail("netdev", tun.netdev.as_deref());
                    self.detail("detached", tun.detached);
                }
            }
            kind::EXT => {
                self.kind = Some(DescriptorKind::External);
                // A triage has the name of the link, and keeps it in a record of the same number.
                if let Some(reg) = files.regular(id) {
                    self.target = reg.name.map(Text::new);
                    self.flags = reg.flags;
                }
            }
            other => self.anonymous(other, file),
        }
    }

    /// The files without a path that /proc shows as `anon_inode:…`.
    fn anonymous(&mut self, kind: i32, file: &proto::FileEntry) {
        match kind {
            kind::EVENTFD => {
                self.named(DescriptorKind::Eventfd, "anon_inode:[eventfd]");
                if let Some(e) = &file.efd {
                    self.flags = e.flags;
                    self.detail("counter", e.counter.map(Hex));
                }
            }
            kind::EVENTPOLL => {
                self.named(DescriptorKind::Epoll, "anon_inode:[eventpoll]");
                if let Some(e) = &file.epfd {
                    self.flags = e.flags;
                    let watches: Vec<Value> = e
                        .tfd
                        .iter()
                        .map(|t| json!({"fd": t.tfd, "events": t.events.map(|e| format!("{e:#010x}")), "data": t.data.map(Hex), "inode": t.inode}))
                        .collect();
                    self.detail("watches", Some(watches));
                }
            }
            kind::SIGNALFD => {
                self.named(DescriptorKind::Signalfd, "anon_inode:[signalfd]");
                if let Some(e) = &file.sgfd {
                    self.flags = e.flags;
                    self.detail("mask", e.sigmask.map(Hex));
                    self.detail("signals", e.sigmask.map(names::signal_names));
                }
            }
            kind::TIMERFD => {
                self.named(DescriptorKind::Timerfd, "anon_inode:[timerfd]");
                if let Some(e) = &file.tfd {
                    self.flags = e.flags;
                    let clock = e.clockid.map(|c| names::clock(c).map_or_else(|| json!(c), |n| json!(n)));
                    self.detail("clock", clock);
                    self.detail("remainingNs", nanoseconds(e.vsec, e.vnsec));
                    self.detail("intervalNs", nanoseconds(e.isec, e.insec));
                    self.detail("ticks", e.ticks);
                }
            }
            kind::INOTIFY => {
                // The one anonymous inode that the kernel names without brackets.
                self.named(DescriptorKind::Inotify, "anon_inode:inotify");
                if let Some(e) = &file.ify {
                    self.flags = e.flags;
                    let watches = e
                        .wd
                        .iter()
                        .map(|w| {
                            let mut watch = Map::new();
                            watch.insert("wd".into(), json!(w.wd));
                            watch.insert("mask".into(), json!(w.mask.map(|m| format!("{m:#010x}"))));
                            watch.insert("inode".into(), json!(w.i_ino));
                            watch.insert("device".into(), json!(w.s_dev.map(device)));
                            let path =
                                w.f_handle.as_ref().and_then(|h| h.path.as_deref()).filter(|p| !p.is_empty());
                            insert_text(&mut watch, "path", path);
                            Value::Object(watch)
                        })
                        .collect::<Vec<_>>();
                    self.detail("watches", Some(watches));
                }
            }
            kind::FANOTIFY => {
                self.named(DescriptorKind::Fanotify, "anon_inode:[fanotify]");
                if let Some(e) = &file.ffy {
                    self.flags = e.flags;
                    let marks = e
                        .mark
                        .iter()
                        .map(|m| {
                            let mut mark = Map::new();
                            mark.insert("mask".into(), json!(m.mask.map(|m| format!("{m:#010x}"))));
                            mark.insert("inode".into(), json!(m.ie.as_ref().and_then(|i| i.i_ino)));
                            mark.insert("mountId".into(), json!(m.me.as_ref().and_then(|i| i.mnt_id)));
                            let path =
                                m.me.as_ref()
                                    .and_then(|i| i.path.as_deref())
                                    .or_else(|| m.ie.as_ref()?.f_handle.as_ref()?.path.as_deref());
                            insert_text(&mut mark, "path", path.filter(|p| !p.is_empty()));
                            Value::Object(mark)
                        })
                        .collect::<Vec<_>>();
                    self.detail("marks", Some(marks));
                }
            }
            kind::BPFMAP => {
                self.named(DescriptorKind::Bpfmap, "anon_inode:bpf-map");
                if let Some(e) = &file.bpf {
                    self.flags = e.flags;
                    self.detail("mapId", e.map_id);
                    self.detail("mapType", e.map_type);
                    self.detail("keySizeBytes", e.key_size);
                    self.detail("valueSizeBytes", e.value_size);
                    self.detail("maxEntries", e.max_entries);
                    self.text_detail("name", e.map_name.as_deref());
                }
            }
            kind::PIDFD => {
                self.named(DescriptorKind::Pidfd, "anon_inode:[pidfd]");
                if let Some(e) = &file.pidfd {
                    self.flags = e.flags;
                    self.inode = e.ino.map(u64::from);
                    // Dead processes have no number any more.
                    self.detail("pid", e.nspid.filter(|p| *p > 0));
                }
            }
            _ => {}
        }
    }

    fn regular(&mut self, reg: &proto::RegFileEntry) {
        self.kind = Some(match reg.mode.map(|m| m & 0o170_000) {
            Some(0o040_000) => DescriptorKind::Directory,
            Some(0o020_000 | 0o060_000) => DescriptorKind::Device,
            Some(0o010_000) => DescriptorKind::Fifo,
            // Dumps before CRIU 2.4 have no mode; a trailing flag tells directories.
            None if reg.flags.unwrap_or(0) & 0o20_0000 != 0 => DescriptorKind::Directory,
            _ => DescriptorKind::Regular,
        });
        self.flags = reg.flags;
        self.position = reg.pos;
        self.mount_id = reg.mnt_id.filter(|m| *m >= 0);
        self.size = reg.size;
        self.mode = reg.mode;
        if reg.ext == Some(true) {
            self.detail("external", Some(true));
        }
    }

    fn set_path(&mut self, files: &Files, id: u32, reg: &proto::RegFileEntry) {
        let path = Text::from(reg.name.as_deref().unwrap_or_default());
        self.target = Some(path.clone());
        self.path = Some(path);
        self.deleted = Some(files.remap(id).is_some());
    }

    fn pipe(&mut self, pipe_id: Option<u32>, flags: Option<u32>, queue: impl Fn(u32) -> Option<PipeQueue>) {
        self.inode = pipe_id.map(u64::from);
        let data = pipe_id.and_then(queue);
        // A pipe whose read end nobody in the dump holds has no record of its contents.
        self.detail("queuedBytes", Some(data.map(|d| d.bytes)));
        self.detail("capacityBytes", Some(data.and_then(|d| d.capacity)));
        self.detail("readable", self.flags.or(flags).map(|f| f & 1 == 0));
    }

    fn memfd(&mut self, files: &Files, id: u32) {
        self.kind = Some(DescriptorKind::Memfd);
        let Some((file, inode)) = files.memfd(id) else { return };
        if let Some(memfd) = &file.memfd {
            self.flags = memfd.flags;
            self.position = memfd.pos;
        }
        if let Some(inode) = inode {
            self.target = Some(memfd_path(inode.name.as_deref().unwrap_or_default()));
            self.size = inode.size;
            self.detail("seals", inode.seals);
            self.detail("shmid", inode.shmid);
            self.detail("mode", inode.mode.map(|m| format!("{m:07o}")));
        }
    }

    fn namespace(&mut self, entry: Option<&proto::NsFileEntry>) {
        self.kind = Some(DescriptorKind::Namespace);
        let Some(entry) = entry else { return };
        self.flags = entry.flags;
        let name = entry.ns_cflag.and_then(names::namespace);
        self.detail("namespace", name);
        // CRIU numbers namespaces itself; the inode in `net:[…]` is not kept.
        self.detail("namespaceId", entry.ns_id);
    }

    fn socket(&mut self, facts: Option<(Option<u32>, Option<u32>)>) {
        let Some((ino, flags)) = facts else { return };
        self.inode = ino.map(u64::from);
        self.target = ino.map(|i| format!("socket:[{i}]").into());
        self.flags = flags;
    }

    fn named(&mut self, kind: DescriptorKind, target: &str) {
        self.kind = Some(kind);
        self.target = Some(target.into());
    }

    fn detail<T: Serialize>(&mut self, key: &str, value: Option<T>) {
        if let Some(value) = value.and_then(|v| serde_json::to_value(v).ok()) {
            self.details.insert(key.to_owned(), value);
        }
    }

    fn text_detail(&mut self, key: &str, bytes: Option<&[u8]>) {
        insert_text(&mut self.details, key, bytes);
    }
}

/// Puts bytes as text into a JSON object, and beside it their base64 where they are not UTF-8.
pub(crate) fn insert_text(map: &mut Map<String, Value>, key: &str, bytes: Option<&[u8]>) {
    let Some(bytes) = bytes else {
        map.insert(key.to_owned(), Value::Null);
        return;
    };
    map.insert(key.to_owned(), Value::String(String::from_utf8_lossy(bytes).into_owned()));
    if std::str::from_utf8(bytes).is_err() {
        map.insert(format!("{key}Base64"), Value::String(base64(bytes)));
    }
}

fn nanoseconds(seconds: Option<u64>, nanoseconds: Option<u64>) -> Option<u64> {
    seconds?.checked_mul(1_000_000_000)?.checked_add(nanoseconds?)
}

/// `major:minor` of a device number as the kernel keeps it (20-bit minor).
pub(crate) fn device(dev: u32) -> String {
    format!("{}:{}", dev >> 20, dev & 0xf_ffff)
}

/// Open flags as /proc/PID/fdinfo writes them.
struct Octal(u32);

impl Serialize for Octal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("0{:o}", self.0))
    }
}

/// The details, and among them the mode: all regular files have one, and most have no other detail.
struct Details<'f>(&'f FileDescriptor);

impl Serialize for Details<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(mode) = self.0.mode {
            map.serialize_entry("mode", &format_args!("{mode:07o}"))?;
        }
        for (key, value) in &self.0.details {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl Serialize for FileDescriptor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("pid", &self.pid)?;
        map.serialize_entry("fd", &self.fd)?;
        map.serialize_entry("type", &self.kind.map(DescriptorKind::as_str))?;
        put_text(&mut map, "target", self.target.as_ref())?;
        put_text(&mut map, "path", self.path.as_ref())?;
        map.serialize_entry("deleted", &self.deleted)?;
        map.serialize_entry("inode", &self.inode)?;
        map.serialize_entry("posBytes", &self.position)?;
        map.serialize_entry("flags", &self.flags.map(Octal))?;
        map.serialize_entry("closeOnExec", &self.close_on_exec)?;
        map.serialize_entry("fileId", &self.file_id)?;
        map.serialize_entry("mountId", &self.mount_id)?;
        map.serialize_entry("sizeBytes", &self.size)?;
        map.serialize_entry("details", &Details(self))?;
        map.serialize_entry("sharing", &self.sharing)?;
        map.serialize_entry("locks", &self.locks)?;
        map.serialize_entry("watchedBy", &self.watched_by)?;
        put_text(
            &mut map,
            "securityLabel",
            self.raw.xattr_security_selinux.clone().filter(|l| !l.is_empty()).map(Text::new).as_ref(),
        )?;
        map.end()
    }
}
