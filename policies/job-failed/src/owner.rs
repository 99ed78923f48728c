//! Whose a Job is: only a CronJob makes another one by itself.

use suture_policy::kube::Job;

use crate::{delete_command, describe_command};

/// Who has made a Job, and would make the next.
pub enum Owner {
    /// A CronJob, by name and uid.
    CronJob { name: String, uid: String },
    /// Another controller, by kind and name.
    Other { kind: String, name: String },
    /// Helm, as a hook of a release or a part of it.
    Helm { release: String, hook: Option<String> },
    /// A GitOps controller, as it is called for people.
    GitOps(String),
    /// Nobody who says so.
    Nobody,
}

impl Owner {
    pub fn of(job: &Job) -> Self {
        let metadata = &job.metadata;
        if let Some(owner) = metadata.owner_references.iter().find(|owner| owner.kind == "CronJob") {
            return Self::CronJob { name: owner.name.clone(), uid: owner.uid.clone() };
        }
        if let Some(owner) = metadata.owner_references.first() {
            return Self::Other { kind: owner.kind.clone(), name: owner.name.clone() };
        }
        let annotation = |name: &str| metadata.annotations.get(name).cloned();
        let (hook, release) = (annotation("helm.sh/hook"), annotation("meta.helm.sh/release-name"));
        if hook.is_some() || release.is_some() {
            let release = release.or_else(|| metadata.label("app.kubernetes.io/instance").map(str::to_owned));
            return Self::Helm { release: release.unwrap_or_default(), hook };
        }
        metadata.gitops().map_or(Self::Nobody, Self::GitOps)
    }

    /// What a person does with a Job of this owner.
    pub fn advice(&self, job: &Job) -> String {
        let namespace = job.metadata.namespace.as_deref().unwrap_or_default();
        let (delete, describe) = (delete_command(job), describe_command(job));
        match self {
            Self::CronJob { .. } => format!("Next: {describe}"),
            Self::Other { kind, name } => format!(
                "It belongs to {kind} {namespace}/{name}, whose controller decides about it. Next: kubectl -n \
                 {namespace} describe {} {name}",
                kind.to_lowercase()
            ),
            Self::Helm { release, hook: Some(hook) } => format!(
                "It is a hook ({hook}) of the Helm release {release}, which waits for it or has failed by it. Next: \
                 helm -n {namespace} history {release}; a newer deployment makes it anew"
            ),
            Self::Helm { release, hook: None } => format!(
                "It belongs to the Helm release {release}. No later Job of it says whether its work is done, so it \
                 was left. Next: {describe}"
            ),
            Self::GitOps(origin) => format!(
                "It comes from {origin}, which makes it anew once it is deleted. Next, when its cause is mended: \
                 {delete}"
            ),
            Self::Nobody => format!(
                "No CronJob made it, so nothing says whether its work was done by another; it was left. Next: \
                 {describe}; when nobody needs it any more: {delete}"
            ),
        }
    }
}
