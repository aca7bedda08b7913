//! `ps`: processes, as a list or as a tree.

use std::collections::{HashMap, HashSet};
use std::process::ExitCode;

use libforensic::Checkpoint;
use libforensic::model::{Process, Text};

use super::{ABSENT, Evidence, ahead, deleted, or_absent, pids, text};
use crate::cli::PsArgs;
use crate::output::{Format, Rows, bytes, escape_bytes};

pub(crate) fn ps(args: &PsArgs) -> anyhow::Result<ExitCode> {
    let evidence = Evidence::new(&args.pid.evidence);
    let human = matches!(args.pid.evidence.output.output, Format::Table | Format::Wide);
    let rows = Processes { evidence: &evidence, pid: args.pid.pid, tree: args.tree && human };
    evidence.answer("ProcessList", &args.pid.evidence, &rows)
}

struct Processes<'e> {
    evidence: &'e Evidence,
    pid: Option<u32>,
    tree: bool,
}

/// A process, and the branches to draw in front of it.
struct Row {
    process: Process,
    branches: String,
}

impl serde::Serialize for Row {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.process.serialize(serializer)
    }
}

impl Rows for Processes<'_> {
    type Item = Row;

    fn headers(&self, wide: bool) -> Vec<&'static str> {
        if wide {
            vec![
                "PID", "PPID", "PGID", "SID", "UID", "STATE", "THREADS", "DUMPED", "SECCOMP", "COMM", "EXE",
                "CWD", "COMMAND",
            ]
        } else {
            vec!["PID", "PPID", "UID", "STATE", "THREADS", "DUMPED", "EXE", "COMMAND"]
        }
    }

    fn cells(&self, row: &Row, wide: bool) -> Vec<String> {
        let p = &row.process;
        let task = &p.task;
        let uid = p.credentials.as_ref().and_then(|c| c.uid.effective);
        let state = match (task.state, p.exit_code) {
            (Some(state), Some(code)) => format!("{} ({})", state.as_str(), ending(code)),
            (state, _) => or_absent(state.map(libforensic::model::State::as_str)),
        };
        let exe = deleted(text(p.exe.as_ref()), p.exe_deleted);
        let command = format!("{}{}", row.branches, command(p));
        // Of a process without a core image it is not known whether it had ended.
        let known = p.task.state.is_some() || !p.threads.is_empty();
        let threads = or_absent(known.then_some(p.threads.len()));
        let dumped = p.memory.map_or_else(|| ABSENT.to_owned(), |m| bytes(m.dumped_bytes));
        let mut cells = vec![task.pid.to_string(), task.ppid.to_string()];
        if wide {
            cells.extend([
                task.pgid.to_string(),
                task.sid.to_string(),
                or_absent(uid),
                state,
                threads,
                dumped,
            ]);
            cells.extend([or_absent(p.seccomp), text(task.comm.as_ref()), exe]);
            cells.push(deleted(text(p.cwd.as_ref()), p.cwd_deleted));
        } else {
            cells.extend([or_absent(uid), state, threads, dumped, exe]);
        }
        cells.push(command);
        cells
    }

    fn name(&self, row: &Row) -> Option<String> {
        Some(row.process.task.pid.to_string())
    }

    fn each(&self, index: usize, sink: &mut dyn FnMut(Row) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let checkpoint = self.evidence.get(index)?;
        let order = if self.tree {
            tree_order(checkpoint, self.pid)?
        } else {
            pids(checkpoint, self.pid)?.into_iter().map(|pid| (pid, String::new())).collect()
        };
        ahead(order, |(pid, branches)| Ok(Row { process: checkpoint.process(pid)?, branches }), sink)
    }
}

/// The command line as one would type it, or the name in brackets.
pub(crate) fn command(p: &Process) -> String {
    match p.cmdline.as_deref() {
        Some(arguments) if arguments.iter().any(|a| !a.is_empty()) => {
            arguments.iter().map(quoted).collect::<Vec<_>>().join(" ")
        }
        _ => p
            .task
            .comm
            .as_ref()
            .map_or_else(|| ABSENT.to_owned(), |c| format!("[{}]", escape_bytes(c.as_bytes()))),
    }
}

/// Quotes an argument where its borders would be lost.
fn quoted(argument: &Text) -> String {
    let shown = escape_bytes(argument.as_bytes());
    if shown.is_empty() || shown.contains([' ', '\'', '"']) {
        format!("'{}'", shown.replace('\'', "'\\''"))
    } else {
        shown.into_owned()
    }
}

/// Explains a wait(2) status word.
pub(crate) fn ending(status: u32) -> String {
    match (status & 0x7f, status >> 8 & 0xff) {
        (0, code) => format!("exit {code}"),
        (signal, _) => libforensic::model::signal_name(signal),
    }
}

/// Processes in depth-first order with the lines that join them.
///
/// The process table may be forged: a parent may be missing, its own child,
/// or part of a circle. Every process is shown exactly once, and the depth
/// costs no stack.
pub(crate) fn tree_order(checkpoint: &Checkpoint, root: Option<u32>) -> anyhow::Result<Vec<(u32, String)>> {
    let all = checkpoint.pids();
    let known: HashSet<u32> = all.iter().copied().collect();
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    let mut tops = Vec::new();
    for pid in &all {
        let ppid = checkpoint.task(*pid)?.ppid;
        if known.contains(&ppid) && ppid != *pid {
            children.entry(ppid).or_default().push(*pid);
        } else {
            tops.push(*pid);
        }
    }
    if let Some(root) = root {
        checkpoint.task(root)?;
        tops = vec![root];
    }
    let mut order = Vec::with_capacity(all.len());
    let mut seen = HashSet::new();
    let mut rest = if root.is_some() { Vec::new() } else { all.clone() };
    rest.reverse();
    let mut stack: Vec<Branch> = tops.iter().rev().map(|pid| Branch::top(*pid)).collect();
    loop {
        while let Some(branch) = stack.pop() {
            if !seen.insert(branch.pid) {
                continue;
            }
            let list = children.get(&branch.pid).map(Vec::as_slice).unwrap_or_default();
            for (i, child) in list.iter().enumerate().rev() {
                stack.push(branch.child(*child, i + 1 == list.len()));
            }
            order.push((branch.pid, branch.front));
        }
        // Circles have no top: start at their first member.
        let Some(next) = std::iter::from_fn(|| rest.pop()).find(|pid| !seen.contains(pid)) else { break };
        stack.push(Branch::top(next));
    }
    Ok(order)
}

/// Levels whose lines are drawn; deeper ones only say how deep they are.
const DRAWN_LEVELS: usize = 40;

/// A process on its way into the tree.
struct Branch {
    pid: u32,
    depth: usize,
    /// The lines in front of its children.
    below: String,
    /// The lines in front of itself.
    front: String,
}

impl Branch {
    fn top(pid: u32) -> Self {
        Self { pid, depth: 0, below: String::new(), front: String::new() }
    }

    fn child(&self, pid: u32, last: bool) -> Self {
        let depth = self.depth + 1;
        if depth > DRAWN_LEVELS {
            return Self { pid, depth, below: String::new(), front: format!("[level {depth}] ") };
        }
        let below = &self.below;
        Self {
            pid,
            depth,
            below: format!("{below}{}", if last { "   " } else { "│  " }),
            front: format!("{below}{}", if last { "└─ " } else { "├─ " }),
        }
    }
}
