//! `triage`: what /proc shows of a container, where CRIU cannot freeze it.
//!
//! A pod on the node that sees all its processes copies the text files of /proc
//! into a tar, which comes home as an archive does. Nothing is stopped, and
//! nothing is changed; the pod has the rights of root on the node meanwhile,
//! and so the user has to agree.

use std::io::{BufRead as _, IsTerminal as _};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::{Capture, write};
use super::args::{OutputFormat, TriageArgs};
use super::collector::{MOUNT, Plan, Slot, View};
use super::connection::Connection;
use super::destination::{Destination, PartFile, room_for, with_suffix};
use super::dossier::{collector_fields, node_info, step, who_am_i};
use super::interrupt::Interrupts;
use super::report::{Reporter, shown};
use super::session::{self, INTERRUPTED};
use super::sink::{Begun, Output};
use super::target::{Found, Target, find};
use super::transfer::Source;
use super::{preflight, record, text, vitals};

const SCRIPT: &str = include_str!("triage.sh");
/// How long the collection may take in silence.
const COLLECT_LIMIT: Duration = Duration::from_secs(3600);

/// Reads what /proc shows of a container and brings it home.
///
/// # Errors
///
/// Without consent, and for everything that kept the archive from being here
/// whole. The collector pod is removed by then, or named.
pub fn triage(args: TriageArgs) -> Result<ExitCode> {
    session::block_on(run(args))
}

async fn run(args: TriageArgs) -> Result<ExitCode> {
    let mut interrupts = Interrupts::listen().context("cannot listen for signals")?;
    let reporter = Reporter::new(args.answer.quiet);
    let target = Target::parse(&args.target)?;
    let destination = Destination::settle(args.dest.as_deref(), args.force)?;
    if destination == Destination::Stdout && args.answer.output != OutputFormat::Table {
        bail!("-o and DEST - both want standard output; give a file or a directory");
    }
    let Some(connection) = session::connect(&args.cluster, &mut interrupts).await? else {
        return Ok(ExitCode::from(INTERRUPTED));
    };
    let slot = Slot::default();
    let work = Box::pin(work(&args, &connection, &target, &destination, &slot, &reporter));
    let on_signal = |signal: &str| format!("interrupted by {signal}; nothing was changed on the node");
    let slots = std::slice::from_ref(&slot);
    let ended = session::guard(work, on_signal, &connection, slots, &mut interrupts, &reporter).await;
    session::conclude(ended, &reporter, |capture| {
        if destination != Destination::Stdout {
            write(&[capture], &reporter.warnings(), args.answer.output)?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

async fn work(
    args: &TriageArgs,
    connection: &Connection,
    target: &Target,
    destination: &Destination,
    slot: &Slot,
    reporter: &Reporter,
) -> Result<Capture> {
    reporter.step("checking rights");
    let user = who_am_i(connection).await;
    let namespace = args.collector.namespace(connection);
    let mut rights = target.rights(&connection.namespace);
    rights.extend(Plan::rights(namespace));
    let what = format!("triage {}", text::escape(&args.target));
    let skip = args.answer.skip_preflight;
    preflight::require(connection, &rights, &what, user.as_ref(), skip, reporter).await?;
    let found = find(connection, target, args.container.as_deref()).await?;
    let id = container_id(&found)?;

    let purpose = format!("reads /proc of {}/{}/{}", found.namespace, found.pod, found.container);
    let mut plan = Plan::new(&args.collector, namespace, &found.node, purpose);
    plan.view = View::Processes;
    if let Err(error) = plan.rehearse(connection).await {
        if !skip {
            return Err(error.context("nothing was touched"));
        }
        reporter.warn(&format!("{error:#}"));
    }
    if args.memory {
        enough_disk(connection, &found, skip, reporter).await?;
    }
    reporter.clear();
    consent(args, &found, namespace)?;

    let node = node_info(connection, &found, reporter).await;
    let started = Timestamp::now();
    let stamp = started.strftime("%Y-%m-%dT%H-%M-%SZ");
    let name = format!("checkpoint-{}_{}-{}-{stamp}.triage.tar", found.pod, found.namespace, found.container);
    let dest = destination.file_for(&name, "");
    let (mut part, output) = match &dest {
        Some(dest) => {
            let (part, file) = PartFile::create(dest, args.force, false)?;
            (Some(part), Output::File(file))
        }
        None => (None, Output::Stdout),
    };
    reporter.step(&format!("starting the collector pod on node {}", found.node));
    let limit = args.collector.collector_start_timeout;
    let running = slot
        .fill(connection, &plan, limit, |line| reporter.step(&format!("starting the collector pod: {line}")))
        .await?;
    let remote = plan.remote(connection);
    reporter.step(&format!("reading /proc of {}/{}", found.pod, found.container));
    let runtime = node.as_ref().map(|info| info.container_runtime_version.clone());
    let about = about(&found, &id, args.memory, runtime.as_deref()).to_string();
    let memory = if args.memory { "yes" } else { "no" };
    let arguments = [id.as_str(), about.as_str(), memory, MOUNT, name.as_str(), "/proc"];
    let output_of = remote.run(SCRIPT, &arguments, COLLECT_LIMIT).await;
    let said = output_of.map_err(|error| anyhow!("the collection did not come to its end: {error}"))?;
    if said.code != 0 {
        bail!("the collection failed: {} (exit code {})", text::quote(&said.stderr), said.code);
    }
    for line in said.stderr.lines().filter(|line| line.starts_with("memory of process")) {
        reporter.warn(&text::quote(line));
    }
    let path = format!("{MOUNT}/{name}");
    let source = Source {
        remote: &remote,
        path: &path,
        patience: connection.patience(),
        limit: args.transfer.limit_rate,
        compress: args.transfer.compress,
    };
    let facts = source.inspect().await?;
    if let (Some(dest), Some(size)) = (&dest, facts.size) {
        room_for(dest, size)?;
    }
    let began = Timestamp::now();
    let fetched = source.fetch(&facts, Begun::new(output), reporter).await;
    let finished = Timestamp::now();
    // The archive is in the pod only, and goes with it: there is nothing to go on from.
    let arrived = fetched.map_err(|error| match part {
        Some(_) => anyhow!("{error:#}\n  try:   run the same command again; nothing is left on the node"),
        None => anyhow!("{error:#}\n  what was written to standard output is not to be trusted"),
    })?;
    if let Some(part) = part.take() {
        part.finish()?;
    }
    let count = said.stdout.trim().strip_prefix("processes ").unwrap_or("-").to_owned();
    reporter.done(&format!("read {} processes, none of them stopped", text::quote(&count)));
    reporter.done(&arrived.summary(finished.duration_since(began).as_secs_f64()));

    let record_path =
        args.record.clone().or_else(|| dest.as_ref().map(|dest| with_suffix(dest, ".evidence.json")));
    if let Some(path) = &record_path {
        let mut fields = step("triage", connection, user.as_ref());
        let more = json!({
            "node": { "name": found.node, "containerRuntimeVersion": runtime },
            "target": {
                "namespace": found.namespace, "pod": found.pod, "podUid": found.pod_uid,
                "container": found.container, "containerID": found.status.container_id,
                "image": found.status.image, "imageID": found.status.image_id,
            },
            "method": { "frozen": false, "source": "/proc", "memory": args.memory, "processes": count },
            "collector": collector_fields(&plan, &running),
            "leftOnNode": [],
        });
        if let Value::Object(more) = more {
            fields.extend(more);
        }
        arrived.describe(&mut fields, dest.as_deref(), began, finished);
        record::append(path, fields).context("the archive is here and verified, but there is no record")?;
    }
    Ok(Capture {
        file: dest.as_deref().map(shown),
        size_bytes: Some(arrived.bytes),
        sha256: Some(arrived.sha256),
        started: Some(started.to_string()),
        finished: Some(finished.to_string()),
        record: record_path.as_deref().map(shown),
        ..Capture::of(&found)
    })
}

/// The runtime's id without its scheme, as it stands in the names of control groups.
fn container_id(found: &Found) -> Result<String> {
    let id = found.status.container_id.as_deref().and_then(|id| id.split_once("://")).map(|(_, id)| id);
    // A short or strange one would fit processes of others.
    id.filter(|id| id.len() >= 12 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .map(str::to_owned)
        .ok_or_else(|| anyhow!("the cluster does not say the id of the container, so its processes cannot be told from others"))
}

fn about(found: &Found, id: &str, memory: bool, runtime: Option<&str>) -> Value {
    json!({
        "apiVersion": record::SCHEMA,
        "kind": "Triage",
        "namespace": found.namespace,
        "pod": found.pod,
        "podUid": found.pod_uid,
        "container": found.container,
        "containerId": id,
        "image": found.status.image,
        "imageId": found.status.image_id,
        "runtime": runtime,
        "memory": memory,
    })
}

/// Memory is on the node's disk twice, for a while: its pages, and the tar of them.
async fn enough_disk(connection: &Connection, found: &Found, skip: bool, reporter: &Reporter) -> Result<()> {
    let Ok(vitals) = vitals::ask(connection, &found.node, Some(found)).await else {
        return Ok(());
    };
    let (Some(disk), Some(memory)) = (vitals.disk_available, vitals.memory) else {
        return Ok(());
    };
    if disk >= memory.saturating_mul(2) {
        return Ok(());
    }
    let what = format!(
        "node {}: {} of disk are free, and memory of {} is written twice",
        found.node,
        text::bytes(disk),
        text::bytes(memory)
    );
    if !skip {
        bail!("{what}\n  nothing was touched; leave --memory out, or go on with --skip-preflight");
    }
    reporter.warn(&what);
    Ok(())
}

/// Says what will be done and has the user agree.
fn consent(args: &TriageArgs, found: &Found, namespace: &str) -> Result<()> {
    if args.yes {
        return Ok(());
    }
    let what = format!(
        "triage of {}/{}/{} makes a privileged pod with hostPID in namespace {namespace} on node {}:\n\
         whoever may exec into pods there is root on that node until it is removed. It reads files of /proc,\n\
         environment variables (and the secrets in them) among them, copies executables{}, stops no process and\n\
         leaves nothing on the node",
        found.namespace,
        found.pod,
        found.container,
        found.node,
        if args.memory { " and memory" } else { "" },
    );
    if !std::io::stdin().is_terminal() {
        bail!("{what}\n  try:   --yes to agree, where nobody can be asked; nothing was touched");
    }
    eprint!("{what}.\nGo on? [y/N] ");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    bail!("not agreed to; nothing was touched")
}
