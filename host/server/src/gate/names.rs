//! The names under which a host is asked.

use std::collections::HashSet;

use super::authority::Host;

/// The name of the Service, as in `deploy/kustomize`.
const SERVICE: &str = "suture";

/// The names under which a host is asked. Addresses always pass: to give an address another
/// meaning takes no name server.
pub(crate) struct Names {
    /// Those of the Service.
    service: Vec<String>,
    others: HashSet<String>,
}

impl Names {
    /// This machine's, those of the Service in a namespace, and others.
    pub fn new<'a>(namespace: Option<&str>, others: impl Iterator<Item = &'a str>) -> Self {
        let mut service = vec![SERVICE.to_owned()];
        if let Some(namespace) = namespace {
            let suffixes = ["", ".svc", ".svc.cluster.local"];
            service.extend(suffixes.map(|suffix| format!("{SERVICE}.{namespace}{suffix}")));
        }
        let others = others.map(|name| name.trim_end_matches('.').to_ascii_lowercase());
        Self { service, others: others.chain(["localhost".to_owned()]).collect() }
    }

    /// The names of the Service, for people.
    pub(super) fn of_service(&self) -> String {
        self.service.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    }

    /// Whether this host is asked so.
    pub(super) fn admit(&self, host: &Host) -> bool {
        match host {
            Host::Address(_) => true,
            Host::Name(name) => self.others.contains(name) || self.service.contains(name),
        }
    }
}
