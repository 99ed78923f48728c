//! Who may ask what of the admin address.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::failure::Failure;
use crate::token::Token;

/// The tokens of the admin address. Without an admin token everybody who reaches it may ask.
pub(crate) struct Admission {
    /// For everything.
    pub admin: Option<Token>,
    /// For `/metrics` alone.
    pub metrics: Option<Token>,
}

/// Let pass who has the admin token.
pub(crate) async fn all(State(tokens): State<Arc<Admission>>, request: Request, next: Next) -> Response {
    if tokens.admits(request.headers(), false).await { next.run(request).await } else { refused() }
}

/// Let pass who has either token.
pub(crate) async fn metrics(State(tokens): State<Arc<Admission>>, request: Request, next: Next) -> Response {
    if tokens.admits(request.headers(), true).await { next.run(request).await } else { refused() }
}

fn refused() -> Response {
    Failure::unauthorized().into_response()
}

impl Admission {
    async fn admits(&self, headers: &HeaderMap, is_for_metrics: bool) -> bool {
        let Some(admin) = &self.admin else { return true };
        if admin.admits(headers).await {
            return true;
        }
        match &self.metrics {
            Some(metrics) if is_for_metrics => metrics.admits(headers).await,
            _ => false,
        }
    }
}
