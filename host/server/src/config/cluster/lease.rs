//! `cluster.live.lease`.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;
use suture_core::HumanDuration;

use crate::config::unplaced;

/// The Lease that lets one host of several act: `{name, duration}`, or `false`.
#[derive(Debug)]
pub enum LeaseConfig {
    /// The host acts only while it holds the Lease.
    On(Lease),
    /// The host always acts: there is never another.
    Off,
}

impl Default for LeaseConfig {
    fn default() -> Self {
        Self::On(Lease::default())
    }
}

impl LeaseConfig {
    /// The Lease, where there is one.
    pub fn get(&self) -> Option<&Lease> {
        match self {
            Self::On(lease) => Some(lease),
            Self::Off => None,
        }
    }
}

/// A Lease.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Lease {
    /// Its name, in the host's own namespace.
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// How long after a host's last sign of life another takes over: whole seconds.
    #[schemars(with = "HumanDuration")]
    pub duration: Spanned<HumanDuration>,
}

impl Default for Lease {
    fn default() -> Self {
        Self { name: unplaced("suture".to_owned()), duration: unplaced(HumanDuration::from_secs(15)) }
    }
}

impl<'de> Deserialize<'de> for LeaseConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;

        impl<'de> Visitor<'de> for Written {
            type Value = LeaseConfig;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`{name: NAME, duration: 15s}`, or `false`")
            }

            fn visit_bool<E: de::Error>(self, on: bool) -> Result<LeaseConfig, E> {
                Ok(if on { LeaseConfig::default() } else { LeaseConfig::Off })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<LeaseConfig, A::Error> {
                Lease::deserialize(MapAccessDeserializer::new(map)).map(LeaseConfig::On)
            }
        }

        deserializer.deserialize_any(Written)
    }
}

impl schemars::JsonSchema for LeaseConfig {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "LeaseConfig".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let lease = generator.subschema_for::<Lease>();
        schemars::json_schema!({"anyOf": [lease, {"const": false}]})
    }
}
