//! What a Lease says, and what is written into it.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use suture_core::Timestamp;

use super::LeaseOptions;

/// The longest silence that is waited for, whatever the record says: the longest duration
/// that a host can be configured with. Who edits the object by hand must not be able to
/// keep every host from acting for years.
const LONGEST: Duration = Duration::from_secs(600);

/// Who holds it.
pub(super) fn holder(spec: &LeaseSpec) -> Option<&str> {
    spec.holder_identity.as_deref().filter(|holder| !holder.is_empty())
}

/// How long its record must not have changed before it is taken over: what the record
/// says, and no less than our own hosts are given.
pub(super) fn silence(spec: &LeaseSpec, options: &LeaseOptions) -> Duration {
    let written = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    written
        .map_or(options.duration, Duration::from_secs)
        .clamp(options.duration, LONGEST.max(options.duration))
}

/// How long ago it was renewed, for people: its holder's clock is not ours.
pub(super) fn renewed_ago(spec: &LeaseSpec, now: Timestamp) -> Option<Duration> {
    let renewed = spec.renew_time.as_ref()?.0;
    Duration::try_from(renewed.duration_until(now)).ok()
}

/// The Lease in the hands of a new holder. What the object holds beside is kept, its
/// version with it: only that version is changed.
pub(super) fn taken(found: Option<Lease>, options: &LeaseOptions, now: Timestamp) -> Lease {
    let is_new = found.is_none();
    let mut lease = found.unwrap_or_else(|| made(options));
    let spec = lease.spec.get_or_insert_default();
    let transitions = spec.lease_transitions.unwrap_or_default().max(0);
    spec.lease_transitions = Some(if is_new { 0 } else { transitions.saturating_add(1) });
    spec.holder_identity = Some(options.identity.clone());
    spec.acquire_time = Some(MicroTime(now));
    mark(spec, options, now);
    lease
}

/// The same Lease, a sign of life later.
pub(super) fn renewed(mut lease: Lease, options: &LeaseOptions, now: Timestamp) -> Lease {
    mark(lease.spec.get_or_insert_default(), options, now);
    lease
}

/// Nobody's: the next candidate that looks takes it.
pub(super) fn released(mut lease: Lease, now: Timestamp) -> Lease {
    let spec = lease.spec.get_or_insert_default();
    spec.holder_identity = Some(String::new());
    spec.lease_duration_seconds = Some(1);
    spec.acquire_time = Some(MicroTime(now));
    spec.renew_time = Some(MicroTime(now));
    lease
}

/// The Lease as an object that does not exist yet.
pub(super) fn unmade(mut lease: Lease, options: &LeaseOptions) -> Lease {
    lease.metadata = made(options).metadata;
    lease
}

fn made(options: &LeaseOptions) -> Lease {
    let metadata = ObjectMeta {
        name: Some(options.name.clone()),
        namespace: Some(options.namespace.clone()),
        ..ObjectMeta::default()
    };
    Lease { metadata, spec: None }
}

fn mark(spec: &mut LeaseSpec, options: &LeaseOptions, now: Timestamp) {
    spec.lease_duration_seconds = i32::try_from(options.duration.as_secs()).ok();
    spec.renew_time = Some(MicroTime(now));
}
