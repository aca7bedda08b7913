//! Images to test with.

#![allow(dead_code)] // each test uses a part
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::match_same_arms,
    clippy::trivially_copy_pass_by_ref
)] // numbers are rolled, and cut to what a field holds

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use libforensic::image::crit::{self, Options};
use libforensic::image::{FileHeader, Kind};

/// Gives the directory of committed images.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/images")
}

/// Lists the files below a directory, sorted; links are not followed.
pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                waiting.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

/// Lists names and contents of committed files, and of those below `CHECKPOINT_CORPUS`, in archives too.
pub(crate) fn corpus() -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut roots = vec![fixtures()];
    match std::env::var_os("CHECKPOINT_CORPUS") {
        Some(root) => roots.push(PathBuf::from(root)),
        None => eprintln!("CHECKPOINT_CORPUS is not set: only committed images are checked"),
    }
    for path in roots.iter().flat_map(|root| files(root)) {
        let name = path.to_string_lossy().into_owned();
        let bytes = fs::read(&path).unwrap();
        let plain = if bytes.starts_with(&[0x1f, 0x8b]) && name.contains(".tar.gz") {
            let mut plain = Vec::new();
            let mut reader = flate2::read::MultiGzDecoder::new(bytes.as_slice());
            // Images of tmpfs end in padding that is not gzip.
            let _ = reader.read_to_end(&mut plain);
            plain
        } else if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            unpack_zstd(&bytes)
        } else {
            bytes.clone()
        };
        if plain.get(257..262) == Some(b"ustar") {
            for entry in tar::Archive::new(plain.as_slice()).entries().unwrap() {
                let mut entry = entry.unwrap();
                let inner = format!("{name}:{}", entry.path().unwrap().display());
                let mut content = Vec::new();
                if entry.header().entry_type().is_file() {
                    entry.read_to_end(&mut content).unwrap();
                    found.push((inner, content));
                }
            }
        }
        found.push((name, bytes));
    }
    found
}

#[cfg(feature = "zstd")]
fn unpack_zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::decode_all(bytes).unwrap()
}

#[cfg(not(feature = "zstd"))]
fn unpack_zstd(_: &[u8]) -> Vec<u8> {
    Vec::new()
}

/// Gives the kind of a file that has records, by its name and its first bytes.
pub(crate) fn framed_kind(path: &Path, bytes: &[u8]) -> Option<Kind> {
    let name = path.file_name()?.to_str()?.as_bytes();
    let kind = Kind::from_file_name(name).map(|(kind, _)| kind);
    match kind {
        Some(kind) => kind.info().is_framed().then_some(kind),
        None => FileHeader::parse(None, bytes).ok().map(|header| header.kind),
    }
}

/// Lists the images with records below a directory.
pub(crate) fn framed_images(directory: &Path) -> Vec<(PathBuf, Kind, Vec<u8>)> {
    files(directory)
        .into_iter()
        .filter_map(|path| {
            let bytes = fs::read(&path).unwrap();
            let kind = framed_kind(&path, &bytes)?;
            Some((path, kind, bytes))
        })
        .collect()
}

pub(crate) fn options(pretty: bool) -> Options {
    Options { pretty, ..Options::default() }
}

pub(crate) fn to_json(kind: Option<Kind>, bytes: &[u8], options: &Options) -> String {
    let mut json = Vec::new();
    crit::decode(kind, bytes, &mut json, options).unwrap();
    String::from_utf8(json).unwrap()
}

pub(crate) fn to_image(json: &str, options: &Options) -> Vec<u8> {
    let mut image = Vec::new();
    crit::encode(json.as_bytes(), &mut image, options).unwrap_or_else(|error| {
        panic!("{error}\n{}", json.chars().take(2000).collect::<String>());
    });
    image
}

/// Decodes and encodes an image in both forms and compares.
pub(crate) fn assert_round_trip(name: &str, kind: Option<Kind>, bytes: &[u8]) {
    for pretty in [false, true] {
        let options = options(pretty);
        let json = to_json(kind, bytes, &options);
        let again = to_image(&json, &options);
        assert!(
            again == bytes,
            "{name}, pretty {pretty}: the image does not come back\n{}\nwas {bytes:02x?}\nis  {again:02x?}",
            json.chars().take(3000).collect::<String>()
        );
    }
}

/// Writes images from nothing but the schema: no code is shared with the library's encoder.
pub(crate) mod synth {
    use libforensic::image::schema::{Field, Label, Message, Type};
    use libforensic::image::{Kind, KindInfo, kinds};

    pub(crate) fn varint(out: &mut Vec<u8>, value: u64) {
        let mut left = value;
        loop {
            let low = (left % 128) as u8;
            left /= 128;
            if left == 0 {
                out.push(low);
                return;
            }
            out.push(low + 128);
        }
    }

    pub(crate) fn key(out: &mut Vec<u8>, number: u32, wire: u64) {
        varint(out, u64::from(number) * 8 + wire);
    }

    pub(crate) fn number(out: &mut Vec<u8>, field: u32, value: u64) {
        key(out, field, 0);
        varint(out, value);
    }

    pub(crate) fn bytes(out: &mut Vec<u8>, field: u32, value: &[u8]) {
        key(out, field, 2);
        varint(out, value.len() as u64);
        out.extend(value);
    }

    /// A small generator of numbers (splitmix64), so that failures come again.
    pub(crate) struct Dice(pub(crate) u64);

    impl Dice {
        pub(crate) fn roll(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut x = self.0;
            x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            x ^ (x >> 31)
        }

        pub(crate) fn below(&mut self, end: u64) -> u64 {
            self.roll() % end
        }

        /// A number of any magnitude.
        fn number(&mut self, bits: u64) -> u64 {
            let shift = 64 - 1 - self.below(bits);
            self.roll() >> shift
        }
    }

    /// Values that decide what follows a record.
    pub(crate) type Fixed<'a> = &'a [(&'a str, u64)];

    /// Writes a message with every field, or with some.
    pub(crate) fn message(dice: &mut Dice, message: &Message, fixed: Fixed<'_>, depth: u32) -> Vec<u8> {
        let mut out = Vec::new();
        for field in message.fields {
            if let Some((_, value)) = fixed.iter().find(|(name, _)| *name == field.name) {
                number(&mut out, field.number, *value);
                continue;
            }
            let optional = field.label != Label::Required;
            if optional && (depth > 3 || dice.below(4) == 0) {
                continue;
            }
            // crit of before the fields existed does not know them.
            if [
                "compress",
                "compress_region_size",
                "compressed_size",
                "total_compressed_size",
                "region_pages",
            ]
            .contains(&field.name)
            {
                continue;
            }
            let count = match field.label {
                Label::Repeated
                    if ["src_addr", "dst_addr", "local", "remote", "rd_prefix", "relay_prefix"]
                        .contains(&field.name) =>
                {
                    [1, 4][dice.below(2) as usize]
                }
                Label::Repeated | Label::Packed => 1 + dice.below(3),
                _ => 1,
            };
            for _ in 0..count {
                value(dice, &mut out, field, depth);
            }
        }
        out
    }

    fn value(dice: &mut Dice, out: &mut Vec<u8>, field: &Field, depth: u32) {
        match field.ty {
            Type::U32 => {
                let value = dice.number(32);
                number(out, field.number, value);
            }
            Type::U64 | Type::S64 | Type::I64 => {
                let value = dice.number(64);
                number(out, field.number, value);
            }
            Type::S32 => {
                let value = dice.number(32);
                number(out, field.number, value);
            }
            Type::I32 => {
                let value = dice.number(32) as u32 as i32;
                number(out, field.number, i64::from(value) as u64);
            }
            Type::Bool => {
                let value = dice.below(2);
                number(out, field.number, value);
            }
            Type::Fixed64 => {
                key(out, field.number, 1);
                out.extend(dice.roll().to_le_bytes());
            }
            Type::Enum(ty) => {
                let (value, _) = ty.values[dice.below(ty.values.len() as u64) as usize];
                number(out, field.number, value as u64);
            }
            Type::Text => {
                let text = ["", "a", "/dev/null", "\u{e9}\u{1f600}\"\\\u{7f}", "two\nlines\t"];
                bytes(out, field.number, text[dice.below(5) as usize].as_bytes());
            }
            Type::Bytes => {
                let len = dice.below(200);
                let data: Vec<u8> = (0..len).map(|_| dice.roll() as u8).collect();
                // Line ends in names are where Python's form of them has no way back.
                let data: Vec<u8> = data.into_iter().filter(|b| ![10, 13].contains(b)).collect();
                bytes(out, field.number, &data);
            }
            Type::Message(inner) => {
                let body = message(dice, inner, &[], depth + 1);
                bytes(out, field.number, &body);
            }
        }
    }

    pub(crate) fn record(out: &mut Vec<u8>, body: &[u8]) {
        out.extend((body.len() as u32).to_le_bytes());
        out.extend(body);
    }

    fn junk(dice: &mut Dice, out: &mut Vec<u8>, len: u64, align: usize) {
        let start = out.len();
        out.extend((0..len).map(|_| dice.roll() as u8));
        while !(out.len() - start).is_multiple_of(align) {
            out.push(0);
        }
    }

    /// Writes an image of a kind that has records.
    pub(crate) fn image(info: &KindInfo, seed: u64) -> Vec<u8> {
        let mut dice = Dice(seed);
        let mut out = Vec::new();
        let words: &[u32] = match (info.name, info.magic) {
            (name, _) if name.starts_with("AMDGPU") => &[],
            (_, None) => &[],
            ("INVENTORY", Some(magic)) => &[magic],
            ("STATS" | "IRMAP_CACHE", Some(magic)) => &[0x5510_5940, magic],
            (_, Some(magic)) => &[0x5456_4319, magic],
        };
        for word in words {
            out.extend(word.to_le_bytes());
        }
        let [first, rest @ ..] = info.messages else {
            return out;
        };
        let make = |dice: &mut Dice, fixed: Fixed<'_>| message(dice, first, fixed, 0);
        if info.name.starts_with("AMDGPU") {
            let body = make(&mut dice, &[]);
            out.extend((body.len() as u64).to_le_bytes());
            out.extend(body);
            return out;
        }
        for _ in 0..3 {
            let len = dice.below(200);
            let more = dice.below(100);
            match info.kind {
                Kind::PipesData | Kind::FifoData => {
                    record(&mut out, &make(&mut dice, &[("bytes", len)]));
                    junk(&mut dice, &mut out, len, 1);
                }
                Kind::SkQueues => {
                    record(&mut out, &make(&mut dice, &[("length", len)]));
                    junk(&mut dice, &mut out, len, 1);
                }
                Kind::TcpStream => {
                    record(&mut out, &make(&mut dice, &[("inq_len", len), ("outq_len", more)]));
                    junk(&mut dice, &mut out, len + more, 1);
                    return out;
                }
                Kind::BpfmapData => {
                    record(&mut out, &make(&mut dice, &[("keys_bytes", len), ("values_bytes", more)]));
                    junk(&mut dice, &mut out, len + more, 1);
                }
                Kind::IpcnsSem => {
                    record(&mut out, &make(&mut dice, &[("nsems", more)]));
                    junk(&mut dice, &mut out, more * 2, 8);
                }
                Kind::IpcnsShm => {
                    record(&mut out, &make(&mut dice, &[("size", len), ("in_pagemaps", 0)]));
                    junk(&mut dice, &mut out, len, 4);
                }
                Kind::IpcnsMsg => {
                    record(&mut out, &make(&mut dice, &[("qnum", 2)]));
                    for len in [len, more] {
                        let body = message(&mut dice, rest[0], &[("msize", len)], 0);
                        record(&mut out, &body);
                        junk(&mut dice, &mut out, len, 8);
                    }
                }
                Kind::GhostFile if seed.is_multiple_of(2) => {
                    record(&mut out, &make(&mut dice, &[("chunks", 0)]));
                    junk(&mut dice, &mut out, len, 1);
                    return out;
                }
                Kind::GhostFile => {
                    record(&mut out, &make(&mut dice, &[("chunks", 1)]));
                    for len in [len, more] {
                        let body = message(&mut dice, rest[0], &[("len", len)], 0);
                        record(&mut out, &body);
                        junk(&mut dice, &mut out, len, 1);
                    }
                    return out;
                }
                Kind::Pagemap | Kind::ShmemPagemap => {
                    record(&mut out, &make(&mut dice, &[]));
                    for _ in 0..5 {
                        let body = message(&mut dice, rest[0], &[], 0);
                        record(&mut out, &body);
                    }
                    return out;
                }
                _ => {
                    record(&mut out, &make(&mut dice, &[]));
                    if info.cardinality == libforensic::image::Cardinality::Single {
                        return out;
                    }
                }
            }
        }
        out
    }

    /// Lists an image of every kind that has records and a file.
    pub(crate) fn all(seed: u64) -> Vec<(Kind, Vec<u8>)> {
        kinds()
            .iter()
            .filter(|info| info.is_framed() && !info.pattern.is_empty())
            .map(|info| (info.kind, image(info, seed)))
            .collect()
    }
}
