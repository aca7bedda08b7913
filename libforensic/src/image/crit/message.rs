//! Writes any message as JSON, straight from its bytes.

use std::borrow::Cow;
use std::io::Write;

use super::json::Json;
use super::{BYTES_KEY, Options, UNKNOWN_KEY, names, text};
use crate::image::header::ByteOrder;
use crate::image::schema::{Field, Format, Label, Message, Type};
use crate::image::wire::{Wire, WireError, WireField, WireValue, put_varint};

/// How deep messages may nest. CRIU's reach five; control groups nest as their
/// directories do. JSON readers commonly stop at 128 levels, and a list of
/// messages takes two.
pub(super) const MAX_DEPTH: u32 = 50;

/// What a look at a message's bytes tells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// The encoder would write the same bytes.
    pub(super) canonical: bool,
    /// Fields that the tables do not have, at any depth.
    pub(super) unknown: u64,
}

/// Looks whether bytes are a message, and one as this library writes it.
pub(super) fn check(body: &[u8], message: &Message, depth: u32) -> Result<Shape, WireError> {
    if depth >= MAX_DEPTH {
        return Err(WireError::TooDeep);
    }
    let mut shape = Shape { canonical: true, unknown: 0 };
    let mut last = 0;
    for raw in Wire::new(body) {
        let raw = raw?;
        let field = message.field(raw.number);
        let repeats_one = raw.number == last && field.is_some_and(|field| field.label != Label::Repeated);
        shape.canonical &= raw.minimal && raw.number >= last && !repeats_one;
        last = raw.number;
        let Some(field) = field else {
            shape.unknown = shape.unknown.saturating_add(1);
            continue;
        };
        shape.canonical &= match (field.ty, raw.value) {
            (Type::Message(inner), WireValue::Bytes(bytes)) => {
                let inner = check(bytes, inner, depth.saturating_add(1))?;
                shape.unknown = shape.unknown.saturating_add(inner.unknown);
                inner.canonical
            }
            (Type::Text | Type::Bytes, WireValue::Bytes(_)) | (Type::Fixed64, WireValue::Fixed64(_)) => true,
            (Type::Message(_) | Type::Text | Type::Bytes | Type::Fixed64, _) => false,
            (ty, WireValue::Varint(value)) => field.label != Label::Packed && narrow(ty, value) == value,
            (ty, WireValue::Bytes(packed)) if field.label.is_list() => {
                let mut minimal = field.label == Label::Packed && !packed.is_empty();
                let mut packed = Wire::new(packed);
                while !packed.is_empty() {
                    let (value, short) = packed.varint()?;
                    minimal &= short && narrow(ty, value) == value;
                }
                minimal
            }
            _ => false,
        };
    }
    Ok(shape)
}

/// Cuts a varint to its type's width, as every protobuf reader does.
#[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)]
fn narrow(ty: Type, value: u64) -> u64 {
    match ty {
        Type::U32 | Type::S32 => u64::from(value as u32),
        Type::I32 | Type::Enum(_) => i64::from(value as i32) as u64,
        Type::Bool => u64::from(value != 0),
        _ => value,
    }
}

/// Appends a field's key.
pub(super) fn put_key(out: &mut Vec<u8>, number: u32, wire_type: u64) {
    put_varint(out, (u64::from(number) << 3) | wire_type);
}

/// Appends a field of bytes.
pub(super) fn put_bytes(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    put_key(out, number, 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends a field as the wire had it.
pub(super) fn put_field(out: &mut Vec<u8>, number: u32, value: WireValue<'_>) {
    match value {
        WireValue::Varint(value) => {
            put_key(out, number, 0);
            put_varint(out, value);
        }
        WireValue::Fixed64(value) => {
            put_key(out, number, 1);
            out.extend_from_slice(&value.to_le_bytes());
        }
        WireValue::Bytes(bytes) => put_bytes(out, number, bytes),
        WireValue::Fixed32(value) => {
            put_key(out, number, 5);
            out.extend_from_slice(&value.to_le_bytes());
        }
    }
}

/// Rewrites a message that [`check`] accepts the way this library writes it.
///
/// Of a field that occurs more than once the last value counts, sub-messages are
/// merged, and values of another type than the field's are dropped: what
/// protobuf readers do.
pub(super) fn normalise(body: &[u8], message: &Message) -> Vec<u8> {
    let mut fields: Vec<WireField<'_>> = Wire::new(body).map_while(Result::ok).collect();
    fields.sort_by_key(|field| field.number);
    let mut out = Vec::with_capacity(body.len());
    for group in fields.chunk_by(|a, b| a.number == b.number) {
        let Some(number) = group.first().map(|field| field.number) else {
            continue;
        };
        let values = || group.iter().map(|field| field.value);
        match message.field(number) {
            None => values().for_each(|value| put_field(&mut out, number, value)),
            Some(field) => normalise_field(&mut out, field, values()),
        }
    }
    out
}

fn normalise_field<'a>(
    out: &mut Vec<u8>,
    field: &Field,
    values: impl DoubleEndedIterator<Item = WireValue<'a>>,
) {
    let mut numbers = Vec::new();
    match field.ty {
        Type::Message(inner) => {
            let bodies = values.filter_map(|value| match value {
                WireValue::Bytes(bytes) => Some(bytes),
                _ => None,
            });
            if field.label.is_list() {
                for bytes in bodies {
                    put_bytes(out, field.number, &normalise(bytes, inner));
                }
            } else if let Some(merged) = bodies.map(Cow::Borrowed).reduce(|a, b| Cow::Owned([a, b].concat()))
            {
                put_bytes(out, field.number, &normalise(&merged, inner));
            }
            return;
        }
        Type::Text | Type::Bytes | Type::Fixed64 => {
            let mut fitting = values.filter(|value| {
                matches!(
                    (field.ty, value),
                    (Type::Fixed64, WireValue::Fixed64(_)) | (Type::Text | Type::Bytes, WireValue::Bytes(_))
                )
            });
            if field.label.is_list() {
                fitting.for_each(|value| put_field(out, field.number, value));
            } else if let Some(value) = fitting.next_back() {
                put_field(out, field.number, value);
            }
            return;
        }
        _ => {}
    }
    for value in values {
        match value {
            WireValue::Varint(value) => numbers.push(narrow(field.ty, value)),
            WireValue::Bytes(packed) if field.label.is_list() => {
                let mut packed = Wire::new(packed);
                while let Ok((value, _)) = packed.varint() {
                    numbers.push(narrow(field.ty, value));
                }
            }
            _ => {}
        }
    }
    match (field.label, numbers.last()) {
        (_, None) => {}
        (Label::Packed, _) => {
            let mut packed = Vec::new();
            for value in &numbers {
                put_varint(&mut packed, *value);
            }
            put_bytes(out, field.number, &packed);
        }
        (Label::Repeated, _) => {
            for value in &numbers {
                put_field(out, field.number, WireValue::Varint(*value));
            }
        }
        (Label::Optional | Label::Required, Some(value)) => {
            put_field(out, field.number, WireValue::Varint(*value));
        }
    }
}

/// Says which bytes of a text field its text does not give back.
fn inexact(field: &Field, bytes: &[u8]) -> bool {
    match (field.ty, field.format) {
        (Type::Text, _) => std::str::from_utf8(bytes).is_err(),
        (Type::Bytes, Format::UnixName) => {
            text::from_quoted_printable(&text::to_quoted_printable(bytes)) != bytes
        }
        _ => false,
    }
}

/// Writes messages.
#[derive(Clone, Copy)]
pub(super) struct Printer<'o> {
    pub(super) options: &'o Options,
    pub(super) order: ByteOrder,
}

impl Printer<'_> {
    /// Writes the members of a message that is canonical by [`check`].
    pub(super) fn members<W: Write>(self, json: &mut Json<W>, body: &[u8], message: &Message, hex: bool) {
        let mut list = 0;
        let mut words = Vec::new();
        let mut unknown = false;
        let mut inexact_text = false;
        for raw in Wire::new(body).map_while(Result::ok) {
            if list != raw.number && list != 0 {
                self.end_list(json, &mut words);
                list = 0;
            }
            let Some(field) = message.field(raw.number) else {
                unknown = true;
                continue;
            };
            if self.options.crit_compat && unknown_to_crit(field, raw.value) {
                continue;
            }
            if let WireValue::Bytes(bytes) = raw.value {
                inexact_text |= inexact(field, bytes);
            }
            if !field.label.is_list() {
                json.key(field.name);
                self.value(json, field, raw.value, hex);
                continue;
            }
            if list == 0 {
                json.key(field.name);
                json.open_array();
                list = raw.number;
            }
            match (raw.value, field.label) {
                (WireValue::Varint(value), _) if field.format == Format::Address && self.options.pretty => {
                    words.push(value);
                }
                (WireValue::Bytes(packed), Label::Packed) => {
                    let mut packed = Wire::new(packed);
                    while let Ok((value, _)) = packed.varint() {
                        json.element();
                        self.value(json, field, WireValue::Varint(value), hex);
                    }
                }
                (value, _) => {
                    json.element();
                    self.value(json, field, value, hex);
                }
            }
        }
        if list != 0 {
            self.end_list(json, &mut words);
        }
        if self.options.crit_compat {
            return;
        }
        if inexact_text {
            exact_bytes(json, body, message);
        }
        if unknown {
            unknown_fields(json, body, message);
        }
    }

    fn end_list<W: Write>(self, json: &mut Json<W>, words: &mut Vec<u64>) {
        #[allow(clippy::cast_possible_truncation)] // a canonical 32-bit field
        let bytes: Vec<_> = words
            .iter()
            .map(|word| match self.order {
                ByteOrder::Little => (*word as u32).to_le_bytes(),
                ByteOrder::Big => (*word as u32).to_be_bytes(),
            })
            .collect();
        // crit takes the first four words of a list that is too long for an address.
        let shown = if self.options.crit_compat { bytes.get(..4).unwrap_or(&bytes) } else { &bytes };
        if let Some(address) = names::address(shown) {
            json.element();
            json.string(&address);
        } else {
            for word in words.iter() {
                json.element();
                json.unsigned(*word);
            }
        }
        words.clear();
        json.close_array();
    }

    fn value<W: Write>(self, json: &mut Json<W>, field: &Field, value: WireValue<'_>, hex: bool) {
        let hex = hex || field.format == Format::Hex;
        match (field.ty, value) {
            (Type::Message(inner), WireValue::Bytes(bytes)) => {
                json.open_object();
                self.members(json, bytes, inner, hex);
                json.close_object();
            }
            (Type::Text, WireValue::Bytes(bytes)) => json.string(&String::from_utf8_lossy(bytes)),
            (Type::Bytes, WireValue::Bytes(bytes)) if field.format == Format::UnixName => {
                json.string(&text::to_quoted_printable(bytes));
            }
            (Type::Bytes, WireValue::Bytes(bytes)) => json.base64(bytes),
            (Type::Bool, WireValue::Varint(value)) => json.boolean(value != 0),
            (Type::Enum(ty), WireValue::Varint(value)) => {
                let value = signed(value);
                match i32::try_from(value).ok().and_then(|value| ty.name_of(value)) {
                    Some(name) => json.string(name),
                    None => json.signed(value),
                }
            }
            (Type::I32 | Type::I64, WireValue::Varint(value)) => {
                self.number(json, field, i128::from(signed(value)), hex);
            }
            (Type::S32 | Type::S64, WireValue::Varint(value)) => {
                let value = signed(value >> 1) ^ signed(value & 1).wrapping_neg();
                self.number(json, field, i128::from(value), hex);
            }
            (_, WireValue::Varint(value) | WireValue::Fixed64(value)) => {
                self.number(json, field, i128::from(value), hex);
            }
            // Does not occur in a canonical message.
            (_, WireValue::Fixed32(_) | WireValue::Bytes(_)) => json.null(),
        }
    }

    fn number<W: Write>(self, json: &mut Json<W>, field: &Field, value: i128, hex: bool) {
        let unsigned = u64::try_from(value).ok();
        if let (true, Some(value)) = (self.options.pretty, unsigned) {
            let pretty = match field.format {
                _ if hex => Some(format!("{value:#x}")),
                Format::KernelDevice => Some(names::kernel_device(value)),
                Format::UserDevice => Some(names::user_device(value)),
                Format::Flags(map) => Some(names::flags(map, value)),
                Format::Names(map) => {
                    names::name_of(map, field.name, value, self.options.crit_compat).map(str::to_owned)
                }
                Format::Plain | Format::Hex | Format::Address | Format::UnixName => None,
            };
            if let Some(pretty) = pretty {
                json.string(&pretty);
                return;
            }
        }
        match unsigned {
            Some(value) => json.unsigned(value),
            None => json.signed(i64::try_from(value).unwrap_or(i64::MIN)),
        }
    }
}

#[allow(clippy::cast_possible_wrap)] // two's complement is what the wire has
fn signed(value: u64) -> i64 {
    value as i64
}

/// Says whether crit 4.2 leaves a value out.
fn unknown_to_crit(field: &Field, value: WireValue<'_>) -> bool {
    match (field.ty, value) {
        (Type::Enum(ty), WireValue::Varint(value)) => {
            i32::try_from(signed(value)).ok().and_then(|value| ty.name_of(value)).is_none()
        }
        _ => matches!(
            field.name,
            "compress"
                | "compress_region_size"
                | "compressed_size"
                | "total_compressed_size"
                | "region_pages"
        ),
    }
}

/// Writes the bytes of texts that are not UTF-8, by their fields' names.
fn exact_bytes<W: Write>(json: &mut Json<W>, body: &[u8], message: &Message) {
    json.key(BYTES_KEY);
    json.open_object();
    let mut list = 0;
    for raw in Wire::new(body).map_while(Result::ok) {
        if list != 0 && list != raw.number {
            json.close_array();
            list = 0;
        }
        let (Some(field), WireValue::Bytes(bytes)) = (message.field(raw.number), raw.value) else {
            continue;
        };
        if field.label.is_list() {
            if !matches!(field.ty, Type::Text) {
                continue;
            }
            if list == 0 {
                json.key(field.name);
                json.open_array();
                list = raw.number;
            }
            json.element();
            if inexact(field, bytes) {
                json.base64(bytes);
            } else {
                json.null();
            }
        } else if inexact(field, bytes) {
            json.key(field.name);
            json.base64(bytes);
        }
    }
    if list != 0 {
        json.close_array();
    }
    json.close_object();
}

/// Writes the fields that the tables do not have.
fn unknown_fields<W: Write>(json: &mut Json<W>, body: &[u8], message: &Message) {
    json.key(UNKNOWN_KEY);
    json.open_array();
    for raw in Wire::new(body).map_while(Result::ok) {
        if message.field(raw.number).is_some() {
            continue;
        }
        json.element();
        json.open_object();
        json.key("field");
        json.unsigned(u64::from(raw.number));
        json.key("wire");
        let wire = match raw.value {
            WireValue::Varint(_) => "varint",
            WireValue::Fixed64(_) => "fixed64",
            WireValue::Bytes(_) => "bytes",
            WireValue::Fixed32(_) => "fixed32",
        };
        json.string(wire);
        json.key("value");
        match raw.value {
            WireValue::Varint(value) | WireValue::Fixed64(value) => json.unsigned(value),
            WireValue::Bytes(bytes) => json.base64(bytes),
            WireValue::Fixed32(value) => json.unsigned(u64::from(value)),
        }
        json.close_object();
    }
    json.close_array();
}
