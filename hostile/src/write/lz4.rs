//! LZ4 blocks without a frame (`lz4_Block_format.md`): enough of it to compress what repeats.

use std::collections::HashMap;

/// A match must not begin within the last twelve bytes.
const NO_MATCH: usize = 12;
/// The last five bytes are literals.
const LITERALS: usize = 5;

/// Compresses a block.
pub fn lz4(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut seen: HashMap<[u8; 4], usize> = HashMap::new();
    let (mut at, mut pending) = (0, 0);
    while at + NO_MATCH < data.len() {
        let key = [data[at], data[at + 1], data[at + 2], data[at + 3]];
        let before = seen.insert(key, at).filter(|before| at - before <= 0xffff);
        let Some(before) = before else {
            at += 1;
            continue;
        };
        let room = data.len() - LITERALS - at;
        let len = (0..room).take_while(|n| data[before + n] == data[at + n]).count();
        if len < 4 {
            at += 1;
            continue;
        }
        sequence(&mut out, &data[pending..at], Some((at - before, len)));
        at += len;
        pending = at;
    }
    sequence(&mut out, &data[pending..], None);
    out
}

fn sequence(out: &mut Vec<u8>, literals: &[u8], found: Option<(usize, usize)>) {
    let matched = found.map_or(0, |(_, len)| len - 4);
    out.push((literals.len().min(15) << 4 | matched.min(15)) as u8);
    let more = |out: &mut Vec<u8>, len: usize| {
        if let Some(mut rest) = len.checked_sub(15) {
            while rest >= 255 {
                out.push(255);
                rest -= 255;
            }
            out.push(rest as u8);
        }
    };
    more(out, literals.len());
    out.extend(literals);
    if let Some((distance, _)) = found {
        out.extend((distance as u16).to_le_bytes());
        more(out, matched);
    }
}
