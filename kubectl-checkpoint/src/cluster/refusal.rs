//! What is done where CRIU refused: its log is fetched, kept beside where the
//! archive would be, and translated.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::capture::{Context, Job};
use super::collector::{FILE, Plan, View};
use super::destination::{private, with_suffix};
use super::explain::{Class, Explanation};
use super::report::Reporter;
use super::transfer::Watch as _;
use super::{criu_log, text};

/// Makes an explanation better by what CRIU's log says. Where the log cannot
/// be had the explanation stays as it was, and why is said.
pub(super) async fn look_into(
    context: &Context<'_>,
    job: &Job,
    mut explanation: Explanation,
    reporter: &Reporter,
) -> Explanation {
    if explanation.class != Class::CriuRefused {
        return explanation;
    }
    let found = &job.found;
    let triage = format!(
        "without CRIU: kubectl checkpoint triage -n {} {}/{} reads what /proc shows of the container",
        found.namespace, found.pod, found.container
    );
    let Some(path) = explanation.log.clone().filter(|_| !context.args.no_criu_log) else {
        explanation.remedies.push(triage);
        return explanation;
    };
    match fetch(context, job, &path, reporter).await {
        Ok(log) => {
            let kept = keep(context, job, &log);
            translate(&mut explanation, &log);
            match kept {
                Ok(Some(file)) => {
                    explanation.remedies.push(format!("CRIU's log is here: {}", file.display()));
                }
                Ok(None) if context.custody.seals() => {
                    reporter.note("CRIU's log is not kept: with --encrypt-to nothing plain is written here");
                }
                Ok(None) => {}
                Err(error) => reporter.warn(&format!("{error:#}")),
            }
        }
        Err(error) => reporter.warn(&format!("CRIU's log could not be fetched: {error:#}")),
    }
    explanation.remedies.push(triage);
    explanation
}

async fn fetch(context: &Context<'_>, job: &Job, path: &str, reporter: &Reporter) -> Result<String> {
    if !criu_log::is_log_path(path) {
        bail!("{} is no place where runtimes keep it", text::quote(path));
    }
    let Context { args, connection, .. } = *context;
    let found = &job.found;
    reporter.step("CRIU refused; fetching its log from the node");
    let namespace = args.collector.collector_namespace.as_deref().unwrap_or(&found.namespace);
    let purpose = format!("reads CRIU's log of {}/{}/{}", found.namespace, found.pod, found.container);
    let mut plan = Plan::new(&args.collector, namespace, &found.node, purpose);
    path.clone_into(&mut plan.directory);
    plan.view = View::File;
    let limit = args.collector.collector_start_timeout;
    job.slot.fill(connection, &plan, limit, |line| reporter.step(line)).await?;
    criu_log::read(&plan.remote(connection), FILE).await
}

/// Writes the log beside where the archive would be; nothing for standard output, or where all is encrypted.
fn keep(context: &Context<'_>, job: &Job, log: &str) -> Result<Option<PathBuf>> {
    if context.custody.seals() {
        return Ok(None);
    }
    let found = &job.found;
    let name = format!("checkpoint-{}_{}-{}.tar", found.pod, found.namespace, found.container);
    let Some(dest) = context.destination.file_for(&name, "") else {
        return Ok(None);
    };
    let path = with_suffix(&dest, ".criu-dump.log");
    let written = write(&path, log.as_bytes());
    written.with_context(|| format!("cannot keep CRIU's log in {}", path.display()))?;
    Ok(Some(path))
}

/// Each refusal has its own log: an older one is not lost.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if std::fs::symlink_metadata(path).is_ok_and(|there| there.is_file()) {
        let time = jiff::Timestamp::now().as_second();
        std::fs::rename(path, with_suffix(path, &format!(".{time}")))?;
    }
    let mut file = private().create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Puts what the log says in the place of what could only be guessed.
fn translate(explanation: &mut Explanation, log: &str) {
    let Some(reason) = criu_log::reason(log) else {
        return;
    };
    let cause = reason.cause.map_or_else(
        || String::from("CRIU ran and met something it does not save"),
        |cause| format!("{cause}, and CRIU does not save that as it is set up"),
    );
    explanation.cause = format!("{cause}; the container goes on\n  CRIU:  {}", reason.line);
    explanation.remedies = match (reason.cause, reason.remedy) {
        (Some(_), Some(remedy)) => vec![remedy.to_owned()],
        // Known, and nothing can be set to change it.
        (Some(_), None) => vec![String::from("no setting of CRIU changes that")],
        (None, _) => std::mem::take(&mut explanation.remedies),
    };
}
