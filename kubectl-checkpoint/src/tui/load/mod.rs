//! Makes pages of the evidence. Runs on threads; what it makes is escaped text.

mod archive;
mod bytes;
mod descriptors;
mod elf;
mod files;
mod marks;
mod memory;
pub(crate) mod names;
mod overview;
mod process;
pub(crate) mod search;
mod sockets;
mod system;

use libforensic::Checkpoint;
use libforensic::model::{State, Text};

pub(crate) use bytes::{find, read, write};
pub(crate) use marks::marks;
pub(crate) use names::resolve;

use super::message::{Cancel, Content, Opened};
use super::place::{Place, View};
use super::table::{Cell, Row, Table};
use super::theme::Role;
use super::tree::{Branch, Tree};
use crate::evidence::{ABSENT, tree_order};
use crate::output::{bytes as human, escape, escape_bytes};

/// A part of an answer.
pub(crate) enum Part {
    /// The page, or its beginning.
    Content(Content),
    /// More rows of it.
    Rows(Vec<Row>),
    /// What is to be said at the end.
    Note(String),
}

/// Where parts go to.
pub(crate) type Sink<'s> = dyn FnMut(Part) + 's;

/// Makes the page of a place; of a process table that is `tentative` only the ids are known.
pub(crate) fn load(
    checkpoint: &Checkpoint,
    place: &Place,
    tentative: bool,
    cancel: &Cancel,
    sink: &mut Sink,
) -> anyhow::Result<()> {
    let pid = place.pid;
    let table = match place.view {
        View::Overview => match pid {
            None => {
                overview::container(checkpoint, overview::MARKED, cancel, sink);
                return Ok(());
            }
            Some(pid) => overview::process(checkpoint, pid, tentative)?,
        },
        View::Memory => memory::map(checkpoint, pid)?,
        View::Hex => {
            sink(Part::Content(Content::Hex(bytes::open(checkpoint, place)?)));
            return Ok(());
        }
        View::Strings => return memory::strings(checkpoint, place, cancel, sink),
        View::Files => descriptors::files(checkpoint, pid)?,
        View::Sockets => sockets::sockets(checkpoint, pid),
        View::Graph => sockets::graph(checkpoint, pid),
        View::Environment => process::environment(checkpoint, pid)?,
        View::Threads => process::threads(checkpoint, pid)?,
        View::Signals => process::signals(checkpoint, pid)?,
        View::Limits => process::limits(checkpoint, pid)?,
        View::Credentials => process::credentials(checkpoint, pid)?,
        View::Network => system::network(checkpoint),
        View::Mounts => system::mounts(checkpoint, pid)?,
        View::Namespaces => system::namespaces(checkpoint, pid)?,
        View::Cgroups => system::cgroups(checkpoint, pid)?,
        View::Ipc => system::ipc(checkpoint),
        View::Rootfs => files::rootfs(checkpoint),
        View::Contents => files::contents(checkpoint),
        View::Images => archive::images(checkpoint, tentative),
        View::Record => archive::record(checkpoint, place)?,
        View::Log => return archive::log(checkpoint, place, cancel, sink),
        View::Metadata => archive::metadata(checkpoint),
        View::Completeness => archive::answers(checkpoint),
        View::Warnings => archive::warnings(checkpoint),
        // Those are not of an archive, or made elsewhere.
        View::Results | View::Bookmarks | View::Containers | View::Preflight | View::Capture => {
            Table::default()
        }
    };
    sink(Part::Content(Content::Table(table)));
    Ok(())
}

/// Looks at what is to be seen of an archive at once: only process table and metadata are read.
pub(crate) fn opened(checkpoint: &Checkpoint, tentative: bool) -> Opened {
    let order = tree_order(checkpoint, None).unwrap_or_default();
    let branches = order
        .into_iter()
        .map(|(pid, front)| {
            let task = checkpoint.task(pid).ok();
            let name = task.as_ref().and_then(|t| t.comm.as_ref()).map_or_else(|| "?".to_owned(), text);
            Branch {
                pid,
                front: front.replace("── ", "─").replace("─ ", "─").replace("│  ", "│ ").replace("   ", "  "),
                name,
                state: task.and_then(|t| t.state).map(State::as_str),
                marks: Vec::new(),
            }
        })
        .collect();
    let memory_bytes = checkpoint
        .archive()
        .members()
        .iter()
        .filter(|m| m.base_name().starts_with(b"pages-"))
        .fold(0_u64, |n, m| n.saturating_add(m.size));
    Opened {
        tree: Tree { branches, ..Tree::default() },
        about: about(checkpoint, memory_bytes),
        memory_bytes,
        tentative,
    }
}

/// A line about an archive.
fn about(checkpoint: &Checkpoint, memory_bytes: u64) -> String {
    let m = checkpoint.metadata();
    let mut parts: Vec<String> = Vec::new();
    let pod = m.pod.as_ref().and_then(|p| p.name.as_ref());
    let name = match (pod, &m.container.name) {
        (Some(pod), Some(container)) => Some(format!("{pod}/{container}")),
        (_, container) => container.clone(),
    };
    parts.extend(name.map(|n| escape(&n).into_owned()));
    parts.push(m.engine.as_str().to_owned());
    if let Some(when) = &m.checkpointed {
        // Seconds are enough for a headline.
        parts.push(escape(when.get(..19).unwrap_or(when)).replace('T', " "));
    }
    if memory_bytes > 0 {
        parts.push(format!("{} memory", human(memory_bytes)));
    }
    parts.join(" · ")
}

/// Text of the evidence, safe to show.
pub(super) fn text(text: &Text) -> String {
    escape_bytes(text.as_bytes()).into_owned()
}

/// A cell of text that may not be known.
pub(super) fn maybe(value: Option<&Text>) -> Cell {
    value.map_or_else(absent, |t| Cell::new(text(t)))
}

/// A cell of something that may not be known.
pub(super) fn known(value: Option<impl ToString>) -> Cell {
    value.map_or_else(absent, |v| Cell::new(escape(&v.to_string()).into_owned()))
}

/// A cell of a number that may not be known.
pub(super) fn number(value: Option<impl Into<i128> + std::fmt::Display>) -> Cell {
    value.map_or_else(absent, Cell::number)
}

pub(super) fn absent() -> Cell {
    Cell::new(ABSENT).role(Role::Dim)
}

/// The processes a view is of: one, or all.
pub(super) fn pids(checkpoint: &Checkpoint, pid: Option<u32>) -> Vec<u32> {
    pid.map_or_else(|| checkpoint.pids(), |pid| vec![pid])
}

/// The name of a process, as titles have it.
pub(super) fn of(checkpoint: &Checkpoint, pid: Option<u32>) -> String {
    let Some(pid) = pid else { return "the container".to_owned() };
    let comm = checkpoint.task(pid).ok().and_then(|t| t.comm).map(|c| format!(" {}", text(&c)));
    format!("{pid}{}", comm.unwrap_or_default())
}
