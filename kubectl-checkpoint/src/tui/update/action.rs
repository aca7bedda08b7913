//! What keys do.

use super::super::keys::Action;
use super::super::message::{Effect, Query};
use super::super::model::{Model, Pane, Pick, Popup, Shown};
use super::super::place::{Place, View};
use super::super::prompt::{Prompt, Purpose};
use super::{cluster, follow_tree, hexkeys, reload};

pub(crate) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    model.said = super::super::model::Said::default();
    match action {
        Action::Quit => return quit(model),
        Action::Help => model.popup = Popup::Help(0),
        Action::Command => model.prompt = Some(Prompt::new(Purpose::Command, "")),
        Action::Pane => {
            if model.areas().tree.width == 0 && !model.zoomed {
                // There is no room for it, or nothing in it that matters here.
                return if model.tab().cluster.is_some() {
                    cluster::view(model, View::Containers)
                } else {
                    Vec::new()
                };
            }
            if model.zoomed {
                model.zoomed = false;
                model.tab_mut().pane = Pane::Tree;
            } else {
                let tab = model.tab_mut();
                tab.pane = if tab.pane == Pane::Tree { Pane::Right } else { Pane::Tree };
            }
        }
        Action::Zoom => {
            model.zoomed = !model.zoomed;
            if model.zoomed {
                model.tab_mut().pane = Pane::Right;
            }
            let size = model.size;
            return super::resize(model, size);
        }
        Action::Views => views(model),
        Action::View(n) => {
            let there = model.tab().place.view.siblings().get(n).map(|i| i.view);
            return there.map_or_else(Vec::new, |there| view(model, there));
        }
        Action::Search | Action::Bookmark if model.tab().cluster.is_some() => {
            model.say("there is no archive in this tab; c captures one, :open FILE opens one");
        }
        Action::Capture => return cluster::ask(model),
        Action::NextView | Action::PreviousView => {
            let next = model.tab().place.view.neighbour(action == Action::NextView);
            return view(model, next);
        }
        Action::NextTab | Action::PreviousTab => return tab(model, action == Action::NextTab),
        Action::CloseTab => return close(model),
        Action::Back | Action::Forward => return history(model, action == Action::Back),
        Action::Search => {
            let text = shown_again(&model.tab().results.query);
            model.prompt = Some(Prompt::new(Purpose::Search, text));
        }
        Action::Bookmarks => {
            let place = Place::new(model.tab().place.pid, View::Bookmarks);
            return model.visit(place);
        }
        Action::Bookmark => {
            if bookmarkable(model) {
                model.prompt = Some(Prompt::new(Purpose::Note, ""));
            }
        }
        Action::Delete => delete(model),
        Action::Reload => return reload(model),
        // The terminal is cleared before the next frame.
        Action::Redraw => {}
        Action::Suspend if model.capture().is_some() => {
            model.say("a capture is under way; to stop the program would stop it, too");
        }
        Action::Suspend => return vec![Effect::Suspend],
        Action::Cancel => return cancel(model),
        Action::Filter => {
            if let Some(sheet) = model.tab().sheet() {
                let filter = sheet.cursor.filter.clone();
                model.prompt = Some(Prompt::new(Purpose::Filter, filter));
            }
        }
        Action::Find => model.prompt = Some(Prompt::new(Purpose::Find, "")),
        Action::Sort | Action::Reverse => sort(model, action == Action::Reverse),
        Action::Export => {
            let name = suggested(model);
            model.prompt = Some(Prompt::new(Purpose::Export, name));
        }
        _ => {
            return match (model.tab().pane, model.here()) {
                (_, super::super::keys::Where::Tree) => tree(model, action),
                (_, super::super::keys::Where::Hex) => hexkeys::act(model, action),
                _ => table(model, action),
            };
        }
    }
    Vec::new()
}

pub(crate) fn quit(model: &mut Model) -> Vec<Effect> {
    if model.unsaved && !model.leaving {
        model.leaving = true;
        model.prompt = Some(Prompt::new(Purpose::Leave, ""));
        return Vec::new();
    }
    if model.capture().is_some() {
        if model.abandoned {
            // Asked again: the clean-up is left, too.
            cluster::stop(model, "the user");
        } else {
            model.prompt = Some(Prompt::new(Purpose::Abandon, ""));
        }
        return Vec::new();
    }
    for tab in &model.tabs {
        tab.cancel.stop();
        tab.finding.stop();
        tab.results.cancel.stop();
    }
    vec![Effect::Quit]
}

/// Goes to a view of the process that is selected.
pub(crate) fn view(model: &mut Model, view: View) -> Vec<Effect> {
    let tab = model.tab();
    if tab.cluster.is_some() {
        return cluster::view(model, view);
    }
    let pid = if view.is_of_container() { tab.place.pid } else { tab.tree.pid() };
    let mut place = Place::new(pid, view);
    // Bytes are best looked at where something points to them.
    if view == View::Hex {
        if pid.is_none() {
            model
                .complain("hex shows the memory of a process: choose one in the tree, or a row in :contents");
            return Vec::new();
        }
        if let Some(row) = tab.sheet().and_then(|s| s.cursor.row(&s.table))
            && let Some((_, there)) = row.jumps.iter().find(|(_, p)| p.view == View::Hex && p.pid == pid)
        {
            place = there.clone();
        }
    }
    if tab.place.is_same_page(&place) && place.address.is_none() {
        model.tab_mut().pane = Pane::Right;
        return Vec::new();
    }
    model.visit(place)
}

fn views(model: &mut Model) {
    let tab = model.tab();
    let pid = tab.tree.pid();
    let current = tab.place.view;
    let listed: Vec<_> = current.siblings().iter().filter(|i| i.listed).collect();
    let selected = listed.iter().position(|i| i.view == current).unwrap_or(0);
    let items = listed
        .iter()
        .enumerate()
        .map(|(i, info)| {
            let key = if i < 9 { (i + 1).to_string() } else { " ".to_owned() };
            (format!("{key} {:<12} {}", info.name, info.what), Place::new(pid, info.view))
        })
        .collect();
    model.popup = Popup::Pick(Pick { title: "views".to_owned(), items, selected });
}

fn tab(model: &mut Model, forward: bool) -> Vec<Effect> {
    let n = model.tabs.len();
    if n < 2 {
        model.say("one archive is open; :open FILE opens another");
        return Vec::new();
    }
    model.current = if forward { (model.current + 1) % n } else { (model.current + n - 1) % n };
    enter_tab(model)
}

/// Catches up with what happened while another tab was shown: it may have been
/// opened, or the screen changed.
fn enter_tab(model: &mut Model) -> Vec<Effect> {
    let tab = model.tab();
    if tab.usable && matches!(tab.shown, Shown::Loading) {
        return reload(model);
    }
    let size = model.size;
    super::resize(model, size)
}

fn close(model: &mut Model) -> Vec<Effect> {
    if model.tabs.len() == 1 {
        model.say("the last archive; q quits");
        return Vec::new();
    }
    if model.tab().cluster.is_some() && model.capture().is_some() {
        model.complain("a capture is under way; Esc on its page cancels it");
        return Vec::new();
    }
    let closed = model.tabs.remove(model.current);
    if let Some(cluster) = &closed.cluster {
        cluster.listing.stop();
    }
    closed.cancel.stop();
    closed.finding.stop();
    closed.results.cancel.stop();
    model.current = model.current.min(model.tabs.len() - 1);
    let mut effects = vec![Effect::Close { tab: closed.id }];
    effects.extend(enter_tab(model));
    effects
}

fn history(model: &mut Model, back: bool) -> Vec<Effect> {
    let here = model.here_precisely();
    let tab = model.tab_mut();
    let next = if back { tab.back.pop() } else { tab.forward.pop() };
    let Some(place) = next else {
        model.say(if back { "this is where it began" } else { "nothing to go forward to" });
        return Vec::new();
    };
    if back {
        tab.forward.push(here);
    } else {
        tab.back.push(here);
    }
    tab.pane = Pane::Right;
    model.show(place)
}

/// A query as one would type it again.
fn shown_again(query: &Query) -> String {
    use super::super::message::Kind;
    if query.text.is_empty() {
        return String::new();
    }
    let mut flags = match query.kind {
        Kind::Literal => String::new(),
        Kind::Regex => "-e ".to_owned(),
        Kind::Hex => "-x ".to_owned(),
    };
    if query.ignore_case {
        flags.push_str("-i ");
    }
    if query.utf16 {
        flags.push_str("-u ");
    }
    if query.text.starts_with('-') {
        flags.push_str("-- ");
    }
    format!("{flags}{}", query.text)
}

fn bookmarkable(model: &mut Model) -> bool {
    let tab = model.tab();
    if tab.place.view == View::Bookmarks || matches!(tab.shown, Shown::Loading | Shown::Failed(_)) {
        model.say("there is nothing here to bookmark");
        return false;
    }
    true
}

fn delete(model: &mut Model) {
    if model.tab().place.view != View::Bookmarks {
        details(model);
        return;
    }
    let tab = model.tab();
    let number = tab.sheet().and_then(|s| s.cursor.row(&s.table)).and_then(|r| r.key.parse::<usize>().ok());
    let Some(number) = number.filter(|n| *n < model.bookmarks.len()) else { return };
    model.bookmarks.remove(number);
    model.unsaved = !model.bookmarks.is_empty();
    let table = super::super::bookmark::table(&model.bookmarks);
    let mut sheet = super::super::model::Sheet::new(table);
    sheet.cursor.go(number, usize::MAX);
    model.tab_mut().shown = Shown::Sheet(sheet);
}

fn cancel(model: &mut Model) -> Vec<Effect> {
    let rows = model.areas().table_rows(model);
    if model.tab().place.view == View::Capture && cluster::stop(model, "the user") {
        return Vec::new();
    }
    let tab = model.tab_mut();
    if let Some(cluster) = tab.cluster.as_ref().filter(|_| tab.loading) {
        cluster.listing.stop();
        tab.cancel.stop();
        return Vec::new();
    }
    if tab.results.running {
        tab.results.cancel.stop();
        return Vec::new();
    }
    tab.finding.stop();
    if let Shown::Hex(hex) = &mut tab.shown
        && (hex.mark.take().is_some() || hex.needle.take().is_some())
    {
        return Vec::new();
    }
    if let Some(sheet) = tab.sheet_mut() {
        let cursor = &mut sheet.cursor;
        if !cursor.filter.is_empty() || cursor.sort.is_some() || !cursor.find.is_empty() {
            cursor.filter.clear();
            cursor.find.clear();
            cursor.sort = None;
            cursor.arrange(&sheet.table);
            cursor.show(rows);
        }
    }
    Vec::new()
}

fn sort(model: &mut Model, reverse: bool) {
    let rows = model.areas().table_rows(model);
    let Some(sheet) = model.sheet_mut() else { return };
    if !sheet.table.headed {
        model.say("these lines have one order only");
        return;
    }
    let last = sheet.table.columns.len() - 1;
    sheet.cursor.sort = match (sheet.cursor.sort, reverse) {
        (Some((column, down)), true) => Some((column, !down)),
        (None, _) => Some((0, reverse)),
        (Some((column, _)), false) if column == last => None,
        (Some((column, down)), false) => Some((column + 1, down)),
    };
    sheet.cursor.arrange(&sheet.table);
    sheet.cursor.show(rows);
}

/// A name for a file to write to.
fn suggested(model: &Model) -> String {
    let tab = model.tab();
    let pid = tab.place.pid.map_or_else(String::new, |p| format!("-{p}"));
    match &tab.shown {
        Shown::Hex(hex) if tab.place.view == View::Hex => {
            let selection = hex.selection();
            format!("bytes{pid}-{:x}.bin", selection.start)
        }
        _ => format!("{}{pid}.csv", tab.place.view.name()),
    }
}

fn tree(model: &mut Model, action: Action) -> Vec<Effect> {
    let rows = model.areas().tree_rows();
    let tab = model.tab_mut();
    let (at, last) = (tab.tree.selected, tab.tree.len() - 1);
    let to = match action {
        Action::Up => at.saturating_sub(1),
        Action::Down => (at + 1).min(last),
        Action::PageUp => at.saturating_sub(rows.max(1)),
        Action::PageDown => (at + rows.max(1)).min(last),
        Action::HalfUp => at.saturating_sub(rows / 2),
        Action::HalfDown => (at + rows / 2).min(last),
        Action::Top => 0,
        Action::Bottom => last,
        Action::Enter | Action::Right => {
            let effects = follow_tree(model);
            model.tab_mut().pane = Pane::Right;
            return effects;
        }
        Action::FindNext | Action::FindPrevious => {
            return find_again(model, action == Action::FindNext);
        }
        _ => return Vec::new(),
    };
    tab.tree.go(to, rows);
    follow_tree(model)
}

fn table(model: &mut Model, action: Action) -> Vec<Effect> {
    let rows = model.areas().table_rows(model);
    let width = usize::from(model.areas().right.width);
    let zoomed = model.zoomed;
    let tab = model.tab_mut();
    let is_text = matches!(tab.place.view, View::Log | View::Record | View::Metadata);
    let Some(sheet) = tab.sheet_mut() else {
        if action == Action::Left {
            tab.pane = Pane::Tree;
        }
        return Vec::new();
    };
    let cursor = &mut sheet.cursor;
    let (at, page) = (cursor.selected, rows.max(1));
    match action {
        Action::Up => cursor.go(at.saturating_sub(1), rows),
        Action::Down => cursor.go(at + 1, rows),
        Action::PageUp => cursor.go(at.saturating_sub(page), rows),
        Action::PageDown => cursor.go(at + page, rows),
        Action::HalfUp => cursor.go(at.saturating_sub(page / 2), rows),
        Action::HalfDown => cursor.go(at + page / 2, rows),
        Action::Top => cursor.go(0, rows),
        Action::Bottom => cursor.go(usize::MAX, rows),
        Action::Right => cursor.left = cursor.left.saturating_add(8).min(4096),
        Action::Left if cursor.left == 0 && !zoomed => tab.pane = Pane::Tree,
        Action::Left => cursor.left = cursor.left.saturating_sub(8),
        Action::LineStart => cursor.left = 0,
        Action::LineEnd => {
            let longest = cursor.row(&sheet.table).map_or(0, |r| r.text().chars().count());
            cursor.left = longest.saturating_sub(width / 2).min(4096);
        }
        Action::FindNext | Action::FindPrevious => return find_again(model, action == Action::FindNext),
        Action::Enter => {
            let jump = cursor.row(&sheet.table).and_then(|r| r.jumps.first()).map(|j| j.1.clone());
            if let Some(place) = jump {
                return model.visit(place);
            }
            details(model);
        }
        Action::Details => details(model),
        // Texts are read page by page, as in less.
        Action::Jumps if is_text => cursor.go(at + page, rows),
        Action::Jumps => {
            let jumps = cursor.row(&sheet.table).map(|r| r.jumps.as_slice()).unwrap_or_default();
            let items: Vec<_> = jumps.iter().map(|(l, p)| (l.clone().into_owned(), p.clone())).collect();
            if items.is_empty() {
                model.say("this row leads nowhere");
            } else {
                model.popup = Popup::Pick(Pick { title: "go to".to_owned(), items, selected: 0 });
            }
        }
        Action::Yank => {
            if let Some(row) = cursor.row(&sheet.table) {
                let text = row.text();
                model.say("copied the row");
                return vec![Effect::Copy(text)];
            }
        }
        _ => {}
    }
    Vec::new()
}

/// Shows all of the row, which may be wider than the screen.
fn details(model: &mut Model) {
    let Some(sheet) = model.tab().sheet() else { return };
    let Some(row) = sheet.cursor.row(&sheet.table) else { return };
    let names = sheet.table.columns.iter().map(|c| c.name);
    let facts: Vec<(String, String)> = names
        .zip(&row.cells)
        .filter(|(_, cell)| !cell.text.is_empty() && cell.text != "-")
        .map(|(name, cell)| (name.to_owned(), cell.text.clone()))
        .collect();
    let title = sheet.table.title.clone();
    model.popup = Popup::Details { title, facts, top: 0 };
}

/// Goes to the next row with what was searched for.
pub(crate) fn find_again(model: &mut Model, forward: bool) -> Vec<Effect> {
    let areas = model.areas();
    let rows = areas.table_rows(model);
    if model.here() == super::super::keys::Where::Tree {
        let Some(text) = model.searches.last().cloned() else { return Vec::new() };
        let found = model.tab_mut().tree.find(&text, forward, areas.tree_rows());
        if !found {
            model.complain(format!("no process has “{text}”"));
        }
        return follow_tree(model);
    }
    let last = model.searches.last().cloned().unwrap_or_default();
    let Some(sheet) = model.sheet_mut() else { return Vec::new() };
    if sheet.cursor.find.is_empty() {
        sheet.cursor.find.clone_from(&last);
    }
    let text = sheet.cursor.find.clone();
    if !sheet.cursor.find_next(&sheet.table, forward, rows) && !text.is_empty() {
        model.complain(format!("“{text}” is not in this view"));
    }
    Vec::new()
}
