//! Real dumps of programs that use what containers seldom do, against what /proc said just before.
//!
//! Made with CRIU 4.2.1 on Linux 6.18; the expected values are those of /proc and `ss`.

use libforensic::Checkpoint;
use libforensic::image::proto;
use libforensic::model::{CallState, DescriptorKind, FileDescriptor};

fn open(name: &str) -> Checkpoint {
    Checkpoint::open(format!("tests/fixtures/{name}")).unwrap()
}

#[test]
fn threads_that_differ_from_each_other() {
    let dump = open("odd-threads.tar.zst");
    let process = dump.process(31).unwrap();
    assert_eq!(process.threads.len(), 60);
    assert_eq!(process.signals.pending.unwrap().0, 0x8000_0000_0000_0000);
    let thread = |tid| process.threads.iter().find(|t| t.tid == tid).unwrap();
    // Blocked and pending masks, effective user, capabilities, and the call of /proc/PID/task/TID/syscall.
    for (tid, blocked, pending, uid, capabilities, call) in [
        (31, 0x8000_0000_0000_0000, 0, 0, 0x1ff_feff_ffff, "pause"),
        (32, 0x8000_0004_0000_0002, 0, 0, 0x1ff_feff_ffff, "clock_nanosleep"),
        (33, 0x8000_0008_0000_0004, 0, 0, 0x1ff_feff_ffff, "epoll_wait"),
        (34, 0x8000_0010_0000_0008, 0x10_0000_0000, 0, 0x1ff_feff_ffff, "poll"),
        (35, 0x8000_0020_0000_0010, 0, 0, 0x1ff_feff_ffff, "read"),
        (37, 0x8000_0080_0000_0040, 0, 1006, 0, "pause"),
        (41, 0x8000_0800_0000_0400, 0x800_0000_0000, 0, 0x1ff_feff_ffff, "pause"),
        (42, 0x8000_1000_0000_0800, 0, 0, 0x20, "pause"),
        (43, 0x8000_2000_0000_1000, 0, 0, 0x1ff_feff_ffff, "futex"),
    ] {
        let t = thread(tid);
        assert_eq!((t.blocked.unwrap().0, t.pending.unwrap().0), (blocked, pending), "thread {tid}");
        let credentials = t.credentials.as_ref().unwrap();
        assert_eq!(
            (credentials.uid.effective, credentials.capabilities.effective.0),
            (Some(uid), capabilities)
        );
        let system_call = t.system_call.as_ref().unwrap();
        assert_eq!(system_call.name, Some(call), "thread {tid}");
        assert_ne!(system_call.state, CallState::Returned, "thread {tid}");
    }
    assert_eq!(thread(40).comm.as_ref().unwrap().as_bytes(), b"\xff\x1b[31m\n)x");
    let scheduling = |tid| thread(tid).scheduling.unwrap();
    assert_eq!((scheduling(32).policy, scheduling(32).priority), (Some("SCHED_FIFO"), Some(5)));
    assert_eq!((scheduling(39).policy, scheduling(39).nice), (Some("SCHED_BATCH"), Some(7)));
    // A filter of one thread alone; a later thread has two.
    assert_eq!((thread(31).seccomp_filters.len(), thread(41).seccomp_filters.len()), (0, 1));
    assert_eq!(thread(53).seccomp_filters.len(), 2);
    assert!(dump.warnings().is_empty(), "{:?}", dump.warnings());
}

#[test]
fn descriptors_of_rare_kinds() {
    let dump = open("odd-files.tar.zst");
    let list = dump.descriptors(31).unwrap();
    let named = |path: &[u8]| -> &FileDescriptor {
        list.iter().find(|f| f.path.as_ref().is_some_and(|p| p.as_bytes() == path)).unwrap()
    };
    // The mark of a deleted file is no part of its name, unless it is.
    assert_eq!(named(b"/tmp/f/x (deleted)").deleted, Some(false));
    assert_eq!(named(b"/tmp/f/y (deleted)").deleted, Some(true));
    assert_eq!(named(b"/tmp/f/gone").size, Some(8));
    assert!(named(b"/tmp/f/\xff\xfe\x1b]0;evil\x07\nname").deleted == Some(false));
    let of = |kind| -> Vec<&FileDescriptor> { list.iter().filter(|f| f.kind == Some(kind)).collect() };
    let counters: Vec<&str> =
        of(DescriptorKind::Eventfd).iter().map(|f| f.details["counter"].as_str().unwrap()).collect();
    assert_eq!(
        counters,
        ["0x0000000000000007", "0xfffffffffffffffe", "0x0000000000000001", "0x0000000000000000"]
    );
    let pids: Vec<u64> =
        of(DescriptorKind::Pidfd).iter().map(|f| f.details["pid"].as_u64().unwrap()).collect();
    assert_eq!(pids, [31, 32]);
    let fanotify = of(DescriptorKind::Fanotify)[0];
    let marks = &fanotify.details["marks"];
    assert_eq!((&marks[0]["path"], &marks[0]["mountId"]), (&"/tmp".into(), &74.into()));
    assert_eq!((&marks[1]["path"], &marks[1]["mask"]), (&"/tmp/f/plain".into(), &"0x00000038".into()));
    let watches = &of(DescriptorKind::Inotify)[0].details["watches"];
    assert_eq!((&watches[0]["path"], &watches[2]["path"]), (&"/etc/passwd".into(), &"/tmp/f".into()));
    // dup3(2) to 700, dup2(2) to 4321: one open file each, and the flags are the descriptor's own.
    let plain = named(b"/tmp/f/plain");
    let copy = list.iter().find(|f| f.fd == 700).unwrap();
    assert_eq!((plain.file_id, plain.position), (copy.file_id, Some(3)));
    assert!(copy.close_on_exec && !plain.close_on_exec);
    assert!(list.iter().any(|f| f.fd == 4321));
    let locked: Vec<&str> = list.iter().flat_map(|f| f.locks.iter().filter_map(|l| l.kind)).collect();
    for kind in ["posix", "flock", "ofd", "lease"] {
        assert!(locked.contains(&kind), "no {kind} lock among {locked:?}");
    }
    // Records that no item carries are within reach.
    assert!(!dump.records::<proto::FileLockEntry>("filelocks.img").is_empty());
    assert!(dump.records::<proto::FileLockEntry>("none.img").is_empty());
}

#[test]
fn sockets_that_ss_shows() {
    let dump = open("odd-sockets.tar.zst");
    let sockets = dump.sockets();
    let of = |fd| sockets.iter().find(|s| s.holders.iter().any(|h| h.fd == fd)).unwrap();
    for (fd, protocol, name, state) in [
        (3, "tcp", "tcp", "LISTEN"),
        (11, "udplite", "udplite", "UNCONN"),
        (12, "icmp", "icmp", "UNCONN"),
        (14, "255", "raw", "UNCONN"),
    ] {
        let s = of(fd);
        assert_eq!(
            (s.protocol.as_deref(), s.protocol_name, s.state),
            (Some(protocol), Some(name), Some(state))
        );
    }
    assert_eq!(of(3).backlog, Some(17));
    // Waiting in the queue of the listening socket: `ss` shows no peer.
    assert_eq!((of(18).peer_inode, of(18).awaits_accept), (None, of(15).inode));
    assert_eq!(of(17).peer_inode, of(16).inode);
    assert_eq!(of(17).receive_queue, Some(9));
    assert_eq!(of(19).path.as_ref().unwrap().as_bytes(), b"@abs@tr\xff\x1b[1m@@");
    assert_eq!(of(39).filter, Some(4));
    assert_eq!(of(25).options["deleted"], true);
    assert_eq!(of(32).messages[0].passed_files.len(), 1);
}
