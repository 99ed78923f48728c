//! `suture:policy@0.1.0`.

use suture_core::manifest::RawPermission;

pub(crate) use crate::bindings::v0_1 as bindings;

// The code that all versions share: each has types of its own that look the same.
pub(crate) mod convert {
    suture_core::contract_conversions!(super::bindings, super::permission);
}
#[path = "host.rs"]
mod host;
#[path = "size.rs"]
mod size;

fn permission(permission: bindings::types::Permission) -> RawPermission {
    let bindings::types::Permission { groups, resources, verbs, reason } = permission;
    RawPermission { groups, resources, verbs, reason, ..RawPermission::default() }
}
