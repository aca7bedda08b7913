//! One answer: items of one or more archives, in any format, as they come.

use std::cell::{Cell, RefCell};
use std::io::Write;

use libforensic::Warning;
use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};

use super::yaml::{Escaping, Quoted};
use super::{Format, Table, escape, write_json, write_json_pretty};

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

    /// Returns true if the items of an archive can come as finished text, by [`Rows::stream`].
    fn streams(&self) -> bool {
        false
    }

    /// Gives the items of an archive to `sink` as finished text, many at a time.
    ///
    /// # Errors
    ///
    /// As [`Rows::each`].
    fn stream(
        &self,
        _index: usize,
        _form: &Form<'_>,
        _sink: &mut dyn FnMut(&[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        Ok(())
    }

    /// Returns escaped lines that stand below the table, after all items were given.
    fn footer(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What finished text looks like.
pub enum Form<'f> {
    /// Lines of a table: whether it is a wide one, the widths of its columns, and the first cell if it
    /// is the archive's.
    Table(bool, &'f [usize], Option<&'f str>),
    /// A JSON object in each line, with the archive's name where there are several.
    Lines(Option<&'f str>),
    /// Elements of the list of a JSON document, each behind a comma and on lines of its own.
    Elements(Option<&'f str>),
}

/// Ends the items of an archive early: the rest comes as text.
#[derive(Debug, thiserror::Error)]
#[error("the rest comes as text")]
struct Enough;

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
        let note = |index: usize, output_failed: bool, result: anyhow::Result<()>| match result {
            Err(e) if output_failed => Err(e),
            Err(e) => {
                failed.set(failed.get() + 1);
                let what = format!("{e:#}");
                eprintln!("error: {}: {}", escape(&self.archives[index]), escape(&what));
                errors.borrow_mut().push((index, Warning::new(what)));
                Ok(())
            }
            Ok(()) => Ok(()),
        };
        let run = |index: usize, sink: &mut dyn FnMut(R::Item) -> anyhow::Result<()>| -> anyhow::Result<()> {
            let mut output_failed = false;
            let result = rows.each(index, &mut |item| sink(item).inspect_err(|_| output_failed = true));
            note(index, output_failed, result)
        };
        let stream = |index: usize, form: &Form<'_>, sink: &mut dyn FnMut(&[u8]) -> anyhow::Result<()>| {
            let mut output_failed = false;
            let mut sink = |text: &[u8]| sink(text).inspect_err(|_| output_failed = true);
            let result = rows.stream(index, form, &mut sink);
            note(index, output_failed, result)
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
                // Of text, what stands out could not be coloured any more.
                let streams = rows.streams() && !self.colored;
                for (index, archive) in self.archives.iter().enumerate() {
                    let lead = several.then(|| escape(archive));
                    let mut given = 0_usize;
                    let mut row = |item: R::Item| {
                        let mut cells = rows.cells(&item, wide);
                        cells.splice(0..0, lead.as_deref().map(str::to_owned));
                        table.row(cells)?;
                        given += 1;
                        // The columns have their widths now.
                        if streams && table.is_started() { Err(Enough.into()) } else { Ok(()) }
                    };
                    match run(index, &mut row) {
                        Err(e) if e.is::<Enough>() => {}
                        result => {
                            result?;
                            continue;
                        }
                    }
                    let widths = table.widths().to_vec();
                    stream(index, &Form::Table(wide, &widths, lead.as_deref()), &mut |text| {
                        Ok(table.lines(without_lines(text, &mut given))?)
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
                    if rows.streams() {
                        let form = Form::Lines(several.then_some(archive.as_str()));
                        stream(index, &form, &mut |text| Ok(out.write_all(text)?))?;
                        continue;
                    }
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
            Format::Json if rows.streams() => {
                // The document without items, and the items in their place.
                let none = |_: usize, _: &mut dyn FnMut(R::Item) -> anyhow::Result<()>| Ok(());
                let around = |out: &mut Vec<u8>| -> anyhow::Result<usize> {
                    write_json_pretty(&mut *out, &self.document(rows, &none, &errors, several))?;
                    // No text of JSON has a line feed in it: this is the list.
                    let list = b"\n  \"items\": [";
                    let at = out.windows(list.len()).position(|w| w == list);
                    Ok(at.map_or(out.len(), |at| at + list.len()))
                };
                let mut document = Vec::new();
                let split = around(&mut document)?;
                out.write_all(&document[..split])?;
                let mut first = true;
                for (index, archive) in self.archives.iter().enumerate() {
                    let form = Form::Elements(several.then_some(archive.as_str()));
                    stream(index, &form, &mut |text| {
                        let text = if first { text.strip_prefix(b",").unwrap_or(text) } else { text };
                        first = false;
                        Ok(out.write_all(text)?)
                    })?;
                }
                if !first {
                    out.write_all(b"\n  ")?;
                }
                // What could not be read is known only now.
                document.clear();
                let split = around(&mut document)?;
                out.write_all(&document[split..])?;
                out.write_all(b"\n")?;
                out.flush()?;
            }
            Format::Json => {
                write_json_pretty(&mut *out, &self.document(rows, &run, &errors, several))?;
                out.write_all(b"\n")?;
                out.flush()?;
            }
            Format::Yaml => {
                let mut text = Escaping::new(&mut *out);
                let document = Document { yaml: true, ..self.document(rows, &run, &errors, several) };
                let result = serde_saphyr::to_fmt_writer(&mut text, &document);
                if let Some(e) = text.error {
                    return Err(e.into());
                }
                result?;
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
        Document { answer: self, _rows: rows, run, errors, several, yaml: false }
    }
}

/// Leaves out the first lines of a text, as many as there are left to leave out.
fn without_lines<'t>(text: &'t [u8], lines: &mut usize) -> &'t [u8] {
    let mut rest = text;
    while *lines > 0
        && let Some(end) = rest.iter().position(|b| *b == b'\n')
    {
        rest = &rest[end + 1..];
        *lines -= 1;
    }
    if *lines > 0 { &[] } else { rest }
}

/// Serialises the whole answer while the items are being worked out.
struct Document<'d, R, F> {
    answer: &'d Answer<'d>,
    _rows: &'d R,
    run: &'d F,
    /// Why archives could not be read at all: an empty list must not look like an answer.
    errors: &'d RefCell<Vec<(usize, Warning)>>,
    several: bool,
    /// Whether strings are to be made ready for YAML, item by item.
    yaml: bool,
}

impl<R, F> Document<'_, R, F>
where
    R: Rows,
{
    fn entry<M: SerializeMap>(
        &self,
        map: &mut M,
        key: &'static str,
        value: &impl Serialize,
    ) -> Result<(), M::Error> {
        if self.yaml {
            map.serialize_entry(key, &Quoted::new(value)?)
        } else {
            map.serialize_entry(key, value)
        }
    }

    fn element<L: SerializeSeq>(&self, list: &mut L, item: &impl Serialize) -> Result<(), L::Error> {
        if self.yaml { list.serialize_element(&Quoted::new(item)?) } else { list.serialize_element(item) }
    }
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
            self.entry(&mut map, "archive", &self.answer.archives.first().map_or("", String::as_str))?;
        }
        map.serialize_entry("items", &Items(self))?;
        self.entry(&mut map, "warnings", &self.warnings())?;
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
                    document.element(&mut list, &OfArchive { archive, item: &item })
                } else {
                    document.element(&mut list, &item)
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
