//! `--local`: on the node itself, without a cluster. The archives are files of
//! the kubelet's own directory, and a capture asks the kubelet on this host.
//!
//! The same rules hold as through a collector: nothing is touched that is not
//! a checkpoint archive, no link is followed, and nothing has its name at home
//! before it is whole and compared.

mod capture;
mod store;
mod transfer;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow, bail};

pub(super) use capture::create;
use store::Store;

use super::answer::write;
use super::args::{ListArgs, PullArgs, RemoveArgs};
use super::copy;
use super::custody::Custody;
use super::destination::{Destination, with_suffix};
use super::dossier::local_step;
use super::pull::Download;
use super::record;
use super::remove::{Removal, copy_of, digest_of};
use super::report::{Reporter, shown};
use super::signature::Signer;
use super::stored::Reference;
use super::text;
use crate::cli;

/// The name of this host, which stands for that of the node.
fn node() -> String {
    #[cfg(unix)]
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    #[cfg(not(unix))]
    let name = std::env::var("COMPUTERNAME").unwrap_or_default();
    name
}

/// Reads `NAME`, `NODE/NAME` or a path; only the name counts.
fn named(typed: &str) -> Result<String> {
    let name = typed.rsplit('/').next().unwrap_or_default();
    Ok(Reference::parse(&format!("local/{name}"))?.name)
}

/// Lists the archives of this node.
pub(super) fn list(args: &ListArgs) -> Result<ExitCode> {
    if !args.nodes.is_empty() {
        bail!("--local looks at this node only; leave --node out");
    }
    let reporter = Reporter::new(args.answer.quiet);
    let store = Store::open(&args.local)?;
    let (mut items, strange) = store.list(&node())?;
    if strange > 0 {
        reporter.warn(&format!("{strange} names in {} are not fit to be shown", store.shown()));
    }
    if let Some(pod) = &args.pod {
        items.retain(|item| item.pod.as_ref() == Some(pod));
    }
    write(&items, &reporter.warnings(), args.answer.output)?;
    Ok(ExitCode::SUCCESS)
}

/// Copies an archive of this node.
pub(super) async fn pull(args: &PullArgs) -> Result<ExitCode> {
    let reporter = Reporter::new(args.answer.quiet);
    let name = named(&args.archive)?;
    let destination = Destination::settle(args.dest.as_deref(), args.force)?;
    if destination == Destination::Stdout && args.answer.output != super::OutputFormat::Table {
        bail!("-o and DEST - both want standard output; give a file or a directory");
    }
    let custody = Custody::load(&args.custody, &destination)?;
    let store = Store::open(&args.local)?;
    let mut fields = local_step("pull");
    fields.insert("node".into(), serde_json::json!({ "name": node() }));
    fields.insert("nodePath".into(), store.path_of(&name).into());
    let order = transfer::Order {
        store: &store,
        name: &name,
        destination: &destination,
        custody: &custody,
        force: args.force,
        record: args.record.as_deref(),
        limit: args.transfer.limit_rate,
    };
    let (came, record) = transfer::copy(&order, fields, &reporter).await?;
    let download = Download {
        node: node(),
        node_path: store.path_of(&name),
        file: came.file.as_deref().map(shown),
        size_bytes: came.arrived.bytes,
        sha256: came.arrived.sha256,
        continued_at_byte: came.arrived.began_at,
        started: came.started.to_string(),
        finished: came.finished.to_string(),
        record: record.as_deref().map(shown),
    };
    if destination != Destination::Stdout {
        write(&[download], &reporter.warnings(), args.answer.output)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Removes archives of this node, each only when a copy of it was compared.
pub(super) fn remove(args: &RemoveArgs) -> Result<ExitCode> {
    let reporter = Reporter::new(args.answer.quiet);
    let names: Vec<String> = args.archives.iter().map(|typed| named(typed)).collect::<Result<_>>()?;
    let store = Store::open(&args.local)?;
    let signer = Signer::from_flag(args.sign.as_deref())?;
    let mut removals = Vec::new();
    let mut failed = false;
    for name in &names {
        match remove_one(args, &store, name, signer.as_ref(), &mut removals) {
            Ok(()) => reporter.done(&format!("removed {}", text::escape(&store.path_of(name)))),
            Err(error) => {
                failed = true;
                reporter.warn(&format!("{}: {error:#}", text::escape(name)));
            }
        }
    }
    if removals.is_empty() {
        bail!("nothing was removed");
    }
    write(&removals, &reporter.warnings(), args.answer.output)?;
    Ok(ExitCode::from(if failed { cli::FAILED } else { 0 }))
}

fn remove_one(
    args: &RemoveArgs,
    store: &Store,
    name: &str,
    signer: Option<&Signer>,
    removals: &mut Vec<Removal>,
) -> Result<()> {
    let copied = if args.force {
        None
    } else {
        let path = copy_of(args, &Reference { node: String::from("local"), name: name.to_owned() })?;
        Some((digest_of(&path)?, path))
    };
    let archive = store.archive(name)?;
    let found =
        copy::content(archive.reader()?).with_context(|| format!("cannot read {}", store.path_of(name)))?;
    if let Some((sha256, path)) = &copied
        && *sha256 != found.sha256
    {
        bail!(
            "the copy {} is not the archive on the node; it was not removed:\n  here:        sha256 {sha256}\n  on the node: sha256 {}",
            path.display(),
            found.sha256
        );
    }
    store.remove(archive)?;
    let copy = copied.map(|(_, path)| path);
    let removal = Removal {
        node: node(),
        node_path: store.path_of(name),
        sha256: Some(found.sha256),
        copy: copy.as_deref().map(shown),
    };
    let noted = note(&removal, copy.as_deref(), signer);
    removals.push(removal);
    noted
}

/// Adds the removal to the record of the copy, where there is one.
fn note(removal: &Removal, copy: Option<&Path>, signer: Option<&Signer>) -> Result<()> {
    let Some(path) = copy.map(|copy| with_suffix(copy, ".evidence.json")).filter(|path| path.is_file())
    else {
        return Ok(());
    };
    let mut fields = local_step("remove");
    fields.insert("node".into(), serde_json::json!({ "name": removal.node }));
    fields.insert("nodePath".into(), removal.node_path.clone().into());
    fields.insert("sha256".into(), removal.sha256.clone().into());
    fields.insert("leftOnNode".into(), serde_json::json!([]));
    record::append(&path, fields).context("it was removed, but that is not in the record")?;
    if let Some(signer) = signer {
        signer.sign_record(&path).context("it was removed")?;
    }
    Ok(())
}

/// An error of the file system, with what is most often behind it.
fn explain_permission(error: &std::io::Error, what: &str) -> anyhow::Error {
    if error.kind() == std::io::ErrorKind::PermissionDenied {
        return anyhow!(
            "{what}: {error}\n  cause: the kubelet's files belong to root\n  try:   the same as root, on the node itself"
        );
    }
    anyhow!("{what}: {error}")
}
