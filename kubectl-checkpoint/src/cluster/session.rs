//! What every command does that makes pods: a runtime, signals, and a clean-up
//! that always runs.

use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow};

use super::args::ClusterArgs;
use super::collector::Slot;
use super::connection::Connection;
use super::interrupt::Interrupts;
use super::report::Reporter;

/// Exit code after an interrupt.
pub(super) const INTERRUPTED: u8 = 130;

/// Runs a command in a runtime of its own.
pub(super) fn block_on<T>(command: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let result = runtime.block_on(command);
    // A thread that blocks in a name look-up or a write must not hold up the end.
    runtime.shutdown_background();
    result
}

/// Connects; `None` after a signal.
pub(super) async fn connect(args: &ClusterArgs, interrupts: &mut Interrupts) -> Result<Option<Connection>> {
    tokio::select! {
        connection = Connection::open(args) => Ok(Some(connection?)),
        signal = interrupts.next() => {
            eprintln!("interrupted by {signal}; nothing was touched");
            Ok(None)
        }
    }
}

/// How a piece of work ended.
pub(super) struct Ended<T> {
    /// Its result, or the signal that ended it.
    pub(super) outcome: Result<Result<T>, &'static str>,
    /// Whether every pod is gone.
    pub(super) cleaned: Result<()>,
}

/// Runs the work until it is done or a signal comes, then removes every pod in
/// `slots`. `on_signal` says what the signal found, before the clean-up.
pub(super) async fn guard<T>(
    work: impl Future<Output = Result<T>>,
    on_signal: impl Fn(&str) -> String,
    connection: &Connection,
    slots: &[Slot],
    interrupts: &mut Interrupts,
    reporter: &Reporter,
) -> Ended<T> {
    let outcome = tokio::select! {
        outcome = work => Ok(outcome),
        signal = interrupts.next() => Err(signal),
    };
    // Now, and only now, is the work gone and its part files with it.
    reporter.clear();
    if let Err(signal) = &outcome {
        reporter.announce(&on_signal(signal));
    }
    let emptied = futures::future::join_all(slots.iter().map(|slot| slot.empty(connection)));
    let cleaned = tokio::select! {
        emptied = emptied => emptied,
        signal = interrupts.next() => {
            let left: Vec<String> = slots.iter().filter_map(Slot::describe).collect();
            let left = if left.is_empty() { String::from("clean-up was cut short") } else { left.join("; ") };
            vec![Err(anyhow!("{signal} again: {left}"))]
        }
    };
    let problems: Vec<String> =
        cleaned.into_iter().filter_map(Result::err).map(|error| format!("{error:#}")).collect();
    let cleaned = if problems.is_empty() { Ok(()) } else { Err(anyhow!(problems.join("\n"))) };
    Ended { outcome, cleaned }
}

/// Ends a command that has nothing to record about its ending.
pub(super) fn conclude<T>(
    ended: Ended<T>,
    reporter: &Reporter,
    answer: impl FnOnce(T) -> Result<ExitCode>,
) -> Result<ExitCode> {
    if let Err(error) = &ended.cleaned {
        reporter.warn(&format!("{error:#}"));
    }
    match ended.outcome {
        Err(_) => Ok(ExitCode::from(INTERRUPTED)),
        Ok(Err(error)) => Err(error),
        Ok(Ok(value)) => {
            let code = answer(value)?;
            Ok(if ended.cleaned.is_err() { ExitCode::from(2) } else { code })
        }
    }
}
