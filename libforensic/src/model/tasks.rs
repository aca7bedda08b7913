//! Puts processes together from the images that are about them.

use std::collections::HashMap;
use std::sync::Arc;

use super::cache::Sharing;
use super::files::kind;
use super::mapping::{Mapping, MappingKind, memfd_path, status};
use super::process::{self, handlers, pending, seccomp_mode};
use super::retention::auxv_value;
use super::{
    AuxvEntry, Cgroup, Checkpoint, Credentials, Hex, MemoryLayout, MemorySizes, Namespaces, PendingSignal,
    Process, ResourceLimit, SharedWith, SignalHandler, Signals, State, Task, Text, Timer, names,
};
use crate::error::{Error, ErrorKind, Result};
use crate::image::proto;
use crate::memory::store::PageStore;
use crate::memory::{AddressSpace, Backing, Region};

/// Most processes that are named as sharing one kernel object; a forged dump may claim that all do.
const SHARERS: usize = 64;
/// `AT_PAGESZ`.
const AT_PAGESZ: u64 = 6;
/// Page sizes that Linux knows, in bytes.
const PAGE_SIZES: std::ops::RangeInclusive<u64> = 4096..=(1 << 20);
/// The most that setproctitle(3) can show through /proc/PID/cmdline.
const TITLE_BYTES: u64 = 4096;
/// More empty arguments than this at the end are padding that a process wrote over its own arguments.
const EMPTY_ARGUMENTS: usize = 2;

impl Checkpoint {
    /// Returns one entry of the process table.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when there is no such process.
    pub fn task(&self, pid: u32) -> Result<Task> {
        let raw = self.entry(pid).ok_or_else(|| self.no_such_process(pid))?;
        let core = self.images.required::<proto::CoreEntry>(&format!("core-{pid}.img")).map(Arc::new);
        let tc = core.as_ref().and_then(|c| c.tc.as_ref());
        let state = tc.and_then(|t| t.task_state).and_then(|n| {
            let state = State::from_number(n);
            if state.is_none() {
                self.images.warn(&format!("core-{pid}.img"), None, &format!("unknown task state {n}"));
            }
            state
        });
        // A dead task's only thread id is uninitialised memory.
        let threads = if state == Some(State::Dead) { Vec::new() } else { raw.threads.clone() };
        Ok(Task {
            pid,
            ppid: raw.ppid.unwrap_or(0),
            pgid: raw.pgid.unwrap_or(0),
            sid: raw.sid.unwrap_or(0),
            threads,
            state,
            comm: tc.and_then(|t| t.comm.clone()).map(Text::new),
            raw: Arc::clone(raw),
            core,
        })
    }

    fn no_such_process(&self, pid: u32) -> Error {
        let pids = self.pids();
        let mut known: Vec<String> = pids.iter().take(20).map(u32::to_string).collect();
        if pids.len() > known.len() {
            known.push("…".to_owned());
        }
        let known =
            if known.is_empty() { "it has none".to_owned() } else { format!("it has {}", known.join(", ")) };
        Error::new(ErrorKind::NotFound, format!("no process {pid} in this checkpoint; {known}"))
    }

    /// Returns CRIU's numbers of the kernel objects a process uses; `None` for a dead one.
    pub(super) fn ids(&self, pid: u32) -> Result<Option<proto::TaskKobjIdsEntry>> {
        if self.entry(pid).is_none() {
            return Err(self.no_such_process(pid));
        }
        let name = format!("ids-{pid}.img");
        if self.images.find(&name).is_some() {
            return Ok(self.images.one(&name));
        }
        let task = self.task(pid)?;
        if task.state == Some(State::Dead) {
            return Ok(None);
        }
        // Old dumps keep the numbers in the core image.
        let old = task.core.as_ref().and_then(|c| c.ids);
        if old.is_none() {
            self.images.warn(
                &name,
                None,
                "the image is missing: descriptors and namespaces of this process are unknown",
            );
        }
        Ok(old)
    }

    /// Returns the page size in bytes, as the first process's auxiliary vector tells; 4096 if none does.
    pub fn page_size(&self) -> u64 {
        *self.page.get_or_init(|| {
            for pid in self.pids() {
                let name = format!("mm-{pid}.img");
                if self.images.find(&name).is_none() {
                    continue;
                }
                let Some(mm) = self.images.one::<proto::MmEntry>(&name) else { continue };
                if let Some(page) = page_size_of(&mm) {
                    return page;
                }
            }
            *PAGE_SIZES.start()
        })
    }

    fn mm(&self, pid: u32) -> Option<proto::MmEntry> {
        let mut mm = self.images.required::<proto::MmEntry>(&format!("mm-{pid}.img"))?;
        let legacy = format!("vmas-{pid}.img");
        if mm.vmas.is_empty() && self.images.find(&legacy).is_some() {
            mm.vmas = self.images.all(&legacy).unwrap_or_default().into_iter().map(|(_, v)| v).collect();
        }
        let limit = usize::try_from(self.archive().limits().mappings).unwrap_or(usize::MAX);
        if mm.vmas.len() > limit {
            self.images.warn(
                &format!("mm-{pid}.img"),
                None,
                &format!("{} mappings; only {limit} are read", mm.vmas.len()),
            );
            mm.vmas.truncate(limit);
        }
        Some(mm)
    }

    /// Returns the memory of a process.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when there is no such process, or it is dead
    /// and has no memory any more, or its memory image is missing.
    pub fn memory(&self, pid: u32) -> Result<AddressSpace> {
        let task = self.task(pid)?;
        if task.state == Some(State::Dead) {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("process {pid} is dead: a zombie has no memory"),
            ));
        }
        let mm = self.mm(pid).ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                format!("the memory image of process {pid} is missing or damaged"),
            )
        })?;
        Ok(self.space(pid, &mm))
    }

    fn space(&self, pid: u32, mm: &proto::MmEntry) -> AddressSpace {
        let page = page_size_of(mm).unwrap_or_else(|| self.page_size());
        let name = format!("pagemap-{pid}.img");
        let own = PageStore::load(&self.images, &name, page);
        if own.is_none() && self.images.find(&name).is_none() {
            self.images.warn(&name, None, "the image is missing: the memory of this process cannot be read");
        }
        let regions = mm.vmas.iter().map(|vma| self.map_region(pid, vma, mm.mm_start_stack)).collect();
        AddressSpace::new(pid, page, regions, own)
    }

    fn map_region(&self, pid: u32, vma: &proto::VmaEntry, stack: Option<u64>) -> Region {
        let mapping = Mapping::from_entry(pid, vma, stack, self.files(), self.segments());
        let bits = vma.status.unwrap_or(0);
        let is = |bit: u32| bits & bit != 0;
        let id = u32::try_from(vma.shmid.unwrap_or(0)).unwrap_or(u32::MAX);
        let offset = vma.pgoff.unwrap_or(0);
        let memfd = || {
            let shmid = self.files().memfd(id).and_then(|(_, inode)| inode).and_then(|i| i.shmid);
            Backing::Shared(shmid.and_then(|s| self.shared(s)), offset)
        };
        let (private, backing) = match mapping.kind {
            MappingKind::Vvar
            | MappingKind::Vsyscall
            | MappingKind::Uprobes
            | MappingKind::Socket
            | MappingKind::Guard => (false, Backing::Never),
            _ if mapping.is_droppable() => (false, Backing::Never),
            MappingKind::Vdso => (true, Backing::Never),
            MappingKind::Sysv => (false, Backing::Shared(self.shared(id), offset)),
            MappingKind::SharedAnonymous if !is(status::MEMFD) => {
                (false, Backing::Shared(self.shared(id), offset))
            }
            MappingKind::Memfd | MappingKind::SharedAnonymous => (is(status::FILE_PRIVATE), memfd()),
            MappingKind::File => {
                let contents = self.mapped_file(id);
                let backing = contents.map_or(Backing::File, |c| Backing::Contents(c, offset));
                (!is(status::FILE_SHARED), backing)
            }
            MappingKind::Aio | MappingKind::Anonymous | MappingKind::Heap | MappingKind::Stack => {
                (true, Backing::Zero)
            }
        };
        Region { mapping, private, backing }
    }

    /// Returns the mappings of a process in address order, guard ranges among them.
    ///
    /// A dead process has none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when there is no such process.
    pub fn mappings(&self, pid: u32) -> Result<Vec<Mapping>> {
        if self.task(pid)?.state == Some(State::Dead) {
            return Ok(Vec::new());
        }
        let Some(mm) = self.mm(pid) else { return Ok(Vec::new()) };
        let space = self.space(pid, &mm);
        let mut mappings: Vec<Mapping> = space
            .regions()
            .iter()
            .map(|r| Mapping { pages: space.page_counts(r), ..r.mapping.clone() })
            .collect();
        mappings.extend(space.guards().iter().map(|g| {
            let mut mapping = g.mapping.clone();
            mapping.pages.absent = mapping.size().div_ceil(space.page_size());
            mapping
        }));
        mappings.sort_by_key(|m| (m.start, m.kind == MappingKind::Guard));
        Ok(mappings)
    }

    /// Returns everything the dump says about a process.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when there is no such process.
    pub fn process(&self, pid: u32) -> Result<Process> {
        let task = self.task(pid)?;
        let core = task.core.clone();
        let tc = core.as_ref().and_then(|c| c.tc.as_ref());
        let thread_core = core.as_ref().and_then(|c| c.thread_core.as_ref());
        let mut process = empty(task.clone());
        if task.state == Some(State::Dead) {
            process.exit_code = tc.and_then(|t| t.exit_code);
            return Ok(process);
        }
        process.credentials = self.credentials(pid, core.as_deref());
        process.seccomp = thread_core
            .and_then(|t| t.seccomp_mode)
            .or_else(|| tc.and_then(|t| t.old_seccomp_mode))
            .map_or_else(|| core.as_ref().and(Some("disabled")), seccomp_mode);
        if let Some(tc) = tc {
            process.loginuid = tc.loginuid.filter(|u| *u != u32::MAX);
            process.oom_score_adj = tc.oom_score_adj;
            process.personality = tc.personality.map(|p| Hex(u64::from(p)));
            process.child_subreaper = tc.child_subreaper;
            process.stop_signal = tc.stop_signo.filter(|s| *s != 0);
            process.kernel_flags = tc.flags;
        }
        process.limits = self.limits(pid, tc);
        let actions = self.actions(pid, tc);
        let queue = tc
            .and_then(|t| t.signals_s.clone())
            .or_else(|| self.signal_queue(&format!("signal-s-{pid}.img")));
        process.signals = self.signals(tc, &actions, queue.as_ref());
        process.pending_signals = PendingSignal::queue(queue.as_ref(), self.is_big_endian(), self.is_mips());
        process.timers = self.timers(pid, tc).as_ref().map(Timer::list).unwrap_or_default();
        let ids = self.ids(pid)?;
        process.namespaces = ids.as_ref().map(|i| Namespaces {
            pid: i.pid_ns_id,
            mnt: i.mnt_ns_id,
            net: i.net_ns_id,
            ipc: i.ipc_ns_id,
            uts: i.uts_ns_id,
            user: i.user_ns_id,
            cgroup: i.cgroup_ns_id,
            time: i.time_ns_id,
        });
        process.outside = ids.as_ref().and_then(|i| i.user_ns_id).and_then(|ns| {
            let namespace = self.user_namespaces().iter().find(|n| n.id == ns)?;
            process.credentials.as_ref().map(|c| namespace.outside(c))
        });
        process.shared_with = ids.as_ref().map(|i| self.shared_with(pid, i)).unwrap_or_default();
        process.raw_ids = ids.map(Arc::new);
        process.cgroups = self.cgroups_of(core.as_deref());
        process.threads = self.threads(&task);
        self.fill_fs(pid, &mut process);
        self.fill_memory(pid, &mut process, &actions);
        Ok(process)
    }

    pub(super) fn credentials(&self, pid: u32, core: Option<&proto::CoreEntry>) -> Option<Credentials> {
        let new = core.and_then(|c| c.thread_core.as_ref()).and_then(|t| t.creds.as_ref());
        if let Some(entry) = new {
            return Some(Credentials::from_entry(entry));
        }
        // Until CRIU 1.8 credentials were an image of the process.
        let name = format!("creds-{pid}.img");
        self.images.find(&name)?;
        self.images.one::<proto::CredsEntry>(&name).map(|c| Credentials::from_entry(&c))
    }

    fn limits(&self, pid: u32, tc: Option<&proto::TaskCoreEntry>) -> Option<Vec<ResourceLimit>> {
        let list: Vec<proto::RlimitEntry> = if let Some(limits) = tc.and_then(|t| t.rlimits.as_ref()) {
            limits.rlimits.clone()
        } else {
            let name = format!("rlimit-{pid}.img");
            self.images.find(&name)?;
            self.images.all(&name)?.into_iter().map(|(_, l)| l).collect()
        };
        let mips = self.is_mips();
        let value = |n: Option<u64>| n.filter(|n| *n != u64::MAX);
        Some(
            list.iter()
                .enumerate()
                .filter_map(|(i, l)| {
                    Some(ResourceLimit {
                        resource: names::rlimit(i, mips)?,
                        soft: value(l.cur),
                        hard: value(l.max),
                    })
                })
                .collect(),
        )
    }

    /// What the process does about signals, in the order of their numbers without 9 and 19.
    fn actions(&self, pid: u32, tc: Option<&proto::TaskCoreEntry>) -> Vec<proto::SaEntry> {
        let actions = tc.map(|t| t.sigactions.clone()).unwrap_or_default();
        // Until CRIU 3.0 they were an image of their own.
        let legacy = format!("sigacts-{pid}.img");
        if actions.is_empty() && self.images.find(&legacy).is_some() {
            return self.images.all(&legacy).unwrap_or_default().into_iter().map(|(_, a)| a).collect();
        }
        actions
    }

    fn signals(
        &self,
        tc: Option<&proto::TaskCoreEntry>,
        actions: &[proto::SaEntry],
        queue: Option<&proto::SignalQueueEntry>,
    ) -> Signals {
        let known = (!actions.is_empty()).then(|| handlers(actions));
        Signals {
            blocked: tc.and_then(|t| t.blk_sigset).map(Hex),
            pending: tc.map(|_| pending(queue, self.is_big_endian())),
            ignored: known.map(|k| k.0),
            caught: known.map(|k| k.1),
        }
    }

    fn timers(&self, pid: u32, tc: Option<&proto::TaskCoreEntry>) -> Option<proto::TaskTimersEntry> {
        if let Some(timers) = tc.and_then(|t| t.timers.as_ref()) {
            return Some(timers.clone());
        }
        // CRIU 1.x wrote two images: three classic timers in the order real, virtual, prof, and the others.
        let (classic, posix) = (format!("itimers-{pid}.img"), format!("posix-timers-{pid}.img"));
        self.images.find(&classic).or_else(|| self.images.find(&posix))?;
        let mut three = self.images.all::<proto::ItimerEntry>(&classic).unwrap_or_default().into_iter();
        let mut next = || three.next().map(|(_, t)| t);
        Some(proto::TaskTimersEntry {
            real: next(),
            virt: next(),
            prof: next(),
            posix: self.images.all(&posix).unwrap_or_default().into_iter().map(|(_, t)| t).collect(),
        })
    }

    /// Other processes with the same kernel objects; threads are no processes here.
    fn shared_with(&self, pid: u32, ids: &proto::TaskKobjIdsEntry) -> SharedWith {
        let sharing = self.cache.sharing.get_or_init(|| {
            let mut sharing = Sharing::default();
            for pid in self.pids() {
                let Some(ids) = self.images.optional::<proto::TaskKobjIdsEntry>(&format!("ids-{pid}.img"))
                else {
                    continue;
                };
                let mut put = |map: fn(&mut Sharing) -> &mut HashMap<u32, Vec<u32>>, id: Option<u32>| {
                    if let Some(id) = id {
                        map(&mut sharing).entry(id).or_default().push(pid);
                    }
                };
                put(|s| &mut s.files, ids.files_id);
                put(|s| &mut s.fs, ids.fs_id);
                put(|s| &mut s.vm, ids.vm_id);
                put(|s| &mut s.sighand, ids.sighand_id);
            }
            sharing
        });
        let others = |map: &HashMap<u32, Vec<u32>>, id: Option<u32>| {
            let all = id.and_then(|id| map.get(&id)).map(Vec::as_slice).unwrap_or_default();
            all.iter().copied().filter(|p| *p != pid).take(SHARERS).collect()
        };
        SharedWith {
            files: others(&sharing.files, ids.files_id),
            fs: others(&sharing.fs, ids.fs_id),
            memory: others(&sharing.vm, ids.vm_id),
            signals: others(&sharing.sighand, ids.sighand_id),
        }
    }

    fn cgroups_of(&self, core: Option<&proto::CoreEntry>) -> Option<Vec<Cgroup>> {
        let core = core?;
        let set = core
            .thread_core
            .as_ref()
            .and_then(|t| t.cg_set)
            .or_else(|| core.tc.as_ref().and_then(|t| t.cg_set))?;
        self.cgroup_sets().get(&set).cloned()
    }

    fn cgroup_sets(&self) -> &HashMap<u32, Vec<Cgroup>> {
        self.cgroups.get_or_init(|| {
            let Some(entry) = self
                .images
                .find("cgroup.img")
                .and_then(|_| self.images.one::<proto::CgroupEntry>("cgroup.img"))
            else {
                return HashMap::new();
            };
            entry
                .sets
                .into_iter()
                .map(|set| {
                    let groups = set
                        .ctls
                        .into_iter()
                        .map(|c| Cgroup {
                            controllers: c
                                .name
                                .unwrap_or_default()
                                .split(|b| *b == b',')
                                .filter(|n| !n.is_empty())
                                .map(Text::from)
                                .collect(),
                            path: Text::new(c.path.unwrap_or_default()),
                        })
                        .collect();
                    (set.id.unwrap_or(0), groups)
                })
                .collect()
        })
    }

    fn fill_fs(&self, pid: u32, process: &mut Process) {
        let Some(fs) = self.images.required::<proto::FsEntry>(&format!("fs-{pid}.img")) else { return };
        process.umask = fs.umask;
        if let Some((path, deleted)) = fs.cwd_id.and_then(|id| self.files().path(id)) {
            process.cwd = Some(path);
            process.cwd_deleted = Some(deleted);
        }
        process.root = fs.root_id.and_then(|id| self.files().path(id)).map(|(path, _)| path);
        process.raw_fs = Some(Arc::new(fs));
    }

    fn fill_memory(&self, pid: u32, process: &mut Process, actions: &[proto::SaEntry]) {
        let Some(mm) = self.mm(pid) else { return };
        process.auxv = mm
            .mm_saved_auxv
            .chunks_exact(2)
            .map_while(|p| match p {
                [0, _] => None,
                [kind, value] => Some(AuxvEntry { kind: *kind, value: *value }),
                _ => None,
            })
            .collect();
        if let Some(id) = mm.exe_file_id {
            if let Some((path, deleted)) = self.files().path(id) {
                process.exe = Some(path);
                process.exe_deleted = Some(deleted);
            } else if self.files().get(kind::MEMFD, id).is_some() {
                let inode = self.files().memfd(id).and_then(|(_, inode)| inode);
                process.exe = Some(memfd_path(&inode.and_then(|i| i.name).unwrap_or_default()));
                // A memfd never had a path to be deleted from; /proc shows all of them as deleted.
                process.exe_deleted = Some(true);
            }
        }
        let space = self.space(pid, &mm);
        process.dumpable = mm.dumpable;
        process.thp_disabled = mm.thp_disabled;
        process.layout = Some(MemoryLayout::from_entry(&mm));
        process.handlers = SignalHandler::caught(actions, &space);
        for thread in &mut process.threads {
            thread.locate(&space);
        }
        let name = format!("mm-{pid}.img");
        match self.arguments(&space, &mm) {
            Ok(cmdline) => process.cmdline = cmdline,
            Err(e) => self.images.warn(&name, None, &format!("the arguments cannot be read: {e}")),
        }
        match self.environment(&space, &mm) {
            Ok(environ) => process.environ = environ,
            Err(e) => self.images.warn(&name, None, &format!("the environment cannot be read: {e}")),
        }
        let mut sizes = MemorySizes::default();
        for region in space.regions() {
            let counts = space.page_counts(region);
            sizes.mapped_bytes = sizes.mapped_bytes.saturating_add(region.mapping.size());
            if region.mapping.is_shared() {
                sizes.shared_bytes = sizes.shared_bytes.saturating_add(region.mapping.size());
            }
            if region.private {
                let pages = counts.dumped.saturating_add(counts.parent);
                sizes.dumped_bytes =
                    sizes.dumped_bytes.saturating_add(pages.saturating_mul(space.page_size()));
            }
        }
        process.memory = Some(sizes);
        process.raw_mm = Some(Arc::new(mm));
    }

    /// Reads the arguments as /proc/PID/cmdline does (fs/proc/base.c, `get_mm_cmdline`).
    fn arguments(&self, space: &AddressSpace, mm: &proto::MmEntry) -> Result<Option<Vec<Text>>> {
        let (Some(start), Some(end)) = (mm.mm_arg_start, mm.mm_arg_end) else { return Ok(None) };
        let Some(mut bytes) = self.string_area(space, start, end)? else { return Ok(None) };
        if bytes.last().is_some_and(|b| *b != 0) {
            // The last terminator was overwritten: setproctitle(3). The title
            // goes on into the environment, up to its first NUL.
            let limit = start.saturating_add(TITLE_BYTES);
            let end = mm.mm_env_end.unwrap_or(end).max(end).min(limit);
            if let Some(longer) = self.string_area(space, start, end)? {
                bytes = longer;
            }
            let nul = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
            bytes.truncate(nul);
            return Ok(Some(vec![Text::new(bytes)]));
        }
        let mut list: Vec<Text> = split(&bytes).map(Text::from).collect();
        let filled = list.iter().rposition(|a| !a.is_empty()).map_or(0, |i| i.saturating_add(1));
        if list.len().saturating_sub(filled) > EMPTY_ARGUMENTS {
            list.truncate(filled);
        }
        Ok(Some(list))
    }

    fn environment(&self, space: &AddressSpace, mm: &proto::MmEntry) -> Result<Option<Vec<Text>>> {
        let (Some(start), Some(end)) = (mm.mm_env_start, mm.mm_env_end) else { return Ok(None) };
        let bytes = self.string_area(space, start, end)?;
        Ok(bytes.map(|b| split(&b).filter(|e| !e.is_empty()).map(Text::from).collect()))
    }

    /// Reads a range of memory as a whole; `None` where any byte of it is not in the evidence.
    fn string_area(&self, space: &AddressSpace, start: u64, end: u64) -> Result<Option<Vec<u8>>> {
        let Some(len) = end.checked_sub(start) else { return Ok(None) };
        let limit = self.archive().limits().strings_bytes;
        if len > limit {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("{len} bytes are more than the limit of {limit}"),
            ));
        }
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
        let read = space.read(start, &mut bytes)?;
        if let Some(hole) = read.hole {
            if read.bytes == 0 && len == 0 {
                return Ok(Some(bytes));
            }
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("memory at {:#x} is {}", start.saturating_add(read.bytes as u64), hole.description()),
            ));
        }
        Ok(Some(bytes))
    }
}

/// Strings ended by NUL, one after the other.
fn split(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    let none = bytes.is_empty();
    whole.split(|b| *b == 0).filter(move |_| !none)
}

fn page_size_of(mm: &proto::MmEntry) -> Option<u64> {
    auxv_value(&mm.mm_saved_auxv, AT_PAGESZ).filter(|p| p.is_power_of_two() && PAGE_SIZES.contains(p))
}

fn empty(task: Task) -> Process {
    Process {
        task,
        exit_code: None,
        exe: None,
        exe_deleted: None,
        cmdline: None,
        environ: None,
        cwd: None,
        cwd_deleted: None,
        root: None,
        umask: None,
        credentials: None,
        seccomp: None,
        loginuid: None,
        oom_score_adj: None,
        personality: None,
        limits: None,
        signals: process::Signals::default(),
        namespaces: None,
        cgroups: None,
        auxv: Vec::new(),
        threads: Vec::new(),
        memory: None,
        handlers: Vec::new(),
        pending_signals: Vec::new(),
        timers: Vec::new(),
        dumpable: None,
        child_subreaper: None,
        stop_signal: None,
        kernel_flags: None,
        thp_disabled: None,
        outside: None,
        shared_with: SharedWith::default(),
        layout: None,
        raw_mm: None,
        raw_ids: None,
        raw_fs: None,
    }
}
