//! What a host answers that does not act yet: it is healthy, and not ready.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use parking_lot::RwLock;
use suture_engine::Metrics;

use crate::admission::{Admission, Gate, admit};
use crate::api;
use crate::failure::Failure;
use crate::right::Right;

/// Why a host does not act yet; it changes while it waits.
#[derive(Clone)]
pub(crate) struct Reason(Arc<RwLock<String>>);

impl Reason {
    pub fn new(text: &str) -> Self {
        Self(Arc::new(RwLock::new(text.to_owned())))
    }

    pub fn set(&self, text: impl Into<String>) {
        *self.0.write() = text.into();
    }

    fn failure(&self) -> Failure {
        Failure::unavailable(self.0.read().clone())
    }
}

/// Alertmanager sends again what is answered with 503, and in the meantime another host
/// may have got it: a Service leads to those that are ready.
pub(super) fn webhook(reason: Reason, metrics: Metrics) -> Router {
    Router::new().fallback(async move || {
        let failure = reason.failure();
        metrics.notification(failure.code);
        failure
    })
}

pub(super) fn admin(reason: Reason, metrics: Metrics, admission: Arc<Admission>) -> Router {
    let exposition = async move || api::exposition(metrics.encode());
    let waits = async move || reason.failure();
    Router::new()
        .route("/metrics", get(exposition))
        .layer(from_fn_with_state(Gate { admission, right: Right::Metrics, act: None }, admit))
        .route("/healthz", get(async || "ok\n"))
        .fallback(waits)
}
