//! Counts the memory that is held.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The system's allocator, and how much of it is in use.
#[derive(Debug)]
pub struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// Returns the bytes held now.
pub fn held() -> usize {
    HELD.load(Relaxed)
}

/// Returns the most bytes that were held at once since [`restart`].
pub fn peak() -> usize {
    PEAK.load(Relaxed)
}

/// Forgets the peak of before.
pub fn restart() {
    PEAK.store(held(), Relaxed);
}

/// Runs something and returns its result, and how many more bytes than before it held at once.
pub fn measured<T>(run: impl FnOnce() -> T) -> (T, usize) {
    restart();
    let before = held();
    let result = run();
    (result, peak().saturating_sub(before))
}

fn add(size: usize) {
    let now = HELD.fetch_add(size, Relaxed) + size;
    PEAK.fetch_max(now, Relaxed);
}

// An allocator is an unsafe trait; every call goes to the system's own with the same arguments.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        HELD.fetch_sub(layout.size(), Relaxed);
        add(size);
        unsafe { System.realloc(pointer, layout, size) }
    }
}
