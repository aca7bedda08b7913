//! The browser in a real pseudo-terminal: a session from the first screen to the last.
#![cfg(unix)]

mod support;

use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use support::{Fake, Fault, LOCAL, Life, Scenario};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

const INCIDENT: &str = "../examples/evidence/incident.tar.gz";
const ROWS: usize = 40;
const COLUMNS: usize = 140;

/// The program in a terminal, and everything it wrote.
struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    output: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    fn open(args: &[&str]) -> Self {
        Self::open_in(&std::env::current_dir().unwrap(), &[], args)
    }

    /// With a cluster to ask.
    fn open_at(fake: &Fake, args: &[&str]) -> Self {
        // Writes the kubeconfig.
        drop(fake.command(&[]));
        let kubeconfig = fake.kubeconfig();
        Self::open_in(&fake.home(), &[("KUBECONFIG", kubeconfig.to_str().unwrap())], args)
    }

    fn open_in(directory: &Path, environment: &[(&str, &str)], args: &[&str]) -> Self {
        let (rows, cols) = (u16::try_from(ROWS).unwrap(), u16::try_from(COLUMNS).unwrap());
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_kubectl-checkpoint"));
        command.arg("tui");
        command.args(args);
        command.env("TERM", "xterm-256color");
        command.env_remove("NO_COLOR");
        command.cwd(directory);
        for (name, value) in environment {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let output = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&output);
        std::thread::spawn(move || {
            let mut buf = [0; 4096];
            while let Ok(n @ 1..) = reader.read(&mut buf) {
                written.lock().unwrap().extend_from_slice(&buf[..n]);
            }
        });
        Self { child, master: pair.master, keys, output }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// What stands on the screen: a terminal that knows positions, clearing and text.
    fn text(&self) -> String {
        let output = self.output.lock().unwrap().clone();
        let text = String::from_utf8_lossy(&output).into_owned();
        let mut screen = vec![vec![' '; COLUMNS]; ROWS];
        let (mut row, mut column) = (0, 0);
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            if c != '\x1b' {
                if let Some(cell) = screen.get_mut(row).and_then(|r: &mut Vec<char>| r.get_mut(column)) {
                    *cell = c;
                }
                column += 1;
                continue;
            }
            match chars.next() {
                Some('[') => {
                    let mut arguments = String::new();
                    let end = chars.by_ref().find(|c| {
                        let last = ('@'..='~').contains(c);
                        if !last {
                            arguments.push(*c);
                        }
                        last
                    });
                    let mut numbers = arguments.split(';').map(|n| n.parse::<usize>().unwrap_or(1));
                    match end {
                        Some('H') => {
                            row = numbers.next().unwrap_or(1) - 1;
                            column = numbers.next().unwrap_or(1) - 1;
                        }
                        Some('J') => screen = vec![vec![' '; COLUMNS]; ROWS],
                        _ => {}
                    }
                }
                Some(']') => {
                    chars.by_ref().find(|c| *c == '\x07');
                }
                _ => {}
            }
        }
        let lines: Vec<String> = screen.into_iter().map(|r| r.into_iter().collect()).collect();
        lines.join("\n")
    }

    /// Makes sure that nothing was sent but text, moves, colours, modes, and text for the clipboard.
    fn assert_harmless(&self) {
        let output = self.output.lock().unwrap().clone();
        let text = String::from_utf8_lossy(&output).into_owned();
        for (at, _) in text.match_indices('\x1b') {
            let rest: String = text[at + 1..].chars().take(24).collect();
            let sequence = rest.strip_prefix('[').map(|r| {
                let end = r.find(|c: char| ('@'..='~').contains(&c)).unwrap_or(0);
                r.chars().nth(end).unwrap_or(' ')
            });
            let known = sequence.is_some_and(|c| "HJKmhl".contains(c)) || rest.starts_with("]52;c;");
            assert!(known, "{rest:?} was sent");
        }
        let other = |c: char| c.is_control() && !matches!(c, '\x1b' | '\x07' | '\r' | '\n');
        assert!(!text.contains(other), "control characters were sent");
        assert_eq!(text.matches('\x07').count(), text.matches("]52;c;").count(), "a bell was rung");
    }

    /// Waits until text stands on the screen.
    fn wait_for(&self, text: &str) {
        let start = Instant::now();
        while !self.text().contains(text) {
            assert!(start.elapsed() < Duration::from_secs(60), "no {text:?} in:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until all of the archive is there: what was shown before is read anew then.
    fn wait_until_open(&self) {
        let start = Instant::now();
        loop {
            let text = self.text();
            if text.contains("where to go from here") && !text.contains("not all is here yet") {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "it does not open:\n{text}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for the end; returns the exit code.
    fn end(&mut self) -> u32 {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(start.elapsed() < Duration::from_secs(60), "it does not end:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether the terminal was left as it was found.
    fn assert_restored(&self) {
        let start = Instant::now();
        loop {
            let output = self.output.lock().unwrap().clone();
            let text = String::from_utf8_lossy(&output).into_owned();
            let left = text.rfind("\x1b[?1049l");
            if left.is_some() && left > text.rfind("\x1b[?1049h") {
                assert!(text.contains("\x1b[?25h"), "the cursor stays hidden");
                assert!(text.contains("\x1b[?1000l"), "the mouse stays captured");
                break;
            }
            assert!(start.elapsed() < Duration::from_secs(10), "the other screen was not left");
            std::thread::sleep(Duration::from_millis(20));
        }
        // Raw mode has no echo: a terminal that was given back has it.
        #[cfg(target_os = "linux")]
        {
            let termios = self.master.get_termios().unwrap();
            let shown = format!("{termios:?}");
            assert!(shown.contains("ECHO"), "still in raw mode: {shown}");
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

#[test]
fn a_session_from_the_first_screen_to_the_last() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("matches.csv");
    let mut terminal = Terminal::open(&[INCIDENT]);
    terminal.wait_until_open();
    terminal.wait_for("9 processes");
    // To the shell, its files, its socket, and back.
    terminal.press("jjj");
    terminal.wait_for("process 20 sh");
    terminal.press("5");
    terminal.wait_for("open files of 20");
    terminal.press("\r");
    terminal.wait_for("127.0.0.1:54992");
    terminal.press("\x7f");
    // A search in everything, and its results in a file.
    terminal.press("SAKIAIOSFODNN7\r");
    terminal.wait_for("search done: 11 matches");
    terminal.press(&format!(":export {}\r", path.display()));
    terminal.wait_for("wrote 11 rows");
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
    terminal.assert_restored();
    terminal.assert_harmless();
    let csv = std::fs::read_to_string(&path).unwrap();
    assert_eq!(csv.lines().next(), Some("pid,address,perms,where,text"));
    assert_eq!(csv.lines().filter(|l| l.contains("AKIAIOSFODNN7EXAMPLE")).count(), 11);
}

#[test]
fn a_signal_gives_the_terminal_back() {
    for (signal, code) in [("-TERM", 128 + 15), ("-HUP", 128 + 1), ("-INT", 128 + 2)] {
        let mut terminal = Terminal::open(&[INCIDENT]);
        terminal.wait_for("9 processes");
        let pid = terminal.child.process_id().unwrap().to_string();
        let status = std::process::Command::new("kill").args([signal, &pid]).status().unwrap();
        assert!(status.success());
        assert_eq!(terminal.end(), code);
        terminal.assert_restored();
    }
}

#[test]
fn a_terminal_that_changes_its_size_is_drawn_anew() {
    let mut terminal = Terminal::open(&[INCIDENT]);
    terminal.wait_until_open();
    let (rows, cols) = (24, 80);
    terminal.master.resize(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }).unwrap();
    // The line of hints is the last one of the new size.
    let start = Instant::now();
    while !terminal.text().lines().nth(23).is_some_and(|l| l.contains("Enter open")) {
        assert!(start.elapsed() < Duration::from_secs(30), "{}", terminal.text());
        std::thread::sleep(Duration::from_millis(20));
    }
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn copied_text_goes_to_the_terminal_encoded() {
    let mut terminal = Terminal::open(&[INCIDENT]);
    terminal.wait_until_open();
    terminal.press("\tGy");
    terminal.wait_for("copied the row");
    let output = terminal.output.lock().unwrap().clone();
    assert!(String::from_utf8_lossy(&output).contains("\x1b]52;c;"));
    terminal.press("\x03");
    assert_eq!(terminal.end(), 0);
    terminal.assert_harmless();
}

/// Names that a cluster gives are text, wherever they end up.
#[test]
fn nothing_from_a_cluster_reaches_the_terminal_unescaped() {
    let evil = "web\x1b]0;owned\x07\x1b[2J\u{9b}31m";
    let fake = Fake::start(Scenario { replicas: vec!["web", evil], ..evidence() });
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pods.csv");
    let mut terminal = Terminal::open_at(&fake, &[]);
    terminal.wait_for("1/2");
    terminal.press("Gy");
    terminal.wait_for("copied the row");
    terminal.press("\r");
    terminal.wait_for("is not the name of a pod");
    terminal.press("c");
    terminal.press(&format!("1:export {}\r", path.display()));
    terminal.wait_for("wrote 2 rows");
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
    terminal.assert_harmless();
    assert_eq!(fake.posts(), 0);
    let csv = std::fs::read_to_string(&path).unwrap();
    assert!(csv.chars().all(|c| c == '\n' || !c.is_control()), "{csv:?}");
}

/// A scenario whose archives can be looked into.
fn evidence() -> Scenario {
    Scenario { content: std::fs::read(INCIDENT).unwrap(), ..Scenario::default() }
}

#[test]
fn a_container_is_captured_and_looked_into() {
    let fake = Fake::start(evidence());
    let mut terminal = Terminal::open_at(&fake, &[]);
    terminal.wait_for("1 namespace ");
    terminal.wait_for("web");
    terminal.press("\r");
    terminal.wait_for("nothing speaks against it");
    assert_eq!(fake.posts(), 0, "nothing is touched before one says so");
    terminal.press("c");
    terminal.wait_for("freeze it, and write the archive to");
    terminal.press("\r");
    // Straight into the evidence, in a tab of its own.
    terminal.wait_for("captured shop/web/app");
    terminal.wait_for("9 processes");
    assert_eq!((fake.posts(), fake.pods_left().len()), (1, 0));
    terminal.press("{");
    terminal.wait_for("the archive is here, whole and verified");
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
    terminal.assert_restored();
    let beside = |suffix: &str| format!("{LOCAL}{suffix}");
    assert_eq!(fake.files(), [beside(""), beside(".context.json"), beside(".evidence.json")]);
    assert_eq!(fake.read(LOCAL), std::fs::read(INCIDENT).unwrap());
    assert_eq!(fake.record(&format!("{LOCAL}.evidence.json"))[0]["outcome"], "verified");
}

#[test]
fn a_capture_that_is_cancelled_is_cleaned_up() {
    for key in ["\x1b", "\x03"] {
        let streams = vec![Fault::Stall(100_000)];
        let fake = Fake::start(Scenario { streams, ..evidence() });
        let mut terminal = Terminal::open_at(&fake, &["--namespace", "shop"]);
        terminal.wait_for("1 namespace ");
        terminal.press("c");
        terminal.wait_for("nothing speaks against it");
        terminal.press("c\r");
        terminal.wait_for("downloading");
        terminal.press(key);
        terminal.wait_for("the capture was cancelled");
        terminal.wait_for("the archive stays on node node-1");
        terminal.wait_for("no collector pod is left");
        assert!(fake.pods_left().is_empty());
        assert!(!fake.files().contains(&LOCAL.to_owned()));
        terminal.press("q");
        assert_eq!(terminal.end(), 0);
        terminal.assert_restored();
        let record = fake.record(&format!("{LOCAL}.evidence.json"));
        assert_eq!(record[0]["outcome"], "incomplete");
        assert_eq!(record[0]["problem"], "interrupted by the user");
    }
}

#[test]
fn no_way_out_of_the_browser_leaves_a_pod_behind() {
    for way in ["TERM", "HUP", "qy"] {
        let fake = Fake::start(Scenario { life: Life::Pending, ..evidence() });
        let mut terminal = Terminal::open_at(&fake, &[]);
        terminal.wait_for("1 namespace ");
        terminal.press("c");
        terminal.wait_for("nothing speaks against it");
        terminal.press("c\r");
        terminal.wait_for("starting the collector pod");
        if way == "qy" {
            terminal.press("q");
            terminal.wait_for("cancel it and quit?");
            terminal.press("y");
            assert_eq!(terminal.end(), 0);
        } else {
            let pid = terminal.child.process_id().unwrap().to_string();
            let status = std::process::Command::new("kill").args([&format!("-{way}"), &pid]).status();
            assert!(status.unwrap().success());
            assert_eq!(terminal.end(), if way == "TERM" { 128 + 15 } else { 128 + 1 });
            let output = terminal.output.lock().unwrap().clone();
            let said = String::from_utf8_lossy(&output).into_owned();
            assert!(said.contains("the archive stays on node node-1"), "{way}: {said}");
        }
        terminal.assert_restored();
        assert!(fake.pods_left().is_empty(), "{way}");
        let record = fake.record(&format!("{LOCAL}.evidence.json"));
        assert_eq!(record[0]["outcome"], "incomplete");
    }
}

/// What may be listed in one namespace only is; what cannot be captured says why.
#[test]
fn missing_rights_are_said_in_the_browser() {
    let denied = vec!["list pods in all namespaces", "create nodes/proxy"];
    let fake = Fake::start(Scenario { denied, ..evidence() });
    let mut terminal = Terminal::open_at(&fake, &[]);
    terminal.wait_for("only namespace shop");
    terminal.press("\r");
    terminal.wait_for("1 check failed");
    terminal.wait_for("kind: ClusterRole");
    terminal.press("c\r");
    terminal.wait_for("rights are missing to capture");
    assert_eq!(fake.posts(), 0);
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn without_archive_and_cluster_it_says_so_in_the_shell() {
    let directory = tempfile::tempdir().unwrap();
    let nowhere = directory.path().to_str().unwrap();
    let environment = [("KUBECONFIG", ""), ("HOME", nowhere)];
    let mut terminal = Terminal::open_in(directory.path(), &environment, &[]);
    assert_eq!(terminal.end(), 2);
    let output = terminal.output.lock().unwrap().clone();
    let said = String::from_utf8_lossy(&output).into_owned();
    assert!(said.contains("name an archive, or have a cluster to list"), "{said}");
    assert!(!said.contains("\x1b[?1049h"), "{said}");
}

#[test]
fn without_a_terminal_it_says_so() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_kubectl-checkpoint"))
        .args(["tui", INCIDENT])
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("needs a terminal"));
    assert!(Path::new(INCIDENT).exists());
}
