//! What a run did, one act a step.

use suture_core::clock::Timestamp;
use suture_core::{Effect, Error, Prepared, Reply};
use suture_journal::{Answer, Body, Entry};

/// An effect and its answer.
#[derive(Clone, Debug)]
pub(super) struct Act {
    pub step: u32,
    pub at: Timestamp,
    pub answered_at: Timestamp,
    /// What was asked; of an undo, the change that it makes.
    pub asked: Effect,
    /// What became of it before it was done.
    pub prepared: Option<Prepared>,
    /// How often it was tried: once more after each conflict. 0 where it was refused before.
    pub tries: u32,
    /// None where the end of the run cut it off.
    pub answer: Option<Answer>,
}

impl Act {
    /// What it brought.
    pub fn reply(&self) -> Option<&Reply> {
        match &self.answer {
            Some(Answer::Ok(reply)) => Some(reply),
            _ => None,
        }
    }

    /// Why it failed.
    pub fn error(&self) -> Option<&Error> {
        match &self.answer {
            Some(Answer::Error(error)) => Some(error),
            _ => None,
        }
    }

    /// What was done, with everything filled in.
    pub fn definite(&self) -> &Effect {
        self.prepared.as_ref().map_or(&self.asked, |prepared| &prepared.effect)
    }

    /// Whether it was only tried.
    pub fn is_dry_run(&self) -> bool {
        self.prepared.as_ref().is_some_and(|prepared| prepared.dry_run)
    }

    /// How long it took.
    pub fn took(&self) -> std::time::Duration {
        self.at.duration_until(self.answered_at).try_into().unwrap_or_default()
    }
}

/// The acts of a record, in order.
pub(super) fn of(entries: &[Entry]) -> Vec<Act> {
    let mut acts: Vec<Act> = Vec::new();
    for Entry { step, at, body } in entries {
        let (step, at) = (*step, *at);
        let known = acts.last_mut().filter(|act| act.step == step);
        match (body, known) {
            (Body::Call { effect, answer, .. }, _) => acts.push(Act {
                step,
                at,
                answered_at: at,
                asked: effect.clone(),
                prepared: None,
                tries: 0,
                answer: Some(answer.clone()),
            }),
            (Body::Intent { prepared, .. }, Some(act)) => {
                act.prepared = Some(prepared.clone());
                act.tries += 1;
            }
            (Body::Intent { prepared, asked, .. }, None) => acts.push(Act {
                step,
                at,
                answered_at: at,
                asked: asked.as_deref().unwrap_or(&prepared.effect).clone(),
                prepared: Some(prepared.clone()),
                tries: 1,
                answer: None,
            }),
            (Body::Reply { answer }, Some(act)) => {
                act.answer = Some(answer.clone());
                act.answered_at = at;
            }
            (Body::Ended { .. }, _) => {
                // What has no answer was cut off here.
                if let Some(act) = acts.last_mut().filter(|act| act.answer.is_none()) {
                    act.answered_at = at;
                }
            }
            (Body::Reply { .. }, None) | (Body::Kept { .. }, _) => {}
        }
    }
    acts
}
