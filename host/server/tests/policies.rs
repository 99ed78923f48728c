//! A server with a policy that runs: what the API says of it, and what it can be told.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can not go on panics")]

#[allow(dead_code, reason = "each file of tests uses a part of it")]
mod harness;

use std::collections::BTreeSet;
use std::time::Duration;

use harness::{ServerHarness, alerts, demo, guest, options, start};
use reqwest::StatusCode;
use serde_json::{Value, json};
use suture_server::{Secrets, Server, check};

const HOUR: u64 = 3_600_000;
const FILE: &str = "{file: demo.wasm}";

/// A server whose policy `demo` sleeps before it is done.
async fn with_policy(sleep_ms: u64, more: &str) -> ServerHarness {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("demo.wasm"), guest::component(sleep_ms)).unwrap();
    start(dir, &demo(FILE, more)).await
}

impl ServerHarness {
    async fn items(&self, path: &str) -> Vec<Value> {
        let (status, body) = self.get(path).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body["items"].as_array().unwrap().clone()
    }

    /// Wait for an item that fits.
    async fn until_one(&self, path: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let one = |seen: &Value| seen["items"].as_array()?.iter().find(|item| fits(item)).cloned();
        let seen = self.until(path, |seen| one(seen).is_some()).await;
        one(&seen).unwrap()
    }
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn an_alert_becomes_an_incident_and_a_run_with_all_that_is_promised_of_them() {
    let harness = with_policy(1, "").await;
    assert_eq!(harness.post("/hooks", alerts("firing", &["plex"])).await.0, StatusCode::OK);
    let run = harness.until_one("/api/v1/runs?state=ended", |_| true).await;
    for key in "id incident policy digest mode attempt state outcome summary startedAt endedAt".split(' ') {
        assert!(keys(&run).contains(key), "{key}: {run}");
    }
    assert_eq!((&run["outcome"], &run["summary"]), (&json!("remediated"), &json!("all is well")));

    let (_, shown) = harness.get(&format!("/api/v1/runs/{}", run["id"].as_str().unwrap())).await;
    let effects = shown["effects"].as_array().unwrap();
    assert!(!effects.is_empty(), "{shown}");
    for effect in effects {
        for key in ["step", "at", "effect", "reply"] {
            assert!(keys(effect).contains(key), "{key}: {effect}");
        }
        assert!(effect["at"].as_str().unwrap().ends_with('Z'), "{effect}");
        assert!(!effect["reply"].is_null(), "{effect}");
    }

    let path = format!("/api/v1/incidents/{}", run["incident"].as_str().unwrap());
    let (_, incident) = harness.get(&path).await;
    for key in "id policy key fingerprint startsAt state openedAt closedAt runs".split(' ') {
        assert!(keys(&incident).contains(key), "{key}: {incident}");
    }
    assert_eq!((&incident["key"], &incident["runs"]), (&json!({"name": "plex"}), &json!([run["id"]])));

    let policy = harness.items("/api/v1/policies").await.remove(0);
    for key in "name version digest mode source loadedAt notGranted error candidate".split(' ') {
        assert!(keys(&policy).contains(key), "{key}: {policy}");
    }
    assert_eq!(policy["digest"], run["digest"]);
}

#[tokio::test]
async fn labels_that_are_no_kubernetes_names_are_accepted_counted_and_never_run() {
    let harness = with_policy(1, "").await;
    let long = "x".repeat(300);
    let hostile = ["../../etc", "Not A Name", "a;rm -rf /", "", "é", long.as_str()];
    assert_eq!(
        harness.post("/hooks", alerts("firing", &hostile)).await,
        (StatusCode::OK, json!({"accepted": 6}))
    );
    let without = alerts("firing", &["plex"]).replace(r#""name":"plex""#, r#""other":"plex""#);
    assert_eq!(harness.post("/hooks", without).await.0, StatusCode::OK);
    // What comes after them is routed after them.
    harness.post("/hooks", alerts("firing", &["good"])).await;
    harness.until_one("/api/v1/runs?state=ended", |_| true).await;
    let incidents = harness.items("/api/v1/incidents").await;
    assert_eq!(incidents.len(), 1, "{incidents:#?}");
    assert_eq!(incidents[0]["key"]["name"], "good");
    let metrics = harness.metrics().await;
    assert!(metrics.contains(r#"suture_alerts_total{policy="demo",result="invalid"} 7"#), "{metrics}");
}

#[tokio::test]
async fn while_paused_alerts_are_accepted_and_nothing_runs() {
    let harness = with_policy(1, "").await;
    harness.tell("/pause", json!(null)).await;
    assert_eq!(harness.post("/hooks", alerts("firing", &["plex"])).await.0, StatusCode::OK);
    harness.until_one("/api/v1/incidents", |incident| incident["key"]["name"] == "plex").await;
    assert!(harness.items("/api/v1/runs").await.is_empty());
    assert_eq!(harness.get("/readyz").await.0, StatusCode::OK, "a host that is paused takes alerts");
    harness.tell("/resume", json!(null)).await;
    harness.until_one("/api/v1/runs?state=ended", |_| true).await;
}

#[tokio::test]
async fn what_waits_is_told_with_its_reason_wherever_somebody_may_ask() {
    let harness = with_policy(1, "").await;
    let (_, verbose) = harness.get("/readyz?verbose").await;
    assert_eq!(verbose, json!({"ready": true, "waiting": []}));
    harness.tell("/pause", json!({"reason": "the storage is moved"})).await;
    harness.post("/hooks", alerts("firing", &["plex"])).await;
    let incident = harness.until_one("/api/v1/incidents", |incident| !incident["waitingFor"].is_null()).await;
    assert_eq!(incident["waitingFor"]["reason"], "paused", "{incident}");
    let message = incident["waitingFor"]["message"].as_str().unwrap();
    assert!(message.contains("the storage is moved"), "{message}");
    let (_, status) = harness.get("/api/v1/status").await;
    let waiting = &status["waiting"][0];
    assert_eq!(
        (&waiting["policy"], &waiting["reason"], &waiting["count"]),
        (&json!("demo"), &json!("paused"), &json!(1))
    );
    assert!(waiting["since"].is_string() && waiting["oldestSeconds"].is_u64(), "{status}");
    assert_eq!((&status["paused"], &status["journal"]["error"]), (&json!(true), &Value::Null));
    let (status, verbose) = harness.get("/readyz?verbose").await;
    assert_eq!(status, StatusCode::OK, "a host that is paused takes alerts");
    assert_eq!(
        (&verbose["waiting"][0]["reason"], &verbose["waiting"][0]["count"]),
        (&json!("paused"), &json!(1))
    );
    assert!(!verbose.to_string().contains("demo") && !verbose.to_string().contains("storage"), "{verbose}");
    assert!(harness.metrics().await.contains(r#"suture_waiting{policy="demo",reason="paused"} 1"#));
}

#[tokio::test]
async fn a_host_is_drained_and_says_what_is_left_of_its_runs() {
    let harness = with_policy(HOUR, "").await;
    assert_eq!(harness.get("/api/v1/drain").await, (StatusCode::OK, json!({"drain": null})));
    harness.post("/hooks", alerts("firing", &["plex"])).await;
    let run = harness.until_one("/api/v1/runs", |run| run["state"] != "ended").await;
    let (status, answer) = harness.tell("/drain", json!({"reason": "it goes", "wait": "0s"})).await;
    assert_eq!((status, &answer["drain"]["pause"]["reason"]), (StatusCode::ACCEPTED, &json!("it goes")));
    let drained = harness.until("/api/v1/drain", |answer| answer["drain"]["done"] == true).await;
    assert_eq!((&drained["drain"]["atWork"], &drained["drain"]["left"]), (&json!(0), &json!([])));
    let ended = harness.until_one("/api/v1/runs?state=ended", |_| true).await;
    assert_eq!((&ended["id"], &ended["outcome"]), (&run["id"], &json!("interrupted")));
    let incident = harness.until_one("/api/v1/incidents", |incident| incident["state"] == "queued").await;
    assert_eq!(incident["waitingFor"]["reason"], "drained", "{incident}");
    assert_eq!(harness.get("/api/v1/status").await.1["drain"]["done"], true);
    assert_eq!(harness.tell("/drain", json!({"wait": "soon"})).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_incident_is_cancelled_by_its_id_and_what_is_over_is_not() {
    let harness = with_policy(HOUR, "").await;
    harness.post("/hooks", alerts("firing", &["plex"])).await;
    let incident = harness.until_one("/api/v1/incidents", |incident| incident["state"] == "waiting").await;
    let path = format!("/incidents/{}/cancel", incident["id"].as_str().unwrap());
    assert_eq!(harness.tell(&path, json!(null)).await.0, StatusCode::OK);
    let cancelled = harness.until_one("/api/v1/incidents", |incident| incident["state"] == "cancelled").await;
    assert!(cancelled["summary"].as_str().unwrap().contains("through the API"), "{cancelled}");
    harness.post("/hooks", alerts("resolved", &["plex"])).await;
    harness.until_one("/api/v1/incidents", |incident| !incident["closedAt"].is_null()).await;
    assert_eq!(harness.tell(&path, json!(null)).await.0, StatusCode::CONFLICT);
    assert_eq!(harness.tell("/incidents/nothing/cancel", json!(null)).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_policy_is_paused_by_name_for_a_time_and_the_api_says_by_whom_and_why() {
    let harness = with_policy(1, "").await;
    let (status, paused) = harness
        .tell("/pause", json!({"policy": "demo", "for": "2h", "reason": "the storage is moved"}))
        .await;
    assert_eq!(status, StatusCode::OK, "{paused}");
    let policy = harness.items("/api/v1/policies").await.remove(0);
    assert_eq!(policy["pause"], paused["pause"]);
    assert_eq!(policy["pause"]["reason"], "the storage is moved");
    assert!(policy["pause"]["until"].is_string() && policy["pause"]["who"].is_string(), "{policy}");
    harness.post("/hooks", alerts("firing", &["plex"])).await;
    harness.until_one("/api/v1/incidents", |incident| incident["state"] == "queued").await;
    for (path, body, code) in [
        ("/pause", json!({"for": "1h", "until": "2099-01-01T00:00:00Z"}), "invalid"),
        ("/pause", json!({"until": "1999-01-01T00:00:00Z"}), "invalid"),
        ("/pause", json!({"reason": "x".repeat(1001)}), "invalid"),
        ("/pause", json!({"for": "soon"}), "unreadable"),
        ("/pause", json!({"policy": "nobody"}), "notFound"),
        ("/policies/demo/pause", json!({"policy": "other"}), "invalid"),
        ("/policies/nobody/resume", json!({}), "notFound"),
    ] {
        let (_, answer) = harness.tell(path, body.clone()).await;
        assert_eq!(answer["error"]["code"], code, "{path} {body}: {answer}");
    }
    assert_eq!(harness.tell("/policies/demo/resume", json!({})).await.0, StatusCode::OK);
    harness.until_one("/api/v1/runs?state=ended", |_| true).await;
}

#[tokio::test]
async fn a_run_is_cancelled_once() {
    let harness = with_policy(HOUR, "").await;
    harness.post("/hooks", alerts("firing", &["plex"])).await;
    let run = harness.until_one("/api/v1/runs", |run| run["state"] != "ended").await;
    let path = format!("/runs/{}/cancel", run["id"].as_str().unwrap());
    assert_eq!(harness.tell(&path, json!(null)).await.0, StatusCode::OK);
    let run = harness.until_one("/api/v1/runs?state=ended", |_| true).await;
    assert_eq!(run["outcome"], "cancelled");
    let (status, again) = harness.tell(&path, json!(null)).await;
    assert_eq!((status, &again["error"]["code"]), (StatusCode::CONFLICT, &json!("conflict")));
    assert_eq!(harness.tell("/runs/nothing/cancel", json!(null)).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_run_is_started_by_hand_for_a_key_that_nothing_works_on() {
    let harness = with_policy(HOUR, "").await;
    let plex = json!({"labels": {"name": "plex"}});
    let (status, started) = harness.tell("/policies/demo/runs", plex.clone()).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{started}");
    harness.until_one("/api/v1/runs", |run| run["incident"] == started["incident"]).await;
    for (path, body, status) in [
        ("/policies/demo/runs", plex.clone(), StatusCode::CONFLICT),
        ("/policies/demo/runs", json!({"labels": {"name": "No Name"}}), StatusCode::BAD_REQUEST),
        ("/policies/demo/runs", json!({"labels": {}}), StatusCode::BAD_REQUEST),
        ("/policies/demo/runs", json!({"label": {}}), StatusCode::BAD_REQUEST),
        ("/policies/nobody/runs", plex, StatusCode::NOT_FOUND),
    ] {
        let (got, answer) = harness.tell(path, body.clone()).await;
        assert_eq!(got, status, "{body}: {answer}");
        assert!(answer["error"]["message"].is_string(), "{answer}");
    }
}

#[tokio::test]
async fn pages_hold_everything_once_newest_first() {
    let harness = with_policy(1, "").await;
    harness.post("/hooks", alerts("firing", &["a", "b", "c", "d", "e"])).await;
    harness.until_one("/api/v1/incidents", |incident| incident["key"]["name"] == "e").await;
    let (mut seen, mut after) = (Vec::new(), String::new());
    for _ in 0..10 {
        let (_, page) = harness.get(&format!("/api/v1/incidents?limit=2&after={after}")).await;
        assert!(page["items"].as_array().unwrap().len() <= 2);
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].to_string()));
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    let newest_first: BTreeSet<_> = seen.iter().cloned().collect();
    assert_eq!(seen, newest_first.into_iter().rev().collect::<Vec<_>>());
    assert_eq!(seen.len(), 5);
    assert!(harness.items("/api/v1/incidents?policy=other").await.is_empty());
}

#[tokio::test]
async fn a_path_with_a_policys_name_skips_match_and_not_the_manifests_own_matchers() {
    let harness = with_policy(1, ", match: ['team=\"other\"']").await;
    harness.post("/hooks", alerts("firing", &["unwanted"])).await;
    harness.post("/hooks/demo", alerts("firing", &["plex"]).replace("Demo", "Another")).await;
    harness.post("/hooks/demo", alerts("firing", &["wanted"])).await;
    harness.until_one("/api/v1/incidents", |incident| incident["key"]["name"] == "wanted").await;
    assert_eq!(harness.items("/api/v1/incidents").await.len(), 1);
}

#[tokio::test]
async fn what_one_host_accepted_the_next_one_runs() {
    let harness = with_policy(1, "").await;
    harness.tell("/pause", json!(null)).await;
    harness.post("/hooks", alerts("firing", &["plex"])).await;
    let harness = harness.restart(Duration::from_secs(1)).await;
    assert_eq!(harness.get("/api/v1/policies").await.1["paused"], true, "a restart resumes nothing");
    harness.tell("/resume", json!(null)).await;
    let run = harness.until_one("/api/v1/runs?state=ended", |_| true).await;
    assert_eq!(run["outcome"], "remediated");
}

#[tokio::test]
async fn a_run_that_outlasts_the_grace_is_left_to_the_next_host() {
    let harness = with_policy(HOUR, "").await;
    harness.post("/hooks", alerts("firing", &["plex"])).await;
    let first = harness.until_one("/api/v1/runs", |run| run["state"] != "ended").await;
    let harness = harness.restart(Duration::from_millis(10)).await;
    harness.until_one("/api/v1/incidents", |incident| incident["state"] == "waiting").await;
    let runs = harness.items("/api/v1/runs").await;
    assert_eq!(runs.len(), 1, "it goes on, and none begins beside it");
    assert_eq!((&runs[0]["id"], &runs[0]["outcome"]), (&first["id"], &Value::Null));
}

#[tokio::test]
async fn settings_that_do_not_fit_stop_their_own_policy_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("demo.wasm"), guest::component(1)).unwrap();
    let broken = "- {name: broken, source: {file: demo.wasm}, settings: {pause: soon}}\n";
    let harness = start(dir, &format!("{}{broken}", demo(FILE, ", settings: {pause: 3}"))).await;
    let policies = harness.items("/api/v1/policies").await;
    assert_eq!(policies[0]["error"], Value::Null);
    let error = policies[1]["error"].as_str().unwrap();
    assert!(
        error.contains("suture.yaml:8:") && error.contains("`pause` is \"soon\"; it must be a whole number"),
        "{error}"
    );
    assert_eq!(harness.get("/readyz").await.0, StatusCode::OK, "one policy is at work");
    harness.post("/hooks", alerts("firing", &["plex"])).await;
    let run = harness.until_one("/api/v1/runs?state=ended", |_| true).await;
    assert_eq!(run["policy"], "demo");

    let report = check(&harness.dir.path().join("suture.yaml"), &options(), Secrets::Here).await;
    assert_eq!(report.errors.len(), 1, "{report:#?}");
    assert!(report.errors[0].line == 8 && report.errors[0].message.contains("`pause`"));
}

#[tokio::test]
async fn a_check_says_which_grants_a_policy_never_asked_for() {
    let more = ", grants: [{groups: [batch], resources: [jobs], verbs: [get], namespaces: [media]}]";
    let harness = with_policy(1, more).await;
    let report = check(&harness.dir.path().join("suture.yaml"), &options(), Secrets::Here).await;
    assert!(report.is_good(), "{report:#?}");
    assert_eq!(report.policies[0].version, "0.1.0");
    let unasked = |warning: &suture_server::ConfigError| warning.message.contains("never requests jobs");
    assert!(report.warnings.iter().any(unasked), "{report:#?}");
}

#[tokio::test]
async fn a_host_that_stops_refuses_what_still_comes_so_that_it_is_sent_again() {
    let harness = with_policy(HOUR, "").await;
    harness.server.engine().shutdown(Duration::ZERO).await;
    let (status, answer) = harness.post("/hooks", alerts("firing", &["plex"])).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
    assert_eq!(harness.get("/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(harness.get("/healthz").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_token_that_others_can_read_is_warned_about_at_the_start() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let (file, config) = (dir.path().join("token"), dir.path().join("suture.yaml"));
    std::fs::write(&file, "x").unwrap();
    let text = "listen: 127.0.0.1:0\nadmin: {listen: 127.0.0.1:0}\nwebhook: {tokenFile: token}\n\
                storage: {path: state}\ncluster: {simulated: {scenario: s.yaml}}\n";
    std::fs::write(&config, text).unwrap();
    for (mode, warned) in [(0o644, true), (0o600, false)] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let server = Server::start(&config, options()).await.unwrap();
        let open = server.warnings().iter().any(|warning| warning.message.contains("open to everybody"));
        assert_eq!(open, warned, "{mode:o}");
        server.stop(Duration::ZERO).await;
    }
}
