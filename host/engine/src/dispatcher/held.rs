//! What the open incidents take in memory.

use suture_core::Labels;
use suture_journal::IncidentRecord;

/// Bytes that open incidents may take. Beyond, notifications wait in the inbox, which is bounded
/// too: what people may post decides neither how much memory nor how much disk there must be.
const MOST: usize = 64 << 20;
/// What each takes beside its texts.
const EACH: usize = 1 << 10;

/// About how many bytes the open incidents take.
#[derive(Debug, Default)]
pub(super) struct Bytes(usize);

impl Bytes {
    pub fn add(&mut self, incident: &IncidentRecord) {
        self.0 = self.0.saturating_add(size(incident));
    }

    pub fn remove(&mut self, incident: &IncidentRecord) {
        self.0 = self.0.saturating_sub(size(incident));
    }

    /// Whether no more may be opened.
    pub fn are_too_many(&self) -> bool {
        self.0 > MOST
    }
}

fn size(incident: &IncidentRecord) -> usize {
    let texts =
        |labels: &Labels| labels.iter().map(|(name, value)| name.len() + value.len() + 64).sum::<usize>();
    let alert = &incident.alert;
    EACH + texts(&incident.key) + texts(&alert.labels) + texts(&alert.annotations) + alert.generator_url.len()
}
