//! `mem read`: bytes at an address.

use std::ffi::OsString;
use std::io::Write;
use std::ops::Range;
use std::process::ExitCode;

use clap::Args;
use libforensic::memory::AddressSpace;

use super::address::{address, from_length, number, range};
use super::walk::{CHUNK, Piece, piece};
use super::{LayerArgs, split_operands};
use crate::cli::PARTIAL;
use crate::evidence::Evidence;
use crate::output::{HexDump, escape};

#[derive(Debug, Args)]
#[command(
    override_usage = "kubectl checkpoint mem read -p PID [OPTIONS] ADDR LEN ARCHIVE\n       \
                      kubectl checkpoint mem read -p PID [OPTIONS] START-END ARCHIVE",
    after_help = "ADDR and LEN are decimal, or hexadecimal with 0x; an ADDR with letters is hexadecimal without \
                  it. START-END is hexadecimal, as in the output of maps; START+LENGTH is taken too. Anonymous \
                  pages that were never written read as zeros. Bytes that the evidence does not hold show as \
                  ??, long stretches of them as one line that says how many and why.\n\n\
                  Exit code 3: the evidence does not hold all bytes of what was mapped there, or none at all."
)]
pub(crate) struct ReadArgs {
    /// The process
    #[arg(short, long, value_name = "PID", value_parser = crate::cli::pid)]
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
    layers: LayerArgs,
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
    let mut other = None;
    let wanted = match place.as_slice() {
        [one] => range(one),
        [start, length] => address(start).and_then(|(start, hexadecimal)| {
            let length = number(length.strip_prefix('+').unwrap_or(length))?;
            other = hexadecimal;
            from_length(start, length)
        }),
        _ => Err(USAGE.to_owned()),
    }
    .map_err(anyhow::Error::msg)?;
    let evidence = Evidence::of(&archives, &[]).with_layers(&args.layers);
    let space = evidence.get(0)?.memory(args.pid)?;
    if let Some(other) = other.filter(|o| space.region(wanted.start).is_none() && space.region(*o).is_some())
    {
        eprintln!(
            "note: {0} was taken as decimal, {1:#x}, where nothing is mapped; 0x{0} is {other:#x} in hexadecimal",
            wanted.start, wanted.start
        );
    }
    let mut out = std::io::stdout().lock();
    let held = if args.raw {
        write_raw(&space, wanted.clone(), args.fill, &mut out)?
    } else {
        write_dump(&space, wanted.clone(), !args.no_squeezing, &mut out)?
    };
    out.flush()?;
    let code = evidence.finish(0);
    if let Some((at, why)) = held.missing
        && (args.raw || held.mapped || !held.any)
    {
        eprintln!("warning: the evidence does not hold the byte at {at:#018x}: {}", escape(&why));
        return Ok(ExitCode::from(PARTIAL));
    }
    Ok(code)
}

/// What was found to be missing on the way.
#[derive(Default)]
struct Held {
    /// Whether any byte was there.
    any: bool,
    /// Whether a byte of a mapping was not.
    mapped: bool,
    /// The first byte that was not there, and why; of a mapping, if there is such a one.
    missing: Option<(u64, String)>,
}

impl Held {
    fn lacks(&mut self, at: u64, why: &str, mapped: bool) {
        if self.missing.is_none() || (mapped && !self.mapped) {
            self.missing = Some((at, why.to_owned()));
        }
        self.mapped |= mapped;
    }
}

fn write_raw(
    space: &AddressSpace,
    wanted: Range<u64>,
    fill: Option<u8>,
    out: &mut impl Write,
) -> anyhow::Result<Held> {
    let mut buf = vec![0; CHUNK];
    let mut held = Held::default();
    let mut at = wanted.start;
    while at < wanted.end {
        match piece(space, at, wanted.end, &mut buf) {
            Piece::Bytes(n) => {
                held.any = true;
                out.write_all(&buf[..n])?;
                at += n as u64;
            }
            Piece::Zeros(end) => {
                held.any = true;
                repeat(0, end - at, &mut buf, out)?;
                at = end;
            }
            Piece::Unknown { end, why, mapped } => {
                held.lacks(at, &why, mapped);
                let Some(fill) = fill else { break };
                repeat(fill, end - at, &mut buf, out)?;
                at = end;
            }
        }
    }
    Ok(held)
}

/// Writes one byte many times.
fn repeat(byte: u8, mut times: u64, buf: &mut [u8], out: &mut impl Write) -> std::io::Result<()> {
    buf.fill(byte);
    while times > 0 {
        let n = usize::try_from(times).unwrap_or(usize::MAX).min(buf.len());
        out.write_all(&buf[..n])?;
        times -= n as u64;
    }
    Ok(())
}

fn write_dump(
    space: &AddressSpace,
    wanted: Range<u64>,
    fold: bool,
    out: &mut impl Write,
) -> anyhow::Result<Held> {
    // Six characters and more come out for every byte.
    let mut buf = vec![0; CHUNK / 4];
    let step = if fold { u64::MAX } else { buf.len() as u64 };
    let mut text = Vec::new();
    let mut dump = HexDump::new(fold);
    let mut held = Held::default();
    let mut at = wanted.start;
    while at < wanted.end {
        text.clear();
        match piece(space, at, wanted.end, &mut buf) {
            Piece::Bytes(n) => {
                held.any = true;
                dump.bytes(at, &buf[..n], &mut text);
                at += n as u64;
            }
            Piece::Zeros(end) => {
                held.any = true;
                let end = end.min(at.saturating_add(step));
                dump.zeros(at, end, &mut text);
                at = end;
            }
            Piece::Unknown { end, why, mapped } => {
                held.lacks(at, &why, mapped);
                let end = end.min(at.saturating_add(step));
                dump.unknown(at, end, &escape(&why), &mut text);
                at = end;
            }
        }
        out.write_all(&text)?;
    }
    text.clear();
    dump.finish(wanted.end, &mut text);
    out.write_all(&text)?;
    Ok(held)
}
