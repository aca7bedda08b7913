//! `doctor`: whether a capture would work, and why not. It changes nothing
//! unless it is asked to clean up.

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use k8s_openapi::api::core::v1::Node;
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};
use serde_json::Value;

use super::answer::write;
use super::args::{DoctorArgs, OutputFormat};
use super::backend::{self, Backend};
use super::checks::{self, Check, State};
use super::collector::Plan;
use super::connection::Connection;
use super::dossier::who_am_i;
use super::explain::{Class, Context, Route, explain};
use super::interrupt::Interrupts;
use super::leftovers::{self, Leftover};
use super::report::Reporter;
use super::rights::{Right, missing, rbac_yaml};
use super::session::{self, INTERRUPTED};
use super::target::{Found, Target, checked, find};
use super::{discovery, text, trigger, vitals};
use crate::cli;

/// Says whether a capture would work.
///
/// # Errors
///
/// When the cluster cannot be asked at all.
pub fn doctor(args: DoctorArgs) -> Result<ExitCode> {
    session::block_on(run(args))
}

async fn run(args: DoctorArgs) -> Result<ExitCode> {
    let mut interrupts = Interrupts::listen().context("cannot listen for signals")?;
    let reporter = Reporter::new(args.quiet);
    let target = args.target.as_deref().map(Target::parse).transpose()?;
    if let Some(node) = &args.node {
        checked(node)?;
    }
    if args.backend.pod_checkpoint {
        bail!(
            "doctor examines the ways to the kubelet, not --pod-checkpoint; it says without that flag where such objects are served"
        );
    }
    let Some(connection) = session::connect(&args.cluster, &mut interrupts).await? else {
        return Ok(ExitCode::from(INTERRUPTED));
    };
    let examination = Box::pin(async {
        let user = who_am_i(&connection).await;
        let name = user.as_ref().and_then(|user| user.pointer("/username")).and_then(Value::as_str);
        let backend = backend::choose(&args.backend, &connection)?;
        let rights = rights(&args, &connection, backend.as_ref(), target.as_ref());
        if args.rbac {
            return Ok((Vec::new(), Some(rbac_yaml("checkpoint-capture", &rights, name)), Vec::new()));
        }
        examine(&args, &connection, backend.as_ref(), target.as_ref(), &rights, name, &reporter).await
    });
    let (checks, yaml, left) = tokio::select! {
        result = examination => result?,
        _ = interrupts.next() => return Ok(ExitCode::from(INTERRUPTED)),
    };
    reporter.clear();
    if args.rbac {
        super::answer::print(&yaml.unwrap_or_default())?;
        return Ok(ExitCode::SUCCESS);
    }
    let failed = checks.iter().any(|check| check.state == State::Failed);
    write(&checks, &reporter.warnings(), args.output)?;
    if args.output == OutputFormat::Table {
        for check in checks.iter().filter(|check| check.state > State::Ok) {
            if let Some(remedy) = &check.remedy {
                let line = format!("{} ({}): {remedy}", check.name, check.subject);
                eprintln!("{}", text::lines(&line));
            }
        }
        if let Some(yaml) = yaml {
            eprintln!(
                "\nthe rights that are missing (--rbac prints all that a capture needs):\n\n{}",
                yaml.trim_end()
            );
        }
    }
    if args.clean {
        tokio::select! {
            cleaned = leftovers::clean(&connection, &left, args.yes, &reporter) => cleaned?,
            _ = interrupts.next() => return Ok(ExitCode::from(INTERRUPTED)),
        }
    }
    Ok(ExitCode::from(if failed { cli::NEGATIVE } else { 0 }))
}

/// Every right a capture needs, in the order it needs them.
pub(super) fn rights(
    args: &DoctorArgs,
    connection: &Connection,
    backend: &dyn Backend,
    target: Option<&Target>,
) -> Vec<Right> {
    let mut rights = match target {
        Some(target) => target.rights(&connection.namespace),
        None => vec![Right::namespaced(&connection.namespace, "get", "", "pods", "look up the target")],
    };
    rights.extend(backend.rights());
    rights.extend(Plan::rights(args.collector.namespace(connection)));
    rights
}

pub(super) async fn examine(
    args: &DoctorArgs,
    connection: &Connection,
    backend: &dyn Backend,
    target: Option<&Target>,
    rights: &[Right],
    user: Option<&str>,
    reporter: &Reporter,
) -> Result<(Vec<Check>, Option<String>, Vec<Leftover>)> {
    let mut checks = Vec::new();
    reporter.step("asking for rights");
    checks.push(match user {
        Some(user) => Check::new(
            "identity",
            State::Info,
            "you",
            format!("the API server takes you for {}", text::quote(user)),
        ),
        None => {
            Check::new("identity", State::Unknown, "you", "the API server does not say whom it takes you for")
        }
    });
    let denied = missing(connection, rights)
        .await
        .map_err(|error| anyhow::anyhow!("cannot ask which rights there are: {error}"))?;
    let other_way = backend::other_way(connection, &denied).await;
    for right in rights {
        let check = of_right(right, denied.contains(right));
        let of_kubelet = matches!(right.resource.as_str(), "nodes/proxy" | "nodes/checkpoint");
        checks.push(match other_way.filter(|_| of_kubelet && check.state == State::Failed) {
            Some(advice) => check.remedy(advice),
            None => check,
        });
    }
    let yaml = (!denied.is_empty()).then(|| rbac_yaml("checkpoint-capture", &denied, user));

    let found = match target {
        None => None,
        Some(target) => match find(connection, target, args.container.as_deref()).await {
            Ok(found) => Some(found),
            Err(error) => {
                let detail = format!("{error:#}");
                let detail = detail.lines().next().unwrap_or_default();
                let subject = args.target.as_deref().unwrap_or_default();
                checks.push(Check::new("container.running", State::Failed, subject, detail));
                None
            }
        },
    };
    let nodes = nodes(args, connection, found.as_ref(), target.is_some(), &mut checks).await;
    for (name, node) in &nodes {
        reporter.step(&format!("examining node {name}"));
        of_node(connection, backend, name, node.as_ref(), found.as_ref(), &mut checks).await;
    }
    let may_create = !denied.iter().any(|right| right.resource == "pods" && right.verb == "create");
    if let Some((name, _)) = nodes.first().filter(|_| may_create) {
        let namespace = args.collector.namespace(connection);
        let plan = Plan::new(&args.collector, namespace, name, String::from("rehearsal"));
        let subject = format!("namespace {namespace}");
        checks.push(match plan.rehearse(connection).await {
            Ok(()) => {
                Check::new("collector.admitted", State::Ok, &subject, "the collector pod would be let in")
            }
            Err(error) => failed("collector.admitted", &subject, &format!("{error:#}")),
        });
    }
    checks.push(discovery::pod_checkpoints(connection).await);
    let left = leftovers::find(connection, &mut checks).await;
    Ok((checks, yaml, left))
}

/// The first line of a message is what happened, the rest what to do.
fn failed(check: &'static str, subject: &str, message: &str) -> Check {
    let (first, rest) = message.split_once('\n').unwrap_or((message, ""));
    let failed = Check::new(check, State::Failed, subject, first);
    if rest.is_empty() { failed } else { failed.remedy(rest.trim()) }
}

fn of_right(right: &Right, denied: bool) -> Check {
    let place =
        right.namespace.as_ref().map_or_else(String::new, |namespace| format!(" in namespace {namespace}"));
    let subject = format!("{} {}{place}", right.verb, right.resource);
    if denied {
        Check::new("rights", State::Failed, &subject, format!("missing: to {}", right.purpose))
    } else {
        Check::new("rights", State::Ok, &subject, format!("to {}", right.purpose))
    }
}

/// The nodes to examine, each with its object where it may be read.
async fn nodes(
    args: &DoctorArgs,
    connection: &Connection,
    found: Option<&Found>,
    targeted: bool,
    checks: &mut Vec<Check>,
) -> Vec<(String, Option<Node>)> {
    let api: Api<Node> = Api::all(connection.client.clone());
    let named = found.map(|found| found.node.clone()).or_else(|| args.node.clone());
    if let Some(name) = named {
        return match connection.ask(api.get(&name)).await {
            Ok(node) => vec![(name, Some(node))],
            Err(error) => {
                let subject = format!("node {name}");
                checks.push(Check::new("node.ready", State::Unknown, &subject, error.to_string()));
                vec![(name, None)]
            }
        };
    }
    if targeted {
        return Vec::new();
    }
    match connection.ask(api.list(&ListParams::default())).await {
        Ok(list) => list
            .items
            .into_iter()
            .filter_map(|node| Some((checked(&node.name_any()).ok()?, Some(node))))
            .collect(),
        Err(error) => {
            checks.push(
                Check::new("node.ready", State::Unknown, "nodes", error.to_string())
                    .remedy("name one by --node"),
            );
            Vec::new()
        }
    }
}

async fn of_node(
    connection: &Connection,
    backend: &dyn Backend,
    name: &str,
    node: Option<&Node>,
    found: Option<&Found>,
    checks: &mut Vec<Check>,
) {
    if let Some(node) = node {
        checks.extend(checks::node(name, node));
    }
    let info = node.and_then(|node| node.status.as_ref()).and_then(|status| status.node_info.as_ref());
    let runtime = info.map(|info| info.container_runtime_version.as_str());
    checks.push(endpoint(connection, backend, name, runtime).await);
    let vitals = match vitals::ask(connection, name, found).await {
        Ok(vitals) => {
            checks.push(checks::disk(name, &vitals, runtime));
            Some(vitals)
        }
        Err(error) => {
            let subject = format!("node {name}");
            let check = Check::new("node.disk", State::Unknown, &subject, error.message);
            checks.push(match error.code {
                Some(403) => check.remedy("the right to get nodes/proxy would show the free disk of nodes"),
                _ => check,
            });
            None
        }
    };
    if let Some(found) = found {
        checks.extend(checks::container(found, vitals.as_ref()));
    }
}

/// Asks the kubelet for a checkpoint of a pod that cannot exist, as its name is
/// none that Kubernetes lets be: nothing can be frozen, and the answer shows
/// how far a real request would come.
async fn endpoint(
    connection: &Connection,
    backend: &dyn Backend,
    node: &str,
    runtime: Option<&str>,
) -> Check {
    let subject = format!("node {node}");
    let check = |state, detail: String| Check::new("kubelet.endpoint", state, &subject, detail);
    let answer = match trigger::probe(connection, backend, node).await {
        Ok(answer) => answer,
        Err(error) => return check(State::Failed, format!("no answer: {error}")),
    };
    let context = Context {
        route: backend.route(),
        node,
        namespace: trigger::NO_NAMESPACE,
        pod: trigger::NO_NAME,
        container: trigger::NO_NAME,
        runtime,
        timeout: None,
    };
    let explanation = explain(answer.status, answer.content_type.as_deref(), &answer.body, &context);
    if explanation.class == Class::NoSuchPod {
        let who = match backend.route() {
            Route::ApiServer => "the API server",
            Route::Kubelet => "you",
        };
        return check(State::Ok, format!("the kubelet serves checkpoints, and {who} may ask for them"));
    }
    let remedies = explanation.remedies.join("; ");
    let rule = explanation.rbac.map_or_else(String::new, |yaml| format!("\n{}", yaml.trim_end()));
    let detail = format!("HTTP {}: {} ({})", answer.status, explanation.cause, explanation.said);
    check(State::Failed, detail).remedy(format!("{remedies}{rule}"))
}

/// Checks before a capture: warns of what may go wrong, ends where it will.
///
/// # Errors
///
/// When the disk of the node would be filled, unless that was to be passed over.
pub(super) async fn before_capture(
    connection: &Connection,
    found: &Found,
    runtime: Option<&str>,
    skip: bool,
    reporter: &Reporter,
) -> Result<()> {
    // Without the right to see the figures a capture is as good as it was.
    let vitals = vitals::ask(connection, &found.node, Some(found)).await.ok();
    let mut checks = checks::container(found, vitals.as_ref());
    checks.extend(vitals.as_ref().map(|vitals| checks::disk(&found.node, vitals, runtime)));
    for check in checks {
        match check.state {
            State::Failed if !skip => {
                bail!("{}\n  nothing was touched; --skip-preflight goes on all the same", check.line())
            }
            State::Failed | State::Warning => reporter.warn(&check.line()),
            State::Ok | State::Info | State::Unknown => {}
        }
    }
    Ok(())
}
