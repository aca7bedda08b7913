//! Archives that are encrypted with age.
//!
//! This crate recognises them; opening them is for whoever has the keys, by
//! way of [`Decrypt`]. What comes out goes to an unlinked spool, as the large
//! members of compressed archives do.

use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;

use super::storage::Store;
use super::{Data, OpenOptions};
use crate::error::{Error, ErrorKind, Result, Warning};

/// Opens what is encrypted.
pub trait Decrypt: Debug + Send + Sync {
    /// Returns a reader of the plain bytes.
    ///
    /// # Errors
    ///
    /// When none of the keys opens it, or it is damaged.
    fn decrypt<'a>(&self, sealed: Box<dyn Read + Send + 'a>) -> io::Result<Box<dyn Read + Send + 'a>>;
}

/// Returns true for the first bytes of a file that is encrypted with age, armoured or not.
pub fn is_encrypted(head: &[u8]) -> bool {
    head.starts_with(b"age-encryption.org/") || head.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----")
}

/// Finds who opens it, or says that nobody does.
pub(super) fn opener(options: &OpenOptions) -> Result<Arc<dyn Decrypt>> {
    options.decrypt.clone().ok_or_else(|| {
        Error::new(
            ErrorKind::UnsupportedFormat,
            "it is encrypted with age; give the key that opens it: --identity FILE",
        )
    })
}

/// Returns a reader of what is inside.
pub(super) fn reader<'a>(
    sealed: Box<dyn Read + Send + 'a>,
    options: &OpenOptions,
) -> Result<Box<dyn Read + Send + 'a>> {
    opener(options)?.decrypt(sealed).map_err(|e| Error::io("decrypt the archive", e))
}

/// Decrypts a file into an unlinked spool, as far as it can be decrypted.
pub(super) fn spool(
    sealed: Box<dyn Read + Send + '_>,
    options: &OpenOptions,
) -> Result<(Data, Option<Warning>)> {
    let mut plain = reader(sealed, options)?;
    let spool = |e| Error::io("write the decrypted archive to the temporary directory (TMPDIR)", e);
    let mut file: File = match &options.spool_directory {
        Some(directory) => tempfile::tempfile_in(directory),
        None => tempfile::tempfile(),
    }
    .map_err(spool)?;
    let mut buffer = vec![0; 256 << 10];
    let mut length = 0_u64;
    let broken = loop {
        match plain.read(&mut buffer) {
            Ok(0) => break None,
            Ok(n) => {
                file.write_all(buffer.get(..n).unwrap_or_default()).map_err(spool)?;
                length = length.saturating_add(n as u64);
                if length > options.limits.unpacked_bytes {
                    let what = format!(
                        "the decrypted archive has more than {} bytes",
                        options.limits.unpacked_bytes
                    );
                    return Err(Error::new(ErrorKind::LimitExceeded, what));
                }
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            // Each chunk is authentic by itself: what came before is as it was written.
            Err(e) if length > 0 => {
                let what = format!("the encrypted archive is damaged or cut off behind {length} bytes ({e})");
                break Some(Warning::new(what));
            }
            Err(e) => return Err(Error::io("decrypt the archive", e)),
        }
    };
    Ok((Data::whole(Arc::new(Store::File(file)), 0, length), broken))
}
