//! What was in memory just before a real freeze, by /proc, is what the evidence has, at the same addresses.
#![cfg(feature = "zstd")]

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use libforensic::Checkpoint;
use libforensic::analysis::search::{Pattern, Search, SourceKind};
use libforensic::analysis::strings::Strings;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

const EVIDENCE: &str = "../examples/evidence/zoo.tar.zst";
const PAGE: u64 = 4096;

/// Recorded by the laboratory that made the evidence.
#[derive(Deserialize)]
struct Truth {
    /// Text, and where it was: process and address, in private memory.
    found: BTreeMap<String, Vec<(u32, String)>>,
    /// Process, address of a page, how its SHA-256 begins.
    pages: Vec<(u32, String, String)>,
}

fn truth() -> Truth {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/zoo-memory.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn number(text: &str) -> u64 {
    u64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap()
}

#[test]
fn planted_strings_are_where_they_were() {
    let (truth, checkpoint) = (truth(), Checkpoint::open(EVIDENCE).unwrap());
    let mut places = 0;
    let patterns: Vec<_> = truth.found.keys().map(|text| Pattern::literal(text.as_bytes())).collect();
    // All at once, as an expression, and each by itself: the three ways of looking.
    let expression = truth.found.keys().map(String::as_str).collect::<Vec<_>>().join("|");
    let ways = [patterns.clone(), vec![Pattern::regex(expression)]];
    for way in ways.into_iter().chain(patterns.into_iter().map(|p| vec![p])) {
        let single = (way.len() == 1).then(|| way[0].text.clone());
        let mut found: BTreeMap<(Vec<u8>, u32, u64), u32> = BTreeMap::new();
        Search::new(way)
            .unwrap()
            .run(&checkpoint, &mut |m| {
                if let (Some(pid), SourceKind::Memory) = (m.pid, m.source) {
                    *found.entry((m.bytes, pid, m.address)).or_default() += 1;
                }
                ControlFlow::Continue(())
            })
            .unwrap();
        assert!(found.values().all(|times| *times == 1));
        for (text, hits) in &truth.found {
            if single.as_ref().is_some_and(|s| s != text.as_bytes() && !s.contains(&b'|')) {
                continue;
            }
            for (pid, address) in hits {
                let key = (text.clone().into_bytes(), *pid, number(address));
                assert!(found.contains_key(&key), "{text} at {address} of process {pid}");
                places += 1;
            }
        }
    }
    assert_eq!(places, 3 * 81);
}

#[test]
fn planted_strings_are_among_all_strings() {
    let (truth, checkpoint) = (truth(), Checkpoint::open(EVIDENCE).unwrap());
    let mut strings: BTreeMap<(u32, u64), (usize, Vec<u8>)> = BTreeMap::new();
    Strings::new(4, &[libforensic::analysis::search::Encoding::Ascii])
        .run(&checkpoint, &mut |s| {
            if let (Some(pid), SourceKind::Memory) = (s.place.pid, s.place.source) {
                let old = strings.insert((pid, s.place.address), (s.place.bytes.len(), s.place.bytes));
                assert!(old.is_none());
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    for (text, hits) in &truth.found {
        for (pid, address) in hits {
            // The string that holds it begins there or before.
            let address = number(address);
            let (start, (_, bytes)) = strings.range(..=(*pid, address)).next_back().unwrap();
            let inside = usize::try_from(address - start.1).unwrap();
            assert!(bytes[inside..].starts_with(text.as_bytes()), "{text} at {address:#x} of process {pid}");
        }
    }
}

#[test]
fn pages_are_what_they_were() {
    let (truth, checkpoint) = (truth(), Checkpoint::open(EVIDENCE).unwrap());
    let mut same = 0;
    let mut other = BTreeSet::new();
    for (pid, address, digest) in &truth.pages {
        let address = number(address);
        let mut page = vec![0; usize::try_from(PAGE).unwrap()];
        let read = checkpoint.memory(*pid).unwrap().read(address, &mut page).unwrap();
        assert_eq!(read.hole, None, "{address:#x} of process {pid}");
        // Twelve digits of it were recorded.
        assert_eq!(digest.len(), 12);
        let hash = Sha256::digest(&page)[..6].iter().fold(0, |n, byte| n << 8 | u64::from(*byte));
        // The kernel writes to a thread's restartable sequence when the thread is frozen.
        let process = checkpoint.process(*pid).unwrap();
        let pointers = process.threads.iter().filter_map(|t| t.registers.as_ref()?.get("fs_base"));
        let volatile =
            pointers.into_iter().any(|base| (base - 512) & !(PAGE - 1) <= address && address <= base);
        if hash == number(digest) {
            same += 1;
        } else if !volatile {
            other.insert((*pid, address));
        }
    }
    assert_eq!(other, BTreeSet::new());
    assert!(same > 580 && truth.pages.len() == 596, "{same} of {} pages are the same", truth.pages.len());
}
