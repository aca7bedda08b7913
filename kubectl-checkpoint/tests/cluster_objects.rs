//! `PodCheckpoint` objects and triage against the fake API server.

#![cfg(unix)]

mod support;

use std::io::Read as _;

use support::{Fake, Objects, Scenario};

fn scenario(group: &'static str, objects: Objects) -> Scenario {
    let tools = vec!["cat", "wc", "tail", "sha256sum", "date", "tar", "mkdir"];
    // Whoever has objects needs no right to nodes.
    let denied = vec!["create nodes/proxy", "create nodes/checkpoint"];
    Scenario { pod_checkpoints: true, group, objects, tools, denied, ..Scenario::default() }
}

#[test]
fn the_group_is_discovered_and_both_layouts_are_read() {
    for (group, objects) in [
        ("checkpoint.k8s.io", Objects::Conditions),
        ("node.k8s.io", Objects::Phase),
        ("checkpoint.k8s.io", Objects::AnswerLost),
    ] {
        let fake = Fake::start(scenario(group, objects));
        let ran = fake.run(&["web/app", "--pod-checkpoint"]);
        assert_eq!(ran.code, Some(0), "{group}: {}", ran.stderr);
        let seen = fake.seen.lock().unwrap();
        assert_eq!(seen.objects.len(), 1, "one freeze, one object");
        assert_eq!(seen.objects[0]["apiVersion"], format!("{group}/v1alpha1"));
        assert_eq!(seen.objects[0]["spec"]["sourcePodName"], "web");
        assert_eq!(seen.objects[0]["spec"]["sourcePodUID"], "uid-of-web");
        assert!(seen.checkpoints.is_empty(), "the kubelet's endpoint is not asked");
        let volumes = seen.made[0]["spec"]["volumes"].to_string();
        assert!(
            volumes.contains("/var/lib/kubelet/pod-checkpoints") && volumes.contains("emptyDir"),
            "{volumes}"
        );
        drop(seen);
        assert!(fake.pods_left().is_empty());
        // The directory came home as one tar, compared with the digest that the node took of it.
        let mut members = Vec::new();
        let mut tar = tar::Archive::new(std::io::Cursor::new(fake.read("checkpoint-web_shop-1.tar")));
        for entry in tar.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            members.push((entry.path().unwrap().display().to_string(), bytes.len()));
        }
        members.sort();
        assert!(
            members.iter().any(|(name, len)| name.ends_with("app.tar") && *len == 300_000),
            "{members:?}"
        );
        let record = fake.record("checkpoint-web_shop-1.tar.evidence.json");
        assert_eq!(record[0]["outcome"], "verified");
        assert!(record[0]["request"]["path"].as_str().unwrap().contains(group));
        assert_eq!(fake.run(&["verify", "checkpoint-web_shop-1.tar"]).code, Some(0));
    }
}

#[test]
fn what_goes_wrong_is_named_and_never_repeated() {
    for (objects, args, words) in [
        (Objects::Failed, &["web/app", "--pod-checkpoint"][..], "CheckpointFailed"),
        (Objects::NeverMade, &["web/app", "--pod-checkpoint"], "it was not made a second time"),
    ] {
        let fake = Fake::start(scenario("checkpoint.k8s.io", objects));
        let ran = fake.run(args);
        assert_eq!(ran.code, Some(2));
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("kubectl get podcheckpoints.checkpoint.k8s.io -n shop forensic-"),
            "{}",
            ran.stderr
        );
        assert_eq!(fake.seen.lock().unwrap().objects.len(), 1);
        assert!(fake.files_after().is_empty() && fake.pods_left().is_empty());
    }
    let fake = Fake::start(Scenario::default());
    let ran = fake.run(&["web/app", "--pod-checkpoint"]);
    assert!(ran.code == Some(2) && ran.stderr.contains("serves no PodCheckpoint objects"), "{}", ran.stderr);
    let mut denied = scenario("node.k8s.io", Objects::Phase);
    denied.denied = vec!["create podcheckpoints"];
    let fake = Fake::start(denied);
    let ran = fake.run(&["web/app", "--pod-checkpoint"]);
    assert!(
        ran.stderr.contains("apiGroups: [node.k8s.io], resources: [podcheckpoints], verbs: [create]"),
        "{}",
        ran.stderr
    );
    assert!(fake.seen.lock().unwrap().objects.is_empty());
}

#[test]
fn a_triage_wants_consent_before_anything_is_made() {
    let fake = Fake::start(Scenario { container_id: "containerd://0123456789abcdef", ..Scenario::default() });
    let ran = fake.run(&["triage", "web/app", "--memory"]);
    assert_eq!(ran.code, Some(2));
    for words in ["privileged pod with hostPID", "node-1", "--yes", "memory", "nothing was touched"] {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
    assert!(fake.seen.lock().unwrap().made.is_empty() && fake.files().is_empty());
    // The processes of this container are on no machine: that is said, and the pod is gone.
    let tools = vec!["cat", "wc", "tail", "sha256sum", "date", "tar", "mkdir", "grep", "readlink", "rm"];
    let container_id = "containerd://0123456789abcdef0123456789abcdef";
    let fake = Fake::start(Scenario { tools, container_id, ..Scenario::default() });
    let ran = fake.run(&["triage", "web/app", "--yes"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("no process of container 0123456789abcdef"), "{}", ran.stderr);
    assert_eq!(fake.seen.lock().unwrap().made[0]["spec"]["hostPID"], true);
    assert!(fake.files().is_empty() && fake.pods_left().is_empty());
}
