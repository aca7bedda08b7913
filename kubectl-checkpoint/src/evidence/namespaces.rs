//! `namespaces` and `cgroups`: where the processes lived.

use std::process::ExitCode;

use libforensic::model::{CgroupDirectory, Namespace};

use super::{ABSENT, Evidence, text};
use crate::cli::EvidenceArgs;
use crate::output::{Rows, escape};

/// Most processes that a cell names.
const NAMED: usize = 8;

pub(crate) fn namespaces(args: &EvidenceArgs) -> anyhow::Result<ExitCode> {
    let evidence = Evidence::new(args);
    evidence.answer("NamespaceList", args, &Namespaces { evidence: &evidence })
}

pub(crate) fn cgroups(args: &EvidenceArgs) -> anyhow::Result<ExitCode> {
    let evidence = Evidence::new(args);
    evidence.answer("CgroupList", args, &Cgroups { evidence: &evidence })
}

/// The first of a list of processes, and how many there are beyond.
fn processes(pids: &[u32]) -> String {
    if pids.is_empty() {
        return ABSENT.to_owned();
    }
    let shown: Vec<String> = pids.iter().take(NAMED).map(u32::to_string).collect();
    let more = pids.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", shown.join(","))
}

struct Namespaces<'e> {
    evidence: &'e Evidence,
}

impl Rows for Namespaces<'_> {
    type Item = Namespace;

    fn headers(&self, wide: bool) -> Vec<&'static str> {
        let mut headers = vec!["TYPE", "ID", "HOST", "PROCESSES", "DETAILS"];
        if wide {
            headers.push("MEMBERS");
        }
        headers
    }

    fn cells(&self, n: &Namespace, wide: bool) -> Vec<String> {
        let host = n.host.map_or(ABSENT, |host| if host { "yes" } else { "no" });
        let mut details: Vec<String> = Vec::new();
        for (name, value) in
            [("host name", &n.nodename), ("domain", &n.domainname), ("outside:", &n.external)]
        {
            details.extend(value.as_ref().map(|v| format!("{name} {}", text(Some(v)))));
        }
        for (name, map) in [("uids", &n.uid_map), ("gids", &n.gid_map)] {
            let ranges: Vec<String> =
                map.iter().take(NAMED).map(|r| format!("{}→{} ({})", r.inside, r.outside, r.count)).collect();
            if !ranges.is_empty() {
                details.push(format!("{name} {}", ranges.join(" ")));
            }
        }
        let details = if details.is_empty() { ABSENT.to_owned() } else { details.join(", ") };
        let mut cells = vec![
            n.kind.as_str().to_owned(),
            n.id.to_string(),
            host.to_owned(),
            processes(&n.processes),
            details,
        ];
        if wide {
            cells.push(escape(&n.members.join(" ")).into_owned());
        }
        cells
    }

    fn each(
        &self,
        index: usize,
        sink: &mut dyn FnMut(Namespace) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.evidence.get(index)?.namespaces().into_iter().try_for_each(sink)
    }
}

struct Cgroups<'e> {
    evidence: &'e Evidence,
}

impl Rows for Cgroups<'_> {
    type Item = CgroupDirectory;

    fn headers(&self, wide: bool) -> Vec<&'static str> {
        let mut headers = vec!["VERSION", "CONTROLLERS", "PROCESSES", "PROPERTIES", "PATH"];
        if wide {
            headers.push("SETTINGS");
        }
        headers
    }

    fn cells(&self, c: &CgroupDirectory, wide: bool) -> Vec<String> {
        let controllers: Vec<String> = c.controllers.iter().map(|c| text(Some(c))).collect();
        let controllers = if controllers.is_empty() { ABSENT.to_owned() } else { controllers.join(",") };
        let properties = c.properties.as_ref();
        let mut cells = vec![
            c.version.to_string(),
            controllers,
            processes(&c.processes),
            properties.map_or_else(|| ABSENT.to_owned(), |p| p.len().to_string()),
            text(Some(&c.path)),
        ];
        if wide {
            let settings: Vec<String> = properties
                .into_iter()
                .flatten()
                .filter(|p| !p.value.is_empty())
                .map(|p| format!("{}={}", text(Some(&p.name)), text(Some(&p.value))))
                .collect();
            cells.push(if settings.is_empty() { ABSENT.to_owned() } else { settings.join(" ") });
        }
        cells
    }

    fn each(
        &self,
        index: usize,
        sink: &mut dyn FnMut(CgroupDirectory) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.evidence.get(index)?.cgroup_directories().into_iter().try_for_each(sink)
    }
}
