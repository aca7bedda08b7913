//! Measures how fast a large image becomes JSON.
//!
//! `cargo bench -p libforensic --bench decode` decodes a pagemap of a million
//! entries (`ENTRIES`). With `CRIT='crit'`, or another command that runs crit,
//! crit decodes the same image and the ratio is printed.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use libforensic::image::crit::{self, Options};
use prost::Message as _;

/// Runs of which the fastest counts.
const RUNS: u32 = 5;

fn record(out: &mut Vec<u8>, body: &[u8]) {
    let size = u32::try_from(body.len()).expect("a message is small");
    out.extend(size.to_le_bytes());
    out.extend(body);
}

fn pagemap(entries: u64) -> Vec<u8> {
    use libforensic::image::proto::{PagemapEntry, PagemapHead};
    let mut image = Vec::new();
    for word in [0x5456_4319_u32, 0x5608_4025] {
        image.extend(word.to_le_bytes());
    }
    record(&mut image, &PagemapHead { pages_id: Some(1) }.encode_to_vec());
    let mut address = 0x7f00_0000_0000_u64;
    for index in 0..entries {
        let pages = index % 13 + 1;
        let entry = PagemapEntry {
            vaddr: Some(address),
            // As CRIU 4.2 writes it: a count that old readers look for, and the real one.
            compat_nr_pages: Some(0),
            flags: Some(4),
            nr_pages: Some(pages),
            ..PagemapEntry::default()
        };
        record(&mut image, &entry.encode_to_vec());
        address += (pages + 1) * 4096;
    }
    image
}

/// Counts bytes and drops them.
struct Sink(u64);

impl Write for Sink {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0 += buf.len() as u64;
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn best(mut work: impl FnMut()) -> Duration {
    let times = (0..RUNS).map(|_| {
        let start = Instant::now();
        work();
        start.elapsed()
    });
    times.min().unwrap_or_default()
}

#[allow(clippy::cast_precision_loss)] // sizes of megabytes
fn rate(bytes: u64, time: Duration) -> f64 {
    bytes as f64 / 1e6 / time.as_secs_f64()
}

fn run_crit(line: &str, pretty: bool, file: &mut File) -> Duration {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().expect("CRIT is a command"));
    command.args(words).arg("decode");
    if pretty {
        command.arg("--pretty");
    }
    file.rewind().expect("the image can be read again");
    let input = file.try_clone().expect("the image can be read again");
    let start = Instant::now();
    let status = command.stdin(input).stdout(Stdio::null()).status().expect("crit runs");
    assert!(status.success(), "crit fails");
    start.elapsed()
}

fn main() -> io::Result<()> {
    let entries = std::env::var("ENTRIES").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let image = pagemap(entries);
    println!("a pagemap of {entries} entries, {:.1} MB", rate(image.len() as u64, Duration::from_secs(1)));
    let mut file = tempfile::tempfile()?;
    file.write_all(&image)?;
    for pretty in [false, true] {
        let options = Options { pretty, ..Options::default() };
        let mut json = 0;
        let time = best(|| {
            let mut sink = Sink(0);
            crit::decode(None, image.as_slice(), &mut sink, &options).expect("the image decodes");
            json = sink.0;
        });
        println!(
            "{}: {:.3} s, {:.0} MB/s of image, {:.0} MB/s of JSON",
            if pretty { "pretty" } else { "plain" },
            time.as_secs_f64(),
            rate(image.len() as u64, time),
            rate(json, time)
        );
        if let Ok(line) = std::env::var("CRIT") {
            let theirs = run_crit(&line, pretty, &mut file);
            println!(
                "  crit: {:.3} s, ratio {:.0}",
                theirs.as_secs_f64(),
                theirs.as_secs_f64() / time.as_secs_f64()
            );
        }
    }
    let mut json = Vec::new();
    crit::decode(None, image.as_slice(), &mut json, &Options::default()).expect("the image decodes");
    let time = best(|| {
        crit::encode(json.as_slice(), Sink(0), &Options::default()).expect("the document encodes");
    });
    println!("encode: {:.3} s, {:.0} MB/s of JSON", time.as_secs_f64(), rate(json.len() as u64, time));
    Ok(())
}
