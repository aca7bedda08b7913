//! Processes, and the kinds of facts about them.

use std::sync::Arc;

use serde::Serialize;
use serde::ser::{SerializeMap, SerializeStruct, Serializer};

use super::names;
use super::signal::{PendingSignal, SignalHandler};
use super::text::{Hex, Text, put_text, put_texts};
use super::thread::Thread;
use super::timer::Timer;
use super::userns::OutsideIds;
use crate::image::proto;

/// What a task was doing when it was frozen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum State {
    /// Running or sleeping: CRIU does not tell the two apart.
    Alive,
    /// Stopped by a signal.
    Stopped,
    /// A zombie: ended, and not yet reaped by its parent.
    Dead,
}

impl State {
    /// Interprets `task_core_entry.task_state` (criu/include/pstree.h, compel's `COMPEL_TASK_*`).
    ///
    /// crit's own table has these wrong: it calls 3 a zombie.
    pub(crate) fn from_number(n: u32) -> Option<Self> {
        Some(match n {
            1 => Self::Alive,
            2 | 6 => Self::Dead,
            3 => Self::Stopped,
            _ => return None,
        })
    }

    /// Returns the name that JSON and tables use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Stopped => "stopped",
            Self::Dead => "dead",
        }
    }
}

/// One process of the tree, as far as the process table and its core image tell.
///
/// This is the cheap view; [`Process`] is the full one.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Task {
    /// Process id as the container sees it.
    pub pid: u32,
    /// Parent's process id; 0 when the parent is not in the dump.
    pub ppid: u32,
    /// Process group.
    pub pgid: u32,
    /// Session.
    pub sid: u32,
    /// Thread ids, the leader's included. Empty for a dead process.
    pub threads: Vec<u32>,
    /// The state; `None` when the core image is missing or damaged.
    pub state: Option<State>,
    /// The leader's name, at most 15 bytes.
    pub comm: Option<Text>,
    /// The process table's record.
    pub raw: Arc<proto::PstreeEntry>,
    /// The leader's core image.
    pub core: Option<Arc<proto::CoreEntry>>,
}

/// The four user or group ids of a task, as its own user namespace sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Ids {
    /// Real id.
    pub real: Option<u32>,
    /// Effective id.
    pub effective: Option<u32>,
    /// Saved id.
    pub saved: Option<u32>,
    /// Id for file access.
    pub fs: Option<u32>,
}

/// The five capability sets as 64-bit masks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Capabilities {
    /// Kept over execve(2).
    pub inheritable: Hex,
    /// May be made effective.
    pub permitted: Hex,
    /// In force.
    pub effective: Hex,
    /// The upper bound.
    pub bounding: Hex,
    /// Kept over execve(2) of ordinary programs; `None` in dumps by CRIU before 4.1.
    pub ambient: Option<Hex>,
}

/// Who a task is to the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Credentials {
    /// User ids.
    pub uid: Ids,
    /// Group ids.
    pub gid: Ids,
    /// Supplementary groups.
    pub groups: Vec<u32>,
    /// Capability sets.
    pub capabilities: Capabilities,
    /// `SECBIT_*` flags.
    pub securebits: Option<u32>,
    /// `PR_SET_NO_NEW_PRIVS`; `None` where the writer may have been too old to record it.
    pub no_new_privs: Option<bool>,
    /// `SELinux` or `AppArmor` label.
    pub lsm_profile: Option<Text>,
    /// `SELinux` context that new sockets of the thread get.
    pub lsm_socket_context: Option<Text>,
}

impl Credentials {
    pub(crate) fn from_entry(c: &proto::CredsEntry) -> Self {
        Self {
            uid: Ids { real: c.uid, effective: c.euid, saved: c.suid, fs: c.fsuid },
            gid: Ids { real: c.gid, effective: c.egid, saved: c.sgid, fs: c.fsgid },
            groups: c.groups.clone(),
            capabilities: Capabilities {
                inheritable: words(&c.cap_inh),
                permitted: words(&c.cap_prm),
                effective: words(&c.cap_eff),
                bounding: words(&c.cap_bnd),
                ambient: (!c.cap_amb.is_empty()).then(|| words(&c.cap_amb)),
            },
            securebits: c.secbits,
            // CRIU writes it since 3.19, and only when it is set. That an absent
            // one means "not set" is certain only of writers that also give the
            // ambient set, 4.1 and newer.
            no_new_privs: c.no_new_privs.map(|n| n != 0).or((!c.cap_amb.is_empty()).then_some(false)),
            lsm_profile: c.lsm_profile.clone().filter(|p| !p.is_empty()).map(Text::new),
            lsm_socket_context: c.lsm_sockcreate.clone().filter(|p| !p.is_empty()).map(Text::new),
        }
    }
}

/// Two words, the low one first.
fn words(words: &[u32]) -> Hex {
    let low = words.first().copied().unwrap_or(0);
    let high = words.get(1).copied().unwrap_or(0);
    Hex(u64::from(high) << 32 | u64::from(low))
}

/// A resource limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResourceLimit {
    /// Name without `RLIMIT_`; a number for a limit without a name.
    pub resource: &'static str,
    /// The limit in force; `None` is unlimited.
    pub soft: Option<u64>,
    /// The most the soft limit may be raised to; `None` is unlimited.
    pub hard: Option<u64>,
}

impl Serialize for ResourceLimit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut s = serializer.serialize_struct("ResourceLimit", 3)?;
        s.serialize_field("resource", self.resource)?;
        let mut put = |key, value: Option<u64>| match value {
            Some(n) => s.serialize_field(key, &n),
            None => s.serialize_field(key, "unlimited"),
        };
        put("soft", self.soft)?;
        put("hard", self.hard)?;
        s.end()
    }
}

/// Signal masks of a process; bit n-1 is signal n.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Signals {
    /// Blocked by the main thread.
    pub blocked: Option<Hex>,
    /// Pending for the process as a whole.
    pub pending: Option<Hex>,
    /// With `SIG_IGN`.
    pub ignored: Option<Hex>,
    /// With a handler.
    pub caught: Option<Hex>,
}

/// CRIU's numbers of the namespaces a process is in: equal numbers, same namespace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Namespaces {
    /// Process ids.
    pub pid: Option<u32>,
    /// Mounts.
    pub mnt: Option<u32>,
    /// Network.
    pub net: Option<u32>,
    /// System V IPC.
    pub ipc: Option<u32>,
    /// Host name.
    pub uts: Option<u32>,
    /// User ids.
    pub user: Option<u32>,
    /// Control groups.
    pub cgroup: Option<u32>,
    /// Clocks.
    pub time: Option<u32>,
}

impl Namespaces {
    pub(crate) fn from_ids(i: &proto::TaskKobjIdsEntry) -> Self {
        Self {
            pid: i.pid_ns_id,
            mnt: i.mnt_ns_id,
            net: i.net_ns_id,
            ipc: i.ipc_ns_id,
            uts: i.uts_ns_id,
            user: i.user_ns_id,
            cgroup: i.cgroup_ns_id,
            time: i.time_ns_id,
        }
    }
}

/// A control group a process is in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cgroup {
    /// Controllers of a version 1 hierarchy (`cpu`, or `name=systemd`); empty for version 2.
    pub controllers: Vec<Text>,
    /// The path.
    pub path: Text,
    /// The beginning of the path that is `/` in the process's own cgroup namespace.
    pub namespace_root: Option<Text>,
}

impl Serialize for Cgroup {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        put_texts(&mut map, "controllers", Some(&self.controllers))?;
        put_text(&mut map, "path", Some(&self.path))?;
        put_text(&mut map, "namespaceRoot", self.namespace_root.as_ref())?;
        map.end()
    }
}

/// An entry of the auxiliary vector that the kernel gave the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuxvEntry {
    /// `AT_…` number.
    pub kind: u64,
    /// Its value.
    pub value: u64,
}

impl AuxvEntry {
    /// Returns the name of the type, if it has one.
    pub fn name(&self) -> Option<&'static str> {
        names::auxv(self.kind)
    }
}

impl Serialize for AuxvEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut s = serializer.serialize_struct("AuxvEntry", 2)?;
        match self.name() {
            Some(name) => s.serialize_field("type", name)?,
            None => s.serialize_field("type", &self.kind)?,
        }
        s.serialize_field("value", &Hex(self.value))?;
        s.end()
    }
}

/// Sizes of a process's memory in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MemorySizes {
    /// All mappings together.
    pub mapped_bytes: u64,
    /// Pages that the dump (or a parent dump) holds for this process alone.
    pub dumped_bytes: u64,
    /// Mappings that are shared.
    pub shared_bytes: u64,
}

/// Where the kernel keeps the parts of a program in memory (`prctl(PR_SET_MM)`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MemoryLayout {
    /// First address of the code.
    pub code_start: Option<Hex>,
    /// The address behind the code.
    pub code_end: Option<Hex>,
    /// First address of initialised data.
    pub data_start: Option<Hex>,
    /// The address behind initialised data.
    pub data_end: Option<Hex>,
    /// Bottom of the heap.
    pub heap_start: Option<Hex>,
    /// Top of the heap, `brk(2)`.
    pub heap_end: Option<Hex>,
    /// Bottom of the main thread's stack.
    pub stack_start: Option<Hex>,
    /// First address of the arguments.
    pub arguments_start: Option<Hex>,
    /// The address behind the arguments.
    pub arguments_end: Option<Hex>,
    /// First address of the environment.
    pub environment_start: Option<Hex>,
    /// The address behind the environment.
    pub environment_end: Option<Hex>,
}

impl MemoryLayout {
    pub(crate) fn from_entry(mm: &proto::MmEntry) -> Self {
        Self {
            code_start: mm.mm_start_code.map(Hex),
            code_end: mm.mm_end_code.map(Hex),
            data_start: mm.mm_start_data.map(Hex),
            data_end: mm.mm_end_data.map(Hex),
            heap_start: mm.mm_start_brk.map(Hex),
            heap_end: mm.mm_brk.map(Hex),
            stack_start: mm.mm_start_stack.map(Hex),
            arguments_start: mm.mm_arg_start.map(Hex),
            arguments_end: mm.mm_arg_end.map(Hex),
            environment_start: mm.mm_env_start.map(Hex),
            environment_end: mm.mm_env_end.map(Hex),
        }
    }
}

/// Other processes that use the same kernel object, as clone(2) makes them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SharedWith {
    /// The descriptor table (`CLONE_FILES`).
    pub files: Vec<u32>,
    /// Working directory, root and umask (`CLONE_FS`).
    pub fs: Vec<u32>,
    /// Memory (`CLONE_VM`).
    pub memory: Vec<u32>,
    /// Signal handlers (`CLONE_SIGHAND`).
    pub signals: Vec<u32>,
}

/// Everything the dump says about one process. Absent facts are `None`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Process {
    /// The entry of the process table.
    pub task: Task,
    /// Status word as wait(2) gives it; only for the dead.
    pub exit_code: Option<u32>,
    /// Path of the executable, `/memfd:NAME` for a memfd.
    pub exe: Option<Text>,
    /// Whether that path no longer leads to the executable.
    pub exe_deleted: Option<bool>,
    /// Arguments, read from the process's memory.
    pub cmdline: Option<Vec<Text>>,
    /// Environment, read from the process's memory; as the process left it there.
    pub environ: Option<Vec<Text>>,
    /// Working directory.
    pub cwd: Option<Text>,
    /// Whether the working directory was removed.
    pub cwd_deleted: Option<bool>,
    /// Root directory.
    pub root: Option<Text>,
    /// File-creation mask.
    pub umask: Option<u32>,
    /// The main thread's credentials.
    pub credentials: Option<Credentials>,
    /// `disabled`, `strict` or `filter`.
    pub seccomp: Option<&'static str>,
    /// Login user id; `None` when unset or not recorded.
    pub loginuid: Option<u32>,
    /// Adjustment of the out-of-memory score.
    pub oom_score_adj: Option<i32>,
    /// personality(2).
    pub personality: Option<Hex>,
    /// Resource limits.
    pub limits: Option<Vec<ResourceLimit>>,
    /// Signal masks.
    pub signals: Signals,
    /// Namespaces.
    pub namespaces: Option<Namespaces>,
    /// Control groups; `None` where CRIU recorded none.
    pub cgroups: Option<Vec<Cgroup>>,
    /// The auxiliary vector; CRIU cuts it to a fixed number of words.
    pub auxv: Vec<AuxvEntry>,
    /// Threads, the main one first.
    pub threads: Vec<Thread>,
    /// Sizes of memory.
    pub memory: Option<MemorySizes>,
    /// Handlers of signals, with the mapping each lies in.
    pub handlers: Vec<SignalHandler>,
    /// Signals that wait for the process as a whole.
    pub pending_signals: Vec<PendingSignal>,
    /// Timers.
    pub timers: Vec<Timer>,
    /// `PR_GET_DUMPABLE`: 0 no, 1 yes, 2 for root only.
    pub dumpable: Option<i32>,
    /// `PR_SET_CHILD_SUBREAPER`.
    pub child_subreaper: Option<bool>,
    /// The signal that stopped it.
    pub stop_signal: Option<u32>,
    /// The kernel's flags (`PF_…`), field 9 of /proc/PID/stat.
    pub kernel_flags: Option<u32>,
    /// Whether transparent huge pages are off (`PR_SET_THP_DISABLE`).
    pub thp_disabled: Option<bool>,
    /// Ids outside the user namespace; `None` where no map is in the dump.
    pub outside: Option<OutsideIds>,
    /// Who shares kernel objects with it.
    pub shared_with: SharedWith,
    /// Where the parts of the program lie.
    pub layout: Option<MemoryLayout>,
    /// The memory descriptor's record.
    pub raw_mm: Option<Arc<proto::MmEntry>>,
    /// CRIU's numbers of the kernel objects the process uses.
    pub raw_ids: Option<Arc<proto::TaskKobjIdsEntry>>,
    /// Working and root directory's record.
    pub raw_fs: Option<Arc<proto::FsEntry>>,
}

impl Serialize for Process {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let credentials = self.credentials.as_ref();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("pid", &self.task.pid)?;
        map.serialize_entry("ppid", &self.task.ppid)?;
        map.serialize_entry("pgid", &self.task.pgid)?;
        map.serialize_entry("sid", &self.task.sid)?;
        put_text(&mut map, "comm", self.task.comm.as_ref())?;
        map.serialize_entry("state", &self.task.state)?;
        map.serialize_entry("exitCode", &self.exit_code)?;
        put_text(&mut map, "exe", self.exe.as_ref())?;
        map.serialize_entry("exeDeleted", &self.exe_deleted)?;
        put_texts(&mut map, "cmdline", self.cmdline.as_deref())?;
        put_texts(&mut map, "environ", self.environ.as_deref())?;
        put_text(&mut map, "cwd", self.cwd.as_ref())?;
        map.serialize_entry("cwdDeleted", &self.cwd_deleted)?;
        put_text(&mut map, "root", self.root.as_ref())?;
        map.serialize_entry("umask", &self.umask.map(|u| format!("{u:04o}")))?;
        map.serialize_entry("uid", &credentials.map(|c| c.uid))?;
        map.serialize_entry("gid", &credentials.map(|c| c.gid))?;
        map.serialize_entry("groups", &credentials.map(|c| &c.groups))?;
        map.serialize_entry("capabilities", &credentials.map(|c| c.capabilities))?;
        map.serialize_entry("noNewPrivs", &credentials.and_then(|c| c.no_new_privs))?;
        map.serialize_entry("seccomp", &self.seccomp)?;
        put_text(&mut map, "lsmProfile", credentials.and_then(|c| c.lsm_profile.as_ref()))?;
        put_text(&mut map, "lsmSocketContext", credentials.and_then(|c| c.lsm_socket_context.as_ref()))?;
        map.serialize_entry("loginuid", &self.loginuid)?;
        map.serialize_entry("oomScoreAdj", &self.oom_score_adj)?;
        map.serialize_entry("personality", &self.personality)?;
        map.serialize_entry("limits", &self.limits)?;
        map.serialize_entry("signals", &self.signals)?;
        map.serialize_entry("namespaces", &self.namespaces)?;
        map.serialize_entry("cgroups", &self.cgroups)?;
        map.serialize_entry("auxv", &self.auxv)?;
        map.serialize_entry("threads", &self.threads)?;
        map.serialize_entry("memory", &self.memory)?;
        self.additions(&mut map)?;
        map.end()
    }
}

impl Process {
    /// What the first version of the contract did not have.
    fn additions<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let credentials = self.credentials.as_ref();
        map.serialize_entry("capabilityNames", &credentials.map(|c| CapabilityNames::new(&c.capabilities)))?;
        map.serialize_entry(
            "securebits",
            &credentials.and_then(|c| c.securebits).map(names::securebit_names),
        )?;
        map.serialize_entry("outsideIds", &self.outside)?;
        map.serialize_entry("signalNames", &SignalNames::new(&self.signals))?;
        map.serialize_entry("signalHandlers", &self.handlers)?;
        map.serialize_entry("pendingSignals", &self.pending_signals)?;
        map.serialize_entry("timers", &self.timers)?;
        map.serialize_entry("dumpable", &self.dumpable)?;
        map.serialize_entry("childSubreaper", &self.child_subreaper)?;
        map.serialize_entry("stopSignal", &self.stop_signal.map(names::signal_name))?;
        map.serialize_entry("kernelFlags", &self.kernel_flags.map(|f| Hex(u64::from(f))))?;
        map.serialize_entry("thpDisabled", &self.thp_disabled)?;
        map.serialize_entry("sharedWith", &self.shared_with)?;
        map.serialize_entry("layout", &self.layout)
    }
}

/// The capability sets by name.
#[derive(Serialize)]
struct CapabilityNames {
    inheritable: Vec<String>,
    permitted: Vec<String>,
    effective: Vec<String>,
    bounding: Vec<String>,
    ambient: Option<Vec<String>>,
}

impl CapabilityNames {
    fn new(c: &Capabilities) -> Self {
        let of = |mask: Hex| names::capability_names(mask.0);
        Self {
            inheritable: of(c.inheritable),
            permitted: of(c.permitted),
            effective: of(c.effective),
            bounding: of(c.bounding),
            ambient: c.ambient.map(of),
        }
    }
}

/// The signal masks by name.
#[derive(Serialize)]
struct SignalNames {
    blocked: Option<Vec<String>>,
    pending: Option<Vec<String>>,
    ignored: Option<Vec<String>>,
    caught: Option<Vec<String>>,
}

impl SignalNames {
    fn new(s: &Signals) -> Self {
        let of = |mask: Option<Hex>| mask.map(|m| names::signal_names(m.0));
        Self { blocked: of(s.blocked), pending: of(s.pending), ignored: of(s.ignored), caught: of(s.caught) }
    }
}

/// Seccomp modes by number.
pub(crate) fn seccomp_mode(mode: i32) -> Option<&'static str> {
    match mode {
        0 => Some("disabled"),
        1 => Some("strict"),
        2 => Some("filter"),
        _ => None,
    }
}

/// Mask of the signals in a queue; each is a native siginfo that begins with its number.
pub(crate) fn pending(queue: Option<&proto::SignalQueueEntry>, big_endian: bool) -> Hex {
    let mut mask = 0_u64;
    for info in queue.map(|q| q.signals.as_slice()).unwrap_or_default() {
        let Some(bytes) = info.siginfo.as_deref().and_then(|b| b.first_chunk::<4>()) else { continue };
        let number = if big_endian { u32::from_be_bytes(*bytes) } else { u32::from_le_bytes(*bytes) };
        if let Some(bit) = number.checked_sub(1).filter(|b| *b < 64) {
            mask |= 1 << bit;
        }
    }
    Hex(mask)
}

/// Ignored and caught signals; the list leaves out 9 and 19, which cannot be handled.
pub(crate) fn handlers(actions: &[proto::SaEntry]) -> (Hex, Hex) {
    let (mut ignored, mut caught) = (0_u64, 0_u64);
    let numbers = (1..=64_u32).filter(|n| *n != 9 && *n != 19);
    for (number, action) in numbers.zip(actions) {
        let bit = 1_u64 << number.saturating_sub(1);
        match action.sigaction.unwrap_or(0) {
            0 => {}
            1 => ignored |= bit,
            _ => caught |= bit,
        }
    }
    (Hex(ignored), Hex(caught))
}
