//! Timers of a process: setitimer(2) and `timer_create(2)`.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::names;
use super::text::Hex;
use crate::image::proto;

/// How a timer tells that it ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Notify {
    /// A signal to the process.
    Signal,
    /// Not at all.
    Nothing,
    /// A new thread, which the C library starts on a signal.
    Thread,
    /// A signal to one thread.
    ThreadId(Option<i32>),
    /// A number that Linux does not have.
    Unknown(u32),
}

/// One timer that is set.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timer {
    /// `real`, `virtual`, `prof` (of setitimer) or `posix`.
    pub kind: &'static str,
    /// Number of a POSIX timer.
    pub id: Option<u32>,
    /// The clock: its name, or its number.
    pub clock: String,
    /// Time until it runs out in nanoseconds; 0 for a POSIX timer that is not set.
    pub remaining_ns: Option<u64>,
    /// Time between later expirations in nanoseconds; 0 for a single one.
    pub interval_ns: Option<u64>,
    /// The signal it sends.
    pub signal: Option<u32>,
    /// How it tells.
    pub notify: Option<Notify>,
    /// What it sends along.
    pub value: Option<u64>,
    /// Expirations nobody saw.
    pub overrun: Option<u32>,
}

impl Timer {
    /// Reads the timers that are set; POSIX timers also where they exist without being set.
    pub(crate) fn list(entry: &proto::TaskTimersEntry) -> Vec<Self> {
        let classic = [
            ("real", "CLOCK_REALTIME", 14, entry.real.as_ref()),
            ("virtual", "CLOCK_PROCESS_CPUTIME_ID", 26, entry.virt.as_ref()),
            ("prof", "CLOCK_PROCESS_CPUTIME_ID", 27, entry.prof.as_ref()),
        ];
        let mut timers: Vec<Self> = classic
            .into_iter()
            .filter_map(|(kind, clock, signal, t)| Self::classic(kind, clock, signal, t?))
            .collect();
        timers.extend(entry.posix.iter().map(Self::posix));
        timers
    }

    fn classic(kind: &'static str, clock: &str, signal: u32, t: &proto::ItimerEntry) -> Option<Self> {
        let remaining = nanoseconds(t.vsec, t.vusec, 1000);
        let interval = nanoseconds(t.isec, t.iusec, 1000);
        if remaining.unwrap_or(0) == 0 && interval.unwrap_or(0) == 0 {
            return None;
        }
        Some(Self {
            kind,
            id: None,
            clock: clock.to_owned(),
            remaining_ns: remaining,
            interval_ns: interval,
            signal: Some(signal),
            notify: Some(Notify::Signal),
            value: None,
            overrun: None,
        })
    }

    fn posix(t: &proto::PosixTimerEntry) -> Self {
        let clock = t.clock_id.unwrap_or(0);
        let notify = t.it_sigev_notify.map(|n| match n {
            0 => Notify::Signal,
            1 => Notify::Nothing,
            2 => Notify::Thread,
            4 => Notify::ThreadId(t.notify_thread_id),
            n => Notify::Unknown(n),
        });
        Self {
            kind: "posix",
            id: t.it_id,
            clock: names::clock(clock).map_or_else(|| clock.cast_signed().to_string(), str::to_owned),
            remaining_ns: nanoseconds(t.vsec, t.vnsec, 1),
            interval_ns: nanoseconds(t.isec, t.insec, 1),
            signal: t.si_signo.filter(|s| *s != 0),
            notify,
            value: t.sival_ptr,
            overrun: t.overrun,
        }
    }
}

fn nanoseconds(seconds: Option<u64>, part: Option<u64>, unit: u64) -> Option<u64> {
    seconds?.checked_mul(1_000_000_000)?.checked_add(part?.checked_mul(unit)?)
}

impl Serialize for Timer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", self.kind)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("clock", &self.clock)?;
        map.serialize_entry("remainingNs", &self.remaining_ns)?;
        map.serialize_entry("intervalNs", &self.interval_ns)?;
        map.serialize_entry("signal", &self.signal)?;
        map.serialize_entry("signalName", &self.signal.map(names::signal_name))?;
        let (notify, thread) = match self.notify {
            None => (None, None),
            Some(Notify::Signal) => (Some("signal".to_owned()), None),
            Some(Notify::Nothing) => (Some("none".to_owned()), None),
            Some(Notify::Thread) => (Some("thread".to_owned()), None),
            Some(Notify::ThreadId(tid)) => (Some("thread-id".to_owned()), tid),
            Some(Notify::Unknown(n)) => (Some(n.to_string()), None),
        };
        map.serialize_entry("notify", &notify)?;
        map.serialize_entry("notifyThread", &thread)?;
        map.serialize_entry("value", &self.value.map(Hex))?;
        map.serialize_entry("overrun", &self.overrun)?;
        map.end()
    }
}
