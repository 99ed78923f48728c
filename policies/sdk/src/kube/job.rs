//! Jobs, as far as policies look at them.

use serde::Deserialize;

use super::pod::PodSpec;
use super::{Condition, Metadata, Predicate, field, last_warning};
use crate::{Result, Time};

/// A Job.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Job {
    /// Its metadata.
    pub metadata: Metadata,
    /// What it was asked to do.
    pub spec: JobSpec,
    /// How far it is.
    pub status: JobStatus,
}

crate::resource!("batch/v1", Job);

/// What a Job was asked to do.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct JobSpec {
    /// Whether it is to make no pods for now.
    pub suspend: bool,
    /// What its pods are made from.
    pub template: PodTemplate,
}

/// What pods are made from.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodTemplate {
    /// What they are asked to be, before anybody adds to it.
    pub spec: PodSpec,
}

/// How far a Job is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobStatus {
    /// When its controller began with it.
    pub start_time: Option<Time>,
    /// When it completed; one that failed does not say.
    pub completion_time: Option<Time>,
    /// How many of its pods are pending or running.
    pub active: u32,
    /// How many of its pods run and are ready.
    pub ready: u32,
    /// How many of its pods succeeded.
    pub succeeded: u32,
    /// How many of its pods failed.
    pub failed: u32,
    /// Among them `Complete` or `Failed`, once it is over.
    pub conditions: Vec<Condition>,
}

/// How many conditions a Job has at most: `Suspended`, then `FailureTarget` and `Failed` or
/// `SuccessCriteriaMet` and `Complete`; and one of somebody else.
const MOST_CONDITIONS: usize = 4;

/// For waiting: the Job has one of these conditions. A Job's conditions are true once they
/// are there; only `Suspended` can become false.
pub fn has_condition(names: &[&str]) -> Predicate {
    let tests = (0..MOST_CONDITIONS).flat_map(|index| {
        let pointer = format!("/status/conditions/{index}/type");
        names.iter().map(move |name| field(&pointer).equals(*name))
    });
    Predicate::Any(tests.collect())
}

/// For waiting: the Job is over, well or badly.
pub fn finished() -> Predicate {
    has_condition(&["Complete", "Failed"])
}

impl Job {
    /// Whether it is over, well or badly.
    pub fn is_finished(&self) -> bool {
        self.is_complete() || self.failure().is_some()
    }

    /// Whether it is over, and well.
    pub fn is_complete(&self) -> bool {
        self.condition("Complete").is_some()
    }

    /// Why it is over, where that is not well: `BackoffLimitExceeded`, `DeadlineExceeded`, …
    pub fn failure(&self) -> Option<&Condition> {
        self.condition("Failed")
    }

    /// What keeps it from having a pod, as far as that is told: it is suspended or about to fail, or a
    /// quota or an admission policy refuses the pod.
    ///
    /// # Errors
    /// Why its events, where that would stand, can't be read.
    pub fn refusal(&self) -> Result<Option<String>> {
        if self.spec.suspend || self.condition("Suspended").is_some() {
            return Ok(Some("it is suspended".to_owned()));
        }
        if let Some(failing) = self.condition("FailureTarget") {
            return Ok(Some(format!("{}: {}", failing.reason, failing.message)));
        }
        Ok(last_warning(self)?.map(|event| event.to_string()))
    }

    /// The names of the containers that its pods are made with: what is in a pod besides was
    /// put there by somebody else, a service mesh perhaps.
    pub fn containers(&self) -> Vec<&str> {
        self.spec.template.spec.containers.iter().map(|container| container.name.as_str()).collect()
    }

    /// A condition that is true.
    pub fn condition(&self, name: &str) -> Option<&Condition> {
        self.status.conditions.iter().find(|condition| condition.name == name && condition.is_true())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn job(conditions: serde_json::Value) -> Job {
        serde_json::from_value(json!({"metadata": {"name": "x"}, "status": {"conditions": conditions}}))
            .unwrap()
    }

    #[test]
    fn a_job_is_over_by_its_conditions_alone() {
        let condition =
            |name: &str, status: &str| json!({"type": name, "status": status, "reason": "Because"});
        assert!(!job(json!([])).is_finished());
        assert!(
            !job(json!([condition("Suspended", "True"), condition("FailureTarget", "True")])).is_finished()
        );
        assert!(!job(json!([condition("Complete", "False")])).is_finished());
        let complete = job(json!([condition("SuccessCriteriaMet", "True"), condition("Complete", "True")]));
        assert!(complete.is_complete() && complete.failure().is_none());
        let failed = job(json!([condition("Failed", "True")]));
        assert!(failed.is_finished() && failed.failure().is_some_and(|failure| failure.reason == "Because"));
    }

    #[test]
    fn a_wait_for_a_condition_finds_it_at_every_place() {
        let Predicate::Any(tests) = finished() else { panic!("not any") };
        assert_eq!(tests.len(), 2 * MOST_CONDITIONS);
        assert_eq!(
            (tests[3].pointer.as_str(), tests[3].value.as_str()),
            ("/status/conditions/1/type", "\"Failed\"")
        );
    }
}
