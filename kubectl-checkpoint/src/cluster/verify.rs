//! `verify`: whether an archive is the one its record speaks of, and whether
//! the record is as it was written.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::Value;

use super::answer::{Item, or_dash, write};
use super::args::VerifyArgs;
use super::copy::Copy;
use super::destination::{parent, with_suffix};
use super::dossier::local_step;
use super::report::shown;
use super::signature::{self, Checked, Signer, Signers, State};
use super::sink::Begun;
use super::{record, text};
use crate::cli;

/// What is wrong, and where the record says otherwise.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Verification {
    archive: String,
    record: String,
    /// Whether archive and record are as they should be.
    intact: bool,
    /// Whether the file is encrypted; what is inside is looked at with an identity only.
    encrypted: bool,
    /// Length and digest of the archive; null of an encrypted one that was not opened.
    size_bytes: Option<u64>,
    sha256: Option<String>,
    /// Length and digest of the file.
    file_size_bytes: u64,
    file_sha256: String,
    /// Lines of the record that are in order.
    lines: u64,
    /// SHA-256 of the last of them: noted elsewhere, it shows whether lines were cut off.
    record_sha256: Option<String>,
    archive_signature: Checked,
    record_signature: Checked,
    /// The first line that breaks; null where none does.
    line: Option<u64>,
    problem: Option<String>,
    /// What is no fault, and worth to be known.
    notes: Vec<String>,
}

impl Item for Verification {
    const KIND: &'static str = "VerificationList";

    fn headers(wide: bool) -> Vec<&'static str> {
        let mut headers = vec!["INTACT", "SIGNED", "ARCHIVE", "SHA256", "LINES", "PROBLEM"];
        if wide {
            headers.extend(["RECORD", "RECORD SHA256", "SIGNATURE"]);
        }
        headers
    }

    fn cells(&self, wide: bool) -> Vec<String> {
        let digest = or_dash(self.sha256.as_ref());
        let digest = if wide { digest } else { digest.chars().take(12).collect() };
        let intact = if self.intact { "yes" } else { "NO" };
        let mut cells = vec![
            intact.into(),
            self.signed().into(),
            self.archive.clone(),
            digest,
            self.lines.to_string(),
            or_dash(self.problem.as_ref()),
        ];
        if wide {
            let signer = &self.archive_signature;
            let signer = signer.signer.as_ref().or(signer.fingerprint.as_ref());
            cells.extend([self.record.clone(), or_dash(self.record_sha256.as_ref()), or_dash(signer)]);
        }
        cells
    }

    fn name(&self) -> Option<String> {
        Some(self.archive.clone())
    }
}

impl Verification {
    /// One word for both signatures: the worse of the two.
    fn signed(&self) -> &'static str {
        let states = [self.archive_signature.state, self.record_signature.state];
        if states.contains(&State::Bad) {
            "BAD"
        } else if states == [State::Unsigned; 2] {
            "no"
        } else if states.contains(&State::Unsigned) {
            "partly"
        } else if states == [State::Good; 2] {
            "yes"
        } else {
            "unknown"
        }
    }

    /// Keeps the first thing that is wrong.
    fn fault(&mut self, line: u64, problem: String) {
        self.intact = false;
        if self.problem.is_none() {
            self.line = (line > 0).then_some(line);
            self.problem =
                Some(if line > 0 { format!("line {line} of the record: {problem}") } else { problem });
        }
    }

    /// Says of a signature what is wrong; with a list of signers it must be by one of them.
    fn weigh(&mut self, what: &str, found: &Checked, demanded: bool) {
        let because = found.problem.as_ref().map_or_else(String::new, |problem| format!(": {problem}"));
        match found.state {
            State::Bad => self.fault(0, format!("the {what} is not what was signed{because}")),
            State::Unsigned if demanded => {
                self.fault(
                    0,
                    format!("the {what} is not signed (there is no {what}'s file with the ending .sig)"),
                );
            }
            State::UnknownSigner if demanded => self.fault(
                0,
                format!(
                    "the {what} is signed by a key that may not sign, {}{because}",
                    or_dash(found.fingerprint.as_ref())
                ),
            ),
            State::UnknownSigner => self.notes.push(format!(
                "the {what} is signed by {}; whose key that is, --allowed-signers says",
                or_dash(found.fingerprint.as_ref())
            )),
            State::Unsigned | State::Good => {}
        }
    }
}

/// Verifies archives against their records; exit code 1 when one is not intact.
///
/// # Errors
///
/// When an archive or a record cannot be read, or not be added to.
pub fn verify(args: &VerifyArgs) -> Result<ExitCode> {
    if args.record.is_some() && args.archives.len() > 1 {
        anyhow::bail!("--record names one file, and {} archives are to be verified", args.archives.len());
    }
    let signers = args.allowed_signers.as_deref().map(Signers::load).transpose()?;
    let signer = Signer::from_flag(args.sign.as_deref())?;
    let mut items = Vec::new();
    for archive in &args.archives {
        let record = args.record.clone().unwrap_or_else(|| with_suffix(archive, ".evidence.json"));
        let item = one(archive, &record, signers.as_ref())?;
        if !args.quiet {
            for note in &item.notes {
                eprintln!("note: {}: {}", text::escape(&item.archive), text::escape(note));
            }
        }
        if args.append {
            append(&item, &record, signer.as_ref())?;
        }
        items.push(item);
    }
    write(&items, &[], args.output)?;
    let code = if items.iter().all(|item| item.intact) { 0 } else { cli::NEGATIVE };
    Ok(ExitCode::from(code))
}

/// Adds to the record what was found.
fn append(item: &Verification, record: &Path, signer: Option<&Signer>) -> Result<()> {
    let mut fields = local_step("verify");
    let found = serde_json::json!({
        "outcome": if item.intact { "intact" } else { "notIntact" },
        "file": item.archive,
        "fileSha256": item.file_sha256,
        "fileSizeBytes": item.file_size_bytes,
        "sha256": item.sha256,
        "problem": item.problem,
        "archiveSignature": item.archive_signature,
        "recordSignature": item.record_signature,
    });
    if let Value::Object(found) = found {
        fields.extend(found);
    }
    record::append(record, fields).context("what was found is not in the record")?;
    if let Some(signer) = signer {
        signer.sign_record(record)?;
    }
    Ok(())
}

fn one(archive: &Path, record: &Path, signers: Option<&Signers>) -> Result<Verification> {
    let chain = record::read(record).with_context(|| {
        format!("cannot read the record {}; --record FILE names another", record.display())
    })?;
    let copy = Copy::read(archive)?;
    let mut result = Verification {
        archive: shown(archive),
        record: shown(record),
        intact: true,
        encrypted: copy.sealed,
        size_bytes: copy.plain.as_ref().map(|plain| plain.bytes),
        sha256: copy.plain.as_ref().map(|plain| plain.sha256.clone()),
        file_size_bytes: copy.file.bytes,
        file_sha256: copy.file.sha256.clone(),
        lines: chain.lines.len() as u64,
        record_sha256: chain.last_sha256,
        ..Verification::default()
    };
    if copy.sealed && copy.plain.is_none() {
        result
            .notes
            .push("it is encrypted and was not opened; --identity FILE compares what is inside".into());
    }
    let mut faults: Vec<(u64, String)> = chain.broken.into_iter().collect();
    match contradiction(&chain.lines, &copy) {
        Ok(false) if faults.is_empty() => {
            result.fault(0, String::from("the record speaks of no verified archive"));
        }
        Ok(_) => {}
        Err(found) => faults.push(found),
    }
    faults.extend(surroundings(&chain.lines, record, &mut result.notes));
    faults.sort();
    for (line, problem) in faults {
        result.fault(line, problem);
    }
    let demanded = signers.is_some();
    let found = signature::of_archive(archive, &copy.file.sha256, signers)?;
    result.weigh("archive", &found, demanded);
    result.archive_signature = found;
    let found = signature::of_record(record, signers)?;
    result.weigh("record", &found, demanded);
    if let Some(signed) = found.lines.filter(|signed| *signed < result.lines) {
        let from = signed.saturating_add(1);
        result.notes.push(format!("lines of the record from {from} on were added after it was signed"));
    }
    result.record_signature = found;
    Ok(result)
}

/// Compares what was saved before the freeze with the line that speaks of it.
/// A file that is gone is no fault of the archive.
fn surroundings(lines: &[Value], record: &Path, notes: &mut Vec<String>) -> Option<(u64, String)> {
    let (number, line) =
        (1..).zip(lines).filter(|(_, line)| line.get("context").is_some_and(Value::is_object)).last()?;
    let name = line.pointer("/context/file").and_then(Value::as_str)?;
    let sha256 = line.pointer("/context/sha256").and_then(Value::as_str)?;
    // Beside the record, wherever both were brought.
    let path = parent(record).join(Path::new(name).file_name()?);
    let shown = text::escape(&shown(&path));
    match std::fs::File::open(&path).and_then(Begun::after).map(Begun::sha256) {
        Ok(found) if found == sha256 => None,
        Ok(_) => Some((number, format!("{shown}, saved before the freeze, is not what was saved"))),
        Err(error) => {
            notes.push(format!("{shown}, saved before the freeze, was not compared: {error}"));
            None
        }
    }
}

/// Compares the archive with every line that speaks of it: of the one that came
/// home last, where `--force` replaced an earlier one. Returns whether one did,
/// or the first line that says otherwise.
fn contradiction(lines: &[Value], copy: &Copy) -> Result<bool, (u64, String)> {
    let is_verified = |line: &&Value| line.get("outcome") == Some(&Value::from("verified"));
    let last = lines.iter().rfind(is_verified).map(|line| line.get("nodePath"));
    let mut spoken = false;
    for (number, line) in (1..).zip(lines) {
        if !is_verified(&line) || last != Some(line.get("nodePath")) {
            continue;
        }
        match copy.agrees(line) {
            Some(Ok(_)) => spoken = true,
            Some(Err(problem)) => return Err((number, problem)),
            None => {}
        }
    }
    Ok(spoken)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn record(path: &Path, lines: &[Value]) {
        for line in lines {
            let Value::Object(fields) = line else { panic!("not an object") };
            record::append(path, fields.clone()).unwrap();
        }
    }

    fn sample(dir: &Path) -> (PathBuf, PathBuf) {
        let (archive, path) = (dir.join("a.tar"), dir.join("a.tar.evidence.json"));
        std::fs::write(&archive, "content").unwrap();
        let sha256 = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73";
        record(
            &path,
            &[
                serde_json::json!({"step": "capture", "outcome": "verified", "sha256": sha256, "sizeBytes": 7}),
                serde_json::json!({"step": "cleanup"}),
                serde_json::json!({"step": "pull", "outcome": "verified", "sha256": sha256, "sizeBytes": 7}),
            ],
        );
        (archive, path)
    }

    #[test]
    fn what_was_not_touched_is_intact() {
        let dir = tempfile::tempdir().unwrap();
        let (archive, path) = sample(dir.path());
        let found = one(&archive, &path, None).unwrap();
        assert!(found.intact && found.problem.is_none() && found.lines == 3, "{found:?}");
    }

    #[test]
    fn the_first_line_that_breaks_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let (archive, path) = sample(dir.path());
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let (changed, cut) = (text.replace("cleanup", "cleanur"), text.trim_end().to_owned());
        let spaced = text.replacen("{\"api", "{ \"api", 1);
        let cases = [
            // The line after the one that was changed no longer fits it.
            (changed, Some(3)),
            (spaced, Some(2)),
            (format!("{}\n{}\n", lines[0], lines[2]), Some(2)),
            (format!("{}\n{}\n", lines[1], lines[2]), Some(1)),
            (format!("{}\n{}\n{}\n", lines[0], lines[2], lines[1]), Some(2)),
            (format!("{}\nnot json\n", lines[0]), Some(2)),
            (format!("{}\n\n{}\n", lines[0], lines[1]), Some(2)),
            (cut, Some(3)),
            (String::new(), None),
        ];
        for (content, line) in cases {
            std::fs::write(&path, &content).unwrap();
            let found = one(&archive, &path, None).unwrap();
            assert!(!found.intact, "{content}");
            assert_eq!(found.line, line, "{content}: {found:?}");
        }
    }

    #[test]
    fn an_archive_that_was_replaced_is_not_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let (archive, path) = sample(dir.path());
        std::fs::write(&archive, "other").unwrap();
        let sha256 = "d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa";
        let line = serde_json::json!({"step": "capture", "outcome": "verified", "nodePath": "/c/2", "sha256": sha256});
        record(&path, &[line]);
        assert!(one(&archive, &path, None).unwrap().intact);
        std::fs::write(&archive, "content").unwrap();
        assert_eq!(one(&archive, &path, None).unwrap().line, Some(4));
    }

    #[test]
    fn another_archive_is_found_out() {
        let dir = tempfile::tempdir().unwrap();
        let (archive, path) = sample(dir.path());
        std::fs::write(&archive, "Content").unwrap();
        let found = one(&archive, &path, None).unwrap();
        assert_eq!((found.intact, found.line), (false, Some(1)), "{found:?}");
    }
}
