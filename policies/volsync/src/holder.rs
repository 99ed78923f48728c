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

/// A holder that is gone, as far as was looked.
pub struct Gone {
    /// Which locks may be removed.
    pub removal: Removal,
    /// The pods that are called like it, none of which lives.
    ended: Vec<Pod>,
    searched: Searched,
}

/// Where a holder was looked for.
enum Searched {
    AllNamespaces,
    /// This one alone: others may not be searched.
    Namespace(String),
}

impl Gone {
    /// What became of the holder, to stand behind the lock: a claim says what was searched.
    pub fn clause(&self) -> String {
        match (&self.searched, self.ended.first()) {
            (_, Some(pod)) => {
                let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
                format!("whose holder has ended (pod {namespace}/{})", pod.metadata.name)
            }
            (Searched::AllNamespaces, None) => "whose holder is gone".to_owned(),
            (Searched::Namespace(namespace), None) => {
                format!("whose holder is gone in namespace {namespace}, and may live in another")
            }
        }
    }

    /// Where it was looked for, as a sentence of its own.
    pub fn search(&self) -> String {
        match &self.searched {
            Searched::AllNamespaces => "the holder was looked for in all namespaces".to_owned(),
            Searched::Namespace(namespace) => {
                format!("the holder was looked for in namespace {namespace} alone")
            }
        }
    }
}

/// A lock may be removed only if its holder is a pod that is gone, and if restic itself
/// calls it stale: either alone can be wrong. Where restic does not, it takes proof.
pub fn must_be_gone(lock: &Lock, source: &ReplicationSource, settings: &Settings) -> Result<Gone, Stop> {
    let (pods, searched) = pods_called(&lock.host, source.namespace())?;
    if let Some(pod) = pods.iter().find(|pod| lives(pod)) {
        let (namespace, phase) = (pod.metadata.namespace.as_deref().unwrap_or_default(), &pod.status.phase);
        let going = pod.metadata.deletion_timestamp.map_or_else(String::new, |since| {
            format!(" and being deleted since {since} ({})", pod.why_not_gone())
        });
        return escalate(format!(
            "the repository is locked, and the holder lives: {lock}, pod {namespace}/{} is {phase}{going}. It was not \
             touched",
            pod.metadata.name
        ));
    }
    if pods.is_empty() && !lock.host.starts_with("volsync-") {
        return escalate(format!(
            "the repository is locked from somewhere else: {lock}. That is no pod of this cluster, so nobody here \
             can know that it is gone; if it is, run `restic unlock`"
        ));
    }
    let gone = |removal: Removal, ended: Vec<Pod>| Gone { removal, ended, searched };
    if lock.is_stale() {
        return Ok(gone(Removal::Stale, pods));
    }
    let young = format!("{lock} is too young to be called stale, though its holder is gone");
    if settings.remove_all == RemoveAll::Never {
        let search = gone(Removal::Stale, pods).search();
        return retry(settings.retry_after, format!("{young} ({search})"));
    }
    match proof::lacks(lock, &pods, source)? {
        None => Ok(gone(Removal::All, pods)),
        Some(what) => retry(settings.retry_after, format!("{young}, and it stays until it is: {what}")),
    }
}

/// Whether a process in it may hold a lock. With a service mesh, a mover's pod goes on when
/// its container has ended.
fn lives(pod: &Pod) -> bool {
    let is_mover = pod.metadata.label("app.kubernetes.io/created-by") == Some("volsync");
    let restic_has_ended = pod.status_of("restic").is_some_and(|restic| restic.state.terminated.is_some());
    !(pod.is_finished() || is_mover && restic_has_ended)
}

/// Other namespaces can share the repository, so the pod is looked for in all of them, if
/// the grants go so far. Where they do and the API server refuses it, nothing is known of
/// the holder, and that ends the run.
fn pods_called(host: &str, namespace: &str) -> Result<(Vec<Pod>, Searched)> {
    let here = || Searched::Namespace(namespace.to_owned());
    if !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte)) {
        return Ok((Vec::new(), here()));
    }
    let pods = || kube::list::<Pod>().fields(&format!("metadata.name={host}"));
    match pods().read() {
        Err(error) if error.is_denied() => {
            info!("only namespace {namespace} may be searched for {host}; restic removes stale locks only");
            Ok((pods().in_namespace(namespace).read()?, here()))
        }
        pods => Ok((pods?, Searched::AllNamespaces)),
    }
}
