use super::{Argument, Cardinality, Header, KindInfo, PayloadRule, Status};
use crate::image::schema::messages;

macro_rules! kinds {
    ($($kind:ident, $name:literal, $pattern:literal, $argument:ident, $magic:expr, $magic_name:literal,
       $header:ident, [$($message:ident),*], $cardinality:ident, $payload:ident, $status:ident,
       $since:literal, $in_crit:literal;)*) => {
        /// A kind of image.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Kind {
            $(
                #[doc = concat!("`", $name, "`, in files called `", $pattern, "`.")]
                $kind,
            )*
        }

        impl Kind {
            /// Gives what is known about the kind.
            pub fn info(self) -> &'static KindInfo {
                match self {
                    $(Kind::$kind => {
                        static INFO: KindInfo = kinds!(@info $kind, $name, $pattern, $argument, $magic,
                            $magic_name, $header, [$($message),*], $cardinality, $payload, $status,
                            $since, $in_crit);
                        &INFO
                    })*
                }
            }
        }

        static KINDS: &[KindInfo] = &[
            $(kinds!(@info $kind, $name, $pattern, $argument, $magic, $magic_name, $header,
                [$($message),*], $cardinality, $payload, $status, $since, $in_crit),)*
        ];
    };
    (@info $kind:ident, $name:literal, $pattern:literal, $argument:ident, $magic:expr,
       $magic_name:literal, $header:ident, [$($message:ident),*], $cardinality:ident,
       $payload:ident, $status:ident, $since:literal, $in_crit:literal) => {
        KindInfo {
            kind: Kind::$kind,
            name: $name,
            pattern: $pattern,
            argument: Argument::$argument,
            magic: $magic,
            magic_name: $magic_name,
            header: Header::$header,
            messages: &[$(&messages::$message),*],
            cardinality: Cardinality::$cardinality,
            payload: PayloadRule::$payload,
            status: Status::$status,
            since: $since,
            in_crit: $in_crit,
        }
    };
}

/// Lists every kind of image: those CRIU writes first, then older and reserved ones, then plugins'.
pub fn kinds() -> &'static [KindInfo] {
    KINDS
}

// kind, name, file, its number, magic, name of the magic, header, messages, records, payload,
// status, since, known to crit
#[rustfmt::skip]
kinds! {
    Inventory, "INVENTORY", "inventory.img", Nothing, Some(0x5831_3116), "INVENTORY", SpecificOnly, [INVENTORY_ENTRY], Single, Nothing, Current, "", true;
    Pstree, "PSTREE", "pstree.img", Nothing, Some(0x5027_3030), "PSTREE", Common, [PSTREE_ENTRY], Many, Nothing, Current, "", true;
    Files, "FILES", "files.img", Nothing, Some(0x5630_3138), "FILES", Common, [FILE_ENTRY], Many, Nothing, Current, "3.4", true;
    Fdinfo, "FDINFO", "fdinfo-%u.img", FilesId, Some(0x5621_3732), "FDINFO", Common, [FDINFO_ENTRY], Many, Nothing, Current, "", true;
    RemapFpath, "REMAP_FPATH", "remap-fpath.img", Nothing, Some(0x5913_3954), "REMAP_FPATH", Common, [REMAP_FILE_PATH_ENTRY], Many, Nothing, Current, "", true;
    GhostFile, "GHOST_FILE", "ghost-file-%x.img", RemapId, Some(0x5258_3605), "GHOST_FILE", Common, [GHOST_FILE_ENTRY, GHOST_CHUNK_ENTRY], HeadThenMany, GhostFile, Current, "", true;
    PipesData, "PIPES_DATA", "pipes-data.img", Nothing, Some(0x5645_3709), "PIPES_DATA", Common, [PIPE_DATA_ENTRY], Many, PipeBytes, Current, "", true;
    FifoData, "FIFO_DATA", "fifo-data.img", Nothing, Some(0x5933_3054), "FIFO_DATA", Common, [PIPE_DATA_ENTRY], Many, PipeBytes, Current, "", true;
    SkQueues, "SK_QUEUES", "sk-queues.img", Nothing, Some(0x5626_4026), "SK_QUEUES", Common, [SK_PACKET_ENTRY], Many, PacketBytes, Current, "", true;
    TcpStream, "TCP_STREAM", "tcp-stream-%x.img", SocketInode, Some(0x5146_5506), "TCP_STREAM", Common, [TCP_STREAM_ENTRY], Single, TcpQueues, Current, "", true;
    TtyInfo, "TTY_INFO", "tty-info.img", Nothing, Some(0x5945_3036), "TTY_INFO", Common, [TTY_INFO_ENTRY], Many, Nothing, Current, "", true;
    TtyData, "TTY_DATA", "tty-data.img", Nothing, Some(0x5941_3026), "TTY_DATA", Common, [TTY_DATA_ENTRY], Many, Nothing, Current, "2.3", true;
    FileLocks, "FILE_LOCKS", "filelocks.img", Nothing, Some(0x5432_3616), "FILE_LOCKS", Common, [FILE_LOCK_ENTRY], Many, Nothing, Current, "", true;
    Cgroup, "CGROUP", "cgroup.img", Nothing, Some(0x5938_3330), "CGROUP", Common, [CGROUP_ENTRY], Single, Nothing, Current, "", true;
    Seccomp, "SECCOMP", "seccomp.img", Nothing, Some(0x6441_3049), "SECCOMP", Common, [SECCOMP_ENTRY], Single, Nothing, Current, "1.8", true;
    Apparmor, "APPARMOR", "apparmor.img", Nothing, Some(0x5942_3047), "APPARMOR", Common, [APPARMOR_ENTRY], Single, Nothing, Current, "3.16", true;
    MemfdInode, "MEMFD_INODE", "memfd.img", Nothing, Some(0x4845_3499), "MEMFD_INODE", Common, [MEMFD_INODE_ENTRY], Many, Nothing, Current, "3.14", true;
    BpfmapData, "BPFMAP_DATA", "bpfmap-data.img", Nothing, Some(0x6432_4033), "BPFMAP_DATA", Common, [BPFMAP_DATA_ENTRY], Many, BpfMap, Current, "3.15", true;
    Cpuinfo, "CPUINFO", "cpuinfo.img", Nothing, Some(0x6140_4013), "CPUINFO", Common, [CPUINFO_ENTRY], Single, Nothing, Current, "", true;
    BinfmtMisc, "BINFMT_MISC", "binfmt-misc.img", Nothing, Some(0x6734_3323), "BINFMT_MISC", Common, [BINFMT_MISC_ENTRY], Many, Nothing, Current, "2.7", false;
    Stats, "STATS", "stats-%s", Word, Some(0x5709_3306), "STATS", Service, [STATS_ENTRY], Single, Nothing, Current, "", true;
    IrmapCache, "IRMAP_CACHE", "irmap-cache", Nothing, Some(0x5700_4059), "IRMAP_CACHE", Service, [IRMAP_CACHE_ENTRY], Many, Nothing, Current, "", true;
    Core, "CORE", "core-%u.img", ThreadId, Some(0x5505_3847), "CORE", Common, [CORE_ENTRY], Single, Nothing, Current, "", true;
    Ids, "IDS", "ids-%u.img", ProcessId, Some(0x5443_2030), "IDS", Common, [TASK_KOBJ_IDS_ENTRY], Single, Nothing, Current, "", true;
    Mm, "MM", "mm-%u.img", ProcessId, Some(0x5749_2820), "MM", Common, [MM_ENTRY], Single, Nothing, Current, "", true;
    Fs, "FS", "fs-%u.img", ProcessId, Some(0x5140_3912), "FS", Common, [FS_ENTRY], Single, Nothing, Current, "", true;
    Pagemap, "PAGEMAP", "pagemap-%lu.img", ProcessId, Some(0x5608_4025), "PAGEMAP", Common, [PAGEMAP_HEAD, PAGEMAP_ENTRY], HeadThenMany, Nothing, Current, "", true;
    ShmemPagemap, "SHMEM_PAGEMAP", "pagemap-shmem-%lu.img", ShmId, Some(0x5608_4025), "PAGEMAP", Common, [PAGEMAP_HEAD, PAGEMAP_ENTRY], HeadThenMany, Nothing, Current, "", true;
    Pages, "PAGES", "pages-%u.img", PagesId, None, "", Raw, [], Raw, Raw, Current, "", false;
    Utsns, "UTSNS", "utsns-%u.img", NamespaceId, Some(0x5447_3203), "UTSNS", Common, [UTSNS_ENTRY], Single, Nothing, Current, "", true;
    Mnts, "MNTS", "mountpoints-%u.img", NamespaceId, Some(0x5556_3928), "MNTS", Common, [MNT_ENTRY], Many, Nothing, Current, "", true;
    Userns, "USERNS", "userns-%u.img", NamespaceId, Some(0x5547_4906), "USERNS", Common, [USERNS_ENTRY], Single, Nothing, Current, "", true;
    Timens, "TIMENS", "timens-%u.img", NamespaceId, Some(0x4311_4433), "TIMENS", Common, [TIMENS_ENTRY], Single, Nothing, Current, "3.14", true;
    Pidns, "PIDNS", "pidns-%u.img", NamespaceId, Some(0x6115_7326), "PIDNS", Common, [PIDNS_ENTRY], Single, Nothing, Current, "3.15", true;
    IpcVar, "IPC_VAR", "ipcns-var-%u.img", NamespaceId, Some(0x5311_5007), "IPC_VAR", Common, [IPC_VAR_ENTRY], Single, Nothing, Current, "", true;
    IpcnsShm, "IPCNS_SHM", "ipcns-shm-%u.img", NamespaceId, Some(0x4628_3044), "IPCNS_SHM", Common, [IPC_SHM_ENTRY], Many, SharedMemory, Current, "", true;
    IpcnsMsg, "IPCNS_MSG", "ipcns-msg-%u.img", NamespaceId, Some(0x5545_3737), "IPCNS_MSG", Common, [IPC_MSG_ENTRY, IPC_MSG], Many, Messages, Current, "", true;
    IpcnsSem, "IPCNS_SEM", "ipcns-sem-%u.img", NamespaceId, Some(0x5957_3019), "IPCNS_SEM", Common, [IPC_SEM_ENTRY], Many, Semaphores, Current, "", true;
    Netdev, "NETDEV", "netdev-%u.img", NamespaceId, Some(0x5737_3951), "NETDEV", Common, [NET_DEVICE_ENTRY], Many, Nothing, Current, "", true;
    Netns, "NETNS", "netns-%u.img", NamespaceId, Some(0x5593_3752), "NETNS", Common, [NETNS_ENTRY], Single, Nothing, Current, "1.6", true;
    Autofs, "AUTOFS", "autofs-%u.img", Device, Some(0x4935_3943), "AUTOFS", Common, [AUTOFS_ENTRY], Single, Nothing, Current, "2.4", true;
    Ifaddr, "IFADDR", "ifaddr-%u.img", NamespaceId, None, "", Raw, [], Raw, Raw, Current, "", false;
    Route, "ROUTE", "route-%u.img", NamespaceId, None, "", Raw, [], Raw, Raw, Current, "", false;
    Route6, "ROUTE6", "route6-%u.img", NamespaceId, None, "", Raw, [], Raw, Raw, Current, "1.8", false;
    Rule, "RULE", "rule-%u.img", NamespaceId, None, "", Raw, [], Raw, Raw, Current, "1.8", false;
    Iptables, "IPTABLES", "iptables-%u.img", NamespaceId, None, "", Raw, [], Raw, Raw, Current, "", false;
    Ip6tables, "IP6TABLES", "ip6tables-%u.img", NamespaceId, None, "", Raw, [], Raw, Raw, Current, "1.8", false;
    Nftables, "NFTABLES", "nftables-%u.img", NamespaceId, None, "", Raw, [], Raw, Raw, Current, "3.14", false;
    NetnfCt, "NETNF_CT", "netns-ct-%u.img", NamespaceId, None, "", Raw, [], Raw, Raw, Current, "2.0", false;
    NetnfExp, "NETNF_EXP", "netns-exp-%u.img", NamespaceId, None, "", Raw, [], Raw, Raw, Current, "2.0", false;
    TmpfsDev, "TMPFS_DEV", "tmpfs-dev-%u.tar.gz.img", Device, None, "", Raw, [], Raw, Raw, Current, "", false;
    RegFiles, "REG_FILES", "reg-files.img", Nothing, Some(0x5036_3636), "REG_FILES", Common, [REG_FILE_ENTRY], Many, Nothing, Legacy, "", true;
    ExtFiles, "EXT_FILES", "ext-files.img", Nothing, Some(0x5925_5641), "EXT_FILES", Common, [EXT_FILE_ENTRY], Many, Nothing, Legacy, "", true;
    NsFiles, "NS_FILES", "ns-files.img", Nothing, Some(0x6139_4011), "NS_FILES", Common, [NS_FILE_ENTRY], Many, Nothing, Legacy, "", true;
    EventfdFile, "EVENTFD_FILE", "eventfd.img", Nothing, Some(0x4452_3722), "EVENTFD_FILE", Common, [EVENTFD_FILE_ENTRY], Many, Nothing, Legacy, "", true;
    EventpollFile, "EVENTPOLL_FILE", "eventpoll.img", Nothing, Some(0x4502_3858), "EVENTPOLL_FILE", Common, [EVENTPOLL_FILE_ENTRY], Many, Nothing, Legacy, "", true;
    EventpollTfd, "EVENTPOLL_TFD", "eventpoll-tfd.img", Nothing, Some(0x4443_3746), "EVENTPOLL_TFD", Common, [EVENTPOLL_TFD_ENTRY], Many, Nothing, Legacy, "", true;
    Signalfd, "SIGNALFD", "signalfd.img", Nothing, Some(0x5732_3820), "SIGNALFD", Common, [SIGNALFD_ENTRY], Many, Nothing, Legacy, "", true;
    Timerfd, "TIMERFD", "timerfd.img", Nothing, Some(0x5049_3712), "TIMERFD", Common, [TIMERFD_ENTRY], Many, Nothing, Legacy, "", true;
    InotifyFile, "INOTIFY_FILE", "inotify.img", Nothing, Some(0x4842_4431), "INOTIFY_FILE", Common, [INOTIFY_FILE_ENTRY], Many, Nothing, Legacy, "", true;
    InotifyWd, "INOTIFY_WD", "inotify-wd.img", Nothing, Some(0x5456_2009), "INOTIFY_WD", Common, [INOTIFY_WD_ENTRY], Many, Nothing, Legacy, "", true;
    FanotifyFile, "FANOTIFY_FILE", "fanotify.img", Nothing, Some(0x5509_6122), "FANOTIFY_FILE", Common, [FANOTIFY_FILE_ENTRY], Many, Nothing, Legacy, "", true;
    FanotifyMark, "FANOTIFY_MARK", "fanotify-mark.img", Nothing, Some(0x5650_6035), "FANOTIFY_MARK", Common, [FANOTIFY_MARK_ENTRY], Many, Nothing, Legacy, "", true;
    Pipes, "PIPES", "pipes.img", Nothing, Some(0x5651_3555), "PIPES", Common, [PIPE_ENTRY], Many, Nothing, Legacy, "", true;
    Fifo, "FIFO", "fifo.img", Nothing, Some(0x5836_4939), "FIFO", Common, [FIFO_ENTRY], Many, Nothing, Legacy, "", true;
    Unixsk, "UNIXSK", "unixsk.img", Nothing, Some(0x5437_3943), "UNIXSK", Common, [UNIX_SK_ENTRY], Many, Nothing, Legacy, "", true;
    Inetsk, "INETSK", "inetsk.img", Nothing, Some(0x5644_3851), "INETSK", Common, [INET_SK_ENTRY], Many, Nothing, Legacy, "", true;
    Packetsk, "PACKETSK", "packetsk.img", Nothing, Some(0x6045_4618), "PACKETSK", Common, [PACKET_SOCK_ENTRY], Many, Nothing, Legacy, "", true;
    NetlinkSk, "NETLINK_SK", "netlinksk.img", Nothing, Some(0x5800_5614), "NETLINK_SK", Common, [NETLINK_SK_ENTRY], Many, Nothing, Legacy, "", true;
    TtyFiles, "TTY_FILES", "tty.img", Nothing, Some(0x5943_3025), "TTY_FILES", Common, [TTY_FILE_ENTRY], Many, Nothing, Legacy, "", true;
    Tunfile, "TUNFILE", "tunfile.img", Nothing, Some(0x5714_3751), "TUNFILE", Common, [TUNFILE_ENTRY], Many, Nothing, Legacy, "", true;
    Vmas, "VMAS", "vmas-%u.img", ProcessId, Some(0x5412_3737), "VMAS", Common, [VMA_ENTRY], Many, Nothing, Legacy, "", true;
    Sigact, "SIGACT", "sigacts-%u.img", ProcessId, Some(0x5534_4201), "SIGACT", Common, [SA_ENTRY], Many, Nothing, Legacy, "", true;
    Itimers, "ITIMERS", "itimers-%u.img", ProcessId, Some(0x5746_4056), "ITIMERS", Common, [ITIMER_ENTRY], Many, Nothing, Legacy, "", true;
    PosixTimers, "POSIX_TIMERS", "posix-timers-%u.img", ProcessId, Some(0x5260_3957), "POSIX_TIMERS", Common, [POSIX_TIMER_ENTRY], Many, Nothing, Legacy, "", true;
    Creds, "CREDS", "creds-%u.img", ProcessId, Some(0x5402_3547), "CREDS", Common, [CREDS_ENTRY], Single, Nothing, Legacy, "", true;
    Rlimit, "RLIMIT", "rlimit-%u.img", ProcessId, Some(0x5711_3925), "RLIMIT", Common, [RLIMIT_ENTRY], Many, Nothing, Legacy, "", true;
    Signal, "SIGNAL", "signal-s-%u.img", ProcessId, Some(0x5925_5647), "SIGNAL", Common, [SIGINFO_ENTRY], Many, Nothing, Legacy, "", false;
    Psignal, "PSIGNAL", "signal-p-%u.img", ThreadId, Some(0x5925_5647), "SIGNAL", Common, [SIGINFO_ENTRY], Many, Nothing, Legacy, "", false;
    BinfmtMiscOld, "BINFMT_MISC_OLD", "binfmt-misc-%u.img", Device, Some(0x6734_3323), "BINFMT_MISC", Common, [BINFMT_MISC_ENTRY], Many, Nothing, Legacy, "2.0", false;
    TmpfsImg, "TMPFS_IMG", "tmpfs-%u.tar.gz.img", MountId, None, "", Raw, [], Raw, Raw, Legacy, "", false;
    PagesOld, "PAGES_OLD", "pages-%d.img", ProcessId, Some(0x5608_4025), "PAGEMAP", Common, [], Raw, Raw, Legacy, "", true;
    ShmPagesOld, "SHM_PAGES_OLD", "pages-shmem-%ld.img", ShmId, Some(0x5608_4025), "PAGEMAP", Common, [], Raw, Raw, Legacy, "", true;
    MemfdFile, "MEMFD_FILE", "", Nothing, None, "", Common, [MEMFD_FILE_ENTRY], Many, Nothing, NeverWritten, "", false;
    BpfmapFile, "BPFMAP_FILE", "bpfmap-file.img", Nothing, Some(0x5750_6142), "BPFMAP_FILE", Common, [BPFMAP_FILE_ENTRY], Many, Nothing, NeverWritten, "", true;
    Pidfd, "PIDFD", "pidfd.img", Nothing, Some(0x5443_5556), "PIDFD", Common, [PIDFD_ENTRY], Many, Nothing, NeverWritten, "", false;
    AmdgpuKfd, "AMDGPU_KFD", "amdgpu-kfd-%d.img", FileId, None, "", Length64, [CRIU_KFD], Single, Nothing, Plugin, "3.17", false;
    AmdgpuRender, "AMDGPU_RENDER", "amdgpu-renderD-%d.img", FileId, None, "", Length64, [CRIU_RENDER_NODE], Single, Nothing, Plugin, "3.17", false;
    AmdgpuDmabuf, "AMDGPU_DMABUF", "amdgpu-dmabuf_%d.img", FileId, None, "", Length64, [CRIU_DMABUF_NODE], Single, Nothing, Plugin, "3.17", false;
    AmdgpuPages, "AMDGPU_PAGES", "amdgpu-pages-%d-%04x.img", FileId, None, "", Length64, [], Raw, Raw, Plugin, "3.17", false;
    AmdgpuDrmPages, "AMDGPU_DRM_PAGES", "amdgpu-drm-pages-%d-%d-%04x.img", FileId, None, "", Length64, [], Raw, Raw, Plugin, "3.17", false;
}
