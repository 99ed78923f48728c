//! A CronJob's script is run for an alert on a real API server, by the real Job controller,
//! by the host with no more rights than `suture rbac` prints. Compared with the real kubectl.

mod harness;

use harness::CronJobHarness;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_what_kubectl_would_have_made_and_is_seen_to_its_end() -> anyhow::Result<()> {
    let mut harness =
        CronJobHarness::make("echo healed", json!({"ttlSecondsAfterFinished": 600}), "").await?;
    harness.kubectl(&["create", "job", "by-hand", "--from=cronjob/heal"])?;
    let by_kubectl = harness.comparable("by-hand").await?;
    harness.fires("plex").await?;
    let ended = harness.until_ended(1).await?;
    assert_eq!(ended[0].0, "remediated", "{ended:?}");
    assert!(ended[0].1.contains("/heal-suture-1 completed"), "{ended:?}");

    assert_eq!(harness.comparable("heal-suture-1").await?, by_kubectl);
    assert_eq!(by_kubectl["annotations"]["cronjob.kubernetes.io/instantiate"], "manual");
    assert_eq!(by_kubectl["ownerReferences"][0]["controller"], true);
    harness.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_its_cron_job_makes_anyway_needs_no_more_than_the_lists_of_the_grant() -> anyhow::Result<()>
{
    let lists = r#"{images: ["heal:*"]}"#;
    let mut harness = CronJobHarness::make_with_pods("echo healed", json!({}), "", lists).await?;
    harness.fires("plex").await?;
    let ended = harness.until_ended(1).await?;
    assert_eq!(ended[0].0, "remediated", "{ended:?}");
    harness.stop().await;

    let mut harness =
        CronJobHarness::make_with_pods("echo healed", json!({}), "", r#"{images: ["other:*"]}"#).await?;
    harness.fires("plex").await?;
    let ended = harness.until_ended(1).await?;
    assert_ne!(ended[0].0, "remediated", "{ended:?}");
    assert_eq!(harness.jobs().await?.len(), 0);
    harness.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_fails_is_reported_with_its_last_words() -> anyhow::Result<()> {
    let script = "echo connecting; echo \"can't heal $NAME\" >&2; exit 3";
    let mut harness = CronJobHarness::make(script, json!({}), ", env: {NAME: obj_name}").await?;
    harness.fires("plex").await?;
    let ended = harness.until_ended(1).await?;
    assert_eq!(ended[0].0, "escalate", "{ended:?}");
    for words in [
        "/heal-suture-1 failed: BackoffLimitExceeded",
        "exit code 3",
        "its log ends: connecting | can't heal plex",
    ] {
        assert!(ended[0].1.contains(words), "{words}: {ended:?}");
    }
    harness.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_alerts_at_once_run_one_job_after_the_other() -> anyhow::Result<()> {
    let mut harness = CronJobHarness::make("sleep 2", json!({}), "").await?;
    harness.fires("plex").await?;
    harness.fires("mealie").await?;
    let ended = harness.until_ended(2).await?;
    assert!(ended.iter().all(|(outcome, _)| outcome == "remediated"), "{ended:?}");

    let jobs = harness.jobs().await?;
    let mut spans: Vec<_> = jobs
        .iter()
        .filter_map(|job| {
            let status = job.status.as_ref()?;
            Some((job.metadata.creation_timestamp.clone()?.0, status.completion_time.clone()?.0))
        })
        .collect();
    spans.sort();
    assert_eq!(spans.len(), 2, "{jobs:#?}");
    assert!(spans[0].1 <= spans[1].0, "they ran at the same time: {spans:?}");
    harness.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_comes_back_finds_its_job_again_and_starts_no_second_one() -> anyhow::Result<()> {
    let mut harness = CronJobHarness::make("sleep 5; echo healed", json!({}), "").await?;
    harness.fires("plex").await?;
    harness.until_at_work().await?;
    harness.restart().await?;
    let ended = harness.until_ended(1).await?;
    assert_eq!(ended[0].0, "remediated", "{ended:?}");
    let jobs = harness.jobs().await?;
    assert_eq!(jobs.len(), 1, "{jobs:#?}");
    harness.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_secret_is_not_there_is_named_and_does_not_stay() -> anyhow::Result<()> {
    let pod = json!({"restartPolicy": "Never", "automountServiceAccountToken": false, "containers": [
        {"name": "heal", "image": "heal:1.4", "command": ["true"], "envFrom": [{"secretRef": {"name": "keys"}}]}]});
    let mut harness =
        CronJobHarness::make("", json!({"template": {"spec": pod}}), ", startTimeout: 5s").await?;
    harness.fires("plex").await?;
    let ended = harness.until_ended(1).await?;
    assert_eq!(ended[0].0, "escalate", "{ended:?}");
    let words = "waits: CreateContainerConfigError: secret \"keys\" not found; it was deleted";
    assert!(ended[0].1.contains(words), "{ended:?}");
    assert_eq!(harness.jobs().await?.len(), 0);
    harness.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_gets_no_pod_is_reported_with_what_its_controller_says() -> anyhow::Result<()> {
    let mut harness = CronJobHarness::make("echo healed", json!({}), ", startTimeout: 5s").await?;
    harness.kubectl(&["create", "quota", "none", "--hard=pods=0"])?;
    harness.fires("plex").await?;
    let ended = harness.until_ended(1).await?;
    assert_eq!(ended[0].0, "escalate", "{ended:?}");
    for words in ["it has no pod: FailedCreate", "exceeded quota: none", "it was deleted"] {
        assert!(ended[0].1.contains(words), "{words}: {ended:?}");
    }
    harness.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_its_own_deadline_ends_has_failed() -> anyhow::Result<()> {
    let mut harness =
        CronJobHarness::make("echo waiting; sleep 60", json!({"activeDeadlineSeconds": 3}), "").await?;
    harness.fires("plex").await?;
    let ended = harness.until_ended(1).await?;
    assert_eq!(ended[0].0, "escalate", "{ended:?}");
    assert!(ended[0].1.contains("/heal-suture-1 failed: DeadlineExceeded"), "{ended:?}");
    harness.stop().await;
    Ok(())
}
