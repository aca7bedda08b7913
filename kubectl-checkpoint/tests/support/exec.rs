//! The exec subresource: real commands over a WebSocket, with faults.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::Fault;
use super::server::{Shared, pod_missing, refuse_exec, unknown_protocol};

/// What the pumps of a command say.
enum Said {
    Stdout(Vec<u8>),
    Stderr(Vec<u8>),
    Ended(Option<i32>),
}

pub(super) fn serve(shared: Shared, request: &mut Request<Incoming>, query: &str) -> Response<Full<Bytes>> {
    let pod = request.uri().path().split('/').nth(6).unwrap().to_owned();
    let command: Vec<String> =
        query.split('&').filter_map(|pair| pair.strip_prefix("command=")).map(decode).collect();
    let offered = request.headers()["sec-websocket-protocol"].to_str().unwrap();
    if !offered.contains(shared.scenario.protocol) {
        return unknown_protocol();
    }
    let transfer = command.iter().any(|part| part.contains("printf 'sent"));
    let mut fault = Fault::None;
    {
        let mut seen = shared.seen.lock().unwrap();
        if !seen.pods.contains_key(&pod) {
            return pod_missing(&pod);
        }
        if transfer {
            let faults = &shared.scenario.streams;
            fault = *faults.get(seen.streams).or(faults.last()).unwrap();
            seen.streams += 1;
        }
    }
    if let Fault::Refuse(status) = fault {
        return refuse_exec(status);
    }
    let key = derive_accept_key(request.headers()["sec-websocket-key"].as_bytes());
    let protocol = shared.scenario.protocol;
    let upgrade = hyper::upgrade::on(request);
    tokio::spawn(async move {
        let upgraded = upgrade.await.unwrap();
        let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
        follow(shared, socket, &command, fault, &pod, transfer).await;
    });
    Response::builder()
        .status(101)
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-accept", key)
        .header("sec-websocket-protocol", protocol)
        .body(Full::default())
        .unwrap()
}

async fn follow(
    shared: Shared,
    socket: WebSocketStream<TokioIo<Upgraded>>,
    command: &[String],
    fault: Fault,
    pod: &str,
    transfer: bool,
) {
    let (mut child, mut said) = run(command, &shared.node, &shared.tools);
    let mut stdin = child.stdin.take();
    let (mut send, mut receive) = socket.split();
    // Each channel announces itself by an empty frame, as the kubelet's do.
    for channel in [1, 2, 3] {
        if send.send(Message::binary(vec![channel])).await.is_err() {
            return;
        }
    }
    let mut sent = 0_usize;
    loop {
        tokio::select! {
            event = said.recv() => match event {
                None => return,
                Some(Said::Stdout(mut bytes)) => {
                    let cut = |at: usize| at.saturating_sub(sent).min(bytes.len());
                    match fault {
                        Fault::Corrupt(at) if (sent..sent + bytes.len()).contains(&at) => {
                            bytes[at - sent] ^= 0x40;
                        }
                        Fault::Tear(at)
                        | Fault::ShortSuccess(at)
                        | Fault::Stall(at)
                        | Fault::PodGone(at)
                        | Fault::Restart(at)
                            if at < sent + bytes.len() =>
                        {
                            let part = bytes[..cut(at)].to_vec();
                            let _ = send.send(frame(1, &part)).await;
                            let _ = child.kill();
                            let _ = child.wait();
                            match fault {
                                Fault::ShortSuccess(_) => {
                                    let _ = send.send(status(Some(0))).await;
                                    let _ = send.close().await;
                                }
                                Fault::Stall(_) => while receive.next().await.is_some_and(|m| m.is_ok()) {},
                                Fault::Restart(_) => {
                                    let back = std::time::Instant::now() + std::time::Duration::from_millis(300);
                                    shared.seen.lock().unwrap().away = Some(back);
                                }
                                Fault::PodGone(_) => {
                                    shared.seen.lock().unwrap().pods.remove(pod);
                                }
                                _ => {}
                            }
                            // Dropped without a closing frame: the peer sees a reset.
                            return;
                        }
                        _ => {}
                    }
                    sent += bytes.len();
                    if transfer {
                        shared.seen.lock().unwrap().sent += bytes.len();
                    }
                    if send.send(frame(1, &bytes)).await.is_err() {
                        let _ = child.kill();
                        return;
                    }
                }
                Some(Said::Stderr(bytes)) => {
                    let _ = send.send(frame(2, &bytes)).await;
                }
                Some(Said::Ended(code)) => {
                    let _ = send.send(status(code)).await;
                    let _ = send.close().await;
                    return;
                }
            },
            message = receive.next() => match message {
                Some(Ok(Message::Binary(bytes))) if bytes.first() == Some(&0) => {
                    if let Some(stdin) = &mut stdin {
                        let _ = stdin.write_all(&bytes[1..]);
                    }
                }
                Some(Ok(_)) => {}
                _ => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return;
                }
            },
        }
    }
}

fn frame(channel: u8, bytes: &[u8]) -> Message {
    let mut frame = Vec::with_capacity(bytes.len() + 1);
    frame.push(channel);
    frame.extend_from_slice(bytes);
    Message::binary(frame)
}

fn status(code: Option<i32>) -> Message {
    let status = match code {
        Some(0) => serde_json::json!({"metadata": {}, "status": "Success"}),
        code => serde_json::json!({
            "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
            "message": "command terminated with non-zero exit code",
            "details": {"causes": [{"reason": "ExitCode", "message": format!("{code:?}")}]},
        }),
    };
    frame(3, status.to_string().as_bytes())
}

/// Runs the command with the node's directory where the pod has its mount.
fn run(command: &[String], node: &Path, tools: &Path) -> (Child, mpsc::Receiver<Said>) {
    assert_eq!(command[0], "sh");
    let args: Vec<String> = command[1..]
        .iter()
        .map(|word| match word.strip_prefix("/checkpoints") {
            Some("") => node.display().to_string(),
            Some(name) => format!("{}{name}", node.display()),
            // A volume of the pod's own.
            None => match word.strip_prefix("/packed/") {
                Some(name) => format!("{}/.packed-{name}", node.display()),
                None => word.clone(),
            },
        })
        .collect();
    let mut child = Command::new("/bin/sh")
        .args(&args)
        .env_clear()
        .env("PATH", tools)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (say, said) = mpsc::channel(4);
    let mut stdout = child.stdout.take().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let say_stderr = say.clone();
    let stderr = std::thread::spawn(move || {
        let mut buffer = vec![0; 4096];
        while let Ok(length @ 1..) = stderr.read(&mut buffer) {
            if say_stderr.blocking_send(Said::Stderr(buffer[..length].to_vec())).is_err() {
                return;
            }
        }
    });
    std::thread::spawn(move || {
        let mut buffer = vec![0; 32 * 1024];
        while let Ok(length @ 1..) = stdout.read(&mut buffer) {
            if say.blocking_send(Said::Stdout(buffer[..length].to_vec())).is_err() {
                return;
            }
        }
        let _ = stderr.join();
        // The scripts end well or are killed; the code is in their output.
        let _ = say.blocking_send(Said::Ended(Some(0)));
    });
    (child, said)
}

fn decode(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                let digits = std::str::from_utf8(&digits).unwrap();
                out.push(u8::from_str_radix(digits, 16).unwrap());
            }
            byte => out.push(byte),
        }
    }
    String::from_utf8(out).unwrap()
}
