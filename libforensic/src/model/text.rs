//! Text from evidence, and how facts are written in JSON.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{Serialize, SerializeMap, Serializer};

/// Bytes that are meant to be text: a path, a name, an argument.
///
/// The kernel and CRIU pass such bytes on as they are; they need not be
/// UTF-8, and they may hold anything that an attacker likes to print.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Text(Vec<u8>);

impl Text {
    /// Wraps bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// Returns the bytes as they are in the evidence.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the text; bytes that are not UTF-8 become U+FFFD.
    pub fn to_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// Returns the text, or `None` if it is not UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// Returns true if there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_lossy())
    }
}

impl From<&str> for Text {
    fn from(s: &str) -> Self {
        Self(s.as_bytes().to_vec())
    }
}

impl From<String> for Text {
    fn from(s: String) -> Self {
        Self(s.into_bytes())
    }
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

/// A 64-bit address or mask; in JSON a lower-case hexadecimal string of 16 digits.
///
/// JSON numbers are read as floating point by many programs and lose the
/// low bits of an address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Hex(pub u64);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#018x}", self.0)
    }
}

impl fmt::Debug for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl From<u64> for Hex {
    fn from(n: u64) -> Self {
        Self(n)
    }
}

/// Writes a text as a member of a JSON object, and beside it its exact bytes where it is not UTF-8.
///
/// # Errors
///
/// As the serializer.
pub fn put_text<M: SerializeMap>(
    map: &mut M,
    key: &'static str,
    text: Option<&Text>,
) -> Result<(), M::Error> {
    let Some(text) = text else { return map.serialize_entry(key, &()) };
    map.serialize_entry(key, &text.to_lossy())?;
    if text.as_str().is_none() {
        map.serialize_entry(&format!("{key}Base64"), &STANDARD.encode(text.as_bytes()))?;
    }
    Ok(())
}

/// Writes a list of texts, and beside it a list of exact bytes where any is not UTF-8.
pub(crate) fn put_texts<M: SerializeMap>(
    map: &mut M,
    key: &'static str,
    texts: Option<&[Text]>,
) -> Result<(), M::Error> {
    let Some(texts) = texts else { return map.serialize_entry(key, &()) };
    map.serialize_entry(key, &Lossy(texts))?;
    if texts.iter().any(|t| t.as_str().is_none()) {
        let exact: Vec<String> = texts.iter().map(|t| STANDARD.encode(t.as_bytes())).collect();
        map.serialize_entry(&format!("{key}Base64"), &exact)?;
    }
    Ok(())
}

struct Lossy<'t>(&'t [Text]);

impl Serialize for Lossy<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Text::to_lossy))
    }
}

/// Returns standard base64 of bytes.
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
