//! Converts between bytes and the texts crit has for them.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Bytes that fill a line of base64.
pub(super) const LINE_BYTES: usize = 57;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads base64 in lines of any length.
pub(super) fn from_base64(text: &str) -> Option<Vec<u8>> {
    let dense: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    LENIENT.decode(dense).ok()
}

const MAX_LINE: usize = 76;

fn push_hex(out: &mut Vec<u8>, byte: u8) {
    out.extend_from_slice(format!("={byte:02X}").as_bytes());
}

/// Writes bytes as quoted-printable text, with the line ends of Python's `binascii.b2a_qp`.
///
/// Line ends within the bytes stay as they are, all in the form of the first
/// one, so that not every name can be had back; see [`from_quoted_printable`].
pub(super) fn to_quoted_printable(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(bytes.len());
    let mut previous = None;
    let crlf = bytes
        .iter()
        .find_map(|byte| {
            let found = (*byte == b'\n').then_some(previous == Some(b'\r'));
            previous = Some(*byte);
            found
        })
        .unwrap_or(false);
    let end: &[u8] = if crlf { b"\r\n" } else { b"\n" };
    let mut line = 0_usize;
    let mut rest = bytes;
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        let next = tail.first().copied();
        let quoted = match *byte {
            b'=' | 127.. => true,
            b'.' => line == 0 && matches!(next, None | Some(b'\n' | b'\r' | 0)),
            b' ' | b'\t' => next.is_none(),
            b'\r' | b'\n' => false,
            other => other < 33,
        };
        if quoted {
            if line.saturating_add(3) >= MAX_LINE {
                out.push(b'=');
                out.extend_from_slice(end);
                line = 0;
            }
            push_hex(&mut out, *byte);
            line = line.saturating_add(3);
        } else if *byte == b'\n' || (*byte == b'\r' && next == Some(b'\n')) {
            line = 0;
            if let Some(last) = out.last().copied().filter(|last| matches!(last, b' ' | b'\t')) {
                out.pop();
                push_hex(&mut out, last);
            }
            out.extend_from_slice(end);
            if *byte == b'\r' {
                rest = tail.split_first().map_or(tail, |(_, after)| after);
            }
        } else {
            if next.is_some_and(|next| next != b'\n') && line.saturating_add(1) >= MAX_LINE {
                out.push(b'=');
                out.extend_from_slice(end);
                line = 0;
            }
            line = line.saturating_add(1);
            out.push(*byte);
        }
    }
    // All bytes are ASCII by construction.
    String::from_utf8_lossy(&out).into_owned()
}

/// Reads quoted-printable text.
pub(super) fn from_quoted_printable(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        rest = match tail {
            [b'\n', tail @ ..] | [b'\r', b'\n', tail @ ..] if *byte == b'=' => tail,
            [high, low, after @ ..] if *byte == b'=' => {
                if let (Some(high), Some(low)) = (digit(*high), digit(*low)) {
                    out.push(high.wrapping_shl(4) | low);
                    after
                } else {
                    out.push(b'=');
                    tail
                }
            }
            _ => {
                out.push(*byte);
                tail
            }
        };
    }
    out
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_printable() {
        for (bytes, text) in [
            (&b"/run/a.sock\0"[..], "/run/a.sock=00"),
            (b"\0abs=1", "=00abs=3D1"),
            (b"end ", "end=20"),
            (b".", "=2E"),
            (b"a \nb\xff\t", "a=20\nb=FF=09"),
            (b"a\r\nb", "a\r\nb"),
        ] {
            assert_eq!(to_quoted_printable(bytes), text);
            assert_eq!(from_quoted_printable(text), bytes);
        }
        let long = to_quoted_printable(&[b'x'; 100]);
        assert_eq!(long.lines().next().unwrap().len(), 76);
        assert_eq!(from_quoted_printable(&long), [b'x'; 100]);
        // Mixed line ends are what Python loses.
        assert_eq!(to_quoted_printable(b"a\nb\r\nc"), "a\nb\nc");
        assert_eq!(from_quoted_printable("=zz="), b"=zz=");
    }

    #[test]
    fn base64() {
        assert_eq!(from_base64("YWJj\n"), Some(b"abc".to_vec()));
        assert_eq!(from_base64("YQ==\n"), Some(b"a".to_vec()));
        assert_eq!(from_base64("Y!"), None);
        assert_eq!(from_base64(""), Some(Vec::new()));
    }
}
