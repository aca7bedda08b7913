//! Writes JSON byte for byte as Python's `json.dump` does.

use std::io::{self, Write};

/// A writer of one JSON document.
///
/// Python separates with a comma and a space on one line, or with a comma and a
/// new line when indenting; it writes nothing but ASCII.
pub(super) struct Json<W> {
    out: W,
    buffer: Vec<u8>,
    pretty: bool,
    depth: usize,
    fresh: bool,
}

const FLUSH_AT: usize = 64 << 10;

impl<W: Write> Json<W> {
    pub(super) fn new(out: W, pretty: bool) -> Self {
        Self { out, buffer: Vec::with_capacity(FLUSH_AT.saturating_mul(2)), pretty, depth: 0, fresh: true }
    }

    /// Hands what was written to the output, from time to time.
    pub(super) fn flush_some(&mut self) -> io::Result<()> {
        if self.buffer.len() >= FLUSH_AT {
            self.flush_all()?;
        }
        Ok(())
    }

    pub(super) fn flush_all(&mut self) -> io::Result<()> {
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    fn newline(&mut self) {
        const SPACES: &[u8] = b"                                ";
        self.buffer.push(b'\n');
        let mut left = self.depth.saturating_mul(4);
        while left > 0 {
            let part = left.min(SPACES.len());
            self.buffer.extend(SPACES.iter().take(part));
            left = left.saturating_sub(part);
        }
    }

    /// Separates an element of an array from the one before it.
    pub(super) fn element(&mut self) {
        if !self.fresh {
            self.buffer.push(b',');
        }
        if self.pretty {
            self.newline();
        } else if !self.fresh {
            self.buffer.push(b' ');
        }
        self.fresh = false;
    }

    fn open(&mut self, bracket: u8) {
        self.buffer.push(bracket);
        self.depth = self.depth.saturating_add(1);
        self.fresh = true;
    }

    fn close(&mut self, bracket: u8) {
        self.depth = self.depth.saturating_sub(1);
        if self.pretty && !self.fresh {
            self.newline();
        }
        self.buffer.push(bracket);
        self.fresh = false;
    }

    pub(super) fn open_object(&mut self) {
        self.open(b'{');
    }

    pub(super) fn close_object(&mut self) {
        self.close(b'}');
    }

    pub(super) fn open_array(&mut self) {
        self.open(b'[');
    }

    pub(super) fn close_array(&mut self) {
        self.close(b']');
    }

    /// Writes the name of a member; its value must follow.
    pub(super) fn key(&mut self, name: &str) {
        self.element();
        self.string(name);
        self.buffer.extend_from_slice(b": ");
    }

    pub(super) fn unsigned(&mut self, mut value: u64) {
        let mut digits = [0_u8; 20];
        let mut used = 0_usize;
        for digit in digits.iter_mut().rev() {
            #[allow(clippy::cast_possible_truncation)] // a decimal digit
            let low = (value % 10) as u8;
            *digit = b'0'.wrapping_add(low);
            used = used.saturating_add(1);
            value /= 10;
            if value == 0 {
                break;
            }
        }
        let start = digits.len().saturating_sub(used);
        self.buffer.extend_from_slice(digits.get(start..).unwrap_or_default());
    }

    pub(super) fn signed(&mut self, value: i64) {
        if value < 0 {
            self.buffer.push(b'-');
        }
        self.unsigned(value.unsigned_abs());
    }

    pub(super) fn boolean(&mut self, value: bool) {
        let text: &[u8] = if value { b"true" } else { b"false" };
        self.buffer.extend_from_slice(text);
    }

    pub(super) fn null(&mut self) {
        self.buffer.extend_from_slice(b"null");
    }

    pub(super) fn string(&mut self, text: &str) {
        self.buffer.push(b'"');
        self.text(text);
        self.buffer.push(b'"');
    }

    fn text(&mut self, text: &str) {
        if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\') {
            self.buffer.extend_from_slice(text.as_bytes());
            return;
        }
        for c in text.chars() {
            let escape: &[u8] = match c {
                '"' => b"\\\"",
                '\\' => b"\\\\",
                '\n' => b"\\n",
                '\r' => b"\\r",
                '\t' => b"\\t",
                '\u{8}' => b"\\b",
                '\u{c}' => b"\\f",
                ' '..='~' => {
                    let mut utf8 = [0; 4];
                    self.buffer.extend_from_slice(c.encode_utf8(&mut utf8).as_bytes());
                    continue;
                }
                _ => {
                    let mut units = [0; 2];
                    for unit in c.encode_utf16(&mut units) {
                        self.buffer.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
                    }
                    continue;
                }
            };
            self.buffer.extend_from_slice(escape);
        }
    }

    /// Writes bytes as MIME's base64: lines of 76 characters, each with its end.
    pub(super) fn base64(&mut self, bytes: &[u8]) {
        self.buffer.push(b'"');
        self.base64_part(bytes);
        self.buffer.push(b'"');
    }

    pub(super) fn open_string(&mut self) {
        self.buffer.push(b'"');
    }

    pub(super) fn close_string(&mut self) {
        self.buffer.push(b'"');
    }

    /// Writes a part of a base64 text; all parts but the last must fill their lines.
    pub(super) fn base64_part(&mut self, bytes: &[u8]) {
        use base64::Engine as _;
        let mut line = [0_u8; 76];
        for chunk in bytes.chunks(super::text::LINE_BYTES) {
            let len = base64::engine::general_purpose::STANDARD.encode_slice(chunk, &mut line).unwrap_or(0);
            self.buffer.extend_from_slice(line.get(..len).unwrap_or_default());
            self.buffer.extend_from_slice(b"\\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(pretty: bool, write: impl FnOnce(&mut Json<&mut Vec<u8>>)) -> String {
        let mut out = Vec::new();
        let mut json = Json::new(&mut out, pretty);
        write(&mut json);
        json.flush_all().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn layout() {
        let document = |json: &mut Json<&mut Vec<u8>>| {
            json.open_object();
            json.key("a");
            json.open_array();
            json.element();
            json.unsigned(1);
            json.element();
            json.signed(-20);
            json.close_array();
            json.key("b");
            json.open_object();
            json.close_object();
            json.key("c");
            json.open_array();
            json.close_array();
            json.close_object();
        };
        assert_eq!(written(false, document), r#"{"a": [1, -20], "b": {}, "c": []}"#);
        assert_eq!(
            written(true, document),
            "{\n    \"a\": [\n        1,\n        -20\n    ],\n    \"b\": {},\n    \"c\": []\n}"
        );
    }

    #[test]
    fn values() {
        let value = |write: fn(&mut Json<&mut Vec<u8>>)| written(false, write);
        assert_eq!(value(|json| json.unsigned(0)), "0");
        assert_eq!(value(|json| json.unsigned(u64::MAX)), "18446744073709551615");
        assert_eq!(value(|json| json.signed(i64::MIN)), "-9223372036854775808");
        assert_eq!(
            value(|json| json.string("a\"\\\n\u{7f}\u{1}é\u{1f600}~")),
            r#""a\"\\\n\u007f\u0001\u00e9\ud83d\ude00~""#
        );
        assert_eq!(value(|json| json.base64(b"")), r#""""#);
        assert_eq!(value(|json| json.base64(b"abc")), r#""YWJj\n""#);
        assert_eq!(value(|json| json.base64(&[0; 58])), format!(r#""{}\nAA==\n""#, "A".repeat(76)));
    }
}
