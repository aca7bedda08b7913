//! Open files: from links, `fdinfo` and socket tables to CRIU's file records.

use std::collections::HashMap;

use super::net::Sockets;
use super::text::{decimal, field, hex, lines, octal, pair, undeleted, words};
use crate::image::proto;
use crate::model::files::kind;

/// The high bit of the numbers given to what has no number of its own.
const FIRST: u32 = 1;

/// What stat(1) said of the file behind a link.
#[derive(Clone, Copy, Default)]
pub(super) struct Behind {
    pub(super) mode: Option<u32>,
    pub(super) size: Option<u64>,
    pub(super) links: Option<u64>,
    /// Major number of a device.
    pub(super) major: Option<u64>,
}

/// One descriptor as /proc shows it.
pub(super) struct Fd<'t> {
    pub(super) number: u32,
    pub(super) target: &'t [u8],
    pub(super) info: &'t [u8],
    pub(super) behind: Behind,
}

/// All open files, each with a number.
#[derive(Default)]
pub(super) struct Table {
    pub(super) entries: Vec<proto::FileEntry>,
    pub(super) remaps: Vec<proto::RemapFilePathEntry>,
    pub(super) memfds: Vec<proto::MemfdInodeEntry>,
    /// Files that several mappings share, by device, inode and path.
    mapped: HashMap<(Vec<u8>, u64, Vec<u8>), u32>,
    memfd_files: HashMap<(u64, Vec<u8>), u32>,
    sockets: HashMap<u64, (i32, u32)>,
    last: u32,
}

impl Table {
    fn next(&mut self) -> u32 {
        self.last = self.last.saturating_add(FIRST);
        self.last
    }

    fn push(&mut self, kind: i32, id: u32, fill: impl FnOnce(&mut proto::FileEntry)) {
        let mut entry = proto::FileEntry { r#type: Some(kind), id: Some(id), ..proto::FileEntry::default() };
        fill(&mut entry);
        self.entries.push(entry);
    }

    fn regular(&mut self, id: u32, reg: proto::RegFileEntry, deleted: bool) {
        self.push(kind::REG, id, |entry| {
            entry.reg = Some(Box::new(proto::RegFileEntry { id: Some(id), ..reg }));
        });
        if deleted {
            // Nothing was kept of it under another name: the third kind says no more than that it is gone.
            self.remaps.push(proto::RemapFilePathEntry {
                orig_id: Some(id),
                remap_id: Some(0),
                remap_type: Some(2),
            });
        }
    }

    /// A path without a descriptor: a working directory, a root, an executable.
    pub(super) fn path(&mut self, target: &[u8]) -> u32 {
        let (path, deleted) = undeleted(target);
        let id = self.next();
        let reg = proto::RegFileEntry { name: Some(path.to_vec()), ..proto::RegFileEntry::default() };
        self.regular(id, reg, deleted);
        id
    }

    /// A memfd, one for all its users.
    pub(super) fn memfd(&mut self, inode: u64, name: &[u8], size: Option<u64>) -> u32 {
        let key = (inode, name.to_vec());
        if let Some(id) = self.memfd_files.get(&key) {
            return *id;
        }
        let id = self.next();
        self.memfds.push(proto::MemfdInodeEntry {
            name: Some(name.to_vec()),
            size,
            inode_id: Some(u64::from(id)),
            ..proto::MemfdInodeEntry::default()
        });
        self.push(kind::MEMFD, id, |entry| {
            entry.memfd = Some(Box::new(proto::MemfdFileEntry {
                id: Some(id),
                inode_id: Some(id),
                ..proto::MemfdFileEntry::default()
            }));
        });
        self.memfd_files.insert(key, id);
        id
    }

    /// A mapped file, one for all its mappings.
    pub(super) fn mapped(&mut self, device: &[u8], inode: u64, target: &[u8]) -> u32 {
        let key = (device.to_vec(), inode, target.to_vec());
        if let Some(id) = self.mapped.get(&key) {
            return *id;
        }
        let id = self.path(target);
        self.mapped.insert(key, id);
        id
    }

    /// A descriptor; returns its row in the process's table.
    pub(super) fn descriptor(&mut self, fd: &Fd<'_>, sockets: &Sockets) -> proto::FdinfoEntry {
        let flags = field(fd.info, "flags").and_then(octal);
        let (kind, id) = self.open_file(fd, flags.map(|f| f & !0o200_0000), sockets);
        proto::FdinfoEntry {
            id: Some(id),
            flags: Some(u32::from(flags.is_some_and(|f| f & 0o200_0000 != 0))),
            r#type: Some(kind),
            fd: Some(fd.number),
            xattr_security_selinux: None,
        }
    }

    fn open_file(&mut self, fd: &Fd<'_>, flags: Option<u32>, sockets: &Sockets) -> (i32, u32) {
        let target = fd.target;
        if target.starts_with(b"/memfd:") {
            let (name, _) = undeleted(target);
            let name = name.strip_prefix(b"/memfd:").unwrap_or(name).to_vec();
            let inode = field(fd.info, "ino").and_then(decimal).unwrap_or(0);
            return (kind::MEMFD, self.memfd_descriptor(fd, flags, inode, &name));
        }
        if target.starts_with(b"/") {
            return self.with_path(fd, flags);
        }
        if let Some(inode) = numbered(target, b"pipe:[") {
            let id = self.next();
            self.push(kind::PIPE, id, |entry| {
                let pipe_id = u32::try_from(inode).ok();
                entry.pipe =
                    Some(Box::new(proto::PipeEntry { id: Some(id), pipe_id, flags, ..Default::default() }));
            });
            return (kind::PIPE, id);
        }
        if let Some(inode) = numbered(target, b"socket:[") {
            return self.socket(inode, flags, sockets).unwrap_or_else(|| self.external(fd, flags));
        }
        self.anonymous(fd, flags).unwrap_or_else(|| self.external(fd, flags))
    }

    /// Each descriptor of a memfd has a position of its own, and one inode is behind them all.
    fn memfd_descriptor(&mut self, fd: &Fd<'_>, flags: Option<u32>, inode: u64, name: &[u8]) -> u32 {
        let shared = self.memfd(inode, name, fd.behind.size);
        let id = self.next();
        let pos = field(fd.info, "pos").and_then(decimal);
        self.push(kind::MEMFD, id, |entry| {
            entry.memfd = Some(Box::new(proto::MemfdFileEntry {
                id: Some(id),
                flags,
                pos,
                inode_id: Some(shared),
                ..proto::MemfdFileEntry::default()
            }));
        });
        id
    }

    fn with_path(&mut self, fd: &Fd<'_>, flags: Option<u32>) -> (i32, u32) {
        let (path, marked) = undeleted(fd.target);
        // A file may be called so: only one without a name left is deleted.
        let deleted = marked && fd.behind.links.is_none_or(|links| links == 0);
        let name = if deleted { path } else { fd.target };
        let id = self.next();
        let reg = proto::RegFileEntry {
            flags,
            pos: field(fd.info, "pos").and_then(decimal),
            name: Some(name.to_vec()),
            mnt_id: field(fd.info, "mnt_id").and_then(decimal),
            size: fd.behind.size,
            mode: fd.behind.mode,
            ..proto::RegFileEntry::default()
        };
        self.regular(id, reg, deleted);
        let format = fd.behind.mode.map(|mode| mode & 0o170_000);
        // Terminals: 4 and 5 are the system's, 136 to 143 the ends of pseudo-terminals.
        if format == Some(0o020_000) && fd.behind.major.is_some_and(|m| matches!(m, 4 | 5 | 136..=143)) {
            self.push(kind::TTY, id, |entry| {
                let tty =
                    proto::TtyFileEntry { id: Some(id), flags, regf_id: Some(id), ..Default::default() };
                entry.tty = Some(Box::new(tty));
            });
            return (kind::TTY, id);
        }
        if format == Some(0o010_000) {
            self.push(kind::FIFO, id, |entry| {
                entry.fifo = Some(Box::new(proto::FifoEntry {
                    id: Some(id),
                    regf_id: Some(id),
                    ..Default::default()
                }));
            });
            return (kind::FIFO, id);
        }
        (kind::REG, id)
    }

    fn socket(&mut self, inode: u64, flags: Option<u32>, sockets: &Sockets) -> Option<(i32, u32)> {
        if let Some(known) = self.sockets.get(&inode) {
            return Some(*known);
        }
        let mut entry = sockets.get(inode)?.clone();
        let id = self.next();
        number(&mut entry, id, flags);
        let kind = entry.r#type?;
        self.entries.push(entry);
        self.sockets.insert(inode, (kind, id));
        Some((kind, id))
    }

    /// Adds a socket that no descriptor holds any more.
    pub(super) fn unheld(&mut self, mut entry: proto::FileEntry) {
        let id = self.next();
        number(&mut entry, id, None);
        self.entries.push(entry);
    }

    /// What is known of its link only: the name stands in a record of the same number.
    fn external(&mut self, fd: &Fd<'_>, flags: Option<u32>) -> (i32, u32) {
        let id = self.next();
        self.push(kind::EXT, id, |entry| {
            entry.ext = Some(Box::new(proto::ExtFileEntry { id: Some(id), fown: None }));
        });
        let reg = proto::RegFileEntry { flags, name: Some(fd.target.to_vec()), ..Default::default() };
        self.regular(id, reg, false);
        (kind::EXT, id)
    }

    fn anonymous(&mut self, fd: &Fd<'_>, flags: Option<u32>) -> Option<(i32, u32)> {
        let id = Some(self.last.saturating_add(FIRST));
        let mut entry = proto::FileEntry { id, ..proto::FileEntry::default() };
        let info = fd.info;
        match fd.target {
            b"anon_inode:[eventfd]" => {
                entry.r#type = Some(kind::EVENTFD);
                let counter = field(info, "eventfd-count").and_then(hex);
                entry.efd = Some(Box::new(proto::EventfdFileEntry { id, flags, fown: None, counter }));
            }
            b"anon_inode:[eventpoll]" => {
                entry.r#type = Some(kind::EVENTPOLL);
                let tfd = lines(info).filter_map(|line| watch(id, line)).collect();
                entry.epfd = Some(Box::new(proto::EventpollFileEntry { id, flags, fown: None, tfd }));
            }
            b"anon_inode:[signalfd]" => {
                entry.r#type = Some(kind::SIGNALFD);
                // The kernel prints the signals, and CRIU keeps them so.
                let sigmask = field(info, "sigmask").and_then(hex);
                entry.sgfd = Some(Box::new(proto::SignalfdEntry { id, flags, fown: None, sigmask }));
            }
            b"anon_inode:[timerfd]" => {
                entry.r#type = Some(kind::TIMERFD);
                let (vsec, vnsec) = interval(field(info, "it_value"));
                let (isec, insec) = interval(field(info, "it_interval"));
                entry.tfd = Some(Box::new(proto::TimerfdEntry {
                    id,
                    flags,
                    clockid: field(info, "clockid").and_then(decimal),
                    ticks: field(info, "ticks").and_then(decimal),
                    settime_flags: field(info, "settime flags").and_then(octal),
                    vsec,
                    vnsec,
                    isec,
                    insec,
                    ..proto::TimerfdEntry::default()
                }));
            }
            b"anon_inode:inotify" => {
                entry.r#type = Some(kind::INOTIFY);
                let wd = lines(info).filter_map(|line| inotify(id, line)).collect();
                entry.ify = Some(Box::new(proto::InotifyFileEntry { id, flags, wd, ..Default::default() }));
            }
            b"anon_inode:[pidfd]" => {
                entry.r#type = Some(kind::PIDFD);
                let nspid = field(info, "NSpid").and_then(|pids| words(pids).last().and_then(decimal));
                entry.pidfd = Some(Box::new(proto::PidfdEntry { id, flags, nspid, ..Default::default() }));
            }
            other => {
                let (name, inode) = namespace(other)?;
                entry.r#type = Some(kind::NS);
                entry.nsf = Some(Box::new(proto::NsFileEntry {
                    id,
                    ns_id: Some(inode),
                    ns_cflag: clone_flag(name),
                    flags,
                }));
            }
        }
        let kind = entry.r#type?;
        let id = self.next();
        self.entries.push(entry);
        Some((kind, id))
    }
}

/// Gives a socket's record its number and flags.
fn number(entry: &mut proto::FileEntry, id: u32, flags: Option<u32>) {
    entry.id = Some(id);
    if let Some(s) = &mut entry.isk {
        (s.id, s.flags) = (Some(id), flags);
    }
    if let Some(s) = &mut entry.usk {
        (s.id, s.flags) = (Some(id), flags);
    }
    if let Some(s) = &mut entry.nlsk {
        (s.id, s.flags) = (Some(id), flags);
    }
    if let Some(s) = &mut entry.psk {
        (s.id, s.flags) = (Some(id), flags);
    }
}

fn numbered(target: &[u8], start: &[u8]) -> Option<u64> {
    decimal(target.strip_prefix(start)?.strip_suffix(b"]")?)
}

/// Splits `net:[4026531840]`.
pub(super) fn namespace(target: &[u8]) -> Option<(&[u8], u32)> {
    let (name, rest) = pair(target)?;
    Some((name, decimal(rest.strip_prefix(b"[")?.strip_suffix(b"]")?)?))
}

fn clone_flag(name: &[u8]) -> Option<u32> {
    Some(match name {
        b"time" => 0x80,
        b"mnt" => 0x2_0000,
        b"cgroup" => 0x200_0000,
        b"uts" => 0x400_0000,
        b"ipc" => 0x800_0000,
        b"user" => 0x1000_0000,
        b"pid" => 0x2000_0000,
        b"net" => 0x4000_0000,
        _ => return None,
    })
}

/// `tfd:        5 events:       19 data:                5  pos:0 ino:1f sdev:9`
fn watch(id: Option<u32>, line: &[u8]) -> Option<proto::EventpollTfdEntry> {
    line.strip_prefix(b"tfd:")?;
    let text = String::from_utf8_lossy(line).replace(':', " ");
    let mut words = text.split_whitespace();
    let mut value = |name: &str| {
        words.find(|word| *word == name)?;
        words.next()
    };
    Some(proto::EventpollTfdEntry {
        id,
        tfd: value("tfd")?.parse().ok(),
        events: value("events").and_then(|v| u32::from_str_radix(v, 16).ok()),
        data: value("data").and_then(|v| u64::from_str_radix(v, 16).ok()),
        pos: value("pos").and_then(|v| v.parse().ok()),
        inode: value("ino").and_then(|v| u64::from_str_radix(v, 16).ok()),
        dev: value("sdev").and_then(|v| u32::from_str_radix(v, 16).ok()),
    })
}

/// `inotify wd:1 ino:9e7e sdev:800013 mask:800afce ignored_mask:0 …`
fn inotify(id: Option<u32>, line: &[u8]) -> Option<proto::InotifyWdEntry> {
    let rest = line.strip_prefix(b"inotify ")?;
    let value = |name: &[u8]| words(rest).find_map(|word| hex(word.strip_prefix(name)?));
    let small = |name: &[u8]| value(name).and_then(|v| u32::try_from(v).ok());
    Some(proto::InotifyWdEntry {
        id,
        i_ino: value(b"ino:"),
        mask: small(b"mask:"),
        ignored_mask: small(b"ignored_mask:"),
        s_dev: small(b"sdev:"),
        wd: small(b"wd:"),
        f_handle: None,
    })
}

/// `(0, 49406829)`: seconds and nanoseconds.
fn interval(text: Option<&[u8]>) -> (Option<u64>, Option<u64>) {
    let inner = text.and_then(|t| t.strip_prefix(b"(")).and_then(|t| t.strip_suffix(b")"));
    let mut parts = inner.unwrap_or_default().split(|b| *b == b',').map(decimal);
    (parts.next().flatten(), parts.next().flatten())
}
