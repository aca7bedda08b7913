//! Evidence that is recognised and not read as one container's CRIU dump.

use std::path::Path;

use crate::archive::{Archive, Compression, Format, Member, MemberKind, not_criu};
use crate::error::{Error, ErrorKind};
use crate::image::Kind;

/// Most containers that are named in a message.
const NAMED: usize = 32;

/// Says what an archive is when it is no dump of one container.
pub(super) fn recognise(archive: &Archive) -> Option<Error> {
    if let Some(containers) = super::pod::containers(archive) {
        return Some(pod(archive, &containers));
    }
    other(archive).map(|what| Error::new(ErrorKind::UnsupportedFormat, format!("this is {what}")))
}

fn pod(archive: &Archive, containers: &[(String, String)]) -> Error {
    let path = archive.path().display().to_string();
    let directory = archive.format() == Format::Directory;
    let mut message = format!("this is a checkpoint of a pod with {} containers", containers.len());
    if containers.is_empty() {
        message.push_str(", and its manifest names none that can be opened");
    } else {
        message.push_str(if directory {
            "; open one of them: "
        } else {
            "; unpack it and open one of them: "
        });
        let shown: Vec<String> = containers
            .iter()
            .take(NAMED)
            .map(|(name, member)| {
                let name = name.escape_debug();
                let member = member.escape_debug();
                if directory { format!("{name} ({path}/{member})") } else { format!("{name} ({member})") }
            })
            .collect();
        message.push_str(&shown.join(", "));
        if containers.len() > NAMED {
            message.push_str(", …");
        }
    }
    Error::new(ErrorKind::UnsupportedFormat, message)
}

const CRAC: &str = "a CRaC checkpoint of a Java program: its pages are compressed in a form of their own, and CRIU's other images are not read without them";
const CRAC_ENGINE: &str = "a CRaC checkpoint of a Java program, without CRIU images";
const GVISOR: &str = "a gVisor checkpoint (runsc checkpoint), not CRIU images";
const DMTCP: &str = "a DMTCP checkpoint, not CRIU images";
const CLOUD_HYPERVISOR: &str = "a Cloud Hypervisor virtual machine snapshot (Kata Containers can make one); it holds a whole kernel: see Volatility";
const FIRECRACKER: &str = "a Firecracker virtual machine snapshot; it holds a whole kernel: see Volatility";
const MODEL: &str = "a checkpoint of a machine-learning model (PyTorch, safetensors), not of a container";

/// Files whose first bytes are looked at, at most.
const SNIFFED: usize = 64;

/// Checkpoints of other programs, by the names they give their files, or by the first bytes of these.
fn other(archive: &Archive) -> Option<String> {
    let has = |name: &[u8]| archive.members().iter().any(|m| m.base_name() == name);
    let any = |test: fn(&[u8]) -> bool| {
        archive.members().iter().any(|m| m.kind == MemberKind::File && test(m.base_name()))
    };
    if any(is_crac) {
        return Some(CRAC.to_owned());
    }
    if has(b"pstree.img") || has(b"inventory.img") || has(b"config.dump") || has(b"spec.dump") {
        return None;
    }
    if has(b"cppath") && [&b"perfdata"[..], b"jvm", b"score"].into_iter().any(has) {
        return Some(CRAC_ENGINE.to_owned());
    }
    if has(b"pages_meta.img") || archive.members().iter().any(|m| is_gvisor(archive, m)) {
        return Some(GVISOR.to_owned());
    }
    if any(|name| name.ends_with(b".dmtcp")) {
        return Some(DMTCP.to_owned());
    }
    if has(b"memory-ranges") && has(b"state.json") {
        return Some(CLOUD_HYPERVISOR.to_owned());
    }
    if any(is_firecracker_state) && any(|name| name == b"mem_file" || name.ends_with(b".mem")) {
        return Some(FIRECRACKER.to_owned());
    }
    if any(is_model) {
        return Some(MODEL.to_owned());
    }
    sniffed(archive)
}

/// Looks into files as if each were given by itself.
fn sniffed(archive: &Archive) -> Option<String> {
    // A page of memory can begin like any file.
    if archive.members().iter().any(|m| Kind::from_file_name(&m.name).is_some()) {
        return None;
    }
    // Large members of compressed archives are not at hand.
    let at_hand = |m: &&Member| {
        m.kind == MemberKind::File
            && (archive.compression() == Compression::None || m.size <= archive.limits().small_member_bytes)
    };
    archive.members().iter().filter(at_hand).take(SNIFFED).find_map(|m| {
        let mut head = [0; 512];
        let got = archive.read_at(m, 0, &mut head).ok()?;
        let what = not_criu(head.get(..got)?)?;
        Some(format!("no checkpoint: {} in it is {what}", m.display_name().escape_debug()))
    })
}

/// Says what a single file is that is no archive, by its name.
pub(super) fn by_name(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.as_encoded_bytes();
    if is_crac(name) {
        Some(CRAC)
    } else if name == b"pages_meta.img" {
        Some(GVISOR)
    } else if name.ends_with(b".dmtcp") {
        Some(DMTCP)
    } else if name == b"memory-ranges" {
        Some(CLOUD_HYPERVISOR)
    } else if is_firecracker_state(name) || name == b"mem_file" {
        Some(FIRECRACKER)
    } else if is_model(name) {
        Some(MODEL)
    } else {
        None
    }
}

fn is_crac(name: &[u8]) -> bool {
    name.starts_with(b"pages-") && name.ends_with(b".comp.img")
}

fn is_firecracker_state(name: &[u8]) -> bool {
    matches!(name, b"vmstate" | b"snapshot_file") || name.ends_with(b".vmstate")
}

fn is_model(name: &[u8]) -> bool {
    const ENDS: [&[u8]; 5] = [b".safetensors", b".pt", b".pth", b".ckpt", b".distcp"];
    ENDS.iter().any(|end| name.ends_with(end))
        || (name.starts_with(b"pytorch_model") && name.ends_with(b".bin"))
}

fn is_gvisor(archive: &Archive, member: &Member) -> bool {
    if member.base_name() != b"checkpoint.img" || member.kind != MemberKind::File {
        return false;
    }
    let mut magic = [0_u8; 8];
    archive.read_at(member, 0, &mut magic).is_ok_and(|n| n == 8) && &magic == b"gVisorSF"
}
