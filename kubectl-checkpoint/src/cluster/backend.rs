//! The ways a checkpoint request can take to the kubelet of a node.

use std::time::Duration;

use futures::future::LocalBoxFuture;
use k8s_openapi::api::core::v1::Node;
use kube::config::{
    Cluster, Context, KubeConfigOptions, Kubeconfig, NamedAuthInfo, NamedCluster, NamedContext,
};
use kube::{Api, Client, Config};

use super::args::BackendArgs;
use super::connection::{Connection, chain};
use super::explain::Route;
use super::rights::{Right, missing};
use super::trigger::{Answer, exchange};

/// A way to the kubelet.
pub(super) trait Backend {
    /// What it is, for messages about answers.
    fn route(&self) -> Route;

    /// The rights it needs.
    fn rights(&self) -> Vec<Right>;

    /// What the request is sent to, for the record: `path` on that node.
    fn target(&self, node: &str, path: &str) -> String;

    /// Sends one POST without a body to the kubelet of `node`, exactly once.
    /// The error says why there is no answer.
    fn post<'a>(&'a self, node: &'a str, path: &'a str) -> LocalBoxFuture<'a, Result<Answer, String>>;
}

/// Chooses the way that was asked for.
///
/// # Errors
///
/// When the flags contradict each other.
pub(super) fn choose(args: &BackendArgs, connection: &Connection) -> anyhow::Result<Box<dyn Backend>> {
    if !args.kubelet {
        return Ok(Box::new(NodeProxy { connection: connection.clone() }));
    }
    if connection.config.auth_info.impersonate.is_some() {
        anyhow::bail!("--as and --kubelet: a kubelet knows no impersonation; leave one of them out");
    }
    Ok(Box::new(Kubelet { connection: connection.clone(), args: args.clone() }))
}

fn proxy() -> Right {
    Right::cluster("create", "nodes/proxy", "ask the kubelet for the checkpoint")
}

fn checkpoint() -> Right {
    Right::cluster("create", "nodes/checkpoint", "ask the kubelet for the checkpoint")
}

/// Says that the other way is open to a user to whom this one is closed.
pub(super) async fn other_way(connection: &Connection, denied: &[Right]) -> Option<&'static str> {
    let is_denied = |right: &Right| denied.iter().any(|one| one.resource == right.resource);
    let (open, advice) = if is_denied(&proxy()) {
        let advice = "you may create nodes/checkpoint: with --kubelet the kubelet is asked directly, and nodes/proxy is not needed";
        (checkpoint(), advice)
    } else if is_denied(&checkpoint()) {
        (proxy(), "you may create nodes/proxy: without --kubelet the request goes through the API server")
    } else {
        return None;
    };
    let missing = missing(connection, &[open]).await.ok()?;
    missing.is_empty().then_some(advice)
}

/// Through `/api/v1/nodes/NODE/proxy` of the API server.
struct NodeProxy {
    connection: Connection,
}

impl Backend for NodeProxy {
    fn route(&self) -> Route {
        Route::ApiServer
    }

    fn rights(&self) -> Vec<Right> {
        vec![proxy()]
    }

    fn target(&self, node: &str, path: &str) -> String {
        format!("/api/v1/nodes/{node}/proxy{path}")
    }

    fn post<'a>(&'a self, node: &'a str, path: &'a str) -> LocalBoxFuture<'a, Result<Answer, String>> {
        Box::pin(async move { exchange(&self.connection.client, &self.target(node, path)).await })
    }
}

/// Directly to the kubelet's own port, with the same identity. Needs only
/// `nodes/checkpoint`, which is far less than `nodes/proxy`.
struct Kubelet {
    connection: Connection,
    args: BackendArgs,
}

impl Kubelet {
    async fn address(&self, node: &str) -> Result<String, String> {
        if let Some(url) = &self.args.kubelet_url {
            return Ok(url.trim_end_matches('/').replace("{node}", node));
        }
        let nodes: Api<Node> = Api::all(self.connection.client.clone());
        let object = self.connection.ask(nodes.get(node)).await.map_err(|error| {
            format!("the address of node {node} is not known: {error}; give it by --kubelet-url https://ADDRESS:10250")
        })?;
        let status = object.status.unwrap_or_default();
        let addresses = status.addresses.unwrap_or_default();
        let address = ["InternalIP", "ExternalIP", "Hostname"]
            .iter()
            .find_map(|wanted| addresses.iter().find(|address| address.type_ == *wanted))
            .map(|address| address.address.clone())
            .ok_or_else(|| {
                format!("node {node} has no address; give it by --kubelet-url https://ADDRESS:10250")
            })?;
        let address = if address.contains(':') { format!("[{address}]") } else { address };
        let port = status.daemon_endpoints.and_then(|all| all.kubelet_endpoint).map_or(10250, |one| one.port);
        Ok(format!("https://{address}:{port}"))
    }

    async fn client(&self, url: &str) -> Result<Client, String> {
        let name = String::from("kubelet");
        let kubeconfig = Kubeconfig {
            clusters: vec![NamedCluster {
                name: name.clone(),
                cluster: Some(Cluster {
                    server: Some(url.to_owned()),
                    certificate_authority: self
                        .args
                        .kubelet_certificate_authority
                        .as_ref()
                        .map(|file| file.display().to_string()),
                    insecure_skip_tls_verify: Some(self.args.kubelet_insecure_skip_tls_verify),
                    ..Cluster::default()
                }),
                ..NamedCluster::default()
            }],
            auth_infos: vec![NamedAuthInfo {
                name: name.clone(),
                auth_info: Some(self.connection.config.auth_info.clone()),
                ..NamedAuthInfo::default()
            }],
            contexts: vec![NamedContext {
                name: name.clone(),
                context: Some(Context {
                    cluster: name.clone(),
                    user: Some(name.clone()),
                    ..Context::default()
                }),
                ..NamedContext::default()
            }],
            ..Kubeconfig::default()
        };
        let options = KubeConfigOptions { context: Some(name), cluster: None, user: None };
        let mut config =
            Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| chain(&error))?;
        if config.root_cert.is_none() {
            // Where nothing else is said: many clusters sign both alike.
            config.root_cert.clone_from(&self.connection.config.root_cert);
        }
        config.default_retry = false;
        config.connect_timeout = Some(self.connection.request_timeout.unwrap_or(Duration::from_secs(30)));
        Client::try_from(config).map_err(|error| chain(&error))
    }
}

impl Backend for Kubelet {
    fn route(&self) -> Route {
        Route::Kubelet
    }

    fn rights(&self) -> Vec<Right> {
        let mut rights = vec![checkpoint()];
        if self.args.kubelet_url.is_none() {
            let purpose = "find the kubelet's address (--kubelet-url https://ADDRESS:10250 does without)";
            rights.push(Right::cluster("get", "nodes", purpose));
        }
        rights
    }

    fn target(&self, node: &str, path: &str) -> String {
        let url = self.args.kubelet_url.as_deref().unwrap_or("https://{node}:10250").trim_end_matches('/');
        format!("{}{path}", url.replace("{node}", node))
    }

    fn post<'a>(&'a self, node: &'a str, path: &'a str) -> LocalBoxFuture<'a, Result<Answer, String>> {
        Box::pin(async move {
            let url = self.address(node).await?;
            let client = self.client(&url).await?;
            exchange(&client, path).await.map_err(|why| {
                let advice = if why.contains("certificate") {
                    "; name the kubelet's authority by --kubelet-certificate-authority FILE"
                } else if why.contains("refused") {
                    "; nothing listens there: the kubelet is down, or its port is another"
                } else {
                    ""
                };
                format!("{url}: {why}{advice}")
            })
        })
    }
}
