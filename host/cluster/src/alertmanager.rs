//! Telling people: alerts posted to Alertmanager go where the operator's routes lead.

mod error;
mod expressions;
mod listed;
pub mod routing;
mod silence;
mod silences;

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use suture_core::{Clock, Labels, Timestamp};

use crate::http::{Access, Answer, Contacts, Server};
pub use error::AlertmanagerError;
pub use silence::Silence;
use silences::Silences;

/// Posts alerts to one Alertmanager. Never posts twice: whoever asked decides whether to
/// try again.
#[derive(Clone)]
pub struct AlertmanagerClient {
    server: Server,
    clock: Arc<dyn Clock>,
    /// Clones share them.
    silences: Silences,
}

impl fmt::Debug for AlertmanagerClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AlertmanagerClient").field(&self.server.shown()).finish()
    }
}

/// What an Alertmanager says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertmanagerStatus {
    /// Its version.
    pub version: String,
    /// Its configuration, secrets left out.
    pub config: String,
    /// What time it is there, where it says so.
    pub date: Option<Timestamp>,
}

impl AlertmanagerStatus {
    /// Whether it is too old to say which time intervals mute which alerts: 0.28 was the first.
    pub fn hides_time_intervals(&self) -> bool {
        let mut numbers = self.version.trim_start_matches('v').split('.').map(str::parse::<u32>);
        matches!((numbers.next(), numbers.next()), (Some(Ok(0)), Some(Ok(minor))) if minor < 28)
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
        Self::with_access(url, Access::default(), clock)
    }

    /// The same, for a server that is not open to everybody.
    ///
    /// # Errors
    /// As [`new`](Self::new); or where what the access names can't be read.
    pub fn with_access(url: &str, access: Access, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let server = Server::with_access(url, access, clock.clone())?;
        Ok(Self { server, clock, silences: Silences::default() })
    }

    /// The same, which notes there when it answers.
    #[must_use]
    pub fn noting(self, contacts: Contacts) -> Self {
        Self { server: self.server.noting(contacts), ..self }
    }

    /// The URL, without credentials.
    pub fn url(&self) -> &str {
        self.server.shown()
    }

    /// What it says of itself.
    ///
    /// # Errors
    /// Why it can't be asked.
    pub async fn status(&self) -> Result<AlertmanagerStatus, AlertmanagerError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Status {
            config: Config,
            version_info: Version,
        }
        #[derive(Deserialize)]
        struct Config {
            original: String,
        }
        #[derive(Deserialize)]
        struct Version {
            version: String,
        }
        let (status, date): (Status, _) = self.answered("api/v2/status").await?;
        let Status { config: Config { original }, version_info: Version { version } } = status;
        Ok(AlertmanagerStatus { version, config: original, date })
    }

    async fn answered<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<(T, Option<Timestamp>), AlertmanagerError> {
        let answer = self.answer(path).await?;
        let read = serde_json::from_slice(&answer.body).map_err(|error| self.unreadable(&error))?;
        Ok((read, answer.date))
    }

    /// The same, for an answer that may be so long that it is read beside the async workers.
    async fn answered_at_length<T: DeserializeOwned + Send + 'static>(
        &self,
        path: &str,
    ) -> Result<(T, Option<Timestamp>), AlertmanagerError> {
        let answer = self.answer(path).await?;
        let _hold = self.clock.hold();
        let date = answer.date;
        let reading = tokio::task::spawn_blocking(move || serde_json::from_slice(&answer.body));
        let read = reading.await.map_err(|error| self.unreadable(&error))?;
        Ok((read.map_err(|error| self.unreadable(&error))?, date))
    }

    async fn answer(&self, path: &str) -> Result<Answer, AlertmanagerError> {
        let answer = self.server.get(path).await?;
        if !answer.is_success() {
            let (status, excerpt) = (answer.status, answer.excerpt());
            return Err(AlertmanagerError::Status { url: self.url().to_owned(), status, excerpt });
        }
        Ok(answer)
    }

    fn unreadable(&self, error: &dyn fmt::Display) -> AlertmanagerError {
        AlertmanagerError::Unreadable { url: self.url().to_owned(), why: error.to_string() }
    }

    /// Post alerts, all of them or none.
    ///
    /// # Errors
    /// Why Alertmanager does not have them: it can't be reached, is too slow, or refuses them.
    pub async fn post_alerts(&self, alerts: &[PostedAlert]) -> Result<(), AlertmanagerError> {
        let bodies = alerts.iter().map(PostedAlert::body).collect::<Result<Vec<_>, _>>()?;
        let answer = self.server.post_json("api/v2/alerts", &json!(bodies)).await?;
        if answer.is_success() {
            return Ok(());
        }
        Err(AlertmanagerError::Refused {
            url: self.url().to_owned(),
            status: answer.status,
            excerpt: answer.excerpt(),
            hint: if answer.status == 404 { "; check `alertmanager.url`" } else { "" },
        })
    }
}

impl PostedAlert {
    fn body(&self) -> Result<Value, AlertmanagerError> {
        let named = self.labels.iter().filter(|(_, value)| !value.is_empty());
        let labels: Labels = named.map(|(name, value)| (name.clone(), value.clone())).collect();
        if labels.is_empty() {
            return Err(AlertmanagerError::NoLabels);
        }
        let mut body = json!({"labels": labels, "annotations": self.annotations, "startsAt": self.starts_at});
        if let Some(ends_at) = self.ends_at {
            body["endsAt"] = json!(ends_at);
        }
        if !self.generator_url.is_empty() {
            body["generatorURL"] = json!(self.generator_url);
        }
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use suture_core::RealClock;

    use super::*;
    use crate::testing::{Behaviour, Impatient, TestServer};

    fn alert() -> PostedAlert {
        let labels = [("alertname", "SutureEscalated"), ("namespace", "media"), ("empty", "")];
        PostedAlert {
            labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            annotations: Labels::from([("summary".to_owned(), "a person must look".to_owned())]),
            starts_at: "2026-11-22T04:10:00Z".parse().unwrap(),
            ends_at: None,
            generator_url: String::new(),
        }
    }

    async fn post(server: &TestServer, alert: &PostedAlert) -> Result<(), String> {
        AlertmanagerClient::new(&server.url(), Arc::new(RealClock))
            .unwrap()
            .post_alerts(std::slice::from_ref(alert))
            .await
            .map_err(|error| error.to_string())
    }

    #[test]
    fn an_alertmanager_before_0_28_does_not_say_what_it_mutes() {
        let hides = |version: &str| {
            let version = version.to_owned();
            AlertmanagerStatus { version, config: String::new(), date: None }.hides_time_intervals()
        };
        assert!(hides("0.27.0") && hides("v0.25.0"));
        assert!(!hides("0.28.0") && !hides("0.35.1") && !hides("1.0.0") && !hides(""));
    }

    #[tokio::test]
    async fn an_alert_is_posted_as_alertmanager_reads_it() {
        let server = TestServer::answering(200, "").await;
        post(&server, &alert()).await.unwrap();
        let until = PostedAlert {
            ends_at: Some("2026-11-22T05:10:00Z".parse().unwrap()),
            generator_url: "http://suture/runs/1".to_owned(),
            ..alert()
        };
        post(&server, &until).await.unwrap();
        let requests = server.requests();
        assert!(requests[0].starts_with("POST /api/v2/alerts HTTP/1.1\r\n"), "{}", requests[0]);
        let bodies: Vec<Value> = requests
            .iter()
            .map(|request| serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap())
            .collect();
        let expected = json!([{"labels": {"alertname": "SutureEscalated", "namespace": "media"},
            "annotations": {"summary": "a person must look"}, "startsAt": "2026-11-22T04:10:00Z"}]);
        assert_eq!(bodies[0], expected);
        assert_eq!(bodies[1][0]["endsAt"], "2026-11-22T05:10:00Z");
        assert_eq!(bodies[1][0]["generatorURL"], "http://suture/runs/1");
    }

    #[tokio::test]
    async fn an_alert_that_is_refused_or_not_taken_in_time_says_so() {
        let server =
            TestServer::answering(400, r#"{"code":601,"message":"labels in body is required"}"#).await;
        let error = post(&server, &alert()).await.unwrap_err();
        assert!(error.contains("400") && error.contains("labels in body"), "{error}");
        let server = TestServer::answering(404, "no").await;
        assert!(post(&server, &alert()).await.unwrap_err().contains("`alertmanager.url`"));
        let server = TestServer::start(Behaviour::Hang).await;
        let client = AlertmanagerClient::new(&server.url(), Arc::new(Impatient)).unwrap();
        assert!(client.post_alerts(&[alert()]).await.unwrap_err().to_string().contains("did not answer"));
    }

    #[tokio::test]
    async fn an_alert_without_labels_is_not_even_posted() {
        let server = TestServer::answering(200, "").await;
        let nameless = PostedAlert { labels: Labels::from([("empty".to_owned(), String::new())]), ..alert() };
        assert!(post(&server, &nameless).await.is_err());
        assert!(server.requests().is_empty());
    }
}
