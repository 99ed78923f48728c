//! Rules about the servers that a host asks.

use serde_saphyr::Spanned;
use suture_core::names::shortened;

use super::{Config, Findings};

/// What stands below `/api/v1` and `/api/v2` of Prometheus and Alertmanager.
const PATHS: [&str; 14] = [
    "alertmanagers",
    "alerts",
    "labels",
    "metadata",
    "query",
    "query_range",
    "receivers",
    "rules",
    "series",
    "silences",
    "status",
    "status/config",
    "targets",
    "write",
];

pub(super) fn check(config: &Config, findings: &mut Findings<'_>) {
    let prometheus = config.prometheus.iter().flat_map(|p| std::iter::once(&p.url).chain(&p.alerts_url));
    let alertmanagers = config.alertmanagers().map(|alertmanager| &alertmanager.url);
    for url in prometheus.chain(alertmanagers) {
        is_url(url, findings);
        if let Some(base) = without_api(&url.value) {
            let message = format!(
                "`{}` is a path of the server's API, not where the server is: write `{}`",
                shortened(&url.value),
                shortened(base)
            );
            findings.error(url.referenced, message);
        }
    }
    let others = config.telemetry.otlp.iter().map(|otlp| &otlp.endpoint).chain(&config.external_url);
    others.for_each(|url| is_url(url, findings));
}

fn is_url(url: &Spanned<String>, findings: &mut Findings<'_>) {
    if !(url.value.starts_with("http://") || url.value.starts_with("https://")) {
        findings.error(url.referenced, format!("`{}` is not an http or https URL", shortened(&url.value)));
    }
}

/// The URL without the path of the API that it ends with; none where it ends with none.
fn without_api(url: &str) -> Option<&str> {
    let url = url.trim_end_matches('/');
    ["/api/v1", "/api/v2"].into_iter().find_map(|api| {
        let (base, path) = url.rsplit_once(api)?;
        let is_whole = path.is_empty() || path.strip_prefix('/').is_some_and(|path| PATHS.contains(&path));
        is_whole.then_some(base)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_the_api_is_told_from_a_prefix() {
        for (url, base) in [
            ("http://am:9093/api/v2/alerts", Some("http://am:9093")),
            ("http://am:9093/api/v2/", Some("http://am:9093")),
            ("https://mimir/prometheus/api/v1/query", Some("https://mimir/prometheus")),
            ("https://mimir/prometheus", None),
            ("https://grafana.net/api/prom", None),
            ("https://kube/api/v1/namespaces/monitoring/services/prometheus:9090/proxy", None),
        ] {
            assert_eq!(without_api(url), base, "{url}");
        }
    }
}
