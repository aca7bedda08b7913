//! Archives whose headers lie, and archives that end too early.

use std::io::{Cursor, Write};
use std::path::PathBuf;

use libforensic::archive::{Archive, MemberKind, OpenOptions};
use libforensic::{Checkpoint, ErrorKind};

const SIMPLE: &str = "../examples/evidence/simple.tar";

fn stream(bytes: &[u8]) -> libforensic::Result<Archive> {
    Archive::from_reader(Cursor::new(bytes.to_vec()), "-", OpenOptions::default())
}

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// Opens the bytes in every way there is: by seeking, as a stream, and compressed twice.
fn every_way(bytes: &[u8]) -> Vec<(&'static str, Archive)> {
    let gz = gzip(bytes);
    vec![
        ("file", Archive::open(file(bytes).path()).unwrap()),
        ("stream", stream(bytes).unwrap()),
        ("gzip file", Archive::open(file(&gz).path()).unwrap()),
        ("gzip stream", stream(&gz).unwrap()),
    ]
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Offset of the header of a member.
fn header_of(bytes: &[u8], name: &str) -> usize {
    bytes.chunks(512).position(|b| b.starts_with(format!("{name}\0").as_bytes())).unwrap() * 512
}

fn set_size(bytes: &mut [u8], header: usize, field: &[u8; 12]) {
    bytes[header + 124..header + 136].copy_from_slice(field);
    bytes[header + 148..header + 156].fill(b' ');
    let sum: u32 = bytes[header..header + 512].iter().map(|b| u32::from(*b)).sum();
    bytes[header + 148..header + 155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
}

fn binary(size: u64) -> [u8; 12] {
    let mut field = [0; 12];
    field[0] = 0x80;
    field[4..].copy_from_slice(&size.to_be_bytes());
    field
}

#[test]
fn a_size_that_cannot_be_true_hides_nothing() {
    let whole = std::fs::read(SIMPLE).unwrap();
    let honest = Archive::open(SIMPLE).unwrap();
    for (field, shown) in [
        (binary(1 << 63), "9223372036854775808"),
        (binary(u64::MAX), "18446744073709551615"),
        (binary(1 << 40), "1099511627776"),
        ([0xff; 12], "18446744073709551615"),
        (*b"777777777777", "68719476735"),
    ] {
        for name in ["config.dump", "devshm-checkpoint.tar", "checkpoint/pages-1.img"] {
            let mut bytes = whole.clone();
            let header = header_of(&bytes, name);
            set_size(&mut bytes, header, &field);
            let left = bytes.len() - header - 512;
            for (way, archive) in every_way(&bytes) {
                let names = |a: &Archive| a.members().iter().map(|m| m.name.clone()).collect::<Vec<_>>();
                assert_eq!(names(&archive), names(&honest), "{way}, {name}");
                let warnings = archive.warnings();
                assert!(
                    warnings.iter().any(|w| w.member.as_deref() == Some(name)
                        && w.what.contains(shown)
                        && w.what.contains(&left.to_string())),
                    "{way}: {warnings:?}"
                );
                for (member, real) in archive.members().iter().zip(honest.members()) {
                    if member.kind != MemberKind::File {
                        continue;
                    }
                    let data = archive.data(member).unwrap();
                    let real = honest.read(real).unwrap();
                    let got = data.to_vec(1 << 20).unwrap();
                    if member.name == name.as_bytes() {
                        assert!(member.is_truncated(), "{way}, {name}");
                        assert!(got.starts_with(&real), "{way}, {name}");
                        assert!(got.len() - real.len() < 512);
                    } else {
                        assert_eq!(got, real, "{way}, {}", member.display_name());
                    }
                }
                assert_eq!(Checkpoint::from_archive(archive).unwrap().pids(), [1, 7, 8]);
            }
        }
    }
}

#[test]
fn several_sizes_that_cannot_be_true() {
    let mut bytes = std::fs::read(SIMPLE).unwrap();
    for name in ["config.dump", "spec.dump", "checkpoint/core-1.img"] {
        let header = header_of(&bytes, name);
        set_size(&mut bytes, header, &binary(1 << 40));
    }
    for (way, archive) in every_way(&bytes) {
        assert_eq!(archive.members().len(), Archive::open(SIMPLE).unwrap().members().len(), "{way}");
    }
}

#[test]
fn headers_inside_a_member_that_is_cut_are_not_the_archives() {
    // An honest archive, cut in the middle of a member that is a tar itself, and of one that holds a piece of one.
    let inner = std::fs::read(SIMPLE).unwrap();
    for (name, content) in
        [("rootfs-diff.tar", inner.clone()), ("checkpoint/pages-9.img", inner[512..].to_vec())]
    {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, data) in [("config.dump", &b"{}"[..]), (name, &content)] {
            let mut header = tar::Header::new_gnu();
            header.set_size(data.len() as u64);
            header.set_cksum();
            builder.append_data(&mut header, name, data).unwrap();
        }
        let bytes = builder.into_inner().unwrap();
        for cut in [30_000, 100_000, 200_000] {
            for (way, archive) in every_way(&bytes[..cut]) {
                assert_eq!(archive.members().len(), 2, "{way}, {name} cut at {cut}");
                assert!(archive.members()[1].is_truncated(), "{way}, {name}");
                assert!(archive.is_cut_off(), "{way}, {name} cut at {cut}: {:?}", archive.warnings());
            }
        }
    }
}

#[test]
fn an_extended_header_that_is_too_large_hides_nothing() {
    let whole = std::fs::read(SIMPLE).unwrap();
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::GNULongName);
    header.set_path("././@LongLink").unwrap();
    header.set_size(1 << 40);
    header.set_cksum();
    let at = header_of(&whole, "config.dump");
    let bytes = [&whole[..at], header.as_bytes(), &whole[at..]].concat();
    for (way, archive) in every_way(&bytes) {
        assert!(archive.member(b"checkpoint/pstree.img").is_some(), "{way}");
        let warnings = archive.warnings();
        assert!(warnings.iter().any(|w| w.what.contains("1099511627776")), "{way}: {warnings:?}");
    }
}

#[test]
fn a_short_piece_of_an_archive_is_called_one() {
    let whole = std::fs::read(SIMPLE).unwrap();
    for len in [512, 600, 1023, 1024, 1500] {
        let error = Checkpoint::from_archive(stream(&whole[..len]).unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Truncated, "{len}");
        assert!(error.to_string().contains("cut off"), "{error}");
    }
}

#[test]
fn compressed_twice_is_said() {
    let whole = std::fs::read(SIMPLE).unwrap();
    for bytes in [gzip(&gzip(&whole)), gzip(&zstd::encode_all(&whole[..], 1).unwrap())] {
        let error = stream(&bytes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnsupportedFormat);
        assert!(error.to_string().contains("compressed twice"), "{error}");
    }
    let zip = gzip(&[b"PK\x03\x04".to_vec(), vec![0; 600]].concat());
    assert!(stream(&zip).unwrap_err().to_string().contains("ZIP"));
}

#[test]
fn a_compressed_archive_that_is_cut_gives_the_members_before_the_cut() {
    let whole = std::fs::read(SIMPLE).unwrap();
    let honest = Archive::open(SIMPLE).unwrap();
    let before = whole.len() / 2;
    // Blocks of its own up to the cut, so that what came before it can be unpacked.
    let mut zstd = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    zstd.write_all(&whole[..before]).unwrap();
    zstd.flush().unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&whole[..before]).unwrap();
    gz.flush().unwrap();
    for bytes in [zstd.get_ref(), gz.get_ref()] {
        for archive in [stream(bytes).unwrap(), Archive::open(file(bytes).path()).unwrap()] {
            assert!(archive.is_cut_off());
            assert!(archive.warnings().iter().any(|w| w.what.contains("cut off")));
            let mut compared = 0;
            for (member, real) in archive.members().iter().zip(honest.members()) {
                assert_eq!(member.name, real.name);
                if member.kind == MemberKind::File && !member.is_truncated() {
                    assert_eq!(archive.read(member).unwrap(), honest.read(real).unwrap());
                    compared += 1;
                }
            }
            assert!(compared > 20, "{compared}");
        }
    }
}

#[test]
fn a_wrong_checksum_of_one_gzip_member_costs_nothing_behind_it() {
    let whole = std::fs::read(SIMPLE).unwrap();
    let (one, two) = whole.split_at(100_000);
    let mut first = gzip(one);
    let crc = first.len() - 8;
    first[crc] ^= 1;
    let archive = stream(&[first, gzip(two)].concat()).unwrap();
    assert_eq!(archive.members().len(), Archive::open(SIMPLE).unwrap().members().len());
    assert!(archive.warnings().iter().any(|w| w.what.contains("checksum")), "{:?}", archive.warnings());
}

#[test]
fn a_directory_that_is_no_checkpoint_is_refused_before_it_is_walked() {
    let directory = tempfile::tempdir().unwrap();
    let deep: PathBuf = directory.path().join("a/b/c/d/e");
    std::fs::create_dir_all(&deep).unwrap();
    std::fs::write(deep.join("pstree.img"), b"x").unwrap();
    let error = Archive::open(directory.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotACheckpoint);
    assert!(error.to_string().contains("name the directory"), "{error}");
    // With a sign of a checkpoint near the top it is walked, but not without an end.
    std::fs::write(directory.path().join("config.dump"), b"{}").unwrap();
    std::fs::create_dir_all(deep.join("f/g/h/i/j")).unwrap();
    let archive = Archive::open(directory.path()).unwrap();
    assert!(archive.member(b"a/b/c/d/e/pstree.img").is_some());
    assert!(archive.warnings().iter().any(|w| w.what.contains("deeper than")), "{:?}", archive.warnings());
}

/// A checkpoint that has nothing but a process table.
fn with_processes(records: &[Vec<u8>]) -> Checkpoint {
    let mut image = vec![0x19, 0x43, 0x56, 0x54, 0x30, 0x30, 0x27, 0x50];
    for record in records {
        image.extend(u32::try_from(record.len()).unwrap().to_le_bytes());
        image.extend(record);
    }
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(image.len() as u64);
    header.set_cksum();
    builder.append_data(&mut header, "checkpoint/pstree.img", &image[..]).unwrap();
    Checkpoint::from_archive(stream(&builder.into_inner().unwrap()).unwrap()).unwrap()
}

#[test]
fn a_process_table_that_is_no_tree_is_said_to_be_none() {
    let table = |pairs: &[(u8, u8)]| {
        let records: Vec<_> =
            pairs.iter().map(|(pid, ppid)| vec![8, *pid, 16, *ppid, 24, 1, 32, 1]).collect();
        let checkpoint = with_processes(&records);
        assert_eq!(checkpoint.pids().len(), pairs.len());
        checkpoint.warnings().iter().map(|w| w.what.clone()).collect::<Vec<_>>()
    };
    let honest = table(&[(1, 0), (2, 1), (3, 2), (4, 1)]);
    assert!(!honest.iter().any(|w| w.contains("parent") || w.contains("ancestors")), "{honest:?}");
    assert!(table(&[(1, 0), (7, 7)]).contains(&"process 7 is its own parent".to_owned()));
    let circle = table(&[(1, 0), (2, 4), (3, 2), (4, 3), (5, 4)]);
    assert_eq!(circle.iter().filter(|w| w.contains("ancestors")).count(), 1, "{circle:?}");
    assert!(circle.iter().any(|w| w.contains("processes 2, 4, 3 are each other's ancestors")), "{circle:?}");
}

#[test]
fn a_pid_of_more_than_32_bits_is_said() {
    let wide = vec![8, 0x81, 0x80, 0x80, 0x80, 0x10, 16, 0];
    let checkpoint = with_processes(&[wide]);
    assert_eq!(checkpoint.pids(), [1]);
    let warnings = checkpoint.warnings();
    assert!(warnings.iter().any(|w| w.what.contains("0x100000001") && w.offset == Some(8)), "{warnings:?}");
}
