//! Many targets in one command, against the fake API server.

#![cfg(unix)]

mod support;

use std::time::Duration;

use serde_json::Value;
use support::{Fake, Fault, Ran, Scenario, archive_name, signal};

fn scenario() -> Scenario {
    Scenario { replicas: vec!["web", "web-2", "web-3"], ..Scenario::default() }
}

fn local(pod: &str, container: &str) -> String {
    archive_name(pod, container).replace(':', "-")
}

fn captured(fake: &Fake, names: &[String], scenario: &Scenario) {
    for name in names {
        assert_eq!(fake.read(name), scenario.content, "{name}");
        assert_eq!(fake.record(&format!("{name}.evidence.json"))[0]["outcome"], "verified");
    }
    let archives: Vec<String> =
        fake.files_after().into_iter().filter(|name| !name.contains("evidence")).collect();
    assert_eq!(archives.len(), names.len(), "{archives:?}");
    assert!(fake.pods_left().is_empty());
}

#[test]
fn labels_name_many() {
    let scenario = scenario();
    for args in [&["-l", "app=web"][..], &["create", "-l", "app=web", "-A", "--dest", "."]] {
        let fake = Fake::start(scenario.clone());
        let ran = fake.run(args);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert_eq!(fake.posts(), 3);
        captured(&fake, &[local("web", "app"), local("web-2", "app"), local("web-3", "app")], &scenario);
        assert!(ran.stderr.contains("shop/web-2/app: frozen in"), "{}", ran.stderr);
    }
}

#[test]
fn all_containers_of_a_pod() {
    let containers = vec!["app", "proxy"];
    let scenario = Scenario { containers, ..Scenario::default() };
    let fake = Fake::start(scenario.clone());
    let ran = fake.run(&["web", "--all-containers", "-o", "json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    captured(&fake, &[local("web", "app"), local("web", "proxy")], &scenario);
    let list = ran.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    assert!(list["items"].as_array().unwrap().iter().all(|item| item["problem"].is_null()));
    // Without a word on which, nothing is touched.
    let fake = Fake::start(Scenario { replicas: vec!["web"], ..scenario });
    for args in [&["web"][..], &["-l", "app=web"]] {
        let ran = fake.run(args);
        assert_eq!((ran.code, fake.posts()), (Some(2), 0), "{}", ran.stderr);
        assert!(ran.stderr.contains("web/proxy"), "{}", ran.stderr);
    }
    let ran = fake.run(&["-l", "app=web", "-c", "proxy"]);
    assert_eq!((ran.code, fake.posts()), (Some(0), 1), "{}", ran.stderr);
}

#[test]
fn one_node_freezes_one_at_a_time_and_nodes_go_side_by_side() {
    let freeze = Duration::from_millis(300);
    let fake = Fake::start(Scenario { freeze, ..scenario() });
    let ran = fake.run(&["-l", "app=web"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let most = |fake: &Fake| {
        let seen = fake.seen.lock().unwrap();
        (seen.most_on_one_node, seen.most_nodes)
    };
    assert_eq!(most(&fake), (1, 1));
    let placement = vec![("web-2", "node-2"), ("web-3", "node-3")];
    let spread = Scenario { placement, freeze, ..scenario() };
    let fake = Fake::start(spread.clone());
    let ran = fake.run(&["-l", "app=web", "--parallel", "3"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(most(&fake), (1, 3));
    let fake = Fake::start(spread);
    let ran = fake.run(&["-l", "app=web", "--parallel", "1"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(most(&fake), (1, 1));
}

#[test]
fn a_success_is_not_lost_beside_a_failure() {
    let scenario = Scenario { failing: vec!["web-2"], ..scenario() };
    let fake = Fake::start(scenario.clone());
    let ran = fake.run(&["-l", "app=web", "-o", "json"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    captured(&fake, &[local("web", "app"), local("web-3", "app")], &scenario);
    let list = ran.json();
    let failed: Vec<&Value> =
        list["items"].as_array().unwrap().iter().filter(|item| !item["problem"].is_null()).collect();
    assert_eq!(failed.len(), 1, "{list}");
    assert_eq!((&failed[0]["pod"], &failed[0]["file"]), (&Value::from("web-2"), &Value::Null));
    assert!(failed[0]["problem"].as_str().unwrap().contains("CRIU refused"));
    let ran = fake.run(&["-l", "app=web", "--force"]);
    let table = String::from_utf8(ran.stdout).unwrap();
    assert!(table.lines().any(|line| line.contains("web-2") && line.ends_with("(failed)")), "{table}");
    assert!(ran.stderr.contains("error: shop/web-2/app"), "{}", ran.stderr);

    let failing = vec!["web", "web-2", "web-3"];
    let fake = Fake::start(Scenario { failing, ..scenario });
    let ran = fake.run(&["-l", "app=web"]);
    assert_eq!((ran.code, fake.posts()), (Some(2), 3), "{}", ran.stderr);
    assert!(fake.files_after().is_empty());
}

#[test]
fn an_interrupt_keeps_what_is_done_and_leaves_no_pod() {
    // The second stream stands still for good.
    let streams = vec![Fault::None, Fault::Stall(100_000)];
    let fake = Fake::start(Scenario { streams, ..scenario() });
    let child = fake.spawn_until(&["-l", "app=web", "-o", "name"], |seen| seen.streams == 2);
    std::thread::sleep(Duration::from_millis(200));
    signal(&child, "INT");
    let ran = Ran::wait(child, Duration::from_secs(20));
    assert_eq!(ran.code, Some(130), "{}", ran.stderr);
    assert!(fake.pods_left().is_empty(), "{}", ran.stderr);
    assert_eq!(String::from_utf8(ran.stdout).unwrap(), format!("{}\n", local("web", "app")));
    assert_eq!(fake.record(&format!("{}.evidence.json", local("web-2", "app")))[0]["outcome"], "incomplete");
    assert_eq!(fake.posts(), 2, "the third was not begun");
}

#[test]
fn what_contradicts_itself_is_refused() {
    let fake = Fake::start(scenario());
    for args in [
        &["-A"][..],
        &["create"],
        &["web", "-l", "app=web"],
        &["web/app", "--all-containers"],
        &["web", "-c", "app", "--all-containers"],
        &["-l", "app=web", "--record", "r.json"],
        &["-l", "app=web", "--dest", "nosuch"],
        &["-l", "app=web", "--dest", "-"],
    ] {
        let ran = fake.run(args);
        assert_eq!((ran.code, fake.posts()), (Some(2), 0), "{args:?}: {}", ran.stderr);
    }
    assert!(fake.files().is_empty());
}
