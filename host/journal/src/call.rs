//! A call: what the entries of one step add up to.

use suture_core::clock::Timestamp;
use suture_core::object::Object;
use suture_core::{Effect, Ending, Error, Mutation, Prepared, Reply};

use crate::entry::{Answer, Body, Entry};

/// An effect that a policy asked for, or an undo that the host ran: how it was tried, and what it
/// brought.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The step, from 1.
    pub step: u32,
    /// When its first entry was written.
    pub at: Timestamp,
    /// When its answer was written, or the run ended without one; [`at`](Self::at) until then.
    pub answered_at: Timestamp,
    /// What was asked for; of an undo, the change that it makes.
    pub asked: Effect,
    /// The definite act as it was tried last; none where nothing had to be prepared (a read, or what
    /// was refused at once).
    pub prepared: Option<Prepared>,
    /// When each try was on disk: one more after each conflict.
    pub tries: Vec<Timestamp>,
    /// The step whose undo it is.
    pub undo_of: Option<u32>,
    /// The object before it was changed, where that is on record.
    pub before: Option<Object>,
    /// What it brought; none while it is at work, where the end of the run cut it off, and where
    /// nobody knows.
    pub answer: Option<Answer>,
}

impl Call {
    /// The calls of a record, in order, with those that have no answer.
    pub fn all<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Vec<Self> {
        let (mut calls, mut all) = (Calls::default(), Vec::new());
        for entry in entries {
            match calls.note(entry.clone()) {
                Some(Event::Call(call)) => all.push(call),
                Some(Event::Ended { cut_off, .. }) => all.extend(cut_off),
                Some(Event::Kept { .. }) | None => {}
            }
        }
        all.extend(calls.pending);
        all
    }

    /// What was done, with everything filled in.
    pub fn effect(&self) -> &Effect {
        self.prepared.as_ref().map_or(&self.asked, |prepared| &prepared.effect)
    }

    /// What it brought, where that is no error.
    pub fn reply(&self) -> Option<&Reply> {
        match &self.answer {
            Some(Answer::Ok(reply)) => Some(reply),
            Some(Answer::Error(_)) | None => None,
        }
    }

    /// Why it failed.
    pub fn error(&self) -> Option<&Error> {
        match &self.answer {
            Some(Answer::Error(error)) => Some(error),
            Some(Answer::Ok(_)) | None => None,
        }
    }

    /// The change that was made, and what it made of the object.
    pub fn change(&self) -> Option<(&Mutation, &Object)> {
        match (self.effect(), self.reply()) {
            (Effect::Mutate { mutation, .. }, Some(Reply::Mutated(object))) => Some((mutation, object)),
            _ => None,
        }
    }

    /// How many of its tries ended in a conflict, after which it was tried again.
    pub fn conflicts(&self) -> u32 {
        u32::try_from(self.tries.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// Whether it was only tried (observe mode).
    pub fn is_dry_run(&self) -> bool {
        self.prepared.as_ref().is_some_and(|prepared| prepared.dry_run)
    }

    /// How long it took, from its first entry on.
    pub fn took(&self) -> std::time::Duration {
        self.at.duration_until(self.answered_at).try_into().unwrap_or_default()
    }

    fn answered(mut self, answer: Option<Answer>, at: Timestamp) -> Self {
        (self.answer, self.answered_at) = (answer, at);
        self
    }
}

/// Reads calls off a record, entry by entry.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calls {
    pending: Option<Call>,
}

/// What an entry completes.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A call is over.
    Call(Call),
    /// The undo of a step is settled without being run.
    Kept {
        /// The step in which that was settled.
        step: u32,
        /// When.
        at: Timestamp,
        /// The step that made the change.
        change: u32,
        /// Why.
        reason: String,
    },
    /// The policy is done, or was ended.
    Ended {
        /// How.
        ending: Ending,
        /// When.
        at: Timestamp,
        /// The call that has no answer because of it.
        cut_off: Option<Call>,
    },
}

impl Calls {
    /// Add an entry.
    pub fn note(&mut self, entry: Entry) -> Option<Event> {
        let Entry { step, at, body } = entry;
        match body {
            Body::Call { effect, answer, undo_of } => Some(Event::Call(Call {
                step,
                at,
                answered_at: at,
                asked: effect,
                prepared: None,
                tries: Vec::new(),
                undo_of,
                before: None,
                answer: Some(answer),
            })),
            Body::Intent { prepared, asked, undo_of, before } => match &mut self.pending {
                Some(pending) if pending.step == step => {
                    pending.prepared = Some(prepared);
                    pending.tries.push(at);
                    pending.before = before;
                    None
                }
                pending => {
                    let asked = asked.map_or_else(|| prepared.effect.clone(), |asked| *asked);
                    let (prepared, tries) = (Some(prepared), vec![at]);
                    let call = Call {
                        step,
                        at,
                        answered_at: at,
                        asked,
                        prepared,
                        tries,
                        undo_of,
                        before,
                        answer: None,
                    };
                    pending.replace(call).map(Event::Call)
                }
            },
            Body::Reply { answer } => {
                let call = self.pending.take_if(|pending| pending.step == step)?;
                Some(Event::Call(call.answered(Some(answer), at)))
            }
            Body::Kept { change, reason } => Some(Event::Kept { step, at, change, reason }),
            Body::Ended { ending } => {
                let cut_off = self.pending.take().map(|call| call.answered(None, at));
                Some(Event::Ended { ending, at, cut_off })
            }
        }
    }

    /// The call that has no answer yet.
    pub fn pending(&self) -> Option<&Call> {
        self.pending.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use suture_core::effect::{Delete, Target};
    use suture_core::object::Kind;
    use suture_core::{Halt, RunId, Step};

    use super::*;

    fn entry(step: u32, second: i64, body: Body) -> Entry {
        Entry { step, at: time(second), body }
    }

    fn time(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn intent(step: u32, effect: Effect, undo_of: Option<u32>) -> Body {
        let prepared = Prepared::new(Step { run: RunId::new("r"), number: step }, effect);
        Body::Intent { prepared, asked: None, undo_of, before: None }
    }

    fn delete() -> Effect {
        let target = Target {
            kind: Kind::new("v1", "Pod"),
            namespace: Some("media".into()),
            name: "plex".into(),
            uid: None,
            subresource: None,
        };
        let delete = Delete::of(target);
        Effect::Mutate { mutation: Mutation::Delete(delete), undo: None }
    }

    #[test]
    fn a_change_that_is_tried_again_after_a_conflict_is_one_call_with_its_reply() {
        let reply = Body::Reply { answer: Answer::Ok(Reply::Settled) };
        let entries = [
            entry(1, 1, intent(1, delete(), None)),
            entry(1, 2, intent(1, delete(), None)),
            entry(1, 3, reply),
        ];
        let calls = Call::all(&entries);
        let [call] = calls.as_slice() else { panic!("{calls:#?}") };
        assert_eq!(call.tries, [time(1), time(2)]);
        assert_eq!((call.conflicts(), call.at, call.answered_at), (1, time(1), time(3)));
        assert_eq!(call.reply(), Some(&Reply::Settled));
    }

    #[test]
    fn what_the_end_cut_off_and_what_is_at_work_have_no_answer() {
        let sleep = Effect::Sleep { duration_ms: 1000 };
        let ended = Body::Ended { ending: Ending::Halted(Halt::Planned) };
        let entries = [
            entry(1, 1, intent(1, sleep, None)),
            entry(1, 5, ended),
            entry(2, 6, intent(2, delete(), Some(1))),
        ];
        let calls = Call::all(&entries);
        let [cut_off, undo] = calls.as_slice() else { panic!("{calls:#?}") };
        assert_eq!((cut_off.answered_at, &cut_off.answer), (time(5), &None));
        assert_eq!((undo.undo_of, undo.answered_at, &undo.answer), (Some(1), time(6), &None));
    }
}
