//! Progress and warnings, on standard error.

use std::cell::{Cell, RefCell};
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::text;
use super::transfer::Watch;

/// Progress and warnings. A bar appears on a terminal only.
pub(super) struct Reporter {
    quiet: bool,
    /// Whose lines they are, where many are at work; then there is no bar.
    name: Option<String>,
    bar: RefCell<Option<ProgressBar>>,
    warnings: Rc<RefCell<Vec<String>>>,
    expected: Cell<Option<u64>>,
}

impl Reporter {
    pub(super) fn new(quiet: bool) -> Self {
        Self {
            quiet,
            name: None,
            bar: RefCell::new(None),
            warnings: Rc::default(),
            expected: Cell::new(None),
        }
    }

    /// A reporter for one of many; warnings come together.
    pub(super) fn named(&self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), warnings: Rc::clone(&self.warnings), ..Self::new(self.quiet) }
    }

    /// A line with the name of whose it is.
    ///
    /// Who makes a line escapes what the cluster said in it; here it is made sure of.
    fn line(&self, line: &str) -> String {
        let line = self.name.as_ref().map_or_else(|| line.to_owned(), |name| format!("{name}: {line}"));
        text::lines(&line)
    }

    fn has_bar(&self) -> bool {
        self.name.is_none() && !self.quiet && io::stderr().is_terminal()
    }

    /// Says what is done now.
    pub(super) fn step(&self, line: &str) {
        self.clear();
        if self.quiet {
            return;
        }
        if self.has_bar() {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
                bar.set_style(style);
            }
            bar.set_message(self.line(line));
            bar.enable_steady_tick(Duration::from_millis(120));
            self.bar.replace(Some(bar));
        } else {
            eprintln!("{}", self.line(line));
        }
    }

    /// Says that something is done, for good.
    pub(super) fn done(&self, line: &str) {
        self.clear();
        if !self.quiet {
            eprintln!("{}", self.line(line));
        }
    }

    /// Says what the user has to know, and keeps it for the answer.
    pub(super) fn warn(&self, line: &str) {
        let line = self.line(line);
        self.say(&format!("warning: {line}"));
        self.warnings.borrow_mut().push(line);
    }

    /// Says something beside a bar that goes on.
    fn say(&self, line: &str) {
        match self.bar.borrow().as_ref() {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        }
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        self.warnings.borrow().clone()
    }

    pub(super) fn clear(&self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Watch for Reporter {
    fn expect(&self, bytes: Option<u64>) {
        self.expected.set(bytes);
        if !self.has_bar() {
            return;
        }
        self.clear();
        let bar = ProgressBar::with_draw_target(bytes, ProgressDrawTarget::stderr());
        let template = if bytes.is_some() {
            "{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}"
        } else {
            "{spinner} {bytes} {bytes_per_sec} {elapsed}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        self.bar.replace(Some(bar));
    }

    fn at(&self, bytes: u64) {
        if let Some(bar) = self.bar.borrow().as_ref() {
            bar.set_position(bytes);
        }
    }

    fn note(&self, line: &str) {
        if !self.quiet {
            self.say(&self.line(line));
        }
    }
}

/// Renders a path for messages and answers.
pub(super) fn shown(path: &Path) -> String {
    path.display().to_string()
}
