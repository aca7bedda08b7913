//! Commands that talk to a cluster: from a target to an archive at home that
//! is verified.
//!
//! ```text
//! target ──► rights ──► trigger ──► collector pod ──► transfer ──► record ──► clean up
//! ```
//!
//! - [`target`] finds one running container on one node;
//! - [`rights`] asks for every right that will be needed, before anything is touched;
//! - [`trigger`] sends the one POST that freezes the container, and [`explain`] says
//!   what the answer means;
//! - [`collector`] is a pod on the node that sees the archives, read-only;
//! - `transfer` brings one archive home through it and compares digests;
//! - [`destination`] gives a file its name only when it is whole;
//! - [`record`] writes down who did what, when, to what.

mod args;
mod capture;
pub mod collector;
pub mod connection;
pub mod destination;
mod dossier;
mod exec;
pub mod explain;
mod interrupt;
pub mod record;
pub mod report;
pub mod rights;
mod sink;
pub mod target;
mod text;
mod transfer;
pub mod trigger;

pub use args::{ClusterArgs, CreateArgs, DEFAULT_COLLECTOR_IMAGE, OutputFormat, duration};
pub use capture::create;
pub(crate) use interrupt::Interrupts;
