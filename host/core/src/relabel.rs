//! What becomes of an alert's labels on the way from Prometheus to Alertmanager: external
//! labels are added, then `alert_relabel_configs` are applied. Prometheus's own list of
//! alerts (`/api/v1/alerts`) shows them as they were before.
//! <https://prometheus.io/docs/prometheus/latest/configuration/configuration/#relabel_config>

use std::collections::BTreeSet;

use regex::Regex;
use serde::Deserialize;

use crate::{Labels, pattern};

/// The most rules that are followed.
const MAX_RULES: usize = 1000;
/// The most bytes that the labels of an alert may have on the way.
const MAX_BYTES: usize = 64 << 10;
/// The longest text of a rule, in bytes.
const MAX_TEXT: usize = 1024;

/// What Prometheus does to the labels of the alerts that it sends.
#[derive(Clone, Debug, Default)]
pub struct AlertRelabeling {
    /// `global.external_labels`.
    pub external_labels: Labels,
    /// `alerting.alert_relabel_configs`, in order.
    pub rules: Vec<RelabelRule>,
    /// Labels that tell nothing: neither side need have them, or have them alike.
    pub ignored: BTreeSet<String>,
}

impl From<Labels> for AlertRelabeling {
    fn from(external_labels: Labels) -> Self {
        Self { external_labels, ..Self::default() }
    }
}

impl AlertRelabeling {
    /// The labels as Alertmanager gets them; none where the alert is dropped on the way.
    pub fn as_sent(&self, labels: &Labels) -> Option<Labels> {
        let mut sent = self.external_labels.clone();
        sent.extend(labels.clone());
        for rule in &self.rules {
            rule.apply(&mut sent)?;
            // A rule can make a value twice as long; no alert is that large.
            let size: usize = sent.iter().map(|(name, value)| name.len() + value.len()).sum();
            if size > MAX_BYTES {
                return None;
            }
        }
        sent.retain(|_, value| !value.is_empty());
        Some(sent)
    }
}

/// One of `alert_relabel_configs`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Written")]
pub struct RelabelRule {
    source_labels: Vec<String>,
    separator: String,
    regex: Regex,
    target_label: String,
    replacement: String,
    action: Action,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Replace,
    Keep,
    Drop,
    KeepEqual,
    DropEqual,
    LabelMap,
    LabelDrop,
    LabelKeep,
    Lowercase,
    Uppercase,
}

/// A rule as it is written. Actions are matched without case, as Prometheus does.
#[derive(Deserialize)]
#[serde(default)]
struct Written {
    source_labels: Vec<String>,
    separator: String,
    regex: String,
    target_label: String,
    replacement: String,
    action: String,
}

impl Default for Written {
    fn default() -> Self {
        Self {
            source_labels: Vec::new(),
            separator: ";".to_owned(),
            regex: "(.*)".to_owned(),
            target_label: String::new(),
            replacement: "$1".to_owned(),
            action: "replace".to_owned(),
        }
    }
}

impl TryFrom<Written> for RelabelRule {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { source_labels, separator, regex, target_label, replacement, action } = written;
        for text in [&separator, &target_label, &replacement] {
            if text.len() > MAX_TEXT {
                return Err(format!("a relabeling has a text of {} bytes, more than {MAX_TEXT}", text.len()));
            }
        }
        let name = serde_json::Value::from(action.to_lowercase());
        let action = serde_json::from_value(name).map_err(|_| {
            format!("a relabeling with `action: {}` can't be followed", crate::names::shortened(&action))
        })?;
        let regex = pattern::regex(&format!("^(?s:{regex})$"))?;
        Ok(Self { source_labels, separator, regex, target_label, replacement, action })
    }
}

impl RelabelRule {
    /// Read a list of rules.
    ///
    /// # Errors
    /// Where there are too many.
    pub fn checked(rules: Vec<Self>) -> Result<Vec<Self>, String> {
        if rules.len() > MAX_RULES {
            return Err(format!("{} relabelings are more than {MAX_RULES}", rules.len()));
        }
        Ok(rules)
    }

    /// Apply the rule; none where it drops the alert.
    fn apply(&self, labels: &mut Labels) -> Option<()> {
        let get = |labels: &Labels, name: &String| labels.get(name).cloned().unwrap_or_default();
        let values: Vec<String> = self.source_labels.iter().map(|name| get(labels, name)).collect();
        let value = values.join(&self.separator);
        let stays = match self.action {
            Action::Keep => self.regex.is_match(&value),
            Action::Drop => !self.regex.is_match(&value),
            Action::KeepEqual => get(labels, &self.target_label) == value,
            Action::DropEqual => get(labels, &self.target_label) != value,
            Action::Replace => {
                self.replace(labels, &value);
                true
            }
            Action::Lowercase => {
                labels.insert(self.target_label.clone(), value.to_lowercase());
                true
            }
            Action::Uppercase => {
                labels.insert(self.target_label.clone(), value.to_uppercase());
                true
            }
            Action::LabelMap => {
                let mapped: Vec<(String, String)> = labels
                    .iter()
                    .filter(|(name, _)| self.regex.is_match(name))
                    .map(|(name, value)| {
                        (self.regex.replace(name, self.replacement.as_str()).into_owned(), value.clone())
                    })
                    .collect();
                labels.extend(mapped);
                true
            }
            Action::LabelDrop => {
                labels.retain(|name, _| !self.regex.is_match(name));
                true
            }
            Action::LabelKeep => {
                labels.retain(|name, _| self.regex.is_match(name));
                true
            }
        };
        stays.then_some(())
    }

    fn replace(&self, labels: &mut Labels, value: &str) {
        let Some(captures) = self.regex.captures(value) else { return };
        let expand = |template: &str| {
            let mut text = String::new();
            captures.expand(template, &mut text);
            text
        };
        let (target, replacement) = (expand(&self.target_label), expand(&self.replacement));
        if target.is_empty() {
            return;
        }
        // An empty value is none.
        match replacement.is_empty() {
            true => _ = labels.remove(&target),
            false => _ = labels.insert(target, replacement),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn sent(external: &[(&str, &str)], rules: serde_json::Value, own: &[(&str, &str)]) -> Option<Labels> {
        let rules = serde_json::from_value(rules).unwrap();
        AlertRelabeling { rules, ..labels(external).into() }.as_sent(&labels(own))
    }

    #[test]
    fn an_alert_is_sent_with_external_labels_that_it_has_not_itself() {
        let all =
            sent(&[("cluster", "home"), ("job", "x")], json!([]), &[("alertname", "A"), ("job", "own")]);
        assert_eq!(all, Some(labels(&[("alertname", "A"), ("cluster", "home"), ("job", "own")])));
    }

    #[test]
    fn each_action_does_what_prometheus_does() {
        let own = &[("alertname", "A"), ("dc", "europe1"), ("instance", "10.0.0.1:80")];
        for (rule, expected) in [
            (
                json!({"regex": "instance", "action": "labeldrop"}),
                Some(&[("alertname", "A"), ("dc", "europe1")][..]),
            ),
            (
                json!({"source_labels": ["dc"], "regex": "(.+)[0-9]+", "target_label": "dc", "replacement": "$1"}),
                Some(&[("alertname", "A"), ("dc", "europe"), ("instance", "10.0.0.1:80")]),
            ),
            (json!({"source_labels": ["dc"], "regex": "europe1", "action": "drop"}), None),
            (json!({"source_labels": ["dc"], "regex": "europe", "action": "Keep"}), None),
            (
                json!({"regex": "alertname|dc", "action": "labelkeep"}),
                Some(&[("alertname", "A"), ("dc", "europe1")]),
            ),
            (
                json!({"regex": "(dc|instance)", "replacement": "", "target_label": "$1", "source_labels": ["none"]}),
                Some(own),
            ),
            (
                json!({"target_label": "instance", "replacement": ""}),
                Some(&[("alertname", "A"), ("dc", "europe1")]),
            ),
            (
                json!({"source_labels": ["alertname", "dc"], "target_label": "both"}),
                Some(&[
                    ("alertname", "A"),
                    ("both", "A;europe1"),
                    ("dc", "europe1"),
                    ("instance", "10.0.0.1:80"),
                ]),
            ),
            (
                json!({"source_labels": ["dc"], "target_label": "dc", "action": "uppercase"}),
                Some(&[("alertname", "A"), ("dc", "EUROPE1"), ("instance", "10.0.0.1:80")]),
            ),
            (
                json!({"regex": "d(.)", "replacement": "x$1", "action": "labelmap"}),
                Some(&[
                    ("alertname", "A"),
                    ("dc", "europe1"),
                    ("instance", "10.0.0.1:80"),
                    ("xc", "europe1"),
                ]),
            ),
        ] {
            assert_eq!(sent(&[], json!([rule.clone()]), own), expected.map(labels), "{rule}");
        }
    }

    #[test]
    fn labels_that_grow_with_each_rule_come_to_an_end() {
        let twice = json!({"source_labels": ["a", "a"], "target_label": "a"});
        let rules = serde_json::Value::from(vec![twice; 60]);
        assert_eq!(sent(&[], rules, &[("alertname", "A"), ("a", "grows")]), None);
    }

    #[test]
    fn a_rule_that_can_not_be_followed_is_an_error() {
        for rule in
            [json!({"action": "hashmod", "modulus": 2}), json!({"regex": "("}), json!({"action": "x"})]
        {
            assert!(serde_json::from_value::<RelabelRule>(rule).is_err());
        }
        let rule: RelabelRule = serde_json::from_value(json!({})).unwrap();
        assert!(RelabelRule::checked(vec![rule; MAX_RULES + 1]).is_err());
    }
}
