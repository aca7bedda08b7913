//! `mounts`: the mounts of every mount namespace.

use std::cell::RefCell;
use std::process::ExitCode;

use libforensic::model::Mount;

use super::{Evidence, or_absent, text};
use crate::cli::EvidenceArgs;
use crate::output::{Rows, escape};

pub(crate) fn mounts(args: &EvidenceArgs) -> anyhow::Result<ExitCode> {
    let evidence = Evidence::new(args);
    evidence.answer("MountList", args, &Mounts { evidence: &evidence, unmounted: RefCell::default() })
}

struct Mounts<'e> {
    evidence: &'e Evidence,
    /// What the runtime was asked to mount and is not there, in words.
    unmounted: RefCell<Vec<String>>,
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
        let checkpoint = self.evidence.get(index)?;
        let mounts = checkpoint.mounts();
        if mounts.is_empty() && super::left_out(checkpoint, b"mountpoints-") {
            self.evidence
                .note(index, "no mount namespace was dumped: the one that CRIU itself ran in is left out");
        }
        for mount in mounts {
            sink(mount)?;
        }
        // Of masked and read-only paths the runtime passes over those that do not exist.
        let missing =
            checkpoint.requested_mounts().iter().filter(|r| r.kind == "mount" && r.mounted == Some(false));
        self.unmounted.borrow_mut().extend(missing.map(|r| {
            let by: Vec<String> = r
                .requested_by
                .iter()
                .map(|s| format!("{} {}", s.member, or_absent(s.field.as_ref())))
                .collect();
            format!("requested and not mounted: {} ({})", escape(&r.mountpoint), escape(&by.join(", ")))
        }));
        Ok(())
    }

    fn footer(&self) -> Vec<String> {
        let unmounted = self.unmounted.borrow();
        let blank = (!unmounted.is_empty()).then(String::new);
        blank.into_iter().chain(unmounted.iter().cloned()).collect()
    }
}
