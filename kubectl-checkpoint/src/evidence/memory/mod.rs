//! The commands that read memory.

mod address;
mod dump;
mod overview;
mod read;
mod search;
mod strings;
mod text;
mod walk;

pub(crate) use overview::overview;
pub(crate) use walk::chunk;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use libforensic::analysis::scope::{mapping_kind, mapping_kinds};
use libforensic::analysis::search::Scope;
use libforensic::model::MappingKind;

/// What can be done with memory.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Shows memory of a process as a hex dump, or raw
    Read(read::ReadArgs),
    /// Searches all memory, pipes, queues, deleted and changed files, and logs
    Search(search::SearchArgs),
    /// Lists readable text in the same places
    Strings(strings::StringsArgs),
    /// Writes memory to files, with a map of where it came from
    Dump(dump::DumpArgs),
}

pub(crate) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Read(args) => read::read(args),
        Command::Search(args) => search::search(args),
        Command::Strings(args) => strings::strings(args),
        Command::Dump(args) => dump::dump(args),
    }
}

/// Which memory is looked at.
#[derive(Debug, Clone, Args)]
pub(crate) struct ScopeArgs {
    /// Only memory of this process; can be repeated
    #[arg(short, long, value_name = "PID", value_parser = crate::cli::pid)]
    pub pid: Vec<u32>,
    /// Only mappings with these permissions: some of rwxsp, or all four characters (rw-p, ? for any)
    #[arg(long, value_name = "PERMS", value_parser = perms)]
    pub perms: Option<String>,
    /// Only mappings of this kind (heap, stack, anonymous, file, memfd …); can be repeated
    #[arg(long, value_name = "KIND", value_parser = kind)]
    pub kind: Vec<MappingKind>,
    /// Only mappings whose path contains this text
    #[arg(long, value_name = "TEXT")]
    pub path: Option<OsString>,
    /// Only these addresses, START-END or START+LENGTH
    #[arg(long, value_name = "RANGE", value_parser = address::range)]
    pub range: Option<std::ops::Range<u64>>,
}

impl ScopeArgs {
    fn scope(&self) -> Scope {
        let mut scope = Scope::default();
        scope.pids.clone_from(&self.pid);
        scope.perms.clone_from(&self.perms);
        scope.kinds.clone_from(&self.kind);
        scope.path = self.path.as_ref().map(|p| p.as_encoded_bytes().to_vec());
        scope.range.clone_from(&self.range);
        scope
    }
}

fn perms(text: &str) -> Result<String, String> {
    if !text.is_empty() && text.chars().all(|c| "rwxsp-?".contains(c)) {
        Ok(text.to_owned())
    } else {
        Err("give letters of rwxsp, or four characters such as rw-p".to_owned())
    }
}

fn kind(text: &str) -> Result<MappingKind, String> {
    mapping_kind(text).ok_or_else(|| {
        let names: Vec<&str> = mapping_kinds().iter().map(|k| k.as_str()).collect();
        format!("kinds are {}", names.join(", "))
    })
}

/// Splits operands into those that come first and the archives behind them.
fn split_operands(
    operands: &[OsString],
    first: usize,
    what: &str,
) -> anyhow::Result<(Vec<OsString>, Vec<OsString>)> {
    if operands.len() <= first {
        anyhow::bail!("{what}");
    }
    Ok((operands[..first].to_vec(), operands[first..].to_vec()))
}

/// Where memory is that the archive itself does not hold.
#[derive(Debug, Clone, Args)]
pub(crate) struct LayerArgs {
    /// Parent dump of an incremental one, the nearest first; the `parent` link is followed without it
    #[arg(long = "parent", value_name = "ARCHIVE")]
    pub parents: Vec<PathBuf>,
    /// Root file system for unchanged pages of mapped files: a directory, a tar, an OCI or Docker image
    ///
    /// A file is used if its size, and its build-id where CRIU recorded one, are those of the file
    /// that was mapped; a warning says where they are not. Files that the container changed come
    /// from the archive's own copy.
    #[arg(long, value_name = "DIR|TAR|IMAGE")]
    pub rootfs: Option<PathBuf>,
}
