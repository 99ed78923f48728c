//! Telling people: alerts posted to Alertmanager go where the operator's routes lead.

use std::fmt;
use std::sync::Arc;

use serde_json::json;
use suture_core::{Clock, Labels, Timestamp};

use crate::http::Server;

/// Posts alerts to one Alertmanager. Never posts twice: whoever asked decides whether to
/// try again.
#[derive(Clone)]
pub struct AlertmanagerClient {
    server: Server,
}

impl fmt::Debug for AlertmanagerClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AlertmanagerClient").field(&self.server.shown()).finish()
    }
}

/// An alert to be posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostedAlert {
    /// What identifies it. Those without a value are left out, as Alertmanager does.
    pub labels: Labels,
    /// What it says to people.
    pub annotations: Labels,
    /// Since when.
    pub starts_at: Timestamp,
    /// Until when. Without it, Alertmanager takes it for resolved after its
    /// `resolve_timeout`, unless it is posted again.
    pub ends_at: Option<Timestamp>,
    /// Where people find more; may be empty.
    pub generator_url: String,
}

impl AlertmanagerClient {
    /// The Alertmanager at a URL, which may have a path prefix. The clock counts the
    /// timeout (10 s) of a request: give it the real one unless the server is simulated.
    ///
    /// # Errors
    /// Where that is no `http` or `https` URL.
    pub fn new(url: &str, clock: Arc<dyn Clock>) -> Result<Self, String> {
        Ok(Self { server: Server::new(url, clock)? })
    }

    /// The URL, without credentials.
    pub fn url(&self) -> &str {
        self.server.shown()
    }

    /// Post an alert.
    ///
    /// # Errors
    /// Why Alertmanager does not have it: it can't be reached, is too slow, or refuses it.
    pub async fn post_alert(&self, alert: &PostedAlert) -> Result<(), String> {
        let labels: Labels = alert
            .labels
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if labels.is_empty() {
            return Err("an alert without labels can't be posted".to_owned());
        }
        let mut body =
            json!({"labels": labels, "annotations": alert.annotations, "startsAt": alert.starts_at});
        if let Some(ends_at) = alert.ends_at {
            body["endsAt"] = json!(ends_at);
        }
        if !alert.generator_url.is_empty() {
            body["generatorURL"] = json!(alert.generator_url);
        }
        let answer = self.server.post_json("api/v2/alerts", &json!([body])).await;
        let answer = answer.map_err(|error| format!("Alertmanager at {error}"))?;
        if answer.is_success() {
            return Ok(());
        }
        let hint = if answer.status == 404 { "; check `alertmanager.url`" } else { "" };
        Err(format!(
            "Alertmanager at {} refused the alert with {}: {}{hint}",
            self.url(),
            answer.status,
            answer.excerpt()
        ))
    }
}
