//! The way to the API server: kubeconfig, flags, identity.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use kube::config::{
    AuthInfo, Cluster, Context, KubeConfigOptions, Kubeconfig, NamedAuthInfo, NamedCluster, NamedContext,
};
use kube::{Client, Config};
use sha2::{Digest as _, Sha256};

use super::args::ClusterArgs;
use super::{credentials, text};

/// How long a stream may be silent where --request-timeout says nothing.
const PATIENCE: Duration = Duration::from_secs(120);
/// The name of entries that flags alone describe, without a kubeconfig.
const FROM_FLAGS: &str = "from-flags";

/// A cluster one can ask, and what identified it.
#[derive(Clone)]
pub struct Connection {
    /// Client without retries: a repeated POST would be a second checkpoint.
    pub client: Client,
    /// What the client was made from.
    pub(super) config: Config,
    /// Namespace to use where none is named.
    pub namespace: String,
    /// Name of the kubeconfig context, where there is one.
    pub context: Option<String>,
    /// URL of the API server.
    pub server: String,
    /// SHA-256 over the certificate authorities that vouch for the server.
    pub authority_sha256: Option<String>,
    /// Limit for one plain answer; `None` waits for ever.
    pub request_timeout: Option<Duration>,
}

impl Connection {
    /// Connects as the flags, the environment and the kubeconfig say.
    ///
    /// # Errors
    ///
    /// When no configuration is found or it cannot be used.
    pub async fn open(args: &ClusterArgs) -> Result<Self> {
        let request_timeout = (!args.request_timeout.is_zero()).then_some(args.request_timeout);
        let (mut config, context) = configuration(args).await?;
        // kube repeats any request up to 15 times on 429, 503 and 504 by default.
        config.default_retry = false;
        if request_timeout.is_some() {
            config.connect_timeout = request_timeout;
        }
        if let Some(namespace) = &args.namespace {
            config.default_namespace.clone_from(namespace);
        }
        let authority_sha256 = config.root_cert.as_ref().map(|certificates| {
            let mut hash = Sha256::new();
            for certificate in certificates {
                hash.update(certificate);
            }
            hex(&hash.finalize())
        });
        let server = config.cluster_url.to_string();
        let namespace = config.default_namespace.clone();
        let client = Client::try_from(config.clone()).map_err(|error| {
            let advice = credentials::advice(&error, &config.auth_info);
            anyhow!("cannot make a client for {server}: {}{advice}", chain(&error))
        })?;
        Ok(Self { client, config, namespace, context, server, authority_sha256, request_timeout })
    }

    /// How long a stream may be silent.
    pub(super) fn patience(&self) -> Duration {
        self.request_timeout.map_or(PATIENCE, |limit| limit.max(Duration::from_secs(2)))
    }

    /// Waits for one plain answer no longer than `--request-timeout`.
    ///
    /// # Errors
    ///
    /// The API server's error, or that the time is over.
    pub async fn ask<T>(&self, request: impl Future<Output = Result<T, kube::Error>>) -> Result<T, AskError> {
        match self.request_timeout {
            None => request.await.map_err(AskError::from),
            Some(limit) => tokio::time::timeout(limit, request)
                .await
                .map_err(|_| AskError {
                    code: None,
                    message: format!("no answer within {} s", limit.as_secs_f32()),
                })?
                .map_err(AskError::from),
        }
    }
}

/// What the API server said, or what kept it from saying anything.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct AskError {
    /// HTTP status, where there was an answer.
    pub code: Option<u16>,
    /// What was said, fit for a terminal.
    pub message: String,
}

impl From<kube::Error> for AskError {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self {
                code: Some(status.code),
                message: format!("the API server said {}: {}", status.code, text::quote(&status.message)),
            },
            other => {
                let advice = credentials::advice(&other, &AuthInfo::default());
                Self { code: None, message: text::quote(&chain(&other)) + &advice }
            }
        }
    }
}

/// Renders an error with all its causes, each said once.
pub(super) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    if let Some(said) = credentials::plugin_failure(error) {
        return said;
    }
    let mut out = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !out.contains(&said) {
            out.push_str(": ");
            out.push_str(&said);
        }
        source = cause.source();
    }
    out
}

/// Renders bytes as lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, byte| {
        // Writing to a String cannot end in an error.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

async fn configuration(args: &ClusterArgs) -> Result<(Config, Option<String>)> {
    let mut kubeconfig = read_kubeconfig(args.kubeconfig.as_deref())?;
    let empty = kubeconfig.contexts.is_empty() && kubeconfig.clusters.is_empty();
    if empty && args.server.is_none() && args.context.is_none() && args.cluster.is_none() {
        if std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() && args.kubeconfig.is_none() {
            let mut config =
                Config::incluster().context("cannot use the service account of the pod this runs in")?;
            override_user(&mut config.auth_info, args)?;
            config.accept_invalid_certs = args.insecure_skip_tls_verify;
            if args.tls_server_name.is_some() {
                config.tls_server_name.clone_from(&args.tls_server_name);
            }
            return Ok((config, None));
        }
        bail!(
            "no cluster is configured: {} holds no context, and this is not a pod with a service \
             account; give --kubeconfig, set KUBECONFIG, or give --server",
            described(args.kubeconfig.as_deref())
        );
    }
    let context = apply(&mut kubeconfig, args)?;
    let options = KubeConfigOptions { context: Some(context.clone()), cluster: None, user: None };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| anyhow!("cannot use the kubeconfig: {}", chain(&error)))?;
    Ok((config, (context != FROM_FLAGS).then_some(context)))
}

fn described(path: Option<&Path>) -> String {
    match (path, std::env::var_os("KUBECONFIG")) {
        (Some(path), _) => path.display().to_string(),
        (None, Some(list)) if !list.is_empty() => {
            format!("$KUBECONFIG ({})", PathBuf::from(list).display())
        }
        _ => String::from("~/.kube/config"),
    }
}

/// Reads what kubectl would read. Like kubectl it passes over files of
/// `KUBECONFIG` that do not exist; `--kubeconfig` must exist.
fn read_kubeconfig(path: Option<&Path>) -> Result<Kubeconfig> {
    let unreadable = |path: &Path, error: &(dyn std::error::Error + 'static)| {
        anyhow!("cannot read the kubeconfig {}: {}", path.display(), chain(error))
    };
    if let Some(path) = path {
        return Kubeconfig::read_from(path).map_err(|error| unreadable(path, &error));
    }
    let listed: Vec<PathBuf> = std::env::var_os("KUBECONFIG")
        .map(|list| std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect())
        .unwrap_or_default();
    let paths = if listed.is_empty() {
        std::env::home_dir().map(|home| vec![home.join(".kube").join("config")]).unwrap_or_default()
    } else {
        listed
    };
    let mut merged = Kubeconfig::default();
    for path in paths.iter().filter(|path| path.exists()) {
        let next = Kubeconfig::read_from(path).map_err(|error| unreadable(path, &error))?;
        merged = merged.merge(next).map_err(|error| unreadable(path, &error))?;
    }
    Ok(merged)
}

/// Applies the flags to the entries of the chosen context, before anything is
/// loaded: so certificates, proxies and exec plugins see the final values.
/// Returns the name of the context to use.
fn apply(kubeconfig: &mut Kubeconfig, args: &ClusterArgs) -> Result<String> {
    let name = args
        .context
        .clone()
        .or_else(|| kubeconfig.current_context.clone().filter(|name| !name.is_empty()))
        .unwrap_or_else(|| String::from(FROM_FLAGS));
    let known = kubeconfig.contexts.iter().any(|entry| entry.name == name);
    if !known {
        if name != FROM_FLAGS {
            let names: Vec<_> = kubeconfig.contexts.iter().map(|c| c.name.as_str()).collect();
            bail!(
                "there is no context {name:?} in the kubeconfig; it has: {}",
                text::escape(&names.join(", "))
            );
        }
        if args.server.is_none() && args.cluster.is_none() {
            bail!("the kubeconfig has no current context; give --context, or --cluster and --user");
        }
        kubeconfig.contexts.push(NamedContext {
            name: name.clone(),
            context: Some(Context {
                cluster: String::from(FROM_FLAGS),
                user: Some(String::from(FROM_FLAGS)),
                ..Context::default()
            }),
            ..NamedContext::default()
        });
    }
    let context = kubeconfig
        .contexts
        .iter_mut()
        .find(|entry| entry.name == name)
        .and_then(|entry| entry.context.as_mut())
        .ok_or_else(|| anyhow!("the context {name:?} of the kubeconfig is empty"))?;
    if let Some(cluster) = &args.cluster {
        context.cluster.clone_from(cluster);
    }
    if let Some(user) = &args.user {
        context.user = Some(user.clone());
    }
    let cluster_name = context.cluster.clone();
    let user_name = context.user.get_or_insert_with(|| String::from(FROM_FLAGS)).clone();

    if !kubeconfig.clusters.iter().any(|entry| entry.name == cluster_name) {
        if args.server.is_none() {
            bail!("there is no cluster {cluster_name:?} in the kubeconfig");
        }
        kubeconfig.clusters.push(NamedCluster {
            name: cluster_name.clone(),
            cluster: Some(Cluster::default()),
            ..NamedCluster::default()
        });
    }
    if let Some(cluster) = kubeconfig.clusters.iter_mut().find(|entry| entry.name == cluster_name) {
        override_cluster(cluster.cluster.get_or_insert_default(), args);
    }
    if !kubeconfig.auth_infos.iter().any(|entry| entry.name == user_name) {
        if args.user.is_some() {
            bail!("there is no user {user_name:?} in the kubeconfig");
        }
        kubeconfig.auth_infos.push(NamedAuthInfo {
            name: user_name.clone(),
            auth_info: Some(AuthInfo::default()),
            ..NamedAuthInfo::default()
        });
    }
    if let Some(user) = kubeconfig.auth_infos.iter_mut().find(|entry| entry.name == user_name) {
        let user = user.auth_info.get_or_insert_default();
        override_user(user, args)?;
        credentials::complete(user);
    }
    Ok(name)
}

fn override_cluster(cluster: &mut Cluster, args: &ClusterArgs) {
    if let Some(server) = &args.server {
        // kubectl takes HOST:PORT as well.
        let url = if server.contains("://") { server.clone() } else { format!("https://{server}") };
        cluster.server = Some(url);
    }
    if let Some(file) = &args.certificate_authority {
        cluster.certificate_authority = Some(file.display().to_string());
        cluster.certificate_authority_data = None;
    }
    if args.insecure_skip_tls_verify {
        cluster.insecure_skip_tls_verify = Some(true);
        cluster.certificate_authority = None;
        cluster.certificate_authority_data = None;
    }
    if let Some(name) = &args.tls_server_name {
        cluster.tls_server_name = Some(name.clone());
    }
    if args.disable_compression {
        cluster.disable_compression = Some(true);
    }
}

fn override_user(user: &mut AuthInfo, args: &ClusterArgs) -> Result<()> {
    if let Some(token) = &args.token {
        user.token = Some(token.clone().into());
        user.token_file = None;
        user.exec = None;
        user.auth_provider = None;
        user.username = None;
        user.password = None;
    }
    if let Some(file) = &args.client_certificate {
        user.client_certificate = Some(file.display().to_string());
        user.client_certificate_data = None;
    }
    if let Some(file) = &args.client_key {
        user.client_key = Some(file.display().to_string());
        user.client_key_data = None;
    }
    if let Some(name) = &args.as_user {
        user.impersonate = Some(name.clone());
    }
    if let Some(uid) = &args.as_uid {
        user.impersonate_uid = Some(uid.clone());
    }
    if !args.as_group.is_empty() {
        user.impersonate_groups = Some(args.as_group.clone());
    }
    if !args.as_user_extra.is_empty() {
        let mut extra: HashMap<String, Vec<String>> = HashMap::new();
        for pair in &args.as_user_extra {
            let (key, value) =
                pair.split_once('=').ok_or_else(|| anyhow!("--as-user-extra {pair:?} is not KEY=VALUE"))?;
            extra.entry(key.into()).or_default().push(value.into());
        }
        user.impersonate_user_extra = Some(extra);
    }
    if user.impersonate.is_none()
        && (user.impersonate_uid.is_some()
            || user.impersonate_groups.is_some()
            || user.impersonate_user_extra.is_some())
    {
        bail!("--as-group, --as-uid and --as-user-extra need --as");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Kubeconfig {
        Kubeconfig::from_yaml(
            r"
apiVersion: v1
kind: Config
clusters:
- {name: one, cluster: {server: 'https://one:6443', certificate-authority-data: eA==}}
- {name: two, cluster: {server: 'https://two:6443'}}
users:
- {name: admin, user: {exec: {command: never, apiVersion: client.authentication.k8s.io/v1}}}
contexts:
- {name: first, context: {cluster: one, user: admin, namespace: shop}}
current-context: first
",
        )
        .unwrap()
    }

    fn entry(config: &Kubeconfig, name: &str) -> Cluster {
        let found = config.clusters.iter().find(|c| c.name == name).unwrap();
        found.cluster.clone().unwrap()
    }

    #[test]
    fn flags_win_over_the_kubeconfig() {
        let mut config = sample();
        let args = ClusterArgs {
            server: Some("other:443".into()),
            token: Some("secret".into()),
            insecure_skip_tls_verify: true,
            as_user: Some("jo".into()),
            as_group: vec!["a".into(), "b".into()],
            as_user_extra: vec!["scope=x=1".into(), "scope=y".into()],
            ..ClusterArgs::default()
        };
        assert_eq!(apply(&mut config, &args).unwrap(), "first");
        let cluster = entry(&config, "one");
        assert_eq!(cluster.server.as_deref(), Some("https://other:443"));
        assert_eq!(cluster.certificate_authority_data, None);
        let user = config.auth_infos[0].auth_info.clone().unwrap();
        assert!(user.exec.is_none(), "a token replaces the exec plugin");
        assert_eq!(user.impersonate.as_deref(), Some("jo"));
        assert_eq!(user.impersonate_groups.unwrap().len(), 2);
        assert_eq!(user.impersonate_user_extra.unwrap()["scope"], ["x=1", "y"]);
    }

    #[test]
    fn a_server_needs_no_kubeconfig() {
        let mut config = Kubeconfig::default();
        let args = ClusterArgs { server: Some("http://127.0.0.1:1".into()), ..ClusterArgs::default() };
        assert_eq!(apply(&mut config, &args).unwrap(), FROM_FLAGS);
        assert_eq!(entry(&config, FROM_FLAGS).server.as_deref(), Some("http://127.0.0.1:1"));
    }

    #[test]
    fn what_does_not_exist_is_said() {
        let wrong = [
            ClusterArgs { context: Some("nosuch".into()), ..ClusterArgs::default() },
            ClusterArgs { cluster: Some("nosuch".into()), ..ClusterArgs::default() },
            ClusterArgs { user: Some("nosuch".into()), ..ClusterArgs::default() },
            ClusterArgs { as_group: vec!["g".into()], ..ClusterArgs::default() },
            ClusterArgs {
                as_user: Some("u".into()),
                as_user_extra: vec!["x".into()],
                ..ClusterArgs::default()
            },
        ];
        for args in wrong {
            assert!(apply(&mut sample(), &args).is_err(), "{args:?}");
        }
        let args = ClusterArgs { cluster: Some("two".into()), ..ClusterArgs::default() };
        assert!(apply(&mut sample(), &args).is_ok());
    }
}
