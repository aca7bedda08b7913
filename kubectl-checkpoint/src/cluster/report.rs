//! What the user sees: progress on standard error, the result on standard output.

use std::cell::{Cell, RefCell};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::args::OutputFormat;
use super::text;
use super::transfer::Watch;

/// One capture, as `-o json` shows it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Capture {
    /// Namespace of the pod.
    pub namespace: String,
    /// Name of the pod.
    pub pod: String,
    /// UID of the pod.
    pub pod_uid: Option<String>,
    /// Name of the container.
    pub container: String,
    /// The runtime's id of the container.
    pub container_id: Option<String>,
    /// The node.
    pub node: String,
    /// Path of the archive on the node, where it stays.
    pub node_path: String,
    /// The file here; null for standard output.
    pub file: Option<String>,
    /// Size of the archive.
    pub size_bytes: u64,
    /// SHA-256 of the archive, here and on the node.
    pub sha256: String,
    /// When the checkpoint was asked for.
    pub started: String,
    /// When the archive was here and verified.
    pub finished: String,
    /// The evidence record; null where none was written.
    pub record: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CaptureList<'a> {
    api_version: &'static str,
    kind: &'static str,
    items: &'a [Capture],
    warnings: &'a [String],
}

/// Writes captures to standard output. A reader that closed the pipe is content.
///
/// # Errors
///
/// When standard output cannot be written.
pub fn write(captures: &[Capture], warnings: &[String], format: OutputFormat) -> Result<()> {
    let text = render(captures, warnings, format)?;
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

fn render(captures: &[Capture], warnings: &[String], format: OutputFormat) -> Result<String> {
    let list =
        CaptureList { api_version: "libforensic/v1alpha1", kind: "CaptureList", items: captures, warnings };
    Ok(match format {
        OutputFormat::Json => serde_json::to_string_pretty(&list)? + "\n",
        OutputFormat::Yaml => {
            let mut yaml = serde_saphyr::to_string(&list)?;
            if !yaml.ends_with('\n') {
                yaml.push('\n');
            }
            yaml
        }
        OutputFormat::Ndjson => {
            let mut out = String::new();
            for capture in captures {
                out.push_str(&serde_json::to_string(capture)?);
                out.push('\n');
            }
            out
        }
        OutputFormat::Name => {
            let mut out = String::new();
            for file in captures.iter().filter_map(|capture| capture.file.as_ref()) {
                out.push_str(file);
                out.push('\n');
            }
            out
        }
        OutputFormat::Table | OutputFormat::Wide => table(captures, format == OutputFormat::Wide),
    })
}

fn table(captures: &[Capture], wide: bool) -> String {
    let mut rows = vec![
        vec!["NAMESPACE", "POD", "CONTAINER", "NODE", "SIZE", "SHA256", "FILE"]
            .into_iter()
            .map(String::from)
            .collect::<Vec<String>>(),
    ];
    if let (true, Some(header)) = (wide, rows.first_mut()) {
        header.extend(["NODE PATH".into(), "RECORD".into()]);
    }
    for capture in captures {
        // The full digest is in every other format and in the record.
        let digest: String =
            if wide { capture.sha256.clone() } else { capture.sha256.chars().take(12).collect() };
        let mut row = vec![
            capture.namespace.clone(),
            capture.pod.clone(),
            capture.container.clone(),
            capture.node.clone(),
            text::bytes(capture.size_bytes),
            digest,
            capture.file.clone().unwrap_or_else(|| String::from("-")),
        ];
        if wide {
            row.push(capture.node_path.clone());
            row.push(capture.record.clone().unwrap_or_else(|| String::from("-")));
        }
        rows.push(row.iter().map(|cell| text::escape(cell)).collect());
    }
    let columns = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| unicode_width::UnicodeWidthStr::width(cell.as_str()))
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut out = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let used = unicode_width::UnicodeWidthStr::width(cell.as_str());
            line.push_str(cell);
            line.push_str(&" ".repeat(width.saturating_sub(used).saturating_add(3)));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// Progress and warnings. A bar appears on a terminal only.
pub(super) struct Reporter {
    quiet: bool,
    bar: RefCell<Option<ProgressBar>>,
    warnings: RefCell<Vec<String>>,
    expected: Cell<Option<u64>>,
}

impl Reporter {
    pub(super) fn new(quiet: bool) -> Self {
        Self { quiet, bar: RefCell::new(None), warnings: RefCell::new(Vec::new()), expected: Cell::new(None) }
    }

    /// Says what is done now.
    pub(super) fn step(&self, line: &str) {
        self.clear();
        if self.quiet {
            return;
        }
        if io::stderr().is_terminal() {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
                bar.set_style(style);
            }
            bar.set_message(line.to_owned());
            bar.enable_steady_tick(Duration::from_millis(120));
            self.bar.replace(Some(bar));
        } else {
            eprintln!("{line}");
        }
    }

    /// Says that something is done, for good.
    pub(super) fn done(&self, line: &str) {
        self.clear();
        if !self.quiet {
            eprintln!("{line}");
        }
    }

    /// Says what the user has to know, and keeps it for the answer.
    pub(super) fn warn(&self, line: &str) {
        self.say(&format!("warning: {line}"));
        self.warnings.borrow_mut().push(line.to_owned());
    }

    /// Says something beside a bar that goes on.
    fn say(&self, line: &str) {
        match self.bar.borrow().as_ref() {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        }
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        self.warnings.borrow().clone()
    }

    pub(super) fn clear(&self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Watch for Reporter {
    fn expect(&self, bytes: Option<u64>) {
        self.expected.set(bytes);
        if self.quiet || !io::stderr().is_terminal() {
            return;
        }
        self.clear();
        let bar = ProgressBar::with_draw_target(bytes, ProgressDrawTarget::stderr());
        let template = if bytes.is_some() {
            "{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}"
        } else {
            "{spinner} {bytes} {bytes_per_sec} {elapsed}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        self.bar.replace(Some(bar));
    }

    fn at(&self, bytes: u64) {
        if let Some(bar) = self.bar.borrow().as_ref() {
            bar.set_position(bytes);
        }
    }

    fn note(&self, line: &str) {
        if !self.quiet {
            self.say(line);
        }
    }
}

/// Renders a path for messages and answers.
pub(super) fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Capture {
        Capture {
            namespace: "shop".into(),
            pod: "web".into(),
            pod_uid: None,
            container: "app".into(),
            container_id: None,
            node: "n\u{1b}1".into(),
            node_path: "/c/checkpoint-x.tar".into(),
            file: Some("x.tar".into()),
            size_bytes: 2048,
            sha256: "ab".repeat(32),
            started: "2026-01-01T00:00:00Z".into(),
            finished: "2026-01-01T00:00:01Z".into(),
            record: Some("x.tar.evidence.json".into()),
        }
    }

    #[test]
    fn the_formats_say_the_same() {
        let items = [sample()];
        let json: serde_json::Value =
            serde_json::from_str(&render(&items, &[], OutputFormat::Json).unwrap()).unwrap();
        assert_eq!(json["kind"], "CaptureList");
        assert_eq!(json["apiVersion"], "libforensic/v1alpha1");
        assert_eq!(json["items"][0]["sizeBytes"], 2048);
        assert_eq!(json["items"][0]["nodePath"], "/c/checkpoint-x.tar");
        assert_eq!(json["warnings"], serde_json::json!([]));
        let yaml = render(&items, &[], OutputFormat::Yaml).unwrap();
        assert!(yaml.contains("kind: CaptureList"), "{yaml}");
        assert_eq!(render(&items, &[], OutputFormat::Name).unwrap(), "x.tar\n");
        assert_eq!(render(&items, &[], OutputFormat::Ndjson).unwrap().lines().count(), 1);
    }

    #[test]
    fn tables_are_aligned_and_escaped() {
        let shown = render(&[sample()], &[], OutputFormat::Table).unwrap();
        let lines: Vec<&str> = shown.lines().collect();
        assert!(!shown.contains('\u{1b}'));
        assert_eq!(lines[0].find("SIZE"), lines[1].find("2.0 KiB"), "{shown}");
    }
}
