//! Ways to say who one is: credential plugins, service accounts, OIDC, proxies.
//! The fake API server lets one bearer token in and no other.

#![cfg(unix)]

mod support;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use support::{Fake, LOCAL, Ran, Scenario, Tls};

fn run(mut command: Command) -> Ran {
    Ran::wait(command.spawn().unwrap(), Duration::from_secs(60))
}

fn came_home(fake: &Fake, ran: &Ran, scenario: &Scenario) {
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(fake.read(LOCAL), scenario.content);
    assert_eq!(fake.posts(), 1);
    assert_eq!(fake.seen.lock().unwrap().strangers, 0, "a request came without the right token");
    assert!(fake.pods_left().is_empty());
}

fn refused(fake: &Fake, ran: &Ran) {
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert_eq!(fake.posts(), 0, "{}", ran.stderr);
    assert!(fake.files().is_empty());
}

/// A script that prints a credential, and notes each call.
fn plugin(fake: &Fake, script: &str) -> PathBuf {
    let path = fake.work.path().join("plugin");
    std::fs::write(
        &path,
        format!("#!/bin/sh\necho called >>'{}/calls'\n{script}\n", fake.work.path().display()),
    )
    .unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    path
}

fn calls(fake: &Fake) -> usize {
    std::fs::read_to_string(fake.work.path().join("calls")).unwrap_or_default().lines().count()
}

/// The user of a kubeconfig that asks the plugin.
fn exec(command: &str, more: &str) -> String {
    format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: '{command}', interactiveMode: Never{more}}}}}"
    )
}

#[test]
fn a_plugin_gives_the_token() {
    // The token is what the plugin gets by its argument and its environment.
    let scenario = Scenario { token: String::from("secret-of-plugin"), ..Scenario::default() };
    let fake = Fake::start(scenario.clone());
    plugin(
        &fake,
        r#"case "$KUBERNETES_EXEC_INFO" in *'"ExecCredential"'*'"server"'*) ;; *) exit 9 ;; esac
echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"'"$1-of-$WHOSE"'"}}'"#,
    );
    // Like kubectl: a path in the kubeconfig is relative to its directory.
    let user =
        exec("./plugin", ", args: [secret], env: [{name: WHOSE, value: plugin}], provideClusterInfo: true");
    let ran = run(fake.command_as(&user, "", &["web/app"]));
    came_home(&fake, &ran, &scenario);
    // The client library asks for token and certificate each on its own.
    assert!(calls(&fake) > 0);
}

#[test]
fn a_token_that_ends_soon_is_asked_for_again() {
    let scenario = Scenario { token: String::from("short"), ..Scenario::default() };
    let fake = Fake::start(scenario.clone());
    let path = plugin(
        &fake,
        r#"end=$(date -u -d '+20 seconds' +%Y-%m-%dT%H:%M:%SZ)
echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"short","expirationTimestamp":"'"$end"'"}}'"#,
    );
    let mut command = fake.command_as(&exec(path.to_str().unwrap(), ""), "", &["web/app"]);
    command.env("PATH", "/usr/bin:/bin");
    let ran = run(command);
    came_home(&fake, &ran, &scenario);
    assert!(calls(&fake) > 1, "{} calls", calls(&fake));
}

#[test]
fn a_plugin_that_fails_is_named_and_its_secrets_are_not_shown() {
    let fake = Fake::start(Scenario::default());
    let path = plugin(&fake, "echo half-a-token; printf 'please log in\\033[2J' >&2; exit 7");
    let user = exec(path.to_str().unwrap(), ", args: [--profile, x], env: [{name: KEY, value: very-secret}]");
    let ran = run(fake.command_as(&user, "", &["web/app"]));
    refused(&fake, &ran);
    for part in ["plugin", "exit status: 7", "please log in"] {
        assert!(ran.stderr.contains(part), "{}", ran.stderr);
    }
    for part in ["very-secret", "half-a-token"] {
        assert!(!ran.stderr.contains(part), "{}", ran.stderr);
    }
}

#[test]
fn a_plugin_that_is_not_there_is_named_with_its_hint() {
    let fake = Fake::start(Scenario::default());
    let user = exec("no-such-plugin", ", installHint: 'brew install it'");
    let ran = run(fake.command_as(&user, "", &["web/app"]));
    refused(&fake, &ran);
    for part in ["no-such-plugin", "brew install it"] {
        assert!(ran.stderr.contains(part), "{}", ran.stderr);
    }
}

/// How to get a mount namespace of one's own; `None` where that may not be.
fn namespaces() -> Option<&'static str> {
    ["-m", "-rm"].into_iter().find(|flags| {
        let mount = "mount -t tmpfs none \"$(readlink -f /var/run)\"";
        Command::new("unshare")
            .args([flags, "sh", "-c", mount])
            .output()
            .is_ok_and(|out| out.status.success())
    })
}

/// The program in something like a pod: the files of a service account are
/// where every pod has them, and nobody else sees them there.
fn in_a_pod(fake: &Fake, flags: &str, tls: &Tls, args: &[&str]) -> Command {
    let account = fake.work.path().join("account");
    std::fs::create_dir(&account).unwrap();
    for (name, content) in [("token", "of-the-pod"), ("ca.crt", &tls.authority), ("namespace", "shop")] {
        std::fs::write(account.join(name), content).unwrap();
    }
    let script = "set -e
run=$(readlink -f /var/run)
mount -t tmpfs none \"$run\"
mkdir -p \"$run/secrets/kubernetes.io/serviceaccount\"
cp \"$1\"/* \"$run/secrets/kubernetes.io/serviceaccount/\"
shift
exec \"$@\"";
    let program = fake.command(args);
    let mut command = Command::new("unshare");
    command.args([flags, "sh", "-c", script, "sh"]).arg(&account).arg(program.get_program()).args(args);
    let address = fake.url().strip_prefix("https://").unwrap().to_owned();
    let (host, port) = address.split_once(':').unwrap();
    command
        .current_dir(fake.home())
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("KUBERNETES_SERVICE_HOST", host)
        .env("KUBERNETES_SERVICE_PORT", port)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    command
}

#[test]
fn in_a_pod_its_service_account_is_used() {
    let Some(flags) = namespaces() else {
        println!("SKIPPED: no mount namespace can be made here, so a pod's files cannot be put in place");
        return;
    };
    let tls = Tls::make();
    let scenario =
        Scenario { token: String::from("of-the-pod"), tls: Some(tls.clone()), ..Scenario::default() };
    let fake = Fake::start(scenario.clone());
    let ran = run(in_a_pod(&fake, flags, &tls, &["web/app", "-o", "json"]));
    came_home(&fake, &ran, &scenario);
    assert_eq!(ran.json()["items"][0]["namespace"], "shop", "the pod's own namespace is the default");

    // Without the authority that vouches for it the server is not spoken to.
    let fake = Fake::start(scenario);
    let ran = run(in_a_pod(&fake, flags, &Tls::make(), &["web/app"]));
    refused(&fake, &ran);
    assert!(ran.stderr.contains("certificate"), "{}", ran.stderr);
}

/// An id-token that is valid for so long.
fn id_token(seconds: i64) -> String {
    let now = jiff::Timestamp::now().as_second();
    let claims = format!("{{\"iss\":\"x\",\"sub\":\"jo\",\"exp\":{}}}", now + seconds);
    format!("{}.{}.sig", URL_SAFE_NO_PAD.encode("{\"alg\":\"none\"}"), URL_SAFE_NO_PAD.encode(claims))
}

struct Oidc {
    fake: Fake,
    scenario: Scenario,
    tls: Tls,
}

impl Oidc {
    fn start() -> Self {
        let tls = Tls::make();
        let scenario = Scenario { token: id_token(3600), tls: Some(tls.clone()), ..Scenario::default() };
        Self { fake: Fake::start(scenario.clone()), scenario, tls }
    }

    /// Captures with these fields of the auth-provider.
    fn run(&self, fields: &str) -> Ran {
        let user = format!(
            "{{auth-provider: {{name: oidc, config: {{idp-issuer-url: '{}', client-id: kubernetes, {fields}}}}}}}",
            self.fake.url()
        );
        let authority = format!(", certificate-authority-data: {}", STANDARD.encode(&self.tls.authority));
        let mut command = self.fake.command_as(&user, &authority, &["web/app"]);
        let roots = self.fake.work.path().join("roots.pem");
        std::fs::write(&roots, &self.tls.authority).unwrap();
        command.env("SSL_CERT_FILE", roots);
        run(command)
    }
}

#[test]
fn an_id_token_is_the_bearer_token() {
    let oidc = Oidc::start();
    let ran = oidc.run(&format!("id-token: '{}'", oidc.scenario.token));
    came_home(&oidc.fake, &ran, &oidc.scenario);
    assert!(oidc.fake.seen.lock().unwrap().refreshes.is_empty());
}

#[test]
fn an_id_token_that_ended_is_renewed_at_the_issuer() {
    // kubectl takes no id-token and no client-secret as well.
    let expired = format!("id-token: '{}', client-secret: s, refresh-token: good", id_token(-60));
    for fields in [expired.as_str(), "refresh-token: good"] {
        let oidc = Oidc::start();
        let ran = oidc.run(fields);
        came_home(&oidc.fake, &ran, &oidc.scenario);
        let seen = oidc.fake.seen.lock().unwrap();
        assert_eq!(seen.refreshes.len(), 1, "{:?}", seen.refreshes);
        assert!(seen.refreshes[0].contains("grant_type=refresh_token"), "{:?}", seen.refreshes);
    }
}

#[test]
fn an_id_token_that_cannot_be_renewed_is_said() {
    for fields in [
        format!("id-token: '{}'", id_token(-60)),
        format!("id-token: '{}', client-secret: s, refresh-token: bad", id_token(-60)),
    ] {
        let oidc = Oidc::start();
        let ran = oidc.run(&fields);
        refused(&oidc.fake, &ran);
        assert!(ran.stderr.contains("ID token expired"), "{}", ran.stderr);
        assert!(ran.stderr.contains("log in again"), "{}", ran.stderr);
    }
}

/// A proxy that passes connections on; returns its address and how many it passed.
fn proxy() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let passed = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&passed);
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let count = Arc::clone(&count);
            std::thread::spawn(move || tunnel(client.unwrap(), &count));
        }
    });
    (address, passed)
}

fn tunnel(mut client: TcpStream, count: &AtomicUsize) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if client.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let target = head.strip_prefix("CONNECT ").unwrap().split(' ').next().unwrap().to_owned();
    let mut server = TcpStream::connect(target).unwrap();
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
    count.fetch_add(1, Ordering::Relaxed);
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
    let _ = std::io::copy(&mut server, &mut client);
    let _ = client.shutdown(std::net::Shutdown::Both);
}

#[test]
fn the_proxy_of_the_kubeconfig_is_used() {
    let tls = Tls::make();
    for tls in [None, Some(tls)] {
        let scenario = Scenario { tls: tls.clone(), ..Scenario::default() };
        let fake = Fake::start(scenario.clone());
        let (address, passed) = proxy();
        let authority = tls.map_or_else(String::new, |tls| {
            format!(", certificate-authority-data: {}", STANDARD.encode(&tls.authority))
        });
        let cluster = format!(", proxy-url: 'http://{address}'{authority}");
        let ran = run(fake.command_as("{token: t}", &cluster, &["web/app"]));
        came_home(&fake, &ran, &scenario);
        assert!(passed.load(Ordering::Relaxed) > 0, "nothing went through the proxy");
    }
}

#[test]
fn a_token_file_is_read() {
    let scenario = Scenario { token: String::from("in-a-file"), ..Scenario::default() };
    let fake = Fake::start(scenario.clone());
    let path: &Path = fake.work.path();
    std::fs::write(path.join("token"), "in-a-file").unwrap();
    let ran = run(fake.command_as("{tokenFile: token}", "", &["web/app"]));
    came_home(&fake, &ran, &scenario);
}
