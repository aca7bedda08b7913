//! `memory`: how much memory there is, and what of it the evidence holds.

use std::process::ExitCode;

use libforensic::analysis::overview::{Memory, Overview};

use crate::cli::PidArgs;
use crate::evidence::{Evidence, or_absent, pids};
use crate::output::{Rows, bytes};

pub(crate) fn overview(args: &PidArgs) -> anyhow::Result<ExitCode> {
    let evidence = Evidence::of(&args.evidence.archives, &args.evidence.parents).with_memory();
    evidence.answer("MemoryList", &args.evidence, &Memories { evidence: &evidence, pid: args.pid })
}

struct Memories<'e> {
    evidence: &'e Evidence,
    pid: Option<u32>,
}

impl Rows for Memories<'_> {
    type Item = Memory;

    fn headers(&self, _: bool) -> Vec<&'static str> {
        vec!["PID", "MAPPED", "DUMPED", "PARENT", "ZERO", "FILE", "ABSENT", "DUPLICATE", "SHARED"]
    }

    fn cells(&self, m: &Memory, _: bool) -> Vec<String> {
        let pid = if m.pid.is_none() { "total".to_owned() } else { or_absent(m.pid) };
        let sizes = [
            m.mapped_bytes,
            m.dumped_bytes,
            m.parent_bytes,
            m.zero_bytes,
            m.file_bytes,
            m.absent_bytes,
            m.duplicate_bytes,
            m.shared_bytes,
        ];
        std::iter::once(pid).chain(sizes.map(bytes)).collect()
    }

    fn each(&self, index: usize, sink: &mut dyn FnMut(Memory) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let checkpoint = self.evidence.get(index)?;
        let mut overview = Overview::default();
        let mut total = Memory::default();
        for pid in pids(checkpoint, self.pid)? {
            // The dead have no memory; what else is wrong was said in a warning.
            let Ok(memory) = overview.process(checkpoint, pid) else { continue };
            total.add(&memory);
            sink(memory)?;
        }
        sink(total)
    }
}
