//! The way home: size, digest and bytes of one archive, through the collector.
//!
//! The stream may break, stall, end early with status Success, or bring wrong
//! bytes. The first three are resumed at the offset for as long as that makes
//! progress; the last is found by the digest, which the node takes of its own
//! file while the stream runs.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use bytes::Bytes;
use flate2::write::GzDecoder;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::exec::{Event, ExecError, Remote, persist};
use super::report::shown;
use super::sink::{Begun, Output, Sink};
use super::text;

/// Tries in a row that bring nothing before the transfer is given up.
const FRUITLESS_TRIES: u32 = 6;
/// How long bytes may be under way after the command said it had sent all.
const TAIL_LIMIT: Duration = Duration::from_secs(10);
/// How long a digest of a large file may take in silence.
const DIGEST_LIMIT: Duration = Duration::from_secs(4 * 3600);

/// Says the size and which tools there are. Only the shell's own words and
/// `cat` are taken for granted.
const INSPECT: &str = r#"
has() { command -v "$1" >/dev/null 2>&1; }
[ -e "$1" ] || { echo "there is no such file" >&2; exit 3; }
[ -r "$1" ] || { echo "no permission to read it" >&2; exit 4; }
[ -f "$1" ] || { echo "not a regular file" >&2; exit 5; }
if has wc; then s=$(wc -c <"$1") && echo "size "$s
elif has stat; then echo "size $(stat -c %s "$1")"
elif has ls; then set -- "$1" $(ls -ln "$1") && echo "size $6"
fi
has tail && echo "tail yes"
has gzip && echo "gzip yes"
has date && echo "clock $(date -u +%s)"
true"#;

const DIGEST: &str = r#"
has() { command -v "$1" >/dev/null 2>&1; }
if has sha256sum; then echo "tool sha256sum"; sha256sum <"$1"
elif has busybox && busybox sha256sum </dev/null >/dev/null 2>&1; then echo "tool busybox sha256sum"; busybox sha256sum <"$1"
elif has shasum; then echo "tool shasum -a 256"; shasum -a 256 <"$1"
elif has openssl; then echo "tool openssl dgst -sha256"; openssl dgst -sha256 -r <"$1"
else echo "tool none"
fi"#;

/// Sends the file from byte `$2` (counted from 1), says on standard error that
/// all was sent, and stays until it is let go: a stream whose command has
/// ended may lose what was still under way.
const SEND: &str = r#"if [ "$2" = 1 ]; then cat "$1"; else tail -c "+$2" "$1"; fi
printf 'sent %s\n' "$?" >&2
read -r _"#;

/// The same, compressed.
const SEND_GZIP: &str = r#"if [ "$2" = 1 ]; then cat "$1"; else tail -c "+$2" "$1"; fi | gzip -1 -c
printf 'sent %s\n' "$?" >&2
read -r _"#;

/// What the collector said about a file before its transfer.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    /// Size; `None` where the image has no tool to tell.
    pub(super) size: Option<u64>,
    /// Seconds since 1970 by the node's clock.
    pub(super) clock: Option<i64>,
    has_tail: bool,
    has_gzip: bool,
}

/// How the digest was taken on the other side.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Witness {
    /// By a tool on the node, of the file itself.
    Node { tool: String, sha256: String },
    /// By a second full read through the stream.
    SecondRead { sha256: String },
}

impl Witness {
    pub(super) fn sha256(&self) -> &str {
        match self {
            Self::Node { sha256, .. } | Self::SecondRead { sha256 } => sha256,
        }
    }

    pub(super) fn method(&self) -> String {
        match self {
            Self::Node { tool, .. } => format!("{tool} on the node, of the file itself"),
            Self::SecondRead { .. } => String::from("second full read through the stream"),
        }
    }
}

/// What arrived is not what is on the node: there is nothing to go on from.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Mismatch(String);

impl Mismatch {
    pub(super) fn new(what: String) -> Self {
        Self(what)
    }
}

/// An archive that came home whole.
#[derive(Clone, Debug)]
pub(super) struct Arrived {
    pub(super) bytes: u64,
    pub(super) sha256: String,
    pub(super) witness: Witness,
    /// How often the stream had to be resumed.
    pub(super) resumed: u32,
    /// How many bytes were here before.
    pub(super) began_at: u64,
    /// Length and digest of the encrypted file, where it is one.
    pub(super) sealed: Option<(u64, String)>,
}

impl Arrived {
    /// The digest of the file as it is on the disk here.
    pub(super) fn stored_sha256(&self) -> &str {
        self.sealed.as_ref().map_or(&self.sha256, |(_, sha256)| sha256)
    }

    /// Adds to a line of the record what came home, and how.
    pub(super) fn describe(
        &self,
        fields: &mut Map<String, Value>,
        file: Option<&Path>,
        started: Timestamp,
        finished: Timestamp,
    ) {
        let more = json!({
            "outcome": "verified",
            "file": file.map(shown),
            "sizeBytes": self.bytes,
            "sha256": self.sha256,
            "verification": { "nodeSha256": self.witness.sha256(), "method": self.witness.method() },
            "transfer": {
                "started": started.to_string(),
                "finished": finished.to_string(),
                "durationNs": i64::try_from(finished.duration_since(started).as_nanos()).ok(),
                "resumed": self.resumed,
                "continuedAtByte": self.began_at,
            },
        });
        if let Value::Object(more) = more {
            fields.extend(more);
        }
    }

    /// Says what came home in one line.
    pub(super) fn summary(&self, seconds: f64) -> String {
        let moved = self.bytes.saturating_sub(self.began_at);
        // Bytes in an archive are far below the limit of exact doubles.
        #[allow(clippy::cast_precision_loss)]
        let rate = moved as f64 / seconds.max(0.001) / 1e6;
        format!(
            "downloaded {} in {seconds:.1} s ({rate:.0} MB/s), sha256 {} verified ({})",
            text::bytes(moved),
            self.sha256,
            self.witness.method()
        )
    }
}

/// Who wants to know how it goes.
pub(super) trait Watch {
    /// The size is known.
    fn expect(&self, bytes: Option<u64>);
    /// So many bytes are here.
    fn at(&self, bytes: u64);
    /// Something worth a line.
    fn note(&self, line: &str);
}

/// A file as the collector sees it.
pub(super) struct Source<'a> {
    pub(super) remote: &'a Remote,
    pub(super) path: &'a str,
    /// How long a stream may be silent.
    pub(super) patience: Duration,
    /// Bytes a second that are taken at most.
    pub(super) limit: Option<u64>,
    /// Whether the bytes travel compressed, where the image can do that.
    pub(super) compress: bool,
}

impl Source<'_> {
    /// Asks what the collector can say about the file.
    pub(super) async fn inspect(&self) -> Result<Facts> {
        let limit = Duration::from_secs(60);
        let args = [self.path];
        let output =
            persist("look at the archive through the collector", || self.remote.run(INSPECT, &args, limit))
                .await?;
        if output.code != 0 {
            bail!(
                "the collector cannot read {}: {} (exit code {})",
                text::escape(self.path),
                text::quote(&output.stderr),
                output.code
            );
        }
        Ok(parse_facts(&output.stdout))
    }

    /// Brings the file into `output` and checks it against the other side.
    /// Nothing is written beyond the size the node gave.
    pub(super) async fn fetch(&self, facts: &Facts, begun: Begun, watch: &impl Watch) -> Result<Arrived> {
        watch.expect(facts.size);
        let there = begun.bytes();
        if let Some(size) = facts.size.filter(|size| there > *size) {
            return Err(Mismatch(format!(
                "what is here already is longer ({there} bytes) than the archive on the node ({size} bytes)"
            ))
            .into());
        }
        let sink = Sink::start(begun)?;
        // Both at once: the digest reads what the stream reads, from the same cache.
        let streamed = self.stream(facts, sink, watch);
        let (streamed, digest) = futures::future::try_join(streamed, self.digest()).await?;
        let (written, resumed) = streamed;
        let witness = if let Some(witness) = digest {
            witness
        } else {
            watch.note(
                "the collector's image has no digest tool; reading the archive a second time for its digest",
            );
            let again = Sink::start(Begun::new(Output::Nowhere))?;
            let (second, _) = self.stream(facts, again, watch).await?;
            if second.bytes != written.bytes {
                bail!(
                    "two reads of the archive differ in length: {} and {} bytes",
                    written.bytes,
                    second.bytes
                );
            }
            Witness::SecondRead { sha256: second.sha256 }
        };
        if written.sha256 != witness.sha256() {
            return Err(Mismatch(format!(
                "the archive that arrived is not the one on the node:\n  here:        sha256 {}, {} bytes\n  on the node: sha256 {} ({})",
                written.sha256,
                written.bytes,
                witness.sha256(),
                witness.method()
            ))
            .into());
        }
        Ok(Arrived {
            bytes: written.bytes,
            sha256: written.sha256,
            witness,
            resumed,
            began_at: there,
            sealed: written.sealed,
        })
    }

    /// Has the node take the digest. `None` where it has no tool for it.
    pub(super) async fn digest(&self) -> Result<Option<Witness>> {
        let args = [self.path];
        let output =
            persist("take the digest on the node", || self.remote.run(DIGEST, &args, DIGEST_LIMIT)).await?;
        match parse_digest(&output.stdout) {
            Some((tool, _)) if tool == "none" => Ok(None),
            Some((tool, Some(sha256))) if output.code == 0 => Ok(Some(Witness::Node { tool, sha256 })),
            _ => bail!(
                "the collector could not take the digest (exit code {}): {}",
                output.code,
                text::quote(&format!("{} {}", output.stdout, output.stderr))
            ),
        }
    }

    /// Brings every byte into `sink`, over as many streams as it takes.
    async fn stream(
        &self,
        facts: &Facts,
        mut sink: Sink,
        watch: &impl Watch,
    ) -> Result<(super::sink::Written, u32)> {
        let mut fruitless = 0;
        let mut resumed = 0;
        loop {
            let before = sink.pushed();
            let why = match self.stream_once(facts, &mut sink, watch).await {
                Ok(()) => break,
                Err(Trouble::Fatal(error)) => {
                    keep(sink).await;
                    return Err(error);
                }
                Err(Trouble::Passing(why)) => why,
            };
            if sink.pushed() > before {
                fruitless = 0;
            } else {
                fruitless += 1;
            }
            if fruitless >= FRUITLESS_TRIES {
                let at = sink.pushed();
                keep(sink).await;
                bail!("the download stands still at byte {at} after {fruitless} tries: {why}");
            }
            watch.note(&format!("the stream ended at byte {} ({why}); going on from there", sink.pushed()));
            resumed += 1;
            // Pauses grow only while nothing arrives.
            tokio::time::sleep(Duration::from_millis(200 << fruitless.min(5))).await;
        }
        let size = sink.pushed();
        let written = sink.finish().await?;
        if written.bytes != size || facts.size.is_some_and(|expected| expected != size) {
            bail!("{} of {size} bytes were written", written.bytes);
        }
        Ok((written, resumed))
    }

    async fn stream_once(&self, facts: &Facts, sink: &mut Sink, watch: &impl Watch) -> Result<(), Trouble> {
        let offset = sink.pushed();
        // Without a size the end of a compressed stream cannot be told from a pause.
        let compress = self.compress && facts.has_gzip && facts.size.is_some();
        let mut unpack = compress.then(|| GzDecoder::new(Vec::new()));
        let mut throttle = Throttle::new(self.limit);
        // Without `tail` the file comes from its beginning and we pass over what we have.
        let (from, mut skip) = if facts.has_tail { (offset, 0) } else { (0, offset) };
        let first = format!("{}", from.saturating_add(1));
        let script = if compress { SEND_GZIP } else { SEND };
        let mut exec = self.remote.open(script, &[self.path, &first]).await.map_err(Trouble::from)?;
        let mut sent = None;
        let mut said = String::new();
        loop {
            if facts.size == Some(sink.pushed()) {
                exec.release().await;
                return Ok(());
            }
            let patience = if sent.is_some() { TAIL_LIMIT } else { self.patience };
            match exec.next(patience).await {
                Ok(Event::Stdout(mut bytes)) => {
                    throttle.pass(bytes.len()).await;
                    if let Some(unpack) = &mut unpack {
                        unpack
                            .write_all(&bytes)
                            .and_then(|()| unpack.flush())
                            .map_err(|error| Trouble::Passing(format!("it cannot be unpacked: {error}")))?;
                        bytes = Bytes::from(std::mem::take(unpack.get_mut()));
                    }
                    if skip > 0 {
                        let passed = bytes.len().min(usize::try_from(skip).unwrap_or(usize::MAX));
                        skip -= passed as u64;
                        bytes = bytes.slice(passed..);
                    }
                    if let Some(size) = facts.size {
                        let room = size.saturating_sub(sink.pushed());
                        if bytes.len() as u64 > room {
                            return Err(Trouble::Fatal(
                                Mismatch(format!(
                                    "the archive on the node grew beyond the {size} bytes it had"
                                ))
                                .into(),
                            ));
                        }
                    }
                    sink.push(bytes).await.map_err(Trouble::Fatal)?;
                    watch.at(sink.pushed());
                }
                Ok(Event::Stderr(bytes)) => {
                    said.push_str(&String::from_utf8_lossy(&bytes));
                    // Nobody needs more than the first words of an error.
                    said = said.chars().take(4096).collect();
                    if let Some(code) = parse_sent(&said) {
                        if code != 0 {
                            return Err(Trouble::Passing(text::quote(&said)));
                        }
                        sent = Some(code);
                    }
                }
                Ok(Event::Ended(how)) => {
                    return Err(Trouble::Passing(format!("the command ended early: {how}")));
                }
                // Its size is unknown, and all that was sent has had time to arrive.
                Err(ExecError::Stalled(_)) if sent.is_some() && facts.size.is_none() => {
                    exec.release().await;
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Keeps a stream to a rate, by waiting; the other side waits then as well.
struct Throttle {
    limit: Option<u64>,
    began: Instant,
    passed: u64,
}

impl Throttle {
    fn new(limit: Option<u64>) -> Self {
        Self { limit, began: Instant::now(), passed: 0 }
    }

    async fn pass(&mut self, bytes: usize) {
        let Some(limit) = self.limit else {
            return;
        };
        self.passed = self.passed.saturating_add(bytes as u64);
        let micros = u128::from(self.passed).saturating_mul(1_000_000) / u128::from(limit.max(1));
        let due = Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX));
        tokio::time::sleep(due.saturating_sub(self.began.elapsed())).await;
    }
}

/// Has what arrived written, to go on from there another time. What keeps it
/// from being written is less than what ended the stream.
async fn keep(sink: Sink) {
    let _ = sink.finish_part().await;
}

enum Trouble {
    Fatal(anyhow::Error),
    Passing(String),
}

impl From<ExecError> for Trouble {
    fn from(error: ExecError) -> Self {
        if error.is_passing() {
            Self::Passing(error.to_string())
        } else {
            Self::Fatal(anyhow!("the collector is lost: {error}"))
        }
    }
}

fn parse_facts(stdout: &str) -> Facts {
    let mut facts = Facts::default();
    for line in stdout.lines() {
        match line.trim().split_once(' ') {
            Some(("size", value)) => facts.size = value.trim().parse().ok(),
            Some(("clock", value)) => facts.clock = value.trim().parse().ok(),
            Some(("tail", "yes")) => facts.has_tail = true,
            Some(("gzip", "yes")) => facts.has_gzip = true,
            _ => {}
        }
    }
    facts
}

/// Returns the tool and, where it printed one, the digest.
fn parse_digest(stdout: &str) -> Option<(String, Option<String>)> {
    let (first, rest) = stdout.split_once('\n').unwrap_or((stdout, ""));
    let tool = first.strip_prefix("tool ")?.trim().to_owned();
    let word = rest.split_whitespace().next().unwrap_or_default();
    let is_digest = word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit());
    Some((text::escape(&tool), is_digest.then(|| word.to_ascii_lowercase())))
}

fn parse_sent(stderr: &str) -> Option<i32> {
    let line = stderr.strip_suffix('\n')?.rsplit('\n').next()?;
    line.strip_prefix("sent ")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read_line_by_line() {
        let facts = parse_facts("size 42\ntail yes\nclock 1700000000\n");
        assert_eq!((facts.size, facts.clock, facts.has_tail), (Some(42), Some(1_700_000_000), true));
        let none = parse_facts("size x\n");
        assert_eq!((none.size, none.has_tail), (None, false));
    }

    #[test]
    fn digests_are_read_as_each_tool_prints_them() {
        let digest = "a".repeat(64);
        for line in [format!("{digest}  -"), format!("{digest} *-"), format!("{digest} *stdin")] {
            let read = parse_digest(&format!("tool sha256sum\n{line}\n"));
            assert_eq!(read, Some(("sha256sum".into(), Some(digest.clone()))));
        }
        assert_eq!(parse_digest("tool none\n"), Some(("none".into(), None)));
        assert_eq!(parse_digest("tool x\nshort\n"), Some(("x".into(), None)));
        assert_eq!(parse_digest("noise"), None);
    }

    #[test]
    fn the_end_mark_is_the_last_line() {
        assert_eq!(parse_sent("sent 0\n"), Some(0));
        assert_eq!(parse_sent("cat: read error\nsent 1\n"), Some(1));
        assert_eq!(parse_sent("sent 0"), None);
        assert_eq!(parse_sent(""), None);
    }
}
