//! `pull`: brings an archive home that is on a node, or the rest of one.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow, bail};
use jiff::Timestamp;
use serde::Serialize;

use super::answer::{Item, or_dash, write};
use super::args::{OutputFormat, PullArgs};
use super::collector::{MOUNT, Plan, Slot};
use super::connection::Connection;
use super::custody::Custody;
use super::destination::{Destination, PartFile, room_for, with_suffix};
use super::dossier::{collector_fields, step, who_am_i};
use super::interrupt::Interrupts;
use super::report::{Reporter, shown};
use super::session::{self, INTERRUPTED};
use super::sink::Begun;
use super::stored::Reference;
use super::transfer::Source;
use super::{local, preflight, record, text};

/// One archive that came home.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Download {
    pub(super) node: String,
    pub(super) node_path: String,
    pub(super) file: Option<String>,
    pub(super) size_bytes: u64,
    pub(super) sha256: String,
    pub(super) continued_at_byte: u64,
    pub(super) started: String,
    pub(super) finished: String,
    pub(super) record: Option<String>,
}

impl Item for Download {
    const KIND: &'static str = "DownloadList";

    fn headers(wide: bool) -> Vec<&'static str> {
        let mut headers = vec!["NODE", "SIZE", "SHA256", "FILE"];
        if wide {
            headers.extend(["NODE PATH", "RECORD"]);
        }
        headers
    }

    fn cells(&self, wide: bool) -> Vec<String> {
        let digest = if wide { self.sha256.clone() } else { self.sha256.chars().take(12).collect() };
        let mut cells =
            vec![self.node.clone(), text::bytes(self.size_bytes), digest, or_dash(self.file.as_ref())];
        if wide {
            cells.extend([self.node_path.clone(), or_dash(self.record.as_ref())]);
        }
        cells
    }

    fn name(&self) -> Option<String> {
        self.file.clone()
    }
}

/// Brings one archive home and verifies it.
///
/// # Errors
///
/// Everything that kept the archive from being here whole; `DEST.part` stays
/// then, unless it is wrong.
pub fn pull(args: PullArgs) -> Result<ExitCode> {
    if args.local.local {
        return session::block_on(local::pull(&args));
    }
    session::block_on(run(args))
}

async fn run(args: PullArgs) -> Result<ExitCode> {
    let mut interrupts = Interrupts::listen().context("cannot listen for signals")?;
    let reporter = Reporter::new(args.answer.quiet);
    let archive = Reference::parse(&args.archive)?;
    let destination = Destination::settle(args.dest.as_deref(), args.force)?;
    if destination == Destination::Stdout && args.answer.output != OutputFormat::Table {
        bail!("-o and DEST - both want standard output; give a file or a directory");
    }
    let custody = Custody::load(&args.custody, &destination)?;
    let Some(connection) = session::connect(&args.cluster, &mut interrupts).await? else {
        return Ok(ExitCode::from(INTERRUPTED));
    };
    let slot = Slot::default();
    let work = Box::pin(work(&args, &connection, &archive, &destination, &custody, &slot, &reporter));
    let on_signal = |signal: &str| {
        format!("interrupted by {signal}; what arrived is kept beside DEST, run the same command to go on")
    };
    let slots = std::slice::from_ref(&slot);
    let ended = session::guard(work, on_signal, &connection, slots, &mut interrupts, &reporter).await;
    session::conclude(ended, &reporter, |download| {
        if destination != Destination::Stdout {
            write(&[download], &reporter.warnings(), args.answer.output)?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

async fn work(
    args: &PullArgs,
    connection: &Connection,
    archive: &Reference,
    destination: &Destination,
    custody: &Custody,
    slot: &Slot,
    reporter: &Reporter,
) -> Result<Download> {
    let namespace = args.collector.namespace(connection);
    reporter.step("checking rights");
    let user = who_am_i(connection).await;
    let rights = Plan::rights(namespace);
    let skip = args.answer.skip_preflight;
    preflight::require(connection, &rights, "pull an archive", user.as_ref(), skip, reporter).await?;

    let dest: Option<PathBuf> = custody.file_for(destination, &archive.name);
    let (mut part, begun) = match &dest {
        Some(dest) => {
            if custody.seals() {
                let (part, file) = PartFile::anew(dest, args.force)?;
                (Some(part), Begun::new(custody.output(Some(file))?))
            } else {
                let (part, file) = PartFile::resume(dest, args.force)?;
                let begun = tokio::task::spawn_blocking(|| Begun::after(file))
                    .await?
                    .with_context(|| format!("cannot read the part of {} that is here", dest.display()))?;
                (Some(part), begun)
            }
        }
        None => (None, Begun::new(custody.output(None)?)),
    };
    if begun.bytes() > 0 {
        reporter.done(&format!("{} are here already; going on from there", text::bytes(begun.bytes())));
    }

    reporter.step(&format!("starting the collector pod on node {}", archive.node));
    let purpose = format!("brings {} home", archive.name);
    let plan = Plan::new(&args.collector, namespace, &archive.node, purpose);
    plan.node_exists(connection).await?;
    let limit = args.collector.collector_start_timeout;
    let running = slot
        .fill(connection, &plan, limit, |line| reporter.step(&format!("starting the collector pod: {line}")))
        .await?;
    let remote = plan.remote(connection);
    let path = format!("{MOUNT}/{}", archive.name);
    let source = Source {
        remote: &remote,
        path: &path,
        patience: connection.patience(),
        limit: args.transfer.limit_rate,
        compress: args.transfer.compress,
    };
    let facts = source.inspect().await?;
    if let (Some(dest), Some(size)) = (&dest, facts.size) {
        room_for(dest, custody.room(size).saturating_sub(begun.bytes()))?;
    }
    let started = Timestamp::now();
    let fetched = source.fetch(&facts, begun, reporter).await;
    let finished = Timestamp::now();
    let arrived = match (fetched, &mut part) {
        (Ok(arrived), _) => arrived,
        (Err(error), Some(part)) => {
            let advice = part.settle(&error, &archive.node, &archive.name);
            return Err(anyhow!("{error:#}\n  {advice}"));
        }
        (Err(error), None) => {
            return Err(anyhow!("{error:#}\n  what was written to standard output is not to be trusted"));
        }
    };
    if let Some(part) = part {
        part.finish()?;
    }
    reporter.done(&arrived.summary(finished.duration_since(started).as_secs_f64()));

    let node_path = format!("{}/{}", plan.directory.trim_end_matches('/'), archive.name);
    let record =
        args.record.clone().or_else(|| dest.as_ref().map(|dest| with_suffix(dest, ".evidence.json")));
    if let Some(path) = &record {
        let mut fields = step("pull", connection, user.as_ref());
        fields.insert("node".into(), serde_json::json!({ "name": archive.node }));
        fields.insert("nodePath".into(), node_path.clone().into());
        fields.insert("collector".into(), collector_fields(&plan, &running));
        fields.insert("leftOnNode".into(), serde_json::json!([node_path]));
        arrived.describe(&mut fields, dest.as_deref(), started, finished);
        custody.describe(&mut fields, &arrived);
        let signed = custody.sign(dest.as_deref(), &arrived);
        if let Ok(Some(about)) = &signed {
            fields.insert("signature".into(), about.clone());
        }
        record::append(path, fields).context("the archive is here and verified, but not in the record")?;
        signed.and_then(|_| custody.sign_record(Some(path))).context("the archive is here and verified")?;
    }
    Ok(Download {
        node: archive.node.clone(),
        node_path,
        file: dest.as_deref().map(shown),
        size_bytes: arrived.bytes,
        sha256: arrived.sha256,
        continued_at_byte: arrived.began_at,
        started: started.to_string(),
        finished: finished.to_string(),
        record: record.as_deref().map(shown),
    })
}
