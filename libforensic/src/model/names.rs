//! Numbers of the Linux ABI and their names.

/// Name of an auxiliary vector type, `AT_…`; the numbers are those of `<linux/auxvec.h>`.
pub(crate) fn auxv(kind: u64) -> Option<&'static str> {
    Some(match kind {
        0 => "AT_NULL",
        1 => "AT_IGNORE",
        2 => "AT_EXECFD",
        3 => "AT_PHDR",
        4 => "AT_PHENT",
        5 => "AT_PHNUM",
        6 => "AT_PAGESZ",
        7 => "AT_BASE",
        8 => "AT_FLAGS",
        9 => "AT_ENTRY",
        10 => "AT_NOTELF",
        11 => "AT_UID",
        12 => "AT_EUID",
        13 => "AT_GID",
        14 => "AT_EGID",
        15 => "AT_PLATFORM",
        16 => "AT_HWCAP",
        17 => "AT_CLKTCK",
        18 => "AT_FPUCW",
        19 => "AT_DCACHEBSIZE",
        20 => "AT_ICACHEBSIZE",
        21 => "AT_UCACHEBSIZE",
        22 => "AT_IGNOREPPC",
        23 => "AT_SECURE",
        24 => "AT_BASE_PLATFORM",
        25 => "AT_RANDOM",
        26 => "AT_HWCAP2",
        27 => "AT_RSEQ_FEATURE_SIZE",
        28 => "AT_RSEQ_ALIGN",
        29 => "AT_HWCAP3",
        30 => "AT_HWCAP4",
        31 => "AT_EXECFN",
        32 => "AT_SYSINFO",
        33 => "AT_SYSINFO_EHDR",
        34 => "AT_L1I_CACHESHAPE",
        35 => "AT_L1D_CACHESHAPE",
        36 => "AT_L2_CACHESHAPE",
        37 => "AT_L3_CACHESHAPE",
        40 => "AT_L1I_CACHESIZE",
        41 => "AT_L1I_CACHEGEOMETRY",
        42 => "AT_L1D_CACHESIZE",
        43 => "AT_L1D_CACHEGEOMETRY",
        44 => "AT_L2_CACHESIZE",
        45 => "AT_L2_CACHEGEOMETRY",
        46 => "AT_L3_CACHESIZE",
        47 => "AT_L3_CACHEGEOMETRY",
        51 => "AT_MINSIGSTKSZ",
        _ => return None,
    })
}

/// Resource limits by number, as the generic kernel ABI counts them.
const RLIMITS: [&str; 16] = [
    "CPU",
    "FSIZE",
    "DATA",
    "STACK",
    "CORE",
    "RSS",
    "NPROC",
    "NOFILE",
    "MEMLOCK",
    "AS",
    "LOCKS",
    "SIGPENDING",
    "MSGQUEUE",
    "NICE",
    "RTPRIO",
    "RTTIME",
];

/// The same on MIPS, which numbers five of them otherwise (`arch/mips/include/uapi/asm/resource.h`).
const RLIMITS_MIPS: [&str; 16] = [
    "CPU",
    "FSIZE",
    "DATA",
    "STACK",
    "CORE",
    "NOFILE",
    "AS",
    "RSS",
    "NPROC",
    "MEMLOCK",
    "LOCKS",
    "SIGPENDING",
    "MSGQUEUE",
    "NICE",
    "RTPRIO",
    "RTTIME",
];

/// Name of a resource limit by its number on that architecture.
pub(crate) fn rlimit(index: usize, mips: bool) -> Option<&'static str> {
    if mips { RLIMITS_MIPS.get(index).copied() } else { RLIMITS.get(index).copied() }
}

/// Capability names by bit (`<linux/capability.h>`).
const CAPABILITIES: [&str; 41] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
];

/// Names of the capabilities in a mask, lowest bit first; unknown bits as `CAP_41`.
pub fn capability_names(mask: u64) -> Vec<String> {
    (0..64_usize)
        .filter(|bit| mask >> bit & 1 == 1)
        .map(|bit| CAPABILITIES.get(bit).map_or_else(|| format!("CAP_{bit}"), |n| (*n).to_owned()))
        .collect()
}

/// Names of `SECBIT_…` flags (`<linux/securebits.h>`), lowest bit first.
pub fn securebit_names(bits: u32) -> Vec<String> {
    const NAMES: [&str; 12] = [
        "NOROOT",
        "NOROOT_LOCKED",
        "NO_SETUID_FIXUP",
        "NO_SETUID_FIXUP_LOCKED",
        "KEEP_CAPS",
        "KEEP_CAPS_LOCKED",
        "NO_CAP_AMBIENT_RAISE",
        "NO_CAP_AMBIENT_RAISE_LOCKED",
        "EXEC_RESTRICT_FILE",
        "EXEC_RESTRICT_FILE_LOCKED",
        "EXEC_DENY_INTERACTIVE",
        "EXEC_DENY_INTERACTIVE_LOCKED",
    ];
    (0..32_usize)
        .filter(|bit| bits >> bit & 1 == 1)
        .map(|bit| NAMES.get(bit).map_or_else(|| format!("BIT_{bit}"), |n| (*n).to_owned()))
        .collect()
}

fn flag_names(bits: u32, names: &[(u32, &'static str)]) -> Vec<&'static str> {
    names.iter().filter(|n| bits & n.0 != 0).map(|n| n.1).collect()
}

/// Events of an epoll watch (`<linux/eventpoll.h>`).
pub(crate) fn epoll_events(events: u32) -> Vec<&'static str> {
    const NAMES: [(u32, &str); 10] = [
        (0x1, "EPOLLIN"),
        (0x2, "EPOLLPRI"),
        (0x4, "EPOLLOUT"),
        (0x8, "EPOLLERR"),
        (0x10, "EPOLLHUP"),
        (0x2000, "EPOLLRDHUP"),
        (0x1000_0000, "EPOLLEXCLUSIVE"),
        (0x2000_0000, "EPOLLWAKEUP"),
        (0x4000_0000, "EPOLLONESHOT"),
        (0x8000_0000, "EPOLLET"),
    ];
    flag_names(events, &NAMES)
}

/// Events of an inotify or fanotify watch; the two share their low numbers.
pub(crate) fn inotify_events(mask: u32) -> Vec<&'static str> {
    const NAMES: [(u32, &str); 16] = [
        (0x1, "ACCESS"),
        (0x2, "MODIFY"),
        (0x4, "ATTRIB"),
        (0x8, "CLOSE_WRITE"),
        (0x10, "CLOSE_NOWRITE"),
        (0x20, "OPEN"),
        (0x40, "MOVED_FROM"),
        (0x80, "MOVED_TO"),
        (0x100, "CREATE"),
        (0x200, "DELETE"),
        (0x400, "DELETE_SELF"),
        (0x800, "MOVE_SELF"),
        (0x1000, "OPEN_EXEC"),
        (0x1_0000, "OPEN_PERM"),
        (0x2_0000, "ACCESS_PERM"),
        (0x4_0000, "OPEN_EXEC_PERM"),
    ];
    flag_names(mask, &NAMES)
}

/// Names of scheduling policies (`<linux/sched.h>`).
pub(crate) fn scheduling_policy(policy: u32) -> Option<&'static str> {
    Some(match policy {
        0 => "SCHED_OTHER",
        1 => "SCHED_FIFO",
        2 => "SCHED_RR",
        3 => "SCHED_BATCH",
        5 => "SCHED_IDLE",
        6 => "SCHED_DEADLINE",
        7 => "SCHED_EXT",
        _ => return None,
    })
}

/// Signal names by number on all architectures but MIPS and Alpha.
const SIGNALS: [&str; 32] = [
    "",
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGILL",
    "SIGTRAP",
    "SIGABRT",
    "SIGBUS",
    "SIGFPE",
    "SIGKILL",
    "SIGUSR1",
    "SIGSEGV",
    "SIGUSR2",
    "SIGPIPE",
    "SIGALRM",
    "SIGTERM",
    "SIGSTKFLT",
    "SIGCHLD",
    "SIGCONT",
    "SIGSTOP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGVTALRM",
    "SIGPROF",
    "SIGWINCH",
    "SIGIO",
    "SIGPWR",
    "SIGSYS",
];

/// Name of a signal; real-time signals are counted from `SIGRTMIN` (34 to glibc).
pub fn signal_name(number: u32) -> String {
    match number {
        1..=31 => SIGNALS.get(number as usize).map_or_else(String::new, |n| (*n).to_owned()),
        34 => "SIGRTMIN".to_owned(),
        35..=64 => format!("SIGRTMIN+{}", number.saturating_sub(34)),
        _ => format!("SIG{number}"),
    }
}

/// Names of the signals in a mask, bit n-1 being signal n.
pub fn signal_names(mask: u64) -> Vec<String> {
    (1..=64_u32).filter(|n| mask >> n.saturating_sub(1) & 1 == 1).map(signal_name).collect()
}

/// TCP states, which the kernel uses for all socket families, as `ss` names them.
pub(crate) fn socket_state(state: u32) -> Option<&'static str> {
    Some(match state {
        1 => "ESTABLISHED",
        2 => "SYN-SENT",
        // 12 is NEW_SYN_RECV, the kernel's request socket for the same state.
        3 | 12 => "SYN-RECV",
        4 => "FIN-WAIT-1",
        5 => "FIN-WAIT-2",
        6 => "TIME-WAIT",
        7 => "UNCONN",
        8 => "CLOSE-WAIT",
        9 => "LAST-ACK",
        10 => "LISTEN",
        11 => "CLOSING",
        _ => return None,
    })
}

/// Socket types of `<linux/net.h>`; MIPS swaps 1 and 2.
pub(crate) fn socket_type(kind: u32, mips: bool) -> Option<&'static str> {
    Some(match (kind, mips) {
        (1, false) | (2, true) => "stream",
        (2, false) | (1, true) => "dgram",
        (3, _) => "raw",
        (4, _) => "rdm",
        (5, _) => "seqpacket",
        (6, _) => "dccp",
        (10, _) => "packet",
        _ => return None,
    })
}

/// Names of IP protocols that a socket can speak.
pub(crate) fn ip_protocol(protocol: u32) -> Option<&'static str> {
    Some(match protocol {
        0 => "ip",
        1 => "icmp",
        2 => "igmp",
        6 => "tcp",
        17 => "udp",
        33 => "dccp",
        47 => "gre",
        50 => "esp",
        51 => "ah",
        58 => "icmpv6",
        132 => "sctp",
        136 => "udplite",
        255 => "raw",
        262 => "mptcp",
        _ => return None,
    })
}

/// Netlink families.
pub(crate) fn netlink_protocol(protocol: u32) -> Option<&'static str> {
    Some(match protocol {
        0 => "route",
        2 => "usersock",
        3 => "firewall",
        4 => "sock_diag",
        5 => "nflog",
        6 => "xfrm",
        7 => "selinux",
        8 => "iscsi",
        9 => "audit",
        10 => "fib_lookup",
        11 => "connector",
        12 => "netfilter",
        13 => "ip6_fw",
        14 => "dnrtmsg",
        15 => "kobject_uevent",
        16 => "generic",
        18 => "scsitransport",
        19 => "ecryptfs",
        20 => "rdma",
        21 => "crypto",
        22 => "smc",
        _ => return None,
    })
}

/// Clocks of `timerfd_create(2)`.
pub(crate) fn clock(id: u32) -> Option<&'static str> {
    Some(match id {
        0 => "CLOCK_REALTIME",
        1 => "CLOCK_MONOTONIC",
        2 => "CLOCK_PROCESS_CPUTIME_ID",
        3 => "CLOCK_THREAD_CPUTIME_ID",
        4 => "CLOCK_MONOTONIC_RAW",
        5 => "CLOCK_REALTIME_COARSE",
        6 => "CLOCK_MONOTONIC_COARSE",
        7 => "CLOCK_BOOTTIME",
        8 => "CLOCK_REALTIME_ALARM",
        9 => "CLOCK_BOOTTIME_ALARM",
        11 => "CLOCK_TAI",
        _ => return None,
    })
}

/// `CLONE_NEW*` flag of a namespace as /proc/PID/ns names it.
pub(crate) fn namespace(flag: u32) -> Option<&'static str> {
    Some(match flag {
        0x80 => "time",
        0x2_0000 => "mnt",
        0x200_0000 => "cgroup",
        0x400_0000 => "uts",
        0x800_0000 => "ipc",
        0x1000_0000 => "user",
        0x2000_0000 => "pid",
        0x4000_0000 => "net",
        _ => return None,
    })
}

/// File systems that CRIU numbers (`fstype` in its mount image); 0 and 16 mean "see the name".
pub(crate) fn file_system(number: u32) -> Option<&'static str> {
    Some(match number {
        1 => "proc",
        2 => "sysfs",
        3 => "devtmpfs",
        4 => "binfmt_misc",
        5 => "tmpfs",
        6 => "devpts",
        7 => "simfs",
        8 => "pstore",
        9 => "securityfs",
        10 => "fusectl",
        11 => "debugfs",
        12 => "cgroup",
        13 => "aufs",
        14 => "mqueue",
        15 => "fuse",
        17 => "overlay",
        18 => "autofs",
        19 => "tracefs",
        23 => "cgroup2",
        _ => return None,
    })
}
