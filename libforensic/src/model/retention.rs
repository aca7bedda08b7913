//! What to keep of a compressed archive when only facts are asked for.

use std::collections::HashMap;
use std::ops::Range;

use crate::archive::{Keep, Retention};
use crate::image::{self, Pagemap, proto};
use crate::memory::pagemap::{Builder, PRESENT};

/// Keeps all images but pages, and of those the pages with arguments and environments.
///
/// Engines write the members of the image directory in the order of their
/// names, so a process's `mm` and `pagemap` come before its `pages`. In any
/// other order the pages are passed over, and unpacked when asked for.
#[derive(Debug, Default)]
pub(crate) struct FactsOnly {
    /// Addresses of interest by pid.
    strings: HashMap<Vec<u8>, (Range<u64>, u64)>,
    /// Page map images by the number of their pages image: (pid, image).
    maps: HashMap<Vec<u8>, (Vec<u8>, Vec<u8>)>,
}

/// Page size until an auxiliary vector tells another.
const PAGE: u64 = 4096;
/// Most bytes of a page map that are held back for the pages that follow.
const MAP_BYTES: usize = 1 << 20;

impl Retention for FactsOnly {
    fn small(&mut self, name: &[u8], data: &[u8]) {
        let base = name.rsplit(|b| *b == b'/').next().unwrap_or(name);
        if let Some(pid) = part(base, b"mm-") {
            let Some((_, mm)) = image::read_all::<proto::MmEntry>(data).0.into_iter().next() else { return };
            let start = mm.mm_arg_start.unwrap_or(0).min(mm.mm_env_start.unwrap_or(u64::MAX));
            let end = mm.mm_env_end.unwrap_or(0).max(mm.mm_arg_end.unwrap_or(0));
            let page = auxv_value(&mm.mm_saved_auxv, 6).filter(|p| p.is_power_of_two()).unwrap_or(PAGE);
            if start < end {
                self.strings.insert(pid.to_vec(), (start..end, page));
            }
        } else if let Some(pid) = part(base, b"pagemap-")
            && !pid.starts_with(b"shmem-")
            && data.len() <= MAP_BYTES
            && let Some((_, head)) = image::read_all::<proto::PagemapHead>(data).0.into_iter().next()
        {
            let id = head.pages_id.unwrap_or(0).to_string().into_bytes();
            self.maps.insert(id, (pid.to_vec(), data.to_vec()));
        }
    }

    fn large(&mut self, name: &[u8], size: u64) -> Keep {
        let base = name.rsplit(|b| *b == b'/').next().unwrap_or(name);
        let Some(id) = part(base, b"pages-") else {
            return if base.ends_with(b".img") && !base.starts_with(b"tmpfs-") || base.ends_with(b".dump") {
                Keep::All
            } else {
                Keep::Nothing
            };
        };
        let Some((pid, map)) = self.maps.remove(id) else { return Keep::Nothing };
        let Some((wanted, page)) = self.strings.get(&pid) else { return Keep::Nothing };
        let Ok(runs) = Pagemap::new(map.as_slice()) else { return Keep::Nothing };
        let mut builder = Builder::new(*page, size);
        for run in runs.flatten() {
            builder.push(&run);
        }
        let (map, _) = builder.finish();
        let first = wanted.start.checked_div(*page).unwrap_or(0).saturating_mul(*page);
        let last = wanted.end.div_ceil(*page).saturating_mul(*page);
        let ranges = map
            .overlapping(first, last)
            .filter(|r| r.flags & PRESENT != 0 && r.blocks == 0)
            .map(|r| {
                let from = first.max(r.start).saturating_sub(r.start);
                let to = last.min(r.end(*page)).saturating_sub(r.start);
                r.offset.saturating_add(from)..r.offset.saturating_add(to)
            })
            .collect();
        Keep::Ranges(ranges)
    }
}

/// The number in `PREFIXnumber.img`.
fn part<'n>(base: &'n [u8], prefix: &[u8]) -> Option<&'n [u8]> {
    base.strip_prefix(prefix)?.strip_suffix(b".img")
}

/// Finds a value in a flat list of types and values.
pub(crate) fn auxv_value(words: &[u64], kind: u64) -> Option<u64> {
    words.chunks_exact(2).find_map(|p| match p {
        [k, value] if *k == kind => Some(*value),
        _ => None,
    })
}
