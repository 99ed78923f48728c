//! How much a pod takes, and for how long: more or less of it lets a pod do nothing else than
//! before, so a repair may raise a memory limit of a pod that no policy could make.

use serde_json::Value;

use super::rules::{Fields, fields_of, inner, items, only, text};

const OF_A_POD: [&str; 3] = ["resources", "terminationGracePeriodSeconds", "activeDeadlineSeconds"];
const CONTAINERS: [&str; 2] = ["initContainers", "containers"];

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

/// Check the amounts of a pod or pod template and nothing else of it.
pub(super) fn check(pod: &Value) -> Result<(), String> {
    let Some(spec) = pod.get("spec") else { return Ok(()) };
    let spec = fields_of(spec, "the pod's `spec`")?;
    check_resources(spec, "the pod")?;
    for list in CONTAINERS {
        for container in items(spec, list, "the pod")? {
            let container = fields_of(container, "a container")?;
            check_resources(container, &format!("container `{}`", text(container, "name")?.unwrap_or("?")))?;
        }
    }
    Ok(())
}

/// That the `resources` of a pod or a container are amounts: `claims` there are devices.
pub(super) fn check_resources(fields: &Fields, what: &str) -> Result<(), String> {
    match inner(fields, "resources", what)? {
        Some(resources) => only(resources, &["limits", "requests"], &format!("{what}'s `resources`")),
        None => Ok(()),
    }
}
