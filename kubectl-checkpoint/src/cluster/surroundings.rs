//! What surrounds a container and goes away sooner than its memory: the pod as
//! the cluster sees it, its events, its logs, its node. Taken before the freeze.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use k8s_openapi::api::core::v1::{Event, Node, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{ApiResource, DynamicObject, ListParams, LogParams};
use kube::{Api, ResourceExt as _};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::connection::{AskError, Connection, hex};
use super::destination::{Destination, local_name, parent, private, sync_directory, with_suffix};
use super::dossier::now;
use super::report::shown;
use super::target::Found;
use crate::sealed::{self, Recipients};

/// What the name ends with.
const SUFFIX: &str = ".context.json";
/// How much of a log is kept, from its end.
const LOG_LINES: i64 = 10_000;
/// How much of a log is kept in any case.
const LOG_BYTES: i64 = 8 << 20;
/// How many owners over one another are followed.
const OWNERS: usize = 5;
/// How long the freeze waits for one answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// What stands for a value that may be a secret.
const REDACTED: &str = "(redacted)";
/// A copy of the whole specification, with all its values.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Collects what may be read. What may not is named in the answer, and is no error.
pub(super) async fn collect(connection: &Connection, found: &Found, keep_secrets: bool) -> Value {
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
    // The first run of a container has none before it, and that is not missing.
    let earlier = async {
        let params = log(true);
        let restarted = found.status.restart_count > 0;
        if restarted { Some(soon(connection, pods.logs(&found.pod, &params)).await) } else { None }
    };
    let current = log(false);
    let params = ListParams::default().fields(&fields);
    let (node, events, current, earlier, (owners, ended)) = tokio::join!(
        soon(connection, nodes.get(&found.node)),
        soon(connection, events.list(&params)),
        soon(connection, pods.logs(&found.pod, &current)),
        earlier,
        owners(connection, found),
    );
    let mut missing = Vec::new();
    let mut context = Map::new();
    context.insert("apiVersion".into(), super::record::SCHEMA.into());
    context.insert("kind".into(), "CaptureContext".into());
    context.insert("time".into(), now().into());
    context.insert("secretsKept".into(), keep_secrets.into());
    context.insert("pod".into(), serde_json::to_value(&found.object).unwrap_or_default());
    context.insert("owners".into(), owners.into());
    if let Some((what, error)) = ended {
        missing.push(json!({ "what": what, "why": error.message }));
    }
    insert(&mut context, &mut missing, "node", node);
    insert(&mut context, &mut missing, "events", events.map(|list| list.items));
    insert(&mut context, &mut missing, "log", current);
    if let Some(earlier) = earlier {
        insert(&mut context, &mut missing, "previousLog", earlier);
    }
    context.insert("notCollected".into(), missing.into());
    let mut context = Value::Object(context);
    if !keep_secrets {
        redact(&mut context, 0);
    }
    context
}

/// Names what could not be collected, each with the reason, and is worth to be said.
pub(super) fn missing(context: &Value) -> Vec<String> {
    let text = |one: &Value, key: &str| one.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let missing = context.get("notCollected").and_then(Value::as_array);
    // What a runtime keeps of an earlier run goes away sooner or later.
    let missing = missing.into_iter().flatten().filter(|one| text(one, "what") != "previousLog");
    missing.map(|one| format!("{}: {}", text(one, "what"), text(one, "why"))).collect()
}

/// Asks, and does not wait long: what is to be frozen goes on meanwhile.
async fn soon<T>(
    connection: &Connection,
    request: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, AskError> {
    tokio::time::timeout(PATIENCE, connection.ask(request)).await.unwrap_or_else(|_| {
        let message = format!("no answer within {} s", PATIENCE.as_secs());
        Err(AskError { code: None, message })
    })
}

/// Follows the owners from the pod upwards: replica set, deployment and the
/// like. Returns those that were read, and what ended it before the last.
async fn owners(connection: &Connection, found: &Found) -> (Vec<Value>, Option<(String, AskError)>) {
    let mut owners = Vec::new();
    let mut next = controller(found.object.owner_references());
    while let Some(owner) = next.take().filter(|_| owners.len() < OWNERS) {
        let what = format!("{}/{}", owner.kind.to_lowercase(), super::text::escape(&owner.name));
        let (group, version) = owner.api_version.split_once('/').unwrap_or(("", &owner.api_version));
        let resource = ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version: owner.api_version.clone(),
            kind: owner.kind.clone(),
            plural: plural(&owner.kind),
        };
        let of_cluster = group.is_empty() && owner.kind == "Node";
        let client = connection.client.clone();
        let objects: Api<DynamicObject> = if of_cluster {
            Api::all_with(client, &resource)
        } else {
            Api::namespaced_with(client, &found.namespace, &resource)
        };
        match soon(connection, objects.get(&owner.name)).await {
            Err(error) => return (owners, Some((what, error))),
            Ok(object) => {
                next = controller(object.owner_references());
                owners.push(serde_json::to_value(object).unwrap_or_default());
            }
        }
    }
    (owners, None)
}

fn controller(references: &[OwnerReference]) -> Option<OwnerReference> {
    references.iter().find(|owner| owner.controller == Some(true)).cloned()
}

/// The name of a kind in paths, as the API server forms it unless told otherwise.
fn plural(kind: &str) -> String {
    let kind = kind.to_lowercase();
    match kind.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
        _ if kind.ends_with(['s', 'x']) || kind.ends_with("ch") => format!("{kind}es"),
        _ => format!("{kind}s"),
    }
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

/// Takes out the values of environment variables, wherever a specification has
/// them: in the pod, in the templates of its owners, and in the copies of
/// specifications that annotations are.
fn redact(value: &mut Value, depth: u32) {
    // Objects of the API are far from that deep; what is deeper is not shown.
    if depth > 64 {
        *value = REDACTED.into();
        return;
    }
    let deeper = depth.saturating_add(1);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| redact(item, deeper)),
        Value::Object(fields) => {
            for (key, inner) in fields.iter_mut() {
                match (key.as_str(), &mut *inner) {
                    ("env", Value::Array(variables)) => variables.iter_mut().for_each(blank),
                    (LAST_APPLIED, copy) => *copy = redacted_copy(copy, deeper),
                    _ => redact(inner, deeper),
                }
            }
        }
        _ => {}
    }
}

fn blank(variable: &mut Value) {
    if let Some(value) = variable.get_mut("value") {
        *value = REDACTED.into();
    }
}

/// The same for a specification that is text.
fn redacted_copy(copy: &Value, depth: u32) -> Value {
    let Some(mut inner) = copy.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok()) else {
        return REDACTED.into();
    };
    redact(&mut inner, depth);
    inner.to_string().into()
}

/// What was saved before the freeze, and where.
#[derive(Debug)]
pub(super) struct Saved {
    path: PathBuf,
    sealed: bool,
    bytes: u64,
    sha256: String,
}

impl Saved {
    /// Writes it beside where the archive will be, readable by its owner only,
    /// encrypted where the archive is to be. The archive has no name yet where
    /// DEST is a directory: it gets that of the container and the time.
    ///
    /// # Errors
    ///
    /// When the file exists and is not to be replaced, or cannot be written.
    pub(super) fn write(
        destination: &Destination,
        found: &Found,
        context: &Value,
        recipients: Option<&Recipients>,
        force: bool,
    ) -> Result<Option<Self>> {
        let path = match destination {
            Destination::Stdout => return Ok(None),
            Destination::File(file) => named(file, recipients.is_some()),
            Destination::Directory(directory) => {
                let name = format!("{}_{}-{}-{}", found.pod, found.namespace, found.container, now());
                named(&directory.join(local_name(&name)), recipients.is_some())
            }
        };
        let mut bytes = serde_json::to_vec_pretty(context)?;
        bytes.push(b'\n');
        if let Some(recipients) = recipients {
            let mut sealed = recipients.seal(Vec::new())?;
            sealed.write_all(&bytes)?;
            bytes = sealed.finish()?;
        }
        let what = || format!("cannot write {}", path.display());
        if force && fs::symlink_metadata(&path).is_ok_and(|found| found.is_file()) {
            fs::remove_file(&path).with_context(what)?;
        }
        let mut file = private().create_new(true).open(&path).with_context(what)?;
        let written = file.write_all(&bytes).and_then(|()| file.sync_all());
        if written.is_err() {
            let _ = fs::remove_file(&path);
        }
        written.with_context(what)?;
        sync_directory(parent(&path));
        let (length, sha256) = (bytes.len() as u64, hex(&Sha256::digest(&bytes)));
        Ok(Some(Self { path, sealed: recipients.is_some(), bytes: length, sha256 }))
    }

    /// Gives it the name of the archive, now that there is one.
    ///
    /// # Errors
    ///
    /// When the name is taken; it stays where it is then.
    pub(super) fn follow(&mut self, dest: &Path, force: bool) -> Result<()> {
        // `x.tar.age` has `x.tar.context.json.age` beside it, `x.tar` has `x.tar.context.json`.
        let stem = dest.as_os_str().to_string_lossy();
        let stem = stem.strip_suffix(sealed::SUFFIX).filter(|_| self.sealed).unwrap_or(&stem);
        let path = named(Path::new(stem), self.sealed);
        if path == self.path {
            return Ok(());
        }
        let taken = fs::symlink_metadata(&path).is_ok_and(|found| !force || !found.is_file());
        let renamed =
            if taken { Err(anyhow!("it exists")) } else { fs::rename(&self.path, &path).map_err(Into::into) };
        renamed.with_context(|| {
            format!("{} keeps its name; it cannot be {}", self.path.display(), path.display())
        })?;
        self.path = path;
        Ok(())
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What the record says of it.
    pub(super) fn describe(&self) -> Value {
        json!({
            "file": shown(&self.path),
            "sizeBytes": self.bytes,
            "sha256": self.sha256,
            "encrypted": self.sealed,
        })
    }
}

fn named(file: &Path, sealed: bool) -> PathBuf {
    with_suffix(&with_suffix(file, SUFFIX), if sealed { sealed::SUFFIX } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_of_the_environment_is_left() {
        let copy = json!({"spec": {"containers": [{"name": "copied", "env": [{"name": "K", "value": "secret-1"}]}]}});
        let mut pod = json!({
            "metadata": {"annotations": {LAST_APPLIED: copy.to_string(), "other": "kept"}},
            "spec": {
                "containers": [{"name": "a", "env": [{"name": "KEY", "value": "secret-2"}, {"name": "REF", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]}],
                "initContainers": [{"name": "b", "env": [{"name": "KEY", "value": "secret-3"}]}],
            },
        });
        let mut owner = json!({"spec": {"jobTemplate": {"spec": {"template": pod.clone()}}}});
        owner["metadata"]["annotations"][LAST_APPLIED] = "no JSON, secret-4".into();
        redact(&mut pod, 0);
        redact(&mut owner, 0);
        assert!(!owner.to_string().contains("secret-"), "{owner}");
        let text = pod.to_string();
        assert!(!text.contains("secret-"), "{text}");
        for part in ["KEY", "secretKeyRef", "kept", "copied"] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn kinds_are_found_by_their_plurals() {
        for (kind, there) in [
            ("ReplicaSet", "replicasets"),
            ("CronJob", "cronjobs"),
            ("Node", "nodes"),
            ("NetworkPolicy", "networkpolicies"),
            ("Gateway", "gateways"),
            ("Ingress", "ingresses"),
        ] {
            assert_eq!(plural(kind), there);
        }
    }
}
