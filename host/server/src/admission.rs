//! Who may ask what of the admin address.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::basic::Basic;
use crate::failure::Failure;
use crate::listener::Peer;
use crate::token::Token;

/// The tokens of the admin address. Without an admin token everybody who reaches it may ask.
pub(crate) struct Admission {
    /// For everything.
    pub admin: Option<Token>,
    /// A name and a password, for everything.
    pub basic: Option<Basic>,
    /// For `/metrics` alone.
    pub metrics: Option<Token>,
}

/// Let pass who has the admin token.
pub(crate) async fn all(State(tokens): State<Arc<Admission>>, request: Request, next: Next) -> Response {
    tokens.pass(request, next, false).await
}

/// Let pass who has either token.
pub(crate) async fn metrics(State(tokens): State<Arc<Admission>>, request: Request, next: Next) -> Response {
    tokens.pass(request, next, true).await
}

impl Admission {
    async fn pass(&self, request: Request, next: Next, is_for_metrics: bool) -> Response {
        if !self.admits(request.headers(), is_for_metrics).await {
            let offers_basic = self.basic.is_some();
            let failure =
                if offers_basic { Failure::unauthorized_with_basic() } else { Failure::unauthorized() };
            return failure.into_response();
        }
        if let Some(peer) = request.extensions().get::<Peer>() {
            peer.trust();
        }
        next.run(request).await
    }

    async fn admits(&self, headers: &HeaderMap, is_for_metrics: bool) -> bool {
        if self.admin.is_none() && self.basic.is_none() {
            return true;
        }
        if self.basic.as_ref().is_some_and(|basic| basic.admits(headers)) {
            return true;
        }
        if let Some(admin) = &self.admin
            && admin.admits(headers).await
        {
            return true;
        }
        match &self.metrics {
            Some(metrics) if is_for_metrics => metrics.admits(headers).await,
            _ => false,
        }
    }
}
