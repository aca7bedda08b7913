//! The head of an ELF file as named fields, for the bytes view.

use super::super::hex::Field;

/// Program headers that are named.
const HEADERS: u64 = 32;

/// Names the fields of an ELF header and its program headers; nothing where there is none.
pub(super) fn fields(bytes: &[u8], base: u64) -> Vec<Field> {
    let mut reader = Reader { bytes, base, big: false, fields: Vec::new() };
    if bytes.get(..4) != Some(b"\x7fELF") {
        return Vec::new();
    }
    let wide = bytes.get(4) == Some(&2);
    reader.big = bytes.get(5) == Some(&2);
    reader.put(0, 4, "e_ident magic", "ELF");
    reader.put(4, 1, "e_ident class", if wide { "64-bit" } else { "32-bit" });
    reader.put(5, 1, "e_ident data", if reader.big { "big-endian" } else { "little-endian" });
    reader.number(6, 1, "e_ident version", &|_| None);
    reader.number(7, 1, "e_ident ABI", &|n| (n == 0).then(|| "System V".to_owned()));
    let word = if wide { 8 } else { 4 };
    let kinds: &[&str] = &["none", "relocatable", "executable", "shared object or PIE", "core"];
    reader.number(16, 2, "e_type", &|n| name(kinds, n));
    let machine = |n| match n {
        3 => Some("x86".to_owned()),
        40 => Some("ARM".to_owned()),
        62 => Some("x86-64".to_owned()),
        183 => Some("AArch64".to_owned()),
        243 => Some("RISC-V".to_owned()),
        _ => None,
    };
    reader.number(18, 2, "e_machine", &machine);
    reader.number(20, 4, "e_version", &|_| None);
    reader.number(24, word, "e_entry", &|_| None);
    let table = reader.number(24 + word, word, "e_phoff", &|_| None).unwrap_or(0);
    reader.number(24 + 2 * word, word, "e_shoff", &|_| None);
    let rest = 24 + 3 * word;
    reader.number(rest, 4, "e_flags", &|_| None);
    reader.number(rest + 4, 2, "e_ehsize", &|_| None);
    let size = reader.number(rest + 6, 2, "e_phentsize", &|_| None).unwrap_or(0);
    let count = reader.number(rest + 8, 2, "e_phnum", &|_| None).unwrap_or(0);
    reader.number(rest + 10, 2, "e_shentsize", &|_| None);
    reader.number(rest + 12, 2, "e_shnum", &|_| None);
    reader.number(rest + 14, 2, "e_shstrndx", &|_| None);
    if size < if wide { 56 } else { 32 } {
        return reader.fields;
    }
    for i in 0..count.min(HEADERS) {
        let Some(at) = i.checked_mul(size).and_then(|o| o.checked_add(table)) else { break };
        reader.program_header(i, at, wide);
    }
    reader.fields.retain(|f| f.range.end - base <= 4096);
    reader.fields
}

fn name(names: &[&str], n: u64) -> Option<String> {
    usize::try_from(n).ok().and_then(|i| names.get(i)).map(|s| (*s).to_owned())
}

struct Reader<'b> {
    bytes: &'b [u8],
    base: u64,
    big: bool,
    fields: Vec<Field>,
}

impl Reader<'_> {
    fn put(&mut self, at: u64, len: u64, name: &str, value: &str) {
        let start = self.base.saturating_add(at);
        let range = start..start.saturating_add(len);
        self.fields.push(Field { range, name: name.to_owned(), value: value.to_owned() });
    }

    fn number(
        &mut self,
        at: u64,
        len: u64,
        name: &str,
        meaning: &dyn Fn(u64) -> Option<String>,
    ) -> Option<u64> {
        let start = usize::try_from(at).ok()?;
        let bytes = self.bytes.get(start..start.checked_add(usize::try_from(len).ok()?)?)?;
        let add = |n: u64, b: &u8| n << 8 | u64::from(*b);
        let n = if self.big { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) };
        let value = match meaning(n) {
            Some(meaning) => format!("{n:#x} ({meaning})"),
            None => format!("{n:#x}"),
        };
        self.put(at, len, name, &value);
        Some(n)
    }

    fn program_header(&mut self, i: u64, at: u64, wide: bool) {
        const KINDS: &[&str] = &["NULL", "LOAD", "DYNAMIC", "INTERP", "NOTE", "SHLIB", "PHDR", "TLS"];
        let kind = |n| match n {
            0x6474_e550 => Some("GNU_EH_FRAME".to_owned()),
            0x6474_e551 => Some("GNU_STACK".to_owned()),
            0x6474_e552 => Some("GNU_RELRO".to_owned()),
            0x6474_e553 => Some("GNU_PROPERTY".to_owned()),
            n => name(KINDS, n),
        };
        let flags = |n: u64| {
            let letter = |bit, c| if n & bit != 0 { c } else { '-' };
            Some([letter(4, 'r'), letter(2, 'w'), letter(1, 'x')].iter().collect())
        };
        let w = if wide { 8 } else { 4 };
        // In 64-bit files the flags stand second, in 32-bit ones next to last.
        let (first, flags_at) = if wide { (8, 4) } else { (4, 24) };
        let mut field = |offset: u64, len, part: &str, meaning: &dyn Fn(u64) -> Option<String>| {
            if let Some(at) = at.checked_add(offset) {
                self.number(at, len, &format!("program header {i} {part}"), meaning);
            }
        };
        field(0, 4, "p_type", &kind);
        field(flags_at, 4, "p_flags", &flags);
        for (n, part) in ["p_offset", "p_vaddr", "p_paddr", "p_filesz", "p_memsz"].into_iter().enumerate() {
            field(first + n as u64 * w, w, part, &|_| None);
        }
        field(if wide { 48 } else { 28 }, w, "p_align", &|_| None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Vec<u8> {
        let mut bytes = vec![0; 256];
        bytes[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        bytes[16] = 3;
        bytes[18] = 62;
        bytes[32] = 64;
        bytes[54] = 56;
        bytes[56] = 1;
        bytes[64] = 1;
        bytes[68] = 5;
        bytes
    }

    #[test]
    fn headers_have_named_fields() {
        let fields = fields(&header(), 0x1000);
        let of = |name: &str| fields.iter().find(|f| f.name == name).unwrap();
        assert_eq!(of("e_machine").value, "0x3e (x86-64)");
        assert_eq!(of("e_phoff").range, 0x1020..0x1028);
        assert_eq!(of("program header 0 p_type").value, "0x1 (LOAD)");
        assert_eq!(of("program header 0 p_flags").value, "0x5 (r-x)");
    }

    #[test]
    fn forged_headers_do_no_harm() {
        for at in 0..64 {
            let mut bytes = header();
            bytes[at] = 0xff;
            let _ = fields(&bytes, u64::MAX - 8);
            let _ = fields(&bytes[..at], 0);
        }
        let mut bytes = header();
        bytes[32..40].fill(0xff);
        bytes[56..58].fill(0xff);
        assert!(fields(&bytes, 0).len() < 40);
        assert!(fields(b"MZ", 0).is_empty());
    }
}
