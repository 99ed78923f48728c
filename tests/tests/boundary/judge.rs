//! Whether what a change leaves is what a grant allows. Nothing here is the guard's code.

use std::collections::BTreeMap;

use anyhow::ensure;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};
use suture_core::{Grant, Mutation};
use suture_envtest::ControlPlane;

use crate::draw::SECRET_VALUE;
use crate::verb_of;

/// Asks Kubernetes' Pod Security admission about pods.
pub struct Judge {
    namespace: String,
    levels: BTreeMap<&'static str, Api<Pod>>,
}

impl Judge {
    /// With a namespace for each standard.
    pub async fn new(plane: &ControlPlane, namespace: &str) -> anyhow::Result<Self> {
        let mut levels = BTreeMap::new();
        for level in ["restricted", "baseline"] {
            let name = plane.namespace(level).await?;
            let labelled = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name,
                "labels": {"pod-security.kubernetes.io/enforce": level}}});
            plane.apply(&labelled.to_string()).await?;
            for account in ["default", "admin"] {
                let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account, "namespace": name}});
                plane.apply(&account.to_string()).await?;
            }
            levels.insert(level, Api::namespaced(plane.client()?, &name));
        }
        Ok(Self { namespace: namespace.to_owned(), levels })
    }

    /// That a grant allows what a change leaves.
    pub async fn check(
        &self,
        grant: &Grant,
        mutation: &Mutation,
        before: Option<&Value>,
        after: &Value,
    ) -> anyhow::Result<()> {
        let text = |object: &Value, pointer: &str| {
            object.pointer(pointer).and_then(Value::as_str).map(str::to_owned)
        };
        let asked = mutation.reference();
        let namespace = text(after, "/metadata/namespace");
        ensure!(namespace.as_deref() == Some(&self.namespace), "it is in namespace {namespace:?}");
        ensure!(grant.verbs.contains(&verb_of(mutation)), "the verb is not granted");
        let name = text(after, "/metadata/name").unwrap_or_default();
        ensure!(grant.names.iter().any(|glob| glob.matches(&name)), "the name {name} is not granted");
        if matches!(mutation, Mutation::Delete(_)) {
            return Ok(());
        }
        if before.is_none() {
            ensure!(
                grant.verbs.contains(&suture_core::Verb::Create),
                "it was made, and `create` is not granted"
            );
        }
        let kind = text(after, "/kind").unwrap_or_default();
        let is_part = matches!(mutation.subresource(), Some("scale"));
        ensure!(kind == asked.kind.kind || is_part, "it is a {kind}");
        if kind == "Secret" {
            self.check_secret(before, after)?;
        }
        if !grant.fields.is_empty() {
            check_fields(grant, before.unwrap_or(&Value::Null), after)?;
        }
        let at = match kind.as_str() {
            "Pod" => "",
            "Job" | "Deployment" => "/spec/template",
            "CronJob" => "/spec/jobTemplate/spec/template",
            _ => return Ok(()),
        };
        let spec = |object: &Value| object.pointer(&format!("{at}/spec")).cloned();
        let Some(after_spec) = spec(after) else { return Ok(()) };
        if before.and_then(spec).as_ref() == Some(&after_spec) {
            return Ok(());
        }
        self.check_pod(grant, after_spec).await
    }

    fn check_secret(&self, before: Option<&Value>, after: &Value) -> anyhow::Result<()> {
        let data = |object: Option<&Value>| object.and_then(|object| object.get("data")).cloned();
        ensure!(data(before) == data(Some(after)), "a Secret's data were written");
        let mut metadata = after.get("metadata").cloned().unwrap_or_default();
        if let Some(fields) = metadata.as_object_mut() {
            fields.remove("managedFields");
        }
        ensure!(!metadata.to_string().contains(SECRET_VALUE), "a Secret's value stands in its metadata");
        Ok(())
    }

    /// Kubernetes' own judgement of the standard, and what it leaves to others.
    async fn check_pod(&self, grant: &Grant, mut spec: Value) -> anyhow::Result<()> {
        let granted = serde_json::to_value(grant)?;
        let level = granted.pointer("/pods/level").and_then(Value::as_str).unwrap_or("restricted");
        for list in ["containers", "initContainers"] {
            for container in spec[list].as_array().into_iter().flatten() {
                let image = container["image"].as_str().unwrap_or_default();
                ensure!(image.starts_with("ghcr.io/good/"), "it runs {image}");
            }
        }
        // These every pod is given at its admission (DefaultTolerationSeconds).
        let is_default = |toleration: &Value| {
            matches!(
                toleration["key"].as_str(),
                Some("node.kubernetes.io/not-ready" | "node.kubernetes.io/unreachable")
            )
        };
        if let Some(tolerations) = spec.get_mut("tolerations").and_then(Value::as_array_mut) {
            tolerations.retain(|toleration| !is_default(toleration));
        }
        for field in ["nodeName", "priorityClassName", "tolerations", "nodeSelector", "ephemeralContainers"] {
            let says_nothing =
                spec.get(field).is_none_or(|value| matches!(value, Value::Null) || value == &json!([]));
            ensure!(says_nothing, "it has {field}");
        }
        let account =
            spec["serviceAccountName"].as_str().filter(|name| !name.is_empty()).unwrap_or("default");
        let may_be = granted.pointer("/pods/serviceAccounts").is_some();
        let has_token = spec["automountServiceAccountToken"] != json!(false)
            || spec.to_string().contains("serviceAccountToken");
        ensure!(account == "default" && (may_be || !has_token), "it is {account}, with a token: {has_token}");
        ensure!(
            !spec.to_string().contains("secretName") && !spec.to_string().contains("secretRef"),
            "it has a Secret"
        );
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

/// The leaves of an object: a list is one, an empty object too.
fn leaves(value: &Value, at: String, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                leaves(value, format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, value) in items.iter().enumerate() {
                leaves(value, format!("{at}/{index}"), found);
            }
        }
        Value::Null => {}
        leaf => _ = found.insert(at, leaf.clone()),
    }
}

fn check_fields(grant: &Grant, before: &Value, after: &Value) -> anyhow::Result<()> {
    let of = |object: &Value| {
        let mut found = BTreeMap::new();
        leaves(object, String::new(), &mut found);
        found
    };
    let (before, after) = (of(before), of(after));
    let allowed: Vec<String> = serde_json::from_value(serde_json::to_value(&grant.fields)?)?;
    let servers = [
        "/metadata/managedFields",
        "/metadata/resourceVersion",
        "/metadata/generation",
        "/metadata/creationTimestamp",
        "/metadata/uid",
        "/metadata/annotations/run.suture.dev",
        "/status",
    ];
    for path in before.keys().chain(after.keys()) {
        if before.get(path) == after.get(path) || servers.iter().any(|own| path.starts_with(own)) {
            continue;
        }
        let covers = |pattern: &String| {
            let (pattern, path): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
            pattern.len() <= path.len()
                && pattern.iter().zip(&path).all(|(token, name)| *token == "*" || token == name)
        };
        ensure!(allowed.iter().any(covers), "`{path}` changed, and the fields are {allowed:?}");
    }
    Ok(())
}
