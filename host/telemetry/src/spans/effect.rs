//! One effect.

use opentelemetry_proto::tonic::trace::v1::{Span, span};
use suture_core::{Effect, ObjectRef, Reason, Timestamp};
use suture_journal::{Entry, RunRecord};

use super::{how, nanos, number, text, yes};
use crate::ids;

/// An effect that has come to its end.
pub(super) struct Done<'a> {
    pub effect: &'a Effect,
    /// The reason of the error; empty where there is none.
    pub reason: &'a str,
    /// The step whose undo it is.
    pub undo_of: Option<u32>,
    /// It was only tried.
    pub dry_run: bool,
}

impl Done<'_> {
    /// Its span; none for what is done without anybody: log lines, the time of day. `written` is
    /// when its intent was on disk: before that it was checked, and the alert confirmed.
    pub fn span(
        &self,
        run: &RunRecord,
        entry: &Entry,
        began: Timestamp,
        written: &[Timestamp],
    ) -> Option<Span> {
        let Self { effect, reason, undo_of, dry_run } = *self;
        if matches!(effect, Effect::Log { .. } | Effect::Now | Effect::Step { .. }) {
            return None;
        }
        let verb = effect.verb();
        let mut attributes = vec![
            text("suture.verb", verb),
            text("suture.run", run.id.as_str()),
            text("suture.incident", run.incident.as_str()),
            text("suture.policy", &run.policy),
            number("suture.step", entry.step),
        ];
        let undo = if undo_of.is_some() { "undo " } else { "" };
        let name = match object(effect) {
            Some(object) => {
                attributes.push(text("k8s.kind", &object.kind.kind));
                attributes.push(text("k8s.object", &object.to_string()));
                let namespace = object.namespace.as_deref();
                attributes.extend(namespace.map(|namespace| text("k8s.namespace.name", namespace)));
                format!("{undo}{verb} {}", object.kind.kind)
            }
            None => format!("{undo}{verb}"),
        };
        attributes.extend(undo_of.map(|step| number("suture.undo_of", step)));
        attributes.extend(dry_run.then(|| yes("suture.dry_run")));
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
            span_id: ids::effect(&run.id, entry.step),
            parent_span_id: ids::run(&run.id),
            name,
            kind: span::SpanKind::Client.into(),
            start_time_unix_nano: nanos(began.min(entry.at)),
            end_time_unix_nano: nanos(entry.at),
            attributes,
            events: written.iter().map(intent).collect(),
            status: Some(how(is_error, reason)),
            ..Span::default()
        })
    }
}

/// The one object, or the objects of one kind, that an effect is about.
fn object(effect: &Effect) -> Option<ObjectRef> {
    match effect {
        Effect::Get { target } | Effect::Wait { target, .. } => Some(target.reference()),
        Effect::List(query) => Some(ObjectRef {
            kind: query.kind.clone(),
            namespace: query.namespace.clone(),
            name: "*".to_owned(),
        }),
        Effect::Logs { pod, .. } => Some(pod.reference()),
        Effect::Mutate { mutation, .. } => Some(mutation.reference()),
        _ => None,
    }
}
