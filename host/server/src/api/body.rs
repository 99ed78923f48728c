//! Bodies of requests that may be left out.

use axum::http::StatusCode;
use serde::de::DeserializeOwned;
use suture_core::names::shortened;

use crate::failure::Failure;

/// The most bytes of a reason that somebody gives.
const MAX_REASON: usize = 1000;

/// What a body says; an empty one, and `null`, say nothing in particular.
pub(super) fn read<T: DeserializeOwned + Default>(body: &[u8], example: &str) -> Result<T, Failure> {
    if body.is_empty() {
        return Ok(T::default());
    }
    let read: Result<Option<T>, _> = serde_json::from_slice(body);
    let read = read.map_err(|error| {
        let what = format!("the body is not {example}: {error}");
        Failure::new(StatusCode::BAD_REQUEST, "unreadable", what)
    })?;
    Ok(read.unwrap_or_default())
}

/// A reason that is no longer than anybody reads.
pub(super) fn reason(given: Option<String>) -> Result<String, Failure> {
    let reason = given.unwrap_or_default();
    if reason.len() > MAX_REASON {
        let what =
            format!("`reason` has {} bytes, and may have {MAX_REASON}: {}", reason.len(), shortened(&reason));
        return Err(Failure {
            path: Some("reason".to_owned()),
            ..Failure::new(StatusCode::BAD_REQUEST, "invalid", what)
        });
    }
    Ok(reason)
}
