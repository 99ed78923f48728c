//! Answering from the record: how a run goes on after its process has died.

use std::collections::VecDeque;

use suture_core::{Effect, Error, Halt, Prepared, Reason, Reply, Resolution};

use super::{Recorder, size};
use crate::entry::{Answer, Body, Entry};
use crate::log::Durability;

/// What is on record of the policy's own calls and has not been asked again, in order.
#[derive(Debug, Default)]
pub(super) struct Script(VecDeque<Line>);

/// One call.
#[derive(Debug)]
pub(super) struct Line {
    pub step: u32,
    asked: Effect,
    progress: Progress,
}

/// How far it came.
#[derive(Debug)]
enum Progress {
    Answered(Answer),
    /// It was begun, and how it ended is not on record.
    Begun(Box<Prepared>),
}

impl Script {
    /// The calls of a record, up to where the policy ended.
    pub fn of(entries: &[Entry]) -> Self {
        let mut lines: VecDeque<Line> = VecDeque::new();
        for Entry { step, body, .. } in entries {
            let known = lines.back_mut().filter(|line| line.step == *step);
            let (asked, progress) = match (body, known) {
                (Body::Ended { .. }, _) => break,
                (Body::Reply { answer }, Some(line)) => {
                    let answer = line.answer_of(answer);
                    line.progress = Progress::Answered(answer);
                    continue;
                }
                // Prepared anew after a conflict, or a change that was tried again.
                (Body::Intent { prepared, .. }, Some(line)) => {
                    line.progress = Progress::Begun(Box::new(prepared.clone()));
                    continue;
                }
                // There was nothing left to take back.
                (Body::Kept { .. }, Some(line)) => {
                    line.progress = Progress::Answered(Answer::Ok(Reply::Settled));
                    continue;
                }
                (Body::Reply { .. }, None) => continue,
                (Body::Call { effect, answer, undo_of }, _) => {
                    let asked = match undo_of {
                        None => effect.clone(),
                        Some(change) => Effect::Settle { step: *change, run_undo: true },
                    };
                    (asked, Progress::Answered(answer.clone()))
                }
                (Body::Intent { prepared, undo_of, asked }, None) => {
                    let asked = match undo_of {
                        None => asked.as_deref().unwrap_or(&prepared.effect).clone(),
                        Some(change) => Effect::Settle { step: *change, run_undo: true },
                    };
                    (asked, Progress::Begun(Box::new(prepared.clone())))
                }
                (Body::Kept { change, .. }, None) => {
                    let asked = Effect::Settle { step: *change, run_undo: false };
                    (asked, Progress::Answered(Answer::Ok(Reply::Settled)))
                }
            };
            lines.push_back(Line { step: *step, asked, progress });
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
    /// What the policy saw. Of a change that was taken back, it saw no object.
    fn answer_of(&self, answer: &Answer) -> Answer {
        match (&self.asked, answer) {
            (Effect::Settle { .. }, Answer::Ok(_)) => Answer::Ok(Reply::Settled),
            _ => answer.clone(),
        }
    }

    /// Whether a call is the one that was recorded. The text of log lines may differ: they
    /// decide nothing.
    fn is(&self, effect: &Effect) -> bool {
        match (&self.asked, effect) {
            (Effect::Log { .. }, Effect::Log { .. }) | (Effect::Step { .. }, Effect::Step { .. }) => true,
            (recorded, asked) => recorded == asked,
        }
    }
}

impl Recorder {
    /// The recorder of a run whose process died in the middle, with what is on record of
    /// it. Once it is [awake](Self::awake), a fresh instance of the same policy asks for
    /// the same again, and is answered from the record until that is used up; then its
    /// calls are live.
    ///
    /// Only for a run that has not [ended](crate::Ledger::ending), under the same module,
    /// incident, settings and limits, and on the same cluster.
    pub fn resuming(self, entries: &[Entry]) -> Self {
        self.state.lock().ledger = crate::Ledger::of(entries);
        self
    }

    /// The determinism error of a policy that ended before it had asked for all that is on
    /// record.
    pub fn left_over(&self) -> Option<Halt> {
        let state = self.state.lock();
        state.script.0.front().map(|line| Halt::Nondeterminism {
            step: line.step,
            recorded: shown(&line.asked),
            asked: "nothing more: it ended".to_owned(),
        })
    }

    /// Answer a call from the record, or take up what was begun.
    pub(super) async fn replay(&self, line: Line, effect: Effect) -> Result<Result<Reply, Error>, Halt> {
        let Line { step, .. } = line;
        if !line.is(&effect) {
            return Err(Halt::Nondeterminism { step, recorded: shown(&line.asked), asked: shown(&effect) });
        }
        let answer = match line.progress {
            Progress::Answered(answer) => Result::from(answer),
            Progress::Begun(prepared) if !prepared.effect.is_mutation() => {
                return self.await_prepared(step, &prepared).await;
            }
            Progress::Begun(prepared) => return self.in_doubt(step, &prepared, effect).await,
        };
        self.spend(size::of(&answer))?;
        Ok(answer)
    }

    /// Find out what became of a change that has an intent and no reply. What was done is
    /// recorded; what was not is prepared anew, under today's grants; and what can't be
    /// told is an error that the policy sees.
    async fn in_doubt(
        &self,
        step: u32,
        prepared: &Prepared,
        effect: Effect,
    ) -> Result<Result<Reply, Error>, Halt> {
        let answer = match self.find_out(prepared).await {
            Resolution::Done(reply) => Ok(reply),
            Resolution::NotDone => {
                return match effect {
                    Effect::Settle { step: change, run_undo } => self.settle(step, change, run_undo).await,
                    effect => self.mutate(step, effect).await,
                };
            }
            Resolution::Unknown(why) => {
                Err(Error::new(Reason::UNKNOWN, format!("the host died while it was at it: {why}")))
            }
        };
        self.write(step, Body::Reply { answer: answer.clone().into() }, Durability::Lazy).await?;
        self.spend(size::of(&answer))?;
        Ok(match effect {
            Effect::Settle { .. } => answer.map(|_| Reply::Settled),
            _ => answer,
        })
    }
}

/// An effect, in a word or two, for people.
fn shown(effect: &Effect) -> String {
    let text = serde_json::to_string(effect).unwrap_or_else(|_| effect.verb().to_owned());
    if text.len() <= MAX_SHOWN {
        return text;
    }
    format!("{}…", &text[..text.floor_char_boundary(MAX_SHOWN)])
}

/// The most of an effect that a determinism error shows, in bytes.
const MAX_SHOWN: usize = 400;
