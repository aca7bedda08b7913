//! A small dump, put together by hand.

#![allow(dead_code)] // each test uses a part

use std::path::PathBuf;

use libforensic::image::{Kind, proto};
use prost::Message;

pub(crate) const PAGE: u64 = 4096;
pub(crate) const START: u64 = 0x10_0000;

/// A directory of images, written without the library's encoder.
pub(crate) struct Dump(pub(crate) tempfile::TempDir);

impl Dump {
    /// One process with `pages` pages of anonymous memory; arguments on the first, environment on the last.
    pub(crate) fn new(pages: u64) -> Self {
        let dump = Self(tempfile::tempdir().unwrap());
        let inventory =
            proto::InventoryEntry { img_version: Some(2), fdinfo_per_id: Some(true), ..Default::default() };
        dump.image(Kind::Inventory, "inventory.img", &[inventory.encode_to_vec()]);
        let task = proto::PstreeEntry { pid: Some(1), threads: vec![1], ..Default::default() };
        dump.image(Kind::Pstree, "pstree.img", &[task.encode_to_vec()]);
        dump.core(proto::TaskCoreEntry::default());
        let end = START + pages * PAGE;
        let vma = proto::VmaEntry {
            start: Some(START),
            end: Some(end),
            prot: Some(3),
            flags: Some(0x22),
            status: Some(0x201),
            ..Default::default()
        };
        dump.mm(vec![vma], end);
        dump
    }

    pub(crate) fn core(&self, tc: proto::TaskCoreEntry) {
        let tc = proto::TaskCoreEntry { task_state: Some(1), comm: Some(b"x".to_vec()), ..tc };
        let core = proto::CoreEntry { mtype: Some(1), tc: Some(tc), ..Default::default() };
        self.image(Kind::Core, "core-1.img", &[core.encode_to_vec()]);
    }

    pub(crate) fn mm(&self, vmas: Vec<proto::VmaEntry>, end: u64) {
        let mm = proto::MmEntry {
            vmas,
            mm_saved_auxv: vec![6, PAGE],
            mm_arg_start: Some(START),
            mm_arg_end: Some(START + 8),
            mm_env_start: Some(end - PAGE),
            mm_env_end: Some(end - PAGE + 8),
            ..Default::default()
        };
        self.image(Kind::Mm, "mm-1.img", &[mm.encode_to_vec()]);
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().to_path_buf()
    }

    pub(crate) fn raw(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.0.path().join(name), bytes).unwrap();
    }

    pub(crate) fn image(&self, kind: Kind, name: &str, records: &[Vec<u8>]) {
        let mut bytes = Vec::new();
        if kind != Kind::Inventory {
            bytes.extend(0x5456_4319_u32.to_le_bytes());
        }
        bytes.extend(kind.info().magic.unwrap().to_le_bytes());
        for record in records {
            bytes.extend(u32::try_from(record.len()).unwrap().to_le_bytes());
            bytes.extend(record);
        }
        self.raw(name, &bytes);
    }

    /// Writes the page map from runs of first page, count and flags, and so many stored pages.
    pub(crate) fn pages(&self, runs: &[(u64, u64, u32)], stored: u64) {
        let mut records = vec![proto::PagemapHead { pages_id: Some(1) }.encode_to_vec()];
        records.extend(runs.iter().map(|(page, count, flags)| {
            let run = proto::PagemapEntry {
                vaddr: Some(START + page * PAGE),
                compat_nr_pages: Some(0),
                nr_pages: Some(*count),
                flags: Some(*flags),
                ..Default::default()
            };
            run.encode_to_vec()
        }));
        self.image(Kind::Pagemap, "pagemap-1.img", &records);
        let page = |n: u64| [format!("stored-{n:04}").into_bytes(), vec![0; 4085]].concat();
        self.raw("pages-1.img", &(0..stored).flat_map(page).collect::<Vec<u8>>());
    }
}
