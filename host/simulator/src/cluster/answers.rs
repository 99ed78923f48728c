//! What the Prometheus beside a simulated cluster answers.

use suture_cluster::prometheus::check_range;
use suture_core::effect::{ActiveAlert, Point, Sample, Series};
use suture_core::names::shortened;
use suture_core::{Alert, AlertStatus, Error, Reason, Timestamp};

use super::state::State;
use crate::fixture::{QueryAnswer, SeriesValue};

impl State {
    fn answer(&self, expression: &str) -> Result<&QueryAnswer, Error> {
        self.queries.iter().find(|answer| answer.query == expression).ok_or_else(|| {
            let known: Vec<String> =
                self.queries.iter().map(|answer| format!("`{}`", shortened(&answer.query))).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let message = format!(
                "the simulated Prometheus has no answer to `{}`; add it under `prometheus` (it knows: {known})",
                shortened(expression)
            );
            Error::new(Reason::UNSUPPORTED, message)
        })
    }

    /// The value of an expression now.
    pub fn query(&self, expression: &str, now: Timestamp) -> Result<Vec<Sample>, Error> {
        let at_ms = u64::try_from(now.as_millisecond()).unwrap_or(0);
        let sample = |series: &SeriesValue| {
            let value = series.value.number()?;
            Some(Sample { labels: series.labels.clone(), at_ms, value })
        };
        Ok(self.answer(expression)?.result.iter().filter_map(sample).collect())
    }

    /// The value of an expression over a range of time: always the same.
    pub fn query_range(
        &self,
        expression: &str,
        start: u64,
        end: u64,
        step: u64,
    ) -> Result<Vec<Series>, Error> {
        let answer = self.answer(expression)?;
        check_range(start, end, step)?;
        let series = |series: &SeriesValue| {
            let value = series.value.number()?;
            let times = (start..=end).step_by(usize::try_from(step).unwrap_or(usize::MAX));
            let points = times.map(|at_ms| Point { at_ms, value }).collect();
            Some(Series { labels: series.labels.clone(), points })
        };
        Ok(answer.result.iter().filter_map(series).collect())
    }

    /// The alerts that Prometheus knows of, by their labels.
    pub fn active_alerts(&self) -> Vec<ActiveAlert> {
        self.alerts.values().cloned().collect()
    }

    /// Let Prometheus know of an alert that fires, or forget one that is resolved.
    pub fn set_alert(&mut self, alert: &Alert) {
        match alert.status {
            AlertStatus::Resolved => {
                self.alerts.remove(&alert.labels);
            }
            AlertStatus::Firing => {
                let known = ActiveAlert {
                    labels: alert.labels.clone(),
                    annotations: alert.annotations.clone(),
                    firing: true,
                    active_at: alert.starts_at,
                    kept_firing_since: None,
                };
                self.alerts.insert(alert.labels.clone(), known);
            }
        }
    }
}
