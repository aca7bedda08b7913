//! Writes an image as a JSON document.

use std::io::{Read, Write};

use super::json::Json;
use super::message::{Printer, check, normalise};
use super::{
    ERROR_KEY, HEADER_KEY, Options, PADDING_KEY, RAW_KEY, Report, SHORT_KEY, TAIL_KEY, document_name, text,
};
use crate::image::error::{Error, ErrorKind, Result};
use crate::image::header::{ByteOrder, FileHeader, Prefix};
use crate::image::kind::{Kind, PayloadRule};
use crate::image::records::{Frame, Records};
use crate::image::schema::messages;
use crate::image::wire::number_in;

/// A message whose fields are out of order is sorted to be printed, which takes
/// many times its size; a larger one is only kept as bytes.
const MAX_SORTED: usize = 16 << 20;

/// Writes an image as the JSON document that crit writes for it.
///
/// The `hint`, usually from the file's name, is needed for plugins' images.
/// Memory is bounded by the largest record, not by the image.
///
/// # Errors
///
/// Those of [`Records::new`], and [`ErrorKind::Io`] if reading or writing fails.
/// Damage behind the header is part of the document and of the [`Report`].
pub fn decode(hint: Option<Kind>, source: impl Read, out: impl Write, options: &Options) -> Result<Report> {
    let mut records = Records::new(hint, source)?;
    records.inline_segments = options.crit_compat;
    let header = records.header();
    let mut decoder = Decoder {
        json: Json::new(out, options.pretty),
        printer: Printer {
            options,
            // crit swaps words by the rules of the machine it runs on.
            order: if options.crit_compat { ByteOrder::Little } else { header.order },
        },
        report: Report { kind: header.kind, records: 0, unknown_fields: 0, damaged: 0, first_error: None },
        buffer: vec![0; text::LINE_BYTES << 10],
        records,
    };
    decoder.document(header)?;
    let offset = decoder.records.offset();
    decoder.json.flush_all().map_err(|error| Error::io(offset, error))?;
    Ok(decoder.report)
}

struct Decoder<'o, R, W> {
    records: Records<R>,
    json: Json<W>,
    printer: Printer<'o>,
    report: Report,
    buffer: Vec<u8>,
}

impl<R: Read, W: Write> Decoder<'_, R, W> {
    fn keeps_all(&self) -> bool {
        !self.printer.options.crit_compat
    }

    fn note(&mut self, error: Error) {
        self.report.damaged = self.report.damaged.saturating_add(1);
        self.report.first_error.get_or_insert(error);
    }

    fn document(&mut self, header: FileHeader) -> Result<()> {
        self.json.open_object();
        self.json.key("magic");
        self.json.string(document_name(header.kind));
        if self.keeps_all() {
            self.header(header);
        }
        self.json.key("entries");
        self.json.open_array();
        let mut body = Vec::new();
        let failure = self.entries(&mut body)?;
        self.json.close_array();
        if let Some(error) = failure {
            if self.keeps_all() {
                self.tail(&body, &error)?;
            }
            self.note(error);
        }
        self.json.close_object();
        Ok(())
    }

    fn header(&mut self, header: FileHeader) {
        let unusual_prefix = header.prefix != FileHeader::usual_prefix(header.kind);
        if header.order == ByteOrder::Little && !unusual_prefix {
            return;
        }
        self.json.key(HEADER_KEY);
        self.json.open_object();
        if header.order == ByteOrder::Big {
            self.json.key("byte_order");
            self.json.string("big");
        }
        if unusual_prefix {
            self.json.key("prefix");
            self.json.string(match header.prefix {
                Prefix::None => "none",
                Prefix::Common => "common",
                Prefix::Service => "service",
            });
        }
        self.json.close_object();
    }

    /// Writes records; gives what ended them before the image ended.
    fn entries(&mut self, body: &mut Vec<u8>) -> Result<Option<Error>> {
        while let Some(frame) = self.records.next_frame(body) {
            let frame = match frame {
                Ok(frame) => frame,
                Err(error) if error.kind() == ErrorKind::Io => return Err(error),
                Err(error) => return Ok(Some(error)),
            };
            self.report.records = self.report.records.saturating_add(1);
            self.json.element();
            self.json.open_object();
            self.members(&frame, body);
            let failure = self.payload(&frame, body)?;
            self.json.close_object();
            if failure.is_some() {
                return Ok(failure);
            }
            self.flush_some()?;
        }
        Ok(None)
    }

    fn flush_some(&mut self) -> Result<()> {
        self.json.flush_some().map_err(|error| Error::io(self.records.offset(), error))
    }

    fn members(&mut self, frame: &Frame, body: &[u8]) {
        let message = frame.message;
        let failure = match check(body, message, 0) {
            Ok(shape) => {
                self.report.unknown_fields = self.report.unknown_fields.saturating_add(shape.unknown);
                if shape.canonical {
                    self.printer.members(&mut self.json, body, message, false);
                    return;
                }
                if body.len() <= MAX_SORTED {
                    let sorted = normalise(body, message);
                    // Merged sub-messages may nest in ways their parts do not.
                    if check(&sorted, message, 0).is_ok() {
                        self.printer.members(&mut self.json, &sorted, message, false);
                    }
                }
                None
            }
            Err(error) => {
                let what = format!("{}: {}", message.name, error.as_str());
                Some(Error::new(ErrorKind::Damaged, frame.offset, what))
            }
        };
        if self.keeps_all() {
            self.json.key(RAW_KEY);
            self.json.base64(body);
            if let Some(error) = &failure {
                self.json.key(ERROR_KEY);
                self.json.string(error.what());
            }
        }
        if let Some(error) = failure {
            self.note(error);
        }
    }

    fn payload(&mut self, frame: &Frame, body: &mut Vec<u8>) -> Result<Option<Error>> {
        match self.report.kind.info().payload {
            PayloadRule::Nothing | PayloadRule::Raw => {}
            PayloadRule::PipeBytes | PayloadRule::PacketBytes | PayloadRule::BpfMap => {
                self.json.key("extra");
                self.base64_payload(u64::MAX)?;
                self.end_payload(frame, 0, Vec::new())?;
            }
            PayloadRule::TcpQueues => {
                self.json.key("extra");
                self.json.open_object();
                self.json.key("inq");
                self.base64_payload(frame.payload.first)?;
                self.json.key("outq");
                self.base64_payload(u64::MAX)?;
                self.json.close_object();
                self.end_payload(frame, 0, Vec::new())?;
            }
            PayloadRule::Semaphores => self.semaphores(frame)?,
            PayloadRule::Messages => return self.nested_messages(frame, body),
            PayloadRule::SharedMemory => {
                let inline = self.records.inline_segments || matches!(number_in(body, 3), Ok(None | Some(0)));
                if inline {
                    self.json.key("extra");
                    let len = self.base64_payload(u64::MAX)?;
                    self.end_payload(frame, padding(len, 4), Vec::new())?;
                }
            }
            PayloadRule::GhostFile => {
                let chunk = std::ptr::eq(frame.message, &raw const messages::GHOST_CHUNK_ENTRY);
                if chunk || frame.payload.len.is_none() {
                    self.json.key("extra");
                    self.base64_payload(u64::MAX)?;
                    self.end_payload(frame, 0, Vec::new())?;
                }
            }
        }
        Ok(None)
    }

    /// Writes up to `most` bytes of the payload as one text; gives their number.
    fn base64_payload(&mut self, most: u64) -> Result<u64> {
        self.json.open_string();
        let mut total: u64 = 0;
        loop {
            let left = most.saturating_sub(total);
            let room = usize::try_from(left).map_or(self.buffer.len(), |left| left.min(self.buffer.len()));
            let Some(buffer) = self.buffer.get_mut(..room) else {
                break;
            };
            // Only the last read gives less than the buffer, which holds whole lines.
            let count = self.records.read_payload(buffer)?;
            if count == 0 {
                break;
            }
            total = total.saturating_add(count as u64);
            self.json.base64_part(self.buffer.get(..count).unwrap_or_default());
            self.flush_some()?;
        }
        self.json.close_string();
        Ok(total)
    }

    /// Writes what the encoder could not guess about the end of a payload.
    fn end_payload(&mut self, frame: &Frame, usual: u64, mut behind: Vec<u8>) -> Result<()> {
        let missing = self.records.payload_left();
        self.records.read_padding(&mut behind)?;
        let short = behind.len() as u64 != frame.payload.padding;
        if self.keeps_all() && !(behind.len() as u64 == usual && behind.iter().all(|b| *b == 0)) {
            self.json.key(PADDING_KEY);
            self.json.base64(&behind);
        }
        if missing > 0 || short {
            if self.keeps_all() {
                self.json.key(SHORT_KEY);
                self.json.unsigned(missing);
            }
            let what = format!("{}: {missing} bytes of what follows are missing", frame.message.name);
            self.note(Error::new(ErrorKind::Truncated, frame.offset, what));
        }
        Ok(())
    }

    fn semaphores(&mut self, frame: &Frame) -> Result<()> {
        self.json.key("extra");
        self.json.open_array();
        let order = self.records.header().order;
        let mut odd = Vec::new();
        let mut total: u64 = 0;
        loop {
            // An even number of bytes, so that words are not torn.
            let room = self.buffer.len() & !1;
            let Some(buffer) = self.buffer.get_mut(..room) else {
                break;
            };
            let count = self.records.read_payload(buffer)?;
            if count == 0 {
                break;
            }
            let (words, rest) = buffer.get(..count).unwrap_or_default().as_chunks::<2>();
            for word in words {
                self.json.element();
                self.json.unsigned(u64::from(order.u16(*word)));
                total = total.saturating_add(2);
            }
            odd.extend_from_slice(rest);
            self.flush_some()?;
        }
        self.json.close_array();
        self.end_payload(frame, padding(total, 8), odd)
    }

    fn nested_messages(&mut self, frame: &Frame, body: &mut Vec<u8>) -> Result<Option<Error>> {
        self.json.key("extra");
        self.json.open_array();
        let mut failure = None;
        for _ in 0..frame.payload.nested {
            let nested = match self.records.next_frame(body) {
                Some(Ok(nested)) => nested,
                Some(Err(error)) if error.kind() == ErrorKind::Io => return Err(error),
                Some(Err(error)) => {
                    failure = Some(error);
                    break;
                }
                None => break,
            };
            self.json.element();
            self.json.open_object();
            self.members(&nested, body);
            self.json.close_object();
            self.json.element();
            let len = self.base64_payload(u64::MAX)?;
            self.end_nested_payload(&nested, len)?;
            self.flush_some()?;
        }
        self.json.close_array();
        Ok(failure)
    }

    /// As [`Self::end_payload`], in an object of its own behind the text.
    fn end_nested_payload(&mut self, frame: &Frame, len: u64) -> Result<()> {
        let missing = self.records.payload_left();
        let mut behind = Vec::new();
        self.records.read_padding(&mut behind)?;
        let usual = behind.len() as u64 == padding(len, 8) && behind.iter().all(|b| *b == 0);
        if self.keeps_all() && !usual {
            self.json.element();
            self.json.open_object();
            self.json.key(PADDING_KEY);
            self.json.base64(&behind);
            self.json.close_object();
        }
        if missing > 0 || behind.len() as u64 != frame.payload.padding {
            let what = format!("ipc_msg: {missing} bytes of what follows are missing");
            self.note(Error::new(ErrorKind::Truncated, frame.offset, what));
        }
        Ok(())
    }

    /// Writes the rest of a file whose records cannot be told apart any more.
    fn tail(&mut self, read: &[u8], error: &Error) -> Result<()> {
        let mut lines = read.to_vec();
        let mut started = false;
        loop {
            let count = self.records.read_rest(&mut self.buffer)?;
            lines.extend(self.buffer.iter().take(count));
            if !started && lines.is_empty() {
                break;
            }
            if !started {
                self.json.key(TAIL_KEY);
                self.json.open_string();
                started = true;
            }
            if count == 0 {
                self.json.base64_part(&lines);
                self.json.close_string();
                break;
            }
            let whole = lines.len().saturating_sub(lines.len() % text::LINE_BYTES);
            self.json.base64_part(lines.get(..whole).unwrap_or_default());
            lines.drain(..whole);
            self.flush_some()?;
        }
        self.json.key(ERROR_KEY);
        self.json.string(&error.to_string());
        Ok(())
    }
}

pub(super) fn padding(len: u64, align: u64) -> u64 {
    len.checked_next_multiple_of(align).map_or(0, |end| end.saturating_sub(len))
}

/// Looks at every record of an image without writing any.
pub(crate) fn inspect<R: Read>(mut records: Records<R>) -> Report {
    let mut report =
        Report { kind: records.header().kind, records: 0, unknown_fields: 0, damaged: 0, first_error: None };
    let mut body = Vec::new();
    let note = |report: &mut Report, error| {
        report.damaged = report.damaged.saturating_add(1);
        report.first_error.get_or_insert(error);
    };
    while let Some(frame) = records.next_frame(&mut body) {
        match frame {
            Ok(frame) => {
                if !frame.nested {
                    report.records = report.records.saturating_add(1);
                }
                match check(&body, frame.message, 0) {
                    Ok(shape) => {
                        report.unknown_fields = report.unknown_fields.saturating_add(shape.unknown);
                    }
                    Err(error) => {
                        let what = format!("{}: {}", frame.message.name, error.as_str());
                        note(&mut report, Error::new(ErrorKind::Damaged, frame.offset, what));
                    }
                }
            }
            Err(error) => note(&mut report, error),
        }
    }
    report
}
