//! What may be done at the admin address, by whom.

use std::collections::BTreeSet;
use std::fmt::Display;

use axum::http::StatusCode;

use crate::config::Role;
use crate::failure::Failure;

/// What a request needs. Each route names one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Right {
    /// Read metrics.
    Metrics,
    /// See what the API shows.
    View,
    /// Start and cancel runs, try incidents anew or cancel them, pause, resume, drain, sweep.
    Operate,
    /// Put a module to work that waits.
    Accept,
    /// Start a run whose alert nobody confirms.
    Force,
}

impl Right {
    /// The role that has it; `admin` has all.
    fn role(self) -> Role {
        match self {
            Self::Metrics | Self::View => Role::Viewer,
            Self::Operate => Role::Operator,
            Self::Accept | Self::Force => Role::Admin,
        }
    }

    /// What it is for, to whom it is refused.
    fn what(self) -> &'static str {
        match self {
            Self::Metrics => "to read metrics",
            Self::View => "to see this",
            Self::Operate => {
                "to start or cancel runs, to try an incident anew or cancel it, to pause, to resume, to drain and to sweep"
            }
            Self::Accept => "to accept a module",
            Self::Force => "to start a run that Prometheus does not confirm",
        }
    }
}

/// Who makes a request.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    name: String,
    roles: BTreeSet<Role>,
    is_scraper: bool,
}

impl Caller {
    /// Somebody with roles.
    pub fn new(name: &str, roles: impl IntoIterator<Item = Role>) -> Self {
        Self { name: name.to_owned(), roles: roles.into_iter().collect(), is_scraper: false }
    }

    /// Who has the token for metrics and may do nothing else.
    pub fn metrics() -> Self {
        Self { name: "metrics".to_owned(), roles: BTreeSet::new(), is_scraper: true }
    }

    /// What the log calls them.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether they may.
    ///
    /// # Errors
    /// What they lack.
    pub fn require(&self, right: Right) -> Result<(), Failure> {
        let is_scrape = self.is_scraper && right == Right::Metrics;
        if is_scrape || self.roles.contains(&Role::Admin) || self.roles.contains(&right.role()) {
            return Ok(());
        }
        let roles: Vec<_> = self.roles.iter().map(|role| role.as_str()).collect();
        let has =
            if roles.is_empty() { "no role".to_owned() } else { format!("the role {}", roles.join(", ")) };
        let message =
            format!("{} needs the role `{}`; `{}` has {has}", right.what(), right.role().as_str(), self.name);
        Err(Failure::new(StatusCode::FORBIDDEN, "forbidden", message))
    }

    /// Write down that they changed something.
    pub fn did(&self, what: &str, object: impl Display) {
        tracing::info!(who = self.name, what, %object, "done by hand");
    }
}
