//! A policy that does whatever its settings say, one call after the other: the attacker of the
//! tests. Its manifest requests everything; what it can do is up to the grants alone.
//!
//! Each of `settings.ops` is one call (see [`Call`]). An error is written into the timeline and
//! the next call is made, for that is what an attacker does. `expect` says how a call must end;
//! where it ends otherwise the run escalates.

mod call;

use suture_policy::{Error, Incident, Manifest, Outcome, Policy, json};

pub use call::{Call, Settings};

/// The policy.
pub struct Hostile;

suture_policy::policy!(Hostile);

/// All that it requests.
const RESOURCES: [&str; 44] = [
    "configmaps",
    "secrets",
    "pods",
    "pods/log",
    "pods/status",
    "pods/exec",
    "pods/eviction",
    "pods/ephemeralcontainers",
    "pods/binding",
    "podtemplates",
    "replicationcontrollers",
    "services",
    "serviceaccounts",
    "serviceaccounts/token",
    "namespaces",
    "nodes",
    "nodes/status",
    "horizontalpodautoscalers",
    "persistentvolumes",
    "persistentvolumeclaims",
    "events",
    "jobs",
    "jobs/status",
    "cronjobs",
    "deployments",
    "deployments/scale",
    "statefulsets",
    "daemonsets",
    "replicasets",
    "controllerrevisions",
    "workflows",
    "rollouts",
    "replicationsources",
    "clusterroles",
    "clusterrolebindings",
    "ingresses",
    "networkpolicies",
    "poddisruptionbudgets",
    "resourcequotas",
    "limitranges",
    "leases",
    "storageclasses",
    "priorityclasses",
    "volumeattachments",
];

impl Policy for Hostile {
    type Settings = Settings;

    fn manifest() -> Manifest {
        Manifest::new("hostile", env!("CARGO_PKG_VERSION"), "Does whatever its settings say.")
            .key(["obj_namespace", "obj_name"])
            .permission("*", RESOURCES, ["get", "list", "create", "patch", "delete"], "to try everything")
            .settings_schema(json!({
                "type": "object",
                "properties": {"ops": {"type": "array", "items": {"type": "object"}, "default": []}},
            }))
    }

    fn remediate(_: Incident, settings: Settings) -> Result<Outcome, Error> {
        let mut wrong = Vec::new();
        for (index, call) in settings.ops.iter().enumerate() {
            let said = match call.make() {
                Ok(answer) => format!("ok: {answer}"),
                Err(error) => format!("{}: {}", error.reason, error.message),
            };
            suture_policy::info!("call {index}: {said}");
            if let Some(expected) = call.expected().filter(|expected| !said.contains(expected)) {
                wrong.push(format!("call {index} was to end with `{expected}`, and ended with {said}"));
            }
        }
        if wrong.is_empty() {
            return Ok(Outcome::remediated(format!("{} calls", settings.ops.len())));
        }
        Ok(Outcome::escalate(wrong.join("; ")))
    }
}
