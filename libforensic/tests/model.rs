//! The model against what /proc said of two real containers, and against images made here.

use std::path::PathBuf;

use libforensic::Checkpoint;
use libforensic::image::{Kind, proto};
use libforensic::model::{Answer, CallState, DescriptorKind, Family};
use prost::Message;

fn zoo() -> Checkpoint {
    Checkpoint::open("../examples/evidence/zoo.tar.zst").unwrap()
}

#[test]
fn threads_of_the_zoo() {
    let zoo = zoo();
    let main = zoo.process(1).unwrap();
    let thread = &main.threads[0];
    let call = thread.system_call.as_ref().unwrap();
    assert_eq!((call.number, call.name, call.state), (34, Some("pause"), CallState::Waiting));
    let pc = thread.pc.as_ref().unwrap().mapping.as_ref().unwrap();
    assert!(pc.path.as_ref().unwrap().to_lossy().ends_with("/libc.so.6"));
    assert_eq!(
        thread.sp.as_ref().unwrap().mapping.as_ref().unwrap().path.as_ref().unwrap().to_lossy(),
        "[stack]"
    );
    assert_eq!(thread.alternate_stack.unwrap().address.0, 0x7000_0000_0000);
    assert_eq!(thread.seccomp_filters, [0]);
    // sigqueue(36, value 1234) and kill(12), both blocked; tgkill(12) for the thread alone.
    let pending: Vec<_> = main.pending_signals.iter().map(|s| (s.signal, s.pid, s.value)).collect();
    assert_eq!(pending, [(12, Some(1), None), (36, Some(1), Some(1234))]);
    assert_eq!(thread.pending_signals[0].code_name(), Some("SI_TKILL"));
    let caught: Vec<_> = main.handlers.iter().map(|h| h.signal).collect();
    assert_eq!(caught, [1, 10]);
    assert_eq!(
        main.handlers[0].handler.mapping.as_ref().unwrap().path.as_ref().unwrap().to_lossy(),
        "/opt/zoo"
    );
    let timers: Vec<_> = main.timers.iter().map(|t| (t.kind, t.signal, t.value)).collect();
    let expected = [
        ("real", Some(14), None),
        ("virtual", Some(26), None),
        ("posix", Some(35), Some(4242)),
        ("posix", Some(35), Some(4242)),
    ];
    assert_eq!(timers, expected);
    assert_eq!(main.timers[2].interval_ns, Some(500_000_000_001));
    let retitled = zoo.process(25).unwrap();
    assert_eq!(retitled.threads[0].parent_death_signal, Some(1));
    // The container's filter came first, the process's own later; CRIU 4.2.1 links them in that order.
    assert_eq!(retitled.threads[0].seccomp_filters, [9, 8]);
    assert!(zoo.warnings().is_empty(), "{:?}", zoo.warnings());
}

#[test]
fn filters_of_the_zoo() {
    let filters = zoo().seccomp_filters();
    assert_eq!(filters.len(), 11);
    let podman = filters[0].rules().unwrap();
    assert_eq!(podman.default.unwrap().to_string(), "errno ENOSYS");
    assert!(podman.calls["allow"].iter().any(|c| c == "read"));
    assert!(podman.calls["errno EPERM"].iter().any(|c| c == "kexec_load"), "{:?}", podman.calls);
    assert_eq!(filters[10].same_as, 0);
    let own = &filters[8];
    assert_eq!((own.program.len(), own.users[0].pid, own.previous), (4, 25, None));
    assert_eq!(own.rules().unwrap().default.unwrap().to_string(), "allow");
    assert_eq!(own.disassembly().len(), 4);
}

#[test]
fn descriptors_of_the_zoo() {
    let zoo = zoo();
    let list = zoo.descriptors(1).unwrap();
    let fd = |n: u32| list.iter().find(|f| f.fd == n).unwrap();
    let ghost = &fd(11).details["remap"];
    assert_eq!((ghost["sizeBytes"].as_u64(), ghost["mode"].as_str()), (Some(300_018), Some("0100640")));
    assert_eq!(fd(10).details["remap"]["sizeBytes"], 5000);
    let terminal = &fd(42).details["terminal"];
    assert_eq!((terminal["rows"].as_u64(), terminal["columns"].as_u64()), (Some(33), Some(121)));
    assert_eq!(terminal["session"], 15);
    let lock = fd(44).locks[0];
    assert_eq!(
        (lock.kind, lock.mode, lock.start, lock.length),
        (Some("posix"), Some("write"), Some(10), Some(20))
    );
    assert_eq!(fd(43).locks[0].kind, Some("flock"));
    assert_eq!(fd(45).locks[0].kind, Some("ofd"));
    assert_eq!(fd(27).watched_by, [29]);
    assert_eq!(fd(29).details["watches"][1]["target"], fd(15).target.as_ref().unwrap().to_lossy().as_ref());
    assert_eq!(fd(33).details["watches"][0]["events"][0], "MODIFY");
    let sharing = fd(4).sharing.as_ref().unwrap();
    assert!(sharing.duplicate && !sharing.with_parent);
    let child = zoo.descriptors(16).unwrap();
    assert!(child.iter().find(|f| f.fd == 4).unwrap().sharing.as_ref().unwrap().with_parent);
    assert_eq!(fd(46).kind, Some(DescriptorKind::Pidfd));
}

#[test]
fn namespaces_of_the_zoo() {
    let zoo = zoo();
    let ipc = zoo.ipc();
    let kinds: Vec<_> = ipc.iter().map(|o| o.kind).collect();
    assert_eq!(kinds, ["shm", "shm", "sem", "msg"]);
    assert_eq!(ipc[2].semaphores.as_deref(), Some(&[1, 5, 9][..]));
    let messages = ipc[3].messages.as_ref().unwrap();
    assert_eq!(
        (messages[0]["type"].as_u64(), messages[0]["text"].as_str()),
        (Some(7), Some("planted-sysv-msg-1"))
    );
    assert_eq!(ipc[0].attached.len(), 10);
    assert!(ipc[1].attached.is_empty());
    let files = zoo.tmpfs_files();
    let empty = files.iter().find(|f| f.path.to_lossy() == "/scratch/empty").unwrap();
    assert_eq!(empty.mode.map(|m| m & 0o7777), Some(0o4755));
    let mounts = zoo.mounts();
    let scratch = mounts.iter().find(|m| m.mountpoint.as_ref().unwrap().to_lossy() == "/scratch").unwrap();
    assert_eq!(scratch.differences.as_deref(), Some(&[][..]));
    assert!(scratch.requested.is_some());
    let queued =
        zoo.sockets().into_iter().find(|s| !s.messages.is_empty() && s.messages[0].passed_files.len() == 1);
    assert_eq!(queued.unwrap().family, Family::Unix);
}

#[test]
fn questions_have_answers() {
    let simple = Checkpoint::open("../examples/evidence/simple.tar").unwrap();
    let answers = simple.answerable();
    let answer = |id: &str| answers.iter().find(|a| a.id == id).unwrap();
    assert_eq!(answer("process.list").answer, Answer::Yes);
    assert_eq!(answer("process.start-time").answer, Answer::No);
    assert_eq!(answer("socket.udp-data").answer, Answer::No);
    assert_eq!(answers.len(), libforensic::model::questions().count());
}

/// A bare directory of images, written without the library's own encoder.
struct Dump {
    directory: tempfile::TempDir,
    big_endian: bool,
}

impl Dump {
    fn new(big_endian: bool) -> Self {
        let dump = Self { directory: tempfile::tempdir().unwrap(), big_endian };
        let inventory =
            proto::InventoryEntry { img_version: Some(2), fdinfo_per_id: Some(true), ..Default::default() };
        dump.image(Kind::Inventory, "inventory.img", &[inventory.encode_to_vec()]);
        let task =
            proto::PstreeEntry { pid: Some(1), ppid: Some(0), pgid: Some(1), sid: Some(1), threads: vec![1] };
        dump.image(Kind::Pstree, "pstree.img", &[task.encode_to_vec()]);
        dump
    }

    fn word(&self, n: u32) -> [u8; 4] {
        if self.big_endian { n.to_be_bytes() } else { n.to_le_bytes() }
    }

    fn image(&self, kind: Kind, name: &str, records: &[Vec<u8>]) {
        let mut bytes = Vec::new();
        if kind != Kind::Inventory {
            bytes.extend(self.word(0x5456_4319));
        }
        bytes.extend(self.word(kind.info().magic.unwrap()));
        for record in records {
            bytes.extend(self.word(u32::try_from(record.len()).unwrap()));
            bytes.extend(record);
        }
        self.raw(name, &bytes);
    }

    fn raw(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.directory.path().join(name), bytes).unwrap();
    }

    fn open(&self) -> Checkpoint {
        Checkpoint::open(PathBuf::from(self.directory.path())).unwrap()
    }
}

fn task(core: proto::CoreEntry) -> Vec<u8> {
    proto::CoreEntry {
        tc: Some(proto::TaskCoreEntry {
            task_state: Some(1),
            comm: Some(b"init".to_vec()),
            ..Default::default()
        }),
        thread_core: Some(proto::ThreadCoreEntry::default()),
        ..core
    }
    .encode_to_vec()
}

#[test]
fn images_of_old_versions() {
    let dump = Dump::new(false);
    dump.image(Kind::Core, "core-1.img", &[task(proto::CoreEntry { mtype: Some(1), ..Default::default() })]);
    let ids = proto::TaskKobjIdsEntry { files_id: Some(1), user_ns_id: Some(9), ..Default::default() };
    dump.image(Kind::Ids, "ids-1.img", &[ids.encode_to_vec()]);
    let creds =
        proto::CredsEntry { uid: Some(33), euid: Some(33), cap_eff: vec![1, 0], ..Default::default() };
    dump.image(Kind::Creds, "creds-1.img", &[creds.encode_to_vec()]);
    let map = proto::UidGidExtent { first: Some(0), lower_first: Some(100_000), count: Some(65_536) };
    let userns = proto::UsernsEntry { uid_map: vec![map], gid_map: vec![] };
    dump.image(Kind::Userns, "userns-9.img", &[userns.encode_to_vec()]);
    let mut actions = vec![proto::SaEntry::default().encode_to_vec(); 62];
    // Number 9 and 19 are left out: index 8 is signal 10.
    actions[8] = proto::SaEntry { sigaction: Some(1), ..Default::default() }.encode_to_vec();
    dump.image(Kind::Sigact, "sigacts-1.img", &actions);
    let limit = |n: u64| proto::RlimitEntry { cur: Some(n), max: Some(u64::MAX) }.encode_to_vec();
    dump.image(Kind::Rlimit, "rlimit-1.img", &[limit(60), limit(u64::MAX)]);
    let timer = proto::ItimerEntry { isec: Some(1), iusec: Some(5), vsec: Some(2), vusec: Some(0) };
    dump.image(Kind::Itimers, "itimers-1.img", &[timer.encode_to_vec()]);
    let mut info = vec![0_u8; 128];
    info[0] = 10;
    info[16] = 1;
    let info = proto::SiginfoEntry { siginfo: Some(info) };
    dump.image(Kind::Signal, "signal-s-1.img", &[info.encode_to_vec()]);
    let file = proto::RegFileEntry {
        id: Some(5),
        name: Some(b"/old/file".to_vec()),
        flags: Some(0),
        ..Default::default()
    };
    dump.image(Kind::RegFiles, "reg-files.img", &[file.encode_to_vec()]);
    let fd = proto::FdinfoEntry {
        id: Some(5),
        r#type: Some(1),
        fd: Some(3),
        flags: Some(0),
        ..Default::default()
    };
    dump.image(Kind::Fdinfo, "fdinfo-1.img", &[fd.encode_to_vec()]);
    let old = dump.open();
    let process = old.process(1).unwrap();
    assert_eq!(process.credentials.as_ref().unwrap().uid.real, Some(33));
    assert_eq!(process.outside.as_ref().unwrap().uid.real, Some(100_033));
    assert_eq!(process.signals.ignored.unwrap().0, 1 << 9);
    assert_eq!(process.signals.pending.unwrap().0, 1 << 9);
    assert_eq!(process.pending_signals[0].pid, Some(1));
    let limits = process.limits.unwrap();
    assert_eq!((limits[0].resource, limits[0].soft, limits[1].soft), ("CPU", Some(60), None));
    assert_eq!(process.timers[0].interval_ns, Some(1_000_005_000));
    assert_eq!(old.descriptors(1).unwrap()[0].path.as_ref().unwrap().to_lossy(), "/old/file");
}

#[test]
fn other_architectures() {
    let arm64 = Dump::new(false);
    let mut regs = vec![0_u64; 31];
    regs[8] = 98;
    let gpregs = proto::UserAarch64RegsEntry { regs, sp: Some(2), pc: Some(1), pstate: Some(0) };
    let ti_aarch64 = proto::ThreadInfoAarch64 { gpregs: Some(gpregs), ..Default::default() };
    let core = proto::CoreEntry { mtype: Some(3), ti_aarch64: Some(ti_aarch64), ..Default::default() };
    arm64.image(Kind::Core, "core-1.img", &[task(core)]);
    let process = arm64.open().process(1).unwrap();
    let call = process.threads[0].system_call.as_ref().unwrap();
    assert_eq!((call.name, call.state), (Some("futex"), CallState::Possible));

    let s390 = Dump::new(true);
    let gpregs = proto::UserS390RegsEntry {
        psw_addr: Some(7),
        gprs: vec![3; 16],
        system_call: Some(0x2_0022),
        ..Default::default()
    };
    let ti_s390 = proto::ThreadInfoS390 { gpregs: Some(gpregs), ..Default::default() };
    let core = proto::CoreEntry { mtype: Some(5), ti_s390: Some(ti_s390), ..Default::default() };
    s390.image(Kind::Core, "core-1.img", &[task(core)]);
    let socket = proto::InetSkEntry {
        id: Some(1),
        ino: Some(4),
        family: Some(2),
        r#type: Some(1),
        proto: Some(6),
        state: Some(10),
        src_addr: vec![0x7f00_0001],
        src_port: Some(80),
        ..Default::default()
    };
    let file =
        proto::FileEntry { r#type: Some(4), id: Some(1), isk: Some(Box::new(socket)), ..Default::default() };
    s390.image(Kind::Files, "files.img", &[file.encode_to_vec()]);
    let open = s390.open();
    assert_eq!(open.architecture().unwrap().as_str(), "s390x");
    assert_eq!(open.process(1).unwrap().threads[0].registers.as_ref().unwrap().pc(), Some(7));
    assert_eq!(open.sockets()[0].local.unwrap().to_string(), "127.0.0.1:80");

    let ppc = Dump::new(false);
    let gpregs =
        proto::UserPpc64RegsEntry { gpr: vec![4; 32], nip: Some(9), trap: Some(0xc01), ..Default::default() };
    let ti_ppc64 = proto::ThreadInfoPpc64 { gpregs: Some(gpregs), ..Default::default() };
    let core = proto::CoreEntry { mtype: Some(4), ti_ppc64: Some(ti_ppc64), ..Default::default() };
    ppc.image(Kind::Core, "core-1.img", &[task(core)]);
    let mm = proto::MmEntry { mm_saved_auxv: vec![6, 65_536], ..Default::default() };
    ppc.image(Kind::Mm, "mm-1.img", &[mm.encode_to_vec()]);
    let open = ppc.open();
    assert_eq!(open.page_size(), 65_536);
    assert_eq!(open.process(1).unwrap().threads[0].system_call.as_ref().unwrap().number, 4);
}

#[test]
fn routes_and_addresses() {
    let dump = Dump::new(false);
    dump.image(Kind::Core, "core-1.img", &[task(proto::CoreEntry { mtype: Some(1), ..Default::default() })]);
    let device = proto::NetDeviceEntry {
        r#type: Some(2),
        ifindex: Some(2),
        mtu: Some(1500),
        flags: Some(0x1043),
        name: Some(b"eth0".to_vec()),
        address: Some(vec![2, 0, 0, 0, 0, 1]),
        ..Default::default()
    };
    dump.image(Kind::Netdev, "netdev-10.img", &[device.encode_to_vec()]);
    let message = |kind: u16, body: &[u8]| {
        let mut bytes = (16 + u32::try_from(body.len()).unwrap()).to_le_bytes().to_vec();
        bytes.extend(kind.to_le_bytes());
        bytes.extend([0; 10]);
        bytes.extend(body);
        bytes
    };
    let mut addresses = 0x4736_1222_u32.to_le_bytes().to_vec();
    addresses.extend(message(20, &[2, 24, 0, 0, 2, 0, 0, 0, 8, 0, 2, 0, 10, 0, 0, 5]));
    dump.raw("ifaddr-10.img", &addresses);
    let mut routes = 0x4531_1224_u32.to_le_bytes().to_vec();
    let route = [2, 0, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0, 8, 0, 5, 0, 10, 0, 0, 1, 8, 0, 4, 0, 2, 0, 0, 0];
    routes.extend(message(24, &route));
    routes.extend([1, 2, 3]);
    dump.raw("route-10.img", &routes);
    let open = dump.open();
    let items = open.network();
    assert_eq!(items.len(), 3);
    assert_eq!(
        (items[0].link_type, items[0].link_address.as_deref()),
        (Some("veth"), Some("02:00:00:00:00:01"))
    );
    assert_eq!(
        (items[1].address.as_deref(), items[1].interface.as_deref()),
        (Some("10.0.0.5/24"), Some("eth0"))
    );
    let route = &items[2];
    assert_eq!((route.address.as_deref(), route.gateway.as_deref()), (Some("default"), Some("10.0.0.1")));
    assert_eq!((route.interface.as_deref(), route.protocol.as_deref()), (Some("eth0"), Some("boot")));
    assert_eq!(route.source.member, "route-10.img");
    assert!(open.warnings().iter().any(|w| w.what.contains("netlink")));
}

#[test]
fn foreign_evidence_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    let message = || Checkpoint::open(directory.path()).unwrap_err().to_string();
    write("checkpoint.img", "gVisorSF and more");
    assert!(message().contains("gVisor"));
    write("pod.options", r#"{"version":1,"containers":{"web":"web-1"}}"#);
    assert!(message().contains("web"), "{}", message());
    write("checkpoint-manifest.json", r#"{"version":2,"containers":[{"name":"app","archive":"app.tar"}]}"#);
    assert!(message().contains("app.tar"), "{}", message());
}

#[test]
fn the_table_of_questions_is_in_the_documentation() {
    let text = std::fs::read_to_string("../docs/model.md").unwrap();
    for (name, question) in libforensic::model::questions() {
        let row = format!("| `{name}` | {question} |");
        assert!(text.contains(&row), "docs/model.md lacks the line\n{row}");
    }
}

#[test]
fn the_table_of_what_is_decoded_is_in_the_documentation() {
    let text = std::fs::read_to_string("../docs/model.md").unwrap();
    let table =
        format!("<!-- decoded: generated -->\n{}<!-- decoded: end -->", libforensic::model::decoded_table());
    assert!(text.contains(&table), "put this into docs/model.md:\n{table}");
}

fn crowd_of_one(core: proto::TaskCoreEntry) -> Dump {
    let dump = Dump::new(false);
    let core = proto::CoreEntry { mtype: Some(1), tc: Some(core), ..Default::default() };
    dump.image(Kind::Core, "core-1.img", &[core.encode_to_vec()]);
    dump
}

#[test]
fn personality_is_what_proc_said() {
    // CRIU 4.2.1 wrote 440000 for a process whose /proc/PID/personality was 00440000.
    for (recorded, shown) in [(0, 0), (440_000, 0x44_0000), (8, 8), (4_294_967_295, 0xffff_ffff)] {
        let tc =
            proto::TaskCoreEntry { task_state: Some(1), personality: Some(recorded), ..Default::default() };
        let process = crowd_of_one(tc).open().process(1).unwrap();
        assert_eq!(process.personality.unwrap().0, shown);
    }
}

#[test]
fn namespaces_and_groups() {
    let tc = proto::TaskCoreEntry { task_state: Some(1), cg_set: Some(2), ..Default::default() };
    let dump = crowd_of_one(tc);
    let own = proto::TaskKobjIdsEntry { net_ns_id: Some(2), user_ns_id: Some(7), ..Default::default() };
    let inventory = proto::InventoryEntry { img_version: Some(2), root_ids: Some(own), ..Default::default() };
    dump.image(Kind::Inventory, "inventory.img", &[inventory.encode_to_vec()]);
    let ids = proto::TaskKobjIdsEntry {
        net_ns_id: Some(10),
        user_ns_id: Some(7),
        uts_ns_id: Some(12),
        ..Default::default()
    };
    dump.image(Kind::Ids, "ids-1.img", &[ids.encode_to_vec()]);
    let uts = proto::UtsnsEntry { nodename: Some(b"web\x1b".to_vec()), domainname: Some(b"(none)".to_vec()) };
    dump.image(Kind::Utsns, "utsns-12.img", &[uts.encode_to_vec()]);
    let member = |name: &str, path: &str, prefix| proto::CgMemberEntry {
        name: Some(name.into()),
        path: Some(path.into()),
        cgns_prefix: prefix,
    };
    let set = proto::CgSetEntry {
        id: Some(2),
        ctls: vec![member("cpu,cpuacct", "/a/b", Some(2)), member("", "/u", None)],
    };
    let directory = |name: &str, children| proto::CgroupDirEntry {
        dir_name: Some(name.into()),
        children,
        properties: vec![proto::CgroupPropEntry {
            name: Some(b"cpu.shares".to_vec()),
            value: Some(b"512\n".to_vec()),
            perms: None,
        }],
        dir_perms: Some(proto::CgroupPerms { mode: Some(0o40_755), uid: Some(5), gid: Some(6) }),
    };
    let controller = proto::CgControllerEntry {
        cnames: vec![b"cpu".to_vec(), b"cpuacct".to_vec()],
        dirs: vec![directory("a", vec![directory("b", vec![])])],
        is_threaded: Some(true),
    };
    let cgroup = proto::CgroupEntry { sets: vec![set], controllers: vec![controller] };
    dump.image(Kind::Cgroup, "cgroup.img", &[cgroup.encode_to_vec()]);
    let open = dump.open();

    let namespaces = open.namespaces();
    let found: Vec<_> = namespaces.iter().map(|n| (n.kind.as_str(), n.id, n.host, n.members.len())).collect();
    assert_eq!(
        found,
        [("net", 10, Some(false), 0), ("user", 7, Some(true), 0), ("uts", 12, None, 1)],
        "a namespace that the inventory does not name is neither the host's nor not"
    );
    let source = namespaces[0].host_source.as_ref().unwrap();
    assert_eq!(
        (source.member.as_str(), source.field.as_deref()),
        ("inventory.img", Some("root_ids.net_ns_id"))
    );
    assert_eq!(namespaces[2].nodename.as_ref().unwrap().as_bytes(), b"web\x1b");
    assert_eq!(namespaces[2].domainname, None);
    assert!(namespaces.iter().all(|n| n.processes == [1]));

    let groups = open.cgroup_directories();
    let found: Vec<_> = groups
        .iter()
        .map(|g| (g.version, g.path.to_lossy().into_owned(), g.processes.clone(), g.properties.is_some()))
        .collect();
    assert_eq!(
        found,
        [
            (1, "/a".to_owned(), vec![], true),
            (1, "/a/b".to_owned(), vec![1], true),
            (2, "/u".to_owned(), vec![1], false)
        ]
    );
    let shares = &groups[1].properties.as_ref().unwrap()[0];
    assert_eq!(
        (shares.name.as_bytes(), shares.value.as_bytes()),
        (b"cpu.shares".as_slice(), b"512".as_slice())
    );
    assert_eq!((groups[1].mode, groups[1].uid, groups[1].gid), (Some(0o40_755), Some(5), Some(6)));
    let own = open.process(1).unwrap().cgroups.unwrap();
    assert_eq!(own[0].namespace_root.as_ref().unwrap().as_bytes(), b"/a");
}

#[test]
fn connections_that_nobody_accepted_and_protocols_without_a_name() {
    let dump = Dump::new(false);
    let unix = |id, ino, state, peer| proto::FileEntry {
        r#type: Some(5),
        id: Some(id),
        usk: Some(Box::new(proto::UnixSkEntry {
            id: Some(id),
            ino: Some(ino),
            r#type: Some(1),
            state: Some(state),
            peer: Some(peer),
            ..Default::default()
        })),
        ..Default::default()
    };
    let raw = |id, proto_number| proto::FileEntry {
        r#type: Some(4),
        id: Some(id),
        isk: Some(Box::new(proto::InetSkEntry {
            id: Some(id),
            ino: Some(id),
            family: Some(2),
            r#type: Some(3),
            proto: Some(proto_number),
            state: Some(7),
            ..Default::default()
        })),
        ..Default::default()
    };
    let files = [unix(1, 100, 10, 0), unix(2, 101, 1, 100), unix(3, 102, 1, 103), raw(4, 255), raw(5, 1)];
    dump.image(Kind::Files, "files.img", &files.map(|f| f.encode_to_vec()));
    let open = dump.open();
    let sockets = open.sockets();
    assert_eq!(sockets.len(), 5, "{:?}", open.warnings());
    let of = |ino| sockets.iter().find(|s| s.inode == Some(ino)).unwrap();
    assert_eq!((of(101).peer_inode, of(101).awaits_accept), (None, Some(100)));
    assert_eq!((of(102).peer_inode, of(102).awaits_accept), (Some(103), None));
    assert_eq!((of(4).protocol.as_deref(), of(4).protocol_name), (Some("255"), Some("raw")));
    assert_eq!(of(5).protocol.as_deref(), Some("icmp"));
}

#[test]
fn system_calls_of_other_architectures() {
    use libforensic::model::{Architecture, compat_system_call_name, system_call_name};
    for (architecture, number, name) in [
        (Architecture::Arm, 162, "nanosleep"),
        (Architecture::Arm, 252, "epoll_wait"),
        (Architecture::Mips, 4188, "poll"),
        (Architecture::Mips, 5007, "poll"),
        (Architecture::Ppc64le, 29, "pause"),
        (Architecture::S390x, 4, "write"),
    ] {
        assert_eq!(system_call_name(architecture, number), Some(name), "{architecture:?}");
    }
    assert_eq!(compat_system_call_name(29), Some("pause"));
    let dump = Dump::new(false);
    let registers = |r0, r2, r7| proto::UserMipsRegsEntry {
        r0: Some(r0),
        r2: Some(r2),
        r4: Some(3),
        r7: Some(r7),
        ..Default::default()
    };
    let call = |r: proto::UserMipsRegsEntry| {
        let core = proto::CoreEntry {
            mtype: Some(6),
            ti_mips: Some(proto::ThreadInfoMips { gpregs: Some(r), ..Default::default() }),
            ..Default::default()
        };
        dump.image(Kind::Core, "core-1.img", &[task(core)]);
        dump.open().process(1).unwrap().threads[0].system_call.clone()
    };
    let waiting = call(registers(4188, 4188, 9)).unwrap();
    assert_eq!((waiting.name, waiting.state, waiting.result), (Some("poll"), CallState::Waiting, None));
    assert_eq!(waiting.arguments[0].unwrap().0, 3);
    assert_eq!(call(registers(5034, 4, 1)).unwrap().state, CallState::Interrupted);
    let failed = call(registers(5000, 9, 1)).unwrap();
    assert_eq!((failed.name, failed.result.unwrap().0), (Some("read"), 9_u64.wrapping_neg()));
    assert_eq!(failed.arguments[3], None);
    assert_eq!(call(registers(0, 17, 0)), None);
}

/// Copies the images of a small dump but those that `left_out` names.
fn without(left_out: &[&str]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let mut archive = tar::Archive::new(std::fs::File::open("../examples/evidence/simple.tar").unwrap());
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().into_owned();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.starts_with("checkpoint")
            && entry.header().entry_type().is_file()
            && !left_out.contains(&name.as_str())
        {
            entry.unpack(directory.path().join(name)).unwrap();
        }
    }
    directory
}

#[test]
fn a_missing_table_of_files_is_said_by_all_who_need_it() {
    let directory = without(&["files.img"]);
    let said = |ask: &dyn Fn(&Checkpoint)| {
        let checkpoint = Checkpoint::open(directory.path()).unwrap();
        ask(&checkpoint);
        checkpoint.warnings().iter().any(|w| w.to_string().contains("files.img"))
    };
    assert!(said(&|c| drop(c.sockets())));
    assert!(said(&|c| drop(c.mappings(1).unwrap())));
    assert!(said(&|c| drop(c.process(1).unwrap())));
    assert!(!said(&|c| drop(c.pids())), "who asks for no files is told nothing");
    let checkpoint = Checkpoint::open(directory.path()).unwrap();
    let answers = checkpoint.answerable();
    let answer = |id: &str| answers.iter().find(|a| a.id == id).unwrap().answer.as_str();
    assert_eq!((answer("files.open"), answer("socket.list")), ("no", "no"));
}
