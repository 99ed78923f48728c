//! The rules that Prometheus has loaded.

use serde::Deserialize;
use suture_core::Labels;

use super::alerts::or_null;

/// A rule that makes alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertingRule {
    /// The name of its alerts.
    pub name: String,
    /// Its expression.
    pub query: String,
    /// The labels that it adds; they may be templates.
    #[serde(default)]
    pub labels: Labels,
    /// `ok`, `err` or `unknown`.
    #[serde(default)]
    pub health: String,
    /// Why it could not be evaluated the last time; may be empty.
    #[serde(default)]
    pub last_error: String,
    /// Its alerts that are pending or firing.
    #[serde(default, deserialize_with = "or_null")]
    pub alerts: Vec<RuleAlert>,
}

/// An alert of a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct RuleAlert {
    /// Its labels.
    pub labels: Labels,
}

/// The `data` of the list of rules.
#[derive(Debug, Deserialize)]
pub(super) struct RuleList {
    #[serde(deserialize_with = "or_null")]
    groups: Vec<Group>,
}

#[derive(Debug, Deserialize)]
struct Group {
    #[serde(deserialize_with = "or_null")]
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Rule {
    Alerting(AlertingRule),
    #[serde(other)]
    Other,
}

impl RuleList {
    pub fn alerting(self) -> Vec<AlertingRule> {
        let rules = self.groups.into_iter().flat_map(|group| group.rules);
        let alerting = rules.filter_map(|rule| match rule {
            Rule::Alerting(rule) => Some(rule),
            Rule::Other => None,
        });
        alerting.collect()
    }
}
