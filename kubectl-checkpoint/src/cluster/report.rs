//! Progress and warnings, on standard error.

use std::cell::{Cell, RefCell};
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::text;
use super::transfer::Watch;

/// What there is to say of work that goes on, for whoever shows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Told {
    /// What is done now.
    Step(String),
    /// What is done for good.
    Done(String),
    /// What the user has to know.
    Warning(String),
    /// Something worth a line.
    Note(String),
    /// So many bytes are to come, where that is known.
    Expect(Option<u64>),
    /// So many bytes are here.
    At(u64),
}

/// Who takes it.
pub(crate) type Ear = Rc<dyn Fn(Told)>;

/// Progress and warnings. A bar appears on a terminal only.
pub(super) struct Reporter {
    quiet: bool,
    /// Who is told, instead of standard error.
    ear: Option<Ear>,
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
            ear: None,
            name: None,
            bar: RefCell::new(None),
            warnings: Rc::default(),
            expected: Cell::new(None),
        }
    }

    /// A reporter that writes nothing and tells everything.
    pub(super) fn to(ear: Ear) -> Self {
        Self { ear: Some(ear), ..Self::new(false) }
    }

    /// Tells whoever listens; says whether somebody does.
    fn told(&self, what: impl FnOnce() -> Told) -> bool {
        self.ear.as_ref().inspect(|ear| ear(what())).is_some()
    }

    /// Says how it ended where it did not end by itself, quiet or not.
    pub(super) fn announce(&self, line: &str) {
        if !self.told(|| Told::Note(line.to_owned())) {
            eprintln!("{line}");
        }
    }

    /// A reporter for one of many; warnings come together.
    pub(super) fn named(&self, name: &str) -> Self {
        let (ear, warnings) = (self.ear.clone(), Rc::clone(&self.warnings));
        Self { name: Some(name.to_owned()), ear, warnings, ..Self::new(self.quiet) }
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
        if self.told(|| Told::Step(self.line(line))) || self.quiet {
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
        if !self.told(|| Told::Done(self.line(line))) && !self.quiet {
            eprintln!("{}", self.line(line));
        }
    }

    /// Says what the user has to know, and keeps it for the answer.
    pub(super) fn warn(&self, line: &str) {
        let line = self.line(line);
        if !self.told(|| Told::Warning(line.clone())) {
            self.say(&format!("warning: {line}"));
        }
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
        if self.told(|| Told::Expect(bytes)) || !self.has_bar() {
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
        self.told(|| Told::At(bytes));
        if let Some(bar) = self.bar.borrow().as_ref() {
            bar.set_position(bytes);
        }
    }

    fn note(&self, line: &str) {
        if !self.told(|| Told::Note(self.line(line))) && !self.quiet {
            self.say(&self.line(line));
        }
    }
}

/// Renders a path for messages and answers.
pub(super) fn shown(path: &Path) -> String {
    path.display().to_string()
}
