//! A run that only plans, and what it plans.

use std::sync::Arc;

use suture_core::{Grant, Incident, RunId};
use suture_journal::plan::Basis;
use suture_journal::{Entry, Plan};

/// Under what a run plans.
pub(super) struct Planning {
    pub run: RunId,
    /// The digest of its module.
    pub module: String,
    pub incident: Arc<Incident>,
    pub grants: Arc<[Grant]>,
}

impl Planning {
    /// What its record says that it would have done; none where that is nothing.
    pub fn plan(&self, entries: &[Entry]) -> Option<Box<Plan>> {
        let Self { run, module, incident, grants } = self;
        let basis = Basis { module, settings: &incident.settings, grants, key: &incident.key };
        let plan = Plan::of(run, &basis, entries);
        (!plan.is_empty()).then(|| Box::new(plan))
    }
}
