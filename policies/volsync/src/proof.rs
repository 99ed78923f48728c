//! What it takes to remove a lock that restic would keep.
//!
//! `restic unlock --remove-all` removes the locks of the living too. So it must be certain
//! that the holder was a pod of this cluster, that this pod is gone, and that nobody else
//! holds a lock. The last is why only an exclusive one may go: beside it there is no other,
//! and the Job makes sure, inside the repository, that it is still there (`unlock/job.rs`).

use serde::Deserialize;
use suture_policy::kube::{self, Event, Metadata, pod::PodStatus};
use suture_policy::{Result, Value, info};

use crate::lock::Lock;
use crate::source::ReplicationSource;
use crate::unlock;

/// So many at a time: pods and Jobs can be large.
const PAGE: u32 = 50;

/// A pod with all that it was asked to be.
#[derive(Debug, Deserialize)]
struct Pod {
    metadata: Metadata,
    #[serde(default)]
    spec: Value,
    #[serde(default)]
    status: PodStatus,
}

suture_policy::resource!("v1", Pod);

/// A Job with all that its pods are asked to be.
#[derive(Debug, Deserialize)]
struct Job {
    metadata: Metadata,
    #[serde(default)]
    spec: Value,
    #[serde(default)]
    status: JobStatus,
}

suture_policy::resource!("batch/v1", Job);

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct JobStatus {
    active: u32,
    succeeded: u32,
    failed: u32,
}

/// What there is no proof of; nothing, where the lock may go. `holders` are the pods that
/// are called like its holder, none of which lives.
pub fn lacks(lock: &Lock, holders: &[kube::Pod], source: &ReplicationSource) -> Result<Option<String>> {
    if !lock.is_exclusive {
        return Ok(Some("it is shared, so others may hold locks beside it".to_owned()));
    }
    if lock.id.len() < 8 || !lock.id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Some(format!("`{}` is no id of a lock", lock.id)));
    }
    if let Some(pod) = holders.iter().find(|pod| !has_terminated(pod)) {
        // As the pod collector does with pods of a node that is gone.
        return Ok(Some(format!(
            "pod {} was given up, and nobody says that its process has ended",
            pod.metadata.name
        )));
    }
    if holders.is_empty()
        && let Some(lacking) = trace_lacks(lock, source)?
    {
        return Ok(Some(lacking));
    }
    let user = at_work(source)?;
    if user.is_none() {
        info!(
            "nothing else in namespace {} is at work on {}; who reaches the same repository by another Secret can't \
             be known from here",
            source.namespace(),
            source.secret()
        );
    }
    Ok(user)
}

fn has_terminated(pod: &kube::Pod) -> bool {
    let statuses = &pod.status.container_statuses;
    !statuses.is_empty() && statuses.iter().all(|status| status.state.terminated.is_some())
}

/// A pod that is gone leaves Events for an hour. Without any, it may as well have been the
/// pod of another cluster that writes into the same repository.
fn trace_lacks(lock: &Lock, source: &ReplicationSource) -> Result<Option<String>> {
    let of_pod = format!("involvedObject.kind=Pod,involvedObject.name={}", lock.host);
    let events = kube::list::<Event>().in_namespace(source.namespace()).fields(&of_pod).pages_of(PAGE).read();
    match events {
        Ok(events) if !events.is_empty() => Ok(None),
        Ok(_) => Ok(Some(format!(
            "no Event in namespace {} tells of a pod {}; it may have been one of another cluster",
            source.namespace(),
            lock.host
        ))),
        Err(error) if error.is_denied() => Ok(Some(format!(
            "that {} was a pod of this cluster would be in the Events, which are not granted: {}",
            lock.host, error.message
        ))),
        Err(error) => Err(error),
    }
}

/// What is at work on the repository in the source's namespace, or about to be: other
/// sources, destinations, Jobs by hand. They are known by the Secret that they use. An
/// unlock Job that an earlier attempt has left is no other.
fn at_work(source: &ReplicationSource) -> Result<Option<String>> {
    let pods = kube::list::<Pod>().in_namespace(source.namespace()).pages_of(PAGE).read()?;
    let is_at_work = |pod: &&Pod| {
        !matches!(pod.status.phase.as_str(), "Succeeded" | "Failed")
            && !unlock::is_ours(&pod.metadata)
            && uses(&pod.spec, source.secret())
    };
    if let Some(Pod { metadata, status, .. }) = pods.iter().find(is_at_work) {
        let name = &metadata.name;
        return Ok(Some(format!("pod {name} uses the repository too and is {}", status.phase)));
    }
    let jobs = kube::list::<Job>().in_namespace(source.namespace()).pages_of(PAGE).read()?;
    let is_at_work = |job: &&Job| {
        let JobStatus { active, succeeded, failed } = job.status;
        let is_about_to_start = succeeded == 0 && failed == 0 && job.spec["suspend"] != true;
        (active > 0 || is_about_to_start)
            && !unlock::is_ours(&job.metadata)
            && uses(&job.spec, source.secret())
    };
    let job = jobs.iter().find(is_at_work);
    Ok(job.map(|job| format!("Job {} uses the repository too and is at work", job.metadata.name)))
}

/// Whether a pod's spec refers to a Secret: in an environment or a volume.
fn uses(spec: &Value, secret: &str) -> bool {
    match spec {
        Value::Object(fields) => fields.iter().any(|(key, value)| {
            let name = match key.as_str() {
                "secretName" => Some(value),
                "secretRef" | "secretKeyRef" | "secret" => value.get("name"),
                _ => None,
            };
            name.and_then(Value::as_str) == Some(secret) || uses(value, secret)
        }),
        Value::Array(items) => items.iter().any(|item| uses(item, secret)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use suture_policy::json;

    use super::*;

    #[test]
    fn a_secret_is_found_wherever_a_pod_refers_to_it() {
        let key = json!({"secretKeyRef": {"name": "plex-restic", "key": "RESTIC_PASSWORD"}});
        for spec in [
            json!({"containers": [{"env": [{"name": "RESTIC_PASSWORD", "valueFrom": key}]}]}),
            json!({"initContainers": [{"envFrom": [{"secretRef": {"name": "plex-restic"}}]}]}),
            json!({"volumes": [{"name": "x", "secret": {"secretName": "plex-restic"}}]}),
            json!({"volumes": [{"projected": {"sources": [{"secret": {"name": "plex-restic"}}]}}]}),
            json!({"template": {"spec": {"volumes": [{"secret": {"secretName": "plex-restic"}}]}}}),
        ] {
            assert!(uses(&spec, "plex-restic") && !uses(&spec, "plex"), "{spec}");
        }
        for spec in [
            json!({"containers": [{"name": "plex-restic", "args": ["plex-restic"]}]}),
            json!({"volumes": [{"configMap": {"name": "plex-restic"}}]}),
            json!(null),
        ] {
            assert!(!uses(&spec, "plex-restic"), "{spec}");
        }
    }
}
