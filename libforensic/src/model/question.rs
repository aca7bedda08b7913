//! Which questions a piece of evidence can answer, and which it cannot.

use serde::Serialize;

use super::namespace::NamespaceKind;
use super::queue::is_live_connection;
use super::triage::of_triage;
use super::{Checkpoint, Engine};
use crate::archive::MemberKind;
use crate::image::proto;
use crate::memory::store::Tally;

/// Whether a question can be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Answer {
    /// The evidence answers it.
    Yes,
    /// It answers a part.
    Partly,
    /// It does not.
    No,
}

impl Answer {
    /// Returns the name that JSON and tables use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Partly => "partly",
            Self::No => "no",
        }
    }
}

/// A question, and how far one piece of evidence answers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Answerable {
    /// A stable name.
    pub id: &'static str,
    /// The question.
    pub question: &'static str,
    /// Whether this evidence answers it.
    pub answer: Answer,
    /// Why, or why not.
    pub why: String,
    /// The command that answers, if one does.
    pub command: Option<&'static str>,
}

/// A row of the table: name, question, command, and what decides.
type Row = (&'static str, &'static str, Option<&'static str>, fn(&Facts) -> (Answer, String));

/// What the answers depend on: names and sizes of members, page maps and metadata, but no pages.
struct Facts {
    engine: Engine,
    images: bool,
    tree: bool,
    files: bool,
    memory: Memory,
    diff: bool,
    volumes: bool,
    tcp: Tcp,
    pipes_lost: usize,
    packets: bool,
    network: bool,
    network_told: bool,
    ipc: bool,
    tmpfs: bool,
    tmpfs_missing: usize,
    log: bool,
    userns: bool,
    userns_missing: bool,
    host_pid: bool,
    checkpointed: bool,
    cuda: bool,
    amdgpu: bool,
}

/// How much of what was in flight on TCP connections is there.
#[derive(Default)]
struct Tcp {
    /// Connections that were alive.
    connections: usize,
    /// Those of them with a readable image.
    read: usize,
    /// Whether there is any image of a connection.
    images: bool,
    /// Whether this CRIU, called like this, wrote an image of each.
    expected: bool,
}

impl Tcp {
    fn judge(&self) -> (Answer, String) {
        let Self { connections, read, images, expected } = *self;
        let lost = connections.saturating_sub(read);
        let what = match lost {
            1 => "of 1 established connection".to_owned(),
            n => format!("of {n} established connections"),
        };
        match (connections, read) {
            (0, _) if images => partly("there are tcp-stream images, and their sockets are not known"),
            (0, _) => no(
                "there is no image of an established connection; without --tcp-established CRIU refuses to dump them, with --tcp-close it closes them",
            ),
            (_, 0) if !expected && !images => no(
                "connections were established, and there is no image of any: with --tcp-close CRIU does not dump them",
            ),
            (_, 0) => (Answer::No, format!("the images {what} (tcp-stream-…) are missing or damaged")),
            _ if lost > 0 => (
                Answer::Partly,
                format!("the images {what} (tcp-stream-…), out of {connections}, are missing or damaged"),
            ),
            _ => yes("both queues of established connections are in tcp-stream images"),
        }
    }
}

/// How much of the memory is there.
#[derive(Default)]
struct Memory {
    /// Pages of processes and shared segments.
    pages: Tally,
    /// Processes that are alive.
    alive: u64,
    /// Those of them whose list of mappings or page map is missing or damaged.
    unmapped: u64,
    /// Arguments and environments (two for each of them) of which a part is not there.
    mute: u64,
    /// Shared memory that is mapped and has no page map.
    shared: u64,
    /// Memfds and segments, mapped or not, that have no page map.
    segments: u64,
}

impl Memory {
    /// Says what is not there; empty if nothing is known to be missing.
    fn lacks(&self) -> String {
        let pages = |n: u64, what: &str| match n {
            0 => None,
            1 => Some(format!("1 page {what}")),
            n => Some(format!("{n} pages {what}")),
        };
        let count = |n: u64, one: &str, many: &str| match n {
            0 => None,
            1 => Some(format!("1 {one}")),
            n => Some(format!("{n} {many}")),
        };
        let parts = [
            pages(self.pages.truncated, "cut off (a pages image is missing or too short)"),
            pages(self.pages.lazy, "left to a lazy-pages daemon"),
            pages(self.pages.parent, "in a parent dump that is not here (--parent)"),
            count(
                self.unmapped,
                "process without a readable page map or list of mappings",
                "processes without a readable page map or list of mappings",
            ),
            pages(self.pages.lost, "behind an entry of a page map that cannot be read"),
            count(
                self.pages.broken,
                "page map that is not whole, so that there may be more pages",
                "page maps that are not whole, so that there may be more pages",
            ),
            count(
                self.segments,
                "memfd or segment of shared memory without its contents",
                "memfds and segments of shared memory without their contents",
            ),
            count(
                self.shared,
                "mapping of shared memory without a page map",
                "mappings of shared memory without a page map",
            ),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    /// Judges by the pages that are there; `all` is said where nothing is known to be missing.
    fn judge(&self, all: &str) -> (Answer, String) {
        let lacks = self.lacks();
        match (self.pages.stored, lacks.is_empty()) {
            (0, true) => no("no memory pages are in this evidence"),
            (0, false) => (Answer::No, format!("no memory pages are in this evidence: {lacks}")),
            (_, true) => yes(all),
            (stored, false) => {
                (Answer::Partly, format!("{stored} pages are there, and these are not: {lacks}"))
            }
        }
    }
}

fn yes(why: &str) -> (Answer, String) {
    (Answer::Yes, why.to_owned())
}

pub(super) fn partly(why: &str) -> (Answer, String) {
    (Answer::Partly, why.to_owned())
}

pub(super) fn no(why: &str) -> (Answer, String) {
    (Answer::No, why.to_owned())
}

fn if_tree(f: &Facts, why: &str) -> (Answer, String) {
    if f.tree { yes(why) } else { no("there is no process table (pstree.img) in this evidence") }
}

fn if_files(f: &Facts, why: &str) -> (Answer, String) {
    if f.tree && !f.files { no("the table of open files (files.img) is missing") } else { if_tree(f, why) }
}

fn if_images(f: &Facts, why: &str) -> (Answer, String) {
    if f.images { yes(why) } else { no("there are no CRIU images in this evidence") }
}

/// Returns the names and texts of all questions, in the order they are shown.
pub fn questions() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.iter().map(|row| (row.0, row.1))
}

const TABLE: &[Row] = &[
    ("process.list", "Which processes were there, and whose children were they?", Some("ps --tree"), |f| {
        if_tree(f, "pstree.img lists every process, zombies included")
    }),
    ("process.exited", "Which processes had run and ended before?", None, |_| {
        no(
            "a dump holds what exists at the freeze; of ended processes only zombies are left (look at logs and shell histories in memory)",
        )
    }),
    ("process.start-time", "When did a process start?", None, |_| {
        no("CRIU does not record start times; a restored process gets a new one")
    }),
    ("process.running", "Was a process running or sleeping?", Some("ps -o json"), |f| {
        if f.tree {
            partly("CRIU records both as alive; the system call of each thread tells most sleepers apart")
        } else {
            no("there are no CRIU images of processes")
        }
    }),
    ("process.host-pid", "Which process was it on the host?", Some("show"), |f| {
        if f.host_pid {
            partly(
                "containerd recorded the number of the first process; CRIU keeps numbers inside the container only",
            )
        } else {
            no("CRIU keeps process ids as the container sees them")
        }
    }),
    ("process.arguments", "What were the command lines and environments?", Some("ps -o json"), |f| {
        let Memory { alive, mute, .. } = f.memory;
        match mute {
            _ if alive == 0 => if_tree(f, "every process had ended: zombies have none"),
            0 => yes("they are read from the processes' memory, as the processes left them there"),
            n => {
                let all = alive.saturating_mul(2);
                let mut why = format!(
                    "{n} of {all} lists (of arguments and environments of {alive} processes) are not, or not as a whole, there"
                );
                let lacks = f.memory.lacks();
                if !lacks.is_empty() {
                    why = format!("{why}; of all memory these are not: {lacks}");
                }
                (if n < all { Answer::Partly } else { Answer::No }, why)
            }
        }
    }),
    (
        "process.identity",
        "Under which users, capabilities, limits and filters did they run?",
        Some("ps -o json, seccomp"),
        |f| {
            if_tree(
                f,
                "credentials, capability sets, limits, seccomp filters and security labels are in the images of threads",
            )
        },
    ),
    ("process.host-users", "Which users were these on the host?", Some("ps -o json"), |f| {
        if f.userns_missing {
            no("the image with the id maps of the user namespace (userns-…) is missing")
        } else if f.userns {
            yes("the id maps of the user namespace are in the dump")
        } else if f.images {
            yes("the processes were in the user namespace that CRIU ran in: ids are the same outside")
        } else {
            no("there are no CRIU images in this evidence")
        }
    }),
    ("thread.registers", "What was each thread doing?", Some("ps -o json"), |f| {
        if_tree(f, "registers, signals, timers and the system call; kernel stacks are not part of a dump")
    }),
    (
        "memory.data",
        "What was in heap, stack and other data?",
        Some("mem read, mem search, mem strings"),
        |f| f.memory.judge("all pages that were ever written are in the dump, also of shared memory"),
    ),
    ("memory.code", "What was in the code and other mapped files?", Some("maps"), |f| {
        let (answer, why) = f.memory.judge("");
        match answer {
            Answer::No => (Answer::No, why),
            _ => partly(
                "only pages that a process changed are dumped; unchanged ones have to be read from the image's files (--rootfs)",
            ),
        }
    }),
    ("memory.kernel", "What was in the kernel's memory?", None, |_| {
        no("a checkpoint holds processes, not the machine: no modules, no page cache, no other containers")
    }),
    ("memory.gpu", "What was in the memory of GPUs?", Some("show -o json"), |f| {
        if f.cuda {
            f.memory.judge("CRIU's CUDA plugin moved it into host memory before the dump")
        } else if f.amdgpu {
            yes("the images of CRIU's amdgpu plugin are there")
        } else {
            no("no GPU plugin took part")
        }
    }),
    ("files.open", "Which files were open, mapped, or used as directories?", Some("files, maps"), |f| {
        if_files(f, "every descriptor with position, flags, locks and watches")
    }),
    ("files.deleted", "What was in deleted files that were still in use?", Some("files, extract"), |f| {
        if f.images {
            partly(
                "ghost images hold the contents; of files with another hard link only the name of a link on the node's disk",
            )
        } else {
            no("there are no CRIU images in this evidence")
        }
    }),
    ("files.changed", "Which files had been added or changed since the image?", Some("extract"), |f| match (
        f.diff, f.engine,
    ) {
        (true, Engine::Podman | Engine::CriO) => partly(
            "rootfs-diff.tar can miss modified files: Podman and CRI-O look a modified path up on the host and leave it out when it is not there; absence is no proof",
        ),
        (true, _) => yes("rootfs-diff.tar is the container's writable layer"),
        (false, Engine::Criu) => {
            no("images by CRIU or a low-level runtime alone come without the root file system")
        }
        (false, _) => {
            no("there is no rootfs-diff.tar in this evidence: nothing was changed, or the engine left it out")
        }
    }),
    ("files.image", "What is in the unchanged files of the image?", None, |_| {
        no("no engine packs the image; fetch it by its digest")
    }),
    ("files.volumes", "What was in volumes?", Some("extract"), |f| {
        if f.volumes {
            partly("Podman packed its named volumes; bind mounts are never included")
        } else {
            no("volumes and bind mounts are not part of the evidence")
        }
    }),
    ("files.tmpfs", "What was in memory file systems?", Some("tmpfs, extract"), |f| {
        if f.tmpfs_missing > 0 {
            let what = match f.tmpfs_missing {
                1 => "1 image of a memory file system is missing".to_owned(),
                n => format!("{n} images of memory file systems are missing"),
            };
            (if f.tmpfs { Answer::Partly } else { Answer::No }, what)
        } else if f.tmpfs {
            yes("they are packed into the dump")
        } else {
            no(
                "the dump has no tmpfs image: none was mounted by the container alone (a pod's /dev/shm belongs to its sandbox)",
            )
        }
    }),
    ("socket.list", "Which sockets were open, and to whom?", Some("sockets"), |f| {
        if_files(f, "every socket that a process held, with both addresses and all holders")
    }),
    ("socket.tcp-data", "What was in flight on TCP connections?", Some("sockets, extract"), |f| {
        f.tcp.judge()
    }),
    ("socket.udp-data", "What was in the receive queues of UDP and raw sockets?", None, |_| {
        no("CRIU does not dump them: the packets are lost")
    }),
    (
        "socket.unix-data",
        "What was in the queues of Unix sockets and pipes?",
        Some("sockets, files, extract"),
        |f| match (f.tree, f.pipes_lost) {
            (true, 0) => yes(if f.packets {
                "sk-queues.img holds the queues of sockets, with files that were being passed; the dump holds those of all pipes, too"
            } else {
                "the dump holds those of all pipes; it has no sk-queues.img, which CRIU writes only if something is queued on a Unix or netlink socket (that the image was there and is lost cannot be told)"
            }),
            (true, n) => partly(&format!(
                "of {n} pipes it is not known what was in them: their records in pipes-data.img or fifo-data.img are missing"
            )),
            (false, _) => if_images(f, "what is in sk-queues.img and pipes-data.img can be extracted"),
        },
    ),
    ("network.configuration", "Which addresses and routes did it have?", Some("network"), |f| {
        if f.network {
            yes("the network namespace was dumped")
        } else if f.network_told {
            partly(
                "the network namespace belongs to the pod and is not in the dump; the engine wrote addresses down",
            )
        } else {
            no("the network namespace was not dumped, and the engine wrote nothing down")
        }
    }),
    ("network.traffic", "With whom had it talked before?", None, |_| {
        no("closed connections leave no trace in a dump; look for addresses in memory")
    }),
    ("ipc", "What was in System V shared memory, queues and semaphores?", Some("ipc"), |f| {
        if f.ipc {
            yes("the IPC namespace was dumped")
        } else {
            no("the IPC namespace was not dumped (a pod's belongs to its sandbox)")
        }
    }),
    ("log", "What had the container written to its standard streams?", Some("logs"), |f| {
        if f.log {
            partly("the engine packed the current log file; rotated ones stay on the node")
        } else {
            no("the container's log is not in this evidence")
        }
    }),
    ("time", "When was the checkpoint made?", Some("show"), |f| {
        if f.checkpointed {
            yes("the engine recorded it")
        } else {
            partly("the engine records no time; the newest time of a member is the best guess")
        }
    }),
];

/// The images that an answer rests on, by the beginnings of their names; memory is judged by its pages.
const BEHIND: &[(&str, &[&str])] = &[
    ("process.list", &["pstree.img"]),
    ("process.running", &["core-"]),
    ("process.identity", &["core-", "creds-", "ids-", "userns-", "seccomp.img", "cgroup.img"]),
    ("process.host-users", &["userns-", "ids-", "inventory.img"]),
    ("thread.registers", &["core-"]),
    (
        "files.open",
        &["files.img", "reg-files.img", "fdinfo-", "fs-", "ids-", "mm-", "remap-fpath.img", "memfd.img"],
    ),
    ("files.deleted", &["remap-fpath.img", "ghost-file-"]),
    ("files.tmpfs", &["tmpfs-"]),
    ("socket.list", &["files.img", "inetsk.img", "unixsk.img", "fdinfo-", "ids-"]),
    ("socket.tcp-data", &["tcp-stream-"]),
    ("socket.unix-data", &["sk-queues.img", "pipes-data.img", "fifo-data.img"]),
    ("network.configuration", &["netns-", "netdev-", "ifaddr-", "route-", "route6-"]),
    ("ipc", &["ipcns-"]),
];

/// How much of what is damaged is named in an answer.
const NAMED: usize = 3;

/// Says what of the images behind an answer is damaged or missing.
fn lost(id: &str, damage: &[String]) -> Option<String> {
    let (_, behind) = BEHIND.iter().find(|(of, _)| *of == id)?;
    let mut names: Vec<&str> = Vec::new();
    for name in damage {
        if behind.iter().any(|start| name.starts_with(start)) && !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let shown = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        _ if names.is_empty() => None,
        0 => Some(shown),
        n => Some(format!("{shown} and {n} more")),
    }
}

impl Checkpoint {
    /// Says for a list of questions whether this evidence answers them, without reading memory.
    pub fn answerable(&self) -> Vec<Answerable> {
        let facts = self.facts();
        self.look_behind();
        let damage = self.damage();
        TABLE
            .iter()
            .map(|(id, question, command, decide)| {
                let (mut answer, mut why) = match self.acquisition() {
                    Some(acquisition) => of_triage(id, acquisition.memory),
                    None => decide(&facts),
                };
                if let Some(lost) = lost(id, &damage).filter(|_| answer != Answer::No) {
                    answer = Answer::Partly;
                    why = format!("{why}; damaged or missing: {lost}");
                }
                let command = command.filter(|_| answer != Answer::No);
                Answerable { id, question, answer, why, command }
            })
            .collect()
    }

    fn facts(&self) -> Facts {
        let metadata = self.metadata();
        let files = || self.archive().members().iter().filter(|m| m.kind == MemberKind::File);
        let plugins = self.inventory().and_then(|i| i.plugins_entry.as_ref());
        let has =
            |prefix: &str| self.images.starting_with(prefix).any(|m| self.archive().resolved(m).size > 0);
        let told = |key: &String| key.starts_with("io.kubernetes.cri-o.IP.") || key.ends_with(".CNIResult");
        Facts {
            engine: metadata.engine,
            images: self.has_images(),
            tree: !self.tree().is_empty(),
            // Before CRIU 3.4 each type of file had an image of its own; every process has regular ones.
            files: has("files.img") || has("reg-files.img"),
            memory: self.memory_facts(),
            diff: files().any(|m| m.base_name() == b"rootfs-diff.tar"),
            volumes: files().any(|m| m.name.starts_with(b"volumes/")),
            tcp: self.tcp_facts(has("tcp-stream-")),
            pipes_lost: self.lost_pipes().len(),
            packets: has("sk-queues.img"),
            network: has("netdev-") || has("ifaddr-"),
            network_told: files().any(|m| m.base_name() == b"network.status" && m.size > 4)
                || metadata.annotations.keys().any(told),
            ipc: has("ipcns-"),
            tmpfs_missing: self.miss_tmpfs(),
            tmpfs: has("tmpfs-") || files().any(|m| m.base_name() == b"devshm-checkpoint.tar"),
            log: self.logs().iter().any(|l| l.kind == "container"),
            userns: has("userns-"),
            userns_missing: self
                .dumped_namespaces(NamespaceKind::User)
                .iter()
                .any(|id| self.images.find(&format!("userns-{id}.img")).is_none()),
            host_pid: metadata.host_pid.is_some(),
            checkpointed: metadata.checkpointed.is_some(),
            cuda: plugins.is_some_and(|p| p.plugins.iter().any(|n| n.starts_with(b"cuda"))),
            amdgpu: has("amdgpu-"),
        }
    }

    fn tcp_facts(&self, images: bool) -> Tcp {
        let mut tcp = Tcp { images, expected: self.dumps_connections(), ..Tcp::default() };
        for socket in self.sockets() {
            if socket.raw.isk.as_ref().is_some_and(|s| is_live_connection(s)) {
                tcp.connections = tcp.connections.saturating_add(1);
                tcp.read = tcp.read.saturating_add(usize::from(socket.tcp.is_some()));
            }
        }
        tcp
    }

    /// Reads the images that answers rest on, as the commands do that give them: what is damaged or
    /// missing becomes a warning.
    fn look_behind(&self) {
        if !self.has_images() {
            return;
        }
        self.inventory();
        for pid in self.pids() {
            let Ok(task) = self.task(pid) else { continue };
            if self.has_ended(pid) {
                continue;
            }
            self.thread_cores(&task);
            let _ = self.cgroups_of(task.core.as_deref());
            let _ = self.images.required::<proto::FsEntry>(&format!("fs-{pid}.img"));
        }
        self.miss_files();
        self.pipes();
        self.ipc();
        self.network();
    }

    /// Returns the file names of images that warnings are about so far.
    fn damage(&self) -> Vec<String> {
        let named = |w: crate::Warning| Some(w.member?.rsplit('/').next().unwrap_or_default().to_owned());
        self.warnings().into_iter().filter_map(named).collect()
    }

    /// Looks at the page maps of all processes and segments, and at no page.
    fn memory_facts(&self) -> Memory {
        let mut memory = Memory::default();
        for pid in self.pids() {
            // Whatever cannot be read here becomes a warning.
            let Ok(task) = self.task(pid) else { continue };
            if self.has_ended(task.pid) {
                continue;
            }
            memory.alive = memory.alive.saturating_add(1);
            let Some(mm) = self.mm(pid) else {
                memory.unmapped = memory.unmapped.saturating_add(1);
                memory.mute = memory.mute.saturating_add(2);
                continue;
            };
            let space = self.space(pid, &mm);
            match space.tally() {
                Some(tally) => memory.pages.add(tally),
                None => memory.unmapped = memory.unmapped.saturating_add(1),
            }
            let lost = space.regions().iter().filter(|r| r.lacks_segment()).count();
            memory.shared = memory.shared.saturating_add(lost as u64);
            let strings = [(mm.mm_arg_start, mm.mm_arg_end), (mm.mm_env_start, mm.mm_env_end)];
            let lost = strings.iter().filter(|(start, end)| match (start, end) {
                (Some(start), Some(end)) => !space.holds(*start..*end),
                _ => true,
            });
            memory.mute = memory.mute.saturating_add(lost.count() as u64);
        }
        memory.segments = self.lost_segments().len() as u64;
        for (id, _) in self.images.numbered("pagemap-shmem-") {
            if let Some(store) = self.shared(id) {
                memory.pages.add(store.tally());
            }
        }
        memory
    }
}
