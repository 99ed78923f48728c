//! A run as people read it: when, what, and what came of it.
//!
//! One line an effect, under the headings that the policy gave with `step`. The same
//! code prints a finished run and one that is still going on: hand each entry over as
//! it is written, print what comes back, and [`finish`](Timeline::finish) at the end.

mod compared;
mod layout;

use std::time::Duration;

use suture_core::{Effect, Ending, Outcome, Timestamp};
use suture_journal::call::Event;
use suture_journal::wording::{Tone, Words, of_level};
use suture_journal::{Call, Calls, Entry};

pub use compared::compared;
use layout::Line;
pub use layout::Look;
pub use suture_journal::wording::shown;

/// Turns a run's entries into lines.
#[derive(Debug)]
pub struct Timeline {
    look: Look,
    start: Option<Timestamp>,
    latest: Option<Timestamp>,
    calls: Calls,
    ending: Option<(Ending, Timestamp)>,
    undoing: bool,
}

impl Timeline {
    /// An empty timeline. Times are shown relative to the first entry.
    pub fn new(look: Look) -> Self {
        Self { look, start: None, latest: None, calls: Calls::default(), ending: None, undoing: false }
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
        match self.calls.note(entry.clone())? {
            Event::Call(call) => {
                let line = self.call(&call)?;
                Some(self.under_undo_heading(&call, line))
            }
            Event::Kept { step, at, change, reason } => {
                let mut line = self.line(at, Some(step), "settle");
                line.push(Tone::Plain, format!("step {change}: {reason}"));
                Some(line.render(&self.look))
            }
            Event::Ended { ending, at, cut_off } => {
                self.ending = Some((ending, at));
                // A wait that the end of the run cut off has no reply.
                let call = cut_off?;
                let mut line = self.line(call.at, Some(call.step), call.effect().verb());
                line.say(Words::cut_off(&call));
                Some(line.render(&self.look))
            }
        }
    }

    /// The last lines: what is still in flight, and how the run ended.
    pub fn finish(&mut self) -> String {
        let mut lines = Vec::new();
        if let Some(call) = std::mem::take(&mut self.calls).pending() {
            let mut line = self.line(call.at, Some(call.step), call.effect().verb());
            line.say(Words::in_flight(call));
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

    /// A call that is over; none where it is no event.
    fn call(&self, call: &Call) -> Option<String> {
        let mut line = match call.effect() {
            // Asking the time is no event, unless it failed.
            Effect::Now if call.error().is_none() => return None,
            Effect::Step { title } => return Some(self.heading(call.at, Tone::Heading, title)),
            Effect::Log { level, message } => {
                let (verb, tone) = of_level(*level);
                let mut line = self.line(call.at, None, verb);
                line.push(tone, message.clone());
                return Some(line.render(&self.look));
            }
            effect => self.line(call.at, Some(call.step), effect.verb()),
        };
        line.say(Words::of(call));
        Some(line.render(&self.look))
    }

    /// Undos that the host runs after the policy's end get a heading of their own.
    fn under_undo_heading(&mut self, call: &Call, text: String) -> String {
        if call.undo_of.is_none() || self.ending.is_none() || self.undoing {
            return text;
        }
        self.undoing = true;
        format!(
            "{}\n{text}",
            self.heading(call.at, Tone::Heading, "taking back what must not outlive the run")
        )
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

fn elapsed(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(from.duration_until(to)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
