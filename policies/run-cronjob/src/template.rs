//! A Job from a CronJob's template, as `kubectl create job --from=cronjob/NAME` makes it
//! (`createJobFromCronJob` in kubectl's `pkg/cmd/create/create_job.go`).

use suture_policy::kube::CronJob;
use suture_policy::{Incident, Labels, Value, json};

use crate::environment::Environment;

/// Says which incident a Job was made for. On nothing but Jobs of this policy.
pub const INCIDENT: &str = "run-cronjob.suture.dev/incident";
/// Says that a Job's result was reported.
pub const REPORTED: &str = "run-cronjob.suture.dev/reported";

/// How many Jobs of a CronJob this policy leaves lying at most, finished ones included.
pub const MOST_JOBS: u32 = 99;
/// A Job's name becomes a label of its pods.
const LONGEST_NAME: usize = 63;

/// The name of the n-th of this policy's Jobs of a CronJob.
///
/// Names are few and used again, so that a name is a lock: whoever sees too little (a list
/// from a moment ago) and would start a second Job asks for the name of the first, and the
/// API server says no.
pub fn job_name(cron_job: &CronJob, number: u32) -> String {
    let suffix = format!("-suture-{number}");
    let room =
        LONGEST_NAME - format!("-suture-{MOST_JOBS}").len() - longest_index(&cron_job.spec.job_template.spec);
    // Pods of an indexed Job are called like hosts: without dots.
    let base: String =
        cron_job.metadata.name.chars().map(|c| if c == '.' { '-' } else { c }).take(room).collect();
    format!("{}{suffix}", base.trim_end_matches('-'))
}

/// How much an indexed Job adds to its name for its pods.
fn longest_index(spec: &Value) -> usize {
    match (spec["completionMode"].as_str(), spec["completions"].as_u64()) {
        (Some("Indexed"), Some(completions)) => format!("-{}", completions.saturating_sub(1)).len(),
        _ => 0,
    }
}

/// The Job.
pub fn job(cron_job: &CronJob, name: &str, incident: &Incident, environment: &Environment) -> Value {
    let template = &cron_job.spec.job_template;
    let mut annotations =
        Labels::from([("cronjob.kubernetes.io/instantiate".to_owned(), "manual".to_owned())]);
    annotations.extend(template.metadata.annotations.clone());
    annotations.insert(INCIDENT.to_owned(), incident.id.clone());
    // A template that was exported from a Job of ours.
    annotations.remove(REPORTED);
    let mut spec = template.spec.clone();
    if let Some(pod) = spec.pointer_mut("/template/spec") {
        environment.give_to(pod);
    }
    json!({
        "metadata": {
            "name": name,
            "labels": template.metadata.labels,
            "annotations": annotations,
            // Not `blockOwnerDeletion`: that needs rights to the CronJob's finalizers.
            "ownerReferences": [{
                "apiVersion": "batch/v1",
                "kind": "CronJob",
                "name": cron_job.metadata.name,
                "uid": cron_job.metadata.uid,
                "controller": true,
            }],
        },
        "spec": spec,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cron_job(name: &str, spec: Value) -> CronJob {
        serde_json::from_value(
            json!({"metadata": {"name": name, "uid": "u"}, "spec": {"jobTemplate": {"spec": spec}}}),
        )
        .unwrap()
    }

    #[test]
    fn a_name_fits_with_the_longest_number_and_index() {
        assert_eq!(job_name(&cron_job("heal", json!({})), 3), "heal-suture-3");
        assert_eq!(job_name(&cron_job("heal.nightly", json!({})), 1), "heal-nightly-suture-1");
        // The longest name of a CronJob.
        let longest = "x".repeat(52);
        assert_eq!(job_name(&cron_job(&longest, json!({})), MOST_JOBS), format!("{longest}-suture-99"));
        let indexed = json!({"completionMode": "Indexed", "completions": 100_000});
        let name = job_name(&cron_job(&longest, indexed), MOST_JOBS);
        assert_eq!(format!("{name}-99999").len(), LONGEST_NAME);
        assert_eq!(
            job_name(&cron_job(&format!("{}-y", "x".repeat(52)), json!({})), 1),
            format!("{longest}-suture-1")
        );
    }
}
