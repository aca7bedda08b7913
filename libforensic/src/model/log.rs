//! What the container wrote to its standard streams, line by line.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Read};

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::Checkpoint;
use super::text::{Text, put_text};
use crate::archive::{DataReader, MemberKind};
use crate::error::Warning;

/// A longer line is given in pieces, in bytes.
const LINE_BYTES: u64 = 1 << 20;

/// A line of a container's log. Absent facts are `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogLine {
    /// Member of the archive.
    pub member: String,
    /// Where the line begins in it, in bytes.
    pub offset: u64,
    /// When the engine read it, as it wrote that down (RFC 3339).
    pub time: Option<String>,
    /// `stdout` or `stderr`.
    pub stream: Option<&'static str>,
    /// Whether the container's own line goes on in the next one.
    pub partial: bool,
    /// What the container wrote, without the line end; the whole line where its form is unknown.
    pub text: Text,
}

impl Serialize for LogLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("member", &self.member)?;
        map.serialize_entry("offset", &self.offset)?;
        map.serialize_entry("time", &self.time)?;
        map.serialize_entry("stream", &self.stream)?;
        map.serialize_entry("partial", &self.partial)?;
        put_text(&mut map, "text", Some(&self.text))?;
        map.end()
    }
}

/// Time, stream, whether it goes on, and text of a line.
type Parts<'l> = (Option<String>, Option<&'static str>, bool, Cow<'l, [u8]>);

fn stream(name: &[u8]) -> Option<&'static str> {
    match name {
        b"stdout" => Some("stdout"),
        b"stderr" => Some("stderr"),
        _ => None,
    }
}

/// `TIME STREAM TAG TEXT`: the form of the CRI (containerd, CRI-O) and of Podman's k8s-file driver.
fn cri(line: &[u8]) -> Option<Parts<'_>> {
    let mut parts = line.splitn(4, |b| *b == b' ');
    let (time, name, tag) = (parts.next()?, parts.next()?, parts.next()?);
    let time = std::str::from_utf8(time).ok()?;
    time.parse::<jiff::Timestamp>().ok()?;
    // Tags are separated by colons; the first says whether the line is complete.
    let partial = match tag.split(|b| *b == b':').next()? {
        b"F" => false,
        b"P" => true,
        _ => return None,
    };
    let text = Cow::Borrowed(parts.next().unwrap_or_default());
    Some((Some(time.to_owned()), Some(stream(name)?), partial, text))
}

#[derive(serde::Deserialize)]
struct JsonLine {
    log: String,
    stream: Option<String>,
    time: Option<String>,
}

/// Docker's json-file form, which Podman can write, too.
fn json(line: &[u8]) -> Option<Parts<'static>> {
    let parsed: JsonLine =
        line.first().filter(|b| **b == b'{').and_then(|_| serde_json::from_slice(line).ok())?;
    let stream = parsed.stream.and_then(|s| stream(s.as_bytes()));
    let (text, partial) = match parsed.log.strip_suffix('\n') {
        Some(text) => (text.to_owned(), false),
        None => (parsed.log, true),
    };
    Some((parsed.time, stream, partial, Cow::Owned(text.into_bytes())))
}

/// Reads the lines of one log.
#[derive(Debug)]
pub struct LogLines {
    member: String,
    reader: BufReader<DataReader>,
    offset: u64,
    done: bool,
}

impl LogLines {
    fn next_line(&mut self) -> std::io::Result<Option<LogLine>> {
        let mut bytes = Vec::new();
        let read = (&mut self.reader).take(LINE_BYTES).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            return Ok(None);
        }
        let offset = self.offset;
        self.offset = offset.saturating_add(read as u64);
        let cut = bytes.last() != Some(&b'\n') && read as u64 == LINE_BYTES;
        let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let (time, stream, partial, text) =
            cri(line).or_else(|| json(line)).unwrap_or((None, None, false, Cow::Borrowed(line)));
        Ok(Some(LogLine {
            member: self.member.clone(),
            offset,
            time,
            stream,
            partial: partial || cut,
            text: Text::new(text.into_owned()),
        }))
    }
}

impl Iterator for LogLines {
    type Item = Result<LogLine, Warning>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        match self.next_line() {
            Ok(line) => {
                self.done = line.is_none();
                line.map(Ok)
            }
            Err(e) => {
                self.done = true;
                let warning = Warning::new(format!("the rest of the log cannot be read: {e}"));
                Some(Err(warning.in_member(self.member.as_bytes()).at(self.offset)))
            }
        }
    }
}

impl Checkpoint {
    /// Returns the lines of the container's logs, in the order of the archive.
    ///
    /// What cannot be read becomes a warning.
    pub fn log_lines(&self) -> impl Iterator<Item = LogLine> + '_ {
        let members = self.archive().members().iter().filter(|m| {
            super::summary::log_kind(m.base_name()) == Some("container")
                && m.kind != MemberKind::Directory
                && !self.images.is_irregular(m)
        });
        let logs = members.filter_map(|m| match self.archive().data(m).and_then(|d| d.dense().cloned()) {
            Ok(data) => Some(LogLines {
                member: m.display_name().into_owned(),
                reader: BufReader::with_capacity(64 << 10, data.reader()),
                offset: 0,
                done: false,
            }),
            Err(e) => {
                self.images.warnings.push(Warning::from(&e.in_member(&m.name)));
                None
            }
        });
        logs.flatten().filter_map(|line| line.map_err(|w| self.images.warnings.push(w)).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_lines() {
        let (time, stream, partial, text) = cri(b"2026-11-23T17:52:04.5+01:00 stderr P a b").unwrap();
        assert_eq!((time.as_deref(), stream), (Some("2026-11-23T17:52:04.5+01:00"), Some("stderr")));
        assert_eq!((partial, text.as_ref()), (true, b"a b".as_slice()));
        let empty = cri(b"2026-11-23T17:52:04Z stdout F").unwrap();
        assert_eq!((empty.2, empty.3.as_ref()), (false, b"".as_slice()));
        for other in [b"tick 5".as_slice(), b"2026-11-23T17:52:04Z stdlog F x", b"now stdout F x", b""] {
            assert_eq!(cri(other), None);
        }
        let line = br#"{"log":"x\u001b[0m\n","stream":"stdout","time":"2026-11-23T17:52:04Z"}"#;
        let (time, stream, partial, text) = json(line).unwrap();
        assert_eq!(
            (time.is_some(), stream, partial, text),
            (true, Some("stdout"), false, Cow::from(b"x\x1b[0m".to_vec()))
        );
        assert_eq!(json(br#"{"level":"info"}"#), None);
    }
}
