//! What was worked out once and is asked for again.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::UserNamespace;
use crate::image::proto;

/// Facts that many items of an answer share.
#[derive(Debug, Default)]
pub(super) struct Cache {
    pub(super) user_namespaces: OnceLock<Vec<UserNamespace>>,
    pub(super) seccomp: OnceLock<Vec<proto::SeccompFilter>>,
    pub(super) sharing: OnceLock<Sharing>,
}

/// Processes by CRIU's number of a kernel object they use.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    pub(super) files: HashMap<u32, Vec<u32>>,
    pub(super) fs: HashMap<u32, Vec<u32>>,
    pub(super) vm: HashMap<u32, Vec<u32>>,
    pub(super) sighand: HashMap<u32, Vec<u32>>,
}
