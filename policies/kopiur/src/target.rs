//! Which SnapshotPolicy an alert is about.

use std::fmt;

use suture_policy::Incident;
use suture_policy::stop::{Stop, escalate};

use crate::reference::RepositoryRef;

/// A SnapshotPolicy, and of several repositories which.
#[derive(Clone, Debug)]
pub struct Target {
    pub namespace: String,
    pub policy: String,
    pub repository: Option<RepositoryRef>,
    pub alert: Alert,
}

/// The alerts that this policy is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alert {
    /// The latest run failed (`KopiurLastBackupFailed`).
    LastFailed,
    /// A run failed (`KopiurSnapshotFailed`).
    RunFailed,
    /// No run has succeeded for long (`KopiurBackupStale`).
    Stale,
}

impl Target {
    /// What an alert is about.
    pub fn of(incident: &Incident) -> Result<Self, Stop> {
        if let Some(meant) = incident.label("exported_namespace") {
            let (there, meant) = (incident.key("namespace")?, suture_policy::text::start(meant, 63));
            return escalate(format!(
                "the alert's `namespace` ({there}) is that of Kopiur's operator, and the backup's ({meant}) stands in \
                 `exported_namespace`; nothing was looked at. Set `honorLabels: true` in the ServiceMonitor of the operator"
            ));
        }
        let alert = match incident.label("alertname") {
            Some("KopiurLastBackupFailed") => Alert::LastFailed,
            Some("KopiurBackupStale") => Alert::Stale,
            _ => Alert::RunFailed,
        };
        let namespace = incident.key("namespace")?.to_owned();
        let repository = match incident.label("repository").filter(|label| !label.is_empty()) {
            None => None,
            Some(label) => match RepositoryRef::parse(label) {
                Some(repository) => Some(repository.at_home(&namespace)),
                None => {
                    return escalate(format!(
                        "the alert's label `repository` (`{}`) is no `KIND/NAMESPACE/NAME`, so it is not known which backup \
                         it is about; nothing was changed",
                        suture_policy::text::start(&suture_policy::text::one_line(label), 120)
                    ));
                }
            },
        };
        Ok(Self { namespace, policy: incident.key("policy")?.to_owned(), repository, alert })
    }

    /// The command that runs a backup by hand.
    pub fn by_hand(&self) -> String {
        format!("kubectl kopiur snapshot now --policy {} -n {} --wait", self.policy, self.namespace)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.policy)
    }
}
