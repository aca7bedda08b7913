//! Every command in every format on evidence that carries what a terminal or a program would act on.
//!
//! The commands are taken from the command line itself: a new one is run too.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const SIMPLE: &str = "../examples/evidence/simple.tar";

/// Texts that do something to a terminal that shows them as they are, or to what reads the output.
const LIVE: [&[u8]; 12] = [
    b"\x1b]0;title\x07",
    b"\x1b[2J\x1b[31mred",
    b"line\r\nforged: line\rover",
    b"x\nwarning: forged\nerror: forged",
    b"\xc2\x9b31m",
    "\u{202e}gpj.exe\u{2066}".as_bytes(),
    b"bell\x07back\x08\x7f",
    b"\xff\xfe\x80bytes",
    "\u{200b}\u{2028}\u{feff}=cmd()".as_bytes(),
    "\u{ad}\u{2060}\u{e0041}\u{fff9}".as_bytes(),
    b"<script>alert(1)</script>",
    b"nul\0\0byte",
];

/// Gives what a terminal would act on, or what would make text look like other text.
fn live(text: &str) -> Option<char> {
    text.chars().find(|c| {
        (c.is_control() && *c != '\n')
            || matches!(
                *c,
                '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
            )
    })
}

/// Gives a line that looks like one of the program's own and is not.
fn forged(text: &str) -> Option<&str> {
    text.lines().find(|line| line.starts_with("warning: forged") || line.starts_with("error: forged"))
}

fn run(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-checkpoint"));
    command.args(args).env("NO_COLOR", "1").stdin(Stdio::null()).output().unwrap()
}

/// Runs a command and checks all that it says; returns its exit code.
fn check(args: &[&str]) -> i32 {
    let output = run(args);
    let code = output.status.code().unwrap_or_else(|| panic!("{args:?} was ended by a signal"));
    for (name, bytes) in [("standard output", output.stdout), ("standard error", output.stderr)] {
        let text = String::from_utf8(bytes).unwrap_or_else(|e| panic!("{args:?}, {name}: {e}"));
        assert_eq!(live(&text), None, "{args:?}, {name}:\n{}", text.escape_debug());
        assert_eq!(forged(&text), None, "{args:?}, {name}:\n{text}");
        assert!(!text.contains("panicked"), "{args:?}, {name}: {text}");
    }
    code
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
    let log: Vec<u8> = [b"2026-11-23T17:52:04.121667786Z stdout F ", text, b"\n"].concat();
    put(b"ctr.log", &log);
    let text: Vec<u8> = text.iter().copied().filter(|b| *b != 0).collect();
    let mut name = text.clone();
    put(&name, b"x");
    name.splice(0..0, *b"checkpoint/");
    name.extend(b".img");
    put(&name, b"not an image");
    let mut broken = b"checkpoint/core-".to_vec();
    broken.extend(text);
    put(&broken, &[0xff; 64]);
    builder.into_inner().unwrap()
}

/// Names of the commands that read evidence, and the values that `--output` takes.
fn commands() -> Vec<(Vec<String>, Vec<String>)> {
    fn gather(command: &clap::Command, path: &[String], out: &mut Vec<(Vec<String>, Vec<String>)>) {
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            let path = [path, &[sub.get_name().to_owned()]].concat();
            if sub.has_subcommands() {
                gather(sub, &path, out);
                continue;
            }
            let output = sub.get_arguments().find(|arg| arg.get_long() == Some("output"));
            let values = output.map(clap::Arg::get_possible_values).unwrap_or_default();
            out.push((path, values.iter().map(|value| value.get_name().to_owned()).collect()));
        }
    }
    // What talks to a cluster has tests with a server; the browser has tests of its own.
    const OTHERS: [&str; 7] = ["create", "doctor", "list", "pull", "rm", "tui", "encode"];
    let mut all = Vec::new();
    gather(&kubectl_checkpoint::command(), &[], &mut all);
    all.retain(|(path, _)| !OTHERS.contains(&path[0].as_str()));
    assert!(all.len() > 20, "{all:?}");
    all
}

/// Other operands of a command than the archive.
fn operands(command: &str, directory: &Path) -> Vec<String> {
    let directory = directory.join(command.replace(' ', "-")).to_str().unwrap().to_owned();
    let list: &[&str] = match command {
        "mem read" => &["-p", "1", "0x400000", "64"],
        "mem search" => &["sleep"],
        "mem strings" => &["-n", "60"],
        "mem dump" | "extract" => &["-d", &directory],
        _ => &[],
    };
    list.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn no_output_carries_anything_live() {
    let commands = commands();
    for (number, text) in LIVE.iter().enumerate() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("evidence.tar");
        std::fs::write(&path, hostile_archive(text)).unwrap();
        let path = path.to_str().unwrap();
        for (at, (command, formats)) in commands.iter().enumerate() {
            let name = command.join(" ");
            let operands = operands(&name, directory.path());
            let args: Vec<&str> = command.iter().chain(&operands).map(String::as_str).collect();
            let mut done = 0;
            // All formats with one text; then the texts take turns with the formats.
            let turn = (number + at) % formats.len().max(1);
            let some = formats.iter().enumerate().filter(|(n, _)| number == 0 || *n == turn);
            for (_, format) in some {
                let _ = std::fs::remove_dir_all(directory.path().join(name.replace(' ', "-")));
                check(&[&args[..], &["-o", format, path]].concat());
                done += 1;
            }
            if done == 0 {
                check(&[&args[..], &[path]].concat());
            }
        }
        let member = format!("{path}:{}", String::from_utf8_lossy(text).replace('\0', ""));
        check(&["decode", &member]);
        let decoded = directory.path().join("decoded");
        check(&["decode", "--output-dir", decoded.to_str().unwrap(), path]);
        check_files(directory.path());
    }
}

/// Every file that was written has a harmless name, a plain mode, and says nothing live if it is a list.
fn check_files(directory: &Path) {
    let mut todo = vec![directory.to_path_buf()];
    let mut files = 0;
    while let Some(at) = todo.pop() {
        for entry in std::fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap_or_else(|| panic!("{}", path.display()));
            assert!(
                name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.%".contains(&b)),
                "{}",
                path.display()
            );
            let meta = std::fs::symlink_metadata(&path).unwrap();
            assert!(meta.is_dir() || meta.is_file(), "{}", path.display());
            #[cfg(unix)]
            assert_eq!(
                std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o7000,
                0,
                "{}",
                path.display()
            );
            if meta.is_dir() {
                todo.push(path);
            } else if path.extension().is_some_and(|e| e == "json") {
                let text = std::fs::read_to_string(&path).unwrap();
                assert_eq!(live(&text), None, "{}: {}", path.display(), text.escape_debug());
                files += 1;
            }
        }
    }
    assert!(files > 2, "{files} lists");
}

#[test]
fn usage_errors_and_completions_show_nothing_of_an_argument_alive() {
    for text in LIVE.iter().filter(|text| !text.contains(&0)) {
        let Ok(text) = std::str::from_utf8(text) else { continue };
        for args in [
            &["ps", text][..],
            &["ps", "-o", "json", text],
            &["mem", "search", "--regex", "(", text],
            &["verify", text],
        ] {
            let output = run(args);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(forged(&said), None, "{args:?}: {said}");
        }
        let output = run(&["ps", "-o", "json", text]);
        assert_eq!(live(&String::from_utf8(output.stdout).unwrap()), None);
    }
}
