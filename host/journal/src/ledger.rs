//! What a record adds up to: what is open, what is in doubt.

use suture_core::object::ObjectRef;
use suture_core::{Effect, Ending, Mutation, Prepared, Reason, Reply};

use crate::entry::{Answer, Body, Entry};
use crate::undo;

/// The state of a run, as its entries add up to it. A live run and one that is read
/// back from disk come to the same state by the same rules.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ledger {
    last_step: u32,
    begun: Option<Begun>,
    open: Vec<Undo>,
    unknown: Vec<String>,
    ending: Option<Ending>,
}

/// An intent that has no reply.
#[derive(Clone, Debug, PartialEq)]
pub struct Begun {
    /// What was to be done.
    pub prepared: Prepared,
    /// The step whose undo it is.
    pub undo_of: Option<u32>,
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
            Body::Intent { prepared, undo_of, .. } => self.intended(entry.step, prepared, *undo_of),
            Body::Reply { answer } => self.replied(entry.step, answer),
            Body::Kept { change, .. } => self.settle(*change),
            Body::Ended { ending } => self.ending = Some(ending.clone()),
            Body::Call { .. } => {}
        }
    }

    fn intended(&mut self, step: u32, prepared: &Prepared, undo_of: Option<u32>) {
        if let (Effect::Mutate { undo: Some(undo), .. }, None) = (&prepared.effect, undo_of) {
            // Open from here on: until the reply is there, the change may have taken
            // place.
            self.settle(step);
            self.open.push(Undo { change: step, mutation: undo.clone(), dry_run: prepared.dry_run });
        }
        self.begun = Some(Begun { prepared: prepared.clone(), undo_of });
    }

    fn replied(&mut self, step: u32, answer: &Answer) {
        let Some(Begun { prepared: Prepared { effect: Effect::Mutate { mutation, .. }, .. }, undo_of }) =
            self.begun.take()
        else {
            return;
        };
        match (answer, undo_of) {
            (Answer::Ok(_), Some(change)) => self.settle(change),
            (Answer::Ok(reply), None) => self.pin(step, &mutation.reference(), reply),
            (Answer::Error(error), undo_of) if error.reason == Reason::UNKNOWN => {
                self.unknown.push(doubt(step, undo_of, &mutation, &error.message));
                // Taking back what may not be there is harmless; doing it twice is not.
                if let Some(change) = undo_of {
                    self.settle(change);
                }
            }
            (Answer::Error(_), Some(_)) => {}
            (Answer::Error(_), None) => self.settle(step),
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

    /// The intent that has no reply.
    pub fn begun(&self) -> Option<&Begun> {
        self.begun.as_ref()
    }

    /// Whether a step has an intent without a reply.
    pub fn has_begun(&self, step: u32) -> bool {
        self.begun.as_ref().is_some_and(|begun| begun.prepared.step.number == step)
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
    let act = format!("{} {}", mutation.verb(), mutation.reference());
    match undo_of {
        None => format!("step {step} ({act}) may or may not have taken place: {why}"),
        Some(change) => format!("the undo of step {change} ({act}) may or may not have taken place: {why}"),
    }
}
