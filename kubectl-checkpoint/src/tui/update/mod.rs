//! What a message does to the model, and which work it starts. Nothing here draws, reads or waits.

mod action;
pub(crate) mod cluster;
mod command;
mod hexkeys;
mod mouse;
mod typing;

use super::message::{Content, Effect, Message};
use super::model::{Model, Pane, Sheet, Shown, State};
use super::place::{Place, View};
use super::table::{Cursor, Row};

pub(crate) use command::NAMES;
pub(crate) use hexkeys::query_of;

/// Matches that are kept; more are counted.
pub(crate) const KEPT_MATCHES: usize = 10_000;

/// Takes in a message.
pub(crate) fn update(model: &mut Model, message: Message) -> Vec<Effect> {
    let mut effects = take_in(model, message);
    effects.extend(typing::catch_up(model));
    effects
}

fn take_in(model: &mut Model, message: Message) -> Vec<Effect> {
    match message {
        Message::Key(key) => typing::key(model, key),
        Message::Paste(text) => typing::paste(model, &text),
        Message::Mouse(event) => mouse::mouse(model, event),
        Message::Resize(width, height) => resize(model, (width, height)),
        Message::Unpacking { tab, read, total, members } => {
            // A last beat may come after the end.
            if let Some(tab) = model.by_id(tab).filter(|t| matches!(t.state, State::Opening { .. })) {
                tab.state = State::Opening { read, total, members };
            }
            Vec::new()
        }
        Message::Opened { tab, archive, complete } => {
            let rows = model.areas().tree_rows();
            let Some(t) = model.by_id(tab) else { return Vec::new() };
            let first = !t.usable;
            t.usable = true;
            t.about = archive.about;
            t.memory_bytes = archive.memory_bytes;
            t.tentative = archive.tentative;
            let (selected, top) = (t.tree.pid(), t.tree.top);
            let marks: Vec<_> = t.tree.branches.drain(..).map(|b| (b.pid, b.marks)).collect();
            t.tree = archive.tree;
            for (pid, marks) in marks {
                if let Some(branch) = t.tree.branches.iter_mut().find(|b| b.pid == pid) {
                    branch.marks = marks;
                }
            }
            if complete {
                t.state = State::Open;
            }
            if !first {
                // The tree may be in another order than before.
                t.tree.top = top;
                t.tree.select(selected, rows);
            }
            // What was shown came of a part of the archive.
            if tab == model.tab().id { reload(model) } else { Vec::new() }
        }
        Message::Failed { tab, why } => {
            if let Some(t) = model.by_id(tab) {
                t.state = State::Failed(why.clone());
                if !t.usable {
                    t.shown = Shown::Failed(why);
                    t.ahead.clear();
                }
            }
            Vec::new()
        }
        Message::Marks { tab, marks } => {
            if let Some(tab) = model.by_id(tab) {
                for (pid, marks) in marks {
                    if let Some(branch) = tab.tree.branches.iter_mut().find(|b| b.pid == pid) {
                        branch.marks = marks;
                    }
                }
            }
            Vec::new()
        }
        Message::Loaded { tab, request, content } => loaded(model, tab, request, content),
        Message::More { tab, request, rows } => {
            if let Some(tab) = model.by_id(tab).filter(|t| t.request == request)
                && let Shown::Sheet(sheet) = &mut tab.shown
            {
                append(sheet, rows);
                let wanted = tab.place.row.clone();
                if let Some(key) = wanted
                    && sheet.cursor.selected == 0
                {
                    sheet.cursor.select(&sheet.table, &key);
                }
            }
            Vec::new()
        }
        Message::Done { tab, request, note } => {
            if let Some(tab) = model.by_id(tab).filter(|t| t.request == request) {
                tab.loading = false;
                if let Shown::Sheet(sheet) = &mut tab.shown {
                    sheet.table.note = note;
                }
            }
            Vec::new()
        }
        Message::Pages { tab, request, pages } => {
            let Some(t) = model.by_id(tab).filter(|t| t.request == request) else { return Vec::new() };
            let Shown::Hex(hex) = &mut t.shown else { return Vec::new() };
            hex.fill(pages);
            hex.waiting = false;
            if tab == model.tab().id { model.read_bytes() } else { Vec::new() }
        }
        Message::FoundAt { tab, request, address } => found_at(model, tab, request, address),
        Message::Matches { tab, search, rows, found, scanned } => {
            if let Some(tab) = model.by_id(tab).filter(|t| t.results.id == search) {
                let results = &mut tab.results;
                results.found = found;
                results.scanned = scanned;
                let room = KEPT_MATCHES.saturating_sub(results.sheet.table.rows.len());
                append(&mut results.sheet, rows.into_iter().take(room).collect());
            }
            Vec::new()
        }
        Message::Searched { tab, search, result, warnings } => {
            let Some(t) = model.by_id(tab).filter(|t| t.results.id == search) else {
                return Vec::new();
            };
            let results = &mut t.results;
            results.running = false;
            "nowhere in what this evidence holds".clone_into(&mut results.sheet.table.empty);
            let stopped = results.cancel.is_stopped();
            let found = results.found;
            results.problem = result.err();
            let unread = match warnings {
                0 => String::new(),
                n => format!("; {n} places could not be read (:warnings)"),
            };
            if let Some(problem) = results.problem.clone() {
                model.complain(problem);
            } else if stopped {
                model.say(format!("search stopped after {found} matches"));
            } else {
                model.say(format!("search done: {found} matches{unread}"));
            }
            Vec::new()
        }
        Message::Listed { .. }
        | Message::Examined { .. }
        | Message::Told { .. }
        | Message::Ticked { .. }
        | Message::Captured { .. } => cluster::message(model, message),
        // Whoever has the terminal ends before it comes here.
        Message::Signal(_) => vec![Effect::Quit],
        Message::Resolved { tab, pid, address } => {
            // Who is elsewhere by now is not called back.
            if model.tab().id != tab {
                return Vec::new();
            }
            match address {
                Ok(address) => model.visit(Place::hex(pid, address)),
                Err(why) => {
                    model.complain(why);
                    Vec::new()
                }
            }
        }
        Message::Written(Ok(text)) => {
            model.say(text);
            Vec::new()
        }
        Message::Written(Err(why)) => {
            model.complain(why);
            Vec::new()
        }
    }
}

fn append(sheet: &mut Sheet, rows: Vec<Row>) {
    let from = sheet.table.rows.len();
    for row in rows {
        sheet.table.push(row);
    }
    sheet.cursor.extend(&sheet.table, from);
}

/// Reads the page again, and stays where one is. Until it is there the page as
/// it was takes the keys.
pub(crate) fn reload(model: &mut Model) -> Vec<Effect> {
    let place = model.here_precisely();
    model.load(place)
}

fn loaded(model: &mut Model, tab: usize, request: u64, content: Result<Box<Content>, String>) -> Vec<Effect> {
    let current = tab == model.tab().id;
    let Some(t) = model.by_id(tab).filter(|t| t.request == request) else { return Vec::new() };
    match content.map(|c| *c) {
        Err(why) => {
            t.loading = false;
            t.stale = false;
            t.ahead.clear();
            t.shown = Shown::Failed(why);
            Vec::new()
        }
        Ok(Content::Table(table)) => {
            let mut cursor = Cursor::default();
            if let (true, Shown::Sheet(before)) = (std::mem::take(&mut t.stale), &t.shown) {
                cursor = before.cursor.carried(&before.table, &table);
                t.place.row = before.cursor.row(&before.table).map(|r| r.key.clone());
            } else {
                cursor.arrange(&table);
                // Headings lead nowhere.
                let first = table.rows.iter().position(|r| !r.heading).unwrap_or(0);
                cursor.selected = first;
                if let Some(key) = t.place.row.clone() {
                    cursor.select(&table, &key);
                }
            }
            t.shown = Shown::Sheet(Sheet { table, cursor });
            if current {
                let rows = model.areas().table_rows(model);
                if let Some(sheet) = model.sheet_mut() {
                    sheet.cursor.show(rows);
                    if sheet.cursor.selected <= 1 {
                        sheet.cursor.top = 0;
                    }
                }
            }
            Vec::new()
        }
        Ok(Content::Hex(mut hex)) => {
            t.loading = false;
            if let (true, Shown::Hex(before)) = (std::mem::take(&mut t.stale), &t.shown) {
                (hex.cursor, hex.top) = (before.cursor, before.top);
                (hex.mark, hex.needle) = (before.mark, before.needle.clone());
                t.place.address = Some(before.cursor);
            }
            let wanted = t.place.address.unwrap_or(hex.cursor);
            if !current {
                hex.cursor = wanted;
                t.shown = Shown::Hex(hex);
                return Vec::new();
            }
            t.shown = Shown::Hex(hex);
            let areas = model.areas();
            if let Shown::Hex(hex) = &mut model.tab_mut().shown {
                hex.top = wanted;
                let known = hex.region_at(wanted).is_some();
                hex.go(wanted, areas.hex_rows(), areas.hex_width());
                // A line of context above, if there is one.
                hex.top = hex.step_lines(hex.line_of(hex.cursor, areas.hex_width()), -2, areas.hex_width());
                hex.top = hex.line_of(hex.top, areas.hex_width());
                if !known {
                    let at = hex.cursor;
                    model.complain(format!("nothing is mapped at {wanted:#x}; the nearest is {at:#x}"));
                }
            }
            model.read_bytes()
        }
    }
}

fn found_at(
    model: &mut Model,
    tab: usize,
    request: u64,
    address: Result<Option<u64>, String>,
) -> Vec<Effect> {
    let areas = model.areas();
    let current = tab == model.tab().id;
    let Some(t) = model.by_id(tab).filter(|t| t.request == request) else { return Vec::new() };
    let stopped = t.finding.is_stopped();
    let Shown::Hex(hex) = &mut t.shown else { return Vec::new() };
    hex.searching = false;
    match address {
        Ok(Some(address)) => {
            hex.go(address, areas.hex_rows(), areas.hex_width());
            if current { model.read_bytes() } else { Vec::new() }
        }
        Ok(None) => {
            let shown = hex.needle.as_ref().map(|n| n.shown.clone()).unwrap_or_default();
            if !stopped {
                model.complain(format!("{shown} is not there, in that direction"));
            }
            Vec::new()
        }
        Err(why) => {
            model.complain(why);
            Vec::new()
        }
    }
}

fn resize(model: &mut Model, size: (u16, u16)) -> Vec<Effect> {
    model.size = size;
    let areas = model.areas();
    let rows = areas.table_rows(model);
    let tab = model.tab_mut();
    tab.tree.go(tab.tree.selected, areas.tree_rows());
    if let Some(sheet) = tab.sheet_mut() {
        sheet.cursor.show(rows);
    }
    if let Shown::Hex(hex) = &mut tab.shown {
        hex.go(hex.cursor, areas.hex_rows(), areas.hex_width());
    }
    model.read_bytes()
}

/// Shows the same view of what is selected in the tree.
pub(crate) fn follow_tree(model: &mut Model) -> Vec<Effect> {
    let tab = model.tab();
    let pid = tab.tree.pid();
    if tab.cluster.is_some() {
        let effects = model.show(Place::new(pid, View::Containers));
        model.tab_mut().pane = Pane::Tree;
        return effects;
    }
    if tab.place.pid == pid && !tab.place.view.is_of_container() {
        return Vec::new();
    }
    let view = match tab.place.view {
        view if view.is_of_container() => View::Overview,
        // The container has no memory of its own.
        View::Hex | View::Memory if pid.is_none() => View::Overview,
        view => view,
    };
    let effects = model.show(Place::new(pid, view));
    model.tab_mut().pane = Pane::Tree;
    effects
}
