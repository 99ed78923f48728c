//! What a pod may be that a policy makes: itself, or through a Job, a Deployment, …
//!
//! A policy that may create Jobs could otherwise run anything, as anyone: mount the host's
//! disk, borrow a service account, read any Secret of the namespace. So every field of a pod
//! is one that is known here, and has a value that is known to be harmless or is listed in a
//! grant. The rules are those of Kubernetes' Pod Security Standards
//! (<https://kubernetes.io/docs/concepts/security/pod-security-standards/>) and, beyond them,
//! what those leave to RBAC and admission: images, accounts, Secrets, claims, nodes.

mod amounts;
mod container;
mod count;
mod metadata;
mod placement;
mod rules;
mod security;
mod source;
mod volume;

use serde_json::Value;

pub(super) use count::check as check_count;
pub(super) use rules::{Rules, absent};
pub(super) use source::equals;
pub(super) use volume::check_claim_templates;

use rules::{fields_of, only, text};

/// Fields of a pod's `spec` that can do no harm, whatever they say.
const HARMLESS: [&str; 15] = [
    "restartPolicy",
    "terminationGracePeriodSeconds",
    "activeDeadlineSeconds",
    "dnsPolicy",
    "dnsConfig",
    "hostname",
    "subdomain",
    "hostnameOverride",
    "setHostnameAsFQDN",
    "hostAliases",
    "enableServiceLinks",
    "preemptionPolicy",
    "readinessGates",
    "shareProcessNamespace",
    "schedulingGates",
];
/// Fields that are looked into below.
const CHECKED: [&str; 20] = [
    "priority",
    "containers",
    "initContainers",
    "volumes",
    "imagePullSecrets",
    "serviceAccountName",
    "serviceAccount",
    "automountServiceAccountToken",
    "securityContext",
    "hostUsers",
    "os",
    "resources",
    "priorityClassName",
    "runtimeClassName",
    "nodeSelector",
    "affinity",
    "tolerations",
    "topologySpreadConstraints",
    "schedulerName",
    "hostNetwork",
];
/// Fields that say the host is used, where they say anything but no.
const HOST: [&str; 3] = ["hostNetwork", "hostPID", "hostIPC"];

/// Check what a change makes of a pod template: all of it, unless only its labels, its
/// annotations and the amounts that it takes are other than before.
pub(super) fn check_change(before: Option<&Value>, after: &Value, rules: &Rules<'_>) -> Result<(), String> {
    match before {
        Some(before) if amounts::without(before) == amounts::without(after) => {
            metadata::check_change(Some(before), after, rules)?;
            amounts::check(before, after, rules)
        }
        Some(_) | None => check(after, rules),
    }
}

/// Check a pod, or a pod template: what has `metadata` and `spec`.
fn check(pod: &Value, rules: &Rules<'_>) -> Result<(), String> {
    metadata::check_change(None, pod, rules)?;
    let Some(spec) = pod.get("spec") else { return Err("the pod has no `spec`".to_owned()) };
    let spec = fields_of(spec, "the pod's `spec`")?;
    for field in HOST {
        if spec.get(field).is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false))) {
            return Err(format!("the pod asks for `{field}`, which no policy may"));
        }
    }
    if !absent(spec.get("ephemeralContainers")) {
        return Err("the pod has `ephemeralContainers`, which no policy may add".to_owned());
    }
    if !absent(spec.get("nodeName")) {
        return Err("the pod names its node, which bypasses the scheduler; no policy may".to_owned());
    }
    let known: Vec<&str> = HARMLESS.iter().chain(&CHECKED).chain(&HOST).copied().collect();
    only(spec, &known, "the pod's `spec`")?;
    if spec.get("priority").is_some_and(|priority| !priority.is_null() && priority.as_i64() != Some(0)) {
        return Err("the pod sets its `priority` itself; name a class".to_owned());
    }
    if !absent(spec.get("os")) && spec.get("os").and_then(|os| os.get("name")) != Some(&Value::from("linux"))
    {
        return Err("the pod is for another `os` than linux, whose rules are not known here".to_owned());
    }
    amounts::check_resources(spec, "the pod", rules)?;
    if spec.get("hostUsers").is_some_and(|value| !matches!(value, Value::Null | Value::Bool(_))) {
        return Err("the pod's `hostUsers` is neither true nor false".to_owned());
    }
    security::check_pod(spec, rules)?;
    placement::check(spec, rules)?;
    volume::check(spec, rules)?;
    check_account(spec, rules)?;
    let mut count = 0;
    for list in ["initContainers", "containers"] {
        let containers = match spec.get(list) {
            None | Some(Value::Null) => continue,
            Some(Value::Array(containers)) => containers,
            Some(_) => return Err(format!("the pod's `{list}` is no list")),
        };
        count += containers.len();
        for container in containers {
            container::check(container, spec, rules)?;
        }
    }
    if count == 0 {
        return Err("the pod has no containers to be checked".to_owned());
    }
    Ok(())
}

/// The old `serviceAccount` and `serviceAccountName` are one field: the API server takes
/// whichever is not empty.
fn check_account(spec: &rules::Fields, rules: &Rules<'_>) -> Result<(), String> {
    let names = [text(spec, "serviceAccountName")?, text(spec, "serviceAccount")?];
    let account = match names {
        [Some(name), Some(old)] if name != old => {
            return Err(format!(
                "the pod names two service accounts, `{name}` and, in `serviceAccount`, `{old}`: name one"
            ));
        }
        [name, old] => name.or(old),
    };
    // Without a name it is `default`; without a token it can do nothing with it.
    let has_token = spec.get("automountServiceAccountToken") != Some(&Value::Bool(false));
    let account = account.filter(|name| *name != "default");
    if account.is_none() && !has_token && !volume::projects_token(spec) {
        return Ok(());
    }
    let account = account.unwrap_or("default");
    if rules.lists(|grant| &grant.service_accounts, account) {
        return Ok(());
    }
    Err(format!(
        "the pod uses service account `{account}`, which `pods.serviceAccounts` of the grant does not list (or set \
         `automountServiceAccountToken: false`)"
    ))
}

#[cfg(test)]
mod tests;
