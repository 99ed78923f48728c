//! The admission policy that makes the API server the judge of who decides, and its binding.

use std::time::Duration;

use serde_json::Value;
use suture_core::Timestamp;
use suture_core::clock::later;

/// What both are called.
pub(super) const NAME: &str = "approvals.suture.dev";

/// For how long after it was written the API server may not hold to it yet: each of its replicas
/// has its own copy.
const SETTLING: Duration = Duration::from_secs(10);

/// An object as it is shipped.
pub(super) struct Shipped {
    pub kind: &'static str,
    yaml: &'static str,
}

/// Both, as the chart installs them.
pub(super) const SHIPPED: [Shipped; 2] = [
    Shipped {
        kind: "ValidatingAdmissionPolicy",
        yaml: include_str!("../../../../deploy/helm/suture/files/approvals/policy.yaml"),
    },
    Shipped {
        kind: "ValidatingAdmissionPolicyBinding",
        yaml: include_str!("../../../../deploy/helm/suture/files/approvals/binding.yaml"),
    },
];

/// Whether an Approval that was made then went past the policy that is in force since.
pub(super) fn was_guarded(since: Timestamp, made_at: Timestamp) -> bool {
    made_at > later(since, SETTLING)
}

impl Shipped {
    /// That it is not there.
    pub fn missing(&self) -> String {
        format!(
            "the {} `{NAME}` is not in the cluster, so anybody could have made this Approval; install it as it is shipped",
            self.kind
        )
    }

    /// Since when it is in the cluster as it is shipped.
    ///
    /// # Errors
    /// In what it differs.
    pub fn in_force_since(&self, object: &Value) -> Result<Timestamp, String> {
        let differs = |what: &str| {
            format!("the {} `{NAME}` {what}, so no Approval counts; install it as it is shipped", self.kind)
        };
        if object.pointer("/metadata/deletionTimestamp").is_some() {
            return Err(differs("is being deleted"));
        }
        let shipped: Value =
            serde_saphyr::from_str(self.yaml).map_err(|error| differs(&format!("can't be read: {error}")))?;
        if without_defaults(&object["spec"]) != shipped["spec"] {
            return Err(differs("is not what is shipped"));
        }
        last_written(object).ok_or_else(|| differs("does not say since when it is what it is"))
    }
}

/// A spec without what the API server fills in and what says nothing.
fn without_defaults(spec: &Value) -> Value {
    let mut spec = spec.clone();
    for place in ["matchConstraints", "matchResources"] {
        let Some(constraints) = spec.get_mut(place).and_then(Value::as_object_mut) else { continue };
        for selector in ["namespaceSelector", "objectSelector"] {
            if constraints
                .get(selector)
                .is_some_and(|selector| selector.as_object().is_some_and(|it| it.is_empty()))
            {
                constraints.remove(selector);
            }
        }
    }
    spec
}

/// When it was made or its spec was written last, whichever is later.
fn last_written(object: &Value) -> Option<Timestamp> {
    let time = |value: &Value| value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    let made = time(&object["metadata"]["creationTimestamp"])?;
    let writes = object["metadata"]["managedFields"].as_array();
    let is_first = object["metadata"]["generation"].as_u64().is_none_or(|generation| generation <= 1);
    // Somebody who takes that out could have written it in between.
    if !is_first && writes.is_none_or(Vec::is_empty) {
        return None;
    }
    let of_spec = writes.into_iter().flatten().filter(|write| write["subresource"] != "status");
    of_spec.filter_map(|write| time(&write["time"])).chain([made]).max()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn installed(shipped: &Shipped) -> Value {
        let mut object: Value = serde_saphyr::from_str(shipped.yaml).unwrap();
        object["metadata"]["creationTimestamp"] = json!("2026-11-29T03:00:00Z");
        object["metadata"]["generation"] = json!(1);
        if shipped.kind == "ValidatingAdmissionPolicy" {
            object["spec"]["matchConstraints"]["namespaceSelector"] = json!({});
            object["spec"]["matchConstraints"]["objectSelector"] = json!({});
        }
        object
    }

    #[test]
    fn what_is_shipped_is_in_force_from_when_it_was_written_last() {
        for shipped in SHIPPED {
            let mut object = installed(&shipped);
            let since = shipped.in_force_since(&object).unwrap();
            assert_eq!(since.to_string(), "2026-11-29T03:00:00Z");
            object["metadata"]["generation"] = json!(3);
            assert!(shipped.in_force_since(&object).unwrap_err().contains("since when"));
            object["metadata"]["managedFields"] = json!([
                {"manager": "helm", "time": "2026-11-29T04:00:00Z"},
                {"manager": "kube-apiserver", "time": "2026-11-29T09:00:00Z", "subresource": "status"},
            ]);
            assert_eq!(shipped.in_force_since(&object).unwrap().to_string(), "2026-11-29T04:00:00Z");
        }
    }

    #[test]
    fn a_policy_that_was_weakened_guards_nothing() {
        let [policy, binding] = SHIPPED;
        type Change = fn(&mut Value);
        let weaker: [Change; 6] = [
            |spec| spec["validations"][0]["expression"] = json!("true"),
            |spec| spec["validations"] = json!([]),
            |spec| spec["failurePolicy"] = json!("Ignore"),
            |spec| spec["matchConditions"] = json!([{"name": "never", "expression": "false"}]),
            |spec| spec["matchConstraints"]["objectSelector"] = json!({"matchLabels": {"a": "b"}}),
            |spec| spec["matchConstraints"]["excludeResourceRules"] = json!([{"resources": ["*"]}]),
        ];
        for change in weaker {
            let mut object = installed(&policy);
            change(&mut object["spec"]);
            assert!(
                policy.in_force_since(&object).unwrap_err().contains("is not what is shipped"),
                "{object}"
            );
        }
        let weaker: [Change; 3] = [
            |spec| spec["validationActions"] = json!(["Audit"]),
            |spec| spec["matchResources"] = json!({"namespaceSelector": {"matchLabels": {"a": "b"}}}),
            |spec| spec["policyName"] = json!("another"),
        ];
        for change in weaker {
            let mut object = installed(&binding);
            change(&mut object["spec"]);
            assert!(binding.in_force_since(&object).is_err(), "{object}");
        }
        let mut object = installed(&policy);
        object["metadata"]["deletionTimestamp"] = json!("2026-11-29T04:00:00Z");
        assert!(policy.in_force_since(&object).unwrap_err().contains("is being deleted"));
    }

    #[test]
    fn what_was_made_before_the_policy_held_does_not_count() {
        let since: Timestamp = "2026-11-29T03:00:00Z".parse().unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert!(!was_guarded(since, at("2026-11-29T02:59:00Z")));
        assert!(!was_guarded(since, at("2026-11-29T03:00:05Z")));
        assert!(was_guarded(since, at("2026-11-29T03:00:11Z")));
    }
}
