//! What came of a back-test: the form of the API and of the command line.

use serde::{Deserialize, Serialize};
use suture_core::effect::{About, Effect};
use suture_core::{Ending, RunId};
use suture_journal::playback::{Call, Played, Verdict};
use suture_journal::{Playback, RunRecord};

/// The most differences of a run that are told one by one.
const MAX_DIFFERENCES: usize = 50;
/// The most of them that are logged.
const MAX_LOGGED: usize = 10;

/// What came of a back-test.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackTested {
    /// The digest of the module that was asked.
    pub candidate: String,
    /// How many runs were compared.
    pub compared: usize,
    /// In how many of them it would have done the same.
    pub same: usize,
    /// The runs in which it would not, newest first; the rest is only counted.
    pub differences: Vec<RunDifference>,
    /// How many more runs differ.
    #[serde(default)]
    pub more: usize,
    /// Runs that can't be compared.
    pub skipped: Vec<Skipped>,
    /// Why not all were looked at, where they were not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<String>,
}

/// A run in which it would have done otherwise, or in which that can't be told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunDifference {
    /// The run.
    pub run: RunId,
    /// Whether it would have changed something else in the cluster.
    pub changes: bool,
    /// Whether the record ends the comparison: it asked for what is not on record, so what it
    /// would have done then is not known.
    pub cant_tell: bool,
    /// How the recorded run ended.
    pub recorded: Option<Ending>,
    /// How it ended this time; none where that is not known.
    pub now: Option<Ending>,
    /// Effect by effect.
    pub effects: Vec<Difference>,
    /// How many more effects differ.
    #[serde(default)]
    pub more: usize,
}

/// One effect that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// How.
    pub verdict: Verdict,
    /// The recorded call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Call>,
    /// The call that was asked this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Call>,
}

/// A run that can't be compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Skipped {
    /// The run.
    pub run: RunId,
    /// Why.
    pub why: String,
}

impl RunDifference {
    pub(super) fn of(record: &RunRecord, playback: &Playback) -> Self {
        let differing: Vec<_> = playback.lines.iter().filter(|line| line.is_difference()).collect();
        let is_change =
            |call: &Option<Call>| matches!(call, Some(Call { effect: Effect::Mutate { .. }, .. }));
        let changes = differing.iter().any(|line| is_change(&line.recorded) || is_change(&line.asked));
        let shown = differing.iter().take(MAX_DIFFERENCES).map(|line| Difference {
            verdict: line.verdict,
            recorded: line.recorded.clone(),
            asked: line.asked.clone(),
        });
        let now = match &playback.played {
            Played::Ended(ending) => Some(ending.clone()),
            Played::RecordEnds | Played::CantTell => None,
        };
        Self {
            run: record.id.clone(),
            changes,
            cant_tell: playback.played == Played::CantTell,
            recorded: playback.recorded.clone(),
            now,
            more: differing.len().saturating_sub(MAX_DIFFERENCES),
            effects: shown.collect(),
        }
    }

    /// In a sentence.
    pub fn summary(&self) -> String {
        let named = |ending: &Option<Ending>| ending.as_ref().map_or("no end", Ending::name).to_owned();
        match (self.cant_tell, self.changes) {
            (true, true) => {
                "it would change something else, and what came of that is not on record".to_owned()
            }
            (true, false) => {
                "it asks for what is not on record, so what it would do then is not known".to_owned()
            }
            (false, true) => "it would change something else".to_owned(),
            (false, false) if named(&self.recorded) != named(&self.now) => {
                format!(
                    "it would end with {} where that ended with {}",
                    named(&self.now),
                    named(&self.recorded)
                )
            }
            (false, false) => "it would look at other things, and change the same".to_owned(),
        }
    }
}

impl Difference {
    /// In a line: `patch Job ops/heal: spec.suspend = true (step 4) instead of delete …`.
    pub fn summary(&self) -> String {
        let named = |call: &Call| format!("{} (step {})", words(&call.effect), call.step);
        match (&self.recorded, &self.asked) {
            (Some(recorded), Some(asked)) if self.verdict == Verdict::Different => {
                let how = asked.effect.differs_from(&recorded.effect);
                let how = how.map(|how| format!(": {how}")).unwrap_or_default();
                format!("{} instead of {}{how}", named(asked), named(recorded))
            }
            (_, Some(asked)) if self.verdict == Verdict::Later => {
                format!("{}, later than on record", named(asked))
            }
            (_, Some(asked)) => format!("{}, which is not on record", named(asked)),
            (Some(recorded), None) => format!("no {}", named(recorded)),
            (None, None) => String::new(),
        }
    }
}

impl Difference {
    /// In lines, as `suture replay` marks them: what differs with `≠`, what was not asked any more
    /// with `-`, what was asked beyond the record with `+`.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let line = |call: &Call, note: &str| format!("{:>4}  {} ({note})", call.step, words(&call.effect));
        match (&self.recorded, &self.asked) {
            (Some(recorded), Some(asked)) if self.verdict == Verdict::Different => {
                let how = asked.effect.differs_from(&recorded.effect);
                let note = how.map_or_else(|| "new".to_owned(), |how| format!("new: {how}"));
                vec![("≠", line(recorded, "recorded")), ("≠", line(asked, &note))]
            }
            (_, Some(asked)) if self.verdict == Verdict::Later => {
                vec![("≠", line(asked, "later than on record"))]
            }
            (_, Some(asked)) => vec![("+", line(asked, "not on record"))],
            (Some(recorded), None) => vec![("-", line(recorded, "not asked any more"))],
            (None, None) => Vec::new(),
        }
    }
}

impl BackTested {
    pub(super) fn of(candidate: &str) -> Self {
        Self { candidate: candidate.to_owned(), ..Self::default() }
    }

    pub(super) fn count(&mut self) {
        self.compared += 1;
        self.same += 1;
    }

    pub(super) fn differs_in(&mut self, difference: RunDifference, most: usize) {
        self.compared += 1;
        match self.differences.len() < most {
            true => self.differences.push(difference),
            false => self.more += 1,
        }
    }

    /// Whether it would have done otherwise in any run, as far as that can be told; or that
    /// could not be found out in time.
    pub fn differs(&self) -> bool {
        !self.differences.is_empty() || self.incomplete.is_some()
    }

    /// In a sentence.
    pub fn summary(&self) -> String {
        let differing = self.differences.len() + self.more;
        let mut text = format!("it differs in {differing} of {} recorded runs", self.compared);
        if !self.skipped.is_empty() {
            text += &format!("; {} could not be compared", self.skipped.len());
        }
        if let Some(why) = &self.incomplete {
            text += &format!("; {why}");
        }
        text
    }

    /// Tell it in the log: a line an effect, as many as people read.
    pub fn log(&self, policy: &str) {
        let digest = &self.candidate;
        if !self.differs() {
            tracing::info!(
                policy,
                digest,
                compared = self.compared,
                "a newer module does the same: {}",
                self.summary()
            );
            return;
        }
        tracing::warn!(
            policy,
            digest,
            compared = self.compared,
            "a newer module differs: {}",
            self.summary()
        );
        let mut left = MAX_LOGGED;
        for difference in &self.differences {
            let run = &difference.run;
            for effect in difference.effects.iter().take(left) {
                tracing::warn!(policy, digest, recorded_run = %run, "{}", effect.summary());
            }
            left = left.saturating_sub(difference.effects.len());
            tracing::warn!(policy, digest, recorded_run = %run, "{}", difference.summary());
        }
    }
}

/// An effect in a few words.
fn words(effect: &Effect) -> String {
    let About { subject, change } = effect.about();
    let change = change.map(|change| format!(": {change}")).unwrap_or_default();
    format!("{} {subject}{change}", effect.verb())
}
