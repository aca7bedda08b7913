//! Draws bytes: address, provenance, digits, text, and what is known of the byte under the cursor.

use ratatui::layout::Rect;

use super::super::hex::{Byte, Hex, Line};
use super::super::model::Model;
use super::super::theme::Role;
use super::Canvas;
use crate::output::escape;

/// Columns before the digits: the address, a space, the gutter, a space.
const FRONT: u16 = 1 + 12 + 3;

/// Column of the digits of a byte.
fn digits(byte: u16) -> u16 {
    FRONT + byte * 3 + byte / 8
}

/// Column of the text of a byte.
fn glyph(byte: u16, width: u16) -> u16 {
    digits(width) + byte
}

/// Which byte of a line is in a column.
pub(crate) fn byte_at(column: u16, width: u64) -> Option<u64> {
    let width = u16::try_from(width).ok()?;
    (0..width)
        .find(|b| (column >= digits(*b) && column < digits(*b) + 2) || column == glyph(*b, width))
        .map(u64::from)
}

pub(super) fn draw(canvas: &mut Canvas, model: &Model, hex: &Hex) {
    let areas = model.areas();
    let (area, width) = (areas.hex_area(), areas.hex_width());
    let columns = u16::try_from(width).unwrap_or(8);
    let selection = hex.mark.map(|_| hex.selection());
    for (i, line) in hex.lines(usize::from(area.height), width).iter().enumerate() {
        let y = area.y + u16::try_from(i).unwrap_or(u16::MAX / 2);
        let row = Rect { y, height: 1, ..area };
        match line {
            Line::Region(r) => {
                let region = &hex.regions[*r];
                let text = format!("── {} {} ", region.perms, region.name);
                let end = canvas.put(row, row.x + 1, y, &text, Role::Heading);
                for x in end..row.right() {
                    canvas.put(row, x, y, "─", Role::Dim);
                }
            }
            Line::Bytes(at) => {
                let here = hex.cursor >= *at && hex.cursor - at < width;
                let role = if here { Role::Strong } else { Role::Dim };
                canvas.put(row, row.x + 1, y, &format!("{at:012x}"), role);
                if let Some(p) = hex.provenance(*at) {
                    canvas.put(row, row.x + FRONT - 2, y, p.letter.encode_utf8(&mut [0; 4]), p.role);
                }
                for b in 0..columns {
                    let Some(address) = at.checked_add(u64::from(b)) else { break };
                    if hex.region_at(address).is_none() {
                        break;
                    }
                    byte(canvas, hex, row, b, columns, address);
                    if selection.as_ref().is_some_and(|s| s.contains(&address)) {
                        let last = b + 1 == columns
                            || !selection.as_ref().is_some_and(|s| s.contains(&(address + 1)));
                        let place = Rect {
                            x: row.x + digits(b),
                            width: if last { 2 } else { digits(b + 1) - digits(b) },
                            ..row
                        };
                        canvas.fill(place, Role::Selected);
                        canvas.fill(Rect { x: row.x + glyph(b, columns), width: 1, ..row }, Role::Selected);
                    }
                    if address == hex.cursor {
                        canvas.fill(Rect { x: row.x + digits(b), width: 2, ..row }, Role::Cursor);
                        canvas.fill(Rect { x: row.x + glyph(b, columns), width: 1, ..row }, Role::Cursor);
                    }
                }
            }
        }
    }
    inspector(canvas, hex, areas.inspector());
}

fn byte(canvas: &mut Canvas, hex: &Hex, row: Rect, b: u16, columns: u16, address: u64) {
    let (text, glyph_text, role) = match hex.byte(address) {
        Byte::Unread => ("  ".to_owned(), ' ', Role::Dim),
        Byte::Unknown => ("??".to_owned(), '?', Role::Absent),
        Byte::Known(byte) => {
            let role = match byte {
                0 => Role::Zero,
                0x20..=0x7e => Role::Plain,
                0xff => Role::Code,
                _ => Role::Data,
            };
            let shown = if (0x20..0x7f).contains(&byte) { char::from(byte) } else { '.' };
            (format!("{byte:02x}"), shown, role)
        }
    };
    let role = if hex.is_match(address) {
        Role::Match
    } else if hex.field(address).is_some_and(|f| f.range.start == address) {
        Role::Heading
    } else {
        role
    };
    canvas.put(row, row.x + digits(b), row.y, &text, role);
    canvas.put(row, row.x + glyph(b, columns), row.y, glyph_text.encode_utf8(&mut [0; 4]), role);
}

/// Says what is known of the byte under the cursor.
fn inspector(canvas: &mut Canvas, hex: &Hex, area: Rect) {
    let at = hex.cursor;
    if hex.regions.is_empty() {
        return;
    }
    let mut lines: Vec<Vec<(String, Role)>> = Vec::new();
    let provenance = hex.provenance(at);
    let mut first = vec![(format!("{at:012x} "), Role::Strong)];
    if let Some(field) = hex.field(at) {
        first.push((format!("{} = {}  ", field.name, field.value), Role::Heading));
    }
    if let Some(p) = provenance {
        first.push((p.why.clone(), p.role));
    }
    let origin = hex.pages.get(&(at - at % super::super::hex::PAGE)).and_then(|p| p.origin.as_ref());
    if let Some((member, offset)) = origin {
        let offset = offset + at % super::super::hex::PAGE;
        first.push((format!(" ({} at byte {offset})", escape(member)), Role::Dim));
    }
    lines.push(first);
    if let Some(region) = hex.region_at(at).map(|r| &hex.regions[r]) {
        let inside = at - region.range.start;
        lines.push(vec![
            (format!("{} {}", region.perms, region.name), Role::Plain),
            (format!("  +{inside:#x} of {:#x}", region.range.end - region.range.start), Role::Dim),
        ]);
    }
    let mut numbers = Vec::new();
    for bytes in [1_u64, 2, 4, 8] {
        if let Some(n) = hex.word(at, bytes) {
            let signed = (n << (64 - bytes * 8)).cast_signed() >> (64 - bytes * 8);
            let text = if signed < 0 { format!("{n} ({signed})") } else { n.to_string() };
            numbers.push((format!("u{} ", bytes * 8), Role::Dim));
            numbers.push((format!("{text}  "), Role::Plain));
        }
    }
    if let Some(word) = hex.word(at - at % 8, 8).filter(|w| *w != 0)
        && let Some(region) = hex.region_at(word).map(|r| &hex.regions[r])
    {
        let target = format!("→ {word:x} {} {}", region.perms, region.name);
        numbers.push((target, Role::Link));
    }
    lines.push(numbers);
    // A line of rule keeps it apart from the bytes.
    let mut y = area.y;
    if area.height > 1 {
        for x in area.left()..area.right() {
            canvas.put(area, x, y, "─", Role::Dim);
        }
        y += 1;
    }
    for line in lines {
        let mut x = area.x + 1;
        for (text, role) in line {
            x = canvas.put(area, x, y, &text, role);
        }
        y += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_those_of_bytes() {
        assert_eq!(byte_at(FRONT, 16), Some(0));
        assert_eq!(byte_at(FRONT + 2, 16), None);
        assert_eq!(byte_at(digits(8) + 1, 16), Some(8));
        assert_eq!(byte_at(glyph(15, 16), 16), Some(15));
        assert_eq!(byte_at(0, 16), None);
    }
}
