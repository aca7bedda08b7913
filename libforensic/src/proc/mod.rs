//! Reads what /proc said about the processes of a container: the archive that
//! a triage makes where CRIU cannot.
//!
//! Such an archive holds the text files of /proc under `triage/`, as the node
//! gave them, while the processes went on:
//!
//! ```text
//! triage/about.json              which container, when, with what
//! triage/proc/PID/status …       the files of one process, by its number on the node
//! triage/proc/PID/links          name NUL target NUL, of exe, cwd, root, fd/N, ns/X
//! triage/proc/PID/fdinfo         the lines of fdinfo/N, each behind `fdinfo/N:`
//! triage/proc/PID/fdstat         stat(1) of what fd/N leads to: name, mode, size, links, major
//! triage/proc/PID/task/TID/…     status, stat and comm of each thread
//! triage/proc/PID/ranges         `start end` of memory that was read, in the order of the pages
//! triage/pages-PID.img           that memory
//! triage/net/INODE/tcp …         the tables of one network namespace
//! triage/exe/DEVICE-INODE        copies of executables
//! ```
//!
//! From them the records are made that CRIU would have written, as far as
//! /proc tells; what it does not tell is absent in them. The model reads
//! these, so that everything that reads a checkpoint reads a triage. The
//! records are no part of the archive, and no place in it can be given for
//! them: [`Member::is_derived`](crate::archive::Member::is_derived) marks them.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod files;
mod net;
mod process;
mod text;

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::archive::{Archive, MemberKind};
use crate::error::Warning;
use crate::image::{ByteOrder, Kind, Writer, proto};
use crate::model::Text;
use files::Table;
use net::Sockets;
use process::Groups;

/// The directory of everything in such an archive.
const ROOT: &str = "triage/";
/// The mark of such an archive.
const ABOUT: &[u8] = b"triage/about.json";

/// How facts were read that are no checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Acquisition {
    /// `proc`: from the text files of /proc.
    pub method: String,
    /// Whether the processes stood still meanwhile; never, with this method.
    pub frozen: bool,
    /// When the first file was read, by the node's clock (RFC 3339).
    pub began: Option<String>,
    /// When the last file was read, by the node's clock (RFC 3339).
    pub ended: Option<String>,
    /// Whether memory was read.
    pub memory: bool,
    /// The kernel, as uname(1) says.
    pub kernel: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct About {
    namespace: Option<String>,
    pod: Option<String>,
    pod_uid: Option<String>,
    container: Option<String>,
    container_id: Option<String>,
    image: Option<String>,
    image_id: Option<String>,
    runtime: Option<String>,
    memory: bool,
}

/// What the model asks of a triage besides records.
#[derive(Debug, Default)]
pub(crate) struct Triage {
    about: About,
    acquisition: Acquisition,
    /// Directory of each process, by the number that the container gave it.
    directories: BTreeMap<u32, String>,
    /// Under which path each copied executable was run.
    executables: HashMap<Vec<u8>, Text>,
}

/// What /proc tells that CRIU takes from memory, or keeps in another form.
#[derive(Debug, Default)]
pub(crate) struct Direct {
    pub(crate) cmdline: Option<Vec<Text>>,
    pub(crate) environ: Option<Vec<Text>>,
    pub(crate) pending: Option<u64>,
    pub(crate) ignored: Option<u64>,
    pub(crate) caught: Option<u64>,
    pub(crate) personality: Option<u64>,
}

impl Triage {
    /// Makes the records of an archive that is a triage, and adds them to it.
    pub(crate) fn recognise(archive: &mut Archive) -> Option<(Self, Vec<Warning>)> {
        let about = archive.member(ABOUT)?;
        let mut warnings = Vec::new();
        let about: About = match archive.read(about).map(|bytes| serde_json::from_slice(&bytes)) {
            Ok(Ok(about)) => about,
            Ok(Err(e)) => {
                warnings.push(Warning::new(format!("not as it should be: {e}")).in_member(ABOUT));
                About::default()
            }
            Err(e) => {
                warnings.push(Warning::from(&e));
                About::default()
            }
        };
        let mut maker = Maker { archive, warnings, records: BTreeMap::new(), executables: HashMap::new() };
        let directories = maker.make();
        let time = |name: &str| {
            let seconds = text::decimal(&maker.read(name)?)?;
            crate::model::rfc3339(seconds)
        };
        let acquisition = Acquisition {
            method: String::from("proc"),
            frozen: false,
            began: time("began"),
            ended: time("ended"),
            memory: about.memory,
            kernel: maker.read("uname").map(|name| String::from_utf8_lossy(name.trim_ascii()).into_owned()),
        };
        let Maker { records, warnings, executables, .. } = maker;
        archive
            .derive(records.into_iter().map(|(name, bytes)| (format!("{ROOT}{name}").into_bytes(), bytes)));
        Some((Self { about, acquisition, directories, executables }, warnings))
    }

    pub(crate) fn acquisition(&self) -> &Acquisition {
        &self.acquisition
    }

    /// Fills in what the triage knows of the container.
    pub(crate) fn describe(&self, metadata: &mut crate::model::Metadata) {
        let about = &self.about;
        metadata.engine = crate::model::Engine::Triage;
        metadata.container.name.clone_from(&about.container);
        metadata.container.id.clone_from(&about.container_id);
        metadata.container.image.clone_from(&about.image);
        metadata.container.image_ref.clone_from(&about.image_id);
        metadata.runtime.clone_from(&about.runtime);
        metadata.pod = about.pod.as_ref().map(|pod| crate::model::Pod {
            name: Some(pod.clone()),
            namespace: about.namespace.clone(),
            uid: about.pod_uid.clone(),
        });
    }

    /// Returns the path under which a copied executable was run.
    pub(crate) fn executable(&self, copy: &[u8]) -> Option<Text> {
        self.executables.get(copy).cloned()
    }

    /// Returns what is read as it is, of one process.
    pub(crate) fn direct(&self, archive: &Archive, pid: u32) -> Direct {
        let Some(directory) = self.directories.get(&pid) else { return Direct::default() };
        let read = |name: &str| read(archive, &format!("{directory}/{name}")).ok().flatten();
        let strings = |bytes: Vec<u8>| {
            let bytes = bytes.strip_suffix(&[0]).unwrap_or(&bytes);
            if bytes.is_empty() { Vec::new() } else { bytes.split(|b| *b == 0).map(Text::from).collect() }
        };
        let status = read("status").unwrap_or_default();
        let mask = |name: &str| text::field(&status, name).and_then(text::hex);
        // Signals for the process wait beside those for its first thread.
        let pending = mask("ShdPnd");
        Direct {
            cmdline: read("cmdline").map(strings),
            environ: read("environ").map(strings).filter(|all| !all.is_empty()),
            pending,
            ignored: mask("SigIgn"),
            caught: mask("SigCgt"),
            personality: read("personality").and_then(|text| text::hex(&text)),
        }
    }
}

fn read(archive: &Archive, name: &str) -> crate::error::Result<Option<Vec<u8>>> {
    match archive.member(format!("{ROOT}{name}").as_bytes()) {
        Some(member) if matches!(member.kind, MemberKind::File | MemberKind::Hardlink) => {
            archive.read(member).map(Some)
        }
        _ => Ok(None),
    }
}

/// Makes images out of text.
struct Maker<'a> {
    archive: &'a Archive,
    warnings: Vec<Warning>,
    records: BTreeMap<String, Vec<u8>>,
    executables: HashMap<Vec<u8>, Text>,
}

impl Maker<'_> {
    /// Returns a file below `triage/`; one that cannot be read is a warning.
    fn read(&self, name: &str) -> Option<Vec<u8>> {
        read(self.archive, name).ok().flatten()
    }

    fn warn(&mut self, member: &str, what: impl Into<String>) {
        self.warnings.push(Warning::new(what.into()).in_member(format!("{ROOT}{member}")));
    }

    /// Puts records under the name of the image that CRIU keeps them in.
    fn put<M: prost::Message>(&mut self, name: &str, messages: &[M]) {
        let Some((kind, _)) = Kind::from_file_name(name.as_bytes()) else { return };
        let mut bytes = Vec::new();
        let written = Writer::new(&mut bytes, kind, ByteOrder::Little)
            .and_then(|mut writer| messages.iter().try_for_each(|message| writer.message(message, &[])));
        match written {
            Ok(()) => {
                self.records.insert(name.to_owned(), bytes);
            }
            Err(e) => self.warn(name, e.to_string()),
        }
    }

    /// Makes every image; returns the directory of each process.
    fn make(&mut self) -> BTreeMap<u32, String> {
        let sources = self.sources();
        let mut sockets: BTreeMap<u32, Sockets> = BTreeMap::new();
        for namespace in self.names("net/") {
            let Ok(inode) = namespace.parse() else { continue };
            let tables = sockets.entry(inode).or_default();
            for table in self.names(&format!("net/{namespace}/")) {
                let text = read(self.archive, &format!("net/{namespace}/{table}")).ok().flatten();
                tables.read(&table, &text.unwrap_or_default(), Some(inode));
            }
        }
        let mut files = Table::default();
        let mut directories = BTreeMap::new();
        let mut tree = Vec::new();
        let mut groups = Groups::default();
        let inside: HashMap<u32, u32> = sources.iter().map(|s| (s.host_pid, s.pid)).collect();
        for source in &sources {
            if directories.contains_key(&source.pid) {
                let what = format!("a second process {} in the same container; the first counts", source.pid);
                self.warn(&source.directory, what);
                continue;
            }
            directories.insert(source.pid, source.directory.clone());
            tree.push(source.tree(&inside));
            self.process(source, &mut files, &sockets, &mut groups);
        }
        let host = self.read("host/links").map(|links| process::namespaces(&process::links(&links)));
        // Whose the closed connections of the node's own namespace were is not told.
        let of_node = host.as_ref().and_then(|ids| ids.net_ns_id);
        for (_, tables) in sockets.iter_mut().filter(|(inode, _)| Some(**inode) != of_node) {
            for entry in tables.take_unheld() {
                files.unheld(entry);
            }
        }
        tree.sort_by_key(|entry| entry.pid);
        self.put("pstree.img", &tree);
        files.entries.sort_by_key(|entry| (entry.r#type, entry.id));
        self.put("files.img", &files.entries);
        if !files.remaps.is_empty() {
            self.put("remap-fpath.img", &files.remaps);
        }
        if !files.memfds.is_empty() {
            self.put("memfd.img", &files.memfds);
        }
        self.put("cgroup.img", &[proto::CgroupEntry { sets: groups.sets, controllers: Vec::new() }]);
        self.put("inventory.img", &[proto::InventoryEntry { root_ids: host, ..Default::default() }]);
        directories
    }

    /// The parts of names that follow `start` and end at the next slash, each once.
    fn names(&self, start: &str) -> Vec<String> {
        let start = format!("{ROOT}{start}");
        let mut names: Vec<String> = self
            .archive
            .members()
            .iter()
            .filter_map(|member| member.name.strip_prefix(start.as_bytes()))
            .filter_map(|rest| std::str::from_utf8(rest.split(|b| *b == b'/').next()?).ok())
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        names.sort();
        names.dedup();
        names
    }
}
