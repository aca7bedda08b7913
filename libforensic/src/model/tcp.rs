//! What CRIU keeps of a TCP connection to repair it (soccr, criu/sk-tcp.c).

use serde::Serialize;

use crate::image::proto;

/// Sequence numbers, windows and options of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TcpRepair {
    /// Sequence number behind the last byte received, `RCV_NXT`.
    pub receive_sequence: Option<u32>,
    /// Sequence number behind the last byte of the send queue, `write_seq`.
    pub send_sequence: Option<u32>,
    /// Bytes of the send queue that were never sent.
    pub unsent_bytes: Option<u32>,
    /// Largest segment that the peer accepts, in bytes.
    pub mss_bytes: Option<u32>,
    /// Whether timestamps were agreed on.
    pub timestamps: bool,
    /// Whether selective acknowledgements were agreed on.
    pub sack: bool,
    /// Whether congestion notification was agreed on.
    pub ecn: bool,
    /// The peer's window scale; `None` without window scaling.
    pub send_window_scale: Option<u32>,
    /// Our window scale; `None` without window scaling.
    pub receive_window_scale: Option<u32>,
    /// The peer's window in bytes.
    pub send_window_bytes: Option<u32>,
    /// Our window in bytes.
    pub receive_window_bytes: Option<u32>,
    /// The largest window that the peer ever offered, in bytes.
    pub largest_window_bytes: Option<u32>,
    /// Our timestamp clock.
    pub timestamp: Option<u32>,
}

/// Bits of `opt_mask`: `TCPI_OPT_…` of `<linux/tcp.h>`.
const TIMESTAMPS: u32 = 1;
const SACK: u32 = 2;
const WINDOW_SCALE: u32 = 4;
const ECN: u32 = 8;

impl TcpRepair {
    pub(crate) fn new(entry: &proto::TcpStreamEntry) -> Self {
        let options = entry.opt_mask.unwrap_or(0);
        let scaled = options & WINDOW_SCALE != 0;
        Self {
            receive_sequence: entry.inq_seq,
            send_sequence: entry.outq_seq,
            unsent_bytes: entry.unsq_len,
            mss_bytes: entry.mss_clamp.filter(|m| *m != 0),
            timestamps: options & TIMESTAMPS != 0,
            sack: options & SACK != 0,
            ecn: options & ECN != 0,
            send_window_scale: entry.snd_wscale.filter(|_| scaled),
            receive_window_scale: entry.rcv_wscale.filter(|_| scaled),
            send_window_bytes: entry.snd_wnd,
            receive_window_bytes: entry.rcv_wnd,
            largest_window_bytes: entry.max_window,
            timestamp: entry.timestamp,
        }
    }
}
