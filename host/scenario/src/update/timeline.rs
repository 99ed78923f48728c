//! The texts that a timeline must show, brought to what it shows.

use super::{Edit, Fate, Page, UpdateError, list, literal};
use crate::format::{Located, TextPattern};
use crate::yaml::flow_text;

/// How many of a text's words another must have to be taken for what became of it: half.
const ALIKE: f64 = 0.5;

pub(super) fn edits(
    page: Page<'_>,
    expected: &[Located<TextPattern>],
    timeline: &str,
) -> Result<Vec<Edit>, UpdateError> {
    let lines: Vec<_> = timeline.lines().collect();
    list(page, "timeline", &fates(expected, &lines))
}

/// What is shown stays; what is not gives way to the line that is most like it, between those that stay, or
/// goes.
fn fates(expected: &[Located<TextPattern>], lines: &[&str]) -> Vec<Fate> {
    let found = found(expected, lines);
    let mut fates = Vec::new();
    let mut from = 0;
    for (index, wanted) in expected.iter().enumerate() {
        if let Some(at) = found[index] {
            from = at + 1;
            fates.push(Fate::Stays);
            continue;
        }
        let until = found[index..].iter().flatten().next().copied().unwrap_or(lines.len());
        let old = match &wanted.value {
            TextPattern::Contains(text) => text.clone(),
            TextPattern::Matches(pattern) => pattern.to_string(),
        };
        let mut best: Option<(f64, usize)> = None;
        for (at, line) in lines.iter().enumerate().take(until).skip(from) {
            let likeness = likeness(&old, line);
            if likeness >= ALIKE && best.is_none_or(|(most, _)| likeness > most) {
                best = Some((likeness, at));
            }
        }
        fates.push(match best {
            None => Fate::Goes,
            Some((_, at)) => {
                from = at + 1;
                let text = flow_text(literal(said(lines[at])));
                Fate::Becomes(text.clone(), vec![text])
            }
        });
    }
    fates
}

/// For each text the first line behind that of the one before which shows it.
fn found(expected: &[Located<TextPattern>], lines: &[&str]) -> Vec<Option<usize>> {
    let mut from = 0;
    let find = |wanted: &Located<TextPattern>| {
        let at = (from..lines.len()).find(|at| wanted.value.is_in(lines[*at]))?;
        from = at + 1;
        Some(at)
    };
    expected.iter().map(find).collect()
}

fn likeness(old: &str, line: &str) -> f64 {
    let words = |text: &str| -> Vec<String> {
        let split = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        split.map(str::to_lowercase).collect()
    };
    let (old, new) = (words(old), words(line));
    let shared = old.iter().filter(|word| new.contains(word)).count();
    if old.is_empty() { 0.0 } else { shared as f64 / old.len() as f64 }
}

/// A line without its time, the step's number and the columns between.
fn said(line: &str) -> &str {
    let rest = line.trim_start().split_once(' ').map_or(line, |(_, rest)| rest).trim_start();
    match rest.split_once(' ') {
        Some((number, rest)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            let rest = rest.trim_start();
            rest.split_once(' ').map_or(rest, |(_, words)| words).trim_start()
        }
        _ => rest,
    }
}
