//! Namespaces: who is in which, which are the host's, and what the dump holds of each.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::network::Source;
use super::text::{Text, put_text};
use super::userns::IdRange;
use super::{Checkpoint, Namespaces};
use crate::image::proto;

/// What a namespace isolates, in the order and with the names of /proc/PID/ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum NamespaceKind {
    /// Control groups.
    Cgroup,
    /// System V IPC and POSIX message queues.
    Ipc,
    /// Mounts.
    Mnt,
    /// Network.
    Net,
    /// Process ids.
    Pid,
    /// Clocks.
    Time,
    /// User ids.
    User,
    /// Host name.
    Uts,
}

impl NamespaceKind {
    /// All kinds.
    pub const ALL: [Self; 8] =
        [Self::Cgroup, Self::Ipc, Self::Mnt, Self::Net, Self::Pid, Self::Time, Self::User, Self::Uts];

    /// Returns the name that /proc, JSON and tables use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cgroup => "cgroup",
            Self::Ipc => "ipc",
            Self::Mnt => "mnt",
            Self::Net => "net",
            Self::Pid => "pid",
            Self::Time => "time",
            Self::User => "user",
            Self::Uts => "uts",
        }
    }

    /// The beginnings of the names of images that are about one namespace of this kind.
    fn images(self) -> &'static [&'static str] {
        match self {
            Self::Cgroup => &[],
            Self::Ipc => &["ipcns-var-", "ipcns-shm-", "ipcns-msg-", "ipcns-sem-"],
            Self::Mnt => &["mountpoints-"],
            Self::Net => &[
                "netns-",
                "netdev-",
                "ifaddr-",
                "route-",
                "route6-",
                "rule-",
                "iptables-",
                "ip6tables-",
                "nftables-",
                "netns-ct-",
                "netns-exp-",
            ],
            Self::Pid => &["pidns-"],
            Self::Time => &["timens-"],
            Self::User => &["userns-"],
            Self::Uts => &["utsns-"],
        }
    }

    pub(super) fn of(self, ids: &proto::TaskKobjIdsEntry) -> Option<u32> {
        match self {
            Self::Cgroup => ids.cgroup_ns_id,
            Self::Ipc => ids.ipc_ns_id,
            Self::Mnt => ids.mnt_ns_id,
            Self::Net => ids.net_ns_id,
            Self::Pid => ids.pid_ns_id,
            Self::Time => ids.time_ns_id,
            Self::User => ids.user_ns_id,
            Self::Uts => ids.uts_ns_id,
        }
    }

    fn among(self, namespaces: &Namespaces) -> Option<u32> {
        match self {
            Self::Cgroup => namespaces.cgroup,
            Self::Ipc => namespaces.ipc,
            Self::Mnt => namespaces.mnt,
            Self::Net => namespaces.net,
            Self::Pid => namespaces.pid,
            Self::Time => namespaces.time,
            Self::User => namespaces.user,
            Self::Uts => namespaces.uts,
        }
    }
}

/// One namespace. Absent facts are `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Namespace {
    /// What it isolates.
    pub kind: NamespaceKind,
    /// CRIU's number; the kernel's is not kept.
    pub id: u32,
    /// Whether CRIU itself ran in it: with an engine on the node that is the host's own.
    ///
    /// `None` where the inventory does not name CRIU's namespaces.
    pub host: Option<bool>,
    /// What tells whether it is the host's.
    pub host_source: Option<Source>,
    /// Processes in it, in the order of the process table.
    pub processes: Vec<u32>,
    /// Members that hold something of it; of the host's namespaces CRIU dumps nothing.
    pub members: Vec<String>,
    /// Key under which it stayed outside the dump: shared with the pod or given from outside.
    pub external: Option<Text>,
    /// Host name (of a UTS namespace).
    pub nodename: Option<Text>,
    /// NIS domain name (of a UTS namespace).
    pub domainname: Option<Text>,
    /// User ids inside and outside (of a user namespace).
    pub uid_map: Vec<IdRange>,
    /// Group ids inside and outside (of a user namespace).
    pub gid_map: Vec<IdRange>,
}

impl Serialize for Namespace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &self.kind)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("host", &self.host)?;
        map.serialize_entry("hostSource", &self.host_source)?;
        map.serialize_entry("processes", &self.processes)?;
        map.serialize_entry("members", &self.members)?;
        put_text(&mut map, "external", self.external.as_ref())?;
        put_text(&mut map, "nodename", self.nodename.as_ref())?;
        put_text(&mut map, "domainname", self.domainname.as_ref())?;
        map.serialize_entry("uidMap", &self.uid_map)?;
        map.serialize_entry("gidMap", &self.gid_map)?;
        map.end()
    }
}

fn text(bytes: Option<Vec<u8>>) -> Option<Text> {
    bytes.filter(|b| !b.is_empty()).map(Text::new)
}

impl Checkpoint {
    /// Returns every namespace that a process is in or that an image is about, by kind and number.
    ///
    /// Whether one is the host's is read off the inventory: `root_ids` are the
    /// namespaces of CRIU's own process (criu/namespaces.c), and engines run
    /// it on the node, outside of all containers. Where CRIU itself ran in a
    /// container, "host" is that container.
    pub fn namespaces(&self) -> Vec<Namespace> {
        for kind in NamespaceKind::ALL {
            self.miss_namespaces(kind);
        }
        let own = self.inventory().and_then(|i| i.root_ids);
        let mut found: BTreeMap<(NamespaceKind, u32), Namespace> = BTreeMap::new();
        let entry = |kind: NamespaceKind, id: u32| Namespace {
            kind,
            id,
            host: None,
            host_source: None,
            processes: Vec::new(),
            members: Vec::new(),
            external: None,
            nodename: None,
            domainname: None,
            uid_map: Vec::new(),
            gid_map: Vec::new(),
        };
        for pid in self.pids() {
            let Ok(Some(ids)) = self.ids(pid) else { continue };
            let namespaces = Namespaces::from_ids(&ids);
            for kind in NamespaceKind::ALL {
                if let Some(id) = kind.among(&namespaces) {
                    found.entry((kind, id)).or_insert_with(|| entry(kind, id)).processes.push(pid);
                }
            }
        }
        for kind in NamespaceKind::ALL {
            for prefix in kind.images() {
                for (id, name) in self.images.numbered(prefix) {
                    // CRIU writes the clocks under 0 when nobody has a time namespace.
                    if id != 0 {
                        let namespace = found.entry((kind, id)).or_insert_with(|| entry(kind, id));
                        namespace.members.push(self.member_name(&name));
                    }
                }
            }
        }
        let mut all: Vec<Namespace> = found.into_values().collect();
        for namespace in &mut all {
            if let Some(host) = own.as_ref().and_then(|ids| namespace.kind.of(ids)) {
                namespace.host = Some(host == namespace.id);
                let field = format!("root_ids.{}_ns_id", namespace.kind.as_str());
                let member = self.member_name("inventory.img");
                namespace.host_source = Some(Source { member, offset: None, field: Some(field) });
            }
            self.fill_namespace(namespace);
        }
        all
    }

    fn fill_namespace(&self, namespace: &mut Namespace) {
        let id = namespace.id;
        match namespace.kind {
            NamespaceKind::Uts => {
                if let Some(uts) = self.images.optional::<proto::UtsnsEntry>(&format!("utsns-{id}.img")) {
                    namespace.nodename = text(uts.nodename);
                    // The kernel's way to say that none was set.
                    namespace.domainname = text(uts.domainname.filter(|d| d != b"(none)"));
                }
            }
            NamespaceKind::User => {
                if let Some(user) = self.user_namespaces().iter().find(|n| n.id == id) {
                    namespace.uid_map.clone_from(&user.uid_map);
                    namespace.gid_map.clone_from(&user.gid_map);
                }
            }
            NamespaceKind::Net => {
                let net = self.images.optional::<proto::NetnsEntry>(&format!("netns-{id}.img"));
                namespace.external = net.and_then(|n| text(n.ext_key));
            }
            NamespaceKind::Pid => {
                let pid = self.images.optional::<proto::PidnsEntry>(&format!("pidns-{id}.img"));
                namespace.external = pid.and_then(|n| text(n.ext_key));
            }
            NamespaceKind::Cgroup | NamespaceKind::Ipc | NamespaceKind::Mnt | NamespaceKind::Time => {}
        }
    }
}
