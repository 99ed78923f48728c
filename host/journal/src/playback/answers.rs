//! The host of a playback: it has a record, and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use suture_core::clock::Timestamp;
use suture_core::effect::{Nature, Waited};
use suture_core::{Effect, Ending, Error, Halt, Host, Limit, Limits, Reply};

use super::Recorded;
use crate::entry::Answer;
use crate::script::{self, Progress, Script};
use crate::undo;

/// A call that was asked, and the recorded one that answered it.
pub(super) struct Asked {
    pub step: u32,
    pub effect: Effect,
    /// The place of the recorded call, and whether that is the same effect.
    pub of: Option<(usize, bool)>,
    pub answer: Option<Answer>,
    pub at: Timestamp,
}

/// Why a playback was stopped.
#[derive(Clone, Debug)]
pub(super) enum Stop {
    /// Everything on record was asked for, and the run had not ended there.
    RecordEnds,
    /// The record has no answer.
    CantTell,
    /// The host ends the run.
    Halted(Halt),
}

/// The record, and how far it was asked for.
pub(super) struct Answers {
    pub script: Vec<script::Line>,
    taken: Vec<bool>,
    /// Everything before this place was asked for.
    front: usize,
    /// What was seen before this place is out of date: a change was made since, or time has
    /// passed.
    present: usize,
    pub asked: Vec<Asked>,
    /// The recorded step of each change that was asked for again, by the step that it is now.
    steps: BTreeMap<u32, u32>,
    ending: Option<Ending>,
    is_strict: bool,
    limits: Limits,
    stop: Option<Stop>,
}

/// What is looked for on record, and found.
enum Found {
    /// The same call.
    Same(usize),
    /// A call that brings the same for certain, and its answer.
    Like(usize, Answer),
    Nothing,
}

impl Answers {
    pub fn new(recorded: &Recorded<'_>, ending: Option<Ending>, is_strict: bool) -> Self {
        let script: Vec<_> = Script::of(recorded.entries.to_vec()).0.into();
        Self {
            taken: vec![false; script.len()],
            script,
            front: 0,
            present: 0,
            asked: Vec::new(),
            steps: BTreeMap::new(),
            ending,
            is_strict,
            limits: recorded.header.limits.clone(),
            stop: None,
        }
    }

    /// Why the policy was stopped, where it was.
    pub fn stopped(&self) -> Option<Stop> {
        self.stop.clone()
    }

    /// How the policy ended, unless the same module left something out.
    pub fn left_over(&self, ending: Ending) -> Ending {
        let concluded = matches!(ending, Ending::Concluded(_) | Ending::Failed(_));
        match self.script.get(self.front) {
            Some(line) if self.is_strict && concluded => Ending::Halted(Halt::Nondeterminism {
                step: line.step,
                recorded: script::shown(&line.asked),
                asked: "nothing more: it ended".to_owned(),
            }),
            _ => ending,
        }
    }

    /// The places of recorded calls that nobody asked for again.
    pub fn untaken(&self) -> Vec<usize> {
        (self.front..self.script.len()).filter(|place| self.taken.get(*place) == Some(&false)).collect()
    }

    /// Those of them that can answer what is asked now.
    fn ahead(&self) -> Vec<usize> {
        self.untaken().into_iter().filter(|place| *place >= self.present).collect()
    }

    fn answer(&mut self, mut effect: Effect) -> Result<Result<Reply, Error>, Halt> {
        if self.stop.is_some() {
            return Err(ended());
        }
        let step = u32::try_from(self.asked.len()).unwrap_or(u32::MAX).saturating_add(1);
        if step > self.limits.effects {
            return self.end(Stop::Halted(Halt::Limit(self.limits.exceeded(Limit::Effects))));
        }
        undo::name(&mut effect);
        match self.find(&effect) {
            Found::Same(place) => self.replay(step, effect, place),
            Found::Like(place, answer) => {
                self.take(place);
                Ok(self.note(step, effect, Some((place, false)), answer))
            }
            Found::Nothing => self.without_record(step, effect),
        }
    }

    /// Look for a call on record: with the same module the next one, otherwise any before the
    /// next change.
    fn find(&self, effect: &Effect) -> Found {
        let effect = self.as_recorded(effect);
        if self.is_strict {
            let is_next = self.script.get(self.front).is_some_and(|line| line.is(&effect));
            return if is_next { Found::Same(self.front) } else { Found::Nothing };
        }
        let mut like = Found::Nothing;
        for place in self.ahead() {
            let Some(line) = self.script.get(place) else { break };
            if line.is(&effect) {
                return Found::Same(place);
            }
            if matches!(like, Found::Nothing)
                && let Some(answer) = brings(line, &effect)
            {
                like = Found::Like(place, answer);
            }
            // What is further back was seen after a change that is still to be asked for. And
            // what is no difference is taken where it stands, or not at all.
            if is_change(&line.asked) || (is_aside(&effect) && !is_aside(&line.asked)) {
                break;
            }
        }
        like
    }

    /// A call, with the step that it speaks of as the record counts it.
    fn as_recorded(&self, effect: &Effect) -> Effect {
        match effect {
            Effect::Settle { step, run_undo } => {
                Effect::Settle { step: *self.steps.get(step).unwrap_or(step), run_undo: *run_undo }
            }
            other => other.clone(),
        }
    }

    fn replay(&mut self, step: u32, effect: Effect, place: usize) -> Result<Result<Reply, Error>, Halt> {
        let Some(line) = self.script.get(place) else { return self.end(Stop::CantTell) };
        let (recorded_step, progress) = (line.step, line.progress.clone());
        self.take(place);
        if effect.is_mutation() {
            self.steps.insert(step, recorded_step);
        }
        match progress {
            Progress::Answered(answer) => Ok(self.note(step, effect, Some((place, true)), answer)),
            // It was cut off there, by the end of the run or of its record.
            Progress::Begun(_) => {
                self.push(step, effect, Some((place, true)), None);
                match &self.ending {
                    Some(Ending::Halted(halt)) => self.end(Stop::Halted(halt.clone())),
                    _ => self.end(Stop::RecordEnds),
                }
            }
        }
    }

    /// A call that is not on record.
    fn without_record(&mut self, step: u32, effect: Effect) -> Result<Result<Reply, Error>, Halt> {
        let is_used_up = self.ahead().iter().all(|place| self.is_aside_at(*place));
        if is_used_up && self.ending.is_none() {
            return self.end(Stop::RecordEnds);
        }
        // The run was ended before the next call could be made, whichever that was.
        if is_used_up && let Some(Ending::Halted(halt)) = &self.ending {
            return self.end(Stop::Halted(halt.clone()));
        }
        if self.is_strict {
            let next = self.script.get(self.front);
            let recorded =
                next.map_or("nothing more: it ended".to_owned(), |line| script::shown(&line.asked));
            let halt = Halt::Nondeterminism { step, recorded, asked: script::shown(&effect) };
            let of = next.map(|_| (self.front, false));
            self.push(step, effect, of, None);
            return self.end(Stop::Halted(halt));
        }
        match effect {
            Effect::Log { .. } | Effect::Step { .. } => {
                Ok(self.note(step, effect, None, Answer::Ok(Reply::Noted)))
            }
            Effect::Now => {
                let now = self.now();
                Ok(self.note(step, effect, None, Answer::Ok(Reply::Now(now))))
            }
            Effect::Sleep { .. } => Ok(self.note(step, effect, None, Answer::Ok(Reply::Slept))),
            effect => {
                let next = self.ahead().into_iter().find(|place| !self.is_aside_at(*place));
                self.push(step, effect, next.map(|place| (place, false)), None);
                self.end(Stop::CantTell)
            }
        }
    }

    fn is_aside_at(&self, place: usize) -> bool {
        self.script.get(place).is_some_and(|line| is_aside(&line.asked))
    }

    /// The time of the record: that of the next call, or of the last.
    fn now(&self) -> Timestamp {
        let next = self.ahead().into_iter().find_map(|place| self.script.get(place));
        next.map(|line| line.at)
            .or_else(|| self.script.last().map(|line| line.answered_at))
            .unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn take(&mut self, place: usize) {
        if self.script.get(place).is_some_and(|line| moves_on(&line.asked)) {
            self.present = self.present.max(place + 1);
        }
        if let Some(taken) = self.taken.get_mut(place) {
            *taken = true;
        }
        while self.taken.get(self.front) == Some(&true) {
            self.front += 1;
        }
    }

    fn note(
        &mut self,
        step: u32,
        effect: Effect,
        of: Option<(usize, bool)>,
        answer: Answer,
    ) -> Result<Reply, Error> {
        self.push(step, effect, of, Some(answer.clone()));
        answer.into()
    }

    fn push(&mut self, step: u32, effect: Effect, of: Option<(usize, bool)>, answer: Option<Answer>) {
        let at = of.and_then(|(place, _)| self.script.get(place)).map_or_else(|| self.now(), |line| line.at);
        self.asked.push(Asked { step, effect, of, answer, at });
    }

    fn end<T>(&mut self, stop: Stop) -> Result<T, Halt> {
        let halt = match &stop {
            Stop::Halted(halt) => halt.clone(),
            Stop::RecordEnds | Stop::CantTell => ended(),
        };
        self.stop = Some(stop);
        Err(halt)
    }
}

fn ended() -> Halt {
    Halt::Cancelled("the record has no more answers".to_owned())
}

/// What decides nothing: log lines, headings, the time of day.
pub(super) fn is_aside(effect: &Effect) -> bool {
    effect.nature() == Nature::Aside
}

fn is_change(effect: &Effect) -> bool {
    matches!(effect.nature(), Nature::Change | Nature::Settlement)
}

/// Whether the cluster may be another one after it.
fn moves_on(effect: &Effect) -> bool {
    match effect.nature() {
        Nature::Change | Nature::Settlement | Nature::Wait => true,
        Nature::Read | Nature::Aside => false,
    }
}

/// What a call would have brought that differs from a recorded one only in how long it waits,
/// where that is certain.
fn brings(line: &script::Line, effect: &Effect) -> Option<Answer> {
    let Progress::Answered(answer) = &line.progress else { return None };
    let (recorded_ms, asked_ms, gave_up) = match (&line.asked, effect) {
        (Effect::Sleep { .. }, Effect::Sleep { .. }) => return Some(answer.clone()),
        (
            Effect::Wait { target, until, timeout_ms: recorded },
            Effect::Wait { target: other, until: also, timeout_ms },
        ) if target == other && until == also => {
            (*recorded, *timeout_ms, matches!(answer, Answer::Ok(Reply::Waited(Waited::Timeout))))
        }
        (Effect::Exclusive { name, timeout_ms: recorded }, Effect::Exclusive { name: other, timeout_ms })
            if name == other =>
        {
            (*recorded, *timeout_ms, matches!(answer, Answer::Error(_)))
        }
        _ => return None,
    };
    let took = Duration::try_from(line.at.duration_until(line.answered_at)).unwrap_or_default();
    let is_certain = if gave_up { asked_ms <= recorded_ms } else { took <= Duration::from_millis(asked_ms) };
    is_certain.then(|| answer.clone())
}

/// Answers a policy from a record.
pub(super) struct Reader(pub Arc<Mutex<Answers>>);

#[async_trait]
impl Host for Reader {
    async fn answer(&self, effect: Effect) -> Result<Result<Reply, Error>, Halt> {
        self.0.lock().answer(effect)
    }
}
