//! `--local`: the same commands on the node itself, over a directory that
//! plays the kubelet's.

#![cfg(unix)]

mod support;

use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::Value;
use support::{ARCHIVE, Fake, LOCAL, Ran, Scenario, pattern};

fn archive(length: usize) -> Vec<u8> {
    let mut content = pattern(length.max(512));
    content[257..262].copy_from_slice(b"ustar");
    content
}

/// A host with a kubelet's directory `root` in the home, and no way to a cluster.
fn node(content: &[u8]) -> Fake {
    let fake = Fake::start(Scenario { content: content.to_vec(), ..Scenario::default() });
    let root = fake.home().join("root");
    std::fs::create_dir_all(&root).unwrap();
    symlink(fake.node_directory(), root.join("checkpoints")).unwrap();
    std::fs::write(fake.node_file(), content).unwrap();
    fake
}

fn run(fake: &Fake, args: &[&str]) -> Ran {
    fake.run(&[args, &["--local", "--kubelet-root", "root"]].concat())
}

fn ok(ran: &Ran) {
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

fn no_request(fake: &Fake) {
    assert!(fake.seen.lock().unwrap().requests.is_empty(), "no cluster is asked");
}

#[test]
fn listed_copied_verified_and_removed() {
    let content = archive(1_300_000);
    let fake = node(&content);
    let directory = fake.node_directory();
    std::fs::write(directory.join("notes.txt"), "x").unwrap();
    std::fs::write(directory.join("checkpoint-evil\u{1b}[2J.tar"), "x").unwrap();
    std::fs::create_dir(directory.join("checkpoint-dir.tar")).unwrap();
    symlink("/etc/passwd", directory.join("checkpoint-link.tar")).unwrap();

    let ran = run(&fake, &["list", "-o", "json"]);
    ok(&ran);
    let items = &ran.json()["items"];
    assert_eq!(items.as_array().unwrap().len(), 1, "{items}");
    assert_eq!((&items[0]["name"], &items[0]["sizeBytes"]), (&ARCHIVE.into(), &content.len().into()));
    assert_eq!((&items[0]["namespace"], &items[0]["pod"]), (&"shop".into(), &"web".into()));
    assert!(ran.stderr.contains("not fit to be shown"), "{}", ran.stderr);

    let ran = run(&fake, &["rm", ARCHIVE]);
    assert_eq!(ran.code, Some(2), "there is no copy yet");
    assert!(fake.node_file().exists());
    std::fs::write(fake.home().join(format!("{LOCAL}.part")), &content[..1000]).unwrap();
    let ran = run(&fake, &["pull", ARCHIVE, "-o", "json"]);
    ok(&ran);
    assert_eq!(fake.read(LOCAL), content);
    assert_eq!(fake.mode(LOCAL), 0o600);
    assert_eq!(ran.json()["items"][0]["continuedAtByte"], 1000);
    let line = &fake.record(&format!("{LOCAL}.evidence.json"))[0];
    assert_eq!((&line["step"], &line["outcome"]), (&Value::from("pull"), &Value::from("verified")));
    ok(&fake.run(&["verify", LOCAL]));

    // Another file is no copy.
    std::fs::write(fake.home().join("other"), "other").unwrap();
    let ran = run(&fake, &["rm", ARCHIVE, "--copy", "other"]);
    assert!(ran.stderr.contains("not the archive on the node"), "{}", ran.stderr);
    assert!(fake.node_file().exists());
    ok(&run(&fake, &["rm", &fake.node_file().display().to_string()]));
    assert!(!fake.node_file().exists());
    assert_eq!(fake.record(&format!("{LOCAL}.evidence.json"))[1]["step"], "remove");
    ok(&fake.run(&["verify", LOCAL]));
    no_request(&fake);
}

#[test]
fn nothing_but_archives_is_touched() {
    let fake = node(&archive(5000));
    let directory = fake.node_directory();
    std::fs::write(fake.home().join("victim"), "victim").unwrap();
    symlink(fake.home().join("victim"), directory.join("checkpoint-link.tar")).unwrap();
    std::fs::create_dir(directory.join("checkpoint-dir.tar")).unwrap();
    std::fs::write(directory.join("checkpoint-text.tar"), "text").unwrap();
    std::fs::write(directory.join("shadow"), "x").unwrap();
    let status =
        std::process::Command::new("mkfifo").arg(directory.join("checkpoint-pipe.tar")).status().unwrap();
    assert!(status.success());
    for name in [
        "checkpoint-link.tar",
        "checkpoint-dir.tar",
        "checkpoint-text.tar",
        "checkpoint-pipe.tar",
        "shadow",
        "../checkpoint-x.tar",
        "checkpoint-none.tar",
        "checkpoint-\n.tar",
    ] {
        let ran = run(&fake, &["rm", name, "--force"]);
        assert_eq!(ran.code, Some(2), "{name}: {}", ran.stderr);
        if name != "checkpoint-text.tar" {
            assert_eq!(run(&fake, &["pull", name]).code, Some(2), "{name}");
        }
    }
    assert_eq!(std::fs::read_dir(directory).unwrap().count(), 6);
    assert_eq!(std::fs::read(fake.home().join("victim")).unwrap(), b"victim");
    // An empty one is what a full disk leaves.
    std::fs::write(directory.join("checkpoint-empty.tar"), "").unwrap();
    ok(&run(&fake, &["rm", "checkpoint-empty.tar", "--force"]));
    let ran = fake.run(&["list", "--local", "--kubelet-root", "nowhere"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("--kubelet-root DIR"), "{}", ran.stderr);
    no_request(&fake);
}

#[test]
fn the_kubelet_of_this_host_is_asked() {
    let content = archive(300_000);
    let fake = node(&content);
    std::fs::remove_file(fake.node_file()).unwrap();
    let url = fake.url().to_owned();
    let ran = run(&fake, &["web/app", "-n", "shop", "--kubelet-url", &url, "--timeout", "60", "-o", "json"]);
    ok(&ran);
    assert_eq!(fake.posts(), 1);
    assert_eq!(fake.seen.lock().unwrap().requests, ["POST /checkpoint/shop/web/app"]);
    assert_eq!(fake.read(LOCAL), content);
    assert_eq!(ran.json()["items"][0]["file"], LOCAL);
    let line = &fake.record(&format!("{LOCAL}.evidence.json"))[0];
    assert_eq!((&line["step"], &line["answer"]["status"]), (&"capture".into(), &200.into()));
    assert!(line["clocks"].is_object() && line["actor"]["local"]["user"] == "responder");
    ok(&fake.run(&["verify", LOCAL]));

    for args in [&["web", "-n", "shop"][..], &["deployment/web"], &["-l", "app=web"]] {
        let ran = run(&fake, &[args, &["--kubelet-url", &url]].concat());
        assert_eq!((ran.code, fake.posts()), (Some(2), 1), "{args:?} {}", ran.stderr);
    }
    let ran = run(&fake, &["web/app", "-n", "shop", "--kubelet-url", "http://127.0.0.1:1"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("--kubelet-url"), "{}", ran.stderr);
}

#[test]
fn a_full_disk_keeps_the_part_and_says_how_to_go_on() {
    // Needs the right to mount.
    let fake = node(&archive(3_000_000));
    let small = fake.home().join("small");
    std::fs::create_dir(&small).unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=1m", "none"])
        .arg(&small)
        .stderr(std::process::Stdio::null())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        println!("SKIPPED: a small file system cannot be mounted here");
        return;
    }
    let unmount = Unmount(&small);
    // What is known not to fit is not begun.
    let ran = run(&fake, &["pull", ARCHIVE, "small/x.tar"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("there is no room"), "{}", ran.stderr);
    assert!(!small.join("x.tar").exists());

    // Without a size the disk fills on the way: what is there is gone on with.
    let tools = vec!["cat", "tail", "sha256sum"];
    let content = archive(3_000_000);
    let fake = Fake::start(Scenario { content: content.clone(), tools, ..Scenario::default() });
    let dest = small.join("y.tar").display().to_string();
    let ran = fake.run(&["web/app", &dest, "--no-context"]);
    assert_eq!(ran.code, Some(2));
    for word in ["disk here is full", "go on:  kubectl checkpoint pull node-1/", &dest] {
        assert!(ran.stderr.contains(word), "{}", ran.stderr);
    }
    let part = small.join("y.tar.part");
    assert!(part.exists() && !small.join("y.tar").exists());
    let there = std::fs::metadata(&part).unwrap().len();
    assert!(there > 0);
    let status = std::process::Command::new("mount").args(["-o", "remount,size=8m"]).arg(&small).status();
    assert!(status.unwrap().success());
    let ran = fake.run(&["pull", &format!("node-1/{ARCHIVE}"), &dest, "-o", "json"]);
    ok(&ran);
    assert_eq!(ran.json()["items"][0]["continuedAtByte"], there);
    assert_eq!(std::fs::read(&dest).unwrap(), content);
    drop(unmount);
}

struct Unmount<'a>(&'a Path);

impl Drop for Unmount<'_> {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(self.0).status();
    }
}
