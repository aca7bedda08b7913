//! What to look for, and the machines that find it.

use aho_corasick::{AhoCorasick, MatchKind};
use memchr::memmem::Finder;
use regex::bytes::{Regex, RegexBuilder};

use super::scan::Reach;
use crate::error::{Error, ErrorKind, Result};

/// How a pattern is to be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Syntax {
    /// Text as it is.
    Literal,
    /// A regular expression over bytes.
    ///
    /// Classes such as `\w` are ASCII unless `(?u)` is given, `^` and `$` are
    /// line borders, and `.` is any byte but a line feed (any with `(?s)`).
    Regex,
    /// Bytes in hexadecimal; white space between them does not matter.
    Hex,
}

/// How a found text is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// Bytes as given (UTF-8 for text).
    Bytes,
    /// ASCII.
    Ascii,
    /// UTF-8.
    Utf8,
    /// UTF-16, low byte first.
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
}

impl Encoding {
    /// Returns the name that JSON uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Ascii => "ascii",
            Self::Utf8 => "utf-8",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
        }
    }

    /// Decodes text; what is not text becomes U+FFFD.
    pub fn decode(self, bytes: &[u8]) -> String {
        let unit: fn([u8; 2]) -> u16 = match self {
            Self::Bytes | Self::Ascii | Self::Utf8 => return String::from_utf8_lossy(bytes).into_owned(),
            Self::Utf16Le => u16::from_le_bytes,
            Self::Utf16Be => u16::from_be_bytes,
        };
        let units = bytes.chunks_exact(2).filter_map(|c| c.try_into().ok()).map(unit);
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    }
}

/// One thing to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pattern {
    /// The pattern as it was given.
    pub text: Vec<u8>,
    /// What it means.
    pub syntax: Syntax,
    /// Whether upper and lower case are the same.
    pub ignore_case: bool,
    /// Whether the text is looked for as UTF-16 too.
    pub utf16: bool,
}

impl Pattern {
    /// Looks for text or bytes as they are.
    pub fn literal(text: impl Into<Vec<u8>>) -> Self {
        Self { text: text.into(), syntax: Syntax::Literal, ignore_case: false, utf16: false }
    }

    /// Looks for a regular expression over bytes.
    pub fn regex(text: impl Into<Vec<u8>>) -> Self {
        Self { syntax: Syntax::Regex, ..Self::literal(text) }
    }

    /// Looks for bytes given in hexadecimal.
    pub fn hex(text: impl Into<Vec<u8>>) -> Self {
        Self { syntax: Syntax::Hex, ..Self::literal(text) }
    }

    /// Takes upper and lower case for the same.
    #[must_use]
    pub fn ignore_case(mut self, yes: bool) -> Self {
        self.ignore_case = yes;
        self
    }

    /// Looks for the text as UTF-16 too, in both byte orders.
    #[must_use]
    pub fn utf16(mut self, yes: bool) -> Self {
        self.utf16 = yes;
        self
    }
}

/// A place where a pattern was found, relative to the bytes looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hit {
    pub start: usize,
    pub len: u32,
    /// Number of the [`Needle`].
    pub needle: u32,
}

/// A pattern in one encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Needle {
    /// Number of the pattern.
    pub pattern: usize,
    pub encoding: Encoding,
}

/// All patterns, ready to be found.
#[derive(Debug)]
pub(crate) struct Matchers {
    needles: Vec<Needle>,
    single: Vec<(u32, Finder<'static>)>,
    regexes: Vec<(u32, Regex)>,
    many: Option<Many>,
    longest: usize,
}

/// Literals that one automaton finds.
#[derive(Debug)]
struct Many {
    automaton: AhoCorasick,
    /// Literals by their first byte.
    by_first: Vec<Vec<(u32, Box<[u8]>)>>,
}

/// Up to this many literals are looked for one after the other, which is
/// faster than one automaton: each pass runs at the speed of the cache.
const ONE_BY_ONE: usize = 6;
/// Most patterns of one search.
const PATTERNS: usize = 100_000;
/// Longest match of a regular expression that is surely found whole, in bytes.
pub(crate) const REGEX_REACH: u64 = 64 << 10;

impl Matchers {
    pub(crate) fn new(patterns: &[Pattern]) -> Result<Self> {
        if patterns.is_empty() || patterns.len() > PATTERNS {
            let what = format!("{} patterns; between 1 and {PATTERNS} can be looked for", patterns.len());
            return Err(Error::new(ErrorKind::LimitExceeded, what));
        }
        let mut new =
            Self { needles: Vec::new(), single: Vec::new(), regexes: Vec::new(), many: None, longest: 0 };
        let mut literals: Vec<(u32, Vec<u8>)> = Vec::new();
        for (number, pattern) in patterns.iter().enumerate() {
            for (encoding, machine) in compile(pattern)? {
                let needle = u32::try_from(new.needles.len()).unwrap_or(u32::MAX);
                new.needles.push(Needle { pattern: number, encoding });
                match machine {
                    Machine::Literal(bytes) => {
                        new.longest = new.longest.max(bytes.len());
                        literals.push((needle, bytes));
                    }
                    Machine::Regex(regex) => new.regexes.push((needle, regex)),
                }
            }
        }
        if literals.len() <= ONE_BY_ONE {
            new.single = literals.iter().map(|(n, b)| (*n, Finder::new(b).into_owned())).collect();
        } else {
            new.many = Some(Many::new(literals)?);
        }
        Ok(new)
    }

    pub(crate) fn needle(&self, number: u32) -> Option<Needle> {
        usize::try_from(number).ok().and_then(|i| self.needles.get(i)).copied()
    }

    pub(crate) fn reach(&self) -> Reach {
        let literal = (self.longest as u64).saturating_sub(1);
        if self.regexes.is_empty() {
            // Half a second-level cache.
            return Reach { overlap: literal, zeros: literal, context: 0, piece: 256 << 10 };
        }
        let overlap = literal.max(REGEX_REACH);
        Reach { overlap, zeros: literal.max(256), context: 4, piece: 1 << 20 }
    }

    /// Finds what begins in `hay[from..to]`; a match may go on to the end of `hay`.
    pub(crate) fn find(&self, hay: &[u8], from: usize, to: usize, hits: &mut Vec<Hit>) {
        let rest = hay.get(from..).unwrap_or(&[]);
        for (needle, finder) in &self.single {
            let len = finder.needle().len();
            // A literal that begins before `to` ends before this.
            let end = to.saturating_sub(from).saturating_add(len).saturating_sub(1).min(rest.len());
            let own = rest.get(..end).unwrap_or(rest);
            hits.extend(finder.find_iter(own).map(|at| hit(from.saturating_add(at), len, *needle)));
        }
        if let Some(many) = &self.many {
            many.find(hay, from, to, hits);
        }
        for (needle, regex) in &self.regexes {
            let mut at = from;
            while at < to
                && let Some(m) = regex.find_at(hay, at)
            {
                if m.start() >= to {
                    break;
                }
                if !m.is_empty() {
                    hits.push(hit(m.start(), m.len(), *needle));
                }
                at = m.end().max(m.start().saturating_add(1));
            }
        }
        hits.sort_unstable();
    }
}

fn hit(start: usize, len: usize, needle: u32) -> Hit {
    Hit { start, len: u32::try_from(len).unwrap_or(u32::MAX), needle }
}

impl Many {
    fn new(literals: Vec<(u32, Vec<u8>)>) -> Result<Self> {
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostFirst)
            .build(literals.iter().map(|(_, b)| b))
            .map_err(|e| Error::new(ErrorKind::LimitExceeded, "the patterns").with_source(e))?;
        let mut by_first = vec![Vec::new(); 256];
        for (needle, bytes) in literals {
            if let Some(list) = bytes.first().and_then(|b| by_first.get_mut(usize::from(*b))) {
                list.push((needle, bytes.into_boxed_slice()));
            }
        }
        Ok(Self { automaton, by_first })
    }

    /// The automaton says where something begins; then each literal is looked at,
    /// so that one which is part of another, or overlaps it, is found all the same.
    fn find(&self, hay: &[u8], from: usize, to: usize, hits: &mut Vec<Hit>) {
        let mut at = from;
        while at < to {
            let Some(m) = self.automaton.find(aho_corasick::Input::new(hay).range(at..)) else { break };
            let start = m.start();
            if start >= to {
                break;
            }
            let rest = hay.get(start..).unwrap_or(&[]);
            let list = rest.first().and_then(|b| self.by_first.get(usize::from(*b)));
            for (needle, bytes) in list.into_iter().flatten() {
                if rest.starts_with(bytes) {
                    hits.push(hit(start, bytes.len(), *needle));
                }
            }
            at = start.saturating_add(1);
        }
    }
}

enum Machine {
    Literal(Vec<u8>),
    Regex(Regex),
}

fn compile(pattern: &Pattern) -> Result<Vec<(Encoding, Machine)>> {
    let bad = |what: String| Error::new(ErrorKind::UnknownFormat, what);
    let shown = || String::from_utf8_lossy(&pattern.text).escape_debug().to_string();
    if pattern.text.is_empty() {
        return Err(bad("the pattern is empty".to_owned()));
    }
    let utf8 = std::str::from_utf8(&pattern.text);
    let text = || utf8.map_err(|_| bad(format!("the pattern {} is not UTF-8", shown())));
    let mut list = Vec::new();
    match pattern.syntax {
        Syntax::Hex => {
            let bytes = hex(&pattern.text)
                .ok_or_else(|| bad(format!("{} is not bytes in hexadecimal, two digits each", shown())))?;
            list.push((Encoding::Bytes, Machine::Literal(bytes)));
        }
        Syntax::Regex => {
            if pattern.utf16 {
                return Err(bad(
                    "a regular expression cannot be looked for as UTF-16; write its bytes, as in (?-u)a\\x00"
                        .to_owned(),
                ));
            }
            list.push((Encoding::Bytes, Machine::Regex(regex(text()?, pattern.ignore_case, false)?)));
        }
        Syntax::Literal => {
            if pattern.ignore_case {
                let text = text()?;
                let machine = Machine::Regex(regex(&regex::escape(text), true, true)?);
                list.push((Encoding::Bytes, machine));
            } else {
                list.push((Encoding::Bytes, Machine::Literal(pattern.text.clone())));
            }
            if pattern.utf16 {
                let text = text()?;
                for encoding in [Encoding::Utf16Le, Encoding::Utf16Be] {
                    let machine = if pattern.ignore_case {
                        Machine::Regex(regex(&folded(text, encoding), false, false)?)
                    } else {
                        Machine::Literal(utf16(text, encoding))
                    };
                    list.push((encoding, machine));
                }
            }
        }
    }
    Ok(list)
}

fn regex(pattern: &str, ignore_case: bool, unicode: bool) -> Result<Regex> {
    RegexBuilder::new(pattern)
        .unicode(unicode)
        .multi_line(true)
        .case_insensitive(ignore_case)
        .build()
        .map_err(|e| Error::new(ErrorKind::UnknownFormat, "the regular expression").with_source(e))
}

fn utf16(text: &str, encoding: Encoding) -> Vec<u8> {
    text.encode_utf16()
        .flat_map(|unit| match encoding {
            Encoding::Utf16Be => unit.to_be_bytes(),
            _ => unit.to_le_bytes(),
        })
        .collect()
}

/// A regular expression for the UTF-16 of a text in any case.
fn folded(text: &str, encoding: Encoding) -> String {
    let bytes = |s: String| utf16(&s, encoding).iter().fold(String::new(), |s, b| s + &format!("\\x{b:02x}"));
    let mut expression = String::new();
    for c in text.chars() {
        let mut forms = vec![c.to_string(), c.to_lowercase().to_string(), c.to_uppercase().to_string()];
        forms.sort();
        forms.dedup();
        let forms: Vec<String> = forms.into_iter().map(bytes).collect();
        expression = expression + "(?:" + &forms.join("|") + ")";
    }
    expression
}

/// Decodes hexadecimal digits with white space between them.
fn hex(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.strip_prefix(b"0x").unwrap_or(text);
    let digits: Option<Vec<u8>> = text
        .iter()
        .filter(|b| !b.is_ascii_whitespace())
        .map(|b| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect();
    let digits = digits.filter(|d| !d.is_empty() && d.len().is_multiple_of(2))?;
    digits
        .chunks_exact(2)
        .map(|p| p.iter().try_fold(0_u8, |n, d| n.checked_mul(16)?.checked_add(*d)))
        .collect()
}
