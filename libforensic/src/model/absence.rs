//! Images that other images say should be there, and are not.
//!
//! CRIU leaves out what would be empty, and engines what they share with a
//! pod, so that most images may be missing without harm. Here are those whose
//! absence loses something; whoever needs them says so, and no one else.
//! Records made from a triage have none of these images, and miss none.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::files::kind;
use super::mapping::status;
use super::namespace::NamespaceKind;
use super::{Checkpoint, Holder};
use crate::image::proto;

/// How many images are named in one message.
const NAMED: usize = 8;

/// A pipe of which CRIU saw an end that can be read, and no image holds what was in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LostPipe {
    /// Whether it has a name.
    pub fifo: bool,
    /// Number of the pipe.
    pub id: u32,
}

impl LostPipe {
    /// The image that should hold what was in it.
    pub(crate) fn image(self) -> &'static str {
        if self.fifo { "fifo-data.img" } else { "pipes-data.img" }
    }
}

impl Checkpoint {
    /// Returns whether CRIU wrote the images.
    fn is_dump(&self) -> bool {
        self.acquisition().is_none()
    }

    /// Says of which shared memory the contents should be here and are not; returns it by its number.
    ///
    /// CRIU writes a page map for every memfd that is not empty (criu/memfd.c, `dump_one_memfd`), for
    /// every segment of an IPC namespace, and for anonymous shared memory that is mapped.
    pub(crate) fn lost_segments(&self) -> BTreeSet<u32> {
        if !self.is_dump() {
            return BTreeSet::new();
        }
        let mut wanted: BTreeSet<u32> =
            self.segments().ids().into_iter().filter(|id| self.segments().is_in_page_map(*id)).collect();
        if self.images.find("memfd.img").is_some() {
            let memfds = self.images.all::<proto::MemfdInodeEntry>("memfd.img").unwrap_or_default();
            wanted
                .extend(memfds.iter().filter(|(_, m)| m.size.unwrap_or(0) > 0).filter_map(|(_, m)| m.shmid));
        }
        for (_, name) in self.images.numbered("mm-") {
            let Some(mm) = self.images.optional::<proto::MmEntry>(&name) else { continue };
            wanted.extend(mm.vmas.iter().filter_map(anonymous_segment));
        }
        wanted.into_iter().filter(|id| self.shared_only(*id).is_none()).collect()
    }

    /// Says of which pipes the contents are missing; returns them.
    pub(crate) fn lost_pipes(&self) -> BTreeSet<LostPipe> {
        let files = self.files();
        let mut lost = BTreeSet::new();
        if files.is_missing() {
            // Who asks for files says so; pipes that nobody lists are handed out all the same.
            return lost;
        }
        for kind in [kind::PIPE, kind::FIFO] {
            let entries = files.of_kind(kind).into_iter().filter_map(|id| files.get(kind, id));
            lost.extend(entries.filter_map(|file| self.lost_pipe(&file)));
        }
        lost
    }

    /// As [`Self::lost_pipes`], of one open file.
    ///
    /// CRIU writes a record for every pipe, be it empty, that it has seen an end of which can be read
    /// (criu/pipes.c, `dump_one_pipe_data`).
    pub(super) fn lost_pipe(&self, file: &proto::FileEntry) -> Option<LostPipe> {
        const WRITE_ONLY: u32 = 1;
        const PATH_ONLY: u32 = 0o1000_0000;
        if !self.is_dump() {
            return None;
        }
        let (fifo, id, flags) = match (&file.pipe, &file.fifo) {
            (Some(pipe), _) => (false, pipe.pipe_id?, pipe.flags?),
            (None, Some(fifo)) => (true, fifo.pipe_id?, self.files().regular(fifo.regf_id?)?.flags?),
            (None, None) => return None,
        };
        if flags & (WRITE_ONLY | PATH_ONLY) != 0 || self.pipes().contains_key(&id) {
            return None;
        }
        let lost = LostPipe { fifo, id };
        let what = if self.images.find(lost.image()).is_none() {
            "the image is missing: what was in pipes is not known".to_owned()
        } else {
            format!("pipe {id} has no record: what was in it is not known")
        };
        self.images.warn(lost.image(), None, &what);
        Some(lost)
    }

    /// Returns the namespaces of one kind that processes are in, without those that CRIU itself ran in:
    /// of these it dumps nothing. Empty where the inventory does not tell which these are.
    pub(super) fn dumped_namespaces(&self, kind: NamespaceKind) -> BTreeSet<u32> {
        // Without these images it is not known what should be there; what is there is no less for that.
        let inventory = self.images.peek::<proto::InventoryEntry>("inventory.img");
        let host = inventory.and_then(|i| kind.of(i.root_ids.as_ref()?)).filter(|id| *id != 0);
        let Some(host) = host else { return BTreeSet::new() };
        let mut seen = BTreeSet::new();
        for pid in self.pids() {
            let ids = self.images.peek::<proto::TaskKobjIdsEntry>(&format!("ids-{pid}.img"));
            // Old dumps keep the numbers in the core image.
            let old = || self.images.peek::<proto::CoreEntry>(&format!("core-{pid}.img")).and_then(|c| c.ids);
            if let Some(ids) = ids.or_else(old) {
                seen.extend(kind.of(&ids).filter(|id| *id != 0 && *id != host));
            }
        }
        seen
    }

    /// Says which namespaces of a kind have no image, for a kind that always has one.
    pub(super) fn miss_namespaces(&self, kind: NamespaceKind) {
        if !self.is_dump() {
            return;
        }
        let (prefix, what) = match kind {
            NamespaceKind::Mnt => ("mountpoints-", "the image of a mount namespace is missing"),
            NamespaceKind::Uts => {
                ("utsns-", "the image is missing: the host name of the processes is not known")
            }
            NamespaceKind::User => {
                ("userns-", "the image is missing: ids outside of the user namespace are not known")
            }
            NamespaceKind::Ipc => {
                ("ipcns-var-", "the image is missing: what the IPC namespace held may be missing, too")
            }
            NamespaceKind::Time => {
                ("timens-", "the image is missing: the clocks of a time namespace are not known")
            }
            // Of these CRIU dumps nothing, or only where it was not told to leave them alone.
            NamespaceKind::Cgroup | NamespaceKind::Net | NamespaceKind::Pid => return,
        };
        for id in self.dumped_namespaces(kind) {
            let name = format!("{prefix}{id}.img");
            if self.images.find(&name).is_none() {
                self.images.warn(&name, None, what);
            }
        }
    }

    /// As [`Self::miss_namespaces`], of one user namespace.
    pub(super) fn miss_user_namespace(&self, id: Option<u32>) {
        if !self.is_dump() {
            return;
        }
        let host = self.inventory().and_then(|i| i.root_ids?.user_ns_id).filter(|id| *id != 0);
        if let (Some(id), Some(host)) = (id.filter(|id| *id != 0), host)
            && id != host
            && self.images.find(&format!("userns-{id}.img")).is_none()
        {
            let what = "the image is missing: ids outside of the user namespace are not known";
            self.images.warn(&format!("userns-{id}.img"), None, what);
        }
    }

    /// Says which images of a network namespace that was dumped are missing.
    ///
    /// A namespace that belongs to the pod, or to nobody (`--network none`), has none of them: that
    /// one was dumped is known from any of them (criu/net.c, `dump_net_ns`).
    pub(super) fn miss_network(&self) {
        const IMAGES: [&str; 3] = ["netdev-", "ifaddr-", "route-"];
        if !self.is_dump() {
            return;
        }
        let mut dumped: BTreeSet<u32> = BTreeSet::new();
        for (id, name) in self.images.numbered("netns-") {
            let entry = self.images.one::<proto::NetnsEntry>(&name);
            if entry.is_some_and(|e| e.ext_key.is_none_or(|k| k.is_empty())) {
                dumped.insert(id);
            }
        }
        for prefix in IMAGES {
            dumped.extend(self.images.numbered(prefix).into_iter().map(|(id, _)| id));
        }
        for id in dumped {
            for (prefix, what) in IMAGES.iter().zip(["links", "addresses", "routes"]) {
                let name = format!("{prefix}{id}.img");
                if self.images.find(&name).is_none() {
                    let what =
                        format!("the image is missing: the {what} of the network namespace are not known");
                    self.images.warn(&name, None, &what);
                }
            }
        }
    }

    /// Says which memory file systems were mounted, and have no image; returns how many.
    ///
    /// CRIU packs one if the whole of it was mounted somewhere and no mount of it came from outside
    /// (criu/mount.c, `dump_one_fs`).
    pub(crate) fn miss_tmpfs(&self) -> usize {
        /// Whether the whole file system is mounted, and whether it came from outside or is the root.
        #[derive(Default)]
        struct Seen {
            whole: bool,
            outside: bool,
            point: String,
        }
        if !self.is_dump() {
            return 0;
        }
        let mut devices: BTreeMap<u32, Seen> = BTreeMap::new();
        for mount in self.raw_mounts() {
            if mount.fstype.as_ref().is_none_or(|t| t.as_bytes() != b"tmpfs") {
                continue;
            }
            let point = mount.mountpoint.as_ref().map_or(&b""[..], |p| p.as_bytes());
            let whole = mount.root.as_ref().is_none_or(|r| r.as_bytes() == b"/");
            let seen = devices.entry(mount.raw.root_dev.unwrap_or(0)).or_default();
            // From outside comes what is below the root of an external mount (`mnt_get_external_bind`): a
            // masked path, which is a bind mount of /dev/null, says nothing about the rest of /dev.
            seen.outside |= mount.external && whole
                || mount.raw.with_plugin == Some(true)
                || matches!(point, b"/" | b"./" | b".");
            if whole && !seen.whole {
                seen.whole = true;
                seen.point = String::from_utf8_lossy(point).into_owned();
            }
        }
        // Until CRIU 1.3 the numbers were those of mounts.
        let by_mount = self.images.starting_with("tmpfs-").any(|m| !m.base_name().starts_with(b"tmpfs-dev-"));
        let mut missing = 0_usize;
        for (device, seen) in devices.into_iter().filter(|(_, s)| s.whole && !s.outside && !by_mount) {
            let start = format!("tmpfs-dev-{device}.");
            if self.images.starting_with(&start).next().is_none() {
                missing = missing.saturating_add(1);
                let what = format!(
                    "the image is missing: what was in the memory file system at {} is not known",
                    seen.point
                );
                self.images.warn(&format!("tmpfs-dev-{device}.tar.gz.img"), None, &what);
            }
        }
        missing
    }

    /// Says that the image of control groups is missing, if the task was in others than CRIU itself.
    ///
    /// CRIU writes none where all tasks were in its own groups (criu/cgroup.c, `dump_cgroups`).
    pub(super) fn miss_cgroups(&self, set: u32) {
        if !self.is_dump() {
            return;
        }
        let own = self.inventory().and_then(|i| i.root_cg_set);
        if set != 0 && own.is_some_and(|own| own != set) && self.images.find("cgroup.img").is_none() {
            let what = "the image is missing: the control groups of the processes are not known";
            self.images.warn("cgroup.img", None, what);
        }
    }

    /// Reads the memory descriptor of a process, for what it has mapped of other things.
    ///
    /// A zombie has none, and whether its core image is there does not matter here.
    pub(super) fn mappings_of(&self, pid: u32) -> Option<proto::MmEntry> {
        let name = format!("mm-{pid}.img");
        if self.images.find(&name).is_none() && self.has_ended(pid) {
            return None;
        }
        self.images.required::<proto::MmEntry>(&name)
    }

    /// Says which processes are in no record of the process table, though their core images are there.
    ///
    /// Threads have core images, too; of the only thread of a zombie the table has no true number.
    pub(super) fn miss_records(&self, list: &[Arc<proto::PstreeEntry>]) {
        if !self.is_dump() {
            return;
        }
        let known: HashSet<u32> =
            list.iter().flat_map(|t| t.pid.into_iter().chain(t.threads.iter().copied())).collect();
        let cores = self.images.numbered("core-");
        let mut strangers = cores.into_iter().filter(|(id, _)| !known.contains(id)).map(|(_, name)| name);
        let named: Vec<String> = strangers.by_ref().take(NAMED).collect();
        let more = match strangers.count() {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        if let [one] = named.as_slice() {
            let what = format!("{one} belongs to no process of this table: a record of it is missing");
            self.images.warn("pstree.img", None, &what);
        } else if !named.is_empty() {
            let what = format!(
                "{}{more} belong to no process of this table: records of it are missing",
                named.join(", ")
            );
            self.images.warn("pstree.img", None, &what);
        }
    }

    /// Says which sockets have no record, by those who hold them.
    pub(super) fn miss_sockets(&self, holders: HashMap<(i32, u32), Vec<Holder>>) {
        if self.files().is_missing() {
            return;
        }
        let mut lost: Vec<_> = holders.into_iter().collect();
        lost.sort_unstable();
        for ((_, id), holders) in lost {
            if let Some(first) = holders.first() {
                let more = match holders.len().saturating_sub(1) {
                    0 => String::new(),
                    n => format!(" (and {n} more)"),
                };
                let what = format!(
                    "descriptor {} of process {}{more} is a socket and refers to file {id}, which has no record",
                    first.fd, first.pid
                );
                self.images.warn("files.img", None, &what);
            }
        }
    }

    /// Says which descriptors refer to files without a record, and which deleted files have no image.
    pub(super) fn miss_files(&self) {
        if !self.is_dump() {
            return;
        }
        let files = self.files();
        files.say_remaps_missing();
        for id in files.ghosts() {
            let name = format!("ghost-file-{id:x}.img");
            if self.images.find(&name).is_none() {
                self.images.warn(&name, None, "the image of a deleted file is missing");
            }
        }
        for pid in self.pids() {
            let table = self.fd_table(pid).ok().flatten().unwrap_or_default();
            if files.is_missing() {
                continue;
            }
            let has = |e: &proto::FdinfoEntry| files.has(e.r#type.unwrap_or(0), e.id.unwrap_or(0));
            let mut lost = table.iter().filter(|(_, e)| !has(e)).map(|(_, e)| e);
            if let Some(first) = lost.next() {
                let more = match lost.count() {
                    0 => String::new(),
                    n => format!(" (and {n} more)"),
                };
                let (fd, id) = (first.fd.unwrap_or(0), first.id.unwrap_or(0));
                let what = format!(
                    "descriptor {fd} of process {pid}{more} refers to file {id}, which has no record"
                );
                self.images.warn("files.img", None, &what);
            }
        }
    }

    /// Says which segments of System V shared memory processes had mapped and no image lists.
    pub(super) fn miss_segments(&self) {
        if !self.is_dump() {
            return;
        }
        for pid in self.pids() {
            let Some(mm) = self.mappings_of(pid) else { continue };
            for vma in &mm.vmas {
                let sysv = vma.status.unwrap_or(0) & status::SYSVIPC != 0;
                let id = vma.shmid.and_then(|s| u32::try_from(s).ok());
                if let Some(id) = id.filter(|id| sysv && self.segments().size(*id).is_none()) {
                    let what = format!(
                        "segment {id} of shared memory is mapped by process {pid}, and no image of an IPC namespace lists it"
                    );
                    self.images.warn(&format!("mm-{pid}.img"), None, &what);
                }
            }
        }
    }
}

/// Returns the number of the anonymous shared memory that a mapping shows.
fn anonymous_segment(vma: &proto::VmaEntry) -> Option<u32> {
    let bits = vma.status.unwrap_or(0);
    let other = status::SYSVIPC | status::MEMFD | status::FILE_PRIVATE | status::FILE_SHARED;
    (bits & status::ANON_SHARED != 0 && bits & other == 0).then(|| u32::try_from(vma.shmid?).ok()).flatten()
}
