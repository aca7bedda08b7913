//! What else there is to say about processes.

use libforensic::Checkpoint;
use libforensic::model::{
    Location, Process, Registers, capability_names, securebit_names, signal_name, signal_names,
};

use super::super::place::{Place, View};
use super::super::table::{Cell, Column, HIDDEN, Row, Table, col, num, spare};
use super::super::theme::Role;
use super::overview::call;
use super::{absent, known, maybe, number, of, pids, text};
use crate::output::duration;

/// Calls for each process of a view; one that cannot be read is said to be so.
fn each(
    checkpoint: &Checkpoint,
    pid: Option<u32>,
    table: &mut Table,
    put: &mut dyn FnMut(&mut Table, &Process),
) -> anyhow::Result<()> {
    for one in pids(checkpoint, pid) {
        match checkpoint.process(one) {
            Ok(process) => put(table, &process),
            Err(e) if pid.is_some() => return Err(e.into()),
            Err(e) => {
                let cell = Cell::new(crate::output::escape(&e.to_string()).into_owned()).role(Role::Bad);
                table.push(Row::new(vec![Cell::number(one), cell]));
            }
        }
    }
    Ok(())
}

/// The column of process ids, where there are several.
fn pid_column(pid: Option<u32>) -> Column {
    spare(num("PID"), if pid.is_some() { HIDDEN } else { 0 })
}

pub(super) fn environment(checkpoint: &Checkpoint, pid: Option<u32>) -> anyhow::Result<Table> {
    let columns = [pid_column(pid), spare(col("WHAT"), 1), col("NAME"), col("VALUE")];
    let title = format!("arguments, environment and auxiliary vector of {}", of(checkpoint, pid));
    let mut table = Table::new(title, &columns);
    each(checkpoint, pid, &mut table, &mut |table, p| {
        let at = p.task.pid;
        let start = |f: fn(&libforensic::model::MemoryLayout) -> Option<libforensic::model::Hex>| {
            p.layout.as_ref().and_then(f).map(|a| Place::hex(at, a.0))
        };
        let arguments = start(|l| l.arguments_start);
        let environment = start(|l| l.environment_start);
        let mut put = |what: &str, name: Cell, value: Cell, place: Option<&Place>| {
            let mut row = Row::new(vec![Cell::number(at), Cell::new(what).role(Role::Dim), name, value]);
            row.key = format!("{at} {what} {}", row.cells[2].text);
            if let Some(place) = place {
                row = row.jump("its bytes", place.clone());
            }
            table.push(row);
        };
        if p.cmdline.is_none() {
            put("argument", absent(), Cell::new("not in the evidence").role(Role::Warn), None);
        }
        for (i, argument) in p.cmdline.iter().flatten().enumerate() {
            put("argument", Cell::number(i as u64), Cell::new(text(argument)), arguments.as_ref());
        }
        if p.environ.is_none() {
            put("environment", absent(), Cell::new("not in the evidence").role(Role::Warn), None);
        }
        for entry in p.environ.iter().flatten() {
            let shown = text(entry);
            let (name, value) = shown.split_once('=').unwrap_or((shown.as_str(), ""));
            let loader = name.starts_with("LD_") && !value.is_empty();
            let value = Cell::new(value);
            let value = if loader { value.role(Role::Warn) } else { value };
            put("environment", Cell::new(name), value, environment.as_ref());
        }
        for entry in &p.auxv {
            let name = entry.name().map_or_else(|| entry.kind.to_string(), str::to_owned);
            put("auxiliary", Cell::new(name), Cell::new(format!("{:#x}", entry.value)), None);
        }
    })?;
    Ok(table)
}

/// Where an address lies, in words.
fn location(l: &Location) -> String {
    match &l.mapping {
        None => "nothing mapped".to_owned(),
        Some(m) => {
            let name = m.path.as_ref().map_or_else(|| m.kind.as_str().to_owned(), text);
            format!("{} {name}+{:#x}", m.perms, m.offset)
        }
    }
}

pub(super) fn threads(checkpoint: &Checkpoint, pid: Option<u32>) -> anyhow::Result<Table> {
    let columns = [pid_column(pid), col("TID"), col("NAME"), col("VALUE"), col("WHERE")];
    let mut table = Table::new(format!("threads of {}", of(checkpoint, pid)), &columns)
        .empty("no threads: the process had ended");
    // Addresses in registers are looked up in the map of the process.
    each(checkpoint, pid, &mut table, &mut |table, p| {
        let at = p.task.pid;
        let space = checkpoint.memory(at).ok();
        for t in &p.threads {
            let name = t.comm.as_ref().map(text).unwrap_or_default();
            let doing = t.system_call.as_ref().map_or_else(|| "in user space".to_owned(), call);
            let head = Row::new(vec![
                Cell::number(at),
                Cell::number(t.tid).role(Role::Strong),
                Cell::new(name).role(Role::Strong),
                Cell::new(doing),
                Cell::new(t.pc.as_ref().map(location).unwrap_or_default()),
            ]);
            let mut head = head.key(t.tid.to_string());
            if let Some(pc) = &t.pc {
                head = head.jump("code", Place::hex(at, pc.address));
            }
            if let Some(sp) = &t.sp {
                head = head.jump("stack", Place::hex(at, sp.address));
            }
            table.push(head);
            // Of many threads only one line each; the process has all.
            if pid.is_none() {
                continue;
            }
            let mut fact = |name: &str, value: String| {
                table.push(
                    Row::new(vec![
                        Cell::number(at),
                        Cell::new(""),
                        Cell::new(name).role(Role::Dim),
                        Cell::new(value),
                        Cell::new(""),
                    ])
                    .key(format!("{} {name}", t.tid)),
                );
            };
            if let Some(s) = &t.scheduling {
                let nice = s.nice.map_or_else(String::new, |n| format!(", nice {n}"));
                fact("scheduling", format!("{}{nice}", s.policy.unwrap_or("-")));
            }
            if let Some(blocked) = t.blocked.filter(|b| b.0 != 0) {
                fact("blocked", signal_names(blocked.0).join(" "));
            }
            if let Some(seccomp) = t.seccomp {
                fact("seccomp", seccomp.to_owned());
            }
            for (name, value) in t.registers.iter().flat_map(Registers::iter) {
                let region = space.as_ref().and_then(|s| s.region(value)).map(|r| &r.mapping);
                let place = region.map_or_else(String::new, |m| {
                    let path = m.path.as_ref().map_or_else(|| m.kind.as_str().to_owned(), text);
                    format!("{} {path}+{:#x}", m.perms, m.offset.wrapping_add(value - m.start))
                });
                let cells = vec![
                    Cell::number(at),
                    Cell::new(""),
                    Cell::new(name),
                    Cell { text: format!("{value:016x}"), number: Some(value.into()), role: Role::Plain },
                    Cell::new(place).role(Role::Link),
                ];
                let mut row = Row::new(cells).key(format!("{} {name}", t.tid));
                if let Some(m) = region {
                    row = row.jump("bytes", Place::hex(at, value));
                    row =
                        row.jump("mapping", Place::new(Some(at), View::Memory).row(format!("{:x}", m.start)));
                }
                table.push(row);
            }
        }
    })?;
    Ok(table)
}

pub(super) fn signals(checkpoint: &Checkpoint, pid: Option<u32>) -> anyhow::Result<Table> {
    let columns = [pid_column(pid), col("WHAT"), col("SIGNAL"), col("DETAILS")];
    let mut table = Table::new(format!("signals and timers of {}", of(checkpoint, pid)), &columns)
        .empty("nothing recorded");
    each(checkpoint, pid, &mut table, &mut |table, p| {
        let at = p.task.pid;
        let mut put = |what: &str, signal: String, details: String, place: Option<Place>| {
            let cells = vec![
                Cell::number(at),
                Cell::new(what).role(Role::Dim),
                Cell::new(signal.clone()),
                Cell::new(details),
            ];
            let mut row = Row::new(cells).key(format!("{at} {what} {signal}"));
            if let Some(place) = place {
                row = row.jump("the handler", place);
            }
            table.push(row);
        };
        for h in &p.handlers {
            let flags = h.flag_names().join(" ");
            let details = format!("{:012x} {}  {flags}", h.handler.address, location(&h.handler));
            put("handler", signal_name(h.signal), details, Some(Place::hex(at, h.handler.address)));
        }
        for (what, mask) in
            [("ignored", p.signals.ignored), ("blocked", p.signals.blocked), ("pending", p.signals.pending)]
        {
            for name in mask.map(|m| signal_names(m.0)).unwrap_or_default() {
                put(what, name, String::new(), None);
            }
        }
        for s in &p.pending_signals {
            let from = s.pid.map_or_else(String::new, |p| format!("from process {p}"));
            put("waiting", signal_name(s.signal), format!("{} {from}", s.code_name().unwrap_or("")), None);
        }
        for t in &p.timers {
            let left = t.remaining_ns.map_or_else(|| "-".to_owned(), duration);
            let every = t
                .interval_ns
                .filter(|n| *n > 0)
                .map_or_else(String::new, |n| format!(", every {}", duration(n)));
            let clock = crate::output::escape(&t.clock).into_owned();
            put(
                "timer",
                t.signal.map(signal_name).unwrap_or_default(),
                format!("{} {clock}: {left} left{every}", t.kind),
                None,
            );
        }
        if let Some(signal) = p.stop_signal {
            put("stopped by", signal_name(signal), String::new(), None);
        }
    })?;
    Ok(table)
}

pub(super) fn limits(checkpoint: &Checkpoint, pid: Option<u32>) -> anyhow::Result<Table> {
    let columns = [pid_column(pid), col("RESOURCE"), num("SOFT"), num("HARD")];
    let mut table =
        Table::new(format!("resource limits of {}", of(checkpoint, pid)), &columns).empty("none recorded");
    each(checkpoint, pid, &mut table, &mut |table, p| {
        for l in p.limits.iter().flatten() {
            let show = |n: Option<u64>| {
                n.map_or_else(
                    || Cell { text: "unlimited".to_owned(), number: Some(i128::MAX), role: Role::Dim },
                    Cell::number,
                )
            };
            let cells = vec![Cell::number(p.task.pid), Cell::new(l.resource), show(l.soft), show(l.hard)];
            table.push(Row::new(cells).key(format!("{} {}", p.task.pid, l.resource)));
        }
    })?;
    Ok(table)
}

pub(super) fn credentials(checkpoint: &Checkpoint, pid: Option<u32>) -> anyhow::Result<Table> {
    if pid.is_none() {
        return all_credentials(checkpoint);
    }
    let mut table = Table::facts(format!("credentials of {}", of(checkpoint, pid)));
    each(checkpoint, pid, &mut table, &mut |table, p| {
        let Some(c) = &p.credentials else {
            table.fact("Credentials", "not in the evidence");
            return;
        };
        let show = |n: Option<u32>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
        table.push(Row::heading("ids (real, effective, saved, file system)"));
        for (name, ids) in [("User", c.uid), ("Group", c.gid)] {
            table.fact(name, [ids.real, ids.effective, ids.saved, ids.fs].map(show).join("  "));
        }
        let groups: Vec<String> = c.groups.iter().map(u32::to_string).collect();
        table.fact("Groups", if groups.is_empty() { "none".to_owned() } else { groups.join(" ") });
        if let Some(o) = &p.outside {
            let ids = [o.uid.real, o.uid.effective, o.uid.saved, o.uid.fs].map(show).join("  ");
            table.fact("User, outside", format!("{ids}  ({})", crate::output::escape(&o.source)));
        }
        table.push(Row::line(""));
        for (name, mask) in [
            ("effective", Some(c.capabilities.effective)),
            ("permitted", Some(c.capabilities.permitted)),
            ("inheritable", Some(c.capabilities.inheritable)),
            ("bounding", Some(c.capabilities.bounding)),
            ("ambient", c.capabilities.ambient),
        ] {
            let Some(mask) = mask else {
                table.fact(name, "not recorded by this version of CRIU");
                continue;
            };
            table.push(Row::heading(format!("{name} capabilities {mask}")));
            for capability in capability_names(mask.0) {
                let cell = Cell::new(capability.clone());
                let strong = matches!(
                    capability.as_str(),
                    "CAP_SYS_ADMIN" | "CAP_SYS_PTRACE" | "CAP_SYS_MODULE" | "CAP_BPF" | "CAP_NET_RAW"
                );
                let cell = if strong && name == "effective" { cell.role(Role::Warn) } else { cell };
                table.push(Row::new(vec![Cell::new(""), cell]).key(format!("{name} {capability}")));
            }
        }
        table.push(Row::heading("other"));
        table.fact(
            "No new privileges",
            c.no_new_privs.map_or_else(|| "not recorded".to_owned(), |b| b.to_string()),
        );
        table.fact("Seccomp", p.seccomp.unwrap_or("-"));
        let bits = c.securebits.map(|b| securebit_names(b).join(" ")).unwrap_or_default();
        table.fact("Secure bits", if bits.is_empty() { "none".to_owned() } else { bits });
        table.fact("Security label", c.lsm_profile.as_ref().map_or_else(|| "-".to_owned(), text));
    })?;
    Ok(table)
}

fn all_credentials(checkpoint: &Checkpoint) -> anyhow::Result<Table> {
    let columns = [
        num("PID"),
        col("NAME"),
        num("UID"),
        num("EUID"),
        num("GID"),
        num("CAPS"),
        spare(col("NO NEW PRIVS"), 2),
        spare(col("SECCOMP"), 1),
        col("LABEL"),
    ];
    let mut table = Table::new("credentials of all processes", &columns);
    each(checkpoint, None, &mut table, &mut |table, p| {
        let c = p.credentials.as_ref();
        let cells = vec![
            Cell::number(p.task.pid),
            maybe(p.task.comm.as_ref()),
            number(c.and_then(|c| c.uid.real)),
            number(c.and_then(|c| c.uid.effective)),
            number(c.and_then(|c| c.gid.real)),
            number(c.map(|c| c.capabilities.effective.0.count_ones())),
            known(c.and_then(|c| c.no_new_privs)),
            known(p.seccomp),
            maybe(c.and_then(|c| c.lsm_profile.as_ref())),
        ];
        table.push(Row::new(cells).jump("credentials", Place::new(Some(p.task.pid), View::Credentials)));
    })?;
    Ok(table)
}
