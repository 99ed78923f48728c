//! Fields of custom resources that change from release to release: what can't be read counts as absent.
//! For serde's `deserialize_with`, beside `#[serde(default)]`:
//!
//! ```
//! use serde::Deserialize;
//! use suture_policy::Time;
//! use suture_policy::lenient::{or_default, readable_items, time};
//!
//! #[derive(Default, Deserialize)]
//! #[serde(default)]
//! struct Status {
//!     #[serde(deserialize_with = "or_default")]
//!     phase: String,
//!     #[serde(deserialize_with = "readable_items")]
//!     conditions: Vec<suture_policy::kube::Condition>,
//!     #[serde(deserialize_with = "time")]
//!     ended: Option<Time>,
//! }
//!
//! let odd = suture_policy::json!({"phase": null, "conditions": [{"type": "Ready"}, 7], "ended": "soon"});
//! let status: Status = serde_json::from_value(odd)?;
//! assert_eq!((status.phase.as_str(), status.conditions.len(), status.ended), ("", 1, None));
//! # Ok::<(), serde_json::Error>(())
//! ```

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::Time;

/// The field, or its default where it is not what was expected.
///
/// # Errors
/// That the object is no JSON.
pub fn or_default<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

/// The items of a list that are what was expected; none where it is no list.
///
/// # Errors
/// That the object is no JSON.
pub fn readable_items<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let Value::Array(values) = Value::deserialize(deserializer)? else { return Ok(Vec::new()) };
    Ok(values.into_iter().filter_map(|value| serde_json::from_value(value).ok()).collect())
}

/// The moment, where it is one.
///
/// # Errors
/// That the object is no JSON.
pub fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Time>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(value.as_str().and_then(Time::parse))
}
