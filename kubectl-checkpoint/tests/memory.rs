//! The commands that read memory, run as a user runs them, on the sample evidence.

use std::process::{Command, Output, Stdio};

const SIMPLE: &str = "../examples/evidence/simple.tar";

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
