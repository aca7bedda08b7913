//! Which mapping an address lies in.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::text::{Hex, Text, put_text};
use crate::memory::AddressSpace;

/// An address, and the mapping it lies in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Location {
    /// The address.
    pub address: u64,
    /// The mapping; `None` where nothing is mapped.
    pub mapping: Option<LocationMapping>,
}

/// The mapping of a [`Location`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LocationMapping {
    /// Where it begins.
    pub start: u64,
    /// Protection and sharing as in /proc/PID/maps.
    pub perms: String,
    /// What is mapped, as in /proc/PID/maps.
    pub path: Option<Text>,
    /// What the mapping is.
    pub kind: super::MappingKind,
    /// Offset of the address in the mapped object in bytes.
    pub offset: u64,
}

impl Location {
    pub(crate) fn of(space: &AddressSpace, address: u64) -> Self {
        let mapping = space.region(address).map(|r| &r.mapping).map(|m| LocationMapping {
            start: m.start,
            perms: m.perms.clone(),
            path: m.path.clone(),
            kind: m.kind,
            offset: m.offset.wrapping_add(address.wrapping_sub(m.start)),
        });
        Self { address, mapping }
    }
}

impl Serialize for Location {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("address", &Hex(self.address))?;
        map.serialize_entry("mapping", &self.mapping)?;
        map.end()
    }
}

impl Serialize for LocationMapping {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("start", &Hex(self.start))?;
        map.serialize_entry("perms", &self.perms)?;
        put_text(&mut map, "path", self.path.as_ref())?;
        map.serialize_entry("kind", self.kind.as_str())?;
        map.serialize_entry("offset", &Hex(self.offset))?;
        map.end()
    }
}
