//! `mem dump`: memory to files, and a map of what lies where.

use std::cell::RefCell;
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use libforensic::analysis::Progress;
use libforensic::memory::{AddressSpace, Layer, Span};
use libforensic::model::{Hex, Mapping, Text};
use serde::Serialize;

use super::walk::{CHUNK, Piece, piece};
use super::{LayerArgs, ScopeArgs};
use crate::cli::{OutputArgs, PARTIAL};
use crate::evidence::watch::Watch;
use crate::evidence::{ABSENT, Evidence, or_absent, pids, text};
use crate::output::{API_VERSION, Rows, Sandbox, SparseFile, bytes, json_text, write_json};

/// Where a mapping has nothing stored for this long, its file ends, and another begins behind.
///
/// File systems have a largest size of files; mappings of many terabytes with
/// little in them exist.
const GAP: u64 = 1 << 30;

/// Name of the map of a directory.
const MAP: &str = "memory.json";

#[derive(Debug, Args)]
#[command(
    after_help = "With --dir each mapping that has stored bytes becomes a file PID/START-END.bin, and memory.json says \
                  for every range of every mapping where its bytes came from, or why the evidence does not hold \
                  them. With --file one range of one process becomes that file; its map is FILE.json. Bytes that \
                  are not held, and memory that was never written, are holes of sparse files: both read as zeros, \
                  and the map tells them apart. Where a mapping has nothing for 1 GiB or more, its file ends and \
                  another one begins behind. Memory that several processes share is written for each of them. \
                  Files are never overwritten without --force.\n\n\
                  Exit code 3: the evidence does not hold all bytes."
)]
pub(crate) struct DumpArgs {
    /// Directory for the files; made if it is not there
    #[arg(short, long, value_name = "DIR", required_unless_present = "file")]
    dir: Option<PathBuf>,
    /// File for the one --range of the one process -p
    #[arg(short = 'O', long, value_name = "FILE", conflicts_with = "dir", requires_all = ["pid", "range"])]
    file: Option<PathBuf>,
    /// Writes into a directory that is not empty, and replaces files
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    layers: LayerArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// Archive to read
    #[arg(required = true, value_name = "ARCHIVE")]
    archive: OsString,
}

pub(crate) fn dump(args: &DumpArgs) -> anyhow::Result<ExitCode> {
    let archives = [args.archive.clone()];
    let evidence = Evidence::of(&archives, &[]).with_layers(&args.layers);
    // Nothing is made for an archive that cannot be read.
    evidence.get(0)?;
    let progress = Arc::new(Progress::default());
    let (sandbox, single) = match (&args.dir, &args.file) {
        (_, Some(file)) => {
            let name = file.file_name().and_then(|n| n.to_str()).context("the file needs a name in UTF-8")?;
            if args.scope.pid.len() != 1 {
                anyhow::bail!("--file takes one process: give one -p");
            }
            let directory = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
            (Sandbox::existing(directory, args.force)?, Some(name.to_owned()))
        }
        (Some(dir), None) => (Sandbox::fresh(dir, args.force)?, None),
        (None, None) => anyhow::bail!("give --dir or --file"),
    };
    let dumps = Dumps {
        evidence: &evidence,
        args,
        watch: Watch::new(Arc::clone(&progress), "written").writing(),
        progress,
        work: RefCell::new(Work { sandbox, missing: 0, failed: 0 }),
        single,
    };
    let code = evidence.answer_watched("MemoryDumpList", &args.output, &dumps, Some(&dumps.watch))?;
    let work = dumps.work.borrow();
    let partial = work.missing > 0 || work.failed > 0;
    if work.missing > 0 {
        eprintln!(
            "warning: {} of what was asked for are not in the evidence; the map lists where, and why",
            bytes(work.missing)
        );
    }
    if work.failed > 0 {
        eprintln!("warning: {} ranges could not be written; the map says why", work.failed);
    }
    let code = if partial && code == ExitCode::SUCCESS { ExitCode::from(PARTIAL) } else { code };
    Ok(dumps.watch.code(code))
}

struct Dumps<'a> {
    evidence: &'a Evidence,
    args: &'a DumpArgs,
    watch: Watch,
    progress: Arc<Progress>,
    work: RefCell<Work>,
    /// The file, where it is only one.
    single: Option<String>,
}

struct Work {
    sandbox: Sandbox,
    missing: u64,
    failed: u64,
}

/// One mapping, or the range that was asked for.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Dumped {
    pid: u32,
    start: Hex,
    end: Hex,
    perms: Option<String>,
    #[serde(rename = "mappingKind")]
    kind: Option<&'static str>,
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_base64: Option<String>,
    size_bytes: u64,
    /// Bytes that were stored somewhere.
    stored_bytes: u64,
    /// Bytes that are known to be zero without being stored.
    zero_bytes: u64,
    /// Bytes that the evidence does not hold.
    missing_bytes: u64,
    files: Vec<Written>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    file: Option<String>,
    start: Hex,
    end: Hex,
    size_bytes: u64,
    sha256: Option<String>,
    /// Why there is no file.
    error: Option<String>,
}

/// Bytes of a mapping that came from one place, or from none.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Extent {
    start: Hex,
    end: Hex,
    /// `dump`, `parent`, … `zero`; null for bytes that are not in the evidence.
    source: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_depth: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<String>,
}

impl Rows for Dumps<'_> {
    type Item = Dumped;

    fn headers(&self, wide: bool) -> Vec<&'static str> {
        let mut headers = vec!["PID", "START", "END", "PERMS", "STORED", "ZERO", "MISSING", "FILE", "PATH"];
        if wide {
            headers.push("SHA256");
        }
        headers
    }

    fn cells(&self, d: &Dumped, wide: bool) -> Vec<String> {
        let first = d.files.first();
        let file = match (first.and_then(|f| f.file.clone()), d.files.len()) {
            (Some(file), 0 | 1) => file,
            (Some(file), n) => format!("{file} +{}", n - 1),
            (None, _) => ABSENT.to_owned(),
        };
        let path = d
            .path
            .as_deref()
            .map_or_else(|| d.kind.unwrap_or(ABSENT).to_owned(), |p| text(Some(&Text::from(p))));
        let mut cells = vec![
            d.pid.to_string(),
            format!("{:012x}", d.start.0),
            format!("{:012x}", d.end.0),
            or_absent(d.perms.as_ref()),
            bytes(d.stored_bytes),
            bytes(d.zero_bytes),
            bytes(d.missing_bytes),
            file,
            path,
        ];
        if wide {
            cells.push(or_absent(first.and_then(|f| f.sha256.as_ref())));
        }
        cells
    }

    fn each(&self, index: usize, sink: &mut dyn FnMut(Dumped) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let checkpoint = self.evidence.get(index)?;
        let scope = self.args.scope.scope();
        let only: Vec<u32> = if self.args.scope.pid.is_empty() {
            pids(checkpoint, None)?
        } else {
            let mut list = Vec::new();
            for pid in &self.args.scope.pid {
                list.extend(pids(checkpoint, Some(*pid))?);
            }
            list
        };
        let name = self.single.as_ref().map_or_else(|| MAP.to_owned(), |name| format!("{name}.json"));
        // The data first: where it cannot be written there is no map either.
        let mut map = Map::begin(&mut self.work.borrow_mut().sandbox, &name, &self.args.archive)?;
        for pid in only {
            // The dead have no memory; what else is wrong was said in a warning.
            let Ok(space) = checkpoint.memory(pid) else { continue };
            if let (Some(name), Some(range)) = (&self.single, &scope.range) {
                let holes = holes(&space, range);
                if holes > MOST_HOLES {
                    anyhow::bail!(
                        "{} of this range hold nothing, more than the {} that one file may have as holes; \
                         --dir writes a file for each mapping and leaves out what is between them",
                        bytes(holes),
                        bytes(MOST_HOLES)
                    );
                }
                let whole = std::slice::from_ref(range);
                checkpoint.warn_of_lazy_pages(&space, whole);
                sink(self.one(&space, None, range.clone(), whole, &[name], &mut map)?)?;
                continue;
            }
            let mut taken = Vec::new();
            for region in space.regions().iter().filter(|r| scope.has_mapping(&r.mapping)) {
                if self.watch.is_interrupted() {
                    break;
                }
                let m = &region.mapping;
                let wanted =
                    scope.range.as_ref().map_or(m.start..m.end, |r| r.start.max(m.start)..r.end.min(m.end));
                taken.push(wanted.clone());
                let groups = groups(&space, &wanted);
                sink(self.one(&space, Some(m), wanted, &groups, &[], &mut map)?)?;
            }
            checkpoint.warn_of_lazy_pages(&space, &taken);
        }
        let mut warnings: Vec<String> = checkpoint.warnings().iter().map(ToString::to_string).collect();
        if self.watch.is_interrupted() {
            self.evidence.note(index, "interrupted: not everything was written");
            warnings.push("interrupted: not everything was written".to_owned());
        }
        map.finish(&mut self.work.borrow_mut().sandbox, &warnings)
    }
}

impl Dumps<'_> {
    /// Writes the files of one range, and its part of the map.
    fn one(
        &self,
        space: &AddressSpace,
        mapping: Option<&Mapping>,
        wanted: Range<u64>,
        groups: &[Range<u64>],
        name: &[&String],
        map: &mut Map,
    ) -> anyhow::Result<Dumped> {
        let pid = space.pid();
        let path = mapping.and_then(|m| m.path.as_ref());
        let mut dumped = Dumped {
            pid,
            start: Hex(wanted.start),
            end: Hex(wanted.end),
            perms: mapping.map(|m| m.perms.clone()),
            kind: mapping.map(|m| m.kind.as_str()),
            path: path.map(|p| p.to_lossy().into_owned()),
            path_base64: path.filter(|p| p.as_str().is_none()).map(|p| STANDARD.encode(p.as_bytes())),
            size_bytes: wanted.end - wanted.start,
            stored_bytes: 0,
            zero_bytes: 0,
            missing_bytes: 0,
            files: Vec::new(),
        };
        map.item()?;
        let mut at = wanted.start;
        for group in groups {
            pass_over(space, at..group.start, &mut dumped, map)?;
            let names = match name {
                [name] => vec![(*name).clone()],
                _ => vec![pid.to_string(), format!("{:016x}-{:016x}.bin", group.start, group.end)],
            };
            let written = self.file(space, group.clone(), &names, &mut dumped, map)?;
            self.work.borrow_mut().failed += u64::from(written.error.is_some());
            dumped.files.push(written);
            at = group.end;
            if self.watch.is_interrupted() {
                break;
            }
        }
        if !self.watch.is_interrupted() {
            pass_over(space, at..wanted.end, &mut dumped, map)?;
        }
        map.end_item(&dumped)?;
        self.work.borrow_mut().missing += dumped.missing_bytes;
        Ok(dumped)
    }

    /// Writes one file.
    fn file(
        &self,
        space: &AddressSpace,
        range: Range<u64>,
        names: &[String],
        dumped: &mut Dumped,
        map: &mut Map,
    ) -> anyhow::Result<Written> {
        let mut written = Written {
            file: None,
            start: Hex(range.start),
            end: Hex(range.end),
            size_bytes: range.end - range.start,
            sha256: None,
            error: None,
        };
        let components: Vec<&str> = names.iter().map(String::as_str).collect();
        let (file, path) = self.work.borrow_mut().sandbox.file(&components)?;
        let mut file = SparseFile::new(file);
        let mut failure = None;
        let mut buf = vec![0; CHUNK];
        let mut at = range.start;
        while at < range.end && !self.watch.is_interrupted() {
            let next = match piece(space, at, range.end, &mut buf) {
                Piece::Bytes(n) => {
                    if failure.is_none() {
                        failure = file.write(&buf[..n]).err();
                    }
                    let end = at + n as u64;
                    let zeros = map.held(space, at..end)?;
                    dumped.zero_bytes += zeros;
                    dumped.stored_bytes += end - at - zeros;
                    end
                }
                Piece::Zeros(end) => {
                    file.skip(end - at);
                    dumped.zero_bytes += end - at;
                    map.held(space, at..end)?;
                    end
                }
                Piece::Unknown { end, why, .. } => {
                    file.skip(end - at);
                    dumped.missing_bytes += end - at;
                    map.missing(at..end, &why)?;
                    end
                }
            };
            self.progress.add(next - at);
            at = next;
        }
        let finished = match failure {
            Some(e) => Err(e),
            None if self.watch.is_interrupted() => {
                Err(std::io::Error::new(std::io::ErrorKind::Interrupted, "interrupted"))
            }
            None => file.finish(),
        };
        let sandbox = &mut self.work.borrow_mut().sandbox;
        match finished.map_err(anyhow::Error::from).and_then(|done| sandbox.complete(&path).map(|()| done)) {
            Ok((_, hash)) => {
                written.file = Some(path);
                written.sha256 = Some(hash);
            }
            Err(e) => {
                sandbox.discard(&path);
                written.error = Some(format!("{e:#}"));
            }
        }
        Ok(written)
    }
}

/// Most bytes of a single file that are not stored anywhere: they are hashed all the same.
const MOST_HOLES: u64 = 16 << 30;

/// Counts the bytes of a range that nothing is stored for.
fn holes(space: &AddressSpace, range: &Range<u64>) -> u64 {
    let mut holes = 0_u64;
    let mut at = range.start;
    while at < range.end {
        let (span, end) = space.span(at);
        let end = end.min(range.end).max(at + 1);
        if matches!(span, Span::Hole(_) | Span::Bytes(Layer::Zero)) {
            holes += end - at;
        }
        at = end;
    }
    holes
}

/// Goes over a range without stored bytes.
fn pass_over(
    space: &AddressSpace,
    range: Range<u64>,
    dumped: &mut Dumped,
    map: &mut Map,
) -> anyhow::Result<()> {
    let mut at = range.start;
    while at < range.end {
        let (span, end) = space.span(at);
        let end = end.min(range.end).max(at + 1);
        match span {
            Span::Hole(hole) => {
                dumped.missing_bytes += end - at;
                map.missing(at..end, hole.description())?;
            }
            Span::Bytes(_) => {
                dumped.zero_bytes += end - at;
                map.held(space, at..end)?;
            }
        }
        at = end;
    }
    Ok(())
}

/// The parts of a mapping that become files: those with stored bytes, and not much else between.
fn groups(space: &AddressSpace, wanted: &Range<u64>) -> Vec<Range<u64>> {
    let mut groups: Vec<Range<u64>> = Vec::new();
    let mut at = wanted.start;
    while at < wanted.end {
        let (span, end) = space.span(at);
        let end = end.min(wanted.end).max(at + 1);
        if !matches!(span, Span::Hole(_) | Span::Bytes(Layer::Zero)) {
            match groups.last_mut() {
                Some(last) if at - last.end < GAP => last.end = end,
                _ => groups.push(at..end),
            }
        }
        at = end;
    }
    // Short mappings are files as a whole.
    if let [only] = groups.as_mut_slice()
        && only.start - wanted.start < GAP
        && wanted.end - only.end < GAP
    {
        *only = wanted.clone();
    }
    groups
}

/// The map, written as the work goes on: it can have millions of entries.
struct Map {
    out: BufWriter<File>,
    path: String,
    items: u64,
    extents: u64,
    /// What the next extent may be joined with.
    last: Option<Extent>,
}

impl Map {
    fn begin(sandbox: &mut Sandbox, name: &str, archive: &OsString) -> anyhow::Result<Self> {
        let (file, path) = sandbox.file(&[name])?;
        let mut out = BufWriter::new(file);
        let archive = json_text(&archive.to_string_lossy())?;
        write!(
            out,
            "{{\n\"apiVersion\": \"{API_VERSION}\",\n\"kind\": \"MemoryMap\",\n\"archive\": {archive},\n\"items\": ["
        )?;
        Ok(Self { out, path, items: 0, extents: 0, last: None })
    }

    fn item(&mut self) -> anyhow::Result<()> {
        let comma = if self.items == 0 { "" } else { "," };
        write!(self.out, "{comma}\n{{\"ranges\": [")?;
        self.items += 1;
        self.extents = 0;
        Ok(())
    }

    /// Adds a range that the evidence holds; returns how much of it is zeros that are not stored.
    fn held(&mut self, space: &AddressSpace, range: Range<u64>) -> anyhow::Result<u64> {
        let mut zeros = 0;
        let mut at = range.start;
        while at < range.end {
            let (span, end) = space.span(at);
            let end = end.min(range.end).max(at + 1);
            let Span::Bytes(layer) = span else { break };
            if layer == Layer::Zero {
                zeros += end - at;
            }
            let origin = space.origin(at);
            self.push(Extent {
                start: Hex(at),
                end: Hex(end),
                source: Some(layer.as_str()),
                parent_depth: if let Layer::Parent(depth) = layer { Some(depth) } else { None },
                offset: origin.as_ref().map(|o| o.1),
                member: origin.map(|o| o.0),
                missing: None,
            })?;
            at = end;
        }
        Ok(zeros)
    }

    fn missing(&mut self, range: Range<u64>, why: &str) -> anyhow::Result<()> {
        self.push(Extent {
            start: Hex(range.start),
            end: Hex(range.end),
            source: None,
            parent_depth: None,
            member: None,
            offset: None,
            missing: Some(why.to_owned()),
        })
    }

    fn push(&mut self, extent: Extent) -> anyhow::Result<()> {
        if let Some(last) = &mut self.last
            && last.end == extent.start
            && last.source == extent.source
            && last.parent_depth == extent.parent_depth
            && last.member == extent.member
            && last.missing == extent.missing
            && last.offset.map(|o| o + (last.end.0 - last.start.0)) == extent.offset
        {
            last.end = extent.end;
            return Ok(());
        }
        let before = self.last.replace(extent);
        self.write(before)
    }

    fn write(&mut self, extent: Option<Extent>) -> anyhow::Result<()> {
        let Some(extent) = extent else { return Ok(()) };
        let comma = if self.extents == 0 { "" } else { "," };
        write!(self.out, "{comma}\n  ")?;
        write_json(&mut self.out, &extent)?;
        self.extents += 1;
        Ok(())
    }

    fn end_item(&mut self, dumped: &Dumped) -> anyhow::Result<()> {
        let last = self.last.take();
        self.write(last)?;
        let text = json_text(dumped)?;
        // The members of the item go on behind its ranges.
        write!(self.out, "],\n  {}", text.strip_prefix('{').unwrap_or(&text))?;
        Ok(())
    }

    fn finish(mut self, sandbox: &mut Sandbox, warnings: &[String]) -> anyhow::Result<()> {
        write!(self.out, "\n],\n\"warnings\": {}\n}}\n", json_text(warnings)?)?;
        self.out.flush()?;
        sandbox.complete(&self.path)
    }
}
