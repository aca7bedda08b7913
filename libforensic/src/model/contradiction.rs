//! What images say that no kernel would have told CRIU.

use std::collections::HashSet;

use super::mapping::status;
use crate::image::proto;

/// How many mappings of one process are named.
const NAMED: usize = 8;

/// Says which mappings end before they begin, and which lie over others.
///
/// Guard ranges do lie over the mapping they are in.
pub(super) fn mappings(vmas: &[proto::VmaEntry], mut found: impl FnMut(&str)) {
    let mut spans: Vec<(u64, u64)> = Vec::new();
    let mut named = 0_usize;
    let mut say = |what: String| {
        if named < NAMED {
            found(&what);
        } else if named == NAMED {
            found(
                "more mappings are empty, end before they begin, or lie over others; no kernel makes such a list",
            );
        }
        named = named.saturating_add(1);
    };
    for vma in vmas.iter().filter(|v| v.status.unwrap_or(0) & status::GUARD == 0) {
        let (start, end) = (vma.start.unwrap_or(0), vma.end.unwrap_or(0));
        if end <= start {
            say(format!("the mapping at {start:#x} ends at {end:#x}: no kernel makes such a mapping"));
        } else {
            spans.push((start, end));
        }
    }
    spans.sort_unstable();
    let mut behind = 0;
    for (start, end) in spans {
        if start < behind {
            say(format!("the mapping {start:#x}-{end:#x} lies over another: no kernel makes such a list"));
        }
        behind = behind.max(end);
    }
}

/// Says which descriptors a table lists twice.
pub(super) fn descriptors(table: &[(u64, proto::FdinfoEntry)], mut found: impl FnMut(u64, &str)) {
    // CRIU writes them in rising order.
    if table.is_sorted_by(|a, b| a.1.fd < b.1.fd) {
        return;
    }
    let mut seen = HashSet::new();
    for (offset, entry) in table {
        let fd = entry.fd.unwrap_or(0);
        if !seen.insert(fd) {
            found(*offset, &format!("descriptor {fd} is listed twice"));
        }
    }
}
