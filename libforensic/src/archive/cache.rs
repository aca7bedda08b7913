//! Keeps what a compressed archive unpacks to, for the next time.
//!
//! An entry is one file: the unpacked tar, and behind it a footer that says of
//! which archive it is. The tar is its own index, so that an archive in the
//! cache opens as fast as a plain one. The file belongs to the user alone, is
//! made under another name and renamed when it is whole; what does not look
//! exactly like that is not used.
//!
//! An archive is known by its path, its size, its time of modification and a
//! digest of its first and last bytes and of samples between them: reading all
//! of it each time would cost what the cache saves. Whoever can change a file
//! and put back its size, its time and all that must be trusted anyway. An
//! entry is known to be as it was left by its own size and time.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

use super::compression::{self, Compression};
use super::storage::Store;
use super::{Counted, Data, OpenOptions};
use crate::error::{Error, Result};

/// What the footer begins with; the number changes with the form of entries.
const MAGIC: &[u8; 16] = b"libforensic tar1";
/// Length of the footer: the magic, the key, the length of the tar.
const FOOTER: usize = 16 + 32 + 8;
/// What files are called while they are made.
const UNFINISHED: &str = ".unpacking-";
/// Bytes of the first, the last and each other sample.
const SAMPLE: usize = 64 << 10;
/// Samples between the first and the last.
const SAMPLES: u64 = 14;

/// An archive out of the cache.
pub(super) struct Cached {
    /// The unpacked tar.
    pub data: Data,
    /// What happened to the cache.
    pub notes: Vec<String>,
}

/// Opens what the archive unpacks to, which is put into the cache if it is not there.
///
/// `Err` in the second place is why this archive is not kept; it is to be read as without a cache.
pub(super) fn open(
    directory: &Path,
    archive: &Data,
    meta: &Metadata,
    path: &Path,
    compression: Compression,
    options: &OpenOptions,
) -> Result<std::result::Result<Cached, String>> {
    let failed = |what: &str, e| Error::io(format!("{what} the cache directory {}", directory.display()), e);
    prepare(directory).map_err(|e| failed("use", e))?;
    let place = fs::canonicalize(path).map_err(|e| Error::io(format!("find {}", path.display()), e))?;
    let owner = hex(Sha256::digest(place.as_os_str().as_encoded_bytes()).get(..8).unwrap_or_default());
    let key = key(archive, meta).map_err(|e| Error::io("read", e))?;
    let name = format!("{owner}-{}.tar", hex(key.get(..16).unwrap_or_default()));
    let mut notes = Vec::new();
    match entry(&directory.join(&name), &key, meta) {
        Ok(Some(data)) if data.len() <= options.limits.unpacked_bytes => {
            return Ok(Ok(Cached { data, notes }));
        }
        Ok(None) => {}
        Ok(Some(_)) => return Ok(Err("its entry is larger than the limit of unpacked bytes".to_owned())),
        Err(why) => notes.push(format!("the cache entry {name} is not used and made anew: {why}")),
    }
    let mut made = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempfile_in(directory)
        .map_err(|e| failed("make a file in", e))?;
    let decoder_notes = compression::Notes::default();
    let counted = Counted { inner: archive.reader(), count: options.progress.clone() };
    let mut stream = compression::decoder(compression, counted, &options.limits, &decoder_notes)?;
    let mut buf = vec![0; 1 << 20];
    let mut len = 0_u64;
    loop {
        let n = match stream.read(&mut buf) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            // Damage is said by whoever reads it the other way.
            Err(e) => return Ok(Err(format!("it cannot be unpacked to its end: {e}"))),
        };
        let part = buf.get(..n).unwrap_or_default();
        made.write_all(part).map_err(|e| failed("write to", e))?;
        len = len.saturating_add(n as u64);
    }
    drop(stream);
    if !decoder_notes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).is_empty() {
        return Ok(Err("there is more in it than what it unpacks to".to_owned()));
    }
    let footer = [MAGIC.as_slice(), &key, &len.to_le_bytes()].concat();
    made.write_all(&footer).map_err(|e| failed("write to", e))?;
    made.as_file().set_modified(modified(meta)).map_err(|e| failed("write to", e))?;
    // Whoever has put the same there in the meantime is replaced by the same.
    let file = made.persist(directory.join(&name)).map_err(|e| failed("name a file in", e.error))?;
    for stale in stale(directory, &owner, &name) {
        if fs::remove_file(directory.join(&stale)).is_ok() {
            notes.push(format!("removed {stale} from the cache: the archive is not what it was"));
        }
    }
    Ok(Ok(Cached { data: Data::whole(Arc::new(Store::File(file)), 0, len), notes }))
}

/// Makes the directory, or says why it is not safe.
fn prepare(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(directory) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        _ => {}
    }
    let meta = fs::metadata(directory)?;
    if !meta.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let why = if meta.uid() != rustix::process::geteuid().as_raw() {
            "it belongs to another user"
        } else if meta.mode() & 0o022 != 0 {
            "others can write to it (chmod 700)"
        } else {
            return Ok(());
        };
        Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
    }
    #[cfg(not(unix))]
    Ok(())
}

/// Opens an entry; `None` if there is none, `Err` with the reason if it is not to be trusted.
fn entry(path: &Path, key: &[u8; 32], archive: &Metadata) -> std::result::Result<Option<Data>, String> {
    let file = match open_plain(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e.to_string()),
    };
    let meta = file.metadata().map_err(|e| e.to_string())?;
    if !meta.is_file() {
        return Err("it is no regular file".to_owned());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        if meta.uid() != rustix::process::geteuid().as_raw() || meta.mode() & 0o077 != 0 || meta.nlink() != 1
        {
            return Err("it is not the user's alone".to_owned());
        }
    }
    let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    if seconds(modified(&meta)) != seconds(modified(archive)) {
        return Err("it was changed".to_owned());
    }
    let Some(len) = meta.len().checked_sub(FOOTER as u64) else { return Err("it is too short".to_owned()) };
    let store = Arc::new(Store::File(file));
    let mut footer = [0; FOOTER];
    Data::whole(Arc::clone(&store), 0, meta.len())
        .read_exact_at(len, &mut footer)
        .map_err(|e| e.to_string())?;
    if footer.as_slice() != [MAGIC.as_slice(), key, &len.to_le_bytes()].concat() {
        return Err("its footer is not that of this archive".to_owned());
    }
    Ok(Some(Data::whole(store, 0, len)))
}

/// Opens a file; neither a link nor a named pipe leads or holds it anywhere else.
#[cfg(unix)]
fn open_plain(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

#[cfg(not(unix))]
fn open_plain(path: &Path) -> io::Result<File> {
    File::open(path)
}

fn modified(meta: &Metadata) -> SystemTime {
    meta.modified().unwrap_or(UNIX_EPOCH)
}

/// What tells this archive from others, and from what it was before.
fn key(archive: &Data, meta: &Metadata) -> io::Result<[u8; 32]> {
    let mut hash = Sha256::new();
    hash.update(MAGIC);
    hash.update(archive.len().to_le_bytes());
    let time = modified(meta).duration_since(UNIX_EPOCH).unwrap_or_default();
    hash.update(time.as_nanos().to_le_bytes());
    let mut buf = vec![0; SAMPLE];
    let last = archive.len().saturating_sub(SAMPLE as u64);
    for number in 0..=SAMPLES.saturating_add(1) {
        let step = last.checked_div(SAMPLES.saturating_add(1)).unwrap_or(0);
        let at = if number > SAMPLES { last } else { step.saturating_mul(number) };
        let n = archive.read_at(at, &mut buf)?;
        hash.update(buf.get(..n).unwrap_or_default());
    }
    Ok(hash.finalize().into())
}

/// Entries of the same path with another key.
fn stale(directory: &Path, owner: &str, current: &str) -> Vec<String> {
    let Ok(list) = fs::read_dir(directory) else { return Vec::new() };
    let names = list.filter_map(|e| e.ok()?.file_name().into_string().ok());
    let mine = |name: &String| {
        let key = name.strip_prefix(owner).and_then(|rest| rest.strip_prefix('-'));
        key.and_then(|rest| rest.strip_suffix(".tar")).is_some()
    };
    names.filter(|name| mine(name) && name != current).collect()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
