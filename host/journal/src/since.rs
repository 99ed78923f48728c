//! From when on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use suture_core::names::shortened;
use suture_core::{HumanDuration, Timestamp};

/// From when on: a time, or how long before now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// From a time on.
    At(Timestamp),
    /// From so long ago on.
    Ago(HumanDuration),
}

impl Since {
    /// The time, as of now.
    pub fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => {
                let ago = jiff::SignedDuration::try_from(ago.get()).unwrap_or(jiff::SignedDuration::MAX);
                now.saturating_sub(ago).unwrap_or(Timestamp::MIN)
            }
        }
    }
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ago = text.parse().map(Self::Ago);
        let parsed = ago.or_else(|_: String| text.parse().map(Self::At));
        parsed.map_err(|_: jiff::Error| {
            format!("`{}` is neither a duration (`2h`) nor a time (`2026-11-22T04:10:00Z`)", shortened(text))
        })
    }
}

impl fmt::Display for Since {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(at) => at.fmt(f),
            Self::Ago(ago) => ago.fmt(f),
        }
    }
}

impl Serialize for Since {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Since {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Since {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Since".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "description": "An RFC 3339 time, or how long ago.",
            "examples": ["2h", "2026-11-22T04:10:00Z"]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_and_a_duration_are_told_apart_and_nothing_else_is_taken() {
        let now: Timestamp = "2026-11-22T04:10:00Z".parse().unwrap();
        let at = |text: &str| text.parse::<Since>().map(|since| since.at(now).to_string());
        assert_eq!(at("2h"), Ok("2026-11-22T02:10:00Z".to_owned()));
        assert_eq!(at("2026-11-22T04:00:00+02:00"), Ok("2026-11-22T02:00:00Z".to_owned()));
        for wrong in ["", "yesterday", "2026-11-22", "-2h"] {
            assert!(at(wrong).unwrap_err().contains(&format!("`{wrong}` is neither")));
        }
    }
}
