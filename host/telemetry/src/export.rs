//! Sending spans.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use suture_core::{Backoff, Clock, Retry, causes, retry};
use tokio::sync::mpsc;

use crate::{Collector, OnLost};

/// Spans in one request.
const BATCH: usize = 512;
/// How long the first of them waits for more.
const LINGER: Duration = Duration::from_secs(1);
/// How often a request is sent again before it is given up, and the pauses: 1 s, 5 s, 15 s.
const RETRIES: u32 = 3;
const BACKOFF: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(15)).with_factor(5);

/// Why spans were not taken.
struct Refused {
    why: String,
    /// Whether it is worth another try.
    may_pass: bool,
    /// The pause that the collector asks for.
    asked: Option<Duration>,
}

pub(crate) struct Exporter {
    collector: Collector,
    client: reqwest::Client,
    clock: Arc<dyn Clock>,
    on_lost: OnLost,
    /// Whether people know that the collector does not take spans.
    told: bool,
}

impl Exporter {
    pub fn new(
        collector: Collector,
        client: reqwest::Client,
        clock: Arc<dyn Clock>,
        on_lost: OnLost,
    ) -> Self {
        Self { collector, client, clock, on_lost, told: false }
    }

    /// Send until nobody makes spans any more; then what is left, once.
    pub async fn run(mut self, mut spans: mpsc::Receiver<Span>, mut stopped: mpsc::Receiver<()>) {
        while let Some(first) = spans.recv().await {
            let mut batch = vec![first];
            let clock = self.clock.clone();
            let more = async {
                while batch.len() < BATCH {
                    tokio::select! {
                        biased;
                        span = spans.recv() => match span {
                            Some(span) => batch.push(span),
                            None => return,
                        },
                        _ = stopped.recv() => return,
                    }
                }
            };
            let _ = clock.timeout(LINGER, more).await;
            self.send(batch, &mut stopped).await;
        }
    }

    async fn send(&mut self, spans: Vec<Span>, stopped: &mut mpsc::Receiver<()>) {
        let count = spans.len() as u64;
        let body = self.request(spans).encode_to_vec();
        let mut backoff = BACKOFF;
        for retry in 0..=RETRIES {
            let refused = match self.post(body.clone()).await {
                Ok(()) => {
                    if std::mem::take(&mut self.told) {
                        tracing::info!("the collector takes spans again");
                    }
                    return;
                }
                Err(refused) => refused,
            };
            if !std::mem::replace(&mut self.told, true) {
                tracing::warn!(
                    error = refused.why,
                    "the collector does not take spans; suture_spans_dropped_total counts those that are lost"
                );
            }
            if retry == RETRIES || !refused.may_pass {
                break;
            }
            let pause = backoff.next(refused.asked);
            tokio::select! {
                () = self.clock.sleep(pause) => {}
                _ = stopped.recv() => break,
            }
        }
        (self.on_lost)(count);
    }

    async fn post(&self, body: Vec<u8>) -> Result<(), Refused> {
        let url = format!("{}/v1/traces", self.collector.endpoint.trim_end_matches('/'));
        let request = self
            .client
            .post(url)
            .headers(self.collector.headers.clone())
            .header("content-type", "application/x-protobuf")
            .body(body);
        let refused = |why: String| Refused { why, may_pass: true, asked: None };
        match self.clock.timeout(self.collector.timeout, request.send()).await {
            Some(Ok(answer)) if answer.status().is_success() => Ok(()),
            Some(Ok(answer)) => {
                let status = answer.status();
                // What the protocol calls retryable. Else it will answer the same again.
                // https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes
                let may_pass = Retry::of_status(status.as_u16()) == Retry::Later;
                let header = answer.headers().get("retry-after").and_then(|value| value.to_str().ok());
                let asked = header.and_then(|header| retry::retry_after(header, self.clock.now()));
                Err(Refused { why: format!("it answers {status}"), may_pass, asked })
            }
            // Without the URL, which may hold a password.
            Some(Err(error)) => Err(refused(causes(&error.without_url()))),
            None => Err(refused(format!("no answer within {} s", self.collector.timeout.as_secs_f64()))),
        }
    }

    fn request(&self, spans: Vec<Span>) -> ExportTraceServiceRequest {
        let attribute = |key: &str, value: &str| KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue { value: Some(any_value::Value::StringValue(value.to_owned())) }),
            ..KeyValue::default()
        };
        let version = &self.collector.version;
        let attributes =
            vec![attribute("service.name", &self.collector.service), attribute("service.version", version)];
        let scope = InstrumentationScope {
            name: "suture".to_owned(),
            version: version.clone(),
            ..Default::default()
        };
        ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(Resource { attributes, ..Resource::default() }),
                scope_spans: vec![ScopeSpans { scope: Some(scope), spans, ..ScopeSpans::default() }],
                ..ResourceSpans::default()
            }],
        }
    }
}
