//! Who may sign: a list as `ssh-keygen -Y verify -f` takes it, or one public key.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use jiff::civil::DateTime;
use ssh_key::public::KeyData;
use ssh_key::{HashAlg, PublicKey};

use super::{NAMESPACE, read_small};
use crate::cluster::text;

/// Keys that may sign, and whose they are.
#[derive(Debug, Default)]
pub(in crate::cluster) struct Signers {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    principals: String,
    key: KeyData,
    /// Patterns of purposes; without any it is good for all.
    namespaces: Vec<String>,
    valid_after: Option<Timestamp>,
    valid_before: Option<Timestamp>,
}

impl Signers {
    /// Reads a list of allowed signers, or a file with public keys (`KEY.pub`).
    ///
    /// # Errors
    ///
    /// When it cannot be read, or a line of it means nothing: a signer who was
    /// meant to be kept out must not come in by a slip.
    pub(in crate::cluster) fn load(path: &Path) -> Result<Self> {
        let what = || format!("cannot take the allowed signers of {}", path.display());
        let text = read_small(path).with_context(what)?;
        let mut signers = Self::default();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let entry = parse(line).with_context(|| format!("line {number}")).with_context(what)?;
            signers.entries.extend(entry);
        }
        if signers.entries.is_empty() {
            return Err(anyhow::anyhow!("there is no key in it")).with_context(what);
        }
        Ok(signers)
    }

    /// Says whose key it is, or why it does not count.
    pub(in crate::cluster) fn who(&self, key: &KeyData) -> Result<String, String> {
        let now = Timestamp::now();
        let mut why = String::from("the key is not in the list of allowed signers");
        for entry in self.entries.iter().filter(|entry| entry.key == *key) {
            let whose = text::escape(&entry.principals);
            if !entry.namespaces.is_empty() && !entry.namespaces.iter().any(|one| matches(one, NAMESPACE)) {
                why = format!("the list allows {whose} to sign, but not for the namespace {NAMESPACE}");
            } else if entry.valid_after.is_some_and(|from| now < from) {
                why = format!("the list does not allow {whose} to sign yet");
            } else if entry.valid_before.is_some_and(|until| now >= until) {
                why = format!("the list does not allow {whose} to sign any more");
            } else {
                return Ok(entry.principals.clone());
            }
        }
        Err(why)
    }
}

/// Reads one line; `None` for one of a certificate authority, which is not used.
fn parse(line: &str) -> Result<Option<Entry>> {
    // A line that begins with the kind of a key is that of a `.pub` file.
    if let Ok(key) = PublicKey::from_openssh(line) {
        let named = Some(key.comment()).filter(|comment| !comment.is_empty()).map(str::to_owned);
        let principals = named.unwrap_or_else(|| key.fingerprint(HashAlg::Sha256).to_string());
        return Ok(Some(Entry::new(principals, &key)));
    }
    let (principals, rest) = word(line).context("it is neither a public key nor an allowed signer")?;
    if let Ok(key) = PublicKey::from_openssh(rest) {
        return Ok(Some(Entry::new(principals, &key)));
    }
    let (options, rest) = word(rest).context("there is no key in it")?;
    let key = PublicKey::from_openssh(rest).context("there is no key in it that can be read")?;
    let mut entry = Entry::new(principals, &key);
    for option in split(&options) {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let value = value.trim_matches('"');
        match name.to_ascii_lowercase().as_str() {
            "cert-authority" => return Ok(None),
            "namespaces" => entry.namespaces = value.split(',').map(str::to_owned).collect(),
            "valid-after" => entry.valid_after = Some(time(value)?),
            "valid-before" => entry.valid_before = Some(time(value)?),
            _ => bail!("the option {:?} is not known", text::escape(name)),
        }
    }
    Ok(Some(entry))
}

impl Entry {
    fn new(principals: String, key: &PublicKey) -> Self {
        let key = key.key_data().clone();
        Self { principals, key, namespaces: Vec::new(), valid_after: None, valid_before: None }
    }
}

/// Takes the first word, in which quotes hold blanks together; returns the rest.
fn word(text: &str) -> Option<(String, &str)> {
    let mut quoted = false;
    let end = text.find(|c: char| {
        quoted ^= c == '"';
        !quoted && c.is_whitespace()
    })?;
    let (first, rest) = text.split_at_checked(end)?;
    let whole = first.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(first);
    Some((whole.to_owned(), rest.trim_start()))
}

/// Splits options at commas that are not in quotes.
fn split(options: &str) -> Vec<&str> {
    let mut quoted = false;
    options
        .split(|c: char| {
            quoted ^= c == '"';
            !quoted && c == ','
        })
        .collect()
}

/// Matches a pattern with `*` and `?`; short texts only.
fn matches(pattern: &str, text: &str) -> bool {
    let mut chars = pattern.chars();
    match chars.next() {
        None => text.is_empty(),
        Some('*') => {
            // Several stars in a row are one: none of them is tried at every place.
            let rest = chars.as_str().trim_start_matches('*');
            let mut places = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            places.any(|at| text.get(at..).is_some_and(|tail| matches(rest, tail)))
        }
        Some(first) => {
            let mut tail = text.chars();
            tail.next().is_some_and(|c| first == '?' || c == first) && matches(chars.as_str(), tail.as_str())
        }
    }
}

/// Reads `YYYYMMDD[HHMM[SS]][Z]`; always taken as UTC.
fn time(text: &str) -> Result<Timestamp> {
    let digits = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    if !matches!(digits.len(), 8 | 12 | 14) {
        bail!("{:?} is not a time such as 20260131 or 202601311200Z", text::escape(text));
    }
    let padded = format!("{digits:0<14}");
    let time = DateTime::strptime("%Y%m%d%H%M%S", &padded).with_context(|| {
        format!("{:?} is not a time such as 20260131 or 202601311200Z", text::escape(text))
    })?;
    Ok(jiff::tz::TimeZone::UTC.to_timestamp(time)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

    fn who(line: &str) -> Result<String, String> {
        let key = PublicKey::from_openssh(KEY).unwrap();
        let entries = parse(line).map_err(|error| format!("{error:#}"))?.into_iter().collect();
        Signers { entries }.who(key.key_data())
    }

    #[test]
    fn lists_and_keys_are_read() {
        assert_eq!(who(&format!("{KEY} jo@host")), Ok("jo@host".into()));
        assert!(who(KEY).unwrap().starts_with("SHA256:"));
        assert_eq!(who(&format!("jo@example.com,ops {KEY}")), Ok("jo@example.com,ops".into()));
        assert_eq!(who(&format!("\"jo doe\" {KEY} comment")), Ok("jo doe".into()));
        for allowed in [
            "namespaces=\"file,checkpoint\"",
            "namespaces=\"check*\"",
            "valid-after=20200101,valid-before=\"22001231235959Z\"",
        ] {
            assert_eq!(who(&format!("jo {allowed} {KEY}")), Ok("jo".into()), "{allowed}");
        }
        for refused in [
            "namespaces=\"file\"",
            "valid-after=\"21000101\"",
            "valid-before=202001010000Z",
            "cert-authority",
        ] {
            assert!(who(&format!("jo {refused} {KEY}")).unwrap_err().contains("allow"), "{refused}");
        }
        for wrong in [
            "jo",
            "jo ssh-ed25519",
            "jo ssh-ed25519 AAAA",
            &format!("jo valid-after=x {KEY}"),
            &format!("jo revoked {KEY}"),
        ] {
            let said = who(wrong).unwrap_err();
            assert!(!said.contains("not in the list"), "{wrong}: {said}");
        }
    }

    #[test]
    fn patterns_match() {
        for (pattern, is_match) in [
            ("*", true),
            ("checkpoint", true),
            ("c?eck*t", true),
            ("**t", true),
            ("check", false),
            ("", false),
            ("*x", false),
        ] {
            assert_eq!(matches(pattern, "checkpoint"), is_match, "{pattern}");
        }
    }
}
