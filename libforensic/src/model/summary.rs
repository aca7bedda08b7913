//! One archive in a few lines.

use std::collections::BTreeMap;

use serde::Serialize;

use super::namespace::NamespaceKind;
use super::{Checkpoint, Container, Engine, Pod, RequestedMount, State, UserNamespace};
use crate::archive::MemberKind;
use crate::image::proto;

/// What `show` prints about an archive. Absent facts are `None`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Summary {
    /// How the facts were read, where they are no checkpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acquisition: Option<super::Acquisition>,
    /// Who made the archive.
    pub engine: Engine,
    /// The engine's version.
    pub engine_version: Option<String>,
    /// The low-level runtime.
    pub runtime: Option<String>,
    /// The container.
    pub container: Container,
    /// The pod.
    pub pod: Option<Pod>,
    /// When the container was created (RFC 3339).
    pub created: Option<String>,
    /// When it was checkpointed (RFC 3339); `None` where the engine records none.
    pub checkpointed: Option<String>,
    /// The newest modification time of a member (RFC 3339).
    pub archived: Option<String>,
    /// When it had been restored from an earlier checkpoint (RFC 3339).
    pub restored: Option<String>,
    /// Restarts of the container in its pod.
    pub restart_count: Option<u32>,
    /// Host name inside the container.
    pub hostname: Option<String>,
    /// How the archive is packed: `tar`, `directory`, `oci-image`.
    pub format: &'static str,
    /// `none`, `gzip` or `zstd`.
    pub compression: &'static str,
    /// About the images.
    pub criu: CriuInfo,
    /// Processor architecture.
    pub architecture: Option<&'static str>,
    /// Page size in bytes.
    pub page_size_bytes: Option<u64>,
    /// Processes, the dead included.
    pub process_count: Option<usize>,
    /// Threads of the processes that are not dead.
    pub thread_count: Option<usize>,
    /// Sizes of parts of the archive.
    pub sizes: Sizes,
    /// CRIU's own statistics of the dump.
    pub stats: Option<Stats>,
    /// When the container started (RFC 3339); only containerd records it.
    pub started: Option<String>,
    /// Process id of the first process on the host; only containerd records it.
    pub host_pid: Option<u32>,
    /// Labels of the container.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the runtime specification.
    pub annotations: BTreeMap<String, String>,
    /// Annotations of the image that the checkpoint was packed in.
    pub image_annotations: BTreeMap<String, String>,
    /// User namespaces with their id maps.
    pub user_namespaces: Vec<UserNamespace>,
    /// Host and domain name, and the clocks of time namespaces.
    pub clocks: Vec<Clocks>,
    /// Log files in the archive.
    pub logs: Vec<Log>,
    /// Mounts that the runtime was asked for.
    pub requested_mounts: Vec<RequestedMount>,
    /// `config.dump` as it is: Podman's holds the whole configuration of the container.
    pub config: Option<serde_json::Value>,
    /// The CRI status of the container, as it is.
    pub status: Option<serde_json::Value>,
    /// containerd's own status of the container, as it is.
    pub containerd_status: Option<serde_json::Value>,
}

/// Readings of clocks when the dump was made, inside a time namespace.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Clocks {
    /// CRIU's number of the namespace; 0 where the processes had none of their own.
    pub time_namespace: u32,
    /// `CLOCK_MONOTONIC`.
    pub monotonic_ns: Option<u64>,
    /// `CLOCK_BOOTTIME`: time since the machine started.
    pub boottime_ns: Option<u64>,
}

/// A log file in the archive.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Log {
    /// `container`: what it wrote to its standard streams; `criu`: CRIU's own.
    pub kind: &'static str,
    /// The member.
    pub member: String,
    /// Size in bytes.
    pub size_bytes: u64,
}

/// What the inventory says about the images.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CriuInfo {
    /// Image format: 1 before CRIU 1.6, 2 since, 3 with compressed pages.
    pub image_version: Option<u32>,
    /// `off`, `page` or `region`.
    pub page_compression: Option<&'static str>,
    /// Identifier of the run that made the dump.
    pub dump_run_id: Option<String>,
    /// Plugins that took part; `cuda_plugin` moves the memory of GPUs into the dump.
    pub plugins: Vec<String>,
    /// `selinux` or `apparmor`.
    pub lsm: Option<&'static str>,
    /// How the network was held still: `iptables`, `nftables`, `skip`.
    pub network_lock: Option<&'static str>,
    /// Whether TCP connections were dumped as closed.
    pub tcp_close: Option<bool>,
    /// Uptime of the host at the dump; only with memory tracking.
    pub uptime_ns: Option<u64>,
}

/// Sizes in bytes.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Sizes {
    /// The archive as a file, or all files of a directory.
    pub archive_bytes: Option<u64>,
    /// CRIU's images without the pages.
    pub images_bytes: u64,
    /// The pages images.
    pub memory_pages_bytes: u64,
    /// The changes to the root file system, as stored.
    pub rootfs_diff_bytes: Option<u64>,
}

/// CRIU's statistics of a dump.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Stats {
    /// Time until all processes stood still.
    pub freezing_time_ns: Option<u64>,
    /// Time they stood still.
    pub frozen_time_ns: Option<u64>,
    /// Time for reading memory.
    pub memdump_time_ns: Option<u64>,
    /// Time for writing memory.
    pub memwrite_time_ns: Option<u64>,
    /// Pages looked at.
    pub pages_scanned: Option<u64>,
    /// Pages left out because the parent dump has them.
    pub pages_skipped_parent: Option<u64>,
    /// Pages written.
    pub pages_written: Option<u64>,
}

/// What a log is of, by the name of its member.
pub(super) fn log_kind(name: &[u8]) -> Option<&'static str> {
    match name {
        b"container.log" | b"ctr.log" | b"io.kubernetes.cri-o.LogPath" => Some("container"),
        b"dump.log" | b"dump.log.gz" | b"restore.log" => Some("criu"),
        _ => None,
    }
}

impl Checkpoint {
    /// Puts together what there is to say about the archive as a whole.
    pub fn summary(&self) -> Summary {
        let m = self.metadata();
        let mut threads = 0_usize;
        for pid in self.pids() {
            if let Ok(task) = self.task(pid)
                && task.state != Some(State::Dead)
            {
                threads = threads.saturating_add(task.threads.len());
            }
        }
        let inventory = self.inventory();
        let known = self.has_images().then(|| self.pids().len());
        Summary {
            engine: m.engine,
            acquisition: self.acquisition().cloned(),
            engine_version: m.engine_version.clone(),
            runtime: m.runtime.clone(),
            container: m.container.clone(),
            pod: m.pod.clone(),
            created: m.created.clone(),
            checkpointed: m.checkpointed.clone(),
            archived: self.newest_member(),
            restored: m.restored.clone(),
            restart_count: m.restart_count,
            hostname: m.hostname.clone().or_else(|| self.nodename()),
            format: self.archive().format().as_str(),
            compression: self.archive().compression().as_str(),
            criu: CriuInfo {
                image_version: inventory.and_then(|i| i.img_version),
                page_compression: inventory.filter(|_| self.acquisition().is_none()).map(|i| {
                    match i.compress {
                        Some(1) => "page",
                        Some(2) => "region",
                        _ => "off",
                    }
                }),
                dump_run_id: inventory
                    .and_then(|i| i.dump_criu_run_id.clone())
                    .map(|id| String::from_utf8_lossy(&id).into_owned()),
                plugins: inventory
                    .and_then(|i| i.plugins_entry.as_ref())
                    .map(|p| p.plugins.iter().map(|p| String::from_utf8_lossy(p).into_owned()).collect())
                    .unwrap_or_default(),
                lsm: inventory.and_then(|i| match i.lsmtype {
                    Some(1) => Some("selinux"),
                    Some(2) => Some("apparmor"),
                    _ => None,
                }),
                network_lock: inventory.and_then(|i| match i.network_lock_method {
                    Some(0) => Some("iptables"),
                    Some(1) => Some("nftables"),
                    Some(2) => Some("skip"),
                    _ => None,
                }),
                tcp_close: inventory.and_then(|i| i.tcp_close),
                uptime_ns: inventory.and_then(|i| i.dump_uptime).map(|us| us.saturating_mul(1000)),
            },
            architecture: self.architecture().map(super::Architecture::as_str),
            page_size_bytes: self.has_images().then(|| self.page_size()),
            process_count: known,
            thread_count: known.map(|_| threads),
            sizes: self.sizes(),
            stats: self.stats(),
            started: m.started.clone(),
            host_pid: m.host_pid,
            labels: m.labels.clone(),
            annotations: m.annotations.clone(),
            image_annotations: m.image_annotations.clone(),
            user_namespaces: self.user_namespaces().to_vec(),
            clocks: self.clocks(),
            logs: self.logs(),
            requested_mounts: self.requested_mounts().to_vec(),
            config: m.config.clone(),
            status: m.status.clone(),
            containerd_status: m.containerd_status.clone(),
        }
    }

    fn clocks(&self) -> Vec<Clocks> {
        self.miss_namespaces(NamespaceKind::User);
        self.miss_namespaces(NamespaceKind::Time);
        let read = |(id, name): (u32, String)| {
            let entry = self.images.one::<proto::TimensEntry>(&name)?;
            let ns = |t: Option<&proto::Timespec>| {
                let t = t?;
                t.tv_sec?.checked_mul(1_000_000_000)?.checked_add(t.tv_nsec.unwrap_or(0))
            };
            Some(Clocks {
                time_namespace: id,
                monotonic_ns: ns(entry.monotonic.as_ref()),
                boottime_ns: ns(entry.boottime.as_ref()),
            })
        };
        self.images.numbered("timens-").into_iter().filter_map(read).collect()
    }

    /// Returns the log files in the archive.
    pub fn logs(&self) -> Vec<Log> {
        let log = |m: &crate::archive::Member| {
            let kind = log_kind(m.base_name())?;
            let size_bytes = self.archive().resolved(m).size;
            Some(Log { kind, member: m.display_name().into_owned(), size_bytes })
        };
        let files = self.archive().members().iter().filter(|m| self.archive().irregular(m).is_none());
        files.filter_map(log).collect()
    }

    fn nodename(&self) -> Option<String> {
        self.miss_namespaces(NamespaceKind::Uts);
        let member = self.images.starting_with("utsns-").next()?;
        let name = String::from_utf8_lossy(member.base_name()).into_owned();
        let uts = self.images.one::<proto::UtsnsEntry>(&name)?;
        uts.nodename.map(|n| String::from_utf8_lossy(&n).into_owned()).filter(|n| !n.is_empty())
    }

    fn newest_member(&self) -> Option<String> {
        self.archive().members().iter().filter_map(|m| m.mtime).max().and_then(rfc3339)
    }

    fn sizes(&self) -> Sizes {
        let mut sizes = Sizes { archive_bytes: self.archive().bytes(), ..Sizes::default() };
        let real = |m: &&crate::archive::Member| m.kind == MemberKind::File && !m.is_derived();
        for member in self.archive().members().iter().filter(real) {
            let base = member.base_name();
            if base.starts_with(b"pages-") && base.ends_with(b".img") {
                sizes.memory_pages_bytes = sizes.memory_pages_bytes.saturating_add(member.size);
            } else if base.ends_with(b".img") {
                sizes.images_bytes = sizes.images_bytes.saturating_add(member.size);
            } else if member.name == b"rootfs-diff.tar" {
                sizes.rootfs_diff_bytes = Some(member.size);
            }
        }
        sizes
    }

    /// Returns CRIU's statistics of the dump, if they are in the archive.
    pub fn stats(&self) -> Option<Stats> {
        // Engines keep the statistics beside the images, CRIU itself among them.
        let archive = self.archive();
        let member = archive.member(b"stats-dump").or_else(|| self.images.find("stats-dump"))?;
        let bytes = match archive.read(member) {
            Ok(bytes) => bytes,
            Err(e) => {
                self.images.warnings.push(crate::Warning::from(&e));
                return None;
            }
        };
        let name = String::from_utf8_lossy(&member.name).into_owned();
        let (records, errors) = crate::image::read_all::<proto::StatsEntry>(&bytes);
        for e in errors {
            self.images.warnings.push(crate::Warning::new(e.to_string()).in_member(&name).at(e.offset()));
        }
        let dump = records.into_iter().next()?.1.dump?;
        // CRIU counts in microseconds.
        let ns = |us: Option<u32>| us.map(|us| u64::from(us).saturating_mul(1000));
        Some(Stats {
            freezing_time_ns: ns(dump.freezing_time),
            frozen_time_ns: ns(dump.frozen_time),
            memdump_time_ns: ns(dump.memdump_time),
            memwrite_time_ns: ns(dump.memwrite_time),
            pages_scanned: dump.pages_scanned,
            pages_skipped_parent: dump.pages_skipped_parent,
            pages_written: dump.pages_written,
        })
    }
}

/// Formats seconds since the epoch as RFC 3339 in UTC; `None` for what is no time.
pub(crate) fn rfc3339(seconds: i64) -> Option<String> {
    jiff::Timestamp::from_second(seconds).ok().map(|t| t.to_string())
}
