//! The place of a collector pod: made in it, and removed from it whatever happens.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::Plan;
use super::start::{Running, wait_for_running};
use crate::cluster::connection::{AskError, Connection};

/// How long the removal of the pod is watched.
const REMOVAL_LIMIT: Duration = Duration::from_secs(30);

/// The place of at most one collector pod, which outlives the work that fills
/// it: whoever holds it can remove the pod after the work was dropped.
#[derive(Clone, Default)]
pub struct Slot {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    pod: Option<(String, String)>,
    creation: Option<JoinHandle<Result<Pod, AskError>>>,
    /// Whether the API server has confirmed the pod.
    confirmed: bool,
}

impl Slot {
    /// Makes the pod and waits until it runs.
    ///
    /// # Errors
    ///
    /// When it is refused or does not run within `limit`; the pod is then
    /// still in the slot, to be removed.
    pub async fn fill(
        &self,
        connection: &Connection,
        plan: &Plan,
        limit: Duration,
        mut progress: impl FnMut(&str),
    ) -> Result<Running> {
        let pods: Api<Pod> = Api::namespaced(connection.client.clone(), &plan.namespace);
        let pod = plan.pod()?;
        let asking = connection.clone();
        let creating = pods.clone();
        // A task of its own: when this future is dropped by Ctrl-C the request
        // goes on, and removal waits for it instead of racing with it.
        let creation = tokio::spawn(async move {
            let params = PostParams::default();
            asking.ask(creating.create(&params, &pod)).await
        });
        let abandoned = {
            let mut state = self.lock();
            state.pod = Some((plan.namespace.clone(), plan.name.clone()));
            state.confirmed = false;
            state.creation.replace(creation)
        };
        drop(abandoned);
        self.created(plan).await?;
        wait_for_running(connection, &pods, plan, limit, &mut progress).await
    }

    async fn created(&self, plan: &Plan) -> Result<()> {
        loop {
            let finished = self.lock().creation.as_ref().is_none_or(JoinHandle::is_finished);
            if finished {
                break;
            }
            sleep(Duration::from_millis(5)).await;
        }
        let Some(creation) = self.lock().creation.take() else {
            bail!("the collector pod was removed while it was made");
        };
        match creation.await {
            Ok(Ok(_)) => {
                self.lock().confirmed = true;
                Ok(())
            }
            Ok(Err(error)) => {
                if error.code.is_some_and(|code| (400..500).contains(&code)) {
                    // Refused for certain: there is nothing to remove.
                    self.lock().pod = None;
                }
                Err(plan.refused(&error))
            }
            Err(error) => Err(anyhow!("the creation of the collector pod was lost: {error}")),
        }
    }

    /// Removes the pod, if there is one, and waits until it is gone.
    ///
    /// # Errors
    ///
    /// When it may still be there; the message names it and the command that
    /// removes it.
    pub async fn empty(&self, connection: &Connection) -> Result<()> {
        let creation = self.lock().creation.take();
        let mut uncertain = !self.lock().confirmed;
        if let Some(creation) = creation {
            let limit = Duration::from_secs(10);
            uncertain = !matches!(tokio::time::timeout(limit, creation).await, Ok(Ok(Ok(_))));
        }
        let Some((namespace, name)) = self.lock().pod.clone() else {
            return Ok(());
        };
        let pods: Api<Pod> = Api::namespaced(connection.client.clone(), &namespace);
        match remove(&pods, &name, uncertain).await {
            Ok(()) => {
                self.lock().pod = None;
                Ok(())
            }
            Err(why) => Err(anyhow!(
                "the collector pod {name} in namespace {namespace} may still be there ({why}); \
                 remove it: kubectl delete pod -n {namespace} {name}\n  \
                 it ends by itself at its deadline, and holds a read-only view of the node's checkpoints until then"
            )),
        }
    }

    /// Names the pod, if there is one, and the command that removes it.
    pub fn describe(&self) -> Option<String> {
        self.lock().pod.as_ref().map(|(namespace, name)| {
            format!(
                "collector pod {name} may still be there; remove it: kubectl delete pod -n {namespace} {name}"
            )
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Deletes a pod until it is gone. Where its creation is `uncertain` a 404
/// proves nothing at first: the creation may still be on its way.
async fn remove(pods: &Api<Pod>, name: &str, uncertain: bool) -> Result<(), String> {
    let started = Instant::now();
    let mut absent = 0;
    let mut last = String::from("no answer");
    let mut pause = Duration::from_millis(100);
    let mut deleted = false;
    while started.elapsed() < REMOVAL_LIMIT {
        // Every answer gets its own limit: an API server that hangs must not
        // keep the clean-up from being reported.
        let limit = Duration::from_secs(10);
        let step = async {
            if deleted {
                pods.get(name).await.map(|_| ())
            } else {
                pods.delete(name, &DeleteParams::default()).await.map(|_| ())
            }
        };
        match tokio::time::timeout(limit, step).await {
            Ok(Ok(())) => {
                deleted = true;
                last = String::from("its deletion is under way");
            }
            Ok(Err(kube::Error::Api(status))) if status.code == 404 => {
                absent += 1;
                if deleted || !uncertain || absent > 10 {
                    return Ok(());
                }
            }
            Ok(Err(error)) => {
                let error = AskError::from(error);
                let denied = error.code == Some(403);
                last = error.message;
                if denied && deleted {
                    // It may be deleted but not looked at: take the word for it.
                    return Ok(());
                }
                if denied {
                    return Err(last);
                }
            }
            Err(_) => last = String::from("the API server does not answer"),
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(500));
    }
    Err(last)
}
