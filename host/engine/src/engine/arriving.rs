//! Notifications on their way to the disk.

use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of notifications that are being stored. The journal counts them only once they are on
/// disk; without these, many that come at once would all find room.
#[derive(Debug, Default)]
pub(crate) struct Arriving(AtomicU64);

/// One of them, until it is stored or refused.
pub(super) struct Counted<'a> {
    arriving: &'a AtomicU64,
    bytes: u64,
    /// The bytes of all there are, this one included.
    pub all: u64,
}

impl Arriving {
    pub fn add(&self, bytes: usize) -> Counted<'_> {
        let bytes = bytes as u64;
        let all = self.0.fetch_add(bytes, Ordering::AcqRel) + bytes;
        Counted { arriving: &self.0, bytes, all }
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.arriving.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}
