//! The browser: walking through a frozen container.
//!
//! A [`Model`] is everything the screen shows; [`update`](update::update)
//! changes it by one message and names the work to be done; [`draw`] draws it.
//! Both are pure. Work runs on threads (see [`worker`]) and reports in
//! messages; the screen is drawn after messages only.

mod bookmark;
mod cluster;
mod draw;
mod hex;
mod keys;
mod layout;
mod load;
mod message;
mod model;
mod place;
mod prompt;
mod table;
mod terminal;
mod theme;
mod tree;
mod update;
mod worker;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use ratatui::crossterm::event::{self, Event};

use crate::cluster::Told;
use crate::cluster::live::{self, Access};
use crate::evidence::memory::LayerArgs;
use crate::output::{Color, escape};
use message::{Effect, Message};
use model::Model;
use terminal::Screen;
use theme::{Background, Theme};
use worker::Worker;

#[derive(Debug, Args)]
#[command(
    after_help = "Keys: arrows or hjkl, Tab for the other pane, Enter to follow, / to find, S to search all \
                  memory, : for commands, ? for all keys, q to quit.\n\n\
                  NO_COLOR is honoured; COLORTERM and TERM say how many colours there are."
)]
pub(crate) struct TuiArgs {
    /// Archives to look into, one tab each; without any the containers of the cluster are listed, to capture one
    #[arg(value_name = "ARCHIVE")]
    archives: Vec<OsString>,
    #[command(flatten)]
    layers: LayerArgs,
    /// Leaves the mouse to the terminal
    #[arg(long)]
    no_mouse: bool,
    /// When to use colour
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    color: Color,
    /// What colours must be legible on
    #[arg(long, value_enum, default_value_t = Background::Auto, value_name = "WHICH")]
    background: Background,
    #[command(flatten)]
    access: Access,
}

/// How long a redraw waits for something small that is on its way.
const PATIENCE: Duration = Duration::from_millis(6);
/// How long keys that were typed ahead are taken in before a redraw.
const TYPED: Duration = Duration::from_millis(2);
/// Shortest time between redraws for what comes by itself.
const CALM: Duration = Duration::from_millis(80);

pub(crate) fn run(args: &TuiArgs) -> anyhow::Result<ExitCode> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        anyhow::bail!("the browser needs a terminal; `show`, `ps` and others write to files and pipes");
    }
    if args.archives.iter().any(|a| a == "-") {
        anyhow::bail!("the browser reads keys from standard input; write the archive to a file first");
    }
    let paths: Vec<PathBuf> = args.archives.iter().map(PathBuf::from).collect();
    for path in &paths {
        // A mistyped name is better said in the shell.
        std::fs::metadata(path).with_context(|| path.display().to_string())?;
    }
    if paths.is_empty() {
        // Without a cluster there is nothing to show; a credential plugin that asks
        // for something does so while the terminal is as it knows it.
        live::configured(&args.access).context("name an archive, or have a cluster to list")?;
    }
    let theme = Theme::detect(args.color.enabled(), args.background);
    let (sender, receiver) = channel();
    let worker = Worker::new(sender.clone(), args.layers.clone(), args.access.clone());
    // Reading begins before the terminal is set up.
    let size = ratatui::crossterm::terminal::size().context("the size of the terminal")?;
    let (mut model, effects) = Model::new(size, theme, &paths);
    for effect in effects {
        worker.start(effect);
    }
    listen_for_signals(&sender)?;
    let mut screen = Screen::take(!args.no_mouse).context("the terminal")?;
    listen_for_keys(sender);
    let signal = browse(&mut model, &receiver, &worker, &mut screen)?;
    drop(screen);
    let told = end_capture(&mut model, &receiver, signal);
    for line in told {
        eprintln!("{}", escape(&line));
    }
    // As a shell would see it if the signal had not been caught.
    Ok(signal.map_or(ExitCode::SUCCESS, |n| ExitCode::from(u8::try_from(128 + n).unwrap_or(130))))
}

/// Waits until a capture that was under way has cleaned up; returns what it says of that.
/// A second signal leaves the clean-up, too.
fn end_capture(model: &mut Model, receiver: &Receiver<Message>, signal: Option<i32>) -> Vec<String> {
    let by = match signal {
        Some(1) => "SIGHUP",
        Some(2) => "SIGINT",
        _ => "SIGTERM",
    };
    let mut told = Vec::new();
    if model.capture().is_some() && !model.abandoned {
        update::cluster::stop(model, by);
    }
    while model.capture().is_some() {
        match receiver.recv() {
            Ok(Message::Signal(_)) => {
                update::cluster::stop(model, by);
            }
            Ok(message) => {
                if let Message::Told { told: Told::Note(line) | Told::Warning(line), .. } = &message {
                    told.push(line.clone());
                }
                // What it leads to is not begun any more.
                update::update(model, message);
            }
            Err(_) => break,
        }
    }
    told
}

/// Takes messages until the end; returns the signal that asked for it, if one did.
fn browse(
    model: &mut Model,
    receiver: &Receiver<Message>,
    worker: &Worker,
    screen: &mut Screen,
) -> anyhow::Result<Option<i32>> {
    // The archive is often open before the first frame.
    let mut next = receive_within(receiver, PATIENCE);
    let mut drawn: Option<Instant> = None;
    loop {
        let mut pending = next.take();
        let mut deadline = Instant::now() + PATIENCE;
        let mut urgent = drawn.is_none();
        // What is there already is taken in before anything is drawn, for a bounded time.
        while let Some(message) = pending {
            if let Message::Signal(signal) = message {
                return Ok(Some(signal));
            }
            urgent |= !message.is_background();
            let redraw = message.is_redraw();
            for effect in update::update(model, message) {
                match effect {
                    Effect::Quit => return Ok(None),
                    Effect::Copy(text) => screen.copy(&text)?,
                    Effect::Suspend => screen.suspend()?,
                    other => worker.start(other),
                }
            }
            if redraw {
                screen.terminal.clear()?;
            }
            let now = Instant::now();
            if urgent && !model.is_waiting() {
                // Whoever pressed a key sees the answer before more is taken in.
                deadline = deadline.min(now + TYPED);
            }
            let left = deadline.saturating_duration_since(now);
            pending = if left.is_zero() {
                None
            } else if model.is_waiting() {
                receive_within(receiver, left)
            } else {
                receiver.try_recv().ok()
            };
        }
        // Results that stream in are drawn a few times a second, so that keys find an idle program.
        let rest = drawn.map_or(Duration::ZERO, |at| CALM.saturating_sub(at.elapsed()));
        if !urgent && !rest.is_zero() {
            next = receive_within(receiver, rest);
            if next.is_some() {
                continue;
            }
        }
        // The terminal may have another size by now than the messages have told so far.
        let size = screen.terminal.size()?;
        if (size.width, size.height) != model.size {
            for effect in update::update(model, Message::Resize(size.width, size.height)) {
                worker.start(effect);
            }
        }
        screen.terminal.draw(|frame| draw::view(model, frame))?;
        drawn = Some(Instant::now());
        match receiver.recv() {
            Ok(message) => next = Some(message),
            Err(_) => return Ok(None),
        }
    }
}

fn receive_within(receiver: &Receiver<Message>, time: Duration) -> Option<Message> {
    receiver.recv_timeout(time).ok()
}

fn listen_for_keys(sender: Sender<Message>) {
    std::thread::spawn(move || {
        while let Ok(event) = event::read() {
            let message = match event {
                Event::Key(key) => Message::Key(key),
                Event::Mouse(mouse) => Message::Mouse(mouse),
                Event::Paste(text) => Message::Paste(text),
                Event::Resize(width, height) => Message::Resize(width, height),
                Event::FocusGained | Event::FocusLost => continue,
            };
            if sender.send(message).is_err() {
                return;
            }
        }
        // Without a terminal there is nothing left to do.
        let _ = sender.send(Message::Signal(1));
    });
}

#[cfg(unix)]
fn listen_for_signals(sender: &Sender<Message>) -> anyhow::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGHUP, SIGINT]).context("signals")?;
    let sender = sender.clone();
    std::thread::spawn(move || {
        for signal in &mut signals {
            if sender.send(Message::Signal(signal)).is_err() {
                return;
            }
        }
    });
    Ok(())
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps)] // elsewhere it can fail
fn listen_for_signals(_: &Sender<Message>) -> anyhow::Result<()> {
    Ok(())
}
