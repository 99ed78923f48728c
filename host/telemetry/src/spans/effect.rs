//! One effect.

use opentelemetry_proto::tonic::trace::v1::{Span, span};
use suture_core::effect::Nature;
use suture_core::{Effect, Reason, Timestamp};
use suture_journal::{Call, RunRecord};

use super::{how, nanos, number, text, yes};
use crate::ids;

/// The span of a call that is over; none for what is done without anybody: log lines, the time of
/// day. Its tries are events: before the first it was checked, and the alert confirmed.
pub(super) fn span(run: &RunRecord, call: &Call, began: Timestamp) -> Option<Span> {
    let effect = call.effect();
    if effect.nature() == Nature::Aside {
        return None;
    }
    // A wait that was cut off has no answer.
    let reason = match (&call.answer, call.error()) {
        (None, _) => "Interrupted",
        (Some(_), error) => error.map_or("", |error| error.reason.as_str()),
    };
    let verb = effect.verb();
    let mut attributes = vec![
        text("suture.verb", verb),
        text("suture.run", run.id.as_str()),
        text("suture.incident", run.incident.as_str()),
        text("suture.policy", &run.policy),
        number("suture.step", call.step),
    ];
    let undo = if call.undo_of.is_some() { "undo " } else { "" };
    let name = match effect.object() {
        Some(mut object) => {
            if matches!(effect, Effect::List(_)) {
                "*".clone_into(&mut object.name);
            }
            attributes.push(text("k8s.kind", &object.kind.kind));
            attributes.push(text("k8s.object", &object.to_string()));
            let namespace = object.namespace.as_deref();
            attributes.extend(namespace.map(|namespace| text("k8s.namespace.name", namespace)));
            format!("{undo}{verb} {}", object.kind.kind)
        }
        None => format!("{undo}{verb}"),
    };
    attributes.extend(call.undo_of.map(|step| number("suture.undo_of", step)));
    attributes.extend(call.is_dry_run().then(|| yes("suture.dry_run")));
    attributes.extend((reason == Reason::DENIED.as_str()).then(|| yes("suture.denied")));
    attributes.extend((!reason.is_empty()).then(|| text("error.type", reason)));
    // That something is not there is an answer like others.
    let is_error = !reason.is_empty() && reason != Reason::NOT_FOUND.as_str();
    let intent = |at: &Timestamp| span::Event {
        time_unix_nano: nanos(*at),
        name: "intent".to_owned(),
        ..span::Event::default()
    };
    Some(Span {
        trace_id: ids::trace(&run.incident),
        span_id: ids::effect(&run.id, call.step),
        parent_span_id: ids::run(&run.id),
        name,
        kind: span::SpanKind::Client.into(),
        start_time_unix_nano: nanos(began.min(call.answered_at)),
        end_time_unix_nano: nanos(call.answered_at),
        attributes,
        events: call.tries.iter().map(intent).collect(),
        status: Some(how(is_error, reason)),
        ..Span::default()
    })
}
