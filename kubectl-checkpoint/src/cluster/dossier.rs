//! What the evidence record says about a capture: who, with what, from where.

use jiff::Timestamp;
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::core::v1::{Node, NodeSystemInfo};
use kube::Api;
use kube::api::PostParams;
use serde_json::{Map, Value, json};

use super::collector::{Plan, Running};
use super::connection::Connection;
use super::record;
use super::report::Reporter;
use super::target::Found;
use super::text;
use super::trigger::Answer;

/// The time, as the record writes it.
pub(super) fn now() -> String {
    Timestamp::now().to_string()
}

/// Who the API server takes us for. Served since 1.28; no more than nice to have.
pub(super) async fn who_am_i(connection: &Connection) -> Option<Value> {
    let reviews: Api<SelfSubjectReview> = Api::all(connection.client.clone());
    let params = PostParams::default();
    let review = SelfSubjectReview::default();
    let answer = connection.ask(reviews.create(&params, &review)).await.ok()?;
    serde_json::to_value(answer.status?.user_info?).ok()
}

/// Versions on the node. Needs the right to get nodes; goes on without.
pub(super) async fn node_info(
    connection: &Connection,
    found: &Found,
    reporter: &Reporter,
) -> Option<NodeSystemInfo> {
    let nodes: Api<Node> = Api::all(connection.client.clone());
    let node = match connection.ask(nodes.get(&found.node)).await {
        Ok(node) => node,
        Err(error) => {
            reporter.warn(&format!("the versions on node {} are not recorded: {error}", found.node));
            return None;
        }
    };
    let status = node.status?;
    let ready = status.conditions.iter().flatten().find(|condition| condition.type_ == "Ready");
    if let Some(condition) = ready.filter(|condition| condition.status != "True") {
        reporter.warn(&format!(
            "node {} is not ready: {}",
            found.node,
            text::quote(condition.message.as_deref().unwrap_or_default())
        ));
    }
    status.node_info
}

/// What is known of a capture before the kubelet is asked.
pub(super) fn opening(
    connection: &Connection,
    found: &Found,
    request: &str,
    user: Option<&Value>,
    node: Option<&NodeSystemInfo>,
) -> Map<String, Value> {
    let status = &found.status;
    let mut line = step("capture", connection, user);
    let fields = json!({
        "node": {
            "name": found.node,
            "kubeletVersion": node.map(|info| &info.kubelet_version),
            "containerRuntimeVersion": node.map(|info| &info.container_runtime_version),
            "kernelVersion": node.map(|info| &info.kernel_version),
            "osImage": node.map(|info| &info.os_image),
            "operatingSystem": node.map(|info| &info.operating_system),
            "architecture": node.map(|info| &info.architecture),
            "bootID": node.map(|info| &info.boot_id),
            "machineID": node.map(|info| &info.machine_id),
        },
        "target": {
            "namespace": found.namespace,
            "pod": found.pod,
            "podUid": found.pod_uid,
            "container": found.container,
            "containerID": status.container_id,
            "image": status.image,
            "imageID": status.image_id,
            "restartCount": status.restart_count,
            "startedAt": status.state.as_ref()
                .and_then(|state| state.running.as_ref())
                .and_then(|running| running.started_at.as_ref())
                .map(|time| time.0.to_string()),
        },
        "request": { "method": "POST", "path": request },
    });
    if let Value::Object(fields) = fields {
        line.extend(fields);
    }
    line
}

/// What was asked, what came back, and what both clocks said.
pub(super) fn answer_fields(request: &str, answer: &Answer) -> Map<String, Value> {
    let fields = json!({
        "request": {
            "method": "POST",
            "path": request,
            "started": answer.started.to_string(),
            "finished": answer.finished.to_string(),
        },
        "answer": {
            "status": answer.status,
            "body": String::from_utf8_lossy(&answer.body),
            "date": answer.date.map(|date| date.to_string()),
        },
        "clocks": {
            "local": answer.finished.to_string(),
            "answerDate": answer.date.map(|date| date.to_string()),
            "answerSkewMilliseconds": answer.skew().and_then(|skew| i64::try_from(skew.as_millis()).ok()),
        },
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// What is recorded of a collector pod.
pub(super) fn collector_fields(plan: &Plan, running: &Running) -> Value {
    json!({
        "namespace": plan.namespace,
        "pod": plan.name,
        "podUid": running.uid,
        "image": plan.image,
        "imageID": running.image_id,
    })
}

/// What every line of a record begins with: what was done, when, with what, by whom, where.
pub(super) fn step(step: &str, connection: &Connection, user: Option<&Value>) -> Map<String, Value> {
    let mut fields = local_step(step);
    let more = json!({
        "actor": { "cluster": user, "local": record::local_actor() },
        "cluster": {
            "server": connection.server,
            "context": connection.context,
            "certificateAuthoritySha256": connection.authority_sha256,
        },
    });
    if let Value::Object(more) = more {
        fields.extend(more);
    }
    fields
}

/// The same for what is done without a cluster.
pub(super) fn local_step(step: &str) -> Map<String, Value> {
    let fields = json!({
        "step": step,
        "time": now(),
        "tool": { "name": "kubectl-checkpoint", "version": env!("CARGO_PKG_VERSION") },
        "actor": { "local": record::local_actor() },
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
