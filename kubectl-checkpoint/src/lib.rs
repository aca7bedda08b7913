//! The kubectl plugin: command line, cluster, output.
//!
//! A library only so that tests and the program share it; the stable
//! interface is the command line (`docs/`), and for programs `libforensic`.

mod cli;
pub mod cluster;
mod evidence;
pub mod output;
mod sealed;
mod tui;

pub use cli::{command, run};
