//! What keys do to bytes.

use std::fmt::Write as _;
use std::sync::Arc;

use super::super::hex::{Byte, Needle};
use super::super::keys::Action;
use super::super::message::{Effect, Kind, Query};
use super::super::model::{Model, Pane, Pick, Popup, Shown};
use super::super::place::{Place, View};

pub(crate) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let areas = model.areas();
    let (rows, width) = (areas.hex_rows(), areas.hex_width());
    let page = i64::try_from(rows.saturating_sub(1)).unwrap_or(1).max(1);
    let zoomed = model.zoomed;
    let tab = model.tab_mut();
    let Shown::Hex(hex) = &mut tab.shown else { return Vec::new() };
    let at = hex.cursor;
    let line = hex.line_of(at, width);
    let to = match action {
        Action::Up => hex.step_lines(at, -1, width),
        Action::Down => hex.step_lines(at, 1, width),
        Action::PageUp => hex.step_lines(at, -page, width),
        Action::PageDown => hex.step_lines(at, page, width),
        Action::HalfUp => hex.step_lines(at, -page / 2, width),
        Action::HalfDown => hex.step_lines(at, page / 2, width),
        Action::Left if at == line && hex.mark.is_none() && !zoomed => {
            tab.pane = Pane::Tree;
            return Vec::new();
        }
        Action::Left => hex.step(at, -1),
        Action::Right => hex.step(at, 1),
        Action::LineStart => line,
        Action::LineEnd => {
            let end = hex.region_at(line).map_or(line, |r| hex.regions[r].range.end - 1);
            line.saturating_add(width - 1).min(end)
        }
        Action::Top => hex.regions.first().map_or(0, |r| r.range.start),
        Action::Bottom => hex.regions.last().map_or(0, |r| r.range.end - 1),
        Action::Select => {
            hex.mark = if hex.mark.is_some() { None } else { Some(at) };
            return Vec::new();
        }
        Action::Goto => {
            model.prompt = Some(super::super::prompt::Prompt::new(super::super::prompt::Purpose::Goto, ""));
            return Vec::new();
        }
        Action::Enter => return follow(model),
        Action::Jumps => {
            jumps(model);
            return Vec::new();
        }
        Action::Yank => return yank(model),
        Action::FindNext | Action::FindPrevious => return find(model, None, action == Action::FindNext),
        _ => return Vec::new(),
    };
    hex.go(to, rows, width);
    model.read_bytes()
}

/// Goes where the word under the cursor points to.
fn follow(model: &mut Model) -> Vec<Effect> {
    let tab = model.tab();
    let Shown::Hex(hex) = &tab.shown else { return Vec::new() };
    let (Some(pid), None) = (tab.place.pid, &tab.place.source) else {
        model.say("only in the memory of a process are there pointers to follow");
        return Vec::new();
    };
    let at = hex.cursor - hex.cursor % 8;
    let Some(word) = hex.word(at, 8) else {
        model.complain("the evidence does not hold these bytes");
        return Vec::new();
    };
    if hex.region_at(word).is_none() {
        model.complain(format!("{word:#018x} at {at:#x} points to nothing that is mapped"));
        return Vec::new();
    }
    model.visit(Place::hex(pid, word))
}

/// Everything the byte under the cursor leads to.
fn jumps(model: &mut Model) {
    let tab = model.tab();
    let Shown::Hex(hex) = &tab.shown else { return };
    let mut items = Vec::new();
    if let (Some(pid), None) = (tab.place.pid, &tab.place.source) {
        if let Some(region) = hex.region_at(hex.cursor).map(|r| &hex.regions[r]) {
            let key = format!("{:x}", region.range.start);
            let place = Place::new(Some(pid), View::Memory).row(key);
            items.push((format!("mapping {:x} {} {}", region.range.start, region.perms, region.name), place));
            items.push(("start of the mapping".to_owned(), Place::hex(pid, region.range.start)));
            items.push(("end of the mapping".to_owned(), Place::hex(pid, region.range.end - 1)));
        }
        let at = hex.cursor - hex.cursor % 8;
        if let Some(word) = hex.word(at, 8).filter(|w| hex.region_at(*w).is_some()) {
            items.push((format!("pointer to {word:x}"), Place::hex(pid, word)));
        }
        items.push(("files of the process".to_owned(), Place::new(Some(pid), View::Files)));
    }
    let origin = hex.pages.get(&(hex.cursor - hex.cursor % 4096)).and_then(|p| p.origin.clone());
    if let Some((member, offset)) = origin {
        let place = Place::new(None, View::Images).row(member.clone());
        let offset = offset + hex.cursor % 4096;
        items.push((format!("{} at byte {offset}", crate::output::escape(&member)), place));
    }
    if items.is_empty() {
        model.say("this byte leads nowhere");
    } else {
        model.popup = Popup::Pick(Pick { title: "go to".to_owned(), items, selected: 0 });
    }
}

/// Most bytes that go to the clipboard.
const COPIED: u64 = 1 << 16;

fn yank(model: &mut Model) -> Vec<Effect> {
    let width = model.areas().hex_width();
    let Shown::Hex(hex) = &model.tab().shown else { return Vec::new() };
    let range = if hex.mark.is_some() {
        hex.selection()
    } else {
        let line = hex.line_of(hex.cursor, width);
        line..line.saturating_add(width)
    };
    if range.end - range.start > COPIED {
        model.complain(format!("more than {COPIED} bytes; e writes them to a file"));
        return Vec::new();
    }
    let mut text = String::new();
    for address in range.clone() {
        match hex.byte(address) {
            Byte::Known(byte) => {
                let _ = write!(text, "{byte:02x}");
            }
            Byte::Unknown => text.push_str("??"),
            Byte::Unread => {
                model.complain("part of the selection is not read yet; e writes it to a file");
                return Vec::new();
            }
        }
    }
    model.say(format!("copied {} bytes as hexadecimal", range.end - range.start));
    vec![Effect::Copy(text)]
}

/// Searches on from the cursor.
pub(crate) fn find(model: &mut Model, text: Option<&str>, forward: bool) -> Vec<Effect> {
    let tab = model.tab_mut();
    let id = tab.id;
    let (request, from) = (tab.request, tab.bytes());
    let Some(from) = from else { return Vec::new() };
    let Shown::Hex(hex) = &mut tab.shown else { return Vec::new() };
    if let Some(text) = text {
        match needle(text) {
            Ok(needle) => hex.needle = Some(needle),
            Err(why) => {
                model.complain(why);
                return Vec::new();
            }
        }
    }
    let Some(needle) = hex.needle.clone() else {
        model.say("/ says what to search for");
        return Vec::new();
    };
    tab.finding.stop();
    tab.finding = Arc::default();
    hex.searching = true;
    let start = if forward { hex.cursor.saturating_add(1) } else { hex.cursor };
    let cancel = Arc::clone(&tab.finding);
    vec![Effect::Find { tab: id, request, from, needle, start, forward, cancel }]
}

/// Text, or bytes after `0x`.
fn needle(text: &str) -> Result<Needle, String> {
    let Some(digits) = text.strip_prefix("0x") else {
        return Ok(Needle { shown: format!("“{text}”"), bytes: text.as_bytes().to_vec() });
    };
    let digits: Vec<u32> =
        digits.chars().filter(|c| !c.is_whitespace()).map_while(|c| c.to_digit(16)).collect();
    let all = text.chars().skip(2).filter(|c| !c.is_whitespace()).count();
    if digits.is_empty() || !digits.len().is_multiple_of(2) || digits.len() != all {
        return Err("bytes are pairs of hexadecimal digits, as in 0x7f454c46".to_owned());
    }
    let bytes = digits.chunks(2).filter_map(|p| u8::try_from(p[0] << 4 | p[1]).ok()).collect();
    Ok(Needle { shown: text.to_owned(), bytes })
}

/// Understands an address: hexadecimal, `+` and `-` from the cursor, or a name
/// that is looked up in the evidence.
pub(crate) fn goto(model: &mut Model, text: &str) -> Vec<Effect> {
    let typed = text.trim();
    let text = typed.replace('_', "");
    let tab = model.tab();
    let cursor = match &tab.shown {
        Shown::Hex(hex) => Some(hex.cursor),
        _ => None,
    };
    let number = |t: &str| u64::from_str_radix(t.strip_prefix("0x").unwrap_or(t), 16).ok();
    let address = if let Some(rest) = text.strip_prefix('+') {
        number(rest).zip(cursor).and_then(|(n, at)| at.checked_add(n))
    } else if let Some(rest) = text.strip_prefix('-') {
        number(rest).zip(cursor).and_then(|(n, at)| at.checked_sub(n))
    } else {
        number(&text)
    };
    let Some(address) = address else {
        let is_name = text.starts_with(|c: char| !matches!(c, '+' | '-')) && tab.place.source.is_none();
        if let (true, Some(pid)) = (is_name, tab.place.pid.or(tab.tree.pid())) {
            let (id, name) = (tab.id, typed.to_owned());
            return vec![Effect::Resolve { tab: id, pid, name }];
        }
        model.complain(format!(
            "{text:?} is no address: hexadecimal, + and - from the cursor, or a name as rip or heap"
        ));
        return Vec::new();
    };
    let mut place = match (&tab.place.view, tab.place.pid.or(tab.tree.pid())) {
        (View::Hex, _) => tab.place.clone(),
        (_, Some(pid)) => Place::new(Some(pid), View::Hex),
        (_, None) => {
            model.complain("an address is in the memory of a process: choose one in the tree");
            return Vec::new();
        }
    };
    place.address = Some(address);
    place.row = None;
    let known = match &tab.shown {
        Shown::Hex(hex) if tab.place.is_same_page(&place) => hex.region_at(address).is_some(),
        _ => true,
    };
    if !known {
        model.complain(format!("nothing is mapped at {address:#x}"));
        return Vec::new();
    }
    model.visit(place)
}

/// A query that finds bytes, for the search in memory.
pub(crate) fn query_of(needle: &Needle, pid: u32) -> Query {
    let text = needle.bytes.iter().fold(String::new(), |mut s, b| {
        let _ = write!(s, "{b:02x}");
        s
    });
    Query { text, kind: Kind::Hex, pid: Some(pid), ..Query::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needles_are_text_or_bytes() {
        assert_eq!(needle("0x7f 45").unwrap().bytes, [0x7f, 0x45]);
        assert_eq!(needle("ELF").unwrap().bytes, b"ELF");
        assert!(needle("0x7").is_err());
        assert!(needle("0x7g").is_err());
    }
}
