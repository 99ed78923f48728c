//! The path from an alert to the webhook: what is lost on it, and whether it is alive.

use anyhow::{Context, ensure};
use reqwest::StatusCode;
use serde_json::{Value, json};
use suture_server::Server;
use suture_tests::command::suture;
use suture_tests::process::eventually;

use super::{PATIENCE, RepairHarness, TOKEN, nowhere};

const LIVE: &str = include_str!("../fixtures/live-lock.yaml");

impl RepairHarness {
    /// Post to the webhook, as Alertmanager's receiver `suture`.
    async fn post(&self, body: Value) -> anyhow::Result<()> {
        let url = format!("http://{}/hooks", self.server.webhook_addr());
        let request = reqwest::Client::new().post(url).bearer_auth(TOKEN).json(&body);
        let answer = request.send().await?;
        ensure!(answer.status() == StatusCode::OK, "{}", answer.text().await?);
        Ok(())
    }

    async fn metrics(&self) -> anyhow::Result<String> {
        Ok(reqwest::get(format!("http://{}/metrics", self.server.admin_addr())).await?.text().await?)
    }

    /// Wait until a metric is so much at least.
    async fn counts(&self, metric: &str, least: f64) -> anyhow::Result<()> {
        let value = |text: &str| -> Option<f64> {
            text.lines().find_map(|line| line.strip_prefix(metric)?.trim().parse().ok())
        };
        let counts = eventually(PATIENCE, async || {
            self.metrics().await.is_ok_and(|text| value(&text).is_some_and(|value| value >= least))
        });
        ensure!(counts.await, "`{metric}` is never {least}:\n{}", self.metrics().await?);
        Ok(())
    }

    async fn incidents(&self) -> anyhow::Result<usize> {
        let incidents = self.get("/api/v1/incidents").await?;
        Ok(incidents["items"].as_array().context("no list")?.len())
    }

    /// The findings of the doctor about something.
    async fn findings(&self, about: &str) -> anyhow::Result<(Value, Vec<Value>)> {
        let report = self.get("/api/v1/doctor").await?;
        let findings = report["findings"].as_array().context("no findings")?;
        let about = findings.iter().filter(|finding| finding["about"] == about).cloned().collect();
        Ok((report, about))
    }
}

/// A notification by which the host learns of the receiver, and nothing else.
fn hello(truncated: u64) -> Value {
    json!({"version": "4", "receiver": "suture", "truncatedAlerts": truncated, "alerts": [
        {"status": "resolved", "labels": {"alertname": "Another"}, "startsAt": "2026-11-22T04:10:00Z",
         "endsAt": "2026-11-22T04:20:00Z"}]})
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_whose_webhook_was_lost_is_taken_up_and_is_one_incident() -> anyhow::Result<()> {
    let harness = RepairHarness::posted_to(LIVE, nowhere).await?;
    harness.fires().await?;
    // Nothing is known of a receiver yet: what was never routed here is left alone.
    harness.counts(r#"suture_reconciliations_total{result="ok"}"#, 2.0).await?;
    assert_eq!(harness.incidents().await?, 0);
    harness.post(hello(0)).await?;
    harness.until("escalated").await?;
    let looks = r#"suture_reconciliations_total{result="ok"}"#;
    let before = harness.metrics().await?;
    let count = before.lines().find_map(|line| line.strip_prefix(looks)).context("none")?;
    harness.counts(looks, count.trim().parse::<f64>()? + 3.0).await?;
    assert_eq!(harness.incidents().await?, 1, "one that is open is known");
    assert!(harness.metrics().await?.contains("suture_alerts_missed_total 1\n"));
    harness.server.stop(PATIENCE).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_silenced_in_alertmanager_is_not_taken_up() -> anyhow::Result<()> {
    let harness = RepairHarness::posted_to(LIVE, nowhere).await?;
    harness.fires().await?;
    harness.alertmanager.silence("alertname", "VolSyncVolumeOutOfSync").await?;
    let silenced = eventually(PATIENCE, async || {
        let alerts = harness.alertmanager.alerts().await.unwrap_or_default();
        alerts.iter().any(|alert| alert["status"]["state"] == "suppressed")
    });
    ensure!(silenced.await, "the silence never holds");
    harness.post(hello(0)).await?;
    harness.counts(r#"suture_reconciliations_total{result="ok"}"#, 3.0).await?;
    assert_eq!(harness.incidents().await?, 0);
    harness.server.stop(PATIENCE).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_time_interval_mutes_is_left_alone_or_the_doctor_says_that_it_is_not_known()
-> anyhow::Result<()> {
    let harness = RepairHarness::posted_to(include_str!("../fixtures/stale-lock.yaml"), nowhere).await?;
    harness.fires().await?;
    harness.alertmanager.mute().await?;
    if harness.alertmanager.status().await?.hides_time_intervals() {
        let (_, findings) = harness.findings("alertmanager").await?;
        let warned = |one: &Value| one["check"] == "muted" && one["verdict"] == "warn";
        ensure!(findings.iter().any(warned), "{findings:#?}");
        harness.server.stop(PATIENCE).await;
        return Ok(());
    }
    let is_muted = |group: &Value| {
        let alert = &group["alerts"][0];
        group["receiver"]["name"] == "suture" && alert["status"]["mutedBy"][0] == "always"
    };
    let muted = eventually(PATIENCE, async || {
        harness.alertmanager.groups().await.unwrap_or_default().iter().any(is_muted)
    });
    ensure!(muted.await, "it is never muted");
    // Nothing is found of it, and what was posted before waits.
    harness.post(hello(0)).await?;
    harness.counts(r#"suture_reconciliations_total{result="ok"}"#, 3.0).await?;
    assert_eq!(harness.incidents().await?, 0);
    let alerts = harness.alertmanager.alerts().await?;
    let alert = alerts.iter().find(|alert| alert["labels"]["obj_name"] == "plex").context("no alert")?;
    let mut posted = alert.clone();
    posted["status"] = "firing".into();
    harness.post(json!({"version": "4", "receiver": "suture", "alerts": [posted]})).await?;
    let incident = harness.until("silenced").await?;
    assert!(incident["summary"].as_str().unwrap_or_default().contains("`always`"), "{incident:#}");
    assert!(harness.cluster.mutations().is_empty());
    harness.server.stop(PATIENCE).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_silenced_after_it_was_posted_is_repaired_when_the_silence_is_over() -> anyhow::Result<()> {
    let harness = RepairHarness::posted_to(include_str!("../fixtures/stale-lock.yaml"), nowhere).await?;
    harness.fires().await?;
    let silence = harness.alertmanager.silence("obj_name", "plex").await?;
    let alerts = harness.alertmanager.alerts().await?;
    let alert = alerts.iter().find(|alert| alert["labels"]["obj_name"] == "plex").context("no alert")?;
    let mut posted = alert.clone();
    posted["status"] = "firing".into();
    harness.post(json!({"version": "4", "receiver": "suture", "alerts": [posted]})).await?;
    let incident = harness.until("silenced").await?;
    let summary = incident["summary"].as_str().context("no summary")?;
    assert!(summary.contains("by a test") && summary.contains("(left alone)"), "{incident:#}");
    let refused = reqwest::Client::new()
        .post(format!("http://{}/api/v1/policies/volsync/runs", harness.server.admin_addr()))
        .json(&json!({"labels": alert["labels"]}))
        .send()
        .await?;
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let refused: Value = refused.json().await?;
    assert_eq!(refused["error"]["code"], "silenced", "{refused:#}");
    assert!(harness.cluster.mutations().is_empty());
    harness.alertmanager.expire(&silence).await?;
    harness.until("resolved").await?;
    harness.server.stop(PATIENCE).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_escalation_is_over_though_the_word_that_its_alert_is_resolved_was_lost() -> anyhow::Result<()> {
    let harness = RepairHarness::posted_to(LIVE, nowhere).await?;
    harness.fires().await?;
    harness.post(hello(0)).await?;
    harness.until("escalated").await?;
    let source =
        "volsync.backube/v1alpha1 ReplicationSource media/plex".parse().map_err(anyhow::Error::msg)?;
    harness.cluster.delete(&source)?;
    let incident = harness.until("resolved").await?;
    assert!(incident["closedAt"].is_string(), "{incident:#}");
    harness.server.stop(PATIENCE).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_that_were_cut_off_a_notification_are_fetched() -> anyhow::Result<()> {
    // It is not asked now and then.
    let harness = RepairHarness::reconciled(LIVE, nowhere, "0s").await?;
    harness.fires().await?;
    harness.post(hello(1)).await?;
    harness.until("escalated").await?;
    harness.server.stop(PATIENCE).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_alive_has_nothing_that_fails_and_a_drill_goes_round_it() -> anyhow::Result<()> {
    let harness = RepairHarness::start(LIVE).await?;
    harness.until("escalated").await?;
    let (report, policy) = harness.findings("volsync").await?;
    assert_ne!(report["worst"], "fail", "{report:#}");
    for check in ["module", "rule", "series", "labels", "route"] {
        let is_well = |finding: &&Value| finding["check"] == check && finding["verdict"] == "ok";
        assert!(policy.iter().any(|finding| is_well(&finding)), "{check}: {policy:#?}");
    }
    for about in ["prometheus", "alertmanager"] {
        let (_, findings) = harness.findings(about).await?;
        let checks: Vec<_> = findings.iter().filter_map(|finding| finding["check"].as_str()).collect();
        assert_eq!(checks, ["reachable", "clock"], "{findings:#?}");
    }
    let address = format!("http://{}", harness.server.admin_addr());
    let arguments = ["doctor", "--drill", "--wait", "60s", "--server", &address];
    let (code, text) = suture(harness.dir(), &arguments).await?;
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("came back by the receiver `suture` to /hooks"), "{text}");
    assert_eq!(harness.incidents().await?, 1, "nothing is done about a drill");
    let unmatched = harness.get("/api/v1/alerts/unmatched").await?;
    assert_eq!(unmatched["items"], json!([]), "{unmatched:#}");
    harness.server.stop(PATIENCE).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_whose_metric_is_gone_fails() -> anyhow::Result<()> {
    let harness = RepairHarness::posted_to(LIVE, nowhere).await?;
    harness.fires().await?;
    let source =
        "volsync.backube/v1alpha1 ReplicationSource media/plex".parse().map_err(anyhow::Error::msg)?;
    harness.cluster.delete(&source)?;
    let mut last = Vec::new();
    let fails = eventually(PATIENCE, async || {
        last = harness.findings("volsync").await.map(|(_, findings)| findings).unwrap_or_default();
        last.iter().any(|finding| finding["check"] == "series" && finding["verdict"] == "fail")
    });
    ensure!(fails.await, "{last:#?}");
    harness.server.stop(PATIENCE).await;
    Ok(())
}

/// Alertmanager posts to a program that is none of ours.
fn elsewhere(_: &Server) -> String {
    "http://127.0.0.1:9/services/chat".to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_leads_elsewhere_fails_with_what_to_do_and_so_does_the_drill() -> anyhow::Result<()> {
    let harness = RepairHarness::posted_to(LIVE, elsewhere).await?;
    harness.fires().await?;
    let (report, policy) = harness.findings("volsync").await?;
    let route = policy.iter().find(|finding| finding["check"] == "route").context("no route")?;
    let remedy = route["remedy"].as_str().context("no remedy")?;
    // Newer Alertmanagers don't show where a webhook posts: there the drill tells.
    match route["verdict"].as_str() {
        Some("fail") => assert!(report["worst"] == "fail" && remedy.contains("/hooks"), "{route:#}"),
        verdict => assert!(verdict == Some("warn") && remedy.contains("--drill"), "{route:#}"),
    }
    let address = format!("http://{}", harness.server.admin_addr());
    let arguments = ["doctor", "--drill", "--wait", "2s", "--output", "json", "--server", &address];
    let (code, _) = suture(harness.dir(), &arguments).await?;
    assert_eq!(code, Some(1));
    harness.server.stop(PATIENCE).await;
    Ok(())
}
