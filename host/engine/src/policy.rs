//! A policy as it is configured and loaded.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use suture_core::grant::not_granted;
use suture_core::{
    Alert, Backoff, Expression, Grant, HumanDuration, Labels, Limits, Matchers, Mode, Program, Timestamp,
};
use suture_journal::PauseRecord;

use crate::backtest::BackTested;
use crate::confirm::Confirm;

/// How often, and how patiently, an incident is attempted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Retry {
    /// Runs an incident gets at most before a person is told.
    pub attempts: u32,
    /// The pause before the second run; it doubles with each, up to an hour.
    pub backoff: HumanDuration,
    /// How long the alert may take to clear after a run says that it repaired.
    pub settle: HumanDuration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 3, backoff: HumanDuration::from_secs(60), settle: HumanDuration::from_secs(600) }
    }
}

impl Retry {
    /// The pause after a number of attempts.
    pub fn pause(&self, attempts: u32) -> std::time::Duration {
        let first = self.backoff.get();
        let longest = first.max(std::time::Duration::from_secs(3600));
        Backoff::new(first, longest).pause(attempts.saturating_sub(1))
    }
}

/// How a plan is approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Approval {
    /// How long people may take to approve a plan before it is escalated instead.
    pub expires: HumanDuration,
    /// How many different people must approve it; whoever started the run by hand doesn't count.
    pub by: u32,
}

impl Approval {
    /// The most people that can be asked for.
    pub const MOST: u32 = 10;
}

impl Default for Approval {
    fn default() -> Self {
        Self { expires: HumanDuration::from_secs(1800), by: 1 }
    }
}

/// What the operator says of a policy.
#[derive(Clone)]
pub struct PolicyConfig {
    /// Its name in this host: a DNS label.
    pub name: String,
    /// Whether it acts.
    pub mode: Mode,
    /// The alerts it gets, on top of its manifest's own matchers.
    pub matchers: Matchers,
    /// What takes the place of its manifest's own matchers.
    pub instead_of_manifest: Option<Matchers>,
    /// Whether an alert must fire in Prometheus before anything is changed.
    pub confirm: Confirm,
    /// CEL over `alert` that must hold for the alert to be heard at all.
    pub trust: Option<Expression>,
    /// Its settings, defaults filled in.
    pub settings: Value,
    /// What it is allowed.
    pub grants: Arc<[Grant]>,
    /// What one run may use.
    pub limits: Limits,
    /// How often it is tried.
    pub retry: Retry,
    /// How its plans are approved, in mode `approve`.
    pub approval: Approval,
}

impl PolicyConfig {
    /// Whether any of its changes must be approved by people.
    pub fn asks_for_approval(&self) -> bool {
        match self.mode {
            Mode::Observe => false,
            Mode::Approve => true,
            Mode::Enforce => self.grants.iter().any(|grant| grant.approve),
        }
    }
}

/// A policy that is loaded.
#[derive(Clone)]
pub struct Policy {
    /// What the operator says.
    pub config: PolicyConfig,
    /// Its code; or why it could not be loaded.
    pub program: Result<Arc<dyn Program>, String>,
    /// Where the code came from.
    pub source: String,
    /// When.
    pub loaded_at: Timestamp,
    /// Why its source has not given a newer module, where this one only goes on working.
    pub trouble: Option<String>,
    /// A newer module that waits for a person to accept it.
    pub candidate: Option<Arc<CandidateStatus>>,
}

/// Modules that were put to work earlier.
#[async_trait]
pub trait KeptModules: Send + Sync {
    /// The module of a policy with a digest; none where it is not kept any more, or must not
    /// be run any more.
    async fn program(&self, policy: &Policy, digest: &str) -> Option<Arc<dyn Program>>;
}

/// A newer module of a policy that is not put to work until a person accepts it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CandidateStatus {
    /// The manifest's version.
    pub version: String,
    /// The module's digest.
    pub digest: String,
    /// Where it came from.
    pub source: String,
    /// Since when it waits.
    pub since: Timestamp,
    /// Why, in a sentence.
    pub why: String,
    /// What it would have done otherwise in the runs on record; none where that is not known
    /// yet.
    #[schemars(with = "Option<Value>")]
    pub backtest: Option<BackTested>,
}

/// A policy as the API shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyStatus {
    /// Its name in this host.
    pub name: String,
    /// The manifest's version.
    pub version: Option<String>,
    /// The module's digest.
    pub digest: Option<String>,
    /// `observe`, `approve` or `enforce`.
    pub mode: Mode,
    /// Where the module came from.
    pub source: String,
    /// When it was loaded.
    pub loaded_at: Timestamp,
    /// What it requests under its settings that no grant gives, `VERB RESOURCE[.GROUP]` or
    /// `query METRIC` each: denied when it tries.
    #[serde(default)]
    pub not_granted: Vec<String>,
    /// Which of its grants can be used by no one, and why: `grants[0]: …` each.
    #[serde(default)]
    pub unusable_grants: Vec<String>,
    /// Why it is not loaded, does not act, or is not the newest.
    pub error: Option<String>,
    /// Why it starts no runs, because the host lacks something that it needs; `error` says it, too.
    #[serde(default)]
    pub held_back: Option<String>,
    /// In which namespaces it starts none, and why.
    #[serde(default)]
    pub held_namespaces: BTreeMap<String, String>,
    /// Who has paused it or the whole host, where somebody has.
    #[serde(default)]
    pub pause: Option<PauseRecord>,
    /// Whether it starts no runs, because too much broke at once.
    #[serde(default)]
    pub storm: bool,
    /// A newer module that waits to be accepted.
    #[serde(default)]
    pub candidate: Option<Arc<CandidateStatus>>,
}

impl Policy {
    /// The digest of its module, where it is loaded.
    pub fn digest(&self) -> Option<&str> {
        self.program.as_ref().ok().map(|program| program.digest())
    }

    /// What the API shows.
    pub fn status(&self) -> PolicyStatus {
        let program = self.program.as_ref().ok();
        PolicyStatus {
            name: self.config.name.clone(),
            version: program.map(|program| program.manifest().version.clone()),
            digest: program.map(|program| program.digest().to_owned()),
            mode: self.config.mode,
            source: self.source.clone(),
            loaded_at: self.loaded_at,
            not_granted: program.map_or_else(Vec::new, |program| {
                not_granted(&self.config.grants, &program.manifest().requested(&self.config.settings))
            }),
            unusable_grants: unusable(&self.config.grants),
            error: self.program.as_ref().err().or(self.trouble.as_ref()).cloned(),
            held_back: None,
            held_namespaces: BTreeMap::new(),
            pause: None,
            storm: false,
            candidate: self.candidate.clone(),
        }
    }

    /// Whether an alert is for this policy. Posted to it by name, the configuration's
    /// own matchers are skipped.
    pub fn wants(&self, labels: &Labels, by_name: bool) -> bool {
        self.program.is_ok() && self.may_want(labels, by_name)
    }

    /// The same, as far as that can be told while it is not loaded: its manifest's own matchers
    /// are not known then.
    pub fn may_want(&self, labels: &Labels, by_name: bool) -> bool {
        (by_name || self.config.matchers.matches(labels))
            && self.own_matchers().is_none_or(|matchers| matchers.matches(labels))
    }

    /// Whether an alert could be for this policy, were it given labels that it does not have yet.
    pub fn could_want(&self, labels: &Labels) -> bool {
        self.config.matchers.allow(labels)
            && self.own_matchers().is_none_or(|matchers| matchers.allow(labels))
    }

    /// A matcher for which an alert is not for this policy; none where that is not so.
    pub fn unmet(&self, labels: &Labels) -> Option<String> {
        self.config.matchers.unmet(labels).or_else(|| self.own_matchers()?.unmet(labels))
    }

    /// Those of its manifest, or what takes their place; none while it is not loaded.
    fn own_matchers(&self) -> Option<&Matchers> {
        let of_manifest = self.program.as_ref().ok().map(|program| &program.manifest().matchers);
        self.config.instead_of_manifest.as_ref().or(of_manifest)
    }

    /// Whether the operator trusts an alert.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn trusts(&self, alert: &Alert) -> Result<(), String> {
        let Some(trust) = &self.config.trust else { return Ok(()) };
        let value = serde_json::to_value(alert).map_err(|error| error.to_string())?;
        match trust.test(&[("alert", &value)]) {
            Ok(true) => Ok(()),
            Ok(false) => Err(format!("`trust` does not hold: {}", trust.source())),
            Err(error) => Err(format!("`trust` can't be evaluated, so it does not hold: {error}")),
        }
    }
}

fn unusable(grants: &[Grant]) -> Vec<String> {
    let of = |(index, grant): (usize, &Grant)| {
        let sentences = grant.unusable().into_iter().chain(grant.unnamed());
        sentences.map(move |sentence| format!("grants[{index}]: {sentence}")).collect::<Vec<_>>()
    };
    grants.iter().enumerate().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_an_hour() {
        let retry = Retry::default();
        let pauses: Vec<_> = [1, 2, 3, 10, 99].map(|attempts| retry.pause(attempts).as_secs()).to_vec();
        assert_eq!(pauses, [60, 120, 240, 3600, 3600]);
    }
}
