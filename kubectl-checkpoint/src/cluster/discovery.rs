//! Whether the cluster serves `PodCheckpoint` objects. Proposals differ in the
//! API group, so every group is looked through.

use kube::Client;

use super::checks::{Check, State};
use super::connection::{AskError, Connection};

/// The kind that is looked for.
pub(super) const KIND: &str = "PodCheckpoint";

/// A place where the cluster serves such objects.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Served {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) plural: String,
}

/// Looks through the versions that each group prefers.
///
/// # Errors
///
/// When the list of groups cannot be had; a group that does not answer is passed over.
pub(super) async fn find(client: &Client) -> Result<Option<Served>, AskError> {
    let groups = client.list_api_groups().await?;
    for group in groups.groups {
        let Some(version) = group.preferred_version.or_else(|| group.versions.into_iter().next()) else {
            continue;
        };
        let Ok(resources) = client.list_api_group_resources(&version.group_version).await else {
            continue;
        };
        // Another project has objects of that name that are something else.
        if group.name.ends_with("keikoproj.io") {
            continue;
        }
        let found = resources
            .resources
            .into_iter()
            .find(|resource| resource.kind == KIND && !resource.name.contains('/'));
        if let Some(resource) = found {
            return Ok(Some(Served { group: group.name, version: version.version, plural: resource.name }));
        }
    }
    Ok(None)
}

/// Says what was found, for `doctor`.
pub(super) async fn pod_checkpoints(connection: &Connection) -> Check {
    let subject = "cluster";
    match find(&connection.client).await {
        Ok(Some(served)) => Check::new(
            "api.podCheckpoint",
            State::Info,
            subject,
            format!(
                "serves {} of {}/{}: --pod-checkpoint uses them, and needs no right to nodes",
                served.plural, served.group, served.version
            ),
        ),
        Ok(None) => Check::new(
            "api.podCheckpoint",
            State::Info,
            subject,
            "serves no PodCheckpoint objects; the kubelet's endpoint is the way",
        ),
        Err(error) => Check::new("api.podCheckpoint", State::Unknown, subject, error.message),
    }
}
