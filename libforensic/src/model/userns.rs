//! User namespaces: which ids inside are which outside.

use serde::Serialize;

use super::{Checkpoint, Credentials, Ids};
use crate::image::proto;

/// A range of ids of a user namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct IdRange {
    /// First id inside the namespace.
    pub inside: u32,
    /// First id outside, in the namespace that CRIU ran in.
    pub outside: u32,
    /// Number of ids.
    pub count: u32,
}

/// The id maps of a user namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UserNamespace {
    /// CRIU's number of the namespace.
    pub id: u32,
    /// User ids.
    pub uid_map: Vec<IdRange>,
    /// Group ids.
    pub gid_map: Vec<IdRange>,
}

/// The ids of a task as the host sees them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OutsideIds {
    /// User ids; `None` for one that is not mapped.
    pub uid: Ids,
    /// Group ids.
    pub gid: Ids,
    /// Supplementary groups that are mapped.
    pub groups: Vec<u32>,
    /// The image that tells.
    pub source: String,
}

fn ranges(extents: &[proto::UidGidExtent]) -> Vec<IdRange> {
    let range = |e: &proto::UidGidExtent| IdRange {
        inside: e.first.unwrap_or(0),
        outside: e.lower_first.unwrap_or(0),
        count: e.count.unwrap_or(0),
    };
    extents.iter().map(range).collect()
}

fn outside(map: &[IdRange], id: u32) -> Option<u32> {
    map.iter().find_map(|r| {
        let step = id.checked_sub(r.inside).filter(|s| *s < r.count)?;
        r.outside.checked_add(step)
    })
}

impl UserNamespace {
    fn ids(map: &[IdRange], ids: Ids) -> Ids {
        let to = |id: Option<u32>| id.and_then(|id| outside(map, id));
        Ids { real: to(ids.real), effective: to(ids.effective), saved: to(ids.saved), fs: to(ids.fs) }
    }

    /// Returns the ids of a task outside the namespace.
    pub fn outside(&self, credentials: &Credentials) -> OutsideIds {
        OutsideIds {
            uid: Self::ids(&self.uid_map, credentials.uid),
            gid: Self::ids(&self.gid_map, credentials.gid),
            groups: credentials.groups.iter().filter_map(|g| outside(&self.gid_map, *g)).collect(),
            source: format!("userns-{}.img", self.id),
        }
    }
}

impl Checkpoint {
    /// Returns the user namespaces whose id maps are in the dump.
    ///
    /// There is none for processes in the host's own user namespace.
    pub fn user_namespaces(&self) -> &[UserNamespace] {
        self.cache.user_namespaces.get_or_init(|| {
            let mut all: Vec<UserNamespace> = self
                .images
                .numbered("userns-")
                .into_iter()
                .filter_map(|(id, name)| {
                    let entry = self.images.one::<proto::UsernsEntry>(&name)?;
                    Some(UserNamespace {
                        id,
                        uid_map: ranges(&entry.uid_map),
                        gid_map: ranges(&entry.gid_map),
                    })
                })
                .collect();
            all.sort_by_key(|n| n.id);
            all
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_outside() {
        let map = [
            IdRange { inside: 0, outside: 1000, count: 1 },
            IdRange { inside: 1, outside: 100_000, count: 65_536 },
            IdRange { inside: 70_000, outside: u32::MAX, count: 10 },
        ];
        assert_eq!(outside(&map, 0), Some(1000));
        assert_eq!(outside(&map, 33), Some(100_032));
        assert_eq!(outside(&map, 65_537), None);
        assert_eq!(outside(&map, 70_001), None);
    }
}
