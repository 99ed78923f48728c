//! The main job on the real thing: the real VolSync with the real restic on a real API
//! server, a real Prometheus and a real Alertmanager; and the host with no more rights
//! than `suture rbac` prints.

mod harness;

use kube::api::DeleteParams;
use suture_tests::process::eventually;
use suture_tests::volsync::Lock;

use harness::{HOLDER, PATIENCE, VolsyncHarness};

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_lock_is_removed_a_backup_is_made_and_the_schedule_is_back() -> anyhow::Result<()> {
    let mut harness = VolsyncHarness::make().await?;
    harness.back_up("Direct").await?;
    let synced =
        async || harness.source().await.is_ok_and(|source| source["status"]["lastSyncTime"].is_string());
    assert!(eventually(PATIENCE, synced).await, "the first backup fails: {}", harness.seen().await);
    let before = harness.repository.snapshots()?;
    assert_eq!(before.len(), 1, "{before:?}");
    harness.repository.leave_lock(Lock::Exclusive, "volsync-src-plex-96mvk", harness.dir.path()).await?;
    harness.watch_over().await?;

    let (incident, _) = harness.until("resolved", "remediated", "of volsync-src-plex-96mvk").await?;
    assert!(incident["closedAt"].is_string(), "{incident:#}");
    harness.is_well().await?;
    harness.has_heard("Patched", "Normal").await?;
    harness.has_heard("Remediated", "Normal").await?;
    let after = harness.repository.snapshots()?;
    assert!(after.len() > 1 && before.iter().all(|snapshot| after.contains(snapshot)), "{after:?}");
    let source = harness.source().await?;
    assert!(source["spec"]["restic"]["unlock"].is_string(), "{source:#}");
    assert_eq!(source["spec"]["restic"]["unlock"], source["status"]["restic"]["lastUnlocked"], "{source:#}");
    harness.stop().await;
    Ok(())
}

/// What is done where VolSync has no `spec.restic.unlock`: the real restic unlocks, in a pod
/// that the real Job controller makes.
#[tokio::test(flavor = "multi_thread")]
async fn by_setting_a_stale_lock_is_removed_by_a_job_of_which_nothing_stays() -> anyhow::Result<()> {
    let mut harness = VolsyncHarness::make().await?;
    harness.repository.restic(&["init"])?;
    harness.repository.leave_lock(Lock::Exclusive, "volsync-src-plex-96mvk", harness.dir.path()).await?;
    harness.back_up("Direct").await?;
    harness.watch_over_with_a_job("").await?;

    let (_, run) =
        harness.until("resolved", "remediated", "with a Job: successfully removed 1 locks").await?;
    harness.is_well().await?;
    harness.has_no_job().await?;
    let source = harness.source().await?;
    assert!(source["spec"]["restic"].get("unlock").is_none(), "{source:#}");
    let run = run.to_string();
    assert!(
        run.contains("secretRef") && !run.contains(harness::PASSWORD),
        "the Secret is in the record: {run}"
    );
    harness.stop().await;
    Ok(())
}

/// The same lock as in `a_young_lock_stays_even_if_its_holder_was_killed`.
#[tokio::test(flavor = "multi_thread")]
async fn by_setting_a_young_lock_goes_too_once_there_is_proof_that_its_holder_was_killed()
-> anyhow::Result<()> {
    let mut harness = VolsyncHarness::make().await?;
    harness.repository.restic(&["init"])?;
    let pods = harness.hold().await?;
    pods.delete(HOLDER, &DeleteParams::default().grace_period(0)).await?;
    let gone = async || pods.get_opt(HOLDER).await.is_ok_and(|pod| pod.is_none());
    assert!(eventually(PATIENCE, gone).await, "the holder stays: {}", harness.seen().await);
    assert_eq!(harness.repository.locks()?.len(), 1, "{}", harness.seen().await);
    harness.back_up("Direct").await?;
    harness.watch_over_with_a_job(", removeAll: whenHolderIsGone").await?;

    harness.until("resolved", "remediated", &format!("of {HOLDER}")).await?;
    harness.is_well().await?;
    harness.has_no_job().await?;
    harness.stop().await;
    Ok(())
}

/// Such a lock lets every backup pass, but not the `forget` after it: the mover fails, and
/// yet each of its retries leaves a snapshot.
#[tokio::test(flavor = "multi_thread")]
async fn a_stale_lock_that_is_shared_is_removed_too() -> anyhow::Result<()> {
    let mut harness = VolsyncHarness::make().await?;
    harness.repository.restic(&["init"])?;
    harness.repository.leave_lock(Lock::Shared, "volsync-src-mealie-kq7xt", harness.dir.path()).await?;
    harness.back_up("Direct").await?;
    harness.watch_over().await?;

    harness.until("resolved", "remediated", "of volsync-src-mealie-kq7xt").await?;
    harness.is_well().await?;
    harness.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_whose_holder_is_alive_is_left_alone_and_people_hear_of_it() -> anyhow::Result<()> {
    let mut harness = VolsyncHarness::make().await?;
    harness.repository.restic(&["init"])?;
    let pods = harness.hold().await?;
    harness.back_up("Direct").await?;
    harness.watch_over().await?;

    let alive = format!("pod {}/{HOLDER} is Running", harness.namespace);
    harness.until("escalated", "escalate", &alive).await?;
    assert_eq!(harness.repository.locks()?.len(), 1, "{}", harness.seen().await);
    let source = harness.source().await?;
    assert_eq!(source["metadata"]["generation"], 1, "it was touched: {source:#}");
    let phase = pods.get(HOLDER).await?.status.and_then(|status| status.phase);
    assert_eq!(phase.as_deref(), Some("Running"));
    let alertmanager = &harness.host()?.alertmanager;
    let told = async || {
        let alerts = alertmanager.alerts().await.unwrap_or_default();
        alerts.iter().any(|alert| alert["labels"]["alertname"] == "SutureEscalation")
    };
    assert!(eventually(PATIENCE, told).await, "no escalation in Alertmanager");
    harness.has_heard("Escalated", "Warning").await?;
    harness.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_young_lock_stays_even_if_its_holder_was_killed() -> anyhow::Result<()> {
    let mut harness = VolsyncHarness::make().await?;
    harness.repository.restic(&["init"])?;
    let pods = harness.hold().await?;
    pods.delete(HOLDER, &DeleteParams::default().grace_period(0)).await?;
    let gone = async || pods.get_opt(HOLDER).await.is_ok_and(|pod| pod.is_none());
    assert!(eventually(PATIENCE, gone).await, "the holder stays: {}", harness.seen().await);
    harness.back_up("Direct").await?;
    harness.watch_over().await?;

    harness.until("retrying", "retry", "is too young to be called stale").await?;
    assert_eq!(harness.repository.locks()?.len(), 1, "{}", harness.seen().await);
    let source = harness.source().await?;
    assert_eq!(source["metadata"]["generation"], 1, "it was touched: {source:#}");
    harness.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_of_a_dead_driver_goes_and_the_next_one_is_backed_up() -> anyhow::Result<()> {
    let mut harness = VolsyncHarness::make().await?;
    harness.node.storage_is_dead(true);
    harness.back_up("Snapshot").await?;
    harness.watch_over().await?;
    // The driver comes back, but not for the snapshot that it forgot: that one is going.
    let snapshots = harness.objects("snapshot.storage.k8s.io", "v1", "VolumeSnapshot")?;
    let going = async || {
        snapshots
            .get("volsync-plex-src")
            .await
            .is_ok_and(|snapshot| snapshot.metadata.deletion_timestamp.is_some())
    };
    assert!(eventually(PATIENCE, going).await, "the snapshot stays: {}", harness.seen().await);
    let gone = async || !going().await;
    assert!(eventually(PATIENCE, gone).await, "the finalizers stay: {}", harness.seen().await);
    harness.node.storage_is_dead(false);

    harness.until("resolved", "remediated", "went only without its finalizers").await?;
    harness.is_well().await?;
    harness.stop().await;
    Ok(())
}
