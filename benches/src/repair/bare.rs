//! The other side: a program that does nothing but send the requests that the policy's
//! repair sends, and looks at nothing that it gets.

use std::time::{Duration, Instant};

use anyhow::Context;
use futures::future::try_join_all;
use futures::{StreamExt, TryStreamExt};
use kube::api::{
    ApiResource, DynamicObject, ListParams, Patch, PatchParams, ResourceExt, WatchEvent, WatchParams,
};
use kube::core::GroupVersionKind;
use kube::{Api, Client};
use serde_json::json;
use tokio::sync::broadcast;

use super::fixture::{RepairFixture, Requests, resource, sources};

pub struct Bare {
    client: Client,
    pub requests: Requests,
}

/// A source that was synced, and the tag of that.
type Synced = (String, String);

impl Bare {
    pub async fn new(fixture: &RepairFixture) -> anyhow::Result<Self> {
        let (client, requests) = fixture.client().await?;
        Ok(Self { client, requests })
    }

    /// All sources at once; the time until all are repaired.
    pub async fn repair(&self, fixture: &RepairFixture, tag: &str) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let api = Api::namespaced_with(self.client.clone(), &fixture.namespace, &resource());
        let (tell, _) = broadcast::channel(1000);
        let watch = tokio::spawn(watch(api, tell.clone()));
        try_join_all(sources().map(|name| self.source(fixture, name, tag, tell.subscribe()))).await?;
        watch.abort();
        Ok(began.elapsed())
    }

    async fn source(
        &self,
        fixture: &RepairFixture,
        name: String,
        tag: &str,
        mut synced: broadcast::Receiver<Synced>,
    ) -> anyhow::Result<()> {
        let api = |group: &str, version: &str, kind: &str, plural: &str| {
            let kind = GroupVersionKind::gvk(group, version, kind);
            let resource = ApiResource::from_gvk_with_plural(&kind, plural);
            Api::<DynamicObject>::namespaced_with(self.client.clone(), &fixture.namespace, &resource)
        };
        let replication = api("volsync.backube", "v1alpha1", "ReplicationSource", "replicationsources");
        let jobs = api("batch", "v1", "Job", "jobs");
        let pods = api("", "v1", "Pod", "pods");
        let snapshots = api("snapshot.storage.k8s.io", "v1", "VolumeSnapshot", "volumesnapshots");
        let pod = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("", "v1", "Pod"), "pods");
        let everywhere: Api<DynamicObject> = Api::all_with(self.client.clone(), &pod);
        let of_volsync = ListParams::default().labels("app.kubernetes.io/created-by=volsync").limit(500);
        let of_job = ListParams::default().labels(&format!("job-name in (volsync-src-{name})")).limit(500);
        let of_holder = ListParams::default().fields("metadata.name=volsync-src-gone-96mvk").limit(500);

        replication.get(&name).await?;
        replication.get(&name).await?;
        jobs.list(&of_volsync).await?;
        pods.list(&of_job).await?;
        snapshots.get_opt(&format!("volsync-{name}-src")).await?;
        everywhere.list(&of_holder).await?;
        jobs.list(&of_volsync).await?;
        pods.list(&of_job).await?;
        let seen = replication.get(&name).await?;
        let params = PatchParams { field_manager: Some("bare".to_owned()), ..PatchParams::default() };
        let trigger = json!({"metadata": {"resourceVersion": seen.resource_version()},
            "spec": {"trigger": {"manual": tag}, "restic": {"unlock": tag}}});
        replication.patch(&name, &params, &Patch::Merge(trigger)).await?;
        replication.get(&name).await?;
        while synced.recv().await? != (name.clone(), tag.to_owned()) {}
        replication.get(&name).await?;
        let back = json!({"spec": {"trigger": {"manual": null}}});
        replication.patch(&name, &params, &Patch::Merge(back)).await?;
        Ok(())
    }
}

async fn watch(api: Api<DynamicObject>, tell: broadcast::Sender<Synced>) -> anyhow::Result<()> {
    let mut events = api.watch(&WatchParams::default(), "").await?.boxed();
    while let Some(event) = events.try_next().await? {
        if let WatchEvent::Added(source) | WatchEvent::Modified(source) = event {
            let tag = source.data.pointer("/status/lastManualSync").and_then(serde_json::Value::as_str);
            let synced = (source.name_any(), tag.unwrap_or_default().to_owned());
            tell.send(synced).context("nobody waits")?;
        }
    }
    Ok(())
}
