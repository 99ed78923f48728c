//! The names under which a host is asked.

use std::collections::HashSet;

use super::authority::Host;

/// The name of the Service, as in `deploy/kustomize`.
const SERVICE: &str = "suture";

/// The names under which a host is asked. Addresses always pass: to give an address another
/// meaning takes no name server.
pub(crate) struct Names(HashSet<String>);

impl Names {
    /// This machine's, those of the Service in a namespace, and others.
    pub fn new<'a>(namespace: Option<&str>, others: impl Iterator<Item = &'a str>) -> Self {
        let mut names = HashSet::from(["localhost".to_owned(), SERVICE.to_owned()]);
        if let Some(namespace) = namespace {
            let short = format!("{SERVICE}.{namespace}");
            names.extend([format!("{short}.svc"), format!("{short}.svc.cluster.local"), short]);
        }
        names.extend(others.map(|name| name.trim_end_matches('.').to_ascii_lowercase()));
        Self(names)
    }

    /// Whether this host is asked so.
    pub(super) fn admit(&self, host: &Host) -> bool {
        match host {
            Host::Address(_) => true,
            Host::Name(name) => self.0.contains(name),
        }
    }
}
