//! What other servers answer that evaluate rules. Those of vmalert and Thanos are as the programs gave
//! them (v1.151.0 and v0.42.5); those of Mimir and Grafana are written after their source.

use std::sync::Arc;

use suture_core::effect::ActiveAlert;
use suture_core::{Labels, RealClock, Reason, Timestamp};

use super::{AlertingRule, PrometheusClient};
use crate::testing::TestServer;

async fn answering(status: u16, body: &str) -> (PrometheusClient, TestServer) {
    let server = TestServer::answering(status, body).await;
    (PrometheusClient::new(&server.url(), Arc::new(RealClock)).unwrap(), server)
}

async fn alerts(body: &str) -> Vec<ActiveAlert> {
    let (client, _server) = answering(200, body).await;
    client.alerts().await.unwrap()
}

async fn rules(body: &str) -> Vec<AlertingRule> {
    let (client, _server) = answering(200, body).await;
    client.rules().await.unwrap()
}

/// Whether the only alert fires, and whether it is only kept firing.
async fn standing(body: &str) -> (bool, bool) {
    let alerts = alerts(body).await;
    assert_eq!(alerts.len(), 1);
    (alerts[0].firing, alerts[0].kept_firing_since.is_some())
}

#[tokio::test]
async fn vmalert_lists_what_is_pending_and_what_fires_with_its_external_labels() {
    assert_eq!(standing(include_str!("rulers/vmalert-pending.json")).await, (false, false));
    let firing = alerts(include_str!("rulers/vmalert-firing.json")).await.remove(0);
    assert!(firing.firing);
    assert_eq!((&*firing.labels["cluster"], &*firing.labels["alertgroup"]), ("home", "volsync"));
    assert_eq!(firing.active_at, "2026-11-27T16:48:54Z".parse::<Timestamp>().unwrap());
}

#[tokio::test]
async fn vmalert_says_stabilizing_of_what_is_only_kept_firing_and_not_since_when() {
    let kept = alerts(include_str!("rulers/vmalert-kept.json")).await.remove(0);
    assert!(!kept.firing);
    assert_eq!(kept.kept_firing_since, Some(Timestamp::UNIX_EPOCH));
}

#[tokio::test]
async fn vmalert_leaves_out_the_alerts_of_a_rule_that_has_none() {
    let rules = rules(include_str!("rulers/vmalert-rules.json")).await;
    let known: Vec<_> = rules.iter().map(|rule| (&*rule.name, &*rule.health, rule.alerts.len())).collect();
    assert_eq!(known, [("VolSyncVolumeOutOfSync", "ok", 1), ("Broken", "ok", 0)]);
}

#[tokio::test]
async fn thanos_names_its_list_of_alerts_otherwise_says_null_for_none_and_nothing_of_what_is_kept_firing() {
    assert_eq!(alerts(r#"{"status":"success","data":{"Alerts":null}}"#).await, []);
    assert_eq!(standing(include_str!("rulers/thanos-firing.json")).await, (true, false));
    assert_eq!(standing(include_str!("rulers/thanos-pending.json")).await, (false, false));
    assert_eq!(standing(include_str!("rulers/thanos-kept.json")).await, (true, false));
    assert_eq!(standing(include_str!("rulers/thanos-query-firing.json")).await, (true, false));
}

#[tokio::test]
async fn an_answer_without_a_list_is_no_answer_and_names_the_setting_of_the_server_that_gave_it() {
    let (client, _server) = answering(200, "").await;
    for (status, body) in [(200, r#"{"status":"success","data":{}}"#), (400, "unsupported path")] {
        let ruler = TestServer::answering(status, body).await;
        let client = client.clone().with_ruler(&ruler.url()).unwrap();
        for error in [client.alerts().await.unwrap_err(), client.rules().await.unwrap_err()] {
            assert!(error.message.contains("check `prometheus.alertsUrl`"), "{error}");
            assert!(error.message.contains(&ruler.url()), "{error}");
        }
    }
}

#[tokio::test]
async fn mimir_speaks_as_prometheus_does_and_wants_to_know_the_tenant() {
    let alerts = alerts(include_str!("rulers/mimir-alerts.json")).await;
    let known: Vec<_> =
        alerts.iter().map(|alert| (alert.firing, alert.kept_firing_since.is_some())).collect();
    assert_eq!(known, [(true, false), (false, true), (false, false)]);
    let refusal = r#"{"status":"error","data":null,"errorType":"bad_data","error":"no valid org id found"}"#;
    let (client, _server) = answering(400, refusal).await;
    assert!(client.alerts().await.unwrap_err().message.contains("no valid org id found"));
    let (client, _server) = answering(401, "no org id\n").await;
    assert_eq!(client.alerts().await.unwrap_err().reason, Reason::FORBIDDEN);
}

#[tokio::test]
async fn grafana_lists_what_is_normal_too_and_what_was_not_measured_neither_fires_nor_is_over() {
    let alerts = alerts(include_str!("rulers/grafana-alerts.json")).await;
    let known: Vec<_> = alerts
        .iter()
        .map(|alert| (&*alert.labels["obj_name"], alert.firing, alert.kept_firing_since.is_some()))
        .collect();
    let expected = [
        ("fires", true, false),
        ("waits", false, false),
        ("recovers", false, true),
        ("lacks-data", false, false),
        ("fires-for-lack-of-data", false, false),
    ];
    assert_eq!(known, expected);
}

#[tokio::test]
async fn what_is_done_to_labels_is_asked_of_the_server_that_evaluates_the_rules() {
    let config = |cluster: &str| {
        let yaml = format!("global:\n  external_labels: {{cluster: {cluster}}}\n");
        serde_json::json!({"status": "success", "data": {"yaml": yaml}}).to_string()
    };
    let (client, _server) = answering(200, &config("queried")).await;
    let ruler = TestServer::answering(200, &config("ruler")).await;
    let client = client.with_ruler(&ruler.url()).unwrap();
    let expected = Labels::from([("cluster".to_owned(), "ruler".to_owned())]);
    assert_eq!(client.relabeling().await.unwrap().unwrap_or_default().external_labels, expected);
}
