//! What effects bring.

use serde::{Deserialize, Serialize};

use crate::alert::Labels;
use crate::clock::Timestamp;
use crate::object::Object;

/// What an effect brought.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Reply {
    /// Of `Get`: the object.
    Object(Object),
    /// Of `List`: one page.
    Page(Page),
    /// Of `Mutate`: the object as it is now; of a delete, as it was last seen.
    Mutated(Object),
    /// Of `Settle`.
    Settled,
    /// Of `Wait`.
    Waited(Waited),
    /// Of `Logs`: the text.
    Logs(String),
    /// Of `Exclusive`: the run holds the lock.
    Held,
    /// Of `Query`.
    Samples(Vec<Sample>),
    /// Of `QueryRange`.
    Series(Vec<Series>),
    /// Of `Alerts`.
    Alerts(Vec<ActiveAlert>),
    /// Of `Now`.
    Now(Timestamp),
    /// Of `Sleep`: the time is up.
    Slept,
    /// Of `Log` and `Step`.
    Noted,
}

/// One page of a list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// The objects.
    pub items: Vec<Object>,
    /// Where the next page begins; none on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The version of the list.
    pub resource_version: String,
}

/// How a wait ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Waited {
    /// The predicate held: the object as it was then.
    Met(Object),
    /// The object is gone.
    Deleted,
    /// It did not happen in time.
    Timeout,
}

/// A value of a series at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// The labels of the series.
    pub labels: Labels,
    /// Milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The value. NaN and infinities are written as text, which JSON numbers can't.
    #[serde(with = "number")]
    pub value: f64,
}

/// A series over a range of time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Series {
    /// The labels of the series.
    pub labels: Labels,
    /// Its values, oldest first.
    pub points: Vec<Point>,
}

/// A value at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    /// Milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The value.
    #[serde(with = "number")]
    pub value: f64,
}

/// An alert that Prometheus knows of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActiveAlert {
    /// Its labels.
    pub labels: Labels,
    /// Its annotations.
    #[serde(default)]
    pub annotations: Labels,
    /// Whether its rule holds, and has for long enough. False while it is pending, and while
    /// it is only kept firing.
    pub firing: bool,
    /// Since when its expression holds.
    pub active_at: Timestamp,
    /// Since when its expression does not hold any more, where the rule's `keep_firing_for`
    /// keeps it firing: what was wrong is over. The Unix epoch where that is not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_firing_since: Option<Timestamp>,
}

/// Floats as numbers, or as text where JSON has no number for them.
mod number {
    use serde::{Deserialize, Deserializer, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(f64),
        Text(String),
    }

    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        if value.is_finite() { serializer.serialize_f64(*value) } else { serializer.collect_str(value) }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Number(value) => Ok(value),
            Written::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_that_is_not_a_number_survives_the_journal() {
        let sample = Sample { labels: Labels::new(), at_ms: 1, value: f64::INFINITY };
        let text = serde_json::to_string(&sample).unwrap();
        assert_eq!(serde_json::from_str::<Sample>(&text).unwrap(), sample);
    }
}
