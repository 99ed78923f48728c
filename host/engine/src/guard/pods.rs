//! What a pod may be that a policy makes: itself, or through a Job, a Deployment, …
//!
//! A policy that may create Jobs could otherwise run anything, as anyone: mount the host's
//! disk, borrow a service account, read any Secret of the namespace. So every field of a pod
//! is one that is known here, and has a value that is known to be harmless or is listed in a
//! grant. The rules are those of Kubernetes' Pod Security Standards
//! (<https://kubernetes.io/docs/concepts/security/pod-security-standards/>) and, beyond them,
//! what those leave to RBAC and admission: images, accounts, Secrets, claims, nodes.

mod container;
mod placement;
mod rules;
mod security;
mod source;
mod volume;

use serde_json::Value;

pub(super) use rules::Rules;
pub(super) use source::equals;
pub(super) use volume::check_claim_templates;

use rules::{absent, fields_of, only, text};

/// Annotations of a pod by which its profiles were chosen before there were fields.
const APPARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";
const SECCOMP: [&str; 2] =
    ["seccomp.security.alpha.kubernetes.io/", "container.seccomp.security.alpha.kubernetes.io/"];

/// Annotations that only tell: no program does anything by them but what the pod could do itself.
const HARMLESS_ANNOTATIONS: [&str; 3] = [
    "kubectl.kubernetes.io/restartedAt",
    "kubectl.kubernetes.io/default-container",
    "cluster-autoscaler.kubernetes.io/safe-to-evict",
];

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

/// Check a pod, or a pod template: what has `metadata` and `spec`.
pub(super) fn check(pod: &Value, rules: &Rules<'_>) -> Result<(), String> {
    let annotations = pod.pointer("/metadata/annotations").and_then(Value::as_object);
    let names: Vec<String> = annotations.into_iter().flatten().map(|(name, _)| name.clone()).collect();
    check_annotations(pod, &names, rules)?;
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
    if let Some(resources) = spec.get("resources").filter(|resources| !resources.is_null()) {
        only(
            fields_of(resources, "the pod's `resources`")?,
            &["limits", "requests"],
            "the pod's `resources`",
        )?;
    }
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

/// Check some annotations of a pod. Many programs act on them, as root or with Secrets: what is
/// not known to be harmless must be listed.
pub(super) fn check_annotations(pod: &Value, names: &[String], rules: &Rules<'_>) -> Result<(), String> {
    for name in names {
        let value = pod.get("metadata").and_then(|metadata| metadata.get("annotations")?.get(name)?.as_str());
        let value = value.unwrap_or_default();
        let is_fine = if name.starts_with(APPARMOR) {
            value == "runtime/default" || value.starts_with("localhost/")
        } else if SECCOMP.iter().any(|prefix| name.starts_with(prefix)) {
            matches!(value, "runtime/default" | "docker/default")
        } else {
            let (prefix, _) = name.split_once('/').unwrap_or(("", name));
            (prefix.is_empty() && !name.contains('.'))
                || ["checksum", "suture.dev", "prometheus.io"].contains(&prefix)
                || prefix.ends_with(".suture.dev")
                || HARMLESS_ANNOTATIONS.contains(&name.as_str())
                || rules.lists(|grant| &grant.annotations, name)
        };
        if !is_fine {
            return Err(format!(
                "the pod's annotation `{name}: {value}` is not known to be harmless, and `pods.annotations` of the grant \
                 does not list it"
            ));
        }
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
