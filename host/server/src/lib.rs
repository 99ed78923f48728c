//! The host over HTTP: the webhook that Alertmanager posts to, the admin API, metrics
//! and health; and the configuration file that says what a host is made of.
//!
//! [`Standby::start`] reads a configuration, puts the pieces together, and listens; once
//! the host is the one that acts, it becomes a [`Server`].
//! [`check`](fn@check::check) reads the same configuration by the same code, offline.

mod admission;
mod api;
mod approvals;
mod assemble;
mod audit;
mod basic;
mod beside;
mod catalog;
pub mod check;
pub mod config;
mod console;
mod doctor;
mod drills;
mod events;
mod failure;
mod gate;
mod leadership;
mod listener;
mod name;
mod rbac;
mod receivers;
mod right;

mod lookup;
mod rights;
mod secret_file;
mod server;
mod silences;
mod standby;
mod sweep;
mod telemetry;
mod tls;
mod token;

mod transport;
mod webhook;

pub use api::effects::RunDiff;
pub use api::openapi;
pub use api::status::{HostStatus, Inbox, JournalUse, PolicyStanding, Upstream, WaitingLine};
pub use assemble::{ServeOptions, Simulated, confirm, prometheus};
pub use catalog::kept_module;
pub use check::{CheckReport, Secrets, check, check_text};
pub use config::{Config, ConfigError};
pub use rbac::{RbacReport, rbac};
pub use server::{ServeError, Server};
pub use standby::Standby;
pub use suture_engine::ShownIncident;
pub use suture_runtime::Compiler;
