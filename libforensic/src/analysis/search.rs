//! Finds patterns in the memory of all processes, and in everything else that is held.
//!
//! Private memory is scanned process by process, each shared segment once
//! for all who map it, and then pipes, queues, deleted files, memfds, tmpfs
//! trees, changed files and logs. Matches across page, run and mapping
//! borders are found, and found once. The order is fixed: processes as in
//! the process table, then segments, then the rest; addresses ascend.

use std::ops::ControlFlow;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::parallel::Progress;
use super::pattern::Matchers;
pub use super::pattern::{Encoding, Pattern, Syntax};
pub use super::scope::Scope;
pub use super::sources::SourceKind;
use super::strings::Finder;
use super::sweep::{Sink, Sweep};
use crate::error::Result;
use crate::memory::Layer;
use crate::model::text::{base64, put_text};
use crate::model::{Checkpoint, Hex, Mapping, Text};

/// Bytes on each side of a match that are given with it, unless set otherwise.
pub const CONTEXT: usize = 32;

/// One place where a pattern was found.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Match {
    /// The process, for mapped memory.
    pub pid: Option<u32>,
    /// What the bytes are part of.
    pub source: SourceKind,
    /// Equal for matches in the same shared memory.
    pub segment: Option<String>,
    /// Offset in that shared memory, in bytes.
    pub segment_offset: Option<u64>,
    /// Where the first byte of memory came from.
    pub layer: Option<Layer>,
    /// Member of the archive that holds the first byte.
    pub member: Option<Text>,
    /// What the bytes belong to besides a process: a path, a pipe, a queue.
    pub object: Option<Text>,
    /// Virtual address, or offset in the source.
    pub address: u64,
    /// Number of the pattern, from 0.
    pub pattern_number: usize,
    /// The pattern as it was given.
    pub pattern: Text,
    /// How the text is encoded.
    pub encoding: Encoding,
    /// The bytes that match.
    pub bytes: Vec<u8>,
    /// Bytes before the match, as far as the evidence has them.
    pub before: Vec<u8>,
    /// Bytes behind it.
    pub after: Vec<u8>,
    /// The mapping that holds the first byte.
    pub mapping: Option<Arc<Mapping>>,
}

impl Match {
    /// Returns the matching bytes as text.
    pub fn text(&self) -> String {
        self.encoding.decode(&self.bytes)
    }
}

impl Serialize for Match {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("pid", &self.pid)?;
        map.serialize_entry("source", self.source.as_str())?;
        map.serialize_entry("segment", &self.segment)?;
        map.serialize_entry("layer", &self.layer.map(Layer::as_str))?;
        put_text(&mut map, "member", self.member.as_ref())?;
        put_text(&mut map, "object", self.object.as_ref())?;
        map.serialize_entry("address", &Hex(self.address))?;
        map.serialize_entry("lengthBytes", &self.bytes.len())?;
        put_text(&mut map, "pattern", Some(&self.pattern))?;
        map.serialize_entry("encoding", self.encoding.as_str())?;
        map.serialize_entry("text", &self.text())?;
        if self.encoding == Encoding::Bytes && std::str::from_utf8(&self.bytes).is_err() {
            map.serialize_entry("textBase64", &base64(&self.bytes))?;
        }
        if self.before.is_empty() && self.after.is_empty() {
            map.serialize_entry("contextBase64", &())?;
            map.serialize_entry("contextAddress", &())?;
        } else {
            let context = [self.before.as_slice(), &self.bytes, &self.after].concat();
            map.serialize_entry("contextBase64", &base64(&context))?;
            let start = self.address.saturating_sub(self.before.len() as u64);
            map.serialize_entry("contextAddress", &Hex(start))?;
        }
        map.serialize_entry("mapping", &self.mapping.as_deref().map(Place))?;
        map.end()
    }
}

/// What a match says about its mapping.
pub(super) struct Place<'m>(pub &'m Mapping);

impl Serialize for Place<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("start", &Hex(self.0.start))?;
        map.serialize_entry("end", &Hex(self.0.end))?;
        map.serialize_entry("perms", &self.0.perms)?;
        map.serialize_entry("kind", self.0.kind.as_str())?;
        put_text(&mut map, "path", self.0.path.as_ref())?;
        map.end()
    }
}

/// A search, ready to run on any checkpoint.
#[derive(Debug)]
pub struct Search {
    pub(super) patterns: Vec<Pattern>,
    pub(super) matchers: Finder,
    pub(super) scope: Scope,
    pub(super) context: usize,
    pub(super) progress: Arc<Progress>,
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
        Self { patterns: Vec::new(), matchers, scope: Scope::default(), context: 0, progress: Arc::default() }
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
