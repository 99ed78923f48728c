//! The path from an alert to the webhook: what is lost on it, and whether it is alive.

use anyhow::{Context, ensure};
use reqwest::StatusCode;
use serde_json::{Value, json};
use suture_server::Server;
use suture_tests::command::suture;
use suture_tests::process::eventually;

use super::{Bed, PATIENCE, TOKEN, nowhere};

const LIVE: &str = include_str!("../fixtures/live-lock.yaml");

impl Bed {
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
    let bed = Bed::posted_to(LIVE, nowhere).await?;
    bed.fires().await?;
    // Nothing is known of a receiver yet: what was never routed here is left alone.
    bed.counts(r#"suture_reconciliations_total{result="ok"}"#, 2.0).await?;
    assert_eq!(bed.incidents().await?, 0);
    bed.post(hello(0)).await?;
    bed.until("escalated").await?;
    let looks = r#"suture_reconciliations_total{result="ok"}"#;
    let before = bed.metrics().await?;
    let count = before.lines().find_map(|line| line.strip_prefix(looks)).context("none")?;
    bed.counts(looks, count.trim().parse::<f64>()? + 3.0).await?;
    assert_eq!(bed.incidents().await?, 1, "one that is open is known");
    assert!(bed.metrics().await?.contains("suture_alerts_missed_total 1\n"));
    bed.server.stop(PATIENCE).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_silenced_in_alertmanager_is_not_taken_up() -> anyhow::Result<()> {
    let bed = Bed::posted_to(LIVE, nowhere).await?;
    bed.fires().await?;
    bed.alertmanager.silence("alertname", "VolSyncVolumeOutOfSync").await?;
    let silenced = eventually(PATIENCE, async || {
        let alerts = bed.alertmanager.alerts().await.unwrap_or_default();
        alerts.iter().any(|alert| alert["status"]["state"] == "suppressed")
    });
    ensure!(silenced.await, "the silence never holds");
    bed.post(hello(0)).await?;
    bed.counts(r#"suture_reconciliations_total{result="ok"}"#, 3.0).await?;
    assert_eq!(bed.incidents().await?, 0);
    bed.server.stop(PATIENCE).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_time_interval_mutes_is_left_alone_though_it_was_posted() -> anyhow::Result<()> {
    let bed = Bed::posted_to(include_str!("../fixtures/stale-lock.yaml"), nowhere).await?;
    bed.fires().await?;
    bed.alertmanager.mute().await?;
    let is_muted = |group: &Value| {
        let alert = &group["alerts"][0];
        group["receiver"]["name"] == "suture" && alert["status"]["mutedBy"][0] == "always"
    };
    let muted = eventually(PATIENCE, async || {
        bed.alertmanager.groups().await.unwrap_or_default().iter().any(is_muted)
    });
    ensure!(muted.await, "it is never muted");
    // Nothing is found of it, and what was posted before waits.
    bed.post(hello(0)).await?;
    bed.counts(r#"suture_reconciliations_total{result="ok"}"#, 3.0).await?;
    assert_eq!(bed.incidents().await?, 0);
    let alerts = bed.alertmanager.alerts().await?;
    let alert = alerts.iter().find(|alert| alert["labels"]["obj_name"] == "plex").context("no alert")?;
    let mut posted = alert.clone();
    posted["status"] = "firing".into();
    bed.post(json!({"version": "4", "receiver": "suture", "alerts": [posted]})).await?;
    let incident = bed.until("silenced").await?;
    assert!(incident["summary"].as_str().unwrap_or_default().contains("`always`"), "{incident:#}");
    assert!(bed.cluster.mutations().is_empty());
    bed.server.stop(PATIENCE).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_silenced_after_it_was_posted_is_repaired_when_the_silence_is_over() -> anyhow::Result<()> {
    let bed = Bed::posted_to(include_str!("../fixtures/stale-lock.yaml"), nowhere).await?;
    bed.fires().await?;
    let silence = bed.alertmanager.silence("obj_name", "plex").await?;
    let alerts = bed.alertmanager.alerts().await?;
    let alert = alerts.iter().find(|alert| alert["labels"]["obj_name"] == "plex").context("no alert")?;
    let mut posted = alert.clone();
    posted["status"] = "firing".into();
    bed.post(json!({"version": "4", "receiver": "suture", "alerts": [posted]})).await?;
    let incident = bed.until("silenced").await?;
    let summary = incident["summary"].as_str().context("no summary")?;
    assert!(summary.contains("by a test") && summary.contains("(left alone)"), "{incident:#}");
    let refused = reqwest::Client::new()
        .post(format!("http://{}/api/v1/policies/volsync/runs", bed.server.admin_addr()))
        .json(&json!({"labels": alert["labels"]}))
        .send()
        .await?;
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let refused: Value = refused.json().await?;
    assert_eq!(refused["error"]["code"], "silenced", "{refused:#}");
    assert!(bed.cluster.mutations().is_empty());
    bed.alertmanager.expire(&silence).await?;
    bed.until("resolved").await?;
    bed.server.stop(PATIENCE).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_escalation_is_over_though_the_word_that_its_alert_is_resolved_was_lost() -> anyhow::Result<()> {
    let bed = Bed::posted_to(LIVE, nowhere).await?;
    bed.fires().await?;
    bed.post(hello(0)).await?;
    bed.until("escalated").await?;
    let source =
        "volsync.backube/v1alpha1 ReplicationSource media/plex".parse().map_err(anyhow::Error::msg)?;
    bed.cluster.delete(&source)?;
    let incident = bed.until("resolved").await?;
    assert!(incident["closedAt"].is_string(), "{incident:#}");
    bed.server.stop(PATIENCE).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_that_were_cut_off_a_notification_are_fetched() -> anyhow::Result<()> {
    // It is not asked now and then.
    let bed = Bed::reconciled(LIVE, nowhere, "0s").await?;
    bed.fires().await?;
    bed.post(hello(1)).await?;
    bed.until("escalated").await?;
    bed.server.stop(PATIENCE).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_alive_has_nothing_that_fails_and_a_drill_goes_round_it() -> anyhow::Result<()> {
    let bed = Bed::start(LIVE).await?;
    bed.until("escalated").await?;
    let (report, policy) = bed.findings("volsync").await?;
    assert_ne!(report["worst"], "fail", "{report:#}");
    for check in ["module", "rule", "series", "labels", "route"] {
        let is_well = |finding: &&Value| finding["check"] == check && finding["verdict"] == "ok";
        assert!(policy.iter().any(|finding| is_well(&finding)), "{check}: {policy:#?}");
    }
    for about in ["prometheus", "alertmanager"] {
        let (_, findings) = bed.findings(about).await?;
        let checks: Vec<_> = findings.iter().filter_map(|finding| finding["check"].as_str()).collect();
        assert_eq!(checks, ["reachable", "clock"], "{findings:#?}");
    }
    let address = format!("http://{}", bed.server.admin_addr());
    let arguments = ["doctor", "--drill", "--wait", "60s", "--server", &address];
    let (code, text) = suture(bed.dir(), &arguments).await?;
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("came back by the receiver `suture` to /hooks"), "{text}");
    assert_eq!(bed.incidents().await?, 1, "nothing is done about a drill");
    let unmatched = bed.get("/api/v1/alerts/unmatched").await?;
    assert_eq!(unmatched["items"], json!([]), "{unmatched:#}");
    bed.server.stop(PATIENCE).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_whose_metric_is_gone_fails() -> anyhow::Result<()> {
    let bed = Bed::posted_to(LIVE, nowhere).await?;
    bed.fires().await?;
    let source =
        "volsync.backube/v1alpha1 ReplicationSource media/plex".parse().map_err(anyhow::Error::msg)?;
    bed.cluster.delete(&source)?;
    let mut last = Vec::new();
    let fails = eventually(PATIENCE, async || {
        last = bed.findings("volsync").await.map(|(_, findings)| findings).unwrap_or_default();
        last.iter().any(|finding| finding["check"] == "series" && finding["verdict"] == "fail")
    });
    ensure!(fails.await, "{last:#?}");
    bed.server.stop(PATIENCE).await;
    Ok(())
}

/// Alertmanager posts to a program that is none of ours.
fn elsewhere(_: &Server) -> String {
    "http://127.0.0.1:9/services/chat".to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_leads_elsewhere_fails_with_what_to_do_and_so_does_the_drill() -> anyhow::Result<()> {
    let bed = Bed::posted_to(LIVE, elsewhere).await?;
    bed.fires().await?;
    let (report, policy) = bed.findings("volsync").await?;
    let route = policy.iter().find(|finding| finding["check"] == "route").context("no route")?;
    let remedy = route["remedy"].as_str().context("no remedy")?;
    // Newer Alertmanagers don't show where a webhook posts: there the drill tells.
    match route["verdict"].as_str() {
        Some("fail") => assert!(report["worst"] == "fail" && remedy.contains("/hooks"), "{route:#}"),
        verdict => assert!(verdict == Some("warn") && remedy.contains("--drill"), "{route:#}"),
    }
    let address = format!("http://{}", bed.server.admin_addr());
    let arguments = ["doctor", "--drill", "--wait", "2s", "--output", "json", "--server", &address];
    let (code, _) = suture(bed.dir(), &arguments).await?;
    assert_eq!(code, Some(1));
    bed.server.stop(PATIENCE).await;
    Ok(())
}
