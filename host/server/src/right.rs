//! What may be done at the admin address, by whom.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::Arc;

use axum::http::StatusCode;
use parking_lot::Mutex;
use suture_core::{IncidentId, RunId};
use suture_journal::{Credential, IncidentRecord, Subject};

use crate::audit::Noted;
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
    by: Credential,
    roles: BTreeSet<Role>,
    is_scraper: bool,
    /// What is said of what they do with this request. Clones share it.
    noted: Arc<Mutex<Noted>>,
}

impl Caller {
    /// Somebody with roles.
    pub fn new(name: &str, by: Credential, roles: impl IntoIterator<Item = Role>) -> Self {
        let roles = roles.into_iter().collect();
        Self { name: name.to_owned(), by, roles, is_scraper: false, noted: Arc::default() }
    }

    /// The same person with another request.
    pub fn afresh(&self) -> Self {
        Self { noted: Arc::default(), ..self.clone() }
    }

    /// The same person, known by the session of a browser.
    pub fn by_session(&self) -> Self {
        Self { by: Credential::Session, ..self.afresh() }
    }

    /// Who has the token for metrics and may do nothing else.
    pub fn metrics() -> Self {
        Self { is_scraper: true, ..Self::new("metrics", Credential::MetricsToken, []) }
    }

    /// What the log calls them.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How they were authenticated.
    pub fn by(&self) -> Credential {
        self.by
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
        let mut noted = self.noted.lock();
        noted.policy = policy.map(str::to_owned);
        noted.incident = incident.map(|incident| incident.as_str().to_owned());
        noted.run = run.map(|run| run.as_str().to_owned());
        noted.object.clone_from(object);
        drop(noted);
        let (incident, run) = (incident.map(IncidentId::as_str), run.map(RunId::as_str));
        tracing::info!(who = self.name, what, policy, incident, run, object, "done by hand");
    }

    /// Why they want it, in their words. Said before it is done, it stands in the audit trail also where it is
    /// refused.
    pub fn because(&self, reason: &str) {
        self.noted.lock().reason = Some(reason.to_owned());
    }

    /// They start a run that nothing confirms.
    pub fn forces(&self) {
        self.noted.lock().is_forced = true;
    }

    /// They have changed nothing: no row of the audit trail tells of it.
    pub fn only_looked(&self) {
        self.noted.lock().is_only_a_look = true;
    }

    /// What was said of what they do.
    pub fn noted(&self) -> Noted {
        self.noted.lock().clone()
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
