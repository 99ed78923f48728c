//! Metrics of runs and their effects.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::{
    Histograms, Metrics, OfPolicy, OfVerb, counted, from_half_a_milli, from_ten_millis, labels, seconds,
};

labels! {
    PolicyOutcome { policy, outcome }
    EffectOf { policy, verb, result }
}

pub(super) struct Runs {
    runs: Family<PolicyOutcome, Counter>,
    duration: Histograms<OfPolicy>,
    effects: Family<EffectOf, Counter>,
    effect_duration: Histograms<OfVerb>,
}

impl Runs {
    pub fn register(to: &mut Registry) -> Self {
        Self {
            runs: counted(to, "runs", "Runs that ended", Family::default()),
            duration: seconds(
                to,
                "run_duration",
                "From the start of a run to its end, undos included",
                Family::new_with_constructor(from_ten_millis),
            ),
            effects: counted(to, "effects", "Effects of policies", Family::default()),
            effect_duration: seconds(
                to,
                "effect_duration",
                "From an effect to its reply",
                Family::new_with_constructor(from_half_a_milli),
            ),
        }
    }
}

/// Reasons of errors that are told apart: ours, and those of Kubernetes' `metav1.StatusReason`.
const REASONS: [&str; 26] = [
    "ok",
    "NotFound",
    "NotServed",
    "AlreadyExists",
    "Conflict",
    "Forbidden",
    "Invalid",
    "BadRequest",
    "MethodNotAllowed",
    "Expired",
    "Denied",
    "Timeout",
    "Unavailable",
    "Unknown",
    "Unsupported",
    "Unauthorized",
    "Gone",
    "ServerTimeout",
    "StorageReadError",
    "TooManyRequests",
    "NotAcceptable",
    "RequestEntityTooLarge",
    "UnsupportedMediaType",
    "InternalError",
    "ServiceUnavailable",
    "halt",
];

fn known(result: &str) -> &str {
    if REASONS.contains(&result) { result } else { "Other" }
}

impl Metrics {
    /// A run ended.
    pub fn run(&self, policy: &str, outcome: &str, duration: Duration) {
        let runs = &self.0.runs;
        runs.runs.get_or_create(&PolicyOutcome { policy: policy.into(), outcome: outcome.into() }).inc();
        runs.duration.get_or_create(&OfPolicy { policy: policy.into() }).observe(duration.as_secs_f64());
    }

    /// An effect was answered: `ok`, or the reason of the error; `Other` where that is none of
    /// Kubernetes' or ours. Servers behind the API server may say what they like, and a metric
    /// keeps every label that it has ever had.
    pub fn effect(&self, policy: &str, verb: &str, result: &str, duration: Duration) {
        let runs = &self.0.runs;
        let labels = EffectOf { policy: policy.into(), verb: verb.into(), result: known(result).into() };
        runs.effects.get_or_create(&labels).inc();
        runs.effect_duration.get_or_create(&OfVerb { verb: verb.into() }).observe(duration.as_secs_f64());
    }
}
