//! The command line: what commands there are, how they are completed, what they do.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Map, Value};

use super::super::message::Effect;
use super::super::model::{Model, Sheet, Shown};
use super::super::place::{Place, STEPS, VIEWS, View};
use super::{action, cluster, hexkeys, typing};

/// Commands besides the views, with what they take.
pub(crate) const NAMES: &[(&str, &str, &str)] = &[
    ("bookmarks", "[FILE]", "list bookmarks, or save them as JSON"),
    ("capture", "", "freeze a container of the cluster, and look into it"),
    ("close", "", "close this archive"),
    ("export", "FILE", "write rows (.csv .json .txt) or bytes to a new file"),
    ("filter", "[TEXT]", "show only rows with this text"),
    ("goto", "ADDRESS|NAME", "show the bytes at an address, of a register, of heap, stack, a mapped file"),
    ("help", "", "list the keys"),
    ("namespace", "[NAME]", "list the containers of a namespace, or of all"),
    ("light", "", "colours for a light background"),
    ("dark", "", "colours for a dark background"),
    ("open", "FILE", "open another archive"),
    ("pid", "PID", "go to a process"),
    ("quit", "", "quit"),
    ("quit!", "", "quit although bookmarks are not saved"),
    ("search", "[-e|-x] [-i] [-u] [-p PID] TEXT", "search all memory"),
    ("sort", "COLUMN [down]", "order rows"),
    ("stop", "", "stop what runs"),
    ("strings", "[LEAST]", "readable text of at least so many characters"),
];

fn names() -> Vec<&'static str> {
    let views = VIEWS.iter().chain(STEPS).filter(|i| i.listed).map(|i| i.name);
    let mut names: Vec<&str> = views.chain(NAMES.iter().map(|n| n.0)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Completes a line: as far as all commands that fit agree, then one after the other.
pub(super) fn complete(text: &str, offers: &[String], places: &[String]) -> (String, Vec<String>) {
    if !offers.is_empty() {
        let at = offers.iter().position(|o| o == text.trim_end());
        let next = at.map_or(0, |at| (at + 1) % offers.len());
        return (offers[next].clone(), offers.to_vec());
    }
    if let Some((head, path)) = text.split_once(' ') {
        return match head {
            "open" | "o" => files(head, path),
            "goto" | "g" => place(&format!("{head} "), path, places),
            _ => (text.to_owned(), Vec::new()),
        };
    }
    offer(text, names().into_iter().filter(|n| n.starts_with(text)).map(str::to_owned).collect(), " ")
}

fn offer(text: &str, fits: Vec<String>, end: &str) -> (String, Vec<String>) {
    match fits.as_slice() {
        [] => (text.to_owned(), Vec::new()),
        [one] => (format!("{one}{end}"), Vec::new()),
        several => {
            let mut common = several[0].clone();
            for other in several {
                while !other.starts_with(&common) {
                    common.pop();
                }
            }
            (common, fits)
        }
    }
}

/// Completes the name of an address.
pub(super) fn place(head: &str, start: &str, places: &[String]) -> (String, Vec<String>) {
    let fits = places.iter().filter(|p| p.starts_with(start)).map(|p| format!("{head}{p}")).collect();
    offer(&format!("{head}{start}"), fits, "")
}

/// The names of addresses that can be offered where one is.
pub(super) fn places(model: &Model) -> Vec<String> {
    match &model.tab().shown {
        Shown::Hex(hex) if !hex.names.is_empty() => hex.names.clone(),
        _ => super::super::load::names::USUAL.iter().map(|n| (*n).to_owned()).collect(),
    }
}

/// Completes the name of a file; reading a directory is quick, and typing waits for it.
fn files(head: &str, path: &str) -> (String, Vec<String>) {
    let (directory, start) = path.rsplit_once('/').map_or(("", path), |(d, s)| (&path[..=d.len()], s));
    let listed = std::fs::read_dir(if directory.is_empty() { "." } else { directory });
    let mut fits: Vec<String> = listed
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let hidden = name.starts_with('.') && !start.starts_with('.');
            let slash = if entry.path().is_dir() { "/" } else { "" };
            (name.starts_with(start) && !hidden).then(|| format!("{head} {directory}{name}{slash}"))
        })
        .take(1000)
        .collect();
    fits.sort();
    offer(&format!("{head} {path}"), fits, "")
}

pub(crate) fn run(model: &mut Model, line: &str) -> Vec<Effect> {
    let line = line.trim();
    let (name, rest) = line.split_once(' ').map_or((line, ""), |(n, r)| (n, r.trim()));
    if name.is_empty() {
        return Vec::new();
    }
    // A number is an address in bytes and a row in a table, as in editors.
    if rest.is_empty() && name.starts_with(|c: char| c.is_ascii_digit()) {
        return number(model, name);
    }
    match full(name).as_deref() {
        Ok("quit") => action::quit(model),
        Ok("quit!") if model.capture().is_some() => typing::abandon(model),
        Ok("quit!") => {
            model.leaving = true;
            action::quit(model)
        }
        Ok("capture") if model.tab().cluster.is_some() => cluster::ask(model),
        Ok("capture" | "containers") => model.open_cluster(),
        Ok("namespace") => {
            let mut effects = model.open_cluster();
            effects.extend(cluster::namespace(model, rest));
            effects
        }
        Ok("search" | "goto" | "pid" | "strings") if model.tab().cluster.is_some() => {
            model.complain("there is no archive in this tab; c captures one, :open FILE opens one");
            Vec::new()
        }
        Ok("help") => action::act(model, super::super::keys::Action::Help),
        Ok("close") => action::act(model, super::super::keys::Action::CloseTab),
        Ok("stop") => action::act(model, super::super::keys::Action::Cancel),
        Ok("goto") => hexkeys::goto(model, rest),
        Ok("search") => typing::search(model, rest),
        Ok("export") => export(model, rest),
        Ok("filter") => {
            filter(model, rest);
            Vec::new()
        }
        Ok("sort") => {
            sort(model, rest);
            Vec::new()
        }
        Ok("open") if rest.is_empty() => {
            model.complain("open which file?");
            Vec::new()
        }
        Ok("open") => model.open(PathBuf::from(rest)),
        Ok(name @ ("light" | "dark")) => {
            model.theme.light = name == "light";
            Vec::new()
        }
        Ok("pid") => pid(model, rest),
        Ok("bookmarks") if !rest.is_empty() => bookmarks(model, rest),
        Ok("strings") => {
            let mut place = Place::new(model.tab().tree.pid(), View::Strings);
            if !rest.is_empty() {
                match rest.parse::<usize>() {
                    Ok(least) if (1..=4096).contains(&least) => place.least = Some(least),
                    _ => {
                        model.complain("the shortest text has 1 to 4096 characters");
                        return Vec::new();
                    }
                }
            }
            model.visit(place)
        }
        Ok(name) => match View::by_name(name) {
            Some(view) if view.siblings().as_ptr() != model.tab().place.view.siblings().as_ptr() => {
                model.complain(format!("no {name} in this tab"));
                Vec::new()
            }
            Some(view) => action::view(model, view),
            None => Vec::new(),
        },
        Err(why) => {
            model.complain(why.clone());
            Vec::new()
        }
    }
}

/// The command that is meant: its name, or the start of it where that is clear.
fn full(name: &str) -> Result<String, String> {
    let short = match name {
        "q" => "quit",
        "q!" => "quit!",
        "s" => "search",
        "e" | "o" => "open",
        "w" => "export",
        "f" => "files",
        "g" => "goto",
        "h" => "help",
        _ => name,
    };
    let names = names();
    if names.contains(&short) {
        return Ok(short.to_owned());
    }
    let fits: Vec<&str> = names.into_iter().filter(|n| n.starts_with(short)).collect();
    match fits.as_slice() {
        [one] => Ok((*one).to_owned()),
        [] => Err(format!("no command {name:?}; Tab lists them")),
        several => Err(format!("{name:?} can be {}", several.join(", "))),
    }
}

fn number(model: &mut Model, text: &str) -> Vec<Effect> {
    if matches!(model.tab().shown, Shown::Hex(_)) {
        return hexkeys::goto(model, text);
    }
    let rows = model.areas().table_rows(model);
    match (text.parse::<usize>(), model.sheet_mut()) {
        (Ok(n), Some(sheet)) => sheet.cursor.go(n.saturating_sub(1), rows),
        _ => model.complain(format!("{text:?} is no number of a row")),
    }
    Vec::new()
}

fn filter(model: &mut Model, text: &str) {
    let rows = model.areas().table_rows(model);
    if let Some(sheet) = model.sheet_mut() {
        text.clone_into(&mut sheet.cursor.filter);
        sheet.cursor.arrange(&sheet.table);
        sheet.cursor.show(rows);
    }
}

fn sort(model: &mut Model, rest: &str) {
    let rows = model.areas().table_rows(model);
    let (name, down) = match rest.rsplit_once(' ') {
        Some((name, "down")) => (name, true),
        _ => (rest, false),
    };
    let Some(sheet) = model.sheet_mut() else { return };
    let columns = &sheet.table.columns;
    let column = columns.iter().position(|c| c.name.eq_ignore_ascii_case(name));
    if column.is_none() && !name.is_empty() {
        let names: Vec<&str> = columns.iter().map(|c| c.name).filter(|n| !n.is_empty()).collect();
        let names = names.join(", ");
        model.complain(format!("no column {name:?}; there are {names}"));
        return;
    }
    sheet.cursor.sort = column.map(|c| (c, down));
    sheet.cursor.arrange(&sheet.table);
    sheet.cursor.show(rows);
}

fn pid(model: &mut Model, rest: &str) -> Vec<Effect> {
    let tab = model.tab();
    let Some(pid) = rest.parse().ok().filter(|pid| tab.tree.branch(*pid).is_some()) else {
        model.complain(format!("no process {rest:?} in this archive"));
        return Vec::new();
    };
    let view = if tab.place.view.is_of_container() { View::Overview } else { tab.place.view };
    model.visit(Place::new(Some(pid), view))
}

fn bookmarks(model: &mut Model, path: &str) -> Vec<Effect> {
    if model.bookmarks.is_empty() {
        model.complain("there are no bookmarks to save; b makes one");
        return Vec::new();
    }
    model.unsaved = false;
    let bytes = super::super::bookmark::document(&model.bookmarks);
    let what = format!("{} bookmarks", model.bookmarks.len());
    vec![Effect::Write { path: PathBuf::from(path), bytes, what }]
}

/// Writes what is shown: the rows of a table, or the selected bytes.
pub(crate) fn export(model: &mut Model, path: &str) -> Vec<Effect> {
    let path = path.trim();
    if path.is_empty() {
        model.complain("write to which file?");
        return Vec::new();
    }
    let tab = model.tab();
    if let Some(sheet) = tab.sheet() {
        let bytes = match PathBuf::from(path).extension().and_then(|e| e.to_str()) {
            Some("json") => json(sheet),
            Some("csv") => csv(sheet),
            _ => text(sheet),
        };
        let what = format!("{} rows", sheet.cursor.shown.len());
        return vec![Effect::Write { path: PathBuf::from(path), bytes, what }];
    }
    let (Shown::Hex(hex), Some(from)) = (&tab.shown, tab.bytes()) else {
        model.complain("there is nothing to write");
        return Vec::new();
    };
    let range = if hex.mark.is_some() {
        hex.selection()
    } else if let Some(region) = hex.region_at(hex.cursor) {
        hex.regions[region].range.clone()
    } else {
        return Vec::new();
    };
    vec![Effect::Export { tab: tab.id, from, range, path: PathBuf::from(path) }]
}

fn shown(sheet: &Sheet) -> impl Iterator<Item = &super::super::table::Row> {
    sheet.cursor.shown.iter().filter_map(|i| sheet.table.rows.get(*i))
}

fn text(sheet: &Sheet) -> Vec<u8> {
    let mut out = String::new();
    for row in shown(sheet) {
        let _ = writeln!(out, "{}", row.text());
    }
    out.into_bytes()
}

/// Names of columns for programs; lists without heads get numbers.
fn keys(sheet: &Sheet) -> Vec<String> {
    let name = |(i, c): (usize, &super::super::table::Column)| {
        if c.name.is_empty() { format!("column{}", i + 1) } else { c.name.to_lowercase() }
    };
    sheet.table.columns.iter().enumerate().map(name).collect()
}

fn csv(sheet: &Sheet) -> Vec<u8> {
    let quoted = |text: &str| {
        // Spreadsheets run what begins like a formula, in full width and behind spaces too; some
        // of them take a semicolon or a tab for the end of a cell.
        let begin = text.trim_start();
        let is_formula = begin.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) && begin.len() > 1;
        let guard = if is_formula { "'" } else { "" };
        if text.contains(['"', ',', ';', '\t', '\r', '\n']) || is_formula {
            format!("\"{guard}{}\"", text.replace('"', "\"\""))
        } else {
            text.to_owned()
        }
    };
    let mut out = keys(sheet).join(",");
    out.push('\n');
    for row in shown(sheet).filter(|r| !r.heading) {
        let cells: Vec<String> = row.cells.iter().map(|c| quoted(&c.text)).collect();
        let _ = writeln!(out, "{}", cells.join(","));
    }
    out.into_bytes()
}

fn json(sheet: &Sheet) -> Vec<u8> {
    let keys = keys(sheet);
    let rows: Vec<Value> = shown(sheet)
        .filter(|r| !r.heading)
        .map(|row| {
            let pairs = keys.iter().zip(&row.cells).map(|(k, c)| {
                let value = match c.number.and_then(|n| u64::try_from(n).ok()) {
                    // Addresses are text, as everywhere.
                    Some(n) if c.text == n.to_string() => Value::from(n),
                    _ if c.text == "-" => Value::Null,
                    _ => Value::from(c.text.clone()),
                };
                (k.clone(), value)
            });
            Value::Object(pairs.collect::<Map<_, _>>())
        })
        .collect();
    let mut out = Vec::new();
    // Writing to a vector fails for no value that is made of text and numbers.
    let _ = crate::output::write_json_pretty(&mut out, &Value::Array(rows));
    out.push(b'\n');
    out
}

#[cfg(test)]
mod tests {
    use super::super::super::table::{Cell, Row, Table, col, num};
    use super::*;

    #[test]
    fn commands_are_completed_and_can_be_short() {
        assert_eq!(complete("over", &[], &[]).0, "overview ");
        let (text, offers) = complete("se", &[], &[]);
        assert_eq!(text, "search ");
        assert!(offers.is_empty());
        let (text, offers) = complete("l", &[], &[]);
        assert_eq!((text.as_str(), offers.len()), ("l", 3));
        let (text, _) = complete(&text, &offers, &[]);
        assert_eq!(text, "light");
        assert_eq!(complete("nothing", &[], &[]).0, "nothing");
        let places = ["rip".to_owned(), "rsp".to_owned()];
        assert_eq!(complete("goto ri", &[], &places).0, "goto rip");
        assert_eq!(complete("goto r", &[], &places).1, ["goto rip", "goto rsp"]);
        assert_eq!(full("q").unwrap(), "quit");
        assert_eq!(full("thr").unwrap(), "threads");
        assert!(full("l").unwrap_err().contains("limits"));
        assert!(full("zz").is_err());
    }

    #[test]
    fn tables_are_written_for_programs() {
        let mut table = Table::new("t", &[num("PID"), col("NAME")]);
        table.push(Row::heading("a heading"));
        table.push(Row::new(vec![Cell::number(7), Cell::new("=cmd(\"x\")")]));
        table.push(Row::new(vec![Cell::new("-"), Cell::new("plain")]));
        let sheet = Sheet::new(table);
        assert_eq!(String::from_utf8(csv(&sheet)).unwrap(), "pid,name\n7,\"'=cmd(\"\"x\"\")\"\n-,plain\n");
        let value: Value = serde_json::from_slice(&json(&sheet)).unwrap();
        assert_eq!(value[0]["pid"], 7);
        assert_eq!(value[1]["pid"], Value::Null);
        assert_eq!(value[0]["name"], "=cmd(\"x\")");
    }
}
