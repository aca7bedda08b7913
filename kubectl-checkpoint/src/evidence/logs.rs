//! `logs`: what the container wrote to its standard streams.

use std::process::ExitCode;

use libforensic::model::LogLine;

use super::{ABSENT, Evidence, text};
use crate::cli::EvidenceArgs;
use crate::output::{Rows, escape};

pub(crate) fn logs(args: &EvidenceArgs) -> anyhow::Result<ExitCode> {
    let evidence = Evidence::new(args);
    evidence.answer("LogLineList", args, &Lines { evidence: &evidence })
}

struct Lines<'e> {
    evidence: &'e Evidence,
}

impl Rows for Lines<'_> {
    type Item = LogLine;

    fn headers(&self, wide: bool) -> Vec<&'static str> {
        if wide { vec!["MEMBER", "OFFSET", "TIME", "STREAM", "TEXT"] } else { vec!["TIME", "STREAM", "TEXT"] }
    }

    fn cells(&self, l: &LogLine, wide: bool) -> Vec<String> {
        let time = l.time.as_deref().map_or_else(|| ABSENT.to_owned(), |t| escape(t).into_owned());
        let more = if l.partial { "…" } else { "" };
        let mut cells = vec![time, l.stream.unwrap_or(ABSENT).to_owned()];
        cells.push(format!("{}{more}", text(Some(&l.text))));
        if wide {
            cells.splice(0..0, [escape(&l.member).into_owned(), l.offset.to_string()]);
        }
        cells
    }

    fn each(&self, index: usize, sink: &mut dyn FnMut(LogLine) -> anyhow::Result<()>) -> anyhow::Result<()> {
        self.evidence.get(index)?.log_lines().try_for_each(sink)
    }
}
