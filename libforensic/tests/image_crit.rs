//! Compares with crit, the tool that comes with CRIU, by running it.
//!
//! `CRIT='chroot /some/root crit' CHECKPOINT_CORPUS=DIR cargo test -p libforensic
//! --test image_crit -- --nocapture` compares all images below DIR too; without
//! `CRIT` it is `crit` from the path, and without one nothing is compared.
//! With `REGENERATE=1` the committed documents of `image_golden` are made anew.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Seek, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use libforensic::image::crit::Options;
use libforensic::image::{self, Kind};
use support::{corpus, files, fixtures, framed_kind, options, synth, to_json};

/// A way in which crit and this library differ, and why.
fn decoded_otherwise(kind: Kind, pretty: bool) -> Option<&'static str> {
    match kind {
        Kind::Core if pretty => Some("crit calls the dead zombies and the stopped dead"),
        Kind::IpcnsShm => Some("crit takes the records behind a segment for its contents"),
        _ => None,
    }
}

/// A reason for crit to read an image not at all.
fn not_decoded(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::BinfmtMisc | Kind::BinfmtMiscOld | Kind::Signal | Kind::Psignal | Kind::Pidfd => {
            Some("crit knows the magic number and has no handler")
        }
        Kind::AmdgpuKfd | Kind::AmdgpuRender | Kind::AmdgpuDmabuf => Some("crit does not know plugins"),
        _ => None,
    }
}

/// A reason for crit not to make the image of a document.
fn not_encoded(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::IpcnsShm => Some("crit wants contents for every segment"),
        Kind::BpfmapData => Some("crit raises a TypeError"),
        kind => not_decoded(kind),
    }
}

/// The words of the command that runs crit, if there is one.
fn command() -> Option<Vec<String>> {
    let line = std::env::var("CRIT").unwrap_or_else(|_| "crit".to_owned());
    let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
    let (program, rest) = words.split_first()?;
    let status = Command::new(program)
        .args(rest)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success()).then_some(words)
}

/// Runs crit with a file on its standard input; a pipe cannot be sought in.
fn run(crit: &[String], args: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(input).unwrap();
    file.rewind().unwrap();
    let output = Command::new(&crit[0])
        .args(&crit[1..])
        .args(args)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(file)
        .stderr(Stdio::null())
        .output()
        .unwrap();
    output.status.success().then_some(output.stdout)
}

#[derive(Default)]
struct Outcome {
    documents: usize,
    equal: usize,
    /// Expected differences with their reasons, and how often each was met.
    different: BTreeMap<String, usize>,
    encoded: usize,
    wrong: Vec<String>,
}

impl Outcome {
    fn expect(&mut self, name: &str, what: &str, kind: Kind, reason: Option<&str>) {
        match reason {
            Some(reason) => *self.different.entry(format!("{kind}, {what}: {reason}")).or_default() += 1,
            None => self.wrong.push(format!("{name} ({kind}): {what}")),
        }
    }
}

fn compare(crit: &[String], name: &str, kind: Kind, bytes: &[u8], outcome: &Mutex<Outcome>) {
    let mut plain = String::new();
    for pretty in [false, true] {
        let mut ours = to_json(Some(kind), bytes, &options(pretty));
        if !pretty {
            plain.clone_from(&ours);
        }
        ours.push('\n');
        let args: &[&str] = if pretty { &["decode", "--pretty"] } else { &["decode"] };
        let theirs = run(crit, args, bytes);
        let mut outcome = outcome.lock().unwrap();
        outcome.documents += 1;
        let Some(theirs) = theirs else {
            outcome.expect(name, "crit fails", kind, not_decoded(kind));
            continue;
        };
        if theirs == ours.as_bytes() {
            outcome.equal += 1;
            continue;
        }
        let mut compatible = to_json(Some(kind), bytes, &Options { crit_compat: true, ..options(pretty) });
        compatible.push('\n');
        if theirs == compatible.as_bytes() {
            outcome.expect(name, "only --crit-compat is equal", kind, decoded_otherwise(kind, pretty));
            continue;
        }
        let at = theirs.iter().zip(ours.as_bytes()).take_while(|(a, b)| a == b).count();
        let around = |text: &[u8]| {
            String::from_utf8_lossy(&text[at.saturating_sub(60).min(text.len())..(at + 60).min(text.len())])
                .into_owned()
        };
        let what = format!(
            "pretty {pretty}, byte {at}:\n  crit {}\n  ours {}",
            around(&theirs),
            around(ours.as_bytes())
        );
        outcome.wrong.push(format!("{name} ({kind}): {what}"));
    }
    let again = run(crit, &["encode"], plain.as_bytes());
    let mut outcome = outcome.lock().unwrap();
    if again.as_deref() == Some(bytes) {
        outcome.encoded += 1;
    } else {
        let what = if again.is_some() { "crit encodes otherwise" } else { "crit does not encode" };
        outcome.expect(name, what, kind, not_encoded(kind));
    }
}

#[test]
fn equal_to_crit() {
    let Some(crit) = command() else {
        eprintln!("SKIPPED: there is no crit to compare with; set CRIT to a command that runs it");
        return;
    };
    let mut images = Vec::new();
    let mut seen = BTreeSet::new();
    let mut repeated = 0_usize;
    for (name, bytes) in corpus() {
        // Archives are named like no image, and members behind a colon.
        let Some(kind) = framed_kind(Path::new(name.rsplit(':').next().unwrap()), &bytes) else { continue };
        if seen.insert((kind, bytes.clone())) {
            images.push((name, kind, bytes));
        } else {
            repeated += 1;
        }
    }
    let live = images.len();
    for seed in 0..2 {
        images.extend(
            synth::all(seed).into_iter().map(|(kind, bytes)| (format!("made with {seed}"), kind, bytes)),
        );
    }
    let outcome = Mutex::new(Outcome::default());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some((name, kind, bytes)) = images.get(next.fetch_add(1, Ordering::Relaxed)) {
                    compare(&crit, name, *kind, bytes, &outcome);
                }
            });
        }
    });
    let outcome = outcome.into_inner().unwrap();
    eprintln!(
        "{} images ({live} live, {repeated} copies left out): of {} documents {} are equal to crit's; \
         crit made {} images again from ours",
        images.len(),
        outcome.documents,
        outcome.equal,
        outcome.encoded
    );
    for (what, count) in &outcome.different {
        eprintln!("expected {count} times: {what}");
    }
    let shown: Vec<_> = outcome.wrong.iter().take(20).map(String::as_str).collect();
    assert!(outcome.wrong.is_empty(), "{} differences:\n{}", outcome.wrong.len(), shown.join("\n"));
    if std::env::var_os("REGENERATE").is_some() {
        write_documents(&crit);
    }
}

/// Largest document that is committed, in bytes.
const LARGEST: usize = 12 << 10;

fn write_documents(crit: &[String]) {
    for path in files(&fixtures()) {
        let bytes = fs::read(&path).unwrap();
        if framed_kind(&path, &bytes).is_none() || image::summarise(b"", bytes.as_slice()).records.is_none() {
            continue;
        }
        for (args, ending) in [(&["decode"][..], "json"), (&["decode", "--pretty"], "pretty.json")] {
            if let Some(document) = run(crit, args, &bytes).filter(|document| document.len() <= LARGEST) {
                fs::write(format!("{}.{ending}", path.display()), document).unwrap();
            }
        }
    }
}
