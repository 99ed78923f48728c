//! The expected part of a scenario, brought to what happens: what a person has looked at and found right.
//!
//! `outcome`, `summary`, `effects`, `timeline` and `doubts` follow. What must never happen and what must
//! hold in the end are a person's to say: where they don't hold, nothing is changed. Nothing is expected
//! afterwards that was not expected in some form before.

mod effects;
mod timeline;

use std::ops::Range;

use crate::expect::Change;
use crate::format::{Located, Scenario, TextPattern};
use crate::report::{Report, Verdict};
use crate::yaml::{Outline, Shape, documents, flow_text, line_end, line_start};

/// What happened in a scenario, as far as expectations are about it.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// How each run ended: the outcome, and its sentence.
    pub ended: Vec<(String, String)>,
    /// What was changed, in order.
    pub changes: Vec<Change>,
    /// The timelines of all runs.
    pub timeline: String,
    /// What is in doubt.
    pub doubts: Vec<String>,
}

/// Why the expected part of a scenario can't follow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpdateError {
    /// It could not be played.
    #[error("it can't be played: {0}")]
    Invalid(String),
    /// What does not hold is not what a program may change.
    #[error("`{0}` does not hold, and only a person changes that")]
    NotOurs(String),
    /// Several runs had several ends, and one is expected of all.
    #[error("its runs end differently, and `{0}` is about all of them")]
    Several(&'static str),
    /// The file is not as it was when it was read.
    #[error("its place in the file is not found")]
    NoPlace,
    /// More changes than are compared.
    #[error("it has too many changes to be compared")]
    TooMany,
}

/// The text of a scenario file in which one scenario expects what happened. Of several in a file the last is
/// to be changed first, so that the others stay where they are.
///
/// # Errors
/// Why that can't be.
pub fn update(text: &str, scenario: &Scenario, report: &Report) -> Result<String, UpdateError> {
    match &report.verdict {
        Verdict::Passed => return Ok(text.to_owned()),
        Verdict::Invalid { message, .. } => return Err(UpdateError::Invalid(message.clone())),
        Verdict::Failed(differences) => {
            let is_ours = |expectation: &str| {
                let name = expectation.split('[').next().unwrap_or_default();
                ["outcome", "summary", "effects", "timeline", "doubts"].contains(&name)
            };
            if let Some(other) = differences.iter().find(|difference| !is_ours(&difference.expectation)) {
                return Err(UpdateError::NotOurs(other.expectation.clone()));
            }
        }
    }
    let all = documents(text).map_err(|_| UpdateError::NoPlace)?;
    let is_it = |document: &&Outline| {
        document
            .field("name")
            .is_some_and(|name| text[..name.bytes.start].matches('\n').count() as u64 + 1 == scenario.line)
    };
    let then =
        all.iter().find(is_it).and_then(|document| document.field("then")).ok_or(UpdateError::NoPlace)?;
    let page = Page { text, then };
    let mut edits = Vec::new();
    edits.extend(outcome(page, scenario, &report.observed)?);
    edits.extend(summary(page, scenario, &report.observed)?);
    edits.extend(effects::edits(page, &scenario.then.effects, &report.observed.changes)?);
    edits.extend(timeline::edits(page, &scenario.then.timeline, &report.observed.timeline)?);
    edits.extend(doubts(page, scenario, &report.observed)?);
    Ok(applied(text, edits))
}

/// Where expectations stand.
#[derive(Clone, Copy)]
struct Page<'a> {
    text: &'a str,
    then: &'a Outline,
}

/// What becomes of an item.
enum Fate {
    /// It stays as it is written.
    Stays,
    /// Another takes its place: on one line, and as the lines of a block.
    Becomes(String, Vec<String>),
    /// It goes.
    Goes,
}

/// What comes in the place of some bytes.
type Edit = (Range<usize>, String);

impl Page<'_> {
    /// A value's place, from behind the colon of its key.
    fn replace(self, name: &str, value: &str) -> Result<Edit, UpdateError> {
        let place = self.then.key(name).zip(self.then.field(name));
        let (key, old) = place.ok_or(UpdateError::NoPlace)?;
        // The key may be quoted, and never has a colon.
        let colon = self.text[key..].find(':').ok_or(UpdateError::NoPlace)? + key + 1;
        let end = old.bytes.end.max(colon);
        let line_break = if self.text[colon..end].ends_with('\n') { "\n" } else { "" };
        Ok((colon..end, format!(" {value}{line_break}")))
    }

    /// The places of a list's items, as many as were read, and whether it stands in brackets.
    fn items(self, name: &str, count: usize) -> Result<(Vec<Range<usize>>, bool), UpdateError> {
        let list = self.then.field(name).ok_or(UpdateError::NoPlace)?;
        let Shape::List { is_flow, items } = &list.shape else { return Err(UpdateError::NoPlace) };
        if items.len() != count {
            return Err(UpdateError::NoPlace);
        }
        let ranges = items.iter().map(|item| item.bytes.clone()).collect();
        Ok((ranges, *is_flow))
    }
}

/// A list in which each item has met its fate.
fn list(page: Page<'_>, name: &str, fates: &[Fate]) -> Result<Vec<Edit>, UpdateError> {
    if fates.iter().all(|fate| matches!(fate, Fate::Stays)) {
        return Ok(Vec::new());
    }
    let (items, is_flow) = page.items(name, fates.len())?;
    if fates.iter().all(|fate| matches!(fate, Fate::Goes)) {
        return page.replace(name, "[]").map(|edit| vec![edit]);
    }
    if is_flow {
        let written = fates.iter().zip(items).filter_map(|(fate, place)| match fate {
            Fate::Stays => Some(page.text[place].to_owned()),
            Fate::Becomes(inline, _) => Some(inline.clone()),
            Fate::Goes => None,
        });
        let written: Vec<_> = written.collect();
        return page.replace(name, &format!("[{}]", written.join(", "))).map(|edit| vec![edit]);
    }
    let edit = |(fate, place): (&Fate, Range<usize>)| match fate {
        Fate::Stays => None,
        Fate::Becomes(_, lines) => {
            let indent = place.start - line_start(page.text, place.start);
            let line_break = if page.text[place.clone()].ends_with('\n') { "\n" } else { "" };
            let text = lines.join(&format!("\n{:indent$}", ""));
            Some((place, format!("{text}{line_break}")))
        }
        Fate::Goes => {
            let end = if page.text[..place.end].ends_with('\n') {
                place.end
            } else {
                line_end(page.text, place.end)
            };
            Some((line_start(page.text, place.start)..end, String::new()))
        }
    };
    Ok(fates.iter().zip(items).filter_map(edit).collect())
}

fn outcome(page: Page<'_>, scenario: &Scenario, observed: &Observed) -> Result<Option<Edit>, UpdateError> {
    let Some(wanted) = &scenario.then.outcome else { return Ok(None) };
    if observed.ended.iter().all(|(outcome, _)| *outcome == wanted.value) {
        return Ok(None);
    }
    let outcome = the_one(observed.ended.iter().map(|(outcome, _)| outcome), "outcome")?;
    page.replace("outcome", outcome).map(Some)
}

fn summary(page: Page<'_>, scenario: &Scenario, observed: &Observed) -> Result<Option<Edit>, UpdateError> {
    let Some(wanted) = &scenario.then.summary else { return Ok(None) };
    if observed.ended.iter().all(|(_, summary)| wanted.value.is_in(summary)) {
        return Ok(None);
    }
    let summary = the_one(observed.ended.iter().map(|(_, summary)| summary), "summary")?;
    page.replace("summary", &flow_text(literal(summary))).map(Some)
}

/// A text as an expectation has it: what begins and ends with a slash would be a regular expression.
fn literal(text: &str) -> &str {
    if text.starts_with('/') { text.trim_end_matches('/') } else { text }
}

fn the_one<'a>(
    mut all: impl Iterator<Item = &'a String>,
    what: &'static str,
) -> Result<&'a String, UpdateError> {
    let first = all.next().ok_or(UpdateError::NoPlace)?;
    if all.all(|other| other == first) { Ok(first) } else { Err(UpdateError::Several(what)) }
}

fn doubts(page: Page<'_>, scenario: &Scenario, observed: &Observed) -> Result<Option<Edit>, UpdateError> {
    let Some(wanted) = &scenario.then.doubts else { return Ok(None) };
    let is_expected = |doubt: &String| wanted.iter().any(|text| text.value.is_in(doubt));
    let is_there = |text: &Located<TextPattern>| observed.doubts.iter().any(|doubt| text.value.is_in(doubt));
    if observed.doubts.iter().all(is_expected) && wanted.iter().all(is_there) {
        return Ok(None);
    }
    let texts: Vec<_> = observed.doubts.iter().map(|doubt| flow_text(literal(doubt))).collect();
    page.replace("doubts", &format!("[{}]", texts.join(", "))).map(Some)
}

fn applied(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|(place, _)| (place.start, place.end));
    let mut after = String::new();
    let mut from = 0;
    for (place, new) in edits {
        after.push_str(&text[from..place.start.max(from)]);
        after.push_str(&new);
        from = place.end.max(from);
    }
    after.push_str(&text[from..]);
    after
}

#[cfg(test)]
mod tests;
