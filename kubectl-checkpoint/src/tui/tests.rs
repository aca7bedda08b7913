//! The browser as a whole on the sample evidence, without a terminal.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::message::{Content, Effect, Message};
use super::model::{Model, Shown, State};
use super::place::{Place, VIEWS, View};
use super::table::{Cell, Row, Table, col};
use super::theme::{Colors, Theme};
use super::update::update;
use super::worker::Worker;
use crate::cluster::Told;
use crate::cluster::live::{Candidate, Chosen, Finding, Listed, Outcome};
use crate::evidence::memory::LayerArgs;

const INCIDENT: &str = "../examples/evidence/incident.tar.gz";
const SIMPLE: &str = "../examples/evidence/simple.tar";

/// How clusters are asked where nothing is said.
fn access() -> crate::cluster::live::Access {
    #[derive(clap::Parser)]
    struct Args {
        #[command(flatten)]
        access: crate::cluster::live::Access,
    }
    <Args as clap::Parser>::parse_from(["tui"]).access
}

/// A browser whose work is done at once, in the order in which it is asked for.
struct Session {
    model: Model,
    worker: Worker,
    messages: Receiver<Message>,
    /// What only a terminal can do.
    asked: Vec<Effect>,
    /// Work that is not done before `wake`.
    asleep: Option<Vec<Effect>>,
}

impl Session {
    fn new(size: (u16, u16), archives: &[&str]) -> Self {
        Self::with(size, archives, LayerArgs { parents: Vec::new(), rootfs: None })
    }

    fn with(size: (u16, u16), archives: &[&str], layers: LayerArgs) -> Self {
        let (sender, messages) = channel();
        let worker = Worker::new(sender, layers, access());
        let paths: Vec<PathBuf> = archives.iter().map(PathBuf::from).collect();
        let theme = Theme { colors: Colors::True, light: false };
        let (model, effects) = Model::new(size, theme, &paths);
        let mut session = Self { model, worker, messages, asked: Vec::new(), asleep: None };
        session.work(effects);
        session
    }

    /// As `new`, before any work is done.
    fn asleep(size: (u16, u16), archives: &[&str]) -> Self {
        let mut session = Self::new(size, archives);
        let (model, effects) = Model::new(size, session.model.theme, &[PathBuf::from(archives[0])]);
        session.model = model;
        session.asleep = Some(effects);
        session
    }

    /// Does the work that was asked for so far.
    fn wake(&mut self) {
        let effects = self.asleep.take().unwrap_or_default();
        self.work(effects);
    }

    fn work(&mut self, effects: Vec<Effect>) {
        if let Some(asleep) = &mut self.asleep {
            asleep.extend(effects);
            return;
        }
        for effect in effects {
            match effect {
                Effect::Copy(_) | Effect::Suspend | Effect::Quit => self.asked.push(effect),
                effect => self.worker.run(effect),
            }
            while let Ok(message) = self.messages.try_recv() {
                let effects = update(&mut self.model, message);
                self.work(effects);
            }
        }
    }

    fn key(&mut self, code: KeyCode, modifiers: KeyModifiers) {
        let effects = update(&mut self.model, Message::Key(KeyEvent::new(code, modifiers)));
        self.work(effects);
    }

    /// Presses keys by name, as the table of keys has them; what is in quotes is typed.
    fn press(&mut self, keys: &str) {
        for name in keys.split(' ') {
            match name {
                "Enter" => self.key(KeyCode::Enter, KeyModifiers::NONE),
                "Tab" => self.key(KeyCode::Tab, KeyModifiers::NONE),
                "Esc" => self.key(KeyCode::Esc, KeyModifiers::NONE),
                "Backspace" => self.key(KeyCode::Backspace, KeyModifiers::NONE),
                "M-Right" => self.key(KeyCode::Right, KeyModifiers::ALT),
                "PageDown" => self.key(KeyCode::PageDown, KeyModifiers::NONE),
                "Space" => self.key(KeyCode::Char(' '), KeyModifiers::NONE),
                _ => name.chars().for_each(|c| self.key(KeyCode::Char(c), KeyModifiers::NONE)),
            }
        }
    }

    fn command(&mut self, line: &str) {
        self.press(":");
        line.chars().for_each(|c| self.key(KeyCode::Char(c), KeyModifiers::NONE));
        self.press("Enter");
    }

    fn screen(&self) -> String {
        let (width, height) = self.model.size;
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| super::draw::view(&self.model, frame)).unwrap();
        let buffer = terminal.backend().buffer();
        let mut text = String::new();
        for y in 0..height {
            let line: String = (0..width).map(|x| buffer[(x, y)].symbol()).collect();
            let _ = writeln!(text, "{}", line.trim_end());
        }
        text
    }

    fn has(&self, text: &str) {
        let screen = self.screen();
        assert!(screen.contains(text), "{text:?} is not on the screen:\n{screen}");
    }
}

/// Compares with a committed screen; `REGENERATE=1` writes it instead.
fn compare(path: &Path, screen: &str) -> Result<(), String> {
    if std::env::var_os("REGENERATE").is_some_and(|v| !v.is_empty()) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, screen).unwrap();
        return Ok(());
    }
    let want = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    if want == screen {
        return Ok(());
    }
    Err(format!("{} differs (REGENERATE=1 writes it)\n--- want\n{want}--- got\n{screen}", path.display()))
}

/// Every view, of a process where it has one, at two sizes.
#[test]
fn every_view_looks_as_committed() {
    let mut wrong = Vec::new();
    for (width, height) in [(80, 24), (140, 40)] {
        for info in VIEWS {
            let mut session = Session::new((width, height), &[INCIDENT]);
            session.press("j j j Tab");
            match info.view {
                View::Record => {
                    session.command("images");
                    session.command("filter pstree");
                    session.press("Enter");
                }
                View::Results => session.command("search AKIA"),
                View::Bookmarks => {
                    session.press("5 b");
                    session.press("suspicious Enter B");
                }
                view if view.is_of_container() => session.command(info.name),
                View::Overview => {}
                _ => session.command(info.name),
            }
            assert!(!matches!(session.model.tab().shown, Shown::Failed(_)), "{}", info.name);
            let path = PathBuf::from(format!("src/tui/screens/{}-{width}x{height}.txt", info.name));
            wrong.extend(compare(&path, &session.screen()).err());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The container as a whole has pages of its own for what processes have.
#[test]
fn views_of_the_container_look_as_committed() {
    let mut wrong = Vec::new();
    for name in ["overview", "files", "sockets", "graph", "threads", "creds", "env", "namespaces"] {
        let mut session = Session::new((140, 40), &[INCIDENT]);
        session.command(name);
        let path = PathBuf::from(format!("src/tui/screens/container-{name}-140x40.txt"));
        wrong.extend(compare(&path, &session.screen()).err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn links_lead_there_and_back() {
    let mut session = Session::new((140, 40), &[INCIDENT]);
    // The shell's standard input is a socket: to the socket, to its peer, and back twice.
    session.press("j j j 5");
    session.has("open files of 20 sh");
    session.press("Enter");
    session.has("sockets of 20 sh");
    session.press("Enter");
    session.has("sockets of 18 incident");
    session.press("Backspace Backspace");
    session.has("open files of 20 sh");
    session.press("M-Right");
    session.has("sockets of 20 sh");
}

#[test]
fn a_register_leads_to_memory_and_a_pointer_further() {
    let mut session = Session::new((140, 40), &[INCIDENT]);
    session.press("j j 8 Tab Tab");
    session.command("filter rsp");
    session.press("Enter");
    session.has("memory of 18 incident");
    session.has("[stack]");
    let Shown::Hex(hex) = &session.model.tab().shown else { panic!("no bytes") };
    assert!(hex.word(hex.cursor, 8).is_some(), "the stack is in the dump");
}

#[test]
fn bytes_can_be_searched_selected_and_copied() {
    let mut session = Session::new((140, 40), &[INCIDENT]);
    session.press("j j 3 g / ELF Enter");
    let Shown::Hex(hex) = &session.model.tab().shown else { panic!("no bytes") };
    assert_eq!(hex.cursor % 4096, 1, "{:x}", hex.cursor);
    session.press("h v l l l y");
    let copied = session.asked.iter().find_map(|e| match e {
        Effect::Copy(text) => Some(text.clone()),
        _ => None,
    });
    assert_eq!(copied.as_deref(), Some("7f454c46"));
    session.has("e_ident magic = ELF");
    session.press("Esc");
    session.command("goto 1");
    session.has("nothing is mapped at 0x1");
    session.command("goto nosuch");
    session.has("is no register, part of memory or mapped file of process 18");
}

/// Registers, parts of memory and mapped files can be gone to by name, from any view.
#[test]
fn addresses_have_names() {
    let mut session = Session::new((140, 40), &[INCIDENT]);
    session.press("j j 5");
    let checkpoint = libforensic::Checkpoint::open(INCIDENT).unwrap();
    let process = checkpoint.process(18).unwrap();
    let registers = process.threads[0].registers.clone().unwrap();
    let cursor = |session: &Session| match &session.model.tab().shown {
        Shown::Hex(hex) => hex.cursor,
        other => panic!("no bytes: {other:?}"),
    };
    for (typed, address) in [
        ("rsp", registers.get("rsp").unwrap()),
        ("RIP", registers.pc().unwrap()),
        ("sp+10", registers.sp().unwrap() + 0x10),
        ("18:rsp", registers.sp().unwrap()),
    ] {
        session.command(&format!("goto {typed}"));
        assert_eq!(cursor(&session), address, "{typed}");
    }
    for (typed, name) in
        [("heap", "[heap]"), ("vdso", "[vdso]"), ("stack", "[stack]"), ("libc.so.6", "libc.so.6")]
    {
        session.command(&format!("goto {typed}"));
        let Shown::Hex(hex) = &session.model.tab().shown else { panic!("no bytes") };
        let region = &hex.regions[hex.region_at(hex.cursor).unwrap()];
        assert!(region.name.ends_with(name), "{typed}: {}", region.name);
    }
    // The prompt of the bytes completes them.
    session.press("a ri Tab");
    assert_eq!(session.model.prompt.as_ref().unwrap().text, "rip");
    session.press("Enter");
    assert_eq!(cursor(&session), registers.pc().unwrap());
}

/// A memfd can be looked into as a whole, whoever maps it, or nobody.
#[test]
fn memfds_and_shared_memory_are_files_to_look_into() {
    let mut session = Session::new((140, 40), &["../examples/evidence/zoo.tar.zst"]);
    session.command("contents");
    session.command("filter memfd");
    let rows = session.model.tab().sheet().unwrap().cursor.shown.len();
    assert!(rows > 0, "{}", session.screen());
    session.press("Enter");
    let Shown::Hex(hex) = &session.model.tab().shown else { panic!("{}", session.screen()) };
    assert!(hex.byte(0).known().is_some(), "{}", session.screen());
    assert!(hex.provenance(0).is_some_and(|p| p.letter == 'S'), "{}", session.screen());
    session.press("Backspace Space");
    session.press("j Enter");
    assert!(matches!(session.model.tab().shown, Shown::Sheet(_)), "{}", session.screen());
}

#[test]
fn search_in_all_memory_lists_matches_that_lead_to_bytes() {
    let mut session = Session::new((140, 40), &[INCIDENT]);
    session.press("S AKIA Enter");
    session.has("search done:");
    let results = &session.model.tab().results;
    assert!(results.found > 0 && !results.running);
    assert_eq!(results.found, results.sheet.table.rows.len() as u64);
    session.press("Enter");
    let Shown::Hex(hex) = &session.model.tab().shown else { panic!("no bytes") };
    let bytes: Vec<u8> = (0..4).filter_map(|i| hex.byte(hex.cursor + i).known()).collect();
    assert_eq!(bytes, b"AKIA");
    session.press("Backspace");
    session.has("matches of “AKIA”");
    session.command("search -e [");
    session.has("regular expression");
}

/// Pages that a compressed incremental dump leaves to its parent.
#[test]
fn a_parent_answers_for_what_a_compressed_dump_leaves_to_it() {
    const CHILD: &str = "tests/fixtures/chain/chain-2.tar.gz";
    let layers = |parents: Vec<PathBuf>| LayerArgs { parents, rootfs: None };
    let parent = PathBuf::from("tests/fixtures/chain/chain-1.tar.gz");
    for (layers, letter) in [(layers(vec![parent]), 'P'), (layers(Vec::new()), '?')] {
        let mut session = Session::with((140, 40), &[CHILD], layers);
        session.press("j 3");
        session.command("goto data");
        let Shown::Hex(hex) = &session.model.tab().shown else { panic!("{}", session.screen()) };
        let provenance = hex.provenance(hex.cursor).unwrap();
        assert_eq!(provenance.letter, letter, "{}", session.screen());
        assert_eq!(hex.byte(hex.cursor).known().is_some(), letter == 'P');
    }
}

#[test]
fn rows_are_filtered_sorted_and_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("maps.json");
    let mut session = Session::new((140, 40), &[INCIDENT]);
    session.press("j j 2 f libc Enter");
    session.has("filter libc");
    session.command("sort SIZE down");
    session.has("SIZE↓");
    session.command(&format!("export {}", path.display()));
    session.has("wrote 5 rows");
    let rows: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 5);
    assert_eq!(rows[0]["perms"], "r-xp");
    // Nothing is ever overwritten.
    session.command(&format!("export {}", path.display()));
    session.has("maps.json");
    assert!(session.model.said.text.contains("exists"), "{}", session.model.said.text);
}

#[test]
fn bookmarks_are_saved_and_asked_about() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("b.json");
    let mut session = Session::new((140, 40), &[INCIDENT]);
    session.press("j j j 6 b shell Enter q");
    session.has("bookmarks are not saved");
    session.press("n");
    assert!(session.asked.is_empty());
    session.command(&format!("bookmarks {}", path.display()));
    let saved: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(saved["items"][0]["note"], "shell");
    assert_eq!(saved["items"][0]["pid"], 20);
    assert_eq!(saved["items"][0]["view"], "sockets");
    session.press("1 B Enter");
    session.has("sockets of 20 sh");
    session.press("q");
    assert!(matches!(session.asked.last(), Some(Effect::Quit)));
}

#[test]
fn several_archives_are_tabs() {
    let mut session = Session::new((140, 40), &[INCIDENT, SIMPLE]);
    session.has("1 incident.tar.gz");
    session.has("9 processes");
    session.press("}");
    session.has("3 processes");
    session.press("}");
    session.has("9 processes");
    session.press("}");
    session.command("files");
    session.press("{ W");
    // The other stays as it was, the page that it showed included.
    session.has("3 processes");
    session.has("open files of the container");
    session.command("open ../examples/evidence/counter.tar");
    session.has("2 counter.tar");
    session.command("open nowhere.tar");
    session.has("not readable");
    assert!(matches!(session.model.tab().state, State::Failed(_)));
}

/// Keys that were typed before there was anything for them act when there is.
#[test]
fn keys_are_not_lost_while_something_is_on_its_way() {
    // Before the archive is open: the fourth row of the tree, its files, the first one's link.
    let mut session = Session::asleep((140, 40), &[INCIDENT]);
    session.press("j j j 5 Enter");
    assert_eq!(session.model.tab().ahead.len(), 5);
    session.wake();
    session.has("sockets of 20 sh");
    assert!(session.model.tab().ahead.is_empty());
    // While a page is made.
    session.asleep = Some(Vec::new());
    session.press("5 j j Enter");
    session.wake();
    session.has("sockets of 20 sh");
    // A file that is searched for where the prompt is typed ahead, too.
    session.asleep = Some(Vec::new());
    session.press("2 / libc Enter n");
    session.wake();
    session.has("memory map of 20 sh");
    // Esc and q do not wait, and drop what does.
    session.asleep = Some(Vec::new());
    session.press("5 j j Esc");
    assert!(session.model.tab().ahead.is_empty());
    session.press("q");
    assert!(session.asleep.iter().flatten().any(|e| matches!(e, Effect::Quit)));
}

/// While a page is read again the one before takes keys, and nothing that was set up is lost.
#[test]
fn reading_again_keeps_what_was_set_up() {
    let mut session = Session::new((140, 40), &[INCIDENT]);
    session.press("j j 2 f libc Enter O k");
    let row = session.model.here_precisely().row;
    session.asleep = Some(Vec::new());
    session.press("r k");
    let next = session.model.here_precisely().row;
    assert_ne!(row, next, "the key was taken by the page as it was");
    session.wake();
    assert_eq!(session.model.here_precisely().row, next);
    session.has("filter libc");
    session.has("START↓");
    // The same in bytes.
    session.press("3 l l v l");
    session.asleep = Some(Vec::new());
    session.press("r l");
    session.wake();
    let Shown::Hex(hex) = &session.model.tab().shown else { panic!("no bytes") };
    assert_eq!(hex.selection().count(), 3);
    assert_ne!(hex.byte(hex.cursor), super::hex::Byte::Unread);
}

#[test]
fn the_mouse_selects_and_follows() {
    let mut session = Session::new((140, 40), &[INCIDENT]);
    let click = |session: &mut Session, column, row| {
        let kind = MouseEventKind::Down(MouseButton::Left);
        let event = MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
        let effects = update(&mut session.model, Message::Mouse(event));
        session.work(effects);
    };
    click(&mut session, 5, 6);
    session.has("process 20 sh");
    let tabs = super::draw::view_tabs(&session.model, 140);
    let files = tabs.iter().find(|t| t.0 == View::Files).unwrap().1;
    click(&mut session, files + 1, 1);
    session.has("open files of 20 sh");
    // The first click on a row selects it, the second follows it.
    click(&mut session, 60, 5);
    session.has("open files of 20 sh");
    click(&mut session, 60, 5);
    session.has("sockets of 20 sh");
    // Anywhere at all, nothing breaks.
    for column in (0..140).step_by(7) {
        for row in 0..40 {
            click(&mut session, column, row);
            let _ = session.screen();
        }
    }
}

fn candidate(namespace: &str, pod: &str, container: &str, state: &str, age: i64) -> Candidate {
    Candidate {
        namespace: namespace.into(),
        pod: pod.into(),
        container: container.into(),
        node: Some("node-1".into()),
        state: state.into(),
        running: state == "running",
        restarts: Some(0),
        image: Some(format!("registry.example/{container}:1")),
        age: Some(age),
        ..Candidate::default()
    }
}

/// A browser without an archive, whose cluster answered with a list.
fn cluster(size: (u16, u16)) -> Session {
    let mut session = Session::asleep(size, &[SIMPLE]);
    let (model, effects) = Model::new(size, session.model.theme, &[]);
    session.model = model;
    session.asleep = Some(Vec::new());
    let [Effect::List { request, namespace: None, .. }] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    session.has("asking the cluster what runs");
    let listed = |containers, end| Message::Listed { tab: 0, request: *request, containers, end };
    let first = vec![
        candidate("kube-system", "dns-7c5", "dns", "running", 864_000),
        candidate("shop", "web-6d4f-x2x", "app", "running", 7_300),
        Candidate { kind: "init", ..candidate("shop", "web-6d4f-x2x", "setup", "Completed", 7_300) },
    ];
    let second = vec![candidate("shop", "worker-0", "job", "CrashLoopBackOff", 61)];
    update(&mut session.model, listed(first, None));
    update(&mut session.model, listed(second, None));
    let about = "fake · https://127.0.0.1:6443/".to_owned();
    update(&mut session.model, listed(Vec::new(), Some(Ok(Listed { about, note: None }))));
    session
}

fn finding(name: &'static str, state: &'static str, detail: &str, remedy: Option<&str>) -> Finding {
    let subject = "shop/web-6d4f-x2x/app".to_owned();
    Finding { name, state, subject, detail: detail.into(), remedy: remedy.map(Into::into) }
}

impl Session {
    /// The work that was asked for since the last time.
    fn asked_for(&mut self) -> Vec<Effect> {
        self.asleep.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Answers the examination that was asked for.
    fn examined(&mut self, findings: Vec<Finding>) {
        let asked = self.asked_for();
        let Some(Effect::Examine { tab, request, chosen, .. }) = asked.into_iter().next() else {
            panic!("no examination");
        };
        update(&mut self.model, Message::Examined { tab, request, chosen, findings: Ok(findings) });
    }

    fn told(&mut self, capture: u64, told: Told) {
        update(&mut self.model, Message::Told { tab: 0, capture, told });
    }
}

/// The way from the list to the end of a capture, at two sizes.
#[test]
fn the_views_of_a_cluster_look_as_committed() {
    let mut wrong = Vec::new();
    for (width, height) in [(80, 24), (140, 40)] {
        let mut check = |name: &str, session: &Session| {
            let path = PathBuf::from(format!("src/tui/screens/{name}-{width}x{height}.txt"));
            wrong.extend(compare(&path, &session.screen()).err());
        };
        let mut session = cluster((width, height));
        check("containers", &session);
        session.press("j Enter");
        session.examined(vec![
            finding("rights", "ok", "to ask the kubelet for the checkpoint", None),
            finding(
                "node.disk",
                "warning",
                "1.0 GiB free; the container uses 700.0 MiB of memory",
                Some("make room on node node-1 first: a full disk hurts everything that runs there"),
            ),
            finding("kubelet.endpoint", "ok", "the kubelet serves checkpoints", None),
        ]);
        check("preflight", &session);
        session.press("c Enter");
        let asked = session.asked_for();
        let Some(Effect::Capture { capture, chosen, dest: None, .. }) = asked.first() else {
            panic!("{asked:?}");
        };
        assert_eq!(chosen.container, "app");
        let capture = *capture;
        session.told(capture, Told::Step("checking rights".into()));
        session.told(capture, Told::Step("freezing web-6d4f-x2x/app on node node-1".into()));
        session.told(capture, Told::Warning("the liveness probe kills the container after 30 s".into()));
        session.told(capture, Told::Done("frozen in 0.2 s; archive on node node-1".into()));
        session.told(capture, Told::Step("downloading 300.0 MiB".into()));
        session.told(capture, Told::Expect(Some(300 << 20)));
        session.told(capture, Told::At(123 << 20));
        update(&mut session.model, Message::Ticked { tab: 0, capture, seconds: 7 });
        check("capture", &session);
        session.press("Esc");
        session.has("cleaning up; Esc again leaves that, too");
        session.told(capture, Told::Note("the archive stays on node node-1 at /x.tar".into()));
        let outcome = Outcome::Stopped;
        update(&mut session.model, Message::Captured { tab: 0, capture, outcome });
        check("capture-ended", &session);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn containers_are_narrowed_down_and_listed_anew() {
    let mut session = cluster((140, 40));
    // By namespace in the tree, by text, by age.
    session.press("Tab j j");
    session.has("containers in namespace shop");
    assert!(!session.screen().contains("dns-7c5"));
    session.press("k k Tab f crash Enter");
    session.has("worker-0");
    assert!(!session.screen().contains("dns-7c5"));
    session.press("Esc");
    session.command("sort AGE down");
    session.press("g");
    assert_eq!(session.model.here_precisely().row.as_deref(), Some("kube-system/dns-7c5/dns"));
    // Anew: the list stays until there is another, and so do order and row.
    session.asked_for();
    session.press("r");
    session.has("dns-7c5");
    let asked = session.asked_for();
    let Some(Effect::List { request, .. }) = asked.first() else { panic!("{asked:?}") };
    let containers = vec![
        candidate("shop", "web-2", "app", "running", 1),
        candidate("kube-system", "dns-7c5", "dns", "running", 864_001),
    ];
    update(&mut session.model, Message::Listed { tab: 0, request: *request, containers, end: None });
    session.has("web-2");
    session.has("AGE↓");
    assert!(!session.screen().contains("worker-0"));
    assert_eq!(session.model.here_precisely().row.as_deref(), Some("kube-system/dns-7c5/dns"));
    session.command("namespace other");
    let asked = session.asked_for();
    assert!(
        asked.iter().any(|e| matches!(e, Effect::List { namespace: Some(n), .. } if n == "other")),
        "{asked:?}"
    );
}

#[test]
fn nothing_is_captured_by_mistake_or_twice() {
    let mut session = cluster((140, 40));
    // The first c shows whether it would work; what is typed ahead freezes nothing.
    session.press("j c c Enter");
    session.has("it is not known yet");
    session.examined(vec![finding("node.disk", "failed", "no room", None)]);
    session.has("1 check failed");
    assert!(session.model.prompt.is_none());
    session.press("Esc c Esc");
    assert!(session.asked_for().iter().all(|e| !matches!(e, Effect::Capture { .. })));
    session.press("c");
    "out.tar".chars().for_each(|c| session.key(KeyCode::Char(c), KeyModifiers::NONE));
    session.press("Enter");
    let asked = session.asked_for();
    let Some(Effect::Capture { capture, dest, cancel, .. }) = asked.first() else { panic!("{asked:?}") };
    assert_eq!(dest.as_deref(), Some(Path::new("out.tar")));
    session.press("1 k c");
    session.has("one after the other");
    session.press("W");
    assert_eq!(session.model.tabs.len(), 1);
    // What an archive has there is not here.
    session.press("S b");
    assert!(session.model.prompt.is_none());
    session.command("goto 1000");
    session.has("there is no archive in this tab");
    // To quit is to cancel, to clean up and then to end.
    session.press("q n q y");
    assert!(cancel.is_stopped());
    assert!(!session.asked_for().iter().any(|e| matches!(e, Effect::Quit)));
    let outcome = Outcome::Failed("no".into());
    let ended = update(&mut session.model, Message::Captured { tab: 0, capture: *capture, outcome });
    assert!(matches!(ended.as_slice(), [Effect::Quit]), "{ended:?}");
}

/// Names in a cluster are as hostile as those in an archive.
#[test]
fn hostile_names_of_a_cluster_stay_text() {
    let evil = "\x1b]0;owned\x07\u{9b}2J\u{202e}\r\n";
    let mut session = cluster((140, 40));
    let tab = session.model.tab();
    let request = tab.cluster.as_ref().unwrap().request;
    let containers = vec![Candidate {
        image: Some(evil.into()),
        node: Some(evil.into()),
        ..candidate(evil, evil, evil, evil, 1)
    }];
    update(&mut session.model, Message::Listed { tab: 0, request, containers, end: None });
    let about = evil.to_owned();
    let end = Some(Ok(Listed { about, note: Some(evil.into()) }));
    update(&mut session.model, Message::Listed { tab: 0, request, containers: Vec::new(), end });
    let clean = |session: &Session| {
        let screen = session.screen();
        assert!(screen.chars().all(|c| c == '\n' || !(c.is_control() || c == '\u{202e}')), "{screen:?}");
    };
    clean(&session);
    session.press("G y Enter");
    for effect in session.asked_for() {
        if let Effect::Copy(text) = effect {
            assert!(text.chars().all(|c| !c.is_control()), "{text:?}");
        }
    }
    session.model.show(Place::choice(
        View::Preflight,
        Chosen { namespace: evil.into(), pod: evil.into(), container: evil.into() },
    ));
    let request = session.model.tab().request;
    let chosen = session.model.tab().place.chosen.as_deref().cloned().unwrap();
    let findings = Ok(vec![Finding { subject: evil.into(), ..finding("x", "failed", evil, Some(evil)) }]);
    update(&mut session.model, Message::Examined { tab: 0, request, chosen, findings });
    clean(&session);
    session.press("c Enter");
    let asked = session.asked_for();
    let capture = asked
        .iter()
        .find_map(|e| if let Effect::Capture { capture, .. } = e { Some(*capture) } else { None })
        .unwrap();
    session.told(capture, Told::Note(evil.into()));
    session.told(capture, Told::Step(evil.into()));
    clean(&session);
    let outcome = Outcome::Failed(evil.into());
    update(&mut session.model, Message::Captured { tab: 0, capture, outcome });
    clean(&session);
}

/// Any size, any key: nothing panics, and the screen has nothing a terminal acts on.
#[test]
fn no_size_and_no_key_breaks_it() {
    let mut session = Session::new((80, 24), &[SIMPLE]);
    let mut seed = 7_u64;
    let mut random = |n: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % n
    };
    let sizes = [(80, 24), (140, 40), (40, 8), (1, 1), (0, 0), (39, 100), (400, 9), (81, 12)];
    for round in 0..1500 {
        if round % 37 == 0 {
            let (width, height) = sizes[usize::try_from(random(8)).unwrap()];
            let effects = update(&mut session.model, Message::Resize(width, height));
            session.work(effects);
        }
        let code = match random(14) {
            0 => KeyCode::Enter,
            1 => KeyCode::Tab,
            2 => KeyCode::PageDown,
            3 => KeyCode::Esc,
            4 => KeyCode::Backspace,
            5 => KeyCode::End,
            // What writes files, leaves or opens is tested elsewhere.
            _ => match char::from(u8::try_from(0x20 + random(0x5f)).unwrap()) {
                ':' | 'e' | 'q' | 'S' => KeyCode::Down,
                c => KeyCode::Char(c),
            },
        };
        session.key(code, KeyModifiers::NONE);
        let screen = session.screen();
        assert!(screen.chars().all(|c| c == '\n' || !c.is_control()), "{screen:?}");
    }
}

/// A terminal that has shrunk already when a frame of the size before is drawn.
#[test]
fn a_screen_smaller_than_thought_is_left_alone() {
    let session = Session::new((140, 40), &[SIMPLE]);
    for (width, height) in [(80, 24), (140, 39), (139, 40), (1, 1), (0, 0)] {
        let area = ratatui::layout::Rect::new(0, 0, width, height);
        super::draw::draw(&session.model, &mut ratatui::buffer::Buffer::empty(area));
    }
}

/// What evidence says, whatever it says, is text on the screen.
#[test]
fn hostile_text_stays_text() {
    let mut session = Session::new((80, 24), &[SIMPLE]);
    let request = session.model.tab().request;
    let mut table = Table::new("\x1b]0;owned\x07", &[col("A"), col("B")]);
    // A loader that forgot to escape.
    table.push(Row::new(vec![Cell::new("a\x1b[2J\u{202e}b"), Cell::new("\u{9b}31m\r\nx\u{200b}")]));
    let content = Ok(Box::new(Content::Table(table)));
    let effects = update(&mut session.model, Message::Loaded { tab: 0, request, content });
    session.work(effects);
    session.model.complain("\x1b[31mred");
    let screen = session.screen();
    for c in ['\x1b', '\u{202e}', '\u{9b}', '\r', '\u{200b}', '\x07'] {
        assert!(!screen.contains(c), "{c:?} is on the screen");
    }
}

/// A screen by name, and how one gets there.
type Scene<'s> = (&'static str, &'s dyn Fn(&mut Session));

/// The screens in the documentation are what the browser shows.
#[test]
fn the_documentation_shows_real_screens() {
    let mut text = std::fs::read_to_string("../docs/tui.md").unwrap();
    let scenes: [Scene; 5] = [
        ("overview", &|s| s.press("j j j")),
        ("memory", &|s| {
            s.press("j j j j j j 2 f rwx Enter Esc");
            s.command("filter");
        }),
        ("hex", &|s| s.press("j j 3")),
        ("graph", &|s| s.command("graph")),
        ("search", &|s| s.press("S AKIA Enter")),
    ];
    let before = text.clone();
    let mut screens: Vec<(&str, String)> = Vec::new();
    for (name, scene) in scenes {
        let mut session = Session::new((116, 28), &[INCIDENT]);
        scene(&mut session);
        screens.push((name, session.screen()));
    }
    // The same of a cluster, without the empty rows.
    let mut session = cluster((116, 12));
    session.press("j");
    screens.push(("containers", session.screen()));
    session.press("Enter");
    session.examined(vec![
        finding("rights", "ok", "to ask the kubelet for the checkpoint", None),
        finding("node.disk", "ok", "40.2 GiB free; the container uses 212.0 MiB of memory", None),
        finding(
            "container.liveness",
            "warning",
            "the liveness probe kills the container after 3 s of silence; writing 212.0 MiB may take 4 s",
            Some("the checkpoint is whole by then, but the container may be restarted"),
        ),
        finding("collector.admitted", "ok", "the collector pod would be let in", None),
    ]);
    screens.push(("preflight", session.screen()));
    for (name, screen) in screens {
        let start = format!("<!-- screen: {name} -->\n```text\n");
        let at = text.find(&start).unwrap_or_else(|| panic!("no {name} in docs/tui.md")) + start.len();
        let end = at + text[at..].find("```").unwrap();
        text.replace_range(at..end, &screen);
    }
    if std::env::var_os("REGENERATE").is_some_and(|v| !v.is_empty()) {
        std::fs::write("../docs/tui.md", text).unwrap();
    } else {
        assert!(text == before, "docs/tui.md shows old screens (REGENERATE=1 writes them)");
    }
}

/// Evidence in which names, arguments and variables are what a terminal would act on.
#[test]
fn no_screen_and_no_export_carries_anything_live() {
    let directory = tempfile::tempdir().unwrap();
    let whole = std::fs::read(SIMPLE).unwrap();
    let texts: [&[u8]; 6] = [
        b"\x1b]0;t\x07\x1b[2J",
        b"a\r\nb\x9b31m",
        "\u{9b}31m\u{202e}gpj".as_bytes(),
        "\u{200b}\u{2028}=x".as_bytes(),
        b"\xff\xfe\x80\x00",
        b"=cmd();+1",
    ];
    for (number, text) in texts.iter().enumerate() {
        let mut bytes = whole.clone();
        // Contents only: a header would no longer fit its checksum.
        for known in [&b"/bin/busybox"[..], b"hunter2", b"/root/rw.txt", b"/dev/null", b"SECRET="] {
            let forged: Vec<u8> = text.iter().copied().cycle().take(known.len()).collect();
            let places: Vec<_> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(known)).collect();
            for at in places.into_iter().filter(|at| at % 512 != 0) {
                bytes[at..at + known.len()].copy_from_slice(&forged);
            }
        }
        let path = directory.path().join(format!("{number}.tar"));
        std::fs::write(&path, bytes).unwrap();
        let is_live = |text: &str| text.chars().find(|c| *c != '\n' && !is_shown(*c));
        for info in VIEWS {
            let mut session = Session::new((140, 40), &[path.to_str().unwrap()]);
            session.press("j Tab");
            session.command(info.name);
            assert_eq!(is_live(&session.screen()), None, "{}, text {number}", info.name);
            for kind in ["csv", "json", "txt"] {
                let file = directory.path().join(format!("{}-{number}.{kind}", info.name));
                session.command(&format!("export {}", file.display()));
                let Ok(text) = std::fs::read_to_string(&file) else { continue };
                assert_eq!(is_live(&text), None, "{}", file.display());
                if kind == "csv" {
                    for cell in text.lines().flat_map(|line| line.split([',', ';', '"'])) {
                        let guarded =
                            !cell.trim_start().starts_with(['=', '@', '＝', '＠']) || cell.len() < 2;
                        assert!(
                            guarded || text.contains(&format!("\"'{cell}")) || cell.starts_with("='"),
                            "{cell:?} in {}",
                            file.display()
                        );
                    }
                }
            }
        }
    }
}

/// The drawing of lines and bars is the browser's own.
fn is_shown(c: char) -> bool {
    crate::output::is_harmless(c) || matches!(c, '\u{2500}'..='\u{259f}')
}
