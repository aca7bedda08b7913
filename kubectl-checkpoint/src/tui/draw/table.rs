//! Draws tables.

use ratatui::layout::Rect;

use super::super::model::{Model, Sheet};
use super::super::table::{Column, HIDDEN, Row, Table, contains_fold, width};
use super::super::theme::Role;
use super::{Canvas, strip, wrap};

/// Columns between cells.
const GAP: u16 = 2;

pub(super) fn draw(canvas: &mut Canvas, model: &Model, sheet: &Sheet, focused: bool) {
    let areas = model.areas();
    let table = &sheet.table;
    if let Some(area) = areas.strip(model) {
        strip::draw(canvas, sheet, area);
    }
    let area = areas.table_area(model);
    let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area };
    let columns = columns(table, inner.width);
    if table.headed && area.y > areas.right.y {
        let line = Rect { y: area.y - 1, height: 1, ..inner };
        let mut shift = Shift { left: sheet.cursor.left, line };
        for (i, width) in &columns {
            let column = &table.columns[*i];
            let mark = match sheet.cursor.sort {
                Some((by, down)) if by == *i => {
                    if down {
                        "↓"
                    } else {
                        "↑"
                    }
                }
                _ => "",
            };
            let text = format!("{}{mark}", column.name);
            shift.cell(canvas, *width, &text, Role::Heading, column.right);
        }
    }
    if sheet.cursor.shown.is_empty() {
        let text = if sheet.cursor.filter.is_empty() {
            table.empty.clone()
        } else {
            format!("no row has “{}”; Esc shows all", sheet.cursor.filter)
        };
        for (i, line) in wrap(&text, usize::from(inner.width).max(1)).iter().enumerate() {
            let y = inner.y + 1 + u16::try_from(i).unwrap_or(1000);
            canvas.put(inner, inner.x, y, line, Role::Dim);
        }
        return;
    }
    let find = sheet.cursor.find.to_lowercase();
    for i in 0..area.height {
        let at = sheet.cursor.top + usize::from(i);
        let Some(row) = sheet.cursor.shown.get(at).and_then(|n| table.rows.get(*n)) else { break };
        let line = Rect { y: area.y + i, height: 1, ..inner };
        draw_row(canvas, table, row, &columns, line, sheet.cursor.left);
        if at == sheet.cursor.selected {
            let whole = Rect { x: area.x, width: area.width, ..line };
            canvas.fill(whole, if focused { Role::Selected } else { Role::Marked });
        }
        if !find.is_empty() {
            highlight(canvas, line, &find);
        }
    }
}

fn draw_row(
    canvas: &mut Canvas,
    table: &Table,
    row: &Row,
    columns: &[(usize, u16)],
    line: Rect,
    left: usize,
) {
    let mut shift = Shift { left, line };
    if row.heading {
        let text = row.cells.first().map_or("", |c| c.text.as_str());
        shift.cell(
            canvas,
            line.width.saturating_add(u16::try_from(left).unwrap_or(0)),
            text,
            Role::Heading,
            false,
        );
        return;
    }
    for (i, width) in columns {
        let Some(cell) = row.cells.get(*i) else { break };
        let links = !row.jumps.is_empty() && cell.role == Role::Plain && *i == link_column(table);
        let role = if links { Role::Link } else { cell.role };
        shift.cell(canvas, *width, &cell.text, role, table.columns[*i].right);
    }
}

/// The column that shows that a row leads somewhere.
fn link_column(table: &Table) -> usize {
    let first = table.columns.iter().position(|c| c.rank != HIDDEN).unwrap_or(0);
    if table.headed { first } else { table.columns.len().saturating_sub(1) }
}

/// Cells of a line that may be scrolled to the right.
struct Shift {
    left: usize,
    line: Rect,
}

impl Shift {
    fn cell(&mut self, canvas: &mut Canvas, width: u16, text: &str, role: Role, right: bool) {
        let skip = u16::try_from(self.left).unwrap_or(u16::MAX).min(width);
        self.left -= usize::from(skip);
        let cut: String;
        let text = if skip > 0 {
            let pad = if right { usize::from(width.saturating_sub(self::width(text))) } else { 0 };
            cut = std::iter::repeat_n(' ', pad).chain(text.chars()).skip(usize::from(skip)).collect();
            cut.as_str()
        } else {
            text
        };
        let room = (width - skip).min(self.line.width);
        canvas.cell(Rect { width: room, ..self.line }, text, role, right && skip == 0);
        let step = if self.left > 0 {
            let gap = GAP.min(u16::try_from(self.left).unwrap_or(GAP));
            self.left -= usize::from(gap);
            room + GAP - gap
        } else {
            room + GAP
        };
        let step = step.min(self.line.width);
        self.line.x += step;
        self.line.width -= step;
    }
}

/// Which columns are shown, and how wide: the last one takes what is left.
fn columns(table: &Table, room: u16) -> Vec<(usize, u16)> {
    let natural = |i: usize, c: &Column| {
        table.widths.get(i).copied().unwrap_or(0).clamp(width(c.name), c.most.max(width(c.name)))
    };
    let Some(last) = table.columns.len().checked_sub(1) else { return Vec::new() };
    let mut shown: Vec<usize> = (0..=last).filter(|i| table.columns[*i].rank != HIDDEN).collect();
    // The last column holds what is most wanted: it gets a third of the room, or all it needs.
    let needed = |shown: &[usize]| {
        let front: u16 =
            shown.iter().filter(|i| **i != last).map(|i| natural(*i, &table.columns[*i]) + GAP).sum();
        front.saturating_add(table.widths.get(last).copied().unwrap_or(0).min(room / 3))
    };
    while needed(&shown) > room {
        let worst = shown
            .iter()
            .filter(|i| table.columns[**i].rank > 0)
            .max_by_key(|i| table.columns[**i].rank)
            .copied();
        let Some(worst) = worst else { break };
        shown.retain(|i| *i != worst);
    }
    let mut widths: Vec<(usize, u16)> = shown.iter().map(|i| (*i, natural(*i, &table.columns[*i]))).collect();
    let front: u16 = widths.iter().filter(|w| w.0 != last).map(|w| w.1 + GAP).sum();
    if let Some(end) = widths.last_mut() {
        // Wider than the screen: there is something to scroll to.
        end.1 = table.widths.get(last).copied().unwrap_or(0).max(room.saturating_sub(front));
    }
    widths
}

/// Marks what was searched for in a line that is drawn.
fn highlight(canvas: &mut Canvas, line: Rect, find: &str) {
    let symbols: Vec<String> = (line.left()..line.right())
        .filter_map(|x| canvas.buffer.cell((x, line.y)).map(|c| c.symbol().to_lowercase()))
        .collect();
    if !contains_fold(&symbols.concat(), find) {
        return;
    }
    let count = find.chars().count();
    for start in 0..symbols.len() {
        let Some(part) = symbols.get(start..(start + count).min(symbols.len())) else { break };
        if part.concat() == find {
            let area = Rect {
                x: line.x + u16::try_from(start).unwrap_or(0),
                width: u16::try_from(part.len()).unwrap_or(1),
                ..line
            };
            canvas.fill(area, Role::Match);
        }
    }
}
