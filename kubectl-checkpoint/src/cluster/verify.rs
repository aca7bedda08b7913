//! `verify`: whether an archive is the one its record speaks of, and whether
//! the record is as it was written.

use std::fs::File;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::Value;

use super::answer::{Item, or_dash, write};
use super::args::VerifyArgs;
use super::destination::with_suffix;
use super::record;
use super::report::shown;
use super::sink::Begun;
use super::text;
use crate::cli;

/// What is wrong, and where the record says otherwise.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Verification {
    archive: String,
    record: String,
    /// Whether archive and record are as they should be.
    intact: bool,
    size_bytes: u64,
    sha256: String,
    /// Lines of the record that are in order.
    lines: u64,
    /// SHA-256 of the last of them: noted elsewhere, it shows whether lines were cut off.
    record_sha256: Option<String>,
    /// The first line that breaks; null where none does.
    line: Option<u64>,
    problem: Option<String>,
}

impl Item for Verification {
    const KIND: &'static str = "VerificationList";

    fn headers(wide: bool) -> Vec<&'static str> {
        let mut headers = vec!["INTACT", "ARCHIVE", "SHA256", "LINES", "PROBLEM"];
        if wide {
            headers.extend(["RECORD", "RECORD SHA256"]);
        }
        headers
    }

    fn cells(&self, wide: bool) -> Vec<String> {
        let digest = if wide { self.sha256.clone() } else { self.sha256.chars().take(12).collect() };
        let intact = if self.intact { "yes" } else { "NO" };
        let mut cells = vec![
            intact.into(),
            self.archive.clone(),
            digest,
            self.lines.to_string(),
            or_dash(self.problem.as_ref()),
        ];
        if wide {
            cells.extend([self.record.clone(), or_dash(self.record_sha256.as_ref())]);
        }
        cells
    }

    fn name(&self) -> Option<String> {
        Some(self.archive.clone())
    }
}

/// Verifies archives against their records; exit code 1 when one is not intact.
///
/// # Errors
///
/// When an archive or a record cannot be read.
pub fn verify(args: &VerifyArgs) -> Result<ExitCode> {
    if args.record.is_some() && args.archives.len() > 1 {
        anyhow::bail!("--record names one file, and {} archives are to be verified", args.archives.len());
    }
    let mut items = Vec::new();
    for archive in &args.archives {
        let record = args.record.clone().unwrap_or_else(|| with_suffix(archive, ".evidence.json"));
        items.push(one(archive, &record)?);
    }
    write(&items, &[], args.output)?;
    let code = if items.iter().all(|item| item.intact) { 0 } else { cli::NEGATIVE };
    Ok(ExitCode::from(code))
}

fn one(archive: &Path, record: &Path) -> Result<Verification> {
    let chain = record::read(record).with_context(|| {
        format!("cannot read the record {}; --record FILE names another", record.display())
    })?;
    let file = File::open(archive).with_context(|| format!("cannot open {}", archive.display()))?;
    let read = Begun::after(file).with_context(|| format!("cannot read {}", archive.display()))?;
    let (size_bytes, sha256) = (read.bytes(), read.sha256());
    let mut result = Verification {
        archive: shown(archive),
        record: shown(record),
        size_bytes,
        lines: chain.lines.len() as u64,
        record_sha256: chain.last_sha256,
        ..Verification::default()
    };
    let (line, problem) = match (contradiction(&chain.lines, &sha256, size_bytes), chain.broken) {
        (Err(found), Some(broken)) => {
            if found.0 < broken.0 {
                found
            } else {
                broken
            }
        }
        (Err(found), None) => found,
        (Ok(_), Some(broken)) => broken,
        (Ok(true), None) => {
            result.intact = true;
            result.sha256 = sha256;
            return Ok(result);
        }
        (Ok(false), None) => (0, String::from("the record speaks of no verified archive")),
    };
    result.sha256 = sha256;
    result.line = (line > 0).then_some(line);
    result.problem = Some(if line > 0 { format!("line {line} of the record: {problem}") } else { problem });
    Ok(result)
}

/// Compares the archive with every line that speaks of it: of the one that came
/// home last, where `--force` replaced an earlier one. Returns whether one did,
/// or the first line that says otherwise.
fn contradiction(lines: &[Value], sha256: &str, size: u64) -> Result<bool, (u64, String)> {
    let is_verified = |line: &&Value| line.get("outcome") == Some(&Value::from("verified"));
    let last = lines.iter().rfind(is_verified).map(|line| line.get("nodePath"));
    let mut spoken = false;
    for (number, line) in (1..).zip(lines) {
        let of_archive = is_verified(&line) && last == Some(line.get("nodePath"));
        let Some(recorded) = line.get("sha256").and_then(Value::as_str).filter(|_| of_archive) else {
            continue;
        };
        spoken = true;
        if recorded != sha256 {
            let recorded = text::quote(recorded);
            return Err((number, format!("the archive has sha256 {sha256}, and the record says {recorded}")));
        }
        let bytes = line.get("sizeBytes").and_then(Value::as_u64);
        if bytes.is_some_and(|bytes| bytes != size) {
            return Err((number, format!("the archive has {size} bytes, and the record says otherwise")));
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
        let found = one(&archive, &path).unwrap();
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
            let found = one(&archive, &path).unwrap();
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
        assert!(one(&archive, &path).unwrap().intact);
        std::fs::write(&archive, "content").unwrap();
        assert_eq!(one(&archive, &path).unwrap().line, Some(4));
    }

    #[test]
    fn another_archive_is_found_out() {
        let dir = tempfile::tempdir().unwrap();
        let (archive, path) = sample(dir.path());
        std::fs::write(&archive, "Content").unwrap();
        let found = one(&archive, &path).unwrap();
        assert_eq!((found.intact, found.line), (false, Some(1)), "{found:?}");
    }
}
