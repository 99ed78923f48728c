//! Where in an object pod templates stand, by its kind.

use serde_json::{Value, json};
use suture_core::grant::FieldPattern;
use suture_core::grant::fields::{Path, pointer};
use suture_core::object::Kind;

/// A pod template in an object.
pub(super) struct Template {
    /// Where it stands, as a JSON pointer.
    pub at: String,
    /// What has `metadata` and `spec`.
    pub pod: Value,
    /// What was there before, where something was.
    pub before: Option<Value>,
}

/// Where a kind of Kubernetes itself keeps its pod; none where it has none.
pub(super) fn place(kind: &Kind) -> Option<&'static str> {
    match (kind.group(), kind.kind.as_str()) {
        ("", "Pod") => Some(""),
        ("", "PodTemplate") => Some("/template"),
        ("", "ReplicationController")
        | ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
        | ("batch", "Job") => Some("/spec/template"),
        ("batch", "CronJob") => Some("/spec/jobTemplate/spec/template"),
        _ => None,
    }
}

/// The pod templates of an object, and of those that differ from what was there before.
///
/// # Errors
/// Where a place that a grant names holds no pod template, or one that none names holds what
/// looks like a pod's.
pub(super) fn changed(
    kind: &Kind,
    before: Option<&Value>,
    after: &Value,
    named: &[&FieldPattern],
) -> Result<Vec<Template>, String> {
    let differs = |at: &str| before.and_then(|before| before.pointer(at)) != after.pointer(at);
    if let Some(at) = place(kind) {
        let Some(pod) = after.pointer(at).filter(|_| pod_differs(before, after, at)) else {
            return Ok(Vec::new());
        };
        let before = before.and_then(|before| before.pointer(at)).cloned();
        return Ok(vec![Template { at: at.to_owned(), pod: pod.clone(), before }]);
    }
    if kind.is_of_kubernetes() {
        return Ok(Vec::new());
    }
    let mut places = Places { named, found: Vec::new(), suspicious: Vec::new() };
    places.look(after, &mut Vec::new());
    if let Some(at) = places.suspicious.iter().map(|path| pointer(path)).find(|at| differs(at)) {
        return Err(format!(
            "`{at}` looks like a part of a pod, which {kind}'s controller may make: `podTemplates` of the grant must say \
             where its pod template stands, and `pods` what it may use"
        ));
    }
    let changed = places.found.iter().map(|path| pointer(path)).filter(|at| differs(at));
    changed.map(|at| template_at(after, at)).collect()
}

/// Whether a change may say something of a pod that was not said before. One that is there is
/// looked at like one that is made: it may not have begun yet.
fn pod_differs(before: Option<&Value>, after: &Value, at: &str) -> bool {
    before.is_none_or(|before| before.pointer(at) != after.pointer(at))
}

fn template_at(object: &Value, at: String) -> Result<Template, String> {
    let found = object.pointer(&at).unwrap_or(&Value::Null);
    let pod = match found {
        // What stands beside the `spec` of a template could be what its controller reads.
        Value::Object(fields)
            if fields.get("spec").is_some_and(Value::is_object)
                && fields
                    .keys()
                    .all(|name| ["apiVersion", "kind", "metadata", "spec"].contains(&name.as_str())) =>
        {
            found.clone()
        }
        Value::Object(fields) if fields.contains_key("containers") => json!({"spec": found}),
        Value::Object(_)
        | Value::Array(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_) => {
            return Err(format!(
                "at `{at}`, which `podTemplates` of the grant names, stands no pod template"
            ));
        }
    };
    Ok(Template { at, pod, before: None })
}

/// Fields that only what becomes a pod has.
const POD_LIKE: [&str; 21] = [
    "container",
    "moverServiceAccount",
    "moverVolumes",
    "moverSecurityContext",
    "podTemplate",
    "podTemplates",
    "volumes",
    "nodeName",
    "steps",
    "script",
    "containers",
    "initContainers",
    "ephemeralContainers",
    "podSpecPatch",
    "hostPath",
    "hostPID",
    "hostIPC",
    "hostNetwork",
    "privileged",
    "serviceAccountName",
    "serviceAccount",
];
/// What stands beside an `image` in a container.
const BESIDE_AN_IMAGE: [&str; 8] =
    ["name", "source", "command", "args", "env", "envFrom", "volumeMounts", "securityContext"];

struct Places<'a> {
    named: &'a [&'a FieldPattern],
    found: Vec<Path>,
    suspicious: Vec<Path>,
}

impl Places<'_> {
    fn look(&mut self, value: &Value, at: &mut Path) {
        if self.is_named(at) && (value.is_object() || value.is_array()) {
            self.found.push(at.clone());
            return;
        }
        match value {
            Value::Object(fields) => {
                let is_in_a_list = at.last().is_some_and(|token| token.parse::<usize>().is_ok());
                let is_container = fields.get("image").is_some_and(Value::is_string)
                    && (is_in_a_list || BESIDE_AN_IMAGE.iter().any(|field| fields.contains_key(*field)));
                if is_container {
                    self.suspicious.push(at.clone());
                }
                for (name, value) in fields {
                    at.push(name.clone());
                    let says_something = !matches!(value, Value::Null | Value::Bool(false));
                    if POD_LIKE.contains(&name.as_str()) && says_something && !self.is_named(at) {
                        self.suspicious.push(at.clone());
                    }
                    self.look(value, at);
                    at.pop();
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    at.push(index.to_string());
                    self.look(item, at);
                    at.pop();
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn is_named(&self, at: &[String]) -> bool {
        self.named.iter().any(|pattern| pattern.covers(at))
    }
}

#[cfg(test)]
mod tests {
    use super::super::pods::Rules;
    use super::*;

    fn pattern(text: &str) -> FieldPattern {
        FieldPattern::try_from(text.to_owned()).unwrap()
    }

    fn of(kind: &Kind, before: Option<&Value>, after: &Value, named: &[&str]) -> Result<Vec<String>, String> {
        let named: Vec<_> = named.iter().map(|text| pattern(text)).collect();
        let named: Vec<_> = named.iter().collect();
        changed(kind, before, after, &named).map(|found| found.into_iter().map(|found| found.at).collect())
    }

    #[test]
    fn every_kind_that_makes_pods_is_looked_into_whatever_its_body_says_it_is() {
        for (version, kind, at) in [
            ("v1", "Pod", ""),
            ("v1", "PodTemplate", "/template"),
            ("v1", "ReplicationController", "/spec/template"),
            ("apps/v1", "Deployment", "/spec/template"),
            ("apps/v1", "StatefulSet", "/spec/template"),
            ("apps/v1", "DaemonSet", "/spec/template"),
            ("apps/v1", "ReplicaSet", "/spec/template"),
            ("batch/v1", "Job", "/spec/template"),
            ("batch/v1", "CronJob", "/spec/jobTemplate/spec/template"),
        ] {
            let mut object = json!({"kind": "ConfigMap", "spec": {"hostPID": true}});
            let names: Vec<_> = at.split('/').skip(1).collect();
            for name in names.iter().rev() {
                object = json!({ *name: object });
            }
            assert_eq!(of(&Kind::new(version, kind), None, &object, &[]), Ok(vec![at.to_owned()]), "{kind}");
        }
        assert_eq!(
            of(&Kind::new("v1", "ConfigMap"), None, &json!({"spec": {"containers": []}}), &[]),
            Ok(vec![])
        );
    }

    #[test]
    fn what_was_there_before_is_not_the_policys_doing() {
        let kind = Kind::new("apps/v1", "Deployment");
        let before = json!({"spec": {"replicas": 1, "template": {"spec": {"hostPID": true}}}});
        let scaled = json!({"spec": {"replicas": 0, "template": {"spec": {"hostPID": true}}}});
        assert_eq!(of(&kind, Some(&before), &scaled, &[]), Ok(vec![]));
        let changed = json!({"spec": {"template": {"spec": {"hostPID": true, "hostIPC": true}}}});
        assert_eq!(of(&kind, Some(&before), &changed, &[]).unwrap().len(), 1);
    }

    #[test]
    fn what_changes_in_the_metadata_of_a_pod_that_is_there_is_looked_at() {
        let kind = Kind::new("v1", "Pod");
        let pod = |metadata: Value| json!({"metadata": metadata, "spec": {"hostPID": true}});
        let before = pod(json!({"annotations": {"a": "b"}}));
        let checked = |metadata: Value| {
            let found = changed(&kind, Some(&before), &pod(metadata), &[]).unwrap();
            super::super::pods::check_change(found[0].before.as_ref(), &found[0].pod, &Rules::of(&[]))
        };
        // It may not have begun yet, and then begins with it.
        let hostile = checked(json!({"annotations": {"a": "b", "k8s.v1.cni.cncf.io/networks": "host"}}));
        assert!(hostile.unwrap_err().contains("pods.annotations"));
        assert_eq!(checked(json!({"annotations": {"a": "b"}, "labels": {"app": "x"}})), Ok(()));
    }

    #[test]
    fn a_custom_resource_with_a_pod_in_it_needs_a_grant_that_says_where() {
        let kind = Kind::new("argoproj.io/v1alpha1", "Rollout");
        let pod = json!({"spec": {"containers": [{"name": "a", "image": "x"}]}});
        let rollout = json!({"spec": {"replicas": 1, "template": pod}});
        assert!(of(&kind, None, &rollout, &[]).unwrap_err().contains("/spec/template/spec/containers"));
        assert_eq!(of(&kind, None, &rollout, &["/spec/template"]), Ok(vec!["/spec/template".to_owned()]));
        assert!(of(&kind, None, &rollout, &["/spec/other"]).is_err());
        assert!(of(&kind, None, &rollout, &["/spec/replicas"]).is_err());
        let mut scaled = rollout.clone();
        scaled["spec"]["replicas"] = json!(0);
        assert_eq!(of(&kind, Some(&rollout), &scaled, &[]), Ok(vec![]), "the pod is as it was");
        let workflow = json!({"spec": {"templates": [{"container": {"image": "x", "command": ["sh"]}}], "entrypoint": "a"}});
        assert!(of(&kind, None, &workflow, &[]).unwrap_err().contains("/spec/templates/0/container"));
        for hostile in [
            json!({"podSpecPatch": "{}"}),
            json!({"serviceAccountName": "admin"}),
            json!({"a": [{"hostPath": {}}]}),
        ] {
            assert!(of(&kind, None, &json!({"spec": hostile}), &[]).is_err(), "{hostile}");
        }
        let harmless = json!({"spec": {"trigger": {"manual": "x"}, "image": "x", "privileged": false}});
        assert_eq!(of(&kind, None, &harmless, &[]), Ok(vec![]));
    }
}
