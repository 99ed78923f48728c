//! The metrics of FORMATS, in OpenMetrics: one room for those of alerts, of runs, of policies,
//! and of the host itself.

mod alerts;
mod audit;
mod host;
mod listeners;
mod policies;
mod runs;

use std::sync::Arc;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Metric, Registry, Unit};

use alerts::Alerts;
use audit::Audit;
use host::Host;
use listeners::Listeners;
use policies::Policies;
use runs::Runs;

pub use alerts::Stage;

macro_rules! labels {
    ($($name:ident { $($field:ident),* })*) => {
        $(
            #[derive(Clone, Debug, Hash, PartialEq, Eq, prometheus_client::encoding::EncodeLabelSet)]
            struct $name { $($field: String),* }
        )*
    };
}
use labels;

labels! {
    ResultOf { result }
    PolicyResult { policy, result }
    OfPolicy { policy }
    OfVerb { verb }
}

/// All metrics of a host. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    alerts: Alerts,
    audit: Audit,
    runs: Runs,
    policies: Policies,
    host: Host,
    listeners: Listeners,
}

impl Metrics {
    /// Metrics of a host of this version.
    pub fn new(version: &str) -> Self {
        let mut registry = Registry::with_prefix("suture");
        let alerts = Alerts::register(&mut registry);
        let audit = Audit::register(&mut registry);
        let runs = Runs::register(&mut registry);
        let policies = Policies::register(&mut registry);
        let host = Host::register(&mut registry, version);
        let listeners = Listeners::register(&mut registry);
        Self(Arc::new(Inner { registry, alerts, audit, runs, policies, host, listeners }))
    }

    /// All of them, as OpenMetrics text.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = encode(&mut text, &self.0.registry);
        text
    }
}

/// A metric that is read under a name.
fn counted<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

/// One that is in seconds; its name ends so.
fn seconds<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register_with_unit(name, help, Unit::Seconds, metric.clone());
    metric
}

/// Histograms that each begin with a bucket of so many seconds, the next four times as wide.
type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

fn from_half_a_milli() -> Histogram {
    Histogram::new(exponential_buckets(0.0005, 4.0, 10))
}

fn from_a_milli() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 4.0, 10))
}

fn from_ten_millis() -> Histogram {
    Histogram::new(exponential_buckets(0.01, 4.0, 10))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use suture_core::clock::later;

    use super::*;
    use crate::waiting::{Reason, Waiting};

    /// Metrics of a host that has done everything once: what was never counted is not shown.
    fn used() -> Metrics {
        let metrics = Metrics::new("1.2.3");
        metrics.notification("accepted");
        metrics.alert("p", "opened");
        metrics.incident("p", None, Some("queued"));
        metrics.run("p", "remediated", Duration::from_secs(1));
        metrics.effect("p", "get", "ok", Duration::from_millis(1));
        metrics.loaded("p", "sha256:0");
        metrics.load_failure("p");
        metrics.lease("home/suture", true);
        metrics.commit(Duration::from_millis(1));
        metrics.held("p", true);
        metrics.policy_paused("p", true);
        let since = "2026-11-22T04:10:00Z".parse().unwrap();
        let waiting = Waiting {
            policy: "p".into(),
            reason: Reason::Places,
            message: String::new(),
            count: 3,
            since: Some(since),
        };
        metrics.waiting(&[waiting], later(since, Duration::from_secs(90)));
        metrics.paused(false);
        metrics.began(Duration::from_millis(1));
        metrics.spans_dropped(2);
        metrics.swept("p", true);
        metrics.unmatched("A", "noPolicy", 1);
        metrics.kept("p", 2);
        metrics.reconciled(Some(3));
        metrics.swapped("p");
        metrics.candidate("p", true);
        metrics.policy_error("p", true);
        metrics.reloaded(true);
        metrics.module_loaded("p", Duration::from_millis(1));
        metrics.back_tested("p", true);
        metrics.webhook(Duration::from_millis(1));
        metrics.alert_checked("p", Stage::Before, Some(true));
        metrics.alert_checked("p", Stage::After, None);
        metrics.storm("p", true);
        metrics.paged(false);
        metrics.api_request("GET", Some(200), Duration::from_millis(1));
        metrics.api_request("PATCH", None, Duration::from_millis(1));
        metrics.journal(3, 4096);
        metrics.connection("admin", true);
        metrics.connection_closed("webhook", "stalled");
        metrics.request_refused("admin", "noToken");
        metrics.tls_reloaded("admin", false);
        metrics.certificate_expires("admin", "2026-11-22T04:10:00Z".parse().unwrap());
        metrics.journal_room(17, suture_journal::Room { used: 8192, max: Some(65536) });
        metrics.audit_row(suture_journal::ActOutcome::Done);
        metrics.audit_unwritten();
        metrics.audit_head(1, "sha256:0");
        metrics.audit_head(2, "sha256:1");
        metrics
    }

    #[test]
    fn each_metric_stands_in_the_documentation() {
        let docs = include_str!("../../../docs/telemetry.md");
        let text = used().encode();
        let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
        let names: Vec<_> = types
            .map(|(name, kind)| match kind {
                "counter" => format!("| `{name}_total` |"),
                "info" => format!("| `{name}_info` |"),
                _ => format!("| `{name}` |"),
            })
            .collect();
        assert!(names.len() > 20, "{text}");
        let missing: Vec<_> = names.iter().filter(|name| !docs.contains(name.as_str())).collect();
        assert!(missing.is_empty(), "{missing:#?}");
    }

    #[test]
    fn the_names_are_those_that_dashboards_rely_on() {
        let text = used().encode();
        for line in [
            r#"suture_policy_backtests_total{policy="p",result="differs"} 1"#,
            "suture_webhook_duration_seconds_count 1",
            r#"suture_alert_checks_total{policy="p",stage="before",result="firing"} 1"#,
            r#"suture_alert_checks_total{policy="p",stage="after",result="unavailable"} 1"#,
            r#"suture_storm{policy="p"} 1"#,
            r#"suture_pages_total{result="failed"} 1"#,
            r#"suture_api_requests_total{verb="GET",code="200"} 1"#,
            r#"suture_api_requests_total{verb="PATCH",code="none"} 1"#,
            r#"suture_api_request_duration_seconds_count{verb="GET"} 1"#,
            "suture_inbox_notifications 3",
            "suture_journal_size_bytes 4096",
            r#"suture_connections{listener="admin"} 1"#,
            r#"suture_connections_closed_total{listener="webhook",reason="stalled"} 1"#,
            r#"suture_tls_reloads_total{listener="admin",result="refused"} 1"#,
            r#"suture_tls_certificate_expiry_timestamp_seconds{listener="admin"} 1795320600"#,
            "suture_journal_used_bytes 8192",
            "suture_journal_max_bytes 65536",
            "suture_inbox_size_bytes 17",
            r#"suture_policy_held{policy="p"} 1"#,
            r#"suture_policy_paused{policy="p"} 1"#,
            "suture_paused 0",
            r#"suture_waiting{policy="p",reason="places"} 3"#,
            r#"suture_waiting_oldest_seconds{policy="p",reason="places"} 90"#,
            "suture_alert_to_run_seconds_count 1",
            "suture_spans_dropped_total 2",
            r#"suture_audit_rows_total{outcome="done"} 1"#,
            "suture_audit_unwritten_total 1",
            r#"suture_audit_head_info{sequence="2",hash="sha256:1"} 1"#,
            r#"suture_sweeps_total{policy="p",result="ok"} 1"#,
            r#"suture_alerts_unmatched_total{alert="A",reason="noPolicy"} 1"#,
            r#"suture_alerts_kept{policy="p"} 2"#,
            r#"suture_reconciliations_total{result="ok"} 1"#,
            "suture_alerts_missed_total 3",
            r#"suture_policy_swaps_total{policy="p"} 1"#,
            r#"suture_policy_candidate{policy="p"} 1"#,
            r#"suture_policy_error{policy="p"} 1"#,
            "suture_config_last_reload_successful 1",
            r#"suture_config_reloads_total{result="ok"} 1"#,
            r#"suture_policy_load_duration_seconds_count{policy="p"} 1"#,
            r#"suture_notifications_total{result="accepted"} 1"#,
            r#"suture_alerts_total{policy="p",result="opened"} 1"#,
            r#"suture_incidents{policy="p",state="queued"} 1"#,
            r#"suture_runs_total{policy="p",outcome="remediated"} 1"#,
            r#"suture_run_duration_seconds_count{policy="p"} 1"#,
            r#"suture_effects_total{policy="p",verb="get",result="ok"} 1"#,
            r#"suture_effect_duration_seconds_count{verb="get"} 1"#,
            r#"suture_policy_loaded{policy="p",digest="sha256:0"} 1"#,
            r#"suture_policy_load_failures_total{policy="p"} 1"#,
            r#"suture_lease_held{lease="home/suture"} 1"#,
            "suture_journal_commit_duration_seconds_count 1",
            r#"suture_build_info{version="1.2.3"} 1"#,
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }

    #[test]
    fn however_many_reasons_a_server_makes_up_there_is_one_label_for_them() {
        let metrics = Metrics::new("test");
        for number in 0..1000 {
            metrics.effect("p", "get", &format!("Reason{number}"), Duration::ZERO);
        }
        metrics.effect("p", "get", "NotFound", Duration::ZERO);
        let text = metrics.encode();
        let series: Vec<_> = text.lines().filter(|line| line.starts_with("suture_effects_total{")).collect();
        assert_eq!(series.len(), 2, "{series:#?}");
        assert!(text.contains(r#"suture_effects_total{policy="p",verb="get",result="Other"} 1000"#));
    }
}
