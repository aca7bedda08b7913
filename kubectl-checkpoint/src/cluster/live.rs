//! What the browser asks of a cluster: which containers there are, whether a
//! capture would work, and the capture. The steps are those of the commands;
//! what they say goes to a function instead of standard error.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Result, anyhow, bail};
use clap::Parser;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};
use serde_json::Value;

use super::args::{
    BackendArgs, ClusterArgs, CollectorArgs, CreateArgs, CustodyArgs, DoctorArgs, TransferArgs,
};
use super::capture::{Context, Job};
use super::connection::{AskError, Connection};
use super::custody::Custody;
use super::destination::Destination;
use super::dossier::who_am_i;
use super::interrupt::Interrupts;
use super::report::{Ear, Reporter, Told};
use super::session::{self, Ended};
use super::target::{Target, checked, phase};
use super::{backend, checks, create, doctor, text};

/// Which cluster is asked, as whom, and how a capture is made there.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Access {
    /// Go on where the review of rights or of the node says no
    #[arg(long, help_heading = "Capture from the browser")]
    pub(crate) skip_preflight: bool,
    #[command(flatten)]
    pub(crate) backend: BackendArgs,
    #[command(flatten)]
    pub(crate) transfer: TransferArgs,
    #[command(flatten)]
    pub(crate) collector: CollectorArgs,
    #[command(flatten)]
    pub(crate) custody: CustodyArgs,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

/// One container of one pod. Names are as the cluster has them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) namespace: String,
    pub(crate) pod: String,
    pub(crate) container: String,
    /// `init` or `ephemeral`; empty for a regular one.
    pub(crate) kind: &'static str,
    pub(crate) node: Option<String>,
    /// In a word or two; of one that waits or has ended, why.
    pub(crate) state: String,
    /// Only what runs can be frozen.
    pub(crate) running: bool,
    pub(crate) restarts: Option<i32>,
    pub(crate) image: Option<String>,
    /// Seconds since the pod was made.
    pub(crate) age: Option<i64>,
}

/// The container that was chosen.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Chosen {
    pub(crate) namespace: String,
    pub(crate) pod: String,
    pub(crate) container: String,
}

/// What a list was made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listed {
    /// The cluster in a few words.
    pub(crate) about: String,
    /// Why it is less than was asked for.
    pub(crate) note: Option<String>,
}

/// How a check came out.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) name: &'static str,
    /// `ok`, `info`, `unknown`, `warning` or `failed`.
    pub(crate) state: &'static str,
    pub(crate) subject: String,
    pub(crate) detail: String,
    pub(crate) remedy: Option<String>,
}

/// How a capture ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The archive is here, whole and verified.
    Here(PathBuf),
    /// Somebody asked for its end; what is left was told.
    Stopped,
    Failed(String),
}

/// Pods that are asked for at once.
const PAGE: u32 = 500;

/// Makes sure that there is a cluster to ask, as far as that shows without asking it.
///
/// # Errors
///
/// When no cluster is configured, or not in a way that can be used.
pub(crate) fn configured(access: &Access) -> Result<()> {
    session::block_on(async { Connection::open(&access.cluster).await.map(drop) })
}

/// Lists containers, a few hundred at a time: those of one namespace, or of
/// all, or where those may not be listed those of the context's.
///
/// # Errors
///
/// When the cluster cannot be asked, or was not to be any more.
pub(crate) fn list(
    access: &Access,
    namespace: Option<&str>,
    interrupts: &mut Interrupts,
    tell: &mut dyn FnMut(Vec<Candidate>),
) -> Result<Listed> {
    session::block_on(async {
        tokio::select! {
            listed = listing(access, namespace, tell) => listed,
            by = interrupts.next() => Err(anyhow!("stopped by {by}; the list is not whole")),
        }
    })
}

async fn listing(
    access: &Access,
    namespace: Option<&str>,
    tell: &mut dyn FnMut(Vec<Candidate>),
) -> Result<Listed> {
    let connection = Connection::open(&access.cluster).await?;
    let mut listed = Listed { about: about(&connection), note: None };
    let named = namespace.map(str::to_owned).or_else(|| access.cluster.namespace.clone());
    if let Some(named) = named {
        pods(&connection, Some(&checked(&named)?), tell).await.map_err(|error| refused(&error, &named))?;
        return Ok(listed);
    }
    match pods(&connection, None, tell).await {
        Ok(()) => Ok(listed),
        Err(error) if error.code == Some(403) => {
            let named = checked(&connection.namespace)?;
            pods(&connection, Some(&named), tell).await.map_err(|error| refused(&error, &named))?;
            listed.note = Some(format!("only namespace {named}: you may not list the pods of all"));
            Ok(listed)
        }
        Err(error) => Err(anyhow!("cannot list pods: {error}")),
    }
}

fn refused(error: &AskError, namespace: &str) -> anyhow::Error {
    anyhow!(
        "cannot list the pods of namespace {namespace}: {error}\n  another is asked by `:namespace NAME`; `kubectl checkpoint POD/CONTAINER` needs no list"
    )
}

fn about(connection: &Connection) -> String {
    match &connection.context {
        Some(context) => text::escape(&format!("{context} · {}", connection.server)),
        None => text::escape(&connection.server),
    }
}

async fn pods(
    connection: &Connection,
    namespace: Option<&str>,
    tell: &mut dyn FnMut(Vec<Candidate>),
) -> Result<(), AskError> {
    let api: Api<Pod> = match namespace {
        Some(namespace) => Api::namespaced(connection.client.clone(), namespace),
        None => Api::all(connection.client.clone()),
    };
    let mut params = ListParams::default().limit(PAGE);
    loop {
        let page = connection.ask(api.list(&params)).await?;
        let now = Timestamp::now();
        let all: Vec<Candidate> = page.items.iter().flat_map(|pod| candidates(pod, now)).collect();
        tell(all);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(()),
        }
    }
}

/// The containers of a pod: regular ones first, then init and ephemeral ones.
fn candidates(pod: &Pod, now: Timestamp) -> Vec<Candidate> {
    let Some(spec) = &pod.spec else { return Vec::new() };
    let status = pod.status.as_ref();
    let of = |list: Option<&Vec<ContainerStatus>>, name: &str| {
        list.and_then(|list| list.iter().find(|status| status.name == name).cloned())
    };
    let regular = spec.containers.iter().map(|c| {
        let status = of(status.and_then(|s| s.container_statuses.as_ref()), &c.name);
        (c.name.clone(), "", c.image.clone(), status)
    });
    let init = spec.init_containers.iter().flatten().map(|c| {
        let status = of(status.and_then(|s| s.init_container_statuses.as_ref()), &c.name);
        (c.name.clone(), "init", c.image.clone(), status)
    });
    let ephemeral = spec.ephemeral_containers.iter().flatten().map(|c| {
        let status = of(status.and_then(|s| s.ephemeral_container_statuses.as_ref()), &c.name);
        (c.name.clone(), "ephemeral", c.image.clone(), status)
    });
    let age = pod.metadata.creation_timestamp.as_ref().map(|time| now.duration_since(time.0).as_secs());
    let deleted = pod.metadata.deletion_timestamp.is_some();
    regular
        .chain(init)
        .chain(ephemeral)
        .map(|(container, kind, image, status)| {
            let (state, running) = state(pod, status.as_ref(), deleted);
            Candidate {
                namespace: pod.namespace().unwrap_or_default(),
                pod: pod.name_any(),
                container,
                kind,
                node: spec.node_name.clone().filter(|node| !node.is_empty()),
                state,
                running,
                restarts: status.map(|status| status.restart_count),
                image,
                age: age.filter(|age| *age >= 0),
            }
        })
        .collect()
}

fn state(pod: &Pod, status: Option<&ContainerStatus>, deleted: bool) -> (String, bool) {
    let state = status.and_then(|status| status.state.as_ref());
    if let Some(ended) = state.and_then(|state| state.terminated.as_ref()) {
        let reason = ended.reason.clone().unwrap_or_else(|| format!("exit code {}", ended.exit_code));
        return (reason, false);
    }
    if let Some(waiting) = state.and_then(|state| state.waiting.as_ref()) {
        return (waiting.reason.clone().unwrap_or_else(|| String::from("waiting")), false);
    }
    if state.is_some_and(|state| state.running.is_some()) {
        return (String::from(if deleted { "terminating" } else { "running" }), true);
    }
    let phase = phase(pod);
    // A pod can run without one of its containers.
    (if phase == "Running" { String::from("no status yet") } else { phase.to_owned() }, false)
}

/// Defaults of a command's arguments, as the command line has them.
#[derive(Parser)]
#[command(no_binary_name = true)]
struct Defaults<A: clap::Args> {
    #[command(flatten)]
    args: A,
}

/// Arguments that name one container. The type word keeps pods apart from
/// workloads that have their names.
fn arguments<A: clap::Args>(chosen: &Chosen) -> Result<A> {
    let pod = format!("pod/{}", checked(&chosen.pod)?);
    let container = format!("--container={}", checked(&chosen.container)?);
    Ok(Defaults::<A>::try_parse_from([pod, container])?.args)
}

/// The cluster, in the namespace of the container.
fn cluster_of(access: &Access, chosen: &Chosen) -> Result<ClusterArgs> {
    Ok(ClusterArgs { namespace: Some(checked(&chosen.namespace)?), ..access.cluster.clone() })
}

/// Examines whether a capture would work, as `doctor` does; changes nothing.
///
/// # Errors
///
/// When the cluster cannot be asked, or was not to be any more.
pub(crate) fn examine(access: &Access, chosen: &Chosen, interrupts: &mut Interrupts) -> Result<Vec<Finding>> {
    let mut args: DoctorArgs = arguments(chosen)?;
    args.cluster = cluster_of(access, chosen)?;
    args.backend = access.backend.clone();
    args.collector = access.collector.clone();
    // What it says meanwhile is of no use here: its answer is shown as a whole.
    let reporter = Reporter::to(Rc::new(|_| ()));
    let target = args.target.as_deref().map(Target::parse).transpose()?;
    session::block_on(async {
        let examination = async {
            let connection = Connection::open(&args.cluster).await?;
            let user = who_am_i(&connection).await;
            let name = user.as_ref().and_then(|user| user.pointer("/username")).and_then(Value::as_str);
            let backend = backend::choose(&args.backend, &connection)?;
            let rights = doctor::rights(&args, &connection, backend.as_ref(), target.as_ref());
            let (backend, target) = (backend.as_ref(), target.as_ref());
            let (checks, rule, _) =
                doctor::examine(&args, &connection, backend, target, &rights, name, &reporter).await?;
            anyhow::Ok((checks, rule))
        };
        let (checks, rule) = tokio::select! {
            examined = Box::pin(examination) => examined?,
            by = interrupts.next() => bail!("stopped by {by}"),
        };
        let mut findings: Vec<Finding> = checks.into_iter().map(finding).collect();
        if let Some(missing) = findings.iter_mut().find(|f| f.name == "rights" && f.state == "failed") {
            missing.remedy = rule.map(|rule| format!("have this applied:\n{}", rule.trim_end()));
        }
        Ok(findings)
    })
}

fn finding(check: checks::Check) -> Finding {
    Finding {
        name: check.name,
        state: check.state.word(),
        subject: check.subject,
        detail: check.detail,
        remedy: check.remedy,
    }
}

/// Freezes a container and brings the archive home, as `create` does. Whatever
/// happens, it ends with the clean-up.
pub(crate) fn capture(
    access: &Access,
    chosen: &Chosen,
    dest: Option<&Path>,
    interrupts: &mut Interrupts,
    ear: Ear,
) -> Outcome {
    let told = Rc::clone(&ear);
    match session::block_on(capturing(access, chosen, dest, interrupts, ear)) {
        Ok(outcome) => outcome,
        Err(error) => {
            told(Told::Note(format!("{error:#}")));
            Outcome::Failed(format!("{error:#}"))
        }
    }
}

async fn capturing(
    access: &Access,
    chosen: &Chosen,
    dest: Option<&Path>,
    interrupts: &mut Interrupts,
    ear: Ear,
) -> Result<Outcome> {
    let mut args: CreateArgs = arguments(chosen)?;
    args.cluster = cluster_of(access, chosen)?;
    args.backend = access.backend.clone();
    args.transfer = access.transfer.clone();
    args.collector = access.collector.clone();
    args.custody = access.custody.clone();
    args.skip_preflight = access.skip_preflight;
    let reporter = Reporter::to(ear);
    let destination = Destination::settle(dest, false)?;
    if destination == Destination::Stdout {
        bail!("standard output is the screen; name a file or a directory");
    }
    let custody = Custody::load(&args.custody, &destination)?;
    let target = args.target.as_deref().map(Target::parse).transpose()?;
    reporter.step("connecting");
    let before = async {
        let connection = Connection::open(&args.cluster).await?;
        let prepared = create::prepare(&args, &connection, target.as_ref(), &reporter).await?;
        anyhow::Ok((connection, prepared))
    };
    let (connection, (found, user, objects)) = tokio::select! {
        prepared = Box::pin(before) => prepared?,
        by = interrupts.next() => {
            reporter.announce(&format!("interrupted by {by}; nothing was frozen"));
            return Ok(Outcome::Stopped);
        }
    };
    let Some(found) = found.into_iter().next() else { bail!("the container is not there any more") };
    let job = Job::new(found, None);
    let backend = backend::choose(&args.backend, &connection)?;
    let context = Context {
        args: &args,
        connection: &connection,
        backend: backend.as_ref(),
        destination: &destination,
        user: user.as_ref(),
        custody: &custody,
        objects: objects.as_ref(),
    };
    let slots = [job.slot.clone()];
    let work = Box::pin(async {
        job.run(&context, &reporter).await;
        Ok(())
    });
    let on_signal =
        |by: &str| job.interrupted(by).unwrap_or_else(|| format!("interrupted by {by}; nothing was frozen"));
    let Ended { outcome, cleaned } =
        session::guard(work, on_signal, &connection, &slots, interrupts, &reporter).await;
    if let Err(by) = outcome {
        job.abandon(by, &cleaned, &custody, &reporter);
        reporter.announce(&match &cleaned {
            Ok(()) => String::from("cleaned up: no collector pod is left"),
            Err(error) => format!("{error:#}"),
        });
        // It may have been done by then.
        return Ok(job
            .captured()
            .and_then(|done| done.file)
            .map_or(Outcome::Stopped, |file| Outcome::Here(file.into())));
    }
    let done = job.finish()?;
    done.file.map(|file| Outcome::Here(file.into())).ok_or_else(|| anyhow!("the archive has no file here"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_is_named_to_the_commands_as_one_types_it() {
        let chosen = Chosen { namespace: "shop".into(), pod: "job".into(), container: "app".into() };
        let args: CreateArgs = arguments(&chosen).unwrap();
        assert_eq!(args.target.as_deref(), Some("pod/job"));
        assert_eq!(args.container.as_deref(), Some("app"));
        assert_eq!(args.parallel, 4);
        let args: DoctorArgs = arguments(&chosen).unwrap();
        assert_eq!(args.target.as_deref(), Some("pod/job"));
        for wrong in ["", "--force", "a/b", "\u{1b}[2J"] {
            let chosen = Chosen { pod: wrong.into(), ..chosen.clone() };
            assert!(arguments::<CreateArgs>(&chosen).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn every_container_of_a_pod_is_listed_with_its_state() {
        let pod: Pod = serde_json::from_value(serde_json::json!({
            "metadata": {"name": "web", "namespace": "shop", "creationTimestamp": "2026-11-23T17:00:00Z"},
            "spec": {
                "nodeName": "node-1",
                "containers": [{"name": "app", "image": "img"}, {"name": "proxy"}],
                "initContainers": [{"name": "setup"}],
                "ephemeralContainers": [{"name": "debug"}]
            },
            "status": {
                "phase": "Running",
                "containerStatuses": [
                    {"name": "app", "ready": true, "restartCount": 2, "image": "i", "imageID": "", "state": {"running": {}}},
                    {"name": "proxy", "ready": false, "restartCount": 0, "image": "i", "imageID": "", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
                ],
                "initContainerStatuses": [
                    {"name": "setup", "ready": true, "restartCount": 0, "image": "i", "imageID": "", "state": {"terminated": {"exitCode": 0}}}
                ]
            }
        }))
        .unwrap();
        let all = candidates(&pod, "2026-11-23T18:00:00Z".parse().unwrap());
        let shown: Vec<_> =
            all.iter().map(|c| (c.container.as_str(), c.kind, c.state.as_str(), c.running)).collect();
        assert_eq!(
            shown,
            [
                ("app", "", "running", true),
                ("proxy", "", "CrashLoopBackOff", false),
                ("setup", "init", "exit code 0", false),
                ("debug", "ephemeral", "no status yet", false),
            ]
        );
        assert_eq!((all[0].age, all[0].restarts), (Some(3600), Some(2)));
        assert_eq!(all[0].node.as_deref(), Some("node-1"));
    }
}
