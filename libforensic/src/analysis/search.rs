//! Finds patterns in the memory of all processes, and in everything else that is held.
//!
//! Private memory is scanned process by process, each shared segment once
//! for all who map it, and then pipes, queues, deleted files, memfds, tmpfs
//! trees, changed files and logs. Matches across page, run and mapping
//! borders are found, and found once. The order is fixed: processes as in
//! the process table, then segments, then the rest; addresses ascend.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::block::Block;
pub use super::found::Match;
use super::pattern::Matchers;
pub use super::pattern::{Encoding, Pattern, Syntax};
pub use super::scope::Scope;
pub use super::sources::SourceKind;
use super::strings::Finder;
use super::sweep::{Sink, Sweep};
use crate::error::Result;
use crate::model::Checkpoint;
use crate::parallel::Progress;

/// Bytes on each side of a match that are given with it, unless set otherwise.
pub const CONTEXT: usize = 32;

/// A search, ready to run on any checkpoint.
#[derive(Debug)]
pub struct Search {
    pub(super) patterns: Vec<Pattern>,
    pub(super) matchers: Finder,
    pub(super) scope: Scope,
    pub(super) context: usize,
    pub(super) progress: Arc<Progress>,
    pub(super) cut: AtomicU64,
}

impl Search {
    /// Compiles patterns.
    ///
    /// # Errors
    ///
    /// When a pattern is empty, a regular expression or hexadecimal is not well formed, or there are too many.
    pub fn new(patterns: Vec<Pattern>) -> Result<Self> {
        let matchers = Finder::Patterns(Matchers::new(&patterns)?);
        Ok(Self { patterns, context: CONTEXT, ..Self::of(matchers) })
    }

    pub(super) fn of(matchers: Finder) -> Self {
        Self {
            patterns: Vec::new(),
            matchers,
            scope: Scope::default(),
            context: 0,
            progress: Arc::default(),
            cut: AtomicU64::new(0),
        }
    }

    /// Returns the patterns in their order.
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// Restricts the search.
    #[must_use]
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// Sets how many bytes on each side come with a match.
    #[must_use]
    pub fn context(mut self, bytes: usize) -> Self {
        self.context = bytes;
        self
    }

    /// Returns how far the search has come, and the way to cancel it.
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Returns how many matches of regular expressions, in all runs so far, may be longer than was given out.
    ///
    /// Of a match, 64 KiB behind the piece it begins in are looked at. See [`Match::cut`].
    pub fn cut(&self) -> u64 {
        self.cut.load(Ordering::Relaxed)
    }

    /// Calls `found` for every match, until it breaks off or there are no more.
    ///
    /// What could not be read becomes a warning of the checkpoint.
    ///
    /// # Errors
    ///
    /// When a process that was asked for does not exist.
    pub fn run(
        &self,
        checkpoint: &Checkpoint,
        found: &mut dyn FnMut(Match) -> ControlFlow<()>,
    ) -> Result<()> {
        for pid in &self.scope.pids {
            checkpoint.task(*pid)?;
        }
        Sweep::new(self, checkpoint).run(&mut Sink::List(found));
        Ok(())
    }

    /// Hands what is found, in blocks, to `render` in the threads that find it, and what that makes of it to `out`.
    pub(super) fn render(
        &self,
        checkpoint: &Checkpoint,
        render: &(dyn Fn(&Block<'_>, &mut Vec<u8>) + Sync),
        out: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<()> {
        for pid in &self.scope.pids {
            checkpoint.task(*pid)?;
        }
        Sweep::new(self, checkpoint).rendering(render).run(&mut Sink::Text(out));
        Ok(())
    }

    /// Counts the matches of each pattern, in the order of the patterns, without gathering them.
    ///
    /// What could not be read becomes a warning of the checkpoint.
    ///
    /// # Errors
    ///
    /// When a process that was asked for does not exist.
    pub fn count(&self, checkpoint: &Checkpoint) -> Result<Vec<u64>> {
        for pid in &self.scope.pids {
            checkpoint.task(*pid)?;
        }
        let mut counts = vec![0; self.patterns.len()];
        Sweep::new(self, checkpoint).run(&mut Sink::Count(&mut counts));
        Ok(counts)
    }
}
