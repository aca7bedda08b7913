//! Descriptors in their surroundings: what became of the file, locks, terminals, watches, holders.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::descriptor::insert_text;
use super::files::{Remap, kind};
use super::socket::{Queues, Socket};
use super::{Checkpoint, DescriptorKind, FileDescriptor, names};
use crate::image::proto;

impl Checkpoint {
    /// Adds to the descriptors of one process what other images and other descriptors say about them.
    pub(super) fn surround(&self, pid: u32, list: &mut [FileDescriptor]) {
        let parent = self.entry(pid).and_then(|e| e.ppid).unwrap_or(0);
        let mut watchers: HashMap<u32, Vec<u32>> = HashMap::new();
        for f in list.iter() {
            if let Some(epoll) = f.raw_file.as_ref().and_then(|r| r.epfd.as_ref()) {
                for watched in epoll.tfd.iter().filter_map(|t| t.tfd) {
                    watchers.entry(watched).or_default().push(f.fd);
                }
            }
        }
        let targets: HashMap<u32, Value> = if watchers.is_empty() {
            HashMap::new()
        } else {
            let shown = |f: &FileDescriptor| f.target.as_ref().map(|t| json!(t.to_lossy()));
            list.iter().map(|f| (f.fd, shown(f).unwrap_or(Value::Null))).collect()
        };
        for f in list {
            // /proc does not tell which descriptors share one open file.
            f.sharing = self.triage.is_none().then(|| self.sharing_of(f, parent));
            f.locks = self.locks(pid, f.fd).to_vec();
            f.watched_by = watchers.remove(&f.fd).unwrap_or_default();
            self.describe(f, &targets);
        }
    }

    fn describe(&self, f: &mut FileDescriptor, targets: &HashMap<u32, Value>) {
        let Some(file) = f.raw_file.clone() else { return };
        match f.kind {
            Some(DescriptorKind::Epoll) => {
                if let Some(Value::Array(watches)) = f.details.get_mut("watches") {
                    resolve_epoll(watches, targets);
                }
            }
            Some(DescriptorKind::Inotify) => {
                if let (Some(Value::Array(watches)), Some(entry)) = (f.details.get_mut("watches"), &file.ify)
                {
                    for (watch, entry) in watches.iter_mut().zip(&entry.wd) {
                        self.resolve_watch(watch, entry.mask, entry.s_dev, entry.i_ino);
                    }
                }
            }
            Some(DescriptorKind::Fanotify) => {
                if let (Some(Value::Array(marks)), Some(entry)) = (f.details.get_mut("marks"), &file.ffy) {
                    for (mark, entry) in marks.iter_mut().zip(&entry.mark) {
                        let inode = entry.ie.as_ref().and_then(|i| i.i_ino);
                        self.resolve_watch(mark, entry.mask, entry.s_dev, inode);
                        if let (Some(mount), Value::Object(mark)) = (entry.me.as_ref(), mark)
                            && mark.get("path").is_none_or(Value::is_null)
                        {
                            let path = mount.mnt_id.and_then(|id| self.mountpoint(id));
                            insert_text(mark, "path", path);
                        }
                    }
                }
            }
            Some(DescriptorKind::Tty) => {
                let id = file.tty.as_ref().and_then(|t| t.tty_info_id);
                put(&mut f.details, "terminal", id.and_then(|id| self.terminal(id)));
            }
            Some(
                DescriptorKind::Inet
                | DescriptorKind::Unix
                | DescriptorKind::Netlink
                | DescriptorKind::Packet,
            ) => {
                let none = |_: &proto::FileEntry| Queues::default();
                if let Some(s) = Socket::new(&file, Vec::new(), self.is_big_endian(), self.is_mips(), none) {
                    let mut socket = Map::new();
                    socket.insert("family".into(), json!(s.family));
                    socket.insert("type".into(), json!(s.kind));
                    socket.insert("protocol".into(), json!(s.protocol));
                    socket.insert("state".into(), json!(s.state));
                    socket.insert("local".into(), json!(s.local));
                    socket.insert("remote".into(), json!(s.remote));
                    insert_text(&mut socket, "path", s.path.as_ref().map(super::Text::as_bytes));
                    f.details.insert("socket".into(), Value::Object(socket));
                }
            }
            Some(DescriptorKind::Pidfd) => {
                let dead = file.pidfd.as_ref().and_then(|p| p.nspid).map(|n| n < 0);
                put(&mut f.details, "dead", dead);
            }
            Some(DescriptorKind::Bpfmap) => {
                put(&mut f.details, "frozen", file.bpf.as_ref().and_then(|b| b.frozen));
            }
            _ => {}
        }
        self.describe_path(f, &file);
        if let Some(owner) = owner(&file) {
            f.details.insert("owner".into(), owner);
        }
    }

    /// What became of a path that no longer leads to the file, and what was kept to recognise the file by.
    fn describe_path(&self, f: &mut FileDescriptor, file: &proto::FileEntry) {
        // Terminals, fifos and TUN devices have a regular file's record beside their own.
        let id = match file.r#type.unwrap_or(0) {
            kind::FIFO => file.fifo.as_ref().and_then(|r| r.regf_id).unwrap_or(f.file_id),
            kind::TTY => file.tty.as_ref().and_then(|r| r.regf_id).unwrap_or(f.file_id),
            kind::REG | kind::TUNF => f.file_id,
            _ => return,
        };
        if let Some(remap) = self.files().remap(id) {
            let value = match remap {
                Remap::Ghost(n) => self.ghost(n).and_then(|g| serde_json::to_value(g).ok()),
                Remap::Linked(n) => self.files().path(n).map(|(path, _)| {
                    let mut map = Map::new();
                    map.insert("type".into(), json!("linked"));
                    map.insert("id".into(), json!(n));
                    insert_text(&mut map, "path", Some(path.as_bytes()));
                    Value::Object(map)
                }),
                Remap::Procfs(n) => Some(json!({"type": "procfs", "id": n, "pid": n})),
            };
            if let Some(value) = value {
                f.details.insert("remap".into(), value);
            }
        }
        if let Some(reg) = file.reg.as_ref().filter(|r| !r.build_id.is_empty()) {
            // Packed four bytes a word as the dumping machine loads them.
            let big = self.is_big_endian();
            let mut text = String::new();
            for word in &reg.build_id {
                let word = if big { *word } else { word.swap_bytes() };
                let _ = write!(text, "{word:08x}");
            }
            f.details.insert("buildId".into(), json!(text));
        }
        if let Some(sum) = file.reg.as_ref().and_then(|r| r.checksum) {
            f.details.insert("crc32c".into(), json!(format!("{sum:08x}")));
        }
    }

    fn resolve_watch(&self, watch: &mut Value, mask: Option<u32>, device: Option<u32>, inode: Option<u64>) {
        let Value::Object(watch) = watch else { return };
        watch.insert("events".into(), json!(mask.map(names::inotify_events)));
        if watch.get("path").is_none_or(Value::is_null)
            && let (Some(device), Some(inode)) = (device, inode)
        {
            // CRIU's cache of paths by inode, written by pre-dumps, has what the record lacks.
            let path = self.inode_paths().get(&(super::descriptor::device(device), inode));
            if let Some(path) = path {
                insert_text(watch, "path", Some(path));
                watch.insert("pathSource".into(), json!("irmap-cache"));
            }
        }
    }

    fn inode_paths(&self) -> &HashMap<(String, u64), Vec<u8>> {
        self.cache.inode_paths.get_or_init(|| {
            let entries = self.images.all::<proto::IrmapCacheEntry>("irmap-cache").unwrap_or_default();
            entries
                .into_iter()
                .filter_map(|(_, e)| Some(((super::terminal::user_device(e.dev?), e.inode?), e.path?)))
                .collect()
        })
    }

    /// The mount point of a mount by the kernel's id.
    fn mountpoint(&self, id: u32) -> Option<&[u8]> {
        let table = self.cache.mountpoints.get_or_init(|| {
            self.raw_mounts()
                .into_iter()
                .filter_map(|m| Some((m.id?, m.mountpoint?.as_bytes().to_vec())))
                .collect()
        });
        table.get(&id).map(Vec::as_slice)
    }
}

fn put<T: Serialize>(map: &mut Map<String, Value>, key: &str, value: Option<T>) {
    if let Some(value) = value.and_then(|v| serde_json::to_value(v).ok()) {
        map.insert(key.to_owned(), value);
    }
}

fn resolve_epoll(watches: &mut [Value], targets: &HashMap<u32, Value>) {
    for watch in watches {
        let Value::Object(watch) = watch else { continue };
        let fd = watch.get("fd").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
        // The number may have been closed or taken again since; the file it was added with counts.
        let target = fd.and_then(|fd| targets.get(&fd)).cloned().unwrap_or(Value::Null);
        watch.insert("target".into(), target);
        let events = watch.get("events").and_then(Value::as_str).and_then(|e| e.strip_prefix("0x"));
        let events = events.and_then(|e| u32::from_str_radix(e, 16).ok());
        watch.insert("eventNames".into(), json!(events.map(names::epoll_events)));
    }
}

/// Who is told by a signal when something happens on the file (`F_SETOWN`).
fn owner(file: &proto::FileEntry) -> Option<Value> {
    let fown = match file.r#type? {
        kind::REG => file.reg.as_ref()?.fown,
        kind::PIPE => file.pipe.as_ref()?.fown,
        kind::INETSK => file.isk.as_ref()?.fown,
        kind::UNIXSK => file.usk.as_ref()?.fown,
        kind::PACKETSK => file.psk.as_ref()?.fown,
        kind::NETLINKSK => file.nlsk.as_ref()?.fown,
        kind::EVENTFD => file.efd.as_ref()?.fown,
        kind::EVENTPOLL => file.epfd.as_ref()?.fown,
        kind::SIGNALFD => file.sgfd.as_ref()?.fown,
        kind::TIMERFD => file.tfd.as_ref()?.fown,
        kind::INOTIFY => file.ify.as_ref()?.fown,
        kind::FANOTIFY => file.ffy.as_ref()?.fown,
        kind::TTY => file.tty.as_ref()?.fown,
        kind::MEMFD => file.memfd.as_ref()?.fown,
        kind::BPFMAP => file.bpf.as_ref()?.fown,
        kind::PIDFD => file.pidfd.as_ref()?.fown,
        kind::EXT => file.ext.as_ref()?.fown,
        _ => None,
    }
    .filter(|f| f.pid.unwrap_or(0) != 0 || f.signum.unwrap_or(0) != 0)?;
    let kind = match fown.pid_type {
        Some(0) => Some("thread"),
        Some(1) => Some("process"),
        Some(2) => Some("group"),
        _ => None,
    };
    Some(json!({
        "pid": fown.pid,
        "pidType": kind,
        "signal": fown.signum.filter(|s| *s != 0).map(names::signal_name),
        "uid": fown.uid,
        "euid": fown.euid,
    }))
}
