//! Mounts as /proc/PID/mountinfo shows them.

use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::descriptor::device;
use super::names;
use super::request::RequestedMount;
use super::text::{Text, put_text};
use crate::image::proto;

/// One mount of one mount namespace.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Mount {
    /// CRIU's number of the mount namespace.
    pub namespace: u32,
    /// The kernel's mount id.
    pub id: Option<u32>,
    /// Id of the mount it is mounted on; the root's parent is not in the list.
    pub parent: Option<u32>,
    /// Where it is mounted.
    pub mountpoint: Option<Text>,
    /// File system type; `None` where CRIU has neither a number nor a name for it.
    pub fstype: Option<Text>,
    /// Source: a device, `tmpfs`, `overlay` …
    pub source: Option<Text>,
    /// The part of the file system that is mounted.
    pub root: Option<Text>,
    /// Options of the file system.
    pub options: Option<Text>,
    /// `MS_…` flags of the mount.
    pub flags: Option<u32>,
    /// `MS_…` flags of the file system.
    pub super_flags: Option<u32>,
    /// `major:minor` of the device.
    pub device: Option<String>,
    /// Whether the runtime supplies the mount from outside on restore.
    pub external: bool,
    /// The key by which the runtime supplies it.
    pub external_key: Option<Text>,
    /// Peer group that mounts and unmounts below it are passed on to.
    pub shared_group: Option<u32>,
    /// Peer group that it receives mounts and unmounts from.
    pub master_group: Option<u32>,
    /// Whether its root was deleted while it was mounted.
    pub deleted: bool,
    /// What the runtime was asked to mount there; `None` if nothing, or if no document tells.
    pub requested: Option<RequestedMount>,
    /// What differs from the request: `not-requested`, `writable`, `read-only`, `fstype`; `None`
    /// if no document tells.
    pub differences: Option<Vec<&'static str>>,
    /// The record.
    pub raw: Arc<proto::MntEntry>,
}

impl Mount {
    pub(crate) fn new(namespace: u32, entry: proto::MntEntry) -> Self {
        let text = |bytes: &Option<Vec<u8>>| bytes.clone().map(Text::new);
        let fstype = match entry.fstype {
            // 0 and 16: the name is given, if anything is.
            None | Some(0 | 16) => entry.fsname.clone().filter(|n| !n.is_empty()).map(Text::new),
            Some(n) => names::file_system(n).map(Text::from),
        };
        let external = entry.ext_mount == Some(true) || entry.ext_key.as_ref().is_some_and(|k| !k.is_empty());
        Self {
            namespace,
            id: entry.mnt_id,
            parent: entry.parent_mnt_id,
            mountpoint: text(&entry.mountpoint),
            fstype,
            source: text(&entry.source),
            root: text(&entry.root),
            options: text(&entry.options),
            flags: entry.flags,
            super_flags: entry.sb_flags,
            device: entry.root_dev.map(device),
            external,
            external_key: text(&entry.ext_key).filter(|k| !k.is_empty()),
            shared_group: entry.shared_id.filter(|g| *g != 0),
            master_group: entry.master_id.filter(|g| *g != 0),
            deleted: entry.deleted == Some(true),
            requested: None,
            differences: None,
            raw: Arc::new(entry),
        }
    }

    /// Returns the flags of the mount by name, as mount(8) writes them.
    pub fn flag_names(&self) -> Vec<&'static str> {
        const NAMES: [(u32, &str); 9] = [
            (1, "ro"),
            (2, "nosuid"),
            (4, "nodev"),
            (8, "noexec"),
            (16, "sync"),
            (0x400, "noatime"),
            (0x800, "nodiratime"),
            (0x20_0000, "relatime"),
            (0x100_0000, "strictatime"),
        ];
        let flags = self.flags.unwrap_or(0);
        NAMES.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, name)| *name).collect()
    }
}

impl Serialize for Mount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("mountNamespace", &self.namespace)?;
        map.serialize_entry("mountId", &self.id)?;
        map.serialize_entry("parentId", &self.parent)?;
        put_text(&mut map, "mountpoint", self.mountpoint.as_ref())?;
        put_text(&mut map, "fstype", self.fstype.as_ref())?;
        put_text(&mut map, "source", self.source.as_ref())?;
        put_text(&mut map, "root", self.root.as_ref())?;
        put_text(&mut map, "options", self.options.as_ref())?;
        map.serialize_entry("flags", &self.flag_names())?;
        map.serialize_entry("device", &self.device)?;
        map.serialize_entry("external", &self.external)?;
        put_text(&mut map, "externalKey", self.external_key.as_ref())?;
        map.serialize_entry("sharedGroup", &self.shared_group)?;
        map.serialize_entry("masterGroup", &self.master_group)?;
        map.serialize_entry("deleted", &self.deleted)?;
        map.serialize_entry("requested", &self.requested)?;
        map.serialize_entry("differences", &self.differences)?;
        map.end()
    }
}
