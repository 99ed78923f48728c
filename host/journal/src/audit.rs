//! The audit trail: what people did to a host, and what they were refused, chained by hashes.

mod act;
mod chain;
mod filter;
mod head;
mod verify;

pub use act::{Act, ActOutcome, AuditRow, Credential};
pub(crate) use chain::{seal, sealed_hash};
pub use filter::AuditFilter;
pub use head::AuditHead;
pub use verify::{BrokenChain, Extent, Verified, Verifier};
