//! Signed and encrypted captures, checked by the real `ssh-keygen` and `age`
//! where they are installed.

#![cfg(unix)]

mod support;

use std::path::Path;
use std::process::{Command, Stdio};

use age::secrecy::ExposeSecret as _;
use support::{Fake, Fault, LOCAL, Ran, Scenario, pattern};

const SEALED: &str = "checkpoint-web_shop-app-2026-11-23T17-23-57Z.tar.age";

fn is_installed(tool: &str) -> bool {
    let found =
        ["/usr/bin", "/usr/local/bin", "/bin"].iter().any(|place| Path::new(place).join(tool).exists());
    if !found {
        println!("SKIPPED: {tool} is not installed");
    }
    found
}

fn keygen(directory: &Path, name: &str, kind: &[&str]) {
    let status = Command::new("ssh-keygen")
        .args(["-q", "-C", "jo@example.com", "-f", name])
        .args(kind)
        .current_dir(directory)
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{kind:?}");
}

/// A list in which jo's key is.
fn allow(directory: &Path, key: &str, options: &str) {
    let public = std::fs::read_to_string(directory.join(format!("{key}.pub"))).unwrap();
    std::fs::write(directory.join("allowed"), format!("# who\njo@example.com {options} {public}")).unwrap();
}

/// What OpenSSH says of a signature.
fn openssh_accepts(directory: &Path, file: &str) -> bool {
    let output = Command::new("ssh-keygen")
        .args(["-Y", "verify", "-f", "allowed", "-I", "jo@example.com", "-n", "checkpoint", "-s"])
        .arg(format!("{file}.sig"))
        .current_dir(directory)
        .stdin(std::fs::File::open(directory.join(file)).unwrap())
        .output()
        .unwrap();
    output.status.success()
}

fn ok(ran: &Ran) {
    assert_eq!(ran.code, Some(0), "{} {}", ran.stderr, String::from_utf8_lossy(&ran.stdout));
}

fn captured(scenario: &Scenario, prepare: impl FnOnce(&Path), args: &[&str]) -> (Fake, Ran) {
    let fake = Fake::start(scenario.clone());
    prepare(&fake.home());
    let ran = fake.run(args);
    assert!(fake.pods_left().is_empty(), "{}", ran.stderr);
    (fake, ran)
}

#[test]
fn signatures_are_those_of_openssh() {
    if !is_installed("ssh-keygen") {
        return;
    }
    let kinds: [&[&str]; 4] = [
        &["-t", "ed25519", "-N", ""],
        &["-t", "ecdsa", "-b", "256", "-N", ""],
        &["-t", "ecdsa", "-b", "384", "-N", ""],
        &["-t", "rsa", "-b", "2048", "-N", ""],
    ];
    for kind in kinds {
        let prepare = |home: &Path| {
            keygen(home, "key", kind);
            allow(home, "key", "namespaces=\"checkpoint\"");
        };
        let (fake, ran) = captured(&Scenario::default(), prepare, &["web", "--sign", "key"]);
        ok(&ran);
        let record = format!("{LOCAL}.evidence.json");
        for file in [LOCAL, &record] {
            assert!(openssh_accepts(&fake.home(), file), "{kind:?} {file}");
        }
        let signature = &fake.record(&record)[0]["signature"];
        assert_eq!(signature["namespace"], "checkpoint");
        assert!(signature["fingerprint"].as_str().unwrap().starts_with("SHA256:"));
        let ran = fake.run(&["verify", LOCAL, "--allowed-signers", "allowed", "-o", "json"]);
        ok(&ran);
        let item = &ran.json()["items"][0];
        assert_eq!(item["archiveSignature"]["state"], "good", "{item}");
        assert_eq!(item["archiveSignature"]["signer"], "jo@example.com");
        assert_eq!(item["recordSignature"]["state"], "good", "{item}");
        assert_eq!(item["recordSignature"]["lines"], 2);
        // One that OpenSSH made itself, with its own choice of digest.
        std::fs::remove_file(fake.home().join(format!("{LOCAL}.sig"))).unwrap();
        let status = Command::new("ssh-keygen")
            .args(["-q", "-Y", "sign", "-f", "key", "-n", "checkpoint", LOCAL])
            .current_dir(fake.home())
            .status()
            .unwrap();
        assert!(status.success());
        ok(&fake.run(&["verify", LOCAL, "--allowed-signers", "key.pub", "--quiet"]));
    }
}

#[test]
fn what_was_not_signed_by_the_right_key_is_found_out() {
    if !is_installed("ssh-keygen") {
        return;
    }
    let prepare = |home: &Path| {
        keygen(home, "key", &["-t", "ed25519", "-N", ""]);
        keygen(home, "other", &["-t", "ed25519", "-N", ""]);
        allow(home, "key", "");
    };
    let (fake, ran) = captured(&Scenario::default(), prepare, &["web", "--sign", "key"]);
    ok(&ran);
    let home = fake.home();
    let verify = |code: i32, word: &str, args: &[&str]| {
        let ran = fake.run(&[&["verify", LOCAL], args].concat());
        assert_eq!(ran.code, Some(code), "{args:?} {}", ran.stderr);
        let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &ran.stderr;
        assert!(said.contains(word), "{args:?} {said}");
    };
    verify(0, "--allowed-signers says", &[]);
    verify(0, "yes", &["--allowed-signers", "allowed"]);
    verify(1, "may not sign", &["--allowed-signers", "other.pub"]);
    allow(&home, "key", "namespaces=\"git\"");
    verify(1, "not for the namespace", &["--allowed-signers", "allowed"]);
    allow(&home, "key", "valid-before=\"20200101\"");
    verify(1, "any more", &["--allowed-signers", "allowed"]);
    allow(&home, "key", "");
    // A line more is no harm, and said; a line that was signed and changed is.
    verify(0, "yes", &["--append"]);
    verify(0, "from 3 on were added after it was signed", &["--allowed-signers", "allowed"]);
    verify(0, "yes", &["--append", "--sign", "key", "--allowed-signers", "allowed"]);
    verify(0, "yes", &["--allowed-signers", "allowed", "--quiet"]);
    let record = home.join(format!("{LOCAL}.evidence.json"));
    assert_eq!(fake.record(&format!("{LOCAL}.evidence.json"))[3]["step"], "verify");
    let lines = std::fs::read_to_string(&record).unwrap();
    // The last line can be changed without breaking the chain; not the signature.
    let (before, last) = lines.trim_end().rsplit_once('\n').unwrap();
    std::fs::write(&record, format!("{before}\n{}\n", last.replacen("\"intact\"", "\"Intact\"", 1))).unwrap();
    verify(1, "a line that was signed was changed", &[]);
    std::fs::write(&record, &lines).unwrap();
    std::fs::rename(home.join(format!("{LOCAL}.sig")), home.join("kept")).unwrap();
    verify(0, "partly", &[]);
    verify(1, "is not signed", &["--allowed-signers", "allowed"]);
    std::fs::write(home.join(format!("{LOCAL}.sig")), "no signature\n").unwrap();
    verify(1, "not one that an SSH key made", &[]);
    std::fs::copy(home.join(format!("{LOCAL}.evidence.json.sig")), home.join(format!("{LOCAL}.sig")))
        .unwrap();
    verify(1, "of another file", &[]);
}

#[test]
fn keys_that_cannot_sign_are_refused_before_the_freeze() {
    if !is_installed("ssh-keygen") {
        return;
    }
    let prepare = |home: &Path| {
        keygen(home, "locked", &["-t", "ed25519", "-N", "secret phrase"]);
        keygen(home, "pem", &["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", ""]);
        std::fs::write(home.join("junk"), "junk").unwrap();
    };
    let (fake, _) = captured(&Scenario::default(), prepare, &["doctor", "--rbac", "web"]);
    for (key, word) in [
        ("locked", "passphrase"),
        ("locked.pub", "public key"),
        ("pem", "ssh-keygen -p"),
        ("junk", "not an OpenSSH"),
        ("none", "cannot read"),
    ] {
        let ran = fake.run(&["web", "--sign", key]);
        assert_eq!(ran.code, Some(2));
        assert!(ran.stderr.contains(word), "{key}: {}", ran.stderr);
    }
    let ran = fake.run(&["web", "-", "--sign", "junk"]);
    assert!(ran.stderr.contains("DEST"), "{}", ran.stderr);
    assert_eq!(fake.posts(), 0, "nothing was frozen");
}

/// A key pair of age, the secret half in the file `key`.
fn pair(home: &Path, name: &str) -> String {
    let key = age::x25519::Identity::generate();
    std::fs::write(home.join(name), format!("# a key\n{}\n", key.to_string().expose_secret())).unwrap();
    key.to_public().to_string()
}

/// Whether a stretch of the archive is in any file here.
fn is_plain_anywhere(home: &Path, content: &[u8]) -> bool {
    let needle = &content[content.len() / 3..content.len() / 3 + 64];
    std::fs::read_dir(home).unwrap().any(|entry| {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        bytes.windows(needle.len()).any(|window| window == needle)
    })
}

fn evidence() -> Vec<u8> {
    std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/evidence/simple.tar")).unwrap()
}

#[test]
fn an_encrypted_capture_is_opened_by_its_identity_alone() {
    let content = evidence();
    let fake = Fake::start(Scenario { content: content.clone(), ..Scenario::default() });
    let home = fake.home();
    let recipient = pair(&home, "key");
    pair(&home, "other");
    let ran = fake.run(&["web", "--encrypt-to", &recipient, "-o", "json"]);
    ok(&ran);
    assert!(fake.pods_left().is_empty());
    assert!(fake.files().contains(&SEALED.to_owned()), "{:?}", fake.files());
    assert!(!is_plain_anywhere(&home, &content));
    assert_eq!(fake.mode(SEALED), 0o600);
    let item = &ran.json()["items"][0];
    assert_eq!(item["sizeBytes"], content.len());
    let line = &fake.record(&format!("{SEALED}.evidence.json"))[0];
    assert_eq!(line["encryption"]["format"], "age");
    assert_eq!(line["encryption"]["recipients"][0], recipient.as_str());
    assert_eq!(line["encryption"]["fileSizeBytes"], fake.read(SEALED).len());

    std::fs::write(home.join("plain.tar"), &content).unwrap();
    for command in [&["ps", "-o", "json"][..], &["files"], &["show"], &["images"], &["mem", "search", "root"]]
    {
        let of = |more: &[&str]| fake.run(&[command, more].concat());
        let plain = of(&["plain.tar"]);
        let sealed = of(&["--identity", "other", "--identity", "key", SEALED]);
        assert_eq!(plain.code, sealed.code, "{command:?} {}", sealed.stderr);
        let same = |ran: &Ran| String::from_utf8_lossy(&ran.stdout).replace(SEALED, "plain.tar");
        assert_eq!(same(&plain), same(&sealed), "{command:?}");
        assert!(!plain.stdout.is_empty());
    }
    // From a pipe as well.
    let mut child = fake.command(&["ps", "-", "--identity", "key"]);
    let child = child.stdin(std::fs::File::open(home.join(SEALED)).unwrap()).spawn().unwrap();
    let ran = Ran::wait(child, std::time::Duration::from_secs(30));
    assert_eq!(ran.code, fake.run(&["ps", "plain.tar"]).code, "{}", ran.stderr);

    for (args, word) in [
        (&["ps", SEALED][..], "--identity"),
        (&["ps", "--identity", "other", SEALED], "none of the identities"),
    ] {
        let ran = fake.run(args);
        assert_eq!(ran.code, Some(2));
        assert!(ran.stderr.contains(word), "{}", ran.stderr);
    }
    ok(&fake.run(&["verify", SEALED, "--identity", "key"]));
    let ran = fake.run(&["verify", SEALED]);
    ok(&ran);
    assert!(ran.stderr.contains("was not opened"), "{}", ran.stderr);
    // Cut off, it is found out with and without the key.
    let bytes = fake.read(SEALED);
    std::fs::write(home.join(SEALED), &bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(fake.run(&["verify", SEALED]).code, Some(1));
    assert_ne!(fake.run(&["verify", SEALED, "--identity", "key"]).code, Some(0));
    let ran = fake.run(&["ps", SEALED, "--identity", "key"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("cut off"), "{}", ran.stderr);
}

#[test]
fn it_is_age_both_ways() {
    if !is_installed("age") || !is_installed("ssh-keygen") {
        return;
    }
    let content = evidence();
    let fake = Fake::start(Scenario { content: content.clone(), ..Scenario::default() });
    let home = fake.home();
    let recipient = pair(&home, "key");
    keygen(&home, "ssh", &["-t", "ed25519", "-N", ""]);
    keygen(&home, "rsa", &["-t", "rsa", "-b", "2048", "-N", ""]);
    std::fs::write(home.join("list"), format!("# two\n\n{recipient}\n")).unwrap();
    ok(&fake.run(&["web", "--encrypt-to", "list", "--encrypt-to", "ssh.pub", "--encrypt-to", "rsa.pub"]));
    for identity in ["key", "ssh", "rsa"] {
        let output =
            Command::new("age").args(["-d", "-i", identity, SEALED]).current_dir(&home).output().unwrap();
        assert_eq!(output.stdout, content, "{identity} {}", String::from_utf8_lossy(&output.stderr));
        ok(&fake.run(&["verify", SEALED, "--identity", identity]));
    }
    std::fs::write(home.join("plain.tar"), &content).unwrap();
    for (name, args) in [
        ("made.age", vec!["-r", &recipient]),
        ("armoured", vec!["-a", "-r", &recipient]),
        ("ssh.age", vec!["-R", "ssh.pub"]),
    ] {
        let status = Command::new("age")
            .args(args)
            .args(["-o", name, "plain.tar"])
            .current_dir(&home)
            .status()
            .unwrap();
        assert!(status.success());
        let identities = ["show", "--identity", "key", "--identity", "ssh", name];
        assert_eq!(fake.run(&identities).code, fake.run(&["show", "plain.tar"]).code, "{name}");
    }
}

#[test]
fn torn_streams_go_on_and_ended_downloads_begin_anew() {
    let scenario = Scenario {
        content: pattern(600_000),
        streams: vec![Fault::Tear(100_000), Fault::ShortSuccess(150_000), Fault::None],
        ..Scenario::default()
    };
    let fake = Fake::start(scenario.clone());
    let recipient = pair(&fake.home(), "key");
    ok(&fake.run(&["web", "--encrypt-to", &recipient]));
    ok(&fake.run(&["verify", SEALED, "--identity", "key"]));
    assert_eq!(fake.seen.lock().unwrap().streams, 3);

    // The pod is gone in the middle: nothing of use is left, and nothing plain.
    let fake = Fake::start(Scenario { streams: vec![Fault::PodGone(300_000)], ..scenario.clone() });
    let recipient = pair(&fake.home(), "key");
    let ran = fake.run(&["web", "--encrypt-to", &recipient]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("begin anew:"), "{}", ran.stderr);
    assert!(!fake.files().iter().any(|name| name.contains(".part")), "{:?}", fake.files());
    assert!(!is_plain_anywhere(&fake.home(), &scenario.content));
    // What a killed run left is not added to, whether it is plain or not.
    let part = fake.home().join(format!("{SEALED}.part"));
    let reference = "node-1/checkpoint-web_shop-app-2026-11-23T17:23:57Z.tar";
    std::fs::write(&part, &scenario.content[..1000]).unwrap();
    let ran = fake.run(&["pull", reference, "--encrypt-to", &recipient]);
    assert!(ran.stderr.contains("not encrypted"), "{}", ran.stderr);
    std::fs::write(&part, b"age-encryption.org/v1\n-> X25519 cut").unwrap();
    let ran = fake.run(&["pull", reference, SEALED]);
    assert!(ran.stderr.contains("cannot be continued"), "{}", ran.stderr);
}

#[test]
fn pulled_and_removed_encrypted() {
    let mut content = pattern(300_000);
    content[257..262].copy_from_slice(b"ustar");
    let tools = vec!["cat", "wc", "tail", "head", "stat", "rm", "sha256sum", "date"];
    let fake = Fake::start(Scenario { content: content.clone(), tools, ..Scenario::default() });
    std::fs::write(fake.node_file(), &content).unwrap();
    let recipient = pair(&fake.home(), "key");
    let reference = "node-1/checkpoint-web_shop-app-2026-11-23T17:23:57Z.tar";
    std::fs::write(fake.home().join(format!("{SEALED}.part")), b"age-encryption.org/v1\n-> X25519 cut")
        .unwrap();
    ok(&fake.run(&["pull", reference, "--encrypt-to", &recipient]));
    ok(&fake.run(&["verify", SEALED, "--identity", "key"]));
    // Without the key the record says what is inside; another file is no copy.
    let whole = fake.read(SEALED);
    std::fs::write(fake.home().join(SEALED), &whole[..whole.len() - 9]).unwrap();
    assert_eq!(fake.run(&["rm", reference]).code, Some(2));
    assert!(fake.node_file().exists());
    std::fs::write(fake.home().join(SEALED), &whole).unwrap();
    ok(&fake.run(&["rm", reference]));
    assert!(!fake.node_file().exists());
    // To standard output.
    std::fs::write(fake.node_file(), &content).unwrap();
    let ran = fake.run(&["pull", reference, "-", "--encrypt-to", &recipient]);
    ok(&ran);
    std::fs::write(fake.home().join("out"), &ran.stdout).unwrap();
    assert!(ran.stdout.starts_with(b"age-encryption.org/v1\n"));
}

#[test]
fn recipients_are_read_before_the_freeze() {
    let fake = Fake::start(Scenario::default());
    pair(&fake.home(), "key");
    std::fs::write(fake.home().join("empty"), "# nobody\n").unwrap();
    std::fs::write(fake.home().join("wrong"), "age1wrong\n").unwrap();
    for (recipient, word) in [
        ("key", "secret key"),
        ("empty", "no recipient"),
        ("wrong", "line 1"),
        ("age1qqqq", "not a recipient"),
        ("nothing", "not a recipient"),
        ("ssh-dss AAAA", "ssh-ed25519"),
    ] {
        let ran = fake.run(&["web", "--encrypt-to", recipient]);
        assert_eq!(ran.code, Some(2));
        assert!(ran.stderr.contains(word), "{recipient}: {}", ran.stderr);
        assert!(!ran.stderr.contains("AGE-SECRET-KEY"), "{}", ran.stderr);
    }
    assert_eq!(fake.posts(), 0);
}
