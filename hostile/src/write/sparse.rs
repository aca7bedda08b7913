//! Sparse files in all four ways that GNU tar has written them.

use std::fmt::Write as _;

use super::tar::{Member, extended, put_member};

/// How the map of a sparse file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sparse {
    /// In the header, and in further blocks behind it where it has more than four runs (type `S`).
    Old,
    /// As pairs of records of an extended header, format 0.0.
    Pairs,
    /// As one record of an extended header, format 0.1.
    List,
    /// As decimal lines in front of the data, format 1.0.
    Lines,
}

/// All of them.
pub const SPARSE: [Sparse; 4] = [Sparse::Old, Sparse::Pairs, Sparse::List, Sparse::Lines];

/// Writes a sparse file: `runs` are offset and length of what `data` holds, `size` is what it claims to be long.
pub fn put_sparse(out: &mut Vec<u8>, how: Sparse, name: &[u8], runs: &[(u64, u64)], size: u64, data: &[u8]) {
    let number = |n: u64| n.to_string().into_bytes();
    match how {
        Sparse::Old => old(out, name, runs, size, data),
        Sparse::Pairs => {
            let values: Vec<_> = runs.iter().map(|(offset, len)| (number(*offset), number(*len))).collect();
            let (size, blocks) = (number(size), number(runs.len() as u64));
            let mut records: Vec<(&str, &[u8])> =
                vec![("GNU.sparse.size", &size), ("GNU.sparse.numblocks", &blocks)];
            for (offset, len) in &values {
                records.extend([("GNU.sparse.offset", &offset[..]), ("GNU.sparse.numbytes", len)]);
            }
            put_member(out, &extended(b'x', &records));
            put_member(out, &Member::file(name, data));
        }
        Sparse::List => {
            let list: Vec<_> = runs.iter().map(|(offset, len)| format!("{offset},{len}")).collect();
            let list = list.join(",");
            let (size, blocks) = (number(size), number(runs.len() as u64));
            let records: [(&str, &[u8]); 4] = [
                ("GNU.sparse.size", &size),
                ("GNU.sparse.numblocks", &blocks),
                ("GNU.sparse.name", name),
                ("GNU.sparse.map", list.as_bytes()),
            ];
            put_member(out, &extended(b'x', &records));
            put_member(out, &Member::file("GNUSparseFile.0/x", data));
        }
        Sparse::Lines => {
            let size = number(size);
            let records: [(&str, &[u8]); 4] = [
                ("GNU.sparse.major", b"1"),
                ("GNU.sparse.minor", b"0"),
                ("GNU.sparse.name", name),
                ("GNU.sparse.realsize", &size),
            ];
            put_member(out, &extended(b'x', &records));
            let mut map = format!("{}\n", runs.len());
            for (offset, len) in runs {
                let _ = writeln!(map, "{offset}\n{len}");
            }
            let mut whole = map.into_bytes();
            whole.resize(whole.len().next_multiple_of(512), 0);
            whole.extend(data);
            put_member(out, &Member::file("GNUSparseFile.0/x", whole));
        }
    }
}

fn old(out: &mut Vec<u8>, name: &[u8], runs: &[(u64, u64)], size: u64, data: &[u8]) {
    let start = out.len();
    put_member(out, &Member { flag: b'S', ..Member::file(name, "") });
    // Numbers of twelve bytes: octal where they fit, else binary with the first bit set.
    let number = |n: u64| -> [u8; 12] {
        let mut field = [0; 12];
        if n < 1 << 33 {
            field.copy_from_slice(format!("{n:011o}\0").as_bytes());
        } else {
            field[0] = 0x80;
            field[4..].copy_from_slice(&n.to_be_bytes());
        }
        field
    };
    let pairs = |runs: &[(u64, u64)]| -> Vec<u8> {
        runs.iter().flat_map(|(offset, len)| [number(*offset), number(*len)].concat()).collect()
    };
    let (first, more) = runs.split_at(runs.len().min(4));
    let header = &mut out[start..start + 512];
    header[124..136].copy_from_slice(&number(data.len() as u64));
    header[257..265].copy_from_slice(b"ustar  \0");
    header[386..386 + first.len() * 24].copy_from_slice(&pairs(first));
    header[482] = u8::from(!more.is_empty());
    header[483..495].copy_from_slice(&number(size));
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let blocks = more.chunks(21).count();
    for (number, runs) in more.chunks(21).enumerate() {
        let mut block = pairs(runs);
        block.resize(512, 0);
        block[504] = u8::from(number + 1 < blocks);
        out.extend(block);
    }
    out.extend(data);
    out.resize(out.len().next_multiple_of(512), 0);
}
