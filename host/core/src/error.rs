//! Why an effect failed, as a policy sees it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The part of an [`Error`] that code looks at.
///
/// Open on purpose: Kubernetes adds reasons, and an unknown one is a failure like
/// any other. Compare with the constants.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reason(std::borrow::Cow<'static, str>);

macro_rules! reasons {
    ($($(#[$doc:meta])* $constant:ident = $text:literal;)*) => {
        impl Reason {
            $($(#[$doc])* pub const $constant: Self = Self(std::borrow::Cow::Borrowed($text));)*
        }
    };
}

reasons! {
    /// The object does not exist (HTTP 404).
    NOT_FOUND = "NotFound";
    /// The API server serves no such kind: its definition is not installed, or the version is
    /// gone. Kubernetes answers 404 as for an object; nothing is known of objects.
    NOT_SERVED = "NotServed";
    /// An object of that name exists (409).
    ALREADY_EXISTS = "AlreadyExists";
    /// The object is not at the version or uid that was asked for (409).
    CONFLICT = "Conflict";
    /// The API server's authorization refuses it (403).
    FORBIDDEN = "Forbidden";
    /// The API server does not accept this host's credentials (401).
    UNAUTHORIZED = "Unauthorized";
    /// The object or patch is not valid (422).
    INVALID = "Invalid";
    /// The request makes no sense (400).
    BAD_REQUEST = "BadRequest";
    /// The resource does not support it (405).
    METHOD_NOT_ALLOWED = "MethodNotAllowed";
    /// What was asked for has expired, such as a list's continuation (410).
    EXPIRED = "Expired";
    /// The server has too much to do, or a disruption budget stands against an eviction (429).
    TOO_MANY_REQUESTS = "TooManyRequests";
    /// The API server, or what it asks, broke down over it (500).
    INTERNAL_ERROR = "InternalError";
    /// Suture's grants or built-in rules refuse it.
    DENIED = "Denied";
    /// It did not happen within the time that was given.
    TIMEOUT = "Timeout";
    /// The cluster or Prometheus could not be reached.
    UNAVAILABLE = "Unavailable";
    /// A mutation may or may not have taken place.
    UNKNOWN = "Unknown";
    /// This cluster cannot do that.
    UNSUPPORTED = "Unsupported";
}

impl Reason {
    /// A reason that is not among the constants, as an API server sent it.
    pub fn other(text: impl Into<String>) -> Self {
        Self(text.into().into())
    }

    /// The reason's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The HTTP status that Kubernetes sends with it; none for what it never sends.
    pub fn status(&self) -> Option<u16> {
        Some(match self.as_str() {
            "BadRequest" => 400,
            "Forbidden" => 403,
            "NotFound" | "NotServed" => 404,
            "MethodNotAllowed" => 405,
            "AlreadyExists" | "Conflict" => 409,
            "Expired" | "Gone" => 410,
            "Invalid" => 422,
            "TooManyRequests" => 429,
            _ => return None,
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why an effect failed. The policy receives it and may go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
#[error("{reason}: {message}")]
pub struct Error {
    /// What code looks at.
    pub reason: Reason,
    /// What people read.
    pub message: String,
    /// The HTTP status code, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long to wait before another try, in milliseconds, where a server said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Error {
    /// An error with the status that belongs to its reason.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        let status = reason.status();
        Self { reason, message: message.into(), status, retry_after_ms: None }
    }

    /// Whether no such object is there: it does not exist, or its kind is not served.
    pub fn is_absence(&self) -> bool {
        self.reason == Reason::NOT_FOUND || self.reason == Reason::NOT_SERVED
    }
}
