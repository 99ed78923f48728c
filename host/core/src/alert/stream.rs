//! Reading a notification one alert at a time, each bounded: what is in memory of a body is the
//! body and one alert, whatever somebody has written into it.

use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Alert, AlertStatus, Labels, Notification, never_is_none};
use crate::clock::{Timestamp, written};

/// Labels of one alert at most. Prometheus writes a dozen.
const MAX_LABELS: usize = 128;
/// Bytes of all label names and values of one alert at most.
const MAX_LABEL_BYTES: usize = 16 << 10;
/// Annotations of one alert that are kept.
const MAX_ANNOTATIONS: usize = 64;
/// Bytes of the names and values of annotations that are kept. What is longer is cut: each
/// incident and each run holds the alert.
const MAX_ANNOTATION_BYTES: usize = 16 << 10;
/// Bytes of a link that is kept. A part of one leads nowhere.
const MAX_URL: usize = 2 << 10;
/// Bytes of a fingerprint. Alertmanager's have 16.
const MAX_FINGERPRINT: usize = 64;
/// Bytes of a receiver's name that are kept.
const MAX_RECEIVER: usize = 256;

/// What a notification says beside its alerts, and how many those are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// The receiver's name; a long one is cut.
    pub receiver: String,
    /// How many alerts `max_alerts` cut off.
    pub truncated_alerts: u64,
    /// How many alerts it has.
    pub alerts: usize,
    /// How many of them fire.
    pub firing: usize,
}

impl From<&Notification> for Envelope {
    fn from(notification: &Notification) -> Self {
        let fires = |alert: &&Alert| alert.status == AlertStatus::Firing;
        Self {
            receiver: cut(notification.receiver.clone(), MAX_RECEIVER),
            truncated_alerts: notification.truncated_alerts,
            alerts: notification.alerts.len(),
            firing: notification.alerts.iter().filter(fires).count(),
        }
    }
}

/// An alert that was read off a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// As it was posted; long annotations are cut, and end with `…`.
    Whole(Arc<Alert>),
    /// It has more labels, or longer ones, than any alert has. Labels are never cut: they say
    /// which alert it is.
    Oversized {
        /// Its `alertname`, where that was among the labels that were read.
        alertname: String,
    },
}

impl Envelope {
    /// Read a notification, and hand each alert over as it is read. An alert is bounded in
    /// bytes, and the notification as a whole is never in memory.
    ///
    /// # Errors
    /// Where the body stops being one. What was handed over before that is then void.
    pub fn read<'de, D: Deserializer<'de>>(from: D, each: impl FnMut(Read)) -> Result<Self, D::Error> {
        from.deserialize_map(EnvelopeVisitor(each))
    }

    /// The same, of a request's body.
    ///
    /// # Errors
    /// Where the body stops being a notification: line, column, and what was expected.
    pub fn parse(body: &[u8], each: impl FnMut(Read)) -> Result<Self, serde_json::Error> {
        let mut reader = serde_json::Deserializer::from_slice(body);
        let envelope = Self::read(&mut reader, each)?;
        reader.end()?;
        Ok(envelope)
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Field {
    Receiver,
    TruncatedAlerts,
    Alerts,
    #[serde(other)]
    Other,
}

struct EnvelopeVisitor<F>(F);

impl<'de, F: FnMut(Read)> Visitor<'de> for EnvelopeVisitor<F> {
    type Value = Envelope;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a notification of Alertmanager")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Envelope, A::Error> {
        let mut envelope = Envelope::default();
        let mut has_alerts = false;
        while let Some(field) = map.next_key::<Field>()? {
            match field {
                Field::Receiver => envelope.receiver = cut(map.next_value()?, MAX_RECEIVER),
                Field::TruncatedAlerts => envelope.truncated_alerts = map.next_value()?,
                Field::Alerts if has_alerts => return Err(A::Error::duplicate_field("alerts")),
                Field::Alerts => {
                    has_alerts = true;
                    (envelope.alerts, envelope.firing) = map.next_value_seed(Alerts(&mut self.0))?;
                }
                Field::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if has_alerts { Ok(envelope) } else { Err(A::Error::missing_field("alerts")) }
    }
}

/// The alerts: how many there are, and how many of them fire.
struct Alerts<'a, F>(&'a mut F);

impl<'de, F: FnMut(Read)> DeserializeSeed<'de> for Alerts<'_, F> {
    type Value = (usize, usize);

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(Read)> Visitor<'de> for Alerts<'_, F> {
    type Value = (usize, usize);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of alerts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut alerts: A) -> Result<Self::Value, A::Error> {
        let (mut count, mut firing) = (0, 0);
        while let Some(alert) = alerts.next_element::<Posted>()? {
            count += 1;
            firing += usize::from(alert.status == AlertStatus::Firing);
            (self.0)(alert.read());
        }
        Ok((count, firing))
    }
}

/// An alert as it arrives.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Posted {
    status: AlertStatus,
    #[serde(deserialize_with = "labels")]
    labels: Bounded,
    #[serde(default, deserialize_with = "annotations")]
    annotations: Bounded,
    #[serde(deserialize_with = "written")]
    starts_at: Timestamp,
    #[serde(default, deserialize_with = "never_is_none")]
    ends_at: Option<Timestamp>,
    #[serde(default, rename = "generatorURL")]
    generator_url: String,
    #[serde(default)]
    fingerprint: String,
}

impl Posted {
    fn read(self) -> Read {
        if !self.labels.is_whole {
            let alertname = self.labels.texts.get("alertname").cloned().unwrap_or_default();
            return Read::Oversized { alertname };
        }
        let within = |text: String, most| if text.len() <= most { text } else { String::new() };
        Read::Whole(Arc::new(Alert {
            status: self.status,
            labels: self.labels.texts,
            annotations: self.annotations.texts,
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            generator_url: within(self.generator_url, MAX_URL),
            // Without one it is told apart by its labels.
            fingerprint: within(self.fingerprint, MAX_FINGERPRINT),
        }))
    }
}

/// Texts by name, as many as may be kept.
#[derive(Default)]
struct Bounded {
    texts: Labels,
    is_whole: bool,
}

fn labels<'de, D: Deserializer<'de>>(from: D) -> Result<Bounded, D::Error> {
    from.deserialize_map(Bound { count: MAX_LABELS, bytes: MAX_LABEL_BYTES, cuts: false })
}

fn annotations<'de, D: Deserializer<'de>>(from: D) -> Result<Bounded, D::Error> {
    from.deserialize_map(Bound { count: MAX_ANNOTATIONS, bytes: MAX_ANNOTATION_BYTES, cuts: true })
}

struct Bound {
    count: usize,
    bytes: usize,
    /// A value that does not fit is cut; otherwise it is left out.
    cuts: bool,
}

impl<'de> Visitor<'de> for Bound {
    type Value = Bounded;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Bounded, A::Error> {
        let mut bounded = Bounded { is_whole: true, ..Bounded::default() };
        let mut room = self.bytes;
        while let Some((name, mut value)) = map.next_entry::<String, String>()? {
            let left = room.saturating_sub(name.len());
            let is_more = bounded.texts.len() >= self.count || (left == 0 && !name.is_empty());
            if is_more || value.len() > left {
                bounded.is_whole = false;
                if is_more || !self.cuts {
                    continue;
                }
                value = cut(value, left);
            }
            room = left.saturating_sub(value.len());
            bounded.texts.insert(name, value);
        }
        Ok(bounded)
    }
}

/// A text of at most so many bytes. One that is cut shows it.
fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most.saturating_sub('…'.len_utf8())));
        text.push('…');
        // What held the rest would be kept for as long as this is.
        text.shrink_to_fit();
    }
    text
}

#[cfg(test)]
mod tests;
