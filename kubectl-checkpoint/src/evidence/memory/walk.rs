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

/// Reads as much of `buf` as the evidence holds, from `at` on; the rest becomes zero.
///
/// The flags say which bytes are known where not all are; the hole is the first one, and why.
pub(crate) fn chunk(
    space: &AddressSpace,
    at: u64,
    buf: &mut [u8],
) -> (Option<Vec<bool>>, Option<(u64, String)>) {
    let len = buf.len();
    let end = at.saturating_add(len as u64);
    let mut known: Option<Vec<bool>> = None;
    let mut first = None;
    let mut done = 0;
    while done < len {
        let here = at.saturating_add(done as u64);
        if here >= end {
            // Behind the last address there is nothing.
            known.get_or_insert_with(|| vec![true; len])[done..].fill(false);
            buf[done..].fill(0);
            break;
        }
        let up_to =
            |to: u64| usize::try_from(to.saturating_sub(here)).unwrap_or(usize::MAX).clamp(1, len - done);
        match piece(space, here, end, &mut buf[done..]) {
            Piece::Bytes(n) => done += n.clamp(1, len - done),
            Piece::Zeros(to) => {
                let n = up_to(to);
                buf[done..done + n].fill(0);
                done += n;
            }
            Piece::Unknown { end: to, why, .. } => {
                let n = up_to(to);
                first.get_or_insert((here, why));
                known.get_or_insert_with(|| vec![true; len])[done..done + n].fill(false);
                buf[done..done + n].fill(0);
                done += n;
            }
        }
    }
    (known, first)
}
