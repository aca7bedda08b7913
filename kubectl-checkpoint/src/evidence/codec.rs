//! `decode` and `encode`: images as crit's JSON, and back.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Cursor, IsTerminal, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use libforensic::archive::{Archive, Keep, Member, MemberKind, Retention};
use libforensic::image::crit::{self, Options};
use libforensic::image::{self, ErrorKind, FileHeader, Kind};
use libforensic::model::companion_kind;

use super::limits::open_options;
use crate::cli::PARTIAL;
use crate::output::{escape, escape_bytes, file_name, write_json};

#[derive(Debug, Args)]
pub(crate) struct DecodeArgs {
    /// An image, a member of an archive (ARCHIVE:MEMBER), a whole archive, or - for standard input
    ///
    /// An archive gives one line of JSON for each image that has records:
    /// {"member": NAME, "image": DOCUMENT}.
    #[arg(value_name = "IMAGE|ARCHIVE:MEMBER|ARCHIVE")]
    source: OsString,
    /// Indents, and writes addresses, flags and states by their names
    #[arg(long)]
    pretty: bool,
    /// Does as crit does even where crit is wrong
    #[arg(long)]
    crit_compat: bool,
    /// Writes a file for each image into this directory; existing files stay as they are
    #[arg(long, value_name = "DIR")]
    output_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct EncodeArgs {
    /// Takes the JSON as crit does, which ignores what `decode` adds to keep every byte
    #[arg(long)]
    crit_compat: bool,
    /// Passes over members that are no field of the image's instead of refusing them
    #[arg(long)]
    lenient: bool,
}

/// An image up to this size is kept in memory until it is whole, in bytes.
const WHOLE_BYTES: usize = 16 << 20;

pub(crate) fn encode(args: &EncodeArgs) -> anyhow::Result<ExitCode> {
    let stdout = io::stdout();
    if stdout.is_terminal() {
        bail!("an image is not for the terminal; send standard output to a file");
    }
    let options = Options { pretty: false, crit_compat: args.crit_compat, lenient: args.lenient };
    // Half an image in a file would look like a whole one.
    let mut image = tempfile::spooled_tempfile(WHOLE_BYTES);
    crit::encode(io::stdin().lock(), &mut image, &options).context("standard input: nothing was written")?;
    image.rewind()?;
    let mut out = stdout.lock();
    io::copy(&mut image, &mut out)?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// What is to be decoded.
enum Source {
    Image { name: Vec<u8>, kind: Option<Kind>, reader: Box<dyn Read> },
    Archive(Archive),
    Member(Archive, Vec<u8>),
}

pub(crate) fn decode(args: &DecodeArgs) -> anyhow::Result<ExitCode> {
    let mut run = Run {
        options: Options { pretty: args.pretty, crit_compat: args.crit_compat, ..Options::default() },
        directory: args.output_dir.as_deref(),
        written: HashSet::new(),
        partial: false,
    };
    if let Some(directory) = run.directory {
        fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
    }
    match locate(&args.source)? {
        Source::Image { name, kind, reader } => run.one(&name, kind, reader)?,
        Source::Member(archive, name) => {
            let member = find(&archive, &name)?;
            let kind = Kind::from_file_name(&member.name).map(|found| found.0);
            explain(&member.name, kind)?;
            run.one(&member.name, kind, archive.data(member)?.dense()?.reader())?;
            run.warn_about(&archive);
        }
        Source::Archive(archive) => run.all(&archive)?,
    }
    Ok(if run.partial { ExitCode::from(PARTIAL) } else { ExitCode::SUCCESS })
}

/// Finds out what an argument means: a path that exists wins over an archive's member.
fn locate(source: &OsStr) -> anyhow::Result<Source> {
    if source == "-" {
        return on_stdin();
    }
    let path = Path::new(source);
    let missing = match fs::metadata(path) {
        Ok(meta) if meta.is_dir() => return Ok(Source::Archive(open(path)?)),
        Ok(_) => return in_file(path),
        Err(e) => e,
    };
    for (archive, member) in splits(source) {
        if archive.as_os_str() == "-" || archive.exists() {
            return Ok(Source::Member(open(&archive)?, member));
        }
    }
    Err(missing).with_context(|| path.display().to_string())
}

/// Gives every way to take `ARCHIVE:MEMBER` apart, the longest archive first.
fn splits(source: &OsStr) -> Vec<(PathBuf, Vec<u8>)> {
    let bytes = source.as_encoded_bytes();
    let colons = (0..bytes.len()).rev().filter(|at| bytes[*at] == b':');
    colons.filter_map(|at| Some((path_of(&bytes[..at])?, bytes[at + 1..].to_vec()))).collect()
}

#[cfg(unix)]
#[allow(clippy::unnecessary_wraps)] // not every system takes all bytes
fn path_of(bytes: &[u8]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    Some(PathBuf::from(OsStr::from_bytes(bytes)))
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> Option<PathBuf> {
    std::str::from_utf8(bytes).ok().map(PathBuf::from)
}

/// Leaves everything but images with records out of the spool.
struct FramedOnly;

impl Retention for FramedOnly {
    fn small(&mut self, _: &[u8], _: &[u8]) {}

    fn large(&mut self, name: &[u8], _: u64) -> Keep {
        match Kind::from_file_name(name) {
            Some((kind, _)) if kind.info().is_framed() => Keep::All,
            _ => Keep::Nothing,
        }
    }
}

fn open(path: &Path) -> anyhow::Result<Archive> {
    Archive::open_with(path, open_options(), &mut FramedOnly).with_context(|| path.display().to_string())
}

fn on_stdin() -> anyhow::Result<Source> {
    let mut head = Vec::new();
    io::stdin().lock().take(8).read_to_end(&mut head).context("standard input")?;
    let is_image = starts_an_image(&head);
    let reader = Cursor::new(head).chain(io::stdin());
    if is_image {
        return Ok(Source::Image { name: b"-".to_vec(), kind: None, reader: Box::new(reader) });
    }
    let archive = Archive::from_reader(reader, "-", open_options());
    Ok(Source::Archive(
        archive.context("standard input starts neither as an image of CRIU's nor as an archive")?,
    ))
}

/// A wrong second magic number is one of an image too, of an unknown kind.
fn starts_an_image(head: &[u8]) -> bool {
    match FileHeader::parse(None, head) {
        Ok(_) => true,
        Err(e) => e.kind() == ErrorKind::UnknownMagic && e.offset() > 0,
    }
}

fn in_file(path: &Path) -> anyhow::Result<Source> {
    let shown = || path.display().to_string();
    let name = path.file_name().unwrap_or_default().as_encoded_bytes().to_vec();
    let kind = Kind::from_file_name(&name).map(|found| found.0);
    explain(&name, kind)?;
    let mut file = File::open(path).with_context(shown)?;
    let mut head = Vec::new();
    Read::by_ref(&mut file).take(8).read_to_end(&mut head).with_context(shown)?;
    if kind.is_some() || starts_an_image(&head) {
        let reader = Box::new(Cursor::new(head).chain(file));
        return Ok(Source::Image { name, kind, reader });
    }
    if head.is_empty() {
        bail!("{}: the file is empty", shown());
    }
    // What was read of a pipe is not there a second time.
    if !file.metadata().with_context(shown)?.is_file() {
        let reader = Cursor::new(head).chain(file);
        let archive = Archive::from_reader(reader, path, open_options());
        return Ok(Source::Archive(archive.with_context(shown)?));
    }
    open(path).map(Source::Archive).context("neither an image of CRIU's nor an archive")
}

/// Finds a member by its name, or by the end of it where that is clear.
fn find<'a>(archive: &'a Archive, name: &[u8]) -> anyhow::Result<&'a Member> {
    let is_file = |m: &Member| matches!(m.kind, MemberKind::File | MemberKind::Hardlink);
    let name = name.strip_prefix(b"./").unwrap_or(name);
    if let Some(member) = archive.member(name) {
        if !is_file(member) {
            bail!("{} is not a regular file", escape_bytes(name));
        }
        return Ok(member);
    }
    let ending: Vec<_> = archive
        .members()
        .iter()
        .filter(|m| is_file(m) && m.name.strip_suffix(name).is_some_and(|rest| rest.ends_with(b"/")))
        .collect();
    let archive = archive.path().display();
    match ending.as_slice() {
        [member] => Ok(member),
        [] => bail!("{archive} has no member {}; `images` lists them", escape_bytes(name)),
        several => {
            let names: Vec<_> = several.iter().map(|m| escape_bytes(&m.name)).collect();
            bail!("several members of {archive} are called so: {}", names.join(", "))
        }
    }
}

/// Refuses what is known to have no records, and says what it is.
fn explain(name: &[u8], kind: Option<Kind>) -> anyhow::Result<()> {
    let Some(kind) = kind else {
        if let Some(kind) = companion_kind(name) {
            let reader = match kind {
                "engine-config" | "runtime-spec" => "`show` reads it",
                "network-status" => "`network` reads it",
                "stdio-descriptors" => "`files` shows what it names",
                _ if kind.ends_with("-tar") => "`mem search` looks into it",
                _ => "it is a text",
            };
            bail!("{} is no image of CRIU's but the engine's ({kind}); {reader}", escape_bytes(name));
        }
        return Ok(());
    };
    if kind.info().is_framed() {
        return Ok(());
    }
    let what = match kind {
        Kind::Pages | Kind::PagesOld | Kind::ShmPagesOld => {
            "pages of memory without any structure; `maps` tells whose they are, `mem read` and `mem search` read them"
        }
        Kind::Ifaddr | Kind::Route | Kind::Route6 | Kind::Rule => {
            "netlink messages that `ip … save` wrote; `network` reads them"
        }
        Kind::Iptables | Kind::Ip6tables | Kind::Nftables => "the text of firewall rules; `network` reads it",
        Kind::NetnfCt | Kind::NetnfExp => "netlink messages of connection tracking; `network` reads them",
        Kind::TmpfsDev | Kind::TmpfsImg => {
            "the files of a tmpfs as tar.gz; `mem search` looks into it, `tar -tzf` lists it"
        }
        Kind::AmdgpuPages | Kind::AmdgpuDrmPages => "memory of a GPU without any structure",
        _ => "what another program wrote",
    };
    bail!("{} has no records to decode ({kind}): it holds {what}", escape_bytes(name))
}

/// Decodes images, one after the other.
struct Run<'a> {
    options: Options,
    directory: Option<&'a Path>,
    /// Files made, in lower case: not every file system tells cases apart.
    written: HashSet<String>,
    partial: bool,
}

impl Run<'_> {
    fn warn(&mut self, name: &[u8], what: &str) {
        self.partial = true;
        eprintln!("warning: {}: {}", escape_bytes(name), escape(what));
    }

    fn warn_about(&mut self, archive: &Archive) {
        for warning in archive.warnings() {
            self.partial = true;
            eprintln!(
                "warning: {}: {}",
                escape(&archive.path().to_string_lossy()),
                escape(&warning.to_string())
            );
        }
    }

    /// Decodes the only image there is.
    fn one(&mut self, name: &[u8], kind: Option<Kind>, reader: impl Read) -> anyhow::Result<()> {
        let refused = if self.directory.is_some() {
            self.write_file(name, kind, reader)?
        } else {
            let stdout = io::stdout().lock();
            let mut out = Sink::new(BufWriter::with_capacity(64 << 10, stdout), Vec::new());
            self.document(name, kind, reader, &mut out, b"\n")?
        };
        match refused {
            Some(e) => Err(e).with_context(|| String::from_utf8_lossy(name).into_owned()),
            None => Ok(()),
        }
    }

    /// Decodes every image of an archive.
    fn all(&mut self, archive: &Archive) -> anyhow::Result<()> {
        if self.directory.is_none() && self.options.pretty {
            bail!("--pretty gives many lines an image; with a whole archive it needs --output-dir");
        }
        let mut stdout = BufWriter::with_capacity(64 << 10, io::stdout().lock());
        let (mut images, mut others) = (0_u64, 0_u64);
        for member in archive.members() {
            let kind = Kind::from_file_name(&member.name).map(|found| found.0);
            if let Some(what) = archive.irregular(member) {
                if member.kind != MemberKind::Directory && kind.is_some() {
                    self.warn(&member.name, &what);
                }
                continue;
            }
            if explain(&member.name, kind).is_err() {
                others += 1;
                continue;
            }
            let data = match archive.data(member).and_then(|data| data.dense().cloned()) {
                Ok(data) => data,
                Err(e) => {
                    self.warn(&member.name, &e.to_string());
                    continue;
                }
            };
            if kind.is_none() {
                let mut head = [0; 8];
                let count = data.read_at(0, &mut head).unwrap_or(0);
                if !starts_an_image(&head[..count]) {
                    others += 1;
                    continue;
                }
            }
            images += 1;
            if self.directory.is_some() {
                if let Some(e) = self.write_file(&member.name, kind, data.reader())? {
                    self.warn(&member.name, &e.to_string());
                }
                continue;
            }
            let mut line = b"{\"member\": ".to_vec();
            write_json(&mut line, &member.display_name())?;
            if std::str::from_utf8(&member.name).is_err() {
                use base64::Engine as _;
                let exact = base64::engine::general_purpose::STANDARD.encode(&member.name);
                line.extend(format!(", \"memberBase64\": \"{exact}\"").into_bytes());
            }
            line.extend_from_slice(b", \"image\": ");
            let mut out = Sink::new(&mut stdout, line);
            if let Some(e) = self.document(&member.name, kind, data.reader(), &mut out, b"}\n")? {
                self.warn(&member.name, &e.to_string());
            }
        }
        stdout.flush()?;
        self.warn_about(archive);
        if images == 0 {
            bail!("{} holds no image with records; `images` lists what it holds", archive.path().display());
        }
        if others > 0 {
            eprintln!("note: {others} members have no records to decode; `images` lists them");
        }
        Ok(())
    }

    /// Writes one document; gives the reason if not a byte of it can be made.
    fn document<W: Write>(
        &mut self,
        name: &[u8],
        kind: Option<Kind>,
        reader: impl Read,
        out: &mut Sink<W>,
        end: &[u8],
    ) -> anyhow::Result<Option<image::Error>> {
        match crit::decode(kind, reader, &mut *out, &self.options) {
            Ok(report) => {
                if let Some(error) = report.first_error {
                    let more = match report.damaged {
                        0 | 1 => String::new(),
                        n => format!(" (and {} more)", n - 1),
                    };
                    self.warn(name, &format!("{error}{more}"));
                }
            }
            Err(e) if out.failed => return Err(e.into()),
            Err(e) if out.before.is_some() => return Ok(Some(e)),
            Err(e) => self.warn(name, &e.to_string()),
        }
        out.write_all(end)?;
        out.flush()?;
        Ok(None)
    }

    fn write_file(
        &mut self,
        name: &[u8],
        kind: Option<Kind>,
        reader: impl Read,
    ) -> anyhow::Result<Option<image::Error>> {
        let Some(directory) = self.directory else { return Ok(None) };
        let stem = if name == b"-" { "stdin".to_owned() } else { file_name(name) };
        let mut base = format!("{stem}.json");
        let mut number = 1_u32;
        // A name that is twice in the archive, or too long to tell apart.
        while !self.written.insert(base.to_lowercase()) {
            number += 1;
            base = format!("{stem}~{number}.json");
        }
        let path = directory.join(base);
        // Fails for whatever is there already, symbolic links too.
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let file = file.with_context(|| format!("{} is not overwritten", path.display()))?;
        let mut out = Sink::new(BufWriter::with_capacity(64 << 10, file), Vec::new());
        let refused = self.document(name, kind, reader, &mut out, b"\n")?;
        if refused.is_some() {
            drop(out);
            fs::remove_file(&path)?;
        }
        Ok(refused)
    }
}

/// Puts something before the first byte, if there is one, and knows whose fault an error is.
struct Sink<W> {
    out: W,
    before: Option<Vec<u8>>,
    failed: bool,
}

impl<W: Write> Sink<W> {
    fn new(out: W, before: Vec<u8>) -> Self {
        Self { out, before: Some(before), failed: false }
    }
}

impl<W: Write> Write for Sink<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let written = match self.before.take() {
            Some(before) => self.out.write_all(&before).and_then(|()| self.out.write(buf)),
            None => self.out.write(buf),
        };
        written.inspect_err(|_| self.failed = true)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush().inspect_err(|_| self.failed = true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_may_have_colons_in_their_names() {
        let found = splits(OsStr::new("a:b.tar:core-1.img"));
        let want = [("a:b.tar", "core-1.img"), ("a", "b.tar:core-1.img")];
        assert_eq!(found, want.map(|(archive, member)| (PathBuf::from(archive), member.into())));
        assert!(splits(OsStr::new("pstree.img")).is_empty());
    }
}
