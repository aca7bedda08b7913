//! The socket tables under /proc/PID/net.

use std::collections::HashMap;

use super::text::{decimal, hex, lines, words};
use crate::image::proto;
use crate::model::files::kind;

/// Reads a line of a table of this family and protocol: the inode, and the record.
type Reader = fn(&[u8], u32, u32) -> Option<(u64, proto::FileEntry)>;

/// Sockets by inode.
#[derive(Default)]
pub(super) struct Sockets {
    by_inode: HashMap<u64, proto::FileEntry>,
    /// Those without an inode: nobody holds them any more.
    unheld: Vec<proto::FileEntry>,
}

impl Sockets {
    pub(super) fn get(&self, inode: u64) -> Option<&proto::FileEntry> {
        self.by_inode.get(&inode)
    }

    /// Takes the sockets that nobody holds.
    pub(super) fn take_unheld(&mut self) -> Vec<proto::FileEntry> {
        std::mem::take(&mut self.unheld)
    }

    /// Reads one table of a network namespace; other files are passed over.
    pub(super) fn read(&mut self, table: &str, text: &[u8], namespace: Option<u32>) {
        let read: Reader = match table {
            "tcp" | "tcp6" | "udp" | "udp6" | "udplite" | "udplite6" | "raw" | "raw6" | "icmp" | "icmp6" => {
                inet
            }
            "unix" => unix,
            "netlink" => netlink,
            "packet" => packet,
            _ => return,
        };
        let (family, protocol) = match table {
            "tcp" => (2, 6),
            "tcp6" => (10, 6),
            "udp" => (2, 17),
            "udp6" => (10, 17),
            "udplite" => (2, 136),
            "udplite6" => (10, 136),
            "icmp" => (2, 1),
            "icmp6" => (10, 58),
            // The protocol of a raw socket stands where others have their port.
            "raw" => (2, 0),
            "raw6" => (10, 0),
            _ => (0, 0),
        };
        for line in lines(text).skip(1) {
            let Some((inode, mut entry)) = read(line, family, protocol) else { continue };
            let ns_id = namespace;
            if let Some(s) = &mut entry.isk {
                s.ns_id = ns_id;
            }
            if let Some(s) = &mut entry.usk {
                s.ns_id = ns_id;
            }
            if let Some(s) = &mut entry.nlsk {
                s.ns_id = ns_id;
            }
            if let Some(s) = &mut entry.psk {
                s.ns_id = ns_id;
            }
            if inode == 0 {
                self.unheld.push(entry);
            } else {
                self.by_inode.entry(inode).or_insert(entry);
            }
        }
    }
}

fn small(inode: u64) -> Option<u32> {
    u32::try_from(inode).ok()
}

/// `0100007F:1F90`: an address in the words of the machine, and a port.
fn address(text: &[u8]) -> Option<(Vec<u32>, u32)> {
    let colon = text.iter().position(|b| *b == b':')?;
    let port = u32::try_from(hex(text.get(colon.checked_add(1)?..)?)?).ok()?;
    let digits = text.get(..colon)?;
    let parts = digits.chunks(8).map(|word| hex(word).and_then(|w| u32::try_from(w).ok()));
    let parts: Option<Vec<u32>> = parts.collect();
    parts.filter(|p| p.len() == 1 || p.len() == 4).map(|p| (p, port))
}

/// `sl local rem st tx:rx tr:when retr uid timeout inode …`
fn inet(line: &[u8], family: u32, protocol: u32) -> Option<(u64, proto::FileEntry)> {
    let fields: Vec<&[u8]> = words(line).collect();
    let (src_addr, src_port) = address(fields.get(1)?)?;
    let (dst_addr, dst_port) = address(fields.get(2)?)?;
    let state = hex(fields.get(3)?).and_then(|s| u32::try_from(s).ok())?;
    let inode: u64 = decimal(fields.get(9)?)?;
    let raw = protocol == 0;
    let kind_of = match protocol {
        6 => 1,
        0 => 3,
        _ => 2,
    };
    let socket = proto::InetSkEntry {
        ino: small(inode),
        family: Some(family),
        r#type: Some(kind_of),
        proto: Some(if raw { src_port } else { protocol }),
        state: Some(state),
        src_port: Some(if raw { 0 } else { src_port }),
        dst_port: Some(if raw { 0 } else { dst_port }),
        src_addr,
        dst_addr,
        ..proto::InetSkEntry::default()
    };
    let entry = proto::FileEntry {
        r#type: Some(kind::INETSK),
        isk: Some(Box::new(socket)),
        ..proto::FileEntry::default()
    };
    Some((inode, entry))
}

/// `Num RefCount Protocol Flags Type St Inode Path`; the path may hold blanks.
fn unix(line: &[u8], _: u32, _: u32) -> Option<(u64, proto::FileEntry)> {
    let fields: Vec<&[u8]> = words(line).collect();
    let listens = hex(fields.get(3)?)? & 0x1_0000 != 0;
    let kind_of = u32::try_from(hex(fields.get(4)?)?).ok()?;
    // SS_CONNECTED; all others are no connection.
    let connected = hex(fields.get(5)?)? == 3;
    let inode_text = *fields.get(6)?;
    let inode: u64 = decimal(inode_text)?;
    // What follows the seventh word and one blank.
    let mut rest = line;
    for _ in 0..7 {
        rest = rest.trim_ascii_start();
        rest = rest.get(rest.iter().position(|b| *b == b' ').unwrap_or(rest.len())..)?;
    }
    let path = rest.get(1..).unwrap_or(&[]);
    let name = match path.split_first() {
        None => None,
        // An abstract name: its NULs are shown as @.
        Some((b'@', tail)) => Some([&[0][..], tail].concat()),
        Some(_) => Some([path, &[0]].concat()),
    };
    let state = if listens {
        10
    } else if connected {
        1
    } else {
        7
    };
    let socket = proto::UnixSkEntry {
        ino: small(inode),
        r#type: Some(kind_of),
        state: Some(state),
        name,
        ..proto::UnixSkEntry::default()
    };
    let entry = proto::FileEntry {
        r#type: Some(kind::UNIXSK),
        usk: Some(Box::new(socket)),
        ..proto::FileEntry::default()
    };
    Some((inode, entry))
}

/// `sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode`
fn netlink(line: &[u8], _: u32, _: u32) -> Option<(u64, proto::FileEntry)> {
    let fields: Vec<&[u8]> = words(line).collect();
    let inode: u64 = decimal(fields.get(9)?)?;
    let groups = hex(fields.get(3)?).and_then(|g| u32::try_from(g).ok());
    let socket = proto::NetlinkSkEntry {
        ino: small(inode),
        protocol: decimal(fields.get(1)?),
        portid: decimal(fields.get(2)?),
        groups: groups.into_iter().filter(|g| *g != 0).collect(),
        ..proto::NetlinkSkEntry::default()
    };
    let entry = proto::FileEntry {
        r#type: Some(kind::NETLINKSK),
        nlsk: Some(Box::new(socket)),
        ..proto::FileEntry::default()
    };
    Some((inode, entry))
}

/// `sk RefCnt Type Proto Iface R Rmem User Inode`
fn packet(line: &[u8], _: u32, _: u32) -> Option<(u64, proto::FileEntry)> {
    let fields: Vec<&[u8]> = words(line).collect();
    let inode: u64 = decimal(fields.get(8)?)?;
    let socket = proto::PacketSockEntry {
        r#type: decimal(fields.get(2)?),
        protocol: hex(fields.get(3)?).and_then(|p| u32::try_from(p).ok()),
        ifindex: decimal(fields.get(4)?),
        ..proto::PacketSockEntry::default()
    };
    let entry = proto::FileEntry {
        r#type: Some(kind::PACKETSK),
        psk: Some(Box::new(socket)),
        ..proto::FileEntry::default()
    };
    Some((inode, entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_read_from_their_tables() {
        let mut sockets = Sockets::default();
        let tcp = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0\n   1: 0100007F:1F90 0100007F:C350 06 00000000:00000000 03:00001770 00000000     0        0 0 3 0\ncut off";
        sockets.read("tcp", tcp, Some(5));
        let listener = sockets.get(4711).unwrap().isk.as_ref().unwrap();
        assert_eq!((listener.state, listener.src_port, listener.dst_port), (Some(10), Some(8080), Some(0)));
        assert_eq!((listener.src_addr.as_slice(), listener.ns_id), (&[0x0100_007f][..], Some(5)));
        assert_eq!(sockets.take_unheld().len(), 1);
        let unix = b"Num       RefCount Protocol Flags    Type St Inode Path\n0000000000000000: 00000002 00000000 00010000 0001 01 99 /run/a b.sock\n0000000000000000: 00000003 00000000 00000000 0001 03 98 @x@y\n0000000000000000: 00000003 00000000 00000000 0002 01 97\n";
        sockets.read("unix", unix, None);
        let of = |inode| sockets.get(inode).unwrap().usk.clone().unwrap();
        assert_eq!((of(99).state, of(99).name), (Some(10), Some(b"/run/a b.sock\0".to_vec())));
        assert_eq!((of(98).state, of(98).name), (Some(1), Some(b"\0x@y".to_vec())));
        assert_eq!((of(97).r#type, of(97).name), (Some(2), None));
        sockets.read("route", b"x\ny\n", None);
    }
}
