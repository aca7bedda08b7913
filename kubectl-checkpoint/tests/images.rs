//! `images`, `decode` and `encode`, run as a user runs them.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const SIMPLE: &str = "../examples/evidence/simple.tar";
const INCIDENT: &str = "../examples/evidence/incident.tar.gz";
const PSTREE: &str = concat!(
    r#"{"magic": "PSTREE", "entries": [{"pid": 1, "ppid": 0, "pgid": 1, "sid": 1, "threads": [1]}, "#,
    r#"{"pid": 7, "ppid": 1, "pgid": 1, "sid": 1, "threads": [7]}, "#,
    r#"{"pid": 8, "ppid": 1, "pgid": 1, "sid": 1, "threads": [8]}]}"#,
    "\n"
);

fn run_with(args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-checkpoint"))
        .args(args)
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        // A program that refuses its arguments does not read.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().unwrap()
    })
}

fn run(args: &[&str]) -> Output {
    run_with(args, b"")
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Gives the regular files of the sample: name and contents.
fn members() -> Vec<(String, Vec<u8>)> {
    use std::io::Read;
    let mut archive = tar::Archive::new(fs::File::open(SIMPLE).unwrap());
    let mut found = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.header().entry_type().is_file() {
            let name = entry.path().unwrap().to_str().unwrap().to_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            found.push((name, bytes));
        }
    }
    found
}

fn listed(archive: &str) -> (Output, Vec<Value>) {
    let output = run(&["images", "-o", "json", archive]);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["kind"], "ImageList");
    let items = answer["items"].as_array().unwrap().clone();
    (output, items)
}

#[test]
fn every_member_is_listed_and_known() {
    let (output, items) = listed(SIMPLE);
    assert_eq!(code(&output), 0);
    let members = members();
    assert_eq!(items.len(), members.len());
    for (item, (name, bytes)) in items.iter().zip(&members) {
        assert_eq!(item["name"], name.as_str());
        assert_eq!(item["sizeBytes"], bytes.len());
        assert!(["decoded", "known"].contains(&item["status"].as_str().unwrap()), "{item}");
        assert!(item["kind"].is_string(), "{item}");
        assert_eq!(item["records"].is_u64(), item["status"] == "decoded", "{item}");
    }
    let of = |name: &str| items.iter().find(|item| item["name"] == name).unwrap();
    assert_eq!(of("checkpoint/pstree.img")["records"], 3);
    assert_eq!(of("checkpoint/pages-1.img")["kind"], "PAGES");
    assert_eq!(of("spec.dump")["kind"], "runtime-spec");
    let (output, items) = listed(INCIDENT);
    assert_eq!(code(&output), 0);
    assert!(items.iter().all(|item| item["status"] != "unknown" && item["status"] != "damaged"));
}

#[test]
fn the_table_ends_with_totals() {
    let output = run(&["images", SIMPLE]);
    let text = String::from_utf8(output.stdout).unwrap();
    let last: Vec<_> = text.lines().rev().take(3).collect();
    assert_eq!(last[0], "96 records, 0 unknown fields in them");
    assert!(last[1].starts_with("42 members, "), "{}", last[1]);
    assert!(last[1].ends_with(": 28 decoded, 14 known, 0 unknown, 0 damaged"), "{}", last[1]);
    assert_eq!(last[2], "");
    let output = run(&["images", "--no-headers", SIMPLE]);
    assert!(!String::from_utf8(output.stdout).unwrap().contains("unknown fields"));
}

#[test]
fn damage_is_listed_and_told() {
    let directory = tempfile::tempdir().unwrap();
    for (name, bytes) in members() {
        let Some(base) = name.strip_prefix("checkpoint/") else { continue };
        let cut = if base == "pstree.img" { bytes.len() - 1 } else { bytes.len() };
        fs::write(directory.path().join(base), &bytes[..cut]).unwrap();
    }
    fs::write(directory.path().join("surprise.bin"), b"something else").unwrap();
    let path = directory.path().to_str().unwrap();
    let (output, items) = listed(path);
    assert_eq!(code(&output), 3);
    assert!(errors(&output).contains("pstree.img at byte"), "{}", errors(&output));
    let of = |name: &str| items.iter().find(|item| item["name"] == name).unwrap();
    assert_eq!(of("pstree.img")["status"], "damaged");
    assert_eq!(of("pstree.img")["records"], 2);
    assert!(of("pstree.img")["damage"].as_str().unwrap().contains("bytes"));
    assert_eq!(of("surprise.bin")["status"], "unknown");
    assert_eq!(of("surprise.bin")["kind"], Value::Null);

    // What can be read is decoded, and what cannot comes back all the same.
    let image = format!("{path}/pstree.img");
    let output = run(&["decode", &image]);
    assert_eq!(code(&output), 3);
    assert!(errors(&output).starts_with("warning: pstree.img: "), "{}", errors(&output));
    let again = run_with(&["encode"], &output.stdout);
    assert_eq!(code(&again), 0);
    assert_eq!(again.stdout, fs::read(&image).unwrap());
    let output = run(&["decode", path]);
    assert_eq!(code(&output), 3);
}

#[test]
fn an_image_is_found_in_every_way() {
    let (_, image) = members().into_iter().find(|(name, _)| name == "checkpoint/pstree.img").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("with:colon.img");
    fs::write(&file, &image).unwrap();
    let archive = directory.path().join("a:b.tar");
    fs::copy(SIMPLE, &archive).unwrap();
    let archive = archive.to_str().unwrap();
    for source in [
        file.to_str().unwrap(),
        &format!("{SIMPLE}:checkpoint/pstree.img"),
        &format!("{SIMPLE}:./checkpoint/pstree.img"),
        &format!("{SIMPLE}:pstree.img"),
        &format!("{archive}:pstree.img"),
    ] {
        let output = run(&["decode", source]);
        assert_eq!(code(&output), 0, "{source}: {}", errors(&output));
        assert_eq!(String::from_utf8(output.stdout).unwrap(), PSTREE, "{source}");
    }
    assert_eq!(run_with(&["decode", "-"], &image).stdout, PSTREE.as_bytes());
    let whole = run_with(&["decode", "-"], &fs::read(SIMPLE).unwrap());
    assert_eq!(whole.stdout, run(&["decode", SIMPLE]).stdout);
}

#[test]
fn an_archive_decodes_to_a_line_an_image() {
    let output = run(&["decode", SIMPLE]);
    assert_eq!(code(&output), 0);
    let text = String::from_utf8(output.stdout).unwrap();
    let members = members();
    let mut back = 0;
    for line in text.lines() {
        let object: Value = serde_json::from_str(line).unwrap();
        let name = object["member"].as_str().unwrap();
        let (_, image) = members.iter().find(|(member, _)| member == name).unwrap();
        for pretty in [&[][..], &["--pretty"]] {
            let source = format!("{SIMPLE}:{name}");
            let document = run(&[&["decode", source.as_str()], pretty].concat());
            assert_eq!(code(&document), 0, "{name}");
            let again = run_with(&["encode"], &document.stdout);
            assert!(again.stdout == *image, "{name}, {pretty:?}");
        }
        let image_of_line = serde_json::to_vec(&object["image"]).unwrap();
        assert!(run_with(&["encode"], &image_of_line).stdout == *image, "{name}");
        back += 1;
    }
    assert_eq!(back, 28);
    let pretty = run(&["decode", "--pretty", SIMPLE]);
    assert_eq!(code(&pretty), 2);
    assert!(errors(&pretty).contains("--output-dir"));
}

#[test]
fn a_directory_of_documents_overwrites_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out");
    let out = path.to_str().unwrap();
    assert_eq!(code(&run(&["decode", "--pretty", "--output-dir", out, SIMPLE])), 0);
    assert_eq!(fs::read_dir(&path).unwrap().count(), 28);
    let document = fs::read(path.join("checkpoint_pstree.img.json")).unwrap();
    assert!(document.starts_with(b"{\n    \"magic\": \"PSTREE\""));
    fs::write(path.join("stats-dump.json"), "mine").unwrap();
    let again = run(&["decode", "--output-dir", out, SIMPLE]);
    assert_eq!(code(&again), 2);
    assert!(errors(&again).contains("is not overwritten"), "{}", errors(&again));
    assert_eq!(fs::read(path.join("stats-dump.json")).unwrap(), b"mine");
}

#[test]
fn names_from_evidence_do_not_lead_out_of_the_directory() {
    let (_, image) = members().into_iter().find(|(name, _)| name == "checkpoint/pstree.img").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let archive = directory.path().join("evil.tar");
    let mut builder = tar::Builder::new(fs::File::create(&archive).unwrap());
    for name in ["../../up.img", "pstree.img", "pstree.img", "a/../../x.img"] {
        let mut header = tar::Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(image.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, image.as_slice()).unwrap();
    }
    builder.finish().unwrap();
    let out = directory.path().join("deep/out");
    let output = run(&["decode", "--output-dir", out.to_str().unwrap(), archive.to_str().unwrap()]);
    assert!([0, 3].contains(&code(&output)), "{}", errors(&output));
    let names = |path: &Path| {
        let mut names: Vec<_> =
            fs::read_dir(path).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names(directory.path()), ["deep", "evil.tar"]);
    assert_eq!(names(&directory.path().join("deep")), ["out"]);
    let written = names(&out);
    assert_eq!(written.len(), 4, "{written:?}");
    assert!(written.contains(&"pstree.img~2.json".to_owned()), "{written:?}");
}

#[test]
fn what_has_no_records_is_explained() {
    for (member, told) in [
        ("checkpoint/pages-1.img", "`mem read` and `mem search` read them"),
        ("checkpoint/tmpfs-dev-211.tar.gz.img", "tar.gz"),
        ("config.dump", "`show` reads it"),
        ("nothing.img", "has no member nothing.img"),
    ] {
        let output = run(&["decode", &format!("{SIMPLE}:{member}")]);
        assert_eq!(code(&output), 2, "{member}");
        assert!(output.stdout.is_empty());
        assert!(errors(&output).contains(told), "{}", errors(&output));
    }
    assert_eq!(code(&run(&["decode", "no/such/file"])), 2);
    let output = run_with(&["decode", "-"], b"neither this nor that");
    assert_eq!(code(&output), 2);
    for json in ["", "[]", r#"{"magic": "NONE", "entries": []}"#, r#"{"entries": [{}]}"#] {
        let output = run_with(&["encode"], json.as_bytes());
        assert_eq!(code(&output), 2, "{json}");
        assert!(errors(&output).starts_with("error: standard input: "), "{}", errors(&output));
    }
}
