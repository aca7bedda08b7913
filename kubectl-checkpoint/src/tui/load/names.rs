//! Names of addresses: registers, parts of a process's memory, mapped files.

use anyhow::bail;
use libforensic::Checkpoint;
use libforensic::model::{Hex, MappingKind, MemoryLayout, Process};

/// Names that any process may have, in the order of the alphabet.
pub(crate) const USUAL: &[&str] = &[
    "args", "brk", "code", "data", "entry", "env", "exe", "heap", "interp", "pc", "sp", "stack", "vdso",
    "vvar",
];

/// The names that fit a process: the usual ones and the registers of its main thread.
pub(crate) fn names(process: &Process) -> Vec<String> {
    let registers = process.threads.first().and_then(|t| t.registers.as_ref());
    let mut names: Vec<String> = USUAL.iter().map(|n| (*n).to_owned()).collect();
    names.extend(registers.into_iter().flat_map(|r| r.iter().map(|(name, _)| name.to_owned())));
    names.sort();
    names.dedup();
    names
}

/// Finds the address that a name stands for: `rip`, `TID:rsp`, `heap`, `libc.so.6`, each also with `+` or `-` and
/// a hexadecimal offset.
pub(crate) fn resolve(checkpoint: &Checkpoint, pid: u32, text: &str) -> anyhow::Result<u64> {
    let process = checkpoint.process(pid)?;
    if let Some(address) = named(checkpoint, &process, text) {
        return Ok(address);
    }
    // Names of files have signs in them, too: the last one may begin an offset.
    if let Some(at) = text.rfind(['+', '-'])
        && let (name, Some(offset)) = (text[..at].trim_end(), text.get(at + 1..))
        && let Ok(offset) = u64::from_str_radix(offset.trim().trim_start_matches("0x"), 16)
        && let Some(address) = named(checkpoint, &process, name)
    {
        let moved = if text[at..].starts_with('+') {
            address.checked_add(offset)
        } else {
            address.checked_sub(offset)
        };
        return moved.ok_or_else(|| anyhow::anyhow!("{text:?} is beyond all addresses"));
    }
    bail!("{text:?} is no register, part of memory or mapped file of process {pid}; Tab lists names")
}

fn named(checkpoint: &Checkpoint, process: &Process, name: &str) -> Option<u64> {
    if let Some((tid, register)) = name.split_once(':') {
        let tid: u32 = tid.trim().parse().ok()?;
        let thread = process.threads.iter().find(|t| t.tid == tid)?;
        return register_of(thread.registers.as_ref()?, register.trim());
    }
    let registers = process.threads.first().and_then(|t| t.registers.as_ref());
    if let Some(value) = registers.and_then(|r| register_of(r, name)) {
        return Some(value);
    }
    let pid = process.task.pid;
    let layout = |f: fn(&MemoryLayout) -> Option<Hex>| process.layout.as_ref().and_then(f).map(|a| a.0);
    let auxiliary = |kind: &str| process.auxv.iter().find(|e| e.name() == Some(kind)).map(|e| e.value);
    let mappings = checkpoint.mappings(pid).ok()?;
    let kind = |kind: MappingKind| mappings.iter().find(|m| m.kind == kind).map(|m| m.start);
    match name.trim_matches(['[', ']']) {
        "args" => layout(|l| l.arguments_start),
        "brk" => layout(|l| l.heap_end),
        "code" => layout(|l| l.code_start),
        "data" => layout(|l| l.data_start),
        "entry" => auxiliary("AT_ENTRY"),
        "env" => layout(|l| l.environment_start),
        "exe" => {
            let exe = process.exe.as_ref()?;
            mappings.iter().find(|m| m.path.as_ref() == Some(exe)).map(|m| m.start)
        }
        "heap" => layout(|l| l.heap_start),
        "interp" => auxiliary("AT_BASE"),
        "stack" => layout(|l| l.stack_start).or_else(|| kind(MappingKind::Stack)),
        "vdso" => kind(MappingKind::Vdso),
        "vvar" => kind(MappingKind::Vvar),
        file if !file.is_empty() => {
            // The first mapping of a file, by its path, its name, or the start of that.
            let held = |test: &dyn Fn(&[u8], &[u8]) -> bool| {
                let mut with_path = mappings.iter().filter_map(|m| Some((m, m.path.as_ref()?.as_bytes())));
                with_path
                    .find(|(_, path)| test(path, path.rsplit(|b| *b == b'/').next().unwrap_or(path)))
                    .map(|(m, _)| m.start)
            };
            let file = file.as_bytes();
            held(&|path, base| path == file || base == file)
                .or_else(|| held(&|_, base| base.starts_with(file)))
        }
        _ => None,
    }
}

fn register_of(registers: &libforensic::model::Registers, name: &str) -> Option<u64> {
    let known = registers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|r| r.1);
    known.or_else(|| match name {
        "pc" => registers.pc(),
        "sp" => registers.sp(),
        _ => None,
    })
}
