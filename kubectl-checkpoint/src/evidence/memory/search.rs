//! `mem search`: patterns in all memory.

use std::cell::{Cell, RefCell};
use std::ffi::{OsStr, OsString};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use libforensic::analysis::search::{CONTEXT, Encoding, Match, Pattern, Search, SourceKind};
use serde::Serialize;

use super::{LayerArgs, ScopeArgs, split_operands};
use crate::cli::{FAILED, NEGATIVE, OutputArgs};
use crate::evidence::watch::Watch;
use crate::evidence::{ABSENT, Evidence, or_absent, text};
use crate::output::{Format, Rows, escape, escape_bytes};

#[derive(Debug, Args)]
#[command(
    override_usage = "kubectl checkpoint mem search [OPTIONS] PATTERN ARCHIVE...\n       \
                      kubectl checkpoint mem search [OPTIONS] -f FILE ARCHIVE...",
    after_help = "PATTERN is literal text unless --regex or --hex is given. Matches across borders of pages and \
                  mappings are found. Memory that several processes share is searched once and listed for each \
                  of them. Of memory that was never written (zeros) only what touches other bytes is matched. \
                  Of a match of a regular expression 64 KiB are surely found; a longer one that may go on where it was left is marked (cut) and counted in a note.\n\n\
                  Exit code 1: no match."
)]
pub(crate) struct SearchArgs {
    /// PATTERN is a regular expression over bytes
    #[arg(short = 'e', long, conflicts_with = "hex")]
    regex: bool,
    /// PATTERN is bytes in hexadecimal
    #[arg(long)]
    hex: bool,
    /// Also finds the text as UTF-16, little- and big-endian
    #[arg(long, conflicts_with_all = ["hex", "regex"])]
    utf16: bool,
    /// Takes upper and lower case for the same
    #[arg(short, long, conflicts_with = "hex")]
    ignore_case: bool,
    /// Takes patterns from a file, one in a line
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    scope: ScopeArgs,
    /// Bytes on each side that are given with a match
    #[arg(long, value_name = "BYTES", default_value_t = CONTEXT)]
    context: usize,
    /// Prints only how many matches each pattern has
    #[arg(short, long)]
    count: bool,
    /// Stops after this many matches in each archive, and says so; 1 or more
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    #[command(flatten)]
    layers: LayerArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// What to look for, and where
    #[arg(required = true, value_name = "PATTERN ARCHIVE")]
    operands: Vec<OsString>,
}

/// Most bytes around a match.
const WIDEST_CONTEXT: usize = 1 << 20;

pub(crate) fn search(args: &SearchArgs) -> anyhow::Result<ExitCode> {
    let (patterns, archives) = if let Some(file) = &args.file {
        let bytes = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
        let lines = bytes.split(|b| *b == b'\n').map(|l| l.strip_suffix(b"\r").unwrap_or(l));
        let patterns = lines.filter(|l| !l.is_empty()).map(|l| args.pattern(l)).collect();
        (patterns, args.operands.clone())
    } else {
        let (pattern, archives) = split_operands(&args.operands, 1, "give a pattern and an archive")?;
        (pattern.iter().map(|p| args.pattern(os_bytes(p))).collect(), archives)
    };
    let context = if args.count { 0 } else { args.context.min(WIDEST_CONTEXT) };
    let search = match Search::new(patterns) {
        Ok(search) => search.scope(args.scope.scope()).context(context),
        Err(e) => {
            // What is wrong with an expression is shown below it, in lines of its own.
            let message = e.to_string();
            let lines: Vec<_> = message.lines().map(escape).collect();
            eprintln!("error: {}", lines.join("\n"));
            return Ok(ExitCode::from(FAILED));
        }
    };
    let evidence = Evidence::of(&archives, &[]).with_layers(&args.layers);
    let human = matches!(args.output.output, Format::Table | Format::Wide);
    let matches = Matches {
        evidence: &evidence,
        search: &search,
        limit: args.limit,
        fold: human,
        found: Cell::new(0),
        cut: Cell::new(0),
    };
    let watch = Watch::new(search.progress(), "searched");
    let code = if args.count {
        let counts = Counts { matches: &matches };
        evidence.answer_watched("MatchCountList", &args.output, &counts, Some(&watch))?
    } else {
        evidence.answer_watched("MatchList", &args.output, &matches, Some(&watch))?
    };
    // Part of the evidence unread outranks "no": the text may be there.
    Ok(if matches.found.get() == 0 && code == ExitCode::SUCCESS { ExitCode::from(NEGATIVE) } else { code })
}

impl SearchArgs {
    fn pattern(&self, bytes: &[u8]) -> Pattern {
        let pattern = if self.regex {
            Pattern::regex(bytes)
        } else if self.hex {
            Pattern::hex(bytes)
        } else {
            Pattern::literal(bytes)
        };
        pattern.ignore_case(self.ignore_case).utf16(self.utf16)
    }
}

/// The bytes of an argument; on Unix they are what was typed.
fn os_bytes(text: &OsStr) -> &[u8] {
    text.as_encoded_bytes()
}

struct Matches<'e> {
    evidence: &'e Evidence,
    search: &'e Search,
    limit: Option<u64>,
    /// One row for all processes that share memory.
    fold: bool,
    found: Cell<u64>,
    /// Cut matches that were noted.
    cut: Cell<u64>,
}

/// A match, and how many more processes have it in the same shared memory.
struct Row {
    found: Match,
    more: Vec<u32>,
}

impl Serialize for Row {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.found.serialize(serializer)
    }
}

impl Matches<'_> {
    fn run(&self, index: usize, sink: &mut dyn FnMut(Match) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let checkpoint = self.evidence.get(index)?;
        let mut given = 0_u64;
        let mut result = Ok(());
        self.search.run(checkpoint, &mut |found| {
            if self.limit.is_some_and(|limit| given >= limit) {
                self.evidence
                    .note(index, format!("there are more than {given} matches; the rest is not shown"));
                return ControlFlow::Break(());
            }
            given += 1;
            self.found.set(self.found.get() + 1);
            result = sink(found);
            if result.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        if self.search.progress().is_cancelled() {
            self.evidence.note(index, "interrupted: not everything was searched");
        }
        self.note_cut(index);
        result
    }

    /// Says how many matches may be longer than what was found of them.
    fn note_cut(&self, index: usize) {
        let all = self.search.cut();
        let cut = all - self.cut.replace(all);
        if cut > 0 {
            self.evidence.note(
                index,
                format!(
                    "{cut} matches are longer than 64 KiB and may go on behind what was found of them; \
                     mem read shows the rest"
                ),
            );
        }
    }
}

impl Rows for Matches<'_> {
    type Item = Row;

    fn headers(&self, wide: bool) -> Vec<&'static str> {
        if wide {
            vec!["PID", "ADDRESS", "PERMS", "SOURCE", "WHERE", "LENGTH", "PATTERN", "TEXT", "CONTEXT"]
        } else {
            vec!["PID", "ADDRESS", "PERMS", "SOURCE", "WHERE", "TEXT"]
        }
    }

    fn cells(&self, row: &Row, wide: bool) -> Vec<String> {
        let m = &row.found;
        let pid = match row.more.len() {
            0 => or_absent(m.pid),
            n => format!("{} +{n}", or_absent(m.pid)),
        };
        let perms = m.mapping.as_ref().map_or(ABSENT, |mapping| mapping.perms.as_str()).to_owned();
        let place = match (&m.mapping, &m.object) {
            (_, Some(object)) => text(Some(object)),
            (Some(mapping), None) if mapping.path.is_some() => text(mapping.path.as_ref()),
            (Some(mapping), None) => mapping.kind.as_str().to_owned(),
            (None, None) => text(m.member.as_ref()),
        };
        let source = match (m.source, &m.segment) {
            (SourceKind::Memory, Some(segment)) => escape(segment).into_owned(),
            (source, _) => source.as_str().to_owned(),
        };
        let mut cells = vec![pid, format!("{:012x}", m.address), perms, source, place];
        let shown = shorten(&match m.encoding {
            Encoding::Bytes => escape_bytes(&m.bytes).into_owned(),
            _ => escape(&m.text()).into_owned(),
        });
        if wide {
            let context = [m.before.as_slice(), &m.bytes, &m.after].concat();
            cells.extend([m.bytes.len().to_string(), text(Some(&m.pattern)), shown, dotted(&context)]);
        } else {
            cells.push(shown);
        }
        cells
    }

    fn each(&self, index: usize, sink: &mut dyn FnMut(Row) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let held: RefCell<Option<Row>> = RefCell::new(None);
        self.run(index, &mut |found| {
            let mut held = held.borrow_mut();
            if self.fold
                && let Some(row) = held.as_mut()
                && row.found.segment.is_some()
                && row.found.segment == found.segment
                && row.found.segment_offset == found.segment_offset
                && row.found.pattern_number == found.pattern_number
                && row.found.encoding == found.encoding
            {
                row.more.extend(found.pid);
                return Ok(());
            }
            match held.replace(Row { found, more: Vec::new() }) {
                Some(row) => sink(row),
                None => Ok(()),
            }
        })?;
        held.into_inner().map_or(Ok(()), sink)
    }
}

/// Longest text in a table, in characters.
const SHOWN: usize = 160;

fn shorten(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Bytes as in the right column of a hex dump.
fn dotted(bytes: &[u8]) -> String {
    bytes.iter().map(|b| if matches!(b, b' '..=b'~') { char::from(*b) } else { '.' }).collect()
}

struct Counts<'m> {
    matches: &'m Matches<'m>,
}

/// How often a pattern was found.
#[derive(Serialize)]
struct Count {
    pattern: String,
    /// The exact bytes, where they are no UTF-8.
    #[serde(rename = "patternBase64", skip_serializing_if = "Option::is_none")]
    pattern_base64: Option<String>,
    matches: u64,
}

impl Rows for Counts<'_> {
    type Item = Count;

    fn headers(&self, _: bool) -> Vec<&'static str> {
        vec!["MATCHES", "PATTERN"]
    }

    fn cells(&self, count: &Count, _: bool) -> Vec<String> {
        vec![count.matches.to_string(), escape(&count.pattern).into_owned()]
    }

    fn each(&self, index: usize, sink: &mut dyn FnMut(Count) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let search = self.matches.search;
        let counts = if self.matches.limit.is_some() {
            let mut counts = vec![0_u64; search.patterns().len()];
            self.matches.run(index, &mut |found| {
                if let Some(count) = counts.get_mut(found.pattern_number) {
                    *count += 1;
                }
                Ok(())
            })?;
            counts
        } else {
            let counts = search.count(self.matches.evidence.get(index)?)?;
            self.matches.note_cut(index);
            self.matches.found.set(self.matches.found.get() + counts.iter().sum::<u64>());
            counts
        };
        let count = |(p, matches): (&Pattern, u64)| Count {
            pattern: String::from_utf8_lossy(&p.text).into_owned(),
            pattern_base64: std::str::from_utf8(&p.text).is_err().then(|| STANDARD.encode(&p.text)),
            matches,
        };
        let mut counts = search.patterns().iter().zip(counts).map(count);
        counts.try_for_each(sink)
    }
}
