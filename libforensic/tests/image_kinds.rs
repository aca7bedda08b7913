//! Proves that `docs/image-kinds.md` says what the table of kinds says.
//!
//! After a change run `REGENERATE=1 cargo test -p libforensic --test image_kinds`
//! and commit what it wrote.

mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use libforensic::archive::Archive;
use libforensic::image::{Cardinality, Header, Kind, PayloadRule, kinds};
use support::{files, fixtures, synth};

/// Gives the kinds of which CRIU itself wrote an image that is in this repository.
fn live() -> BTreeSet<Kind> {
    let mut names: Vec<Vec<u8>> =
        files(&fixtures()).iter().map(|path| path.file_name().unwrap().as_encoded_bytes().to_vec()).collect();
    let evidence = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/evidence");
    for path in files(&evidence).iter().filter(|path| path.extension().is_some_and(|ext| ext != "md")) {
        let archive = Archive::open(path).unwrap();
        names.extend(archive.members().iter().map(|member| member.name.clone()));
    }
    names.iter().filter_map(|name| Kind::from_file_name(name)).map(|(kind, _)| kind).collect()
}

fn document() -> String {
    let live = live();
    let made: BTreeSet<Kind> = synth::all(0).into_iter().map(|(kind, _)| kind).collect();
    let mut rows = String::new();
    let (mut with_live, mut with_made, mut framed, mut sampled) = (0, 0, 0, 0);
    for info in kinds() {
        let sample = if live.contains(&info.kind) {
            with_live += 1;
            "live"
        } else if made.contains(&info.kind) {
            with_made += 1;
            "made"
        } else {
            "none"
        };
        if info.is_framed() {
            framed += 1;
            sampled += usize::from(sample != "none");
        }
        let messages: Vec<_> = info.messages.iter().map(|message| format!("`{}`", message.name)).collect();
        let messages = match info.cardinality {
            Cardinality::Raw => "–".to_owned(),
            Cardinality::Many => format!("{}, many", messages.join(" with ")),
            Cardinality::HeadThenMany => format!("{}, many", messages.join(", then ")),
            Cardinality::Single => messages.join(", "),
        };
        let file = if info.pattern.is_empty() { "–".to_owned() } else { format!("`{}`", info.pattern) };
        let magic = match (info.magic, info.header) {
            (Some(magic), _) => format!("`{magic:#010x}`"),
            (None, Header::Length64) => "a length".to_owned(),
            (None, _) => "–".to_owned(),
        };
        let payload = match info.payload {
            PayloadRule::Nothing => "–",
            rule => rule.description(),
        };
        let since = if info.since.is_empty() { "–" } else { info.since };
        let (name, argument, status) = (info.name, info.argument.description(), info.status.as_str());
        writeln!(
            rows,
            "| {name} | {file} | {argument} | {magic} | {messages} | {payload} | {since} | {status} | {sample} |"
        )
        .unwrap();
    }
    let without = kinds().len() - with_live - with_made;
    format!(
        "# Kinds of images\n\n\
         Made from the table in `libforensic/src/image/kind/table.rs` by\n\
         `REGENERATE=1 cargo test -p libforensic --test image_kinds`.\n\n\
         {} kinds, {framed} of them with records. {with_live} have a sample that CRIU wrote (live), among\n\
         the tests' fixtures or in `examples/evidence`; for {with_made} more the tests write one (made);\n\
         {without} have none. Of those with records {sampled} have a sample, which decodes and encodes to\n\
         the same bytes. A dash under *since* is older than CRIU 1.6.\n\n\
         `%u` stands for a decimal number, `%x` for a hexadecimal one, `%s` for a word.\n\n\
         | kind | file | its number | magic | messages | what follows them | since | status | sample |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n{rows}",
        kinds().len()
    )
}

#[test]
fn documentation_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/image-kinds.md");
    let fresh = document();
    if std::env::var_os("REGENERATE").is_some() {
        fs::write(&path, &fresh).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == fresh,
        "docs/image-kinds.md is old; run REGENERATE=1 cargo test -p libforensic --test image_kinds"
    );
}
