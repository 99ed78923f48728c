//! Pods: Kubernetes' own judgement of the standard, and what it leaves to others.

use anyhow::ensure;
use k8s_openapi::api::core::v1::Pod;
use kube::api::PostParams;
use serde_json::{Value, json};
use suture_core::Grant;
use suture_core::grant::{Glob, PodLevel};

use super::{Judge, text};
use crate::draw::COPIED;

/// Annotations by which nobody does anything.
const IDLE: [&str; 4] = [
    "kubectl.kubernetes.io/restartedAt",
    "kubectl.kubernetes.io/default-container",
    "checksum/config",
    "suture.dev/x",
];

fn is_listed(list: &[Glob], name: &str) -> bool {
    list.iter().any(|glob| glob.matches(name))
}

/// The items of a list below a value.
fn items<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// That a grant lists the claims that the pods of a StatefulSet get, and that it deletes none.
pub(super) fn check_claims(grant: &Grant, before: Option<&Value>, after: &Value) -> anyhow::Result<()> {
    let spec = |object: &Value, field: &str| object.pointer(&format!("/spec/{field}")).cloned();
    let fields = ["volumeClaimTemplates", "ordinals", "persistentVolumeClaimRetentionPolicy"];
    if before.is_some_and(|before| fields.iter().all(|field| spec(before, field) == spec(after, field))) {
        return Ok(());
    }
    let (name, first) = (text(after, "/metadata/name"), spec(after, "ordinals/start").unwrap_or(json!(0)));
    for template in items(after, "/spec/volumeClaimTemplates") {
        let claim = format!("{}-{name}-{first}", text(template, "/metadata/name"));
        ensure!(is_listed(&grant.pods.claims, &claim), "it takes the claim {claim}");
    }
    let retention = spec(after, "persistentVolumeClaimRetentionPolicy").unwrap_or_default();
    ensure!(
        ["/whenDeleted", "/whenScaled"].iter().all(|when| text(&retention, when) != "Delete"),
        "it deletes claims"
    );
    Ok(())
}

impl Judge {
    /// That a grant allows what became of a pod.
    pub(super) async fn check_pod(
        &self,
        grant: &Grant,
        before: Option<Value>,
        after: Value,
    ) -> anyhow::Result<()> {
        let spec = |pod: &Value| pod.get("spec").cloned().unwrap_or_default();
        let before = before.unwrap_or_default();
        let is_same = without_amounts(spec(&before)) == without_amounts(spec(&after));
        if is_same && before.pointer("/metadata/annotations") == after.pointer("/metadata/annotations") {
            return Ok(());
        }
        let is_copy = grant.pods.from.iter().any(|from| from.cron_job.matches(COPIED))
            && is_copy(&spec(&after), &self.copied);
        if is_copy && after.pointer("/metadata/annotations").is_none() {
            return Ok(());
        }
        check_annotations(grant, &before, &after)?;
        if is_same {
            return Ok(());
        }
        let mut spec = spec(&after);
        check_spec(grant, &mut spec)?;
        let level = if grant.pods.level == PodLevel::Baseline { "baseline" } else { "restricted" };
        let Some(pods) = self.levels.get(level) else { anyhow::bail!("no such level: {level}") };
        if spec["restartPolicy"] == json!("Always") || spec["restartPolicy"].is_null() {
            spec["restartPolicy"] = json!("Never");
        }
        let pod: Pod = serde_json::from_value(json!({"metadata": {"generateName": "judge-"}, "spec": spec}))?;
        let dry = PostParams { dry_run: true, ..PostParams::default() };
        match pods.create(&dry, &pod).await {
            Err(kube::Error::Api(refused)) if refused.message.contains("PodSecurity") => {
                anyhow::bail!("Pod Security admission at `{level}`: {}", refused.message)
            }
            _ => Ok(()),
        }
    }
}

/// The `spec` of a pod without what docs/grants.md lets every grant change of a template that is
/// there: how much it takes, and how long.
fn without_amounts(mut spec: Value) -> Value {
    let Some(fields) = spec.as_object_mut() else { return spec };
    fields.retain(|field, _| {
        !["resources", "terminationGracePeriodSeconds", "activeDeadlineSeconds"].contains(&field.as_str())
    });
    for list in ["initContainers", "containers"] {
        let containers = fields.get_mut(list).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
            container.retain(|field, _| field != "resources");
        }
    }
    spec
}

/// That no program is told anything by annotations that a grant does not list.
fn check_annotations(grant: &Grant, before: &Value, after: &Value) -> anyhow::Result<()> {
    let annotations = |pod: &Value| pod.pointer("/metadata/annotations").and_then(Value::as_object).cloned();
    let there = annotations(before).unwrap_or_default();
    for (name, value) in annotations(after).unwrap_or_default() {
        let is_idle = IDLE.contains(&name.as_str())
            || !name.contains(['/', '.'])
            || name == "suture.dev/run"
            || name.starts_with("run.suture.dev/")
            || (name.starts_with("container.apparmor") && value == "runtime/default");
        let is_fine =
            is_idle || there.get(&name) == Some(&value) || is_listed(&grant.pods.annotations, &name);
        ensure!(is_fine, "its annotation {name}: {value}");
    }
    Ok(())
}

/// What the standard says nothing of.
fn check_spec(grant: &Grant, spec: &mut Value) -> anyhow::Result<()> {
    let granted = &grant.pods;
    for container in items(spec, "/containers").chain(items(spec, "/initContainers")) {
        let image = text(container, "/image");
        ensure!(is_listed(&granted.images, &image), "it runs {image}");
    }
    // These every pod is given at its admission (DefaultTolerationSeconds).
    let defaults = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];
    for toleration in items(spec, "/tolerations") {
        let key = text(toleration, "/key");
        let is_fine = defaults.contains(&key.as_str()) || is_listed(&granted.tolerations, &key);
        ensure!(is_fine, "it tolerates {key:?}");
    }
    for (label, value) in spec["nodeSelector"].as_object().into_iter().flatten() {
        let is_fine =
            (label == "kubernetes.io/os" && value == "linux") || is_listed(&granted.node_labels, label);
        ensure!(is_fine, "it chooses its node by {label}");
    }
    let class = text(spec, "/priorityClassName");
    ensure!(class.is_empty() || is_listed(&granted.priority_classes, &class), "its priority is {class}");
    for field in ["nodeName", "ephemeralContainers"] {
        let value = spec.get(field).unwrap_or(&Value::Null);
        ensure!(value.is_null() || value == &json!([]), "it has {field}");
    }
    let account = text(spec, "/serviceAccountName");
    let account = if account.is_empty() { "default" } else { &account };
    let has_token = spec["automountServiceAccountToken"] != json!(false)
        || spec.to_string().contains("serviceAccountToken");
    let is_nobody = account == "default" && !has_token;
    let is_fine = is_nobody || is_listed(&granted.service_accounts, account);
    ensure!(is_fine, "it is {account}, with a token: {has_token}");
    let mut used = Vec::new();
    secrets_and_claims(spec, &mut used);
    for secret in items(spec, "/imagePullSecrets") {
        used.push((true, text(secret, "/name")));
    }
    for (is_secret, name) in used {
        let list = if is_secret { &granted.secrets } else { &granted.claims };
        ensure!(is_listed(list, &name), "it has {} {name}", if is_secret { "Secret" } else { "claim" });
    }
    Ok(())
}

/// The Secrets and claims that are named anywhere in a pod; true for a Secret.
fn secrets_and_claims(value: &Value, found: &mut Vec<(bool, String)>) {
    for (field, below) in value.as_object().into_iter().flatten() {
        match field.as_str() {
            "secretName" | "claimName" => {
                found.push((field == "secretName", below.as_str().unwrap_or_default().to_owned()));
            }
            "secretRef" | "secretKeyRef" => found.push((true, text(below, "/name"))),
            "secret" if below.get("name").is_some() => found.push((true, text(below, "/name"))),
            _ => {}
        }
        secrets_and_claims(below, found);
    }
    for item in value.as_array().into_iter().flatten() {
        secrets_and_claims(item, found);
    }
}

/// Whether a pod is another with variables that are no more than data.
fn is_copy(pod: &Value, original: &Value) -> bool {
    let take = |pod: &Value| {
        let mut pod = pod.clone();
        let variables = pod.pointer_mut("/containers/0/env").map(Value::take).unwrap_or_default();
        (pod, variables.as_array().cloned().unwrap_or_default())
    };
    let ((pod, variables), (original, there)) = (take(pod), take(original));
    let steers = |variable: &&Value| {
        let (name, value) = (text(variable, "/name").to_uppercase(), text(variable, "/value"));
        ["LD_", "BASH", "NODE_"].iter().any(|prefix| name.starts_with(prefix))
            || name == "PATH"
            || name.ends_with("_PROXY")
            || value.replace("$$", "").contains("$(")
            || variable.get("valueFrom").is_some()
    };
    let names =
        |variables: &[Value]| variables.iter().map(|variable| text(variable, "/name")).collect::<Vec<_>>();
    let of_both = names(&variables);
    let from_elsewhere = |variable: &&Value| variable.get("valueFrom").is_some();
    let without_env = |pod: &Value| pod.to_string().replace("\"env\":null,", "");
    without_env(&pod) == without_env(&original)
        && variables.iter().filter(|variable| !there.contains(variable)).all(|variable| !steers(&variable))
        && there.iter().filter(from_elsewhere).all(|variable| variables.contains(variable))
        && names(&there).iter().all(|name| of_both.iter().filter(|other| *other == name).count() == 1)
}
