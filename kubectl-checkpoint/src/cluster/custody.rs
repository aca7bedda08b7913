//! How evidence is sealed at home: signed, encrypted, both or neither.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use serde_json::{Map, Value, json};

use super::args::CustodyArgs;
use super::destination::Destination;
use super::report::shown;
use super::signature::Signer;
use super::sink::Output;
use super::transfer::Arrived;
use crate::sealed::{self, Recipients};

/// Who signs, and who will be able to read.
#[derive(Debug, Default)]
pub(super) struct Custody {
    signer: Option<Signer>,
    recipients: Option<Recipients>,
}

impl Custody {
    /// Reads keys and recipients, before anything in the cluster is touched.
    ///
    /// # Errors
    ///
    /// When one of them cannot be used.
    pub(super) fn load(args: &CustodyArgs, destination: &Destination) -> Result<Self> {
        if args.sign.is_some() && *destination == Destination::Stdout {
            bail!("--sign writes DEST.sig beside DEST, and DEST - has none; give a file or a directory");
        }
        let recipients = Recipients::parse(&args.encrypt_to)?;
        Ok(Self { signer: Signer::from_flag(args.sign.as_deref())?, recipients })
    }

    /// Whether what comes home is encrypted.
    pub(super) fn seals(&self) -> bool {
        self.recipients.is_some()
    }

    /// The recipients, where it is.
    pub(super) fn recipients(&self) -> Option<&Recipients> {
        self.recipients.as_ref()
    }

    /// The file here for an archive of that name; `None` is standard output.
    pub(super) fn file_for(&self, destination: &Destination, archive: &str) -> Option<PathBuf> {
        destination.file_for(archive, if self.seals() { sealed::SUFFIX } else { "" })
    }

    /// Where bytes go as they arrive: to the file, or without one to standard output.
    ///
    /// # Errors
    ///
    /// When the head of an encrypted file cannot be written.
    pub(super) fn output(&self, file: Option<File>) -> Result<Output> {
        match (&self.recipients, file) {
            (Some(recipients), file) => Output::sealed(recipients, file),
            (None, Some(file)) => Ok(Output::File(file)),
            (None, None) => Ok(Output::Stdout),
        }
    }

    /// How much room so many bytes need here.
    pub(super) fn room(&self, bytes: u64) -> u64 {
        let Some(recipients) = &self.recipients else {
            return bytes;
        };
        // A tag of 16 bytes for each chunk of 64 KiB, and a head of some lines for each recipient.
        let tags = (bytes / (64 << 10)).saturating_add(1).saturating_mul(16);
        let head = (recipients.names().len() as u64).saturating_mul(4096).saturating_add(512);
        bytes.saturating_add(tags).saturating_add(head)
    }

    /// Adds to a line of the record how the file here is encrypted.
    pub(super) fn describe(&self, fields: &mut Map<String, Value>, arrived: &Arrived) {
        if let (Some(recipients), Some((bytes, sha256))) = (&self.recipients, &arrived.sealed) {
            let about = json!({
                "format": "age",
                "recipients": recipients.names(),
                "fileSizeBytes": bytes,
                "fileSha256": sha256,
            });
            fields.insert("encryption".into(), about);
        }
    }

    /// Signs the file here; returns what the record says of it.
    ///
    /// # Errors
    ///
    /// When the signature cannot be written.
    pub(super) fn sign(&self, dest: Option<&Path>, arrived: &Arrived) -> Result<Option<Value>> {
        let (Some(signer), Some(dest)) = (&self.signer, dest) else {
            return Ok(None);
        };
        let path = signer.sign_file(dest, arrived.stored_sha256())?;
        let mut about = signer.describe();
        if let Value::Object(fields) = &mut about {
            fields.insert("file".into(), shown(&path).into());
        }
        Ok(Some(about))
    }

    /// Signs a record as it is now, where it is to be signed.
    ///
    /// # Errors
    ///
    /// When the signature cannot be written.
    pub(super) fn sign_record(&self, record: Option<&Path>) -> Result<()> {
        match (&self.signer, record) {
            (Some(signer), Some(record)) => signer.sign_record(record).map(|_| ()),
            _ => Ok(()),
        }
    }
}
