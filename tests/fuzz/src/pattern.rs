//! Patterns that operators and policies write: globs, matchers, selectors, references.

use suture_core::selector::{FieldSelector, LabelSelector};
use suture_core::{Glob, Labels, Matchers};

/// Each is read or refused; what is read can be matched with.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(glob) = Glob::new(text) {
        assert!(text.len() <= Glob::MAX_BYTES);
        glob.matches("media");
        if let Some(exact) = glob.exact() {
            assert!(glob.matches(exact));
        }
    }
    if let Ok(matchers) = Matchers::parse_all(&[text]) {
        matchers.matches(&Labels::from([("alertname".to_owned(), "x".repeat(100))]));
    }
    let _ = LabelSelector::parse(text);
    let _ = FieldSelector::parse(text);
}
