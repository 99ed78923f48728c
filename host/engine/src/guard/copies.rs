//! Pods that a CronJob makes already, which a policy may make as well.

use serde_json::Value;
use suture_core::effect::Target;
use suture_core::grant::{Grant, PodGrant, PodLevel};
use suture_core::object::{self, Kind};
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
            if self.is_template_of(name, namespace, pod, rules).await? {
                return Ok(Copied::Yes);
            }
        }
        Ok(Copied::Differs(
            names.iter().map(|name| format!("cronjobs/{name}")).collect::<Vec<_>>().join(", "),
        ))
    }

    /// Whether the pods of a Job are those that the CronJob makes which it names as its owner, and
    /// use what the grant lists. They are held to the standard `baseline` then: `restricted` would
    /// keep a policy from what the cluster does by itself.
    pub(super) async fn runs_already(
        &self,
        grant: &Grant,
        job: &Value,
        template: &Template,
    ) -> Result<bool, Fault> {
        let (Some(namespace), Some(owner)) = (object::namespace(job), owning_cron_job(job)) else {
            return Ok(false);
        };
        let lists = PodGrant { level: PodLevel::Baseline, ..grant.pods.clone() };
        let grants = [&lists];
        let rules = pods::Rules::of(&grants);
        if pods::check_change(template.before.as_ref(), &template.pod, &rules).is_err() {
            return Ok(false);
        }
        match self.is_template_of(owner, namespace, &template.pod, &rules).await {
            // Nobody said that the host may read it: then it is judged as any other.
            Err(Fault::Error(error)) if error.reason == Reason::FORBIDDEN => Ok(false),
            known => known,
        }
    }

    /// Whether a pod template is that of a CronJob, variables aside that a copy may be given.
    async fn is_template_of(
        &self,
        name: &str,
        namespace: &str,
        pod: &Value,
        rules: &pods::Rules<'_>,
    ) -> Result<bool, Fault> {
        let target = Target {
            kind: Kind::new("batch/v1", "CronJob"),
            namespace: Some(namespace.to_owned()),
            name: name.to_owned(),
            uid: None,
            subresource: None,
        };
        let original = match self.read(target).await {
            Ok(original) => original,
            Err(Fault::Error(error)) if error.reason == Reason::NOT_FOUND => return Ok(false),
            Err(fault) => return Err(fault),
        };
        let template = original.pointer("/spec/jobTemplate/spec/template");
        Ok(template.is_some_and(|template| pods::equals(pod, template, &rules.variables())))
    }
}

fn owning_cron_job(object: &Value) -> Option<&str> {
    let owners = object.pointer("/metadata/ownerReferences")?.as_array()?;
    owners
        .iter()
        .find(|owner| owner.get("kind").and_then(Value::as_str) == Some("CronJob"))?
        .get("name")?
        .as_str()
}
