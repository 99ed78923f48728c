//! A real Prometheus, read over its HTTP API.

mod alerts;
mod answer;
mod handler;
mod place;
mod rules;

#[cfg(test)]
mod rulers;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use suture_core::effect::{ActiveAlert, Sample, Series};
use suture_core::{AlertRelabeling, Clock, Error, Reason, Timestamp};

pub(crate) use answer::options as yaml_options;
pub use rules::{AlertingRule, RuleAlert};

use crate::http::{Access, Contacts, Server};
use place::Place;

/// The most points of a series in one answer, as in Prometheus (`web/api/v1/api.go`).
const MOST_POINTS: u64 = 11_000;

/// Asks one Prometheus (or what speaks its API: Thanos, Mimir, VictoriaMetrics). Never
/// asks twice: whoever asked decides whether to try again.
#[derive(Clone)]
pub struct PrometheusClient {
    server: Server,
    /// Where alerts are listed, where that is another server: a ruler, vmalert.
    ruler: Option<Server>,
}

impl fmt::Debug for PrometheusClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PrometheusClient").field(&self.server.shown()).finish()
    }
}

impl PrometheusClient {
    /// The Prometheus at a URL, which may have a path prefix. The clock counts the
    /// timeout (10 s) of a request: give it the one by which the server lives, which is
    /// the real one unless the server is simulated too.
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
        Ok(Self { server: Server::with_access(url, access, clock)?, ruler: None })
    }

    /// The same, which notes there when it answers.
    #[must_use]
    pub fn noting(self, contacts: Contacts) -> Self {
        let ruler = self.ruler.map(|ruler| ruler.noting(contacts.clone()));
        Self { server: self.server.noting(contacts), ruler }
    }

    /// Where rules are evaluated by another server (vmalert, Thanos' ruler): its URL. It is
    /// reached as the first one is.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_ruler(self, url: &str) -> Result<Self, String> {
        let ruler = Some(self.server.beside(url)?);
        Ok(Self { ruler, ..self })
    }

    /// The server that answers queries.
    fn queried(&self) -> Place<'_> {
        Place { server: &self.server, setting: "prometheus.url" }
    }

    /// The server that evaluates the rules.
    fn ruler(&self) -> Place<'_> {
        let ruler = self.ruler.as_ref().map(|server| Place { server, setting: "prometheus.alertsUrl" });
        ruler.unwrap_or(self.queried())
    }

    /// The URL, without credentials.
    pub fn url(&self) -> &str {
        self.server.shown()
    }

    /// The value of an expression now.
    ///
    /// # Errors
    /// `Invalid` where Prometheus does not accept the expression or it is a range
    /// vector, `Forbidden` where it wants credentials, `Unavailable` where it does not
    /// answer, or not as Prometheus does.
    pub async fn query(&self, expression: &str) -> Result<Vec<Sample>, Error> {
        let place = self.queried();
        let answer = place.server.post_form("api/v1/query", &[("query", expression)]).await;
        let result: answer::QueryResult = place.data(answer)?;
        result.samples().map_err(|unfit| place.unfit(expression, &unfit))
    }

    /// The value of an expression over a range of time: milliseconds since the Unix
    /// epoch, and the step in milliseconds.
    ///
    /// # Errors
    /// `BadRequest` for a range that makes no sense or has too many points; otherwise
    /// as [`query`](Self::query).
    pub async fn query_range(
        &self,
        expression: &str,
        start_ms: u64,
        end_ms: u64,
        step_ms: u64,
    ) -> Result<Vec<Series>, Error> {
        check_range(start_ms, end_ms, step_ms)?;
        let [start, end, step] =
            [start_ms, end_ms, step_ms].map(|millis| format!("{}.{:03}", millis / 1000, millis % 1000));
        let fields = [("query", expression), ("start", &start), ("end", &end), ("step", &step)];
        let place = self.queried();
        let answer = place.server.post_form("api/v1/query_range", &fields).await;
        let result: answer::QueryResult = place.data(answer)?;
        result.series().map_err(|unfit| place.unfit(expression, &unfit))
    }

    /// The alerts that are pending or firing.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub async fn alerts(&self) -> Result<Vec<ActiveAlert>, Error> {
        let listed: alerts::AlertList = self.ruler().get("api/v1/alerts").await?;
        Ok(listed.active())
    }

    /// The alerting rules that are loaded.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub async fn rules(&self) -> Result<Vec<AlertingRule>, Error> {
        let listed: rules::RuleList = self.ruler().get("api/v1/rules?type=alert").await?;
        Ok(listed.alerting())
    }

    /// What time it is there, where it says so.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub async fn clock(&self) -> Result<Option<Timestamp>, Error> {
        let answer = self.server.post_form("api/v1/query", &[("query", "vector(1)")]).await;
        let date = answer.as_ref().ok().and_then(|answer| answer.date);
        self.queried().data::<answer::QueryResult>(answer).map(|_| date)
    }

    /// What the server that evaluates the rules does to the labels of alerts on their way to Alertmanager:
    /// its own list of alerts shows them as they were. None where it does not say, which the log tells.
    ///
    /// # Errors
    /// `Unavailable` where it can't be asked now.
    pub async fn relabeling(&self) -> Result<Option<AlertRelabeling>, Error> {
        let text = self.ruler().get::<answer::ConfigText>("api/v1/status/config").await;
        let read = match text {
            // It may be long, and takes its time.
            Ok(text) => tokio::task::spawn_blocking(move || text.relabeling())
                .await
                .unwrap_or_else(|error| Err(error.to_string())),
            Err(error) if error.status.is_none_or(|status| status >= 500) => return Err(error),
            Err(error) => Err(error.message),
        };
        if let Err(error) = &read {
            tracing::warn!(
                prometheus = self.ruler().server.shown(),
                %error,
                "what it does to labels of alerts can't be read; taken for nothing (`prometheus.externalLabels` and \
                 `prometheus.dropLabels` say it)"
            );
        }
        Ok(read.ok())
    }
}

/// Whether a range of time, in milliseconds, is one that Prometheus accepts.
///
/// # Errors
/// What it would say of one that it does not.
pub fn check_range(start: u64, end: u64, step: u64) -> Result<(), Error> {
    let bad = |message: String| Err(Error::new(Reason::BAD_REQUEST, message));
    match end.checked_sub(start) {
        None => bad("the range of time ends before it starts".to_owned()),
        Some(_) if step == 0 => bad("the step of a range of time is zero".to_owned()),
        Some(length) if length / step >= MOST_POINTS => {
            bad(format!("the range of time has more than {MOST_POINTS} points a series; take a longer step"))
        }
        Some(_) => Ok(()),
    }
}
