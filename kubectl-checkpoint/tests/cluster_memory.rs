//! Memory must not grow with the archive.

#![cfg(target_os = "linux")]

mod support;

use std::time::Duration;

use support::{Fake, LOCAL, Ran, Scenario, pattern};

/// Peak of resident memory, in KiB.
fn peak(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Captures `length` bytes and returns the peak of the program.
fn capture(length: usize) -> u64 {
    let content = pattern(length);
    let fake = Fake::start(Scenario { content, ..Scenario::default() });
    let child = fake.command(&["web"]).spawn().unwrap();
    let id = child.id();
    let watcher = std::thread::spawn(move || {
        let mut highest = 0;
        while let Some(now) = peak(id) {
            highest = now;
            std::thread::sleep(Duration::from_millis(5));
        }
        highest
    });
    let ran = Ran::wait(child, Duration::from_secs(300));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let written = std::fs::metadata(fake.home().join(LOCAL)).unwrap().len();
    assert_eq!(written, length as u64);
    watcher.join().unwrap()
}

#[test]
fn a_large_archive_takes_no_more_memory_than_a_small_one() {
    let small = capture(1 << 20);
    let large = capture(256 << 20);
    println!("peak of resident memory: {small} KiB for 1 MiB, {large} KiB for 256 MiB");
    assert!(large < small + 32 * 1024, "{small} KiB, then {large} KiB");
    assert!(large < 64 * 1024, "{large} KiB");
}
