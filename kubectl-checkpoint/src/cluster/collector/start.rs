//! From a pod that was made to one that runs, or the reason why it does not.

use std::time::Duration;

use anyhow::{Result, bail};
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::Api;
use kube::api::ListParams;
use tokio::time::{Instant, sleep};

use super::{CONTAINER, Plan};
use crate::cluster::connection::Connection;
use crate::cluster::text;

/// A pod that runs, as far as the evidence record wants to know it.
#[derive(Clone, Debug)]
pub struct Running {
    /// UID of the pod.
    pub uid: Option<String>,
    /// The image by digest, as the node resolved it.
    pub image_id: Option<String>,
}

/// Waits until the pod runs; gives up as soon as it is sure that it will not.
pub(super) async fn wait_for_running(
    connection: &Connection,
    pods: &Api<Pod>,
    plan: &Plan,
    limit: Duration,
    progress: &mut impl FnMut(&str),
) -> Result<Running> {
    let started = Instant::now();
    let mut pause = Duration::from_millis(100);
    let mut pull_errors = 0;
    let mut looked_at_events = Instant::now();
    let mut warning = None;
    loop {
        let pod = match connection.ask(pods.get(&plan.name)).await {
            Ok(pod) => pod,
            Err(error) if error.code == Some(404) => {
                bail!("the collector pod {} was deleted by somebody else before it ran", plan.name)
            }
            // The API server may stumble; the pod does not mind.
            Err(_) if started.elapsed() < limit => {
                sleep(Duration::from_secs(1)).await;
                continue;
            }
            Err(error) => bail!("cannot look at the collector pod {}: {error}", plan.name),
        };
        let said = match judge(&pod, plan) {
            Verdict::Running(running) => return Ok(running),
            Verdict::Hopeless(why) => bail!("the collector pod {} does not run: {why}", plan.name),
            Verdict::PullError(why) => {
                pull_errors += 1;
                // A registry may stumble once: the kubelet tries again by itself.
                if pull_errors > 40 || why.contains("ImagePullBackOff") && pull_errors > 10 {
                    bail!(
                        "the collector pod {} does not run: {why}\n  \
                         try:   --collector-image IMAGE with one that node {} has or can pull: anything with a POSIX shell and cat",
                        plan.name,
                        plan.node
                    );
                }
                why
            }
            Verdict::Waiting(why) => why,
        };
        if started.elapsed() > Duration::from_secs(3) && looked_at_events.elapsed() > Duration::from_secs(3) {
            looked_at_events = Instant::now();
            if let Some(found) = last_warning(connection, plan).await {
                if found.contains("hostPath type check failed") {
                    bail!(
                        "the collector pod {} does not run: {found}\n  \
                         cause: {} is not a directory on node {}; the kubelet may run in a container of its own, or with another root\n  \
                         try:   --checkpoints-dir DIR with the directory as the node itself sees it",
                        plan.name,
                        plan.directory,
                        plan.node
                    );
                }
                progress(&found);
                warning = Some(found);
            }
        }
        if started.elapsed() >= limit {
            if warning.is_none() {
                warning = last_warning(connection, plan).await;
            }
            bail!(
                "the collector pod {} does not run after {} s: {said}{}\n  \
                 try:   kubectl get node {}, and --collector-start-timeout where pulling the image takes longer",
                plan.name,
                limit.as_secs(),
                warning.map_or_else(String::new, |text| format!("; last warning: {text}")),
                plan.node
            );
        }
        sleep(pause).await;
        pause = (pause * 3 / 2).min(Duration::from_secs(1));
    }
}

enum Verdict {
    Running(Running),
    Waiting(String),
    PullError(String),
    Hopeless(String),
}

fn judge(pod: &Pod, plan: &Plan) -> Verdict {
    let Some(status) = &pod.status else {
        return Verdict::Waiting(String::from("no status yet"));
    };
    let join = |reason: Option<&str>, message: Option<&str>| {
        [reason, message]
            .into_iter()
            .flatten()
            .filter(|part| !part.is_empty())
            .map(text::quote)
            .collect::<Vec<_>>()
            .join(": ")
    };
    let container = status.container_statuses.iter().flatten().find(|container| container.name == CONTAINER);
    let state = container.and_then(|container| container.state.as_ref());
    if pod.metadata.deletion_timestamp.is_some() {
        return Verdict::Hopeless(String::from("somebody else deleted it"));
    }
    if let Some(phase @ ("Failed" | "Succeeded")) = status.phase.as_deref() {
        let ended = state.and_then(|state| state.terminated.as_ref()).map_or_else(String::new, |ended| {
            let why = join(ended.reason.as_deref(), ended.message.as_deref());
            format!(" (exit code {}, {why})", ended.exit_code)
        });
        let why = join(status.reason.as_deref(), status.message.as_deref());
        return Verdict::Hopeless(format!(
            "phase {phase} {why}{ended}; does the image {} have a shell?",
            text::escape(&plan.image)
        ));
    }
    if state.is_some_and(|state| state.running.is_some()) {
        return Verdict::Running(Running {
            uid: pod.metadata.uid.clone(),
            image_id: container.map(|container| container.image_id.clone()),
        });
    }
    if let Some(waiting) = state.and_then(|state| state.waiting.as_ref()) {
        let why = join(waiting.reason.as_deref(), waiting.message.as_deref());
        return match waiting.reason.as_deref() {
            Some("ErrImagePull" | "ImagePullBackOff" | "RegistryUnavailable") => Verdict::PullError(why),
            Some(
                "InvalidImageName"
                | "ErrImageNeverPull"
                | "CreateContainerConfigError"
                | "CreateContainerError"
                | "RunContainerError"
                | "StartError",
            ) => Verdict::Hopeless(why),
            _ => Verdict::Waiting(why),
        };
    }
    let why = join(status.reason.as_deref(), status.message.as_deref());
    let phase = status.phase.as_deref().unwrap_or("Unknown");
    Verdict::Waiting(format!("phase {}{}{why}", text::escape(phase), if why.is_empty() { "" } else { ": " }))
}

/// Returns the newest warning about the pod. Events need a right of their own;
/// without it the messages are poorer, nothing else.
async fn last_warning(connection: &Connection, plan: &Plan) -> Option<String> {
    let events: Api<Event> = Api::namespaced(connection.client.clone(), &plan.namespace);
    let fields = format!("involvedObject.kind=Pod,involvedObject.name={}", plan.name);
    let params = ListParams::default().fields(&fields);
    let limit = Duration::from_secs(5);
    let answer = tokio::time::timeout(limit, events.list(&params)).await.ok()?;
    let list = answer.ok()?;
    list.items.iter().rfind(|event| event.type_.as_deref() == Some("Warning")).map(|event| {
        text::quote(&format!(
            "{}: {}",
            event.reason.as_deref().unwrap_or_default(),
            event.message.as_deref().unwrap_or_default()
        ))
    })
}
