//! Applying manifests, as strictly as an API server can be asked to.

use std::time::Duration;

use anyhow::{Context, bail};
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::discovery::{Scope, pinned_kind};
use kube::{Api, Client};
use serde_json::Value;

use crate::plane::ControlPlane;
use crate::process::{eventually, found};

/// How long the API server may take to serve a kind that was just defined.
const SERVED_WITHIN: Duration = Duration::from_secs(20);

impl ControlPlane {
    /// Apply every document of a YAML text, by server-side apply with strict field
    /// validation. Definitions of custom resources are waited for.
    ///
    /// # Errors
    /// Which document the API server refuses, and why.
    pub async fn apply(&self, yaml: &str) -> anyhow::Result<()> {
        let client = self.client()?;
        for document in documents(yaml)? {
            apply(&client, &document).await?;
        }
        Ok(())
    }
}

/// The documents of a YAML text that hold something, those of `List`s among them.
fn documents(yaml: &str) -> anyhow::Result<Vec<Value>> {
    let options = serde_saphyr::options! { budget: None, with_snippet: false };
    let all: Vec<Value> = serde_saphyr::from_multiple_with_options(yaml, options)?;
    let mut documents = Vec::new();
    for document in all {
        match document.get("items").and_then(Value::as_array) {
            Some(items) if document.get("kind").and_then(Value::as_str) == Some("List") => {
                documents.extend(items.iter().cloned());
            }
            _ if document.is_null() => {}
            _ => documents.push(document),
        }
    }
    Ok(documents)
}

async fn apply(client: &Client, document: &Value) -> anyhow::Result<()> {
    let text = |pointer: &str| document.pointer(pointer).and_then(Value::as_str);
    let (Some(version), Some(kind), Some(name)) =
        (text("/apiVersion"), text("/kind"), text("/metadata/name"))
    else {
        bail!("a document has no apiVersion, kind or name: {document:.200}");
    };
    let named = format!("{version} {kind} {name}");
    let (resource, scope) = served(client, version, kind).await.with_context(|| named.clone())?;
    let api: Api<DynamicObject> = match scope {
        Scope::Cluster => Api::all_with(client.clone(), &resource),
        Scope::Namespaced => {
            Api::namespaced_with(client.clone(), text("/metadata/namespace").unwrap_or("default"), &resource)
        }
    };
    let params = PatchParams::apply("tests").force().validation_strict();
    api.patch(name, &params, &Patch::Apply(document)).await.with_context(|| named.clone())?;
    if kind == "CustomResourceDefinition" {
        let established = || async {
            api.get(name).await.is_ok_and(|object| {
                let conditions = object.data.pointer("/status/conditions").and_then(Value::as_array);
                conditions.is_some_and(|all| {
                    all.iter().any(|one| one["type"] == "Established" && one["status"] == "True")
                })
            })
        };
        if !eventually(SERVED_WITHIN, established).await {
            bail!("{named} is not established");
        }
    }
    Ok(())
}

/// The resource of a kind. One that was just defined takes the API server a moment.
async fn served(client: &Client, version: &str, kind: &str) -> anyhow::Result<(ApiResource, Scope)> {
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    let kind = GroupVersionKind::gvk(group, version, kind);
    let served = found(SERVED_WITHIN, || async { pinned_kind(client, &kind).await.ok() }).await;
    let (resource, capabilities) = match served {
        Some(served) => served,
        None => pinned_kind(client, &kind).await?,
    };
    Ok((resource, capabilities.scope))
}
