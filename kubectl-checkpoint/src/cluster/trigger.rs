//! The one request that freezes a container.

use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use http_body_util::{BodyExt as _, Limited};
use jiff::{SignedDuration, Timestamp};
use kube::Client;
use kube::client::Body;

use super::backend::Backend;
use super::connection::{Connection, chain};
use super::explain::Route;
use super::target::Found;
use super::text;

/// How much of an answer is read.
const BODY_LIMIT: usize = 1 << 20;
/// How long the kubelet's own answer to its timeout is waited for.
const GRACE: Duration = Duration::from_secs(10);

/// An answer as it came, whatever it says.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Header `Content-Type`.
    pub content_type: Option<String>,
    /// The body.
    pub body: Vec<u8>,
    /// When the request was sent, by the local clock.
    pub started: Timestamp,
    /// When the answer was read, by the local clock.
    pub finished: Timestamp,
    /// Header `Date`: the other side's clock when it answered, to the second.
    pub date: Option<Timestamp>,
}

impl Answer {
    /// How far the other clock is ahead of the local one; good to a second.
    pub fn skew(&self) -> Option<SignedDuration> {
        self.date.map(|date| date.duration_since(self.finished))
    }
}

/// Returns the path and query of the request at the kubelet. The names were
/// checked when the target was parsed; nothing in them needs an escape.
pub(super) fn path(found: &Found, timeout: Option<u32>) -> String {
    // No other parameter: the kubelet takes a `timeout=30s` that a client
    // library added for itself as its own, and answers 404.
    let query = timeout.map_or_else(String::new, |seconds| format!("?timeout={seconds}"));
    format!("/checkpoint/{}/{}/{}{query}", found.namespace, found.pod, found.container)
}

/// A namespace that is there in every cluster.
pub(super) const NO_NAMESPACE: &str = "default";
/// A name that no pod or container can have: capital letters are not allowed.
pub(super) const NO_NAME: &str = "KUBECTL-CHECKPOINT-DOCTOR";

/// Asks for the checkpoint of a pod that cannot be there.
///
/// # Errors
///
/// When there is no answer.
pub(super) async fn probe(connection: &Connection, backend: &dyn Backend, node: &str) -> Result<Answer> {
    let path = format!("/checkpoint/{NO_NAMESPACE}/{NO_NAME}/{NO_NAME}");
    let limit = connection.request_timeout.unwrap_or(Duration::from_secs(30));
    match tokio::time::timeout(limit, backend.post(node, &path)).await {
        Ok(answer) => answer.map_err(|why| anyhow!("{}", text::quote(&why))),
        Err(_) => bail!("nothing came within {} s", limit.as_secs()),
    }
}

/// Sends one POST and reads the answer, whatever it says.
pub(super) async fn exchange(client: &Client, path: &str) -> Result<Answer, String> {
    let request = http::Request::post(path).body(Body::from(Vec::new())).map_err(|error| chain(&error))?;
    let started = Timestamp::now();
    let response = client.send(request).await.map_err(|error| chain(&error))?;
    let status = response.status().as_u16();
    let header = |name: http::HeaderName| {
        response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let content_type = header(http::header::CONTENT_TYPE);
    let date = header(http::header::DATE)
        .and_then(|date| jiff::fmt::rfc2822::parse(&date).ok())
        .map(|date| date.timestamp());
    let body = Limited::new(response.into_body(), BODY_LIMIT)
        .collect()
        .await
        .map_err(|error| format!("HTTP {status}, then {error}"))?
        .to_bytes()
        .to_vec();
    Ok(Answer { status, content_type, body, started, finished: Timestamp::now(), date })
}

/// Sends the request, exactly once, and reads the answer.
///
/// hyper repeats a request by itself only when a kept connection turned out to
/// be closed before a byte of it was written, so the server never sees two.
///
/// # Errors
///
/// When there is no answer: then it is not known whether a checkpoint was made.
pub(super) async fn post(
    connection: &Connection,
    backend: &dyn Backend,
    found: &Found,
    timeout: Option<u32>,
) -> Result<Answer> {
    let path = path(found, timeout);
    let exchange = async {
        backend.post(&found.node, &path).await.map_err(|why| unanswered(connection, backend, found, &why))
    };
    let Some(seconds) = timeout else {
        return exchange.await;
    };
    let limit = Duration::from_secs(u64::from(seconds)).saturating_add(GRACE);
    match tokio::time::timeout(limit, exchange).await {
        Ok(answer) => answer,
        // The kubelet cannot be told less than its own limit; ending the request can.
        Err(_) => bail!(
            "the checkpoint of {}/{}/{} was not done after {} s (--timeout {seconds}); the request was dropped, which cancels it, and the container goes on",
            found.namespace,
            found.pod,
            found.container,
            limit.as_secs()
        ),
    }
}

fn unanswered(connection: &Connection, backend: &dyn Backend, found: &Found, why: &str) -> anyhow::Error {
    let other = match backend.route() {
        Route::ApiServer => connection.server.as_str(),
        Route::Kubelet => "the kubelet",
    };
    // A connection that never came to be carried no request.
    let (cause, advice) = if why.contains("Connection refused") || why.contains("Connect)") {
        ("no connection came about, so no checkpoint was begun, and nothing was repeated", "look at the node")
    } else {
        (
            "the connection ended; whether a checkpoint was begun is not known, and nothing was repeated",
            "look into the checkpoints directory of the node before running this again",
        )
    };
    anyhow!(
        "no answer to the checkpoint request for {}/{}/{} from {}: {}\n  \
         cause: {cause}\n  \
         try:   {advice}: kubectl checkpoint list --node {node}, kubectl get node {node}",
        found.namespace,
        found.pod,
        found.container,
        other,
        text::quote(why),
        node = found.node
    )
}
