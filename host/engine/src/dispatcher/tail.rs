//! The end of what a run notes, for people who are told how it ended.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use suture_core::{Effect, Reason};
use suture_journal::{Answer, Body, Entry};

/// Lines that are kept, and characters of each: ten thousand runs that wait have some each.
const LINES: usize = 4;
const CHARACTERS: usize = 240;

/// The last lines of a run that is at work.
#[derive(Clone, Default)]
pub(super) struct Tail(Arc<Mutex<VecDeque<String>>>);

impl Tail {
    /// The last lines of what a run did under an earlier host.
    pub fn of(past: &[Entry]) -> Self {
        let tail = Self::default();
        past.iter().for_each(|entry| tail.see(entry));
        tail
    }

    /// The run did something.
    pub fn see(&self, entry: &Entry) {
        let Some(line) = line(&entry.body) else { return };
        let mut lines = self.0.lock();
        if lines.len() == LINES {
            lines.pop_front();
        }
        lines.push_back(line.chars().take(CHARACTERS).collect());
    }

    /// Its last lines, as one text.
    pub fn text(&self) -> String {
        self.0.lock().iter().cloned().collect::<Vec<_>>().join("\n")
    }
}

/// What the policy noted, or was refused.
fn line(body: &Body) -> Option<String> {
    match body {
        Body::Call { effect: Effect::Log { message, .. }, .. } => Some(message.clone()),
        // That something isn't there is an answer like any other.
        Body::Call { answer: Answer::Error(error), .. } | Body::Reply { answer: Answer::Error(error) }
            if error.reason != Reason::NOT_FOUND =>
        {
            Some(error.to_string())
        }
        Body::Call { .. }
        | Body::Reply { .. }
        | Body::Intent { .. }
        | Body::Kept { .. }
        | Body::Ended { .. } => None,
    }
}
