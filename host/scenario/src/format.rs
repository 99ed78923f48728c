//! The scenario file: read, checked, and made ready to run.

mod pattern;
mod run;
mod then;
mod when;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::{Location, Spanned};
use suture_core::{Glob, Grant, HumanDuration, Limits, Manifest, Mode, Permission, Timestamp, Verb};
use suture_simulator::Fixture;
use suture_simulator::fixture::{ContainerLog, FaultRule, KnownAlert, Later, QueryAnswer, Reaction};

pub use pattern::{ObjectPattern, TextPattern};
pub use run::{HeldLock, Pause, RunIdentity};
pub use then::{Expected, Located, Then};
pub use when::{Event, ScenarioAlert};

use crate::error::ScenarioError;
use then::{RawThen, Wrong};
use when::RawWhen;

/// A cluster, what happens to it, and what is expected.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it shows, in a sentence.
    pub name: String,
    /// The file it stands in.
    pub file: PathBuf,
    /// Where in the file it begins.
    pub line: u64,
    /// The operator's settings, before defaults are filled in.
    pub settings: Value,
    /// Whether mutations are performed.
    pub mode: Mode,
    /// What the operator grants; `None` for all that the manifest requests.
    pub grants: Option<Arc<[Grant]>>,
    /// What one run may use.
    pub limits: Limits,
    /// How much virtual time may pass.
    pub limit: HumanDuration,
    /// What the first run is called.
    pub run: RunIdentity,
    /// The locks that somebody else holds.
    pub locks: Vec<HeldLock>,
    /// The time that passes between steps of the first run.
    pub pauses: Vec<Pause>,
    /// The cluster.
    pub fixture: Fixture,
    /// Whether the fixture says itself which alerts Prometheus knows; otherwise those of
    /// [`when`](Self::when) fire there while they fire.
    pub lists_alerts: bool,
    /// The alerts, in order of time.
    pub when: Vec<Event>,
    /// What is expected.
    pub then: Then,
}

/// `given`, as it is written.
#[derive(Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct RawGiven {
    #[schemars(with = "Option<String>")]
    now: Option<Timestamp>,
    #[schemars(with = "Option<Value>")]
    settings: Option<Spanned<Value>>,
    mode: Option<Mode>,
    grants: Option<Vec<Grant>>,
    limits: Limits,
    limit: Option<HumanDuration>,
    run: RunIdentity,
    locks: Vec<HeldLock>,
    pauses: Vec<Pause>,
    #[schemars(with = "Vec<Value>")]
    objects: Vec<Spanned<Value>>,
    #[schemars(with = "Vec<ContainerLog>")]
    logs: Vec<Spanned<ContainerLog>>,
    #[schemars(with = "Vec<QueryAnswer>")]
    prometheus: Vec<Spanned<QueryAnswer>>,
    #[schemars(with = "Option<Vec<KnownAlert>>")]
    alerts: Option<Vec<Spanned<KnownAlert>>>,
    #[schemars(with = "Vec<Later>")]
    later: Vec<Spanned<Later>>,
    #[schemars(with = "Vec<FaultRule>")]
    faults: Vec<Spanned<FaultRule>>,
}

/// The file, as it is written.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawScenario {
    #[schemars(with = "String")]
    name: Spanned<String>,
    #[serde(default)]
    given: RawGiven,
    #[schemars(with = "Vec<RawWhen>")]
    when: Spanned<Vec<Spanned<RawWhen>>>,
    #[serde(default)]
    #[schemars(with = "Vec<Reaction>")]
    reactions: Vec<Spanned<Reaction>>,
    #[serde(default)]
    then: RawThen,
}

impl Scenario {
    /// The largest file that is read, in bytes.
    pub const MAX_BYTES: usize = 1 << 20;

    /// The JSON schema of the file, for editors. It says what may be written where; what makes
    /// sense together only [`parse_all`](Self::parse_all) says.
    pub fn schema() -> Value {
        let settings = schemars::generate::SchemaSettings::draft2020_12();
        settings.into_generator().into_root_schema_for::<RawScenario>().into()
    }

    /// Read the one scenario of a text.
    ///
    /// # Errors
    /// As [`parse_all`](Self::parse_all), and where there is not exactly one.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ScenarioError> {
        let mut all = Self::parse_all(text, file)?;
        match (all.pop(), all.len()) {
            (Some(scenario), 0) => Ok(scenario),
            (_, more) => {
                let message = format!("there are {} scenarios here, and exactly one is wanted", more + 1);
                Err(ScenarioError::at(file, Location::UNKNOWN, message))
            }
        }
    }

    /// Read all scenarios of a text; `---` stands between two.
    ///
    /// # Errors
    /// What is wrong and where: not YAML, an unknown key, a value that makes no sense,
    /// or an expectation that can never match.
    pub fn parse_all(text: &str, file: &Path) -> Result<Vec<Self>, ScenarioError> {
        if text.len() > Self::MAX_BYTES {
            let message =
                format!("the file has {} bytes, a scenario may have {}", text.len(), Self::MAX_BYTES);
            return Err(ScenarioError::at(file, Location::UNKNOWN, message));
        }
        let raw: Vec<RawScenario> = serde_saphyr::from_multiple_with_options(text, options())
            .map_err(|error| ScenarioError::of_yaml(file, &error))?;
        if raw.is_empty() {
            return Err(ScenarioError::at(file, Location::UNKNOWN, "there is no scenario in this file"));
        }
        raw.into_iter().map(|raw| raw.check(file)).collect()
    }

    /// Read the scenarios of a file.
    ///
    /// # Errors
    /// As [`parse_all`](Self::parse_all), and where the file can't be read.
    pub fn load(file: &Path) -> Result<Vec<Self>, ScenarioError> {
        let text = suture_core::file::read_text(file, Self::MAX_BYTES as u64)
            .map_err(|error| ScenarioError::at(file, Location::UNKNOWN, error.to_string()))?;
        Self::parse_all(&text, file)
    }

    /// What the operator grants: what the scenario says, or all that the manifest
    /// requests, in every namespace that the scenario names.
    pub fn grants(&self, manifest: &Manifest) -> Arc<[Grant]> {
        if let Some(grants) = &self.grants {
            return grants.clone();
        }
        let namespaces: Vec<_> =
            self.namespaces().iter().filter_map(|namespace| Glob::new(namespace).ok()).collect();
        let grant = |permission: &Permission, verbs: Vec<Verb>, namespaces: Vec<Glob>| {
            let grant = Grant::of(permission.groups.clone(), permission.resources.clone(), verbs, namespaces);
            Grant { metrics: permission.metrics.clone(), ..grant }
        };
        let here =
            manifest.permissions.iter().map(|asked| grant(asked, asked.verbs.clone(), namespaces.clone()));
        // A list over all namespaces lists those of the fixture: there are no others.
        let lists = manifest.permissions.iter().filter(|asked| asked.verbs.contains(&Verb::List));
        let lists = lists.map(|asked| grant(asked, vec![Verb::List], vec![Glob::any()]));
        let metrics = manifest.unnamed_metrics().map(|any| grant(&any, Vec::new(), Vec::new()));
        here.chain(lists).chain(metrics).collect()
    }

    /// The namespaces that its objects, logs and alerts name.
    pub(crate) fn namespaces(&self) -> BTreeSet<String> {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let of_objects = self.fixture.objects.iter().filter_map(|object| {
            let is_namespace = text(object.get("kind")).as_deref() == Some("Namespace");
            text(object.pointer(if is_namespace { "/metadata/name" } else { "/metadata/namespace" }))
        });
        let of_logs = self.fixture.logs.iter().map(|log| log.pod.namespace.clone());
        // An alert can be about something that is gone, and the only one to name its
        // namespace.
        let of_alerts = self.when.iter().flat_map(|event| &event.alert.labels).filter_map(|(name, value)| {
            let names_one = name == "namespace" || name.ends_with("_namespace");
            (names_one && suture_core::names::dns_label(value).is_ok()).then(|| value.clone())
        });
        of_objects.chain(of_logs).chain(of_alerts).collect()
    }
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        // Aliases that multiply, and nesting that overflows, end here.
        budget: serde_saphyr::budget! {
            max_depth: 64,
            max_nodes: 100_000,
            max_events: 300_000,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_documents: 256,
        },
        with_snippet: false,
        strict_booleans: true,
    }
}

/// How much virtual time passes at most, where the scenario does not say.
const LIMIT: HumanDuration = HumanDuration::from_secs(7 * 24 * 3600);

impl RawScenario {
    fn check(self, file: &Path) -> Result<Scenario, ScenarioError> {
        let Self { name, given, when, reactions, then } = self;
        let start = name.referenced;
        let wrong = |(location, message): Wrong| {
            let location = if location == Location::UNKNOWN { start } else { location };
            ScenarioError::at(file, location, message)
        };
        if name.value.trim().is_empty() {
            return Err(wrong((
                start,
                "`name` is empty; say in a sentence what the scenario shows".to_owned(),
            )));
        }
        let now = given.now.unwrap_or(DEFAULT_NOW);
        let settings = match given.settings {
            None => Value::Object(serde_json::Map::new()),
            Some(settings) if settings.value.is_object() => settings.value,
            Some(settings) => {
                return Err(wrong((settings.referenced, "`settings` is not an object".to_owned())));
            }
        };
        if let Some(error) = given.grants.iter().flatten().find_map(|grant| grant.check_subject().err()) {
            return Err(wrong((start, format!("`given.grants`: {error}"))));
        }
        let mode = given.mode.unwrap_or(Mode::Enforce);
        let lists_alerts = given.alerts.is_some();
        let places = Places {
            objects: locations(&given.objects),
            logs: locations(&given.logs),
            prometheus: locations(&given.prometheus),
            alerts: given.alerts.as_deref().map(locations).unwrap_or_default(),
            reactions: locations(&reactions),
            later: locations(&given.later),
            faults: locations(&given.faults),
        };
        let fixture = Fixture {
            now,
            objects: values(given.objects),
            logs: values(given.logs),
            prometheus: values(given.prometheus),
            alerts: given.alerts.map(values).unwrap_or_default(),
            reactions: values(reactions),
            later: values(given.later),
            faults: values(given.faults),
        };
        fixture.validate().map_err(|error| wrong((places.find(&error.place), error.to_string())))?;
        let when = when::check(when, now).map_err(wrong)?;
        let then = then.check().map_err(wrong)?;
        if let Some(outcome) = then.outcome.as_ref().filter(|outcome| outcome.value == "planned")
            && mode == Mode::Enforce
        {
            let message = "`planned` is how a run in mode `observe` ends, and this one is in mode `enforce`";
            return Err(ScenarioError {
                file: file.to_owned(),
                line: outcome.line,
                column: outcome.column,
                message: message.to_owned(),
            });
        }
        Ok(Scenario {
            name: name.value.trim().to_owned(),
            file: file.to_owned(),
            line: start.line(),
            settings,
            mode,
            grants: given.grants.map(Into::into),
            limits: given.limits,
            limit: given.limit.unwrap_or(LIMIT),
            run: given.run,
            locks: given.locks,
            pauses: given.pauses,
            fixture,
            lists_alerts,
            when,
            then,
        })
    }
}

/// 2026-01-01T00:00:00Z.
const DEFAULT_NOW: Timestamp = Timestamp::constant(1_767_225_600, 0);

fn locations<T>(all: &[Spanned<T>]) -> Vec<Location> {
    all.iter().map(|spanned| spanned.referenced).collect()
}

fn values<T>(all: Vec<Spanned<T>>) -> Vec<T> {
    all.into_iter().map(|spanned| spanned.value).collect()
}

/// Where the parts of a fixture stand in the file.
struct Places {
    objects: Vec<Location>,
    logs: Vec<Location>,
    prometheus: Vec<Location>,
    alerts: Vec<Location>,
    reactions: Vec<Location>,
    later: Vec<Location>,
    faults: Vec<Location>,
}

impl Places {
    /// The location of `objects[2] …`; unknown where there is none.
    fn find(&self, place: &str) -> Location {
        let list = [
            ("objects[", &self.objects),
            ("logs[", &self.logs),
            ("prometheus[", &self.prometheus),
            ("alerts[", &self.alerts),
            ("reactions[", &self.reactions),
            ("later[", &self.later),
            ("faults[", &self.faults),
        ];
        list.into_iter()
            .find_map(|(prefix, locations)| {
                let index = place.strip_prefix(prefix)?.split_once(']')?.0;
                locations.get(index.parse::<usize>().ok()?).copied()
            })
            .unwrap_or(Location::UNKNOWN)
    }
}

#[cfg(test)]
mod tests;
