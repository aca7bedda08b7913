//! Addresses and lengths on the command line.

use std::ops::Range;

/// Parses a number: decimal, or hexadecimal behind `0x`.
pub(super) fn number(text: &str) -> Result<u64, String> {
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(&digits.replace('_', ""), 16),
        None => text.parse(),
    };
    parsed.map_err(|_| format!("{text} is no number; write it in decimal, or in hexadecimal with 0x"))
}

/// Parses an address: as a number, or without `0x` where letters show that it is hexadecimal.
///
/// The second value is what digits alone would mean in hexadecimal.
pub(super) fn address(text: &str) -> Result<(u64, Option<u64>), String> {
    let bare = !text.starts_with("0x") && !text.starts_with("0X");
    let hexadecimal = bare.then(|| u64::from_str_radix(text, 16).ok()).flatten();
    match (number(text), hexadecimal) {
        (Ok(address), other) => Ok((address, other)),
        (Err(_), Some(address)) if text.starts_with(|c: char| c.is_ascii_hexdigit()) => Ok((address, None)),
        (Err(e), _) => Err(e),
    }
}

/// Parses a range: `START-END`, as a line of /proc/PID/maps has it, or `START+LENGTH`.
///
/// In `START-END` the numbers are hexadecimal, with or without `0x`.
pub(super) fn range(text: &str) -> Result<Range<u64>, String> {
    let range = if let Some((start, end)) = text.split_once('-') {
        hexadecimal(start)?..hexadecimal(end)?
    } else if let Some((start, length)) = text.split_once('+') {
        from_length(address(start)?.0, number(length)?)?
    } else {
        return Err(format!("{text} is no range; write START-END or START+LENGTH"));
    };
    if range.start >= range.end {
        return Err(format!("the range {text} is empty"));
    }
    Ok(range)
}

/// The range of that many bytes.
pub(super) fn from_length(start: u64, length: u64) -> Result<Range<u64>, String> {
    let end = start
        .checked_add(length)
        .ok_or_else(|| format!("{length} bytes from {start:#x} on go beyond the end of the address space"))?;
    Ok(start..end)
}

fn hexadecimal(text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    u64::from_str_radix(digits, 16).map_err(|_| format!("{text} is no hexadecimal number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_make_an_address_hexadecimal() {
        assert_eq!(address("0x10"), Ok((16, None)));
        assert_eq!(address("7ffd6c0000"), Ok((0x7f_fd6c_0000, None)));
        assert_eq!(address("400000"), Ok((400_000, Some(0x40_0000))));
        assert!(address("+10").is_ok_and(|a| a.0 == 10));
        assert!(address("fish").is_err());
        assert_eq!(range("7f00a+16"), Ok(0x7f00a..0x7f01a));
    }

    #[test]
    fn ranges_as_in_proc_maps_and_with_a_length() {
        assert_eq!(range("7f00-8000"), Ok(0x7f00..0x8000));
        assert_eq!(range("0x7f00-0x8000"), Ok(0x7f00..0x8000));
        assert_eq!(range("0x1000+16"), Ok(0x1000..0x1010));
        assert_eq!(range("4096+0x10"), Ok(0x1000..0x1010));
        assert!(range("0x1000").is_err());
        assert!(range("2000-1000").is_err());
        assert!(range("0xffffffffffffffff+2").is_err());
    }
}
