//! Flags that raise (or lower) what reading evidence may cost.

use std::path::PathBuf;
use std::sync::OnceLock;

use clap::Args;
use libforensic::Limits;
use libforensic::archive::OpenOptions;

use crate::sealed;

/// Bounds on what hostile evidence can cost; reaching one is said, with what was cut.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Limits on hostile evidence (--help shows them)")]
pub(crate) struct LimitArgs {
    /// Key that opens encrypted archives: a file of age identities or an SSH private key; may be given several times
    #[arg(
        long = "identity",
        id = "identity",
        global = true,
        value_name = "FILE",
        help_heading = "Encrypted archives",
        hide_short_help = true
    )]
    identities: Vec<PathBuf>,
    /// Most members of an archive [default: 4000000]
    #[arg(long = "max-members", id = "max-members", global = true, value_name = "N", value_parser = number, hide_short_help = true)]
    members: Option<u64>,
    /// Most bytes of a member that is decoded as a whole [default: 1G]
    #[arg(long = "max-member-bytes", id = "max-member-bytes", global = true, value_name = "BYTES", value_parser = number, hide_short_help = true)]
    member_bytes: Option<u64>,
    /// Most bytes of one record of an image [default: 64M]
    #[arg(long = "max-record-bytes", id = "max-record-bytes", global = true, value_name = "BYTES", value_parser = number, hide_short_help = true)]
    record_bytes: Option<u64>,
    /// Most bytes a compressed archive may unpack to [default: 4T]
    #[arg(long = "max-unpacked-bytes", id = "max-unpacked-bytes", global = true, value_name = "BYTES", value_parser = number, hide_short_help = true)]
    unpacked_bytes: Option<u64>,
    /// Most times its size a compressed archive may unpack to, behind the first 64M [default: 20000]
    #[arg(long = "max-expansion", id = "max-expansion", global = true, value_name = "N", value_parser = number, hide_short_help = true)]
    expansion: Option<u64>,
    /// Most processes [default: 4194304]
    #[arg(long = "max-tasks", id = "max-tasks", global = true, value_name = "N", value_parser = number, hide_short_help = true)]
    tasks: Option<u64>,
    /// Most memory mappings of a process [default: 1048576]
    #[arg(long = "max-mappings", id = "max-mappings", global = true, value_name = "N", value_parser = number, hide_short_help = true)]
    mappings: Option<u64>,
    /// Most bytes of a command line or an environment [default: 8M]
    #[arg(long = "max-string-bytes", id = "max-string-bytes", global = true, value_name = "BYTES", value_parser = number, hide_short_help = true)]
    string_bytes: Option<u64>,
    /// Keeps what compressed archives unpack to in this directory, for the next command
    ///
    /// The directory is made if it is not there, and must be yours alone. Files in it are as large as
    /// the unpacked archives, and hold what was in memory: remove them when the work is done.
    #[arg(long, global = true, value_name = "DIR", hide_short_help = true, help_heading = "Cache")]
    cache: Option<PathBuf>,
}

/// The limits and the cache of this run: every command that opens evidence keeps to them.
static OPTIONS: OnceLock<(Limits, Option<PathBuf>)> = OnceLock::new();

impl LimitArgs {
    fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        for (given, limit) in [
            (self.members, &mut limits.members),
            (self.member_bytes, &mut limits.member_bytes),
            (self.record_bytes, &mut limits.record_bytes),
            (self.unpacked_bytes, &mut limits.unpacked_bytes),
            (self.expansion, &mut limits.expansion),
            (self.tasks, &mut limits.tasks),
            (self.mappings, &mut limits.mappings),
            (self.string_bytes, &mut limits.strings_bytes),
        ] {
            *limit = given.unwrap_or(*limit);
        }
        limits
    }

    /// Sets the limits for all that is opened from now on.
    ///
    /// # Errors
    ///
    /// When an identity cannot be read.
    pub(crate) fn set(&self) -> anyhow::Result<()> {
        // A second call, as in a test, changes nothing.
        let _ = OPTIONS.set((self.limits(), self.cache.clone()));
        sealed::set_identities(&self.identities)
    }
}

/// Returns how archives are opened in this run.
pub(crate) fn open_options() -> OpenOptions {
    let mut options = OpenOptions::default();
    options.decrypt = sealed::opener();
    if let Some((limits, cache)) = OPTIONS.get() {
        options.limits.clone_from(limits);
        options.cache_directory.clone_from(cache);
        // What is not kept there is not written anywhere else either.
        options.spool_directory = cache.clone().filter(|directory| directory.is_dir());
    }
    options
}

/// Reads a number, with K, M, G or T for powers of 1024.
fn number(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(['k', 'K', 'm', 'M', 'g', 'G', 't', 'T']);
    let shift = match text.get(digits.len()..).map(str::to_ascii_uppercase).as_deref() {
        Some("") => 0,
        Some("K") => 10,
        Some("M") => 20,
        Some("G") => 30,
        Some("T") => 40,
        _ => return Err("give a number, with K, M, G or T behind it if you like".to_owned()),
    };
    let number: u64 = digits.parse().map_err(|_| "give a whole number, such as 100000 or 2G".to_owned())?;
    number.checked_mul(1 << shift).ok_or_else(|| "too large".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(number("7"), Ok(7));
        assert_eq!(number("64M"), Ok(64 << 20));
        assert_eq!(number("4t"), Ok(4 << 40));
        for wrong in ["", "K", "1KB", "-1", "1.5G", "99999999999999T"] {
            assert!(number(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_defaults_in_the_help_are_the_librarys() {
        let limits = LimitArgs::default().limits();
        assert_eq!(limits, Limits::default());
        let shown = [
            ("max-members", limits.members),
            ("max-member-bytes", limits.member_bytes),
            ("max-record-bytes", limits.record_bytes),
            ("max-unpacked-bytes", limits.unpacked_bytes),
            ("max-expansion", limits.expansion),
            ("max-tasks", limits.tasks),
            ("max-mappings", limits.mappings),
            ("max-string-bytes", limits.strings_bytes),
        ];
        let command = LimitArgs::augment_args(clap::Command::new("x"));
        for (name, value) in shown {
            let arg = command.get_arguments().find(|a| a.get_long() == Some(name)).unwrap();
            let help = arg.get_help().unwrap().to_string();
            let default = help.rsplit_once("[default: ").unwrap().1.trim_end_matches(']').to_owned();
            assert_eq!(number(&default), Ok(value), "{name}");
        }
    }
}
