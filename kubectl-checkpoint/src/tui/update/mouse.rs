//! The mouse: a click selects, a click on what is selected follows it, the wheel scrolls.

use ratatui::crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use super::super::draw::{patches, view_tabs};
use super::super::hex::Line;
use super::super::keys::{Action, Where};
use super::super::message::Effect;
use super::super::model::{Model, Pane, Popup, Shown};
use super::{action, follow_tree};

/// Rows that a turn of the wheel scrolls.
const WHEEL: usize = 3;

pub(crate) fn mouse(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    let at = Position::new(event.column, event.row);
    let over = !matches!(model.popup, Popup::None) || model.prompt.is_some();
    match event.kind {
        MouseEventKind::ScrollUp | MouseEventKind::ScrollDown if !over => {
            wheel(model, at, event.kind == MouseEventKind::ScrollDown)
        }
        MouseEventKind::Down(MouseButton::Left) if matches!(model.popup, Popup::None) => click(model, at),
        MouseEventKind::Down(_) => {
            model.popup = Popup::None;
            Vec::new()
        }
        MouseEventKind::Drag(MouseButton::Left) if !over => drag(model, at),
        _ => Vec::new(),
    }
}

fn wheel(model: &mut Model, at: Position, down: bool) -> Vec<Effect> {
    let areas = model.areas();
    let pane = model.tab().pane;
    model.tab_mut().pane = if areas.tree.contains(at) { Pane::Tree } else { Pane::Right };
    let mut effects = Vec::new();
    for _ in 0..WHEEL {
        effects.extend(action::act(model, if down { Action::Down } else { Action::Up }));
    }
    model.tab_mut().pane = pane;
    effects
}

fn row_of(area: Rect, at: Position) -> usize {
    usize::from(at.y.saturating_sub(area.y))
}

fn click(model: &mut Model, at: Position) -> Vec<Effect> {
    let areas = model.areas();
    if model.prompt.is_some() {
        return Vec::new();
    }
    if areas.views.contains(at) {
        let tabs = view_tabs(model, areas.views.width);
        let hit = tabs.iter().find(|t| at.x >= t.1 && at.x < t.2).map(|t| t.0);
        return hit.map_or_else(Vec::new, |view| action::view(model, view));
    }
    if areas.tree.contains(at) && at.y > areas.tree.y {
        let tab = model.tab_mut();
        tab.pane = Pane::Tree;
        let row = tab.tree.top + row_of(areas.tree, at) - 1;
        if row < tab.tree.len() {
            tab.tree.go(row, areas.tree_rows());
            return follow_tree(model);
        }
        return Vec::new();
    }
    if !areas.right.contains(at) {
        return Vec::new();
    }
    model.tab_mut().pane = Pane::Right;
    if model.here() == Where::Hex {
        if let Some(address) = address_at(model, at)
            && let Shown::Hex(hex) = &mut model.tab_mut().shown
        {
            hex.mark = None;
            hex.cursor = address;
        }
        return Vec::new();
    }
    if let Some(strip) = areas.strip(model).filter(|s| s.contains(at)) {
        let rows = areas.table_rows(model);
        let key = model.tab().sheet().and_then(|sheet| {
            let patches = patches(sheet, strip.width);
            let hit = patches.iter().find(|p| at.x >= strip.x + p.1 && at.x < strip.x + p.1 + p.2)?;
            sheet.table.strip.get(hit.0).map(|p| p.key.clone())
        });
        if let (Some(key), Some(sheet)) = (key, model.sheet_mut()) {
            sheet.cursor.select(&sheet.table, &key);
            sheet.cursor.show(rows);
        }
        return Vec::new();
    }
    let area = areas.table_area(model);
    if area.contains(at) {
        let rows = areas.table_rows(model);
        let Some(sheet) = model.sheet_mut() else { return Vec::new() };
        let row = sheet.cursor.top + row_of(area, at);
        if row >= sheet.cursor.shown.len() {
            return Vec::new();
        }
        if row == sheet.cursor.selected {
            return action::act(model, Action::Enter);
        }
        sheet.cursor.go(row, rows);
    }
    Vec::new()
}

fn drag(model: &mut Model, at: Position) -> Vec<Effect> {
    if model.here() == Where::Hex
        && let Some(address) = address_at(model, at)
        && let Shown::Hex(hex) = &mut model.tab_mut().shown
        && hex.cursor != address
    {
        hex.mark.get_or_insert(hex.cursor);
        hex.cursor = address;
    }
    Vec::new()
}

/// The address under the pointer.
fn address_at(model: &Model, at: Position) -> Option<u64> {
    let areas = model.areas();
    let (area, width) = (areas.hex_area(), areas.hex_width());
    let Shown::Hex(hex) = &model.tab().shown else { return None };
    if !area.contains(at) {
        return None;
    }
    let Line::Bytes(line) = *hex.lines(usize::from(area.height), width).get(row_of(area, at))? else {
        return None;
    };
    let column = super::super::draw::byte_at(at.x - area.x, width)?;
    let address = line.checked_add(column)?;
    hex.region_at(address).map(|_| address)
}
