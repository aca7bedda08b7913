//! What a hostile archive may cost.

/// Bounds on what reading evidence may cost in memory and work.
///
/// The defaults fit real evidence of 100 GiB; each can be raised. Reaching
/// one is an error ([`ErrorKind::LimitExceeded`](crate::ErrorKind)) or a
/// warning that says what was cut, never silence.
///
/// Some bounds are fixed, since nothing honest comes near them: messages
/// nested in messages and JSON in JSON 100 and 127 deep, indexes of images
/// pointing to indexes 4 deep, 1024 layers, parents of dumps 64 deep, a million
/// messages within one, 16 MiB for a block of compressed pages, and a thousand
/// warnings word for word. Searches give their matches one by one and keep none.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Most members an archive may have.
    pub members: u64,
    /// Most bytes of a member's name, link target or extended header.
    pub name_bytes: u64,
    /// Most bytes of a member that is decoded as a whole in memory (any but pages and logs).
    pub member_bytes: u64,
    /// Most bytes of one record of an image.
    pub record_bytes: u64,
    /// Most bytes of small members of a compressed archive that are kept in memory.
    pub resident_bytes: u64,
    /// Members of a compressed archive up to this size are kept in memory.
    pub small_member_bytes: u64,
    /// Most bytes a compressed archive may unpack to.
    pub unpacked_bytes: u64,
    /// Most times larger than the compressed bytes the unpacked ones may be,
    /// looked at after the first 64 MiB.
    pub expansion: u64,
    /// Most data segments of a sparse member.
    pub sparse_segments: u64,
    /// Most processes, and most threads, of a checkpoint.
    pub tasks: u64,
    /// Most memory mappings of a process.
    pub mappings: u64,
    /// Most bytes of a command line or an environment.
    pub strings_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            members: 4_000_000,
            name_bytes: 1 << 20,
            member_bytes: 1 << 30,
            record_bytes: 64 << 20,
            resident_bytes: 32 << 20,
            small_member_bytes: 1 << 20,
            unpacked_bytes: 4 << 40,
            expansion: 20_000,
            sparse_segments: 1 << 20,
            tasks: 4_194_304,
            mappings: 1 << 20,
            strings_bytes: 8 << 20,
        }
    }
}
