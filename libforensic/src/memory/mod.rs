//! The memory of a process, page by page through layers.
//!
//! [`AddressSpace`] resolves an address to the layer that answers for it:
//! this dump's pages, a parent dump, a shared segment, zeros – or to a
//! [`Hole`] that says why the evidence does not hold the byte. Nothing here
//! invents bytes: only anonymous memory that CRIU left out because it was
//! never written reads as zero.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

pub(crate) mod pagemap;
mod space;
pub(crate) mod store;

pub use space::{AddressSpace, Hole, Layer, PageCounts, Read, Region, Span};
pub(crate) use space::{Backing, Contents, Stretch};
