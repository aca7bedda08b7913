//! Command-line arguments of the commands that talk to a cluster.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::connection::Connection;

/// The image a collector pod runs when none is named.
///
/// Any image with a POSIX shell and `cat` will do; one with `sha256sum`,
/// `wc` and `tail` saves a second read and lets a torn stream resume cheaply.
pub const DEFAULT_COLLECTOR_IMAGE: &str = "docker.io/library/busybox:1.37";

/// kubectl's own flags for choosing a cluster and an identity.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Cluster")]
pub struct ClusterArgs {
    /// Path of the kubeconfig file; otherwise $KUBECONFIG (a list), ~/.kube/config, or the pod's service account
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Name of the kubeconfig context
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// Name of the kubeconfig cluster
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// Name of the kubeconfig user
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Namespace of the target
    #[arg(short, long, value_name = "NAME")]
    pub namespace: Option<String>,
    /// Address and port of the API server
    #[arg(short, long, value_name = "URL")]
    pub server: Option<String>,
    /// Bearer token for the API server
    #[arg(long, value_name = "TOKEN")]
    pub token: Option<String>,
    /// User to impersonate
    #[arg(long = "as", value_name = "USER")]
    pub as_user: Option<String>,
    /// Group to impersonate; may be given several times
    #[arg(long, value_name = "GROUP")]
    pub as_group: Vec<String>,
    /// UID to impersonate
    #[arg(long, value_name = "UID")]
    pub as_uid: Option<String>,
    /// Extra field of the impersonated user; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    pub as_user_extra: Vec<String>,
    /// File with the certificate authority of the API server
    #[arg(long, value_name = "FILE")]
    pub certificate_authority: Option<PathBuf>,
    /// File with the client certificate
    #[arg(long, value_name = "FILE")]
    pub client_certificate: Option<PathBuf>,
    /// File with the client key
    #[arg(long, value_name = "FILE")]
    pub client_key: Option<PathBuf>,
    /// Accept any certificate of the API server
    #[arg(long)]
    pub insecure_skip_tls_verify: bool,
    /// Server name to verify the API server's certificate against
    #[arg(long, value_name = "NAME")]
    pub tls_server_name: Option<String>,
    /// How long to wait for one answer of the API server (30s, 2m, 0 for ever); never cuts a checkpoint or a download that makes progress
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = duration)]
    pub request_timeout: Duration,
    /// Do not ask the API server for compressed answers
    #[arg(long)]
    pub disable_compression: bool,
    /// Accepted as kubectl has it; nothing is cached
    #[arg(long, value_name = "DIR", hide = true)]
    pub cache_dir: Option<PathBuf>,
}

/// Arguments of `create`: freeze a container and bring the archive home.
#[derive(Args, Clone, Debug)]
pub struct CreateArgs {
    /// POD/CONTAINER, POD, or TYPE/NAME (pod, deployment, statefulset, daemonset, replicaset, job)
    #[arg(value_name = "TARGET", conflicts_with = "selector")]
    pub target: Option<String>,
    /// A file, a directory, or - for standard output; default: the archive's own name here, with ":" replaced by "-"
    #[arg(value_name = "DEST")]
    pub dest: Option<PathBuf>,
    /// Container of the pod: regular, init or ephemeral
    #[arg(short, long, value_name = "NAME")]
    pub container: Option<String>,
    /// Capture every running pod with these labels
    #[arg(short = 'l', long, value_name = "LABELS")]
    pub selector: Option<String>,
    /// Capture every running container of the pods: regular, init and ephemeral
    #[arg(long)]
    pub all_containers: bool,
    /// Select in all namespaces (with -l)
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
    /// Directory for the archives, where there is no TARGET before DEST
    #[arg(long = "dest", value_name = "DIR", conflicts_with = "dest")]
    pub dest_dir: Option<PathBuf>,
    /// How many nodes are worked on at a time; the containers of one node are frozen in turn
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub parallel: u8,
    /// Give up the checkpoint after this long (seconds, or 5m); the kubelet's own limit, 2m by default, is raised where this is longer
    #[arg(long, value_name = "SECONDS", value_parser = whole_seconds)]
    pub timeout: Option<u32>,
    /// Output format
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    pub output: OutputFormat,
    /// Replace DEST where it exists
    #[arg(long)]
    pub force: bool,
    /// Keep DEST.part when the download ends early or does not verify
    #[arg(long)]
    pub keep_partial: bool,
    /// File of the evidence record; default: DEST.evidence.json
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Do not save pod, owners, node, events and logs as they are before the freeze (DEST.context.json)
    #[arg(long)]
    pub no_context: bool,
    /// Keep the values of environment variables in DEST.context.json
    #[arg(long, alias = "reveal-env", conflicts_with = "no_context")]
    pub keep_secrets: bool,
    /// Accepted as earlier versions had it: it is so without
    #[arg(long, hide = true, conflicts_with = "no_context")]
    pub save_context: bool,
    /// Go on where the review of rights says no or cannot be asked
    #[arg(long)]
    pub skip_preflight: bool,
    /// Do not fetch CRIU's log from the node when CRIU refuses; it takes a collector pod that sees this one file
    #[arg(long)]
    pub no_criu_log: bool,
    /// Say nothing on standard error but warnings and errors
    #[arg(short, long)]
    pub quiet: bool,
    /// The way the request takes.
    #[command(flatten)]
    pub backend: BackendArgs,
    /// How bytes travel.
    #[command(flatten)]
    pub transfer: TransferArgs,
    /// How evidence is sealed.
    #[command(flatten)]
    pub custody: CustodyArgs,
    /// The pod that hands the archive over.
    #[command(flatten)]
    pub collector: CollectorArgs,
    /// Without a cluster, on the node itself.
    #[command(flatten)]
    pub local: LocalArgs,
    /// Which cluster, and as whom.
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// Arguments of `triage`: what /proc shows of a container.
#[derive(Args, Clone, Debug)]
pub struct TriageArgs {
    /// POD/CONTAINER, POD, or TYPE/NAME
    #[arg(value_name = "TARGET")]
    pub target: String,
    /// A file, a directory, or - for standard output
    #[arg(value_name = "DEST")]
    pub dest: Option<PathBuf>,
    /// Container of the pod
    #[arg(short, long, value_name = "NAME")]
    pub container: Option<String>,
    /// Read memory as well: the pages that are there, through /proc/PID/mem
    #[arg(long)]
    pub memory: bool,
    /// Agree to a privileged pod with hostPID on the node
    #[arg(short, long)]
    pub yes: bool,
    /// Replace DEST where it exists
    #[arg(long)]
    pub force: bool,
    /// File of the evidence record; default: DEST.evidence.json
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// How the answer is written, and how much is said meanwhile.
    #[command(flatten)]
    pub answer: AnswerArgs,
    /// How bytes travel.
    #[command(flatten)]
    pub transfer: TransferArgs,
    /// The pod that reads.
    #[command(flatten)]
    pub collector: CollectorArgs,
    /// Which cluster, and as whom.
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// Arguments of `list`: archives on nodes.
#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    /// Only this node; may be given several times. Without it every node is asked
    #[arg(long = "node", value_name = "NODE")]
    pub nodes: Vec<String>,
    /// Only archives of this pod
    #[arg(long, value_name = "NAME")]
    pub pod: Option<String>,
    /// How many nodes are asked at a time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub parallel: u8,
    /// How the answer is written, and how much is said meanwhile.
    #[command(flatten)]
    pub answer: AnswerArgs,
    /// The pod that looks.
    #[command(flatten)]
    pub collector: CollectorArgs,
    /// Without a cluster, on the node itself.
    #[command(flatten)]
    pub local: LocalArgs,
    /// Which cluster, and as whom.
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// Arguments of `pull`: bring an archive home that is on a node already.
#[derive(Args, Clone, Debug)]
pub struct PullArgs {
    /// NODE/NAME, as `list -o name` prints it
    #[arg(value_name = "NODE/NAME")]
    pub archive: String,
    /// A file, a directory, or - for standard output; DEST.part is continued where it exists
    #[arg(value_name = "DEST")]
    pub dest: Option<PathBuf>,
    /// Replace DEST where it exists
    #[arg(long)]
    pub force: bool,
    /// File of the evidence record; default: DEST.evidence.json
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// How the answer is written, and how much is said meanwhile.
    #[command(flatten)]
    pub answer: AnswerArgs,
    /// How bytes travel.
    #[command(flatten)]
    pub transfer: TransferArgs,
    /// How evidence is sealed.
    #[command(flatten)]
    pub custody: CustodyArgs,
    /// The pod that hands the archive over.
    #[command(flatten)]
    pub collector: CollectorArgs,
    /// Without a cluster, on the node itself.
    #[command(flatten)]
    pub local: LocalArgs,
    /// Which cluster, and as whom.
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// Arguments of `verify`: archives at home against their records.
#[derive(Args, Clone, Debug)]
pub struct VerifyArgs {
    /// Archives that came home
    #[arg(value_name = "ARCHIVE", required = true)]
    pub archives: Vec<PathBuf>,
    /// File of the evidence record; default: ARCHIVE.evidence.json
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Demand that archive and record are signed by one of these: a list as `ssh-keygen -Y verify -f` takes it, or a public key
    #[arg(long, value_name = "FILE")]
    pub allowed_signers: Option<PathBuf>,
    /// Add a line to the record that says what was found
    #[arg(long)]
    pub append: bool,
    /// Sign the record anew with this OpenSSH private key
    #[arg(long, value_name = "KEY", requires = "append")]
    pub sign: Option<PathBuf>,
    /// Output format
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    pub output: OutputFormat,
    /// Say nothing on standard error but errors
    #[arg(short, long)]
    pub quiet: bool,
}

/// Arguments of `rm`: remove archives from nodes.
#[derive(Args, Clone, Debug)]
pub struct RemoveArgs {
    /// NODE/NAME, as `list -o name` prints it
    #[arg(value_name = "NODE/NAME", required = true)]
    pub archives: Vec<String>,
    /// The copy at home that must have the same digest; default: the archive's own name here, as a capture gives it
    #[arg(long, value_name = "FILE")]
    pub copy: Option<PathBuf>,
    /// Remove without a copy that was compared
    #[arg(long)]
    pub force: bool,
    /// Remove without asking, on a terminal too
    #[arg(short, long)]
    pub yes: bool,
    /// Sign the record of the copy anew with this OpenSSH private key
    #[arg(long, value_name = "KEY")]
    pub sign: Option<PathBuf>,
    /// How the answer is written, and how much is said meanwhile.
    #[command(flatten)]
    pub answer: AnswerArgs,
    /// The pod that removes.
    #[command(flatten)]
    pub collector: CollectorArgs,
    /// Without a cluster, on the node itself.
    #[command(flatten)]
    pub local: LocalArgs,
    /// Which cluster, and as whom.
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// Arguments of `doctor`: whether a capture would work.
#[derive(Args, Clone, Debug)]
pub struct DoctorArgs {
    /// What would be captured: POD/CONTAINER, POD, or TYPE/NAME. Without it every node is examined
    #[arg(value_name = "TARGET")]
    pub target: Option<String>,
    /// Container of the pod
    #[arg(short, long, value_name = "NAME")]
    pub container: Option<String>,
    /// Only this node
    #[arg(long, value_name = "NODE", conflicts_with = "target")]
    pub node: Option<String>,
    /// Print the smallest RBAC rules that a capture needs, and nothing else
    #[arg(long)]
    pub rbac: bool,
    /// Remove what killed runs left behind, pods in the cluster and files here; asks for each
    #[arg(long, conflicts_with = "rbac")]
    pub clean: bool,
    /// Remove without asking
    #[arg(short, long, requires = "clean")]
    pub yes: bool,
    /// Output format
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    pub output: OutputFormat,
    /// Say nothing on standard error but warnings, errors and remedies
    #[arg(short, long)]
    pub quiet: bool,
    /// The way the request takes.
    #[command(flatten)]
    pub backend: BackendArgs,
    /// The pod that a capture would make.
    #[command(flatten)]
    pub collector: CollectorArgs,
    /// Which cluster, and as whom.
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// How an answer is written, and how much is said meanwhile.
#[derive(Args, Clone, Debug)]
pub struct AnswerArgs {
    /// Output format
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    pub output: OutputFormat,
    /// Go on where the review of rights says no or cannot be asked
    #[arg(long)]
    pub skip_preflight: bool,
    /// Say nothing on standard error but warnings and errors
    #[arg(short, long)]
    pub quiet: bool,
}

/// The way the request takes to the kubelet.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Way to the kubelet")]
pub struct BackendArgs {
    /// Ask the kubelet directly, not through the API server: needs nodes/checkpoint, and not nodes/proxy
    #[arg(long)]
    pub kubelet: bool,
    /// Address of the kubelet; {node} stands for the node's name. Default: as the node object says
    #[arg(long, value_name = "URL")]
    pub kubelet_url: Option<String>,
    /// File with the authority of the kubelet's certificate; default: the API server's
    #[arg(long, value_name = "FILE")]
    pub kubelet_certificate_authority: Option<PathBuf>,
    /// Accept any certificate of the kubelet
    #[arg(long)]
    pub kubelet_insecure_skip_tls_verify: bool,
    /// Make a PodCheckpoint object, where the cluster serves them (alpha); the archive is of the whole pod
    #[arg(long, conflicts_with = "kubelet")]
    pub pod_checkpoint: bool,
}

/// Without a cluster, on the node itself.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "On the node itself")]
pub struct LocalArgs {
    /// Work on this host, which is a node, without a cluster: on the archives below the kubelet's root directory
    #[arg(long)]
    pub local: bool,
    /// Root directory of the kubelet; the archives are in its directory checkpoints
    #[arg(long, value_name = "DIR", default_value = "/var/lib/kubelet", requires = "local")]
    pub kubelet_root: PathBuf,
}

/// How bytes travel.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Transfer")]
pub struct TransferArgs {
    /// Take no more than so many bytes a second (500k, 20M, 1Gi)
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub limit_rate: Option<u64>,
    /// Compress on the node with gzip and unpack here; for slow lines, costs the node a core
    #[arg(long)]
    pub compress: bool,
}

/// How evidence is sealed.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Custody")]
pub struct CustodyArgs {
    /// Sign archive and record with this OpenSSH private key (ed25519, ECDSA, RSA): DEST.sig, DEST.evidence.json.sig, for `ssh-keygen -Y verify -n checkpoint`
    #[arg(long, value_name = "KEY")]
    pub sign: Option<PathBuf>,
    /// Encrypt what comes home to this recipient: age1…, a public SSH key, or a file of them; may be given several times. Nothing plain is written here
    #[arg(long, value_name = "RECIPIENT")]
    pub encrypt_to: Vec<String>,
}

/// What the collector pod is.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Collector pod")]
pub struct CollectorArgs {
    /// Image of the collector pod: anything with a POSIX shell and cat
    #[arg(long, value_name = "IMAGE", env = "KUBECTL_CHECKPOINT_COLLECTOR_IMAGE", default_value = DEFAULT_COLLECTOR_IMAGE)]
    pub collector_image: String,
    /// Namespace of the collector pod, which needs a hostPath volume; default: the target's
    #[arg(long, value_name = "NAME", env = "KUBECTL_CHECKPOINT_COLLECTOR_NAMESPACE")]
    pub collector_namespace: Option<String>,
    /// How long to wait for the collector pod to run
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = duration)]
    pub collector_start_timeout: Duration,
    /// The collector pod ends by itself after this long, whatever becomes of this program
    #[arg(long, value_name = "DURATION", default_value = "4h", value_parser = duration)]
    pub collector_deadline: Duration,
    /// Directory of checkpoints on the node; default: where the kubelet says the archive is
    #[arg(long, value_name = "DIR")]
    pub checkpoints_dir: Option<String>,
}

impl CollectorArgs {
    /// The namespace of the collector pod.
    pub(super) fn namespace<'a>(&'a self, connection: &'a Connection) -> &'a str {
        self.collector_namespace.as_deref().unwrap_or(&connection.namespace)
    }
}

/// How an answer is written to standard output.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub enum OutputFormat {
    /// Aligned columns.
    #[default]
    Table,
    /// Aligned columns, more of them.
    Wide,
    /// One JSON object.
    Json,
    /// One YAML document.
    Yaml,
    /// The file that was written, nothing else.
    Name,
    /// One JSON object for each item.
    Ndjson,
}

/// Parses a duration as kubectl takes it: `0`, `90` (seconds), `30s`, `1m30s`, `2h`, `500ms`.
///
/// # Errors
///
/// Says what is wrong with the text.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a duration such as 30s, 5m or 1h30m");
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, tail) = rest.split_at_checked(digits).ok_or_else(wrong)?;
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let unit = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(unit).ok_or_else(wrong)?;
        let millis = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(wrong()),
        };
        let part = number.checked_mul(millis).ok_or_else(wrong)?;
        total = total.checked_add(Duration::from_millis(part)).ok_or_else(wrong)?;
        rest = tail;
    }
    if text.is_empty() {
        return Err(wrong());
    }
    Ok(total)
}

/// Parses a rate in bytes a second, with a unit as Kubernetes writes quantities.
fn rate(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is not a rate such as 500k, 20M or 1Gi (bytes a second)");
    let unit = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(unit).ok_or_else(wrong)?;
    let factor: u64 = match unit {
        "" => 1,
        "k" | "K" => 1000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(factor).filter(|rate| *rate > 0).ok_or_else(wrong)
}

/// Parses the timeout of a checkpoint: the kubelet takes whole seconds only
/// and answers anything else with a misleading 404.
fn whole_seconds(text: &str) -> Result<u32, String> {
    let value = duration(text)?;
    if value.subsec_nanos() != 0 || value.is_zero() {
        return Err(String::from("the timeout is one or more whole seconds"));
    }
    u32::try_from(value.as_secs()).map_err(|_| String::from("the timeout is too long"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_kubectl_reads_them() {
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1h30m5s"), Ok(Duration::from_secs(5405)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        for wrong in ["", "s", "5x", "-1", "1.5s", "5s3", "99999999999999999999s", "5ä"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rates_have_units() {
        assert_eq!((rate("500"), rate("500k"), rate("2Mi")), (Ok(500), Ok(500_000), Ok(2 << 20)));
        for wrong in ["", "0", "k", "5x", "-1", "99999999999999999999", "18446744073709551615G"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_timeout_is_whole_seconds() {
        assert_eq!(whole_seconds("5m"), Ok(300));
        for wrong in ["0", "500ms", "-1", "abc", "5000000000"] {
            assert!(whole_seconds(wrong).is_err(), "{wrong}");
        }
    }
}
