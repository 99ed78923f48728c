//! What a Job's pods use, as the grant that allows it.

use std::collections::BTreeSet;
use std::fmt;

use suture_policy::Value;
use suture_policy::kube::CronJob;

/// What a grant must list for a CronJob's Jobs to be made.
pub struct Needs {
    namespace: String,
    images: BTreeSet<String>,
    service_account: Option<String>,
    secrets: BTreeSet<String>,
}

impl Needs {
    pub fn of(cron_job: &CronJob, namespace: &str) -> Self {
        let nothing = Value::Null;
        let pod = cron_job.spec.job_template.spec.pointer("/template/spec").unwrap_or(&nothing);
        let containers =
            ["initContainers", "containers"].iter().filter_map(|list| pod[*list].as_array()).flatten();
        let images =
            containers.filter_map(|container| container["image"].as_str()).map(str::to_owned).collect();
        let account = pod["serviceAccountName"].as_str().filter(|name| !name.is_empty()).unwrap_or("default");
        let has_token = pod["automountServiceAccountToken"].as_bool() != Some(false);
        let mut secrets = BTreeSet::new();
        find_secrets(pod, &mut secrets);
        Self {
            namespace: namespace.to_owned(),
            images,
            service_account: (has_token || account != "default").then(|| account.to_owned()),
            secrets,
        }
    }
}

/// Every Secret that a pod refers to: in volumes, environments, and for pulling images.
fn find_secrets(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, inner) in fields {
                let name = match key.as_str() {
                    "secretName" => inner.as_str(),
                    "secretRef" | "secretKeyRef" | "nodePublishSecretRef" | "secret" => {
                        inner["name"].as_str()
                    }
                    _ => None,
                };
                found.extend(name.map(str::to_owned));
                if key == "imagePullSecrets" {
                    let names =
                        inner.as_array().into_iter().flatten().filter_map(|secret| secret["name"].as_str());
                    found.extend(names.map(str::to_owned));
                }
                find_secrets(inner, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| find_secrets(item, found)),
        _ => {}
    }
}

impl fmt::Display for Needs {
    /// As it is written in the configuration.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &BTreeSet<String>| {
            let quoted: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
            quoted.join(", ")
        };
        write!(
            f,
            "{{groups: [batch], resources: [jobs], verbs: [create], namespaces: [{}], pods: {{images: [{}]",
            self.namespace,
            list(&self.images)
        )?;
        if let Some(account) = &self.service_account {
            write!(f, ", serviceAccounts: [\"{account}\"]")?;
        }
        if !self.secrets.is_empty() {
            write!(f, ", secrets: [{}]", list(&self.secrets))?;
        }
        f.write_str("}}")
    }
}

#[cfg(test)]
mod tests {
    use suture_policy::json;

    use super::*;

    fn needs(pod: &Value) -> String {
        let spec = json!({"jobTemplate": {"spec": {"template": {"spec": pod}}}});
        let cron_job: CronJob = serde_json::from_value(json!({"metadata": {}, "spec": spec})).unwrap();
        Needs::of(&cron_job, "ops").to_string()
    }

    #[test]
    fn all_that_a_pod_uses_is_named_once() {
        let pod = json!({
            "serviceAccountName": "healer",
            "imagePullSecrets": [{"name": "registry"}],
            "initContainers": [{"name": "i", "image": "busybox:1"}],
            "containers": [
                {"name": "a", "image": "heal:2", "envFrom": [{"secretRef": {"name": "keys"}}]},
                {"name": "b", "image": "heal:2", "env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "x"}}}]},
            ],
            "volumes": [{"name": "v", "secret": {"secretName": "files"}}, {"name": "p", "projected": {"sources": [{"secret": {"name": "more"}}]}}],
        });
        assert_eq!(
            needs(&pod),
            r#"{groups: [batch], resources: [jobs], verbs: [create], namespaces: [ops], pods: {images: ["busybox:1", "heal:2"], serviceAccounts: ["healer"], secrets: ["files", "keys", "more", "registry"]}}"#
        );
    }

    #[test]
    fn a_pod_without_a_token_needs_no_service_account() {
        let pod =
            json!({"automountServiceAccountToken": false, "containers": [{"name": "a", "image": "heal:2"}]});
        assert!(needs(&pod).ends_with(r#"pods: {images: ["heal:2"]}}"#), "{}", needs(&pod));
        assert!(needs(&json!({})).contains(r#"serviceAccounts: ["default"]"#));
    }
}
