//! Many targets at once: labels, namespaces, all containers of a pod.

use anyhow::{Result, anyhow, bail};
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};

use super::connection::Connection;
use super::report::Reporter;
use super::rights::Right;
use super::target::{Found, Target, asked, checked, phase, pod_of, running_containers, select};
use super::text;

/// What the command line selects.
pub(super) struct Selection<'a> {
    pub(super) target: Option<&'a Target>,
    pub(super) selector: Option<&'a str>,
    pub(super) all_namespaces: bool,
    pub(super) all_containers: bool,
    pub(super) container: Option<&'a str>,
}

impl Selection<'_> {
    /// The rights that looking it up needs.
    pub(super) fn rights(&self, namespace: &str) -> Vec<Right> {
        let purpose = "look up the targets";
        match self.target {
            Some(target) => target.rights(namespace),
            None if self.all_namespaces => vec![Right::cluster("list", "pods", purpose)],
            None => vec![Right::namespaced(namespace, "list", "", "pods", purpose)],
        }
    }

    fn containers(&self, namespace: &str, pod: &Pod) -> Result<Vec<Found>> {
        if !self.all_containers {
            return Ok(vec![select(namespace, pod, self.container)?]);
        }
        let names = running_containers(pod);
        if names.is_empty() {
            bail!("no container of pod {} runs", text::escape(&pod.name_any()));
        }
        names.iter().map(|name| select(namespace, pod, Some(name))).collect()
    }
}

/// Looks up everything that is selected. Nothing is frozen when one of it is
/// not clear.
///
/// # Errors
///
/// When nothing is found, or a container must be named.
pub(super) async fn find_all(
    connection: &Connection,
    selection: &Selection<'_>,
    reporter: &Reporter,
) -> Result<Vec<Found>> {
    let namespace = checked(&connection.namespace)?;
    if let Some(target) = selection.target {
        let pod = pod_of(connection, target).await?;
        let named = target.container(selection.container)?;
        if let Some(named) = named {
            if selection.all_containers {
                bail!("the target names the container {named}, and --all-containers all of them; give one");
            }
            return Ok(vec![select(&namespace, &pod, Some(named))?]);
        }
        return selection.containers(&namespace, &pod);
    }
    let pods: Api<Pod> = if selection.all_namespaces {
        Api::all(connection.client.clone())
    } else {
        Api::namespaced(connection.client.clone(), &namespace)
    };
    let selector = selection.selector.unwrap_or_default();
    let what = format!("pods with the labels {}", text::escape(selector));
    let params = ListParams::default().labels(selector);
    let listed = connection
        .ask(pods.list(&params))
        .await
        .map_err(|error| asked(&error, &namespace, "list", "", "pods", &what))?;
    let all = listed.items.len();
    let mut found = Vec::new();
    for pod in listed.items {
        let name = pod.name_any();
        if phase(&pod) != "Running" || pod.metadata.deletion_timestamp.is_some() {
            let state = if pod.metadata.deletion_timestamp.is_some() { "being deleted" } else { phase(&pod) };
            reporter.warn(&format!("pod {} is passed over: {}", text::escape(&name), text::escape(state)));
            continue;
        }
        let namespace = checked(&pod.namespace().unwrap_or_else(|| namespace.clone()))?;
        let containers = selection.containers(&namespace, &pod).map_err(|error| {
            anyhow!("{error:#}\n  nothing was touched; -c NAME takes that container of every pod, --all-containers all that run")
        })?;
        found.extend(containers);
    }
    if found.is_empty() {
        let place = if selection.all_namespaces {
            String::from("any namespace")
        } else {
            format!("namespace {namespace}")
        };
        bail!("there are no running {what} in {place} ({all} in all)");
    }
    Ok(found)
}
