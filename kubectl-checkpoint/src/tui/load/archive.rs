//! The archive itself: members, records, logs, metadata, and what is missing.

use std::io::{self, BufRead as _, Write};

use anyhow::Context as _;
use libforensic::Checkpoint;
use libforensic::image::crit::{self, Options};
use libforensic::image::{ImageStatus, Kind};
use libforensic::model::Answer;

use super::super::message::{Cancel, Content};
use super::super::place::{Place, Source, View};
use super::super::table::{Cell, Row, Table, col, num, spare};
use super::super::theme::Role;
use super::bytes::data;
use super::{Part, Sink, known, number, text};
use crate::output::{escape, escape_bytes};

pub(super) fn images(checkpoint: &Checkpoint, tentative: bool) -> Table {
    let columns = [col("NAME"), spare(col("KIND"), 2), num("SIZE"), num("RECORDS"), col("STATUS")];
    let mut table = Table::new("members of the archive", &columns);
    for m in checkpoint.members() {
        // Not a member: what stands in for it.
        if tentative && m.name.as_bytes().ends_with(b"pstree.img") {
            continue;
        }
        let status = Cell::new(m.status.as_str());
        let status = match m.status {
            ImageStatus::Decoded => status.role(Role::Good),
            ImageStatus::Damaged => status.role(Role::Bad),
            ImageStatus::Known => status.role(Role::Dim),
            ImageStatus::Unknown => status.role(Role::Warn),
        };
        let cells =
            vec![Cell::new(text(&m.name)), known(m.kind), Cell::bytes(m.size), number(m.records), status];
        let source = Source::Member(m.name.as_bytes().to_vec());
        let mut row = Row::new(cells);
        let bytes = Place::bytes(source.clone(), 0);
        if m.records.is_some() {
            row = row.jump("records as JSON", Place::of(source, View::Record)).jump("bytes", bytes);
        } else if m.kind.is_some_and(|k| k.ends_with("-tar")) {
            row = row.jump("its files", Place::new(None, View::Rootfs)).jump("bytes", bytes);
        } else if m.kind.is_some_and(|k| k.chars().next().is_some_and(char::is_lowercase)) {
            row = row.jump("text", Place::of(source, View::Log)).jump("bytes", bytes);
        } else if m.kind == Some("PAGES") {
            row = row.jump("memory of all processes", Place::new(None, View::Memory)).jump("bytes", bytes);
        } else {
            row = row.jump("bytes", bytes);
        }
        table.push(row);
    }
    table
}

/// Most bytes of a record's text; an image of pages' maps can have millions of records.
const RECORD_BYTES: usize = 16 << 20;

/// Takes text up to a limit, then refuses.
struct Limited {
    bytes: Vec<u8>,
    full: bool,
}

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > RECORD_BYTES {
            self.full = true;
            return Err(io::Error::other("more than is shown"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An image as JSON.
pub(super) fn record(checkpoint: &Checkpoint, place: &Place) -> anyhow::Result<Table> {
    let Some(Source::Member(name)) = &place.source else { anyhow::bail!("no image was chosen") };
    let archive = checkpoint.archive();
    // Links name images in the usual directory; of bare ones there is none.
    let base = name.rsplit(|b| *b == b'/').next().unwrap_or(name);
    let member = archive
        .member(name)
        .or_else(|| archive.members().iter().find(|m| m.base_name() == base))
        .with_context(|| format!("the archive has no member {}", escape_bytes(name)))?;
    let hint = Kind::from_file_name(&member.name).map(|k| k.0);
    let mut out = Limited { bytes: Vec::new(), full: false };
    let options = Options { pretty: true, ..Options::default() };
    let result = crit::decode(hint, archive.data(member)?.reader(), &mut out, &options);
    let mut table = Table::lines(format!("{} as JSON", escape_bytes(&member.name)));
    for line in String::from_utf8_lossy(&out.bytes).lines() {
        table.push(json_line(line));
    }
    match result {
        _ if out.full => table.note = Some("only the first 16 MiB are shown; `decode` gives all".to_owned()),
        Err(e) => {
            table.push(Row::new(vec![Cell::new(escape(&e.to_string()).into_owned()).role(Role::Bad)]));
        }
        Ok(report) if report.damaged > 0 => {
            table.note = Some(format!("{} damaged places", report.damaged));
        }
        Ok(_) => {}
    }
    Ok(table)
}

fn json_line(line: &str) -> Row {
    let shown = escape(line).into_owned();
    let head = shown.trim_start().starts_with(['{', '}', '[', ']']);
    let cell = Cell::new(shown);
    Row::new(vec![if head { cell.role(Role::Dim) } else { cell }])
}

/// Lines that are shown of a log.
const LINES: usize = 50_000;
/// Longest line that is shown, in bytes; the rest is on the next.
const LINE: u64 = 4096;

/// Logs, or any file as text.
pub(super) fn log(
    checkpoint: &Checkpoint,
    place: &Place,
    cancel: &Cancel,
    sink: &mut Sink,
) -> anyhow::Result<()> {
    let sources: Vec<(String, Source)> = match &place.source {
        Some(source) => vec![(name(source), source.clone())],
        None => checkpoint
            .logs()
            .into_iter()
            .map(|l| (escape(&l.member).into_owned(), Source::Member(l.member.into_bytes())))
            .collect(),
    };
    let title = match sources.as_slice() {
        [(name, _)] => name.clone(),
        _ => "logs in the archive".to_owned(),
    };
    let mut table = Table::lines(title).empty("the archive holds no log");
    let several = sources.len() > 1;
    let mut left = LINES;
    for (name, source) in sources {
        if several {
            table.push(Row::heading(name));
        }
        let data = data(checkpoint, &source)?;
        let mut reader = io::BufReader::new(data.reader());
        let mut number = 0_u64;
        let mut offset = 0_u64;
        let mut line = Vec::new();
        loop {
            line.clear();
            let got = io::Read::take(io::Read::by_ref(&mut reader), LINE).read_until(b'\n', &mut line)?;
            if got == 0 || cancel.is_stopped() {
                break;
            }
            if left == 0 {
                table.note = Some(format!("only the first {LINES} lines are shown; e writes bytes from hex"));
                break;
            }
            left -= 1;
            number += 1;
            let start = offset;
            offset += got as u64;
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            let shown = escape_bytes(text).into_owned();
            let lower = shown.to_ascii_lowercase();
            let role =
                if lower.contains("error") || lower.contains("fail") { Role::Warn } else { Role::Plain };
            let row = Row::new(vec![Cell::new(shown).role(role)]).key(number.to_string());
            table.push(row.jump("bytes", Place::bytes(source.clone(), start)));
        }
    }
    sink(Part::Content(Content::Table(table)));
    Ok(())
}

fn name(source: &Source) -> String {
    match source {
        Source::Member(member) => escape_bytes(member).into_owned(),
        Source::Holding { member, object } => {
            format!("{} in {}", escape_bytes(object), escape_bytes(member))
        }
    }
}

pub(super) fn metadata(checkpoint: &Checkpoint) -> Table {
    let mut table = Table::lines("container, pod and engine");
    let summary = checkpoint.summary();
    match serde_json::to_string_pretty(&summary) {
        Ok(json) => {
            for line in json.lines() {
                table.push(json_line(line));
            }
        }
        Err(e) => table.push(Row::line(escape(&e.to_string()).into_owned())),
    }
    table
}

pub(super) fn answers(checkpoint: &Checkpoint) -> Table {
    let columns = [col("ANSWER"), col("QUESTION"), spare(col("COMMAND"), 2), col("WHY")];
    let mut table = Table::new("what this evidence can answer", &columns);
    for a in checkpoint.answerable() {
        let answer = Cell::new(a.answer.as_str());
        let answer = match a.answer {
            Answer::Yes => answer.role(Role::Good),
            Answer::Partly => answer.role(Role::Warn),
            _ => answer.role(Role::Bad),
        };
        let cells =
            vec![answer, Cell::new(a.question), known(a.command), Cell::new(escape(&a.why).into_owned())];
        table.push(Row::new(cells).key(a.id));
    }
    table
}

pub(super) fn warnings(checkpoint: &Checkpoint) -> Table {
    let columns = [col("MEMBER"), num("BYTE"), col("WHAT")];
    let mut table = Table::new("what could not be read so far", &columns)
        .empty("everything that was looked at so far could be read");
    // Looking at every member is what finds damage.
    let unread = checkpoint.members().filter(|m| m.status == ImageStatus::Unknown).count();
    for w in checkpoint.warnings() {
        let member = known(w.member.as_ref());
        let place = Place::new(None, View::Images).row(member.text.clone());
        let row = Row::new(vec![member, number(w.offset), Cell::new(escape(&w.what).into_owned())]);
        table.push(row.jump("the member", place));
    }
    if unread > 0 {
        table.note = Some(format!("{unread} members of unknown kinds are in images"));
    }
    table
}
