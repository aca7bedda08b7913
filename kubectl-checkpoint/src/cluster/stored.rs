//! Archives that are on nodes: their names, and what a collector can say of them.

use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use jiff::Timestamp;
use serde::Serialize;

use super::answer::{Item, or_dash};
use super::collector::MOUNT;
use super::destination::is_archive_name;
use super::exec::{Remote, persist};
use super::target::checked;
use super::text;

/// How much a listing may say: some ten thousand archives.
const LISTING_LIMIT: usize = 4 << 20;

/// Says name, size and time of every archive. Only the shell's own words are
/// taken for granted; what cannot be told is left out.
const LIST: &str = r#"
has() { command -v "$1" >/dev/null 2>&1; }
cd "$1" || exit 3
for f in checkpoint-*.tar; do
  [ -f "$f" ] && [ ! -L "$f" ] || continue
  if has stat; then set -- $(stat -c '%s %Y' "$f")
  elif has wc; then set -- $(wc -c <"$f") -
  else set -- - -
  fi
  printf '%s %s %s\n' "${1:--}" "${2:--}" "$f"
done
true"#;

/// One archive on one node, as it is named on the command line: `NODE/NAME`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Reference {
    pub(super) node: String,
    pub(super) name: String,
}

impl Reference {
    /// Parses `NODE/NAME`; a path on the node serves as well as a name.
    pub(super) fn parse(typed: &str) -> Result<Self> {
        let (node, name) = typed.split_once('/').ok_or_else(|| {
            anyhow!("{typed:?} is not NODE/NAME; `kubectl checkpoint list -o name` prints them")
        })?;
        let name = name.rsplit('/').next().unwrap_or_default();
        if !is_archive_name(name) || name.chars().any(char::is_control) {
            bail!(
                "{:?} is not the name of a checkpoint archive (checkpoint-….tar), and nothing else is touched on a node",
                text::escape(name)
            );
        }
        Ok(Self { node: checked(node)?, name: name.to_owned() })
    }
}

/// One archive on one node, as far as it is known.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stored {
    pub(super) node: String,
    /// `NODE/NAME`, as `pull` and `rm` take it.
    pub(super) name: String,
    pub(super) node_path: String,
    pub(super) namespace: Option<String>,
    pub(super) pod: Option<String>,
    pub(super) container: Option<String>,
    pub(super) size_bytes: Option<u64>,
    pub(super) modified: Option<String>,
}

impl Item for Stored {
    const KIND: &'static str = "NodeArchiveList";

    fn headers(wide: bool) -> Vec<&'static str> {
        if wide {
            vec!["NAME", "NAMESPACE", "POD", "CONTAINER", "SIZE", "MODIFIED", "NODE PATH"]
        } else {
            vec!["NAME", "SIZE", "MODIFIED"]
        }
    }

    fn cells(&self, wide: bool) -> Vec<String> {
        let size = self.size_bytes.map_or_else(|| String::from("-"), text::bytes);
        let modified = or_dash(self.modified.as_ref());
        if !wide {
            return vec![self.name.clone(), size, modified];
        }
        vec![
            self.name.clone(),
            or_dash(self.namespace.as_ref()),
            or_dash(self.pod.as_ref()),
            or_dash(self.container.as_ref()),
            size,
            modified,
            self.node_path.clone(),
        ]
    }

    fn name(&self) -> Option<String> {
        // Whoever reads names line by line must not be led astray by one with a line feed.
        (!self.name.chars().any(char::is_control)).then(|| self.name.clone())
    }
}

/// Returns the archives a collector sees, and how many lines meant nothing.
pub(super) async fn look(remote: &Remote, node: &str, directory: &str) -> Result<(Vec<Stored>, usize)> {
    let limit = Duration::from_secs(120);
    let output = persist("list the archives through the collector", || {
        remote.run_up_to(LIST, &[MOUNT], limit, LISTING_LIMIT)
    })
    .await?;
    if output.code != 0 {
        bail!("the collector cannot list {directory} on node {node}: {}", text::quote(&output.stderr));
    }
    let mut strange = 0;
    let mut found = Vec::new();
    for line in output.stdout.lines().filter(|line| !line.is_empty()) {
        match parse(line, node, directory) {
            Some(stored) => found.push(stored),
            None => strange += 1,
        }
    }
    Ok((found, strange))
}

fn parse(line: &str, node: &str, directory: &str) -> Option<Stored> {
    let mut parts = line.splitn(3, ' ');
    let (size, modified, name) = (parts.next()?, parts.next()?, parts.next()?);
    if !is_archive_name(name) || name.contains('/') {
        return None;
    }
    let seconds: Option<i64> = modified.parse().ok();
    let (pod, namespace, container) = origin(name);
    Some(Stored {
        node: node.to_owned(),
        name: format!("{node}/{name}"),
        node_path: format!("{}/{name}", directory.trim_end_matches('/')),
        namespace,
        pod,
        container,
        size_bytes: size.parse().ok(),
        modified: seconds
            .and_then(|seconds| Timestamp::from_second(seconds).ok())
            .map(|time| time.to_string()),
    })
}

/// Reads pod, namespace and container off a name, as far as that can be done:
/// `checkpoint-POD_NAMESPACE-CONTAINER-TIME.tar`, where namespace and container
/// may hold dashes as well. The archive itself knows better.
pub(super) fn origin(name: &str) -> (Option<String>, Option<String>, Option<String>) {
    let none = (None, None, None);
    let Some(inner) = name.strip_prefix("checkpoint-").and_then(|rest| rest.strip_suffix(".tar")) else {
        return none;
    };
    let Some((pod, rest)) = inner.split_once('_') else {
        return none;
    };
    let pod = Some(pod.to_owned());
    // The time begins at the `-` before YYYY-MM-DDT.
    let time = rest.char_indices().filter(|(_, c)| *c == '-').map(|(at, _)| at).find(|at| {
        rest.get(at.saturating_add(1)..)
            .and_then(|time| time.get(..11))
            .is_some_and(|time| time.ends_with('T') && time.split('-').map(str::len).eq([4, 2, 3]))
    });
    let Some(middle) = time.and_then(|at| rest.get(..at)) else {
        return (pod, None, None);
    };
    match middle.split('-').collect::<Vec<_>>().as_slice() {
        [namespace, container] => (pod, Some((*namespace).to_owned()), Some((*container).to_owned())),
        _ => (pod, None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_only_what_it_can() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            origin("checkpoint-web-1_shop-app-2026-11-23T17:23:57+01:00.tar"),
            (some("web-1"), some("shop"), some("app"))
        );
        // kube-system/app or kube/system-app?
        assert_eq!(
            origin("checkpoint-web_kube-system-app-2026-11-23T17:23:57Z.tar"),
            (some("web"), None, None)
        );
        assert_eq!(origin("checkpoint-x.tar"), (None, None, None));
        assert_eq!(origin("checkpoint-a_b-ä-2026-1.tar"), (some("a"), None, None));
    }

    #[test]
    fn lines_are_read_or_counted() {
        let line = "600 1764000000 checkpoint-a b.tar";
        let stored = parse(line, "n", "/c/").unwrap();
        assert_eq!((stored.size_bytes, stored.name.as_str()), (Some(600), "n/checkpoint-a b.tar"));
        assert_eq!(stored.node_path, "/c/checkpoint-a b.tar");
        assert_eq!(parse("- - checkpoint-a.tar", "n", "/c").unwrap().size_bytes, None);
        for wrong in ["", "1 2", "1 2 shadow", "1 2 checkpoint-/../x.tar", "1 2 checkpoint-x.tar.gz"] {
            assert!(parse(wrong, "n", "/c").is_none(), "{wrong}");
        }
    }

    #[test]
    fn only_archives_can_be_named() {
        let named = Reference::parse("node-1/checkpoint-a_b-c-T.tar").unwrap();
        assert_eq!((named.node.as_str(), named.name.as_str()), ("node-1", "checkpoint-a_b-c-T.tar"));
        let path = Reference::parse("node-1//var/lib/kubelet/checkpoints/checkpoint-a_b-c-T.tar").unwrap();
        assert_eq!(path, named);
        for wrong in [
            "",
            "checkpoint-x.tar",
            "n/",
            "n/shadow",
            "n/checkpoint-x.tar/..",
            "../checkpoint-x.tar",
            "n/checkpoint-\n.tar",
        ] {
            assert!(Reference::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
