//! What people are told, and of what.

use suture_core::effect::Level;

use super::*;
use crate::pager::Telling;

fn telling(config: &mut EngineConfig) {
    config.telling = Telling {
        cluster: Some("home".into()),
        external_url: Some("https://suture.example.com/".into()),
        repaired: true,
    };
}

fn noting(outcome: Outcome) -> Arc<dyn Program> {
    policy(move |calls, _| {
        let outcome = outcome.clone();
        async move {
            for number in 0..9 {
                let message = format!("line {number} of the mover's log\u{202e}");
                calls.call(Effect::Log { level: Level::Info, message }).await?.ok();
            }
            Ok(Ok(outcome))
        }
    })
}

/// Tells people everything once, and can't remind them of anything.
struct Forgetful;

#[async_trait]
impl Pager for Forgetful {
    async fn page(&self, _: &Page) -> Result<(), String> {
        Ok(())
    }

    async fn remind(&self, _: &[Page]) -> Result<(), String> {
        Err("Alertmanager is away".to_owned())
    }
}

async fn told_of(harness: &EngineHarness, severity: Option<&str>) -> Page {
    let mut notification = notification("firing", &["media"]);
    if let Some(severity) = severity {
        notification.alerts[0].labels.insert("severity".into(), severity.into());
    }
    let body = serde_json::to_vec(&notification).unwrap();
    harness.engine.accept(None, &notification, body).await.unwrap();
    harness.pages_named("SutureEscalation").await;
    harness.pages.0.lock()[0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_escalation_has_what_a_person_needs_to_go_on() {
    let program = noting(Outcome::Escalate { summary: "a person must look".into() });
    let harness = start(tempfile::tempdir().unwrap(), program, telling).await;
    let page = told_of(&harness, Some("critical")).await;
    let incident = harness.until(IncidentState::Escalated).await;
    let (run, id) = (&incident.runs[0], &incident.id);
    assert_eq!((page.labels["severity"].as_str(), page.labels["cluster"].as_str()), ("critical", "home"));
    assert_eq!(page.link, format!("https://suture.example.com/api/v1/runs/{run}"));
    assert_eq!(page.annotations["run_url"], page.link);
    assert_eq!(page.annotations["summary"], "a person must look");
    let evidence = &page.annotations["evidence"];
    assert!(evidence.starts_with("line 5 ") && evidence.contains("\nline 8 "), "{evidence}");
    assert!(evidence.contains(r"\u{202e}"), "what can't be seen is shown: {evidence}");
    let next = format!("suture runs show {run}; once the cause is mended: suture incidents retry {id}");
    assert_eq!(page.annotations["next"], next);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_escalation_of_an_alert_without_a_severity_is_a_warning_and_needs_no_setting() {
    let harness = harness(noting(Outcome::Escalate { summary: "a person must look".into() })).await;
    let page = told_of(&harness, None).await;
    assert_eq!(page.labels["severity"], "warning");
    assert!(!page.labels.contains_key("cluster") && page.link.is_empty(), "{page:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repair_that_cleared_its_alert_is_told_where_people_want_that() {
    let repaired = |pages: &[Page]| -> Vec<Page> {
        pages.iter().filter(|page| page.labels["alertname"] == "SutureRepaired").cloned().collect()
    };
    let program = || noting(Outcome::Remediated { summary: "removed a stale lock".into() });
    let quiet = harness(program()).await;
    let talkative = start(tempfile::tempdir().unwrap(), program(), telling).await;
    for harness in [&quiet, &talkative] {
        harness.post("firing", &["media"]).await;
        harness.until(IncidentState::Verifying).await;
        assert!(harness.pages.0.lock().is_empty(), "not before the alert cleared");
        harness.post("resolved", &["media"]).await;
        harness.until(IncidentState::Resolved).await;
    }
    talkative.pages_named("SutureRepaired").await;
    let pages = repaired(&talkative.pages.0.lock());
    let [page] = &pages[..] else { panic!("{pages:#?}") };
    assert_eq!(page.labels["severity"], "info");
    assert_eq!(page.annotations["summary"], "removed a stale lock");
    assert!(page.annotations["description"].contains("by one run"), "{page:#?}");
    assert!(page.ends_at.is_none() && !page.link.is_empty(), "{page:#?}");
    assert!(quiet.pages.0.lock().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_that_can_not_be_delivered_is_counted_as_a_page_that_failed() {
    let program = noting(Outcome::Escalate { summary: "a person must look".into() });
    let harness =
        start(tempfile::tempdir().unwrap(), program, |config| config.pager = Arc::new(Forgetful)).await;
    harness.post("firing", &["media"]).await;
    harness.until(IncidentState::Escalated).await;
    let count = |result: &str| -> u64 {
        let name = format!(r#"suture_pages_total{{result="{result}"}} "#);
        let metrics = harness.engine.metrics().encode();
        metrics.lines().find_map(|line| line.strip_prefix(name.as_str())?.parse().ok()).unwrap_or_default()
    };
    // It is tried every minute.
    for _ in 0..1000 {
        if count("delivered") == 1 && count("failed") >= 2 {
            return;
        }
        harness.clock.sleep(Duration::from_secs(10)).await;
    }
    panic!("{} delivered, {} failed", count("delivered"), count("failed"))
}
