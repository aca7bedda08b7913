//! `doctor` against the fake API server: it finds what is wrong, and changes nothing.

#![cfg(unix)]

mod support;

use serde_json::{Value, json};
use support::{Fake, LOCAL, Ran, Scenario, recorded, signal};

/// Runs doctor and makes sure that it only looked.
fn examine(scenario: Scenario, args: &[&str], code: i32) -> (Fake, Ran) {
    let fake = Fake::start(scenario);
    let mut all = vec!["doctor"];
    all.extend(args);
    let ran = fake.run(&all);
    assert_eq!(ran.code, Some(code), "{}{}", String::from_utf8_lossy(&ran.stdout), ran.stderr);
    {
        let seen = fake.seen.lock().unwrap();
        assert!(seen.checkpoints.is_empty() && seen.made.is_empty() && seen.removals == 0);
    }
    (fake, ran)
}

/// State and detail of the one check of that name.
fn one<'a>(list: &'a Value, name: &str) -> (&'a str, &'a str) {
    let mut found = list["items"].as_array().unwrap().iter().filter(|item| item["check"] == name);
    let item = found.next().unwrap_or_else(|| panic!("no check {name}: {list}"));
    (item["state"].as_str().unwrap(), item["detail"].as_str().unwrap())
}

#[test]
fn all_is_well() {
    let (_, ran) = examine(Scenario::default(), &["web/app", "-o", "json"], 0);
    let list = ran.json();
    assert_eq!(list["kind"], "CheckList");
    for name in [
        "rights",
        "node.ready",
        "kubelet.version",
        "runtime.version",
        "kubelet.endpoint",
        "node.disk",
        "container.running",
        "collector.admitted",
        "leftovers.pods",
    ] {
        assert_eq!(one(&list, name).0, "ok", "{name}");
    }
    assert!(one(&list, "identity").1.contains("jo@example.com"));
    examine(Scenario::default(), &[], 0);
}

#[test]
fn missing_rights_are_each_named_and_printed_as_a_rule() {
    let denied = vec!["create nodes/proxy", "delete pods"];
    let (_, ran) = examine(Scenario { denied, ..Scenario::default() }, &["web/app"], 1);
    let table = String::from_utf8(ran.stdout).unwrap();
    let failed: Vec<&str> = table.lines().filter(|line| line.contains("failed")).collect();
    assert_eq!(failed.len(), 2, "{table}");
    for part in ["resources: [nodes/proxy], verbs: [create]", "resources: [pods], verbs: [delete]"] {
        assert!(ran.stderr.contains(part), "{}", ran.stderr);
    }
    assert!(!ran.stderr.contains("pods/exec"), "{}", ran.stderr);
}

#[test]
fn the_rule_holds_all_that_a_capture_asks_for() {
    let (_, ran) = examine(Scenario::default(), &["deploy/web", "--rbac", "--collector-namespace", "ir"], 0);
    let yaml = String::from_utf8(ran.stdout).unwrap();
    for part in [
        "kind: ClusterRole\n",
        "{apiGroups: [\"\"], resources: [nodes/proxy], verbs: [create]}",
        "metadata: {name: checkpoint-capture, namespace: ir}",
        "{apiGroups: [\"\"], resources: [pods], verbs: [create, delete, get]}",
        "{apiGroups: [\"\"], resources: [pods/exec], verbs: [create, get]}",
        "{apiGroups: [apps], resources: [deployments], verbs: [get]}",
        "jo@example.com",
    ] {
        assert!(yaml.contains(part), "{part}: {yaml}");
    }
}

#[test]
fn the_endpoint_is_explained_without_a_freeze() {
    for (name, part) in [
        ("50-gateoff-kubelet-ckpt-role.txt", "ContainerCheckpoint is off"),
        ("08-kubelet-forbidden.txt", "refused the API server's own identity"),
        ("73-api-kubelet-port-refused.txt", "kubelet is down"),
    ] {
        let scenario = Scenario { probe: recorded(name), ..Scenario::default() };
        let (_, ran) = examine(scenario, &["web/app", "-o", "json"], 1);
        let list = ran.json();
        let (state, detail) = one(&list, "kubelet.endpoint");
        assert_eq!(state, "failed", "{name}");
        assert!(detail.contains(part), "{name}: {detail}");
    }
}

#[test]
fn disk_and_probes_are_weighed() {
    let gib = 1 << 30;
    let container = json!({
        "name": "app", "image": "img", "ports": [{"containerPort": 80}],
        "livenessProbe": {"failureThreshold": 1, "periodSeconds": 5},
    });
    let scenario =
        Scenario { vitals: Some((3 * gib, gib)), container: container.clone(), ..Scenario::default() };
    let (_, ran) = examine(scenario.clone(), &["web/app", "-o", "json"], 0);
    let list = ran.json();
    assert_eq!(one(&list, "node.disk").0, "warning");
    assert_eq!(one(&list, "container.liveness").0, "warning");
    assert_eq!(one(&list, "criu.tcp").0, "info");
    // The capture says the same, and goes on.
    let fake = Fake::start(scenario.clone());
    let ran = fake.run(&["web/app"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.contains("liveness probe") && ran.stderr.contains("copies on disk"), "{}", ran.stderr);
    assert!(fake.files().contains(&LOCAL.to_owned()));
    // Where the disk would be filled for certain it does not begin.
    let scenario = Scenario { vitals: Some((gib / 2, gib)), ..scenario };
    examine(scenario.clone(), &["web/app"], 1);
    let fake = Fake::start(scenario);
    let ran = fake.run(&["web/app"]);
    assert_eq!((ran.code, fake.posts()), (Some(2), 0), "{}", ran.stderr);
    assert!(ran.stderr.contains("nothing was touched"), "{}", ran.stderr);
    let ran = fake.run(&["web/app", "--skip-preflight"]);
    assert_eq!((ran.code, fake.posts()), (Some(0), 1), "{}", ran.stderr);
    // Without the right to see the figures nothing is claimed.
    let scenario = Scenario { vitals: None, container, ..Scenario::default() };
    let (_, ran) = examine(scenario, &["web/app", "-o", "json"], 0);
    assert_eq!(one(&ran.json(), "node.disk").0, "unknown");
    assert_eq!(one(&ran.json(), "container.liveness").0, "unknown");
}

#[test]
fn what_does_not_run_fails() {
    let state = json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}});
    let (_, ran) = examine(Scenario { state, ..Scenario::default() }, &["web/app", "-o", "json"], 1);
    let list = ran.json();
    assert_eq!(one(&list, "container.running").0, "failed");
    let scenario = Scenario { nodes: vec![("node-1", true), ("node-2", false)], ..Scenario::default() };
    let (_, ran) = examine(scenario, &["-o", "name"], 1);
    assert_eq!(String::from_utf8(ran.stdout).unwrap(), "node.ready\n");
}

#[test]
fn podcheckpoints_are_discovered_in_whatever_group() {
    let scenario = Scenario { pod_checkpoints: true, ..Scenario::default() };
    let (_, ran) = examine(scenario, &["-o", "json"], 0);
    assert!(one(&ran.json(), "api.podCheckpoint").1.contains("checkpoint.k8s.io/v1alpha1"));
}

#[test]
fn what_a_killed_run_left_is_found() {
    let streams = vec![support::Fault::Stall(100_000)];
    let fake = Fake::start(Scenario { streams, ..Scenario::default() });
    let mut child = fake.spawn_until(&["web/app"], |seen| seen.streams > 0);
    signal(&child, "KILL");
    child.wait().unwrap();
    let left = fake.pods_left();
    assert_eq!(left.len(), 1);
    let ran = fake.run(&["doctor", "-o", "json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let list = ran.json();
    let (state, _) = one(&list, "leftovers.pods");
    assert_eq!(state, "warning");
    let remedy = format!("kubectl delete pod -n shop {}", left[0]);
    assert!(list.to_string().contains(&remedy), "{list}");
    let (state, detail) = one(&list, "leftovers.files");
    assert_eq!(state, "warning", "{detail}");
    assert!(list.to_string().contains(&format!("{LOCAL}.part")), "{list}");
    assert_eq!(fake.pods_left(), left, "doctor removes nothing itself");
    // Nor without a yes; then all of it.
    let ran = fake.run(&["doctor", "--clean"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("--yes"), "{}", ran.stderr);
    assert_eq!(fake.pods_left(), left);
    std::fs::write(fake.home().join("checkpoint-x.tar.age.part"), "x").unwrap();
    std::fs::write(fake.home().join("checkpoint-x.tar"), "an archive").unwrap();
    let ran = fake.run(&["doctor", "--clean", "--yes"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(fake.pods_left().is_empty());
    assert!(!fake.files().iter().any(|name| name.contains(".part")), "{:?}", fake.files());
    assert!(fake.files().contains(&"checkpoint-x.tar".to_owned()));
}
