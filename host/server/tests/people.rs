//! Who may do what at the admin address: each role at each route.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can not go on panics")]

#[allow(dead_code, reason = "each file of tests uses a part of it")]
mod harness;

use std::time::Duration;

use harness::{ServerHarness, serve};
use reqwest::StatusCode;
use serde_json::{Value, json};
use suture_core::{Clock, Digest, RealClock};

/// What each route needs, in the words of the configuration.
const ROUTES: [(&str, &str, &str); 32] = [
    ("GET", "/metrics", "viewer"),
    ("GET", "/api/v1/status", "viewer"),
    ("GET", "/api/v1/config", "viewer"),
    ("GET", "/api/v1/openapi.json", "viewer"),
    ("GET", "/api/v1/audit", "viewer"),
    ("GET", "/api/v1/doctor", "viewer"),
    ("POST", "/api/v1/doctor/drills", "operator"),
    ("GET", "/api/v1/doctor/drills/x", "viewer"),
    ("GET", "/api/v1/alerts/unmatched", "viewer"),
    ("GET", "/api/v1/policies", "viewer"),
    ("GET", "/api/v1/policies/p", "viewer"),
    ("POST", "/api/v1/policies/p/accept", "admin"),
    ("POST", "/api/v1/policies/p/pause", "operator"),
    ("POST", "/api/v1/policies/p/resume", "operator"),
    ("POST", "/api/v1/policies/p/runs", "operator"),
    ("POST", "/api/v1/policies/p/sweep", "operator"),
    ("GET", "/api/v1/incidents", "viewer"),
    ("GET", "/api/v1/incidents/x", "viewer"),
    ("POST", "/api/v1/incidents/x/cancel", "operator"),
    ("POST", "/api/v1/incidents/x/retry", "operator"),
    ("POST", "/api/v1/incidents/x/close", "operator"),
    ("GET", "/api/v1/runs", "viewer"),
    ("GET", "/api/v1/runs/x", "viewer"),
    ("GET", "/api/v1/runs/x/diff", "viewer"),
    ("POST", "/api/v1/runs/x/cancel", "operator"),
    ("POST", "/api/v1/runs/x/approve", "approver"),
    ("POST", "/api/v1/runs/x/reject", "approver"),
    ("POST", "/api/v1/drain", "operator"),
    ("GET", "/api/v1/drain", "viewer"),
    ("POST", "/api/v1/pause", "operator"),
    ("POST", "/api/v1/resume", "operator"),
    ("POST", "/api/v1/console/links", "viewer"),
];

const ROLES: [&str; 4] = ["viewer", "operator", "approver", "admin"];

fn token(name: &str) -> String {
    format!("the token of {name}")
}

/// Somebody's entry; they are named after their role.
fn person(name: &str, roles: &str) -> String {
    let hash = Digest::of(token(name).as_bytes());
    format!("- {{name: {name}, tokenHash: \"{hash}\", roles: [{roles}]}}\n")
}

fn config(admin: &str, people: &str) -> String {
    format!(
        "listen: 127.0.0.1:0\nadmin: {{listen: 127.0.0.1:0{admin}}}\nstorage: {{path: state}}\n\
         cluster: {{simulated: {{scenario: s.yaml}}}}\n{people}"
    )
}

async fn start(admin: &str, people: &str) -> ServerHarness {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("admin"), token("root")).unwrap();
    std::fs::write(dir.path().join("metrics"), token("prometheus")).unwrap();
    std::fs::write(dir.path().join("suture.yaml"), config(admin, people)).unwrap();
    serve(dir).await
}

fn everybody() -> String {
    // `people: [admin]` would be taken for the one of the token file.
    let people: String = ROLES.map(|role| person(&format!("{role}-1"), role)).concat();
    format!("people:\n{people}")
}

async fn ask(
    harness: &ServerHarness,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: &Value,
) -> (StatusCode, Value) {
    let url = format!("http://{}{path}", harness.server.admin_addr());
    let request = harness.client.request(method.parse().unwrap(), url);
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    let request = if method == "POST" { request.json(body) } else { request };
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap_or_default())
}

fn body(path: &str) -> Value {
    match path.rsplit('/').next() {
        Some("runs") => json!({"labels": {"alertname": "A"}}),
        Some("accept") => json!({"digest": Digest::of(b"a module").to_string()}),
        _ => json!({}),
    }
}

#[tokio::test]
async fn the_document_of_the_api_has_each_route_with_the_role_that_it_needs() {
    let harness = start("", "").await;
    let (status, document) = bed_document(&harness).await;
    assert_eq!(status, StatusCode::OK);
    let mut described = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if let Some(role) = operation["x-suture-role"].as_str() {
                described.push((method.to_uppercase(), path.clone(), role.to_owned()));
            }
        }
    }
    let named = |path: &str| path.replace("/policies/p", "/policies/{name}").replace("/x", "/{id}");
    let mut needed: Vec<_> =
        ROUTES.map(|(method, path, role)| (method.to_owned(), named(path), role.to_owned())).to_vec();
    described.sort();
    needed.sort();
    assert_eq!(described, needed);
}

async fn bed_document(harness: &ServerHarness) -> (StatusCode, Value) {
    ask(harness, "GET", "/api/v1/openapi.json", None, &Value::Null).await
}

#[tokio::test]
async fn each_role_passes_where_it_has_the_right_and_is_told_elsewhere_what_it_lacks() {
    let harness = start("", &everybody()).await;
    for (method, path, needed) in ROUTES {
        for role in ROLES {
            let who = format!("{role}-1");
            let (status, answer) = ask(&harness, method, path, Some(&token(&who)), &body(path)).await;
            if role == needed || role == "admin" {
                let is_let_in = ![StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status);
                assert!(is_let_in, "{role} at {method} {path}: {status} {answer}");
                continue;
            }
            assert_eq!(status, StatusCode::FORBIDDEN, "{role} at {method} {path}: {answer}");
            assert_eq!(answer["error"]["code"], "forbidden");
            let message = answer["error"]["message"].as_str().unwrap();
            assert!(message.contains(&format!("needs the role `{needed}`")), "{message}");
            assert!(message.contains(&format!("`{who}` has the role {role}")), "{message}");
        }
        for (token, words) in [
            (None, "a bearer token is needed"),
            (Some(""), "a bearer token is needed"),
            (Some("nobody's"), "the token is not one that this host knows"),
        ] {
            let (status, answer) = ask(&harness, method, path, token, &body(path)).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{token:?} at {method} {path}");
            let message = answer["error"]["message"].as_str().unwrap();
            assert!(message.contains(words) && !message.contains("nobody's"), "{token:?}: {message}");
        }
        let (status, _) =
            ask(&harness, method, &format!("{path}/"), Some(&token("admin-1")), &body(path)).await;
        let (without, _) = ask(&harness, method, path, Some(&token("admin-1")), &body(path)).await;
        assert_eq!(status, without, "a slash at the end of {path} changes nothing");
    }
    let refused = harness.metrics_as(&token("admin-1")).await;
    let routes = ROUTES.len();
    // Each role that is not the one that is needed, nor `admin`.
    let forbidden: usize = ROUTES.iter().map(|(_, _, needed)| if *needed == "admin" { 3 } else { 2 }).sum();
    for (reason, times) in [("noToken", 2 * routes), ("unknownToken", routes), ("forbidden", forbidden)] {
        let line =
            format!("suture_requests_refused_total{{listener=\"admin\",reason=\"{reason}\"}} {times}\n");
        assert!(refused.contains(&line), "{line}{refused}");
    }
    assert!(
        !harness.server.engine().is_paused(),
        "what was refused was not done; the last that passed resumed"
    );
    assert_eq!(ask(&harness, "GET", "/healthz", None, &json!({})).await.0, StatusCode::OK);
}

#[tokio::test]
async fn the_routes_of_the_table_are_all_there_are() {
    let source = include_str!("../src/api.rs");
    let in_code = source.lines().filter(|line| line.contains("(Right::") && line.contains("\"/")).count();
    assert_eq!(in_code, ROUTES.len());
}

#[tokio::test]
async fn to_force_a_run_is_a_right_of_its_own() {
    let harness = start("", &everybody()).await;
    let forced = json!({"labels": {"alertname": "A"}, "force": true});
    let start =
        async |who: &str| ask(&harness, "POST", "/api/v1/policies/p/runs", Some(&token(who)), &forced).await;
    let (status, answer) = start("operator-1").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains("needs the role `admin`") && message.contains("does not confirm"), "{message}");
    // There is no such policy; but they may.
    assert_eq!(start("admin-1").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_token_files_go_on_beside_people() {
    let harness = start(", tokenFile: admin, metricsTokenFile: metrics", &everybody()).await;
    let status = async |method: &str, path: &str, who: &str| {
        ask(&harness, method, path, Some(&token(who)), &body(path)).await.0
    };
    assert_eq!(status("POST", "/api/v1/pause", "root").await, StatusCode::OK);
    assert_eq!(status("POST", "/api/v1/resume", "operator-1").await, StatusCode::OK);
    assert_eq!(status("GET", "/metrics", "prometheus").await, StatusCode::OK);
    assert_eq!(status("GET", "/api/v1/runs", "prometheus").await, StatusCode::FORBIDDEN);
    assert_eq!(status("POST", "/api/v1/pause", "prometheus").await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn people_come_and_go_while_the_host_runs_and_the_door_stays_shut_when_all_are_gone() {
    let harness = start("", &format!("people:\n{}", person("alice", "viewer"))).await;
    let status =
        async |who: &str| ask(&harness, "GET", "/api/v1/runs", Some(&token(who)), &json!({})).await.0;
    assert_eq!(status("alice").await, StatusCode::OK);
    assert_eq!(status("bob").await, StatusCode::UNAUTHORIZED);
    let file = harness.dir.path().join("suture.yaml");
    let becomes = async |people: &str, who: &str, wanted: StatusCode| {
        std::fs::write(&file, config("", people)).unwrap();
        harness.server.reload();
        for _ in 0..1000 {
            if status(who).await == wanted {
                return;
            }
            let clock: &dyn Clock = &RealClock;
            clock.sleep(Duration::from_millis(10)).await;
        }
        panic!("{who} never gets {wanted}");
    };
    becomes(&format!("people:\n{}", person("bob", "viewer")), "bob", StatusCode::OK).await;
    assert_eq!(status("alice").await, StatusCode::UNAUTHORIZED);
    becomes("", "bob", StatusCode::UNAUTHORIZED).await;
    assert_eq!(ask(&harness, "GET", "/api/v1/runs", None, &json!({})).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn without_tokens_and_people_whoever_reaches_the_address_may_do_everything() {
    let harness = start("", "").await;
    for (method, path, _) in ROUTES {
        let (status, answer) = ask(&harness, method, path, None, &body(path)).await;
        let is_let_in = ![StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status);
        assert!(is_let_in, "{method} {path}: {answer}");
    }
}

#[tokio::test]
async fn a_run_by_hand_needs_an_alert_that_fires_unless_it_is_forced_and_says_who_started_it() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("demo.wasm"), harness::guest::component(1)).unwrap();
    let policies = "policies:\n- {name: demo, source: {file: demo.wasm}, mode: enforce}\n";
    std::fs::write(dir.path().join("suture.yaml"), config("", &(everybody() + policies))).unwrap();
    let harness = serve(dir).await;
    let start = async |force: bool| {
        let body = json!({"labels": {"alertname": "Demo", "name": "plex"}, "force": force});
        ask(&harness, "POST", "/api/v1/policies/demo/runs", Some(&token("admin-1")), &body).await
    };
    let (status, answer) = start(false).await;
    assert_eq!((status, &answer["error"]["code"]), (StatusCode::CONFLICT, &json!("notFiring")), "{answer}");
    let (status, answer) = start(true).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    let path = format!("/api/v1/incidents/{}", answer["incident"].as_str().unwrap());
    let (_, incident) = ask(&harness, "GET", &path, Some(&token("viewer-1")), &json!({})).await;
    assert_eq!(
        (&incident["startedBy"], &incident["forced"]),
        (&json!("admin-1"), &json!(true)),
        "{incident}"
    );
}
