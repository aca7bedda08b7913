//! Measures how fast all memory is opened, searched and listed as strings.
//!
//! `EVIDENCE=FILE cargo bench -p libforensic --bench memory`; the evidence is
//! best one of `cargo run --release -p libforensic --example generate`. Without
//! it the sample archive is taken, which is small. `benches/compare.sh` runs
//! the program against others.

use std::hint::black_box;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use libforensic::Checkpoint;
use libforensic::analysis::overview::Overview;
use libforensic::analysis::search::{Encoding, Pattern, Search};
use libforensic::analysis::strings::{MINIMUM, Strings};
use libforensic::model::Options;

/// Runs of which the fastest and the middle one are printed.
const RUNS: usize = 9;

fn measure(what: &str, bytes: u64, mut work: impl FnMut()) {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort();
    #[allow(clippy::cast_precision_loss)] // sizes of gigabytes
    let rate = |time: Duration| bytes as f64 / 1e6 / time.as_secs_f64();
    let (best, middle) = (times[0], times[RUNS / 2]);
    println!("{what:<24} best {best:>10.3?} {:>9.0} MB/s   median {middle:>10.3?}", rate(best));
}

fn main() -> libforensic::Result<()> {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/evidence/zoo.tar.zst");
    let path = std::env::var("EVIDENCE").unwrap_or_else(|_| sample.to_owned());
    let open = || {
        let mut options = Options::default();
        options.memory = true;
        Checkpoint::open_with(&path, options)
    };
    let checkpoint = open()?;
    let bytes = checkpoint
        .pids()
        .into_iter()
        .filter_map(|pid| Overview::default().process(&checkpoint, pid).ok())
        .map(|memory| memory.dumped_bytes)
        .sum();
    println!("{path}: {} MB of dumped pages", bytes / 1_000_000);
    measure("open", bytes, || drop(black_box(open())));
    let searches = [
        ("literal", Pattern::literal("NEEDLE-7f3a91c5e8")),
        ("literal, any case", Pattern::literal("needle-7f3a91c5e8").ignore_case(true)),
        ("expression", Pattern::regex(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}")),
    ];
    for (what, pattern) in searches {
        let search = Search::new(vec![pattern])?;
        measure(what, bytes, || drop(black_box(search.count(&checkpoint))));
    }
    for encoding in [Encoding::Ascii, Encoding::Utf8, Encoding::Utf16Le] {
        let strings = Strings::new(MINIMUM, &[encoding]);
        measure(&format!("strings, {}", encoding.as_str()), bytes, || {
            let render = |block: &libforensic::analysis::block::Block<'_>, out: &mut Vec<u8>| {
                for line in block.lines() {
                    out.extend_from_slice(line.bytes);
                    out.push(b'\n');
                }
            };
            let mut count = |text: &[u8]| {
                black_box(text.len());
                ControlFlow::Continue(())
            };
            let _ = strings.render(&checkpoint, &render, &mut count);
        });
    }
    Ok(())
}
