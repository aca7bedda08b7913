//! Tells which kinds of images exist and recognises them.

use std::fmt;

use super::schema::Message;

mod name;
mod table;

pub use name::FileArg;
pub use table::{Kind, kinds};

/// What is known about one kind of image.
///
/// Layouts come from CRIU's `criu/image-desc.c`, `criu/include/magic.h` and
/// `criu/protobuf-desc.c`.
#[derive(Debug)]
#[non_exhaustive]
pub struct KindInfo {
    /// The kind described.
    pub kind: Kind,
    /// A unique name in capitals; crit's own, where crit knows the kind.
    pub name: &'static str,
    /// The file's name as CRIU formats it (`%u` decimal, `%x` hexadecimal); empty without a file.
    pub pattern: &'static str,
    /// What the number in the file's name is.
    pub argument: Argument,
    /// The number that the file starts with, behind the common one.
    pub magic: Option<u32>,
    /// The name of `magic`, as crit prints it; several kinds may share it.
    pub magic_name: &'static str,
    /// What the file starts with.
    pub header: Header,
    /// The messages in the file, in the order in which they are met.
    pub messages: &'static [&'static Message],
    /// How many records the file has.
    pub cardinality: Cardinality,
    /// What follows a record.
    pub payload: PayloadRule,
    /// Whether CRIU still writes the kind.
    pub status: Status,
    /// The release that introduced the kind; empty if older than CRIU 1.6.
    pub since: &'static str,
    /// Whether crit can decode the kind.
    pub in_crit: bool,
}

impl KindInfo {
    /// Says whether the file consists of records.
    pub fn is_framed(&self) -> bool {
        !self.messages.is_empty()
    }
}

/// What the number in a file's name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Argument {
    /// There is no number.
    Nothing,
    /// A word: `dump` or `restore`.
    Word,
    /// A process as its own PID namespace numbers it.
    ProcessId,
    /// A thread as its own PID namespace numbers it.
    ThreadId,
    /// The number of a descriptor table.
    FilesId,
    /// The number of a namespace.
    NamespaceId,
    /// The number of a deleted file, from `remap_file_path_entry.remap_id`.
    RemapId,
    /// A socket's inode.
    SocketInode,
    /// A shared segment's inode, or the number of a System V segment.
    ShmId,
    /// A device number in the kernel's encoding.
    Device,
    /// The number in the head of a pagemap.
    PagesId,
    /// A mount's number.
    MountId,
    /// The number of an open file.
    FileId,
}

impl Argument {
    /// Describes the number in a few words; empty for [`Argument::Nothing`].
    pub const fn description(self) -> &'static str {
        match self {
            Argument::Nothing => "",
            Argument::Word => "dump or restore",
            Argument::ProcessId => "process id in its namespace",
            Argument::ThreadId => "thread id in its namespace",
            Argument::FilesId => "descriptor table",
            Argument::NamespaceId => "namespace id",
            Argument::RemapId => "deleted file",
            Argument::SocketInode => "socket inode",
            Argument::ShmId => "shared segment",
            Argument::Device => "device",
            Argument::PagesId => "pages id",
            Argument::MountId => "mount id",
            Argument::FileId => "file id",
        }
    }
}

/// What a file starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Header {
    /// The common magic number, then the kind's own; before CRIU 1.6 only the kind's own.
    Common,
    /// The service magic number, then the kind's own; before CRIU 1.6 only the kind's own.
    Service,
    /// The kind's own magic number.
    SpecificOnly,
    /// Nothing: the file is what some other program wrote.
    Raw,
    /// A length of eight bytes, little-endian, of what follows.
    Length64,
}

/// How many records a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cardinality {
    /// One.
    Single,
    /// Any number.
    Many,
    /// One of the first message, then any number of the second.
    HeadThenMany,
    /// The file has no records.
    Raw,
}

/// What follows a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PayloadRule {
    /// Nothing, or the next record.
    Nothing,
    /// The file has no records; all of it is contents.
    Raw,
    /// `bytes` bytes.
    PipeBytes,
    /// `length` bytes.
    PacketBytes,
    /// `inq_len` bytes of the receive queue, then `outq_len` of the send queue.
    TcpQueues,
    /// `keys_bytes` bytes of keys, then `values_bytes` of values.
    BpfMap,
    /// `nsems` words of 16 bits, then zeros to a multiple of eight bytes.
    Semaphores,
    /// `qnum` records of their own, each with `msize` bytes and zeros to a multiple of eight.
    Messages,
    /// Unless `in_pagemaps`: `size` bytes, then zeros to a multiple of four.
    SharedMemory,
    /// For a regular file: all of the rest, or with `chunks` records of their own with `len` bytes each.
    GhostFile,
}

impl PayloadRule {
    /// Describes the rule in a few words; empty for [`PayloadRule::Nothing`].
    pub const fn description(self) -> &'static str {
        match self {
            PayloadRule::Nothing => "",
            PayloadRule::Raw => "the whole file",
            PayloadRule::PipeBytes => "`bytes` bytes",
            PayloadRule::PacketBytes => "`length` bytes",
            PayloadRule::TcpQueues => "`inq_len` bytes, `outq_len` bytes",
            PayloadRule::BpfMap => "`keys_bytes` bytes, `values_bytes` bytes",
            PayloadRule::Semaphores => "`nsems` 16-bit words, padded to 8",
            PayloadRule::Messages => "`qnum` messages of `msize` bytes, padded to 8",
            PayloadRule::SharedMemory => "`size` bytes padded to 4, unless `in_pagemaps`",
            PayloadRule::GhostFile => "the file's bytes, whole or in chunks",
        }
    }
}

/// Whether CRIU still writes a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Yes.
    Current,
    /// Older versions did.
    Legacy,
    /// The name is reserved; no version ever did.
    NeverWritten,
    /// A plugin does.
    Plugin,
}

impl Status {
    /// Names the status in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Status::Current => "current",
            Status::Legacy => "legacy",
            Status::NeverWritten => "never written",
            Status::Plugin => "plugin",
        }
    }
}

impl Kind {
    /// Finds the kind of the file with a name, and the numbers in it.
    ///
    /// Directories in front of the name are ignored. Numbers must be written
    /// as CRIU writes them: no sign, no leading zeros but for the width.
    ///
    /// ```
    /// use libforensic::image::Kind;
    ///
    /// let (kind, arg) = Kind::from_file_name(b"checkpoint/ghost-file-1f.img").unwrap();
    /// assert_eq!(kind, Kind::GhostFile);
    /// assert_eq!(arg.unwrap().id(), 31);
    /// ```
    pub fn from_file_name(name: &[u8]) -> Option<(Kind, Option<FileArg>)> {
        name::recognise(name)
    }

    /// Finds the kind whose files start with a magic number.
    ///
    /// Where kinds share the number, the one that current CRIU writes wins.
    pub fn from_magic(magic: u32) -> Option<Kind> {
        kinds().iter().find(|info| info.magic == Some(magic)).map(|info| info.kind)
    }

    /// Finds the kind whose files start with a magic number, given the number's name in crit.
    pub fn from_magic_name(name: &str) -> Option<Kind> {
        kinds()
            .iter()
            .find(|info| info.magic_name == name || (info.magic_name.is_empty() && info.name == name))
            .map(|info| info.kind)
    }

    /// Gives the name, such as `PSTREE`.
    pub fn name(self) -> &'static str {
        self.info().name
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
