//! Incidents and runs as lists show them: with what they are about.

use serde::{Deserialize, Serialize};
use suture_core::Labels;

use crate::page::Filter;
use crate::record::{IncidentRecord, IncidentState, RunRecord, RunState};

/// The object that an alert is about, as far as its labels tell. Whoever wrote the rule chose
/// them, so this is to be shown, and nothing to decide by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Subject {
    /// Its namespace.
    pub namespace: Option<String>,
    /// Its name; where no label of the key is one, all of the key that is no namespace.
    pub object: Option<String>,
}

impl Subject {
    /// What the key of an incident names, and of its alert the namespace where the key has none.
    pub fn of(key: &Labels, alert: &Labels) -> Self {
        let named = |labels: &Labels, what: &str| {
            let suffix = format!("_{what}");
            // `obj_namespace` says more than `namespace`, which can be that of the exporter.
            let prefixed = labels.iter().find(|(name, _)| name.ends_with(&suffix));
            prefixed.map(|(_, value)| value).or_else(|| labels.get(what)).cloned()
        };
        let is_namespace = |name: &str| name == "namespace" || name.ends_with("_namespace");
        let rest = || {
            let rest = key.iter().filter(|(name, _)| !is_namespace(name));
            let rest: Vec<_> = rest.map(|(name, value)| format!("{name}={value}")).collect();
            (!rest.is_empty()).then(|| rest.join(","))
        };
        Self {
            namespace: named(key, "namespace").or_else(|| named(alert, "namespace")),
            object: match key.iter().filter(|(name, _)| !is_namespace(name)).collect::<Vec<_>>()[..] {
                [(_, value)] => Some(value.clone()),
                _ => named(key, "name").or_else(rest),
            },
        }
    }
}

/// An incident in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListedIncident {
    /// The incident, as it is stored.
    #[serde(flatten)]
    pub incident: IncidentRecord,
    /// What it is about.
    #[serde(flatten)]
    pub subject: Subject,
    /// What its last run came to, once that has ended.
    pub outcome: Option<String>,
}

/// A run in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListedRun {
    /// The run, as it is stored.
    #[serde(flatten)]
    pub run: RunRecord,
    /// The key of its incident; none where that has left the journal.
    pub key: Option<Labels>,
    /// What it is about.
    #[serde(flatten)]
    pub subject: Subject,
}

impl ListedIncident {
    /// An incident, and what its last run came to.
    pub fn new(incident: IncidentRecord, outcome: Option<String>) -> Self {
        let subject = Subject::of(&incident.key, &incident.alert.labels);
        Self { incident, subject, outcome }
    }

    pub(crate) fn is_wanted(&self, filter: &Filter) -> bool {
        is_wanted(filter, &self.subject, self.outcome.as_deref())
    }
}

impl ListedRun {
    /// A run, and its incident: that one knows whether it waits.
    pub fn new(mut run: RunRecord, incident: Option<IncidentRecord>) -> Self {
        let Some(incident) = incident else {
            return Self { run, key: None, subject: Subject::default() };
        };
        let is_last = incident.runs.last() == Some(&run.id);
        if is_last && run.state == RunState::Running && incident.state == IncidentState::Waiting {
            run.state = RunState::Waiting;
        }
        let subject = Subject::of(&incident.key, &incident.alert.labels);
        Self { run, key: Some(incident.key), subject }
    }

    pub(crate) fn is_wanted(&self, filter: &Filter) -> bool {
        let state = self.run.state.as_str();
        filter.state.as_deref().is_none_or(|wanted| wanted == state)
            && is_wanted(filter, &self.subject, self.run.outcome.as_deref())
    }
}

fn is_wanted(filter: &Filter, subject: &Subject, outcome: Option<&str>) -> bool {
    let fits = |wanted: &Option<String>, given: Option<&str>| {
        wanted.as_deref().is_none_or(|wanted| given == Some(wanted))
    };
    fits(&filter.namespace, subject.namespace.as_deref()) && fits(&filter.outcome, outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &[(&str, &str)]) -> Labels {
        text.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn an_object_is_told_by_the_labels_of_the_key() {
        let of = |key: &[(&str, &str)], alert: &[(&str, &str)]| {
            let Subject { namespace, object } = Subject::of(&labels(key), &labels(alert));
            (namespace.unwrap_or_default(), object.unwrap_or_default())
        };
        let is = |namespace: &str, object: &str| (namespace.to_owned(), object.to_owned());
        let exporter = [("namespace", "volsync-system")];
        assert_eq!(of(&[("obj_namespace", "media"), ("obj_name", "plex")], &exporter), is("media", "plex"));
        assert_eq!(of(&[("namespace", "media"), ("cronjob", "fix")], &[]), is("media", "fix"));
        assert_eq!(of(&[("pvc", "data")], &[("namespace", "home")]), is("home", "data"));
        assert_eq!(of(&[("host", "a"), ("disk", "sda")], &[]), is("", "disk=sda,host=a"));
        assert_eq!(of(&[], &[]), is("", ""));
    }
}
