//! What the evidence should hold and does not, said by those whose answer lacks it, and by no one else.

use std::ops::ControlFlow;
use std::path::Path;

use libforensic::Checkpoint;
use libforensic::analysis::extract;
use libforensic::analysis::overview::Overview;
use libforensic::analysis::search::{Encoding, Pattern, Scope, Search};
use libforensic::analysis::strings::Strings;
use libforensic::image::{Kind, proto};
use libforensic::memory::{Hole, Span};
use libforensic::model::{Answer, NamespaceKind};
use prost::Message;

#[path = "support/dump.rs"]
mod dump;

use dump::{Dump, PAGE, START};

fn said(path: &Path, ask: impl FnOnce(&Checkpoint)) -> Vec<String> {
    let checkpoint = Checkpoint::open(path).unwrap();
    ask(&checkpoint);
    checkpoint.warnings().iter().map(ToString::to_string).collect()
}

fn answer(path: &Path, id: &str) -> (Answer, String) {
    let checkpoint = Checkpoint::open(path).unwrap();
    let found = checkpoint.answerable().into_iter().find(|a| a.id == id).unwrap();
    (found.answer, found.why)
}

fn search(scope: Scope) -> impl FnOnce(&Checkpoint) {
    move |checkpoint| {
        let search = Search::new(vec![Pattern::literal(b"stored-")]).unwrap().scope(scope);
        search.run(checkpoint, &mut |_| ControlFlow::Continue(())).unwrap();
    }
}

#[test]
fn pages_left_to_a_daemon_are_holes_and_are_said() {
    let dump = Dump::new(6);
    // Stored, left to the daemon, never written, stored and also on offer to the daemon.
    dump.pages(&[(0, 1, 4), (1, 2, 2), (5, 1, 6)], 2);
    let checkpoint = Checkpoint::open(dump.path()).unwrap();
    let memory = checkpoint.memory(1).unwrap();
    let mut bytes = [0xee; 16];
    let read = memory.read(START + PAGE, &mut bytes).unwrap();
    assert_eq!((read.bytes, read.hole), (0, Some(Hole::Lazy)));
    assert_eq!(bytes, [0xee; 16], "no zeros in the place of unknown bytes");
    assert_eq!(memory.span(START + PAGE).0, Span::Hole(Hole::Lazy));
    assert_eq!(memory.read(START + 5 * PAGE, &mut bytes).unwrap().bytes, 16);
    assert!(bytes.starts_with(b"stored-0001"));

    let lazy = |list: &[String]| {
        let about = list.iter().filter(|w| w.contains("lazy-pages daemon")).collect::<Vec<_>>();
        assert!(about.len() <= 1, "{about:?}");
        about.first().is_some_and(|w| w.contains("2 pages (8192 bytes) of process 1"))
    };
    assert!(lazy(&said(&dump.path(), search(Scope::default()))));
    let mut scope = Scope::default();
    scope.range = Some(START..START + PAGE);
    assert!(said(&dump.path(), search(scope)).is_empty(), "what was looked at is all there");
    assert!(lazy(&said(&dump.path(), |c| {
        let strings = Strings::new(4, &[Encoding::Ascii]);
        strings.run(c, &mut |_| ControlFlow::Continue(())).unwrap();
    })));
    assert!(lazy(&said(&dump.path(), |c| {
        assert_eq!(Overview::default().process(c, 1).unwrap().absent_bytes, 2 * PAGE);
    })));
    assert!(said(&dump.path(), |c| drop(c.mappings(1).unwrap())).is_empty(), "maps counts them as absent");
    assert_eq!(checkpoint.mappings(1).unwrap()[0].pages.absent, 2);

    let (judged, why) = answer(&dump.path(), "memory.data");
    assert_eq!(judged, Answer::Partly);
    assert!(
        why.contains("2 pages are there") && why.contains("2 pages left to a lazy-pages daemon"),
        "{why}"
    );
    assert_eq!(answer(&dump.path(), "process.arguments").0, Answer::Yes);
}

#[test]
fn memory_is_judged_by_the_pages_that_are_there() {
    let dump = Dump::new(6);
    let judge = |id: &str| answer(&dump.path(), id);
    dump.pages(&[(0, 3, 4), (5, 1, 4)], 4);
    assert_eq!(judge("memory.data").0, Answer::Yes);
    assert_eq!(judge("process.arguments").0, Answer::Yes);

    dump.pages(&[(0, 3, 4), (5, 1, 4)], 2);
    let (judged, why) = judge("memory.data");
    assert_eq!(judged, Answer::Partly);
    assert!(why.contains("2 pages are there") && why.contains("2 pages cut off"), "{why}");
    assert_eq!(judge("memory.code").0, Answer::Partly);
    let (judged, why) = judge("process.arguments");
    assert_eq!(judged, Answer::Partly, "the environment was on the last page: {why}");
    assert!(why.starts_with("1 of 2 lists"), "{why}");

    std::fs::remove_file(dump.path().join("pages-1.img")).unwrap();
    for id in ["memory.data", "memory.code", "process.arguments"] {
        let (judged, why) = judge(id);
        assert_eq!(judged, Answer::No, "{id}");
        assert!(why.contains("4 pages cut off (a pages image is missing or too short)"), "{id}: {why}");
    }
    // A name alone is no memory.
    dump.raw("pages-1.img", b"");
    assert_eq!(judge("memory.data").0, Answer::No);

    dump.pages(&[(0, 3, 1), (5, 1, 4)], 1);
    let (judged, why) = judge("memory.data");
    assert_eq!(judged, Answer::Partly);
    assert!(why.contains("3 pages in a parent dump that is not here (--parent)"), "{why}");

    std::fs::remove_file(dump.path().join("pagemap-1.img")).unwrap();
    let (judged, why) = judge("memory.data");
    assert_eq!(judged, Answer::No);
    assert!(why.contains("1 process without a readable page map"), "{why}");
}

/// Gives the images that are said to be missing.
fn missing(path: &Path, ask: impl FnOnce(&Checkpoint)) -> Vec<String> {
    let checkpoint = Checkpoint::open(path).unwrap();
    ask(&checkpoint);
    let mut names: Vec<String> = checkpoint
        .warnings()
        .into_iter()
        .filter(|w| w.what.contains("missing"))
        .filter_map(|w| w.member)
        .collect();
    names.sort();
    names
}

#[test]
fn images_of_namespaces_and_groups_are_missed_by_those_who_need_them() {
    let dump = Dump::new(2);
    dump.pages(&[(0, 2, 4)], 2);
    let host = proto::TaskKobjIdsEntry {
        net_ns_id: Some(2),
        ipc_ns_id: Some(3),
        uts_ns_id: Some(4),
        mnt_ns_id: Some(6),
        user_ns_id: Some(7),
        time_ns_id: Some(5),
        ..Default::default()
    };
    let inventory = proto::InventoryEntry {
        img_version: Some(2),
        root_ids: Some(host),
        root_cg_set: Some(1),
        ..Default::default()
    };
    dump.image(Kind::Inventory, "inventory.img", &[inventory.encode_to_vec()]);
    let own = proto::TaskKobjIdsEntry {
        files_id: Some(1),
        net_ns_id: Some(10),
        ipc_ns_id: Some(11),
        uts_ns_id: Some(12),
        mnt_ns_id: Some(13),
        user_ns_id: Some(14),
        time_ns_id: Some(15),
        ..Default::default()
    };
    dump.image(Kind::Ids, "ids-1.img", &[own.encode_to_vec()]);
    dump.image(Kind::Fs, "fs-1.img", &[proto::FsEntry::default().encode_to_vec()]);
    dump.image(Kind::Files, "files.img", &[]);
    dump.image(Kind::Fdinfo, "fdinfo-1.img", &[]);
    dump.core(proto::TaskCoreEntry { cg_set: Some(2), ..Default::default() });

    let path = dump.path();
    assert_eq!(missing(&path, |c| drop(c.process(1).unwrap())), ["cgroup.img", "userns-14.img"]);
    assert_eq!(missing(&path, |c| drop(c.cgroup_directories())), ["cgroup.img"]);
    assert_eq!(
        missing(&path, |c| drop(c.namespaces())),
        ["ipcns-var-11.img", "mountpoints-13.img", "timens-15.img", "userns-14.img", "utsns-12.img"]
    );
    assert_eq!(missing(&path, |c| drop(c.summary())), ["timens-15.img", "userns-14.img", "utsns-12.img"]);
    assert_eq!(missing(&path, |c| drop(c.ipc())), ["ipcns-var-11.img"]);
    assert_eq!(missing(&path, |c| drop(c.mounts())), ["mountpoints-13.img"]);
    // A network namespace may have been left to the pod, without a word.
    let none: [&str; 0] = [];
    assert_eq!(missing(&path, |c| drop(c.network())), none);
    assert_eq!(missing(&path, |c| drop(c.sockets())), none);
    assert_eq!(missing(&path, |c| drop(c.descriptors(1).unwrap())), none);
    assert_eq!(missing(&path, |c| drop(c.mappings(1).unwrap())), none);
    let (judged, why) = answer(&path, "process.host-users");
    assert_eq!(judged, Answer::No, "{why}");

    // One that was dumped has links, addresses and routes.
    dump.image(Kind::Netns, "netns-10.img", &[proto::NetnsEntry::default().encode_to_vec()]);
    assert_eq!(missing(&path, |c| drop(c.network())), ["ifaddr-10.img", "netdev-10.img", "route-10.img"]);
    let outside = proto::NetnsEntry { ext_key: Some(b"extRootNetNS".to_vec()), ..Default::default() };
    dump.image(Kind::Netns, "netns-10.img", &[outside.encode_to_vec()]);
    assert_eq!(missing(&path, |c| drop(c.network())), none);

    // In CRIU's own groups and namespaces nothing is missing.
    dump.core(proto::TaskCoreEntry { cg_set: Some(1), ..Default::default() });
    dump.image(
        Kind::Ids,
        "ids-1.img",
        &[proto::TaskKobjIdsEntry { files_id: Some(1), ..host }.encode_to_vec()],
    );
    assert_eq!(missing(&path, |c| drop(c.process(1).unwrap())), none);
    let shown = Checkpoint::open(&path).unwrap().namespaces();
    assert!(shown.iter().any(|n| n.kind == NamespaceKind::User && n.host == Some(true)));
    assert_eq!(missing(&path, |c| drop(c.namespaces())), none);
    assert_eq!(answer(&path, "process.host-users").0, Answer::Yes);
}

#[test]
fn memory_file_systems_and_memfds_are_missed() {
    let dump = Dump::new(2);
    dump.pages(&[(0, 2, 4)], 2);
    dump.image(
        Kind::Ids,
        "ids-1.img",
        &[proto::TaskKobjIdsEntry { files_id: Some(1), ..Default::default() }.encode_to_vec()],
    );
    let memfd = proto::FileEntry {
        r#type: Some(18),
        id: Some(5),
        memfd: Some(Box::new(proto::MemfdFileEntry { id: Some(5), inode_id: Some(1), ..Default::default() })),
        ..Default::default()
    };
    dump.image(Kind::Files, "files.img", &[memfd.encode_to_vec()]);
    let fd = proto::FdinfoEntry { id: Some(5), fd: Some(3), r#type: Some(18), ..Default::default() };
    dump.image(Kind::Fdinfo, "fdinfo-1.img", &[fd.encode_to_vec()]);
    let mount = |id: u32, device: u32, root: &str, point: &str, key: Option<&str>| {
        let entry = proto::MntEntry {
            fstype: Some(16),
            fsname: Some(b"tmpfs".to_vec()),
            mnt_id: Some(id),
            parent_mnt_id: Some(1),
            root_dev: Some(device),
            root: Some(root.into()),
            mountpoint: Some(point.into()),
            ext_key: key.map(|k| k.as_bytes().to_vec()),
            ..Default::default()
        };
        entry.encode_to_vec()
    };
    let mounts = [
        mount(2, 50, "/", "/scratch", None),
        mount(3, 51, "/", "/dev/shm", Some("/dev/shm")),
        mount(4, 52, "/part", "/only/a/part", None),
        // A masked path says nothing about the file system that /dev/null is in.
        mount(5, 50, "/null", "/proc/keys", Some("/proc/keys")),
    ];
    dump.image(Kind::Mnts, "mountpoints-13.img", &mounts);
    let path = dump.path();
    assert_eq!(missing(&path, |c| drop(c.descriptors(1).unwrap())), ["memfd.img"]);
    assert_eq!(missing(&path, |c| drop(c.tmpfs_files())), ["tmpfs-dev-50.tar.gz.img"]);
    let searched = missing(&path, search(Scope::default()));
    assert!(searched.contains(&"tmpfs-dev-50.tar.gz.img".to_owned()), "{searched:?}");
    let none: [&str; 0] = [];
    assert_eq!(missing(&path, |c| drop(c.mounts())), none);
    assert_eq!(missing(&path, |c| drop(c.process(1).unwrap())), ["fs-1.img"]);
    let (judged, why) = answer(&path, "files.tmpfs");
    assert_eq!(judged, Answer::No);
    assert!(why.contains("1 image of a memory file system is missing"), "{why}");
}

/// A tar of a dump's images below `checkpoint/`, but `left_out`, and of what else is put into it.
fn tar_of(
    dump: &Dump,
    left_out: &str,
    more: impl FnOnce(&mut tar::Builder<Vec<u8>>),
) -> tempfile::NamedTempFile {
    let mut tar = tar::Builder::new(Vec::new());
    for entry in std::fs::read_dir(dump.path()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if name != left_out {
            tar.append_path_with_name(entry.path(), format!("checkpoint/{name}")).unwrap();
        }
    }
    more(&mut tar);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), tar.into_inner().unwrap()).unwrap();
    file
}

fn put(tar: &mut tar::Builder<Vec<u8>>, kind: tar::EntryType, name: &str, link: &str, data: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(0o600);
    header.set_size(data.len() as u64);
    if link.is_empty() {
        tar.append_data(&mut header, name, data).unwrap();
    } else {
        tar.append_link(&mut header, name, link).unwrap();
    }
}

#[test]
fn links_and_devices_in_the_place_of_files_are_said() {
    use tar::EntryType::{Fifo, Link, Regular, Symlink};
    let dump = Dump::new(2);
    dump.pages(&[(0, 2, 4)], 2);
    let pages = std::fs::read(dump.path().join("pages-1.img")).unwrap();
    let file = tar_of(&dump, "pages-1.img", |tar| {
        put(tar, Regular, "kept/pages", "", &pages);
        put(tar, Link, "checkpoint/pages-1.img", "kept/pages", b"");
        put(tar, Regular, "kept/log", "", b"2026-11-23T17:52:04Z stdout F stored-in-a-log\n");
        put(tar, Link, "ctr.log", "kept/log", b"");
        put(tar, Symlink, "container.log", "/etc/hostname", b"");
        put(tar, Link, "dump.log", "no/such/member", b"");
        put(tar, Fifo, "checkpoint/pipes-data.img", "", b"");
    });
    let open = Checkpoint::open(file.path()).unwrap();
    let lines: Vec<_> = open.log_lines().map(|l| (l.member, l.text.to_lossy().into_owned())).collect();
    assert_eq!(
        lines,
        [("ctr.log".to_owned(), "stored-in-a-log".to_owned())],
        "hard links to members are followed"
    );
    let about = |list: &[String], name: &str| {
        list.iter().filter(|w| w.starts_with(name)).cloned().collect::<Vec<_>>()
    };
    let list: Vec<String> = open.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(list.len(), 1, "{list:?}");
    assert!(list[0].starts_with("container.log: is a symbolic link to \"/etc/hostname\""), "{list:?}");

    let mut found = 0;
    let list = said(file.path(), |c| {
        let search = Search::new(vec![Pattern::literal(b"stored-")]).unwrap();
        search
            .run(c, &mut |_| {
                found += 1;
                ControlFlow::Continue(())
            })
            .unwrap();
    });
    assert_eq!(found, 3, "two pages and a line of the log");
    for name in ["container.log", "dump.log", "checkpoint/pipes-data.img"] {
        assert_eq!(about(&list, name).len(), 1, "{name}: {list:?}");
    }
    assert_eq!(said(file.path(), |c| drop(c.pids())), [""; 0]);

    let open = Checkpoint::open(file.path()).unwrap();
    let rows: Vec<_> = open
        .members()
        .map(|m| (m.name.to_lossy().into_owned(), m.status.as_str(), m.size, m.damage))
        .collect();
    let row = |name: &str| rows.iter().find(|r| r.0 == name).unwrap();
    assert_eq!((row("checkpoint/pages-1.img").1, row("checkpoint/pages-1.img").2), ("known", 2 * PAGE));
    for (name, what) in [
        ("container.log", "symbolic link"),
        ("dump.log", "hard link"),
        ("checkpoint/pipes-data.img", "named pipe"),
    ] {
        assert_eq!(row(name).1, "damaged");
        assert!(row(name).3.as_ref().unwrap().contains(what), "{:?}", row(name));
    }
    assert_eq!(open.memory(1).unwrap().span(START).0, Span::Bytes(libforensic::memory::Layer::Dump));
}

#[test]
fn pages_images_are_as_long_as_their_maps_say() {
    let dump = Dump::new(6);
    let runs = [(0, 3, 4), (3, 1, 2), (5, 1, 6)];
    let row = || {
        let open = Checkpoint::open(dump.path()).unwrap();
        let row = open.members().find(|m| m.name.as_bytes() == b"pages-1.img");
        (row.map(|m| (m.status.as_str(), m.damage.unwrap_or_default())), open.warnings())
    };
    dump.pages(&runs, 4);
    let (found, warnings) = row();
    assert_eq!((found.unwrap(), warnings.len()), (("known", String::new()), 0));
    dump.pages(&runs, 3);
    let (found, warnings) = row();
    let (status, damage) = found.unwrap();
    assert_eq!((status, warnings.len()), ("damaged", 1));
    assert_eq!(damage, "12288 bytes, and its page map says 16384: the last pages are missing");
    dump.pages(&runs, 5);
    let (found, warnings) = row();
    assert_eq!((found.unwrap().0, warnings.len()), ("known", 1));
    assert!(warnings[0].to_string().contains("belongs to no page"), "{warnings:?}");
    std::fs::remove_file(dump.path().join("pages-1.img")).unwrap();
    let (found, warnings) = row();
    assert!(found.is_none());
    assert!(warnings.iter().any(|w| w.what.contains("pages-1.img is missing: it should have 16384 bytes")));
}

/// Writes the process table from processes, parents, and the numbers of threads.
fn table(dump: &Dump, tasks: &[(u32, u32, &[u32])]) {
    let records: Vec<Vec<u8>> = tasks
        .iter()
        .map(|(pid, ppid, threads)| {
            let task = proto::PstreeEntry {
                pid: Some(*pid),
                ppid: Some(*ppid),
                threads: threads.to_vec(),
                ..Default::default()
            };
            task.encode_to_vec()
        })
        .collect();
    dump.image(Kind::Pstree, "pstree.img", &records);
}

#[test]
fn processes_without_a_record_and_without_a_parent_are_said() {
    let dump = Dump::new(1);
    dump.pages(&[(0, 1, 4)], 1);
    let core = proto::CoreEntry { mtype: Some(1), ..Default::default() }.encode_to_vec();
    dump.image(Kind::Core, "core-2.img", std::slice::from_ref(&core));
    table(&dump, &[(1, 0, &[1, 2])]);
    assert_eq!(said(&dump.path(), |c| drop(c.pids())), [""; 0], "threads have core images, too");

    table(&dump, &[(1, 777, &[1])]);
    let list = said(&dump.path(), |c| drop(c.pids()));
    assert_eq!(
        list,
        [
            "pstree.img: process 777, the parent of process 1, is not in the table",
            "pstree.img: core-2.img belongs to no process of this table: a record of it is missing",
        ]
    );
    let (judged, why) = answer(&dump.path(), "process.list");
    assert_eq!(judged, Answer::Partly);
    assert!(why.ends_with("damaged or missing: pstree.img"), "{why}");
}

#[test]
fn a_process_without_a_core_image_is_asked_for_no_more_than_it_had() {
    let dump = Dump::new(1);
    dump.pages(&[(0, 1, 4)], 1);
    // Of a zombie the table has a thread that never was.
    table(&dump, &[(1, 0, &[1]), (12, 1, &[1_357_690_064])]);
    let path = dump.path();
    assert_eq!(missing(&path, |c| assert!(c.process(12).unwrap().threads.is_empty())), ["core-12.img"]);
    assert_eq!(missing(&path, |c| drop(c.cgroup_directories())), ["core-12.img"]);
    let none: [&str; 0] = [];
    assert_eq!(missing(&path, |c| assert!(c.mappings(12).unwrap().is_empty())), none);
    assert_eq!(missing(&path, |c| assert!(c.descriptors(12).unwrap().is_empty())), none);
    assert_eq!(missing(&path, |c| drop(c.ipc())), none);
    assert_eq!(missing(&path, |c| assert!(c.memory(12).is_err())), none);

    // What a living one has mapped does not need its core image, nor the inventory.
    std::fs::remove_file(path.join("core-1.img")).unwrap();
    std::fs::remove_file(path.join("inventory.img")).unwrap();
    assert_eq!(missing(&path, |c| assert_eq!(c.mappings(1).unwrap().len(), 1)), none);
    assert_eq!(missing(&path, |c| drop(c.memory(1).unwrap())), none);
    assert_eq!(missing(&path, |c| drop((c.ipc(), c.mounts()))), none);
    assert_eq!(missing(&path, |c| drop(c.cgroup_directories())), ["core-1.img", "core-12.img"]);
    for id in ["process.identity", "thread.registers"] {
        let (judged, why) = answer(&path, id);
        assert_eq!(judged, Answer::Partly, "{id}: {why}");
        assert!(why.contains("core-1.img"), "{id}: {why}");
    }
    // Who has attached a segment is not known without it.
    std::fs::remove_file(path.join("mm-1.img")).unwrap();
    assert_eq!(missing(&path, |c| drop(c.ipc())), ["mm-1.img"]);
}

/// A dump with a descriptor for each socket; `peer` is a port, 0 for none.
fn sockets(dump: &Dump, numbers: &[(u32, u32)]) {
    let ids = proto::TaskKobjIdsEntry { files_id: Some(1), ..Default::default() };
    dump.image(Kind::Ids, "ids-1.img", &[ids.encode_to_vec()]);
    dump.image(Kind::Fs, "fs-1.img", &[proto::FsEntry::default().encode_to_vec()]);
    let record = |id: u32, peer: u32| {
        let socket = proto::InetSkEntry {
            id: Some(id),
            ino: Some(id),
            family: Some(2),
            r#type: Some(1),
            proto: Some(6),
            state: Some(1),
            src_port: Some(80),
            dst_port: Some(peer),
            src_addr: vec![0x0100_007f],
            dst_addr: vec![0x0100_007f],
            ..Default::default()
        };
        let entry = proto::FileEntry {
            r#type: Some(4),
            id: Some(id),
            isk: Some(Box::new(socket)),
            ..Default::default()
        };
        entry.encode_to_vec()
    };
    let records: Vec<_> = numbers.iter().map(|(id, peer)| record(*id, *peer)).collect();
    dump.image(Kind::Files, "files.img", &records);
    let fds: Vec<_> = numbers
        .iter()
        .map(|(id, _)| {
            let fd =
                proto::FdinfoEntry { id: Some(*id), fd: Some(*id), r#type: Some(4), ..Default::default() };
            fd.encode_to_vec()
        })
        .collect();
    dump.image(Kind::Fdinfo, "fdinfo-1.img", &fds);
}

#[test]
fn sockets_without_records_and_connections_without_images_are_said() {
    let dump = Dump::new(1);
    dump.pages(&[(0, 1, 4)], 1);
    let inventory =
        proto::InventoryEntry { img_version: Some(2), network_lock_method: Some(1), ..Default::default() };
    dump.image(Kind::Inventory, "inventory.img", &[inventory.encode_to_vec()]);
    sockets(&dump, &[(5, 4000), (6, 4001)]);
    let path = dump.path();
    let stream = proto::TcpStreamEntry { inq_len: Some(0), outq_len: Some(0), ..Default::default() };
    dump.image(Kind::TcpStream, "tcp-stream-5.img", &[stream.encode_to_vec()]);
    dump.image(Kind::TcpStream, "tcp-stream-6.img", &[stream.encode_to_vec()]);
    assert_eq!(answer(&path, "socket.list").0, Answer::Yes);
    assert_eq!(answer(&path, "socket.tcp-data").0, Answer::Yes);
    std::fs::remove_file(path.join("tcp-stream-6.img")).unwrap();
    let (judged, why) = answer(&path, "socket.tcp-data");
    assert_eq!(judged, Answer::Partly);
    assert!(why.contains("1 established connection (tcp-stream-…), out of 2"), "{why}");
    std::fs::remove_file(path.join("tcp-stream-5.img")).unwrap();
    let (judged, why) = answer(&path, "socket.tcp-data");
    assert_eq!(judged, Answer::No);
    assert!(why.contains("the images of 2 established connections"), "{why}");
    assert!(!why.contains("refuses"), "{why}");

    // The table ends too early, between two records.
    let fds = std::fs::read(path.join("fdinfo-1.img")).unwrap();
    sockets(&dump, &[(5, 0)]);
    std::fs::write(path.join("fdinfo-1.img"), &fds).unwrap();
    let expected =
        "files.img: descriptor 6 of process 1 is a socket and refers to file 6, which has no record";
    assert_eq!(said(&path, |c| assert_eq!(c.sockets().len(), 1)), [expected]);
    let (judged, why) = answer(&path, "socket.list");
    assert_eq!(judged, Answer::Partly, "{why}");
    assert_eq!(answer(&path, "files.open").0, Answer::Partly);

    std::fs::remove_file(path.join("fdinfo-1.img")).unwrap();
    let (judged, why) = answer(&path, "files.open");
    assert_eq!(judged, Answer::Partly);
    assert!(why.contains("fdinfo-1.img"), "{why}");
}

#[test]
fn what_no_kernel_told_is_said() {
    let dump = Dump::new(2);
    dump.pages(&[(0, 2, 4)], 2);
    sockets(&dump, &[(5, 0), (5, 0)]);
    let list = said(&dump.path(), |c| drop(c.descriptors(1).unwrap()));
    assert_eq!(list.len(), 1, "{list:?}");
    assert!(list[0].contains("descriptor 5 is listed twice"), "{list:?}");
    let vma = |start: u64, end: u64, status: u32| proto::VmaEntry {
        start: Some(start),
        end: Some(end),
        status: Some(status),
        ..Default::default()
    };
    // A guard lies over the mapping it is in.
    dump.mm(vec![vma(START, START + 2 * PAGE, 0x201), vma(START, START + PAGE, 1 << 16)], START + 2 * PAGE);
    let guards = said(&dump.path(), |c| drop(c.mappings(1).unwrap()));
    let odd =
        [vma(START, 1, 0x201), vma(START, START + 2 * PAGE, 0x201), vma(START, START + 2 * PAGE, 0x201)];
    dump.mm(odd.to_vec(), START + 2 * PAGE);
    let list = said(&dump.path(), |c| drop(c.mappings(1).unwrap()));
    assert!(list.iter().any(|w| w.contains("the mapping at 0x100000 ends at 0x1")), "{list:?}");
    assert!(list.iter().any(|w| w.contains("0x100000-0x102000 lies over another")), "{list:?}");
    assert!(guards.iter().all(|w| !w.contains("lies over")), "{guards:?}");
}

/// Gives the counts of the one mapping, and what was said.
fn counted(dump: &Dump) -> (libforensic::memory::PageCounts, Vec<String>) {
    let open = Checkpoint::open(dump.path()).unwrap();
    let pages = open.mappings(1).unwrap()[0].pages;
    (pages, open.warnings().iter().map(ToString::to_string).collect())
}

fn span(dump: &Dump, page: u64) -> Span {
    Checkpoint::open(dump.path()).unwrap().memory(1).unwrap().span(START + page * PAGE).0
}

const DUMPED: Span = Span::Bytes(libforensic::memory::Layer::Dump);
const ZERO: Span = Span::Bytes(libforensic::memory::Layer::Zero);
const LOST: Span = Span::Hole(Hole::NoPageMap);

#[test]
fn behind_the_end_of_a_damaged_page_map_nothing_is_zero() {
    let dump = Dump::new(6);
    dump.pages(&[(0, 1, 4), (2, 1, 4)], 2);
    let map = std::fs::read(dump.path().join("pagemap-1.img")).unwrap();
    let (pages, warnings) = counted(&dump);
    assert_eq!((pages.dumped, pages.zero, pages.absent, warnings.len()), (2, 4, 0, 0));

    dump.raw("pagemap-1.img", &map[..map.len() - 3]);
    let (pages, warnings) = counted(&dump);
    assert_eq!((pages.dumped, pages.zero, pages.absent), (1, 0, 5));
    assert!(warnings.iter().any(|w| w.contains("belongs to no page")), "{warnings:?}");
    assert_eq!(span(&dump, 5), LOST);
    let open = Checkpoint::open(dump.path()).unwrap();
    let process = open.process(1).unwrap();
    assert!(process.cmdline.is_some(), "the first page is there");
    assert!(process.environ.is_none(), "the last one may have been stored");
    assert_eq!(answer(&dump.path(), "memory.data").0, Answer::Partly);
}

#[test]
fn entries_that_page_maps_lack_are_missed() {
    let dump = Dump::new(6);
    // The map ends between two records: only the length of the pages tells.
    dump.pages(&[(0, 1, 4)], 2);
    let (pages, warnings) = counted(&dump);
    assert_eq!((pages.dumped, pages.zero, pages.absent), (1, 0, 5));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0]
            .contains("pages-1.img: 8192 bytes, and its page map says 4096: the rest belongs to no page"),
        "{warnings:?}"
    );
    assert!(answer(&dump.path(), "memory.data").1.contains("1 page map that is not whole"));

    // One entry lost its size: what follows stands as much further on as is left.
    dump.pages(&[(0, 0, 4), (2, 1, 4)], 2);
    assert_eq!([0, 1, 2, 3].map(|page| span(&dump, page)), [LOST, LOST, DUMPED, ZERO]);
    let mut bytes = [0; 11];
    Checkpoint::open(dump.path()).unwrap().memory(1).unwrap().read(START + 2 * PAGE, &mut bytes).unwrap();
    assert_eq!(&bytes, b"stored-0001");
    // Two did: nobody knows where the rest stands.
    dump.pages(&[(0, 0, 4), (1, 0, 4), (2, 1, 4)], 3);
    assert_eq!([0, 1, 2, 3].map(|page| span(&dump, page)), [LOST, LOST, LOST, ZERO]);
    // An entry of no page loses nothing where all pages have one.
    dump.pages(&[(0, 1, 4), (2, 0, 4)], 1);
    assert_eq!([0, 1, 2, 3].map(|page| span(&dump, page)), [DUMPED, ZERO, ZERO, ZERO]);
    assert_eq!(counted(&dump).1, [""; 0]);

    // A record in the middle that is no entry.
    let entry = |page: u64| {
        let run = proto::PagemapEntry {
            vaddr: Some(START + page * PAGE),
            compat_nr_pages: Some(1),
            flags: Some(4),
            ..Default::default()
        };
        run.encode_to_vec()
    };
    dump.pages(&[], 3);
    let head = proto::PagemapHead { pages_id: Some(1) }.encode_to_vec();
    dump.image(Kind::Pagemap, "pagemap-1.img", &[head, entry(0), vec![8], entry(2)]);
    assert_eq!([0, 1, 2, 3].map(|page| span(&dump, page)), [DUMPED, LOST, DUMPED, ZERO]);
    Checkpoint::open(dump.path()).unwrap().memory(1).unwrap().read(START + 2 * PAGE, &mut bytes).unwrap();
    assert_eq!(&bytes, b"stored-0002");
}

#[test]
fn shared_memory_and_pipes_without_their_contents_are_missed() {
    let dump = Dump::new(2);
    dump.pages(&[(0, 2, 4)], 2);
    let path = dump.path();
    let none: [&str; 0] = [];
    assert_eq!(missing(&path, search(Scope::default())), none);
    assert_eq!(answer(&path, "memory.data").0, Answer::Yes);
    assert_eq!(answer(&path, "socket.unix-data").0, Answer::Yes);

    let memfd = |id: u32, size: u64| {
        let inode = proto::MemfdInodeEntry {
            name: Some(b"kept".to_vec()),
            size: Some(size),
            shmid: Some(id),
            inode_id: Some(id.into()),
            ..Default::default()
        };
        inode.encode_to_vec()
    };
    dump.image(Kind::MemfdInode, "memfd.img", &[memfd(7, 2 * PAGE), memfd(8, 0)]);
    let segment = proto::IpcShmEntry {
        desc: Some(proto::IpcDescEntry { key: Some(0x5eed), id: Some(3), ..Default::default() }),
        size: Some(PAGE),
        in_pagemaps: Some(true),
        ..Default::default()
    };
    dump.image(Kind::IpcnsShm, "ipcns-shm-11.img", &[segment.encode_to_vec()]);
    let pipe = |id: u32, number: u32, flags: u32| {
        let pipe = proto::PipeEntry {
            id: Some(id),
            pipe_id: Some(number),
            flags: Some(flags),
            ..Default::default()
        };
        let file = proto::FileEntry {
            r#type: Some(2),
            id: Some(id),
            pipe: Some(Box::new(pipe)),
            ..Default::default()
        };
        file.encode_to_vec()
    };
    // Both ends of one pipe, the writing end of another.
    dump.image(Kind::Files, "files.img", &[pipe(1, 100, 0), pipe(2, 100, 1), pipe(3, 200, 0x8001)]);
    let lost = ["pagemap-shmem-3.img", "pagemap-shmem-7.img", "pipes-data.img"];
    assert_eq!(missing(&path, search(Scope::default())), lost);
    let mut one = Scope::default();
    one.pids = vec![1];
    assert_eq!(missing(&path, search(one)), none, "no process has them mapped");
    assert_eq!(missing(&path, |c| drop(c.mappings(1).unwrap())), none);
    let mut rows = Vec::new();
    let said = missing(&path, |c| {
        extract::objects(c, &mut |o| {
            rows.push((
                o.name.unwrap().to_lossy().into_owned(),
                o.size,
                o.contents.is_some(),
                o.lost.is_some(),
            ));
            ControlFlow::Continue(())
        });
    });
    assert_eq!(said, lost);
    let row = |name: &str, size| (name.to_owned(), size, false, true);
    let expected =
        [row("/SYSV00005eed", Some(PAGE)), row("/memfd:kept", Some(2 * PAGE)), row("pipe 100", None)];
    assert_eq!(rows, expected);
    let (judged, why) = answer(&path, "memory.data");
    assert_eq!(judged, Answer::Partly);
    assert!(why.contains("2 memfds and segments of shared memory without their contents"), "{why}");
    let (judged, why) = answer(&path, "socket.unix-data");
    assert_eq!(judged, Answer::Partly, "{why}");

    dump.image(
        Kind::Ids,
        "ids-1.img",
        &[proto::TaskKobjIdsEntry { files_id: Some(1), ..Default::default() }.encode_to_vec()],
    );
    let fd = |fd: u32| {
        let entry = proto::FdinfoEntry { id: Some(fd), fd: Some(fd), r#type: Some(2), ..Default::default() };
        entry.encode_to_vec()
    };
    dump.image(Kind::Fdinfo, "fdinfo-1.img", &[fd(1)]);
    assert_eq!(missing(&path, |c| drop(c.descriptors(1).unwrap())), ["pipes-data.img"]);
    let data = proto::PipeDataEntry { pipe_id: Some(100), bytes: Some(0), ..Default::default() };
    dump.image(Kind::PipesData, "pipes-data.img", &[data.encode_to_vec()]);
    assert_eq!(missing(&path, |c| drop(c.descriptors(1).unwrap())), none);
    assert_eq!(answer(&path, "socket.unix-data").0, Answer::Yes);
    let other = proto::PipeDataEntry { pipe_id: Some(200), ..data };
    dump.image(Kind::PipesData, "pipes-data.img", &[other.encode_to_vec()]);
    let list = said_of_pipes(&path);
    assert!(list.iter().any(|w| w.contains("pipe 100 has no record")), "{list:?}");
}

fn said_of_pipes(path: &Path) -> Vec<String> {
    said(path, |c| drop(c.descriptors(1).unwrap()))
}

#[test]
fn two_dumps_in_one_place_are_named() {
    let (one, two) = (Dump::new(2), Dump::new(2));
    one.pages(&[(0, 2, 4)], 2);
    two.pages(&[(0, 2, 4)], 2);
    let tar_with = |order: [(&str, &Dump); 2], link: bool| {
        let mut tar = tar::Builder::new(Vec::new());
        for (name, dump) in order {
            tar.append_dir_all(name, dump.path()).unwrap();
        }
        if link {
            put(&mut tar, tar::EntryType::Symlink, "top/a/parent", "../b", b"");
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), tar.into_inner().unwrap()).unwrap();
        file
    };
    for order in [[("top/a", &one), ("top/b", &two)], [("top/b", &two), ("top/a", &one)]] {
        let file = tar_with(order, false);
        let list = said(file.path(), |_| {});
        assert_eq!(list.len(), 1, "{list:?}");
        assert!(
            list[0].contains("another dump in \"top/b/\"; only that in \"top/a/\" is looked at"),
            "{list:?}"
        );
    }
    let file = tar_with([("top/a", &one), ("top/b", &two)], true);
    assert_eq!(said(file.path(), |_| {}), [""; 0], "a parent dump is a part of this one");
}
