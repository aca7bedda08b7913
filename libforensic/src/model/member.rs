//! What each member of an archive is, and how much of it can be read.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::text::put_text;
use super::{Checkpoint, Text};
use crate::archive::{Member, MemberKind};
use crate::error::Warning;
use crate::image::{self, ImageStatus};

/// A member of an archive, and how much of it can be read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MemberSummary {
    /// The name in the archive.
    pub name: Text,
    /// The kind: in capitals, as crit names it for an image, in lower case for
    /// what engines add ([`companion_kind`]).
    pub kind: Option<&'static str>,
    /// The size in bytes as the archive gives it.
    pub size: u64,
    /// Records of an image; nothing for what has none.
    pub records: Option<u64>,
    /// How much of the member can be read.
    pub status: ImageStatus,
    /// Fields of the records, at any depth, that this library does not know.
    pub unknown_fields: u64,
    /// The first damage.
    pub damage: Option<String>,
}

impl Serialize for MemberSummary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        put_text(&mut map, "name", Some(&self.name))?;
        map.serialize_entry("kind", &self.kind)?;
        map.serialize_entry("sizeBytes", &self.size)?;
        map.serialize_entry("records", &self.records)?;
        map.serialize_entry("status", self.status.as_str())?;
        map.serialize_entry("unknownFields", &self.unknown_fields)?;
        map.serialize_entry("damage", &self.damage)?;
        map.end()
    }
}

/// Names the kind of a file that engines put beside CRIU's images, by its name in the archive.
///
/// ```
/// use libforensic::model::companion_kind;
///
/// assert_eq!(companion_kind(b"spec.dump"), Some("runtime-spec"));
/// assert_eq!(companion_kind(b"volumes/data.tar"), Some("volume-tar"));
/// assert_eq!(companion_kind(b"pstree.img"), None);
/// ```
pub fn companion_kind(name: &[u8]) -> Option<&'static str> {
    let mut parts = name.rsplit(|byte| *byte == b'/');
    let base = parts.next()?;
    if parts.next() == Some(b"volumes") && base.ends_with(b".tar") {
        return Some("volume-tar");
    }
    Some(match base {
        b"config.dump" => "engine-config",
        b"spec.dump" => "runtime-spec",
        b"network.status" => "network-status",
        // containerd's own state, and the CRI's, which the kubelet saw.
        b"status" => "container-state",
        b"status.dump" => "cri-status",
        b"bind.mounts" => "bind-mounts",
        b"descriptors.json" => "stdio-descriptors",
        b"deleted.files" => "deleted-files",
        b"rootfs-diff.tar" => "rootfs-diff-tar",
        b"devshm-checkpoint.tar" => "devshm-tar",
        b"pod.dump" => "pod-config",
        b"pod.options" => "pod-options",
        b"ctr.log" | b"container.log" | b"io.kubernetes.cri-o.LogPath" => "container-log",
        b"dump.log" | b"restore.log" | b"pre-dump.log" | b"criu.log" | b"dump.log.gz" => "criu-log",
        // A symbolic link in a dump; what copies without links leaves is a file.
        b"parent" => "parent-link",
        _ => return None,
    })
}

impl Checkpoint {
    /// Looks at every regular file of the archive, in its order, without reading pages.
    ///
    /// Damaged ones are among [`Checkpoint::warnings`] afterwards.
    pub fn members(&self) -> impl Iterator<Item = MemberSummary> + '_ {
        self.archive()
            .members()
            .iter()
            .filter(|member| matches!(member.kind, MemberKind::File | MemberKind::Hardlink))
            .map(|member| self.member_summary(member))
    }

    fn member_summary(&self, member: &Member) -> MemberSummary {
        let mut summary = MemberSummary {
            name: Text::new(member.name.clone()),
            kind: None,
            size: member.size,
            records: None,
            status: ImageStatus::Known,
            unknown_fields: 0,
            damage: None,
        };
        let raw = image::Kind::from_file_name(&member.name).filter(|(kind, _)| !kind.info().is_framed());
        let companion = companion_kind(&member.name);
        if let Some((kind, _)) = raw {
            summary.kind = Some(kind.name());
        } else if companion.is_some() {
            summary.kind = companion;
        } else {
            match self
                .archive()
                .data(member)
                .and_then(|d| d.dense().cloned().map_err(|e| e.in_member(&member.name)))
            {
                Ok(data) => {
                    summary.size = data.len().max(member.size);
                    let found = image::summarise(&member.name, data.reader());
                    summary.kind = found.kind.map(image::Kind::name);
                    summary.records = found.records;
                    summary.status = found.status;
                    summary.unknown_fields = found.unknown_fields;
                    if let Some(error) = found.first_error {
                        let mut warning = Warning::new(error.what()).in_member(&member.name);
                        warning.offset = Some(error.offset());
                        self.images.warnings.push(warning);
                        summary.damage = Some(error.to_string());
                    }
                }
                Err(error) => {
                    summary.status = ImageStatus::Damaged;
                    summary.damage = Some(error.to_string());
                    self.images.warnings.push(Warning::from(&error));
                }
            }
        }
        if member.is_truncated() {
            let missing = member.size.saturating_sub(member.available);
            let what = format!("the archive ends {missing} bytes before the member does");
            if summary.damage.is_none() {
                self.images.warnings.push(Warning::new(what.clone()).in_member(&member.name));
                summary.damage = Some(what);
            }
            summary.status = ImageStatus::Damaged;
        }
        summary
    }
}
