//! Proves that images come back from their JSON documents, the damaged ones too.

#![allow(clippy::cast_possible_truncation)] // sizes are small, numbers are rolled

mod support;

use libforensic::image::{self, Image, ImageStatus, Kind, Pagemap, kinds};
use support::synth::{self, Dice};
use support::{assert_round_trip, fixtures, framed_images};

#[test]
fn committed_images() {
    let images = framed_images(&fixtures());
    assert!(images.len() > 30, "only {} images", images.len());
    for (path, kind, bytes) in images {
        assert_round_trip(&path.display().to_string(), Some(kind), &bytes);
    }
}

#[test]
fn every_kind() {
    for seed in 0..8 {
        for (kind, bytes) in synth::all(seed) {
            let name = format!("{kind} {seed}");
            let file = kind.info().pattern.split('%').next().unwrap().to_owned();
            let file = match file.as_str() {
                whole if whole == kind.info().pattern => file,
                "stats-" => "stats-dump".to_owned(),
                start => format!("{start}7.img"),
            };
            let summary = image::summarise(file.as_bytes(), bytes.as_slice());
            assert_eq!(summary.status, ImageStatus::Decoded, "{name}: {summary:?}");
            assert_eq!(summary.unknown_fields, 0, "{name}");
            assert_round_trip(&name, Some(kind), &bytes);
        }
    }
}

/// Images of IBM Z, and of CRIU before 1.6.
#[test]
fn other_headers() {
    for (kind, bytes) in synth::all(3) {
        if kind.info().magic.is_none() || kind == Kind::Inventory {
            continue;
        }
        let old = &bytes[4..];
        assert_round_trip(&format!("{kind}, old"), Some(kind), old);
        if kind.info().payload != image::PayloadRule::Nothing || kind.info().messages.len() > 1 {
            continue;
        }
        let image = Image::parse(Some(kind), &bytes).unwrap();
        let mut big = Vec::new();
        for word in bytes[..8].as_chunks::<4>().0 {
            big.extend(u32::from_le_bytes(*word).to_be_bytes());
        }
        for record in &image.records {
            big.extend((record.body.len() as u32).to_be_bytes());
            big.extend(&record.body);
        }
        let parsed = Image::parse(None, &big).unwrap();
        assert_eq!(parsed.records.len(), image.records.len());
        assert_eq!(parsed.header.order, image::ByteOrder::Big);
        assert_round_trip(&format!("{kind}, big-endian"), Some(kind), &big);
    }
}

/// Bodies that say the same, or nearly, in ways CRIU does not write.
#[test]
fn unusual_bodies() {
    let pstree = |body: &[u8]| {
        let mut image = vec![0x19, 0x43, 0x56, 0x54, 0x30, 0x30, 0x27, 0x50];
        synth::record(&mut image, body);
        image
    };
    for (what, body) in [
        ("fields out of order", &[16, 0, 8, 1][..]),
        ("a field twice", &[8, 1, 8, 2]),
        ("a varint longer than needed", &[8, 0x81, 0]),
        ("a key longer than needed", &[0x88, 0, 1]),
        ("a length longer than needed", &[0x2a, 0x81, 0, 7]),
        ("a packed list", &[0x2a, 2, 7, 8]),
        ("an empty packed list", &[0x2a, 0]),
        ("a list in two places", &[40, 1, 8, 1, 40, 2]),
        ("too many bits", &[8, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
        ("another type", &[0x0a, 1, 7]),
        ("an unknown number", &[8, 1, 0x98, 6, 5]),
        ("unknown bytes", &[8, 1, 0x9a, 6, 2, 1, 2]),
        ("unknown words", &[8, 1, 0x99, 6, 1, 2, 3, 4, 5, 6, 7, 8, 0xa5, 6, 1, 2, 3, 4]),
        ("an unknown field before a known one", &[0x98, 6, 5, 8, 1]),
        ("a group", &[8, 1, 0x9b, 6, 0x9c, 6]),
        ("half a field", &[8, 1, 16]),
        ("an endless varint", &[8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
        ("field 0", &[0, 1]),
        ("nothing", &[]),
    ] {
        assert_round_trip(what, None, &pstree(body));
    }
}

#[test]
fn texts_that_are_not_utf8() {
    for kind in [Kind::RegFiles, Kind::Unixsk, Kind::Cgroup, Kind::Inventory, Kind::Mnts] {
        for seed in 0..20 {
            let mut bytes = synth::image(kind.info(), seed);
            let mut dice = Dice(seed);
            for byte in &mut bytes {
                if *byte == b'a' || *byte == b'e' {
                    *byte = [0xff, 0, b'\n', b'\r', b'='][dice.below(5) as usize];
                }
            }
            assert_round_trip(&format!("{kind} {seed}"), Some(kind), &bytes);
        }
    }
}

/// Control groups nest as deep as their directories, and an attacker's deeper.
#[test]
fn deep_nesting() {
    for depth in [10, 40, 200] {
        let mut directory = Vec::new();
        synth::bytes(&mut directory, 1, b"leaf");
        for _ in 0..depth {
            let mut outer = Vec::new();
            synth::bytes(&mut outer, 1, b"dir");
            synth::bytes(&mut outer, 2, &directory);
            directory = outer;
        }
        let mut controller = Vec::new();
        synth::bytes(&mut controller, 1, b"cpu");
        synth::bytes(&mut controller, 2, &directory);
        let mut body = Vec::new();
        synth::bytes(&mut body, 2, &controller);
        let mut image = vec![0x19, 0x43, 0x56, 0x54, 0x30, 0x33, 0x38, 0x59];
        synth::record(&mut image, &body);
        assert_round_trip(&format!("depth {depth}"), None, &image);
    }
}

/// Everything that reads images, for what panics.
fn read_in_every_way(kind: Kind, bytes: &[u8]) {
    let _ = Image::parse(Some(kind), bytes);
    let _ = image::summarise(b"x.img", bytes);
    let _ = Pagemap::new(bytes).map(Iterator::count);
    let _ = image::read_all::<image::proto::CoreEntry>(bytes);
}

fn survives(name: &str, kind: Kind, bytes: &[u8]) {
    read_in_every_way(kind, bytes);
    if image::Records::new(Some(kind), bytes).is_ok() {
        assert_round_trip(name, Some(kind), bytes);
    }
}

#[test]
fn cut_short_anywhere() {
    for (path, kind, bytes) in framed_images(&fixtures()) {
        if bytes.len() > 700 {
            continue;
        }
        for len in 0..bytes.len() {
            survives(&format!("{} at {len}", path.display()), kind, &bytes[..len]);
        }
    }
    for (kind, bytes) in synth::all(5) {
        for len in (0..bytes.len()).step_by(1 + bytes.len() / 64) {
            survives(&format!("{kind} at {len}"), kind, &bytes[..len]);
        }
    }
}

#[test]
fn changed_anywhere() {
    let mut dice = Dice(1);
    for (kind, good) in synth::all(11) {
        for turn in 0..40 {
            let mut bytes = good.clone();
            for _ in 0..=dice.below(3) {
                let at = dice.below(bytes.len() as u64) as usize;
                bytes[at] = match dice.below(3) {
                    0 => dice.roll() as u8,
                    1 => 0xff,
                    _ => bytes[at] ^ (1 << dice.below(8)),
                };
            }
            survives(&format!("{kind}, turn {turn}"), kind, &bytes);
        }
    }
}

#[test]
fn a_damaged_record_costs_that_record() {
    let mut image = vec![0x19, 0x43, 0x56, 0x54, 0x30, 0x30, 0x27, 0x50];
    for body in [&[8, 1][..], &[8, 0xff], &[8, 3]] {
        synth::record(&mut image, body);
    }
    let (good, errors) = image::read_all::<image::proto::PstreeEntry>(&image);
    let pids: Vec<_> = good.iter().map(|(offset, entry)| (*offset, entry.pid)).collect();
    assert_eq!(pids, [(8, Some(1)), (20, Some(3))]);
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].offset(), 14);
    assert_eq!(errors[0].kind(), image::ErrorKind::Damaged);
    let summary = image::summarise(b"pstree.img", image.as_slice());
    assert_eq!(summary.status, ImageStatus::Damaged);
    assert_eq!((summary.records, summary.damaged), (Some(3), 1));
}

#[test]
fn a_size_beyond_the_end() {
    let mut image = vec![0x19, 0x43, 0x56, 0x54, 0x30, 0x30, 0x27, 0x50];
    synth::record(&mut image, &[8, 1]);
    image.extend([0xff, 0xff, 0xff, 0x7f, 8, 1]);
    let parsed = Image::parse(None, &image).unwrap();
    assert_eq!(parsed.records.len(), 1);
    assert_eq!(parsed.error.unwrap().offset(), 14);
    assert_round_trip("a size beyond the end", None, &image);
}

#[test]
fn kinds_with_records_have_samples() {
    let sampled = synth::all(0).len();
    let framed = kinds().iter().filter(|info| info.is_framed()).count();
    // One message has no file of its own.
    assert_eq!(sampled, framed - 1);
}

/// Found by mutation: four bytes of a size of eight were taken for a whole size of four.
#[test]
fn a_plugins_image_cut_within_its_size() {
    let bytes = include_bytes!("fixtures/fuzzed/amdgpu-kfd-cut-within-its-size.img");
    let parsed = Image::parse(Some(Kind::AmdgpuKfd), bytes).unwrap();
    assert_eq!(parsed.records.len(), 0);
    assert_eq!(parsed.error.unwrap().kind(), image::ErrorKind::Truncated);
    for len in 0..8 {
        assert_round_trip("cut within its size", Some(Kind::AmdgpuKfd), &[0; 8][..len]);
    }
}
