//! The policies of a host, as its configuration has them.

use std::sync::Arc;

use suture_core::{Limits, Matchers, Program, Timestamp};
use suture_engine::{ByPrometheus, Confirm, KeptModules, Policy, PolicyConfig};

use crate::configuration::{Entry, Read};
use crate::heal::Heal;
use crate::reach::Reach;

/// Every version of the policy is kept.
pub(super) struct Kept;

#[async_trait::async_trait]
impl KeptModules for Kept {
    async fn program(&self, _: &Policy, digest: &str) -> Option<Arc<dyn Program>> {
        let version = digest.strip_prefix("sha256:heal-")?.parse().ok()?;
        Some(Heal::version(version))
    }
}

/// What a configuration makes of a version of the policy's module.
pub(super) fn policies(reach: &Reach, version: u32, read: &Read, now: Timestamp) -> Vec<Arc<Policy>> {
    read.policy().map(|entry| Arc::new(policy(reach, version, entry, now))).into_iter().collect()
}

/// One whose settings don't fit has no code.
fn policy(reach: &Reach, version: u32, entry: &Entry, now: Timestamp) -> Policy {
    let relabeling = Arc::new(reach.relabeling());
    let program = Heal::version(version);
    let (settings, program) = match entry.filled(&*program) {
        Ok(settings) => (settings, Ok(program)),
        Err(error) => (entry.settings.clone(), Err(error)),
    };
    Policy {
        config: PolicyConfig {
            name: "heal".into(),
            mode: entry.mode,
            matchers: Matchers::default(),
            instead_of_manifest: None,
            confirm: Confirm::Prometheus(ByPrometheus { relabeling, key: None }),
            trust: None,
            settings,
            grants: entry.grants.clone().into(),
            limits: Limits::default(),
            approval: Default::default(),
            retry: entry.retry.clone(),
        },
        program,
        source: "simulation".into(),
        loaded_at: now,
        trouble: None,
        candidate: None,
    }
}
