//! What processes share: mounts, namespaces, control groups, network, System V IPC.

use std::collections::BTreeMap;

use libforensic::Checkpoint;

use super::super::place::{Place, Source, View};
use super::super::table::{Cell, HIDDEN, Row, Table, col, num, spare};
use super::super::theme::Role;
use super::{known, maybe, number, of, pids, text};
use crate::output::escape;

pub(super) fn mounts(checkpoint: &Checkpoint, pid: Option<u32>) -> anyhow::Result<Table> {
    let columns = [
        spare(num("NS"), 5),
        spare(num("ID"), 4),
        col("TYPE"),
        spare(col("FLAGS"), 1),
        spare(col("SOURCE"), 2),
        spare(col("DIFFERS"), 3),
        col("MOUNTPOINT"),
    ];
    let mut table =
        Table::new(format!("mounts of {}", of(checkpoint, pid)), &columns).empty("no mounts recorded");
    let namespace = match pid {
        Some(pid) => checkpoint.process(pid)?.namespaces.and_then(|n| n.mnt),
        None => None,
    };
    for m in checkpoint.mounts() {
        if namespace.is_some_and(|n| n != m.namespace) {
            continue;
        }
        let differs = m.differences.as_ref().filter(|d| !d.is_empty()).map(|d| d.join(","));
        let unasked = differs.is_some();
        let differs = known(differs);
        let cells = vec![
            Cell::number(m.namespace),
            number(m.id),
            maybe(m.fstype.as_ref()),
            Cell::new(m.flag_names().join(",")),
            maybe(m.source.as_ref()),
            if unasked { differs.role(Role::Warn) } else { differs },
            maybe(m.mountpoint.as_ref()),
        ];
        let name = format!("checkpoint/mountpoints-{}.img", m.namespace).into_bytes();
        let key = format!(
            "{} {}",
            m.namespace,
            m.id.map_or_else(|| m.mountpoint.as_ref().map(text).unwrap_or_default(), |i| i.to_string())
        );
        table
            .push(Row::new(cells).key(key).jump("the record", Place::of(Source::Member(name), View::Record)));
    }
    Ok(table)
}

pub(super) fn namespaces(checkpoint: &Checkpoint, pid: Option<u32>) -> anyhow::Result<Table> {
    let columns = [col("KIND"), num("NUMBER"), num("PROCESSES"), col("WHO")];
    let mut table =
        Table::new(format!("namespaces of {}", of(checkpoint, pid)), &columns).empty("none recorded");
    let mut members: BTreeMap<(&'static str, u32), Vec<u32>> = BTreeMap::new();
    for one in checkpoint.pids() {
        let Some(n) = checkpoint.process(one)?.namespaces else { continue };
        for (kind, id) in [
            ("pid", n.pid),
            ("mnt", n.mnt),
            ("net", n.net),
            ("ipc", n.ipc),
            ("uts", n.uts),
            ("user", n.user),
            ("cgroup", n.cgroup),
            ("time", n.time),
        ] {
            if let Some(id) = id {
                members.entry((kind, id)).or_default().push(one);
            }
        }
    }
    for ((kind, id), who) in members {
        if pid.is_some_and(|pid| !who.contains(&pid)) {
            continue;
        }
        let shown: Vec<String> = who.iter().take(40).map(|p| of(checkpoint, Some(*p))).collect();
        let cells = vec![
            Cell::new(kind),
            Cell::number(id),
            Cell::number(who.len() as u64),
            Cell::new(shown.join(", ")),
        ];
        let mut row = Row::new(cells).key(format!("{kind} {id}"));
        let view = match kind {
            "mnt" => Some(View::Mounts),
            "net" => Some(View::Network),
            "ipc" => Some(View::Ipc),
            "cgroup" => Some(View::Cgroups),
            _ => None,
        };
        if let Some(view) = view {
            row = row.jump(view.name(), Place::new(None, view));
        }
        for one in who.iter().take(20) {
            row = row.jump(of(checkpoint, Some(*one)), Place::new(Some(*one), View::Overview));
        }
        table.push(row);
    }
    for user in checkpoint.user_namespaces() {
        for (what, map) in [("uid map", &user.uid_map), ("gid map", &user.gid_map)] {
            for range in map {
                let shown = format!(
                    "{} ids from {} inside are those from {} outside",
                    range.count, range.inside, range.outside
                );
                table.push(Row::new(vec![
                    Cell::new(what),
                    Cell::number(user.id),
                    Cell::new(""),
                    Cell::new(shown),
                ]));
            }
        }
    }
    Ok(table)
}

pub(super) fn cgroups(checkpoint: &Checkpoint, pid: Option<u32>) -> anyhow::Result<Table> {
    let columns =
        [spare(num("PID"), if pid.is_some() { HIDDEN } else { 0 }), col("CONTROLLERS"), col("PATH")];
    let mut table = Table::new(format!("control groups of {}", of(checkpoint, pid)), &columns)
        .empty("none recorded: CRIU writes them only when it manages control groups");
    for one in pids(checkpoint, pid) {
        for group in checkpoint.process(one)?.cgroups.unwrap_or_default() {
            let controllers: Vec<String> = group.controllers.iter().map(text).collect();
            let controllers =
                if controllers.is_empty() { "(version 2)".to_owned() } else { controllers.join(",") };
            let row = Row::new(vec![
                Cell::number(one),
                Cell::new(controllers.clone()),
                Cell::new(text(&group.path)),
            ]);
            table.push(
                row.key(format!("{one} {controllers}"))
                    .jump("process", Place::new(Some(one), View::Overview)),
            );
        }
    }
    Ok(table)
}

pub(super) fn network(checkpoint: &Checkpoint) -> Table {
    let columns = [
        col("KIND"),
        spare(num("NS"), 3),
        spare(col("INTERFACE"), 1),
        col("ADDRESS"),
        spare(col("GATEWAY"), 2),
        col("SOURCE"),
    ];
    let mut table = Table::new("network: links, addresses, routes, rules", &columns)
        .empty("the dump has no network images: the engine keeps the network itself");
    for item in checkpoint.network() {
        let safe = |s: &Option<String>| known(s.as_ref());
        let address =
            item.address.clone().or_else(|| item.link_address.clone()).or_else(|| item.network.clone());
        let cells = vec![
            Cell::new(item.kind),
            number(item.network_namespace),
            safe(&item.interface),
            safe(&address),
            safe(&item.gateway),
            Cell::new(escape(&item.source.member).into_owned()),
        ];
        let place = Place::new(None, View::Images).row(escape(&item.source.member).into_owned());
        table.push(Row::new(cells).jump("the member", place));
    }
    table
}

pub(super) fn ipc(checkpoint: &Checkpoint) -> Table {
    let columns = [
        col("KIND"),
        num("ID"),
        col("KEY"),
        spare(col("MODE"), 1),
        spare(num("UID"), 2),
        num("SIZE"),
        col("ATTACHED"),
    ];
    let mut table = Table::new("System V shared memory, queues and semaphores", &columns).empty("none");
    for object in checkpoint.ipc() {
        let attached: Vec<String> = object.attached.iter().map(u32::to_string).collect();
        let cells = vec![
            Cell::new(object.kind),
            number(object.id),
            known(object.key.as_ref()),
            known(object.mode.as_ref()),
            number(object.uid),
            object.size_bytes.map_or_else(super::absent, Cell::bytes),
            Cell::new(attached.join(" ")),
        ];
        let mut row = Row::new(cells).key(format!("{} {}", object.kind, object.id.unwrap_or(0)));
        for pid in object.attached.iter().take(16) {
            row = row.jump(format!("memory of {pid}"), Place::new(Some(*pid), View::Memory));
        }
        let place = Place::new(None, View::Images).row(escape(&object.source.member).into_owned());
        table.push(row.jump("the member", place));
    }
    table
}
