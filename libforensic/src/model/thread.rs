//! Threads.

use std::collections::HashSet;
use std::sync::Arc;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::location::Location;
use super::process::{pending, seccomp_mode};
use super::seccomp::first_filter;
use super::text::{Hex, Text, put_text};
use super::{AlternateStack, Checkpoint, Credentials, PendingSignal, Registers, SystemCall, Task, names};
use crate::image::proto;
use crate::memory::AddressSpace;

/// How a thread is scheduled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Scheduling {
    /// `SCHED_OTHER`, `SCHED_FIFO` …
    pub policy: Option<&'static str>,
    /// Priority of a real-time policy.
    pub priority: Option<u32>,
    /// Nice value, -20 to 19.
    pub nice: Option<i32>,
}

/// The list of robust futexes that the kernel walks when the thread ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RobustList {
    /// Address of the list head.
    pub address: Hex,
    /// Size of the head in bytes.
    pub size_bytes: u32,
}

/// Registration of restartable sequences, rseq(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RestartableSequence {
    /// Address of the thread's `struct rseq`.
    pub address: Hex,
    /// Its size in bytes.
    pub size_bytes: u32,
    /// The word that stands before every abort handler.
    pub signature: Option<Hex>,
    /// The critical section that the thread was in.
    pub critical_section: Option<Hex>,
}

/// One thread.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Thread {
    /// Thread id as the container sees it.
    pub tid: u32,
    /// Name, at most 15 bytes.
    pub comm: Option<Text>,
    /// General registers.
    pub registers: Option<Registers>,
    /// Blocked signals.
    pub blocked: Option<Hex>,
    /// Signals pending for this thread alone.
    pub pending: Option<Hex>,
    /// The same one by one, with who sent them.
    pub pending_signals: Vec<PendingSignal>,
    /// Credentials; a thread has its own.
    pub credentials: Option<Credentials>,
    /// Seccomp mode of this thread.
    pub seccomp: Option<&'static str>,
    /// Seccomp filters by index in seccomp.img, in the order in which CRIU links them; all apply.
    pub seccomp_filters: Vec<u32>,
    /// Scheduling.
    pub scheduling: Option<Scheduling>,
    /// The signal it gets when its parent ends (`PR_SET_PDEATHSIG`).
    pub parent_death_signal: Option<u32>,
    /// Robust futexes.
    pub robust_list: Option<RobustList>,
    /// Restartable sequences.
    pub rseq: Option<RestartableSequence>,
    /// Stack for signal handlers.
    pub alternate_stack: Option<AlternateStack>,
    /// Where the kernel writes a zero when the thread ends, `set_tid_address(2)`.
    pub clear_tid_address: Option<Hex>,
    /// The system call it was in.
    pub system_call: Option<SystemCall>,
    /// The program counter, and the mapping it lies in.
    pub pc: Option<Location>,
    /// The stack pointer, and the mapping it lies in.
    pub sp: Option<Location>,
    /// The core image of the thread.
    pub raw: Option<Arc<proto::CoreEntry>>,
}

impl Thread {
    /// Finds the mappings of program counter and stack pointer.
    pub(crate) fn locate(&mut self, space: &AddressSpace) {
        let registers = self.registers.as_ref();
        self.pc = registers.and_then(Registers::pc).map(|a| Location::of(space, a));
        self.sp = registers.and_then(Registers::sp).map(|a| Location::of(space, a));
    }

    fn fill(&mut self, core: &proto::CoreEntry) {
        self.clear_tid_address = clear_tid_address(core);
        if let (Some(registers), Some(architecture)) =
            (&self.registers, core.mtype.and_then(super::Architecture::from_mtype))
        {
            let compat =
                core.thread_info.as_ref().and_then(|t| t.gpregs.as_ref()).is_some_and(|r| r.mode == Some(2));
            self.system_call = SystemCall::from_registers(registers, architecture, compat);
        }
        let Some(t) = &core.thread_core else { return };
        if t.sched_policy.is_some() || t.sched_nice.is_some() {
            self.scheduling = Some(Scheduling {
                policy: t.sched_policy.and_then(names::scheduling_policy),
                priority: t.sched_prio,
                nice: t.sched_nice,
            });
        }
        self.parent_death_signal = t.pdeath_sig.filter(|s| *s != 0);
        self.robust_list = t
            .futex_rla
            .filter(|a| *a != 0)
            .map(|address| RobustList { address: Hex(address), size_bytes: t.futex_rla_len.unwrap_or(0) });
        self.rseq = t.rseq_entry.as_ref().and_then(|r| {
            Some(RestartableSequence {
                address: r.rseq_abi_pointer.filter(|a| *a != 0).map(Hex)?,
                size_bytes: r.rseq_abi_size.unwrap_or(0),
                signature: r.signature.map(|s| Hex(u64::from(s))),
                critical_section: r.rseq_cs_pointer.filter(|p| *p != 0).map(Hex),
            })
        });
        self.alternate_stack = t.sas.as_ref().and_then(AlternateStack::from_entry);
    }
}

fn clear_tid_address(core: &proto::CoreEntry) -> Option<Hex> {
    let x86 = core.thread_info.as_ref().and_then(|t| t.clear_tid_addr);
    let arm = core.ti_arm.as_ref().and_then(|t| t.clear_tid_addr);
    let arm64 = core.ti_aarch64.as_ref().and_then(|t| t.clear_tid_addr);
    let ppc = core.ti_ppc64.as_ref().and_then(|t| t.clear_tid_addr);
    let s390 = core.ti_s390.as_ref().and_then(|t| t.clear_tid_addr);
    let mips = core.ti_mips.as_ref().and_then(|t| t.clear_tid_addr);
    let loongarch = core.ti_loongarch64.as_ref().and_then(|t| t.clear_tid_addr);
    let riscv = core.ti_riscv64.as_ref().and_then(|t| t.clear_tid_addr);
    x86.or(arm).or(arm64).or(ppc).or(s390).or(mips).or(loongarch).or(riscv).filter(|a| *a != 0).map(Hex)
}

impl Checkpoint {
    /// The core images of a process's threads, each thread once.
    pub(super) fn thread_cores(&self, task: &Task) -> Vec<(u32, Option<Arc<proto::CoreEntry>>)> {
        let mut seen = HashSet::new();
        let once = task.threads.iter().filter(|tid| seen.insert(**tid));
        once.map(|tid| {
            let core = if *tid == task.pid {
                task.core.clone()
            } else {
                self.images.required::<proto::CoreEntry>(&format!("core-{tid}.img")).map(Arc::new)
            };
            (*tid, core)
        })
        .collect()
    }

    pub(super) fn threads(&self, task: &Task) -> Vec<Thread> {
        let (big_endian, mips) = (self.is_big_endian(), self.is_mips());
        let read = |(tid, core): (u32, Option<Arc<proto::CoreEntry>>)| {
            let leader = tid == task.pid;
            let thread_core = core.as_ref().and_then(|c| c.thread_core.as_ref());
            let tc = core.as_ref().and_then(|c| c.tc.as_ref());
            // The leader's mask and (before CRIU 3.11) its name are the process's.
            let blocked =
                if leader { tc.and_then(|t| t.blk_sigset) } else { thread_core.and_then(|t| t.blk_sigset) };
            let comm = thread_core.and_then(|t| t.comm.clone()).map(Text::new);
            // Until CRIU 1.x the queue was an image of its own.
            let queue = thread_core
                .and_then(|t| t.signals_p.clone())
                .or_else(|| self.signal_queue(&format!("signal-p-{tid}.img")));
            let filters = core.as_deref().and_then(first_filter);
            let mut thread = Thread {
                tid,
                comm: comm.or_else(|| if leader { task.comm.clone() } else { None }),
                registers: core.as_deref().and_then(Registers::from_core),
                blocked: blocked.map(Hex),
                pending: thread_core.map(|_| pending(queue.as_ref(), big_endian)),
                pending_signals: PendingSignal::queue(queue.as_ref(), big_endian, mips),
                credentials: if leader {
                    self.credentials(task.pid, core.as_deref())
                } else {
                    thread_core.and_then(|t| t.creds.as_ref()).map(Credentials::from_entry)
                },
                seccomp: thread_core.and_then(|t| t.seccomp_mode).and_then(seccomp_mode),
                seccomp_filters: filters.map(|f| self.filter_chain(f)).unwrap_or_default(),
                scheduling: None,
                parent_death_signal: None,
                robust_list: None,
                rseq: None,
                alternate_stack: None,
                clear_tid_address: None,
                system_call: None,
                pc: None,
                sp: None,
                raw: core.clone(),
            };
            if let Some(core) = &core {
                thread.fill(core);
            }
            thread
        };
        self.thread_cores(task).into_iter().map(read).collect()
    }

    /// Reads an image of pending signals, which CRIU wrote before they moved into the core image.
    pub(super) fn signal_queue(&self, name: &str) -> Option<proto::SignalQueueEntry> {
        self.images.find(name)?;
        let signals = self.images.all::<proto::SiginfoEntry>(name)?.into_iter().map(|(_, s)| s).collect();
        Some(proto::SignalQueueEntry { signals })
    }
}

impl Serialize for Thread {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let credentials = self.credentials.as_ref();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("tid", &self.tid)?;
        put_text(&mut map, "comm", self.comm.as_ref())?;
        map.serialize_entry("registers", &self.registers)?;
        map.serialize_entry("blocked", &self.blocked)?;
        map.serialize_entry("pending", &self.pending)?;
        map.serialize_entry("uid", &credentials.map(|c| c.uid))?;
        map.serialize_entry("gid", &credentials.map(|c| c.gid))?;
        map.serialize_entry("capabilities", &credentials.map(|c| c.capabilities))?;
        map.serialize_entry("seccomp", &self.seccomp)?;
        map.serialize_entry("seccompFilters", &self.seccomp_filters)?;
        map.serialize_entry("groups", &credentials.map(|c| &c.groups))?;
        map.serialize_entry(
            "securebits",
            &credentials.and_then(|c| c.securebits).map(names::securebit_names),
        )?;
        map.serialize_entry("noNewPrivs", &credentials.and_then(|c| c.no_new_privs))?;
        put_text(&mut map, "lsmProfile", credentials.and_then(|c| c.lsm_profile.as_ref()))?;
        map.serialize_entry("pendingSignals", &self.pending_signals)?;
        map.serialize_entry("scheduling", &self.scheduling)?;
        map.serialize_entry("parentDeathSignal", &self.parent_death_signal.map(names::signal_name))?;
        map.serialize_entry("robustList", &self.robust_list)?;
        map.serialize_entry("rseq", &self.rseq)?;
        map.serialize_entry("alternateStack", &self.alternate_stack)?;
        map.serialize_entry("clearTidAddress", &self.clear_tid_address)?;
        map.serialize_entry("systemCall", &self.system_call)?;
        map.serialize_entry("pc", &self.pc)?;
        map.serialize_entry("sp", &self.sp)?;
        map.end()
    }
}
