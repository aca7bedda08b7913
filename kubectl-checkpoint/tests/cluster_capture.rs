//! Captures against the fake API server: what comes home, and what is left.

#![cfg(unix)]

mod support;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use support::{ARCHIVE, Creation, Fake, Fault, LOCAL, Life, Removal, Scenario, Trigger, pattern, recorded};

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, byte| {
        write!(out, "{byte:02x}").unwrap();
        out
    })
}

fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// What holds after every run, whatever happened.
fn check_aftermath(fake: &Fake, scenario: &Scenario, ran: &support::Ran) {
    assert!(fake.pods_left().is_empty(), "pods are left: {}", ran.stderr);
    for name in fake.files() {
        assert!(!has_ending(&name, ".probe"), "{name} is left");
        if has_ending(&name, ".tar") {
            assert_eq!(digest(&fake.read(&name)), digest(&scenario.content), "{name} is wrong");
            assert_eq!(ran.code, Some(0), "{name} has its name after a failure");
        }
    }
}

fn has_ending(name: &str, ending: &str) -> bool {
    name.strip_suffix(ending).is_some()
}

fn arrives(scenario: &Scenario, args: &[&str]) -> (Fake, support::Ran) {
    let fake = Fake::start(scenario.clone());
    let ran = fake.run(args);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(fake.posts(), 1);
    check_aftermath(&fake, scenario, &ran);
    let whole = fake.files().iter().any(|name| has_ending(name, ".tar"));
    assert!(whole, "{:?}", fake.files());
    (fake, ran)
}

fn fails(scenario: &Scenario, args: &[&str], posts: usize) -> (Fake, support::Ran) {
    let fake = Fake::start(scenario.clone());
    let ran = fake.run(args);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert_eq!(fake.posts(), posts, "{}", ran.stderr);
    assert!(ran.stdout.is_empty());
    check_aftermath(&fake, scenario, &ran);
    (fake, ran)
}

#[test]
fn a_container_comes_home_verified() {
    let scenario = Scenario::default();
    let (fake, ran) = arrives(&scenario, &["web/app", "-o", "json"]);
    let record = format!("{LOCAL}.evidence.json");
    let context = format!("{LOCAL}.context.json");
    assert_eq!(fake.files(), [LOCAL.to_owned(), context.clone(), record.clone()]);
    assert_eq!((fake.mode(LOCAL), fake.mode(&record)), (0o600, 0o600));

    let list = ran.json();
    assert_eq!(list["kind"], "CaptureList");
    let item = &list["items"][0];
    assert_eq!(item["pod"], "web");
    assert_eq!(item["node"], "node-1");
    assert_eq!(item["nodePath"], format!("/var/lib/kubelet/checkpoints/{ARCHIVE}"));
    assert_eq!(item["file"], LOCAL);
    assert_eq!(item["record"], record);
    assert_eq!(item["context"], context);
    assert_eq!(item["sizeBytes"], 300_000);
    assert_eq!(item["sha256"], digest(&scenario.content));

    let lines = fake.record(&record);
    let capture = &lines[0];
    assert_eq!(capture["previousSha256"], Value::Null);
    assert_eq!(capture["outcome"], "verified");
    assert_eq!(capture["actor"]["cluster"]["username"], "jo@example.com");
    assert_eq!(capture["actor"]["local"]["user"], "responder");
    assert_eq!(capture["target"]["imageID"], "img@sha256:1");
    assert_eq!(capture["node"]["containerRuntimeVersion"], "containerd://2.1.9");
    assert_eq!(capture["sha256"], digest(&scenario.content));
    assert!(capture["clocks"]["nodeSkewSeconds"].is_i64());
    assert_eq!(lines[1]["step"], "cleanup");
    assert_eq!(lines[1]["cleanup"]["collectorRemoved"], true);
    let text = String::from_utf8(fake.read(&record)).unwrap();
    let first = text.lines().next().unwrap();
    assert_eq!(lines[1]["previousSha256"], digest(first.as_bytes()));
}

#[test]
fn the_request_carries_no_timeout_but_the_users() {
    let scenario = Scenario::default();
    let asked = |args: &[&str]| {
        let (fake, _) = arrives(&scenario, args);
        let seen = fake.seen.lock().unwrap();
        seen.checkpoints[0].clone()
    };
    assert_eq!(asked(&["web"]), "shop/web/app?");
    assert_eq!(asked(&["create", "web", "--request-timeout", "30s"]), "shop/web/app?");
    assert_eq!(asked(&["pod/web", "--timeout", "5m"]), "shop/web/app?timeout=300");
}

#[test]
fn the_newer_stream_protocol_serves_as_well() {
    let protocol = "v5.channel.k8s.io";
    arrives(&Scenario { protocol, ..Scenario::default() }, &["web"]);
}

#[test]
fn every_answer_costs_exactly_one_request() {
    let plain = |status, body: &str| Trigger::Answer(status, "text/plain".into(), body.into());
    let mut answers: Vec<(String, Trigger)> = ["429", "500", "502", "503", "504", "418"]
        .iter()
        .map(|status| ((*status).to_owned(), plain(status.parse().unwrap(), "x\u{1b}[2J")))
        .collect();
    answers.push(("reset".into(), Trigger::Reset));
    answers.push(("garbage".into(), plain(200, "{\"items\":[]}")));
    answers.push(("outside".into(), plain(200, "{\"items\":[\"/etc/shadow\"]}")));
    for name in [
        "02-kubelet-unknown-pod.txt",
        "22-kubelet-criu-refuses-tcp.txt",
        "35-api-no-role.txt",
        "50-gateoff-kubelet-ckpt-role.txt",
        "71-checkpoints-dir-full.txt",
        "73-api-kubelet-port-refused.txt",
        "84-api-slow-criu-timeout-200.txt",
    ] {
        answers.push((name.into(), recorded(name)));
    }
    for (name, trigger) in answers {
        let scenario = Scenario { trigger, ..Scenario::default() };
        let (fake, ran) = fails(&scenario, &["web/app", "--no-criu-log"], 1);
        assert!(fake.files_after().is_empty(), "{name}: {:?}", fake.files());
        // What was refused at the door leaves nothing; else there may be no other trace.
        let is_refused = ["429", "418"].contains(&name.as_str()) || ran.stderr.contains("HTTP 40");
        let said = ran.stderr.contains("was saved before:");
        assert_eq!(said, !fake.files().is_empty(), "{name}: {}", ran.stderr);
        assert!(!(is_refused && said), "{name}: {}", ran.stderr);
        assert!(fake.seen.lock().unwrap().made.is_empty(), "{name}");
        assert!(ran.stderr.contains("cause:") || name == "outside", "{name}: {}", ran.stderr);
    }
}

#[test]
fn criu_s_own_reason_is_fetched_kept_and_translated() {
    let trigger = recorded("22-kubelet-criu-refuses-tcp.txt");
    let fake = Fake::start(Scenario { trigger, ..Scenario::default() });
    let log = "(00.1) Error (criu/sk-inet.c:128): inet: Unsupported proto 262 for socket 1f\n\
               (00.2) Error (criu/cr-dump.c:1975): Dumping FAILED.\n";
    std::fs::write(fake.node_directory().join("criu.log"), log).unwrap();
    let ran = fake.run(&["web/app"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert_eq!(fake.posts(), 1);
    for words in ["MPTCP", "Unsupported proto 262", "GODEBUG=multipathtcp=0", "kubectl checkpoint triage"] {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
    assert!(!ran.stderr.contains("tcp-established"), "a guess beside what is known: {}", ran.stderr);
    let kept = "checkpoint-web_shop-app.tar.criu-dump.log";
    assert_eq!(fake.read(kept), log.as_bytes());
    assert_eq!(fake.mode(kept), 0o600);
    let made = fake.seen.lock().unwrap().made.clone();
    assert_eq!(made.len(), 1);
    let host_path = &made[0]["spec"]["volumes"][0]["hostPath"];
    assert_eq!(host_path["type"], "File");
    assert!(host_path["path"].as_str().unwrap().ends_with("/criu-dump.log"));
    assert!(fake.pods_left().is_empty());

    // Where the log is gone the answer stays as it was.
    let fake =
        Fake::start(Scenario { trigger: recorded("22-kubelet-criu-refuses-tcp.txt"), ..Scenario::default() });
    let ran = fake.run(&["web/app"]);
    assert!(ran.stderr.contains("CRIU's log could not be fetched"), "{}", ran.stderr);
    assert!(ran.stderr.contains("tcp-established"), "{}", ran.stderr);
    assert!(fake.files_after().is_empty() && fake.pods_left().is_empty());
}

#[test]
fn a_hanging_request_ends_at_the_users_timeout() {
    let scenario = Scenario { trigger: Trigger::Hang, ..Scenario::default() };
    let (_, ran) = fails(&scenario, &["web", "--timeout", "1"], 1);
    assert!(ran.stderr.contains("cancels it"), "{}", ran.stderr);
}

#[test]
fn torn_streams_are_resumed_where_they_broke() {
    for fault in [
        Fault::Tear(0),
        Fault::Tear(1),
        Fault::Tear(100_001),
        Fault::Tear(299_999),
        Fault::ShortSuccess(200_000),
        Fault::Refuse(500),
        Fault::Refuse(503),
    ] {
        let streams = vec![fault, fault, Fault::None];
        let scenario = Scenario { streams, ..Scenario::default() };
        let (fake, ran) = arrives(&scenario, &["web/app"]);
        let streams = fake.seen.lock().unwrap().streams;
        assert!(streams >= 2, "{fault:?} took {streams} streams");
        assert!(ran.stderr.contains("going on from there"), "{}", ran.stderr);
    }
}

#[test]
fn streams_that_break_again_and_again_arrive_as_long_as_they_move() {
    // 300,000 bytes at 40,000 a stream: more breaks than fruitless tries are allowed.
    let streams = vec![Fault::Tear(40_000)];
    let scenario = Scenario { streams, ..Scenario::default() };
    let (fake, _) = arrives(&scenario, &["web/app"]);
    assert_eq!(fake.seen.lock().unwrap().streams, 8);
}

#[test]
fn a_stall_is_noticed_and_resumed() {
    let streams = vec![Fault::Stall(150_000), Fault::None];
    let scenario = Scenario { streams, ..Scenario::default() };
    let (_, ran) = arrives(&scenario, &["web", "--request-timeout", "2s"]);
    assert!(ran.stderr.contains("nothing came for 2 s"), "{}", ran.stderr);
}

#[test]
fn a_stream_that_stands_still_is_given_up() {
    let streams = vec![Fault::Tear(1000), Fault::Tear(0)];
    let scenario = Scenario { streams, ..Scenario::default() };
    let (fake, ran) = fails(&scenario, &["web/app"], 1);
    assert!(ran.stderr.contains("stands still at byte 1000"), "{}", ran.stderr);
    assert!(ran.stderr.contains("is on node node-1"), "{}", ran.stderr);
    let record = fake.record(&format!("{LOCAL}.evidence.json"));
    assert_eq!(fake.files_after().len(), 2, "{:?}", fake.files());
    assert_eq!(
        fake.read(&format!("{LOCAL}.part")),
        scenario.content[..1000],
        "what arrived can be continued"
    );
    assert_eq!(record[0]["outcome"], "incomplete");
    assert_eq!(record[0]["cleanup"]["collectorRemoved"], true);
}

#[test]
fn wrong_bytes_never_get_the_name() {
    for at in [0, 150_000, 299_999] {
        let streams = vec![Fault::Corrupt(at)];
        let scenario = Scenario { streams, ..Scenario::default() };
        let (fake, ran) = fails(&scenario, &["web/app"], 1);
        assert!(ran.stderr.contains("not the one on the node"), "{}", ran.stderr);
        assert_eq!(fake.files_after(), [format!("{LOCAL}.evidence.json")]);
        let (fake, _) = fails(&scenario, &["web/app", "--keep-partial"], 1);
        assert!(fake.files().contains(&format!("{LOCAL}.part")));
    }
}

#[test]
fn a_pod_deleted_in_the_middle_is_said() {
    let streams = vec![Fault::PodGone(100_000)];
    let scenario = Scenario { streams, ..Scenario::default() };
    let (_, ran) = fails(&scenario, &["web/app"], 1);
    assert!(ran.stderr.contains("collector is lost"), "{}", ran.stderr);
}

#[test]
fn poor_images_serve_as_well() {
    let tools: [&[&'static str]; 4] =
        [&["cat", "wc", "tail"], &["cat", "stat", "sha256sum"], &["cat", "ls", "tail"], &["cat", "wc"]];
    for tools in tools {
        let scenario = Scenario {
            tools: tools.to_vec(),
            streams: vec![Fault::Tear(123_456), Fault::None],
            ..Scenario::default()
        };
        let (fake, ran) = arrives(&scenario, &["web/app"]);
        let method = &fake.record(&format!("{LOCAL}.evidence.json"))[0]["verification"]["method"];
        let has_tool = tools.contains(&"sha256sum");
        assert_eq!(ran.stderr.contains("no digest tool"), !has_tool, "{tools:?}");
        assert_eq!(method == "second full read through the stream", !has_tool, "{tools:?}");
    }
}

#[test]
fn a_shell_and_cat_are_enough() {
    let scenario = Scenario { tools: vec!["cat"], ..Scenario::default() };
    arrives(&scenario, &["web/app"]);
    // Without a size a short end with status Success is found by the second read.
    let streams = vec![Fault::Corrupt(5), Fault::None];
    let scenario = Scenario { streams, ..scenario };
    fails(&scenario, &["web/app"], 1);
}

#[test]
fn a_refused_collector_is_found_before_anything_is_frozen() {
    let said = "pods \"x\" is forbidden: violates PodSecurity \"baseline:latest\": hostPath volumes (volume \"checkpoints\")";
    let scenario = Scenario { creation: Creation::Forbidden(said), ..Scenario::default() };
    let (fake, ran) = fails(&scenario, &["web/app"], 0);
    assert!(fake.files().is_empty());
    for part in ["violates PodSecurity", "--collector-namespace", "nothing was touched"] {
        assert!(ran.stderr.contains(part), "{}", ran.stderr);
    }
    let scenario = Scenario { creation: Creation::ForbiddenLate(said), ..Scenario::default() };
    let (fake, ran) = fails(&scenario, &["web/app"], 1);
    assert!(ran.stderr.contains("violates PodSecurity"), "{}", ran.stderr);
    assert_eq!(fake.files_after(), [format!("{LOCAL}.evidence.json")]);
    assert_eq!(fake.seen.lock().unwrap().removals, 0, "there was nothing to remove");
}

#[test]
fn a_lost_answer_to_the_creation_leaves_no_pod() {
    let scenario = Scenario { creation: Creation::AnswerLost, ..Scenario::default() };
    let (fake, _) = fails(&scenario, &["web/app"], 1);
    assert_eq!(fake.seen.lock().unwrap().made.len(), 1);
}

#[test]
fn a_collector_that_does_not_run_is_explained() {
    for (life, part) in [
        (Life::ImagePullBackOff, "--collector-image"),
        (Life::BadHostPath, "--checkpoints-dir"),
        (Life::Pending, "network is not"),
    ] {
        let scenario = Scenario { life, ..Scenario::default() };
        let (_, ran) = fails(&scenario, &["web", "--collector-start-timeout", "8s"], 1);
        assert!(ran.stderr.contains(part), "{}", ran.stderr);
    }
}

#[test]
fn a_collector_that_cannot_be_removed_is_named() {
    let scenario = Scenario { removal: Removal::Stumbles(3), ..Scenario::default() };
    arrives(&scenario, &["web/app"]);
    let scenario = Scenario { removal: Removal::Forbidden, ..Scenario::default() };
    let fake = Fake::start(scenario);
    let ran = fake.run(&["web/app"]);
    let left = fake.pods_left();
    assert_eq!((ran.code, left.len()), (Some(2), 1), "{}", ran.stderr);
    let command = format!("kubectl delete pod -n shop {}", left[0]);
    assert!(ran.stderr.contains(&command), "{}", ran.stderr);
    assert!(fake.files().contains(&LOCAL.to_owned()), "the archive is verified all the same");
}

#[test]
fn missing_rights_are_printed_as_a_rule() {
    let denied = vec!["create nodes/proxy", "get pods/exec", "create pods/exec"];
    let scenario = Scenario { denied, ..Scenario::default() };
    let (fake, ran) = fails(&scenario, &["web/app"], 0);
    for part in [
        "kind: ClusterRole\n",
        "resources: [nodes/proxy], verbs: [create]",
        "resources: [pods/exec], verbs: [create, get]",
        "name: \"jo@example.com\"",
    ] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    assert!(!ran.stderr.contains("resources: [pods],"), "{}", ran.stderr);
    assert!(fake.files().is_empty());
    arrives(&scenario, &["web/app", "--skip-preflight"]);
}

#[test]
fn what_does_not_run_is_not_asked_for() {
    let state = serde_json::json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}});
    let scenario = Scenario { state, ..Scenario::default() };
    let (_, ran) = fails(&scenario, &["web/app"], 0);
    assert!(ran.stderr.contains("exit code 137, OOMKilled"), "{}", ran.stderr);
}

#[test]
fn workloads_stand_for_their_only_pod() {
    arrives(&Scenario::default(), &["deploy/web"]);
    let replicas = vec!["web", "web-2"];
    let scenario = Scenario { replicas, ..Scenario::default() };
    let (_, ran) = fails(&scenario, &["deployment/web"], 0);
    assert!(ran.stderr.contains("  web-2  (node node-1)"), "{}", ran.stderr);
    let scenario = Scenario { replicas: vec![], ..Scenario::default() };
    fails(&scenario, &["deployment/web"], 0);
}

#[test]
fn nothing_is_overwritten() {
    let scenario = Scenario::default();
    let fake = Fake::start(scenario.clone());
    std::fs::write(fake.home().join("x.tar"), "old").unwrap();
    let ran = fake.run(&["web", "x.tar"]);
    assert_eq!((ran.code, fake.posts()), (Some(2), 0), "{}", ran.stderr);
    assert_eq!(fake.read("x.tar"), b"old");
    let ran = fake.run(&["web", "x.tar", "--force"]);
    assert_eq!((ran.code, fake.posts()), (Some(0), 1), "{}", ran.stderr);
    assert_eq!(fake.read("x.tar"), scenario.content);
    // The default name is known only after the freeze.
    std::fs::write(fake.home().join(LOCAL), "old").unwrap();
    let ran = fake.run(&["web"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert_eq!(fake.read(LOCAL), b"old");
    assert!(fake.pods_left().is_empty());
}

#[test]
fn destinations_are_checked_before_anything_is_frozen() {
    for dest in ["nosuch/x.tar", "nosuch/", "/dev/null"] {
        fails(&Scenario::default(), &["web", dest], 0);
    }
    fails(&Scenario::default(), &["web", "-", "-o", "json"], 0);
    let fake = Fake::start(Scenario::default());
    std::fs::create_dir(fake.home().join("case")).unwrap();
    let ran = fake.run(&["web", "case", "-o", "name"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(String::from_utf8(ran.stdout).unwrap(), format!("case/{LOCAL}\n"));
}

#[test]
fn standard_output_gets_the_archive_and_nothing_else() {
    let streams = vec![Fault::Tear(77_777), Fault::None];
    let scenario = Scenario { streams, ..Scenario::default() };
    let fake = Fake::start(scenario.clone());
    let ran = fake.run(&["web", "-"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(digest(&ran.stdout), digest(&scenario.content));
    assert!(fake.files().is_empty());
    let ran = fake.run(&["web", "-", "--record", "r.json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(fake.record("r.json")[0]["file"], Value::Null);

    let streams = vec![Fault::Corrupt(1)];
    let fake = Fake::start(Scenario { streams, ..scenario });
    let ran = fake.run(&["web", "-"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("not to be trusted"), "{}", ran.stderr);
}

#[test]
fn flags_alone_are_enough() {
    let fake = Fake::start(Scenario::default());
    let url = fake.url().to_owned();
    let mut command = fake.command(&["web", "-n", "shop", "-s", &url, "--token", "t"]);
    command.env_remove("KUBECONFIG");
    let ran = support::Ran::from(command.output().unwrap());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let lines = fake.record(&format!("{LOCAL}.evidence.json"));
    assert_eq!(lines[0]["cluster"]["context"], Value::Null);
}

#[test]
fn what_was_refused_is_in_the_record_where_that_has_a_name() {
    let trigger = recorded("22-kubelet-criu-refuses-tcp.txt");
    let fake = Fake::start(Scenario { trigger, ..Scenario::default() });
    assert_eq!(fake.run(&["web/app", "x.tar"]).code, Some(2));
    let line = &fake.record("x.tar.evidence.json")[0];
    assert_eq!((&line["outcome"], &line["answer"]["status"]), (&"incomplete".into(), &500.into()));
    assert!(line["problem"].as_str().unwrap().contains("CRIU refused"), "{line}");
    assert_eq!(line["context"]["file"], "x.tar.context.json");
    assert_eq!(line["actor"]["cluster"]["username"], "jo@example.com");
}

#[test]
fn an_empty_archive_and_an_odd_size_arrive() {
    for length in [0, 1, 32_768, 1_048_577] {
        let content = pattern(length);
        arrives(&Scenario { content, ..Scenario::default() }, &["web"]);
    }
}

#[test]
fn what_surrounds_the_container_is_saved_before_the_freeze() {
    let container =
        serde_json::json!({"name": "app", "image": "img", "env": [{"name": "KEY", "value": "very-secret"}]});
    let scenario = Scenario { container, ..Scenario::default() };
    let (fake, _) = arrives(&scenario, &["web/app"]);
    let name = format!("{LOCAL}.context.json");
    assert_eq!(fake.mode(&name), 0o600);
    let saved = fake.read(&name);
    let context: Value = serde_json::from_slice(&saved).unwrap();
    assert_eq!(context["pod"]["spec"]["containers"][0]["env"][0]["value"], "(redacted)");
    let owners = context["owners"].as_array().unwrap();
    assert_eq!((&owners[0]["kind"], &owners[1]["kind"]), (&"ReplicaSet".into(), &"Deployment".into()));
    assert_eq!(owners[1]["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"], "(redacted)");
    assert_eq!(context["node"]["metadata"]["name"], "node-1");
    assert!(context["log"].as_str().unwrap().contains("said"));
    assert_eq!(
        (&context["previousLog"], &context["notCollected"][0]["what"]),
        (&Value::Null, &Value::from("previousLog"))
    );
    let record = fake.record(&format!("{LOCAL}.evidence.json"));
    assert_eq!(record[0]["context"]["sha256"], digest(&saved));
    let seen = fake.seen.lock().unwrap();
    let at = |part: &str| seen.requests.iter().position(|request| request.contains(part)).unwrap();
    assert!(at("/log") < at("/proxy/checkpoint/"), "{:?}", seen.requests);
    drop(seen);
    let (fake, _) = arrives(&scenario, &["web/app", "--keep-secrets", "x.tar"]);
    assert!(String::from_utf8(fake.read("x.tar.context.json")).unwrap().contains("very-secret"));
    let ran = fake.run(&["verify", "x.tar"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    std::fs::write(fake.home().join("x.tar.context.json"), "changed").unwrap();
    let ran = fake.run(&["verify", "x.tar", "-o", "json"]);
    assert_eq!((ran.code, &ran.json()["items"][0]["line"]), (Some(1), &1.into()));
    std::fs::remove_file(fake.home().join("x.tar.context.json")).unwrap();
    let ran = fake.run(&["verify", "x.tar"]);
    assert_eq!(ran.code, Some(0));
    assert!(ran.stderr.contains("was not compared"), "{}", ran.stderr);
    let (fake, _) = arrives(&scenario, &["web/app", "--no-context"]);
    assert_eq!(fake.files().len(), 2, "{:?}", fake.files());
    assert!(!fake.seen.lock().unwrap().requests.iter().any(|request| request.contains("/log")));
}
