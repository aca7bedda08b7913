//! `show`: what an archive is.

use std::io::Write;
use std::process::ExitCode;

use libforensic::model::Summary;

use super::{ABSENT, Evidence, or_absent};
use crate::cli::EvidenceArgs;
use crate::output::{Format, Rows, bytes, duration, escape};

pub(crate) fn show(args: &EvidenceArgs) -> anyhow::Result<ExitCode> {
    let evidence = Evidence::new(args);
    let one_for_people =
        args.archives.len() == 1 && matches!(args.output.output, Format::Table | Format::Wide);
    if one_for_people {
        let summary = evidence.get(0)?.summary();
        let mut out = std::io::stdout().lock();
        for (name, value) in lines(&summary) {
            writeln!(out, "{name:<15}{value}")?;
        }
        out.flush()?;
        return Ok(evidence.finish(0));
    }
    evidence.answer("CheckpointList", args, &Checkpoints { evidence: &evidence })
}

struct Checkpoints<'e> {
    evidence: &'e Evidence,
}

impl Rows for Checkpoints<'_> {
    type Item = Summary;

    fn headers(&self, wide: bool) -> Vec<&'static str> {
        let mut headers =
            vec!["ENGINE", "NAMESPACE", "POD", "CONTAINER", "PROCESSES", "MEMORY", "CHECKPOINTED"];
        if wide {
            headers.extend(["IMAGE", "ID"]);
        }
        headers
    }

    fn cells(&self, s: &Summary, wide: bool) -> Vec<String> {
        let pod = s.pod.as_ref();
        let safe = |v: Option<&String>| v.map_or_else(|| ABSENT.to_owned(), |v| escape(v).into_owned());
        let mut cells = vec![
            s.engine.as_str().to_owned(),
            safe(pod.and_then(|p| p.namespace.as_ref())),
            safe(pod.and_then(|p| p.name.as_ref())),
            safe(s.container.name.as_ref()),
            or_absent(s.process_count),
            bytes(s.sizes.memory_pages_bytes),
            safe(s.checkpointed.as_ref()),
        ];
        if wide {
            cells.extend([safe(s.container.image.as_ref()), safe(s.container.id.as_ref())]);
        }
        cells
    }

    fn name(&self, s: &Summary) -> Option<String> {
        let name = s.container.name.as_ref().or(s.container.id.as_ref());
        Some(name.map_or_else(|| ABSENT.to_owned(), |n| escape(n).into_owned()))
    }

    fn each(&self, index: usize, sink: &mut dyn FnMut(Summary) -> anyhow::Result<()>) -> anyhow::Result<()> {
        sink(self.evidence.get(index)?.summary())
    }
}

/// The summary as lines of name and value; what the evidence does not hold is left out.
pub(crate) fn lines(s: &Summary) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    let mut put = |name: &'static str, value: Option<String>| {
        if let Some(value) = value {
            lines.push((name, escape(&value).into_owned()));
        }
    };
    let c = &s.container;
    put("Container:", c.name.clone());
    put("ID:", c.id.clone());
    put("Image:", c.image.clone());
    put("Image ref:", c.image_ref.clone());
    if let Some(pod) = &s.pod {
        let name = match (&pod.namespace, &pod.name) {
            (Some(namespace), Some(name)) => Some(format!("{namespace}/{name}")),
            (_, name) => name.clone(),
        };
        put("Pod:", name);
        put("Pod UID:", pod.uid.clone());
    }
    let version = s.engine_version.as_ref().map_or_else(String::new, |v| format!(" {v}"));
    put("Engine:", Some(format!("{}{version}", s.engine.as_str())));
    if let Some(acquisition) = &s.acquisition {
        put(
            "Frozen:",
            Some(String::from(
                "no: read from /proc while the processes ran; facts of one moment may contradict those of the next",
            )),
        );
        let (from, to) = (acquisition.began.as_deref(), acquisition.ended.as_deref());
        put("Read:", Some(format!("{} to {}", from.unwrap_or(ABSENT), to.unwrap_or(ABSENT))));
        put("Kernel:", acquisition.kernel.clone());
        put("Memory:", (!acquisition.memory).then(|| String::from("not read (triage --memory reads it)")));
    }
    put("Runtime:", s.runtime.clone());
    put("Hostname:", s.hostname.clone());
    put("Created:", s.created.clone());
    put("Started:", s.started.clone());
    let checkpointed = s.checkpointed.clone().or_else(|| {
        s.archived.as_ref().map(|t| format!("not recorded by the engine; the newest member is of {t}"))
    });
    put("Checkpointed:", checkpointed.filter(|_| s.acquisition.is_none()));
    put("Restored:", s.restored.clone());
    put("Host PID:", s.host_pid.map(|p| p.to_string()));
    put("Restarts:", s.restart_count.map(|n| n.to_string()));
    if let (Some(processes), Some(threads)) = (s.process_count, s.thread_count) {
        put("Processes:", Some(format!("{processes} ({threads} threads)")));
    }
    let architecture = s.architecture.map(|a| match s.page_size_bytes {
        Some(page) => format!("{a}, pages of {}", bytes(page)),
        None => a.to_owned(),
    });
    put("Architecture:", architecture);
    let compression =
        s.criu.page_compression.filter(|c| *c != "off").map(|c| format!(", pages compressed per {c}"));
    put("Image format:", s.criu.image_version.map(|v| format!("{v}{}", compression.unwrap_or_default())));
    let packed = if s.compression == "none" {
        s.format.to_owned()
    } else {
        format!("{}, {}", s.format, s.compression)
    };
    put(
        "Archive:",
        Some(match s.sizes.archive_bytes {
            Some(n) => format!("{} ({packed})", bytes(n)),
            None => packed,
        }),
    );
    put("Memory pages:", Some(bytes(s.sizes.memory_pages_bytes)));
    put("Images:", Some(bytes(s.sizes.images_bytes)));
    for log in &s.logs {
        put("Log:", Some(format!("{} ({}, {})", log.member, log.kind, bytes(log.size_bytes))));
    }
    put("Rootfs diff:", s.sizes.rootfs_diff_bytes.map(bytes));
    if let Some(stats) = s.stats {
        put("Frozen for:", stats.frozen_time_ns.map(duration));
        put("Pages written:", stats.pages_written.map(|n| n.to_string()));
    }
    lines
}
