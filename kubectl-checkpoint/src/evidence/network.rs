//! `network` and `ipc`: what the namespaces hold besides processes.

use std::process::ExitCode;

use libforensic::model::{Connection, Endpoint, IpcObject, NetworkItem};

use super::{ABSENT, Evidence, or_absent};
use crate::cli::EvidenceArgs;
use crate::output::{Rows, bytes, escape};

pub(crate) fn network(args: &EvidenceArgs) -> anyhow::Result<ExitCode> {
    let evidence = Evidence::new(args);
    evidence.answer("NetworkList", args, &Network { evidence: &evidence })
}

pub(crate) fn ipc(args: &EvidenceArgs) -> anyhow::Result<ExitCode> {
    let evidence = Evidence::new(args);
    evidence.answer("IpcList", args, &Ipc { evidence: &evidence })
}

struct Network<'e> {
    evidence: &'e Evidence,
}

fn safe(value: Option<&String>) -> String {
    value.map_or_else(|| ABSENT.to_owned(), |v| escape(v).into_owned())
}

/// `tcp 10.0.0.5:40000 to 10.0.0.1:80 ESTABLISHED`, with the translated ends where they are others.
fn connection(c: &Connection) -> String {
    let end = |e: Option<&Endpoint>| {
        e.map_or_else(
            || ABSENT.to_owned(),
            |e| match e.port {
                None => e.address.to_string(),
                Some(port) => std::net::SocketAddr::new(e.address, port).to_string(),
            },
        )
    };
    let mut shown = format!(
        "{} {} to {}",
        or_absent(c.protocol.as_ref()),
        end(c.source.as_ref()),
        end(c.destination.as_ref())
    );
    if let Some(from) = c.reply_source.as_ref().filter(|e| c.destination.as_ref() != Some(e)) {
        shown.push_str(", answered by ");
        shown.push_str(&end(Some(from)));
    }
    if let Some(to) = c.reply_destination.as_ref().filter(|e| c.source.as_ref() != Some(e)) {
        shown.push_str(", answers to ");
        shown.push_str(&end(Some(to)));
    }
    for more in [c.state.as_ref(), c.helper.as_ref()].into_iter().flatten() {
        shown.push(' ');
        shown.push_str(more);
    }
    escape(&shown).into_owned()
}

impl Rows for Network<'_> {
    type Item = NetworkItem;

    fn headers(&self, wide: bool) -> Vec<&'static str> {
        if wide {
            vec!["NS", "TYPE", "INTERFACE", "ADDRESS", "GATEWAY", "MAC", "FLAGS", "TABLE", "METRIC", "SOURCE"]
        } else {
            vec!["NS", "TYPE", "INTERFACE", "ADDRESS", "GATEWAY", "MAC", "SOURCE"]
        }
    }

    fn cells(&self, n: &NetworkItem, wide: bool) -> Vec<String> {
        let address = match (n.size_bytes, &n.rule) {
            (Some(size), _) => format!("{} of rules", bytes(size)),
            (None, Some(rule)) => {
                let place = [n.firewall_table.as_ref(), n.chain.as_ref()].map(safe).join(" ");
                let lock = if n.criu_lock == Some(true) { " (CRIU's own)" } else { "" };
                format!("{place}: {}{lock}", escape(rule))
            }
            (None, None) => match &n.connection {
                Some(c) => connection(c),
                None => safe(n.address.as_ref()),
            },
        };
        let mut cells = vec![
            or_absent(n.network_namespace),
            n.kind.to_owned(),
            safe(n.interface.as_ref()),
            address,
            safe(n.gateway.as_ref()),
            safe(n.link_address.as_ref()),
        ];
        if wide {
            cells.push(n.flags.as_ref().map_or_else(|| ABSENT.to_owned(), |f| f.join(",")));
            cells.extend([or_absent(n.table), or_absent(n.metric)]);
        }
        let source = match &n.source.field {
            Some(field) => format!("{}: {field}", n.source.member),
            None => n.source.member.clone(),
        };
        cells.push(escape(&source).into_owned());
        cells
    }

    fn each(
        &self,
        index: usize,
        sink: &mut dyn FnMut(NetworkItem) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let checkpoint = self.evidence.get(index)?;
        let items = checkpoint.network();
        if items.is_empty() && super::left_out(checkpoint, b"netdev-") {
            self.evidence.note(
                index,
                "no network namespace was dumped (a pod's is left to it), and the engine wrote no address down",
            );
        }
        items.into_iter().try_for_each(sink)
    }
}

struct Ipc<'e> {
    evidence: &'e Evidence,
}

impl Rows for Ipc<'_> {
    type Item = IpcObject;

    fn headers(&self, wide: bool) -> Vec<&'static str> {
        let mut headers = vec!["NS", "TYPE", "ID", "KEY", "MODE", "UID", "CONTENTS"];
        if wide {
            headers.extend(["ATTACHED", "SOURCE"]);
        }
        headers
    }

    fn cells(&self, o: &IpcObject, wide: bool) -> Vec<String> {
        let contents = match (&o.semaphores, &o.messages) {
            (Some(values), _) => values.iter().map(u16::to_string).collect::<Vec<_>>().join(" "),
            (_, Some(messages)) => format!("{} messages", messages.len()),
            _ => o.size_bytes.map_or_else(|| ABSENT.to_owned(), bytes),
        };
        let mut cells = vec![
            o.ipc_namespace.to_string(),
            o.kind.to_owned(),
            or_absent(o.id),
            or_absent(o.key.as_ref()),
            or_absent(o.mode.as_ref()),
            or_absent(o.uid),
            contents,
        ];
        if wide {
            let attached: Vec<String> = o.attached.iter().map(u32::to_string).collect();
            cells.push(if attached.is_empty() { ABSENT.to_owned() } else { attached.join(",") });
            cells.push(escape(&o.source.member).into_owned());
        }
        cells
    }

    fn each(
        &self,
        index: usize,
        sink: &mut dyn FnMut(IpcObject) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let checkpoint = self.evidence.get(index)?;
        let objects = checkpoint.ipc();
        if objects.is_empty() && super::left_out(checkpoint, b"ipcns-") {
            self.evidence.note(index, "no IPC namespace was dumped: a pod's or the host's is left out");
        }
        objects.into_iter().try_for_each(sink)
    }
}
