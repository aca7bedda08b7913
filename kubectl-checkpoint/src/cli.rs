//! The command line: what it is made of, and what happens for each command.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::cluster::{self, CreateArgs, DoctorArgs, ListArgs, PullArgs, RemoveArgs, TriageArgs, VerifyArgs};
use crate::evidence;
use crate::output::{self, Color, Format, escape};

/// Exit code: the run worked, and the answer is negative.
pub(crate) const NEGATIVE: u8 = 1;
/// Exit code: usage or run error.
pub(crate) const FAILED: u8 = 2;
/// Exit code: done, but part of the evidence could not be read.
pub(crate) const PARTIAL: u8 = 3;
/// Exit code: a signal asked for the end.
pub(crate) const INTERRUPTED: u8 = 130;

/// Freezes a running container into evidence, brings it home verified, and shows what is in it.
///
/// Analysis commands read an ARCHIVE: a tar, tar.gz or tar.zst file as Podman,
/// CRI-O or containerd write it, a directory with the same content or with
/// bare CRIU images, an image made from a checkpoint, or - for standard input.
/// Nothing is ever restored or run.
#[derive(Debug, Parser)]
#[command(name = "kubectl-checkpoint", bin_name = "kubectl checkpoint", version, max_term_width = 100)]
#[command(
    override_usage = "kubectl checkpoint [create] [OPTIONS] TARGET [DEST]\n       kubectl checkpoint COMMAND [OPTIONS] ARCHIVE…"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    limits: evidence::limits::LimitArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Freezes a container and brings the archive home; the default: `kubectl checkpoint POD/CONTAINER [DEST]`
    Create(Box<CreateArgs>),
    /// Reads what /proc shows of a container, where CRIU cannot freeze it; stops no process
    Triage(Box<TriageArgs>),
    /// Says whether a capture would work, and what is missing; changes nothing
    Doctor(Box<DoctorArgs>),
    /// Lists the archives that are on nodes
    List(Box<ListArgs>),
    /// Brings an archive home that is on a node; continues an interrupted download
    Pull(Box<PullArgs>),
    /// Removes archives from nodes, each only when a verified copy is at home
    Rm(Box<RemoveArgs>),
    /// Verifies archives at home against their evidence records
    Verify(VerifyArgs),
    /// Shows what an archive is: container, pod, engine, sizes
    Show(EvidenceArgs),
    /// Lists processes and their threads
    Ps(PsArgs),
    /// Lists memory mappings
    Maps(PidArgs),
    /// Lists open file descriptors
    Files(PidArgs),
    /// Lists sockets and who holds them
    Sockets(PidArgs),
    /// Lists mounts of every mount namespace
    Mounts(EvidenceArgs),
    /// Lists namespaces: who is in which, and which are the host's
    Namespaces(EvidenceArgs),
    /// Lists control groups with their settings
    Cgroups(EvidenceArgs),
    /// Lists links, addresses, routes and firewall rules, each with its source
    Network(EvidenceArgs),
    /// Lists System V shared memory, message queues and semaphores
    Ipc(EvidenceArgs),
    /// Lists the files of memory file systems (tmpfs, /dev/shm)
    Tmpfs(EvidenceArgs),
    /// Prints the container's log, with times and streams
    Logs(EvidenceArgs),
    /// Lists seccomp filters: which system calls were allowed, and to whom
    ///
    /// The disassembly of each filter is in -o json and -o yaml.
    Seccomp(PidArgs),
    /// Lists every member of an archive and how much of it can be read
    Images(EvidenceArgs),
    /// Writes CRIU images as JSON, in the form of CRIU's own `crit`
    Decode(evidence::codec::DecodeArgs),
    /// Makes a CRIU image from JSON on standard input
    Encode(evidence::codec::EncodeArgs),
    /// Reads, searches and dumps memory
    #[command(subcommand)]
    Mem(evidence::memory::Command),
    /// Writes deleted files, memfds, changed files, pipes, queues and logs to a directory
    Extract(evidence::extract::ExtractArgs),
    /// Measures memory: mapped, dumped, zero, absent, duplicate, shared
    Memory(PidArgs),
    /// Says which questions an archive can answer, which it cannot, and why
    Capabilities(EvidenceArgs),
    /// Walks through archives in the terminal
    Tui(Box<crate::tui::TuiArgs>),
}

/// What all analysis commands take.
#[derive(Debug, Args)]
pub(crate) struct EvidenceArgs {
    /// Archives to read
    #[arg(required = true, value_name = "ARCHIVE")]
    pub archives: Vec<OsString>,
    /// Parent dump of an incremental one, the nearest first; the `parent` link is followed without it
    #[arg(long = "parent", value_name = "ARCHIVE")]
    pub parents: Vec<PathBuf>,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// How answers are written.
#[derive(Debug, Clone, Args)]
pub(crate) struct OutputArgs {
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub output: Format,
    /// Leaves out the line of column names
    #[arg(long)]
    pub no_headers: bool,
    /// When to use colour
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
}

#[derive(Debug, Args)]
pub(crate) struct PidArgs {
    /// Only of this process
    #[arg(short, long, value_name = "PID", value_parser = pid)]
    pub pid: Option<u32>,
    #[command(flatten)]
    pub evidence: EvidenceArgs,
}

/// Reads a process id as people type it.
pub(crate) fn pid(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| {
        "a process id is a whole number, the one the container sees; `kubectl checkpoint ps ARCHIVE` lists them"
            .to_owned()
    })
}

#[derive(Debug, Args)]
pub(crate) struct PsArgs {
    /// Draws the process tree
    #[arg(long)]
    pub tree: bool,
    #[command(flatten)]
    pub pid: PidArgs,
}

/// Returns the definition of the command line, for completions, manual pages and tests.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Parses the command line; without a command it is `create`.
fn parse(args: Vec<OsString>) -> Result<Cli, clap::Error> {
    use clap::error::ErrorKind::{InvalidSubcommand, UnknownArgument};
    match Cli::try_parse_from(&args) {
        Ok(cli) => Ok(cli),
        // A first word that is no command is a target, a first flag one of `create`'s.
        Err(e)
            if matches!(e.kind(), InvalidSubcommand | UnknownArgument)
                && !names_a_command(&args)
                && !names_a_file(&args) =>
        {
            let mut with_create = args;
            with_create.insert(1, "create".into());
            Cli::try_parse_from(with_create)
        }
        Err(e) => Err(e),
    }
}

/// Says whether a file stands where a target or its destination would: then a
/// command was forgotten or mistyped, and nothing must be captured.
fn names_a_file(args: &[OsString]) -> bool {
    let target = args.get(1).and_then(|a| a.to_str()).unwrap_or("");
    let is_file = |a: &OsString| std::path::Path::new(a).is_file();
    let is_word = !target.starts_with('-') && !target.contains('/');
    args.get(1).is_some_and(is_file)
        || (is_word && !args.iter().any(|a| a == "--force") && operands(args).any(is_file))
}

/// The words behind the first that are no flags and no values of flags of `create`.
fn operands(args: &[OsString]) -> impl Iterator<Item = &OsString> {
    let mut cli = Cli::command();
    cli.build();
    let takes_value = |word: &str| {
        let is_named = |a: &clap::Arg| match word.strip_prefix("--") {
            Some(long) => {
                a.get_long() == Some(long) || a.get_all_aliases().is_some_and(|all| all.contains(&long))
            }
            None => word.len() == 2 && a.get_short().is_some_and(|short| word.ends_with(short)),
        };
        let create = cli.find_subcommand("create");
        let found = create.and_then(|create| create.get_arguments().find(|a| is_named(a)));
        found.is_some_and(|a| a.get_action().takes_values())
    };
    let mut words = Vec::new();
    let mut is_value = true;
    for word in args.iter().skip(1) {
        let text = word.to_str().unwrap_or("");
        let is_flag = text.len() > 1 && text.starts_with('-');
        if !is_value && !is_flag {
            words.push(word);
        }
        is_value = !is_value && is_flag && takes_value(text);
    }
    words.into_iter()
}

fn names_a_command(args: &[OsString]) -> bool {
    let first = args.get(1).and_then(|a| a.to_str());
    first.is_some_and(|first| Cli::command().get_subcommands().any(|c| c.get_name() == first))
}

/// Runs the program with these arguments, the first of which is its name.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let command = match parse(args.into_iter().collect()) {
        Ok(cli) => {
            if let Err(e) = cli.limits.set() {
                eprintln!("error: {}", escape(&format!("{e:#}")));
                return ExitCode::from(FAILED);
            }
            cli.command
        }
        Err(e) => {
            // Help and version are answers, anything else is a mistake.
            let code = if e.use_stderr() { FAILED } else { 0 };
            return match e.print().and_then(|()| io::stdout().flush()) {
                Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
                    eprintln!("error: standard output: {e}");
                    ExitCode::from(FAILED)
                }
                _ => ExitCode::from(code),
            };
        }
    };
    let of_cluster = matches!(
        command,
        Command::Create(_)
            | Command::Triage(_)
            | Command::Doctor(_)
            | Command::List(_)
            | Command::Pull(_)
            | Command::Rm(_)
    );
    let result = match command {
        Command::Create(args) => cluster::create(*args),
        Command::Triage(args) => cluster::triage(*args),
        Command::Doctor(args) => cluster::doctor(*args),
        Command::List(args) => cluster::list(*args),
        Command::Pull(args) => cluster::pull(*args),
        Command::Rm(args) => cluster::remove(*args),
        Command::Verify(args) => cluster::verify(&args),
        Command::Show(args) => evidence::show(&args),
        Command::Ps(args) => evidence::ps(&args),
        Command::Maps(args) => evidence::maps(&args),
        Command::Files(args) => evidence::files(&args),
        Command::Sockets(args) => evidence::sockets(&args),
        Command::Mounts(args) => evidence::mounts(&args),
        Command::Namespaces(args) => evidence::namespaces(&args),
        Command::Cgroups(args) => evidence::cgroups(&args),
        Command::Network(args) => evidence::network(&args),
        Command::Ipc(args) => evidence::ipc(&args),
        Command::Tmpfs(args) => evidence::tmpfs(&args),
        Command::Logs(args) => evidence::logs(&args),
        Command::Seccomp(args) => evidence::seccomp(&args),
        Command::Images(args) => evidence::images(&args),
        Command::Decode(args) => evidence::codec::decode(&args),
        Command::Encode(args) => evidence::codec::encode(&args),
        Command::Mem(command) => evidence::memory::run(&command),
        Command::Extract(args) => evidence::extract::extract(&args),
        Command::Memory(args) => evidence::memory::overview(&args),
        Command::Capabilities(args) => evidence::capabilities(&args),
        Command::Tui(args) => crate::tui::run(&args),
    };
    match result {
        Ok(code) => code,
        Err(e) if output::is_broken_pipe(&e) => ExitCode::SUCCESS,
        Err(e) => {
            let message = format!("{e:#}");
            if of_cluster {
                // Such messages have lines of their own, a rule to apply for
                // instance; what came from the cluster is escaped in them already.
                let lines: Vec<_> = message.lines().map(escape).collect();
                eprintln!("error: {}", lines.join("\n"));
            } else {
                eprintln!("error: {}", escape(&message));
            }
            ExitCode::from(FAILED)
        }
    }
}
