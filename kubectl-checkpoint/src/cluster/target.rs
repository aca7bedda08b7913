//! What is to be frozen: from the words of the command line to one running
//! container on one node.

use anyhow::{Result, anyhow, bail};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::core::Selector;
use kube::{Api, ResourceExt as _};

use super::connection::{AskError, Connection};
use super::rights::{Right, rbac_yaml};
use super::text;

/// A target as it was typed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Target {
    /// `POD`, `pod/POD` or `POD/CONTAINER`.
    Pod {
        /// Name of the pod.
        name: String,
        /// The container, where one was named.
        container: Option<String>,
    },
    /// A workload, such as `deployment/NAME`, whose pods are looked up.
    Workload {
        /// Which kind of workload.
        kind: WorkloadKind,
        /// Its name.
        name: String,
    },
}

/// Kinds of workload that select pods by labels.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WorkloadKind {
    /// apps/v1 Deployment.
    Deployment,
    /// apps/v1 `StatefulSet`.
    StatefulSet,
    /// apps/v1 `DaemonSet`.
    DaemonSet,
    /// apps/v1 `ReplicaSet`.
    ReplicaSet,
    /// batch/v1 Job.
    Job,
}

impl WorkloadKind {
    /// Kind, plural and API group.
    fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Deployment => ("Deployment", "deployments", "apps"),
            Self::StatefulSet => ("StatefulSet", "statefulsets", "apps"),
            Self::DaemonSet => ("DaemonSet", "daemonsets", "apps"),
            Self::ReplicaSet => ("ReplicaSet", "replicasets", "apps"),
            Self::Job => ("Job", "jobs", "batch"),
        }
    }
}

enum TypeWord {
    Pod,
    Workload(WorkloadKind),
}

fn type_word(word: &str) -> Option<TypeWord> {
    let lower = word.to_ascii_lowercase();
    // kubectl also takes RESOURCE.GROUP and RESOURCE.VERSION.GROUP.
    let plural = lower.split('.').next().unwrap_or_default();
    let kind = match plural {
        "pod" | "pods" | "po" => return (plural == lower).then_some(TypeWord::Pod),
        "deployment" | "deployments" | "deploy" => WorkloadKind::Deployment,
        "statefulset" | "statefulsets" | "sts" => WorkloadKind::StatefulSet,
        "daemonset" | "daemonsets" | "ds" => WorkloadKind::DaemonSet,
        "replicaset" | "replicasets" | "rs" => WorkloadKind::ReplicaSet,
        "job" | "jobs" => WorkloadKind::Job,
        _ => return None,
    };
    let group = kind.names().2;
    let suffix = lower.strip_prefix(plural).unwrap_or_default();
    (suffix.is_empty() || suffix.ends_with(group)).then_some(TypeWord::Workload(kind))
}

impl Target {
    /// Parses `POD`, `POD/CONTAINER` or `TYPE/NAME`.
    ///
    /// A first word that is a type wins: a container of a pod that is itself
    /// called `pod` or `job` is reached by `pod/job -c CONTAINER`.
    ///
    /// # Errors
    ///
    /// When it is neither, or a name is not one Kubernetes would accept.
    pub fn parse(text: &str) -> Result<Self> {
        let Some((first, second)) = text.split_once('/') else {
            return Ok(Self::Pod { name: checked(text)?, container: None });
        };
        Ok(match type_word(first) {
            Some(TypeWord::Pod) => Self::Pod { name: checked(second)?, container: None },
            Some(TypeWord::Workload(kind)) => Self::Workload { kind, name: checked(second)? },
            None => Self::Pod { name: checked(first)?, container: Some(checked(second)?) },
        })
    }
}

impl Target {
    /// The container that is meant, by the target itself or by `-c`.
    ///
    /// # Errors
    ///
    /// When they name two.
    pub(super) fn container<'a>(&'a self, flag: Option<&'a str>) -> Result<Option<&'a str>> {
        let typed = match self {
            Self::Pod { container, .. } => container.as_deref(),
            Self::Workload { .. } => None,
        };
        match (typed, flag) {
            (Some(one), Some(other)) if one != other => {
                bail!("the target names the container {one}, and -c names {other}; give one")
            }
            (one, other) => Ok(other.or(one)),
        }
    }

    /// The rights that looking it up needs.
    pub fn rights(&self, namespace: &str) -> Vec<Right> {
        let right = |verb: &str, group: &str, resource: &str| {
            Right::namespaced(namespace, verb, group, resource, "look up the target")
        };
        match self {
            Self::Pod { .. } => vec![right("get", "", "pods")],
            Self::Workload { kind, .. } => {
                let (_, plural, group) = kind.names();
                vec![right("get", group, plural), right("list", "", "pods")]
            }
        }
    }
}

/// Lets only names through that Kubernetes accepts: they become parts of URL paths.
pub(super) fn checked(name: &str) -> Result<String> {
    let good = !name.is_empty()
        && name.len() <= 253
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric());
    if !good {
        bail!(
            "{name:?} is not the name of a pod or container; a target is POD/CONTAINER, POD or \
             TYPE/NAME, and the namespace goes into -n"
        );
    }
    Ok(name.to_owned())
}

/// Where in the pod's specification a container is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ContainerKind {
    /// In `spec.containers`.
    Regular,
    /// In `spec.initContainers`, running sidecars included.
    Init,
    /// In `spec.ephemeralContainers`.
    Ephemeral,
}

/// One running container on one node.
#[derive(Clone, Debug)]
pub struct Found {
    /// Namespace of the pod.
    pub namespace: String,
    /// Name of the pod.
    pub pod: String,
    /// UID of the pod.
    pub pod_uid: Option<String>,
    /// Name of the container.
    pub container: String,
    /// Where the specification has it.
    pub kind: ContainerKind,
    /// Name of the node.
    pub node: String,
    /// Status of the container when it was looked up.
    pub status: ContainerStatus,
    /// Whether the pod is being deleted.
    pub terminating: bool,
    /// The pod when it was looked up.
    pub object: Pod,
}

/// Looks the target up and makes sure that it can be frozen.
///
/// # Errors
///
/// When there is no such pod or container, when it does not run, or when it is
/// not clear which one is meant; the message then says what to type.
pub async fn find(connection: &Connection, target: &Target, container: Option<&str>) -> Result<Found> {
    let namespace = checked(&connection.namespace)?;
    let pod = pod_of(connection, target).await?;
    select(&namespace, &pod, target.container(container)?)
}

/// Looks up the pod that a target means.
///
/// # Errors
///
/// When there is none, or more than one.
pub(super) async fn pod_of(connection: &Connection, target: &Target) -> Result<Pod> {
    let namespace = checked(&connection.namespace)?;
    let pods: Api<Pod> = Api::namespaced(connection.client.clone(), &namespace);
    match target {
        Target::Pod { name, .. } => connection
            .ask(pods.get(name))
            .await
            .map_err(|error| asked(&error, &namespace, "get", "", "pods", &format!("pod {name}"))),
        Target::Workload { kind, name } => pod_of_workload(connection, &pods, &namespace, *kind, name).await,
    }
}

async fn pod_of_workload(
    connection: &Connection,
    pods: &Api<Pod>,
    namespace: &str,
    kind: WorkloadKind,
    name: &str,
) -> Result<Pod> {
    let (kind_name, plural, group) = kind.names();
    let resource = ApiResource {
        group: group.into(),
        version: "v1".into(),
        api_version: format!("{group}/v1"),
        kind: kind_name.into(),
        plural: plural.into(),
    };
    let workloads: Api<DynamicObject> = Api::namespaced_with(connection.client.clone(), namespace, &resource);
    let what = format!("{} {name}", kind_name.to_ascii_lowercase());
    let workload = connection
        .ask(workloads.get(name))
        .await
        .map_err(|error| asked(&error, namespace, "get", group, plural, &what))?;
    let selector = workload
        .data
        .pointer("/spec/selector")
        .cloned()
        .and_then(|value| serde_json::from_value::<LabelSelector>(value).ok())
        .and_then(|selector| Selector::try_from(selector).ok())
        .ok_or_else(|| anyhow!("the {what} in namespace {namespace} selects no pods by labels"))?;
    let params = ListParams::default().labels_from(&selector);
    let mut found = connection
        .ask(pods.list(&params))
        .await
        .map_err(|error| asked(&error, namespace, "list", "", "pods", &format!("pods of {what}")))?
        .items;
    let all = found.len();
    found.retain(|pod| phase(pod) == "Running" && pod.metadata.deletion_timestamp.is_none());
    if found.len() > 1 {
        let lines: Vec<String> = found
            .iter()
            .map(|pod| {
                let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref());
                format!("  {}  (node {})", text::escape(&pod.name_any()), text::escape(node.unwrap_or("?")))
            })
            .collect();
        bail!(
            "the {what} has {} running pods; name the one to freeze, or take all of them by -l:\n{}",
            found.len(),
            lines.join("\n")
        );
    }
    found
        .pop()
        .ok_or_else(|| anyhow!("the {what} in namespace {namespace} has no running pod ({all} in all)"))
}

pub(super) fn asked(
    error: &AskError,
    namespace: &str,
    verb: &str,
    group: &str,
    resource: &str,
    what: &str,
) -> anyhow::Error {
    match error.code {
        Some(403) => {
            let right = Right::namespaced(namespace, verb, group, resource, "");
            anyhow!(
                "cannot look up {what} in namespace {namespace}: {error}\n\n{}",
                rbac_yaml("checkpoint-capture", &[right], None).trim_end()
            )
        }
        Some(404) => anyhow!(
            "there is no {what} in namespace {namespace} ({error}); another namespace is chosen \
             by -n, and `kubectl get pods -A` shows them all"
        ),
        Some(401) => {
            anyhow!("cannot look up {what}: {error}; log in again, then check: kubectl auth whoami")
        }
        _ => anyhow!("cannot look up {what} in namespace {namespace}: {error}"),
    }
}

pub(super) fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or("Unknown")
}

/// Chooses the container of a pod and checks that it runs.
pub(super) fn select(namespace: &str, pod: &Pod, wanted: Option<&str>) -> Result<Found> {
    let name = pod.name_any();
    let spec = pod.spec.as_ref().ok_or_else(|| anyhow!("the pod {name} has no specification"))?;
    let regular = spec.containers.iter().map(|c| (c.name.as_str(), ContainerKind::Regular));
    let init = spec.init_containers.iter().flatten().map(|c| (c.name.as_str(), ContainerKind::Init));
    let ephemeral =
        spec.ephemeral_containers.iter().flatten().map(|c| (c.name.as_str(), ContainerKind::Ephemeral));
    let all: Vec<(&str, ContainerKind)> = regular.chain(init).chain(ephemeral).collect();
    let (container, kind) = match wanted {
        Some(wanted) => *all.iter().find(|(container, _)| *container == wanted).ok_or_else(|| {
            anyhow!("the pod {name} has no container {wanted:?}; it has:\n{}", listed(&name, pod, &all))
        })?,
        None => match spec.containers.as_slice() {
            [only] => (only.name.as_str(), ContainerKind::Regular),
            _ => bail!(
                "the pod {name} has {} containers; name the one to freeze:\n{}",
                spec.containers.len(),
                listed(&name, pod, &all)
            ),
        },
    };
    let node = spec
        .node_name
        .as_deref()
        .filter(|node| !node.is_empty())
        .ok_or_else(|| anyhow!("the pod {name} is on no node yet (phase {})", phase(pod)))?;
    let status = status_of(pod, container).cloned();
    let running =
        status.as_ref().and_then(|status| status.state.as_ref()).is_some_and(|state| state.running.is_some());
    let status = match status {
        Some(status) if running => status,
        status => bail!(
            "the container {container} of pod {name} in namespace {namespace} is not running \
             ({}), and only a running container can be frozen; nothing was touched",
            describe_state(pod, status.as_ref())
        ),
    };
    Ok(Found {
        namespace: namespace.to_owned(),
        pod_uid: pod.metadata.uid.clone(),
        container: checked(container)?,
        kind,
        node: checked(node)?,
        status,
        terminating: pod.metadata.deletion_timestamp.is_some(),
        object: pod.clone(),
        pod: name,
    })
}

/// Names the containers of a pod that run: regular, init and ephemeral.
pub(super) fn running_containers(pod: &Pod) -> Vec<String> {
    let status = pod.status.as_ref();
    let of = |list: Option<&Vec<ContainerStatus>>| list.cloned().unwrap_or_default();
    of(status.and_then(|s| s.container_statuses.as_ref()))
        .into_iter()
        .chain(of(status.and_then(|s| s.init_container_statuses.as_ref())))
        .chain(of(status.and_then(|s| s.ephemeral_container_statuses.as_ref())))
        .filter(|status| status.state.as_ref().is_some_and(|state| state.running.is_some()))
        .map(|status| status.name)
        .collect()
}

fn status_of<'a>(pod: &'a Pod, container: &str) -> Option<&'a ContainerStatus> {
    let status = pod.status.as_ref()?;
    status
        .container_statuses
        .iter()
        .flatten()
        .chain(status.init_container_statuses.iter().flatten())
        .chain(status.ephemeral_container_statuses.iter().flatten())
        .find(|status| status.name == container)
}

fn describe_state(pod: &Pod, status: Option<&ContainerStatus>) -> String {
    let state = status.and_then(|status| status.state.as_ref());
    let why = |reason: Option<&String>, message: Option<&String>| {
        [reason, message]
            .into_iter()
            .flatten()
            .filter(|part| !part.is_empty())
            .map(|part| text::quote(part))
            .collect::<Vec<_>>()
            .join(": ")
    };
    if let Some(ended) = state.and_then(|state| state.terminated.as_ref()) {
        return format!(
            "it ended with exit code {}{}",
            ended.exit_code,
            ended.reason.as_ref().map_or_else(String::new, |reason| format!(", {}", text::quote(reason)))
        );
    }
    if let Some(waiting) = state.and_then(|state| state.waiting.as_ref()) {
        return format!("it waits: {}", why(waiting.reason.as_ref(), waiting.message.as_ref()));
    }
    if state.is_some_and(|state| state.running.is_some()) {
        return String::from("running");
    }
    format!("no status yet, pod phase {}", text::escape(phase(pod)))
}

fn listed(name: &str, pod: &Pod, all: &[(&str, ContainerKind)]) -> String {
    let lines: Vec<String> = all
        .iter()
        .map(|(container, kind)| {
            let kind = match kind {
                ContainerKind::Regular => "",
                ContainerKind::Init => ", init container",
                ContainerKind::Ephemeral => ", ephemeral container",
            };
            let state = describe_state(pod, status_of(pod, container));
            format!("  {name}/{}  ({state}{kind})", text::escape(container))
        })
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(value: serde_json::Value) -> Pod {
        serde_json::from_value(value).unwrap()
    }

    fn sample() -> Pod {
        pod(serde_json::json!({
            "metadata": {"name": "web", "uid": "u-1"},
            "spec": {
                "nodeName": "node-1",
                "containers": [{"name": "app"}, {"name": "proxy"}],
                "initContainers": [{"name": "setup"}, {"name": "sidecar"}],
                "ephemeralContainers": [{"name": "debug"}]
            },
            "status": {
                "phase": "Running",
                "containerStatuses": [
                    {"name": "app", "ready": true, "restartCount": 0, "image": "i", "imageID": "", "state": {"running": {}}},
                    {"name": "proxy", "ready": false, "restartCount": 0, "image": "i", "imageID": "", "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off \u{1b}[2J"}}}
                ],
                "initContainerStatuses": [
                    {"name": "setup", "ready": true, "restartCount": 0, "image": "i", "imageID": "", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}},
                    {"name": "sidecar", "ready": true, "restartCount": 0, "image": "i", "imageID": "", "state": {"running": {}}}
                ],
                "ephemeralContainerStatuses": [
                    {"name": "debug", "ready": false, "restartCount": 0, "image": "i", "imageID": "", "state": {"running": {}}}
                ]
            }
        }))
    }

    #[test]
    fn targets_are_read_as_documented() {
        let named = |name: &str, container: Option<&str>| Target::Pod {
            name: name.into(),
            container: container.map(Into::into),
        };
        assert_eq!(Target::parse("web").unwrap(), named("web", None));
        assert_eq!(Target::parse("web/app").unwrap(), named("web", Some("app")));
        for typed in ["pod/web", "po/web", "pods/web", "Pod/web"] {
            assert_eq!(Target::parse(typed).unwrap(), named("web", None));
        }
        // Type words win over a pod of that name.
        assert_eq!(Target::parse("pod/app").unwrap(), named("app", None));
        for (typed, kind) in [
            ("deploy/web", WorkloadKind::Deployment),
            ("deployments.apps/web", WorkloadKind::Deployment),
            ("deployments.v1.apps/web", WorkloadKind::Deployment),
            ("sts/web", WorkloadKind::StatefulSet),
            ("ds/web", WorkloadKind::DaemonSet),
            ("rs/web", WorkloadKind::ReplicaSet),
            ("job/web", WorkloadKind::Job),
        ] {
            let name = String::from("web");
            assert_eq!(Target::parse(typed).unwrap(), Target::Workload { kind, name });
        }
        for wrong in ["", "/", "a/", "/a", "a/b/c", "../x", "a b", "A", "a%2fb", "a?x", "-a", "pod/"] {
            assert!(Target::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn every_kind_of_running_container_is_found() {
        let pod = sample();
        for (name, kind) in [
            ("app", ContainerKind::Regular),
            ("sidecar", ContainerKind::Init),
            ("debug", ContainerKind::Ephemeral),
        ] {
            let found = select("shop", &pod, Some(name)).unwrap();
            assert_eq!((found.container.as_str(), found.kind), (name, kind));
            assert_eq!(found.node, "node-1");
        }
    }

    #[test]
    fn what_does_not_run_is_refused_with_its_state() {
        let pod = sample();
        let ended = select("shop", &pod, Some("setup")).unwrap_err().to_string();
        assert!(ended.contains("exit code 0, Completed"), "{ended}");
        let waits = select("shop", &pod, Some("proxy")).unwrap_err().to_string();
        assert!(waits.contains("CrashLoopBackOff"), "{waits}");
        assert!(!waits.contains('\u{1b}'), "{waits}");
    }

    #[test]
    fn an_unclear_container_is_listed() {
        let several = select("shop", &sample(), None).unwrap_err().to_string();
        for line in ["web/app  (running)", "web/sidecar", "web/debug", "it waits"] {
            assert!(several.contains(line), "{several}");
        }
        let unknown = select("shop", &sample(), Some("x")).unwrap_err().to_string();
        assert!(unknown.contains("no container \"x\""), "{unknown}");
    }

    #[test]
    fn a_pod_without_a_node_is_refused() {
        let pod = pod(serde_json::json!({
            "metadata": {"name": "web"},
            "spec": {"containers": [{"name": "app"}]},
            "status": {"phase": "Pending"}
        }));
        let said = select("shop", &pod, None).unwrap_err().to_string();
        assert!(said.contains("no node yet (phase Pending)"), "{said}");
    }
}
