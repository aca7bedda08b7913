//! `mem strings`: readable text in all memory.

use std::ffi::OsString;
use std::ops::ControlFlow;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use libforensic::analysis::search::{Encoding, SourceKind};
use libforensic::analysis::strings::{Found, LONGEST, MINIMUM, Strings};

use super::{LayerArgs, ScopeArgs};
use crate::cli::OutputArgs;
use crate::evidence::watch::Watch;
use crate::evidence::{ABSENT, Evidence, or_absent, text};
use crate::output::{Form, Rows, escape};

#[derive(Debug, Args)]
#[command(
    after_help = "Text is what strings(1) takes for it: printable ASCII and tabs. UTF-8 takes all that are no \
                  control characters, UTF-16 those of Latin-1; in several encodings at once the same bytes \
                  can be listed more than once. Memory that several processes share is read once and listed \
                  for each of them. A text of more than 64 KiB is cut there, and the answer says so (cut)."
)]
pub(crate) struct StringsArgs {
    /// Shortest text, in characters
    #[arg(short = 'n', long, value_name = "N", default_value_t = MINIMUM)]
    min: usize,
    /// How text is encoded
    #[arg(short, long, value_enum, default_value_t = Code::Ascii, value_name = "ENCODING")]
    encoding: Code,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    layers: LayerArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// Archives to read
    #[arg(required = true, value_name = "ARCHIVE")]
    archives: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Code {
    Ascii,
    Utf8,
    Utf16le,
    Utf16be,
    /// UTF-8 (which has ASCII in it) and both orders of UTF-16
    All,
}

pub(crate) fn strings(args: &StringsArgs) -> anyhow::Result<ExitCode> {
    let encodings: &[Encoding] = match args.encoding {
        Code::Ascii => &[Encoding::Ascii],
        Code::Utf8 => &[Encoding::Utf8],
        Code::Utf16le => &[Encoding::Utf16Le],
        Code::Utf16be => &[Encoding::Utf16Be],
        Code::All => &[Encoding::Utf8, Encoding::Utf16Le, Encoding::Utf16Be],
    };
    let longest = LONGEST / 4;
    if args.min == 0 || args.min > longest {
        anyhow::bail!("the shortest text can have 1 to {longest} characters");
    }
    let strings = Strings::new(args.min, encodings).scope(args.scope.scope());
    let evidence = Evidence::of(&args.archives, &[]).with_layers(&args.layers);
    let watch = Watch::new(strings.progress(), "read");
    let texts = Texts { evidence: &evidence, strings: &strings };
    evidence.answer_watched("StringList", &args.output, &texts, Some(&watch))
}

struct Texts<'e> {
    evidence: &'e Evidence,
    strings: &'e Strings,
}

impl Rows for Texts<'_> {
    type Item = Found;

    fn headers(&self, wide: bool) -> Vec<&'static str> {
        if wide {
            vec!["PID", "ADDRESS", "PERMS", "SOURCE", "WHERE", "LENGTH", "ENCODING", "TEXT"]
        } else {
            vec!["PID", "ADDRESS", "SOURCE", "TEXT"]
        }
    }

    fn cells(&self, found: &Found, wide: bool) -> Vec<String> {
        let m = &found.place;
        let source = match (m.source, &m.segment) {
            (SourceKind::Memory, Some(segment)) => escape(segment).into_owned(),
            (source, _) => source.as_str().to_owned(),
        };
        let mut shown = escape(&m.text()).into_owned();
        if found.cut {
            shown.push('…');
        }
        let mut cells = vec![or_absent(m.pid), format!("{:012x}", m.address)];
        if wide {
            let perms = m.mapping.as_ref().map_or(ABSENT, |mapping| mapping.perms.as_str());
            let path = m.mapping.as_ref().and_then(|mapping| mapping.path.as_ref());
            cells.extend([perms.to_owned(), source, text(m.object.as_ref().or(path))]);
            cells.extend([m.bytes.len().to_string(), m.encoding.as_str().to_owned(), shown]);
        } else {
            cells.extend([source, shown]);
        }
        cells
    }

    fn streams(&self) -> bool {
        true
    }

    fn stream(
        &self,
        index: usize,
        form: &Form<'_>,
        sink: &mut dyn FnMut(&[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let checkpoint = self.evidence.get(index)?;
        let mut result = Ok(());
        self.strings.render(checkpoint, &|block, out| super::text::put(form, block, out), &mut |text| {
            result = sink(text);
            if result.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        if self.strings.progress().is_cancelled() {
            self.evidence.note(index, "interrupted: not everything was read");
        }
        result
    }

    fn each(&self, index: usize, sink: &mut dyn FnMut(Found) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let checkpoint = self.evidence.get(index)?;
        let mut result = Ok(());
        self.strings.run(checkpoint, &mut |found| {
            result = sink(found);
            if result.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        if self.strings.progress().is_cancelled() {
            self.evidence.note(index, "interrupted: not everything was read");
        }
        result
    }
}
