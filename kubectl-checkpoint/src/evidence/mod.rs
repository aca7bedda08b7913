//! The commands that read evidence.

mod capabilities;
pub(crate) mod codec;
mod descriptors;
pub(crate) mod extract;
mod images;
pub(crate) mod limits;
mod logs;
mod mappings;
pub(crate) mod memory;
mod mounts;
mod namespaces;
mod network;
mod processes;
mod seccomp;
mod show;
mod sockets;
mod tmpfs;
pub(crate) mod watch;

use std::cell::{OnceCell, RefCell};
use std::ffi::OsString;
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libforensic::model::{Options, Text};
use libforensic::parallel::ordered;
use libforensic::{Checkpoint, Warning};

pub(crate) use capabilities::capabilities;
pub(crate) use descriptors::{files, mode};
pub(crate) use images::images;
pub(crate) use logs::logs;
pub(crate) use mappings::maps;
pub(crate) use mounts::mounts;
pub(crate) use namespaces::{cgroups, namespaces};
pub(crate) use network::{ipc, network};
pub(crate) use processes::{command, ending, ps, tree_order};
pub(crate) use seccomp::seccomp;
pub(crate) use show::{lines as summary_lines, show};
pub(crate) use sockets::sockets;
pub(crate) use tmpfs::tmpfs;

use crate::cli::{EvidenceArgs, FAILED, OutputArgs, PARTIAL};
use crate::output::{Answer, Rows, escape, escape_bytes};
use watch::{Quiet, Watch};

/// What a cell shows where the evidence holds nothing.
pub(crate) const ABSENT: &str = "-";

/// The archives of one command, opened when their turn comes.
pub(crate) struct Evidence {
    paths: Vec<OsString>,
    names: Vec<String>,
    open: Vec<OnceCell<Checkpoint>>,
    parents: Vec<PathBuf>,
    /// Where unchanged pages of mapped files come from.
    rootfs: Option<PathBuf>,
    /// Whether memory will be read.
    memory: bool,
    /// What the answer leaves out because it was asked to, by archive.
    notes: RefCell<Vec<(usize, Warning)>>,
}

impl Evidence {
    pub(crate) fn new(args: &EvidenceArgs) -> Self {
        Self::of(&args.archives, &args.parents)
    }

    pub(crate) fn of(paths: &[OsString], parents: &[PathBuf]) -> Self {
        let mut evidence = Self {
            parents: parents.to_vec(),
            rootfs: None,
            memory: false,
            notes: RefCell::default(),
            names: Vec::new(),
            open: Vec::new(),
            paths: Vec::new(),
        };
        for path in paths {
            evidence.add(path);
        }
        evidence
    }

    /// Adds an archive, or in place of a pod's checkpoint all its containers.
    fn add(&mut self, path: &OsString) {
        let name = path.to_string_lossy().into_owned();
        let mut options = Options::default();
        options.archive = limits::open_options();
        let containers = if Checkpoint::may_be_pod(path, &options.archive) {
            Checkpoint::open_pod(path, &options).ok().flatten().unwrap_or_default()
        } else {
            Vec::new()
        };
        // A manifest without containers is refused when the archive's turn comes, with the reason.
        if containers.is_empty() {
            self.paths.push(path.clone());
            self.names.push(name.clone());
            self.open.push(OnceCell::new());
        }
        for container in containers {
            self.names.push(format!("{name}/{}", container.name));
            // Of one that cannot be opened the error is found again when its turn comes.
            self.paths.push(Path::new(path).join(&container.member).into_os_string());
            self.open.push(container.checkpoint.map_or_else(|_| OnceCell::new(), OnceCell::from));
        }
    }

    /// Says that pages will be read in bulk.
    pub(crate) fn with_memory(mut self) -> Self {
        self.memory = true;
        self
    }

    /// Takes layers of memory that are not in the archive itself.
    pub(crate) fn with_layers(mut self, layers: &memory::LayerArgs) -> Self {
        self.parents.clone_from(&layers.parents);
        self.rootfs.clone_from(&layers.rootfs);
        self.with_memory()
    }

    /// Adds to the warnings what was left out on purpose; it does not make the answer a partial one.
    pub(crate) fn note(&self, index: usize, what: impl Into<String>) {
        self.notes.borrow_mut().push((index, Warning::new(what)));
    }

    /// Opens an archive, or returns it if it is open.
    pub(crate) fn get(&self, index: usize) -> anyhow::Result<&Checkpoint> {
        let cell = &self.open[index];
        if let Some(open) = cell.get() {
            return Ok(open);
        }
        let mut options = Options::default();
        options.archive = limits::open_options();
        options.memory = self.memory;
        options.parents.clone_from(&self.parents);
        options.rootfs.clone_from(&self.rootfs);
        let opened = Checkpoint::open_with(&self.paths[index], options)?;
        for note in opened.archive().notes() {
            eprintln!("note: {}: {}", escape(&self.names[index]), escape(note));
        }
        Ok(cell.get_or_init(|| opened))
    }

    fn warnings(&self, index: usize) -> Vec<Warning> {
        self.open[index].get().map(Checkpoint::warnings).unwrap_or_default()
    }

    /// Prints an answer, then the warnings to standard error, and returns the exit code.
    pub(crate) fn answer<R: Rows>(
        &self,
        kind: &'static str,
        args: &EvidenceArgs,
        rows: &R,
    ) -> anyhow::Result<ExitCode> {
        self.answer_as(kind, &args.output, rows)
    }

    pub(crate) fn answer_as<R: Rows>(
        &self,
        kind: &'static str,
        output: &OutputArgs,
        rows: &R,
    ) -> anyhow::Result<ExitCode> {
        self.answer_watched(kind, output, rows, None)
    }

    /// As [`Evidence::answer`], for work that takes long.
    pub(crate) fn answer_watched<R: Rows>(
        &self,
        kind: &'static str,
        output: &OutputArgs,
        rows: &R,
        watch: Option<&Watch>,
    ) -> anyhow::Result<ExitCode> {
        let answer = Answer {
            kind,
            archives: self.names.clone(),
            format: output.output,
            headers: !output.no_headers,
            colored: output.color.enabled(),
            warnings: &|index| {
                let notes = self.notes.borrow();
                let notes = notes.iter().filter(|n| n.0 == index).map(|n| n.1.clone());
                self.warnings(index).into_iter().chain(notes).collect()
            },
        };
        let stdout = Quiet { inner: std::io::stdout().lock(), watch };
        let mut out = BufWriter::with_capacity(64 << 10, stdout);
        let failed = answer.write(rows, &mut out)?;
        out.flush()?;
        if let Some(watch) = watch {
            watch.clear();
        }
        let code = self.finish(failed);
        Ok(watch.map_or(code, |watch| watch.code(code)))
    }

    /// Says what could not be read, and turns that into an exit code.
    pub(crate) fn finish(&self, failed: usize) -> ExitCode {
        let mut partial = false;
        for (index, name) in self.names.iter().enumerate() {
            for warning in self.warnings(index) {
                partial = true;
                eprintln!("warning: {}: {}", escape(name), escape(&warning.to_string()));
            }
            for (_, note) in self.notes.borrow().iter().filter(|n| n.0 == index) {
                eprintln!("note: {}: {}", escape(name), escape(&note.what));
            }
        }
        if failed > 0 {
            ExitCode::from(FAILED)
        } else if partial {
            ExitCode::from(PARTIAL)
        } else {
            ExitCode::SUCCESS
        }
    }
}

/// Whether there is no image whose name begins so, and nothing says that there should be.
fn left_out(checkpoint: &Checkpoint, prefix: &[u8]) -> bool {
    let has = checkpoint.archive().members().iter().any(|m| m.base_name().starts_with(prefix));
    checkpoint.has_images() && !has && checkpoint.warnings().is_empty()
}

/// The processes to list: all, or the one that was asked for.
pub(crate) fn pids(checkpoint: &Checkpoint, only: Option<u32>) -> anyhow::Result<Vec<u32>> {
    match only {
        None => Ok(checkpoint.pids()),
        Some(pid) => {
            checkpoint.task(pid)?;
            Ok(vec![pid])
        }
    }
}

/// Works out something for each key on all cores, while what was worked out before is written.
///
/// `sink` gets the results in order; its error ends the work.
pub(crate) fn ahead<K: Send, T: Send>(
    keys: Vec<K>,
    work: impl Fn(K) -> anyhow::Result<T> + Sync,
    mut sink: impl FnMut(T) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    if keys.len() < 2 {
        return keys.into_iter().try_for_each(|key| sink(work(key)?));
    }
    let mut failed = Ok(());
    let _ = ordered(
        keys.into_iter(),
        |(): &mut (), key| work(key),
        |result| match result.and_then(&mut sink) {
            Ok(()) => ControlFlow::Continue(()),
            Err(e) => {
                failed = Err(e);
                ControlFlow::Break(())
            }
        },
    );
    failed
}

pub(crate) fn text(text: Option<&Text>) -> String {
    text.map_or_else(|| ABSENT.to_owned(), |t| escape_bytes(t.as_bytes()).into_owned())
}

pub(crate) fn or_absent(value: Option<impl ToString>) -> String {
    value.map_or_else(|| ABSENT.to_owned(), |v| v.to_string())
}

/// Text with a mark for what is no longer there.
pub(crate) fn deleted(shown: String, deleted: Option<bool>) -> String {
    if deleted == Some(true) { format!("{shown} (deleted)") } else { shown }
}
