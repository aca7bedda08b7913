//! Hex dumps as `hexdump -C` prints them, with the addresses of the memory.

/// Bytes of a line.
const LINE: usize = 16;
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Formats bytes at addresses.
///
/// Lines that repeat the one before are folded into a `*`. A byte that the
/// evidence does not hold is shown as `??`.
#[derive(Debug)]
pub struct HexDump {
    fold: bool,
    /// The last full line, with what was known of it, and where the next would begin.
    last: Option<([u8; LINE], u16, u64)>,
    folding: bool,
}

impl HexDump {
    /// Starts a dump; `fold` says whether repeated lines become a `*`.
    pub fn new(fold: bool) -> Self {
        Self { fold, last: None, folding: false }
    }

    /// Appends lines for bytes that are all known.
    pub fn bytes(&mut self, address: u64, bytes: &[u8], out: &mut Vec<u8>) {
        for (i, line) in bytes.chunks(LINE).enumerate() {
            self.line(address.saturating_add((i * LINE) as u64), line, u16::MAX, out);
        }
    }

    /// Appends a line of up to 16 bytes; bit n of `known` says whether byte n is in the evidence.
    pub fn line(&mut self, address: u64, line: &[u8], known: u16, out: &mut Vec<u8>) {
        if let Ok(full) = <[u8; LINE]>::try_from(line) {
            let this = Some((full, known, address));
            if self.fold && self.last == this {
                if !self.folding {
                    self.folding = true;
                    out.extend_from_slice(b"*\n");
                }
                self.last = Some((full, known, address.saturating_add(LINE as u64)));
                return;
            }
            self.last = Some((full, known, address.saturating_add(LINE as u64)));
        } else {
            self.last = None;
        }
        self.folding = false;
        let mut text = [b' '; 86];
        put_address(&mut text[..16], address);
        text[68] = b'|';
        for (i, byte) in line.iter().take(LINE).enumerate() {
            let column = 18 + i * 3 + usize::from(i >= LINE / 2);
            let (digits, shown) = if known >> i & 1 == 1 {
                let digits = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
                (digits, if matches!(byte, b' '..=b'~') { *byte } else { b'.' })
            } else {
                (*b"??", b'?')
            };
            text[column..column + 2].copy_from_slice(&digits);
            text[69 + i] = shown;
        }
        // The address takes eight columns more than hexdump's own.
        let end = 69 + line.len().min(LINE);
        text[end] = b'|';
        out.extend_from_slice(&text[..=end]);
        out.push(b'\n');
    }

    /// Appends the address behind the last byte, which ends a dump.
    pub fn finish(&self, end: u64, out: &mut Vec<u8>) {
        let mut text = [0; 16];
        put_address(&mut text, end);
        out.extend_from_slice(&text);
        out.push(b'\n');
    }
}

fn put_address(text: &mut [u8], address: u64) {
    for (i, byte) in address.to_be_bytes().iter().enumerate() {
        text[i * 2] = DIGITS[usize::from(byte >> 4)];
        text[i * 2 + 1] = DIGITS[usize::from(byte & 15)];
    }
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
        dump.line(0x7f00_0000_0050, b"abc", 0b101, &mut out);
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
}
