//! What goes wrong with registries.

use std::path::PathBuf;

use suture_core::Digest;

/// Why something could not be pulled or pushed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OciError {
    /// The registry does not answer.
    #[error("{registry} can't be reached: {why}")]
    Unreachable {
        /// The registry.
        registry: String,
        /// What the network says.
        why: String,
    },
    /// It took too long in all.
    #[error("{reference}: not done within {seconds} s; is the registry slow, or `timeout` short?")]
    Slow {
        /// What was asked for.
        reference: String,
        /// The time that there was.
        seconds: u64,
    },
    /// The registry wants credentials, or others.
    #[error("{registry} refuses access to {repository} ({status}); {advice}")]
    Unauthorized {
        /// The registry.
        registry: String,
        /// The repository.
        repository: String,
        /// Its answer.
        status: u16,
        /// Which credentials there were, and what to do.
        advice: String,
    },
    /// There is no such thing.
    #[error("{0} is not in its registry")]
    NotFound(String),
    /// The registry answers something else than registries do.
    #[error("{registry} answered {what}")]
    Refused {
        /// The registry.
        registry: String,
        /// What it answered.
        what: String,
        /// Whether that may pass.
        passing: bool,
    },
    /// What came is not what was asked for.
    #[error(
        "{registry} sent {what} with the digest {found}, where {wanted} was to come: nothing of it is used"
    )]
    Lies {
        /// The registry.
        registry: String,
        /// A manifest or a blob.
        what: &'static str,
        /// The digest of what came.
        found: Digest,
        /// The digest that was to come.
        wanted: String,
    },
    /// More came than may.
    #[error("{reference}: {what} is larger than {most} bytes")]
    TooLarge {
        /// What was pulled.
        reference: String,
        /// A manifest, a component, …
        what: &'static str,
        /// The most that is read.
        most: u64,
    },
    /// It is something else than a component.
    #[error("{reference} is not a WebAssembly component: {why}")]
    NotWasm {
        /// What was pulled.
        reference: String,
        /// Why.
        why: String,
    },
    /// Nobody has signed it.
    #[error("{reference} ({manifest}) has no signature that cosign wrote; sign it with `cosign sign --key`")]
    Unsigned {
        /// What was pulled.
        reference: String,
        /// The digest that must be signed.
        manifest: Digest,
    },
    /// Its signatures are no good.
    #[error("{reference} ({manifest}) is signed, but not as it must be: {why}")]
    BadSignature {
        /// What was pulled.
        reference: String,
        /// The digest that must be signed.
        manifest: Digest,
        /// Why none counts.
        why: String,
    },
    /// A docker config file can't be used.
    #[error("{}: {why}", file.display())]
    Credentials {
        /// The file.
        file: PathBuf,
        /// Why.
        why: String,
    },
    /// A public key can't be used.
    #[error("{}: {why}", file.display())]
    Key {
        /// The file.
        file: PathBuf,
        /// Why.
        why: String,
    },
    /// No request can be made on this machine.
    #[error("no HTTP client can be made: {0}")]
    Client(String),
}

impl OciError {
    /// Whether the same may go well later, with nothing changed here.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Slow { .. } | Self::Lies { .. } => true,
            Self::Refused { passing, .. } => *passing,
            _ => false,
        }
    }
}
