//! Which certificate the alert is about.

use std::fmt;

use suture_policy::Incident;
use suture_policy::kube::Ref;
use suture_policy::stop::{Stop, escalate};

use crate::certificate::Certificate;

/// Which certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub namespace: String,
    pub name: String,
}

impl Target {
    /// By the alert's labels. Where cert-manager is scraped without `honorLabels`, `namespace` is its own
    /// and that of the certificate is called `exported_namespace`.
    pub fn of(incident: &Incident) -> Result<Self, Stop> {
        let label = |name: &str| incident.label(name).filter(|value| !value.is_empty());
        let namespace = label("exported_namespace").or_else(|| label("namespace"));
        let (Some(namespace), Some(name)) = (namespace, label("name")) else {
            return escalate(
                "the alert does not say which certificate it is about: it needs the labels `name` and `exported_namespace` \
                 (or `namespace`) of cert-manager's metrics",
            );
        };
        if !is_name(namespace) || namespace.contains('.') || !is_name(name) {
            return escalate(
                "the alert's labels `name` and `exported_namespace` are not names of Kubernetes objects; nothing was looked at",
            );
        }
        Ok(Self { namespace: namespace.to_owned(), name: name.to_owned() })
    }

    pub fn reference(&self) -> Ref<Certificate> {
        Ref::new(&self.namespace, &self.name)
    }
}

/// Whether it is a DNS subdomain (RFC 1123), as names of objects are.
fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let part = |part: &str| {
        part.bytes().all(|byte| fits(byte) || byte == b'-')
            && part.bytes().next().is_some_and(fits)
            && part.bytes().last().is_some_and(fits)
    };
    text.len() <= 253 && text.split('.').all(part)
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_names_and_nothing_that_leads_elsewhere() {
        assert!(is_name("shop-tls") && is_name("shop.example.com"));
        for name in ["", "a/b", "../x", "A", "a b", "-a", "a-", "a..b", "a%2fb", &"a".repeat(254)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
