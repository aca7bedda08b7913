//! Commands in the collector pod, over the WebSocket of the exec subresource.
//!
//! The socket is opened and read directly instead of through kube's
//! `AttachedProcess`: frames come without two more copies, a torn stream is
//! told apart from an ended one, a stall is noticed, and the subprotocol can
//! be chosen (see [`PROTOCOLS`]).
//!
//! No answer is trusted to be whole because the stream ended well: an exec
//! stream can lose its tail with status Success. Every command therefore
//! marks its end in-band and then waits for a line on its standard input; only
//! when the reader has seen the end does it let the command go.

use std::pin::Pin;
use std::time::Duration;

use anyhow::{Result, anyhow};
use bytes::Bytes;
use futures::{Sink, SinkExt as _, Stream, StreamExt as _};
use http::request::Parts;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Collected, Limited};
use hyper_util::rt::TokioIo;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::Client;
use kube::api::AttachParams;
use kube::client::Body;
use tokio::time::{Instant, Interval, MissedTickBehavior};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};

use super::connection::{AskError, chain};
use super::text;

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;

/// Subprotocols, in the order they are tried.
///
/// v5 has the API server take every frame apart and translate it for the
/// kubelet; v4 it passes through as it is, which costs it less. What v5 adds,
/// the half-closing of a stream, is not used here.
const PROTOCOLS: [&str; 2] = ["v4.channel.k8s.io", "v5.channel.k8s.io"];
/// Limit for the upgrade to a WebSocket.
const OPEN_LIMIT: Duration = Duration::from_secs(60);
/// Pause between pings: load balancers end connections that are silent for a minute.
const PING: Duration = Duration::from_secs(20);
/// How much a short command may say.
const OUTPUT_LIMIT: usize = 64 * 1024;

trait Socket: Stream<Item = Result<Message, SocketError>> + Sink<Message, Error = SocketError> + Send {}

impl<T> Socket for T where
    T: Stream<Item = Result<Message, SocketError>> + Sink<Message, Error = SocketError> + Send
{
}

/// A container to run commands in.
#[derive(Clone)]
pub(super) struct Remote {
    pub(super) client: Client,
    pub(super) namespace: String,
    pub(super) pod: String,
    pub(super) container: String,
}

/// One running command.
pub(super) struct Exec {
    socket: Pin<Box<dyn Socket>>,
    ping: Interval,
}

/// What a command says.
#[derive(Debug)]
pub(super) enum Event {
    Stdout(Bytes),
    Stderr(Bytes),
    /// The command ended; the text says how, for messages.
    Ended(String),
}

/// Why a command could not be followed to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExecError {
    /// The API server or the kubelet refused to start it.
    #[error("{0}")]
    Refused(AskError),
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Torn(String),
    /// Nothing came for too long.
    #[error("nothing came for {} s", .0.as_secs())]
    Stalled(Duration),
}

impl ExecError {
    /// Whether trying again may help.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            // A kubelet that has just started knows no pods yet; the API server says `not found`.
            Self::Refused(error) if error.message.contains("pod does not exist") => true,
            Self::Refused(error) => !matches!(error.code, Some(400..=428)),
            Self::Torn(_) | Self::Stalled(_) => true,
        }
    }
}

/// What a short command left behind.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) code: i32,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Remote {
    /// Starts `sh -c SCRIPT sh ARGS…`; nothing of the arguments is parsed by the shell.
    pub(super) async fn open(&self, script: &str, args: &[&str]) -> Result<Exec, ExecError> {
        let mut command = vec!["sh", "-c", script, "sh"];
        command.extend(args);
        let params =
            AttachParams::default().container(self.container.as_str()).stdin(true).stdout(true).stderr(true);
        let path = format!("/api/v1/namespaces/{}/pods", self.namespace);
        let request = kube::core::Request::new(path)
            .exec(&self.pod, command, &params)
            .map_err(|error| ExecError::Torn(chain(&error)))?;
        let (parts, _) = request.into_parts();
        let socket = tokio::time::timeout(OPEN_LIMIT, self.upgrade(&parts))
            .await
            .map_err(|_| ExecError::Stalled(OPEN_LIMIT))??;
        let mut ping = tokio::time::interval_at(Instant::now() + PING, PING);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Exec { socket, ping })
    }

    /// Asks for a WebSocket, in the first subprotocol that is taken.
    async fn upgrade(&self, parts: &Parts) -> Result<Pin<Box<dyn Socket>>, ExecError> {
        let [first, second] = PROTOCOLS;
        match self.upgrade_to(parts, first).await {
            // What servers say that do not know it; Go's library says 403.
            Err(ExecError::Refused(error)) if matches!(error.code, Some(400 | 403 | 426)) => {
                self.upgrade_to(parts, second).await
            }
            other => other,
        }
    }

    async fn upgrade_to(
        &self,
        parts: &Parts,
        protocol: &'static str,
    ) -> Result<Pin<Box<dyn Socket>>, ExecError> {
        let torn = |why: &(dyn std::error::Error + 'static)| ExecError::Torn(text::quote(&chain(why)));
        let key = generate_key();
        let request = Request::get(parts.uri.clone())
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_VERSION, "13")
            .header(header::SEC_WEBSOCKET_KEY, &key)
            .header(header::SEC_WEBSOCKET_PROTOCOL, protocol)
            .body(Body::from(Vec::new()))
            .map_err(|error| torn(&error))?;
        let response = self.client.send(request).await.map_err(|error| torn(&error))?;
        let status = response.status();
        if status != StatusCode::SWITCHING_PROTOCOLS {
            let body = Limited::new(response.into_body(), OUTPUT_LIMIT)
                .collect()
                .await
                .map(Collected::to_bytes)
                .unwrap_or_default();
            return Err(ExecError::Refused(refusal(status.as_u16(), &body)));
        }
        let header = |name| response.headers().get(name).map(HeaderValue::as_bytes);
        if header(header::SEC_WEBSOCKET_ACCEPT) != Some(derive_accept_key(key.as_bytes()).as_bytes())
            || header(header::SEC_WEBSOCKET_PROTOCOL) != Some(protocol.as_bytes())
        {
            return Err(ExecError::Refused(AskError {
                code: Some(400),
                message: format!("the API server does not speak {protocol}"),
            }));
        }
        let upgraded = hyper::upgrade::on(response).await.map_err(|error| torn(&error))?;
        let stream = TokioIo::new(upgraded);
        Ok(Box::pin(WebSocketStream::from_raw_socket(stream, Role::Client, None).await))
    }

    /// Runs a short command to its end.
    ///
    /// `patience` is how long it may be silent.
    pub(super) async fn run(
        &self,
        script: &str,
        args: &[&str],
        patience: Duration,
    ) -> Result<Output, ExecError> {
        self.run_up_to(script, args, patience, OUTPUT_LIMIT).await
    }

    /// Runs a command to its end that may say up to `most` bytes.
    pub(super) async fn run_up_to(
        &self,
        script: &str,
        args: &[&str],
        patience: Duration,
        most: usize,
    ) -> Result<Output, ExecError> {
        let script = format!("({script}\n)\nprintf '\\n=end %s\\n' \"$?\"\nread -r _");
        let mut exec = self.open(&script, args).await?;
        let mut stdout = Vec::new();
        let mut stderr = Vec::new();
        loop {
            match exec.next(patience).await? {
                Event::Stdout(bytes) => stdout.extend_from_slice(&bytes),
                Event::Stderr(bytes) => stderr.extend_from_slice(&bytes),
                Event::Ended(how) => {
                    return Err(ExecError::Torn(format!("it ended before its answer was whole ({how})")));
                }
            }
            if stdout.len() > most || stderr.len() > OUTPUT_LIMIT {
                return Err(ExecError::Torn(String::from("it says more than it should")));
            }
            if let Some((said, code)) = split_end(&stdout) {
                // The channels race, and the reason of a failure is on the other one.
                while code != 0 && stderr.is_empty() {
                    match exec.next(Duration::from_secs(1)).await {
                        Ok(Event::Stderr(bytes)) => stderr.extend_from_slice(&bytes),
                        Ok(Event::Stdout(_)) => {}
                        _ => break,
                    }
                }
                exec.release().await;
                return Ok(Output {
                    code,
                    stdout: said,
                    stderr: String::from_utf8_lossy(&stderr).into_owned(),
                });
            }
        }
    }
}

fn refusal(status: u16, body: &[u8]) -> AskError {
    let said = serde_json::from_slice::<Status>(body)
        .ok()
        .and_then(|parsed| parsed.message)
        .unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
    AskError { code: Some(status), message: format!("the API server said {status}: {}", text::quote(&said)) }
}

/// Splits what a command said from the mark that ends it.
fn split_end(stdout: &[u8]) -> Option<(String, i32)> {
    let said = String::from_utf8_lossy(stdout);
    let (before, mark) = said.rsplit_once("\n=end ")?;
    let code = mark.strip_suffix('\n')?.parse().ok()?;
    Some((before.to_owned(), code))
}

impl Exec {
    /// Waits for the next thing the command says, no longer than `patience`.
    pub(super) async fn next(&mut self, patience: Duration) -> Result<Event, ExecError> {
        let limit = tokio::time::sleep(patience);
        tokio::pin!(limit);
        loop {
            let message = tokio::select! {
                message = self.socket.next() => message,
                () = &mut limit => return Err(ExecError::Stalled(patience)),
                _ = self.ping.tick() => {
                    let ping = Message::Ping(Bytes::new());
                    self.socket.send(ping).await.map_err(|error| torn(&error))?;
                    continue;
                }
            };
            let frame = match message {
                None => return Err(ExecError::Torn(String::from("it was closed"))),
                Some(Err(error)) => return Err(torn(&error)),
                Some(Ok(Message::Binary(frame))) => frame,
                Some(Ok(Message::Close(_))) => {
                    return Err(ExecError::Torn(String::from("the other side closed it")));
                }
                Some(Ok(_)) => continue,
            };
            // Each channel announces itself by an empty frame.
            if frame.len() < 2 {
                continue;
            }
            let content = frame.slice(1..);
            match frame.first().copied() {
                Some(STDOUT) => return Ok(Event::Stdout(content)),
                Some(STDERR) => return Ok(Event::Stderr(content)),
                Some(STATUS) => return Ok(Event::Ended(ended(&content))),
                _ => {}
            }
        }
    }

    /// Tells the command, which waits for a line, that it may end; then waits
    /// a little for it to do so. Whether it does is of no consequence.
    pub(super) async fn release(mut self) {
        let line = Message::binary(vec![STDIN, b'\n']);
        if self.socket.send(line).await.is_err() {
            return;
        }
        let end = async {
            while let Ok(event) = self.next(Duration::from_secs(2)).await {
                if matches!(event, Event::Ended(_)) {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(2), end).await;
    }
}

fn torn(error: &SocketError) -> ExecError {
    ExecError::Torn(text::quote(&chain(error)))
}

fn ended(content: &[u8]) -> String {
    match serde_json::from_slice::<Status>(content) {
        Ok(status) if status.status.as_deref() == Some("Success") => String::from("status Success"),
        Ok(status) => text::quote(status.message.as_deref().unwrap_or("no reason given")),
        Err(_) => text::quote(&String::from_utf8_lossy(content)),
    }
}

/// Repeats `attempt` while its error is one that passes.
pub(super) async fn persist<T, F, A>(what: &str, mut attempt: A) -> Result<T>
where
    F: Future<Output = Result<T, ExecError>>,
    A: FnMut() -> F,
{
    let mut pause = Duration::from_millis(250);
    let mut tries = 1;
    loop {
        match attempt().await {
            Ok(value) => return Ok(value),
            Err(error) if error.is_passing() && tries < 5 => {
                tries += 1;
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            Err(error) => return Err(anyhow!("cannot {what}: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_command_is_found_only_when_it_is_whole() {
        assert_eq!(split_end(b"size=3\n\n=end 0\n"), Some(("size=3\n".into(), 0)));
        assert_eq!(split_end(b"\n=end 127\n"), Some((String::new(), 127)));
        for part in [&b""[..], b"size=3", b"\n=end ", b"\n=end 0", b"\n=end x\n"] {
            assert_eq!(split_end(part), None);
        }
    }

    #[test]
    fn only_passing_errors_are_tried_again() {
        let refused = |code| ExecError::Refused(AskError { code: Some(code), message: String::new() });
        assert!(!refused(403).is_passing());
        assert!(!refused(404).is_passing());
        let starting =
            AskError { code: Some(404), message: "the API server said 404: pod does not exist".into() };
        assert!(ExecError::Refused(starting).is_passing());
        assert!(refused(429).is_passing());
        assert!(refused(503).is_passing());
        assert!(ExecError::Stalled(PING).is_passing());
    }
}
