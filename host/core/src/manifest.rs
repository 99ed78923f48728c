//! What a policy says of itself.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::grant::Verb;
use crate::matcher::Matchers;
use crate::names;
use crate::settings::Schema;

/// What a policy says of itself, checked.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// A DNS label.
    pub name: String,
    /// Semantic versioning.
    pub version: String,
    /// One or two sentences.
    pub description: String,
    /// The alerts it is for.
    pub matchers: Matchers,
    /// The labels that identify what is broken; none where all labels of an alert together do.
    pub key: Vec<String>,
    /// What it asks for.
    pub permissions: Vec<Permission>,
    /// The schema of its settings.
    #[schemars(with = "Value")]
    pub settings_schema: Schema,
}

impl Manifest {
    /// The JSON schema of a manifest, as `suture inspect` shows one.
    pub fn schema() -> Value {
        let settings = schemars::generate::SchemaSettings::draft2020_12();
        settings.into_generator().into_root_schema_for::<Self>().into()
    }
}

/// A request for rights, with its reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Permission {
    /// API groups.
    pub groups: Vec<String>,
    /// Plural resources, `pods/log` for a subresource.
    pub resources: Vec<String>,
    /// Verbs.
    pub verbs: Vec<Verb>,
    /// Why.
    pub reason: String,
}

/// A manifest as a component returns it, before it is checked.
#[derive(Clone, Debug)]
pub struct RawManifest {
    /// See [`Manifest::name`].
    pub name: String,
    /// See [`Manifest::version`].
    pub version: String,
    /// See [`Manifest::description`].
    pub description: String,
    /// Each an Alertmanager matcher.
    pub matchers: Vec<String>,
    /// See [`Manifest::key`].
    pub key: Vec<String>,
    /// See [`Manifest::permissions`].
    pub permissions: Vec<RawPermission>,
    /// JSON text.
    pub settings_schema: String,
}

/// A [`Permission`] as a component returns it, before it is checked.
#[derive(Clone, Debug)]
pub struct RawPermission {
    /// See [`Permission::groups`].
    pub groups: Vec<String>,
    /// See [`Permission::resources`].
    pub resources: Vec<String>,
    /// See [`Permission::verbs`].
    pub verbs: Vec<String>,
    /// See [`Permission::reason`].
    pub reason: String,
}

impl RawManifest {
    /// Check it.
    ///
    /// # Errors
    /// A sentence that names the field and what is wrong with it.
    pub fn check(self) -> Result<Manifest, String> {
        names::dns_label(&self.name).map_err(|error| format!("name: {error}"))?;
        if !is_semver(&self.version) {
            return Err(format!("version: `{}` is not a semantic version (MAJOR.MINOR.PATCH)", self.version));
        }
        for label in &self.key {
            names::label_name(label).map_err(|error| format!("key: {error}"))?;
        }
        let matchers = Matchers::parse_all(&self.matchers).map_err(|error| format!("matchers: {error}"))?;
        let mut permissions = Vec::with_capacity(self.permissions.len());
        for (index, raw) in self.permissions.into_iter().enumerate() {
            let RawPermission { groups, resources, verbs, reason } = raw;
            let verbs = verbs
                .iter()
                .map(|verb| verb.parse::<Verb>())
                .collect::<Result<Vec<_>, _>>()
                .map_err(|error| format!("permissions[{index}].verbs: {error}"))?;
            if reason.trim().is_empty() {
                return Err(format!("permissions[{index}].reason: say why the policy needs it"));
            }
            permissions.push(Permission { groups, resources, verbs, reason });
        }
        let schema: Value = serde_json::from_str(&self.settings_schema)
            .map_err(|error| format!("settings-schema: not JSON: {error}"))?;
        let settings_schema = Schema::new(schema).map_err(|error| format!("settings-schema: {error}"))?;
        Ok(Manifest {
            name: self.name,
            version: self.version,
            description: self.description,
            matchers,
            key: self.key,
            permissions,
            settings_schema,
        })
    }
}

fn is_semver(text: &str) -> bool {
    let core = text.split(['-', '+']).next().unwrap_or_default();
    let parts: Vec<_> = core.split('.').collect();
    parts.len() == 3
        && parts.iter().all(|part| {
            !part.is_empty()
                && part.len() <= 10
                && part.bytes().all(|byte| byte.is_ascii_digit())
                && (part.len() == 1 || !part.starts_with('0'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw() -> RawManifest {
        RawManifest {
            name: "volsync".into(),
            version: "0.1.0".into(),
            description: String::new(),
            matchers: vec![r#"alertname="X""#.into()],
            key: vec!["obj_name".into()],
            permissions: vec![],
            settings_schema: r#"{"type":"object"}"#.into(),
        }
    }

    #[test]
    fn a_manifest_that_is_wrong_says_which_field() {
        assert!(raw().check().is_ok());
        let wrong = |change: fn(&mut RawManifest)| {
            let mut manifest = raw();
            change(&mut manifest);
            manifest.check().unwrap_err()
        };
        assert!(wrong(|m| m.name = "Vol Sync".into()).starts_with("name:"));
        assert!(wrong(|m| m.version = "1.0".into()).starts_with("version:"));
        assert!(wrong(|m| m.key.push("not a label".into())).starts_with("key:"));
        assert!(wrong(|m| m.matchers = vec!["x".into()]).starts_with("matchers:"));
        assert!(wrong(|m| m.settings_schema = "{".into()).starts_with("settings-schema:"));
        assert!(
            wrong(|m| {
                let verbs = vec!["read".into()];
                m.permissions =
                    vec![RawPermission { groups: vec![], resources: vec![], verbs, reason: "r".into() }];
            })
            .starts_with("permissions[0].verbs:")
        );
    }
}
