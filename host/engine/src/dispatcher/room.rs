//! A journal that is full of incidents which only wait for their alerts to clear.

use super::{Dispatcher, JOURNAL_RETRY};

/// Incidents that are closed at a time.
const AT_ONCE: usize = 1000;

impl Dispatcher {
    /// Close the oldest incidents that need nothing more of the host, where the journal is full
    /// and nothing else can leave it: alerts of which nobody says that they cleared must not keep
    /// out all that come after them. What is closed leaves as room is needed.
    pub(super) async fn make_room(&mut self) {
        let journal = self.shared.journal.clone();
        if !journal.room().is_full_with(0) || !journal.is_without_closed() {
            return;
        }
        let oldest = match journal.resting(AT_ONCE).await {
            Ok(oldest) => oldest,
            Err(error) => return self.try_later("incidents can't be read", &error),
        };
        if oldest.is_empty() {
            return;
        }
        tracing::warn!(
            incidents = oldest.len(),
            "the journal is full, and nothing in it is over: the oldest incidents that need nothing more are closed"
        );
        let now = self.now();
        let ids: Vec<_> = oldest.iter().map(|incident| incident.id.clone()).collect();
        self.incidents.take_in(oldest);
        for id in ids {
            let rests = |state: suture_journal::IncidentState| !state.is_active();
            if let Some(incident) = self.incidents.get(&id).filter(|incident| rests(incident.state)) {
                self.shared.metrics.alert(&incident.policy, "displaced");
                self.change(&id, |incident| incident.closed_at = Some(now));
            }
        }
        self.again_at = Some(self.shared.clock.after(JOURNAL_RETRY));
    }
}
