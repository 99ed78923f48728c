//! What people do, and may not do, as rows of the audit trail.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can not go on panics")]

#[allow(dead_code, reason = "each file of tests uses a part of it")]
mod harness;

use harness::{ServerHarness, serve};
use reqwest::StatusCode;
use serde_json::{Value, json};
use suture_core::Digest;
use suture_journal::{Act, ActOutcome, AuditFilter, AuditRow, Credential, Extent, Journal, Verifier};

fn token(name: &str) -> String {
    format!("the token of {name}")
}

fn config(admin: &str) -> String {
    let person = |name: &str, roles: &str| {
        format!(
            "- {{name: {name}, tokenHash: \"{}\", roles: [{roles}]}}\n",
            Digest::of(token(name).as_bytes())
        )
    };
    let people = person("alice", "viewer, operator") + &person("victor", "viewer");
    format!(
        "listen: 127.0.0.1:0\nadmin: {{listen: 127.0.0.1:0{admin}}}\nstorage: {{path: state}}\n\
         cluster: {{simulated: {{scenario: s.yaml}}}}\n{people}",
        people = if admin.is_empty() { String::new() } else { format!("people:\n{people}") }
    )
}

async fn start(admin: &str) -> ServerHarness {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("admin"), token("root")).unwrap();
    std::fs::write(dir.path().join("suture.yaml"), config(admin)).unwrap();
    serve(dir).await
}

const CLOSED: &str = ", tokenFile: admin";

async fn ask(
    harness: &ServerHarness,
    method: &str,
    path: &str,
    who: &str,
    body: &Value,
) -> (StatusCode, Value) {
    let url = format!("http://{}/api/v1{path}", harness.server.admin_addr());
    let request = harness.client.request(method.parse().unwrap(), url).bearer_auth(token(who));
    let request = if method == "POST" { request.json(body) } else { request };
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap_or_default())
}

async fn post(harness: &ServerHarness, path: &str, who: &str, body: Value) -> StatusCode {
    ask(harness, "POST", path, who, &body).await.0
}

/// The rows that a question finds, as the API shows them.
async fn listed(harness: &ServerHarness, query: &str) -> Vec<AuditRow> {
    let (status, answer) = ask(harness, "GET", &format!("/audit{query}"), "victor", &Value::Null).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let row = |row: &Value| AuditRow::of(row.as_object().unwrap()).unwrap();
    answer["items"].as_array().unwrap().iter().map(row).collect()
}

/// That the trail is whole: how many rows it has.
async fn verified(journal: &Journal) -> u64 {
    let filter = AuditFilter { oldest_first: Some(true), limit: Some(1000), ..AuditFilter::default() };
    let page = journal.audit(filter).await.unwrap();
    let mut verifier = Verifier::default();
    page.items.iter().for_each(|row| verifier.add(row).unwrap());
    verifier.finish(Extent::Whole).unwrap().rows
}

fn here() -> Option<std::net::IpAddr> {
    Some("127.0.0.1".parse().unwrap())
}

#[tokio::test]
async fn what_somebody_does_is_a_row_with_who_by_what_from_where_and_why_before_it_is_answered() {
    let harness = start(CLOSED).await;
    let pause = json!({"reason": "the NAS is being replaced", "for": "2h"});
    assert_eq!(post(&harness, "/pause", "alice", pause).await, StatusCode::OK);
    assert_eq!(post(&harness, "/resume", "root", json!({})).await, StatusCode::OK);
    let rows = listed(&harness, "?oldestFirst=true").await;
    let of = |row: &AuditRow| row.act.clone();
    let pause = Act {
        peer: here(),
        object: Some("the host".into()),
        reason: Some("the NAS is being replaced".into()),
        ..Act::new("alice", Credential::Token, "pause")
    };
    let resume = Act {
        peer: here(),
        object: Some("the host".into()),
        ..Act::new("admin", Credential::AdminToken, "resume")
    };
    assert_eq!(rows.iter().map(of).collect::<Vec<_>>(), [pause, resume]);
    assert_eq!(rows[1].previous, Some(rows[0].hash));
    assert_eq!(verified(harness.server.engine().journal()).await, 2);
}

#[tokio::test]
async fn where_no_token_is_asked_for_a_row_says_that_nobody_knows_who_it_was() {
    let harness = start("").await;
    assert_eq!(post(&harness, "/drain", "nobody", json!({"reason": "moving"})).await, StatusCode::ACCEPTED);
    let rows = listed(&harness, "").await;
    let Act { who, by, what, reason, outcome, .. } = &rows[0].act;
    assert_eq!((who.as_str(), *by, what.as_str()), ("anonymous", Credential::Anonymous, "drain"));
    assert_eq!((reason.as_deref(), *outcome), (Some("moving"), ActOutcome::Done));
}

#[tokio::test]
async fn what_somebody_may_not_do_or_what_can_not_be_done_is_a_row_with_the_reason_why() {
    let harness = start(CLOSED).await;
    assert_eq!(post(&harness, "/policies/volsync/pause", "victor", json!({})).await, StatusCode::FORBIDDEN);
    let forced = json!({"labels": {"alertname": "A"}, "force": true});
    assert_eq!(post(&harness, "/policies/volsync/runs", "alice", forced).await, StatusCode::FORBIDDEN);
    assert_eq!(post(&harness, "/runs/5xk2p9qd/cancel", "alice", json!({})).await, StatusCode::NOT_FOUND);
    assert_eq!(post(&harness, "/pause", "alice", json!({"policy": 7})).await, StatusCode::BAD_REQUEST);
    let rows = listed(&harness, "?oldestFirst=true&outcome=refused").await;
    let told = |row: &AuditRow| {
        let Act { who, what, policy, run, code, forced, .. } = row.act.clone();
        (who, what, policy.or(run).unwrap_or_default(), code.unwrap_or_default(), forced)
    };
    let row = |who: &str, what: &str, about: &str, code: &str, forced| {
        (who.to_owned(), what.to_owned(), about.to_owned(), code.to_owned(), forced)
    };
    assert_eq!(
        rows.iter().map(told).collect::<Vec<_>>(),
        [
            row("victor", "pause", "volsync", "forbidden", false),
            row("alice", "start", "volsync", "forbidden", true),
            row("alice", "cancel", "5xk2p9qd", "notFound", false),
            row("alice", "pause", "", "unreadable", false),
        ]
    );
    assert!(rows[0].act.message.as_deref().unwrap().contains("needs the role `operator`"));
}

#[tokio::test]
async fn who_does_again_and_again_what_they_may_not_fills_no_disk_and_the_rest_is_counted() {
    let harness = start(CLOSED).await;
    for _ in 0..60 {
        assert_eq!(post(&harness, "/pause", "victor", json!({})).await, StatusCode::FORBIDDEN);
    }
    for _ in 0..40 {
        assert_eq!(post(&harness, "/runs/x/cancel", "alice", json!({})).await, StatusCode::NOT_FOUND);
    }
    assert_eq!(listed(&harness, "?who=victor").await.len(), 30);
    assert_eq!(listed(&harness, "?who=alice").await.len(), 30);
    assert_eq!(
        post(&harness, "/pause", "alice", json!({})).await,
        StatusCode::OK,
        "what is done is always a row"
    );
    assert_eq!(listed(&harness, "?who=alice&outcome=done").await.len(), 1);
    let metrics = harness.metrics_as(&token("root")).await;
    for line in [
        "suture_audit_rows_total{outcome=\"refused\"} 60\n",
        "suture_audit_rows_total{outcome=\"done\"} 1\n",
        "suture_audit_unwritten_total 40\n",
    ] {
        assert!(metrics.contains(line), "{line}{metrics}");
    }
}

#[tokio::test]
async fn a_reason_of_five_megabytes_is_refused_and_the_row_is_small() {
    let harness = start(CLOSED).await;
    let reason = json!({"reason": "why ".repeat(5 << 18)});
    assert_eq!(post(&harness, "/pause", "alice", reason).await, StatusCode::PAYLOAD_TOO_LARGE);
    let rows = listed(&harness, "").await;
    assert_eq!((rows.len(), rows[0].act.outcome), (1, ActOutcome::Refused));
    assert_eq!(rows[0].act.message.as_deref(), Some("413 Payload Too Large"));
}

#[tokio::test]
async fn what_is_only_looked_at_is_no_row() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("admin"), token("root")).unwrap();
    std::fs::write(dir.path().join("demo.wasm"), harness::guest::component(1)).unwrap();
    let policies = harness::demo("{file: demo.wasm}", "");
    std::fs::write(dir.path().join("suture.yaml"), config(CLOSED) + &policies).unwrap();
    let harness = serve(dir).await;
    let path = "/policies/demo/sweep";
    for (dry_run, rows) in [(true, 0), (false, 1)] {
        let (status, answer) = ask(&harness, "POST", path, "alice", &json!({"dryRun": dry_run})).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        assert_eq!(listed(&harness, "").await.len(), rows, "dryRun: {dry_run}");
    }
}

#[tokio::test]
async fn acts_at_the_same_time_are_one_chain() {
    let harness = start(CLOSED).await;
    let acts = (0..20).map(|number| {
        let path = if number % 2 == 0 { "/pause" } else { "/resume" };
        post(&harness, path, "alice", json!({}))
    });
    let answers = futures::future::join_all(acts).await;
    assert!(answers.iter().all(|status| *status == StatusCode::OK), "{answers:?}");
    assert_eq!(verified(harness.server.engine().journal()).await, 20);
}

#[tokio::test]
async fn the_trail_goes_on_after_a_restart_and_its_head_is_told() {
    let harness = start(CLOSED).await;
    assert_eq!(post(&harness, "/pause", "alice", json!({})).await, StatusCode::OK);
    let ServerHarness { server, dir, .. } = harness;
    server.stop(std::time::Duration::ZERO).await;
    let harness = serve(dir).await;
    let head = harness.server.engine().journal().audit_head().await.unwrap().unwrap();
    let line = format!("suture_audit_head_info{{sequence=\"1\",hash=\"{}\"}} 1\n", head.hash);
    for _ in 0..500 {
        if harness.metrics_as(&token("root")).await.contains(&line) {
            assert_eq!(post(&harness, "/resume", "alice", json!({})).await, StatusCode::OK);
            assert_eq!(verified(harness.server.engine().journal()).await, 2);
            return;
        }
        harness::nap().await;
    }
    panic!("no metric says `{line}`");
}

#[tokio::test]
async fn the_list_is_for_who_may_see_and_refuses_what_it_does_not_know() {
    let harness = start(CLOSED).await;
    for (query, words) in [
        ("?whom=alice", "unknown field"),
        ("?outcome=well", "there are: done, refused, failed, unknown"),
        ("?after=x", "is not the `next`"),
    ] {
        let (status, answer) = ask(&harness, "GET", &format!("/audit{query}"), "victor", &Value::Null).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(answer["error"]["message"].as_str().unwrap().contains(words), "{answer}");
    }
    let (status, _) = ask(&harness, "GET", "/audit", "nobody", &Value::Null).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}
