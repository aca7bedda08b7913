//! Feeds mutated evidence to everything the library does, for a bounded time.
//!
//! `FUZZ_SECONDS` (default 3) bounds the time, `FUZZ_SEED` makes a run
//! repeatable. A panic names the seed of the input that caused it.

use std::io::Cursor;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use libforensic::Checkpoint;
use libforensic::analysis::extract::{Extent, objects};
use libforensic::archive::{Archive, OpenOptions};

/// Asks a checkpoint for everything; only panics and hangs are failures.
fn exercise(bytes: Vec<u8>) {
    let mut options = OpenOptions::default();
    options.limits.unpacked_bytes = 64 << 20;
    options.limits.member_bytes = 16 << 20;
    options.limits.resident_bytes = 64 << 20;
    options.limits.small_member_bytes = 64 << 20;
    let Ok(archive) = Archive::from_reader(Cursor::new(bytes), "fuzz", options) else { return };
    let Ok(checkpoint) = Checkpoint::from_archive(archive) else { return };
    let _ = checkpoint.summary();
    for pid in checkpoint.pids().into_iter().take(200) {
        let _ = checkpoint.process(pid);
        let _ = checkpoint.mappings(pid);
        let _ = checkpoint.descriptors(pid);
        if let Ok(memory) = checkpoint.memory(pid) {
            let mut page = [0; 4096];
            for region in memory.regions().iter().take(100) {
                let _ = memory.read(region.mapping.start, &mut page);
                let _ = memory.read(region.mapping.end.wrapping_sub(5), &mut page);
            }
        }
    }
    let _ = checkpoint.sockets();
    let _ = checkpoint.mounts();
    let mut left = 1000;
    objects(&checkpoint, &mut |object| {
        left -= 1;
        if let Some(contents) = object.contents {
            let mut at = 0;
            while let Some((extent, end)) = contents.extent(at) {
                assert!(end > at && end <= contents.len(), "extents go on and end");
                if extent == Extent::Stored {
                    let n = usize::try_from(end - at).unwrap_or(usize::MAX).min(4096);
                    let _ = contents.read_exact_at(at, &mut [0; 4096][..n]);
                }
                at = end;
            }
        }
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let _ = checkpoint.warnings();
}

/// xorshift64*: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n.max(1) as u64).unwrap()
    }
}

/// Offset and length of a member in its archive.
type Place = (usize, usize);

/// Changes some bytes, mostly inside small members, where the images are.
fn mutate(bytes: &mut Vec<u8>, members: &[Place], random: &mut Random) {
    for _ in 0..=random.below(8) {
        let at = if random.below(8) == 0 || members.is_empty() {
            random.below(bytes.len())
        } else {
            let (start, len) = members[random.below(members.len())];
            start + random.below(len)
        };
        match random.below(6) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = u8::try_from(random.below(256)).unwrap(),
            2 => bytes[at] = [0, 0xff, 0x7f, 0x80][random.below(4)],
            3 => {
                let end = (at + 1 + random.below(9)).min(bytes.len());
                bytes[at..end].fill(0xff);
            }
            4 => {
                // A piece of another place, such as a record of another image.
                let from = random.below(bytes.len());
                let len = random.below(64).min(bytes.len() - from).min(bytes.len() - at);
                bytes.copy_within(from..from + len, at);
            }
            _ => {
                if random.below(20) == 0 {
                    bytes.truncate(at);
                    return;
                }
            }
        }
    }
}

#[test]
fn mutated_evidence_never_panics() {
    let seconds = std::env::var("FUZZ_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(3);
    let first: u64 = std::env::var("FUZZ_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(1);
    let corpus: Vec<(Vec<u8>, Vec<Place>)> = ["simple.tar", "counter.tar"]
        .iter()
        .map(|name| {
            let path = format!("../examples/evidence/{name}");
            let archive = Archive::open(&path).unwrap();
            let members = archive
                .members()
                .iter()
                .filter(|m| m.size > 0 && m.size < 64 << 10)
                .filter_map(|m| Some((usize::try_from(m.offset?).ok()?, usize::try_from(m.size).ok()?)))
                .collect();
            (std::fs::read(&path).unwrap(), members)
        })
        .collect();
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut inputs = 0_u64;
    let mut slowest = Duration::ZERO;
    while Instant::now() < end {
        let seed = first + inputs;
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let (bytes, members) = &corpus[random.below(corpus.len())];
        let mut bytes = bytes.clone();
        mutate(&mut bytes, members, &mut random);
        let start = Instant::now();
        let result = std::panic::catch_unwind(|| exercise(bytes));
        assert!(result.is_ok(), "panicked on the input of FUZZ_SEED={seed}");
        slowest = slowest.max(start.elapsed());
        inputs += 1;
    }
    println!("{inputs} mutated archives, none panicked; the slowest took {slowest:?}");
    assert!(inputs > 0);
}
