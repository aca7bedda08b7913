//! `extract`, `mem dump` and `--rootfs`: what is written, from sample and from hostile evidence.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const SIMPLE: &str = "../examples/evidence/simple.tar";
const INCIDENT: &str = "../examples/evidence/incident.tar.gz";
const ZOO: &str = "../examples/evidence/zoo.tar.zst";

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kubectl-checkpoint"))
        .args(args)
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn address(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap().strip_prefix("0x").unwrap(), 16).unwrap()
}

/// Everything below a directory: path and metadata, links not followed.
fn tree(directory: &Path) -> BTreeMap<PathBuf, std::fs::Metadata> {
    let mut found = BTreeMap::new();
    let mut todo = vec![directory.to_path_buf()];
    while let Some(at) = todo.pop() {
        for entry in std::fs::read_dir(at).unwrap() {
            let entry = entry.unwrap();
            let meta = std::fs::symlink_metadata(entry.path()).unwrap();
            if meta.is_dir() {
                todo.push(entry.path());
            }
            found.insert(entry.path(), meta);
        }
    }
    found
}

struct Extracted {
    directory: tempfile::TempDir,
    items: Vec<Value>,
    output: Output,
}

impl Extracted {
    fn of(archive: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let out = directory.path().join("out");
        let output = run(&["extract", "-o", "json", "-d", out.to_str().unwrap(), archive]);
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(answer["kind"], "ExtractionList");
        let manifest = json(&out.join("manifest.json"));
        assert_eq!(manifest["items"], answer["items"]);
        Self { directory, items: answer["items"].as_array().unwrap().clone(), output }
    }

    fn item(&self, name: &str) -> &Value {
        self.items.iter().find(|i| i["name"] == name).unwrap_or_else(|| panic!("{name} in {:?}", self.items))
    }

    fn path(&self, item: &Value) -> PathBuf {
        self.directory.path().join("out").join(item["file"].as_str().unwrap())
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(self.item(name))).unwrap()
    }
}

#[test]
fn the_incident_gives_up_its_files() {
    let extracted = Extracted::of(INCIDENT);
    assert_eq!(extracted.output.status.code(), Some(0), "{}", said(&extracted.output));
    assert_eq!(extracted.bytes("/facts/run.sh").len(), 1044);
    assert!(extracted.bytes("/tmp/.x11-cache").starts_with(b"\x7fELF"));
    assert!(extracted.bytes("/memfd:planted-fileless").starts_with(b"\x7fELF"));
    assert!(extracted.bytes("/dev/shm/libplanted.so").starts_with(b"\x7fELF"));
    assert_eq!(extracted.bytes("tcp-stream-6226e received").len(), 158);
    assert_eq!(extracted.bytes("/etc/cron.d/planted").len(), 38);
    for kind in ["symlink", "directory", "special"] {
        let of_kind: Vec<_> = extracted.items.iter().filter(|i| i["type"] == kind).collect();
        assert!(!of_kind.is_empty() && of_kind.iter().all(|i| i["file"].is_null()), "{kind}");
    }
    // Every file is what the manifest says, and nothing else is there.
    let mut listed: Vec<PathBuf> = vec![extracted.directory.path().join("out/manifest.json")];
    for item in extracted.items.iter().filter(|i| !i["file"].is_null()) {
        let bytes = std::fs::read(extracted.path(item)).unwrap();
        assert_eq!(item["sizeBytes"], bytes.len());
        assert_eq!(item["sha256"], sha256(&bytes));
        listed.push(extracted.path(item));
    }
    listed.sort();
    let files = tree(&extracted.directory.path().join("out"));
    let there: Vec<_> = files.iter().filter(|f| f.1.is_file()).map(|f| f.0.clone()).collect();
    assert_eq!(there, listed);
    assert!(files.values().all(|m| m.is_file() || m.is_dir()));
}

fn sha256(bytes: &[u8]) -> String {
    use std::io::Write as _;
    let mut child = Command::new("sha256sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()[..64].to_owned()
}

#[test]
fn sparse_ghosts_of_a_real_container_stay_sparse() {
    let extracted = Extracted::of(ZOO);
    let ghost = extracted.item("/tmp/ghost-sparse");
    let bytes = std::fs::read(extracted.path(ghost)).unwrap();
    assert_eq!(bytes.len() as u64, ghost["sizeBytes"].as_u64().unwrap());
    assert!(bytes.iter().any(|b| *b != 0));
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let blocks = std::fs::metadata(extracted.path(ghost)).unwrap().blocks();
        assert!(blocks * 512 < bytes.len() as u64 / 2, "{blocks} blocks");
    }
    assert_eq!(extracted.bytes("/scratch/sub/deep/file").len(), 14);
    assert!(extracted.items.iter().any(|i| i["name"] == "/home/app/gone" && i["type"] == "directory"));
}

#[test]
fn nothing_is_overwritten_unless_asked_to() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().to_str().unwrap();
    std::fs::write(directory.path().join("manifest.json"), "mine").unwrap();
    let output = run(&["extract", "-d", out, SIMPLE]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("--force"), "{}", said(&output));
    assert_eq!(std::fs::read(directory.path().join("manifest.json")).unwrap(), b"mine");
    let output = run(&["extract", "--force", "-d", out, SIMPLE]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(json(&directory.path().join("manifest.json"))["kind"], "ExtractionList");
}

/// A tar entry with a name of any bytes.
fn entry(name: &[u8], kind: tar::EntryType, mode: u32, link: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    if name.len() > 99 || name.contains(&0) {
        let tail = [b" path=".as_slice(), name, b"\n"].concat();
        let mut len = tail.len();
        while len.to_string().len() + tail.len() != len {
            len = len.to_string().len() + tail.len();
        }
        let record = [len.to_string().as_bytes(), &tail].concat();
        out.extend(entry(b"pax", tar::EntryType::XHeader, 0o600, b"", &record));
    }
    let mut header = tar::Header::new_gnu();
    let old = header.as_old_mut();
    let n = name.len().min(99);
    old.name[..n].copy_from_slice(&name[..n]);
    old.linkname[..link.len()].copy_from_slice(link);
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(bytes.len() as u64);
    header.set_cksum();
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(bytes);
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

fn file(name: &[u8], bytes: &[u8]) -> Vec<u8> {
    entry(name, tar::EntryType::Regular, 0o644, b"", bytes)
}

/// The simple evidence with more members.
fn evidence(path: &Path, members: &[(&str, &[u8])]) {
    let mut out = Vec::new();
    let mut archive = tar::Archive::new(Cursor::new(std::fs::read(SIMPLE).unwrap()));
    for member in archive.entries().unwrap() {
        let mut member = member.unwrap();
        let name = member.path_bytes().into_owned();
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).unwrap();
        if member.header().entry_type().is_file() && members.iter().all(|m| m.0.as_bytes() != name) {
            out.extend(file(&name, &bytes));
        }
    }
    for (name, bytes) in members {
        out.extend(file(name.as_bytes(), bytes));
    }
    out.extend([0; 1024]);
    std::fs::write(path, out).unwrap();
}

#[test]
fn hostile_names_stay_inside() {
    let directory = tempfile::tempdir().unwrap();
    let outside = directory.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    let target = outside.to_str().unwrap().as_bytes().to_vec();
    let absolute = [&target[..], b"/absolute"].concat();
    let long = [b'x'; 1000];
    let longer = [&long[..], b"y"].concat();
    let mut diff = Vec::new();
    diff.extend(file(b"../../escape", b"1"));
    diff.extend(file(b"a/../../../escape", b"1b"));
    diff.extend(file(&absolute, b"2"));
    diff.extend(entry(b"link", tar::EntryType::Symlink, 0o777, &target, b""));
    diff.extend(file(b"link/through", b"3"));
    diff.extend(file(b"nul\0and\nnewline\x1b[m", b"4"));
    diff.extend(file(b"both", b"5"));
    diff.extend(file(b"both/file", b"6"));
    diff.extend(file(&long, b"7"));
    diff.extend(file(&longer, b"8"));
    diff.extend(file(&b"d/".repeat(300), b""));
    diff.extend(file(&[&b"d/".repeat(300)[..], b"deep"].concat(), b"9"));
    diff.extend(entry(b"hard", tar::EntryType::Link, 0o644, b"../../etc/passwd", b""));
    diff.extend(entry(b"fifo", tar::EntryType::Fifo, 0o644, b"", b""));
    diff.extend(entry(b"device", tar::EntryType::Block, 0o666, b"", b""));
    diff.extend(entry(b"setuid", tar::EntryType::Regular, 0o6755, b"", b"10"));
    diff.extend(file(b"manifest.json", b"11"));
    diff.extend(file(b"etc/.wh.gone", b""));
    diff.extend(file(b"opaque/.wh..wh..opq", b""));
    diff.extend([0; 1024]);
    let archive = directory.path().join("evil.tar");
    let members: [(&str, &[u8]); 3] = [
        ("rootfs-diff.tar", &diff),
        ("deleted.files", br#"["/etc/shadow"]"#),
        ("checkpoint/../../../../escape.log", b"12"),
    ];
    evidence(&archive, &members);
    let before = tree(directory.path()).len();
    let extracted = Extracted::of(archive.to_str().unwrap());
    assert_eq!(tree(directory.path()).len(), before, "something was made beside the directory");
    assert!(std::fs::read_dir(&outside).unwrap().next().is_none());
    let inside = tree(extracted.directory.path());
    for (path, meta) in &inside {
        assert!(meta.is_dir() || meta.is_file(), "{}", path.display());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = meta.permissions().mode() & 0o7777;
            assert!(meta.is_dir() || mode == 0o600, "{} has {mode:o}", path.display());
        }
        let text = path.to_str().unwrap();
        assert!(!text.contains(['\n', '\x1b', '\0']), "{text}");
        assert!(text.split('/').all(|part| part != ".." && part.len() <= 255), "{text}");
    }
    assert_eq!(std::fs::read_dir(extracted.directory.path()).unwrap().count(), 1);
    // And nothing is lost.
    for content in ["1", "1b", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"] {
        let sum = sha256(content.as_bytes());
        let item = extracted.items.iter().find(|i| i["sha256"] == sum).unwrap_or_else(|| panic!("{content}"));
        assert_eq!(std::fs::read(extracted.path(item)).unwrap(), content.as_bytes());
    }
    assert_eq!(extracted.item("/setuid")["mode"], "6755");
    assert_eq!(extracted.item("/link")["type"], "symlink");
    assert_eq!(extracted.item("/link")["link"], outside.to_str().unwrap());
    assert_eq!(extracted.item("/hard")["link"], "../../etc/passwd");
    assert_eq!(extracted.item("/fifo")["type"], "special");
    assert_eq!(extracted.item("/etc/gone")["type"], "whiteout");
    assert_eq!(extracted.item("/opaque")["type"], "opaque");
    assert_eq!(extracted.item("/etc/shadow")["type"], "deleted");
}

#[test]
fn chunks_of_a_ghost_come_back_where_they_were() {
    let directory = tempfile::tempdir().unwrap();
    let archive = directory.path().join("ghost.tar");
    // ghost_file_entry: uid, gid, mode, dev, ino, chunks (9), size (10); then chunks: len (1), off (2).
    let mut image = [0x5456_4319_u32.to_le_bytes(), 0x5258_3605_u32.to_le_bytes()].concat();
    let mut record = |message: &[u8], payload: &[u8]| {
        image.extend(u32::try_from(message.len()).unwrap().to_le_bytes());
        image.extend(message);
        image.extend(payload);
    };
    record(&[8, 0, 16, 0, 24, 0xa4, 0x83, 2, 32, 0, 40, 7, 0x48, 1, 0x50, 0x80, 0x80, 0x80, 1], b"");
    record(&[8, 4, 16, 0], b"head");
    record(&[8, 6, 16, 0x81, 0x80, 0x40], b"middle");
    let limits = [("checkpoint/ghost-file-9.img", image.as_slice())];
    evidence(&archive, &limits);
    let extracted = Extracted::of(archive.to_str().unwrap());
    let ghost = extracted.items.iter().find(|i| i["source"] == "deleted-file").unwrap();
    let mut want = vec![0; 2 << 20];
    want[..4].copy_from_slice(b"head");
    want[(1 << 20) + 1..(1 << 20) + 7].copy_from_slice(b"middle");
    assert!(std::fs::read(extracted.path(ghost)).unwrap() == want);
    assert_eq!(ghost["sha256"], sha256(&want));
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        assert!(std::fs::metadata(extracted.path(ghost)).unwrap().blocks() * 512 < 1 << 16);
    }
    // Searched as one file, at the place in the file.
    let output = run(&["mem", "search", "-o", "json", "middle", archive.to_str().unwrap()]);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = answer["items"].as_array().unwrap().iter().find(|i| i["source"] == "deleted-file").unwrap();
    assert_eq!(address(&found["address"]), (1 << 20) + 1);
    // A file of nothing but holes is not written without end.
    let out = directory.path().join("limited");
    let output =
        run(&["extract", "--max-holes", "1M", "-d", out.to_str().unwrap(), archive.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let manifest = json(&out.join("manifest.json"));
    let ghost = manifest["items"].as_array().unwrap().iter().find(|i| i["source"] == "deleted-file").unwrap();
    assert!(ghost["file"].is_null() && ghost["error"].as_str().unwrap().contains("--max-holes"));
}

#[test]
fn a_dump_is_what_reading_gives_and_its_map_has_no_gaps() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("memory");
    let output = run(&["mem", "dump", "-o", "json", "-d", out.to_str().unwrap(), SIMPLE]);
    assert_eq!(output.status.code(), Some(3), "clean pages of files are not held: {}", said(&output));
    assert!(said(&output).contains("not in the evidence"));
    let map = json(&out.join("memory.json"));
    let items = map["items"].as_array().unwrap();
    let mappings: Value = serde_json::from_slice(&run(&["maps", "-o", "json", SIMPLE]).stdout).unwrap();
    assert_eq!(items.len(), mappings["items"].as_array().unwrap().len());
    let mut files = 0;
    for item in items {
        let (start, end) = (address(&item["start"]), address(&item["end"]));
        let mut at = start;
        let mut missing = 0;
        for range in item["ranges"].as_array().unwrap() {
            assert_eq!(address(&range["start"]), at);
            at = address(&range["end"]);
            if range["source"].is_null() {
                missing += at - address(&range["start"]);
                assert!(!range["missing"].as_str().unwrap().is_empty());
            }
        }
        assert_eq!(at, end, "{item}");
        assert_eq!(item["missingBytes"], missing);
        for written in item["files"].as_array().unwrap() {
            files += 1;
            let pid = item["pid"].to_string();
            let range = format!("{:x}-{:x}", address(&written["start"]), address(&written["end"]));
            let read = run(&["mem", "read", "--raw", "--fill", "0", "-p", &pid, &range, SIMPLE]);
            let bytes = std::fs::read(out.join(written["file"].as_str().unwrap())).unwrap();
            assert!(read.stdout == bytes, "{written}");
            assert_eq!(written["sha256"], sha256(&bytes));
        }
    }
    assert!(files > 10);
    let output = run(&["mem", "dump", "-d", out.to_str().unwrap(), SIMPLE]);
    assert_eq!(output.status.code(), Some(2), "the directory is not empty");
}

#[test]
fn one_range_becomes_one_file() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("stack.bin");
    let args = ["mem", "dump", "-p", "1", "--range", "7ffdda91cf34-7ffdda91cf50"];
    let output = run(&[&args[..], &["-O", out.to_str().unwrap(), SIMPLE]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(std::fs::read(&out).unwrap(), b"DB_PASSWORD=s3cr3t-Pa55w0rd!");
    let map = json(&directory.path().join("stack.bin.json"));
    assert_eq!(map["items"][0]["ranges"][0]["source"], "dump");
    assert_eq!(map["items"][0]["ranges"][0]["member"], "checkpoint/pages-1.img");
    let output = run(&[&args[..], &["-O", out.to_str().unwrap(), SIMPLE]].concat());
    assert_eq!(output.status.code(), Some(2), "the file exists");
}

/// The size and the build-id that CRIU recorded of the program of the simple evidence.
const SIZE: usize = 2_063_232;
const BUILD_ID: [u32; 5] = [272_946_708, 369_472_477, 4_290_025_297, 2_120_345_592, 2_486_027_813];

/// An ELF file with that build-id; page 2 is made of one byte.
fn program(byte: u8, size: usize, id: [u32; 5]) -> Vec<u8> {
    let mut elf = vec![0; size];
    elf[..6].copy_from_slice(b"\x7fELF\x02\x01");
    elf[32..40].copy_from_slice(&64_u64.to_le_bytes());
    elf[54..56].copy_from_slice(&56_u16.to_le_bytes());
    elf[56..58].copy_from_slice(&1_u16.to_le_bytes());
    elf[64..68].copy_from_slice(&4_u32.to_le_bytes());
    elf[72..80].copy_from_slice(&0x200_u64.to_le_bytes());
    elf[96..104].copy_from_slice(&36_u64.to_le_bytes());
    let note: Vec<u8> =
        [4, 20, 3, u32::from_le_bytes(*b"GNU\0")].iter().chain(&id).flat_map(|w| w.to_le_bytes()).collect();
    elf[0x200..0x200 + 36].copy_from_slice(&note);
    elf[0x2000..0x3000].fill(byte);
    elf
}

fn page(rootfs: &Path) -> (Vec<u8>, Option<i32>, String) {
    let args = ["mem", "read", "--raw", "-p", "1", "0x402000", "16", "--rootfs"];
    let output = run(&[&args[..], &[rootfs.to_str().unwrap(), SIMPLE]].concat());
    let said = said(&output);
    (output.stdout, output.status.code(), said)
}

#[test]
fn clean_pages_come_from_a_root_file_system_that_fits() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("root");
    std::fs::create_dir_all(root.join("usr/bin")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("/usr/bin", root.join("bin")).unwrap();
    std::fs::write(root.join("usr/bin/busybox"), program(b'a', SIZE, BUILD_ID)).unwrap();
    assert_eq!(page(&root), (vec![b'a'; 16], Some(0), String::new()));

    let tar = directory.path().join("root.tar");
    let bytes = [file(b"./bin/busybox", &program(b'b', SIZE, BUILD_ID)), vec![0; 1024]].concat();
    std::fs::write(&tar, bytes).unwrap();
    assert_eq!(page(&tar), (vec![b'b'; 16], Some(0), String::new()));

    for (size, id, why) in
        [(SIZE - 1, BUILD_ID, "bytes, and that one had"), (SIZE, [1, 2, 3, 4, 5], "build-ids differ")]
    {
        std::fs::write(root.join("usr/bin/busybox"), program(b'c', size, id)).unwrap();
        let (bytes, code, said) = page(&root);
        assert!(bytes.is_empty(), "a file that does not fit was used");
        assert_eq!(code, Some(3));
        assert!(said.contains(why) && said.contains("busybox"), "{said}");
    }

    std::fs::write(root.join("usr/bin/busybox"), program(b'd', SIZE, BUILD_ID)).unwrap();
    let rootfs = root.to_str().unwrap();
    let output = run(&["mem", "search", "-o", "json", "--rootfs", rootfs, "dddddddddddddddd", SIMPLE]);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = &answer["items"][0];
    assert_eq!(address(&found["address"]), 0x40_2000);
    assert_eq!(found["layer"], "rootfs");
    assert_eq!(found["member"], Value::Null, "it is in no member of the evidence");
}

/// Writes an OCI layout of layers, the lowest first.
fn layout(directory: &Path, layers: &[Vec<u8>]) {
    let blobs = directory.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).unwrap();
    let blob = |bytes: &[u8]| {
        let digest = sha256(bytes);
        std::fs::write(blobs.join(&digest), bytes).unwrap();
        format!("sha256:{digest}")
    };
    let list: Vec<Value> = layers
        .iter()
        .map(|l| {
            serde_json::json!({"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": blob(l), "size": l.len()})
        })
        .collect();
    let manifest = serde_json::json!({"schemaVersion": 2, "layers": list}).to_string();
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let other = serde_json::json!({"mediaType": kind, "digest": format!("sha256:{}", "0".repeat(64)), "size": 1,
        "platform": {"architecture": "arm64", "os": "linux"}});
    let ours = serde_json::json!({"mediaType": kind, "digest": blob(manifest.as_bytes()), "size": manifest.len(),
        "platform": {"architecture": "amd64", "os": "linux"}});
    let index = serde_json::json!({"schemaVersion": 2, "manifests": [other, ours]});
    std::fs::write(directory.join("index.json"), index.to_string()).unwrap();
    std::fs::write(directory.join("oci-layout"), r#"{"imageLayoutVersion": "1.0.0"}"#).unwrap();
}

#[test]
fn layers_of_an_image_are_applied_with_their_whiteouts() {
    let directory = tempfile::tempdir().unwrap();
    let layer = |files: Vec<Vec<u8>>| [files.concat(), vec![0; 1024]].concat();
    let busybox = |byte| file(b"bin/busybox", &program(byte, SIZE, BUILD_ID));

    let upper = directory.path().join("upper");
    layout(&upper, &[layer(vec![busybox(b'l')]), layer(vec![busybox(b'u')])]);
    assert_eq!(page(&upper), (vec![b'u'; 16], Some(0), String::new()));

    for (name, mark) in
        [("file", b"bin/.wh.busybox".as_slice()), ("directory", b".wh.bin"), ("opaque", b"bin/.wh..wh..opq")]
    {
        let path = directory.path().join(name);
        layout(&path, &[layer(vec![busybox(b'l')]), layer(vec![file(mark, b"")])]);
        let (bytes, code, _) = page(&path);
        assert!(bytes.is_empty(), "{name}: a file that a layer removed was used");
        assert_eq!(code, Some(3));
    }

    // An opaque mark hides what is below it, not what its own layer has.
    let path = directory.path().join("own");
    layout(&path, &[layer(vec![busybox(b'l')]), layer(vec![busybox(b'o'), file(b"bin/.wh..wh..opq", b"")])]);
    assert_eq!(page(&path), (vec![b'o'; 16], Some(0), String::new()));
}

#[test]
fn files_that_the_container_changed_come_from_the_engines_copy() {
    let directory = tempfile::tempdir().unwrap();
    let diff = [file(b"bin/busybox", &program(b'x', SIZE, BUILD_ID)), vec![0; 1024]].concat();
    let archive = directory.path().join("changed.tar");
    evidence(&archive, &[("rootfs-diff.tar", &diff)]);
    let root = directory.path().join("root");
    std::fs::create_dir_all(root.join("bin")).unwrap();
    std::fs::write(root.join("bin/busybox"), program(b'r', SIZE, BUILD_ID)).unwrap();
    for rootfs in [&[][..], &["--rootfs", root.to_str().unwrap()]] {
        let args = ["mem", "read", "--raw", "-p", "1", "0x402000", "16", archive.to_str().unwrap()];
        let output = run(&[&args[..2], rootfs, &args[2..]].concat());
        assert_eq!(output.stdout, vec![b'x'; 16], "{}", said(&output));
    }
}

#[test]
fn volumes_and_maps_of_bpf_are_searched_and_extracted() {
    let directory = tempfile::tempdir().unwrap();
    let archive = directory.path().join("more.tar");
    let mut volume = file(b"deep/secret.txt", b"in the volume: planted-9a1f");
    volume.extend([0; 1024]);
    // bpfmap_data_entry: map_id, keys_bytes, values_bytes, count; then keys and values.
    let mut image = [0x5456_4319_u32.to_le_bytes(), 0x6432_4033_u32.to_le_bytes()].concat();
    let message = [8, 77, 16, 8, 24, 16, 32, 2];
    image.extend(u32::try_from(message.len()).unwrap().to_le_bytes());
    image.extend(message);
    image.extend(b"key1key2");
    image.extend(b"planted-9a1f\0\0\0\0");
    evidence(&archive, &[("volumes/data.tar", &volume), ("checkpoint/bpfmap-data.img", &image)]);
    let output = run(&["mem", "search", "-o", "json", "planted-9a1f", archive.to_str().unwrap()]);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let found: Vec<_> = answer["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| (i["source"].as_str().unwrap(), address(&i["address"]), i["object"].as_str().unwrap()))
        .collect();
    assert_eq!(found, [("bpf-map", 8, "bpf map 77"), ("volume", 15, "/deep/secret.txt")]);
    let extracted = Extracted::of(archive.to_str().unwrap());
    assert_eq!(extracted.bytes("bpf map 77"), b"key1key2planted-9a1f\0\0\0\0");
    assert_eq!(extracted.bytes("/deep/secret.txt"), b"in the volume: planted-9a1f");
}

#[test]
fn shared_memory_whose_pages_are_in_a_parent_dump_comes_with_it() {
    const COMMON: u32 = 0x5456_4319;
    const PAGEMAP: u32 = 0x5608_4025;
    let directory = tempfile::tempdir().unwrap();
    let image = |records: &[&[u8]]| {
        let mut bytes = [COMMON.to_le_bytes(), PAGEMAP.to_le_bytes()].concat();
        for record in records {
            bytes.extend(u32::try_from(record.len()).unwrap().to_le_bytes());
            bytes.extend_from_slice(record);
        }
        bytes
    };
    // The head names pages-77.img; an entry has the address, the count and the flags: 4 is stored, 1 in the parent.
    let head: &[u8] = &[0x08, 77];
    let (name, pages) = ("checkpoint/pagemap-shmem-4242.img", "checkpoint/pages-77.img");
    let (old, new) = (directory.path().join("old.tar"), directory.path().join("new.tar"));
    let page = vec![b'p'; 4096];
    evidence(&old, &[(name, &image(&[head, &[0x08, 0, 0x10, 1, 0x20, 4]])), (pages, &page)]);
    evidence(&new, &[(name, &image(&[head, &[0x08, 0, 0x10, 1, 0x20, 1]])), (pages, b"")]);
    let (old, new) = (old.to_str().unwrap(), new.to_str().unwrap());
    let extract = |out: &str, parent: &[&str]| {
        let out = directory.path().join(out);
        let args = ["extract", "-d", out.to_str().unwrap(), "--source", "shared-memory", new];
        let output = run(&[&args, parent].concat());
        let items = json(&out.join("manifest.json"))["items"].as_array().unwrap().clone();
        let bytes =
            items.first().and_then(|i| i["file"].as_str()).map(|f| std::fs::read(out.join(f)).unwrap());
        (output, bytes)
    };
    let (output, bytes) = extract("with", &["--parent", old]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(bytes.unwrap(), page);
    let (output, bytes) = extract("without", &[]);
    assert_eq!(output.status.code(), Some(3));
    assert!(said(&output).contains("--parent"), "{}", said(&output));
    assert_ne!(bytes, Some(page));
}

#[cfg(unix)]
#[test]
fn a_dump_that_is_ended_leaves_no_file_with_its_name() {
    use std::time::{Duration, Instant};
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out");
    // Gigabytes of zeros are hashed for this range, which takes longer than the signals.
    let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-checkpoint"))
        .args([
            "mem",
            "dump",
            "-p",
            "1",
            "--range",
            "0x10000+0x300000000",
            "-O",
            out.to_str().unwrap(),
            SIMPLE,
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let part = directory.path().join("out.part");
    let begin = Instant::now();
    while !part.exists() {
        assert!(begin.elapsed() < Duration::from_secs(60) && child.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(5));
    }
    let kill = || {
        let id = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        let _ = rustix::process::kill_process(id, rustix::process::Signal::INT);
    };
    kill();
    std::thread::sleep(Duration::from_millis(50));
    kill();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!out.exists());
    // The first signal may have come to its end: then the map is whole, and says so.
    let map = directory.path().join("out.json");
    if map.exists() {
        let warnings = json(&map)["warnings"].to_string();
        assert!(warnings.contains("interrupted"), "{warnings}");
    }
}
