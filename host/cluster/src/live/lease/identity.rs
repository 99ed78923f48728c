//! What a host is called.

use std::time::SystemTime;

use suture_core::Clock;

/// A name that no other host has: the pod's (or the machine's) name and something random,
/// as client-go makes them. A host that starts again in the same pod is another one.
pub fn identity(clock: &dyn Clock) -> String {
    // In a container, the name of the pod.
    let from_kernel = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let host = std::env::var("HOSTNAME").ok().or_else(from_kernel).unwrap_or_default();
    let host = match host.trim() {
        "" => "suture",
        host => host,
    };
    let time = SystemTime::from(clock.now());
    format!("{host}_{}", ulid::Ulid::from_datetime(time).to_string().to_lowercase())
}
