//! Rules about the addresses that a host listens on.

use suture_core::names;

use super::{Config, Findings};
use crate::config::BasicAuth;

pub(super) fn check(config: &Config, findings: &mut Findings<'_>) {
    let (admin, webhook) = (&config.admin, &config.webhook);
    let knows_admin = admin.token_file.is_some()
        || !config.people.is_empty()
        || admin.basic_auth.is_some()
        || admin.tls.as_ref().is_some_and(|tls| tls.client_ca_file.is_some());
    if !knows_admin && !admin.listen.value.ip().is_loopback() {
        let message = format!(
            "`admin.listen` is {}, which others can reach: set `admin.tokenFile` or `people` (or \
             `basicAuth`, or `tls.clientCaFile`), or listen on 127.0.0.1",
            *admin.listen.value
        );
        findings.error(admin.listen.referenced, message);
    }
    if let Some(file) = admin
        .metrics_token_file
        .as_ref()
        .filter(|_| admin.token_file.is_none() && admin.basic_auth.is_none() && config.people.is_empty())
    {
        let message =
            "`admin.metricsTokenFile` without `admin.tokenFile`: metrics need no token, nor does anything";
        findings.error(file.referenced, message);
    }
    if let (Some(webhook), Some(admin)) = (&webhook.token_file, &admin.token_file)
        && webhook.value == admin.value
    {
        let message = "`webhook.tokenFile` is `admin.tokenFile`, too: whoever reads Alertmanager's configuration may do \
                       everything here; give each its own";
        findings.warn(webhook.referenced, message);
    }
    let knows_webhook = webhook.token_file.is_some()
        || webhook.basic_auth.is_some()
        || webhook.tls.as_ref().is_some_and(|tls| tls.client_ca_file.is_some());
    if !knows_webhook && !config.listen.value.ip().is_loopback() {
        let message = "no `webhook.tokenFile`: whoever reaches this address can post alerts";
        findings.warn(config.listen.referenced, message);
    }
    if config.listen.value == admin.listen.value && config.listen.value.port() != 0 {
        let message = "`listen` and `admin.listen` are the same address";
        findings.error(config.listen.referenced, message);
    }
    for (basic, has_tls, listen) in [
        (&webhook.basic_auth, webhook.tls.is_some(), &config.listen),
        (&admin.basic_auth, admin.tls.is_some(), &admin.listen),
    ] {
        let Some(BasicAuth { username, .. }) = basic else { continue };
        if username.value.is_empty() || username.value.contains(|c: char| c == ':' || c.is_control()) {
            findings.error(username.referenced, "`username` has at least a character, and no colon");
        }
        if !has_tls && !listen.value.ip().is_loopback() {
            let message = "`basicAuth` without `tls`: the password crosses the network as it is";
            findings.warn(username.referenced, message);
        }
    }
    for host in &admin.hosts {
        let name = host.value.to_ascii_lowercase();
        if name.parse::<std::net::IpAddr>().is_ok() {
            findings.warn(host.referenced, "an IP address needs no entry in `hosts`: addresses always pass");
        } else if names::dns_subdomain(name.trim_end_matches('.')).is_err() {
            let message = format!(
                "`{}` is no host name; write it without a scheme, port or `*`: `suture.example.com`",
                names::shortened(&host.value)
            );
            findings.error(host.referenced, message);
        }
    }
}
