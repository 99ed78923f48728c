//! Waiting for cert-manager to issue, and telling how that ended.

use suture_policy::kube::{self, Predicate, Waited, any, field};
use suture_policy::stop::{Stop, escalate, unnecessary};
use suture_policy::{Duration, Outcome, Time};

use crate::acme::Asked;
use crate::certificate::Certificate;
use crate::issuer::Issuer;
use crate::request::CertificateRequest;
use crate::target::Target;

/// It was issued once more, or an attempt has failed.
fn has_ended(certificate: &Certificate) -> Predicate {
    let status = &certificate.status;
    let number = |pointer: &str, is: Option<u64>| match is {
        Some(is) => field(pointer).differs_from(is),
        None => field(pointer).exists(),
    };
    let failed: Option<Time> = status.last_failure_time;
    any([
        number("/status/revision", status.revision),
        match failed {
            Some(at) => field("/status/lastFailureTime").differs_from(at.to_string()),
            None => field("/status/lastFailureTime").exists(),
        },
    ])
}

/// An issuance that has begun a short while ago may end well by itself. None where it has not ended.
pub fn wait_for_the_first(
    certificate: &Certificate,
    target: &Target,
    timeout: Duration,
) -> Result<Option<Outcome>, Stop> {
    suture_policy::step!("waiting for the issuance that cert-manager has begun");
    match kube::of(certificate).wait(has_ended(certificate), timeout)? {
        Waited::Met(now) if now.status.revision != certificate.status.revision => {
            unnecessary(format!("cert-manager has issued certificate {target} by itself ({})", now.expiry()))
        }
        Waited::Met(_) | Waited::Timeout => Ok(None),
        Waited::Deleted => unnecessary(format!("certificate {target} was deleted meanwhile")),
    }
}

/// What comes of the request that cert-manager makes in place of the one that was deleted.
pub fn wait_for_another(
    certificate: &Certificate,
    target: &Target,
    issuer: &Issuer,
    why: &str,
    timeout: Duration,
) -> Result<Outcome, Stop> {
    suture_policy::step!("waiting for cert-manager to issue certificate {target}");
    let before = format!("its CertificateRequest was deleted, for it waited for what was over ({why})");
    match kube::of(certificate).wait(has_ended(certificate), timeout)? {
        Waited::Met(now) if now.status.revision != certificate.status.revision => Ok(Outcome::remediated(
            format!("certificate {target} was issued anew ({}): {before}", now.expiry()),
        )),
        Waited::Met(now) => escalate(format!(
            "certificate {target} ({}) was not issued at the second try either: {}. Before that {before}. cert-manager tries again \
             by itself, later each time",
            now.expiry(),
            now.why_not_issued()
        )),
        Waited::Timeout => escalate(format!(
            "certificate {target} ({}) has not been issued in {timeout}: {}. Before that {before}; it is not deleted again within a day",
            certificate.expiry(),
            how_far(certificate, target, issuer)
        )),
        Waited::Deleted => unnecessary(format!("certificate {target} was deleted meanwhile")),
    }
}

/// How far the new request is, as far as that can be read.
fn how_far(certificate: &Certificate, target: &Target, issuer: &Issuer) -> String {
    let request = match CertificateRequest::find(certificate, target) {
        Ok(Some(request)) => request,
        Ok(None) => return "cert-manager has made no new CertificateRequest; is it running?".to_owned(),
        Err(error) => return format!("how far its new request is can't be read ({})", error.reason),
    };
    match Asked::of(&request, target) {
        Ok(Some(asked)) if issuer.is_acme() => asked.to_string(),
        Ok(_) | Err(_) => request.said(),
    }
}
