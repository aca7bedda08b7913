//! Whether the process table is a tree.

use std::collections::HashMap;
use std::sync::Arc;

use crate::image::{Kind, Records, number_in, proto};

/// How many processes of a circle are named.
const NAMED: usize = 8;

/// Says which processes are their own ancestors.
///
/// The kernel makes no such table: it was written by someone else.
pub(super) fn circles(
    list: &[Arc<proto::PstreeEntry>],
    by_pid: &HashMap<u32, usize>,
    mut found: impl FnMut(&str),
) {
    // The walk that came by first, from 1; 0 is none yet.
    let mut walks = vec![0_usize; list.len()];
    for start in 0..list.len() {
        let walk = start.saturating_add(1);
        let mut at = start;
        let mut path: Vec<usize> = Vec::new();
        while let Some(mark) = walks.get_mut(at) {
            crate::meter::step();
            if *mark != 0 {
                if *mark == walk {
                    let from = path.iter().position(|i| *i == at).unwrap_or(0);
                    found(&describe(list, path.get(from..).unwrap_or_default()));
                }
                break;
            }
            *mark = walk;
            path.push(at);
            let parent = list.get(at).and_then(|t| t.ppid).and_then(|p| by_pid.get(&p));
            match parent {
                Some(parent) => at = *parent,
                None => break,
            }
        }
    }
}

/// Says which processes have a parent that the table does not list: CRIU writes 0 for one outside of the dump.
pub(super) fn orphans(
    list: &[Arc<proto::PstreeEntry>],
    by_pid: &HashMap<u32, usize>,
    mut found: impl FnMut(&str),
) {
    for task in list {
        if let Some(parent) = task.ppid.filter(|p| *p != 0 && !by_pid.contains_key(p)) {
            let pid = task.pid.unwrap_or(0);
            found(&format!("process {parent}, the parent of process {pid}, is not in the table"));
        }
    }
}

fn describe(list: &[Arc<proto::PstreeEntry>], circle: &[usize]) -> String {
    let pids: Vec<String> = circle
        .iter()
        .take(NAMED)
        .filter_map(|i| list.get(*i))
        .map(|t| t.pid.unwrap_or(0).to_string())
        .collect();
    if let [one] = pids.as_slice() {
        return format!("process {one} is its own parent");
    }
    let more = circle.len().saturating_sub(pids.len());
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("processes {}{more} are each other's ancestors: no kernel makes such a table", pids.join(", "))
}

/// Says which numbers of a process table are wider than the 32 bits they are read into.
pub(super) fn too_wide(image: &[u8], mut found: impl FnMut(u64, &str)) {
    const FIELDS: [(u32, &str); 4] = [(1, "pid"), (2, "ppid"), (3, "pgid"), (4, "sid")];
    let Ok(records) = Records::new(Some(Kind::Pstree), image) else { return };
    for record in records.filter_map(std::result::Result::ok) {
        for (field, name) in FIELDS {
            if let Ok(Some(value)) = number_in(&record.body, field)
                && u32::try_from(value).is_err()
            {
                let low = value & u64::from(u32::MAX);
                found(
                    record.offset,
                    &format!(
                        "the {name} {value:#x} does not fit its 32 bits; the lower half, {low}, is taken"
                    ),
                );
            }
        }
    }
}
