//! SnapshotSchedules: when a policy's backups run by themselves.

use serde::Deserialize;
use suture_policy::kube::{self, Condition, Metadata};
use suture_policy::{Duration, Labels, Result, Time};

use crate::history::condition;
use crate::policy::SnapshotPolicy;
use crate::reference::Named;
use crate::snapshot;
use suture_policy::lenient::{or_default, readable_items, time};

/// How far a slot may lie in the past before the operator must have missed it.
const LATE: Duration = Duration::minutes(15);

/// A SnapshotSchedule.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SnapshotSchedule {
    pub metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    spec: Spec,
    #[serde(deserialize_with = "or_default")]
    status: Status,
}

suture_policy::resource!("kopiur.home-operations.com/v1alpha1", SnapshotSchedule);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    #[serde(deserialize_with = "or_default")]
    policy_ref: Option<Named>,
    #[serde(deserialize_with = "or_default")]
    policy_selector: Option<Selector>,
    #[serde(deserialize_with = "or_default")]
    schedule: Timetable,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Timetable {
    #[serde(deserialize_with = "or_default")]
    suspend: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    #[serde(deserialize_with = "or_default")]
    next_schedule: Slot,
    #[serde(deserialize_with = "readable_items")]
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Slot {
    #[serde(deserialize_with = "time")]
    at: Option<Time>,
}

/// Selects policies by their labels, as Kubernetes does.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Selector {
    #[serde(deserialize_with = "or_default")]
    match_labels: Labels,
    #[serde(deserialize_with = "readable_items")]
    match_expressions: Vec<Requirement>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Requirement {
    #[serde(deserialize_with = "or_default")]
    key: String,
    #[serde(deserialize_with = "or_default")]
    operator: String,
    #[serde(deserialize_with = "or_default")]
    values: Vec<String>,
}

impl Selector {
    fn selects(&self, labels: &Labels) -> bool {
        let is_met = |requirement: &Requirement| {
            let value = labels.get(&requirement.key);
            let is_listed = value.is_some_and(|value| requirement.values.contains(value));
            match requirement.operator.as_str() {
                "In" => is_listed,
                "NotIn" => !is_listed,
                "Exists" => value.is_some(),
                "DoesNotExist" => value.is_none(),
                _ => false,
            }
        };
        self.match_labels.iter().all(|(name, value)| labels.get(name) == Some(value))
            && self.match_expressions.iter().all(is_met)
    }
}

/// The schedules of a policy.
#[derive(Debug)]
pub struct Schedules(Vec<SnapshotSchedule>);

impl Schedules {
    /// Those in its namespace; others can't be known of.
    pub fn of(policy: &SnapshotPolicy) -> Result<Self> {
        let Metadata { namespace, name, labels, .. } = &policy.metadata;
        let home = namespace.as_deref().unwrap_or_default();
        let all = kube::list::<SnapshotSchedule>().in_namespace(home).read()?;
        let is_for =
            |schedule: &SnapshotSchedule| match (&schedule.spec.policy_ref, &schedule.spec.policy_selector) {
                (Some(named), _) => named.is(home, name, home),
                (None, Some(selector)) => selector.selects(labels),
                (None, None) => false,
            };
        let own = all.into_iter().filter(|schedule| !schedule.metadata.is_terminating() && is_for(schedule));
        Ok(Self(own.collect()))
    }

    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// The schedules that were paused, where all of them were.
    pub fn paused(&self) -> Option<String> {
        let is_paused = !self.0.is_empty() && self.0.iter().all(|schedule| schedule.spec.schedule.suspend);
        is_paused.then(|| self.0.iter().map(|one| one.metadata.name.as_str()).collect::<Vec<_>>().join(", "))
    }

    /// Why no further run comes of them by itself, if one of them says so.
    pub fn stuck(&self, now: Time) -> Option<String> {
        self.at_work().find_map(|schedule| {
            let name = &schedule.metadata.name;
            let conditions = &schedule.status.conditions;
            let blocked = condition(conditions, "ScheduleRunnable", "False");
            let capped = condition(conditions, "FanoutCapped", "True");
            if let Some(blocked) = blocked.or(capped) {
                return Some(format!("SnapshotSchedule {name}: {}", snapshot::told(blocked)));
            }
            let missed = schedule.status.next_schedule.at.filter(|at| now.since(*at) > LATE)?;
            Some(format!(
                "SnapshotSchedule {name} was due at {missed} and nothing came of it: look whether Kopiur's operator runs"
            ))
        })
    }

    /// The next run that comes by itself, and of which schedule.
    pub fn next(&self, now: Time) -> Option<(Time, &str)> {
        let slots =
            self.at_work().filter_map(|one| Some((one.status.next_schedule.at?, one.metadata.name.as_str())));
        slots.filter(|(at, _)| *at + LATE > now).min()
    }

    fn at_work(&self) -> impl Iterator<Item = &SnapshotSchedule> {
        self.0.iter().filter(|schedule| !schedule.spec.schedule.suspend)
    }
}

#[cfg(test)]
mod tests {
    use suture_policy::json;

    use super::*;

    #[test]
    fn a_selector_selects_as_kubernetes_does() {
        let labels = Labels::from([("tier".to_owned(), "gold".to_owned())]);
        let selects = |selector: suture_policy::Value| {
            serde_json::from_value::<Selector>(selector).unwrap().selects(&labels)
        };
        assert!(selects(json!({})) && selects(json!({"matchLabels": {"tier": "gold"}})));
        assert!(!selects(json!({"matchLabels": {"tier": "tin"}})));
        let by = |operator: &str| json!({"matchExpressions": [{"key": "tier", "operator": operator, "values": ["tin"]}]});
        assert!(selects(by("NotIn")) && selects(by("Exists")));
        assert!(!selects(by("In")) && !selects(by("DoesNotExist")) && !selects(by("Like")));
    }
}
