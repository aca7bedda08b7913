//! Finds runs of text in bytes, 64 bytes at a time.
//!
//! What a byte is becomes a bit; of 64 bits those are kept at which as many
//! characters of text begin as were asked for. Nearly all runs of random
//! bytes are too short and cost nothing more.

use wide::u8x16;

/// What strings(1) takes for text.
fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~')
}

/// Bytes that are looked at in one step.
const BLOCK: usize = 64;
type Bytes = [u8; BLOCK];

/// Makes a bit of every byte, the first byte's the lowest.
fn bits(block: &Bytes, class: impl Fn(u8x16) -> u8x16) -> u64 {
    let (parts, _) = block.as_chunks::<16>();
    parts.iter().rev().fold(0, |bits, part| bits << 16 | u64::from(class(u8x16::new(*part)).to_bitmask()))
}

/// Bytes that are at least `least`.
fn at_least(v: u8x16, least: u8) -> u8x16 {
    v.max(u8x16::splat(least)).simd_eq(v)
}

fn text(v: u8x16) -> u8x16 {
    let printable = at_least(v, b' ') & v.min(u8x16::splat(b'~')).simd_eq(v);
    printable | v.simd_eq(u8x16::splat(b'\t'))
}

/// The characters of Latin-1 that are no controls.
fn latin(v: u8x16) -> u8x16 {
    text(v) | at_least(v, 0xa0)
}

fn zero(v: u8x16) -> u8x16 {
    v.simd_eq(u8x16::splat(0))
}

/// Bits at which `count` units begin, `stride` bits apart; units behind the two words count as none.
fn filter(now: u64, next: u64, stride: u32, count: u32) -> u64 {
    let mut found = u128::from(now) | u128::from(next) << 64;
    let mut have = 1_u32;
    while have < count {
        let step = have.min(count.saturating_sub(have));
        found &= found >> step.saturating_mul(stride);
        have = have.saturating_add(step);
    }
    u64::try_from(found & u128::from(u64::MAX)).unwrap_or(0)
}

/// Gives every run of at least `minimum` units that begins before `to`.
///
/// `class` says where units begin in a block; it gets the block, and the one
/// that begins a byte later.
fn runs(
    hay: &[u8],
    to: usize,
    minimum: usize,
    stride: u32,
    class: impl Fn(&Bytes, &Bytes) -> u64,
    put: &mut dyn FnMut(usize, usize),
) {
    // More than that would not be seen in two words; longer runs are measured when they are found.
    let count = u32::try_from(minimum).unwrap_or(u32::MAX).min(64_u32.checked_div(stride).unwrap_or(1));
    let least = minimum.saturating_mul(stride as usize);
    let mut put = |start: usize, end: usize| {
        if end.saturating_sub(start) >= least {
            put(start, end);
        }
    };
    let at = |i: usize| -> u64 {
        let later = i.saturating_add(1);
        if let (Some(block), Some(shifted)) = (
            hay.get(i..).and_then(<[u8]>::first_chunk::<BLOCK>),
            hay.get(later..).and_then(<[u8]>::first_chunk::<BLOCK>),
        ) {
            return class(block, shifted);
        }
        // The end: what is not there is zeros.
        let padded = |from: usize| {
            let mut block = [0; BLOCK];
            let rest = hay.get(from..).unwrap_or_default();
            for (to, byte) in block.iter_mut().zip(rest) {
                *to = *byte;
            }
            block
        };
        // A unit has all its bytes.
        let left = hay.len().saturating_sub(i).saturating_add(1).saturating_sub(stride as usize);
        let units = if i < hay.len() { left.min(BLOCK) } else { 0 };
        let mask = u32::try_from(BLOCK.saturating_sub(units)).ok().and_then(|n| u64::MAX.checked_shr(n));
        let mask = mask.unwrap_or(0);
        class(&padded(i), &padded(later)) & mask
    };
    let parity = |bit: u32| if stride == 1 { u64::MAX } else { 0x5555_5555_5555_5555 << (bit & 1) };
    let mut open: Option<usize> = None;
    let mut now = at(0);
    let mut base = 0_usize;
    while base < hay.len() {
        let next = at(base.saturating_add(BLOCK));
        let mut from = 0_u32;
        if let Some(start) = open {
            let same = parity(u32::try_from(start & 1).unwrap_or(0));
            let ends = !now & same;
            if ends != 0 {
                let end = ends.trailing_zeros();
                put(start, base.saturating_add(end as usize));
                open = None;
                from = end.saturating_add(1);
            }
        }
        if open.is_none() {
            let found = filter(now, next, stride, count);
            while let Some(left) =
                u64::MAX.checked_shl(from).map(|mask| found & mask).filter(|left| *left != 0)
            {
                let bit = left.trailing_zeros();
                let start = base.saturating_add(bit as usize);
                if start >= to {
                    return;
                }
                let ends = !now & parity(bit) & u64::MAX.checked_shl(bit).unwrap_or(0);
                if ends == 0 {
                    open = Some(start);
                    break;
                }
                let end = ends.trailing_zeros();
                put(start, base.saturating_add(end as usize));
                from = end.saturating_add(1);
            }
        }
        base = base.saturating_add(BLOCK);
        if base >= to && open.is_none() {
            return;
        }
        now = next;
    }
    if let Some(start) = open {
        let stride = stride as usize;
        let units = hay.len().saturating_sub(start).checked_div(stride).unwrap_or(0);
        put(start, start.saturating_add(units.saturating_mul(stride)));
    }
}

/// Gives every run of ASCII text that begins before `to`.
pub(super) fn ascii(hay: &[u8], to: usize, minimum: usize, put: &mut dyn FnMut(usize, usize)) {
    runs(hay, to, minimum, 1, |block, _| bits(block, text), put);
}

/// Gives every run of UTF-16 text that begins before `to`; the low byte is the first or the second.
pub(super) fn utf16(hay: &[u8], to: usize, minimum: usize, low: usize, put: &mut dyn FnMut(usize, usize)) {
    if low == 0 {
        runs(hay, to, minimum, 2, |first, second| bits(first, latin) & bits(second, zero), put);
    } else {
        runs(hay, to, minimum, 2, |first, second| bits(first, zero) & bits(second, latin), put);
    }
}

/// Length of the character that the bytes begin with, if it is text; 0 if not.
fn character(bytes: &[u8]) -> usize {
    let Some(&first) = bytes.first() else { return 0 };
    if first < 0x80 {
        return usize::from(is_text(first));
    }
    let len = match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return 0,
    };
    let c = bytes.get(..len).and_then(|b| std::str::from_utf8(b).ok()).and_then(|s| s.chars().next());
    if c.is_some_and(|c| !c.is_control()) { len } else { 0 }
}

/// Gives every run of UTF-8 text that begins before `to`.
pub(super) fn utf8(hay: &[u8], to: usize, minimum: usize, put: &mut dyn FnMut(usize, usize)) {
    // A character has at least one byte; what a run of such bytes is made of is looked at then.
    let class = |block: &Bytes, _: &Bytes| bits(block, |v| text(v) | at_least(v, 0x80));
    runs(hay, to, minimum, 1, class, &mut |start, end| {
        let run = hay.get(start..end).unwrap_or_default();
        if run.is_ascii() {
            return put(start, end);
        }
        let mut at = 0_usize;
        while at < run.len() {
            let begin = at;
            let mut count = 0_usize;
            loop {
                let len = character(run.get(at..).unwrap_or_default());
                if len == 0 {
                    break;
                }
                at = at.saturating_add(len);
                count = count.saturating_add(1);
            }
            let first = start.saturating_add(begin);
            if count >= minimum && first < to {
                put(first, start.saturating_add(at));
            }
            at = at.saturating_add(1);
        }
    });
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)] // no evidence here
mod tests {
    use super::*;

    /// Runs, one unit after the other.
    fn simple(
        hay: &[u8],
        to: usize,
        minimum: usize,
        unit: usize,
        is: impl Fn(&[u8]) -> bool,
    ) -> Vec<(usize, usize)> {
        let mut list = Vec::new();
        let mut at = 0;
        while at < to {
            let start = at;
            while hay.get(at..at + unit).is_some_and(&is) {
                at += unit;
            }
            if at - start >= minimum * unit {
                list.push((start, at));
            }
            at = if at == start { at + 1 } else { at };
        }
        list
    }

    fn random(state: &mut u64, below: u64) -> u64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state % below
    }

    #[test]
    fn blocks_of_64_find_what_single_steps_find() {
        let is_latin = |low: u8, high: u8| high == 0 && (is_text(low) || low >= 0xa0);
        let mut state = 0x5eed;
        for round in 0..3000_u64 {
            let len = usize::try_from(random(&mut state, 400)).unwrap();
            // Mostly text, so that runs of all lengths come about.
            let few = [b'a', b'a', b'~', 0, 0, b'\t', 0x7f, 0xa0, 0x1f, 0x80];
            let odds = 2 + random(&mut state, 9);
            let hay: Vec<u8> =
                (0..len).map(|_| few[usize::try_from(random(&mut state, odds)).unwrap()]).collect();
            let to = if round % 3 == 0 { len } else { len / 2 };
            for minimum in [1, 2, 4, 7, 33, 64, 65, 100] {
                let mut got = Vec::new();
                ascii(&hay, to, minimum, &mut |a, b| got.push((a, b)));
                assert_eq!(got, simple(&hay, to, minimum, 1, |u| is_text(u[0])), "{minimum} {to} {hay:?}");
                got.clear();
                utf16(&hay, to, minimum, 0, &mut |a, b| got.push((a, b)));
                let expected = simple(&hay, to, minimum, 2, |u| is_latin(u[0], u[1]));
                assert_eq!(got, expected, "{minimum} {to} {hay:?}");
                got.clear();
                utf16(&hay, to, minimum, 1, &mut |a, b| got.push((a, b)));
                let expected = simple(&hay, to, minimum, 2, |u| is_latin(u[1], u[0]));
                assert_eq!(got, expected, "{minimum} {to} {hay:?}");
            }
        }
    }
}
