//! The host over HTTP: the webhook that Alertmanager posts to, the admin API, metrics
//! and health; and the configuration file that says what a host is made of.
//!
//! [`Server::start`] reads a configuration, puts the pieces together, and listens.
//! [`check`](fn@check::check) reads the same configuration by the same code, offline.

mod api;
mod assemble;
pub mod check;
pub mod config;
mod failure;
mod listener;
mod name;
mod server;
mod token;
mod webhook;

pub use assemble::{ServeOptions, Simulated};
pub use check::{CheckReport, check};
pub use config::{Config, ConfigError};
pub use server::{ServeError, Server};
