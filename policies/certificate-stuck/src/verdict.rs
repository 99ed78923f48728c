//! What a CertificateRequest that is not done waits for.

use suture_policy::stop::{Stop, escalate};

use crate::acme::Asked;
use crate::issuer::Issuer;
use crate::request::CertificateRequest;
use crate::target::Target;
use crate::words;

/// Whether anything more comes of a request, with why.
pub enum Verdict {
    /// Nothing more: what it waits for is over, and cert-manager has not seen that.
    Dead(String),
    /// The issuer limits how much it is asked.
    Limited(String),
    /// Something that a new request would wait for, too.
    Waiting(String),
}

impl Verdict {
    pub fn of(request: &CertificateRequest, issuer: &Issuer, target: &Target) -> Result<Self, Stop> {
        let said = request.said();
        if !issuer.is_acme() {
            let why = format!("{said} ({} has not answered it)", issuer.name());
            return Ok(if words::is_about_a_limit(&said) { Self::Limited(why) } else { Self::Waiting(why) });
        }
        let asked = match Asked::of(request, target) {
            Err(error) if error.is_denied() || error.is_forbidden() => {
                return escalate(format!(
                    "certificate {target} is not issued, and its orders and challenges may not be looked at ({error}); nothing \
                     was deleted. {said}"
                ));
            }
            asked => asked?,
        };
        let Some(asked) = asked else {
            return Ok(Self::Waiting(format!("{said}, and cert-manager has made no Order for it")));
        };
        let states = asked.challenges.iter().map(|challenge| &challenge.status).chain([&asked.order.status]);
        let is_limited = words::is_about_a_limit(&said)
            || states.into_iter().any(|state| words::is_about_a_limit(&state.reason));
        Ok(match (is_limited, asked.is_over()) {
            (true, _) => Self::Limited(format!("{asked}; {said}")),
            (false, true) => Self::Dead(format!("{asked}, and {said}")),
            (false, false) => Self::Waiting(asked.to_string()),
        })
    }
}
