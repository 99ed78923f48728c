//! Alertmanager's fingerprint of labels.

use suture_core::Labels;

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;
/// Between and after names and values; no UTF-8 text has this byte.
const SEPARATOR: u8 = 0xff;

/// The fingerprint that Alertmanager gives these labels: FNV-1a of 64 bits over all names and
/// values in order (`LabelSet.Fingerprint` of prometheus/common).
pub(super) fn of(labels: &Labels) -> String {
    let bytes = labels
        .iter()
        .flat_map(|(name, value)| name.bytes().chain([SEPARATOR]).chain(value.bytes()).chain([SEPARATOR]));
    let hash = bytes.fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    format!("{hash:016x}")
}
