//! A real Kubernetes cluster, through its API server.

pub mod access;
pub mod events;
pub mod lease;
