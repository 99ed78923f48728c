//! The least of an OpenTelemetry collector.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use parking_lot::Mutex;
use prost::Message;

/// What it does with what it gets.
#[derive(Clone, Copy)]
pub enum Mood {
    /// Keep it.
    Takes,
    /// Answer with a status.
    Answers(u16),
    /// Never answer.
    Hangs,
}

/// Keeps the requests that are posted to it. It ends with its runtime.
#[derive(Clone)]
pub struct Collector {
    /// Where it listens.
    pub address: SocketAddr,
    received: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
    asked: Arc<Mutex<usize>>,
}

impl Collector {
    /// Listen on loopback.
    ///
    /// # Errors
    /// Where no port is free.
    pub async fn listen(mood: Mood) -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let collector = Self { address, received: Arc::default(), asked: Arc::default() };
        let router = Router::new().route("/v1/traces", post(receive)).with_state((collector.clone(), mood));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(collector)
    }

    /// The spans that it got, as they came.
    pub fn spans(&self) -> Vec<Span> {
        let received = self.received.lock();
        let scopes =
            received.iter().flat_map(|request| &request.resource_spans).flat_map(|of| &of.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        *self.asked.lock()
    }
}

async fn receive(State((collector, mood)): State<(Collector, Mood)>, body: Bytes) -> StatusCode {
    *collector.asked.lock() += 1;
    match mood {
        Mood::Takes => match ExportTraceServiceRequest::decode(body) {
            Ok(request) => {
                collector.received.lock().push(request);
                StatusCode::OK
            }
            Err(_) => StatusCode::BAD_REQUEST,
        },
        Mood::Answers(status) => StatusCode::from_u16(status).unwrap_or(StatusCode::IM_A_TEAPOT),
        Mood::Hangs => pending().await,
    }
}

/// An attribute of a span, as text; empty where it has none of that name.
pub fn attribute(span: &Span, name: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == name);
    match found.and_then(|attribute| attribute.value.clone()?.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(is)) => is.to_string(),
        _ => String::new(),
    }
}
