//! JSON that is exact and yet does nothing to a terminal.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

use super::escape::is_harmless;

/// Writes a value on one line.
///
/// # Errors
///
/// When the output fails.
pub fn write_json(out: impl Write, value: &impl Serialize) -> serde_json::Result<()> {
    value.serialize(&mut serde_json::Serializer::with_formatter(out, Safe(CompactFormatter)))
}

/// Returns a value as text on one line.
///
/// # Errors
///
/// When the value cannot be JSON.
pub fn json_text(value: &(impl Serialize + ?Sized)) -> serde_json::Result<String> {
    let mut out = Vec::new();
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut out, Safe(CompactFormatter)))?;
    String::from_utf8(out).map_err(serde::ser::Error::custom)
}

/// Returns a value as YAML.
///
/// YAML has no escapes but in double quotes, and not all text that needs them
/// gets these: where something would reach a terminal alive, the value is
/// given in the form of JSON, which is YAML too.
///
/// # Errors
///
/// When the value cannot be YAML.
pub fn yaml_text(value: &impl Serialize) -> anyhow::Result<String> {
    let mut text = String::new();
    serde_saphyr::to_fmt_writer(&mut text, value)?;
    if text.chars().any(|c| c != '\n' && !is_harmless(c)) {
        let mut json = Vec::new();
        write_json_pretty(&mut json, value)?;
        text = String::from_utf8(json)?;
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

/// Writes a value on many lines.
///
/// # Errors
///
/// When the output fails.
pub fn write_json_pretty(out: impl Write, value: &impl Serialize) -> serde_json::Result<()> {
    value.serialize(&mut serde_json::Serializer::with_formatter(out, Safe(PrettyFormatter::new())))
}

/// Escapes what JSON would let through: DEL, C1 controls, bidirectional and invisible characters.
///
/// `\u009b` is the same text to a program that reads it, and no control
/// sequence to a terminal that shows it.
struct Safe<F>(F);

impl<F: Formatter> Formatter for Safe<F> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| !is_harmless(*c)) {
            let (before, behind) = rest.split_at(at);
            out.write_all(before.as_bytes())?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = &behind[c.len_utf8()..];
        }
        out.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_array(out)
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array(out)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(out, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array_value(out)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object(out)
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object(out)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object_value(out)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_value(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_value_and_nothing_live() {
        let value = serde_json::json!({
            "a\u{9b}": ["\u{1b}[31m \u{7f}\u{202e}x\u{e000}\u{10ffff} é😀\"\\", 1, null],
            "b": {},
        });
        let mut compact = Vec::new();
        write_json(&mut compact, &value).unwrap();
        let mut pretty = Vec::new();
        write_json_pretty(&mut pretty, &value).unwrap();
        for bytes in [&compact, &pretty] {
            assert_eq!(serde_json::from_slice::<serde_json::Value>(bytes).unwrap(), value);
            let text = std::str::from_utf8(bytes).unwrap();
            assert!(text.chars().all(|c| is_harmless(c) || c == '\n'), "{text}");
            assert!(text.contains("é😀"));
        }
        assert_eq!(std::str::from_utf8(&pretty).unwrap().lines().count(), 8);
    }
}
