//! What a policy says of itself.

mod condition;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use condition::Condition;

use crate::contract::ContractVersion;
use crate::grant::{Glob, Verb, metrics};
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
    /// The version of the contract that it was built for.
    pub contract: ContractVersion,
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
    /// What it asks for under these settings, whose defaults are filled in: the permissions
    /// that belong to them, and those that belong to none.
    pub fn requested(&self, settings: &Value) -> Vec<Permission> {
        self.permissions.iter().filter(|permission| permission.applies(settings)).cloned().collect()
    }

    /// What a run under these settings may do at most, beside what is granted:
    /// [`requested`](Self::requested), and every metric where the contract can't name any.
    pub fn permissions_of_run(&self, settings: &Value) -> Vec<Permission> {
        let mut permissions = self.requested(settings);
        permissions.extend(self.unnamed_metrics());
        permissions
    }

    /// All metrics, for a policy whose contract can't name any: what is granted alone decides.
    pub fn unnamed_metrics(&self) -> Option<Permission> {
        let reason = format!("{} can't say which metrics a policy queries", self.contract);
        let any = Permission { metrics: vec![Glob::any()], reason, ..Permission::default() };
        (!self.contract.names_metrics()).then_some(any)
    }

    /// The JSON schema of a manifest, as `suture inspect` shows one.
    pub fn schema() -> Value {
        let settings = schemars::generate::SchemaSettings::draft2020_12();
        settings.into_generator().into_root_schema_for::<Self>().into()
    }
}

/// A request for rights, with its reason: verbs on resources, or metrics to query.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Permission {
    /// API groups.
    pub groups: Vec<String>,
    /// Plural resources, `pods/log` for a subresource.
    pub resources: Vec<String>,
    /// Verbs.
    pub verbs: Vec<Verb>,
    /// The names of the metrics that it queries in Prometheus.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<Glob>,
    /// The settings that it belongs to: all must hold. None: it is always asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Condition>,
    /// Why.
    pub reason: String,
}

impl Permission {
    /// Whether it is asked for under these settings, whose defaults are filled in.
    pub fn applies(&self, settings: &Value) -> bool {
        self.when.iter().all(|condition| condition.holds(settings))
    }

    /// The settings that it belongs to, for people: `unlock=job and removeAll=never`; none
    /// where it belongs to none.
    pub fn condition(&self) -> Option<String> {
        let all: Vec<_> = self.when.iter().map(|condition| format!("`{condition}`")).collect();
        (!all.is_empty()).then(|| all.join(" and "))
    }
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
#[derive(Clone, Debug, Default)]
pub struct RawPermission {
    /// See [`Permission::groups`].
    pub groups: Vec<String>,
    /// See [`Permission::resources`].
    pub resources: Vec<String>,
    /// See [`Permission::verbs`].
    pub verbs: Vec<String>,
    /// See [`Permission::metrics`].
    pub metrics: Vec<String>,
    /// See [`Permission::when`].
    pub when: Vec<String>,
    /// See [`Permission::reason`].
    pub reason: String,
}

impl RawManifest {
    /// Check it, as one of the newest contract.
    ///
    /// # Errors
    /// A sentence that names the field and what is wrong with it.
    pub fn check(self) -> Result<Manifest, String> {
        self.check_as(ContractVersion::NEWEST)
    }

    /// Check it, as one of the contract that its component was built for.
    ///
    /// # Errors
    /// A sentence that names the field and what is wrong with it.
    pub fn check_as(self, contract: ContractVersion) -> Result<Manifest, String> {
        names::dns_label(&self.name).map_err(|error| format!("name: {error}"))?;
        if !is_semver(&self.version) {
            return Err(format!("version: `{}` is not a semantic version (MAJOR.MINOR.PATCH)", self.version));
        }
        for label in &self.key {
            names::label_name(label).map_err(|error| format!("key: {error}"))?;
        }
        let matchers = Matchers::parse_all(&self.matchers).map_err(|error| format!("matchers: {error}"))?;
        let schema: Value = serde_json::from_str(&self.settings_schema)
            .map_err(|error| format!("settings-schema: not JSON: {error}"))?;
        let settings_schema = Schema::new(schema).map_err(|error| format!("settings-schema: {error}"))?;
        let checked = self.permissions.into_iter().enumerate().map(|(index, raw)| {
            raw.check(settings_schema.source()).map_err(|error| format!("permissions[{index}].{error}"))
        });
        let permissions = checked.collect::<Result<_, _>>()?;
        Ok(Manifest {
            name: self.name,
            version: self.version,
            contract,
            description: self.description,
            matchers,
            key: self.key,
            permissions,
            settings_schema,
        })
    }
}

impl RawPermission {
    /// Check it, beside the schema of the settings.
    fn check(self, schema: &Value) -> Result<Permission, String> {
        let Self { groups, resources, verbs, metrics, when, reason } = self;
        let verbs = verbs.iter().map(|verb| verb.parse::<Verb>()).collect::<Result<Vec<_>, _>>();
        let verbs = verbs.map_err(|error| format!("verbs: {error}"))?;
        let names_resources = !(groups.is_empty() && resources.is_empty() && verbs.is_empty());
        if names_resources && !metrics.is_empty() {
            return Err("metrics: a permission names resources or metrics; make two of it".to_owned());
        }
        let metrics = metrics.iter().map(|name| metrics::pattern(name)).collect::<Result<Vec<_>, _>>();
        let metrics = metrics.map_err(|error| format!("metrics: {error}"))?;
        let when = when.iter().map(|text| text.parse::<Condition>()).collect::<Result<Vec<_>, _>>();
        let when = when.map_err(|error| format!("when: {error}"))?;
        if let Some(why) = when.iter().find_map(|condition| condition.impossible(schema)) {
            return Err(format!("when: {why}"));
        }
        if reason.trim().is_empty() {
            return Err("reason: say why the policy needs it".to_owned());
        }
        Ok(Permission { groups, resources, verbs, metrics, when, reason })
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
                m.permissions = vec![RawPermission { verbs, reason: "r".into(), ..RawPermission::default() }];
            })
            .starts_with("permissions[0].verbs:")
        );
    }

    /// A permission to query `jobs_failed`, with something else.
    fn asking(change: impl Fn(&mut RawPermission)) -> RawManifest {
        let mut permission = RawPermission {
            metrics: vec!["jobs_failed".into()],
            reason: "r".into(),
            ..RawPermission::default()
        };
        change(&mut permission);
        let settings_schema = r#"{"type": "object", "additionalProperties": false, "properties":
            {"unlock": {"enum": ["native", "job"], "default": "native"}}}"#;
        RawManifest { permissions: vec![permission], settings_schema: settings_schema.into(), ..raw() }
    }

    #[test]
    fn a_permission_names_metrics_or_resources_and_settings_that_there_are() {
        assert!(asking(|_| {}).check().is_ok());
        let wrong = |change: fn(&mut RawPermission)| asking(change).check().unwrap_err();
        assert!(wrong(|p| p.resources = vec!["jobs".into()]).starts_with("permissions[0].metrics:"));
        assert!(wrong(|p| p.metrics = vec!["{a,b}".into()]).starts_with("permissions[0].metrics:"));
        assert!(wrong(|p| p.when = vec!["unlock".into()]).starts_with("permissions[0].when:"));
        let typo = wrong(|p| p.when = vec!["unlok=job".into()]);
        assert!(typo.contains("there is no setting `unlok`"), "{typo}");
    }

    #[test]
    fn a_permission_is_asked_for_only_under_the_settings_that_it_belongs_to() {
        let manifest = asking(|p| p.when = vec!["unlock=job".into()]).check().unwrap();
        let requested = |value: &str| manifest.requested(&serde_json::json!({"unlock": value})).len();
        assert_eq!((requested("native"), requested("job")), (0, 1));
        assert_eq!(manifest.permissions[0].condition().unwrap(), "`unlock=job`");
    }

    #[test]
    fn a_run_of_the_first_contract_may_query_what_is_granted() {
        let settings = serde_json::json!({});
        let old = raw().check_as(ContractVersion::V0_1).unwrap();
        assert!(old.requested(&settings).is_empty());
        assert_eq!(old.permissions_of_run(&settings)[0].metrics, [Glob::any()]);
        assert!(raw().check().unwrap().permissions_of_run(&settings).is_empty());
    }

    #[test]
    fn a_permission_that_an_older_build_recorded_can_be_read() {
        let recorded = r#"{"groups": [""], "resources": ["pods"], "verbs": ["get"], "reason": "r"}"#;
        let permission: Permission = serde_json::from_str(recorded).unwrap();
        assert!(permission.metrics.is_empty() && permission.applies(&Value::Null));
        assert_eq!(
            serde_json::to_value(&permission).unwrap(),
            serde_json::from_str::<Value>(recorded).unwrap()
        );
    }
}
