//! The metrics of FORMATS, in OpenMetrics.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

macro_rules! labels {
    ($($name:ident { $($field:ident),* })*) => {
        $(
            #[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
            struct $name { $($field: String),* }
        )*
    };
}

labels! {
    ResultOf { result }
    PolicyResult { policy, result }
    PolicyState { policy, state }
    PolicyOutcome { policy, outcome }
    OfPolicy { policy }
    EffectLabels { policy, verb, result }
    OfVerb { verb }
    Loaded { policy, digest }
    OfLease { lease }
}

/// All metrics of a host. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    notifications: Family<ResultOf, Counter>,
    alerts: Family<PolicyResult, Counter>,
    incidents: Family<PolicyState, Gauge>,
    runs: Family<PolicyOutcome, Counter>,
    run_duration: Family<OfPolicy, Histogram>,
    effects: Family<EffectLabels, Counter>,
    effect_duration: Family<OfVerb, Histogram>,
    loaded: Family<Loaded, Gauge>,
    load_failures: Family<OfPolicy, Counter>,
    load_duration: Family<OfPolicy, Histogram>,
    swaps: Family<OfPolicy, Counter>,
    candidates: Family<OfPolicy, Gauge>,
    reloads: Family<ResultOf, Counter>,
    sweeps: Family<PolicyResult, Counter>,
    spans_dropped: Counter,
    held: Family<OfPolicy, Gauge>,
    paused: Gauge,
    queue: Histogram,
    lease_held: Family<OfLease, Gauge>,
    commit_duration: Histogram,
}

impl Metrics {
    /// Metrics of a host of this version.
    pub fn new(version: &str) -> Self {
        let mut registry = Registry::with_prefix("suture");
        let run_duration = Family::new_with_constructor(
            (|| Histogram::new(exponential_buckets(0.01, 4.0, 10))) as fn() -> Histogram,
        );
        let effect_duration = Family::new_with_constructor(
            (|| Histogram::new(exponential_buckets(0.0005, 4.0, 10))) as fn() -> Histogram,
        );
        let commit_duration = Histogram::new(exponential_buckets(0.0001, 2.0, 16));
        let inner = Inner {
            notifications: Family::default(),
            alerts: Family::default(),
            incidents: Family::default(),
            runs: Family::default(),
            effects: Family::default(),
            loaded: Family::default(),
            load_failures: Family::default(),
            load_duration: Family::new_with_constructor(
                (|| Histogram::new(exponential_buckets(0.001, 4.0, 10))) as fn() -> Histogram,
            ),
            swaps: Family::default(),
            candidates: Family::default(),
            reloads: Family::default(),
            sweeps: Family::default(),
            spans_dropped: Counter::default(),
            held: Family::default(),
            paused: Gauge::default(),
            queue: Histogram::new(exponential_buckets(0.001, 4.0, 12)),
            lease_held: Family::default(),
            run_duration,
            effect_duration,
            commit_duration,
            registry: Registry::default(),
        };
        registry.register("notifications", "Notifications received", inner.notifications.clone());
        registry.register("alerts", "Alerts routed to policies", inner.alerts.clone());
        registry.register("incidents", "Open incidents", inner.incidents.clone());
        registry.register("runs", "Runs that ended", inner.runs.clone());
        let seconds = Unit::Seconds;
        registry.register_with_unit(
            "run_duration",
            "From the start of a run to its end, undos included",
            seconds.clone(),
            inner.run_duration.clone(),
        );
        registry.register("effects", "Effects of policies", inner.effects.clone());
        registry.register_with_unit(
            "effect_duration",
            "From an effect to its reply",
            seconds.clone(),
            inner.effect_duration.clone(),
        );
        registry.register("policy_loaded", "Policies that are loaded", inner.loaded.clone());
        registry.register(
            "policy_load_failures",
            "Modules that could not be loaded",
            inner.load_failures.clone(),
        );
        registry.register_with_unit(
            "policy_load_duration",
            "Fetching, compiling and checking a module",
            Unit::Seconds,
            inner.load_duration.clone(),
        );
        registry.register("policy_swaps", "Modules that took the place of another", inner.swaps.clone());
        registry.register(
            "policy_candidate",
            "Whether a newer module waits to be accepted",
            inner.candidates.clone(),
        );
        registry.register(
            "spans_dropped",
            "Spans that the collector of traces did not get",
            inner.spans_dropped.clone(),
        );
        registry.register("policy_held", "Whether a policy starts no runs for now", inner.held.clone());
        registry.register("paused", "Whether the host starts no runs for now", inner.paused.clone());
        registry.register_with_unit(
            "alert_to_run",
            "From the opening of an incident to the start of its first run",
            Unit::Seconds,
            inner.queue.clone(),
        );
        registry.register("sweeps", "Sweeps: ok, or failed", inner.sweeps.clone());
        registry.register(
            "config_reloads",
            "Configurations read again: in force, or refused",
            inner.reloads.clone(),
        );
        registry.register(
            "lease_held",
            "Whether this host holds the lease, and so is the one that acts",
            inner.lease_held.clone(),
        );
        registry.register_with_unit(
            "journal_commit_duration",
            "One commit of the journal, the disk included",
            seconds,
            inner.commit_duration.clone(),
        );
        registry.register("build", "The version of this host", Info::new([("version", version.to_owned())]));
        Self(Arc::new(Inner { registry, ..inner }))
    }

    /// All of them, as OpenMetrics text.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = encode(&mut text, &self.0.registry);
        text
    }

    /// A notification arrived: `accepted`, or the code of the failure that was answered:
    /// `unauthorized`, `tooLarge`, `unavailable`, `notFound`, …
    pub fn notification(&self, result: &str) {
        self.0.notifications.get_or_create(&ResultOf { result: result.into() }).inc();
    }

    /// Whether this host holds a lease.
    pub fn lease(&self, lease: &str, held: bool) {
        self.0.lease_held.get_or_create(&OfLease { lease: lease.into() }).set(held.into());
    }

    /// An alert was routed to a policy: `opened`, `duplicate`, `resolved`, `invalid`,
    /// `untrusted`, `ignored`.
    pub fn alert(&self, policy: &str, result: &str) {
        self.0.alerts.get_or_create(&PolicyResult { policy: policy.into(), result: result.into() }).inc();
    }

    /// An open incident moved from one state to another.
    pub fn incident(&self, policy: &str, from: Option<&str>, to: Option<&str>) {
        let gauge = |state: &str| {
            self.0.incidents.get_or_create_owned(&PolicyState { policy: policy.into(), state: state.into() })
        };
        if let Some(from) = from {
            gauge(from).dec();
        }
        if let Some(to) = to {
            gauge(to).inc();
        }
    }

    /// A run ended.
    pub fn run(&self, policy: &str, outcome: &str, duration: Duration) {
        self.0.runs.get_or_create(&PolicyOutcome { policy: policy.into(), outcome: outcome.into() }).inc();
        self.0
            .run_duration
            .get_or_create(&OfPolicy { policy: policy.into() })
            .observe(duration.as_secs_f64());
    }

    /// An effect was answered: `ok`, or the reason of the error.
    pub fn effect(&self, policy: &str, verb: &str, result: &str, duration: Duration) {
        let labels = EffectLabels { policy: policy.into(), verb: verb.into(), result: result.into() };
        self.0.effects.get_or_create(&labels).inc();
        self.0.effect_duration.get_or_create(&OfVerb { verb: verb.into() }).observe(duration.as_secs_f64());
    }

    /// A policy was loaded.
    pub fn loaded(&self, policy: &str, digest: &str) {
        self.0.loaded.get_or_create(&Loaded { policy: policy.into(), digest: digest.into() }).set(1);
    }

    /// A policy has another module than this now, or none.
    pub fn unloaded(&self, policy: &str, digest: &str) {
        self.0.loaded.remove(&Loaded { policy: policy.into(), digest: digest.into() });
    }

    /// A policy's source was looked at: it was fetched, compiled and checked.
    pub fn module_loaded(&self, policy: &str, took: Duration) {
        self.0.load_duration.get_or_create(&OfPolicy { policy: policy.into() }).observe(took.as_secs_f64());
    }

    /// A module took the place of another.
    pub fn swapped(&self, policy: &str) {
        self.0.swaps.get_or_create(&OfPolicy { policy: policy.into() }).inc();
    }

    /// Whether a newer module of a policy waits to be accepted.
    pub fn candidate(&self, policy: &str, waits: bool) {
        self.0.candidates.get_or_create(&OfPolicy { policy: policy.into() }).set(waits.into());
    }

    /// Spans were lost.
    pub fn spans_dropped(&self, count: u64) {
        self.0.spans_dropped.inc_by(count);
    }

    /// Whether a policy starts no runs for now.
    pub fn held(&self, policy: &str, held: bool) {
        self.0.held.get_or_create(&OfPolicy { policy: policy.into() }).set(held.into());
    }

    /// Whether the host starts no runs for now.
    pub fn paused(&self, paused: bool) {
        self.0.paused.set(paused.into());
    }

    /// The first run of an incident began, so long after it was opened.
    pub fn began(&self, waited: Duration) {
        self.0.queue.observe(waited.as_secs_f64());
    }

    /// A sweep ended: `ok` or `failed`.
    pub fn swept(&self, policy: &str, result: &str) {
        self.0.sweeps.get_or_create(&PolicyResult { policy: policy.into(), result: result.into() }).inc();
    }

    /// The configuration was read again.
    pub fn reloaded(&self, in_force: bool) {
        let result = if in_force { "ok" } else { "refused" };
        self.0.reloads.get_or_create(&ResultOf { result: result.into() }).inc();
    }

    /// A policy could not be loaded, or has a newer module that can't be used.
    pub fn load_failure(&self, policy: &str) {
        self.0.load_failures.get_or_create(&OfPolicy { policy: policy.into() }).inc();
    }

    /// The journal committed.
    pub fn commit(&self, duration: Duration) {
        self.0.commit_duration.observe(duration.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_that_dashboards_rely_on() {
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
        metrics.paused(false);
        metrics.began(Duration::from_millis(1));
        metrics.spans_dropped(2);
        metrics.swept("p", "ok");
        metrics.swapped("p");
        metrics.candidate("p", true);
        metrics.reloaded(true);
        metrics.module_loaded("p", Duration::from_millis(1));
        let text = metrics.encode();
        for line in [
            r#"suture_policy_held{policy="p"} 1"#,
            "suture_paused 0",
            "suture_alert_to_run_seconds_count 1",
            "suture_spans_dropped_total 2",
            r#"suture_sweeps_total{policy="p",result="ok"} 1"#,
            r#"suture_policy_swaps_total{policy="p"} 1"#,
            r#"suture_policy_candidate{policy="p"} 1"#,
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
}
