//! How much memory hostile evidence may cost, by a counting allocator and not by a clock.

use std::io::Write;

use hostile::count::{Counting, measured};
use hostile::write::{Dump, Member, Message, Order, Run, Vma, image, magic, put_member};
use libforensic::Checkpoint;
use libforensic::archive::{Archive, OpenOptions};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One test: what others allocate at the same time would be counted.
#[test]
fn memory_stays_within_bounds() {
    a_million_members_cost_memory_in_proportion();
    bombs_end_where_they_are_told_to_and_cost_no_memory();
    a_page_map_of_huge_runs_costs_nothing();
    a_record_that_announces_gigabytes_costs_nothing();
    warnings_are_kept_up_to_a_number();
}

fn open(bytes: &[u8]) -> Archive {
    Archive::from_reader(bytes, "-", OpenOptions::default()).unwrap()
}

fn a_million_members_cost_memory_in_proportion() {
    let mut bytes = Vec::new();
    for n in 0..1_000_000_u32 {
        put_member(&mut bytes, &Member::file(format!("m{n}"), ""));
    }
    bytes.resize(bytes.len() + 1024, 0);
    let (archive, held) = measured(|| open(&bytes));
    assert_eq!(archive.members().len(), 1_000_000);
    assert!(archive.member(b"m999999").is_some());
    assert!(held < 256 << 20, "{held} bytes");
}

fn bombs_end_where_they_are_told_to_and_cost_no_memory() {
    let mut head = Vec::new();
    put_member(&mut head, &Member::file("config.dump", "{}"));
    put_member(&mut head, &Member::file("zeros", "").claiming(1 << 32));
    let zeros = vec![0; 1 << 20];
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut zst = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    gz.write_all(&head).unwrap();
    zst.write_all(&head).unwrap();
    for _ in 0..96 {
        gz.write_all(&zeros).unwrap();
        zst.write_all(&zeros).unwrap();
    }
    for bomb in [gz.finish().unwrap(), zst.finish().unwrap()] {
        assert!(bomb.len() < 1 << 20);
        let mut options = OpenOptions::default();
        options.limits.expansion = 100;
        let (archive, held) = measured(|| Archive::from_reader(&bomb[..], "-", options).unwrap());
        assert!(archive.member(b"config.dump").is_some());
        assert!(archive.warnings().iter().any(|w| w.what.contains("bomb")), "{:?}", archive.warnings());
        // What is large goes to the spool, not to memory; zstd keeps a window of 8 MiB at most here.
        assert!(held < 24 << 20, "{held} bytes");
    }
}

fn a_page_map_of_huge_runs_costs_nothing() {
    let dump = Dump {
        tree: vec![(1, 0)],
        vmas: vec![Vma { start: 0, end: 0x7fff_ffff_f000 }],
        runs: (0..10_000).map(|n| Run { vaddr: n << 32, pages: u64::MAX, flags: 4 }).collect(),
        pages: vec![0; 4096],
        ..Dump::default()
    };
    let bytes = dump.tar();
    let checkpoint = Checkpoint::from_archive(open(&bytes)).unwrap();
    let (counts, held) = measured(|| {
        let space = checkpoint.memory(1).unwrap();
        space.page_counts(&space.regions()[0])
    });
    assert_eq!(counts.dumped, 1, "{counts:?}");
    assert!(held < 16 << 20, "{held} bytes");
}

fn a_record_that_announces_gigabytes_costs_nothing() {
    let mut pstree = image(Order::Little, true, magic::PSTREE, [Message::new().number(1, 1)]);
    for announced in [u32::MAX, 0x7fff_ffff, 60 << 20] {
        pstree.truncate(14);
        pstree.extend(announced.to_le_bytes());
        pstree.extend([8, 1]);
        let ((), held) = measured(|| hostile::bodies::image(&pstree));
        assert!(held < 8 << 20, "{announced:#x}: {held} bytes");
    }
}

fn warnings_are_kept_up_to_a_number() {
    // Two hundred thousand records, each of them wrong in another place.
    let records = (0..200_000_u64).map(|n| Message::new().number(1, n + (1 << 40)).number(2, n));
    let pstree = image(Order::Little, true, magic::PSTREE, records);
    let bytes = hostile::write::tar(&[Member::file("checkpoint/pstree.img", pstree)]);
    let (count, held) = measured(|| {
        let checkpoint = Checkpoint::from_archive(open(&bytes)).unwrap();
        assert_eq!(checkpoint.pids().len(), 200_000);
        checkpoint.warnings().len()
    });
    assert!((1000..1010).contains(&count), "{count}");
    assert!(held < 128 << 20, "{held} bytes");
}
