//! Writes images record by record.

use std::io::Write;

use super::error::{Error, ErrorKind, Result};
use super::header::{ByteOrder, COMMON_MAGIC, SERVICE_MAGIC};
use super::kind::{Header, Kind};

/// Writes one image: the header, then records.
///
/// ```
/// use libforensic::image::{self, ByteOrder, Kind, Writer, proto};
///
/// let mut bytes = Vec::new();
/// let mut writer = Writer::new(&mut bytes, Kind::Pstree, ByteOrder::Little)?;
/// writer.message(&proto::PstreeEntry { pid: Some(7), ..Default::default() }, &[])?;
/// let (records, errors) = image::read_all::<proto::PstreeEntry>(&bytes);
/// assert_eq!(records[0].1.pid, Some(7));
/// assert!(errors.is_empty());
/// # Ok::<(), libforensic::image::Error>(())
/// ```
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    order: ByteOrder,
    written: u64,
}

impl<W: Write> Writer<W> {
    /// Writes the header of a kind, in the form of CRIU 1.6 and newer.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WrongKind`] for kinds without records of this framing
    /// (raw files, plugins' images), [`ErrorKind::Io`] if writing fails.
    pub fn new(out: W, kind: Kind, order: ByteOrder) -> Result<Self> {
        let info = kind.info();
        let prefix = match info.header {
            _ if info.messages.is_empty() => {
                let what = format!("images of kind {} have no records to write", info.name);
                return Err(Error::new(ErrorKind::WrongKind, 0, what));
            }
            Header::Common => Some(COMMON_MAGIC),
            Header::Service => Some(SERVICE_MAGIC),
            Header::SpecificOnly => None,
            Header::Raw | Header::Length64 => {
                let what = format!("images of kind {} have no records to write", info.name);
                return Err(Error::new(ErrorKind::WrongKind, 0, what));
            }
        };
        let mut writer = Self { out, order, written: 0 };
        for word in prefix.into_iter().chain(info.magic) {
            writer.put(&order.u32_bytes(word))?;
        }
        Ok(writer)
    }

    /// Writes a record: the length, the message as it is, and the bytes that follow it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Limit`] for a message of 4 GiB, [`ErrorKind::Io`] if writing fails.
    pub fn record(&mut self, body: &[u8], payload: &[u8]) -> Result<()> {
        let size = u32::try_from(body.len())
            .map_err(|_| Error::new(ErrorKind::Limit, self.written, "a message of 4 GiB or more"))?;
        self.put(&self.order.u32_bytes(size))?;
        self.put(body)?;
        self.put(payload)
    }

    /// Encodes a message and writes it as [`Writer::record`] does.
    ///
    /// # Errors
    ///
    /// As [`Writer::record`].
    pub fn message(&mut self, message: &impl prost::Message, payload: &[u8]) -> Result<()> {
        self.record(&message.encode_to_vec(), payload)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.write_all(bytes).map_err(|error| Error::io(self.written, error))?;
        self.written = self.written.saturating_add(bytes.len() as u64);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{Records, kinds};

    #[test]
    fn what_is_written_is_read_back_for_every_framed_kind() {
        for order in [ByteOrder::Little, ByteOrder::Big] {
            for info in kinds().iter().filter(|k| k.magic.is_some() && k.header != Header::Length64) {
                let mut bytes = Vec::new();
                let Ok(mut writer) = Writer::new(&mut bytes, info.kind, order) else { continue };
                writer.record(&[], &[]).unwrap();
                let header = Records::new(Some(info.kind), bytes.as_slice()).unwrap().header();
                assert_eq!((header.kind, header.order), (info.kind, order), "{}", info.name);
            }
        }
        assert!(Writer::new(Vec::new(), Kind::Pages, ByteOrder::Little).is_err());
    }
}
