//! What this policy says of itself, and what an operator may set.

use serde::Deserialize;
use suture_policy::{Duration, Manifest, Permission, Value, json};

use crate::reference::GROUP;

/// The settings. What each means stands in [`schema`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    pub maintenance: Asking,
    pub maintenance_every: Duration,
    pub maintenance_timeout: Duration,
    pub patience: Duration,
    pub retry_after: Duration,
}

/// Whether a maintenance is asked for where a repository takes too long to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Asking {
    Never,
    Quick,
}

pub fn manifest() -> Manifest {
    Manifest::new(
        "kopiur-repository",
        env!("CARGO_PKG_VERSION"),
        "Sees to repositories of Kopiur that are not ready and to maintenance that yields: waits for what heals by itself, \
         and tells a person the rest in the operator's own words, with the next command. By setting it asks for a quick \
         maintenance of a repository that takes too long to open.",
    )
    // The alerts of Kopiur's chart about a repository, and one of the operator's own. No key: an
    // alert about a ClusterRepository has no label `namespace`, and a key label may not be missing.
    .matcher(r#"alertname=~"Kopiur(RepositoryNotReady|RepositoryBreakerOpen|RepositoryConnectSlow|MaintenanceYielding)""#)
    .permission(
        GROUP,
        ["repositories", "clusterrepositories"],
        ["get"],
        "to see what holds a repository up, and to wait until it is ready",
    )
    .permission(
        GROUP,
        ["maintenances"],
        ["get", "list"],
        "to see whether a repository is maintained, when it last was, and who holds the lease",
    )
    .request(Permission::metrics(
        ["ALERTS"],
        "to tell a person once where KopiurRepositoryNotReady fires beside KopiurRepositoryBreakerOpen or \
         KopiurRepositoryConnectSlow; without it each tells",
    ))
    .request(
        Permission::resources(
            GROUP,
            ["maintenances"],
            ["patch"],
            "to ask for a quick maintenance by the annotations `run-requested` and `run-mode`; it rewrites indexes and \
             removes no backup",
        )
        .when("maintenance", "quick"),
    )
    .settings_schema(schema())
}

/// From a minute to 99 hours.
const BOUNDED: &str = "^([1-9][0-9]?h([1-9][0-9]?m)?|[1-9][0-9]?m)$";

fn schema() -> Value {
    let duration = |default: Duration, description: &str| json!({"type": "string", "pattern": BOUNDED, "default": default.to_string(), "description": format!("{description} From 1m to 99h.")});
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "maintenance": {"type": "string", "enum": ["never", "quick"], "default": "never", "description": "What to do about a repository that takes too long to open: tell a person (`never`), or first ask its Maintenance for a quick run, if it owns its lease and none has run lately (`quick`)."},
            "maintenanceEvery": duration(Duration::hours(6), "How long after a quick or full maintenance none is asked for."),
            "maintenanceTimeout": duration(Duration::minutes(20), "How long a maintenance that was asked for is waited for. It is not ended by that."),
            "patience": duration(Duration::minutes(35), "How long to wait for a repository that heals by itself before a person is told. The operator tries it again every 30 minutes at the latest."),
            "retryAfter": duration(Duration::minutes(10), "When to look again after something was in the way."),
        },
    })
}
