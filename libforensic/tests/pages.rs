//! Pages as CRIU can store them and the sample evidence does not: compressed,
//! in parents, lazy, damaged. The images are put together by hand.

use std::ops::ControlFlow;
use std::path::Path;

use libforensic::Checkpoint;
use libforensic::analysis::search::{Encoding, Pattern, Search};
use libforensic::analysis::strings::{LONGEST, Strings};
use libforensic::image::proto;
use libforensic::memory::{Hole, Layer, Span};
use prost::Message;

const PAGE: usize = 4096;
const START: u64 = 0x10_0000;

/// Writes an image: two magic numbers (one for the inventory), then records.
fn image(directory: &Path, name: &str, magic: &[u32], records: &[Vec<u8>]) {
    let mut bytes = Vec::new();
    for word in magic {
        bytes.extend(word.to_le_bytes());
    }
    for record in records {
        bytes.extend(u32::try_from(record.len()).unwrap().to_le_bytes());
        bytes.extend(record);
    }
    std::fs::write(directory.join(name), bytes).unwrap();
}

const COMMON: u32 = 0x5456_4319;

/// A dump of one process with one anonymous mapping of `pages` pages.
fn dump(directory: &Path, pages: u64) {
    std::fs::create_dir_all(directory).unwrap();
    let inventory = proto::InventoryEntry { img_version: Some(2), ..Default::default() };
    image(directory, "inventory.img", &[0x5831_3116], &[inventory.encode_to_vec()]);
    let task = proto::PstreeEntry { pid: Some(1), threads: vec![1], ..Default::default() };
    image(directory, "pstree.img", &[COMMON, 0x5027_3030], &[task.encode_to_vec()]);
    let tc = proto::TaskCoreEntry { task_state: Some(1), comm: Some(b"x".to_vec()), ..Default::default() };
    let core = proto::CoreEntry { mtype: Some(1), tc: Some(tc), ..Default::default() };
    image(directory, "core-1.img", &[COMMON, 0x5505_3847], &[core.encode_to_vec()]);
    let vma = proto::VmaEntry {
        start: Some(START),
        end: Some(START + pages * PAGE as u64),
        prot: Some(3),
        flags: Some(0x22),
        status: Some(0x201),
        ..Default::default()
    };
    let mm = proto::MmEntry { vmas: vec![vma], mm_saved_auxv: vec![6, PAGE as u64], ..Default::default() };
    image(directory, "mm-1.img", &[COMMON, 0x5749_2820], &[mm.encode_to_vec()]);
}

fn pagemap(directory: &Path, entries: &[proto::PagemapEntry], pages: &[u8]) {
    let head = proto::PagemapHead { pages_id: Some(1) };
    let mut records = vec![head.encode_to_vec()];
    records.extend(entries.iter().map(Message::encode_to_vec));
    image(directory, "pagemap-1.img", &[COMMON, 0x5608_4025], &records);
    std::fs::write(directory.join("pages-1.img"), pages).unwrap();
}

fn run(page: u64, count: u64, flags: u32) -> proto::PagemapEntry {
    proto::PagemapEntry {
        vaddr: Some(START + page * PAGE as u64),
        compat_nr_pages: Some(0),
        nr_pages: Some(count),
        flags: Some(flags),
        ..Default::default()
    }
}

fn page_of(byte: u8) -> Vec<u8> {
    // Compressible, and different in every page.
    (0..PAGE).map(|i| if i % 64 == 0 { byte } else { 0 }).collect()
}

fn read(checkpoint: &Checkpoint, page: u64) -> Result<Vec<u8>, Hole> {
    let memory = checkpoint.memory(1).unwrap();
    let mut bytes = vec![0xee; PAGE];
    let read = memory.read(START + page * PAGE as u64, &mut bytes).unwrap();
    read.hole.map_or(Ok(bytes), Err)
}

#[test]
fn compressed_pages_in_blocks_of_one_and_of_many() {
    for block_pages in [1_usize, 4] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        dump(path, 12);
        // Ten pages: compressible ones, one of zeros, one of noise.
        let noise: Vec<u8> = (0_u32..4096).map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()[2]).collect();
        let content: Vec<Vec<u8>> = (0..10_u8)
            .map(|i| match i {
                3 => noise.clone(),
                4..=7 => vec![0; PAGE],
                i => page_of(i + 1),
            })
            .collect();
        let mut sizes = Vec::new();
        let mut stored = Vec::new();
        for block in content.chunks(block_pages) {
            let plain = block.concat();
            let packed = lz4_flex::block::compress(&plain);
            let payload = if plain.iter().all(|b| *b == 0) {
                Vec::new()
            } else if packed.len() >= plain.len() {
                plain
            } else {
                packed
            };
            sizes.push(u32::try_from(payload.len()).unwrap());
            stored.extend(payload);
        }
        let entry = proto::PagemapEntry {
            total_compressed_size: Some(stored.len() as u64),
            compressed_size: sizes,
            region_pages: (block_pages > 1).then_some(u32::try_from(block_pages).unwrap()),
            ..run(1, 10, 4)
        };
        // A plain run behind it, at the next page boundary as the flag says.
        stored.resize(stored.len().next_multiple_of(PAGE), 0);
        stored.extend(page_of(99));
        pagemap(path, &[entry, run(11, 1, 4 | 8)], &stored);

        let checkpoint = Checkpoint::open(path).unwrap();
        assert_eq!(read(&checkpoint, 0), Ok(vec![0; PAGE]), "never written");
        for (i, expected) in content.iter().enumerate() {
            assert_eq!(read(&checkpoint, 1 + i as u64).as_ref(), Ok(expected), "page {i}");
        }
        assert_eq!(read(&checkpoint, 11), Ok(page_of(99)));
        // A read over block borders, not aligned to anything.
        let memory = checkpoint.memory(1).unwrap();
        let mut bytes = vec![0; 3 * PAGE];
        memory.read(START + PAGE as u64 + 100, &mut bytes).unwrap();
        assert_eq!(bytes, content.concat()[100..100 + 3 * PAGE]);
        assert!(checkpoint.warnings().iter().all(|w| !w.what.contains("compressed")));
    }
}

#[test]
fn a_damaged_block_is_an_error_and_its_neighbours_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    dump(path, 3);
    let packed: Vec<Vec<u8>> = (1..=3).map(|i| lz4_flex::block::compress(&page_of(i))).collect();
    let entry = proto::PagemapEntry {
        compressed_size: packed.iter().map(|p| u32::try_from(p.len()).unwrap()).collect(),
        ..run(0, 3, 4)
    };
    let mut stored = packed.concat();
    let second = packed[0].len();
    stored[second..second + packed[1].len()].fill(0xff);
    pagemap(path, &[entry], &stored);
    let checkpoint = Checkpoint::open(path).unwrap();
    assert_eq!(read(&checkpoint, 0), Ok(page_of(1)));
    assert_eq!(read(&checkpoint, 2), Ok(page_of(3)));
    let memory = checkpoint.memory(1).unwrap();
    let e = memory.read(START + PAGE as u64, &mut [0; PAGE]).unwrap_err();
    assert_eq!(e.kind(), libforensic::ErrorKind::Corrupt);
}

#[test]
fn parents_are_followed_by_address_and_lazy_pages_are_holes() {
    let directory = tempfile::tempdir().unwrap();
    let (parent, child) = (directory.path().join("1"), directory.path().join("2"));
    dump(&parent, 6);
    let old: Vec<u8> = (0..4).flat_map(|i| page_of(10 + i)).collect();
    pagemap(&parent, &[run(0, 4, 4)], &old);
    dump(&child, 6);
    // Pages 0 and 1 from the parent, 2 new, 3 from the parent, 4 lazy, 5 from a parent that has it not.
    let entries = [run(0, 2, 1), run(2, 1, 6), run(3, 1, 1), run(4, 1, 2), run(5, 1, 1)];
    pagemap(&child, &entries, &page_of(77));
    #[cfg(unix)]
    std::os::unix::fs::symlink("../1", child.join("parent")).unwrap();
    #[cfg(not(unix))]
    std::fs::write(child.join("parent"), "../1").unwrap();

    let checkpoint = Checkpoint::open(&child).unwrap();
    assert_eq!(read(&checkpoint, 0), Ok(page_of(10)));
    assert_eq!(read(&checkpoint, 1), Ok(page_of(11)));
    assert_eq!(read(&checkpoint, 2), Ok(page_of(77)));
    assert_eq!(read(&checkpoint, 3), Ok(page_of(13)));
    assert_eq!(read(&checkpoint, 4), Err(Hole::Lazy));
    assert_eq!(read(&checkpoint, 5), Err(Hole::MissingParent));
    let memory = checkpoint.memory(1).unwrap();
    assert_eq!(memory.span(START), (Span::Bytes(Layer::Parent(1)), START + 2 * PAGE as u64));
    let pages = memory.page_counts(&memory.regions()[0]);
    assert_eq!((pages.dumped, pages.parent, pages.zero, pages.absent), (1, 3, 0, 2));
}

#[test]
fn counts_of_old_and_new_writers_mean_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    dump(path, 2);
    let old = proto::PagemapEntry { vaddr: Some(START), compat_nr_pages: Some(2), ..Default::default() };
    pagemap(path, &[old], &[page_of(1), page_of(2)].concat());
    let checkpoint = Checkpoint::open(path).unwrap();
    assert_eq!(read(&checkpoint, 1), Ok(page_of(2)));
}

#[test]
fn impossible_page_maps_cost_what_is_impossible() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    dump(path, 4);
    let wrapping = proto::PagemapEntry { vaddr: Some(u64::MAX - 4095), ..run(0, u64::MAX, 4) };
    let huge = run(2, u64::MAX / 2, 4);
    pagemap(
        path,
        &[run(0, 1, 4), run(0, 1, 4), huge, wrapping],
        &[page_of(1), page_of(2), page_of(3)].concat(),
    );
    let checkpoint = Checkpoint::open(path).unwrap();
    assert_eq!(read(&checkpoint, 0), Ok(page_of(1)), "the first of two");
    assert_eq!(read(&checkpoint, 1), Ok(vec![0; PAGE]));
    assert_eq!(read(&checkpoint, 2), Ok(page_of(3)));
    assert_eq!(read(&checkpoint, 3), Err(Hole::Truncated), "announced, and not there: not known to be zero");
    let warnings = checkpoint.warnings();
    assert!(warnings.iter().any(|w| w.what.contains("not sorted or overlaps")), "{warnings:?}");
    assert!(warnings.iter().any(|w| w.what.contains("are announced")), "{warnings:?}");
}

#[test]
fn without_its_pages_image_memory_is_unknown_and_not_zero() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    dump(path, 2);
    pagemap(path, &[run(0, 1, 4)], b"");
    std::fs::remove_file(path.join("pages-1.img")).unwrap();
    let checkpoint = Checkpoint::open(path).unwrap();
    assert_eq!(read(&checkpoint, 0), Err(Hole::Truncated));
    assert_eq!(read(&checkpoint, 1), Ok(vec![0; PAGE]));
    assert!(checkpoint.warnings().iter().any(|w| w.what.contains("pages-1.img is missing")));
}

#[test]
fn millions_of_empty_mappings_cost_a_warning_and_no_memory() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    dump(path, 1);
    // Field 14 of mm_entry, a mapping without any bytes: two bytes in the image.
    let body = [0x72, 0].repeat((1 << 20) + 1);
    image(path, "mm-1.img", &[COMMON, 0x5749_2820], &[body]);
    let checkpoint = Checkpoint::open(path).unwrap();
    assert!(checkpoint.mappings(1).unwrap().is_empty());
    assert!(checkpoint.warnings().iter().any(|w| w.what.contains("messages within it")));
}

#[test]
fn an_image_of_another_kind_is_no_empty_image() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    dump(path, 1);
    std::fs::copy(path.join("core-1.img"), path.join("pstree.img")).unwrap();
    let checkpoint = Checkpoint::open(path).unwrap();
    assert!(checkpoint.pids().is_empty());
    assert!(checkpoint.warnings().iter().any(|w| w.member.as_deref() == Some("pstree.img")));
}

#[test]
fn text_across_borders_is_found_once_and_halves_apart_are_not() {
    const NEEDLE: &[u8] = b"planted-across-a-border";
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    dump(path, 2);
    // Two mappings that touch, and a third behind a gap of two pages.
    let at = |page: usize| START + (page * PAGE) as u64;
    let vma = |from: usize, to: usize| proto::VmaEntry {
        start: Some(at(from)),
        end: Some(at(to)),
        prot: Some(3),
        flags: Some(0x22),
        status: Some(0x201),
        ..Default::default()
    };
    let vmas = vec![vma(0, 2), vma(2, 4), vma(6, 7)];
    let mm = proto::MmEntry { vmas, mm_saved_auxv: vec![6, PAGE as u64], ..Default::default() };
    image(path, "mm-1.img", &[COMMON, 0x5749_2820], &[mm.encode_to_vec()]);
    let mut memory = vec![0; 7 * PAGE];
    let half = NEEDLE.len() / 2;
    // Over a border of compressed blocks, of runs and mappings, of pages; and a half before the gap.
    for border in 1..=4 {
        let from = border * PAGE - half;
        memory[from..from + NEEDLE.len()].copy_from_slice(NEEDLE);
    }
    // The other half begins the mapping behind the gap, and follows the first one in the file.
    memory.copy_within(4 * PAGE..4 * PAGE + NEEDLE.len() - half, 6 * PAGE);
    let packed: Vec<Vec<u8>> = memory[..2 * PAGE].chunks(PAGE).map(lz4_flex::block::compress).collect();
    let first = proto::PagemapEntry {
        compressed_size: packed.iter().map(|p| u32::try_from(p.len()).unwrap()).collect(),
        ..run(0, 2, 4)
    };
    let mut stored = packed.concat();
    stored.resize(stored.len().next_multiple_of(PAGE), 0);
    stored.extend(&memory[2 * PAGE..4 * PAGE]);
    stored.extend(&memory[6 * PAGE..]);
    pagemap(path, &[first, run(2, 2, 4 | 8), run(6, 1, 4)], &stored);
    let checkpoint = Checkpoint::open(path).unwrap();
    let patterns = [Pattern::literal(NEEDLE), Pattern::regex("planted-[a-z-]+-border")];
    for pattern in patterns {
        let mut found = Vec::new();
        Search::new(vec![pattern])
            .unwrap()
            .run(&checkpoint, &mut |m| {
                assert_eq!(m.bytes, NEEDLE);
                found.push(m.address);
                ControlFlow::Continue(())
            })
            .unwrap();
        let expected: Vec<u64> = (1..=3).map(|border| at(border) - half as u64).collect();
        assert_eq!(found, expected);
    }
}

/// Strings as they come one by one, and as they come in blocks.
fn strings(path: &Path, encoding: Encoding) -> [Vec<(u64, usize, bool)>; 2] {
    let checkpoint = Checkpoint::open(path).unwrap();
    let strings = Strings::new(4, &[encoding]);
    let mut single = Vec::new();
    strings
        .run(&checkpoint, &mut |s| {
            single.push((s.place.address, s.place.bytes.len(), s.cut));
            ControlFlow::Continue(())
        })
        .unwrap();
    let mut rendered = String::new();
    strings
        .render(
            &checkpoint,
            &|block, out| {
                for line in block.lines() {
                    out.extend(format!("{} {} {}\n", line.address, line.bytes.len(), line.cut).bytes());
                }
            },
            &mut |text| {
                rendered.push_str(std::str::from_utf8(text).unwrap());
                ControlFlow::Continue(())
            },
        )
        .unwrap();
    let line = |line: &str| {
        let mut words = line.split(' ');
        let mut next = || words.next().unwrap();
        (next().parse().unwrap(), next().parse().unwrap(), next().parse().unwrap())
    };
    [single, rendered.lines().map(line).collect()]
}

#[test]
fn strings_across_borders_come_whole_and_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let pages: usize = 160;
    dump(path, pages as u64);
    let mut memory = vec![0; pages * PAGE];
    let mut expected = Vec::new();
    let mut put = |from: usize, len: usize| {
        memory[from..from + len].fill(b'x');
        expected.push((START + from as u64, len.min(LONGEST), len > LONGEST));
    };
    // Over a border of pages, of runs, of pieces of 128 KiB, and far behind one.
    put(PAGE - 2, 4);
    put(8 * PAGE - 1, 9);
    put(32 * PAGE - 3, 6);
    put(64 * PAGE - 5, 5 * PAGE);
    put(96 * PAGE - 5, LONGEST);
    // Longer than what is given of a string; it goes on through a piece.
    put(120 * PAGE, 36 * PAGE);
    put(pages * PAGE - 4, 4);
    // Runs follow each other in memory and in the file, and are entries of their own.
    let entries: Vec<_> = (0..pages as u64).step_by(8).map(|page| run(page, 8, 4)).collect();
    pagemap(path, &entries, &memory);
    let [single, rendered] = strings(path, Encoding::Ascii);
    assert_eq!(single, expected);
    assert_eq!(rendered, expected);
    let [single, rendered] = strings(path, Encoding::Utf8);
    assert_eq!(single, expected);
    assert_eq!(rendered, expected);
}

#[test]
fn a_match_that_may_go_on_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let pages = 64;
    dump(path, 2 * pages as u64);
    let mut memory = vec![b'a'; pages * PAGE];
    memory[0] = b'b';
    memory.extend(vec![0; pages * PAGE]);
    memory[pages * PAGE - 1] = b'b';
    pagemap(path, &[run(0, 2 * pages as u64, 4)], &memory);
    let matches = |expression: &str| {
        let search = Search::new(vec![Pattern::regex(expression)]).unwrap();
        let mut list = Vec::new();
        search
            .run(&Checkpoint::open(path).unwrap(), &mut |m| {
                list.push((m.address - START, m.bytes.len(), m.cut));
                ControlFlow::Continue(())
            })
            .unwrap();
        (list, search.cut())
    };
    // Its end was seen, however far away it is: the piece is large enough.
    assert_eq!(matches("ba+b"), (vec![(0, pages * PAGE, false)], 0));
    // In pieces of 1 MiB, one that begins in the first goes on in the second.
    let large = 400;
    dump(path, large as u64);
    pagemap(path, &[run(0, large as u64, 4)], &vec![b'a'; large * PAGE]);
    let (list, cut) = matches("a+");
    let (address, len, is_cut) = list[0];
    assert!(address == 0 && is_cut && len >= 64 << 10 && len < large * PAGE, "{list:?}");
    assert_eq!(cut, list.iter().filter(|m| m.2).count() as u64);
    // What goes on in the next piece is listed from there on.
    let end = |m: &(u64, usize, bool)| m.0 + m.1 as u64;
    assert!(list.windows(2).all(|pair| pair[1].0 <= end(&pair[0])), "{list:?}");
    assert_eq!(end(list.last().unwrap()), (large * PAGE) as u64);
    assert!(!list.last().unwrap().2);
}
