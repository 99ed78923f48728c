//! Scenarios.

use std::path::Path;

use suture_scenario::Scenario;

/// They are read, or the error says what is wrong.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(error) = Scenario::parse_all(text, Path::new("scenario.yaml")) {
        assert!(!error.to_string().is_empty());
    }
}
