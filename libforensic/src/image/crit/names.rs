//! Names of bits and values, and the other pretty forms of numbers.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

type Names = &'static [(u64, &'static str)];

const MMAP_PROT: Names = &[(1, "PROT_READ"), (2, "PROT_WRITE"), (4, "PROT_EXEC")];

const MMAP_FLAGS: Names = &[
    (0x1, "MAP_SHARED"),
    (0x2, "MAP_PRIVATE"),
    (0x8, "MAP_DROPPABLE"),
    (0x20, "MAP_ANON"),
    (0x100, "MAP_GROWSDOWN"),
];

const MMAP_STATUS: Names = &[
    (1, "VMA_AREA_REGULAR"),
    (1 << 1, "VMA_AREA_STACK"),
    (1 << 2, "VMA_AREA_VSYSCALL"),
    (1 << 3, "VMA_AREA_VDSO"),
    (1 << 5, "VMA_AREA_HEAP"),
    (1 << 6, "VMA_FILE_PRIVATE"),
    (1 << 7, "VMA_FILE_SHARED"),
    (1 << 8, "VMA_ANON_SHARED"),
    (1 << 9, "VMA_ANON_PRIVATE"),
    (1 << 10, "VMA_AREA_SYSVIPC"),
    (1 << 11, "VMA_AREA_SOCKET"),
    (1 << 12, "VMA_AREA_VVAR"),
    (1 << 13, "VMA_AREA_AIORING"),
    (1 << 14, "VMA_AREA_MEMFD"),
    (1 << 15, "VMA_AREA_SHSTK"),
    (1 << 17, "VMA_AREA_UPROBES"),
    (1 << 31, "VMA_UNSUPP"),
];

// Numbers of x86; crit uses them for every architecture.
const OPEN_FLAGS: Names = &[
    (0o1, "O_WRONLY"),
    (0o2, "O_RDWR"),
    (0o100, "O_CREAT"),
    (0o200, "O_EXCL"),
    (0o400, "O_NOCTTY"),
    (0o1000, "O_TRUNC"),
    (0o2000, "O_APPEND"),
    (0o4000, "O_NONBLOCK"),
    (0o10_000, "O_DSYNC"),
    (0o20_000, "FASYNC"),
    (0o40_000, "O_DIRECT"),
    (0o100_000, "O_LARGEFILE"),
    (0o200_000, "O_DIRECTORY"),
    (0o400_000, "O_NOFOLLOW"),
    (0o1_000_000, "O_NOATIME"),
    (0o2_000_000, "O_CLOEXEC"),
];

const SEALS: Names = &[
    (0x1, "F_SEAL_SEAL"),
    (0x2, "F_SEAL_SHRINK"),
    (0x4, "F_SEAL_GROW"),
    (0x8, "F_SEAL_WRITE"),
    (0x10, "F_SEAL_FUTURE_WRITE"),
];

const PAGE_FLAGS: Names = &[(1, "PE_PARENT"), (2, "PE_LAZY"), (4, "PE_PRESENT")];

// CRIU's `compel/include/uapi/task-state.h`.
const TASK_STATES: Names = &[(1, "Alive"), (2, "Dead"), (3, "Stopped"), (6, "Zombie")];

// crit has had the names of two states exchanged since it names them.
const TASK_STATES_OF_CRIT: Names = &[(1, "Alive"), (3, "Zombie"), (6, "Stopped")];

const FAMILIES: Names = &[(1, "UNIX"), (2, "INET"), (10, "INET6"), (16, "NETLINK"), (17, "PACKET")];

const SOCKET_TYPES: Names = &[(1, "STREAM"), (2, "DGRAM"), (3, "RAW"), (5, "SEQPACKET"), (10, "PACKET")];

const SOCKET_STATES: Names = &[
    (1, "ESTABLISHED"),
    (2, "SYN_SENT"),
    (3, "SYN_RECV"),
    (4, "FIN_WAIT1"),
    (5, "FIN_WAIT2"),
    (6, "TIME_WAIT"),
    (7, "CLOSE"),
    (8, "CLOSE_WAIT"),
    (9, "LAST_ACK"),
    (10, "LISTEN"),
];

const PROTOCOLS: Names = &[(0, "IP"), (6, "TCP"), (17, "UDP"), (136, "UDPLITE")];

fn bit_names(map: &str) -> Names {
    match map {
        "mmap.prot" => MMAP_PROT,
        "mmap.flags" => MMAP_FLAGS,
        "mmap.status" => MMAP_STATUS,
        "rfile.flags" => OPEN_FLAGS,
        "seals.flags" => SEALS,
        "pmap.flags" => PAGE_FLAGS,
        _ => &[],
    }
}

/// Writes bits as their names, those without one as a number at the end.
pub(super) fn flags(map: &str, value: u64) -> String {
    let mut text = String::new();
    let mut rest = value;
    for (bit, name) in bit_names(map) {
        if value & bit != 0 {
            if !text.is_empty() {
                text.push_str(" | ");
            }
            text.push_str(name);
            rest &= !bit;
        }
    }
    if rest != 0 {
        if !text.is_empty() {
            text.push_str(" | ");
        }
        // Writing to a text cannot fail.
        let _ = write!(text, "{rest:#x}");
    }
    text
}

/// Reads what [`flags`] writes.
pub(super) fn parse_flags(map: &str, text: &str) -> Option<u64> {
    if text.is_empty() {
        return Some(0);
    }
    text.split('|').map(str::trim).try_fold(0_u64, |value, part| {
        let bits = bit_names(map)
            .iter()
            .find(|(_, name)| *name == part)
            .map(|(bit, _)| *bit)
            .or_else(|| parse_unsigned(part))?;
        value.checked_add(bits)
    })
}

fn value_names(map: &str, field: &str, crit_compat: bool) -> Names {
    match (map, field) {
        ("gen", "task_state") if crit_compat => TASK_STATES_OF_CRIT,
        ("gen", "task_state") => TASK_STATES,
        ("sk", "family") => FAMILIES,
        ("sk", "type") => SOCKET_TYPES,
        ("sk", "state") => SOCKET_STATES,
        ("sk", "proto") => PROTOCOLS,
        _ => &[],
    }
}

pub(super) fn name_of(map: &str, field: &str, value: u64, crit_compat: bool) -> Option<&'static str> {
    value_names(map, field, crit_compat).iter().find(|(number, _)| *number == value).map(|(_, name)| *name)
}

pub(super) fn value_of(map: &str, field: &str, name: &str, crit_compat: bool) -> Option<u64> {
    value_names(map, field, crit_compat).iter().find(|(_, known)| *known == name).map(|(number, _)| *number)
}

/// Writes a device number of the kernel's encoding.
pub(super) fn kernel_device(value: u64) -> String {
    format!("{}:{}", value >> 20, value & 0xf_ffff)
}

/// Writes a device number of the encoding that user space sees.
pub(super) fn user_device(value: u64) -> String {
    let major = ((value >> 8) & 0xfff) | ((value >> 32) & 0xffff_f000);
    let minor = (value & 0xff) | ((value >> 12) & 0xffff_ff00);
    format!("{major}:{minor}")
}

fn parse_device(text: &str) -> Option<(u64, u64)> {
    let (major, minor) = text.split_once(':')?;
    let part = |text: &str| text.trim().parse::<u32>().ok().map(u64::from);
    Some((part(major)?, part(minor)?))
}

pub(super) fn parse_kernel_device(text: &str) -> Option<u64> {
    let (major, minor) = parse_device(text)?;
    Some((major << 20) | minor)
}

pub(super) fn parse_user_device(text: &str) -> Option<u64> {
    let (major, minor) = parse_device(text)?;
    let major = ((major & 0xfff) << 8) | ((major & 0xffff_f000) << 32);
    Some(major | (minor & 0xff) | ((minor & 0xffff_ff00) << 12))
}

/// Reads a number in any base that Python's `int(text, 0)` knows.
pub(super) fn parse_unsigned(text: &str) -> Option<u64> {
    let text = text.trim();
    let lower = text.get(..2).map(str::to_ascii_lowercase);
    let (digits, base) = match lower.as_deref() {
        Some("0x") => (text.get(2..)?, 16),
        Some("0o") => (text.get(2..)?, 8),
        Some("0b") => (text.get(2..)?, 2),
        _ => (text, 10),
    };
    // A sign is accepted by the parser but not in this place.
    if !digits.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return None;
    }
    u64::from_str_radix(digits, base).ok()
}

/// Reads a number that may be negative.
pub(super) fn parse_signed(text: &str) -> Option<i128> {
    let text = text.trim();
    match text.strip_prefix('-') {
        Some(rest) => parse_unsigned(rest).map(|value| i128::from(value).wrapping_neg()),
        None => parse_unsigned(text).map(i128::from),
    }
}

/// Writes the words of an address, each given as its bytes in memory.
pub(super) fn address(words: &[[u8; 4]]) -> Option<String> {
    match words {
        [word] => Some(Ipv4Addr::from(*word).to_string()),
        [a, b, c, d] => {
            let mut bytes = [0; 16];
            for (to, from) in bytes.iter_mut().zip([a, b, c, d].into_iter().flatten()) {
                *to = *from;
            }
            Some(Ipv6Addr::from(bytes).to_string())
        }
        _ => None,
    }
}

/// Reads an address into words, each as its bytes in memory.
pub(super) fn parse_address(text: &str) -> Option<Vec<[u8; 4]>> {
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Some(vec![address.octets()]);
    }
    let address = text.parse::<Ipv6Addr>().ok()?;
    Some(address.octets().as_chunks::<4>().0.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits() {
        for (value, text) in [
            (0, ""),
            (3, "PROT_READ | PROT_WRITE"),
            (0x105, "PROT_READ | PROT_EXEC | 0x100"),
            (0x100, "0x100"),
        ] {
            assert_eq!(flags("mmap.prot", value), text);
            assert_eq!(parse_flags("mmap.prot", text), Some(value));
        }
        assert_eq!(parse_flags("mmap.prot", "PROT_NOTHING"), None);
        assert_eq!(parse_flags("mmap.prot", "8|PROT_READ"), Some(9));
    }

    #[test]
    fn devices() {
        assert_eq!(kernel_device(266_338_304), "254:0");
        assert_eq!(user_device(34816), "136:0");
        for value in [0, 1, 1282, 34816, 0xffff_ffff, 0x8000_0001] {
            assert_eq!(parse_kernel_device(&kernel_device(value)), Some(value));
            assert_eq!(parse_user_device(&user_device(value)), Some(value));
        }
        assert_eq!(parse_user_device(&user_device(u64::MAX)), Some(u64::MAX));
    }

    #[test]
    fn numbers() {
        assert_eq!(parse_unsigned("0x1F"), Some(31));
        assert_eq!(parse_unsigned("0o17"), Some(15));
        assert_eq!(parse_unsigned("12"), Some(12));
        for bad in ["", "-1", "+1", "0x", "0x+1", "1.0", "é"] {
            assert_eq!(parse_unsigned(bad), None, "{bad}");
        }
        assert_eq!(parse_signed("-0x10"), Some(-16));
    }

    #[test]
    fn addresses() {
        let mapped = [[0; 4], [0; 4], [0, 0, 0xff, 0xff], [127, 0, 0, 1]];
        assert_eq!(address(&mapped).unwrap(), "::ffff:127.0.0.1");
        assert_eq!(parse_address("::ffff:127.0.0.1").unwrap(), mapped);
        assert_eq!(address(&[[10, 0, 0, 1]]).unwrap(), "10.0.0.1");
        assert_eq!(parse_address("10.0.0.1").unwrap(), [[10, 0, 0, 1]]);
        assert_eq!(address(&[[0; 4]; 2]), None);
    }
}
