//! The volume snapshot that VolSync makes for a sync, when it hangs.

use std::fmt;

use serde::Deserialize;
use suture_policy::kube::{self, Metadata, Ref, deleted, op};
use suture_policy::stop::{Stop, escalate};
use suture_policy::{Result, clock, info};

use crate::manifest::Settings;
use crate::source::ReplicationSource;

/// A snapshot that is neither ready nor gone for longer than it should be.
pub struct Snapshot(VolumeSnapshot);

#[derive(Debug, Deserialize)]
struct VolumeSnapshot {
    metadata: Metadata,
    #[serde(default)]
    status: SnapshotStatus,
}

suture_policy::resource!("snapshot.storage.k8s.io/v1", VolumeSnapshot);

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SnapshotStatus {
    bound_volume_snapshot_content_name: Option<String>,
    /// A driver need not say it.
    ready_to_use: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct VolumeSnapshotContent {
    metadata: Metadata,
    #[serde(default)]
    spec: ContentSpec,
}

suture_policy::resource!("snapshot.storage.k8s.io/v1", VolumeSnapshotContent);

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ContentSpec {
    deletion_policy: String,
    driver: String,
}

impl Snapshot {
    /// The snapshot of a source, if it hangs.
    pub fn hung(source: &ReplicationSource, settings: &Settings) -> Result<Option<Self>, Stop> {
        let name = format!("volsync-{}-src", source.name());
        let Some(snapshot) = kube::find::<VolumeSnapshot>(source.namespace(), &name)? else {
            return Ok(None);
        };
        let metadata = &snapshot.metadata;
        // As VolSync sees it.
        let is_ready = snapshot.status.bound_volume_snapshot_content_name.is_some()
            && snapshot.status.ready_to_use != Some(false);
        let unwell_since = match metadata.deletion_timestamp {
            None if is_ready => None,
            None => metadata.creation_timestamp,
            deleted => deleted,
        };
        if unwell_since.is_none_or(|since| clock::now().since(since) <= settings.snapshot_hung_after) {
            return Ok(None);
        }
        if metadata.labels.contains_key("volsync.backube/do-not-delete") {
            return escalate(format!(
                "VolumeSnapshot {name} hangs and is labelled do-not-delete; it was not touched"
            ));
        }
        // The name is VolSync's own, but an earlier source may have had it too.
        if metadata.label("volsync.backube/cleanup").is_some_and(|owner| owner != source.metadata.uid) {
            return escalate(format!(
                "VolumeSnapshot {name} hangs and belongs to another source; it was not touched"
            ));
        }
        Ok(Some(Self(snapshot)))
    }

    /// Remove it: by deleting it, and only if that does not help, by stripping its
    /// finalizers.
    pub fn remove(&self, settings: &Settings) -> Result<String, Stop> {
        let snapshot = kube::of(&self.0);
        if !self.0.metadata.is_terminating() {
            absent_is_fine(snapshot.delete().send())?;
        }
        if snapshot.wait(deleted(), settings.snapshot_delete_timeout)?.is_deleted() {
            return Ok(format!("deleted {self}, which hung"));
        }
        self.strip_finalizers(&snapshot)?;
        if !snapshot.wait(deleted(), settings.snapshot_delete_timeout)?.is_deleted() {
            return escalate(format!("{self} hangs and does not go, not even without its finalizers"));
        }
        Ok(format!("deleted {self}, which hung and went only without its finalizers{}", self.left_behind()?))
    }

    /// Only off exactly what was waited for, while it is still being deleted.
    fn strip_finalizers(&self, snapshot: &Ref<VolumeSnapshot>) -> Result<()> {
        let Some(VolumeSnapshot { metadata, .. }) = snapshot.find()? else { return Ok(()) };
        if metadata.uid != self.0.metadata.uid || !metadata.is_terminating() || metadata.finalizers.is_empty()
        {
            return Ok(());
        }
        info!("still terminating; removing its finalizers: {}", metadata.finalizers.join(", "));
        let pointer = "/metadata/finalizers";
        let strip = snapshot.json_patch([op::test(pointer, metadata.finalizers), op::remove(pointer)]);
        absent_is_fine(strip.send())
    }

    /// What stays in the storage when nobody was let finish.
    fn left_behind(&self) -> Result<String> {
        let Some(name) = &self.0.status.bound_volume_snapshot_content_name else { return Ok(String::new()) };
        Ok(match Ref::<VolumeSnapshotContent>::cluster(name).find() {
            Ok(None) => String::new(),
            Ok(Some(VolumeSnapshotContent { metadata, spec })) => format!(
                " (VolumeSnapshotContent {} of {} is left behind, deletion policy {})",
                metadata.name, spec.driver, spec.deletion_policy
            ),
            Err(error) if error.is_denied() || error.is_forbidden() => {
                format!(" (VolumeSnapshotContent {name} may be left behind)")
            }
            Err(error) => return Err(error),
        })
    }
}

fn absent_is_fine(sent: Result<VolumeSnapshot>) -> Result<()> {
    match sent {
        Err(error) if !error.is_not_found() => Err(error),
        _ => Ok(()),
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VolumeSnapshot {}", self.0.metadata.name)
    }
}
