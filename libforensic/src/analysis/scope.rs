//! Which memory an analysis looks at.

use std::ops::Range;

use crate::memory::AddressSpace;
use crate::model::{Mapping, MappingKind};

/// Restricts an analysis to part of the evidence; the default is all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scope {
    /// Only these processes.
    pub pids: Vec<u32>,
    /// Only mappings with these permissions: `x` or `rw` for at least these,
    /// or all four characters as in /proc/PID/maps (`rw-p`), `?` for any.
    pub perms: Option<String>,
    /// Only mappings of these kinds.
    pub kinds: Vec<MappingKind>,
    /// Only mappings whose path contains this.
    pub path: Option<Vec<u8>>,
    /// Only these addresses.
    pub range: Option<Range<u64>>,
}

impl Scope {
    /// Returns true if it takes in what belongs to no process.
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// Returns true if the process is in scope.
    pub fn has_pid(&self, pid: u32) -> bool {
        self.pids.is_empty() || self.pids.contains(&pid)
    }

    /// Returns true if the mapping, or part of it, is in scope.
    pub fn has_mapping(&self, mapping: &Mapping) -> bool {
        self.has_pid(mapping.pid)
            && (self.kinds.is_empty() || self.kinds.contains(&mapping.kind))
            && self.perms.as_ref().is_none_or(|wanted| permits(wanted, &mapping.perms))
            && self.path.as_ref().is_none_or(|wanted| {
                let path = mapping.path.as_ref().map_or(b"".as_slice(), |p| p.as_bytes());
                memchr::memmem::find(path, wanted).is_some()
            })
            && self.range.as_ref().is_none_or(|r| mapping.start < r.end && r.start < mapping.end)
    }

    /// Returns true if the addresses are in scope.
    pub(crate) fn has_addresses(&self, start: u64, end: u64) -> bool {
        self.range.as_ref().is_none_or(|r| r.start <= start && end <= r.end)
    }

    /// Returns the address ranges in scope, sorted; those that touch are one.
    pub(crate) fn ranges(&self, space: &AddressSpace) -> Vec<Range<u64>> {
        let mut list: Vec<Range<u64>> = Vec::new();
        for region in space.regions() {
            let m = &region.mapping;
            if !self.has_mapping(m) {
                continue;
            }
            let (mut start, mut end) = (m.start, m.end);
            if let Some(range) = &self.range {
                start = start.max(range.start);
                end = end.min(range.end);
            }
            match list.last_mut() {
                Some(last) if last.end >= start => last.end = last.end.max(end),
                _ if start < end => list.push(start..end),
                _ => {}
            }
        }
        list
    }
}

fn permits(wanted: &str, perms: &str) -> bool {
    if wanted.chars().count() == 4 {
        wanted.chars().zip(perms.chars()).all(|(w, p)| w == '?' || w == p)
    } else {
        wanted.chars().all(|w| perms.contains(w))
    }
}

/// Finds a kind of mapping by the name that JSON and tables use.
pub fn mapping_kind(name: &str) -> Option<MappingKind> {
    mapping_kinds().iter().copied().find(|k| k.as_str() == name)
}

/// Returns all kinds of mappings.
pub fn mapping_kinds() -> &'static [MappingKind] {
    use MappingKind as K;
    &[
        K::Anonymous,
        K::File,
        K::Heap,
        K::Stack,
        K::Vdso,
        K::Vvar,
        K::Vsyscall,
        K::Sysv,
        K::Memfd,
        K::SharedAnonymous,
        K::Aio,
        K::Socket,
        K::Guard,
        K::Uprobes,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_by_letter_or_as_a_whole() {
        assert!(permits("x", "r-xp"));
        assert!(permits("rw", "rw-p"));
        assert!(!permits("w", "r-xp"));
        assert!(permits("rw-p", "rw-p"));
        assert!(!permits("r--p", "rw-p"));
        assert!(permits("r??p", "rwxp"));
    }
}
