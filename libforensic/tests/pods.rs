//! Checkpoints of several containers, and containerd's own image of one.

use std::io::Write as _;
use std::path::Path;

use libforensic::Checkpoint;
use libforensic::archive::{Archive, OpenOptions};
use libforensic::model::Options;

const SIMPLE: &str = "../examples/evidence/simple.tar";
const COUNTER: &str = "../examples/evidence/counter.tar";

/// Unpacks the members of a tar below a directory.
fn unpack(tar: &str, into: &Path) {
    tar::Archive::new(std::fs::File::open(tar).unwrap()).unpack(into).unwrap();
}

fn tar_of(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        builder.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    builder.into_inner().unwrap()
}

/// An OCI layout as `ctr tasks checkpoint` and containerd's pod checkpoints write it: the images of CRIU
/// are a tar of their own, and there is no metadata of an engine.
fn containerd_layout(dump: &str) -> Vec<u8> {
    let archive = Archive::open(dump).unwrap();
    let images: Vec<(String, Vec<u8>)> = archive
        .members()
        .iter()
        .filter(|m| m.name.starts_with(b"checkpoint/") && m.size > 0)
        .map(|m| (m.display_name().trim_start_matches("checkpoint/").to_owned(), archive.read(m).unwrap()))
        .collect();
    let images: Vec<(&str, Vec<u8>)> = images.iter().map(|(n, b)| (n.as_str(), b.clone())).collect();
    let digest = |c: char| format!("sha256:{}", String::from(c).repeat(64));
    let blob = |c: char| format!("blobs/sha256/{}", String::from(c).repeat(64));
    let checkpoint = format!(
        r#"{{"schemaVersion":2,"manifests":[
        {{"mediaType":"application/vnd.containerd.container.criu.checkpoint.criu.tar","digest":"{}","size":1}},
        {{"mediaType":"application/vnd.containerd.container.checkpoint.config.v1+proto","digest":"{}","size":1}},
        {{"mediaType":"application/vnd.containerd.container.checkpoint.runtime.name","digest":"{}","size":1}}]}}"#,
        digest('a'),
        digest('b'),
        digest('c')
    );
    let index = format!(
        r#"{{"schemaVersion":2,"manifests":[
        {{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"{}","size":1}}]}}"#,
        digest('d')
    );
    tar_of(&[
        ("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()),
        ("index.json", index.into_bytes()),
        (&blob('a'), tar_of(&images)),
        (&blob('b'), vec![8, 1]),
        (&blob('c'), b"io.containerd.runc.v2".to_vec()),
        (&blob('d'), checkpoint.into_bytes()),
    ])
}

fn names(path: &Path) -> Vec<(String, Option<usize>)> {
    let containers = Checkpoint::open_pod(path, &Options::default()).unwrap().unwrap();
    let pids = |c: &libforensic::Result<Checkpoint>| c.as_ref().ok().map(|c| c.pids().len());
    containers.iter().map(|c| (c.name.clone(), pids(&c.checkpoint))).collect()
}

#[test]
fn an_image_of_containerds_own() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), containerd_layout(SIMPLE)).unwrap();
    let image = Checkpoint::open(file.path()).unwrap();
    let plain = Checkpoint::open(SIMPLE).unwrap();
    assert_eq!(image.pids(), plain.pids());
    assert_eq!(image.process(1).unwrap().cmdline, plain.process(1).unwrap().cmdline);
    assert!(Checkpoint::open_pod(file.path(), &Options::default()).unwrap().is_none());
}

#[test]
fn a_directory_for_every_container() {
    let directory = tempfile::tempdir().unwrap();
    let options = r#"{"version":1,"containers":{"web":"shop_web_1","counter":"counter"}}"#;
    std::fs::write(directory.path().join("pod.options"), options).unwrap();
    unpack(SIMPLE, &directory.path().join("shop_web_1"));
    unpack(COUNTER, &directory.path().join("counter"));
    let count = |path| Checkpoint::open(path).unwrap().pids().len();
    let expected = [("web".to_owned(), Some(count(SIMPLE))), ("counter".to_owned(), Some(count(COUNTER)))];
    let mut found = names(directory.path());
    found.sort_by(|a, b| b.cmp(a));
    assert_eq!(found, expected);

    // The same in a tar; the directories are archives of their own.
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_path_with_name(directory.path().join("pod.options"), "pod.options").unwrap();
    tar.append_dir_all("shop_web_1", directory.path().join("shop_web_1")).unwrap();
    tar.append_dir_all("counter", directory.path().join("counter")).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), tar.into_inner().unwrap()).unwrap();
    let mut found = names(file.path());
    found.sort_by(|a, b| b.cmp(a));
    assert_eq!(found, expected);
    let web = Checkpoint::open_pod(file.path(), &Options::default()).unwrap().unwrap();
    let web = web.into_iter().find(|c| c.name == "web").unwrap().checkpoint.unwrap();
    assert_eq!(web.metadata().container.id, Checkpoint::open(SIMPLE).unwrap().metadata().container.id);
    assert_eq!(
        web.process(1).unwrap().cmdline,
        Checkpoint::open(SIMPLE).unwrap().process(1).unwrap().cmdline
    );
}

#[test]
fn an_image_for_every_container_and_a_manifest_that_lies() {
    let manifest = r#"{"version":2,"containers":[{"name":"web","archive":"web.tar"},
        {"name":"up","archive":"../../etc/passwd"},{"name":"none","archive":"none.tar"}]}"#;
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("checkpoint-manifest.json"), manifest).unwrap();
    std::fs::write(directory.path().join("web.tar"), containerd_layout(SIMPLE)).unwrap();
    let expected = [("web".to_owned(), Some(3)), ("up".to_owned(), None), ("none".to_owned(), None)];
    assert_eq!(names(directory.path()), expected);

    let tar = tar_of(&[
        ("checkpoint-manifest.json", manifest.as_bytes().to_vec()),
        ("web.tar", containerd_layout(SIMPLE)),
    ]);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), tar).unwrap();
    assert_eq!(names(file.path()), expected);
    let refused = Checkpoint::open(file.path()).unwrap_err().to_string();
    assert!(refused.contains("web.tar"), "{refused}");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

#[test]
fn compressed_archives_in_a_pod_and_compressed_pods() {
    let manifest = r#"{"version":2,"containers":[{"name":"web","archive":"web.tar.gz"},
        {"name":"counter","archive":"counter.tar.zst"},{"name":"layout","archive":"layout.tar.gz"},
        {"name":"pod","archive":"pod.tar.gz"},{"name":"broken","archive":"broken.tar.gz"}]}"#;
    let inner_pod = tar_of(&[("pod.options", br#"{"version":1,"containers":{}}"#.to_vec())]);
    let simple = std::fs::read(SIMPLE).unwrap();
    let plain = tar_of(&[
        ("checkpoint-manifest.json", manifest.as_bytes().to_vec()),
        ("web.tar.gz", gzip(&simple)),
        ("counter.tar.zst", zstd::encode_all(std::fs::read(COUNTER).unwrap().as_slice(), 1).unwrap()),
        ("layout.tar.gz", gzip(&containerd_layout(SIMPLE))),
        // One pod in another is not gone into.
        ("pod.tar.gz", gzip(&inner_pod)),
        ("broken.tar.gz", b"\x1f\x8b and no more".to_vec()),
    ]);
    let expected =
        [("web", Some(3)), ("counter", Some(2)), ("layout", Some(3)), ("pod", None), ("broken", None)];
    let file = tempfile::NamedTempFile::new().unwrap();
    for bytes in [plain.clone(), gzip(&plain), zstd::encode_all(plain.as_slice(), 1).unwrap()] {
        std::fs::write(file.path(), bytes).unwrap();
        assert!(Checkpoint::may_be_pod(file.path(), &OpenOptions::default()));
        let found = names(file.path());
        let found: Vec<_> = found.iter().map(|(name, pids)| (name.as_str(), *pids)).collect();
        assert_eq!(found, expected);
        let open = Checkpoint::open_pod(file.path(), &Options::default()).unwrap().unwrap();
        let web = open[0].checkpoint.as_ref().unwrap();
        let alone = Checkpoint::open(SIMPLE).unwrap();
        assert_eq!(web.process(1).unwrap().cmdline, alone.process(1).unwrap().cmdline);
    }
    assert!(!Checkpoint::may_be_pod(SIMPLE, &OpenOptions::default()));
    assert!(!Checkpoint::may_be_pod("../examples/evidence/incident.tar.gz", &OpenOptions::default()));
}
