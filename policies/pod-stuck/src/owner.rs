//! Whose a pod is, and how its siblings are.

use serde::Deserialize;
use suture_policy::kube::{self, Metadata, Resource};
use suture_policy::{Error, Result, resource};

use crate::pod::Pod;

/// So many pods at a time.
const PAGE: u32 = 100;

/// What ReplicaSets, StatefulSets and Deployments say of themselves alike.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Replicas {
    /// How many pods it is to have.
    pub replicas: Option<u32>,
}

/// How many of its pods are ready.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Ready {
    ready_replicas: u32,
}

/// What has pods.
pub trait Workload: Resource {
    /// Whether as many pods of it are ready as it is to have, which somebody may have changed.
    fn has_all(&self) -> bool;
}

macro_rules! workload {
    ($kind:ident) => {
        #[doc = concat!("A ", stringify!($kind), ".")]
        #[derive(Clone, Debug, Default, Deserialize)]
        #[serde(default)]
        pub struct $kind {
            pub metadata: Metadata,
            pub spec: Replicas,
            status: Ready,
        }
        resource!("apps/v1", $kind);

        impl Workload for $kind {
            fn has_all(&self) -> bool {
                self.status.ready_replicas >= self.spec.replicas.unwrap_or(1)
            }
        }
    };
}

workload!(ReplicaSet);
workload!(StatefulSet);
workload!(Deployment);

/// Whose a pod is.
pub enum Owner {
    ReplicaSet(ReplicaSet),
    StatefulSet(StatefulSet),
    /// Another controller, or one that can't be read: for people.
    Other(String),
    /// Nobody would make it anew.
    Nobody(&'static str),
}

impl Owner {
    pub fn of(pod: &Pod) -> Self {
        let metadata = &pod.metadata;
        let namespace = metadata.namespace.as_deref().unwrap_or_default();
        if metadata.annotations.contains_key("kubernetes.io/config.mirror") {
            return Self::Nobody("it is a static pod of its node's kubelet");
        }
        let Some(owner) = metadata.owner_references.first() else {
            return Self::Nobody("it has no controller that would make it anew");
        };
        let shown = format!("{} {namespace}/{}", owner.kind, owner.name);
        let found = match owner.kind.as_str() {
            "ReplicaSet" => kube::find::<ReplicaSet>(namespace, &owner.name)
                .map(|found| found.filter(|set| set.metadata.uid == owner.uid).map(Self::ReplicaSet)),
            "StatefulSet" => kube::find::<StatefulSet>(namespace, &owner.name)
                .map(|found| found.filter(|set| set.metadata.uid == owner.uid).map(Self::StatefulSet)),
            _ => return Self::Other(shown),
        };
        match found {
            Ok(Some(owner)) => owner,
            Ok(None) => Self::Other(format!("{shown}, which is gone")),
            Err(error) => Self::Other(format!("{shown}, which can't be read: {error}")),
        }
    }

    /// Its metadata, where it is one whose pods may be evicted.
    pub fn metadata(&self) -> Option<&Metadata> {
        match self {
            Self::ReplicaSet(set) => Some(&set.metadata),
            Self::StatefulSet(set) => Some(&set.metadata),
            Self::Other(_) | Self::Nobody(_) => None,
        }
    }

    /// How many pods it is to have.
    pub fn replicas(&self) -> Option<u32> {
        match self {
            Self::ReplicaSet(set) => set.spec.replicas,
            Self::StatefulSet(set) => set.spec.replicas,
            Self::Other(_) | Self::Nobody(_) => None,
        }
    }

    /// What it is, where it comes from, for people.
    pub fn shown(&self) -> String {
        match self {
            Self::ReplicaSet(set) => {
                let owner = set.metadata.owner_references.first();
                let namespace = set.metadata.namespace.as_deref().unwrap_or_default();
                match owner {
                    Some(owner) if owner.kind == "Deployment" => {
                        let origin = kube::find::<Deployment>(namespace, &owner.name).ok().flatten();
                        let origin = origin.and_then(|deployment| deployment.metadata.gitops());
                        format!("Deployment {}{}", owner.name, from(origin))
                    }
                    Some(owner) => format!("{} {}", owner.kind, owner.name),
                    None => format!("ReplicaSet {}", set.metadata.name),
                }
            }
            Self::StatefulSet(set) => {
                format!("StatefulSet {}{}", set.metadata.name, from(set.metadata.gitops()))
            }
            Self::Other(shown) => shown.clone(),
            Self::Nobody(why) => (*why).to_owned(),
        }
    }
}

fn from(origin: Option<String>) -> String {
    origin.map(|origin| format!(" from {origin}")).unwrap_or_default()
}

/// The other pods of a pod's owner.
pub struct Siblings(Result<Vec<Pod>, Error>);

impl Siblings {
    pub fn of(pod: &Pod) -> Self {
        let Some(owner) = pod.metadata.owner_references.first() else { return Self(Ok(Vec::new())) };
        let mut list =
            kube::list::<Pod>().in_namespace(pod.metadata.namespace.as_deref().unwrap_or_default());
        // Not all owners label their pods; those of a ReplicaSet have this.
        if let Some(hash) = pod.metadata.label("pod-template-hash") {
            list = list.with_label("pod-template-hash", hash);
        }
        Self(list.pages_of(PAGE).read().map(|mut pods| {
            pods.retain(|other| {
                other.metadata.is_owned_by(&owner.uid) && other.metadata.uid != pod.metadata.uid
            });
            pods
        }))
    }

    /// All of them.
    ///
    /// # Errors
    /// Why they can't be seen.
    pub fn all(&self) -> Result<&[Pod], &Error> {
        self.0.as_deref()
    }

    /// How many of them are ready, for people.
    pub fn shown(&self) -> String {
        match &self.0 {
            Err(error) => format!("how its siblings are can't be seen: {error}"),
            Ok(pods) if pods.is_empty() => "it has no siblings".to_owned(),
            Ok(pods) => {
                let ready = pods.iter().filter(|pod| pod.is_ready()).count();
                format!("{ready} of its {} siblings ready", pods.len())
            }
        }
    }

    /// One that is neither ready nor ending, so that the cause is hardly this one pod's.
    pub fn stuck(&self) -> Option<&Pod> {
        let is_stuck = |pod: &&Pod| !pod.is_ready() && !pod.is_finished() && !pod.metadata.is_terminating();
        self.0.as_ref().ok()?.iter().find(is_stuck)
    }
}
