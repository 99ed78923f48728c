//! A world in which the real VolSync runs: its operator on a real control plane, its
//! movers as local processes with the real mover script and the real restic.
//!
//! What is played is what a test machine has no root file systems and disks for: the
//! kubelet, the scheduler and the storage of one [`Node`]. What they do is visible to
//! everybody else through the API server only, as it is of the real ones.

mod container;
mod environment;
mod files;
mod kubelet;
mod logs;
mod node;
mod operator;
mod repository;
mod storage;

pub use node::Node;
pub use operator::Operator;
pub use repository::{Lock, Repository};
