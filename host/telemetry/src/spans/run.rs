//! One run.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::{Span, span};
use suture_core::{Effect, Timestamp};
use suture_journal::call::Event;
use suture_journal::{Call, Calls, Entry, RunRecord};

use super::{effect, how, nanos, number, text};
use crate::ids;

/// How much of a heading is told, in characters.
const HEADING: usize = 200;

/// A run, as its entries are read.
pub(crate) struct Run {
    record: RunRecord,
    /// When the last host began with it, or went on.
    resumed: Timestamp,
    /// When the call before was answered: about then the next one was made.
    last: Timestamp,
    calls: Calls,
    events: Vec<span::Event>,
}

impl Run {
    /// A run that has ended. `resumed` is when this host began with it, or went on.
    pub fn new(record: &RunRecord, resumed: Timestamp) -> Self {
        let last = record.started_at;
        Self { record: record.clone(), resumed, last, calls: Calls::default(), events: Vec::new() }
    }

    /// The span of the call that this entry ends.
    pub fn entry(&mut self, entry: &Entry) -> Option<Span> {
        match self.calls.note(entry.clone())? {
            Event::Call(call) => self.call(&call),
            Event::Kept { at, change, .. } => {
                self.event(at, "kept".to_owned(), vec![number("suture.step", change)]);
                None
            }
            Event::Ended { at, cut_off, .. } => {
                let span = cut_off.and_then(|call| self.call(&call));
                self.last = at;
                span
            }
        }
    }

    fn call(&mut self, call: &Call) -> Option<Span> {
        if let Effect::Step { title } = &call.asked {
            self.event(call.at, title.chars().take(HEADING).collect(), Vec::new());
            return None;
        }
        // An undo at the end nobody called for.
        let is_called = call.undo_of.is_none() || call.prepared.is_none();
        let began = if is_called { self.called(call.at) } else { call.at };
        self.last = call.answered_at;
        effect::span(&self.record, call, began)
    }

    /// When the call was made whose first entry was written then. Between two hosts nothing is called.
    fn called(&self, at: Timestamp) -> Timestamp {
        if self.resumed <= at { self.last.max(self.resumed) } else { self.last }
    }

    fn event(&mut self, at: Timestamp, name: String, attributes: Vec<KeyValue>) {
        let time_unix_nano = nanos(at);
        self.events.push(span::Event { time_unix_nano, name, attributes, ..span::Event::default() });
    }

    /// Its own span.
    pub fn end(self) -> Span {
        let Self { record, last, events, .. } = self;
        let outcome = record.outcome.as_deref().unwrap_or("unknown");
        Span {
            trace_id: ids::trace(&record.incident),
            span_id: ids::run(&record.id),
            parent_span_id: ids::alert(&record.incident),
            name: format!("run {}", record.policy),
            kind: span::SpanKind::Internal.into(),
            start_time_unix_nano: nanos(record.started_at),
            end_time_unix_nano: nanos(record.ended_at.unwrap_or(last)),
            attributes: vec![
                text("suture.run", record.id.as_str()),
                text("suture.incident", record.incident.as_str()),
                text("suture.policy", &record.policy),
                text("suture.digest", &record.digest),
                text("suture.mode", record.mode.as_str()),
                text("suture.outcome", outcome),
                number("suture.attempt", record.attempt),
            ],
            events,
            status: Some(how(
                !matches!(outcome, "remediated" | "unnecessary" | "planned" | "retry"),
                outcome,
            )),
            ..Span::default()
        }
    }
}
