//! The one trait that every layer between a policy and a cluster shares.
//!
//! ```text
//! policy ─► Journal ─► Guard ─► Mode ─► Cluster
//! ```
//!
//! An effect passes through in up to three steps, because what may have happened
//! must always be decidable:
//!
//! 1. [`prepare`](EffectHandler::prepare) refuses it, or makes it one definite act:
//!    the final name, the uid and version of the object it changes, an absolute
//!    deadline. The journal stores that as the *intent*.
//! 2. [`perform`](EffectHandler::perform) does it. The journal stores the reply.
//! 3. [`resolve`](EffectHandler::resolve), after a crash between the two, finds out
//!    by reading whether it happened.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::effect::{ApiRequest, Effect, Reply};
use crate::error::{Error, Reason};
use crate::grant::Access;
use crate::incident::RunId;
use crate::limits::LimitExceeded;
use crate::object::Object;

/// A step of a run: what `suture.dev/run` on an object that it made says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Step {
    /// The run.
    pub run: RunId,
    /// The number of the effect in the run, from 1. Undos that the host runs go on
    /// counting.
    pub number: u32,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.run, self.number)
    }
}

impl FromStr for Step {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text
            .split_once('/')
            .and_then(|(run, number)| Some(Self { run: RunId::new(run), number: number.parse().ok()? }));
        parsed.ok_or_else(|| format!("`{text}` is not of the form RUN/STEP"))
    }
}

/// An effect that has become one definite act.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prepared {
    /// Which step of which run.
    pub step: Step,
    /// The effect, with everything filled in.
    pub effect: Effect,
    /// When a wait, a sleep or a lock gives up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
    /// Ask the API server what would happen, and change nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// The field manager of a mutation: `suture-POLICY`. One a policy, because a second
    /// apply by the same manager takes back the fields of the first.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub manager: String,
    /// Whether the grants allow it only once a person has approved it. Not stored: it is asked of
    /// the grants of today.
    #[serde(skip)]
    pub needs_approval: bool,
    /// The object at the version that is pinned. Not stored: it may hold what the
    /// journal must not (a Secret's values).
    #[serde(skip)]
    pub before: Option<Object>,
}

impl Prepared {
    /// An effect as it was asked for, with nothing filled in.
    pub fn new(step: Step, effect: Effect) -> Self {
        Self {
            step,
            effect,
            deadline: None,
            dry_run: false,
            manager: String::new(),
            needs_approval: false,
            before: None,
        }
    }
}

/// What reading says of an intent that has no reply.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Resolution {
    /// It happened, and this is what it brought.
    Done(Reply),
    /// It did not happen.
    NotDone,
    /// It can't be told. The text says why.
    Unknown(String),
}

/// Why an effect has no reply: an error for the policy, or the end of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
pub enum Fault {
    /// The policy receives it and may go on.
    #[error(transparent)]
    Error(#[from] Error),
    /// The run ends here; the policy is not asked.
    #[error(transparent)]
    Halt(#[from] Halt),
}

/// Why the host ends a run that the policy has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
pub enum Halt {
    /// Observe mode: what follows depends on a change that was not made.
    #[error("planned: what follows depends on changes that observe mode does not make")]
    Planned,
    /// The policy used more than it may.
    #[error(transparent)]
    Limit(LimitExceeded),
    /// Somebody cancelled the run.
    #[error("cancelled: {0}")]
    Cancelled(String),
    /// The host is shutting down, and the run is picked up at the next start; or it was drained.
    #[error("interrupted: the host stops, or was drained")]
    Shutdown,
    /// The run waits for longer than its instance stays: another one goes on with it.
    #[error("suspended: the run waits without an instance")]
    Suspended,
    /// The alert is silenced, and nothing was changed yet.
    #[error("left alone: {0}")]
    Silenced(String),
    /// The journal can't be written, so nothing may be done.
    #[error("the journal can't be written: {0}")]
    Journal(String),
    /// On replay the policy asked for something else than was recorded.
    #[error("the policy is not deterministic at step {step}: recorded {recorded}, asked {asked}")]
    Nondeterminism {
        /// The step.
        step: u32,
        /// What the journal holds.
        recorded: String,
        /// What the policy asked for now.
        asked: String,
    },
}

/// A layer between a policy and a cluster.
#[async_trait]
pub trait EffectHandler: Send + Sync {
    /// Refuse an effect, or make it one definite act. Reads only.
    async fn prepare(&self, step: &Step, effect: &Effect) -> Result<Prepared, Fault>;

    /// Do what was prepared. Asked once for each intent.
    async fn perform(&self, prepared: &Prepared) -> Result<Reply, Fault>;

    /// Find out whether it was done. Reads only; asked of mutations whose reply is
    /// not on record.
    async fn resolve(&self, prepared: &Prepared) -> Result<Resolution, Fault>;
}

#[async_trait]
impl<T: EffectHandler + ?Sized> EffectHandler for std::sync::Arc<T> {
    async fn prepare(&self, step: &Step, effect: &Effect) -> Result<Prepared, Fault> {
        (**self).prepare(step, effect).await
    }

    async fn perform(&self, prepared: &Prepared) -> Result<Reply, Fault> {
        (**self).perform(prepared).await
    }

    async fn resolve(&self, prepared: &Prepared) -> Result<Resolution, Fault> {
        (**self).resolve(prepared).await
    }
}

/// How a cluster names a kind in its API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// The plural: `replicationsources`.
    pub plural: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

/// Why a cluster does not answer what the host itself answers.
pub fn not_for_a_cluster(effect: &Effect) -> Error {
    let message = format!("`{}` is answered by the host, not by a cluster", effect.verb());
    Error::new(Reason::UNSUPPORTED, message)
}

impl Resource {
    /// A request, by the names of this resource.
    pub fn access<'a>(&'a self, request: &ApiRequest<'a>) -> Access<'a> {
        Access {
            group: request.kind.group(),
            resource: &self.plural,
            subresource: request.subresource,
            verb: request.verb,
            namespace: request.namespace,
            namespaced: self.namespaced,
            name: request.name,
        }
    }
}

/// Knows the resources of a cluster (the API server's discovery).
#[async_trait]
pub trait Discovery: Send + Sync {
    /// The resource of a kind; `NotServed` where the cluster has none.
    async fn resource(&self, kind: &crate::object::Kind) -> Result<Resource, Error>;
}

#[async_trait]
impl<T: Discovery + ?Sized> Discovery for std::sync::Arc<T> {
    async fn resource(&self, kind: &crate::object::Kind) -> Result<Resource, Error> {
        (**self).resource(kind).await
    }
}
