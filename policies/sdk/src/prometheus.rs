//! Prometheus, read only.

use crate::incident::Labels;
use crate::wit::{prometheus as wit, types};
use crate::{Duration, Result, Time, host};

/// A value of a series at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The labels of the series.
    pub labels: Labels,
    /// When.
    pub at: Time,
    /// The value.
    pub value: f64,
}

/// A series over a range of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its labels.
    pub labels: Labels,
    /// Its values, oldest first.
    pub points: Vec<(Time, f64)>,
}

/// An alert that Prometheus knows of.
#[derive(Clone, Debug, PartialEq)]
pub struct ActiveAlert {
    /// Its labels.
    pub labels: Labels,
    /// Its annotations.
    pub annotations: Labels,
    /// False while it is pending.
    pub firing: bool,
    /// Since when its expression holds.
    pub active_at: Option<Time>,
}

/// Evaluate an expression now. A scalar is one sample without labels.
///
/// # Errors
/// `Unavailable` where Prometheus can't be asked; what it says of the expression.
pub fn query(expression: &str) -> Result<Vec<Sample>> {
    let samples = host::call(|host| host.query(expression))?;
    let sample = |sample: wit::Sample| Sample {
        labels: labels(sample.labels),
        at: Time::from_millis(sample.at_ms),
        value: sample.value,
    };
    Ok(samples.into_iter().map(sample).collect())
}

/// Evaluate an expression from one moment to another in steps; at most 11,000 points a
/// series.
///
/// # Errors
/// As [`query`].
pub fn query_range(expression: &str, from: Time, to: Time, step: Duration) -> Result<Vec<Series>> {
    let range = (from.as_millis(), to.as_millis(), step.as_millis());
    let series = host::call(|host| host.query_range(expression, range.0, range.1, range.2))?;
    let one = |series: wit::Series| Series {
        labels: labels(series.labels),
        points: series.points.into_iter().map(|(at, value)| (Time::from_millis(at), value)).collect(),
    };
    Ok(series.into_iter().map(one).collect())
}

/// The alerts that are pending or firing.
///
/// # Errors
/// `Unavailable` where Prometheus can't be asked.
pub fn alerts() -> Result<Vec<ActiveAlert>> {
    let alert = |alert: wit::ActiveAlert| ActiveAlert {
        labels: labels(alert.labels),
        annotations: labels(alert.annotations),
        firing: alert.firing,
        active_at: Time::parse(&alert.active_at),
    };
    Ok(host::call(|host| host.alerts())?.into_iter().map(alert).collect())
}

fn labels(pairs: Vec<types::Label>) -> Labels {
    pairs.into_iter().collect()
}
