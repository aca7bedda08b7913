//! Draws the model. Nothing here changes it.

mod hex;
mod over;
mod strip;
mod table;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::cluster::{self, Stage};
use super::keys;
use super::model::{Model, Pane, Shown, State};
use super::place::{VIEWS, View};
use super::theme::{Role, Theme};
use crate::output::{bytes, escape};

pub(crate) use hex::byte_at;
pub(crate) use strip::patches;

/// What drawing goes by: the buffer, and how roles look.
pub(super) struct Canvas<'b> {
    pub buffer: &'b mut Buffer,
    pub theme: Theme,
}

impl Canvas<'_> {
    /// Writes text, cut where the area ends; returns the column behind it.
    pub(super) fn put(&mut self, area: Rect, x: u16, y: u16, text: &str, role: Role) -> u16 {
        if y >= area.bottom() || x >= area.right() {
            return x;
        }
        let room = usize::from(area.right() - x);
        self.buffer.set_stringn(x, y, text, room, self.theme.style(role)).0
    }

    pub(super) fn fill(&mut self, area: Rect, role: Role) {
        self.buffer.set_style(area, self.theme.style(role));
    }

    /// Writes text in a column of that width; what is cut ends in `…`.
    pub(super) fn cell(&mut self, area: Rect, text: &str, role: Role, right: bool) {
        let width = super::table::width(text);
        if width <= area.width {
            let x = if right { area.right() - width } else { area.x };
            self.put(area, x, area.y, text, role);
        } else if area.width > 0 {
            self.put(Rect { width: area.width - 1, ..area }, area.x, area.y, text, role);
            self.put(area, area.right() - 1, area.y, "…", Role::Dim);
        }
    }

    fn clear(&mut self, area: Rect) {
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                if let Some(cell) = self.buffer.cell_mut(Position::new(x, y)) {
                    cell.reset();
                }
            }
        }
    }
}

/// Draws a frame; the terminal's cursor stands where one types.
pub(crate) fn view(model: &Model, frame: &mut Frame) {
    let area = frame.area();
    let cursor = draw(model, frame.buffer_mut());
    if let Some(cursor) = cursor.filter(|c| area.contains(*c)) {
        frame.set_cursor_position(cursor);
    }
}

/// Draws into a buffer; returns where one types.
pub(crate) fn draw(model: &Model, buffer: &mut Buffer) -> Option<Position> {
    let whole = buffer.area;
    let mut canvas = Canvas { buffer, theme: model.theme };
    if whole.width < model.size.0 || whole.height < model.size.1 {
        // It shrinks at this moment: the next frame is of the new size.
        return None;
    }
    if whole.width < 40 || whole.height < 8 {
        canvas.put(whole, 0, 0, "the terminal is too small: 40×8 is the least", Role::Warn);
        return None;
    }
    let areas = model.areas();
    title(&mut canvas, model, areas.title);
    views(&mut canvas, model, areas.views);
    if areas.tree.width > 0 {
        tree(&mut canvas, model, areas.tree);
        let x = areas.tree.right();
        for y in areas.tree.top()..areas.tree.bottom() {
            canvas.put(whole, x, y, "│", Role::Dim);
        }
    }
    right(&mut canvas, model);
    status(&mut canvas, model, areas.status);
    let cursor = model.prompt.as_ref().map(|_| prompt(&mut canvas, model, areas.hints));
    if cursor.is_none() {
        hints(&mut canvas, model, areas.hints);
    }
    over::popup(&mut canvas, model, whole);
    guard(canvas.buffer);
    cursor
}

/// The last defence: whatever came this far unescaped does not reach the terminal.
fn guard(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        let symbol = cell.symbol();
        if symbol.len() > 1 && escape(symbol) != symbol || symbol.chars().any(char::is_control) {
            cell.set_symbol("�");
        }
    }
}

fn title(canvas: &mut Canvas, model: &Model, area: Rect) {
    canvas.fill(area, Role::Bar);
    let mut x = area.x + 1;
    for (i, tab) in model.tabs.iter().enumerate() {
        let current = i == model.current;
        let text = if model.tabs.len() > 1 { format!("{} {}", i + 1, tab.name) } else { tab.name.clone() };
        x = canvas.put(area, x, area.y, &text, if current { Role::BarStrong } else { Role::Bar });
        x = canvas.put(area, x, area.y, "  ", Role::Bar);
    }
    let tab = model.tab();
    let about = match &tab.state {
        State::Failed(_) => "not readable".to_owned(),
        _ => tab.about.clone(),
    };
    let width = super::table::width(&about);
    if width > 0 && x + 2 < area.right() {
        let start = (area.right().saturating_sub(width + 1)).max(x);
        let place = Rect { x: start, width: area.right() - start, ..area };
        canvas.cell(place, &about, Role::Bar, false);
    }
}

/// The views as they stand in their line: where each begins and ends.
pub(crate) fn view_tabs(model: &Model, width: u16) -> Vec<(View, u16, u16)> {
    let now = model.tab().place.view;
    let label = |i: usize, v: View| {
        let key = if i < 9 { 2 } else { 0 };
        super::table::width(v.name()) + key + 2
    };
    let siblings = now.siblings().iter();
    let listed: Vec<View> = siblings.filter(|i| i.listed || i.view == now).map(|i| i.view).collect();
    let at = listed.iter().position(|v| *v == now).unwrap_or(0);
    // The first ones stay where the hand expects them, unless the current is further on.
    let mut first = 0;
    let total =
        |first: usize| listed[first..=at].iter().enumerate().map(|(i, v)| label(first + i, *v)).sum::<u16>();
    while first < at && total(first) + 2 > width {
        first += 1;
    }
    let mut x = u16::from(first > 0) * 2;
    let mut tabs = Vec::new();
    for (i, view) in listed.iter().enumerate().skip(first) {
        let end = x + label(i, *view);
        if end > width {
            break;
        }
        tabs.push((*view, x, end));
        x = end;
    }
    tabs
}

fn views(canvas: &mut Canvas, model: &Model, area: Rect) {
    let tabs = view_tabs(model, area.width);
    let now = model.tab().place.view;
    for (view, start, end) in &tabs {
        let number = now.siblings().iter().position(|i| i.view == *view).filter(|i| *i < 9);
        let place = Rect { x: area.x + start, width: end - start, ..area };
        let mut x = place.x + 1;
        if let Some(n) = number {
            x = canvas.put(place, x, place.y, &format!("{} ", n + 1), Role::Key);
        }
        let role = if *view == now { Role::Strong } else { Role::Dim };
        canvas.put(place, x, place.y, view.name(), role);
        if *view == now {
            canvas.fill(place, Role::Selected);
        }
    }
    if tabs.first().is_some_and(|t| t.1 > 0) {
        canvas.put(area, area.x, area.y, "‹", Role::Dim);
    }
    let last = tabs.last().map(|t| t.0);
    if last != now.siblings().last().map(|i| i.view) {
        canvas.put(area, area.right().saturating_sub(1), area.y, "›", Role::Dim);
    }
}

fn tree(canvas: &mut Canvas, model: &Model, area: Rect) {
    let tab = model.tab();
    let focused = tab.pane == Pane::Tree;
    let (one, many, all) = if tab.cluster.is_some() {
        ("namespace", "namespaces", "◆ all namespaces")
    } else {
        ("process", "processes", "◆ container")
    };
    let head = match tab.tree.branches.len() {
        _ if !tab.usable => many.to_owned(),
        1 => format!("1 {one}"),
        n => format!("{n} {many}"),
    };
    let head = if tab.tentative { format!("{head} so far") } else { head };
    canvas.put(area, area.x + 1, area.y, &head, if focused { Role::Heading } else { Role::Dim });
    let rows = area.height.saturating_sub(1);
    for i in 0..rows {
        let index = tab.tree.top + usize::from(i);
        let line = Rect { y: area.y + 1 + i, height: 1, ..area };
        if index >= tab.tree.len() || !tab.usable {
            break;
        }
        match index.checked_sub(1).and_then(|i| tab.tree.branches.get(i)) {
            None => {
                canvas.put(line, line.x + 1, line.y, all, Role::Strong);
            }
            Some(branch) if tab.cluster.is_some() => {
                let name = Rect { x: line.x + 1, width: line.width - 1, ..line };
                canvas.cell(name, &branch.name, Role::Plain, false);
            }
            Some(branch) => {
                let mut x = canvas.put(line, line.x + 1, line.y, &branch.front, Role::Dim);
                x = canvas.put(line, x, line.y, &format!("{} ", branch.pid), Role::Link);
                let role = match branch.state {
                    Some("dead" | "stopped") => Role::Dim,
                    _ if !branch.marks.is_empty() => Role::Warn,
                    _ => Role::Plain,
                };
                let state = match branch.state {
                    Some("dead") => " Z",
                    Some("stopped") => " T",
                    None => " ?",
                    _ => "",
                };
                let mark = if branch.marks.is_empty() { "" } else { " !" };
                let end = super::table::width(state) + super::table::width(mark);
                let name = Rect { x, width: line.right().saturating_sub(x + end), ..line };
                canvas.cell(name, &branch.name, role, false);
                let x = name.right().min(x + super::table::width(&branch.name));
                let x = canvas.put(line, x, line.y, state, Role::Dim);
                canvas.put(line, x, line.y, mark, Role::Bad);
            }
        }
        if index == tab.tree.selected {
            canvas.fill(line, if focused { Role::Selected } else { Role::Marked });
        }
    }
}

fn right(canvas: &mut Canvas, model: &Model) {
    let areas = model.areas();
    let tab = model.tab();
    let focused = tab.pane == Pane::Right || model.zoomed;
    let head = Rect { x: areas.head.x + 1, width: areas.head.width.saturating_sub(1), ..areas.head };
    let title = match (&tab.shown, tab.sheet()) {
        (_, Some(sheet)) => sheet.table.title.clone(),
        (Shown::Hex(hex), _) => hex.title.clone(),
        _ => tab.place.view.name().to_owned(),
    };
    canvas.cell(head, &title, if focused { Role::Heading } else { Role::Dim }, false);
    let middle = Rect { x: areas.right.x + 1, width: areas.right.width.saturating_sub(1), ..areas.right };
    if let Some(sheet) = tab.sheet() {
        table::draw(canvas, model, sheet, focused);
        return;
    }
    match &tab.shown {
        Shown::Hex(hex) => hex::draw(canvas, model, hex),
        Shown::Failed(why) => {
            for (i, line) in wrap(&escape(why), usize::from(middle.width).max(1)).iter().enumerate() {
                let y = middle.y + 1 + u16::try_from(i).unwrap_or(u16::MAX / 2);
                canvas.put(middle, middle.x, y, line, Role::Bad);
            }
        }
        _ => opening(canvas, model, middle),
    }
}

/// What is said while an archive is unpacked.
fn opening(canvas: &mut Canvas, model: &Model, area: Rect) {
    let y = area.y + 1;
    if model.tab().cluster.is_some() {
        let text = if model.tab().place.view == View::Preflight {
            "asking whether it can be frozen; nothing is touched …"
        } else {
            "asking the cluster what runs …"
        };
        canvas.put(area, area.x, y, text, Role::Dim);
        return;
    }
    let State::Opening { read, total, members } = model.tab().state else { return };
    let Some(total) = total.filter(|t| *t > 0) else {
        canvas.put(area, area.x, y, "opening …", Role::Dim);
        return;
    };
    let text = format!("unpacking: {} of {}, {members} small members so far", bytes(read), bytes(total));
    canvas.put(area, area.x, y, &text, Role::Plain);
    let width = u64::from(area.width.saturating_sub(2).min(60));
    let done = u16::try_from(read.min(total) * width / total).unwrap_or(0);
    let bar = "█".repeat(usize::from(done));
    canvas.put(area, area.x, y + 1, &bar, Role::Link);
    let rest = "░".repeat(usize::try_from(width).unwrap_or(0).saturating_sub(usize::from(done)));
    canvas.put(area, area.x + done, y + 1, &rest, Role::Dim);
}

/// Breaks text between words.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.len() - 1;
        if !lines[last].is_empty() && lines[last].chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if !lines[last].is_empty() {
                lines[last].push(' ');
            }
            lines[last].push_str(word);
        }
    }
    lines
}

fn status(canvas: &mut Canvas, model: &Model, area: Rect) {
    canvas.fill(area, Role::Bar);
    let tab = model.tab();
    // Right: where one is.
    let mut facts: Vec<(String, Role)> = Vec::new();
    if let Some(capture) = model.capture() {
        let what = if capture.stage == Stage::Running { "capturing" } else { "cleaning up after" };
        facts.push((format!("{what} {}", cluster::name(&capture.chosen)), Role::Warn));
    }
    if let State::Opening { read, total: Some(total), .. } = tab.state
        && tab.usable
    {
        let percent = read.saturating_mul(100).checked_div(total).unwrap_or(0).min(100);
        facts.push((format!("unpacking {percent} %: not all is here yet"), Role::Warn));
    }
    if tab.results.running {
        let results = &tab.results;
        let share = results.scanned.saturating_mul(100).checked_div(tab.memory_bytes).map(|p| p.min(100));
        let share = share.map_or_else(String::new, |p| format!(" {p} %"));
        facts.push((format!("searching{share}, {} found (Esc stops)", results.found), Role::Warn));
    }
    if let Some(sheet) = tab.sheet() {
        let (cursor, table) = (&sheet.cursor, &sheet.table);
        if tab.place.view == View::Results && tab.results.found > table.rows.len() as u64 {
            facts.push((
                format!("the first {} of {} are listed", table.rows.len(), tab.results.found),
                Role::Warn,
            ));
        }
        if !cursor.filter.is_empty() {
            facts.push((format!("filter {}", cursor.filter), Role::Warn));
        }
        if let Some((column, down)) = cursor.sort {
            let name = table.columns.get(column).map_or("", |c| c.name);
            facts.push((format!("{name}{}", if down { "↓" } else { "↑" }), Role::Plain));
        }
        if let Some(note) = &table.note {
            facts.push((note.clone(), Role::Warn));
        }
        let more = if tab.loading { "+" } else { "" };
        let at = if cursor.shown.is_empty() { 0 } else { cursor.selected + 1 };
        facts.push((format!("{at}/{}{more}", cursor.shown.len()), Role::Plain));
    } else if let Shown::Hex(hex) = &tab.shown {
        if hex.searching {
            facts.push(("searching (Esc stops)".to_owned(), Role::Warn));
        }
        if hex.mark.is_some() {
            let range = hex.selection();
            facts.push((format!("{} selected", bytes(range.end - range.start)), Role::Warn));
        }
        facts.push((format!("{:#x}", hex.cursor), Role::Plain));
    } else if tab.loading && tab.usable {
        facts.push(("reading …".to_owned(), Role::Plain));
    }
    if !model.bookmarks.is_empty() {
        let unsaved = if model.unsaved { "*" } else { "" };
        facts.push((format!("{} bookmarked{unsaved}", model.bookmarks.len()), Role::Plain));
    }
    let width: u16 = facts.iter().map(|f| super::table::width(&f.0) + 2).sum();
    let mut x = area.right().saturating_sub(width).max(area.x + 1);
    let said = Rect { width: x.saturating_sub(area.x + 2), x: area.x + 1, ..area };
    let text = if model.said.text.is_empty() { path(model) } else { escape(&model.said.text).into_owned() };
    let role = if model.said.text.is_empty() { Role::Bar } else { model.said.role };
    canvas.cell(said, &text, role, false);
    for (text, role) in facts {
        x = canvas.put(area, x, area.y, &text, role);
        x = canvas.put(area, x, area.y, "  ", Role::Bar);
    }
    canvas.fill(area, Role::Bar);
}

/// Where one is, and what speaks against the process.
fn path(model: &Model) -> String {
    let tab = model.tab();
    if tab.cluster.is_some() {
        return tab.place.view.info().what.to_owned();
    }
    match tab.place.pid.and_then(|pid| tab.tree.branch(pid)) {
        Some(branch) if !branch.marks.is_empty() => {
            format!("{} {}: {}", branch.pid, branch.name, branch.marks.join(", "))
        }
        Some(branch) => format!("{} {}", branch.pid, branch.name),
        None => tab.place.view.info().what.to_owned(),
    }
}

fn hints(canvas: &mut Canvas, model: &Model, area: Rect) {
    let mut x = area.x + 1;
    for (key, hint) in keys::hints(model.here()) {
        let width = super::table::width(key) + 1 + super::table::width(hint);
        if x + width > area.right() {
            continue;
        }
        x = canvas.put(area, x, area.y, key, Role::Key);
        x = canvas.put(area, x + 1, area.y, hint, Role::Dim) + 2;
    }
}

fn prompt(canvas: &mut Canvas, model: &Model, area: Rect) -> Position {
    let Some(prompt) = &model.prompt else { return area.into() };
    let x = canvas.put(area, area.x, area.y, prompt.purpose.label(), Role::Key);
    let text = escape(&prompt.text);
    // A long line is scrolled so that its end can be seen.
    let before: String = prompt.text.chars().take(prompt.at).collect();
    let at = super::table::width(&escape(&before));
    let room = area.right().saturating_sub(x + 1);
    let skip = at.saturating_sub(room);
    let mut dropped = 0;
    let shown: String = text
        .chars()
        .skip_while(|c| {
            let out = dropped < skip;
            dropped += super::table::width(c.encode_utf8(&mut [0; 4]));
            out
        })
        .collect();
    let end = canvas.put(area, x, area.y, &shown, Role::Strong);
    if prompt.text.is_empty() && !prompt.purpose.is_question() {
        canvas.put(area, end + 1, area.y, prompt.purpose.example(), Role::Dim);
    }
    Position::new(x + at - skip, area.y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_escaped_does_not_get_out() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 1));
        buffer.cell_mut(Position::new(0, 0)).unwrap().set_symbol("\x1b[2J");
        buffer.cell_mut(Position::new(1, 0)).unwrap().set_symbol("\u{202e}");
        buffer.cell_mut(Position::new(2, 0)).unwrap().set_symbol("é");
        buffer.cell_mut(Position::new(3, 0)).unwrap().set_symbol("\u{9b}");
        guard(&mut buffer);
        let got: String = buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect();
        assert_eq!(got, "��é�    ");
    }

    #[test]
    fn words_are_kept_whole() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("incomprehensible", 4), ["incomprehensible"]);
    }
}
