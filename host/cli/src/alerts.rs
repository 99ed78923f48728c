//! Alerts from a file: a webhook body, one alert, or just labels.

use std::path::Path;

use serde_json::Value;
use suture_core::{Alert, Notification, Timestamp, file};

use crate::error::CliError;

/// The most bytes that are read: more than any Alertmanager posts.
const MAX_BYTES: u64 = 10 << 20;

/// The text of a file, or of standard input where it is called `-`.
///
/// # Errors
/// Where it can't be read, or is too long.
pub fn text(file: &Path) -> Result<String, CliError> {
    let wrong = |error: std::io::Error| CliError::usage(format!("it can't be read: {error}")).at(shown(file));
    let read = if file == Path::new("-") {
        file::read_text_from(std::io::stdin().lock(), MAX_BYTES)
    } else {
        file::read_text(file, MAX_BYTES)
    };
    read.map_err(wrong)
}

fn shown(file: &Path) -> String {
    if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() }
}

const FORMS: &str = "write a webhook body, one alert of it, or {\"labels\": {\"alertname\": \"…\"}}";

/// Read alerts. What does not say when it began to fire did so `now`.
///
/// # Errors
/// Where it is none of the three forms, with the place.
pub fn parse(text: &str, now: Timestamp) -> Result<Vec<Alert>, CliError> {
    let wrong = |error: serde_json::Error| CliError::usage(format!("this is no alert: {error}")).help(FORMS);
    let value: Value = serde_json::from_str(text).map_err(wrong)?;
    if value.get("alerts").is_some() {
        // From the text again: then an error names line and column.
        let notification = Notification::parse(text.as_bytes()).map_err(wrong)?;
        if notification.alerts.is_empty() {
            return Err(CliError::usage("the notification has no alerts"));
        }
        return Ok(notification.alerts);
    }
    // One alert, of which only the labels are needed.
    let Value::Object(mut alert) = value else {
        return Err(no_labels());
    };
    if alert.get("labels").and_then(Value::as_object).is_none_or(serde_json::Map::is_empty) {
        return Err(no_labels());
    }
    alert.entry("status").or_insert_with(|| Value::from("firing"));
    alert.entry("startsAt").or_insert_with(|| Value::from(now.to_string()));
    let mut alert: Alert = serde_json::from_value(Value::Object(alert)).map_err(wrong)?;
    if alert.fingerprint.is_empty() {
        alert.fingerprint = alert.fingerprint();
    }
    Ok(vec![alert])
}

fn no_labels() -> CliError {
    CliError::usage("this is no alert: it has no `labels`").help(FORMS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALERT: &str = r#"{"status": "firing", "labels": {"a": "b"}, "startsAt": "2026-11-22T04:10:00Z", "fingerprint": "f"}"#;

    fn parsed(text: &str) -> Result<Vec<Alert>, CliError> {
        parse(text, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_webhook_body_an_alert_and_bare_labels_are_all_alerts() {
        let body = format!(r#"{{"version": "4", "status": "firing", "alerts": [{ALERT}, {ALERT}]}}"#);
        assert_eq!(parsed(&body).unwrap().len(), 2);
        assert_eq!(parsed(ALERT).unwrap()[0].fingerprint, "f");
        let bare = parsed(r#"{"labels": {"a": "b"}}"#).unwrap();
        assert_eq!(bare[0].starts_at, Timestamp::UNIX_EPOCH);
    }

    #[test]
    fn what_an_alert_may_have_besides_is_read_or_ignored() {
        let alert =
            r#"{"labels": {"a": "b"}, "endsAt": "0001-01-01T00:00:00Z", "newer": 1, "fingerprint": "f"}"#;
        assert_eq!(parsed(alert).unwrap()[0].fingerprint, "f");
    }

    #[test]
    fn what_is_no_alert_says_where_and_what_to_write() {
        for wrong in ["{", r#"{"alerts": [{"status": "burning"}]}"#] {
            let error = parsed(wrong).unwrap_err();
            assert!(error.what.contains("line 1 column"), "{error}");
            assert!(error.help.is_some());
        }
        for wrong in ["[]", "1", r#"{"label": {}}"#, r#"{"labels": {}}"#, r#"{"labels": {"a": 1}}"#] {
            assert!(parsed(wrong).unwrap_err().help.is_some(), "{wrong}");
        }
        assert!(parsed(r#"{"alerts": []}"#).is_err());
    }
}
