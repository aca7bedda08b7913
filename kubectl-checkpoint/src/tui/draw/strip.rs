//! The picture above a memory map: what is where, who may do what, and where the bytes come from.

use ratatui::layout::Rect;

use super::super::model::Sheet;
use super::super::table::{Patch, width};
use super::super::theme::Role;
use super::Canvas;

/// Which patches are shown, from which column, and how wide.
///
/// Sizes differ by a factor of millions, so widths grow with their logarithm.
pub(crate) fn patches(sheet: &Sheet, room: u16) -> Vec<(usize, u16, u16)> {
    let strip = &sheet.table.strip;
    let room = room.saturating_sub(2);
    let weight = |p: &Patch| {
        let pages = (p.end.saturating_sub(p.start) / 4096).max(1);
        u16::try_from(pages.ilog2()).unwrap_or(0) / 2 + 1
    };
    let widths: Vec<u16> = strip.iter().map(weight).collect();
    let total: u32 = widths.iter().map(|w| u32::from(*w)).sum();
    let count = u32::try_from(strip.len()).unwrap_or(u32::MAX);
    let room32 = u32::from(room);
    let fitted: Vec<u16> = if total <= room32 {
        // All of it fits: what is left is shared out.
        let spare = room32 - total;
        widths.iter().map(|w| w + u16::try_from(u32::from(*w) * spare / total.max(1)).unwrap_or(0)).collect()
    } else if count <= room32 {
        let spare = room32 - count;
        widths
            .iter()
            .map(|w| 1 + u16::try_from(u32::from(*w - 1) * spare / total.max(1)).unwrap_or(0))
            .collect()
    } else {
        vec![1; strip.len()]
    };
    // More than fit: the part around the selected one.
    let selected = selected(sheet).unwrap_or(0);
    let mut first = 0;
    let mut sum: u32 = fitted.iter().take(selected + 1).map(|w| u32::from(*w)).sum();
    let keep = if count > room32 { room32 * 2 / 3 } else { room32 };
    while first < selected && sum > keep {
        sum -= u32::from(fitted[first]);
        first += 1;
    }
    let mut x = 1;
    let mut shown = Vec::new();
    for (i, width) in fitted.iter().enumerate().skip(first) {
        if x + width > room + 1 {
            break;
        }
        shown.push((i, x, *width));
        x += width;
    }
    shown
}

fn selected(sheet: &Sheet) -> Option<usize> {
    let key = &sheet.cursor.row(&sheet.table)?.key;
    sheet.table.strip.iter().position(|p| p.key == *key)
}

pub(super) fn draw(canvas: &mut Canvas, sheet: &Sheet, area: Rect) {
    let selected = selected(sheet);
    for (i, x, width) in patches(sheet, area.width) {
        let Some(patch) = sheet.table.strip.get(i) else { continue };
        let place = Rect { x: area.x + x, width, height: 1, ..area };
        let kind: String =
            std::iter::once(patch.letter).chain(std::iter::repeat('▆')).take(usize::from(width)).collect();
        canvas.put(place, place.x, place.y, &kind, patch.role);
        // What may be written and run at once stands out.
        let (perm, role) = match patch.perms.as_bytes() {
            [_, b'w', b'x', _] => ('W', Role::Bad),
            [_, _, b'x', _] => ('x', Role::Code),
            [_, b'w', _, _] => ('w', Role::Data),
            [b'r', ..] => ('r', Role::Dim),
            _ => ('-', Role::Dim),
        };
        let perms: String =
            std::iter::once(perm).chain(std::iter::repeat('·')).take(usize::from(width)).collect();
        canvas.put(Rect { y: place.y + 1, ..place }, place.x, place.y + 1, &perms, role);
        layers(canvas, patch, Rect { y: place.y + 2, ..place });
        if selected == Some(i) {
            let mark = "▲".repeat(usize::from(width));
            canvas.put(Rect { y: place.y + 3, ..place }, place.x, place.y + 3, &mark, Role::Strong);
        }
    }
    legend(canvas, Rect { y: area.y + 3, height: 1, ..area }, sheet);
}

/// Shares the width between the layers that answer for the pages.
fn layers(canvas: &mut Canvas, patch: &Patch, area: Rect) {
    let total: u64 = patch.layers.iter().map(|l| l.2).sum();
    let mut x = area.x;
    let mut seen = 0_u64;
    for (letter, role, pages) in &patch.layers {
        seen += pages;
        let end = area.x + u16::try_from(u64::from(area.width) * seen / total.max(1)).unwrap_or(0);
        // What is there at all is shown, however small its share.
        let end = if end == x && x < area.right() { x + 1 } else { end }.min(area.right());
        for column in x..end {
            canvas.put(area, column, area.y, letter.encode_utf8(&mut [0; 4]), *role);
        }
        x = end;
    }
}

/// Explains letters in the line of the marker, where it leaves room.
fn legend(canvas: &mut Canvas, area: Rect, sheet: &Sheet) {
    const TEXT: &str = "D dumped  P parent  S shared  0 zero  f left to its file  ? absent";
    let marker = selected(sheet).and_then(|s| patches(sheet, area.width).into_iter().find(|p| p.0 == s));
    let (start, end) = marker.map_or((0, 0), |(_, x, w)| (x, x + w));
    let text = width(TEXT);
    let x = if start >= text + 3 {
        1
    } else if area.width >= end + text + 2 {
        area.width - text - 1
    } else {
        return;
    };
    canvas.put(area, area.x + x, area.y, TEXT, Role::Dim);
}
