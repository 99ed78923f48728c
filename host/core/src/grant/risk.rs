//! What a grant would put at risk, in plain words, for the person who decides.

use crate::grant::Verb;
use crate::manifest::Permission;
use crate::rbac::is_namespaced;

/// The resources of Kubernetes that are pods or make some: group, resource.
const PODS: [(&str, &str); 9] = [
    ("", "pods"),
    ("", "replicationcontrollers"),
    ("", "podtemplates"),
    ("apps", "daemonsets"),
    ("apps", "deployments"),
    ("apps", "replicasets"),
    ("apps", "statefulsets"),
    ("batch", "cronjobs"),
    ("batch", "jobs"),
];

/// What a permission's grant would let a policy do that is worth a thought, a sentence each;
/// nothing, for reads of ordinary objects.
pub fn risks(permission: &Permission) -> Vec<&'static str> {
    let Permission { groups, resources, verbs, metrics, .. } = permission;
    let has = |wanted: &[Verb]| verbs.iter().any(|verb| wanted.contains(verb));
    let pairs: Vec<(&str, &str)> = groups
        .iter()
        .flat_map(|group| resources.iter().map(move |resource| (group.as_str(), resource.as_str())))
        .collect();
    let any = |test: &dyn Fn(&str, &str) -> bool| pairs.iter().any(|(group, resource)| test(group, resource));
    let pods = any(&makes_pods);
    let custom = any(&|group, resource| group == "*" || is_namespaced(group, object(resource)).is_none());
    let mut risks = Vec::new();
    let mut add = |wanted: bool, risk| {
        if wanted {
            risks.push(risk);
        }
    };
    add(
        has(&[Verb::Create]) && pods,
        "creates pods: what they run reaches the network, and the Secrets and service accounts that `pods` lists",
    );
    add(has(&[Verb::Patch]) && pods, "changes what pods run, within what `pods` lists");
    add(has(&[Verb::Delete]), "deletes: what is gone stays gone, and its data may go with it");
    add(
        has(&[Verb::Create, Verb::Patch]) && custom,
        "writes custom resources: what their controller makes of them, pods too, is not checked",
    );
    add(
        has(&[Verb::Create, Verb::Patch, Verb::Delete])
            && any(&|group, _| {
                ["rbac.authorization.k8s.io", "admissionregistration.k8s.io", "certificates.k8s.io"]
                    .contains(&group)
            }),
        "changes who may do what in the cluster",
    );
    add(any(&|_, resource| resource.ends_with("/log")), "reads logs: they hold whatever programs print");
    add(
        any(&|group, resource| group.is_empty() && resource == "secrets"),
        "sees Secrets: their names and keys, never their values",
    );
    add(
        any(&|group, resource| is_namespaced(group, object(resource)) == Some(false)),
        "reaches the whole cluster: these objects have no namespaces",
    );
    add(!metrics.is_empty(), "queries metrics: those of all namespaces, for a metric belongs to none");
    risks
}

fn object(resource: &str) -> &str {
    resource.split('/').next().unwrap_or(resource)
}

/// Whether a resource of Kubernetes is pods, or makes some.
pub(crate) fn makes_pods(group: &str, resource: &str) -> bool {
    PODS.contains(&(group, resource)) || (group == "*" && is_pods(resource))
}

fn is_pods(resource: &str) -> bool {
    PODS.iter().any(|(_, known)| *known == resource)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(group: &str, resource: &str, verbs: &[&str]) -> String {
        let permission = json!({"groups": [group], "resources": [resource], "verbs": verbs, "reason": "r"});
        risks(&serde_json::from_value(permission).unwrap()).join("; ")
    }

    #[test]
    fn what_can_do_harm_is_said_and_what_can_not_is_not() {
        assert_eq!(of("", "configmaps", &["get", "list", "patch"]), "");
        assert_eq!(of("", "pods", &["get", "list"]), "");
        assert!(of("batch", "jobs", &["create"]).starts_with("creates pods"));
        assert!(of("*", "jobs", &["create"]).contains("creates pods"));
        assert!(of("apps", "deployments", &["patch"]).starts_with("changes what pods run"));
        assert!(of("snapshot.storage.k8s.io", "volumesnapshots", &["delete"]).starts_with("deletes"));
        assert!(
            of("volsync.backube", "replicationsources", &["patch"]).starts_with("writes custom resources")
        );
        assert_eq!(of("volsync.backube", "replicationsources", &["get"]), "");
        assert!(of("", "pods/log", &["get"]).starts_with("reads logs"));
        assert!(of("", "nodes", &["get"]).starts_with("reaches the whole cluster"));
        assert!(of("rbac.authorization.k8s.io", "roles", &["create"]).contains("who may do what"));
        let metrics: Permission =
            serde_json::from_value(json!({"groups": [], "resources": [], "verbs": [], "metrics": ["up"],
                "reason": "r"}))
            .unwrap();
        assert!(risks(&metrics)[0].starts_with("queries metrics"));
    }
}
