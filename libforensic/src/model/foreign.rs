//! Evidence that is recognised and not read as one container's CRIU dump.

use crate::archive::{Archive, Format, Member, MemberKind};
use crate::error::{Error, ErrorKind};

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

/// Checkpoints of other programs, by the names they give their files.
fn other(archive: &Archive) -> Option<&'static str> {
    let has = |name: &[u8]| archive.members().iter().any(|m| m.base_name() == name);
    let ends = |end: &[u8]| {
        archive.members().iter().any(|m| m.kind == MemberKind::File && m.base_name().ends_with(end))
    };
    if archive.member(b"pages-1.comp.img").is_some() {
        return Some(
            "a CRaC checkpoint of a Java program: its pages are compressed in a form of their own, and CRIU's other images are not read without them",
        );
    }
    if has(b"pstree.img") || has(b"inventory.img") || has(b"config.dump") || has(b"spec.dump") {
        return None;
    }
    if has(b"pages_meta.img") || archive.members().iter().any(|m| is_gvisor(archive, m)) {
        return Some("a gVisor checkpoint (runsc checkpoint), not CRIU images");
    }
    if ends(b".dmtcp") {
        return Some("a DMTCP checkpoint, not CRIU images");
    }
    if has(b"memory-ranges") && has(b"state.json") {
        return Some(
            "a Cloud Hypervisor virtual machine snapshot (Kata Containers can make one); it holds a whole kernel: see Volatility",
        );
    }
    if (has(b"vmstate") || has(b"snapshot_file") || ends(b".vmstate")) && (has(b"mem_file") || ends(b".mem"))
    {
        return Some("a Firecracker virtual machine snapshot; it holds a whole kernel: see Volatility");
    }
    if ends(b".safetensors") || ends(b".pt") || ends(b".pth") || has(b"pytorch_model.bin") {
        return Some("a checkpoint of a machine-learning model (PyTorch, safetensors), not of a container");
    }
    None
}

fn is_gvisor(archive: &Archive, member: &Member) -> bool {
    if member.base_name() != b"checkpoint.img" || member.kind != MemberKind::File {
        return false;
    }
    let mut magic = [0_u8; 8];
    archive.read_at(member, 0, &mut magic).is_ok_and(|n| n == 8) && &magic == b"gVisorSF"
}
