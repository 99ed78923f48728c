//! Metrics of alerts, from the webhook to the people who are told.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use super::{Metrics, OfPolicy, PolicyResult, ResultOf, counted, from_half_a_milli, labels, seconds};

labels! {
    PolicyState { policy, state }
    Check { policy, stage, result }
    NameReason { alert, reason }
}

/// When Prometheus is asked whether an alert fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Before the first change.
    Before,
    /// After a repair.
    After,
}

pub(super) struct Alerts {
    notifications: Family<ResultOf, Counter>,
    webhook_duration: Histogram,
    alerts: Family<PolicyResult, Counter>,
    incidents: Family<PolicyState, Gauge>,
    queue: Histogram,
    checks: Family<Check, Counter>,
    storms: Family<OfPolicy, Gauge>,
    pages: Family<ResultOf, Counter>,
    sweeps: Family<PolicyResult, Counter>,
    reconciliations: Family<ResultOf, Counter>,
    missed: Counter,
    unmatched: Family<NameReason, Counter>,
    kept: Family<OfPolicy, Gauge>,
}

impl Alerts {
    pub fn register(to: &mut Registry) -> Self {
        Self {
            notifications: counted(to, "notifications", "Notifications received", Family::default()),
            webhook_duration: seconds(
                to,
                "webhook_duration",
                "From a notification to its answer, the disk included",
                from_half_a_milli(),
            ),
            alerts: counted(to, "alerts", "Alerts routed to policies", Family::default()),
            incidents: counted(to, "incidents", "Open incidents", Family::default()),
            queue: seconds(
                to,
                "alert_to_run",
                "From the opening of an incident to the start of its first run",
                Histogram::new(exponential_buckets(0.001, 4.0, 12)),
            ),
            checks: counted(
                to,
                "alert_checks",
                "Whether Prometheus says that an alert fires, before a change and after a repair",
                Family::default(),
            ),
            storms: counted(
                to,
                "storm",
                "Whether a policy has too many new incidents, and starts no runs",
                Family::default(),
            ),
            pages: counted(to, "pages", "Escalations and storms: delivered, or failed", Family::default()),
            sweeps: counted(to, "sweeps", "Sweeps: ok, or failed", Family::default()),
            reconciliations: counted(
                to,
                "reconciliations",
                "Questions to Alertmanager for alerts that never arrived: ok, or failed",
                Family::default(),
            ),
            missed: counted(
                to,
                "alerts_missed",
                "Alerts that Alertmanager had for this host and that it never posted",
                Counter::default(),
            ),
            unmatched: counted(
                to,
                "alerts_unmatched",
                "Alerts that were posted and that no policy handles, and why",
                Family::default(),
            ),
            kept: counted(
                to,
                "alerts_kept",
                "Alerts that wait in the inbox for a policy that is not loaded",
                Family::default(),
            ),
        }
    }
}

impl Metrics {
    /// A notification arrived: `accepted`, or the code of the failure that was answered:
    /// `unauthorized`, `tooLarge`, `unavailable`, `notFound`, …
    pub fn notification(&self, result: &str) {
        self.0.alerts.notifications.get_or_create(&ResultOf { result: result.into() }).inc();
    }

    /// A notification was answered, after so long.
    pub fn webhook(&self, took: Duration) {
        self.0.alerts.webhook_duration.observe(took.as_secs_f64());
    }

    /// An alert was routed to a policy: `opened`, `duplicate`, `resolved`, `invalid`,
    /// `untrusted`, `ignored`, `own` (one that we posted ourselves). Or Prometheus was asked in
    /// vain: `unconfirmed` (it never fired), `contradicted` (it fires, and is not resolved). `displaced`: its
    /// incident was closed to make room in a full journal.
    pub fn alert(&self, policy: &str, result: &str) {
        let labels = PolicyResult { policy: policy.into(), result: result.into() };
        self.0.alerts.alerts.get_or_create(&labels).inc();
    }

    /// So many incidents were open in a state when the host started.
    pub fn open_incidents(&self, policy: &str, state: &str, count: usize) {
        let labels = PolicyState { policy: policy.into(), state: state.into() };
        self.0.alerts.incidents.get_or_create(&labels).set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// An open incident moved from one state to another.
    pub fn incident(&self, policy: &str, from: Option<&str>, to: Option<&str>) {
        let gauge = |state: &str| {
            let labels = PolicyState { policy: policy.into(), state: state.into() };
            self.0.alerts.incidents.get_or_create_owned(&labels)
        };
        if let Some(from) = from {
            gauge(from).dec();
        }
        if let Some(to) = to {
            gauge(to).inc();
        }
    }

    /// The first run of an incident began, so long after it was opened.
    pub fn began(&self, waited: Duration) {
        self.0.alerts.queue.observe(waited.as_secs_f64());
    }

    /// Prometheus was asked whether an alert fires; none where it could not say.
    pub fn alert_checked(&self, policy: &str, stage: Stage, fires: Option<bool>) {
        let stage = match stage {
            Stage::Before => "before",
            Stage::After => "after",
        };
        let result = match fires {
            Some(true) => "firing",
            Some(false) => "clear",
            None => "unavailable",
        };
        let labels = Check { policy: policy.into(), stage: stage.into(), result: result.into() };
        self.0.alerts.checks.get_or_create(&labels).inc();
    }

    /// Whether a policy has too many new incidents.
    pub fn storm(&self, policy: &str, is_one: bool) {
        self.0.alerts.storms.get_or_create(&OfPolicy { policy: policy.into() }).set(is_one.into());
    }

    /// People were told, or could not be after several tries.
    pub fn paged(&self, is_delivered: bool) {
        let result = if is_delivered { "delivered" } else { "failed" };
        self.0.alerts.pages.get_or_create(&ResultOf { result: result.into() }).inc();
    }

    /// A sweep ended.
    pub fn swept(&self, policy: &str, is_ok: bool) {
        let result = if is_ok { "ok" } else { "failed" };
        let labels = PolicyResult { policy: policy.into(), result: result.into() };
        self.0.alerts.sweeps.get_or_create(&labels).inc();
    }

    /// Alertmanager was asked for alerts that never arrived, and had so many; none where it could
    /// not be asked.
    pub fn reconciled(&self, missed: Option<usize>) {
        let result = if missed.is_some() { "ok" } else { "failed" };
        self.0.alerts.reconciliations.get_or_create(&ResultOf { result: result.into() }).inc();
        self.0.alerts.missed.inc_by(missed.unwrap_or_default() as u64);
    }

    /// An alert was posted that no policy handles: `noPolicy` is for it, or the one that may be is
    /// `notLoaded`, or it is `notKept` for that one, or has `invalidKey`. Names are bounded by who counts. Not called
    /// `alertname`: a rule about the metric has one of its own.
    pub fn unmatched(&self, alert: &str, reason: &str, count: u64) {
        let labels = NameReason { alert: alert.into(), reason: reason.into() };
        self.0.alerts.unmatched.get_or_create(&labels).inc_by(count);
    }

    /// So many alerts wait for a policy to be loaded.
    pub(crate) fn kept(&self, policy: &str, count: usize) {
        let kept = self.0.alerts.kept.get_or_create_owned(&OfPolicy { policy: policy.into() });
        kept.set(i64::try_from(count).unwrap_or(i64::MAX));
    }
}
