//! YAML that is exact and yet does nothing to a terminal.

use std::fmt;
use std::io::{self, Write};

use serde::Serialize;
use serde::ser::{Error, SerializeMap, SerializeSeq, Serializer};
use serde_json::Value;
use serde_saphyr::DoubleQuoted;

use super::escape::is_harmless;

/// A value whose strings stand in double quotes where that is the only way to escape what they hold.
///
/// The crate quotes for control characters alone. Bidirectional, zero-width and other invisible
/// characters it writes as they are, so that [`Escaping`] must find them between double quotes,
/// where `\u202E` is the same text to a program that reads it.
pub(super) struct Quoted(Value);

impl Quoted {
    pub(super) fn new<E: Error>(value: &(impl Serialize + ?Sized)) -> Result<Self, E> {
        serde_json::to_value(value).map(Self).map_err(E::custom)
    }
}

impl Serialize for Quoted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        quoted(&self.0, serializer)
    }
}

struct Inner<'v>(&'v Value);

impl Serialize for Inner<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        quoted(self.0, serializer)
    }
}

fn quoted<S: Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Value::String(text) if text.chars().any(is_live) => DoubleQuoted(text).serialize(serializer),
        Value::Array(list) => {
            let mut seq = serializer.serialize_seq(Some(list.len()))?;
            for element in list {
                seq.serialize_element(&Inner(element))?;
            }
            seq.end()
        }
        Value::Object(members) => {
            let mut map = serializer.serialize_map(Some(members.len()))?;
            for (key, value) in members {
                map.serialize_entry(key, &Inner(value))?;
            }
            map.end()
        }
        other => other.serialize(serializer),
    }
}

/// Line ends and tabs make up the document, and stand in blocks of text.
fn is_live(c: char) -> bool {
    !is_harmless(c) && !matches!(c, '\n' | '\t')
}

/// Lets a formatter write to a byte stream, escapes what does something to a terminal, and keeps the
/// error that `fmt` cannot carry.
pub(super) struct Escaping<'o> {
    pub out: &'o mut dyn Write,
    pub error: Option<io::Error>,
    /// Whether a double quote was opened, as the crate does before it writes what is quoted.
    inside: bool,
}

impl<'o> Escaping<'o> {
    pub(super) fn new(out: &'o mut dyn Write) -> Self {
        Self { out, error: None, inside: false }
    }

    fn put(&mut self, text: &str) -> fmt::Result {
        self.out.write_all(text.as_bytes()).map_err(|e| {
            self.error = Some(e);
            fmt::Error
        })
    }
}

impl fmt::Write for Escaping<'_> {
    /// Takes what the crate writes at once: a character of a quoted string, a quoted or plain key.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text == "\"" {
            // A quote that is quoted comes with its backslash.
            self.inside = !self.inside;
        } else if text.contains('\n') {
            self.inside = false;
        }
        if !text.chars().any(is_live) {
            return self.put(text);
        }
        let plain = !self.inside && !text.starts_with('"');
        let mut safe = String::with_capacity(text.len() + 16);
        if plain {
            safe.push('"');
        }
        for c in text.chars() {
            match c {
                c if is_live(c) && u32::from(c) <= 0xffff => {
                    fmt::Write::write_fmt(&mut safe, format_args!("\\u{:04X}", u32::from(c)))?;
                }
                c if is_live(c) => {
                    fmt::Write::write_fmt(&mut safe, format_args!("\\U{:08X}", u32::from(c)))?;
                }
                '"' | '\\' if plain => safe.extend(['\\', c]),
                c => safe.push(c),
            }
        }
        if plain {
            safe.push('"');
        }
        self.put(&safe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_value_and_nothing_live() {
        let mut texts: Vec<String> = (0x80..=0x9f_u32)
            .chain(0x200b..=0x200f)
            .chain(0x2028..=0x202e)
            .chain(0x2060..=0x2069)
            .chain([0xad, 0x61c, 0xfeff, 0xfffe, 0xe000, 0xe0041, 0x10_fffd, 0x1b, 0x7f, 0])
            .filter_map(char::from_u32)
            .flat_map(|c| {
                [format!("a{c}b"), format!("{c}"), format!("\"x\\{c} '#: -\n\tlast{c}"), format!("- {c}\n")]
            })
            .collect();
        texts.extend(
            [
                "plain",
                "\"",
                "'",
                "\"\u{202e}\"",
                "Grüße, 世界 😀",
                "two\nlines\n",
                "yes",
                "1e3",
                "",
                " x",
                "\u{202e}\u{202e}",
            ]
            .map(String::from),
        );
        // Longer than what is folded.
        texts.push("word ".repeat(60) + "\u{202e}");
        let members: serde_json::Map<String, Value> =
            texts.iter().map(|t| (t.clone(), Value::from(t.as_str()))).collect();
        let value =
            serde_json::json!({"list": texts, "members": members, "n": [1, -2, 0.5, null, true], "e": {}});
        let mut out = Vec::new();
        let mut text = Escaping::new(&mut out);
        let quoted = Quoted::new::<serde_json::Error>(&value).unwrap();
        serde_saphyr::to_fmt_writer(&mut text, &quoted).unwrap();
        let text = String::from_utf8(out).unwrap();
        let live: Vec<&str> = text.lines().filter(|l| l.chars().any(is_live)).collect();
        assert!(live.is_empty(), "{live:?}");
        assert!(text.contains("Grüße, 世界 😀"));
        assert_eq!(serde_saphyr::from_str::<Value>(&text).unwrap(), value);
    }
}
