//! A server on loopback, and clients that are not always friendly.
#![allow(clippy::unwrap_used, reason = "a test that can not go on panics")]

#[allow(dead_code, reason = "each file of tests uses a part of it")]
mod harness;

use std::sync::Arc;
use std::time::Duration;

use harness::{JSON, ServerHarness, TOKEN, client, harness, options, serve, start};
use reqwest::StatusCode;
use serde_json::{Value, json};
use suture_core::effect::Level;
use suture_core::{Effect, Reply};
use suture_journal::{Answer, Body, Change, Durability, Entry, RunRecord};
use suture_server::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn notification() -> String {
    json!({"version": "4", "status": "firing", "receiver": "suture", "newField": {"x": [1]}, "alerts": [
        {"status": "firing", "labels": {"alertname": "A"}, "annotations": {}, "startsAt": "2026-11-22T04:10:00Z",
         "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "", "fingerprint": "f", "another": 1}]})
    .to_string()
}

#[tokio::test]
async fn a_notification_is_accepted_and_unknown_fields_are_ignored() {
    let harness = harness().await;
    let (status, body) = harness.post("/hooks", notification()).await;
    assert_eq!((status, body), (StatusCode::OK, json!({"accepted": 1})));
    assert!(harness.metrics().await.contains(r#"suture_notifications_total{result="accepted"} 1"#));
}

#[tokio::test]
async fn without_the_token_nothing_is_read() {
    let harness = harness().await;
    let url = format!("http://{}/hooks", harness.server.webhook_addr());
    for request in [
        harness.client.post(&url),
        harness.client.post(&url).bearer_auth("wrong"),
        harness.client.post(&url).basic_auth("a", Some("b")),
    ] {
        let request = request.header("content-type", JSON).body(notification());
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(answer.headers()["www-authenticate"], "Bearer");
    }
}

#[tokio::test]
async fn a_body_that_can_not_be_read_is_refused_with_the_place() {
    let harness = harness().await;
    let whole = notification();
    let deep = format!(r#"{{"alerts": {}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    for (body, path) in [
        ("".to_owned(), None),
        ("nonsense".to_owned(), None),
        (whole[..whole.len() / 2].to_owned(), None),
        (whole.replace("\"startsAt\":\"2026", "\"startsAt\":\"soon"), Some("alerts[0].startsAt")),
        (
            r#"{"alerts": [{"status": "firing", "labels": {"a": 1}, "startsAt": "2026-11-22T04:10:00Z"}]}"#
                .to_owned(),
            Some("alerts[0].labels.a"),
        ),
        (r#"{"alerts": "none"}"#.to_owned(), Some("alerts")),
        (deep, None),
    ] {
        let (status, answer) = harness.post("/hooks", body.clone()).await;
        let error = &answer["error"];
        assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
        assert!(error["message"].as_str().unwrap().contains("line"), "{answer}");
        if let Some(path) = path {
            assert_eq!(error["path"], path, "{answer}");
        }
    }
    assert_eq!(harness.post("/hooks", notification()).await.0, StatusCode::OK, "the server goes on");
}

#[tokio::test]
async fn a_body_of_another_shape_is_refused_with_what_to_configure() {
    let harness = harness().await;
    let templated = json!({"text": "A fires", "alerts": [{"labels": {"alertname": "A"}}]}).to_string();
    for (body, told) in [
        (r#"{"channel": "ops", "text": "A fires"}"#.to_owned(), "`payload`"),
        (templated, "`payload`"),
        (json!([{"labels": {"alertname": "A"}}]).to_string(), "Alertmanager itself"),
    ] {
        let (status, answer) = harness.post("/hooks", body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(told), "{answer}");
    }
}

#[tokio::test]
async fn an_alert_that_no_policy_is_for_is_shown_and_the_doctor_speaks_of_it() {
    let harness = harness().await;
    assert_eq!(harness.post("/hooks", notification()).await.0, StatusCode::OK);
    let shown = harness.until("/api/v1/alerts/unmatched", |shown| shown["items"][0].is_object()).await;
    let item = &shown["items"][0];
    assert_eq!(
        (&item["alertname"], &item["reason"], &item["count"]),
        (&json!("A"), &json!("noPolicy"), &json!(1))
    );
    let (status, report) = harness.get("/api/v1/doctor").await;
    assert_eq!((status, &report["worst"]), (StatusCode::OK, &json!("warn")), "{report:#}");
    let (_, host) = harness.get("/api/v1/status").await;
    assert_eq!(host["inbox"]["notifications"], 0, "what it tried to write is gone: {host:#}");
    let findings = report["findings"].as_array().unwrap();
    let unmatched = findings.iter().find(|finding| finding["check"] == "unmatched").unwrap();
    assert!(
        unmatched["found"].as_str().unwrap().contains("A") && unmatched["remedy"].is_string(),
        "{unmatched:#}"
    );
    // There is no Alertmanager to send one through.
    assert_eq!(harness.tell("/doctor/drills", json!({})).await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(harness.get("/api/v1/doctor/drills/nothing").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_huge_body_is_refused_and_the_server_goes_on() {
    let harness = harness().await;
    let (status, answer) = harness.post("/hooks", "x".repeat(10 << 20)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{answer}");
    assert_eq!(harness.post("/hooks", notification()).await.0, StatusCode::OK);
}

#[tokio::test]
async fn other_methods_paths_and_policies_are_told_apart() {
    let harness = harness().await;
    let url = |path: &str| format!("http://{}{path}", harness.server.webhook_addr());
    let get = harness.client.get(url("/hooks")).bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!(get.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(harness.post("/elsewhere", notification()).await.0, StatusCode::NOT_FOUND);
    let (status, answer) = harness.post("/hooks/nobody", notification()).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(answer["error"]["message"].as_str().unwrap().contains("nobody"));
    assert_eq!(harness.get("/api/v1/nothing").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_clients_at_once_are_all_answered() {
    let harness = Arc::new(harness().await);
    let clients: Vec<_> = (0..64)
        .map(|_| {
            let harness = harness.clone();
            tokio::spawn(async move {
                for _ in 0..5 {
                    assert_eq!(harness.post("/hooks", notification()).await.0, StatusCode::OK);
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    assert!(harness.metrics().await.contains(r#"suture_notifications_total{result="accepted"} 320"#));
}

#[tokio::test]
async fn a_client_that_never_finishes_is_let_go_and_others_are_served() {
    let harness = harness().await;
    let mut slow = tokio::net::TcpStream::connect(harness.server.webhook_addr()).await.unwrap();
    let head = format!(
        "POST /hooks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Type: {JSON}\r\nContent-Length: 1000\r\n\r\n{{"
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(harness.post("/hooks", notification()).await.0, StatusCode::OK);
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
}

#[tokio::test]
async fn the_api_lists_pages_and_filters() {
    let harness = harness().await;
    let empty = json!([]);
    for path in ["/api/v1/incidents", "/api/v1/runs?policy=x&state=&limit=5", "/api/v1/policies"] {
        let (status, body) = harness.get(path).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        assert_eq!((&body["items"], &body["next"]), (&empty, &Value::Null));
    }
    for (query, words) in [
        ("incidents?state=bogus", "received, queued, held, running, waiting"),
        ("runs?state=bogus", "there are: running, waiting, ended"),
        ("runs?outcome=bogus", "remediated, unnecessary, retry, escalate"),
        ("runs?since=yesterday", "neither a duration"),
        ("runs?open=perhaps", "open"),
        ("runs?colour=red", "unknown field `colour`"),
    ] {
        let (status, answer) = harness.get(&format!("/api/v1/{query}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}: {answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(words), "{query}: {answer}");
    }
    let every = "policy=p&namespace=media&state=ended&outcome=failed&since=2h&open=false&limit=5&after=";
    assert_eq!(harness.get(&format!("/api/v1/runs?{every}")).await.0, StatusCode::OK);
    assert_eq!(harness.get("/api/v1/runs?after=nonsense").await.0, StatusCode::BAD_REQUEST);
    assert_eq!(harness.get("/api/v1/runs?limit=many").await.0, StatusCode::BAD_REQUEST);
    assert_eq!(harness.get("/api/v1/runs/nothing").await.0, StatusCode::NOT_FOUND);
    assert_eq!(harness.get("/healthz").await.0, StatusCode::OK);
    assert_eq!(harness.get("/readyz").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_body_that_is_too_large_for_the_api_is_refused_as_everything_is() {
    let harness = harness().await;
    let (status, answer) = harness.tell("/pause", json!({"reason": "x".repeat(100_000)})).await;
    assert_eq!((status, &answer["error"]["code"]), (StatusCode::PAYLOAD_TOO_LARGE, &json!("tooLarge")));
}

#[tokio::test]
async fn a_policy_that_can_not_be_loaded_says_why_and_the_host_goes_on_taking_alerts() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("bad.wasm"), "not wasm").unwrap();
    let harness = start(dir, "policies: [{name: bad, source: {file: bad.wasm}}]\n").await;
    let (_, policies) = harness.get("/api/v1/policies").await;
    assert!(policies["items"][0]["error"].as_str().unwrap().contains("bad.wasm"), "{policies}");
    assert_eq!(harness.get("/readyz").await.0, StatusCode::OK);
    assert_eq!(harness.get("/healthz").await.0, StatusCode::OK);
    assert_eq!(harness.post("/hooks", notification()).await.0, StatusCode::OK);
    let url = format!("http://{}/api/v1/policies/bad/runs", harness.server.admin_addr());
    let answer =
        harness.client.post(url).header("content-type", JSON).body(r#"{"labels": {}}"#).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn pause_and_resume_are_told() {
    let harness = harness().await;
    for (path, paused) in [("pause", true), ("resume", false)] {
        let url = format!("http://{}/api/v1/{path}", harness.server.admin_addr());
        let answer: Value =
            harness.client.post(url).header("content-type", JSON).send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["paused"], json!(paused));
        assert_eq!(harness.server.engine().is_paused(), paused);
    }
}

#[tokio::test]
async fn an_admin_token_guards_everything_but_health() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("admin"), "s3cret").unwrap();
    std::fs::write(
        dir.path().join("suture.yaml"),
        "listen: 127.0.0.1:0\nadmin: {listen: 127.0.0.1:0, tokenFile: admin}\n\
        storage: {path: state}\ncluster: {simulated: {scenario: s.yaml}}\n",
    )
    .unwrap();
    let harness = serve(dir).await;
    assert_eq!(harness.get("/api/v1/runs").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(harness.get("/metrics").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(harness.get("/healthz").await.0, StatusCode::OK);
    let url = format!("http://{}/api/v1/runs", harness.server.admin_addr());
    let answer = harness.client.get(url).bearer_auth("s3cret").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_token_for_metrics_reads_metrics_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("admin"), "s3cret").unwrap();
    std::fs::write(dir.path().join("metrics"), "scr4pe").unwrap();
    std::fs::write(
        dir.path().join("suture.yaml"),
        "listen: 127.0.0.1:0\nadmin: {listen: 127.0.0.1:0, tokenFile: admin, metricsTokenFile: metrics}\n\
        storage: {path: state}\ncluster: {simulated: {scenario: s.yaml}}\n",
    )
    .unwrap();
    let server = Server::start(&dir.path().join("suture.yaml"), options()).await.unwrap();
    let status = async |path: &str, token: &str| {
        let url = format!("http://{}{path}", server.admin_addr());
        client().get(url).bearer_auth(token).send().await.unwrap().status()
    };
    assert_eq!(status("/metrics", "scr4pe").await, StatusCode::OK);
    assert_eq!(status("/metrics", "s3cret").await, StatusCode::OK);
    assert_eq!(status("/metrics", "other").await, StatusCode::UNAUTHORIZED);
    assert_eq!(status("/api/v1/runs", "s3cret").await, StatusCode::OK);
    for path in ["/api/v1/runs", "/api/v1/policies", "/api/v1/config"] {
        assert_eq!(status(path, "scr4pe").await, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn a_stopped_server_leaves_its_journal_to_the_next() {
    let harness = harness().await;
    harness.post("/hooks", notification()).await;
    let ServerHarness { server, dir, .. } = harness;
    let second = Server::start(&dir.path().join("suture.yaml"), options()).await;
    assert!(second.err().unwrap().to_string().contains("in use"), "two hosts on one journal");
    server.stop(Duration::from_secs(1)).await;
    let harness = start(dir, "").await;
    assert_eq!(harness.post("/hooks", notification()).await.0, StatusCode::OK);
}

#[tokio::test]
async fn requests_beyond_what_is_read_at_once_are_told_to_come_again() {
    let harness = harness().await;
    let head = format!(
        "POST /hooks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Type: {JSON}\r\nContent-Length: 1000\r\n\r\n{{"
    );
    let mut slow = Vec::new();
    for _ in 0..256 {
        let mut client = tokio::net::TcpStream::connect(harness.server.webhook_addr()).await.unwrap();
        client.write_all(head.as_bytes()).await.unwrap();
        slow.push(client);
    }
    let url = format!("http://{}/hooks", harness.server.webhook_addr());
    let mut refused = None;
    // The last of the slow ones may not be read yet.
    for _ in 0..100 {
        let answer =
            harness.client.post(&url).bearer_auth(TOKEN).header("content-type", JSON).body(notification());
        let answer = answer.send().await.unwrap();
        if answer.status() == StatusCode::SERVICE_UNAVAILABLE {
            refused = Some(answer);
            break;
        }
    }
    assert!(refused.unwrap().headers().contains_key("retry-after"));
    drop(slow);
    for _ in 0..1000 {
        if harness.post("/hooks", notification()).await.0 == StatusCode::OK {
            return;
        }
    }
    panic!("the room that they took is never free again");
}

#[tokio::test]
async fn an_alert_that_can_not_be_stored_is_not_accepted() {
    let harness = harness().await;
    harness.server.engine().journal().close().await.unwrap();
    let (status, answer) = harness.post("/hooks", notification()).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
    assert!(harness.metrics().await.contains(r#"suture_notifications_total{result="unavailable"} 1"#));
}

#[tokio::test]
async fn every_error_is_json_with_a_code() {
    let harness = harness().await;
    let (webhook, admin) = (harness.server.webhook_addr(), harness.server.admin_addr());
    for (method, url, status) in [
        ("POST", format!("http://{webhook}/hooks/%FF"), 400),
        ("POST", format!("http://{webhook}/hooks/{}", "x".repeat(5000)), 404),
        ("POST", format!("http://{webhook}/hooks/a/b"), 404),
        ("PUT", format!("http://{webhook}/hooks/a"), 405),
        ("GET", format!("http://{webhook}/metrics"), 404),
        ("GET", format!("http://{admin}/api/v1/runs/%FF"), 400),
        ("GET", format!("http://{admin}/api/v1/incidents/nothing"), 404),
        ("GET", format!("http://{admin}/api/v1/runs?colour=red"), 400),
        ("DELETE", format!("http://{admin}/api/v1/runs"), 405),
        ("GET", format!("http://{admin}/api/v1/pause"), 405),
        ("GET", format!("http://{admin}/api/v2/runs"), 404),
        ("POST", format!("http://{admin}/metrics"), 405),
    ] {
        let request = harness
            .client
            .request(method.parse().unwrap(), &url)
            .bearer_auth(TOKEN)
            .header("content-type", JSON);
        let answer = request.body(notification()).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{method} {url}");
        let body: Value = answer.json().await.unwrap_or_else(|error| panic!("{method} {url}: {error}"));
        assert!(body["error"]["code"].is_string() && body["error"]["message"].is_string(), "{url}: {body}");
    }
}

#[tokio::test]
async fn an_empty_list_of_alerts_is_accepted() {
    let harness = harness().await;
    let (status, body) = harness.post("/hooks", r#"{"version":"5","alerts":[]}"#).await;
    assert_eq!((status, body), (StatusCode::OK, json!({"accepted": 0})));
}

#[tokio::test]
async fn a_client_that_does_not_go_does_not_hold_up_the_end() {
    let ServerHarness { server, .. } = harness().await;
    let mut idle = tokio::net::TcpStream::connect(server.admin_addr()).await.unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost:").await.unwrap();
    server.stop(Duration::ZERO).await;
    let clock: &dyn suture_core::Clock = &suture_core::RealClock;
    let let_go = clock.timeout(Duration::from_millis(50), idle.read_u8()).await;
    assert!(let_go.is_none(), "the end waited until the client was let go");
}

#[tokio::test]
async fn a_journal_that_could_not_be_written_is_ready_again_once_it_can_though_nothing_is_sent() {
    let harness = harness().await;
    let other = rusqlite::Connection::open(harness.server.engine().journal().path()).unwrap();
    other
        .execute_batch(
            "CREATE TABLE seen (received_at INTEGER);
             CREATE TRIGGER see AFTER INSERT ON inbox BEGIN INSERT INTO seen VALUES (new.received_at); END;",
        )
        .unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(harness.post("/hooks", notification()).await.0, StatusCode::SERVICE_UNAVAILABLE);
    let (status, answer) = harness.get("/readyz").await;
    assert_eq!((status, &answer["error"]["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("unavailable")));
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(harness.get("/readyz").await.0, StatusCode::OK);
    let attempt: i64 = other.query_row("SELECT min(received_at) FROM seen", [], |row| row.get(0)).unwrap();
    assert!(attempt > 1_700_000_000_000, "what tries the journal waits since today, or an alert rule fires");
    assert_eq!(harness.post("/hooks", notification()).await.0, StatusCode::OK);
}

#[tokio::test]
async fn an_alertmanager_that_is_away_is_shown_although_nothing_waits() {
    let away = "alertmanager: {url: 'http://127.0.0.1:1'}\n";
    let harness = start(tempfile::tempdir().unwrap(), away).await;
    let is_told = |status: &Value| status["upstreams"][0]["failingSince"].is_string();
    let status = harness.until("/api/v1/status", is_told).await;
    let upstream = &status["upstreams"][0];
    assert_eq!((&upstream["url"], &upstream["answeredAt"]), (&json!("http://127.0.0.1:1"), &Value::Null));
    assert!(upstream["error"].as_str().unwrap().contains("can't be reached"), "{upstream}");
    assert_eq!((&status["unreconciled"], &status["journal"]["damage"]), (&Value::Null, &json!([])));
}

#[tokio::test]
async fn a_body_that_says_it_is_too_large_is_refused_before_it_is_sent() {
    let harness = harness().await;
    let mut stream = tokio::net::TcpStream::connect(harness.server.webhook_addr()).await.unwrap();
    let head = format!(
        "POST /hooks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n\
         Content-Length: 1048577\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
}

/// An incident that is open, and takes a mebibyte.
fn large_incident(number: usize) -> Change {
    let mut seed = number as u64 + 1;
    let summary: String = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b' ' + (seed >> 58) as u8)
    })
    .take(1 << 20)
    .collect();
    let incident = json!({"id": format!("i{number}"), "policy": "volsync", "key": {}, "fingerprint": "f",
        "startsAt": "2026-11-22T04:10:00Z", "state": "escalated", "openedAt": "2026-11-22T04:10:00Z",
        "closedAt": null, "runs": [], "attempts": 1, "due": null, "summary": summary,
        "alert": {"status": "firing", "labels": {}, "startsAt": "2026-11-22T04:10:00Z"}});
    Change::Incident(serde_json::from_value(incident).unwrap())
}

#[tokio::test]
async fn a_full_journal_takes_nothing_new_and_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("token"), TOKEN).unwrap();
    let config = "listen: 127.0.0.1:0\nadmin: {listen: 127.0.0.1:0}\nstorage: {path: state, maxSize: 64Mi}\n\
                  cluster: {simulated: {scenario: s.yaml}}\nwebhook: {tokenFile: token}\n";
    std::fs::write(dir.path().join("suture.yaml"), config).unwrap();
    let harness = serve(dir).await;
    assert_eq!(harness.post("/hooks", notification()).await.0, StatusCode::OK);
    let journal = harness.server.engine().journal();
    for number in 0..64 {
        if journal.room().is_full_with(0) {
            break;
        }
        journal.commit(vec![large_incident(number)], Durability::Synced).await.unwrap();
    }
    assert!(journal.room().is_full_with(0), "{:?}", journal.room());

    let url = format!("http://{}/hooks", harness.server.webhook_addr());
    let request = harness.client.post(url).bearer_auth(TOKEN).header("content-type", "application/json");
    let answer = request.body(notification()).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers().contains_key("retry-after"));
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["error"]["code"], "journalFull");
    assert!(answer["error"]["message"].as_str().unwrap().contains("raise `storage.maxSize`"), "{answer}");
    // That an alert cleared is no more work.
    let (status, answer) = harness.post("/hooks", notification().replace("firing", "resolved")).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let metrics = harness.metrics().await;
    assert!(metrics.contains("suture_journal_max_bytes 67108864"), "{metrics}");
    assert!(metrics.contains(r#"suture_notifications_total{result="journalFull"} 1"#), "{metrics}");
    // The answer that lists them is bounded as well.
    let (status, page) = harness.get("/api/v1/incidents?limit=1000").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page["items"].as_array().unwrap().len() <= 4 && page["next"].is_string());
}

#[tokio::test]
async fn a_large_record_is_shown_in_parts() {
    let harness = harness().await;
    let journal = harness.server.engine().journal();
    let entry = |step: u32| {
        let effect = Effect::Log { level: Level::Info, message: "x".repeat(1 << 20) };
        let body = Body::Call { effect, answer: Answer::Ok(Reply::Noted), undo_of: None };
        Entry { step, at: "2026-11-22T04:10:00Z".parse().unwrap(), body }
    };
    let run: RunRecord = serde_json::from_value(json!({"id": "r1", "incident": "i1", "policy": "p", "digest": "d",
        "mode": "enforce", "attempt": 1, "state": "running", "startedAt": "2026-11-22T04:10:00Z", "outcome": null,
        "summary": null, "endedAt": null}))
    .unwrap();
    journal.commit(vec![Change::Run(run.clone())], Durability::Synced).await.unwrap();
    for step in 1..=20 {
        journal.commit(vec![Change::Entry(run.id.clone(), entry(step))], Durability::Synced).await.unwrap();
    }
    let (mut steps, mut next) = (Vec::new(), String::new());
    for _ in 0..20 {
        let (status, part) = harness.get(&format!("/api/v1/runs/r1{next}")).await;
        assert_eq!(status, StatusCode::OK, "{part}");
        let effects = part["effects"].as_array().unwrap();
        assert!((1..=5).contains(&effects.len()), "{}", effects.len());
        steps.extend(effects.iter().map(|effect| effect["step"].as_u64().unwrap()));
        match part["next"].as_str() {
            Some(after) => next = format!("?after={after}"),
            None => break,
        }
    }
    assert_eq!(steps, (1..=20).collect::<Vec<_>>());
    let (_, part) = harness.get("/api/v1/runs/r1?after=3&limit=2").await;
    assert_eq!((part["effects"][0]["step"].clone(), part["next"].clone()), (json!(4), json!("5")));
    assert_eq!(harness.get("/api/v1/runs/r1?after=x").await.0, StatusCode::BAD_REQUEST);
}
