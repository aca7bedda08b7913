//! What a process does about signals, and which wait for it.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::location::Location;
use super::names;
use super::text::Hex;
use crate::image::proto;
use crate::memory::AddressSpace;

/// A signal with a handler of the program's own.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignalHandler {
    /// Number of the signal.
    pub signal: u32,
    /// The handler, and the mapping it lies in.
    pub handler: Location,
    /// `SA_…` flags.
    pub flags: u64,
    /// Signals blocked while the handler runs; bit n-1 is signal n.
    pub mask: u64,
    /// Where the handler returns to, if the program gave it.
    pub restorer: Option<u64>,
}

/// `SA_…` flags of `<asm-generic/signal-defs.h>`.
const FLAGS: [(u64, &str); 10] = [
    (0x1, "SA_NOCLDSTOP"),
    (0x2, "SA_NOCLDWAIT"),
    (0x4, "SA_SIGINFO"),
    (0x400, "SA_UNSUPPORTED"),
    (0x800, "SA_EXPOSE_TAGBITS"),
    (0x0400_0000, "SA_RESTORER"),
    (0x0800_0000, "SA_ONSTACK"),
    (0x1000_0000, "SA_RESTART"),
    (0x4000_0000, "SA_NODEFER"),
    (0x8000_0000, "SA_RESETHAND"),
];

impl SignalHandler {
    /// Reads the caught ones of a list that leaves out 9 and 19.
    pub(crate) fn caught(actions: &[proto::SaEntry], space: &AddressSpace) -> Vec<Self> {
        let numbers = (1..=64_u32).filter(|n| *n != 9 && *n != 19);
        numbers
            .zip(actions)
            .filter(|(_, a)| a.sigaction.unwrap_or(0) > 1)
            .map(|(signal, a)| Self {
                signal,
                handler: Location::of(space, a.sigaction.unwrap_or(0)),
                flags: a.flags.unwrap_or(0),
                mask: a.mask.unwrap_or(0),
                restorer: a.restorer.filter(|r| *r != 0),
            })
            .collect()
    }

    /// Returns the names of the flags that are set.
    pub fn flag_names(&self) -> Vec<&'static str> {
        FLAGS.iter().filter(|f| self.flags & f.0 != 0).map(|f| f.1).collect()
    }
}

impl Serialize for SignalHandler {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("signal", &self.signal)?;
        map.serialize_entry("name", &names::signal_name(self.signal))?;
        map.serialize_entry("handler", &self.handler)?;
        map.serialize_entry("flags", &self.flag_names())?;
        map.serialize_entry("mask", &Hex(self.mask))?;
        map.serialize_entry("restorer", &self.restorer.map(Hex))?;
        map.end()
    }
}

/// A signal that was sent and not yet delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PendingSignal {
    /// Number of the signal.
    pub signal: u32,
    /// Who raised it: 0 and below is a process, above 0 the kernel.
    pub code: Option<i32>,
    /// Process id of the sender, or of the child that changed.
    pub pid: Option<u32>,
    /// User id of the sender or child.
    pub uid: Option<u32>,
    /// What sigqueue(3) or a timer sent along.
    pub value: Option<u64>,
    /// Address of a fault.
    pub address: Option<u64>,
}

/// Two words of `siginfo_t` and its union begin here on 64-bit machines.
const UNION_AT: usize = 16;

impl PendingSignal {
    /// Reads a queue of native `siginfo_t` structures, in the order the signals came.
    pub(crate) fn queue(queue: Option<&proto::SignalQueueEntry>, big_endian: bool, mips: bool) -> Vec<Self> {
        queue
            .map(|q| q.signals.as_slice())
            .unwrap_or_default()
            .iter()
            .filter_map(|info| Self::read(info.siginfo.as_deref()?, big_endian, mips))
            .collect()
    }

    fn read(info: &[u8], big_endian: bool, mips: bool) -> Option<Self> {
        let word = |at: usize| -> Option<u32> {
            let bytes = *info.get(at..)?.first_chunk::<4>()?;
            Some(if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
        };
        let long = |at: usize| -> Option<u64> {
            let bytes = *info.get(at..)?.first_chunk::<8>()?;
            Some(if big_endian { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
        };
        let signal = word(0)?;
        // MIPS has the code before the error number.
        let code = word(if mips { 4 } else { 8 }).map(u32::cast_signed);
        let mut pending = Self { signal, code, pid: None, uid: None, value: None, address: None };
        let next = UNION_AT.saturating_add(4);
        match (code, signal) {
            // SI_USER and SI_TKILL; SIGCHLD from the kernel names the child.
            (Some(0 | -6), _) | (Some(1..=6), 17) => {
                pending.pid = word(UNION_AT);
                pending.uid = word(next);
            }
            // SI_QUEUE and SI_MESGQ
            (Some(-1 | -3), _) => {
                pending.pid = word(UNION_AT);
                pending.uid = word(next);
                pending.value = long(UNION_AT.saturating_add(8));
            }
            // SI_TIMER: an id and a count, then the value.
            (Some(-2), _) => pending.value = long(UNION_AT.saturating_add(8)),
            (Some(1..), 4 | 5 | 7 | 8 | 11) => pending.address = long(UNION_AT),
            _ => {}
        }
        Some(pending)
    }

    /// Returns the name of the code, where it has one for every signal.
    pub fn code_name(&self) -> Option<&'static str> {
        Some(match self.code? {
            0 => "SI_USER",
            0x80 => "SI_KERNEL",
            -1 => "SI_QUEUE",
            -2 => "SI_TIMER",
            -3 => "SI_MESGQ",
            -4 => "SI_ASYNCIO",
            -5 => "SI_SIGIO",
            -6 => "SI_TKILL",
            _ => return None,
        })
    }
}

impl Serialize for PendingSignal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("signal", &self.signal)?;
        map.serialize_entry("name", &names::signal_name(self.signal))?;
        map.serialize_entry("code", &self.code)?;
        map.serialize_entry("codeName", &self.code_name())?;
        map.serialize_entry("pid", &self.pid)?;
        map.serialize_entry("uid", &self.uid)?;
        map.serialize_entry("value", &self.value.map(Hex))?;
        map.serialize_entry("address", &self.address.map(Hex))?;
        map.end()
    }
}

/// The stack that handlers with `SA_ONSTACK` run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AlternateStack {
    /// Lowest address.
    pub address: Hex,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Whether the thread was running on it.
    pub active: bool,
}

impl AlternateStack {
    pub(crate) fn from_entry(entry: &proto::ThreadSasEntry) -> Option<Self> {
        let flags = entry.ss_flags.unwrap_or(0);
        // SS_DISABLE
        if flags & 2 != 0 {
            return None;
        }
        Some(Self {
            address: Hex(entry.ss_sp.unwrap_or(0)),
            size_bytes: entry.ss_size.unwrap_or(0),
            active: flags & 1 != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders_of_signals() {
        let mut info = vec![0_u8; 128];
        info[0] = 36;
        info[8..12].copy_from_slice(&(-1_i32).to_le_bytes());
        info[16] = 7;
        info[20] = 9;
        info[24..32].copy_from_slice(&1234_u64.to_le_bytes());
        let signal = PendingSignal::read(&info, false, false).unwrap();
        assert_eq!((signal.signal, signal.pid, signal.uid, signal.value), (36, Some(7), Some(9), Some(1234)));
        assert_eq!(signal.code_name(), Some("SI_QUEUE"));
        // Cut off anywhere, it says less and never panics.
        for len in 0..info.len() {
            let _ = PendingSignal::read(&info[..len], true, true);
        }
        assert_eq!(PendingSignal::read(&info[..3], false, false), None);
    }
}
