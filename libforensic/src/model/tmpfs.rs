//! Files of memory file systems, which CRIU packs into the dump.

use std::collections::HashMap;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Checkpoint;
use super::descriptor::device;
use super::text::{Text, put_text};
use crate::archive::{Archive, MemberKind, OpenOptions};
use crate::error::Warning;

/// One file or directory of a tmpfs.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TmpfsFile {
    /// The member of the archive that holds the file system's tar.
    pub member: String,
    /// `major:minor` of the file system.
    pub device: Option<String>,
    /// Where it was mounted, in the first mount namespace that has it.
    pub mountpoint: Option<Text>,
    /// The path as processes saw it, or inside the file system where no mount is known.
    pub path: Text,
    /// `file`, `directory`, `symlink`, `hardlink` or `other`.
    pub kind: &'static str,
    /// Size in bytes.
    pub size: u64,
    /// Permission bits.
    pub mode: Option<u32>,
    /// Owner.
    pub uid: Option<u64>,
    /// Group.
    pub gid: Option<u64>,
    /// Last change (RFC 3339).
    pub modified: Option<String>,
    /// Where a link points to.
    pub link: Option<Text>,
}

impl Serialize for TmpfsFile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("member", &self.member)?;
        map.serialize_entry("device", &self.device)?;
        put_text(&mut map, "mountpoint", self.mountpoint.as_ref())?;
        put_text(&mut map, "path", Some(&self.path))?;
        map.serialize_entry("type", self.kind)?;
        map.serialize_entry("sizeBytes", &self.size)?;
        map.serialize_entry("mode", &self.mode.map(|m| format!("{:04o}", m & 0o7777)))?;
        map.serialize_entry("uid", &self.uid)?;
        map.serialize_entry("gid", &self.gid)?;
        map.serialize_entry("modified", &self.modified)?;
        put_text(&mut map, "link", self.link.as_ref())?;
        map.end()
    }
}

impl Checkpoint {
    /// Returns what was in memory file systems: CRIU's tmpfs images and Podman's /dev/shm.
    ///
    /// Contents are read through [`Checkpoint::archive`]; here are names only.
    pub fn tmpfs_files(&self) -> Vec<TmpfsFile> {
        let mut by_device: HashMap<u32, Text> = HashMap::new();
        let mut by_id: HashMap<u32, (u32, Text)> = HashMap::new();
        for mount in self.raw_mounts() {
            // Only a mount of the whole file system tells where its paths are.
            let whole = mount.root.as_ref().is_none_or(|r| r.as_bytes() == b"/");
            let Some(point) = mount.mountpoint.filter(|_| whole) else { continue };
            let dev = mount.raw.root_dev.unwrap_or(0);
            if let Some(id) = mount.id {
                by_id.entry(id).or_insert((dev, point.clone()));
            }
            by_device.entry(dev).or_insert(point);
        }
        self.miss_tmpfs();
        let mut files = Vec::new();
        let images: Vec<String> = self
            .images
            .starting_with("tmpfs-")
            .map(|m| String::from_utf8_lossy(m.base_name()).into_owned())
            .collect();
        for name in images {
            let Some(number) = name.strip_prefix("tmpfs-").and_then(|n| n.strip_suffix(".tar.gz.img")) else {
                continue;
            };
            let (dev, point) = if let Some(dev) = number.strip_prefix("dev-").and_then(|n| n.parse().ok()) {
                (Some(dev), by_device.get(&dev).cloned())
            } else {
                // Until CRIU 1.3 the number was that of the mount.
                let found = number.parse().ok().and_then(|id: u32| by_id.get(&id));
                (found.map(|f| f.0), found.map(|f| f.1.clone()))
            };
            if let Some(member) = self.images.find(&name) {
                self.unpack(member, dev.map(device).as_ref(), point.as_ref(), &mut files);
            }
        }
        if let Some(member) = self.archive().member(b"devshm-checkpoint.tar").filter(|m| m.size > 0) {
            self.unpack(member, None, Some(&Text::from("/dev/shm")), &mut files);
        }
        files
    }

    fn unpack(
        &self,
        member: &crate::archive::Member,
        device: Option<&String>,
        mountpoint: Option<&Text>,
        files: &mut Vec<TmpfsFile>,
    ) {
        let name = member.display_name().into_owned();
        let options = OpenOptions { limits: self.archive().limits().clone(), ..OpenOptions::default() };
        let opened = self
            .archive()
            .data(member)
            .and_then(|data| Archive::from_reader(data.reader(), name.as_str(), options));
        let inner = match opened {
            Ok(inner) => inner,
            Err(e) => {
                self.images.warnings.push(Warning::from(&e.in_member(&member.name)));
                return;
            }
        };
        for w in inner.warnings() {
            let what = w.to_string();
            self.images.warnings.push(Warning::new(what).in_member(&member.name));
        }
        for m in inner.members() {
            let mut path = mountpoint.map(|p| p.as_bytes().to_vec()).unwrap_or_default();
            if !m.name.is_empty() {
                if path.last() != Some(&b'/') {
                    path.push(b'/');
                }
                path.extend_from_slice(&m.name);
            }
            files.push(TmpfsFile {
                member: name.clone(),
                device: device.cloned(),
                mountpoint: mountpoint.cloned(),
                path: Text::new(path),
                kind: match m.kind {
                    MemberKind::File => "file",
                    MemberKind::Directory => "directory",
                    MemberKind::Symlink => "symlink",
                    MemberKind::Hardlink => "hardlink",
                    _ => "other",
                },
                size: m.size,
                mode: m.mode,
                uid: m.uid,
                gid: m.gid,
                modified: m.mtime.and_then(super::summary::rfc3339),
                link: m.link.clone().map(Text::new),
            });
        }
    }
}
