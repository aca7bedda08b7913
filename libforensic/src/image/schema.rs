//! Describes CRIU's messages: field numbers, types and how crit prints them.
//!
//! The typed structs of [`proto`](super::proto) serve readers that know which
//! message they want. Code that handles any message, such as the JSON codec,
//! walks these tables instead, so that it sees every byte as it was written.

#[rustfmt::skip]
#[path = "schema_table.rs"]
#[allow(clippy::wildcard_imports)]
mod table;

pub use table::{MESSAGES, messages};

/// A message type.
#[derive(Debug)]
pub struct Message {
    /// The name in CRIU's sources, such as `mm_entry`.
    pub name: &'static str,
    /// Fields in ascending order of their numbers.
    pub fields: &'static [Field],
}

impl Message {
    /// Finds the field with a number.
    pub fn field(&self, number: u32) -> Option<&'static Field> {
        // Numbers nearly always run from 1 without gaps.
        let guess = usize::try_from(number).ok()?.checked_sub(1)?;
        match self.fields.get(guess) {
            Some(field) if field.number == number => Some(field),
            _ => self
                .fields
                .binary_search_by_key(&number, |field| field.number)
                .ok()
                .and_then(|index| self.fields.get(index)),
        }
    }

    /// Finds the field with a name.
    pub fn field_by_name(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Finds the message with a name, such as `pstree_entry`.
    pub fn by_name(name: &str) -> Option<&'static Message> {
        MESSAGES.iter().copied().find(|message| message.name == name)
    }
}

/// A field of a message.
#[derive(Debug)]
pub struct Field {
    /// The number that stands for the field on the wire.
    pub number: u32,
    /// The name in CRIU's sources.
    pub name: &'static str,
    /// The type of a value.
    pub ty: Type,
    /// How often the field may occur.
    pub label: Label,
    /// How crit prints a value.
    pub format: Format,
}

/// How often a field occurs in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// Once, or not at all.
    Optional,
    /// Once, as far as CRIU's own reader goes; readers here accept its absence.
    Required,
    /// Any number of times, one key for each value.
    Repeated,
    /// Any number of times, written as one run of bytes.
    Packed,
}

impl Label {
    /// Says whether the field holds a list.
    pub const fn is_list(self) -> bool {
        matches!(self, Label::Repeated | Label::Packed)
    }
}

/// The type of a field's values.
#[derive(Debug, Clone, Copy)]
pub enum Type {
    /// Unsigned, 32 bits, as a varint.
    U32,
    /// Unsigned, 64 bits, as a varint.
    U64,
    /// Signed, 32 bits, as a varint; negative numbers take ten bytes.
    I32,
    /// Signed, 64 bits, as a varint.
    I64,
    /// Signed, 32 bits, as a zigzag varint.
    S32,
    /// Signed, 64 bits, as a zigzag varint.
    S64,
    /// Unsigned, eight bytes, little-endian.
    Fixed64,
    /// True or false, as a varint.
    Bool,
    /// A number with a name.
    Enum(&'static Enum),
    /// Text that the kernel or a user made; not necessarily UTF-8.
    Text,
    /// Bytes.
    Bytes,
    /// Another message.
    Message(&'static Message),
}

/// The names of an enumeration's values.
#[derive(Debug)]
pub struct Enum {
    /// The name in CRIU's sources, such as `fd_types`.
    pub name: &'static str,
    /// Values and their names.
    pub values: &'static [(i32, &'static str)],
}

impl Enum {
    /// Finds the name of a value.
    pub fn name_of(&self, value: i32) -> Option<&'static str> {
        self.values.iter().find(|(number, _)| *number == value).map(|(_, name)| *name)
    }

    /// Finds the value with a name.
    pub fn value_of(&self, name: &str) -> Option<i32> {
        self.values.iter().find(|(_, known)| *known == name).map(|(number, _)| *number)
    }
}

/// How crit prints a field when asked for pretty output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// As it is.
    Plain,
    /// As `0x…`; below a message field with this format every number is.
    Hex,
    /// As an IPv4 or IPv6 address.
    Address,
    /// As names of bits, from the map of that name.
    Flags(&'static str),
    /// As `major:minor` of the kernel's encoding (20 bits of minor).
    KernelDevice,
    /// As `major:minor` of the encoding that stat(2) gives to user space.
    UserDevice,
    /// As a name from the map of that name.
    Names(&'static str),
    /// As quoted-printable text, in plain output too.
    UnixName,
}
