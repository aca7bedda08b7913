//! `tmpfs`: files of memory file systems.

use std::process::ExitCode;

use libforensic::model::TmpfsFile;

use super::{Evidence, or_absent, text};
use crate::cli::EvidenceArgs;
use crate::output::{Rows, bytes};

pub(crate) fn tmpfs(args: &EvidenceArgs) -> anyhow::Result<ExitCode> {
    let evidence = Evidence::new(args);
    evidence.answer("TmpfsFileList", args, &Tmpfs { evidence: &evidence })
}

struct Tmpfs<'e> {
    evidence: &'e Evidence,
}

impl Rows for Tmpfs<'_> {
    type Item = TmpfsFile;

    fn headers(&self, wide: bool) -> Vec<&'static str> {
        let mut headers = vec!["TYPE", "MODE", "UID", "GID", "SIZE", "MODIFIED", "PATH"];
        if wide {
            headers.extend(["DEVICE", "LINK", "MEMBER"]);
        }
        headers
    }

    fn cells(&self, f: &TmpfsFile, wide: bool) -> Vec<String> {
        let mut cells = vec![
            f.kind.to_owned(),
            or_absent(f.mode.map(|m| format!("{:04o}", m & 0o7777))),
            or_absent(f.uid),
            or_absent(f.gid),
            bytes(f.size),
            or_absent(f.modified.as_ref()),
            text(Some(&f.path)),
        ];
        if wide {
            cells.extend([or_absent(f.device.as_ref()), text(f.link.as_ref())]);
            cells.push(text(Some(&f.member.as_str().into())));
        }
        cells
    }

    fn name(&self, f: &TmpfsFile) -> Option<String> {
        Some(text(Some(&f.path)))
    }

    fn each(
        &self,
        index: usize,
        sink: &mut dyn FnMut(TmpfsFile) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.evidence.get(index)?.tmpfs_files().into_iter().try_for_each(sink)
    }
}
