//! What was worked out once and is asked for again.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::sharing::HolderTable;
use super::{FileLock, RequestedMount, Terminal, UserNamespace};
use crate::image::proto;

/// Facts that many items of an answer share.
#[derive(Debug, Default)]
pub(super) struct Cache {
    pub(super) user_namespaces: OnceLock<Vec<UserNamespace>>,
    pub(super) seccomp: OnceLock<Vec<proto::SeccompFilter>>,
    pub(super) sharing: OnceLock<Sharing>,
    /// By process and descriptor.
    pub(super) locks: OnceLock<HashMap<(u32, u32), Vec<FileLock>>>,
    pub(super) terminals: OnceLock<HashMap<u32, Terminal>>,
    pub(super) holders: OnceLock<HolderTable>,
    /// Paths by device and inode.
    pub(super) inode_paths: OnceLock<HashMap<(String, u64), Vec<u8>>>,
    pub(super) requested: OnceLock<Vec<RequestedMount>>,
    pub(super) mountpoints: OnceLock<HashMap<u32, Vec<u8>>>,
}

/// Processes by CRIU's number of a kernel object they use.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    pub(super) files: HashMap<u32, Vec<u32>>,
    pub(super) fs: HashMap<u32, Vec<u32>>,
    pub(super) vm: HashMap<u32, Vec<u32>>,
    pub(super) sighand: HashMap<u32, Vec<u32>>,
}
