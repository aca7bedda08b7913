//! Counts steps, so that tests can say what evidence costs without a clock.
//!
//! The loops whose length evidence decides count each turn: headers of an
//! archive that are looked at, records of images, runs of page maps, levels of
//! the process tree. The count is the thread's own and costs next to nothing.
//!
//! ```
//! # fn main() -> libforensic::Result<()> {
//! let before = libforensic::meter::steps();
//! libforensic::archive::Archive::open("../examples/evidence/simple.tar")?;
//! assert!(libforensic::meter::steps() > before);
//! # Ok(())
//! # }
//! ```

use std::cell::Cell;

thread_local! {
    static STEPS: Cell<u64> = const { Cell::new(0) };
}

/// Returns how many steps this thread has made since it began.
pub fn steps() -> u64 {
    STEPS.get()
}

/// Counts a step.
pub(crate) fn step() {
    many(1);
}

/// Counts steps.
pub(crate) fn many(steps: u64) {
    STEPS.set(STEPS.get().wrapping_add(steps));
}
