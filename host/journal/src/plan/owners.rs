//! Who owns a field, and would set it back.

use serde_json::{Map, Value};
use suture_core::object;

/// The managers that own the field at a path of an object, other than `but`.
pub(super) fn of(object: &Value, path: &[String], but: &str) -> Vec<String> {
    let managed = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    let owns = |entry: &&Value| entry.get("fieldsV1").is_some_and(|fields| owns(fields, object, path));
    let names = managed.into_iter().flatten().filter(owns).filter_map(|entry| entry.get("manager")?.as_str());
    let mut names: Vec<_> = names.filter(|name| *name != but).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

/// Whether a set of fields, as the API server writes it, has the field at a path.
fn owns(fields: &Value, object: &Value, path: &[String]) -> bool {
    let Some((part, path)) = path.split_first() else { return fields.get(".").is_some() };
    let fields = fields.as_object();
    let (below, object) = match object.as_array() {
        // An item of a list is found by its keys.
        Some(items) => {
            let item = part.parse::<usize>().ok().and_then(|index| items.get(index)).unwrap_or(&Value::Null);
            (fields.and_then(|fields| of_item(fields, item)), item)
        }
        None => {
            let below = fields.and_then(|fields| fields.get(&format!("f:{part}")));
            (below, object.get(part).unwrap_or(&Value::Null))
        }
    };
    below.is_some_and(|below| below.as_object().is_none_or(Map::is_empty) || owns(below, object, path))
}

fn of_item<'a>(fields: &'a Map<String, Value>, item: &Value) -> Option<&'a Value> {
    let is_of_item = |key: &str| {
        if let Some(value) = key.strip_prefix("v:") {
            return serde_json::from_str::<Value>(value).is_ok_and(|value| value == *item);
        }
        let keys =
            key.strip_prefix("k:").and_then(|keys| serde_json::from_str::<Map<String, Value>>(keys).ok());
        keys.is_some_and(|keys| keys.iter().all(|(name, value)| item.get(name) == Some(value)))
    };
    fields.iter().find(|(key, _)| is_of_item(key)).map(|(_, below)| below)
}

/// What sets an object back to what stands in Git: by who owns what is changed, or by what the object
/// says of itself.
pub(super) fn gitops(object: &Value, owners: &[&str]) -> Option<String> {
    let known = owners.iter().find_map(|owner| match *owner {
        "kustomize-controller" | "helm-controller" => Some("Flux"),
        owner if owner.starts_with("argocd") => Some("Argo CD"),
        "fleet-agent" | "fleetagent" => Some("Fleet"),
        _ => None,
    });
    if let Some(known) = known {
        return Some(known.to_owned());
    }
    let label = |name: &str| object.get("metadata")?.get("labels")?.get(name)?.as_str();
    for (kind, prefix) in [("Kustomization", "kustomize"), ("HelmRelease", "helm")] {
        if let Some(name) = label(&format!("{prefix}.toolkit.fluxcd.io/name")) {
            return Some(format!("Flux ({kind} {name})"));
        }
    }
    let tracked =
        object::annotation(object, "argocd.argoproj.io/tracking-id").and_then(|id| id.split(':').next());
    let application = tracked.or_else(|| label("argocd.argoproj.io/instance"))?;
    Some(format!("Argo CD (application {application})"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn who_owns_a_field_is_read_off_managed_fields_also_in_lists() {
        let object = json!({"spec": {"replicas": 2, "containers": [{"name": "a"}, {"name": "b", "image": "x"}]},
        "metadata": {"managedFields": [
            {"manager": "argocd-controller", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            {"manager": "suture-p", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            {"manager": "kubectl", "fieldsV1": {"f:spec": {"f:containers": {"k:{\"name\":\"b\"}": {"f:image": {}}}}}},
        ]}});
        let of = |pointer: &str| {
            let path: Vec<_> = pointer.split('/').skip(1).map(str::to_owned).collect();
            of(&object, &path, "suture-p")
        };
        assert_eq!(of("/spec/replicas"), ["argocd-controller"]);
        assert_eq!(of("/spec/containers/1/image"), ["kubectl"]);
        assert_eq!(of("/spec/containers/0/image"), Vec::<String>::new());
        assert_eq!(of("/spec/paused"), Vec::<String>::new());
        assert_eq!(gitops(&object, &["argocd-controller"]).as_deref(), Some("Argo CD"));
        assert_eq!(gitops(&object, &["kubectl"]), None);
    }
}
