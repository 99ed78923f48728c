//! What is requested and not granted.

use super::{Grant, metrics};
use crate::manifest::Permission;

/// What is requested that no grant gives in any namespace (one that can be used by no one gives nothing), `VERB RESOURCE[.GROUP]` or
/// `query METRIC` each, in the order in which it is requested. A policy that tries it is
/// denied.
pub fn not_granted(grants: &[Grant], requested: &[Permission]) -> Vec<String> {
    let mut missing = Vec::new();
    let mut note = |name: String| {
        if !missing.contains(&name) {
            missing.push(name);
        }
    };
    for permission in requested {
        for group in &permission.groups {
            for resource in &permission.resources {
                for verb in &permission.verbs {
                    let granted = grants.iter().any(|grant| {
                        grant.groups.iter().any(|granted| granted == group || granted == "*")
                            && grant.resources.contains(resource)
                            && grant.verbs.contains(verb)
                            && grant.why_unusable(resource, *verb).is_none()
                    });
                    let dot = if group.is_empty() { "" } else { "." };
                    if !granted {
                        note(format!("{verb} {resource}{dot}{group}"));
                    }
                }
            }
        }
        for metric in &permission.metrics {
            let granted = grants.iter().flat_map(|grant| &grant.metrics);
            if !granted.into_iter().any(|granted| metrics::overlap(granted, metric)) {
                note(format!("query {}", metric.as_str()));
            }
        }
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::Verb;

    #[test]
    fn a_grant_that_nobody_can_use_gives_nothing() {
        let grants: Vec<Grant> = serde_saphyr::from_str(
            "[{groups: [''], resources: [pods, nodes], verbs: [get]},
              {groups: [''], resources: [pods, pods/log], verbs: [list], namespaces: [media]}]",
        )
        .unwrap();
        let asked = Permission {
            groups: vec![String::new()],
            resources: ["pods", "nodes", "pods/log"].map(str::to_owned).to_vec(),
            verbs: vec![Verb::Get],
            ..Permission::default()
        };
        assert_eq!(not_granted(&grants, &[asked]), ["get pods", "get pods/log"]);
    }

    #[test]
    fn metrics_that_no_grant_names_are_missing_and_a_part_of_them_is_enough() {
        let grants: Vec<Grant> = serde_saphyr::from_str("[{metrics: [volsync_missed, 'kube_*']}]").unwrap();
        let ask = |names: &[&str]| Permission {
            metrics: names.iter().map(|name| metrics::pattern(name).unwrap()).collect(),
            ..Permission::default()
        };
        assert!(not_granted(&grants, &[ask(&["volsync_*", "kube_job_failed"])]).is_empty());
        assert_eq!(not_granted(&grants, &[ask(&["up", "volsync_missed"]), ask(&["up"])]), ["query up"]);
    }
}
