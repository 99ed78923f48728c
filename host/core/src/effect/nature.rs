//! What an effect is to the layers that it passes.

use super::Effect;

/// What an effect is. Every layer that decides about effects matches on it, or on the
/// [`Effect`] itself, without a wildcard: a new effect does not compile before each has said
/// what it does with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// It reads, and is answered at once.
    Read,
    /// It lasts until something happens or its time is up: its intent is on record first.
    Wait,
    /// It changes the cluster.
    Change,
    /// It decides about a change that was made: kept, or taken back.
    Settlement,
    /// It concerns nothing but the run itself.
    Aside,
}

impl Effect {
    /// What it is.
    pub fn nature(&self) -> Nature {
        self.effect_type().nature()
    }

    /// Whether it changes the cluster.
    pub fn is_mutation(&self) -> bool {
        self.nature() == Nature::Change
    }
}
