//! The program; everything it does is in the library.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use kubectl_checkpoint::cluster;

#[derive(Parser)]
#[command(name = "kubectl-checkpoint", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Freeze a container and bring the archive home (the default command)
    Create(Box<cluster::CreateArgs>),
}

fn main() -> ExitCode {
    let mut words: Vec<_> = std::env::args_os().collect();
    let known = ["create", "help", "-h", "--help", "-V", "--version"];
    if words
        .get(1)
        .is_some_and(|word| !known.iter().any(|name| word == name))
    {
        words.insert(1, "create".into());
    }
    let Command::Create(args) = Cli::parse_from(words).command;
    match cluster::create(*args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
