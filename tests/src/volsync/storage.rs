//! Storage: what a provisioner and a snapshot controller do about the claims and the
//! snapshots of one namespace. A volume is a folder, and so is a snapshot; the real
//! controller manager binds volumes to their claims.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, bail};
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use kube::api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::GroupVersionKind;
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

/// Keeps a snapshot while its driver is at work on it.
const FINALIZER: &str = "snapshot.storage.kubernetes.io/volumesnapshot-bound-protection";

/// The volumes of a namespace.
pub struct Storage {
    claims: Api<PersistentVolumeClaim>,
    volumes: Api<PersistentVolume>,
    snapshots: Api<DynamicObject>,
    contents: Api<DynamicObject>,
    folder: PathBuf,
    is_dead: Arc<AtomicBool>,
}

impl Storage {
    /// The storage of a namespace; while `is_dead`, its driver finishes no snapshot, and
    /// lets none go.
    pub fn new(client: Client, namespace: &str, folder: &Path, is_dead: Arc<AtomicBool>) -> Self {
        let kind =
            |kind| ApiResource::from_gvk(&GroupVersionKind::gvk("snapshot.storage.k8s.io", "v1", kind));
        Self {
            claims: Api::namespaced(client.clone(), namespace),
            volumes: Api::all(client.clone()),
            snapshots: Api::namespaced_with(client.clone(), namespace, &kind("VolumeSnapshot")),
            contents: Api::all_with(client, &kind("VolumeSnapshotContent")),
            folder: folder.to_owned(),
            is_dead,
        }
    }

    /// The folder of a volume, by its claim. It is there once the volume is.
    pub fn folder(&self, claim: &str) -> PathBuf {
        self.folder.join(claim)
    }

    /// Do what is next: take snapshots, and make a volume for every claim that has none.
    pub async fn look(&self) -> anyhow::Result<()> {
        for snapshot in self.snapshots.list(&ListParams::default()).await? {
            self.snapshot(&snapshot).await.with_context(|| format!("snapshot {}", snapshot.name_any()))?;
        }
        for claim in self.claims.list(&ListParams::default()).await? {
            let is_bound = claim.spec.as_ref().is_some_and(|spec| spec.volume_name.is_some());
            if !is_bound && claim.metadata.deletion_timestamp.is_none() {
                self.provide(&claim).await.with_context(|| format!("claim {}", claim.name_any()))?;
            }
        }
        Ok(())
    }

    async fn snapshot(&self, snapshot: &DynamicObject) -> anyhow::Result<()> {
        let is_dead = self.is_dead.load(Ordering::Relaxed);
        let is_bound = snapshot.data.pointer("/status/boundVolumeSnapshotContentName").is_some();
        let has_finalizer = !snapshot.finalizers().is_empty();
        if snapshot.metadata.deletion_timestamp.is_some() {
            if !is_dead {
                self.finalizers(snapshot, Value::Null).await?;
            }
        } else if !is_bound && !has_finalizer {
            self.finalizers(snapshot, json!([FINALIZER])).await?;
        } else if !is_bound && !is_dead {
            self.take(snapshot).await?;
        }
        Ok(())
    }

    async fn finalizers(&self, snapshot: &DynamicObject, finalizers: Value) -> anyhow::Result<()> {
        let patch = json!({"metadata": {"uid": snapshot.uid(), "finalizers": finalizers}});
        let (name, params) = (snapshot.name_any(), PatchParams::default());
        match self.snapshots.patch(&name, &params, &Patch::Merge(patch)).await {
            Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
            other => Ok(other.map(drop)?),
        }
    }

    async fn take(&self, snapshot: &DynamicObject) -> anyhow::Result<()> {
        let claim = snapshot.data.pointer("/spec/source/persistentVolumeClaimName");
        let claim = claim.and_then(Value::as_str).context("a snapshot of no claim")?;
        let (name, uid) = (snapshot.name_any(), snapshot.uid().unwrap_or_default());
        copy(&self.folder(claim), &self.folder(&format!("{name}.snapshot")))?;
        let content = format!("snapcontent-{uid}");
        let object = json!({"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshotContent",
            "metadata": {"name": content},
            "spec": {"deletionPolicy": "Delete", "driver": "folders", "source": {"snapshotHandle": uid},
                "volumeSnapshotRef": {"namespace": snapshot.namespace(), "name": name, "uid": uid}}});
        match self.contents.create(&PostParams::default(), &serde_json::from_value(object)?).await {
            Err(kube::Error::Api(status)) if status.is_already_exists() => {}
            other => drop(other?),
        }
        let status = json!({"status": {"boundVolumeSnapshotContentName": content, "readyToUse": true}});
        self.snapshots.patch_status(&name, &PatchParams::default(), &Patch::Merge(status)).await?;
        Ok(())
    }

    async fn provide(&self, claim: &PersistentVolumeClaim) -> anyhow::Result<()> {
        let spec = claim.spec.as_ref().context("no spec")?;
        let folder = self.folder(&claim.name_any());
        match &spec.data_source {
            None => std::fs::create_dir_all(&folder)?,
            Some(source) if source.kind == "VolumeSnapshot" => {
                copy(&self.folder(&format!("{}.snapshot", source.name)), &folder)?;
            }
            Some(source) => bail!("this storage knows no source of kind {}", source.kind),
        }
        let volume = json!({"apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {"name": format!("pv-{}", claim.uid().unwrap_or_default())},
        "spec": {
            "capacity": spec.resources.as_ref().and_then(|resources| resources.requests.clone()),
            "accessModes": spec.access_modes,
            "storageClassName": spec.storage_class_name,
            "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": folder},
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "uid": claim.uid(),
                "namespace": claim.namespace(), "name": claim.name_any()},
        }});
        match self.volumes.create(&PostParams::default(), &serde_json::from_value(volume)?).await {
            // It was made before, and is being bound.
            Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
            other => Ok(other.map(drop)?),
        }
    }
}

/// Copy a folder over whatever was there.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    if to.exists() {
        std::fs::remove_dir_all(to)?;
    }
    let copied = Command::new("cp").arg("-a").args([from, to]).status()?;
    if !copied.success() {
        bail!("{} can't be copied", from.display());
    }
    Ok(())
}
