//! JSON that is nested too deeply to be recorded and read again.

use std::fmt;

use suture_core::nesting::{MAX_NESTING, is_recordable};

/// What is said of JSON that is nested too deeply.
pub(crate) struct TooDeep;

impl fmt::Display for TooDeep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nested more than {MAX_NESTING} levels deep, and could not be recorded and read again")
    }
}

/// A JSON document in a manifest, where it is one.
pub(crate) fn check_nesting(field: &str, text: &str) -> Result<(), String> {
    match serde_json::from_str(text) {
        Ok(value) if !is_recordable(&value) => Err(format!("{field}: {TooDeep}")),
        // What is no JSON is refused with all else that is wrong with a manifest.
        Ok(_) | Err(_) => Ok(()),
    }
}
