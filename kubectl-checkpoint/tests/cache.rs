//! `--cache`: what compressed archives unpack to, kept for the next command.

#![cfg(unix)]

use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};

const ZOO: &str = "../examples/evidence/zoo.tar.zst";

struct Case {
    directory: tempfile::TempDir,
    archive: PathBuf,
    cache: PathBuf,
}

impl Case {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let archive = directory.path().join("zoo.tar.zst");
        std::fs::copy(ZOO, &archive).unwrap();
        let cache = directory.path().join("cache");
        Self { directory, archive, cache }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-checkpoint"));
        command.args(args).arg(&self.archive).env("NO_COLOR", "1").stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).arg("--cache").arg(&self.cache).output().unwrap()
    }

    /// The answer that the archive gives, which must be the one without a cache.
    fn search(&self) -> Output {
        let cached = self.run(SEARCH);
        let plain = self.command(SEARCH).output().unwrap();
        assert_eq!(cached.status.code(), Some(0), "{}", said(&cached));
        assert!(cached.stdout == plain.stdout && !plain.stdout.is_empty());
        cached
    }

    /// Everything in the cache.
    fn entries(&self) -> Vec<PathBuf> {
        std::fs::read_dir(&self.cache).unwrap().map(|e| e.unwrap().path()).collect()
    }

    fn entry(&self) -> PathBuf {
        let entries = self.entries();
        assert_eq!(entries.len(), 1, "{entries:?}");
        entries[0].clone()
    }
}

const SEARCH: &[&str] = &["mem", "search", "-o", "json", "planted-sysv-shm"];

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn modified(path: &Path) -> SystemTime {
    std::fs::metadata(path).unwrap().modified().unwrap()
}

fn set_modified(path: &Path, time: SystemTime) {
    std::fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

#[test]
fn the_second_command_reads_what_the_first_has_kept() {
    let case = Case::new();
    assert_eq!(said(&case.search()), "");
    let entry = case.entry();
    let meta = std::fs::metadata(&entry).unwrap();
    assert_eq!((meta.mode() & 0o777, std::fs::metadata(&case.cache).unwrap().mode() & 0o777), (0o600, 0o700));
    assert_eq!(said(&case.search()), "");
    assert_eq!(std::fs::metadata(&entry).unwrap().ino(), meta.ino(), "the entry was made again");
    // It really is the entry that is read: with other bytes in it the answer is another.
    let bytes = std::fs::read(&entry).unwrap();
    let at = bytes.windows(16).position(|w| w == b"planted-sysv-shm").unwrap();
    let time = modified(&entry);
    std::fs::File::options().write(true).open(&entry).unwrap().write_at(b"P", at as u64).unwrap();
    set_modified(&entry, time);
    let other = case.run(SEARCH).stdout;
    assert_ne!(other, case.command(SEARCH).output().unwrap().stdout);
    // As anything that writes to it leaves it, it is not used any more.
    set_modified(&entry, time + Duration::from_secs(2));
    assert!(said(&case.search()).contains("it was changed"));
    assert_ne!(std::fs::metadata(case.entry()).unwrap().ino(), meta.ino());
    // What a command says of the archive does not change by it.
    for args in [&["show", "-o", "json"][..], &["images", "-o", "json"], &["ps", "-o", "json"]] {
        assert_eq!(case.run(args).stdout, case.command(args).output().unwrap().stdout);
    }
}

#[test]
fn an_archive_that_changed_has_another_entry_and_the_old_one_goes() {
    let case = Case::new();
    case.search();
    let old = case.entry();
    set_modified(&case.archive, SystemTime::now() - Duration::from_secs(3600));
    assert!(said(&case.search()).contains("the archive is not what it was"));
    assert_ne!(case.entry(), old);
    assert_eq!(said(&case.search()), "");
}

#[test]
fn what_is_not_the_users_own_is_not_used() {
    let case = Case::new();
    case.search();
    let entry = case.entry();
    let elsewhere = case.directory.path().join("elsewhere");
    // A link, even to what would fit.
    std::fs::rename(&entry, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &entry).unwrap();
    assert!(said(&case.search()).contains("is not used"));
    assert!(std::fs::symlink_metadata(&entry).unwrap().is_file());
    assert!(elsewhere.exists());
    // A file that others can read, and one with a second name.
    std::fs::set_permissions(&entry, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(said(&case.search()).contains("not the user's alone"));
    assert_eq!(std::fs::metadata(&entry).unwrap().mode() & 0o777, 0o600);
    std::fs::hard_link(&entry, case.directory.path().join("second")).unwrap();
    assert!(said(&case.search()).contains("not the user's alone"));
    // Another archive's entry, a cut one, a named pipe.
    let time = modified(&entry);
    let bytes = std::fs::read(&entry).unwrap();
    let replace = |bytes: &[u8]| {
        std::fs::write(&entry, bytes).unwrap();
        set_modified(&entry, time);
    };
    let mut other = bytes.clone();
    let key = other.len() - 20;
    other[key] ^= 1;
    replace(&other);
    assert!(said(&case.search()).contains("footer"));
    replace(&bytes[..bytes.len() / 2]);
    assert!(said(&case.search()).contains("footer"));
    replace(b"");
    assert!(said(&case.search()).contains("too short"));
    std::fs::remove_file(&entry).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &entry,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    assert!(said(&case.search()).contains("no regular file"));
    // A directory that others can write to is refused.
    std::fs::set_permissions(&case.cache, std::fs::Permissions::from_mode(0o777)).unwrap();
    let output = case.run(SEARCH);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("others can write to it"), "{}", said(&output));
}

#[test]
fn damaged_archives_are_not_kept_and_answer_as_without_a_cache() {
    let case = Case::new();
    let bytes = std::fs::read(&case.archive).unwrap();
    std::fs::write(&case.archive, &bytes[..bytes.len() / 2]).unwrap();
    let cached = case.run(&["ps", "-o", "json"]);
    let plain = case.command(&["ps", "-o", "json"]).output().unwrap();
    assert_eq!(cached.status.code(), plain.status.code());
    assert_eq!(cached.stdout, plain.stdout);
    assert!(said(&cached).contains("not kept in the cache"), "{}", said(&cached));
    assert!(case.entries().is_empty());
}

#[test]
fn commands_at_the_same_time_do_not_disturb_each_other() {
    let case = Case::new();
    let spawn = || {
        let mut command = case.command(SEARCH);
        command.arg("--cache").arg(&case.cache).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let children: Vec<_> = (0..4).map(|_| spawn()).collect();
    let expected = case.command(SEARCH).output().unwrap().stdout;
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert_eq!(output.stdout, expected);
    }
    case.entry();
}
