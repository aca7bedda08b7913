//! Signals at every stage, sent to the real program: no pod is left, nothing
//! short gets a name.

#![cfg(unix)]

mod support;

use std::process::Child;
use std::time::Duration;

use support::{Fake, Fault, LOCAL, Life, Ran, Removal, Scenario, Seen, Trigger, signal};

fn interrupt(scenario: &Scenario, name: &str, ready: impl Fn(&Seen) -> bool) -> (Fake, Ran) {
    let fake = Fake::start(scenario.clone());
    let child: Child = fake.spawn_until(&["web/app"], ready);
    signal(&child, name);
    let ran = Ran::wait(child, Duration::from_secs(20));
    assert_eq!(ran.code, Some(130), "{}", ran.stderr);
    assert!(fake.pods_left().is_empty(), "{}", ran.stderr);
    let whole = fake.files().iter().any(|name| name == LOCAL);
    assert!(!whole, "a name was given to what is not whole");
    assert!(!fake.files().contains(&format!("{LOCAL}.part")));
    assert!(ran.stdout.is_empty());
    (fake, ran)
}

#[test]
fn during_the_request() {
    let scenario = Scenario { trigger: Trigger::Hang, ..Scenario::default() };
    let (fake, ran) = interrupt(&scenario, "INT", |seen| seen.checkpoints.len() == 1);
    assert!(ran.stderr.contains("cancels the checkpoint"), "{}", ran.stderr);
    assert_eq!(fake.posts(), 1);
    assert!(fake.files_after().is_empty());
}

#[test]
fn while_the_collector_starts() {
    let scenario = Scenario { life: Life::Pending, ..Scenario::default() };
    for name in ["INT", "TERM", "HUP"] {
        let (fake, ran) = interrupt(&scenario, name, |seen| !seen.pods.is_empty());
        assert!(ran.stderr.contains("stays on node node-1"), "{}", ran.stderr);
        let record = fake.record(&format!("{LOCAL}.evidence.json"));
        assert_eq!(record[0]["outcome"], "incomplete");
        assert_eq!(record[0]["problem"], format!("interrupted by SIG{name}"));
    }
}

#[test]
fn during_the_transfer() {
    let streams = vec![Fault::Stall(100_000)];
    let scenario = Scenario { streams, ..Scenario::default() };
    interrupt(&scenario, "INT", |seen| seen.streams > 0);
}

#[test]
fn at_any_moment() {
    // Delays that fall into every stage; what is done by then may be done.
    for delay in [0, 5, 10, 20, 30, 40, 60, 80, 120, 200] {
        let streams = vec![Fault::Tear(50_000)];
        let fake = Fake::start(Scenario { streams, ..Scenario::default() });
        let child = fake.spawn_until(&["web/app"], |seen| !seen.requests.is_empty());
        std::thread::sleep(Duration::from_millis(delay));
        signal(&child, "TERM");
        let ran = Ran::wait(child, Duration::from_secs(20));
        assert!(matches!(ran.code, Some(0 | 130)), "{delay}: {}", ran.stderr);
        assert!(fake.pods_left().is_empty(), "{delay}: {}", ran.stderr);
        assert!(fake.posts() <= 1);
        let whole = fake.files().iter().any(|name| name == LOCAL);
        assert_eq!(whole, ran.code == Some(0), "{delay}: {}", ran.stderr);
    }
}

#[test]
fn twice_gives_up_and_names_the_pod() {
    let scenario = Scenario { life: Life::Pending, removal: Removal::Stumbles(1000), ..Scenario::default() };
    let fake = Fake::start(scenario);
    let child = fake.spawn_until(&["web/app"], |seen| !seen.pods.is_empty());
    signal(&child, "INT");
    while fake.seen.lock().unwrap().removals < 2 {
        std::thread::sleep(Duration::from_millis(10));
    }
    signal(&child, "INT");
    let ran = Ran::wait(child, Duration::from_secs(5));
    assert_eq!(ran.code, Some(130), "{}", ran.stderr);
    let command = format!("kubectl delete pod -n shop {}", fake.pods_left()[0]);
    assert!(ran.stderr.contains(&command), "{}", ran.stderr);
}
