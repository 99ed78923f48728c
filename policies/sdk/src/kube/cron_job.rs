//! CronJobs, as far as policies look at them.

use serde::Deserialize;
use serde_json::Value;

use super::Metadata;
use crate::Labels;

/// A CronJob.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct CronJob {
    /// Its metadata.
    pub metadata: Metadata,
    /// When it makes which Jobs.
    pub spec: CronJobSpec,
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
    /// Which.
    pub job_template: JobTemplate,
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
        let cron_job: CronJob = serde_json::from_value(json!({"metadata": {"name": "x"}, "spec": {
            "schedule": "0 0 31 2 *", "suspend": true,
            "jobTemplate": {"metadata": {"labels": {"a": "b"}, "creationTimestamp": null}, "spec": spec}}}))
        .unwrap();
        assert!(cron_job.spec.suspend);
        assert_eq!(cron_job.spec.job_template.spec, spec);
        assert_eq!(cron_job.spec.job_template.metadata.labels["a"], "b");
    }
}
