//! `seccomp`: the filters that decide which system calls were allowed.

use std::process::ExitCode;

use libforensic::model::SeccompFilter;

use super::{ABSENT, Evidence, or_absent, pids};
use crate::cli::PidArgs;
use crate::output::Rows;

pub(crate) fn seccomp(args: &PidArgs) -> anyhow::Result<ExitCode> {
    let evidence = Evidence::new(&args.evidence);
    evidence.answer("SeccompFilterList", &args.evidence, &Filters { evidence: &evidence, pid: args.pid })
}

struct Filters<'e> {
    evidence: &'e Evidence,
    pid: Option<u32>,
}

impl Rows for Filters<'_> {
    type Item = SeccompFilter;

    fn headers(&self, wide: bool) -> Vec<&'static str> {
        if wide {
            vec!["INDEX", "SAME-AS", "PREVIOUS", "INSTRUCTIONS", "FLAGS", "DEFAULT", "RULES", "USERS"]
        } else {
            vec!["INDEX", "SAME-AS", "INSTRUCTIONS", "DEFAULT", "RULES", "USERS"]
        }
    }

    fn cells(&self, f: &SeccompFilter, wide: bool) -> Vec<String> {
        let rules = f.rules();
        let mut cells = vec![f.index.to_string(), f.same_as.to_string()];
        if wide {
            cells.push(or_absent(f.previous));
        }
        cells.push(f.program.len().to_string());
        if wide {
            cells.push(f.flag_names().join(","));
        }
        cells.push(or_absent(rules.as_ref().and_then(|r| r.default)));
        let counts = rules.map(|r| {
            let mut parts: Vec<String> =
                r.calls.iter().map(|(action, calls)| format!("{action}: {}", calls.len())).collect();
            if !r.conditional.is_empty() {
                parts.push(format!("by arguments: {}", r.conditional.len()));
            }
            parts.join(", ")
        });
        cells.push(or_absent(counts));
        let users: Vec<String> = f
            .users
            .iter()
            .map(|u| if u.pid == u.tid { u.pid.to_string() } else { format!("{}/{}", u.pid, u.tid) })
            .collect();
        cells.push(if users.is_empty() { ABSENT.to_owned() } else { users.join(",") });
        cells
    }

    fn each(
        &self,
        index: usize,
        sink: &mut dyn FnMut(SeccompFilter) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let checkpoint = self.evidence.get(index)?;
        pids(checkpoint, self.pid)?;
        for filter in checkpoint.seccomp_filters() {
            if self.pid.is_none_or(|pid| filter.users.iter().any(|u| u.pid == pid)) {
                sink(filter)?;
            }
        }
        Ok(())
    }
}
