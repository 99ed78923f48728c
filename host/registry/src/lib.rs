//! Policies in registries: pulled and pushed by CNCF's Wasm OCI artifact layout, and verified
//! against a cosign public key.
//!
//! Nothing that a registry says is believed. Everything is read with a bound, is held against
//! its digest, and takes no longer than it may.

mod client;
mod credentials;
mod error;
mod manifest;
mod reference;
mod signature;
mod source;

pub use client::{About, Client, ClientOptions, Pulled};
pub use error::OciError;
pub use reference::{Reference, ReferenceError};
pub use signature::PublicKey;
pub use source::OciSource;
