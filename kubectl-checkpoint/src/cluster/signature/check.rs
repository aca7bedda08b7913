//! Whether a signature is good, and whose it is.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;
use sha2::{Digest, Sha256, Sha512};
use signature::Verifier as _;
use ssh_key::{HashAlg, SshSig};

use super::{NAMESPACE, SUFFIX, Signers, is_known, read_small, signed_data};
use crate::cluster::destination::with_suffix;

/// How many ends of lines are tried as the end of what was signed.
const TRIES: u64 = 10_000;
/// Longest line of a record.
const LINE_LIMIT: u64 = 1 << 20;

/// What is to be said of a signature.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cluster) enum State {
    /// There is no signature.
    #[default]
    Unsigned,
    /// It is good, and of a key that is allowed to sign.
    Good,
    /// It is good, and nothing is known of its key.
    UnknownSigner,
    /// It is not of this file, or no signature at all.
    Bad,
}

/// One signature that was looked at.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cluster) struct Checked {
    pub(in crate::cluster) state: State,
    /// The key, as `ssh-keygen -l` prints it.
    pub(in crate::cluster) fingerprint: Option<String>,
    /// Whom the list of allowed signers names.
    pub(in crate::cluster) signer: Option<String>,
    /// How many lines of a record are signed.
    pub(in crate::cluster) lines: Option<u64>,
    /// What is wrong, or why a signer is not allowed.
    pub(in crate::cluster) problem: Option<String>,
}

impl Checked {
    fn bad(problem: impl Into<String>) -> Self {
        Self { state: State::Bad, problem: Some(problem.into()), ..Self::default() }
    }
}

/// Checks `FILE.sig` against an archive.
///
/// # Errors
///
/// When a file cannot be read.
pub(in crate::cluster) fn of_archive(
    archive: &Path,
    sha256: &str,
    signers: Option<&Signers>,
) -> Result<Checked> {
    let signature = match read(archive)? {
        Found::Signature(signature) => signature,
        Found::Other(checked) => return Ok(checked),
    };
    let digest = match signature.hash_alg() {
        HashAlg::Sha512 => digest_of::<Sha512>(archive)?,
        _ => super::unhex(sha256).unwrap_or_default(),
    };
    if !is_signed(&signature, &digest) {
        return Ok(Checked::bad("its signature is of another file, or was changed"));
    }
    Ok(judge(&signature, signers))
}

/// Checks `RECORD.sig`: lines may have been added since it was made.
///
/// # Errors
///
/// When a file cannot be read.
pub(in crate::cluster) fn of_record(record: &Path, signers: Option<&Signers>) -> Result<Checked> {
    let signature = match read(record)? {
        Found::Signature(signature) => signature,
        Found::Other(checked) => return Ok(checked),
    };
    let signed = match signature.hash_alg() {
        HashAlg::Sha512 => lines_signed::<Sha512>(record, &signature),
        _ => lines_signed::<Sha256>(record, &signature),
    };
    match signed.with_context(|| format!("cannot read {}", record.display()))? {
        Some(lines) => Ok(Checked { lines: Some(lines), ..judge(&signature, signers) }),
        None => Ok(Checked::bad("its signature is of another record, or a line that was signed was changed")),
    }
}

enum Found {
    Signature(SshSig),
    Other(Checked),
}

fn read(file: &Path) -> Result<Found> {
    let path = with_suffix(file, SUFFIX);
    if !path.try_exists().with_context(|| format!("cannot look for {}", path.display()))? {
        return Ok(Found::Other(Checked::default()));
    }
    let Ok(text) = read_small(&path) else {
        return Ok(Found::Other(Checked::bad("its signature is not a text file of a signature's size")));
    };
    Ok(match SshSig::from_pem(text.trim_end()) {
        Err(_) => Found::Other(Checked::bad("its signature is not one that an SSH key made")),
        Ok(signature) if signature.namespace() != NAMESPACE => Found::Other(Checked::bad(
            "its signature was made for another purpose (its namespace is not \"checkpoint\")",
        )),
        Ok(signature) if !is_known(&signature.public_key().algorithm()) => {
            Found::Other(Checked::bad("its signature is of a kind of key that cannot be checked"))
        }
        Ok(signature) => Found::Signature(signature),
    })
}

fn is_signed(signature: &SshSig, digest: &[u8]) -> bool {
    let data = signed_data(signature.namespace(), signature.hash_alg().as_str(), digest);
    // RSA with SHA-1 is refused by ssh-keygen as well.
    let is_weak = matches!(signature.algorithm(), ssh_key::Algorithm::Rsa { hash: None });
    !is_weak && signature.public_key().verify(&data, signature.signature()).is_ok()
}

/// A good signature: whose is it?
fn judge(signature: &SshSig, signers: Option<&Signers>) -> Checked {
    let key = signature.public_key();
    let fingerprint = Some(key.fingerprint(HashAlg::Sha256).to_string());
    let unknown = Checked { state: State::UnknownSigner, fingerprint, ..Checked::default() };
    match signers.map(|signers| signers.who(key)) {
        None => unknown,
        Some(Ok(signer)) => Checked { state: State::Good, signer: Some(signer), ..unknown },
        Some(Err(why)) => Checked { problem: Some(why), ..unknown },
    }
}

fn digest_of<D: Digest>(path: &Path) -> Result<Vec<u8>> {
    let what = || format!("cannot read {}", path.display());
    let mut file = File::open(path).with_context(what)?;
    let mut hash = D::new();
    let mut buffer = vec![0; 512 << 10];
    loop {
        let length = file.read(&mut buffer).with_context(what)?;
        let Some(part @ [_, ..]) = buffer.get(..length) else {
            return Ok(hash.finalize().to_vec());
        };
        hash.update(part);
    }
}

/// Finds the lines that were signed: the first so many of the record.
fn lines_signed<D: Digest + Clone>(record: &Path, signature: &SshSig) -> std::io::Result<Option<u64>> {
    let mut reader = BufReader::new(File::open(record)?);
    let mut hash = D::new();
    for number in 1..=TRIES {
        let mut line = Vec::new();
        if reader.by_ref().take(LINE_LIMIT).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        hash.update(&line);
        if is_signed(signature, &hash.clone().finalize()) {
            return Ok(Some(number));
        }
    }
    Ok(None)
}
