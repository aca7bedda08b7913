//! Splits an image into records and the bytes that follow them.

use std::io::{BufRead, BufReader, Read};

use super::error::{Error, ErrorKind, Result};
use super::header::{ByteOrder, FileHeader, Prefix};
use super::kind::{Cardinality, Header, Kind, PayloadRule};
use super::schema::{Message, Type, messages};
use super::wire::{Wire, WireError, WireValue, number_in};

/// What a reader is willing to hold in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest message, in bytes; 64 MiB unless raised.
    pub record: u64,
    /// The largest payload kept in a [`Record`], in bytes; 64 MiB unless raised.
    /// Of a larger one only the range is given.
    pub payload: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { record: 64 << 20, payload: 64 << 20 }
    }
}

/// A record of an image.
#[derive(Debug, Clone)]
pub struct Record {
    /// Where the record starts in the image, in bytes: at its size.
    pub offset: u64,
    /// Describes the message.
    pub message: &'static Message,
    /// The bytes of the message.
    pub body: Vec<u8>,
    /// What follows the message.
    pub payload: Payload,
}

impl Record {
    /// Decodes the message.
    ///
    /// The type is not checked against [`Record::message`]: protobuf cannot tell.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Damaged`] if the bytes are not a message of that type, and
    /// [`ErrorKind::Limit`] if more than a million messages are within it.
    pub fn decode<M: prost::Message + Default>(&self) -> Result<M> {
        decode_bounded(&self.body, self.message, self.offset)
    }
}

/// The most messages within one that are decoded.
const MAX_MESSAGES: u64 = 1 << 20;

/// Decodes a message unless the messages within it are too many.
///
/// An empty message takes two bytes in an image and some hundred as a struct:
/// without a bound, an image would cost fifty times its size in memory.
pub(crate) fn decode_bounded<M: prost::Message + Default>(
    body: &[u8],
    message: &Message,
    offset: u64,
) -> Result<M> {
    if body.len() as u64 > MAX_MESSAGES && count_messages(body, message, 0) > MAX_MESSAGES {
        let what = format!("{}: more than {MAX_MESSAGES} messages within it", message.name);
        return Err(Error::new(ErrorKind::Limit, offset, what));
    }
    M::decode(body)
        .map_err(|error| Error::new(ErrorKind::Damaged, offset, format!("{}: {error}", message.name)))
}

fn count_messages(body: &[u8], message: &Message, depth: u32) -> u64 {
    let mut count: u64 = 0;
    // Deeper ones are refused by the decoder.
    if depth > 100 {
        return count;
    }
    for field in Wire::new(body).map_while(std::result::Result::ok) {
        let inner = message.field(field.number).map(|field| field.ty);
        if let (Some(Type::Message(inner)), WireValue::Bytes(bytes)) = (inner, field.value) {
            let within = count_messages(bytes, inner, depth.saturating_add(1));
            count = count.saturating_add(within).saturating_add(1);
        }
    }
    count
}

/// The bytes that follow a record's message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Payload {
    /// Where they start in the image, in bytes.
    pub offset: u64,
    /// How many there are, in bytes, without padding.
    pub len: u64,
    /// The bytes; none if there are no bytes, if they were not asked for, or if
    /// they exceed [`Limits::payload`].
    pub bytes: Option<Vec<u8>>,
}

/// What follows the message just read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PayloadSpec {
    /// Bytes that ought to follow; unknown if everything up to the end does.
    pub(crate) len: Option<u64>,
    /// Of these, the bytes that form the first of two parts.
    pub(crate) first: u64,
    /// Bytes of padding behind them.
    pub(crate) padding: u64,
    /// Records of the second message that follow.
    pub(crate) nested: u64,
}

/// A message just read, without its bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) offset: u64,
    pub(crate) message: &'static Message,
    pub(crate) nested: bool,
    pub(crate) payload: PayloadSpec,
}

/// Iterates over the records of an image.
///
/// Messages are not decoded, so that one with damaged contents does not end the
/// iteration. What ends it, with one error, is a size that exceeds the file, or
/// a message that says how many bytes follow it and cannot be read.
///
/// ```
/// use libforensic::image::{Kind, Records, proto::PstreeEntry};
///
/// let image: &[u8] = &[
///     0x19, 0x43, 0x56, 0x54, 0x30, 0x30, 0x27, 0x50, // the magic numbers of pstree.img
///     10, 0, 0, 0, // ten bytes follow
///     8, 1, 16, 0, 24, 1, 32, 1, 40, 1, // pid 1, ppid 0, pgid 1, sid 1, thread 1
/// ];
/// let mut records = Records::new(None, image)?;
/// assert_eq!(records.header().kind, Kind::Pstree);
/// for record in records {
///     let process: PstreeEntry = record?.decode()?;
///     assert_eq!(process.pid, Some(1));
/// }
/// # Ok::<(), libforensic::image::Error>(())
/// ```
#[derive(Debug)]
pub struct Records<R> {
    source: BufReader<R>,
    offset: u64,
    header: FileHeader,
    limits: Limits,
    keep_payloads: bool,
    /// Take segments to follow their records whatever these say, as crit does.
    pub(crate) inline_segments: bool,
    /// Top-level records read so far.
    index: u64,
    /// Records of the second message that follow before the next top-level one.
    nested_left: u64,
    /// Bytes of the current payload not read yet; `None` is up to the end.
    payload_left: Option<u64>,
    padding_left: u64,
    done: bool,
}

impl<R: Read> Records<R> {
    /// Reads an image's header.
    ///
    /// The `hint`, usually from the file's name, is needed for plugins' images,
    /// which have no magic number, and tells apart kinds that share one.
    ///
    /// # Errors
    ///
    /// Those of [`FileHeader::parse`]; [`ErrorKind::NoRecords`] for a kind of
    /// image without records.
    pub fn new(hint: Option<Kind>, source: R) -> Result<Self> {
        Self::with_buffer(hint, source, usize::MAX)
    }

    /// As [`Records::new`], for a source that holds no more than so many bytes.
    pub(crate) fn with_buffer(hint: Option<Kind>, source: R, most: usize) -> Result<Self> {
        let mut source = BufReader::with_capacity(most.min(64 << 10), source);
        let mut start = Vec::with_capacity(8);
        let has_magic = |kind: &Kind| !matches!(kind.info().header, Header::Raw | Header::Length64);
        let header = if let Some(kind) = hint.filter(|kind| !has_magic(kind)) {
            FileHeader { kind, order: ByteOrder::Little, prefix: Prefix::None }
        } else {
            let failed = |error| Error::io(0, error);
            read_up_to(&mut source, 4, &mut start).map_err(failed)?;
            if FileHeader::has_prefix(&start) {
                read_up_to(&mut source, 4, &mut start).map_err(failed)?;
            }
            FileHeader::parse(hint, &start)?
        };
        if !header.kind.info().is_framed() {
            let what = format!("{} has no records", header.kind);
            return Err(Error::new(ErrorKind::NoRecords, 0, what));
        }
        Ok(Self {
            source,
            offset: start.len() as u64,
            header,
            limits: Limits::default(),
            keep_payloads: true,
            inline_segments: false,
            index: 0,
            nested_left: 0,
            payload_left: Some(0),
            padding_left: 0,
            done: false,
        })
    }

    /// Sets limits other than the default ones.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Leaves payloads out of the records; their ranges are still given.
    #[must_use]
    pub fn without_payloads(mut self) -> Self {
        self.keep_payloads = false;
        self
    }

    /// Gives what the file starts with.
    pub fn header(&self) -> FileHeader {
        self.header
    }

    /// Gives how many bytes were read so far, including those of the header.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads the next message into `body`; what was left of a payload is skipped.
    ///
    /// On an error `body` has the bytes read since the record's offset, size included.
    pub(crate) fn next_frame(&mut self, body: &mut Vec<u8>) -> Option<Result<Frame>> {
        if self.done {
            return None;
        }
        let frame = self.read_frame(body).transpose();
        self.done = !matches!(frame, Some(Ok(_)));
        frame
    }

    fn read_frame(&mut self, body: &mut Vec<u8>) -> Result<Option<Frame>> {
        crate::meter::step();
        body.clear();
        self.skip_payload()?;
        let offset = self.offset;
        let info = self.header.kind.info();
        let prefix = if info.header == Header::Length64 { 8 } else { 4 };
        if info.header == Header::Length64 && self.index > 0 {
            self.take_body(1, body)?;
            return if body.is_empty() {
                Ok(None)
            } else {
                let what = "bytes follow the only record";
                Err(Error::new(ErrorKind::Damaged, offset, what))
            };
        }
        self.take_body(prefix, body)?;
        let size = match *body.as_slice() {
            [] if self.nested_left > 0 => {
                let what = format!("{} records are missing", self.nested_left);
                return Err(Error::new(ErrorKind::Truncated, offset, what));
            }
            [] => return Ok(None),
            ref bytes => {
                // Half of a long size must not pass for a short one.
                if let Ok(word) = <[u8; 4]>::try_from(bytes)
                    && prefix == 4
                {
                    u64::from(self.header.order.u32(word))
                } else if let Ok(long) = <[u8; 8]>::try_from(bytes) {
                    u64::from_le_bytes(long)
                } else {
                    let what = "the file ends within a record's size";
                    return Err(Error::new(ErrorKind::Truncated, offset, what));
                }
            }
        };
        if size > self.limits.record {
            let what = format!(
                "a record of {size} bytes exceeds the limit of {}; it and what follows it is not read",
                self.limits.record
            );
            return Err(Error::new(ErrorKind::Limit, offset, what));
        }
        let size_bytes = std::mem::take(body);
        self.take_body(size, body)?;
        if (body.len() as u64) < size {
            let what = format!("a record needs {size} bytes, {} are left", body.len());
            body.splice(0..0, size_bytes);
            return Err(Error::new(ErrorKind::Truncated, offset, what));
        }
        let nested = self.nested_left > 0;
        let message = match info.messages {
            [_, second, ..] if nested => second,
            [_, second, ..] if info.cardinality == Cardinality::HeadThenMany && self.index > 0 => second,
            [first, ..] => first,
            [] => return Ok(None),
        };
        let payload = match payload_of(info.payload, message, body, self.inline_segments) {
            Ok(payload) => payload,
            Err(error) => {
                let what = format!("{}: {}", message.name, error.as_str());
                body.splice(0..0, size_bytes);
                return Err(Error::new(ErrorKind::Damaged, offset, what));
            }
        };
        if nested {
            self.nested_left = self.nested_left.saturating_sub(1);
        } else {
            self.index = self.index.saturating_add(1);
            self.nested_left = payload.nested;
        }
        self.payload_left = payload.len;
        self.padding_left = payload.padding;
        Ok(Some(Frame { offset, message, nested, payload }))
    }

    fn take_body(&mut self, size: u64, body: &mut Vec<u8>) -> Result<()> {
        let read = read_up_to(&mut self.source, size, body);
        self.advance(read)?;
        Ok(())
    }

    fn advance(&mut self, read: std::io::Result<u64>) -> Result<u64> {
        let read = read.map_err(|error| Error::io(self.offset, error))?;
        self.offset = self.offset.saturating_add(read);
        Ok(read)
    }

    /// Reads payload bytes into `buffer`, as many as there are; 0 at its end.
    pub(crate) fn read_payload(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let want = match self.payload_left {
            None => buffer.len(),
            Some(left) => usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len())),
        };
        let Some(buffer) = buffer.get_mut(..want) else {
            return Ok(0);
        };
        let mut filled = 0_usize;
        while let Some(free) = buffer.get_mut(filled..).filter(|free| !free.is_empty()) {
            match self.source.read(free) {
                Ok(0) => break,
                Ok(count) => filled = filled.saturating_add(count),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io(self.offset, error)),
            }
        }
        self.offset = self.offset.saturating_add(filled as u64);
        if let Some(left) = &mut self.payload_left {
            *left = left.saturating_sub(filled as u64);
        }
        Ok(filled)
    }

    /// Gives how many bytes of the payload were not read.
    pub(crate) fn payload_left(&self) -> u64 {
        self.payload_left.unwrap_or(0)
    }

    /// Reads the padding behind a payload, as far as it is there.
    pub(crate) fn read_padding(&mut self, padding: &mut Vec<u8>) -> Result<()> {
        let want = std::mem::take(&mut self.padding_left);
        self.take_body(want, padding)
    }

    /// Reads whatever is left of the file, in pieces.
    pub(crate) fn read_rest(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.payload_left = None;
        self.read_payload(buffer)
    }

    fn skip_payload(&mut self) -> Result<()> {
        let offset = self.offset;
        match self.payload_left {
            Some(0) => {}
            None => {
                self.skip(u64::MAX)?;
            }
            Some(left) => {
                let skipped = self.skip(left)?;
                if skipped < left {
                    return Err(short_payload(offset, left, skipped));
                }
            }
        }
        self.payload_left = Some(0);
        let want = std::mem::take(&mut self.padding_left);
        if want > 0 {
            let offset = self.offset;
            let skipped = self.skip(want)?;
            if skipped < want {
                return Err(short_payload(offset, want, skipped));
            }
        }
        Ok(())
    }

    fn skip(&mut self, count: u64) -> Result<u64> {
        let skipped = std::io::copy(&mut self.source.by_ref().take(count), &mut std::io::sink());
        self.advance(skipped)
    }

    fn next_record(&mut self) -> Option<Result<Record>> {
        let mut body = Vec::new();
        let frame = match self.next_frame(&mut body)? {
            Ok(frame) => frame,
            Err(error) => return Some(Err(error)),
        };
        let offset = self.offset;
        let limit = self.limits.payload;
        let mut payload = Payload { offset, len: frame.payload.len.unwrap_or(0), bytes: None };
        let small = frame.payload.len.is_none_or(|len| len > 0 && len <= limit);
        if self.keep_payloads && small {
            let mut bytes = Vec::new();
            let most = frame.payload.len.unwrap_or(limit);
            if let Err(error) = self.take_body(most, &mut bytes) {
                self.done = true;
                return Some(Err(error));
            }
            let read = bytes.len() as u64;
            if let Some(left) = &mut self.payload_left {
                *left = left.saturating_sub(read);
            } else {
                payload.len = read;
            }
            payload.bytes = Some(bytes);
        }
        if frame.payload.len.is_none() {
            // The rest of the file: its length is known when it was read.
            match self.skip(u64::MAX) {
                Ok(0) => {}
                Ok(more) => {
                    payload.len = payload.len.saturating_add(more);
                    payload.bytes = None;
                }
                Err(error) => {
                    self.done = true;
                    return Some(Err(error));
                }
            }
            self.payload_left = Some(0);
        }
        Some(Ok(Record { offset: frame.offset, message: frame.message, body, payload }))
    }
}

impl<R: Read> Iterator for Records<R> {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_record()
    }
}

fn short_payload(offset: u64, want: u64, have: u64) -> Error {
    let what = format!("{want} bytes ought to follow, {have} are left");
    Error::new(ErrorKind::Truncated, offset, what)
}

/// Appends up to `count` bytes; memory grows with what is there, not with `count`.
fn read_up_to(source: &mut BufReader<impl Read>, count: u64, out: &mut Vec<u8>) -> std::io::Result<u64> {
    let mut left = count;
    while left > 0 {
        let available = match source.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let take = usize::try_from(left).map_or(available.len(), |left| left.min(available.len()));
        let Some(part) = available.get(..take).filter(|part| !part.is_empty()) else {
            break;
        };
        out.extend_from_slice(part);
        source.consume(take);
        left = left.saturating_sub(take as u64);
    }
    Ok(count.saturating_sub(left))
}

/// Computes from a message how many bytes follow it.
///
/// Layouts: CRIU's `criu/pipes.c`, `criu/sk-queue.c`, `criu/sk-tcp.c`,
/// `criu/bpfmap.c`, `criu/ipc_ns.c` and `criu/files-reg.c`.
fn payload_of(
    rule: PayloadRule,
    message: &'static Message,
    body: &[u8],
    inline_segments: bool,
) -> Result<PayloadSpec, WireError> {
    let number = |field| number_in(body, field).map(Option::unwrap_or_default);
    // Lengths are 32 bits wide in all messages but that of a segment.
    let word = |field| number(field).map(|value| value & u64::from(u32::MAX));
    let mut spec = PayloadSpec { len: Some(0), ..PayloadSpec::default() };
    let padding = |len: u64, align: u64| len.next_multiple_of(align).saturating_sub(len);
    match rule {
        PayloadRule::Nothing | PayloadRule::Raw => {}
        PayloadRule::PipeBytes | PayloadRule::PacketBytes => spec.len = Some(word(2)?),
        PayloadRule::TcpQueues => {
            spec.first = word(1)?;
            spec.len = Some(spec.first.saturating_add(word(3)?));
        }
        PayloadRule::BpfMap => {
            spec.first = word(2)?;
            spec.len = Some(spec.first.saturating_add(word(3)?));
        }
        PayloadRule::Semaphores => {
            let len = word(2)?.saturating_mul(2);
            spec.len = Some(len);
            spec.padding = padding(len, 8);
        }
        PayloadRule::Messages if std::ptr::eq(message, &raw const messages::IPC_MSG) => {
            let len = word(2)?;
            spec.len = Some(len);
            spec.padding = padding(len, 8);
        }
        PayloadRule::Messages => spec.nested = word(3)?,
        PayloadRule::SharedMemory => {
            if inline_segments || number(3)? == 0 {
                let len = number(2)?;
                spec.len = Some(len);
                spec.padding = if len > u64::MAX >> 1 { 0 } else { padding(len, 4) };
            }
        }
        PayloadRule::GhostFile if std::ptr::eq(message, &raw const messages::GHOST_CHUNK_ENTRY) => {
            spec.len = Some(number(1)?);
        }
        PayloadRule::GhostFile => {
            // Of other than regular files nothing follows, which is all of the rest, too.
            if number(9)? == 0 {
                spec.len = None;
            }
        }
    }
    Ok(spec)
}
