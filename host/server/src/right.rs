//! What may be done at the admin address, by whom.

use std::collections::BTreeSet;
use std::fmt::Display;

use axum::http::StatusCode;
use suture_core::{IncidentId, RunId};
use suture_journal::{IncidentRecord, Subject};

use crate::config::Role;
use crate::failure::Failure;

/// What a request needs. Each route names one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Right {
    /// Read metrics.
    Metrics,
    /// See what the API shows.
    View,
    /// Start and cancel runs, try incidents anew, cancel or close them, pause, resume, drain, sweep.
    Operate,
    /// Approve and reject plans.
    Approve,
    /// Accept a module that waits.
    Accept,
    /// Start a run whose alert nobody confirms.
    Force,
}

impl Right {
    /// The role that has it; `admin` has all.
    pub fn role(self) -> Role {
        match self {
            Self::Metrics | Self::View => Role::Viewer,
            Self::Operate => Role::Operator,
            Self::Approve => Role::Approver,
            Self::Accept | Self::Force => Role::Admin,
        }
    }

    /// What it is for, to whom it is refused.
    fn what(self) -> &'static str {
        match self {
            Self::Metrics => "to read metrics",
            Self::View => "to see this",
            Self::Operate => {
                "to start or cancel runs, to try an incident anew, cancel or close it, to pause, to resume, to drain and \
                 to sweep"
            }
            Self::Approve => "to approve or reject a plan",
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
        self.did_to(what, &Deed { object: Some(object.to_string()), ..Deed::default() });
    }

    /// Write down that they did something to an incident, a run, a policy.
    pub fn did_to(&self, what: &str, deed: &Deed<'_>) {
        let Deed { policy, incident, run, object } = deed;
        let (incident, run) = (incident.map(IncidentId::as_str), run.map(RunId::as_str));
        tracing::info!(who = self.name, what, policy, incident, run, object, "done by hand");
    }
}

/// What somebody did something to, as far as there is one of each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deed<'a> {
    pub policy: Option<&'a str>,
    pub incident: Option<&'a IncidentId>,
    pub run: Option<&'a RunId>,
    /// What it is about: the object of an incident, a module.
    pub object: Option<String>,
}

impl<'a> Deed<'a> {
    /// Something that is done to an incident.
    pub fn of_incident(incident: &'a IncidentRecord) -> Self {
        let Subject { namespace, object } = Subject::of(&incident.key, &incident.alert.labels);
        let object = namespace.into_iter().chain(object).collect::<Vec<_>>().join("/");
        Self { policy: Some(&incident.policy), incident: Some(&incident.id), run: None, object: Some(object) }
    }
}
