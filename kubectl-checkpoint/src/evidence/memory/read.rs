//! `mem read`: bytes at an address.

use std::ffi::OsString;
use std::io::Write;
use std::ops::Range;
use std::process::ExitCode;

use clap::Args;
use libforensic::memory::AddressSpace;

use super::address::{from_length, number, range};
use super::{ParentArgs, split_operands};
use crate::cli::PARTIAL;
use crate::evidence::Evidence;
use crate::output::HexDump;

/// Bytes that are read and formatted at once.
const CHUNK: usize = 1 << 20;

#[derive(Debug, Args)]
#[command(
    override_usage = "kubectl checkpoint mem read -p PID [OPTIONS] ADDR LEN ARCHIVE\n       \
                      kubectl checkpoint mem read -p PID [OPTIONS] START-END ARCHIVE",
    after_help = "ADDR and LEN are decimal, or hexadecimal with 0x. START-END is hexadecimal, as in the \
                  output of maps; START+LENGTH is taken too. Anonymous pages that were never written read as \
                  zeros. Bytes that the evidence does not hold show as ??."
)]
pub(crate) struct ReadArgs {
    /// The process
    #[arg(short, long, value_name = "PID")]
    pid: u32,
    /// Writes the bytes as they are; stops with exit code 3 at a byte that is not in the evidence
    #[arg(long)]
    raw: bool,
    /// With --raw, writes this byte in place of those that are not in the evidence
    #[arg(long, value_name = "BYTE", requires = "raw", value_parser = byte)]
    fill: Option<u8>,
    /// Prints every line, also those that repeat the one before
    #[arg(short = 'v', long)]
    no_squeezing: bool,
    #[command(flatten)]
    parents: ParentArgs,
    /// Where to read, and from which archive
    #[arg(required = true, value_name = "ADDR LEN ARCHIVE")]
    operands: Vec<OsString>,
}

fn byte(text: &str) -> Result<u8, String> {
    u8::try_from(number(text)?).map_err(|_| format!("{text} is no byte"))
}

pub(crate) fn read(args: &ReadArgs) -> anyhow::Result<ExitCode> {
    const USAGE: &str = "give an address, a length and an archive";
    let (place, archives) = match args.operands.len() {
        0..=2 => split_operands(&args.operands, 1, USAGE)?,
        _ => split_operands(&args.operands, 2, USAGE)?,
    };
    if archives.len() != 1 {
        anyhow::bail!("{USAGE}; one archive at a time");
    }
    let place: Vec<String> = place.iter().map(|p| p.to_string_lossy().into_owned()).collect();
    let wanted = match place.as_slice() {
        [one] => range(one),
        [start, length] => number(start)
            .and_then(|start| from_length(start, number(length.strip_prefix('+').unwrap_or(length))?)),
        _ => Err(USAGE.to_owned()),
    }
    .map_err(anyhow::Error::msg)?;
    let evidence = Evidence::of(&archives, &args.parents.parents).with_memory();
    let space = evidence.get(0)?.memory(args.pid)?;
    let mut out = std::io::stdout().lock();
    let holes = if args.raw {
        write_raw(&space, wanted, args.fill, &mut out)?
    } else {
        write_dump(&space, wanted, !args.no_squeezing, &mut out)?
    };
    out.flush()?;
    let code = evidence.finish(0);
    if let Some((at, why)) = holes
        && args.raw
    {
        eprintln!("warning: the evidence does not hold the byte at {at:#018x}: {why}");
        return Ok(ExitCode::from(PARTIAL));
    }
    Ok(code)
}

/// Reads a chunk. The flags say which bytes are known where not all are; the hole is the first one.
pub(crate) fn chunk(
    space: &AddressSpace,
    at: u64,
    buf: &mut [u8],
) -> (Option<Vec<bool>>, Option<(u64, String)>) {
    let mut known: Option<Vec<bool>> = None;
    let mut first = None;
    let mut done = 0;
    while done < buf.len() {
        let here = at.saturating_add(done as u64);
        let (got, why) = match space.read(here, &mut buf[done..]) {
            Ok(read) => (read.bytes, read.hole.map(|h| h.description().to_owned())),
            Err(_) => one_by_one(space, here, &mut buf[done..]),
        };
        done += got;
        let Some(why) = why else { continue };
        let hole = at.saturating_add(done as u64);
        first.get_or_insert((hole, why));
        let (_, end) = space.span(hole);
        // A damaged page costs itself only.
        let damaged_end = (hole / space.page_size() + 1).saturating_mul(space.page_size());
        let is_hole = matches!(space.span(hole).0, libforensic::memory::Span::Hole(_));
        let end = if is_hole { end } else { end.min(damaged_end) };
        let gap = usize::try_from(end.saturating_sub(hole)).unwrap_or(usize::MAX).clamp(1, buf.len() - done);
        let len = buf.len();
        known.get_or_insert_with(|| vec![true; len])[done..done + gap].fill(false);
        buf[done..done + gap].fill(0);
        done += gap;
    }
    (known, first)
}

/// Reads up to the first page that is damaged.
fn one_by_one(space: &AddressSpace, at: u64, buf: &mut [u8]) -> (usize, Option<String>) {
    let page = space.page_size();
    let mut done = 0;
    while done < buf.len() {
        let here = at.saturating_add(done as u64);
        let left = usize::try_from(page - here % page).unwrap_or(usize::MAX).min(buf.len() - done);
        match space.read(here, &mut buf[done..done + left]) {
            Ok(read) if read.hole.is_none() => done += read.bytes,
            Ok(read) => return (done + read.bytes, read.hole.map(|h| h.description().to_owned())),
            Err(e) => return (done, Some(e.to_string())),
        }
    }
    (done, None)
}

fn write_raw(
    space: &AddressSpace,
    wanted: Range<u64>,
    fill: Option<u8>,
    out: &mut impl Write,
) -> anyhow::Result<Option<(u64, String)>> {
    let mut buf = vec![0; CHUNK];
    let mut at = wanted.start;
    while at < wanted.end {
        let n = usize::try_from(wanted.end - at).unwrap_or(CHUNK).min(CHUNK);
        let (known, hole) = chunk(space, at, &mut buf[..n]);
        match (known, fill) {
            (None, _) => out.write_all(&buf[..n])?,
            (Some(known), Some(fill)) => {
                for (byte, known) in buf.iter_mut().zip(known) {
                    if !known {
                        *byte = fill;
                    }
                }
                out.write_all(&buf[..n])?;
            }
            (Some(known), None) => {
                let end = known.iter().position(|k| !k).unwrap_or(n);
                out.write_all(&buf[..end])?;
                return Ok(hole);
            }
        }
        at += n as u64;
    }
    Ok(None)
}

fn write_dump(
    space: &AddressSpace,
    wanted: Range<u64>,
    fold: bool,
    out: &mut impl Write,
) -> anyhow::Result<Option<(u64, String)>> {
    let mut buf = vec![0; CHUNK];
    let mut text = Vec::new();
    let mut dump = HexDump::new(fold);
    let mut first = None;
    let mut at = wanted.start;
    while at < wanted.end {
        let n = usize::try_from(wanted.end - at).unwrap_or(CHUNK).min(CHUNK);
        let (known, hole) = chunk(space, at, &mut buf[..n]);
        first = first.or(hole);
        text.clear();
        match known {
            None => dump.bytes(at, &buf[..n], &mut text),
            Some(known) => {
                for (i, (line, known)) in buf[..n].chunks(16).zip(known.chunks(16)).enumerate() {
                    let mask = known.iter().enumerate().fold(0, |m, (i, k)| m | u16::from(*k) << i);
                    dump.line(at + i as u64 * 16, line, mask, &mut text);
                }
            }
        }
        out.write_all(&text)?;
        at += n as u64;
    }
    text.clear();
    dump.finish(wanted.end, &mut text);
    out.write_all(&text)?;
    Ok(first)
}
