//! What surrounds a container and goes away sooner than its memory: the pod as
//! the cluster sees it, its events, its logs, its node. Taken before the freeze.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::{Event, Node, Pod};
use kube::Api;
use kube::api::{ListParams, LogParams};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::connection::{AskError, Connection, hex};
use super::destination::private;
use super::dossier::now;
use super::target::Found;

/// How much of a log is kept, from its end.
const LOG_LINES: i64 = 10_000;
/// How much of a log is kept in any case.
const LOG_BYTES: i64 = 8 << 20;
/// What stands for a value that may be a secret.
const REDACTED: &str = "(redacted)";
/// A copy of the whole specification, with all its values.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Collects what may be read. What may not is named in the answer, and is no error.
pub(super) async fn collect(connection: &Connection, found: &Found, reveal: bool) -> Value {
    let client = &connection.client;
    let nodes: Api<Node> = Api::all(client.clone());
    let events: Api<Event> = Api::namespaced(client.clone(), &found.namespace);
    let pods: Api<Pod> = Api::namespaced(client.clone(), &found.namespace);
    let fields = format!("involvedObject.kind=Pod,involvedObject.name={}", found.pod);
    let log = |previous| LogParams {
        container: Some(found.container.clone()),
        previous,
        timestamps: true,
        tail_lines: Some(LOG_LINES),
        limit_bytes: Some(LOG_BYTES),
        ..LogParams::default()
    };
    let (current, earlier) = (log(false), log(true));
    let params = ListParams::default().fields(&fields);
    let (node, events, current, earlier) = tokio::join!(
        connection.ask(nodes.get(&found.node)),
        connection.ask(events.list(&params)),
        connection.ask(pods.logs(&found.pod, &current)),
        connection.ask(pods.logs(&found.pod, &earlier)),
    );
    let mut missing = Vec::new();
    let mut context = Map::new();
    context.insert("apiVersion".into(), super::record::SCHEMA.into());
    context.insert("kind".into(), "CaptureContext".into());
    context.insert("time".into(), now().into());
    let mut pod = serde_json::to_value(&found.object).unwrap_or_default();
    if !reveal {
        redact(&mut pod);
    }
    context.insert("pod".into(), pod);
    insert(&mut context, &mut missing, "node", node);
    insert(&mut context, &mut missing, "events", events.map(|list| list.items));
    insert(&mut context, &mut missing, "log", current);
    insert(&mut context, &mut missing, "previousLog", earlier);
    context.insert("notCollected".into(), missing.into());
    Value::Object(context)
}

fn insert<T: Serialize>(
    context: &mut Map<String, Value>,
    missing: &mut Vec<Value>,
    name: &str,
    found: Result<T, AskError>,
) {
    let value = match found {
        Ok(found) => serde_json::to_value(found).unwrap_or_default(),
        Err(error) => {
            missing.push(json!({ "what": name, "why": error.message }));
            Value::Null
        }
    };
    context.insert(name.into(), value);
}

/// Takes out the values of environment variables.
fn redact(pod: &mut Value) {
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        let containers = pod.pointer_mut(&format!("/spec/{list}")).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            let variables = container.get_mut("env").and_then(Value::as_array_mut);
            for variable in variables.into_iter().flatten() {
                if let Some(value) = variable.get_mut("value") {
                    *value = REDACTED.into();
                }
            }
        }
    }
    if let Some(annotations) = pod.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut)
        && let Some(value) = annotations.get_mut(LAST_APPLIED)
    {
        *value = REDACTED.into();
    }
}

/// Writes it beside the archive, readable by its owner only; returns what the
/// record says of it.
///
/// # Errors
///
/// When the file exists and is not to be replaced, or cannot be written.
pub(super) fn save(path: &Path, context: &Value, force: bool) -> Result<Value> {
    let what = || format!("cannot write {}", path.display());
    if force && fs::symlink_metadata(path).is_ok_and(|found| found.is_file()) {
        fs::remove_file(path).with_context(what)?;
    }
    let mut bytes = serde_json::to_vec_pretty(context)?;
    bytes.push(b'\n');
    let mut file = private().create_new(true).open(path).with_context(what)?;
    file.write_all(&bytes).and_then(|()| file.sync_all()).with_context(what)?;
    Ok(json!({ "file": super::report::shown(path), "sha256": hex(&Sha256::digest(&bytes)) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_of_the_environment_is_left() {
        let mut pod = json!({
            "metadata": {"annotations": {LAST_APPLIED: "{\"env\":\"secret-1\"}", "other": "kept"}},
            "spec": {
                "containers": [{"name": "a", "env": [{"name": "KEY", "value": "secret-2"}, {"name": "REF", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]}],
                "initContainers": [{"name": "b", "env": [{"name": "KEY", "value": "secret-3"}]}],
            },
        });
        redact(&mut pod);
        let text = pod.to_string();
        assert!(!text.contains("secret-"), "{text}");
        for part in ["KEY", "secretKeyRef", "kept"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
