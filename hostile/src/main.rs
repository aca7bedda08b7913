//! Feeds mutated evidence to the library and says how it went: `hostile [INPUTS [SEED]]`.
//!
//! The last line is a summary; the exit code is 1 if any input panicked, took
//! more than two seconds, or needed more memory than 256 MiB. An abort ends
//! the run itself, and the line before names the last seed.

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use hostile::count::{self, Counting};
use hostile::write::{Dump, Member, Run, Vma, tar};
use hostile::{Dice, bodies, mutate};
use libforensic::archive::{Archive, MemberKind};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Longest time an input may take.
const SLOW: Duration = Duration::from_secs(2);
/// Most memory an input may take, in bytes.
const LARGE: usize = 256 << 20;

/// What is done with an input.
type Body = fn(&[u8]);

/// What mutated inputs are made of.
struct Corpus {
    archives: Vec<Vec<Member>>,
    images: Vec<Vec<u8>>,
    documents: Vec<Vec<u8>>,
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1).map(|a| a.parse::<u64>());
    let (Some(Ok(inputs)), Ok(first)) = (args.next().or(Some(Ok(100_000))), args.next().unwrap_or(Ok(1)))
    else {
        eprintln!("usage: hostile [INPUTS [SEED]]");
        return ExitCode::from(2);
    };
    let corpus = Corpus::load(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")));
    std::panic::set_hook(Box::new(|info| eprintln!("{info}")));
    let (mut panics, mut slow, mut large) = (0_u64, 0_u64, 0_u64);
    let (mut slowest, mut peak) = (Duration::ZERO, 0_usize);
    let begun = Instant::now();
    for seed in first..first.saturating_add(inputs) {
        let (name, body, input) = corpus.input(seed);
        let start = cpu_time();
        let (result, held) = count::measured(|| catch_unwind(AssertUnwindSafe(|| body(&input))));
        let took = cpu_time().saturating_sub(start);
        slowest = slowest.max(took);
        peak = peak.max(held);
        for (bad, count, what) in [
            (result.is_err(), &mut panics, "panic"),
            (took > SLOW, &mut slow, "slow"),
            (held > LARGE, &mut large, "large"),
        ] {
            if bad {
                *count += 1;
                let file = std::env::temp_dir().join(format!("hostile-{name}-{seed}"));
                let kept = std::fs::write(&file, &input);
                eprintln!("{what}: seed {seed}, {name}, {took:?}, {held} bytes; {} {kept:?}", file.display());
            }
        }
        if seed % 20_000 == 0 {
            eprintln!("seed {seed}, {:?}", begun.elapsed());
        }
    }
    let _ = writeln!(
        std::io::stdout(),
        "{inputs} inputs from seed {first}: {panics} panics, no abort (this line was reached), {slow} over {SLOW:?} of CPU, {large} over 256 MiB; slowest {slowest:?}, most memory {} KiB, {} s",
        peak >> 10,
        begun.elapsed().as_secs()
    );
    if panics + slow + large == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

/// Time that the processors spent on this process, in steps of 10 ms.
fn cpu_time() -> Duration {
    // Fields 14 and 15 of /proc/self/stat, behind the name in parentheses, are in hundredths of a second.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks =
        behind.split_ascii_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum::<u64>();
    Duration::from_millis(ticks * 10)
}

impl Corpus {
    /// Takes the sample evidence, the committed images, and dumps that no engine writes.
    fn load(root: &Path) -> Self {
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
        Self { archives, images, documents }
    }

    /// Makes the input of a seed, and says what to do with it.
    fn input(&self, seed: u64) -> (&'static str, Body, Vec<u8>) {
        let mut dice = Dice::new(seed);
        match dice.below(16) {
            0..=5 => {
                let mut input = self.images[dice.below(self.images.len())].clone();
                if dice.below(4) == 0 {
                    mutate::records(&mut input, &mut dice);
                }
                mutate::bytes(&mut input, &mut dice);
                ("image", bodies::image, input)
            }
            6..=8 => {
                let mut input = self.documents[dice.below(self.documents.len())].clone();
                mutate::bytes(&mut input, &mut dice);
                ("crit-json", bodies::crit_json, input)
            }
            n => {
                let members = &self.archives[dice.below(self.archives.len())];
                let input = mutate::archive(members, &mut dice);
                match n {
                    9..=10 => ("archive", bodies::archive, input),
                    11..=13 => ("model", bodies::model, input),
                    _ => ("memory", bodies::memory, input),
                }
            }
        }
    }
}

/// Puts the same tar into itself, three deep.
fn tar_of_tars(members: &[Member]) -> Vec<Member> {
    let mut inner = tar(&members[..4.min(members.len())]);
    for name in ["a.tar", "b.tar"] {
        inner = tar(&[Member::file(name, inner)]);
    }
    vec![Member::file("config.dump", "{}"), Member::file("rootfs-diff.tar", inner)]
}
