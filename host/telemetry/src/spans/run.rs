//! One run.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::{Span, span};
use suture_core::{Effect, Prepared, Timestamp};
use suture_journal::{Answer, Body, Entry, RunRecord};

use super::effect::Done;
use super::{how, nanos, number, text};
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
    /// What is being done, or awaited.
    intent: Option<Intent>,
    events: Vec<span::Event>,
}

struct Intent {
    began: Timestamp,
    prepared: Prepared,
    undo_of: Option<u32>,
    /// When it was on disk; again for each conflict.
    written: Vec<Timestamp>,
}

impl Run {
    /// A run that has ended. `resumed` is when this host began with it, or went on.
    pub fn new(record: &RunRecord, resumed: Timestamp) -> Self {
        let last = record.started_at;
        Self { record: record.clone(), resumed, last, intent: None, events: Vec::new() }
    }

    /// The span of the effect that this entry ends.
    pub fn entry(&mut self, entry: &Entry) -> Option<Span> {
        match &entry.body {
            Body::Call { effect: Effect::Step { title }, .. } => {
                self.event(entry.at, title.chars().take(HEADING).collect(), Vec::new());
                None
            }
            Body::Call { effect, answer, undo_of } => {
                let began = self.called(entry);
                self.last = entry.at;
                let done = Done { effect, reason: reason(answer), undo_of: *undo_of, dry_run: false };
                done.span(&self.record, entry, began, &[])
            }
            Body::Intent { prepared, undo_of, .. } => {
                // An undo at the end nobody called for.
                let called = if undo_of.is_some() { entry.at } else { self.called(entry) };
                let intent = self.intent.get_or_insert_with(|| Intent {
                    began: called,
                    prepared: prepared.clone(),
                    undo_of: *undo_of,
                    written: Vec::new(),
                });
                intent.prepared = prepared.clone();
                intent.written.push(entry.at);
                None
            }
            Body::Reply { answer } => self.reply(entry, reason(answer)),
            Body::Kept { change, .. } => {
                self.event(entry.at, "kept".to_owned(), vec![number("suture.step", *change)]);
                None
            }
            // A wait that was cut off has no reply.
            Body::Ended { .. } => self.reply(entry, "Interrupted"),
        }
    }

    fn reply(&mut self, entry: &Entry, reason: &str) -> Option<Span> {
        self.last = entry.at;
        let Intent { began, prepared, undo_of, written } = self.intent.take()?;
        let entry = Entry { step: prepared.step.number, ..entry.clone() };
        let done = Done { effect: &prepared.effect, reason, undo_of, dry_run: prepared.dry_run };
        done.span(&self.record, &entry, began, &written)
    }

    /// When the call was made that an entry is about. Between two hosts nothing is called.
    fn called(&self, entry: &Entry) -> Timestamp {
        if self.resumed <= entry.at { self.last.max(self.resumed) } else { self.last }
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

/// The reason of an error; empty where there is none.
fn reason(answer: &Answer) -> &str {
    match answer {
        Answer::Ok(_) => "",
        Answer::Error(error) => error.reason.as_str(),
    }
}
