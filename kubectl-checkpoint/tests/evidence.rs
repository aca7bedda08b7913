//! The analysis commands, run as a user runs them, on the sample evidence.
//!
//! What is expected comes from /proc, as it was read just before the dumps.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const SIMPLE: &str = "../examples/evidence/simple.tar";
const INCIDENT: &str = "../examples/evidence/incident.tar.gz";
const COUNTER: &str = "../examples/evidence/counter.tar";

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kubectl-checkpoint"))
        .args(args)
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(args: &[&str]) -> String {
    let output = run(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json(args: &[&str]) -> Value {
    serde_json::from_str(&text(args)).unwrap()
}

fn items(args: &[&str]) -> Vec<Value> {
    json(args)["items"].as_array().unwrap().clone()
}

fn process(archive: &str, pid: u64) -> Value {
    let list = items(&["ps", "-o", "json", archive]);
    list.into_iter().find(|p| p["pid"] == pid).unwrap()
}

#[test]
fn show_tells_pod_container_and_engine() {
    let answer = json(&["show", "-o", "json", COUNTER]);
    assert_eq!(answer["apiVersion"], "libforensic/v1alpha1");
    assert_eq!(answer["kind"], "CheckpointList");
    assert_eq!(answer["archive"], COUNTER);
    assert_eq!(answer["warnings"], Value::Array(vec![]));
    let item = &answer["items"][0];
    assert_eq!(item["engine"], "containerd");
    assert_eq!(item["runtime"], "io.containerd.runc.v2");
    assert_eq!(item["pod"]["name"], "counter");
    assert_eq!(item["pod"]["namespace"], "default");
    assert_eq!(item["pod"]["uid"], "e0730b26-0950-47b5-a000-2809214b332a");
    assert_eq!(item["container"]["name"], "counter");
    assert_eq!(item["checkpointed"], "2026-11-23T17:52:04.121667786Z");
    assert_eq!(item["architecture"], "x86_64");
    assert_eq!(item["pageSizeBytes"], 4096);
    assert_eq!(item["sizes"]["archiveBytes"], 366_080);

    let item = &items(&["show", "-o", "json", SIMPLE])[0];
    assert_eq!(item["engine"], "podman");
    assert_eq!(item["checkpointed"], Value::Null, "podman records no time");
    assert_eq!(item["processCount"], 3);
    assert_eq!(item["stats"]["pagesWritten"], 52);
}

#[test]
fn ps_sees_through_the_disguises_of_the_incident() {
    let fileless = process(INCIDENT, 21);
    assert_eq!(fileless["exe"], "/memfd:planted-fileless");
    assert_eq!(fileless["cmdline"][0], "[kthreadd]");
    let deleted = process(INCIDENT, 22);
    assert_eq!(deleted["exe"], "/tmp/.x11-cache");
    assert_eq!(deleted["exeDeleted"], true);
    assert_eq!(deleted["cmdline"][0], "/usr/sbin/sshd");
    let preload = process(INCIDENT, 25);
    let environ = preload["environ"].as_array().unwrap();
    assert!(environ.iter().any(|e| e == "LD_PRELOAD=/dev/shm/libplanted.so"));
    let first = process(INCIDENT, 1);
    assert_eq!(first["state"], "alive");
    assert_eq!(first["exitCode"], Value::Null);
    assert_eq!(first["umask"], "0022");
    assert_eq!(first["noNewPrivs"], false);
    assert_eq!(first["seccomp"], "filter");
    assert_eq!(first["threads"][0]["registers"]["rip"].as_str().unwrap().len(), 18);
}

#[test]
fn the_tree_is_drawn_and_rows_are_aligned() {
    let tree = text(&["ps", "--tree", INCIDENT]);
    let lines: Vec<&str> = tree.lines().collect();
    assert_eq!(lines.len(), 10);
    let column = lines[0].find("COMMAND").unwrap();
    assert!(lines[1][column..].starts_with("sh /facts/run.sh"));
    assert!(lines[2][column..].starts_with("├─ /opt/incident listener"));
    assert!(lines[9][column..].starts_with("└─ "));
}

#[test]
fn sockets_have_both_ends_and_all_holders() {
    let list = items(&["sockets", "-o", "json", INCIDENT]);
    assert_eq!(list.len(), 3);
    let shell = list.iter().find(|s| s["local"]["port"] == 54992).unwrap();
    assert_eq!(shell["state"], "ESTABLISHED");
    assert_eq!(shell["remote"]["address"], "127.0.0.1");
    assert_eq!(shell["remote"]["port"], 4444);
    let holders: Vec<_> =
        shell["holders"].as_array().unwrap().iter().map(|h| (&h["pid"], &h["fd"])).collect();
    assert_eq!(holders, [(&20.into(), &0.into()), (&20.into(), &1.into()), (&20.into(), &2.into())]);
    let listener = list.iter().find(|s| s["state"] == "LISTEN").unwrap();
    assert_eq!(listener["remote"], Value::Null);
    let other_end = list.iter().find(|s| s["remote"]["port"] == 54992).unwrap();
    assert_eq!(other_end["recvQueueBytes"], 158);
}

#[test]
fn files_and_maps_can_be_restricted_to_a_process() {
    let files = items(&["files", "-p", "1", "-o", "json", INCIDENT]);
    assert!(files.iter().all(|f| f["pid"] == 1));
    let script = files.iter().find(|f| f["fd"] == 10).unwrap();
    assert_eq!(script["path"], "/facts/run.sh");
    assert_eq!(script["deleted"], true);
    assert_eq!(script["posBytes"], 1044);
    let maps = items(&["maps", "-p", "22", "-o", "json", INCIDENT]);
    let code = maps.iter().find(|m| m["path"] == "/tmp/.x11-cache" && m["perms"] == "r-xp").unwrap();
    assert_eq!(code["kind"], "file");
    assert_eq!(code["deleted"], true);
    for m in &maps {
        let pages: u64 = m["pages"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
        assert_eq!(pages * 4096, m["sizeBytes"].as_u64().unwrap());
    }
    let output = run(&["maps", "-p", "999", INCIDENT]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("no process 999") && said.contains("1, 18, 20"), "{said}");
    assert!(output.stdout.is_empty(), "no heading over nothing");
}

#[test]
fn several_archives_name_themselves_in_every_item() {
    let answer = json(&["ps", "-o", "json", SIMPLE, COUNTER]);
    assert_eq!(answer.get("archive"), None);
    let archives: Vec<_> =
        answer["items"].as_array().unwrap().iter().map(|i| i["archive"].as_str().unwrap()).collect();
    assert_eq!(archives, [SIMPLE, SIMPLE, SIMPLE, COUNTER, COUNTER]);
    // One that cannot be read does not hide the others.
    let output = run(&["ps", "-o", "ndjson", "no-such-file", SIMPLE]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 3);
}

#[test]
fn names_are_printed_where_items_have_them() {
    let expected: Vec<_> =
        items(&["ps", "-o", "json", SIMPLE]).iter().map(|p| p["pid"].to_string()).collect();
    let names = text(&["ps", "-o", "name", SIMPLE]);
    assert_eq!(names.lines().collect::<Vec<_>>(), expected);
    assert!(text(&["images", "-o", "name", SIMPLE]).lines().any(|l| l == "checkpoint/pstree.img"));
    assert_eq!(text(&["show", "-o", "name", COUNTER]), "counter\n");
    let output = run(&["files", "-o", "name", SIMPLE, COUNTER]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.matches("have no names").count(), 1, "{said}");
}

#[test]
fn yaml_and_ndjson_say_the_same_as_json() {
    let list = items(&["files", "-o", "json", SIMPLE]);
    let lines = text(&["files", "-o", "ndjson", SIMPLE]);
    let from_lines: Vec<Value> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(list, from_lines);
    let yaml = text(&["files", "-o", "yaml", SIMPLE]);
    let parsed: Value = serde_saphyr::from_str(&yaml).unwrap();
    assert_eq!(parsed, json(&["files", "-o", "json", SIMPLE]));
}

#[test]
fn standard_input_and_directories_are_archives_too() {
    let tar = std::fs::read(SIMPLE).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-checkpoint"))
        .args(["ps", "-o", "json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&tar).unwrap();
    let output = child.wait_with_output().unwrap();
    let from_stdin: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(from_stdin["items"], json(&["ps", "-o", "json", SIMPLE])["items"]);

    let directory = tempfile::tempdir().unwrap();
    let mut archive = tar::Archive::new(&tar[..]);
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().into_owned();
        let target = directory.path().join(&path);
        if entry.header().entry_type().is_file() {
            std::fs::create_dir_all(target.parent().unwrap()).unwrap();
            let mut file = std::fs::File::create(target).unwrap();
            std::io::copy(&mut entry, &mut file).unwrap();
        }
    }
    for path in [directory.path().to_path_buf(), directory.path().join("checkpoint")] {
        let list = items(&["ps", "-o", "json", path.to_str().unwrap()]);
        assert_eq!(Value::Array(list), from_stdin["items"], "{}", path.display());
    }
}

#[test]
fn what_cannot_be_read_is_said_and_the_rest_is_shown() {
    let whole = std::fs::read(SIMPLE).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cut.tar");
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let output = run(&["ps", "-o", "json", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(3));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(!answer["warnings"].as_array().unwrap().is_empty());
    assert!(String::from_utf8_lossy(&output.stderr).contains("cut off"));

    for (bytes, word) in [(&b""[..], "empty"), (b"not an archive", "too short"), (b"BZh9", "bzip2 -dc")] {
        std::fs::write(&path, bytes).unwrap();
        let output = run(&["show", path.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
        assert!(String::from_utf8_lossy(&output.stderr).contains(word));
    }
}

#[test]
fn names_from_evidence_reach_no_terminal_unescaped() {
    let mut bytes = std::fs::read(SIMPLE).unwrap();
    // The name of process 7, `cat`, in its core image.
    let core =
        bytes.windows(b"checkpoint/core-7.img".len()).position(|w| w == b"checkpoint/core-7.img").unwrap();
    let comm = core + bytes[core..].windows(5).position(|w| w == b"\x32\x03cat").unwrap();
    bytes[comm + 2..comm + 5].copy_from_slice(b"\x1b[m");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("evil.tar");
    std::fs::write(&path, bytes).unwrap();
    let wide = text(&["ps", "-o", "wide", path.to_str().unwrap()]);
    assert!(wide.contains("\\x1b[m"), "{wide}");
    assert!(!wide.contains('\x1b'));
    let list = items(&["ps", "-o", "json", path.to_str().unwrap()]);
    assert_eq!(list[1]["comm"], "\x1b[m", "JSON strings are exact");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-checkpoint"))
        .args(["maps", "-o", "json", INCIDENT])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_mistyped_command_is_no_target() {
    for args in [&["pss", SIMPLE][..], &[SIMPLE], &["pss", "-o", "json", SIMPLE]] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("unrecognized subcommand") || said.contains("unexpected argument"), "{said}");
        assert!(!said.contains("--force"), "{said}");
    }
}

#[test]
fn usage_errors_are_2_and_help_is_an_answer() {
    assert_eq!(run(&["show"]).status.code(), Some(2));
    assert_eq!(run(&["show", "--no-such-flag", SIMPLE]).status.code(), Some(2));
    assert!(text(&["--help"]).contains("kubectl checkpoint"));
    assert!(text(&["ps", "--help"]).contains("ARCHIVE"));
    assert!(text(&["--version"]).starts_with("kubectl-checkpoint "));
}

#[test]
fn strings_of_memory_have_addresses_and_mappings() {
    let list = json(&["mem", "strings", "-p", "1", "-n", "12", SIMPLE, "-o", "json"]);
    assert_eq!(list["kind"], "StringList");
    let items = list["items"].as_array().unwrap();
    let secret = items.iter().find(|i| i["address"] == "0x00007ffdda91cf34").unwrap();
    assert_eq!(secret["text"], "DB_PASSWORD=s3cr3t-Pa55w0rd!");
    assert_eq!(secret["encoding"], "ascii");
    assert_eq!(secret["lengthBytes"], 28);
    assert_eq!(secret["mapping"]["kind"], "stack");
}

#[test]
fn memory_adds_up() {
    let list = items(&["memory", "-o", "json", INCIDENT]);
    let (total, processes) = list.split_last().unwrap();
    assert!(total["pid"].is_null() && !processes.is_empty());
    for of in &list {
        let sum: u64 = ["dumpedBytes", "parentBytes", "zeroBytes", "fileBytes", "absentBytes"]
            .iter()
            .map(|n| of[n].as_u64().unwrap())
            .sum();
        assert_eq!(of["mappedBytes"].as_u64().unwrap(), sum);
        assert!(of["duplicateBytes"].as_u64().unwrap() <= of["dumpedBytes"].as_u64().unwrap());
    }
    let mapped: u64 = processes.iter().map(|p| p["mappedBytes"].as_u64().unwrap()).sum();
    assert_eq!(total["mappedBytes"], mapped);
}

#[test]
fn a_pod_is_shown_as_its_containers() {
    let pod = tempfile::tempdir().unwrap();
    let options = r#"{"version":1,"containers":{"web":"web","counter":"counter"}}"#;
    std::fs::write(pod.path().join("pod.options"), options).unwrap();
    for (name, archive) in [("web", SIMPLE), ("counter", COUNTER)] {
        let file = std::fs::File::open(archive).unwrap();
        tar::Archive::new(file).unpack(pod.path().join(name)).unwrap();
    }
    let path = pod.path().to_str().unwrap();
    let answer = json(&["ps", "-o", "json", path]);
    assert!(answer.get("archive").is_none());
    let list = answer["items"].as_array().unwrap();
    let count = |name: &str| list.iter().filter(|i| i["archive"] == format!("{path}/{name}")).count();
    let alone = |archive| items(&["ps", "-o", "json", archive]).len();
    assert_eq!((count("web"), count("counter")), (alone(SIMPLE), alone(COUNTER)));
    assert_eq!(list.len(), alone(SIMPLE) + alone(COUNTER));
}

#[test]
fn logs_have_times_and_streams() {
    let lines = items(&["logs", "-o", "json", COUNTER]);
    assert_eq!((lines[0]["text"].as_str(), lines[0]["stream"].as_str()), (Some("tick 0"), Some("stdout")));
    assert_eq!(lines[0]["time"], "2026-11-23T17:25:58.861123418Z");
    assert!(text(&["logs", SIMPLE]).contains("stdout   started"));
}

#[test]
fn namespaces_say_which_are_the_hosts() {
    let list = items(&["namespaces", "-o", "json", SIMPLE]);
    let of = |kind| list.iter().find(|n| n["type"] == kind).unwrap();
    assert_eq!((&of("user")["host"], &of("net")["host"]), (&true.into(), &false.into()));
    assert_eq!(of("user")["hostSource"]["field"], "root_ids.user_ns_id");
    let groups = items(&["cgroups", "-o", "json", SIMPLE]);
    assert!(groups.iter().any(|g| g["processes"].as_array().is_some_and(|p| p.len() == 3)));
}

/// Unpacks a tar with the contents of one file changed.
fn changed(archive: &str, name: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    tar::Archive::new(std::fs::File::open(archive).unwrap()).unpack(directory.path()).unwrap();
    let path = directory.path().join(name);
    let bytes = change(std::fs::read(&path).unwrap());
    std::fs::write(path, bytes).unwrap();
    directory
}

#[test]
fn pages_left_to_a_lazy_pages_daemon_are_said() {
    let directory = changed(SIMPLE, "checkpoint/pagemap-1.img", |_| {
        let mut map = json(&["decode", &format!("{SIMPLE}:checkpoint/pagemap-1.img")]);
        for entry in map["entries"].as_array_mut().unwrap() {
            if entry.get("flags").is_some() {
                entry["flags"] = 2.into();
            }
        }
        let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-checkpoint"))
            .arg("encode")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(map.to_string().as_bytes()).unwrap();
        child.wait_with_output().unwrap().stdout
    });
    // What is left to the daemon is not in the pages image.
    std::fs::write(directory.path().join("checkpoint/pages-1.img"), "").unwrap();
    let path = directory.path().to_str().unwrap();
    let out = tempfile::tempdir().unwrap();
    let secret = ["mem", "read", "-p", "1", "0x7ffdda91cf34", "16", path];
    for args in [
        &["memory", path][..],
        &["mem", "search", "DB_PASSWORD=s3cr3t", path],
        &["mem", "search", "-c", "DB_PASSWORD=s3cr3t", path],
        &["mem", "strings", path],
        &["mem", "dump", "--force", "--dir", out.path().to_str().unwrap(), path],
        &secret,
    ] {
        let output = run(args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{args:?}: {said}");
        assert!(said.contains("lazy-pages daemon"), "{args:?}: {said}");
    }
    let shown = String::from_utf8(run(&secret).stdout).unwrap();
    assert!(shown.contains("??") && !shown.contains("00 00"), "{shown}");
    let search = run(&["mem", "search", "DB_PASSWORD=s3cr3t", "-o", "json", path]);
    let answer: Value = serde_json::from_slice(&search.stdout).unwrap();
    assert!(answer["items"].as_array().unwrap().iter().all(|m| m["pid"] != 1), "{answer}");
    let answers = items(&["capabilities", "-o", "json", path]);
    let data = answers.iter().find(|a| a["id"] == "memory.data").unwrap();
    assert_eq!(data["answer"], "partly");
    assert!(data["why"].as_str().unwrap().contains("left to a lazy-pages daemon"));
}

#[test]
fn mounts_that_were_asked_for_and_are_not_there_are_named() {
    let directory = changed(SIMPLE, "spec.dump", |bytes| {
        let mut spec: Value = serde_json::from_slice(&bytes).unwrap();
        let more = serde_json::json!({"destination": "/var/lost\u{1b}", "type": "bind", "source": "/x"});
        spec["mounts"].as_array_mut().unwrap().push(more);
        serde_json::to_vec(&spec).unwrap()
    });
    let table = text(&["mounts", directory.path().to_str().unwrap()]);
    let last = table.lines().last().unwrap();
    assert!(last.starts_with("requested and not mounted: /var/lost\\x1b (spec.dump mounts["), "{last}");
    assert!(!text(&["mounts", SIMPLE]).contains("requested and not"));
}

#[test]
fn yaml_holds_no_live_characters() {
    let mut bytes = std::fs::read(SIMPLE).unwrap();
    let core =
        bytes.windows(b"checkpoint/core-7.img".len()).position(|w| w == b"checkpoint/core-7.img").unwrap();
    let comm = core + bytes[core..].windows(5).position(|w| w == b"\x32\x03cat").unwrap();
    bytes[comm + 2..comm + 5].copy_from_slice("\u{202e}".as_bytes());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("evil.tar");
    std::fs::write(&path, bytes).unwrap();
    let path = path.to_str().unwrap();
    let yaml = text(&["ps", "-o", "yaml", path]);
    assert!(!yaml.contains('\u{202e}') && yaml.contains("comm: \"\\u202E\""), "{yaml}");
    assert_eq!(serde_saphyr::from_str::<Value>(&yaml).unwrap(), json(&["ps", "-o", "json", path]));
}

#[test]
fn an_empty_list_is_explained_where_a_namespace_was_left_out() {
    // The network namespace was not dumped; the IPC namespace was, and held nothing.
    for (command, notes) in [("network", 1), ("ipc", 0)] {
        let output = run(&[command, SIMPLE]);
        assert_eq!(output.status.code(), Some(0), "{command}: nothing is missing");
        assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 1, "{command}: the heading");
        let said = String::from_utf8(output.stderr).unwrap();
        let found = said.lines().filter(|l| l.starts_with("note: ") && l.contains("namespace was dumped"));
        assert_eq!(found.count(), notes, "{command}: {said}");
    }
}
