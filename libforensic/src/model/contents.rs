//! What mapped files held, where it is at hand.
//!
//! CRIU leaves unchanged pages of mapped files to the file system. They can
//! come from the copy of a deleted file in the dump, from the engine's copy
//! of files that the container changed, and from a root file system that the
//! analyst supplies.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::files::Remap;
use super::rootfs::RootFileSystem;
use super::{Checkpoint, Images};
use crate::archive::{Archive, Data, Member, Segment, normalise};
use crate::error::{Error, Result, Warning};
use crate::image::{Kind, Records, number_in, proto};
use crate::memory::{Contents, Layer};

/// What is known of the contents of mapped files.
#[derive(Debug, Default)]
pub(super) struct MappedFiles {
    /// Whether they are looked for at all: that may unpack large members.
    pub enabled: bool,
    pub root: Option<RootFileSystem>,
    diff: OnceLock<Option<Archive>>,
    known: Mutex<HashMap<u32, Option<Arc<Contents>>>>,
    /// Whether a mount, by its id, is the root of the container.
    roots: OnceLock<HashMap<u32, bool>>,
}

impl Images {
    /// Returns the contents of a deleted file; chunks of a sparse one are laid where they belong.
    pub(crate) fn ghost_contents(&self, member: &Member) -> Result<Option<Data>> {
        let data = self.archive.data(member)?;
        data.dense()?;
        let warn = |e: &crate::image::Error| {
            let warning = Warning::new(e.to_string()).in_member(&member.name).at(e.offset());
            self.warnings.push(warning);
        };
        let mut records = match Records::new(Some(Kind::GhostFile), data.reader()) {
            Ok(records) => records,
            Err(e) => {
                warn(&e);
                return Ok(None);
            }
        };
        // Such a message was looked at already.
        let number = |body: &[u8], field: u32| number_in(body, field).ok().flatten().unwrap_or(0);
        let mut body = Vec::new();
        let mut size = 0_u64;
        let mut runs: Vec<Segment> = Vec::new();
        let mut first = true;
        while let Some(frame) = records.next_frame(&mut body) {
            let frame = match frame {
                Ok(frame) => frame,
                Err(e) => {
                    warn(&e);
                    break;
                }
            };
            let start = records.offset();
            if first {
                first = false;
                size = number(&body, 10);
                if frame.payload.len.is_none() {
                    size = data.len().saturating_sub(start);
                    runs.push(Segment { logical: 0, physical: start, len: size });
                    break;
                }
            } else {
                let logical = number(&body, 2);
                let len = frame.payload.len.unwrap_or(0);
                size = size.max(logical.saturating_add(len));
                runs.push(Segment { logical, physical: start, len });
            }
        }
        runs.sort_by_key(|r| r.logical);
        Ok(data.compose(&runs, size))
    }
}

impl Checkpoint {
    /// Returns what a mapped file held, by the number of its record.
    pub(crate) fn mapped_file(&self, id: u32) -> Option<Arc<Contents>> {
        if !self.mapped.enabled {
            return None;
        }
        if let Some(known) = self.mapped.known.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return known.clone();
        }
        let found = self.find_contents(id).map(Arc::new);
        self.mapped.known.lock().unwrap_or_else(PoisonError::into_inner).insert(id, found.clone());
        found
    }

    fn find_contents(&self, id: u32) -> Option<Contents> {
        let files = self.files();
        match files.remap(id) {
            Some(Remap::Ghost(ghost)) => {
                let member = self.images.find(&format!("ghost-file-{ghost:x}.img"))?;
                let data = self.said(self.images.ghost_contents(member))??;
                let name = member.display_name().into_owned();
                return Some(Contents { layer: Layer::DeletedFile, name, data });
            }
            Some(_) => return None,
            None => {}
        }
        let record = files.regular(id)?;
        let path = record.name.clone().filter(|n| n.starts_with(b"/"))?;
        let mount = record.mnt_id.and_then(|id| u32::try_from(id).ok());
        if mount.is_some_and(|id| self.root_mounts().get(&id) == Some(&false)) {
            return None;
        }
        let shown = String::from_utf8_lossy(&path).into_owned();
        if let Some(diff) = self.rootfs_diff()
            && let Some(member) = diff.member(&normalise(&path))
        {
            let data = self.said(diff.data(member))?;
            let name = format!("rootfs-diff.tar:{shown}");
            self.is_same(&record, &data, &name)?;
            return Some(Contents { layer: Layer::RootfsDiff, name, data });
        }
        let root = self.mapped.root.as_ref()?;
        let Some(found) = root.file(&path) else {
            let what =
                format!("{} has no file {shown}: its unchanged pages cannot be read", root.path().display());
            self.images.warnings.push(Warning::new(what));
            return None;
        };
        let data = self.said(found)?;
        let name = format!("{}:{shown}", root.path().display());
        self.is_same(&record, &data, &name)?;
        Some(Contents { layer: Layer::Rootfs, name, data })
    }

    /// Turns an error into a warning.
    fn said<T>(&self, result: Result<T>) -> Option<T> {
        result.map_err(|e: Error| self.images.warnings.push(Warning::from(&e))).ok()
    }

    /// Compares a file with what CRIU recorded of the one that was mapped.
    fn is_same(&self, record: &proto::RegFileEntry, data: &Data, name: &str) -> Option<()> {
        let differs = |what: String| {
            self.images.warn(
                "files.img",
                None,
                &format!("{name} is not the file that was mapped: {what}; it is not used"),
            );
        };
        if let Some(size) = record.size.filter(|size| *size != data.len()) {
            differs(format!("it has {} bytes, and that one had {size}", data.len()));
            return None;
        }
        if !record.build_id.is_empty() {
            let words = record.build_id.iter();
            let big_endian = self.is_big_endian();
            let recorded: Vec<u8> =
                words.flat_map(|w| if big_endian { w.to_be_bytes() } else { w.to_le_bytes() }).collect();
            let mut own = build_id(data).unwrap_or_default();
            // The last word is padded.
            own.resize(own.len().next_multiple_of(4), 0);
            if own != recorded {
                differs("their build-ids differ".to_owned());
                return None;
            }
        }
        Some(())
    }

    fn root_mounts(&self) -> &HashMap<u32, bool> {
        self.mapped.roots.get_or_init(|| {
            let is_root = |m: &super::Mount| m.mountpoint.as_ref().is_some_and(|p| p.as_bytes() == b"/");
            self.raw_mounts().iter().filter_map(|m| Some((m.id?, is_root(m)))).collect()
        })
    }

    /// Returns the engine's copy of files that the container changed.
    fn rootfs_diff(&self) -> Option<&Archive> {
        let open = || {
            let member = self.archive().member(b"rootfs-diff.tar")?;
            self.said(self.archive().nested(member))
        };
        self.mapped.diff.get_or_init(open).as_ref()
    }
}

/// Largest note segment that is looked through, in bytes.
const NOTES: u64 = 64 << 10;

/// Returns the build-id of an ELF file (`NT_GNU_BUILD_ID`).
fn build_id(data: &Data) -> Option<Vec<u8>> {
    let mut ident = [0; 16];
    data.read_exact_at(0, &mut ident).ok()?;
    let [0x7f, b'E', b'L', b'F', class, order, ..] = ident else { return None };
    let wide = class == 2;
    let big = order == 2;
    let number = |at: u64, len: usize| -> Option<u64> {
        let mut bytes = [0; 8];
        let part = bytes.get_mut(..len)?;
        data.read_exact_at(at, part).ok()?;
        if big {
            part.reverse();
        }
        Some(u64::from_le_bytes(bytes))
    };
    let (table, size_at, count_at) = if wide { (number(32, 8)?, 54, 56) } else { (number(28, 4)?, 42, 44) };
    let (size, count) = (number(size_at, 2)?, number(count_at, 2)?);
    for i in 0..count {
        let header = table.checked_add(i.checked_mul(size)?)?;
        // PT_NOTE
        if number(header, 4)? != 4 {
            continue;
        }
        let (offset, length) = if wide {
            (number(header.checked_add(8)?, 8)?, number(header.checked_add(32)?, 8)?)
        } else {
            (number(header.checked_add(4)?, 4)?, number(header.checked_add(16)?, 4)?)
        };
        let end = offset.checked_add(length.min(NOTES))?;
        let mut at = offset;
        while at.checked_add(12)? <= end {
            let (name, size) = (number(at, 4)?, number(at.checked_add(4)?, 4)?);
            let kind = number(at.checked_add(8)?, 4)?;
            let description = at.checked_add(12)?.checked_add(name.next_multiple_of(4))?;
            // NT_GNU_BUILD_ID; the name is "GNU".
            if kind == 3 && name == 4 && size <= 64 && number(at.checked_add(12)?, 4)? == gnu(big) {
                let mut id = vec![0; usize::try_from(size).ok()?];
                data.read_exact_at(description, &mut id).ok()?;
                return Some(id);
            }
            at = description.checked_add(size.next_multiple_of(4))?;
        }
    }
    None
}

/// The letters of "GNU" as a number.
fn gnu(big_endian: bool) -> u64 {
    let bytes = *b"GNU\0";
    u64::from(if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
}
