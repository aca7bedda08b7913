//! What mutated inputs are made of, and how one is made of a seed.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use libforensic::archive::{Archive, MemberKind};

use crate::write::{DAMAGE, Dump, Member, Run, Vma, tar};
use crate::{Dice, bodies, mutate};

/// What is done with an input.
pub type Body = fn(&[u8]);

/// Sample evidence, in pieces that can be changed.
#[derive(Debug)]
pub struct Corpus {
    archives: Vec<Vec<Member>>,
    images: Vec<Vec<u8>>,
    documents: Vec<Vec<u8>>,
    answers: Vec<Vec<u8>>,
    records: Vec<Vec<u8>>,
}

impl Corpus {
    /// Takes the sample evidence, the committed images, and dumps that no engine writes.
    ///
    /// # Panics
    ///
    /// When `root` is not this repository.
    pub fn load(root: &Path) -> Self {
        let mut archives: Vec<Vec<Member>> = Vec::new();
        for name in ["simple.tar", "counter.tar", "zoo.tar.zst"] {
            let archive = Archive::open(root.join("examples/evidence").join(name)).expect("sample evidence");
            let members = archive.members().iter().map(|m| match m.kind {
                MemberKind::File => {
                    let mut data = archive.read(m).expect("sample evidence");
                    // Most of it is memory; some of that is enough.
                    data.truncate(64 << 10);
                    Member::file(&m.name, data)
                }
                _ => Member::bare(b'5', &m.name, ""),
            });
            archives.push(members.collect());
        }
        archives.push(tar_of_tars(&archives[0]));
        for (big, old_counts) in [(false, false), (true, false), (false, true)] {
            let dump = Dump {
                tree: vec![(1, 0), (2, 1), (3, 2)],
                vmas: (0..8).map(|n| Vma { start: n << 14, end: (n << 14) + 0x3000 }).collect(),
                runs: (0..8)
                    .map(|n| Run { vaddr: n << 14, pages: 1 + n % 3, flags: [4, 5, 6, 1][n as usize % 4] })
                    .collect(),
                pages: b"SECRET=hunter2 ".repeat(3000),
                big,
                old_counts,
                ..Dump::default()
            };
            archives.push(dump.members("checkpoint/"));
        }
        let mut images = Vec::new();
        let mut documents = Vec::new();
        let mut waiting = vec![root.join("libforensic/tests/fixtures/images")];
        while let Some(directory) = waiting.pop() {
            for entry in std::fs::read_dir(directory).expect("fixtures").flatten() {
                let path = entry.path();
                if path.is_dir() {
                    waiting.push(path);
                } else if path.extension().is_some_and(|e| e == "img") {
                    images.push(std::fs::read(path).expect("fixtures"));
                } else if path.extension().is_some_and(|e| e == "json") {
                    documents.push(std::fs::read(path).expect("fixtures"));
                }
            }
        }
        images.sort();
        documents.sort();
        #[cfg(feature = "program")]
        let (answers, records) = (answers(root), vec![record()]);
        #[cfg(not(feature = "program"))]
        let (answers, records) = (Vec::new(), Vec::new());
        Self { archives, images, documents, answers, records }
    }

    /// Makes the input of a seed, and says what to do with it.
    pub fn input(&self, seed: u64) -> (&'static str, Body, Vec<u8>) {
        let mut dice = Dice::new(seed);
        let changed = |from: &[Vec<u8>], dice: &mut Dice<'_>| {
            let mut input = from[dice.below(from.len())].clone();
            mutate::bytes(&mut input, dice);
            input
        };
        match dice.below(20) {
            0..=4 => {
                let mut input = self.images[dice.below(self.images.len())].clone();
                match dice.below(8) {
                    0 => mutate::records(&mut input, &mut dice),
                    1 => DAMAGE[dice.below(DAMAGE.len())].put(&mut input, &mut dice),
                    _ => {}
                }
                mutate::bytes(&mut input, &mut dice);
                ("image", bodies::image, input)
            }
            5..=6 => ("crit_json", bodies::crit_json, changed(&self.documents, &mut dice)),
            #[cfg(feature = "program")]
            7 => ("answer", bodies::answer, changed(&self.answers, &mut dice)),
            #[cfg(feature = "program")]
            8 => ("record", bodies::record, changed(&self.records, &mut dice)),
            n => {
                let input = self.archive(&mut dice);
                match n {
                    7..=11 => ("archive", bodies::archive, input),
                    12..=15 => ("model", bodies::model, input),
                    _ => ("memory", bodies::memory, input),
                }
            }
        }
    }

    fn archive(&self, dice: &mut Dice<'_>) -> Vec<u8> {
        let plain = if dice.once_in(3) {
            mutate::written(dice)
        } else {
            mutate::archive(&self.archives[dice.below(self.archives.len())], dice)
        };
        // Compressed ones are read by another way, and may be damaged in their own.
        let mut packed = match dice.below(12) {
            0 => {
                let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
                gz.write_all(&plain).and_then(|()| gz.finish()).expect("in memory")
            }
            1 => zstd::encode_all(&plain[..], 1).expect("in memory"),
            _ => return plain,
        };
        if dice.once_in(4) {
            mutate::bytes(&mut packed, dice);
        }
        packed
    }

    /// Writes what fuzzers begin with: a directory for each target.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub fn write_seeds(&self, directory: &Path) -> io::Result<()> {
        let archives: Vec<Vec<u8>> = self.archives.iter().map(tar).collect();
        let random = (0..64).map(|seed| (0..400).map(|n| Dice::new(seed * 1000 + n).roll() as u8).collect());
        for (target, inputs) in [
            ("archive", &archives),
            ("model", &archives),
            ("memory", &archives),
            ("image", &self.images),
            ("crit_json", &self.documents),
            ("answer", &self.answers),
            ("record", &self.records),
            ("written", &random.collect()),
        ] {
            let directory = directory.join(target);
            fs::create_dir_all(&directory)?;
            for (n, input) in inputs.iter().enumerate() {
                fs::write(directory.join(format!("seed-{n}")), input)?;
            }
        }
        Ok(())
    }
}

/// Writes mutated archives for other programs, and some by name.
///
/// # Errors
///
/// When a file cannot be written.
pub fn write_archives(corpus: &Corpus, directory: &Path, count: u64, first: u64) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for seed in first..first.saturating_add(count) {
        fs::write(directory.join(format!("{seed}.tar")), corpus.archive(&mut Dice::new(seed)))?;
    }
    Ok(())
}

/// The recorded answers, each behind the two bytes that say how it came.
#[cfg(feature = "program")]
fn answers(root: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root.join("kubectl-checkpoint/tests/fixtures/kubelet-http")).expect("fixtures")
    {
        let text = fs::read_to_string(entry.expect("fixtures").path()).expect("fixtures");
        let body = text.split_once("\n\n").and_then(|(_, body)| body.rsplit_once("# curl rc="));
        let Some((body, _)) = body else { continue };
        let json = u8::from(body.starts_with('{'));
        found.push([&[0, json][..], body.as_bytes()].concat());
    }
    found.sort();
    found
}

/// A record of three lines.
#[cfg(feature = "program")]
fn record() -> Vec<u8> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("x.tar.evidence.json");
    for step in ["capture", "download", "clean up"] {
        let sha256 = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73";
        let fields = [("step", step.into()), ("sha256", sha256.into()), ("sizeBytes", 7.into())];
        let fields = fields.map(|(key, value)| (key.to_owned(), value)).into_iter().collect();
        kubectl_checkpoint::cluster::record::append(&path, fields).expect("a temporary file");
    }
    fs::read(&path).expect("a temporary file")
}

/// Puts the same tar into itself, three deep.
fn tar_of_tars(members: &[Member]) -> Vec<Member> {
    let mut inner = tar(&members[..4.min(members.len())]);
    for name in ["a.tar", "b.tar"] {
        inner = tar(&[Member::file(name, inner)]);
    }
    vec![Member::file("config.dump", "{}"), Member::file("rootfs-diff.tar", inner)]
}
