//! Reads checkpoints of containers made by CRIU: evidence in, facts out.
//!
//! Layers, each usable by itself:
//!
//! - [`archive`]: where bytes are. A tar, a directory or an image as an index of members.
//! - [`image`]: what one CRIU image file says. Framing, protobuf records, payloads.
//! - [`model`] and [`memory`]: what the images say together. Processes, memory, files, sockets.
//! - [`analysis`]: what an analyst wants to know. Search and strings over all memory.
//!
//! Where there is no checkpoint, a triage does: text files of /proc, which the
//! model reads as records like those of CRIU (see [`model::Acquisition`]).
//!
//! Everything read is taken for hostile: no byte sequence makes the library
//! panic, hang or use memory without bound (see [`Limits`]), and one damaged
//! record costs that record and a [`Warning`], never the rest.
#![deny(missing_docs)]

pub mod analysis;
pub mod archive;
mod error;
pub mod image;
mod limits;
pub mod memory;
pub mod meter;
pub mod model;
pub mod parallel;
mod proc;

pub use error::{Error, ErrorKind, Result, Warning};
pub use limits::Limits;
pub use model::Checkpoint;
