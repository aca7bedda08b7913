//! The crate's error and warning types.
//!
//! An [`Error`] ends an operation, a [`Warning`] says what part of the
//! evidence could not be read while the rest could. Both say *where*: the
//! archive member and the byte offset, as far as they are known.

use std::fmt;

use serde::Serialize;

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The class of an [`Error`], for programs that want to react to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operating system refused a read, an open or a write.
    Io,
    /// The input is empty or is of no format that this crate knows.
    UnknownFormat,
    /// The input is compressed or packed in a way that this crate recognises and does not read.
    UnsupportedFormat,
    /// The input ends before the data that it announces.
    Truncated,
    /// The input contradicts its own format.
    Corrupt,
    /// A limit of [`Limits`](crate::Limits) was reached.
    LimitExceeded,
    /// A member, process or address that was asked for is not in the evidence.
    NotFound,
    /// The archive was read, but holds no CRIU images.
    NotACheckpoint,
}

impl ErrorKind {
    /// Returns a stable name in kebab case, for logs and machine-readable output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Io => "io",
            Self::UnknownFormat => "unknown-format",
            Self::UnsupportedFormat => "unsupported-format",
            Self::Truncated => "truncated",
            Self::Corrupt => "corrupt",
            Self::LimitExceeded => "limit-exceeded",
            Self::NotFound => "not-found",
            Self::NotACheckpoint => "not-a-checkpoint",
        }
    }
}

/// What went wrong, on which member, at which byte.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    member: Option<String>,
    offset: Option<u64>,
    what: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Creates an error of `kind`; `what` is lower case and without a full stop.
    pub fn new(kind: ErrorKind, what: impl Into<String>) -> Self {
        Self { kind, member: None, offset: None, what: what.into(), source: None }
    }

    /// Creates an [`ErrorKind::Io`] error; `what` says what was being done.
    pub fn io(what: impl Into<String>, source: std::io::Error) -> Self {
        Self::new(ErrorKind::Io, what).with_source(source)
    }

    /// Adds the archive member the error is about, unless one is set already.
    #[must_use]
    pub fn in_member(mut self, member: impl AsRef<[u8]>) -> Self {
        if self.member.is_none() {
            self.member = Some(String::from_utf8_lossy(member.as_ref()).into_owned());
        }
        self
    }

    /// Adds the byte offset (in the member, or in the archive where there is none).
    #[must_use]
    pub fn at(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
        self
    }

    /// Adds the underlying error.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns the class of the error.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the name of the archive member the error is about.
    pub fn member(&self) -> Option<&str> {
        self.member.as_deref()
    }

    /// Returns the byte offset in the member (or in the archive where there is no member).
    pub fn offset(&self) -> Option<u64> {
        self.offset
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_place(f, self.member.as_deref(), self.offset)?;
        f.write_str(&self.what)?;
        if let Some(source) = &self.source {
            write!(f, ": {source}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // The source is part of the message already; report *its* source, so
        // that printing the chain does not say things twice.
        self.source.as_ref().and_then(|s| s.source())
    }
}

/// A part of the evidence that could not be read, or is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Warning {
    /// The archive member concerned; absent when the archive as a whole is.
    pub member: Option<String>,
    /// The byte offset in the member, or in the archive without one.
    pub offset: Option<u64>,
    /// What was found, in lower case and without a full stop.
    pub what: String,
}

impl Warning {
    /// Creates a warning about the archive as a whole.
    pub fn new(what: impl Into<String>) -> Self {
        Self { member: None, offset: None, what: what.into() }
    }

    /// Adds the archive member the warning is about.
    #[must_use]
    pub fn in_member(mut self, member: impl AsRef<[u8]>) -> Self {
        self.member = Some(String::from_utf8_lossy(member.as_ref()).into_owned());
        self
    }

    /// Adds the byte offset.
    #[must_use]
    pub fn at(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
        self
    }
}

impl From<&Error> for Warning {
    fn from(e: &Error) -> Self {
        let what = match &e.source {
            Some(source) => format!("{}: {source}", e.what),
            None => e.what.clone(),
        };
        Self { member: e.member.clone(), offset: e.offset, what }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_place(f, self.member.as_deref(), self.offset)?;
        f.write_str(&self.what)
    }
}

fn write_place(f: &mut fmt::Formatter<'_>, member: Option<&str>, offset: Option<u64>) -> fmt::Result {
    match (member, offset) {
        (Some(m), Some(o)) => write!(f, "{m} at byte {o}: "),
        (Some(m), None) => write!(f, "{m}: "),
        (None, Some(o)) => write!(f, "byte {o}: "),
        (None, None) => Ok(()),
    }
}

/// Collects warnings, each of them once, up to a number.
///
/// Evidence can be made to warn millions of times; past
/// [`Warnings::LIMIT`] only their number is kept.
#[derive(Debug, Default)]
pub(crate) struct Warnings {
    inner: std::sync::Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    list: Vec<Warning>,
    seen: std::collections::HashSet<Warning>,
    more: u64,
}

impl Warnings {
    /// How many different warnings are kept word for word.
    pub(crate) const LIMIT: usize = 1000;

    pub(crate) fn push(&self, warning: Warning) {
        let mut inner = self.lock();
        if inner.seen.contains(&warning) {
            return;
        }
        if inner.list.len() < Self::LIMIT {
            inner.seen.insert(warning.clone());
            inner.list.push(warning);
        } else {
            inner.more = inner.more.saturating_add(1);
        }
    }

    /// Moves all warnings of another collection into this one.
    pub(crate) fn take_from(&self, other: &Self) {
        let taken = std::mem::take(&mut *other.lock());
        for warning in taken.list {
            self.push(warning);
        }
        let mut inner = self.lock();
        inner.more = inner.more.saturating_add(taken.more);
    }

    pub(crate) fn to_vec(&self) -> Vec<Warning> {
        let inner = self.lock();
        let mut list = inner.list.clone();
        if inner.more > 0 {
            list.push(Warning::new(format!("{} more warnings are not shown", inner.more)));
        }
        list
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
