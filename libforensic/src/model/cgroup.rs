//! Control groups: who is in which, and what the groups were set to.

use std::collections::HashMap;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::text::{put_text, put_texts};
use super::{Cgroup, Checkpoint, Text};
use crate::image::proto;

/// A directory of a cgroup hierarchy, with the files that CRIU keeps of it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CgroupDirectory {
    /// 1 or 2, by the hierarchy that the directory is in.
    pub version: u8,
    /// Controllers of a version 1 hierarchy (`cpu`, or `name=systemd`); empty for version 2.
    pub controllers: Vec<Text>,
    /// The path below the hierarchy's root, as /proc/PID/cgroup has it.
    pub path: Text,
    /// Processes that are in it, threads aside.
    pub processes: Vec<u32>,
    /// Settings; `None` for a group whose directory is not in the dump.
    pub properties: Option<Vec<CgroupProperty>>,
    /// Permission bits, with the type.
    pub mode: Option<u32>,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
    /// The directory's record; its children are directories of their own here.
    pub raw: Option<proto::CgroupDirEntry>,
}

/// A file of a cgroup directory.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CgroupProperty {
    /// The file's name: `memory.max`, `cpu.shares` …
    pub name: Text,
    /// What was in it, without the last line end.
    pub value: Text,
}

impl Serialize for CgroupProperty {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        put_text(&mut map, "name", Some(&self.name))?;
        put_text(&mut map, "value", Some(&self.value))?;
        map.end()
    }
}

impl Serialize for CgroupDirectory {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("version", &self.version)?;
        put_texts(&mut map, "controllers", Some(&self.controllers))?;
        put_text(&mut map, "path", Some(&self.path))?;
        map.serialize_entry("processes", &self.processes)?;
        map.serialize_entry("properties", &self.properties)?;
        map.serialize_entry("mode", &self.mode.map(|m| format!("{m:07o}")))?;
        map.serialize_entry("uid", &self.uid)?;
        map.serialize_entry("gid", &self.gid)?;
        map.end()
    }
}

/// Most directories of a dump that are listed.
const DIRECTORIES: usize = 1 << 16;

/// Controllers and path, which say which directory it is.
type Key = (Vec<Text>, Text);

/// One hierarchy's directories on their way into the list: the path above, and the record.
type Pending = (Vec<u8>, proto::CgroupDirEntry);

fn controllers(names: &[u8]) -> Vec<Text> {
    names.split(|b| *b == b',').filter(|n| !n.is_empty()).map(Text::from).collect()
}

/// The `/`-separated parts of the directory below `above`, with a slash before each.
fn joined(above: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = above.to_vec();
    for part in name.split(|b| *b == b'/').filter(|p| !p.is_empty()) {
        path.push(b'/');
        path.extend_from_slice(part);
    }
    path
}

fn is_version_2(controllers: &[Text]) -> bool {
    controllers.is_empty()
}

impl CgroupDirectory {
    fn new(key: Key) -> Self {
        Self {
            version: if is_version_2(&key.0) { 2 } else { 1 },
            controllers: key.0,
            path: key.1,
            processes: Vec::new(),
            properties: None,
            mode: None,
            uid: None,
            gid: None,
            raw: None,
        }
    }

    fn fill(&mut self, mut raw: proto::CgroupDirEntry) {
        raw.children.clear();
        let property = |p: &proto::CgroupPropEntry| CgroupProperty {
            name: Text::new(p.name.clone().unwrap_or_default()),
            value: Text::from(trimmed(p.value.as_deref().unwrap_or_default())),
        };
        self.properties = Some(raw.properties.iter().map(property).collect());
        let perms = raw.dir_perms.as_ref();
        self.mode = perms.and_then(|p| p.mode);
        self.uid = perms.and_then(|p| p.uid);
        self.gid = perms.and_then(|p| p.gid);
        self.raw = Some(raw);
    }
}

fn trimmed(value: &[u8]) -> &[u8] {
    value.strip_suffix(b"\n").unwrap_or(value)
}

impl Checkpoint {
    /// Returns the groups of a process; `None` where CRIU recorded none.
    pub(super) fn cgroups_of(&self, core: Option<&proto::CoreEntry>) -> Option<Vec<Cgroup>> {
        let set = cgroup_set(core?)?;
        self.miss_cgroups(set);
        self.cgroup_sets().get(&set).cloned()
    }

    fn cgroup_entry(&self) -> Option<proto::CgroupEntry> {
        self.images.optional::<proto::CgroupEntry>("cgroup.img")
    }

    fn cgroup_sets(&self) -> &HashMap<u32, Vec<Cgroup>> {
        self.cgroups.get_or_init(|| {
            let sets = self.cgroup_entry().map(|e| e.sets).unwrap_or_default();
            sets.into_iter()
                .map(|set| {
                    let groups = set.ctls.into_iter().map(|c| Cgroup {
                        controllers: controllers(c.name.as_deref().unwrap_or_default()),
                        namespace_root: namespace_root(&c),
                        path: Text::new(c.path.unwrap_or_default()),
                    });
                    (set.id.unwrap_or(0), groups.collect())
                })
                .collect()
        })
    }

    /// Returns the control groups of the dump: every directory that CRIU kept, and every group of a process.
    ///
    /// CRIU keeps directories and their settings only where it was told to
    /// manage them (`--manage-cgroups`); engines mostly leave that to the
    /// runtime.
    pub fn cgroup_directories(&self) -> Vec<CgroupDirectory> {
        let mut list: Vec<CgroupDirectory> = Vec::new();
        let mut places: HashMap<Key, usize> = HashMap::new();
        let entry = self.cgroup_entry().unwrap_or_default();
        for controller in entry.controllers {
            let names: Vec<Text> = controller
                .cnames
                .iter()
                .filter(|n| !n.is_empty())
                .map(|n| Text::from(n.as_slice()))
                .collect();
            let mut pending: Vec<Pending> =
                controller.dirs.into_iter().rev().map(|d| (Vec::new(), d)).collect();
            while let Some((above, mut raw)) = pending.pop() {
                if list.len() >= DIRECTORIES {
                    let what = format!("more than {DIRECTORIES} directories; the rest is not listed");
                    self.images.warn("cgroup.img", None, &what);
                    break;
                }
                let path = joined(&above, raw.dir_name.as_deref().unwrap_or_default());
                let children = std::mem::take(&mut raw.children);
                pending.extend(children.into_iter().rev().map(|d| (path.clone(), d)));
                let shown = if path.is_empty() { Text::from("/") } else { Text::new(path) };
                let mut directory = CgroupDirectory::new((names.clone(), shown.clone()));
                directory.fill(raw);
                places.entry((names.clone(), shown)).or_insert(list.len());
                list.push(directory);
            }
        }
        for pid in self.pids() {
            // Without its core image it is not known which groups a process was in; that is said.
            let core = self.task(pid).ok().and_then(|task| task.core);
            for group in self.cgroups_of(core.as_deref()).unwrap_or_default() {
                let key = (group.controllers, group.path);
                let place = *places.entry(key.clone()).or_insert(list.len());
                if place == list.len() {
                    list.push(CgroupDirectory::new(key));
                }
                if let Some(directory) = list.get_mut(place) {
                    directory.processes.push(pid);
                }
            }
        }
        list
    }
}

fn cgroup_set(core: &proto::CoreEntry) -> Option<u32> {
    let of_thread = core.thread_core.as_ref().and_then(|t| t.cg_set);
    of_thread.or_else(|| core.tc.as_ref().and_then(|t| t.cg_set))
}

/// The part of a path that the root of the process's cgroup namespace stands for.
fn namespace_root(member: &proto::CgMemberEntry) -> Option<Text> {
    let length = usize::try_from(member.cgns_prefix?).ok().filter(|n| *n > 0)?;
    member.path.as_deref()?.get(..length).map(Text::from)
}
