//! What a tar can be read from: bytes that are seekable, and streams.

use std::io::{self, Read};

use super::Data;

/// A forward reader that can skip.
pub(crate) trait Input {
    /// Reads up to `buf.len()` bytes; 0 is the end.
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize>;
    /// Goes forward by `n` bytes, returns by how many it really went.
    fn skip(&mut self, n: u64) -> io::Result<u64>;
    /// Bytes from the start of the tar stream.
    fn position(&self) -> u64;
    /// Bytes left, where that is known.
    fn left(&self) -> Option<u64>;
}

/// Input over [`Data`], seeking.
pub(crate) struct SeekInput {
    data: Data,
    position: u64,
    /// Where the data begins in the tar stream.
    base: u64,
}

impl SeekInput {
    pub(crate) fn new(data: Data, base: u64) -> Self {
        Self { data, position: 0, base }
    }
}

impl Input for SeekInput {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.data.read_at(self.position, buf)?;
        self.position = self.position.saturating_add(n as u64);
        Ok(n)
    }

    fn skip(&mut self, n: u64) -> io::Result<u64> {
        let n = n.min(self.data.len().saturating_sub(self.position));
        self.position = self.position.saturating_add(n);
        Ok(n)
    }

    fn position(&self) -> u64 {
        self.base.saturating_add(self.position)
    }

    fn left(&self) -> Option<u64> {
        Some(self.data.len().saturating_sub(self.position))
    }
}

/// Input over any reader; skipping reads into a buffer.
pub(crate) struct StreamInput<R> {
    reader: R,
    position: u64,
    scratch: Vec<u8>,
}

impl<R: Read> StreamInput<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, position: 0, scratch: vec![0; 256 << 10] }
    }
}

impl<R: Read> Input for StreamInput<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.reader.read(buf) {
                Ok(n) => {
                    self.position = self.position.saturating_add(n as u64);
                    return Ok(n);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }

    fn skip(&mut self, n: u64) -> io::Result<u64> {
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut left = n;
        let result = loop {
            if left == 0 {
                break Ok(n);
            }
            let want = usize::try_from(left).unwrap_or(usize::MAX).min(scratch.len());
            let Some(buf) = scratch.get_mut(..want) else { break Ok(n.saturating_sub(left)) };
            match self.read(buf) {
                Ok(0) => break Ok(n.saturating_sub(left)),
                Ok(got) => left = left.saturating_sub(got as u64),
                Err(e) => break Err(e),
            }
        };
        self.scratch = scratch;
        result
    }

    fn position(&self) -> u64 {
        self.position
    }

    fn left(&self) -> Option<u64> {
        None
    }
}
