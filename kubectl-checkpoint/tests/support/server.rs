//! The HTTP side of the fake API server.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;

use super::{Creation, Life, NODE_DIRECTORY, Objects, Removal, Scenario, Seen, Trigger, archive_name, exec};

#[derive(Clone)]
pub(super) struct Shared {
    pub(super) scenario: Arc<Scenario>,
    pub(super) seen: Arc<Mutex<Seen>>,
    pub(super) node: PathBuf,
    pub(super) tools: PathBuf,
}

/// An answer, or the end of the connection without one.
type Served = Result<Response<Full<Bytes>>, Gone>;

#[derive(Debug)]
pub(super) struct Gone;

impl std::fmt::Display for Gone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("gone")
    }
}

impl std::error::Error for Gone {}

impl From<Infallible> for Gone {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

pub(super) fn start(shared: Shared) -> (String, tokio::sync::oneshot::Sender<()>) {
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let (tell, told) = std::sync::mpsc::channel();
    let acceptor = shared.scenario.tls.as_ref().map(|tls| TlsAcceptor::from(Arc::clone(&tls.config)));
    let scheme = if acceptor.is_some() { "https" } else { "http" };
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            let accept = async {
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    let shared = shared.clone();
                    let acceptor = acceptor.clone();
                    tokio::spawn(async move {
                        let stream: Box<dyn Stream> = match acceptor {
                            None => Box::new(stream),
                            Some(acceptor) => match acceptor.accept(stream).await {
                                Ok(stream) => Box::new(stream),
                                Err(_) => return,
                            },
                        };
                        let service = service_fn(move |request| serve(shared.clone(), request));
                        // Ends in an error when a test wants the connection gone.
                        let _ = hyper::server::conn::http1::Builder::new()
                            .serve_connection(TokioIo::new(stream), service)
                            .with_upgrades()
                            .await;
                    });
                }
            };
            tokio::select! {
                () = accept => {}
                _ = stopped => {}
            }
        });
        runtime.shutdown_background();
    });
    let address = told.recv().unwrap();
    (format!("{scheme}://{address}"), stop)
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

fn answer(status: u16, body: &Value) -> Response<Full<Bytes>> {
    raw(status, "application/json", body.to_string().into_bytes())
}

fn raw(status: u16, content_type: &str, body: Vec<u8>) -> Response<Full<Bytes>> {
    Response::builder()
        .status(StatusCode::from_u16(status).unwrap())
        .header("content-type", content_type)
        .body(Full::new(Bytes::from(body)))
        .unwrap()
}

fn failure(status: u16, reason: &str, message: &str) -> Response<Full<Bytes>> {
    answer(
        status,
        &json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "code": status,
        }),
    )
}

async fn serve(shared: Shared, mut request: Request<Incoming>) -> Served {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    if path == "/.well-known/openid-configuration" || path == "/token" {
        return issue(&shared, request).await;
    }
    if shared.seen.lock().unwrap().away.is_some_and(|back| std::time::Instant::now() < back) {
        return Err(Gone);
    }
    let bearer = format!("Bearer {}", shared.scenario.token);
    if request.headers().get("authorization").is_none_or(|value| *value != *bearer) {
        shared.seen.lock().unwrap().strangers += 1;
        return Ok(failure(401, "Unauthorized", "Unauthorized"));
    }
    shared.seen.lock().unwrap().requests.push(format!("{method} {path}"));
    if path.ends_with("/exec") {
        return Ok(exec::serve(shared, &mut request, &query));
    }
    let body = request.into_body().collect().await.map_err(|_| Gone)?.to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match (method, parts.as_slice()) {
        (Method::POST, ["api", "v1", "nodes", _, "proxy", "checkpoint", "default", name, _])
            if name.chars().any(char::is_uppercase) =>
        {
            let Trigger::Answer(status, content_type, body) = &shared.scenario.probe else {
                return Err(Gone);
            };
            Ok(raw(*status, content_type, body.clone()))
        }
        // The kubelet itself, on the same address.
        (Method::POST, ["checkpoint", "default", name, _]) if name.chars().any(char::is_uppercase) => {
            let Trigger::Answer(status, content_type, body) = &shared.scenario.probe else {
                return Err(Gone);
            };
            Ok(raw(*status, content_type, body.clone()))
        }
        (Method::POST, ["checkpoint", rest @ ..]) => checkpoint(&shared, "node-1", rest, &query).await,
        (Method::POST, ["api", "v1", "nodes", node, "proxy", "checkpoint", rest @ ..]) => {
            checkpoint(&shared, node, rest, &query).await
        }
        (Method::GET, ["api", "v1", "nodes", _, "proxy", "stats", "summary"]) => Ok(summary(&shared)),
        (Method::GET, ["apis"]) => {
            let group = shared.scenario.group;
            let version = json!({"groupVersion": format!("{group}/v1alpha1"), "version": "v1alpha1"});
            let groups = if shared.scenario.pod_checkpoints {
                json!([{"name": group, "versions": [version], "preferredVersion": version}])
            } else {
                json!([])
            };
            Ok(answer(200, &json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})))
        }
        (method, ["apis", group, "v1alpha1", "namespaces", "shop", "podcheckpoints", rest @ ..])
            if *group == shared.scenario.group =>
        {
            object(&shared, &method, rest, body)
        }
        (Method::GET, ["apis", group, "v1alpha1"]) if *group == shared.scenario.group => Ok(answer(
            200,
            &json!({
                "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": format!("{group}/v1alpha1"),
                "resources": [{"name": "podcheckpoints", "singularName": "podcheckpoint", "namespaced": true,
                    "kind": "PodCheckpoint", "verbs": ["create", "get"]}],
            }),
        )),
        (Method::GET, ["api", "v1", "pods"])
            if query.contains("labelSelector=app%3Dweb") || !query.contains("labelSelector=") =>
        {
            if shared.scenario.denied.contains(&"list pods in all namespaces") {
                return Ok(failure(403, "Forbidden", "pods is forbidden at the cluster scope"));
            }
            let items: Vec<Value> =
                shared.scenario.replicas.iter().map(|name| target(&shared, name)).collect();
            Ok(answer(200, &json!({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items})))
        }
        (Method::GET, ["api", "v1", "pods"]) => {
            let seen = shared.seen.lock().unwrap();
            let items: Vec<Value> = seen.pods.values().cloned().collect();
            Ok(answer(200, &json!({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items})))
        }
        (Method::GET, ["api", "v1", "nodes"]) => {
            let items: Vec<Value> =
                shared.scenario.nodes.iter().map(|(name, ready)| node(name, *ready)).collect();
            Ok(answer(200, &json!({"kind": "NodeList", "apiVersion": "v1", "metadata": {}, "items": items})))
        }
        (Method::GET, ["api", "v1", "nodes", name]) => Ok(answer(200, &node(name, true))),
        (Method::POST, ["apis", "authorization.k8s.io", "v1", "selfsubjectaccessreviews"]) => {
            let asked = &body["spec"]["resourceAttributes"];
            let mut resource = asked["resource"].as_str().unwrap().to_owned();
            if let Some(sub) = asked["subresource"].as_str() {
                resource = format!("{resource}/{sub}");
            }
            let right = format!("{} {resource}", asked["verb"].as_str().unwrap());
            let allowed = !shared.scenario.denied.contains(&right.as_str());
            let mut review = body;
            review["status"] = json!({"allowed": allowed});
            Ok(answer(201, &review))
        }
        (Method::POST, ["apis", "authentication.k8s.io", "v1", "selfsubjectreviews"]) => {
            let mut review = body;
            review["status"] = json!({"userInfo": {"username": "jo@example.com", "groups": ["g"]}});
            Ok(answer(201, &review))
        }
        (Method::GET, ["apis", "apps", "v1", "namespaces", "shop", "deployments", name]) => Ok(answer(
            200,
            &json!({
                "kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": name},
                "spec": {
                    "selector": {"matchLabels": {"app": name}},
                    "template": {"spec": {"containers": [shared.scenario.container]}},
                },
            }),
        )),
        (Method::GET, ["apis", "apps", "v1", "namespaces", "shop", "replicasets", name]) => Ok(answer(
            200,
            &json!({
                "kind": "ReplicaSet", "apiVersion": "apps/v1",
                "metadata": {"name": name, "ownerReferences": [owner("Deployment", "web")]},
            }),
        )),
        (Method::GET, ["api", "v1", "namespaces", "shop", "pods", _, "log"]) => {
            Ok(if query.contains("previous=true") {
                failure(400, "BadRequest", "previous terminated container \"app\" not found")
            } else {
                raw(200, "text/plain", b"2026-11-23T17:00:00Z said \x1b[2J\n".to_vec())
            })
        }
        (Method::GET, ["api", "v1", "namespaces", _, "events"]) => Ok(answer(200, &events(&shared))),
        (Method::GET, ["api", "v1", "namespaces", "shop", "pods"]) => {
            let items: Vec<Value> =
                shared.scenario.replicas.iter().map(|name| target(&shared, name)).collect();
            let list = json!({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items});
            Ok(answer(200, &list))
        }
        (Method::POST, ["api", "v1", "namespaces", namespace, "pods"]) => {
            create(&shared, namespace, body, query.contains("dryRun=All"))
        }
        (Method::GET, ["api", "v1", "namespaces", "shop", "pods", name]) if name.starts_with("web") => {
            Ok(answer(200, &target(&shared, name)))
        }
        (Method::GET, ["api", "v1", "namespaces", _, "pods", name]) => {
            let seen = shared.seen.lock().unwrap();
            Ok(match seen.pods.get(*name) {
                Some(pod) => answer(200, pod),
                None => not_found(name),
            })
        }
        (Method::DELETE, ["api", "v1", "namespaces", _, "pods", name]) => Ok(delete(&shared, name)),
        (method, _) => panic!("nobody expects {method} {path}"),
    }
}

/// Plays the kubelet that works on `PodCheckpoint` objects.
fn object(shared: &Shared, method: &Method, rest: &[&str], mut body: Value) -> Served {
    let life = shared.scenario.objects;
    let mut seen = shared.seen.lock().unwrap();
    if *method == Method::POST {
        seen.objects.push(body.clone());
        if life == Objects::NeverMade {
            return Err(Gone);
        }
        let directory = shared.node.join("checkpoint-web_shop-1");
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("checkpoint-manifest.json"), "{\"version\":2}").unwrap();
        std::fs::write(directory.join("app.tar"), &shared.scenario.content).unwrap();
        return if life == Objects::AnswerLost { Err(Gone) } else { Ok(answer(201, &body)) };
    }
    assert_eq!(*method, Method::GET, "nobody changes or deletes such objects");
    let made = seen.objects.iter().find(|made| made["metadata"]["name"] == rest[0]);
    let Some(made) = made.filter(|_| life != Objects::NeverMade).cloned() else {
        return Ok(failure(404, "NotFound", "podcheckpoints \"x\" not found"));
    };
    seen.looks += 1;
    body = made;
    let path = "pod-checkpoints/checkpoint-web_shop-1";
    let condition = |status: &str, reason: &str| json!([{"type": "Ready", "status": status, "reason": reason, "message": "said \u{1b}[2J"}]);
    body["status"] = match life {
        _ if seen.looks == 1 => json!({"conditions": condition("False", "CheckpointInProgress")}),
        Objects::Forever => json!({"conditions": condition("False", "CheckpointInProgress")}),
        Objects::Failed => json!({"conditions": condition("False", "CheckpointFailed")}),
        Objects::Phase => json!({"phase": "Succeeded", "checkpointPath": format!("/var/lib/kubelet/{path}")}),
        _ => json!({
            "conditions": condition("True", "CheckpointCompleted"), "nodeName": "node-1",
            "checkpointLocation": {"type": "NodeLocal", "nodeLocal": {"path": path}},
        }),
    };
    Ok(answer(200, &body))
}

/// Plays an issuer of id-tokens, on the same address.
async fn issue(shared: &Shared, request: Request<Incoming>) -> Served {
    if request.method() == Method::GET {
        let host = request.headers()["host"].to_str().unwrap();
        return Ok(answer(200, &json!({"token_endpoint": format!("https://{host}/token")})));
    }
    let body = request.into_body().collect().await.map_err(|_| Gone)?.to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    let known = body.contains("refresh_token=good");
    shared.seen.lock().unwrap().refreshes.push(body);
    if !known {
        return Ok(answer(400, &json!({"error": "invalid_grant"})));
    }
    Ok(answer(200, &json!({"id_token": shared.scenario.token, "refresh_token": "next"})))
}

fn not_found(name: &str) -> Response<Full<Bytes>> {
    failure(404, "NotFound", &format!("pods \"{name}\" not found"))
}

fn node(name: &str, ready: bool) -> Value {
    json!({
        "kind": "Node", "apiVersion": "v1", "metadata": {"name": name},
        "status": {
            "conditions": [{"type": "Ready", "status": if ready { "True" } else { "Unknown" }}],
            "nodeInfo": {
                "kubeletVersion": "v1.36.2", "containerRuntimeVersion": "containerd://2.1.9",
                "kernelVersion": "6.1", "osImage": "Debian", "operatingSystem": "linux",
                "architecture": "amd64", "bootID": "b", "machineID": "m",
                "systemUUID": "s", "kubeProxyVersion": "",
            },
        },
    })
}

fn summary(shared: &Shared) -> Response<Full<Bytes>> {
    let Some((disk, memory)) = shared.scenario.vitals else {
        let message = "nodes \"node-1\" is forbidden: User \"jo\" cannot get resource \"nodes/proxy\"";
        return failure(403, "Forbidden", message);
    };
    answer(
        200,
        &json!({
            "node": {"nodeName": "node-1", "fs": {"availableBytes": disk}},
            "pods": [{
                "podRef": {"name": "web", "namespace": "shop"},
                "containers": [{"name": "app", "memory": {"workingSetBytes": memory}}],
            }],
        }),
    )
}

async fn checkpoint(shared: &Shared, node: &str, rest: &[&str], query: &str) -> Served {
    let (pod, container) = (rest[1], rest[2]);
    {
        let mut seen = shared.seen.lock().unwrap();
        seen.checkpoints.push(format!("{}?{query}", rest.join("/")));
        let now = seen.freezing.entry(node.to_owned()).or_default();
        *now += 1;
        let (now, nodes) = (*now, seen.freezing.values().filter(|count| **count > 0).count());
        seen.most_on_one_node = seen.most_on_one_node.max(now);
        seen.most_nodes = seen.most_nodes.max(nodes);
    }
    tokio::time::sleep(shared.scenario.freeze).await;
    let answer = frozen(shared, pod, container).await;
    *shared.seen.lock().unwrap().freezing.get_mut(node).unwrap() -= 1;
    answer
}

async fn frozen(shared: &Shared, pod: &str, container: &str) -> Served {
    if shared.scenario.failing.contains(&pod) {
        let said = "checkpointing of it failed (criu failed: type DUMP errno 0 path= /run/criu-dump.log)";
        return Ok(raw(500, "text/plain", said.as_bytes().to_vec()));
    }
    match &shared.scenario.trigger {
        Trigger::Success => {
            let name = archive_name(pod, container);
            std::fs::write(shared.node.join(&name), &shared.scenario.content).unwrap();
            // The kubelet does not escape it, and sends no line feed.
            let body = format!("{{\"items\":[\"{NODE_DIRECTORY}/{name}\"]}}");
            Ok(raw(200, "application/json", body.into_bytes()))
        }
        Trigger::Answer(status, content_type, body) => Ok(raw(*status, content_type, body.clone())),
        Trigger::Reset => Err(Gone),
        Trigger::Hang => {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            Err(Gone)
        }
    }
}

fn owner(kind: &str, name: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": "u", "controller": true})
}

fn target(shared: &Shared, name: &str) -> Value {
    let scenario = &shared.scenario;
    let node = scenario.placement.iter().find(|(pod, _)| *pod == name).map_or("node-1", |(_, node)| node);
    let (mut containers, mut statuses) = (Vec::new(), Vec::new());
    for container in &scenario.containers {
        let mut specification = scenario.container.clone();
        specification["name"] = json!(container);
        containers.push(specification);
        statuses.push(json!({
            "name": container, "ready": true, "restartCount": 3, "image": "img",
            "imageID": "img@sha256:1", "containerID": scenario.container_id, "state": scenario.state,
        }));
    }
    json!({
        "kind": "Pod", "apiVersion": "v1",
        "metadata": {"name": name, "namespace": "shop", "uid": "uid-of-web", "labels": {"app": "web"},
            "ownerReferences": [owner("ReplicaSet", "web-7d4")]},
        "spec": {"nodeName": node, "containers": containers},
        "status": {"phase": "Running", "containerStatuses": statuses},
    })
}

fn create(shared: &Shared, namespace: &str, mut pod: Value, rehearsal: bool) -> Served {
    let forbidden = match shared.scenario.creation {
        Creation::Forbidden(message) => Some(message),
        Creation::ForbiddenLate(message) if !rehearsal => Some(message),
        _ => None,
    };
    if let Some(message) = forbidden {
        return Ok(failure(403, "Forbidden", message));
    }
    let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
    pod["metadata"]["uid"] = json!("uid-of-collector");
    pod["metadata"]["namespace"] = json!(namespace);
    if rehearsal {
        return Ok(answer(201, &pod));
    }
    let state =
        |waiting: &str| json!({"waiting": {"reason": waiting, "message": "Back-off \u{1b}[31mpulling"}});
    let (phase, state) = match shared.scenario.life {
        Life::Running => ("Running", json!({"running": {}})),
        Life::Pending | Life::BadHostPath => ("Pending", state("ContainerCreating")),
        Life::ImagePullBackOff => ("Pending", state("ImagePullBackOff")),
    };
    pod["status"] = json!({
        "phase": phase,
        "containerStatuses": [{
            "name": "collector", "ready": true, "restartCount": 0, "image": "busybox",
            "imageID": "busybox@sha256:2", "state": state,
        }],
    });
    let mut seen = shared.seen.lock().unwrap();
    seen.made.push(pod.clone());
    seen.pods.insert(name, pod.clone());
    if shared.scenario.creation == Creation::AnswerLost {
        return Err(Gone);
    }
    Ok(answer(201, &pod))
}

fn delete(shared: &Shared, name: &str) -> Response<Full<Bytes>> {
    let mut seen = shared.seen.lock().unwrap();
    seen.removals += 1;
    match shared.scenario.removal {
        Removal::Forbidden => return failure(403, "Forbidden", "no pods may be deleted"),
        Removal::Stumbles(times) if seen.removals <= times => {
            return failure(503, "ServiceUnavailable", "try later");
        }
        _ => {}
    }
    match seen.pods.remove(name) {
        Some(pod) => answer(200, &pod),
        None => not_found(name),
    }
}

fn events(shared: &Shared) -> Value {
    let message = match shared.scenario.life {
        Life::BadHostPath => Some(
            "MountVolume.SetUp failed for volume \"checkpoints\" : hostPath type check failed: /var/lib/kubelet/checkpoints is not a directory",
        ),
        Life::Pending => Some("network is not \u{1b}[31mready"),
        _ => None,
    };
    let items: Vec<Value> = message
        .iter()
        .map(|message| {
            json!({
                "metadata": {"name": "e"}, "involvedObject": {}, "type": "Warning",
                "reason": "FailedMount", "message": message,
            })
        })
        .collect();
    json!({"kind": "EventList", "apiVersion": "v1", "metadata": {}, "items": items})
}

pub(super) fn refuse_exec(status: u16) -> Response<Full<Bytes>> {
    failure(status, "InternalError", "container not found (\"collector\")")
}

pub(super) fn pod_missing(name: &str) -> Response<Full<Bytes>> {
    not_found(name)
}

pub(super) fn unknown_protocol() -> Response<Full<Bytes>> {
    raw(403, "text/plain", b"requested protocol(s) are not supported".to_vec())
}
