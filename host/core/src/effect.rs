//! Everything a policy does to the world.
//!
//! One [`Effect`] for each import of the `suture:policy` world, one [`Reply`] for
//! each result. Both are plain data: they are what the journal stores, what the
//! guard checks, and what two versions of a policy are compared by.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::alert::Labels;
use crate::clock::Timestamp;
use crate::object::{Kind, Object, ObjectRef};

/// One call of a policy to its host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[expect(clippy::large_enum_variant, reason = "one exists at a time in a run")]
pub enum Effect {
    /// Read one object.
    Get {
        /// Which.
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
    /// A short name for metrics and timelines.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Get { .. } => "get",
            Self::List(_) => "list",
            Self::Mutate { mutation, .. } => mutation.verb(),
            Self::Settle { .. } => "settle",
            Self::Wait { .. } => "wait",
            Self::Logs { .. } => "logs",
            Self::Exclusive { .. } => "exclusive",
            Self::Query { .. } => "query",
            Self::QueryRange { .. } => "queryRange",
            Self::Alerts => "alerts",
            Self::Now => "now",
            Self::Sleep { .. } => "sleep",
            Self::Log { .. } => "log",
            Self::Step { .. } => "step",
        }
    }

    /// Whether it changes the cluster.
    pub fn is_mutation(&self) -> bool {
        matches!(self, Self::Mutate { .. })
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

/// One change to the cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mutation {
    /// Make an object.
    Create(Create),
    /// Change an object.
    Patch(Patch),
    /// Server-side apply.
    Apply(Apply),
    /// Delete an object.
    Delete(Delete),
}

impl Mutation {
    /// `create`, `patch`, `apply` or `delete`.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Create(_) => "create",
            Self::Patch(_) => "patch",
            Self::Apply(_) => "apply",
            Self::Delete(_) => "delete",
        }
    }

    /// The object concerned. The name of a create with `generateName` is empty
    /// until the effect is prepared.
    pub fn reference(&self) -> ObjectRef {
        match self {
            Self::Create(create) => ObjectRef {
                kind: create.kind.clone(),
                namespace: create.namespace.clone(),
                name: crate::object::name(&create.object).unwrap_or_default().to_owned(),
            },
            Self::Patch(Patch { target, .. })
            | Self::Apply(Apply { target, .. })
            | Self::Delete(Delete { target, .. }) => target.reference(),
        }
    }

    /// The subresource concerned.
    pub fn subresource(&self) -> Option<&str> {
        match self {
            Self::Create(create) => create.subresource.as_deref(),
            Self::Patch(Patch { target, .. })
            | Self::Apply(Apply { target, .. })
            | Self::Delete(Delete { target, .. }) => target.subresource.as_deref(),
        }
    }

    /// The target, where the object must exist before.
    pub fn target_mut(&mut self) -> Option<&mut Target> {
        match self {
            Self::Create(_) => None,
            Self::Patch(Patch { target, .. })
            | Self::Apply(Apply { target, .. })
            | Self::Delete(Delete { target, .. }) => Some(target),
        }
    }
}

/// Make an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Create {
    /// Its kind.
    #[serde(flatten)]
    pub kind: Kind,
    /// None where the kind has no namespaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The object.
    pub object: Value,
    /// A subresource to create (`eviction`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subresource: Option<String>,
}

/// Change an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Patch {
    /// Which.
    pub target: Target,
    /// How `body` is written.
    #[serde(rename = "type")]
    pub patch_type: PatchType,
    /// The patch.
    pub body: Value,
    /// Only at this version, else `Conflict`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_version: Option<String>,
}

/// How a patch is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PatchType {
    /// JSON merge patch, RFC 7386.
    Merge,
    /// JSON patch, RFC 6902.
    Json,
}

/// Server-side apply under the policy's field manager.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Apply {
    /// Which object.
    pub target: Target,
    /// The fields to own.
    pub object: Value,
    /// Take fields that another manager owns.
    #[serde(default)]
    pub force: bool,
}

/// Delete an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delete {
    /// Which.
    pub target: Target,
    /// What becomes of the objects it owns.
    #[serde(default)]
    pub propagation: Propagation,
    /// Only at this version, else `Conflict`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_version: Option<String>,
}

/// What becomes of the objects that a deleted one owns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Propagation {
    /// They go after it.
    #[default]
    Background,
    /// They go before it.
    Foreground,
    /// They stay.
    Orphan,
}

/// What a wait is for. Data, never an expression that a policy supplies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Predicate {
    /// The object is gone, or replaced by another of its name.
    Deleted,
    /// All tests hold.
    All(Vec<Test>),
    /// At least one holds.
    Any(Vec<Test>),
}

impl Predicate {
    /// Whether it holds for an object that exists.
    pub fn holds(&self, object: &Value) -> bool {
        match self {
            Self::Deleted => false,
            Self::All(tests) => tests.iter().all(|test| test.holds(object)),
            Self::Any(tests) => tests.iter().any(|test| test.holds(object)),
        }
    }
}

/// One question about an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Test {
    /// A JSON pointer, RFC 6901.
    pub pointer: String,
    /// The comparison.
    pub op: Op,
    /// What to compare with; null for `exists` and `absent`.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub value: Value,
}

impl Test {
    /// Whether it holds for an object. Null counts as no value.
    pub fn holds(&self, object: &Value) -> bool {
        let found = object.pointer(&self.pointer).filter(|value| !value.is_null());
        match self.op {
            Op::Exists => found.is_some(),
            Op::Absent => found.is_none(),
            Op::Equals => found == Some(&self.value),
            Op::NotEquals => found != Some(&self.value),
        }
    }
}

/// A comparison in a [`Test`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Op {
    /// There is a value.
    Exists,
    /// There is none.
    Absent,
    /// It is equal.
    Equals,
    /// It is different, or absent.
    NotEquals,
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

/// What an effect brought.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Reply {
    /// Of `Get`: the object.
    Object(Object),
    /// Of `List`: one page.
    Page(Page),
    /// Of `Mutate`: the object as it is now; of a delete, as it was last seen.
    Mutated(Object),
    /// Of `Settle`.
    Settled,
    /// Of `Wait`.
    Waited(Waited),
    /// Of `Logs`: the text.
    Logs(String),
    /// Of `Exclusive`: the run holds the lock.
    Held,
    /// Of `Query`.
    Samples(Vec<Sample>),
    /// Of `QueryRange`.
    Series(Vec<Series>),
    /// Of `Alerts`.
    Alerts(Vec<ActiveAlert>),
    /// Of `Now`.
    Now(Timestamp),
    /// Of `Sleep`: the time is up.
    Slept,
    /// Of `Log` and `Step`.
    Noted,
}

/// One page of a list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// The objects.
    pub items: Vec<Object>,
    /// Where the next page begins; none on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The version of the list.
    pub resource_version: String,
}

/// How a wait ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Waited {
    /// The predicate held: the object as it was then.
    Met(Object),
    /// The object is gone.
    Deleted,
    /// It did not happen in time.
    Timeout,
}

/// A value of a series at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// The labels of the series.
    pub labels: Labels,
    /// Milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The value. NaN and infinities are written as text, which JSON numbers can't.
    #[serde(with = "number")]
    pub value: f64,
}

/// A series over a range of time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Series {
    /// The labels of the series.
    pub labels: Labels,
    /// Its values, oldest first.
    pub points: Vec<Point>,
}

/// A value at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    /// Milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// The value.
    #[serde(with = "number")]
    pub value: f64,
}

/// An alert that Prometheus knows of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActiveAlert {
    /// Its labels.
    pub labels: Labels,
    /// Its annotations.
    #[serde(default)]
    pub annotations: Labels,
    /// False while it is pending.
    pub firing: bool,
    /// Since when its expression holds.
    pub active_at: Timestamp,
}

/// Floats as numbers, or as text where JSON has no number for them.
mod number {
    use serde::{Deserialize, Deserializer, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(f64),
        Text(String),
    }

    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        if value.is_finite() { serializer.serialize_f64(*value) } else { serializer.collect_str(value) }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Number(value) => Ok(value),
            Written::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_null_value_counts_as_absent_and_as_different() {
        let object = json!({"spec": {"a": null, "b": 1}});
        let holds = |pointer: &str, op, value| Test { pointer: pointer.into(), op, value }.holds(&object);
        assert!(holds("/spec/a", Op::Absent, Value::Null));
        assert!(holds("/spec/a", Op::NotEquals, json!(1)));
        assert!(holds("/spec/b", Op::Equals, json!(1)));
        assert!(!holds("/spec/c/d", Op::Exists, Value::Null));
    }

    #[test]
    fn a_sample_that_is_not_a_number_survives_the_journal() {
        let sample = Sample { labels: Labels::new(), at_ms: 1, value: f64::INFINITY };
        let text = serde_json::to_string(&sample).unwrap();
        assert_eq!(serde_json::from_str::<Sample>(&text).unwrap(), sample);
    }
}
