//! Does the work that the model asks for, on threads, and reports in messages.

use std::collections::{BTreeSet, HashMap};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use libforensic::Checkpoint;
use libforensic::analysis::search::Search;
use libforensic::archive::{Archive, Keep, OpenOptions as ArchiveOptions, Retention};
use libforensic::image::crit;
use libforensic::model::Options;

use super::load::{self, Part};
use super::message::{Effect, Message};
use super::place::View;
use crate::cluster::live::{self, Access};
use crate::cluster::{Interrupts, Told};
use crate::evidence::memory::LayerArgs;

/// How often progress is told.
const BEAT: Duration = Duration::from_millis(100);
/// Matches that go in one message at most.
const BATCH: usize = 256;

/// An archive that can be looked at.
#[derive(Clone)]
struct Held {
    checkpoint: Arc<Checkpoint>,
    /// Whether its process table is one that was guessed from the names of images.
    tentative: bool,
}

/// What threads share.
#[derive(Clone)]
pub(crate) struct Worker {
    messages: Sender<Message>,
    open: Arc<Mutex<HashMap<usize, Held>>>,
    layers: Arc<LayerArgs>,
    access: Arc<Access>,
}

impl Worker {
    pub(crate) fn new(messages: Sender<Message>, layers: LayerArgs, access: Access) -> Self {
        Self { messages, open: Arc::default(), layers: Arc::new(layers), access: Arc::new(access) }
    }

    /// Starts work.
    pub(crate) fn start(&self, effect: Effect) {
        let worker = self.clone();
        std::thread::spawn(move || {
            if is_long(&effect) {
                step_back();
            }
            // A panic costs that piece of work only; whoever waits for it is told.
            let work = std::panic::AssertUnwindSafe(|| worker.run(effect));
            if std::panic::catch_unwind(work).is_err() {
                let why = "a piece of work broke off by a fault of the program; what it would have shown is missing";
                worker.send(Message::Written(Err(why.to_owned())));
            }
        });
    }

    fn send(&self, message: Message) {
        // Nobody listens any more once the browser ends.
        let _ = self.messages.send(message);
    }

    fn held(&self, tab: usize) -> Option<Held> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).get(&tab).cloned()
    }

    fn checkpoint(&self, tab: usize) -> Option<Arc<Checkpoint>> {
        self.held(tab).map(|held| held.checkpoint)
    }

    fn keep(&self, tab: usize, checkpoint: &Arc<Checkpoint>, tentative: bool) {
        let held = Held { checkpoint: Arc::clone(checkpoint), tentative };
        self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(tab, held);
    }

    /// Does a piece of work here and now.
    pub(crate) fn run(&self, effect: Effect) {
        match effect {
            Effect::Open { tab, path } => self.open(tab, &path),
            Effect::Close { tab } => {
                self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&tab);
            }
            Effect::Load { tab, request, place, cancel } => {
                let Some(Held { checkpoint, tentative }) = self.held(tab) else { return };
                let mut note = None;
                let result = load::load(&checkpoint, &place, tentative, &cancel, &mut |part| {
                    self.send(match part {
                        Part::Content(content) => {
                            Message::Loaded { tab, request, content: Ok(Box::new(content)) }
                        }
                        Part::Rows(rows) => Message::More { tab, request, rows },
                        Part::Note(text) => {
                            note = Some(text);
                            return;
                        }
                    });
                });
                self.send(match result {
                    Ok(()) => Message::Done { tab, request, note },
                    Err(e) => Message::Loaded { tab, request, content: Err(format!("{e:#}")) },
                });
            }
            Effect::Read { tab, request, from, pages } => {
                let Some(checkpoint) = self.checkpoint(tab) else { return };
                match load::read(&checkpoint, &from, &pages) {
                    Ok(pages) => self.send(Message::Pages { tab, request, pages }),
                    Err(e) => self.send(Message::Loaded { tab, request, content: Err(format!("{e:#}")) }),
                }
            }
            Effect::Find { tab, request, from, needle, start, forward, cancel } => {
                let Some(checkpoint) = self.checkpoint(tab) else { return };
                let found = load::find(&checkpoint, &from, &needle, start, forward, &cancel);
                let address = found.map_err(|e| format!("{e:#}"));
                self.send(Message::FoundAt { tab, request, address });
            }
            Effect::Resolve { tab, pid, name } => {
                let Some(checkpoint) = self.checkpoint(tab) else { return };
                let address = load::resolve(&checkpoint, pid, &name).map_err(|e| format!("{e:#}"));
                self.send(Message::Resolved { tab, pid, address });
            }
            Effect::Search { tab, search, query, cancel } => self.search(tab, search, &query, &cancel),
            Effect::List { .. } | Effect::Examine { .. } | Effect::Capture { .. } => self.ask(effect),
            Effect::Write { path, bytes, what } => {
                let result = write(&path, &bytes)
                    .map(|()| format!("wrote {what} to {}", path.display()))
                    .map_err(|e| format!("{e:#}"));
                self.send(Message::Written(result));
            }
            Effect::Export { tab, from, range, path } => {
                let Some(checkpoint) = self.checkpoint(tab) else { return };
                let result = load::write(&checkpoint, &from, range, &path).map_err(|e| format!("{e:#}"));
                self.send(Message::Written(result));
            }
            // Those are for whoever has the terminal.
            Effect::Copy(_) | Effect::Suspend | Effect::Quit => {}
        }
    }

    /// Does what is asked of a cluster.
    fn ask(&self, effect: Effect) {
        let (stop, mut interrupts) = Interrupts::by_asking();
        match effect {
            Effect::List { tab, request, namespace, cancel } => {
                cancel.pass_on(stop);
                let listed =
                    live::list(&self.access, namespace.as_deref(), &mut interrupts, &mut |containers| {
                        self.send(Message::Listed { tab, request, containers, end: None });
                    });
                let end = Some(listed.map_err(|e| format!("{e:#}")));
                self.send(Message::Listed { tab, request, containers: Vec::new(), end });
            }
            Effect::Examine { tab, request, chosen, cancel } => {
                cancel.pass_on(stop);
                let findings = live::examine(&self.access, &chosen, &mut interrupts);
                let findings = findings.map_err(|e| format!("{e:#}"));
                self.send(Message::Examined { tab, request, chosen, findings });
            }
            Effect::Capture { tab, capture, chosen, dest, cancel } => {
                cancel.pass_on(stop);
                let clock = self.clock(tab, capture);
                let worker = self.clone();
                let last = std::cell::Cell::new(None::<Instant>);
                let ear = move |told: Told| {
                    // Every chunk that arrives is told of; a few times a second is enough.
                    if let Told::At(_) = told {
                        if last.get().is_some_and(|at| at.elapsed() < BEAT) {
                            return;
                        }
                        last.set(Some(Instant::now()));
                    }
                    worker.send(Message::Told { tab, capture, told });
                };
                let outcome =
                    live::capture(&self.access, &chosen, dest.as_deref(), &mut interrupts, Rc::new(ear));
                drop(clock);
                self.send(Message::Captured { tab, capture, outcome });
            }
            _ => {}
        }
    }

    /// Tells every second how long a capture takes, until it is dropped.
    fn clock(&self, tab: usize, capture: u64) -> Sender<()> {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let worker = self.clone();
        std::thread::spawn(move || {
            let begun = Instant::now();
            let second = Duration::from_secs(1);
            while stopped.recv_timeout(second) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                worker.send(Message::Ticked { tab, capture, seconds: begun.elapsed().as_secs() });
            }
        });
        stop
    }

    fn open(&self, tab: usize, path: &Path) {
        let counter = Arc::new(AtomicU64::new(0));
        let members = Arc::new(AtomicUsize::new(0));
        let total = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|m| m.len());
        let ticker = self.ticker(tab, &counter, &members, total);
        let mut archive = crate::evidence::limits::open_options();
        archive.progress = Some(Arc::clone(&counter));
        let kept = archive.limits.resident_bytes;
        let mut arrivals =
            Arrivals { worker: self, tab, members, small: Vec::new(), kept, shown: 0, last: None };
        let mut options = Options::default();
        options.archive = archive.clone();
        options.memory = true;
        options.parents.clone_from(&self.layers.parents);
        options.rootfs.clone_from(&self.layers.rootfs);
        let opened = Archive::open_with(path, archive, &mut arrivals)
            .and_then(|archive| Checkpoint::from_archive_with(archive, options));
        drop(ticker);
        match opened {
            Err(e) => self.send(Message::Failed { tab, why: e.to_string() }),
            Ok(checkpoint) => {
                let checkpoint = Arc::new(checkpoint);
                self.keep(tab, &checkpoint, false);
                let archive = Box::new(load::opened(&checkpoint, false));
                self.send(Message::Opened { tab, archive, complete: true });
                self.marks(tab, &checkpoint);
            }
        }
    }

    /// Tells how much of a compressed archive was read, until it is dropped.
    fn ticker(
        &self,
        tab: usize,
        counter: &Arc<AtomicU64>,
        members: &Arc<AtomicUsize>,
        total: Option<u64>,
    ) -> Sender<()> {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let (worker, counter, members) = (self.clone(), Arc::clone(counter), Arc::clone(members));
        std::thread::spawn(move || {
            loop {
                let read = counter.load(Ordering::Relaxed);
                let members = members.load(Ordering::Relaxed);
                worker.send(Message::Unpacking { tab, read, total, members });
                if stopped.recv_timeout(BEAT) != Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                    return;
                }
            }
        });
        stop
    }

    /// Looks at every process for what stands out, a few at a time.
    fn marks(&self, tab: usize, checkpoint: &Checkpoint) {
        let mut marks = Vec::new();
        let mut last = Instant::now();
        for pid in checkpoint.pids() {
            let found = load::marks(checkpoint, pid);
            if !found.is_empty() {
                marks.push((pid, found));
            }
            if last.elapsed() > BEAT {
                self.send(Message::Marks { tab, marks: std::mem::take(&mut marks) });
                last = Instant::now();
            }
        }
        self.send(Message::Marks { tab, marks });
    }

    fn search(
        &self,
        tab: usize,
        search: u64,
        query: &super::message::Query,
        cancel: &super::message::Cancel,
    ) {
        let Some(checkpoint) = self.checkpoint(tab) else { return };
        let before = checkpoint.warnings().len();
        let result = self.searching(tab, search, query, cancel, &checkpoint).map_err(|e| format!("{e:#}"));
        let warnings = checkpoint.warnings().len().saturating_sub(before);
        self.send(Message::Searched { tab, search, result, warnings });
    }

    fn searching(
        &self,
        tab: usize,
        search: u64,
        query: &super::message::Query,
        cancel: &super::message::Cancel,
        checkpoint: &Checkpoint,
    ) -> anyhow::Result<()> {
        let mut scope = libforensic::analysis::scope::Scope::default();
        scope.pids = query.pid.into_iter().collect();
        let run = Search::new(vec![load::search::pattern(query)])?.scope(scope).context(24);
        let progress = run.progress();
        cancel.watch(&progress);
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let found = Arc::new(AtomicU64::new(0));
        // Where nothing is found for a while, the share that was searched still moves.
        let ticker = (self.clone(), Arc::clone(&progress), Arc::clone(&found));
        std::thread::spawn(move || {
            let (worker, progress, found) = ticker;
            while stopped.recv_timeout(BEAT) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                let (found, scanned) = (found.load(Ordering::Relaxed), progress.bytes());
                worker.send(Message::Matches { tab, search, rows: Vec::new(), found, scanned });
            }
        });
        let mut rows = Vec::new();
        let mut last = Instant::now();
        let mut first = true;
        run.run(checkpoint, &mut |m| {
            let n = found.fetch_add(1, Ordering::Relaxed) + 1;
            // Those that will not be kept need not be made.
            if n <= super::update::KEPT_MATCHES as u64 {
                rows.push(load::search::row(&m));
            }
            if first || rows.len() >= BATCH || (!rows.is_empty() && last.elapsed() > BEAT) {
                first = false;
                last = Instant::now();
                let rows = std::mem::take(&mut rows);
                self.send(Message::Matches { tab, search, rows, found: n, scanned: progress.bytes() });
            }
            if cancel.is_stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        drop(stop);
        let found = found.load(Ordering::Relaxed);
        self.send(Message::Matches { tab, search, rows, found, scanned: progress.bytes() });
        Ok(())
    }
}

/// Whether work takes all cores for a while.
fn is_long(effect: &Effect) -> bool {
    match effect {
        Effect::Search { .. } | Effect::Find { .. } | Effect::Export { .. } => true,
        Effect::Load { place, .. } => place.view == View::Strings,
        _ => false,
    }
}

/// Lets whoever draws and takes keys go first. Threads that this one starts inherit it.
fn step_back() {
    // On Linux the nice value belongs to the thread, elsewhere to the whole process.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(19);
}

/// Makes what has come of a compressed archive usable while the rest is unpacked.
struct Arrivals<'w> {
    worker: &'w Worker,
    tab: usize,
    members: Arc<AtomicUsize>,
    /// Small members so far.
    small: Vec<(Vec<u8>, Vec<u8>)>,
    /// Bytes that may still be kept.
    kept: u64,
    /// How many of them are in what was shown last.
    shown: usize,
    last: Option<Instant>,
}

/// How often what has come is shown anew.
const ANEW: Duration = Duration::from_millis(500);

impl Retention for Arrivals<'_> {
    fn small(&mut self, name: &[u8], data: &[u8]) {
        self.members.fetch_add(1, Ordering::Relaxed);
        if let Some(left) = self.kept.checked_sub(data.len() as u64) {
            self.kept = left;
            self.small.push((name.to_vec(), data.to_vec()));
        }
    }

    fn large(&mut self, _: &[u8], _: u64) -> Keep {
        // A large member takes a while: time to show what came before it.
        let is_new = self.small.len() > self.shown;
        if is_new && self.last.is_none_or(|last| last.elapsed() > ANEW) {
            if self.last.is_none() {
                // From here on there is something to look at, and unpacking has time.
                step_back();
            }
            self.shown = self.small.len();
            self.last = Some(Instant::now());
            if let Some((checkpoint, tentative)) = partial(&self.small) {
                let checkpoint = Arc::new(checkpoint);
                self.worker.keep(self.tab, &checkpoint, tentative);
                let archive = Box::new(load::opened(&checkpoint, tentative));
                self.worker.send(Message::Opened { tab: self.tab, archive, complete: false });
            }
        }
        Keep::All
    }
}

/// A checkpoint of the members that are here, and whether its process table was
/// guessed; `None` while they make none.
fn partial(members: &[(Vec<u8>, Vec<u8>)]) -> Option<(Checkpoint, bool)> {
    let mut tar = tar::Builder::new(Vec::new());
    let guessed = guess(members);
    for (name, data) in members.iter().chain(&guessed) {
        let mut header = tar::Header::new_gnu();
        header.set_size(data.len() as u64);
        header.set_mode(0o600);
        // Not known here: a time that no calendar has is shown as none.
        header.set_mtime(1 << 60);
        // Names that no tar should have are left for the whole archive.
        let Ok(name) = std::str::from_utf8(name) else { continue };
        let _ = tar.append_data(&mut header, name, data.as_slice());
    }
    let bytes = tar.into_inner().ok()?;
    let archive = Archive::from_reader(bytes.as_slice(), "-", ArchiveOptions::default()).ok()?;
    Some((Checkpoint::from_archive(archive).ok()?, guessed.is_some()))
}

/// A process table in the place of one that is still to come: engines write members
/// by name, so that the table stands behind the pages. It knows who there is, and
/// nothing of who began whom.
fn guess(members: &[(Vec<u8>, Vec<u8>)]) -> Option<(Vec<u8>, Vec<u8>)> {
    let base = |name: &[u8]| name.rsplit(|b| *b == b'/').next().unwrap_or(name).to_vec();
    if members.iter().any(|(name, _)| base(name) == b"pstree.img") {
        return None;
    }
    let mut cores = BTreeSet::new();
    let mut tasks = BTreeSet::new();
    let mut directory = None;
    for (name, _) in members {
        let base = base(name);
        let Some((kind, number)) = std::str::from_utf8(&base).ok().and_then(|b| b.split_once('-')) else {
            continue;
        };
        let Some(pid) = number.strip_suffix(".img").and_then(|n| n.parse::<u32>().ok()) else { continue };
        match kind {
            "core" => {
                cores.insert(pid);
                directory = name.get(..name.len() - base.len());
            }
            // Threads have none of those.
            "mm" | "ids" | "fs" => {
                tasks.insert(pid);
            }
            _ => {}
        }
    }
    let entries: Vec<serde_json::Value> = tasks
        .intersection(&cores)
        .map(|pid| serde_json::json!({"pid": pid, "ppid": 0, "pgid": 0, "sid": 0, "threads": [pid]}))
        .collect();
    if entries.is_empty() {
        return None;
    }
    let document = serde_json::json!({"magic": "PSTREE", "entries": entries}).to_string();
    let mut image = Vec::new();
    crit::encode(document.as_bytes(), &mut image, &crit::Options::default()).ok()?;
    let mut name = directory.unwrap_or_default().to_vec();
    name.extend_from_slice(b"pstree.img");
    Some((name, image))
}

/// Writes a file that must not exist yet.
fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let shown = || path.display().to_string();
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).with_context(shown)?;
    file.write_all(bytes).with_context(shown)?;
    file.sync_all().with_context(shown)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    /// All members of the sample up to one.
    fn members(last: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
        let file = std::fs::File::open("../examples/evidence/incident.tar.gz").unwrap();
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
        let mut members = Vec::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let name = entry.path_bytes().into_owned();
            let mut data = Vec::new();
            entry.read_to_end(&mut data).unwrap();
            members.push((name, data));
            if members.last().unwrap().0.ends_with(last.as_bytes()) {
                break;
            }
        }
        members
    }

    #[test]
    fn processes_are_there_before_their_table_is() {
        let whole = Checkpoint::open("../examples/evidence/incident.tar.gz").unwrap();
        let (early, tentative) = partial(&members("pages-1.img")).unwrap();
        assert!(tentative);
        let mut pids = whole.pids();
        pids.sort_unstable();
        assert_eq!(early.pids(), pids);
        assert_eq!(early.task(20).unwrap().comm, whole.task(20).unwrap().comm);
        assert_eq!(early.mappings(20).unwrap().len(), whole.mappings(20).unwrap().len());
        assert_eq!(early.descriptors(20).unwrap().len(), whole.descriptors(20).unwrap().len());
        let (later, tentative) = partial(&members("pstree.img")).unwrap();
        assert!(!tentative);
        assert_eq!(later.task(20).unwrap().ppid, 1);
        // Before there is any process there is nothing to guess.
        assert!(guess(&members("config.dump")).is_none());
    }

    #[test]
    fn what_was_guessed_is_not_shown_as_known() {
        let (early, tentative) = partial(&members("pages-1.img")).unwrap();
        let page = |tentative| {
            let place = super::super::place::Place::new(Some(20), View::Overview);
            let mut lines = Vec::new();
            load::load(&early, &place, tentative, &super::super::message::Cancel::default(), &mut |part| {
                if let Part::Content(super::super::message::Content::Table(table)) = part {
                    lines.extend(table.rows.iter().map(super::super::table::Row::text));
                }
            })
            .unwrap();
            lines.join("\n")
        };
        assert!(page(false).contains("Group, session"));
        let shown = page(tentative);
        assert!(!shown.contains("Group, session"), "{shown}");
        assert!(shown.contains("not known yet"), "{shown}");
    }
}
