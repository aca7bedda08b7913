//! The browser as a whole on the sample evidence, without a terminal.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::message::{Content, Effect, Message};
use super::model::{Model, Shown, State};
use super::place::{VIEWS, View};
use super::table::{Cell, Row, Table, col};
use super::theme::{Colors, Theme};
use super::update::update;
use super::worker::Worker;

const INCIDENT: &str = "../examples/evidence/incident.tar.gz";
const SIMPLE: &str = "../examples/evidence/simple.tar";

/// A browser whose work is done at once, in the order in which it is asked for.
struct Session {
    model: Model,
    worker: Worker,
    messages: Receiver<Message>,
    /// What only a terminal can do.
    asked: Vec<Effect>,
}

impl Session {
    fn new(size: (u16, u16), archives: &[&str]) -> Self {
        let (sender, messages) = channel();
        let worker = Worker::new(sender, &[]);
        let paths: Vec<PathBuf> = archives.iter().map(PathBuf::from).collect();
        let theme = Theme { colors: Colors::True, light: false };
        let (model, effects) = Model::new(size, theme, &paths);
        let mut session = Self { model, worker, messages, asked: Vec::new() };
        session.work(effects);
        session
    }

    fn work(&mut self, effects: Vec<Effect>) {
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
    session.press("W");
    session.has("3 processes");
    session.command("open ../examples/evidence/counter.tar");
    session.has("2 counter.tar");
    session.command("open nowhere.tar");
    session.has("not readable");
    assert!(matches!(session.model.tab().state, State::Failed(_)));
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
    for (name, scene) in scenes {
        let mut session = Session::new((116, 28), &[INCIDENT]);
        scene(&mut session);
        let start = format!("<!-- screen: {name} -->\n```text\n");
        let at = text.find(&start).unwrap_or_else(|| panic!("no {name} in docs/tui.md")) + start.len();
        let end = at + text[at..].find("```").unwrap();
        text.replace_range(at..end, &session.screen());
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
