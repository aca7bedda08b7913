//! Which images and members answer which command.

use std::fmt::Write as _;

use crate::image::Kind;

/// A command of the program and what its answer is read from.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Decoded {
    /// The command.
    pub command: &'static str,
    /// The `kind` of its JSON.
    pub kind: &'static str,
    /// CRIU's images, those of old versions among them.
    pub images: &'static [Kind],
    /// What engines put beside them.
    pub members: &'static [&'static str],
}

const fn row(
    command: &'static str,
    kind: &'static str,
    images: &'static [Kind],
    members: &'static [&'static str],
) -> Decoded {
    Decoded { command, kind, images, members }
}

/// Images that list open files, today's and those of CRIU before 3.4.
macro_rules! files {
    ($($more:ident),* $(,)?) => {
        &[
            Kind::Files, Kind::Fdinfo, $(Kind::$more,)* Kind::RegFiles, Kind::Pipes, Kind::Fifo, Kind::Inetsk,
            Kind::Unixsk, Kind::Packetsk, Kind::NetlinkSk, Kind::EventfdFile, Kind::EventpollFile,
            Kind::EventpollTfd, Kind::Signalfd, Kind::Timerfd, Kind::InotifyFile, Kind::InotifyWd,
            Kind::FanotifyFile, Kind::FanotifyMark, Kind::TtyFiles, Kind::NsFiles, Kind::Tunfile, Kind::ExtFiles,
        ]
    };
}

const TABLE: &[Decoded] = &[
    row(
        "show",
        "CheckpointList",
        &[Kind::Inventory, Kind::Stats, Kind::Pstree, Kind::Core, Kind::Utsns, Kind::Userns, Kind::Timens],
        &["config.dump", "spec.dump", "status.dump", "status", "annotations of an image"],
    ),
    row(
        "ps",
        "ProcessList",
        &[
            Kind::Pstree,
            Kind::Core,
            Kind::Ids,
            Kind::Mm,
            Kind::Fs,
            Kind::Files,
            Kind::Cgroup,
            Kind::Userns,
            Kind::Seccomp,
            Kind::Pagemap,
            Kind::Pages,
            Kind::Creds,
            Kind::Sigact,
            Kind::Rlimit,
            Kind::Itimers,
            Kind::PosixTimers,
            Kind::Signal,
            Kind::Psignal,
        ],
        &[],
    ),
    row(
        "maps",
        "MappingList",
        &[
            Kind::Mm,
            Kind::Pagemap,
            Kind::ShmemPagemap,
            Kind::Files,
            Kind::RemapFpath,
            Kind::MemfdInode,
            Kind::IpcnsShm,
            Kind::Vmas,
        ],
        &[],
    ),
    row(
        "files",
        "FileDescriptorList",
        files!(
            Ids, RemapFpath, GhostFile, MemfdInode, PipesData, FifoData, TtyInfo, TtyData, FileLocks,
            IrmapCache, Mnts,
        ),
        &[],
    ),
    row("sockets", "SocketList", files!(Ids, TcpStream, SkQueues), &[]),
    row("mounts", "MountList", &[Kind::Mnts], &["spec.dump", "status.dump", "bind.mounts"]),
    row(
        "namespaces",
        "NamespaceList",
        &[Kind::Inventory, Kind::Ids, Kind::Utsns, Kind::Userns, Kind::Netns, Kind::Pidns],
        &[],
    ),
    row("cgroups", "CgroupList", &[Kind::Cgroup, Kind::Core], &[]),
    row(
        "network",
        "NetworkList",
        &[
            Kind::Netdev,
            Kind::Ifaddr,
            Kind::Route,
            Kind::Route6,
            Kind::Rule,
            Kind::Nftables,
            Kind::Iptables,
            Kind::Ip6tables,
            Kind::Netns,
            Kind::NetnfCt,
            Kind::NetnfExp,
        ],
        &["network.status", "spec.dump"],
    ),
    row("ipc", "IpcList", &[Kind::IpcnsShm, Kind::IpcnsSem, Kind::IpcnsMsg], &[]),
    row("tmpfs", "TmpfsFileList", &[Kind::TmpfsDev, Kind::TmpfsImg], &["devshm-checkpoint.tar"]),
    row("logs", "LogLineList", &[], &["container.log", "ctr.log", "io.kubernetes.cri-o.LogPath"]),
    row("seccomp", "SeccompFilterList", &[Kind::Seccomp, Kind::Core], &[]),
    row(
        "capabilities",
        "CapabilityList",
        &[
            Kind::Inventory,
            Kind::Pstree,
            Kind::Core,
            Kind::Ids,
            Kind::Mm,
            Kind::Pagemap,
            Kind::ShmemPagemap,
            Kind::Mnts,
            Kind::Fs,
        ],
        &[
            "the images of files, sockets, network and ipc",
            "names and sizes of members",
            "config.dump",
            "spec.dump",
        ],
    ),
];

/// Returns what each command's answer is read from.
pub fn decoded() -> &'static [Decoded] {
    TABLE
}

/// Writes [`decoded`] as the table of `docs/model.md`.
pub fn decoded_table() -> String {
    let mut text = String::from("| command | kind | images | members |\n| --- | --- | --- | --- |\n");
    for row in TABLE {
        let patterns: Vec<String> = row.images.iter().map(|k| format!("`{}`", k.info().pattern)).collect();
        let members: Vec<String> = row
            .members
            .iter()
            .map(|m| if m.contains(' ') { (*m).to_owned() } else { format!("`{m}`") })
            .collect();
        let cell = |list: &[String]| if list.is_empty() { "–".to_owned() } else { list.join(" ") };
        let _ = writeln!(
            text,
            "| `{}` | `{}` | {} | {} |",
            row.command,
            row.kind,
            cell(&patterns),
            cell(&members)
        );
    }
    text
}
