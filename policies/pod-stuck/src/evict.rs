//! Evicting a pod, once, within its disruption budget.

use suture_policy::kube::{self, Resource, Undo, Waited, deleted, field, op};
use suture_policy::stop::{Stop, escalate, retry, unnecessary};
use suture_policy::{Duration, Time, clock, json, step};

use crate::budget;
use crate::manifest::{EmptyDirs, Settings};
use crate::owner::{Owner, Workload};
use crate::pod::{Pod, shown};
use crate::subject::Subject;
use crate::terminating;

/// Says at an owner when a pod of it was last evicted.
pub const EVICTED: &str = "pod-stuck.suture.dev/evicted";
/// Says that a pod is to be left alone.
pub const KEEP: &str = "pod-stuck.suture.dev/keep";
const POINTER: &str = "/metadata/annotations/pod-stuck.suture.dev~1evicted";

/// What others leave alone, this policy does as well.
const LEFT_ALONE: [(&str, &str); 2] =
    [("cluster-autoscaler.kubernetes.io/safe-to-evict", "false"), ("karpenter.sh/do-not-disrupt", "true")];
/// How long a pod may take to end beyond what its owner gives it.
const TO_END: Duration = Duration::minutes(10);
/// How often it tries again after somebody has changed the pod.
const MOST_TRIES: u32 = 3;

/// Evict the pod, and see its replacement become ready.
pub fn evict(subject: &Subject, settings: &Settings) -> Result<String, Stop> {
    let Some(owner) = subject.owner.metadata() else {
        return not_evicted(subject, "only pods of ReplicaSets and StatefulSets are evicted");
    };
    let name = format!("{}/{}", owner.namespace.as_deref().unwrap_or_default(), owner.name);
    match kube::exclusive(&name, settings.patience) {
        Err(error) if error.is_timeout() => {
            return retry(settings.retry_after, format!("another run evicts a pod of {name}"));
        }
        held => held?,
    }
    may_go(subject, settings)?;
    match &subject.owner {
        Owner::ReplicaSet(set) => evicted_from(set, subject, settings),
        Owner::StatefulSet(set) => evicted_from(set, subject, settings),
        Owner::Other(_) | Owner::Nobody(_) => not_evicted(subject, "it is nobody's"),
    }
}

/// Whether nothing speaks against it, beside its budget.
fn may_go(subject: &Subject, settings: &Settings) -> Result<(), Stop> {
    let annotations = &subject.pod.metadata.annotations;
    if annotations.contains_key(KEEP) {
        return not_evicted(subject, &format!("its annotation `{KEEP}` says to leave it alone"));
    }
    let left = |(name, value): &&(&str, &str)| annotations.get(*name).map(String::as_str) == Some(*value);
    if let Some((name, value)) = LEFT_ALONE.iter().find(left) {
        return not_evicted(subject, &format!("its annotation `{name}: {value}` says to leave it alone"));
    }
    if !subject.node.answers() {
        let node = subject.pod.node().unwrap_or_default();
        let trouble = subject.node.trouble(node).unwrap_or_else(|| "it has no node".to_owned());
        return not_evicted(subject, &format!("{trouble}, and there it might not go"));
    }
    let is_on_disk = |volume: &&crate::pod::Volume| {
        volume.empty_dir.as_ref().is_some_and(|empty_dir| empty_dir.medium != "Memory")
    };
    let on_disk = subject.pod.spec.volumes.iter().find(is_on_disk);
    if let Some(volume) = on_disk.filter(|_| settings.empty_dirs == EmptyDirs::Keep) {
        return not_evicted(
            subject,
            &format!("what its emptyDir `{}` holds would be lost (`emptyDirs`)", volume.name),
        );
    }
    if let Err(error) = subject.siblings.all() {
        return not_evicted(
            subject,
            &format!("whether its siblings are stuck as well can't be seen: {error}"),
        );
    }
    match subject.siblings.stuck() {
        Some(other) => not_evicted(
            subject,
            &format!("pod {} is not ready either, so the cause is not this one pod's", other.metadata.name),
        ),
        None => Ok(()),
    }
}

fn evicted_from<T: Workload>(owner: &T, subject: &Subject, settings: &Settings) -> Result<String, Stop> {
    let noted = note(owner, subject, settings)?;
    step!("evicting Pod {}: {}", shown(&subject.pod.metadata), subject.cause.what);
    delete(subject, settings)?;
    // That it happened stays noted, for a day.
    noted.keep()?;
    let name = shown(&subject.pod.metadata);
    if let Waited::Timeout = kube::of(&subject.pod).wait(deleted(), settings.patience + TO_END)? {
        return escalate(format!(
            "Pod {name} was evicted and does not go; it was not forced. {}. Next: {}",
            subject.why(),
            subject.cause.next
        ));
    }
    let replicas = subject.owner.replicas().unwrap_or(1);
    let ready = field("/status/readyReplicas").equals(replicas);
    match kube::of(owner).wait(ready, settings.ready_within)? {
        Waited::Met(_) => {
            Ok(format!("{}. It was evicted, and all {replicas} pods of its owner are ready", subject.why()))
        }
        Waited::Deleted => {
            escalate(format!("{}. It was evicted, and its owner was deleted by somebody", subject.why()))
        }
        // Somebody may have changed how many there are to be.
        Waited::Timeout if kube::of(owner).find()?.is_some_and(|now| now.has_all()) => {
            Ok(format!("{}. It was evicted, and all pods of its owner are ready", subject.why()))
        }
        Waited::Timeout => escalate(format!(
            "{}. It was evicted once, which did not help: its owner does not have {replicas} ready pods within {}. \
             Next: kubectl -n {} get pods -o wide",
            subject.why(),
            settings.ready_within,
            subject.pod.metadata.namespace.as_deref().unwrap_or_default()
        )),
    }
}

/// Note the eviction at the pod's owner, before it: of two runs one is first, and whoever comes
/// within the day sees it. Taken back, where the pod is not deleted in the end.
fn note<T: Resource>(owner: &T, subject: &Subject, settings: &Settings) -> Result<Undo<T>, Stop> {
    let Some(now) = kube::of(owner).find()? else {
        return not_evicted(subject, "its owner is gone");
    };
    let metadata = now.metadata();
    if metadata.is_terminating() {
        return not_evicted(subject, "its owner is being deleted");
    }
    let at = clock::now();
    let before = metadata.annotations.get(EVICTED);
    if let Some(before) = before {
        let is_old = Time::parse(before).is_some_and(|before| at.since(before) >= settings.evict_every);
        if !is_old {
            return not_evicted(
                subject,
                &format!("a pod of its owner was evicted at {before} already, which did not help"),
            );
        }
    }
    let stamp = at.to_string();
    let back = match before {
        Some(before) => op::replace(POINTER, before.as_str()),
        None => op::remove(POINTER),
    };
    let undo = kube::of(&now).json_patch([op::test(POINTER, stamp.as_str()), back]);
    let note = kube::of(&now)
        .merge_patch(json!({"metadata": {"annotations": {EVICTED: stamp}}}))
        .at_version(&metadata.resource_version);
    match note.undo(undo).send() {
        Err(error) if error.is_conflict() => {
            retry(settings.retry_after, "the pod's owner was changed just now")
        }
        Err(error) if error.is_denied() => not_evicted(
            subject,
            &format!(
                "that can't be noted at its owner, and so would not happen only once: {}",
                error.message
            ),
        ),
        sent => Ok(sent?),
    }
}

/// Delete the pod as it was read a moment ago: not ready, so that its budget loses nothing by it.
fn delete(subject: &Subject, settings: &Settings) -> Result<(), Stop> {
    for _ in 0..MOST_TRIES {
        let pod = subject.now()?;
        // Somebody was faster; the note is taken back.
        if pod.metadata.is_terminating() {
            return terminating::see_through(&pod, settings);
        }
        within_budget(&pod, subject, settings)?;
        match kube::of(&pod).delete().at_version(&pod.metadata.resource_version).send() {
            // Somebody has changed it: it is looked at again.
            Err(error) if error.is_conflict() => {}
            Err(error) if error.is_not_found() => {
                return unnecessary(format!("Pod {} is gone", shown(&pod.metadata)));
            }
            sent => return Ok(sent.map(drop)?),
        }
    }
    retry(
        settings.retry_after,
        format!("Pod {} changes all the time; it was not evicted", shown(&subject.pod.metadata)),
    )
}

fn within_budget(pod: &Pod, subject: &Subject, settings: &Settings) -> Result<(), Stop> {
    match budget::refusal(pod) {
        Ok(None) => Ok(()),
        Ok(Some(why)) => retry(settings.retry_after, format!("{}. It was not evicted: {why}", subject.why())),
        Err(error) => not_evicted(subject, &format!("its disruption budget can't be seen: {error}")),
    }
}

fn not_evicted<T>(subject: &Subject, why: &str) -> Result<T, Stop> {
    escalate(format!("{}. It was not evicted: {why}. Next: {}", subject.why(), subject.cause.next))
}
