//! Which CronJob is run.

use std::fmt;

use serde::Deserialize;
use suture_policy::Incident;
use suture_policy::kube::{CronJob, Ref};
use suture_policy::stop::{Stop, escalate, unnecessary};

use crate::manifest::{Settings, WhenSuspended};

/// Which CronJob, as the settings say it: of each pair, one is there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Chosen {
    pub namespace: Option<String>,
    pub namespace_label: Option<String>,
    pub name: Option<String>,
    pub name_label: Option<String>,
}

/// Which CronJob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub namespace: String,
    pub name: String,
}

impl Target {
    /// What is chosen for an alert.
    pub fn of(incident: &Incident, chosen: &Chosen) -> Result<Self, Stop> {
        let Chosen { namespace, namespace_label, name, name_label } = chosen;
        let namespace = part(incident, "namespace", namespace.as_deref(), namespace_label.as_deref())?;
        let name = part(incident, "name", name.as_deref(), name_label.as_deref())?;
        if namespace.contains('.') || namespace.len() > 63 {
            return escalate(format!("`{}` is no namespace; nothing was started", shown(&namespace)));
        }
        Ok(Self { namespace, name })
    }

    /// The CronJob, if it is one to run.
    pub fn find(&self, settings: &Settings) -> Result<CronJob, Stop> {
        let Some(cron_job) = Ref::<CronJob>::new(&self.namespace, &self.name).find()? else {
            return escalate(format!("there is no CronJob {self}; nothing was started"));
        };
        if cron_job.metadata.is_terminating() {
            return escalate(format!("CronJob {self} is being deleted; nothing was started"));
        }
        if cron_job.spec.suspend && settings.when_suspended == WhenSuspended::Leave {
            return unnecessary(format!("CronJob {self} is suspended, and `whenSuspended` is `leave`"));
        }
        Ok(cron_job)
    }
}

/// What the settings fix, or what a label of the alert says. Whoever can write a rule
/// chooses labels: they must be names, and nothing else.
fn part(incident: &Incident, what: &str, fixed: Option<&str>, label: Option<&str>) -> Result<String, Stop> {
    if let Some(fixed) = fixed {
        return Ok(fixed.to_owned());
    }
    let label = label.unwrap_or_default();
    let Some(value) = incident.label(label).filter(|value| !value.is_empty()) else {
        return escalate(format!(
            "the alert has no label `{label}`, which says the CronJob's {what} (`cronJob.{what}Label`); nothing was \
             started"
        ));
    };
    if !is_name(value) {
        return escalate(format!(
            "the alert's label `{label}` says the CronJob's {what}, and `{}` is not the name of a Kubernetes object; \
             nothing was started",
            shown(value)
        ));
    }
    Ok(value.to_owned())
}

/// Whether it is a DNS subdomain (RFC 1123), as names of objects are.
fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let part = |part: &str| {
        part.bytes().all(|byte| fits(byte) || byte == b'-')
            && part.bytes().next().is_some_and(fits)
            && part.bytes().last().is_some_and(fits)
    };
    text.len() <= 253 && text.split('.').all(part)
}

/// Somebody else's text, short and harmless enough for a sentence.
pub fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    if text.chars().nth(80).is_some() {
        shown.push('…');
    }
    shown
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_names_and_nothing_that_leads_elsewhere() {
        for name in ["heal", "heal.nightly", "a-1", "0"] {
            assert!(is_name(name), "{name}");
        }
        for name in
            ["", ".", "..", "a/b", "../x", "A", "a b", "-a", "a-", "a..b", "a%2fb", "ä", &"a".repeat(254)]
        {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn what_others_wrote_is_shown_short_and_without_control_characters() {
        assert_eq!(shown("a\n\u{1b}[31mb"), "a\\n\\u{1b}[31mb");
        assert_eq!(shown(&"x".repeat(100)).chars().count(), 81);
    }
}
