//! What the engine that made the archive says about the container and its pod.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::images::Images;
use crate::archive::Format;
use crate::error::Warning;

/// Largest metadata document that is parsed, in bytes.
const DOCUMENT_BYTES: u64 = 64 << 20;

/// The program that made the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Engine {
    /// Podman (libpod).
    Podman,
    /// CRI-O.
    #[serde(rename = "cri-o")]
    CriO,
    /// containerd, through its CRI plugin or `ctr`.
    Containerd,
    /// CRIU or a low-level runtime by itself: images without an engine's metadata.
    Criu,
    /// No engine and no CRIU: the files of /proc, read while the processes ran.
    Triage,
    /// There is engine metadata, but of no engine that this version knows.
    Unknown,
}

impl Engine {
    /// Returns the name that JSON and tables use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Podman => "podman",
            Self::CriO => "cri-o",
            Self::Containerd => "containerd",
            Self::Criu => "criu",
            Self::Triage => "triage",
            Self::Unknown => "unknown",
        }
    }
}

/// A container as its engine describes it; absent facts are `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Container {
    /// The name: of the container in its pod, or with Podman the container's own.
    pub name: Option<String>,
    /// The engine's identifier, 64 hexadecimal digits.
    pub id: Option<String>,
    /// The image by name, as the user gave it.
    pub image: Option<String>,
    /// The image by digest or engine identifier.
    pub image_ref: Option<String>,
}

/// A Kubernetes pod (or a Podman pod, of which only the identifier is known).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Pod {
    /// The pod's name.
    pub name: Option<String>,
    /// The pod's namespace.
    pub namespace: Option<String>,
    /// The pod's UID.
    pub uid: Option<String>,
}

/// Everything the metadata members of an archive tell.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Metadata {
    /// Who made the archive.
    pub engine: Engine,
    /// The engine's version, where an image's annotations have it.
    pub engine_version: Option<String>,
    /// The low-level runtime: `runc`, `crun`, `io.containerd.runc.v2` …
    pub runtime: Option<String>,
    /// The container.
    pub container: Container,
    /// The pod, `None` where there is none.
    pub pod: Option<Pod>,
    /// When the container was created, as the engine wrote it (RFC 3339).
    pub created: Option<String>,
    /// When it was checkpointed, as the engine wrote it (RFC 3339).
    pub checkpointed: Option<String>,
    /// When it was restored from an earlier checkpoint, if it was (RFC 3339).
    pub restored: Option<String>,
    /// How often Kubernetes has restarted the container in this pod.
    pub restart_count: Option<u32>,
    /// Host name inside the container.
    pub hostname: Option<String>,
    /// Annotations of the runtime specification.
    pub annotations: BTreeMap<String, String>,
    /// Labels of the container.
    pub labels: BTreeMap<String, String>,
    /// The process id on the host, where containerd recorded it.
    pub host_pid: Option<u32>,
    /// Annotations of the image that the checkpoint was packed in, if it was.
    pub image_annotations: BTreeMap<String, String>,
    /// When the container started, as containerd recorded it (RFC 3339).
    pub started: Option<String>,
    /// `status.dump`, the CRI status of the container, as it is.
    pub status: Option<serde_json::Value>,
    /// containerd's own status of the container, as it is.
    pub containerd_status: Option<serde_json::Value>,
    /// `config.dump` as it is, when it is JSON.
    pub config: Option<serde_json::Value>,
    /// `spec.dump`, the OCI runtime specification, as it is.
    pub spec: Option<serde_json::Value>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ConfigDump {
    id: Option<String>,
    name: Option<String>,
    #[serde(rename = "rootfsImage")]
    rootfs_image: Option<String>,
    #[serde(rename = "rootfsImageRef")]
    rootfs_image_ref: Option<String>,
    #[serde(rename = "rootfsImageName")]
    rootfs_image_name: Option<String>,
    #[serde(rename = "rootfsImageID")]
    rootfs_image_id: Option<String>,
    runtime: Option<String>,
    #[serde(rename = "createdTime")]
    created: Option<String>,
    #[serde(rename = "checkpointedTime")]
    checkpointed: Option<String>,
    #[serde(rename = "restoredTime")]
    restored_time: Option<String>,
    restored: Option<bool>,
    pod: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    #[serde(rename = "staticDir")]
    static_dir: Option<String>,
    #[serde(rename = "lockID")]
    lock_id: Option<serde_json::Value>,
    #[serde(rename = "CreateCommand")]
    create_command: Option<serde_json::Value>,
    #[serde(rename = "conmonPidFile")]
    conmon_pid_file: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct StatusDump {
    id: Option<String>,
    metadata: Option<StatusMetadata>,
    image: Option<StatusImage>,
    image_ref: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct StatusMetadata {
    name: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct StatusImage {
    image: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ContainerdStatus {
    #[serde(rename = "Pid")]
    pid: Option<u32>,
    /// Nanoseconds since the epoch.
    #[serde(rename = "StartedAt")]
    started: Option<i64>,
}

impl Metadata {
    /// Reads the metadata members; what is damaged becomes a warning.
    pub(super) fn read(images: &Images) -> Self {
        let config = document(images, "config.dump");
        let spec = document(images, "spec.dump");
        let status = document(images, "status.dump");
        let fields: ConfigDump = parsed(images, "config.dump", config.as_ref());
        let status_fields: StatusDump = parsed(images, "status.dump", status.as_ref());
        let annotations = string_map(spec.as_ref().and_then(|s| s.get("annotations")));
        let image_annotations = images.archive.annotations();
        let engine = engine(images, &fields, &annotations, config.is_some(), spec.is_some());

        let get = |key: &str| annotations.get(key).filter(|v| !v.is_empty()).cloned();
        let mut labels = fields.labels.unwrap_or_default();
        if let Some(json) = annotations.get("io.kubernetes.cri-o.Labels")
            && let Ok(more) = serde_json::from_str::<BTreeMap<String, String>>(json)
        {
            labels.extend(more);
        }
        labels.extend(status_fields.labels.clone().unwrap_or_default());
        let label = |key: &str| labels.get(key).filter(|v| !v.is_empty()).cloned();

        let pod = Pod {
            name: label("io.kubernetes.pod.name")
                .or_else(|| get("io.kubernetes.pod.name"))
                .or_else(|| get("io.kubernetes.cri.sandbox-name")),
            namespace: label("io.kubernetes.pod.namespace")
                .or_else(|| get("io.kubernetes.pod.namespace"))
                .or_else(|| get("io.kubernetes.cri.sandbox-namespace")),
            uid: label("io.kubernetes.pod.uid")
                .or_else(|| get("io.kubernetes.pod.uid"))
                .or_else(|| get("io.kubernetes.cri.sandbox-uid"))
                // Podman records only the identifier of its pod.
                .or_else(|| fields.pod.clone().filter(|p| !p.is_empty())),
        };
        let container = Container {
            name: label("io.kubernetes.container.name")
                .or_else(|| get("io.kubernetes.container.name"))
                .or_else(|| get("io.kubernetes.cri.container-name"))
                .or_else(|| status_fields.metadata.and_then(|m| m.name))
                .or_else(|| fields.name.clone())
                .or_else(|| image_annotations.get("io.podman.annotations.checkpoint.name").cloned()),
            id: fields.id.clone().or(status_fields.id).or_else(|| get("io.kubernetes.cri-o.ContainerID")),
            image: fields
                .rootfs_image_name
                .or(fields.rootfs_image)
                .or_else(|| status_fields.image.and_then(|i| i.image))
                .or_else(|| get("io.kubernetes.cri-o.ImageName"))
                .or_else(|| get("io.kubernetes.cri.image-name")),
            image_ref: fields
                .rootfs_image_ref
                .or(status_fields.image_ref)
                .or(fields.rootfs_image_id)
                .filter(|s| !s.is_empty()),
        };
        let restart_count = get("io.kubernetes.container.restartCount")
            .or_else(|| {
                status_fields
                    .annotations
                    .as_ref()
                    .and_then(|a| a.get("io.kubernetes.container.restartCount").cloned())
            })
            .and_then(|n| n.parse().ok());
        let engine_version = image_annotations
            .get("io.podman.annotations.checkpoint.podman.version")
            .or_else(|| image_annotations.get("io.kubernetes.cri-o.annotations.checkpoint.cri-o.version"))
            .or_else(|| image_annotations.get("org.criu.checkpoint.engine.version"))
            .cloned();
        let own_status = document(images, "status");
        let containerd: ContainerdStatus = parsed(images, "status", own_status.as_ref());
        Self {
            engine,
            engine_version,
            runtime: fields.runtime.filter(|r| !r.is_empty()),
            container,
            pod: (pod != Pod::default()).then_some(pod),
            created: fields.created.filter(|t| recorded(t)),
            checkpointed: fields.checkpointed.filter(|t| recorded(t)),
            restored: fields.restored_time.filter(|t| recorded(t) && fields.restored != Some(false)),
            restart_count,
            hostname: spec
                .as_ref()
                .and_then(|s| s.get("hostname"))
                .and_then(|h| h.as_str())
                .filter(|h| !h.is_empty())
                .map(str::to_owned),
            annotations,
            labels,
            host_pid: containerd.pid.filter(|p| *p != 0),
            image_annotations: image_annotations.clone(),
            started: containerd
                .started
                .filter(|n| *n > 0)
                .and_then(|n| jiff::Timestamp::from_nanosecond(i128::from(n)).ok())
                .map(|t| t.to_string()),
            status,
            containerd_status: own_status,
            config,
            spec,
        }
    }
}

/// Go writes the zero time for "never".
fn recorded(time: &str) -> bool {
    !time.is_empty() && !time.starts_with("0001-01-01")
}

fn engine(
    images: &Images,
    config: &ConfigDump,
    annotations: &BTreeMap<String, String>,
    has_config: bool,
    has_spec: bool,
) -> Engine {
    let has = |name: &str| images.archive.member(name.as_bytes()).is_some();
    let manager = annotations.get("io.container.manager").map(String::as_str);
    if manager == Some("cri-o") || annotations.keys().any(|k| k.starts_with("io.kubernetes.cri-o.")) {
        return Engine::CriO;
    }
    if manager == Some("libpod")
        || config.lock_id.is_some()
        || config.create_command.is_some()
        || config.static_dir.is_some()
        || config.conmon_pid_file.is_some()
    {
        return Engine::Podman;
    }
    if annotations.keys().any(|k| k.starts_with("io.kubernetes.cri."))
        || config.runtime.as_deref().is_some_and(|r| r.starts_with("io.containerd."))
        || (has("status.dump") && has("status"))
    {
        return Engine::Containerd;
    }
    if images.archive.format() == Format::OciImage
        && let Some(engine) = engine_of_image(images)
    {
        return engine;
    }
    if has_config || has_spec { Engine::Unknown } else { Engine::Criu }
}

fn engine_of_image(images: &Images) -> Option<Engine> {
    let annotations = images.archive.annotations();
    match annotations.get("org.criu.checkpoint.engine.name").map(String::as_str) {
        Some("libpod" | "podman" | "Podman") => return Some(Engine::Podman),
        Some("CRI-O" | "cri-o" | "crio") => return Some(Engine::CriO),
        Some("containerd") => return Some(Engine::Containerd),
        _ => {}
    }
    if annotations.keys().any(|k| k.starts_with("io.podman.annotations.checkpoint.")) {
        return Some(Engine::Podman);
    }
    // CRI-O's annotation is also what containerd looks for: no proof of who made it.
    None
}

/// Reads a JSON member from beside the image directory, or from inside it.
pub(super) fn document(images: &Images, name: &str) -> Option<serde_json::Value> {
    let parent = images.prefix().strip_suffix(b"/").map(|p| match p.iter().rposition(|b| *b == b'/') {
        Some(i) => p.get(..=i).unwrap_or(&[]).to_vec(),
        None => Vec::new(),
    });
    let mut full = parent.unwrap_or_default();
    full.extend_from_slice(name.as_bytes());
    let member = images.archive.member(&full).or_else(|| images.archive.member(name.as_bytes()))?;
    let bytes = match images.archive.data(member).and_then(|d| d.to_vec(DOCUMENT_BYTES)) {
        Ok(bytes) => bytes,
        Err(e) => {
            images.warnings.push(Warning::from(&e.in_member(&member.name)));
            return None;
        }
    };
    match serde_json::from_slice(&bytes) {
        Ok(value) => Some(value),
        Err(e) => {
            images.warnings.push(Warning::new(format!("not valid JSON: {e}")).in_member(&member.name));
            None
        }
    }
}

fn parsed<T: Default + serde::de::DeserializeOwned>(
    images: &Images,
    name: &str,
    value: Option<&serde_json::Value>,
) -> T {
    let Some(value) = value else { return T::default() };
    match T::deserialize(value) {
        Ok(parsed) => parsed,
        Err(e) => {
            images
                .warnings
                .push(Warning::new(format!("a field is not of the expected type: {e}")).in_member(name));
            T::default()
        }
    }
}

fn string_map(value: Option<&serde_json::Value>) -> BTreeMap<String, String> {
    value
        .and_then(|v| v.as_object())
        .map(|o| o.iter().filter_map(|(k, v)| v.as_str().map(|v| (k.clone(), v.to_owned()))).collect())
        .unwrap_or_default()
}
