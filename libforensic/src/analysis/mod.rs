//! What an analyst wants to know: functions from a [`Checkpoint`](crate::Checkpoint) to plain structs.
//!
//! - [`search`] finds text, bytes and regular expressions in all memory, and
//!   in what else the evidence holds of the running container.
//! - [`strings`] lists readable text in the same places.
//! - [`extract`] gives out files, shared memory, pipes and queues with their contents.
//! - [`overview`] measures memory.
//!
//! ```
//! use std::ops::ControlFlow;
//! use libforensic::analysis::search::{Pattern, Search};
//!
//! # fn main() -> libforensic::Result<()> {
//! let checkpoint = libforensic::Checkpoint::open("../examples/evidence/simple.tar")?;
//! let search = Search::new(vec![Pattern::literal("PATH=")])?;
//! let mut found = 0;
//! search.run(&checkpoint, &mut |_| {
//!     found += 1;
//!     ControlFlow::Continue(())
//! })?;
//! assert!(found > 0);
//! # Ok(())
//! # }
//! ```
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

pub mod block;
pub mod extract;
mod found;
pub mod overview;
pub mod pattern;
mod runs;
pub(crate) mod scan;
pub mod scope;
pub mod search;
pub mod sources;
pub mod strings;
mod sweep;

pub use crate::parallel::Progress;
