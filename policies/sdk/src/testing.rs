//! Kubernetes objects for tests, as short as what matters about them.
//!
//! ```
//! use suture_policy::kube::Job;
//! use suture_policy::testing::{job, pod};
//!
//! let failed: Job = job("media", "thumbnails").failed("DeadlineExceeded", "too slow").read();
//! assert_eq!(failed.failure().map(|failure| failure.reason.as_str()), Some("DeadlineExceeded"));
//!
//! let of_it = pod("media", "thumbnails-x7k2p").owned_by(&job("media", "thumbnails")).phase("Failed");
//! assert_eq!(of_it.value()["metadata"]["labels"]["job-name"], "thumbnails");
//! ```
//!
//! What a builder has no word for is [set](Object::set) by its JSON pointer. The same objects stand in the
//! clusters that `suture-mock` simulates, and in a scenario's `given.objects`.

mod claim;
mod cron_job;
mod event;
mod job;
mod node;
mod object;
mod pod;

pub use claim::claim;
pub use cron_job::cron_job;
pub use event::event;
pub use job::job;
pub use node::node;
pub use object::Object;
pub use pod::pod;
