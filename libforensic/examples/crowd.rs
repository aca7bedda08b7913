//! Writes a checkpoint of many processes, to measure what listing them costs.
//!
//! `cargo run --release --example crowd -- PROCESSES DESCRIPTORS FILE.tar`

use std::fs::File;
use std::io::BufWriter;

use libforensic::image::{Kind, proto};
use prost::Message;

/// A tar of a dump, one image after the other.
struct Dump(tar::Builder<BufWriter<File>>);

impl Dump {
    fn image(&mut self, kind: Kind, name: &str, records: &[Vec<u8>]) -> std::io::Result<()> {
        let mut bytes = Vec::new();
        if kind != Kind::Inventory {
            bytes.extend_from_slice(&0x5456_4319_u32.to_le_bytes());
        }
        bytes.extend_from_slice(&kind.info().magic.unwrap_or(0).to_le_bytes());
        for record in records {
            bytes.extend_from_slice(&u32::try_from(record.len()).unwrap_or(0).to_le_bytes());
            bytes.extend_from_slice(record);
        }
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        self.0.append_data(&mut header, format!("checkpoint/{name}"), bytes.as_slice())
    }
}

fn core(pid: u32) -> proto::CoreEntry {
    proto::CoreEntry {
        mtype: Some(1),
        thread_info: Some(proto::ThreadInfoX86 {
            clear_tid_addr: Some(0x7000),
            gpregs: Some(proto::UserX86RegsEntry {
                ip: Some(0x40_1000),
                sp: Some(0x7fff_0000_1000),
                ax: Some(34),
                orig_ax: Some(34),
                cx: Some(0x40_1002),
                ..proto::UserX86RegsEntry::default()
            }),
            ..proto::ThreadInfoX86::default()
        }),
        tc: Some(proto::TaskCoreEntry {
            task_state: Some(1),
            comm: Some(format!("worker-{pid}").into_bytes()),
            blk_sigset: Some(0),
            sigactions: vec![proto::SaEntry { sigaction: Some(0x40_1100), ..proto::SaEntry::default() }; 62],
            ..proto::TaskCoreEntry::default()
        }),
        thread_core: Some(proto::ThreadCoreEntry {
            creds: Some(proto::CredsEntry {
                uid: Some(0),
                euid: Some(0),
                cap_eff: vec![0x1ff, 0],
                ..proto::CredsEntry::default()
            }),
            seccomp_mode: Some(0),
            ..proto::ThreadCoreEntry::default()
        }),
        ..proto::CoreEntry::default()
    }
}

fn memory() -> proto::MmEntry {
    let vma = |start: u64, size: u64, status: u32, flags: u32| proto::VmaEntry {
        start: Some(start),
        end: Some(start + size),
        shmid: Some(1),
        prot: Some(3),
        flags: Some(flags),
        status: Some(status),
        fd: Some(-1),
        ..proto::VmaEntry::default()
    };
    let mut vmas = vec![vma(0x40_0000, 0x10_0000, 0x41, 2)];
    vmas.extend((1..40).map(|i| vma(0x7f00_0000_0000 + i * 0x10_0000, 0x8_0000, 0x201, 0x22)));
    vmas.push(vma(0x7fff_0000_0000, 0x2_0000, 0x201, 0x122));
    proto::MmEntry {
        mm_arg_start: Some(0x7fff_0000_0000),
        mm_arg_end: Some(0x7fff_0000_0000),
        mm_env_start: Some(0x7fff_0000_0000),
        mm_env_end: Some(0x7fff_0000_0000),
        mm_start_stack: Some(0x7fff_0000_1000),
        exe_file_id: Some(1),
        mm_saved_auxv: vec![6, 4096],
        vmas,
        ..proto::MmEntry::default()
    }
}

fn file(id: u32) -> Vec<u8> {
    proto::FileEntry {
        r#type: Some(1),
        id: Some(id),
        reg: Some(Box::new(proto::RegFileEntry {
            id: Some(id),
            flags: Some(2),
            name: Some(format!("/srv/data/file-{id}").into_bytes()),
            mode: Some(0o10_0644),
            ..proto::RegFileEntry::default()
        })),
        ..proto::FileEntry::default()
    }
    .encode_to_vec()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("usage: crowd PROCESSES DESCRIPTORS FILE.tar");
    let (processes, descriptors): (u32, u32) = (next()?.parse()?, next()?.parse()?);
    let mut dump = Dump(tar::Builder::new(BufWriter::new(File::create(next()?)?)));
    let inventory = proto::InventoryEntry {
        img_version: Some(2),
        fdinfo_per_id: Some(true),
        ..proto::InventoryEntry::default()
    };
    dump.image(Kind::Inventory, "inventory.img", &[inventory.encode_to_vec()])?;
    let tree: Vec<Vec<u8>> = (1..=processes)
        .map(|pid| {
            proto::PstreeEntry {
                pid: Some(pid),
                ppid: Some(pid / 2),
                pgid: Some(1),
                sid: Some(1),
                threads: vec![pid],
            }
            .encode_to_vec()
        })
        .collect();
    dump.image(Kind::Pstree, "pstree.img", &tree)?;
    // Files 1 to 3 are common to all processes, as standard streams are.
    let mut files: Vec<Vec<u8>> = (1..=3).map(file).collect();
    for pid in 1..=processes {
        let own = descriptors.saturating_sub(3);
        let first = 4 + (pid - 1) * own;
        files.extend((first..first + own).map(file));
        let table: Vec<Vec<u8>> = (1..=3.min(descriptors))
            .chain(first..first + own)
            .zip(0..)
            .map(|(id, fd)| {
                proto::FdinfoEntry {
                    id: Some(id),
                    r#type: Some(1),
                    fd: Some(fd),
                    flags: Some(0),
                    ..proto::FdinfoEntry::default()
                }
                .encode_to_vec()
            })
            .collect();
        dump.image(Kind::Core, &format!("core-{pid}.img"), &[core(pid).encode_to_vec()])?;
        let ids = proto::TaskKobjIdsEntry {
            vm_id: Some(pid),
            files_id: Some(pid),
            fs_id: Some(pid),
            sighand_id: Some(pid),
            ..proto::TaskKobjIdsEntry::default()
        };
        dump.image(Kind::Ids, &format!("ids-{pid}.img"), &[ids.encode_to_vec()])?;
        dump.image(Kind::Mm, &format!("mm-{pid}.img"), &[memory().encode_to_vec()])?;
        let fs = proto::FsEntry { cwd_id: Some(1), root_id: Some(2), umask: Some(0o22) };
        dump.image(Kind::Fs, &format!("fs-{pid}.img"), &[fs.encode_to_vec()])?;
        let head = proto::PagemapHead { pages_id: Some(pid) };
        dump.image(Kind::Pagemap, &format!("pagemap-{pid}.img"), &[head.encode_to_vec()])?;
        dump.image(Kind::Fdinfo, &format!("fdinfo-{pid}.img"), &table)?;
    }
    dump.image(Kind::Files, "files.img", &files)?;
    dump.0.into_inner()?;
    Ok(())
}
