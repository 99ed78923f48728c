//! What pods may use that are made under a grant.

use serde::{Deserialize, Serialize};

use super::Glob;

/// What a pod that a policy creates (itself, or through a Job, a Deployment, …) may use.
/// Nothing, unless it is listed; and never what Kubernetes' Pod Security Standards call
/// privileged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PodGrant {
    /// Image references of all kinds of containers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Glob>,
    /// Service accounts, where the pod mounts a token of one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub service_accounts: Vec<Glob>,
    /// Secrets: in volumes, environments and as pull secrets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Glob>,
    /// PersistentVolumeClaims that are mounted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<Glob>,
    /// Priority classes. A pod of a higher one drives others off their nodes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub priority_classes: Vec<Glob>,
    /// Runtime classes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub runtime_classes: Vec<Glob>,
    /// What a pod may take of its node beside CPU, memory and ephemeral storage: huge pages, and the
    /// devices that extended resources stand for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<Glob>,
    /// Keys of node labels by which a pod may choose its node (`kubernetes.io/hostname`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub node_labels: Vec<Glob>,
    /// Keys of taints that a pod may tolerate.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tolerations: Vec<Glob>,
    /// Annotations of pods, by which many programs act (sidecar injectors, network plugins).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<Glob>,
    /// Keys of labels of pods, by which many programs act as well. Those without a domain, of
    /// `app.kubernetes.io`, and of Suture's own pass, unless a Service, a NetworkPolicy or a
    /// PodDisruptionBudget that is there chooses the pod by them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<Glob>,
    /// Which of the Pod Security Standards a pod must satisfy.
    #[serde(skip_serializing_if = "PodLevel::is_default")]
    pub level: PodLevel,
    /// Existing objects, in the namespace of the pod, whose pod template passes as it is,
    /// whatever it holds: variables may be given plain values, nothing else changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<TemplateSource>,
    /// The variables that a copy (`from`) may be given values for, and no other. Where none is
    /// listed, any may whose name does not say that programs act by it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<Glob>,
    /// To how many pods, at most, a change may raise what one object asks for (`replicas`,
    /// `parallelism`, `maxReplicas`).
    #[serde(skip_serializing_if = "is_default_replicas")]
    pub replicas: u32,
}

/// What [`PodGrant::replicas`] is where a grant does not say it.
const DEFAULT_REPLICAS: u32 = 100;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_default_replicas(replicas: &u32) -> bool {
    *replicas == DEFAULT_REPLICAS
}

impl Default for PodGrant {
    fn default() -> Self {
        Self {
            images: Vec::new(),
            service_accounts: Vec::new(),
            secrets: Vec::new(),
            claims: Vec::new(),
            priority_classes: Vec::new(),
            runtime_classes: Vec::new(),
            resources: Vec::new(),
            node_labels: Vec::new(),
            tolerations: Vec::new(),
            annotations: Vec::new(),
            labels: Vec::new(),
            level: PodLevel::default(),
            from: Vec::new(),
            variables: Vec::new(),
            replicas: DEFAULT_REPLICAS,
        }
    }
}

impl PodGrant {
    /// Whether nothing is listed.
    pub fn is_empty(&self) -> bool {
        self == &Self::default()
    }
}

/// One of Kubernetes' Pod Security Standards
/// (<https://kubernetes.io/docs/concepts/security/pod-security-standards/>).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum PodLevel {
    /// Not as root, without capabilities, under the runtime's seccomp profile.
    #[default]
    Restricted,
    /// What Kubernetes' defaults allow; root in the container included.
    Baseline,
}

impl PodLevel {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// An existing object whose pod template passes: `cronjobs/NAME`, where NAME may be a
/// pattern.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TemplateSource {
    /// The name of the CronJob.
    pub cron_job: Glob,
}

const CRON_JOBS: &str = "cronjobs/";

impl TryFrom<String> for TemplateSource {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.strip_prefix(CRON_JOBS) {
            Some(name) if !name.is_empty() => Ok(Self { cron_job: Glob::new(name)? }),
            _ => Err(format!(
                "`{}` is not of the form `cronjobs/NAME`: only the template of a CronJob can be named",
                crate::names::shortened(&text)
            )),
        }
    }
}

impl From<TemplateSource> for String {
    fn from(source: TemplateSource) -> Self {
        format!("{CRON_JOBS}{}", source.cron_job.as_str())
    }
}

impl schemars::JsonSchema for TemplateSource {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TemplateSource".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^cronjobs/.+$",
            "description": "An existing CronJob whose pod template passes as it is.", "examples": ["cronjobs/heal"]})
    }
}
