//! One capture from beginning to end.

use std::cell::RefCell;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow, bail};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::answer::{Capture, write};
use super::args::{CreateArgs, OutputFormat};
use super::collector::{MOUNT, Plan, Slot};
use super::connection::Connection;
use super::destination::{Destination, PartFile, split_node_path, with_suffix};
use super::dossier::{collector_fields, node_info, now, opening, who_am_i};
use super::explain::{Class, Context, Route, explain};
use super::interrupt::Interrupts;
use super::report::{Reporter, shown};
use super::rights::Right;
use super::session::{self, Ended, INTERRUPTED};
use super::sink::{Begun, Output};
use super::target::{Target, find};
use super::transfer::Source;
use super::{doctor, preflight, record, text, trigger};

/// Freezes a container, brings the archive home and verifies it, in a runtime
/// of its own.
///
/// # Errors
///
/// Everything that kept the archive from being here whole. The collector pod
/// is removed by then, or named.
pub fn create(args: CreateArgs) -> Result<ExitCode> {
    session::block_on(run(args))
}

/// How far the capture is; outlives the work, for the messages at its end.
#[derive(Default)]
struct Journal {
    requesting: bool,
    /// The archive is on this node under this path.
    captured: Option<(String, String)>,
    /// The record is written here, with these fields.
    record: Option<PathBuf>,
    fields: Map<String, Value>,
    /// The record has a line that says how the capture ended.
    recorded: bool,
}

type Shared = RefCell<Journal>;

async fn run(args: CreateArgs) -> Result<ExitCode> {
    let mut interrupts = Interrupts::listen().context("cannot listen for signals")?;
    let reporter = Reporter::new(args.quiet);
    let slot = Slot::default();
    let journal = Shared::default();

    let target = Target::parse(&args.target)?;
    let destination = Destination::settle(args.dest.as_deref(), args.force)?;
    if destination == Destination::Stdout {
        if args.output != OutputFormat::Table {
            bail!("-o and DEST - both want standard output; give a file or a directory");
        }
        if std::io::IsTerminal::is_terminal(&std::io::stdout()) {
            bail!("DEST - writes a tar archive, and standard output is a terminal");
        }
    }
    let Some(connection) = session::connect(&args.cluster, &mut interrupts).await? else {
        return Ok(ExitCode::from(INTERRUPTED));
    };
    let work = Box::pin(work(&args, &connection, &target, &destination, &slot, &journal, &reporter));
    let on_signal = |signal: &str| interrupted(signal, &journal.borrow());
    let slots = std::slice::from_ref(&slot);
    let Ended { outcome, cleaned } =
        session::guard(work, on_signal, &connection, slots, &mut interrupts, &reporter).await;
    let ending = match &outcome {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(format!("{error:#}")),
        Err(signal) => Some(format!("interrupted by {signal}")),
    };
    let recorded = close_record(&mut journal.borrow_mut(), ending, &cleaned);
    if let Err(error) = &recorded {
        reporter.warn(&format!("{error:#}"));
    }
    if let Err(error) = &cleaned {
        reporter.warn(&format!("{error:#}"));
    }
    match outcome {
        Err(_) => Ok(ExitCode::from(INTERRUPTED)),
        Ok(Err(error)) => {
            let journal = journal.borrow();
            Err(match &journal.captured {
                Some((node, path)) => error.context(format!(
                    "the archive is on node {node} at {}, but did not come home",
                    text::escape(path)
                )),
                None => error,
            })
        }
        Ok(Ok(capture)) => {
            if destination != Destination::Stdout {
                write(&[capture], &reporter.warnings(), args.output)?;
            }
            // The archive is here and verified; a pod or a record that is not
            // as it should be is worth more than a warning all the same.
            Ok(if recorded.is_err() || cleaned.is_err() { ExitCode::from(2) } else { ExitCode::SUCCESS })
        }
    }
}

fn interrupted(signal: &str, journal: &Journal) -> String {
    match (&journal.captured, journal.requesting) {
        (Some((node, path)), _) => {
            format!("interrupted by {signal}; the archive stays on node {node} at {}", text::escape(path))
        }
        (None, true) => format!(
            "interrupted by {signal}: dropping the request cancels the checkpoint, and the container goes on; \
             should it have been done already, the archive is in the node's checkpoints directory"
        ),
        (None, false) => format!("interrupted by {signal}; nothing was frozen"),
    }
}

/// Ends the record: a capture that did not come home gets its line here, one
/// that did gets a line about the clean-up.
fn close_record(journal: &mut Journal, ending: Option<String>, cleaned: &Result<()>) -> Result<()> {
    let Some(path) = journal.record.clone() else {
        return Ok(());
    };
    let removed = json!({
        "collectorRemoved": cleaned.is_ok(),
        "problem": cleaned.as_ref().err().map(|error| format!("{error:#}")),
    });
    if journal.recorded {
        let mut fields = Map::new();
        fields.insert("step".into(), "cleanup".into());
        fields.insert("time".into(), now().into());
        fields.insert("cleanup".into(), removed);
        return record::append(&path, fields);
    }
    let mut fields = std::mem::take(&mut journal.fields);
    fields.insert("outcome".into(), "incomplete".into());
    fields.insert("problem".into(), ending.into());
    fields.insert("cleanup".into(), removed);
    record::append(&path, fields)
}

async fn work(
    args: &CreateArgs,
    connection: &Connection,
    target: &Target,
    destination: &Destination,
    slot: &Slot,
    journal: &Shared,
    reporter: &Reporter,
) -> Result<Capture> {
    let collector_namespace = args.collector.namespace(connection);
    reporter.step("checking rights");
    let user = who_am_i(connection).await;
    let mut rights = target.rights(&connection.namespace);
    rights.push(Right::cluster("create", "nodes/proxy", "ask the kubelet for the checkpoint"));
    rights.extend(Plan::rights(collector_namespace));
    let what = format!("capture {}", text::escape(&args.target));
    preflight::require(connection, &rights, &what, user.as_ref(), args.skip_preflight, reporter).await?;
    reporter.step("looking up the target");
    let found = find(connection, target, args.container.as_deref()).await?;
    let purpose =
        format!("brings the checkpoint of {}/{}/{} home", found.namespace, found.pod, found.container);
    let mut plan = Plan::new(&args.collector, collector_namespace, &found.node, purpose);
    match plan.rehearse(connection).await {
        Err(error) if args.skip_preflight => reporter.warn(&format!("{error:#}")),
        Err(error) => return Err(error.context("nothing was touched")),
        Ok(()) => {}
    }
    let node = node_info(connection, &found, reporter).await;
    let runtime = node.as_ref().map(|info| info.container_runtime_version.as_str());
    doctor::before_capture(connection, &found, runtime, args.skip_preflight, reporter).await?;

    let name = format!("{}/{}", found.pod, found.container);
    reporter.step(&format!("freezing {name} on node {}", found.node));
    journal.borrow_mut().requesting = true;
    let answer = trigger::post(connection, &found, args.timeout).await?;
    let explanation = explain(
        answer.status,
        answer.content_type.as_deref(),
        &answer.body,
        &Context {
            route: Route::ApiServer,
            node: &found.node,
            namespace: &found.namespace,
            pod: &found.pod,
            container: &found.container,
            runtime,
            timeout: args.timeout,
        },
    );
    let (Class::Captured, Some(node_path)) = (explanation.class, explanation.archive.clone()) else {
        bail!("{explanation}");
    };
    let (directory, file_name) = split_node_path(&node_path)?;
    let dest = destination.file_for(file_name);
    {
        let mut journal = journal.borrow_mut();
        journal.captured = Some((found.node.clone(), node_path.clone()));
        journal.record =
            args.record.clone().or_else(|| dest.as_ref().map(|dest| with_suffix(dest, ".evidence.json")));
        journal.fields = opening(args, connection, &found, user.as_ref(), node.as_ref(), &answer, &node_path);
    }
    let took = answer.finished.duration_since(answer.started);
    reporter.done(&format!(
        "frozen in {:.1} s; archive on node {}: {}",
        took.as_secs_f64(),
        found.node,
        text::escape(&node_path)
    ));
    let (mut part, output) = match &dest {
        Some(dest) => {
            let (part, file) = PartFile::create(dest, args.force, args.keep_partial)?;
            (Some(part), Output::File(file))
        }
        None => (None, Output::Stdout),
    };

    reporter.step(&format!("starting the collector pod on node {}", found.node));
    if args.collector.checkpoints_dir.is_none() {
        directory.clone_into(&mut plan.directory);
    }
    let running = slot
        .fill(connection, &plan, args.collector.collector_start_timeout, |line| {
            reporter.step(&format!("starting the collector pod: {line}"));
        })
        .await?;
    journal.borrow_mut().fields.insert("collector".into(), collector_fields(&plan, &running));

    let remote = plan.remote(connection);
    let source =
        Source { remote: &remote, path: &format!("{MOUNT}/{file_name}"), patience: connection.patience() };
    reporter.step("looking at the archive");
    let facts = source.inspect().await?;
    let seen = Timestamp::now();
    reporter.step(&format!(
        "downloading {}",
        facts.size.map_or_else(|| String::from("the archive"), text::bytes)
    ));
    let fetched = source.fetch(&facts, Begun::new(output), reporter).await;
    let finished = Timestamp::now();
    let arrived = match (fetched, &mut part) {
        (Ok(arrived), _) => arrived,
        (Err(error), Some(part)) => {
            let advice = part.settle(&error, &found.node, file_name);
            return Err(anyhow!("{error:#}\n  {advice}"));
        }
        (Err(error), None) => {
            return Err(anyhow!("{error:#}\n  what was written to standard output is not to be trusted"));
        }
    };
    if let Some(part) = part {
        part.finish()?;
    }
    {
        let mut journal = journal.borrow_mut();
        let journal = &mut *journal;
        let seconds = finished.duration_since(seen).as_secs_f64();
        let fields = &mut journal.fields;
        arrived.describe(fields, dest.as_deref(), seen, finished);
        if let Some(Value::Object(clocks)) = fields.get_mut("clocks") {
            let skew = facts.clock.map(|clock| clock - seen.as_second());
            clocks.insert("nodeSkewSeconds".into(), skew.into());
        }
        reporter.done(&arrived.summary(seconds));
        if let Some(path) = &journal.record {
            record::append(path, std::mem::take(fields)).with_context(|| {
                format!(
                    "the archive is here and verified{}, but there is no record",
                    dest.as_ref().map_or_else(String::new, |dest| format!(" ({})", dest.display()))
                )
            })?;
            journal.recorded = true;
        }
    }
    Ok(Capture {
        namespace: found.namespace,
        pod: found.pod,
        pod_uid: found.pod_uid,
        container: found.container,
        container_id: found.status.container_id,
        node: found.node,
        node_path,
        file: dest.as_deref().map(shown),
        size_bytes: arrived.bytes,
        sha256: arrived.sha256,
        started: answer.started.to_string(),
        finished: finished.to_string(),
        record: journal.borrow().record.as_deref().map(shown),
    })
}
