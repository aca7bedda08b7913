//! What about a process is consistent with an attack, as far as it can be told at once.

use libforensic::Checkpoint;
use libforensic::model::{DescriptorKind, Text};

/// Names what stands out about a process; nothing here is proof.
pub(crate) fn marks(checkpoint: &Checkpoint, pid: u32) -> Vec<String> {
    let mut marks = Vec::new();
    let Ok(process) = checkpoint.process(pid) else { return marks };
    let exe = process.exe.as_ref().map(|e| e.as_bytes().to_vec()).unwrap_or_default();
    if exe.starts_with(b"/memfd:") {
        marks.push("runs from a memfd".to_owned());
    } else if process.exe_deleted == Some(true) {
        marks.push("executable was deleted".to_owned());
    }
    if let Some(name) = process.cmdline.as_ref().and_then(|c| c.first()).map(Text::as_bytes)
        && name.starts_with(b"[")
        && !exe.is_empty()
    {
        marks.push("calls itself like a kernel thread".to_owned());
    }
    let preload = |e: &Text| {
        let bytes = e.as_bytes();
        bytes.strip_prefix(b"LD_PRELOAD=").is_some_and(|v| !v.is_empty())
    };
    if process.environ.as_ref().is_some_and(|e| e.iter().any(preload)) {
        marks.push("LD_PRELOAD is set".to_owned());
    }
    if let Ok(descriptors) = checkpoint.descriptors(pid) {
        let standard =
            descriptors.iter().filter(|d| d.fd < 3 && d.kind == Some(DescriptorKind::Inet)).count();
        if standard >= 2 {
            marks.push("standard streams are a network socket".to_owned());
        }
    }
    if let Ok(mappings) = checkpoint.mappings(pid)
        && mappings.iter().any(|m| m.perms.starts_with("rwx"))
    {
        marks.push("memory is writable and executable".to_owned());
    }
    marks
}
