use super::{Kind, kinds};

/// The numbers in the name of an image file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileArg {
    id: u64,
    more: [Option<u64>; 2],
}

impl FileArg {
    /// Gives the first number; [`KindInfo::argument`](super::KindInfo::argument) says what it is.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Gives further numbers, which only plugins use: a minor device number, a GPU or buffer number.
    pub fn more(&self) -> impl Iterator<Item = u64> {
        self.more.into_iter().flatten()
    }
}

pub(super) fn recognise(path: &[u8]) -> Option<(Kind, Option<FileArg>)> {
    let name = path.rsplit(|byte| *byte == b'/').next()?;
    kinds()
        .iter()
        // `pages-%d.img` of CRIU 0.4 is spelled like today's `pages-%u.img`,
        // which stands before it in the table and so is found first.
        .find_map(|info| match_pattern(info.pattern.as_bytes(), name).map(|arg| (info.kind, arg)))
}

#[allow(clippy::option_option)] // the inner one: the name has no number
fn match_pattern(pattern: &[u8], mut name: &[u8]) -> Option<Option<FileArg>> {
    if pattern.is_empty() {
        return None;
    }
    let mut numbers = [None; 3];
    let mut free = numbers.iter_mut();
    let mut pattern = pattern.iter();
    while let Some(want) = pattern.next() {
        if *want != b'%' {
            name = name.strip_prefix(std::slice::from_ref(want))?;
            continue;
        }
        let mut width = 1;
        loop {
            match pattern.next()? {
                b'u' | b'd' => {
                    *free.next()? = Some(number(&mut name, 10, width)?);
                    break;
                }
                b'x' => {
                    *free.next()? = Some(number(&mut name, 16, width)?);
                    break;
                }
                b's' => {
                    name = name.strip_prefix(b"dump").or_else(|| name.strip_prefix(b"restore"))?;
                    break;
                }
                b'4' => width = 4,
                // The length modifier `l` and the padding flag `0`.
                _ => {}
            }
        }
    }
    if !name.is_empty() {
        return None;
    }
    let [first, second, third] = numbers;
    Some(first.map(|id| FileArg { id, more: [second, third] }))
}

/// Takes a number off the front of a name, if it is spelled as `printf` spells it.
fn number(name: &mut &[u8], base: u32, width: usize) -> Option<u64> {
    let mut value: u64 = 0;
    let mut rest = *name;
    let mut digits: usize = 0;
    while let Some((byte, tail)) = rest.split_first() {
        if byte.is_ascii_uppercase() {
            break;
        }
        let Some(digit) = char::from(*byte).to_digit(base) else {
            break;
        };
        value = value.checked_mul(u64::from(base))?.checked_add(u64::from(digit))?;
        digits = digits.checked_add(1)?;
        rest = tail;
    }
    let padded = digits > width && name.first() == Some(&b'0');
    if digits < width || padded {
        return None;
    }
    *name = rest;
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str) -> Option<(Kind, Vec<u64>)> {
        let (kind, arg) = recognise(name.as_bytes())?;
        let numbers =
            arg.map(|arg| std::iter::once(arg.id()).chain(arg.more()).collect()).unwrap_or_default();
        Some((kind, numbers))
    }

    #[test]
    fn names() {
        for (name, kind, numbers) in [
            ("inventory.img", Kind::Inventory, vec![]),
            ("core-1.img", Kind::Core, vec![1]),
            ("a/b/core-0.img", Kind::Core, vec![0]),
            ("pages-1.img", Kind::Pages, vec![1]),
            ("pages-shmem-9.img", Kind::ShmPagesOld, vec![9]),
            ("pagemap-shmem-18446744073709551615.img", Kind::ShmemPagemap, vec![u64::MAX]),
            ("ghost-file-1f.img", Kind::GhostFile, vec![31]),
            ("tcp-stream-2bc.img", Kind::TcpStream, vec![0x2bc]),
            ("stats-dump", Kind::Stats, vec![]),
            ("stats-restore", Kind::Stats, vec![]),
            ("irmap-cache", Kind::IrmapCache, vec![]),
            ("netns-10.img", Kind::Netns, vec![10]),
            ("netns-ct-10.img", Kind::NetnfCt, vec![10]),
            ("route6-10.img", Kind::Route6, vec![10]),
            ("tmpfs-dev-56.tar.gz.img", Kind::TmpfsDev, vec![56]),
            ("tmpfs-56.tar.gz.img", Kind::TmpfsImg, vec![56]),
            ("binfmt-misc.img", Kind::BinfmtMisc, vec![]),
            ("binfmt-misc-45.img", Kind::BinfmtMiscOld, vec![45]),
            ("amdgpu-dmabuf_3.img", Kind::AmdgpuDmabuf, vec![3]),
            ("amdgpu-pages-3-00af.img", Kind::AmdgpuPages, vec![3, 0xaf]),
            ("amdgpu-pages-3-12345.img", Kind::AmdgpuPages, vec![3, 0x12345]),
            ("amdgpu-drm-pages-3-128-0001.img", Kind::AmdgpuDrmPages, vec![3, 128, 1]),
        ] {
            assert_eq!(found(name), Some((kind, numbers)), "{name}");
        }
    }

    #[test]
    fn other_names() {
        for name in [
            "",
            "/",
            "core-.img",
            "core-01.img",
            "core-+1.img",
            "core--1.img",
            "core-1.img.bak",
            "core-18446744073709551616.img",
            "ghost-file-1F.img",
            "ghost-file-.img",
            "stats-",
            "stats-dump.img",
            "irmap-cache.img",
            "dump.log",
            "amdgpu-pages-3-af.img",
            "amdgpu-pages-3-01234.img",
            "inventory",
            "xinventory.img",
        ] {
            assert_eq!(found(name), None, "{name}");
        }
    }

    #[test]
    fn every_pattern_is_recognised() {
        for info in kinds().iter().filter(|info| !info.pattern.is_empty()) {
            // Only letters behind a percent sign are placeholders.
            let name = info.pattern.split('%').enumerate().fold(String::new(), |name, (index, part)| {
                if index == 0 {
                    return part.to_owned();
                }
                let rest = part.trim_start_matches("04").trim_start_matches('l');
                let value = match rest.as_bytes()[0] {
                    b's' => "dump",
                    b'x' if part.starts_with("04") => "00ab",
                    _ => "7",
                };
                name + value + &rest[1..]
            });
            let want = match info.kind {
                Kind::PagesOld => Kind::Pages,
                kind => kind,
            };
            assert_eq!(found(&name).map(|(kind, _)| kind), Some(want), "{name}");
        }
    }

    #[test]
    fn table_is_whole() {
        assert_eq!(kinds().len(), 91);
        for info in kinds() {
            assert_eq!(info.kind.info().name, info.name);
            assert_eq!(kinds().iter().filter(|other| other.name == info.name).count(), 1);
        }
        assert_eq!(Kind::from_magic(0x5608_4025), Some(Kind::Pagemap));
        assert_eq!(Kind::from_magic(0x1234_5678), None);
    }
}
