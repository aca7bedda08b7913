//! Generates a checkpoint archive of any size, with needles whose places are known.
//!
//! The archive looks like one of Podman's: metadata, a process table, and for
//! each process mappings, a page map and pages. The content is a mix of text,
//! numbers, random bytes and zeros. Beside the archive a file of needles is
//! written: where each one is (pid and address), at which kind of border it
//! lies, and how many decoys – halves that stand side by side in the pages
//! image and nowhere near each other in memory – must not be found.
//!
//! The images are written by hand here, not with the library's own code, so
//! that a mistake in the reader is not repeated by the writer.
//!
//!     cargo run --release -p libforensic --example generate -- \
//!         --size 1024 --processes 8 --run 8 --compression zstd evidence.tar.zst
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

const PAGE: u64 = 4096;
const NEEDLE: &str = "NEEDLE-7f3a91c5e8";
const BASE: u64 = 0x7f10_0000_0000;

struct Options {
    mebibytes: u64,
    processes: u64,
    run: u64,
    compression: String,
    out: PathBuf,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = parse()?;
    let file = BufWriter::with_capacity(1 << 20, File::create(&options.out)?);
    let needles = match options.compression.as_str() {
        "none" => {
            let mut out = file;
            let needles = write_archive(&options, &mut out)?;
            out.flush()?;
            needles
        }
        "gzip" => {
            let mut out = flate2::write::GzEncoder::new(file, flate2::Compression::new(6));
            let needles = write_archive(&options, &mut out)?;
            out.finish()?.flush()?;
            needles
        }
        #[cfg(feature = "zstd")]
        "zstd" => {
            let mut out = zstd::Encoder::new(file, 3)?;
            let needles = write_archive(&options, &mut out)?;
            out.finish()?.flush()?;
            needles
        }
        other => return Err(format!("unknown compression {other}").into()),
    };
    let mut name = options.out.clone().into_os_string();
    name.push(".needles.json");
    needles.write(Path::new(&name))?;
    Ok(())
}

fn parse() -> Result<Options, String> {
    const USAGE: &str =
        "generate [--size MIB] [--processes N] [--run PAGES] [--compression none|gzip|zstd] FILE";
    let mut options = Options {
        mebibytes: 1024,
        processes: 8,
        run: 8,
        compression: "none".to_owned(),
        out: PathBuf::new(),
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut number = || {
            let value = args.next().and_then(|v| v.parse::<u64>().ok()).filter(|n| *n > 0);
            value.ok_or_else(|| USAGE.to_owned())
        };
        match arg.as_str() {
            "--size" => options.mebibytes = number()?,
            "--processes" => options.processes = number()?,
            "--run" => options.run = number()?,
            "--compression" => options.compression = args.next().ok_or(USAGE)?,
            _ if arg.starts_with('-') || !options.out.as_os_str().is_empty() => return Err(USAGE.to_owned()),
            _ => options.out = PathBuf::from(arg),
        }
    }
    if options.out.as_os_str().is_empty() { Err(USAGE.to_owned()) } else { Ok(options) }
}

/// Where needles are.
#[derive(Default)]
struct Needles {
    places: Vec<(u64, u64, &'static str)>,
    decoys: u64,
}

impl Needles {
    fn write(&self, path: &Path) -> io::Result<()> {
        let mut out = BufWriter::new(File::create(path)?);
        writeln!(out, "{{\"needle\": \"{NEEDLE}\", \"decoys\": {}, \"places\": [", self.decoys)?;
        for (i, (pid, address, border)) in self.places.iter().enumerate() {
            let comma = if i + 1 == self.places.len() { "" } else { "," };
            writeln!(
                out,
                "  {{\"pid\": {pid}, \"address\": \"{address:#018x}\", \"border\": \"{border}\"}}{comma}"
            )?;
        }
        writeln!(out, "]}}")?;
        out.flush()
    }
}

fn write_archive(options: &Options, out: &mut dyn Write) -> io::Result<Needles> {
    let mut needles = Needles::default();
    let config = r#"{"id":"5eed00000000000000000000000000000000000000000000000000000000000f","name":"generated","rootfsImageName":"localhost/generated:latest","runtime":"crun","createdTime":"2026-01-02T03:04:05.000000006Z","checkpointedAt":"2026-01-02T04:04:05Z","restoredAt":"0001-01-01T00:00:00Z","restored":false}"#;
    let spec = r#"{"ociVersion":"1.2.1","process":{"user":{"uid":0,"gid":0},"args":["/bin/generated"],"cwd":"/"},"root":{"path":"/"},"hostname":"generated","annotations":{"io.container.manager":"libpod"}}"#;
    member(out, "config.dump", config.as_bytes())?;
    member(out, "spec.dump", spec.as_bytes())?;
    // checkpointctl looks for the directory's own entry.
    directory(out, "checkpoint/")?;
    let mut inventory = 0x5831_3116_u32.to_le_bytes().to_vec();
    record(&mut inventory, &[(1, 2), (2, 1), (4, 1)], &[]);
    member(out, "checkpoint/inventory.img", &inventory)?;
    let mut table = image(0x5027_3030);
    for pid in 1..=options.processes {
        let parent = u64::from(pid > 1);
        record(&mut table, &[(1, pid), (2, parent), (3, 1), (4, 1), (5, pid)], &[]);
    }
    member(out, "checkpoint/pstree.img", &table)?;
    let mut files = image(0x5630_3138);
    let owner = message(&[(1, 0), (2, 0), (3, 0), (4, 0), (5, 0)], &[]);
    let regular = message(&[(1, 1), (2, 0), (3, 0)], &[(5, &owner), (6, b"/bin/generated")]);
    record(&mut files, &[(1, 1), (2, 1)], &[(3, &regular)]);
    member(out, "checkpoint/files.img", &files)?;
    let pages = (options.mebibytes << 20) / PAGE / options.processes;
    for pid in 1..=options.processes {
        write_process(options, pid, pages.max(16), &mut needles, out)?;
    }
    out.write_all(&[0; 1024])?;
    Ok(needles)
}

/// A run of pages: address, and index of the first page in the pages image.
struct Run {
    address: u64,
    first: u64,
    pages: u64,
}

fn write_process(
    options: &Options,
    pid: u64,
    pages: u64,
    needles: &mut Needles,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut runs = Vec::new();
    let mut address = BASE;
    let mut first = 0;
    while first < pages {
        let count = options.run.min(pages - first);
        runs.push(Run { address, first, pages: count });
        first += count;
        // Every 64th run touches the next one: two entries, no gap between them.
        let gap = if runs.len() % 64 == 0 { 0 } else { 1 + runs.len() as u64 % 3 };
        address += (count + gap) * PAGE;
    }
    // A mapping ends in every 256th run, or behind its first page where there is only one.
    let mut borders: Vec<u64> =
        runs.iter().skip(128).step_by(256).map(|r| r.address + r.pages.div_ceil(2) * PAGE).collect();
    borders.push(address);
    let mut content = contents(pid, pages);
    plant(pid, &runs, &borders, &mut content, needles);

    let core = message(
        &[(1, 1)],
        &[(3, &message(&[(1, 1), (2, 0), (3, 0), (4, 0), (5, 0)], &[(6, format!("gen-{pid}").as_bytes())]))],
    );
    let mut bytes = image(0x5505_3847);
    frame(&mut bytes, &core);
    member(out, &format!("checkpoint/core-{pid}.img"), &bytes)?;
    let mut bytes = image(0x5443_2030);
    record(&mut bytes, &[(1, pid), (2, pid), (3, pid), (4, pid)], &[]);
    member(out, &format!("checkpoint/ids-{pid}.img"), &bytes)?;
    let mut bytes = image(0x5621_3732);
    record(&mut bytes, &[(1, 1), (2, 0), (3, 1), (4, 0)], &[]);
    member(out, &format!("checkpoint/fdinfo-{pid}.img"), &bytes)?;
    let mut bytes = image(0x5140_3912);
    record(&mut bytes, &[(1, 1), (2, 1)], &[]);
    member(out, &format!("checkpoint/fs-{pid}.img"), &bytes)?;

    let mut areas = Vec::new();
    let mut start = BASE;
    for (i, end) in borders.iter().enumerate() {
        let prot = if i % 2 == 0 { 3 } else { 1 };
        let numbers = [(1, start), (2, *end), (3, 0), (4, 0), (5, prot), (6, 0x22), (7, 0x201), (8, 1)];
        areas.push(message(&numbers, &[]));
        start = *end;
    }
    let areas: Vec<(u64, &[u8])> = areas.iter().map(|a| (14, a.as_slice())).collect();
    let numbers: Vec<(u64, u64)> = (1..=11).map(|n| (n, 0)).chain([(12, 1), (13, 6), (13, PAGE)]).collect();
    let mut bytes = image(0x5749_2820);
    record(&mut bytes, &numbers, &areas);
    member(out, &format!("checkpoint/mm-{pid}.img"), &bytes)?;

    let mut bytes = image(0x5608_4025);
    record(&mut bytes, &[(1, pid)], &[]);
    for run in &runs {
        // As CRIU 4.2 does it: the count is in field 5, and 0 in the old one.
        record(&mut bytes, &[(1, run.address), (2, 0), (4, 4), (5, run.pages)], &[]);
    }
    member(out, &format!("checkpoint/pagemap-{pid}.img"), &bytes)?;
    member(out, &format!("checkpoint/pages-{pid}.img"), &content)
}

fn plant(pid: u64, runs: &[Run], borders: &[u64], content: &mut [u8], needles: &mut Needles) {
    let needle = NEEDLE.as_bytes();
    let half = needle.len() as u64 / 2;
    let mut put = |offset: u64, bytes: &[u8]| {
        let at = usize::try_from(offset).unwrap();
        content[at..at + bytes.len()].copy_from_slice(bytes);
    };
    // Places are 997 runs apart, so that none lies over another.
    for (i, run) in runs.iter().enumerate() {
        let offset = run.first * PAGE;
        let end = offset + run.pages * PAGE;
        let next = runs.get(i + 1);
        match i % 997 {
            10 => {
                put(offset + 1000, needle);
                needles.places.push((pid, run.address + 1000, "none"));
            }
            20 if run.pages > 1 => {
                put(offset + PAGE - half, needle);
                needles.places.push((pid, run.address + PAGE - half, "page"));
            }
            30 if next.is_some_and(|n| n.address > run.address + run.pages * PAGE) => {
                put(end - half, needle);
                needles.decoys += 1;
            }
            _ => {}
        }
        let touches = next.is_some_and(|n| n.address == run.address + run.pages * PAGE);
        if touches && i % 640 == 63 {
            put(end - half, needle);
            needles.places.push((pid, run.address + run.pages * PAGE - half, "run"));
        }
    }
    for border in borders.iter().step_by(4) {
        let i = runs.partition_point(|r| r.address < *border);
        let Some(run) = i.checked_sub(1).and_then(|i| runs.get(i)) else { continue };
        // Only where both sides of the border are stored.
        if *border < run.address + run.pages * PAGE {
            put(run.first * PAGE + (border - run.address) - half, needle);
            needles.places.push((pid, border - half, "mapping"));
        }
    }
}

/// Pages of text, of numbers, of random bytes and of zeros.
fn contents(pid: u64, pages: u64) -> Vec<u8> {
    const WORDS: [&str; 12] = [
        "GET /api/v1/orders",
        "HTTP/1.1 200 OK",
        "user=alice@example.com",
        "level=info msg=\"request served\"",
        "password=",
        "SELECT id, total FROM orders WHERE",
        "Content-Type: application/json",
        "token:",
        "/usr/lib/x86_64-linux-gnu/libc.so.6",
        "INSERT INTO sessions",
        "error: connection reset",
        "kube-system",
    ];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ pid;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut content = vec![0; usize::try_from(pages * PAGE).unwrap()];
    for page in content.chunks_mut(4096) {
        match next() % 10 {
            // Text with some numbers.
            0..=3 => {
                let mut at = 0;
                while at < page.len() {
                    let word = WORDS[usize::try_from(next() % 12).unwrap()];
                    let line = format!("{word} {:x}\n", next() % 65_536);
                    let n = line.len().min(page.len() - at);
                    page[at..at + n].copy_from_slice(&line.as_bytes()[..n]);
                    at += n;
                }
            }
            // Pointers and small numbers, as in a heap.
            4..=5 => {
                for word in page.chunks_exact_mut(8) {
                    let value = match next() % 4 {
                        0 => BASE + next() % (1 << 30),
                        1 => next() % 1000,
                        _ => 0,
                    };
                    word.copy_from_slice(&value.to_le_bytes());
                }
            }
            6..=8 => {
                for word in page.chunks_exact_mut(8) {
                    word.copy_from_slice(&next().to_le_bytes());
                }
            }
            _ => {}
        }
    }
    content
}

/// Starts an image: the common magic number and the kind's own.
fn image(magic: u32) -> Vec<u8> {
    [0x5456_4319_u32.to_le_bytes(), magic.to_le_bytes()].concat()
}

fn record(image: &mut Vec<u8>, numbers: &[(u64, u64)], texts: &[(u64, &[u8])]) {
    frame(image, &message(numbers, texts));
}

fn frame(image: &mut Vec<u8>, message: &[u8]) {
    image.extend_from_slice(&u32::try_from(message.len()).unwrap().to_le_bytes());
    image.extend_from_slice(message);
}

/// A protobuf message: fields that are numbers, then fields that are bytes.
fn message(numbers: &[(u64, u64)], texts: &[(u64, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (field, value) in numbers {
        varint(&mut out, field << 3);
        varint(&mut out, *value);
    }
    for (field, bytes) in texts {
        varint(&mut out, field << 3 | 2);
        varint(&mut out, bytes.len() as u64);
        out.extend_from_slice(bytes);
    }
    out
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap());
}

fn directory(out: &mut dyn Write, name: &str) -> io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::Directory);
    header.set_path(name)?;
    header.set_size(0);
    header.set_mode(0o700);
    header.set_mtime(1_767_326_645);
    header.set_cksum();
    out.write_all(header.as_bytes())
}

/// Writes one file of the tar.
fn member(out: &mut dyn Write, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_path(name)?;
    header.set_size(bytes.len() as u64);
    header.set_mode(0o600);
    header.set_mtime(1_767_326_645);
    header.set_cksum();
    out.write_all(header.as_bytes())?;
    out.write_all(bytes)?;
    let padding = bytes.len().next_multiple_of(512) - bytes.len();
    out.write_all(&[0; 512][..padding])
}
