//! Connections that the kernel tracked: netlink messages of `nfnetlink_conntrack`, as CRIU keeps them.
//!
//! `dump_nf_ct` in criu/net.c writes one message behind the other, each of its own length and
//! without the padding of netlink(7). Layouts: `linux/netfilter/nfnetlink_conntrack.h`.

use serde::Serialize;

use super::Endpoint;
use super::netlink::{self, Message, Order};

/// A connection that the firewall of the network namespace knew. Absent facts are `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Connection {
    /// `tcp`, `udp`, `icmp` … or a number.
    pub protocol: Option<String>,
    /// Who began it.
    pub source: Option<Endpoint>,
    /// Whom it was meant for.
    pub destination: Option<Endpoint>,
    /// Who answers: another than the destination where that was translated.
    pub reply_source: Option<Endpoint>,
    /// Whom the answers go to: another than the source where that was translated.
    pub reply_destination: Option<Endpoint>,
    /// State of a TCP connection: `ESTABLISHED`, `TIME_WAIT` …
    pub state: Option<String>,
    /// `SEEN_REPLY`, `ASSURED`, `SRC_NAT` …
    pub status: Option<Vec<&'static str>>,
    /// Seconds until it would have been forgotten.
    pub timeout_seconds: Option<u32>,
    /// The mark that rules put on it.
    pub mark: Option<u32>,
    /// Helper that an expected connection belongs to: `ftp`, `sip` …
    pub helper: Option<String>,
}

/// `NFNL_SUBSYS_CTNETLINK`, `IPCTNL_MSG_CT_NEW`.
pub(super) const CONNECTION: u16 = 0x100;
/// `NFNL_SUBSYS_CTNETLINK_EXP`, `IPCTNL_MSG_EXP_NEW`.
pub(super) const EXPECTATION: u16 = 0x200;
/// Size of `struct nfgenmsg`.
const HEAD: usize = 4;

const STATES: [&str; 10] = [
    "NONE",
    "SYN_SENT",
    "SYN_RECV",
    "ESTABLISHED",
    "FIN_WAIT",
    "CLOSE_WAIT",
    "LAST_ACK",
    "TIME_WAIT",
    "CLOSE",
    "SYN_SENT2",
];

const STATUS: [(u32, &str); 10] = [
    (1, "EXPECTED"),
    (1 << 1, "SEEN_REPLY"),
    (1 << 2, "ASSURED"),
    (1 << 3, "CONFIRMED"),
    (1 << 4, "SRC_NAT"),
    (1 << 5, "DST_NAT"),
    (1 << 9, "DYING"),
    (1 << 10, "FIXED_TIMEOUT"),
    (1 << 13, "HELPER"),
    (1 << 14, "OFFLOAD"),
];

/// Attributes of one level, and the order of their lengths.
struct Attributes<'a>(Vec<(u16, &'a [u8])>, Order);

impl<'a> Attributes<'a> {
    /// `None` where they do not fill the bytes.
    fn new(body: &'a [u8], skip: usize, order: Order) -> Option<Self> {
        let list = netlink::attributes(body, skip, order);
        let used =
            list.iter().fold(skip, |n, a| n.saturating_add(a.1.len().saturating_add(4).next_multiple_of(4)));
        (used >= body.len()).then_some(Self(list, order))
    }

    fn get(&self, kind: u16) -> Option<&'a [u8]> {
        self.0.iter().find(|a| a.0 == kind).map(|a| a.1)
    }

    fn nested(&self, kind: u16) -> Option<Self> {
        Self::new(self.get(kind)?, 0, self.1)
    }

    /// Numbers are in network byte order.
    fn u32(&self, kind: u16) -> Option<u32> {
        Some(u32::from_be_bytes(*self.get(kind)?.first_chunk()?))
    }

    fn u16(&self, kind: u16) -> Option<u16> {
        Some(u16::from_be_bytes(*self.get(kind)?.first_chunk()?))
    }

    fn u8(&self, kind: u16) -> Option<u8> {
        self.get(kind)?.first().copied()
    }
}

fn protocol(number: u8) -> String {
    match number {
        1 => "icmp".to_owned(),
        6 => "tcp".to_owned(),
        17 => "udp".to_owned(),
        33 => "dccp".to_owned(),
        47 => "gre".to_owned(),
        58 => "ipv6-icmp".to_owned(),
        132 => "sctp".to_owned(),
        136 => "udplite".to_owned(),
        n => n.to_string(),
    }
}

/// Protocol, source and destination of a `CTA_TUPLE`.
type Tuple = (Option<String>, Option<Endpoint>, Option<Endpoint>);

fn tuple(attributes: &Attributes<'_>) -> Tuple {
    let (ip, proto) = (attributes.nested(1), attributes.nested(2));
    let address = |v4: u16, v6: u16| {
        let ip = ip.as_ref()?;
        netlink::address(ip.get(v4).or_else(|| ip.get(v6))?)
    };
    let port = |kind: u16| proto.as_ref().and_then(|p| p.u16(kind));
    let end = |v4, v6, kind| address(v4, v6).map(|address| Endpoint { address, port: port(kind) });
    let number = proto.as_ref().and_then(|p| p.u8(1));
    (number.map(protocol), end(1, 3, 2), end(2, 4, 3))
}

/// Reads a message; `None` if it is damaged or of another kind.
pub(super) fn connection(message: &Message<'_>, order: Order) -> Option<Connection> {
    let attributes = Attributes::new(message.body, HEAD, order)?;
    if message.kind == EXPECTATION {
        // CTA_EXPECT_TUPLE, _TIMEOUT, _HELP_NAME.
        let (protocol, source, destination) = tuple(&attributes.nested(2)?);
        let helper = attributes.get(6).map(|name| {
            let end = name.iter().position(|b| *b == 0).unwrap_or(name.len());
            String::from_utf8_lossy(name.get(..end).unwrap_or(name)).into_owned()
        });
        let timeout_seconds = attributes.u32(4);
        return Some(Connection {
            protocol,
            source,
            destination,
            timeout_seconds,
            helper,
            ..Connection::default()
        });
    }
    if message.kind != CONNECTION {
        return None;
    }
    let (protocol, source, destination) = tuple(&attributes.nested(1)?);
    let (_, reply_source, reply_destination) =
        attributes.nested(2).map_or((None, None, None), |reply| tuple(&reply));
    let state = attributes.nested(4).and_then(|info| info.nested(1)).and_then(|tcp| tcp.u8(1));
    let status = attributes.u32(3);
    Some(Connection {
        protocol,
        source,
        destination,
        reply_source,
        reply_destination,
        state: state.map(|n| STATES.get(usize::from(n)).map_or_else(|| n.to_string(), |s| (*s).to_owned())),
        status: status.map(|bits| STATUS.iter().filter(|s| bits & s.0 != 0).map(|s| s.1).collect()),
        timeout_seconds: attributes.u32(7),
        mark: attributes.u32(8),
        helper: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: Order = Order { big_endian: false };

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let mut out = u16::try_from(value.len().saturating_add(4)).unwrap().to_le_bytes().to_vec();
        out.extend(kind.to_le_bytes());
        out.extend(value);
        out.resize(out.len().next_multiple_of(4), 0);
        out
    }

    fn nested(kind: u16, parts: &[Vec<u8>]) -> Vec<u8> {
        // With NLA_F_NESTED, as the kernel writes it.
        attribute(kind | 0x8000, &parts.concat())
    }

    #[test]
    fn expectations_have_helpers() {
        let ends = nested(1, &[attribute(1, &[10, 0, 0, 1]), attribute(2, &[10, 0, 0, 2])]);
        let ports = nested(2, &[attribute(1, &[6]), attribute(2, &[0, 0]), attribute(3, &[0x4e, 0x20])]);
        let body = [
            vec![2, 0, 0, 0],
            nested(2, &[ends, ports]),
            attribute(4, &[0, 0, 1, 44]),
            attribute(6, b"ftp\0"),
        ]
        .concat();
        let message = Message { offset: 0, kind: EXPECTATION, body: &body };
        let found = connection(&message, ORDER).unwrap();
        assert_eq!((found.helper.as_deref(), found.timeout_seconds), (Some("ftp"), Some(300)));
        assert_eq!(found.destination.unwrap().port, Some(20000));
        for len in 0..body.len() {
            // Damage is nothing, or less, and never a panic.
            let _ = connection(&Message { body: &body[..len], ..message }, ORDER);
        }
    }
}
