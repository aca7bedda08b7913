//! `create`: one capture or many, each whole in itself, and one answer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use futures::stream::{self, StreamExt as _};
use serde_json::Value;

use super::answer::{Capture, write};
use super::args::{CreateArgs, OutputFormat};
use super::capture::{Context, Job};
use super::collector::{Plan, Slot};
use super::connection::Connection;
use super::custody::Custody;
use super::destination::Destination;
use super::discovery::Served;
use super::dossier::who_am_i;
use super::interrupt::Interrupts;
use super::report::Reporter;
use super::rights::Right;
use super::selection::{Selection, find_all};
use super::session::{self, Ended, INTERRUPTED};
use super::target::{Found, Target};
use super::{backend, local, pod_checkpoint, preflight, text};
use crate::cli;

/// Freezes containers, brings the archives home and verifies them.
///
/// # Errors
///
/// Everything that kept the only archive, or all of them, from being here
/// whole. Collector pods are removed by then, or named.
pub fn create(args: CreateArgs) -> Result<ExitCode> {
    if args.local.local {
        return session::block_on(local::create(&args));
    }
    session::block_on(run(args))
}

async fn run(args: CreateArgs) -> Result<ExitCode> {
    let mut interrupts = Interrupts::listen().context("cannot listen for signals")?;
    let reporter = Reporter::new(args.quiet);
    let target = args.target.as_deref().map(Target::parse).transpose()?;
    let many = args.selector.is_some() || args.all_containers;
    check(&args, many)?;
    let destination = destination(&args, many)?;
    let custody = Custody::load(&args.custody, &destination)?;
    let Some(connection) = session::connect(&args.cluster, &mut interrupts).await? else {
        return Ok(ExitCode::from(INTERRUPTED));
    };
    let prepared = tokio::select! {
        prepared = prepare(&args, &connection, target.as_ref(), &reporter) => prepared,
        signal = interrupts.next() => {
            reporter.clear();
            eprintln!("interrupted by {signal}; nothing was frozen");
            return Ok(ExitCode::from(INTERRUPTED));
        }
    };
    reporter.clear();
    let (found, user, objects) = prepared?;

    let jobs: Vec<Job> = found.into_iter().map(|found| Job::new(found, many.then_some(&reporter))).collect();
    let backend = backend::choose(&args.backend, &connection)?;
    let context = Context {
        args: &args,
        connection: &connection,
        backend: backend.as_ref(),
        destination: &destination,
        user: user.as_ref(),
        custody: &custody,
        objects: objects.as_ref(),
    };
    let slots: Vec<Slot> = jobs.iter().map(|job| job.slot.clone()).collect();
    let work = Box::pin(async {
        // Nodes side by side, the containers of one node in turn: a freeze
        // costs its disk a multiple of the memory.
        let mut nodes: BTreeMap<&str, Vec<&Job>> = BTreeMap::new();
        for job in &jobs {
            nodes.entry(&job.found.node).or_default().push(job);
        }
        let each = nodes.into_values().map(|jobs| async {
            for job in jobs {
                job.run(&context, job.reporter(&reporter)).await;
            }
        });
        stream::iter(each).buffer_unordered(usize::from(args.parallel)).collect::<Vec<()>>().await;
        Ok(())
    });
    let on_signal = |signal: &str| {
        let lines: Vec<String> = jobs.iter().filter_map(|job| job.interrupted(signal)).collect();
        if lines.is_empty() {
            format!("interrupted by {signal}; nothing was frozen")
        } else {
            lines.join("\n")
        }
    };
    let Ended { outcome, cleaned } =
        session::guard(work, on_signal, &connection, &slots, &mut interrupts, &reporter).await;
    if let Err(signal) = outcome {
        for job in &jobs {
            job.abandon(signal, &cleaned, &custody, &reporter);
        }
        if let Err(error) = &cleaned {
            reporter.warn(&format!("{error:#}"));
        }
        let done: Vec<Capture> = jobs.iter().filter_map(Job::captured).collect();
        if many && !done.is_empty() {
            write(&done, &reporter.warnings(), args.output)?;
        }
        return Ok(ExitCode::from(INTERRUPTED));
    }
    conclude(&args, jobs, many, &destination, &reporter)
}

fn conclude(
    args: &CreateArgs,
    jobs: Vec<Job>,
    many: bool,
    destination: &Destination,
    reporter: &Reporter,
) -> Result<ExitCode> {
    let (mut untidy, mut failed) = (false, 0);
    let mut items = Vec::new();
    for job in jobs {
        untidy |= job.is_untidy();
        let found = job.found.clone();
        let node_path = job.node_path();
        match job.finish() {
            Ok(capture) => items.push(capture),
            Err(error) if !many => return Err(error),
            Err(error) => {
                failed += 1;
                eprintln!("error: {}", text::lines(&format!("{}: {error:#}", name_of(&found))));
                items.push(Capture::failed(&found, node_path, &error));
            }
        }
    }
    if *destination != Destination::Stdout {
        write(&items, &reporter.warnings(), args.output)?;
    }
    Ok(match failed {
        // The archives are here and verified; a pod or a record that is not
        // as it should be is worth more than a warning all the same.
        0 if untidy => ExitCode::from(cli::FAILED),
        0 => ExitCode::SUCCESS,
        all if all == items.len() => ExitCode::from(cli::FAILED),
        _ => ExitCode::from(cli::PARTIAL),
    })
}

/// `NAMESPACE/POD/CONTAINER`.
pub(super) fn name_of(found: &Found) -> String {
    format!("{}/{}/{}", found.namespace, found.pod, found.container)
}

fn check(args: &CreateArgs, many: bool) -> Result<()> {
    if args.target.is_none() && args.selector.is_none() {
        bail!("name what to capture: POD/CONTAINER, POD, TYPE/NAME, or -l SELECTOR");
    }
    if args.all_namespaces && args.selector.is_none() {
        bail!("-A goes with -l SELECTOR: every container of a cluster is not captured by mistake");
    }
    if many && args.record.is_some() {
        bail!(
            "--record names one file, and many containers may be captured; each has its own record beside it"
        );
    }
    if args.backend.pod_checkpoint && args.all_containers {
        bail!("a PodCheckpoint is of the whole pod; leave --all-containers out");
    }
    if args.all_containers && args.container.is_some() {
        bail!("-c names one container, and --all-containers all of them; give one");
    }
    Ok(())
}

fn destination(args: &CreateArgs, many: bool) -> Result<Destination> {
    let dest: Option<&Path> = args.dest.as_deref().or(args.dest_dir.as_deref());
    let needs_directory = many || args.dest_dir.is_some();
    if let Some(dest) = dest.filter(|dest| needs_directory && !dest.is_dir()) {
        bail!("{} is not a directory; many archives go into one", dest.display());
    }
    let destination = Destination::settle(dest.map(PathBuf::from).as_deref(), args.force)?;
    if destination == Destination::Stdout {
        if args.output != OutputFormat::Table {
            bail!("-o and DEST - both want standard output; give a file or a directory");
        }
        if std::io::IsTerminal::is_terminal(&std::io::stdout()) {
            bail!("DEST - writes a tar archive, and standard output is a terminal");
        }
    }
    Ok(destination)
}

/// Asks for every right, all at once, and looks the targets up.
pub(super) async fn prepare(
    args: &CreateArgs,
    connection: &Connection,
    target: Option<&Target>,
    reporter: &Reporter,
) -> Result<(Vec<Found>, Option<Value>, Option<Served>)> {
    reporter.step("checking rights");
    let user = who_am_i(connection).await;
    let selection = Selection {
        target,
        selector: args.selector.as_deref(),
        all_namespaces: args.all_namespaces,
        all_containers: args.all_containers,
        container: args.container.as_deref(),
    };
    let mut rights = selection.rights(&connection.namespace);
    let objects =
        if args.backend.pod_checkpoint { Some(pod_checkpoint::served(connection).await?) } else { None };
    match &objects {
        Some(served) => {
            rights.extend(pod_checkpoint::rights(served, &connection.namespace));
        }
        None => rights.extend(backend::choose(&args.backend, connection)?.rights()),
    }
    let scattered = args.all_namespaces && args.collector.collector_namespace.is_none();
    if !scattered {
        rights.extend(Plan::rights(args.collector.namespace(connection)));
    }
    let typed = args.target.as_deref().or(args.selector.as_deref()).unwrap_or_default();
    let what = format!("capture {}", text::escape(typed));
    preflight::require(connection, &rights, &what, user.as_ref(), args.skip_preflight, reporter).await?;
    reporter.step("looking up the target");
    let found = find_all(connection, &selection, reporter).await?;
    if scattered {
        let mut namespaces: Vec<&str> = found.iter().map(|found| found.namespace.as_str()).collect();
        namespaces.sort_unstable();
        namespaces.dedup();
        let rights: Vec<Right> = namespaces.into_iter().flat_map(Plan::rights).collect();
        preflight::require(connection, &rights, &what, user.as_ref(), args.skip_preflight, reporter).await?;
    }
    Ok((found, user, objects))
}
