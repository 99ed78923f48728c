//! What this policy says of itself, and what an operator may set.

use serde::Deserialize;
use suture_policy::{Duration, Manifest, Permission, Value, json};

use crate::reference::GROUP;

/// The settings. What each means stands in [`schema`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    pub backups: Backups,
    pub clear: Clear,
    pub clear_at_most: u32,
    pub patience: Duration,
    pub start_timeout: Duration,
    pub backup_timeout: Duration,
    pub pending_timeout: Duration,
    pub running_timeout: Duration,
    pub slot_margin: Duration,
    pub retry_after: Duration,
}

/// Whether a backup is run by this policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Backups {
    Once,
    Never,
}

/// What becomes of failed Snapshots that a success has made obsolete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Clear {
    Never,
    Superseded,
}

pub fn manifest() -> Manifest {
    Manifest::new(
        "kopiur",
        env!("CARGO_PKG_VERSION"),
        "Sees to backups of Kopiur that failed or are overdue: runs one again, once, where that may help, waits for what \
         heals by itself, and tells a person everything else in the operator's own words.",
    )
    // The alerts of Kopiur's chart that name a SnapshotPolicy.
    .matcher(r#"alertname=~"Kopiur(LastBackupFailed|BackupStale|SnapshotFailed)""#)
    .key(["namespace", "policy"])
    .permission(GROUP, ["snapshotpolicies"], ["get"], "to see what is backed up where, and whether it is suspended")
    .permission(
        GROUP,
        ["snapshots"],
        ["get", "list"],
        "to see which runs failed and why, which are at work, and how one of its own ends",
    )
    .permission(
        GROUP,
        ["snapshotschedules"],
        ["list"],
        "to see whether backups are paused, and to leave the work to the next slot where that is near",
    )
    .permission(
        GROUP,
        ["repositories", "clusterrepositories"],
        ["get"],
        "to start nothing while the repository does not answer",
    )
    .permission("", ["pods"], ["list"], "to tell a mover that lost its node from one that fails")
    .request(
        Permission::resources(
            GROUP,
            ["snapshots"],
            ["create"],
            "to run a failed or overdue backup once more; a run executes the hooks of its SnapshotPolicy and a Job with \
             the repository's Secret, as every backup does. Names are POLICY-suture-INCIDENT",
        )
        .when("backups", "once"),
    )
    .request(
        Permission::resources(
            GROUP,
            ["snapshots"],
            ["patch", "delete"],
            "to set failed Snapshots that own no data to `deletionPolicy: Retain` and then to remove them",
        )
        .when("clear", "superseded"),
    )
    .request(
        Permission::resources("batch", ["jobs"], ["get"], "to remove no Snapshot whose Job is still at work")
            .when("clear", "superseded"),
    )
    .settings_schema(schema())
}

/// From a minute to 99 hours.
const BOUNDED: &str = "^([1-9][0-9]?h([1-9][0-9]?m)?|[1-9][0-9]?m)$";

fn schema() -> Value {
    let duration = |default: Duration, description: &str| json!({"type": "string", "pattern": BOUNDED, "default": default.to_string(), "description": format!("{description} From 1m to 99h.")});
    let choice = |choices: [&str; 2], description: &str| json!({"type": "string", "enum": choices, "default": choices.first(), "description": description});
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "backups": choice(["once", "never"], "Whether a backup is run again where that may help: once since the last success (`once`), or by a person alone (`never`)."),
            "clear": choice(["never", "superseded"], "What becomes of failed Snapshots that keep KopiurSnapshotFailed firing after a newer success: they stay (`never`), or those that own no data are removed (`superseded`)."),
            "clearAtMost": {"type": "integer", "minimum": 1, "maximum": 20, "default": 5, "description": "How many failed Snapshots one run removes at most, the oldest first."},
            "patience": duration(Duration::minutes(30), "How long to wait, in all, for runs that are at work and for a repository that heals by itself."),
            "startTimeout": duration(Duration::minutes(10), "After how long a run of this policy that has not begun is looked at."),
            "backupTimeout": duration(Duration::hours(1), "How long a run of this policy is waited for. It is not ended by that: another attempt goes on waiting."),
            "pendingTimeout": duration(Duration::hours(6), "How long a run may wait for what comes by itself (a repository, a slot, a copy of the volume) before a person is told."),
            "runningTimeout": duration(Duration::hours(12), "How long a run may be at work before a person is told; it is not touched."),
            "slotMargin": duration(Duration::minutes(15), "How near the next slot of a schedule may be, beyond the time that a backup took last, before it is left to that slot."),
            "retryAfter": duration(Duration::minutes(10), "When to look again at what needs time, not help."),
        },
    })
}
