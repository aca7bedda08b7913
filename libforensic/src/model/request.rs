//! The mounts that the runtime was asked for, beside those that there were.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::Value;

use super::container::document;
use super::network::Source;
use super::{Checkpoint, Mount};

/// A mount that a document asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RequestedMount {
    /// Where it belongs in the container.
    pub mountpoint: String,
    /// `mount`, `root`, `masked-path` or `read-only-path`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// File system type; `bind` for a part of the host's file system.
    pub fstype: Option<String>,
    /// Source: a path of the host, or the file system's name.
    pub source: Option<String>,
    /// Options of mount(8).
    pub options: Vec<String>,
    /// Whether it was to be read-only, where that is said.
    pub read_only: Option<bool>,
    /// The documents that name it.
    pub requested_by: Vec<Source>,
    /// Whether the images have a mount there; `None` without mount images.
    pub mounted: Option<bool>,
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).filter(|s| !s.is_empty()).map(str::to_owned)
}

fn source(member: &str, field: String) -> Source {
    Source { member: member.to_owned(), offset: None, field: Some(field) }
}

fn items<'v>(value: Option<&'v Value>, key: &str) -> impl Iterator<Item = (usize, &'v Value)> {
    value.and_then(|v| v.get(key)).and_then(Value::as_array).into_iter().flatten().enumerate()
}

/// Takes a trailing slash off, as the kernel shows no mount point with one.
fn clean(path: &str) -> String {
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() { "/".to_owned() } else { trimmed.to_owned() }
}

fn from_spec(spec: &Value) -> Vec<RequestedMount> {
    let request = |mountpoint: String, kind: &'static str, field: String| RequestedMount {
        mountpoint,
        kind,
        fstype: None,
        source: None,
        options: Vec::new(),
        read_only: None,
        requested_by: vec![source("spec.dump", field)],
        mounted: None,
    };
    let mut list = Vec::new();
    if let Some(root) = spec.get("root") {
        list.push(RequestedMount {
            source: text(root, "path"),
            read_only: Some(root.get("readonly").and_then(Value::as_bool).unwrap_or(false)),
            ..request("/".to_owned(), "root", "root".to_owned())
        });
    }
    for (i, mount) in items(Some(spec), "mounts") {
        let Some(destination) = text(mount, "destination") else { continue };
        let options: Vec<String> =
            items(Some(mount), "options").filter_map(|(_, o)| o.as_str().map(str::to_owned)).collect();
        list.push(RequestedMount {
            fstype: text(mount, "type"),
            source: text(mount, "source"),
            read_only: Some(options.iter().any(|o| o == "ro")),
            options,
            ..request(clean(&destination), "mount", format!("mounts[{i}]"))
        });
    }
    let linux = spec.get("linux");
    for (key, kind) in [("maskedPaths", "masked-path"), ("readonlyPaths", "read-only-path")] {
        for (i, path) in items(linux, key) {
            let Some(path) = path.as_str() else { continue };
            list.push(RequestedMount {
                read_only: (kind == "read-only-path").then_some(true),
                ..request(clean(path), kind, format!("linux.{key}[{i}]"))
            });
        }
    }
    list
}

impl Checkpoint {
    /// Returns the mounts that the runtime specification, the CRI status and bind.mounts ask for.
    pub fn requested_mounts(&self) -> &[RequestedMount] {
        self.cache.requested.get_or_init(|| {
            let mut list = self.metadata().spec.as_ref().map(from_spec).unwrap_or_default();
            let mut index: HashMap<String, usize> =
                list.iter().enumerate().map(|(i, r)| (r.mountpoint.clone(), i)).collect();
            let status = document(&self.images, "status.dump");
            let binds = document(&self.images, "bind.mounts");
            let cri = items(status.as_ref(), "mounts").map(|(i, m)| {
                let read_only = m.get("readonly").and_then(Value::as_bool).unwrap_or(false);
                let place = source("status.dump", format!("mounts[{i}]"));
                (text(m, "container_path"), text(m, "host_path"), Some(read_only), place)
            });
            let bind = binds.as_ref().and_then(Value::as_array).into_iter().flatten().enumerate();
            let bind = bind.map(|(i, m)| {
                (text(m, "destination"), text(m, "source"), None, source("bind.mounts", format!("[{i}]")))
            });
            let more: Vec<_> = cri.chain(bind).collect();
            for (destination, host, read_only, place) in more {
                let Some(destination) = destination.map(|d| clean(&d)) else { continue };
                if let Some(known) = index.get(&destination).and_then(|i| list.get_mut(*i)) {
                    known.requested_by.push(place);
                    continue;
                }
                index.insert(destination.clone(), list.len());
                list.push(RequestedMount {
                    mountpoint: destination,
                    kind: "mount",
                    fstype: Some("bind".to_owned()),
                    source: host,
                    options: Vec::new(),
                    read_only,
                    requested_by: vec![place],
                    mounted: None,
                });
            }
            let mounted: std::collections::HashSet<String> = self
                .raw_mounts()
                .iter()
                .filter_map(|m| m.mountpoint.as_ref().map(|p| p.to_lossy().into_owned()))
                .collect();
            if !mounted.is_empty() {
                for request in &mut list {
                    request.mounted = Some(mounted.contains(&request.mountpoint));
                }
            }
            list
        })
    }

    /// Says of mounts whether they were asked for, and what is different.
    pub(super) fn compare_with_request(&self, mounts: &mut [Mount]) {
        let requested = self.requested_mounts();
        if requested.is_empty() {
            return;
        }
        // A later request for the same place lies over the earlier one.
        let by_path: HashMap<&str, &RequestedMount> =
            requested.iter().map(|r| (r.mountpoint.as_str(), r)).collect();
        for mount in mounts {
            let path = mount.mountpoint.as_ref().map(|p| p.to_lossy().into_owned()).unwrap_or_default();
            let found = by_path.get(path.as_str()).copied().or_else(|| {
                // Where "cgroup" is asked for, version 1 gives one mount for every hierarchy below it.
                let cgroup = mount.fstype.as_ref().is_some_and(|t| t.as_bytes() == b"cgroup");
                let above = path.rsplit_once('/').map(|(above, _)| above).filter(|_| cgroup)?;
                by_path.get(above).copied().filter(|r| r.fstype.as_deref() == Some("cgroup"))
            });
            mount.differences = Some(found.map_or_else(|| vec!["not-requested"], |r| differences(mount, r)));
            mount.requested = found.cloned();
        }
    }
}

fn differences(mount: &Mount, request: &RequestedMount) -> Vec<&'static str> {
    let mut list = Vec::new();
    if mount.mountpoint.as_ref().is_some_and(|p| p.to_lossy() != request.mountpoint) {
        return list;
    }
    // MS_RDONLY, of the mount or of the file system.
    let read_only = (mount.flags.unwrap_or(0) | mount.super_flags.unwrap_or(0)) & 1 != 0;
    if request.read_only == Some(true) && !read_only {
        list.push("writable");
    }
    if request.kind == "mount" && request.read_only == Some(false) && read_only {
        list.push("read-only");
    }
    let fstype = mount.fstype.as_ref().map(|t| t.to_lossy().into_owned());
    if let (Some(asked), Some(there)) = (request.fstype.as_deref(), fstype)
        && !matches!(asked, "bind" | "none" | "rbind")
        && asked != there
        // A runtime mounts version 2, or a tmpfs to hold several of version 1, where "cgroup" is asked for.
        && asked != "cgroup"
    {
        list.push("fstype");
    }
    list
}
