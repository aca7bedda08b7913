//! Terminals.

use std::collections::HashMap;

use serde::Serialize;

use super::Checkpoint;
use super::text::Hex;
use crate::image::proto;

/// A terminal as tty-info.img has it (criu/tty.c).
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Terminal {
    /// CRIU's number: twice the index, plus one for the master of a pair.
    pub id: u32,
    /// `pty`, `console`, `vt`, `ctty`, `external` or `serial`.
    pub kind: Option<&'static str>,
    /// Number of the pair, N of /dev/pts/N.
    pub index: Option<u32>,
    /// Whether this end is the master.
    pub master: bool,
    /// Session it controls; `None` without one.
    pub session: Option<u32>,
    /// Process group in the foreground.
    pub foreground: Option<u32>,
    /// Rows of the window.
    pub rows: Option<u32>,
    /// Columns of the window.
    pub columns: Option<u32>,
    /// `major:minor`.
    pub device: Option<String>,
    /// Owner of the device node.
    pub uid: Option<u32>,
    /// Group of the device node.
    pub gid: Option<u32>,
    /// Whether what is typed is shown (`ECHO`); off while a password is asked for.
    pub echo: Option<bool>,
    /// Whether input comes line by line (`ICANON`); off in editors and after a shell upgrade.
    pub canonical: Option<bool>,
    /// `c_iflag`, `c_oflag`, `c_cflag`, `c_lflag` of termios(3).
    pub flags: Option<[Hex; 4]>,
    /// `TIOCEXCL` is set.
    pub exclusive: Option<bool>,
    /// `TIOCPKT` is on: the master sees control bytes.
    pub packet_mode: Option<bool>,
    /// `TIOCSPTLCK` is set: the slave cannot be opened.
    pub locked: Option<bool>,
    /// Unread bytes kept in tty-data.img.
    pub queued_bytes: u64,
}

impl Terminal {
    fn new(entry: &proto::TtyInfoEntry, queued: u64) -> Self {
        let id = entry.id.unwrap_or(0);
        let termios = entry.termios.as_ref();
        // Bits of c_lflag on all architectures but ppc64 and MIPS, of which the
        // first has ECHO in the same place and ICANON elsewhere.
        let local = termios.and_then(|t| t.c_lflag);
        let word = |n: Option<u32>| Hex(u64::from(n.unwrap_or(0)));
        let set = |n: Option<u32>| n.filter(|n| *n != 0);
        Self {
            id,
            kind: entry.r#type.and_then(|k| {
                Some(match k {
                    1 => "pty",
                    2 => "console",
                    3 => "vt",
                    4 => "ctty",
                    5 => "external",
                    6 => "serial",
                    _ => return None,
                })
            }),
            index: entry.pty.as_ref().and_then(|p| p.index),
            master: entry.r#type == Some(1) && id & 1 == 1,
            session: set(entry.sid),
            foreground: set(entry.pgrp),
            rows: entry.winsize.as_ref().and_then(|w| w.ws_row),
            columns: entry.winsize.as_ref().and_then(|w| w.ws_col),
            device: entry.rdev.map(user_device),
            uid: entry.uid,
            gid: entry.gid,
            echo: local.map(|l| l & 8 != 0),
            canonical: local.map(|l| l & 2 != 0),
            flags: termios.map(|t| [word(t.c_iflag), word(t.c_oflag), word(t.c_cflag), word(t.c_lflag)]),
            exclusive: entry.exclusive,
            packet_mode: entry.packet_mode,
            locked: entry.locked,
            queued_bytes: queued,
        }
    }
}

/// `major:minor` of a device number as stat(2) gives it.
pub(crate) fn user_device(dev: u32) -> String {
    format!("{}:{}", dev >> 8 & 0xfff, (dev & 0xff) | (dev >> 12 & 0xf_ff00))
}

impl Checkpoint {
    /// Returns the terminal that a terminal's descriptor names.
    pub fn terminal(&self, id: u32) -> Option<&Terminal> {
        self.cache
            .terminals
            .get_or_init(|| {
                let mut queued: HashMap<u32, u64> = HashMap::new();
                for (_, data) in self.images.all::<proto::TtyDataEntry>("tty-data.img").unwrap_or_default() {
                    let bytes = queued.entry(data.tty_id.unwrap_or(0)).or_default();
                    *bytes = bytes.saturating_add(data.data.map_or(0, |d| d.len() as u64));
                }
                if self.images.find("tty-info.img").is_none() {
                    let what = "the image is missing: the settings of terminals are not known";
                    self.images.warn("tty-info.img", None, what);
                }
                let infos = self.images.all::<proto::TtyInfoEntry>("tty-info.img").unwrap_or_default();
                let mut all: HashMap<u32, Terminal> = infos
                    .iter()
                    .map(|(_, e)| {
                        let id = e.id.unwrap_or(0);
                        (id, Terminal::new(e, queued.get(&id).copied().unwrap_or(0)))
                    })
                    .collect();
                // CRIU asks for the session through one end of a pair and leaves the other at zero.
                for (_, e) in infos.iter().filter(|(_, e)| e.r#type == Some(1)) {
                    let id = e.id.unwrap_or(0);
                    let other = all.get(&(id ^ 1)).and_then(|o| Some((o.session?, o.foreground)));
                    if let (Some((session, foreground)), Some(terminal)) = (other, all.get_mut(&id))
                        && terminal.session.is_none()
                    {
                        terminal.session = Some(session);
                        terminal.foreground = foreground;
                    }
                }
                all
            })
            .get(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_numbers_of_stat() {
        assert_eq!(user_device(1282), "5:2");
        assert_eq!(user_device(34816), "136:0");
        assert_eq!(user_device(0x10_0805), "8:261");
    }
}
