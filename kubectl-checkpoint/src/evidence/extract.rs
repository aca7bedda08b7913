//! `extract`: what the evidence holds besides memory, as files.

use std::cell::RefCell;
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use libforensic::analysis::Progress;
use libforensic::analysis::extract::{Contents, Extent, Object, ObjectKind, SourceKind, objects};
use libforensic::model::put_text;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::watch::Watch;
use super::{ABSENT, Evidence, or_absent, text};
use crate::cli::{OutputArgs, PARTIAL};
use crate::output::{
    API_VERSION, Rows, Sandbox, SparseFile, bytes, component, file_name, json_text, write_json,
};

/// Bytes that are read at once.
const CHUNK: usize = 1 << 20;
/// Step of a second attempt on bytes that cannot be read, in bytes.
const STEP: usize = 4096;
/// How many directories deep a file lies at most; the rest of its path becomes its name.
const DEPTH: usize = 48;
/// Holes of all files together, in holes of one file.
const FILES_OF_HOLES: u64 = 16;
/// Name of the list of everything.
const MANIFEST: &str = "manifest.json";

#[derive(Debug, Args)]
#[command(
    after_help = "Files go to DIR/SOURCE/…, under names made safe: letters, digits, -, _ and dots stay, every other \
                  byte becomes % and two digits, also a dot at the beginning. manifest.json lists everything with \
                  its own name, attributes and SHA-256; symbolic links, hard links, devices, named pipes, \
                  whiteouts and deletions are listed there and not made. No file is executable, and none but \
                  you can read it. Holes of sparse files stay holes. Nothing is written outside DIR, no link is \
                  followed, and no file is overwritten without --force.\n\n\
                  Exit code 3: something could not be read or written as a whole; the manifest says what."
)]
pub(crate) struct ExtractArgs {
    /// Directory for the files; made if it is not there
    #[arg(short, long, value_name = "DIR")]
    dir: PathBuf,
    /// Only from this source (deleted-file, memfd, rootfs-diff, log …); can be repeated
    #[arg(long, value_name = "SOURCE", value_parser = source)]
    source: Vec<SourceKind>,
    /// Writes into a directory that is not empty, and replaces files
    #[arg(long)]
    force: bool,
    /// Does not write files with more holes than this, nor with more than 16 times this in all
    #[arg(long, value_name = "BYTES", default_value = "16G", value_parser = size)]
    max_holes: u64,
    /// Parent dump of an incremental one, the nearest first; the `parent` link is followed without it
    #[arg(long = "parent", value_name = "ARCHIVE")]
    parents: Vec<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
    /// Archive to read
    #[arg(required = true, value_name = "ARCHIVE")]
    archive: OsString,
}

/// What can be extracted.
const SOURCES: [SourceKind; 12] = [
    SourceKind::SharedMemory,
    SourceKind::Memfd,
    SourceKind::Pipe,
    SourceKind::SocketQueue,
    SourceKind::MessageQueue,
    SourceKind::BpfMap,
    SourceKind::DeletedFile,
    SourceKind::Tmpfs,
    SourceKind::RootfsDiff,
    SourceKind::Volume,
    SourceKind::Log,
    SourceKind::Executable,
];

fn source(name: &str) -> Result<SourceKind, String> {
    SOURCES.iter().copied().find(|s| s.as_str() == name).ok_or_else(|| {
        let names: Vec<&str> = SOURCES.iter().map(|s| s.as_str()).collect();
        format!("sources are {}", names.join(", "))
    })
}

fn size(text: &str) -> Result<u64, String> {
    let (digits, shift) = match text.strip_suffix(|c: char| c.is_ascii_alphabetic()) {
        Some(digits) => {
            let shift = match text.chars().last().map(|c| c.to_ascii_uppercase()) {
                Some('K') => 10,
                Some('M') => 20,
                Some('G') => 30,
                Some('T') => 40,
                _ => return Err("sizes end in K, M, G or T, or in a digit".to_owned()),
            };
            (digits, shift)
        }
        None => (text, 0),
    };
    let number: u64 = digits.parse().map_err(|_| format!("{text} is no size"))?;
    number.checked_mul(1 << shift).ok_or_else(|| format!("{text} is too large"))
}

pub(crate) fn extract(args: &ExtractArgs) -> anyhow::Result<ExitCode> {
    let archives = [args.archive.clone()];
    let evidence = Evidence::of(&archives, &args.parents).with_memory();
    // Nothing is made for an archive that cannot be read.
    evidence.get(0)?;
    let progress = Arc::new(Progress::default());
    let work = Work {
        sandbox: Sandbox::fresh(&args.dir, args.force)?,
        progress: Arc::clone(&progress),
        max_holes: args.max_holes,
        holes: 0,
        incomplete: 0,
    };
    let extraction = Extraction {
        evidence: &evidence,
        args,
        watch: Watch::new(progress, "written").writing(),
        work: RefCell::new(work),
    };
    let code =
        evidence.answer_watched("ExtractionList", &args.output, &extraction, Some(&extraction.watch))?;
    let incomplete = extraction.work.borrow().incomplete;
    let code = if incomplete > 0 {
        eprintln!(
            "warning: {incomplete} objects are not there, or not as a whole; {MANIFEST} says which, and why"
        );
        if code == ExitCode::SUCCESS { ExitCode::from(PARTIAL) } else { code }
    } else {
        code
    };
    Ok(extraction.watch.code(code))
}

struct Extraction<'a> {
    evidence: &'a Evidence,
    args: &'a ExtractArgs,
    watch: Watch,
    work: RefCell<Work>,
}

struct Work {
    sandbox: Sandbox,
    progress: Arc<Progress>,
    max_holes: u64,
    /// Bytes of holes so far.
    holes: u64,
    incomplete: u64,
}

/// An object, and what became of it.
struct Extracted {
    object: Object,
    /// Path of the file in the directory.
    file: Option<String>,
    written: Option<u64>,
    sha256: Option<String>,
    /// Ranges that read as zeros because the evidence does not hold them.
    missing: Vec<(u64, u64)>,
    error: Option<String>,
}

impl Serialize for Extracted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let o = &self.object;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("source", o.source.as_str())?;
        map.serialize_entry("type", o.kind.as_str())?;
        put_text(&mut map, "member", Some(&o.member))?;
        put_text(&mut map, "name", o.name.as_ref())?;
        put_text(&mut map, "path", o.path.as_ref())?;
        map.serialize_entry("file", &self.file)?;
        map.serialize_entry("sizeBytes", &o.size)?;
        map.serialize_entry("writtenBytes", &self.written)?;
        map.serialize_entry("sha256", &self.sha256)?;
        map.serialize_entry("mode", &o.mode.map(|m| format!("{:04o}", m & 0o7777)))?;
        map.serialize_entry("uid", &o.uid)?;
        map.serialize_entry("gid", &o.gid)?;
        map.serialize_entry("modified", &o.modified)?;
        put_text(&mut map, "link", o.link.as_ref())?;
        let missing: Vec<Missing> = self
            .missing
            .iter()
            .map(|(start, end)| Missing { offset: *start, length_bytes: end - start })
            .collect();
        map.serialize_entry("missing", &missing)?;
        map.serialize_entry("error", &self.error)?;
        map.end()
    }
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Missing {
    offset: u64,
    length_bytes: u64,
}

impl Rows for Extraction<'_> {
    type Item = Extracted;

    fn headers(&self, wide: bool) -> Vec<&'static str> {
        let mut headers = vec!["SOURCE", "TYPE", "SIZE", "NAME", "FILE"];
        if wide {
            headers.extend(["MODE", "UID", "GID", "MODIFIED", "LINK", "SHA256"]);
        }
        headers
    }

    fn cells(&self, e: &Extracted, wide: bool) -> Vec<String> {
        let o = &e.object;
        let file = match (&e.file, &e.error) {
            (Some(file), _) if e.missing.is_empty() => file.clone(),
            (Some(file), _) => format!("{file} (not whole)"),
            (None, Some(error)) => crate::output::escape(error).into_owned(),
            (None, None) => ABSENT.to_owned(),
        };
        let mut cells = vec![
            o.source.as_str().to_owned(),
            o.kind.as_str().to_owned(),
            o.size.map_or_else(|| ABSENT.to_owned(), bytes),
            text(o.name.as_ref().or(Some(&o.member))),
            file,
        ];
        if wide {
            cells.extend([
                or_absent(o.mode.map(|m| format!("{:04o}", m & 0o7777))),
                or_absent(o.uid),
                or_absent(o.gid),
                or_absent(o.modified.as_ref()),
                text(o.link.as_ref()),
                or_absent(e.sha256.as_ref()),
            ]);
        }
        cells
    }

    fn each(
        &self,
        index: usize,
        sink: &mut dyn FnMut(Extracted) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let checkpoint = self.evidence.get(index)?;
        let mut work = self.work.borrow_mut();
        let mut manifest = Manifest::begin(&mut work.sandbox, &self.args.archive)?;
        let mut result = Ok(());
        objects(checkpoint, &mut |object| {
            if self.watch.is_interrupted() {
                return ControlFlow::Break(());
            }
            if !self.args.source.is_empty() && !self.args.source.contains(&object.source) {
                return ControlFlow::Continue(());
            }
            let extracted = work.extract(object);
            result = manifest.item(&extracted).and_then(|()| sink(extracted));
            if result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        result?;
        let mut warnings: Vec<String> = checkpoint.warnings().iter().map(ToString::to_string).collect();
        if self.watch.is_interrupted() {
            self.evidence.note(index, "interrupted: not everything was written");
            warnings.push("interrupted: not everything was written".to_owned());
        }
        manifest.finish(&mut work.sandbox, &warnings)
    }
}

impl Work {
    fn extract(&mut self, object: Object) -> Extracted {
        let mut extracted =
            Extracted { object, file: None, written: None, sha256: None, missing: Vec::new(), error: None };
        if let Some(lost) = extracted.object.lost {
            extracted.error = Some(lost.to_owned());
            self.incomplete += 1;
        } else if extracted.object.kind == ObjectKind::File
            && let Some(contents) = extracted.object.contents.clone()
        {
            if let Err(e) = self.write(&contents, &mut extracted) {
                extracted.error = Some(format!("{e:#}"));
            }
            let cut = extracted.written.is_some_and(|w| extracted.object.size.is_some_and(|size| w < size));
            if cut {
                extracted.error = Some("the archive is cut off inside it".to_owned());
            }
            self.incomplete += u64::from(extracted.error.is_some() || !extracted.missing.is_empty());
        }
        extracted
    }

    fn write(&mut self, contents: &Contents, extracted: &mut Extracted) -> anyhow::Result<()> {
        let holes = holes(contents);
        let all = self.holes.saturating_add(holes);
        if holes > self.max_holes || all > self.max_holes.saturating_mul(FILES_OF_HOLES) {
            anyhow::bail!("{} of holes are more than --max-holes allows; not written", bytes(holes));
        }
        self.holes = all;
        let names = names(&extracted.object);
        let components: Vec<&str> = names.iter().map(String::as_str).collect();
        let (file, path) = self.sandbox.file(&components)?;
        let written = self.copy(contents, file, &mut extracted.missing);
        match written.and_then(|done| self.sandbox.complete(&path).map(|()| done)) {
            Ok((size, hash)) => {
                extracted.file = Some(path);
                extracted.written = Some(size);
                extracted.sha256 = Some(hash);
                Ok(())
            }
            Err(e) => {
                // Half a file under a whole one's name would mislead.
                self.sandbox.discard(&path);
                Err(e)
            }
        }
    }

    fn copy(
        &self,
        contents: &Contents,
        file: File,
        missing: &mut Vec<(u64, u64)>,
    ) -> anyhow::Result<(u64, String)> {
        let mut lacks = |start: u64, end: u64| match missing.last_mut() {
            Some(last) if last.1 == start => last.1 = end,
            _ => missing.push((start, end)),
        };
        let mut file = SparseFile::new(file);
        let mut buf = vec![0; usize::try_from(contents.len()).unwrap_or(CHUNK).min(CHUNK)];
        let mut at = 0;
        while let Some((extent, end)) = contents.extent(at) {
            if self.progress.is_cancelled() {
                anyhow::bail!("interrupted");
            }
            let mut next = end;
            match extent {
                Extent::Stored => {
                    let n = usize::try_from(end - at).unwrap_or(usize::MAX).min(buf.len());
                    next = at + n as u64;
                    if contents.read_exact_at(at, &mut buf[..n]).is_ok() {
                        file.write(&buf[..n])?;
                    } else {
                        for step in buf[..n].chunks_mut(STEP) {
                            let step_end = at + step.len() as u64;
                            if contents.read_exact_at(at, step).is_ok() {
                                file.write(step)?;
                            } else {
                                file.skip(step.len() as u64);
                                lacks(at, step_end);
                            }
                            at = step_end;
                        }
                    }
                }
                Extent::Zero => file.skip(end - at),
                Extent::Missing => {
                    file.skip(end - at);
                    lacks(at, end);
                }
            }
            self.progress.add(next.saturating_sub(at));
            at = next;
        }
        Ok(file.finish()?)
    }
}

fn holes(contents: &Contents) -> u64 {
    let mut holes = 0_u64;
    let mut at = 0;
    while let Some((extent, end)) = contents.extent(at) {
        if extent != Extent::Stored {
            holes = holes.saturating_add(end - at);
        }
        at = end;
    }
    holes
}

/// The path of a file in the directory, made of what the object calls itself.
fn names(object: &Object) -> Vec<String> {
    let mut names = vec![object.source.as_str().to_owned()];
    let member = object.member.as_bytes();
    let base = member.rsplit(|b| *b == b'/').next().unwrap_or(member);
    let stem = base.strip_suffix(b".img").unwrap_or(base);
    let last = |name: &[u8]| name.rsplit(|b| *b == b'/').next().unwrap_or(name).to_vec();
    if let Some(path) = &object.path {
        if object.source != SourceKind::RootfsDiff {
            names.push(file_name(member));
        }
        let parts = path.as_bytes().split(|b| *b == b'/').filter(|p| !p.is_empty() && *p != b".");
        let parts: Vec<&[u8]> = parts.collect();
        let (directories, deep) = parts.split_at(parts.len().min(DEPTH));
        names.extend(directories.iter().map(|p| component(p)));
        if !deep.is_empty() {
            names.push(file_name(&deep.join(&b'/')));
        }
        return names;
    }
    names.push(match (object.source, &object.name) {
        (SourceKind::Log, _) | (_, None) => file_name(member),
        (SourceKind::DeletedFile | SourceKind::Executable, Some(name)) => {
            component(&[stem, b"-", &last(name.as_bytes())].concat())
        }
        (SourceKind::Memfd | SourceKind::SharedMemory, Some(name)) => {
            let stem = stem.strip_prefix(b"pagemap-").unwrap_or(stem);
            component(&[stem, b"-", &last(name.as_bytes())].concat())
        }
        (_, Some(name)) => {
            let dashes: Vec<u8> =
                name.as_bytes().iter().map(|b| if *b == b' ' { b'-' } else { *b }).collect();
            component(&dashes)
        }
    });
    names
}

/// The list of everything, written as the work goes on.
struct Manifest {
    out: BufWriter<File>,
    path: String,
    items: u64,
}

impl Manifest {
    fn begin(sandbox: &mut Sandbox, archive: &OsString) -> anyhow::Result<Self> {
        let (file, path) = sandbox.file(&[MANIFEST])?;
        let mut out = BufWriter::new(file);
        let archive = json_text(&archive.to_string_lossy())?;
        write!(
            out,
            "{{\n\"apiVersion\": \"{API_VERSION}\",\n\"kind\": \"ExtractionList\",\n\"archive\": {archive},\n\"items\": ["
        )?;
        Ok(Self { out, path, items: 0 })
    }

    fn item(&mut self, item: &Extracted) -> anyhow::Result<()> {
        let comma = if self.items == 0 { "" } else { "," };
        write!(self.out, "{comma}\n  ")?;
        write_json(&mut self.out, item)?;
        self.items += 1;
        Ok(())
    }

    fn finish(mut self, sandbox: &mut Sandbox, warnings: &[String]) -> anyhow::Result<()> {
        write!(self.out, "\n],\n\"warnings\": {}\n}}\n", json_text(warnings)?)?;
        self.out.flush()?;
        sandbox.complete(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_suffixes() {
        assert_eq!(size("16G"), Ok(16 << 30));
        assert_eq!(size("4k"), Ok(4096));
        assert_eq!(size("77"), Ok(77));
        assert!(size("1X").is_err() && size("").is_err() && size("99999999T").is_err());
    }

    #[test]
    fn every_source_has_a_name() {
        for s in SOURCES {
            assert_eq!(source(s.as_str()), Ok(s));
        }
        assert!(source("memory").is_err());
    }
}
