//! A run as people read it: when, what, and what came of it.
//!
//! One line an effect, under the headings that the policy gave with `step`. The same
//! code prints a finished run and one that is still going on: hand each entry over as
//! it is written, print what comes back, and [`finish`](Timeline::finish) at the end.

mod compared;
mod describe;
mod layout;

use std::time::Duration;

use suture_core::effect::Level;
use suture_core::{Effect, Ending, Error, HumanDuration, Outcome, Prepared, Reason, Timestamp};
use suture_journal::{Answer, Body, Entry};

pub use compared::compared;
pub use layout::Look;
use layout::{Line, Tone};

/// Turns a run's entries into lines.
#[derive(Debug)]
pub struct Timeline {
    look: Look,
    start: Option<Timestamp>,
    latest: Option<Timestamp>,
    pending: Option<Pending>,
    ending: Option<(Ending, Timestamp)>,
    undoing: bool,
}

/// An intent whose reply is not there yet.
#[derive(Debug)]
struct Pending {
    step: u32,
    at: Timestamp,
    prepared: Prepared,
    undo_of: Option<u32>,
    conflicts: u32,
}

impl Timeline {
    /// An empty timeline. Times are shown relative to the first entry.
    pub fn new(look: Look) -> Self {
        Self { look, start: None, latest: None, pending: None, ending: None, undoing: false }
    }

    /// A timeline whose times are relative to `start`.
    pub fn starting_at(start: Timestamp, look: Look) -> Self {
        Self { start: Some(start), ..Self::new(look) }
    }

    /// All of a run that is over, or of one that is not yet.
    pub fn render(entries: &[Entry], look: Look) -> String {
        let mut timeline = Self::new(look);
        let mut text = String::new();
        let lines: Vec<_> = entries.iter().filter_map(|entry| timeline.entry(entry)).collect();
        for line in lines.into_iter().chain([timeline.finish()]) {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }

    /// What one more entry adds, without a line break at the end. `None` where it adds
    /// nothing yet: an effect shows when its reply is there.
    pub fn entry(&mut self, entry: &Entry) -> Option<String> {
        self.start.get_or_insert(entry.at);
        self.latest = Some(entry.at);
        match &entry.body {
            Body::Call { effect, answer, undo_of } => {
                let line = self.call(entry, effect, answer, *undo_of)?;
                Some(self.under_undo_heading(entry.at, *undo_of, line))
            }
            Body::Intent { prepared, undo_of, .. } => {
                let before = self.pending.take().filter(|pending| pending.step == entry.step);
                self.pending = Some(Pending {
                    step: entry.step,
                    at: before.as_ref().map_or(entry.at, |before| before.at),
                    prepared: prepared.clone(),
                    undo_of: *undo_of,
                    conflicts: before.map_or(0, |before| before.conflicts + 1),
                });
                None
            }
            Body::Reply { answer } => {
                let pending = self.pending.take()?;
                let took = elapsed(pending.at, entry.at);
                let mut line = self.line(pending.at, Some(pending.step), pending.prepared.effect.verb());
                describe::performed(&mut line, &pending.prepared, answer, took);
                notes(&mut line, &pending);
                let text = line.render(&self.look);
                Some(self.under_undo_heading(pending.at, pending.undo_of, text))
            }
            Body::Kept { change, reason } => {
                let mut line = self.line(entry.at, Some(entry.step), "settle");
                line.push(Tone::Plain, format!("step {change}: {reason}"));
                Some(line.render(&self.look))
            }
            Body::Ended { ending } => {
                self.ending = Some((ending.clone(), entry.at));
                // A wait that the end of the run cut off has no reply.
                let pending = self.pending.take()?;
                let mut line = self.line(pending.at, Some(pending.step), pending.prepared.effect.verb());
                describe::cut_off(&mut line, &pending.prepared, elapsed(pending.at, entry.at));
                Some(line.render(&self.look))
            }
        }
    }

    /// The last lines: what is still in flight, and how the run ended.
    pub fn finish(&mut self) -> String {
        let mut lines = Vec::new();
        if let Some(pending) = self.pending.take() {
            let mut line = self.line(pending.at, Some(pending.step), pending.prepared.effect.verb());
            describe::in_flight(&mut line, &pending.prepared);
            notes(&mut line, &pending);
            lines.push(line.render(&self.look));
        }
        let at = self.latest.unwrap_or(Timestamp::UNIX_EPOCH);
        lines.push(match self.ending.take() {
            Some((ending, ended)) => self.closing(&ending, if self.undoing { at } else { ended }),
            None => self.heading(at, Tone::Dim, "not ended yet"),
        });
        lines.join("\n")
    }

    /// A line that marks the effect above it: what `what` is about.
    pub fn mark(&self, what: &str) -> String {
        let mut line = Line::mark();
        line.push(Tone::Bad, format!("▲ {what}"));
        line.render(&self.look)
    }

    /// A line for what was made to go wrong here.
    pub fn trouble(&self, what: &str) -> String {
        let mut line = Line::mark();
        line.push(Tone::Warn, format!("↯ {what}"));
        line.render(&self.look)
    }

    /// A line for what is in doubt after the run.
    pub fn doubt(&self, doubt: &str) -> String {
        let mut line = Line::mark();
        line.push(Tone::Bad, format!("in doubt: {doubt}"));
        line.render(&self.look)
    }

    fn call(&self, entry: &Entry, effect: &Effect, answer: &Answer, undo_of: Option<u32>) -> Option<String> {
        let mut line = match effect {
            // Asking the time is no event, unless it failed.
            Effect::Now if matches!(answer, Answer::Ok(_)) => return None,
            Effect::Step { title } => return Some(self.heading(entry.at, Tone::Heading, title)),
            Effect::Log { level, message } => {
                let (verb, tone) = match level {
                    Level::Debug => ("debug", Tone::Dim),
                    Level::Info => ("info", Tone::Plain),
                    Level::Warn => ("warn", Tone::Warn),
                    Level::Error => ("error", Tone::Bad),
                };
                let mut line = self.line(entry.at, None, verb);
                line.push(tone, message.clone());
                return Some(line.render(&self.look));
            }
            _ => self.line(entry.at, Some(entry.step), effect.verb()),
        };
        describe::called(&mut line, effect, answer);
        if let Some(step) = undo_of {
            line.push(Tone::Undo, format!("↩ undo of step {step}"));
        }
        Some(line.render(&self.look))
    }

    /// Undos that the host runs after the policy's end get a heading of their own.
    fn under_undo_heading(&mut self, at: Timestamp, undo_of: Option<u32>, text: String) -> String {
        if undo_of.is_none() || self.ending.is_none() || self.undoing {
            return text;
        }
        self.undoing = true;
        format!("{}\n{text}", self.heading(at, Tone::Heading, "taking back what must not outlive the run"))
    }

    fn closing(&self, ending: &Ending, at: Timestamp) -> String {
        let tone = match ending {
            Ending::Concluded(Outcome::Remediated { .. } | Outcome::Unnecessary { .. }) => Tone::Good,
            Ending::Concluded(_) => Tone::Warn,
            Ending::Halted(suture_core::Halt::Planned) => Tone::Good,
            _ => Tone::Bad,
        };
        let mut line = Line::heading(self.since_start(at));
        line.push(tone, format!("{}:", ending.name()));
        let summary = ending.summary();
        let prefix = format!("{}: ", ending.name());
        line.push(Tone::Plain, summary.strip_prefix(&prefix).unwrap_or(&summary).to_owned());
        line.render(&self.look)
    }

    fn heading(&self, at: Timestamp, tone: Tone, title: &str) -> String {
        let mut line = Line::heading(self.since_start(at));
        line.push(tone, title.to_owned());
        line.render(&self.look)
    }

    fn line(&self, at: Timestamp, step: Option<u32>, verb: &'static str) -> Line {
        Line::effect(self.since_start(at), step, verb)
    }

    fn since_start(&self, at: Timestamp) -> Duration {
        elapsed(self.start.unwrap_or(at), at)
    }
}

fn notes(line: &mut Line, pending: &Pending) {
    match pending.conflicts {
        0 => {}
        1 => line.push(Tone::Dim, "(after a conflict)".to_owned()),
        conflicts => line.push(Tone::Dim, format!("(after {conflicts} conflicts)")),
    }
    if pending.prepared.dry_run {
        line.push(Tone::Dim, "(dry run: not performed)".to_owned());
    }
    if let Some(step) = pending.undo_of {
        line.push(Tone::Undo, format!("↩ undo of step {step}"));
    }
}

fn elapsed(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(from.duration_until(to)).unwrap_or_default()
}

/// A duration as a timeline shows it: whole seconds from one second on.
pub fn shown(duration: Duration) -> String {
    let rounded =
        if duration < Duration::from_secs(1) { duration } else { Duration::from_secs(duration.as_secs()) };
    HumanDuration::from(rounded).to_string()
}

fn error_tone(error: &Error) -> Tone {
    if error.reason == Reason::NOT_FOUND { Tone::Warn } else { Tone::Bad }
}

#[cfg(test)]
mod tests;
