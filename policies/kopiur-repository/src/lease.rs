//! A Maintenance that yields. Whether the holder of a lease is gone for good nobody here can know:
//! it may be another cluster, or a laptop. So a person takes it over, and is told how.

use suture_policy::stop::{Stop, escalate, unnecessary};
use suture_policy::{Result, kube, step};

use crate::heal;
use crate::maintenance::{Lease, Maintenance};
use crate::manifest::Settings;
use crate::reference::{GROUP, RepositoryRef};
use crate::repository::Repository;
use crate::words::word;

/// See to the alert about a Maintenance. It always stops: nothing here is repaired.
pub fn see_to(namespace: &str, name: &str, settings: &Settings) -> Result<String, Stop> {
    step!("looking at Maintenance {namespace}/{name}");
    let Some(maintenance) = kube::find::<Maintenance>(namespace, name)? else {
        return unnecessary(format!("there is no Maintenance {namespace}/{name} any more"));
    };
    let shown = maintenance.shown();
    if maintenance.metadata.is_terminating() {
        return unnecessary(format!("{shown} is being deleted"));
    }
    let runs = maintenance.runs();
    match maintenance.lease() {
        Lease::Owned => unnecessary(format!("{shown} owns its lease; {runs}")),
        Lease::WaitsForRepository(why) => match maintenance.repository() {
            Some(repository) => {
                step!("{shown} waits for {repository} ({why})");
                heal::see_to(&repository, settings)
            }
            None => escalate(format!(
                "{shown} waits for a repository that it does not name ({why}); look with `{}`",
                maintenance.describe()
            )),
        },
        Lease::HeldByOther(why) => escalate(held(&maintenance, &why)?),
        Lease::Failing(why) => escalate(format!(
            "{shown} does not own its lease, or its runs fail: {why}; {runs}. Nothing was changed; look with `{}` and \
             `kubectl -n {namespace} get jobs -l {GROUP}/maintenance={name}`",
            maintenance.describe()
        )),
        Lease::Untold => escalate(format!(
            "{shown} does not say who holds its lease; {runs}. Look whether Kopiur's operator runs, and with `{}`",
            maintenance.describe()
        )),
    }
}

/// All that a person needs to decide whether to take a lease over.
fn held(maintenance: &Maintenance, why: &str) -> Result<String> {
    let named = maintenance.repository();
    let repository = match named.as_ref().map(RepositoryRef::read) {
        None => None,
        Some(Err(error)) if !error.is_denied() => return Err(error),
        // What is not granted is not said.
        Some(Err(_)) => None,
        Some(Ok(repository)) => repository,
    };
    let holder = match maintenance.holder() {
        holder if holder.is_empty() => String::new(),
        holder => format!(", held by {holder}"),
    };
    let shared = match repository.as_ref().is_some_and(Repository::is_shared) {
        true => {
            " Its repository is one of several clusters (`identityDefaults.cluster`), of which one maintains it: where \
             that one is alive, nothing is wrong, and this Maintenance does not belong in the alert's rule."
        }
        false => "",
    };
    Ok(format!(
        "{} yields to another owner ({why}{holder}); {}. Until it owns its lease, or the other maintains, nothing is \
         cleared away in the storage; backups go on.{shared} If that owner is gone for good, take the lease over once: {}. \
         Nothing was changed; look with `{}`",
        maintenance.shown(),
        maintenance.runs(),
        takeover(maintenance, named.as_ref(), repository.as_ref()),
        maintenance.describe()
    ))
}

/// How a person takes a lease over, and gives the policy back.
fn takeover(
    maintenance: &Maintenance,
    named: Option<&RepositoryRef>,
    repository: Option<&Repository>,
) -> String {
    let (command, field, before, from) = match named.filter(|_| maintenance.is_managed()) {
        Some(named) => (
            named.kubectl("patch"),
            "maintenance",
            repository.and_then(Repository::takeover_policy),
            repository.and_then(|repository| repository.metadata.gitops()),
        ),
        None => (
            format!(
                "kubectl -n {} patch maintenances.{GROUP} {}",
                maintenance.namespace(),
                maintenance.metadata.name
            ),
            "ownership",
            maintenance.takeover_policy(),
            maintenance.metadata.gitops(),
        ),
    };
    let git = from
        .map_or_else(String::new, |from| format!(" (it comes from {}: hold that meanwhile)", word(&from)));
    format!(
        "`{command} --type merge -p '{{\"spec\":{{\"{field}\":{{\"takeoverPolicy\":\"Force\"}}}}}}'`{git}, and once \
         LeaseOwned is True, set it back to {}; left there it takes the lease at every run",
        before
            .filter(|before| *before != "Force")
            .map_or_else(|| "what it was (it was not set)".to_owned(), word)
    )
}
