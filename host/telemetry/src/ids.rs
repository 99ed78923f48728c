//! Ids of traces and spans, made from those of incidents, runs and steps.

use std::sync::atomic::{AtomicU64, Ordering};

use suture_core::{IncidentId, RunId};
use ulid::Ulid;

/// The 128 bits of an id. One that is no ULID, as in tests, gives a hash of its text.
fn bits(id: &str) -> u128 {
    match Ulid::from_string(&id.to_ascii_uppercase()) {
        Ok(ulid) => ulid.0,
        Err(_) => u128::from(mix(0x5u64, id.as_bytes())) << 64 | u128::from(mix(0x9u64, id.as_bytes())),
    }
}

/// FNV-1a, begun elsewhere.
fn mix(seed: u64, bytes: &[u8]) -> u64 {
    let begin = 0xcbf2_9ce4_8422_2325 ^ seed;
    bytes.iter().fold(begin, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// An id of no bits is no id.
fn valid(bits: u64) -> Vec<u8> {
    bits.max(1).to_be_bytes().to_vec()
}

/// The trace of an incident: its ULID's bits, as 16 bytes.
pub(crate) fn trace(incident: &IncidentId) -> Vec<u8> {
    bits(incident.as_str()).max(1).to_be_bytes().to_vec()
}

/// The trace of an incident, as 32 hexadecimal digits: what a tracing backend is asked for.
pub fn trace_id(incident: &IncidentId) -> String {
    format!("{:032x}", bits(incident.as_str()).max(1))
}

/// The span of an incident's alert.
pub(crate) fn alert(incident: &IncidentId) -> Vec<u8> {
    valid(bits(incident.as_str()) as u64)
}

/// The span of a run.
pub(crate) fn run(run: &RunId) -> Vec<u8> {
    valid(bits(run.as_str()) as u64)
}

/// The span of an effect of a run.
pub(crate) fn effect(run: &RunId, step: u32) -> Vec<u8> {
    valid(mix(bits(run.as_str()) as u64, &step.to_be_bytes()))
}

/// A part of an alert's span, that is no run.
pub(crate) fn part(incident: &IncidentId, name: &str, number: u32) -> Vec<u8> {
    valid(mix(mix(bits(incident.as_str()) as u64, name.as_bytes()), &number.to_be_bytes()))
}

/// The trace of an incident, where this process sends it: for its log.
pub fn sent_trace_id(incident: &str) -> Option<String> {
    Ulid::from_string(&incident.to_ascii_uppercase()).ok()?;
    let (incident, ratio) = (IncidentId::new(incident), f64::from_bits(SENT.load(Ordering::Relaxed)));
    is_sampled(&incident, ratio).then(|| trace_id(&incident))
}

/// How large a part of incidents this process sends, in bits: its log is there before that is
/// known. None at first.
static SENT: AtomicU64 = AtomicU64::new(0);

/// Have the log tell traces.
pub(crate) fn send(ratio: f64) {
    SENT.store(ratio.to_bits(), Ordering::Relaxed);
}

/// Whether spans of an incident are sent, where those of so large a part of them are. By the
/// rule of OpenTelemetry's `TraceIdRatioBased`: by the end of the trace id alone.
pub(crate) fn is_sampled(incident: &IncidentId, ratio: f64) -> bool {
    // The last 63 bits, as a part of all that they can be.
    let place = (bits(incident.as_str()) as u64 >> 1) as f64 / (1u64 << 63) as f64;
    ratio >= 1.0 || place < ratio
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_found_by_the_id_of_its_incident() {
        let incident = IncidentId::new("01m84193w5633sgvcz8vm4hwsn");
        assert_eq!(trace_id(&incident).len(), 32);
        let hex: String = trace(&incident).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(trace_id(&incident), hex);
        assert_eq!(trace_id(&incident), "01a208148f8530c7986d9f46e848f335");
    }

    #[test]
    fn spans_of_one_run_differ_and_are_the_same_after_a_restart() {
        let run = RunId::new("01m84193w5633sgvcz8vm4hwsn");
        assert_ne!(effect(&run, 1), effect(&run, 2));
        assert_eq!(effect(&run, 1), effect(&RunId::new("01m84193w5633sgvcz8vm4hwsn"), 1));
        assert_ne!(effect(&RunId::new("other"), 1), effect(&run, 1));
    }
    #[test]
    fn a_part_of_all_incidents_is_chosen_and_always_the_same() {
        // Spread as random bits are.
        let ulid = |n: u128| Ulid(n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
        let ids: Vec<_> = (0..2000).map(|n| IncidentId::new(ulid(n).to_string())).collect();
        let chosen = |ratio| ids.iter().filter(|id| is_sampled(id, ratio)).count();
        assert_eq!((chosen(0.0), chosen(1.0)), (0, 2000));
        let quarter = chosen(0.25);
        assert!((400..600).contains(&quarter), "{quarter}");
        assert!(ids.iter().all(|id| !is_sampled(id, 0.25) || is_sampled(id, 0.5)));
    }
}
