//! `maps`: memory mappings.

use std::process::ExitCode;

use libforensic::model::Mapping;

use super::{Evidence, ahead, deleted, pids, text};
use crate::cli::PidArgs;
use crate::output::{Rows, bytes};

pub(crate) fn maps(args: &PidArgs) -> anyhow::Result<ExitCode> {
    let evidence = Evidence::new(&args.evidence);
    evidence.answer("MappingList", &args.evidence, &Mappings { evidence: &evidence, pid: args.pid })
}

struct Mappings<'e> {
    evidence: &'e Evidence,
    pid: Option<u32>,
}

impl Rows for Mappings<'_> {
    type Item = Mapping;

    fn headers(&self, wide: bool) -> Vec<&'static str> {
        if wide {
            vec![
                "PID", "START", "END", "PERMS", "OFFSET", "SIZE", "DUMPED", "PARENT", "ZERO", "FILE",
                "ABSENT", "KIND", "PATH",
            ]
        } else {
            vec!["PID", "START", "END", "PERMS", "SIZE", "DUMPED", "KIND", "PATH"]
        }
    }

    fn cells(&self, m: &Mapping, wide: bool) -> Vec<String> {
        let mut cells =
            vec![m.pid.to_string(), format!("{:012x}", m.start), format!("{:012x}", m.end), m.perms.clone()];
        let pages = &m.pages;
        if wide {
            cells.extend([format!("{:08x}", m.offset), bytes(m.size())]);
            cells.extend(
                [pages.dumped, pages.parent, pages.zero, pages.file, pages.absent].map(|n| n.to_string()),
            );
        } else {
            cells.extend([bytes(m.size()), pages.dumped.saturating_add(pages.parent).to_string()]);
        }
        cells.push(m.kind.as_str().to_owned());
        cells.push(deleted(text(m.path.as_ref()), m.deleted));
        cells
    }

    fn each(&self, index: usize, sink: &mut dyn FnMut(Mapping) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let checkpoint = self.evidence.get(index)?;
        ahead(
            pids(checkpoint, self.pid)?,
            |pid| Ok(checkpoint.mappings(pid)?),
            |list| list.into_iter().try_for_each(&mut *sink),
        )
    }
}
