//! Certificates, as far as this policy looks at them.

use serde::Deserialize;
use suture_policy::kube::{Condition, Metadata};
use suture_policy::stop::{Stop, escalate, unnecessary};
use suture_policy::{Duration, Time, clock};

use crate::target::Target;
use crate::{since, words};

/// What cert-manager is to keep issued.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Certificate {
    pub metadata: Metadata,
    pub spec: Spec,
    pub status: Status,
}

suture_policy::resource!("cert-manager.io/v1", Certificate);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Spec {
    pub issuer_ref: IssuerRef,
}

/// Which issuer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct IssuerRef {
    pub name: String,
    /// `Issuer` where it is not said.
    pub kind: String,
    /// cert-manager's own where it is not said.
    pub group: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    pub conditions: Vec<Condition>,
    /// How often it was issued.
    pub revision: Option<u64>,
    pub not_after: Option<Time>,
    pub renewal_time: Option<Time>,
    pub last_failure_time: Option<Time>,
    pub failed_issuance_attempts: Option<u32>,
}

impl Certificate {
    /// That it is not ready, or its renewal is late.
    pub fn must_be_due(&self, target: &Target) -> Result<(), Stop> {
        let renewal = self.status.renewal_time;
        match renewal {
            Some(renewal) if self.is_ready() && renewal > clock::now() => unnecessary(format!(
                "certificate {target} is ready ({}), and is renewed from {renewal} on",
                self.expiry()
            )),
            None if self.is_ready() && !self.is_issuing() => unnecessary(format!(
                "certificate {target} is ready ({}), and no renewal is due",
                self.expiry()
            )),
            _ => Ok(()),
        }
    }

    /// That cert-manager is at work on it: between two attempts it waits by itself, longer each time.
    pub fn must_be_at_work(&self, target: &Target) -> Result<(), Stop> {
        if self.is_issuing() {
            return Ok(());
        }
        let about = format!("certificate {target} ({})", self.expiry());
        if let Some(failed) = self.status.last_failure_time {
            let again = failed + self.backoff();
            let when = if again > clock::now() {
                format!("tries again at {again}")
            } else {
                format!("should have tried again at {again}: is it running?")
            };
            let limit = match words::is_about_a_limit(&self.why_not_issued()) {
                true => " That is a rate limit: a new attempt before it is over would make it worse.",
                false => "",
            };
            return escalate(format!(
                "{about} was not issued {} ago ({} attempts so far): {}. cert-manager {when}.{limit} Once the cause is mended, \
                 `cmctl -n {} renew {}` tries at once",
                words::rough(since(failed)),
                self.status.failed_issuance_attempts.unwrap_or(1),
                self.why_not_issued(),
                target.namespace,
                target.name
            ));
        }
        let ready = self.condition("Ready").map(|ready| words::reason_and(&ready.reason, &ready.message));
        escalate(format!(
            "{about} is due, and cert-manager is not at work on it: {}. Is it running? `kubectl get pods -A -l \
             app.kubernetes.io/name=cert-manager`",
            ready.unwrap_or_else(|| "it has no condition at all".to_owned())
        ))
    }

    /// What cert-manager says of its last attempt.
    pub fn why_not_issued(&self) -> String {
        let issuing = self.condition("Issuing").or_else(|| self.condition("Ready"));
        let said = issuing.map(|condition| words::reason_and(&condition.reason, &condition.message));
        said.filter(|said| !said.is_empty()).unwrap_or_else(|| "cert-manager does not say why".to_owned())
    }

    /// Until when it is good.
    pub fn expiry(&self) -> String {
        match self.status.not_after {
            None => "not issued yet".to_owned(),
            Some(end) if end > clock::now() => {
                format!("expires in {}", words::rough(end.since(clock::now())))
            }
            Some(end) => format!("expired {} ago", words::rough(since(end))),
        }
    }

    /// The number of the issuance that is under way.
    pub fn next_revision(&self) -> u64 {
        self.status.revision.unwrap_or_default().saturating_add(1)
    }

    /// How long cert-manager waits after so many failures: an hour, doubled each time, at most 32.
    fn backoff(&self) -> Duration {
        let failures = self.status.failed_issuance_attempts.unwrap_or(1).clamp(1, 6);
        Duration::hours(1 << (failures - 1))
    }

    fn is_ready(&self) -> bool {
        self.condition("Ready").is_some_and(Condition::is_true)
    }

    fn is_issuing(&self) -> bool {
        self.condition("Issuing").is_some_and(Condition::is_true)
    }

    fn condition(&self, name: &str) -> Option<&Condition> {
        self.status.conditions.iter().find(|condition| condition.name == name)
    }
}

#[cfg(test)]
mod tests {
    use suture_policy::json;

    use super::*;

    #[test]
    fn cert_manager_waits_longer_after_each_failure() {
        let after = |failures: u32| {
            let status = json!({"status": {"failedIssuanceAttempts": failures}});
            serde_json::from_value::<Certificate>(status).unwrap().backoff().to_string()
        };
        assert_eq!(
            (after(0), after(1), after(3), after(60)),
            ("1h".into(), "1h".into(), "4h".into(), "1d8h".into())
        );
    }
}
