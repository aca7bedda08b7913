//! A copy of an archive at home: what is in the file, and what in an encrypted
//! one is inside.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::connection::hex;
use crate::sealed;

/// Length and SHA-256 of bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Content {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// One file at home.
#[derive(Clone, Debug)]
pub(super) struct Copy {
    /// The file as it is.
    pub(super) file: Content,
    pub(super) sealed: bool,
    /// The archive: the file itself, or what is inside of an encrypted one;
    /// `None` where that was not opened.
    pub(super) plain: Option<Content>,
}

impl Copy {
    /// Reads a file, and with an identity what is inside.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or not be opened by the identities given.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let what = || format!("cannot read {}", path.display());
        let open = || File::open(path).with_context(|| format!("cannot open {}", path.display()));
        let file = content(open()?).with_context(what)?;
        let sealed = sealed::is_sealed(path).with_context(what)?;
        let plain = match sealed::opener() {
            _ if !sealed => Some(file.clone()),
            None => None,
            Some(opener) => {
                let what = || format!("cannot decrypt {}", path.display());
                let inside = opener.decrypt(Box::new(open()?)).with_context(what)?;
                Some(content(inside).with_context(what)?)
            }
        };
        Ok(Self { file, sealed, plain })
    }

    /// Compares with a line of a record that speaks of this archive. Returns
    /// the digest of the archive, or what the line says otherwise.
    ///
    /// An encrypted copy that was not opened is taken by the digest of its
    /// file; where the line has none, nothing can be said.
    pub(super) fn agrees(&self, line: &Value) -> Option<Result<String, String>> {
        let text = |path: &str| line.pointer(path).and_then(Value::as_str);
        let size = |path: &str| line.pointer(path).and_then(Value::as_u64);
        let recorded = text("/sha256")?;
        let (content, sha256, bytes) = match &self.plain {
            Some(plain) => (plain, recorded, size("/sizeBytes")),
            None => (&self.file, text("/encryption/fileSha256")?, size("/encryption/fileSizeBytes")),
        };
        let what = if self.plain.is_none() { "file" } else { "archive" };
        Some(if content.sha256 != sha256 {
            let sha256 = super::text::quote(sha256);
            Err(format!("the {what} has sha256 {}, and the record says {sha256}", content.sha256))
        } else if bytes.is_some_and(|bytes| bytes != content.bytes) {
            Err(format!("the {what} has {} bytes, and the record says otherwise", content.bytes))
        } else {
            Ok(recorded.to_owned())
        })
    }
}

pub(super) fn content(mut reader: impl Read) -> std::io::Result<Content> {
    let mut hash = Sha256::new();
    let mut bytes = 0;
    let mut buffer = vec![0; 512 << 10];
    loop {
        let length = match reader.read(&mut buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        let Some(part @ [_, ..]) = buffer.get(..length) else {
            return Ok(Content { bytes, sha256: hex(&hash.finalize()) });
        };
        hash.update(part);
        bytes += part.len() as u64;
    }
}
