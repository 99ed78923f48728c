//! What an effect was about, and what came of it, in one line.

use std::time::Duration;

use suture_core::effect::{About, Predicate, Waited};
use suture_core::{Effect, Error, Reason, Reply};
use suture_journal::{Answer, Call};

use super::layout::{Line, Tone};
use super::{error_tone, shown};

/// An effect that was answered, and how long that took.
pub(super) fn answered(line: &mut Line, effect: &Effect, answer: &Answer, took: Duration) {
    // What took less than a second took no time, as people see it.
    let took = if took < Duration::from_secs(1) { Duration::ZERO } else { took };
    subject(line, effect);
    match answer {
        Answer::Ok(reply) => result(line, effect, reply, took),
        Answer::Error(error) => failure(line, effect, error, took),
    }
}

/// A call whose reply is not there yet.
pub(super) fn in_flight(line: &mut Line, call: &Call) {
    subject(line, call.effect());
    let what = match call.effect() {
        Effect::Wait { until, .. } => format!("waiting until {until}"),
        _ => "no reply yet".to_owned(),
    };
    colon(line);
    line.push(Tone::Warn, what);
}

/// A call that was given up because the run ended.
pub(super) fn cut_off(line: &mut Line, call: &Call) {
    subject(line, call.effect());
    colon(line);
    let took = shown(call.took());
    let what = match call.effect() {
        Effect::Wait { until, .. } => format!("cut off after {took}, waiting until {until}"),
        _ => format!("cut off after {took}"),
    };
    line.push(Tone::Warn, what);
}

fn colon(line: &mut Line) {
    line.attach(":");
}

/// What an effect is about, without what came of it.
pub(super) fn subject(line: &mut Line, effect: &Effect) {
    let About { subject, change } = effect.about();
    line.push(Tone::Plain, subject);
    if let Some(change) = change {
        colon(line);
        line.push(Tone::Change, change);
    }
}

fn result(line: &mut Line, effect: &Effect, reply: &Reply, took: Duration) {
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
            colon(line);
            line.push(tone, text);
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
    colon(line);
    line.push(Tone::Plain, text);
}

fn failure(line: &mut Line, effect: &Effect, error: &Error, took: Duration) {
    let text = match effect {
        // Often what the policy wanted to know.
        Effect::Get { .. } if error.reason == Reason::NOT_FOUND => {
            colon(line);
            return line.push(Tone::Plain, "does not exist".to_owned());
        }
        _ if took.is_zero() => error.to_string(),
        _ => format!("{error} (after {})", shown(took)),
    };
    colon(line);
    line.push(error_tone(error), text);
}
