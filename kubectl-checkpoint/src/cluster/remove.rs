//! `rm`: removes archives from nodes, and nothing that is not one.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use serde::Serialize;

use super::answer::{Item, or_dash, write};
use super::args::RemoveArgs;
use super::collector::{MOUNT, Plan, Slot};
use super::connection::Connection;
use super::copy::Copy;
use super::destination::{Destination, with_suffix};
use super::dossier::{collector_fields, step, who_am_i};
use super::exec::Remote;
use super::interrupt::Interrupts;
use super::leftovers::confirm;
use super::report::{Reporter, shown};
use super::session::{self, INTERRUPTED};
use super::signature::Signer;
use super::stored::Reference;
use super::transfer::{Source, Witness};
use super::{local, preflight, record, text};
use crate::sealed;

/// Removes one file, if it is still what it was: a regular file, no link, that
/// begins as a tar does or is empty. A partial archive begins so as well.
const REMOVE: &str = r#"
has() { command -v "$1" >/dev/null 2>&1; }
[ -f "$1" ] && [ ! -L "$1" ] || { echo "not a regular file" >&2; exit 5; }
if [ -s "$1" ] && has tail && has head; then
  [ "$(tail -c +258 "$1" | head -c 5)" = ustar ] || { echo "not a tar archive" >&2; exit 6; }
fi
has rm || { echo "the image has no rm" >&2; exit 7; }
rm -f -- "$1"
[ ! -e "$1" ] || { echo "it is still there" >&2; exit 8; }"#;

/// One archive that was removed.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Removal {
    pub(super) node: String,
    pub(super) node_path: String,
    /// SHA-256 of the file when it was removed; null where it was not taken.
    pub(super) sha256: Option<String>,
    /// The copy at home that has the same digest.
    pub(super) copy: Option<String>,
}

impl Item for Removal {
    const KIND: &'static str = "RemovalList";

    fn headers(_wide: bool) -> Vec<&'static str> {
        vec!["NODE", "NODE PATH", "SHA256", "COPY"]
    }

    fn cells(&self, wide: bool) -> Vec<String> {
        let digest = or_dash(self.sha256.as_ref());
        let digest = if wide { digest } else { digest.chars().take(12).collect() };
        vec![self.node.clone(), self.node_path.clone(), digest, or_dash(self.copy.as_ref())]
    }

    fn name(&self) -> Option<String> {
        let file = self.node_path.rsplit('/').next()?;
        Some(format!("{}/{file}", self.node))
    }
}

/// Removes archives from nodes.
///
/// # Errors
///
/// When not one of them was removed.
pub fn remove(args: RemoveArgs) -> Result<ExitCode> {
    // Whoever can be asked is; a program was asked when it was written.
    let question = format!(
        "remove {} from {}, {}?",
        if args.archives.len() == 1 {
            String::from("1 archive")
        } else {
            format!("{} archives", args.archives.len())
        },
        if args.local.local { "this node" } else { "their nodes" },
        if args.force { "compared with no copy" } else { "each where its copy is the same" }
    );
    let is_asked = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if is_asked && !args.yes && !confirm(&question)? {
        bail!("nothing was removed");
    }
    if args.local.local {
        return local::remove(&args);
    }
    session::block_on(run(args))
}

async fn run(args: RemoveArgs) -> Result<ExitCode> {
    let mut interrupts = Interrupts::listen().context("cannot listen for signals")?;
    let reporter = Reporter::new(args.answer.quiet);
    let archives = args.archives.iter().map(|typed| Reference::parse(typed)).collect::<Result<Vec<_>>>()?;
    if args.copy.is_some() && archives.len() > 1 {
        bail!("--copy names one file, and {} archives are to be removed", archives.len());
    }
    // Before anything is asked of the cluster: without a copy there is nothing to ask.
    let mut copies = Vec::new();
    for archive in &archives {
        copies.push(if args.force { None } else { Some(copy_of(&args, archive)?) });
    }
    let signer = Signer::from_flag(args.sign.as_deref())?;
    let Some(connection) = session::connect(&args.cluster, &mut interrupts).await? else {
        return Ok(ExitCode::from(INTERRUPTED));
    };
    let slots: Vec<Slot> = archives.iter().map(|_| Slot::default()).collect();
    let work = Box::pin(async {
        let namespace = args.collector.namespace(&connection);
        let user = who_am_i(&connection).await;
        let skip = args.answer.skip_preflight;
        let rights = Plan::rights(namespace);
        preflight::require(&connection, &rights, "remove archives", user.as_ref(), skip, &reporter).await?;
        let mut answers = Vec::new();
        for ((archive, copy), slot) in archives.iter().zip(&copies).zip(&slots) {
            let removed = one(&args, &connection, archive, copy.as_deref(), slot, &reporter).await;
            let _ = slot.empty(&connection).await;
            let recorded = match &removed {
                Ok((removal, fields)) => {
                    let user = user.as_ref();
                    note(&connection, user, removal, fields, copy.as_deref(), signer.as_ref())
                }
                Err(_) => Ok(()),
            };
            answers.push(removed.map(|(removal, _)| (removal, recorded)));
        }
        Ok(answers)
    });
    let on_signal = |signal: &str| format!("interrupted by {signal}");
    let ended = session::guard(work, on_signal, &connection, &slots, &mut interrupts, &reporter).await;
    session::conclude(ended, &reporter, |answers| {
        let mut failed = 0;
        let mut removals = Vec::new();
        for (archive, answer) in archives.iter().zip(answers) {
            let problem = match answer {
                Ok((removal, recorded)) => {
                    removals.push(removal);
                    recorded.err()
                }
                Err(error) => Some(error),
            };
            if let Some(error) = problem {
                failed += 1;
                reporter.warn(&format!("{}/{}: {error:#}", archive.node, text::escape(&archive.name)));
            }
        }
        if removals.is_empty() {
            bail!("nothing was removed");
        }
        write(&removals, &reporter.warnings(), args.answer.output)?;
        Ok(ExitCode::from(if failed > 0 { 2 } else { 0 }))
    })
}

/// The copy at home, which must be there.
pub(super) fn copy_of(args: &RemoveArgs, archive: &Reference) -> Result<PathBuf> {
    let here = Destination::Directory(PathBuf::from("."));
    let path = args
        .copy
        .clone()
        // As it comes home, plain or encrypted.
        .or_else(|| {
            let plain = here.file_for(&archive.name, "")?;
            let sealed = here.file_for(&archive.name, sealed::SUFFIX)?;
            Some(if !plain.is_file() && sealed.is_file() { sealed } else { plain })
        })
        .ok_or_else(|| anyhow!("{} has no name here", text::escape(&archive.name)))?;
    if !path.is_file() {
        bail!(
            "there is no copy {} to compare the archive with; nothing was removed\n  \
             try:   kubectl checkpoint pull {}/{}, then run this again\n  \
             try:   --copy FILE where the copy is, or --force to remove the archive without one",
            path.display(),
            archive.node,
            text::escape(&archive.name)
        );
    }
    Ok(path)
}

/// The digest of the archive that a copy holds. That of an encrypted one which
/// cannot be opened here is in its record, together with the digest of its file.
pub(super) fn digest_of(path: &Path) -> Result<String> {
    let copy = Copy::read(path)?;
    if let Some(plain) = copy.plain {
        return Ok(plain.sha256);
    }
    let record = with_suffix(path, ".evidence.json");
    let chain = record::read(&record).ok().filter(|chain| chain.broken.is_none());
    let last = chain.as_ref().and_then(|chain| {
        chain.lines.iter().rfind(|line| line.get("outcome") == Some(&serde_json::Value::from("verified")))
    });
    match last.and_then(|line| copy.agrees(line)) {
        Some(Ok(sha256)) => Ok(sha256),
        Some(Err(problem)) => bail!("{}: {problem}; nothing was removed", path.display()),
        None => bail!(
            "the copy {} is encrypted, and there is no intact record that says what is inside; nothing was removed\n  \
             try:   --identity FILE with the key that opens it",
            path.display()
        ),
    }
}

async fn one(
    args: &RemoveArgs,
    connection: &Connection,
    archive: &Reference,
    copy: Option<&Path>,
    slot: &Slot,
    reporter: &Reporter,
) -> Result<(Removal, serde_json::Value)> {
    let local = match copy {
        Some(path) => {
            reporter.step(&format!("reading {}", path.display()));
            let path = path.to_owned();
            Some(tokio::task::spawn_blocking(move || digest_of(&path)).await??)
        }
        None => None,
    };
    let namespace = args.collector.namespace(connection);
    let mut plan = Plan::new(&args.collector, namespace, &archive.node, format!("removes {}", archive.name));
    plan.writable = true;
    plan.node_exists(connection).await?;
    reporter.step(&format!("starting the collector pod on node {}", archive.node));
    let limit = args.collector.collector_start_timeout;
    let running = slot.fill(connection, &plan, limit, |line| reporter.step(line)).await?;
    let remote = plan.remote(connection);
    let path = format!("{MOUNT}/{}", archive.name);
    let source = Source {
        remote: &remote,
        path: &path,
        patience: connection.patience(),
        limit: None,
        compress: false,
    };
    source.inspect().await?;
    reporter.step("taking the digest on the node");
    let sha256 = source.digest().await?.map(|witness: Witness| witness.sha256().to_owned());
    match (&local, &sha256) {
        (None, _) => {}
        (Some(_), None) => bail!(
            "the collector's image has no digest tool, so the copy cannot be compared; nothing was removed\n  \
             try:   --collector-image IMAGE with one that has sha256sum"
        ),
        (Some(here), Some(there)) if here == there => {}
        (Some(here), Some(there)) => bail!(
            "the copy is not the archive on the node; nothing was removed:\n  here:        sha256 {here}\n  on the node: sha256 {there}"
        ),
    }
    unlink(&remote, &path).await?;
    let node_path = format!("{}/{}", plan.directory.trim_end_matches('/'), archive.name);
    reporter.done(&format!("removed {} from node {}", text::escape(&node_path), archive.node));
    let removal = Removal { node: archive.node.clone(), node_path, sha256, copy: copy.map(shown) };
    Ok((removal, collector_fields(&plan, &running)))
}

/// Removes the file. Not tried again: whether a torn command did it is looked at instead.
async fn unlink(remote: &Remote, path: &str) -> Result<()> {
    let output = remote.run(REMOVE, &[path], Duration::from_secs(60)).await.map_err(|error| {
        anyhow!("whether it was removed is not known: {error}; look with `kubectl checkpoint list`")
    })?;
    if output.code != 0 {
        bail!("it was not removed: {} (exit code {})", text::quote(&output.stderr), output.code);
    }
    Ok(())
}

/// Adds the removal to the record of the copy, where there is one.
fn note(
    connection: &Connection,
    user: Option<&serde_json::Value>,
    removal: &Removal,
    collector: &serde_json::Value,
    copy: Option<&Path>,
    signer: Option<&Signer>,
) -> Result<()> {
    let Some(path) = copy.map(|copy| with_suffix(copy, ".evidence.json")).filter(|path| path.is_file())
    else {
        return Ok(());
    };
    let mut fields = step("remove", connection, user);
    fields.insert("node".into(), serde_json::json!({ "name": removal.node }));
    fields.insert("nodePath".into(), removal.node_path.clone().into());
    fields.insert("sha256".into(), removal.sha256.clone().into());
    fields.insert("collector".into(), collector.clone());
    fields.insert("leftOnNode".into(), serde_json::json!([]));
    record::append(&path, fields).context("it was removed, but that is not in the record")?;
    if let Some(signer) = signer {
        signer.sign_record(&path).context("it was removed")?;
    }
    Ok(())
}
