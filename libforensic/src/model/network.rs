//! Links, addresses and routes: from the images, and from what engines wrote down.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::Value;

use super::conntrack;
use super::firewall;
use super::netlink::{self, Order};
use super::socket::link_address;
use super::{Checkpoint, Connection};
use crate::image::proto;

/// Where a derived fact comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Source {
    /// Member of the archive.
    pub member: String,
    /// Offset in it in bytes; `None` where the fact has none.
    pub offset: Option<u64>,
    /// Field of a document.
    pub field: Option<String>,
}

/// One fact about a container's network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NetworkItem {
    /// `link`, `address`, `route`, `rule`, `firewall`, `connection` or `expectation`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// CRIU's number of the network namespace; `None` for what an engine wrote down.
    pub network_namespace: Option<u32>,
    /// Name of the interface.
    pub interface: Option<String>,
    /// Number of the interface.
    pub interface_index: Option<u32>,
    /// The address, or where a route leads to (`default` or a prefix).
    pub address: Option<String>,
    /// Next hop of a route.
    pub gateway: Option<String>,
    /// Link-layer address.
    pub link_address: Option<String>,
    /// Kind of a link: `loopback`, `veth`, `tun`, `bridge` …
    pub link_type: Option<&'static str>,
    /// Largest packet in bytes.
    pub mtu_bytes: Option<u32>,
    /// `UP`, `LOOPBACK`, `PROMISC` …
    pub flags: Option<Vec<&'static str>>,
    /// Number of the other end of a veth pair, in its own namespace.
    pub peer_index: Option<u32>,
    /// Routing table.
    pub table: Option<u32>,
    /// Metric of a route, priority of a rule.
    pub metric: Option<u32>,
    /// Who set a route: `kernel`, `boot`, `static` … or a number.
    pub protocol: Option<String>,
    /// `global`, `link`, `host` …
    pub scope: Option<String>,
    /// Address that packets of the route leave with.
    pub preferred_source: Option<String>,
    /// Name of the engine's network.
    pub network: Option<String>,
    /// Size of the image in bytes, where its firewall rules cannot be told apart.
    pub size_bytes: Option<u64>,
    /// Table of a firewall rule; with nftables the family is before it.
    pub firewall_table: Option<String>,
    /// Chain of a firewall rule.
    pub chain: Option<String>,
    /// A firewall rule, as `iptables-save` or `nft list ruleset` wrote it.
    pub rule: Option<String>,
    /// Whether CRIU added the rule to hold the network still: it is no part of the container.
    pub criu_lock: Option<bool>,
    /// A connection that the kernel tracked, or expected.
    pub connection: Option<Connection>,
    /// Where the fact comes from.
    pub source: Source,
}

impl NetworkItem {
    fn new(kind: &'static str, source: Source) -> Self {
        Self {
            kind,
            network_namespace: None,
            interface: None,
            interface_index: None,
            address: None,
            gateway: None,
            link_address: None,
            link_type: None,
            mtu_bytes: None,
            flags: None,
            peer_index: None,
            table: None,
            metric: None,
            protocol: None,
            scope: None,
            preferred_source: None,
            network: None,
            size_bytes: None,
            firewall_table: None,
            chain: None,
            rule: None,
            criu_lock: None,
            connection: None,
            source,
        }
    }
}

const FLAGS: [(u32, &str); 8] = [
    (0x1, "UP"),
    (0x2, "BROADCAST"),
    (0x8, "LOOPBACK"),
    (0x10, "POINTOPOINT"),
    (0x40, "RUNNING"),
    (0x80, "NOARP"),
    (0x100, "PROMISC"),
    (0x1000, "MULTICAST"),
];

fn scope(number: u8) -> String {
    match number {
        0 => "global".to_owned(),
        200 => "site".to_owned(),
        253 => "link".to_owned(),
        254 => "host".to_owned(),
        255 => "nowhere".to_owned(),
        n => n.to_string(),
    }
}

fn protocol(number: u8) -> String {
    match number {
        1 => "redirect".to_owned(),
        2 => "kernel".to_owned(),
        3 => "boot".to_owned(),
        4 => "static".to_owned(),
        9 => "ra".to_owned(),
        16 => "dhcp".to_owned(),
        n => n.to_string(),
    }
}

fn link_type(kind: i32) -> Option<&'static str> {
    Some(match kind {
        1 => "loopback",
        2 => "veth",
        3 => "tun",
        4 => "external",
        5 => "venet",
        6 => "bridge",
        7 => "macvlan",
        8 => "sit",
        _ => return None,
    })
}

impl Checkpoint {
    /// Returns what the evidence says about the network: links first, then addresses, routes and rules.
    ///
    /// Kubernetes and CRI-O share the pod's network namespace with the
    /// container, so that CRIU dumps none of it; then only annotations tell.
    pub fn network(&self) -> Vec<NetworkItem> {
        self.miss_network();
        let mut items = Vec::new();
        let mut names: HashMap<(u32, u32), String> = HashMap::new();
        for (ns, name) in self.images.numbered("netdev-") {
            let member = self.member_name(&name);
            for (offset, e) in self.images.all::<proto::NetDeviceEntry>(&name).unwrap_or_default() {
                let source = Source { member: member.clone(), offset: Some(offset), field: None };
                let interface = e.name.map(|n| String::from_utf8_lossy(&n).into_owned());
                if let (Some(index), Some(name)) = (e.ifindex, &interface) {
                    names.insert((ns, index), name.clone());
                }
                let flags = e.flags.unwrap_or(0);
                items.push(NetworkItem {
                    network_namespace: Some(ns),
                    interface,
                    interface_index: e.ifindex,
                    link_type: e.r#type.and_then(link_type),
                    mtu_bytes: e.mtu,
                    flags: Some(FLAGS.iter().filter(|f| flags & f.0 != 0).map(|f| f.1).collect()),
                    link_address: e.address.as_deref().map(link_address),
                    peer_index: e.peer_ifindex.filter(|i| *i != 0),
                    ..NetworkItem::new("link", source)
                });
            }
        }
        for prefix in ["ifaddr-", "route-", "route6-", "rule-"] {
            for (ns, name) in self.images.numbered(prefix) {
                self.rtnetlink(ns, &name, &names, &mut items);
            }
        }
        for prefix in ["nftables-", "iptables-", "ip6tables-"] {
            for (ns, name) in self.images.numbered(prefix) {
                self.firewall(ns, &name, prefix == "nftables-", &mut items);
            }
        }
        for (prefix, kind) in [("netns-ct-", "connection"), ("netns-exp-", "expectation")] {
            for (ns, name) in self.images.numbered(prefix) {
                self.connections(ns, &name, kind, &mut items);
            }
        }
        self.engine_network(&mut items);
        items
    }

    fn firewall(&self, ns: u32, name: &str, nft: bool, items: &mut Vec<NetworkItem>) {
        let Some(bytes) = self.images.bytes(name).filter(|b| !b.is_empty()) else { return };
        let member = self.member_name(name);
        let base = |offset: u64| NetworkItem {
            network_namespace: Some(ns),
            ..NetworkItem::new(
                "firewall",
                Source { member: member.clone(), offset: Some(offset), field: None },
            )
        };
        let rules = if nft { firewall::nftables(&bytes) } else { firewall::iptables(&bytes) };
        if rules.is_empty() {
            items.push(NetworkItem { size_bytes: Some(bytes.len() as u64), ..base(0) });
        }
        items.extend(rules.into_iter().map(|r| NetworkItem {
            firewall_table: r.table,
            chain: r.chain,
            rule: Some(r.text),
            criu_lock: Some(r.lock),
            ..base(r.offset)
        }));
    }

    fn connections(&self, ns: u32, name: &str, kind: &'static str, items: &mut Vec<NetworkItem>) {
        let Some(bytes) = self.images.bytes(name).filter(|b| !b.is_empty()) else { return };
        let order = Order { big_endian: self.is_big_endian() };
        let member = self.member_name(name);
        let (messages, whole) = netlink::packed(&bytes, order);
        if !whole {
            let offset = messages.last().map_or(0, |m| m.offset);
            self.images.warn(name, Some(offset), "the list of netlink messages ends in a damaged one");
        }
        for m in messages {
            let Some(connection) = conntrack::connection(&m, order) else {
                self.images.warn(name, Some(m.offset), "the message is damaged, or not about a connection");
                continue;
            };
            let source = Source { member: member.clone(), offset: Some(m.offset), field: None };
            items.push(NetworkItem {
                network_namespace: Some(ns),
                connection: Some(connection),
                ..NetworkItem::new(kind, source)
            });
        }
    }

    pub(super) fn member_name(&self, image: &str) -> String {
        self.images.find(image).map_or_else(|| image.to_owned(), |m| m.display_name().into_owned())
    }

    fn rtnetlink(
        &self,
        ns: u32,
        name: &str,
        names: &HashMap<(u32, u32), String>,
        items: &mut Vec<NetworkItem>,
    ) {
        let Some(bytes) = self.images.bytes(name).filter(|b| !b.is_empty()) else { return };
        let order = Order { big_endian: self.is_big_endian() };
        let member = self.member_name(name);
        let (messages, whole) = netlink::messages(&bytes, order);
        if !whole {
            let offset = messages.last().map_or(4, |m| m.offset);
            self.images.warn(name, Some(offset), "the list of netlink messages ends in a damaged one");
        }
        for m in messages {
            let source = Source { member: member.clone(), offset: Some(m.offset), field: None };
            // RTM_NEWADDR, RTM_NEWROUTE, RTM_NEWRULE
            let item = match m.kind {
                20 => address_item(m.body, order, source),
                24 => route_item(m.body, order, source),
                32 => Some(rule_item(m.body, order, source)),
                _ => None,
            };
            let Some(mut item) = item else { continue };
            item.network_namespace = Some(ns);
            if item.interface.is_none() {
                item.interface = item.interface_index.and_then(|i| names.get(&(ns, i))).cloned();
            }
            items.push(item);
        }
    }

    /// Podman's network.status, and annotations of CRI-O.
    fn engine_network(&self, items: &mut Vec<NetworkItem>) {
        let status = super::container::document(&self.images, "network.status");
        if let Some(networks) = status.as_ref().and_then(Value::as_object) {
            for (network, value) in networks {
                let Some(interfaces) = value.get("interfaces").and_then(Value::as_object) else { continue };
                for (interface, value) in interfaces {
                    podman_interface(network, interface, value, items);
                }
            }
        }
        let annotations = &self.metadata().annotations;
        for (key, value) in annotations {
            if key.starts_with("io.kubernetes.cri-o.IP.") && !value.is_empty() {
                items.push(NetworkItem {
                    address: Some(value.clone()),
                    ..NetworkItem::new("address", field("spec.dump", format!("annotations.{key}")))
                });
            }
        }
        let Some(result) = annotations
            .get("io.kubernetes.cri-o.CNIResult")
            .and_then(|json| serde_json::from_str::<Value>(json).ok())
        else {
            return;
        };
        let text = |v: &Value, key: &str| v.get(key).and_then(Value::as_str).map(str::to_owned);
        let list = |key: &str| result.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
        let interfaces = list("interfaces");
        for ip in list("ips") {
            let interface = ip
                .get("interface")
                .and_then(Value::as_u64)
                .and_then(|i| interfaces.get(usize::try_from(i).ok()?));
            items.push(NetworkItem {
                address: text(&ip, "address"),
                gateway: text(&ip, "gateway"),
                interface: interface.and_then(|i| text(i, "name")),
                link_address: interface.and_then(|i| text(i, "mac")),
                ..NetworkItem::new(
                    "address",
                    field("spec.dump", "annotations.io.kubernetes.cri-o.CNIResult".to_owned()),
                )
            });
        }
        for route in list("routes") {
            items.push(NetworkItem {
                address: text(&route, "dst"),
                gateway: text(&route, "gw"),
                ..NetworkItem::new(
                    "route",
                    field("spec.dump", "annotations.io.kubernetes.cri-o.CNIResult".to_owned()),
                )
            });
        }
    }
}

fn field(member: &str, field: String) -> Source {
    Source { member: member.to_owned(), offset: None, field: Some(field) }
}

fn podman_interface(network: &str, interface: &str, value: &Value, items: &mut Vec<NetworkItem>) {
    let text = |v: &Value, key: &str| v.get(key).and_then(Value::as_str).map(str::to_owned);
    let source = field("network.status", format!("{network}.interfaces.{interface}"));
    let mac = text(value, "mac_address");
    let base = NetworkItem {
        interface: Some(interface.to_owned()),
        network: Some(network.to_owned()),
        link_address: mac,
        ..NetworkItem::new("link", source)
    };
    items.push(base.clone());
    for subnet in value.get("subnets").and_then(Value::as_array).into_iter().flatten() {
        items.push(NetworkItem {
            kind: "address",
            address: text(subnet, "ipnet"),
            gateway: text(subnet, "gateway"),
            ..base.clone()
        });
    }
}

fn prefix(address: Option<&[u8]>, length: u8) -> Option<String> {
    Some(match address {
        None if length == 0 => "default".to_owned(),
        None => return None,
        Some(bytes) => format!("{}/{length}", netlink::address(bytes)?),
    })
}

/// `struct ifaddrmsg`: family, prefix length, flags, scope, index.
fn address_item(body: &[u8], order: Order, source: Source) -> Option<NetworkItem> {
    let attributes = netlink::attributes(body, 8, order);
    let get = |kind: u16| attributes.iter().find(|a| a.0 == kind).map(|a| a.1);
    let length = *body.get(1)?;
    // IFA_LOCAL is our end of a point-to-point link, IFA_ADDRESS the other.
    let own = get(2).or_else(|| get(1))?;
    Some(NetworkItem {
        address: Some(format!("{}/{length}", netlink::address(own)?)),
        scope: body.get(3).copied().map(scope),
        interface_index: order.u32(body, 4),
        interface: get(3).map(|label| {
            let end = label.iter().position(|b| *b == 0).unwrap_or(label.len());
            String::from_utf8_lossy(label.get(..end).unwrap_or(label)).into_owned()
        }),
        ..NetworkItem::new("address", source)
    })
}

/// `struct rtmsg`: family, lengths of destination and source, tos, table, protocol, scope, type, flags.
fn route_item(body: &[u8], order: Order, source: Source) -> Option<NetworkItem> {
    let attributes = netlink::attributes(body, 12, order);
    let get = |kind: u16| attributes.iter().find(|a| a.0 == kind).map(|a| a.1);
    let number = |kind: u16| get(kind).and_then(|v| order.u32(v, 0));
    let text = |kind: u16| get(kind).and_then(netlink::address).map(|a| a.to_string());
    Some(NetworkItem {
        address: prefix(get(1), *body.get(1)?),
        gateway: text(5),
        preferred_source: text(7),
        interface_index: number(4),
        metric: number(6),
        table: number(15).or_else(|| body.get(4).map(|t| u32::from(*t))),
        protocol: body.get(5).copied().map(protocol),
        scope: body.get(6).copied().map(scope),
        ..NetworkItem::new("route", source)
    })
}

/// `struct fib_rule_hdr`, laid out as `struct rtmsg`.
fn rule_item(body: &[u8], order: Order, source: Source) -> NetworkItem {
    let attributes = netlink::attributes(body, 12, order);
    let get = |kind: u16| attributes.iter().find(|a| a.0 == kind).map(|a| a.1);
    let number = |kind: u16| get(kind).and_then(|v| order.u32(v, 0));
    NetworkItem {
        address: get(1).and_then(|a| prefix(Some(a), *body.get(1)?)),
        table: number(15).or_else(|| body.get(4).map(|t| u32::from(*t))),
        metric: number(6),
        ..NetworkItem::new("rule", source)
    }
}
