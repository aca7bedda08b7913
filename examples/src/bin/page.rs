//! Prints the first bytes of a page of memory, and says where they come from.
//!
//!     cargo run -p libforensic-examples --bin page -- examples/evidence/incident.tar.gz 23 0x7ffd00000000
//!
//! Without an address it takes the stack pointer of the main thread.

use libforensic::memory::Span;
use libforensic::{Checkpoint, Error, ErrorKind};

fn main() -> libforensic::Result<()> {
    let mut args = std::env::args().skip(1);
    let usage = || Error::new(ErrorKind::NotFound, "usage: page ARCHIVE PID [ADDRESS]");
    let checkpoint = Checkpoint::open(args.next().ok_or_else(usage)?)?;
    let pid = args.next().and_then(|p| p.parse().ok()).ok_or_else(usage)?;
    let address = if let Some(text) = args.next() {
        u64::from_str_radix(text.trim_start_matches("0x"), 16).map_err(|_| usage())?
    } else {
        let process = checkpoint.process(pid)?;
        let registers = process.threads.first().and_then(|t| t.registers.as_ref());
        registers.and_then(libforensic::model::Registers::sp).ok_or_else(usage)?
    };
    let memory = checkpoint.memory(pid)?;
    let (span, end) = memory.span(address);
    let answer = match span {
        Span::Bytes(layer) => format!("in the evidence: {layer:?}"),
        Span::Hole(hole) => format!("not in the evidence: {}", hole.description()),
    };
    println!("{address:#x}..{end:#x} is {answer}");
    let mut bytes = [0; 64];
    let read = memory.read(address, &mut bytes)?;
    for (i, line) in bytes[..read.bytes].chunks(16).enumerate() {
        println!("{:016x}  {line:02x?}", address + 16 * i as u64);
    }
    Ok(())
}
