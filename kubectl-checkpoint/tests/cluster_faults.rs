//! Transfers with faults at random points, over and over: nothing short or
//! wrong ever has its final name, and no collector pod remains unnamed.
//!
//! `CHECKPOINT_FAULT_RUNS` says how many (24 without it; 1000 take some
//! minutes), `CHECKPOINT_FAULT_SEED` where the chain of random numbers begins.

#![cfg(unix)]

mod support;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use support::{Creation, Fake, Fault, LOCAL, Ran, Removal, Scenario, Trigger, pattern, signal};

const REFERENCE: &str = "node-1/checkpoint-web_shop-app-2026-11-23T17:23:57Z.tar";

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().map_or(usual, |text| text.parse().unwrap())
}

/// A chain of numbers that look random and are the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).unwrap()
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

fn fault(dice: &mut Dice, size: usize) -> Fault {
    let at = dice.below(size + 1);
    match dice.below(100) {
        0..25 => Fault::Tear(at),
        25..45 => Fault::ShortSuccess(at),
        45..55 => Fault::Corrupt(at),
        55..60 => Fault::Stall(at),
        60..65 => Fault::PodGone(at),
        65..75 => Fault::Refuse([500, 502, 503, 504, 429][dice.below(5)]),
        75..85 => Fault::Restart(at),
        _ => Fault::None,
    }
}

fn scenario(dice: &mut Dice) -> Scenario {
    let size = dice.below(2_000_000);
    let mut streams: Vec<Fault> = (0..dice.below(5)).map(|_| fault(dice, size)).collect();
    streams.push(Fault::None);
    let mut scenario = Scenario { content: pattern(size), streams, ..Scenario::default() };
    if dice.chance(5) {
        scenario.creation = Creation::AnswerLost;
    }
    if dice.chance(10) {
        scenario.removal = Removal::Stumbles(1 + dice.below(4));
    } else if dice.chance(3) {
        scenario.removal = Removal::Forbidden;
    }
    if dice.chance(3) {
        scenario.trigger = Trigger::Reset;
    }
    match dice.below(5) {
        0 => scenario.tools = vec!["cat", "wc"],
        1 => scenario.tools.push("gzip"),
        _ => {}
    }
    scenario
}

/// Looks at what a run left behind; returns in a word how it ended.
fn judge(what: &str, fake: &Fake, scenario: &Scenario, ran: Option<&Ran>) -> &'static str {
    assert!(fake.posts() <= 1, "{what}: more than one request");
    let whole = fake.files().iter().any(|name| name == LOCAL);
    if whole {
        assert!(fake.read(LOCAL) == scenario.content, "{what}: a wrong archive has its name");
    }
    let left = fake.pods_left();
    let Some(ran) = ran else {
        return if whole { "killed when it was done" } else { "killed" };
    };
    for pod in &left {
        assert!(
            ran.stderr.contains(&format!("kubectl delete pod -n shop {pod}")),
            "{what}: {pod} is not named: {}",
            ran.stderr
        );
        assert_eq!(ran.code, Some(2), "{what}");
    }
    match ran.code {
        Some(0) => {
            assert!(whole, "{what}: success without an archive: {}", ran.stderr);
            let resumed = ran.stderr.contains("going on from there");
            if resumed { "came home over more than one stream" } else { "came home at once" }
        }
        // The archive may be here and verified while a pod could not be removed.
        Some(2) if whole => {
            assert!(!left.is_empty(), "{what}: {}", ran.stderr);
            "came home, a pod is left and named"
        }
        Some(2) => "ended with an error",
        code => panic!("{what}: exit code {code:?}: {}", ran.stderr),
    }
}

/// What was kept can be continued, and what was left is found.
fn recover(what: &str, fake: &Fake, scenario: &Scenario) {
    // An API server that went away is back by then.
    std::thread::sleep(Duration::from_millis(400));
    let left = fake.pods_left();
    let ran = fake.run(&["doctor", "-o", "json"]);
    let found = String::from_utf8(ran.stdout).unwrap();
    for pod in &left {
        assert!(
            found.contains(&format!("kubectl delete pod -n shop {pod}")),
            "{what}: doctor does not find {pod}"
        );
    }
    if fake.files().contains(&format!("{LOCAL}.part")) {
        assert!(found.contains("leftovers.files"), "{what}: doctor does not find the part");
    }
    if scenario.creation != Creation::Normal
        || !fake.node_file().exists()
        || fake.files().iter().any(|name| name == LOCAL)
    {
        return;
    }
    // The first tries may meet faults that are left.
    let mut said = String::new();
    for _ in 0..8 {
        let ran = fake.run(&["pull", REFERENCE, LOCAL, "--request-timeout", "2s"]);
        let whole = fake.files().iter().any(|name| name == LOCAL);
        if whole {
            assert!(fake.read(LOCAL) == scenario.content, "{what}: pull gave a wrong archive its name");
            return;
        }
        assert_eq!(ran.code, Some(2), "{what}: {}", ran.stderr);
        said = ran.stderr;
    }
    panic!("{what}: pull never got it home: {said}");
}

fn one(seed: u64) -> &'static str {
    let mut dice = Dice(seed);
    let scenario = scenario(&mut dice);
    let what = format!("seed {seed}, {:?}, {} bytes", scenario.streams, scenario.content.len());
    let fake = Fake::start(scenario.clone());
    let mut args = vec!["web/app", "--request-timeout", "2s"];
    if dice.chance(20) {
        args.push("--compress");
    }
    if dice.chance(20) {
        // At any moment: from the first request to the last.
        let mut child = fake.command(&args).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(dice.below(400) as u64));
        signal(&child, "KILL");
        child.wait().unwrap();
        let ended = judge(&what, &fake, &scenario, None);
        recover(&what, &fake, &scenario);
        return ended;
    }
    let ran = fake.run(&args);
    let ended = judge(&what, &fake, &scenario, Some(&ran));
    if ran.code != Some(0) && dice.chance(30) && scenario.removal != Removal::Forbidden {
        recover(&what, &fake, &scenario);
    }
    ended
}

#[test]
fn whatever_happens_nothing_wrong_has_its_name() {
    let runs = setting("CHECKPOINT_FAULT_RUNS", 24);
    let first = setting("CHECKPOINT_FAULT_SEED", 1);
    let next = AtomicU64::new(0);
    let tally: Mutex<BTreeMap<&str, u64>> = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..setting("CHECKPOINT_FAULT_THREADS", 4) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= runs {
                        return;
                    }
                    let ended = one(first + number);
                    *tally.lock().unwrap().entry(ended).or_default() += 1;
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap();
    println!("{runs} transfers from seed {first}: {tally:#?}");
    assert_eq!(tally.values().sum::<u64>(), runs);
}
