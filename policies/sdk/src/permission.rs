//! What a policy asks to be allowed.

use serde_json::Value;

use crate::wit::types;

/// A request for rights, with its reason. The policy may do what is requested and granted.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Permission(pub(crate) types::Permission);

impl Permission {
    /// Verbs (`get`, `list`, `create`, `patch`, `delete`) on resources of one API group (the
    /// core group is the empty text), and why, for the operator who decides.
    pub fn resources<const R: usize, const V: usize>(
        group: &str,
        resources: [&str; R],
        verbs: [&str; V],
        reason: &str,
    ) -> Self {
        Self(types::Permission {
            groups: vec![group.to_owned()],
            resources: resources.map(str::to_owned).to_vec(),
            verbs: verbs.map(str::to_owned).to_vec(),
            ..because(reason)
        })
    }

    /// The metrics that the policy's queries select, by name (`*` stands for any characters,
    /// `?` for one), and why. `ALERTS` lets it see alerts of other incidents than its own.
    pub fn metrics<const M: usize>(names: [&str; M], reason: &str) -> Self {
        Self(types::Permission { metrics: names.map(str::to_owned).to_vec(), ..because(reason) })
    }

    /// Only where a setting has a value: `.when("unlock", "job")`; dots lead into a setting
    /// (`unlockJob.retry`). Said more than once, all must hold. Under other settings the
    /// operator is not asked for it, and it is denied.
    pub fn when(mut self, setting: &str, value: impl Into<Value>) -> Self {
        let value = match value.into() {
            Value::String(text) => text,
            other => other.to_string(),
        };
        self.0.when.push(format!("{setting}={value}"));
        self
    }
}

fn because(reason: &str) -> types::Permission {
    types::Permission {
        groups: Vec::new(),
        resources: Vec::new(),
        verbs: Vec::new(),
        metrics: Vec::new(),
        when: Vec::new(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_says_under_which_settings_it_is_asked_for() {
        let Permission(asked) = Permission::resources("batch", ["jobs"], ["create"], "to run it")
            .when("unlock", "job")
            .when("deep.er", true);
        assert_eq!(asked.when, ["unlock=job", "deep.er=true"]);
        assert!(asked.metrics.is_empty());
        let Permission(asked) = Permission::metrics(["up"], "to see whether it is there");
        assert_eq!((asked.metrics.as_slice(), asked.verbs.len()), (&["up".to_owned()][..], 0));
    }
}
