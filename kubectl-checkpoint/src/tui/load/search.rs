//! Matches as rows.

use libforensic::analysis::search::{Encoding, Match, Pattern, SourceKind};

use super::super::message::{Kind, Query};
use super::super::place::{Place, Source, View};
use super::super::table::{Cell, Column, Row, col, num, spare};
use super::{absent, text};
use crate::output::{escape, escape_bytes};

/// Columns of the results.
pub(crate) const COLUMNS: &[Column] =
    &[num("PID"), col("ADDRESS"), spare(col("PERMS"), 2), spare(col("WHERE"), 1), col("TEXT")];

/// Longest piece of text around a match, in characters.
const SHOWN: usize = 300;

/// What a query looks for.
pub(crate) fn pattern(query: &Query) -> Pattern {
    let text = query.text.as_bytes();
    let pattern = match query.kind {
        Kind::Literal => Pattern::literal(text),
        Kind::Regex => Pattern::regex(text),
        Kind::Hex => Pattern::hex(text),
    };
    pattern
        .ignore_case(query.ignore_case && query.kind != Kind::Hex)
        .utf16(query.utf16 && query.kind == Kind::Literal)
}

/// Where bytes were found, in a word or a path.
pub(super) fn place(m: &Match) -> String {
    match (&m.object, &m.mapping, m.source) {
        (Some(object), _, _) => text(object),
        (None, Some(mapping), _) => {
            mapping.path.as_ref().map_or_else(|| mapping.kind.as_str().to_owned(), text)
        }
        (None, None, source) => source.as_str().to_owned(),
    }
}

/// A match as a row.
pub(crate) fn row(m: &Match) -> Row {
    let perms = m.mapping.as_ref().map_or_else(absent, |x| Cell::new(x.perms.clone()));
    let found = match m.encoding {
        Encoding::Bytes => escape_bytes(&m.bytes).into_owned(),
        _ => escape(&m.text()).into_owned(),
    };
    // Some of what stands around it says what it is.
    let around = |bytes: &[u8]| -> String {
        bytes.iter().map(|b| if (0x20..0x7f).contains(b) { char::from(*b) } else { '·' }).collect()
    };
    let shown: String =
        format!("{}{found}{}", around(&m.before), around(&m.after)).chars().take(SHOWN).collect();
    let cells = vec![
        m.pid.map_or_else(absent, Cell::number),
        Cell::address(m.address),
        perms,
        Cell::new(place(m)),
        Cell::new(shown),
    ];
    let key = format!("{}/{}/{:x}", m.pid.unwrap_or(0), place(m), m.address);
    with_jumps(Row::new(cells).key(key), m)
}

/// Adds where a match leads.
pub(super) fn with_jumps(row: Row, m: &Match) -> Row {
    if let (SourceKind::Memory, Some(pid)) = (m.source, m.pid) {
        let mut row = row.jump("bytes", Place::hex(pid, m.address));
        if let Some(mapping) = &m.mapping {
            let place = Place::new(Some(pid), View::Memory).row(format!("{:x}", mapping.start));
            row = row.jump("mapping", place);
        }
        return row.jump("process", Place::new(Some(pid), View::Overview));
    }
    if let Some(segment) = m.segment.as_ref().filter(|_| m.source != SourceKind::Memory) {
        let member = format!("pagemap-{segment}.img").into_bytes();
        let object = m.object.as_ref().map(|o| o.as_bytes().to_vec()).unwrap_or_default();
        return row.jump("bytes", Place::bytes(Source::Holding { member, object }, m.address));
    }
    let Some(member) = &m.member else { return row };
    let member = member.as_bytes().to_vec();
    match &m.object {
        Some(object) => {
            let source = Source::Holding { member, object: object.as_bytes().to_vec() };
            row.jump("bytes", Place::bytes(source, m.address))
        }
        _ if m.source == SourceKind::Log => {
            row.jump("bytes", Place::bytes(Source::Member(member), m.address))
        }
        _ => row.jump("the member", Place::new(None, View::Images).row(escape_bytes(&member).into_owned())),
    }
}
