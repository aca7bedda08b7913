//! Arguments and environments, read from a process's memory.

use super::{Checkpoint, Text};
use crate::error::{Error, ErrorKind, Result};
use crate::image::proto;
use crate::memory::AddressSpace;

/// The most that setproctitle(3) can show through /proc/PID/cmdline.
const TITLE_BYTES: u64 = 4096;
/// More empty arguments than this at the end are padding that a process wrote over its own arguments.
const EMPTY_ARGUMENTS: usize = 2;

impl Checkpoint {
    /// Reads the arguments as /proc/PID/cmdline does (fs/proc/base.c, `get_mm_cmdline`).
    pub(super) fn arguments(&self, space: &AddressSpace, mm: &proto::MmEntry) -> Result<Option<Vec<Text>>> {
        let (Some(start), Some(end)) = (mm.mm_arg_start, mm.mm_arg_end) else { return Ok(None) };
        let Some(mut bytes) = self.string_area(space, start, end)? else { return Ok(None) };
        if bytes.last().is_some_and(|b| *b != 0) {
            // The last terminator was overwritten: setproctitle(3). The title
            // goes on into the environment, up to its first NUL.
            let limit = start.saturating_add(TITLE_BYTES);
            let end = mm.mm_env_end.unwrap_or(end).max(end).min(limit);
            if let Some(longer) = self.string_area(space, start, end)? {
                bytes = longer;
            }
            let nul = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
            bytes.truncate(nul);
            return Ok(Some(vec![Text::new(bytes)]));
        }
        let mut list: Vec<Text> = split(&bytes).map(Text::from).collect();
        let filled = list.iter().rposition(|a| !a.is_empty()).map_or(0, |i| i.saturating_add(1));
        if list.len().saturating_sub(filled) > EMPTY_ARGUMENTS {
            list.truncate(filled);
        }
        Ok(Some(list))
    }

    pub(super) fn environment(&self, space: &AddressSpace, mm: &proto::MmEntry) -> Result<Option<Vec<Text>>> {
        let (Some(start), Some(end)) = (mm.mm_env_start, mm.mm_env_end) else { return Ok(None) };
        let bytes = self.string_area(space, start, end)?;
        Ok(bytes.map(|b| split(&b).filter(|e| !e.is_empty()).map(Text::from).collect()))
    }

    /// Reads a range of memory as a whole; `None` where any byte of it is not in the evidence.
    fn string_area(&self, space: &AddressSpace, start: u64, end: u64) -> Result<Option<Vec<u8>>> {
        let Some(len) = end.checked_sub(start) else { return Ok(None) };
        let limit = self.archive().limits().strings_bytes;
        if len > limit {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("{len} bytes are more than the limit of {limit}"),
            ));
        }
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
        let read = space.read(start, &mut bytes)?;
        if let Some(hole) = read.hole {
            if read.bytes == 0 && len == 0 {
                return Ok(Some(bytes));
            }
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("memory at {:#x} is {}", start.saturating_add(read.bytes as u64), hole.description()),
            ));
        }
        Ok(Some(bytes))
    }
}

/// Strings ended by NUL, one after the other.
fn split(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    let none = bytes.is_empty();
    whole.split(|b| *b == 0).filter(move |_| !none)
}
