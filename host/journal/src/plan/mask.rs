//! What the host or the clock fills in, and what so differs between two looks at the same plan.

use suture_core::{Effect, Reply, RunId, Timestamp};

use crate::call::Call;
use crate::entry::Entry;

/// What stands in the place of a time that the policy was told.
const TIME: &str = "⟨time⟩";
/// Digits of a second since 1970; of a millisecond, a microsecond and a nanosecond.
const DIGITS: [usize; 4] = [10, 13, 16, 19];

/// Texts that stand for something, and what for.
#[derive(Clone, Debug, Default)]
pub struct Mask {
    texts: Vec<(String, String)>,
    times: Vec<Time>,
    made: usize,
}

/// A time, as texts begin that say it.
#[derive(Clone, Debug, PartialEq)]
struct Time {
    /// `2026-11-22T04:10:00`.
    written: String,
    /// `1795320600`.
    seconds: String,
}

impl Mask {
    /// That of a run: its id stands in what it makes.
    pub fn of_run(run: &RunId) -> Self {
        let texts = vec![(run.as_str().to_owned(), "⟨run⟩".to_owned())];
        Self { texts, ..Self::default() }
    }

    /// What the policy was told of the time in this record.
    pub fn see_times(&mut self, entries: &[Entry]) {
        for call in Call::all(entries) {
            if let (Effect::Now, Some(Reply::Now(now))) = (&call.asked, call.reply()) {
                self.see_time(*now);
            }
        }
    }

    /// A time that the policy was told.
    pub fn see_time(&mut self, now: Timestamp) {
        let written = now.strftime("%Y-%m-%dT%H:%M:%S").to_string();
        let time = Time { written, seconds: now.as_second().to_string() };
        if !self.times.contains(&time) {
            self.times.push(time);
        }
    }

    /// An object was made: its uid, and its name where the host chose it.
    pub(super) fn see_made(&mut self, uid: Option<&str>, generated: Option<&str>) {
        self.made += 1;
        let made = self.made;
        let texts = [("uid", uid), ("name", generated)].into_iter();
        self.texts.extend(texts.filter_map(|(what, text)| {
            let text = text.filter(|text| !text.is_empty())?;
            Some((text.to_owned(), format!("⟨{what} {made}⟩")))
        }));
    }

    /// A text with all that is masked replaced.
    pub(super) fn text(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        for (known, placeholder) in &self.texts {
            if masked.contains(known.as_str()) {
                masked = masked.replace(known.as_str(), placeholder);
            }
        }
        for Time { written, seconds } in &self.times {
            masked = replaced(&masked, written, |_, rest| {
                let fraction = rest.strip_prefix('.').unwrap_or(rest);
                let fraction = fraction.trim_start_matches(|digit: char| digit.is_ascii_digit());
                Some(
                    fraction
                        .strip_prefix('Z')
                        .or_else(|| fraction.strip_prefix("+00:00"))
                        .unwrap_or(fraction),
                )
            });
            masked = replaced(&masked, seconds, |before, rest| {
                let after = rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
                // A longer number is another one, and may mean another object.
                let digits = seconds.len() + rest.len() - after.len();
                let begins = !before.ends_with(|digit: char| digit.is_ascii_digit());
                (begins && DIGITS.contains(&digits)).then_some(after)
            });
        }
        masked
    }

    /// A number, as JSON writes it; or that it is a time.
    pub(super) fn number(&self, number: &str) -> String {
        let says = |time: &Time| number.starts_with(&time.seconds) && DIGITS.contains(&number.len());
        if self.times.iter().any(says) { TIME.to_owned() } else { number.to_owned() }
    }
}

/// A text in which each time that begins so is replaced, up to what `rest` leaves of what comes after it. It is
/// told what stands before and after; none is no time.
fn replaced(text: &str, begins: &str, rest: impl for<'a> Fn(&str, &'a str) -> Option<&'a str>) -> String {
    let mut left = text;
    let mut done = String::new();
    while let Some(at) = left.find(begins) {
        let (before, found) = left.split_at(at);
        let after = found.get(begins.len()..).unwrap_or_default();
        done.push_str(before);
        match rest(before, after) {
            Some(rest) => {
                done.push_str(TIME);
                left = rest;
            }
            None => {
                done.push_str(begins);
                left = after;
            }
        }
    }
    done.push_str(left);
    done
}
