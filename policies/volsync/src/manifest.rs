//! What this policy says of itself, and what an operator may set.

use serde::Deserialize;
use suture_policy::{Duration, Manifest, Permission, Value, json};

/// The settings. What each means stands in [`schema`]. Those that came later have defaults
/// here too: a run that was recorded before them is played back without them.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    pub sync_timeout: Duration,
    pub snapshot_hung_after: Duration,
    pub snapshot_delete_timeout: Duration,
    pub exclusive_timeout: Duration,
    pub retry_after: Duration,
    #[serde(default = "mover_start_timeout")]
    pub mover_start_timeout: Duration,
    #[serde(default = "mover_timeout")]
    pub mover_timeout: Duration,
    #[serde(default = "sync_start_timeout")]
    pub sync_start_timeout: Duration,
    #[serde(default)]
    pub unlock: Unlock,
    #[serde(default)]
    pub unlock_job: UnlockJob,
    #[serde(default)]
    pub remove_all: RemoveAll,
    #[serde(default)]
    pub kopia: Kopia,
    #[serde(default)]
    pub kopia_maintenance: KopiaMaintenance,
    #[serde(default)]
    pub maintenance_timeout: Duration,
}

const fn mover_start_timeout() -> Duration {
    Duration::hours(1)
}

const fn mover_timeout() -> Duration {
    Duration::hours(24)
}

const fn sync_start_timeout() -> Duration {
    Duration::hours(6)
}

impl Settings {
    /// Whether they have this policy look at kopia's maintenance: see the permissions.
    pub fn sees_maintenance(&self) -> bool {
        self.kopia == Kopia::Repair || self.kopia_maintenance == KopiaMaintenance::Reset
    }
}

/// How a repository is unlocked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Unlock {
    #[default]
    Native,
    Job,
}

/// The Job that unlocks.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UnlockJob {
    pub image: String,
    pub timeout: Duration,
}

/// Whether a lock may go that restic would not call stale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RemoveAll {
    #[default]
    Never,
    WhenHolderIsGone,
}

/// What is done about kopia backups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kopia {
    #[default]
    Leave,
    Repair,
}

/// What is done about a maintenance that is blocked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KopiaMaintenance {
    #[default]
    Leave,
    Reset,
}

pub fn manifest() -> Manifest {
    Manifest::new(
        "volsync",
        env!("CARGO_PKG_VERSION"),
        "Repairs restic backups of VolSync that are out of sync: removes stale locks and hung volume \
         snapshots, runs missed syncs. By setting it also repairs kopia backups. Everything else it leaves alone \
         and tells a person.",
    )
    // VolSync's own alert, and those of the kopia fork about the maintenance of a source's
    // repository (its examples/kopia/maintenance-alerts.yaml).
    .matcher(r#"alertname=~"VolSyncVolumeOutOfSync|KopiaMaintenance(NotRunning|Critical|Failures)""#)
    .key(["obj_namespace", "obj_name"])
    .permission(
        "volsync.backube",
        ["replicationsources"],
        ["get", "patch"],
        "to read what is wrong, and to ask VolSync for an unlock (spec.restic.unlock) and a sync (spec.trigger.manual)",
    )
    .permission("batch", ["jobs"], ["list"], "to see whether a mover is at work")
    .permission(
        "",
        ["pods"],
        ["get", "list"],
        "to see whether a mover is at work and whether the holder of a lock still lives; grant it in every \
         namespace whose backups share a repository",
    )
    .permission("", ["pods/log"], ["get"], "to tell a lock from every other failure of a mover")
    .permission(
        "snapshot.storage.k8s.io",
        ["volumesnapshots"],
        ["get", "patch", "delete"],
        "to delete a hung snapshot that VolSync has made, and its finalizers if it does not go",
    )
    .permission(
        "snapshot.storage.k8s.io",
        ["volumesnapshotcontents"],
        ["get"],
        "to say what a removed snapshot has left in the storage",
    )
    .permission(
        "",
        ["persistentvolumeclaims"],
        ["get"],
        "to say which volume of a sync is not provisioned",
    )
    .permission(
        "",
        ["events"],
        ["list"],
        "to say why a mover does not start (a volume that can't be mounted, a quota), and, with `removeAll`, to know \
         that a lock's holder was a pod of this cluster",
    )
    .request(
        Permission::resources(
            "batch",
            ["jobs"],
            ["get", "create", "delete"],
            "to make the Job that unlocks, to wait for its end, and to remove it; the grant's `pods` must list its \
             image and the repository's Secret",
        )
        .when("unlock", "job"),
    )
    .request(
        Permission::resources(
            "volsync.backube",
            ["kopiamaintenances"],
            ["list"],
            "to tell a person whether a maintenance is blocked, and what its last Job said",
        )
        .when("kopia", "repair"),
    )
    .request(
        Permission::resources(
            "volsync.backube",
            ["kopiamaintenances"],
            ["get", "list", "patch"],
            "to read whether a maintenance is blocked, to ask for its reset, and to see how it ends",
        )
        .when("kopiaMaintenance", "reset"),
    )
    .settings_schema(schema())
}

/// A tag that says something, or a digest.
const PINNED: [&str; 2] =
    ["^[^\\s@]+@sha256:[0-9a-f]{64}$", "^[^\\s@]*[^\\s@:/]:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$"];

fn schema() -> Value {
    let duration = |default: Duration, description: &str| json!({"type": "string", "pattern": Duration::PATTERN, "default": default.to_string(), "description": description});
    let choice = |choices: [&str; 2], description: &str| json!({"type": "string", "enum": choices, "default": choices.first(), "description": description});
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "syncTimeout": duration(Duration::hours(1), "How long a sync may take, retries of its mover included."),
            "snapshotHungAfter": duration(Duration::minutes(30), "From when on a volume snapshot that is not ready, or is being deleted, counts as hung."),
            "snapshotDeleteTimeout": duration(Duration::minutes(5), "How long a deleted snapshot may take to go before its finalizers are removed."),
            "exclusiveTimeout": duration(Duration::minutes(30), "How long to wait while another source of the same repository is being repaired."),
            "moverStartTimeout": duration(mover_start_timeout(), "How long a mover may take to start (its Job to get a pod, the pod a node, image and volumes), or to go once it is being deleted. After that a person is told."),
            "moverTimeout": duration(mover_timeout(), "How long a mover may run. After that a person is told; it is not touched."),
            "syncStartTimeout": duration(sync_start_timeout(), "How long a sync may show no mover and no failure. After that a person is told."),
            "retryAfter": duration(Duration::minutes(10), "When to look again at what needs time, not help."),
            "unlock": choice(["native", "job"], "How a repository is unlocked: by VolSync (`native`, spec.restic.unlock), or by a Job made from the source's repository Secret (`job`), for VolSync versions that have no such field."),
            "unlockJob": {
                "type": "object",
                "additionalProperties": false,
                "default": {},
                "properties": {
                    "image": {
                        "type": "string",
                        "anyOf": PINNED.map(|pattern| json!({"pattern": pattern})),
                        "not": {"pattern": ":latest$"},
                        "description": "The image that restic is in, best by digest: quay.io/backube/volsync@sha256:…, the one that your VolSync runs. With `removeAll` it needs a `sh` too. Required with `unlock: job`.",
                    },
                    "timeout": duration(Duration::minutes(5), "How long the Job may take, pulling its image included."),
                },
                "description": "The Job that unlocks.",
            },
            "removeAll": choice(["never", "whenHolderIsGone"], "Whether an exclusive lock that is too young for restic to call it stale is removed too (`restic unlock --remove-all`), once there is proof that its holder was a pod of this cluster and is gone. Needs `unlock: job`."),
            "kopia": choice(["leave", "repair"], "What to do about kopia sources (perfectra1n/volsync) that are out of sync: tell a person (`leave`), or remove hung snapshots and run missed syncs (`repair`)."),
            "kopiaMaintenance": choice(["leave", "reset"], "What to do about a KopiaMaintenance that is blocked after five failures: tell a person (`leave`), or reset it, once an incident (`reset`)."),
            "maintenanceTimeout": duration(Duration::hours(1), "How long a kopia maintenance may take that was started by a reset, and how late one that is scheduled may be."),
        },
        "allOf": [
            {
                "if": {"properties": {"unlock": {"const": "job"}}},
                "then": {"properties": {"unlockJob": {"required": ["image"]}}},
            },
            {
                "if": {"properties": {"removeAll": {"const": "whenHolderIsGone"}}},
                "then": {"properties": {"unlock": {"const": "job"}}},
            },
        ],
    })
}
