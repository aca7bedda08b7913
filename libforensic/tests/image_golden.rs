//! Compares with documents that crit 4.2.1 wrote; crit itself is not needed.
//!
//! `image_crit` says how they are made.

mod support;

use std::fs;

use libforensic::image::crit::Options;
use libforensic::image::{FileHeader, Kind};
use support::{files, fixtures, options, to_image, to_json};

#[test]
fn documents_are_crits() {
    let mut compared = 0;
    for path in files(&fixtures()) {
        let Some(image) = path.to_str().and_then(|path| path.strip_suffix(".json")) else { continue };
        let (image, pretty) = match image.strip_suffix(".pretty") {
            Some(image) => (image, true),
            None => (image, false),
        };
        let bytes = fs::read(image).unwrap();
        let kind = FileHeader::parse(None, &bytes).unwrap().kind;
        // Where crit is wrong only what imitates it is equal: see image_crit.
        let crit_compat = kind == Kind::IpcnsShm || (kind == Kind::Core && pretty);
        let ours = to_json(Some(kind), &bytes, &Options { crit_compat, ..options(pretty) });
        let theirs = fs::read_to_string(&path).unwrap();
        assert_eq!(ours + "\n", theirs, "{}", path.display());
        if kind != Kind::IpcnsShm {
            assert_eq!(
                to_image(&theirs, &Options { crit_compat, ..options(pretty) }),
                bytes,
                "{}",
                path.display()
            );
        }
        compared += 1;
    }
    assert!(compared > 40, "only {compared} documents");
    eprintln!("{compared} documents of crit are equal");
}
