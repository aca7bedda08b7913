//! Goes through memory by whole spans: bytes, zeros, and what the evidence does not hold.

use libforensic::memory::{AddressSpace, Hole, Layer, Span};

/// Bytes that are read at once.
pub(super) const CHUNK: usize = 1 << 20;

/// Zeros up to this length are read like other bytes, which keeps reads long.
const SHORT: u64 = 64 << 10;

/// What stands at an address.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// This many bytes, in the buffer.
    Bytes(usize),
    /// Anonymous memory that was never written, up to this address.
    Zeros(u64),
    /// Bytes that the evidence does not hold.
    Unknown {
        /// The address behind them.
        end: u64,
        /// Why, in words that may come from evidence.
        why: String,
        /// Whether the process had something there.
        mapped: bool,
    },
}

/// Looks at what stands from `at` to at most `end`, and reads what can be read.
pub(super) fn piece(space: &AddressSpace, at: u64, end: u64, buf: &mut [u8]) -> Piece {
    let (span, limit) = space.span(at);
    let limit = limit.min(end).max(at.saturating_add(1));
    match span {
        Span::Hole(hole) => {
            Piece::Unknown { end: limit, why: hole.description().to_owned(), mapped: hole != Hole::Unmapped }
        }
        Span::Bytes(Layer::Zero) if limit - at > SHORT => Piece::Zeros(limit),
        Span::Bytes(_) => {
            let n = usize::try_from(end - at).unwrap_or(usize::MAX).min(buf.len());
            match space.read(at, &mut buf[..n]) {
                Ok(read) if read.bytes > 0 => Piece::Bytes(read.bytes),
                _ => page_by_page(space, at, limit, buf),
            }
        }
    }
}

/// Reads up to the first damaged page, or says what is wrong with it: it costs itself only.
fn page_by_page(space: &AddressSpace, at: u64, limit: u64, buf: &mut [u8]) -> Piece {
    let page = space.page_size();
    let wanted = usize::try_from(limit - at).unwrap_or(usize::MAX).min(buf.len());
    let mut done = 0;
    while done < wanted {
        let here = at + done as u64;
        let n = usize::try_from(page - here % page).unwrap_or(usize::MAX).min(wanted - done);
        match space.read(here, &mut buf[done..done + n]) {
            Ok(read) if read.bytes == n => done += n,
            // Whatever happens, the caller gets on.
            result if done == 0 => {
                let why = result.map_or_else(|e| e.to_string(), |_| "it cannot be read".to_owned());
                return Piece::Unknown { end: at + n as u64, why, mapped: true };
            }
            _ => break,
        }
    }
    Piece::Bytes(done)
}
