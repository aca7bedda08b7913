//! What listing costs, counted in bytes read and records decoded: never quadratic.

#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::unwrap_used)]

use std::path::Path;
use std::sync::atomic::Ordering;

use prost::Message;

use super::Checkpoint;
use crate::image::{Kind, proto};

fn image(directory: &Path, kind: Kind, name: &str, records: &[Vec<u8>]) {
    let mut bytes = Vec::new();
    if kind != Kind::Inventory {
        bytes.extend_from_slice(&0x5456_4319_u32.to_le_bytes());
    }
    bytes.extend_from_slice(&kind.info().magic.unwrap().to_le_bytes());
    for record in records {
        bytes.extend_from_slice(&u32::try_from(record.len()).unwrap().to_le_bytes());
        bytes.extend_from_slice(record);
    }
    std::fs::write(directory.join(name), bytes).unwrap();
}

/// A dump of processes that share their first descriptor and have all others for themselves.
fn crowd(processes: u32, descriptors: u32) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let put = |kind, name: &str, records: &[Vec<u8>]| image(directory.path(), kind, name, records);
    let inventory = proto::InventoryEntry { img_version: Some(2), ..Default::default() };
    put(Kind::Inventory, "inventory.img", &[inventory.encode_to_vec()]);
    let mut tree = Vec::new();
    let mut files = Vec::new();
    let mut id = 1;
    let mut file = |id| {
        let reg = proto::RegFileEntry { id: Some(id), name: Some(b"/x".to_vec()), ..Default::default() };
        let entry = proto::FileEntry {
            r#type: Some(1),
            id: Some(id),
            reg: Some(Box::new(reg)),
            ..Default::default()
        };
        files.push(entry.encode_to_vec());
    };
    file(1);
    for pid in 1..=processes {
        let entry = proto::PstreeEntry {
            pid: Some(pid),
            ppid: Some(pid / 2),
            threads: vec![pid],
            ..Default::default()
        };
        tree.push(entry.encode_to_vec());
        let tc = proto::TaskCoreEntry { task_state: Some(1), ..Default::default() };
        let core = proto::CoreEntry { mtype: Some(1), tc: Some(tc), ..Default::default() };
        put(Kind::Core, &format!("core-{pid}.img"), &[core.encode_to_vec()]);
        let ids = proto::TaskKobjIdsEntry { files_id: Some(pid), ..Default::default() };
        put(Kind::Ids, &format!("ids-{pid}.img"), &[ids.encode_to_vec()]);
        let fs = proto::FsEntry { cwd_id: Some(1), root_id: Some(1), umask: Some(0) };
        put(Kind::Fs, &format!("fs-{pid}.img"), &[fs.encode_to_vec()]);
        let mm = proto::MmEntry { exe_file_id: Some(1), ..Default::default() };
        put(Kind::Mm, &format!("mm-{pid}.img"), &[mm.encode_to_vec()]);
        put(Kind::Pagemap, &format!("pagemap-{pid}.img"), &[]);
        let mut table = Vec::new();
        for fd in 0..descriptors {
            let own = if fd == 0 { 1 } else { id + 1 };
            if fd > 0 {
                id += 1;
                file(own);
            }
            let entry =
                proto::FdinfoEntry { id: Some(own), r#type: Some(1), fd: Some(fd), ..Default::default() };
            table.push(entry.encode_to_vec());
        }
        put(Kind::Fdinfo, &format!("fdinfo-{pid}.img"), &table);
    }
    put(Kind::Pstree, "pstree.img", &tree);
    put(Kind::Files, "files.img", &files);
    directory
}

/// Bytes read and records decoded to list all processes and all their descriptors.
fn cost(processes: u32, descriptors: u32) -> [u64; 2] {
    let directory = crowd(processes, descriptors);
    let checkpoint = Checkpoint::open(directory.path()).unwrap();
    let mut listed = 0;
    for pid in checkpoint.pids() {
        checkpoint.process(pid).unwrap();
        for descriptor in checkpoint.descriptors(pid).unwrap() {
            let sharing = descriptor.sharing.unwrap();
            assert_eq!(sharing.holders > 1, descriptor.fd == 0);
            assert!(sharing.others.len() <= 16, "the number of named holders grows with the dump");
            listed += 1;
        }
    }
    assert_eq!(listed, u64::from(processes) * u64::from(descriptors));
    let steps = &checkpoint.images.steps;
    [steps[0].load(Ordering::Relaxed), steps[1].load(Ordering::Relaxed)]
}

#[test]
fn twice_the_processes_cost_twice_as_much() {
    let (small, large) = (cost(40, 10), cost(80, 10));
    for (small, large) in small.into_iter().zip(large) {
        assert!(small > 0 && large <= small * 21 / 10, "{small} became {large}");
    }
}

#[test]
fn twice_the_descriptors_cost_no_more_than_twice_as_much() {
    let (small, large) = (cost(20, 50), cost(20, 100));
    for (small, large) in small.into_iter().zip(large) {
        assert!(small > 0 && large <= small * 21 / 10, "{small} became {large}");
    }
}
