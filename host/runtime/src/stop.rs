//! Why the host ends an instance, carried through wasmtime as a typed error.

use suture_core::{Halt, Limit, Limits};

/// Raised by the host inside a guest's call; found again by its type, never by text.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    /// The run is over.
    #[error(transparent)]
    Halt(#[from] Halt),
    /// `manifest` called an import.
    #[error("`manifest` called `{0}`: a manifest is a constant, and no import answers it")]
    NotConstant(&'static str),
    /// More table elements than a policy may have.
    #[error("a table would grow beyond {} elements", crate::cap::MAX_TABLE_ELEMENTS)]
    Table,
    /// The host answered something that is no answer to the question.
    #[error("internal error: the host answered `{0}` with something else")]
    Misanswered(&'static str),
    /// The host could not answer a call that has no way to say so.
    #[error("`{call}` failed: {error}")]
    Unanswered {
        /// The import.
        call: &'static str,
        /// What the host said.
        error: suture_core::Error,
    },
}

impl Stop {
    /// The run used more than it may.
    pub(crate) fn limit(limits: &Limits, limit: Limit) -> Self {
        Self::Halt(Halt::Limit(limits.exceeded(limit)))
    }
}
