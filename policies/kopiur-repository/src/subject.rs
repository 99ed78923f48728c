//! What an alert is about.

use suture_policy::stop::{Stop, escalate, unnecessary};
use suture_policy::{Incident, prometheus, text};

use crate::reference::{RepositoryRef, is_name};

/// The alert that says most of a repository; the others say why it fires.
const NOT_READY: &str = "KopiurRepositoryNotReady";
/// The alert about a Maintenance: the operator's own rule.
const YIELDING: &str = "KopiurMaintenanceYielding";

/// What an alert is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A repository.
    Repository(RepositoryRef),
    /// A Repository, or where there is none, a ClusterRepository: the alert names no kind.
    Either(RepositoryRef, RepositoryRef),
    /// A Maintenance.
    Maintenance {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

impl Subject {
    /// What an alert is about.
    pub fn of(incident: &Incident) -> Result<Self, Stop> {
        let kind = incident.label("kind").filter(|kind| !kind.is_empty());
        let is_of_the_cluster = kind == Some("ClusterRepository");
        if let Some(meant) = incident.label("exported_namespace").filter(|meant| !meant.is_empty())
            && !is_of_the_cluster
        {
            return escalate(format!(
                "the alert's `namespace` is that of Kopiur's operator, and the one that is meant ({}) stands in \
                 `exported_namespace`; nothing was looked at. Set `honorLabels: true` in the ServiceMonitor",
                text::start(&text::one_line(meant), 63)
            ));
        }
        let Some(name) = incident.label("name").filter(|name| !name.is_empty()) else {
            return escalate(
                "the alert has no label `name`, so it is not known what it is about; nothing was looked at",
            );
        };
        let namespace = incident.label("namespace").filter(|namespace| !namespace.is_empty());
        must_be_name("name", name)?;
        if let Some(namespace) = namespace {
            must_be_name("namespace", namespace)?;
        }
        let is_of_maintenance = incident.label("alertname") == Some(YIELDING);
        match (namespace, kind) {
            (Some(namespace), None | Some("Maintenance")) if is_of_maintenance => {
                Ok(Self::Maintenance { namespace: namespace.to_owned(), name: name.to_owned() })
            }
            (None, None | Some("Maintenance")) if is_of_maintenance => escalate(format!(
                "the alert about Maintenance {name} has no label `namespace`; nothing was looked at"
            )),
            (_, Some("ClusterRepository")) => Ok(Self::Repository(RepositoryRef::cluster(name))),
            (Some(namespace), Some("Repository")) => {
                Ok(Self::Repository(RepositoryRef::namespaced(namespace, name)))
            }
            (None, Some("Repository")) => escalate(format!(
                "the alert about Repository {name} has no label `namespace`; nothing was looked at"
            )),
            (Some(namespace), None) => {
                Ok(Self::Either(RepositoryRef::namespaced(namespace, name), RepositoryRef::cluster(name)))
            }
            (None, None) => Ok(Self::Repository(RepositoryRef::cluster(name))),
            (_, Some(other)) => escalate(format!(
                "the alert is about a `{}`, which is none of the kinds that this policy is for; nothing was looked at",
                text::start(&text::one_line(other), 63)
            )),
        }
    }
}

fn must_be_name(label: &str, value: &str) -> Result<(), Stop> {
    if is_name(value) && (label != "namespace" || value.len() <= 63) {
        return Ok(());
    }
    escalate(format!(
        "the alert's label `{label}` (`{}`) is no name that Kubernetes takes; nothing was looked at",
        text::start(&text::one_line(value), 120)
    ))
}

/// Stops where another alert tells of the same repository. Without a grant of `ALERTS` no other
/// alert is seen, and each tells.
pub fn must_be_first(incident: &Incident) -> Result<(), Stop> {
    let is_lesser = matches!(
        incident.label("alertname"),
        Some("KopiurRepositoryBreakerOpen" | "KopiurRepositoryConnectSlow")
    );
    if !is_lesser {
        return Ok(());
    }
    let label = |name: &str| incident.label(name).unwrap_or_default();
    let is_greater = |alert: &prometheus::ActiveAlert| {
        let of = |name: &str| alert.labels.get(name).map_or("", String::as_str);
        alert.firing
            && of("alertname") == NOT_READY
            && of("name") == label("name")
            && of("namespace") == label("namespace")
    };
    // Where it can't be asked, two alerts tell of the same.
    if prometheus::alerts().is_ok_and(|alerts| alerts.iter().any(is_greater)) {
        return unnecessary(format!("{NOT_READY} of the same repository fires, and is what is seen to"));
    }
    Ok(())
}
