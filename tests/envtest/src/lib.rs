//! A real Kubernetes control plane for tests: etcd, kube-apiserver (RBAC on) and
//! kube-controller-manager, on loopback, with certificates made for the occasion.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! let plane = suture_envtest::ControlPlane::shared();
//! let media = plane.namespace("media").await?;
//! let client = plane.client()?;
//! # Ok(()) }
//! ```
//!
//! There is no kubelet and no scheduler: pods are objects that nothing runs.

mod account;
mod apply;
mod assets;
mod certificates;
mod kubeconfig;
mod plane;
mod process;

pub use assets::{assets, program};
pub use plane::ControlPlane;
pub use process::{Process, eventually, found, free_port};
