//! From the kubelet's directory to DEST, on one host.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::store::Store;
use crate::cluster::copy;
use crate::cluster::custody::Custody;
use crate::cluster::destination::{Destination, PartFile, room_for, with_suffix};
use crate::cluster::record;
use crate::cluster::report::Reporter;
use crate::cluster::sink::{Begun, Sink};
use crate::cluster::transfer::{Arrived, Mismatch, Watch as _, Witness};

/// Bytes that are read at a time.
const CHUNK: usize = 512 << 10;

/// What is to be copied, and how.
pub(super) struct Order<'a> {
    pub(super) store: &'a Store,
    pub(super) name: &'a str,
    pub(super) destination: &'a Destination,
    pub(super) custody: &'a Custody,
    pub(super) force: bool,
    pub(super) record: Option<&'a Path>,
    /// Bytes a second that are taken at most.
    pub(super) limit: Option<u64>,
}

/// What is here now.
pub(super) struct Came {
    pub(super) arrived: Arrived,
    pub(super) file: Option<PathBuf>,
    pub(super) started: Timestamp,
    pub(super) finished: Timestamp,
}

/// Copies, compares and records; a part that is here is gone on with.
pub(super) async fn copy(
    order: &Order<'_>,
    mut fields: Map<String, Value>,
    reporter: &Reporter,
) -> Result<(Came, Option<PathBuf>)> {
    let Order { store, name, destination, custody, .. } = *order;
    let source = store.archive(name)?;
    let path = store.path_of(name);
    let dest = custody.file_for(destination, name);
    let what = || format!("cannot read {path}");
    let size = source.len().with_context(what)?;
    let (part, begun) = match &dest {
        None => (None, Begun::new(custody.output(None)?)),
        Some(dest) if custody.seals() => {
            let (part, file) = PartFile::anew(dest, order.force)?;
            (Some(part), Begun::new(custody.output(Some(file))?))
        }
        Some(dest) => {
            let (part, file) = PartFile::resume(dest, order.force)?;
            let begun = Begun::after(file)
                .with_context(|| format!("cannot read the part of {} that is here", dest.display()))?;
            (Some(part), begun)
        }
    };
    let there = begun.bytes();
    if let Some(dest) = &dest {
        room_for(dest, custody.room(size).saturating_sub(there))?;
    }
    let started = Timestamp::now();
    reporter.expect(Some(size));
    let fetched = fetch(&source, begun, size, order.limit, reporter).await;
    let finished = Timestamp::now();
    let arrived = match (fetched, part) {
        (Ok(arrived), part) => {
            part.map(PartFile::finish).transpose()?;
            arrived
        }
        (Err(error), Some(mut part)) => {
            let advice = part.settle_local(&error, name);
            return Err(anyhow!("{error:#}\n  {advice}"));
        }
        (Err(error), None) => {
            return Err(anyhow!("{error:#}\n  what was written to standard output is not to be trusted"));
        }
    };
    reporter.done(&arrived.summary(finished.duration_since(started).as_secs_f64()));
    let record = order
        .record
        .map(Path::to_owned)
        .or_else(|| dest.as_ref().map(|dest| with_suffix(dest, ".evidence.json")));
    if let Some(record) = &record {
        arrived.describe(&mut fields, dest.as_deref(), started, finished);
        custody.describe(&mut fields, &arrived);
        fields.insert("leftOnNode".into(), serde_json::json!([path]));
        let signed = custody.sign(dest.as_deref(), &arrived);
        if let Ok(Some(about)) = &signed {
            fields.insert("signature".into(), about.clone());
        }
        record::append(record, fields).context("the archive is here and verified, but not in the record")?;
        signed.and_then(|_| custody.sign_record(Some(record))).context("the archive is here and verified")?;
    }
    Ok((Came { arrived, file: dest, started, finished }, record))
}

async fn fetch(
    source: &super::store::Archive,
    begun: Begun,
    size: u64,
    limit: Option<u64>,
    reporter: &Reporter,
) -> Result<Arrived> {
    let there = begun.bytes();
    if there > size {
        let what = format!("what is here already is longer ({there} bytes) than the archive ({size} bytes)");
        return Err(Mismatch::new(what).into());
    }
    let what = "cannot read the archive";
    let mut reader = source.reader().context(what)?;
    std::io::Seek::seek(&mut reader, std::io::SeekFrom::Start(there)).context(what)?;
    // What is added while it is read does not come along.
    let mut reader = reader.take(size.saturating_sub(there));
    let mut sink = Sink::start(begun)?;
    let began = Instant::now();
    loop {
        let mut chunk = vec![0; CHUNK];
        let length = reader.read(&mut chunk).context(what)?;
        if length == 0 {
            break;
        }
        chunk.truncate(length);
        sink.push(Bytes::from(chunk)).await?;
        reporter.at(sink.pushed());
        if let Some(limit) = limit {
            let moved = u128::from(sink.pushed().saturating_sub(there));
            let due = moved.saturating_mul(1_000_000) / u128::from(limit.max(1));
            let due = Duration::from_micros(u64::try_from(due).unwrap_or(u64::MAX));
            tokio::time::sleep(due.saturating_sub(began.elapsed())).await;
        }
    }
    let written = sink.finish().await?;
    let again = copy::content(source.reader().context(what)?).context(what)?;
    if (again.bytes, &again.sha256) != (written.bytes, &written.sha256) {
        return Err(Mismatch::new(format!(
            "the copy is not the archive, or that is still being written:\n  here:        sha256 {}, {} bytes\n  on the node: sha256 {}, {} bytes",
            written.sha256, written.bytes, again.sha256, again.bytes
        ))
        .into());
    }
    Ok(Arrived {
        bytes: written.bytes,
        sha256: written.sha256,
        witness: Witness::Node { tool: String::from("a second read"), sha256: again.sha256 },
        resumed: 0,
        began_at: there,
        sealed: written.sealed,
    })
}
