//! What spans look like.

mod effect;
mod run;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::{Span, Status, span, status};
use suture_core::Timestamp;
use suture_journal::{IncidentRecord, IncidentState, RunRecord};

use crate::ids;
pub(crate) use run::Run;

/// The span of an alert: from its incident's opening until that rests.
pub(crate) fn alert(incident: &IncidentRecord, rested: Timestamp) -> Span {
    let alertname = incident.alert.labels.get("alertname").map_or("", String::as_str);
    let mut attributes = of_incident(incident);
    attributes.extend([
        text("suture.state", incident.state.as_str()),
        text("suture.fingerprint", &incident.fingerprint),
        text("suture.alertname", alertname),
    ]);
    attributes.extend(incident.key.iter().map(|(name, value)| text(&format!("suture.key.{name}"), value)));
    Span {
        trace_id: ids::trace(&incident.id),
        span_id: ids::alert(&incident.id),
        name: format!("alert {alertname}"),
        kind: span::SpanKind::Consumer.into(),
        start_time_unix_nano: nanos(incident.opened_at),
        end_time_unix_nano: nanos(rested.max(incident.opened_at)),
        attributes,
        status: Some(how(
            matches!(incident.state, IncidentState::Escalated | IncidentState::Failed),
            incident.state.as_str(),
        )),
        ..Span::default()
    }
}

/// From an incident's opening to its first run.
pub(crate) fn queue(incident: &IncidentRecord, run: &RunRecord) -> Span {
    within(incident, "queue", 0, incident.opened_at, run.started_at, false)
}

/// From the end of a run that repaired until its alert cleared, or had not in time.
pub(crate) fn verification(incident: &IncidentRecord, since: Timestamp, until: Timestamp) -> Span {
    let is_cleared = incident.state == IncidentState::Resolved;
    within(incident, "verification", incident.attempts, since, until, !is_cleared)
}

/// A part of an alert's span.
fn within(
    incident: &IncidentRecord,
    name: &str,
    number: u32,
    from: Timestamp,
    until: Timestamp,
    is_error: bool,
) -> Span {
    Span {
        trace_id: ids::trace(&incident.id),
        span_id: ids::part(&incident.id, name, number),
        parent_span_id: ids::alert(&incident.id),
        name: name.to_owned(),
        kind: span::SpanKind::Internal.into(),
        start_time_unix_nano: nanos(from),
        end_time_unix_nano: nanos(until.max(from)),
        attributes: of_incident(incident),
        status: Some(how(is_error, incident.state.as_str())),
        ..Span::default()
    }
}

fn of_incident(incident: &IncidentRecord) -> Vec<KeyValue> {
    vec![text("suture.incident", incident.id.as_str()), text("suture.policy", &incident.policy)]
}

/// An attribute.
fn text(name: &str, value: &str) -> KeyValue {
    attribute(name, any_value::Value::StringValue(value.to_owned()))
}

/// An attribute that is a number.
fn number(name: &str, value: u32) -> KeyValue {
    attribute(name, any_value::Value::IntValue(value.into()))
}

/// An attribute that says that something is so.
fn yes(name: &str) -> KeyValue {
    attribute(name, any_value::Value::BoolValue(true))
}

fn attribute(name: &str, value: any_value::Value) -> KeyValue {
    KeyValue { key: name.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

/// A status. OpenTelemetry leaves "ok" to people.
fn how(is_error: bool, word: &str) -> Status {
    match is_error {
        true => Status { code: status::StatusCode::Error.into(), message: word.to_owned() },
        false => Status::default(),
    }
}

fn nanos(time: Timestamp) -> u64 {
    u64::try_from(time.as_nanosecond()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
