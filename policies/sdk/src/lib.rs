//! The library that Suture policies are written with.
//!
//! A policy is a crate with `crate-type = ["cdylib", "rlib"]` that implements [`Policy`]
//! and names it in [`policy!`]; `suture build` makes a component of it. This is a whole
//! one: it restarts what does not become ready after its configuration was replaced.
//!
//! ```
//! use suture_policy::{Duration, Error, Incident, Manifest, Outcome, Policy, json};
//! use suture_policy::{kube::{self, Metadata, Waited, field}, step};
//!
//! #[derive(serde::Deserialize)]
//! struct Deployment { metadata: Metadata }
//! suture_policy::resource!("apps/v1", Deployment);
//!
//! /// What the operator may set: this becomes the manifest's schema.
//! #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
//! #[serde(default)]
//! struct Settings {
//!     /// How long it may take to come back.
//!     patience: Duration,
//! }
//!
//! impl Default for Settings {
//!     fn default() -> Self { Self { patience: Duration::minutes(10) } }
//! }
//!
//! struct Restart;
//! suture_policy::policy!(Restart);
//!
//! impl Policy for Restart {
//!     type Settings = Settings;
//!
//!     fn manifest() -> Manifest {
//!         Manifest::new("restart", env!("CARGO_PKG_VERSION"), "Restarts a Deployment, once.")
//!             .matcher(r#"alertname="DeploymentUnavailable""#)
//!             .key(["namespace", "deployment"])
//!             .permission("apps", ["deployments"], ["get", "patch"], "to restart it")
//!             .settings::<Settings>()
//!     }
//!
//!     fn remediate(incident: Incident, settings: Settings) -> Result<Outcome, Error> {
//!         let (namespace, name) = (incident.key("namespace")?, incident.key("deployment")?);
//!         let Some(deployment) = kube::find::<Deployment>(namespace, name)? else {
//!             return Ok(Outcome::unnecessary(format!("{name} is gone")));
//!         };
//!         step!("restarting {name}");
//!         let deployment = kube::of(&deployment);
//!         let stamp = json!({"example.org/restarted-by": incident.id});
//!         deployment.merge_patch(json!({"spec": {"template": {"metadata": {"annotations": stamp}}}})).send()?;
//!         match deployment.wait(field("/status/unavailableReplicas").absent(), settings.patience)? {
//!             Waited::Met(_) => Ok(Outcome::remediated(format!("{name} was restarted and is available"))),
//!             _ => Ok(Outcome::escalate(format!("{name} was restarted and is still not available"))),
//!         }
//!     }
//! }
//! # fn main() {}
//! ```
//!
//! What an author must know: a policy is **deterministic** (the same incident and the
//! same answers lead to the same calls; after a crash the host feeds the recorded answers
//! into a fresh instance), and it keeps **nothing between runs**. Otherwise it is ordinary,
//! blocking code: a [wait](kube::Ref::wait) may last hours and costs nothing.
//!
//! A change that must not outlive the run is sent with what takes it back
//! ([`Change::undo`](kube::Change::undo)); the host sees to that, however the run ends.
//!
//! Where to look next:
//!
//! | for | see |
//! |---|---|
//! | reading, listing, changing, waiting | [`kube`], [`kube::Ref`], [`kube::list`], [`kube::Change`] |
//! | kinds of your own, and all fields of Kubernetes' | [`resource!`], `kube::Typed` (feature `k8s-openapi`) |
//! | what an operator may set | [`Manifest::settings`] (feature `schemars`, on by default), [`Manifest::setting`] |
//! | sizes, CPU, times | [`Quantity`], [`Duration`], [`Time`] |
//! | ending a run from deep inside | [`stop`] |
//! | what went wrong, and with which object | [`Error`] |
//! | fields that a younger operator may write otherwise | [`lenient`] |
//! | objects for unit tests | `testing` |
//!
//! For unit tests the same code runs natively, on the objects of `testing`; within this project also on a
//! simulated cluster (`suture-mock`). Scenarios (`suture test`) play the component itself.

pub mod clock;
mod component;
mod duration;
mod error;
pub mod host;
mod incident;
pub mod kube;
pub mod lenient;
pub mod log;
mod manifest;
mod outcome;
mod permission;
pub mod prometheus;
mod quantity;
#[cfg(feature = "schemars")]
mod settings;
pub mod stop;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod text;
mod time;
#[doc(hidden)]
pub mod wit;

#[doc(hidden)]
pub use component::Component;
pub use component::{manifest, remediate};
pub use duration::Duration;
pub use error::{Error, Result, reason};
pub use incident::{Alert, Incident, Labels};
pub use manifest::{Manifest, Setting};
pub use outcome::Outcome;
pub use permission::Permission;
pub use quantity::Quantity;
pub use time::Time;

pub use serde_json::{Value, json};

/// A policy.
pub trait Policy {
    /// What the operator may set. The host has checked the settings against the
    /// manifest's schema and filled in the defaults.
    type Settings: serde::de::DeserializeOwned;

    /// What this policy says of itself. A constant: no call to the host is possible here.
    fn manifest() -> Manifest;

    /// Repair one incident.
    ///
    /// # Errors
    /// That the policy could not conclude. The host takes back what was not kept and
    /// retries as the operator's settings say.
    fn remediate(incident: Incident, settings: Self::Settings) -> Result<Outcome>;
}
