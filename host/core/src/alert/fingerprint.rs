//! Fingerprints of labels: Alertmanager's, and our own.

use sha2::Digest;

use super::Labels;

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;
/// Between and after names and values; no UTF-8 text has this byte.
const SEPARATOR: u8 = 0xff;

/// The fingerprint that Alertmanager gives these labels: FNV-1a of 64 bits over all names and
/// values in order (`LabelSet.Fingerprint` of prometheus/common). Whoever wants to can find other
/// labels with the same.
pub fn alertmanager_fingerprint(labels: &Labels) -> String {
    let bytes = labels
        .iter()
        .flat_map(|(name, value)| name.bytes().chain([SEPARATOR]).chain(value.bytes()).chain([SEPARATOR]));
    let hash = bytes.fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    format!("{hash:016x}")
}

/// A fingerprint of labels, our own: the same for the same labels.
pub fn fingerprint_of(labels: &Labels) -> String {
    let mut hash = sha2::Sha256::new();
    for (name, value) in labels {
        for part in [name, value] {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
    }
    hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_that_of_alertmanager() {
        // FNV-1a of nothing, and of what prometheus/common's own tests have.
        assert_eq!(alertmanager_fingerprint(&Labels::new()), "cbf29ce484222325");
        let labels = [("name", "garland, briggs"), ("fear", "love is not enough")];
        let labels: Labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(alertmanager_fingerprint(&labels), format!("{:016x}", 5_799_056_148_416_392_346_u64));
    }
}
