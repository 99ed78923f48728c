//! Metrics of policies and their modules.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::{Histograms, Metrics, OfPolicy, PolicyResult, counted, from_a_milli, labels, seconds};

labels! {
    Loaded { policy, digest }
}

pub(super) struct Policies {
    loaded: Family<Loaded, Gauge>,
    load_failures: Family<OfPolicy, Counter>,
    load_duration: Histograms<OfPolicy>,
    swaps: Family<OfPolicy, Counter>,
    backtests: Family<PolicyResult, Counter>,
    approvals: Family<PolicyResult, Counter>,
    candidates: Family<OfPolicy, Gauge>,
    errors: Family<OfPolicy, Gauge>,
    held: Family<OfPolicy, Gauge>,
    paused: Family<OfPolicy, Gauge>,
}

impl Policies {
    pub fn register(to: &mut Registry) -> Self {
        Self {
            loaded: counted(to, "policy_loaded", "Policies that are loaded", Family::default()),
            load_failures: counted(
                to,
                "policy_load_failures",
                "Modules that could not be loaded",
                Family::default(),
            ),
            load_duration: seconds(
                to,
                "policy_load_duration",
                "Fetching, compiling and checking a module",
                Family::new_with_constructor(from_a_milli),
            ),
            swaps: counted(to, "policy_swaps", "Modules that took the place of another", Family::default()),
            backtests: counted(
                to,
                "policy_backtests",
                "Newer modules that were compared with the runs on record: same, or differs",
                Family::default(),
            ),
            approvals: counted(
                to,
                "approvals",
                "Plans that people were asked to approve: asked, approved, rejected, expired",
                Family::default(),
            ),
            candidates: counted(
                to,
                "policy_candidate",
                "Whether a newer module waits to be accepted",
                Family::default(),
            ),
            errors: counted(
                to,
                "policy_error",
                "Whether a policy's source holds nothing that can be used",
                Family::default(),
            ),
            held: counted(to, "policy_held", "Whether a policy starts no runs for now", Family::default()),
            paused: counted(to, "policy_paused", "Whether somebody has paused a policy", Family::default()),
        }
    }
}

impl Metrics {
    /// A policy was loaded.
    pub fn loaded(&self, policy: &str, digest: &str) {
        let labels = Loaded { policy: policy.into(), digest: digest.into() };
        self.0.policies.loaded.get_or_create(&labels).set(1);
    }

    /// A policy has another module than this now, or none.
    pub fn unloaded(&self, policy: &str, digest: &str) {
        self.0.policies.loaded.remove(&Loaded { policy: policy.into(), digest: digest.into() });
    }

    /// A policy could not be loaded, or has a newer module that can't be used.
    pub fn load_failure(&self, policy: &str) {
        self.0.policies.load_failures.get_or_create(&OfPolicy { policy: policy.into() }).inc();
    }

    /// A policy's source was looked at: it was fetched, compiled and checked.
    pub fn module_loaded(&self, policy: &str, took: Duration) {
        let labels = OfPolicy { policy: policy.into() };
        self.0.policies.load_duration.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// A module took the place of another.
    pub fn swapped(&self, policy: &str) {
        self.0.policies.swaps.get_or_create(&OfPolicy { policy: policy.into() }).inc();
    }

    /// A newer module was compared with the runs on record.
    pub fn back_tested(&self, policy: &str, differs: bool) {
        let result = if differs { "differs" } else { "same" };
        let labels = PolicyResult { policy: policy.into(), result: result.into() };
        self.0.policies.backtests.get_or_create(&labels).inc();
    }

    /// People were asked to approve a plan, did so, rejected it, or did not answer in time.
    pub fn approval(&self, policy: &str, result: &str) {
        let labels = PolicyResult { policy: policy.into(), result: result.into() };
        self.0.policies.approvals.get_or_create(&labels).inc();
    }

    /// Whether a newer module of a policy waits to be accepted.
    pub fn candidate(&self, policy: &str, waits: bool) {
        self.0.policies.candidates.get_or_create(&OfPolicy { policy: policy.into() }).set(waits.into());
    }

    /// Whether a policy's source holds nothing that can be used. It may work all the same, with
    /// what its source held before.
    pub fn policy_error(&self, policy: &str, has_one: bool) {
        self.0.policies.errors.get_or_create(&OfPolicy { policy: policy.into() }).set(has_one.into());
    }

    /// A policy is not in the configuration any more. What was counted of it stays.
    pub fn gone(&self, policy: &str) {
        let Policies { candidates, errors, held, paused, .. } = &self.0.policies;
        for gauge in [candidates, errors, held, paused] {
            gauge.remove(&OfPolicy { policy: policy.into() });
        }
    }

    /// Whether somebody has paused a policy.
    pub fn policy_paused(&self, policy: &str, paused: bool) {
        self.0.policies.paused.get_or_create(&OfPolicy { policy: policy.into() }).set(paused.into());
    }

    /// Whether a policy starts no runs for now.
    pub fn held(&self, policy: &str, held: bool) {
        self.0.policies.held.get_or_create(&OfPolicy { policy: policy.into() }).set(held.into());
    }
}
