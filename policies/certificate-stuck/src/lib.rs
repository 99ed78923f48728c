//! Says why cert-manager does not issue or renew a certificate, in its own words, and deletes a
//! CertificateRequest whose ACME order is over and that waits for it all the same.
//!
//! Why it does what it does stands in README.md.

mod acme;
mod certificate;
mod issuance;
mod issuer;
mod manifest;
mod request;
mod target;
mod verdict;
mod words;

use suture_policy::stop::{Stop, denied_is_for_people, escalate, retry, unnecessary};
use suture_policy::{Duration, Error, Incident, Manifest, Outcome, Policy, clock, kube, step};

use certificate::Certificate;
use issuer::Issuer;
use manifest::{Requests, Settings};
use request::CertificateRequest;
use target::Target;
use verdict::Verdict;

/// How long another run for the same certificate is waited for: two alerts can be about it.
const PATIENCE: Duration = Duration::minutes(45);
/// How long cert-manager has to notice by itself that an order is over: it looks every few minutes.
const NOTICE: Duration = Duration::minutes(10);
/// When to look again after something was in the way.
const LATER: Duration = Duration::minutes(10);
/// How often all is looked at, where it changes meanwhile.
const LOOKS: u32 = 3;

/// The policy.
pub struct CertificateStuck;

suture_policy::policy!(CertificateStuck);

impl Policy for CertificateStuck {
    type Settings = Settings;

    fn manifest() -> Manifest {
        manifest::manifest()
    }

    fn remediate(incident: Incident, settings: Settings) -> Result<Outcome, Error> {
        run(&incident, &settings).or_else(Stop::outcome).or_else(is_for_people)
    }
}

/// What the operator does not allow today is not allowed at the next attempt either; and without
/// cert-manager's kinds there is nothing to look at.
fn is_for_people(error: Error) -> Result<Outcome, Error> {
    if error.is_not_served() {
        return Ok(Outcome::escalate(format!(
            "cert-manager's kinds are not served here; nothing was done: {}",
            error.message
        )));
    }
    denied_is_for_people(error)
}

/// The whole run. Where cert-manager goes on in the middle, all of it is looked at again.
fn run(incident: &Incident, settings: &Settings) -> Result<Outcome, Stop> {
    let target = Target::of(incident)?;
    match kube::exclusive(&target.to_string(), PATIENCE) {
        Err(error) if error.is_timeout() => {
            return retry(
                LATER,
                format!("another run looks after certificate {target}; nothing was done beside it"),
            );
        }
        held => held?,
    }
    for _ in 0..LOOKS {
        if let Some(outcome) = look(&target, settings)? {
            return Ok(outcome);
        }
        step!("looking again, for cert-manager has gone on with certificate {target}");
    }
    retry(LATER, format!("cert-manager is at work on certificate {target}; nothing was done beside it"))
}

/// One look at everything, and what follows from it. None where it has changed meanwhile.
fn look(target: &Target, settings: &Settings) -> Result<Option<Outcome>, Stop> {
    step!("looking at certificate {target}");
    let certificate = target.find()?;
    certificate.must_be_due(target)?;

    step!("looking at its issuer");
    let issuer = Issuer::of(&certificate, target)?;
    issuer.must_be_ready(&certificate)?;
    certificate.must_be_at_work(target)?;

    step!("looking for its CertificateRequest");
    let request = CertificateRequest::of(&certificate, target)?;
    request.must_be_let_through(&certificate, target)?;
    let age = request.age();
    if request.is_issued() || age < settings.timeout {
        return issuance::wait_for_the_first(&certificate, target, settings.timeout);
    }

    step!("looking at what CertificateRequest {} waits for", request.metadata.name);
    let verdict = Verdict::of(&request, &issuer, target)?;
    let about = format!("certificate {target} ({})", certificate.expiry());
    let why = match verdict {
        Verdict::Dead(why) => why,
        Verdict::Limited(why) => {
            return escalate(format!(
                "{about} waits for the issuer's rate limit, and each new request would make that worse: {why}. Nothing was deleted"
            ));
        }
        Verdict::Waiting(why) => {
            return escalate(format!(
                "{about} is not issued: {why}. cert-manager goes on with it by itself once that is mended; nothing was deleted. \
                 `cmctl -n {} status certificate {}` shows all of it",
                target.namespace, target.name
            ));
        }
    };
    if settings.requests == Requests::Leave {
        return escalate(format!(
            "{about} is not issued: {why}. {} (`requests` is `leave`)",
            request.how_to_delete(target)
        ));
    }
    if age < settings.stuck_after() {
        return escalate(format!(
            "{about} is not issued: {why}. Its CertificateRequest is {} old, and is deleted here only after {} \
             (`stuckAfterHours`). If it can't wait: {}",
            words::rough(age),
            settings.stuck_after(),
            request.how_to_delete(target)
        ));
    }

    step!("giving cert-manager {NOTICE} to notice it by itself");
    issuance::wait_for_the_first(&certificate, target, NOTICE)?;
    // All that speaks for the deletion is read again.
    let same = CertificateRequest::find(&certificate, target)?
        .filter(|now| now.metadata.uid == request.metadata.uid);
    let Some(request) = same else { return Ok(None) };
    request.must_be_let_through(&certificate, target)?;
    let Verdict::Dead(why) = Verdict::of(&request, &issuer, target)? else { return Ok(None) };

    step!("deleting CertificateRequest {}, so that cert-manager makes another", request.metadata.name);
    suture_policy::info!("{why}");
    match kube::of(&request).delete().at_version(&request.metadata.resource_version).send() {
        Ok(_) => {}
        // It has gone on, or somebody else has done it.
        Err(error) if error.is_conflict() || error.is_not_found() => return Ok(None),
        Err(error) if error.is_forbidden() => {
            return escalate(format!(
                "{about} is not issued: {why}. The API server does not let its CertificateRequest be deleted: {}",
                error.message
            ));
        }
        Err(error) => return Err(Stop::Error(error)),
    }
    issuance::wait_for_another(&certificate, target, &issuer, &why, settings.timeout).map(Some)
}

impl Target {
    /// The certificate, if it is there to stay.
    fn find(&self) -> Result<Certificate, Stop> {
        let Some(certificate) = self.reference().find()? else {
            return unnecessary(format!("there is no certificate {self} any more"));
        };
        if certificate.metadata.is_terminating() {
            return unnecessary(format!("certificate {self} is being deleted"));
        }
        Ok(certificate)
    }
}

/// How long ago a moment was.
fn since(moment: suture_policy::Time) -> Duration {
    clock::now().since(moment)
}
