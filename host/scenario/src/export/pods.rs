//! What the pods use that a run makes: grants must list it.

use std::collections::BTreeSet;

use serde_json::Value;
use suture_core::Glob;
use suture_core::grant::{PodGrant, PodLevel, TemplateSource};

/// Images, service accounts and Secrets.
#[derive(Default)]
pub(super) struct Uses {
    images: BTreeSet<String>,
    service_accounts: BTreeSet<String>,
    secrets: BTreeSet<String>,
}

impl Uses {
    /// What an object's pods use, where it has any.
    pub fn of(object: &Value) -> Self {
        let places = ["/spec/jobTemplate/spec/template/spec", "/spec/template/spec", "/spec"];
        let mut uses = Self::default();
        let pod = places
            .iter()
            .filter_map(|place| object.pointer(place))
            .find(|spec| spec.get("containers").is_some());
        if let Some(pod) = pod {
            uses.collect(pod);
            // One that names no account has the default one's token, unless it wants none.
            let wants_none = pod.get("automountServiceAccountToken").and_then(Value::as_bool) == Some(false);
            if uses.service_accounts.is_empty() && !wants_none {
                uses.service_accounts.insert("default".to_owned());
            }
        }
        uses
    }

    pub fn add(&mut self, other: Self) {
        self.images.extend(other.images);
        self.service_accounts.extend(other.service_accounts);
        self.secrets.extend(other.secrets);
    }

    pub fn is_empty(&self) -> bool {
        self.images.is_empty() && self.service_accounts.is_empty() && self.secrets.is_empty()
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
            _ => {}
        }
    }

    fn field(&mut self, key: &str, value: &Value) {
        let named = |value: &Value| value.get("name").and_then(Value::as_str).map(str::to_owned);
        match key {
            "image" => self.images.extend(value.as_str().map(str::to_owned)),
            "serviceAccountName" | "serviceAccount" => {
                self.service_accounts.extend(value.as_str().map(str::to_owned));
            }
            "secretName" => self.secrets.extend(value.as_str().map(str::to_owned)),
            "secretKeyRef" | "secretRef" | "secret" => self.secrets.extend(named(value)),
            "imagePullSecrets" => {
                self.secrets.extend(value.as_array().into_iter().flatten().filter_map(named))
            }
            _ => {}
        }
    }

    /// The grant that allows it.
    pub fn granted(&self) -> PodGrant {
        let globs = |names: &BTreeSet<String>| names.iter().filter_map(|name| Glob::new(name).ok()).collect();
        PodGrant {
            images: globs(&self.images),
            service_accounts: globs(&self.service_accounts),
            secrets: globs(&self.secrets),
            // Whatever else the run's grants said of pods: they let these pass.
            level: PodLevel::Baseline,
            from: TemplateSource::try_from("cronjobs/*".to_owned()).into_iter().collect(),
            ..PodGrant::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_jobs_pods_use_images_accounts_and_secrets() {
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
                "secrets": ["all", "mounted", "one", "projected", "pull"], "level": "baseline", "from": ["cronjobs/*"]})
        );
        assert!(Uses::of(&json!({"kind": "ConfigMap", "data": {"image": "x"}})).is_empty());
        let accounts = |spec: Value| Uses::of(&json!({"spec": spec})).service_accounts;
        assert!(accounts(json!({"containers": []})).contains("default"));
        assert!(accounts(json!({"containers": [], "automountServiceAccountToken": false})).is_empty());
    }
}
