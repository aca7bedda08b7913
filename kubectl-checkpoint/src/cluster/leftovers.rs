//! What runs that were killed left behind: pods in the cluster, files here.

use std::fs::{self, File};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;

use anyhow::{Result, bail};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, ListParams};
use kube::{Api, ResourceExt as _};

use super::checks::{Check, State};
use super::collector::MANAGED_BY;
use super::connection::Connection;
use super::destination::PART;
use super::report::Reporter;
use super::text;

/// One thing that can be removed.
#[derive(Clone, Debug)]
pub(super) enum Leftover {
    /// A collector pod: namespace and name.
    Pod(String, String),
    /// A file in this directory, and whether something in it may still be of use.
    File(PathBuf, bool),
}

/// Finds them, and says each as a check.
pub(super) async fn find(connection: &Connection, checks: &mut Vec<Check>) -> Vec<Leftover> {
    let mut found = Vec::new();
    let params = ListParams::default().labels(&format!("app.kubernetes.io/managed-by={MANAGED_BY}"));
    let everywhere: Api<Pod> = Api::all(connection.client.clone());
    let here: Api<Pod> = Api::namespaced(connection.client.clone(), &connection.namespace);
    let (place, pods) = match connection.ask(everywhere.list(&params)).await {
        Ok(pods) => (String::from("all namespaces"), Ok(pods)),
        Err(_) => {
            (format!("namespace {} only", connection.namespace), connection.ask(here.list(&params)).await)
        }
    };
    match pods {
        Ok(pods) if pods.items.is_empty() => {
            checks.push(Check::new("leftovers.pods", State::Ok, &place, "no collector pods"));
        }
        Ok(pods) => {
            for pod in &pods.items {
                checks.push(of_pod(pod, Timestamp::now()));
                found.push(Leftover::Pod(pod.namespace().unwrap_or_default(), pod.name_any()));
            }
        }
        Err(error) => checks.push(Check::new("leftovers.pods", State::Unknown, &place, error.to_string())),
    }
    let files = fs::read_dir(".").into_iter().flatten().flatten();
    for entry in files.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file())) {
        let Ok(name) = entry.file_name().into_string() else { continue };
        if let Some((check, of_use)) = of_file(&name) {
            checks.push(check);
            found.push(Leftover::File(PathBuf::from(name), of_use));
        }
    }
    found
}

fn of_file(name: &str) -> Option<(Check, bool)> {
    const CHECK: &str = "leftovers.files";
    let shown = text::escape(name);
    let ends = |end: &str| name.strip_suffix(end).is_some();
    if ends(&format!(".tar.age{PART}")) && !is_in_use(name) {
        let what = "part of an encrypted archive whose download did not end; it cannot be continued";
        let check = Check::new(CHECK, State::Warning, &shown, what);
        return Some((check.remedy("begin anew with `kubectl checkpoint pull NODE/NAME --encrypt-to RECIPIENT`, which replaces it, or remove it"), false));
    }
    if ends(&format!(".tar{PART}")) && !is_in_use(name) {
        let what = "part of an archive whose download did not end";
        let check = Check::new(CHECK, State::Warning, &shown, what);
        let remedy = "go on with `kubectl checkpoint pull NODE/NAME` (`list` shows the names), or remove it";
        return Some((check.remedy(remedy), true));
    }
    let is_scratch = (name.starts_with(".kubectl-checkpoint-") && ends(".probe"))
        || (name.starts_with(".checkpoint-") && ends(super::signature::SUFFIX));
    is_scratch.then(|| {
        let check = Check::new(CHECK, State::Info, &shown, "left by a run that was killed");
        (check.remedy("remove it"), false)
    })
}

/// Whether a download that goes on holds the file.
fn is_in_use(name: &str) -> bool {
    let held = File::open(name).map(|file| file.try_lock());
    matches!(held, Ok(Err(fs::TryLockError::WouldBlock)))
}

fn of_pod(pod: &Pod, now: Timestamp) -> Check {
    let (namespace, name) = (pod.namespace().unwrap_or_default(), pod.name_any());
    let subject = text::escape(&format!("{namespace}/{name}"));
    let age = pod.metadata.creation_timestamp.as_ref().map(|time| now.duration_since(time.0).as_secs());
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or("Unknown");
    let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()).unwrap_or("-");
    let detail = format!(
        "collector pod, {}{}, on node {}: it serves a run that goes on, or was left by one that was killed",
        text::escape(phase),
        age.map_or_else(String::new, |age| format!(", {age} s old")),
        text::escape(node),
    );
    Check::new("leftovers.pods", State::Warning, &subject, detail).remedy(format!(
        "where no run goes on, remove it: kubectl delete pod -n {} {}",
        text::escape(&namespace),
        text::escape(&name)
    ))
}

/// Removes them, after asking for each unless `yes`.
///
/// # Errors
///
/// When there is nobody to ask, or one could not be removed.
pub(super) async fn clean(
    connection: &Connection,
    found: &[Leftover],
    yes: bool,
    reporter: &Reporter,
) -> Result<()> {
    let mut problems = Vec::new();
    for leftover in found {
        let (what, caution) = match leftover {
            Leftover::Pod(namespace, name) => (
                format!("pod {} in namespace {}", text::escape(name), text::escape(namespace)),
                "a run that goes on would lose it",
            ),
            Leftover::File(path, true) => {
                (text::escape(&path.display().to_string()), "the download could be continued")
            }
            Leftover::File(path, false) => (text::escape(&path.display().to_string()), "nothing needs it"),
        };
        if !yes && !confirm(&format!("remove {what}? ({caution})"))? {
            continue;
        }
        let removed = match leftover {
            Leftover::Pod(namespace, name) => {
                let pods: Api<Pod> = Api::namespaced(connection.client.clone(), namespace);
                let params = DeleteParams::default();
                connection
                    .ask(pods.delete(name, &params))
                    .await
                    .map(|_| ())
                    .map_err(|error| error.to_string())
            }
            Leftover::File(path, _) => fs::remove_file(path).map_err(|error| error.to_string()),
        };
        match removed {
            Ok(()) => reporter.done(&format!("removed {what}")),
            Err(error) => problems.push(format!("{what} was not removed: {error}")),
        }
    }
    if problems.is_empty() { Ok(()) } else { bail!(problems.join("\n")) }
}

/// Asks on the terminal.
///
/// # Errors
///
/// When there is none: nothing is taken for a yes.
pub(super) fn confirm(question: &str) -> Result<bool> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        bail!("{question}\n  there is no terminal to ask on; --yes goes on without asking");
    }
    eprint!("{question} [y/N] ");
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
