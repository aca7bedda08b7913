//! What evidence that means harm may do to the person who looks at it: nothing.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const SIMPLE: &str = "../examples/evidence/simple.tar";

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-checkpoint"));
    command.env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Output {
    program().args(args).output().unwrap()
}

fn run_with(args: &[&str], input: &[u8]) -> Output {
    let mut child = program()
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().unwrap()
    })
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn encode_refuses_what_it_would_leave_out() {
    let whole = r#"{"magic": "PSTREE", "entries": [{"pid": 1, "ppid": 0, "pgid": 1, "sid": 1}]}"#;
    assert_eq!(code(&run_with(&["encode"], whole.as_bytes())), 0);
    for (json, told) in [
        (r#"{"magic": "PSTREE", "entries": [{"pid": 1, "ppid": 0, "pigd": 1, "sid": 1}]}"#, "`pigd`"),
        (r#"{"magic": "PSTREE", "entries": [], "entires": []}"#, "`entires`"),
        (r#"{"magic": "FS", "entries": [{"cwd_id": 1, "root_id": 2, "extra": "AA=="}]}"#, "`extra`"),
        (r#"{"magic": "FILES", "entries": [{"type": "REG", "id": 1, "reg": {"nmae": "x"}}]}"#, "`nmae`"),
        (r#"{"magic": "PSTREE"}"#, "entries"),
        (r#"{"magic": "PSTREE", "entries": [], "entries": []}"#, "duplicate"),
    ] {
        let output = run_with(&["encode"], json.as_bytes());
        assert_eq!(code(&output), 2, "{json}");
        assert!(output.stdout.is_empty(), "{json}");
        assert!(errors(&output).contains(told), "{}", errors(&output));
    }
    let typo = r#"{"magic": "PSTREE", "entries": [{"pid": 1, "ppid": 0, "pigd": 1}]}"#;
    for flag in ["--lenient", "--crit-compat"] {
        assert_eq!(code(&run_with(&["encode", flag], typo.as_bytes())), 0, "{flag}");
    }
}

#[test]
fn encode_writes_nothing_before_an_error() {
    let good = r#"{"pid": 1, "ppid": 0, "pgid": 1, "sid": 1, "threads": [1]},"#.repeat(50_000);
    let json = format!(r#"{{"magic": "PSTREE", "entries": [{good} {{"pid": "no number"}}]}}"#);
    let output = run_with(&["encode"], json.as_bytes());
    assert_eq!(code(&output), 2);
    assert!(output.stdout.is_empty(), "{} bytes", output.stdout.len());
    assert!(errors(&output).contains("entry 50000"), "{}", errors(&output));
}

#[test]
fn json_says_why_an_archive_could_not_be_read() {
    let output = run(&["ps", "-o", "json", "no/such/file"]);
    assert_eq!(code(&output), 2);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["items"], Value::Array(vec![]));
    assert!(answer["warnings"][0]["what"].as_str().unwrap().contains("no/such/file"), "{answer}");
    let output = run(&["ps", "-o", "json", SIMPLE, "no/such/file"]);
    assert_eq!(code(&output), 2);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["items"].as_array().unwrap().len(), 3);
    assert_eq!(answer["warnings"][0]["archive"], "no/such/file", "{answer}");
}

#[test]
fn a_wrong_pid_is_explained() {
    for args in [&["ps", "-p", "abc", SIMPLE][..], &["mem", "read", "-p", "-1", "0", "1", SIMPLE]] {
        let output = run(args);
        assert_eq!(code(&output), 2);
        assert!(!errors(&output).contains("invalid digit"), "{}", errors(&output));
    }
    assert!(
        errors(&run(&["files", "-p", "abc", SIMPLE])).contains("`kubectl checkpoint ps ARCHIVE` lists them")
    );
}

#[cfg(target_os = "linux")]
#[test]
fn help_that_cannot_be_written_is_a_failure() {
    for args in [&["--help"][..], &["--version"], &["ps", "--help"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = program().args(args).stdout(full).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(code(&output), 2, "{args:?}");
        assert!(errors(&output).contains("standard output"), "{}", errors(&output));
    }
}

#[test]
fn limits_are_set_by_flags_and_reaching_one_is_said() {
    for (flag, told) in [
        ("--max-members=10", "more than 10 members"),
        ("--max-member-bytes=1K", "more than the limit of 1024"),
        ("--max-record-bytes=8", "exceeds the limit of 8"),
        ("--max-tasks=1", "more than 1 processes"),
        ("--max-mappings=2", "only 2 are read"),
        ("--max-string-bytes=4", "more than the limit of 4"),
    ] {
        let output = run(&["ps", flag, SIMPLE]);
        assert!(errors(&output).contains(told), "{flag}: {}", errors(&output));
        assert_ne!(code(&output), 0, "{flag}");
    }
    let packed = run(&["ps", "--max-unpacked-bytes=100K", "../examples/evidence/incident.tar.gz"]);
    assert!(errors(&packed).contains("limit of 102400 bytes"), "{}", errors(&packed));
    assert_eq!(code(&run(&["ps", "--max-members=many", SIMPLE])), 2);
}
