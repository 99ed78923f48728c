//! The ends of logs that objects hold.

use serde::{Deserialize, Deserializer};
use suture_policy::{Value, text};

/// How much of a log's end is kept, in bytes.
const TAIL: usize = 2_000;

/// The end of a text: there may be many, and each may be long.
pub fn tail<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(text::end(value.as_str().unwrap_or_default(), TAIL).to_owned())
}
