//! What a triage, text of /proc instead of images, can answer.

use super::question::{Answer, no, partly};

/// What a triage answers otherwise than a dump: by name of the question. What
/// is not here a triage does not answer.
const TRIAGE: &[(&str, Answer, &str)] = &[
    (
        "process.list",
        Answer::Yes,
        "each process of the container that was there when its files were read; one that came or went meanwhile may be missing",
    ),
    (
        "process.start-time",
        Answer::Partly,
        "triage/proc/PID/stat has it (field 22, in clock ticks since the machine started)",
    ),
    (
        "process.running",
        Answer::Partly,
        "triage/proc/PID/stat has the letter of the state, wchan and stack where it slept",
    ),
    ("process.host-pid", Answer::Yes, "the directories under triage/proc are named by it"),
    ("process.arguments", Answer::Yes, "/proc/PID/cmdline and environ, as they were read"),
    (
        "process.identity",
        Answer::Yes,
        "/proc/PID/status, limits, attr/current; of seccomp filters the mode only",
    ),
    ("process.host-users", Answer::Yes, "the id maps were read from /proc/PID/uid_map and gid_map"),
    (
        "thread.registers",
        Answer::Partly,
        "names, signals and scheduling; triage/proc/PID/syscall has system call, stack pointer and program counter",
    ),
    (
        "files.open",
        Answer::Yes,
        "every descriptor with position and flags, of the moment it was read; which of them share one open file is not told",
    ),
    (
        "socket.list",
        Answer::Yes,
        "every socket in the tables of the network namespace that a process held; peers of Unix sockets are not told",
    ),
    (
        "network.configuration",
        Answer::Partly,
        "routes and devices are in triage/net as text; no command reads them",
    ),
    ("time", Answer::Yes, "the node's clock when the first and the last file were read; not one moment"),
];

/// Answers of a triage about memory, which may have been read or not.
pub(super) fn of_triage(id: &str, memory: bool) -> (Answer, String) {
    if let Some((_, answer, why)) = TRIAGE.iter().find(|(name, _, _)| *name == id) {
        return (*answer, (*why).to_owned());
    }
    match id {
        "memory.data" | "memory.code" if memory => partly(
            "the pages that were there were read one after the other while the process ran: they are not of one moment",
        ),
        "memory.data" | "memory.code" => {
            no("the triage ran without --memory; executables were copied (extract)")
        }
        _ => no("a triage reads files of /proc and copies executables, no more"),
    }
}
