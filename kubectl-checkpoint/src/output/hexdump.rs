//! Hex dumps as `hexdump -C` prints them, with the addresses of the memory.

/// Bytes of a line.
const LINE: usize = 16;

/// Two digits for every byte.
const DIGITS: [[u8; 2]; 256] = {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut table = [[0; 2]; 256];
    let mut i = 0;
    while i < 256 {
        table[i] = [HEX[i >> 4], HEX[i & 15]];
        i += 1;
    }
    table
};

/// What the right column shows for every byte.
const SHOWN: [u8; 256] = {
    let mut table = [b'.'; 256];
    let mut i = 0x20;
    while i < 0x7f {
        table[i as usize] = i;
        i += 1;
    }
    table
};

/// Columns of the digits of each byte of a line: the address takes eight more than hexdump's own.
const COLUMNS: [usize; LINE] = [18, 21, 24, 27, 30, 33, 36, 39, 43, 46, 49, 52, 55, 58, 61, 64];
/// Column of the first byte as text.
const TEXT: usize = 69;

/// Formats bytes at addresses.
///
/// What is given is to go on where the last ended; lines begin at the first
/// address and then every 16 bytes. Lines that repeat the one before are
/// folded into a `*`. A byte that the evidence does not hold is shown as
/// `??`; more than a line of them are folded into `*` with how many they are,
/// up to where, and why.
#[derive(Debug)]
pub struct HexDump {
    fold: bool,
    /// The last full line, and where the next would begin.
    last: Option<([u8; LINE], u64)>,
    folding: bool,
    /// A line that is not full yet: its address, its bytes, how many, and which of them are known.
    at: u64,
    part: [u8; LINE],
    len: usize,
    known: u16,
}

impl HexDump {
    /// Starts a dump; `fold` says whether repeated lines become a `*`.
    pub fn new(fold: bool) -> Self {
        Self { fold, last: None, folding: false, at: 0, part: [0; LINE], len: 0, known: 0 }
    }

    /// Appends lines for bytes that are all known.
    pub fn bytes(&mut self, mut address: u64, mut bytes: &[u8], out: &mut Vec<u8>) {
        if self.len > 0 {
            let n = bytes.len().min(LINE - self.len);
            self.fill(&bytes[..n], true, out);
            address = address.saturating_add(n as u64);
            bytes = &bytes[n..];
        }
        let (lines, rest) = bytes.as_chunks::<LINE>();
        out.reserve(lines.len() * 24);
        for line in lines {
            self.line(address, line, out);
            address = address.saturating_add(LINE as u64);
        }
        if !rest.is_empty() {
            self.at = address;
            self.fill(rest, true, out);
        }
    }

    /// Appends lines for memory that was never written.
    pub fn zeros(&mut self, start: u64, end: u64, out: &mut Vec<u8>) {
        let (mut at, whole) = self.complete(start, end, true, out);
        while at < whole {
            self.line(at, &[0; LINE], out);
            at = at.saturating_add(LINE as u64);
            if self.folding {
                self.last = Some(([0; LINE], whole));
                at = whole;
            }
        }
        self.begin(at, end, true, out);
    }

    /// Appends lines for bytes that the evidence does not hold, because of `why`.
    pub fn unknown(&mut self, start: u64, end: u64, why: &str, out: &mut Vec<u8>) {
        let (mut at, whole) = self.complete(start, end, false, out);
        self.folding = false;
        while at < whole {
            self.last = None;
            format(at, &[0; LINE], 0, out);
            at = at.saturating_add(LINE as u64);
            if self.fold && at < whole {
                out.extend_from_slice(format!("*  {} more bytes to ", whole - at).as_bytes());
                put_address(whole, out);
                out.extend_from_slice(b" are not in the evidence: ");
                out.extend_from_slice(why.as_bytes());
                out.push(b'\n');
                at = whole;
            }
        }
        self.begin(at, end, false, out);
    }

    /// Appends what is left and the address behind the last byte, which ends a dump.
    pub fn finish(&mut self, end: u64, out: &mut Vec<u8>) {
        self.flush(out);
        put_address(end, out);
        out.push(b'\n');
    }

    /// Fills up the line begun before; returns where the next line begins and where the last whole one ends.
    fn complete(&mut self, start: u64, end: u64, known: bool, out: &mut Vec<u8>) -> (u64, u64) {
        let mut at = start;
        if self.len > 0 {
            let room = (LINE - self.len) as u64;
            let n = end.saturating_sub(start).min(room);
            self.fill(&[0; LINE][..usize::try_from(n).unwrap_or(0)], known, out);
            at = start.saturating_add(n);
        }
        (at, end - (end.saturating_sub(at)) % LINE as u64)
    }

    /// Begins a line with less than 16 bytes.
    fn begin(&mut self, at: u64, end: u64, known: bool, out: &mut Vec<u8>) {
        let n = usize::try_from(end.saturating_sub(at)).unwrap_or(0).min(LINE);
        if n > 0 {
            self.at = at;
            self.fill(&[0; LINE][..n], known, out);
        }
    }

    /// Adds bytes to the line that is not full yet; it has room for them.
    fn fill(&mut self, bytes: &[u8], known: bool, out: &mut Vec<u8>) {
        for byte in bytes {
            self.part[self.len] = *byte;
            self.known |= u16::from(known) << self.len;
            self.len += 1;
        }
        if self.len == LINE {
            self.flush(out);
        }
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        let (len, known) = (std::mem::take(&mut self.len), std::mem::take(&mut self.known));
        let part = self.part;
        if len == LINE && known == u16::MAX {
            self.line(self.at, &part, out);
        } else if len > 0 {
            self.last = None;
            self.folding = false;
            format(self.at, &part[..len], known, out);
        }
    }

    fn line(&mut self, address: u64, line: &[u8; LINE], out: &mut Vec<u8>) {
        let repeats = self.last.is_some_and(|(last, at)| at == address && last == *line);
        self.last = Some((*line, address.saturating_add(LINE as u64)));
        if self.fold && repeats {
            if !self.folding {
                self.folding = true;
                out.extend_from_slice(b"*\n");
            }
            return;
        }
        self.folding = false;
        let mut text = [b' '; TEXT + LINE + 2];
        text[..16].copy_from_slice(&digits(address));
        text[TEXT - 1] = b'|';
        for (i, byte) in line.iter().enumerate() {
            text[COLUMNS[i]..COLUMNS[i] + 2].copy_from_slice(&DIGITS[usize::from(*byte)]);
            text[TEXT + i] = SHOWN[usize::from(*byte)];
        }
        text[TEXT + LINE] = b'|';
        text[TEXT + LINE + 1] = b'\n';
        out.extend_from_slice(&text);
    }
}

/// Appends a line of up to 16 bytes; bit n of `known` says whether byte n is in the evidence.
fn format(address: u64, line: &[u8], known: u16, out: &mut Vec<u8>) {
    let mut text = [b' '; TEXT + LINE + 2];
    text[..16].copy_from_slice(&digits(address));
    text[TEXT - 1] = b'|';
    for (i, byte) in line.iter().take(LINE).enumerate() {
        let (digits, shown) = if known >> i & 1 == 1 {
            (DIGITS[usize::from(*byte)], SHOWN[usize::from(*byte)])
        } else {
            (*b"??", b'?')
        };
        text[COLUMNS[i]..COLUMNS[i] + 2].copy_from_slice(&digits);
        text[TEXT + i] = shown;
    }
    let end = TEXT + line.len().min(LINE);
    text[end] = b'|';
    text[end + 1] = b'\n';
    out.extend_from_slice(&text[..end + 2]);
}

fn digits(address: u64) -> [u8; 16] {
    let mut text = [0; 16];
    for (i, byte) in address.to_be_bytes().iter().enumerate() {
        text[i * 2..i * 2 + 2].copy_from_slice(&DIGITS[usize::from(*byte)]);
    }
    text
}

fn put_address(address: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&digits(address));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_look_like_those_of_hexdump() {
        let mut out = Vec::new();
        let mut dump = HexDump::new(true);
        dump.bytes(0x7f00_0000_0000, b"Hello, world!\n\x00\xff", &mut out);
        dump.bytes(0x7f00_0000_0010, &[0; 64], &mut out);
        dump.bytes(0x7f00_0000_0050, b"a", &mut out);
        dump.unknown(0x7f00_0000_0051, 0x7f00_0000_0052, "", &mut out);
        dump.bytes(0x7f00_0000_0052, b"c", &mut out);
        dump.finish(0x7f00_0000_0053, &mut out);
        let want = "\
00007f0000000000  48 65 6c 6c 6f 2c 20 77  6f 72 6c 64 21 0a 00 ff  |Hello, world!...|
00007f0000000010  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|
*
00007f0000000050  61 ?? 63                                          |a?c|
00007f0000000053
";
        let got: String = String::from_utf8(out).unwrap();
        for (got, want) in got.lines().zip(want.lines()) {
            assert_eq!(got, want);
        }
        assert_eq!(got.lines().count(), want.lines().count());
    }

    #[test]
    fn lines_are_not_folded_across_a_gap() {
        let mut out = Vec::new();
        let mut dump = HexDump::new(true);
        dump.bytes(0x1000, &[0; 16], &mut out);
        dump.bytes(0x9000, &[0; 16], &mut out);
        assert_eq!(String::from_utf8_lossy(&out).lines().count(), 2);
        assert!(!out.contains(&b'*'));
    }

    fn print(fold: bool, give: impl Fn(&mut HexDump, &mut Vec<u8>)) -> Vec<String> {
        let mut out = Vec::new();
        give(&mut HexDump::new(fold), &mut out);
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn what_is_not_held_is_folded_and_said() {
        let lines = print(true, |dump, out| {
            dump.bytes(0x1000, b"abcd", out);
            dump.unknown(0x1004, 0x1_0000_1000, "not mapped", out);
            dump.unknown(0x1_0000_1000, 0x1_0000_1018, "never dumped", out);
            dump.bytes(0x1_0000_1018, &[b'x'; 24], out);
            dump.finish(0x1_0000_1030, out);
        });
        assert_eq!(
            lines[0],
            "0000000000001000  61 62 63 64 ?? ?? ?? ??  ?? ?? ?? ?? ?? ?? ?? ??  |abcd????????????|"
        );
        assert_eq!(
            lines[1],
            "0000000000001010  ?? ?? ?? ?? ?? ?? ?? ??  ?? ?? ?? ?? ?? ?? ?? ??  |????????????????|"
        );
        assert_eq!(
            lines[2],
            "*  4294967264 more bytes to 0000000100001000 are not in the evidence: not mapped"
        );
        assert!(lines[3].starts_with("0000000100001000  ?? "));
        assert_eq!(
            lines[4],
            "0000000100001010  ?? ?? ?? ?? ?? ?? ?? ??  78 78 78 78 78 78 78 78  |????????xxxxxxxx|"
        );
        assert!(lines[5].starts_with("0000000100001020  78 "));
        assert_eq!(lines[6..], ["0000000100001030"]);
    }

    #[test]
    fn zeros_in_a_span_look_like_zeros_read() {
        let by_span = print(true, |dump, out| {
            dump.bytes(0x1000, b"abcd", out);
            dump.zeros(0x1004, 0x9006, out);
            dump.bytes(0x9006, b"efgh", out);
            dump.finish(0x900a, out);
        });
        let by_byte = print(true, |dump, out| {
            dump.bytes(0x1000, b"abcd", out);
            dump.bytes(0x1004, &vec![0; 0x8002], out);
            dump.bytes(0x9006, b"efgh", out);
            dump.finish(0x900a, out);
        });
        assert_eq!(by_span, by_byte);
        assert_eq!(by_span.len(), 5);
        let all = print(false, |dump, out| dump.zeros(0, 0x1000, out));
        assert_eq!(all.len(), 256);
    }
}
