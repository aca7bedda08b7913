//! Checkpoints of whole pods: several containers in one directory or archive.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::{Checkpoint, Options};
use crate::archive::{Archive, Format, KeepAll, MemberKind, OpenOptions};
use crate::error::{Error, ErrorKind, Result};

/// Largest manifest of a pod that is read, in bytes (containerd's own limit).
const MANIFEST_BYTES: u64 = 16 << 20;
/// Most containers of a pod that are opened (containerd's own limit).
const CONTAINERS: usize = 1024;

/// One container of a pod's checkpoint.
#[derive(Debug)]
#[non_exhaustive]
pub struct PodContainer {
    /// The name that the pod's manifest gives it.
    pub name: String,
    /// Its directory or archive inside the pod's.
    pub member: String,
    /// What was opened, or why it could not be.
    pub checkpoint: Result<Checkpoint>,
}

/// How far into an archive a pod's manifest is looked for, in unpacked bytes.
const HEAD: usize = 64 << 10;
/// What tells a pod's checkpoint from a container's.
const MANIFESTS: [&str; 2] = ["checkpoint-manifest.json", "pod.options"];

/// Returns the containers that a pod's manifest names, each with its member; `None` if there is no manifest.
pub(super) fn containers(archive: &Archive) -> Option<Vec<(String, String)>> {
    if archive.member(b"checkpoint-manifest.json").is_some() {
        return Some(manifest_containers(archive));
    }
    archive.member(b"pod.options").is_some().then(|| option_containers(archive))
}

fn json(archive: &Archive, name: &[u8]) -> Option<Value> {
    let data = archive.data(archive.member(name)?).ok()?;
    serde_json::from_slice(&data.to_vec(MANIFEST_BYTES).ok()?).ok()
}

/// containerd's `checkpoint-manifest.json`, version 2: an OCI layout for every container.
fn manifest_containers(archive: &Archive) -> Vec<(String, String)> {
    let manifest = json(archive, b"checkpoint-manifest.json");
    let list = manifest.as_ref().and_then(|m| m.get("containers")).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|c| {
            let text = |key: &str| c.get(key).and_then(Value::as_str).map(str::to_owned);
            Some((text("name").or_else(|| text("id"))?, text("archive")?))
        })
        .collect()
}

/// The first design's `pod.options`: a directory for every container.
fn option_containers(archive: &Archive) -> Vec<(String, String)> {
    let options = json(archive, b"pod.options");
    let list = options.as_ref().and_then(|m| m.get("containers")).and_then(Value::as_object);
    list.into_iter()
        .flatten()
        .map(|(short, full)| {
            // Directories carry one of the two names.
            let full = full.as_str().unwrap_or(short);
            let is = |name: &str| is_directory(archive, name.as_bytes());
            (short.clone(), if is(full) && !is(short) { full.to_owned() } else { short.clone() })
        })
        .collect()
}

fn is_directory(archive: &Archive, name: &[u8]) -> bool {
    let mut start = name.to_vec();
    start.push(b'/');
    archive.members().iter().any(|m| m.name.starts_with(&start))
}

/// Opens one container; its member comes from the manifest, which may name anything.
fn open(pod: &Archive, member: &str, options: &Options) -> Result<Checkpoint> {
    let name = crate::archive::normalise(member.as_bytes());
    let whole = pod.format() == Format::Directory;
    // Only what the archive lists is opened: `..` and symbolic links lead nowhere.
    if is_directory(pod, &name) {
        if whole && name.split(|b| *b == b'/').all(|part| part != b"..") {
            return Checkpoint::open_with(
                pod.path().join(String::from_utf8_lossy(&name).as_ref()),
                options.clone(),
            );
        }
        return Checkpoint::from_archive(pod.below(&name)?);
    }
    // The first design's list has no endings.
    let endings = [&b""[..], b".tar", b".tar.gz", b".tar.zst"];
    let mut names = endings.iter().map(|end| [name.as_slice(), *end].concat());
    match names.find_map(|n| pod.member(&n).filter(|m| m.kind == MemberKind::File)) {
        Some(found) => Checkpoint::from_archive(pod.inner(found)?),
        None => Err(Error::new(
            ErrorKind::NotFound,
            format!("the manifest names {member:?}, and nothing of that name is in the archive"),
        )),
    }
}

impl Checkpoint {
    /// Says whether a file or directory begins as a pod's checkpoint does, compressed or not.
    ///
    /// In an archive the manifest must be the first member, or come before anything large: other
    /// archives are not walked twice.
    pub fn may_be_pod(path: impl AsRef<Path>, options: &OpenOptions) -> bool {
        let path = path.as_ref();
        if path.is_dir() {
            return MANIFESTS.iter().any(|m| path.join(m).is_file());
        }
        if !path.is_file() {
            return false;
        }
        let head = Archive::head(path, HEAD, options).unwrap_or_default();
        head.chunks(512).any(|block| {
            let name = block.get(..100).unwrap_or_default();
            let end = name.iter().position(|b| *b == 0).unwrap_or(name.len());
            let name = name.get(..end).unwrap_or_default();
            let name = name.strip_prefix(b"./").unwrap_or(name);
            MANIFESTS.iter().any(|m| m.as_bytes() == name) && block.get(257..262) == Some(b"ustar")
        })
    }

    /// Opens every container of a pod's checkpoint; `None` if the archive is not of a pod.
    ///
    /// Two forms are known: containerd's `checkpoint-manifest.json` with an
    /// OCI layout for each container, and the `pod.options` of the first
    /// design with a directory for each.
    ///
    /// # Errors
    ///
    /// As [`Checkpoint::open`]. A container that cannot be opened does not
    /// keep the others from being opened.
    pub fn open_pod(path: impl AsRef<Path>, options: &Options) -> Result<Option<Vec<PodContainer>>> {
        let archive = Arc::new(Archive::open_with(path, options.archive.clone(), &mut KeepAll)?);
        let Some(list) = containers(&archive) else { return Ok(None) };
        Ok(Some(
            list.into_iter()
                .take(CONTAINERS)
                .map(|(name, member)| {
                    let checkpoint = open(&archive, &member, options);
                    PodContainer { name, member, checkpoint }
                })
                .collect(),
        ))
    }
}
