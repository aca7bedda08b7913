//! Lists the strings in the memory of a real container and compares them with a simple reader's.

use std::ops::ControlFlow;

use libforensic::Checkpoint;
use libforensic::analysis::search::{Encoding, Scope};
use libforensic::analysis::strings::{Found, Strings};

const EVIDENCE: &str = "../examples/evidence/simple.tar";

fn strings(checkpoint: &Checkpoint, encoding: Encoding, scope: Scope) -> Vec<Found> {
    let mut list = Vec::new();
    Strings::new(4, &[encoding])
        .scope(scope)
        .run(checkpoint, &mut |s| {
            list.push(s);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(checkpoint.warnings(), []);
    list
}

#[test]
fn the_stack_has_the_strings_that_reading_it_gives() {
    let checkpoint = Checkpoint::open(EVIDENCE).unwrap();
    let space = checkpoint.memory(1).unwrap();
    let stack = &space.region(0x7ffd_da91_cf34).unwrap().mapping;
    let mut bytes = vec![0; usize::try_from(stack.end - stack.start).unwrap()];
    assert_eq!(space.read(stack.start, &mut bytes).unwrap().hole, None);
    let mut expected = Vec::new();
    let mut at = 0;
    for run in bytes.split(|b| !matches!(b, b'\t' | b' '..=b'~')) {
        if run.len() >= 4 {
            expected.push((stack.start + at as u64, String::from_utf8(run.to_vec()).unwrap()));
        }
        at += run.len() + 1;
    }
    let mut scope = Scope::default();
    scope.pids = vec![1];
    scope.range = Some(stack.start..stack.end);
    let found = strings(&checkpoint, Encoding::Ascii, scope);
    let got: Vec<_> = found.iter().map(|s| (s.place.address, s.place.text())).collect();
    assert!(expected.iter().any(|s| s.1 == "DB_PASSWORD=s3cr3t-Pa55w0rd!"));
    assert_eq!(got, expected);
}

#[test]
fn each_string_is_listed_once_at_its_place() {
    let checkpoint = Checkpoint::open(EVIDENCE).unwrap();
    for encoding in [Encoding::Ascii, Encoding::Utf8, Encoding::Utf16Le] {
        let found = strings(&checkpoint, encoding, Scope::default());
        let mut seen = std::collections::HashSet::new();
        for s in &found {
            let m = &s.place;
            let key = (m.pid, m.source, m.member.clone(), m.object.clone(), m.segment.clone(), m.address);
            assert!(seen.insert(key), "{s:?} comes twice");
            if let Some(pid) = m.pid {
                let mut bytes = vec![0; m.bytes.len()];
                checkpoint.memory(pid).unwrap().read(m.address, &mut bytes).unwrap();
                assert_eq!(bytes, m.bytes);
            }
        }
        assert!(encoding == Encoding::Utf16Le || found.len() > 100);
    }
}
