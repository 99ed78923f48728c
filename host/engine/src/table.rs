//! The policies of the moment.

use std::sync::Arc;

use parking_lot::RwLock;

use crate::policy::Policy;

/// The policies of the moment, all exchanged at once. Whoever works with one holds it: a swap
/// changes what begins after it, and nothing that has begun.
pub(crate) struct Table(RwLock<Arc<[Arc<Policy>]>>);

impl Table {
    pub fn new(policies: Vec<Arc<Policy>>) -> Self {
        Self(RwLock::new(policies.into()))
    }

    /// All of them, as of now.
    pub fn all(&self) -> Arc<[Arc<Policy>]> {
        self.0.read().clone()
    }

    pub fn find(&self, name: &str) -> Option<Arc<Policy>> {
        self.0.read().iter().find(|policy| policy.config.name == name).cloned()
    }

    /// Put others in their place. Answers with what was there.
    pub fn replace(&self, policies: Vec<Arc<Policy>>) -> Arc<[Arc<Policy>]> {
        std::mem::replace(&mut *self.0.write(), policies.into())
    }
}
