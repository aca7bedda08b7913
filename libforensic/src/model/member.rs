//! What each member of an archive is, and how much of it can be read.

use std::collections::HashMap;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::text::put_text;
use super::{Checkpoint, Text};
use crate::archive::{Member, MemberKind};
use crate::error::Warning;
use crate::image::{self, ImageStatus};
use crate::memory::store::surplus;

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
    if name.starts_with(b"triage/exe/") {
        return Some("executable");
    }
    if name.starts_with(b"triage/") && !base.ends_with(b".img") {
        return Some("proc-text");
    }
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

/// Files, and what has the name of one that is read but is no file.
fn is_listed(member: &Member) -> bool {
    match member.kind {
        MemberKind::File | MemberKind::Hardlink => true,
        MemberKind::Directory => false,
        MemberKind::Symlink | MemberKind::Other => {
            // In a dump that is a symbolic link.
            let parent = member.base_name() == b"parent";
            let known = image::Kind::from_file_name(&member.name).is_some();
            !parent && (known || companion_kind(&member.name).is_some())
        }
    }
}

impl Checkpoint {
    /// Looks at every regular file of the archive, in its order, without reading pages.
    ///
    /// Damaged ones are among [`Checkpoint::warnings`] afterwards.
    pub fn members(&self) -> impl Iterator<Item = MemberSummary> + '_ {
        let pages = self.announced_pages();
        let mut linked: HashMap<_, MemberSummary> = HashMap::new();
        self.archive().members().iter().filter(|member| is_listed(member) && !member.is_derived()).map(
            move |member| {
                // A million links may lead to one image; its kind is told by the name.
                let kind = image::Kind::from_file_name(&member.name);
                let is_raw = kind.is_some_and(|(kind, _)| !kind.info().is_framed());
                if member.kind != MemberKind::Hardlink || is_raw {
                    return self.member_summary(member, &pages);
                }
                let key = (std::ptr::from_ref(self.archive().resolved(member)), kind);
                if let Some(known) = linked.get(&key) {
                    return MemberSummary { name: Text::new(member.name.clone()), ..known.clone() };
                }
                let summary = self.member_summary(member, &pages);
                linked.insert(key, summary.clone());
                summary
            },
        )
    }

    /// How many bytes each pages image must have, by directory and number, as the page maps say.
    ///
    /// That a pages image is missing becomes a warning.
    fn announced_pages(&self) -> HashMap<Vec<u8>, u64> {
        let mut announced: HashMap<Vec<u8>, u64> = HashMap::new();
        let mut maps = HashMap::new();
        let page = self.page_size();
        for member in self.archive().members() {
            let kind = image::Kind::from_file_name(&member.name).map(|k| k.0);
            let is_map = matches!(kind, Some(image::Kind::Pagemap | image::Kind::ShmemPagemap));
            if !is_map || self.archive().irregular(member).is_some() {
                continue;
            }
            // Many links may lead to one map.
            let read = *maps
                .entry(std::ptr::from_ref(self.archive().resolved(member)))
                .or_insert_with(|| self.end_of_pages(member, page));
            let Some((id, end)) = read else { continue };
            let mut name = member.directory().to_vec();
            if !name.is_empty() {
                name.push(b'/');
            }
            name.extend_from_slice(format!("pages-{id}.img").as_bytes());
            if end > 0 && self.archive().member(&name).is_none() {
                let what = format!("the pages image pages-{id}.img is missing: it should have {end} bytes");
                self.images.warnings.push(Warning::new(what).in_member(&member.name));
            }
            let longest = announced.entry(name).or_default();
            *longest = end.max(*longest);
        }
        announced
    }

    /// The number of the pages image of a page map, and how many bytes it must have.
    fn end_of_pages(&self, map: &Member, page: u64) -> Option<(u32, u64)> {
        // What is wrong with the map itself is said in its own row.
        let data = self.archive().data(map).ok()?;
        let runs = image::Pagemap::new(std::io::BufReader::new(data.dense().ok()?.reader())).ok()?;
        let id = runs.pages_id()?;
        Some((id, runs.filter_map(Result::ok).fold(0_u64, |at, run| run.end_in_pages(at, page))))
    }

    fn member_summary(&self, member: &Member, pages: &HashMap<Vec<u8>, u64>) -> MemberSummary {
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
        if let Some(what) = self.archive().irregular(member) {
            let known = image::Kind::from_file_name(&member.name).map(|(kind, _)| kind.name());
            summary.kind = known.or(companion);
            summary.status = ImageStatus::Damaged;
            self.images.warnings.push(Warning::new(what.clone()).in_member(&member.name));
            summary.damage = Some(what);
            return summary;
        }
        let size = self.archive().resolved(member).size;
        summary.size = size;
        if let Some((kind, _)) = raw {
            summary.kind = Some(kind.name());
            // Behind an end of the archive nothing more can be said.
            if let Some(announced) = pages.get(&member.name).filter(|_| !member.is_truncated()) {
                if size < *announced {
                    let what = format!(
                        "{size} bytes, and its page map says {announced}: the last pages are missing"
                    );
                    self.images.warnings.push(Warning::new(what.clone()).in_member(&member.name));
                    summary.status = ImageStatus::Damaged;
                    summary.damage = Some(what);
                } else if size > *announced {
                    // CRIU writes what the map announces, and nothing else (criu/page-xfer.c).
                    self.images.warnings.push(surplus(self.archive().resolved(member), *announced));
                }
            }
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
