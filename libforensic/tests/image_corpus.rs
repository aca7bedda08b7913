//! Checks every image of a directory of dumps.
//!
//! `CHECKPOINT_CORPUS=DIR cargo test -p libforensic --test image_corpus -- --nocapture`
//! looks at all files below DIR, and into tar archives among them as far as they
//! are not compressed. Without the variable only the committed images are looked at.

mod support;

use std::collections::BTreeMap;

use libforensic::image::{self, ImageStatus, Kind};
use support::{assert_round_trip, corpus};

#[test]
fn every_image_comes_back() {
    let mut framed: BTreeMap<Kind, usize> = BTreeMap::new();
    let mut raw: BTreeMap<Kind, usize> = BTreeMap::new();
    for (name, bytes) in corpus() {
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
