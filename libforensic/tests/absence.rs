//! What the evidence should hold and does not, said by those whose answer lacks it, and by no one else.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use libforensic::Checkpoint;
use libforensic::analysis::overview::Overview;
use libforensic::analysis::search::{Encoding, Pattern, Scope, Search};
use libforensic::analysis::strings::Strings;
use libforensic::image::{Kind, proto};
use libforensic::memory::{Hole, Span};
use libforensic::model::Answer;
use prost::Message;

const PAGE: u64 = 4096;
const START: u64 = 0x10_0000;

/// A directory of images, written without the library's encoder.
struct Dump(tempfile::TempDir);

impl Dump {
    /// One process with `pages` pages of anonymous memory; arguments on the first, environment on the last.
    fn new(pages: u64) -> Self {
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

    fn core(&self, tc: proto::TaskCoreEntry) {
        let tc = proto::TaskCoreEntry { task_state: Some(1), comm: Some(b"x".to_vec()), ..tc };
        let core = proto::CoreEntry { mtype: Some(1), tc: Some(tc), ..Default::default() };
        self.image(Kind::Core, "core-1.img", &[core.encode_to_vec()]);
    }

    fn mm(&self, vmas: Vec<proto::VmaEntry>, end: u64) {
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

    fn path(&self) -> PathBuf {
        self.0.path().to_path_buf()
    }

    fn raw(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.0.path().join(name), bytes).unwrap();
    }

    fn image(&self, kind: Kind, name: &str, records: &[Vec<u8>]) {
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
    fn pages(&self, runs: &[(u64, u64, u32)], stored: u64) {
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

    /// Gives the warnings after a question was asked.
    fn said(&self, ask: impl FnOnce(&Checkpoint)) -> Vec<String> {
        said(&self.path(), ask)
    }
}

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
    assert!(lazy(&dump.said(search(Scope::default()))));
    let mut scope = Scope::default();
    scope.range = Some(START..START + PAGE);
    assert!(dump.said(search(scope)).is_empty(), "what was looked at is all there");
    assert!(lazy(&dump.said(|c| {
        let strings = Strings::new(4, &[Encoding::Ascii]);
        strings.run(c, &mut |_| ControlFlow::Continue(())).unwrap();
    })));
    assert!(lazy(&dump.said(|c| drop(Overview::default().process(c, 1).unwrap()))));
    assert!(dump.said(|c| drop(c.mappings(1).unwrap())).is_empty(), "maps counts them as absent");
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
