//! What a run may ask Prometheus.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use serde_json::json;
use suture_core::{ContractVersion, Effect, Manifest, Reason, Reply};

use super::harness::{self, RunHarness, done, harness, incident, policy, policy_with};
use super::*;

fn query(expression: &str) -> Effect {
    Effect::Query { expression: expression.into() }
}

/// A harness whose operator grants some metrics beside the usual.
fn granting(program: Arc<dyn Program>, metrics: &[&str]) -> RunHarness {
    let mut harness = harness(program);
    harness.fixture.prometheus = serde_json::from_value(json!([{"query": "up", "result": [{"value": 1}]},
        {"query": "secret", "result": [{"value": 2}]}]))
    .unwrap();
    if !metrics.is_empty() {
        let more = serde_json::from_value(json!({"metrics": metrics})).unwrap();
        harness.spec.grants = harness.spec.grants.iter().cloned().chain([more]).collect();
    }
    harness.rebuilt()
}

fn ends_well(harness: RunHarness) {
    let ending = harness.run().0.ending;
    assert_eq!(ending.name(), "remediated", "{ending:?}");
}

#[test]
fn metrics_that_are_requested_and_granted_are_queried_and_no_others() {
    let program = policy(|calls, _| async move {
        let Ok(Reply::Samples(samples)) = calls.call(query("up")).await? else { panic!("not answered") };
        assert_eq!(samples.len(), 1);
        let range =
            Effect::QueryRange { expression: "secret".into(), start_ms: 0, end_ms: 60_000, step_ms: 30_000 };
        for (effect, why) in [
            (query("secret"), "does not request"),
            (query("up + secret"), "does not request"),
            (range, "does not request"),
            (query("asked_for"), "`metrics: [asked_for]`"),
            (query("{__name__=~\"up\"}"), "can't be told"),
            (query("up{"), "can't be told"),
        ] {
            let error = calls.call(effect).await?.unwrap_err();
            assert_eq!(error.reason, Reason::DENIED);
            assert!(error.message.contains(why), "{error}");
        }
        done()
    });
    ends_well(granting(program, &["up", "secret"]));
}

#[test]
fn without_a_grant_of_metrics_nothing_is_queried() {
    let program = policy(|calls, _| async move {
        for expression in ["up", "1"] {
            assert_eq!(calls.call(query(expression)).await?.unwrap_err().reason, Reason::DENIED);
        }
        done()
    });
    ends_well(granting(program, &[]));
}

#[test]
fn a_policy_of_the_first_contract_queries_what_is_granted() {
    let manifest = Manifest { contract: ContractVersion::V0_1, permissions: vec![], ..harness::manifest() };
    let program = policy_with(manifest, |calls, _| async move {
        assert!(matches!(calls.call(query("up")).await?, Ok(Reply::Samples(_))));
        assert_eq!(calls.call(query("secret")).await?.unwrap_err().reason, Reason::DENIED);
        done()
    });
    ends_well(granting(program, &["up"]));
}

/// Runs a policy while two alerts fire; how many it sees.
fn alerts_seen(metrics: &[&str]) -> usize {
    let seen = Arc::new(AtomicUsize::new(0));
    let of_run = seen.clone();
    let program = policy(move |calls, _| {
        let of_run = of_run.clone();
        async move {
            let Ok(Reply::Alerts(alerts)) = calls.call(Effect::Alerts).await? else { panic!("not answered") };
            of_run.store(alerts.len(), SeqCst);
            done()
        }
    });
    let harness = granting(program, metrics);
    harness.cluster.set_alert(&incident("elsewhere").alert);
    ends_well(harness);
    seen.load(SeqCst)
}

#[test]
fn a_policy_sees_its_own_alert_and_others_only_by_a_grant_of_them() {
    assert_eq!(alerts_seen(&[]), 1);
    assert_eq!(alerts_seen(&["up"]), 1);
    assert_eq!(alerts_seen(&["ALERTS"]), 2);
}
