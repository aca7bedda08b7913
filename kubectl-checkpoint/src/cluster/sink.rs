//! Where bytes go as they arrive: hashed and written by a thread of their own,
//! so that the network and the digest keep two cores busy, in constant memory.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::sync::Arc;

use age::stream::StreamWriter;
use anyhow::{Result, anyhow};
use bytes::{Bytes, BytesMut};
use sha2::{Digest as _, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::connection::hex;
use crate::sealed::Recipients;

/// Bytes that may wait between the network and the writer.
const WINDOW: usize = 8 << 20;
/// Bytes that are gathered before the writer is woken: frames are small, and
/// a wake-up for each costs more than the copy.
const BATCH: usize = 512 << 10;
/// Bytes after which the disk is set to work. It writes while the stream runs,
/// instead of all at once when everybody waits for the end.
const FLUSH: u64 = 32 << 20;

/// What bytes are written to.
pub(super) enum Output {
    File(File),
    Stdout,
    /// Encrypted on the way to the disk: nothing plain is written.
    Sealed {
        writer: Box<StreamWriter<Tally>>,
        /// The file, for having it written to disk meanwhile.
        file: Option<File>,
    },
    /// Only hashed.
    Nowhere,
}

impl Output {
    /// Encrypts what goes to a file, or without one to standard output.
    pub(super) fn sealed(recipients: &Recipients, file: Option<File>) -> Result<Self> {
        let handle = file.as_ref().map(File::try_clone).transpose()?;
        let tally = Tally { file, hash: Sha256::new(), bytes: 0 };
        Ok(Self::Sealed { writer: Box::new(recipients.seal(tally)?), file: handle })
    }
}

/// Counts and hashes encrypted bytes.
pub(super) struct Tally {
    file: Option<File>,
    hash: Sha256,
    bytes: u64,
}

impl Write for Tally {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match &mut self.file {
            Some(file) => file.write(bytes)?,
            None => io::stdout().lock().write(bytes)?,
        };
        self.hash.update(bytes.get(..written).unwrap_or_default());
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.file {
            Some(file) => file.flush(),
            None => io::stdout().lock().flush(),
        }
    }
}

/// An output some bytes of which may be there already.
pub(super) struct Begun {
    output: Output,
    hash: Sha256,
    bytes: u64,
}

impl Begun {
    /// Begins with nothing.
    pub(super) fn new(output: Output) -> Self {
        Self { output, hash: Sha256::new(), bytes: 0 }
    }

    /// Goes on after what is in the file, which is read for its digest.
    pub(super) fn after(mut file: File) -> io::Result<Self> {
        let mut hash = Sha256::new();
        let mut bytes = 0;
        let mut buffer = vec![0; BATCH];
        file.seek(SeekFrom::Start(0))?;
        loop {
            let length = file.read(&mut buffer)?;
            let Some(part @ [_, ..]) = buffer.get(..length) else {
                break;
            };
            hash.update(part);
            bytes += part.len() as u64;
        }
        Ok(Self { output: Output::File(file), hash, bytes })
    }

    /// The digest of what is there.
    pub(super) fn sha256(self) -> String {
        hex(&self.hash.finalize())
    }

    /// How many bytes are there.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// What became of the bytes.
pub(super) struct Written {
    pub(super) bytes: u64,
    pub(super) sha256: String,
    /// Length and digest of the encrypted file, where it is one.
    pub(super) sealed: Option<(u64, String)>,
}

enum Order {
    Write {
        bytes: Bytes,
        // Held until the chunk is written: this is what bounds the memory.
        _room: OwnedSemaphorePermit,
    },
    /// Nothing follows because all is here, and not because the work was given up.
    Whole,
}

/// The near end of the writer thread.
pub(super) struct Sink {
    batch: BytesMut,
    chunks: Option<mpsc::UnboundedSender<Order>>,
    room: Arc<Semaphore>,
    /// Taken when the writer's word was heard.
    result: Option<oneshot::Receiver<io::Result<Written>>>,
    pushed: u64,
}

impl Sink {
    /// Starts the writer.
    pub(super) fn start(begun: Begun) -> io::Result<Self> {
        let pushed = begun.bytes;
        let (chunks, mut received) = mpsc::unbounded_channel::<Order>();
        let (done, result) = oneshot::channel();
        std::thread::Builder::new().name(String::from("writer")).spawn(move || {
            // Nobody waits when the work was dropped.
            let _ = done.send(write_all(begun, &mut received));
        })?;
        Ok(Self {
            batch: BytesMut::new(),
            chunks: Some(chunks),
            room: Arc::new(Semaphore::new(WINDOW)),
            result: Some(result),
            pushed,
        })
    }

    /// How many bytes were handed over.
    pub(super) fn pushed(&self) -> u64 {
        self.pushed
    }

    /// Hands bytes over, and waits while too many are on their way.
    pub(super) async fn push(&mut self, bytes: Bytes) -> Result<()> {
        self.pushed += u64::try_from(bytes.len())?;
        if self.batch.is_empty() {
            self.batch.reserve(BATCH);
        }
        self.batch.extend_from_slice(&bytes);
        if self.batch.len() < BATCH {
            return Ok(());
        }
        self.hand_over().await
    }

    async fn hand_over(&mut self) -> Result<()> {
        let bytes = std::mem::take(&mut self.batch).freeze();
        // A batch larger than the window takes all of it.
        let size = u32::try_from(bytes.len().min(WINDOW)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(size).await?;
        let chunk = Order::Write { bytes, _room: room };
        let handed = self.chunks.as_ref().is_some_and(|chunks| chunks.send(chunk).is_ok());
        if handed { Ok(()) } else { Err(self.why().await) }
    }

    /// Waits until all is written and, in a file, on disk.
    pub(super) async fn finish(self) -> Result<Written> {
        self.end(true).await
    }

    /// The same for what is only a part: an encrypted one does not get the end
    /// that would make it a whole file.
    pub(super) async fn finish_part(self) -> Result<Written> {
        self.end(false).await
    }

    async fn end(mut self, whole: bool) -> Result<Written> {
        self.hand_over().await?;
        if let Some(chunks) = self.chunks.as_ref().filter(|_| whole) {
            // A writer that is gone says why below.
            let _ = chunks.send(Order::Whole);
        }
        self.chunks = None;
        match self.word().await {
            Some(Ok(written)) => Ok(written),
            Some(Err(error)) => Err(cannot_write(&error)),
            None => Err(anyhow!("the writer ended without a word")),
        }
    }

    async fn why(&mut self) -> anyhow::Error {
        match self.word().await {
            Some(Err(error)) => cannot_write(&error),
            _ => anyhow!("the writer ended without a word"),
        }
    }

    async fn word(&mut self) -> Option<io::Result<Written>> {
        self.result.take()?.await.ok()
    }
}

fn cannot_write(error: &io::Error) -> anyhow::Error {
    if error.kind() == io::ErrorKind::StorageFull {
        anyhow!("cannot write the archive: the disk here is full ({error}); make room or give another DEST")
    } else {
        anyhow!("cannot write the archive: {error}")
    }
}

fn write_all(begun: Begun, received: &mut mpsc::UnboundedReceiver<Order>) -> io::Result<Written> {
    let Begun { mut output, mut hash, mut bytes } = begun;
    let flusher = match &output {
        Output::File(file) => Some(Flusher::start(file)?),
        Output::Sealed { file, .. } => file.as_ref().map(Flusher::start).transpose()?,
        _ => None,
    };
    let mut flushed = bytes;
    let mut whole = false;
    while let Some(order) = received.blocking_recv() {
        let Order::Write { bytes: chunk, _room } = order else {
            whole = true;
            break;
        };
        match &mut output {
            Output::File(file) => file.write_all(&chunk)?,
            Output::Stdout => io::stdout().lock().write_all(&chunk)?,
            Output::Sealed { writer, .. } => writer.write_all(&chunk)?,
            Output::Nowhere => {}
        }
        hash.update(&chunk);
        bytes += chunk.len() as u64;
        if let Some(flusher) = flusher.as_ref().filter(|_| bytes - flushed >= FLUSH) {
            flushed = bytes;
            flusher.wake();
        }
    }
    let mut sealed = None;
    match output {
        Output::File(file) => file.sync_all()?,
        Output::Stdout => io::stdout().lock().flush()?,
        Output::Sealed { writer, .. } if whole => {
            let mut tally = writer.finish()?;
            tally.flush()?;
            if let Some(file) = &tally.file {
                file.sync_all()?;
            }
            sealed = Some((tally.bytes, hex(&tally.hash.finalize())));
        }
        Output::Sealed { .. } | Output::Nowhere => {}
    }
    Ok(Written { bytes, sha256: hex(&hash.finalize()), sealed })
}

/// A thread that has a growing file written to disk, in steps.
struct Flusher {
    wake: std::sync::mpsc::SyncSender<()>,
}

impl Flusher {
    fn start(file: &File) -> io::Result<Self> {
        let file = file.try_clone()?;
        let (wake, woken) = std::sync::mpsc::sync_channel(1);
        std::thread::Builder::new().name(String::from("flusher")).spawn(move || {
            while woken.recv().is_ok() {
                // What goes wrong here goes wrong again, and is said, at the end.
                let _ = file.sync_data();
            }
        })?;
        Ok(Self { wake })
    }

    /// Wakes it. Where it is still at work from the last time it will go on by itself.
    fn wake(&self) {
        let _ = self.wake.try_send(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().build().unwrap()
    }

    #[test]
    fn bytes_are_written_in_order_and_hashed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        let file = File::create(&path).unwrap();
        let written = runtime().block_on(async {
            let mut sink = Sink::start(Begun::new(Output::File(file))).unwrap();
            for part in ["ab", "", "c"] {
                sink.push(Bytes::from_static(part.as_bytes())).await.unwrap();
            }
            // Larger than the window: passes all the same.
            sink.push(Bytes::from(vec![b'x'; WINDOW + 1])).await.unwrap();
            sink.push(Bytes::from_static(b"end")).await.unwrap();
            assert_eq!(sink.pushed(), 3 + WINDOW as u64 + 1 + 3);
            sink.finish().await.unwrap()
        });
        let content = std::fs::read(&path).unwrap();
        assert_eq!(written.bytes, content.len() as u64);
        assert_eq!(written.sha256, hex(&Sha256::digest(&content)));
        assert!(content.starts_with(b"abcx") && content.ends_with(b"xend"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_said() {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let said = runtime().block_on(async {
            let mut sink = Sink::start(Begun::new(Output::File(full))).unwrap();
            loop {
                if let Err(error) = sink.push(Bytes::from(vec![0; 1 << 20])).await {
                    break error.to_string();
                }
            }
        });
        assert!(said.contains("disk here is full"), "{said}");
    }
}
