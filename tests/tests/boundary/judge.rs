//! Whether what a change leaves is what a grant allows. Nothing here is the guard's code.

mod fields;
mod pod;

use std::collections::BTreeMap;

use anyhow::ensure;
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use serde_json::{Value, json};
use suture_core::{Grant, Mutation, Verb};
use suture_envtest::ControlPlane;

use crate::draw::{COPIED, SECRET_VALUE, template_of};

/// Knows what is there, and asks Kubernetes' Pod Security admission about pods.
pub struct Judge {
    namespace: String,
    levels: BTreeMap<&'static str, Api<Pod>>,
    /// The pod that may be copied.
    copied: Value,
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
        let cron_jobs: Api<CronJob> = Api::namespaced(plane.client()?, namespace);
        let copied = serde_json::to_value(cron_jobs.get(COPIED).await?)?;
        let copied = copied.pointer("/spec/jobTemplate/spec/template/spec").cloned().unwrap_or_default();
        Ok(Self { namespace: namespace.to_owned(), levels, copied })
    }

    /// That one of the grants alone allows what a change leaves; to apply what is not there is to make
    /// and to change it, which two may allow, each all of it.
    pub async fn check(
        &self,
        grants: &[Grant],
        mutation: &Mutation,
        before: Option<&Value>,
        after: &Value,
    ) -> anyhow::Result<()> {
        self.check_object(mutation, before, after)?;
        for verb in verbs_of(mutation, before.is_none()) {
            let mut breaches = Vec::new();
            for grant in grants {
                match self.check_grant(grant, verb, mutation, before, after).await {
                    Ok(()) => {
                        breaches.clear();
                        break;
                    }
                    Err(breach) => breaches.push(format!("{breach:#}")),
                }
            }
            ensure!(breaches.is_empty() && !grants.is_empty(), "`{verb}`: {}", breaches.join("; and "));
        }
        Ok(())
    }

    /// What no grant allows.
    fn check_object(&self, mutation: &Mutation, before: Option<&Value>, after: &Value) -> anyhow::Result<()> {
        let asked = mutation.reference();
        let (kind, is_deleted) = (text(after, "/kind"), matches!(mutation, Mutation::Delete(_)));
        let namespace = text(after, "/metadata/namespace");
        ensure!(kind == "Namespace" || namespace == self.namespace, "it is in namespace {namespace:?}");
        if is_deleted {
            return Ok(());
        }
        let is_part = matches!(mutation.subresource(), Some("scale"));
        ensure!(kind == asked.kind.kind || is_part, "it is a {kind}");
        let said = |object: Option<&Value>, pointer: &str| {
            let said = object.and_then(|object| object.pointer(pointer)).filter(|value| !value.is_null());
            let mut said = said.cloned();
            if let Some(names) = said.as_mut().and_then(Value::as_object_mut) {
                names.retain(|name, _| !name.starts_with("run.suture.dev/"));
            }
            // Nothing in it is as good as nothing.
            said.filter(|said| said.as_object().is_none_or(|names| !names.is_empty()))
        };
        let changed = |pointer: &str| said(before, pointer) != said(Some(after), pointer);
        match kind.as_str() {
            "Secret" => {
                ensure!(!changed("/data"), "a Secret's data were written");
                let mut metadata = after.get("metadata").cloned().unwrap_or_default();
                if let Some(fields) = metadata.as_object_mut() {
                    fields.remove("managedFields");
                }
                let metadata = metadata.to_string();
                ensure!(!metadata.contains(SECRET_VALUE), "a Secret's value stands in its metadata");
            }
            "Namespace" => {
                ensure!(before.is_some(), "a Namespace was made");
                ensure!(!changed("/metadata/labels"), "the labels of a Namespace were changed");
                // Its own marks a policy may leave anywhere.
                let foreign = |object: Option<&Value>| {
                    let mut said = said(object, "/metadata/annotations");
                    if let Some(names) = said.as_mut().and_then(Value::as_object_mut) {
                        names.retain(|name, _| !name.starts_with("suture.dev/"));
                    }
                    said.filter(|said| said.as_object().is_none_or(|names| !names.is_empty()))
                };
                let is_same = foreign(before) == foreign(Some(after));
                ensure!(is_same, "the annotations of a Namespace were changed");
            }
            "Job" if before.is_none() => {
                let chooses = said(Some(after), "/spec/manualSelector") == Some(json!(true));
                ensure!(!chooses, "it chooses its pods itself");
            }
            _ => {}
        }
        Ok(())
    }

    async fn check_grant(
        &self,
        grant: &Grant,
        verb: Verb,
        mutation: &Mutation,
        before: Option<&Value>,
        after: &Value,
    ) -> anyhow::Result<()> {
        ensure!(grant.verbs.contains(&verb), "`{verb}` is not granted");
        let name = text(after, "/metadata/name");
        ensure!(grant.names.iter().any(|glob| glob.matches(&name)), "the name {name} is not granted");
        if matches!(mutation, Mutation::Delete(_)) {
            return Ok(());
        }
        if !grant.fields.is_empty() {
            fields::check(grant, before.unwrap_or(&Value::Null), after)?;
        }
        let kind = text(after, "/kind");
        if kind == "StatefulSet" {
            pod::check_claims(grant, before, after)?;
        }
        let Some(template) = template_of(&kind) else { return Ok(()) };
        let pod = |object: &Value| object.pointer(template).cloned();
        let Some(after) = pod(after) else { return Ok(()) };
        self.check_pod(grant, before.and_then(pod), after).await
    }
}

/// The verbs that a change is.
fn verbs_of(mutation: &Mutation, is_new: bool) -> Vec<Verb> {
    let verb = match mutation {
        Mutation::Create(_) => Verb::Create,
        Mutation::Patch(_) | Mutation::Apply(_) => Verb::Patch,
        Mutation::Delete(_) => Verb::Delete,
    };
    let makes = is_new.then_some(Verb::Create).filter(|create| *create != verb);
    [Some(verb), makes].into_iter().flatten().collect()
}

fn text(object: &Value, pointer: &str) -> String {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}
