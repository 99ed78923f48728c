//! A CronJob with its status, which says when it last succeeded.

use serde::Deserialize;
use suture_policy::kube::{CronJobSpec, Metadata};
use suture_policy::{Time, resource};

/// A CronJob.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct CronJob {
    pub metadata: Metadata,
    pub spec: CronJobSpec,
    pub status: Status,
}

resource!("batch/v1", CronJob);

/// How it went so far.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    /// When a Job of it last completed. That Job may be gone.
    pub last_successful_time: Option<Time>,
}
