use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use parking_lot::Mutex;
use serde_json::{Value, json};
use suture_core::RealClock;
use suture_engine::Receiver;

use super::*;

/// The least of an Alertmanager: what it has of alerts, and its silences.
struct Fake {
    /// Of an alert of a namespace: its receiver, and its status.
    alerts: Vec<(String, &'static str, Value)>,
    silences: Value,
    /// More alerts of the name than one may list.
    is_crowded: bool,
    /// It answers no question about alerts.
    is_broken: bool,
    questions: Mutex<Vec<String>>,
}

fn active() -> Value {
    json!({"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": []})
}

fn silence(label: &str, value: &str, until: &str) -> Value {
    json!({"id": format!("{label}={value}"), "status": {"state": "active"}, "endsAt": until,
        "createdBy": "anna", "matchers": [{"name": label, "value": value, "isRegex": false}]})
}

async fn groups(
    State(fake): State<Arc<Fake>>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, (StatusCode, String)> {
    let query = query.unwrap_or_default();
    fake.questions.lock().push(query.clone());
    if fake.is_broken {
        return Err((StatusCode::INTERNAL_SERVER_ERROR, "broken".to_owned()));
    }
    if fake.is_crowded && !query.contains("ns%3D") {
        return Err((StatusCode::OK, " ".repeat(17 << 20)));
    }
    let is_asked = |ns: &str| !query.contains("ns%3D") || query.contains(&format!("ns%3D%22{ns}%22"));
    let asked = fake.alerts.iter().filter(|(ns, ..)| is_asked(ns));
    let group = |(ns, receiver, status): &(String, &str, Value)| {
        json!({"receiver": {"name": receiver}, "labels": {}, "alerts": [{"fingerprint": ns, "status": status,
            "labels": {"alertname": "A", "ns": ns, "cluster": "home"}, "startsAt": "9999-12-31T23:59:59Z"}]})
    };
    Ok(Json(asked.map(group).collect()))
}

async fn silences(State(fake): State<Arc<Fake>>) -> Json<Value> {
    Json(fake.silences.clone())
}

async fn start(fake: Fake) -> (Arc<Fake>, AlertmanagerClient) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let fake = Arc::new(fake);
    let routes = Router::new()
        .route("/api/v2/alerts/groups", get(groups))
        .route("/api/v2/silences", get(silences))
        .with_state(fake.clone());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (fake, AlertmanagerClient::new(&url, Arc::new(RealClock)).unwrap())
}

fn fake(alerts: &[(&str, &'static str, Value)], silences: Value) -> Fake {
    let alerts = alerts.iter().map(|(ns, to, status)| ((*ns).to_owned(), *to, status.clone())).collect();
    Fake { alerts, silences, is_crowded: false, is_broken: false, questions: Mutex::default() }
}

fn query(ns: &str) -> SilenceQuery {
    let labels = [("alertname", "A"), ("ns", ns)].map(|(name, value)| (name.to_owned(), value.to_owned()));
    SilenceQuery { labels: labels.into(), key: vec!["ns".to_owned()], policy: "volsync".to_owned() }
}

async fn said(clients: Vec<AlertmanagerClient>, namespaces: &[&str]) -> Vec<Result<Suppression, String>> {
    let dir = tempfile::tempdir().unwrap();
    let receivers = Arc::new(Receivers::load(dir.path()));
    receivers.heard(Receiver { name: "suture".to_owned(), policy: None });
    receivers.heard(Receiver { name: "theirs".to_owned(), policy: Some("run-cronjob".to_owned()) });
    let asked = AskedAlertmanagers { clients, receivers };
    asked.suppressions(&namespaces.iter().map(|ns| query(ns)).collect::<Vec<_>>()).await
}

fn why(said: &Result<Suppression, String>) -> &str {
    match said {
        Ok(Suppression::By(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_alert_is_left_alone_that_is_silenced_inhibited_or_muted_for_this_host() {
    let by = |field: &str, value: &str| json!({"state": "suppressed", field: [value]});
    let alerts = [
        ("told", "suture", active()),
        ("told", "people", by("mutedBy", "night")),
        ("muted", "suture", by("mutedBy", "night")),
        ("muted", "people", active()),
        ("silenced", "suture", by("silencedBy", "ns=silenced")),
        ("inhibited", "suture", by("inhibitedBy", "x")),
        ("theirs", "suture", active()),
        ("theirs", "theirs", by("mutedBy", "night")),
        ("new", "suture", json!({"state": "unprocessed"})),
    ];
    let never = "10000-01-01T11:59:59.000Z";
    let silences =
        json!([silence("ns", "silenced", never), silence("ns", "by-hand", "2026-11-28T12:00:00Z")]);
    let (fake, client) = start(fake(&alerts, silences)).await;
    let names = ["told", "muted", "silenced", "inhibited", "by-hand", "gone", "theirs", "new"];
    let said = said(vec![client], &names).await;
    assert_eq!(said[0], Ok(Suppression::None));
    assert!(why(&said[1]).contains("`night`"), "{said:?}");
    assert_eq!(why(&said[2]), "its alert is silenced in Alertmanager by anna");
    assert!(why(&said[3]).contains("inhibits"), "{said:?}");
    assert!(why(&said[4]).contains("until 2026-11-28T12:00:00Z"), "{said:?}");
    assert_eq!(said[5], Ok(Suppression::Unlisted));
    assert_eq!(said[6], Ok(Suppression::None), "it is muted for another policy");
    assert!(why(&said[7]).contains("not yet looked"), "{said:?}");
    assert_eq!(fake.questions.lock().len(), 1, "they have one name");
}

#[tokio::test]
async fn where_too_many_alerts_have_a_name_they_are_asked_about_one_by_one() {
    let names: Vec<String> = (0..8).map(|number| format!("ns{number}")).collect();
    let alerts: Vec<_> = names.iter().map(|name| (name.as_str(), "suture", active())).collect();
    let crowded = Fake { is_crowded: true, ..fake(&alerts, json!([])) };
    let (fake, client) = start(crowded).await;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(said(vec![client], &names).await, vec![Ok(Suppression::None); 8]);
    assert_eq!(fake.questions.lock().len(), 9);
}

#[tokio::test]
async fn one_that_does_not_answer_is_not_asked_about_each_alert() {
    let broken = Fake { is_broken: true, ..fake(&[], json!([])) };
    let (fake, client) = start(broken).await;
    let names: Vec<String> = (0..50).map(|number| format!("ns{number}")).collect();
    let said = said(vec![client], &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let broken = |answer: &Result<Suppression, String>| answer.as_ref().unwrap_err().contains("answered 500");
    assert!(said.len() == 50 && said.iter().all(broken), "{said:?}");
    assert_eq!(fake.questions.lock().len(), 1);
}

#[tokio::test]
async fn one_that_keeps_an_alert_back_is_believed_though_another_cannot_be_asked() {
    let away = AlertmanagerClient::new("http://127.0.0.1:1", Arc::new(RealClock)).unwrap();
    let (_, client) = start(fake(&[], json!([silence("ns", "media", "2026-11-28T12:00:00Z")]))).await;
    let said = said(vec![away, client], &["media", "home"]).await;
    assert!(why(&said[0]).contains("by anna"));
    assert!(said[1].as_ref().unwrap_err().contains("can't be reached"), "{said:?}");
}
