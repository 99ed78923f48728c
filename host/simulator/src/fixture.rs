//! What a simulated cluster starts from, as scenarios write it.

mod check;
mod names;
mod template;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use suture_core::effect::PatchType;
use suture_core::{Expression, Glob, HumanDuration, Labels, Timestamp};

pub(crate) use check::known_kinds;
pub use names::{PodName, Reference};
pub use template::Template;

/// A cluster at one moment, and the controllers that act in it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fixture {
    /// When that is: the creation time of objects that do not say theirs.
    pub now: Timestamp,
    /// The objects, as the API server would write them; uids, versions and times may be
    /// left out. An `ownerReferences` entry may leave out the uid of an object that is
    /// here too.
    ///
    /// Where none of them is a Namespace, every namespace exists without being an
    /// object; where one is, only those (and `kube-system`) exist.
    #[serde(default)]
    pub objects: Vec<Value>,
    /// What containers have written.
    #[serde(default)]
    pub logs: Vec<ContainerLog>,
    /// What Prometheus answers.
    #[serde(default)]
    pub prometheus: Vec<QueryAnswer>,
    /// The alerts that Prometheus knows of from the start.
    #[serde(default)]
    pub alerts: Vec<KnownAlert>,
    /// The controllers.
    #[serde(default)]
    pub reactions: Vec<Reaction>,
    /// What happens without a change that sets it off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub later: Vec<Later>,
    /// Effects that fail.
    #[serde(default)]
    pub faults: Vec<FaultRule>,
}

/// What is wrong with a fixture, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct FixtureError {
    /// The place: `objects[2] (v1 Pod media/plex)`.
    pub place: String,
    /// What is wrong there.
    pub message: String,
}

/// What a container has written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContainerLog {
    /// The pod: `NAMESPACE/NAME`.
    pub pod: PodName,
    /// The container.
    pub container: String,
    /// All of it.
    pub text: String,
}

/// What Prometheus answers to one query. It is compared as text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QueryAnswer {
    /// The PromQL expression.
    pub query: String,
    /// The series that it selects; over a range of time their values stay the same.
    #[serde(default)]
    pub result: Vec<SeriesValue>,
}

/// One series and its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SeriesValue {
    /// Its labels.
    #[serde(default)]
    pub labels: Labels,
    /// Its value: a number, or the text `NaN`, `+Inf` or `-Inf`.
    pub value: SampleValue,
}

/// A number, or text that Prometheus writes for one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum SampleValue {
    /// A number.
    Number(f64),
    /// `NaN`, `+Inf`, `-Inf`, or a number as text.
    Text(String),
}

impl SampleValue {
    /// The number; `None` where the text is none.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
        }
    }
}

/// An alert that Prometheus knows of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KnownAlert {
    /// Its labels.
    pub labels: Labels,
    /// Its annotations.
    #[serde(default)]
    pub annotations: Labels,
    /// Whether it fires or is pending.
    #[serde(default)]
    pub state: AlertState,
    /// Since when its expression holds; by default since the fixture's `now`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub active_at: Option<Timestamp>,
}

/// How far an alert is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AlertState {
    /// Its `for` has not passed yet.
    Pending,
    /// It fires.
    #[default]
    Firing,
    /// Its rule does not hold any more, and its `keep_firing_for` has not passed yet.
    KeptFiring,
}

/// A controller: what happens after a change.
///
/// It fires once for each change that matches, whoever made it: the policy, another
/// reaction, or somebody outside.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reaction {
    /// The change.
    pub when: Trigger,
    /// How long after it.
    #[serde(default)]
    pub after: HumanDuration,
    /// How often at most; without it, always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// What happens, in order.
    #[serde(rename = "do")]
    pub actions: Vec<Action>,
}

/// Something that happens by itself: at a time, or just before a run does something. One of
/// the two is said.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Later {
    /// How long after the fixture's `now`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<HumanDuration>,
    /// Before the first effect of a run whose number is this or more, and which the cluster is
    /// asked for. For what happens between two reads that no time lies between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
    /// What happens, in order. There is no `NAME`, and `object` is null.
    #[serde(rename = "do")]
    pub actions: Vec<Action>,
}

/// Which change sets off a reaction. What is left out matches everything, but
/// `subresource`: without it, only changes of the object itself.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Trigger {
    /// How the object was changed.
    pub verb: ChangeVerb,
    /// Its kind.
    pub kind: String,
    /// The kind's API version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Its namespace; `*` stands for any characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Glob>,
    /// Its name; `*` stands for any characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Glob>,
    /// The subresource by which it was changed: `status`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subresource: Option<String>,
    /// CEL over `object` (after the change; of a delete, as it was last), `oldObject`
    /// (before; null when it was created), `now` (RFC 3339), and the function
    /// `object(apiVersion, kind, namespace, name)`. An error counts as no match, and is
    /// kept in the cluster's complaints.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub condition: Option<Expression>,
}

/// How an object was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ChangeVerb {
    /// It was made.
    Create,
    /// It was changed. Also when that let a terminating object go.
    Patch,
    /// It was deleted: it is gone, or terminating from now on.
    Delete,
}

impl ChangeVerb {
    /// As scenarios write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }
}

/// One thing that a reaction does. Where its object is gone, nothing happens.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// Change an object.
    Patch(PatchAction),
    /// Make an object.
    Create(CreateAction),
    /// Delete an object.
    Delete(DeleteAction),
    /// Write to a container's log.
    Log(LogAction),
}

/// Change an object.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchAction {
    /// Which. `NAME` and `NAMESPACE` stand for those of the object that was changed.
    pub target: Reference,
    /// The patch; its texts may hold `${CEL}`.
    pub body: Template,
    /// `status` to change the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subresource: Option<String>,
    /// How `body` is written: `merge` (default) or `json`.
    #[serde(default = "merge", rename = "type")]
    pub patch_type: PatchType,
    /// The field manager that writes it; shown of an object that has `managedFields`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<String>,
}

fn merge() -> PatchType {
    PatchType::Merge
}

/// Make an object.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateAction {
    /// The object; its texts may hold `${CEL}`. Unlike a policy's, its `status` stays.
    pub object: Template,
}

/// Delete an object.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeleteAction {
    /// Which. `NAME` and `NAMESPACE` stand for those of the object that was changed.
    pub target: Reference,
}

/// Write to a container's log.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogAction {
    /// The pod. `NAME` and `NAMESPACE` stand for those of the object that was changed.
    pub pod: PodName,
    /// The container.
    pub container: String,
    /// What it writes; may hold `${CEL}`.
    pub text: Template,
}

/// Effects that fail, before anything is done.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FaultRule {
    /// The effect: `get`, `list`, `create`, `patch`, `apply`, `delete`, `wait`, `logs`,
    /// `query`, `queryRange` or `alerts`.
    pub verb: String,
    /// Only for objects of this kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Only for objects of this name; `*` stands for any characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Glob>,
    /// How many of them succeed first.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skip: u32,
    /// How often; without it, always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// The error's reason: `Unavailable`, `Forbidden`, `Conflict`, …
    pub reason: String,
    /// What the error says.
    #[serde(default)]
    pub message: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}
