//! Text that somebody else wrote, made fit for a terminal.
//!
//! Error bodies, names and events come from the cluster and may have been
//! chosen by an attacker: no control character of theirs reaches a terminal.

use std::fmt::Write as _;

use crate::output::is_harmless;

/// How much of a foreign text is quoted in a message, in characters.
const QUOTE_LIMIT: usize = 2000;

/// Returns `text` with every control character and every character that is
/// invisible or changes the direction of writing shown as an escape, line feeds included.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if !is_harmless(c) => {
                // Writing to a String cannot end in an error.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// Returns `text` trimmed, escaped and cut to a length that fits a message.
pub(super) fn quote(text: &str) -> String {
    let trimmed = text.trim();
    if trimmed.chars().count() <= QUOTE_LIMIT {
        return escape(trimmed);
    }
    let cut: String = trimmed.chars().take(QUOTE_LIMIT).collect();
    format!("{} … (cut)", escape(&cut))
}

/// Returns `text` with its line feeds, and everything else escaped that a terminal could act on.
///
/// For messages that have lines of their own, on their last step to the terminal.
pub(super) fn lines(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(escape).collect();
    lines.join("\n")
}

/// Formats a byte count the way a person reads it.
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    // The precision that is lost is beyond the one decimal shown.
    #[allow(clippy::cast_precision_loss)]
    let mut value = count as f64;
    let mut unit = "B";
    for name in UNITS {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = name;
    }
    format!("{value:.1} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_not_sent() {
        assert_eq!(escape("a\x1b[2J\u{9b}b\u{202e}\u{7f}"), "a\\u{1b}[2J\\u{9b}b\\u{202e}\\u{7f}");
        assert_eq!(escape("a\u{200b}\u{2028}\u{feff}b"), "a\\u{200b}\\u{2028}\\u{feff}b");
        assert_eq!(lines("one\r\ntwo\u{1b}c"), "one\\r\ntwo\\u{1b}c");
        // Whoever escaped before loses nothing.
        assert_eq!(lines(&escape("a\u{9b}\\b")), escape("a\u{9b}\\b"));
        assert_eq!(escape("zwei\nZeilen\t–"), "zwei\\nZeilen\\t–");
    }

    #[test]
    fn long_text_is_cut() {
        assert!(quote(&"x".repeat(10_000)).len() < 2100);
        assert_eq!(quote("  short\n"), "short");
    }

    #[test]
    fn byte_counts_are_readable() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(600 << 20), "600.0 MiB");
    }
}
