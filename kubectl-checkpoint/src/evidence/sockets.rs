//! `sockets`: sockets, and who holds them.

use std::process::ExitCode;

use libforensic::model::{Family, Socket};

use super::{ABSENT, Evidence, or_absent, pids, text};
use crate::cli::PidArgs;
use crate::output::Rows;

pub(crate) fn sockets(args: &PidArgs) -> anyhow::Result<ExitCode> {
    let evidence = Evidence::new(&args.evidence);
    evidence.answer("SocketList", &args.evidence, &Sockets { evidence: &evidence, pid: args.pid })
}

struct Sockets<'e> {
    evidence: &'e Evidence,
    pid: Option<u32>,
}

impl Rows for Sockets<'_> {
    type Item = Socket;

    fn headers(&self, wide: bool) -> Vec<&'static str> {
        if wide {
            vec![
                "FAMILY",
                "TYPE",
                "PROTO",
                "STATE",
                "RECV-Q",
                "SEND-Q",
                "BACKLOG",
                "INODE",
                "PEER-INODE",
                "LOCAL",
                "REMOTE",
                "HOLDERS",
            ]
        } else {
            vec!["FAMILY", "PROTO", "STATE", "RECV-Q", "SEND-Q", "LOCAL", "REMOTE", "HOLDERS"]
        }
    }

    fn cells(&self, s: &Socket, wide: bool) -> Vec<String> {
        let protocol = s
            .protocol_name
            .map(str::to_owned)
            .or_else(|| s.protocol.clone())
            .or_else(|| s.kind.map(str::to_owned));
        let state = or_absent(s.state);
        let (recv, send) = (or_absent(s.receive_queue), or_absent(s.send_queue));
        let local = match (s.family, &s.local) {
            (_, Some(local)) => local.to_string(),
            (Family::Unix, None) => s.path.as_ref().map_or_else(|| "(unnamed)".to_owned(), |p| text(Some(p))),
            _ => ABSENT.to_owned(),
        };
        let remote = match (&s.remote, s.peer_inode) {
            (Some(remote), _) => remote.to_string(),
            (None, Some(inode)) => format!("socket:[{inode}]"),
            (None, None) if s.awaits_accept.is_some() => "(not yet accepted)".to_owned(),
            _ => ABSENT.to_owned(),
        };
        let holders: Vec<String> = s.holders.iter().map(|h| format!("{}/{}", h.pid, h.fd)).collect();
        let holders = if holders.is_empty() { ABSENT.to_owned() } else { holders.join(",") };
        let mut cells = vec![s.family.as_str().to_owned()];
        if wide {
            cells.push(or_absent(s.kind));
            cells.extend([or_absent(protocol), state, recv, send, or_absent(s.backlog)]);
            cells.extend([or_absent(s.inode), or_absent(s.peer_inode)]);
        } else {
            cells.extend([or_absent(protocol), state, recv, send]);
        }
        cells.extend([local, remote, holders]);
        cells
    }

    fn each(&self, index: usize, sink: &mut dyn FnMut(Socket) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let checkpoint = self.evidence.get(index)?;
        pids(checkpoint, self.pid)?;
        for socket in checkpoint.sockets() {
            if self.pid.is_none_or(|pid| socket.holders.iter().any(|h| h.pid == pid)) {
                sink(socket)?;
            }
        }
        Ok(())
    }
}
