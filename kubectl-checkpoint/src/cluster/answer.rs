//! The result, on standard output, in every format.

use std::io::{self, Write as _};

use anyhow::Result;
use serde::Serialize;

use super::args::OutputFormat;
use super::target::Found;
use super::text;
use crate::output::{Table, write_json, write_json_pretty, yaml_text};

/// What can be an item of an answer.
pub(super) trait Item: Serialize {
    /// The `kind` of the list.
    const KIND: &'static str;

    /// The names of the columns.
    fn headers(wide: bool) -> Vec<&'static str>;

    /// The cells, not yet escaped.
    fn cells(&self, wide: bool) -> Vec<String>;

    /// What `-o name` prints; nothing for an item without a name.
    fn name(&self) -> Option<String>;
}

/// One capture, as `-o json` shows it.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Capture {
    pub(super) namespace: String,
    pub(super) pod: String,
    pub(super) pod_uid: Option<String>,
    pub(super) container: String,
    /// The runtime's id of the container.
    pub(super) container_id: Option<String>,
    pub(super) node: String,
    /// Path of the archive on the node, where it stays; null where none was made.
    pub(super) node_path: Option<String>,
    /// The file here; null for standard output, and where none came home.
    pub(super) file: Option<String>,
    pub(super) size_bytes: Option<u64>,
    /// SHA-256 of the archive, here and on the node.
    pub(super) sha256: Option<String>,
    /// When the checkpoint was asked for.
    pub(super) started: Option<String>,
    /// When the archive was here and verified.
    pub(super) finished: Option<String>,
    /// The evidence record; null where none was written.
    pub(super) record: Option<String>,
    /// What was saved before the freeze; null where nothing was.
    pub(super) context: Option<String>,
    /// The signature of the file here; null where it was not signed.
    pub(super) signature: Option<String>,
    /// Whether the file here is encrypted; size and digest are those of the archive inside.
    pub(super) encrypted: bool,
    /// What kept the archive from being here; null for a success.
    pub(super) problem: Option<String>,
}

impl Capture {
    /// What is known before the capture.
    pub(super) fn of(found: &Found) -> Self {
        Self {
            namespace: found.namespace.clone(),
            pod: found.pod.clone(),
            pod_uid: found.pod_uid.clone(),
            container: found.container.clone(),
            container_id: found.status.container_id.clone(),
            node: found.node.clone(),
            ..Self::default()
        }
    }

    /// A capture that did not end well.
    pub(super) fn failed(found: &Found, node_path: Option<String>, error: &anyhow::Error) -> Self {
        Self { node_path, problem: Some(format!("{error:#}")), ..Self::of(found) }
    }
}

impl Item for Capture {
    const KIND: &'static str = "CaptureList";

    fn headers(wide: bool) -> Vec<&'static str> {
        let mut headers = vec!["NAMESPACE", "POD", "CONTAINER", "NODE", "SIZE", "SHA256", "FILE"];
        if wide {
            headers.extend(["NODE PATH", "RECORD"]);
        }
        headers
    }

    fn cells(&self, wide: bool) -> Vec<String> {
        // The full digest is in every other format and in the record.
        let digest = self.sha256.as_ref().filter(|_| self.problem.is_none());
        let digest =
            digest.map(|sha256| if wide { sha256.clone() } else { sha256.chars().take(12).collect() });
        let mut cells = vec![
            self.namespace.clone(),
            self.pod.clone(),
            self.container.clone(),
            self.node.clone(),
            self.size_bytes.map_or_else(|| String::from("-"), text::bytes),
            or_dash(digest.as_ref()),
            match &self.problem {
                Some(_) => String::from("(failed)"),
                None => or_dash(self.file.as_ref()),
            },
        ];
        if wide {
            cells.extend([or_dash(self.node_path.as_ref()), or_dash(self.record.as_ref())]);
        }
        cells
    }

    fn name(&self) -> Option<String> {
        self.file.clone()
    }
}

/// A cell of what may not be known.
pub(super) fn or_dash(value: Option<&String>) -> String {
    value.cloned().unwrap_or_else(|| String::from("-"))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'a, T> {
    api_version: &'static str,
    kind: &'static str,
    items: &'a [T],
    warnings: &'a [String],
}

/// Writes items to standard output. A reader that closed the pipe is content.
///
/// # Errors
///
/// When standard output cannot be written.
pub(super) fn write<T: Item>(items: &[T], warnings: &[String], format: OutputFormat) -> Result<()> {
    print(&render(items, warnings, format)?)
}

/// Writes text to standard output.
///
/// # Errors
///
/// When standard output cannot be written.
pub(super) fn print(text: &str) -> Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

fn render<T: Item>(items: &[T], warnings: &[String], format: OutputFormat) -> Result<String> {
    let list = List { api_version: "libforensic/v1alpha1", kind: T::KIND, items, warnings };
    Ok(match format {
        OutputFormat::Json => {
            let mut out = Vec::new();
            write_json_pretty(&mut out, &list)?;
            String::from_utf8(out)? + "\n"
        }
        OutputFormat::Yaml => yaml_text(&list)?,
        OutputFormat::Ndjson => {
            let mut out = Vec::new();
            for item in items {
                write_json(&mut out, item)?;
                out.push(b'\n');
            }
            String::from_utf8(out)?
        }
        OutputFormat::Name => items
            .iter()
            .filter_map(Item::name)
            .fold(String::new(), |out, name| out + &text::escape(&name) + "\n"),
        OutputFormat::Table | OutputFormat::Wide => {
            let wide = format == OutputFormat::Wide;
            let mut out = Vec::new();
            let mut table = Table::new(&mut out, T::headers(wide), true);
            for item in items {
                table.row(item.cells(wide).iter().map(|cell| text::escape(cell)).collect())?;
            }
            table.finish()?;
            String::from_utf8_lossy(&out).into_owned()
        }
    })
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
            node_path: Some("/c/checkpoint-x.tar".into()),
            file: Some("x.tar".into()),
            size_bytes: Some(2048),
            sha256: Some("ab".repeat(32)),
            started: Some("2026-01-01T00:00:00Z".into()),
            finished: Some("2026-01-01T00:00:01Z".into()),
            record: Some("x.tar.evidence.json".into()),
            context: None,
            signature: None,
            encrypted: false,
            problem: None,
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
