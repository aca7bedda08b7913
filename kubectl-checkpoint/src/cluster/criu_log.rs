//! Why CRIU refused: its log on the node, and what the last error in it means.
//!
//! The runtimes say no more than where the log is. It lies in the container's
//! state directory, which goes when the container restarts, so it is fetched
//! at once, through a collector pod that sees this one file.

use std::time::Duration;

use anyhow::{Result, bail};

use super::exec::{Remote, persist};
use super::text;

/// How much of a log is fetched, from its end: the reason is in the last lines.
const LOG_LIMIT: usize = 4 << 20;

const TAIL: &str = r#"
[ -r "$1" ] || { echo "it cannot be read" >&2; exit 3; }
if command -v tail >/dev/null 2>&1; then tail -c "$2" "$1"; else cat "$1"; fi"#;

/// Errors that only say that something before them went wrong, or that CRIU lives with.
const NO_REASON: [&str; 10] = [
    "Dumping FAILED",
    "Dump files (pid:",
    "Dump mappings (pid:",
    "Dump core (pid:",
    "Dump fs (pid:",
    "Dump task (pid:",
    "Namespaces dumping finished with error",
    "rlimit: Can't setup RLIMIT_NOFILE",
    "Can't unfreeze",
    "Unlocking network failed",
];

/// What an error of CRIU means: words that are all in the line, the cause, the remedy.
struct Meaning {
    words: &'static [&'static str],
    cause: &'static str,
    remedy: Option<&'static str>,
}

const fn of(words: &'static [&'static str], cause: &'static str, remedy: &'static str) -> Meaning {
    Meaning { words, cause, remedy: Some(remedy) }
}

const fn hopeless(words: &'static [&'static str], cause: &'static str) -> Meaning {
    Meaning { words, cause, remedy: None }
}

/// The first that fits counts. Words as in CRIU 3.16 to 4.2.
const MEANINGS: &[Meaning] = &[
    of(
        &["Connected TCP socket"],
        "a TCP connection was open",
        "put the line `tcp-established` (or `tcp-close`, which writes them down as closed) into /etc/criu/runc.conf on the node (with crun: /etc/criu/crun.conf), then run this again",
    ),
    of(
        &["In-flight connection"],
        "a connection waited to be accepted",
        "put the line `skip-in-flight` into /etc/criu/runc.conf on the node, or run this again: such connections are short",
    ),
    of(
        &["TCP_REPAIR can't be enabled for half-closed sockets"],
        "a TCP connection was closed on one side only",
        "put the line `tcp-close` into /etc/criu/runc.conf on the node, or run this again: such connections are short",
    ),
    of(
        &["Unsupported proto 262"],
        "a process has an MPTCP socket; Go programs listen with MPTCP since Go 1.24",
        "start the program with GODEBUG=multipathtcp=0, where it may be restarted",
    ),
    hopeless(&["Unsupported proto 132"], "a process has an SCTP socket"),
    hopeless(
        &["inet socket", "Only stream, dgram and raw"],
        "a process has an SCTP or other socket of a type that is not saved",
    ),
    hopeless(&["Unsupported proto"], "a process has a socket of an IP protocol that is not saved"),
    hopeless(&["corked dgram socket"], "a process was in the middle of sending a datagram (UDP_CORK)"),
    hopeless(
        &["Sockets (family", "are not collected"],
        "a process has a socket of a family that is not saved (vsock, AF_ALG, Bluetooth, CAN …)",
    ),
    hopeless(
        &["Unknown socket family"],
        "a process has a socket of a family that is not saved (vsock, AF_ALG, Bluetooth, CAN …)",
    ),
    hopeless(
        &["Unsupported socket family"],
        "a process has a socket of a family that is not saved (vsock, AF_ALG, Bluetooth, CAN …)",
    ),
    hopeless(&["BUG! Unknown socket collected"], "a process has a socket of a family that is not saved"),
    hopeless(&["io_uring"], "a process has an io_uring"),
    hopeless(
        &["Can't retrieve FD", "from socket"],
        "a process has a descriptor that cannot be passed on, most often an io_uring",
    ),
    hopeless(
        &["Can't dump nested", "namespace"],
        "a process runs in a namespace of its own inside the container",
    ),
    hopeless(
        &["Can't dump a pid namespace without the process init"],
        "a process runs in a PID namespace whose first process is not in the container",
    ),
    hopeless(
        &["Nested mount namespaces are not supported"],
        "a process runs in a mount namespace of its own inside the container",
    ),
    hopeless(
        &["Time namespaces are not supported"],
        "a process runs in a time namespace, which the node's CRIU or kernel does not know",
    ),
    hopeless(
        &["is outside of its pid namespace"],
        "a process belongs to a session whose leader is outside the container (kubectl exec, for instance)",
    ),
    of(
        &["External socket is used"],
        "a Unix socket is connected to a process outside the container",
        "put the line `ext-unix-sk` into /etc/criu/runc.conf on the node, then run this again",
    ),
    of(
        &["Can't dump half of stream unix connection"],
        "a Unix socket is connected to a process outside the container",
        "put the line `ext-unix-sk` into /etc/criu/runc.conf on the node, then run this again",
    ),
    hopeless(&["name-less external socket"], "a Unix socket pair has its other end outside the container"),
    hopeless(&["with unreachable peer"], "a Unix socket is connected to a process outside the container"),
    of(
        &["file locks are hold"],
        "a process holds a file lock",
        "put the line `file-locks` into /etc/criu/runc.conf on the node, then run this again",
    ),
    hopeless(
        &["Unknown file lock"],
        "a process holds a file lock of a kind that is not saved (a lease, for instance)",
    ),
    of(
        &["Found dangling tty"],
        "the terminal of a process belongs to a process outside the container",
        "put the line `shell-job` into /etc/criu/runc.conf on the node, then run this again",
    ),
    of(
        &["ctty inheritance detected"],
        "the controlling terminal belongs to a session outside the container",
        "put the line `shell-job` into /etc/criu/runc.conf on the node, then run this again",
    ),
    of(
        &["is not a session leader"],
        "the first process is not the leader of its session",
        "put the line `shell-job` into /etc/criu/runc.conf on the node, then run this again",
    ),
    hopeless(
        &["slave peer index", "without correspond master"],
        "the other end of a terminal is outside the container",
    ),
    hopeless(
        &["Only one slave external peer"],
        "several terminals have their other end outside the container",
    ),
    of(
        &["has unreachable sharing"],
        "a mount gets its events from outside the container (mountPropagation: HostToContainer)",
        "put the line `enable-external-masters` into /etc/criu/runc.conf on the node, then run this again",
    ),
    hopeless(&["is a fuse mount but not external"], "a FUSE file system is mounted inside the container"),
    hopeless(
        &["FS mnt", "unsupported"],
        "a file system is mounted inside the container that CRIU does not know",
    ),
    hopeless(&["Autofs", "unreachable"], "an automounter is active inside the container"),
    hopeless(&["Open files on overmounted mounts"], "a file is open on a mount that another one hides"),
    hopeless(
        &["is autodetected external mount"],
        "a mount comes from outside the container and was not announced to CRIU",
    ),
    hopeless(&["Can't dump file", "of that type"], "a process has a descriptor of a kind that is not saved"),
    hopeless(&["Unknown shit"], "a process has a descriptor of a kind that is not saved"),
    of(
        &["ghost file", "increase limit"],
        "a deleted file that is still open is larger than CRIU's limit",
        "put a line such as `ghost-limit 1G` into /etc/criu/runc.conf on the node, then run this again",
    ),
    of(
        &["Can't create link remap", "link-remap option"],
        "a file is open under a name that was removed while another name is left",
        "put the line `link-remap` into /etc/criu/runc.conf on the node, then run this again (it writes a link beside the file)",
    ),
    hopeless(
        &["Unsupported mapping found"],
        "a process maps a device or something else that is not saved (a GPU, for instance)",
    ),
    hopeless(&["32-bit mode"], "a process runs 32-bit code, and the node's CRIU does not save that"),
    hopeless(&["with LDT descriptors"], "a process has an LDT of its own (old 32-bit code, Wine)"),
    of(
        &["uprobes vma"],
        "a process is traced by uprobes (bpftrace, an eBPF agent)",
        "stop the tracer, or put the line `allow-uprobes` into /etc/criu/runc.conf on the node",
    ),
    hopeless(&["Stopped tasks are not supported"], "a process is stopped (SIGSTOP)"),
    hopeless(&["Individually stopped threads"], "a thread is stopped by a debugger"),
    of(
        &["SEIZE"],
        "a process could not be stopped: a debugger or tracer holds it",
        "look for `TracerPid` in /proc/PID/status on the node and end the tracer",
    ),
    of(
        &["PTRACE_SEIZE"],
        "a process could not be stopped: a debugger or tracer holds it, or the node forbids ptrace",
        "look for `TracerPid` in /proc/PID/status on the node and end the tracer",
    ),
    hopeless(&["pending SIGTRAP"], "a process is being traced"),
    hopeless(&["packetized mode for pipes"], "a pipe is in packet mode (O_DIRECT)"),
    hopeless(&["Multiple MC membership"], "a packet socket listens to several multicast addresses"),
    hopeless(&["Mmap-ed socket"], "a packet socket has a mapped ring, as sniffers do"),
    hopeless(&["Groups above 32"], "a netlink socket listens to a group above 32"),
    hopeless(&["netlink socket", "not to portid"], "a netlink socket is in a state that is not saved"),
    hopeless(&["Unsupported link"], "the container has a network link of a kind that is not saved"),
    hopeless(
        &["socket from an external network namespace"],
        "a process has a socket of another network namespace",
    ),
    hopeless(&["tun:", "filter on-board"], "a TUN/TAP device has a filter"),
    of(
        &["Locking network failed"],
        "CRIU could not hold the network still",
        "install iptables on the node, or put the line `network-lock nftables` (or `network-lock skip`) into /etc/criu/runc.conf there",
    ),
    of(
        &["iptables-restore", "failed"],
        "CRIU could not hold the network still: iptables-restore is missing or fails",
        "install iptables on the node, or put the line `network-lock nftables` (or `network-lock skip`) into /etc/criu/runc.conf there",
    ),
    hopeless(
        &["Unable to freeze cgroup"],
        "the container did not stand still in time: a process is in an uninterruptible sleep",
    ),
    of(
        &["No space left on device"],
        "the node's disk was full",
        "make room on the node, then run this again",
    ),
    of(&["Not enough space"], "the node's disk was full", "make room on the node, then run this again"),
    of(
        &["doesn't have capability"],
        "CRIU lacks a capability on the node",
        "look at how the runtime is started on the node",
    ),
    hopeless(
        &["seccomp filters not supported"],
        "the node's kernel does not show seccomp filters (CONFIG_CHECKPOINT_RESTORE)",
    ),
];

/// What a log says about the refusal.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Reason {
    /// The line itself, fit for a terminal.
    pub(super) line: String,
    /// What it means; `None` for one that is not known.
    pub(super) cause: Option<&'static str>,
    /// What to do on the node.
    pub(super) remedy: Option<&'static str>,
}

/// Finds the reason in a log: the last error that has a known meaning, or
/// else the last that is not only a consequence.
pub(super) fn reason(log: &str) -> Option<Reason> {
    let errors: Vec<&str> = log.lines().filter_map(error_of).collect();
    let known = errors.iter().rev().find_map(|line| {
        let meaning = MEANINGS.iter().find(|meaning| meaning.words.iter().all(|word| line.contains(word)))?;
        Some(Reason { line: text::quote(line), cause: Some(meaning.cause), remedy: meaning.remedy })
    });
    known.or_else(|| {
        let line = errors.iter().rev().find(|line| !NO_REASON.iter().any(|words| line.contains(words)))?;
        Some(Reason { line: text::quote(line), cause: None, remedy: None })
    })
}

/// Returns the text of an error line: `(00.028) Error (criu/sk-inet.c:200): inet: …`.
fn error_of(line: &str) -> Option<&str> {
    let (before, rest) = line.split_once("Error (")?;
    // The word in the middle of another message is no error.
    if !before.trim_end().ends_with([')', ':']) && !before.trim().is_empty() {
        return None;
    }
    rest.split_once("): ").map(|(_, text)| text.trim())
}

/// Whether a path is one that a runtime keeps CRIU's log under. The path comes
/// out of an error message, and a pod mounts it.
pub(super) fn is_log_path(path: &str) -> bool {
    let place = ["/run/", "/var/run/", "/var/lib/"].iter().any(|start| path.starts_with(start));
    place
        && path.strip_suffix(".log").is_some()
        && path.len() < 4096
        && path.split('/').skip(1).all(|part| !part.is_empty() && part != "." && part != "..")
        && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte))
}

/// Reads the log through a collector that sees it under `path`.
///
/// # Errors
///
/// When it cannot be read.
pub(super) async fn read(remote: &Remote, path: &str) -> Result<String> {
    let most = LOG_LIMIT.to_string();
    let args = [path, most.as_str()];
    let limit = Duration::from_secs(60);
    let output = persist("read CRIU's log through the collector", || {
        remote.run_up_to(TAIL, &args, limit, LOG_LIMIT.saturating_mul(2))
    })
    .await?;
    if output.code != 0 {
        bail!("{}", text::quote(&output.stderr));
    }
    Ok(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From a real dump of a container with an established connection (CRIU 4.2.1).
    const TCP: &str = "\
(00.001596) Error (criu/util.c:1534): rlimit: Can't setup RLIMIT_NOFILE for self: Operation not permitted
(00.026699) Warn  (compel/arch/x86/src/lib/infect.c:419): Will restore 5799 with interrupted system call
(00.028653) Error (criu/sk-inet.c:200): inet: Connected TCP socket, consider using --tcp-established option.
(00.028660) ----------------------------------------
(00.028664) Error (criu/cr-dump.c:1545): Dump files (pid: 5800) failed with -1
(00.098459) Error (criu/cr-dump.c:1975): Dumping FAILED.
";

    #[test]
    fn the_reason_is_the_last_error_with_a_meaning() {
        let reason = reason(TCP).unwrap();
        assert_eq!(reason.line, "inet: Connected TCP socket, consider using --tcp-established option.");
        assert_eq!(reason.cause, Some("a TCP connection was open"));
        assert!(reason.remedy.unwrap().contains("/etc/criu/runc.conf"));
    }

    #[test]
    fn every_refusal_that_is_known_has_its_cause() {
        // The formats are those of CRIU's own messages.
        for (line, part) in [
            ("inet: Unsupported proto 262 for socket 1f", "MPTCP"),
            ("inet: Unsupported proto 132 for socket 1f", "SCTP"),
            ("inet: Can't dump 5 inet socket 1f. Only stream, dgram and raw are supported.", "SCTP"),
            ("Can't dump file 7 of that type [100600] (unknown /anon_inode:[io_uring])", "io_uring"),
            ("Can't retrieve FDs from socket", "io_uring"),
            ("Can't dump nested pid namespace for 12", "namespace of its own"),
            ("Can't dump nested net namespace for 12", "namespace of its own"),
            ("mnt: Nested mount namespaces are not supported without mnt_id in fdinfo", "mount namespace"),
            ("inet: In-flight connection (l) for 5", "accepted"),
            ("unix: External socket is used. Consider using --ext-unix-sk option.", "outside the container"),
            (
                "Some file locks are hold by dumping tasks! You can try --file-locks to dump them.",
                "file lock",
            ),
            ("tty: Found dangling tty with sid 1 pgid 1 (pts) on peer fd 0.", "terminal"),
            ("tty: Found slave peer index 0 without correspond master peer", "terminal"),
            (
                "mnt: Mount 77 ./x (master_id: 1 shared_id: 0) has unreachable sharing. Try --enable-external-masters.",
                "mount",
            ),
            ("mnt: FS mnt ./x dev 0x30 root / unsupported id 9", "file system"),
            ("Can't dump ghost file /x of 99999999 size, increase limit", "deleted file"),
            ("Unsupported mapping found 00007f00-00007f01", "device"),
            ("SEIZE 12: task not stopped after seize", "debugger"),
            ("net: Locking network failed: iptables-restore returned 127.", "network still"),
            ("Can't write img file: No space left on device", "disk"),
        ] {
            let log = format!(
                "(00.1) Error (criu/x.c:1): {line}\n(00.2) Error (criu/cr-dump.c:1975): Dumping FAILED.\n"
            );
            let cause = reason(&log).unwrap().cause.unwrap_or_else(|| panic!("{line}"));
            assert!(cause.contains(part), "{line}: {cause}");
        }
    }

    #[test]
    fn what_is_not_known_is_quoted_and_not_explained() {
        let log = "(1) Error (criu/a.c:1): something new\u{1b}[31m\n(2) Error (criu/cr-dump.c:1): Dumping FAILED.\n";
        let found = reason(log).unwrap();
        assert_eq!((found.cause, found.remedy), (None, None));
        assert!(found.line.starts_with("something new") && !found.line.contains('\u{1b}'), "{}", found.line);
        assert_eq!(reason("(1) Error (criu/cr-dump.c:1): Dumping FAILED.\n"), None);
        assert_eq!(reason("the word Error (x) in passing): no\n"), None);
        assert_eq!(reason(""), None);
    }

    #[test]
    fn only_logs_of_runtimes_are_mounted() {
        for path in [
            "/run/containerd/io.containerd.runtime.v2.task/k8s.io/66bc/criu-dump.log",
            "/var/run/containers/storage/overlay-containers/1/userdata/dump.log",
            "/var/lib/containers/storage/overlay-containers/1/userdata/dump.log",
        ] {
            assert!(is_log_path(path), "{path}");
        }
        for path in [
            "/etc/shadow",
            "/run/../etc/x.log",
            "/run//x.log",
            "run/x.log",
            "/run/x.log\n",
            "/run/a b.log",
            "",
        ] {
            assert!(!is_log_path(path), "{path}");
        }
    }
}
