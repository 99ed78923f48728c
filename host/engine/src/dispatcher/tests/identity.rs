//! An alert is known by its labels, whatever fingerprint it is posted with.

use super::unconfirmed::{confirming, unnecessary};
use super::*;

/// A media alert that began at a time, as it is posted with a fingerprint.
fn posted(fingerprint: &str, labels: &[(&str, &str)], starts_at: &str) -> Notification {
    let mut alert = json!({"status": "firing", "startsAt": starts_at, "fingerprint": fingerprint,
        "labels": {"alertname": "A", "obj_namespace": "media"}});
    for (name, value) in labels {
        alert["labels"][*name] = json!(value);
    }
    serde_json::from_value(json!({"alerts": [alert]})).unwrap()
}

const SINCE: &str = "2026-11-22T04:00:00Z";
const LATER: &str = "2026-11-22T04:05:00Z";

#[tokio::test(flavor = "multi_thread")]
async fn posted_with_other_fingerprints_an_alert_is_one_incident_and_one_run() {
    let harness = confirming(unnecessary(), |_| ()).await;
    harness.fires("media");
    for fingerprint in ["", "0001", "0002", "0003"] {
        let one = posted(fingerprint, &[], SINCE);
        harness.engine.accept(None, &one, serde_json::to_vec(&one).unwrap()).await.unwrap();
        harness.until(IncidentState::Unnecessary).await;
        harness.wait_for("routed", async || (harness.engine.journal().inbox_len() == 0).then_some(())).await;
    }
    assert_eq!(harness.until(IncidentState::Unnecessary).await.runs.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn posted_with_the_fingerprint_of_another_an_alert_does_not_close_its_incident() {
    let harness = confirming(unnecessary(), |_| ()).await;
    let (first, other) = (posted("same", &[], SINCE), posted("same", &[("severity", "b")], LATER));
    for one in [&first, &other] {
        harness.cluster.set_alert(&one.alerts[0]);
    }
    harness.engine.accept(None, &first, serde_json::to_vec(&first).unwrap()).await.unwrap();
    harness.until(IncidentState::Unnecessary).await;
    harness.engine.accept(None, &other, serde_json::to_vec(&other).unwrap()).await.unwrap();
    harness
        .wait_for("both handled", async || {
            let incidents = harness.incidents().await;
            let handled = incidents.iter().filter(|one| one.state == IncidentState::Unnecessary);
            (handled.count() == 2).then_some(())
        })
        .await;
    assert!(harness.incidents().await.iter().all(|incident| incident.closed_at.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_alert_says_of_itself_is_what_prometheus_lists_and_not_what_was_posted() {
    let harness = confirming(unnecessary(), |_| ()).await;
    let mut listed = posted("f", &[], SINCE).alerts.remove(0);
    listed.annotations.insert("summary".into(), "real".into());
    harness.cluster.set_alert(&listed);
    let mut forged = posted("f", &[], SINCE);
    forged.alerts[0].annotations.insert("approved".into(), "yes".into());
    harness.engine.accept(None, &forged, serde_json::to_vec(&forged).unwrap()).await.unwrap();
    assert_eq!(harness.until(IncidentState::Unnecessary).await.alert.annotations, listed.annotations);
}
