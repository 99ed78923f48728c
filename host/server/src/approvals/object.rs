//! An Approval, as a person made it.

use serde::Deserialize;
use serde_json::Value;
use suture_cluster::live::approval;
use suture_core::object::Kind;
use suture_core::{Digest, Timestamp};
use suture_engine::engine::Asked;

/// The kind of Approvals.
pub(super) fn kind() -> Kind {
    Kind::new(approval::API_VERSION, approval::KIND)
}

/// An Approval.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Approval {
    pub name: String,
    pub made_at: Timestamp,
    /// The run's whole id: RBAC may allow to approve that one alone.
    pub run: String,
    /// The digest of the plan that they have seen.
    pub digest: Digest,
    pub asked: Asked,
    pub message: String,
    /// Who, as the API server knows them.
    pub decided_by: String,
}

/// `spec`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Spec {
    run: String,
    digest: Digest,
    decision: Decision,
    #[serde(default)]
    scope: Scope,
    #[serde(default)]
    message: String,
    decided_by: String,
}

#[derive(Deserialize)]
enum Decision {
    Approve,
    Reject,
}

#[derive(Default, Deserialize)]
enum Scope {
    #[default]
    Changes,
    Run,
}

impl Approval {
    /// Read one.
    ///
    /// # Errors
    /// What is wrong with it, for whoever made it.
    pub fn read(object: &Value) -> Result<Self, String> {
        let spec =
            Spec::deserialize(&object["spec"]).map_err(|error| format!("its spec can't be read: {error}"))?;
        let text = |at: &str| object.pointer(at).and_then(Value::as_str);
        let made_at = text("/metadata/creationTimestamp").and_then(|at| at.parse().ok());
        let Spec { run, digest, decision, scope, message, decided_by } = spec;
        if decided_by.is_empty() {
            return Err("`spec.decidedBy` is empty".to_owned());
        }
        Ok(Self {
            name: text("/metadata/name").unwrap_or_default().to_owned(),
            made_at: made_at.ok_or("it does not say when it was made")?,
            run,
            digest,
            asked: match (decision, scope) {
                (Decision::Reject, _) => Asked::Reject,
                (Decision::Approve, Scope::Changes) => Asked::Approve { rest: false },
                (Decision::Approve, Scope::Run) => Asked::Approve { rest: true },
            },
            message,
            decided_by,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(spec: &Value) -> Value {
        json!({"metadata": {"name": "a", "creationTimestamp": "2026-11-29T03:00:00Z"}, "spec": spec})
    }

    #[test]
    fn an_approval_says_who_what_and_how_far() {
        let digest = Digest::of(b"plan");
        let spec =
            json!({"run": "r1", "digest": digest.to_string(), "decision": "Approve", "decidedBy": "alice"});
        let approval = Approval::read(&object(&spec)).unwrap();
        assert_eq!(approval.asked, Asked::Approve { rest: false });
        assert_eq!((approval.digest, &*approval.decided_by, &*approval.run), (digest, "alice", "r1"));
        let mut whole = spec.clone();
        whole["scope"] = json!("Run");
        assert_eq!(Approval::read(&object(&whole)).unwrap().asked, Asked::Approve { rest: true });
        whole["decision"] = json!("Reject");
        assert_eq!(Approval::read(&object(&whole)).unwrap().asked, Asked::Reject);
    }

    #[test]
    fn what_is_no_decision_is_refused_with_the_reason() {
        let digest = Digest::of(b"plan").to_string();
        for (spec, why) in [
            (json!({}), "missing field `run`"),
            (json!({"run": "r", "digest": "x", "decision": "Approve", "decidedBy": "a"}), "digest"),
            (json!({"run": "r", "digest": digest, "decision": "Maybe", "decidedBy": "a"}), "Maybe"),
            (json!({"run": "r", "digest": digest, "decision": "Approve", "decidedBy": ""}), "empty"),
            (json!({"run": "r", "digest": digest, "decision": "Approve", "decidedBy": "a", "x": 1}), "`x`"),
        ] {
            let said = Approval::read(&object(&spec)).unwrap_err();
            assert!(said.contains(why), "{spec}: {said}");
        }
    }
}
