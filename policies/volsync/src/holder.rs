//! Who holds a lock.

use suture_policy::kube::{self, Pod};
use suture_policy::stop::{Stop, escalate, retry};
use suture_policy::{Result, info};

use crate::lock::Lock;
use crate::manifest::{RemoveAll, Settings};
use crate::proof;
use crate::source::ReplicationSource;

/// Which locks may be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Those that restic calls stale.
    Stale,
    /// This one, stale or not; with it all others, of which there are none.
    All,
}

/// A lock may be removed only if its holder is a pod that is gone, and if restic itself
/// calls it stale: either alone can be wrong. Where restic does not, it takes proof.
pub fn must_be_gone(lock: &Lock, source: &ReplicationSource, settings: &Settings) -> Result<Removal, Stop> {
    let pods = pods_called(&lock.host, source.namespace())?;
    if let Some(pod) = pods.iter().find(|pod| !pod.is_finished()) {
        let (namespace, phase) = (pod.metadata.namespace.as_deref().unwrap_or_default(), &pod.status.phase);
        return escalate(format!(
            "the repository is locked, and the holder lives: {lock}, pod {namespace}/{} is {phase}. It was not touched",
            pod.metadata.name
        ));
    }
    if pods.is_empty() && !lock.host.starts_with("volsync-") {
        return escalate(format!(
            "the repository is locked from somewhere else: {lock}. That is no pod of this cluster, so nobody here \
             can know that it is gone; if it is, run `restic unlock`"
        ));
    }
    if lock.is_stale() {
        return Ok(Removal::Stale);
    }
    let young = format!("{lock} is too young to be called stale, though its holder is gone");
    if settings.remove_all == RemoveAll::Never {
        return retry(settings.retry_after, young);
    }
    match proof::lacks(lock, &pods, source)? {
        None => Ok(Removal::All),
        Some(what) => retry(settings.retry_after, format!("{young}, and it stays until it is: {what}")),
    }
}

/// Other namespaces can share the repository, so the pod is looked for in all of them, if
/// the grants go so far. Where they do and the API server refuses it, nothing is known of
/// the holder, and that ends the run.
fn pods_called(host: &str, namespace: &str) -> Result<Vec<Pod>> {
    if !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte)) {
        return Ok(Vec::new());
    }
    let pods = || kube::list::<Pod>().fields(&format!("metadata.name={host}"));
    match pods().read() {
        Err(error) if error.is_denied() => {
            info!("only namespace {namespace} may be searched for {host}; restic removes stale locks only");
            pods().in_namespace(namespace).read()
        }
        pods => pods,
    }
}
