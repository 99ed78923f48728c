//! What this policy says of itself, and what an operator may set.

use serde::Deserialize;
use suture_policy::{Duration, Manifest, Permission, Value, json};

/// The settings. What each means stands in [`schema`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    pub requests: Requests,
    pub stuck_after_hours: u64,
    pub timeout: Duration,
}

/// What becomes of a CertificateRequest that can't end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Requests {
    Delete,
    Leave,
}

impl Settings {
    /// How old a CertificateRequest is before it is deleted.
    pub fn stuck_after(&self) -> Duration {
        Duration::hours(self.stuck_after_hours)
    }
}

pub fn manifest() -> Manifest {
    Manifest::new(
        "certificate-stuck",
        env!("CARGO_PKG_VERSION"),
        "Says why cert-manager does not issue or renew a certificate (issuer, request, order, challenges), and deletes a \
         CertificateRequest that has waited for a day for an ACME order that is over, so that cert-manager makes another; \
         never within rate limits, and never more than one a day for a certificate.",
    )
    .matcher(r#"alertname=~"(CertManager)?Cert(ificate)?(NotReady|ExpirySoon|ExpiringSoon|RenewalFailed)""#)
    .permission("cert-manager.io", ["certificates"], ["get"], "to read the certificate and wait for it")
    .permission(
        "cert-manager.io",
        ["certificaterequests"],
        ["list"],
        "to find the certificate's own request, and what it waits for",
    )
    .permission("cert-manager.io", ["issuers"], ["get"], "to see whether the issuer is ready")
    .permission(
        "cert-manager.io",
        ["clusterissuers"],
        ["get"],
        "the same; they have no namespace: grant them without `namespaces`",
    )
    .permission(
        "acme.cert-manager.io",
        ["orders", "challenges"],
        ["list"],
        "to say why an ACME server does not issue it: the orders of the request, and their challenges",
    )
    .request(
        Permission::resources(
            "cert-manager.io",
            ["certificaterequests"],
            ["delete"],
            "to delete a request whose order is over, at most one a day for a certificate",
        )
        .when("requests", "delete"),
    )
    .settings_schema(schema())
}

fn schema() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "requests": {"type": "string", "enum": ["delete", "leave"], "default": "delete", "description": "What becomes of a CertificateRequest that waits for an ACME order that is over: it is deleted, so that cert-manager makes another, or left to a person, who is told how."},
            "stuckAfterHours": {"type": "integer", "minimum": 24, "maximum": 168, "default": 24, "description": "How many hours old such a CertificateRequest is before it is deleted. Never less than a day: so there is never more than one new request a day."},
            "timeout": {"type": "string", "pattern": "^([1-9]|[1-5][0-9]|60)m$", "default": "30m", "description": "How long cert-manager may take to issue a certificate, 1m to 60m, before a person is told."},
        },
    })
}
