//! What is on record of a policy's own calls: what a replay is compared with, and answered
//! from.

use std::collections::VecDeque;

use suture_core::clock::Timestamp;
use suture_core::{Effect, Prepared, Reply};

use crate::entry::{Answer, Body, Entry};
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
        let mut lines: VecDeque<Line> = VecDeque::new();
        for Entry { step, at, body } in entries {
            let known = lines.back_mut().filter(|line| line.step == step);
            let (asked, progress) = match (body, known) {
                (Body::Ended { .. }, _) => break,
                (Body::Reply { answer }, Some(line)) => {
                    let answer = line.answer_of(answer);
                    line.is_answered(answer, at);
                    continue;
                }
                // Prepared anew after a conflict, or a change that was tried again.
                (Body::Intent { prepared, .. }, Some(line)) => {
                    line.progress = Progress::Begun(Box::new(prepared));
                    continue;
                }
                // There was nothing left to take back.
                (Body::Kept { .. }, Some(line)) => {
                    line.is_answered(Answer::Ok(Reply::Settled), at);
                    continue;
                }
                (Body::Reply { .. }, None) => continue,
                (Body::Call { effect, answer, undo_of }, _) => {
                    let asked = match undo_of {
                        None => effect,
                        Some(change) => Effect::Settle { step: change, run_undo: true },
                    };
                    (asked, Progress::Answered(answer))
                }
                (Body::Intent { prepared, undo_of, asked }, None) => {
                    let asked = match undo_of {
                        None => asked.map_or_else(|| prepared.effect.clone(), |asked| *asked),
                        Some(change) => Effect::Settle { step: change, run_undo: true },
                    };
                    (asked, Progress::Begun(Box::new(prepared)))
                }
                (Body::Kept { change, .. }, None) => {
                    let asked = Effect::Settle { step: change, run_undo: false };
                    (asked, Progress::Answered(Answer::Ok(Reply::Settled)))
                }
            };
            lines.push_back(Line { step, at, answered_at: at, asked, progress });
        }
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
    fn is_answered(&mut self, answer: Answer, at: Timestamp) {
        self.progress = Progress::Answered(answer);
        self.answered_at = at;
    }

    /// What the policy saw. Of a change that was taken back, it saw no object.
    fn answer_of(&self, answer: Answer) -> Answer {
        match (&self.asked, answer) {
            (Effect::Settle { .. }, Answer::Ok(_)) => Answer::Ok(Reply::Settled),
            (_, answer) => answer,
        }
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
