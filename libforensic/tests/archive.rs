//! Archives of every kind, whole and broken.

use std::io::{Cursor, Read, Write};
use std::path::Path;

use libforensic::ErrorKind;
use libforensic::archive::{Archive, Compression, Format, MemberKind, OpenOptions};

const SIMPLE: &str = "../examples/evidence/simple.tar";

fn read_stream(bytes: &[u8]) -> libforensic::Result<Archive> {
    Archive::from_reader(Cursor::new(bytes.to_vec()), "-", OpenOptions::default())
}

fn write_file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// Opens by path (seeking) and as a stream, and checks that both say the same.
fn both(bytes: &[u8]) -> (Archive, Archive) {
    let file = write_file(bytes);
    let seek = Archive::open(file.path()).unwrap();
    let stream = read_stream(bytes).unwrap();
    let list = |a: &Archive| -> Vec<_> {
        a.members().iter().map(|m| (m.name.clone(), m.kind, m.size, m.available, m.link.clone())).collect()
    };
    assert_eq!(list(&seek), list(&stream));
    for (a, b) in seek.members().iter().zip(stream.members()) {
        if a.kind == MemberKind::File {
            assert_eq!(seek.read(a).unwrap(), stream.read(b).unwrap(), "{}", a.display_name());
        }
    }
    (seek, stream)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, data) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(data.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append_data(&mut header, name, *data).unwrap();
    }
    builder.into_inner().unwrap()
}

#[test]
fn agrees_with_the_tar_crate_on_a_real_archive() {
    let archive = Archive::open(SIMPLE).unwrap();
    assert_eq!(archive.format(), Format::Tar);
    let mut oracle = tar::Archive::new(std::fs::File::open(SIMPLE).unwrap());
    let mut ours = archive.members().iter();
    let mut count = 0;
    for entry in oracle.entries().unwrap() {
        let mut entry = entry.unwrap();
        let member = ours.next().unwrap();
        let name = entry.path_bytes().into_owned();
        assert_eq!(member.name, name.strip_suffix(b"/").unwrap_or(&name));
        assert_eq!(member.size, entry.size());
        if member.kind == MemberKind::File {
            let mut data = Vec::new();
            entry.read_to_end(&mut data).unwrap();
            assert_eq!(archive.read(member).unwrap(), data, "{}", member.display_name());
            count += 1;
        }
    }
    assert!(ours.next().is_none());
    assert!(count > 30, "{count} files");
    assert!(archive.warnings().is_empty(), "{:?}", archive.warnings());
}

#[test]
fn compressed_archives_hold_the_same_as_the_plain_one() {
    let plain = std::fs::read(SIMPLE).unwrap();
    let half = plain.len() / 2;
    let two_members = [gzip(&plain[..half]), gzip(&plain[half..])].concat();
    let two_frames =
        [zstd::encode_all(&plain[..half], 3).unwrap(), zstd::encode_all(&plain[half..], 3).unwrap()].concat();
    let skippable =
        [b"\x50\x2a\x4d\x18\x04\0\0\0abcd".to_vec(), zstd::encode_all(&plain[..], 3).unwrap()].concat();
    let reference = Archive::open(SIMPLE).unwrap();
    for (bytes, compression) in [
        (gzip(&plain), Compression::Gzip),
        (two_members, Compression::Gzip),
        (two_frames, Compression::Zstd),
        (skippable, Compression::Zstd),
    ] {
        let (archive, _) = both(&bytes);
        assert_eq!(archive.compression(), compression);
        assert!(archive.warnings().is_empty(), "{:?}", archive.warnings());
        assert_eq!(archive.members().len(), reference.members().len());
        for (a, b) in reference.members().iter().zip(archive.members()) {
            assert_eq!(a.name, b.name);
            if a.kind == MemberKind::File {
                assert_eq!(reference.read(a).unwrap(), archive.read(b).unwrap());
            }
        }
    }
}

#[test]
fn large_members_left_out_while_streaming_are_unpacked_when_asked_for() {
    struct Nothing;
    impl libforensic::archive::Retention for Nothing {
        fn small(&mut self, _: &[u8], _: &[u8]) {}
        fn large(&mut self, name: &[u8], _: u64) -> libforensic::archive::Keep {
            if name == b"ranges" {
                libforensic::archive::Keep::Ranges(vec![10..20, 4096..8192])
            } else {
                libforensic::archive::Keep::Nothing
            }
        }
    }
    let large: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let tar = tar_of(&[("first", b"1"), ("big", &large), ("ranges", &large), ("last", b"2")]);
    let file = write_file(&gzip(&tar));
    let archive = Archive::open_with(file.path(), OpenOptions::default(), &mut Nothing).unwrap();
    let ranges = archive.member(b"ranges").unwrap();
    let mut buf = [0; 4096];
    assert_eq!(archive.read_at(ranges, 4096, &mut buf).unwrap(), 4096);
    assert_eq!(buf[..], large[4096..8192]);
    assert_eq!(archive.read(archive.member(b"big").unwrap()).unwrap(), large);
    assert_eq!(archive.read(ranges).unwrap(), large);
    assert_eq!(archive.read(archive.member(b"last").unwrap()).unwrap(), b"2");
}

#[test]
fn long_names_prefixes_and_links() {
    let long = format!("{}/{}", "d".repeat(150), "f".repeat(180));
    let mut builder = tar::Builder::new(Vec::new());
    for name in ["./dotted", long.as_str(), "plain"] {
        let mut header = tar::Header::new_gnu();
        header.set_size(3);
        header.set_cksum();
        builder.append_data(&mut header, name, &b"abc"[..]).unwrap();
    }
    // The same long name as a PAX record, with bytes that are not UTF-8.
    let odd = [b"odd-\xff\xfe-".to_vec(), vec![b'n'; 200]].concat();
    builder.append_pax_extensions([("path", odd.as_slice()), ("mtime", b"1700000000.5")]).unwrap();
    let mut header = tar::Header::new_ustar();
    header.set_path("short").unwrap();
    header.set_size(1);
    header.set_cksum();
    builder.append(&header, &b"x"[..]).unwrap();
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    builder.append_link(&mut header, "link", "../../etc/shadow").unwrap();
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Link);
    header.set_size(0);
    builder.append_link(&mut header, "hard", "plain").unwrap();
    let (archive, _) = both(&builder.into_inner().unwrap());

    assert!(archive.member(b"dotted").is_some());
    assert!(archive.member(long.as_bytes()).is_some());
    assert_eq!(archive.member(&odd).unwrap().mtime, Some(1_700_000_000));
    let link = archive.member(b"link").unwrap();
    assert_eq!(link.link.as_deref(), Some(&b"../../etc/shadow"[..]));
    assert_eq!(archive.data(link).unwrap_err().kind(), ErrorKind::NotFound);
    let hard = archive.member(b"hard").unwrap();
    assert_eq!(archive.read(hard).unwrap(), b"abc");
}

/// A sparse file of 10,000 bytes with `AAA…` at 1024 and `B…` at 8192, in one of four formats.
fn sparse(format: &str) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let stored = [vec![b'A'; 512], vec![b'B'; 100]].concat();
    let mut header = tar::Header::new_gnu();
    header.set_path("file").unwrap();
    match format {
        "gnu" => {
            header.set_entry_type(tar::EntryType::GNUSparse);
            header.set_size(612);
            let gnu = header.as_gnu_mut().unwrap();
            gnu.realsize.copy_from_slice(b"00000023420\0");
            gnu.sparse[0].offset.copy_from_slice(b"00000002000\0");
            gnu.sparse[0].numbytes.copy_from_slice(b"00000001000\0");
            gnu.sparse[1].offset.copy_from_slice(b"00000020000\0");
            gnu.sparse[1].numbytes.copy_from_slice(b"00000000144\0");
            header.set_cksum();
            builder.append(&header, &stored[..]).unwrap();
        }
        "0.0" => {
            builder
                .append_pax_extensions([
                    ("GNU.sparse.size", &b"10000"[..]),
                    ("GNU.sparse.numblocks", b"2"),
                    ("GNU.sparse.offset", b"1024"),
                    ("GNU.sparse.numbytes", b"512"),
                    ("GNU.sparse.offset", b"8192"),
                    ("GNU.sparse.numbytes", b"100"),
                ])
                .unwrap();
            header.set_size(612);
            header.set_cksum();
            builder.append(&header, &stored[..]).unwrap();
        }
        "0.1" => {
            builder
                .append_pax_extensions([
                    ("GNU.sparse.name", &b"file"[..]),
                    ("GNU.sparse.size", b"10000"),
                    ("GNU.sparse.map", b"1024,512,8192,100"),
                    ("path", b"GNUSparseFile.1/file"),
                ])
                .unwrap();
            header.set_size(612);
            header.set_cksum();
            builder.append(&header, &stored[..]).unwrap();
        }
        _ => {
            builder
                .append_pax_extensions([
                    ("GNU.sparse.major", &b"1"[..]),
                    ("GNU.sparse.minor", b"0"),
                    ("GNU.sparse.name", b"file"),
                    ("GNU.sparse.realsize", b"10000"),
                ])
                .unwrap();
            let mut data = b"2\n1024\n512\n8192\n100\n".to_vec();
            data.resize(512, 0);
            data.extend(&stored);
            header.set_path("GNUSparseFile.1/file").unwrap();
            header.set_size(data.len() as u64);
            header.set_cksum();
            builder.append(&header, &data[..]).unwrap();
        }
    }
    let mut tail = tar::Header::new_gnu();
    tail.set_path("tail").unwrap();
    tail.set_size(4);
    tail.set_cksum();
    builder.append(&tail, &b"tail"[..]).unwrap();
    builder.into_inner().unwrap()
}

#[test]
fn sparse_members_in_all_four_formats() {
    let mut expected = vec![0_u8; 10_000];
    expected[1024..1536].fill(b'A');
    expected[8192..8292].fill(b'B');
    for format in ["gnu", "0.0", "0.1", "1.0"] {
        let bytes = sparse(format);
        let (archive, _) = both(&bytes);
        assert!(archive.warnings().is_empty(), "{format}: {:?}", archive.warnings());
        let member = archive.member(b"file").unwrap_or_else(|| panic!("{format}"));
        assert_eq!(member.size, 10_000, "{format}");
        assert_eq!(archive.read(member).unwrap(), expected, "{format}");
        assert_eq!(archive.data(member).unwrap().segments().len(), 2, "{format}");
        assert_eq!(archive.read(archive.member(b"tail").unwrap()).unwrap(), b"tail", "{format}");
    }
}

#[test]
fn impossible_sparse_maps_read_as_zeros_with_a_warning() {
    let mut bytes = sparse("0.1");
    let at = bytes.windows(9).position(|w| w == b"1024,512,").unwrap();
    bytes[at..at + 4].copy_from_slice(b"9999");
    let (archive, _) = both(&bytes);
    let member = archive.member(b"file").unwrap();
    assert_eq!(archive.read(member).unwrap(), vec![0; 10_000]);
    assert!(archive.warnings().iter().any(|w| w.what.contains("sparse")), "{:?}", archive.warnings());
}

#[test]
fn bytes_behind_the_end_are_said_and_not_read() {
    let mut bytes = tar_of(&[("new", b"new")]);
    bytes.extend(tar_of(&[("old", b"the tail of an older, longer archive")]));
    let (archive, stream) = both(&bytes);
    assert!(archive.member(b"old").is_none());
    for a in [&archive, &stream] {
        assert!(a.warnings().iter().any(|w| w.what.contains("behind the end")), "{:?}", a.warnings());
    }
    // Padding to a record is no tail.
    let mut padded = tar_of(&[("new", b"new")]);
    padded.resize(10_240, 0);
    assert!(both(&padded).0.warnings().is_empty());
}

#[test]
fn a_damaged_header_costs_its_member_only() {
    let mut bytes = tar_of(&[("one", &[1; 600]), ("two", &[2; 600]), ("three", &[3; 600])]);
    let second = 512 + 1024;
    bytes[second + 10] ^= 0x55;
    let (archive, _) = both(&bytes);
    let names: Vec<_> = archive.members().iter().map(|m| m.display_name().into_owned()).collect();
    assert_eq!(names, ["one", "three"]);
    assert!(archive.warnings().iter().any(|w| w.what.contains("no valid header")));
}

#[test]
fn what_is_no_archive_is_named() {
    for (bytes, kind, word) in [
        (&b""[..], ErrorKind::UnknownFormat, "empty"),
        (b"hello", ErrorKind::UnknownFormat, "too short"),
        (&[7; 4096], ErrorKind::UnknownFormat, "not a tar"),
        (b"\xfd7zXZ\0rest", ErrorKind::UnsupportedFormat, "xz -dc"),
        (b"BZh91AY", ErrorKind::UnsupportedFormat, "bzip2 -dc"),
        (b"gVisorSF and more", ErrorKind::UnsupportedFormat, "gVisor"),
        (b"PK\x03\x04", ErrorKind::UnsupportedFormat, "ZIP"),
        (&[0; 1024], ErrorKind::UnknownFormat, "zeros"),
    ] {
        for e in [read_stream(bytes).unwrap_err(), Archive::open(write_file(bytes).path()).unwrap_err()] {
            assert_eq!(e.kind(), kind, "{e}");
            assert!(e.to_string().contains(word), "{e}");
        }
    }
    assert_eq!(Archive::open("no/such/file").unwrap_err().kind(), ErrorKind::Io);
}

#[test]
fn truncation_anywhere_keeps_what_is_there_and_says_what_is_not() {
    let plain = tar_of(&[("a", &[1; 700]), ("b", &[2; 30]), ("c", b"")]);
    for (whole, step) in
        [(plain.clone(), 1), (gzip(&plain), 1), (zstd::encode_all(&plain[..], 1).unwrap(), 1)]
    {
        for len in (0..whole.len()).step_by(step) {
            let cut = &whole[..len];
            let file = write_file(cut);
            for result in [read_stream(cut), Archive::open(file.path())] {
                let Ok(archive) = result else { continue };
                for member in archive.members() {
                    assert!(member.available <= member.size);
                    if member.kind == MemberKind::File {
                        let data = archive.data(member).unwrap();
                        assert_eq!(data.len(), member.available);
                        assert_eq!(data.to_vec(1 << 20).unwrap().len() as u64, member.available);
                    }
                }
                // Only padding and the end mark may be missing without a word.
                if archive.members().len() < 3
                    || archive.members().iter().any(libforensic::archive::Member::is_truncated)
                {
                    assert!(!archive.warnings().is_empty(), "cut at {len} of {}", whole.len());
                }
            }
        }
    }
}

#[test]
fn a_wrong_checksum_is_said_and_the_members_stay() {
    let mut bytes = gzip(&std::fs::read(SIMPLE).unwrap());
    let crc = bytes.len() - 8;
    bytes[crc] ^= 1;
    let (archive, _) = both(&bytes);
    assert!(archive.member(b"config.dump").is_some());
    assert!(archive.warnings().iter().any(|w| w.what.contains("gzip")), "{:?}", archive.warnings());
}

#[test]
fn a_decompression_bomb_ends_at_the_limit() {
    let mut options = OpenOptions::default();
    options.limits.unpacked_bytes = 10 << 20;
    let mut header = tar::Header::new_gnu();
    header.set_path("zeros").unwrap();
    header.set_size(1 << 30);
    header.set_cksum();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(header.as_bytes()).unwrap();
    for _ in 0..64 {
        encoder.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    let archive = Archive::from_reader(Cursor::new(bomb), "-", options).unwrap();
    assert!(archive.warnings().iter().any(|w| w.what.contains("limit")), "{:?}", archive.warnings());
}

#[test]
fn directories_are_archives_and_links_are_not_followed() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("checkpoint")).unwrap();
    std::fs::write(directory.path().join("checkpoint/pstree.img"), b"x").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("/etc/passwd", directory.path().join("trap")).unwrap();
    let archive = Archive::open(directory.path()).unwrap();
    assert_eq!(archive.format(), Format::Directory);
    assert_eq!(archive.read(archive.member(b"checkpoint/pstree.img").unwrap()).unwrap(), b"x");
    #[cfg(unix)]
    {
        let trap = archive.member(b"trap").unwrap();
        assert_eq!(trap.kind, MemberKind::Symlink);
        assert!(archive.data(trap).is_err());
    }
}

#[test]
fn images_made_from_a_checkpoint_give_its_members() {
    let path = Path::new("tests/fixtures/podman-create-image.oci.tar");
    let archive = Archive::open(path).unwrap();
    assert_eq!(archive.format(), Format::OciImage);
    assert!(archive.member(b"checkpoint/pstree.img").is_some());
    assert_eq!(
        archive.annotations().get("io.podman.annotations.checkpoint.podman.version").unwrap(),
        "5.8.6"
    );
    let other = tar_of(&[
        ("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#),
        ("index.json", br#"{"schemaVersion":2,"manifests":[]}"#),
    ]);
    let e = read_stream(&other).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::NotACheckpoint);
}

/// Whoever shows progress learns how much of a compressed archive was read.
#[test]
fn reading_a_compressed_archive_is_counted() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    const PATH: &str = "../examples/evidence/incident.tar.gz";
    let counter = Arc::new(AtomicU64::new(0));
    let mut options = libforensic::archive::OpenOptions::default();
    options.progress = Some(Arc::clone(&counter));
    let mut keep = libforensic::archive::KeepAll;
    libforensic::archive::Archive::open_with(PATH, options, &mut keep).unwrap();
    let (read, size) = (counter.load(Ordering::Relaxed), std::fs::metadata(PATH).unwrap().len());
    assert!(read > size / 2 && read <= size, "{read} of {size}");
}
