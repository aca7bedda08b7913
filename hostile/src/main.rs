//! Feeds mutated evidence to the library and says how it went: `hostile [INPUTS [SEED]]`.
//!
//! `hostile archives DIR [COUNT [SEED]]` writes archives that it would feed, for
//! other programs; `hostile seeds DIR` writes what `cargo fuzz` begins with.
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
use hostile::{Corpus, corpus};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Longest time an input may take.
const SLOW: Duration = Duration::from_secs(2);
/// Most memory an input may take, in bytes.
const LARGE: usize = 256 << 20;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default| args.get(at).map_or(Ok(default), |a| a.parse::<u64>());
    let corpus = Corpus::load(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")));
    match (args.first().map(String::as_str), args.get(1)) {
        (Some("archives"), Some(directory)) => {
            let (Ok(count), Ok(first)) = (number(2, 500), number(3, 1)) else { return usage() };
            corpus::write_archives(&corpus, Path::new(directory), count, first).expect("a directory");
            return ExitCode::SUCCESS;
        }
        (Some("seeds"), Some(directory)) => {
            corpus.write_seeds(Path::new(directory)).expect("a directory");
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    let (Ok(inputs), Ok(first)) = (number(0, 100_000), number(1, 1)) else { return usage() };
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

fn usage() -> ExitCode {
    eprintln!("usage: hostile [INPUTS [SEED]] | hostile archives DIR [COUNT [SEED]] | hostile seeds DIR");
    ExitCode::from(2)
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
