//! Sockets as `ss` shows them.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Map, Value, json};

use super::bpf::{Input, Instruction, disassemble};
use super::descriptor::insert_text;
use super::files::kind;
use super::names;
use super::tcp::TcpRepair;
use super::text::{Text, put_text};
use crate::image::proto;

/// One end of an IP connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Endpoint {
    /// The address.
    pub address: IpAddr,
    /// The port; `None` for raw sockets, which have none.
    pub port: Option<u16>,
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("address", &self.address)?;
        map.serialize_entry("port", &self.port)?;
        map.end()
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.address, self.port) {
            (IpAddr::V4(a), Some(p)) => write!(f, "{a}:{p}"),
            (IpAddr::V6(a), Some(p)) => write!(f, "[{a}]:{p}"),
            (IpAddr::V4(a), None) => write!(f, "{a}"),
            (IpAddr::V6(a), None) => write!(f, "[{a}]"),
        }
    }
}

/// A descriptor that holds a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// Its descriptor.
    pub fd: u32,
}

/// The address family of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Family {
    /// IPv4.
    Inet,
    /// IPv6.
    Inet6,
    /// Unix domain.
    Unix,
    /// Netlink.
    Netlink,
    /// Packet.
    Packet,
}

impl Family {
    /// Returns the name that JSON and tables use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inet => "inet",
            Self::Inet6 => "inet6",
            Self::Unix => "unix",
            Self::Netlink => "netlink",
            Self::Packet => "packet",
        }
    }
}

/// One socket, with everyone who holds it. Absent facts are `None`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Socket {
    /// Address family.
    pub family: Family,
    /// `stream`, `dgram`, `seqpacket`, `raw` …
    pub kind: Option<&'static str>,
    /// The protocol's name, or its number as text; always a number for raw sockets of rarer protocols.
    pub protocol: Option<String>,
    /// The name of an IP protocol, also of the rarer ones.
    pub protocol_name: Option<&'static str>,
    /// `LISTEN`, `ESTABLISHED`, `UNCONN` …
    pub state: Option<&'static str>,
    /// Local end of an IP socket.
    pub local: Option<Endpoint>,
    /// Remote end of an IP socket, `None` without a peer.
    pub remote: Option<Endpoint>,
    /// Name of a Unix socket; abstract names begin with `@`.
    pub path: Option<Text>,
    /// Inode number of the peer of a Unix socket.
    pub peer_inode: Option<u64>,
    /// Inode number of the listening Unix socket that has not yet accepted this connection.
    pub awaits_accept: Option<u64>,
    /// Inode number; CRIU keeps none of packet sockets.
    pub inode: Option<u64>,
    /// Who holds it.
    pub holders: Vec<Holder>,
    /// Bytes received and not yet read, where the dump has them.
    pub receive_queue: Option<u64>,
    /// Bytes sent and not yet acknowledged or read, where the dump has them.
    pub send_queue: Option<u64>,
    /// Length of the queue of a listening socket.
    pub backlog: Option<u32>,
    /// Socket options that are set.
    pub options: Map<String, Value>,
    /// Number of instructions of the attached packet filter.
    pub filter: Option<usize>,
    /// The attached packet filter.
    pub program: Vec<Instruction>,
    /// State of a TCP connection, where it was dumped.
    pub tcp: Option<TcpRepair>,
    /// Messages that wait in the queue of a Unix or netlink socket, the oldest first.
    pub messages: Vec<QueuedMessage>,
    /// CRIU's number of the open file.
    pub file_id: u32,
    /// The record.
    pub raw: Arc<proto::FileEntry>,
}

/// A message in the receive queue of a Unix or netlink socket.
///
/// Of a stream the kernel's borders between writes may have been merged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct QueuedMessage {
    /// Length in bytes.
    pub length_bytes: u64,
    /// Where the bytes begin in sk-queues.img.
    pub offset: u64,
    /// CRIU's numbers of files that are being passed along (`SCM_RIGHTS`).
    pub passed_files: Vec<u32>,
}

/// What other images say about a socket's queues.
#[derive(Debug, Clone, Default)]
pub(crate) struct Queues {
    pub receive: Option<u64>,
    pub send: Option<u64>,
    pub messages: Vec<QueuedMessage>,
    pub tcp: Option<TcpRepair>,
}

/// Tells connections that nobody has accepted yet from others.
///
/// CRIU gives them the listening socket for a peer (criu/sk-unix.c, `icons`);
/// the kernel's own peer is a socket that no descriptor holds.
pub(crate) fn mark_unaccepted(sockets: &mut [Socket]) {
    let listening: HashSet<u64> =
        sockets.iter().filter(|s| s.state == Some("LISTEN")).filter_map(|s| s.inode).collect();
    for socket in sockets.iter_mut().filter(|s| s.family == Family::Unix && s.state != Some("LISTEN")) {
        if socket.peer_inode.is_some_and(|peer| listening.contains(&peer)) {
            socket.awaits_accept = socket.peer_inode.take();
        }
    }
}

impl Socket {
    /// Interprets a record of the file table; `None` if it is no socket.
    pub(crate) fn new(
        raw: &Arc<proto::FileEntry>,
        holders: Vec<Holder>,
        big_endian: bool,
        mips: bool,
        queues: impl Fn(&proto::FileEntry) -> Queues,
    ) -> Option<Self> {
        let queue = queues(raw);
        let mut socket = Self {
            family: Family::Unix,
            kind: None,
            protocol: None,
            protocol_name: None,
            state: None,
            local: None,
            remote: None,
            path: None,
            peer_inode: None,
            awaits_accept: None,
            inode: None,
            holders,
            receive_queue: queue.receive,
            send_queue: queue.send,
            backlog: None,
            options: Map::new(),
            filter: None,
            program: Vec::new(),
            tcp: queue.tcp,
            messages: queue.messages,
            file_id: raw.id.unwrap_or(0),
            raw: Arc::clone(raw),
        };
        match raw.r#type {
            Some(kind::INETSK) => socket.inet(raw.isk.as_ref()?, big_endian, mips),
            Some(kind::UNIXSK) => socket.unix(raw.usk.as_ref()?, mips),
            Some(kind::NETLINKSK) => socket.netlink(raw.nlsk.as_ref()?),
            Some(kind::PACKETSK) => socket.packet(raw.psk.as_ref()?, mips),
            _ => return None,
        }
        Some(socket)
    }

    fn inet(&mut self, s: &proto::InetSkEntry, big_endian: bool, mips: bool) {
        self.family = if s.family == Some(10) { Family::Inet6 } else { Family::Inet };
        self.kind = s.r#type.and_then(|t| names::socket_type(t, mips));
        self.protocol_name = s.proto.and_then(names::ip_protocol);
        let number = s.proto.map(|p| p.to_string());
        // What a raw socket speaks is a number that its owner chose; these few have a name everywhere.
        let named = self.kind != Some("raw") || s.proto.is_some_and(|p| [1, 6, 17, 58, 136].contains(&p));
        self.protocol = self.protocol_name.filter(|_| named).map(str::to_owned).or(number);
        self.state = s.state.and_then(names::socket_state);
        self.inode = s.ino.map(u64::from);
        let raw = self.kind == Some("raw");
        let port = |p: Option<u32>| if raw { None } else { p.and_then(|p| u16::try_from(p).ok()) };
        self.local =
            address(&s.src_addr, big_endian).map(|address| Endpoint { address, port: port(s.src_port) });
        let connected = s.dst_port.unwrap_or(0) != 0
            || (raw && address(&s.dst_addr, big_endian).is_some_and(|a| !a.is_unspecified()));
        if connected {
            self.remote =
                address(&s.dst_addr, big_endian).map(|address| Endpoint { address, port: port(s.dst_port) });
        }
        if self.state == Some("LISTEN") {
            self.backlog = s.backlog;
        }
        self.option("v6only", s.v6only.filter(|v| *v));
        insert_some_text(&mut self.options, "interface", s.ifname.as_deref());
        self.option("shutdown", s.shutdown.and_then(shutdown));
        if let Some(t) = &s.tcp_opts {
            self.option("tcpCork", t.cork.filter(|v| *v));
            self.option("tcpNodelay", t.nodelay.filter(|v| *v));
            self.option("tcpKeepcnt", t.keepcnt);
            self.option("tcpKeepidleSeconds", t.keepidle);
            self.option("tcpKeepintvlSeconds", t.keepintvl);
        }
        if let Some(ip) = &s.ip_opts {
            self.option("freebind", ip.freebind.filter(|v| *v));
            self.option("pktinfo", ip.pktinfo.filter(|v| *v));
            self.option("tos", ip.tos.filter(|v| *v != 0));
            self.option("ttl", ip.ttl.filter(|v| *v != 0));
            if let Some(raw) = &ip.raw {
                self.option("hdrincl", raw.hdrincl.filter(|v| *v));
                self.option("nodefrag", raw.nodefrag.filter(|v| *v));
                self.option("checksum", raw.checksum);
                let filter: Vec<String> = raw.icmpv_filter.iter().map(|w| format!("{w:#010x}")).collect();
                self.option("icmpFilter", (!filter.is_empty()).then_some(filter));
            }
        }
        self.option("networkNamespace", s.ns_id);
        self.common(s.opts.as_ref());
    }

    fn unix(&mut self, s: &proto::UnixSkEntry, mips: bool) {
        self.family = Family::Unix;
        self.kind = s.r#type.and_then(|t| names::socket_type(t, mips));
        self.state = s.state.and_then(names::socket_state);
        self.inode = s.ino.map(u64::from);
        self.peer_inode = s.peer.filter(|p| *p != 0).map(u64::from);
        self.path = s.name.as_deref().and_then(unix_name);
        if self.state == Some("LISTEN") {
            self.backlog = s.backlog;
            self.peer_inode = None;
        }
        insert_some_text(&mut self.options, "directory", s.name_dir.as_deref());
        self.option("deleted", s.deleted.filter(|v| *v));
        self.option("shutdown", s.shutdown.and_then(shutdown));
        if let Some(p) = &s.file_perms {
            self.option("fileMode", p.mode.map(|m| format!("{m:07o}")));
            self.option("fileUid", p.uid);
            self.option("fileGid", p.gid);
        }
        // The peer is outside the dump (--ext-unix-sk).
        self.option("externalPeer", (s.uflags.unwrap_or(0) & 1 != 0).then_some(true));
        self.option("networkNamespace", s.ns_id);
        self.common(s.opts.as_ref());
    }

    fn netlink(&mut self, s: &proto::NetlinkSkEntry) {
        self.family = Family::Netlink;
        self.kind = Some("raw");
        self.protocol =
            s.protocol.map(|p| names::netlink_protocol(p).map_or_else(|| p.to_string(), str::to_owned));
        self.state = s.state.and_then(names::socket_state);
        self.inode = s.ino.map(u64::from);
        self.option("portId", s.portid);
        self.option("destinationPortId", s.dst_portid.filter(|p| *p != 0));
        self.option("destinationGroup", s.dst_group.filter(|p| *p != 0));
        if !s.groups.is_empty() {
            self.option("groups", Some(&s.groups));
            // Bit n-1 is group n, over words of 32 bits.
            let numbers: Vec<u64> = (0_u64..)
                .zip(&s.groups)
                .flat_map(|(i, word)| {
                    (1..=32_u64)
                        .filter(move |n| word >> n.saturating_sub(1) & 1 == 1)
                        .map(move |n| i.saturating_mul(32).saturating_add(n))
                })
                .take(1024)
                .collect();
            self.option("groupNumbers", Some(numbers));
        }
        self.option("networkNamespace", s.ns_id);
        self.common(s.opts.as_ref());
    }

    fn packet(&mut self, s: &proto::PacketSockEntry, mips: bool) {
        self.family = Family::Packet;
        self.kind = s.r#type.and_then(|t| names::socket_type(t, mips));
        self.state = Some("UNCONN");
        // The one protocol number that CRIU keeps in network byte order.
        self.protocol = s.protocol.and_then(|p| u16::try_from(p).ok()).map(|p| ethertype(p.swap_bytes()));
        self.option("interfaceIndex", s.ifindex);
        self.option("fanout", s.fanout.filter(|f| *f != u32::MAX));
        self.option("version", s.version.map(|v| v.saturating_add(1)));
        self.option("reserveBytes", s.reserve.filter(|v| *v != 0));
        self.option("auxdata", s.aux_data.filter(|v| *v));
        self.option("originalDevice", s.orig_dev.filter(|v| *v));
        self.option("vnetHeader", s.vnet_hdr.filter(|v| *v));
        self.option("loss", s.loss.filter(|v| *v));
        let memberships: Vec<Value> = s.mclist.iter().map(membership).collect();
        self.option("memberships", (!memberships.is_empty()).then_some(memberships));
        for (name, ring) in [("receiveRing", &s.rx_ring), ("sendRing", &s.tx_ring)] {
            self.option(
                name,
                ring.as_ref().map(|r| {
                    json!({"blocks": r.block_nr, "blockBytes": r.block_size, "frames": r.frame_nr, "frameBytes": r.frame_size})
                }),
            );
        }
        self.option("networkNamespace", s.ns_id);
        self.common(s.opts.as_ref());
    }

    fn common(&mut self, opts: Option<&proto::SkOptsEntry>) {
        let Some(o) = opts else { return };
        self.option("sndbufBytes", o.so_sndbuf);
        self.option("rcvbufBytes", o.so_rcvbuf);
        self.option("reuseaddr", o.reuseaddr.filter(|v| *v));
        self.option("reuseport", o.so_reuseport.filter(|v| *v));
        self.option("broadcast", o.so_broadcast.filter(|v| *v));
        self.option("keepalive", o.so_keepalive.filter(|v| *v));
        self.option("passcred", o.so_passcred.filter(|v| *v));
        self.option("passsec", o.so_passsec.filter(|v| *v));
        self.option("dontroute", o.so_dontroute.filter(|v| *v));
        self.option("receiveTimeoutNs", timeout(o.so_rcv_tmo_sec, o.so_rcv_tmo_usec));
        self.option("sendTimeoutNs", timeout(o.so_snd_tmo_sec, o.so_snd_tmo_usec));
        self.option("receiveLowBytes", o.so_rcvlowat.filter(|v| *v > 1));
        self.option("bufferLock", o.so_buf_lock.filter(|v| *v != 0));
        self.option("noCheck", o.so_no_check.filter(|v| *v));
        self.option("oobinline", o.so_oobinline.filter(|v| *v != 0));
        self.option("lingerSeconds", o.so_linger);
        self.option("priority", o.so_priority.filter(|v| *v != 0));
        self.option("mark", o.so_mark.filter(|v| *v != 0));
        insert_some_text(&mut self.options, "boundDevice", o.so_bound_dev.as_deref());
        if !o.so_filter.is_empty() {
            self.filter = Some(o.so_filter.len());
            self.program = o.so_filter.iter().map(|w| Instruction::from_packed(*w)).collect();
        }
    }

    fn option<T: Serialize>(&mut self, key: &str, value: Option<T>) {
        if let Some(value) = value.and_then(|v| serde_json::to_value(v).ok()) {
            self.options.insert(key.to_owned(), value);
        }
    }
}

fn timeout(seconds: Option<u64>, microseconds: Option<u64>) -> Option<u64> {
    let all = seconds?.checked_mul(1_000_000)?.checked_add(microseconds.unwrap_or(0))?.checked_mul(1000)?;
    (all != 0).then_some(all)
}

/// A membership of a packet socket; a promiscuous one makes the interface deliver everything.
fn membership(m: &proto::PacketMclist) -> Value {
    let kind = match m.r#type {
        Some(0) => json!("multicast"),
        Some(1) => json!("promiscuous"),
        Some(2) => json!("all-multicast"),
        Some(3) => json!("unicast"),
        other => json!(other),
    };
    json!({"interfaceIndex": m.index, "type": kind, "address": m.addr.as_deref().map(link_address)})
}

/// A link-layer address as `ip link` writes it.
pub(crate) fn link_address(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(":")
}

fn insert_some_text(map: &mut Map<String, Value>, key: &str, bytes: Option<&[u8]>) {
    if let Some(bytes) = bytes.filter(|b| !b.is_empty()) {
        insert_text(map, key, Some(bytes));
    }
}

/// Address words hold network-order bytes as the dumping machine loaded them.
fn address(words: &[u32], big_endian: bool) -> Option<IpAddr> {
    let bytes = |w: u32| if big_endian { w.to_be_bytes() } else { w.to_le_bytes() };
    match words {
        [a] => Some(IpAddr::V4(Ipv4Addr::from(bytes(*a)))),
        [a, b, c, d] => {
            let mut all = [0_u8; 16];
            for (slot, word) in all.chunks_exact_mut(4).zip([*a, *b, *c, *d]) {
                slot.copy_from_slice(&bytes(word));
            }
            Some(IpAddr::V6(Ipv6Addr::from(all)))
        }
        _ => None,
    }
}

/// Path names end with a NUL; abstract names begin with one and are shown with `@`.
fn unix_name(name: &[u8]) -> Option<Text> {
    match name {
        [] => None,
        [0, rest @ ..] => {
            let mut text = vec![b'@'];
            // /proc/net/unix and ss show the NULs inside abstract names as @, too.
            text.extend(rest.iter().map(|b| if *b == 0 { b'@' } else { *b }));
            Some(Text::new(text))
        }
        path => {
            let end = path.iter().position(|b| *b == 0).unwrap_or(path.len());
            Some(Text::new(path.get(..end).unwrap_or(path)))
        }
    }
}

fn shutdown(how: i32) -> Option<&'static str> {
    match how {
        1 => Some("read"),
        2 => Some("write"),
        3 => Some("both"),
        _ => None,
    }
}

fn ethertype(number: u16) -> String {
    match number {
        0x0003 => "all".to_owned(),
        0x0800 => "ip".to_owned(),
        0x0806 => "arp".to_owned(),
        0x86dd => "ipv6".to_owned(),
        0x888e => "eapol".to_owned(),
        0x88cc => "lldp".to_owned(),
        n => format!("{n:#06x}"),
    }
}

impl Serialize for Socket {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("family", &self.family)?;
        map.serialize_entry("type", &self.kind)?;
        match self.protocol.as_ref().map(|p| p.parse::<u32>()) {
            // A protocol without a name is given as its number.
            Some(Ok(number)) => map.serialize_entry("protocol", &number)?,
            _ => map.serialize_entry("protocol", &self.protocol)?,
        }
        map.serialize_entry("state", &self.state)?;
        map.serialize_entry("local", &self.local)?;
        map.serialize_entry("remote", &self.remote)?;
        put_text(&mut map, "path", self.path.as_ref())?;
        map.serialize_entry("peerInode", &self.peer_inode)?;
        map.serialize_entry("inode", &self.inode)?;
        map.serialize_entry("holders", &self.holders)?;
        map.serialize_entry("recvQueueBytes", &self.receive_queue)?;
        map.serialize_entry("sendQueueBytes", &self.send_queue)?;
        map.serialize_entry("backlog", &self.backlog)?;
        map.serialize_entry("options", &self.options)?;
        let filter = self.filter.map(|n| {
            let lines = disassemble(&self.program, Input::Packet);
            json!({ "instructions": n, "disassembly": lines })
        });
        map.serialize_entry("filter", &filter)?;
        map.serialize_entry("fileId", &self.file_id)?;
        map.serialize_entry("tcp", &self.tcp)?;
        map.serialize_entry("messages", &self.messages)?;
        map.serialize_entry("protocolName", &self.protocol_name)?;
        map.serialize_entry("awaitsAccept", &self.awaits_accept)?;
        map.end()
    }
}
