//! What this policy says of itself, and what an operator may set.

use std::collections::BTreeMap;

use serde::Deserialize;
use suture_policy::{Duration, Manifest, Value, json};

use crate::target::Chosen;

/// The settings. What each means stands in [`schema`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    pub cron_job: Chosen,
    pub env: BTreeMap<String, String>,
    pub env_values: EnvValues,
    pub concurrency_policy: ConcurrencyPolicy,
    pub when_suspended: WhenSuspended,
    pub patience: Duration,
    pub start_timeout: Duration,
    pub timeout: Duration,
    pub on_interrupt: OnInterrupt,
    pub remove: Remove,
    pub log_lines: u32,
    pub retry_after: Duration,
}

/// Which values of labels become environment variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EnvValues {
    Words,
    Any,
}

/// What becomes of a run while the schedule's own Job is at work, as CronJobs call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum ConcurrencyPolicy {
    Forbid,
    Allow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WhenSuspended {
    Run,
    Leave,
}

/// What becomes of a Job whose end is not waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnInterrupt {
    Keep,
    Delete,
}

/// Which Jobs are removed once they are over and reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Remove {
    Never,
    Succeeded,
    Always,
}

pub fn manifest() -> Manifest {
    Manifest::new(
        "run-cronjob",
        env!("CARGO_PKG_VERSION"),
        "Runs a CronJob's Job once for an alert, as `kubectl create job --from=cronjob/NAME` does: one at a time, \
         to its end, and reports its result with the end of the failed pod's log.",
    )
    // Whatever the operator's `match` selects; never what Suture itself tells people, or an
    // escalation could call for the next run.
    .matcher(r#"alertname!~"Suture.*""#)
    .permission("batch", ["cronjobs"], ["get"], "to read the Job's template")
    .permission(
        "batch",
        ["jobs"],
        ["get", "list", "create"],
        "to see whether a Job of the CronJob is at work, to make one, and to wait for its end",
    )
    .permission(
        "batch",
        ["jobs"],
        ["patch"],
        "to mark its own Jobs as reported, so that no later attempt reports one again",
    )
    .permission(
        "batch",
        ["jobs"],
        ["delete"],
        "to remove its own Jobs: those that can't start, and others where the settings `remove` and `onInterrupt` \
         say so",
    )
    .permission("", ["pods"], ["list"], "to say which pod of a failed Job failed, and why one can't start")
    .permission("", ["pods/log"], ["get"], "to show the end of a Job's log")
    .permission("", ["events"], ["list"], "to say why a Job gets no pod (quota, admission, service account)")
    .settings_schema(schema())
}

fn schema() -> Value {
    let duration = |default: &str, description: &str| json!({"type": "string", "pattern": Duration::PATTERN, "default": default, "description": description});
    let choice = |choices: &[&str], description: &str| json!({"type": "string", "enum": choices, "default": choices.first(), "description": description});
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["cronJob"],
        "properties": {
            "cronJob": cron_job_schema(),
            "env": {
                "type": "object",
                "default": {},
                "maxProperties": 32,
                "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]{0,127}$"},
                "additionalProperties": label("A label of the alert."),
                "description": "Environment variables for every container of the Job, each from a label of the alert: {OBJ_NAME: obj_name}. An alert without the label starts nothing.",
            },
            "envValues": choice(&["words", "any"], "Which values of labels become environment variables: `words` are made of letters, digits and ._-:/@+=,% and begin with a letter or digit; `any` is all that can be printed, spaces too. An alert with other values starts nothing."),
            "concurrencyPolicy": choice(&["Forbid", "Allow"], "What to do while a Job of this CronJob is at work that its schedule or somebody else has started: wait until it is over (`Forbid`), or start beside it (`Allow`). Two Jobs of this policy never run at once."),
            "whenSuspended": choice(&["run", "leave"], "Whether a CronJob that is suspended is run (as kubectl does) or left alone."),
            "patience": duration("20m", "How long to wait, in all, for other runs and other Jobs of the same CronJob to end."),
            "startTimeout": duration("10m", "How long the Job's first container may take to start (image, node, configuration). A Job that has not started by then is deleted."),
            "timeout": duration("1h", "How long the Job may take once it has started. The Job's own activeDeadlineSeconds ends it, this only ends the waiting."),
            "onInterrupt": choice(&["keep", "delete"], "What becomes of the Job when the run ends before it (timeout, limit, cancelled, error): it may finish its work (`keep`), or it is deleted in the middle of it (`delete`)."),
            "remove": choice(&["never", "succeeded", "always"], "Which Jobs are removed once they are over and reported. The others go as the Job's ttlSecondsAfterFinished and the CronJob's history limits say."),
            "logLines": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10, "description": "How many of the last lines of a log are shown."},
            "retryAfter": duration("5m", "When to look again after something was in the way."),
        },
    })
}

/// A namespace and a name, each given or taken from a label.
fn cron_job_schema() -> Value {
    let dns = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?";
    let either = |one: &str, other: &str| json!({"oneOf": [{"required": [one]}, {"required": [other]}]});
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "namespace": {"type": "string", "maxLength": 63, "pattern": format!("{dns}$"), "description": "Its namespace."},
            "namespaceLabel": label("The label of the alert that holds its namespace."),
            "name": {"type": "string", "maxLength": 253, "pattern": format!("{dns}([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"), "description": "Its name."},
            "nameLabel": label("The label of the alert that holds its name."),
        },
        "allOf": [either("namespace", "namespaceLabel"), either("name", "nameLabel")],
        "description": "Which CronJob: {namespace, name}. Either may come from the alert instead (`namespaceLabel`, `nameLabel`); then let the grants name those that an alert may choose from.",
    })
}

fn label(description: &str) -> Value {
    json!({"type": "string", "pattern": "^[a-zA-Z_][a-zA-Z0-9_]*$", "description": description})
}
