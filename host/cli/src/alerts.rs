//! Alerts from a file: a webhook body, one alert, or just labels.

use std::io::Read;
use std::path::Path;

use serde_json::Value;
use suture_core::{Alert, Notification, Timestamp};
use suture_scenario::format::ScenarioAlert;

use crate::error::CliError;

/// The most bytes that are read: more than any Alertmanager posts.
const MAX_BYTES: u64 = 10 << 20;

/// The text of a file, or of standard input where it is called `-`.
///
/// # Errors
/// Where it can't be read, or is too long.
pub fn text(file: &Path) -> Result<String, CliError> {
    let wrong = |error: std::io::Error| CliError::usage(format!("it can't be read: {error}")).at(shown(file));
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(MAX_BYTES + 1).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|opened| opened.take(MAX_BYTES + 1).read_to_string(&mut text))
    };
    read.map_err(wrong)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(CliError::usage(format!("more than {MAX_BYTES} bytes")).at(shown(file)));
    }
    Ok(text)
}

fn shown(file: &Path) -> String {
    if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() }
}

/// Read alerts. What does not say when it began to fire did so `now`.
///
/// # Errors
/// Where it is none of the three forms, with the place.
pub fn parse(text: &str, now: Timestamp) -> Result<Vec<Alert>, CliError> {
    let wrong = |error: serde_json::Error| {
        CliError::usage(format!("this is no alert: {error}"))
            .help("write a webhook body, one alert of it, or {\"labels\": {\"alertname\": \"…\"}}")
    };
    let value: Value = serde_json::from_str(text).map_err(wrong)?;
    if value.get("alerts").is_some() {
        // From the text again: then an error names line and column.
        let notification = Notification::parse(text.as_bytes()).map_err(wrong)?;
        if notification.alerts.is_empty() {
            return Err(CliError::usage("the notification has no alerts"));
        }
        return Ok(notification.alerts);
    }
    if value.get("startsAt").is_some() && value.get("status").is_some() {
        return Ok(vec![serde_json::from_str(text).map_err(wrong)?]);
    }
    let alert: ScenarioAlert = serde_json::from_str(text).map_err(wrong)?;
    if alert.labels.is_empty() {
        return Err(CliError::usage("the alert has no labels"));
    }
    Ok(vec![alert.at(now)])
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
    fn what_is_no_alert_says_where_and_what_to_write() {
        for wrong in ["{", "[]", r#"{"label": {}}"#, r#"{"alerts": [{"status": "burning"}]}"#] {
            let error = parsed(wrong).unwrap_err();
            assert!(error.what.contains("line 1 column"), "{error}");
            assert!(error.help.is_some());
        }
        assert!(parsed(r#"{"alerts": []}"#).is_err());
        assert!(parsed(r#"{"labels": {}}"#).is_err());
    }
}
