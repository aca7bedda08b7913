//! `list`: the archives that are on nodes.

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use futures::stream::{self, StreamExt as _};
use k8s_openapi::api::core::v1::Node;
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};

use super::answer::write;
use super::args::ListArgs;
use super::collector::{Plan, Slot};
use super::connection::Connection;
use super::dossier::who_am_i;
use super::interrupt::Interrupts;
use super::report::Reporter;
use super::rights::Right;
use super::session::{self, INTERRUPTED};
use super::stored::{Stored, look};
use super::target::checked;
use super::{local, preflight, text};
use crate::cli;

/// Lists archives, with a collector pod on each node.
///
/// # Errors
///
/// When no node could be asked.
pub fn list(args: ListArgs) -> Result<ExitCode> {
    if args.local.local {
        return local::list(&args);
    }
    session::block_on(run(args))
}

async fn run(args: ListArgs) -> Result<ExitCode> {
    let mut interrupts = Interrupts::listen().context("cannot listen for signals")?;
    let reporter = Reporter::new(args.answer.quiet);
    for node in &args.nodes {
        checked(node)?;
    }
    let Some(connection) = session::connect(&args.cluster, &mut interrupts).await? else {
        return Ok(ExitCode::from(INTERRUPTED));
    };
    let nodes = tokio::select! {
        nodes = prepare(&args, &connection, &reporter) => nodes?,
        _ = interrupts.next() => return Ok(ExitCode::from(INTERRUPTED)),
    };
    let slots: Vec<Slot> = nodes.iter().map(|_| Slot::default()).collect();
    let work = async {
        let asked =
            nodes.iter().zip(&slots).map(|(node, slot)| ask(&args, &connection, node, slot, &reporter));
        Ok(stream::iter(asked).buffered(usize::from(args.parallel)).collect::<Vec<_>>().await)
    };
    let on_signal = |signal: &str| format!("interrupted by {signal}; nothing was changed");
    let ended = session::guard(work, on_signal, &connection, &slots, &mut interrupts, &reporter).await;
    session::conclude(ended, &reporter, |answers| {
        let mut failed = 0;
        let mut items = Vec::new();
        for (node, answer) in nodes.iter().zip(answers) {
            match answer {
                Ok(found) => items.extend(found),
                Err(error) => {
                    failed += 1;
                    reporter.warn(&format!("node {node}: {error:#}"));
                }
            }
        }
        if failed > 0 && failed == nodes.len() {
            bail!("no node could be asked");
        }
        if let Some(pod) = &args.pod {
            items.retain(|item| item.pod.as_ref() == Some(pod));
        }
        write(&items, &reporter.warnings(), args.answer.output)?;
        Ok(if failed > 0 { ExitCode::from(cli::PARTIAL) } else { ExitCode::SUCCESS })
    })
}

/// Checks rights and returns the nodes to ask.
async fn prepare(args: &ListArgs, connection: &Connection, reporter: &Reporter) -> Result<Vec<String>> {
    let namespace = args.collector.namespace(connection);
    let user = who_am_i(connection).await;
    let mut rights = Plan::rights(namespace);
    if args.nodes.is_empty() {
        rights.push(Right::cluster("list", "nodes", "know which nodes there are (or name them by --node)"));
    }
    let skip = args.answer.skip_preflight;
    preflight::require(connection, &rights, "list archives", user.as_ref(), skip, reporter).await?;
    if !args.nodes.is_empty() {
        return Ok(args.nodes.clone());
    }
    let nodes: Api<Node> = Api::all(connection.client.clone());
    let found = connection.ask(nodes.list(&ListParams::default())).await.context("cannot list the nodes")?;
    let (ready, other): (Vec<Node>, Vec<Node>) = found.items.into_iter().partition(is_ready);
    for node in &other {
        reporter.warn(&format!("node {} is not ready and was not asked", text::escape(&node.name_any())));
    }
    if ready.is_empty() {
        bail!("there is no node that is ready");
    }
    ready.iter().map(|node| checked(&node.name_any())).collect()
}

fn is_ready(node: &Node) -> bool {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

async fn ask(
    args: &ListArgs,
    connection: &Connection,
    node: &str,
    slot: &Slot,
    reporter: &Reporter,
) -> Result<Vec<Stored>> {
    reporter.step(&format!("starting a collector pod on node {node}"));
    let namespace = args.collector.namespace(connection);
    let plan = Plan::new(&args.collector, namespace, node, String::from("lists checkpoint archives"));
    plan.node_exists(connection).await?;
    let limit = args.collector.collector_start_timeout;
    slot.fill(connection, &plan, limit, |line| reporter.step(&format!("node {node}: {line}"))).await?;
    let found = look(&plan.remote(connection), node, &plan.directory).await;
    // At once, not when all nodes are done: where it fails it is tried again then.
    let _ = slot.empty(connection).await;
    let (found, strange) = found?;
    if strange > 0 {
        reporter.warn(&format!(
            "node {node}: {strange} names in {} are not fit to be shown",
            text::escape(&plan.directory)
        ));
    }
    Ok(found)
}
