//! How answers reach the user: formats, tables, escaping.

mod escape;
mod file_name;
mod hexdump;
mod human;
mod json;
mod list;
mod sandbox;
mod table;
mod yaml;

pub(crate) use escape::is_harmless;
pub use escape::{escape, escape_bytes};
pub use file_name::{component, file_name};
pub use hexdump::HexDump;
pub use human::{bytes, duration};
pub use json::{json_text, write_json, write_json_pretty, yaml_text};
pub use list::{API_VERSION, Answer, Form, Rows};
pub use sandbox::{Sandbox, SparseFile};
pub use table::Table;
pub(crate) use table::put_cell;

/// What `-o` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Columns for people.
    Table,
    /// More columns.
    Wide,
    /// One JSON object.
    Json,
    /// The same as YAML.
    Yaml,
    /// One JSON object per item and line.
    Ndjson,
    /// Only the name of each item, where items have names.
    Name,
}

/// What `--color` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Also into files and pipes.
    Always,
    /// Not at all.
    Never,
}

impl Color {
    /// Decides for standard output.
    pub fn enabled(self) -> bool {
        use std::io::IsTerminal;
        match self {
            Self::Always => true,
            Self::Never => false,
            // https://no-color.org: any value but an empty one.
            Self::Auto => {
                std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
            }
        }
    }
}

/// Returns true if the error is a reader that went away, which is no failure.
pub fn is_broken_pipe(e: &anyhow::Error) -> bool {
    e.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
            || cause
                .downcast_ref::<serde_json::Error>()
                .and_then(serde_json::Error::io_error_kind)
                .is_some_and(|kind| kind == std::io::ErrorKind::BrokenPipe)
    })
}
