//! `files`: open file descriptors.

use std::process::ExitCode;

use libforensic::model::{DescriptorKind, FileDescriptor};

use super::{ABSENT, Evidence, ahead, deleted, or_absent, pids, text};
use crate::cli::PidArgs;
use crate::output::{Rows, bytes};

pub(crate) fn files(args: &PidArgs) -> anyhow::Result<ExitCode> {
    let evidence = Evidence::new(&args.evidence);
    evidence.answer("FileDescriptorList", &args.evidence, &Descriptors { evidence: &evidence, pid: args.pid })
}

struct Descriptors<'e> {
    evidence: &'e Evidence,
    pid: Option<u32>,
}

impl Rows for Descriptors<'_> {
    type Item = FileDescriptor;

    fn headers(&self, wide: bool) -> Vec<&'static str> {
        if wide {
            vec!["PID", "FD", "TYPE", "FLAGS", "POS", "SIZE", "INODE", "MOUNT", "FILE", "TARGET"]
        } else {
            vec!["PID", "FD", "TYPE", "MODE", "POS", "SIZE", "TARGET"]
        }
    }

    fn cells(&self, f: &FileDescriptor, wide: bool) -> Vec<String> {
        let kind = or_absent(f.kind.map(DescriptorKind::as_str));
        let position = or_absent(f.position);
        let size = f.size.map_or_else(|| ABSENT.to_owned(), bytes);
        let mut cells = vec![f.pid.to_string(), f.fd.to_string(), kind];
        if wide {
            cells.push(f.flags.map_or_else(|| ABSENT.to_owned(), |f| format!("0{f:o}")));
            cells.extend([position, size, or_absent(f.inode), or_absent(f.mount_id), f.file_id.to_string()]);
        } else {
            cells.extend([mode(f), position, size]);
        }
        cells.push(deleted(text(f.target.as_ref()), f.deleted));
        cells
    }

    fn each(
        &self,
        index: usize,
        sink: &mut dyn FnMut(FileDescriptor) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let checkpoint = self.evidence.get(index)?;
        ahead(
            pids(checkpoint, self.pid)?,
            |pid| Ok(checkpoint.descriptors(pid)?),
            |list| list.into_iter().try_for_each(&mut *sink),
        )
    }
}

/// `r`, `w`, `rw`; `a` for append.
pub(crate) fn mode(f: &FileDescriptor) -> String {
    let Some(flags) = f.flags else { return ABSENT.to_owned() };
    let access = match flags & 3 {
        0 => "r",
        1 => "w",
        _ => "rw",
    };
    let append = if flags & 0o2000 != 0 { "a" } else { "" };
    format!("{access}{append}")
}
