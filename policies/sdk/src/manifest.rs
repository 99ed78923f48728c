//! What a policy says of itself.

use serde_json::{Map, Value, json};

use crate::wit::types;
use crate::{Duration, Permission};

/// What a policy says of itself: a constant, written as a chain of calls.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Manifest {
    raw: types::Manifest,
    settings: Map<String, Value>,
    schema: Option<Value>,
}

impl Manifest {
    /// A policy's name (a DNS label), its version (`env!("CARGO_PKG_VERSION")`), and what
    /// it does, in one or two sentences.
    pub fn new(name: &str, version: &str, description: &str) -> Self {
        let raw = types::Manifest {
            name: name.to_owned(),
            version: version.to_owned(),
            description: description.to_owned(),
            matchers: Vec::new(),
            key: Vec::new(),
            permissions: Vec::new(),
            settings_schema: String::new(),
        };
        Self { raw, settings: Map::new(), schema: None }
    }

    /// An Alertmanager matcher (`alertname="X"`, `role=~"a|b"`). All of them must match.
    pub fn matcher(mut self, matcher: &str) -> Self {
        self.raw.matchers.push(matcher.to_owned());
        self
    }

    /// The labels whose values identify what is broken.
    pub fn key<const N: usize>(mut self, labels: [&str; N]) -> Self {
        self.raw.key.extend(labels.map(str::to_owned));
        self
    }

    /// Ask for rights: verbs on resources of one API group (the core group is the empty
    /// text), and why, for the operator who decides.
    pub fn permission<const R: usize, const V: usize>(
        self,
        group: &str,
        resources: [&str; R],
        verbs: [&str; V],
        reason: &str,
    ) -> Self {
        self.request(Permission::resources(group, resources, verbs, reason))
    }

    /// Ask for metrics, or for rights that only some settings need: see [`Permission`].
    pub fn request(mut self, Permission(permission): Permission) -> Self {
        self.raw.permissions.push(permission);
        self
    }

    /// The settings that the operator may change, as their type says: names and types from its fields,
    /// what they mean from the doc comments, defaults from `Default`, bounds from `schemars`' attributes.
    /// A field without a default must be set.
    ///
    /// ```
    /// use suture_policy::{Duration, Manifest};
    ///
    /// #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
    /// #[serde(rename_all = "camelCase", default)]
    /// struct Settings {
    ///     /// How long the new Job may take.
    ///     patience: Duration,
    ///     /// How many of the last lines of a log are shown.
    ///     #[schemars(range(min = 1, max = 100))]
    ///     log_lines: u32,
    /// }
    ///
    /// impl Default for Settings {
    ///     fn default() -> Self {
    ///         Self { patience: Duration::hours(1), log_lines: 10 }
    ///     }
    /// }
    ///
    /// let manifest = Manifest::new("example", "1.0.0", "Does nothing.").settings::<Settings>();
    /// ```
    ///
    /// The policy depends on `schemars` 1 itself (`default-features = false, features = ["derive"]`), as it
    /// does on serde.
    #[cfg(feature = "schemars")]
    pub fn settings<S: schemars::JsonSchema>(self) -> Self {
        self.settings_schema(crate::settings::schema::<S>())
    }

    /// A setting that the operator may change: its name, its default, and what it means.
    pub fn setting(mut self, name: &str, default: impl Into<Setting>, description: &str) -> Self {
        let Setting(mut property) = default.into();
        property["description"] = description.into();
        self.settings.insert(name.to_owned(), property);
        self
    }

    /// A whole JSON Schema (draft 2020-12) for the settings, where [`setting`](Self::setting)
    /// does not say enough. It replaces them.
    pub fn settings_schema(mut self, schema: Value) -> Self {
        self.schema = Some(schema);
        self
    }
}

/// A setting by its default, from which its type follows.
#[derive(Clone, Debug)]
pub struct Setting(Value);

impl From<Duration> for Setting {
    fn from(default: Duration) -> Self {
        Self(json!({"type": "string", "pattern": Duration::PATTERN, "default": default.to_string()}))
    }
}

impl From<bool> for Setting {
    fn from(default: bool) -> Self {
        Self(json!({"type": "boolean", "default": default}))
    }
}

impl From<u32> for Setting {
    fn from(default: u32) -> Self {
        Self(json!({"type": "integer", "minimum": 0, "maximum": u32::MAX, "default": default}))
    }
}

impl From<&str> for Setting {
    fn from(default: &str) -> Self {
        Self(json!({"type": "string", "default": default}))
    }
}

impl From<Manifest> for types::Manifest {
    fn from(manifest: Manifest) -> Self {
        let Manifest { mut raw, settings, schema } = manifest;
        let settings = || json!({"type": "object", "additionalProperties": false, "properties": settings});
        raw.settings_schema = schema.unwrap_or_else(settings).to_string();
        raw
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_become_a_schema_that_knows_their_types_and_defaults() {
        let manifest = Manifest::new("x", "1.0.0", "Does x.")
            .setting("timeout", Duration::hours(1), "How long.")
            .setting("careful", true, "Whether.");
        let schema: Value = serde_json::from_str(&types::Manifest::from(manifest).settings_schema).unwrap();
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["properties"]["timeout"]["default"], "1h");
        assert_eq!(schema["properties"]["careful"]["type"], "boolean");
        assert_eq!(schema["properties"]["careful"]["description"], "Whether.");
    }
}
