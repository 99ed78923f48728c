//! What the host or the clock fills in, and what so differs between two looks at the same plan.

use suture_core::{Effect, Reply, RunId, Timestamp};

use crate::call::Call;
use crate::entry::Entry;

/// What stands in the place of a time that the policy was told.
const TIME: &str = "⟨time⟩";
/// How a placeholder begins. What was a text's own is written twice, so that no text can say one.
const BEGINS: char = '⟨';

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
    /// Its nine digits of a fraction.
    fraction: String,
}

impl Time {
    /// Whether digits that come after a second say this time: no others, for they could mean another object.
    fn goes_on(&self, digits: &str) -> bool {
        self.fraction.starts_with(digits)
            || digits.len() <= self.fraction.len() && digits.bytes().all(|digit| digit == b'0')
    }
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
        let fraction = format!("{:09}", now.subsec_nanosecond().max(0));
        let time = Time { written, seconds: now.as_second().to_string(), fraction };
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
        let mut masked = text.replace(BEGINS, "⟨⟨");
        for (known, placeholder) in &self.texts {
            if masked.contains(known.as_str()) {
                masked = masked.replace(known.as_str(), placeholder);
            }
        }
        for time in &self.times {
            masked = replaced(&masked, &time.written, |_, rest| {
                let fraction = rest.strip_prefix('.').unwrap_or_default();
                let after = after_digits(fraction);
                let digits = fraction.get(..fraction.len() - after.len()).unwrap_or_default();
                let rest = if digits.is_empty() { rest } else { after };
                let rest = rest.strip_prefix('Z').or_else(|| rest.strip_prefix("+00:00")).unwrap_or(rest);
                time.goes_on(digits).then_some(rest)
            });
            masked = replaced(&masked, &time.seconds, |before, rest| {
                let after = after_digits(rest);
                let digits = rest.get(..rest.len() - after.len()).unwrap_or_default();
                let begins = !before.ends_with(|digit: char| digit.is_ascii_digit());
                (begins && time.goes_on(digits)).then_some(after)
            });
        }
        masked
    }

    /// A number, as JSON writes it; or that it is a time.
    pub(super) fn number(&self, number: &str) -> String {
        let says =
            |time: &Time| number.strip_prefix(&time.seconds).is_some_and(|digits| time.goes_on(digits));
        if self.times.iter().any(says) { TIME.to_owned() } else { number.to_owned() }
    }
}

fn after_digits(text: &str) -> &str {
    text.trim_start_matches(|digit: char| digit.is_ascii_digit())
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
