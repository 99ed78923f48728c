//! Other programs' words and lengths of time, as people read them.

use suture_policy::{Duration, text};

/// How much of a message is shown, in bytes.
const SHOWN: usize = 400;

/// A message as a part of a sentence; at most so long.
pub fn said(message: &str) -> String {
    let line = text::one_line(message);
    text::start(line.trim_end_matches(['.', ' ']), SHOWN).to_owned()
}

/// A reason and a message, where there are any.
pub fn reason_and(reason: &str, message: &str) -> String {
    match (said(reason), said(message)) {
        (reason, message) if message.is_empty() => reason,
        (reason, message) if reason.is_empty() => message,
        (reason, message) => format!("{reason}: {message}"),
    }
}

/// A length of time without the small units that say nothing.
pub fn rough(length: Duration) -> Duration {
    let minutes = length.as_millis() / 60_000;
    if minutes < 24 * 60 { Duration::minutes(minutes) } else { Duration::hours(minutes / 60) }
}

/// Whether a message is about a rate limit, as ACME servers and others say it.
pub fn is_about_a_limit(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["ratelimited", "rate limit", "too many ", "429 "].iter().any(|sign| message.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_told_by_the_words_of_acme_servers() {
        let said =
            "429 urn:ietf:params:acme:error:rateLimited: Error creating new order :: too many certificates";
        assert!(is_about_a_limit(said) && is_about_a_limit("Rate limit reached"));
        assert!(!is_about_a_limit("403 urn:ietf:params:acme:error:unauthorized"));
    }

    #[test]
    fn what_is_empty_leaves_no_colon() {
        assert_eq!(
            (reason_and("A", ""), reason_and("", "b."), reason_and("A", "b\nc")),
            ("A".into(), "b".into(), "A: b | c".into())
        );
    }
}
