//! An entry of a run's record.

use suture_journal::Entry;

/// What can be read is read again as the same once it was written.
pub fn run(bytes: &[u8]) {
    let Ok(entry) = serde_json::from_slice::<Entry>(bytes) else { return };
    let written = serde_json::to_vec(&entry).unwrap_or_else(|error| panic!("not written: {error}"));
    let read: Entry =
        serde_json::from_slice(&written).unwrap_or_else(|error| panic!("not read back: {error}"));
    assert_eq!(read, entry);
}
