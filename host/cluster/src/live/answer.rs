//! What the API server answers, and what is made of it.

use std::time::Duration;

use serde_json::Value;
use suture_core::names::shortened;
use suture_core::{Error, Reason};

/// An answer, all of it.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    /// The pause that the header `Retry-After` asks for.
    pub retry_after: Option<Duration>,
    pub body: Vec<u8>,
}

impl Answer {
    /// What was asked for; else the error that the API server reports.
    pub fn json(self) -> Result<Value, Error> {
        if !(200..300).contains(&self.status) {
            return Err(self.error());
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            let mut failed = Error::new(
                Reason::UNAVAILABLE,
                format!("what answers at the API server's address is none: {error} in {}", self.excerpt()),
            );
            failed.status = Some(self.status);
            failed
        })
    }

    /// The text that was asked for; else the error.
    pub fn text(self) -> Result<String, Error> {
        if !(200..300).contains(&self.status) {
            return Err(self.error());
        }
        Ok(String::from_utf8_lossy(&self.body).into_owned())
    }

    /// The error that the API server reports, if it does.
    pub fn refused(&self) -> Option<Error> {
        (!(200..300).contains(&self.status)).then(|| self.error())
    }

    /// Whether it is the path that does not exist, not the object: its definition is gone.
    pub fn has_no_path(&self) -> bool {
        let names_an_object = |status: Value| status.pointer("/details/name").is_some();
        self.status == 404 && !serde_json::from_slice(&self.body).is_ok_and(names_an_object)
    }

    fn error(&self) -> Error {
        match serde_json::from_slice(&self.body) {
            Ok(status) => of_status(&status, self.status, self.retry_after),
            Err(_) => {
                let message = format!("HTTP status {}: {}", self.status, self.excerpt());
                let mut error = Error::new(reason_of(self.status), message);
                error.status = Some(self.status);
                error.retry_after_ms = self.retry_after.map(millis);
                error
            }
        }
    }

    fn excerpt(&self) -> String {
        match String::from_utf8_lossy(&self.body).trim() {
            "" => "an empty answer".to_owned(),
            text => format!("`{}`", shortened(text)),
        }
    }
}

/// The error that a `Status` object stands for.
pub(super) fn of_status(status: &Value, code: u16, retry_after: Option<Duration>) -> Error {
    let text = |field: &str| status.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
    let code = status
        .get("code")
        .and_then(Value::as_u64)
        .and_then(|code| u16::try_from(code).ok())
        .filter(|code| *code >= 400)
        .unwrap_or(code);
    let reason = match text("reason") {
        // Not reached, as far as a policy is concerned.
        Some("ServiceUnavailable") => Reason::UNAVAILABLE,
        Some("ServerTimeout" | "Timeout") => Reason::TIMEOUT,
        Some("Gone") => Reason::EXPIRED,
        Some("Unknown") | None => reason_of(code),
        Some(other) => Reason::other(other),
    };
    let mut message = text("message").map_or_else(|| format!("HTTP status {code}"), str::to_owned);
    if code == 401 {
        message = format!(
            "{message}: the API server does not accept this host's credentials; its token may have expired"
        );
    }
    let asked = status.pointer("/details/retryAfterSeconds").and_then(Value::as_u64).filter(|s| *s > 0);
    let mut error = Error::new(reason, message);
    error.status = Some(code);
    error.retry_after_ms = asked.map(Duration::from_secs).or(retry_after).map(millis);
    error
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Kubernetes' own word for an HTTP status. A refusal that it has no word for is a bad request, as
/// HTTP has it (RFC 9110, 15); what is no refusal came from something that is no API server.
fn reason_of(code: u16) -> Reason {
    match code {
        401 => Reason::UNAUTHORIZED,
        403 => Reason::FORBIDDEN,
        404 => Reason::NOT_FOUND,
        405 => Reason::METHOD_NOT_ALLOWED,
        408 => Reason::TIMEOUT,
        409 => Reason::CONFLICT,
        410 => Reason::EXPIRED,
        413 => Reason::other("RequestEntityTooLarge"),
        415 => Reason::other("UnsupportedMediaType"),
        422 => Reason::INVALID,
        429 => Reason::TOO_MANY_REQUESTS,
        400..500 => Reason::BAD_REQUEST,
        502 | 503 => Reason::UNAVAILABLE,
        504 => Reason::TIMEOUT,
        500.. => Reason::INTERNAL_ERROR,
        _ => Reason::UNAVAILABLE,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, retry_after: Some(Duration::from_secs(7)), body: body.as_bytes().to_vec() }
    }

    #[test]
    fn the_reason_is_the_api_servers_own() {
        let status = json!({"kind": "Status", "reason": "AlreadyExists", "code": 409, "message": "there"});
        let error = answer(409, &status.to_string()).json().unwrap_err();
        assert_eq!((error.reason, error.status), (Reason::ALREADY_EXISTS, Some(409)));
    }

    #[test]
    fn what_gives_no_reason_gets_the_one_that_its_status_stands_for() {
        for (code, reason) in [(500, "InternalError"), (429, "TooManyRequests"), (503, "Unavailable")] {
            let error = answer(code, &json!({"kind": "Status"}).to_string()).json().unwrap_err();
            assert_eq!((error.reason.as_str(), error.retry_after_ms), (reason, Some(7000)));
        }
    }

    #[test]
    fn an_answer_that_is_not_json_says_so_and_shows_its_beginning() {
        let error = answer(200, "<html>a proxy's login page").json().unwrap_err();
        assert_eq!(error.reason, Reason::UNAVAILABLE);
        assert!(error.message.contains("login page"), "{error}");
        let error = answer(502, "<html>bad gateway").json().unwrap_err();
        assert!(error.reason == Reason::UNAVAILABLE && error.message.contains("502"), "{error}");
    }

    #[test]
    fn credentials_that_are_not_accepted_are_said_to_be_it() {
        let error = answer(401, &json!({"reason": "Unauthorized"}).to_string()).json().unwrap_err();
        assert_eq!(error.reason.as_str(), "Unauthorized");
        assert!(error.message.contains("token"), "{error}");
    }
}
