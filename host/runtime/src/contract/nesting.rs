//! JSON that is nested too deeply to be recorded and read again.

use suture_core::contract::text::TooDeep;
use suture_core::nesting::is_recordable;

/// A JSON document in a manifest, where it is one.
pub(crate) fn check_nesting(field: &str, text: &str) -> Result<(), String> {
    match serde_json::from_str(text) {
        Ok(value) if !is_recordable(&value) => Err(format!("{field}: {TooDeep}")),
        // What is no JSON is refused with all else that is wrong with a manifest.
        Ok(_) | Err(_) => Ok(()),
    }
}
