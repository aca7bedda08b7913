//! What an answer to a checkpoint request means, and what to do about it.
//!
//! The kubelet answers in plain text, and gives four meanings to 404 alone;
//! the API server in front of it adds answers of its own. [`explain`] is a
//! pure function from what was received to a class, a cause and a remedy. Its
//! tests replay answers recorded from a real cluster (Kubernetes 1.36,
//! containerd 2.1) under `tests/fixtures/kubelet-http/`.

use serde::Deserialize;

use super::text;

/// Which kind of answer it is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Class {
    /// The checkpoint was made; the archive's path follows.
    Captured,
    /// The kubelet does not serve the endpoint: feature gate or debugging handlers off.
    NotServed,
    /// The kubelet does not know the pod.
    NoSuchPod,
    /// The pod has no such container.
    NoSuchContainer,
    /// The timeout in the query is not a whole number of seconds.
    BadTimeout,
    /// The path has too few or too many parts.
    BadPath,
    /// The API server has no such node.
    NoSuchNode,
    /// The API server does not know the resource.
    NoSuchResource,
    /// The credentials are missing or not accepted.
    Unauthenticated,
    /// The API server refuses: the user lacks `nodes/proxy`.
    ForbiddenByApiServer,
    /// The kubelet refuses: whoever speaks to it lacks `nodes/checkpoint`.
    ForbiddenByKubelet,
    /// Not a POST.
    MethodNotAllowed,
    /// The runtime has no running container of that name.
    NotRunning,
    /// The timeout is below zero.
    NegativeTimeout,
    /// The runtime does not know checkpoints.
    RuntimeTooOld,
    /// The runtime's configuration switches checkpoints off.
    RuntimeDisabled,
    /// CRIU is not installed on the node, or too old.
    CriuMissing,
    /// CRIU ran and refused to dump the process tree.
    CriuRefused,
    /// The node's disk is full.
    DiskFull,
    /// The runtime did not finish in time.
    RuntimeTimeout,
    /// Another checkpoint of the same container ran at the same time.
    Concurrent,
    /// The kubelet failed in a way not listed here.
    KubeletError,
    /// The API server cannot reach the kubelet.
    KubeletUnreachable,
    /// Something between here and the kubelet gave up waiting.
    GatewayTimeout,
    /// The API server asks to slow down.
    TooManyRequests,
    /// An answer that fits nothing known.
    Unknown,
}

/// How the request reached the kubelet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Route {
    /// Through `/api/v1/nodes/NODE/proxy` of the API server.
    ApiServer,
    /// Directly to the kubelet's port.
    Kubelet,
}

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// How the request went.
    pub route: Route,
    /// The node.
    pub node: &'a str,
    /// Namespace of the pod.
    pub namespace: &'a str,
    /// The pod.
    pub pod: &'a str,
    /// The container.
    pub container: &'a str,
    /// The runtime and its version, as the node object says.
    pub runtime: Option<&'a str>,
    /// The timeout that was asked for, in seconds.
    pub timeout: Option<u32>,
}

/// What an answer means.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// Its class.
    pub class: Class,
    /// One line: what was tried on what, and how it ended.
    pub summary: String,
    /// What the other side said, fit for a terminal.
    pub said: String,
    /// Why it ended so.
    pub cause: String,
    /// What to do next, the most likely first.
    pub remedies: Vec<String>,
    /// RBAC objects to apply, as YAML, where rights are missing.
    pub rbac: Option<String>,
    /// Path on the node of an archive: whole if captured, partial if the disk was full.
    pub archive: Option<String>,
    /// Path on the node of CRIU's log, where CRIU refused.
    pub log: Option<String>,
}

impl std::fmt::Display for Explanation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.summary)?;
        if !self.said.is_empty() {
            write!(f, "\n  said:  {}", self.said)?;
        }
        if !self.cause.is_empty() {
            write!(f, "\n  cause: {}", self.cause)?;
        }
        for remedy in &self.remedies {
            write!(f, "\n  try:   {remedy}")?;
        }
        if let Some(path) = &self.archive
            && self.class != Class::Captured
        {
            write!(f, "\n  left on the node: {} (partial)", text::escape(path))?;
        }
        if let Some(yaml) = &self.rbac {
            write!(f, "\n\n{}", yaml.trim_end())?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Items {
    items: Vec<String>,
}

#[derive(Deserialize)]
struct Status {
    kind: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    reason: String,
}

/// Explains one answer to a checkpoint request.
///
/// `body` may be anything; what is quoted of it is escaped.
pub fn explain(status: u16, content_type: Option<&str>, body: &[u8], context: &Context<'_>) -> Explanation {
    let body_text = String::from_utf8_lossy(body);
    let is_json = content_type.is_some_and(|kind| kind.starts_with("application/json"));
    let api_status =
        serde_json::from_slice::<Status>(body).ok().filter(|parsed| is_json && parsed.kind == "Status");
    let said = match &api_status {
        Some(parsed) => text::quote(&parsed.message),
        None => text::quote(&body_text),
    };
    let (class, archive) = classify(status, body, &body_text, api_status.as_ref());
    let target = format!("{}/{}/{}", context.namespace, context.pod, context.container);
    let (outcome, cause, remedies, rbac) = words(class, status, &body_text, &said, context);
    let node = context.node;
    let summary = if class == Class::Captured {
        format!("checkpoint of {target} made on node {node}")
    } else {
        format!("checkpoint of {target} on node {node}: {outcome} (HTTP {status})")
    };
    let log = if class == Class::CriuRefused { log_path(&body_text).map(str::to_owned) } else { None };
    Explanation { class, summary, said, cause, remedies, rbac, archive, log }
}

fn classify(
    status: u16,
    body: &[u8],
    body_text: &str,
    api_status: Option<&Status>,
) -> (Class, Option<String>) {
    let said = body_text.trim();
    let class = match status {
        200 => {
            let paths = serde_json::from_slice::<Items>(body).map(|answer| answer.items);
            return match paths {
                Ok(mut paths) if paths.len() == 1 => (Class::Captured, paths.pop()),
                _ => (Class::Unknown, None),
            };
        }
        401 => Class::Unauthenticated,
        403 if api_status.is_none() && said.starts_with("Forbidden (user=") => Class::ForbiddenByKubelet,
        403 => Class::ForbiddenByApiServer,
        404 => match api_status {
            Some(parsed) if parsed.message.starts_with("nodes ") => Class::NoSuchNode,
            Some(_) => Class::NoSuchResource,
            None if said == "404 page not found" => Class::NotServed,
            None if said == "pod does not exist" => Class::NoSuchPod,
            None if said.starts_with("container ") && said.ends_with("does not exist") => {
                Class::NoSuchContainer
            }
            None if said.contains("timeout parameter") => Class::BadTimeout,
            None if said == "404: Page Not Found" => Class::BadPath,
            None => Class::Unknown,
        },
        405 => Class::MethodNotAllowed,
        429 => Class::TooManyRequests,
        500 if api_status.is_none() => return server_error(said),
        500 => api_status.map_or(Class::Unknown, |parsed| {
            if parsed.reason == "Timeout" {
                Class::GatewayTimeout
            } else if parsed.message.contains("error trying to reach") {
                Class::KubeletUnreachable
            } else {
                Class::Unknown
            }
        }),
        502 | 503 => Class::KubeletUnreachable,
        504 => Class::GatewayTimeout,
        _ => Class::Unknown,
    };
    (class, None)
}

/// Tells the kubelet's 500s apart by the text of the CRI error inside.
/// Texts of containerd, CRI-O, runc, the kubelet and the Go standard library.
fn server_error(said: &str) -> (Class, Option<String>) {
    let has = |needle: &str| said.contains(needle);
    let lower = said.to_ascii_lowercase();
    let class = if has("no space left on device") || has("disk quota exceeded") {
        return (Class::DiskFull, partial_archive(said));
    } else if has("timeout value to be > 0") {
        Class::NegativeTimeout
    } else if has("unknown method CheckpointContainer")
        || has("code = Unimplemented")
        || has("Unimplemented desc")
    {
        Class::RuntimeTooOld
    } else if has("support is disabled by configuration") || has("checkpoint/restore support not available") {
        Class::RuntimeDisabled
    } else if lower.contains("criu binary not found")
        || has("requires at least CRIU")
        || has("check for criu version")
        || has("exec: \"criu\"")
    {
        Class::CriuMissing
    } else if has("criu failed") || has("CRIU failed") || has("criu-dump.log") || has("dump.log") {
        Class::CriuRefused
    } else if has("DeadlineExceeded")
        || has("context deadline exceeded")
        || has("RST_STREAM with error code: CANCEL")
        || has("context canceled")
    {
        Class::RuntimeTimeout
    } else if has("ctrd-checkpoint") {
        // containerd's scratch directory, shared by checkpoints of one container.
        Class::Concurrent
    } else if (has("(container ") && has(" not found)"))
        || has("running containers")
        || (has(" is in ") && has(" state") && has("running"))
    {
        Class::NotRunning
    } else {
        Class::KubeletError
    };
    (class, None)
}

/// Finds the path of the archive in `write PATH: no space left on device`.
fn partial_archive(said: &str) -> Option<String> {
    let start = said.find("write /")?.checked_add("write ".len())?;
    let rest = said.get(start..)?;
    let path = rest.get(..rest.find(": ")?)?;
    let name = path.rsplit('/').next()?;
    super::destination::is_archive_name(name).then(|| path.to_owned())
}

type Words = (String, String, Vec<String>, Option<String>);

fn words(class: Class, status: u16, body: &str, said: &str, context: &Context<'_>) -> Words {
    let node = context.node;
    let runtime = context.runtime.map_or_else(
        || String::from("the container runtime"),
        |name| format!("the container runtime ({})", text::escape(name)),
    );
    let plain = |outcome: &str, cause: &str, remedies: &[&str]| -> Words {
        (outcome.to_owned(), cause.to_owned(), remedies.iter().map(|line| (*line).to_owned()).collect(), None)
    };
    match class {
        Class::Captured => plain("", "", &[]),
        Class::NotServed => plain(
            "the kubelet does not serve checkpoints",
            "the feature gate ContainerCheckpoint is off (it is on by default since Kubernetes 1.30), or the kubelet runs with enableDebuggingHandlers: false; the kubelet answers so before it looks at the user",
            &[
                "on that node, in the kubelet's configuration (often /var/lib/kubelet/config.yaml): featureGates: {ContainerCheckpoint: true} and enableDebuggingHandlers: true, then restart the kubelet",
            ],
        ),
        Class::NoSuchPod => plain(
            "the kubelet does not know the pod",
            "the pod ended or moved to another node between the look-up and the request",
            &["look where it is now: kubectl get pod -o wide, then run this again"],
        ),
        Class::NoSuchContainer => plain(
            "the pod has no such container",
            "regular, init and ephemeral containers are looked up, and none has that name",
            &["list them: kubectl get pod -o jsonpath='{.spec.containers[*].name}'"],
        ),
        Class::BadTimeout => plain(
            "the kubelet does not understand the timeout",
            "the kubelet takes whole seconds without a unit; something on the way added or changed the timeout parameter",
            &["leave --timeout out, or look for a proxy that rewrites queries"],
        ),
        Class::BadPath => plain(
            "the kubelet does not know the path",
            "the path of a checkpoint is /checkpoint/NAMESPACE/POD/CONTAINER, and something on the way changed it",
            &["look for a proxy that rewrites paths"],
        ),
        Class::NoSuchNode => plain(
            "the API server has no such node",
            "the node was removed between the look-up and the request",
            &["look where the pod is now: kubectl get pod -o wide"],
        ),
        Class::NoSuchResource => plain(
            "the API server does not know the resource",
            "the address is that of something else than a Kubernetes API server, or a proxy rewrites paths",
            &["check the server of the context: kubectl config view --minify"],
        ),
        Class::Unauthenticated => plain(
            "not logged in",
            if context.route == Route::ApiServer {
                "the API server does not accept the token or certificate, or there is none"
            } else {
                "the kubelet does not accept the token, or there is none"
            },
            &[
                "log in again and check: kubectl auth whoami",
                "where `kubectl auth whoami` is content, the kubelet may refuse the API server itself: see its --kubelet-client-certificate",
            ],
        ),
        Class::ForbiddenByApiServer => (
            String::from("the API server forbids it"),
            String::from(
                "the way through the API server needs the right to create nodes/proxy; the right nodes/checkpoint alone does not reach it",
            ),
            vec![String::from(
                "have the rule below applied (mind that nodes/proxy is close to root on the node)",
            )],
            Some(cluster_role("checkpoint-capture", "nodes/proxy", quoted_user(said))),
        ),
        Class::ForbiddenByKubelet => {
            let user =
                body.split_once("user=").and_then(|(_, rest)| rest.split_once(',')).map(|(user, _)| user);
            let cause = match context.route {
                Route::ApiServer => format!(
                    "the API server let the request pass and the kubelet refused the API server's own identity{}: the role system:kubelet-api-admin has no nodes/checkpoint",
                    user.map_or_else(String::new, |name| format!(" ({})", text::escape(name)))
                ),
                Route::Kubelet => String::from(
                    "the kubelet asks for the right to create nodes/checkpoint; nodes/proxy does not stand in for it",
                ),
            };
            (
                String::from("the kubelet forbids it"),
                cause,
                vec![String::from("have the rule below applied by a cluster administrator")],
                Some(cluster_role("kubelet-checkpoint", "nodes/checkpoint", user)),
            )
        }
        Class::MethodNotAllowed => plain(
            "the kubelet takes POST only",
            "something on the way changed the method of the request",
            &["look for a proxy between here and the API server"],
        ),
        Class::NotRunning => plain(
            "the container is not running",
            "the runtime has no running container of that name: it ended, waits, or has not started; only a running container can be frozen",
            &["look at its state: kubectl get pod -o wide, kubectl describe pod"],
        ),
        Class::NegativeTimeout => plain(
            "the runtime takes no timeout below zero",
            "the timeout must be above zero",
            &["leave --timeout out, or give more than 0"],
        ),
        Class::RuntimeTooOld => (
            String::from("the container runtime cannot make checkpoints"),
            format!(
                "{runtime} does not implement CheckpointContainer; CRI-O has it since 1.25, containerd since 2.0"
            ),
            vec![format!("use a newer runtime on node {node}")],
            None,
        ),
        Class::RuntimeDisabled => (
            String::from("checkpoints are switched off in the container runtime"),
            format!("{runtime} is configured so"),
            vec![
                String::from(
                    "containerd: enable_criu = true in /etc/containerd/config.toml under the CRI runtime plugin, then restart containerd",
                ),
                String::from(
                    "CRI-O: container_level_enabled = \"checkpoint_only\" in [crio.checkpoint_restore] (before that option: enable_criu_support = true in [crio.runtime]) in /etc/crio/crio.conf.d/, then restart CRI-O",
                ),
            ],
            None,
        ),
        Class::CriuMissing => (
            String::from("CRIU is missing on the node, or too old"),
            format!("{runtime} needs a criu of 3.16 or newer in its PATH"),
            vec![format!("install CRIU on node {node} (package criu) and check with: criu check")],
            None,
        ),
        Class::CriuRefused => criu_refused(said, context),
        Class::DiskFull => (
            String::from("the node's disk is full"),
            String::from(
                "the runtime keeps two to four copies of the container's memory while it works, and one archive at the end; what it had written stays at the archive's final path and is not whole",
            ),
            vec![
                format!("on node {node}, remove the partial archive and make room, then run this again"),
                String::from("do not read the partial archive as evidence"),
            ],
            None,
        ),
        Class::RuntimeTimeout => (
            String::from("the container runtime did not finish in time"),
            format!(
                "the limit was {}; the checkpoint was cancelled, and the container goes on",
                match context.timeout {
                    Some(seconds) if seconds > 120 => format!("{seconds} s (--timeout)"),
                    _ => String::from("the kubelet's own (runtimeRequestTimeout, 2m by default)"),
                }
            ),
            vec![
                String::from(
                    "give it longer: --timeout 600 (a value below the kubelet's own limit changes nothing)",
                ),
                format!("if it hangs, look at the runtime on node {node}: journalctl -u containerd -u crio"),
            ],
            None,
        ),
        Class::Concurrent => plain(
            "another checkpoint of the same container ran at the same time",
            "containerd uses one scratch directory for each container, and two checkpoints at once destroy each other",
            &[
                "wait until the other is done, then run this again",
                "if none runs, one that ended badly left …/containers/ID/ctrd-checkpoint on the node: remove it",
            ],
        ),
        Class::KubeletError => (
            String::from("the kubelet could not do it"),
            format!("{runtime} said what is quoted above; it is none of the known causes"),
            vec![format!("look at the logs on node {node}: journalctl -u kubelet -u containerd -u crio")],
            None,
        ),
        Class::KubeletUnreachable => (
            String::from("the API server does not reach the kubelet"),
            String::from(if ["EOF", "connection reset", "closed"].iter().any(|word| said.contains(word)) {
                "the connection to the kubelet broke while it worked: it ended, or a tunnel in the way did"
            } else {
                "the kubelet is down, or a firewall or a broken tunnel is in the way"
            }),
            vec![
                format!("look at the node: kubectl get node {node}, and there: systemctl status kubelet"),
                format!(
                    "nothing was repeated: whether a checkpoint was made is only known on the node: kubectl checkpoint list --node {node}"
                ),
            ],
            None,
        ),
        Class::GatewayTimeout => (
            String::from("something between here and the kubelet gave up waiting"),
            String::from(
                "a load balancer or the API server ended the request; that cancels the checkpoint in most cases",
            ),
            vec![
                String::from("speak to the API server without the load balancer, or raise its idle timeout"),
                format!("look into the checkpoints directory of node {node} before trying again"),
            ],
            None,
        ),
        Class::TooManyRequests => plain(
            "the API server is overloaded",
            "priority and fairness turned the request away; it did not reach the kubelet",
            &["run this again in a while"],
        ),
        Class::Unknown => (
            String::from("an answer that means nothing known"),
            format!(
                "HTTP {status} from {}",
                match context.route {
                    Route::ApiServer => "the API server or something in front of it",
                    Route::Kubelet => "the kubelet's address",
                }
            ),
            vec![format!("look into the checkpoints directory of node {node} before trying again")],
            None,
        ),
    }
}

/// Finds where CRIU's log is: runc says `path= PATH` or, in other versions, `log file: PATH`.
fn log_path(body: &str) -> Option<&str> {
    let (_, rest) = body.split_once("path= ").or_else(|| body.split_once("log file: "))?;
    let path = rest.split([')', '"', '\n', '\\', ' ', ',']).next()?.trim_end_matches(['.', ':']);
    path.starts_with('/').then_some(path)
}

fn criu_refused(said: &str, context: &Context<'_>) -> Words {
    let node = context.node;
    let log = log_path(said).unwrap_or("the runtime's state directory, dump.log");
    let mut remedies = vec![String::from(
        "open TCP connections (the usual reason): put the line `tcp-established` into /etc/criu/runc.conf on the node (with crun: /etc/criu/crun.conf), then run this again; the runtimes do not ask for it themselves",
    )];
    // Only CRI-O hands pod annotations of that name to the OCI runtime.
    if !context.runtime.is_some_and(|name| name.starts_with("containerd")) {
        remedies.push(String::from(
            "with CRI-O a pod may name the file itself: annotation org.criu.config=/etc/criu/FILE.conf",
        ));
    }
    remedies.push(format!("read CRIU's own reason on node {node}, before the container restarts: {log}"));
    remedies.push(String::from(
        "other known refusals: io_uring, SCTP or MPTCP sockets, nested namespaces, processes under a debugger",
    ));
    (
        String::from("CRIU refused to dump the container"),
        String::from(
            "CRIU ran and met something it does not save; most often an established TCP connection. The container goes on",
        ),
        remedies,
        None,
    )
}

/// Finds the user in `User "NAME" cannot create resource …`.
fn quoted_user(said: &str) -> Option<&str> {
    let (_, rest) = said.split_once("User \"")?;
    rest.split_once('"').map(|(user, _)| user)
}

fn cluster_role(name: &str, resource: &str, user: Option<&str>) -> String {
    super::rights::rbac_yaml(name, &[super::rights::Right::cluster("create", resource, "")], user)
}

#[cfg(test)]
#[path = "explain_tests.rs"]
mod tests;
