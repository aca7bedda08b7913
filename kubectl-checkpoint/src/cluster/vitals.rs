//! What the kubelet measures: free disk of its node, memory of a container.

use http_body_util::{BodyExt as _, Limited};
use kube::client::Body;
use serde_json::Value;

use super::connection::{AskError, Connection, chain};
use super::target::Found;
use super::text;

/// A busy node's summary has some hundred pods.
const LIMIT: usize = 64 << 20;

/// Figures of one node and one of its containers, as far as they are known.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Vitals {
    /// Bytes free on the file system of the kubelet, where checkpoints go.
    pub(super) disk_available: Option<u64>,
    /// Working set of the container.
    pub(super) memory: Option<u64>,
}

/// Asks the kubelet of a node; needs the right to get `nodes/proxy`.
///
/// # Errors
///
/// When it cannot be asked or does not answer in the known form.
pub(super) async fn ask(
    connection: &Connection,
    node: &str,
    found: Option<&Found>,
) -> Result<Vitals, AskError> {
    let request = http::Request::get(format!("/api/v1/nodes/{node}/proxy/stats/summary"))
        .body(Body::from(Vec::new()))
        .map_err(|error| AskError { code: None, message: error.to_string() })?;
    let exchange = async {
        let lost = |why: &str| AskError { code: None, message: text::quote(why) };
        let response = connection.client.send(request).await.map_err(|error| lost(&chain(&error)))?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), LIMIT)
            .collect()
            .await
            .map_err(|error| lost(&error.to_string()))?
            .to_bytes();
        if status != 200 {
            let status_object: Option<Value> = serde_json::from_slice(&body).ok();
            let said = status_object.as_ref().and_then(|said| said.get("message")).and_then(Value::as_str);
            let said = said.map_or_else(|| String::from_utf8_lossy(&body), Into::into);
            let message = format!("stats/summary of node {node}: {status}: {}", text::quote(&said));
            return Err(AskError { code: Some(status), message });
        }
        let summary: Value = serde_json::from_slice(&body).map_err(|error| lost(&error.to_string()))?;
        Ok(parse(&summary, found))
    };
    // Figures are worth less than the time a node that hangs would take.
    let limit = connection.request_timeout.unwrap_or(std::time::Duration::from_secs(15));
    tokio::time::timeout(limit, exchange).await.unwrap_or_else(|_| {
        let message = format!("stats/summary of node {node}: no answer within {} s", limit.as_secs());
        Err(AskError { code: None, message })
    })
}

fn parse(summary: &Value, found: Option<&Found>) -> Vitals {
    let pods = summary.get("pods").and_then(Value::as_array);
    let memory = found.and_then(|found| {
        let pod = pods?.iter().find(|pod| {
            pod.pointer("/podRef/name").and_then(Value::as_str) == Some(&found.pod)
                && pod.pointer("/podRef/namespace").and_then(Value::as_str) == Some(&found.namespace)
        })?;
        let containers = pod.get("containers")?.as_array()?;
        let container = containers
            .iter()
            .find(|container| container.get("name").and_then(Value::as_str) == Some(&found.container))?;
        container.pointer("/memory/workingSetBytes")?.as_u64()
    });
    Vitals { disk_available: summary.pointer("/node/fs/availableBytes").and_then(Value::as_u64), memory }
}
