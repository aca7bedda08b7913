//! Changes evidence, by a seed.

use crate::write::{
    DAMAGE, Damage, Dump, Files, MACHINES, Member, Run, SPARSE, Store, Vma, chain, extended, long_name,
    put_sparse, tar,
};

/// A small generator of numbers (xorshift64*): the same everywhere.
#[derive(Debug, Clone)]
pub struct Dice<'f> {
    state: u64,
    fed: &'f [u8],
}

impl Dice<'static> {
    /// Starts from a seed; neighbouring ones give unlike numbers.
    pub fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, fed: &[] }
    }
}

impl<'f> Dice<'f> {
    /// Gives the numbers that a fuzzer chose, one for every two bytes, and goes on by itself behind them.
    pub fn fed(bytes: &'f [u8]) -> Self {
        Self { fed: bytes, ..Dice::new(1) }
    }

    /// Gives the next number.
    pub fn roll(&mut self) -> u64 {
        if let Some((number, rest)) = self.fed.split_first_chunk() {
            self.fed = rest;
            // Both halves are of use: `below` takes the upper one.
            return u64::from(u16::from_le_bytes(*number)).wrapping_mul(0x0001_0000_0000_0801);
        }
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Gives a number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from((self.roll() >> 11) % end.max(1) as u64).unwrap_or(0)
    }

    /// Gives true once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// Numbers at which programs break.
const EDGES: [u64; 12] = [
    0,
    1,
    0x7f,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    0x1_0000_0001,
    0x7fff_ffff_ffff_ffff,
    0xffff_ffff_ffff_f000,
    u64::MAX,
];

/// Changes some bytes.
pub fn bytes(data: &mut Vec<u8>, dice: &mut Dice<'_>) {
    for _ in 0..=dice.below(6) {
        if data.is_empty() {
            return;
        }
        let at = dice.below(data.len());
        match dice.below(9) {
            0 => data[at] ^= 1 << dice.below(8),
            1 => data[at] = dice.roll() as u8,
            2 => data[at] = [0, 0xff, 0x7f, 0x80][dice.below(4)],
            3 => {
                let end = (at + 1 + dice.below(9)).min(data.len());
                data[at..end].fill(0xff);
            }
            4 => {
                // A piece of another place, such as another record.
                let from = dice.below(data.len());
                let len = dice.below(64).min(data.len() - from).min(data.len() - at);
                data.copy_within(from..from + len, at);
            }
            5 => {
                let edge = EDGES[dice.below(EDGES.len())].to_le_bytes();
                let len = [1, 2, 4, 8][dice.below(4)].min(data.len() - at);
                data[at..at + len].copy_from_slice(&edge[..len]);
            }
            6 => {
                // A number of protobuf's, longer or shorter than the one that was there.
                let mut varint = Vec::new();
                let mut left = EDGES[dice.below(EDGES.len())];
                while left > 127 {
                    varint.push((left % 128) as u8 + 128);
                    left /= 128;
                }
                varint.push(left as u8);
                let end = (at + dice.below(4)).min(data.len());
                data.splice(at..end, varint);
            }
            7 => {
                let end = (at + dice.below(32)).min(data.len());
                let piece = data[at..end].to_vec();
                if dice.below(2) == 0 {
                    data.splice(at..at, piece);
                } else {
                    data.drain(at..end);
                }
            }
            _ => {
                if dice.below(16) == 0 {
                    data.truncate(at);
                }
            }
        }
    }
}

/// Swaps, repeats or drops records of an image; the rest stays as it was.
pub fn records(image: &mut Vec<u8>, dice: &mut Dice<'_>) {
    [Damage::Swapped, Damage::Twice, Damage::Headless][dice.below(3)].put(image, dice);
}

/// Changes an archive that is given as its members, and writes it.
pub fn archive(members: &[Member], dice: &mut Dice<'_>) -> Vec<u8> {
    let mut members = members.to_vec();
    for _ in 0..=dice.below(3) {
        let (one, other) = (dice.below(members.len()), dice.below(members.len()));
        match dice.below(14) {
            0 => members.swap(one, other),
            1 => members.push(members[one].clone()),
            2 if members.len() > 2 => drop(members.remove(one)),
            3 => {
                let data = members[other].data.clone();
                members[one].data = data;
            }
            4 => members[one].flag = *b"0123456gxLKSVDM7".get(dice.below(16)).unwrap_or(&b'0'),
            5 => {
                let edge = EDGES[dice.below(EDGES.len())];
                members[one] = members[one].clone().claiming(edge);
            }
            6 | 7 => records(&mut members[one].data, dice),
            8 | 9 => DAMAGE[dice.below(DAMAGE.len())].put(&mut members[one].data, dice),
            10 => {
                let link = members[other].name.clone();
                let flag = [b'1', b'2'][dice.below(2)];
                members[one] = Member::bare(flag, members[one].name.clone(), link);
            }
            _ => bytes(&mut members[one].data, dice),
        }
    }
    let mut out = tar(&members);
    if dice.below(8) == 0 {
        bytes(&mut out, dice);
    }
    if dice.below(32) == 0 {
        let at = dice.below(out.len());
        out.truncate(at);
    }
    out
}

/// Makes up a dump: an honest one in most, with a few impossible numbers.
pub fn dump(dice: &mut Dice<'_>) -> Dump {
    let odd = |dice: &mut Dice<'_>, honest: u64| {
        if dice.once_in(24) { EDGES[dice.below(EDGES.len())] } else { honest }
    };
    let processes = 1 + dice.below(6) as u64;
    let tree = (1..=processes).map(|pid| (odd(dice, pid), odd(dice, pid / 2))).collect();
    let machine = dice.below(MACHINES.len());
    let page: u64 = [4096, 4096, 4096, 16_384, 65_536][dice.below(5)];
    let mut vmas = Vec::new();
    let mut runs = Vec::new();
    let mut stored = 0;
    let mut at = page * (1 + dice.below(64) as u64);
    for _ in 0..dice.below(6) {
        let pages = 1 + dice.below(5) as u64;
        vmas.push(Vma { start: odd(dice, at), end: odd(dice, at + pages * page) });
        let flags = [4, 4, 6, 1, 2, 12][dice.below(6)];
        let count = 1 + dice.below(pages as usize) as u64;
        if flags & 4 != 0 {
            stored += count;
        }
        runs.push(Run { vaddr: odd(dice, at), pages: odd(dice, count), flags });
        at += (pages + dice.below(4) as u64) * page;
    }
    let mut pages = b"SECRET=hunter2 ".repeat((stored * page / 15 + 1) as usize);
    pages.truncate((stored * page) as usize);
    for _ in 0..dice.below(4) {
        let start = dice.below(pages.len());
        let end = (start + dice.below(9000)).min(pages.len());
        pages[start..end].fill(0);
    }
    let mounts = (0..dice.below(5) as u64)
        .map(|n| (odd(dice, n + 1), odd(dice, n), format!("/{}", "m/".repeat(dice.below(4)))))
        .collect();
    Dump {
        tree,
        vmas,
        runs,
        pages,
        store: [Store::Plain, Store::Plain, Store::Page, Store::Region(2), Store::Region(16)][dice.below(5)],
        big: MACHINES[machine].big != dice.once_in(16),
        old_counts: dice.once_in(3),
        old_flags: dice.once_in(4),
        old_headers: dice.once_in(4),
        old_tasks: dice.once_in(4),
        files: [Files::None, Files::One, Files::Split][dice.below(3)],
        machine,
        page_size: (page != 4096 || dice.once_in(2)).then_some(page),
        mounts,
        group_levels: if dice.once_in(4) { dice.below(200) } else { 0 },
        parent: dice.once_in(3).then(|| {
            ["../pre-1", "../checkpoint", ".", "..", "/etc", "../../../x"][dice.below(6)].to_owned()
        }),
    }
}

/// Makes up an archive: dumps that are each other's parents, or one, with members as tar can write them, and damage.
pub fn written(dice: &mut Dice<'_>) -> Vec<u8> {
    if dice.once_in(4) {
        let dumps: Vec<_> = (0..=dice.below(4)).map(|_| dump(dice)).collect();
        let mut out = chain(&dumps);
        if dice.once_in(3) {
            bytes(&mut out, dice);
        }
        return out;
    }
    let mut members = dump(dice).members("checkpoint/");
    members.push(Member::file("config.dump", r#"{"id":"x","name":"y"}"#));
    let at = dice.below(members.len());
    match dice.below(5) {
        0 => {
            let name = members[at].name.repeat(1 + dice.below(40));
            members.insert(at, long_name(b"LK"[dice.below(2)], name));
        }
        1 => {
            let size = EDGES[dice.below(EDGES.len())].to_string();
            let keys = ["size", "path", "linkpath", "mtime", "uid", "GNU.sparse.size", "GNU.sparse.map"];
            members.insert(at, extended(b"xg"[dice.below(2)], &[(keys[dice.below(7)], size.as_bytes())]));
        }
        2 => {
            let mut out = tar(&members[..at]);
            out.truncate(out.len() - 1024);
            let one = &members[at];
            let len = one.data.len() as u64;
            let half = len / 2;
            let runs: Vec<(u64, u64)> = match dice.below(5) {
                0 => vec![(0, len)],
                1 => vec![(0, half), (half + 4096, len - half)],
                2 => vec![(half + 4096, len - half), (0, half)],
                3 => vec![(EDGES[dice.below(EDGES.len())], EDGES[dice.below(EDGES.len())]), (0, len)],
                _ => (0..len.min(60)).map(|n| (n * 3, 1)).collect(),
            };
            let size = if dice.once_in(4) { EDGES[dice.below(EDGES.len())] } else { len + 8192 };
            put_sparse(&mut out, SPARSE[dice.below(4)], &one.name, &runs, size, &one.data);
            out.extend(tar(&members[at + 1..]));
            return out;
        }
        _ => {}
    }
    archive(&members, dice)
}
