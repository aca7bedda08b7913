//! Makes an image from a JSON document.

use std::fmt;
use std::io::{Read, Write};

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::decode::padding;
use super::message::{MAX_DEPTH, put_bytes, put_field, put_key};
use super::{
    BYTES_KEY, ERROR_KEY, HEADER_KEY, Options, PADDING_KEY, RAW_KEY, SHORT_KEY, TAIL_KEY, UNKNOWN_KEY, names,
    text,
};
use crate::image::error::{Error, ErrorKind, Result};
use crate::image::header::{ByteOrder, COMMON_MAGIC, FileHeader, Prefix, SERVICE_MAGIC};
use crate::image::kind::{Cardinality, Header, Kind, PayloadRule};
use crate::image::schema::{Field, Format, Label, Message, Type, messages};
use crate::image::wire::{WireValue, put_varint};

/// Writes the image that a JSON document describes, and gives its kind.
///
/// Documents of this library and of crit are accepted, in plain and pretty form,
/// with members in any order. Members that are nothing of the image's are refused
/// unless [`Options::lenient`] or [`Options::crit_compat`] is set. One entry is
/// held in memory at a time, unless `entries` stands before `magic`.
///
/// # Errors
///
/// [`ErrorKind::Json`] if the document is not that of an image, and
/// [`ErrorKind::Io`] if writing fails. What was written until then stays.
pub fn encode(json: impl Read, out: impl Write, options: &Options) -> Result<Kind> {
    let mut encoder = Encoder {
        out: std::io::BufWriter::with_capacity(64 << 10, out),
        options: *options,
        header: None,
        index: 0,
        written: 0,
        failure: None,
    };
    let mut json = serde_json::Deserializer::from_reader(std::io::BufReader::new(json));
    let parsed = Document(&mut encoder).deserialize(&mut json).and_then(|kind| json.end().map(|()| kind));
    match (parsed, encoder.failure.take()) {
        (_, Some(error)) => Err(error),
        (Err(error), None) => Err(Error::new(ErrorKind::Json, encoder.written, error.to_string())),
        (Ok(kind), None) => {
            let flushed = encoder.out.flush();
            flushed.map_err(|error| Error::io(encoder.written, error))?;
            Ok(kind)
        }
    }
}

struct Encoder<W: Write> {
    out: std::io::BufWriter<W>,
    options: Options,
    header: Option<FileHeader>,
    index: u64,
    written: u64,
    /// Kept aside, since the JSON reader's errors are texts.
    failure: Option<Error>,
}

/// What to do about a member that is unknown here.
const ADVICE: &str = " here (--lenient passes over what is unknown)";

/// What is wrong with a value, innermost first.
type Wrong<T> = std::result::Result<T, String>;

impl<W: Write> Encoder<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.write_all(bytes).map_err(|error| Error::io(self.written, error))?;
        self.written = self.written.saturating_add(bytes.len() as u64);
        Ok(())
    }

    fn json_error(&self, what: impl Into<String>) -> Error {
        Error::new(ErrorKind::Json, self.written, what)
    }

    fn start(&mut self, kind: Kind, header: Option<&Value>) -> Result<()> {
        let text = |name: &str| header.and_then(|header| header.get(name)?.as_str());
        let header = FileHeader {
            kind,
            order: match text("byte_order") {
                Some("big") => ByteOrder::Big,
                _ => ByteOrder::Little,
            },
            prefix: match text("prefix") {
                Some("none") => Prefix::None,
                Some("common") => Prefix::Common,
                Some("service") => Prefix::Service,
                _ => FileHeader::usual_prefix(kind),
            },
        };
        self.header = Some(header);
        let first = match header.prefix {
            Prefix::None => None,
            Prefix::Common => Some(COMMON_MAGIC),
            Prefix::Service => Some(SERVICE_MAGIC),
        };
        for magic in first.into_iter().chain(kind.info().magic) {
            self.write(&header.order.u32_bytes(magic))?;
        }
        Ok(())
    }

    fn record(&mut self, header: FileHeader, body: &[u8]) -> Result<()> {
        if header.kind.info().header == Header::Length64 {
            self.write(&(body.len() as u64).to_le_bytes())?;
        } else {
            let size = u32::try_from(body.len())
                .map_err(|_| self.json_error("a record exceeds the length of 32 bits"))?;
            self.write(&header.order.u32_bytes(size))?;
        }
        self.write(body)
    }

    fn entry(&mut self, entry: &Value) -> Result<()> {
        let Some(header) = self.header else {
            return Err(self.json_error("the document has no `magic`"));
        };
        let index = self.index;
        self.index = self.index.saturating_add(1);
        let context = |what: String| format!("entry {index}: {what}");
        let info = header.kind.info();
        let message = match info.messages {
            [_, second, ..] if info.cardinality == Cardinality::HeadThenMany && index > 0 => second,
            [first, ..] => first,
            [] => return Err(self.json_error(format!("{} has no records", header.kind))),
        };
        let Some(object) = entry.as_object() else {
            return Err(self.json_error(context("not an object".to_owned())));
        };
        let body = self.body(header, object, message).map_err(|what| self.json_error(context(what)))?;
        self.record(header, &body)?;
        let payload = self.payload(header, message, object).map_err(|what| self.json_error(context(what)))?;
        self.write(&payload)
    }

    fn body(
        &self,
        header: FileHeader,
        object: &Map<String, Value>,
        message: &'static Message,
    ) -> Wrong<Vec<u8>> {
        let raw = object.get(RAW_KEY).filter(|_| !self.options.crit_compat).map(|raw| base64(raw, RAW_KEY));
        if let Some(raw) = raw {
            return raw;
        }
        let builder = Builder { order: header.order, options: self.options };
        let mut body = Vec::new();
        let payload = !matches!(header.kind.info().payload, PayloadRule::Nothing | PayloadRule::Raw);
        builder
            .check(object, message, &[ERROR_KEY, PADDING_KEY, SHORT_KEY], payload)
            .map_err(|what| format!("{}: {what}", message.name))?;
        builder.message(object, message, &mut body, 0).map_err(|what| format!("{}.{what}", message.name))?;
        Ok(body)
    }

    fn payload(
        &self,
        header: FileHeader,
        message: &'static Message,
        object: &Map<String, Value>,
    ) -> Wrong<Vec<u8>> {
        let rule = header.kind.info().payload;
        let extra = match (object.get("extra"), rule) {
            (None, _) | (_, PayloadRule::Nothing | PayloadRule::Raw) => return Ok(Vec::new()),
            (Some(extra), _) => extra,
        };
        let mut out = Vec::new();
        let align = match rule {
            PayloadRule::TcpQueues => {
                for part in ["inq", "outq"] {
                    if let Some(part) = extra.get(part) {
                        out.extend(base64(part, "extra")?);
                    }
                }
                1
            }
            PayloadRule::Semaphores => {
                for value in list(extra, "extra")? {
                    let value = value
                        .as_u64()
                        .and_then(|value| u16::try_from(value).ok())
                        .ok_or("extra: not a list of 16-bit numbers")?;
                    out.extend(header.order.u16_bytes(value));
                }
                8
            }
            PayloadRule::Messages => {
                self.nested_messages(header, list(extra, "extra")?, &mut out)?;
                return Ok(out);
            }
            _ => {
                out = base64(extra, "extra")?;
                if rule == PayloadRule::SharedMemory { 4 } else { 1 }
            }
        };
        debug_assert!(!std::ptr::eq(message, &raw const messages::IPC_MSG));
        match object.get(PADDING_KEY).filter(|_| !self.options.crit_compat) {
            Some(behind) => out.extend(base64(behind, PADDING_KEY)?),
            None => pad(&mut out, align),
        }
        Ok(out)
    }

    fn nested_messages(&self, header: FileHeader, items: &[Value], out: &mut Vec<u8>) -> Wrong<()> {
        let mut items = items.iter().peekable();
        while let Some(item) = items.next() {
            let object = item.as_object().ok_or("extra: a message is not an object")?;
            let body = self.body(header, object, &messages::IPC_MSG)?;
            let size = u32::try_from(body.len()).map_err(|_| "extra: a message is too long")?;
            out.extend(header.order.u32_bytes(size));
            out.extend(body);
            let Some(text) = items.next() else {
                break;
            };
            let mut payload = base64(text, "extra")?;
            let behind = items.next_if(|next| {
                next.as_object().is_some_and(|next| next.len() == 1 && next.contains_key(PADDING_KEY))
            });
            match behind.and_then(|behind| behind.get(PADDING_KEY)) {
                Some(behind) => payload.extend(base64(behind, PADDING_KEY)?),
                None => pad(&mut payload, 8),
            }
            out.extend(payload);
        }
        Ok(())
    }
}

fn pad(out: &mut Vec<u8>, align: u64) {
    for _ in 0..padding(out.len() as u64, align) {
        out.push(0);
    }
}

fn base64(value: &Value, name: &str) -> Wrong<Vec<u8>> {
    value.as_str().and_then(text::from_base64).ok_or_else(|| format!("{name}: not base64"))
}

fn list<'v>(value: &'v Value, name: &str) -> Wrong<&'v [Value]> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| format!("{name}: not a list"))
}

/// Builds messages from objects.
#[derive(Clone, Copy)]
struct Builder {
    order: ByteOrder,
    options: Options,
}

impl Builder {
    /// Refuses members that would be left out of the image.
    fn check(
        self,
        object: &Map<String, Value>,
        message: &Message,
        more: &[&str],
        payload: bool,
    ) -> Wrong<()> {
        if self.options.lenient || self.options.crit_compat {
            return Ok(());
        }
        for name in object.keys() {
            let known = message.fields.iter().any(|field| field.name == name)
                || [BYTES_KEY, UNKNOWN_KEY].contains(&name.as_str())
                || more.contains(&name.as_str())
                || (payload && name == "extra");
            if !known {
                return Err(format!("there is no field `{}`{ADVICE}", name.escape_debug()));
            }
        }
        Ok(())
    }

    fn message(
        self,
        object: &Map<String, Value>,
        message: &Message,
        out: &mut Vec<u8>,
        depth: u32,
    ) -> Wrong<()> {
        if depth >= MAX_DEPTH {
            return Err("nested too deep".to_owned());
        }
        let reserved = |key| object.get(key).filter(|_| !self.options.crit_compat);
        let exact = reserved(BYTES_KEY);
        let mut unknown = match reserved(UNKNOWN_KEY) {
            Some(fields) => {
                list(fields, UNKNOWN_KEY)?.iter().map(unknown_field).collect::<Wrong<Vec<_>>>()?
            }
            None => Vec::new(),
        };
        unknown.sort_by_key(|(number, _)| *number);
        let mut unknown = unknown.into_iter().peekable();
        for field in message.fields {
            while let Some((_, bytes)) = unknown.next_if(|(number, _)| *number < field.number) {
                out.extend(bytes);
            }
            let Some(value) = object.get(field.name) else {
                continue;
            };
            let exact = exact.and_then(|exact| exact.get(field.name));
            self.field(field, value, exact, out, depth).map_err(|what| format!("{}: {what}", field.name))?;
        }
        for (_, bytes) in unknown {
            out.extend(bytes);
        }
        Ok(())
    }

    fn field(
        self,
        field: &Field,
        value: &Value,
        exact: Option<&Value>,
        out: &mut Vec<u8>,
        depth: u32,
    ) -> Wrong<()> {
        if !field.label.is_list() {
            return self.value(field, value, exact, out, depth);
        }
        let values = value.as_array().ok_or("not a list")?;
        if field.format == Format::Address
            && let Some(Value::String(address)) = values.first()
        {
            let words = names::parse_address(address).ok_or("not an address")?;
            for word in words {
                let word = self.order.u32(word);
                put_field(out, field.number, WireValue::Varint(u64::from(word)));
            }
            return Ok(());
        }
        if field.label == Label::Packed {
            let mut packed = Vec::new();
            for value in values {
                match self.number(field, value)? {
                    WireValue::Varint(value) => put_varint(&mut packed, value),
                    _ => return Err("not a list of numbers".to_owned()),
                }
            }
            if !packed.is_empty() {
                put_bytes(out, field.number, &packed);
            }
            return Ok(());
        }
        for (index, value) in values.iter().enumerate() {
            let exact = exact.and_then(|exact| exact.get(index));
            self.value(field, value, exact, out, depth)?;
        }
        Ok(())
    }

    fn value(
        self,
        field: &Field,
        value: &Value,
        exact: Option<&Value>,
        out: &mut Vec<u8>,
        depth: u32,
    ) -> Wrong<()> {
        if let Some(exact) = exact.filter(|exact| !exact.is_null()) {
            put_bytes(out, field.number, &base64(exact, BYTES_KEY)?);
            return Ok(());
        }
        match field.ty {
            Type::Message(inner) => {
                let object = value.as_object().ok_or("not an object")?;
                let mut body = Vec::new();
                self.check(object, inner, &[], false)?;
                self.message(object, inner, &mut body, depth.saturating_add(1))?;
                put_bytes(out, field.number, &body);
            }
            Type::Text => {
                let text = value.as_str().ok_or("not a text")?;
                put_bytes(out, field.number, text.as_bytes());
            }
            Type::Bytes if field.format == Format::UnixName => {
                let text = value.as_str().ok_or("not a text")?;
                put_bytes(out, field.number, &text::from_quoted_printable(text));
            }
            Type::Bytes => {
                let text = value.as_str().ok_or("not a text")?;
                let bytes = text::from_base64(text).ok_or("not base64")?;
                put_bytes(out, field.number, &bytes);
            }
            _ => put_field(out, field.number, self.number(field, value)?),
        }
        Ok(())
    }

    fn number(self, field: &Field, value: &Value) -> Wrong<WireValue<'static>> {
        let number = match value {
            Value::Bool(value) => i128::from(*value),
            Value::Number(number) => number
                .as_u64()
                .map(i128::from)
                .or_else(|| number.as_i64().map(i128::from))
                .ok_or("not a whole number of 64 bits")?,
            Value::String(text) => {
                self.named(field, text).ok_or_else(|| format!("`{text}` is not a number or a known name"))?
            }
            _ => return Err("not a number".to_owned()),
        };
        let wide = || i64::try_from(number).map_err(|_| "the number is too large".to_owned());
        let (least, most) = match field.ty {
            Type::U32 => (0, i128::from(u32::MAX)),
            Type::U64 | Type::Fixed64 => (0, i128::from(u64::MAX)),
            Type::I32 | Type::S32 | Type::Enum(_) => (i128::from(i32::MIN), i128::from(i32::MAX)),
            Type::Bool => (0, 1),
            _ => (i128::from(i64::MIN), i128::from(i64::MAX)),
        };
        if number < least || number > most {
            return Err(format!("{number} is out of range"));
        }
        Ok(match field.ty {
            Type::S32 | Type::S64 => {
                let value = wide()?;
                WireValue::Varint(bits(value.wrapping_shl(1) ^ (value >> 63)))
            }
            Type::Fixed64 => WireValue::Fixed64(u64::try_from(number).unwrap_or_default()),
            _ => match u64::try_from(number) {
                Ok(value) => WireValue::Varint(value),
                Err(_) => WireValue::Varint(bits(wide()?)),
            },
        })
    }

    fn named(self, field: &Field, text: &str) -> Option<i128> {
        if let Type::Enum(ty) = field.ty {
            return ty.value_of(text).map(i128::from);
        }
        match field.format {
            Format::KernelDevice => names::parse_kernel_device(text).map(i128::from),
            Format::UserDevice => names::parse_user_device(text).map(i128::from),
            Format::Flags(map) => names::parse_flags(map, text).map(i128::from),
            Format::Names(map) => {
                names::value_of(map, field.name, text, self.options.crit_compat).map(i128::from)
            }
            _ => None,
        }
        .or_else(|| names::parse_signed(text))
    }
}

#[allow(clippy::cast_sign_loss)] // two's complement is what the wire has
fn bits(value: i64) -> u64 {
    value as u64
}

fn unknown_field(value: &Value) -> Wrong<(u32, Vec<u8>)> {
    let wrong = || format!("{UNKNOWN_KEY}: not a field");
    let number = value
        .get("field")
        .and_then(Value::as_u64)
        .and_then(|number| u32::try_from(number).ok())
        .filter(|number| (1..=0x1fff_ffff).contains(number))
        .ok_or_else(wrong)?;
    let content = value.get("value").ok_or_else(wrong)?;
    let plain = || content.as_u64().ok_or_else(wrong);
    let mut bytes = Vec::new();
    match value.get("wire").and_then(Value::as_str) {
        Some("varint") => put_field(&mut bytes, number, WireValue::Varint(plain()?)),
        Some("fixed64") => put_field(&mut bytes, number, WireValue::Fixed64(plain()?)),
        Some("fixed32") => {
            let value = u32::try_from(plain()?).map_err(|_| wrong())?;
            put_field(&mut bytes, number, WireValue::Fixed32(value));
        }
        Some("bytes") => {
            let inner = base64(content, UNKNOWN_KEY)?;
            put_key(&mut bytes, number, 2);
            put_varint(&mut bytes, inner.len() as u64);
            bytes.extend(inner);
        }
        _ => return Err(wrong()),
    }
    Ok((number, bytes))
}

/// Reads the document's outer object.
struct Document<'e, W: Write>(&'e mut Encoder<W>);

impl<'de, W: Write> DeserializeSeed<'de> for Document<'_, W> {
    type Value = Kind;

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<Kind, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de, W: Write> Visitor<'de> for Document<'_, W> {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `magic` and `entries`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Kind, A::Error> {
        let encoder = self.0;
        let mut kind = None;
        let mut has_entries = false;
        let mut header = None;
        let mut waiting: Vec<Value> = Vec::new();
        let mut tail: Option<String> = None;
        let fail = |encoder: &mut Encoder<W>, error: Error| {
            let text = A::Error::custom(&error);
            encoder.failure = Some(error);
            text
        };
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "magic" if kind.is_some() => return Err(A::Error::duplicate_field("magic")),
                "magic" => {
                    let name: String = map.next_value()?;
                    let found = Kind::from_magic_name(&name);
                    kind = Some(
                        found.ok_or_else(|| A::Error::custom(format!("no image has the magic `{name}`")))?,
                    );
                }
                HEADER_KEY if !encoder.options.crit_compat => header = Some(map.next_value()?),
                TAIL_KEY if !encoder.options.crit_compat => tail = Some(map.next_value()?),
                "entries" if std::mem::replace(&mut has_entries, true) => {
                    return Err(A::Error::duplicate_field("entries"));
                }
                "entries" => match kind {
                    Some(kind) if encoder.header.is_none() => {
                        if let Err(error) = encoder.start(kind, header.as_ref()) {
                            return Err(fail(encoder, error));
                        }
                        map.next_value_seed(Entries(encoder))?;
                    }
                    _ => waiting = map.next_value()?,
                },
                name => {
                    let known = [ERROR_KEY, HEADER_KEY, TAIL_KEY].contains(&name);
                    if !known && !encoder.options.lenient && !encoder.options.crit_compat {
                        let name = name.escape_debug();
                        return Err(A::Error::custom(format!("a document has no member `{name}`{ADVICE}")));
                    }
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let kind = kind.ok_or_else(|| A::Error::missing_field("magic"))?;
        if !has_entries {
            return Err(A::Error::missing_field("entries"));
        }
        let mut finish = || {
            if encoder.header.is_none() {
                encoder.start(kind, header.as_ref())?;
            }
            waiting.iter().try_for_each(|entry| encoder.entry(entry))?;
            if let Some(tail) = &tail {
                let bytes =
                    text::from_base64(tail).ok_or_else(|| encoder.json_error("`_tail` is not base64"))?;
                encoder.write(&bytes)?;
            }
            Ok(())
        };
        match finish() {
            Ok(()) => Ok(kind),
            Err(error) => Err(fail(encoder, error)),
        }
    }
}

/// Reads the document's entries, one at a time.
struct Entries<'e, W: Write>(&'e mut Encoder<W>);

impl<'de, W: Write> DeserializeSeed<'de> for Entries<'_, W> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de, W: Write> Visitor<'de> for Entries<'_, W> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(entry) = entries.next_element::<Value>()? {
            if let Err(error) = self.0.entry(&entry) {
                let text = A::Error::custom(&error);
                self.0.failure = Some(error);
                return Err(text);
            }
        }
        Ok(())
    }
}
