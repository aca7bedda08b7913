//! The terminal: taking it, giving it back whatever happens.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{cursor, execute};

/// Whether the terminal is ours.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// A terminal in raw mode, on its other screen, until it is dropped.
pub(crate) struct Screen {
    pub terminal: Terminal<CrosstermBackend<io::BufWriter<io::Stdout>>>,
    mouse: bool,
}

impl Screen {
    pub(crate) fn take(mouse: bool) -> io::Result<Self> {
        restore_on_panic();
        enter(mouse)?;
        let backend = CrosstermBackend::new(io::BufWriter::with_capacity(1 << 16, io::stdout()));
        match Terminal::new(backend) {
            Ok(terminal) => Ok(Self { terminal, mouse }),
            Err(e) => {
                leave();
                Err(e)
            }
        }
    }

    /// Puts text on the clipboard of whatever shows the terminal, also through ssh and tmux.
    pub(crate) fn copy(&mut self, text: &str) -> io::Result<()> {
        let encoded = base64::engine::general_purpose::STANDARD.encode(text);
        let out = self.terminal.backend_mut();
        write!(out, "\x1b]52;c;{encoded}\x07")?;
        Write::flush(out)
    }

    /// Gives the terminal to the shell until `fg`.
    #[cfg(unix)]
    pub(crate) fn suspend(&mut self) -> io::Result<()> {
        leave();
        signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)?;
        enter(self.mouse)?;
        self.terminal.clear()
    }

    #[cfg(not(unix))]
    pub(crate) fn suspend(&mut self) -> io::Result<()> {
        let _ = self.mouse;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave();
    }
}

fn enter(mouse: bool) -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    let mut out = io::stdout();
    execute!(out, EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)?;
    if mouse {
        execute!(out, EnableMouseCapture)?;
    }
    Ok(())
}

/// Gives the terminal back, once.
pub(crate) fn leave() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let mut out = io::stdout();
        // What fails here fails because the terminal is gone.
        let _ = execute!(out, DisableMouseCapture, DisableBracketedPaste, LeaveAlternateScreen, cursor::Show);
        let _ = disable_raw_mode();
    }
}

/// Gives the terminal back before a panic is reported on it.
fn restore_on_panic() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let report = std::panic::take_hook();
        let owner = std::thread::current().id();
        std::panic::set_hook(Box::new(move |info| {
            // A panic in another thread ends that piece of work only, and is told in the status line.
            if std::thread::current().id() == owner {
                leave();
                report(info);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use portable_pty::{CommandBuilder, PtySize, native_pty_system};

    use super::*;

    /// Not a test by itself: the one below runs it in a terminal.
    #[test]
    #[ignore = "panics, in a terminal of its own"]
    fn takes_the_terminal_and_panics() {
        let _screen = Screen::take(true).unwrap();
        panic!("on purpose");
    }

    #[test]
    fn a_panic_gives_the_terminal_back_before_it_is_told() {
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
        let name = "tui::terminal::tests::takes_the_terminal_and_panics";
        command.args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"]);
        command.cwd(std::env::current_dir().unwrap());
        let mut child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let mut output = Vec::new();
        let mut buf = [0; 4096];
        // The end of a terminal is an error.
        while let Ok(n @ 1..) = reader.read(&mut buf) {
            output.extend_from_slice(&buf[..n]);
        }
        assert!(!child.wait().unwrap().success());
        let text = String::from_utf8_lossy(&output).into_owned();
        let taken = text.find("\x1b[?1049h").unwrap_or_else(|| panic!("not taken: {text:?}"));
        let left = text.find("\x1b[?1049l").unwrap_or_else(|| panic!("not left: {text:?}"));
        let told = text.find("on purpose").unwrap_or_else(|| panic!("not told: {text:?}"));
        assert!(taken < left && left < told, "{text:?}");
        assert!(text.contains("\x1b[?25h") && text.contains("\x1b[?1000l"), "{text:?}");
        // What comes after the screen was left is written in a cooked terminal: lines end as they should.
        assert!(text[told..].contains("\r\n"), "{text:?}");
    }
}
