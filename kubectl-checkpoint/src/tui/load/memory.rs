//! The memory map and the texts in memory.

use std::ops::ControlFlow;

use libforensic::Checkpoint;
use libforensic::analysis::scope::Scope;
use libforensic::analysis::search::Encoding;
use libforensic::analysis::strings::{MINIMUM, Strings};
use libforensic::memory::PageCounts;
use libforensic::model::{Mapping, MappingKind};

use super::super::message::{Cancel, Content};
use super::super::place::{Place, View};
use super::super::table::{Cell, Patch, Row, Table, col, num, spare};
use super::super::theme::Role;
use super::{Part, Sink, absent, maybe, of, text};

/// Letter and role of a kind of mapping.
pub(super) fn kind_letter(mapping: &Mapping) -> (char, Role) {
    let executable = mapping.perms.contains('x');
    match mapping.kind {
        MappingKind::Heap => ('H', Role::Heap),
        MappingKind::Stack => ('S', Role::Stack),
        MappingKind::File if executable => ('C', Role::Code),
        MappingKind::File => ('F', Role::Data),
        MappingKind::Anonymous | MappingKind::Uprobes => ('A', Role::Anonymous),
        MappingKind::Memfd => ('M', Role::Shared),
        MappingKind::Sysv | MappingKind::SharedAnonymous => ('s', Role::Shared),
        MappingKind::Vdso | MappingKind::Vvar | MappingKind::Vsyscall => ('k', Role::Kernel),
        MappingKind::Guard => ('g', Role::Absent),
        MappingKind::Aio | MappingKind::Socket => ('r', Role::Kernel),
        _ => ('?', Role::Dim),
    }
}

pub(super) fn map(checkpoint: &Checkpoint, pid: Option<u32>) -> anyhow::Result<Table> {
    let Some(pid) = pid else { return Ok(processes(checkpoint)) };
    let columns = [
        col("START"),
        spare(col("END"), 3),
        col("PERMS"),
        num("SIZE"),
        spare(num("DUMPED"), 1),
        spare(col("KIND"), 4),
        col("PATH"),
    ];
    let mappings = checkpoint.mappings(pid)?;
    let mut table = Table::new(format!("memory map of {}", of(checkpoint, Some(pid))), &columns)
        .empty("no memory: the process had ended, or its images are missing");
    for m in &mappings {
        table.strip.push(patch(m));
        table.push(row(checkpoint, m));
    }
    Ok(table)
}

fn patch(m: &Mapping) -> Patch {
    let (letter, role) = kind_letter(m);
    let PageCounts { dumped, parent, zero, file, absent } = m.pages;
    let shared = m.perms.ends_with('s');
    let layers = [
        (if shared { 'S' } else { 'D' }, if shared { Role::Shared } else { Role::Good }, dumped),
        ('P', Role::Stack, parent),
        ('0', Role::Dim, zero),
        ('f', Role::Dim, file),
        ('?', Role::Absent, absent),
    ];
    Patch {
        start: m.start,
        end: m.end,
        letter,
        role,
        perms: m.perms.clone(),
        layers: layers.into_iter().filter(|l| l.2 > 0).collect(),
        key: format!("{:x}", m.start),
    }
}

fn row(checkpoint: &Checkpoint, m: &Mapping) -> Row {
    let deleted = m.deleted == Some(true);
    let path = match &m.path {
        Some(path) if deleted => Cell::new(format!("{} (deleted)", text(path))).role(Role::Warn),
        Some(path) => Cell::new(text(path)),
        None => absent(),
    };
    let perms = Cell::new(m.perms.clone());
    let perms = if m.perms.starts_with("rwx") { perms.role(Role::Bad) } else { perms };
    let dumped = m.pages.dumped.saturating_add(m.pages.parent);
    let dumped = if dumped == 0 { absent() } else { Cell::number(dumped) };
    let cells = vec![
        Cell::address(m.start),
        Cell::address(m.end),
        perms,
        Cell::bytes(m.size()),
        dumped,
        Cell::new(m.kind.as_str()).role(kind_letter(m).1),
        path,
    ];
    let mut row = Row::new(cells).key(format!("{:x}", m.start)).jump("bytes", Place::hex(m.pid, m.start));
    row = row.jump("end of the mapping", Place::hex(m.pid, m.end.saturating_sub(1)));
    // A mapped file may be open, too.
    if matches!(m.kind, MappingKind::File | MappingKind::Memfd)
        && let (Some(path), Ok(list)) = (&m.path, checkpoint.descriptors(m.pid))
    {
        for d in list.iter().filter(|d| d.path.as_ref() == Some(path) || d.target.as_ref() == Some(path)) {
            let place = Place::new(Some(m.pid), View::Files).row(format!("{}/{}", m.pid, d.fd));
            row = row.jump(format!("descriptor {}", d.fd), place);
        }
    }
    row
}

/// Memory of all processes, one row each.
fn processes(checkpoint: &Checkpoint) -> Table {
    let columns = [
        num("PID"),
        col("NAME"),
        num("MAPPINGS"),
        num("MAPPED"),
        num("DUMPED"),
        spare(num("SHARED"), 1),
        spare(col("WRITABLE+EXECUTABLE"), 2),
    ];
    let mut table = Table::new("memory of all processes", &columns);
    for pid in checkpoint.pids() {
        let (Ok(mappings), Ok(task)) = (checkpoint.mappings(pid), checkpoint.task(pid)) else { continue };
        let mut mapped = 0_u64;
        let mut dumped = 0_u64;
        let mut shared = 0_u64;
        let page = checkpoint.page_size();
        for m in &mappings {
            mapped = mapped.saturating_add(m.size());
            dumped = dumped.saturating_add(m.pages.dumped.saturating_mul(page));
            if m.perms.ends_with('s') {
                shared = shared.saturating_add(m.size());
            }
        }
        let rwx = mappings.iter().filter(|m| m.perms.starts_with("rwx")).count();
        let rwx = if rwx == 0 { absent() } else { Cell::number(rwx as u64).role(Role::Bad) };
        table.push(
            Row::new(vec![
                Cell::number(pid),
                maybe(task.comm.as_ref()),
                Cell::number(mappings.len() as u64),
                Cell::bytes(mapped),
                Cell::bytes(dumped),
                Cell::bytes(shared),
                rwx,
            ])
            .jump("memory map", Place::new(Some(pid), View::Memory)),
        );
    }
    table
}

/// Texts that are listed at once; more are on the next page.
const TEXTS: u64 = 10_000;
/// Longest text in a list, in characters; the bytes show the rest.
const SHOWN: usize = 400;

pub(super) fn strings(
    checkpoint: &Checkpoint,
    place: &Place,
    cancel: &Cancel,
    sink: &mut Sink,
) -> anyhow::Result<()> {
    let least = place.least.unwrap_or(MINIMUM);
    let scope = scope(place.pid);
    let strings = Strings::new(least, &[Encoding::Ascii]).scope(scope);
    cancel.watch(&strings.progress());
    let columns = [num("PID"), col("ADDRESS"), spare(col("WHERE"), 1), col("TEXT")];
    let title = format!("text of {least} characters and more in {}", of(checkpoint, place.pid));
    sink(Part::Content(Content::Table(Table::new(title, &columns).empty("no text"))));
    let mut number = 0_u64;
    let mut batch = Vec::new();
    let end = place.skip.saturating_add(TEXTS);
    let mut more = false;
    strings.run(checkpoint, &mut |found| {
        number += 1;
        if cancel.is_stopped() {
            return ControlFlow::Break(());
        }
        if number <= place.skip {
            return ControlFlow::Continue(());
        }
        if number > end {
            more = true;
            return ControlFlow::Break(());
        }
        let m = &found.place;
        let shown: String = m.text().chars().take(SHOWN).collect();
        let cut = if found.cut || m.text().chars().count() > SHOWN { "…" } else { "" };
        let cells = vec![
            m.pid.map_or_else(absent, Cell::number),
            Cell::address(m.address),
            Cell::new(super::search::place(m)),
            Cell::new(format!("{}{cut}", crate::output::escape(&shown))),
        ];
        let row = Row::new(cells).key(format!("{}/{:x}", m.pid.unwrap_or(0), m.address));
        batch.push(super::search::with_jumps(row, m));
        if batch.len() == 512 {
            sink(Part::Rows(std::mem::take(&mut batch)));
        }
        ControlFlow::Continue(())
    })?;
    if more {
        let mut next = place.clone();
        next.skip = end;
        next.row = None;
        let label = format!("the next {TEXTS}");
        let cells = vec![
            Cell::new(""),
            Cell::new("more …").role(Role::Warn),
            Cell::new(""),
            Cell::new(label.clone()),
        ];
        batch.push(Row::new(cells).key("more").jump(label, next));
    }
    sink(Part::Rows(batch));
    if place.skip > 0 || more {
        sink(Part::Note(format!(
            "texts {} to {}{}",
            place.skip + 1,
            number.min(end),
            if more { ", more follow" } else { "" }
        )));
    }
    Ok(())
}

/// What belongs to a process, or everything.
pub(super) fn scope(pid: Option<u32>) -> Scope {
    let mut scope = Scope::default();
    scope.pids = pid.into_iter().collect();
    scope
}
