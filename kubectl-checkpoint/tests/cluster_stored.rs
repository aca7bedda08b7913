//! `list`, `pull` and `rm` against the fake API server: what is seen, what
//! comes home, and what is never removed.

#![cfg(unix)]

mod support;

use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{ARCHIVE, Fake, Fault, LOCAL, Ran, Scenario, pattern};

const REFERENCE: &str = "node-1/checkpoint-web_shop-app-2026-11-23T17:23:57Z.tar";

/// Content that begins as a tar archive does.
fn archive(length: usize) -> Vec<u8> {
    let mut content = pattern(length.max(512));
    content[257..262].copy_from_slice(b"ustar");
    content
}

fn scenario() -> Scenario {
    let tools = vec!["cat", "wc", "tail", "head", "stat", "rm", "sha256sum", "date"];
    Scenario { content: archive(300_000), tools, ..Scenario::default() }
}

/// A server whose node has the archive already.
fn stored(scenario: &Scenario) -> Fake {
    let fake = Fake::start(scenario.clone());
    std::fs::write(fake.node_file(), &scenario.content).unwrap();
    fake
}

fn check(fake: &Fake, ran: &Ran, code: i32) {
    assert_eq!(ran.code, Some(code), "{}", ran.stderr);
    assert!(fake.pods_left().is_empty(), "{}", ran.stderr);
    assert_eq!(fake.posts(), 0, "nothing here freezes anything");
}

#[test]
fn archives_are_listed_and_nothing_else() {
    let scenario = scenario();
    let fake = stored(&scenario);
    let node = fake.node_directory().to_owned();
    std::fs::write(node.join("checkpoint-a_kube-system-b-2026-11-23T17:23:57Z.tar"), "x").unwrap();
    std::fs::write(node.join("checkpoint-evil\n1 2 shadow\u{1b}[2J.tar"), "x").unwrap();
    std::fs::write(node.join("notes.txt"), "x").unwrap();
    std::fs::create_dir(node.join("checkpoint-dir.tar")).unwrap();
    symlink("/etc/passwd", node.join("checkpoint-link.tar")).unwrap();
    let ran = fake.run(&["list", "-o", "json"]);
    check(&fake, &ran, 0);
    let list = ran.json();
    assert_eq!(list["kind"], "NodeArchiveList");
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 2, "{items:?}");
    let of = |pod: &str| items.iter().find(|item| item["pod"] == pod).unwrap();
    assert_eq!(of("web")["name"], REFERENCE);
    assert_eq!(of("web")["namespace"], "shop");
    assert_eq!(of("web")["container"], "app");
    assert_eq!(of("web")["sizeBytes"], 300_000);
    assert_eq!(of("web")["nodePath"], format!("/var/lib/kubelet/checkpoints/{ARCHIVE}"));
    assert!(of("web")["modified"].is_string());
    assert_eq!(of("a")["namespace"], Value::Null, "kube or kube-system: not known");
    assert!(ran.stderr.contains("not fit to be shown"), "{}", ran.stderr);
    // For a script.
    let ran = fake.run(&["list", "--pod", "web", "-o", "name", "--quiet"]);
    assert_eq!(String::from_utf8(ran.stdout.clone()).unwrap(), format!("{REFERENCE}\n"));
    check(&fake, &ran, 0);
    // What looks is not able to write.
    let seen = fake.seen.lock().unwrap();
    assert!(seen.made.iter().all(|pod| pod["spec"]["containers"][0]["volumeMounts"][0]["readOnly"] == true));
}

#[test]
fn poor_images_list_as_well() {
    let scenario = Scenario { tools: vec!["cat"], ..scenario() };
    let fake = stored(&scenario);
    let ran = fake.run(&["list", "-o", "json"]);
    check(&fake, &ran, 0);
    assert_eq!(ran.json()["items"][0]["name"], REFERENCE);
    assert_eq!(ran.json()["items"][0]["sizeBytes"], Value::Null);
}

#[test]
fn nodes_that_are_not_ready_are_named() {
    let nodes = vec![("node-1", true), ("node-2", false), ("node-3", true)];
    let fake = stored(&Scenario { nodes, ..scenario() });
    let ran = fake.run(&["list", "-o", "json"]);
    check(&fake, &ran, 0);
    assert!(ran.stderr.contains("node-2 is not ready"), "{}", ran.stderr);
    let nodes: Vec<String> =
        fake.seen.lock().unwrap().made.iter().map(|pod| pod["spec"]["nodeName"].to_string()).collect();
    assert_eq!(nodes.len(), 2, "{nodes:?}");
    let ran = fake.run(&["list", "--node", "node-3", "-o", "json"]);
    check(&fake, &ran, 0);
    assert_eq!(fake.seen.lock().unwrap().made.len(), 3);
}

#[test]
fn an_archive_is_pulled_and_recorded() {
    let scenario = scenario();
    let fake = stored(&scenario);
    let ran = fake.run(&["pull", REFERENCE, "-o", "json"]);
    check(&fake, &ran, 0);
    assert_eq!(fake.read(LOCAL), scenario.content);
    assert_eq!(fake.mode(LOCAL), 0o600);
    assert_eq!(ran.json()["items"][0]["file"], LOCAL);
    let record = fake.record(&format!("{LOCAL}.evidence.json"));
    assert_eq!((&record[0]["step"], &record[0]["outcome"]), (&Value::from("pull"), &Value::from("verified")));
}

#[test]
fn a_part_is_continued_not_begun_again() {
    let scenario = scenario();
    for have in [1, 123_457, 299_999, 300_000] {
        let fake = stored(&scenario);
        std::fs::write(fake.home().join(format!("{LOCAL}.part")), &scenario.content[..have]).unwrap();
        let ran = fake.run(&["pull", REFERENCE, "-o", "json"]);
        check(&fake, &ran, 0);
        assert_eq!(fake.read(LOCAL), scenario.content);
        assert_eq!(ran.json()["items"][0]["continuedAtByte"], have);
        assert!(!fake.files().contains(&format!("{LOCAL}.part")));
    }
}

#[test]
fn a_part_of_something_else_never_gets_the_name() {
    let scenario = scenario();
    for part in [pattern(1000), pattern(300_001)] {
        let fake = stored(&scenario);
        std::fs::write(fake.home().join(format!("{LOCAL}.part")), &part).unwrap();
        let ran = fake.run(&["pull", REFERENCE]);
        check(&fake, &ran, 2);
        assert!(fake.files().is_empty(), "{:?}", fake.files());
        let ran = fake.run(&["pull", REFERENCE]);
        check(&fake, &ran, 0);
    }
}

#[test]
fn a_capture_that_stands_still_is_finished_by_pull() {
    let streams = vec![Fault::Tear(100_000), Fault::Tear(0), Fault::Tear(0)];
    let scenario = Scenario { streams, ..scenario() };
    let fake = Fake::start(scenario.clone());
    let ran = fake.run(&["web/app"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    let hint = format!("kubectl checkpoint pull {REFERENCE} {LOCAL}");
    assert!(ran.stderr.contains(&hint), "{}", ran.stderr);
    let part = fake.read(&format!("{LOCAL}.part"));
    assert_eq!(part, scenario.content[..part.len()]);
    assert!(!part.is_empty());
    // The faults are the server's; another one has the same node.
    let healed = stored(&Scenario { streams: vec![Fault::None], ..scenario.clone() });
    let name = format!("{LOCAL}.part");
    std::fs::copy(fake.home().join(&name), healed.home().join(&name)).unwrap();
    let ran = healed.run(&["pull", REFERENCE, LOCAL, "-o", "json"]);
    check(&healed, &ran, 0);
    assert_eq!(healed.read(LOCAL), scenario.content);
    assert_eq!(ran.json()["items"][0]["continuedAtByte"], part.len());
}

/// Starts the program where its home is a file system of so many KiB.
fn in_a_small_home(fake: &Fake, kib: usize, args: &[&str]) -> Option<Ran> {
    let flags = ["-m", "-rm"].into_iter().find(|flags| {
        let mount = "mount -t tmpfs none /mnt";
        Command::new("unshare")
            .args([flags, "sh", "-c", mount])
            .output()
            .is_ok_and(|out| out.status.success())
    })?;
    // What is in it is copied out again: the namespace ends with the program.
    let script = format!(
        "home=$PWD; keep=$(dirname $home)/kept; mkdir -p $keep; mount -t tmpfs -o size={kib}k none $home && cd $home
        \"$@\"; code=$?; cp -a $home/. $keep/; exit $code"
    );
    let program = fake.command(args);
    let mut command = Command::new("unshare");
    command.args([flags, "sh", "-c", &script, "sh"]).arg(program.get_program()).args(args);
    command.current_dir(fake.home()).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.env("KUBECONFIG", fake.kubeconfig()).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    Some(Ran::wait(command.spawn().unwrap(), Duration::from_secs(60)))
}

#[test]
fn a_disk_that_is_too_small_here_is_said_and_what_arrived_stays() {
    // Where the size is known nothing is begun.
    let scenario = scenario();
    let fake = stored(&scenario);
    let Some(ran) = in_a_small_home(&fake, 200, &["pull", REFERENCE]) else {
        println!("SKIPPED: no mount namespace can be made here");
        return;
    };
    check(&fake, &ran, 2);
    assert!(ran.stderr.contains("there is no room for"), "{}", ran.stderr);
    assert_eq!(fake.seen.lock().unwrap().streams, 0);
    // Where it is not known the disk runs full in the middle.
    let scenario = Scenario { tools: vec!["cat", "sha256sum"], content: archive(2_000_000), ..scenario };
    let fake = stored(&scenario);
    let ran = in_a_small_home(&fake, 800, &["pull", REFERENCE]).unwrap();
    check(&fake, &ran, 2);
    for part in ["the disk here is full", "is kept", &format!("kubectl checkpoint pull {REFERENCE}")] {
        assert!(ran.stderr.contains(part), "{}", ran.stderr);
    }
    let kept = std::fs::read(fake.work.path().join("kept").join(format!("{LOCAL}.part"))).unwrap();
    assert!(kept.len() > 100_000 && scenario.content.starts_with(&kept), "{} bytes", kept.len());
    // With room it goes on.
    std::fs::write(fake.home().join(format!("{LOCAL}.part")), &kept).unwrap();
    let ran = fake.run(&["pull", REFERENCE, "-o", "json"]);
    check(&fake, &ran, 0);
    assert_eq!(fake.read(LOCAL), scenario.content);
    assert_eq!(ran.json()["items"][0]["continuedAtByte"], kept.len());
}

#[test]
fn bytes_may_travel_compressed() {
    let mut tools = scenario().tools;
    tools.push("gzip");
    // Half of it compresses, and the stream breaks in the middle of it.
    let mut content = vec![7; 1_000_000];
    content.extend(archive(1_000_000));
    let streams = vec![Fault::Tear(400_000), Fault::ShortSuccess(200_000), Fault::None];
    let scenario = Scenario { content, streams, tools, ..scenario() };
    let fake = stored(&scenario);
    let ran = fake.run(&["pull", REFERENCE, "--compress"]);
    check(&fake, &ran, 0);
    assert!(fake.read(LOCAL) == scenario.content);
    let sent = fake.seen.lock().unwrap().sent;
    assert!(sent < 1_800_000, "{sent} bytes went over the line");
    // An image without gzip sends them as they are.
    let fake = stored(&Scenario { tools: self::scenario().tools, streams: vec![Fault::None], ..scenario });
    let ran = fake.run(&["pull", REFERENCE, "--compress"]);
    check(&fake, &ran, 0);
    assert!(fake.seen.lock().unwrap().sent >= 2_000_000);
}

#[test]
fn a_rate_is_kept() {
    let fake = stored(&scenario());
    let started = Instant::now();
    let ran = fake.run(&["pull", REFERENCE, "--limit-rate", "150k"]);
    check(&fake, &ran, 0);
    // 300 kB at 150 kB a second; a little less, as the last bytes are not waited for.
    assert!(started.elapsed() > Duration::from_millis(1700), "{:?}", started.elapsed());
}

#[test]
fn an_archive_is_removed_only_with_a_copy_that_is_equal() {
    let scenario = scenario();
    let fake = stored(&scenario);
    // Without a copy nothing is asked.
    let ran = fake.run(&["rm", REFERENCE]);
    check(&fake, &ran, 2);
    assert!(ran.stderr.contains("--copy"), "{}", ran.stderr);
    assert!(fake.seen.lock().unwrap().made.is_empty());
    // With another content neither.
    std::fs::write(fake.home().join(LOCAL), pattern(300_000)).unwrap();
    let ran = fake.run(&["rm", REFERENCE]);
    check(&fake, &ran, 2);
    assert!(ran.stderr.contains("not the archive on the node"), "{}", ran.stderr);
    assert!(fake.node_file().exists());
    std::fs::remove_file(fake.home().join(LOCAL)).unwrap();

    let ran = fake.run(&["pull", REFERENCE]);
    check(&fake, &ran, 0);
    let ran = fake.run(&["rm", REFERENCE, "-o", "json"]);
    check(&fake, &ran, 0);
    assert!(!fake.node_file().exists());
    assert_eq!(ran.json()["items"][0]["copy"], LOCAL);
    assert_eq!(fake.read(LOCAL), scenario.content, "the copy stays");
    let record = fake.record(&format!("{LOCAL}.evidence.json"));
    assert_eq!(record[1]["step"], "remove");
    let ran = fake.run(&["verify", LOCAL, "-o", "json"]);
    assert_eq!((ran.code, &ran.json()["items"][0]["lines"]), (Some(0), &Value::from(2)), "{}", ran.stderr);
    let name = format!("{LOCAL}.evidence.json");
    let changed = String::from_utf8(fake.read(&name)).unwrap().replace("responder", "somebody");
    std::fs::write(fake.home().join(&name), changed).unwrap();
    let ran = fake.run(&["verify", LOCAL]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(String::from_utf8(ran.stdout).unwrap().contains("line 2 of the record"));
    // A second time there is nothing.
    let ran = fake.run(&["rm", REFERENCE]);
    check(&fake, &ran, 2);
    assert!(ran.stderr.contains("no such file"), "{}", ran.stderr);
}

#[test]
fn force_removes_without_a_copy_but_archives_only() {
    let scenario = scenario();
    let fake = stored(&scenario);
    let node = fake.node_directory().to_owned();
    std::fs::write(node.join("checkpoint-text.tar"), pattern(1000)).unwrap();
    std::fs::write(node.join("victim"), archive(1000)).unwrap();
    symlink(node.join("victim"), node.join("checkpoint-link.tar")).unwrap();
    std::fs::write(node.join("checkpoint-empty.tar"), "").unwrap();
    for name in ["victim", "../victim", "checkpoint-x.tar/../victim"] {
        let ran = fake.run(&["rm", &format!("node-1/{name}"), "--force"]);
        check(&fake, &ran, 2);
        assert!(fake.seen.lock().unwrap().made.is_empty(), "{name}");
    }
    let ran = fake.run(&["rm", "node-1/checkpoint-text.tar", "--force"]);
    check(&fake, &ran, 2);
    assert!(ran.stderr.contains("not a tar archive"), "{}", ran.stderr);
    let ran = fake.run(&["rm", "node-1/checkpoint-link.tar", "--force"]);
    check(&fake, &ran, 2);
    assert!(node.join("checkpoint-link.tar").exists() && node.join("victim").exists());
    let ran = fake.run(&["rm", REFERENCE, "node-1/checkpoint-empty.tar", "--force", "-o", "name"]);
    check(&fake, &ran, 0);
    assert_eq!(String::from_utf8(ran.stdout).unwrap(), format!("{REFERENCE}\nnode-1/checkpoint-empty.tar\n"));
    assert!(!fake.node_file().exists());
}
