//! What the images say together: a frozen container as its processes saw it.
//!
//! A [`Checkpoint`] is opened once and asked for facts; each is worked out
//! when it is first asked for. Asking for sockets does not read memory.
//!
//! ```
//! # fn main() -> libforensic::Result<()> {
//! let checkpoint = libforensic::Checkpoint::open("../examples/evidence/simple.tar")?;
//! for pid in checkpoint.pids() {
//!     let process = checkpoint.process(pid)?;
//!     println!("{pid} {:?}", process.cmdline);
//! }
//! # assert_eq!(checkpoint.pids().len(), 3);
//! # Ok(())
//! # }
//! ```
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod absence;
mod arguments;
mod bpf;
mod cache;
mod cgroup;
mod conntrack;
mod container;
mod contents;
mod contradiction;
#[cfg(test)]
mod cost_tests;
mod decoded;
mod descriptor;
pub(crate) mod files;
mod firewall;
mod foreign;
mod ghost;
mod images;
mod ipc;
mod kernel;
mod location;
mod lock;
mod log;
mod mapping;
mod member;
mod mount;
mod names;
mod namespace;
mod netlink;
mod network;
mod pod;
mod process;
mod question;
mod queue;
mod registers;
mod request;
mod retention;
mod rootfs;
mod seccomp;
mod sharing;
mod signal;
mod socket;
mod space;
mod summary;
mod syscall;
mod syscall_numbers;
mod syscall_table;
mod sysv;
mod tasks;
mod tcp;
mod terminal;
pub(crate) mod text;
mod thread;
mod timer;
mod tmpfs;
mod tree;
mod triage;
mod userns;
mod watch;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

pub use crate::proc::Acquisition;
pub use bpf::{Action, Input, Instruction, Verdict, disassemble, verdict};
pub use cgroup::{CgroupDirectory, CgroupProperty};
pub use conntrack::Connection;
pub use container::{Container, Engine, Metadata, Pod};
pub use decoded::{Decoded, decoded, decoded_table};
pub use descriptor::{DescriptorKind, FileDescriptor};
pub use files::Remap;
pub use ghost::Ghost;
pub(crate) use images::Images;
pub use ipc::IpcObject;
pub use location::{Location, LocationMapping};
pub use lock::FileLock;
pub use log::{LogLine, LogLines};
pub(crate) use mapping::status as mapping_status;
pub use mapping::{Mapping, MappingKind};
pub use member::{MemberSummary, companion_kind};
pub use mount::Mount;
pub use names::{capability_names, securebit_names, signal_name, signal_names};
pub use namespace::{Namespace, NamespaceKind};
pub use network::{NetworkItem, Source};
pub use pod::PodContainer;
pub use process::{
    AuxvEntry, Capabilities, Cgroup, Credentials, Ids, MemoryLayout, MemorySizes, Namespaces, Process,
    ResourceLimit, SharedWith, Signals, State, Task,
};
pub use question::{Answer, Answerable, questions};
pub use registers::{Architecture, Registers};
pub use request::RequestedMount;
pub use seccomp::{FilterUser, Rules, SeccompFilter};
pub use sharing::FileSharing;
pub use signal::{AlternateStack, PendingSignal, SignalHandler};
pub use socket::{Endpoint, Family, Holder, QueuedMessage, Socket};
pub(crate) use summary::rfc3339;
pub use summary::{Clocks, CriuInfo, Log, Sizes, Stats, Summary};
pub use syscall::{CallState, Confidence, SystemCall};
pub use syscall_table::{compat_system_call_name, system_call_name};
pub use tcp::TcpRepair;
pub use terminal::Terminal;
pub use text::{Hex, Text, put_text};
pub use thread::{RestartableSequence, RobustList, Scheduling, Thread};
pub use timer::{Notify, Timer};
pub use tmpfs::TmpfsFile;
pub use userns::{IdRange, OutsideIds, UserNamespace};

use crate::archive::{Archive, KeepAll, OpenOptions};
use crate::error::{Error, ErrorKind, Result, Warning, Warnings};
use crate::image::proto;
use crate::memory::store::PageStore;
use crate::proc::Triage;
use descriptor::PipeQueue;
use files::{Files, kind};
use sysv::Segments;

/// How a checkpoint is opened.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Options {
    /// What reading may cost, and where unpacked pages go.
    pub archive: OpenOptions,
    /// Unpack the pages of a compressed archive in the first pass.
    ///
    /// Set it when memory will be read. Without it only the pages that hold
    /// arguments and environments are kept, and the first other read unpacks
    /// the archive a second time.
    pub memory: bool,
    /// Parent dumps of an incremental dump, the nearest first.
    ///
    /// Without any, the `parent` link of the image directory is followed.
    pub parents: Vec<PathBuf>,
    /// A root file system for unchanged pages of mapped files: a directory, a tar, or an OCI or
    /// Docker image. Of use with `memory` only.
    ///
    /// A file is used if its size and build-id are those that CRIU recorded; a warning says
    /// where they are not.
    pub rootfs: Option<PathBuf>,
}

/// The process table in its own order, and by pid.
#[derive(Debug, Default)]
struct Tree {
    list: Vec<Arc<proto::PstreeEntry>>,
    by_pid: HashMap<u32, usize>,
}

/// A frozen container.
#[derive(Debug)]
pub struct Checkpoint {
    images: Arc<Images>,
    has_images: bool,
    metadata: OnceLock<Metadata>,
    tree: OnceLock<Tree>,
    inventory: OnceLock<Option<proto::InventoryEntry>>,
    architecture: OnceLock<Option<Architecture>>,
    page: OnceLock<u64>,
    files: OnceLock<Files>,
    segments: OnceLock<Segments>,
    shared: Mutex<HashMap<u32, Option<Arc<PageStore>>>>,
    cgroups: OnceLock<HashMap<u32, Vec<Cgroup>>>,
    pipes: OnceLock<HashMap<u32, PipeQueue>>,
    packets: OnceLock<HashMap<u32, Vec<QueuedMessage>>>,
    mapped: contents::MappedFiles,
    /// What /proc said, where there is no dump.
    triage: Option<Triage>,
    cache: cache::Cache,
}

impl Checkpoint {
    /// Opens an archive, a directory, or standard input for `-`.
    ///
    /// # Errors
    ///
    /// When it cannot be opened or is no checkpoint. Damage further in is not
    /// an error: see [`Checkpoint::warnings`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, Options::default())
    }

    /// Opens like [`Checkpoint::open`] with options.
    ///
    /// # Errors
    ///
    /// As [`Checkpoint::open`].
    pub fn open_with(path: impl AsRef<Path>, options: Options) -> Result<Self> {
        let path = path.as_ref();
        let opened = if options.memory {
            Archive::open_with(path, options.archive.clone(), &mut KeepAll)
        } else {
            Archive::open_with(path, options.archive.clone(), &mut retention::FactsOnly::default())
        };
        let archive = opened.map_err(|e| match foreign::by_name(path) {
            Some(what) if e.kind() == ErrorKind::UnknownFormat => {
                Error::new(ErrorKind::UnsupportedFormat, format!("by its name this is {what}")).with_source(e)
            }
            _ => e,
        })?;
        Self::from_archive_with(archive, options)
    }

    /// Takes an archive that is open already, with options as for [`Checkpoint::open_with`].
    ///
    /// Which members the archive has kept is settled; the rest of the options is heeded.
    ///
    /// # Errors
    ///
    /// As [`Checkpoint::open_with`].
    pub fn from_archive_with(archive: Archive, options: Options) -> Result<Self> {
        let decrypt = options.archive.decrypt.clone();
        let mut checkpoint = Self::from_archive(archive)?;
        checkpoint.mapped.enabled = options.memory;
        if let Some(path) = &options.rootfs {
            let architecture = checkpoint.architecture().map(Architecture::oci_name);
            let root = rootfs::RootFileSystem::open(path, options.archive, architecture)?;
            checkpoint.mapped.root = Some(root);
        }
        let mut child = Arc::clone(&checkpoint.images);
        for path in &options.parents {
            let options = OpenOptions {
                limits: checkpoint.archive().limits().clone(),
                decrypt: decrypt.clone(),
                ..OpenOptions::default()
            };
            let parent = Archive::open_with(path, options, &mut KeepAll)?;
            let (images, found) = Images::locate(Arc::new(parent));
            if !found && images.starting_with("pagemap-").next().is_none() {
                let what = format!("{} holds no page maps to be a parent dump", path.display());
                return Err(Error::new(ErrorKind::NotACheckpoint, what));
            }
            let parent = Arc::new(images);
            child.set_parent(Arc::clone(&parent));
            child = parent;
        }
        Ok(checkpoint)
    }

    /// Takes an archive that is open already.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotACheckpoint`] when it holds neither CRIU images nor an engine's metadata.
    pub fn from_archive(mut archive: Archive) -> Result<Self> {
        let (triage, made) = Triage::recognise(&mut archive).unzip();
        let archive = Arc::new(archive);
        if let Some(error) = foreign::recognise(&archive) {
            return Err(error);
        }
        let (images, has_images) = Images::locate(Arc::clone(&archive));
        made.into_iter().flatten().for_each(|warning| images.warnings.push(warning));
        images.say_others();
        let metadata = ["config.dump", "spec.dump", "stats-dump", "checkpoint/stats-dump"];
        if !has_images {
            if !metadata.iter().any(|m| archive.member(m.as_bytes()).is_some()) {
                let names: Vec<String> = archive
                    .members()
                    .iter()
                    .take(3)
                    .map(|m| m.display_name().escape_debug().to_string())
                    .collect();
                let shown = if names.is_empty() {
                    "it is empty".to_owned()
                } else {
                    format!("it holds {} …", names.join(", "))
                };
                if archive.is_cut_off() {
                    let mut e = Error::new(
                        ErrorKind::Truncated,
                        format!("the archive is cut off before any CRIU image or engine metadata: {shown}"),
                    );
                    if let Some(warning) = archive.warnings().last() {
                        e = e.with_source(warning.to_string());
                    }
                    return Err(e);
                }
                return Err(Error::new(
                    ErrorKind::NotACheckpoint,
                    format!("no CRIU images and no engine metadata in it: {shown}"),
                ));
            }
            images.warnings.push(Warning::new(
                "the archive holds no CRIU images; `images-dir` in /etc/criu/runc.conf on the node may have sent them elsewhere",
            ));
        }
        Ok(Self {
            images: Arc::new(images),
            has_images,
            metadata: OnceLock::new(),
            tree: OnceLock::new(),
            inventory: OnceLock::new(),
            architecture: OnceLock::new(),
            page: OnceLock::new(),
            files: OnceLock::new(),
            segments: OnceLock::new(),
            shared: Mutex::default(),
            cgroups: OnceLock::new(),
            pipes: OnceLock::new(),
            packets: OnceLock::new(),
            mapped: contents::MappedFiles::default(),
            triage,
            cache: cache::Cache::default(),
        })
    }

    /// Returns the archive.
    pub fn archive(&self) -> &Archive {
        &self.images.archive
    }

    /// Returns what could not be read so far.
    pub fn warnings(&self) -> Vec<Warning> {
        let mut all = self.images.archive.warnings();
        all.extend(self.images.warnings.to_vec());
        // Of parents as far as they were looked at; several may be in one archive, or in a circle.
        let mut archives = vec![Arc::as_ptr(&self.images.archive)];
        let of_parents = Warnings::default();
        let mut next = self.images.loaded_parent();
        while let Some(parent) = next {
            if !archives.contains(&Arc::as_ptr(&parent.archive)) {
                archives.push(Arc::as_ptr(&parent.archive));
                parent.archive.warnings().into_iter().for_each(|w| of_parents.push(w));
            }
            parent.warnings.to_vec().into_iter().for_each(|w| of_parents.push(w));
            next = parent.loaded_parent();
        }
        all.extend(of_parents.to_vec());
        if let Some(root) = &self.mapped.root {
            all.extend(root.warnings());
        }
        all
    }

    /// Returns true if there are CRIU images, not only an engine's metadata.
    pub fn has_images(&self) -> bool {
        self.has_images
    }

    /// Returns what the engine says about the container.
    pub fn metadata(&self) -> &Metadata {
        self.metadata.get_or_init(|| {
            let mut metadata = Metadata::read(&self.images);
            if let Some(triage) = &self.triage {
                triage.describe(&mut metadata);
            }
            metadata
        })
    }

    /// Returns how the facts were read, where they are no checkpoint of CRIU's.
    ///
    /// Processes of such an archive went on while they were read: what is said
    /// of one moment may not be true of the next, and facts may contradict
    /// each other.
    pub fn acquisition(&self) -> Option<&Acquisition> {
        self.triage.as_ref().map(Triage::acquisition)
    }

    /// Returns the path of an executable that a triage copied under that name.
    pub(crate) fn executable_of(&self, copy: &[u8]) -> Option<Text> {
        self.triage.as_ref().and_then(|triage| triage.executable(copy))
    }

    /// Returns the inventory's record.
    pub fn inventory(&self) -> Option<&proto::InventoryEntry> {
        self.inventory
            .get_or_init(|| if self.has_images { self.images.required("inventory.img") } else { None })
            .as_ref()
    }

    /// Returns the records of an image by its file name, each with its offset in bytes.
    ///
    /// What the model made of them is in [`Process`], [`Socket`] and so on,
    /// most of which carry their record; this reaches all others. Which image
    /// holds what is in [`decoded`]. There are none if there is no such image.
    ///
    /// ```
    /// use libforensic::image::proto::FdinfoEntry;
    ///
    /// # fn main() -> libforensic::Result<()> {
    /// let checkpoint = libforensic::Checkpoint::open("../examples/evidence/simple.tar")?;
    /// let table = checkpoint.records::<FdinfoEntry>("fdinfo-2.img");
    /// assert_eq!(table[0].1.fd, Some(0));
    /// # Ok(())
    /// # }
    /// ```
    pub fn records<M: prost::Message + prost::Name + Default>(&self, image: &str) -> Vec<(u64, M)> {
        self.images.all(image).unwrap_or_default()
    }

    /// Returns the process ids in the order of the process table: parents first.
    pub fn pids(&self) -> Vec<u32> {
        self.tree().iter().map(|t| t.pid.unwrap_or(0)).collect()
    }

    fn tree(&self) -> &[Arc<proto::PstreeEntry>] {
        &self.process_table().list
    }

    /// Returns the process table's record of a process.
    fn entry(&self, pid: u32) -> Option<&Arc<proto::PstreeEntry>> {
        let table = self.process_table();
        table.by_pid.get(&pid).and_then(|i| table.list.get(*i))
    }

    fn process_table(&self) -> &Tree {
        self.tree.get_or_init(|| {
            let mut tree = Tree::default();
            if !self.has_images {
                return tree;
            }
            let bytes = self.images.bytes("pstree.img");
            let records = bytes.map(|bytes| {
                tree::too_wide(&bytes, |offset, what| self.images.warn("pstree.img", Some(offset), what));
                self.images.decode::<proto::PstreeEntry>("pstree.img", &bytes)
            });
            let Some(records) = records else {
                self.images.warn(
                    "pstree.img",
                    None,
                    "the image is missing: there is no list of processes (a pre-dump has none)",
                );
                return tree;
            };
            let limit = usize::try_from(self.archive().limits().tasks).unwrap_or(usize::MAX);
            for (offset, entry) in records {
                if tree.list.len() >= limit {
                    self.images.warn(
                        "pstree.img",
                        Some(offset),
                        &format!("more than {limit} processes; the rest is not read"),
                    );
                    break;
                }
                let pid = entry.pid.unwrap_or(0);
                if tree.by_pid.contains_key(&pid) {
                    let what = format!("process {pid} is listed twice; the first counts");
                    self.images.warn("pstree.img", Some(offset), &what);
                    continue;
                }
                tree.by_pid.insert(pid, tree.list.len());
                tree.list.push(Arc::new(entry));
            }
            tree::circles(&tree.list, &tree.by_pid, |what| self.images.warn("pstree.img", None, what));
            tree::orphans(&tree.list, &tree.by_pid, |what| self.images.warn("pstree.img", None, what));
            if tree.list.len() < limit {
                self.miss_records(&tree.list);
            }
            tree
        })
    }

    /// Returns the architecture of the dump, as the first core image tells.
    pub fn architecture(&self) -> Option<Architecture> {
        *self.architecture.get_or_init(|| {
            self.tree().iter().find_map(|t| {
                let core =
                    self.images.peek::<proto::CoreEntry>(&format!("core-{}.img", t.pid.unwrap_or(0)))?;
                Architecture::from_mtype(core.mtype.unwrap_or(0))
            })
        })
    }

    fn is_big_endian(&self) -> bool {
        self.architecture().is_some_and(Architecture::is_big_endian)
    }

    fn is_mips(&self) -> bool {
        self.architecture() == Some(Architecture::Mips)
    }

    /// Returns the images, for analyses that need the records themselves.
    pub(crate) fn images(&self) -> &Arc<Images> {
        &self.images
    }

    pub(crate) fn files(&self) -> &Files {
        self.files.get_or_init(|| Files::load(&self.images))
    }

    pub(crate) fn segments(&self) -> &Segments {
        self.segments.get_or_init(|| Segments::load(&self.images))
    }

    /// Loads the pages of a shared segment, once.
    pub(crate) fn shared(&self, shmid: u32) -> Option<Arc<PageStore>> {
        if let Some(known) = self.shared.lock().unwrap_or_else(PoisonError::into_inner).get(&shmid) {
            return known.clone();
        }
        let name = format!("pagemap-shmem-{shmid}.img");
        let store = PageStore::load(&self.images, &name, self.page_size());
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).insert(shmid, store.clone());
        store
    }

    /// As [`Self::shared`], of a segment whose contents are nowhere else.
    pub(crate) fn shared_only(&self, shmid: u32) -> Option<Arc<PageStore>> {
        let store = self.shared(shmid);
        let name = format!("pagemap-shmem-{shmid}.img");
        if store.is_none() && self.images.find(&name).is_none() {
            self.images.warn(&name, None, "the image is missing: this shared memory cannot be read");
        }
        store
    }

    /// Returns the descriptors of one process in the order of its table.
    ///
    /// # Errors
    ///
    /// When there is no such process.
    pub fn descriptors(&self, pid: u32) -> Result<Vec<FileDescriptor>> {
        let Some(entries) = self.fd_table(pid)? else { return Ok(Vec::new()) };
        let files = self.files();
        files.say_remaps_missing();
        let mut list: Vec<FileDescriptor> = entries
            .into_iter()
            .map(|(offset, entry)| {
                let fd = FileDescriptor::new(pid, entry, files, |id| self.pipes().get(&id).copied());
                if fd.raw_file.is_none() {
                    let what = format!("descriptor {} of process {pid} at byte {offset} refers to file {}, which has no record", fd.fd, fd.file_id);
                    self.images.warn("files.img", None, &what);
                }
                if let Some(file) = &fd.raw_file {
                    self.lost_pipe(file);
                }
                fd
            })
            .collect();
        if !list.is_sorted_by_key(|f| f.fd) {
            list.sort_by_key(|f| f.fd);
        }
        self.surround(pid, &mut list);
        Ok(list)
    }

    /// Reads the descriptor table of a process; `None` for a dead one.
    fn fd_table(&self, pid: u32) -> Result<Option<Vec<(u64, proto::FdinfoEntry)>>> {
        let Some(ids) = self.ids(pid)? else { return Ok(None) };
        let Some(id) = ids.files_id else { return Ok(None) };
        let name = format!("fdinfo-{id}.img");
        let table = self.images.all::<proto::FdinfoEntry>(&name);
        if table.is_none() && self.images.find(&name).is_none() {
            self.images.warn(&name, None, &format!("the descriptor table of process {pid} is missing"));
        }
        contradiction::descriptors(table.as_deref().unwrap_or_default(), |offset, what| {
            self.images.warn(&name, Some(offset), what);
        });
        Ok(table)
    }

    fn pipes(&self) -> &HashMap<u32, PipeQueue> {
        self.pipes.get_or_init(|| {
            let mut pipes = HashMap::new();
            for name in ["pipes-data.img", "fifo-data.img"] {
                for (_, entry) in self.images.all::<proto::PipeDataEntry>(name).unwrap_or_default() {
                    let queue = PipeQueue {
                        bytes: u64::from(entry.bytes.unwrap_or(0)),
                        capacity: entry.size.map(u64::from),
                    };
                    pipes.insert(entry.pipe_id.unwrap_or(0), queue);
                }
            }
            pipes
        })
    }

    /// Returns all sockets, each once, with everyone who holds it.
    pub fn sockets(&self) -> Vec<Socket> {
        const KINDS: [i32; 4] = [kind::INETSK, kind::UNIXSK, kind::NETLINKSK, kind::PACKETSK];
        let mut holders: HashMap<(i32, u32), Vec<Holder>> = HashMap::new();
        for pid in self.pids() {
            let Ok(Some(table)) = self.fd_table(pid) else { continue };
            for (_, entry) in table {
                let kind = entry.r#type.unwrap_or(0);
                if KINDS.contains(&kind) {
                    let holder = Holder { pid, fd: entry.fd.unwrap_or(0) };
                    holders.entry((kind, entry.id.unwrap_or(0))).or_default().push(holder);
                }
            }
        }
        let files = self.files();
        let (big_endian, mips) = (self.is_big_endian(), self.is_mips());
        let mut sockets = Vec::new();
        for kind in KINDS {
            for id in files.of_kind(kind) {
                let Some(raw) = files.get(kind, id) else { continue };
                let mut who = holders.remove(&(kind, id)).unwrap_or_default();
                who.sort_unstable();
                sockets.extend(Socket::new(&raw, who, big_endian, mips, |f| self.queues(f)));
            }
        }
        self.miss_sockets(holders);
        socket::mark_unaccepted(&mut sockets);
        sockets
    }

    /// Returns the mounts of all mount namespaces, each namespace in the kernel's mount order.
    pub fn mounts(&self) -> Vec<Mount> {
        self.miss_namespaces(NamespaceKind::Mnt);
        let mut mounts = self.raw_mounts();
        self.compare_with_request(&mut mounts);
        mounts
    }

    /// The mounts as the images have them.
    fn raw_mounts(&self) -> Vec<Mount> {
        let mut mounts = Vec::new();
        for (id, name) in self.images.numbered("mountpoints-") {
            let records = self.images.all::<proto::MntEntry>(&name).unwrap_or_default();
            // CRIU writes the newest mount first.
            mounts.extend(records.into_iter().rev().map(|(_, entry)| Mount::new(id, entry)));
        }
        mounts
    }
}
