//! The way to the kubelet without the API server's proxy.

#![cfg(unix)]

mod support;

use support::{Fake, LOCAL, Ran, Scenario, Tls, recorded};

/// The fake server plays API server and kubelet on one address.
fn run(fake: &Fake, args: &[&str]) -> Ran {
    let url = fake.url().to_owned();
    let mut all = args.to_vec();
    all.extend(["--kubelet", "--kubelet-url", &url]);
    fake.run(&all)
}

#[test]
fn nodes_proxy_is_not_needed() {
    let scenario = Scenario { denied: vec!["create nodes/proxy"], vitals: None, ..Scenario::default() };
    let fake = Fake::start(scenario.clone());
    let ran = run(&fake, &["web/app", "--timeout", "300"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(fake.read(LOCAL), scenario.content);
    let seen = fake.seen.lock().unwrap();
    assert_eq!(seen.checkpoints, ["shop/web/app?timeout=300"]);
    assert!(seen.requests.contains(&String::from("POST /checkpoint/shop/web/app")), "{:?}", seen.requests);
    drop(seen);
    let record = fake.record(&format!("{LOCAL}.evidence.json"));
    assert_eq!(record[0]["request"]["path"], format!("{}/checkpoint/shop/web/app?timeout=300", fake.url()));
    let ran = run(&fake, &["doctor", "web/app"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(fake.posts(), 1);
}

#[test]
fn the_right_it_needs_is_another() {
    let fake = Fake::start(Scenario { denied: vec!["create nodes/checkpoint"], ..Scenario::default() });
    let ran = run(&fake, &["web/app"]);
    assert_eq!((ran.code, fake.posts()), (Some(2), 0), "{}", ran.stderr);
    assert!(ran.stderr.contains("resources: [nodes/checkpoint], verbs: [create]"), "{}", ran.stderr);
    let ran = run(&fake, &["doctor", "--rbac"]);
    let yaml = String::from_utf8(ran.stdout).unwrap();
    assert!(yaml.contains("nodes/checkpoint") && !yaml.contains("nodes/proxy"), "{yaml}");
}

#[test]
fn every_answer_costs_exactly_one_request() {
    for (name, part) in [
        ("02-kubelet-unknown-pod.txt", "does not know the pod"),
        ("06-kubelet-no-token.txt", "the kubelet does not accept the token"),
        ("08-kubelet-forbidden.txt", "nodes/proxy does not stand in for it"),
        ("22-kubelet-criu-refuses-tcp.txt", "CRIU refused"),
        ("50-gateoff-kubelet-ckpt-role.txt", "ContainerCheckpoint is off"),
    ] {
        let fake = Fake::start(Scenario { trigger: recorded(name), ..Scenario::default() });
        let ran = run(&fake, &["web/app"]);
        assert_eq!((ran.code, fake.posts()), (Some(2), 1), "{name}: {}", ran.stderr);
        assert!(ran.stderr.contains(part), "{name}: {}", ran.stderr);
        assert!(fake.files_after().is_empty());
    }
}

#[test]
fn its_certificate_is_checked() {
    let kubelet = Fake::start(Scenario { tls: Some(Tls::make()), ..Scenario::default() });
    let fake = Fake::start(Scenario::default());
    let url = kubelet.url().to_owned();
    let ran = fake.run(&["web/app", "--kubelet", "--kubelet-url", &url]);
    assert_eq!((ran.code, kubelet.posts()), (Some(2), 0), "{}", ran.stderr);
    assert!(ran.stderr.contains("--kubelet-certificate-authority"), "{}", ran.stderr);
    for args in [&["--as", "jo"][..], &["--kubelet-certificate-authority", "/nonexistent"]] {
        let mut all = vec!["web/app", "--kubelet", "--kubelet-url", &url];
        all.extend(args);
        let ran = fake.run(&all);
        assert_eq!((ran.code, kubelet.posts()), (Some(2), 0), "{}", ran.stderr);
    }
}
