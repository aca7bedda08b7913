//! Searches the memory of a real container, a small one that Podman checkpointed.

use std::ops::ControlFlow;

use libforensic::Checkpoint;
use libforensic::analysis::search::{Match, Pattern, Scope, Search, SourceKind};

const EVIDENCE: &str = "../examples/evidence/simple.tar";

fn search(pattern: Pattern, scope: Scope) -> Vec<Match> {
    let checkpoint = Checkpoint::open(EVIDENCE).unwrap();
    let search = Search::new(vec![pattern]).unwrap().scope(scope);
    let mut found = Vec::new();
    search
        .run(&checkpoint, &mut |m| {
            found.push(m);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(checkpoint.warnings(), []);
    found
}

#[test]
fn a_secret_of_the_environment_is_found_where_it_reads_back() {
    let secret = b"DB_PASSWORD=s3cr3t-Pa55w0rd!";
    let found = search(Pattern::literal(&secret[..]), Scope::default());
    let stack = found.iter().find(|m| m.pid == Some(1) && m.address == 0x7ffd_da91_cf34).unwrap();
    assert_eq!(stack.source, SourceKind::Memory);
    assert_eq!(stack.mapping.as_ref().unwrap().perms, "rw-p");
    let checkpoint = Checkpoint::open(EVIDENCE).unwrap();
    for m in found.iter().filter(|m| m.source == SourceKind::Memory) {
        let mut bytes = vec![0; secret.len()];
        let space = checkpoint.memory(m.pid.unwrap()).unwrap();
        assert_eq!(space.read(m.address, &mut bytes).unwrap().hole, None);
        assert_eq!(bytes, secret);
    }
}

#[test]
fn a_match_comes_with_what_is_around_it() {
    let found = search(Pattern::regex("s3cr3t-[A-Za-z0-9]+!"), Scope::default());
    let m = found.iter().find(|m| m.address == 0x7ffd_da91_cf40).unwrap();
    assert_eq!(m.text(), "s3cr3t-Pa55w0rd!");
    assert!(m.before.ends_with(b"DB_PASSWORD="));
    assert!(m.after.starts_with(b"\0UNICODE="));
}

#[test]
fn a_scope_leaves_out_the_rest() {
    let mut scope = Scope::default();
    scope.pids = vec![1];
    scope.range = Some(0x7ffd_da91_c000..0x7ffd_da91_d000);
    let found = search(Pattern::literal("db_password").ignore_case(true), scope);
    assert!(!found.is_empty());
    assert!(found.iter().all(|m| m.pid == Some(1) && m.address >= 0x7ffd_da91_c000));
}

#[test]
fn patterns_that_cannot_be_are_refused() {
    assert!(Search::new(vec![Pattern::literal("")]).is_err());
    assert!(Search::new(vec![Pattern::hex("abc")]).is_err());
    assert!(Search::new(vec![Pattern::regex("(")]).is_err());
}

/// Most matches have their surroundings from the window they were found in;
/// with so much context that no window has it, all are read again.
#[test]
fn what_is_around_a_match_is_the_same_however_it_was_read() {
    const WIDE: usize = 256 << 10;
    let checkpoint = Checkpoint::open("../examples/evidence/incident.tar.gz").unwrap();
    let all = |context: usize| {
        let patterns =
            vec![Pattern::literal("bin"), Pattern::regex("[a-z]+/[a-z]+"), Pattern::hex("00 01 02")];
        let search = Search::new(patterns).unwrap().context(context);
        let mut found = Vec::new();
        search
            .run(&checkpoint, &mut |mut m| {
                // Of the wide context only the ends that both have can be compared.
                m.before.drain(..m.before.len().saturating_sub(32));
                m.after.truncate(32);
                found.push((m.pid, m.address, m.pattern_number, m.before, m.bytes, m.after));
                ControlFlow::Continue(())
            })
            .unwrap();
        (found, search.count(&checkpoint).unwrap())
    };
    let (narrow, counts) = all(32);
    let (wide, _) = all(WIDE);
    assert!(narrow.len() > 100);
    assert!(narrow == wide);
    for (number, count) in counts.into_iter().enumerate() {
        assert_eq!(narrow.iter().filter(|m| m.2 == number).count() as u64, count);
    }
}

#[test]
fn a_search_that_is_cancelled_ends_and_gives_no_more() {
    let checkpoint = Checkpoint::open(EVIDENCE).unwrap();
    let count = |cancel: bool| {
        let search = Search::new(vec![Pattern::regex("[a-z]")]).unwrap();
        let progress = search.progress();
        if cancel {
            progress.cancel();
        }
        let mut found = 0_u64;
        search
            .run(&checkpoint, &mut |_| {
                found += 1;
                ControlFlow::Continue(())
            })
            .unwrap();
        (found, progress.bytes())
    };
    let (found, bytes) = count(false);
    assert!(found > 1000 && bytes > 100_000, "{found} in {bytes}");
    assert_eq!(count(true), (0, 0));
}
