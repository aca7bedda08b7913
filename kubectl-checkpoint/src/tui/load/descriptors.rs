//! Open files.

use std::collections::HashMap;
use std::ops::ControlFlow;

use libforensic::Checkpoint;
use libforensic::analysis::extract::objects;
use libforensic::analysis::sources::SourceKind;
use libforensic::model::{DescriptorKind, FileDescriptor};

use super::super::place::{Place, Source, View};
use super::super::table::{Cell, HIDDEN, Row, Table, col, num, spare};
use super::super::theme::Role;
use super::{absent, known, number, of, pids, text};
use crate::evidence::mode;

pub(super) fn files(checkpoint: &Checkpoint, pid: Option<u32>) -> anyhow::Result<Table> {
    let columns = [
        spare(num("PID"), if pid.is_some() { HIDDEN } else { 0 }),
        num("FD"),
        col("TYPE"),
        col("MODE"),
        spare(num("POS"), 2),
        spare(num("SIZE"), 1),
        spare(num("QUEUED"), 3),
        col("TARGET"),
    ];
    let mut table = Table::new(format!("open files of {}", of(checkpoint, pid)), &columns)
        .empty("no open files: the process had ended, or its descriptor table is missing");
    let targets = targets(checkpoint);
    for pid in pids(checkpoint, pid) {
        for d in checkpoint.descriptors(pid)? {
            table.push(row(checkpoint, &d, &targets));
        }
    }
    Ok(table)
}

/// Everything with bytes outside memory, by the path or name it goes by.
fn targets(checkpoint: &Checkpoint) -> HashMap<Vec<u8>, Source> {
    let mut map = HashMap::new();
    // Of memfds with one name none is the one that is meant.
    let mut shared: HashMap<Vec<u8>, Vec<Source>> = HashMap::new();
    objects(checkpoint, &mut |o| {
        if !matches!(o.source, SourceKind::SharedMemory | SourceKind::Memfd) {
            return ControlFlow::Break(());
        }
        if let (SourceKind::Memfd, Some(name)) = (o.source, &o.name) {
            let object = name.as_bytes().to_vec();
            let source = Source::Holding { member: o.member.as_bytes().to_vec(), object: object.clone() };
            shared.entry(object).or_default().push(source);
        }
        ControlFlow::Continue(())
    });
    map.extend(shared.into_iter().filter_map(|(name, list)| match <[Source; 1]>::try_from(list) {
        Ok([one]) => Some((name, one)),
        Err(_) => None,
    }));
    libforensic::analysis::sources::holdings(checkpoint, &mut |holding| {
        if let Some(object) = holding.object {
            let source = Source::Holding {
                member: holding.member.as_bytes().to_vec(),
                object: object.as_bytes().to_vec(),
            };
            map.entry(object.as_bytes().to_vec()).or_insert(source);
        }
    });
    map
}

fn row(checkpoint: &Checkpoint, d: &FileDescriptor, targets: &HashMap<Vec<u8>, Source>) -> Row {
    let shown = d.target.as_ref().map_or_else(|| "-".to_owned(), text);
    let target = if d.deleted == Some(true) {
        Cell::new(format!("{shown} (deleted)")).role(Role::Warn)
    } else {
        Cell::new(shown)
    };
    let kind = known(d.kind.map(DescriptorKind::as_str));
    let kind = match d.kind {
        Some(DescriptorKind::Inet | DescriptorKind::Unix | DescriptorKind::Packet) => kind.role(Role::Shared),
        Some(DescriptorKind::Memfd | DescriptorKind::Tun) => kind.role(Role::Stack),
        _ => kind,
    };
    let queued = d.details.get("queuedBytes").and_then(serde_json::Value::as_u64).filter(|n| *n > 0);
    let cells = vec![
        Cell::number(d.pid),
        Cell::number(d.fd),
        kind,
        Cell::new(mode(d)),
        number(d.position),
        d.size.map_or_else(absent, Cell::bytes),
        queued.map_or_else(absent, |n| Cell::bytes(n).role(Role::Warn)),
        target,
    ];
    jumps(checkpoint, Row::new(cells).key(format!("{}/{}", d.pid, d.fd)), d, targets)
}

fn jumps(
    checkpoint: &Checkpoint,
    mut row: Row,
    d: &FileDescriptor,
    targets: &HashMap<Vec<u8>, Source>,
) -> Row {
    use DescriptorKind as K;
    if matches!(d.kind, Some(K::Inet | K::Unix | K::Netlink | K::Packet)) {
        row = row.jump("socket", Place::new(Some(d.pid), View::Sockets).row(format!("{}", d.file_id)));
        row = row.jump("who talks to whom", Place::new(None, View::Graph).row(format!("{}", d.file_id)));
    }
    // What is open may be mapped, too, by this process or another.
    if matches!(d.kind, Some(K::Regular | K::Memfd))
        && let Some(name) = d.path.as_ref().or(d.target.as_ref())
    {
        for pid in std::iter::once(d.pid).chain(checkpoint.pids().into_iter().filter(|p| *p != d.pid)) {
            let Ok(mappings) = checkpoint.mappings(pid) else { continue };
            if let Some(m) = mappings.iter().find(|m| m.path.as_ref() == Some(name)) {
                row = row.jump(format!("its bytes in memory of {pid}"), Place::hex(pid, m.start));
                row = row
                    .jump("its mapping", Place::new(Some(pid), View::Memory).row(format!("{:x}", m.start)));
                break;
            }
        }
    }
    // Contents that the dump has: of deleted files, tmpfs, changed files, pipes and queues.
    let pipe = d.raw_file.as_ref().and_then(|f| f.pipe.as_ref().and_then(|p| p.pipe_id));
    let fifo = d.raw_file.as_ref().and_then(|f| f.fifo.as_ref().and_then(|p| p.pipe_id));
    let names = [
        d.path.as_ref().map(|p| p.as_bytes().to_vec()),
        d.target.as_ref().filter(|_| d.kind == Some(K::Memfd)).map(|t| t.as_bytes().to_vec()),
        pipe.map(|id| format!("pipe {id}").into_bytes()),
        fifo.map(|id| format!("fifo {id}").into_bytes()),
        Some(format!("socket file {}", d.file_id).into_bytes()),
    ];
    for name in names.into_iter().flatten() {
        if let Some(source) = targets.get(&name) {
            row = row.jump("contents", Place::bytes(source.clone(), 0));
            // What Enter does is to open what one looks at.
            let last = row.jumps.len() - 1;
            row.jumps.swap(0, last);
        }
    }
    if let Some(sharing) = &d.sharing {
        for other in sharing.others.iter().take(16) {
            let place = Place::new(Some(other.pid), View::Files).row(format!("{}/{}", other.pid, other.fd));
            row = row.jump(format!("the same file: {}/{}", other.pid, other.fd), place);
        }
    }
    row.jump("the record", Place::of(Source::Member(b"checkpoint/files.img".to_vec()), View::Record))
}
