//! Errors over HTTP: `{"error": {"code", "message", "path"}}`.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An answer that says what went wrong.
#[derive(Debug)]
pub(crate) struct Failure {
    pub status: StatusCode,
    pub code: &'static str,
    pub message: String,
    /// The place in the request that is wrong, where there is one.
    pub path: Option<String>,
    /// With a status of 401: a name and a password would do as well as a token.
    pub offers_basic: bool,
}

impl Failure {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), path: None, offers_basic: false }
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "notFound", message)
    }

    pub fn unauthorized() -> Self {
        let message = "a bearer token is needed: send `Authorization: Bearer TOKEN`";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    /// The same, where a name and a password would do as well.
    pub fn unauthorized_with_basic() -> Self {
        let message = "a bearer token is needed, or a name and a password: send `Authorization: Bearer TOKEN`, \
                       or `Authorization: Basic …`";
        Self { offers_basic: true, ..Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message) }
    }

    /// Alertmanager tries again after a 5xx, and only then.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = Json(json!({"error": {"code": self.code, "message": self.message, "path": self.path}}));
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        match self.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
                if self.offers_basic {
                    let basic = header::HeaderValue::from_static("Basic realm=\"suture\", charset=\"UTF-8\"");
                    headers.append(header::WWW_AUTHENTICATE, basic);
                }
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, header::HeaderValue::from_static("5"));
            }
            _ => {}
        }
        response
    }
}
