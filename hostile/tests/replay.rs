//! Archives and dumps that no engine writes, and what comes of them.

use hostile::write::{Dump, Member, Run, Vma, pax, tar};
use hostile::{Dice, bodies, mutate};
use libforensic::archive::{Archive, MemberKind, OpenOptions};
use libforensic::{Checkpoint, ErrorKind};

fn open(bytes: &[u8]) -> Archive {
    Archive::from_reader(bytes, "-", OpenOptions::default()).unwrap()
}

fn checkpoint(dump: &Dump) -> Checkpoint {
    Checkpoint::from_archive(open(&dump.tar())).unwrap()
}

fn small() -> Dump {
    Dump {
        tree: vec![(1, 0), (2, 1)],
        vmas: vec![Vma { start: 0x10000, end: 0x14000 }],
        runs: vec![Run { vaddr: 0x10000, pages: 2, flags: 4 }],
        pages: [vec![b'A'; 4096], vec![b'B'; 4096]].concat(),
        ..Dump::default()
    }
}

fn says(checkpoint: &Checkpoint, what: &str) -> bool {
    checkpoint.warnings().iter().any(|w| w.what.contains(what))
}

#[test]
fn the_writer_writes_what_the_reader_reads() {
    for (big, old_counts) in [(false, false), (true, false), (false, true), (true, true)] {
        let checkpoint = checkpoint(&Dump { big, old_counts, ..small() });
        assert_eq!(checkpoint.pids(), [1, 2]);
        let space = checkpoint.memory(1).unwrap();
        let mut buf = [0; 4096 + 1];
        let read = space.read(0x10000, &mut buf).unwrap();
        assert_eq!((read.bytes, read.hole), (4097, None));
        assert_eq!((buf[0], buf[4095], buf[4096]), (b'A', b'A', b'B'));
        // Anonymous memory that was never written.
        assert_eq!(space.read(0x12000, &mut buf[..1]).unwrap().bytes, 1);
        assert_eq!(buf[0], 0);
    }
}

#[test]
fn page_maps_that_cannot_be() {
    for (runs, what) in [
        (vec![Run { vaddr: u64::MAX - 0xfff, pages: 3, flags: 4 }], "cannot be"),
        (vec![Run { vaddr: 0, pages: u64::MAX, flags: 4 }], "are left"),
        (
            vec![Run { vaddr: 0x10000, pages: 2, flags: 4 }, Run { vaddr: 0x11000, pages: 1, flags: 4 }],
            "overlaps",
        ),
        (
            vec![Run { vaddr: 0x13000, pages: 1, flags: 4 }, Run { vaddr: 0x10000, pages: 1, flags: 4 }],
            "not sorted",
        ),
        (vec![Run { vaddr: 0x10001, pages: 1, flags: 4 }], "multiple"),
        (vec![Run { vaddr: 0x10000, pages: 1 << 40, flags: 1 }], "parent"),
    ] {
        let dump = Dump { runs, ..small() };
        let bytes = dump.tar();
        bodies::memory(&bytes);
        let checkpoint = checkpoint(&dump);
        checkpoint.memory(1).unwrap();
        assert!(says(&checkpoint, what), "{what}: {:?}", checkpoint.warnings());
    }
}

#[test]
fn mappings_that_cannot_be() {
    let dump = Dump {
        vmas: vec![
            Vma { start: 0x20000, end: 0x10000 },
            Vma { start: 0, end: u64::MAX },
            Vma { start: 0x10000, end: 0x14000 },
            Vma { start: u64::MAX - 1, end: u64::MAX },
        ],
        ..small()
    };
    bodies::memory(&dump.tar());
    bodies::model(&dump.tar());
}

#[test]
fn a_tree_of_a_hundred_thousand_levels_costs_no_stack() {
    let dump = Dump { tree: (1..=100_000).map(|pid| (pid, pid - 1)).collect(), ..Dump::default() };
    let bytes = dump.tar();
    // The smallest stack there is to be had for a thread.
    let thread = std::thread::Builder::new().stack_size(256 << 10).spawn(move || {
        let checkpoint = Checkpoint::from_archive(open(&bytes)).unwrap();
        assert_eq!(checkpoint.pids().len(), 100_000);
        assert!(!says(&checkpoint, "ancestors"));
    });
    thread.unwrap().join().unwrap();
    let circle =
        Dump { tree: (1..=100_000).map(|pid| (pid, pid % 100_000 + 1)).collect(), ..Dump::default() };
    let checkpoint = checkpoint(&circle);
    assert_eq!(checkpoint.pids().len(), 100_000);
    assert!(says(&checkpoint, "and 99992 more are each other's ancestors"), "{:?}", checkpoint.warnings());
}

#[test]
fn more_members_than_allowed_are_said() {
    let members: Vec<_> = (0..100).map(|n| Member::file(format!("m{n}"), "x")).collect();
    let mut options = OpenOptions::default();
    options.limits.members = 10;
    let archive = Archive::from_reader(&tar(&members)[..], "-", options).unwrap();
    assert_eq!(archive.members().len(), 10);
    assert!(
        archive.warnings().iter().any(|w| w.what.contains("more than 10 members")),
        "{:?}",
        archive.warnings()
    );
}

#[test]
fn hostile_names_stay_names() {
    let names: [&[u8]; 12] = [
        b"../../etc/passwd",
        b"/etc/passwd",
        b"a/../../b",
        b"././/./c",
        b"d\ne\x1b[31m",
        "f\u{202e}txt.exe".as_bytes(),
        b"\xff\xfe",
        b"..",
        b".",
        b"/",
        b"con",
        b"g\\..\\h",
    ];
    let mut members: Vec<_> = names.iter().map(|name| Member::file(name, "x")).collect();
    members.extend([
        Member::bare(b'1', "hard", "../../etc/shadow"),
        Member::bare(b'1', "loop", "loop"),
        Member::bare(b'2', "soft", "/etc/shadow"),
        Member::bare(b'3', "char", ""),
        Member::bare(b'4', "block", ""),
        Member::bare(b'6', "fifo", ""),
        Member { data: b"data".to_vec(), ..Member::bare(b'2', "soft with data", "/etc/shadow") },
        Member::file("last", "x"),
    ]);
    let bytes = tar(&members);
    bodies::archive(&bytes);
    let archive = open(&bytes);
    assert!(archive.members().iter().all(|m| !m.name.starts_with(b"/") && !m.name.is_empty()));
    assert_eq!(archive.member(b"../../etc/passwd").map(|m| m.kind), Some(MemberKind::File));
    for name in ["hard", "loop", "soft", "char", "block", "fifo"] {
        let member = archive.member(name.as_bytes()).unwrap();
        let error = archive.data(member).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{name}");
    }
}

#[test]
fn hard_links_that_lead_to_each_other_end() {
    let members: Vec<_> =
        (0..10_000).map(|n| Member::bare(b'1', format!("l{n}"), format!("l{}", (n + 1) % 10_000))).collect();
    let archive = open(&tar(&members));
    assert!(archive.members().iter().all(|m| archive.data(m).is_err()));
}

#[test]
fn extended_headers_that_contradict_the_archive() {
    let long = vec![b'x'; 70_000];
    for (key, value) in [
        ("size", &b"18446744073709551615"[..]),
        ("size", b"-1"),
        ("size", b"99999999999999999999999999"),
        ("path", b""),
        ("path", b"a\0b"),
        ("path", &long),
        ("GNU.sparse.map", b"0,18446744073709551615,5,5"),
        ("GNU.sparse.size", b"18446744073709551615"),
        ("linkpath", b"../../x"),
    ] {
        let mut records = pax(key, value);
        records.extend(b"12 broken");
        let mut header = Member::file("pax", records);
        header.flag = b'x';
        let bytes = tar(&[header, Member::file("file", vec![7; 600]), Member::file("behind", "x")]);
        bodies::archive(&bytes);
        let archive = open(&bytes);
        assert!(archive.member(b"behind").is_some(), "{key}: {:?}", archive.warnings());
    }
}

#[test]
fn duplicate_and_reversed_members() {
    let mut members = small().members("checkpoint/");
    members.reverse();
    let twice: Vec<_> = members.iter().chain(&members).cloned().collect();
    for members in [members, twice] {
        let archive = open(&tar(&members));
        let checkpoint = Checkpoint::from_archive(archive).unwrap();
        assert_eq!(checkpoint.pids(), [1, 2]);
        let mut byte = [0];
        checkpoint.memory(1).unwrap().read(0x11000, &mut byte).unwrap();
        assert_eq!(byte, *b"B");
    }
}

#[test]
fn json_of_the_engine_that_is_deep_or_long() {
    let deep = format!("{{\"id\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let long = format!("{{\"id\": \"{}\"}}", "x".repeat(20 << 20));
    for json in [deep, long] {
        let mut members = small().members("checkpoint/");
        members.push(Member::file("config.dump", json));
        let bytes = tar(&members);
        bodies::model(&bytes);
        let checkpoint = Checkpoint::from_archive(open(&bytes)).unwrap();
        let _ = checkpoint.summary();
        assert_eq!(checkpoint.pids(), [1, 2]);
    }
}

#[test]
fn archives_cut_at_every_block_and_around_it() {
    let bytes = small().tar();
    for len in (0..bytes.len()).filter(|n| n % 512 < 2 || n % 512 > 510 || n % 101 == 0) {
        bodies::model(&bytes[..len]);
    }
    for at in (0..bytes.len()).step_by(131) {
        let mut changed = bytes.clone();
        changed[at] ^= 0xff;
        bodies::memory(&changed);
    }
}

/// Every committed image, cut at every byte (at a stride where it is long) and changed at a stride.
#[test]
fn images_cut_and_changed_everywhere() {
    let mut waiting = vec![std::path::PathBuf::from("../libforensic/tests/fixtures/images")];
    let mut images = 0;
    while let Some(directory) = waiting.pop() {
        for entry in std::fs::read_dir(directory).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let Some((kind, _)) = libforensic::image::Kind::from_file_name(name.as_bytes()) else { continue };
            if path.extension().is_none_or(|e| e != "img") {
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            images += 1;
            let stride = bytes.len() / 60 + 1;
            for len in (0..bytes.len()).step_by(stride) {
                bodies::image_as(Some(kind), &bytes[..len]);
                let mut changed = bytes.clone();
                changed[len] ^= 0x81;
                bodies::image_as(Some(kind), &changed);
            }
            for seed in 0..4 {
                let mut changed = bytes.clone();
                mutate::records(&mut changed, &mut Dice::new(seed));
                bodies::image_as(Some(kind), &changed);
            }
        }
    }
    assert!(images > 30, "{images}");
}

#[test]
fn crit_json_that_is_deep() {
    for open in ["[", "{\"a\":", "{\"magic\": \"PSTREE\", \"entries\": ["] {
        bodies::crit_json(open.repeat(100_000).as_bytes());
    }
    let deep = format!("{{\"magic\": \"PSTREE\", \"entries\": [{{\"x\": {}", "[".repeat(100_000));
    bodies::crit_json(deep.as_bytes());
}

/// The mutator's own kind of input, for some seconds' worth.
#[test]
fn mutated_dumps() {
    let members = small().members("checkpoint/");
    for seed in 0..100 {
        let bytes = mutate::archive(&members, &mut Dice::new(seed));
        bodies::archive(&bytes);
        bodies::model(&bytes);
        bodies::memory(&bytes);
    }
}
