//! Sees to repositories of Kopiur that are not ready, and to maintenance that yields. The operator
//! heals what it can by itself, and what it can't is a person's to decide: so this policy waits,
//! and tells a person in the operator's own words. By setting it asks for a quick maintenance.
//!
//! Why it does what it does stands in README.md.

mod heal;
mod lease;
mod maintenance;
mod manifest;
mod quick;
mod reference;
mod repository;
mod subject;
mod words;

use suture_policy::stop::{Stop, denied_is_for_people, escalate};
use suture_policy::{Error, Incident, Manifest, Outcome, Policy};

use manifest::Settings;
use reference::RepositoryRef;
use subject::Subject;

/// The policy.
pub struct KopiurRepository;

suture_policy::policy!(KopiurRepository);

impl Policy for KopiurRepository {
    type Settings = Settings;

    fn manifest() -> Manifest {
        manifest::manifest()
    }

    fn remediate(incident: Incident, settings: Settings) -> Result<Outcome, Error> {
        repair(&incident, &settings)
            .map(Outcome::remediated)
            .or_else(Stop::outcome)
            .or_else(denied_is_for_people)
    }
}

/// The whole repair. `Ok` says what has helped; every `?` ends it earlier.
fn repair(incident: &Incident, settings: &Settings) -> Result<String, Stop> {
    match Subject::of(incident)? {
        Subject::Maintenance { namespace, name } => lease::see_to(&namespace, &name, settings),
        Subject::Repository(named) => {
            subject::must_be_first(incident)?;
            heal::see_to(&named, settings)
        }
        Subject::Either(one, cluster) => {
            subject::must_be_first(incident)?;
            heal::see_to(&meant(one, cluster)?, settings)
        }
    }
}

/// Which of the two an alert means that names no kind. Where the scrape has put the operator's
/// namespace in its place, that of a ClusterRepository has one.
fn meant(one: RepositoryRef, cluster: RepositoryRef) -> Result<RepositoryRef, Stop> {
    if one.read()?.is_some() {
        return Ok(one);
    }
    match cluster.read() {
        Ok(Some(_)) => Ok(cluster),
        Ok(None) => Ok(one),
        Err(error) if error.is_denied() || error.is_forbidden() || error.is_not_served() => {
            escalate(format!(
                "there is no {one}, and whether {cluster} is meant could not be looked at: {}",
                error.message
            ))
        }
        Err(error) => Err(error.into()),
    }
}
