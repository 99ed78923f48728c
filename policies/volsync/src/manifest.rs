//! What this policy says of itself, and what an operator may set.

use serde::Deserialize;
use suture_policy::{Duration, Manifest};

/// The settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// How long a sync may take.
    pub sync_timeout: Duration,
    /// From when on a snapshot that is not ready counts as hung.
    pub snapshot_hung_after: Duration,
    /// How long a deleted snapshot may take to go.
    pub snapshot_delete_timeout: Duration,
    /// How long to wait for another run on the same repository.
    pub exclusive_timeout: Duration,
    /// When to look again at what needs time.
    pub retry_after: Duration,
}

pub fn manifest() -> Manifest {
    Manifest::new(
        "volsync",
        env!("CARGO_PKG_VERSION"),
        "Repairs restic backups of VolSync that are out of sync: removes stale locks and hung volume \
         snapshots, runs missed syncs. Everything else it leaves alone and tells a person.",
    )
    .matcher(r#"alertname="VolSyncVolumeOutOfSync""#)
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
    .setting("syncTimeout", Duration::hours(1), "How long a sync may take, retries of its mover included.")
    .setting(
        "snapshotHungAfter",
        Duration::minutes(30),
        "From when on a volume snapshot that is not ready, or is being deleted, counts as hung.",
    )
    .setting(
        "snapshotDeleteTimeout",
        Duration::minutes(5),
        "How long a deleted snapshot may take to go before its finalizers are removed.",
    )
    .setting(
        "exclusiveTimeout",
        Duration::minutes(30),
        "How long to wait while another source of the same repository is being repaired.",
    )
    .setting("retryAfter", Duration::minutes(10), "When to look again at what needs time, not help.")
}
