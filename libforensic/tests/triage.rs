//! A triage of a process of this test: what the script of a collector pod
//! reads is compared with what /proc says.

#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::ops::ControlFlow;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use libforensic::analysis::extract;
use libforensic::analysis::overview::Overview;
use libforensic::analysis::pattern::Pattern;
use libforensic::analysis::search::Search;
use libforensic::model::{Answer, DescriptorKind, Engine, MappingKind};
use libforensic::{Checkpoint, ErrorKind};

const SCRIPT: &str = "../kubectl-checkpoint/src/cluster/triage.sh";
const ABOUT: &str = r#"{"kind":"Triage","namespace":"shop","pod":"web","container":"app","containerId":"c1","image":"img","memory":MEMORY}"#;

/// A process with known properties, ended when dropped.
struct Victim(Child);

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A shell that waits, with a deleted file, a file and a pipe open.
fn victim(work: &Path) -> Victim {
    let gone = work.join("gone away");
    let mut file = File::create(&gone).unwrap();
    file.write_all(b"0123456789").unwrap();
    fs::write(work.join("kept (deleted)"), "x").unwrap();
    let mut child = Command::new("/bin/sh")
        .args(["-c", "exec 5<'kept (deleted)'; echo ready; read -r line; :"])
        .current_dir(work)
        .env_clear()
        .env("MARK", "planted in the environment")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(file)
        .spawn()
        .unwrap();
    fs::remove_file(&gone).unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    Victim(child)
}

/// Runs the script as a collector does, with a /proc that holds this process only.
fn collect(work: &Path, pid: u32, memory: bool) -> PathBuf {
    let proc = work.join("proc");
    fs::create_dir_all(&proc).unwrap();
    let _ = symlink(format!("/proc/{pid}"), proc.join(pid.to_string()));
    let out = work.join("out");
    fs::create_dir_all(&out).unwrap();
    let about = ABOUT.replace("MEMORY", &memory.to_string());
    // Every line of a cgroup file has a slash.
    let ran = Command::new("/bin/sh")
        .args([
            Path::new(SCRIPT).as_os_str(),
            "/".as_ref(),
            about.as_ref(),
            if memory { "yes" } else { "no" }.as_ref(),
        ])
        .args([out.as_os_str(), "t.tar".as_ref(), proc.as_os_str()])
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(String::from_utf8_lossy(&ran.stdout).trim(), "processes 1");
    out.join("t.tar")
}

#[test]
fn what_proc_says_is_what_the_model_says() {
    let work = tempfile::tempdir().unwrap();
    let work = work.path().canonicalize().unwrap();
    let victim = victim(&work);
    let host = victim.0.id();
    let archive = collect(&work, host, false);
    let checkpoint = Checkpoint::open(&archive).unwrap();
    assert_eq!(checkpoint.warnings(), []);
    let summary = checkpoint.summary();
    assert_eq!(summary.engine, Engine::Triage);
    assert_eq!(summary.container.name.as_deref(), Some("app"));
    let acquisition = summary.acquisition.unwrap();
    assert!(!acquisition.frozen && !acquisition.memory && acquisition.began <= acquisition.ended);

    let pid = checkpoint.pids()[0];
    let process = checkpoint.process(pid).unwrap();
    let read = |name: &str| fs::read(format!("/proc/{host}/{name}")).unwrap();
    let strings = |list: Option<Vec<libforensic::model::Text>>| -> Vec<u8> {
        list.unwrap().iter().flat_map(|text| [text.as_bytes(), b"\0"].concat()).collect()
    };
    assert_eq!(strings(process.cmdline.clone()), read("cmdline"));
    assert_eq!(strings(process.environ.clone()), read("environ"));
    let exe = fs::read_link(format!("/proc/{host}/exe")).unwrap();
    assert_eq!(process.exe.as_ref().unwrap().to_lossy(), exe.to_string_lossy());
    assert_eq!(process.cwd.as_ref().unwrap().to_lossy(), work.to_string_lossy());
    let status = String::from_utf8(read("status")).unwrap();
    let line = |name: &str| status.lines().find_map(|l| l.strip_prefix(name)).unwrap().trim().to_owned();
    let uid = process.credentials.as_ref().unwrap().uid.real.unwrap();
    assert_eq!(line("Uid:").split_whitespace().next().unwrap(), uid.to_string());
    assert_eq!(format!("{:016x}", process.signals.caught.unwrap().0), line("SigCgt:"));
    assert_eq!(process.limits.as_ref().unwrap().len(), 16);
    // What /proc does not tell is not made up.
    assert!(process.threads[0].registers.is_none() && process.handlers.is_empty());

    let maps = String::from_utf8(read("maps")).unwrap();
    let mappings = checkpoint.mappings(pid).unwrap();
    assert_eq!(mappings.len(), maps.lines().count());
    for (mapping, line) in mappings.iter().zip(maps.lines()) {
        assert!(
            line.starts_with(&format!("{:08x}-{:08x} {}", mapping.start, mapping.end, mapping.perms)),
            "{line}"
        );
        assert_eq!(
            mapping.pages.dumped + mapping.pages.zero,
            0,
            "nothing was read, and nothing is zero: {line}"
        );
    }
    assert!(mappings.iter().any(|mapping| mapping.kind == MappingKind::Stack));

    let files = checkpoint.descriptors(pid).unwrap();
    let fd = |number| files.iter().find(|f| f.fd == number).unwrap();
    assert_eq!(fd(0).kind, Some(DescriptorKind::Pipe));
    let gone = fd(2);
    assert_eq!((gone.kind, gone.deleted, gone.size), (Some(DescriptorKind::Regular), Some(true), Some(10)));
    assert_eq!(gone.position, Some(10));
    assert!(gone.path.as_ref().unwrap().to_lossy().ends_with("/gone away"));
    // A file may be called so without being deleted.
    let kept = fd(5);
    assert_eq!(kept.deleted, Some(false));
    assert!(kept.path.as_ref().unwrap().to_lossy().ends_with("/kept (deleted)"));
    assert!(files.iter().all(|f| f.sharing.is_none()));

    let error = checkpoint.memory(pid).unwrap_err();
    assert!(error.kind() == ErrorKind::NotFound && error.to_string().contains("--memory"), "{error}");
    assert!(!checkpoint.mounts().is_empty());
    let answers = checkpoint.answerable();
    let of = |id: &str| answers.iter().find(|a| a.id == id).unwrap().answer;
    assert_eq!(
        (of("process.arguments"), of("files.deleted"), of("ipc")),
        (Answer::Yes, Answer::No, Answer::No)
    );
    // Images that a triage never has are not missed.
    look(&checkpoint);
    assert_eq!(checkpoint.warnings(), []);
    // The records that were made are not taken for members of the archive.
    assert!(checkpoint.members().all(|member| !member.name.to_lossy().ends_with(".img")));
}

#[test]
fn memory_is_where_it_was() {
    let work = tempfile::tempdir().unwrap();
    let work = work.path().canonicalize().unwrap();
    let victim = victim(&work);
    let host = victim.0.id();
    if File::open(format!("/proc/{host}/mem")).is_err() {
        eprintln!("SKIPPED: the memory of a child may not be read here");
        return;
    }
    let archive = collect(&work, host, true);
    let mut options = libforensic::model::Options::default();
    options.memory = true;
    let checkpoint = Checkpoint::open_with(&archive, options).unwrap();
    let pid = checkpoint.pids()[0];
    // fs/proc: field 50 of stat is where the environment begins.
    let stat = fs::read_to_string(format!("/proc/{host}/stat")).unwrap();
    let field = |n: usize| {
        stat.rsplit(')').next().unwrap().split_whitespace().nth(n - 3).unwrap().parse::<u64>().unwrap()
    };
    let mut bytes = vec![0; 31];
    let read = checkpoint.memory(pid).unwrap().read(field(50), &mut bytes).unwrap();
    assert_eq!(read.bytes, 31);
    assert_eq!(bytes, b"MARK=planted in the environment");
    // Of what was not there nothing is claimed.
    let mappings = checkpoint.mappings(pid).unwrap();
    assert!(mappings.iter().all(|mapping| mapping.pages.zero == 0));
    assert!(mappings.iter().any(|mapping| mapping.pages.dumped > 0));
    let total: u64 = mappings.iter().map(|mapping| mapping.pages.dumped * 4096).sum();
    assert_eq!(checkpoint.summary().sizes.memory_pages_bytes, total);
    look(&checkpoint);
    assert_eq!(checkpoint.warnings(), []);
}

#[test]
fn damage_costs_what_is_damaged() {
    let work = tempfile::tempdir().unwrap();
    let work = work.path().canonicalize().unwrap();
    let victim = victim(&work);
    let archive = collect(&work, victim.0.id(), false);
    let bytes = fs::read(&archive).unwrap();
    let cut = work.join("cut.tar");
    for step in (512..bytes.len()).step_by(bytes.len() / 15) {
        // Cut off, and with rubbish in the place of a block.
        fs::write(&cut, &bytes[..step]).unwrap();
        look_at(&cut);
        let mut other = bytes.clone();
        for (i, byte) in other[step..].iter_mut().take(512).enumerate() {
            *byte = u8::try_from((i * 31 + step) % 251).unwrap();
        }
        fs::write(&cut, other).unwrap();
        look_at(&cut);
    }
}

/// Asks for everything; only that it ends is expected.
fn look_at(archive: &Path) {
    if let Ok(checkpoint) = Checkpoint::open(archive) {
        look(&checkpoint);
    }
}

/// Asks for everything.
fn look(checkpoint: &Checkpoint) {
    let mut overview = Overview::default();
    for pid in checkpoint.pids() {
        let _ = (checkpoint.process(pid), checkpoint.mappings(pid), checkpoint.descriptors(pid));
        let _ = overview.process(checkpoint, pid);
    }
    let _ = (checkpoint.summary(), checkpoint.sockets(), checkpoint.mounts(), checkpoint.namespaces());
    let _ = (checkpoint.ipc(), checkpoint.network(), checkpoint.tmpfs_files(), checkpoint.logs());
    let _ = (checkpoint.cgroup_directories(), checkpoint.seccomp_filters(), checkpoint.answerable());
    let _ = (checkpoint.user_namespaces(), checkpoint.stats(), checkpoint.members().count());
    let _ = Search::new(vec![Pattern::literal("planted")]).unwrap().count(checkpoint);
    extract::objects(checkpoint, &mut |_| ControlFlow::Continue(()));
}
