//! The commands that read memory, run as a user runs them, on the sample evidence.

use std::process::{Command, Output, Stdio};

const SIMPLE: &str = "../examples/evidence/simple.tar";
/// Has shared memory, and more strings than are looked at for the widths of a table.
const ZOO: &str = "../examples/evidence/zoo.tar.zst";

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kubectl-checkpoint"))
        .args(args)
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn gigabytes_of_nothing_are_one_line_and_exit_code_3() {
    let output = run(&["mem", "read", "-p", "1", "0x100000000+0x100000000", SIMPLE]);
    assert_eq!(output.status.code(), Some(3));
    let text = stdout(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[0].starts_with("0000000100000000  ?? ??"));
    assert_eq!(lines[1], "*  4294967280 more bytes to 0000000200000000 are not in the evidence: not mapped");
    assert_eq!(lines[2], "0000000200000000");
    assert!(stderr(&output).contains("not mapped"));
}

#[test]
fn memory_with_nothing_around_it_is_read_without_complaint() {
    let answer: serde_json::Value =
        serde_json::from_slice(&run(&["maps", "-p", "1", "-o", "json", SIMPLE]).stdout).unwrap();
    let stack = answer["items"].as_array().unwrap().iter().find(|m| m["kind"] == "stack").unwrap();
    let address = |key: &str| {
        u64::from_str_radix(stack[key].as_str().unwrap().strip_prefix("0x").unwrap(), 16).unwrap()
    };
    let range = format!("{:x}-{:x}", address("start"), address("end") + 0x1_0000_0000);
    let output = run(&["mem", "read", "-p", "1", &range, SIMPLE]);
    let text = stdout(&output);
    assert!(text.contains("s3cr3t"), "{text}");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(text.contains("more bytes to"));
}

#[test]
fn an_address_with_letters_is_hexadecimal_and_digits_alone_are_decimal() {
    let output = run(&["mem", "read", "-p", "1", "7ffdda91cf34", "28", "--raw", SIMPLE]);
    assert_eq!(stdout(&output), "DB_PASSWORD=s3cr3t-Pa55w0rd!");
    let output = run(&["mem", "read", "-p", "1", "140728270442292", "28", "--raw", SIMPLE]);
    assert_eq!(stdout(&output), "DB_PASSWORD=s3cr3t-Pa55w0rd!", "{}", stderr(&output));
}

#[test]
fn what_is_no_search_is_refused() {
    let output = run(&["mem", "search", "--limit", "0", "x", SIMPLE]);
    assert_eq!(output.status.code(), Some(2));
    let output = run(&["mem", "search", "--regex", "a(b", SIMPLE]);
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(said.lines().count() > 2 && !said.contains("\\n"), "{said}");
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_the_work_with_130() {
    let directory = tempfile::tempdir().unwrap();
    let archive = directory.path().join("large");
    let tar = std::fs::read(SIMPLE).unwrap();
    let mut unpack = tar::Archive::new(&tar[..]);
    for entry in unpack.entries().unwrap() {
        let mut entry = entry.unwrap();
        let target = archive.join(entry.path().unwrap());
        if entry.header().entry_type().is_file() {
            std::fs::create_dir_all(target.parent().unwrap()).unwrap();
            std::io::copy(&mut entry, &mut std::fs::File::create(target).unwrap()).unwrap();
        }
    }
    // A log of a terabyte of zeros.
    std::fs::File::create(archive.join("huge.log")).unwrap().set_len(1 << 40).unwrap();
    let out = directory.path().join("out");
    for command in [
        &["mem", "search", "-o", "json", "--regex", "never-[0-9]+-there"][..],
        &["extract", "-o", "json", "-d", out.to_str().unwrap()],
    ] {
        let child = Command::new(env!("CARGO_BIN_EXE_kubectl-checkpoint"))
            .args(command)
            .arg(&archive)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let pid = child.id().to_string();
        // Once the signal is waited for, the work has begun: it is caught and not ignored.
        let caught = || {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let mask =
                status.lines().find_map(|l| l.strip_prefix("SigCgt:")).unwrap_or("0").trim().to_owned();
            u64::from_str_radix(&mask, 16).unwrap_or(0) & 2 != 0
        };
        for _ in 0..600 {
            if caught() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        std::thread::sleep(std::time::Duration::from_millis(500));
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{command:?}: {}", stderr(&output));
        assert!(stderr(&output).contains("interrupted"), "{}", stderr(&output));
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(answer["warnings"].to_string().contains("interrupted"));
    }
    assert!(!out.join("log/huge.log").exists(), "half a file stays");
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.join("manifest.json")).unwrap()).unwrap();
    assert!(manifest["warnings"].to_string().contains("interrupted"));
}

/// The rows of `mem strings` as they come one by one: YAML is not written in any other way.
fn strings_one_by_one(args: &[&str]) -> Vec<serde_json::Value> {
    let output = run(&[&["mem", "strings", "-o", "yaml"], args].concat());
    let list: serde_json::Value = serde_saphyr::from_str(&stdout(&output)).unwrap();
    list["items"].as_array().unwrap().clone()
}

#[test]
fn strings_as_finished_text_are_the_same_strings() {
    for args in [
        &["-e", "all", SIMPLE][..],
        &["-n", "9", SIMPLE],
        &["-n", "70", SIMPLE],
        &["-p", "1", "-n", "14", SIMPLE, ZOO],
        &["-e", "all", "-n", "8", "-p", "1", ZOO],
        &["--kind", "sysv", "--kind", "memfd", "--kind", "shared-anonymous", ZOO],
    ] {
        let expected = strings_one_by_one(args);
        let lines = stdout(&run(&[&["mem", "strings", "-o", "ndjson"], args].concat()));
        let lines: Vec<serde_json::Value> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert_eq!(lines, expected, "{args:?}");
        let text = stdout(&run(&[&["mem", "strings", "-o", "json"], args].concat()));
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["items"].as_array().unwrap(), &expected, "{args:?}");
        assert!(document["warnings"].is_array());
        // Written the same way as any other answer: nothing but the order of keys is left to chance.
        if !text.contains("\\u") {
            assert_eq!(text.trim_end(), serde_json::to_string_pretty(&document).unwrap(), "{args:?}");
        }
        let table = stdout(&run(&[&["mem", "strings", "--no-headers"], args].concat()));
        assert_eq!(table.lines().count(), expected.len(), "{args:?}");
        for (line, item) in table.lines().zip(&expected) {
            let address = item["address"].as_str().unwrap().trim_start_matches("0x").trim_start_matches('0');
            assert!(line.contains(address), "{line} {item}");
            let text = item["text"].as_str().unwrap();
            if !text.contains('\t') && text.is_ascii() {
                assert!(line.ends_with(text), "{line} {item}");
            }
        }
    }
    assert!(strings_one_by_one(&["--kind", "sysv", ZOO]).iter().any(|s| !s["segment"].is_null()));
}

#[test]
fn a_table_goes_on_as_text_where_its_widths_are_known() {
    for args in [&["-o", "wide"][..], &[SIMPLE]] {
        let print = |color| stdout(&run(&[&["mem", "strings", "--color", color, ZOO], args].concat()));
        // In colour, rows are written one by one.
        let expected =
            print("always").replace("\u{1b}[1m", "").replace("\u{1b}[33m", "").replace("\u{1b}[0m", "");
        assert!(expected.lines().count() > 10_000);
        assert!(expected == print("never"), "{args:?}");
    }
}
