//! Lists: rows of cells with filter, order, cursor and jumps.

use std::borrow::Cow;

use unicode_width::UnicodeWidthStr;

use super::place::Place;
use super::theme::Role;

/// A piece of a row. The text is escaped when the cell is made.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cell {
    pub text: String,
    /// What to sort by, where the text does not say it.
    pub number: Option<i128>,
    pub role: Role,
}

impl Cell {
    /// Shows text that is safe already.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), number: None, role: Role::Plain }
    }

    pub(crate) fn number(n: impl Into<i128> + std::fmt::Display) -> Self {
        let text = n.to_string();
        Self { text, number: Some(n.into()), role: Role::Plain }
    }

    /// Shows a number of bytes.
    pub(crate) fn bytes(n: u64) -> Self {
        Self { text: crate::output::bytes(n), number: Some(n.into()), role: Role::Plain }
    }

    pub(crate) fn address(n: u64) -> Self {
        Self { text: format!("{n:012x}"), number: Some(n.into()), role: Role::Plain }
    }

    pub(crate) fn role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }
}

/// The head of a column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    pub name: &'static str,
    pub right: bool,
    /// Widest that it gets, unless it is the last.
    pub most: u16,
    /// Left out first where there is no room; 0 is never.
    pub rank: u8,
}

/// A column of text.
pub(crate) const fn col(name: &'static str) -> Column {
    Column { name, right: false, most: 40, rank: 0 }
}

/// A column of numbers.
pub(crate) const fn num(name: &'static str) -> Column {
    Column { name, right: true, most: 24, rank: 0 }
}

/// A column that is left out where there is little room.
pub(crate) const fn spare(column: Column, rank: u8) -> Column {
    Column { rank, ..column }
}

/// The rank of a column that is only written to files.
pub(crate) const HIDDEN: u8 = u8::MAX;

/// One row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Row {
    pub cells: Vec<Cell>,
    /// What it is called by bookmarks and links; the first of equal ones counts.
    pub key: String,
    /// Where one can go from here, the usual way first.
    pub jumps: Vec<(Cow<'static, str>, Place)>,
    /// Whether it heads the rows below it.
    pub heading: bool,
}

impl Row {
    pub(crate) fn new(cells: Vec<Cell>) -> Self {
        let key = cells.first().map(|c| c.text.clone()).unwrap_or_default();
        Self { cells, key, ..Self::default() }
    }

    pub(crate) fn heading(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            key: text.clone(),
            cells: vec![Cell::new(text).role(Role::Heading)],
            heading: true,
            ..Self::default()
        }
    }

    pub(crate) fn line(text: impl Into<String>) -> Self {
        Self::new(vec![Cell::new(text)])
    }

    pub(crate) fn key(mut self, key: impl Into<String>) -> Self {
        self.key = key.into();
        self
    }

    pub(crate) fn jump(mut self, label: impl Into<Cow<'static, str>>, place: Place) -> Self {
        self.jumps.push((label.into(), place));
        self
    }

    pub(crate) fn text(&self) -> String {
        let cells: Vec<&str> = self.cells.iter().map(|c| c.text.as_str()).collect();
        cells.join("  ")
    }

    fn holds(&self, lower: &str) -> bool {
        self.cells.iter().any(|c| contains_fold(&c.text, lower))
    }
}

/// Looks for text without regard to case; `lower` is in lower case.
pub(crate) fn contains_fold(text: &str, lower: &str) -> bool {
    if text.is_ascii() && lower.is_ascii() {
        let (text, lower) = (text.as_bytes(), lower.as_bytes());
        return lower.is_empty() || text.windows(lower.len()).any(|w| w.eq_ignore_ascii_case(lower));
    }
    text.to_lowercase().contains(lower)
}

/// A piece of the picture above a memory map.
#[derive(Debug, Clone)]
pub(crate) struct Patch {
    pub start: u64,
    pub end: u64,
    pub letter: char,
    pub role: Role,
    pub perms: String,
    /// Pages by layer: the letter and its role, by share.
    pub layers: Vec<(char, Role, u64)>,
    /// Key of its row.
    pub key: String,
}

/// Rows under heads.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    pub title: String,
    pub columns: Vec<Column>,
    /// Whether the heads are shown.
    pub headed: bool,
    pub rows: Vec<Row>,
    pub widths: Vec<u16>,
    /// What is said where there are no rows.
    pub empty: String,
    pub strip: Vec<Patch>,
    /// What is said about the table in the status line.
    pub note: Option<String>,
}

impl Table {
    pub(crate) fn new(title: impl Into<String>, columns: &[Column]) -> Self {
        Self {
            title: title.into(),
            columns: columns.to_vec(),
            headed: true,
            empty: "nothing here".to_owned(),
            widths: columns.iter().map(|c| width(c.name)).collect(),
            ..Self::default()
        }
    }

    /// Makes lines of names and values.
    pub(crate) fn facts(title: impl Into<String>) -> Self {
        Self {
            headed: false,
            ..Self::new(title, &[Column { name: "", right: false, most: 26, rank: 0 }, col("")])
        }
    }

    /// Makes lines of text.
    pub(crate) fn lines(title: impl Into<String>) -> Self {
        Self { headed: false, ..Self::new(title, &[col("")]) }
    }

    pub(crate) fn empty(mut self, text: impl Into<String>) -> Self {
        self.empty = text.into();
        self
    }

    pub(crate) fn push(&mut self, row: Row) {
        if !row.heading {
            for (cell, most) in row.cells.iter().zip(&mut self.widths) {
                *most = (*most).max(width(&cell.text));
            }
        }
        self.rows.push(row);
    }

    pub(crate) fn fact(&mut self, name: &str, value: impl Into<String>) {
        self.push(Row::new(vec![Cell::new(name).role(Role::Dim), Cell::new(value)]));
    }
}

/// Columns that a text takes.
pub(crate) fn width(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

/// Where in a table one is, and what of it is shown.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cursor {
    /// Index among the shown rows.
    pub selected: usize,
    /// First row on the screen.
    pub top: usize,
    /// Columns scrolled to the right.
    pub left: usize,
    pub filter: String,
    /// Column, and whether from high to low.
    pub sort: Option<(usize, bool)>,
    /// What was searched for last.
    pub find: String,
    /// Rows that are shown, in order.
    pub shown: Vec<usize>,
}

impl Cursor {
    /// Works out which rows are shown, and stays on the row it is on.
    pub(crate) fn arrange(&mut self, table: &Table) {
        let on = self.shown.get(self.selected).copied();
        let lower = self.filter.to_lowercase();
        self.shown = (0..table.rows.len())
            .filter(|i| lower.is_empty() || (!table.rows[*i].heading && table.rows[*i].holds(&lower)))
            .collect();
        if let Some((column, down)) = self.sort {
            // Headings say nothing once rows are in another order.
            self.shown.retain(|i| !table.rows[*i].heading);
            self.shown.sort_by(|a, b| {
                let (a, b) = (table.rows[*a].cells.get(column), table.rows[*b].cells.get(column));
                let number = |c: Option<&Cell>| c.and_then(|c| c.number);
                let order = match (number(a), number(b)) {
                    (Some(a), Some(b)) => a.cmp(&b),
                    // What is not known comes last, whichever the order.
                    (Some(_), None) => return std::cmp::Ordering::Less,
                    (None, Some(_)) => return std::cmp::Ordering::Greater,
                    _ => a.map(|c| &c.text).cmp(&b.map(|c| &c.text)),
                };
                if down { order.reverse() } else { order }
            });
        }
        self.selected = on.and_then(|row| self.shown.iter().position(|i| *i == row)).unwrap_or(0);
    }

    /// A cursor for the same list made anew: what was filtered, ordered and selected stays so.
    pub(crate) fn carried(&self, before: &Table, table: &Table) -> Self {
        let mut cursor = Self { shown: Vec::new(), ..self.clone() };
        cursor.arrange(table);
        cursor.selected = self.selected.min(cursor.shown.len().saturating_sub(1));
        if let Some(row) = self.row(before) {
            cursor.select(table, &row.key);
        }
        cursor
    }

    /// Takes in rows that were added at the end.
    pub(crate) fn extend(&mut self, table: &Table, from: usize) {
        let lower = self.filter.to_lowercase();
        let new = (from..table.rows.len()).filter(|i| lower.is_empty() || table.rows[*i].holds(&lower));
        self.shown.extend(new);
    }

    /// Selects the row of that key.
    pub(crate) fn select(&mut self, table: &Table, key: &str) -> bool {
        let found = self.shown.iter().position(|i| table.rows[*i].key == key);
        if let Some(at) = found {
            self.selected = at;
        }
        found.is_some()
    }

    pub(crate) fn row<'t>(&self, table: &'t Table) -> Option<&'t Row> {
        self.shown.get(self.selected).and_then(|i| table.rows.get(*i))
    }

    /// Moves the selection, and keeps it on a screen of that many rows.
    pub(crate) fn go(&mut self, to: usize, height: usize) {
        self.selected = to.min(self.shown.len().saturating_sub(1));
        self.show(height);
    }

    pub(crate) fn show(&mut self, height: usize) {
        let height = height.max(1);
        if self.selected < self.top {
            self.top = self.selected;
        } else if self.selected >= self.top + height {
            self.top = self.selected + 1 - height;
        }
        self.top = self.top.min(self.shown.len().saturating_sub(height));
    }

    /// Goes to the next row that holds the text; says whether there is one.
    pub(crate) fn find_next(&mut self, table: &Table, forward: bool, height: usize) -> bool {
        let lower = self.find.to_lowercase();
        let n = self.shown.len();
        if lower.is_empty() || n == 0 {
            return false;
        }
        for step in 1..=n {
            let at = if forward { (self.selected + step) % n } else { (self.selected + n - step) % n };
            if self.shown.get(at).is_some_and(|i| table.rows[*i].holds(&lower)) {
                self.go(at, height);
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new("t", &[num("N"), col("NAME")]);
        for (n, name) in [(10, "beta"), (9, "Alpha"), (200, "gamma")] {
            table.push(Row::new(vec![Cell::number(n), Cell::new(name)]));
        }
        table.push(Row::new(vec![Cell::new("-"), Cell::new("none")]));
        table
    }

    #[test]
    fn order_is_by_number_and_what_is_unknown_comes_last() {
        let table = table();
        let mut cursor = Cursor { sort: Some((0, false)), ..Cursor::default() };
        cursor.arrange(&table);
        assert_eq!(cursor.shown, [1, 0, 2, 3]);
        cursor.sort = Some((0, true));
        cursor.arrange(&table);
        assert_eq!(cursor.shown, [2, 0, 1, 3]);
    }

    #[test]
    fn a_filter_takes_any_case_and_keeps_the_row() {
        let table = table();
        let mut cursor = Cursor::default();
        cursor.arrange(&table);
        cursor.go(2, 10);
        cursor.filter = "AM".to_owned();
        cursor.arrange(&table);
        assert_eq!(cursor.shown, [2]);
        assert_eq!(cursor.row(&table).unwrap().cells[1].text, "gamma");
        cursor.filter.clear();
        cursor.arrange(&table);
        assert_eq!(cursor.selected, 2);
    }

    #[test]
    fn search_goes_around() {
        let table = table();
        let mut cursor = Cursor { find: "alpha".to_owned(), ..Cursor::default() };
        cursor.arrange(&table);
        cursor.go(3, 2);
        assert!(cursor.find_next(&table, true, 2));
        assert_eq!((cursor.selected, cursor.top), (1, 1));
        assert!(cursor.find_next(&table, false, 2));
        assert_eq!(cursor.selected, 1);
        cursor.find = "nowhere".to_owned();
        assert!(!cursor.find_next(&table, true, 2));
    }
}
