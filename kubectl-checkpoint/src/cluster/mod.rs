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

mod answer;
mod args;
mod backend;
mod capture;
mod checks;
pub mod collector;
pub mod connection;
mod copy;
mod create;
mod credentials;
mod criu_log;
mod custody;
pub mod destination;
mod discovery;
mod doctor;
mod dossier;
mod exec;
pub mod explain;
mod interrupt;
mod leftovers;
mod list;
pub(crate) mod live;
mod local;
mod pod_checkpoint;
mod preflight;
mod pull;
pub mod record;
mod refusal;
mod remove;
pub mod report;
pub mod rights;
mod selection;
mod session;
mod signature;
mod sink;
mod stored;
mod surroundings;
pub mod target;
mod text;
mod transfer;
mod triage;
pub mod trigger;
mod verify;
mod vitals;

pub use args::{BackendArgs, CollectorArgs, TransferArgs};
pub use args::{
    ClusterArgs, CreateArgs, DEFAULT_COLLECTOR_IMAGE, DoctorArgs, ListArgs, OutputFormat, PullArgs,
    RemoveArgs, TriageArgs, VerifyArgs, duration,
};
pub use create::create;
pub use doctor::doctor;
pub(crate) use interrupt::{Interrupts, Stop};
pub use list::list;
pub use pull::pull;
pub use remove::remove;
pub(crate) use report::Told;
pub use triage::triage;
pub use verify::verify;
