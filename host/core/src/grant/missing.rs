//! What is requested and not granted.

use super::Grant;
use crate::manifest::Permission;

/// What is requested that no grant gives in any namespace, `VERB RESOURCE[.GROUP]` each, in
/// the order in which it is requested. A policy that tries it is denied.
pub fn not_granted(grants: &[Grant], requested: &[Permission]) -> Vec<String> {
    let mut missing = Vec::new();
    for permission in requested {
        for group in &permission.groups {
            for resource in &permission.resources {
                for verb in &permission.verbs {
                    let granted = grants.iter().any(|grant| {
                        grant.groups.iter().any(|granted| granted == group || granted == "*")
                            && grant.resources.contains(resource)
                            && grant.verbs.contains(verb)
                    });
                    let dot = if group.is_empty() { "" } else { "." };
                    let name = format!("{verb} {resource}{dot}{group}");
                    if !granted && !missing.contains(&name) {
                        missing.push(name);
                    }
                }
            }
        }
    }
    missing
}
