//! Who issues a certificate.

use serde::Deserialize;
use suture_policy::Value;
use suture_policy::kube::{Condition, Metadata, Ref, Resource};
use suture_policy::stop::{Stop, escalate};

use crate::certificate::Certificate;
use crate::target::Target;
use crate::words;

/// cert-manager's own group.
const GROUP: &str = "cert-manager.io";

/// An issuer, as far as it is known.
pub struct Issuer {
    /// `ClusterIssuer letsencrypt`.
    name: String,
    is_acme: bool,
    /// Its condition `Ready`; None of an issuer of somebody else's.
    ready: Option<Condition>,
    is_ours: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    acme: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    conditions: Vec<Condition>,
}

macro_rules! kind {
    ($kind:ident) => {
        #[derive(Debug, Default, Deserialize)]
        #[serde(default)]
        struct $kind {
            metadata: Metadata,
            spec: Body,
            status: Status,
        }

        suture_policy::resource!("cert-manager.io/v1", $kind);

        impl From<$kind> for (Body, Status) {
            fn from(issuer: $kind) -> Self {
                (issuer.spec, issuer.status)
            }
        }
    };
}

mod named {
    use super::*;

    kind!(Issuer);

    pub(super) fn find(namespace: &str, name: &str) -> suture_policy::Result<Option<(Body, Status)>> {
        read(&Ref::<Issuer>::new(namespace, name))
    }
}

kind!(ClusterIssuer);

fn read<T: Resource + Into<(Body, Status)>>(
    issuer: &Ref<T>,
) -> suture_policy::Result<Option<(Body, Status)>> {
    Ok(issuer.find()?.map(Into::into))
}

impl Issuer {
    /// That of a certificate. One of another group is not known: it is whoever's.
    pub fn of(certificate: &Certificate, target: &Target) -> Result<Self, Stop> {
        let of = &certificate.spec.issuer_ref;
        let kind = if of.kind.is_empty() { "Issuer" } else { of.kind.as_str() };
        let name = format!("{} {}", words::said(kind), words::said(&of.name));
        if !of.group.is_empty() && of.group != GROUP {
            return Ok(Self { name, is_acme: false, ready: None, is_ours: false });
        }
        let found = match kind {
            "Issuer" => named::find(&target.namespace, &of.name)?,
            "ClusterIssuer" => read(&Ref::<ClusterIssuer>::cluster(&of.name))?,
            _ => None,
        };
        let Some((spec, status)) = found else {
            return escalate(format!(
                "certificate {target} ({}) names {name} as its issuer, and there is none; nothing was done",
                certificate.expiry()
            ));
        };
        let ready = status.conditions.into_iter().find(|condition| condition.name == "Ready");
        Ok(Self { name, is_acme: spec.acme.is_some(), ready, is_ours: true })
    }

    /// That it can issue: a new request would not help where it can't.
    pub fn must_be_ready(&self, certificate: &Certificate) -> Result<(), Stop> {
        let is_ready = self.ready.as_ref().is_some_and(Condition::is_true);
        if is_ready || !self.is_ours {
            return Ok(());
        }
        let why = self.ready.as_ref().map(|ready| words::reason_and(&ready.reason, &ready.message));
        let (name, metadata) = (&self.name, &certificate.metadata);
        escalate(format!(
            "{name} is not ready, so certificate {}/{} ({}) is not issued: {}. Nothing was deleted; cert-manager goes on once it is",
            metadata.namespace.as_deref().unwrap_or_default(),
            metadata.name,
            certificate.expiry(),
            why.filter(|why| !why.is_empty()).unwrap_or_else(|| "it does not say why".to_owned())
        ))
    }

    /// Whether it speaks ACME, as Let's Encrypt does.
    pub fn is_acme(&self) -> bool {
        self.is_acme
    }

    pub fn name(&self) -> &str {
        &self.name
    }
}
