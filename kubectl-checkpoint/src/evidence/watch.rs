//! Progress on a terminal, and the end by Ctrl-C.

use std::io::{IsTerminal as _, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use libforensic::analysis::Progress;

use crate::cli::INTERRUPTED;

/// Between two looks at how far the work has come.
const TICK: Duration = Duration::from_millis(100);

/// How long work that was asked to end may take, where nothing is left to clean up.
const PATIENCE: Duration = Duration::from_secs(2);

/// Watches long work while it lives: shows how far it has come, and cancels it on a signal.
pub(crate) struct Watch {
    progress: Arc<Progress>,
    bar: ProgressBar,
    state: Arc<State>,
    ticker: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    done: Mutex<bool>,
    changed: Condvar,
    /// Whether files are being written, which must be removed or finished.
    writes: AtomicBool,
}

impl State {
    /// Waits; returns true when the work is over.
    fn wait(&self, time: Duration) -> bool {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        if *done {
            return true;
        }
        let (done, _) = self.changed.wait_timeout(done, time).unwrap_or_else(PoisonError::into_inner);
        *done
    }
}

impl Watch {
    /// Begins to watch; `what` is what is done with the bytes, as in `searched`.
    pub(crate) fn new(progress: Arc<Progress>, what: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {bytes} {msg}, {bytes_per_sec}, {elapsed}")
        {
            bar.set_style(style);
        }
        bar.set_message(what);
        let state = Arc::new(State::default());
        listen(Arc::clone(&progress), Arc::clone(&state));
        let ticker = std::io::stderr().is_terminal().then(|| {
            let (bar, state, progress) = (bar.clone(), Arc::clone(&state), Arc::clone(&progress));
            std::thread::spawn(move || {
                while !state.wait(TICK) {
                    bar.set_position(progress.bytes());
                }
            })
        });
        Self { progress, bar, state, ticker }
    }

    /// Says that files are written: the work then always ends by itself.
    pub(crate) fn writing(self) -> Self {
        self.state.writes.store(true, Ordering::Relaxed);
        self
    }

    /// Returns true once a signal asked for the end.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.progress.is_cancelled()
    }

    /// Takes the progress off the terminal.
    pub(crate) fn clear(&self) {
        *self.state.done.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.state.changed.notify_all();
        self.bar.finish_and_clear();
    }

    /// Replaces the exit code of work that was interrupted.
    pub(crate) fn code(&self, code: ExitCode) -> ExitCode {
        if self.is_interrupted() { ExitCode::from(INTERRUPTED) } else { code }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.clear();
        if let Some(ticker) = self.ticker.take() {
            let _ = ticker.join();
        }
    }
}

/// Waits for signals: the first asks for the end, the second ends the program.
fn listen(progress: Arc<Progress>, state: Arc<State>) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    let (ready, is_ready) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        runtime.block_on(async {
            let Ok(mut signals) = crate::cluster::Interrupts::listen() else { return };
            let _ = ready.send(());
            signals.next().await;
            progress.cancel();
            let writes = state.writes.load(Ordering::Relaxed);
            tokio::select! {
                _ = signals.next() => {}
                () = tokio::time::sleep(PATIENCE), if !writes => {}
            }
            std::process::exit(i32::from(INTERRUPTED));
        });
    });
    // A signal before this would end the program at once, which is as good.
    let _ = is_ready.recv_timeout(PATIENCE);
}

/// Writes to standard output, and takes the progress off the terminal before the first byte.
pub(crate) struct Quiet<'w, W> {
    pub inner: W,
    pub watch: Option<&'w Watch>,
}

impl<W: Write> Write for Quiet<'_, W> {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        if let Some(watch) = self.watch.take()
            && std::io::stdout().is_terminal()
        {
            watch.clear();
        }
        self.inner.write(buf)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}
