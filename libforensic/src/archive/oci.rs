//! OCI and Docker images that were made from a checkpoint.
//!
//! Podman (`--create-image`), Buildah recipes for CRI-O and containerd, and
//! `ctr tasks checkpoint` pack a checkpoint into an image. The members of
//! its layers become the members of the archive, as if it had been the tar
//! that the runtime wrote.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Deserialize;

use super::compression::{self, Compression, Notes};
use super::index::{self, Index};
use super::{Archive, Data, Extent, Format, KeepAll, Member, MemberKind, Source};
use crate::error::{Error, ErrorKind, Result, Warning, Warnings};

/// Annotations of an image's index, manifest and configuration, by key.
pub type Annotations = BTreeMap<String, String>;

/// Largest JSON document of an image that is read, in bytes.
const DOCUMENT_BYTES: u64 = 16 << 20;
/// How deep an index may point to another index.
const DEPTH: u32 = 4;
/// How many layers and parts an image may have.
const LAYERS: usize = 1024;

#[derive(Deserialize)]
struct ImageIndex {
    #[serde(default)]
    manifests: Vec<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
    #[serde(default)]
    config: Option<Descriptor>,
    #[serde(default)]
    annotations: Option<Annotations>,
}

#[derive(Deserialize)]
struct Descriptor {
    #[serde(rename = "mediaType", default)]
    media_type: String,
    #[serde(default)]
    digest: String,
    #[serde(default)]
    annotations: Option<Annotations>,
    #[serde(default)]
    platform: Option<Platform>,
}

#[derive(Deserialize)]
struct Platform {
    #[serde(default)]
    architecture: String,
}

#[derive(Deserialize)]
struct DockerManifest {
    #[serde(rename = "Layers", default)]
    layers: Vec<String>,
    #[serde(rename = "Config", default)]
    config: Option<String>,
}

#[derive(Deserialize)]
struct ImageConfig {
    #[serde(default)]
    config: Option<InnerConfig>,
}

#[derive(Deserialize)]
struct InnerConfig {
    #[serde(rename = "Labels", default)]
    labels: Option<Annotations>,
}

enum Part {
    /// A layer whose files are the checkpoint's.
    Layer(String),
    /// containerd: a tar of CRIU images only.
    CriuImages(String),
    /// containerd: the container's writable layer, kept as a member.
    RootfsDiff(String),
}

/// Replaces an image's own members by those of its layers; other archives pass unchanged.
pub(super) fn resolve(archive: Archive) -> Result<Archive> {
    let has = |name: &[u8]| archive.member(name).is_some_and(|m| m.kind == MemberKind::File);
    let mut parts = Vec::new();
    let mut annotations = Annotations::new();
    let mut warnings = Vec::new();
    if has(b"checkpoint/pstree.img") || has(b"pstree.img") || has(b"config.dump") {
        return Ok(archive);
    }
    if has(b"index.json")
        && (has(b"oci-layout") || archive.members().iter().any(|m| m.name.starts_with(b"blobs/")))
    {
        document(&archive, "index.json", 0, &mut parts, &mut annotations, &mut warnings)?;
    } else if has(b"manifest.json") {
        let bytes = small(&archive, "manifest.json")?;
        let Ok(images) = serde_json::from_slice::<Vec<DockerManifest>>(&bytes) else { return Ok(archive) };
        for image in images {
            parts.extend(image.layers.into_iter().map(Part::Layer));
            if let Some(config) = image.config {
                labels(&archive, &config, &mut annotations);
            }
        }
    } else {
        return Ok(archive);
    }
    let mut members: Vec<Member> = Vec::new();
    for part in parts.iter().take(LAYERS) {
        if let Err(e) = add(&archive, part, &mut members, &mut warnings) {
            warnings.push(Warning::from(&e));
        }
    }
    if !members.iter().any(|m| m.base_name() == b"config.dump" || m.base_name() == b"inventory.img") {
        let mut e = Error::new(
            ErrorKind::NotACheckpoint,
            "this is an OCI or Docker image, and none of its layers holds a checkpoint",
        );
        if let Some(w) = warnings.first() {
            e = e.with_source(w.to_string());
        }
        return Err(e);
    }
    let all = Warnings::default();
    for warning in warnings {
        all.push(warning);
    }
    all.take_from(&archive.warnings);
    let mut image = Archive::assemble(
        &archive.path,
        Format::OciImage,
        archive.compression,
        archive.bytes,
        Index { members, warnings: all, cut: archive.cut, ..Index::default() },
        archive.options,
        Source::Random,
    );
    image.annotations = annotations;
    Ok(image)
}

fn document(
    archive: &Archive,
    name: &str,
    depth: u32,
    parts: &mut Vec<Part>,
    annotations: &mut Annotations,
    warnings: &mut Vec<Warning>,
) -> Result<()> {
    if depth > DEPTH {
        warnings.push(Warning::new("image indexes point to each other too deeply").in_member(name));
        return Ok(());
    }
    let bytes = small(archive, name)?;
    let index: ImageIndex = serde_json::from_slice(&bytes)
        .map_err(|e| Error::new(ErrorKind::Corrupt, "the image index").in_member(name).with_source(e))?;
    annotations.extend(index.annotations.unwrap_or_default());
    if let Some(config) = index.config
        && let Some(blob) = blob_name(&config.digest)
    {
        labels(archive, &blob, annotations);
    }
    for descriptor in index.layers.iter().chain(&index.manifests) {
        let Some(blob) = blob_name(&descriptor.digest) else {
            warnings.push(Warning::new("a digest is not of the form algorithm:hex").in_member(name));
            continue;
        };
        if parts.len() >= LAYERS {
            warnings.push(
                Warning::new(format!("more than {LAYERS} layers; the rest is not read")).in_member(name),
            );
            break;
        }
        let kind = descriptor.media_type.as_str();
        annotations.extend(descriptor.annotations.clone().unwrap_or_default());
        if kind.contains("criu.checkpoint")
            || kind.contains("checkpoint.criu.tar")
            || kind.contains("criu.tar")
        {
            parts.push(Part::CriuImages(blob));
        } else if kind.contains("containerd.container.checkpoint") {
            // Protobuf configuration of containerd's own; named in the image, not needed to read it.
        } else if is_layer(kind) {
            let from_index = index.manifests.iter().any(|d| std::ptr::eq(d, descriptor));
            parts.push(if from_index { Part::RootfsDiff(blob) } else { Part::Layer(blob) });
        } else if (kind.contains("manifest") || kind.contains("index") || kind.is_empty())
            && let Err(e) = document(archive, &blob, depth.saturating_add(1), parts, annotations, warnings)
        {
            warnings.push(Warning::from(&e));
        }
    }
    Ok(())
}

fn is_layer(media_type: &str) -> bool {
    media_type.contains("image.layer") || media_type.contains("rootfs.diff.tar")
}

fn labels(archive: &Archive, name: &str, annotations: &mut Annotations) {
    let Ok(bytes) = small(archive, name) else { return };
    if let Ok(ImageConfig { config: Some(InnerConfig { labels: Some(labels) }) }) =
        serde_json::from_slice(&bytes)
    {
        for (key, value) in labels {
            annotations.entry(key).or_insert(value);
        }
    }
}

fn small(archive: &Archive, name: &str) -> Result<Vec<u8>> {
    let member = archive.member(name.as_bytes()).ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "the image names a part that is not in it").in_member(name)
    })?;
    archive.data(member)?.to_vec(DOCUMENT_BYTES).map_err(|e| e.in_member(name))
}

/// `sha256:abc…` names the member `blobs/sha256/abc…`.
fn blob_name(digest: &str) -> Option<String> {
    let (algorithm, hex) = digest.split_once(':')?;
    let plain = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric());
    (plain(algorithm) && plain(hex)).then(|| format!("blobs/{algorithm}/{hex}"))
}

fn add(archive: &Archive, part: &Part, members: &mut Vec<Member>, warnings: &mut Vec<Warning>) -> Result<()> {
    let (Part::Layer(name) | Part::CriuImages(name) | Part::RootfsDiff(name)) = part;
    let member = archive
        .member(name.as_bytes())
        .ok_or_else(|| Error::new(ErrorKind::NotFound, "the layer is not in the image").in_member(name))?;
    let data = archive.data(member)?;
    if let Part::RootfsDiff(_) = part {
        let len = data.len();
        members.push(Member {
            name: b"rootfs-diff.tar".to_vec(),
            size: len,
            available: len,
            extent: Extent::Stored(data),
            ..member.clone()
        });
        return Ok(());
    }
    let index = layer(archive, &data).map_err(|e| e.in_member(name))?;
    warnings.extend(index.warnings.to_vec());
    let mut upper = index.members;
    if let Part::CriuImages(_) = part {
        for member in &mut upper {
            member.name.splice(..0, *b"checkpoint/");
        }
    }
    lay_over(members, upper);
    Ok(())
}

/// Lays the members of a layer over those below it, and applies its whiteouts.
fn lay_over(lower: &mut Vec<Member>, mut upper: Vec<Member>) {
    let mut hidden: HashSet<Vec<u8>> = HashSet::new();
    let mut opaque: HashSet<Vec<u8>> = HashSet::new();
    upper.retain(|member| {
        let Some(name) = member.base_name().strip_prefix(b".wh.") else { return true };
        let directory = member.directory();
        if name == b".wh..opq" {
            opaque.insert(directory.to_vec());
        } else {
            let parts: &[&[u8]] = if directory.is_empty() { &[name] } else { &[directory, name] };
            hidden.insert(parts.join(&b'/'));
        }
        false
    });
    let mut names: HashMap<&[u8], MemberKind> = HashMap::with_capacity(upper.len());
    for member in &upper {
        names.insert(&member.name, member.kind);
    }
    lower.retain(|member| {
        if hidden.contains(&member.name) || names.contains_key(member.name.as_slice()) {
            return false;
        }
        let mut name = member.name.as_slice();
        loop {
            let Some(slash) = name.iter().rposition(|b| *b == b'/') else {
                return !opaque.contains(b"".as_slice());
            };
            name = name.get(..slash).unwrap_or(&[]);
            // What replaces a directory takes away what was in it.
            let replaced = names.get(name).is_some_and(|kind| *kind != MemberKind::Directory);
            if replaced || hidden.contains(name) || opaque.contains(name) {
                return false;
            }
        }
    });
    lower.append(&mut upper);
}

/// Applies the layers of an image one over the other; other archives pass unchanged.
pub(super) fn flatten(archive: Archive, architecture: Option<&str>) -> Result<Archive> {
    let has = |name: &[u8]| archive.member(name).is_some_and(|m| m.kind == MemberKind::File);
    let blobs = archive.members().iter().any(|m| m.name.starts_with(b"blobs/"));
    let layers = if has(b"index.json") && (has(b"oci-layout") || blobs) {
        root_layers(&archive, "index.json", 0, architecture)?
    } else if has(b"manifest.json")
        && let Ok(mut images) =
            serde_json::from_slice::<Vec<DockerManifest>>(&small(&archive, "manifest.json")?)
    {
        match (images.pop(), images.len()) {
            (Some(image), 0) => image.layers,
            (_, more) => return Err(unclear(more.saturating_add(1), "manifest.json")),
        }
    } else {
        return Ok(archive);
    };
    let mut members = Vec::new();
    let mut warnings = Vec::new();
    for name in layers.iter().take(LAYERS) {
        // A layer that cannot be read makes any file's contents doubtful.
        add(&archive, &Part::Layer(name.clone()), &mut members, &mut warnings)?;
    }
    warnings.extend(archive.warnings());
    let all = Warnings::default();
    for warning in warnings {
        all.push(warning);
    }
    Ok(Archive::assemble(
        &archive.path,
        Format::OciImage,
        archive.compression,
        archive.bytes,
        Index { members, warnings: all, cut: archive.cut, ..Index::default() },
        archive.options,
        Source::Random,
    ))
}

fn unclear(images: usize, name: &str) -> Error {
    let what = format!("{images} images are in it, and it takes exactly one");
    Error::new(ErrorKind::UnsupportedFormat, what).in_member(name)
}

/// Finds the layers of the one image that is meant, the lowest first.
fn root_layers(archive: &Archive, name: &str, depth: u32, architecture: Option<&str>) -> Result<Vec<String>> {
    if depth > DEPTH {
        let what = "image indexes point to each other too deeply";
        return Err(Error::new(ErrorKind::LimitExceeded, what).in_member(name));
    }
    let bytes = small(archive, name)?;
    let index: ImageIndex = serde_json::from_slice(&bytes)
        .map_err(|e| Error::new(ErrorKind::Corrupt, "the image index").in_member(name).with_source(e))?;
    let blob = |d: &Descriptor| {
        blob_name(&d.digest).ok_or_else(|| {
            Error::new(ErrorKind::Corrupt, "a digest is not of the form algorithm:hex").in_member(name)
        })
    };
    if !index.layers.is_empty() {
        return index.layers.iter().filter(|d| is_layer(&d.media_type)).map(blob).collect();
    }
    let fits = |d: &&Descriptor| {
        d.platform.as_ref().is_none_or(|p| {
            // Attestations call themselves unknown.
            p.architecture != "unknown" && architecture.is_none_or(|wanted| wanted == p.architecture)
        })
    };
    let images: Vec<&Descriptor> = index.manifests.iter().filter(fits).collect();
    match images.as_slice() {
        [one] => root_layers(archive, &blob(one)?, depth.saturating_add(1), architecture),
        _ => Err(unclear(images.len(), name)),
    }
}

fn layer(archive: &Archive, data: &Data) -> Result<Index> {
    let options = &archive.options;
    let mut head = vec![0; 512];
    let got = super::read_up_to(&mut data.reader(), &mut head).map_err(|e| Error::io("read", e))?;
    head.truncate(got);
    let compression = compression::sniff(&head)?;
    if compression == Compression::None {
        return index::seekable(data, &options.limits);
    }
    let notes = Notes::default();
    let stream = compression::decoder(compression, data.reader(), &options.limits, &notes)?;
    let index = index::stream(stream, options, &mut KeepAll, true)?;
    for note in notes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).drain(..) {
        index.warnings.push(note);
    }
    Ok(index)
}
