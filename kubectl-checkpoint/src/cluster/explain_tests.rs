//! Replays every recorded answer and checks its class.

use super::*;

struct Recorded {
    request: String,
    status: u16,
    content_type: Option<String>,
    body: Vec<u8>,
}

fn recorded(name: &str) -> Recorded {
    let path = format!("{}/tests/fixtures/kubelet-http/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let (request, rest) = text.split_once('\n').unwrap();
    let (head, rest) = rest.split_once("\n\n").unwrap();
    let (body, _) = rest.rsplit_once("# curl rc=").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let header = |name: &str| {
        head.lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
    };
    let length: usize = header("content-length").unwrap().parse().unwrap();
    Recorded {
        request: request.to_owned(),
        status: status.parse().unwrap(),
        content_type: header("content-type"),
        body: body.as_bytes()[..length].to_vec(),
    }
}

fn expected(name: &str) -> Class {
    let stem = name.trim_end_matches(".txt");
    match stem.split_once('-').unwrap().0 {
        // 37 was meant to be a refusal; the connection had just closed, and it worked.
        "01" | "13" | "14" | "15" | "23" | "24" | "30" | "34" | "37" | "39" | "43" | "45" | "56" | "60"
        | "62" | "72" | "80" | "90" | "97" => Class::Captured,
        "02" | "03" | "31" => Class::NoSuchPod,
        "04" | "32" => Class::NoSuchContainer,
        "05" | "19" | "20" | "21" | "38" => Class::NotRunning,
        "06" | "07" | "41" => Class::Unauthenticated,
        "08" | "09" | "10" => Class::ForbiddenByKubelet,
        "11" | "42" => Class::MethodNotAllowed,
        "12" => Class::BadPath,
        "16" | "17" | "40" => Class::BadTimeout,
        "18" => Class::NegativeTimeout,
        "22" => Class::CriuRefused,
        "33" | "35" => Class::ForbiddenByApiServer,
        "36" => Class::NoSuchNode,
        "44" if stem.ends_with('b') => Class::Captured,
        "44" => Class::Concurrent,
        "50" | "51" | "52" | "53" | "54" | "55" | "95" => Class::NotServed,
        "61" | "63" | "81" | "82" | "83" | "84" => Class::RuntimeTimeout,
        "70" => Class::CriuMissing,
        "71" => Class::DiskFull,
        "73" => Class::KubeletUnreachable,
        // /healthz, which answers `ok`: not an answer to a checkpoint.
        "74" => Class::Unknown,
        "96" => Class::NoSuchResource,
        other => panic!("no expectation for {other}"),
    }
}

fn context(route: Route) -> Context<'static> {
    Context {
        route,
        node: "lab-node",
        namespace: "default",
        pod: "counter",
        container: "counter",
        runtime: Some("containerd://2.1.9"),
        timeout: None,
    }
}

fn said(status: u16, body: &str) -> Explanation {
    explain(status, Some("text/plain; charset=utf-8"), body.as_bytes(), &context(Route::ApiServer))
}

#[test]
fn every_recorded_answer_has_its_class() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/kubelet-http");
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.len() > 60, "only {} records", names.len());
    for name in names {
        let record = recorded(&name);
        let route =
            if record.request.contains(":10250/checkpoint") { Route::Kubelet } else { Route::ApiServer };
        let answer = explain(record.status, record.content_type.as_deref(), &record.body, &context(route));
        assert_eq!(answer.class, expected(&name), "{name}: {answer}");
        let shown = answer.to_string();
        assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{name} reaches the terminal raw");
        if answer.class == Class::Captured {
            let path = answer.archive.unwrap();
            assert!(path.starts_with("/var/lib/kubelet/checkpoints/checkpoint-"));
        } else {
            assert!(!answer.cause.is_empty(), "{name} has no cause");
            assert!(!answer.remedies.is_empty(), "{name} has no remedy");
        }
    }
}

#[test]
fn a_refusal_names_the_usual_reason_and_the_log() {
    let record = recorded("22-kubelet-criu-refuses-tcp.txt");
    let answer = explain(record.status, None, &record.body, &context(Route::ApiServer));
    let shown = answer.to_string();
    assert!(shown.contains("tcp-established"), "{shown}");
    assert!(shown.contains("/etc/criu/runc.conf"), "{shown}");
    assert!(shown.contains("criu-dump.log"), "{shown}");
    assert!(!shown.contains("org.criu.config"), "containerd ignores it");
    let crio = Context { runtime: Some("cri-o://1.36.0"), ..context(Route::ApiServer) };
    let shown = explain(record.status, None, &record.body, &crio).to_string();
    assert!(shown.contains("org.criu.config"), "{shown}");
}

#[test]
fn a_full_disk_names_what_stays() {
    let record = recorded("71-checkpoints-dir-full.txt");
    let answer = explain(record.status, None, &record.body, &context(Route::ApiServer));
    assert_eq!(
        answer.archive.as_deref(),
        Some("/var/lib/kubelet/checkpoints/checkpoint-counter_default-counter-2026-11-23T17:27:35Z.tar")
    );
    assert!(answer.to_string().contains("(partial)"));
}

#[test]
fn the_two_refusals_of_rights_ask_for_different_rules() {
    let record = recorded("35-api-no-role.txt");
    let by_api =
        explain(record.status, record.content_type.as_deref(), &record.body, &context(Route::ApiServer));
    let yaml = by_api.rbac.unwrap();
    assert!(yaml.contains("nodes/proxy"), "{yaml}");
    assert!(yaml.contains("name: none"), "the user is named: {yaml}");

    let record = recorded("09-kubelet-proxy-role-only.txt");
    let by_kubelet =
        explain(record.status, record.content_type.as_deref(), &record.body, &context(Route::Kubelet));
    let yaml = by_kubelet.rbac.unwrap();
    assert!(yaml.contains("nodes/checkpoint"), "{yaml}");
    let through = said(
        403,
        "Forbidden (user=kube-apiserver-kubelet-client, verb=create, resource=nodes, subresource(s)=[checkpoint])\n",
    );
    assert!(through.cause.contains("kube-apiserver-kubelet-client"));
    assert!(through.rbac.unwrap().contains("kube-apiserver-kubelet-client"));
}

#[test]
fn answers_known_from_source_code_have_their_class() {
    let cases = [
        (
            500,
            "checkpointing of a/b/c failed (rpc error: code = Unimplemented desc = unknown method CheckpointContainer for service runtime.v1.RuntimeService)",
            Class::RuntimeTooOld,
        ),
        (
            500,
            "checkpointing of a/b/c failed (rpc error: code = Unknown desc = checkpoint/restore support not available)",
            Class::RuntimeDisabled,
        ),
        (
            500,
            "checkpointing of a/b/c failed (rpc error: code = Unknown desc = criu support is disabled by configuration)",
            Class::RuntimeDisabled,
        ),
        (
            500,
            "checkpointing of a/b/c failed (rpc error: criu binary not found in shim path or system PATH)",
            Class::CriuMissing,
        ),
        (
            500,
            "checkpointing of a/b/c failed (checkpoint/restore requires at least CRIU 31600, current version is 31500)",
            Class::CriuMissing,
        ),
        (
            500,
            "checkpointing of a/b/c failed (container x is in CONTAINER_EXITED state. only created or running containers can be checkpointed)",
            Class::NotRunning,
        ),
        (
            500,
            "checkpointing of a/b/c failed (criu failed: type NOTIFY errno 0 log file: /run/x/dump.log)",
            Class::CriuRefused,
        ),
        (500, "something new", Class::KubeletError),
        (429, "too many", Class::TooManyRequests),
        (504, "<html>gateway</html>", Class::GatewayTimeout),
        (502, "<html>bad</html>", Class::KubeletUnreachable),
        (418, "teapot", Class::Unknown),
        (200, "{\"items\":[]}", Class::Unknown),
        (200, "{\"items\":[\"/a\",\"/b\"]}", Class::Unknown),
        (404, "never heard of it", Class::Unknown),
    ];
    for (status, body, class) in cases {
        assert_eq!(said(status, body).class, class, "{status} {body}");
    }
}

#[test]
fn a_hostile_body_is_shown_escaped_and_cut() {
    let hostile = format!("\x1b]0;owned\x07{}", "A".repeat(100_000));
    let shown = said(500, &hostile).to_string();
    assert!(shown.len() < 4000);
    assert!(!shown.contains('\x1b') && !shown.contains('\x07'));
    let shown = said(403, "Forbidden (user=\x1b[31mx\n---\nkind: Evil, verb=create").to_string();
    assert!(!shown.contains('\x1b') && !shown.contains("\n---\nkind: Evil"), "{shown}");
}
