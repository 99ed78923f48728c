//! Addresses to listen on.

use std::net::SocketAddr;
use std::ops::Deref;

use serde::{Deserialize, Deserializer, de};
use suture_core::names;

/// An IP address and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address(pub SocketAddr);

impl Deref for Address {
    type Target = SocketAddr;

    fn deref(&self) -> &SocketAddr {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|_| {
            let short = names::shortened(&text);
            de::Error::custom(format!(
                "`{short}` is not an address to listen on; write an IP address and a port, `127.0.0.1:8080`"
            ))
        })
    }
}

impl schemars::JsonSchema for Address {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Address".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "description": "An IP address and a port.", "examples": ["127.0.0.1:8080"]})
    }
}
