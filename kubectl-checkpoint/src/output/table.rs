//! Tables as kubectl prints them: left-aligned columns, three spaces apart, no borders.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr;

/// Columns that text takes on a terminal; cells are escaped, so ASCII has no control characters.
fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.width() }
}

/// Rows that are looked at before the first is written, to find the widths of columns.
const LOOK_AHEAD: usize = 5_000;
/// A cell wider than this does not widen its column for all the others.
const WIDEST: usize = 64;

/// Writes rows with aligned columns.
///
/// The widths come from the first rows, so a table of a million rows needs
/// no more memory than one of five thousand. Cells must be escaped already.
pub struct Table<W: Write> {
    out: W,
    headers: Vec<&'static str>,
    show_headers: bool,
    widths: Vec<usize>,
    buffer: Vec<Vec<String>>,
    line: String,
    started: bool,
    colored: bool,
}

/// What is no longer where its path says stands out.
const GONE: &str = " (deleted)";
const YELLOW: &str = "\x1b[33m";
const BOLD: &str = "\x1b[1m";
const RESET: &str = "\x1b[0m";

/// Adds a cell that is not the last of its line, and the space behind it.
pub(crate) fn put_cell(line: &mut String, cell: &str, widest: usize) {
    line.push_str(cell);
    pad(line, widest.saturating_sub(width(cell)) + 3);
}

fn pad(line: &mut String, mut columns: usize) {
    const SPACES: &str = "                                                                ";
    while columns > 0 {
        let some = columns.min(SPACES.len());
        line.push_str(&SPACES[..some]);
        columns -= some;
    }
}

impl<W: Write> Table<W> {
    /// Starts a table.
    pub fn new(out: W, headers: Vec<&'static str>, show_headers: bool) -> Self {
        let widths = headers.iter().map(|h| if show_headers { width(h) } else { 0 }).collect();
        Self {
            out,
            headers,
            show_headers,
            widths,
            buffer: Vec::new(),
            line: String::new(),
            started: false,
            colored: false,
        }
    }

    /// Turns colour on or off.
    #[must_use]
    pub fn colored(mut self, on: bool) -> Self {
        self.colored = on;
        self
    }

    /// Returns true once rows are written, and no longer looked at for the widths of columns.
    pub fn is_started(&self) -> bool {
        self.started
    }

    /// Returns the widths of the columns, as far as they are known.
    pub fn widths(&self) -> &[usize] {
        &self.widths
    }

    /// Writes finished lines; rows must have been started.
    ///
    /// # Errors
    ///
    /// When the output fails.
    pub fn lines(&mut self, text: &[u8]) -> io::Result<()> {
        self.out.write_all(text)
    }

    /// Adds a row.
    ///
    /// # Errors
    ///
    /// When the output fails.
    pub fn row(&mut self, cells: Vec<String>) -> io::Result<()> {
        if self.started {
            return self.write(&cells, "");
        }
        for (widest, cell) in self.widths.iter_mut().zip(&cells) {
            *widest = (*widest).max(width(cell).min(WIDEST));
        }
        self.buffer.push(cells);
        if self.buffer.len() >= LOOK_AHEAD { self.start() } else { Ok(()) }
    }

    fn start(&mut self) -> io::Result<()> {
        self.started = true;
        if self.show_headers {
            let headers: Vec<String> = self.headers.iter().map(|h| (*h).to_owned()).collect();
            self.write(&headers, BOLD)?;
        }
        for row in std::mem::take(&mut self.buffer) {
            self.write(&row, "")?;
        }
        Ok(())
    }

    fn write(&mut self, cells: &[String], style: &str) -> io::Result<()> {
        let line = &mut self.line;
        line.clear();
        let last = cells.iter().rposition(|c| !c.is_empty()).unwrap_or(0);
        for (i, cell) in cells.iter().enumerate().take(last + 1) {
            let style = if self.colored && cell.ends_with(GONE) { YELLOW } else { style };
            if self.colored && !style.is_empty() {
                line.push_str(style);
                line.push_str(cell);
                line.push_str(RESET);
            } else {
                line.push_str(cell);
            }
            if i < last {
                let widest = self.widths.get(i).copied().unwrap_or(0);
                let padding = widest.saturating_sub(width(cell)) + 3;
                pad(line, padding);
            }
        }
        line.push('\n');
        self.out.write_all(line.as_bytes())
    }

    /// Writes what is left and flushes.
    ///
    /// # Errors
    ///
    /// When the output fails.
    pub fn finish(mut self) -> io::Result<()> {
        if !self.started {
            self.start()?;
        }
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_by_width_not_by_bytes() {
        let mut out = Vec::new();
        let mut table = Table::new(&mut out, vec!["A", "NAME", "C"], true);
        table.row(vec!["1".into(), "世界".into(), "x".into()]).unwrap();
        table.row(vec!["22".into(), "é".into(), String::new()]).unwrap();
        table.finish().unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "A    NAME   C\n1    世界   x\n22   é\n");
    }

    #[test]
    fn colour_is_only_there_when_it_is_asked_for() {
        let print = |on| {
            let mut out = Vec::new();
            let mut table = Table::new(&mut out, vec!["EXE"], true).colored(on);
            table.row(vec!["/tmp/x (deleted)".into()]).unwrap();
            table.finish().unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(print(false), "EXE\n/tmp/x (deleted)\n");
        assert_eq!(print(true), "\x1b[1mEXE\x1b[0m\n\x1b[33m/tmp/x (deleted)\x1b[0m\n");
    }
}
