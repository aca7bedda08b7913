//! Parts of a file mapped into memory, to be looked through without being copied.
//!
//! The one place of the library with `unsafe`. What can go wrong with a mapped
//! file, and what is done about it:
//!
//! - A page that cannot be read would end the program with a signal. All pages
//!   are brought in by a call that returns the error instead; where it fails,
//!   or is not known to the kernel (before Linux 5.14), the bytes are read in
//!   the other way, which says what is wrong and where.
//! - The file can be made shorter, or be written to, while it is mapped. Parts
//!   are mapped only for as long as they are looked through, a mebibyte or
//!   less at a time; nothing that matters for safety is read twice.
#![allow(unsafe_code)]

use std::fs::File;

/// A part of a file, in memory as long as this lives.
#[derive(Debug)]
pub(crate) struct Mapped(memmap2::Mmap);

impl Mapped {
    /// Maps bytes of a file and brings them in; `None` where that cannot be done.
    #[cfg(target_os = "linux")]
    pub(crate) fn of(file: &File, offset: u64, len: usize) -> Option<Self> {
        // Behind the end of the file there is nothing to bring in.
        if len == 0 || offset.checked_add(len as u64)? > file.metadata().ok()?.len() {
            return None;
        }
        // SAFETY: the mapping is read-only. Others may write to the file meanwhile: the bytes are only
        // searched, by code that keeps to the slice whatever is in it.
        let map = unsafe { memmap2::MmapOptions::new().offset(offset).len(len).map(file) }.ok()?;
        map.advise(memmap2::Advice::PopulateRead).ok()?;
        Some(Self(map))
    }

    /// Other systems have no call that brings pages in and returns errors.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn of(_: &File, _: u64, _: usize) -> Option<Self> {
        None
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}
