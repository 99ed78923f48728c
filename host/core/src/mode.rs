//! Whether mutations are performed.

use serde::{Deserialize, Serialize};

/// What becomes of a policy's mutations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// They are tried as a server-side dry run and laid over later reads. The default
    /// for a new policy.
    #[default]
    Observe,
    /// They are planned as in observe mode, and performed once people have approved the plan.
    Approve,
    /// They are performed.
    Enforce,
}

impl Mode {
    /// `observe`, `approve` or `enforce`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Approve => "approve",
            Self::Enforce => "enforce",
        }
    }
}
