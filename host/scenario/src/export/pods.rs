//! What the pods use that a run makes: grants must list it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use suture_core::Glob;
use suture_core::grant::{PodGrant, PodLevel, TemplateSource};

/// What a pod is allowed by name: a list of a grant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Listed {
    Image,
    ServiceAccount,
    Secret,
    Claim,
    PriorityClass,
    RuntimeClass,
    NodeLabel,
    Toleration,
    Annotation,
    Label,
}

/// What pods use, list by list.
#[derive(Default)]
pub(super) struct Uses(BTreeMap<Listed, BTreeSet<String>>);

impl Uses {
    /// What an object's pods use, where it has any.
    pub fn of(object: &Value) -> Self {
        let places = ["/spec/jobTemplate/spec/template", "/spec/template", ""];
        let mut uses = Self::default();
        let pod = places
            .iter()
            .filter_map(|place| object.pointer(place))
            .find(|pod| pod.pointer("/spec/containers").is_some());
        if let Some(pod) = pod {
            for (list, at) in [(Listed::Annotation, "annotations"), (Listed::Label, "labels")] {
                let keys = pod.get("metadata").and_then(|metadata| metadata.get(at)?.as_object());
                keys.into_iter().flatten().for_each(|(name, _)| uses.insert(list, name));
            }
            let spec = &pod["spec"];
            uses.collect(spec);
            // One that names no account has the default one's token, unless it wants none.
            let wants_none = spec.get("automountServiceAccountToken").and_then(Value::as_bool) == Some(false);
            if !uses.0.contains_key(&Listed::ServiceAccount) && !wants_none {
                uses.insert(Listed::ServiceAccount, "default");
            }
        }
        uses
    }

    pub fn add(&mut self, other: Self) {
        for (list, names) in other.0 {
            self.0.entry(list).or_default().extend(names);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn insert(&mut self, list: Listed, name: &str) {
        self.0.entry(list).or_default().insert(name.to_owned());
    }

    fn collect(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.collect(item)),
            Value::Object(fields) => {
                for (key, value) in fields {
                    self.field(key, value);
                    self.collect(value);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn field(&mut self, key: &str, value: &Value) {
        let inner = |key| value.get(key).and_then(Value::as_str);
        let each =
            |key| value.as_array().into_iter().flatten().filter_map(move |item| item.get(key)?.as_str());
        let of_text = match key {
            "image" => Some(Listed::Image),
            "serviceAccountName" | "serviceAccount" => Some(Listed::ServiceAccount),
            "secretName" => Some(Listed::Secret),
            "claimName" => Some(Listed::Claim),
            "priorityClassName" => Some(Listed::PriorityClass),
            "runtimeClassName" => Some(Listed::RuntimeClass),
            "topologyKey" => Some(Listed::NodeLabel),
            _ => None,
        };
        if let Some((list, name)) = of_text.zip(value.as_str()) {
            self.insert(list, name);
        }
        match key {
            "secretKeyRef" | "secretRef" | "secret" => {
                inner("name").into_iter().for_each(|name| self.insert(Listed::Secret, name));
            }
            "imagePullSecrets" => each("name").for_each(|name| self.insert(Listed::Secret, name)),
            "matchExpressions" => each("key").for_each(|name| self.insert(Listed::NodeLabel, name)),
            "nodeSelector" => {
                let labels = value.as_object().into_iter().flatten();
                labels.for_each(|(name, _)| self.insert(Listed::NodeLabel, name));
            }
            "tolerations" => {
                // Without a key one tolerates every taint.
                for toleration in value.as_array().into_iter().flatten() {
                    self.insert(Listed::Toleration, toleration["key"].as_str().unwrap_or("*"));
                }
            }
            _ => {}
        }
    }

    /// The grant that allows it.
    pub fn granted(&self) -> PodGrant {
        let listed =
            |list| self.0.get(&list).into_iter().flatten().filter_map(|name| Glob::new(name).ok()).collect();
        PodGrant {
            images: listed(Listed::Image),
            service_accounts: listed(Listed::ServiceAccount),
            secrets: listed(Listed::Secret),
            claims: listed(Listed::Claim),
            priority_classes: listed(Listed::PriorityClass),
            runtime_classes: listed(Listed::RuntimeClass),
            node_labels: listed(Listed::NodeLabel),
            tolerations: listed(Listed::Toleration),
            annotations: listed(Listed::Annotation),
            labels: listed(Listed::Label),
            // Whatever else the run's grants said of pods: they let these pass.
            level: PodLevel::Baseline,
            from: TemplateSource::try_from("cronjobs/*".to_owned()).into_iter().collect(),
            variables: Glob::new("*").into_iter().collect(),
            ..PodGrant::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_pods_use_by_name_is_granted_by_name() {
        let job = json!({"kind": "Job", "spec": {"template": {"spec": {"serviceAccountName": "sa",
            "imagePullSecrets": [{"name": "pull"}],
            "volumes": [{"name": "v", "secret": {"secretName": "mounted"}}, {"projected": {"sources": [{"secret": {"name": "projected"}}]}}],
            "initContainers": [{"image": "busybox:1"}],
            "containers": [{"image": "restic:1", "envFrom": [{"secretRef": {"name": "all"}}],
                "env": [{"valueFrom": {"secretKeyRef": {"name": "one", "key": "k"}}}]}]}}}});
        let granted = serde_json::to_value(Uses::of(&job).granted()).unwrap();
        assert_eq!(
            granted,
            json!({"images": ["busybox:1", "restic:1"], "serviceAccounts": ["sa"],
                "secrets": ["all", "mounted", "one", "projected", "pull"], "level": "baseline", "from": ["cronjobs/*"],
                "variables": ["*"]})
        );
        let placed = json!({"metadata": {"annotations": {"a/b": "c"}, "labels": {"mesh.io/inject": "true"}}, "spec": {"containers": [{}],
            "priorityClassName": "high", "runtimeClassName": "gvisor", "nodeSelector": {"disk": "ssd"},
            "tolerations": [{"key": "gpu"}], "topologySpreadConstraints": [{"topologyKey": "zone"}],
            "volumes": [{"persistentVolumeClaim": {"claimName": "data"}}]}});
        let granted = serde_json::to_value(Uses::of(&placed).granted()).unwrap();
        assert_eq!(
            granted,
            json!({"serviceAccounts": ["default"], "claims": ["data"], "priorityClasses": ["high"],
                "runtimeClasses": ["gvisor"], "nodeLabels": ["disk", "zone"], "tolerations": ["gpu"],
                "annotations": ["a/b"], "labels": ["mesh.io/inject"], "level": "baseline", "from": ["cronjobs/*"],
                "variables": ["*"]})
        );
        assert!(Uses::of(&json!({"kind": "ConfigMap", "data": {"image": "x"}})).is_empty());
        let accounts = |spec: Value| Uses::of(&json!({"spec": spec})).granted().service_accounts;
        assert_eq!(accounts(json!({"containers": []})).len(), 1);
        assert!(accounts(json!({"containers": [], "automountServiceAccountToken": false})).is_empty());
    }
}
