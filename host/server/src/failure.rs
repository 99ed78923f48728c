//! Errors over HTTP: `{"error": {"code", "message", "path"}}`.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use crate::token::{authorization, bearer};

/// The body of an answer that is an error.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ErrorBody<'a> {
    error: ErrorDetail<'a>,
}

/// What went wrong.
#[derive(Serialize, JsonSchema)]
struct ErrorDetail<'a> {
    /// One word for programs: `notFound`, `conflict`, …
    code: &'a str,
    /// A sentence for people.
    message: &'a str,
    /// The place in the request that is wrong, where there is one.
    path: Option<&'a str>,
}

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
    /// Why, as metrics and the log name it where somebody is turned away: mostly the code.
    pub reason: &'static str,
}

/// That somebody was turned away; stands in the extensions of the answer.
#[derive(Clone, Debug)]
pub(crate) struct TurnedAway {
    pub reason: &'static str,
    pub message: String,
}

/// Why something was not done; stands in the extensions of the answer, for the audit trail, and for the page
/// that a browser gets.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub code: &'static str,
    pub message: String,
}

impl Failure {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), path: None, offers_basic: false, reason: code }
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "notFound", message)
    }

    /// For whom nobody knows, by what they send or for want of it. What they send is not
    /// repeated: it may be a slip of the pen away from what is right.
    pub fn unauthorized(headers: &HeaderMap, offers_basic: bool) -> Self {
        let (reason, message) = match (Offered::by(headers), offers_basic) {
            (Offered::Token, _) => ("unknownToken", "the token is not one that this host knows"),
            (Offered::Password, true) => {
                ("unknownPassword", "the name and the password are not those that this host knows")
            }
            (Offered::Password, false) => (
                "noToken",
                "a name and a password are of no use here, and a bearer token is needed: send \
                 `Authorization: Bearer TOKEN`",
            ),
            (Offered::Nothing, true) => (
                "noToken",
                "a bearer token is needed, or a name and a password: send `Authorization: Bearer TOKEN`, or \
                 `Authorization: Basic …`",
            ),
            (Offered::Nothing, false) => {
                ("noToken", "a bearer token is needed: send `Authorization: Bearer TOKEN`")
            }
        };
        Self { offers_basic, reason, ..Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message) }
    }

    /// Alertmanager tries again after a 5xx, and only then.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }
}

/// By what somebody wants to be known.
enum Offered {
    Nothing,
    Token,
    Password,
}

impl Offered {
    fn by(headers: &HeaderMap) -> Self {
        if bearer(headers).is_some_and(|token| !token.is_empty()) {
            return Self::Token;
        }
        match authorization(headers) {
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("basic") => Self::Password,
            Some(_) | None => Self::Nothing,
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let error = ErrorDetail { code: self.code, message: &self.message, path: self.path.as_deref() };
        let body = Json(ErrorBody { error });
        let mut response = (self.status, body).into_response();
        response.extensions_mut().insert(Told { code: self.code, message: self.message.clone() });
        if matches!(
            self.status,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::MISDIRECTED_REQUEST
        ) {
            let turned_away = TurnedAway { reason: self.reason, message: self.message };
            response.extensions_mut().insert(turned_away);
        }
        let headers = response.headers_mut();
        match self.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
                if self.offers_basic {
                    let basic = HeaderValue::from_static("Basic realm=\"suture\", charset=\"UTF-8\"");
                    headers.append(header::WWW_AUTHENTICATE, basic);
                }
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            _ => {}
        }
        response
    }
}
