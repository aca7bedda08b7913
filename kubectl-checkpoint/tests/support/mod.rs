//! A Kubernetes API server on loopback that misbehaves on request.
//!
//! It speaks real HTTP and real WebSocket exec (v5.channel.k8s.io). Commands
//! are run by the real `/bin/sh` with a chosen set of tools, over a directory
//! that plays the node's: what is tested is what runs in a collector pod.

#![allow(dead_code, unreachable_pub, reason = "every test file uses a part of it")]

mod exec;
mod server;
mod tls;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

pub use tls::Tls;

pub const ARCHIVE: &str = "checkpoint-web_shop-app-2026-11-23T17:23:57Z.tar";
pub const LOCAL: &str = "checkpoint-web_shop-app-2026-11-23T17-23-57Z.tar";
pub const NODE_DIRECTORY: &str = "/var/lib/kubelet/checkpoints";

/// The name the kubelet gives an archive.
pub fn archive_name(pod: &str, container: &str) -> String {
    format!("checkpoint-{pod}_shop-{container}-2026-11-23T17:23:57Z.tar")
}

/// How the kubelet answers.
#[derive(Clone)]
pub enum Trigger {
    /// The archive is made.
    Success,
    /// Any answer: status, content type, body.
    Answer(u16, String, Vec<u8>),
    /// The connection ends without an answer.
    Reset,
    /// No answer ever.
    Hang,
}

/// How a stream of the archive goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    None,
    /// The connection breaks at this byte of the stream.
    Tear(usize),
    /// The command ends at this byte, with status Success.
    ShortSuccess(usize),
    /// The byte at this place is another.
    Corrupt(usize),
    /// Nothing more comes after this byte.
    Stall(usize),
    /// The pod is deleted at this byte.
    PodGone(usize),
    /// The exec is refused with this status.
    Refuse(u16),
    /// The API server goes away at this byte, and comes back a little later.
    Restart(usize),
}

/// How the creation of the collector goes.
#[derive(Clone, Copy, PartialEq)]
pub enum Creation {
    Normal,
    /// Refused, already when it is rehearsed.
    Forbidden(&'static str),
    /// The rehearsal passes, the creation does not.
    ForbiddenLate(&'static str),
    /// The pod is made, and the answer is lost.
    AnswerLost,
}

/// What becomes of the collector.
#[derive(Clone, Copy, PartialEq)]
pub enum Life {
    Running,
    Pending,
    ImagePullBackOff,
    BadHostPath,
}

/// How the removal of the collector goes.
#[derive(Clone, Copy, PartialEq)]
pub enum Removal {
    Normal,
    Forbidden,
    /// Fails this often, then works.
    Stumbles(usize),
}

/// What becomes of a `PodCheckpoint` object.
#[derive(Clone, Copy, PartialEq)]
pub enum Objects {
    /// Conditions and `checkpointLocation`, as KEP-5823 has them.
    Conditions,
    /// A phase and a path.
    Phase,
    /// The kubelet gives up.
    Failed,
    /// Nothing ever becomes of it.
    Forever,
    /// It is made, and the answer is lost.
    AnswerLost,
    /// It is not made, and there is no answer.
    NeverMade,
}

#[derive(Clone)]
pub struct Scenario {
    pub trigger: Trigger,
    pub content: Vec<u8>,
    /// For each stream of the archive in turn; the last one stays.
    pub streams: Vec<Fault>,
    pub creation: Creation,
    pub life: Life,
    pub removal: Removal,
    /// Tools on the collector's PATH.
    pub tools: Vec<&'static str>,
    /// Rights that are denied, as `verb resource`.
    pub denied: Vec<&'static str>,
    /// Subprotocol of exec.
    pub protocol: &'static str,
    /// State of the target's container.
    pub state: Value,
    /// Running pods of deployment/web.
    pub replicas: Vec<&'static str>,
    /// Pods that are elsewhere than on node-1.
    pub placement: Vec<(&'static str, &'static str)>,
    /// Containers of every target.
    pub containers: Vec<&'static str>,
    /// Pods that CRIU refuses.
    pub failing: Vec<&'static str>,
    /// How long a freeze takes.
    pub freeze: Duration,
    /// What the runtime calls the target's containers.
    pub container_id: &'static str,
    /// Specification of the target's containers.
    pub container: Value,
    /// Free disk of the node and memory of the container; None is not allowed to be seen.
    pub vitals: Option<(u64, u64)>,
    /// The answer to a request for a pod that cannot be there.
    pub probe: Trigger,
    /// Whether `PodCheckpoint` objects are served.
    pub pod_checkpoints: bool,
    /// The API group of these objects, and what becomes of one.
    pub group: &'static str,
    pub objects: Objects,
    /// The nodes, and whether each is ready.
    pub nodes: Vec<(&'static str, bool)>,
    /// The only bearer token that is let in.
    pub token: String,
    /// Speaks TLS, with this certificate.
    pub tls: Option<Tls>,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            trigger: Trigger::Success,
            content: pattern(300_000),
            streams: vec![Fault::None],
            creation: Creation::Normal,
            life: Life::Running,
            removal: Removal::Normal,
            tools: vec!["cat", "wc", "tail", "sha256sum", "date"],
            denied: Vec::new(),
            protocol: "v4.channel.k8s.io",
            state: serde_json::json!({"running": {"startedAt": "2026-11-23T17:00:00Z"}}),
            replicas: vec!["web"],
            placement: Vec::new(),
            containers: vec!["app"],
            failing: Vec::new(),
            freeze: Duration::ZERO,
            container_id: "containerd://c1",
            container: serde_json::json!({"name": "app", "image": "img"}),
            vitals: Some((1 << 40, 1 << 20)),
            probe: Trigger::Answer(404, "text/plain".into(), b"pod does not exist".to_vec()),
            pod_checkpoints: false,
            group: "checkpoint.k8s.io",
            objects: Objects::Conditions,
            nodes: vec![("node-1", true)],
            token: String::from("t"),
            tls: None,
        }
    }
}

/// Bytes that differ everywhere, so that a shift or a gap shows.
pub fn pattern(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut out = Vec::with_capacity(length + 8);
    while out.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend_from_slice(&state.to_le_bytes());
    }
    out.truncate(length);
    out
}

#[derive(Default)]
pub struct Seen {
    /// Paths with queries of checkpoint requests.
    pub checkpoints: Vec<String>,
    /// Collector pods that exist.
    pub pods: BTreeMap<String, Value>,
    /// Collector pods ever made.
    pub made: Vec<Value>,
    /// `PodCheckpoint` objects that were asked for, and how often one was looked at.
    pub objects: Vec<Value>,
    pub looks: usize,
    /// How many streams of the archive were begun.
    pub streams: usize,
    /// Bytes of archives that were sent.
    pub sent: usize,
    /// How many removals were asked for.
    pub removals: usize,
    /// Every request, as `METHOD path`.
    pub requests: Vec<String>,
    /// Freezes under way, by node, and the most there were.
    pub freezing: BTreeMap<String, usize>,
    pub most_on_one_node: usize,
    pub most_nodes: usize,
    /// Until when no request is answered.
    pub away: Option<Instant>,
    /// How many requests came with another token than the right one.
    pub strangers: usize,
    /// Bodies of requests for a new id-token.
    pub refreshes: Vec<String>,
}

pub struct Fake {
    pub seen: Arc<Mutex<Seen>>,
    pub work: TempDir,
    node: TempDir,
    _tools: TempDir,
    url: String,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
}

impl Fake {
    pub fn start(scenario: Scenario) -> Self {
        let node = tempfile::tempdir().unwrap();
        let tools = tempfile::tempdir().unwrap();
        for tool in &scenario.tools {
            let found = ["/usr/bin", "/bin"]
                .iter()
                .map(|directory| Path::new(directory).join(tool))
                .find(|path| path.exists())
                .unwrap_or_else(|| panic!("{tool} is needed to run the tests"));
            std::os::unix::fs::symlink(found, tools.path().join(tool)).unwrap();
        }
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = server::Shared {
            scenario: Arc::new(scenario),
            seen: Arc::clone(&seen),
            node: node.path().to_owned(),
            tools: tools.path().to_owned(),
        };
        let (url, stop) = server::start(shared);
        Self { seen, work: tempfile::tempdir().unwrap(), node, _tools: tools, url, stop: Some(stop) }
    }

    /// The program, set up for this server, in a directory of its own.
    pub fn command(&self, args: &[&str]) -> Command {
        self.command_as("{token: t}", "", args)
    }

    /// The program with this user in its kubeconfig, and more fields of the cluster.
    pub fn command_as(&self, user: &str, cluster: &str, args: &[&str]) -> Command {
        let config = self.kubeconfig();
        std::fs::write(
            &config,
            format!(
                "apiVersion: v1\nkind: Config\ncurrent-context: fake\n\
                 clusters: [{{name: c, cluster: {{server: '{}'{cluster}}}}}]\n\
                 users: [{{name: u, user: {user}}}]\n\
                 contexts: [{{name: fake, context: {{cluster: c, user: u, namespace: shop}}}}]\n",
                self.url
            ),
        )
        .unwrap();
        // Another build of the program can be tested by the same tests.
        let program = std::env::var_os("CHECKPOINT_TEST_PROGRAM");
        let mut command =
            Command::new(program.unwrap_or_else(|| env!("CARGO_BIN_EXE_kubectl-checkpoint").into()));
        command
            .args(args)
            .current_dir(self.home())
            .env_clear()
            .env("KUBECONFIG", config)
            .env("USER", "responder")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// The directory the program runs in.
    pub fn home(&self) -> PathBuf {
        let home = self.work.path().join("home");
        std::fs::create_dir_all(&home).unwrap();
        home
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        let child = self.command(args).spawn().unwrap();
        Ran::wait(child, Duration::from_secs(60))
    }

    /// Starts the program and waits until `ready` holds.
    pub fn spawn_until(&self, args: &[&str], ready: impl Fn(&Seen) -> bool) -> Child {
        let child = self.command(args).spawn().unwrap();
        let started = Instant::now();
        while !ready(&self.seen.lock().unwrap()) {
            assert!(started.elapsed() < Duration::from_secs(30), "it never got so far");
            std::thread::sleep(Duration::from_millis(10));
        }
        child
    }

    pub fn posts(&self) -> usize {
        self.seen.lock().unwrap().checkpoints.len()
    }

    pub fn pods_left(&self) -> Vec<String> {
        self.seen.lock().unwrap().pods.keys().cloned().collect()
    }

    /// Files the program left in its directory.
    pub fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.home())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// The same without what was saved before the freeze.
    pub fn files_after(&self) -> Vec<String> {
        let mut names = self.files();
        names.retain(|name| !name.contains(".context.json"));
        names
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.home().join(name)).unwrap()
    }

    pub fn mode(&self, name: &str) -> u32 {
        let metadata = std::fs::metadata(self.home().join(name)).unwrap();
        metadata.permissions().mode() & 0o777
    }

    /// Lines of an evidence record.
    pub fn record(&self, name: &str) -> Vec<Value> {
        String::from_utf8(self.read(name))
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    pub fn node_file(&self) -> PathBuf {
        self.node.path().join(ARCHIVE)
    }

    /// The directory that plays the node's.
    pub fn node_directory(&self) -> &Path {
        self.node.path()
    }

    pub fn kubeconfig(&self) -> PathBuf {
        self.work.path().join("kubeconfig")
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Ran {
    /// Waits for the program, and kills it when it hangs: a test that never
    /// ends says less than one that fails.
    pub fn wait(mut child: Child, limit: Duration) -> Self {
        let id = child.id();
        let mut stdout = child.stdout.take().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let read_out = std::thread::spawn(move || {
            let mut all = Vec::new();
            std::io::Read::read_to_end(&mut stdout, &mut all).map(|_| all)
        });
        let read_err = std::thread::spawn(move || {
            let mut all = Vec::new();
            std::io::Read::read_to_end(&mut stderr, &mut all).map(|_| all)
        });
        let started = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if started.elapsed() > limit {
                child.kill().unwrap();
                child.wait().unwrap();
                let stderr = read_err.join().unwrap().unwrap();
                panic!("process {id} hangs: {}", String::from_utf8_lossy(&stderr));
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let stderr = read_err.join().unwrap().unwrap();
        let ran = Self {
            code: status.code(),
            stdout: read_out.join().unwrap().unwrap(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        };
        assert!(
            ran.stderr.chars().all(|c| c == '\n' || !c.is_control()),
            "control characters on standard error: {:?}",
            ran.stderr
        );
        ran
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout).unwrap()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

pub fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// The answer that a recorded exchange holds.
pub fn recorded(name: &str) -> Trigger {
    let path = format!("{}/tests/fixtures/kubelet-http/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let (_, rest) = text.split_once('\n').unwrap();
    let (head, rest) = rest.split_once("\n\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let header = |wanted: &str| {
        head.lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(key, _)| key.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.trim().to_owned())
            .unwrap()
    };
    let length: usize = header("content-length").parse().unwrap();
    Trigger::Answer(status, header("content-type"), rest.as_bytes()[..length].to_vec())
}
