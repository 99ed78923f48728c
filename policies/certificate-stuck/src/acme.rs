//! Orders and challenges: how an ACME server is asked.

use std::fmt;

use serde::Deserialize;
use suture_policy::Result;
use suture_policy::kube::{self, Metadata};

use crate::request::CertificateRequest;
use crate::target::Target;
use crate::words;

/// So many at a time.
const PAGE: u32 = 50;
/// So many challenges are told of.
const MOST_TOLD: usize = 3;
/// The states in which an ACME server does nothing more, and has not issued.
const OVER: [&str; 3] = ["invalid", "expired", "errored"];

/// What a CertificateRequest asks an ACME server for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Order {
    pub metadata: Metadata,
    pub status: State,
}

suture_policy::resource!("acme.cert-manager.io/v1", Order);

/// How one name of an order is proved.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Challenge {
    pub metadata: Metadata,
    pub spec: ChallengeSpec,
    pub status: State,
}

suture_policy::resource!("acme.cert-manager.io/v1", Challenge);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ChallengeSpec {
    pub dns_name: String,
    #[serde(rename = "type")]
    pub how: String,
}

/// How far an order or a challenge is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct State {
    /// Empty before the server was asked.
    pub state: String,
    pub reason: String,
}

impl State {
    pub fn is_over(&self) -> bool {
        OVER.contains(&self.state.as_str())
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.state.is_empty() { "not begun" } else { &self.state };
        f.write_str(&words::reason_and(state, &self.reason))
    }
}

/// The order of a request, with its challenges.
pub struct Asked {
    pub order: Order,
    pub challenges: Vec<Challenge>,
}

impl Asked {
    /// The newest order that the request owns, if there is one.
    pub fn of(request: &CertificateRequest, target: &Target) -> Result<Option<Self>> {
        let orders = kube::list::<Order>().in_namespace(&target.namespace).pages_of(PAGE).read()?;
        let of_ours = orders.into_iter().filter(|order| order.metadata.is_owned_by(&request.metadata.uid));
        let Some(order) = of_ours.max_by_key(|order| order.metadata.creation_timestamp) else {
            return Ok(None);
        };
        let mut challenges =
            kube::list::<Challenge>().in_namespace(&target.namespace).pages_of(PAGE).read()?;
        challenges.retain(|challenge| challenge.metadata.is_owned_by(&order.metadata.uid));
        Ok(Some(Self { order, challenges }))
    }

    /// Whether nothing more comes of it: the order is over, or it waits for challenges that are.
    pub fn is_over(&self) -> bool {
        let waits = matches!(self.order.status.state.as_str(), "" | "pending");
        let settled = |challenge: &Challenge| challenge.status.is_over() || challenge.status.state == "valid";
        let proved = |challenge: &Challenge| challenge.status.state == "valid";
        self.order.status.is_over()
            || (waits && self.challenges.iter().all(settled) && !self.challenges.iter().all(proved))
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { order, challenges } = self;
        write!(f, "Order {} is {}", order.metadata.name, order.status)?;
        // Those that have failed say more than those that wait, and both more than those that are done.
        let mut told: Vec<_> =
            challenges.iter().filter(|challenge| challenge.status.state != "valid").collect();
        told.sort_by_key(|challenge| (!challenge.status.is_over(), challenge.spec.dns_name.clone()));
        for Challenge { spec: ChallengeSpec { dns_name, how }, status, .. } in told.iter().take(MOST_TOLD) {
            write!(f, "; {} of {} is {status}", words::said(how), words::said(dns_name))?;
        }
        match told.len().saturating_sub(MOST_TOLD) {
            0 => Ok(()),
            more => write!(f, "; {more} more challenges"),
        }
    }
}

#[cfg(test)]
mod tests {
    use suture_policy::json;

    use super::*;

    #[test]
    fn an_order_is_over_when_nothing_is_left_to_wait_for() {
        let asked = |order: &str, challenges: &[&str]| Asked {
            order: serde_json::from_value(json!({"status": {"state": order}})).unwrap(),
            challenges: challenges
                .iter()
                .map(|state| serde_json::from_value(json!({"status": {"state": state}})).unwrap())
                .collect(),
        };
        assert!(asked("invalid", &[]).is_over() && asked("pending", &["expired"]).is_over());
        assert!(asked("pending", &["valid", "errored"]).is_over());
        for (order, challenges) in [
            ("pending", &["expired", "pending"][..]),
            ("pending", &["valid"]),
            ("pending", &[]),
            ("", &[]),
            ("ready", &["expired"]),
            ("valid", &[]),
        ] {
            assert!(!asked(order, challenges).is_over(), "{order} {challenges:?}");
        }
    }
}
