//! What the kernel keeps for a process: limits, signals, timers, and who shares its objects.

use std::collections::HashMap;

use super::cache::Sharing;
use super::process::{handlers, pending};
use super::{Checkpoint, Hex, ResourceLimit, SharedWith, Signals, names};
use crate::image::proto;

/// Most processes that are named as sharing one kernel object; a forged dump may claim that all do.
const SHARERS: usize = 64;

impl Checkpoint {
    pub(super) fn limits(&self, pid: u32, tc: Option<&proto::TaskCoreEntry>) -> Option<Vec<ResourceLimit>> {
        let list: Vec<proto::RlimitEntry> = if let Some(limits) = tc.and_then(|t| t.rlimits.as_ref()) {
            limits.rlimits.clone()
        } else {
            let name = format!("rlimit-{pid}.img");
            self.images.find(&name)?;
            self.images.all(&name)?.into_iter().map(|(_, l)| l).collect()
        };
        let mips = self.is_mips();
        let value = |n: Option<u64>| n.filter(|n| *n != u64::MAX);
        Some(
            list.iter()
                .enumerate()
                .filter_map(|(i, l)| {
                    Some(ResourceLimit {
                        resource: names::rlimit(i, mips)?,
                        soft: value(l.cur),
                        hard: value(l.max),
                    })
                })
                .collect(),
        )
    }

    /// What the process does about signals, in the order of their numbers without 9 and 19.
    pub(super) fn actions(&self, pid: u32, tc: Option<&proto::TaskCoreEntry>) -> Vec<proto::SaEntry> {
        let actions = tc.map(|t| t.sigactions.clone()).unwrap_or_default();
        // Until CRIU 3.0 they were an image of their own.
        let legacy = format!("sigacts-{pid}.img");
        if actions.is_empty() && self.images.find(&legacy).is_some() {
            return self.images.all(&legacy).unwrap_or_default().into_iter().map(|(_, a)| a).collect();
        }
        actions
    }

    pub(super) fn signals(
        &self,
        tc: Option<&proto::TaskCoreEntry>,
        actions: &[proto::SaEntry],
        queue: Option<&proto::SignalQueueEntry>,
    ) -> Signals {
        let known = (!actions.is_empty()).then(|| handlers(actions));
        Signals {
            blocked: tc.and_then(|t| t.blk_sigset).map(Hex),
            pending: tc.map(|_| pending(queue, self.is_big_endian())),
            ignored: known.map(|k| k.0),
            caught: known.map(|k| k.1),
        }
    }

    pub(super) fn timers(
        &self,
        pid: u32,
        tc: Option<&proto::TaskCoreEntry>,
    ) -> Option<proto::TaskTimersEntry> {
        if let Some(timers) = tc.and_then(|t| t.timers.as_ref()) {
            return Some(timers.clone());
        }
        // CRIU 1.x wrote two images: three classic timers in the order real, virtual, prof, and the others.
        let (classic, posix) = (format!("itimers-{pid}.img"), format!("posix-timers-{pid}.img"));
        self.images.find(&classic).or_else(|| self.images.find(&posix))?;
        let mut three = self.images.all::<proto::ItimerEntry>(&classic).unwrap_or_default().into_iter();
        let mut next = || three.next().map(|(_, t)| t);
        Some(proto::TaskTimersEntry {
            real: next(),
            virt: next(),
            prof: next(),
            posix: self.images.all(&posix).unwrap_or_default().into_iter().map(|(_, t)| t).collect(),
        })
    }

    /// Other processes with the same kernel objects; threads are no processes here.
    pub(super) fn shared_with(&self, pid: u32, ids: &proto::TaskKobjIdsEntry) -> SharedWith {
        let sharing = self.cache.sharing.get_or_init(|| {
            let mut sharing = Sharing::default();
            for pid in self.pids() {
                let Some(ids) = self.images.optional::<proto::TaskKobjIdsEntry>(&format!("ids-{pid}.img"))
                else {
                    continue;
                };
                let mut put = |map: fn(&mut Sharing) -> &mut HashMap<u32, Vec<u32>>, id: Option<u32>| {
                    if let Some(id) = id {
                        map(&mut sharing).entry(id).or_default().push(pid);
                    }
                };
                put(|s| &mut s.files, ids.files_id);
                put(|s| &mut s.fs, ids.fs_id);
                put(|s| &mut s.vm, ids.vm_id);
                put(|s| &mut s.sighand, ids.sighand_id);
            }
            sharing
        });
        let others = |map: &HashMap<u32, Vec<u32>>, id: Option<u32>| {
            let all = id.and_then(|id| map.get(&id)).map(Vec::as_slice).unwrap_or_default();
            all.iter().copied().filter(|p| *p != pid).take(SHARERS).collect()
        };
        SharedWith {
            files: others(&sharing.files, ids.files_id),
            fs: others(&sharing.fs, ids.fs_id),
            memory: others(&sharing.vm, ids.vm_id),
            signals: others(&sharing.sighand, ids.sighand_id),
        }
    }
}
