//! CronJobs.

use serde_json::json;

use super::{Object, job};

/// A CronJob with this schedule, whose Jobs are made as [`job`] makes them.
pub fn cron_job(namespace: &str, name: &str, schedule: &str) -> Object {
    let template = job(namespace, name).at("/spec").clone();
    Object::new("batch/v1", "CronJob", namespace, name)
        .set("/spec", json!({"schedule": schedule, "jobTemplate": {"spec": template}}))
}

/// Of a CronJob.
impl Object {
    /// Its schedule is off. So is a Job that makes no pods for now.
    pub fn suspended(self) -> Self {
        self.set("/spec/suspend", true)
    }

    /// When a Job of it last completed (RFC 3339).
    pub fn last_success(self, at: &str) -> Self {
        self.set("/status/lastSuccessfulTime", at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube::CronJob;

    #[test]
    fn a_cron_job_has_a_template_that_jobs_can_be_made_of() {
        let at = "2026-11-22T04:10:00Z";
        let read: CronJob = cron_job("media", "thumbnails", "@hourly").suspended().last_success(at).read();
        assert!(read.spec.suspend && read.status.last_successful_time.is_some());
        assert_eq!(read.spec.job_template.spec, *job("media", "x").at("/spec"));
    }
}
