//! Draws what lies over the screen: help, choices, completions.

use ratatui::layout::Rect;

use super::super::keys::{self, Where};
use super::super::model::{Model, Pick, Popup};
use super::super::table::width;
use super::super::theme::Role;
use super::super::update::NAMES;
use super::{Canvas, wrap};

pub(super) fn popup(canvas: &mut Canvas, model: &Model, whole: Rect) {
    match &model.popup {
        Popup::None => offers(canvas, model, whole),
        Popup::Help(top) => help(canvas, whole, *top),
        Popup::Pick(pick) => choices(canvas, whole, pick),
        Popup::Details { title, facts, top } => details(canvas, whole, title, facts, *top),
    }
}

fn boxed(canvas: &mut Canvas, area: Rect, title: &str) -> Rect {
    canvas.clear(area);
    let (left, right, top, bottom) = (area.left(), area.right() - 1, area.top(), area.bottom() - 1);
    for x in left..=right {
        canvas.put(area, x, top, "─", Role::Dim);
        canvas.put(area, x, bottom, "─", Role::Dim);
    }
    for y in top..=bottom {
        canvas.put(area, left, y, "│", Role::Dim);
        canvas.put(area, right, y, "│", Role::Dim);
    }
    for (x, y, corner) in [(left, top, "╭"), (right, top, "╮"), (left, bottom, "╰"), (right, bottom, "╯")]
    {
        canvas.put(area, x, y, corner, Role::Dim);
    }
    canvas.put(area, left + 2, top, &format!(" {title} "), Role::Heading);
    Rect { x: area.x + 1, y: area.y + 1, width: area.width - 2, height: area.height - 2 }
}

fn centred(whole: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(whole.width), height.min(whole.height));
    Rect { x: whole.x + (whole.width - width) / 2, y: whole.y + (whole.height - height) / 2, width, height }
}

fn help(canvas: &mut Canvas, whole: Rect, top: usize) {
    let area = boxed(canvas, centred(whole, 78, whole.height.saturating_sub(2)), "keys (any key leaves)");
    for (i, binding) in keys::TABLE.iter().skip(top).take(usize::from(area.height)).enumerate() {
        let y = area.y + u16::try_from(i).unwrap_or(0);
        let place = match binding.place {
            Where::Everywhere => "",
            Where::Tree => "tree",
            Where::Table => "rows",
            Where::Hex => "bytes",
            Where::Right => "right",
            Where::Cluster => "pods",
        };
        canvas.put(area, area.x + 1, y, binding.keys, Role::Key);
        canvas.put(area, area.x + 22, y, place, Role::Dim);
        canvas.put(area, area.x + 29, y, binding.help, Role::Plain);
    }
    let shown = top + usize::from(area.height);
    if shown < keys::TABLE.len() {
        let more = format!(" {} more below ", keys::TABLE.len() - shown);
        canvas.put(whole, area.right().saturating_sub(width(&more) + 1), area.bottom(), &more, Role::Dim);
    }
}

/// All of a row, its long values broken.
fn details(canvas: &mut Canvas, whole: Rect, title: &str, facts: &[(String, String)], top: usize) {
    let room = whole.width.saturating_sub(8).clamp(10, 100);
    let names = facts.iter().map(|f| width(&f.0)).max().unwrap_or(0);
    let value = usize::from(room.saturating_sub(names + 4)).max(8);
    let mut lines: Vec<(&str, String)> = Vec::new();
    for (name, text) in facts {
        let mut name = name.as_str();
        for line in wrap(text, value) {
            // A word can be longer than a line.
            let letters: Vec<char> = line.chars().collect();
            for part in letters.chunks(value) {
                lines.push((std::mem::take(&mut name), part.iter().collect()));
            }
        }
    }
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    let area = centred(whole, room + 2, height.min(whole.height.saturating_sub(2)));
    let area = boxed(canvas, area, title);
    let top = top.min(lines.len().saturating_sub(usize::from(area.height)));
    for (i, (name, text)) in lines.iter().skip(top).take(usize::from(area.height)).enumerate() {
        let y = area.y + u16::try_from(i).unwrap_or(0);
        canvas.put(area, area.x + 1, y, name, Role::Heading);
        canvas.put(area, area.x + 3 + names, y, text, Role::Plain);
    }
}

fn choices(canvas: &mut Canvas, whole: Rect, pick: &Pick) {
    let widest = pick.items.iter().map(|i| width(&i.0)).max().unwrap_or(10).max(width(&pick.title) + 4);
    let height = u16::try_from(pick.items.len()).unwrap_or(u16::MAX).saturating_add(2);
    let area = centred(whole, widest.saturating_add(4), height.min(whole.height.saturating_sub(2)));
    let area = boxed(canvas, area, &pick.title);
    let rows = usize::from(area.height);
    let top = (pick.selected + 1).saturating_sub(rows);
    for (i, (text, _)) in pick.items.iter().enumerate().skip(top).take(rows) {
        let line = Rect { y: area.y + u16::try_from(i - top).unwrap_or(0), height: 1, ..area };
        let inner = Rect { x: line.x + 1, width: line.width - 2, ..line };
        canvas.cell(inner, text, Role::Plain, false);
        if i == pick.selected {
            canvas.fill(line, Role::Selected);
        }
    }
}

/// What Tab offers, above the line in which one types.
fn offers(canvas: &mut Canvas, model: &Model, whole: Rect) {
    let Some(prompt) = model.prompt.as_ref().filter(|p| !p.offers.is_empty()) else { return };
    let most = usize::from(whole.height / 2).max(1);
    let at = prompt.offers.iter().position(|o| o == prompt.text.trim_end()).unwrap_or(0);
    let top = (at + 1).saturating_sub(most);
    let shown = prompt.offers.len().min(most);
    let height = u16::try_from(shown).unwrap_or(1);
    let area = Rect { y: whole.bottom() - 1 - height, height, width: whole.width.min(76), ..whole };
    canvas.clear(area);
    for (i, offer) in prompt.offers.iter().enumerate().skip(top).take(shown) {
        let line = Rect { y: area.y + u16::try_from(i - top).unwrap_or(0), height: 1, ..area };
        let name = canvas.put(line, line.x + 1, line.y, offer, Role::Key);
        let command = NAMES.iter().find(|n| n.0 == offer).map(|n| (n.1, n.2));
        let view = super::VIEWS.iter().find(|v| v.name == offer).map(|v| ("", v.what));
        if let Some((takes, what)) = command.or(view) {
            let x = canvas.put(line, name + 1, line.y, takes, Role::Plain);
            canvas.put(line, x.max(line.x + 20) + 1, line.y, what, Role::Dim);
        }
        canvas.fill(line, if offer == prompt.text.trim_end() { Role::Selected } else { Role::Marked });
    }
}
