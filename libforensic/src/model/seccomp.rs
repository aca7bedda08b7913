//! Seccomp filters: which system calls the processes were allowed.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::bpf::{self, Action, Input, Instruction, Verdict};
use super::syscall_table::{last_number, system_call_name};
use super::{Architecture, Checkpoint};
use crate::image::proto;

/// The longest chain of filters that is followed; the kernel allows some 32,000 instructions in all.
const CHAIN: usize = 4096;

/// A thread that runs under a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct FilterUser {
    /// The process.
    pub pid: u32,
    /// The thread.
    pub tid: u32,
}

/// One filter of seccomp.img.
///
/// CRIU keeps one copy for every process that has it; equal filters have the
/// same [`SeccompFilter::same_as`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SeccompFilter {
    /// Index in seccomp.img.
    pub index: u32,
    /// Index of the first filter with the same program.
    pub same_as: u32,
    /// The filter that this one is linked to (`prev`), which applies, too.
    ///
    /// In dumps by CRIU 4.2.1 that is the one installed after it, in spite of the name.
    pub previous: Option<u32>,
    /// `SECCOMP_FILTER_FLAG_…`.
    pub flags: u32,
    /// Threads that run under it.
    pub users: Vec<FilterUser>,
    /// The program.
    pub program: Vec<Instruction>,
    /// Architecture of the dump.
    pub architecture: Option<Architecture>,
}

/// What a filter says about the system calls of its architecture.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rules {
    /// What most numbers get: the action for a number that no kernel has.
    pub default: Option<Action>,
    /// System calls by the action they get, other than the default one.
    pub calls: BTreeMap<String, Vec<String>>,
    /// System calls whose action depends on their arguments.
    pub conditional: Vec<String>,
}

/// A number that no system call has; what a filter does with it is its default.
const NO_CALL: u32 = 0x0fff_fff0;

impl SeccompFilter {
    /// Returns the program as text, one line an instruction.
    pub fn disassembly(&self) -> Vec<String> {
        bpf::disassemble(&self.program, Input::Seccomp(self.architecture))
    }

    /// Runs the program for every system call of the architecture.
    ///
    /// `None` where there is no table of system calls or the program is not valid.
    pub fn rules(&self) -> Option<Rules> {
        let architecture = self.architecture?;
        let audit = bpf::audit_value(architecture)?;
        let last = u32::try_from(last_number(architecture)?).ok()?;
        let default = match bpf::verdict(&self.program, audit, NO_CALL) {
            Verdict::Always(action) => Some(action),
            Verdict::Depends => None,
            Verdict::Invalid => return None,
        };
        let mut rules = Rules { default, calls: BTreeMap::new(), conditional: Vec::new() };
        for number in 0..=last {
            let Some(name) = system_call_name(architecture, u64::from(number)) else { continue };
            match bpf::verdict(&self.program, audit, number) {
                Verdict::Always(action) if Some(action) == default => {}
                Verdict::Always(action) => {
                    rules.calls.entry(action.to_string()).or_default().push(name.to_owned());
                }
                Verdict::Depends => rules.conditional.push(name.to_owned()),
                Verdict::Invalid => return None,
            }
        }
        Some(rules)
    }

    /// Returns the names of the flags.
    pub fn flag_names(&self) -> Vec<&'static str> {
        const NAMES: [(u32, &str); 6] = [
            (1, "TSYNC"),
            (2, "LOG"),
            (4, "SPEC_ALLOW"),
            (8, "NEW_LISTENER"),
            (16, "TSYNC_ESRCH"),
            (32, "WAIT_KILLABLE_RECV"),
        ];
        NAMES.iter().filter(|f| self.flags & f.0 != 0).map(|f| f.1).collect()
    }
}

impl Serialize for Rules {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("default", &self.default.map(|a| a.to_string()))?;
        map.serialize_entry("calls", &self.calls)?;
        map.serialize_entry("conditional", &self.conditional)?;
        map.end()
    }
}

impl Serialize for SeccompFilter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("index", &self.index)?;
        map.serialize_entry("sameAs", &self.same_as)?;
        map.serialize_entry("previous", &self.previous)?;
        map.serialize_entry("flags", &self.flag_names())?;
        map.serialize_entry("users", &self.users)?;
        map.serialize_entry("instructions", &self.program.len())?;
        // Copies say nothing that the first one does not.
        let first = self.same_as == self.index;
        map.serialize_entry("rules", &first.then(|| self.rules()).flatten())?;
        map.serialize_entry("disassembly", &first.then(|| self.disassembly()))?;
        map.end()
    }
}

impl Checkpoint {
    fn seccomp_entries(&self) -> &[proto::SeccompFilter] {
        self.cache.seccomp.get_or_init(|| {
            if self.images.find("seccomp.img").is_none() {
                return Vec::new();
            }
            self.images
                .one::<proto::SeccompEntry>("seccomp.img")
                .map(|e| e.seccomp_filters)
                .unwrap_or_default()
        })
    }

    /// Returns the filters that apply to a thread, in the order in which CRIU links them.
    pub(crate) fn filter_chain(&self, first: u32) -> Vec<u32> {
        let entries = self.seccomp_entries();
        let mut chain = Vec::new();
        let mut seen = HashSet::new();
        let mut next = Some(first);
        while let Some(index) = next.filter(|i| chain.len() < CHAIN && seen.insert(*i)) {
            let Some(entry) = usize::try_from(index).ok().and_then(|i| entries.get(i)) else {
                self.images.warn(
                    "seccomp.img",
                    None,
                    &format!("filter {index} is used and not in the image"),
                );
                break;
            };
            chain.push(index);
            next = entry.prev;
        }
        chain
    }

    /// Returns the seccomp filters of the dump, with everyone who runs under them.
    ///
    /// Layout: criu/seccomp.c.
    pub fn seccomp_filters(&self) -> Vec<SeccompFilter> {
        let entries = self.seccomp_entries();
        let mut users: HashMap<u32, Vec<FilterUser>> = HashMap::new();
        for pid in self.pids() {
            let Ok(task) = self.task(pid) else { continue };
            for (tid, core) in self.thread_cores(&task) {
                for index in
                    core.as_deref().and_then(first_filter).map(|f| self.filter_chain(f)).unwrap_or_default()
                {
                    users.entry(index).or_default().push(FilterUser { pid, tid });
                }
            }
        }
        let big_endian = self.is_big_endian();
        let mut first: HashMap<&[u8], u32> = HashMap::new();
        (0_u32..)
            .zip(entries)
            .map(|(index, entry)| {
                let bytes = entry.filter.as_deref().unwrap_or_default();
                if !bytes.len().is_multiple_of(8) {
                    self.images.warn(
                        "seccomp.img",
                        None,
                        &format!("filter {index} of {} bytes ends within an instruction", bytes.len()),
                    );
                }
                SeccompFilter {
                    index,
                    same_as: *first.entry(bytes).or_insert(index),
                    previous: entry.prev,
                    flags: entry.flags.unwrap_or(0),
                    users: users.remove(&index).unwrap_or_default(),
                    program: Instruction::program(bytes, big_endian),
                    architecture: self.architecture(),
                }
            })
            .collect()
    }
}

/// Index of the filter with which the chain of a thread begins.
pub(crate) fn first_filter(core: &proto::CoreEntry) -> Option<u32> {
    let thread = core.thread_core.as_ref();
    let old = core.tc.as_ref();
    let mode = thread.and_then(|t| t.seccomp_mode).or_else(|| old.and_then(|t| t.old_seccomp_mode))?;
    (mode == 2)
        .then(|| thread.and_then(|t| t.seccomp_filter).or_else(|| old.and_then(|t| t.old_seccomp_filter)))?
}
