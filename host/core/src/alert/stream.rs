//! Reading a notification one alert at a time, each bounded: what is in memory of a body is the
//! body and one alert, whatever somebody has written into it.

use std::fmt;

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Alert, AlertStatus, Labels, Notification, never_is_none};
use crate::clock::Timestamp;

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
    Whole(Box<Alert>),
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
        Read::Whole(Box::new(Alert {
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
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: &[u8]) -> (Envelope, Vec<Read>) {
        let mut alerts = Vec::new();
        let envelope = Envelope::parse(body, |alert| alerts.push(alert)).unwrap();
        (envelope, alerts)
    }

    fn body(labels: &Labels, annotations: &Labels) -> Vec<u8> {
        json!({"receiver": "r", "truncatedAlerts": 2, "groupLabels": {"x": [1]}, "alerts": [{"status": "firing",
            "labels": labels, "annotations": annotations, "startsAt": "2026-11-22T04:10:00Z",
            "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "http://p", "fingerprint": "f", "new": {}}]})
        .to_string()
        .into_bytes()
    }

    fn texts(count: usize, length: usize) -> Labels {
        (0..count).map(|number| (format!("l{number}"), "x".repeat(length))).collect()
    }

    #[test]
    fn an_ordinary_alert_is_read_as_it_was_written() {
        let body = body(&texts(12, 40), &texts(5, 300));
        let (envelope, alerts) = read(&body);
        let whole = Notification::parse(&body).unwrap();
        assert_eq!(envelope, Envelope { receiver: "r".into(), truncated_alerts: 2, alerts: 1, firing: 1 });
        assert_eq!(envelope, Envelope::from(&whole));
        assert_eq!(alerts, [Read::Whole(Box::new(whole.alerts[0].clone()))]);
    }

    #[test]
    fn a_long_annotation_is_cut_and_shows_it() {
        let (_, alerts) = read(&body(&texts(1, 1), &[("a".into(), "ä".repeat(1 << 20))].into()));
        let Read::Whole(alert) = &alerts[0] else { panic!() };
        let kept = &alert.annotations["a"];
        assert!(kept.ends_with("ä…") && kept.len() < MAX_ANNOTATION_BYTES, "{}", kept.len());
        assert!(kept.len() > MAX_ANNOTATION_BYTES - 8 && kept.capacity() < MAX_ANNOTATION_BYTES * 2);
    }

    #[test]
    fn however_many_annotations_there_are_only_so_much_is_kept() {
        for annotations in [texts(100_000, 0), texts(1000, 1000), texts(3, 1 << 20)] {
            let (_, alerts) = read(&body(&texts(1, 1), &annotations));
            let Read::Whole(alert) = &alerts[0] else { panic!() };
            let bytes: usize = alert.annotations.iter().map(|(name, value)| name.len() + value.len()).sum();
            assert!(bytes <= MAX_ANNOTATION_BYTES && alert.annotations.len() <= MAX_ANNOTATIONS);
        }
    }

    #[test]
    fn an_alert_with_more_labels_than_any_has_is_told_apart_and_the_next_is_read() {
        for labels in [texts(MAX_LABELS + 1, 1), texts(1, MAX_LABEL_BYTES), texts(100_000, 0)] {
            let mut labels = labels;
            labels.insert("alertname".into(), "Flood".into());
            let (_, alerts) = read(&body(&labels, &Labels::new()));
            assert_eq!(alerts, [Read::Oversized { alertname: "Flood".into() }]);
        }
        let (_, alerts) = read(&body(&texts(MAX_LABELS, 100), &Labels::new()));
        assert!(matches!(alerts[..], [Read::Whole(_)]));
    }

    #[test]
    fn what_identifies_nothing_is_left_out_where_it_is_too_long() {
        let text = String::from_utf8(body(&texts(1, 1), &Labels::new())).unwrap();
        let long = text.replace("\"f\"", &format!("\"{}\"", "f".repeat(1000)));
        let long = long
            .replace("http://p", &"p".repeat(10_000))
            .replace("\"r\"", &format!("\"{}\"", "r".repeat(9999)));
        let (envelope, alerts) = read(long.as_bytes());
        let Read::Whole(alert) = &alerts[0] else { panic!() };
        assert_eq!((alert.generator_url.as_str(), alert.fingerprint.as_str()), ("", ""));
        assert_eq!(envelope.receiver.len(), MAX_RECEIVER);
    }

    #[test]
    fn what_is_no_notification_is_refused_as_before() {
        for wrong in [
            "{}",
            r#"{"alerts":{}}"#,
            r#"{"alerts":[],"alerts":[]}"#,
            r#"{"alerts":[]} x"#,
            r#"{"alerts":[{"status":"burning","labels":{},"startsAt":"2026-11-22T04:10:00Z"}]}"#,
        ] {
            let streamed = Envelope::parse(wrong.as_bytes(), |_| ()).unwrap_err();
            let whole = Notification::parse(wrong.as_bytes()).unwrap_err();
            assert_eq!((streamed.line(), streamed.column()), (whole.line(), whole.column()), "{wrong}");
        }
    }
}
