//! Where in the evidence one can be: a subject, a view, and what is looked at there.

use crate::cluster::live::Chosen;

/// What the right-hand side shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) enum View {
    #[default]
    Overview,
    Memory,
    Hex,
    Strings,
    Files,
    Sockets,
    Environment,
    Threads,
    Signals,
    Limits,
    Credentials,
    Graph,
    Network,
    Mounts,
    Namespaces,
    Cgroups,
    Ipc,
    Rootfs,
    Contents,
    Images,
    Record,
    Log,
    Metadata,
    Completeness,
    Warnings,
    Results,
    Bookmarks,
    Containers,
    Preflight,
    Capture,
}

/// A view by name.
pub(crate) struct ViewInfo {
    pub view: View,
    /// The name, which is also a command.
    pub name: &'static str,
    pub what: &'static str,
    /// Whether it can be chosen; the others are come to by a link.
    pub listed: bool,
}

const fn info(view: View, name: &'static str, what: &'static str, listed: bool) -> ViewInfo {
    ViewInfo { view, name, what, listed }
}

/// All views in the order in which they are offered; the first nine have the keys 1 to 9.
pub(crate) const VIEWS: &[ViewInfo] = &[
    info(View::Overview, "overview", "what it is, in a page", true),
    info(View::Memory, "memory", "memory map, with a picture", true),
    info(View::Hex, "hex", "bytes, with where they come from", true),
    info(View::Strings, "strings", "readable text in memory", true),
    info(View::Files, "files", "open file descriptors", true),
    info(View::Sockets, "sockets", "sockets and who holds them", true),
    info(View::Environment, "env", "arguments, environment, auxiliary vector", true),
    info(View::Threads, "threads", "threads, registers, system calls", true),
    info(View::Signals, "signals", "signals, handlers, timers", true),
    info(View::Limits, "limits", "resource limits", true),
    info(View::Credentials, "creds", "ids, capabilities, seccomp", true),
    info(View::Graph, "graph", "who talks to whom", true),
    info(View::Network, "network", "links, addresses, routes, rules", true),
    info(View::Mounts, "mounts", "mounts of every mount namespace", true),
    info(View::Namespaces, "namespaces", "namespaces and who is in them", true),
    info(View::Cgroups, "cgroups", "control groups", true),
    info(View::Ipc, "ipc", "System V shared memory, queues, semaphores", true),
    info(View::Rootfs, "rootfs", "changed files, tmpfs, volumes", true),
    info(View::Contents, "contents", "deleted files, pipes, queues and other bytes", true),
    info(View::Images, "images", "every member of the archive", true),
    info(View::Record, "record", "an image as JSON", false),
    info(View::Log, "log", "logs in the archive", true),
    info(View::Metadata, "metadata", "container, pod, engine", true),
    info(View::Completeness, "answers", "what this evidence can answer", true),
    info(View::Warnings, "warnings", "what could not be read", true),
    info(View::Results, "results", "matches of the search in all memory", true),
    info(View::Bookmarks, "bookmarks", "places with notes", true),
];

/// The views of a cluster, in the order in which a capture goes through them.
pub(crate) const STEPS: &[ViewInfo] = &[
    info(View::Containers, "containers", "what runs in the cluster", true),
    info(View::Preflight, "preflight", "whether the container can be frozen", true),
    info(View::Capture, "capture", "freezing it and bringing the archive home", true),
];

impl View {
    pub(crate) fn info(self) -> &'static ViewInfo {
        VIEWS.iter().chain(STEPS).find(|i| i.view == self).unwrap_or(&VIEWS[0])
    }

    /// The views beside this one: those of an archive, or of a cluster.
    pub(crate) fn siblings(self) -> &'static [ViewInfo] {
        if STEPS.iter().any(|i| i.view == self) { STEPS } else { VIEWS }
    }

    pub(crate) fn name(self) -> &'static str {
        self.info().name
    }

    pub(crate) fn by_name(name: &str) -> Option<Self> {
        VIEWS.iter().chain(STEPS).find(|i| i.listed && i.name == name).map(|i| i.view)
    }

    /// The view `step` places further in the list, around its end.
    pub(crate) fn neighbour(self, forward: bool) -> Self {
        let listed: Vec<View> = self.siblings().iter().filter(|i| i.listed).map(|i| i.view).collect();
        let at = listed.iter().position(|v| *v == self).unwrap_or(0);
        let step = if forward { 1 } else { listed.len() - 1 };
        listed[(at + step) % listed.len()]
    }

    /// Whether it is the same for every process.
    pub(crate) fn is_of_container(self) -> bool {
        matches!(
            self,
            Self::Network
                | Self::Ipc
                | Self::Rootfs
                | Self::Contents
                | Self::Images
                | Self::Record
                | Self::Log
                | Self::Metadata
                | Self::Completeness
                | Self::Warnings
                | Self::Results
                | Self::Bookmarks
        )
    }
}

/// Bytes that are not the memory of a process.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    /// A member of the archive as it is.
    Member(Vec<u8>),
    /// Something inside a member: a file of a tar, a pipe's bytes, a deleted file.
    Holding { member: Vec<u8>, object: Vec<u8> },
}

/// A place to be at, and to come back to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Place {
    /// A process, or the container as a whole.
    pub pid: Option<u32>,
    pub view: View,
    /// What hex, log and record views look at, where it is not memory.
    pub source: Option<Source>,
    /// The row to select, by its key.
    pub row: Option<String>,
    /// The address, or the offset, to show.
    pub address: Option<u64>,
    /// How many items were shown before.
    pub skip: u64,
    /// Shortest string.
    pub least: Option<usize>,
    /// A container of a cluster.
    pub chosen: Option<Box<Chosen>>,
}

impl Place {
    pub(crate) fn new(pid: Option<u32>, view: View) -> Self {
        Self { pid, view, ..Self::default() }
    }

    pub(crate) fn row(mut self, key: impl Into<String>) -> Self {
        self.row = Some(key.into());
        self
    }

    pub(crate) fn hex(pid: u32, address: u64) -> Self {
        Self { address: Some(address), ..Self::new(Some(pid), View::Hex) }
    }

    pub(crate) fn bytes(source: Source, offset: u64) -> Self {
        Self { address: Some(offset), source: Some(source), ..Self::new(None, View::Hex) }
    }

    pub(crate) fn choice(view: View, chosen: Chosen) -> Self {
        Self { chosen: Some(Box::new(chosen)), ..Self::new(None, view) }
    }

    pub(crate) fn of(source: Source, view: View) -> Self {
        Self { source: Some(source), ..Self::new(None, view) }
    }

    /// Whether both show the same page, wherever the cursor is.
    pub(crate) fn is_same_page(&self, other: &Self) -> bool {
        (self.pid, self.view, &self.source, self.skip, self.least, &self.chosen)
            == (other.pid, other.view, &other.source, other.skip, other.least, &other.chosen)
    }
}
