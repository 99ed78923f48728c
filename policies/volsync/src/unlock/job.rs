//! The Job that unlocks, as it is sent to the API server.

use suture_policy::kube::Metadata;
use suture_policy::{Value, json};

use super::UnlockJob;
use crate::holder::Removal;
use crate::source::{ReplicationSource, Restic};

/// On the Job and its pods: which repository's Secret they unlock.
const REPOSITORY: &str = "volsync.suture.dev/unlocks";
/// On the Job: the incident that it was made for, and which locks it removes.
const INCIDENT: &str = "volsync.suture.dev/incident";
const REMOVES: &str = "volsync.suture.dev/removes";

/// A Job's name becomes a label of its pods.
const LONGEST_NAME: usize = 63;
/// `nobody`, for images that would run as root.
const NOBODY: u32 = 65534;
/// How long a finished Job stays that nobody removes, in seconds.
const TTL: u32 = 3600;
/// The container that unlocks.
pub const CONTAINER: &str = "restic";
/// How the container ends where the lock is not the one that was seen.
pub const CHANGED: i32 = 65;

/// Remove all locks if the only one is the one that was seen. In `$1` is the beginning of its
/// id, behind it stands restic with its flags.
const REMOVE_ALL: &str = r#"id=$1; shift
locks=$("$@" --quiet --no-lock list locks) || exit
case $locks in
*[!0-9a-f]*) echo "these locks are there, and $id was to be the only one: $locks"; exit 65;;
"$id"*) exec "$@" unlock --remove-all;;
*) echo "the lock $id is not there any more"; exit 65;;
esac"#;

/// What of a mover's security context the Job takes over: who it is, not what it may.
const IDENTITY: [&str; 8] = [
    "runAsUser",
    "runAsGroup",
    "fsGroup",
    "fsGroupChangePolicy",
    "supplementalGroups",
    "supplementalGroupsPolicy",
    "seLinuxOptions",
    "seLinuxChangePolicy",
];

/// The name of the Job for a repository.
pub fn name(secret: &str) -> String {
    let plain = format!("suture-unlock-{}", secret.replace('.', "-"));
    if plain.len() <= LONGEST_NAME && !secret.contains('.') {
        return plain;
    }
    let hash = format!("-{:08x}", fnv(secret));
    let cut: String = plain.chars().take(LONGEST_NAME - hash.len()).collect();
    cut.trim_end_matches('-').to_owned() + &hash
}

/// The hash FNV-1a: tells names apart that begin alike.
fn fnv(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// Whether it is a Job of this policy that unlocks, or a pod of one.
pub fn is_ours(metadata: &Metadata) -> bool {
    metadata.labels.contains_key(REPOSITORY)
}

/// Whether it is the Job of this policy that unlocks this repository.
pub fn is_for(metadata: &Metadata, secret: &str) -> bool {
    metadata.label(REPOSITORY) == Some(&name(secret))
        && metadata.annotations.get(REPOSITORY).map(String::as_str) == Some(secret)
}

/// The Job.
pub fn object(job: &UnlockJob<'_>) -> Value {
    let UnlockJob { source, incident, settings, .. } = job;
    let name = name(source.secret());
    let labels = json!({
        "app.kubernetes.io/name": "restic-unlock",
        "app.kubernetes.io/managed-by": "suture",
        REPOSITORY: name,
    });
    let removes = match job.removal {
        Removal::Stale => "stale locks".to_owned(),
        Removal::All => format!("lock {}", job.lock.id),
    };
    json!({
        "metadata": {
            "name": name,
            "labels": labels,
            "annotations": {REPOSITORY: source.secret(), INCIDENT: incident.id, REMOVES: removes},
            // Goes with the source. Not its controller: VolSync is to take no notice.
            "ownerReferences": [{
                "apiVersion": "volsync.backube/v1alpha1",
                "kind": "ReplicationSource",
                "name": source.name(),
                "uid": source.metadata.uid,
            }],
        },
        "spec": {
            "backoffLimit": 0,
            // After this run has stopped waiting, in case that nobody is there to delete it.
            "activeDeadlineSeconds": settings.unlock_job.timeout.as_millis() / 1000 + 60,
            "ttlSecondsAfterFinished": TTL,
            "template": {"metadata": {"labels": pod_labels(source, labels)}, "spec": pod(job)},
        },
    })
}

/// Network policies let movers out by their labels.
fn pod_labels(source: &ReplicationSource, own: Value) -> Value {
    let mut labels = json!({});
    for (name, value) in source.spec.restic.iter().flat_map(|restic| &restic.mover_pod_labels) {
        labels[name.as_str()] = json!(value);
    }
    if let (Some(labels), Value::Object(own)) = (labels.as_object_mut(), own) {
        labels.extend(own);
    }
    labels
}

fn pod(job: &UnlockJob<'_>) -> Value {
    let UnlockJob { source, settings, .. } = job;
    let Volumes { volumes, mounts, has_ca } = Volumes::of(source);
    json!({
        "restartPolicy": "Never",
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "securityContext": security_context(source),
        "containers": [{
            "name": CONTAINER,
            "image": settings.unlock_job.image,
            "command": command(job, has_ca),
            "envFrom": [{"secretRef": {"name": source.secret()}}],
            "env": [{"name": "GOOGLE_APPLICATION_CREDENTIALS", "value": "/credentials/gcs.json"}],
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "privileged": false,
                "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"]},
            },
            "resources": {
                "requests": {"cpu": "10m", "memory": "64Mi"},
                "limits": {"memory": "512Mi"},
            },
            "volumeMounts": mounts,
        }],
        "volumes": volumes,
    })
}

/// What reaches the repository: without a cache, which a Job that runs once has no use for.
fn command<'a>(job: &UnlockJob<'a>, has_ca: bool) -> Vec<&'a str> {
    let mut restic = vec!["restic", "--no-cache"];
    if has_ca {
        restic.extend(["--cacert", "/custom-ca/ca.crt"]);
    }
    match job.removal {
        Removal::Stale => [restic, vec!["unlock"]].concat(),
        Removal::All => [vec!["sh", "-c", REMOVE_ALL, "unlock", &job.lock.id], restic].concat(),
    }
}

/// Who the mover is, as far as that is not root: a repository on a volume may be its alone.
fn security_context(source: &ReplicationSource) -> Value {
    let mut context = json!({"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}});
    let mover = source.spec.restic.as_ref().map_or(&Value::Null, |restic| &restic.mover_security_context);
    for field in IDENTITY {
        if !mover[field].is_null() {
            context[field] = mover[field].clone();
        }
    }
    if context["runAsUser"].is_null() || context["runAsUser"] == 0 {
        context["runAsUser"] = json!(NOBODY);
        context["runAsGroup"] = json!(NOBODY);
    }
    context
}

/// What is mounted.
struct Volumes {
    volumes: Vec<Value>,
    mounts: Vec<Value>,
    has_ca: bool,
}

impl Volumes {
    fn of(source: &ReplicationSource) -> Self {
        let mut all = Self { volumes: Vec::new(), mounts: Vec::new(), has_ca: false };
        all.add("tmp", "/tmp", false, &json!({"emptyDir": {"sizeLimit": "64Mi"}}));
        // For Google's storage restic wants a file where the Secret has its contents, as
        // VolSync does it.
        let items = json!([{"key": "GOOGLE_APPLICATION_CREDENTIALS", "path": "gcs.json"}]);
        let credentials = json!({"secretName": source.secret(), "optional": true, "items": items});
        all.add("credentials", "/credentials", true, &json!({"secret": credentials}));
        let Some(Restic { custom_ca, mover_volumes, .. }) = &source.spec.restic else { return all };
        let items = json!([{"key": custom_ca.key, "path": "ca.crt"}]);
        let ca = match (custom_ca.secret_name.as_str(), custom_ca.config_map_name.as_str()) {
            ("", "") => None,
            ("", name) => Some(json!({"configMap": {"name": name, "items": items}})),
            (name, _) => Some(json!({"secret": {"secretName": name, "items": items}})),
        };
        if let Some(ca) = ca {
            all.has_ca = true;
            all.add("custom-ca", "/custom-ca", true, &ca);
        }
        for (index, volume) in mover_volumes.iter().enumerate() {
            let path = format!("/mnt/{}", volume.mount_path);
            all.add(&format!("mover-{index}"), &path, false, &volume.volume_source);
        }
        all
    }

    fn add(&mut self, name: &str, path: &str, read_only: bool, source: &Value) {
        let mut volume = source.clone();
        volume["name"] = json!(name);
        self.volumes.push(volume);
        self.mounts.push(json!({"name": name, "mountPath": path, "readOnly": read_only}));
    }
}

/// The grant that the Job takes, as it is written in the configuration.
pub fn grant(job: &UnlockJob<'_>) -> String {
    let Volumes { volumes, .. } = Volumes::of(job.source);
    let mut secrets: Vec<_> =
        volumes.iter().filter_map(|volume| volume["secret"]["secretName"].as_str()).collect();
    secrets.dedup();
    let claims: Vec<_> =
        volumes.iter().filter_map(|volume| volume["persistentVolumeClaim"]["claimName"].as_str()).collect();
    // Those without a domain pass unlisted.
    let labels = job.source.spec.restic.iter().flat_map(|restic| restic.mover_pod_labels.keys());
    let labels: Vec<_> = labels.map(String::as_str).filter(|name| name.contains('/')).collect();
    let list = |name: &str, items: &[&str]| {
        if items.is_empty() { String::new() } else { format!(", {name}: [{}]", items.join(", ")) }
    };
    let (claims, labels) = (list("claims", &claims), list("labels", &labels));
    format!(
        "{{groups: [batch], resources: [jobs], verbs: [get, create, delete], namespaces: [{}], names: [\"suture-unlock-*\"], \
         pods: {{images: [\"{}\"], secrets: [{}]{claims}{labels}}}}}",
        job.source.namespace(),
        job.settings.unlock_job.image,
        secrets.join(", ")
    )
}

#[cfg(test)]
mod tests;
