//! Bytes on their way: the queues of sockets.

use std::collections::HashMap;

use super::socket::Queues;
use super::{Checkpoint, QueuedMessage, TcpRepair};
use crate::image::{Kind, Records, proto};

/// Returns true for a TCP socket with a peer that was not closed at the freeze.
pub(super) fn is_live_connection(s: &proto::InetSkEntry) -> bool {
    s.proto == Some(6) && s.dst_port.unwrap_or(0) != 0 && matches!(s.state, Some(1 | 4 | 5 | 8 | 9 | 11))
}

impl Checkpoint {
    /// Returns true if connections that lived have images.
    ///
    /// With --tcp-close connections are not dumped; before CRIU 3.16 nothing tells.
    pub(super) fn dumps_connections(&self) -> bool {
        self.inventory().is_some_and(|i| i.network_lock_method.is_some() && i.tcp_close != Some(true))
    }

    /// Messages in the receive queues of Unix and netlink sockets by the receiver's file id.
    fn packets(&self) -> &HashMap<u32, Vec<QueuedMessage>> {
        self.packets.get_or_init(|| {
            let mut queues: HashMap<u32, Vec<QueuedMessage>> = HashMap::new();
            let Some(bytes) = self.images.bytes("sk-queues.img") else { return queues };
            let records = match Records::new(Some(Kind::SkQueues), bytes.as_slice()) {
                Ok(records) => records.without_payloads(),
                Err(e) => {
                    self.images.warn("sk-queues.img", Some(e.offset()), &e.to_string());
                    return queues;
                }
            };
            for record in records {
                let read = record.and_then(|r| Ok((r.payload.offset, r.decode::<proto::SkPacketEntry>()?)));
                match read {
                    Ok((offset, entry)) => {
                        queues.entry(entry.id_for.unwrap_or(0)).or_default().push(QueuedMessage {
                            length_bytes: u64::from(entry.length.unwrap_or(0)),
                            offset,
                            passed_files: entry.scm.into_iter().flat_map(|s| s.rights).collect(),
                        });
                    }
                    Err(e) => self.images.warn("sk-queues.img", Some(e.offset()), &e.to_string()),
                }
            }
            queues
        })
    }

    pub(super) fn queues(&self, file: &proto::FileEntry) -> Queues {
        if let Some(s) = &file.isk {
            // Only connected TCP sockets have their queues dumped.
            let connected = s.proto == Some(6) && s.dst_port.unwrap_or(0) != 0;
            let name = format!("tcp-stream-{:x}.img", s.ino.unwrap_or(0));
            let there = self.images.find(&name).is_some();
            if is_live_connection(s) && !there && self.dumps_connections() {
                self.images.warn(
                    &name,
                    None,
                    "the image is missing: the queues of a connection are not known",
                );
            }
            if connected
                && there
                && let Some(stream) = self.images.one::<proto::TcpStreamEntry>(&name)
            {
                return Queues {
                    receive: stream.inq_len.map(u64::from),
                    send: stream.outq_len.map(u64::from),
                    messages: Vec::new(),
                    tcp: Some(TcpRepair::new(&stream)),
                };
            }
            return Queues::default();
        }
        let listening = file.usk.as_ref().is_some_and(|s| s.state == Some(10));
        if (file.usk.is_some() || file.nlsk.is_some()) && !listening {
            // No record means an empty queue.
            let messages = self.packets().get(&file.id.unwrap_or(0)).cloned().unwrap_or_default();
            let bytes = messages.iter().fold(0_u64, |n, m| n.saturating_add(m.length_bytes));
            return Queues { receive: Some(bytes), messages, ..Queues::default() };
        }
        Queues::default()
    }
}
