//! The lines of a comparison.

use serde::{Deserialize, Serialize};
use suture_core::Effect;
use suture_core::clock::Timestamp;

use super::Played;
use super::answers::{Answers, is_aside};
use crate::entry::Answer;

/// One call of a policy: recorded, asked again, or both.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// How the two compare.
    pub verdict: Verdict,
    /// When it was, on the record's time line.
    pub at: Timestamp,
    /// When the recorded call was answered.
    pub answered_at: Timestamp,
    /// The recorded call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Call>,
    /// The call that was asked this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<Call>,
    /// What it was answered, or what the recorded one brought where it was not asked again;
    /// none where the record has no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
}

/// A call and its number in its run, from 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// The number.
    pub step: u32,
    /// What was asked.
    pub effect: Effect,
}

/// How a recorded call and an asked one compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// They are the same, in the same place.
    Same,
    /// They are the same, and it was asked later than on record.
    Later,
    /// Something else was asked in its place.
    Different,
    /// It was asked, and is not on record.
    More,
    /// It is on record, and was not asked.
    Less,
}

impl Line {
    /// The call that it is about: the one that was asked, where there is one.
    pub fn call(&self) -> Option<&Call> {
        self.asked.as_ref().or(self.recorded.as_ref())
    }

    /// Whether it decides anything: log lines, steps and the time of day do not.
    pub fn matters(&self) -> bool {
        self.call().is_some_and(|call| !is_aside(&call.effect))
    }

    /// Whether it is a difference.
    pub fn is_difference(&self) -> bool {
        match self.verdict {
            Verdict::Same => false,
            Verdict::Different => true,
            Verdict::Later | Verdict::More | Verdict::Less => self.matters(),
        }
    }
}

/// What was asked, and between it what was not asked any more.
pub(super) fn arranged(answers: &mut Answers, played: &Played) -> Vec<Line> {
    let asked = std::mem::take(&mut answers.asked);
    let shown = |place: &usize| answers.script.get(*place).is_some_and(|line| !is_aside(&line.asked));
    let paired = asked.last().and_then(|asked| asked.of).map(|(place, _)| place);
    let mut left: Vec<usize> =
        answers.untaken().into_iter().filter(|place| shown(place) && Some(*place) != paired).collect();
    left.reverse();
    let mut lines = Vec::new();
    let mut furthest = None;
    for asked in asked {
        if let Some((place, _)) = asked.of {
            while let Some(less) = left.pop_if(|less| *less < place) {
                lines.extend(not_asked(answers, less));
            }
        }
        let line = asked.of.and_then(|(place, same)| Some((place, same, answers.script.get(place)?)));
        let verdict = match line {
            None => Verdict::More,
            Some((_, false, _)) => Verdict::Different,
            Some((place, true, _)) if Some(place) < furthest => Verdict::Later,
            Some(_) => Verdict::Same,
        };
        furthest = furthest.max(line.map(|(place, ..)| place));
        lines.push(Line {
            verdict,
            at: asked.at,
            answered_at: line.map_or(asked.at, |(_, _, line)| line.answered_at),
            recorded: line.map(|(_, _, line)| Call { step: line.step, effect: line.asked.clone() }),
            asked: Some(Call { step: asked.step, effect: asked.effect }),
            answer: asked.answer,
        });
    }
    // Where it was stopped, nobody knows whether the rest would have been asked for.
    if matches!(played, Played::Ended(_)) {
        while let Some(less) = left.pop() {
            lines.extend(not_asked(answers, less));
        }
    }
    lines
}

fn not_asked(answers: &Answers, place: usize) -> Option<Line> {
    let line = answers.script.get(place)?;
    let answer = match &line.progress {
        crate::script::Progress::Answered(answer) => Some(answer.clone()),
        crate::script::Progress::Begun(_) => None,
    };
    Some(Line {
        verdict: Verdict::Less,
        at: line.at,
        answered_at: line.answered_at,
        recorded: Some(Call { step: line.step, effect: line.asked.clone() }),
        asked: None,
        answer,
    })
}
