//! CronJobs, as far as policies look at them.

use serde::Deserialize;
use serde_json::Value;

use super::Metadata;
use crate::{Labels, Time};

/// A CronJob.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct CronJob {
    /// Its metadata.
    pub metadata: Metadata,
    /// When it makes which Jobs.
    pub spec: CronJobSpec,
    /// What became of them.
    pub status: CronJobStatus,
}

crate::resource!("batch/v1", CronJob);

/// When a CronJob makes which Jobs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CronJobSpec {
    /// When, in cron syntax.
    pub schedule: String,
    /// Whether its schedule is off.
    pub suspend: bool,
    /// From what its Jobs are made.
    pub job_template: JobTemplate,
}

/// What became of a CronJob's Jobs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CronJobStatus {
    /// Those that are at work.
    pub active: Vec<ActiveJob>,
    /// When it last made one.
    pub last_schedule_time: Option<Time>,
    /// When one of them last completed. That Job may be gone.
    pub last_successful_time: Option<Time>,
}

/// A Job that is at work.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ActiveJob {
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
}

/// What Jobs are made from.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct JobTemplate {
    /// Their labels and annotations.
    pub metadata: TemplateMetadata,
    /// Their spec, as the API server has it.
    pub spec: Value,
}

/// The metadata of what is yet to be made.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TemplateMetadata {
    /// Its labels.
    pub labels: Labels,
    /// Its annotations.
    pub annotations: Labels,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_template_of_a_cron_job_is_kept_as_it_is() {
        let spec =
            json!({"backoffLimit": 2, "template": {"spec": {"containers": [{"name": "a", "unheardOf": 1}]}}});
        let status = json!({"active": [{"kind": "Job", "name": "x-1", "uid": "u"}], "lastScheduleTime": "2026-11-22T04:00:00Z"});
        let cron_job: CronJob =
            serde_json::from_value(json!({"metadata": {"name": "x"}, "status": status, "spec": {
            "schedule": "0 0 31 2 *", "suspend": true,
            "jobTemplate": {"metadata": {"labels": {"a": "b"}, "creationTimestamp": null}, "spec": spec}}}))
            .unwrap();
        assert!(cron_job.spec.suspend);
        assert_eq!(cron_job.status.active[0].name, "x-1");
        assert!(
            cron_job.status.last_schedule_time.is_some() && cron_job.status.last_successful_time.is_none()
        );
        assert_eq!(cron_job.spec.job_template.spec, spec);
        assert_eq!(cron_job.spec.job_template.metadata.labels["a"], "b");
    }
}
