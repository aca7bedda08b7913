//! System V shared memory segments.

use std::collections::HashMap;

use super::images::Images;
use super::text::Text;
use crate::image::proto;

/// The segments of all IPC namespaces of a dump, by the kernel's identifier.
#[derive(Debug, Default)]
pub(crate) struct Segments {
    by_id: HashMap<u32, proto::IpcShmEntry>,
}

impl Segments {
    pub(crate) fn load(images: &Images) -> Self {
        let mut by_id = HashMap::new();
        let names: Vec<String> = images
            .starting_with("ipcns-shm-")
            .map(|m| String::from_utf8_lossy(m.base_name()).into_owned())
            .collect();
        for name in names {
            for (_, entry) in images.all::<proto::IpcShmEntry>(&name).unwrap_or_default() {
                if let Some(id) = entry.desc.as_ref().and_then(|d| d.id) {
                    by_id.insert(id, entry);
                }
            }
        }
        Self { by_id }
    }

    /// Returns the size of a segment in bytes.
    pub(crate) fn size(&self, id: u32) -> Option<u64> {
        self.by_id.get(&id).and_then(|s| s.size)
    }

    /// Returns true if the contents of a segment are in a page map of their own.
    pub(crate) fn is_in_page_map(&self, id: u32) -> bool {
        self.by_id.get(&id).is_some_and(|s| s.in_pagemaps == Some(true) && s.size.unwrap_or(0) > 0)
    }

    /// Returns the identifiers of all segments, sorted.
    pub(crate) fn ids(&self) -> Vec<u32> {
        let mut ids: Vec<u32> = self.by_id.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// `/SYSV` and the key in hexadecimal, as /proc/PID/maps shows a segment.
    pub(crate) fn name(&self, id: u32) -> Text {
        let key = self.by_id.get(&id).and_then(|s| s.desc.as_ref()).and_then(|d| d.key);
        match key {
            Some(key) => Text::from(format!("/SYSV{key:08x}")),
            None => Text::from("/SYSV"),
        }
    }
}
