//! What is on record of a policy's own calls: what a replay is compared with, and answered
//! from.

use std::collections::VecDeque;

use suture_core::clock::Timestamp;
use suture_core::{Effect, Prepared, Reply};

use crate::call::{Call, Calls, Event};
use crate::entry::{Answer, Entry};
use crate::recorder::size;

/// The policy's calls, in order, without those that have been asked again.
#[derive(Debug, Default)]
pub(crate) struct Script(pub VecDeque<Line>);

/// One call.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub step: u32,
    /// When it was written down, and when its answer was.
    pub at: Timestamp,
    pub answered_at: Timestamp,
    pub asked: Effect,
    pub progress: Progress,
}

/// How far a call came.
#[derive(Clone, Debug)]
pub(crate) enum Progress {
    Answered(Answer),
    /// It was begun, and how it ended is not on record.
    Begun(Box<Prepared>),
}

impl Script {
    /// The calls of a record, up to where the policy ended.
    pub fn of(entries: Vec<Entry>) -> Self {
        let (mut calls, mut lines) = (Calls::default(), VecDeque::<Line>::new());
        for entry in entries {
            match calls.note(entry) {
                Some(Event::Call(call)) => lines.extend(Line::of(call)),
                Some(Event::Kept { step, at, change, .. }) => {
                    let settled = Progress::Answered(Answer::Ok(Reply::Settled));
                    match lines.back_mut().filter(|line| line.step == step) {
                        // There was nothing left to take back.
                        Some(line) => (line.progress, line.answered_at) = (settled, at),
                        None => lines.push_back(Line {
                            step,
                            at,
                            answered_at: at,
                            asked: Effect::Settle { step: change, run_undo: false },
                            progress: settled,
                        }),
                    }
                }
                Some(Event::Ended { cut_off, .. }) => {
                    lines.extend(cut_off.and_then(Line::of));
                    break;
                }
                None => {}
            }
        }
        lines.extend(calls.pending().cloned().and_then(Line::of));
        // A reply that was too large ended the run and is not on record: it is asked for
        // again, and is too large again.
        lines.pop_back_if(|line| match &line.progress {
            Progress::Answered(Answer::Error(error)) => size::is_too_large(error),
            _ => false,
        });
        Self(lines)
    }

    /// The step that is asked for next; none where the record is used up.
    pub fn next_step(&self) -> Option<u32> {
        self.0.front().map(|line| line.step)
    }

    /// The next call.
    pub fn next(&mut self) -> Option<Line> {
        self.0.pop_front()
    }
}

impl Line {
    /// A call as the policy made it: of a change that was taken back, it saw no object.
    fn of(call: Call) -> Option<Self> {
        let Call { step, at, answered_at, asked, prepared, undo_of, answer, .. } = call;
        let asked = undo_of.map_or(asked, |change| Effect::Settle { step: change, run_undo: true });
        let progress = match (answer, prepared) {
            (Some(Answer::Ok(_)), _) if undo_of.is_some() => Progress::Answered(Answer::Ok(Reply::Settled)),
            (Some(answer), _) => Progress::Answered(answer),
            (None, prepared) => Progress::Begun(Box::new(prepared?)),
        };
        Some(Self { step, at, answered_at, asked, progress })
    }

    /// Whether a call is the one that was recorded. The text of log lines may differ: they
    /// decide nothing.
    pub fn is(&self, effect: &Effect) -> bool {
        match (&self.asked, effect) {
            (Effect::Log { .. }, Effect::Log { .. }) | (Effect::Step { .. }, Effect::Step { .. }) => true,
            (recorded, asked) => recorded == asked || is_same_change(recorded, asked),
        }
    }
}

/// Whether two mutations are one in their normal form: older records hold them as the policy
/// wrote them.
fn is_same_change(recorded: &Effect, asked: &Effect) -> bool {
    recorded.is_mutation() && recorded.normalized().is_ok_and(|normal| asked.normalized() == Ok(normal))
}

/// An effect, in a word or two, for people.
pub(crate) fn shown(effect: &Effect) -> String {
    let text = serde_json::to_string(effect).unwrap_or_else(|_| effect.verb().to_owned());
    if text.len() <= MAX_SHOWN {
        return text;
    }
    format!("{}…", &text[..text.floor_char_boundary(MAX_SHOWN)])
}

/// The most of an effect that a determinism error shows, in bytes.
const MAX_SHOWN: usize = 400;
