//! `mounts`: the mounts of every mount namespace.

use std::process::ExitCode;

use libforensic::model::Mount;

use super::{Evidence, or_absent, text};
use crate::cli::EvidenceArgs;
use crate::output::Rows;

pub(crate) fn mounts(args: &EvidenceArgs) -> anyhow::Result<ExitCode> {
    let evidence = Evidence::new(args);
    evidence.answer("MountList", args, &Mounts { evidence: &evidence })
}

struct Mounts<'e> {
    evidence: &'e Evidence,
}

impl Rows for Mounts<'_> {
    type Item = Mount;

    fn headers(&self, wide: bool) -> Vec<&'static str> {
        if wide {
            vec![
                "NS",
                "ID",
                "PARENT",
                "DEVICE",
                "FSTYPE",
                "FLAGS",
                "SOURCE",
                "ROOT",
                "MOUNTPOINT",
                "DIFFERS",
                "OPTIONS",
            ]
        } else {
            vec!["NS", "ID", "FSTYPE", "FLAGS", "SOURCE", "MOUNTPOINT"]
        }
    }

    fn cells(&self, m: &Mount, wide: bool) -> Vec<String> {
        let mut cells = vec![m.namespace.to_string(), or_absent(m.id)];
        if wide {
            cells.extend([or_absent(m.parent), or_absent(m.device.clone())]);
        }
        cells.extend([text(m.fstype.as_ref()), m.flag_names().join(","), text(m.source.as_ref())]);
        if wide {
            cells.push(text(m.root.as_ref()));
        }
        cells.push(text(m.mountpoint.as_ref()));
        if wide {
            let differences = m.differences.as_ref().filter(|d| !d.is_empty());
            cells.push(or_absent(differences.map(|d| d.join(","))));
            cells.push(text(m.options.as_ref()));
        }
        cells
    }

    fn name(&self, m: &Mount) -> Option<String> {
        Some(text(m.mountpoint.as_ref()))
    }

    fn each(&self, index: usize, sink: &mut dyn FnMut(Mount) -> anyhow::Result<()>) -> anyhow::Result<()> {
        for mount in self.evidence.get(index)?.mounts() {
            sink(mount)?;
        }
        Ok(())
    }
}
