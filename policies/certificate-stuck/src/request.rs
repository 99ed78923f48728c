//! CertificateRequests: what cert-manager asks an issuer for.

use serde::Deserialize;
use suture_policy::kube::{self, Condition, Metadata};
use suture_policy::stop::{Stop, escalate};
use suture_policy::{Duration, Result};

use crate::certificate::Certificate;
use crate::target::Target;
use crate::{since, words};

/// So many at a time: they hold certificates.
const PAGE: u32 = 50;
/// Which issuance of its certificate a request is for.
const REVISION: &str = "cert-manager.io/certificate-revision";

/// A request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct CertificateRequest {
    pub metadata: Metadata,
    pub status: Status,
}

suture_policy::resource!("cert-manager.io/v1", CertificateRequest);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Status {
    pub conditions: Vec<Condition>,
}

impl CertificateRequest {
    /// That of the issuance that is under way: the certificate owns it, and it is for the next revision.
    /// None but these are ever touched, for others are somebody else's.
    pub fn of(certificate: &Certificate, target: &Target) -> Result<Self, Stop> {
        let mut of_ours = all(certificate, target)?;
        if of_ours.len() > 1 {
            let mut names: Vec<_> = of_ours.iter().map(|request| request.metadata.name.as_str()).collect();
            names.sort_unstable();
            return escalate(format!(
                "certificate {target} ({}) has {} CertificateRequests for one issuance ({}), and cert-manager does not go on until \
                 all but one are deleted; which is a person's to say",
                certificate.expiry(),
                names.len(),
                names.join(", ")
            ));
        }
        match of_ours.pop() {
            Some(request) => Ok(request),
            None => escalate(format!(
                "certificate {target} ({}) is being issued, and has no CertificateRequest: {}. Is cert-manager running? `kubectl get \
                 pods -A -l app.kubernetes.io/name=cert-manager`",
                certificate.expiry(),
                certificate.why_not_issued()
            )),
        }
    }

    /// The one of the issuance that is under way, if there is just one.
    pub fn find(certificate: &Certificate, target: &Target) -> Result<Option<Self>> {
        let mut of_ours = all(certificate, target)?;
        Ok(of_ours.pop().filter(|_| of_ours.is_empty()))
    }

    /// That nobody has refused it, and somebody has approved it.
    pub fn must_be_let_through(&self, certificate: &Certificate, target: &Target) -> Result<(), Stop> {
        let name = &self.metadata.name;
        let about = format!("certificate {target} ({})", certificate.expiry());
        for (condition, what) in [("Denied", "was denied"), ("InvalidRequest", "is invalid")] {
            if let Some(refused) = self.condition(condition).filter(|condition| condition.is_true()) {
                let why = words::reason_and(&refused.reason, &refused.message);
                return escalate(format!(
                    "{about} is not issued: its CertificateRequest {name} {what}: {why}. Nothing was deleted"
                ));
            }
        }
        if self.condition("Approved").is_none_or(|approved| !approved.is_true()) {
            return escalate(format!(
                "{about} is not issued: its CertificateRequest {name} waits for an approval, by a policy or by `cmctl -n {} approve \
                 {name}`. Nothing was deleted",
                target.namespace
            ));
        }
        if let Some(failed) = self.condition("Ready").filter(|ready| ready.reason == "Failed") {
            return escalate(format!(
                "{about} is not issued: its CertificateRequest {name} has failed: {}. cert-manager tries again by itself, later each time",
                words::said(&failed.message)
            ));
        }
        Ok(())
    }

    /// Whether the issuer has issued it.
    pub fn is_issued(&self) -> bool {
        self.condition("Ready").is_some_and(Condition::is_true)
    }

    /// How old it is; one that does not say is taken for new.
    pub fn age(&self) -> Duration {
        self.metadata.creation_timestamp.map(since).unwrap_or_default()
    }

    /// What it says of itself.
    pub fn said(&self) -> String {
        let ready = self.condition("Ready");
        let said = ready.map(|ready| words::reason_and(&ready.reason, &ready.message)).unwrap_or_default();
        format!(
            "CertificateRequest {}: {}",
            self.metadata.name,
            if said.is_empty() { "nothing yet" } else { &said }
        )
    }

    /// How a person does what this policy would do.
    pub fn how_to_delete(&self, target: &Target) -> String {
        format!(
            "`kubectl -n {} delete certificaterequest {}` makes cert-manager try anew",
            target.namespace, self.metadata.name
        )
    }

    fn condition(&self, name: &str) -> Option<&Condition> {
        self.status.conditions.iter().find(|condition| condition.name == name)
    }
}

fn all(certificate: &Certificate, target: &Target) -> Result<Vec<CertificateRequest>> {
    let next = certificate.next_revision().to_string();
    let mut requests =
        kube::list::<CertificateRequest>().in_namespace(&target.namespace).pages_of(PAGE).read()?;
    requests.retain(|request| {
        request.metadata.is_owned_by(&certificate.metadata.uid)
            && !request.metadata.is_terminating()
            && request.metadata.annotations.get(REVISION) == Some(&next)
    });
    Ok(requests)
}
