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
    let mut out = String::with_capacity(name.len().min(LONGEST));
    for byte in name {
        if out.len() >= LONGEST {
            break;
        }
        match byte {
            b'/' if !out.is_empty() => out.push('_'),
            _ => put(&mut out, *byte, false),
        }
    }
    // All of it is ASCII.
    out.truncate(LONGEST);
    if out.is_empty() { "%".to_owned() } else { out }
}

/// Returns one component of a path for one component of a path in evidence.
///
/// As [`file_name`], but `_` stays, and a slash is a character like others.
pub fn component(name: &[u8]) -> String {
    let mut out = String::with_capacity(name.len().min(LONGEST));
    for byte in name.iter().take(LONGEST) {
        put(&mut out, *byte, true);
    }
    out.truncate(LONGEST);
    if out.is_empty() { "%".to_owned() } else { out }
}

fn put(out: &mut String, byte: u8, underscore: bool) {
    match byte {
        b'.' if !out.is_empty() => out.push('.'),
        b'_' if underscore => out.push('_'),
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => out.push(char::from(byte)),
        _ => {
            let _ = write!(out, "%{byte:02X}");
        }
    }
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

    #[test]
    fn a_component_is_one() {
        for (name, want) in [
            (&b"libc_x.so.6"[..], "libc_x.so.6"),
            (b"..", "%2E."),
            (b".bashrc", "%2Ebashrc"),
            (b"a/b", "a%2Fb"),
            (b"", "%"),
            (b"\0\n~", "%00%0A%7E"),
        ] {
            assert_eq!(component(name), want);
        }
        assert_eq!(component(&[0xff; 1000]).len(), LONGEST);
    }
}
