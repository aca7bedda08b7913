//! Files that the archive holds, and other bytes outside memory.

use std::ops::ControlFlow;

use libforensic::Checkpoint;
use libforensic::analysis::extract::objects;
use libforensic::analysis::sources::{Holding, SourceKind, holdings};
use libforensic::archive::MemberKind;

use super::super::place::{Place, Source, View};
use super::super::table::{Cell, Row, Table, col, num, spare};
use super::super::theme::Role;
use super::{absent, known, maybe, text};
use crate::output::escape_bytes;

/// The changed files as a tree, then deleted ones, tmpfs and volumes.
pub(super) fn rootfs(checkpoint: &Checkpoint) -> Table {
    let columns = [
        col("FILE"),
        num("SIZE"),
        spare(col("MODE"), 1),
        spare(num("UID"), 3),
        spare(num("GID"), 3),
        spare(col("CHANGED"), 2),
        col("LINK"),
    ];
    let mut table = Table::new("changed files, tmpfs and volumes", &columns)
        .empty("the archive holds no changes to the root file system");
    let archive = checkpoint.archive();
    if let Some(member) = archive.member(b"deleted.files")
        && let Ok(bytes) = archive.read(member)
        && let Ok(serde_json::Value::Array(list)) = serde_json::from_slice(&bytes)
        && !list.is_empty()
    {
        table.push(Row::heading("deleted in the container"));
        for name in list.iter().filter_map(serde_json::Value::as_str) {
            let cell = Cell::new(crate::output::escape(name).into_owned()).role(Role::Warn);
            table.push(Row::new(vec![cell]));
        }
    }
    for member in archive.members() {
        let name = member.name.as_slice();
        let title = match member.base_name() {
            b"rootfs-diff.tar" => "changed in the root file system".to_owned(),
            _ if name.starts_with(b"volumes/") && name.ends_with(b".tar") => {
                format!("volume {}", escape_bytes(member.base_name()))
            }
            _ => continue,
        };
        let Ok(nested) = archive.nested(member) else {
            table.push(Row::heading(format!("{title}: not readable")));
            continue;
        };
        table.push(Row::heading(title));
        let mut members: Vec<_> = nested.members().iter().collect();
        members.sort_by(|a, b| a.name.cmp(&b.name));
        let mut parents: Vec<&[u8]> = Vec::new();
        for m in members {
            if m.name.is_empty() {
                continue;
            }
            // A file stands below its directory, as far as the tar has one.
            parents.retain(|p| m.name.strip_prefix(*p).is_some_and(|rest| rest.first() == Some(&b'/')));
            let shown = match parents.last() {
                Some(p) => m.name.get(p.len() + 1..).unwrap_or(&m.name),
                None => &m.name,
            };
            let directory = m.kind == MemberKind::Directory;
            let indent = "  ".repeat(parents.len().min(20) + 1);
            let mode = m.mode.unwrap_or(0);
            let label = format!("{indent}{}{}", escape_bytes(shown), if directory { "/" } else { "" });
            let role = if mode & 0o6000 != 0 && !directory {
                Role::Warn
            } else if directory {
                Role::Strong
            } else {
                Role::Plain
            };
            let cells = vec![
                Cell::new(label).role(role),
                if directory { Cell::new("") } else { Cell::bytes(m.size) },
                known(m.mode.map(|m| format!("{:04o}", m & 0o7777))),
                known(m.uid),
                known(m.gid),
                known(m.mtime.and_then(when)),
                maybe(m.link.clone().map(libforensic::model::Text::new).as_ref()),
            ];
            let mut object = b"/".to_vec();
            object.extend_from_slice(&m.name);
            let source = Source::Holding { member: member.name.clone(), object };
            let mut row = Row::new(cells).key(escape_bytes(&m.name).into_owned());
            if m.kind == MemberKind::File && m.size > 0 {
                row = row
                    .jump("text", Place::of(source.clone(), View::Log))
                    .jump("bytes", Place::bytes(source, 0));
            }
            table.push(row);
            if directory {
                parents.push(&m.name);
            }
        }
    }
    tmpfs(checkpoint, &mut table);
    table
}

fn tmpfs(checkpoint: &Checkpoint, table: &mut Table) {
    let mut mountpoint = None;
    for f in checkpoint.tmpfs_files() {
        if mountpoint.as_ref() != Some(&f.mountpoint) {
            let name = f.mountpoint.as_ref().map_or_else(|| "not mounted".to_owned(), text);
            table.push(Row::heading(format!("tmpfs {name}")));
            mountpoint = Some(f.mountpoint.clone());
        }
        let file = f.kind == "file";
        let cells = vec![
            Cell::new(format!("  {}", text(&f.path))),
            if file { Cell::bytes(f.size) } else { Cell::new("") },
            known(f.mode.map(|m| format!("{:04o}", m & 0o7777))),
            known(f.uid),
            known(f.gid),
            known(f.modified.as_ref()),
            maybe(f.link.as_ref()),
        ];
        let source =
            Source::Holding { member: f.member.clone().into_bytes(), object: f.path.as_bytes().to_vec() };
        let mut row = Row::new(cells).key(text(&f.path));
        if file && f.size > 0 {
            row =
                row.jump("text", Place::of(source.clone(), View::Log)).jump("bytes", Place::bytes(source, 0));
        }
        table.push(row);
    }
}

/// Seconds since the epoch as a time.
fn when(seconds: i64) -> Option<String> {
    jiff::Timestamp::from_second(seconds).ok().map(|t| t.to_string())
}

/// Everything with bytes outside memory: deleted files, pipes, queues, files of trees, logs.
pub(super) fn contents(checkpoint: &Checkpoint) -> Table {
    let columns = [col("WHAT"), num("SIZE"), spare(col("MEMBER"), 1), col("NAME")];
    let mut table = Table::new("bytes outside memory", &columns).empty("nothing but memory");
    // Whole segments, whether or not a process maps them.
    objects(checkpoint, &mut |o| {
        if !matches!(o.source, SourceKind::SharedMemory | SourceKind::Memfd) {
            return ControlFlow::Break(());
        }
        let name = o.name.as_ref().map_or_else(|| "-".to_owned(), text);
        let cells = vec![
            Cell::new(o.source.as_str()),
            o.size.map_or_else(absent, Cell::bytes),
            Cell::new(text(&o.member)),
            Cell::new(name.clone()),
        ];
        let object = o.name.as_ref().map(|n| n.as_bytes().to_vec()).unwrap_or_default();
        let source = Source::Holding { member: o.member.as_bytes().to_vec(), object };
        table.push(jumps(Row::new(cells).key(format!("{} {name}", text(&o.member))), source));
        ControlFlow::Continue(())
    });
    holdings(checkpoint, &mut |h: Holding| {
        let member = h.member.as_bytes().to_vec();
        let name = h.object.as_ref().unwrap_or(&h.member);
        let source = match &h.object {
            Some(object) => Source::Holding { member, object: object.as_bytes().to_vec() },
            None => Source::Member(member),
        };
        let cells = vec![
            Cell::new(h.kind.as_str()),
            Cell::bytes(h.data.len()),
            Cell::new(text(&h.member)),
            Cell::new(text(name)),
        ];
        table.push(jumps(Row::new(cells).key(format!("{} {}", text(&h.member), text(name))), source));
    });
    table
}

fn jumps(row: Row, source: Source) -> Row {
    row.jump("bytes", Place::bytes(source.clone(), 0)).jump("text", Place::of(source, View::Log))
}
