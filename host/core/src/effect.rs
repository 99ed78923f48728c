//! Everything a policy does to the world.
//!
//! One [`Effect`] for each import of the `suture:policy` world, one [`Reply`] for
//! each result. Both are plain data: they are what the journal stores, what the
//! guard checks, and what two versions of a policy are compared by.

mod confidential;
mod mutation;
mod nature;
mod normal;
mod predicate;
mod reply;
mod request;
mod table;
mod words;

use serde::{Deserialize, Serialize};

pub use mutation::{Apply, Create, Delete, Mutation, MutationType, Patch, PatchType, Propagation};
pub use nature::Nature;
pub use predicate::{Op, Predicate, Test};
pub use reply::{ActiveAlert, Page, Point, Reply, Sample, Series, Waited};
pub use request::ApiRequest;
pub use table::{Answerer, OnObject};
pub use words::About;

use crate::object::{Kind, ObjectRef};

/// One call of a policy to its host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, strum::EnumDiscriminants)]
#[strum_discriminants(
    name(EffectType),
    derive(Hash, PartialOrd, Ord, strum::VariantArray),
    doc = "Which call it is, without what it asks for."
)]
#[serde(tag = "verb", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[expect(clippy::large_enum_variant, reason = "one exists at a time in a run")]
pub enum Effect {
    /// Read one object.
    Get {
        /// The object to read.
        target: Target,
    },
    /// Read some objects of a kind.
    List(Query),
    /// Change the cluster.
    Mutate {
        /// The change.
        mutation: Mutation,
        /// What takes it back at the end of the run, unless settled before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undo: Option<Mutation>,
    },
    /// Settle the undo of an earlier step.
    Settle {
        /// The number of the step that made the change.
        step: u32,
        /// Run the undo now; otherwise the change is to stay.
        run_undo: bool,
    },
    /// Wait until an object is as described.
    Wait {
        /// Which object.
        target: Target,
        /// What to wait for.
        until: Predicate,
        /// How long at most, in milliseconds.
        timeout_ms: u64,
    },
    /// Read the end of a container's log.
    Logs {
        /// The pod.
        pod: Target,
        /// The container; empty where the pod has one.
        container: String,
        /// How many lines at most; 0 for no limit.
        tail_lines: u32,
        /// How many bytes at most; 0 for the host's limit.
        limit_bytes: u32,
    },
    /// Take a lock until the run ends.
    Exclusive {
        /// Its name; one name space a policy.
        name: String,
        /// How long to wait for it, in milliseconds.
        timeout_ms: u64,
    },
    /// Evaluate a PromQL expression.
    Query {
        /// The expression.
        expression: String,
    },
    /// Evaluate a PromQL expression over a range of time.
    QueryRange {
        /// The expression.
        expression: String,
        /// Milliseconds since the Unix epoch.
        start_ms: u64,
        /// Milliseconds since the Unix epoch.
        end_ms: u64,
        /// Milliseconds.
        step_ms: u64,
    },
    /// List the alerts that Prometheus knows of.
    Alerts,
    /// Ask for the time.
    Now,
    /// Pause.
    Sleep {
        /// How long, in milliseconds.
        duration_ms: u64,
    },
    /// Write a line into the timeline.
    Log {
        /// How important it is.
        level: Level,
        /// The line.
        message: String,
    },
    /// Say what comes next.
    Step {
        /// A heading of the timeline.
        title: String,
    },
}

impl Effect {
    /// Its type.
    pub fn effect_type(&self) -> EffectType {
        self.into()
    }

    /// A short name for metrics and timelines.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Mutate { mutation, .. } => mutation.mutation_type().as_str(),
            other => other.effect_type().as_str(),
        }
    }

    /// Whether the API server, Prometheus or the host itself answers it.
    pub fn answerer(&self) -> Answerer {
        self.effect_type().answerer()
    }

    /// The kind of the objects that it is about; none where the API server is not asked.
    pub fn kind(&self) -> Option<&Kind> {
        Some(self.requests(false).first()?.kind)
    }

    /// The object that it is about. Of a list, and of what has yet to get one, the name is empty.
    pub fn object(&self) -> Option<ObjectRef> {
        let ApiRequest { kind, namespace, name, .. } = *self.requests(false).first()?;
        Some(ObjectRef {
            kind: kind.clone(),
            namespace: namespace.map(str::to_owned),
            name: name.unwrap_or_default().to_owned(),
        })
    }
}

/// One object, as a policy names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// Its kind.
    #[serde(flatten)]
    pub kind: Kind,
    /// None where the kind has no namespaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Where given: only the object with this uid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// `status`, `scale`, …; none for the object itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subresource: Option<String>,
}

impl Target {
    /// The object's identity without uid and subresource.
    pub fn reference(&self) -> ObjectRef {
        ObjectRef { kind: self.kind.clone(), namespace: self.namespace.clone(), name: self.name.clone() }
    }
}

/// Some objects of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Query {
    /// Their kind.
    #[serde(flatten)]
    pub kind: Kind,
    /// None for all namespaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// A label selector; empty for all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub labels: String,
    /// A field selector; empty for all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub fields: String,
    /// The most objects to return; 0 for [`Query::DEFAULT_LIMIT`].
    #[serde(default)]
    pub limit: u32,
    /// Where the page begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Only `apiVersion`, `kind` and `metadata`.
    #[serde(default)]
    pub metadata_only: bool,
}

impl Query {
    /// How many objects a page has where the policy does not say, and at most.
    pub const DEFAULT_LIMIT: u32 = 500;
}

/// How important a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// For the policy's author.
    Debug,
    /// For whoever reads the timeline.
    Info,
    /// Something is not as it should be.
    Warn,
    /// Something failed.
    Error,
}
