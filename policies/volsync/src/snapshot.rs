//! The volume snapshot that VolSync makes for a sync, when it hangs.

use std::fmt;

use serde::Deserialize;
use suture_policy::kube::{self, Metadata, Ref, deleted, op};
use suture_policy::stop::{Stop, escalate};
use suture_policy::{Result, Time, clock, info, text};

use crate::manifest::Settings;
use crate::source::ReplicationSource;

/// How much of the storage's words is shown, in bytes.
const MOST_SHOWN: usize = 500;

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
    /// What stands in the way, as the storage says it.
    error: Option<StorageError>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct StorageError {
    message: String,
}

#[derive(Debug, Deserialize)]
struct VolumeSnapshotContent {
    metadata: Metadata,
    #[serde(default)]
    spec: ContentSpec,
    #[serde(default)]
    status: ContentStatus,
}

suture_policy::resource!("snapshot.storage.k8s.io/v1", VolumeSnapshotContent);

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ContentSpec {
    deletion_policy: String,
    driver: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ContentStatus {
    error: Option<StorageError>,
}

impl Snapshot {
    /// The snapshot of a source, if it hangs.
    pub fn hung(source: &ReplicationSource, settings: &Settings) -> Result<Option<Self>, Stop> {
        let Some((snapshot, since)) = Self::unwell(source)? else { return Ok(None) };
        if clock::now().since(since) <= settings.snapshot_hung_after {
            return Ok(None);
        }
        let (name, metadata) = (&snapshot.0.metadata.name, &snapshot.0.metadata);
        if metadata.labels.contains_key("volsync.backube/do-not-delete") {
            return escalate(format!(
                "VolumeSnapshot {name} hangs and is labelled do-not-delete; it was not touched: {}",
                snapshot.evidence(since)?
            ));
        }
        // The name is VolSync's own, but an earlier source may have had it too.
        if metadata.label("volsync.backube/cleanup").is_some_and(|owner| owner != source.metadata.uid) {
            return escalate(format!(
                "VolumeSnapshot {name} hangs and belongs to another source; it was not touched: {}",
                snapshot.evidence(since)?
            ));
        }
        Ok(Some(snapshot))
    }

    /// What is wrong with the snapshot of a source, however long it is so.
    pub fn what_is_wrong(source: &ReplicationSource) -> Result<Option<String>> {
        let Some((snapshot, _)) = Self::unwell(source)? else { return Ok(None) };
        let state = if snapshot.0.metadata.is_terminating() { "being deleted" } else { "not ready" };
        let why = snapshot.error()?.map_or_else(String::new, |error| format!(": {error}"));
        Ok(Some(format!("{snapshot} is {state}{why}")))
    }

    /// The snapshot of a source, if it is neither ready nor gone, and since when.
    fn unwell(source: &ReplicationSource) -> Result<Option<(Self, Time)>> {
        let name = format!("volsync-{}-src", source.name());
        let found = match kube::find::<VolumeSnapshot>(source.namespace(), &name) {
            // A cluster may do without snapshots: `copyMethod: Direct` and `Clone` need none.
            Err(error) if error.is_not_served() => return Ok(None),
            found => found?,
        };
        let Some(snapshot) = found else { return Ok(None) };
        let snapshot = Self(snapshot);
        Ok(snapshot.unwell_since().map(|since| (snapshot, since)))
    }

    fn unwell_since(&self) -> Option<Time> {
        let VolumeSnapshot { metadata, status } = &self.0;
        // As VolSync sees it.
        let is_ready =
            status.bound_volume_snapshot_content_name.is_some() && status.ready_to_use != Some(false);
        match metadata.deletion_timestamp {
            None if is_ready => None,
            None => metadata.creation_timestamp,
            deleted => deleted,
        }
    }

    /// What is to be seen of it, which is gone when it is deleted.
    fn evidence(&self, since: Time) -> Result<String> {
        let metadata = &self.0.metadata;
        let state = match metadata.deletion_timestamp {
            Some(_) => format!("being deleted since {since}, held by {}", metadata.finalizers.join(", ")),
            None => format!("not ready since {since}"),
        };
        Ok(match self.error()? {
            Some(error) => format!("{state}: {error}"),
            None => state,
        })
    }

    /// What stands in its way, as the storage says it of the snapshot or of its content.
    fn error(&self) -> Result<Option<String>> {
        let error = match &self.0.status.error {
            Some(error) => Some(error.message.clone()),
            None => self.content()?.and_then(|content| content.status.error).map(|error| error.message),
        };
        Ok(error.map(|error| text::start(&text::one_line(&error), MOST_SHOWN).to_owned()))
    }

    /// Its content, if it has one that may be read.
    fn content(&self) -> Result<Option<VolumeSnapshotContent>> {
        let Some(name) = &self.0.status.bound_volume_snapshot_content_name else { return Ok(None) };
        match Ref::<VolumeSnapshotContent>::cluster(name).find() {
            Err(error) if error.is_denied() || error.is_forbidden() => Ok(None),
            content => content,
        }
    }

    /// Remove it: by deleting it, and only if that does not help, by stripping its
    /// finalizers. What it says of itself is read first.
    pub fn remove(&self, settings: &Settings) -> Result<String, Stop> {
        let snapshot = kube::of(&self.0);
        if let Some(since) = self.unwell_since() {
            info!("{self} is {}", self.evidence(since)?);
        }
        let why = self.error()?.map_or_else(String::new, |error| format!(" ({error})"));
        if !self.0.metadata.is_terminating() {
            absent_is_fine(snapshot.delete().send())?;
        }
        if snapshot.wait(deleted(), settings.snapshot_delete_timeout)?.is_deleted() {
            return Ok(format!("deleted {self}, which hung{why}"));
        }
        self.strip_finalizers(&snapshot)?;
        if !snapshot.wait(deleted(), settings.snapshot_delete_timeout)?.is_deleted() {
            return escalate(format!("{self} hangs{why} and does not go, not even without its finalizers"));
        }
        Ok(format!(
            "deleted {self}, which hung{why} and went only without its finalizers{}",
            self.left_behind()?
        ))
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
            Ok(Some(VolumeSnapshotContent { metadata, spec, .. })) => format!(
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
