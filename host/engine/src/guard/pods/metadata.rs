//! What a pod's labels and annotations say. Many programs act on them, as root or with
//! Secrets: a service mesh puts its own container into the pod, a cloud's identity webhook
//! mounts a token. What is not known to be harmless must be listed in the grant.

use serde_json::Value;
use suture_core::grant::{Glob, PodGrant};
use suture_core::names::shortened;

use super::rules::Rules;

/// Annotations by which a pod's profiles were chosen before there were fields.
const APPARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";
const SECCOMP: [&str; 2] =
    ["seccomp.security.alpha.kubernetes.io/", "container.seccomp.security.alpha.kubernetes.io/"];
/// Annotations that only tell: no program does anything by them but what the pod could do itself.
const HARMLESS_ANNOTATIONS: [&str; 3] = [
    "kubectl.kubernetes.io/restartedAt",
    "kubectl.kubernetes.io/default-container",
    "cluster-autoscaler.kubernetes.io/safe-to-evict",
];
/// Check the labels and annotations that are new on a pod, or have another value than before.
pub(super) fn check_change(before: Option<&Value>, after: &Value, rules: &Rules<'_>) -> Result<(), String> {
    for (name, value) in new(before, after, "annotations") {
        let is_fine = is_harmless_annotation(name, value) || rules.lists(|grant| &grant.annotations, name);
        is_fine.then_some(()).ok_or_else(|| not_listed("annotation", name, value, "annotations"))?;
    }
    for (name, value) in new(before, after, "labels") {
        let list: fn(&PodGrant) -> &Vec<Glob> = |grant| &grant.labels;
        let is_fine = is_harmless_label(name) || rules.lists(list, name);
        is_fine.then_some(()).ok_or_else(|| not_listed("label", name, value, "labels"))?;
    }
    Ok(())
}

fn new<'a>(
    before: Option<&'a Value>,
    after: &'a Value,
    map: &'a str,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let of = move |pod: &'a Value| pod.get("metadata").and_then(|metadata| metadata.get(map)?.as_object());
    let there = before.and_then(of);
    let all = of(after).into_iter().flatten();
    let is_new =
        move |(name, value): &(&String, &Value)| there.and_then(|there| there.get(*name)) != Some(*value);
    all.filter(is_new).map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default()))
}

fn is_harmless_annotation(name: &str, value: &str) -> bool {
    if name.starts_with(APPARMOR) {
        return value == "runtime/default" || value.starts_with("localhost/");
    }
    if SECCOMP.iter().any(|prefix| name.starts_with(prefix)) {
        return matches!(value, "runtime/default" | "docker/default");
    }
    is_of(name, &["checksum", "prometheus.io"]) || HARMLESS_ANNOTATIONS.contains(&name)
}

/// Labels without a domain by which others act: Azure's older pod identity, and controllers that
/// would take the pod for one of their own.
const STEERING_LABELS: [&str; 6] = [
    "aadpodidbinding",
    "job-name",
    "controller-uid",
    "pod-template-hash",
    "pod-template-generation",
    "controller-revision-hash",
];

fn is_harmless_label(name: &str) -> bool {
    !STEERING_LABELS.contains(&name) && is_of(name, &["app.kubernetes.io", "helm.sh"])
}

/// Whether a key is the user's own (without a domain), ours, or of one of these domains.
fn is_of(name: &str, harmless: &[&str]) -> bool {
    let Some((domain, _)) = name.split_once('/') else { return !name.contains('.') };
    harmless.contains(&domain) || domain == "suture.dev" || domain.ends_with(".suture.dev")
}

fn not_listed(what: &str, name: &str, value: &str, list: &str) -> String {
    format!(
        "the pod's {what} `{}: {}` is not known to be harmless, and `pods.{list}` of the grant does not list it",
        shortened(name),
        shortened(value)
    )
}
