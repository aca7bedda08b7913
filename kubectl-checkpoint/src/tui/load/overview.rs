//! A page about a container or a process.

use std::fmt::Write as _;

use libforensic::Checkpoint;
use libforensic::model::{DescriptorKind, Process, SystemCall};

use super::super::message::{Cancel, Content};
use super::super::place::{Place, View};
use super::super::table::{Cell, Row, Table};
use super::super::theme::Role;
use super::{Part, Sink, marks, of, text};
use crate::evidence::{command, ending, summary_lines};
use crate::output::{bytes, escape};

/// The page of the container; what speaks against processes is looked for in so many `at_once`.
pub(super) fn container(checkpoint: &Checkpoint, at_once: usize, cancel: &Cancel, sink: &mut Sink) {
    let mut table = Table::facts("the container as a whole");
    for (name, value) in summary_lines(&checkpoint.summary()) {
        let mut row = fact(name.trim_end_matches(':'), value);
        if name == "Log:" {
            row = row.jump("logs", Place::new(None, View::Log));
        } else if name == "Rootfs diff:" {
            row = row.jump("changed files", Place::new(None, View::Rootfs));
        } else if name == "Processes:" {
            row = row.jump("threads", Place::new(None, View::Threads));
        }
        table.push(row);
    }
    let warnings = checkpoint.warnings().len();
    if warnings > 0 {
        let cell = Cell::new(format!("{warnings} parts could not be read")).role(Role::Warn);
        table.push(
            Row::new(vec![Cell::new("Warnings").role(Role::Dim), cell])
                .jump("warnings", Place::new(None, View::Warnings)),
        );
    }
    // What speaks against processes, in one list; of many the rest follows below.
    let pids = checkpoint.pids();
    let (soon, later) = pids.split_at(pids.len().min(at_once));
    let mut first = true;
    for row in soon.iter().flat_map(|pid| marked(checkpoint, *pid)) {
        if std::mem::take(&mut first) {
            table.push(Row::line(""));
            table.push(Row::heading("consistent with an attack"));
        }
        table.push(row);
    }
    table.push(Row::line(""));
    table.push(Row::heading("where to go from here"));
    for (name, view) in [
        ("sockets and who holds them", View::Sockets),
        ("who talks to whom", View::Graph),
        ("changed files, tmpfs, volumes", View::Rootfs),
        ("deleted files, pipes, queues", View::Contents),
        ("what this evidence can answer", View::Completeness),
    ] {
        table.push(fact(view.name(), name).jump(name, Place::new(None, view)));
    }
    sink(Part::Content(Content::Table(table)));
    let mut first = true;
    for some in later.chunks(at_once.max(1)) {
        let mut rows = Vec::new();
        for pid in some {
            if cancel.is_stopped() {
                return;
            }
            rows.extend(marked(checkpoint, *pid));
        }
        if !rows.is_empty() && std::mem::take(&mut first) {
            rows.insert(0, Row::heading("more that is consistent with an attack"));
            rows.insert(0, Row::line(""));
        }
        sink(Part::Rows(rows));
    }
}

/// Processes that are looked at before the page of the container is shown, and then at a time.
pub(super) const MARKED: usize = 500;

/// What speaks against a process, as rows.
fn marked(checkpoint: &Checkpoint, pid: u32) -> Vec<Row> {
    let row = |mark: String| {
        let cells = vec![Cell::new(of(checkpoint, Some(pid))), Cell::new(mark).role(Role::Warn)];
        let place = Place::new(Some(pid), View::Overview);
        Row::new(cells).key(format!("mark {pid}")).jump("the process", place)
    };
    marks(checkpoint, pid).into_iter().map(row).collect()
}

fn fact(name: &str, value: impl Into<String>) -> Row {
    Row::new(vec![Cell::new(name).role(Role::Dim), Cell::new(value)])
}

pub(super) fn process(checkpoint: &Checkpoint, pid: u32, tentative: bool) -> anyhow::Result<Table> {
    let p = checkpoint.process(pid)?;
    let mut table = Table::facts(format!("process {}", of(checkpoint, Some(pid))));
    for mark in marks(checkpoint, pid) {
        let cell = Cell::new(mark).role(Role::Warn);
        table.push(Row::new(vec![Cell::new("!").role(Role::Bad), cell]));
    }
    identity(&mut table, &p, tentative);
    table.push(Row::line(""));
    numbers(checkpoint, &mut table, &p);
    Ok(table)
}

fn identity(table: &mut Table, p: &Process, tentative: bool) {
    let pid = p.task.pid;
    let go = |view| Place::new(Some(pid), view);
    table.push(fact("Command", command(p)).jump("environment", go(View::Environment)));
    let exe = p.exe.as_ref().map_or_else(|| "-".to_owned(), text);
    let deleted = if p.exe_deleted == Some(true) { " (deleted)" } else { "" };
    let start = p.layout.as_ref().and_then(|l| l.code_start).map(|a| a.0);
    let mut row = fact("Executable", format!("{exe}{deleted}"));
    if let Some(start) = start {
        row = row.jump("its code in memory", Place::hex(pid, start));
    }
    table.push(row);
    if let Some(cwd) = &p.cwd {
        let deleted = if p.cwd_deleted == Some(true) { " (deleted)" } else { "" };
        table.fact("Working directory", format!("{}{deleted}", text(cwd)));
    }
    if let Some(root) = p.root.as_ref().filter(|r| r.as_bytes() != b"/") {
        table.fact("Root directory", text(root));
    }
    let state = match (p.task.state, p.exit_code) {
        (Some(state), Some(code)) => format!("{} ({})", state.as_str(), ending(code)),
        (Some(state), None) => state.as_str().to_owned(),
        (None, _) => "not known: its core image is missing or damaged".to_owned(),
    };
    table.fact("State", state);
    if tentative {
        table.fact("Parent, group", "not known yet: the process table comes later in the archive");
    } else {
        let mut row = fact("Parent", p.task.ppid.to_string());
        if p.task.ppid != 0 {
            row = row.jump("parent", Place::new(Some(p.task.ppid), View::Overview));
        }
        table.push(row);
        table.fact("Group, session", format!("{}, {}", p.task.pgid, p.task.sid));
    }
    if let Some(c) = &p.credentials {
        let show = |n: Option<u32>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
        let ids = format!(
            "uid {} (effective {}), gid {}",
            show(c.uid.real),
            show(c.uid.effective),
            show(c.gid.real)
        );
        let mut value = ids;
        if let Some(host) = &p.outside {
            let _ = write!(value, "; uid {} outside the container", show(host.uid.effective));
        }
        table.push(fact("Identity", value).jump("credentials", go(View::Credentials)));
        let capabilities = c.capabilities.effective.0.count_ones();
        table.push(
            fact("Capabilities", format!("{capabilities} in force"))
                .jump("credentials", go(View::Credentials)),
        );
    }
    if let Some(seccomp) = p.seccomp {
        table.fact("Seccomp", seccomp);
    }
    if let Some(profile) = p.credentials.as_ref().and_then(|c| c.lsm_profile.as_ref()) {
        table.fact("Security label", text(profile));
    }
}

fn numbers(checkpoint: &Checkpoint, table: &mut Table, p: &Process) {
    let pid = p.task.pid;
    let go = |view| Place::new(Some(pid), view);
    if let Some(m) = p.memory {
        let value = format!(
            "{} mapped, {} in the dump for it alone, {} shared",
            bytes(m.mapped_bytes),
            bytes(m.dumped_bytes),
            bytes(m.shared_bytes)
        );
        table.push(fact("Memory", value).jump("memory map", go(View::Memory)));
    }
    if let Ok(list) = checkpoint.descriptors(pid) {
        let is = |k: DescriptorKind| list.iter().filter(|d| d.kind == Some(k)).count();
        let mut kinds: Vec<String> = Vec::new();
        for (kind, name) in [
            (DescriptorKind::Inet, "network sockets"),
            (DescriptorKind::Unix, "Unix sockets"),
            (DescriptorKind::Pipe, "pipes"),
            (DescriptorKind::Memfd, "memfds"),
            (DescriptorKind::Tty, "terminals"),
        ] {
            let n = is(kind);
            if n > 0 {
                kinds.push(format!("{n} {name}"));
            }
        }
        let deleted = list.iter().filter(|d| d.deleted == Some(true)).count();
        if deleted > 0 {
            kinds.push(format!("{deleted} deleted"));
        }
        let detail = if kinds.is_empty() { String::new() } else { format!(": {}", kinds.join(", ")) };
        table.push(fact("Open files", format!("{}{detail}", list.len())).jump("files", go(View::Files)));
    }
    for thread in &p.threads {
        let name = thread.comm.as_ref().map(text).unwrap_or_default();
        let call = thread
            .system_call
            .as_ref()
            .map_or_else(|| "in user space".to_owned(), |c| format!("in {}", call(c)));
        let row = fact(&format!("Thread {}", thread.tid), format!("{name} {call}"));
        let place = go(View::Threads).row(thread.tid.to_string());
        table.push(row.jump("registers", place));
        if table.rows.len() > 200 {
            table.push(fact("…", "the rest is in threads").jump("threads", go(View::Threads)));
            break;
        }
    }
    if let Some(list) = &p.cgroups {
        for group in list.iter().take(1) {
            table.push(fact("Control group", text(&group.path)).jump("cgroups", go(View::Cgroups)));
        }
    }
    if let Some(oom) = p.oom_score_adj {
        table.fact("OOM adjustment", oom.to_string());
    }
    if let Some(uid) = p.loginuid {
        table.fact("Login uid", uid.to_string());
    }
}

/// A system call with its arguments.
pub(super) fn call(c: &SystemCall) -> String {
    let name = c.name.map_or_else(|| format!("system call {}", c.number), str::to_owned);
    let arguments: Vec<String> =
        c.arguments.iter().map(|a| a.map_or_else(|| "?".to_owned(), |a| format!("{:#x}", a.0))).collect();
    escape(&format!("{name}({})", arguments.join(", "))).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However many are looked at before the page is shown, all of them are in the end.
    #[test]
    fn what_speaks_against_processes_is_listed_for_all_of_them() {
        let checkpoint = Checkpoint::open("../examples/evidence/incident.tar.gz").unwrap();
        let listed = |at_once: usize| {
            let (mut first, mut later) = (Vec::new(), Vec::new());
            container(&checkpoint, at_once, &Cancel::default(), &mut |part| match part {
                Part::Content(Content::Table(table)) => first = table.rows,
                Part::Rows(rows) => later.extend(rows),
                _ => {}
            });
            let marks = |rows: &[Row]| -> Vec<String> {
                rows.iter().filter(|r| r.key.starts_with("mark ")).map(Row::text).collect()
            };
            let headings = later.iter().filter(|r| r.heading).count();
            (marks(&first), marks(&later), headings)
        };
        let (all, none, _) = listed(500);
        assert!(all.len() > 5 && none.is_empty());
        for at_once in [0, 1, 2, 4] {
            let (first, later, headings) = listed(at_once);
            assert_eq!(headings, 1);
            assert_eq!([first, later].concat(), all, "{at_once}");
        }
    }
}
