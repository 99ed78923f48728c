//! Between the contract's types, as policies are compiled with them, and the host's own.

use suture_core::manifest::RawPermission;
use suture_core::{Error, Reason};

suture_core::contract_conversions!(suture_policy::wit, permission);

fn permission(permission: types::Permission) -> RawPermission {
    let types::Permission { groups, resources, verbs, metrics, when, reason } = permission;
    RawPermission { groups, resources, verbs, metrics, when, reason }
}

/// A reply that does not answer the call: a fault of the host.
pub(crate) fn misanswered() -> Error {
    Error::new(Reason::UNAVAILABLE, "the host's reply does not answer the call")
}
