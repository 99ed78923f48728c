//! How large calls and replies are, and what is cut.

use std::io;

use serde::Serialize;
use suture_core::{Effect, Error, Halt, Reason};

/// The most of a log line or a step's title that is kept, in bytes.
const MAX_LINE: usize = 4096;

/// The bytes of a call or an answer, as JSON.
pub(crate) fn of(value: &impl Serialize) -> u64 {
    let mut counter = Counter(0);
    match serde_json::to_writer(&mut counter, value) {
        Ok(()) => counter.0,
        // What can't be written can't be recorded either: no limit allows it.
        Err(_) => u64::MAX,
    }
}

struct Counter(u64);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is on record of a reply that was too large for the run.
pub(crate) fn too_large(halt: &Halt) -> Error {
    Error::new(Reason::other(TOO_LARGE), halt.to_string())
}

/// Whether an error is that, and not an API server's (which has a status).
pub(crate) fn is_too_large(error: &Error) -> bool {
    error.reason.as_str() == TOO_LARGE && error.status.is_none()
}

const TOO_LARGE: &str = "RequestEntityTooLarge";

/// An effect as it is recorded: a long line is cut.
pub(crate) fn cut(mut effect: Effect) -> Effect {
    if let Effect::Log { message: line, .. } | Effect::Step { title: line } = &mut effect
        && line.len() > MAX_LINE
    {
        line.truncate(line.floor_char_boundary(MAX_LINE - '…'.len_utf8()));
        line.push('…');
    }
    effect
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_cut_between_characters_and_shows_it() {
        let Effect::Step { title } = cut(Effect::Step { title: "ä".repeat(3000) }) else { panic!() };
        assert!(title.len() <= MAX_LINE && title.len() > MAX_LINE - 6, "{}", title.len());
        assert!(title.ends_with("ä…"));
        let short = Effect::Step { title: "ä".repeat(2048) };
        assert_eq!(cut(short.clone()), short);
    }
}
