//! Numbers for people.

/// Formats a byte count with binary units: `73728` is `72 KiB`.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut unit = 0;
    let mut scale = 1_u64;
    while unit + 1 < UNITS.len() && n / scale >= 1024 {
        scale <<= 10;
        unit += 1;
    }
    let whole = n / scale;
    let tenth = (n % scale) / (scale / 10).max(1);
    match (unit, whole, tenth) {
        (0, ..) => format!("{n} B"),
        (_, 0..100, 1..) => format!("{whole}.{} {}", tenth.min(9), UNITS[unit]),
        _ => format!("{whole} {}", UNITS[unit]),
    }
}

/// Formats nanoseconds with a fitting unit.
pub fn duration(ns: u64) -> String {
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{} µs", ns / 1_000),
        1_000_000..10_000_000_000 => format!("{} ms", ns / 1_000_000),
        _ => format!("{} s", ns / 1_000_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_counts() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1024), "1 KiB");
        assert_eq!(bytes(73_728), "72 KiB");
        assert_eq!(bytes(1_500_000), "1.4 MiB");
        assert_eq!(bytes(u64::MAX), "15.9 EiB");
    }
}
