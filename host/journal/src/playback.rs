//! Asking a policy again for what a run did: offline, from the run's record alone.
//!
//! [`play_back`] gives a fresh instance of a policy the run's incident, and answers its calls
//! from the record: no cluster, no clock, nothing is performed. With the module of the run
//! every difference is a determinism error. With another one it shows, effect by effect, what
//! that would have done otherwise, for as far as the record can tell:
//!
//! - Log lines, steps and the time of day are no differences. The time is that of the record.
//! - A read is answered where the same read is on record before the next change of the run.
//!   So is a wait that only has another timeout, where its end is certain.
//! - A pause changes nothing and is over at once.
//! - What the record holds no answer to ends the comparison: a change that was not made, a
//!   read of something else.

mod answers;
mod line;

use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;
use suture_core::{Ending, Halt, Program};

pub use line::{Call, Line, Verdict};

use crate::entry::{Body, Entry};
use crate::ledger::Ledger;
use crate::record::RunHeader;
use answers::{Answers, Stop};

/// A run as it is on record.
#[derive(Clone, Copy, Debug)]
pub struct Recorded<'a> {
    /// Under what it began.
    pub header: &'a RunHeader,
    /// What identifies its module: [`RunRecord::digest`](crate::RunRecord::digest).
    pub digest: &'a str,
    /// What it did.
    pub entries: &'a [Entry],
}

/// What came of asking a policy again for what a run did.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Playback {
    /// Whether it was the module of the run.
    pub same_module: bool,
    /// The calls, in the order in which they were asked; where a recorded one is not asked any
    /// more, in its place.
    pub lines: Vec<Line>,
    /// How the recorded run ended; none where its record ends in the middle.
    pub recorded: Option<Ending>,
    /// How it ended this time.
    pub played: Played,
    /// The undos that the host ran at the end of the recorded run. The policy is not asked for
    /// them.
    #[serde(skip)]
    pub undos: Vec<Entry>,
}

/// How a playback ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "end", content = "ending", rename_all = "camelCase")]
pub enum Played {
    /// As a run ends.
    Ended(Ending),
    /// Where the record ends: the run had not ended.
    RecordEnds,
    /// At the call of the last line: the record can't tell what it would have brought.
    CantTell,
}

impl Playback {
    /// Whether the policy did what the recorded run did, and concluded the same. That it may
    /// say so in other words is no difference.
    pub fn is_same(&self) -> bool {
        self.first_difference().is_none() && self.ends_alike()
    }

    /// The first line that is a difference.
    pub fn first_difference(&self) -> Option<&Line> {
        self.lines.iter().find(|line| line.is_difference())
    }

    /// How many effects are the same. Log lines, steps and the time of day do not count.
    pub fn same(&self) -> usize {
        self.lines.iter().filter(|line| line.matters() && !line.is_difference()).count()
    }

    /// Whether both came to the same conclusion, in whatever words.
    pub fn ends_alike(&self) -> bool {
        match (&self.recorded, &self.played) {
            (Some(recorded), Played::Ended(played)) => alike(recorded, played),
            // Where the record ends in the middle, it may go on like that.
            (None, Played::RecordEnds | Played::Ended(_)) => true,
            _ => false,
        }
    }

    /// Whether both ended with the same words, too.
    pub fn ends_with_the_same_words(&self) -> bool {
        match (&self.recorded, &self.played) {
            (Some(recorded), Played::Ended(played)) => recorded == played,
            _ => self.ends_alike(),
        }
    }
}

fn alike(recorded: &Ending, played: &Ending) -> bool {
    match (recorded, played) {
        (Ending::Concluded(recorded), Ending::Concluded(played)) => {
            (recorded.name(), recorded.retry_after()) == (played.name(), played.retry_after())
        }
        // Both say in a sentence of their own what went wrong.
        (Ending::Failed(_), Ending::Failed(_)) | (Ending::Trapped(_), Ending::Trapped(_)) => true,
        _ => recorded == played,
    }
}

/// Ask a policy again for what a run did. Nothing is performed: every call is answered from
/// the record.
///
/// # Errors
/// A sentence for people, where nothing can be concluded from the record: its format or its
/// world is not one of this version.
pub async fn play_back(recorded: Recorded<'_>, program: &dyn Program) -> Result<Playback, String> {
    check(recorded.header)?;
    let ledger = Ledger::of(recorded.entries);
    let same_module = program.digest() == recorded.digest;
    let answers = Arc::new(Mutex::new(Answers::new(&recorded, ledger.ending().cloned(), same_module)));
    let host = Arc::new(answers::Reader(answers.clone()));
    let RunHeader { incident, limits, .. } = recorded.header;
    let ending = program.remediate(incident, limits, host).await;
    let mut answers = answers.lock();
    let played = match answers.stopped() {
        Some(Stop::RecordEnds) => Played::RecordEnds,
        Some(Stop::CantTell) => Played::CantTell,
        Some(Stop::Halted(halt)) => Played::Ended(Ending::Halted(halt)),
        None => Played::Ended(answers.left_over(ending)),
    };
    let lines = line::arranged(&mut answers, &played);
    let ended = recorded.entries.iter().position(|entry| matches!(entry.body, Body::Ended { .. }));
    let undos = ended.map_or(&[][..], |ended| &recorded.entries[ended + 1..]).to_vec();
    Ok(Playback { same_module, lines, recorded: ledger.ending().cloned(), played, undos })
}

fn check(header: &RunHeader) -> Result<(), String> {
    let RunHeader { format, .. } = header;
    if *format > RunHeader::FORMAT {
        return Err(format!(
            "its record has format {format}, and this version reads up to {}: a newer Suture wrote it; take \
             that one",
            RunHeader::FORMAT
        ));
    }
    header.contract().map(drop)
}

impl From<Halt> for Stop {
    fn from(halt: Halt) -> Self {
        Self::Halted(halt)
    }
}

#[cfg(test)]
mod tests;
