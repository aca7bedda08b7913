//! The evidence record: one JSON object a line, appended and never changed.
//!
//! Every line carries the SHA-256 of the line before it, without its line
//! feed, so that a line that was changed, removed or slipped in shows.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::connection::hex;
use super::destination::{parent, sync_directory};
use crate::output::write_json;

/// Version of the lines' layout.
pub const SCHEMA: &str = "libforensic/v1alpha1";
/// Longest line that is read back to continue a chain.
const LINE_LIMIT: u64 = 1 << 20;

/// Appends one line to a record, which is made (0600) where there is none.
///
/// `fields` must not hold `apiVersion`, `kind` or `previousSha256`.
///
/// # Errors
///
/// When the file cannot be written, or is not a record that can be continued.
pub fn append(path: &Path, fields: Map<String, Value>) -> Result<()> {
    let mut file = open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let previous = last_line(&mut file)
        .with_context(|| format!("cannot continue the record {}", path.display()))?
        .map(|line| hex(&Sha256::digest(&line)));
    let is_new = previous.is_none();
    let mut line = Map::new();
    line.insert("apiVersion".into(), SCHEMA.into());
    line.insert("kind".into(), "EvidenceRecord".into());
    line.insert("previousSha256".into(), previous.into());
    line.extend(fields);
    let mut bytes = Vec::new();
    write_json(&mut bytes, &Value::Object(line))?;
    bytes.push(b'\n');
    file.write_all(&bytes)
        .and_then(|()| file.sync_all())
        .with_context(|| format!("cannot write {}", path.display()))?;
    if is_new {
        sync_directory(parent(path));
    }
    Ok(())
}

fn open(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // The bits of the flag are the same type everywhere but in name.
        let no_follow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits())?;
        options.mode(0o600).custom_flags(no_follow);
    }
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        bail!("it is not a regular file");
    }
    Ok(options.open(path)?)
}

/// Returns the last line without its line feed; `None` for an empty file.
fn last_line(file: &mut File) -> Result<Option<Vec<u8>>> {
    let length = file.metadata()?.len();
    if length == 0 {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(length.saturating_sub(LINE_LIMIT)))?;
    let mut tail = Vec::new();
    file.take(LINE_LIMIT).read_to_end(&mut tail)?;
    let Some(b'\n') = tail.pop() else {
        bail!("its last line is cut off");
    };
    let line = match tail.iter().rposition(|byte| *byte == b'\n') {
        Some(end) => tail.split_off(end.saturating_add(1)),
        None if length <= LINE_LIMIT => tail,
        None => bail!("its last line is longer than {LINE_LIMIT} bytes"),
    };
    let is_record = serde_json::from_slice::<Value>(&line)
        .is_ok_and(|value| value.get("kind") == Some(&Value::from("EvidenceRecord")));
    if !is_record {
        bail!("its last line is not one of an evidence record");
    }
    Ok(Some(line))
}

/// A record as it was read.
pub(super) struct Chain {
    /// The lines before the first that breaks.
    pub(super) lines: Vec<Value>,
    /// SHA-256 of the last of them.
    pub(super) last_sha256: Option<String>,
    /// The first line that breaks, counted from 1, and how.
    pub(super) broken: Option<(u64, String)>,
}

/// Reads a record and follows its chain.
///
/// # Errors
///
/// When the file cannot be read; a chain that breaks is no error.
pub(super) fn read(path: &Path) -> Result<Chain> {
    let mut reader = BufReader::new(File::open(path)?);
    let mut chain = Chain { lines: Vec::new(), last_sha256: None, broken: None };
    for number in 1.. {
        let mut line = Vec::new();
        let length = reader.by_ref().take(LINE_LIMIT).read_until(b'\n', &mut line)?;
        if length == 0 {
            break;
        }
        match follow(&line, chain.last_sha256.as_deref()) {
            Ok((value, sha256)) => {
                chain.lines.push(value);
                chain.last_sha256 = Some(sha256);
            }
            Err(why) => {
                chain.broken = Some((number, why.to_owned()));
                break;
            }
        }
    }
    Ok(chain)
}

/// Returns the number of the first line of a record that breaks its chain, and how; `None` where none does.
///
/// # Errors
///
/// When the file cannot be read.
pub fn broken(path: &Path) -> Result<Option<(u64, String)>> {
    Ok(read(path)?.broken)
}

/// Checks one line against the digest of the one before; returns what it says
/// and its own digest.
fn follow(line: &[u8], previous: Option<&str>) -> Result<(Value, String), &'static str> {
    let line = line.strip_suffix(b"\n").ok_or("it is cut off, or too long")?;
    let value: Value = serde_json::from_slice(line).map_err(|_| "it is not JSON")?;
    if value.get("kind") != Some(&Value::from("EvidenceRecord")) {
        return Err("it is not of an evidence record");
    }
    if value.get("previousSha256").and_then(Value::as_str) != previous {
        return Err(if previous.is_none() {
            "it is not the first line that was written"
        } else {
            "it does not fit the line before it: one of the two was changed, or one between them removed"
        });
    }
    Ok((value, hex(&Sha256::digest(line))))
}

/// Who runs this program, by the local system.
pub fn local_actor() -> Value {
    let environment = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let user = environment("USER").or_else(|| environment("LOGNAME")).or_else(|| environment("USERNAME"));
    #[cfg(unix)]
    let (uid, host) = (
        Some(rustix::process::getuid().as_raw()),
        Some(rustix::system::uname().nodename().to_string_lossy().into_owned()),
    );
    #[cfg(not(unix))]
    let (uid, host) = (None::<u32>, environment("COMPUTERNAME"));
    serde_json::json!({ "user": user, "uid": uid, "host": host })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(step: &str) -> Map<String, Value> {
        Map::from_iter([("step".to_owned(), Value::from(step))])
    }

    #[test]
    fn lines_are_chained() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("e.json");
        for step in ["one", "two", "three"] {
            append(&path, fields(step)).unwrap();
        }
        let text = fs::read_to_string(&path).unwrap();
        let mut previous = Value::Null;
        for line in text.lines() {
            let value: Value = serde_json::from_str(line).unwrap();
            assert_eq!(value["previousSha256"], previous);
            previous = Value::from(hex(&Sha256::digest(line.as_bytes())));
        }
        assert_eq!(text.lines().count(), 3);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn what_is_no_record_is_not_continued() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("e.json");
        for content in ["something else\n", "{\"kind\":\"EvidenceRecord\"}", "\n"] {
            fs::write(&path, content).unwrap();
            assert!(append(&path, fields("x")).is_err(), "{content:?}");
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let victim = dir.path().join("victim");
        fs::write(&victim, "").unwrap();
        let path = dir.path().join("e.json");
        std::os::unix::fs::symlink(&victim, &path).unwrap();
        assert!(append(&path, fields("x")).is_err());
        assert_eq!(fs::read(&victim).unwrap(), b"");
    }
}
