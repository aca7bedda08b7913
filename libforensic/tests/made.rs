//! What no real archive at hand holds, on made ones: labels of security modules, tracked
//! connections, and checkpoints of other programs.

use std::io::Write as _;
use std::path::Path;

use libforensic::Checkpoint;
use libforensic::image::{Kind, proto};
use prost::Message;

#[path = "support/dump.rs"]
mod dump;

use dump::Dump;

#[test]
fn labels_of_security_modules() {
    let dump = Dump::new(2);
    dump.pages(&[(0, 2, 4)], 2);
    dump.image(Kind::Fs, "fs-1.img", &[proto::FsEntry::default().encode_to_vec()]);
    let with = |kind: i32, profile: &[u8], socket: Option<&[u8]>| {
        let inventory =
            proto::InventoryEntry { img_version: Some(2), lsmtype: Some(kind), ..Default::default() };
        dump.image(Kind::Inventory, "inventory.img", &[inventory.encode_to_vec()]);
        let creds = proto::CredsEntry {
            uid: Some(0),
            lsm_profile: Some(profile.to_vec()),
            lsm_sockcreate: socket.map(<[u8]>::to_vec),
            ..Default::default()
        };
        let tc =
            proto::TaskCoreEntry { task_state: Some(1), comm: Some(b"x".to_vec()), ..Default::default() };
        let core = proto::CoreEntry {
            mtype: Some(1),
            tc: Some(tc),
            thread_core: Some(proto::ThreadCoreEntry { creds: Some(creds), ..Default::default() }),
            ..Default::default()
        };
        dump.image(Kind::Core, "core-1.img", &[core.encode_to_vec()]);
        let open = Checkpoint::open(dump.path()).unwrap();
        let credentials = open.process(1).unwrap().credentials.unwrap();
        (open.summary().criu.lsm, credentials.lsm_profile, credentials.lsm_socket_context)
    };
    let context = b"system_u:system_r:container_t:s0:c1,c2";
    let socket = b"system_u:object_r:container_file_t:s0";
    let (lsm, profile, sockets) = with(1, context, Some(socket));
    assert_eq!(lsm, Some("selinux"));
    assert_eq!(profile.unwrap().as_bytes(), context);
    assert_eq!(sockets.unwrap().as_bytes(), socket);
    let (lsm, profile, sockets) = with(2, b"cri-containerd.apparmor.d", None);
    assert_eq!((lsm, sockets), (Some("apparmor"), None));
    assert_eq!(profile.unwrap().to_lossy(), "cri-containerd.apparmor.d");
    // Bytes that are no text stay as they are; an empty label is none.
    assert_eq!(with(2, b"\xff\x1b[31m", None).1.unwrap().as_bytes(), b"\xff\x1b[31m");
    assert_eq!(with(0, b"", None).1, None);
}

/// A netlink attribute, padded.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut out = u16::try_from(value.len() + 4).unwrap().to_le_bytes().to_vec();
    out.extend(kind.to_le_bytes());
    out.extend(value);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

fn nested(kind: u16, parts: &[Vec<u8>]) -> Vec<u8> {
    attribute(kind | 0x8000, &parts.concat())
}

fn tuple(kind: u16, protocol: u8, source: (&[u8], u16), destination: (&[u8], u16)) -> Vec<u8> {
    let first = if source.0.len() == 4 { 1 } else { 3 };
    nested(
        kind,
        &[
            nested(1, &[attribute(first, source.0), attribute(first + 1, destination.0)]),
            nested(
                2,
                &[
                    attribute(1, &[protocol]),
                    attribute(2, &source.1.to_be_bytes()),
                    attribute(3, &destination.1.to_be_bytes()),
                ],
            ),
        ],
    )
}

fn netlink(kind: u16, family: u8, attributes: &[Vec<u8>]) -> Vec<u8> {
    let body = [vec![family, 0, 0, 0], attributes.concat()].concat();
    let mut out = u32::try_from(16 + body.len()).unwrap().to_le_bytes().to_vec();
    out.extend(kind.to_le_bytes());
    out.extend([0; 10]);
    out.extend(body);
    out
}

#[test]
fn connections_that_the_kernel_tracked() {
    let dump = Dump::new(1);
    let (pod, service, server) = ([10, 0, 0, 5], [10, 96, 0, 1], [192, 168, 7, 9]);
    let mut v6 = [0; 16];
    v6[15] = 1;
    let tcp = netlink(
        0x100,
        2,
        &[
            tuple(1, 6, (&pod, 40000), (&service, 443)),
            tuple(2, 6, (&server, 6443), (&pod, 40000)),
            attribute(3, &0x2e_u32.to_be_bytes()),
            nested(4, &[nested(1, &[attribute(1, &[3])])]),
            attribute(7, &86_000_u32.to_be_bytes()),
            attribute(8, &7_u32.to_be_bytes()),
        ],
    );
    // Attributes that go on behind the message; the next message is whole.
    let damaged = netlink(0x100, 2, &[vec![0xff, 0x7f, 1, 0]]);
    let udp = netlink(0x100, 10, &[tuple(1, 17, (&v6, 53), (&v6, 5353))]);
    let image = [tcp.clone(), damaged, udp, vec![0xff; 20]].concat();
    dump.raw("netns-ct-10.img", &image);
    dump.raw(
        "netns-exp-10.img",
        &netlink(0x200, 2, &[tuple(2, 6, (&pod, 0), (&server, 20000)), attribute(6, b"ftp\0")]),
    );
    let open = Checkpoint::open(dump.path()).unwrap();
    let items = open.network();
    let json = serde_json::to_value(&items).unwrap();
    assert_eq!(items.iter().map(|i| i.kind).collect::<Vec<_>>(), ["connection", "connection", "expectation"]);
    let expected = serde_json::json!({
        "protocol": "tcp",
        "source": {"address": "10.0.0.5", "port": 40000},
        "destination": {"address": "10.96.0.1", "port": 443},
        "replySource": {"address": "192.168.7.9", "port": 6443},
        "replyDestination": {"address": "10.0.0.5", "port": 40000},
        "state": "ESTABLISHED",
        "status": ["SEEN_REPLY", "ASSURED", "CONFIRMED", "DST_NAT"],
        "timeoutSeconds": 86_000,
        "mark": 7,
        "helper": null,
    });
    assert_eq!(json[0]["connection"], expected);
    assert_eq!(json[0]["networkNamespace"], 10);
    assert_eq!(
        json[0]["source"],
        serde_json::json!({"member": "netns-ct-10.img", "offset": 0, "field": null})
    );
    assert_eq!(json[1]["connection"]["source"]["address"], "::1");
    assert_eq!(json[1]["connection"]["state"], serde_json::Value::Null);
    assert_eq!(json[2]["connection"]["helper"], "ftp");
    let said: Vec<String> = open.warnings().iter().map(ToString::to_string).collect();
    let about: Vec<_> = said.iter().filter(|w| w.starts_with("netns-ct-10.img")).collect();
    assert_eq!(about.len(), 2, "one record and the end: {said:?}");
    assert!(about.iter().any(|w| w.contains(&format!("at byte {}", tcp.len()))), "{about:?}");
    for len in 0..image.len() {
        dump.raw("netns-ct-10.img", &image[..len]);
        let _ = Checkpoint::open(dump.path()).unwrap().network();
    }
}

/// A program's checkpoint: its files, what a message must say, and of which files each says it alone.
struct Foreign {
    name: &'static str,
    says: &'static str,
    files: Vec<(&'static str, Vec<u8>)>,
    alone: &'static [&'static str],
}

fn foreign() -> Vec<Foreign> {
    let pages = || vec![0x41; 8192];
    let padded = |head: &[u8]| [head, &[0; 1024]].concat();
    vec![
        Foreign {
            name: "gVisor",
            says: "gVisor",
            files: vec![
                ("checkpoint.img", padded(b"gVisorSF\0\0\0\0")),
                ("pages.img", pages()),
                ("pages_meta.img", pages()),
            ],
            alone: &["checkpoint.img", "pages_meta.img"],
        },
        Foreign {
            name: "CRaC",
            says: "CRaC",
            files: vec![
                ("pstree.img", padded(b"\x19\x43\x56\x54")),
                ("inventory.img", padded(b"")),
                ("pages-1.comp.img", pages()),
            ],
            alone: &["pages-1.comp.img"],
        },
        Foreign {
            name: "DMTCP",
            says: "DMTCP",
            files: vec![
                ("ckpt_sh_1-2-3.dmtcp", padded(b"DMTCP_CHECKPOINT_IMAGE_v3.0\n")),
                ("dmtcp_restart_script.sh", b"#!/bin/bash\n".to_vec()),
            ],
            alone: &["ckpt_sh_1-2-3.dmtcp"],
        },
        Foreign {
            name: "QEMU",
            says: "QEMU",
            files: vec![("snapshot.bin", padded(b"QEVM\0\0\0\x03"))],
            alone: &["snapshot.bin"],
        },
        Foreign {
            name: "libvirt",
            says: "libvirt",
            files: vec![("guest.save", padded(b"LibvirtQemudSave\x02\0\0\0"))],
            alone: &["guest.save"],
        },
        Foreign {
            name: "VMware",
            says: "VMware",
            files: vec![("guest-1.vmsn", padded(b"\xd2\xbe\xd2\xbe\x08\0\0\0"))],
            alone: &["guest-1.vmsn"],
        },
        Foreign {
            name: "VirtualBox",
            says: "VirtualBox",
            files: vec![("guest.sav", padded(b"\x7fVirtualBox SavedState V2.0\n\0\0\0"))],
            alone: &["guest.sav"],
        },
        Foreign {
            name: "Xen",
            says: "Xen",
            files: vec![("guest.xl", padded(b"Xen saved domain, xl format\n \0 \r"))],
            alone: &["guest.xl"],
        },
        Foreign {
            name: "CRaC's engine",
            says: "CRaC",
            files: vec![("cppath", b"/usr/lib/jvm/lib".to_vec()), ("perfdata", pages()), ("jvm", pages())],
            alone: &[],
        },
        Foreign {
            name: "Firecracker",
            says: "Firecracker",
            files: vec![("snapshot_file", padded(b"\0\0\x64\x86\x84\x19\x10\x07")), ("mem_file", pages())],
            alone: &["snapshot_file", "mem_file"],
        },
        Foreign {
            name: "Cloud Hypervisor",
            says: "Cloud Hypervisor",
            files: vec![
                ("config.json", br#"{"cpus":{"boot_vcpus":1}}"#.to_vec()),
                ("memory-ranges", pages()),
                (
                    "state.json",
                    [&br#"{"id":"","snapshots":{"cpu-manager":"#[..], &[b' '; 1024], b"{}}}"].concat(),
                ),
            ],
            alone: &["memory-ranges", "state.json"],
        },
        Foreign {
            name: "PyTorch",
            says: "PyTorch",
            files: vec![("model.pt", padded(b"PK\x03\x04\0\0\0\0\0\0archive/data.pkl"))],
            alone: &["model.pt"],
        },
        Foreign {
            name: "old PyTorch",
            says: "PyTorch",
            files: vec![("weights.bin", padded(b"\x80\x04\x8a\x0a"))],
            alone: &["weights.bin"],
        },
        Foreign {
            name: "safetensors",
            says: "machine-learning model",
            files: vec![("model.safetensors", padded(b"\x40\0\0\0\0\0\0\0{\"__metadata__\":{}"))],
            alone: &["model.safetensors"],
        },
    ]
}

fn refusal(path: &Path) -> String {
    Checkpoint::open(path).expect_err(&path.display().to_string()).to_string()
}

#[test]
fn checkpoints_of_other_programs_are_named() {
    for of in foreign() {
        let directory = tempfile::tempdir().unwrap();
        let mut tar = tar::Builder::new(Vec::new());
        for (name, bytes) in &of.files {
            std::fs::write(directory.path().join(name), bytes).unwrap();
            tar.append_path_with_name(directory.path().join(name), format!("top/{name}")).unwrap();
        }
        let tar = tar.into_inner().unwrap();
        let said = refusal(directory.path());
        assert!(said.contains(of.says), "{} as a directory: {said}", of.name);

        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &tar).unwrap();
        let said = refusal(file.path());
        assert!(said.contains(of.says), "{} as a tar: {said}", of.name);

        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&tar).unwrap();
        std::fs::write(file.path(), packed.finish().unwrap()).unwrap();
        let said = refusal(file.path());
        assert!(said.contains(of.says), "{} as a tar.gz: {said}", of.name);

        for name in of.alone {
            let said = refusal(&directory.path().join(name));
            assert!(said.contains(of.says), "{name} alone: {said}");
        }
    }
    // DMTCP packs its images by itself.
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&[&b"DMTCP_CHECKPOINT_IMAGE_v3.0\n"[..], &[0; 4096]].concat()).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), packed.finish().unwrap()).unwrap();
    assert!(refusal(file.path()).contains("DMTCP"));
}

#[test]
fn pages_that_look_like_other_files_are_no_reason_to_refuse() {
    let dump = Dump::new(2);
    dump.pages(&[(0, 2, 4)], 2);
    let mut pages = std::fs::read(dump.path().join("pages-1.img")).unwrap();
    pages[..4].copy_from_slice(b"\x7fELF");
    dump.raw("pages-1.img", &pages);
    std::fs::remove_file(dump.path().join("inventory.img")).unwrap();
    assert_eq!(Checkpoint::open(dump.path()).unwrap().pids(), [1]);
}
