//! What is done with bytes that may be anything; only panics, hangs and memory without bound are failures.
//!
//! Each body asserts what must hold whatever the bytes are.

use std::io::Cursor;
use std::ops::ControlFlow;

use libforensic::analysis::extract::{Extent, objects};
use libforensic::analysis::overview::Overview;
use libforensic::analysis::search::{Encoding, Pattern, Search};
use libforensic::archive::{Archive, MemberKind, OpenOptions};
use libforensic::image::{self, Kind, Pagemap, crit, kinds};
use libforensic::{Checkpoint, Limits};

use crate::{Dice, mutate};

/// Bounds for inputs of some hundred kilobytes.
pub fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.unpacked_bytes = 64 << 20;
    limits.member_bytes = 16 << 20;
    limits.resident_bytes = 64 << 20;
    limits.small_member_bytes = 64 << 20;
    limits
}

fn open(bytes: &[u8]) -> libforensic::Result<Archive> {
    let mut options = OpenOptions::default();
    options.limits = limits();
    Archive::from_reader(Cursor::new(bytes), "fuzz", options)
}

/// Opens an archive and reads everything in it, archives in it too.
pub fn archive(bytes: &[u8]) {
    if let Ok(archive) = open(bytes) {
        members(&archive, 3);
    }
}

fn members(archive: &Archive, depth: u32) {
    let mut left = 32 << 20;
    for member in archive.members() {
        assert!(member.available <= member.size, "{member:?}");
        assert!(!member.name.is_empty() && !member.name.starts_with(b"/"), "{member:?}");
        let Ok(data) = archive.data(member) else { continue };
        let mut buf = [0; 4096];
        let mut at = 0_u64;
        while left > 0 {
            let Ok(n) = data.read_at(at, &mut buf) else { break };
            if n == 0 {
                break;
            }
            at += n as u64;
            left -= n.min(left);
        }
        let _ = data.read_at(u64::MAX, &mut buf);
        let _ = data.read_at(data.len().wrapping_sub(1), &mut buf);
        if depth > 0
            && member.kind == MemberKind::File
            && let Ok(inner) = archive.nested(member)
        {
            members(&inner, depth - 1);
        }
    }
    assert!(archive.warnings().len() <= 1001);
}

/// Reads an image as every kind it may be taken for, as records and as JSON, and makes it again of that.
pub fn image(bytes: &[u8]) {
    for kind in std::iter::once(None).chain(kinds().iter().map(|info| Some(info.kind))) {
        // By another kind's name most are refused at the first word.
        if kind.is_some() && image::Records::new(kind, bytes).is_err() {
            continue;
        }
        image_as(kind, bytes);
    }
}

/// Reads an image as one kind.
pub fn image_as(kind: Option<Kind>, bytes: &[u8]) {
    if let Ok(parsed) = image::Image::parse(kind, bytes) {
        for record in &parsed.records {
            assert!(record.offset <= bytes.len() as u64);
            let _ = record.decode::<image::proto::PstreeEntry>();
            let _ = record.decode::<image::proto::CoreEntry>();
        }
    }
    if let Ok(runs) = Pagemap::new(bytes) {
        let _ = runs.count();
    }
    let _ = image::summarise(b"core-1.img", bytes);
    for pretty in [false, true] {
        let options = crit::Options { pretty, ..crit::Options::default() };
        let mut json = Vec::new();
        if crit::decode(kind, bytes, &mut json, &options).is_ok() {
            let mut again = Vec::new();
            let encoded = crit::encode(json.as_slice(), &mut again, &options);
            assert!(encoded.is_ok(), "{encoded:?}: {}", String::from_utf8_lossy(&json));
            assert!(again == bytes, "{kind:?} does not come back");
        }
    }
    let options = crit::Options { crit_compat: true, ..crit::Options::default() };
    let _ = crit::decode(kind, bytes, std::io::sink(), &options);
}

/// Makes an image of JSON.
pub fn crit_json(bytes: &[u8]) {
    for (crit_compat, lenient) in [(false, false), (false, true), (true, false)] {
        let options = crit::Options { pretty: false, crit_compat, lenient };
        let _ = crit::encode(bytes, std::io::sink(), &options);
    }
}

/// Asks a checkpoint for everything that it can tell.
pub fn model(bytes: &[u8]) {
    if let Ok(checkpoint) = open(bytes).and_then(Checkpoint::from_archive) {
        facts(&checkpoint);
    }
}

fn facts(checkpoint: &Checkpoint) {
    let _ = checkpoint.summary();
    let _ = checkpoint.logs();
    let _ = checkpoint.answerable();
    for pid in checkpoint.pids().into_iter().take(50) {
        let _ = checkpoint.process(pid);
        let _ = checkpoint.mappings(pid);
        let _ = checkpoint.descriptors(pid);
    }
    let _ = checkpoint.sockets();
    let _ = checkpoint.mounts();
    let _ = checkpoint.requested_mounts();
    let _ = checkpoint.network();
    let _ = checkpoint.ipc();
    let _ = checkpoint.tmpfs_files();
    let _ = checkpoint.user_namespaces();
    for filter in checkpoint.seccomp_filters() {
        let _ = filter.disassembly();
        let _ = filter.rules();
    }
    let _ = checkpoint.members().count();
    let _ = checkpoint.namespaces();
    let _ = checkpoint.cgroup_directories();
    let _ = checkpoint.stats();
    let _ = checkpoint.log_lines().take(1000).count();
    for pid in checkpoint.pids().into_iter().take(5) {
        let _ = checkpoint.task(pid);
    }
    let mut left = 300_u32;
    objects(checkpoint, &mut |object| {
        left = left.saturating_sub(1);
        if let Some(contents) = object.contents {
            let mut at = 0;
            for _ in 0..100 {
                let Some((extent, end)) = contents.extent(at) else { break };
                assert!(end > at && end <= contents.len(), "an extent of {at} to {end}");
                if extent == Extent::Stored {
                    let len = usize::try_from(end - at).unwrap_or(usize::MAX).min(4096);
                    let _ = contents.read_exact_at(at, &mut [0; 4096][..len]);
                }
                at = end;
            }
        }
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(checkpoint.warnings().len() < 5000);
}

/// Makes up an archive as a fuzzer's bytes say, and asks for everything in it.
pub fn written(bytes: &[u8]) {
    let archive = mutate::written(&mut Dice::fed(bytes));
    model(&archive);
    memory(&archive);
}

/// Reads, searches and lists the memory of a checkpoint.
pub fn memory(bytes: &[u8]) {
    let Ok(checkpoint) = open(bytes).and_then(Checkpoint::from_archive) else { return };
    for pid in checkpoint.pids().into_iter().take(20) {
        let Ok(space) = checkpoint.memory(pid) else { continue };
        let mut page = [0; 5000];
        for region in space.regions().iter().take(100) {
            let _ = space.page_counts(region);
            for address in [region.mapping.start, region.mapping.end.wrapping_sub(5), region.mapping.end] {
                let _ = space.read(address, &mut page);
                let (_, end) = space.span(address);
                assert!(end > address || address == u64::MAX, "a span of nothing at {address:#x}");
            }
        }
        let _ = space.read(u64::MAX, &mut page);
    }
    let mut overview = Overview::default();
    for pid in checkpoint.pids().into_iter().take(20) {
        let _ = overview.process(&checkpoint, pid);
    }
    let mut left = 1000_u32;
    let mut some = || {
        left = left.saturating_sub(1);
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    if let Ok(search) = Search::new(vec![Pattern::literal("SECRET"), Pattern::regex("[a-z]{5}")]) {
        let _ = search.run(&checkpoint, &mut |_| some());
    }
    let strings = libforensic::analysis::strings::Strings::new(6, &[Encoding::Utf8]);
    let _ = strings.run(&checkpoint, &mut |_| some());
}

/// Explains what a kubelet answered; the first two bytes choose how and by which way it came.
#[cfg(feature = "program")]
pub fn answer(bytes: &[u8]) {
    use kubectl_checkpoint::cluster::explain::{Context, Route, explain};
    let (knobs, body) = bytes.split_at(bytes.len().min(2));
    let knob = |at: usize| usize::from(knobs.get(at).copied().unwrap_or(0));
    let status = [200, 401, 403, 404, 405, 429, 500, 502, 503, 504, 0, 999][knob(0) % 12];
    let content = [None, Some("application/json"), Some("text/plain"), Some("")][knob(1) % 4];
    let context = Context {
        route: [Route::ApiServer, Route::Kubelet][knob(1) / 4 % 2],
        node: "node",
        namespace: "shop",
        pod: "web",
        container: "app",
        runtime: Some("containerd://2.1.9"),
        timeout: Some(60),
    };
    let shown = explain(status, content, body, &context).to_string();
    assert_eq!(live(&shown), None, "in {shown:?}");
    assert!(shown.len() < 64 << 10, "{} bytes are shown", shown.len());
}

/// Reads a record of evidence and writes a line behind it.
#[cfg(feature = "program")]
pub fn record(bytes: &[u8]) {
    use kubectl_checkpoint::cluster::record;
    // In memory where there is such a place: every line that is appended waits for the disk.
    let memory = std::path::Path::new("/dev/shm");
    let directory = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let directory = directory.expect("a temporary directory");
    let path = directory.path().join("x.tar.evidence.json");
    std::fs::write(&path, bytes).expect("a temporary file");
    let before = record::broken(&path).expect("a temporary file");
    let fields = serde_json::Map::from_iter([("step".to_owned(), "download".into())]);
    let appended = record::append(&path, fields);
    let now = std::fs::read(&path).expect("a temporary file");
    assert!(now.starts_with(bytes), "what was there is there");
    match appended {
        Ok(()) => assert_eq!(record::broken(&path).expect("a temporary file"), before),
        Err(e) => {
            assert_eq!(now, bytes);
            assert!(before.is_some(), "a whole record cannot be continued: {e:#}");
        }
    }
}

/// Gives the first character that a terminal would act on, or that would make text look like other text.
pub fn live(text: &str) -> Option<char> {
    text.chars().find(|c| {
        (c.is_control() && *c != '\n')
            || matches!(*c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
    })
}
