//! `capabilities`: which questions the evidence can answer.

use std::process::ExitCode;

use libforensic::model::Answerable;

use super::{Evidence, or_absent};
use crate::cli::EvidenceArgs;
use crate::output::Rows;

pub(crate) fn capabilities(args: &EvidenceArgs) -> anyhow::Result<ExitCode> {
    let evidence = Evidence::new(args);
    evidence.answer("CapabilityList", args, &Questions { evidence: &evidence })
}

struct Questions<'e> {
    evidence: &'e Evidence,
}

impl Rows for Questions<'_> {
    type Item = Answerable;

    fn headers(&self, wide: bool) -> Vec<&'static str> {
        if wide {
            vec!["ANSWER", "ID", "QUESTION", "COMMAND", "WHY"]
        } else {
            vec!["ANSWER", "QUESTION", "WHY"]
        }
    }

    fn cells(&self, q: &Answerable, wide: bool) -> Vec<String> {
        let answer = q.answer.as_str().to_owned();
        if wide {
            vec![answer, q.id.to_owned(), q.question.to_owned(), or_absent(q.command), q.why.clone()]
        } else {
            vec![answer, q.question.to_owned(), q.why.clone()]
        }
    }

    fn name(&self, q: &Answerable) -> Option<String> {
        Some(q.id.to_owned())
    }

    fn each(
        &self,
        index: usize,
        sink: &mut dyn FnMut(Answerable) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.evidence.get(index)?.answerable().into_iter().try_for_each(sink)
    }
}
