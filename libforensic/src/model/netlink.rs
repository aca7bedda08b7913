//! Messages of rtnetlink(7), as `ip … save` writes them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One message with its offset in the image.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message<'a> {
    pub(crate) offset: u64,
    pub(crate) kind: u16,
    pub(crate) body: &'a [u8],
}

/// Byte order of the dumping machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order {
    pub(crate) big_endian: bool,
}

impl Order {
    pub(crate) fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let word = *bytes.get(at..)?.first_chunk::<2>()?;
        Some(if self.big_endian { u16::from_be_bytes(word) } else { u16::from_le_bytes(word) })
    }

    pub(crate) fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let word = *bytes.get(at..)?.first_chunk::<4>()?;
        Some(if self.big_endian { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) })
    }
}

/// Size of `struct nlmsghdr`.
const HEADER: usize = 16;

/// Splits messages that stand behind iproute2's magic number; the flag says that the bytes end in a whole one.
pub(crate) fn messages(bytes: &[u8], order: Order) -> (Vec<Message<'_>>, bool) {
    split(bytes, 4, 4, order)
}

/// As [`messages`], of messages without anything before or between them.
pub(crate) fn packed(bytes: &[u8], order: Order) -> (Vec<Message<'_>>, bool) {
    split(bytes, 0, 1, order)
}

fn split(bytes: &[u8], start: usize, align: usize, order: Order) -> (Vec<Message<'_>>, bool) {
    let mut list = Vec::new();
    let mut at = start;
    while let Some(rest) = bytes.get(at..).filter(|r| !r.is_empty()) {
        let length = order.u32(rest, 0).and_then(|n| usize::try_from(n).ok());
        let Some(length) = length.filter(|n| *n >= HEADER) else { return (list, false) };
        let Some(body) = rest.get(HEADER..length) else { return (list, false) };
        list.push(Message { offset: at as u64, kind: order.u16(rest, 4).unwrap_or(0), body });
        at = at.saturating_add(length.next_multiple_of(align));
    }
    (list, true)
}

/// Splits the attributes behind a fixed head of `skip` bytes.
pub(crate) fn attributes(body: &[u8], skip: usize, order: Order) -> Vec<(u16, &[u8])> {
    let mut list = Vec::new();
    let mut at = skip;
    while let Some(rest) = body.get(at..).filter(|r| r.len() >= 4) {
        let length = usize::from(order.u16(rest, 0).unwrap_or(0));
        let Some(value) = rest.get(4..length) else { break };
        // The two highest bits mark nesting and byte order.
        list.push((order.u16(rest, 2).unwrap_or(0) & 0x3fff, value));
        at = at.saturating_add(length.next_multiple_of(4));
    }
    list
}

/// An address in network byte order.
pub(crate) fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => bytes.first_chunk::<4>().map(|b| IpAddr::V4(Ipv4Addr::from(*b))),
        16 => bytes.first_chunk::<16>().map(|b| IpAddr::V6(Ipv6Addr::from(*b))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_ends_the_list() {
        let order = Order { big_endian: false };
        let mut image = vec![0x22, 0x12, 0x36, 0x47];
        image.extend([20, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]);
        assert_eq!(messages(&image, order).0.len(), 1);
        assert!(messages(&image, order).1);
        for len in 5..image.len() {
            let (list, whole) = messages(&image[..len], order);
            assert!(list.is_empty() && !whole);
        }
        // Lengths of zero do not loop.
        assert!(!messages(&[0; 64], order).1);
        assert!(attributes(&[0; 64], 8, order).is_empty());
        assert!(attributes(&[0xff; 64], 8, order).is_empty());
    }
}
