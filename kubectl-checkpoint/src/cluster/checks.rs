//! What can be known before a freeze about whether it will work, and what it
//! may do to the workload. Nothing here asks the cluster or changes anything.

use k8s_openapi::api::core::v1::{Container, Node, Pod, Probe};
use serde::Serialize;

use super::answer::{Item, or_dash};
use super::target::Found;
use super::text;
use super::vitals::Vitals;

/// How a check came out.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Info,
    /// It could not be found out.
    Unknown,
    /// It may go wrong.
    Warning,
    /// It will not work.
    Failed,
}

impl State {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Info => "info",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// One check and how it came out.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Check {
    /// Stable name of the check.
    #[serde(rename = "check")]
    pub(super) name: &'static str,
    pub(super) state: State,
    /// What was looked at.
    pub(super) subject: String,
    pub(super) detail: String,
    /// What to do about it.
    pub(super) remedy: Option<String>,
}

impl Check {
    pub(super) fn new(check: &'static str, state: State, subject: &str, detail: impl Into<String>) -> Self {
        Self { name: check, state, subject: subject.to_owned(), detail: detail.into(), remedy: None }
    }

    pub(super) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// One line, for a warning.
    pub(super) fn line(&self) -> String {
        let remedy = self.remedy.as_ref().map_or_else(String::new, |remedy| format!("; {remedy}"));
        format!("{}: {}{remedy}", self.subject, self.detail)
    }
}

impl Item for Check {
    const KIND: &'static str = "CheckList";

    fn headers(wide: bool) -> Vec<&'static str> {
        if wide {
            vec!["CHECK", "STATE", "SUBJECT", "DETAIL", "REMEDY"]
        } else {
            vec!["CHECK", "STATE", "SUBJECT", "DETAIL"]
        }
    }

    fn cells(&self, wide: bool) -> Vec<String> {
        let mut cells =
            vec![self.name.into(), self.state.word().into(), self.subject.clone(), self.detail.clone()];
        if wide {
            cells.push(or_dash(self.remedy.as_ref()));
        }
        cells
    }

    fn name(&self) -> Option<String> {
        (self.state == State::Failed).then(|| self.name.to_owned())
    }
}

/// Checks what the node object says.
pub(super) fn node(name: &str, node: &Node) -> Vec<Check> {
    let subject = format!("node {name}");
    let mut checks = Vec::new();
    let status = node.status.as_ref();
    let ready = status.into_iter().flat_map(|s| s.conditions.iter().flatten()).find(|c| c.type_ == "Ready");
    checks.push(match ready {
        Some(condition) if condition.status == "True" => {
            Check::new("node.ready", State::Ok, &subject, "ready")
        }
        Some(condition) => Check::new(
            "node.ready",
            State::Failed,
            &subject,
            format!("not ready: {}", text::quote(condition.message.as_deref().unwrap_or_default())),
        )
        .remedy(format!("look at it: kubectl describe node {name}")),
        None => Check::new("node.ready", State::Unknown, &subject, "the node says nothing of itself"),
    });
    let Some(info) = status.and_then(|status| status.node_info.as_ref()) else {
        return checks;
    };
    if info.operating_system != "linux" {
        let what =
            format!("its operating system is {}; CRIU needs Linux", text::quote(&info.operating_system));
        checks.push(Check::new("node.system", State::Failed, &subject, what));
    }
    checks.push(kubelet(&subject, &info.kubelet_version));
    checks.push(runtime(&subject, &info.container_runtime_version));
    checks
}

/// The first two numbers of a version.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim_start_matches('v').split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn kubelet(subject: &str, said: &str) -> Check {
    let shown = text::quote(said);
    let check =
        |state, what: &str| Check::new("kubelet.version", state, subject, format!("kubelet {shown}{what}"));
    match version(said) {
        Some(found) if found >= (1, 30) => check(State::Ok, ""),
        Some(found) if found >= (1, 25) => {
            check(State::Warning, ": checkpoints are off by default before 1.30")
                .remedy("featureGates: {ContainerCheckpoint: true} in the kubelet's configuration")
        }
        Some(_) => check(State::Failed, ": checkpoints came with 1.25"),
        None => check(State::Unknown, ""),
    }
}

fn runtime(subject: &str, said: &str) -> Check {
    let shown = text::quote(said);
    let check = |state, what: &str| Check::new("runtime.version", state, subject, format!("{shown}{what}"));
    let (name, number) = said.split_once("://").unwrap_or((said, ""));
    match (name, version(number)) {
        ("containerd", Some(found)) if found >= (2, 0) => check(State::Ok, ""),
        ("containerd", Some(_)) => check(State::Failed, ": containerd makes checkpoints since 2.0"),
        ("cri-o", Some(found)) if found >= (1, 25) => check(
            State::Ok,
            "; needs container_level_enabled (before: enable_criu_support) in its configuration",
        ),
        ("cri-o", Some(_)) => check(State::Failed, ": CRI-O makes checkpoints since 1.25"),
        ("docker", _) => check(State::Failed, ": cri-dockerd makes no checkpoints"),
        _ => check(State::Unknown, ": not a runtime that is known to make checkpoints"),
    }
}

/// How many copies of its memory a runtime keeps on disk at the peak.
fn copies(runtime: Option<&str>) -> u64 {
    match runtime {
        Some(name) if name.starts_with("cri-o") => 2,
        // containerd: images, content store, unpacked, archive.
        _ => 4,
    }
}

/// Compares the free disk of the node with what the checkpoint will take.
pub(super) fn disk(node: &str, vitals: &Vitals, runtime: Option<&str>) -> Check {
    let subject = format!("node {node}");
    let Some(free) = vitals.disk_available else {
        return Check::new(
            "node.disk",
            State::Unknown,
            &subject,
            "the kubelet does not say how much disk is free",
        );
    };
    let Some(memory) = vitals.memory else {
        let detail = format!("{} free", text::bytes(free));
        return Check::new("node.disk", State::Info, &subject, detail);
    };
    let copies = copies(runtime);
    let peak = memory.saturating_mul(copies);
    let detail = format!(
        "{} free; the container uses {} of memory, of which the runtime keeps up to {copies} copies on disk",
        text::bytes(free),
        text::bytes(memory)
    );
    let remedy = format!("make room on node {node} first: a full disk hurts everything that runs there");
    if free < memory {
        Check::new("node.disk", State::Failed, &subject, detail).remedy(remedy)
    } else if free < peak {
        Check::new("node.disk", State::Warning, &subject, detail).remedy(remedy)
    } else {
        Check::new("node.disk", State::Ok, &subject, detail)
    }
}

/// Bytes a second that a slow node writes while the container stands still.
const SLOW: u64 = 100_000_000;

/// Checks the container and its pod for what a freeze may trip over.
pub(super) fn container(found: &Found, vitals: Option<&Vitals>) -> Vec<Check> {
    let subject = format!("{}/{}", found.pod, found.container);
    let mut checks = vec![Check::new("container.running", State::Ok, &subject, "running")];
    if found.terminating {
        let detail = "the pod is being deleted; the freeze may come too late";
        checks.push(Check::new("pod.terminating", State::Warning, &subject, detail));
    }
    let memory = vitals.and_then(|vitals| vitals.memory);
    if let Some(probe) =
        specification(&found.object, &found.container).and_then(|c| c.liveness_probe.as_ref())
    {
        checks.push(liveness(&subject, probe, memory));
    }
    checks.extend(refusals(&subject, &found.object, &found.container));
    checks
}

fn specification<'a>(pod: &'a Pod, name: &str) -> Option<&'a Container> {
    let spec = pod.spec.as_ref()?;
    spec.containers
        .iter()
        .chain(spec.init_containers.iter().flatten())
        .find(|container| container.name == name)
}

/// Probes go on during the freeze. Compares how long they are patient with how
/// long the memory takes to be written.
fn liveness(subject: &str, probe: &Probe, memory: Option<u64>) -> Check {
    let seconds =
        |value: Option<i32>, default: u64| value.and_then(|v| u64::try_from(v).ok()).unwrap_or(default);
    let (threshold, period) = (seconds(probe.failure_threshold, 3), seconds(probe.period_seconds, 10));
    let patience = threshold.saturating_mul(period);
    let Some(memory) = memory else {
        let detail = format!(
            "the liveness probe kills the container after {patience} s of silence; how much memory there is to write is not known"
        );
        return Check::new("container.liveness", State::Unknown, subject, detail);
    };
    let freeze = memory.div_ceil(SLOW).saturating_add(1);
    let detail = format!(
        "the liveness probe kills the container after {patience} s of silence; writing {} may take {freeze} s on a slow disk",
        text::bytes(memory)
    );
    if freeze >= patience {
        Check::new("container.liveness", State::Warning, subject, detail)
            .remedy("the checkpoint is whole by then, but the container may be restarted; raise failureThreshold for the time")
    } else {
        Check::new("container.liveness", State::Ok, subject, detail)
    }
}

/// What CRIU is known to refuse, as far as a pod's specification shows it.
fn refusals(subject: &str, pod: &Pod, name: &str) -> Vec<Check> {
    let mut checks = Vec::new();
    let Some(spec) = &pod.spec else {
        return checks;
    };
    let mut hint = |check, detail: String, remedy: &str| {
        checks.push(Check::new(check, State::Info, subject, detail).remedy(remedy));
    };
    if let Some(class) = spec.runtime_class_name.as_deref() {
        hint(
            "pod.runtimeClass",
            format!(
                "runtime class {}: sandboxed runtimes (gVisor, Kata) make no such checkpoints",
                text::quote(class)
            ),
            "see what handler it stands for: kubectl get runtimeclass",
        );
    }
    let container = specification(pod, name);
    let ports = container.is_some_and(|c| c.ports.as_ref().is_some_and(|ports| !ports.is_empty()));
    if ports {
        hint(
            "criu.tcp",
            String::from(
                "it has ports: CRIU refuses open TCP connections unless the node allows them; Go 1.24 and newer listen with MPTCP, which it refuses as well",
            ),
            "tcp-established in /etc/criu/runc.conf on the node; GODEBUG=multipathtcp=0 for the program",
        );
    }
    let devices = container.is_some_and(|c| c.volume_devices.as_ref().is_some_and(|list| !list.is_empty()));
    let limits = container.and_then(|c| c.resources.as_ref()).and_then(|resources| resources.limits.as_ref());
    let gpu = limits.is_some_and(|limits| limits.keys().any(|key| key.ends_with("/gpu")));
    if devices || gpu {
        hint(
            "criu.devices",
            String::from("it has devices, which CRIU saves only with a plugin of their own"),
            "CRIU's plugins for that device on the node",
        );
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state_of(check: &Check) -> State {
        check.state
    }

    #[test]
    fn versions_are_told_apart() {
        assert_eq!(state_of(&kubelet("n", "v1.36.2")), State::Ok);
        assert_eq!(state_of(&kubelet("n", "v1.29.0-eks-1")), State::Warning);
        assert_eq!(state_of(&kubelet("n", "v1.24.9")), State::Failed);
        assert_eq!(state_of(&kubelet("n", "?")), State::Unknown);
        assert_eq!(state_of(&runtime("n", "containerd://2.1.9")), State::Ok);
        assert_eq!(state_of(&runtime("n", "containerd://1.7.27")), State::Failed);
        assert_eq!(state_of(&runtime("n", "cri-o://1.34.1")), State::Ok);
        assert_eq!(state_of(&runtime("n", "cri-o://1.24.0")), State::Failed);
        assert_eq!(state_of(&runtime("n", "other://1")), State::Unknown);
    }

    #[test]
    fn the_disk_is_compared_with_the_memory() {
        let of = |free, memory, runtime| {
            let vitals = Vitals { disk_available: free, memory };
            disk("n", &vitals, runtime).state
        };
        let containerd = Some("containerd://2.1.9");
        assert_eq!(of(Some(500), Some(100), containerd), State::Ok);
        assert_eq!(of(Some(399), Some(100), containerd), State::Warning);
        assert_eq!(of(Some(399), Some(100), Some("cri-o://1.34")), State::Ok);
        assert_eq!(of(Some(99), Some(100), containerd), State::Failed);
        assert_eq!(of(None, Some(100), containerd), State::Unknown);
        assert_eq!(of(Some(99), None, containerd), State::Info);
    }

    #[test]
    fn impatient_probes_are_warned_of() {
        let probe = |threshold, period| Probe {
            failure_threshold: threshold,
            period_seconds: period,
            ..Probe::default()
        };
        let of = |probe: &Probe, memory| liveness("c", probe, memory).state;
        assert_eq!(of(&probe(Some(1), Some(1)), Some(600 << 20)), State::Warning);
        assert_eq!(of(&probe(None, None), Some(600 << 20)), State::Ok);
        assert_eq!(of(&probe(None, None), Some(6 << 30)), State::Warning);
        assert_eq!(of(&probe(None, None), None), State::Unknown);
    }
}
