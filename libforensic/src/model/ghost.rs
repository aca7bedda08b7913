//! Ghost files: deleted files whose contents CRIU keeps with the dump.

use std::io::Read as _;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::Checkpoint;
use super::descriptor::device;
use super::text::{Text, put_text};
use crate::image::{Kind, Records, proto};

/// A deleted file that was still in use (criu/files-reg.c).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Ghost {
    /// CRIU's number; the image's name has it in hexadecimal.
    pub id: u32,
    /// The image.
    pub member: String,
    /// Type and permission bits.
    pub mode: Option<u32>,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
    /// `major:minor` of the file system's device.
    pub device: Option<String>,
    /// Inode number; equal ones with the same device are hard links to one file.
    pub inode: Option<u64>,
    /// Size in bytes, holes included; `None` for what is no regular file.
    pub size: Option<u64>,
    /// Bytes of the image that hold contents, with the heads of chunks.
    pub stored: u64,
    /// Whether holes are left out.
    pub sparse: bool,
    /// Last access (RFC 3339).
    pub accessed: Option<String>,
    /// Last change of the contents (RFC 3339).
    pub modified: Option<String>,
    /// Where a symbolic link pointed to.
    pub link: Option<Text>,
    /// The record.
    pub raw: proto::GhostFileEntry,
}

/// The first record of a ghost image is far shorter than this.
const HEAD_BYTES: u64 = 64 << 10;

fn time(t: Option<&proto::Timeval>) -> Option<String> {
    let t = t?;
    let seconds = i64::try_from(t.tv_sec?).ok()?;
    let nanoseconds = i32::try_from(t.tv_usec.unwrap_or(0).checked_mul(1000)?).ok()?;
    jiff::Timestamp::new(seconds, nanoseconds).ok().map(|t| t.to_string())
}

impl Checkpoint {
    /// Returns what is known of a ghost file, without its contents; `None` if the image is missing or damaged.
    pub fn ghost(&self, id: u32) -> Option<Ghost> {
        let name = format!("ghost-file-{id:x}.img");
        let Some(member) = self.images.find(&name) else {
            self.images.warn(&name, None, "the image of a deleted file is missing");
            return None;
        };
        let data = match self.archive().data(member) {
            Ok(data) => data,
            Err(e) => {
                self.images.warnings.push(crate::Warning::from(&e));
                return None;
            }
        };
        let head = data.reader().take(HEAD_BYTES);
        let first = Records::new(Some(Kind::GhostFile), head).map(|r| r.without_payloads().next());
        let record = match first {
            Ok(Some(Ok(record))) => record,
            Ok(Some(Err(e))) | Err(e) => {
                self.images.warn(&name, Some(e.offset()), &e.to_string());
                return None;
            }
            Ok(None) => {
                self.images.warn(&name, None, "the image holds no readable record");
                return None;
            }
        };
        let raw: proto::GhostFileEntry = match record.decode() {
            Ok(raw) => raw,
            Err(e) => {
                self.images.warn(&name, Some(e.offset()), &e.to_string());
                return None;
            }
        };
        let stored = member.size.saturating_sub(record.payload.offset);
        let sparse = raw.chunks == Some(true);
        let regular = raw.mode.is_some_and(|m| m & 0o170_000 == 0o100_000);
        Some(Ghost {
            id,
            member: member.display_name().into_owned(),
            mode: raw.mode,
            uid: raw.uid,
            gid: raw.gid,
            device: raw.dev.map(device),
            inode: raw.ino,
            size: if !regular {
                None
            } else if sparse {
                raw.size
            } else {
                Some(stored)
            },
            stored,
            sparse,
            accessed: time(raw.atim.as_ref()),
            modified: time(raw.mtim.as_ref()),
            link: raw.symlnk_target.clone().filter(|l| !l.is_empty()).map(Text::new),
            raw,
        })
    }
}

impl Serialize for Ghost {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", "ghost")?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("member", &self.member)?;
        map.serialize_entry("mode", &self.mode.map(|m| format!("{m:07o}")))?;
        map.serialize_entry("uid", &self.uid)?;
        map.serialize_entry("gid", &self.gid)?;
        map.serialize_entry("device", &self.device)?;
        map.serialize_entry("inode", &self.inode)?;
        map.serialize_entry("sizeBytes", &self.size)?;
        map.serialize_entry("storedBytes", &self.stored)?;
        map.serialize_entry("sparse", &self.sparse)?;
        map.serialize_entry("accessed", &self.accessed)?;
        map.serialize_entry("modified", &self.modified)?;
        put_text(&mut map, "link", self.link.as_ref())?;
        map.end()
    }
}
