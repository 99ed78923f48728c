//! Regular expressions that somebody else wrote.

use regex::{Regex, RegexBuilder};

/// The longest regular expression, in bytes.
pub const MAX_REGEX_BYTES: usize = 1024;
/// The largest program that one is compiled to, in bytes. `(\w{100}){100}` wants 10 MB.
pub(crate) const MAX_COMPILED: usize = 512 << 10;
/// What the automaton built while matching may hold, in bytes.
pub(crate) const MAX_CACHE: usize = 1 << 20;
const MAX_NESTING: u32 = 32;

/// Compile a regular expression, within bounds. Matching takes time linear in the text.
///
/// # Errors
/// What is wrong with it, or which bound it breaks.
pub fn regex(text: &str) -> Result<Regex, String> {
    regex_within(text, MAX_REGEX_BYTES, MAX_COMPILED).map_err(|error| error.to_string())
}

/// Why a regular expression is not compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Its text is too long.
    #[error("the regular expression has {0} bytes, at most {1} are allowed")]
    TooLong(usize, usize),
    /// What it is compiled to is too large.
    #[error("the regular expression is too large: repeat less, and less of what repeats")]
    TooLarge,
    /// It is none: what is wrong with it.
    #[error("{0}")]
    Wrong(String),
}

/// The same with other bounds, in bytes: of the text, and of the program that it is compiled to.
///
/// # Errors
/// As [`regex`].
pub fn regex_within(text: &str, most: usize, most_compiled: usize) -> Result<Regex, PatternError> {
    if text.len() > most {
        return Err(PatternError::TooLong(text.len(), most));
    }
    let built = RegexBuilder::new(text)
        .size_limit(most_compiled)
        .dfa_size_limit(MAX_CACHE)
        .nest_limit(MAX_NESTING)
        .build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => PatternError::TooLarge,
        other => PatternError::Wrong(other.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regular_expression_that_is_large_once_compiled_is_refused() {
        for hostile in [
            r"(\w{100}){100}".to_owned(),
            r"((a{100}){100}){100}".to_owned(),
            r"\p{L}{1000}".to_owned(),
            format!("{}{}", "(".repeat(400), ")".repeat(400)),
            "a".repeat(1025),
            "(".to_owned(),
        ] {
            assert!(regex(&hostile).is_err(), "{hostile}");
        }
    }

    #[test]
    fn usual_regular_expressions_match() {
        for fits in [r"^(?i:WARN|error)\b.*", r"[a-z0-9-]{1,63}", r"\d{4}-\d\d", r"a|b|c"] {
            assert!(regex(fits).is_ok(), "{fits}");
        }
        assert!(regex(r"^(?s:a|b)$").unwrap().is_match("b"));
    }
}
