//! The files of /proc, line by line. What cannot be read is `None`, never a guess.

/// Reads decimal digits.
pub(super) fn decimal<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.trim().parse().ok()
}

/// Reads hexadecimal digits.
pub(super) fn hex(text: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(text).ok()?.trim(), 16).ok()
}

/// Reads octal digits.
pub(super) fn octal(text: &[u8]) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(text).ok()?.trim(), 8).ok()
}

/// Splits at the line ends.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|b| *b == b'\n').filter(|line| !line.is_empty())
}

/// Splits at blanks.
pub(super) fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|b| *b == b' ' || *b == b'\t').filter(|word| !word.is_empty())
}

/// Splits `name: value`, as in /proc/PID/status and fdinfo.
pub(super) fn pair(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = line.iter().position(|b| *b == b':')?;
    let (name, value) = line.split_at_checked(at)?;
    Some((name, value.get(1..)?.trim_ascii()))
}

/// Returns the value of a line of /proc/PID/status.
pub(super) fn field<'t>(status: &'t [u8], name: &str) -> Option<&'t [u8]> {
    lines(status).filter_map(pair).find(|(found, _)| *found == name.as_bytes()).map(|(_, value)| value)
}

/// Returns the numbers of a line of /proc/PID/status.
pub(super) fn numbers(status: &[u8], name: &str) -> Vec<u32> {
    field(status, name).map(|value| words(value).filter_map(decimal).collect()).unwrap_or_default()
}

/// The fields of /proc/PID/stat from the third on; the second is in parentheses
/// and may hold anything, parentheses and blanks included.
pub(super) struct Stat<'t>(Vec<&'t [u8]>);

impl<'t> Stat<'t> {
    pub(super) fn new(text: &'t [u8]) -> Self {
        let rest = text.iter().rposition(|b| *b == b')').and_then(|at| text.get(at.checked_add(1)?..));
        Self(rest.map(|rest| words(rest.trim_ascii()).collect()).unwrap_or_default())
    }

    /// Returns a field by its number in `proc_pid_stat(5)`.
    pub(super) fn get<T: std::str::FromStr>(&self, number: usize) -> Option<T> {
        decimal(self.0.get(number.checked_sub(3)?)?)
    }

    /// Returns an address; the kernel writes 0 for one that the reader may not know.
    pub(super) fn address(&self, number: usize) -> Option<u64> {
        self.get(number).filter(|address| *address != 0)
    }

    /// Returns the letter of the state.
    pub(super) fn state(&self) -> Option<u8> {
        self.0.first()?.first().copied()
    }
}

/// Undoes `\040`, as mountinfo and maps write blanks, line ends and backslashes.
pub(super) fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        if *first == b'\\'
            && let Some(digits) = tail.get(..3)
            && digits.iter().all(|d| (b'0'..=b'7').contains(d))
            && let Some(byte) = octal(digits).and_then(|n| u8::try_from(n).ok())
        {
            out.push(byte);
            rest = tail.get(3..).unwrap_or(&[]);
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    out
}

/// Takes ` (deleted)` off a path.
pub(super) fn undeleted(path: &[u8]) -> (&[u8], bool) {
    match path.strip_suffix(b" (deleted)") {
        Some(path) => (path, true),
        None => (path, false),
    }
}

/// One line of /proc/PID/maps.
pub(super) struct Map {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) perms: [u8; 4],
    pub(super) offset: u64,
    /// `major:minor`.
    pub(super) device: Vec<u8>,
    pub(super) inode: u64,
    pub(super) path: Vec<u8>,
}

/// Reads a line such as `7f00-7f01 r-xp 00000000 08:01 12   /bin/x (deleted)`.
pub(super) fn map(line: &[u8]) -> Option<Map> {
    let mut rest = line;
    let mut next = || {
        rest = rest.trim_ascii_start();
        let end = rest.iter().position(|b| *b == b' ').unwrap_or(rest.len());
        let (word, tail) = rest.split_at_checked(end)?;
        rest = tail;
        Some(word)
    };
    let range = next()?;
    let perms = <[u8; 4]>::try_from(next()?).ok()?;
    let offset = hex(next()?)?;
    let device = next()?.to_vec();
    let inode = decimal(next()?)?;
    let dash = range.iter().position(|b| *b == b'-')?;
    let start = hex(range.get(..dash)?)?;
    let end = hex(range.get(dash.checked_add(1)?..)?)?;
    // Only line ends are escaped here.
    let path = unescape(rest.trim_ascii_start());
    (start < end).then_some(Map { start, end, perms, offset, device, inode, path })
}

/// Names of /proc/PID/limits in the order of `RLIMIT_*`.
const LIMITS: [&str; 16] = [
    "Max cpu time",
    "Max file size",
    "Max data size",
    "Max stack size",
    "Max core file size",
    "Max resident set",
    "Max processes",
    "Max open files",
    "Max locked memory",
    "Max address space",
    "Max file locks",
    "Max pending signals",
    "Max msgqueue size",
    "Max nice priority",
    "Max realtime priority",
    "Max realtime timeout",
];

/// Returns soft and hard limits in the order of `RLIMIT_*`; empty unless all are there.
pub(super) fn limits(text: &[u8]) -> Vec<(u64, u64)> {
    let value = |word: &[u8]| if word == b"unlimited" { Some(u64::MAX) } else { decimal(word) };
    let of = |name: &str| {
        let line = lines(text).find_map(|line| line.strip_prefix(name.as_bytes()))?;
        let mut words = words(line);
        Some((value(words.next()?)?, value(words.next()?)?))
    };
    LIMITS.iter().map(|name| of(name)).collect::<Option<Vec<_>>>().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_stat_may_hold_anything() {
        let stat = Stat::new(b"12 (a) b (c) R 1 12 12 0 -1 4194560 1");
        assert_eq!(
            (stat.state(), stat.get::<u32>(4), stat.get::<u32>(9)),
            (Some(b'R'), Some(1), Some(4_194_560))
        );
        assert_eq!(stat.get::<u32>(52), None);
        assert_eq!(Stat::new(b"cut off (").state(), None);
    }

    #[test]
    fn maps_and_escapes_are_read() {
        let line = b"7f0000000000-7f0000001000 rw-s 00002000 00:05 1026                       /memfd:a b\\012c (deleted)";
        let read = map(line).unwrap();
        assert_eq!(
            (read.start, read.end, read.offset, read.inode),
            (0x7f00_0000_0000, 0x7f00_0000_1000, 0x2000, 1026)
        );
        assert_eq!(undeleted(&read.path), (&b"/memfd:a b\nc"[..], true));
        for wrong in [&b""[..], b"1-2", b"2-1 rw-p 0 0:0 0", b"x-y rw-p 0 0:0 0", b"1-2 rw 0 0:0 0"] {
            assert!(map(wrong).is_none());
        }
        assert_eq!(unescape(b"a\\040b\\9\\"), b"a b\\9\\");
    }

    #[test]
    fn limits_are_all_there_or_none() {
        let text = b"Limit                     Soft Limit           Hard Limit           Units\nMax cpu time              unlimited            unlimited            seconds\n";
        assert!(limits(text).is_empty());
    }
}
