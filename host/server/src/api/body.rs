//! Bodies of requests that may be left out.

use axum::http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use suture_core::names::shortened;

use crate::failure::Failure;

/// The most bytes of a reason that somebody gives.
const MAX_REASON: usize = 1000;

/// What a body says; an empty one, and `null`, say nothing in particular.
pub(super) fn read<T: DeserializeOwned + Default>(body: &[u8], example: &str) -> Result<T, Failure> {
    if body.is_empty() {
        return Ok(T::default());
    }
    let wrong = |error: serde_json::Error| {
        let what = format!("the body is not {example}: {error}");
        Failure::new(StatusCode::BAD_REQUEST, "unreadable", what)
    };
    // Of a list serde would read the fields in their order, and of an empty one none.
    let said: Option<Map<String, Value>> = serde_json::from_slice(body).map_err(wrong)?;
    T::deserialize(Value::Object(said.unwrap_or_default())).map_err(wrong)
}

/// A reason that is no longer than anybody reads.
pub(super) fn reason(given: Option<String>) -> Result<String, Failure> {
    words("reason", given)
}

/// Words in a field that are no more than anybody reads.
pub(super) fn words(field: &str, given: Option<String>) -> Result<String, Failure> {
    let words = given.unwrap_or_default();
    if words.len() > MAX_REASON {
        let what =
            format!("`{field}` has {} bytes, and may have {MAX_REASON}: {}", words.len(), shortened(&words));
        return Err(Failure {
            path: Some(field.to_owned()),
            ..Failure::new(StatusCode::BAD_REQUEST, "invalid", what)
        });
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Said {
        policy: Option<String>,
    }

    #[test]
    fn a_body_is_an_object_or_nothing_and_a_list_is_neither() {
        let read = |text: &str| read::<Said>(text.as_bytes(), "{\"policy\": \"…\"}");
        for nothing in ["", "null", "{}"] {
            assert_eq!(read(nothing).unwrap(), Said::default(), "{nothing}");
        }
        assert_eq!(read("{\"policy\": \"a\"}").unwrap().policy.as_deref(), Some("a"));
        for other in ["[]", "[\"a\"]", "0", "\"\"", "{\"polcy\": \"a\"}"] {
            assert!(read(other).is_err(), "{other}");
        }
    }
}
