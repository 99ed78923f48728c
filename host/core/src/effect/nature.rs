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
        match self {
            Self::Get { .. }
            | Self::List(_)
            | Self::Logs { .. }
            | Self::Query { .. }
            | Self::QueryRange { .. }
            | Self::Alerts => Nature::Read,
            Self::Wait { .. } | Self::Sleep { .. } | Self::Exclusive { .. } => Nature::Wait,
            Self::Mutate { .. } => Nature::Change,
            Self::Settle { .. } => Nature::Settlement,
            Self::Now | Self::Log { .. } | Self::Step { .. } => Nature::Aside,
        }
    }

    /// Whether it changes the cluster.
    pub fn is_mutation(&self) -> bool {
        self.nature() == Nature::Change
    }
}
