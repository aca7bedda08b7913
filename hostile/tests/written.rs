//! What the writer writes, the reader reads: pages, parents, old formats, machines, sparse files.
//!
//! They share no code, so that each is a check of the other.

use hostile::write::{
    Dump, Files, MACHINES, Member, Message, Run, SPARSE, Sparse, Store, Vma, chain, extended, long_name, lz4,
    put_member, put_sparse, tar,
};
use libforensic::Checkpoint;
use libforensic::archive::{Archive, OpenOptions};
use libforensic::memory::Hole;

const PAGE: u64 = 4096;

/// Offset and length of what is stored of a sparse file.
type Runs = Vec<(u64, u64)>;

fn open(bytes: &[u8]) -> Archive {
    Archive::from_reader(bytes, "-", OpenOptions::default()).unwrap()
}

fn checkpoint(bytes: &[u8]) -> Checkpoint {
    Checkpoint::from_archive(open(bytes)).unwrap()
}

/// Pages of all sorts: text that repeats, zeros, noise.
fn pages(count: u64, page: u64) -> Vec<u8> {
    let mut out = Vec::new();
    for n in 0..count {
        let mut noise = n + 7;
        let mut one: Vec<u8> = match n % 3 {
            0 => format!("page {n} of a process ").into_bytes().repeat(page as usize / 10),
            1 => Vec::new(),
            _ => (0..page)
                .map(|_| {
                    noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (noise >> 33) as u8
                })
                .collect(),
        };
        one.resize(page as usize, 0);
        out.extend(one);
    }
    out
}

fn paged(count: u64) -> Dump {
    Dump {
        tree: vec![(1, 0)],
        vmas: vec![Vma { start: 0x10_0000, end: 0x10_0000 + 64 * PAGE }],
        runs: vec![
            Run { vaddr: 0x10_0000, pages: count / 2, flags: 4 },
            Run { vaddr: 0x10_0000 + 40 * PAGE, pages: count - count / 2, flags: 6 },
        ],
        pages: pages(count, PAGE),
        ..Dump::default()
    }
}

fn read(checkpoint: &Checkpoint, address: u64, len: u64) -> Result<Vec<u8>, Hole> {
    let mut buf = vec![0xee; len as usize];
    let read = checkpoint.memory(1).unwrap().read(address, &mut buf).unwrap();
    read.hole.map_or(Ok(buf), Err)
}

fn assert_pages(checkpoint: &Checkpoint, dump: &Dump, page: u64) {
    let mut rest = &dump.pages[..];
    for run in dump.runs.iter().filter(|run| run.flags & 4 != 0) {
        let (these, behind) = rest.split_at((run.pages * page) as usize);
        rest = behind;
        assert!(read(checkpoint, run.vaddr, run.pages * page).as_deref() == Ok(these), "{run:?}");
        // A piece over the border of two pages.
        let at = page as usize - 7;
        if let Some(piece) = these.get(at..at + 14) {
            assert_eq!(read(checkpoint, run.vaddr + at as u64, 14).as_deref(), Ok(piece));
        }
    }
    assert_eq!(checkpoint.warnings(), [], "{:?}", dump.store);
}

#[test]
fn compressed_pages_are_the_pages() {
    for store in [Store::Plain, Store::Page, Store::Region(2), Store::Region(16), Store::Region(1024)] {
        for aligned in [0, 8] {
            let mut dump = Dump { store, ..paged(33) };
            for run in &mut dump.runs {
                run.flags |= if store == Store::Plain { 0 } else { aligned };
            }
            assert_pages(&checkpoint(&dump.tar()), &dump, PAGE);
        }
    }
}

#[test]
fn blocks_of_compressed_pages_that_cannot_be() {
    // Sizes of blocks that are too large, too many, too few, or lead behind the pages.
    let dump = Dump { store: Store::Page, ..paged(8) };
    let whole = dump.members("checkpoint/");
    let at = whole.iter().position(|m| m.name.ends_with(b"pages-1.img")).unwrap();
    for (name, data) in [
        ("nothing", Vec::new()),
        ("bombs", [lz4(&vec![0; 1 << 20]), vec![0xff; 1 << 14]].concat()),
        ("noise", vec![0xff; whole[at].data.len()]),
        ("half", whole[at].data[..whole[at].data.len() / 2].to_vec()),
    ] {
        let mut members = whole.clone();
        members[at].data = data;
        let checkpoint = checkpoint(&tar(&members));
        let space = checkpoint.memory(1).unwrap();
        let mut failed = 0;
        for n in 0..8 {
            let address = dump.runs[n as usize / 4].vaddr + n % 4 * PAGE;
            let mut buf = [0xee; 4096];
            let expected = &dump.pages[(n * PAGE) as usize..][..4096];
            match space.read(address, &mut buf) {
                // What is stored as it is reads as it is.
                Ok(read) if read.hole.is_none() => {
                    assert!(
                        buf == *expected || (["noise", "bombs"].contains(&name) && n % 3 == 2),
                        "{name}, page {n}"
                    );
                }
                _ => failed += 1,
            }
        }
        assert!(failed > 0, "{name}");
    }
}

#[test]
fn counts_and_flags_of_older_versions() {
    for (old_counts, old_flags) in [(true, false), (true, true), (false, true)] {
        let dump = Dump { old_counts, old_flags, ..paged(9) };
        assert_pages(&checkpoint(&dump.tar()), &dump, PAGE);
    }
}

#[test]
fn parents_give_the_pages_that_they_have() {
    let page = |byte: u8| vec![byte; PAGE as usize];
    let dump = |runs: &[(u64, u64, u64)], bytes: &[u8]| Dump {
        tree: vec![(1, 0)],
        vmas: vec![Vma { start: 0, end: 16 * PAGE }],
        runs: runs
            .iter()
            .map(|(at, pages, flags)| Run { vaddr: at * PAGE, pages: *pages, flags: *flags })
            .collect(),
        pages: bytes.iter().flat_map(|b| page(*b)).collect(),
        ..Dump::default()
    };
    // The newest, one in the middle, the oldest; compressed or not, old or new.
    let mut dumps = [
        dump(&[(0, 4, 1), (4, 1, 4), (5, 1, 2), (6, 1, 1)], b"N"),
        dump(&[(0, 1, 4), (1, 3, 1), (4, 1, 4)], b"MM"),
        dump(&[(0, 3, 4)], b"OOO"),
    ];
    for (one, stores) in [Store::Plain, Store::Page, Store::Region(2)].into_iter().enumerate() {
        dumps[1].store = stores;
        dumps[2].old_headers = one == 1;
        let checkpoint = checkpoint(&chain(&dumps));
        for (at, expected) in [
            (0, Ok(b'M')),
            (1, Ok(b'O')),
            (2, Ok(b'O')),
            (3, Err(Hole::MissingParent)),
            (4, Ok(b'N')),
            (5, Err(Hole::Lazy)),
            (6, Err(Hole::MissingParent)),
            (7, Ok(0)),
        ] {
            assert_eq!(read(&checkpoint, at * PAGE, PAGE), expected.map(page), "page {at}, {stores:?}");
        }
    }
}

#[test]
fn parents_in_a_circle_and_parents_without_end() {
    let dump = |parent: Option<&str>| Dump {
        tree: vec![(1, 0)],
        vmas: vec![Vma { start: 0, end: 16 * PAGE }],
        runs: vec![Run { vaddr: 0, pages: 4, flags: 1 }],
        parent: parent.map(str::to_owned),
        ..Dump::default()
    };
    let circle = [dump(None), dump(None), dump(Some("../checkpoint"))];
    let itself = [dump(Some("."))];
    let to_itself = [dump(Some("../checkpoint"))];
    let long: Vec<_> = (0..100).map(|_| dump(None)).collect();
    for (dumps, told) in [
        (&circle[..], "circle"),
        (&itself, "parent dump is not in this archive"),
        (&to_itself, "parent dump is not in this archive"),
        (&long, "more than 64"),
    ] {
        let checkpoint = checkpoint(&chain(dumps));
        assert_eq!(read(&checkpoint, 0, PAGE), Err(Hole::MissingParent));
        let warnings = checkpoint.warnings();
        assert!(warnings.iter().any(|w| w.what.contains(told)), "{told}: {warnings:?}");
    }
}

#[test]
fn every_kind_of_file_in_one_image_and_in_one_for_each() {
    let dump = |files| Dump { tree: vec![(1, 0)], files, ..Dump::default() };
    let list = |files, old_headers| {
        let checkpoint = checkpoint(&Dump { old_headers, ..dump(files) }.tar());
        let descriptors = checkpoint.descriptors(1).unwrap();
        assert_eq!(checkpoint.sockets().len(), 4);
        serde_json::to_value(descriptors).unwrap()
    };
    let one = list(Files::One, false);
    assert_eq!(one.as_array().unwrap().len(), 17);
    let kinds: std::collections::BTreeSet<_> =
        one.as_array().unwrap().iter().map(|d| d["type"].to_string()).collect();
    assert!(kinds.len() >= 13, "{kinds:?}");
    for old_headers in [false, true] {
        assert_eq!(list(Files::Split, old_headers), one, "one magic number: {old_headers}");
    }
}

#[test]
fn images_of_tasks_that_were_images_of_their_own() {
    let dump = |old_tasks, old_headers| {
        let dump = Dump { old_tasks, old_headers, files: Files::One, ..paged(4) };
        let checkpoint = checkpoint(&dump.tar());
        assert_pages(&checkpoint, &dump, PAGE);
        let process = checkpoint.process(1).unwrap();
        let mappings = checkpoint.mappings(1).unwrap();
        assert_eq!(mappings.len(), 1);
        assert_eq!(process.limits.as_ref().map(Vec::len), Some(16));
        assert_eq!(process.credentials.as_ref().and_then(|c| c.uid.real), Some(1000));
        assert!(!process.timers.is_empty());
        let mut value = serde_json::to_value(&process).unwrap();
        // Where it was read does not matter.
        value.as_object_mut().unwrap().remove("threads");
        (value, serde_json::to_value(&mappings).unwrap())
    };
    let new = dump(false, false);
    assert_eq!(dump(true, false), new);
    assert_eq!(dump(true, true), new);
}

#[test]
fn machines_and_their_page_sizes() {
    for (place, machine) in MACHINES.iter().enumerate() {
        for page_size in [4096, 16_384, 65_536] {
            let mut dump = paged(0);
            dump.machine = place;
            dump.big = machine.big;
            dump.page_size = Some(page_size);
            dump.vmas[0].end = dump.vmas[0].start + 16 * page_size;
            dump.runs = vec![Run { vaddr: dump.vmas[0].start, pages: 5, flags: 4 }];
            dump.pages = pages(5, page_size);
            let checkpoint = checkpoint(&dump.tar());
            assert_eq!(
                checkpoint.architecture().map(libforensic::model::Architecture::as_str),
                Some(machine.name)
            );
            assert_eq!(checkpoint.page_size(), page_size, "{}", machine.name);
            assert_pages(&checkpoint, &dump, page_size);
            let process = checkpoint.process(1).unwrap();
            let registers = process.threads[0].registers.as_ref().unwrap();
            assert_eq!(registers.get(machine.pc), Some(machine.pc_of(0x1000)), "{}", machine.name);
            assert_eq!(registers.pc(), registers.get(machine.pc));
        }
    }
}

/// What a sparse file holds, worked out by itself.
fn laid_out(runs: &[(u64, u64)], size: u64, data: &[u8]) -> Vec<u8> {
    let mut out = vec![0; size as usize];
    let mut rest = data;
    for (offset, len) in runs {
        let (these, behind) = rest.split_at(*len as usize);
        out[*offset as usize..(*offset + *len) as usize].copy_from_slice(these);
        rest = behind;
    }
    out
}

#[test]
fn sparse_files_in_all_four_ways() {
    let data = pages(4, 4096);
    let maps: [Vec<(u64, u64)>; 4] = [
        vec![(4096, 8192), (100_000, 8192)],
        vec![(0, 16_384)],
        // More than a header has room for, and than one block behind it has.
        (0..32).map(|n| (n * 1000, 512)).collect(),
        (0..128).map(|n| (n * 129, 128)).collect(),
    ];
    for how in SPARSE {
        for runs in &maps {
            let size = 120_000;
            let mut out = Vec::new();
            put_member(&mut out, &Member::file("before", "x"));
            put_sparse(&mut out, how, b"sparse", runs, size, &data);
            put_member(&mut out, &Member::file("behind", "y"));
            out.resize(out.len() + 1024, 0);
            let archive = open(&out);
            assert_eq!(archive.warnings(), [], "{how:?}");
            let member = archive.member(b"sparse").unwrap_or_else(|| panic!("{how:?}"));
            assert!(
                archive.read(member).unwrap() == laid_out(runs, size, &data),
                "{how:?}, {} runs",
                runs.len()
            );
            assert_eq!(archive.read(archive.member(b"behind").unwrap()).unwrap(), b"y");
        }
    }
}

#[test]
fn sparse_files_that_cannot_be() {
    let data = vec![b'S'; 3000];
    let many: Vec<(u64, u64)> = (0..5000).map(|n| (n * 2, 1)).collect();
    let maps: [(&str, Runs, u64); 8] = [
        ("overlap", vec![(0, 1000), (500, 1000)], 3000),
        ("reversed", vec![(2000, 1000), (0, 1000)], 3000),
        ("beyond the size", vec![(0, 1000), (5000, 1000)], 3000),
        ("beyond the end of numbers", vec![(u64::MAX - 10, 1000)], u64::MAX),
        ("more than is stored", vec![(0, 1 << 40)], 1 << 41),
        ("all holes", vec![], 1 << 62),
        ("empty runs", vec![(0, 0), (0, 0), (7, 0)], 3000),
        ("many", many, 10_000),
    ];
    for how in SPARSE {
        for (what, runs, size) in &maps {
            let mut out = Vec::new();
            put_sparse(&mut out, how, b"sparse", runs, *size, &data);
            put_member(&mut out, &Member::file("behind", "y"));
            out.resize(out.len() + 1024, 0);
            hostile::bodies::archive(&out);
            let archive = open(&out);
            let behind = archive
                .member(b"behind")
                .unwrap_or_else(|| panic!("{how:?}, {what}: {:?}", archive.warnings()));
            assert_eq!(archive.read(behind).unwrap(), b"y");
            let member = archive.member(b"sparse").unwrap();
            let data = archive.data(member).unwrap();
            let mut at = 0;
            // Runs are sorted, do not overlap, and end within the file.
            for segment in data.segments() {
                assert!(
                    segment.logical >= at && segment.logical + segment.len <= data.len(),
                    "{how:?}, {what}"
                );
                at = segment.logical + segment.len;
            }
            if ["overlap", "reversed", "beyond the size"].contains(what) {
                assert!(archive.warnings().iter().any(|w| w.what.contains("impossible")), "{how:?}, {what}");
            }
            // A file of holes is not put into memory.
            if *size > 1 << 40 {
                assert!(archive.read(member).is_err(), "{how:?}, {what}");
            }
        }
    }
}

#[test]
fn extension_blocks_that_never_end_and_that_are_not_there() {
    let runs: Vec<(u64, u64)> = (0..30).map(|n| (n * 100, 10)).collect();
    let mut whole = Vec::new();
    put_sparse(&mut whole, Sparse::Old, b"sparse", &runs, 3000, &[b'S'; 300]);
    for cut in [512, 600, 1024, 1100] {
        let archive =
            open(&[tar(&[Member::file("before", "x")])[..1024].to_vec(), whole[..cut].to_vec()].concat());
        assert!(archive.member(b"before").is_some());
        assert!(!archive.warnings().is_empty(), "{cut}");
    }
    // Each block says that another follows, to the end of the archive.
    let mut block = [0_u8; 512];
    block[504] = 1;
    let mut endless = whole[..512].to_vec();
    endless.extend(block.repeat(2000));
    hostile::bodies::archive(&endless);
    assert!(open(&endless).is_cut_off());
}

#[test]
fn names_of_any_length() {
    let long = b"directory/".repeat(2000);
    let members = [
        long_name(b'L', &long),
        Member::file("short", "1"),
        long_name(b'K', &long),
        Member::bare(b'2', "link", "short"),
        extended(b'x', &[("path", &long[..5000]), ("size", b"1")]),
        Member::file("short", "2"),
        // Two in a row: the last one counts. And one that nothing follows.
        long_name(b'L', "first"),
        long_name(b'L', "second"),
        Member::file("short", "3"),
        extended(b'g', &[("path", b"global")]),
        Member::file("own", "4"),
        long_name(b'L', "lost"),
    ];
    let archive = open(&tar(&members));
    let names: Vec<_> = archive.members().iter().map(|m| m.name.len()).collect();
    assert_eq!(names, [long.len() - 1, 4, 4999, 6, 3], "{:?}", archive.warnings());
    assert_eq!(archive.members()[1].link.as_deref(), Some(&long[..]));
    assert_eq!(archive.read(archive.member(b"second").unwrap()).unwrap(), b"3");
}

#[test]
fn mounts_in_a_circle_and_groups_without_end() {
    let mount = |id: u64, parent: u64| (id, parent, format!("/{id}"));
    let circle: Vec<_> = (1..=10_000).map(|id| mount(id, id % 10_000 + 1)).collect();
    let chain: Vec<_> = (1..=10_000).map(|id| mount(id, id - 1)).collect();
    let itself = vec![mount(1, 1), mount(2, 2), mount(2, 1), mount(2, 2)];
    for mounts in [circle, chain, itself] {
        let count = mounts.len();
        let dump = Dump { tree: vec![(1, 0)], mounts, ..Dump::default() };
        let bytes = dump.tar();
        let checkpoint = checkpoint(&bytes);
        assert_eq!(checkpoint.mounts().len(), count);
        hostile::bodies::model(&bytes);
    }
    // protobuf in protobuf: 100 levels are read, no more, and the stack is not theirs.
    for group_levels in [1, 50, 90, 200, 100_000] {
        let dump = Dump { tree: vec![(1, 0)], group_levels, ..Dump::default() };
        let bytes = dump.tar();
        let thread = std::thread::Builder::new().stack_size(512 << 10).spawn(move || {
            let checkpoint = checkpoint(&bytes);
            let directories = checkpoint.cgroup_directories().len();
            assert!(
                directories > 0
                    || checkpoint
                        .warnings()
                        .iter()
                        .any(|w| w.what.contains("nested") || w.what.contains("recursion")),
                "{group_levels}: {:?}",
                checkpoint.warnings()
            );
            (directories, checkpoint.warnings().len())
        });
        let (directories, warnings) = thread.unwrap().join().unwrap();
        assert!(directories > 0 || warnings > 0, "{group_levels}");
        assert!(group_levels > 90 || directories >= group_levels, "{group_levels}: {directories}");
    }
}

#[test]
fn messages_are_as_protobuf_has_them() {
    // The examples of protobuf's own description of its encoding.
    assert_eq!(Message::new().number(1, 150).0, [0x08, 0x96, 0x01]);
    assert_eq!(Message::new().bytes(2, "testing").0, b"\x12\x07testing");
    assert_eq!(Message::new().packed(6, &[3, 270, 86_942]).0, [0x32, 6, 3, 0x8e, 2, 0x9e, 0xa7, 5]);
    assert_eq!(Message::new().nested(2, 3).0, [0x12, 4, 0x12, 2, 0x12, 0]);
}

/// Found by seed 1438 of the mutated inputs: an image in a sparse member was read through its holes,
/// four bytes of zeros for each of 2⁶⁰ empty records.
#[test]
fn images_and_logs_that_are_holes_end() {
    const TREE: &[u8] = b"\x19\x43\x56\x54\x30\x30\x27\x50";
    // A page map with its first record; the one of the mutated inputs that never came to an end.
    const MAP: &[u8] = b"\x19\x43\x56\x54\x25\x40\x08\x56\x02\0\0\0\x08\x01";
    for (name, start) in [
        ("checkpoint/pstree.img", TREE),
        ("checkpoint/pagemap-1.img", TREE),
        ("checkpoint/pagemap-1.img", MAP),
        ("checkpoint/pagemap-shmem-1.img", MAP),
        ("ctr.log", TREE),
        ("config.dump", TREE),
        ("x.img", TREE),
    ] {
        let mut out = tar(&paged(4).members("checkpoint/"));
        out.truncate(out.len() - 1024);
        put_sparse(&mut out, Sparse::Lines, name.as_bytes(), &[(0, start.len() as u64)], 1 << 62, start);
        out.resize(out.len() + 1024, 0);
        hostile::bodies::model(&out);
        hostile::bodies::memory(&out);
        let checkpoint = checkpoint(&out);
        let _ = (checkpoint.summary(), checkpoint.members().count());
        let warnings = checkpoint.warnings();
        assert!(
            name == "ctr.log" || warnings.iter().any(|w| w.what.contains("holes")),
            "{name}: {warnings:?}"
        );
    }
}
