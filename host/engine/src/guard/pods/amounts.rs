//! How much a pod takes, and for how long: more or less of it lets a pod do nothing else than
//! before, so a repair may raise a memory limit of a pod that no policy could make.

use serde_json::Value;

use super::rules::{Fields, Rules, fields_of, inner, items, only, text};

const OF_A_POD: [&str; 3] = ["resources", "terminationGracePeriodSeconds", "activeDeadlineSeconds"];
const CONTAINERS: [&str; 2] = ["initContainers", "containers"];
const KINDS: [&str; 2] = ["limits", "requests"];
/// Others are huge pages and devices of the node.
const OF_EVERY_POD: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];

/// The `spec` of a pod or pod template, and of each of its containers, without amounts.
pub(super) fn without(pod: &Value) -> Option<Value> {
    let mut spec = pod.get("spec")?.clone();
    let fields = spec.as_object_mut()?;
    for field in OF_A_POD {
        fields.remove(field);
    }
    for list in CONTAINERS {
        let containers = fields.get_mut(list).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten().filter_map(Value::as_object_mut) {
            container.remove("resources");
        }
    }
    Some(spec)
}

/// Check the amounts of a pod or pod template that is there, and nothing else of it.
pub(super) fn check(before: &Value, pod: &Value, rules: &Rules<'_>) -> Result<(), String> {
    let there = taken(before);
    let is_new = |name: &str| !there.contains(&name);
    let Some(spec) = pod.get("spec") else { return Ok(()) };
    let spec = fields_of(spec, "the pod's `spec`")?;
    check_new(spec, "the pod", rules, is_new)?;
    for list in CONTAINERS {
        for container in items(spec, list, "the pod")? {
            let container = fields_of(container, "a container")?;
            let what = format!("container `{}`", text(container, "name")?.unwrap_or("?"));
            check_new(container, &what, rules, is_new)?;
        }
    }
    Ok(())
}

/// That the `resources` of a pod or a container are amounts (`claims` there are devices), and of what a
/// grant lists.
pub(super) fn check_resources(fields: &Fields, what: &str, rules: &Rules<'_>) -> Result<(), String> {
    check_new(fields, what, rules, |_| true)
}

fn check_new(
    fields: &Fields,
    what: &str,
    rules: &Rules<'_>,
    is_new: impl Fn(&str) -> bool,
) -> Result<(), String> {
    let Some(resources) = inner(fields, "resources", what)? else { return Ok(()) };
    let of_it = format!("{what}'s `resources`");
    only(resources, &KINDS, &of_it)?;
    for kind in KINDS {
        for name in inner(resources, kind, &of_it)?.into_iter().flat_map(Fields::keys) {
            if is_new(name) && !OF_EVERY_POD.contains(&name.as_str()) {
                rules.require(|grant| &grant.resources, name, "resource", "resources")?;
            }
        }
    }
    Ok(())
}

/// The resources that a pod takes already.
fn taken(pod: &Value) -> Vec<&str> {
    let Some(spec) = pod.get("spec") else { return Vec::new() };
    let containers = CONTAINERS.iter().filter_map(|list| spec.get(list)?.as_array()).flatten();
    let amounts = containers.chain([spec]).filter_map(|holder| holder.get("resources"));
    let kinds = amounts.flat_map(|amounts| KINDS.iter().filter_map(|kind| amounts.get(kind)?.as_object()));
    kinds.flat_map(Fields::keys).map(String::as_str).collect()
}
