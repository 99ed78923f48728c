//! Pods that a CronJob makes already, which a policy may make as well.

use std::sync::Arc;

use serde_json::Value;
use suture_core::effect::Target;
use suture_core::grant::{Grant, PodGrant, PodLevel};
use suture_core::object::{self, Kind, Object};
use suture_core::{Fault, Reason};

use super::templates::Template;
use super::{Guard, pods};

/// Whether a pod template was copied from where it may be.
pub(super) enum Copied {
    Yes,
    NotAllowed,
    /// From none of these.
    Differs(String),
}

impl Guard {
    /// Whether a pod template is that of an existing CronJob which the grants name.
    pub(super) async fn is_a_copy(
        &self,
        rules: &pods::Rules<'_>,
        object: &Value,
        pod: &Value,
    ) -> Result<Copied, Fault> {
        let Some(namespace) = object::namespace(object) else { return Ok(Copied::NotAllowed) };
        let owner = owning_cron_job(object);
        let mut names: Vec<&str> = Vec::new();
        for source in rules.sources() {
            names.extend(source.exact().or_else(|| owner.filter(|owner| source.matches(owner))));
        }
        if names.is_empty() {
            return Ok(Copied::NotAllowed);
        }
        for name in &names {
            let original = self.cron_job(name, namespace).await?;
            if original.is_some_and(|original| is_template_of(&original, pod, rules)) {
                return Ok(Copied::Yes);
            }
        }
        Ok(Copied::Differs(
            names.iter().map(|name| format!("cronjobs/{name}")).collect::<Vec<_>>().join(", "),
        ))
    }

    /// Whether a Job that is made is one that the CronJob could make which it names as its owner, and
    /// uses what the grant lists. Its pods are held to the standard `baseline` then: `restricted`
    /// would keep a policy from what the cluster does by itself.
    pub(super) async fn runs_already(
        &self,
        kind: &Kind,
        grant: &Grant,
        before: Option<&Arc<Value>>,
        job: &Value,
        template: &Template,
    ) -> Result<bool, Fault> {
        let is_made_job = before.is_none() && (kind.group(), kind.kind.as_str()) == ("batch", "Job");
        let (Some(namespace), Some(owner)) = (object::namespace(job), owning_cron_job(job)) else {
            return Ok(false);
        };
        if !is_made_job {
            return Ok(false);
        }
        let lists = PodGrant { level: PodLevel::Baseline, ..grant.pods.clone() };
        let grants = [&lists];
        let rules = pods::Rules::of(&grants);
        if pods::check_change(template.before.as_ref(), &template.pod, &rules).is_err() {
            return Ok(false);
        }
        let original = match self.cron_job(owner, namespace).await {
            Ok(Some(original)) => original,
            Ok(None) => return Ok(false),
            // Nobody said that the host may read it: then it is judged as any other.
            Err(Fault::Error(error)) if error.reason == Reason::FORBIDDEN => return Ok(false),
            Err(fault) => return Err(fault),
        };
        Ok(is_template_of(&original, &template.pod, &rules) && makes_no_more(&original, job))
    }

    /// A CronJob; none where it is not there.
    async fn cron_job(&self, name: &str, namespace: &str) -> Result<Option<Object>, Fault> {
        let target = Target {
            kind: Kind::new("batch/v1", "CronJob"),
            namespace: Some(namespace.to_owned()),
            name: name.to_owned(),
            uid: None,
            subresource: None,
        };
        match self.read(target).await {
            Ok(original) => Ok(Some(original)),
            Err(Fault::Error(error)) if error.is_absence() => Ok(None),
            Err(fault) => Err(fault),
        }
    }
}

/// Whether a pod template is that of a CronJob, variables aside that a copy may be given.
fn is_template_of(cron_job: &Value, pod: &Value, rules: &pods::Rules<'_>) -> bool {
    let template = cron_job.pointer("/spec/jobTemplate/spec/template");
    template.is_some_and(|template| pods::equals(pod, template, &rules.variables()))
}

/// Whether a Job makes no more pods than those of the CronJob do, at a time and in all.
fn makes_no_more(cron_job: &Value, job: &Value) -> bool {
    // With what the API server takes them for. Without completions a Job ends with its first success.
    [("parallelism", 1), ("completions", 1), ("backoffLimit", 6)].into_iter().all(|(field, default)| {
        let of = |object: &Value, spec: &str| {
            let said = object.pointer(spec).and_then(|spec| spec.get(field)).filter(|value| !value.is_null());
            said.cloned().unwrap_or_else(|| Value::from(default))
        };
        let (asked, allowed) = (of(job, "/spec"), of(cron_job, "/spec/jobTemplate/spec"));
        asked == allowed
            || asked.as_u64().zip(allowed.as_u64()).is_some_and(|(asked, allowed)| asked <= allowed)
    })
}

fn owning_cron_job(object: &Value) -> Option<&str> {
    let owners = object.pointer("/metadata/ownerReferences")?.as_array()?;
    let is =
        |owner: &Value, field: &str, value: &str| owner.get(field).and_then(Value::as_str) == Some(value);
    let is_cron_job = |owner: &&Value| is(owner, "kind", "CronJob") && is(owner, "apiVersion", "batch/v1");
    owners.iter().find(is_cron_job)?.get("name")?.as_str()
}
