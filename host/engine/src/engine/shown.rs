//! What the metrics show of the policies that there are.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::metrics::Metrics;
use crate::policy::Policy;

/// Show these policies, and no longer those that were there before.
pub(super) fn show(metrics: &Metrics, before: &[Arc<Policy>], now: &[Arc<Policy>]) {
    let modules = |policies: &[Arc<Policy>]| -> BTreeSet<(String, String)> {
        let module = |policy: &Arc<Policy>| Some((policy.config.name.clone(), policy.digest()?.to_owned()));
        policies.iter().filter_map(module).collect()
    };
    let (old, new) = (modules(before), modules(now));
    old.difference(&new).for_each(|(policy, digest)| metrics.unloaded(policy, digest));
    new.difference(&old).for_each(|(policy, digest)| metrics.loaded(policy, digest));
    let is_gone = |policy: &&Arc<Policy>| now.iter().all(|there| there.config.name != policy.config.name);
    before.iter().filter(is_gone).for_each(|policy| metrics.gone(&policy.config.name));
    for policy in now {
        let name = &policy.config.name;
        metrics.policy_error(name, policy.program.is_err() || policy.trouble.is_some());
        metrics.candidate(name, policy.candidate.is_some());
    }
}
