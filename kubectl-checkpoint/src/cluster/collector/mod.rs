//! The collector: a short-lived pod on the node that sees the directory of
//! checkpoints, read-only, and nothing else.
//!
//! It runs as root because the archives belong to root (0600 in a 0700
//! directory), and has nothing else of root: no capabilities, no service
//! account token, no writable file system, no host namespaces. It ends by
//! itself after a deadline, should this program not live to remove it.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};

use super::args::CollectorArgs;
use super::connection::{AskError, Connection};
use super::exec::Remote;
use super::rights::{Right, rbac_yaml};
use super::text;

mod slot;
mod start;

pub use slot::Slot;
pub use start::Running;

/// Where the collector sees the directory of checkpoints.
pub(in crate::cluster) const MOUNT: &str = "/checkpoints";
/// Where it sees the one file, where it sees no more.
pub(in crate::cluster) const FILE: &str = "/checkpoints/criu.log";
/// Where it puts what it packs.
pub(in crate::cluster) const PACKED: &str = "/packed";
/// Name of the collector's only container.
pub(in crate::cluster) const CONTAINER: &str = "collector";
/// Label and value that mark what this program made.
pub(in crate::cluster) const MANAGED_BY: &str = "kubectl-checkpoint";

/// Directory of checkpoints where the kubelet has not named one yet.
const USUAL_DIRECTORY: &str = "/var/lib/kubelet/checkpoints";
/// Stays until it is told to end, and then ends at once: a shell that is
/// process 1 has to handle the signal itself.
const IDLE: &str = "trap 'exit 0' TERM INT; while :; do sleep 3600 & wait $!; done";

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
    /// Whether it may remove files; only `rm` asks for that.
    pub writable: bool,
    /// What it is to see.
    pub view: View,
}

/// What a collector pod sees of its node.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum View {
    /// The directory of the plan.
    #[default]
    Directory,
    /// The one file that the plan names for a directory.
    File,
    /// The directory, and a volume of its own to pack parts of it in.
    Packed,
    /// All processes of the node, as root there. Its only volume is its own.
    Processes,
}

impl Plan {
    /// Plans a collector on a node as the arguments say.
    pub fn new(args: &CollectorArgs, namespace: &str, node: &str, purpose: String) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: Self::fresh_name(),
            node: node.to_owned(),
            image: args.collector_image.clone(),
            directory: args.checkpoints_dir.clone().unwrap_or_else(|| String::from(USUAL_DIRECTORY)),
            deadline: args.collector_deadline,
            purpose,
            writable: false,
            view: View::Directory,
        }
    }

    /// Where commands run once the pod does.
    pub(super) fn remote(&self, connection: &Connection) -> Remote {
        Remote {
            client: connection.client.clone(),
            namespace: self.namespace.clone(),
            pod: self.name.clone(),
            container: String::from(CONTAINER),
        }
    }

    /// The rights that such a pod needs.
    pub fn rights(namespace: &str) -> Vec<Right> {
        let there = |verb: &str, resource: &str, purpose: &str| {
            Right::namespaced(namespace, verb, "", resource, purpose)
        };
        vec![
            there("create", "pods", "make the collector pod"),
            there("get", "pods", "wait for the collector pod"),
            there("delete", "pods", "remove the collector pod"),
            // The WebSocket of exec is a GET; since 1.35 `create` is asked for as well.
            there("get", "pods/exec", "read the archive through the collector pod"),
            there("create", "pods/exec", "read the archive through the collector pod"),
        ]
    }

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
        let mut pod = json!({
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
                        "mountPath": if self.view == View::File { FILE } else { MOUNT },
                        "readOnly": !self.writable,
                    }],
                }],
                "volumes": [{
                    "name": "checkpoints",
                    "hostPath": {
                        "path": self.directory,
                        "type": if self.view == View::File { "File" } else { "Directory" },
                    },
                }],
            },
        });
        match self.view {
            View::Processes => see_processes(&mut pod),
            View::Packed => {
                push(
                    &mut pod,
                    "/spec/containers/0/volumeMounts",
                    json!({ "name": "packed", "mountPath": PACKED }),
                );
                push(&mut pod, "/spec/volumes", json!({ "name": "packed", "emptyDir": {} }));
            }
            View::Directory | View::File => {}
        }
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

    /// Ends where the node is known not to exist: a pod that is pinned to it
    /// would wait for ever, and nobody would remove it.
    ///
    /// # Errors
    ///
    /// When the API server has no such node.
    pub async fn node_exists(&self, connection: &Connection) -> Result<()> {
        let nodes: Api<Node> = Api::all(connection.client.clone());
        match connection.ask(nodes.get(&self.node)).await {
            // Without the right to look, the pod will tell.
            Err(error) if error.code == Some(404) => bail!(
                "there is no node {}; nothing was touched\n  try:   kubectl get nodes, and kubectl checkpoint list",
                text::escape(&self.node)
            ),
            _ => Ok(()),
        }
    }

    fn refused(&self, error: &AskError) -> anyhow::Error {
        let what = format!("cannot make the collector pod in namespace {}: {error}", self.namespace);
        let said = &error.message;
        if self.view == View::Processes
            && (said.contains("violates PodSecurity") || said.contains("privileged"))
        {
            return anyhow!(
                "{what}\n  cause: the namespace's Pod Security level forbids privileged pods and hostPID, which a triage needs\n  \
                 try:   --collector-namespace NAME with a namespace that allows them (level privileged; often kube-system)"
            );
        }
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

/// Reading /proc of others takes their process namespace and the right to trace them.
fn see_processes(pod: &mut Value) {
    let changes = [
        ("/spec/containers/0/securityContext", json!({ "privileged": true, "readOnlyRootFilesystem": true })),
        ("/spec/containers/0/volumeMounts", json!([{ "name": "work", "mountPath": MOUNT }])),
        ("/spec/volumes", json!([{ "name": "work", "emptyDir": {} }])),
    ];
    for (place, value) in changes {
        if let Some(there) = pod.pointer_mut(place) {
            *there = value;
        }
    }
    if let Some(Value::Object(spec)) = pod.pointer_mut("/spec") {
        spec.insert("hostPID".into(), true.into());
    }
}

fn push(pod: &mut Value, place: &str, item: Value) {
    if let Some(Value::Array(list)) = pod.pointer_mut(place) {
        list.push(item);
    }
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
            writable: false,
            view: View::Directory,
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
    fn only_a_triage_is_privileged_and_it_sees_no_directory() {
        let one_file = Plan { view: View::File, directory: "/run/x/criu-dump.log".into(), ..plan() };
        let pod = serde_json::to_value(one_file.pod().unwrap()).unwrap();
        assert_eq!(pod["spec"]["volumes"][0]["hostPath"]["type"], "File");
        assert_eq!(pod["spec"]["containers"][0]["volumeMounts"][0]["mountPath"], FILE);
        let pod = serde_json::to_value(Plan { view: View::Processes, ..plan() }.pod().unwrap()).unwrap();
        assert_eq!(pod["spec"]["hostPID"], true);
        assert_eq!(pod["spec"]["containers"][0]["securityContext"]["privileged"], true);
        assert_eq!(pod["spec"]["automountServiceAccountToken"], false);
        assert!(pod["spec"]["volumes"][0].get("hostPath").is_none());
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
