//! Bytes at addresses: what of them is here, where the cursor is, what is highlighted.

use std::collections::BTreeMap;
use std::ops::Range;

use super::theme::Role;

/// Bytes of a page, whatever the page size of the dump is.
pub(crate) const PAGE: u64 = 4096;
/// Pages that are kept.
const KEPT: usize = 256;

/// A stretch of addresses that belong together: a mapping, or a whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Region {
    pub range: Range<u64>,
    pub name: String,
    pub perms: String,
}

/// Who answers for bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Provenance {
    /// The letter in the gutter.
    pub letter: char,
    pub role: Role,
    pub why: String,
}

/// A named part of a structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub range: Range<u64>,
    pub name: String,
    pub value: String,
}

/// A page as it was read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Page {
    /// Fewer than a page at the end of a file.
    pub bytes: Vec<u8>,
    /// Which bytes the evidence holds, where it does not hold all.
    pub known: Option<Vec<bool>>,
    /// Up to which offset (exclusive) who answers.
    pub spans: Vec<(u64, Provenance)>,
    /// Member of the archive, and where in it the page begins.
    pub origin: Option<(String, u64)>,
    pub fields: Vec<Field>,
}

/// What a search in bytes looks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Needle {
    pub shown: String,
    pub bytes: Vec<u8>,
}

/// A view of bytes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hex {
    pub title: String,
    pub regions: Vec<Region>,
    pub pages: BTreeMap<u64, Page>,
    pub cursor: u64,
    /// Address of the first line.
    pub top: u64,
    /// Where a selection began.
    pub mark: Option<u64>,
    pub needle: Option<Needle>,
    pub big_endian: bool,
    /// Names of addresses that are offered.
    pub names: Vec<String>,
    /// Whether pages have been asked for and are not here yet.
    pub waiting: bool,
    /// Whether a search is on its way.
    pub searching: bool,
}

/// What there is at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Byte {
    /// Its page was not read yet.
    Unread,
    /// The evidence does not hold it.
    Unknown,
    Known(u8),
}

impl Byte {
    pub(crate) fn known(self) -> Option<u8> {
        match self {
            Self::Known(byte) => Some(byte),
            _ => None,
        }
    }
}

/// A line of the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    /// Names the region that begins below.
    Region(usize),
    /// Bytes from this address on.
    Bytes(u64),
}

impl Hex {
    pub(crate) fn region_at(&self, address: u64) -> Option<usize> {
        let next = self.regions.partition_point(|r| r.range.start <= address);
        let at = next.checked_sub(1)?;
        self.regions.get(at).filter(|r| r.range.contains(&address)).map(|_| at)
    }

    /// The address itself, or the next one that is in a region, or the last.
    fn nearest(&self, address: u64) -> u64 {
        if self.region_at(address).is_some() {
            return address;
        }
        let next = self.regions.partition_point(|r| r.range.start <= address);
        match (self.regions.get(next), self.regions.last()) {
            (Some(region), _) => region.range.start,
            (None, Some(last)) => last.range.end.saturating_sub(1),
            (None, None) => 0,
        }
    }

    /// Moves by bytes, over the gaps between regions.
    pub(crate) fn step(&self, from: u64, by: i64) -> u64 {
        let mut at = self.nearest(from);
        let mut left = by.unsigned_abs();
        let Some(mut index) = self.region_at(at) else { return at };
        if by >= 0 {
            loop {
                let region = &self.regions[index].range;
                let room = region.end - 1 - at;
                if left <= room {
                    return at + left;
                }
                let Some(next) = self.regions.get(index + 1) else { return region.end - 1 };
                left -= room + 1;
                at = next.range.start;
                index += 1;
            }
        }
        loop {
            let region = &self.regions[index].range;
            let room = at - region.start;
            if left <= room {
                return at - left;
            }
            let Some(before) = index.checked_sub(1) else { return region.start };
            left -= room + 1;
            index = before;
            at = self.regions[index].range.end - 1;
        }
    }

    /// First address of the line that holds an address.
    pub(crate) fn line_of(&self, address: u64, width: u64) -> u64 {
        let base = self.region_at(address).map_or(0, |r| self.regions[r].range.start);
        address - (address.saturating_sub(base)) % width.max(1)
    }

    /// Moves by lines, and stays in the column where it can.
    pub(crate) fn step_lines(&self, from: u64, lines: i64, width: u64) -> u64 {
        let mut line = self.line_of(self.nearest(from), width);
        let column = self.nearest(from) - line;
        for _ in 0..lines.unsigned_abs() {
            let next = if lines > 0 {
                match self.region_at(line) {
                    Some(r) if line.saturating_add(width) < self.regions[r].range.end => line + width,
                    Some(r) => self.regions.get(r + 1).map_or(line, |n| n.range.start),
                    None => line,
                }
            } else {
                match self.region_at(line) {
                    Some(r) if line >= self.regions[r].range.start.saturating_add(width) => line - width,
                    Some(r) => r
                        .checked_sub(1)
                        .map_or(line, |b| self.line_of(self.regions[b].range.end.saturating_sub(1), width)),
                    None => line,
                }
            };
            if next == line {
                break;
            }
            line = next;
        }
        let end = self.region_at(line).map_or(line, |r| self.regions[r].range.end.saturating_sub(1));
        line.saturating_add(column).min(end)
    }

    /// The lines of a screen.
    pub(crate) fn lines(&self, height: usize, width: u64) -> Vec<Line> {
        let mut lines = Vec::with_capacity(height);
        if self.regions.is_empty() {
            return lines;
        }
        let mut at = self.line_of(self.nearest(self.top), width);
        while lines.len() < height {
            let Some(r) = self.region_at(at) else { break };
            if at == self.regions[r].range.start {
                lines.push(Line::Region(r));
            }
            if lines.len() < height {
                lines.push(Line::Bytes(at));
            }
            let next = self.step_lines(at, 1, width);
            if next <= at {
                break;
            }
            at = self.line_of(next, width);
        }
        lines
    }

    /// Puts the cursor somewhere, and the screen around it.
    pub(crate) fn go(&mut self, address: u64, height: usize, width: u64) {
        self.cursor = self.nearest(address);
        let line = self.line_of(self.cursor, width);
        let visible = self.lines(height, width);
        if visible.contains(&Line::Bytes(line)) {
            return;
        }
        let below = visible.iter().rev().find_map(|l| match l {
            Line::Bytes(at) => Some(*at),
            Line::Region(_) => None,
        });
        let half = i64::try_from(height / 2).unwrap_or(0);
        let full = i64::try_from(height.saturating_sub(2)).unwrap_or(0);
        // A step over the border scrolls, a jump puts the line in the middle.
        self.top = match below {
            _ if self.top > line && self.step_lines(line, 2, width) >= self.top => line,
            Some(below) if line > below && self.step_lines(below, 2, width) >= line => {
                let mut top = self.step_lines(line, -full, width);
                let seen = |hex: &Self, top| {
                    Self { top, regions: hex.regions.clone(), ..Self::default() }
                        .lines(height, width)
                        .contains(&Line::Bytes(line))
                };
                // Lines that name regions take room, too.
                for _ in 0..height {
                    if seen(self, top) {
                        break;
                    }
                    top = self.step_lines(top, 1, width);
                }
                top
            }
            _ => self.step_lines(line, -half, width),
        };
        self.top = self.line_of(self.top, width);
    }

    /// Pages that a screen needs and that are not here.
    pub(crate) fn missing(&self, height: usize, width: u64) -> Vec<u64> {
        let mut pages: Vec<u64> = Vec::new();
        for line in self.lines(height, width) {
            let Line::Bytes(at) = line else { continue };
            for address in [at, at.saturating_add(width.saturating_sub(1))] {
                let page = address - address % PAGE;
                if !self.pages.contains_key(&page) && !pages.contains(&page) {
                    pages.push(page);
                }
            }
        }
        pages
    }

    /// Takes in pages, and forgets those far from the cursor.
    pub(crate) fn fill(&mut self, pages: Vec<(u64, Page)>) {
        self.pages.extend(pages);
        while self.pages.len() > KEPT {
            let first = self.pages.keys().next().copied();
            let last = self.pages.keys().next_back().copied();
            let (Some(first), Some(last)) = (first, last) else { break };
            let far = if self.cursor.abs_diff(first) > self.cursor.abs_diff(last) { first } else { last };
            self.pages.remove(&far);
        }
    }

    /// The byte at an address.
    pub(crate) fn byte(&self, address: u64) -> Byte {
        let Some(page) = self.pages.get(&(address - address % PAGE)) else { return Byte::Unread };
        let at = usize::try_from(address % PAGE).unwrap_or(0);
        let known = page.known.as_ref().is_none_or(|k| k.get(at) == Some(&true));
        page.bytes.get(at).filter(|_| known).map_or(Byte::Unknown, |b| Byte::Known(*b))
    }

    pub(crate) fn provenance(&self, address: u64) -> Option<&Provenance> {
        let page = self.pages.get(&(address - address % PAGE))?;
        let offset = address % PAGE;
        page.spans.iter().find(|s| offset < s.0).map(|s| &s.1)
    }

    pub(crate) fn field(&self, address: u64) -> Option<&Field> {
        let page = self.pages.get(&(address - address % PAGE))?;
        page.fields.iter().find(|f| f.range.contains(&address))
    }

    /// The eight bytes at the cursor as a number of the dump's byte order.
    pub(crate) fn word(&self, address: u64, bytes: u64) -> Option<u64> {
        let mut n = 0_u64;
        for i in 0..bytes {
            let at = if self.big_endian { i } else { bytes - 1 - i };
            n = n << 8 | u64::from(self.byte(address.checked_add(at)?).known()?);
        }
        Some(n)
    }

    /// The selected addresses, or the byte under the cursor.
    pub(crate) fn selection(&self) -> Range<u64> {
        let mark = self.mark.unwrap_or(self.cursor);
        mark.min(self.cursor)..mark.max(self.cursor).saturating_add(1)
    }

    /// Whether a byte is part of what was searched for.
    pub(crate) fn is_match(&self, address: u64) -> bool {
        let Some(needle) = self.needle.as_ref().filter(|n| !n.bytes.is_empty()) else { return false };
        let len = needle.bytes.len().min(64);
        (0..len).any(|back| {
            address.checked_sub(back as u64).is_some_and(|start| {
                needle.bytes.iter().take(len).enumerate().all(|(i, b)| {
                    start.checked_add(i as u64).is_some_and(|a| self.byte(a) == Byte::Known(*b))
                })
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex() -> Hex {
        let region = |range: Range<u64>| Region { range, name: String::new(), perms: String::new() };
        Hex { regions: vec![region(0x1000..0x1040), region(0x8000..0x8010)], ..Hex::default() }
    }

    #[test]
    fn steps_go_over_gaps() {
        let hex = hex();
        assert_eq!(hex.step(0x103f, 1), 0x8000);
        assert_eq!(hex.step(0x8000, -1), 0x103f);
        assert_eq!(hex.step(0x1000, -1), 0x1000);
        assert_eq!(hex.step(0x800f, 5), 0x800f);
        assert_eq!(hex.step_lines(0x1038, 1, 16), 0x8008);
        assert_eq!(hex.step_lines(0x8008, -1, 16), 0x1038);
        assert_eq!(hex.step_lines(0x1005, 2, 16), 0x1025);
    }

    #[test]
    fn lines_name_regions() {
        let mut hex = hex();
        hex.top = 0x1030;
        assert_eq!(hex.lines(5, 16), [Line::Bytes(0x1030), Line::Region(1), Line::Bytes(0x8000)]);
        hex.top = 0;
        assert_eq!(hex.lines(2, 16), [Line::Region(0), Line::Bytes(0x1000)]);
    }

    #[test]
    fn going_somewhere_shows_it() {
        let mut hex = hex();
        for address in [0x1000, 0x1020, 0x1030, 0x8000, 0x800f, 0x1010, 0x5000, u64::MAX] {
            hex.go(address, 3, 16);
            let line = hex.line_of(hex.cursor, 16);
            assert!(hex.lines(3, 16).contains(&Line::Bytes(line)), "{address:x}");
        }
    }

    #[test]
    fn nothing_is_there_to_see_without_regions() {
        let mut hex = Hex::default();
        hex.go(5, 10, 16);
        assert!(hex.lines(10, 16).is_empty());
        assert_eq!(hex.step(7, 3), 0);
    }

    #[test]
    fn words_have_the_order_of_the_dump() {
        let mut hex = hex();
        let page = Page { bytes: (0..64).collect(), ..Page::default() };
        hex.fill(vec![(0x1000, page)]);
        assert_eq!(hex.word(0x1001, 2), Some(0x0201));
        hex.big_endian = true;
        assert_eq!(hex.word(0x1001, 2), Some(0x0102));
        assert_eq!(hex.word(0x103f, 2), None);
        hex.needle = Some(Needle { shown: String::new(), bytes: vec![5, 6] });
        assert!(hex.is_match(0x1006) && !hex.is_match(0x1007));
    }
}
