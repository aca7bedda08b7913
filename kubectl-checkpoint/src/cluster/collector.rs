//! The collector: a short-lived pod on the node that sees the directory of
//! checkpoints, read-only, and nothing else.
//!
//! It runs as root because the archives belong to root (0600 in a 0700
//! directory), and has nothing else of root: no capabilities, no service
//! account token, no writable file system, no host namespaces. It ends by
//! itself after a deadline, should this program not live to remove it.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::Api;
use kube::api::{DeleteParams, ListParams, PostParams};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::connection::{AskError, Connection};
use super::rights::{Right, rbac_yaml};
use super::text;

/// Where the collector sees the directory of checkpoints.
pub(super) const MOUNT: &str = "/checkpoints";
/// Name of the collector's only container.
pub(super) const CONTAINER: &str = "collector";
/// Label and value that mark what this program made.
pub(super) const MANAGED_BY: &str = "kubectl-checkpoint";

/// Stays until it is told to end, and then ends at once: a shell that is
/// process 1 has to handle the signal itself.
const IDLE: &str = "trap 'exit 0' TERM INT; while :; do sleep 3600 & wait $!; done";

/// How long the removal of the pod is watched.
const REMOVAL_LIMIT: Duration = Duration::from_secs(30);

/// What a collector pod is made from.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Namespace of the pod.
    pub namespace: String,
    /// Name of the pod.
    pub name: String,
    /// The node it is pinned to.
    pub node: String,
    /// Its image.
    pub image: String,
    /// The directory on the node it sees.
    pub directory: String,
    /// When it ends by itself.
    pub deadline: Duration,
    /// What it was made for, kept as an annotation.
    pub purpose: String,
}

impl Plan {
    /// Picks a name nobody has. It is chosen here and not by the API server:
    /// a pod whose creation was cut short can so be removed all the same.
    pub fn fresh_name() -> String {
        let mut number = RandomState::new().build_hasher().finish();
        let mut name = String::from("checkpoint-collector-");
        for _ in 0..10 {
            let digit = u32::try_from(number % 36).unwrap_or_default();
            name.push(char::from_digit(digit, 36).unwrap_or('0'));
            number /= 36;
        }
        name
    }

    /// Returns the pod.
    ///
    /// # Errors
    ///
    /// Never in practice: when the description below is not a pod.
    pub fn pod(&self) -> Result<Pod> {
        let pod = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": self.name,
                "namespace": self.namespace,
                "labels": {
                    "app.kubernetes.io/name": "checkpoint-collector",
                    "app.kubernetes.io/managed-by": MANAGED_BY,
                },
                "annotations": { "kubectl-checkpoint/purpose": self.purpose },
            },
            "spec": {
                // Straight to the node: the scheduler has no say, cordoned or not.
                "nodeName": self.node,
                "restartPolicy": "Never",
                "activeDeadlineSeconds": self.deadline.as_secs().max(60),
                "terminationGracePeriodSeconds": 1,
                "automountServiceAccountToken": false,
                "enableServiceLinks": false,
                "tolerations": [{ "operator": "Exists" }],
                "securityContext": {
                    "runAsUser": 0,
                    "runAsGroup": 0,
                    "seccompProfile": { "type": "RuntimeDefault" },
                },
                "containers": [{
                    "name": CONTAINER,
                    "image": self.image,
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["sh", "-c", IDLE],
                    "securityContext": {
                        "allowPrivilegeEscalation": false,
                        "privileged": false,
                        "readOnlyRootFilesystem": true,
                        "capabilities": { "drop": ["ALL"] },
                    },
                    "resources": {
                        "requests": { "cpu": "10m", "memory": "16Mi" },
                        "limits": { "memory": "128Mi" },
                    },
                    "volumeMounts": [{
                        "name": "checkpoints",
                        "mountPath": MOUNT,
                        "readOnly": true,
                    }],
                }],
                "volumes": [{
                    "name": "checkpoints",
                    "hostPath": { "path": self.directory, "type": "Directory" },
                }],
            },
        });
        serde_json::from_value(pod).context("the collector's description is not a pod")
    }

    /// Has the API server check the pod without making it: admission, Pod
    /// Security and quotas speak up before anything is frozen.
    ///
    /// # Errors
    ///
    /// What the API server has against it.
    pub async fn rehearse(&self, connection: &Connection) -> Result<()> {
        let pods: Api<Pod> = Api::namespaced(connection.client.clone(), &self.namespace);
        let params = PostParams { dry_run: true, ..PostParams::default() };
        let pod = self.pod()?;
        match connection.ask(pods.create(&params, &pod)).await {
            Ok(_) => Ok(()),
            // A webhook that cannot be rehearsed is no refusal of the pod.
            Err(error) if error.message.contains("does not support dry run") => Ok(()),
            Err(error) => Err(self.refused(&error)),
        }
    }

    fn refused(&self, error: &AskError) -> anyhow::Error {
        let what = format!("cannot make the collector pod in namespace {}: {error}", self.namespace);
        let said = &error.message;
        if said.contains("violates PodSecurity") || said.contains("hostPath") {
            return anyhow!(
                "{what}\n  cause: the namespace's Pod Security level forbids hostPath volumes, and the archive can only be read through one\n  \
                 try:   --collector-namespace NAME with a namespace that allows them (level privileged; often kube-system)\n  \
                 try:   kubectl create namespace checkpoint-collector && kubectl label namespace checkpoint-collector pod-security.kubernetes.io/enforce=privileged"
            );
        }
        match error.code {
            Some(403) if said.contains("cannot create resource") => {
                let right = Right::namespaced(&self.namespace, "create", "", "pods", "");
                anyhow!("{what}\n\n{}", rbac_yaml("checkpoint-capture", &[right], None).trim_end())
            }
            Some(403) => anyhow!(
                "{what}\n  cause: an admission rule of the cluster refuses the pod\n  try:   --collector-namespace NAME, or --collector-image IMAGE where images are restricted"
            ),
            Some(404) => {
                anyhow!("{what}\n  try:   --collector-namespace NAME with a namespace that exists")
            }
            _ => anyhow!("{what}"),
        }
    }
}

/// A pod that runs, as far as the evidence record wants to know it.
#[derive(Clone, Debug)]
pub struct Running {
    /// UID of the pod.
    pub uid: Option<String>,
    /// The image by digest, as the node resolved it.
    pub image_id: Option<String>,
}

/// The place of at most one collector pod, which outlives the work that fills
/// it: whoever holds it can remove the pod after the work was dropped.
#[derive(Clone, Default)]
pub struct Slot {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    pod: Option<(String, String)>,
    creation: Option<JoinHandle<Result<Pod, AskError>>>,
    /// Whether the API server has confirmed the pod.
    confirmed: bool,
}

impl Slot {
    /// Makes the pod and waits until it runs.
    ///
    /// # Errors
    ///
    /// When it is refused or does not run within `limit`; the pod is then
    /// still in the slot, to be removed.
    pub async fn fill(
        &self,
        connection: &Connection,
        plan: &Plan,
        limit: Duration,
        mut progress: impl FnMut(&str),
    ) -> Result<Running> {
        let pods: Api<Pod> = Api::namespaced(connection.client.clone(), &plan.namespace);
        let pod = plan.pod()?;
        let asking = connection.clone();
        let creating = pods.clone();
        // A task of its own: when this future is dropped by Ctrl-C the request
        // goes on, and removal waits for it instead of racing with it.
        let creation = tokio::spawn(async move {
            let params = PostParams::default();
            asking.ask(creating.create(&params, &pod)).await
        });
        let abandoned = {
            let mut state = self.lock();
            state.pod = Some((plan.namespace.clone(), plan.name.clone()));
            state.confirmed = false;
            state.creation.replace(creation)
        };
        drop(abandoned);
        self.created(plan).await?;
        wait_for_running(connection, &pods, plan, limit, &mut progress).await
    }

    async fn created(&self, plan: &Plan) -> Result<()> {
        loop {
            let finished = self.lock().creation.as_ref().is_none_or(JoinHandle::is_finished);
            if finished {
                break;
            }
            sleep(Duration::from_millis(5)).await;
        }
        let Some(creation) = self.lock().creation.take() else {
            bail!("the collector pod was removed while it was made");
        };
        match creation.await {
            Ok(Ok(_)) => {
                self.lock().confirmed = true;
                Ok(())
            }
            Ok(Err(error)) => {
                if error.code.is_some_and(|code| (400..500).contains(&code)) {
                    // Refused for certain: there is nothing to remove.
                    self.lock().pod = None;
                }
                Err(plan.refused(&error))
            }
            Err(error) => Err(anyhow!("the creation of the collector pod was lost: {error}")),
        }
    }

    /// Removes the pod, if there is one, and waits until it is gone.
    ///
    /// # Errors
    ///
    /// When it may still be there; the message names it and the command that
    /// removes it.
    pub async fn empty(&self, connection: &Connection) -> Result<()> {
        let creation = self.lock().creation.take();
        let mut uncertain = !self.lock().confirmed;
        if let Some(creation) = creation {
            let limit = Duration::from_secs(10);
            uncertain = !matches!(tokio::time::timeout(limit, creation).await, Ok(Ok(Ok(_))));
        }
        let Some((namespace, name)) = self.lock().pod.clone() else {
            return Ok(());
        };
        let pods: Api<Pod> = Api::namespaced(connection.client.clone(), &namespace);
        match remove(&pods, &name, uncertain).await {
            Ok(()) => {
                self.lock().pod = None;
                Ok(())
            }
            Err(why) => Err(anyhow!(
                "the collector pod {name} in namespace {namespace} may still be there ({why}); \
                 remove it: kubectl delete pod -n {namespace} {name}\n  \
                 it ends by itself at its deadline, and holds a read-only view of the node's checkpoints until then"
            )),
        }
    }

    /// Names the pod, if there is one, and the command that removes it.
    pub fn describe(&self) -> Option<String> {
        self.lock().pod.as_ref().map(|(namespace, name)| {
            format!(
                "collector pod {name} may still be there; remove it: kubectl delete pod -n {namespace} {name}"
            )
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Deletes a pod until it is gone. Where its creation is `uncertain` a 404
/// proves nothing at first: the creation may still be on its way.
async fn remove(pods: &Api<Pod>, name: &str, uncertain: bool) -> Result<(), String> {
    let started = Instant::now();
    let mut absent = 0;
    let mut last = String::from("no answer");
    let mut pause = Duration::from_millis(100);
    let mut deleted = false;
    while started.elapsed() < REMOVAL_LIMIT {
        // Every answer gets its own limit: an API server that hangs must not
        // keep the clean-up from being reported.
        let limit = Duration::from_secs(10);
        let step = async {
            if deleted {
                pods.get(name).await.map(|_| ())
            } else {
                pods.delete(name, &DeleteParams::default()).await.map(|_| ())
            }
        };
        match tokio::time::timeout(limit, step).await {
            Ok(Ok(())) => {
                deleted = true;
                last = String::from("its deletion is under way");
            }
            Ok(Err(kube::Error::Api(status))) if status.code == 404 => {
                absent += 1;
                if deleted || !uncertain || absent > 10 {
                    return Ok(());
                }
            }
            Ok(Err(error)) => {
                let error = AskError::from(error);
                let denied = error.code == Some(403);
                last = error.message;
                if denied && deleted {
                    // It may be deleted but not looked at: take the word for it.
                    return Ok(());
                }
                if denied {
                    return Err(last);
                }
            }
            Err(_) => last = String::from("the API server does not answer"),
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(500));
    }
    Err(last)
}

async fn wait_for_running(
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

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan {
            namespace: "shop".into(),
            name: Plan::fresh_name(),
            node: "node-1".into(),
            image: "busybox".into(),
            directory: "/var/lib/kubelet/checkpoints".into(),
            deadline: Duration::from_secs(3600),
            purpose: "test".into(),
        }
    }

    #[test]
    fn the_pod_has_no_more_rights_than_it_needs() {
        let pod = serde_json::to_value(plan().pod().unwrap()).unwrap();
        let spec = &pod["spec"];
        assert_eq!(spec["nodeName"], "node-1");
        assert_eq!(spec["automountServiceAccountToken"], false);
        assert_eq!(spec["activeDeadlineSeconds"], 3600);
        assert_eq!(spec["restartPolicy"], "Never");
        assert_eq!(spec["tolerations"][0]["operator"], "Exists");
        assert_eq!(spec["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
        for absent in ["hostNetwork", "hostPID", "hostIPC", "serviceAccountName"] {
            assert!(spec.get(absent).is_none(), "{absent}");
        }
        assert_eq!(spec["volumes"].as_array().unwrap().len(), 1);
        assert_eq!(spec["volumes"][0]["hostPath"]["type"], "Directory");
        let container = &spec["containers"][0];
        let security = &container["securityContext"];
        assert_eq!(security["allowPrivilegeEscalation"], false);
        assert_eq!(security["readOnlyRootFilesystem"], true);
        assert_eq!(security["capabilities"]["drop"][0], "ALL");
        assert_eq!(container["volumeMounts"][0]["readOnly"], true);
    }

    #[test]
    fn names_differ_and_fit() {
        let names: std::collections::HashSet<String> = (0..100).map(|_| Plan::fresh_name()).collect();
        assert_eq!(names.len(), 100);
        assert!(names.iter().all(|name| name.len() < 63));
    }

    #[test]
    fn refusals_say_what_to_do() {
        let refused = |code, message: &str| {
            let error = AskError { code: Some(code), message: message.into() };
            plan().refused(&error).to_string()
        };
        let said = refused(
            403,
            "pods \"x\" is forbidden: violates PodSecurity \"baseline:latest\": hostPath volumes (volume \"checkpoints\")",
        );
        assert!(said.contains("violates PodSecurity"), "{said}");
        assert!(said.contains("--collector-namespace"), "{said}");
        let said = refused(403, "User \"x\" cannot create resource \"pods\"");
        assert!(said.contains("verbs: [create]"), "{said}");
    }
}
