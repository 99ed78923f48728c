//! On which node a pod comes to run, and whom it drives off.

use serde_json::Value;

use super::rules::{Fields, Rules, absent, fields_of, inner, items, only, text};

pub(super) fn check(spec: &Fields, rules: &Rules<'_>) -> Result<(), String> {
    if let Some(class) = text(spec, "priorityClassName")? {
        rules.require(|grant| &grant.priority_classes, class, "priority class", "priorityClasses")?;
    }
    if let Some(class) = text(spec, "runtimeClassName")? {
        rules.require(|grant| &grant.runtime_classes, class, "runtime class", "runtimeClasses")?;
    }
    if text(spec, "schedulerName")?.is_some_and(|name| name != "default-scheduler") {
        return Err("the pod asks for another `schedulerName` than the default one; no policy may".to_owned());
    }
    if let Some(labels) = inner(spec, "nodeSelector", "the pod")? {
        // Every node of a cluster that runs these pods has that one.
        let is_harmless =
            |(label, value): &(&String, &Value)| *label == "kubernetes.io/os" && *value == "linux";
        for (label, _) in labels.iter().filter(|pair| !is_harmless(pair)) {
            by_label(label, rules)?;
        }
    }
    for toleration in items(spec, "tolerations", "the pod")? {
        let toleration = fields_of(toleration, "a toleration")?;
        // Without a key it tolerates every taint.
        let key = text(toleration, "key")?.unwrap_or("*");
        // Those that every pod is given at its admission.
        if matches!(key, "node.kubernetes.io/not-ready" | "node.kubernetes.io/unreachable") {
            continue;
        }
        rules.require(|grant| &grant.tolerations, key, "a toleration of", "tolerations")?;
    }
    for constraint in items(spec, "topologySpreadConstraints", "the pod")? {
        let constraint = fields_of(constraint, "a topology constraint")?;
        by_label(text(constraint, "topologyKey")?.unwrap_or_default(), rules)?;
    }
    let Some(affinity) = inner(spec, "affinity", "the pod")? else { return Ok(()) };
    only(affinity, &["nodeAffinity", "podAffinity", "podAntiAffinity"], "the pod's `affinity`")?;
    match affinity.values().try_for_each(|part| check_terms(part, rules)) {
        Err(error) => Err(format!("in the pod's `affinity`: {error}")),
        Ok(()) => Ok(()),
    }
}

fn by_label(label: &str, rules: &Rules<'_>) -> Result<(), String> {
    rules.require(|grant| &grant.node_labels, label, "to choose its node, the label", "nodeLabels")
}

/// Whatever in an affinity chooses nodes: keys of expressions over node labels, topologies,
/// and fields, of which there is only the node's name.
fn check_terms(part: &Value, rules: &Rules<'_>) -> Result<(), String> {
    match part {
        Value::Object(fields) => {
            for (name, value) in fields {
                match name.as_str() {
                    "topologyKey" => by_label(value.as_str().unwrap_or_default(), rules)?,
                    "matchFields" if !absent(Some(value)) => {
                        return Err("it names its node (`matchFields`); no policy may".to_owned());
                    }
                    // What pods stand there is no choice of a node by itself.
                    "labelSelector" | "namespaceSelector" => {}
                    "matchExpressions" => {
                        for expression in value.as_array().into_iter().flatten() {
                            by_label(
                                expression.get("key").and_then(Value::as_str).unwrap_or_default(),
                                rules,
                            )?;
                        }
                    }
                    _ => check_terms(value, rules)?,
                }
            }
            Ok(())
        }
        Value::Array(items) => items.iter().try_for_each(|item| check_terms(item, rules)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}
