//! What a pod that a policy makes may never have, and what must be listed in a grant.
//!
//! A policy that may create Jobs could otherwise run anything, as anyone: mount the
//! host's disk, borrow a service account, read any Secret of the namespace.

use serde_json::Value;
use suture_core::grant::{Glob, PodGrant};

/// Where each kind that makes pods keeps the pod's `spec`.
fn spec_pointer(object: &Value) -> Option<&'static str> {
    Some(match object.get("kind")?.as_str()? {
        "Pod" => "/spec",
        "PodTemplate" => "/template/spec",
        "CronJob" => "/spec/jobTemplate/spec/template/spec",
        "Job" | "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "ReplicationController" => {
            "/spec/template/spec"
        }
        _ => return None,
    })
}

/// The pod spec in an object, if its kind has one.
pub(super) fn template(object: &Value) -> Option<&Value> {
    object.pointer(spec_pointer(object)?)
}

/// Check the pod in an object, if it has one, against the grants that allow the write.
pub(super) fn check(object: &Value, grants: &[&PodGrant]) -> Result<(), String> {
    let Some(spec) = template(object) else { return Ok(()) };
    let listed = |list: fn(&PodGrant) -> &Vec<Glob>, text: &str| {
        grants.iter().any(|grant| list(grant).iter().any(|glob| glob.matches(text)))
    };
    for field in ["hostNetwork", "hostPID", "hostIPC"] {
        if spec.get(field).and_then(Value::as_bool) == Some(true) {
            return Err(format!("the pod asks for `{field}`, which no policy may"));
        }
    }
    if spec.pointer("/securityContext/windowsOptions/hostProcess").and_then(Value::as_bool) == Some(true) {
        return Err("the pod asks for `hostProcess`, which no policy may".to_owned());
    }
    if spec.get("nodeName").is_some() {
        return Err("the pod names its node, which bypasses the scheduler; no policy may".to_owned());
    }
    let volumes = spec.get("volumes").and_then(Value::as_array).into_iter().flatten();
    if volumes.clone().any(|volume| volume.get("hostPath").is_some()) {
        return Err("the pod mounts a `hostPath`, which no policy may".to_owned());
    }
    for container in containers(spec) {
        check_container(container, &|image| listed(|grant| &grant.images, image))?;
    }
    let account = ["serviceAccountName", "serviceAccount"].iter().find_map(|field| spec.get(field)?.as_str());
    // Without a name it is `default`; without a token it can do nothing with it.
    let has_token = spec.get("automountServiceAccountToken").and_then(Value::as_bool) != Some(false);
    let projects_token = mentions_key(spec, "serviceAccountToken");
    let account = account.filter(|name| !name.is_empty()).unwrap_or("default");
    if (has_token || projects_token || account != "default")
        && !listed(|grant| &grant.service_accounts, account)
    {
        return Err(format!(
            "the pod uses service account `{account}`, which `pods.serviceAccounts` of the grant does not list \
             (or set `automountServiceAccountToken: false`)"
        ));
    }
    let mut secrets = Vec::new();
    secret_names(spec, &mut secrets);
    if let Some(secret) = secrets.into_iter().find(|secret| !listed(|grant| &grant.secrets, secret)) {
        return Err(format!(
            "the pod uses Secret `{secret}`, which `pods.secrets` of the grant does not list"
        ));
    }
    Ok(())
}

fn containers(spec: &Value) -> impl Iterator<Item = &Value> {
    ["initContainers", "containers", "ephemeralContainers"]
        .into_iter()
        .filter_map(|field| spec.get(field)?.as_array())
        .flatten()
}

fn check_container(container: &Value, image_listed: &dyn Fn(&str) -> bool) -> Result<(), String> {
    let name = container.get("name").and_then(Value::as_str).unwrap_or("?");
    let security = container.get("securityContext");
    let flag = |field: &str| {
        security.and_then(|security| security.get(field)).and_then(Value::as_bool) == Some(true)
    };
    if flag("privileged") || flag("allowPrivilegeEscalation") {
        return Err(format!("container `{name}` is privileged or may become so, which no policy may"));
    }
    let added = security.and_then(|security| security.pointer("/capabilities/add")).and_then(Value::as_array);
    if added.is_some_and(|added| !added.is_empty()) {
        return Err(format!("container `{name}` adds capabilities, which no policy may"));
    }
    if security.and_then(|security| security.pointer("/windowsOptions/hostProcess")).and_then(Value::as_bool)
        == Some(true)
    {
        return Err(format!("container `{name}` asks for `hostProcess`, which no policy may"));
    }
    let host_port = |port: &Value| port.get("hostPort").and_then(Value::as_u64).is_some_and(|port| port > 0);
    if container.get("ports").and_then(Value::as_array).is_some_and(|ports| ports.iter().any(host_port)) {
        return Err(format!("container `{name}` takes a port of the host, which no policy may"));
    }
    match container.get("image").and_then(Value::as_str) {
        Some(image) if image_listed(image) => Ok(()),
        image => Err(format!(
            "container `{name}` runs image `{}`, which `pods.images` of the grant does not list",
            image.unwrap_or("")
        )),
    }
}

/// Every Secret that a pod spec refers to: volumes (`secret.secretName`, projected
/// sources, volume plugins' `secretRef`), environments (`secretKeyRef`, `secretRef`),
/// `imagePullSecrets`.
fn secret_names<'a>(value: &'a Value, names: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            for (key, inner) in fields {
                match key.as_str() {
                    "secretName" => names.extend(inner.as_str()),
                    "secretRef" | "secretKeyRef" | "nodePublishSecretRef" | "secret" => {
                        names.extend(inner.get("name").and_then(Value::as_str));
                    }
                    "imagePullSecrets" => {
                        let references = inner.as_array().into_iter().flatten();
                        names.extend(references.filter_map(|reference| reference.get("name")?.as_str()));
                    }
                    _ => {}
                }
                secret_names(inner, names);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| secret_names(item, names)),
        _ => {}
    }
}

fn mentions_key(value: &Value, wanted: &str) -> bool {
    match value {
        Value::Object(fields) => {
            fields.iter().any(|(key, inner)| key == wanted || mentions_key(inner, wanted))
        }
        Value::Array(items) => items.iter().any(|item| mentions_key(item, wanted)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn grant() -> PodGrant {
        serde_json::from_value(json!({"images": ["ghcr.io/backube/volsync:*"], "serviceAccounts": ["unlock"],
            "secrets": ["restic-*"]}))
        .unwrap()
    }

    fn job(change: impl Fn(&mut Value)) -> Value {
        let mut spec = json!({"automountServiceAccountToken": false, "restartPolicy": "Never", "containers": [
            {"name": "restic", "image": "ghcr.io/backube/volsync:0.13", "envFrom": [{"secretRef": {"name": "restic-plex"}}]}]});
        change(&mut spec);
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "x"}, "spec": {"template": {"spec": spec}}})
    }

    #[test]
    fn a_pod_that_uses_what_is_listed_is_allowed() {
        assert_eq!(check(&job(|_| {}), &[&grant()]), Ok(()));
        assert_eq!(check(&json!({"kind": "ConfigMap"}), &[]), Ok(()));
    }

    #[test]
    fn a_pod_may_not_reach_the_host_or_what_is_not_listed() {
        type Change = fn(&mut Value);
        let hostile: [(&str, Change); 16] = [
            ("hostNetwork", |s| s["hostNetwork"] = json!(true)),
            ("hostPID", |s| s["hostPID"] = json!(true)),
            ("hostPath", |s| s["volumes"] = json!([{"name": "h", "hostPath": {"path": "/"}}])),
            ("privileged", |s| s["containers"][0]["securityContext"] = json!({"privileged": true})),
            ("privileged", |s| {
                s["initContainers"] = json!([{"name": "i", "image": "ghcr.io/backube/volsync:1",
                "securityContext": {"privileged": true}}])
            }),
            ("capabilities", |s| {
                s["containers"][0]["securityContext"] = json!({"capabilities": {"add": ["SYS_ADMIN"]}})
            }),
            ("images", |s| s["initContainers"] = json!([{"name": "i", "image": "evil"}])),
            ("images", |s| s["ephemeralContainers"] = json!([{"name": "e"}])),
            ("serviceAccounts", |s| s["automountServiceAccountToken"] = json!(true)),
            ("serviceAccounts", |s| s["serviceAccountName"] = json!("admin")),
            ("serviceAccounts", |s| {
                s["volumes"] = json!([{"projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}])
            }),
            ("secrets", |s| s["volumes"] = json!([{"secret": {"secretName": "admin"}}])),
            ("secrets", |s| {
                s["volumes"] = json!([{"projected": {"sources": [{"secret": {"name": "admin"}}]}}])
            }),
            ("secrets", |s| {
                s["containers"][0]["env"] =
                    json!([{"valueFrom": {"secretKeyRef": {"name": "admin", "key": "k"}}}])
            }),
            ("secrets", |s| s["imagePullSecrets"] = json!([{"name": "admin"}])),
            ("node", |s| s["nodeName"] = json!("control-plane")),
        ];
        for (word, change) in hostile {
            let error = check(&job(change), &[&grant()]).expect_err(word);
            assert!(error.contains(word), "{word}: {error}");
        }
    }

    #[test]
    fn every_kind_that_makes_pods_is_looked_into() {
        let spec = json!({"hostPID": true});
        for (kind, object) in [
            ("Pod", json!({"spec": spec})),
            ("Deployment", json!({"spec": {"template": {"spec": spec}}})),
            ("CronJob", json!({"spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}}})),
            ("PodTemplate", json!({"template": {"spec": spec}})),
        ] {
            let mut object = object;
            object["kind"] = json!(kind);
            assert!(check(&object, &[&grant()]).is_err(), "{kind}");
        }
    }
}
