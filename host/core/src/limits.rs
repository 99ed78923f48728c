//! What one run may use.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::duration::HumanDuration;

/// A number of bytes, written `64Mi`, `512Ki`, `1Gi` or `4096`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

const BYTE_UNITS: [(&str, u64); 3] = [("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)];

impl FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (digits, factor) = BYTE_UNITS
            .iter()
            .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)))
            .unwrap_or((text, 1));
        let number =
            digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u64>().ok()).flatten();
        number
            .and_then(|number| number.checked_mul(factor))
            .map(Self)
            .ok_or_else(|| format!("`{text}` is not a size; write `64Mi`, `512Ki` or a number of bytes"))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = BYTE_UNITS.iter().find(|(_, factor)| self.0 >= *factor && self.0.is_multiple_of(*factor));
        match unit {
            Some((unit, factor)) => write!(f, "{}{unit}", self.0 / factor),
            None => write!(f, "{}", self.0),
        }
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Size;

        impl Visitor<'_> for Size {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size, such as `64Mi`, `512Ki` or a number of bytes")
            }

            fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<Bytes, E> {
                Ok(Bytes(bytes))
            }

            fn visit_i64<E: de::Error>(self, bytes: i64) -> Result<Bytes, E> {
                u64::try_from(bytes)
                    .map(Bytes)
                    .map_err(|_| E::invalid_value(Unexpected::Signed(bytes), &self))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Bytes, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_any(Size)
    }
}

/// What one run may use. Each has its own error, which names it and its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Limits {
    /// Linear memory of the instance.
    pub memory: Bytes,
    /// Time on the CPU, host calls excluded.
    pub cpu: HumanDuration,
    /// From the start of the run to its end, waits included.
    pub deadline: HumanDuration,
    /// Calls to the host, log lines included.
    pub effects: u32,
    /// Objects that the run may make: creates and applies.
    pub creates: u32,
    /// Of one call: the effect, or its reply, as JSON.
    pub call_bytes: Bytes,
    /// Of all calls of the run.
    pub run_bytes: Bytes,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: Bytes(64 << 20),
            cpu: HumanDuration::from_millis(200),
            deadline: HumanDuration::from_secs(2 * 3600),
            effects: 500,
            creates: 20,
            call_bytes: Bytes(4 << 20),
            run_bytes: Bytes(64 << 20),
        }
    }
}

/// Which limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Limit {
    /// [`Limits::memory`].
    Memory,
    /// [`Limits::cpu`].
    Cpu,
    /// [`Limits::deadline`].
    Deadline,
    /// [`Limits::effects`].
    Effects,
    /// [`Limits::creates`].
    Creates,
    /// [`Limits::call_bytes`].
    CallBytes,
    /// [`Limits::run_bytes`].
    RunBytes,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::Cpu => "cpu",
            Self::Deadline => "deadline",
            Self::Effects => "effects",
            Self::Creates => "creates",
            Self::CallBytes => "callBytes",
            Self::RunBytes => "runBytes",
        })
    }
}

/// A run used more than it may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("limit exceeded: `limits.{limit}` is {value}")]
pub struct LimitExceeded {
    /// Which limit.
    pub limit: Limit,
    /// What it is set to, as the configuration writes it.
    pub value: String,
}

impl Limits {
    /// The error for one of these limits.
    pub fn exceeded(&self, limit: Limit) -> LimitExceeded {
        let value = match limit {
            Limit::Memory => self.memory.to_string(),
            Limit::Cpu => self.cpu.to_string(),
            Limit::Deadline => self.deadline.to_string(),
            Limit::Effects => self.effects.to_string(),
            Limit::Creates => self.creates.to_string(),
            Limit::CallBytes => self.call_bytes.to_string(),
            Limit::RunBytes => self.run_bytes.to_string(),
        };
        LimitExceeded { limit, value }
    }
}

impl schemars::JsonSchema for Bytes {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Bytes".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": ["string", "integer"], "description": "A size: bytes, or with a unit.", "examples": ["64Mi", 1024]})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_back_as_they_are_written() {
        for text in ["64Mi", "512Ki", "1Gi", "1000"] {
            assert_eq!(text.parse::<Bytes>().unwrap().to_string(), text);
        }
        for text in ["64MB", "", "Mi", "-1", "99999999999Gi"] {
            assert!(text.parse::<Bytes>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_size_may_be_a_number_and_what_is_none_says_how_to_write_one() {
        let read = |text: &str| serde_json::from_str::<Bytes>(text);
        assert_eq!(read("4096").unwrap(), Bytes(4096));
        assert_eq!(read(r#""64Mi""#).unwrap(), Bytes(64 << 20));
        for wrong in ["-1", "1.5", "true", r#""much""#] {
            assert!(read(wrong).unwrap_err().to_string().contains("64Mi"), "{wrong}");
        }
    }

    #[test]
    fn the_error_names_the_limit_and_its_value() {
        let error = Limits::default().exceeded(Limit::Memory).to_string();
        assert_eq!(error, "limit exceeded: `limits.memory` is 64Mi");
    }
}
