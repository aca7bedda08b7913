//! Puts processes together from the images that are about them.

use std::sync::Arc;

use super::files::kind;
use super::mapping::memfd_path;
use super::process::{self, seccomp_mode};
use super::{
    AuxvEntry, Checkpoint, Credentials, Hex, MemoryLayout, MemorySizes, Namespaces, PendingSignal, Process,
    SharedWith, SignalHandler, State, Task, Text, Timer,
};
use crate::error::{Error, ErrorKind, Result};
use crate::image::proto;

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
        let ended = state.map_or_else(|| !self.has_images_of(pid), |s| s == State::Dead);
        let threads = if ended { Vec::new() } else { raw.threads.clone() };
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

    /// Returns true if a process has an image that CRIU writes of the living only.
    fn has_images_of(&self, pid: u32) -> bool {
        ["ids-", "mm-", "fs-", "pagemap-", "creds-"]
            .iter()
            .any(|prefix| self.images.find(&format!("{prefix}{pid}.img")).is_some())
    }

    /// Returns true if a process was a zombie, as far as the images tell.
    ///
    /// Says nothing about its core image: where that does not tell, the absence of all others does.
    pub(super) fn has_ended(&self, pid: u32) -> bool {
        self.peeked_state(pid).map_or_else(|| !self.has_images_of(pid), |state| state == State::Dead)
    }

    /// Returns the state of a process, and says nothing if its core image does not tell.
    pub(super) fn peeked_state(&self, pid: u32) -> Option<State> {
        let core = self.images.peek::<proto::CoreEntry>(&format!("core-{pid}.img"))?;
        State::from_number(core.tc?.task_state?)
    }

    pub(super) fn no_such_process(&self, pid: u32) -> Error {
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
        if self.has_ended(pid) {
            return Ok(None);
        }
        // Old dumps keep the numbers in the core image.
        let old = self.images.peek::<proto::CoreEntry>(&format!("core-{pid}.img")).and_then(|c| c.ids);
        if old.is_none() {
            self.images.warn(
                &name,
                None,
                "the image is missing: descriptors and namespaces of this process are unknown",
            );
        }
        Ok(old)
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
        if task.state.map_or_else(|| !self.has_images_of(pid), |s| s == State::Dead) {
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
            process.personality = tc.personality.map(personality);
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
        process.namespaces = ids.as_ref().map(Namespaces::from_ids);
        self.miss_user_namespace(ids.as_ref().and_then(|i| i.user_ns_id));
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
        self.fill_direct(pid, &mut process);
        Ok(process)
    }

    /// What a triage has as it is, and a dump has in memory or in other words.
    fn fill_direct(&self, pid: u32, process: &mut Process) {
        let Some(triage) = &self.triage else { return };
        let direct = triage.direct(self.archive(), pid);
        process.cmdline = direct.cmdline;
        process.environ = direct.environ;
        process.signals.pending = direct.pending.map(Hex);
        process.signals.ignored = direct.ignored.map(Hex);
        process.signals.caught = direct.caught.map(Hex);
        process.personality = direct.personality.map(Hex);
        // Not told by /proc, and not to be taken for what CRIU leaves out.
        process.shared_with = SharedWith::default();
        process.child_subreaper = None;
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

    fn fill_fs(&self, pid: u32, process: &mut Process) {
        let Some(fs) = self.images.required::<proto::FsEntry>(&format!("fs-{pid}.img")) else { return };
        process.umask = fs.umask;
        self.files().say_remaps_missing();
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
            self.files().say_remaps_missing();
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
        let read_memory = self.triage.is_none();
        match if read_memory { self.arguments(&space, &mm) } else { Ok(None) } {
            Ok(cmdline) => process.cmdline = cmdline,
            Err(e) => self.images.warn(&name, None, &format!("the arguments cannot be read: {e}")),
        }
        match if read_memory { self.environment(&space, &mm) } else { Ok(None) } {
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
}

/// Puts right what CRIU makes of /proc/PID/personality.
///
/// The file is hexadecimal, and CRIU reads it as decimal up to the first
/// letter (`atoi` in criu/cr-dump.c, up to 4.2.1 at least): `00040000` becomes
/// 40000. Its decimal digits are those that /proc had.
fn personality(recorded: u32) -> Hex {
    let digits = recorded.to_string();
    // More digits than the file has were not read this way.
    let shown = if digits.len() <= 8 { u64::from_str_radix(&digits, 16).ok() } else { None };
    Hex(shown.unwrap_or_else(|| u64::from(recorded)))
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
