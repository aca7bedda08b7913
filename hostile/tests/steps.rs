//! What evidence costs, in steps and not by a clock: twice the evidence, twice the steps.
//!
//! Each case is one in which a loop within a loop was, or could be.

use hostile::write::{
    Dump, Files, Member, Message, Order, Run, Sparse, Store, Vma, chain, image, magic, put_sparse, tar,
};
use libforensic::analysis::overview::Overview;
use libforensic::analysis::search::{Pattern, Search};
use libforensic::archive::{Archive, OpenOptions};
use libforensic::{Checkpoint, meter};

const PAGE: u64 = 4096;

fn open(bytes: &[u8]) -> Archive {
    Archive::from_reader(bytes, "-", OpenOptions::default()).unwrap()
}

fn checkpoint(bytes: &[u8]) -> Checkpoint {
    Checkpoint::from_archive(open(bytes)).unwrap()
}

/// Says that something costs in proportion, and no more than so many steps for each of `n`.
fn linear(what: &str, n: u64, each: u64, run: impl Fn(u64)) {
    let cost = |n| {
        let before = meter::steps();
        run(n);
        meter::steps() - before
    };
    let (small, large) = (cost(n), cost(2 * n));
    assert!(small > 0, "{what}: nothing is counted");
    assert!(large <= small * 22 / 10 + 1000, "{what}: {small} steps became {large}");
    assert!(small <= n * each + 1000, "{what}: {small} steps for {n}");
}

#[test]
fn members_and_what_is_behind_sizes_that_are_not_true() {
    linear("members", 2000, 2, |n| {
        let members: Vec<_> = (0..n).map(|n| Member::file(format!("m{n}"), "x")).collect();
        assert_eq!(open(&tar(&members)).members().len() as u64, n);
    });
    // Every size leads behind the end: each is looked through for the next header.
    linear("untrue sizes", 200, 40, |n| {
        let members: Vec<_> = (0..n).map(|n| Member::file(format!("m{n}"), "x").claiming(1 << 62)).collect();
        open(&tar(&members));
    });
    linear("tars with untrue sizes", 60, 100, |n| {
        let inner = tar(&[Member::file("a", "x"), Member::file("b", "x")]);
        let members: Vec<_> =
            (0..n).map(|n| Member::file(format!("m{n}.tar"), &inner[..]).claiming(1 << 40)).collect();
        open(&tar(&members));
    });
    linear("no header at all", 4000, 2, |n| {
        let mut bytes = tar(&[Member::file("first", "x")]);
        bytes.truncate(1024);
        bytes.extend(vec![0x41; n as usize * 512]);
        open(&bytes);
    });
}

#[test]
fn members_of_one_name_in_a_compressed_archive() {
    // Too many to stay in memory: each is looked for by name when it is read.
    let members: Vec<_> = (0..3000).map(|_| Member::file("checkpoint/same", vec![1; 4000])).collect();
    let bytes = zstd::encode_all(&tar(&members)[..], 1).unwrap();
    let mut options = OpenOptions::default();
    options.limits.resident_bytes = 1 << 20;
    let archive = Archive::from_reader(&bytes[..], "-", options).unwrap();
    assert_eq!(archive.members().len(), 3000);
    for member in archive.members().iter().step_by(100) {
        assert_eq!(archive.read(member).unwrap().len(), 4000);
    }
}

#[test]
fn runs_of_sparse_files() {
    linear("sparse runs", 2000, 40, |n| {
        let runs: Vec<_> = (0..n).map(|n| (n * 2, 1)).collect();
        let mut out = Vec::new();
        put_sparse(&mut out, Sparse::Lines, b"s", &runs, n * 2, &vec![1; n as usize]);
        let archive = open(&out);
        assert_eq!(archive.data(&archive.members()[0]).unwrap().segments().len() as u64, n);
    });
}

fn tree(n: u64) -> Dump {
    Dump { tree: (1..=n).map(|pid| (pid, pid - 1)).collect(), ..Dump::default() }
}

#[test]
fn processes_in_a_row_and_in_circles() {
    linear("a row", 2000, 20, |n| {
        checkpoint(&tree(n).tar()).warnings();
    });
    linear("a circle", 2000, 20, |n| {
        let mut dump = tree(n);
        dump.tree[0].1 = n;
        checkpoint(&dump.tar()).warnings();
    });
}

/// `n` mappings of one process, and `n` runs of pages.
fn mapped(n: u64, vma: impl Fn(u64) -> Vma, run: impl Fn(u64) -> Run) -> Vec<u8> {
    let dump = Dump {
        tree: vec![(1, 0)],
        vmas: (0..n).map(vma).collect(),
        runs: (0..n).map(run).collect(),
        pages: vec![1; PAGE as usize],
        ..Dump::default()
    };
    dump.tar()
}

fn count_all(bytes: &[u8]) {
    let checkpoint = checkpoint(bytes);
    checkpoint.process(1).unwrap();
    checkpoint.mappings(1).unwrap();
    Overview::default().process(&checkpoint, 1).unwrap();
    let search = Search::new(vec![Pattern::literal("needle")]).unwrap();
    assert_eq!(search.count(&checkpoint).unwrap(), [0]);
}

#[test]
fn mappings_that_overlap_and_the_pages_below() {
    let apart = |n: u64| Run { vaddr: n * 2 * PAGE, pages: 1, flags: 2 };
    linear("beside each other", 500, 100, |n| {
        count_all(&mapped(n, |n| Vma { start: n * 2 * PAGE, end: (n * 2 + 2) * PAGE }, apart));
    });
    linear("all of everything", 500, 100, |n| {
        count_all(&mapped(n, |_| Vma { start: 0, end: u64::MAX }, apart));
    });
    linear("in each other", 500, 100, |n| {
        count_all(&mapped(n, |n| Vma { start: n * PAGE, end: u64::MAX - n }, apart));
    });
    linear("runs over each other", 500, 100, |n| {
        let over = |n: u64| Run { vaddr: n, pages: u64::MAX, flags: 4 };
        count_all(&mapped(n, |n| Vma { start: n << 20, end: (n << 20) + PAGE }, over));
    });
}

#[test]
fn one_shared_segment_in_many_mappings() {
    // A segment of n runs that n mappings show whole: going through it for each would be n times n.
    linear("shared", 400, 100, |n| {
        let mut dump = Dump { tree: vec![(1, 0)], ..Dump::default() }.members("checkpoint/");
        let entry = |start: u64| {
            // VMA_AREA_REGULAR, VMA_ANON_SHARED: the segment is the one of that id.
            let values = [start, start + 4 * n * PAGE, 0, 7, 3, 0x21, 0x101, u64::MAX];
            (1..).zip(values).fold(Message::new(), |m, (field, value)| m.number(field, value))
        };
        let mm = (1..=12).fold(Message::new(), |m, field| m.number(field, 0));
        let mm = (0..n).fold(mm, |mm, at| mm.bytes(14, entry((1 << 32) + at * 4 * n * PAGE)));
        dump.push(Member::file("checkpoint/mm-1.img", image(Order::Little, true, magic::MM, [mm])));
        dump.push(Member::file(
            "checkpoint/pagemap-1.img",
            image(Order::Little, true, magic::PAGEMAP, [Message::new().number(1, 1)]),
        ));
        let runs =
            (0..n).map(|at| Message::new().number(1, at * 2 * PAGE).number(2, 0).number(4, 4).number(5, 1));
        let map = image(
            Order::Little,
            true,
            magic::PAGEMAP,
            std::iter::once(Message::new().number(1, 2)).chain(runs),
        );
        dump.push(Member::file("checkpoint/pagemap-shmem-7.img", map));
        dump.push(Member::file("checkpoint/pages-2.img", vec![1; (n * PAGE) as usize]));
        let checkpoint = checkpoint(&tar(&dump));
        let mappings = checkpoint.mappings(1).unwrap();
        assert_eq!(mappings.len() as u64, n);
        assert!(
            mappings.iter().all(|m| m.pages.dumped == n && m.pages.zero == 3 * n),
            "{:?}",
            mappings[0].pages
        );
        checkpoint.process(1).unwrap();
    });
}

#[test]
fn blocks_that_stand_for_terabytes_of_zeros() {
    // 16 MiB of zeros for each byte of the page map.
    let dump = Dump {
        tree: vec![(1, 0)],
        vmas: vec![Vma { start: 0, end: 1 << 46 }],
        runs: vec![Run { vaddr: 0, pages: 1, flags: 4 }],
        pages: vec![1; PAGE as usize],
        store: Store::Region(4096),
        ..Dump::default()
    };
    linear("blocks of zeros", 10_000, 100, |n| {
        let mut members = dump.members("checkpoint/");
        let map = members.iter_mut().find(|m| m.name.ends_with(b"pagemap-1.img")).unwrap();
        let head = Message::new().number(1, 1);
        let entry = Message::new().number(1, 0).number(2, 0).number(4, 4).number(5, n * 4096);
        let entry = entry.packed(6, &vec![0; n as usize]).number(8, 4096);
        map.data = image(Order::Little, true, magic::PAGEMAP, [head, entry]);
        let bytes = tar(&members);
        let checkpoint = checkpoint(&bytes);
        let mut page = [0xee; 16];
        assert_eq!(checkpoint.memory(1).unwrap().read((n * 4096 - 1) * PAGE, &mut page).unwrap().hole, None);
        assert_eq!(page, [0; 16]);
        count_all(&bytes);
    });
}

#[test]
fn parents_of_parents() {
    linear("parents", 20, 60, |n| {
        let dump = Dump {
            tree: vec![(1, 0)],
            vmas: vec![Vma { start: 0, end: 64 * PAGE }],
            runs: (0..8).map(|at| Run { vaddr: at * 2 * PAGE, pages: 1, flags: 1 }).collect(),
            ..Dump::default()
        };
        count_all(&chain(&vec![dump; n as usize]));
    });
}

#[test]
fn kinds_of_files_and_their_holders() {
    linear("processes with one table", 200, 60, |n| {
        let mut dump = tree(n);
        dump.files = Files::One;
        let checkpoint = checkpoint(&dump.tar());
        checkpoint.sockets();
        for pid in checkpoint.pids() {
            let _ = checkpoint.process(pid);
            let _ = checkpoint.descriptors(pid);
        }
    });
}
