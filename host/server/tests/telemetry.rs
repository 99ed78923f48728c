//! What a collector of traces gets.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can not go on panics")]

#[allow(dead_code, reason = "each file of tests uses a part of it")]
mod harness;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use harness::{ServerHarness, alerts, demo, guest, nap, serve, start};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

#[derive(Clone, Default)]
struct Collector {
    spans: Arc<parking_lot::Mutex<Vec<Span>>>,
    /// What is left to be refused.
    refuse: Arc<parking_lot::Mutex<u32>>,
}

async fn receive(State(collector): State<Collector>, headers: HeaderMap, body: Bytes) -> StatusCode {
    assert_eq!(headers["authorization"], "Bearer for-the-collector");
    let mut refuse = collector.refuse.lock();
    if *refuse > 0 {
        *refuse -= 1;
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    collector.spans.lock().extend(scopes.flat_map(|scope| scope.spans));
    StatusCode::OK
}

impl Collector {
    async fn serve(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/v1/traces", post(receive)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    fn named(&self, begins: &str) -> Vec<Span> {
        self.spans.lock().iter().filter(|span| span.name.starts_with(begins)).cloned().collect()
    }
}

fn attribute(span: &Span, name: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == name).unwrap();
    match found.value.clone().unwrap().value.unwrap() {
        Any::StringValue(text) => text,
        other => format!("{other:?}"),
    }
}

async fn with(url: &str, sleep_ms: u64) -> ServerHarness {
    configured(url, sleep_ms, "").await
}

async fn configured(url: &str, sleep_ms: u64, more: &str) -> ServerHarness {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("demo.wasm"), guest::component(sleep_ms)).unwrap();
    std::fs::write(dir.path().join("headers"), "Authorization: Bearer for-the-collector\n").unwrap();
    let config = format!(
        "telemetry: {{otlp: {{endpoint: '{url}', headersFile: headers, timeout: 1s{more}}}}}\n\
         {}",
        demo("{file: demo.wasm}", "")
    );
    start(dir, &config).await
}

impl ServerHarness {
    async fn fire(&self, status: &str) {
        assert_eq!(self.post("/hooks", alerts(status, &["plex"])).await.0, StatusCode::OK);
    }

    async fn until_state(&self, wanted: &str) -> String {
        let seen = self.until("/api/v1/incidents", |seen| seen["items"][0]["state"] == wanted).await;
        seen["items"][0]["id"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn an_alert_its_run_and_its_effects_are_one_trace() {
    let collector = Collector::default();
    let harness = with(&collector.serve().await, 1).await;
    harness.fire("firing").await;
    harness.until_state("verifying").await;
    harness.fire("resolved").await;
    let incident = harness.until_state("resolved").await;
    harness.server.stop(Duration::from_secs(5)).await;
    let (alerts, runs, effects) =
        (collector.named("alert"), collector.named("run"), collector.named("sleep"));
    assert_eq!((alerts.len(), runs.len(), effects.len()), (1, 1, 1), "{:#?}", collector.spans.lock());
    let (alert, run, effect) = (&alerts[0], &runs[0], &effects[0]);
    assert!(alert.trace_id == run.trace_id && run.trace_id == effect.trace_id);
    assert!(alert.parent_span_id.is_empty());
    assert_eq!((&run.parent_span_id, &effect.parent_span_id), (&alert.span_id, &run.span_id));
    assert!(alert.start_time_unix_nano <= run.start_time_unix_nano);
    assert!(run.start_time_unix_nano <= effect.start_time_unix_nano);
    assert!(effect.end_time_unix_nano <= run.end_time_unix_nano);
    assert!(run.end_time_unix_nano <= alert.end_time_unix_nano);
    assert_eq!(attribute(alert, "suture.incident"), incident);
    assert_eq!(
        (attribute(alert, "suture.state"), attribute(alert, "suture.key.name")),
        ("resolved".into(), "plex".into())
    );
    assert_eq!(
        (attribute(run, "suture.outcome"), attribute(run, "suture.mode")),
        ("remediated".into(), "enforce".into())
    );
    // What the policy says may quote anything.
    assert!(!format!("{:?}", collector.spans.lock()).contains("all is well"));
}

#[tokio::test]
async fn a_run_that_goes_on_after_a_restart_stays_in_its_trace_and_nothing_is_told_twice() {
    let collector = Collector::default();
    let url = collector.serve().await;
    let harness = with(&url, 6_000).await;
    harness.fire("firing").await;
    harness.until_state("waiting").await;
    harness.server.stop(Duration::ZERO).await;
    assert!(collector.named("run").is_empty(), "it is not over");
    let harness = serve(harness.dir).await;
    harness.until_state("verifying").await;
    harness.fire("resolved").await;
    harness.until_state("resolved").await;
    harness.server.stop(Duration::from_secs(5)).await;
    assert_eq!((collector.named("alert").len(), collector.named("run").len()), (1, 1));
    // What was done before the restart is told, too.
    assert_eq!(collector.named("sleep").len(), 1, "{:#?}", collector.spans.lock());
    assert_eq!(collector.named("alert")[0].trace_id, collector.named("run")[0].trace_id);
    let mut ids: Vec<_> = collector.spans.lock().iter().map(|span| span.span_id.clone()).collect();
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count, "{:#?}", collector.spans.lock());
}

#[tokio::test]
async fn an_alert_that_clears_after_a_restart_has_its_span_and_that_of_its_verification() {
    let collector = Collector::default();
    let harness = with(&collector.serve().await, 1).await;
    harness.fire("firing").await;
    harness.until_state("verifying").await;
    harness.server.stop(Duration::from_secs(5)).await;
    assert!(collector.named("alert").is_empty(), "it still fires");
    let harness = serve(harness.dir).await;
    harness.fire("resolved").await;
    harness.until_state("resolved").await;
    harness.server.stop(Duration::from_secs(5)).await;
    let (alerts, parts) = (collector.named("alert"), collector.named("verification"));
    assert_eq!((alerts.len(), parts.len()), (1, 1), "{:#?}", collector.spans.lock());
    assert_eq!(parts[0].start_time_unix_nano, collector.named("run")[0].end_time_unix_nano);
    assert_eq!(parts[0].end_time_unix_nano, alerts[0].end_time_unix_nano);
}

#[tokio::test]
async fn incidents_that_are_not_of_the_sample_are_not_told() {
    let collector = Collector::default();
    let harness = configured(&collector.serve().await, 1, ", sampleRatio: 0").await;
    harness.fire("firing").await;
    harness.until_state("verifying").await;
    harness.fire("resolved").await;
    harness.until_state("resolved").await;
    harness.server.stop(Duration::from_secs(5)).await;
    assert!(collector.spans.lock().is_empty());
}

#[tokio::test]
async fn a_collector_that_refuses_is_asked_again_and_one_that_is_gone_harms_nothing() {
    let collector = Collector::default();
    *collector.refuse.lock() = 1;
    let harness = with(&collector.serve().await, 1).await;
    harness.fire("firing").await;
    harness.until_state("verifying").await;
    for _ in 0..500 {
        if !collector.named("run").is_empty() {
            break;
        }
        nap().await;
    }
    assert_eq!(collector.named("run").len(), 1);
    harness.server.stop(Duration::from_secs(5)).await;

    let harness = with("http://127.0.0.1:9", 1).await;
    harness.fire("firing").await;
    harness.until_state("verifying").await;
    harness.server.stop(Duration::from_secs(5)).await;
}
