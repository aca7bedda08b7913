//! Encryption at rest with age: archives that are sealed as they arrive, and
//! opened by the commands that read evidence.

use std::fs::File;
use std::io::{self, BufReader, IsTerminal as _, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use age::armor::ArmoredReader;
use age::secrecy::SecretString;
use age::{Callbacks, DecryptError, Decryptor, Encryptor, Identity, Recipient};
use anyhow::{Context as _, Result, anyhow, bail};
use libforensic::archive::{Decrypt, is_encrypted};

/// What the file of an encrypted archive ends with.
pub(crate) const SUFFIX: &str = ".age";
/// Largest file of recipients or identities that is read.
const FILE_LIMIT: u64 = 16 << 20;

/// Those who will be able to open what is sealed.
pub(crate) struct Recipients {
    keys: Vec<Box<dyn Recipient + Send + Sync>>,
    names: Vec<String>,
}

impl std::fmt::Debug for Recipients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.names).finish()
    }
}

impl Recipients {
    /// Reads what `--encrypt-to` was given: recipients of age, public SSH keys,
    /// or files of them; `None` for nothing.
    ///
    /// # Errors
    ///
    /// When one of them is none.
    pub(crate) fn parse(given: &[String]) -> Result<Option<Self>> {
        let mut recipients = Self { keys: Vec::new(), names: Vec::new() };
        for text in given {
            if is_recipient(text) {
                recipients.add(text).map_err(|why| anyhow!("--encrypt-to {text}: {why}"))?;
            } else {
                recipients.add_file(Path::new(text))?;
            }
        }
        if recipients.keys.is_empty() {
            return Ok(None);
        }
        // What does not go together shows now, not after the freeze.
        recipients.seal(io::sink()).context("--encrypt-to")?;
        Ok(Some(recipients))
    }

    fn add_file(&mut self, path: &Path) -> Result<()> {
        let name = path.display();
        let text = read_small(path).with_context(|| {
            format!("--encrypt-to {name}: not a recipient (age1… or ssh-…), and not a file of them that can be read")
        })?;
        if text.contains("AGE-SECRET-KEY-") || text.contains("PRIVATE KEY-----") {
            bail!(
                "--encrypt-to {name}: it holds a secret key; give the recipient (age-keygen -y FILE, or KEY.pub)"
            );
        }
        let before = self.keys.len();
        for (number, line) in (1..).zip(text.lines().map(str::trim)) {
            if !line.is_empty() && !line.starts_with('#') {
                // The line itself is not shown: it may be anything.
                self.add(line).map_err(|why| anyhow!("--encrypt-to {name}, line {number}: {why}"))?;
            }
        }
        if self.keys.len() == before {
            bail!("--encrypt-to {name}: there is no recipient in it");
        }
        Ok(())
    }

    fn add(&mut self, text: &str) -> Result<(), String> {
        if let Ok(key) = text.parse::<age::x25519::Recipient>() {
            self.names.push(key.to_string());
            self.keys.push(Box::new(key));
        } else if let Ok(key) = text.parse::<age::tag::Recipient>() {
            self.names.push(key.to_string());
            self.keys.push(Box::new(key));
        } else if let Ok(key) = text.parse::<age::tagpq::Recipient>() {
            self.names.push(key.to_string());
            self.keys.push(Box::new(key));
        } else if text.starts_with("ssh-") || text.starts_with("ecdsa-") || text.starts_with("sk-") {
            let key: age::ssh::Recipient = text.parse().map_err(|_| {
                "age encrypts to SSH keys of the kinds ssh-ed25519 and ssh-rsa (2048 bits and more) only"
                    .to_owned()
            })?;
            self.names.push(key.to_string());
            self.keys.push(Box::new(key));
        } else {
            return Err("not a recipient that is known (age1…, ssh-ed25519 …, ssh-rsa …); those of plug-ins are not used".to_owned());
        }
        Ok(())
    }

    /// The recipients, as they can be given again.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Begins a sealed file. It must be finished to be one.
    ///
    /// # Errors
    ///
    /// When the head of the file cannot be written.
    pub(crate) fn seal<W: Write>(&self, output: W) -> Result<age::stream::StreamWriter<W>> {
        let keys = self.keys.iter().map(|key| &**key as &dyn Recipient);
        Ok(Encryptor::with_recipients(keys)?.wrap_output(output)?)
    }
}

fn is_recipient(text: &str) -> bool {
    ["age1", "ssh-", "ecdsa-", "sk-"].iter().any(|start| text.starts_with(start)) && !Path::new(text).exists()
}

/// The identities of this run: every command that opens evidence uses them.
static IDENTITIES: OnceLock<Arc<Identities>> = OnceLock::new();

/// Keys that open what is sealed.
pub(crate) struct Identities {
    keys: Vec<Box<dyn Identity + Send + Sync>>,
}

impl std::fmt::Debug for Identities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identities").field("keys", &self.keys.len()).finish()
    }
}

/// Reads the identities for all that is opened from now on; asks for
/// passphrases on a terminal.
///
/// # Errors
///
/// When a file holds none, or it cannot be opened.
pub(crate) fn set_identities(files: &[PathBuf]) -> Result<()> {
    if files.is_empty() {
        return Ok(());
    }
    let mut keys = Vec::new();
    for path in files {
        keys.extend(identities(path)?);
    }
    // A second call, as in a test, changes nothing.
    let _ = IDENTITIES.set(Arc::new(Identities { keys }));
    Ok(())
}

/// What opens sealed archives; `None` where no identity was given.
pub(crate) fn opener() -> Option<Arc<dyn Decrypt>> {
    IDENTITIES.get().map(|identities| Arc::clone(identities) as Arc<dyn Decrypt>)
}

fn identities(path: &Path) -> Result<Vec<Box<dyn Identity + Send + Sync>>> {
    let name = path.display().to_string();
    let text = read_small(path).with_context(|| format!("cannot read the identity {name}"))?;
    if is_encrypted(text.as_bytes()) {
        let reader = ArmoredReader::new(text.as_bytes());
        let sealed =
            Decryptor::new_buffered(reader).with_context(|| format!("cannot open the identity {name}"))?;
        let sealed =
            age::encrypted::EncryptedIdentity::new(sealed, Ask(name.clone()), None).ok_or_else(|| {
                anyhow!("the identity {name} is itself encrypted to a key, not with a passphrase")
            })?;
        let opened = sealed.decrypt(Some(&name)).map_err(|error| locked(&name, &error))?;
        // Keys of plug-ins would ask; they are not used.
        return opened.into_identities().with_context(|| format!("cannot use the identity {name}"));
    }
    if text.contains("-----BEGIN") {
        let key = age::ssh::Identity::from_buffer(text.as_bytes(), Some(name.clone()))
            .map_err(|_| anyhow!("{name} is not an SSH private key that age can use (ed25519 or RSA)"))?;
        let key = match key {
            age::ssh::Identity::Encrypted(key) => {
                let passphrase =
                    ask(&name).ok_or_else(|| locked(&name, &DecryptError::KeyDecryptionFailed))?;
                key.decrypt(passphrase).map_err(|error| locked(&name, &error))?.into()
            }
            age::ssh::Identity::Unsupported(_) => {
                bail!("{name} is an SSH private key of a kind that age cannot use (ed25519 and RSA it can)")
            }
            key @ age::ssh::Identity::Unencrypted(_) => key,
        };
        return Ok(vec![Box::new(key)]);
    }
    let keys = age::IdentityFile::from_buffer(text.as_bytes())
        .map_err(|_| {
            anyhow!("{name} is not a file of age identities (AGE-SECRET-KEY-1…) or an SSH private key")
        })?
        .into_identities()
        .with_context(|| format!("cannot use the identity {name}"))?;
    if keys.is_empty() {
        bail!("there is no identity in {name}");
    }
    Ok(keys)
}

fn locked(name: &str, error: &DecryptError) -> anyhow::Error {
    if io::stderr().is_terminal() {
        anyhow!("the identity {name} was not opened: {error}")
    } else {
        anyhow!(
            "the identity {name} has a passphrase, and there is no terminal to ask for it; give one without"
        )
    }
}

/// Asks for a passphrase, on a terminal only.
fn ask(name: &str) -> Option<SecretString> {
    if !io::stderr().is_terminal() {
        return None;
    }
    rpassword::prompt_password(format!("passphrase of {name}: ")).ok().map(SecretString::from)
}

/// Asks for the passphrase of an identity.
#[derive(Clone)]
struct Ask(String);

impl Callbacks for Ask {
    fn display_message(&self, _: &str) {}

    fn confirm(&self, _: &str, _: &str, _: Option<&str>) -> Option<bool> {
        None
    }

    fn request_public_string(&self, _: &str) -> Option<String> {
        None
    }

    fn request_passphrase(&self, _: &str) -> Option<SecretString> {
        ask(&self.0)
    }
}

impl Decrypt for Identities {
    fn decrypt<'a>(&self, sealed: Box<dyn Read + Send + 'a>) -> io::Result<Box<dyn Read + Send + 'a>> {
        let reader = ArmoredReader::new(BufReader::with_capacity(1 << 20, sealed));
        let keys = self.keys.iter().map(|key| &**key as &dyn Identity);
        let opened = Decryptor::new_buffered(reader).and_then(|sealed| sealed.decrypt(keys));
        match opened {
            Ok(opened) => Ok(Box::new(opened)),
            Err(DecryptError::NoMatchingKeys) => Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "none of the identities given opens it; it was encrypted to others",
            )),
            Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error.to_string())),
        }
    }
}

/// Says whether a file is sealed, by its first bytes.
///
/// # Errors
///
/// When it cannot be read.
pub(crate) fn is_sealed(path: &Path) -> io::Result<bool> {
    let mut head = Vec::new();
    File::open(path)?.take(64).read_to_end(&mut head)?;
    Ok(is_encrypted(&head))
}

fn read_small(path: &Path) -> Result<String> {
    let mut text = String::new();
    let length = File::open(path)?.take(FILE_LIMIT).read_to_string(&mut text)?;
    if length as u64 == FILE_LIMIT {
        bail!("it is too long");
    }
    Ok(text)
}
