//! Framed images: magic numbers, sizes, protobuf messages (images/*.proto and criu/include/magic.h).

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

    /// Adds numbers as one packed field.
    #[must_use]
    pub fn packed(self, field: u64, values: &[u64]) -> Self {
        let mut inner = Self::new();
        for value in values {
            inner.varint(*value);
        }
        self.bytes(field, inner)
    }

    /// Adds the same empty field of a message in itself, that many levels deep.
    #[must_use]
    pub fn nested(self, field: u64, levels: usize) -> Self {
        // From the inside out: each level needs the length of what is in it.
        let mut lengths = Vec::with_capacity(levels);
        let mut len = 0_u64;
        for _ in 0..levels {
            lengths.push(len);
            len += Self::new().number(field, 0).0.len() as u64 - 1 + varint_len(len);
        }
        let mut whole = self;
        for len in lengths.into_iter().rev() {
            whole.varint(field * 8 + 2);
            whole.varint(len);
        }
        whole
    }
}

fn varint_len(value: u64) -> u64 {
    u64::from((64 - value.leading_zeros()).div_ceil(7).max(1))
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

/// Takes the first magic number off: CRIU before 1.6 wrote one (`img_version` 1).
pub fn with_one_magic(image: &mut Vec<u8>) {
    if image.starts_with(&[0x19, 0x43, 0x56, 0x54]) || image.starts_with(&[0x54, 0x56, 0x43, 0x19]) {
        image.drain(..4);
    }
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
    /// Open files of all kinds.
    pub const FILES: u32 = 0x5630_3138;
    /// A table of descriptors.
    pub const FDINFO: u32 = 0x5621_3732;
    /// Which kernel objects a task has.
    pub const IDS: u32 = 0x5443_2030;
    /// Working directory and root.
    pub const FS: u32 = 0x5140_3912;
    /// Mounts of a namespace.
    pub const MNTS: u32 = 0x5556_3928;
    /// Control groups.
    pub const CGROUP: u32 = 0x5938_3330;
    /// Mappings, before they were part of MM.
    pub const VMAS: u32 = 0x5412_3737;
    /// What is done on signals, before CRIU 3.1.
    pub const SIGACT: u32 = 0x5534_4201;
    /// Classic timers, before they were part of CORE.
    pub const ITIMERS: u32 = 0x5746_4056;
    /// Other timers, before they were part of CORE.
    pub const POSIX_TIMERS: u32 = 0x5260_3957;
    /// Credentials, before CRIU 2.0.
    pub const CREDS: u32 = 0x5402_3547;
    /// Limits, before they were part of CORE.
    pub const RLIMIT: u32 = 0x5711_3925;
}
