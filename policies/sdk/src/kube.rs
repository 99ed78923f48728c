//! The Kubernetes API, as far as the operator's grants reach.
//!
//! ```
//! # use suture_policy::{Result, Duration, kube::{self, Metadata, field, op}, json};
//! # #[derive(serde::Deserialize)] struct Backup { metadata: Metadata }
//! # suture_policy::resource!("example.org/v1", Backup);
//! # fn example() -> Result<()> {
//! let Some(backup) = kube::find::<Backup>("media", "plex")? else { return Ok(()) };
//! let backup = kube::of(&backup);
//! let trigger = backup
//!     .merge_patch(json!({"spec": {"trigger": "now"}}))
//!     .undo(backup.json_patch([op::test("/spec/trigger", "now"), op::remove("/spec/trigger")]))
//!     .send()?;
//! backup.wait(field("/status/done").equals("now"), Duration::hours(1))?;
//! trigger.undo()
//! # }
//! ```

mod change;
mod condition;
mod cron_job;
mod event;
pub mod job;
mod list;
mod managers;
mod name;
pub mod op;
pub mod pod;
mod reference;
mod resource;
#[cfg(feature = "k8s-openapi")]
mod typed;
mod wait;

pub use change::{Change, Undo, Undoable};
pub use condition::Condition;
pub use cron_job::{ActiveJob, CronJob, CronJobSpec, CronJobStatus, JobTemplate, TemplateMetadata};
pub use event::{Event, last_warning};
pub use job::Job;
pub use list::{List, list};
pub use managers::ManagedFields;
pub use name::ObjectName;
pub use pod::Pod;
pub use reference::{Ref, of};
pub use resource::{Metadata, OwnerReference, Resource};
#[cfg(feature = "k8s-openapi")]
pub use typed::Typed;
pub use wait::{Field, Waited, all, any, deleted, field};

pub use crate::wit::kube::{Predicate, Propagation, Test};

use crate::{Duration, Result, host};

/// Read one object.
///
/// # Errors
/// `NotFound` where there is none; what the host says.
pub fn get<T: Resource>(namespace: &str, name: &str) -> Result<T> {
    Ref::new(namespace, name).get()
}

/// Read one object that may not be there.
///
/// # Errors
/// As [`get`], but for `NotFound`. (`NotServed` is one: where the whole kind is not there,
/// nothing is known of the object.)
pub fn find<T: Resource>(namespace: &str, name: &str) -> Result<Option<T>> {
    Ref::new(namespace, name).find()
}

/// Create an object in a namespace. `apiVersion` and `kind` are filled in; with
/// `metadata.generateName` the host chooses the name.
pub fn create<T: Resource>(namespace: &str, object: serde_json::Value) -> Change<T> {
    Change::create(Some(namespace), object)
}

/// Take the lock `name` until this run ends: of all runs of this policy, one at a time
/// has it.
///
/// # Errors
/// `Timeout` where it stays taken for so long.
pub fn exclusive(name: &str, timeout: Duration) -> Result<()> {
    Ok(host::call(|host| host.exclusive(name, timeout.as_millis()))?)
}
