//! One answer: items of one or more archives, in any format, as they come.

use std::cell::{Cell, RefCell};
use std::io::Write;

use libforensic::Warning;
use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};

use super::{Format, Table, escape, write_json, write_json_pretty, yaml_text};

/// The version of all JSON that this program prints.
pub const API_VERSION: &str = "libforensic/v1alpha1";

/// Gives the items of one archive to a sink, one after the other.
pub trait Rows {
    /// What an item is.
    type Item: Serialize;

    /// Returns the names of the columns.
    fn headers(&self, wide: bool) -> Vec<&'static str>;

    /// Returns the cells of an item, escaped.
    fn cells(&self, item: &Self::Item, wide: bool) -> Vec<String>;

    /// Calls `sink` for every item of archive number `index`.
    ///
    /// # Errors
    ///
    /// Passes on what `sink` returns, and what keeps the archive from being read at all.
    fn each(
        &self,
        index: usize,
        sink: &mut dyn FnMut(Self::Item) -> anyhow::Result<()>,
    ) -> anyhow::Result<()>;

    /// Returns the escaped name of an item for `-o name`, `None` where items have none.
    fn name(&self, _item: &Self::Item) -> Option<String> {
        None
    }

    /// Returns escaped lines that stand below the table, after all items were given.
    fn footer(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What was asked for, and on which archives.
pub struct Answer<'a> {
    /// The `kind` of the JSON object.
    pub kind: &'static str,
    /// The archives by name, in order.
    pub archives: Vec<String>,
    /// Output format.
    pub format: Format,
    /// Whether tables begin with column names.
    pub headers: bool,
    /// Whether tables are coloured.
    pub colored: bool,
    /// Returns what could not be read of archive number `index`, after its items were given.
    pub warnings: &'a dyn Fn(usize) -> Vec<Warning>,
}

/// `-o name` was asked of rows that have no names.
#[derive(Debug, thiserror::Error)]
#[error("the items of a {0} have no names: use another format than -o name")]
struct NoNames(&'static str);

#[derive(Serialize)]
struct OfArchive<'i, T> {
    archive: &'i str,
    #[serde(flatten)]
    item: &'i T,
}

impl Answer<'_> {
    /// Writes all items to `out`.
    ///
    /// An archive that cannot be read at all does not keep the others from
    /// being shown; the number of such archives is returned.
    ///
    /// # Errors
    ///
    /// When the output fails.
    pub fn write<R: Rows>(&self, rows: &R, out: &mut dyn Write) -> anyhow::Result<usize> {
        let failed = Cell::new(0_usize);
        let errors = RefCell::new(Vec::new());
        let run = |index: usize, sink: &mut dyn FnMut(R::Item) -> anyhow::Result<()>| -> anyhow::Result<()> {
            let mut output_failed = false;
            let result = rows.each(index, &mut |item| sink(item).inspect_err(|_| output_failed = true));
            match result {
                Err(e) if output_failed => Err(e),
                Err(e) => {
                    failed.set(failed.get() + 1);
                    let what = format!("{e:#}");
                    eprintln!("error: {}: {}", escape(&self.archives[index]), escape(&what));
                    errors.borrow_mut().push((index, Warning::new(what)));
                    Ok(())
                }
                Ok(()) => Ok(()),
            }
        };
        let several = self.archives.len() > 1;
        match self.format {
            Format::Table | Format::Wide => {
                let wide = self.format == Format::Wide;
                let mut headers = rows.headers(wide);
                if several {
                    headers.insert(0, "ARCHIVE");
                }
                let mut table = Table::new(&mut *out, headers, self.headers).colored(self.colored);
                for (index, archive) in self.archives.iter().enumerate() {
                    run(index, &mut |item| {
                        let mut cells = rows.cells(&item, wide);
                        if several {
                            cells.insert(0, escape(archive).into_owned());
                        }
                        Ok(table.row(cells)?)
                    })?;
                }
                // Column names over nothing at all would look like an empty answer.
                if failed.get() < self.archives.len() {
                    table.finish()?;
                    if self.headers {
                        for line in rows.footer() {
                            writeln!(out, "{line}")?;
                        }
                    }
                }
            }
            Format::Name => {
                for index in 0..self.archives.len() {
                    run(index, &mut |item| {
                        // Comes back as a failure of the output: it would be the same for every archive.
                        let name = rows.name(&item).ok_or(NoNames(self.kind))?;
                        Ok(writeln!(out, "{name}")?)
                    })?;
                }
                out.flush()?;
            }
            Format::Ndjson => {
                for (index, archive) in self.archives.iter().enumerate() {
                    run(index, &mut |item| {
                        if several {
                            write_json(&mut *out, &OfArchive { archive, item: &item })?;
                        } else {
                            write_json(&mut *out, &item)?;
                        }
                        Ok(out.write_all(b"\n")?)
                    })?;
                }
                out.flush()?;
            }
            Format::Json => {
                write_json_pretty(&mut *out, &self.document(rows, &run, &errors, several))?;
                out.write_all(b"\n")?;
                out.flush()?;
            }
            Format::Yaml => {
                let value = serde_json::to_value(self.document(rows, &run, &errors, several))?;
                out.write_all(yaml_text(&value)?.as_bytes())?;
                out.flush()?;
            }
        }
        Ok(failed.get())
    }

    fn document<'d, R: Rows, F>(
        &'d self,
        rows: &'d R,
        run: &'d F,
        errors: &'d RefCell<Vec<(usize, Warning)>>,
        several: bool,
    ) -> Document<'d, R, F> {
        Document { answer: self, _rows: rows, run, errors, several }
    }
}

/// Serialises the whole answer while the items are being worked out.
struct Document<'d, R, F> {
    answer: &'d Answer<'d>,
    _rows: &'d R,
    run: &'d F,
    /// Why archives could not be read at all: an empty list must not look like an answer.
    errors: &'d RefCell<Vec<(usize, Warning)>>,
    several: bool,
}

impl<R: Rows, F> Serialize for Document<'_, R, F>
where
    F: Fn(usize, &mut dyn FnMut(R::Item) -> anyhow::Result<()>) -> anyhow::Result<()>,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("apiVersion", API_VERSION)?;
        map.serialize_entry("kind", self.answer.kind)?;
        if !self.several {
            map.serialize_entry("archive", self.answer.archives.first().map_or("", String::as_str))?;
        }
        map.serialize_entry("items", &Items(self))?;
        map.serialize_entry("warnings", &self.warnings())?;
        map.end()
    }
}

#[derive(Serialize)]
struct WarningOf<'w> {
    #[serde(skip_serializing_if = "Option::is_none")]
    archive: Option<&'w str>,
    #[serde(flatten)]
    warning: Warning,
}

impl<R: Rows, F> Document<'_, R, F> {
    fn warnings(&self) -> Vec<WarningOf<'_>> {
        let mut all = Vec::new();
        for (index, archive) in self.answer.archives.iter().enumerate() {
            let archive = self.several.then_some(archive.as_str());
            let errors = self.errors.borrow();
            let of_archive = errors.iter().filter(|e| e.0 == index);
            all.extend(of_archive.map(|(_, e)| WarningOf { archive, warning: e.clone() }));
            all.extend(
                (self.answer.warnings)(index).into_iter().map(|warning| WarningOf { archive, warning }),
            );
        }
        all
    }
}

struct Items<'i, 'd, R, F>(&'i Document<'d, R, F>);

impl<R: Rows, F> Serialize for Items<'_, '_, R, F>
where
    F: Fn(usize, &mut dyn FnMut(R::Item) -> anyhow::Result<()>) -> anyhow::Result<()>,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let document = self.0;
        let mut list = serializer.serialize_seq(None)?;
        let error = RefCell::new(None);
        for (index, archive) in document.answer.archives.iter().enumerate() {
            let result = (document.run)(index, &mut |item| {
                let result = if document.several {
                    list.serialize_element(&OfArchive { archive, item: &item })
                } else {
                    list.serialize_element(&item)
                };
                result.map_err(|e| {
                    let text = anyhow::anyhow!("{e}");
                    *error.borrow_mut() = Some(e);
                    text
                })
            });
            if let Some(e) = error.borrow_mut().take() {
                return Err(e);
            }
            result.map_err(serde::ser::Error::custom)?;
        }
        list.end()
    }
}
