//! Strings as finished text, made where they are found.
//!
//! Tens of millions of strings come out of a GiB of memory: what is the same
//! for all of a block is put together once, and each string costs little more
//! than copying it. The text is what the same rows give one by one.

use std::io::Write as _;

use libforensic::analysis::block::{Block, Line};
use libforensic::analysis::search::{Encoding, SourceKind};
use serde::Serialize;

use crate::evidence::{ABSENT, or_absent, text};
use crate::output::{Form, escape, put_cell, write_json, write_json_pretty};

/// Adds the strings of a block in the form that was asked for.
pub(super) fn put(form: &Form<'_>, block: &Block<'_>, out: &mut Vec<u8>) {
    match form {
        Form::Table(wide, widths, archive) => rows(*wide, widths, *archive, block, out),
        Form::Lines(archive) => objects(&Layout::LINES, *archive, block, out),
        Form::Elements(archive) => objects(&Layout::ELEMENTS, *archive, block, out),
    }
}

fn rows(wide: bool, widths: &[usize], archive: Option<&str>, block: &Block<'_>, out: &mut Vec<u8>) {
    let mut widths = widths.iter().copied();
    let mut cell = |line: &mut String, text: &str| put_cell(line, text, widths.next().unwrap_or(0));
    let mut before = String::new();
    if let Some(archive) = archive {
        cell(&mut before, archive);
    }
    cell(&mut before, &or_absent(block.pid));
    // The address has its place in the line from here on.
    let at = before.len();
    cell(&mut before, &format!("{:012x}", 0));
    let source = match (block.source, block.segment) {
        (SourceKind::Memory, Some(segment)) => escape(segment).into_owned(),
        (source, _) => source.as_str().to_owned(),
    };
    if wide {
        cell(&mut before, block.mapping.map_or(ABSENT, |m| m.perms.as_str()));
        cell(&mut before, &source);
        let path = block.mapping.and_then(|m| m.path.as_ref());
        cell(&mut before, &text(block.object.or(path)));
    } else {
        cell(&mut before, &source);
    }
    let lengths = [widths.next().unwrap_or(0), widths.next().unwrap_or(0)];
    let mut before = before.into_bytes();
    let mut columns = String::new();
    for line in block.lines() {
        if let (Some(digits), Some(place)) = (digits(line.address), before.get_mut(at..at + 12)) {
            place.copy_from_slice(&digits);
            out.extend_from_slice(&before);
        } else {
            // Longer than twelve digits: it takes some of the space behind it, or all of it.
            let digits = format!("{:x}", line.address);
            out.extend_from_slice(&before[..at]);
            out.extend_from_slice(digits.as_bytes());
            let behind = &before[at + 12..];
            let space = behind.iter().take_while(|b| **b == b' ').count();
            let used = (digits.len() - 12).min(space.saturating_sub(3));
            out.extend_from_slice(&behind[used..]);
        }
        if wide {
            columns.clear();
            put_cell(&mut columns, &line.bytes.len().to_string(), lengths[0]);
            put_cell(&mut columns, line.encoding.as_str(), lengths[1]);
            out.extend_from_slice(columns.as_bytes());
        }
        if line.encoding == Encoding::Ascii && memchr::memchr(b'\t', line.bytes).is_none() {
            // What is text in ASCII is harmless to a terminal, but for tabs.
            out.extend_from_slice(line.bytes);
        } else {
            out.extend_from_slice(escape(&line.encoding.decode(line.bytes)).as_bytes());
        }
        if line.cut {
            out.extend_from_slice("…".as_bytes());
        }
        out.push(b'\n');
    }
}

/// Twelve hexadecimal digits; `None` where that is not enough.
fn digits(address: u64) -> Option<[u8; 12]> {
    // Sixteen digits, four bits in each byte, then all of them made letters at once.
    let spread = |half: u64| {
        let mut v = half;
        v = (v | v << 16) & 0x0000_ffff_0000_ffff;
        v = (v | v << 8) & 0x00ff_00ff_00ff_00ff;
        v = (v | v << 4) & 0x0f0f_0f0f_0f0f_0f0f;
        let letters = (v + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101;
        (v + 0x3030_3030_3030_3030 + letters * 0x27).to_be_bytes()
    };
    let high = u16::try_from(address >> 32).ok()?;
    let mut all = [0; 12];
    all[..4].copy_from_slice(&spread(u64::from(high))[4..]);
    all[4..].copy_from_slice(&spread(address & 0xffff_ffff));
    Some(all)
}

/// Where line feeds and spaces of JSON go.
struct Layout {
    pretty: bool,
    /// Before an object, before a member, behind a name, behind an object.
    open: &'static str,
    member: &'static str,
    colon: &'static str,
    close: &'static str,
}

impl Layout {
    const LINES: Self = Self { pretty: false, open: "", member: "", colon: ":", close: "}\n" };
    const ELEMENTS: Self =
        Self { pretty: true, open: ",\n    ", member: "\n      ", colon: ": ", close: "\n    }" };

    /// Writes an object at its place in the document.
    fn write(&self, value: &impl Serialize) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Writing to memory does not fail, and these have keys that are text.
        let _ =
            if self.pretty { write_json_pretty(&mut bytes, value) } else { write_json(&mut bytes, value) };
        if !self.pretty {
            return bytes;
        }
        let mut moved = Vec::with_capacity(bytes.len() + 64);
        for (i, line) in bytes.split(|b| *b == b'\n').enumerate() {
            if i > 0 {
                moved.extend_from_slice(b"\n    ");
            }
            moved.extend_from_slice(line);
        }
        moved
    }
}

fn objects(layout: &Layout, archive: Option<&str>, block: &Block<'_>, out: &mut Vec<u8>) {
    let (member, colon) = (layout.member, layout.colon);
    let end = if layout.pretty { "\n    }" } else { "}" };
    let inner = |value: Vec<u8>| {
        let value = value.strip_suffix(end.as_bytes()).unwrap_or(&value);
        value.strip_prefix(b"{").unwrap_or(value).to_vec()
    };
    let mut before = [layout.open.as_bytes(), b"{"].concat();
    if let Some(archive) = archive {
        let archive = layout.write(&serde_json::json!({ "archive": archive }));
        before.extend_from_slice(&inner(archive));
        before.push(b',');
    }
    before.extend_from_slice(&inner(layout.write(&block.head())));
    let _ = write!(before, ",{member}\"address\"{colon}\"0x");
    let behind = [inner(layout.write(&block.tail())).as_slice(), layout.close.as_bytes()].concat();
    for line in block.lines() {
        out.extend_from_slice(&before);
        if let Some(digits) = digits(line.address) {
            out.extend_from_slice(b"0000");
            out.extend_from_slice(&digits);
        } else {
            let _ = write!(out, "{:016x}", line.address);
        }
        let _ = write!(
            out,
            "\",{member}\"lengthBytes\"{colon}{},{member}\"encoding\"{colon}\"",
            line.bytes.len()
        );
        out.extend_from_slice(line.encoding.as_str().as_bytes());
        let _ = write!(out, "\",{member}\"text\"{colon}");
        put_json_text(&line, out);
        let _ = write!(out, ",{member}\"cut\"{colon}{},", line.cut);
        out.extend_from_slice(&behind);
    }
}

fn put_json_text(line: &Line<'_>, out: &mut Vec<u8>) {
    if line.encoding == Encoding::Ascii && memchr::memchr3(b'"', b'\\', b'\t', line.bytes).is_none() {
        out.push(b'"');
        out.extend_from_slice(line.bytes);
        out.push(b'"');
    } else {
        let _ = write_json(&mut *out, &line.encoding.decode(line.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_digits_or_none() {
        for address in [0, 9, 10, 0xf, 0x7f10_0000_0abc, 0xffff_ffff_ffff, 0x1234_5678_9abc, 0xdef0_1234_5678]
        {
            assert_eq!(digits(address).unwrap(), *format!("{address:012x}").as_bytes());
        }
        assert_eq!(digits(0x1_0000_0000_0000), None);
    }
}
