//! A capture by the kubelet of this host.

use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::json;

use super::store::Store;
use super::{node, transfer};
use crate::cluster::answer::{Capture, write};
use crate::cluster::args::CreateArgs;
use crate::cluster::connection::Connection;
use crate::cluster::custody::Custody;
use crate::cluster::destination::{Destination, split_node_path};
use crate::cluster::dossier::{answer_fields, local_step};
use crate::cluster::explain::{Class, Context as Asked, Route, explain};
use crate::cluster::interrupt::Interrupts;
use crate::cluster::report::{Reporter, shown};
use crate::cluster::session::INTERRUPTED;
use crate::cluster::target::Target;
use crate::cluster::{OutputFormat, text, trigger};

/// Where the kubelet of a host listens.
const KUBELET: &str = "https://127.0.0.1:10250";

/// Asks the kubelet of this host for a checkpoint, and copies the archive.
pub(in crate::cluster) async fn create(args: &CreateArgs) -> Result<ExitCode> {
    let mut interrupts = Interrupts::listen().context("cannot listen for signals")?;
    let reporter = Reporter::new(args.quiet);
    tokio::select! {
        done = work(args, &reporter) => done,
        signal = interrupts.next() => {
            reporter.clear();
            eprintln!(
                "interrupted by {signal}: a request that was under way is cancelled by that; \
                 an archive that was made is in the node's checkpoints directory (`kubectl checkpoint list --local`)"
            );
            Ok(ExitCode::from(INTERRUPTED))
        }
    }
}

async fn work(args: &CreateArgs, reporter: &Reporter) -> Result<ExitCode> {
    if args.selector.is_some() || args.all_containers || args.all_namespaces {
        bail!("--local has no cluster to select from; name one POD/CONTAINER");
    }
    let typed = args.target.as_deref().unwrap_or_default();
    let target = Target::parse(typed)?;
    let (Target::Pod { name: pod, .. }, Some(container)) =
        (&target, target.container(args.container.as_deref())?)
    else {
        bail!("--local has no cluster to look {:?} up in; name POD/CONTAINER", text::escape(typed));
    };
    let destination = Destination::settle(args.dest.as_deref().or(args.dest_dir.as_deref()), args.force)?;
    if destination == Destination::Stdout && args.output != OutputFormat::Table {
        bail!("-o and DEST - both want standard output; give a file or a directory");
    }
    let custody = Custody::load(&args.custody, &destination)?;
    let store = Store::open(&args.local)?;
    let mut cluster = args.cluster.clone();
    let url = args.backend.kubelet_url.as_deref().unwrap_or(KUBELET).trim_end_matches('/');
    cluster.server = Some(url.replace("{node}", &node()));
    if let Some(file) = &args.backend.kubelet_certificate_authority {
        cluster.certificate_authority = Some(file.clone());
    }
    cluster.insecure_skip_tls_verify |= args.backend.kubelet_insecure_skip_tls_verify;
    let connection = Connection::open(&cluster).await?;
    let namespace = connection.namespace.clone();
    let node = node();

    reporter.step(&format!("freezing {namespace}/{pod}/{container}"));
    let query = args.timeout.map_or_else(String::new, |seconds| format!("?timeout={seconds}"));
    let path = format!("/checkpoint/{namespace}/{pod}/{container}{query}");
    let answer = trigger::exchange(&connection.client, &path).await.map_err(|why| {
        anyhow!(
            "no answer to the checkpoint request from the kubelet at {}: {}\n  \
             cause: the kubelet does not listen there, or the connection ended; nothing was repeated\n  \
             try:   --kubelet-url URL, --kubelet-certificate-authority FILE, and credentials that may create nodes/checkpoint\n  \
             try:   kubectl checkpoint list --local, to see whether an archive was made",
            connection.server,
            text::quote(&why)
        )
    })?;
    let asked = Asked {
        route: Route::Kubelet,
        node: &node,
        namespace: &namespace,
        pod,
        container,
        runtime: None,
        timeout: args.timeout,
    };
    let explanation = explain(answer.status, answer.content_type.as_deref(), &answer.body, &asked);
    let (Class::Captured, Some(node_path)) = (explanation.class, explanation.archive.clone()) else {
        bail!("{explanation}");
    };
    // The kubelet's own view of the path counts for nothing here but the name.
    let (_, name) = split_node_path(&node_path)?;
    let took = answer.finished.duration_since(answer.started).as_secs_f64();
    reporter.done(&format!("frozen in {took:.1} s; archive: {}", text::escape(&store.path_of(name))));
    let mut fields = local_step("capture");
    let more = json!({
        "node": { "name": node },
        "target": { "namespace": namespace, "pod": pod, "container": container },
        "nodePath": node_path,
    });
    if let serde_json::Value::Object(more) = more {
        fields.extend(more);
    }
    fields.extend(answer_fields(&format!("{}{path}", connection.server), &answer));
    let order = transfer::Order {
        store: &store,
        name,
        destination: &destination,
        custody: &custody,
        force: args.force,
        record: args.record.as_deref(),
        limit: args.transfer.limit_rate,
    };
    let (came, record) = transfer::copy(&order, fields, reporter).await.with_context(|| {
        format!("the archive is at {}, and was not copied", text::escape(&store.path_of(name)))
    })?;
    let capture = Capture {
        namespace,
        pod: pod.clone(),
        container: container.to_owned(),
        node,
        node_path: Some(node_path.clone()),
        file: came.file.as_deref().map(shown),
        size_bytes: Some(came.arrived.bytes),
        sha256: Some(came.arrived.sha256),
        started: Some(answer.started.to_string()),
        finished: Some(came.finished.to_string()),
        record: record.as_deref().map(shown),
        encrypted: custody.seals(),
        ..Capture::default()
    };
    if destination != Destination::Stdout {
        write(&[capture], &reporter.warnings(), args.output)?;
    }
    Ok(ExitCode::SUCCESS)
}
