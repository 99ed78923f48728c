//! What Prometheus answered.

use suture_core::effect::{Sample, Series};
use suture_core::{Effect, Reply};
use suture_simulator::fixture::{QueryAnswer, SampleValue, SeriesValue};

use super::reconstruction::Reconstruction;
use suture_journal::Call;

impl Reconstruction {
    /// A question to Prometheus. A scenario's Prometheus always answers the same.
    pub(super) fn ask_prometheus(&mut self, call: &Call) {
        if let Some(error) = call.error() {
            self.fail(call, &call.asked, error);
            return;
        }
        let answer = match (&call.asked, call.reply()) {
            (Effect::Query { expression }, Some(Reply::Samples(samples))) => {
                (expression, of_samples(samples))
            }
            (Effect::QueryRange { expression, .. }, Some(Reply::Series(series))) => match of_series(series) {
                Some(result) => (expression, result),
                None => {
                    return self.doubt(call, "its values change over time, and those of a scenario don't");
                }
            },
            (Effect::Alerts, Some(Reply::Alerts(alerts))) => {
                let known = self.alerts.get_or_insert_with(|| alerts.clone());
                if known != alerts {
                    self.doubt(call, "Prometheus listed other alerts than before");
                }
                self.faults.pass(&call.asked, 1);
                return;
            }
            _ => return,
        };
        let (query, result) = (answer.0.clone(), answer.1);
        match self.prometheus.iter().find(|known| known.query == query) {
            None => self.prometheus.push(QueryAnswer { query, result }),
            Some(known) if known.result == result => {}
            Some(_) => {
                self.doubt(call, "Prometheus answered otherwise than before, which a scenario's never does")
            }
        }
        self.faults.pass(&call.asked, 1);
    }
}

fn value(value: f64) -> SampleValue {
    if value.is_finite() {
        SampleValue::Number(value)
    } else if value.is_nan() {
        SampleValue::Text("NaN".to_owned())
    } else {
        SampleValue::Text(if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned())
    }
}

fn of_samples(samples: &[Sample]) -> Vec<SeriesValue> {
    let series = |sample: &Sample| SeriesValue { labels: sample.labels.clone(), value: value(sample.value) };
    samples.iter().map(series).collect()
}

/// None where a series does not stay as it is.
fn of_series(all: &[Series]) -> Option<Vec<SeriesValue>> {
    let constant = |series: &Series| {
        let first = series.points.first()?.value;
        let stays = series
            .points
            .iter()
            .all(|point| point.value == first || (point.value.is_nan() && first.is_nan()));
        stays.then(|| SeriesValue { labels: series.labels.clone(), value: value(first) })
    };
    all.iter().map(constant).collect()
}
