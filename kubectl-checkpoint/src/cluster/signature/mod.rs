//! Detached signatures with SSH keys, as `ssh-keygen -Y sign` makes and
//! `ssh-keygen -Y verify` checks them (PROTOCOL.sshsig of OpenSSH).
//!
//! What is signed is the SHA-256 of a file, which is at hand by the time the
//! archive is: nothing is read a second time for its signature.

mod check;
mod signers;

use std::fs;
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use rsa::{BigUint, RsaPrivateKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use signature::SignatureEncoding as _;
use ssh_key::private::{KeypairData, RsaKeypair};
use ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey, Signature, SshSig};

pub(super) use check::{Checked, State, of_archive, of_record};
pub(super) use signers::Signers;

use super::destination::{parent, sync_directory, with_suffix};

/// What the signatures are for; a signature for anything else does not count.
pub(super) const NAMESPACE: &str = "checkpoint";
/// What the file of a signature ends with.
pub(super) const SUFFIX: &str = ".sig";
/// Largest key or signature file that is read.
const FILE_LIMIT: u64 = 1 << 20;

/// A key that signs.
#[derive(Debug)]
pub(super) struct Signer {
    key: PrivateKey,
}

impl Signer {
    /// Reads an OpenSSH private key; asks for its passphrase on a terminal.
    ///
    /// # Errors
    ///
    /// When it cannot be read or opened, or is of a kind that cannot sign here.
    pub(super) fn load(path: &Path) -> Result<Self> {
        let name = path.display();
        let text = read_small(path).with_context(|| format!("cannot read the key {name}"))?;
        if ssh_key::PublicKey::from_openssh(&text).is_ok() {
            bail!("{name} is a public key; --sign wants the private one (keys of an agent are not used)");
        }
        let key = PrivateKey::from_openssh(&text).map_err(|error| {
            anyhow!(
                "{name} is not an OpenSSH private key ({error})\n  \
                 try:   ssh-keygen -t ed25519 -f KEY to make one\n  \
                 try:   ssh-keygen -p -f {name} to bring an older key into that form"
            )
        })?;
        let key = if key.is_encrypted() { unlock(&key, path)? } else { key };
        let can_sign =
            matches!(key.key_data(), KeypairData::Ed25519(_) | KeypairData::Ecdsa(_) | KeypairData::Rsa(_));
        if !can_sign {
            bail!(
                "{name} is a key of kind {}, which cannot sign here; use ed25519, ECDSA or RSA",
                key.algorithm()
            );
        }
        let signer = Self { key };
        // Curves and lengths that are not supported show now, not after the freeze.
        signer.sign(&Sha256::digest(b"")).with_context(|| format!("the key {name} cannot sign"))?;
        Ok(signer)
    }

    /// Loads the key of `--sign`, where it was given.
    pub(super) fn from_flag(path: Option<&Path>) -> Result<Option<Self>> {
        path.map(Self::load).transpose()
    }

    /// The fingerprint, as `ssh-keygen -l` prints it.
    pub(super) fn fingerprint(&self) -> String {
        self.key.fingerprint(HashAlg::Sha256).to_string()
    }

    /// What a record says of the key.
    pub(super) fn describe(&self) -> Value {
        json!({
            "namespace": NAMESPACE,
            "algorithm": self.key.algorithm().to_string(),
            "fingerprint": self.fingerprint(),
        })
    }

    /// Signs what has this SHA-256; returns the signature in its armour.
    fn sign(&self, sha256: &[u8]) -> Result<String> {
        let data = signed_data(NAMESPACE, "sha256", sha256);
        let signature = match self.key.key_data() {
            KeypairData::Rsa(key) => sign_rsa(key, &data)?,
            _ => signature::Signer::try_sign(&self.key, &data)?,
        };
        let public = self.key.public_key().key_data().clone();
        Ok(SshSig::new(public, NAMESPACE, HashAlg::Sha256, signature)?.to_pem(LineEnding::LF)?)
    }

    /// Writes `FILE.sig` for a file with this digest, given in hex. One that is
    /// there is replaced: it is of an earlier state of the file.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(super) fn sign_file(&self, file: &Path, sha256: &str) -> Result<PathBuf> {
        let path = with_suffix(file, SUFFIX);
        let what = || format!("cannot write the signature {}", path.display());
        let text = self.sign(&unhex(sha256).ok_or_else(|| anyhow!("{sha256} is no digest"))?)?;
        let mut sibling = tempfile::Builder::new()
            .prefix(".checkpoint-")
            .suffix(SUFFIX)
            .tempfile_in(parent(&path))
            .with_context(what)?;
        sibling.write_all(text.as_bytes()).and_then(|()| sibling.as_file().sync_all()).with_context(what)?;
        if fs::symlink_metadata(&path).is_ok_and(|found| !found.is_file()) {
            return Err(anyhow!("it exists and is not a regular file")).with_context(what);
        }
        sibling.persist(&path).map_err(|error| error.error).with_context(what)?;
        sync_directory(parent(&path));
        Ok(path)
    }

    /// Signs a record as it is now.
    ///
    /// # Errors
    ///
    /// When the record cannot be read or the signature not be written.
    pub(super) fn sign_record(&self, record: &Path) -> Result<PathBuf> {
        let what = || format!("cannot sign the record {}", record.display());
        let file = fs::File::open(record).with_context(what)?;
        let sha256 = super::sink::Begun::after(file).with_context(what)?.sha256();
        self.sign_file(record, &sha256).with_context(what)
    }
}

/// Signs with RSA. ssh-key 0.6 takes the first prime for the second as well
/// when it makes a key of one, and refuses the result.
fn sign_rsa(key: &RsaKeypair, data: &[u8]) -> Result<Signature> {
    let primes = vec![BigUint::try_from(&key.private.p)?, BigUint::try_from(&key.private.q)?];
    let (n, e) = (BigUint::try_from(&key.public.n)?, BigUint::try_from(&key.public.e)?);
    let key = RsaPrivateKey::from_components(n, e, BigUint::try_from(&key.private.d)?, primes)?;
    let signature =
        signature::Signer::try_sign(&rsa::pkcs1v15::SigningKey::<rsa::sha2::Sha512>::new(key), data)?;
    let algorithm = Algorithm::Rsa { hash: Some(HashAlg::Sha512) };
    Ok(Signature::new(algorithm, signature.to_vec())?)
}

fn unlock(key: &PrivateKey, path: &Path) -> Result<PrivateKey> {
    let name = path.display();
    if !std::io::stderr().is_terminal() {
        bail!(
            "the key {name} has a passphrase, and there is no terminal to ask for it\n  \
             try:   a key without one, for use by programs: ssh-keygen -t ed25519 -N '' -f KEY"
        );
    }
    for _ in 0..3 {
        let passphrase = rpassword::prompt_password(format!("passphrase of {name}: "))
            .context("cannot ask for the passphrase")?;
        match key.decrypt(passphrase) {
            Ok(key) => return Ok(key),
            Err(ssh_key::Error::Crypto) => eprintln!("that is not its passphrase"),
            Err(error) => return Err(error).with_context(|| format!("the key {name} cannot be opened")),
        }
    }
    bail!("the key {name} was not opened")
}

/// What a key signs: not the file, but its digest in a frame that says what for.
fn signed_data(namespace: &str, hash: &str, digest: &[u8]) -> Vec<u8> {
    let mut data = b"SSHSIG".to_vec();
    for part in [namespace.as_bytes(), b"", hash.as_bytes(), digest] {
        // All four are short.
        data.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        data.extend(part);
    }
    data
}

/// Whether a key of this kind can be checked.
fn is_known(algorithm: &Algorithm) -> bool {
    !matches!(algorithm, Algorithm::Dsa | Algorithm::Other(_))
}

/// Reads a small text file.
fn read_small(path: &Path) -> Result<String> {
    let mut text = String::new();
    let length = fs::File::open(path)?.take(FILE_LIMIT).read_to_string(&mut text)?;
    if length as u64 == FILE_LIMIT {
        bail!("it is too long");
    }
    Ok(text)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}
