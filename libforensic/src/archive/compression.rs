//! Recognises and undoes compression.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, ErrorKind, Result, Warning};
use crate::limits::Limits;

/// How the bytes of an archive are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all: members are read where they stand.
    None,
    /// gzip, one or more members (RFC 1952).
    Gzip,
    /// Zstandard, one or more frames (RFC 8878).
    Zstd,
}

impl Compression {
    /// Returns `none`, `gzip` or `zstd`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// Formats that are recognised only to be refused with advice.
const FOREIGN: &[(&[u8], &str, &str)] = &[
    (b"\xfd7zXZ\x00", "xz", "xz -dc FILE | kubectl checkpoint … -"),
    (b"BZh", "bzip2", "bzip2 -dc FILE | kubectl checkpoint … -"),
    (b"\x04\x22\x4d\x18", "lz4", "lz4 -dc FILE | kubectl checkpoint … -"),
    (b"LZIP", "lzip", "lzip -dc FILE | kubectl checkpoint … -"),
    (b"\x1f\x9d", "compress (.Z)", "gzip -dc FILE | kubectl checkpoint … -"),
    (b"\x5d\x00\x00", "lzma", "xz --format=lzma -dc FILE | kubectl checkpoint … -"),
    (b"7z\xbc\xaf\x27\x1c", "7-zip", "7z x -so FILE | kubectl checkpoint … -"),
    (b"Salted__", "an openssl-encrypted file", "openssl enc -d … -in FILE | kubectl checkpoint … -"),
    // Where it is not at the beginning of the archive itself.
    (b"age-encryption.org/", "an age-encrypted file", "age -d -i KEY FILE | kubectl checkpoint … -"),
];

const PICKLE: &str = "a Python pickle (old PyTorch checkpoints are such files), not a CRIU checkpoint";

const VMWARE: &str = "the suspended state or a snapshot of a VMware virtual machine, not CRIU images";
const XEN: &str = "a virtual machine saved by Xen, not CRIU images";

/// Formats that are not checkpoints of containers by CRIU at all.
const NOT_CRIU: &[(usize, &[u8], &str)] = &[
    (0, b"gVisorSF", "a gVisor state file (runsc checkpoint), not CRIU images"),
    (0, b"DMTCP_CHECKPOINT", "a DMTCP checkpoint image, not CRIU images"),
    (0, b"\x7fELF", "an ELF file (a core dump, perhaps), not a checkpoint archive"),
    (0, b"PK\x03\x04", "a ZIP file (PyTorch's .pt checkpoints are such files), not a CRIU checkpoint"),
    // The machine's byte order is little-endian; the rest of the number tells x86 from arm.
    (0, b"\x00\x00\x64\x86\x84\x19\x10\x07", "a Firecracker virtual machine snapshot, not CRIU images"),
    (0, b"\x00\x00\xaa\xaa\x84\x19\x10\x07", "a Firecracker virtual machine snapshot, not CRIU images"),
    (0, b"\x80\x02", PICKLE),
    (0, b"\x80\x03", PICKLE),
    (0, b"\x80\x04", PICKLE),
    (0, b"\x80\x05", PICKLE),
    (0, b"QEVM", "a QEMU virtual machine snapshot, not CRIU images"),
    (0, b"LibvirtQemudSave", "a virtual machine saved by libvirt, not CRIU images"),
    (0, b"LibvirtQemudPart", "an unfinished save of a virtual machine by libvirt, not CRIU images"),
    (0, b"\xd0\xbe\xd2\xbe", VMWARE),
    (0, b"\xd1\xba\xd1\xba", VMWARE),
    (0, b"\xd2\xbe\xd2\xbe", VMWARE),
    (0, b"\xd3\xbe\xd3\xbe", VMWARE),
    (0, b"\x7fVirtualBox SavedState", "the saved state of a VirtualBox virtual machine, not CRIU images"),
    (0, b"Xen saved domain", XEN),
    (0, b"LinuxGuestRecord", XEN),
    (0, b"\xff\xff\xff\xff\xff\xff\xff\xffXENF", XEN),
    (0, b"QFI\xfb", "a QCOW2 disk image, not CRIU images"),
    (0, b"EMiL", "a LiME memory image of a whole machine, not CRIU images"),
    (0, b"hsqs", "a squashfs image, not a checkpoint archive"),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file, not a CRIU checkpoint"),
];

/// Names a file that is no checkpoint of a container by CRIU, by its first bytes.
pub(crate) fn not_criu(head: &[u8]) -> Option<&'static str> {
    let known = NOT_CRIU.iter().find(|(at, magic, _)| head.get(*at..).is_some_and(|h| h.starts_with(magic)));
    if let Some((_, _, name)) = known {
        return Some(name);
    }
    // safetensors: the length of a JSON header, then the header.
    if let Some((length, rest)) = head.split_first_chunk::<8>()
        && rest.starts_with(b"{\"")
        && u64::from_le_bytes(*length) < 100 << 20
    {
        return Some("a safetensors file (weights of a machine-learning model), not a CRIU checkpoint");
    }
    // Cloud Hypervisor's state.json is a tree of snapshots.
    let is_tree = head.starts_with(b"{") && memchr::memmem::find(head, b"\"snapshots\"").is_some();
    is_tree.then_some("the state of a Cloud Hypervisor virtual machine snapshot, not CRIU images")
}

/// Looks at the first bytes: a compression, or an error for what is no archive of ours.
///
/// A plain tar gives `Compression::None`; whether it really is one is for the tar walker to say.
pub(crate) fn sniff(head: &[u8]) -> Result<Compression> {
    if head.is_empty() {
        return Err(Error::new(ErrorKind::UnknownFormat, "the file is empty"));
    }
    if head.starts_with(GZIP) {
        return Ok(Compression::Gzip);
    }
    if head.starts_with(ZSTD) || is_skippable_frame(head) {
        return Ok(Compression::Zstd);
    }
    if head.get(..512).is_some_and(super::tar::looks_like_tar) {
        return Ok(Compression::None);
    }
    for (magic, name, advice) in FOREIGN {
        if head.starts_with(magic) {
            return Err(Error::new(
                ErrorKind::UnsupportedFormat,
                format!("{name} is not read directly; unpack it on the way in: {advice}"),
            ));
        }
    }
    if let Some(name) = not_criu(head) {
        return Err(Error::new(ErrorKind::UnsupportedFormat, format!("this is {name}")));
    }
    if head.iter().all(|b| *b == 0) {
        return Err(Error::new(
            ErrorKind::UnknownFormat,
            "the file begins with zeros only: an empty or unfinished archive",
        ));
    }
    if head.len() < 512 {
        return Err(Error::new(
            ErrorKind::UnknownFormat,
            format!("only {} bytes: too short for an archive", head.len()),
        ));
    }
    Err(Error::new(
        ErrorKind::UnknownFormat,
        "not a tar archive, plain or compressed with gzip or zstd, by its first bytes",
    ))
}

/// Frames that zstd decoders skip (RFC 8878, 3.1.2).
fn is_skippable_frame(head: &[u8]) -> bool {
    matches!(head, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// Shared record of what a decoder met besides data.
pub(crate) type Notes = Arc<Mutex<Vec<Warning>>>;

pub(crate) fn note(notes: &Notes, warning: Warning) {
    notes.lock().unwrap_or_else(PoisonError::into_inner).push(warning);
}

/// Returns a reader of the unpacked bytes.
///
/// All gzip members and zstd frames are read, checksums included; bytes
/// behind the last one go to `notes`, as does what goes beyond `limits`.
pub(crate) fn decoder<'r, R: Read + Send + 'r>(
    compression: Compression,
    reader: R,
    limits: &Limits,
    notes: &Notes,
) -> Result<Box<dyn Read + Send + 'r>> {
    let counted = Counted { inner: reader, count: Arc::default() };
    let input = Arc::clone(&counted.count);
    let reader = BufReader::with_capacity(256 << 10, counted);
    let unpacked: Box<dyn Read + Send + 'r> = match compression {
        Compression::None => return Ok(Box::new(reader)),
        Compression::Gzip => {
            Box::new(Gzip { state: GzipState::Between(reader), notes: Arc::clone(notes), first: true })
        }
        Compression::Zstd => zstd_decoder(reader, notes)?,
    };
    Ok(Box::new(Bounded {
        inner: unpacked,
        input,
        output: 0,
        limit: limits.unpacked_bytes,
        expansion: limits.expansion,
    }))
}

struct Counted<R> {
    inner: R,
    count: Arc<std::sync::atomic::AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.count.fetch_add(n as u64, std::sync::atomic::Ordering::Relaxed);
        Ok(n)
    }
}

struct Bounded<R> {
    inner: R,
    input: Arc<std::sync::atomic::AtomicU64>,
    output: u64,
    limit: u64,
    expansion: u64,
}

/// Unpacked bytes before the expansion is looked at: small archives of zeros are honest.
const EXPANSION_GRACE: u64 = 64 << 20;

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.output = self.output.saturating_add(n as u64);
        if self.output > self.limit {
            return Err(io::Error::other(format!("unpacks to more than the limit of {} bytes", self.limit)));
        }
        let input = self.input.load(std::sync::atomic::Ordering::Relaxed);
        if self.output > EXPANSION_GRACE && self.output > input.saturating_mul(self.expansion) {
            return Err(io::Error::other(format!(
                "unpacks to more than {} times its size: a decompression bomb, or raise the limit",
                self.expansion
            )));
        }
        Ok(n)
    }
}

enum GzipState<R> {
    Between(R),
    Member(Box<flate2::bufread::GzDecoder<R>>),
    Done,
}

/// gzip members one after the other, and tolerance for what follows them.
///
/// `flate2`'s own multi-member reader ends in an error on any byte behind
/// the last member; CRIU's tmpfs images are padded with zeros there.
struct Gzip<R> {
    state: GzipState<R>,
    notes: Notes,
    first: bool,
}

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            match std::mem::replace(&mut self.state, GzipState::Done) {
                GzipState::Done => return Ok(0),
                GzipState::Between(mut reader) => {
                    let head = reader.fill_buf()?;
                    if head.is_empty() {
                        return Ok(0);
                    }
                    // A magic number may be cut by the end of the buffer; one byte decides then.
                    if head.starts_with(GZIP) || head == [0x1f] || self.first {
                        self.first = false;
                        self.state = GzipState::Member(Box::new(flate2::bufread::GzDecoder::new(reader)));
                    } else {
                        trailing(&mut reader, "gzip", &self.notes)?;
                        return Ok(0);
                    }
                }
                GzipState::Member(mut decoder) => match decoder.read(buf) {
                    Ok(0) => self.state = GzipState::Between(decoder.into_inner()),
                    Ok(n) => {
                        self.state = GzipState::Member(decoder);
                        return Ok(n);
                    }
                    // flate2 has no kind for it: all data was given, the eight bytes behind it were read.
                    Err(e) if e.to_string().contains("matching checksum") => {
                        note(
                            &self.notes,
                            Warning::new(
                                "the checksum of the gzip stream is wrong: any byte of the archive may have changed since it was packed",
                            ),
                        );
                        self.state = GzipState::Between(decoder.into_inner());
                    }
                    Err(e) => {
                        // The reader stays `Done`: nothing behind a broken member can be trusted to be in step.
                        return Err(describe("gzip", &e));
                    }
                },
            }
        }
    }
}

fn describe(what: &str, e: &io::Error) -> io::Error {
    let kind = e.kind();
    if kind == io::ErrorKind::UnexpectedEof {
        io::Error::new(kind, format!("the {what} stream is cut off"))
    } else {
        io::Error::new(kind, format!("the {what} stream is damaged ({e})"))
    }
}

/// Counts what is left after the last member or frame.
fn trailing(reader: &mut impl BufRead, what: &str, notes: &Notes) -> io::Result<()> {
    let mut total = 0_u64;
    let mut zeros = true;
    loop {
        let chunk = reader.fill_buf()?;
        let n = chunk.len();
        if n == 0 {
            break;
        }
        zeros = zeros && chunk.iter().all(|b| *b == 0);
        total = total.saturating_add(n as u64);
        reader.consume(n);
    }
    if !zeros {
        note(notes, Warning::new(format!("{total} bytes behind the end of the {what} stream are ignored")));
    }
    Ok(())
}

#[cfg(feature = "zstd")]
#[expect(clippy::unnecessary_wraps, reason = "the same signature as without the feature")]
fn zstd_decoder<'r, R: BufRead + Send + 'r>(reader: R, notes: &Notes) -> Result<Box<dyn Read + Send + 'r>> {
    Ok(Box::new(zstd_frames::Zstd::new(reader, Arc::clone(notes))))
}

#[cfg(not(feature = "zstd"))]
fn zstd_decoder<'r, R: BufRead + Send + 'r>(_reader: R, _notes: &Notes) -> Result<Box<dyn Read + Send + 'r>> {
    Err(Error::new(
        ErrorKind::UnsupportedFormat,
        "this build reads no zstd; unpack it on the way in: zstd -dc FILE | kubectl checkpoint … -",
    ))
}

#[cfg(feature = "zstd")]
mod zstd_frames {
    use super::{BufRead, Notes, Read, describe, io, is_skippable_frame, trailing};

    enum State<R: BufRead> {
        Between(R),
        Frame(zstd::stream::read::Decoder<'static, R>),
        Done,
    }

    /// zstd frames one after the other, and tolerance for what follows them.
    pub(super) struct Zstd<R: BufRead> {
        state: State<R>,
        notes: Notes,
        first: bool,
    }

    impl<R: BufRead> Zstd<R> {
        pub(super) fn new(reader: R, notes: Notes) -> Self {
            Self { state: State::Between(reader), notes, first: true }
        }
    }

    impl<R: BufRead> Read for Zstd<R> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            if buf.is_empty() {
                return Ok(0);
            }
            loop {
                match std::mem::replace(&mut self.state, State::Done) {
                    State::Done => return Ok(0),
                    State::Between(mut reader) => {
                        let head = reader.fill_buf()?;
                        if head.is_empty() {
                            return Ok(0);
                        }
                        let frame = head.starts_with(super::ZSTD)
                            || is_skippable_frame(head)
                            || (head.len() < 4 && super::ZSTD.starts_with(head));
                        if frame || self.first {
                            self.first = false;
                            let decoder = zstd::stream::read::Decoder::with_buffer(reader)?.single_frame();
                            self.state = State::Frame(decoder);
                        } else {
                            trailing(&mut reader, "zstd", &self.notes)?;
                            return Ok(0);
                        }
                    }
                    State::Frame(mut decoder) => match decoder.read(buf) {
                        Ok(0) => self.state = State::Between(decoder.finish()),
                        Ok(n) => {
                            self.state = State::Frame(decoder);
                            return Ok(n);
                        }
                        Err(e) => return Err(describe("zstd", &e)),
                    },
                }
            }
        }
    }
}
