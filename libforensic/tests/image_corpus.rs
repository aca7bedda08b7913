//! Checks every image of a directory of dumps.
//!
//! `CHECKPOINT_CORPUS=DIR cargo test -p libforensic --test image_corpus -- --nocapture`
//! looks at all files below DIR, and into tar archives among them as far as they
//! are not compressed. Without the variable only the committed images are looked at.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::PathBuf;

use libforensic::image::{self, ImageStatus, Kind};
use support::{assert_round_trip, files, fixtures};

/// Lists names and contents of images in a directory and in archives below it.
fn images() -> Vec<(String, Vec<u8>)> {
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

#[test]
fn every_image_comes_back() {
    let mut framed: BTreeMap<Kind, usize> = BTreeMap::new();
    let mut raw: BTreeMap<Kind, usize> = BTreeMap::new();
    for (name, bytes) in images() {
        let summary = image::summarise(name.as_bytes(), bytes.as_slice());
        match summary.status {
            ImageStatus::Decoded => {
                assert_eq!(summary.unknown_fields, 0, "{name}");
                assert_round_trip(&name, summary.kind, &bytes);
                *framed.entry(summary.kind.unwrap()).or_default() += 1;
            }
            ImageStatus::Known => *raw.entry(summary.kind.unwrap()).or_default() += 1,
            ImageStatus::Unknown => {}
            ImageStatus::Damaged => panic!("{name}: {:?}", summary.first_error),
        }
    }
    eprintln!(
        "{} images of {} kinds with records came back, {} raw images of {} kinds were recognised",
        framed.values().sum::<usize>(),
        framed.len(),
        raw.values().sum::<usize>(),
        raw.len()
    );
    eprintln!("with records: {framed:?}\nraw: {raw:?}");
}
