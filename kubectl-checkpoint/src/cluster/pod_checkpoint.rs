//! `PodCheckpoint` objects: the cluster freezes the whole pod by itself, and
//! says in the object's status where on the node the result is.
//!
//! Proposals differ in the API group and in the layout of the status. The
//! group is discovered; of the status the forms that were proposed are read,
//! and one that fits none is shown as it is. Making an object is one freeze:
//! it is never made a second time, not even where the answer was lost.

use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use jiff::Timestamp;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, PostParams};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::collector::{MANAGED_BY, PACKED, Plan};
use super::connection::Connection;
use super::discovery::{self, KIND, Served};
use super::exec::{Remote, persist};
use super::rights::Right;
use super::target::Found;
use super::text;
use super::trigger::Answer;

/// How long the status is watched where --timeout says nothing.
const PATIENCE: Duration = Duration::from_secs(600);
/// What paths in a status are relative to.
const KUBELET_ROOT: &str = "/var/lib/kubelet";
/// How long it is looked for an object whose making was not answered.
const LOST_LIMIT: Duration = Duration::from_secs(10);

/// Puts the files of a pod's checkpoint into one tar, where they are a
/// directory, and says what the archive is.
const PACK: &str = r#"
if [ -d "$1" ]; then
  mkdir -p "${2%/*}" && cd "$1" && tar -cf "$2" . && echo "packed"
elif [ -f "$1" ]; then echo "file"
else echo "there is nothing at this path" >&2; exit 3
fi"#;

/// How far an object is.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Progress {
    Waiting(String),
    /// Done; the path as the status gives it.
    Done(String),
    Failed(String),
}

/// Finds where such objects are served.
///
/// # Errors
///
/// When they are served nowhere.
pub(super) async fn served(connection: &Connection) -> Result<Served> {
    let found = discovery::find(&connection.client).await;
    found.map_err(|error| anyhow!("cannot ask which APIs the cluster serves: {error}"))?.ok_or_else(|| {
        anyhow!(
            "the cluster serves no {KIND} objects\n  cause: they are an alpha of Kubernetes (KEP-5823), behind feature gates\n  \
             try:   leave --pod-checkpoint out: the kubelet's endpoint needs no such API"
        )
    })
}

/// The rights that making and watching such an object needs.
pub(super) fn rights(served: &Served, namespace: &str) -> Vec<Right> {
    let there = |verb: &str, purpose: &str| {
        Right::namespaced(namespace, verb, &served.group, &served.plural, purpose)
    };
    vec![there("create", "ask for the checkpoint of the pod"), there("get", "watch its status")]
}

/// Makes one object and watches it to its end. Returns the path on the node,
/// and the object as it was last seen for an answer.
///
/// # Errors
///
/// When it is refused, fails, or does not end in time; the object is named then.
pub(super) async fn freeze(
    connection: &Connection,
    served: &Served,
    found: &Found,
    timeout: Option<u32>,
    progress: impl Fn(&str),
) -> Result<(Answer, String)> {
    let resource = ApiResource {
        group: served.group.clone(),
        version: served.version.clone(),
        api_version: format!("{}/{}", served.group, served.version),
        kind: String::from(KIND),
        plural: served.plural.clone(),
    };
    let objects: Api<DynamicObject> =
        Api::namespaced_with(connection.client.clone(), &found.namespace, &resource);
    let name = Plan::fresh_name().replace("checkpoint-collector", "forensic");
    let mut spec = json!({ "sourcePodName": found.pod, "sourcePodUID": found.pod_uid });
    if let (Some(seconds), Value::Object(spec)) = (timeout, &mut spec) {
        spec.insert("timeoutSeconds".into(), seconds.into());
    }
    let object: DynamicObject = serde_json::from_value(json!({
        "apiVersion": resource.api_version,
        "kind": KIND,
        "metadata": {
            "name": name,
            "namespace": found.namespace,
            "labels": { "app.kubernetes.io/managed-by": MANAGED_BY },
        },
        "spec": spec,
    }))?;
    let what = format!("{} {name} in namespace {}", served.plural, found.namespace);
    let started = Timestamp::now();
    match connection.ask(objects.create(&PostParams::default(), &object)).await {
        Ok(_) => {}
        Err(error) if error.code.is_some_and(|code| (400..500).contains(&code)) => {
            bail!("cannot make {what}: {error}; nothing was frozen")
        }
        // The answer is lost. The name is ours: whether the object is there can be seen.
        Err(error) => appears(connection, &objects, &name).await.map_err(|why| {
            anyhow!(
                "no answer to the making of {what}: {error}\n  cause: {why}; it was not made a second time\n  \
                 try:   kubectl get {}.{} -n {} {name}",
                served.plural,
                served.group,
                found.namespace
            )
        })?,
    }
    let limit = timeout.map_or(PATIENCE, |seconds| Duration::from_secs(u64::from(seconds) + 30));
    let begun = Instant::now();
    let mut pause = Duration::from_millis(200);
    loop {
        let stays = || {
            format!(
                "the object stays: kubectl get {}.{} -n {} {name} -o yaml",
                served.plural, served.group, found.namespace
            )
        };
        let mut said = String::from("no answer");
        match connection.ask(objects.get(&name)).await {
            Ok(object) => match judge(&object.data) {
                Progress::Done(path) => {
                    let path = absolute(&path)?;
                    let answer = Answer {
                        status: 200,
                        content_type: Some(String::from("application/json")),
                        body: serde_json::to_vec(&object)?,
                        started,
                        finished: Timestamp::now(),
                        date: None,
                    };
                    return Ok((answer, path));
                }
                Progress::Failed(why) => bail!("{what} failed: {why}\n  try:   {}", stays()),
                Progress::Waiting(how) => said = how,
            },
            Err(error) if error.code == Some(404) => {
                bail!("{what} was deleted by somebody else before it was done")
            }
            Err(error) if error.code == Some(403) => {
                bail!("cannot watch {what}: {error}\n  try:   {}", stays())
            }
            // The API server may stumble; the kubelet does not mind.
            Err(_) => {}
        }
        if begun.elapsed() >= limit {
            bail!(
                "{what} was not done after {} s: {said}\n  cause: whether a checkpoint is being made is not known, and nothing was repeated\n  try:   {}",
                limit.as_secs(),
                stays()
            );
        }
        progress(&said);
        sleep(pause).await;
        pause = (pause * 3 / 2).min(Duration::from_secs(2));
    }
}

async fn appears(connection: &Connection, objects: &Api<DynamicObject>, name: &str) -> Result<(), String> {
    let begun = Instant::now();
    let mut last = String::from("no answer");
    while begun.elapsed() < LOST_LIMIT {
        match connection.ask(objects.get(name)).await {
            Ok(_) => return Ok(()),
            Err(error) if error.code == Some(404) => last = String::from("the API server has no such object"),
            Err(error) => last = error.to_string(),
        }
        sleep(Duration::from_millis(500)).await;
    }
    Err(last)
}

/// Reads the status in the forms that were proposed.
fn judge(object: &Value) -> Progress {
    let Some(status) = object.get("status").filter(|status| status.is_object()) else {
        return Progress::Waiting(String::from("no status yet"));
    };
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(text::quote);
    let conditions = status.get("conditions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let is = |condition: &Value, names: &[&str], state: &str| {
        condition.get("type").and_then(Value::as_str).is_some_and(|name| names.contains(&name))
            && condition.get("status").and_then(Value::as_str) == Some(state)
    };
    let told = |condition: &Value| {
        let parts = [text(condition.get("reason")), text(condition.get("message"))];
        parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
    };
    let phase = status.get("phase").and_then(Value::as_str).unwrap_or_default();
    let final_reasons = ["CheckpointFailed", "SourcePodReplaced"];
    let ended = conditions.iter().find(|condition| {
        let reason = condition.get("reason").and_then(Value::as_str).unwrap_or_default();
        is(condition, &["Failed"], "True")
            || (is(condition, &["Ready"], "False") && final_reasons.contains(&reason))
    });
    if let Some(condition) = ended {
        return Progress::Failed(told(condition));
    }
    if phase == "Failed" {
        let why =
            text(status.get("message").or_else(|| status.get("error")).or_else(|| status.get("reason")));
        return Progress::Failed(why.unwrap_or_else(|| String::from("no reason is given")));
    }
    let done = conditions.iter().any(|condition| is(condition, &["Ready", "Complete", "Completed"], "True"))
        || matches!(phase, "Ready" | "Completed" | "Succeeded" | "Complete");
    let path = [
        "/checkpointLocation/nodeLocal/path",
        "/checkpointLocation/path",
        "/checkpointPath",
        "/location/path",
        "/path",
    ]
    .iter()
    .find_map(|place| status.pointer(place).and_then(Value::as_str));
    match (done, path) {
        (true, Some(path)) => Progress::Done(path.to_owned()),
        (true, None) => Progress::Failed(format!(
            "it is done, and its status names no path that is known here: {}",
            text::quote(&status.to_string())
        )),
        (false, _) => {
            let how = conditions.last().map(told).filter(|how| !how.is_empty());
            Progress::Waiting(how.unwrap_or_else(|| text::quote(phase)))
        }
    }
}

/// Makes a path on the node of what the status says, which may lead out of
/// the kubelet's directory no more than it may be empty.
fn absolute(path: &str) -> Result<String> {
    let full = if path.starts_with('/') { path.to_owned() } else { format!("{KUBELET_ROOT}/{path}") };
    let full = full.trim_end_matches('/').to_owned();
    let parts: Vec<&str> = full.split('/').skip(1).collect();
    let clean = parts.len() > 2
        && !full.chars().any(char::is_control)
        && parts.iter().all(|part| !part.is_empty() && *part != "." && *part != "..")
        && parts.iter().any(|part| part.contains("checkpoint"));
    if !clean {
        bail!("the status names {:?}, which is not the path of a checkpoint", text::escape(path));
    }
    Ok(full)
}

/// Has the collector make one archive of what is under `path`; returns where it sees that.
///
/// # Errors
///
/// When there is nothing, or it cannot be packed.
pub(super) async fn pack(remote: &Remote, path: &str, archive: &str) -> Result<String> {
    let packed = format!("{PACKED}/{archive}");
    let args = [path, packed.as_str()];
    let limit = Duration::from_secs(3600);
    let output =
        persist("pack the checkpoint through the collector", || remote.run(PACK, &args, limit)).await?;
    match output.stdout.trim() {
        "packed" if output.code == 0 => Ok(packed),
        "file" if output.code == 0 => Ok(path.to_owned()),
        _ => bail!("the collector cannot read the checkpoint: {}", text::quote(&output.stderr)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_of_both_proposals_are_read() {
        let kep = |status: &str, reason: &str, path: Option<&str>| {
            json!({"status": {
                "nodeName": "n",
                "checkpointLocation": path.map(|path| json!({"type": "NodeLocal", "nodeLocal": {"path": path}})),
                "conditions": [{"type": "Ready", "status": status, "reason": reason, "message": "m\u{1b}"}],
            }})
        };
        let path = "pod-checkpoints/checkpoint-web_shop-1";
        assert_eq!(judge(&kep("True", "CheckpointCompleted", Some(path))), Progress::Done(path.into()));
        assert!(
            matches!(judge(&kep("False", "CheckpointInProgress", None)), Progress::Waiting(how) if how.contains("InProgress"))
        );
        for reason in ["CheckpointFailed", "SourcePodReplaced"] {
            let Progress::Failed(why) = judge(&kep("False", reason, None)) else { panic!("{reason}") };
            assert!(why.contains(reason) && !why.contains('\u{1b}'), "{why}");
        }
        assert!(matches!(judge(&kep("True", "CheckpointCompleted", None)), Progress::Failed(_)));
        let node = |phase: &str| json!({"status": {"phase": phase, "checkpointPath": "/var/lib/kubelet/checkpoints/x", "message": "no"}});
        assert_eq!(judge(&node("Succeeded")), Progress::Done("/var/lib/kubelet/checkpoints/x".into()));
        assert_eq!(judge(&node("Failed")), Progress::Failed("no".into()));
        assert!(matches!(judge(&node("Running")), Progress::Waiting(_)));
        for none in [json!({}), json!({"status": 1}), json!({"status": {"conditions": [1, {}]}})] {
            assert!(matches!(judge(&none), Progress::Waiting(_)), "{none}");
        }
    }

    #[test]
    fn paths_stay_where_checkpoints_are() {
        assert_eq!(
            absolute("pod-checkpoints/checkpoint-a").unwrap(),
            "/var/lib/kubelet/pod-checkpoints/checkpoint-a"
        );
        assert_eq!(absolute("/srv/k/checkpoints/a/").unwrap(), "/srv/k/checkpoints/a");
        for wrong in
            ["", "/", "/etc/shadow", "../../etc/checkpoint", "/var/checkpoint/../../etc", "a\nb/checkpoint"]
        {
            assert!(absolute(wrong).is_err(), "{wrong}");
        }
    }
}
