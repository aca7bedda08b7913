//! Sockets, and who talks to whom.

use std::collections::{BTreeMap, HashMap};

use libforensic::Checkpoint;
use libforensic::model::{Family, Socket};

use super::super::place::{Place, Source, View};
use super::super::table::{Cell, Row, Table, col, num, spare};
use super::super::theme::Role;
use super::{known, number, of, text};
use crate::output::escape;

fn local(s: &Socket) -> String {
    match (s.family, &s.local) {
        (_, Some(local)) => local.to_string(),
        (Family::Unix, None) => s.path.as_ref().map_or_else(|| "(unnamed)".to_owned(), text),
        _ => "-".to_owned(),
    }
}

fn remote(s: &Socket) -> String {
    match (&s.remote, s.peer_inode) {
        (Some(remote), _) => remote.to_string(),
        (None, Some(inode)) => format!("socket:[{inode}]"),
        _ => "-".to_owned(),
    }
}

/// The other end of a connection inside the container.
fn peer<'s>(all: &'s [Socket], s: &Socket) -> Option<&'s Socket> {
    all.iter().find(|o| {
        o.file_id != s.file_id
            && match (&s.local, &s.remote, s.peer_inode) {
                (Some(local), Some(remote), _) => {
                    o.local == Some(*remote) && o.remote == Some(*local) && o.protocol == s.protocol
                }
                (_, _, Some(inode)) => o.inode == Some(inode),
                _ => false,
            }
    })
}

pub(super) fn sockets(checkpoint: &Checkpoint, pid: Option<u32>) -> Table {
    let columns = [
        spare(col("FAMILY"), 3),
        col("PROTO"),
        spare(col("STATE"), 1),
        spare(num("RECV-Q"), 2),
        spare(num("SEND-Q"), 2),
        col("HELD BY"),
        col("LOCAL"),
        col("REMOTE"),
    ];
    let all = checkpoint.sockets();
    let mut table = Table::new(format!("sockets of {}", of(checkpoint, pid)), &columns).empty("no sockets");
    for s in all.iter().filter(|s| pid.is_none_or(|pid| s.holders.iter().any(|h| h.pid == pid))) {
        let queue = |n: Option<u64>| {
            let cell = number(n);
            if n.is_some_and(|n| n > 0) { cell.role(Role::Warn) } else { cell }
        };
        let holders: Vec<String> = s.holders.iter().map(|h| format!("{}/{}", h.pid, h.fd)).collect();
        let state = known(s.state);
        let state = match s.state {
            Some("ESTABLISHED") => state.role(Role::Good),
            Some("LISTEN") => state.role(Role::Shared),
            _ => state,
        };
        let cells = vec![
            Cell::new(s.family.as_str()),
            known(s.protocol.clone().or_else(|| s.kind.map(str::to_owned))),
            state,
            queue(s.receive_queue),
            queue(s.send_queue),
            Cell::new(holders.join(" ")),
            Cell::new(local(s)),
            Cell::new(remote(s)),
        ];
        table.push(jumps(Row::new(cells).key(s.file_id.to_string()), s, &all, pid));
    }
    table
}

fn jumps(mut row: Row, s: &Socket, all: &[Socket], pid: Option<u32>) -> Row {
    if let Some(peer) = peer(all, s) {
        // The peer's row is in the list of who holds it.
        let holder = peer.holders.first().map(|h| h.pid);
        let place = Place::new(if pid.is_some() { holder } else { None }, View::Sockets);
        row = row.jump("the other end", place.row(peer.file_id.to_string()));
    }
    for h in s.holders.iter().take(32) {
        let place = Place::new(Some(h.pid), View::Files).row(format!("{}/{}", h.pid, h.fd));
        row = row.jump(format!("descriptor {} of {}", h.fd, h.pid), place);
    }
    if s.receive_queue.unwrap_or(0) > 0 || s.send_queue.unwrap_or(0) > 0 || !s.messages.is_empty() {
        row = row.jump("bytes in queues", Place::new(None, View::Contents));
    }
    row.jump("who talks to whom", Place::new(None, View::Graph).row(s.file_id.to_string()))
        .jump("the record", Place::of(Source::Member(b"checkpoint/files.img".to_vec()), View::Record))
}

/// Draws connections as lines: inside the container from process to process, then to the outside.
pub(super) fn graph(checkpoint: &Checkpoint, pid: Option<u32>) -> Table {
    let all = checkpoint.sockets();
    let mut table =
        Table::lines(format!("who talks to whom: {}", of(checkpoint, pid))).empty("no sockets: nobody talks");
    let names: HashMap<u32, String> =
        checkpoint.pids().into_iter().map(|p| (p, of(checkpoint, Some(p)))).collect();
    let mine = |s: &Socket| pid.is_none_or(|pid| s.holders.iter().any(|h| h.pid == pid));
    let mut seen: Vec<u32> = Vec::new();
    let mut inside: Vec<Row> = Vec::new();
    let mut outside: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    let mut listening: Vec<Row> = Vec::new();
    let mut rest: Vec<Row> = Vec::new();
    for s in &all {
        let peer = peer(&all, s);
        if seen.contains(&s.file_id) || !(mine(s) || peer.is_some_and(mine)) {
            continue;
        }
        seen.push(s.file_id);
        let proto = s.protocol.clone().or_else(|| s.kind.map(str::to_owned)).unwrap_or_default();
        let proto = escape(&proto).into_owned();
        let who = |s: &Socket| who(s, &names);
        let go = |row: Row| row.jump("socket", Place::new(None, View::Sockets).row(s.file_id.to_string()));
        let key = s.file_id.to_string();
        let waiting = |s: &Socket| match s.receive_queue {
            Some(n) if n > 0 => format!("  {n} bytes unread"),
            _ => String::new(),
        };
        if let Some(peer) = peer {
            seen.push(peer.file_id);
            let top = format!("  {}", who(s));
            let line = format!("    │ {} {}{}", proto, local(s), waiting(s));
            let end = format!("    │ {} {}{}", proto, local(peer), waiting(peer));
            inside.push(go(Row::new(vec![Cell::new(top).role(Role::Strong)]).key(key)));
            inside.push(go(Row::line(line)));
            inside.push(go(Row::line(end)));
            let place = Place::new(None, View::Sockets).row(peer.file_id.to_string());
            inside.push(
                Row::new(vec![Cell::new(format!("  {}", self::who(peer, &names))).role(Role::Strong)])
                    .key(peer.file_id.to_string())
                    .jump("socket", place),
            );
            inside.push(Row::line(""));
        } else if s.remote.is_some() {
            let address = s.remote.as_ref().map(|r| r.address.to_string()).unwrap_or_default();
            let state = s.state.unwrap_or("");
            let line =
                format!("    ├─ {} {} ─▶ {}  {state}  {}{}", proto, local(s), remote(s), who(s), waiting(s));
            outside.entry(address).or_default().push(go(Row::line(line).key(key)));
        } else if s.state == Some("LISTEN")
            || (s.local.as_ref().is_some_and(|l| l.port.is_some_and(|p| p != 0)))
        {
            let line = format!("  {:<6} {:<28} ◀─ {}", proto, local(s), who(s));
            listening.push(go(Row::line(line).key(key)));
        } else {
            let line = format!("  {:<8} {:<8} {}  {}", s.family.as_str(), proto, local(s), who(s));
            rest.push(go(Row::line(line).key(key)));
        }
    }
    let mut section = |title: &str, rows: Vec<Row>| {
        if rows.is_empty() {
            return;
        }
        table.push(Row::heading(title));
        for row in rows {
            table.push(row);
        }
        table.push(Row::line(""));
    };
    section("inside the container", inside);
    for (address, rows) in outside {
        section(&format!("with {address}"), rows);
    }
    section("waiting for others", listening);
    section("sockets without a peer here", rest);
    table
}

fn who(s: &Socket, names: &HashMap<u32, String>) -> String {
    let mut by_pid: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for h in &s.holders {
        by_pid.entry(h.pid).or_default().push(h.fd.to_string());
    }
    if by_pid.is_empty() {
        return "nobody (in a queue, or its descriptor table is missing)".to_owned();
    }
    let list: Vec<String> = by_pid
        .into_iter()
        .map(|(pid, fds)| {
            let name = names.get(&pid).cloned().unwrap_or_else(|| pid.to_string());
            format!("{name} (fd {})", fds.join(","))
        })
        .collect();
    list.join(", ")
}
