//! One capture from beginning to end.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;

use anyhow::{Context as _, Result, anyhow};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::answer::Capture;
use super::args::CreateArgs;
use super::backend::Backend;
use super::collector::{MOUNT, Plan, Slot, View};
use super::connection::Connection;
use super::create::name_of;
use super::custody::Custody;
use super::destination::{Destination, PartFile, room_for, split_node_path, with_suffix};
use super::discovery::Served;
use super::dossier::{answer_fields, collector_fields, node_info, now, opening};
use super::explain::{Class, Context as Asked, explain};
use super::report::{Reporter, shown};
use super::sink::Begun;
use super::surroundings::Saved;
use super::target::Found;
use super::transfer::{Source, Watch as _};
use super::trigger::{self, Answer};
use super::{doctor, pod_checkpoint, record, refusal, surroundings, text};

/// How far the capture is; outlives the work, for the messages at its end.
#[derive(Default)]
struct Journal {
    requesting: bool,
    /// The kubelet works on an object by itself.
    by_object: bool,
    /// The archive is on this node under this path.
    captured: Option<(String, String)>,
    /// The record is written here, with these fields.
    record: Option<PathBuf>,
    fields: Map<String, Value>,
    /// The record has a line that says how the capture ended.
    recorded: bool,
}

type Shared = RefCell<Journal>;

/// What all captures of one command have in common.
pub(super) struct Context<'a> {
    pub(super) args: &'a CreateArgs,
    pub(super) connection: &'a Connection,
    pub(super) backend: &'a dyn Backend,
    pub(super) destination: &'a Destination,
    pub(super) user: Option<&'a Value>,
    pub(super) custody: &'a Custody,
    /// Where `PodCheckpoint` objects are served, if they are to be used.
    pub(super) objects: Option<&'a Served>,
}

/// One container to be captured, and how far that is. Outlives the work.
pub(super) struct Job {
    pub(super) found: Found,
    pub(super) slot: Slot,
    journal: Shared,
    result: RefCell<Option<Result<Capture>>>,
    /// The pod or the record is not as it should be.
    untidy: Cell<bool>,
    reporter: Option<Reporter>,
}

impl Job {
    /// Prepares the capture. Among many it says of each line whose it is.
    pub(super) fn new(found: Found, among: Option<&Reporter>) -> Self {
        let reporter = among.map(|reporter| reporter.named(&name_of(&found)));
        Self {
            found,
            slot: Slot::default(),
            journal: Shared::default(),
            result: RefCell::new(None),
            untidy: Cell::new(false),
            reporter,
        }
    }

    /// Who says what this capture has to say.
    pub(super) fn reporter<'a>(&'a self, common: &'a Reporter) -> &'a Reporter {
        self.reporter.as_ref().unwrap_or(common)
    }

    /// Captures, cleans up and records; the result is kept.
    pub(super) async fn run(&self, context: &Context<'_>, reporter: &Reporter) {
        let result = work(context, self, reporter).await;
        reporter.clear();
        let cleaned = self.slot.empty(context.connection).await;
        let ending = result.as_ref().err().map(|error| format!("{error:#}"));
        self.close(ending, &cleaned, context.custody, reporter);
        if let Err(error) = &cleaned {
            self.untidy.set(true);
            reporter.warn(&format!("{error:#}"));
        }
        let journal = self.journal.borrow();
        let result = result.map_err(|error| match &journal.captured {
            Some((node, path)) => error.context(format!(
                "the archive is on node {node} at {}, but did not come home",
                text::escape(path)
            )),
            None => error,
        });
        self.result.replace(Some(result));
    }

    /// Records that a signal ended it, unless it had ended before.
    pub(super) fn abandon(&self, signal: &str, cleaned: &Result<()>, custody: &Custody, reporter: &Reporter) {
        if self.result.borrow().is_none() {
            self.close(Some(format!("interrupted by {signal}")), cleaned, custody, reporter);
        }
    }

    fn close(&self, ending: Option<String>, cleaned: &Result<()>, custody: &Custody, reporter: &Reporter) {
        let mut journal = self.journal.borrow_mut();
        let closed = close_record(&mut journal, ending, cleaned)
            .and_then(|()| custody.sign_record(journal.record.as_deref()));
        if let Err(error) = closed {
            self.untidy.set(true);
            reporter.warn(&format!("{error:#}"));
        }
    }

    /// What a signal found; nothing for a capture that is done or has not begun.
    pub(super) fn interrupted(&self, signal: &str) -> Option<String> {
        let journal = self.journal.borrow();
        let under_way = self.result.borrow().is_none() && (journal.requesting || journal.captured.is_some());
        under_way.then(|| interrupted(signal, &journal))
    }

    pub(super) fn is_untidy(&self) -> bool {
        self.untidy.get()
    }

    /// Where on the node the archive is, once there is one.
    pub(super) fn node_path(&self) -> Option<String> {
        self.journal.borrow().captured.as_ref().map(|(_, path)| path.clone())
    }

    /// The capture, where it is done.
    pub(super) fn captured(&self) -> Option<Capture> {
        self.result.borrow().as_ref().and_then(|result| result.as_ref().ok().cloned())
    }

    /// The result.
    ///
    /// # Errors
    ///
    /// What kept the archive from being here whole.
    pub(super) fn finish(self) -> Result<Capture> {
        self.result.into_inner().unwrap_or_else(|| Err(anyhow!("it was not begun")))
    }
}

fn interrupted(signal: &str, journal: &Journal) -> String {
    match (&journal.captured, journal.requesting) {
        (Some((node, path)), _) => {
            format!("interrupted by {signal}; the archive stays on node {node} at {}", text::escape(path))
        }
        (None, true) if journal.by_object => format!(
            "interrupted by {signal}; the PodCheckpoint object stays, and the kubelet goes on with it: kubectl get podcheckpoints"
        ),
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

/// Saves what surrounds the container. What cannot be had is no reason not to
/// go on; a disk that cannot be written is, before anything is frozen.
async fn before_the_freeze(
    context: &Context<'_>,
    found: &Found,
    reporter: &Reporter,
) -> Result<Option<Saved>> {
    let Context { args, connection, destination, custody, .. } = *context;
    if args.no_context || *destination == Destination::Stdout {
        return Ok(None);
    }
    reporter.step("saving what surrounds the container");
    let context = Box::pin(surroundings::collect(connection, found, args.keep_secrets)).await;
    for missing in surroundings::missing(&context) {
        reporter.note(&format!("not saved with the archive: {missing}"));
    }
    Saved::write(destination, found, &context, custody.recipients(), args.force)
        .context("nothing was touched; --no-context goes on without")
}

/// Says that what was saved before the freeze is kept: there may be no other
/// trace of a container that could not be frozen.
fn kept(error: anyhow::Error, saved: Option<&Saved>) -> anyhow::Error {
    match saved {
        Some(saved) => {
            anyhow!("{error:#}\n  what surrounds the container was saved before: {}", saved.path().display())
        }
        None => error,
    }
}

/// Why there is no checkpoint.
struct Refused {
    error: anyhow::Error,
    /// Nothing happened to the container, and this is tried again.
    at_the_door: bool,
}

impl From<anyhow::Error> for Refused {
    fn from(error: anyhow::Error) -> Self {
        Self { error, at_the_door: false }
    }
}

/// Sends the one POST. Returns the answer and the archive's path on the node.
async fn ask_kubelet(
    context: &Context<'_>,
    job: &Job,
    request: &str,
    runtime: Option<&str>,
    reporter: &Reporter,
) -> Result<(Answer, String), Refused> {
    let Context { args, connection, backend, .. } = *context;
    let Job { found, journal, .. } = job;
    let answer = trigger::post(connection, backend, found, args.timeout).await?;
    journal.borrow_mut().fields.extend(answer_fields(request, &answer));
    let explanation = explain(
        answer.status,
        answer.content_type.as_deref(),
        &answer.body,
        &Asked {
            route: backend.route(),
            node: &found.node,
            namespace: &found.namespace,
            pod: &found.pod,
            container: &found.container,
            runtime,
            timeout: args.timeout,
        },
    );
    let (Class::Captured, Some(node_path)) = (explanation.class, explanation.archive.clone()) else {
        journal.borrow_mut().requesting = false;
        let explanation = refusal::look_into(context, job, explanation, reporter).await;
        return Err(Refused {
            error: anyhow!("{explanation}"),
            at_the_door: (400..500).contains(&answer.status),
        });
    };
    Ok((answer, node_path))
}

/// Makes the one object. Returns its answer and the archive's path on the node.
async fn ask_for_object(
    context: &Context<'_>,
    job: &Job,
    served: &Served,
    request: &str,
    reporter: &Reporter,
) -> Result<(Answer, String), Refused> {
    let progress = |line: &str| reporter.step(&format!("{} {line}", served.plural));
    let timeout = context.args.timeout;
    let (answer, node_path) =
        pod_checkpoint::freeze(context.connection, served, &job.found, timeout, progress).await?;
    job.journal.borrow_mut().fields.extend(answer_fields(request, &answer));
    Ok((answer, node_path))
}

async fn work(context: &Context<'_>, job: &Job, reporter: &Reporter) -> Result<Capture> {
    let Context { args, connection, backend, destination, user, custody, objects } = *context;
    let Job { found, slot, journal, .. } = job;
    let collector_namespace = args.collector.collector_namespace.as_deref().unwrap_or(&found.namespace);
    let purpose =
        format!("brings the checkpoint of {}/{}/{} home", found.namespace, found.pod, found.container);
    let mut plan = Plan::new(&args.collector, collector_namespace, &found.node, purpose);
    match plan.rehearse(connection).await {
        Err(error) if args.skip_preflight => reporter.warn(&format!("{error:#}")),
        Err(error) => return Err(error.context("nothing was touched")),
        Ok(()) => {}
    }
    let node = node_info(connection, found, reporter).await;
    let runtime = node.as_ref().map(|info| info.container_runtime_version.as_str());
    doctor::before_capture(connection, found, runtime, args.skip_preflight, reporter).await?;

    let mut surroundings = before_the_freeze(context, found, reporter).await?;

    let name = format!("{}/{}", found.pod, found.container);
    reporter.step(&format!("freezing {name} on node {}", found.node));
    let request = match objects {
        Some(served) => format!("/apis/{}/{}/{}", served.group, served.version, served.plural),
        None => backend.target(&found.node, &trigger::path(found, args.timeout)),
    };
    {
        let mut journal = journal.borrow_mut();
        journal.requesting = true;
        journal.by_object = objects.is_some();
        journal.fields = opening(connection, found, &request, user, node.as_ref());
        // Where the record has a name already, it has a line of what was refused as well.
        journal.record = args.record.clone().or_else(|| match destination {
            Destination::File(file) => Some(with_suffix(file, ".evidence.json")),
            _ => None,
        });
        if let Some(saved) = &surroundings {
            journal.fields.insert("context".into(), saved.describe());
        }
    }
    let asked = match objects {
        Some(served) => ask_for_object(context, job, served, &request, reporter).await,
        None => ask_kubelet(context, job, &request, runtime, reporter).await,
    };
    let (answer, node_path) = match asked {
        Ok(frozen) => frozen,
        Err(Refused { error, at_the_door: false }) => return Err(kept(error, surroundings.as_ref())),
        Err(Refused { error, at_the_door: true }) => {
            if let Some(saved) = &surroundings {
                let _ = std::fs::remove_file(saved.path());
                journal.borrow_mut().fields.remove("context");
            }
            return Err(error);
        }
    };
    let (directory, file_name) = match objects {
        Some(_) => node_path.rsplit_once('/').unwrap_or_default(),
        None => split_node_path(&node_path).map_err(|error| kept(error, surroundings.as_ref()))?,
    };
    // What is packed on the node becomes a tar.
    let archive = match objects {
        Some(_) if file_name.strip_suffix(".tar").is_none() => format!("{file_name}.tar"),
        _ => file_name.to_owned(),
    };
    let dest = custody.file_for(destination, &archive);
    {
        let mut journal = journal.borrow_mut();
        journal.captured = Some((found.node.clone(), node_path.clone()));
        journal.record =
            args.record.clone().or_else(|| dest.as_ref().map(|dest| with_suffix(dest, ".evidence.json")));
        journal.fields.insert("nodePath".into(), node_path.clone().into());
        journal.fields.insert("leftOnNode".into(), json!([node_path]));
    }
    if let (Some(saved), Some(dest)) = (&mut surroundings, &dest) {
        if let Err(error) = saved.follow(dest, args.force) {
            reporter.warn(&format!("{error:#}"));
        }
        journal.borrow_mut().fields.insert("context".into(), saved.describe());
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
            (Some(part.sealed(custody.seals())), custody.output(Some(file))?)
        }
        None => (None, custody.output(None)?),
    };

    reporter.step(&format!("starting the collector pod on node {}", found.node));
    if args.collector.checkpoints_dir.is_none() {
        directory.clone_into(&mut plan.directory);
    }
    if objects.is_some() {
        plan.view = View::Packed;
    }
    let running = slot
        .fill(connection, &plan, args.collector.collector_start_timeout, |line| {
            reporter.step(&format!("starting the collector pod: {line}"));
        })
        .await?;
    journal.borrow_mut().fields.insert("collector".into(), collector_fields(&plan, &running));

    let remote = plan.remote(connection);
    let mut path = format!("{MOUNT}/{file_name}");
    if objects.is_some() {
        reporter.step("packing the checkpoint of the pod");
        path = pod_checkpoint::pack(&remote, &path, &archive).await?;
    }
    let source = Source {
        remote: &remote,
        path: &path,
        patience: connection.patience(),
        limit: args.transfer.limit_rate,
        compress: args.transfer.compress,
    };
    reporter.step("looking at the archive");
    let facts = source.inspect().await?;
    if let (Some(dest), Some(size)) = (&dest, facts.size) {
        let node = &found.node;
        room_for(dest, custody.room(size))
            .with_context(|| format!("go on elsewhere: kubectl checkpoint pull {node}/{file_name} DEST"))?;
    }
    let seen = Timestamp::now();
    reporter.step(&format!(
        "downloading {}",
        facts.size.map_or_else(|| String::from("the archive"), text::bytes)
    ));
    let fetched = source.fetch(&facts, Begun::new(output), reporter).await;
    let finished = Timestamp::now();
    let arrived = match (fetched, &mut part) {
        (Ok(arrived), _) => arrived,
        // `pull` knows archives of containers only.
        (Err(error), Some(_)) if objects.is_some() => {
            return Err(anyhow!(
                "{error:#}\n  try:   take it from the node; running this again is another freeze"
            ));
        }
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
    let mut signature = None;
    match custody.sign(dest.as_deref(), &arrived) {
        Ok(None) => {}
        Ok(Some(about)) => {
            signature = about.get("file").and_then(Value::as_str).map(str::to_owned);
            journal.borrow_mut().fields.insert("signature".into(), about);
        }
        // The archive is here and verified, whatever becomes of its signature.
        Err(error) => {
            job.untidy.set(true);
            reporter.warn(&format!("{error:#}"));
        }
    }
    {
        let mut journal = journal.borrow_mut();
        let journal = &mut *journal;
        let seconds = finished.duration_since(seen).as_secs_f64();
        let fields = &mut journal.fields;
        arrived.describe(fields, dest.as_deref(), seen, finished);
        custody.describe(fields, &arrived);
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
        node_path: Some(node_path),
        file: dest.as_deref().map(shown),
        size_bytes: Some(arrived.bytes),
        sha256: Some(arrived.sha256),
        started: Some(answer.started.to_string()),
        finished: Some(finished.to_string()),
        record: journal.borrow().record.as_deref().map(shown),
        context: surroundings.as_ref().map(|saved| shown(saved.path())),
        signature,
        encrypted: custody.seals(),
        ..Capture::of(found)
    })
}
