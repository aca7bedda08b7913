//! Writes archives and images from descriptions, honest or not.
//!
//! tar: POSIX.1-1988 and GNU tar's manual. Images: CRIU's wiki and
//! `images/*.proto`. Nothing here comes from the reader.

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

/// A protobuf message under way.
#[derive(Debug, Clone, Default)]
pub struct Message(pub Vec<u8>);

impl Message {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    fn varint(&mut self, mut value: u64) {
        loop {
            let low = (value % 128) as u8;
            value /= 128;
            if value == 0 {
                return self.0.push(low);
            }
            self.0.push(low + 128);
        }
    }

    /// Adds a number.
    #[must_use]
    pub fn number(mut self, field: u64, value: u64) -> Self {
        self.varint(field * 8);
        self.varint(value);
        self
    }

    /// Adds text, bytes or a message.
    #[must_use]
    pub fn bytes(mut self, field: u64, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        self.varint(field * 8 + 2);
        self.varint(value.len() as u64);
        self.0.extend(value);
        self
    }
}

impl AsRef<[u8]> for Message {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Order of the bytes in magic numbers and sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// x86, Arm, RISC-V …
    Little,
    /// IBM Z.
    Big,
}

/// An image of these records: two magic numbers (one without `common`), then sizes and messages.
pub fn image<R: AsRef<[u8]>>(
    order: Order,
    common: bool,
    magic: u32,
    records: impl IntoIterator<Item = R>,
) -> Vec<u8> {
    let word = |value: u32| match order {
        Order::Little => value.to_le_bytes(),
        Order::Big => value.to_be_bytes(),
    };
    let mut out = Vec::new();
    if common {
        out.extend(word(0x5456_4319));
    }
    out.extend(word(magic));
    for record in records {
        out.extend(word(record.as_ref().len() as u32));
        out.extend(record.as_ref());
    }
    out
}

/// `PSTREE_MAGIC`, `MM_MAGIC` … of criu/include/magic.h.
pub mod magic {
    /// The list of processes.
    pub const PSTREE: u32 = 0x5027_3030;
    /// A process's memory layout.
    pub const MM: u32 = 0x5749_2820;
    /// Which pages are stored.
    pub const PAGEMAP: u32 = 0x5608_4025;
    /// A task.
    pub const CORE: u32 = 0x5505_3847;
    /// What the dump is.
    pub const INVENTORY: u32 = 0x5831_3116;
}

/// A mapping of a process (`vma_entry`).
#[derive(Debug, Clone, Copy)]
pub struct Vma {
    /// First address.
    pub start: u64,
    /// Address behind the last.
    pub end: u64,
}

/// A run of pages (`pagemap_entry`).
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// First address.
    pub vaddr: u64,
    /// How many pages.
    pub pages: u64,
    /// 1 in the parent, 2 lazy, 4 present.
    pub flags: u64,
}

/// What a checkpoint holds; everything else is left out.
#[derive(Debug, Clone, Default)]
pub struct Dump {
    /// pid and parent of each process.
    pub tree: Vec<(u64, u64)>,
    /// Mappings of process 1.
    pub vmas: Vec<Vma>,
    /// Page map of process 1.
    pub runs: Vec<Run>,
    /// Pages image of process 1.
    pub pages: Vec<u8>,
    /// Writes sizes and magic numbers as IBM Z does.
    pub big: bool,
    /// Writes page maps as CRIU before 4.2 did.
    pub old_counts: bool,
}

impl Dump {
    /// Gives the images as members below `prefix`.
    pub fn members(&self, prefix: &str) -> Vec<Member> {
        let order = if self.big { Order::Big } else { Order::Little };
        let put = |name: &str, data: Vec<u8>| Member::file(format!("{prefix}{name}"), data);
        let inventory = Message::new().number(1, 2);
        let tree = self.tree.iter().map(|(pid, ppid)| {
            Message::new().number(1, *pid).number(2, *ppid).number(3, 1).number(4, 1).number(5, *pid)
        });
        let mut mm = Message::new();
        for (field, value) in [(1, 0x1000), (2, 0x2000), (3, 0), (4, 0), (5, 0), (6, 0), (7, 0), (8, 0)] {
            mm = mm.number(field, value);
        }
        for (field, value) in [(9, 0x1000), (10, 0x1100), (11, 0x1100), (12, 0x1200), (13, 1)] {
            mm = mm.number(field, value);
        }
        for vma in &self.vmas {
            // start, end, pgoff, shmid, prot, flags (private, anonymous), status (regular, private), fd
            let values = [vma.start, vma.end, 0, 0, 3, 0x22, 0x201, u64::MAX];
            let vma = (1..).zip(values).fold(Message::new(), |m, (field, value)| m.number(field, value));
            mm = mm.bytes(14, vma);
        }
        let head = std::iter::once(Message::new().number(1, 1));
        let runs = self.runs.iter().map(|run| {
            let entry = Message::new().number(1, run.vaddr);
            if self.old_counts {
                entry.number(2, run.pages).number(4, run.flags)
            } else {
                entry.number(2, 0).number(4, run.flags).number(5, run.pages)
            }
        });
        let task =
            Message::new().number(1, 1).number(2, 0).number(3, 0).number(4, 0).number(5, 0).bytes(6, "task");
        let core = Message::new().number(1, 1).bytes(3, task);
        let mut members = vec![
            put("inventory.img", image(order, false, magic::INVENTORY, [inventory])),
            put("pstree.img", image(order, true, magic::PSTREE, tree)),
            put("core-1.img", image(order, true, magic::CORE, [core])),
        ];
        if !self.vmas.is_empty() {
            members.push(put("mm-1.img", image(order, true, magic::MM, [mm])));
        }
        if !self.runs.is_empty() {
            members.push(put("pagemap-1.img", image(order, true, magic::PAGEMAP, head.chain(runs))));
            members.push(put("pages-1.img", self.pages.clone()));
        }
        members
    }

    /// Gives the dump as an archive.
    pub fn tar(&self) -> Vec<u8> {
        tar(&self.members("checkpoint/"))
    }
}
