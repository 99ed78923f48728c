//! Disruption budgets, as the API server's eviction judges them.

use serde::Deserialize;
use suture_policy::kube::{self, Metadata};
use suture_policy::{Labels, Result, resource};

use crate::pod::Pod;

/// So many at a time.
const PAGE: u32 = 100;

/// A disruption budget.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodDisruptionBudget {
    pub metadata: Metadata,
    spec: Spec,
    status: Status,
}

resource!("policy/v1", PodDisruptionBudget);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    selector: Option<Selector>,
    unhealthy_pod_eviction_policy: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    current_healthy: i64,
    desired_healthy: i64,
    disruptions_allowed: i64,
}

/// A label selector.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Selector {
    match_labels: Labels,
    match_expressions: Vec<Requirement>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Requirement {
    key: String,
    operator: String,
    values: Vec<String>,
}

/// Why a pod that is not ready may not be evicted now, if it may not.
pub fn refusal(pod: &Pod) -> Result<Option<String>> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let budgets = kube::list::<PodDisruptionBudget>().in_namespace(namespace).pages_of(PAGE).read()?;
    let own: Vec<_> = budgets.iter().filter(|budget| budget.covers(&pod.metadata.labels)).collect();
    Ok(match own.as_slice() {
        [] => None,
        [budget] => budget.refusal(pod),
        several => {
            let names: Vec<_> = several.iter().map(|budget| budget.metadata.name.as_str()).collect();
            Some(format!("more than one disruption budget covers it ({})", names.join(", ")))
        }
    })
}

impl PodDisruptionBudget {
    fn covers(&self, labels: &Labels) -> bool {
        self.spec.selector.as_ref().is_some_and(|selector| selector.selects(labels))
    }

    /// A pod that is pending is none that serves; one that runs and is not ready may go where its
    /// application is not disrupted, or where its budget says that it always may.
    fn refusal(&self, pod: &Pod) -> Option<String> {
        let Status { current_healthy, desired_healthy, disruptions_allowed } = self.status;
        let may = pod.status.phase == "Pending"
            || self.spec.unhealthy_pod_eviction_policy == "AlwaysAllow"
            || (desired_healthy > 0 && current_healthy >= desired_healthy)
            || disruptions_allowed > 0;
        (!may).then(|| {
            format!(
                "its disruption budget {} allows none ({current_healthy} healthy, {desired_healthy} wanted)",
                self.metadata.name
            )
        })
    }
}

impl Selector {
    /// Whether it selects what has these labels. What it does not know selects: a budget that is
    /// not understood holds.
    fn selects(&self, labels: &Labels) -> bool {
        let has = |name: &String, value: &String| labels.get(name) == Some(value);
        let holds = |requirement: &Requirement| {
            let Requirement { key, operator, values } = requirement;
            let value = labels.get(key);
            match operator.as_str() {
                "In" => value.is_some_and(|value| values.contains(value)),
                "NotIn" => value.is_none_or(|value| !values.contains(value)),
                "Exists" => value.is_some(),
                "DoesNotExist" => value.is_none(),
                _ => true,
            }
        };
        self.match_labels.iter().all(|(name, value)| has(name, value))
            && self.match_expressions.iter().all(holds)
    }
}

#[cfg(test)]
mod tests {
    use suture_policy::json;

    use super::*;

    #[test]
    fn a_selector_selects_by_labels_and_expressions() {
        let labels = Labels::from([("app".to_owned(), "web".to_owned())]);
        let selects = |selector: suture_policy::Value| {
            serde_json::from_value::<Selector>(selector).unwrap().selects(&labels)
        };
        assert!(selects(json!({})) && selects(json!({"matchLabels": {"app": "web"}})));
        assert!(!selects(json!({"matchLabels": {"app": "db"}})));
        let expression = |operator: &str, values: &[&str]| json!({"matchExpressions": [{"key": "app", "operator": operator, "values": values}]});
        assert!(selects(expression("In", &["web"])) && selects(expression("Exists", &[])));
        assert!(!selects(expression("NotIn", &["web"])) && !selects(expression("DoesNotExist", &[])));
        assert!(selects(expression("Unheard", &[])));
    }
}
