//! Names of system calls by number, from the Linux UAPI headers (`asm/unistd_64.h`, `asm-generic/unistd.h`).
//!
//! Each table is a list of runs: the first number and the names from there on.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::Architecture;
use super::syscall_numbers as numbers;

/// Name of a system call; `None` for an unknown number.
///
/// MIPS numbers tell its two calling conventions apart: o32 begins at 4000, n64 at 5000.
pub fn system_call_name(architecture: Architecture, number: u64) -> Option<&'static str> {
    static X86: Table = LazyLock::new(|| table(X86_64));
    static OTHERS: Table = LazyLock::new(|| table(GENERIC));
    static ARM: Table = LazyLock::new(|| table(numbers::ARM));
    static MIPS: Table = LazyLock::new(|| {
        let mut both = table(numbers::MIPS_O32);
        both.extend(table(numbers::MIPS_N64));
        both
    });
    static PPC64: Table = LazyLock::new(|| table(numbers::PPC64));
    static S390X: Table = LazyLock::new(|| table(numbers::S390X));
    let table = match architecture {
        Architecture::X86_64 => &X86,
        // The three share the generic numbers; arm64's own are in that table too.
        Architecture::Aarch64 | Architecture::Riscv64 | Architecture::Loongarch64 => &OTHERS,
        Architecture::Arm => &ARM,
        Architecture::Mips => &MIPS,
        Architecture::Ppc64le => &PPC64,
        Architecture::S390x => &S390X,
    };
    table.get(&number).copied()
}

/// Name of a system call of a 32-bit program on x86; `None` for an unknown number.
pub fn compat_system_call_name(number: u64) -> Option<&'static str> {
    static I386: Table = LazyLock::new(|| table(numbers::I386));
    I386.get(&number).copied()
}

/// Highest number in the table of an architecture.
pub(crate) fn last_number(architecture: Architecture) -> Option<u64> {
    (0..LIMIT).rev().find(|n| system_call_name(architecture, *n).is_some())
}

/// Numbers from here on are in no table.
const LIMIT: u64 = 6000;

type Table = LazyLock<HashMap<u64, &'static str>>;

fn table(runs: &[(u64, &'static str)]) -> HashMap<u64, &'static str> {
    runs.iter().flat_map(|(first, names)| (*first..).zip(names.split_ascii_whitespace())).collect()
}

/// The 64-bit numbers of x86 (`arch/x86/entry/syscalls/syscall_64.tbl`).
#[rustfmt::skip]
const X86_64: &[(u64, &str)] = &[
    (0, "read write open close stat fstat lstat poll lseek mmap mprotect munmap brk rt_sigaction"),
    (14, "rt_sigprocmask rt_sigreturn ioctl pread64 pwrite64 readv writev access pipe select"),
    (24, "sched_yield mremap msync mincore madvise shmget shmat shmctl dup dup2 pause nanosleep"),
    (36, "getitimer alarm setitimer getpid sendfile socket connect accept sendto recvfrom sendmsg"),
    (47, "recvmsg shutdown bind listen getsockname getpeername socketpair setsockopt getsockopt"),
    (56, "clone fork vfork execve exit wait4 kill uname semget semop semctl shmdt msgget msgsnd"),
    (70, "msgrcv msgctl fcntl flock fsync fdatasync truncate ftruncate getdents getcwd chdir"),
    (81, "fchdir rename mkdir rmdir creat link unlink symlink readlink chmod fchmod chown fchown"),
    (94, "lchown umask gettimeofday getrlimit getrusage sysinfo times ptrace getuid syslog getgid"),
    (105, "setuid setgid geteuid getegid setpgid getppid getpgrp setsid setreuid setregid"),
    (115, "getgroups setgroups setresuid getresuid setresgid getresgid getpgid setfsuid setfsgid"),
    (124, "getsid capget capset rt_sigpending rt_sigtimedwait rt_sigqueueinfo rt_sigsuspend"),
    (131, "sigaltstack utime mknod uselib personality ustat statfs fstatfs sysfs getpriority"),
    (141, "setpriority sched_setparam sched_getparam sched_setscheduler sched_getscheduler"),
    (146, "sched_get_priority_max sched_get_priority_min sched_rr_get_interval mlock munlock"),
    (151, "mlockall munlockall vhangup modify_ldt pivot_root _sysctl prctl arch_prctl adjtimex"),
    (160, "setrlimit chroot sync acct settimeofday mount umount2 swapon swapoff reboot sethostname"),
    (171, "setdomainname iopl ioperm create_module init_module delete_module get_kernel_syms"),
    (178, "query_module quotactl nfsservctl getpmsg putpmsg afs_syscall tuxcall security gettid"),
    (187, "readahead setxattr lsetxattr fsetxattr getxattr lgetxattr fgetxattr listxattr"),
    (195, "llistxattr flistxattr removexattr lremovexattr fremovexattr tkill time futex"),
    (203, "sched_setaffinity sched_getaffinity set_thread_area io_setup io_destroy io_getevents"),
    (209, "io_submit io_cancel get_thread_area lookup_dcookie epoll_create epoll_ctl_old"),
    (215, "epoll_wait_old remap_file_pages getdents64 set_tid_address restart_syscall semtimedop"),
    (221, "fadvise64 timer_create timer_settime timer_gettime timer_getoverrun timer_delete"),
    (227, "clock_settime clock_gettime clock_getres clock_nanosleep exit_group epoll_wait"),
    (233, "epoll_ctl tgkill utimes vserver mbind set_mempolicy get_mempolicy mq_open mq_unlink"),
    (242, "mq_timedsend mq_timedreceive mq_notify mq_getsetattr kexec_load waitid add_key"),
    (249, "request_key keyctl ioprio_set ioprio_get inotify_init inotify_add_watch"),
    (255, "inotify_rm_watch migrate_pages openat mkdirat mknodat fchownat futimesat newfstatat"),
    (263, "unlinkat renameat linkat symlinkat readlinkat fchmodat faccessat pselect6 ppoll unshare"),
    (273, "set_robust_list get_robust_list splice tee sync_file_range vmsplice move_pages"),
    (280, "utimensat epoll_pwait signalfd timerfd_create eventfd fallocate timerfd_settime"),
    (287, "timerfd_gettime accept4 signalfd4 eventfd2 epoll_create1 dup3 pipe2 inotify_init1"),
    (295, "preadv pwritev rt_tgsigqueueinfo perf_event_open recvmmsg fanotify_init fanotify_mark"),
    (302, "prlimit64 name_to_handle_at open_by_handle_at clock_adjtime syncfs sendmmsg setns"),
    (309, "getcpu process_vm_readv process_vm_writev kcmp finit_module sched_setattr sched_getattr"),
    (316, "renameat2 seccomp getrandom memfd_create kexec_file_load bpf execveat userfaultfd"),
    (324, "membarrier mlock2 copy_file_range preadv2 pwritev2 pkey_mprotect pkey_alloc pkey_free"),
    (332, "statx io_pgetevents rseq uretprobe uprobe"),
    (424, "pidfd_send_signal io_uring_setup io_uring_enter io_uring_register open_tree move_mount"),
    (430, "fsopen fsconfig fsmount fspick pidfd_open clone3 close_range openat2 pidfd_getfd"),
    (439, "faccessat2 process_madvise epoll_pwait2 mount_setattr quotactl_fd"),
    (444, "landlock_create_ruleset landlock_add_rule landlock_restrict_self memfd_secret"),
    (448, "process_mrelease futex_waitv set_mempolicy_home_node cachestat fchmodat2"),
    (453, "map_shadow_stack futex_wake futex_wait futex_requeue statmount listmount"),
    (459, "lsm_get_self_attr lsm_set_self_attr lsm_list_modules mseal setxattrat getxattrat"),
    (465, "listxattrat removexattrat open_tree_attr file_getattr file_setattr"),
];

/// The numbers that arm64, RISC-V and `LoongArch` share (`include/uapi/asm-generic/unistd.h`).
#[rustfmt::skip]
const GENERIC: &[(u64, &str)] = &[
    (0, "io_setup io_destroy io_submit io_cancel io_getevents setxattr lsetxattr fsetxattr"),
    (8, "getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr removexattr lremovexattr"),
    (16, "fremovexattr getcwd lookup_dcookie eventfd2 epoll_create1 epoll_ctl epoll_pwait dup"),
    (24, "dup3 fcntl inotify_init1 inotify_add_watch inotify_rm_watch ioctl ioprio_set ioprio_get"),
    (32, "flock mknodat mkdirat unlinkat symlinkat linkat renameat umount2 mount pivot_root"),
    (42, "nfsservctl statfs fstatfs truncate ftruncate fallocate faccessat chdir fchdir chroot"),
    (52, "fchmod fchmodat fchownat fchown openat close vhangup pipe2 quotactl getdents64 lseek"),
    (63, "read write readv writev pread64 pwrite64 preadv pwritev sendfile pselect6 ppoll"),
    (74, "signalfd4 vmsplice splice tee readlinkat newfstatat fstat sync fsync fdatasync"),
    (84, "sync_file_range timerfd_create timerfd_settime timerfd_gettime utimensat acct capget"),
    (91, "capset personality exit exit_group waitid set_tid_address unshare futex set_robust_list"),
    (100, "get_robust_list nanosleep getitimer setitimer kexec_load init_module delete_module"),
    (107, "timer_create timer_gettime timer_getoverrun timer_settime timer_delete clock_settime"),
    (113, "clock_gettime clock_getres clock_nanosleep syslog ptrace sched_setparam"),
    (119, "sched_setscheduler sched_getscheduler sched_getparam sched_setaffinity"),
    (123, "sched_getaffinity sched_yield sched_get_priority_max sched_get_priority_min"),
    (127, "sched_rr_get_interval restart_syscall kill tkill tgkill sigaltstack rt_sigsuspend"),
    (134, "rt_sigaction rt_sigprocmask rt_sigpending rt_sigtimedwait rt_sigqueueinfo rt_sigreturn"),
    (140, "setpriority getpriority reboot setregid setgid setreuid setuid setresuid getresuid"),
    (149, "setresgid getresgid setfsuid setfsgid times setpgid getpgid getsid setsid getgroups"),
    (159, "setgroups uname sethostname setdomainname getrlimit setrlimit getrusage umask prctl"),
    (168, "getcpu gettimeofday settimeofday adjtimex getpid getppid getuid geteuid getgid getegid"),
    (178, "gettid sysinfo mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr"),
    (186, "msgget msgctl msgrcv msgsnd semget semctl semtimedop semop shmget shmctl shmat shmdt"),
    (198, "socket socketpair bind listen accept connect getsockname getpeername sendto recvfrom"),
    (208, "setsockopt getsockopt shutdown sendmsg recvmsg readahead brk munmap mremap add_key"),
    (218, "request_key keyctl clone execve mmap fadvise64 swapon swapoff mprotect msync mlock"),
    (229, "munlock mlockall munlockall mincore madvise remap_file_pages mbind get_mempolicy"),
    (237, "set_mempolicy migrate_pages move_pages rt_tgsigqueueinfo perf_event_open accept4"),
    (243, "recvmmsg"),
    (260, "wait4 prlimit64 fanotify_init fanotify_mark name_to_handle_at open_by_handle_at"),
    (266, "clock_adjtime syncfs setns sendmmsg process_vm_readv process_vm_writev kcmp"),
    (273, "finit_module sched_setattr sched_getattr renameat2 seccomp getrandom memfd_create bpf"),
    (281, "execveat userfaultfd membarrier mlock2 copy_file_range preadv2 pwritev2 pkey_mprotect"),
    (289, "pkey_alloc pkey_free statx io_pgetevents rseq kexec_file_load"),
    (424, "pidfd_send_signal io_uring_setup io_uring_enter io_uring_register open_tree move_mount"),
    (430, "fsopen fsconfig fsmount fspick pidfd_open clone3 close_range openat2 pidfd_getfd"),
    (439, "faccessat2 process_madvise epoll_pwait2 mount_setattr quotactl_fd"),
    (444, "landlock_create_ruleset landlock_add_rule landlock_restrict_self memfd_secret"),
    (448, "process_mrelease futex_waitv set_mempolicy_home_node cachestat fchmodat2"),
    (453, "map_shadow_stack futex_wake futex_wait futex_requeue statmount listmount"),
    (459, "lsm_get_self_attr lsm_set_self_attr lsm_list_modules mseal setxattrat getxattrat"),
    (465, "listxattrat removexattrat open_tree_attr file_getattr file_setattr"),
];
