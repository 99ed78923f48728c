//! What an effect was about, and what came of it, in words: the same in a terminal and on a page.

use std::time::Duration;

use suture_core::effect::{About, Level, Predicate, Waited};
use suture_core::{Effect, Error, HumanDuration, Reason, Reply};

use crate::call::Call;
use crate::entry::Answer;

/// What a piece of text says beside its words; a terminal and a page have colours for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Nothing in particular.
    Plain,
    /// What comes next.
    Heading,
    /// Of less interest.
    Dim,
    /// What is changed.
    Change,
    /// What is taken back.
    Undo,
    /// It went well.
    Good,
    /// Maybe it did not.
    Warn,
    /// It did not.
    Bad,
}

/// How a line that a policy notes is called, and what that says.
pub fn of_level(level: Level) -> (&'static str, Tone) {
    match level {
        Level::Debug => ("debug", Tone::Dim),
        Level::Info => ("info", Tone::Plain),
        Level::Warn => ("warn", Tone::Warn),
        Level::Error => ("error", Tone::Bad),
    }
}

/// Pieces of a sentence, with a space between each two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// Each with what it says. Texts from outside are as they came.
    pub pieces: Vec<(Tone, String)>,
}

impl Words {
    /// Add text.
    pub fn push(&mut self, tone: Tone, text: impl Into<String>) {
        let text = text.into();
        if !text.trim().is_empty() {
            self.pieces.push((tone, text));
        }
    }

    fn colon(&mut self) {
        if let Some((_, last)) = self.pieces.last_mut() {
            last.push(':');
        }
    }

    /// What a call was about, what came of it, and what else there is to say of it. None where there
    /// is no answer yet: see [`in_flight`](Self::in_flight) and [`cut_off`](Self::cut_off).
    pub fn of(call: &Call) -> Self {
        let mut words = Self::default();
        if let Some(answer) = &call.answer {
            words = Self::answered(call.effect(), answer, call.took());
        }
        words.note(call);
        words
    }

    /// An effect that was answered, and how long that took.
    pub fn answered(effect: &Effect, answer: &Answer, took: Duration) -> Self {
        // What took less than a second took no time, as people see it.
        let took = if took < Duration::from_secs(1) { Duration::ZERO } else { took };
        let mut words = Self::subject(effect);
        match answer {
            Answer::Ok(reply) => result(&mut words, effect, reply, took),
            Answer::Error(error) => failure(&mut words, effect, error, took),
        }
        words
    }

    /// A call whose reply is not there yet.
    pub fn in_flight(call: &Call) -> Self {
        let mut words = Self::subject(call.effect());
        let what = match call.effect() {
            Effect::Wait { until, .. } => format!("waiting until {until}"),
            _ => "no reply yet".to_owned(),
        };
        words.colon();
        words.push(Tone::Warn, what);
        words.note(call);
        words
    }

    /// A call that was given up because the run ended.
    pub fn cut_off(call: &Call) -> Self {
        let mut words = Self::subject(call.effect());
        words.colon();
        let took = shown(call.took());
        let what = match call.effect() {
            Effect::Wait { until, .. } => format!("cut off after {took}, waiting until {until}"),
            _ => format!("cut off after {took}"),
        };
        words.push(Tone::Warn, what);
        words
    }

    /// What an effect is about, without what came of it.
    pub fn subject(effect: &Effect) -> Self {
        let mut words = Self::default();
        let About { subject, change } = effect.about();
        words.push(Tone::Plain, subject);
        if let Some(change) = change {
            words.colon();
            words.push(Tone::Change, change);
        }
        words
    }

    /// How often it was tried, whether it was only tried, what it takes back.
    fn note(&mut self, call: &Call) {
        match call.conflicts() {
            0 => {}
            1 => self.push(Tone::Dim, "(after a conflict)"),
            conflicts => self.push(Tone::Dim, format!("(after {conflicts} conflicts)")),
        }
        if call.is_dry_run() {
            self.push(Tone::Dim, "(dry run: not performed)");
        }
        if let Some(step) = call.undo_of {
            self.push(Tone::Undo, format!("↩ undo of step {step}"));
        }
    }
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

fn result(words: &mut Words, effect: &Effect, reply: &Reply, took: Duration) {
    let text = match (effect, reply) {
        (_, Reply::Page(page)) => {
            let more = if page.next.is_some() { ", more to come" } else { "" };
            format!("{} found{more}", page.items.len())
        }
        (Effect::Wait { until, .. }, Reply::Waited(waited)) => {
            let (tone, text) = match waited {
                Waited::Met(_) if took.is_zero() => (Tone::Plain, format!("already so: {until}")),
                Waited::Met(_) => (Tone::Plain, format!("waited {} until {until}", shown(took))),
                Waited::Deleted if *until == Predicate::Deleted && took.is_zero() => {
                    (Tone::Plain, "gone".to_owned())
                }
                Waited::Deleted if *until == Predicate::Deleted => {
                    (Tone::Plain, format!("gone after {}", shown(took)))
                }
                Waited::Deleted => {
                    (Tone::Warn, format!("gone after {}, while waiting until {until}", shown(took)))
                }
                Waited::Timeout => {
                    (Tone::Warn, format!("gave up after {} waiting until {until}", shown(took)))
                }
            };
            words.colon();
            words.push(tone, text);
            return;
        }
        (_, Reply::Logs(text)) => match text.lines().count() {
            1 => "1 line".to_owned(),
            count => format!("{count} lines"),
        },
        (_, Reply::Held) if took.is_zero() => "held".to_owned(),
        (_, Reply::Held) => format!("held after {}", shown(took)),
        (_, Reply::Samples(samples)) => match samples.as_slice() {
            [] => "no samples".to_owned(),
            [sample] => sample.value.to_string(),
            samples => format!("{} samples", samples.len()),
        },
        (_, Reply::Series(series)) => format!("{} series", series.len()),
        (_, Reply::Alerts(alerts)) => {
            let firing = alerts.iter().filter(|alert| alert.firing).count();
            format!("{firing} firing, {} pending", alerts.len() - firing)
        }
        _ => return,
    };
    words.colon();
    words.push(Tone::Plain, text);
}

fn failure(words: &mut Words, effect: &Effect, error: &Error, took: Duration) {
    let text = match effect {
        // Often what the policy wanted to know.
        Effect::Get { .. } if error.reason == Reason::NOT_FOUND => {
            words.colon();
            return words.push(Tone::Plain, "does not exist");
        }
        _ if took.is_zero() => error.to_string(),
        _ => format!("{error} (after {})", shown(took)),
    };
    words.colon();
    words.push(error_tone(error), text);
}
