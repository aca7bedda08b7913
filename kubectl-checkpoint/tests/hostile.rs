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

/// Texts that do something to a terminal that shows them as they are.
const LIVE: [&[u8]; 8] = [
    b"\x1b]0;title\x07",
    b"\x1b[2J\x1b[31mred",
    b"line\r\nforged: line\rover",
    b"\xc2\x9b31m",
    "\u{202e}gpj.exe\u{2066}".as_bytes(),
    b"bell\x07back\x08\x7f",
    b"\xff\xfe\x80bytes",
    "\u{200b}\u{2028}\u{feff}=cmd()".as_bytes(),
];

/// Says whether a terminal would act on something in the text.
fn is_live(text: &str) -> Option<char> {
    text.chars().find(|c| {
        (c.is_control() && *c != '\n')
            || matches!(*c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    })
}

/// An archive in which every name and text that is shown is one of those.
fn hostile_archive(text: &[u8]) -> Vec<u8> {
    let real = std::fs::read(SIMPLE).unwrap();
    let mut builder = tar::Builder::new(Vec::new());
    let mut put = |name: &[u8], data: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(data.len() as u64);
        let field = &mut header.as_old_mut().name;
        let len = name.len().min(field.len());
        field[..len].copy_from_slice(&name[..len]);
        header.set_cksum();
        builder.append(&header, data).unwrap();
    };
    for entry in tar::Archive::new(&real[..]).entries().unwrap() {
        let mut entry = entry.unwrap();
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let name = entry.path_bytes().into_owned();
        let mut data = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut data).unwrap();
        // Of the same length, so that every length in the images stays right.
        for known in [&b"/bin/busybox"[..], b"busybox", b"hunter2", b"/root/rw.txt", b"/dev/null", b"SECRET="]
        {
            let mut forged: Vec<u8> = text.iter().copied().cycle().take(known.len()).collect();
            if name.ends_with(b".dump") {
                // JSON has escapes of its own for them.
                forged = known.to_vec();
            }
            let places: Vec<_> = (0..data.len().saturating_sub(known.len()))
                .filter(|i| data[*i..].starts_with(known))
                .collect();
            for at in places {
                data[at..at + known.len()].copy_from_slice(&forged);
            }
        }
        if name == b"config.dump" {
            let escaped = serde_json::to_string(&String::from_utf8_lossy(text)).unwrap();
            let json = String::from_utf8(data).unwrap();
            data = json.replace("\"runc\"", &escaped).replace("\"crun\"", &escaped).into_bytes();
            let mut value: Value = serde_json::from_slice(&data).unwrap();
            for key in ["id", "name", "rootfsImageName", "runtime", "ociruntime"] {
                value[key] = Value::String(String::from_utf8_lossy(text).into_owned());
            }
            data = serde_json::to_vec(&value).unwrap();
        }
        put(&name, &data);
    }
    let mut name = text.to_vec();
    put(&name, b"x");
    name.splice(0..0, *b"checkpoint/");
    name.extend(b".img");
    put(&name, b"not an image");
    let mut broken = b"checkpoint/core-".to_vec();
    broken.extend(text);
    put(&broken, &[0xff; 64]);
    builder.into_inner().unwrap()
}

#[test]
fn no_output_carries_anything_live() {
    let directory = tempfile::tempdir().unwrap();
    for (number, text) in LIVE.iter().enumerate() {
        let path = directory.path().join(format!("{number}.tar"));
        std::fs::write(&path, hostile_archive(text)).unwrap();
        let path = path.to_str().unwrap();
        let member = format!("{path}:{}", String::from_utf8_lossy(text).replace('\0', ""));
        let commands: &[&[&str]] = &[
            &["show"],
            &["ps"],
            &["ps", "--tree"],
            &["maps"],
            &["files"],
            &["sockets"],
            &["mounts"],
            &["network"],
            &["ipc"],
            &["tmpfs"],
            &["seccomp"],
            &["images"],
            &["memory"],
            &["capabilities"],
            &["mem", "search", "sleep"],
            &["mem", "strings", "-n", "60"],
        ];
        for command in commands {
            // All formats with one text, all texts in two formats.
            let formats: &[&str] =
                if number == 0 { &["table", "wide", "json", "yaml", "ndjson"] } else { &["wide", "json"] };
            for format in formats {
                let output = run(&[*command, &["-o", format, path]].concat());
                let stdout = String::from_utf8(output.stdout.clone());
                let stdout = stdout.unwrap_or_else(|e| panic!("{command:?} {format}: {e}"));
                assert!([0, 1, 3].contains(&code(&output)), "{command:?} {format}: {}", errors(&output));
                let live = is_live(&errors(&output));
                assert!(live.is_none(), "{command:?} {format}: {live:?} on standard error");
                let live = is_live(&stdout);
                assert!(live.is_none(), "{command:?} {format}, text {number}: {live:?}");
            }
        }
        for args in
            [&["decode", path][..], &["decode", &member], &["mem", "read", "-p", "1", "0x400000", "64", path]]
        {
            let output = run(args);
            assert!(is_live(&errors(&output)).is_none(), "{args:?}");
            assert!(is_live(&String::from_utf8(output.stdout).unwrap()).is_none(), "{args:?}");
        }
    }
}
