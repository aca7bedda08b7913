//! Makes names of files from names in evidence.

use std::fmt::Write as _;

/// Longest name that is made, in bytes; file systems take 255.
const LONGEST: usize = 200;

/// Returns one component of a path for a member's name, which may hold any bytes.
///
/// A slash becomes `_`; letters, digits, `-` and dots but for the first stay;
/// everything else, `_` included, becomes `%` and two digits. Different names
/// give different components, unless they are longer than 200 bytes are.
pub fn file_name(name: &[u8]) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name {
        match byte {
            b'/' if !out.is_empty() => out.push('_'),
            b'.' if !out.is_empty() => out.push('.'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => out.push(char::from(*byte)),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    // All of it is ASCII.
    out.truncate(LONGEST);
    if out.is_empty() { "%".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_their_directory() {
        for (name, want) in [
            (&b"checkpoint/core-1.img"[..], "checkpoint_core-1.img"),
            (b"amdgpu-dmabuf_3.img", "amdgpu-dmabuf%5F3.img"),
            (b"../../etc/passwd", "%2E._.._etc_passwd"),
            (b"/etc/passwd", "%2Fetc_passwd"),
            (b"..", "%2E."),
            (b".", "%2E"),
            (b"", "%"),
            (b"a\\b:c\0\n\xff", "a%5Cb%3Ac%00%0A%FF"),
        ] {
            assert_eq!(file_name(name), want);
        }
        assert_eq!(file_name(&[b'a'; 1000]).len(), LONGEST);
    }
}
