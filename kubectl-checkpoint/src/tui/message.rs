//! What reaches the model, and what it asks for.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use libforensic::analysis::Progress;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseEvent};

use super::hex::{Hex, Needle, Page};
use super::place::{Place, Source};
use super::table::{Row, Table};
use super::tree::Tree;
use crate::cluster::live::{Candidate, Chosen, Finding, Listed, Outcome};
use crate::cluster::{Stop, Told};

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Message {
    Key(KeyEvent),
    Mouse(MouseEvent),
    Paste(String),
    Resize(u16, u16),
    /// An archive is being unpacked: bytes read, and bytes there are.
    Unpacking {
        tab: usize,
        read: u64,
        total: Option<u64>,
        members: usize,
    },
    /// An archive can be looked at; not all of it is there unless `complete`.
    Opened {
        tab: usize,
        archive: Box<Opened>,
        complete: bool,
    },
    Failed {
        tab: usize,
        why: String,
    },
    /// What speaks against processes.
    Marks {
        tab: usize,
        marks: Vec<(u32, Vec<String>)>,
    },
    /// A page that was asked for.
    Loaded {
        tab: usize,
        request: u64,
        content: Result<Box<Content>, String>,
    },
    /// More rows of it.
    More {
        tab: usize,
        request: u64,
        rows: Vec<Row>,
    },
    /// There are no more; what is to be said about them.
    Done {
        tab: usize,
        request: u64,
        note: Option<String>,
    },
    Pages {
        tab: usize,
        request: u64,
        pages: Vec<(u64, Page)>,
    },
    /// A search in bytes came to an end.
    FoundAt {
        tab: usize,
        request: u64,
        address: Result<Option<u64>, String>,
    },
    /// Matches of a search in all memory.
    Matches {
        tab: usize,
        search: u64,
        rows: Vec<Row>,
        found: u64,
        scanned: u64,
    },
    Searched {
        tab: usize,
        search: u64,
        result: Result<(), String>,
        warnings: usize,
    },
    /// Containers of a cluster; how the list ended, where it did.
    Listed {
        tab: usize,
        request: u64,
        containers: Vec<Candidate>,
        end: Option<Result<Listed, String>>,
    },
    /// Whether a container can be frozen.
    Examined {
        tab: usize,
        request: u64,
        chosen: Chosen,
        findings: Result<Vec<Finding>, String>,
    },
    /// What a capture says.
    Told {
        tab: usize,
        capture: u64,
        told: Told,
    },
    /// A capture has taken so many seconds.
    Ticked {
        tab: usize,
        capture: u64,
        seconds: u64,
    },
    Captured {
        tab: usize,
        capture: u64,
        outcome: Outcome,
    },
    /// The program was asked to end.
    Signal(i32),
    /// The address that a name stands for.
    Resolved {
        tab: usize,
        pid: u32,
        address: Result<u64, String>,
    },
    /// Something that was to be written was, or was not.
    Written(Result<String, String>),
}

impl Message {
    /// Whether it comes by itself, many times over, and can wait to be drawn.
    pub(crate) fn is_background(&self) -> bool {
        matches!(
            self,
            Self::Matches { .. }
                | Self::Unpacking { .. }
                | Self::More { .. }
                | Self::Marks { .. }
                | Self::Listed { .. }
                | Self::Told { .. }
                | Self::Ticked { .. }
        )
    }

    /// Whether the whole screen is to be drawn anew.
    pub(crate) fn is_redraw(&self) -> bool {
        matches!(self, Self::Key(key) if key.code == KeyCode::Char('l') && key.modifiers == KeyModifiers::CONTROL)
    }
}

/// What is known of an archive at once.
#[derive(Debug, Default, Clone)]
pub(crate) struct Opened {
    pub tree: Tree,
    /// A line about it.
    pub about: String,
    pub memory_bytes: u64,
    /// Whether more processes, and who began whom, may still come.
    pub tentative: bool,
}

/// What a view shows.
#[derive(Debug)]
pub(crate) enum Content {
    Table(Table),
    Hex(Hex),
}

/// Work to be done elsewhere.
#[derive(Debug, Clone)]
pub(crate) enum Effect {
    Open {
        tab: usize,
        path: PathBuf,
    },
    Close {
        tab: usize,
    },
    Load {
        tab: usize,
        request: u64,
        place: Place,
        cancel: Arc<Cancel>,
    },
    Read {
        tab: usize,
        request: u64,
        from: Bytes,
        pages: Vec<u64>,
    },
    /// Finds the address that a name stands for.
    Resolve {
        tab: usize,
        pid: u32,
        name: String,
    },
    Find {
        tab: usize,
        request: u64,
        from: Bytes,
        needle: Needle,
        start: u64,
        forward: bool,
        cancel: Arc<Cancel>,
    },
    Search {
        tab: usize,
        search: u64,
        query: Query,
        cancel: Arc<Cancel>,
    },
    /// Lists containers: of that namespace, or of all.
    List {
        tab: usize,
        request: u64,
        namespace: Option<String>,
        cancel: Arc<Cancel>,
    },
    /// Looks whether a container can be frozen.
    Examine {
        tab: usize,
        request: u64,
        chosen: Chosen,
        cancel: Arc<Cancel>,
    },
    /// Freezes a container and brings the archive home.
    Capture {
        tab: usize,
        capture: u64,
        chosen: Chosen,
        dest: Option<PathBuf>,
        cancel: Arc<Cancel>,
    },
    /// Writes a new file.
    Write {
        path: PathBuf,
        bytes: Vec<u8>,
        what: String,
    },
    /// Writes bytes of the evidence to a new file.
    Export {
        tab: usize,
        from: Bytes,
        range: Range<u64>,
        path: PathBuf,
    },
    /// Puts text on the clipboard of the terminal.
    Copy(String),
    Suspend,
    Quit,
}

/// Where bytes are read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Bytes {
    Memory(u32),
    Source(Source),
}

/// A search in all memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query {
    pub text: String,
    pub kind: Kind,
    pub ignore_case: bool,
    pub utf16: bool,
    /// Only in this process.
    pub pid: Option<u32>,
}

/// How a query is to be understood.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    #[default]
    Literal,
    Regex,
    Hex,
}

impl Query {
    /// Reads `[-e|-x] [-i] [-u] [-p PID] TEXT`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut query = Self::default();
        let mut rest = text.trim_start();
        while let Some(flag) = rest.strip_prefix('-') {
            let (word, after) = flag.split_once(' ').unwrap_or((flag, ""));
            match word {
                "e" => query.kind = Kind::Regex,
                "x" => query.kind = Kind::Hex,
                "i" => query.ignore_case = true,
                "u" => query.utf16 = true,
                "p" => {
                    let (pid, after) = after.trim_start().split_once(' ').unwrap_or((after.trim(), ""));
                    query.pid = Some(pid.parse().map_err(|_| format!("-p takes a process id, not {pid:?}"))?);
                    rest = after.trim_start();
                    continue;
                }
                "-" => {
                    rest = after;
                    break;
                }
                _ => return Err(format!("no flag -{word}; there are -e -x -i -u -p PID, and -- ends them")),
            }
            rest = after.trim_start();
        }
        if rest.is_empty() {
            return Err("what is to be searched for?".to_owned());
        }
        rest.clone_into(&mut query.text);
        Ok(query)
    }
}

/// A way to stop work that runs elsewhere.
#[derive(Debug, Default)]
pub(crate) struct Cancel {
    stopped: AtomicBool,
    progress: Mutex<Option<Arc<Progress>>>,
    asked: Mutex<Option<Stop>>,
}

impl Cancel {
    pub(crate) fn stop(&self) {
        self.stop_by("the user");
    }

    /// Stops it; `by` is what work in a cluster says of it.
    pub(crate) fn stop_by(&self, by: &'static str) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(stop) = self.asked.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            stop.ask(by);
        }
        if let Some(progress) = self.lock().as_ref() {
            progress.cancel();
        }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Passes the wish to stop on to a scan, also one that was uttered before.
    pub(crate) fn watch(&self, progress: &Arc<Progress>) {
        *self.lock() = Some(Arc::clone(progress));
        if self.is_stopped() {
            progress.cancel();
        }
    }

    /// Passes the wish to stop on to work in a cluster, also one that was uttered before.
    pub(crate) fn pass_on(&self, stop: Stop) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_stopped() {
            stop.ask("the user");
        }
        *asked = Some(stop);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<Progress>>> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_have_flags_before_the_text() {
        let query = Query::parse("-e -i -p 20 AKIA[0-9A-Z]+ x").unwrap();
        assert_eq!(query.kind, Kind::Regex);
        assert!(query.ignore_case && !query.utf16);
        assert_eq!((query.pid, query.text.as_str()), (Some(20), "AKIA[0-9A-Z]+ x"));
        assert_eq!(Query::parse("-- -e").unwrap().text, "-e");
        assert_eq!(Query::parse("a -i").unwrap().text, "a -i");
        assert!(Query::parse("-q x").is_err());
        assert!(Query::parse("-i").is_err());
        assert!(Query::parse("-p twenty x").is_err());
    }
}
