//! What a record adds up to: what is open, what is in doubt.

use suture_core::object::ObjectRef;
use suture_core::{Effect, Ending, Mutation, Prepared, Reason, Reply};

use crate::call::{Call, Calls, Event};
use crate::entry::{Answer, Body, Entry};
use crate::undo;

/// The state of a run, as its entries add up to it. A live run and one that is read
/// back from disk come to the same state by the same rules.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ledger {
    last_step: u32,
    calls: Calls,
    open: Vec<Undo>,
    unknown: Vec<String>,
    ending: Option<Ending>,
}

/// An undo that is not settled.
#[derive(Clone, Debug, PartialEq)]
pub struct Undo {
    /// The step that made the change.
    pub change: u32,
    /// What takes it back.
    pub mutation: Mutation,
    /// The change was only tried (observe mode).
    pub dry_run: bool,
}

impl Ledger {
    /// What a record adds up to.
    pub fn of(entries: &[Entry]) -> Self {
        let mut ledger = Self::default();
        entries.iter().for_each(|entry| ledger.note(entry));
        ledger
    }

    /// Add an entry.
    pub fn note(&mut self, entry: &Entry) {
        self.last_step = self.last_step.max(entry.step);
        match &entry.body {
            // It changed nothing.
            Body::Call { .. } => return,
            Body::Intent { prepared, undo_of: None, .. } => self.may_change(entry.step, prepared),
            Body::Intent { .. } | Body::Reply { .. } | Body::Kept { .. } | Body::Ended { .. } => {}
        }
        match self.calls.note(entry.clone()) {
            Some(Event::Call(call)) => self.answered(&call),
            Some(Event::Kept { change, .. }) => self.settle(change),
            Some(Event::Ended { ending, .. }) => self.ending = Some(ending),
            None => {}
        }
    }

    fn may_change(&mut self, step: u32, prepared: &Prepared) {
        if let Effect::Mutate { undo: Some(undo), .. } = &prepared.effect {
            // Open from here on: until the reply is there, the change may have taken
            // place.
            self.settle(step);
            self.open.push(Undo { change: step, mutation: undo.clone(), dry_run: prepared.dry_run });
        }
    }

    fn answered(&mut self, call: &Call) {
        let Effect::Mutate { mutation, .. } = call.effect() else { return };
        let (step, undo_of) = (call.step, call.undo_of);
        match (&call.answer, undo_of) {
            (Some(Answer::Ok(_)), Some(change)) => self.settle(change),
            (Some(Answer::Ok(reply)), None) => self.pin(step, &mutation.reference(), reply),
            (Some(Answer::Error(error)), undo_of) if error.reason == Reason::UNKNOWN => {
                self.unknown.push(doubt(step, undo_of, mutation, &error.message));
                // Taking back what may not be there is harmless; doing it twice is not.
                if let Some(change) = undo_of {
                    self.settle(change);
                }
            }
            (Some(Answer::Error(_)), None) => self.settle(step),
            (Some(Answer::Error(_)), Some(_)) | (None, _) => {}
        }
    }

    fn pin(&mut self, step: u32, made: &ObjectRef, reply: &Reply) {
        if let Reply::Mutated(object) = reply
            && let Some(open) = self.open.iter_mut().find(|undo| undo.change == step)
        {
            undo::pin_to_reply(&mut open.mutation, made, object);
        }
    }

    fn settle(&mut self, change: u32) {
        self.open.retain(|undo| undo.change != change);
    }

    /// The number of the last step; 0 before the first.
    pub fn last_step(&self) -> u32 {
        self.last_step
    }

    /// What was begun and has no reply.
    pub fn begun(&self) -> Option<&Prepared> {
        self.calls.pending()?.prepared.as_ref()
    }

    /// Whether a step has an intent without a reply.
    pub fn has_begun(&self, step: u32) -> bool {
        self.calls.pending().is_some_and(|call| call.step == step)
    }

    /// The undos that are not settled, oldest first.
    pub fn open(&self) -> &[Undo] {
        &self.open
    }

    /// The mutations of which it is not known whether they took place: a sentence each.
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// How the policy ended, or was ended; none while it is at work.
    pub fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }
}

fn doubt(step: u32, undo_of: Option<u32>, mutation: &Mutation, why: &str) -> String {
    let act = format!("{} {}", mutation.mutation_type(), mutation.reference());
    match undo_of {
        None => format!("step {step} ({act}) may or may not have taken place: {why}"),
        Some(change) => format!("the undo of step {change} ({act}) may or may not have taken place: {why}"),
    }
}
