//! What this policy says of itself, and what an operator may set.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use suture_policy::{Duration, Manifest, Permission};

/// The longest that any setting makes it wait.
const LONGEST: Duration = Duration::hours(24);

/// What an operator may set.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    /// Whether a failed Job is removed once a Job that its CronJob made later has succeeded
    /// (`afterSuccess`). Its pods and their logs go with it; the end of the log stays in the run's record.
    pub clean_up: CleanUp,
    /// Which failed Jobs of a CronJob are run again, once: those whose pods were all taken away by
    /// somebody else (drained, preempted, a node that was shut down or lost), or any. Only for Jobs that
    /// may run twice.
    pub run_again: RunAgain,
    /// How long after its failure a Job may be run again. At most 24h.
    #[schemars(length(max = 16))]
    pub run_again_within: Duration,
    /// How long the second try is waited for. It is left to finish after that. At most 24h.
    #[schemars(length(max = 16))]
    pub timeout: Duration,
    /// How long to wait, in all, for Jobs of the same CronJob that are at work. At most 24h.
    #[schemars(length(max = 16))]
    pub patience: Duration,
    /// How many of the last lines of a log are shown.
    #[schemars(range(min = 1, max = 100))]
    pub log_lines: u32,
    /// When to look again after something was in the way. At most 24h.
    #[schemars(length(max = 16))]
    pub retry_after: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            clean_up: CleanUp::Never,
            run_again: RunAgain::Never,
            run_again_within: Duration::hours(6),
            timeout: Duration::hours(1),
            patience: Duration::minutes(30),
            log_lines: 10,
            retry_after: Duration::minutes(10),
        }
    }
}

// Which failed Jobs are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum CleanUp {
    Never,
    AfterSuccess,
}

// Which failed Jobs are run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RunAgain {
    Never,
    Interrupted,
    Always,
}

impl Settings {
    /// The same, with no wait longer than a day.
    pub fn bounded(self) -> Self {
        Self {
            run_again_within: self.run_again_within.min(LONGEST),
            timeout: self.timeout.min(LONGEST),
            patience: self.patience.min(LONGEST),
            retry_after: self.retry_after.min(LONGEST),
            ..self
        }
    }
}

pub fn manifest() -> Manifest {
    let second_try = |setting: &str| {
        Permission::resources("batch", ["jobs"], ["create"], "to run a failed Job of a CronJob again, once")
            .when("runAgain", setting)
    };
    Manifest::new(
        "job-failed",
        env!("CARGO_PKG_VERSION"),
        "Says why a Job failed, from its conditions, pods, events and the end of the log. By setting it removes the \
         failed Job of a CronJob once a later one has succeeded, or runs it again once.",
    )
    .matcher(r#"alertname="KubeJobFailed""#)
    .key(["namespace", "job_name"])
    .permission(
        "batch",
        ["jobs"],
        ["get", "list"],
        "to read the failed Job, and to see whether a later Job of its CronJob is at work or succeeded",
    )
    .permission("batch", ["cronjobs"], ["get"], "to see when the Job's CronJob last succeeded, and its template")
    .permission("", ["pods"], ["list"], "to say which pod failed, and how")
    .permission("", ["pods/log"], ["get"], "to show the end of the failed pod's log, and to keep it before a removal")
    .permission("", ["events"], ["list"], "to say why a Job got no pod, or what became of pods that are gone")
    .request(
        Permission::resources(
            "batch",
            ["jobs"],
            ["delete"],
            "to remove a failed Job after a later one of its CronJob succeeded",
        )
        .when("cleanUp", "afterSuccess"),
    )
    .request(second_try("interrupted"))
    .request(second_try("always"))
    .settings::<Settings>()
}
