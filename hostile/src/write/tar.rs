//! Members and archives: POSIX.1-1988, POSIX.1-2001 and GNU tar's manual.

/// What a member of a tar is, as its header says.
#[derive(Debug, Clone)]
pub struct Member {
    /// The name, as many bytes as fit.
    pub name: Vec<u8>,
    /// The type flag: `0` a file, `1` a hard link, `2` a symbolic link, `5` a directory, `6` a fifo …
    pub flag: u8,
    /// Where a link leads.
    pub link: Vec<u8>,
    /// The mode bits.
    pub mode: u32,
    /// The contents.
    pub data: Vec<u8>,
    /// The size field, where it is not the length of the contents.
    pub size: Option<[u8; 12]>,
}

impl Member {
    /// A regular file.
    pub fn file(name: impl AsRef<[u8]>, data: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.as_ref().to_vec(),
            flag: b'0',
            link: Vec::new(),
            mode: 0o644,
            data: data.into(),
            size: None,
        }
    }

    /// Anything without contents.
    pub fn bare(flag: u8, name: impl AsRef<[u8]>, link: impl AsRef<[u8]>) -> Self {
        Self { flag, link: link.as_ref().to_vec(), ..Self::file(name, "") }
    }

    /// Changes the size field to a binary number.
    #[must_use]
    pub fn claiming(mut self, size: u64) -> Self {
        let mut field = [0; 12];
        field[0] = 0x80;
        field[4..].copy_from_slice(&size.to_be_bytes());
        self.size = Some(field);
        self
    }
}

/// Writes a member's header, contents and padding.
pub fn put_member(out: &mut Vec<u8>, member: &Member) {
    let mut header = [0_u8; 512];
    let mut put = |at: usize, room: usize, bytes: &[u8]| {
        let len = bytes.len().min(room);
        header[at..at + len].copy_from_slice(&bytes[..len]);
    };
    put(0, 100, &member.name);
    put(100, 8, format!("{:07o}\0", member.mode).as_bytes());
    put(108, 8, b"0000000\0");
    put(116, 8, b"0000000\0");
    match member.size {
        Some(size) => put(124, 12, &size),
        None => put(124, 12, format!("{:011o}\0", member.data.len()).as_bytes()),
    }
    put(136, 12, b"00000000000\0");
    put(148, 8, b"        ");
    put(156, 1, &[member.flag]);
    put(157, 100, &member.link);
    put(257, 8, b"ustar\x0000");
    let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    out.extend(header);
    out.extend(&member.data);
    let padding = member.data.len().next_multiple_of(512) - member.data.len();
    out.resize(out.len() + padding, 0);
}

/// Writes a whole archive with its end mark.
pub fn tar<'m>(members: impl IntoIterator<Item = &'m Member>) -> Vec<u8> {
    let mut out = Vec::new();
    for member in members {
        put_member(&mut out, member);
    }
    out.resize(out.len() + 1024, 0);
    out
}

/// A record of an extended header (POSIX.1-2001): its length counts itself.
pub fn pax(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut len = rest + 1;
    while len != rest + len.to_string().len() {
        len = rest + len.to_string().len();
    }
    let mut out = format!("{len} {key}=").into_bytes();
    out.extend(value);
    out.push(b'\n');
    out
}

/// A name of any length as GNU tar writes it in front of a member: `L` for the name, `K` for a link's target.
pub fn long_name(flag: u8, name: impl AsRef<[u8]>) -> Member {
    let mut data = name.as_ref().to_vec();
    data.push(0);
    Member { flag, ..Member::file("././@LongLink", data) }
}

/// An extended header that holds for the next member (`x`) or for all that follow (`g`).
pub fn extended(flag: u8, records: &[(&str, &[u8])]) -> Member {
    let data: Vec<u8> = records.iter().flat_map(|(key, value)| pax(key, value)).collect();
    Member { flag, ..Member::file("./PaxHeaders/x", data) }
}
